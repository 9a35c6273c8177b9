"""Any table that people have, a row at a time: CSV with whatever delimiter and encoding, JSON, Parquet, Excel; packed.

Each row comes with its place ("line 7", "row 7", "sheet Rents, row 7"), so that what is wrong can be found.
"""

import csv
import io
import json
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import MAXYEAR, date, datetime, time, timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from projects.common.errors import ProjectError
from projects.common.text_encoding import Encoding, encoding_of, find_encoding, find_mark, stated
from projects.common.unpacking import DAMAGED, WORKBOOK, Source, find_source

if TYPE_CHECKING:
    import pandas as pd

LONGEST_LINE = 10_000_000  # characters
LARGEST_LIST = 1 << 28  # characters of a JSON list, which is read in one piece
LARGEST_WORKBOOK = 1 << 28  # unpacked bytes of an Excel file, the same
MOST_COLUMNS = 1_000  # more are a mistake, and would take minutes to read
BATCH = 1_000  # rows of Parquet held in memory at a time
SAMPLE = 1 << 18  # characters that the delimiter is found in
DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
USUAL_DELIMITER = {".tsv": "\t", ".tab": "\t"}
MOST_LINES_ABOVE = 10  # of a header, that are not empty
LINES_BELOW = 100  # of a header, that are looked at for it
LONGEST_SHOWN = 60  # characters of a line in an error
CSV_ENDINGS = (".csv", ".tsv", ".tab", ".txt")
JSONL_ENDINGS = (".jsonl", ".ndjson")
WORKBOOKS = (b"PK\3\4", b"\xd0\xcf\x11\xe0")  # how .xlsx and the older .xls begin

Row = tuple[str, dict[str, Any]]  # the place, and the value of each column


@dataclass(frozen=True)
class Table:
    """A table that can be read, and what it was found to be."""

    path: Path
    format: str  # CSV, JSONL, JSON, Parquet or Excel
    columns: tuple[str, ...]  # of JSON: those of the first row
    rows: Callable[[], Iterator[Row]]  # from the first one; of a stream, once
    delimiter: str | None = None
    encoding: str | None = None
    encoding_guessed: bool = False
    marked: bool = False  # it begins with a byte order mark
    packing: str = ""

    def description(self) -> str:
        """The format in words: "CSV, semicolon, cp1252, gzip"."""
        delimiter = DELIMITERS.get(self.delimiter or "")
        encoding = "UTF-8" if self.encoding == "utf-8-sig" else self.encoding
        return ", ".join(part for part in (self.format, delimiter, encoding, self.packing) if part)

    def remark(self) -> str | None:
        """A line for the user where the encoding was guessed."""
        if not self.encoding_guessed:
            return None
        return f"{self.path} is no UTF-8: read as {self.encoding}; name another with --encoding"


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


def open_table(
    path: Path,
    encoding: str | None = None,
    member: str | None = None,
    largest: int | None = None,
    likely: str | None = None,
) -> Table:
    """The table in a file. Raises ProjectError, and so does reading its rows, naming the place.

    encoding: instead of the one that is found. member: the file to take from a zip that holds several.
    largest: bytes of a packed file that are believed when it is unpacked. likely: see `find_encoding`.
    """
    source = find_source(path, member, largest)
    with reading_errors(path):
        with source.open() as file:
            start = file.read(4)
        if start == b"PAR1":
            return open_parquet(source)
        if start in WORKBOOKS:
            return open_workbook(source)
        written = stated(encoding) if encoding else find_encoding(source.open, str(path), likely)
        return open_text(source, written)


def read_stream(file: IO[bytes], name: str, encoding: str | None = None) -> Table:
    """The table in a stream that is read once, such as standard input: CSV, JSONL or a JSON list."""
    buffered = io.BufferedReader(file, SAMPLE)  # type: ignore[type-var]
    path = Path(name)
    with reading_errors(path):
        start = buffered.peek(1)
        written = stated(encoding) if encoding else find_mark(start)
        if written is None:
            written = Encoding("utf-8-sig") if start.isascii() else encoding_of(start, name)
        text = as_text(buffered, written)
        sample = start.decode(written.name, errors="replace")
        kind = text_format("", sample)
        delimiter = find_delimiter(sample, False, ",") if kind == "CSV" else None
        columns, rows = parse_text(kind, text, path, delimiter)
    return Table(path, kind, columns, lambda: rows, delimiter, written.name, written.guessed)


@contextmanager
def reading_errors(path: Path, where: Callable[[], str] = str) -> Iterator[None]:
    """Within it what goes wrong while a file is read becomes a ProjectError; `where` says how far it was read."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise ProjectError(f"{path}{where()}: not {error.encoding} ({error.reason}); try another --encoding") from error
    except (csv.Error, RecursionError, zlib.error, *DAMAGED) as error:
        raise ProjectError(f"{path}{where()}: {error}") from error


# Text


def as_text(file: IO[bytes], encoding: Encoding) -> io.TextIOWrapper:
    """The text of a file; what is not UTF-8 is left for `lines_of` to find."""
    errors = "surrogateescape" if encoding.name.startswith("utf-8") else "strict"
    return io.TextIOWrapper(file, encoding=encoding.name, errors=errors, newline="")


def open_text(source: Source, encoding: Encoding) -> Table:
    """A CSV, JSONL or JSON table."""
    with as_text(source.open(), encoding) as file:
        sample = file.read(SAMPLE)
    kind = text_format(source.ending, sample)
    delimiter = None
    if kind == "CSV":
        whole = len(sample) < SAMPLE
        refuse_lines_above_header(sample, whole, source.path)
        delimiter = find_delimiter(sample, whole, USUAL_DELIMITER.get(source.ending, ","))

    def rows() -> Iterator[Row]:
        with as_text(source.open(), encoding) as file:
            yield from parse_text(kind, file, source.path, delimiter)[1]

    with as_text(source.open(), encoding) as file:
        columns, _ = parse_text(kind, file, source.path, delimiter)
    return Table(
        source.path,
        kind,
        columns,
        rows,
        delimiter,
        encoding.name,
        encoding.guessed,
        encoding.marked,
        source.packing,
    )


def text_format(ending: str, sample: str) -> str:
    """CSV, JSONL or JSON, by the ending of the name, else by how the text begins."""
    start = sample.lstrip()[:1]
    if ending in CSV_ENDINGS:
        return "CSV"
    if ending in JSONL_ENDINGS:
        return "JSONL"
    return {"[": "JSON", "{": "JSONL"}.get(start, "CSV")


def parse_text(
    kind: str, file: io.TextIOWrapper, path: Path, delimiter: str | None
) -> tuple[tuple[str, ...], Iterator[Row]]:
    """The columns and the rows of an open file."""
    if kind == "CSV":
        return read_csv(file, path, delimiter or ",")
    rows = read_json_lines(file, path) if kind == "JSONL" else read_json_list(file, path)
    first = next(rows, None)
    if first is None:
        return (), iter(())
    return tuple(first[1]), chain_first(first, rows)


def chain_first(first: Row, others: Iterator[Row]) -> Iterator[Row]:
    yield first
    yield from others


def find_delimiter(sample: str, whole: bool, usual: str) -> str:
    """The delimiter by which the header has several fields and the most rows have as many; `usual` if there is none.

    whole: whether the sample is the whole text; else its last row is not counted.
    """
    best, best_score = usual, (-1.0, 0)
    for delimiter in sorted(DELIMITERS, key=lambda delimiter: delimiter != usual):
        header, *others = field_counts(sample, whole, delimiter) or [0]
        if header < 2:
            continue
        agreeing = sum(n == header for n in others) / len(others) if others else 1.0
        if (agreeing, header) > best_score:
            best, best_score = delimiter, (agreeing, header)
    return best


def refuse_lines_above_header(sample: str, whole: bool, path: Path) -> None:
    """Raise ProjectError, naming the line of the header, where lines such as “Export of 2026-01-01” stand above it.

    They do where the first line has no delimiter, and all rows from a later one on have as many fields: three or more,
    or two where an empty line stands above them.
    """
    lines = sample.splitlines()
    filled = [number for number, line in enumerate(lines) if line.strip()][: MOST_LINES_ABOVE + 1]
    if not filled or any(delimiter in lines[filled[0]] for delimiter in DELIMITERS):
        return
    for number in filled[1:]:
        after_empty_line = number - 1 not in filled
        for delimiter in DELIMITERS:
            below = lines[number : number + LINES_BELOW]
            counts = field_counts("\n".join(below), whole and number + len(below) == len(lines), delimiter)
            fewest = 2 if after_empty_line else 3
            if len(counts) > 1 and counts[0] >= fewest and set(counts) == {counts[0]}:
                header = lines[number].strip()[:LONGEST_SHOWN]
                above = "the line" if number == 1 else "the lines"
                raise ProjectError(
                    f"{path}: the header seems to be line {number + 1} ({header}): delete {above} above it"
                )


def field_counts(sample: str, whole: bool, delimiter: str) -> list[int]:
    """The number of fields of each row of the sample, as far as it can be read with this delimiter."""
    csv.field_size_limit(LONGEST_LINE)
    reader = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter, strict=True)
    counts: list[int] = []
    try:
        counts.extend(len(fields) for fields in reader if fields)
    except csv.Error:
        return counts
    return counts if whole or len(counts) < 2 else counts[:-1]


def lines_of(file: io.TextIOBase, path: Path) -> Iterator[str]:
    """The lines of a text. Raises ProjectError for one too long or not UTF-8."""
    number = 0
    with reading_errors(path, lambda: f", after line {number}"):
        while line := file.readline(LONGEST_LINE + 1):
            number += 1
            if len(line) > LONGEST_LINE:
                raise ProjectError(f"{path}, line {number}: longer than {LONGEST_LINE:,} characters; split it")
            try:
                line.encode()
            except UnicodeEncodeError as error:
                raise ProjectError(f"{path}, line {number}: not UTF-8 (character {error.start + 1})") from error
            yield line


def read_csv(file: io.TextIOBase, path: Path, delimiter: str) -> tuple[tuple[str, ...], Iterator[Row]]:
    """Columns and rows; of an empty file none.

    A row that is only a line end is a row where there is one column, and none where there are more.
    """
    csv.field_size_limit(LONGEST_LINE)
    reader = csv.reader(lines_of(file, path), delimiter=delimiter, strict=True)
    with reading_errors(path, lambda: f", after line {reader.line_num}"):
        header = next((fields for fields in reader if fields), [])
    columns = checked_columns(header, path, f"line {reader.line_num}")

    def rows() -> Iterator[Row]:
        line = reader.line_num
        with reading_errors(path, lambda: f", after line {line}"):  # a quote that never ends began after it
            for fields in reader:
                line = reader.line_num
                if not fields and len(columns) == 1:
                    fields = [""]
                if fields and len(fields) != len(columns):
                    problem = f"{len(fields)} fields, but the header has {len(columns)}, the last of them {columns[-1]}"
                    raise ProjectError(f"{path}, line {reader.line_num}: {problem}")
                if fields:
                    yield f"line {reader.line_num}", dict(zip(columns, fields, strict=True))

    return columns, rows()


def checked_columns(names: Iterable[Any], path: Path, place: str) -> tuple[str, ...]:
    """The names of the columns. Raises ProjectError for too many, and for two of one name."""
    columns = tuple(str(name) for name in names)
    if len(columns) > MOST_COLUMNS:
        raise ProjectError(f"{path} has {len(columns):,} columns: at most {MOST_COLUMNS:,} are read")
    if len(set(columns)) < len(columns):
        twice = max(columns, key=columns.count)
        raise ProjectError(f"{path}, {place}: two columns have the same name, {twice!r}")
    return columns


def read_json_lines(file: io.TextIOBase, path: Path) -> Iterator[Row]:
    """An object a line."""
    line = 0
    with reading_errors(path, lambda: f", after line {line}"):
        for line, text in enumerate(lines_of(file, path), 1):
            if text.strip():
                yield f"line {line}", checked_object(json.loads(text), path, f"line {line}")


def read_json_list(file: io.TextIOBase, path: Path) -> Iterator[Row]:
    """The objects of a list, which is read in one piece."""
    with reading_errors(path):
        text = file.read(LARGEST_LIST + 1)
        if len(text) > LARGEST_LIST:
            raise ProjectError(f"{path}: a JSON list of more than {LARGEST_LIST:,} characters; write an object a line")
        text.encode()
        values = json.loads(text)
    for number, value in enumerate(values, 1):
        yield f"row {number}", checked_object(value, path, f"row {number}")


def checked_object(value: Any, path: Path, place: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ProjectError(f"{path}, {place}: not a JSON object")
    if len(value) > MOST_COLUMNS:
        raise ProjectError(f"{path}, {place}: has {len(value):,} columns: at most {MOST_COLUMNS:,} are read")
    return value


# Parquet and Excel


@contextmanager
def open_parquet_file(source: Source) -> Iterator[Any]:
    """PyArrow's view of the file, whose errors become a ProjectError."""
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise ProjectError("Parquet needs the extra `dask`: pip install 'two-layer[dask]'") from error
    try:
        with source.open_seekable() as file:
            yield pyarrow.parquet.ParquetFile(file, pre_buffer=False, buffer_size=1 << 20)  # it would keep all it read
    except (OSError, ValueError, pyarrow.ArrowException) as error:
        raise ProjectError(f"cannot read {source.path}: {error}") from error


def open_parquet(source: Source) -> Table:
    """A Parquet table; its rows are numbered from 1."""
    with open_parquet_file(source) as parquet:
        columns = checked_columns(parquet.schema_arrow.names, source.path, "the schema")

    def rows() -> Iterator[Row]:
        with open_parquet_file(source) as parquet:
            number = 0
            for batch in parquet.iter_batches(BATCH):
                for row in batch.to_pylist():
                    number += 1
                    yield f"row {number}", row

    return Table(source.path, "Parquet", columns, rows, packing=source.packing)


def open_workbook(source: Source) -> Table:
    """The first sheet of an Excel file that has a header and rows; they are numbered as Excel shows them."""
    try:
        from python_calamine import CalamineError, CalamineWorkbook
    except ImportError as error:
        raise ProjectError("Excel files need the extra `excel`: pip install 'two-layer[excel]'") from error

    try:
        with source.open_seekable() as file:
            refuse_bomb(file, source.path)
            workbook = CalamineWorkbook.from_filelike(file)
            for name in workbook.sheet_names:
                sheet = workbook.get_sheet_by_name(name)
                columns, rows = sheet_rows(sheet, source.path)
                if rows:
                    break
    except (CalamineError, *DAMAGED) as error:
        raise ProjectError(f"{source.path} is no whole Excel file ({error}): save it again as .xlsx") from error
    return Table(source.path, "Excel", columns, lambda: iter(rows), packing=source.packing)


def refuse_bomb(file: IO[bytes], path: Path) -> None:
    """Raise ProjectError where a workbook unpacks to too much; a part that lies about its size fails its checksum."""
    if not zipfile.is_zipfile(file):
        return  # an .xls file, in which nothing is packed
    with zipfile.ZipFile(file) as archive:
        if WORKBOOK not in archive.namelist():
            raise ProjectError(f"{path}: a zip in a packed file, and no workbook; unpack it once")
        size = sum(part.file_size for part in archive.infolist())
        if size > LARGEST_WORKBOOK:
            raise ProjectError(f"{path} unpacks to {size:,} bytes, more than an Excel table has: save it as CSV")
        for part in archive.infolist():
            with archive.open(part) as unpacked:
                while unpacked.read(1 << 20):
                    pass
    file.seek(0)


def sheet_rows(sheet: Any, path: Path) -> tuple[tuple[str, ...], list[Row]]:
    """The columns, which the first row that is not empty names, and the rows below."""
    columns: tuple[str, ...] = ()
    rows: list[Row] = []
    all_values = [[cell_value(cell) for cell in cells] for cells in sheet.to_python(skip_empty_area=False)]
    filled = {number: values for number, values in enumerate(all_values, 1) if any(value != "" for value in values)}
    refuse_rows_above_header(filled, path, sheet.name)
    for number, values in filled.items():
        place = f"sheet {sheet.name}, row {number}"
        if not columns:
            columns = checked_columns(values[: width_of(values)], path, place)
            continue
        extra = [value for value in values[len(columns) :] if value != ""]
        if extra:
            further_down = "" if rows else "; if this row is the header, delete the rows above it"
            raise ProjectError(
                f"{path}, {place}: {extra[0]!r} stands beyond the last column, {columns[-1]}{further_down}"
            )
        rows.append((place, dict(zip(columns, values, strict=False))))
    give_midnights_a_time(rows)
    return columns, rows


def refuse_rows_above_header(filled: dict[int, list[Any]], path: Path, sheet: str) -> None:
    """Raise ProjectError, naming the row of the header, where rows such as “Export of 2026-01-01” stand above it.

    They do where the first row has one cell, and a later one has several, all of them words, and none below is wider.
    """
    numbers = list(filled)[: MOST_LINES_ABOVE + LINES_BELOW]
    if not numbers or width_of(filled[numbers[0]]) > 1:
        return
    for place, number in enumerate(numbers[1 : MOST_LINES_ABOVE + 1], 1):
        width = width_of(filled[number])
        names = filled[number][:width]
        below = [width_of(filled[other]) for other in numbers[place + 1 :]]
        are_names = width > 1 and all(isinstance(name, str) and name for name in names)
        if are_names and below and max(below) <= width:
            header = ", ".join(names)[:LONGEST_SHOWN]
            above = "the row" if number == 2 else "the rows"
            raise ProjectError(
                f"{path}, sheet {sheet}: the header seems to be row {number} ({header}): delete {above} above it"
            )


def width_of(values: Sequence[Any]) -> int:
    """How many cells there are up to the last one that is filled."""
    return max((place for place, value in enumerate(values, 1) if value != ""), default=0)


def give_midnights_a_time(rows: list[Row]) -> None:
    """Make the dates in a column that holds times too into times at midnight.

    In an Excel file nothing but the fraction of a number tells them apart, so that midnights are read as dates.
    """
    of_times = {name for _, values in rows for name, value in values.items() if isinstance(value, datetime)}
    for _, values in rows:
        for name in of_times:
            value = values.get(name)
            if isinstance(value, date) and not isinstance(value, datetime):
                values[name] = datetime.combine(value, time())


def cell_value(cell: Any) -> Any:
    """The cell's value; a whole number, which Excel keeps as 7.0, as 7, and a time to the second, as Excel shows it."""
    if isinstance(cell, float) and cell.is_integer():
        return int(cell)
    if isinstance(cell, datetime) and cell.year < MAXYEAR:  # there is no second after it
        return to_the_second(cell)
    return cell


def to_the_second(moment: datetime) -> datetime:
    """The nearest whole second: hours that a formula such as =A2+1/24 adds up are milliseconds early."""
    return (moment + timedelta(milliseconds=500)).replace(microsecond=0)
