"""Tables of text: CSV with whatever delimiter, JSON lines, and JSON lists."""

import csv
import io
import json
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import IO, Any

from projects.common.errors import ProjectError
from projects.common.table import (
    DELIMITERS,
    LINES_BELOW,
    MOST_COLUMNS,
    MOST_LINES_ABOVE,
    Row,
    Table,
    checked_columns,
    reading_errors,
)
from projects.common.text_encoding import Encoding
from projects.common.unpacking import Source

LONGEST_LINE = 10_000_000  # characters
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
    """A CSV, JSONL or JSON table."""
    with as_text(source.open(), encoding) as file:
        sample = file.read(SAMPLE)
    kind = text_format(source.ending, sample)
    delimiter = None
    n_above = 0
    if kind == "CSV":
        whole = len(sample) < SAMPLE
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


def lines_above_header(sample: str, whole: bool) -> int:
    """How many lines such as “Export of 2026-01-01” stand above the header; 0 where the first line is the header.

    They do where the first line has one field, perhaps with delimiters after it as spreadsheets write them, and all
    rows from a later one on have as many fields, none of the header's empty: three or more, or two where an empty line
    stands above them.
    """
    lines = [line.rstrip("\r\n") for line in lines_in(sample)]
    filled = [number for number, line in enumerate(lines) if is_filled(line)][: MOST_LINES_ABOVE + 1]
    for number in filled[1:]:
        after_empty_line = number - 1 not in filled
        for delimiter in DELIMITERS:
            title = lines[filled[0]].rstrip(delimiter)
            if any(mark in title for mark in DELIMITERS) or not all(lines[number].split(delimiter)):
                continue
            below = lines[number : number + LINES_BELOW]
            counts = field_counts("\n".join(below), whole and number + len(below) == len(lines), delimiter)
            fewest = 2 if after_empty_line else 3
            if len(counts) > 1 and counts[0] >= fewest and set(counts) == {counts[0]}:
                return number
    return 0


def lines_in(sample: str) -> list[str]:
    """The lines with their ends, as a file gives them: `str.splitlines` ends lines at form feeds and others, too."""
    return list(io.StringIO(sample, newline=""))


def is_filled(line: str) -> bool:
    """Whether a line has more than spaces and delimiters."""
    return bool(line.strip(" " + "".join(DELIMITERS)))


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
