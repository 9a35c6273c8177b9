"""How good a model's answers are: scores by label and by length, calibration, and mistakes."""

from itertools import pairwise
from typing import Any

import numpy as np

from nn import metrics
from projects.sentiment.data import Reviews
from projects.sentiment.model import SentimentModel

BINS = 10  # of probability, for the calibration
LENGTHS = (100, 200, 400)  # words: bounds of the kinds of reviews that are scored apart
MISTAKES = 5  # most confident ones that are listed
CONFUSIONS = 10  # most frequent mistakes between two labels that are listed


def evaluate(model: SentimentModel, reviews: Reviews) -> dict[str, Any]:
    """Scores of the model, and of always giving the label that was most frequent in training.

    Then where the model is wrong, and how sure. The reviews are numbered by the model's labels.
    """
    probability = model.predict(reviews.texts)
    lengths = np.array([len(text.split()) for text in reviews.texts])
    worst = mistakes(reviews, probability)
    return report(model, np.array(reviews.labels), probability, lengths, worst, reviews.simulated)


def report(
    model: SentimentModel, labels: np.ndarray, probability: np.ndarray, lengths: np.ndarray,
    worst: list[dict[str, Any]], simulated: bool,
) -> dict[str, Any]:  # fmt: skip
    """What `evaluate` gives, from labels and lengths in words [reviews], probability [reviews, labels], mistakes."""
    right = probability.argmax(axis=1) == labels
    shares = np.array(model.settings["label_shares"])
    majority = np.broadcast_to(shares, probability.shape)
    by_length = []
    for low, high in pairwise([0, *LENGTHS, np.inf]):
        in_range = (lengths >= low) & (lengths < high)
        if in_range.any():
            accuracy = float(np.mean(right[in_range]))
            by_length.append({"from_words": low, "reviews": int(in_range.sum()), "accuracy": accuracy})
    names = model.label_names
    confusion = metrics.confusion_matrix(labels, probability.argmax(axis=1), len(names))
    return {
        "simulated": model.settings["simulated"] or simulated,
        "test": scores(labels, probability),
        "baselines": {"majority": scores(labels, majority)},
        "labels": label_scores(confusion, names),
        "means": metrics.mean_class_scores(confusion),
        "confusions": frequent_confusions(confusion, names),
        "by_length": by_length,
        "reliability": reliability(*events(labels, probability)),
        "mistakes": worst,
    }


def scores(labels: np.ndarray, probability: np.ndarray) -> dict[str, Any]:
    """How right the answers are, and how honest the probabilities [reviews, labels]."""
    found = metrics.classification_scores(labels, probability)
    per_label = metrics.class_scores(np.array(found["confusion"]))
    present = per_label["support"] > 0
    bins = reliability(*events(labels, probability))
    error = sum(abs(b["probability"] - b["share"]) * b["reviews"] for b in bins)
    return {
        "reviews": len(labels),
        **found,
        "balanced_accuracy": float(per_label["recall"][present].mean()),  # each label counts alike
        "expected_calibration_error": error / len(labels),
    }


def label_scores(confusion: np.ndarray, names: list[str]) -> list[dict[str, Any]]:
    """Precision, recall, F1 and number of test reviews of each label."""
    per_label = metrics.class_scores(confusion)
    return [
        {
            "label": name,
            "reviews": int(per_label["support"][number]),
            "precision": float(per_label["precision"][number]),
            "recall": float(per_label["recall"][number]),
            "f1": float(per_label["f1"][number]),
        }
        for number, name in enumerate(names)
    ]


def frequent_confusions(confusion: np.ndarray, names: list[str]) -> list[dict[str, Any]]:
    """Which label is most often taken for which."""
    wrong = confusion.copy()
    np.fill_diagonal(wrong, 0)
    by_count = np.argsort(-wrong, axis=None, kind="stable")[:CONFUSIONS]
    found = []
    for label, answer in zip(*np.unravel_index(by_count, wrong.shape), strict=True):
        if wrong[label, answer]:
            found.append({"label": names[label], "answer": names[answer], "reviews": int(wrong[label, answer])})
    return found


def events(labels: np.ndarray, probability: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What was given a probability, for the calibration: whether it happened, and the probability [reviews].

    Of two labels, that the review has the second one; of more, that the answer is right.
    """
    if probability.shape[1] == 2:
        return labels == 1, probability[:, 1]
    return probability.argmax(axis=1) == labels, probability.max(axis=1)


def reliability(happened: np.ndarray, probability: np.ndarray) -> list[dict[str, Any]]:
    """For each tenth of the probabilities: the mean of those in it, and the share of reviews in which it happened.

    Guo et al., "On Calibration of Modern Neural Networks", 2017, section 2.
    """
    bin_of = np.minimum((probability * BINS).astype(int), BINS - 1)
    bins = []
    for number in np.unique(bin_of):
        inside = bin_of == number
        bins.append(
            {
                "probability": float(probability[inside].mean()),
                "share": float(happened[inside].mean()),
                "reviews": int(inside.sum()),
            }
        )
    return bins


def mistakes(reviews: Reviews, probability: np.ndarray) -> list[dict[str, Any]]:
    """The wrong answers that were surest: the review's label, the answer and its probability, and the text."""
    answers = probability.argmax(axis=1)
    sureness = probability.max(axis=1)
    wrong = np.flatnonzero(answers != np.array(reviews.labels))
    surest = wrong[np.argsort(-sureness[wrong], kind="stable")][:MISTAKES]
    return [
        {
            "label": reviews.label_names[reviews.labels[i]],
            "answer": reviews.label_names[answers[i]],
            "probability": float(sureness[i]),
            "text": reviews.texts[i],
        }
        for i in surest
    ]
