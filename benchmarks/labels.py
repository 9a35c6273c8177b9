"""`sentiment` with two, four and eight labels beside what people would use instead: python -m benchmarks.labels

Ours has its default settings. The others are scikit-learn's tf-idf of 1-2-grams with logistic regression, and fastText;
both are tuned for each data set, on the texts that our own training holds out for validation. All sides get the same
texts, on one core of one process. The test texts are looked at once, at the end.
"""

import os
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.report import REAL_DATA, machine, table, write_section
from benchmarks.reviews import ARCHIVE, simulated_reviews
from nn import metrics
from projects.sentiment.archive import review_members
from projects.sentiment.blocks import threshold
from projects.sentiment.data import Reviews, read_reviews
from projects.sentiment.hashes import mix, text_hash
from projects.sentiment.settings import Settings
from projects.sentiment.tokens import tokens
from projects.sentiment.training import train

ROUNDS = 5  # ours with a seed each
ROUNDS_OF_OTHERS = 1  # they give the same each time, and are measured by the processor's clock
OURS, SCIKIT_LEARN, FASTTEXT = "two-layer, as it comes", "scikit-learn, tf-idf", "fastText"
C_TRIED = (1.0, 3.0, 10.0, 30.0)
FASTTEXT_START = {"epoch": 10, "lr": 0.5, "wordNgrams": 2}
# without wordNgrams=1, with which a second training in a process ends with "Encountered NaN" (fasttext 0.9.3)
FASTTEXT_TRIED = {"wordNgrams": (2, 3), "epoch": (5, 10, 25), "lr": (0.25, 0.5, 1.0)}
STARS = re.compile(r"_(\d+)\.txt$")  # at the end of a member's name


class Task(NamedTuple):
    """Texts to train on and to test on, with the same labels."""

    name: str
    training: Reviews
    test: Reviews


class Result(NamedTuple):
    """What one training gave, measured on the test texts."""

    accuracy: float
    macro_f1: float
    seconds: float  # of the processor, from texts in memory to the model


Answer = Callable[[list[str]], np.ndarray]  # from texts to the numbers of their labels [texts]


# The texts


def tasks() -> Iterator[Task]:
    """The data sets, one at a time; simulated reviews where there are no others."""
    topics = REAL_DATA / "own" / "news-4-topics.csv"
    if topics.exists():
        yield Task("four topics of news", read_reviews(topics, "train"), read_reviews(topics, "test"))
    if ARCHIVE.exists():
        yield Task("reviews, two labels", read_reviews(ARCHIVE, "train"), read_reviews(ARCHIVE, "test"))
        yield Task("reviews, eight numbers of stars", read_stars(ARCHIVE, "train"), read_stars(ARCHIVE, "test"))
    if not topics.exists() and not ARCHIVE.exists():
        yield Task("SIMULATED reviews, two labels", simulated_reviews("train"), simulated_reviews("test"))


def read_stars(archive: Path, part: str) -> Reviews:
    """The published reviews with their stars as labels: 1 to 4 and 7 to 10, as the members' names have them."""
    members = review_members(archive, part)
    stars = [int(STARS.findall(member.place)[0]) for member in members]
    kinds = sorted(set(stars))
    return Reviews(
        texts=[member.text for member in members],
        labels=[kinds.index(n) for n in stars],
        label_names=tuple(str(n) for n in kinds),
    )


def hold_out(reviews: Reviews) -> tuple[Reviews, Reviews]:
    """The texts that a training with seed 0 holds out, and the others before them."""
    mixed = mix(np.array([text_hash(text) for text in reviews.texts], np.uint64), seed=0)
    held_out = mixed < np.uint64(threshold(int(mixed.min())))
    return reviews.take(np.flatnonzero(~held_out)), reviews.take(np.flatnonzero(held_out))


# The sides


def fit_ours(training: Reviews, seed: int) -> Answer:
    model = train([training], Settings(seed=seed))
    numbers = np.array([training.label_names.index(name) for name in model.label_names])
    return lambda texts: numbers[model.probabilities(texts).argmax(axis=1)]


def tfidf() -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True, dtype=np.float32)


def regression(C: float) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=C, max_iter=1000)


def fit_scikit_learn(training: Reviews, C: float) -> Answer:
    from sklearn.pipeline import make_pipeline

    pipeline = make_pipeline(tfidf(), regression(C))
    pipeline.fit(training.texts, training.labels)
    return lambda texts: np.asarray(pipeline.predict(texts))


def fit_fasttext(training: Reviews, **settings: Any) -> Answer:
    """fastText on our tokens, which it would not make itself; its own file is written before it trains."""
    import fasttext

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "train.txt"
        with path.open("w", encoding="utf-8") as file:
            for text, label in zip(training.texts, training.labels, strict=True):
                file.write(f"__label__{label} {' '.join(tokens(text))}\n")
        model = fasttext.train_supervised(str(path), dim=10, thread=1, verbose=0, **settings)

    def answer(texts: list[str]) -> np.ndarray:
        lines = [" ".join(tokens(text)) for text in texts]
        labels, _ = model.predict(lines)
        return np.array([int(label[0].removeprefix("__label__")) for label in labels])

    return answer


# Choosing and measuring


def accuracy(answer: Answer, reviews: Reviews) -> float:
    return float(np.mean(answer(reviews.texts) == np.array(reviews.labels)))


def tune_scikit_learn(training: Reviews, validation: Reviews) -> dict[str, Any]:
    """The C with the best accuracy on the validation texts; no larger ones are tried after one that was worse."""
    vectorizer = tfidf()
    X = vectorizer.fit_transform(training.texts)
    X_validation = vectorizer.transform(validation.texts)
    found: dict[float, float] = {}
    for C in C_TRIED:
        found[C] = regression(C).fit(X, training.labels).score(X_validation, validation.labels)
        print(f"  {SCIKIT_LEARN}, C={C:g}: {found[C]:.4f}", file=sys.stderr, flush=True)
        if found[C] < max(found.values()):
            break
    return {"C": max(found, key=lambda C: found[C])}


def tune_fasttext(training: Reviews, validation: Reviews) -> dict[str, Any]:
    """Its settings with the best accuracy on the validation texts: one after the other, the others held."""
    best = dict(FASTTEXT_START)
    best_accuracy = -1.0
    known = {}
    for name, values in FASTTEXT_TRIED.items():
        for value in values:
            settings = best | {name: value}
            key = tuple(sorted(settings.items()))
            if key in known:
                continue
            known[key] = accuracy_of_fasttext(training, validation, settings)
            print(f"  {FASTTEXT}, {settings}: {known[key]:.4f}", file=sys.stderr, flush=True)
            if known[key] > best_accuracy:
                best = settings
                best_accuracy = known[key]
    return best


def accuracy_of_fasttext(training: Reviews, validation: Reviews, settings: dict[str, Any]) -> float:
    """On the validation texts; 0 where it ends with an error, as it does where its weights are no numbers any more."""
    try:
        return accuracy(fit_fasttext(training, **settings), validation)
    except RuntimeError as error:
        print(f"  {FASTTEXT}: {error}", file=sys.stderr, flush=True)
        return 0.0


def measure(fit: Callable[[], Answer], test: Reviews) -> Result:
    """Time a training and test what it gives."""
    started = time.process_time()
    answer = fit()
    seconds = time.process_time() - started
    labels = np.array(test.labels)
    answers = answer(test.texts)
    confusion = metrics.confusion_matrix(labels, answers, len(test.label_names))
    macro_f1 = metrics.mean_class_scores(confusion)["macro"]["f1"]
    return Result(metrics.accuracy(labels, answers), float(macro_f1), seconds)


def compare(task: Task) -> list[list[str]]:
    """The rows of the table about one data set."""
    print(task.name, file=sys.stderr, flush=True)
    parts = hold_out(task.training)
    C = tune_scikit_learn(*parts)
    best = tune_fasttext(*parts)
    results: dict[str, list[Result]] = {OURS: [], SCIKIT_LEARN: [], FASTTEXT: []}
    for number in range(ROUNDS):
        fits: dict[str, Callable[[], Answer]] = {OURS: partial(fit_ours, task.training, number)}
        if number < ROUNDS_OF_OTHERS:
            fits[SCIKIT_LEARN] = partial(fit_scikit_learn, task.training, **C)
            fits[FASTTEXT] = partial(fit_fasttext, task.training, **best)
        for name, fit in fits.items():
            results[name].append(measure(fit, task.test))
            print(f"  {name}: {results[name][-1]}", file=sys.stderr, flush=True)
    settings = {
        OURS: "",
        SCIKIT_LEARN: f" (C {C['C']:g})",
        FASTTEXT: f" (epoch {best['epoch']}, lr {best['lr']:g}, wordNgrams {best['wordNgrams']})",
    }
    ours = statistics.median(result.seconds for result in results[OURS])
    rows = []
    for name, found in results.items():
        seconds = statistics.median(result.seconds for result in found)
        rows.append(
            [
                f"{task.name}: {name}{settings[name]}",
                percent([result.accuracy for result in found]),
                percent([result.macro_f1 for result in found]),
                f"{seconds:.1f}",
                f"{seconds / ours:.2f}",
            ]
        )
    return rows


def percent(values: list[float]) -> str:
    """Their mean, and their range where it is one."""
    low, high = 100 * min(values), 100 * max(values)
    mean = f"{100 * statistics.fmean(values):.2f}"
    return mean if f"{low:.2f}" == f"{high:.2f}" else f"{mean} ({low:.2f} to {high:.2f})"


def use_one_core() -> None:
    """Keep this process, with all its threads, on one core."""
    core = min(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {core})


def report(sizes: list[str], rows: list[list[str]]) -> str:
    """The Markdown section."""
    tried = "; ".join(", ".join(f"{value:g}" for value in values) for values in FASTTEXT_TRIED.values())
    return f"""\
{machine("numpy", "scipy", "scikit-learn", "fasttext")} All sides on one core.

{"; ".join(sizes)}. The topics are split by `sentiment` itself; the reviews are the published ones with their own test,
as good or bad and by the stars that their authors gave (1 to 4, 7 to 10). In percent of the test texts. Ours: default
settings, mean and range of seeds 0 to {ROUNDS - 1}, both fits included. scikit-learn:
`TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)` and `LogisticRegression`, C the best of
{", ".join(f"{C:g}" for C in C_TRIED)}, in this order until one is worse. fastText: `dim=10`, our tokens; wordNgrams,
epoch and lr chosen one after the other among {tried}. Both chosen by the
accuracy on the tenth of the training texts that ours holds out (seed 0), then trained on all of them; what the choice
took is not in their seconds. Seconds of the processor, from texts in memory to the model; ours the median of
{ROUNDS} trainings.

{table(["texts, side", "accuracy, %", "macro F1, %", "s", "to ours"], rows)}"""


def main() -> None:
    """Measure all data sets and write the section."""
    use_one_core()
    rows = []
    sizes = []
    for task in tasks():
        n_training = len(task.training.texts)
        sizes.append(f"{task.name}: {n_training:,} texts to train on, {len(task.test.texts):,} to test on")
        rows += compare(task)
        # after each: what takes long is not lost by what comes last
        write_section("Labels", "python -m benchmarks.labels", report(sizes, rows))


if __name__ == "__main__":
    main()
