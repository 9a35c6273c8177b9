"""Streamed training on 25,000 to 1,600,000 reviews, and what two Dask workers gain: python -m benchmarks.scale

The reviews are made from the 25,000 published training reviews: all their sentences are dealt anew, among the reviews
of the same label, once for each file. So each file has the n-grams of a sentence as often as the published reviews
have, and the vocabulary is of about the same size whatever the number of files. They lie gzipped in a temporary folder
(1.6 million take 1 GB, and 12 GB meanwhile). Each measurement is a process of its own; up to 100,000 reviews, the
median of three. A number after the command is the largest size to measure.
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

from benchmarks.report import REAL_DATA, ROOT, machine, table, write_section
from projects.sentiment.data import Reviews, read_reviews
from projects.sentiment.sample import simulate_reviews

SIZES = 25_000, 100_000, 400_000, 1_600_000
SHARD = 25_000
EPOCHS = 3
WORKERS = 2
ROUNDS, OFTEN = 3, 100_000  # so many rounds of sizes up to this one, one of larger ones
DASK_SIZES = SIZES[:3]
PHASES = {"reading": "reading and counting words", "n-grams": "counting n-grams",
          "bags": "numbering the n-grams of each review", "training": "training"}  # fmt: skip
PICTURE = ROOT / "docs" / "scale.png"


def source():
    """The reviews to make others from, and whether they are simulated."""
    path = REAL_DATA / "aclImdb_v1.tar.gz"
    if path.exists():
        return read_reviews(path, "train"), False
    rows = simulate_reviews()
    return Reviews([str(row["text"]) for row in rows], [int(row["label"] == "positive") for row in rows]), True


def write_shards(folder, size):
    """Recombined reviews as folder/reviews-*.jsonl.gz; the first shards are the same whatever the size."""
    reviews, simulated = source()
    sentences = [np.array(re.split(r"(?<=[.!?])\s+", text), object) for text in reviews.texts]
    labels = np.array(reviews.labels)
    for shard in range(size // SHARD):
        rng, rows = np.random.default_rng(shard), []
        for kind in (0, 1):
            of_kind = [sentences[i] for i in np.flatnonzero(labels == kind)]
            dealt = rng.permutation(np.concatenate(of_kind))
            ends = np.cumsum([len(review) for review in of_kind])
            rows += [(" ".join(part), kind) for part in np.split(dealt, ends[:-1])]
        with gzip.open(folder / f"reviews-{shard:03}.jsonl.gz", "wt", compresslevel=1, encoding="utf-8") as file:
            for i in rng.permutation(len(rows)):
                file.write(json.dumps({"text": rows[i][0], "label": rows[i][1], "split": "train"}) + "\n")
    return simulated


def shards_of(folder, size, to):
    """A pattern of the first shards, linked into a folder of their own."""
    to.mkdir()
    for path in sorted(folder.glob("reviews-*.jsonl.gz"))[: size // SHARD]:
        (to / path.name).symlink_to(path)
    return to / "reviews-*.jsonl.gz"


def peak_memory():
    """Megabytes that this process has had in memory at most."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1000


def run_one(pattern, run, engine):
    """Print seconds by clock and processor of each phase, and peak memory, of one training, as JSON.

    engine: "local", "batches" (in this process, too, but large ones) or "dask".
    """
    import pandas  # noqa: F401 - what the phases would import, 0.4 s whatever the size, comes before the clock
    import scipy.sparse  # noqa: F401
    from projects.sentiment.shards import Engine
    from projects.sentiment.streaming import predict, train

    marks = {}

    def mark(phase):
        marks[phase] = np.array([time.perf_counter(), time.process_time()])

    def work(where):
        run_folder = Path(run)
        options = {"large_batches": engine != "local", "on_phase": mark, "on_epoch": lambda training: None}
        mark("start")
        model = train(Path(pattern), run_folder, engine=where, epochs=EPOCHS, **options)
        mark("scoring")
        if engine != "local":
            list(predict(model, Path(pattern), run_folder / "out", engine=where))
        mark("end")
        return model

    if engine == "dask":
        from distributed import Client

        from projects.sentiment.dask_engine import DaskEngine, local_cluster

        with local_cluster(WORKERS) as cluster, Client(cluster) as client:
            model = work(DaskEngine(client))
            workers = list(client.run(peak_memory).values())
    else:
        model, workers = work(Engine()), []
    names = list(marks)
    spent = {a: (marks[b] - marks[a]).tolist() for a, b in pairwise(names)}
    seconds, cpu = ({phase: pair[i] for phase, pair in spent.items()} for i in (0, 1))
    print(json.dumps({"seconds": seconds, "cpu": cpu, "memory": peak_memory(), "workers": workers,
                      "ngrams": len(model.vocabulary), "min_count": model.settings["min_count"],
                      "accuracy": model.settings["validation_accuracy"]}))  # fmt: skip


def core_time():
    """Time of all cores since the machine started, and what of it a virtual machine's host gave to others."""
    spent = [int(ticks) for ticks in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return np.array([sum(spent), spent[7]])


def measure(folder, size, engine):
    """What `run_one` finds in a process of its own, and the percentage of the cores' time that others got meanwhile."""
    with tempfile.TemporaryDirectory(dir=folder) as run:
        pattern = shards_of(folder, size, Path(run) / "data")
        before = core_time()
        command = [sys.executable, "-m", "benchmarks.scale", str(pattern), run, engine]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(done.stderr)
        every, others = core_time() - before
        found = json.loads(done.stdout.splitlines()[-1]) | {"size": size, "stolen": float(100 * others / every)}
        print(engine, found, file=sys.stderr, flush=True)
        return found


def measure_all(folder, sizes, engines):
    """For each size what `measure` finds with each of the engines, in turns; of several rounds, the median by time."""
    for size in sizes:
        rounds = [[measure(folder, size, engine) for engine in engines] for _ in range(ROUNDS if size <= OFTEN else 1)]
        yield [sorted(runs, key=lambda found: sum(found["seconds"].values()))[len(runs) // 2]
               for runs in zip(*rounds, strict=True)]  # fmt: skip


def total(found, clock="seconds"):
    return sum(found[clock].get(phase, 0) for phase in PHASES.values())


def draw(local, pairs):
    """Time per review and peak memory by size."""
    from projects.common.plots import Figure  # in the style of all pictures

    figure = Figure(figsize=(10, 3.6), layout="constrained")
    times, memory = figure.subplots(1, 2, width_ratios=(3, 2))
    sizes = [found["size"] for found in local]
    series = [("one process", local), ("the same, processor time", local),
              ("one process, large batches", [one for one, _ in pairs]),
              (f"{WORKERS} Dask workers, large batches", [two for _, two in pairs])]  # fmt: skip
    for name, runs in series:
        clock, line = ("cpu", "o:") if "processor" in name else ("seconds", "o-")
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


def report(local, pairs, simulated):
    rows = [
        [f"{f['size']:,}", *(f"{f['cpu'][p] / f['size'] * 1e6:,.0f}" for p in PHASES.values()),
         f"{total(f, 'cpu') / f['size'] * 1e6:,.0f}", f"{total(f) / f['size'] * 1e6:,.0f}",
         f"{f['memory']:,.0f}", f"{f['ngrams']:,}", f"{f['min_count']}", f"{f['stolen']:.0f}"]
        for f in local
    ]  # fmt: skip
    beside, (*counting, training) = [], PHASES.values()
    for one, two in pairs:
        for name, phases in (("counting", counting), ("training", [training]), ("scoring", ["scoring"])):
            a, b = (sum(found["seconds"][phase] for phase in phases) for found in (one, two))
            beside.append([f"{one['size']:,}, {name}", f"{a:,.1f}", f"{b:,.1f}", f"{a / b:.2f}", ""])
        a, b = (sum(found["seconds"].values()) for found in (one, two))
        stolen = " and ".join(f"{found['stolen']:.0f}" for found in (one, two))
        beside.append([f"{one['size']:,}, all", f"{a:,.1f}", f"{b:,.1f}", f"{a / b:.2f}", stolen])
    pays = None  # the size from which on the workers are always faster
    for one, two in reversed(pairs):
        if sum(one["seconds"].values()) <= sum(two["seconds"].values()):
            break
        pays = one["size"]
    largest = max([0, *(memory for _, two in pairs for memory in two["workers"])])
    paid = f"They pay from {pays:,} reviews on." if pays else "They do not pay yet at the largest of these sizes."
    kind = "SIMULATED reviews" if simulated else "Sentences of the published reviews"
    header = ["reviews", *PHASES, "together", "by the clock", "peak MB", "n-grams", "min count", "stolen, %"]
    return f"""\
{machine("numpy", "scipy", "pandas", "dask", "distributed")}

{kind}, dealt anew among the reviews of their label; {EPOCHS} epochs. One process; microseconds of
the processor for a review, by phase and together, and of the clock: they differ where others want the same cores.
Stolen: what the host of a virtual machine gave to others of the time of its cores. Medians of {ROUNDS} runs up to
{OFTEN:,} reviews, single runs above.

{table(header, rows)}
One process against {WORKERS} Dask workers of one thread each, both with large batches; seconds, and how many times as
fast the workers are. Largest worker: {largest:,.0f} MB. {paid}

{table(["reviews, phase", "one process", f"{WORKERS} workers", "gain", "stolen, %"], beside)}
![Time per review and peak memory](../docs/scale.png)"""


def main(largest=SIZES[-1]):
    """Measure all sizes in a folder that is gone afterwards, and write section and picture."""
    sizes, dask_sizes = ([size for size in some if size <= largest] for some in (SIZES, DASK_SIZES))
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        simulated = write_shards(folder, max(sizes))
        local = [found for (found,) in measure_all(folder, sizes, ["local"])]
        pairs = []
        for pair in measure_all(folder, dask_sizes, ["batches", "dask"]):
            pairs.append(pair)
            draw(local, pairs)  # after each: what takes long is not lost by what comes last
            write_section("Scale", "python -m benchmarks.scale", report(local, pairs, simulated))


if __name__ == "__main__":
    if len(sys.argv) == 4:
        run_one(*sys.argv[1:])
    else:
        main(*map(int, sys.argv[1:]))
