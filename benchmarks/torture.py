"""Kill trainings at random moments, go on with them, and compare; change every byte of a model file.

Simulated data, real processes, seeded. It writes no section of RESULTS.md: it prints its figures and fails if one
model differs.
"""

import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from projects.bikes.model import BikesModel
from projects.common.checkpoint import CHECKPOINT, Checkpoint
from projects.common.cli import HISTORY, MODEL
from projects.common.errors import ProjectError
from projects.sentiment.model import SentimentModel

ROUNDS = 30  # trainings of each pipeline, each killed one to three times
KIND = {"bikes": BikesModel, "sentiment": SentimentModel}
OPTIONS = {"bikes": ["--members", "3", "--epochs", "10"], "sentiment": ["--epochs", "200"]}
FITS = {"bikes": 6, "sentiment": 2}
SMALL = {
    "bikes": ["--members", "1", "--hidden-units", "1", "--epochs", "1"],
    "sentiment": ["--ngrams", "1", "--min-count", "100", "--hidden-units", "1", "--epochs", "1"],
}
EVERY_EPOCH = (
    "from projects.common import checkpoint; checkpoint.EVERY = 0.0; from projects.{0}.cli import main; main()"
)


def start(pipeline, folder, *arguments):
    """A process that writes its checkpoint after each epoch, so that there is much to disturb."""
    command = [sys.executable, "-c", EVERY_EPOCH.format(pipeline), *arguments]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def finish(process):
    """Wait for its end, which must be a good one."""
    errors = process.communicate()[1]
    assert process.returncode == 0, errors


def phase(run, pipeline, epochs, older):
    """How far a killed training had come, by what it left."""
    if not (run / CHECKPOINT).exists():
        return "before the first checkpoint" if (run / MODEL).read_bytes() == older else "after its end"
    if (run / MODEL).read_bytes() != older:
        return "model saved, checkpoint not yet removed"
    done = sum(len(state["history"]) for state in Checkpoint(run, pipeline, resume=True).states.values())
    quarter = min(4 * done // (FITS[pipeline] * epochs), 3)
    return f"{25 * quarter} to {25 * quarter + 25} % of the epochs"


def killed(pipeline, folder):
    """ROUNDS trainings of one pipeline: kills by phase, and in how many of them a half-written file was left."""
    moments, phases, halves = random.Random(pipeline), Counter(), 0
    finish(start(pipeline, folder, "train", "--run", "older", "--seed", "1", "--epochs", "1"))
    older = (folder / "older" / MODEL).read_bytes()
    began = time.monotonic()
    finish(start(pipeline, folder, "train", "--run", "whole", *OPTIONS[pipeline]))
    duration, run = time.monotonic() - began, folder / "run"
    whole = {name: (folder / "whole" / name).read_bytes() for name in (MODEL, HISTORY)}
    arguments = ["train", "--run", "run", *OPTIONS[pipeline]]
    for _ in range(ROUNDS):
        shutil.rmtree(run, ignore_errors=True)
        shutil.copytree(folder / "older", run)
        process = start(pipeline, folder, *arguments)
        for number in range(1, moments.randint(2, 4)):
            time.sleep(moments.uniform(0.2, 0.9) * duration / number)  # a resumed training has less to do
            if process.poll() is not None:
                break
            process.send_signal(signal.SIGKILL)
            process.communicate()
            assert (run / MODEL).read_bytes() in (older, whole[MODEL]), "a model file that is neither old nor new"
            phases[phase(run, pipeline, int(OPTIONS[pipeline][-1]), older)] += 1
            halves += any(run.glob(".*.tmp"))
            process = start(pipeline, folder, *arguments, *(["--resume"] if (run / CHECKPOINT).exists() else []))
        finish(process)
        left = {path.name: path.read_bytes() for path in run.iterdir()}
        assert left == whole, f"{pipeline}: resumed, but not as if nothing had happened"
    return phases, halves


def flipped(pipeline, folder):
    """The number of bytes of a small model file, each of which, changed, was noticed."""
    finish(start(pipeline, folder, "train", "--run", "small", *SMALL[pipeline]))
    path, moments = folder / "small" / MODEL, random.Random(pipeline)
    whole = path.read_bytes()
    KIND[pipeline].load(path)
    for i in range(len(whole)):
        path.write_bytes(whole[:i] + bytes([whole[i] ^ moments.randint(1, 255)]) + whole[i + 1 :])
        try:
            KIND[pipeline].load(path)
        except ProjectError:
            continue
        raise AssertionError(f"{pipeline}: byte {i} was changed, and the model loaded")
    return len(whole)


def main():
    for pipeline in KIND:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            finish(start(pipeline, folder, "download", "--sample"))
            phases, halves = killed(pipeline, folder)
            print(
                f"{pipeline}: {ROUNDS} trainings, {phases.total()} kills survived, the same bytes each time", flush=True
            )
            for where, kills in sorted(phases.items()):
                print(f"  {kills:3} {where}")
            print(f"  {halves:3} of them left a half-written file beside the whole ones")
            print(f"  each of {flipped(pipeline, folder):,} bytes of a small model changed: noticed", flush=True)


if __name__ == "__main__":
    main()
