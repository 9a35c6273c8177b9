"""Kill trainings at random moments, go on with them, and compare; change every byte of a model file.

    python -m benchmarks.torture [bikes | sentiment | folder] [ROUNDS]

Real processes, seeded. The bikes and, without the archive, the reviews are simulated. `sentiment` has all in memory,
`folder` in files; each kill is in a phase drawn at random: reading, counting or training. A training that was killed
goes on with --resume where it left a checkpoint, else begins again. It writes no section of docs/results.md: it prints
its figures and fails if one model differs.
"""

import csv
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from benchmarks.reviews import some_reviews
from projects.bikes.model import BikesModel
from projects.common.checkpoint import CHECKPOINT, Checkpoint
from projects.common.errors import ProjectError
from projects.common.progress import HISTORY
from projects.common.run_folder import MODEL, WORKING
from projects.sentiment.model import SentimentModel

ROUNDS = 20  # trainings of each case, each killed one to three times
REVIEWS = 5_000  # of the published ones, in a table
KIND = {"bikes": BikesModel, "sentiment": SentimentModel}
SMALL = {
    "bikes": ["--members", "1", "--hidden-units", "1", "--epochs", "1"],
    "sentiment": ["--ngrams", "1", "--min-count", "100", "--hidden-units", "1", "--epochs", "1"],
}
NOTED = "phase: "
STARTING = "starting"
# a process that writes its checkpoint after each epoch and says where it is, so that there is much to disturb
EVERY_EPOCH = """
import sys
from projects.common import checkpoint, cli
checkpoint.EVERY = 0.0
cli.note = lambda phase: print({noted!r} + phase, file=sys.stderr, flush=True)
{setup}
from projects.{pipeline}.cli import main
main()
"""
MANY_BLOCKS = "from projects.sentiment import blocks, runs, store; runs.RUN = blocks.BLOCK = 500; "


class Case(NamedTuple):
    """What is tortured."""

    name: str
    pipeline: str
    options: list[str]
    epochs: int
    fits: int
    setup: str  # Python, before the command is imported


CASES = [
    Case("bikes", "bikes", ["--members", "3"], epochs=10, fits=6, setup=""),
    Case("sentiment", "sentiment", ["--data", "reviews.csv"], epochs=12, fits=2, setup=MANY_BLOCKS),
    Case(
        "folder", "sentiment", ["--data", "reviews.csv"], epochs=12, fits=2, setup=MANY_BLOCKS + "store.IN_MEMORY = 0"
    ),
]


def start(case, folder, *arguments, verb="train"):
    """A process of the case's command."""
    script = EVERY_EPOCH.format(noted=NOTED, setup=case.setup, pipeline=case.pipeline)
    command = [sys.executable, "-c", script, verb]
    if verb == "train":
        command += [*case.options, "--epochs", str(case.epochs)]
    return subprocess.Popen(
        [*command, *arguments], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )


def finish(process):
    """Wait for its end, which must be a good one."""
    errors = process.communicate()[1]
    assert process.returncode == 0, errors


def prepare(case, folder):
    """Put the data into the folder."""
    if case.pipeline == "bikes":
        finish(start(case, folder, "--sample", verb="download"))
        return
    reviews = some_reviews("train")
    rows = zip(reviews.texts[:REVIEWS], reviews.labels[:REVIEWS], strict=True)
    with (folder / "reviews.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("text", "label", "split"), *((text, label, "train") for text, label in rows)])


def undisturbed(case, folder):
    """The files of a training that nobody kills, and its phases: name and seconds at which it begins and ends."""
    began = time.monotonic()
    process = start(case, folder, "--run", "whole")
    names = [STARTING]
    moments = [0.0]
    lines = []
    for line in process.stderr:
        lines.append(line)
        if line.startswith(NOTED):
            names.append(line.removeprefix(NOTED).rstrip())
            moments.append(time.monotonic() - began)
    assert process.wait() == 0, "".join(lines)
    moments.append(time.monotonic() - began)
    files = {name: (folder / "whole" / name).read_bytes() for name in (MODEL, HISTORY)}
    return files, list(zip(names, moments[:-1], moments[1:], strict=True))


def where_killed(run, case, older, errors, last_phase):
    """How far a killed training had come, by what it left and what it noted."""
    noted = [line.removeprefix(NOTED) for line in errors.splitlines() if line.startswith(NOTED)]
    if not (run / CHECKPOINT).exists():
        if (run / MODEL).read_bytes() != older:
            return "after its end"
        return f"before the first checkpoint, {noted[-1].split()[0] if noted else STARTING}"
    if (run / MODEL).read_bytes() != older:
        return "model saved, checkpoint not yet removed"
    if not noted or noted[-1] != last_phase:
        return f"resumed, {noted[-1].split()[0] if noted else STARTING}"
    done = sum(len(state["history"]) for state in Checkpoint(run, case.pipeline, resume=True).states.values())
    quarter = min(4 * done // (case.fits * case.epochs), 3)
    return f"{25 * quarter} to {25 * quarter + 25} % of the epochs"


def killed(case, folder, rounds):
    """So many trainings: kills by phase, and in how many of them something half-written was left."""
    rng = random.Random(case.name)
    places = Counter()
    halves = 0
    finish(start(case, folder, "--run", "older", "--seed", "1", "--epochs", "1"))
    older = (folder / "older" / MODEL).read_bytes()
    whole, phases = undisturbed(case, folder)
    last_phase = phases[-1][0]
    run = folder / "run"
    for done in range(1, rounds + 1):
        shutil.rmtree(run, ignore_errors=True)
        shutil.copytree(folder / "older", run)
        process = start(case, folder, "--run", "run")
        for number in range(1, rng.randint(2, 4)):
            name, begin, end = rng.choice(phases[1:] or phases)
            shorter = number if name == last_phase else 1  # a resumed training has less to train
            time.sleep(begin + rng.random() * (end - begin) / shorter)
            if process.poll() is not None:
                break
            process.send_signal(signal.SIGKILL)
            errors = process.communicate()[1]
            assert (run / MODEL).read_bytes() in (older, whole[MODEL]), "a model file that is neither old nor new"
            places[where_killed(run, case, older, errors, last_phase)] += 1
            halves += any(run.glob(".*.tmp")) or any(run.glob(f"{WORKING}*/*.tmp"))
            process = start(case, folder, "--run", "run", *(["--resume"] if (run / CHECKPOINT).exists() else []))
        finish(process)
        left = {path.name: path.is_file() and path.read_bytes() for path in run.iterdir()}
        assert left == whole, f"{case.name}: resumed, but not as if nothing had happened: {sorted(left)}"
        print(f"{case.name}: {done} of {rounds}, {places.total()} kills", file=sys.stderr, flush=True)
    return places, halves


def flipped(case, folder):
    """Bytes of a small model file, each of which, changed, was noticed; and bytes that say nothing.

    Between header and arrays are some spaces: with another kind of space among them it is the same model.
    """
    finish(start(case, folder, "--run", "small", *SMALL[case.pipeline]))
    path = folder / "small" / MODEL
    again = folder / "small" / f"again-{MODEL}"
    rng = random.Random(case.name)
    load = KIND[case.pipeline].load
    whole = path.read_bytes()
    load(path)
    same = 0
    for i in range(len(whole)):
        path.write_bytes(whole[:i] + bytes([whole[i] ^ rng.randint(1, 255)]) + whole[i + 1 :])
        try:
            model = load(path)
        except ProjectError:
            continue
        model.save(again)
        assert again.read_bytes() == whole, f"{case.name}: byte {i} was changed, and another model loaded"
        same += 1
    return len(whole) - same, same


def main(*arguments):
    """Torture the cases that are named, else all."""
    names = [argument for argument in arguments if not argument.isdigit()]
    rounds = [int(argument) for argument in arguments if argument.isdigit()] or [ROUNDS]
    for case in CASES:
        if names and case.name not in names:
            continue
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            prepare(case, folder)
            places, halves = killed(case, folder, rounds[0])
            print(f"{case.name}: {rounds[0]} trainings, {places.total()} kills survived, the same bytes each time")
            for where, kills in sorted(places.items()):
                print(f"  {kills:3} {where}")
            print(f"  {halves:3} of them left something half-written", flush=True)
            if case.name in KIND:
                noticed, same = flipped(case, folder)
                print(f"  each of {noticed:,} bytes of a small model changed: noticed", flush=True)
                print(f"  {same} of its spaces changed: the same model", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
