"""Tables of Excel."""

import zipfile
from collections.abc import Sequence
from datetime import MAXYEAR, date, datetime, time, timedelta
from pathlib import Path
from typing import IO, Any

from projects.common.errors import ProjectError
from projects.common.table import LINES_BELOW, MOST_LINES_ABOVE, Row, Table, checked_columns
from projects.common.unpacking import DAMAGED, WORKBOOK, Source

LARGEST_WORKBOOK = 1 << 28  # unpacked bytes of an Excel file, which is read in one piece


def open_workbook(source: Source) -> Table:
    """The first sheet of an Excel file that has a header and rows; they are numbered as Excel shows them."""
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        with source.open_seekable() as file:
            refuse_bomb(file, source.path)
            workbook = CalamineWorkbook.from_filelike(file)
            for name in workbook.sheet_names:
                sheet = workbook.get_sheet_by_name(name)
                columns, rows, header = sheet_rows(sheet, source.path)
                if rows:
                    break
            unread = tuple(other for other in workbook.sheet_names if other != name and has_rows(workbook, other))
    except (CalamineError, *DAMAGED) as error:
        raise ProjectError(f"{source.path} is no whole Excel file ({error}): save it again as .xlsx") from error
    packing = source.packing
    return Table(source.path, "Excel", columns, lambda: iter(rows), packing=packing, header=header, unread=unread)


def has_rows(workbook: Any, name: str) -> bool:
    """Whether a sheet has more than a row of names."""
    height: int = workbook.get_sheet_by_name(name).height
    return height > 1


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


def sheet_rows(sheet: Any, path: Path) -> tuple[tuple[str, ...], list[Row], str | None]:
    """The columns, the rows below, and where the header is if something stands above it."""
    rows: list[Row] = []
    all_values = [[cell_value(cell) for cell in cells] for cells in sheet.to_python(skip_empty_area=False)]
    filled = {number: values for number, values in enumerate(all_values, 1) if any(value != "" for value in values)}
    header = header_row(filled)
    if header is None:
        return (), [], None
    names = filled[header][: width_of(filled[header])]
    columns = checked_columns(names, path, f"sheet {sheet.name}, row {header}")
    for number, values in filled.items():
        if number <= header:
            continue
        place = f"sheet {sheet.name}, row {number}"
        extra = [value for value in values[len(columns) :] if value != ""]
        if extra:
            further_down = "" if rows else "; if this row is the header, delete the rows above it"
            raise ProjectError(
                f"{path}, {place}: {extra[0]!r} stands beyond the last column, {columns[-1]}{further_down}"
            )
        rows.append((place, dict(zip(columns, values, strict=False))))
    give_midnights_a_time(rows)
    return columns, rows, None if header == next(iter(filled)) else f"sheet {sheet.name}, row {header}"


def header_row(filled: dict[int, list[Any]]) -> int | None:
    """The number of the row with the names of the columns, which may stand below such as “Export of 2026-01-01”.

    That is the first row, unless it has one cell, and a later one has several, all of them words, and none below is
    wider. None where no row is filled.
    """
    numbers = list(filled)[: MOST_LINES_ABOVE + LINES_BELOW]
    if not numbers:
        return None
    if width_of(filled[numbers[0]]) == 1:
        for place, number in enumerate(numbers[1 : MOST_LINES_ABOVE + 1], 1):
            width = width_of(filled[number])
            names = filled[number][:width]
            below = [width_of(filled[other]) for other in numbers[place + 1 :]]
            are_names = width > 1 and all(isinstance(name, str) and name for name in names)
            if are_names and below and max(below) <= width:
                return number
    return numbers[0]


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
