"""Any table that people have: CSV with whatever delimiter and encoding, JSON, Parquet, Excel; packed or not."""

import io
from pathlib import Path
from typing import IO

from projects.common.delimiters import find_delimiter
from projects.common.excel_tables import open_workbook
from projects.common.parquet_tables import open_parquet
from projects.common.table import Table, reading_errors
from projects.common.text_encoding import Encoding, encoding_of, find_encoding, find_mark, stated
from projects.common.text_tables import SAMPLE, as_text, open_text, parse_text, text_format
from projects.common.unpacking import find_source

WORKBOOKS = (b"PK\3\4", b"\xd0\xcf\x11\xe0")  # how .xlsx and the older .xls begin


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
