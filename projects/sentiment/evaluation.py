"""How good a model's answers are: scores by label and by length, calibration, and mistakes."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from nn import metrics
from nn.functions import away_from_0_and_1
from projects.common.errors import ProjectError
from projects.sentiment.confidence import wilson_interval
from projects.sentiment.data import ALL, Example, Source, chunks, names_of, refuse_too_few
from projects.sentiment.engine import Engine
from projects.sentiment.hashes import is_remembered
from projects.sentiment.labels import LISTED, as_number_or_grade, number_labels, order_labels
from projects.sentiment.layout import LeftOut
from projects.sentiment.model import SentimentModel

AT_ONCE = 4_000  # texts that are scored together, by all cores
BINS = 10  # of probability, for the calibration
LENGTHS = (100, 200, 400)  # words: bounds of the kinds of texts that are scored apart
LIMITS = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98)  # of probability, below which an answer may be called unsure
MISTAKES = 5  # most confident ones that are listed
NEVER_TRAINED_ON = "(never trained on)"  # stands for all labels that the model does not have
SPLIT, NEW, DRAWN = "split", "new", "drawn"  # parts of a source that are scored
CONFUSIONS = 10  # most frequent mistakes between two labels that are listed


class Outcomes(NamedTuple):
    """What became of some test texts; arrays [texts]."""

    labels: np.ndarray  # numbers of the right labels
    answers: np.ndarray  # and of those given
    confidence: np.ndarray  # probability of the answer
    probability_of_label: np.ndarray  # and of the right label
    lengths: np.ndarray  # in words
    mistakes: list[dict[str, Any]]  # the surest ones
    unknown: dict[str, str]  # labels that the model does not have, and the place of the first one
    left_out: LeftOut
    simulated: bool
    trained_on: int = 0  # texts that were not scored, as the model was trained on them
    parts: frozenset[str] = frozenset()  # which of the texts are scored, see `part_to_score`


ARRAYS = Outcomes._fields[:5]
NONE_YET = Outcomes(
    np.empty(0, int), np.empty(0, int), np.empty(0), np.empty(0), np.empty(0, int), [], {}, LeftOut(), False
)


def evaluate(
    model: SentimentModel,
    sources: Sequence[Source],
    positive: str | None = None,
    engine: Engine | None = None,
    n_mistakes: int | None = MISTAKES,
) -> dict[str, Any]:
    """Scores of the model on the test texts, and of always giving the label most frequent in training.

    Then where the model is wrong, and how sure. The labels are the model's; a text with another one counts as wrong.
    positive: what the texts call the second of two labels, if they call both otherwise. n_mistakes: how many of the
    surest mistakes are listed; None: all. Raises ProjectError.
    """
    engine = engine or Engine()
    outcomes = add_outcomes(list(engine.map(score, sources, engine.hand_out(model), positive, n_mistakes)), n_mistakes)
    if outcomes.unknown and outcomes.labels.min() == len(model.label_names):  # perhaps it is another column
        number_labels(outcomes.unknown, model.label_names)  # raises
    names = [*model.label_names, NEVER_TRAINED_ON]
    texts_of_label = np.bincount(outcomes.labels, minlength=len(names)).tolist()
    if outcomes.trained_on and not len(outcomes.labels):
        kept_none = "" if model.settings.get("test", True) else ", or train without --no-test"
        raise ProjectError(
            f"the model was trained on all {outcomes.trained_on:,} texts of {names_of(sources)}: "
            f"give other texts with --data{kept_none}"
        )
    refuse_without_labels(outcomes, model.label_names, sources)
    refuse_too_few(dict(zip(names, texts_of_label, strict=True)), names_of(sources), "test")
    return report(model, outcomes) | {"data": file_names(sources)}


def refuse_without_labels(outcomes: Outcomes, label_names: Sequence[str], sources: Sequence[Source]) -> None:
    """Raise ProjectError where no text is left, as none has a label that the model knows."""
    if len(outcomes.labels) or not outcomes.left_out.rows:
        return
    raise ProjectError(
        f"no row of {names_of(sources)} has a label that the model knows ({', '.join(label_names[:LISTED])}): "
        f"the labels are read from column {sources[0].layout.label_column!r}, --label-column names another"
    )


def file_names(sources: Sequence[Source]) -> str:
    """The names of the first two files, without their folders."""
    names = [Path(source.name).name for source in sources[:2]]
    return " and ".join(names) + (", …" if len(sources) > 2 else "")


def score(source: Source, model: SentimentModel, positive: str | None, n_mistakes: int | None) -> Outcomes:
    """The outcomes for the test texts of one source."""
    numbers: dict[str, int] = {}
    left_out = LeftOut()
    outcomes = NONE_YET
    part = part_to_score(source, model)
    known = model.trained_on if part == NEW else None
    for chunk in chunks(source.examples(ALL if part == NEW else "test", left_out), AT_ONCE):
        examples = [example for example in chunk if known is None or not is_remembered(example.text, known)]
        outcomes = outcomes._replace(trained_on=outcomes.trained_on + len(chunk) - len(examples))
        if not examples:
            continue
        unknown = number_new_labels(examples, numbers, model.label_names, positive, source.name)
        labels = np.array([numbers[example.label] for example in examples])
        found = outcomes_of(model, examples, labels, n_mistakes)
        outcomes = add_outcomes([outcomes, found._replace(unknown=unknown)], n_mistakes)
    return outcomes._replace(left_out=left_out, parts=frozenset([part]))


def part_to_score(source: Source, model: SentimentModel) -> str:
    """SPLIT: what the source says is for the test. NEW: all texts that the model was not trained on. DRAWN: where it
    is not known which these are, the fifth of the texts that is never trained on. Raises ProjectError without one.
    """
    if source.is_split:
        return SPLIT
    if model.trained_on is not None:
        return NEW
    if not model.settings.get("test", True):
        raise ProjectError(
            "the model was trained with --no-test on so many texts that it does not know which: give a table whose "
            "column `split` says test"
        )
    return DRAWN


def number_new_labels(
    examples: list[Example], numbers: dict[str, int], names: list[str], positive: str | None, source: str
) -> dict[str, str]:
    """Give the labels that are there for the first time their numbers; those that the model lacks, and their places.

    Raises ProjectError where there is a third label beside `positive`.
    """
    unknown = {}
    for example in examples:
        label = example.label
        if label in numbers:
            continue
        if positive is not None:
            numbers[label] = int(label == positive)
            refuse_third_label([*numbers], positive, source)
            continue
        try:
            numbers[label] = number_labels({label: example.place}, names)[label]
        except ProjectError:
            numbers[label] = len(names)
            unknown[label] = example.place
    return unknown


def refuse_third_label(labels: list[str], positive: str, source: str) -> None:
    """Raise ProjectError where there is more than one label beside `positive`."""
    if len({*labels, positive}) > 2:
        order_labels(dict.fromkeys([*labels, positive], 1), positive, source)  # raises


def outcomes_of(
    model: SentimentModel, examples: list[Example], labels: np.ndarray, n_mistakes: int | None = MISTAKES
) -> Outcomes:
    """The outcomes for these examples, whose labels have these numbers."""
    probability = model.probabilities(example.text for example in examples)
    rows = np.arange(len(labels))
    answers = probability.argmax(axis=1)
    with_unknown = np.hstack([probability, np.zeros((len(labels), 1))])
    found = Outcomes(
        labels=labels,
        answers=answers,
        confidence=probability[rows, answers],
        probability_of_label=with_unknown[rows, labels],
        lengths=np.array([len(example.text.split()) for example in examples]),
        mistakes=[],
        unknown={},
        left_out=LeftOut(),
        simulated=any(example.simulated for example in examples),
    )
    names = model.label_names
    return found._replace(mistakes=list(mistakes(found, examples, names, n_mistakes)))


def mistakes(
    outcomes: Outcomes, examples: list[Example], names: list[str], n_mistakes: int | None
) -> Iterator[dict[str, Any]]:
    """The wrong answers that were surest: where the text is, its label, the answer and its probability, and the text.

    n_mistakes: how many; None: all.
    """
    wrong = np.flatnonzero(outcomes.answers != outcomes.labels)
    by_confidence = wrong[np.argsort(-outcomes.confidence[wrong], kind="stable")]
    for i in by_confidence[:n_mistakes].tolist():
        yield {
            "place": examples[i].place,
            "row": examples[i].row,
            "label": examples[i].label if outcomes.labels[i] == len(names) else names[outcomes.labels[i]],
            "answer": names[outcomes.answers[i]],
            "probability": float(outcomes.confidence[i]),
            "text": examples[i].text,
        }


def add_outcomes(parts: list[Outcomes], n_mistakes: int | None = MISTAKES) -> Outcomes:
    """The outcomes of all parts, in order."""
    arrays = {name: np.concatenate([getattr(part, name) for part in parts]) for name in ARRAYS}
    wrong = [mistake for part in parts for mistake in part.mistakes]
    surest = sorted(wrong, key=lambda mistake: (-mistake["probability"], mistake["text"]))[:n_mistakes]
    unknown = {label: place for part in reversed(parts) for label, place in part.unknown.items()}
    left_out = LeftOut()
    for part in parts:
        left_out.add(part.left_out)
    return Outcomes(
        **arrays,
        mistakes=surest,
        unknown=unknown,
        left_out=left_out,
        simulated=any(part.simulated for part in parts),
        trained_on=sum(part.trained_on for part in parts),
        parts=frozenset().union(*(part.parts for part in parts)),
    )


def report(model: SentimentModel, outcomes: Outcomes) -> dict[str, Any]:
    """The scores of these outcomes."""
    names = list(model.label_names)
    shares = np.array(model.settings["label_shares"])
    n_unknown = int(np.count_nonzero(outcomes.labels == len(names)))
    if n_unknown:
        names.append(NEVER_TRAINED_ON)
        shares = np.append(shares, 0)
    confusion = metrics.confusion_matrix(outcomes.labels, outcomes.answers, len(names))
    is_right = outcomes.answers == outcomes.labels
    n_right = int(np.count_nonzero(is_right))
    chosen = model.settings["sure_from"]  # by texts held out
    sure = [] if chosen is None else scores_of_the_sure(outcomes.confidence, is_right, (round(chosen, 2),))
    majority = scores(always(shares, outcomes), len(model.label_names))
    return {
        "simulated": model.settings["simulated"] or outcomes.simulated,
        "test": scores(outcomes, len(model.label_names)),
        "accuracy_range": wilson_interval(n_right, len(outcomes.labels)),
        "within_one_step": within_one_step(confusion, model.label_names),
        "baselines": {"majority": majority | {"label": names[int(shares.argmax())]}},
        "labels": label_scores(confusion, names),
        "means": metrics.mean_class_scores(confusion),
        "left_out": {reason: n for reason, (n, _) in outcomes.left_out.rows.items()},
        "left_out_line": outcomes.left_out.description(),
        "scored": {"parts": sorted(outcomes.parts), "trained_on": outcomes.trained_on},
        "unknown": {"labels": list(outcomes.unknown), "texts": n_unknown},
        "confusions": frequent_confusions(confusion, names),
        "by_length": scores_by_length(outcomes),
        "unsure": scores_of_the_sure(outcomes.confidence, is_right),
        "sure": sure[0] if sure else None,
        "reliability": reliability(*events(outcomes, len(model.label_names))),
        "mistakes": outcomes.mistakes,
    }


def within_one_step(confusion: np.ndarray, names: Sequence[str]) -> float | None:
    """The share of answers that are right or the next number up or down; None of two labels, or if some are no numbers.

    confusion [labels, answers]: texts, with those of labels that the model does not have in a last row, which are
    wrong. names: the model's labels.
    """
    numbers = [as_number_or_grade(name) for name in names]
    if len(names) <= 2 or not np.isfinite(numbers).all():
        return None
    ranks = np.unique(numbers, return_inverse=True)[1]
    is_near = np.abs(ranks[:, np.newaxis] - ranks) <= 1
    n_labels = len(names)
    n_near = confusion[:n_labels, :n_labels][is_near].sum()
    return float(n_near / max(confusion.sum(), 1))


def always(shares: np.ndarray, outcomes: Outcomes) -> Outcomes:
    """The outcomes of always giving the label with the largest share, and each label its share as probability."""
    most_frequent = int(shares.argmax())
    return outcomes._replace(
        answers=np.full_like(outcomes.answers, most_frequent),
        confidence=np.full_like(outcomes.confidence, shares[most_frequent]),
        probability_of_label=shares[outcomes.labels],
    )


def scores(outcomes: Outcomes, n_labels: int) -> dict[str, Any]:
    """How right the answers are, and how honest the probabilities of a model with so many labels.

    Of two labels, precision, recall and F1 are those of the second one; of more, they are macro means. The confusion
    matrix has a class more where there are texts with a label that was never trained on.
    """
    n_classes = max(n_labels, int(outcomes.labels.max()) + 1)
    confusion = metrics.confusion_matrix(outcomes.labels, outcomes.answers, n_classes)
    per_label = metrics.class_scores(confusion)
    present = per_label["support"] > 0
    if n_labels == 2:
        means = {name: float(per_label[name][1]) for name in ("precision", "recall", "f1")}
    else:
        means = metrics.mean_class_scores(confusion)["macro"]
    bins = reliability(*events(outcomes, n_labels))
    error = sum(abs(b["probability"] - b["share"]) * b["texts"] for b in bins)
    return {
        "texts": len(outcomes.labels),
        "accuracy": metrics.accuracy(outcomes.labels, outcomes.answers),
        **means,
        "log_loss": float(-np.mean(np.log(away_from_0_and_1(outcomes.probability_of_label)))),
        "confusion": confusion.tolist(),
        "balanced_accuracy": float(per_label["recall"][present].mean()),  # each label counts alike
        "expected_calibration_error": error / len(outcomes.labels),
    }


def scores_of_the_sure(
    confidence: np.ndarray, is_right: np.ndarray, limits: Sequence[float] = LIMITS
) -> list[dict[str, float]]:
    """For some limits: the share of texts whose answer is less probable, and how right the others are.

    confidence: probability of the answer [texts].
    """
    found = []
    for limit in limits:
        is_sure = confidence >= limit
        if is_sure.any():
            accuracy = float(is_right[is_sure].mean())
            found.append({"limit": limit, "unsure": float(np.mean(~is_sure)), "accuracy": accuracy})
    return found


def scores_by_length(outcomes: Outcomes) -> list[dict[str, Any]]:
    """Accuracy and number of texts of each range of lengths."""
    right = outcomes.answers == outcomes.labels
    found = []
    for low, high in pairwise([0, *LENGTHS, np.inf]):
        in_range = (outcomes.lengths >= low) & (outcomes.lengths < high)
        if in_range.any():
            accuracy = float(np.mean(right[in_range]))
            found.append({"from_words": low, "texts": int(in_range.sum()), "accuracy": accuracy})
    return found


def events(outcomes: Outcomes, n_labels: int) -> tuple[np.ndarray, np.ndarray]:
    """What was given a probability, for the calibration: whether it happened, and the probability [texts].

    Of two labels, that the text has the second one; of more, that the answer is right.
    """
    if n_labels == 2:
        of_second = np.where(outcomes.answers == 1, outcomes.confidence, 1 - outcomes.confidence)
        return outcomes.labels == 1, of_second
    return outcomes.answers == outcomes.labels, outcomes.confidence


def label_scores(confusion: np.ndarray, names: list[str]) -> list[dict[str, Any]]:
    """Precision, recall, F1 and number of test texts of each label."""
    per_label = metrics.class_scores(confusion)
    return [
        {
            "label": name,
            "texts": int(per_label["support"][number]),
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
            found.append({"label": names[label], "answer": names[answer], "texts": int(wrong[label, answer])})
    return found


def reliability(happened: np.ndarray, probability: np.ndarray) -> list[dict[str, Any]]:
    """For each tenth of the probabilities: the mean of those in it, and the share of texts in which it happened.

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
                "texts": int(inside.sum()),
            }
        )
    return bins
