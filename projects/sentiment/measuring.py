"""How good a fit is: its loss and its answers, over the texts held out."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from nn import TwoLayerNetwork
from nn.functions import LOSSES
from projects.sentiment.calibration import TEMPERATURES, losses_at_temperatures
from projects.sentiment.confidence import FEWEST_SURE, GOOD
from projects.sentiment.engine import Engine
from projects.sentiment.outputs import each_label, put_together
from projects.sentiment.steps import SILENT, Rows, read_rows, targets

ROWS = 5_000  # that are measured at a time


class Measured(NamedTuple):
    """The loss summed over texts, and how many there are."""

    loss: float
    texts: int


def measure_all(engine: Engine, blocks: Sequence[str], rows: Any, network: TwoLayerNetwork) -> Measured:
    """The sums over all blocks, added in their order: the last bits of a loss do not depend on the engine.

    rows: what the engine gave for them, see `Engine.hand_out`.
    """
    measured = engine.map(measure, blocks, rows, engine.hand_out(network))
    losses, texts = zip(*measured, strict=True)
    return Measured(sum(losses), sum(texts))


@SILENT
def measure(block: str, rows: Rows, network: TwoLayerNetwork) -> Measured:
    """The sums over one block."""
    bag = read_rows(rows, [block])
    n_texts = len(bag.labels)
    loss = 0.0
    for some in slices_of(n_texts):
        prediction = network.predict(bag.X[some])
        y = targets(bag.labels[some], max(2, len(network.b2)), prediction.dtype)
        loss += float(LOSSES[network.loss](prediction, y))
    return Measured(loss, n_texts)


@SILENT
def losses_of(
    block: str, rows: list[Rows], networks: list[TwoLayerNetwork], label_weights: np.ndarray | None
) -> np.ndarray:
    """The loss over one block at each of TEMPERATURES [temperatures]; rows and network of each view."""
    losses = np.zeros(len(TEMPERATURES))
    for probability, labels in probabilities_of(block, rows, networks):
        losses += losses_at_temperatures(probability, labels, label_weights)
    return losses


@SILENT
def answers_of(block: str, rows: list[Rows], networks: list[TwoLayerNetwork]) -> tuple[np.ndarray, np.ndarray]:
    """The probability of each answer in one block, and whether it is right [rows]; rows and network of each view."""
    confidence = [np.empty(0)]
    is_right = [np.empty(0, bool)]
    for probability, labels in probabilities_of(block, rows, networks):
        confidence.append(probability.max(axis=1))
        is_right.append(probability.argmax(axis=1) == labels)
    return np.concatenate(confidence), np.concatenate(is_right)


def probabilities_of(
    block: str, rows: list[Rows], networks: list[TwoLayerNetwork]
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The probabilities [some, labels] and labels [some] of one block, some rows at a time."""
    bags = [read_rows(of_view, [block]) for of_view in rows]
    labels = bags[0].labels
    for some in slices_of(len(labels)):
        views = [each_label(network.predict(bag.X[some])) for network, bag in zip(networks, bags, strict=True)]
        yield put_together(views), labels[some]


def slices_of(n_rows: int) -> Iterator[slice]:
    """Some rows at a time: the probabilities of a row may be thousands."""
    for start in range(0, n_rows, ROWS):
        yield slice(start, start + ROWS)


class Limit(NamedTuple):
    """A probability below which an answer is called unsure, and the share of the answers that are."""

    probability: float
    unsure: float


def sure_from(confidence: np.ndarray, is_right: np.ndarray) -> Limit | None:
    """The lowest limit with which GOOD of the other answers are right; None: no limit does that."""
    order = np.argsort(-confidence, kind="stable")
    accuracy = np.cumsum(is_right[order]) / np.arange(1, len(order) + 1)
    good = np.flatnonzero((accuracy >= GOOD) & (np.arange(len(order)) >= FEWEST_SURE))
    if not len(good):
        return None
    return Limit(float(confidence[order[good[-1]]]), 1 - float(good[-1] + 1) / len(order))


def loss_of_shares(texts: np.ndarray, weights: np.ndarray | None) -> float:
    """The mean loss of always answering with the shares of the labels. texts, weights: of each label [labels]."""
    sums = texts if weights is None else texts * weights
    shares = sums[sums > 0] / sums.sum()
    return float(-np.sum(shares * np.log(shares)))
