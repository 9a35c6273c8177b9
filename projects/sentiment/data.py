"""Texts with labels: where they come from, and which are for training and which for testing."""

import glob
import gzip
import hashlib
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

import numpy as np

from projects.common import progress
from projects.common.download import Published
from projects.common.errors import ProjectError
from projects.common.files import no_file, refuse_pipe
from projects.common.table import is_missing, table_of_frame
from projects.sentiment.archive import SHARE_OF_UNPACKING, review_members
from projects.sentiment.columns import label_text
from projects.sentiment.labels import UNLABELLED, USUAL, number_labels, order_labels
from projects.sentiment.layout import (
    ANY_LAYOUT,
    OTHER_LABEL,
    Layout,
    LeftOut,
    filled_in,
    find_layout,
    guessed,
    never_there,
    no_such_labels,
    open_with,
    refuse_another_column,
    text_of,
    usable_rows,
    without_header,
)

if TYPE_CHECKING:
    import pandas as pd

PUBLISHED = Published(
    pipeline="sentiment",
    url="https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz",
    sha256="c40f74a18d3b61f90feba1e17730e0d38e8b97c05fde7008942e91923d1658fe",
    name="aclImdb_v1.tar.gz",
    size=84_125_825,
)
SAMPLE = "reviews-SIMULATED.csv"

TAR_MARK = slice(257, 262)  # where a tar archive has "ustar"
TOLD_EVERY = 100  # texts of the archive, to the progress of the process
UNPACKED = 3  # bytes of a byte of a packed table, about
ALL = "all"  # the part of a table that has training and test texts
TEST_SHARE = 0.2  # of a table that does not say which rows are for testing
CHUNK = 1_000  # texts held in memory at a time while predicting,
CHUNK_CHARACTERS = 10_000_000  # or fewer, if they are this long together
NO_LABEL = ""  # of a text that is not labelled
Item = TypeVar("Item", bound=tuple[Any, ...])


class Example(NamedTuple):
    """A text with its label as they are written, and the place to name in an error."""

    text: str
    label: str
    place: str
    simulated: bool = False
    row: dict[str, Any] | None = None  # of a table, all that it has


class Source(Protocol):
    """Anything that has examples: a file, or texts in memory."""

    @property
    def name(self) -> str:
        """What an error calls it."""

    @property
    def layout(self) -> Layout:
        """How its table is laid out; of no table, ANY_LAYOUT."""

    @property
    def film_reviews(self) -> bool:
        """Whether its texts are the published ones, and not somebody's own."""

    @property
    def is_split(self) -> bool:
        """Whether it says itself which of its texts are for the test. Raises ProjectError."""

    def examples(self, part: str, left_out: LeftOut | None = None) -> Iterator[Example]:
        """Those of one part, "train", "test", "unlabelled" or ALL; left_out is told of what can't be used.

        Raises ProjectError.
        """


@dataclass(repr=False)
class Reviews:
    """Texts with the numbers of their labels, as they are in label_names."""

    texts: list[str] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    simulated: bool = False
    label_names: tuple[str, ...] = USUAL
    name: str = field(default="this list", compare=False)  # for errors
    layout: Layout = ANY_LAYOUT
    film_reviews: bool = False
    is_split: bool = True

    def __repr__(self) -> str:
        if len(self.label_names) > 2:
            return f"Reviews({len(self.texts):,}, with {len(self.label_names):,} labels)"
        return f"Reviews({len(self.texts):,}, of which {sum(self.labels):,} are {self.label_names[-1]})"

    def take(self, rows: np.ndarray) -> "Reviews":
        texts = [self.texts[row] for row in rows]
        labels = [self.labels[row] for row in rows]
        return Reviews(texts, labels, self.simulated, self.label_names)

    def examples(self, part: str, left_out: LeftOut | None = None) -> Iterator[Example]:
        """All of them, whatever the part: who has texts in memory has split them."""
        for number, (text, label) in enumerate(zip(self.texts, self.labels, strict=True), 1):
            yield Example(text, self.label_names[label], f"text {number}", self.simulated)


@dataclass(frozen=True)
class Texts:
    """Texts in memory that have no labels."""

    texts: Sequence[str]
    name: str = "this list"
    layout: Layout = ANY_LAYOUT
    film_reviews: bool = False
    is_split: bool = True

    def examples(self, part: str, left_out: LeftOut | None = None) -> Iterator[Example]:
        """All of them that say something."""
        for number, text in enumerate(self.texts, 1):
            if text.strip():
                yield Example(text, NO_LABEL, f"text {number}")


@dataclass(frozen=True)
class File:
    """The examples of the published archive, of a folder with two files, or of a table.

    A folder holds reviews.txt and labels.txt, a text and a label a line; its last 1,000 texts are the test (a
    fifth, where that is fewer). In a table a column `split` says train or test, else the test is a fifth of the
    texts, as `drawn` says.
    """

    path: Path
    layout: Layout = ANY_LAYOUT

    @property
    def name(self) -> str:
        return str(self.path)

    @property
    def film_reviews(self) -> bool:
        """Whether it is the published archive, or a folder in the packing that the same reviews have."""
        return not is_table(self.path)

    @property
    def is_split(self) -> bool:
        """Whether it is no table, or one with a column `split`. Raises ProjectError."""
        return not is_table(self.path) or "split" in open_with(self.layout, self.path).columns

    def examples(self, part: str, left_out: LeftOut | None = None) -> Iterator[Example]:
        """Those of one part, "train", "test" or "unlabelled"; of a table that is not split also ALL.

        Unlabelled are those of the archive's reviews that have no label, or all rows of a table but those whose
        `split` is test. Raises ProjectError naming file and line, or member. left_out: told of rows without text or
        label.
        """
        path = self.path
        if not path.exists():
            raise ProjectError(no_file(path, "give the archive or a table with --data, or run `sentiment download`"))
        refuse_pipe(path)
        if is_table(path) and part == "unlabelled":
            yield from unlabelled_rows(path, self.layout)
        elif is_table(path):
            yield from table_examples(path, part, self.layout, left_out or LeftOut())
        elif self.layout != ANY_LAYOUT and (self.layout.text_column or self.layout.label_column):
            raise ProjectError(f"{path} is no table and has no columns: leave out their names")
        elif path.is_dir():
            if part == "unlabelled":
                raise ProjectError(f"{path} has no unlabelled texts: give a table, or the published archive")
            yield from folder_examples(path, part)
        else:
            members = review_members(path, part)
            for number, member in enumerate(members):
                if number % TOLD_EVERY == 0:
                    progress.advance((1 - SHARE_OF_UNPACKING) * TOLD_EVERY / len(members))
                label = NO_LABEL if member.label == UNLABELLED else USUAL[member.label]
                yield Example(member.text, label, member.place)


def is_table(path: Path) -> bool:
    """Whether a file is neither a folder nor a tar archive, gzipped or not."""
    if path.is_dir() or path.name.lower().endswith((".tar.gz", ".tgz", ".tar")):
        return False
    try:
        with gzip.open(path) as file:
            return file.read(TAR_MARK.stop)[TAR_MARK] != b"ustar"
    except (OSError, EOFError, zlib.error):
        return True


def files_of(
    data: Path,
    layout: Layout = ANY_LAYOUT,
    labelled: bool = True,
    remembered: Layout = ANY_LAYOUT,
    tell: Callable[[str], None] = lambda line: None,
    of_a_model: bool = False,
) -> list[File]:
    """The files that a path, or a pattern with *, ? or [ ], names; tables with the columns that the first one has.

    labelled: whether they must have labels. remembered: what a model was trained on, for what the layout leaves
    open. tell: is given a line for what was guessed. of_a_model: refuse a table without the column of texts that is
    remembered. Raises ProjectError.
    """
    paths = paths_of(data)
    first = paths[0]
    refuse_pipe(first)
    if first.exists() and is_table(first):
        table = open_with(replace(layout, likely_encoding=remembered.likely_encoding), first)
        found = find_layout(table, filled_in(layout, remembered, table.columns), labelled)
        if of_a_model:
            refuse_another_column(table, found, layout, remembered)
        for line in (table.remark(), without_header(table), guessed(table, found, layout, remembered, labelled)):
            if line:
                tell(line)
        layout = replace(found, delimiter=found.delimiter or table.delimiter)
        if table.encoding and not table.encoding.startswith("utf"):
            layout = replace(layout, likely_encoding=table.encoding)
    elif first.exists() and layout.label_map:
        raise ProjectError(f"{first}: --labels joins the labels of a table, and this is none")
    return [File(path, layout) for path in paths]


def paths_of(data: Path) -> list[Path]:
    """The files that a path, or a pattern with *, ? or [ ], names. Raises ProjectError where there is none."""
    if data.exists() or not glob.has_magic(str(data)):
        return [data]
    names = sorted(set(glob.glob(str(data), recursive=True)))
    paths = [path for path in map(Path, names) if path.is_file()]
    if not paths:
        raise ProjectError(f"no file matches {data}: quote the pattern, and look at its folder")
    return paths


def names_of(sources: Sequence[Source]) -> str:
    """What an error calls these sources: the first two of them."""
    return " and ".join(source.name for source in sources[:2]) + (", …" if len(sources) > 2 else "")


def read_reviews(path: Path, part: str, layout: Layout = ANY_LAYOUT, positive: str | None = None) -> Reviews:
    """All texts of one part, "train" or "test", in memory. Raises ProjectError."""
    examples = list(File(path, layout).examples(part))
    labels: dict[str, int] = {}
    for example in examples:
        labels[example.label] = labels.get(example.label, 0) + 1
    refuse_too_few(labels, str(path), part)
    label_names = order_labels(labels, positive, str(path), layout.joined_names)
    numbers = number_labels(dict.fromkeys(labels, str(path)), label_names)
    return Reviews(
        texts=[example.text for example in examples],
        labels=[numbers[example.label] for example in examples],
        simulated=any(example.simulated for example in examples),
        label_names=label_names,
        name=str(path),
    )


def labelled_texts(texts: Iterable[Any], labels: Iterable[Any], layout: Layout = ANY_LAYOUT) -> Reviews:
    """Texts in memory and their labels, whatever these are; pairs that lack one are left out.

    layout: how labels are joined, if they are. Raises ProjectError.
    """
    kept = []
    label_map = dict(layout.label_map)
    pairs = zip(texts, labels, strict=True)
    for text, label in pairs:
        written = label_text(None if is_missing(label) else label)
        if label_map:
            written = label_map.get(written, "")
        if not is_missing(text) and str(text).strip() and written:
            kept.append((str(text), written))
    label_names = order_labels(Counter(label for _, label in kept), None, "this list", layout.joined_names)
    numbers = number_labels({label: "this list" for _, label in kept}, label_names)
    return Reviews(
        texts=[text for text, _ in kept],
        labels=[numbers[label] for _, label in kept],
        label_names=label_names,
        layout=layout,
    )


def from_frame(frame: "pd.DataFrame", layout: Layout) -> Reviews:
    """The texts and labels of a pandas DataFrame. Raises ProjectError."""
    table = table_of_frame(frame)
    layout = find_layout(table, layout, labelled=True)
    named = frame.set_axis(table.columns, axis=1)
    return labelled_texts(named[str(layout.text_column)], named[str(layout.label_column)], layout)


def refuse_too_few(texts_of_label: Mapping[str, int], source: str, part: str) -> None:
    """Raise ProjectError unless there are texts, and of two labels at least."""
    labels = [label for label, texts in texts_of_label.items() if texts]
    if not labels:
        raise ProjectError(f"{source} has no texts to {part} on")
    if len(labels) < 2:
        raise ProjectError(f"{source} has only {labels[0]} texts to {part} on, and two labels are needed")


def refuse_other_labels(sources: Sequence[Source], left_out: LeftOut) -> None:
    """Raise ProjectError where rows of tables have labels under one name alone, as `--labels` does not name theirs."""
    first = sources[0]
    joined = {name for label, name in first.layout.label_map if label in left_out.joined}
    never = never_there(first.layout, left_out)
    if len(joined) == 1 and never:
        raise ProjectError(f"{first.name}: {never}")
    if OTHER_LABEL in left_out.rows and not left_out.joined:
        raise ProjectError(no_such_labels(open_with(first.layout, Path(first.name)), first.layout))


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


def table_examples(path: Path, part: str, layout: Layout, left_out: LeftOut) -> Iterator[Example]:
    """The examples of a table."""
    table = open_with(layout, path)
    layout = find_layout(table, layout, labelled=True)
    has_split = "split" in table.columns
    simulated = "simulated" in table.columns
    told, seen = path.stat().st_size * (UNPACKED if table.packing else 1), 0
    for place, text, label, row in usable_rows(table, layout, left_out):
        seen += len(text)
        if seen >= told / 100:
            progress.advance(seen / told)
            seen = 0
        if part in (ALL, part_of(row.get("split"), has_split, text, place)):
            yield Example(text, label, place, simulated, row)


def unlabelled_rows(path: Path, layout: Layout) -> Iterator[Example]:
    """The texts of a table, whatever their labels, but for those that it calls a test."""
    table = open_with(layout, path)
    layout = find_layout(table, layout, labelled=False)
    for place, row in table.rows():
        text = text_of(row, layout)
        if text.strip() and row.get("split") != "test":
            yield Example(text, NO_LABEL, f"{path}, {place}", "simulated" in table.columns)


def part_of(split: str | None, has_split: bool, text: str, place: str) -> str:
    """ "train" or "test", as the column `split` says or, where there is none, as is `drawn`."""
    if not has_split and split is None:
        return "test" if drawn(text) < TEST_SHARE else "train"
    if not has_split or split not in ("train", "test"):
        raise ProjectError(f"{place}, column split: {split!r} is neither train nor test in every row")
    return split


def drawn(text: str) -> float:
    """A number in 0…1 that the text alone decides: whatever the file, its format and order, no text changes sides."""
    digest = hashlib.blake2b(f"test {text}".encode(errors="surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64


def chunks(items: Iterable[Item], size: int = CHUNK, most_characters: int = CHUNK_CHARACTERS) -> Iterator[list[Item]]:
    """The items, whose first part is a text, in order and in lists small enough for memory."""
    chunk: list[Item] = []
    characters = 0
    for item in items:
        chunk.append(item)
        characters += len(item[0])
        if len(chunk) == size or characters >= most_characters:
            yield chunk
            chunk = []
            characters = 0
    if chunk:
        yield chunk
