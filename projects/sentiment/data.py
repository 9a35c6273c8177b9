"""Texts with labels: where they come from, and which are for training and which for testing."""

import csv
import glob
import gzip
import hashlib
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, NamedTuple, Protocol

import numpy as np

from projects.common.download import Published
from projects.common.errors import ProjectError
from projects.common.files import refuse_pipe
from projects.sentiment.archive import review_members
from projects.sentiment.labels import USUAL, number_labels, order_labels

PUBLISHED = Published(
    pipeline="sentiment",
    url="https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz",
    sha256="c40f74a18d3b61f90feba1e17730e0d38e8b97c05fde7008942e91923d1658fe",
    name="aclImdb_v1.tar.gz",
    size=84_125_825,
)
SAMPLE = "reviews-SIMULATED.csv"

LONGEST_TEXT = 10_000_000  # characters of one line of a table
MOST_COLUMNS = 1_000  # of a table: more are a mistake, and would take minutes to read
TABLES = (".csv", ".tsv", ".jsonl")
READABLE = (".parquet", *(table + packed for table in TABLES for packed in ("", ".gz")))
TEXT_COLUMNS, LABEL_COLUMNS = ("text", "review"), ("label", "sentiment")
TEST_SHARE = 0.2  # of a table that does not say which rows are for testing
CHUNK = 1_000  # texts held in memory at a time while predicting,
CHUNK_CHARACTERS = 10_000_000  # or fewer, if they are this long together


class Example(NamedTuple):
    """A text with its label as they are written, and the place to name in an error."""

    text: str
    label: str
    place: str
    simulated: bool = False


class Source(Protocol):
    """Anything that has examples: a file, or texts in memory."""

    @property
    def name(self) -> str:
        """What an error calls it."""

    def examples(self, part: str) -> Iterator[Example]:
        """Those of one part, "train" or "test". Raises ProjectError."""


@dataclass(repr=False)
class Reviews:
    """Texts with the numbers of their labels, as they are in label_names."""

    texts: list[str] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    simulated: bool = False
    label_names: tuple[str, ...] = USUAL
    name: str = field(default="this list", compare=False)  # for errors

    def __repr__(self) -> str:
        if len(self.label_names) > 2:
            return f"Reviews({len(self.texts):,}, with {len(self.label_names):,} labels)"
        return f"Reviews({len(self.texts):,}, of which {sum(self.labels):,} are {self.label_names[-1]})"

    def take(self, rows: np.ndarray) -> "Reviews":
        texts = [self.texts[row] for row in rows]
        labels = [self.labels[row] for row in rows]
        return Reviews(texts, labels, self.simulated, self.label_names)

    def examples(self, part: str) -> Iterator[Example]:
        """All of them, whatever the part: who has texts in memory has split them."""
        for number, (text, label) in enumerate(zip(self.texts, self.labels, strict=True), 1):
            yield Example(text, self.label_names[label], f"text {number}", self.simulated)


@dataclass(frozen=True)
class Names:
    """What a table of texts calls things; None: the usual names."""

    text_column: str | None = None
    label_column: str | None = None

    @property
    def text_columns(self) -> tuple[str, ...]:
        return (self.text_column,) if self.text_column else TEXT_COLUMNS

    @property
    def label_columns(self) -> tuple[str, ...]:
        return (self.label_column,) if self.label_column else LABEL_COLUMNS


USUAL_NAMES = Names()


@dataclass(frozen=True)
class File:
    """The examples of the published archive, of a folder with two files, or of a table.

    A folder holds reviews.txt and labels.txt, a text and a label a line; its last 1,000 texts are the test (a
    fifth, where that is fewer). A table is CSV, TSV, JSONL (gzipped or not) or Parquet with the columns text and
    label; a column `split` says train or test, else the test is a fifth of the texts, as `drawn` says.
    """

    path: Path
    names: Names = USUAL_NAMES

    @property
    def name(self) -> str:
        return str(self.path)

    def examples(self, part: str) -> Iterator[Example]:
        """Those of one part, "train" or "test". Raises ProjectError naming file and line, or member."""
        path = self.path
        refuse_pipe(path)
        if not path.exists():
            raise ProjectError(
                f"no file at {path}: give the archive or a table with --data, or run `sentiment download`"
            )
        if path.name.lower().endswith(READABLE) and not path.is_dir():
            yield from table_examples(path, part, self.names)
        elif self.names != USUAL_NAMES:
            raise ProjectError(f"{path} is no {', '.join(READABLE)} table and has no columns: leave out their names")
        elif path.is_dir():
            yield from folder_examples(path, part)
        else:
            for member in review_members(path, part):
                yield Example(member.text, USUAL[member.label], member.place)


def files_of(data: Path, names: Names = USUAL_NAMES) -> list[File]:
    """The files that a path, or a pattern with *, ? or [ ], names. Raises ProjectError."""
    if data.exists() or not glob.has_magic(str(data)):
        return [File(data, names)]
    paths = [Path(name) for name in sorted(set(glob.glob(str(data), recursive=True)))]
    paths = [path for path in paths if path.is_file()]
    if not paths:
        raise ProjectError(f"no file matches {data}: quote the pattern, and look at its folder")
    for path in paths:
        if not path.name.lower().endswith(READABLE):
            raise ProjectError(f"{path} is no CSV, TSV, JSONL (gzipped or not) or Parquet table")
    return [File(path, names) for path in paths]


def names_of(sources: Sequence[Source]) -> str:
    """What an error calls these sources: the first two of them."""
    return " and ".join(source.name for source in sources[:2]) + (", …" if len(sources) > 2 else "")


def read_reviews(path: Path, part: str, names: Names = USUAL_NAMES, positive: str | None = None) -> Reviews:
    """All texts of one part, "train" or "test", in memory. Raises ProjectError."""
    examples = list(File(path, names).examples(part))
    labels: dict[str, int] = {}
    for example in examples:
        labels[example.label] = labels.get(example.label, 0) + 1
    refuse_too_few(labels, str(path), part)
    label_names = order_labels(labels, positive, str(path))
    numbers = number_labels(dict.fromkeys(labels, str(path)), label_names)
    return Reviews(
        texts=[example.text for example in examples],
        labels=[numbers[example.label] for example in examples],
        simulated=any(example.simulated for example in examples),
        label_names=label_names,
        name=str(path),
    )


def refuse_too_few(texts_of_label: Mapping[str, int], source: str, part: str) -> None:
    """Raise ProjectError unless there are texts, and of two labels at least."""
    labels = [label for label, texts in texts_of_label.items() if texts]
    if not labels:
        raise ProjectError(f"{source} has no texts to {part} on")
    if len(labels) < 2:
        raise ProjectError(f"{source} has only {labels[0]} texts to {part} on, and two labels are needed")


def folder_examples(path: Path, part: str) -> Iterator[Example]:
    """The examples of the two-file packing."""
    texts = read_lines(path / "reviews.txt")
    labels = read_lines(path / "labels.txt")
    if len(texts) != len(labels):
        raise ProjectError(f"{path}: reviews.txt has {len(texts):,} lines, labels.txt {len(labels):,}")
    test = min(1000, len(texts) // 5)
    split = len(texts) - test
    numbers = range(split) if part == "train" else range(split, len(texts))
    for number in numbers:
        place = f"{path / 'labels.txt'}, line {number + 1}"
        yield Example(texts[number], label_of(labels[number], place), place)


def read_lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").removesuffix("\n").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ProjectError(f"cannot read {path}: {error}") from error


def label_of(written: str, place: str) -> str:
    """The label without spaces around it. Raises ProjectError where there is none."""
    label = written.strip()
    if not label:
        raise ProjectError(f"{place}: no label")
    return label


def table_examples(path: Path, part: str, names: Names) -> Iterator[Example]:
    """The examples of a table."""
    first: dict[str, Any] = {}
    for line, row in rows_of_file(path):
        first = first or row
        text = value_of(row, names.text_columns, path, line)
        place = f"{path}, line {line}"
        label = label_of(value_of(row, names.label_columns, path, line, str | int), place)
        if part_of(row, first, text, path, line) == part:
            yield Example(text, label, place, "simulated" in row)


def rows_of_file(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Line number (of Parquet: number of the row) and columns of each row."""
    if path.suffix.lower() != ".parquet":
        yield from read_rows(path)
        return
    with parquet_errors(path) as pyarrow:  # unbuffered: it would keep all it has read
        table = pyarrow.parquet.ParquetFile(path, pre_buffer=False, buffer_size=1 << 20)
        rows = (row for batch in table.iter_batches(CHUNK) for row in batch.to_pylist())
        yield from enumerate(rows, 1)


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


def part_of(row: dict[str, Any], first: dict[str, Any], text: str, path: Path, line: int) -> str:
    """ "train" or "test", as the column `split` says or, where the first row has none, as is `drawn`."""
    part = row.get("split")
    if part not in ((None,) if first.get("split") is None else ("train", "test")):
        raise ProjectError(f"{path}, line {line}, column split: {part!r} is neither train nor test")
    return str(part) if part else "test" if drawn(text) < TEST_SHARE else "train"


def drawn(text: str, purpose: str = "test") -> float:
    """A number in 0…1 that the text alone decides: whatever the file, its format and order, no text changes sides."""
    digest = hashlib.blake2b(f"{purpose} {text}".encode(errors="surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64


def chunks(rows: Iterable[tuple[str, Any]], size: int = CHUNK) -> Iterator[list[tuple[str, Any]]]:
    """The texts and what belongs to each, in order, in lists small enough for memory."""
    chunk, characters = [], 0
    for text, row in rows:
        chunk.append((text, row))
        characters += len(text)
        if len(chunk) == size or characters >= CHUNK_CHARACTERS:
            yield chunk
            chunk, characters = [], 0
    if chunk:
        yield chunk


def read_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Line number and columns of each row of a CSV, TSV or JSONL file, gzipped or not. Raises ProjectError."""
    if ending(path) not in TABLES:
        raise ProjectError(f"{path} is no table of a known format: these are {', '.join(TABLES)}")
    refuse_pipe(path)
    try:
        opener = gzip.open if path.suffix.lower() == ".gz" else open
        file = opener(path, "rt", encoding="utf-8-sig", errors="surrogateescape", newline="")
    except OSError as error:
        raise ProjectError(f"cannot read {path}: {error.strerror}") from error
    with file:
        yield from rows_of(file, path)


def ending(path: Path) -> str:
    """The ending that tells a table's format, .csv for reviews.CSV.gz."""
    return Path(path.name.lower().removesuffix(".gz")).suffix


def rows_of(file: IO[str], path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The same for an open file; the path gives format and name. In CSV, a row that is only a line end is a row where
    there is one column, and none where there are more."""
    line = 0
    try:
        if ending(path) == ".jsonl":
            for line, text in enumerate(lines_of(file, path), 1):
                row = json.loads(text)
                if not isinstance(row, dict):
                    raise ProjectError(f"{path}, line {line}: not a JSON object")
                yield line, row
        else:
            csv.field_size_limit(LONGEST_TEXT)
            delimiter = "\t" if ending(path) == ".tsv" else ","
            reader = csv.reader(lines_of(file, path), delimiter=delimiter, strict=True)
            header = next(reader, [])
            if len(header) > MOST_COLUMNS:
                raise ProjectError(f"{path} has {len(header):,} columns: at most {MOST_COLUMNS:,} are read")
            if len(set(header)) < len(header):
                raise ProjectError(f"{path}, line 1: two columns have the same name, {max(header, key=header.count)!r}")
            for fields in reader:
                line = reader.line_num
                if not fields and len(header) > 1:
                    continue
                if len(fields or [""]) != len(header):
                    raise ProjectError(f"{path}, line {line}: not as many fields as the header has")
                yield line, dict(zip(header, fields or [""], strict=True))
    except (csv.Error, ValueError, RecursionError, gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ProjectError(f"{path}, after line {line}: {error}") from error


def lines_of(file: IO[str], path: Path | str) -> Iterator[str]:
    """The lines of a file that was opened with surrogateescape. Raises ProjectError for one too long or not UTF-8."""
    number = 0
    while line := file.readline(LONGEST_TEXT + 1):
        number += 1
        if len(line) > LONGEST_TEXT:
            raise ProjectError(f"{path}, line {number}: longer than {LONGEST_TEXT:,} characters; split it")
        try:
            line.encode()
        except UnicodeEncodeError as error:
            raise ProjectError(f"{path}, line {number}: not UTF-8 (character {error.start + 1})") from error
        yield line


def value_of(row: dict[str, Any], names: tuple[str, ...], path: Path, line: int, kind: Any = str) -> str:
    """The value of the first of these columns that the row has. Raises ProjectError if it is not of this kind."""
    name = next((name for name in names if name in row), None)
    if name is None:
        raise ProjectError(f"{path}, line {line}: no column {' or '.join(names)}; it has {', '.join(row)}")
    if not isinstance(row[name], kind):
        raise ProjectError(f"{path}, line {line}, column {name}: {row[name]!r} is no text")
    return str(row[name])
