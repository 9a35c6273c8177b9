"""More reviews than memory holds: files are read in blocks, counted in passes, and trained on a window at a time.

Every pass is one function of a file (or of its blocks), and an engine says where it runs: `Here`, or on the workers of
`dask_engine`. What a pass gives is added up; nothing depends on who computed it, in what order, or how often it was
tried. Between the passes a file's words lie as 64-bit keys, later its bags as numbers of columns, in a folder that all
can read. Only the first pass sees text.
"""

import glob
import json
import math
import os
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from nn import TwoLayerNetwork
from nn.functions import LOSSES
from nn.training import SCHEDULES, Training, TrainingSettings
from projects.common.errors import ProjectError
from projects.common.files import cannot_write
from projects.common.progress import refuse_divergence
from projects.sentiment.data import (
    LABEL_COLUMNS,
    LABELS,
    TEST_SHARE,
    TEXT_COLUMNS,
    USUAL_NAMES,
    Names,
    Reviews,
    column,
    read_rows,
)
from projects.sentiment.model import (
    CHUNK,
    DEFAULTS,
    MISTAKES,
    STEPS,
    VALIDATION_SHARE,
    SentimentModel,
    mistakes,
    report,
)
from projects.sentiment.text import Vocabulary, csr_matrix, log_count_ratios
from projects.sentiment.tokens import CLOSING, NONE, Words, read_words

SUPPORT = 25_000  # reviews that --min-count is meant for: of twice as many, an n-gram must be in twice as many
BLOCK = 5_000  # reviews whose words are in memory at a time
WINDOW = 4  # blocks whose rows are shuffled together
MOST_ROWS = 1_000  # of a step, where no batch size is given


class Engine(Protocol):
    """Where the passes run."""

    slots: int  # parts that are worked on at a time

    def share(self, value: Any) -> Any:
        """A handle of the value, to pass to `map`."""

    def map(self, function: Callable[..., Any], parts: Iterable[Any], *shared: Any) -> Iterator[Any]:
        """function(part, *shared) of each part, in order."""


class Here:
    """In this process, one part after the other."""

    slots = 1

    def share(self, value: Any) -> Any:
        return value

    def map(self, function: Callable[..., Any], parts: Iterable[Any], *shared: Any) -> Iterator[Any]:
        return (function(part, *shared) for part in parts)


# ---- files and blocks


def files_of(data: Path) -> list[Path]:
    """The files that a path or a pattern with *, ? or [ ] names. Raises ProjectError."""
    paths = [data] if data.exists() else [Path(name) for name in sorted(glob.glob(str(data), recursive=True))]
    paths = [path for path in paths if path.is_file()]
    if not paths:
        raise ProjectError(f"no file matches {data}: quote the pattern, and look at its folder")
    for path in paths:
        if not path.name.lower().endswith((".parquet", *(t + g for t in (".csv", ".tsv", ".jsonl") for g in ("", ".gz")))):
            raise ProjectError(f"{path} is no CSV, TSV, JSONL (gzipped or not) or Parquet table")
    return paths


def rows_of_file(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Line number (of Parquet: number of the row) and columns of each row."""
    if path.suffix.lower() != ".parquet":
        yield from read_rows(path)
        return
    parquet = import_parquet()
    try:
        batches = parquet.ParquetFile(path).iter_batches(batch_size=CHUNK)
        yield from enumerate((row for batch in batches for row in batch.to_pylist()), 1)
    except (OSError, ValueError) as error:  # pyarrow's own errors are among these
        raise ProjectError(f"cannot read {path}: {error}") from error


def import_parquet() -> Any:
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise ProjectError("Parquet needs the extra `dask`: pip install 'two-layer[dask]'") from error
    return pyarrow.parquet


class Labelled(NamedTuple):
    """A review as its file has it."""

    text: str
    label: int
    held_out: bool  # of the training reviews: for measuring only
    simulated: bool


def labelled(path: Path, part: str, names: Names, seed: int, others: dict[str, str]) -> Iterator[Labelled]:
    """The reviews of one part, "train" or "test", of a file; others: is given the label that is not `positive`.

    Without a column `split`, the test are TEST_SHARE of the rows, drawn row by row with a generator that the file's
    name seeds; so is the VALIDATION_SHARE to hold out, with `seed` besides. Raises ProjectError naming file and line.
    """
    text_columns = (names.text_column,) if names.text_column else TEXT_COLUMNS
    label_columns = (names.label_column,) if names.label_column else LABEL_COLUMNS
    name = zlib.crc32(path.name.encode())
    test, hold_out = np.random.default_rng((0, name)), np.random.default_rng((1, seed, name))
    for line, row in rows_of_file(path):
        text, label = column(row, text_columns, path, line), column(row, label_columns, path, line).strip()
        where = f"{path}, line {line}"
        drawn = "test" if test.random() < TEST_SHARE else "train"
        if row.get("split", drawn) not in ("train", "test"):
            raise ProjectError(f"{where}, column split: {row['split']!r} is neither train nor test")
        if names.positive is None and label.lower() not in LABELS:
            say = "or say which one is positive with --positive LABEL"
            raise ProjectError(f"{where}: {label!r} is no label; labels are {', '.join(LABELS)}; {say}")
        if names.positive not in (None, label):
            others.setdefault(label, where)
        if row.get("split", drawn) == part:
            value = LABELS[label.lower()] if names.positive is None else int(label == names.positive)
            yield Labelled(text, value, hold_out.random() < VALIDATION_SHARE, "simulated" in row)


def label_names(others: dict[str, str], positive: str | None) -> tuple[str, str]:
    """Names of the labels 0 and 1. others: each label beside `positive`, and where it was first."""
    if positive is None:
        return "negative", "positive"
    (first, _), *more = [*others.items()] or [(f"not {positive}", "")]
    if more:
        raise ProjectError(f"{more[0][1]}: {more[0][0]!r} is a third label, beside {positive!r} and {first!r}")
    return first, positive


def save(block: Path, name: str, array: np.ndarray) -> None:
    """Write one of a block's arrays, whole or not at all, so that it may be tried again."""
    path, temporary = block.with_suffix(f".{name}.npy"), block.with_suffix(f".{os.getpid()}.tmp")
    try:
        with open(temporary, "wb") as file:
            np.save(file, array)
        os.replace(temporary, path)
    except OSError as error:
        raise cannot_write(path, error) from error


def load(block: Path, name: str) -> np.ndarray:
    array: np.ndarray = np.load(block.with_suffix(f".{name}.npy"), mmap_mode="r")
    return array


def words_of(block: Path) -> Words:
    """The words of a block's texts, without their spelling."""
    keys, nothing = np.array(load(block, "keys")), np.empty(0, np.int64)
    closing = keys == CLOSING
    return Words(b"", nothing, nothing, keys, np.cumsum(closing, dtype=np.int32) - closing)


class Part(NamedTuple):
    """What reading a file gave: its blocks, and what else there is to know of it."""

    blocks: list[Path]  # of reviews to train on
    held_out: list[Path]
    per_label: np.ndarray  # reviews to train on that are negative and positive, int64 [2]
    others: dict[str, str]  # see `label_names`
    simulated: bool


# ---- counting


class Counts(NamedTuple):
    """In how many texts each key is; in at most `excess + missed`, where rare keys were left out on the way.

    Manku and Motwani, "Approximate Frequency Counts over Data Streams", 2002, in the mergeable form of Agarwal et al.,
    "Mergeable Summaries", 2012: a key that is not here is in at most `missed` texts.
    """

    keys: np.ndarray  # distinct and ascending, uint64 or int64 [keys]
    excess: np.ndarray  # int64 [keys]
    names: np.ndarray  # of words, their spelling [keys]; else as many as nothing: [0]
    missed: int
    texts: int


def count(keys: np.ndarray, texts: np.ndarray, n_texts: int) -> tuple[Counts, np.ndarray]:
    """In how many of the texts each key is, exactly; and a place where each is. keys, texts: in pairs."""
    from pandas import factorize  # by a hash table; NumPy would sort

    numbers, distinct = factorize(keys)
    pairs = numbers * np.int64(max(1, n_texts)) + texts
    pairs.sort()
    once = np.append(True, pairs[1:] != pairs[:-1])[: len(pairs)]
    found = np.bincount(pairs[once] // max(1, n_texts), minlength=len(distinct))
    somewhere = np.zeros(len(distinct), np.int64)
    somewhere[numbers] = np.arange(len(numbers))
    order = np.argsort(distinct)
    return Counts(distinct[order], found[order], np.empty(0, object), 0, n_texts), somewhere[order]


def merge(tables: Sequence[Counts], min_count: int) -> Counts:
    """The counts of all the tables' texts, without keys that are in no more than a third of what `threshold` asks."""
    keys, excess = (np.concatenate([getattr(table, name) for table in tables]) for name in ("keys", "excess"))
    names = np.concatenate([table.names for table in tables])
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    first = np.flatnonzero(np.append(True, keys[1:] != keys[:-1])[: len(keys)])
    excess = np.add.reduceat(excess[order], first) if len(first) else excess
    missed, texts = sum(table.missed for table in tables), sum(table.texts for table in tables)
    limit = texts * min_count // (3 * SUPPORT)  # never less than `missed`: it is a sum of such limits
    kept = excess + missed > limit
    names = names[order[first[kept]]] if len(names) else names
    return Counts(keys[first[kept]], excess[kept] + missed - limit, names, limit, texts)


def add_up(tables: Iterable[Counts], min_count: int) -> Counts:
    """The sum of all tables. Merged when those that wait are as large as their sum so far: each key is moved seldom."""
    waiting: list[Counts] = []
    size = 0
    for table in tables:
        waiting.append(table)
        if sum(len(other.keys) for other in waiting) >= 2 * size:
            waiting = [merge(waiting, min_count)]
            size = len(waiting[0].keys)
    return merge(waiting, min_count)


def threshold(texts: int, min_count: int) -> int:
    """Texts that an n-gram must be in: min_count, and min_count of every SUPPORT texts."""
    return max(min_count, -(-texts * min_count // SUPPORT))


def candidates(counts: Counts, least: int) -> np.ndarray:
    """Places of the keys that may be in `least` texts; every key that is, is among them."""
    return np.flatnonzero(counts.excess + counts.missed >= least)


def read_part(file: tuple[int, Path], folder: Path, names: Names, seed: int, min_count: int) -> tuple[Part, Counts]:
    """First pass: a file's texts become words, saved in blocks; and in how many training texts each word is."""
    number, path = file
    part, waiting, tables = Part([], [], np.zeros(2, np.int64), {}, False), {False: [], True: []}, []
    simulated = False

    def close(held_out: bool) -> None:
        reviews, blocks = waiting[held_out], part.held_out if held_out else part.blocks
        block = folder / f"{number:06}-{'held-out' if held_out else 'train'}-{len(blocks):06}"
        words = read_words(review.text for review in reviews)
        save(block, "keys", words.keys)
        save(block, "labels", np.array([review.label for review in reviews], np.int8))
        blocks.append(block)
        if not held_out:
            part.per_label[:] += np.bincount([review.label for review in reviews], minlength=2)
            at = np.flatnonzero(words.keys != CLOSING)
            found, places = count(words.keys[at], words.texts[at], len(reviews))
            spelled = np.array([*words.spelled(at[places]), None], object)[:-1]  # never mistaken for a matrix
            tables.append(found._replace(names=spelled))
        reviews.clear()

    for review in labelled(path, "train", names, seed, part.others):
        waiting[review.held_out].append(review)
        simulated |= review.simulated
        if len(waiting[review.held_out]) == BLOCK:
            close(review.held_out)
    for held_out in (False, True):
        if waiting[held_out]:
            close(held_out)
    nothing = Counts(np.empty(0, np.uint64), np.empty(0, np.int64), np.empty(0, object), 0, 0)
    return part._replace(simulated=simulated), add_up(tables or [nothing], min_count)


def count_longer(blocks: list[Path], vocabulary: Vocabulary, length: int, min_count: int) -> Counts:
    """In how many texts each n-gram of length + 1 words is, by its code, if both n-grams of `length` are known."""
    tables = [Counts(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, object), 0, 0)]
    n = len(vocabulary.words)
    for block in blocks:
        words = words_of(block)
        found = list(islice(vocabulary.spot(words), length))
        if len(found) == length:
            at, ngrams = found[-1]
            both = np.flatnonzero(np.diff(at) == 1)  # one n-gram starts a word after the other
            last = ngrams[both + 1] if length == 1 else vocabulary.codes[ngrams[both + 1] - n] % n
            tables.append(count(ngrams[both] * np.int64(n) + last, words.texts[at[both]], words.n_texts)[0])
        else:
            tables.append(tables[0]._replace(texts=words.n_texts))
    return add_up(tables, min_count)


def tally(blocks: list[Path], vocabulary: Vocabulary) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Texts that each n-gram is in, positive ones of these [n-grams], and how often each word occurs [words]."""
    counts, positive = np.zeros((2, len(vocabulary)), np.int64)
    occurrences = np.zeros(len(vocabulary.words), np.int64)
    for block in blocks:
        words = words_of(block)
        indices, indptr = vocabulary.columns_in(words)
        counts += np.bincount(indices, minlength=len(counts))
        of_positive = np.repeat(load(block, "labels") == 1, np.diff(indptr))
        positive += np.bincount(indices[of_positive], minlength=len(counts))
        numbers = vocabulary.number_of.find(words.keys)
        occurrences += np.bincount(numbers[numbers != NONE], minlength=len(occurrences))
    return counts, positive, occurrences


def candidate_vocabulary(words: list[str], codes: np.ndarray) -> Vocabulary:
    """A vocabulary whose bag has every n-gram, for counting them."""
    n = len(words) + len(codes)
    return Vocabulary(words, codes, np.zeros(n, np.int32), np.zeros(n, np.float32), 0, 0.0)


def settle(
    found: Vocabulary, counts: np.ndarray, positive: np.ndarray, occurrences: np.ndarray, least: int,
    polarity_cutoff: float,
) -> Vocabulary:  # fmt: skip
    """The vocabulary of the candidates that are in `least` texts, numbered as `Vocabulary` says; from exact counts."""
    often, n = counts >= least, len(found.words)
    names = np.array([*found.words, None], object)[:-1]
    kept = np.lexsort((names, -occurrences))
    kept = kept[often[kept]]
    words, codes, new, number = names[kept].tolist(), [np.empty(0, np.int64)], len(kept), np.full(len(counts), NONE)
    number[kept] = np.arange(new)
    order = [kept]
    prefix, last = np.divmod(found.codes, n)
    start = n
    while start < len(counts):  # n-grams of one length at a time: those whose first words are among the shorter ones
        stop = n + int(np.searchsorted(prefix, start))
        ids = np.arange(start, stop)[often[start:stop]]
        of_length = number[prefix[ids - n]] * np.int64(len(words)) + number[last[ids - n]]  # halves are frequent, too
        ids, of_length = ids[np.argsort(of_length)], np.sort(of_length)
        number[ids] = np.arange(new, new + len(ids))
        order.append(ids)
        codes.append(of_length)
        start, new = stop, new + len(ids)
    kept = np.concatenate(order)
    ratios = log_count_ratios(positive[kept].astype(float), (counts - positive)[kept])
    return Vocabulary(words, np.concatenate(codes), counts[kept].astype(np.int32), ratios, least, polarity_cutoff)


def count_vocabulary(
    parts: list[Part], counted: Counts, engine: Engine, longest: int, min_count: int, polarity_cutoff: float
) -> Vocabulary:
    """The vocabulary that `learn_vocabulary` would give for all training texts in memory, with `threshold` for a count.

    A pass for each length finds candidates, and a last one counts these exactly.
    """
    least, files = threshold(counted.texts, min_count), [part.blocks for part in parts]
    found = candidate_vocabulary(counted.names[candidates(counted, least)].tolist(), np.empty(0, np.int64))
    for length in range(1, longest):
        tables = engine.map(count_longer, files, engine.share(found), length, min_count)
        counted = add_up(tables, min_count)
        new = counted.keys[candidates(counted, least)]
        found = candidate_vocabulary(found.words, np.append(found.codes, new))
    totals = engine.map(tally, files, engine.share(found))
    counts, positive, occurrences = next(totals)
    for more in totals:
        counts, positive, occurrences = counts + more[0], positive + more[1], occurrences + more[2]
    return settle(found, counts, positive, occurrences, least, polarity_cutoff)


def save_bags(blocks: list[Path], vocabulary: Vocabulary) -> None:
    """Last pass over the words: the columns of each text."""
    for block in blocks:
        indices, indptr = vocabulary.columns_in(words_of(block))
        save(block, "indices", indices)
        save(block, "indptr", indptr)


# ---- training


def read_bags(
    blocks: Sequence[Path], vocabulary: Vocabulary, chosen: Sequence[np.ndarray] | None = None
) -> tuple[Any, np.ndarray]:
    """The bags of the blocks' texts, a CSR matrix [texts, columns], and their labels [texts]; chosen: rows of each."""
    indices, in_row, labels = [], [np.zeros(1, np.int64)], []
    for number, block in enumerate(blocks):
        columns, indptr, label = (load(block, name) for name in ("indices", "indptr", "labels"))
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


def run_windows(
    training: Training, blocks: list[Path], vocabulary: Vocabulary, label_weights: np.ndarray, rate: float
) -> float:
    """An epoch of mini-batches in one process: blocks in random order, rows in random order within WINDOW of them."""
    loss = total = 0.0
    order = training.rng.permutation(len(blocks))
    for start in range(0, len(order), WINDOW):
        X, labels = read_bags([blocks[i] for i in order[start : start + WINDOW]], vocabulary)
        y, weight = targets(labels, training.network), label_weights[labels][:, np.newaxis]
        steps = math.ceil(len(y) / training.settings.batch_size)
        for rows in np.array_split(training.rng.permutation(len(y)), steps):  # no small batch is left at the end
            with np.errstate(over="ignore", invalid="ignore"):  # divergence is told by the loss
                before = training.step(X[rows], y[rows], weight[rows] / len(rows), rate)
            loss += LOSSES["log_loss"][0](before, y[rows], weight[rows])
            total += weight[rows].sum()
    return float(loss / total)


def gradient_sum(
    blocks: list[Path], vocabulary: Vocabulary, network: TwoLayerNetwork, label_weights: np.ndarray, dropout: float,
    seed: int, epoch: int, step: int, steps: int,
) -> tuple[np.ndarray, float, float]:  # fmt: skip
    """A share of a large batch: the gradient and the loss summed over its rows, and their summed weight.

    The batch is every steps-th row of each block, in an order that block, epoch and seed decide, as they do what is
    dropped: it is the same whoever computes it.
    """
    gradient, loss, total = np.zeros(len(network.parameters)), 0.0, 0.0
    for start in range(0, len(blocks), WINDOW * steps):  # of these blocks, as many rows as a window has
        chosen, masks = [], []
        group = blocks[start : start + WINDOW * steps]
        for block in group:
            rng, indptr = np.random.default_rng((seed, epoch, zlib.crc32(block.name.encode()))), load(block, "indptr")
            chosen.append(rng.permutation(len(indptr) - 1)[step::steps])
            stored = int((indptr[chosen[-1] + 1] - indptr[chosen[-1]]).sum())
            if dropout:
                masks.append(np.random.default_rng((seed, epoch, step, rng.integers(2**32))).random(stored) >= dropout)
        X, labels = read_bags(group, vocabulary, chosen)
        if dropout:
            X.data *= np.concatenate(masks) / np.float32(1 - dropout)
        X, y = X.astype(network.parameters.dtype, copy=False), targets(labels, network)
        weight = label_weights[labels][:, np.newaxis]
        hidden, prediction = network.forward(X)
        network.backward(X, y, hidden, prediction, weight=weight)
        gradient += network.gradient
        loss += float(LOSSES["log_loss"][0](prediction, y, weight))
        total += float(weight.sum())
    return gradient, loss, total


def run_large_batches(
    training: Training, groups: list[list[Path]], vocabulary: Any, label_weights: np.ndarray, rate: float, seed: int,
    steps: int, engine: Engine,
) -> float:  # fmt: skip
    """An epoch of `steps` batches, whose gradients the engine's workers add up. vocabulary: a handle."""
    settings, network, epoch, losses, weights = training.settings, training.network, len(training.history), 0.0, 0.0
    for step in range(steps):
        how = label_weights, settings.dropout, seed, epoch, step, steps
        found = list(engine.map(gradient_sum, groups, vocabulary, engine.share(network), *how))
        gradient, loss, total = (sum(share) for share in zip(*found, strict=True))
        if total:
            flat = (gradient / total).astype(network.parameters.dtype)
            network.dW1, network.gradient_after_W1[...] = (
                flat[: network.W1.size].reshape(network.W1.shape), flat[network.W1.size :])  # fmt: skip
            training.update(rate)
        losses, weights = losses + loss, weights + total
    return losses / weights


def measure(blocks: list[Path], vocabulary: Vocabulary, network: TwoLayerNetwork) -> np.ndarray:
    """Summed loss, right answers and rows [3]."""
    sums = np.zeros(3)
    for block in blocks:
        X, labels = read_bags([block], vocabulary)
        prediction = network.predict(X)
        loss = LOSSES["log_loss"][0](prediction, targets(labels, network))
        sums += loss, np.count_nonzero((prediction[:, 0] > 0.5) == labels), len(labels)
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
    dtype: str = "float32",
    **hyperparameters: Any,
) -> SentimentModel:
    """A model fitted to the training reviews of all files, but for a tenth that measures it.

    data: a path, or a pattern of several. run: folder for what lies on disk meanwhile; where other machines work, one
    that all can reach. large_batches: an epoch is STEPS batches, whose gradients the engine's workers add up; otherwise
    this process takes a step for every MOST_ROWS rows. The other arguments are those of `model.train`.
    """
    hyperparameters, engine = DEFAULTS | hyperparameters, engine or Here()
    with working_folder(run) as folder:
        on_phase("reading and counting words")
        files = list(enumerate(files_of(data)))
        read = engine.map(read_part, files, folder, names, seed, min_count)
        parts: list[Part] = []
        counted = add_up((parts.append(part) or table for part, table in read), min_count)  # type: ignore[func-returns-value]
        per_label = np.sum([part.per_label for part in parts], axis=0)
        called = label_names({label: where for part in parts[::-1] for label, where in part.others.items()}, names.positive)
        blocks, held_out = ([b for part in parts for b in getattr(part, name)] for name in ("blocks", "held_out"))
        if not per_label.all() or not held_out:
            kinds = ", ".join(f"{n:,} {name}" for n, name in zip(per_label, called, strict=True))
            raise ProjectError(f"{data}: too few reviews to train on ({kinds}), or none that could be held out")
        on_phase("counting n-grams")
        vocabulary = count_vocabulary(parts, counted, engine, ngrams, min_count, polarity_cutoff)
        if not len(vocabulary):
            raise ProjectError(
                f"no word is in {vocabulary.min_count} reviews with a log-count ratio of {polarity_cutoff}: "
                "lower --min-count or --polarity-cutoff"
            )
        on_phase("numbering the n-grams of each review")
        shared = engine.share(vocabulary)
        list(engine.map(save_bags, [[*part.blocks, *part.held_out] for part in parts], shared))
        for block in [*blocks, *held_out]:
            block.with_suffix(".keys.npy").unlink()
        on_phase("training")
        n = int(per_label.sum())
        label_weights = (n / 2 / per_label if balanced else np.ones(2)).astype(dtype)
        rows_a_step = batch_size or (math.ceil(n / STEPS) if large_batches else min(MOST_ROWS, math.ceil(n / STEPS)))
        rng = np.random.default_rng(seed)
        hidden_units = hyperparameters["hidden_units"]
        network = TwoLayerNetwork(len(vocabulary), hidden_units, output="sigmoid", dtype=dtype, random_state=rng)
        settings = TrainingSettings(
            batch_size=rows_a_step, **{k: v for k, v in hyperparameters.items() if k != "hidden_units"}
        )
        training = Training(network, settings, rng)
        groups, unseen = ([some[i :: engine.slots] for i in range(min(engine.slots, len(some)))] for some in (blocks, held_out))
        while not training.finished:
            done = len(training.history)
            rate = settings.learning_rate * SCHEDULES[settings.schedule](done / settings.epochs)
            if large_batches:
                steps = math.ceil(n / rows_a_step)
                loss = run_large_batches(training, groups, shared, label_weights, rate, seed, steps, engine)
            else:
                loss = run_windows(training, blocks, vocabulary, label_weights, rate)
            lost, right, rows = sum(engine.map(measure, unseen, shared, engine.share(network))).tolist()
            row = {"epoch": done + 1, "learning_rate": rate, "training_loss": loss, "validation_loss": lost / rows}
            training.history.append(row)
            training.diverged = not math.isfinite(loss) or not math.isfinite(lost)
            (on_epoch or refuse_divergence)(training)
    settings_kept = hyperparameters | {
        "validation_accuracy": right / rows,
        "seed": seed,
        "batch_size": rows_a_step,
        "ngrams": ngrams,
        "min_count": vocabulary.min_count,
        "polarity_cutoff": polarity_cutoff,
        "balanced": balanced,
        "train_reviews": n,
        "validation_reviews": int(rows),
        "base_rate": 0.5 if balanced else float(per_label[1] / n),
        "label_names": list(called),
        "simulated": any(part.simulated for part in parts),
    }
    return SentimentModel(network, vocabulary, settings_kept)


@contextmanager
def working_folder(run: Path) -> Iterator[Path]:
    """A folder within `run` that is gone afterwards, whatever happens."""
    try:
        run.mkdir(parents=True, exist_ok=True)
        folder = tempfile.TemporaryDirectory(prefix=".streaming-", dir=run.resolve())
    except OSError as error:
        raise cannot_write(run, error) from error
    with folder as path:
        yield Path(path)


# ---- scoring


def score(path: Path, model: SentimentModel, names: Names) -> tuple[np.ndarray, list[dict[str, Any]], bool]:
    """Label, probability and length in words of a file's test reviews [3, texts]; the worst mistakes; if simulated."""
    found, worst, simulated = [np.empty((3, 0))], [], False
    rows = labelled(path, "test", names, 0, {})
    while chunk := list(islice(rows, CHUNK)):
        reviews = Reviews([r.text for r in chunk], [r.label for r in chunk], label_names=tuple(model.settings["label_names"]))
        probability = model.predict(reviews.texts)
        found.append(np.array([reviews.labels, probability, [len(text.split()) for text in reviews.texts]]))
        worst = surest([*worst, *mistakes(reviews, probability)])
        simulated |= any(review.simulated for review in chunk)
    return np.concatenate(found, axis=1), worst, simulated


def surest(wrong: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(wrong, key=lambda mistake: -abs(mistake["probability"] - 0.5))[:MISTAKES]


def evaluate(model: SentimentModel, data: Path, names: Names = USUAL_NAMES, engine: Engine | None = None) -> dict[str, Any]:
    """What `model.evaluate` says, of the test reviews of all files."""
    engine = engine or Here()
    found = list(engine.map(score, files_of(data), engine.share(model), names))
    labels, probability, lengths = np.concatenate([arrays for arrays, _, _ in found], axis=1)
    if len(np.unique(labels)) < 2:
        raise ProjectError(f"{data} has {len(labels):,} reviews to test on, and both kinds are needed")
    worst = surest([mistake for _, some, _ in found for mistake in some])
    return report(model, labels.astype(int), probability, lengths, worst, any(marked for _, _, marked in found))


def answer_file(path: Path, model: SentimentModel, text_column: str | None, folder: Path) -> tuple[Path, int]:
    """Write a file's rows with a label and a probability into the folder, Parquet as Parquet, all else as JSONL.

    The file written, whole or not at all, and its rows.
    """
    columns, parquet = (text_column,) if text_column else TEXT_COLUMNS, path.suffix.lower() == ".parquet"
    target = folder / (path.name if parquet else path.name.removesuffix(".gz").rpartition(".")[0] + ".jsonl")
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    n, rows = 0, rows_of_file(path)
    try:
        with open(temporary, "wb") as file:
            writer = None
            while chunk := list(islice(rows, CHUNK)):
                probability = model.predict([column(row, columns, path, line) for line, row in chunk]).round(6).tolist()
                labels = [model.settings["label_names"][p > 0.5] for p in probability]
                added = [row | {"label": name, "probability": p}
                         for (_, row), name, p in zip(chunk, labels, probability, strict=True)]  # fmt: skip
                if parquet:
                    table = import_parquet().pa.Table.from_pylist(added)
                    writer = writer or import_parquet().ParquetWriter(file, table.schema)
                    writer.write_table(table.cast(writer.schema))
                else:
                    file.write("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in added).encode())
                n += len(chunk)
            if writer:
                writer.close()
        os.replace(temporary, target)
    except OSError as error:
        raise cannot_write(target, error) from error
    finally:
        temporary.unlink(missing_ok=True)
    return target, n


def predict(
    model: SentimentModel, data: Path, folder: Path, text_column: str | None = None, engine: Engine | None = None
) -> Iterator[tuple[Path, int]]:
    """Write the answers for each file into the folder; each file written and its rows. Raises ProjectError."""
    engine, files = engine or Here(), files_of(data)
    if len({path.name for path in files}) < len(files):
        raise ProjectError(f"{data}: two of its files have the same name, and so would their answers")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(folder, error) from error
    yield from engine.map(answer_file, files, engine.share(model), text_column, folder.resolve())
