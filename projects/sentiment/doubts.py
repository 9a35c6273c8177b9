"""Labels in doubt: texts to which a model that does not know them gives another label.

The texts are dealt out in FOLDS parts, copies of a text into one. The answers for each part are those of a model that
was trained on the others, and where it is sure of another label, the label may be wrong: Northcutt, Jiang and Chuang,
"Confident Learning: Estimating Uncertainty in Dataset Labels", 2021, section 3, judge labels by such answers.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from projects.common.words import counted, percent
from projects.sentiment.data import ALL, Example, Source, labelled_texts, names_of
from projects.sentiment.evaluation import number_new_labels, outcomes_of
from projects.sentiment.hashes import HASHES, text_hash
from projects.sentiment.layout import LeftOut
from projects.sentiment.settings import Settings
from projects.sentiment.training import train

FOLDS = 5


class Doubts(NamedTuple):
    """What became of the labels."""

    found: list[dict[str, Any]]  # those in doubt, the surest other answer first; each as in `evaluation.mistakes`
    n_judged: int
    n_rare: int  # texts whose label all others of it are in the same part: nothing is known of it
    left_out: LeftOut
    simulated: bool


def find_doubts(sources: Sequence[Source], on_fold: Callable[[int], None] = lambda fold: None) -> Doubts:
    """Judge the label of every text of the sources. on_fold: told of each part before its model is trained.

    Raises ProjectError.
    """
    left_out = LeftOut()
    examples = [example for source in sources for example in source.examples(ALL, left_out)]
    by_fold: list[list[Example]] = [[] for _ in range(FOLDS)]
    for example in examples:
        by_fold[fold_of(example.text)].append(example)
    found: list[dict[str, Any]] = []
    n_judged = 0
    for fold, own in enumerate(by_fold):
        on_fold(fold)
        others = [example for other in by_fold if other is not own for example in other]
        in_doubt, n_known = judge(own, others, names_of(sources))
        found += in_doubt
        n_judged += n_known
    found.sort(key=lambda doubt: -doubt["probability"])
    simulated = any(example.simulated for example in examples)
    return Doubts(found, n_judged, len(examples) - n_judged, left_out, simulated)


def fold_of(text: str) -> int:
    """The part that a text is in: its hash decides."""
    return text_hash(text) * FOLDS // HASHES


def judge(examples: list[Example], others: list[Example], name: str) -> tuple[list[dict[str, Any]], int]:
    """Those of the examples in doubt by a model trained on the others, and how many have a label that it knows."""
    training = labelled_texts((other.text for other in others), (other.label for other in others))
    model = train([replace(training, name=name)], Settings(refit=False))
    numbers: dict[str, int] = {}
    number_new_labels(examples, numbers, model.label_names, None, name)
    known = [example for example in examples if numbers[example.label] < len(model.label_names)]
    if not known:
        return [], 0
    labels = np.array([numbers[example.label] for example in known])
    return outcomes_of(model, known, labels, n_mistakes=None).mistakes, len(known)


def in_words(doubts: Doubts) -> str:
    """How many labels are in doubt, for people."""
    share = percent(len(doubts.found) / max(1, doubts.n_judged), 1)
    rare = f"; {counted(doubts.n_rare, 'label')} too rare to be judged" if doubts.n_rare else ""
    texts = counted(doubts.n_judged, "text")
    return f"of {texts}, {len(doubts.found):,} ({share}) are given another label by a model not trained on them{rare}"
