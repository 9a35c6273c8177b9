"""Steps for `nn.training` from a corpus in blocks: in windows that fit in memory, or in batches added up by workers."""

import math
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from nn import TwoLayerNetwork
from nn.batches import ArrayBatches, Step, drop
from nn.functions import LOSSES, Array
from nn.gradient import Gradient
from nn.training import TrainingSettings
from projects.sentiment.bags import Bag, Bags
from projects.sentiment.blocks import BLOCK
from projects.sentiment.engine import Engine, partition

WINDOW_BLOCKS = 4  # whose rows are shuffled together
SILENT = np.errstate(over="ignore", invalid="ignore")  # divergence is told by the loss, once


class Rows(NamedTuple):
    """The rows that a fit is trained on or measured by."""

    bags: Bags
    blocks: Sequence[str]
    held_out: bool | None  # those held out, or the others; None: all
    label_weights: np.ndarray | None  # of each label, 1 on average over the rows; None: all alike

    @property
    def n_rows(self) -> int:
        chosen = [self.bags.rows(block, self.held_out) for block in self.blocks]
        return sum(rows.stop - rows.start for rows in chosen)


class LabelBatches(ArrayBatches):
    """Steps from a bag and the numbers of labels [rows, 1], which become targets a batch at a time.

    Targets of all rows would need a number for each row and label.
    """

    def __init__(self, bag: Bag, n_labels: int, label_weights: np.ndarray | None, settings: TrainingSettings) -> None:
        n_rows = len(bag.labels)
        n_steps = math.ceil(n_rows / settings.batch_size)
        super().__init__(
            bag.X,
            bag.labels[:, np.newaxis],
            weights_of(bag, label_weights),
            batch_size=math.ceil(n_rows / n_steps),  # so that no small batch is left at the end
            dropout=settings.dropout,
            hidden_dropout=settings.hidden_dropout,
        )
        self.n_labels = n_labels
        self.shares = bag.shares

    def batches(self, rng: np.random.Generator) -> Iterator[tuple[Any, Array, Array | None]]:
        for X, labels, weight in super().batches(rng):
            yield X, targets(labels[:, 0], self.n_labels, X.dtype, self.shares), weight


@dataclass
class WindowBatches:
    """Steps from windows: some blocks in random order, and the rows of these in random order."""

    rows: Rows
    n_labels: int
    settings: TrainingSettings

    def steps(self, network: TwoLayerNetwork, rng: np.random.Generator) -> Iterator[Step]:
        for window in self.windows(rng):
            bag = read_rows(self.rows, window)
            if len(bag.labels):
                yield from LabelBatches(bag, self.n_labels, self.rows.label_weights, self.settings).steps(network, rng)

    def windows(self, rng: np.random.Generator) -> Iterator[list[str]]:
        """The blocks in random order, some at a time: as many as a batch needs, and at least WINDOW_BLOCKS."""
        size = max(WINDOW_BLOCKS, math.ceil(self.settings.batch_size / BLOCK))
        order = rng.permutation(len(self.rows.blocks))
        n_windows = math.ceil(len(order) / size)
        for window in np.array_split(order, n_windows):
            yield [self.rows.blocks[i] for i in window]


@dataclass
class LargeBatches:
    """Large batches, `n_steps` an epoch, whose gradients the engine's workers add up.

    rows: a handle. history: of the training; its length is the number of the epoch.
    """

    rows: Any
    blocks: Sequence[str]
    n_labels: int
    settings: TrainingSettings
    seed: int
    n_steps: int
    engine: Engine
    history: list[dict[str, float]]

    def steps(self, network: TwoLayerNetwork, rng: np.random.Generator) -> Iterator[Step]:
        groups = partition(self.blocks, self.engine.slots)
        for step in range(self.n_steps):
            batch = Batch(self.seed, len(self.history), step, self.n_steps, self.n_labels, self.settings)
            shared = self.engine.hand_out(network)
            total: Contribution = self.engine.total(gradient_of, add_contributions, groups, self.rows, shared, batch)
            if total.weight:
                mean = (total.gradient / total.weight).astype(network.parameters.dtype)
                yield Step(Gradient.from_vector(network.shapes, mean), total.loss, total.weight)


class Batch(NamedTuple):
    """Which rows a large batch has: every n_steps-th of each block, in an order that block, epoch and seed decide."""

    seed: int
    epoch: int
    step: int
    n_steps: int
    n_labels: int
    settings: TrainingSettings


class Contribution(NamedTuple):
    """What some blocks add to a large batch: gradient and loss summed over their rows, and the summed weight."""

    gradient: np.ndarray
    loss: float
    weight: float


def add_contributions(shares: list[Contribution]) -> Contribution:
    gradients, losses, weights = zip(*shares, strict=True)
    return Contribution(np.sum(gradients, axis=0), sum(losses), sum(weights))


@SILENT
def gradient_of(group: list[str], rows: Rows, network: TwoLayerNetwork, batch: Batch) -> Contribution:
    """A group of blocks' share of a batch. What is dropped is decided as the rows are: whoever computes it.

    As many blocks are read at a time as have no more rows of the batch than a window has.
    """
    total = Contribution(np.zeros(len(network.parameters)), 0.0, 0.0)
    at_once = WINDOW_BLOCKS * batch.n_steps
    for start in range(0, len(group), at_once):
        blocks = group[start : start + at_once]
        total = add_contributions([total, gradient_of_blocks(blocks, rows, network, batch)])
    return total._replace(gradient=total.gradient.astype(network.parameters.dtype))  # fewer bytes to send


def gradient_of_blocks(blocks: list[str], rows: Rows, network: TwoLayerNetwork, batch: Batch) -> Contribution:
    chosen = [rows_of_batch(block, rows, batch) for block in blocks]
    bag = rows.bags.read(blocks, chosen)
    bag.X.data *= dropout_factors(blocks, chosen, rows.bags, batch)
    mask = hidden_mask(blocks, chosen, network, batch)
    X = bag.X.astype(network.parameters.dtype, copy=False)
    y = targets(bag.labels, batch.n_labels, X.dtype, bag.shares)
    weight = weights_of(bag, rows.label_weights).astype(X.dtype)
    hidden, prediction = network.forward(X, mask)
    gradient = network.backward(X, y, hidden, prediction, weight, mask).vector()
    loss = float(LOSSES[network.loss](prediction, y, weight))
    return Contribution(gradient.astype(float), loss, float(weight.sum()))


def generator_of(block: str, batch: Batch, *more: int) -> np.random.Generator:
    """Random numbers that block, epoch and seed decide."""
    return np.random.default_rng((batch.seed, batch.epoch, zlib.crc32(block.encode()), *more))


def rows_of_batch(block: str, rows: Rows, batch: Batch) -> np.ndarray:
    """The rows of a block that are in the batch."""
    rows_of_fit = rows.bags.rows(block, rows.held_out)
    order = generator_of(block, batch).permutation(np.arange(rows_of_fit.start, rows_of_fit.stop))
    first = (batch.step + zlib.crc32(block.encode())) % batch.n_steps  # small blocks do not all start with one step
    return order[first :: batch.n_steps]


def dropout_factors(blocks: list[str], chosen: list[np.ndarray], bags: Bags, batch: Batch) -> np.ndarray:
    """0 for each stored value that is dropped, else what makes up for it."""
    rate = batch.settings.dropout
    factors = []
    for block, rows in zip(blocks, chosen, strict=True):
        kept = np.ones(bags.stored(block, rows), np.float32)
        drop(kept, rate, generator_of(block, batch, batch.step, 0))
        factors.append(kept)
    return np.concatenate(factors)


def hidden_mask(
    blocks: list[str], chosen: list[np.ndarray], network: TwoLayerNetwork, batch: Batch
) -> np.ndarray | None:
    """The factors of the hidden units [rows, hidden], or None without dropout."""
    rate = batch.settings.hidden_dropout
    if not rate:
        return None
    masks = []
    for block, rows in zip(blocks, chosen, strict=True):
        mask = np.ones((len(rows), len(network.b1)), network.parameters.dtype)
        drop(mask, rate, generator_of(block, batch, batch.step, 1))
        masks.append(mask)
    return np.concatenate(masks)


def read_rows(rows: Rows, blocks: Sequence[str]) -> Bag:
    """A fit's rows in these blocks."""
    return rows.bags.read(blocks, [rows.bags.rows(block, rows.held_out) for block in blocks])


def targets(labels: np.ndarray, n_labels: int, dtype: Any, shares: np.ndarray | None = None) -> np.ndarray:
    """What the outputs should be [rows, outputs]: of two labels the number, of more 1 in its place.

    labels below 0: in place -1 - label of shares [rows without a label, labels] are those of the labels.
    """
    if n_labels == 2:
        y = labels.astype(dtype)[:, np.newaxis]
    else:
        y = np.zeros((len(labels), n_labels), dtype)
        y[np.arange(len(labels)), np.maximum(labels, 0)] = 1
    unlabelled = np.flatnonzero(labels < 0)
    if shares is not None and len(unlabelled):
        of_labels = shares[-1 - labels[unlabelled]]  # [rows, labels]
        y[unlabelled] = of_labels[:, 1:] if n_labels == 2 else of_labels
    return y


def weights_of(bag: Bag, label_weights: np.ndarray | None) -> np.ndarray:
    """The weight of each row: its own times that of its label, if labels have one, float32 [rows, 1]."""
    weights = bag.weights
    if label_weights is not None:
        of_rows = label_weights[np.maximum(bag.labels, 0)].astype(np.float32)
        unlabelled = np.flatnonzero(bag.labels < 0)
        if len(unlabelled):
            of_rows[unlabelled] = bag.shares @ label_weights.astype(np.float32)
        weights = weights * of_rows
    return weights[:, np.newaxis]


def label_weights(texts: np.ndarray) -> np.ndarray:
    """The weight of a text of each label [labels] with which all labels count alike, 1 on average.

    texts [labels]: how many have each label.
    """
    present = np.count_nonzero(texts)
    return np.asarray(texts.sum() / present / np.maximum(texts, 1))
