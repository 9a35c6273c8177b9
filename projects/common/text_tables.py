"""Tables of text: CSV with whatever delimiter, JSON lines, JSON lists, and files with a text on each line."""

import csv
import io
import json
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import IO, Any

from projects.common.delimiters import LONGEST_LINE, column_of_lines, find_delimiter, lines_above_header, lines_in
from projects.common.errors import ProjectError
from projects.common.table import (
    LINES,
    MOST_COLUMNS,
    Row,
    Table,
    checked_columns,
    reading_errors,
)
from projects.common.text_encoding import Encoding
from projects.common.unpacking import Source

LARGEST_LIST = 1 << 28  # characters of a JSON list, which is read in one piece
SAMPLE = 1 << 18  # characters that the delimiter is found in
USUAL_DELIMITER = {".tsv": "\t", ".tab": "\t"}
CSV_ENDINGS = (".csv", ".tsv", ".tab", ".txt")
JSONL_ENDINGS = (".jsonl", ".ndjson")


def as_text(file: IO[bytes], encoding: Encoding) -> io.TextIOWrapper:
    """The text of a file; what is not UTF-8 is left for `lines_of` to find."""
    errors = "surrogateescape" if encoding.name.startswith("utf-8") else "strict"
    return io.TextIOWrapper(file, encoding=encoding.name, errors=errors, newline="")


def open_text(source: Source, encoding: Encoding) -> Table:
    """A CSV, JSONL or JSON table, or a .txt with a text on each line."""
    with as_text(source.open(), encoding) as file:
        sample = file.read(SAMPLE)
    kind = text_format(source.ending, sample)
    delimiter = None
    n_above = 0
    whole = len(sample) < SAMPLE
    column = column_of_lines(sample, whole) if source.ending == ".txt" else None
    if column is not None:
        return table_of_lines(source, encoding, column)
    if kind == "CSV":
        n_above = lines_above_header(sample, whole)
        table = "".join(lines_in(sample)[n_above:])
        delimiter = find_delimiter(table, whole, USUAL_DELIMITER.get(source.ending, ","))

    def rows() -> Iterator[Row]:
        with as_text(source.open(), encoding) as file:
            yield from parse_text(kind, file, source.path, delimiter, n_above)[1]

    with as_text(source.open(), encoding) as file:
        columns, _ = parse_text(kind, file, source.path, delimiter, n_above)
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
        f"line {n_above + 1}" if n_above else None,
    )


def table_of_lines(source: Source, encoding: Encoding, column: str) -> Table:
    """The table of a file with a text on each line; a first line that is the column's name is none."""

    def rows() -> Iterator[Row]:
        with as_text(source.open(), encoding) as file:
            filled = (pair for pair in enumerate(lines_of(file, source.path), 1) if pair[1].strip())
            for place, (number, line) in enumerate(filled):
                if place > 0 or line.strip() != column:
                    yield f"line {number}", {column: line.rstrip("\r\n")}

    return Table(
        source.path,
        LINES,
        (column,),
        rows,
        encoding=encoding.name,
        encoding_guessed=encoding.guessed,
        marked=encoding.marked,
        packing=source.packing,
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
    kind: str, file: io.TextIOWrapper, path: Path, delimiter: str | None, n_above: int = 0
) -> tuple[tuple[str, ...], Iterator[Row]]:
    """The columns and the rows of an open file. n_above: lines above the header of CSV."""
    if kind == "CSV":
        return read_csv(file, path, delimiter or ",", n_above)
    rows = read_json_lines(file, path) if kind == "JSONL" else read_json_list(file, path)
    first = next(rows, None)
    if first is None:
        return (), iter(())
    return tuple(first[1]), chain([first], rows)


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


def read_csv(
    file: io.TextIOBase, path: Path, delimiter: str, n_above: int = 0
) -> tuple[tuple[str, ...], Iterator[Row]]:
    """Columns and rows; of an empty file none. n_above: lines above the header.

    A row that is only a line end is a row where there is one column, and none where there are more.
    """
    csv.field_size_limit(LONGEST_LINE)
    lines = lines_of(file, path)
    for _ in range(n_above):
        next(lines)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)

    def line() -> int:
        return n_above + reader.line_num

    def place(row: int) -> str:
        """The line, and the row of a spreadsheet where it is another one, as quoted texts have line ends."""
        return f"line {line()}" if row == line() else f"line {line()} (row {row})"

    with reading_errors(path, lambda: f", after line {line()}"):
        header: list[str] = []
        n_rows = n_above
        for header in reader:
            n_rows += 1
            if header:
                break
    columns = checked_columns(header, path, f"line {line()}")

    def rows() -> Iterator[Row]:
        last = line()
        with reading_errors(path, lambda: f", after line {last}"):  # a quote that never ends began after it
            for row, fields in enumerate(reader, n_rows + 1):
                last = line()
                if not fields and len(columns) == 1:
                    fields = [""]
                if fields and len(fields) != len(columns):
                    problem = f"{len(fields)} fields, but the header has {len(columns)}, the last of them {columns[-1]}"
                    raise ProjectError(f"{path}, {place(row)}: {problem}")
                if fields:
                    yield place(row), dict(zip(columns, fields, strict=True))

    return columns, rows()


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
