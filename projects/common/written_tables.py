"""Tables that are written for people: CSV as their spreadsheet reads it, and Excel."""

import csv
import io
import re
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from typing import IO, Any

from projects.common.table import Table

WIDTHS = (10, 60)  # characters of the narrowest and the widest column in Excel,
MEASURED_ROWS = 200  # by this many rows
DIGITS_OF_EXCEL = 15  # of a number; further ones are lost

SHOWN_AS = {date: 14, datetime: 22, time: 21, timedelta: 46}  # Excel's numbers of formats: as its user's country writes
EARLIEST = 1900  # Excel has no dates before

Row = dict[str, Any]
Write = Callable[[list[Row]], None]
Formats = dict[type, Any]  # of cells, by the type of their values


def delimiter_like(table: Table, remembered: str | None = None) -> str:
    """The delimiter of a .csv file written for a table: that of the table.

    Where it has none, as it has one column, or a tab, the remembered one of an earlier table; a comma without that.
    """
    own = table.delimiter if len(table.columns) > 1 else None
    return first_delimiter(own, remembered)


def first_delimiter(*known: str | None) -> str:
    """The first of these that is there and no tab; a comma without one."""
    return next((delimiter for delimiter in known if delimiter and delimiter != "\t"), ",")


def as_written(value: Any, with_commas: bool) -> Any:
    """A cell of CSV, numbers with a decimal comma where that is wanted."""
    return str(value).replace(".", ",") if with_commas and isinstance(value, float) else value


def has_mark(table: Table) -> bool:
    """Whether what is written begins with the mark without which Excel takes UTF-8 for cp1252.

    It does if the table did, or if it looks as if Excel wrote it: in another encoding than UTF-8, or with semicolons.
    """
    return table.format == "CSV" and (table.marked or table.encoding != "utf-8-sig" or table.delimiter == ";")


@contextmanager
def csv_writer(columns: list[str], delimiter: str, marked: bool, file: IO[bytes]) -> Iterator[Write]:
    """UTF-8, with a byte order mark if `marked`."""

    def write(rows: list[Row]) -> None:
        lines = io.StringIO()
        writer = csv.DictWriter(lines, columns, delimiter=delimiter, lineterminator="\n", extrasaction="ignore")
        if not file.tell():
            file.write(BOM_UTF8 if marked else b"")
            writer.writeheader()
        writer.writerows(rows)
        file.write(lines.getvalue().encode(errors="backslashreplace"))

    yield write
    if not file.tell():
        write([])


def as_number_of(table: Table) -> Callable[[Any], Any]:
    """What makes of a cell of this table the number that is written there, where Excel would show it alike.

    Of CSV all cells are texts. What has a leading zero or more digits than Excel keeps stays a text, and so does 1.234
    in a table with semicolons, where it may be 1234.
    """
    point = "," if table.delimiter == ";" else r"\."
    number = re.compile(rf"-?(0|[1-9]\d{{0,{DIGITS_OF_EXCEL - 1}}})({point}\d{{1,{DIGITS_OF_EXCEL}}})?", re.ASCII)

    def as_number(value: Any) -> Any:
        is_number = isinstance(value, str) and len(value) <= DIGITS_OF_EXCEL and number.fullmatch(value)
        return float(value.replace(",", ".")) if is_number else value

    return as_number if table.format == "CSV" else lambda value: value


@contextmanager
def excel_writer(
    columns: list[str], title: str, file: IO[bytes], as_number: Callable[[Any], Any] = lambda value: value
) -> Iterator[Write]:
    """An Excel file with a sheet of this title; texts are written as texts, never as formulas, dates as dates.

    as_number: see `as_number_of`.
    """
    workbook = new_workbook(file)
    formats = time_formats(workbook)
    sheet = new_sheet(workbook, title, columns)
    n_rows = 0

    def write(rows: list[Row]) -> None:
        nonlocal n_rows
        if not n_rows:
            set_widths(sheet, columns, rows)
        for row in rows:
            n_rows += 1
            for column, name in enumerate(columns):
                write_cell(sheet, n_rows, column, as_number(row.get(name)), formats)

    yield write
    workbook.close()


def new_workbook(file: IO[bytes]) -> Any:
    """An Excel workbook that is written to the file, a row after the other; the caller closes it."""
    import xlsxwriter

    return xlsxwriter.Workbook(file, {"constant_memory": True, "in_memory": True})


def new_sheet(workbook: Any, name: str, columns: list[str]) -> Any:
    """A sheet whose first row, the names of the columns, stays in sight."""
    sheet = workbook.add_worksheet(name)
    sheet.freeze_panes(1, 0)
    for column, title in enumerate(columns):
        sheet.write_string(0, column, title)
    return sheet


def set_widths(sheet: Any, columns: list[str], rows: list[Row]) -> None:
    """Make each column as wide as its longest value in the first rows, within WIDTHS."""
    narrowest, widest = WIDTHS
    for column, name in enumerate(columns):
        longest = max(len(str(value)) for value in (name, *(row.get(name, "") for row in rows[:MEASURED_ROWS])))
        sheet.set_column(column, column, min(max(longest + 2, narrowest), widest))


def time_formats(workbook: Any) -> Formats:
    """The formats of cells with a date or a time, for `write_cell`."""
    return {kind: workbook.add_format({"num_format": number}) for kind, number in SHOWN_AS.items()}


def write_cell(sheet: Any, row: int, column: int, value: Any, formats: Formats | None = None) -> None:
    """Write a number as a number, what has a format as a date or time, and all else as text."""
    if value is None:
        return
    shown = next((found for kind, found in (formats or {}).items() if is_kind(value, kind)), None)
    if shown is not None and fits_excel(value):
        sheet.write_datetime(row, column, value, shown)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        sheet.write_number(row, column, value)
    else:
        sheet.write_string(row, column, str(value))


def is_kind(value: Any, kind: type) -> bool:
    """Whether the value is of the type; a date and time, which is a date in Python, is no date here."""
    return isinstance(value, kind) and not (kind is date and isinstance(value, datetime))


def fits_excel(value: Any) -> bool:
    """Whether Excel has this date or time: it knows no time zones, and neither early dates nor negative times."""
    if isinstance(value, timedelta):
        return value >= timedelta(0)
    return getattr(value, "tzinfo", None) is None and getattr(value, "year", EARLIEST) >= EARLIEST
