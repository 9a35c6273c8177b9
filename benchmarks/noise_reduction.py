"""What the two noise reductions cost and save: python -m benchmarks.noise_reduction

For each min_count and polarity_cutoff, the default network is fitted to nine tenths of the training reviews and
measured on the last tenth, for three draws of it. The test reviews are not looked at.
"""

import dataclasses
import statistics
import sys
import time

import numpy as np

from benchmarks.report import ROOT, machine, table, write_section
from benchmarks.reviews import ARCHIVE, estimator_settings
from nn import TwoLayerClassifier
from projects.common.plots import BLUE, ORANGE, new_figure, save_figure
from projects.sentiment.counting import build_vocabulary
from projects.sentiment.data import read_reviews
from projects.sentiment.ngrams import csr_matrix
from projects.sentiment.settings import Settings, complete

MIN_COUNTS, CUTOFFS = (3, 10, 30, 100), (0.0, 0.05, 0.2, 0.5, 1.0)
DRAWS = 3
BYTES = (
    4 * complete(Settings(), 2).hidden_units + 8 + 4 + 4
)  # of an n-gram in the file: its row of W1, code, count and ratio
PICTURE = ROOT / "docs" / "noise-reduction.png"


def measure(reviews):
    """For each (min_count, cutoff): means of accuracy, n-grams, seconds an epoch, and megabytes."""
    draws = [np.random.default_rng(seed).permutation(len(reviews.labels)) for seed in range(DRAWS)]
    found = {}
    for min_count in MIN_COUNTS:
        by_draw = [measure_draw(reviews, order, min_count, seed) for seed, order in enumerate(draws)]
        for cutoff, results in zip(CUTOFFS, zip(*by_draw, strict=True), strict=True):
            accuracies, sizes, seconds = zip(*results, strict=True)
            n = round(statistics.fmean(sizes))
            found[min_count, cutoff] = statistics.fmean(accuracies), n, statistics.median(seconds), n * BYTES / 1e6
            print(min_count, cutoff, found[min_count, cutoff], file=sys.stderr, flush=True)
    return found


def measure_draw(reviews, order, min_count, seed):
    """For each cutoff accuracy, n-grams and seconds an epoch, where the first tenth of this order is held out."""
    held_out = len(order) // 10
    unseen, rows = order[:held_out], order[held_out:]
    labels = np.array(reviews.labels)
    every = build_vocabulary(reviews.take(rows), Settings(min_count=min_count, polarity_cutoff=0))
    indices, indptr = every.columns_of(reviews.texts)
    presence = csr_matrix(np.ones(len(indices), np.float32), indices, indptr, len(every))
    arguments = estimator_settings(Settings(), len(rows))
    results = []
    for cutoff in CUTOFFS:
        vocabulary = dataclasses.replace(every, polarity_cutoff=cutoff)
        in_bag = presence[:, vocabulary.in_bag]  # [reviews, columns]
        bag = vocabulary.bag(in_bag.indices, in_bag.indptr)
        classifier = TwoLayerClassifier(random_state=seed, **arguments)
        started = time.perf_counter()
        classifier.fit(bag[rows], labels[rows])
        seconds = (time.perf_counter() - started) / classifier.epochs
        results.append((classifier.score(bag[unseen], labels[unseen]), len(vocabulary), seconds))
    return results


def draw(found):
    figure, axes = new_figure(width=9, height=5)
    for values, colour, style in ((MIN_COUNTS, BLUE, "o-"), (CUTOFFS, ORANGE, "s--")):
        by_count = values is MIN_COUNTS
        cases = [(value, 0.05) if by_count else (3, value) for value in values]
        accuracy, n = zip(*(found[case][:2] for case in cases), strict=True)
        name = "min count, at cutoff 0.05" if by_count else "polarity cutoff, at min count 3"
        axes.plot(n, [100 * a for a in accuracy], style, color=colour, label=name)
        for x, y, value in zip(n, accuracy, values, strict=True):
            offset = (0, 8) if by_count else (0, -14)
            place = {"xytext": offset, "textcoords": "offset points", "ha": "center"}
            axes.annotate(f"{value:g}", (x, 100 * y), color=colour, **place)
    whole, small = found[3, 0.05], found[30, 0.05]
    axes.set(
        title=f"A {whole[1] / small[1]:.0f} times smaller vocabulary costs {100 * (whole[0] - small[0]):.1f} points",
        xlabel="n-grams in the bag",
        ylabel="accuracy on the held-out reviews, %",
        xscale="log",
    )
    axes.margins(y=0.15)
    axes.legend()
    print(save_figure(figure, PICTURE, simulated=False))


def main():
    """Measure, draw and write the section."""
    if not ARCHIVE.exists():
        sys.exit(f"no {ARCHIVE}: set REAL_DATA_DIR to the folder that has the published archive")
    found = measure(read_reviews(ARCHIVE, "train"))
    draw(found)
    rows = [
        [str(min_count), f"{cutoff:g}", f"{100 * accuracy:.2f}", f"{n:,}", f"{1000 * seconds:.0f}", f"{size:.1f}"]
        for (min_count, cutoff), (accuracy, n, seconds, size) in found.items()
    ]
    header = ["min count", "polarity cutoff", "accuracy, %", "n-grams", "epoch, ms", "model, MB"]
    text = f"""\
{machine("numpy", "scipy", "pandas")}

1-3-grams of the training reviews; accuracy is the mean over {DRAWS} draws of a held-out tenth.

{table(header, rows)}"""
    write_section("Noise reduction", "python -m benchmarks.noise_reduction", text)


if __name__ == "__main__":
    main()
