"""Many files of reviews, and the blocks on disk that their words and bags lie in between two passes."""

import glob
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from projects.common.errors import ProjectError
from projects.common.files import cannot_write
from projects.sentiment.data import (
    CHUNK,
    LABEL_COLUMNS,
    TABLES,
    TEXT_COLUMNS,
    Names,
    part_of,
    read_rows,
    value_of,
)
from projects.sentiment.labels import LABELS
from projects.sentiment.tokens import Words

READABLE = (".parquet", *(table + packed for table in TABLES for packed in ("", ".gz")))


class Engine:
    """Where the passes run: in this process, one shard after the other."""

    slots = 1  # shards that are worked on at a time

    def share(self, value: Any) -> Any:
        """A handle of the value, to pass to `map`."""
        return value

    def map(self, function: Callable[..., Any], shards: Iterable[Any], *shared: Any) -> Iterator[Any]:
        """function(shard, *shared) of each shard, in order."""
        return (function(shard, *shared) for shard in shards)


def files_of(data: Path) -> list[Path]:
    """The files that a path or a pattern with *, ? or [ ] names. Raises ProjectError."""
    names = [str(data)] if data.exists() else sorted(set(glob.glob(str(data), recursive=True)))
    paths = [path for path in (Path(name).absolute() for name in names) if path.is_file()]  # for workers elsewhere
    if not paths:
        raise ProjectError(f"no file matches {data}: quote the pattern, and look at its folder")
    for path in paths:
        if not path.name.lower().endswith(READABLE):
            raise ProjectError(f"{path} is no CSV, TSV, JSONL (gzipped or not) or Parquet table")
    return paths


def rows_of_file(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Line number (of Parquet: number of the row) and columns of each row."""
    if path.suffix.lower() != ".parquet":
        yield from read_rows(path)
        return
    with parquet_errors(path) as pyarrow:  # unbuffered: it would keep all it has read
        batches = pyarrow.parquet.ParquetFile(path, pre_buffer=False, buffer_size=1 << 20).iter_batches(CHUNK)
        yield from enumerate((row for batch in batches for row in batch.to_pylist()), 1)


@contextmanager
def parquet_errors(path: Path) -> Iterator[Any]:
    """PyArrow, whose errors about this file become a ProjectError."""
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise ProjectError("Parquet needs the extra `dask`: pip install 'two-layer[dask]'") from error
    try:
        yield pyarrow
    except (OSError, ValueError, pyarrow.ArrowException) as error:
        raise ProjectError(f"cannot read {path}: {error}") from error


class Labelled(NamedTuple):
    """A review as its file has it."""

    text: str
    label: int
    simulated: bool


def labelled(path: Path, part: str, names: Names, others: dict[str, str]) -> Iterator[Labelled]:
    """The reviews of one part, "train" or "test", of a file; others: is given the label that is not `positive`.

    Raises ProjectError naming file and line.
    """
    text_columns = (names.text_column,) if names.text_column else TEXT_COLUMNS
    label_columns = (names.label_column,) if names.label_column else LABEL_COLUMNS
    first: dict[str, Any] = {}
    for line, row in rows_of_file(path):
        first = first or row
        text = value_of(row, text_columns, path, line)
        label = value_of(row, label_columns, path, line, str | int).strip()
        where = f"{path}, line {line}"
        if names.positive is None and label.lower() not in LABELS:
            say = "or say which one is positive with --positive LABEL"
            raise ProjectError(f"{where}: {label!r} is no label; labels are {', '.join(LABELS)}; {say}")
        if names.positive not in (None, label) and label not in others:
            others[label] = where
            label_names([others], names.positive)
        if part_of(row, first, text, path, line) == part:
            value = LABELS[label.lower()] if names.positive is None else int(label == names.positive)
            yield Labelled(text, value, "simulated" in row)


def save(block: Path, name: str, array: np.ndarray) -> None:
    """Write one of a block's arrays, whole or not at all, so that it may be tried again."""
    path, temporary = block.with_suffix(f".{name}.npy"), block.with_suffix(f".{name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "wb") as file:
            np.save(file, array)
        os.replace(temporary, path)
    except OSError as error:
        raise cannot_write(path, error) from error


def load(block: Path, name: str) -> np.ndarray:
    array: np.ndarray = np.load(block.with_suffix(f".{name}.npy"), mmap_mode="r")
    return array


def deal(blocks: list[Path], n: int) -> list[list[Path]]:
    """The blocks in n lists, or fewer, of about the same length."""
    return [blocks[i::n] for i in range(min(n, len(blocks)))]


def words_of(block: Path) -> Words:
    """The words of a block's texts, without their spelling."""
    nothing = np.empty(0, np.int64)
    return Words(b"", nothing, nothing, np.array(load(block, "keys")), load(block, "texts"))


class Shard(NamedTuple):
    """What reading a file gave: its blocks, and what else there is to know of it."""

    blocks: list[Path]  # of reviews to train on
    held_out: list[Path]
    per_label: np.ndarray  # reviews to train on that are negative and positive, int64 [2]
    others: dict[str, str]  # the labels beside `positive`, and where each is first
    simulated: bool
    sha256: str  # of the file


def label_names(of_files: list[dict[str, str]], positive: str | None) -> tuple[str, str]:
    """Names of the labels 0 and 1; of_files: the `Shard.others` of each. Raises ProjectError for a third label."""
    if positive is None:
        return "negative", "positive"
    others = [pair for others in of_files for pair in others.items()]
    first = others[0][0] if others else f"not {positive}"
    for label, where in others:
        if label != first:
            raise ProjectError(f"{where}: {label!r} is a third label, beside {positive!r} and {first!r}")
    return first, positive
