"""Forecast hours as a file for a spreadsheet: CSV like the table that they come from, tabs, or Excel."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import IO

import numpy as np
import pandas as pd

from projects.bikes.decimal_commas import has_decimal_commas, with_points
from projects.bikes.outlook import Outlook, for_csv
from projects.common.errors import ProjectError
from projects.common.files import atomic_file
from projects.common.table import Table
from projects.common.written_tables import (
    Write,
    as_written,
    csv_writer,
    delimiter_like,
    excel_writer,
    has_mark,
    new_sheet,
    new_workbook,
    set_widths,
    write_cell,
)

ENDINGS = (".csv", ".tsv", ".xlsx")
TIME, DATE = "yyyy-mm-dd hh:mm", "yyyy-mm-dd"  # as Excel shows them


def check_ending(path: Path) -> None:
    """Raise ProjectError for a name that says of no format that a forecast is written in."""
    if path.suffix.lower() not in ENDINGS:
        raise ProjectError(f"{path}: a forecast is written as {', '.join(ENDINGS)}: name a file that ends so")


@contextmanager
def csv_of_hours(
    path: Path, columns: list[str], table: Table, decimal_commas: bool, file: IO[bytes]
) -> Iterator[Write]:
    """What writes rows as CSV like that of a table: its delimiter, its mark for Excel, and decimal commas.

    decimal_commas: whether numbers of the table have them; so does what is written then, and where semicolons delimit
    the table. A path that ends with .tsv gets tabs.
    """
    with_commas = decimal_commas or table.delimiter == ";"
    delimiter = "\t" if path.suffix.lower() == ".tsv" else ";" if with_commas else delimiter_like(table)
    with csv_writer(columns, delimiter, with_commas or has_mark(table), file) as write:
        yield lambda rows: write([{name: as_written(row[name], with_commas) for name in row} for row in rows])


# Hours of a table with their predictions


def check_target(path: Path, source: Path) -> None:
    """Raise ProjectError where the answers for a table can't be written to this path."""
    check_ending(path)
    if path.resolve() == source.resolve():
        raise ProjectError(f"the answers would take the place of {source}: name another file with --out")


def write_answers(path: Path, table: Table, answers: Iterator[pd.DataFrame]) -> None:
    """Write these rows, whole or not at all, in the format that the path ends with: CSV like the table, or Excel."""
    first = next(answers)
    columns = list(first)
    text = [name for name in columns if pd.api.types.is_string_dtype(first[name])]
    with atomic_file(path) as file:
        if path.suffix.lower() == ".xlsx":
            with excel_writer(columns, "hours", file) as write:
                for rows in chain([first], answers):
                    numbers, _ = with_points(rows[text], table.delimiter)
                    write(rows.assign(**numbers.map(as_number)).to_dict("records"))
        else:
            decimal_commas = has_decimal_commas(first[text], table.delimiter)
            with csv_of_hours(path, columns, table, decimal_commas, file) as write:
                for rows in chain([first], answers):
                    write(rows.to_dict("records"))


def as_number(cell: str) -> float | str:
    """The number that a cell of text is, or the text."""
    try:
        number = float(cell)
    except ValueError:
        return cell
    return number if np.isfinite(number) else cell


# A forecast of the days to come


def write_outlook(path: Path, coming: Outlook, unit: str, table: Table, decimal_commas: bool) -> None:
    """Write the hours, to Excel the days too, whole or not at all. Raises ProjectError.

    unit: of the temperature. table: the data, which CSV is like; see `csv_of_hours`.
    """
    check_ending(path)
    hours = for_csv(coming.hours, unit)
    if path.suffix.lower() == ".xlsx":
        write_workbook(path, hours, for_csv(whole_bikes(coming.days)))
        return
    with atomic_file(path) as file, csv_of_hours(path, list(hours), table, decimal_commas, file) as write:
        write(hours.to_dict("records"))


def whole_bikes(days: pd.DataFrame) -> pd.DataFrame:
    """The days with bikes and bounds as whole numbers."""
    return days.assign(**days.select_dtypes("float").round())


def write_workbook(path: Path, hours: pd.DataFrame, days: pd.DataFrame) -> None:
    """An Excel file with a sheet of hours and one of days; both as `for_csv` gives them."""
    with atomic_file(path) as file:
        workbook = new_workbook(file)
        for name, table, shown in (("hours", hours, TIME), ("days", days, DATE)):
            sheet, time_format = new_sheet(workbook, name, list(table)), workbook.add_format({"num_format": shown})
            rows = table.to_dict("records")
            set_widths(sheet, list(table), rows)
            for number, row in enumerate(rows, 1):
                moment, *values = row.values()
                sheet.write_datetime(number, 0, pd.Timestamp(moment).to_pydatetime(), time_format)
                for column, value in enumerate(values, 1):
                    write_cell(sheet, number, column, value)
        workbook.close()
