"""A forecast as a file for a spreadsheet: CSV like the table that it goes on from, tabs, or Excel with its days too."""

from pathlib import Path
from typing import Any

import pandas as pd

from projects.bikes.outlook import Outlook, for_csv
from projects.common.errors import ProjectError
from projects.common.files import atomic_file
from projects.common.tables import Table
from projects.common.written_tables import (
    csv_writer,
    delimiter_like,
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


def write_outlook(path: Path, coming: Outlook, unit: str, table: Table, decimal_commas: bool) -> None:
    """Write the hours, to Excel the days too, whole or not at all. Raises ProjectError.

    unit: of the temperature. table: the data, whose delimiter and mark CSV gets. decimal_commas: whether its numbers
    have them; so does what is written then, and where semicolons delimit the data.
    """
    check_ending(path)
    hours = for_csv(coming.hours, unit)
    if path.suffix.lower() == ".xlsx":
        write_workbook(path, hours, for_csv(whole_bikes(coming.days)))
        return
    with_commas = decimal_commas or table.delimiter == ";"
    delimiter = "\t" if path.suffix.lower() == ".tsv" else ";" if with_commas else delimiter_like(table)
    rows = [{name: as_written(value, with_commas) for name, value in row.items()} for row in hours.to_dict("records")]
    with (
        atomic_file(path) as file,
        csv_writer(list(hours), delimiter, with_commas or has_mark(table), file) as write,
    ):
        write(rows)


def as_written(value: Any, with_commas: bool) -> Any:
    """A cell of CSV, numbers with a decimal comma where that is wanted."""
    return str(value).replace(".", ",") if with_commas and isinstance(value, float) else value


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
