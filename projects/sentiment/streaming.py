"""Training and scoring on more reviews than memory holds.

Every pass is one function of a file, or of the blocks it became, and an engine says where it runs: in this process, or
on the workers of `dask_engine`. What a pass gives is added up: it does not matter who computed it, or how often it was
tried. Between the passes a file's words lie as 64-bit keys, later its bags as numbers of columns, in a folder that all
can read. Only the first pass sees text.
"""

import json
import math
import os
import tempfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np

from nn import TwoLayerNetwork
from nn.batches import Step, compute_step, drop
from nn.functions import log_loss
from nn.network import Gradient
from nn.training import Training, TrainingSettings
from projects.common.errors import ProjectError
from projects.common.files import atomic_file, cannot_write, fingerprint, leftovers
from projects.common.progress import refuse_divergence, warn_if_useless
from projects.common.run_folder import STREAMING, tidy
from projects.sentiment.counting import BLOCK, Counts, add_up, count_vocabulary, read_shard, save_bags
from projects.sentiment.data import CHUNK, TEXT_COLUMNS, USUAL_NAMES, Names, Reviews, chunks, ending, value_of
from projects.sentiment.evaluation import MISTAKES, mistakes, report
from projects.sentiment.model import SentimentModel
from projects.sentiment.shards import (
    Engine,
    Shard,
    deal,
    files_of,
    label_names,
    labelled,
    load,
    parquet_errors,
    rows_of_file,
)
from projects.sentiment.text import Vocabulary, csr_matrix
from projects.sentiment.training import STEPS, defaults, refuse_empty

WINDOW = 4 * BLOCK  # rows that are shuffled together
BAG = ("indices", "indptr", "labels")  # arrays of a block that training needs
SILENT = np.errstate(over="ignore", invalid="ignore")  # divergence is told by the loss, once
MOST_ROWS = 1_000  # of a step, where no batch size is given
AT_ONCE = 4 * CHUNK  # texts that are scored together, by all cores


def read_bags(
    blocks: Sequence[Path], vocabulary: Vocabulary, chosen: Sequence[np.ndarray] | None = None
) -> tuple[Any, np.ndarray]:
    """The bags of the blocks' texts, a CSR matrix [texts, columns], and their labels [texts]; chosen: rows of each."""
    indices, in_row, labels = [], [np.zeros(1, np.int64)], []
    for number, block in enumerate(blocks):
        columns, indptr, label = (load(block, name) for name in BAG)
        rows = np.arange(len(label)) if chosen is None else chosen[number]
        starts, lengths = indptr[rows].astype(np.int64), indptr[rows + 1] - indptr[rows]
        at = np.repeat(starts - (np.cumsum(lengths) - lengths), lengths) + np.arange(lengths.sum())
        indices.append(columns[at] if chosen is not None else np.array(columns))
        in_row.append(lengths)
        labels.append(label[rows])
    columns, indptr = np.concatenate(indices), np.concatenate(in_row).cumsum()
    return csr_matrix(vocabulary.weigh(columns, indptr), columns, indptr, len(vocabulary)), np.concatenate(labels)


def targets(labels: np.ndarray, network: TwoLayerNetwork) -> np.ndarray:
    return labels.astype(network.parameters.dtype)[:, np.newaxis]


class WindowBatches(NamedTuple):
    """Steps in one process: blocks in random order, WINDOW rows after the other in random order."""

    blocks: list[Path]
    vocabulary: Vocabulary
    label_weights: np.ndarray
    settings: TrainingSettings

    def steps(self, network: TwoLayerNetwork, rng: np.random.Generator) -> Iterator[Step]:
        gradient = Gradient(network.shapes, network.parameters.dtype)
        for window in self.windows(rng):
            X, labels = read_bags(window, self.vocabulary)
            y, weight = targets(labels, network), self.label_weights[labels][:, np.newaxis]
            n_steps = math.ceil(len(y) / self.settings.batch_size)
            for rows in np.array_split(rng.permutation(len(y)), n_steps):  # no small batch is left at the end
                batch = X[rows]
                if self.settings.dropout:
                    drop(batch.data, self.settings.dropout, rng)
                yield compute_step(network, batch, y[rows], weight[rows], None, gradient)

    def windows(self, rng: np.random.Generator) -> Iterator[list[Path]]:
        """The blocks in random order, as many at a time as have WINDOW rows, or those of a larger batch."""
        order = rng.permutation(len(self.blocks))
        rows_so_far = np.cumsum([len(load(self.blocks[i], "labels")) for i in order])
        window_of = (rows_so_far - 1) // max(WINDOW, self.settings.batch_size)
        for window in np.split(order, np.flatnonzero(np.diff(window_of)) + 1):
            yield [self.blocks[i] for i in window]


@SILENT
def gradient_sum(
    blocks: list[Path], vocabulary: Vocabulary, network: TwoLayerNetwork, label_weights: np.ndarray, dropout: float,
    seed: int, epoch: int, step: int, steps: int,
) -> tuple[np.ndarray, float, float]:  # fmt: skip
    """A share of a large batch: the gradient and the loss summed over its rows, and their summed weight.

    The batch is every steps-th row of each block, in an order that block, epoch and seed decide, as they do what is
    dropped: it is the same whoever computes it.
    """
    gradient, loss, total = np.zeros(len(network.parameters)), 0.0, 0.0
    at_once = WINDOW // BLOCK * steps  # blocks of which a batch has no more rows than a window
    for start in range(0, len(blocks), at_once):
        chosen, masks = [], []
        group = blocks[start : start + at_once]
        for block in group:
            indptr, entropy = load(block, "indptr"), (seed, epoch, zlib.crc32(block.name.encode()))
            rows = np.random.default_rng(entropy).permutation(len(indptr) - 1)
            rows = rows[(step + entropy[2]) % steps :: steps]  # small blocks do not all start with the same step
            stored = int((indptr[rows + 1] - indptr[rows]).sum())
            chosen.append(rows)
            masks.append(np.random.default_rng((*entropy, step)).random(stored, np.float32) >= dropout)
        X, labels = read_bags(group, vocabulary, chosen)
        X.data *= np.concatenate(masks) / np.float32(1 - dropout)
        X, y = X.astype(network.parameters.dtype, copy=False), targets(labels, network)
        weight = label_weights[labels][:, np.newaxis]
        hidden, prediction = network.forward(X)
        gradient += network.backward(X, y, hidden, prediction, weight).vector()
        loss += float(log_loss(prediction, y, weight))
        total += float(weight.sum())
    return gradient.astype(network.parameters.dtype), loss, total  # half the bytes to send, where that is float32


class LargeBatches(NamedTuple):
    """Large batches, `n_steps` an epoch, whose gradients the engine's workers add up. vocabulary: a handle."""

    groups: list[list[Path]]
    vocabulary: Any
    label_weights: np.ndarray
    dropout: float
    seed: int
    n_steps: int
    engine: Engine
    history: list[dict[str, float]]  # of the training: its length is the number of the epoch

    def steps(self, network: TwoLayerNetwork, rng: np.random.Generator) -> Iterator[Step]:
        for step in range(self.n_steps):
            how = self.label_weights, self.dropout, self.seed, len(self.history), step, self.n_steps
            shares = list(self.engine.map(gradient_sum, self.groups, self.vocabulary, self.engine.share(network), *how))
            summed, loss, weight = (sum(share) for share in zip(*shares, strict=True))
            if weight:
                mean = (summed / weight).astype(network.parameters.dtype)
                yield Step(Gradient.from_vector(network.shapes, mean), loss, weight)


@SILENT
def measure(blocks: list[Path], vocabulary: Vocabulary, network: TwoLayerNetwork) -> np.ndarray:
    """Summed loss, right answers and rows [3]."""
    sums = np.zeros(3)
    for block in blocks:
        X, labels = read_bags([block], vocabulary)
        prediction = network.predict(X)
        loss = log_loss(prediction, targets(labels, network))
        sums += np.array([loss, np.count_nonzero((prediction[:, 0] > 0.5) == labels), len(labels)])
    return sums


def train(
    data: Path,
    run: Path,
    names: Names = USUAL_NAMES,
    seed: int = 0,
    on_epoch: Callable[[Any], None] | None = None,
    engine: Engine | None = None,
    large_batches: bool = False,
    on_phase: Callable[[str], None] = lambda phase: None,
    ngrams: int = 3,
    min_count: int = 3,
    polarity_cutoff: float = 0.05,
    balanced: bool = False,
    batch_size: int | None = None,
    **hyperparameters: Any,
) -> SentimentModel:
    """A model fitted to the training reviews of all files, but for a tenth that measures it.

    data: a path, or a pattern of several. run: folder for what lies on disk meanwhile; where other machines work, one
    that all can reach. large_batches: an epoch is STEPS batches, whose gradients the engine's workers add up; otherwise
    this process takes a step for every MOST_ROWS rows. min_count: of every 25,000 reviews (see `counting.threshold`).
    on_phase is told what begins. The other arguments are those of `model.train`. Raises ProjectError.
    """
    given = {name: value for name, value in hyperparameters.items() if value is not None}
    hyperparameters, engine = defaults(2) | given, engine or Engine()
    right = rows = 0.0
    with working_folder(run) as folder:
        on_phase("reading and counting words")
        read = engine.map(read_shard, list(enumerate(files_of(data))), folder, names, seed, min_count)
        shards: list[Shard] = []

        def tables() -> Iterator[Counts]:  # few of them are in memory at a time
            for shard, table in read:
                shards.append(shard)
                yield table

        counted = add_up(tables(), min_count)
        per_label = np.sum([shard.per_label for shard in shards], axis=0)
        called = label_names([shard.others for shard in shards], names.positive)
        blocks, held_out = ([b for shard in shards for b in getattr(shard, name)] for name in ("blocks", "held_out"))
        if not per_label.all() or not held_out:
            kinds = ", ".join(f"{n:,} {name}" for n, name in zip(per_label, called, strict=True))
            raise ProjectError(f"{data}: too few reviews to train on ({kinds}), or none that could be held out")
        on_phase("counting n-grams")
        vocabulary, columns = count_vocabulary(shards, counted, engine, ngrams, min_count, polarity_cutoff)
        refuse_empty(vocabulary)
        on_phase("numbering the n-grams of each review")
        shared = engine.share(vocabulary)
        all_blocks = [[*shard.blocks, *shard.held_out] for shard in shards]
        list(engine.map(save_bags, all_blocks, engine.share(columns), shared))
        for file in folder.iterdir():
            if file.name.split(".")[1] not in BAG:
                file.unlink()
        on_phase("training")
        n, positive_share = int(per_label.sum()), float(per_label[1] / per_label.sum())
        base_rate = 0.5 if balanced else positive_share
        label_weights = (n / 2 / per_label if balanced else np.ones(2)).astype(np.float32)
        rows_a_step = batch_size or (math.ceil(n / STEPS) if large_batches else min(MOST_ROWS, math.ceil(n / STEPS)))
        rng = np.random.default_rng(seed)
        hidden_units = hyperparameters["hidden_units"]
        network = TwoLayerNetwork(len(vocabulary), hidden_units, output="sigmoid", dtype="float32", random_state=rng)
        settings = TrainingSettings(
            batch_size=rows_a_step, **{k: v for k, v in hyperparameters.items() if k != "hidden_units"}
        )
        training = Training(network, settings, rng)
        groups, unseen = deal(blocks, engine.slots), deal(held_out, engine.slots)
        source: WindowBatches | LargeBatches = WindowBatches(blocks, vocabulary, label_weights, settings)
        if large_batches:
            steps = math.ceil(n / rows_a_step)
            source = LargeBatches(
                groups, shared, label_weights, settings.dropout, seed, steps, engine, training.history
            )

        def validation_loss() -> float:
            nonlocal right, rows
            lost, right, rows = sum(engine.map(measure, unseen, shared, engine.share(network))).tolist()
            return float(lost / rows)

        while not training.finished:
            training.run_epoch(source, validation_loss)
            (on_epoch or refuse_divergence)(training)
    negative_and_positive = np.array([1 - base_rate, base_rate])
    warn_if_useless(training, float(log_loss(np.full(2, base_rate), np.arange(2), negative_and_positive)))
    settings_kept = hyperparameters | {
        "data_sha256": fingerprint(shard.sha256.encode() for shard in shards),
        "validation_accuracy": right / rows,
        "seed": seed,
        "batch_size": rows_a_step,
        "ngrams": ngrams,
        "min_count": vocabulary.min_count,
        "polarity_cutoff": polarity_cutoff,
        "balanced": balanced,
        "train_reviews": n,
        "validation_reviews": int(rows),
        "base_rates": [1 - base_rate, base_rate],
        "label_shares": [1 - positive_share, positive_share],
        "label_names": list(called),
        "simulated": any(shard.simulated for shard in shards),
        "unfinished": False,
    }
    return SentimentModel(network, vocabulary, settings_kept)


@contextmanager
def working_folder(run: Path) -> Iterator[Path]:
    """A folder within `run` that is gone afterwards, or, if this process is killed, once the next one begins."""
    try:
        run.mkdir(parents=True, exist_ok=True)
        tidy(run)
        folder = tempfile.TemporaryDirectory(
            prefix=f"{STREAMING}{os.getpid()}-", dir=run.resolve(), ignore_cleanup_errors=True
        )
    except OSError as error:
        raise cannot_write(run, error) from error
    with folder as path:
        yield Path(path)


class Scored(NamedTuple):
    """What is known of a file's test reviews."""

    arrays: np.ndarray  # label, probability and length in words [3, texts]
    worst: list[dict[str, Any]]  # of the mistakes
    others: dict[str, str]  # see `shards.Shard`
    simulated: bool


def score(path: Path, model: SentimentModel, names: Names) -> Scored:
    found, simulated = [np.empty((3, 0))], False
    worst: list[dict[str, Any]] = []
    others: dict[str, str] = {}
    rows = ((review.text, review) for review in labelled(path, "test", names, others))
    for chunk in chunks(rows, AT_ONCE):
        negative, positive = model.settings["label_names"]
        texts, labels = [text for text, _ in chunk], [review.label for _, review in chunk]
        reviews = Reviews(texts, labels, label_names=(negative, positive))
        probability = model.predict(reviews.texts)
        found.append(np.array([reviews.labels, probability[:, 1], [len(text.split()) for text in reviews.texts]]))
        worst = surest([*worst, *mistakes(reviews, probability)])
        simulated |= any(review.simulated for _, review in chunk)
    return Scored(np.concatenate(found, axis=1), worst, others, simulated)


def surest(wrong: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(wrong, key=lambda mistake: -mistake["probability"])[:MISTAKES]


def evaluate(
    model: SentimentModel, data: Path, names: Names = USUAL_NAMES, engine: Engine | None = None
) -> dict[str, Any]:
    """What `evaluation.evaluate` says, of the test reviews of all files."""
    if len(model.label_names) > 2:
        raise ProjectError(
            f"{data} is read a part at a time, which knows two labels only; the model has {len(model.label_names):,}"
        )
    engine = engine or Engine()
    found = list(engine.map(score, files_of(data), engine.share(model), names))
    labels, probability, lengths = np.concatenate([scored.arrays for scored in found], axis=1)
    label_names([scored.others for scored in found], names.positive)
    if len(np.unique(labels)) < 2:
        raise ProjectError(f"{data} has {len(labels):,} reviews to test on, and both kinds are needed")
    worst = surest([mistake for scored in found for mistake in scored.worst])
    simulated = any(scored.simulated for scored in found)
    both = np.column_stack([1 - probability, probability])
    return report(model, labels.astype(int), both, lengths, worst, simulated)


def answer_file(path: Path, model: SentimentModel, text_column: str | None, folder: Path) -> tuple[Path, int]:
    """Write a file's rows with a label and a probability: the file written, whole or not at all, and its rows."""
    columns, target = (text_column,) if text_column else TEXT_COLUMNS, answers_of(path, folder)
    n, parquet = 0, target.suffix.lower() == ".parquet"
    rows = ((value_of(row, columns, path, line), row) for line, row in rows_of_file(path))
    with atomic_file(target) as file, parquet_writer(path, file) if parquet else nullcontext() as write:
        for chunk in chunks(rows, AT_ONCE):
            probability = model.predict(text for text, _ in chunk)
            answers = zip(probability.argmax(axis=1).tolist(), probability.max(axis=1).tolist(), strict=True)
            added = [
                row | {"label": model.label_names[label], "probability": round(p, 6)}
                for (_, row), (label, p) in zip(chunk, answers, strict=True)
            ]
            if write is not None:
                write(added)
            else:  # of text that is no Unicode, the escape that JSON has for it
                lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in added)
                file.write(lines.encode(errors="backslashreplace"))
            n += len(chunk)
    return target, n


def answers_of(path: Path, folder: Path) -> Path:
    """Where in the folder the answers for a file go: Parquet as Parquet, all else as JSONL."""
    if ending(path) == ".parquet":
        return folder / path.name
    packed = path.with_suffix("") if path.suffix.lower() == ".gz" else path
    return folder / packed.with_suffix(".jsonl").name


@contextmanager
def parquet_writer(path: Path, file: IO[bytes]) -> Iterator[Callable[[list[dict[str, Any]]], None]]:
    """What writes rows with the columns that the file at this path has, and those that answers add."""
    with parquet_errors(path) as pyarrow:
        old = [field for field in pyarrow.parquet.read_schema(path) if field.name not in ("label", "probability")]
        added = [pyarrow.field("label", pyarrow.string()), pyarrow.field("probability", pyarrow.float64())]
        schema = pyarrow.schema([*old, *added])
    with pyarrow.parquet.ParquetWriter(file, schema) as writer:
        yield lambda rows: writer.write_table(pyarrow.Table.from_pylist(rows, schema))


def predict(
    model: SentimentModel, data: Path, folder: Path, text_column: str | None = None, engine: Engine | None = None
) -> Iterator[tuple[Path, int]]:
    """Write the answers for each file into the folder; each file written and its rows. Raises ProjectError."""
    engine, files = engine or Engine(), files_of(data)
    targets = [answers_of(path, folder).resolve() for path in files]
    if len(set(targets)) < len(files):
        raise ProjectError(f"{data}: the answers for two of its files would have the same name")
    if lost := {path.resolve() for path in files} & set(targets):
        raise ProjectError(f"the answers would take the place of {lost.pop()}: name another folder with --out")
    try:
        yield from engine.map(answer_file, files, engine.share(model), text_column, folder.resolve())
    finally:
        for left in (left for path in targets for left in leftovers(path)):  # by a worker that died
            left.unlink(missing_ok=True)
