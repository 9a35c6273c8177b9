"""A table: what it was found to be, and its rows, one at a time.

Each row comes with its place ("line 7", "row 7", "sheet Rents, row 7"), so that what is wrong can be found.
"""

import csv
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from projects.common.errors import ProjectError
from projects.common.unpacking import DAMAGED

if TYPE_CHECKING:
    import pandas as pd

MOST_COLUMNS = 1_000  # more are a mistake, and would take minutes to read
DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
MOST_LINES_ABOVE = 10  # of a header, that are not empty
LINES_BELOW = 100  # of a header, that are looked at for it
LONGEST_SHOWN = 60  # characters of the names of columns in a remark
LINES = "a text on each line"  # the format of a file that is no table
Row = tuple[str, dict[str, Any]]  # the place, and the value of each column


@dataclass(frozen=True)
class Table:
    """A table that can be read, and what it was found to be."""

    path: Path
    format: str  # CSV, JSONL, JSON, Parquet, Excel or LINES
    columns: tuple[str, ...]  # of JSON: those of the first row
    rows: Callable[[], Iterator[Row]]  # from the first one; of a stream, once
    delimiter: str | None = None
    encoding: str | None = None
    encoding_guessed: bool = False
    marked: bool = False  # it begins with a byte order mark
    packing: str = ""
    header: str | None = None  # the place of the names of the columns, where something else stands above them
    unread: tuple[str, ...] = ()  # other sheets of a workbook that have rows

    def description(self) -> str:
        """The format in words: "CSV, semicolon, cp1252, gzip"."""
        delimiter = DELIMITERS.get(self.delimiter or "")
        encoding = "UTF-8" if self.encoding == "utf-8-sig" else self.encoding
        return ", ".join(part for part in (self.format, delimiter, encoding, self.packing) if part)

    def remark(self) -> str | None:
        """A line for the user where the encoding was guessed, or the header is not on top."""
        remarks = []
        if self.encoding_guessed:
            remarks.append(f"not UTF-8, so read as {self.encoding} (--encoding names another)")
        if self.format == LINES:
            remarks.append(LINES)
        if self.header:
            names = ", ".join(self.columns)[:LONGEST_SHOWN]
            remarks.append(f"the columns are named in {self.header} ({names}), what stands above is left out")
        if self.unread:
            others = ", ".join(self.unread)
            remarks.append(f"only the first sheet with rows is read, not {others} (save another as a file of its own)")
        return f"{self.path}: {'; '.join(remarks)}" if remarks else None


def table_of_frame(frame: "pd.DataFrame") -> Table:
    """A pandas DataFrame as a table; what is missing in it is None."""
    columns = tuple(map(str, frame.columns))

    def rows() -> Iterator[Row]:
        for number, values in enumerate(frame.itertuples(index=False, name=None)):
            known = (None if is_missing(value) else value for value in values)
            yield f"row {number}", dict(zip(columns, known, strict=True))

    return Table(Path("this DataFrame"), "DataFrame", columns, rows)


def is_missing(value: Any) -> bool:
    """Whether a value is None, NaN or pandas' mark for what is not there."""
    from pandas import isna
    from pandas.api.types import is_scalar  # a list, as Parquet may have them, is there

    return bool(is_scalar(value) and isna(value))


def checked_columns(names: Iterable[Any], path: Path, place: str) -> tuple[str, ...]:
    """The names of the columns. Raises ProjectError for too many, and for two of one name."""
    columns = tuple(str(name) for name in names)
    if len(columns) > MOST_COLUMNS:
        raise ProjectError(f"{path} has {len(columns):,} columns: at most {MOST_COLUMNS:,} are read")
    if len(set(columns)) < len(columns):
        twice = max(columns, key=columns.count)
        raise ProjectError(f"{path}, {place}: two columns have the same name, {twice!r}")
    return columns


@contextmanager
def reading_errors(path: Path, where: Callable[[], str] = str) -> Iterator[None]:
    """Within it what goes wrong while a file is read becomes a ProjectError; `where` says how far it was read."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise ProjectError(f"{path}{where()}: not {error.encoding} ({error.reason}); try another --encoding") from error
    except (csv.Error, RecursionError, zlib.error, *DAMAGED) as error:
        raise ProjectError(f"{path}{where()}: {error}") from error
