"""Labels in doubt: texts to which a model that does not know them gives another label.

The texts are dealt out in FOLDS parts, copies of a text into one. The answers for each part are those of a model that
was trained on the others, and where it is sure of another label, the label may be wrong: Northcutt, Jiang and Chuang,
"Confident Learning: Estimating Uncertainty in Dataset Labels", 2021, section 3, judge labels by such answers.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from projects.common.words import counted, percent
from projects.sentiment.data import ALL, Example, Source
from projects.sentiment.evaluation import number_new_labels, outcomes_of
from projects.sentiment.hashes import HASHES, text_hash
from projects.sentiment.layout import Layout, LeftOut
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


@dataclass(frozen=True)
class Part:
    """Some examples of a source, all to train on."""

    kept: Sequence[Example]
    name: str
    layout: Layout
    film_reviews: bool = False
    is_split: bool = True

    def examples(self, part: str, left_out: LeftOut | None = None) -> Iterator[Example]:
        yield from self.kept


def find_doubts(
    sources: Sequence[Source], positive: str | None = None, on_fold: Callable[[int], None] = lambda fold: None
) -> Doubts:
    """Judge the label of every text of the sources. on_fold: told of each part before its model is trained.

    Raises ProjectError.
    """
    left_out = LeftOut()
    examples = [example for source in sources for example in source.examples(ALL, left_out)]
    folds = [fold_of(example.text) for example in examples]
    found: list[dict[str, Any]] = []
    n_judged = 0
    for fold in range(FOLDS):
        on_fold(fold)
        others = [example for example, own in zip(examples, folds, strict=True) if own != fold]
        part = [example for example, own in zip(examples, folds, strict=True) if own == fold]
        judged = judge(part, Part(others, sources[0].name, sources[0].layout), positive)
        found += judged.found
        n_judged += judged.n_judged
    found.sort(key=lambda doubt: -doubt["probability"])
    simulated = any(example.simulated for example in examples)
    return Doubts(found, n_judged, len(examples) - n_judged, left_out, simulated)


def fold_of(text: str) -> int:
    """The part that a text is in: its hash decides."""
    return text_hash(text) * FOLDS // HASHES


def judge(part: list[Example], others: Part, positive: str | None) -> Doubts:
    """The labels of one part, by a model trained on the others."""
    model = train([others], Settings(refit=False), positive)
    numbers: dict[str, int] = {}
    number_new_labels(part, numbers, model.label_names, None, others.name)
    known = [example for example in part if numbers[example.label] < len(model.label_names)]
    labels = np.array([numbers[example.label] for example in known], int)
    found = outcomes_of(model, known, labels, n_mistakes=None).mistakes if known else []
    return Doubts(found, len(known), len(part) - len(known), LeftOut(), False)


def in_words(doubts: Doubts) -> str:
    """How many labels are in doubt, for people."""
    share = percent(len(doubts.found) / doubts.n_judged, 1)
    rare = f"; {counted(doubts.n_rare, 'label')} too rare to be judged" if doubts.n_rare else ""
    texts = counted(doubts.n_judged, "text")
    return f"of {texts}, {len(doubts.found):,} ({share}) are given another label by a model not trained on them{rare}"
