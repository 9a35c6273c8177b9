"""Reviews: where they come from, and which are for training and which for testing."""

import csv
import gzip
import hashlib
import json
import re
import struct
import tarfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

import numpy as np

from projects.common.download import Published
from projects.common.errors import ProjectError
from projects.common.files import refuse_pipe
from projects.sentiment.labels import USUAL, number_labels, order_labels

PUBLISHED = Published(
    pipeline="sentiment",
    url="https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz",
    sha256="c40f74a18d3b61f90feba1e17730e0d38e8b97c05fde7008942e91923d1658fe",
    name="aclImdb_v1.tar.gz",
    size=84_125_825,
)
SAMPLE = "reviews-SIMULATED.csv"

MEMBER = re.compile(r"(?:^|/)(train|test)/(pos|neg)/(\d{1,18})_\d+\.txt$")
LONGEST_REVIEW = 10_000_000  # bytes of one archive member, and characters of one line of a table
LARGEST_ARCHIVE = 1 << 30  # bytes when unpacked; the published one has a third of that
AHEAD = tarfile.RECORDSIZE  # bytes that tarfile reads before it needs them
LARGEST_HEADER = 1 << 20  # bytes before a member, with its long name and the like
MOST_COLUMNS = 1_000  # of a table: more are a mistake, and would take minutes to read
TABLES = (".csv", ".tsv", ".jsonl")
TEXT_COLUMNS, LABEL_COLUMNS = ("text", "review"), ("label", "sentiment")
TEST_SHARE = 0.2  # of a table that does not say which rows are for testing
CHUNK = 1_000  # texts held in memory at a time while predicting,
CHUNK_CHARACTERS = 10_000_000  # or fewer, if they are this long together


@dataclass(repr=False)
class Reviews:
    """Texts with the numbers of their labels, as they are in label_names."""

    texts: list[str] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    simulated: bool = False
    label_names: tuple[str, ...] = USUAL

    def __repr__(self) -> str:
        if len(self.label_names) > 2:
            return f"Reviews({len(self.texts):,}, with {len(self.label_names):,} labels)"
        return f"Reviews({len(self.texts):,}, of which {sum(self.labels):,} are {self.label_names[-1]})"

    def take(self, rows: np.ndarray) -> "Reviews":
        texts, labels = [self.texts[row] for row in rows], [self.labels[row] for row in rows]
        return Reviews(texts, labels, self.simulated, self.label_names)


@dataclass(frozen=True)
class Names:
    """What a table of reviews calls things; None: the usual names."""

    text_column: str | None = None
    label_column: str | None = None
    positive: str | None = None  # of two labels, the one that is number 1
    labels: tuple[str, ...] | None = None  # those of the model that is scored; None: those that are there


USUAL_NAMES = Names()


def read_reviews(path: Path, part: str, names: Names = USUAL_NAMES) -> Reviews:
    """The reviews of one part, "train" or "test", of the published archive, a folder or a table.

    A folder holds reviews.txt and labels.txt, a review and a label a line; its last 1,000 reviews are the test (a
    fifth, where that is fewer). A table is CSV, TSV or JSONL with the columns text and label; a column `split` says
    train or test, else the test is a fifth of the texts, as `drawn` says.
    Raises ProjectError naming file and line, or the archive's member.
    """
    refuse_pipe(path)
    if not path.exists():
        raise ProjectError(f"no file at {path}: give the archive or a table with --data, or run `sentiment download`")
    if path.suffix.lower() in TABLES and not path.is_dir():
        reviews = from_table(path, part, names)
    elif names.text_column or names.label_column:
        raise ProjectError(f"{path} is no {', '.join(TABLES)} table and has no columns: leave out their names")
    elif path.is_dir():
        reviews = from_folder(path, part, names)
    else:
        reviews = from_archive(path, part)
        if names.labels:
            written = [USUAL[label] for label in reviews.labels]
            lines = range(1, len(written) + 1)
            reviews.labels = number_labels(written, names.labels, lines, path)
            reviews.label_names = names.labels
    if not reviews.texts:
        raise ProjectError(f"{path} has no reviews to {part} on")
    if len(set(reviews.labels)) < 2:
        only = reviews.label_names[reviews.labels[0]]
        raise ProjectError(f"{path} has only {only} reviews to {part} on, and two labels are needed")
    return reviews


def from_archive(path: Path, part: str) -> Reviews:
    """Reviews of the published tar.gz, read as a stream: nothing is unpacked, links are never followed."""
    found: dict[str, tuple[int, int, str]] = {}
    member_name = "its first member"
    try:
        with gzip.open(path) as packed:
            stream = BoundedStream(cast(IO[bytes], packed))
            with tarfile.open(fileobj=cast(IO[bytes], stream), mode="r|") as archive:
                while (member := archive.next()) is not None:
                    member_name = member.name
                    end = member.offset_data + member.size
                    if end > LARGEST_ARCHIVE:
                        raise ProjectError(
                            f"{path}: with {member_name} it unpacks to more than {LARGEST_ARCHIVE:,} bytes"
                        )
                    stream.allow_up_to(end + LARGEST_HEADER)
                    review = review_of(archive, member, path, part)
                    if review is None:
                        continue
                    if member_name in found:
                        raise ProjectError(f"{path}: {member_name} is there twice")
                    found[member_name] = review
            while rest := stream.read(1 << 20):  # to the end, where gzip keeps its checksum
                stream.allow_up_to(LARGEST_ARCHIVE)
                if rest.strip(b"\0"):
                    raise tarfile.ReadError("a damaged header")
    except UnicodeDecodeError as error:
        raise ProjectError(f"{path}: {member_name} is not UTF-8 (byte {error.start})") from error
    except DAMAGED as error:
        again = "fetch it again with `sentiment download --force`"
        if isinstance(error, gzip.BadGzipFile):
            again = f"give one, or a table whose name ends in {', '.join(TABLES)}"
        raise ProjectError(f"{path} is no whole tar.gz archive, from {member_name} on ({error}): {again}") from error
    in_order = sorted(found.values())  # by number, then label, so that the order of packing does not matter
    return Reviews([text for _, _, text in in_order], [label for _, label, _ in in_order])


DAMAGED = (tarfile.TarError, EOFError, zlib.error, OSError, ValueError, IndexError, ArithmeticError, struct.error)


class BoundedStream:
    """What `tarfile` reads from: ends with an error where more bytes are unpacked than were allowed.

    The size that a member declares bounds its content, but not its header: a name may be as long as
    the archive likes, and `tarfile` holds it in memory.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.read_so_far, self.allowed = file, 0, LARGEST_HEADER

    def allow_up_to(self, position: int) -> None:
        """Let as many bytes of the unpacked archive be read, and no more than LARGEST_ARCHIVE."""
        self.allowed = min(position, LARGEST_ARCHIVE)

    def read(self, size: int) -> bytes:
        """The next bytes. `tarfile` asks for its buffer, some kilobytes, at a time."""
        content = self.file.read(size)
        self.read_so_far += len(content)
        if self.read_so_far > self.allowed + AHEAD:
            what = f"more than {LARGEST_ARCHIVE:,} bytes when unpacked"
            if self.allowed < LARGEST_ARCHIVE:
                what = f"a header of more than {LARGEST_HEADER:,} bytes"
            raise tarfile.ReadError(what)
        return content


def review_of(archive: tarfile.TarFile, member: tarfile.TarInfo, path: Path, part: str) -> tuple[int, int, str] | None:
    """Number, label and text of a member that is a review of this part, else None."""
    if member.issparse():
        raise ProjectError(f"{path}: {member.name} is sparse, and no review: it would unpack to holes")
    match = MEMBER.search(member.name)
    if not match or not member.isreg() or match[1] != part:
        return None
    if member.size > LONGEST_REVIEW:
        raise ProjectError(f"{path}: {member.name} has {member.size:,} bytes, more than a review can have")
    content = archive.extractfile(member)
    assert content is not None  # a regular member has content
    return int(match[3]), int(match[2] == "pos"), content.read().decode("utf-8")


def from_folder(path: Path, part: str, names: Names) -> Reviews:
    """Reviews of the two-file packing."""
    texts, written = (read_lines(path / name) for name in ("reviews.txt", "labels.txt"))
    if len(texts) != len(written):
        raise ProjectError(f"{path}: reviews.txt has {len(texts):,} lines, labels.txt {len(written):,}")
    lines = range(1, len(written) + 1)
    labels, label_names = to_labels(written, lines, path / "labels.txt", names)
    test = min(1000, len(texts) // 5)
    rows = slice(0, len(texts) - test) if part == "train" else slice(len(texts) - test, None)
    return Reviews(texts[rows], labels[rows], label_names=label_names)


def read_lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").removesuffix("\n").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ProjectError(f"cannot read {path}: {error}") from error


def from_table(path: Path, part: str, names: Names) -> Reviews:
    """Reviews of a CSV, TSV or JSONL table."""
    text_columns = (names.text_column,) if names.text_column else TEXT_COLUMNS
    label_columns = (names.label_column,) if names.label_column else LABEL_COLUMNS
    everything, parts, labels, lines = Reviews(), [], [], []
    first: dict[str, Any] = {}
    for line, row in read_rows(path):
        everything.texts.append(value_of(row, text_columns, path, line))
        labels.append(value_of(row, label_columns, path, line, str | int))
        lines.append(line)
        everything.simulated |= "simulated" in row
        first = first or row
        parts.append(part_of(row, first, everything.texts[-1], path, line))
    everything.labels, everything.label_names = to_labels(labels, lines, path, names)
    return everything.take(np.flatnonzero(np.array(parts) == part))


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
            csv.field_size_limit(LONGEST_REVIEW)
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
    while line := file.readline(LONGEST_REVIEW + 1):
        number += 1
        if len(line) > LONGEST_REVIEW:
            raise ProjectError(f"{path}, line {number}: longer than {LONGEST_REVIEW:,} characters; split it")
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


def to_labels(
    written: Sequence[str], lines: Sequence[int], path: Path, names: Names
) -> tuple[list[int], tuple[str, ...]]:
    """The number of each label, and the labels in the order of these numbers. Raises ProjectError."""
    stripped = [label.strip() for label in written]
    for label, line in zip(stripped, lines, strict=True):
        if not label:
            raise ProjectError(f"{path}, line {line}: no label")
    label_names = names.labels or order_labels(stripped, names.positive, path)
    return number_labels(stripped, label_names, lines, path), label_names
