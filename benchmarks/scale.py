"""Training on 25,000 to 1,600,000 reviews, and what two Dask workers gain: python -m benchmarks.scale

The reviews are made from the 25,000 published training reviews: all their sentences are dealt anew, among the reviews
of the same label, once for each file. So each file has the n-grams of a sentence as often as the published reviews
have, and the vocabulary is of about the same size whatever the number of files. They lie gzipped in a temporary folder
(1.6 million take 1 GB, and 12 GB meanwhile). Each measurement is a process of its own; up to 100,000 reviews, the
median of three. A number after the command is the largest number of files to measure.
"""

import gzip
import json
import re
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import numpy as np

from benchmarks.report import ROOT, machine, table, write_section
from benchmarks.reviews import some_reviews

FILES = 1, 4, 16, 64  # each of as many reviews as the published ones to train on
EPOCHS = 3
WORKERS = 2
ROUNDS, OFTEN = 3, 100_000  # so many rounds of sizes up to this one, one of larger ones
FILES_BESIDE = FILES[:3]
SIDES = {"thread": "one thread", "threads": f"{WORKERS} threads", "dask": f"{WORKERS} workers"}  # with large batches
PHASES = ("reading", "counting", "training")  # the first words of what a watcher is told
PICTURE = ROOT / "docs" / "scale.png"


def write_files(folder, n_files):
    """Recombined reviews as folder/reviews-*.jsonl.gz; the first files are the same however many there are.

    Returns the number of reviews in a file, and whether they are simulated.
    """
    reviews = some_reviews("train")
    sentences = [np.array(re.split(r"(?<=[.!?])\s+", text), object) for text in reviews.texts]
    labels = np.array(reviews.labels)
    for number in range(n_files):
        rng = np.random.default_rng(number)
        rows = []
        for kind in (0, 1):
            of_kind = [sentences[i] for i in np.flatnonzero(labels == kind)]
            dealt = rng.permutation(np.concatenate(of_kind))
            ends = np.cumsum([len(review) for review in of_kind])
            rows += [(" ".join(part), kind) for part in np.split(dealt, ends[:-1])]
        with gzip.open(folder / f"reviews-{number:03}.jsonl.gz", "wt", compresslevel=1, encoding="utf-8") as file:
            for i in rng.permutation(len(rows)):
                file.write(json.dumps({"text": rows[i][0], "label": rows[i][1], "split": "train"}) + "\n")
    return len(reviews.texts), reviews.simulated


def link_files(folder, n_files, to):
    """A pattern of the first files, linked into a folder of their own."""
    to.mkdir()
    for path in sorted(folder.glob("reviews-*.jsonl.gz"))[:n_files]:
        (to / path.name).symlink_to(path)
    return to / "reviews-*.jsonl.gz"


def peak_memory():
    """Megabytes that this process has had in memory at most."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1000


def run_one(pattern, run, engine):
    """Print seconds by clock and processor of each phase, and peak memory, of one training, as JSON.

    engine: "local" (as `sentiment train` works), or with large batches one of SIDES.
    """
    import pandas  # noqa: F401 - what the phases would import, 0.4 s whatever the size, comes before the clock
    import scipy.sparse  # noqa: F401

    from projects.sentiment.answers import predict_files
    from projects.sentiment.data import files_of
    from projects.sentiment.engine import Engine
    from projects.sentiment.settings import Settings
    from projects.sentiment.training import Watcher, train

    marks = {}

    def mark(phase):
        marks[phase.split()[0]] = np.array([time.perf_counter(), time.process_time()])

    def work(where):
        run_folder = Path(run)
        files = files_of(Path(pattern))
        settings = Settings(epochs=EPOCHS, refit=False, large_batches=engine != "local")
        in_memory = 0 if engine == "dask" else None
        mark("start")
        model = train(files, settings, None, where, run_folder, Watcher(on_phase=mark), in_memory)
        mark("scoring")
        if engine != "local":
            list(predict_files(model, files, run_folder / "out", engine=where))
        mark("end")
        return model

    if engine == "dask":
        from distributed import Client

        from projects.sentiment.dask_engine import DaskEngine, local_cluster

        with local_cluster(WORKERS) as cluster, Client(cluster) as client:
            model = work(DaskEngine(client))
            workers = list(client.run(peak_memory).values())
    else:
        threads = {"thread": 1, "threads": WORKERS}.get(engine)
        model = work(Engine(threads))
        workers = []
    names = list(marks)
    spent = {a: (marks[b] - marks[a]).tolist() for a, b in pairwise(names)}
    seconds, cpu = ({phase: pair[i] for phase, pair in spent.items()} for i in (0, 1))
    print(json.dumps({"seconds": seconds, "cpu": cpu, "memory": peak_memory(), "workers": workers,
                      "ngrams": len(model.vocabulary), "min_count": model.settings["least_count"],
                      "accuracy": model.settings["validation_accuracy"]}))  # fmt: skip


def core_time():
    """Time of all cores since the machine started, and what of it a virtual machine's host gave to others."""
    spent = [int(ticks) for ticks in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return np.array([sum(spent), spent[7]])


def measure(folder, n_files, in_file, engine):
    """What `run_one` finds in a process of its own, and the percentage of the cores' time that others got meanwhile."""
    size = n_files * in_file
    with tempfile.TemporaryDirectory(dir=folder) as run:
        pattern = link_files(folder, n_files, Path(run) / "data")
        before = core_time()
        command = [sys.executable, "-m", "benchmarks.scale", str(pattern), run, engine]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(done.stderr)
        every, others = core_time() - before
        found = json.loads(done.stdout.splitlines()[-1]) | {"size": size, "stolen": float(100 * others / every)}
        print(engine, found, file=sys.stderr, flush=True)
        return found


def measure_all(folder, in_file, numbers_of_files, engines):
    """For each number of files what `measure` finds with each of the engines, in turns; of several rounds, the median
    by time."""
    for n_files in numbers_of_files:
        rounds = ROUNDS if n_files * in_file <= OFTEN else 1
        found = [[measure(folder, n_files, in_file, engine) for engine in engines] for _ in range(rounds)]
        yield [sorted(runs, key=all_seconds)[len(runs) // 2] for runs in zip(*found, strict=True)]


def all_seconds(found):
    return sum(found["seconds"].values())


def total(found, clock="seconds"):
    return sum(found[clock].get(phase, 0) for phase in PHASES)


def draw(local, beside):
    """Time per review and peak memory by size."""
    from projects.common.plots import Figure  # in the style of all pictures

    figure = Figure(figsize=(10, 3.6), layout="constrained")
    times, memory = figure.subplots(1, 2, width_ratios=(3, 2))
    sizes = [found["size"] for found in local]
    series = {"as it comes": (local, "seconds"), "the same, processor time": (local, "cpu")}
    for number, name in enumerate(SIDES.values()):
        series[f"{name}, large batches"] = ([sides[number] for sides in beside], "seconds")
    for name, (runs, clock) in series.items():
        line = "o:" if clock == "cpu" else "o-"
        times.plot([f["size"] for f in runs], [total(f, clock) / f["size"] * 1e3 for f in runs], line, label=name)
    first, last = (1e6 * total(found, "cpu") / found["size"] for found in (local[0], local[-1]))
    title = f"Training: from {first:.0f} to {last:.0f} µs of processor a review"
    times.set(xscale="log", ylim=(0, None), xlabel="reviews", ylabel="time, in ms a review", title=title)
    times.legend(fontsize=8)
    peaks = [found["memory"] for found in local]
    memory.plot(sizes, peaks, "o-")
    memory.set(xscale="log", ylim=(0, 1.2 * max(peaks)), xlabel="reviews", ylabel="peak memory of one process, in MB",
               title=f"Peak memory: {min(peaks):,.0f} to {max(peaks):,.0f} MB")  # fmt: skip
    figure.savefig(PICTURE, dpi=110)


def rows_beside(beside):
    """For each size and phase: seconds of each side, and how many times as fast as one thread the others are."""
    *counting, training = PHASES
    rows = []
    for sides in beside:
        size = f"{sides[0]['size']:,}"
        for name, phases in (("counting", counting), ("training", [training]), ("scoring", ["scoring"])):
            seconds = [sum(found["seconds"][phase] for phase in phases) for found in sides]
            rows.append([f"{size}, {name}", *cells_beside(seconds), ""])
        stolen = ", ".join(f"{found['stolen']:.0f}" for found in sides)
        rows.append([f"{size}, all", *cells_beside([all_seconds(found) for found in sides]), stolen])
    return rows


def cells_beside(seconds):
    """The seconds, and how many times as long the first side takes."""
    return [f"{s:,.1f}" for s in seconds] + [f"{seconds[0] / s:.2f}" for s in seconds[1:]]


def report(local, beside, simulated):
    rows = [
        [f"{f['size']:,}", *(f"{f['cpu'][p] / f['size'] * 1e6:,.0f}" for p in PHASES),
         f"{total(f, 'cpu') / f['size'] * 1e6:,.0f}", f"{total(f) / f['size'] * 1e6:,.0f}",
         f"{f['memory']:,.0f}", f"{f['ngrams']:,}", f"{f['min_count']}", f"{f['stolen']:.0f}"]
        for f in local
    ]  # fmt: skip
    largest = max([0, *(memory for sides in beside for memory in sides[-1]["workers"])])
    kind = "SIMULATED reviews" if simulated else "Sentences of the published reviews"
    header = ["reviews", *PHASES, "together", "by the clock", "peak MB", "n-grams", "least count", "stolen, %"]
    others = list(SIDES.values())[1:]
    return f"""\
{machine("numpy", "scipy", "pandas", "dask", "distributed")}

{kind}, dealt anew among the reviews of their label; {EPOCHS} epochs of one fit, the measured one (`--no-refit`).
One process, as it comes; microseconds of the processor for a review, by phase and together, and of the clock: with its
threads it works on all cores at once, and others want them, too. Stolen: what the host of a virtual machine gave to
others of the time of its cores. Medians of {ROUNDS} runs up to {OFTEN:,} reviews, single runs above.

{table(header, rows)}
Large batches (`--large-batches`) in one process with one thread, in one with {WORKERS}, and on {WORKERS} Dask workers
of one thread each, who keep all in files; seconds, and how many times as fast as one thread. Largest worker:
{largest:,.0f} MB.

{table(["reviews, phase", *SIDES.values(), *(f"gain of {name}" for name in others), "stolen, %"], rows_beside(beside))}
![Time per review and peak memory](../docs/scale.png)"""


def main(most_files=FILES[-1]):
    """Measure all sizes in a folder that is gone afterwards, and write section and picture."""
    numbers, numbers_beside = ([n for n in some if n <= most_files] for some in (FILES, FILES_BESIDE))
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        in_file, simulated = write_files(folder, max(numbers))
        local = [found for (found,) in measure_all(folder, in_file, numbers, ["local"])]
        beside = []
        for sides in measure_all(folder, in_file, numbers_beside, list(SIDES)):
            beside.append(sides)
            draw(local, beside)  # after each: what takes long is not lost by what comes last
            write_section("Scale", "python -m benchmarks.scale", report(local, beside, simulated))


if __name__ == "__main__":
    if len(sys.argv) == 4:
        run_one(*sys.argv[1:])
    else:
        main(*map(int, sys.argv[1:]))
