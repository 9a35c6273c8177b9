"""What people type, answered by models of film reviews: python -m benchmarks.typed

Three sets of 1,000 sentences of films, products and restaurants (Kotzias et al., "From Group to Individual Labels Using
Deep Features", 2015), and forty everyday sentences of our own. Ours, tf-idf with logistic regression, and fastText are
trained on the published reviews; VADER and TextBlob are dictionaries made by hand, for English.
"""

import csv
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.labels import fit_fasttext, fit_scikit_learn
from benchmarks.report import REAL_DATA, ROOT, machine, table, write_section
from benchmarks.reviews import ARCHIVE
from projects.common.plots import BLUE, GREY, ORANGE, new_figure, save_figure
from projects.sentiment.data import File, Reviews, Source, Texts, read_reviews
from projects.sentiment.evaluation import reliability
from projects.sentiment.model import SentimentModel
from projects.sentiment.settings import Settings
from projects.sentiment.training import train

SETS = ("films", "products", "restaurants")
SEEDS = 3  # of ours, on sentences,
SEEDS_OF_REVIEWS = 5  # and on reviews
EVERYDAY = Path(__file__).with_name("everyday.csv")
FAINT = ("the movie", "it is a film", "", "12")  # texts that say nothing
C = 10  # of the logistic regression, and the settings of fastText: both chosen on reviews, see `benchmarks.labels`
FASTTEXT = {"epoch": 25, "lr": 0.5, "wordNgrams": 3}
RESULTS = ROOT / "docs" / "results-typed.md"
PICTURE = ROOT / "docs" / "typed-reliability.png"
COMMAND = "python -m benchmarks.typed"

Answer = Callable[[list[str]], np.ndarray]  # from texts to whether each is positive, bool [texts]


class Sentences(NamedTuple):
    """Texts with their labels."""

    name: str
    texts: list[str]
    is_positive: np.ndarray


def read_sentences() -> list[Sentences]:
    """The three sets."""
    found = []
    for name in SETS:
        with open(REAL_DATA / "own" / f"sentences-{name}.csv", encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
        is_positive = np.array([row["label"] == "1" for row in rows])
        found.append(Sentences(name, [row["text"] for row in rows], is_positive))
    return found


def read_everyday() -> list[dict[str, str]]:
    """Text, label and kind of the everyday sentences."""
    with open(EVERYDAY, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


# The sides


def dictionaries() -> Iterator[tuple[str, Answer]]:
    """What knows English words without training; what is not installed is left out, and said.

    Their 0, for a text in which they find nothing, counts as negative, which is better for them here than positive.
    """
    try:
        from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

        analyzer = SentimentIntensityAnalyzer()
        yield "VADER", lambda texts: np.array([analyzer.polarity_scores(text)["compound"] > 0 for text in texts])
    except ImportError:
        print("VADER is not installed: left out", file=sys.stderr)
    try:
        from textblob import TextBlob

        yield "TextBlob", lambda texts: np.array([TextBlob(text).sentiment.polarity > 0 for text in texts])
    except ImportError:
        print("TextBlob is not installed: left out", file=sys.stderr)


def others(training: Reviews) -> Iterator[tuple[str, Answer]]:
    """What people would use instead."""
    yield from dictionaries()
    tfidf = fit_scikit_learn(training, C)
    yield f"scikit-learn, tf-idf of 1-2-grams, logistic regression (C={C})", lambda texts: tfidf(texts) == 1
    fasttext = fit_fasttext(training, **FASTTEXT)
    yield (
        "fastText (" + ", ".join(f"{name} {value}" for name, value in FASTTEXT.items()) + ")",
        lambda texts: fasttext(texts) == 1,
    )


def probability_of(model: SentimentModel, texts: list[str]) -> np.ndarray:
    return model.probabilities(texts)[:, 1]


# Scores


def calibration_error(is_positive: np.ndarray, probability: np.ndarray) -> float:
    """The expected calibration error of the probability of the positive label, in ten bins of equal width."""
    bins = reliability(is_positive, probability)
    return float(sum(abs(b["probability"] - b["share"]) * b["texts"] for b in bins) / len(probability))


def log_loss(is_positive: np.ndarray, probability: np.ndarray) -> float:
    of_label = np.where(is_positive, probability, 1 - probability)
    return float(-np.log(np.maximum(of_label, 1e-12)).mean())


def accuracy(is_positive: np.ndarray, answers: np.ndarray) -> float:
    return float(np.mean(answers == is_positive))


# Sections


def compare_on_sentences(ours: dict[str, list[SentimentModel]], sets: list[Sentences], training: Reviews) -> str:
    """Accuracy of each side on each set; of ours, models of several seeds by name, the calibration error, too."""
    rows = []
    errors = []
    for name, models in ours.items():
        found = [[probability_of(model, s.texts) for model in models] for s in sets]
        pairs = list(zip(sets, found, strict=True))
        accuracies = [float(np.mean([accuracy(s.is_positive, p >= 0.5) for p in ps])) for s, ps in pairs]
        of_sets = [float(np.mean([calibration_error(s.is_positive, p) for p in ps])) for s, ps in pairs]
        rows.append([f"{name} (mean of {len(models)} seeds)", *row_of(accuracies)])
        errors.append([name, *(f"{error:.3f}" for error in of_sets)])
    peers = [
        [name, *row_of([accuracy(s.is_positive, answer(s.texts)) for s in sets])] for name, answer in others(training)
    ]
    by_accuracy = [*rows, *sorted(peers, key=lambda row: -float(row[-1]))]
    return "\n".join(
        [
            table(["accuracy, %", *SETS, "mean"], by_accuracy),
            "Expected calibration error, in ten bins of the probability of positive:\n",
            table(["", *SETS], errors),
            "A dictionary that finds nothing in a text counts as negative, which is better for it here than positive.",
        ]
    )


def row_of(accuracies: list[float]) -> list[str]:
    """The accuracies and their mean, in percent."""
    return [f"{100 * share:.1f}" for share in [*accuracies, float(np.mean(accuracies))]]


def score_reviews(test: Reviews, models: list[SentimentModel], seconds: list[float]) -> str:
    """Accuracy, log loss and calibration error on the test reviews."""
    is_positive = np.array(test.labels) == 1
    rows = []
    for seed, (model, spent) in enumerate(zip(models, seconds, strict=True)):
        p = probability_of(model, test.texts)
        scores = [100 * accuracy(is_positive, p >= 0.5), log_loss(is_positive, p), calibration_error(is_positive, p)]
        rows.append([float(seed), *scores, spent])
    mean = np.mean(rows, axis=0)
    cells = [[str(int(row[0])), *score_cells(row)] for row in rows] + [["mean", *score_cells(mean)]]
    head = ["seed", "accuracy, %", "log loss", "calibration error", "seconds of the processor"]
    return f"{len(test.texts):,} test reviews.\n\n" + table(head, cells)


def score_cells(row: np.ndarray | list[float]) -> list[str]:
    return [f"{row[1]:.2f}", f"{row[2]:.4f}", f"{row[3]:.3f}", f"{row[4]:.1f}"]


def answer_everyday(model: SentimentModel) -> str:
    """The everyday sentences with the model's answers."""
    rows = []
    n_wrong = 0
    for row in read_everyday():
        answer = model.predict(row["text"])
        is_right = answer.label == row["label"]
        n_wrong += not is_right
        rows.append([row["text"], row["kind"], row["label"], f"{answer.label} {answer.probability:.2f}",
                     "" if is_right else "wrong"])  # fmt: skip
    head = ["text", "kind", "a person", "seed 0", ""]
    written = "Written, with their labels, before the model was trained; nothing was chosen by them."
    return f"{written} {n_wrong} of {len(rows)} are wrong.\n\n" + table(head, rows)


def answer_faint(models: list[SentimentModel]) -> str:
    """The probabilities of texts that say nothing."""
    rows = []
    for text in FAINT:
        p = [float(probability_of(model, [text])[0]) for model in models]
        rows.append([f"“{text}”", f"{np.mean(p):.3f}", f"{max(abs(x - 0.5) for x in p):.3f}"])
    return table(["text", "probability of positive", "farthest of a seed from the base rate"], rows)


def draw_reliability(model: SentimentModel, test: Reviews, sets: list[Sentences]) -> str:
    """A table of probabilities and shares for reviews and sentences; the picture is saved."""
    texts = [text for s in sets for text in s.texts]
    found = {
        "reviews": reliability(np.array(test.labels) == 1, probability_of(model, test.texts)),
        "sentences": reliability(np.concatenate([s.is_positive for s in sets]), probability_of(model, texts)),
    }
    figure, axes = new_figure(width=6, height=6)
    axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", label="a probability that is true")
    for (name, bins), colour in zip(found.items(), (BLUE, ORANGE), strict=True):
        axes.plot([b["probability"] for b in bins], [b["share"] for b in bins], "o-", color=colour, label=name)
    axes.set(
        xlabel="probability of positive that the network gives",
        ylabel="share of these texts that are positive",
        title="Trained on reviews: probabilities of reviews and of sentences",
        aspect="equal",
    )
    axes.legend()
    save_figure(figure, PICTURE, False)
    rows = [
        [name, f"{b['probability']:.3f}", f"{b['share']:.3f}", f"{b['texts']:,}"]
        for name, bins in found.items()
        for b in bins
    ]
    picture = f"![Reliability on reviews and on sentences]({PICTURE.name})"
    return f"{picture}\n\n" + table(["texts", "mean probability", "share positive", "texts in this tenth"], rows)


def read_unlabelled() -> Texts:
    """The archive's reviews without labels, none of which is a test review."""
    test = {example.text for example in File(ARCHIVE).examples("test")}
    return Texts([example.text for example in File(ARCHIVE).examples("unlabelled") if example.text not in test])


def fit_seeds(
    training: Reviews, n_seeds: int, unlabelled: Sequence[Source] = (), **settings: Any
) -> tuple[list[SentimentModel], list[float]]:
    """A model for each seed, and the seconds of the processor that each took."""
    models = []
    seconds = []
    for seed in range(n_seeds):
        started = time.process_time()
        models.append(train([training], Settings(seed=seed, **settings), unlabelled=unlabelled))
        seconds.append(time.process_time() - started)
    return models, seconds


def main() -> None:
    training, test = read_reviews(ARCHIVE, "train"), read_reviews(ARCHIVE, "test")
    sets = read_sentences()
    models, seconds = fit_seeds(training, SEEDS_OF_REVIEWS)
    some = models[:SEEDS]
    sections = {
        "Reviews": score_reviews(test, models, seconds),
        "Everyday sentences": answer_everyday(models[0]),
        "Texts that say nothing": answer_faint(some),
        "Reliability": draw_reliability(models[0], test, sets),
    }
    ours = {"two-layer, as it comes": some}
    beside = read_unlabelled()
    for options, unlabelled, settings in (
        ("--characters", [], {"characters": True}),
        ("--unlabelled", [beside], {}),
        ("--characters --unlabelled", [beside], {"characters": True}),
    ):
        models, seconds = fit_seeds(training, SEEDS_OF_REVIEWS, unlabelled, **settings)
        sections[f"Reviews, with {options}"] = score_reviews(test, models, seconds)
        ours[f"with {options}"] = models[:SEEDS]
    packages = machine("numpy", "scipy", "scikit-learn", "fasttext", "vaderSentiment", "textblob")
    sections["Sentences"] = f"{packages}\n\n{compare_on_sentences(ours, sets, training)}"
    for title, text in sections.items():
        write_section(title, COMMAND, text, RESULTS)


if __name__ == "__main__":
    main()
