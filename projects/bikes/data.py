"""Hours of bike rentals: where they come from, and which of them are for what."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pandas as pd

from projects.bikes.closed import closed_by_column, closed_by_zeros
from projects.bikes.decimal_commas import DECIMAL, with_points
from projects.bikes.events import read_events
from projects.bikes.hours import as_text, hours_of, text_of
from projects.bikes.layout import PUBLISHED_LAYOUT, Given, Layout, count_guessed, find_layout
from projects.bikes.settings import TABLE_OPTIONS, TEST_DAYS, VALIDATION_DAYS
from projects.common.download import Published
from projects.common.errors import ProjectError
from projects.common.files import no_file
from projects.common.table import Table, table_of_frame
from projects.common.tables import open_table

PUBLISHED = Published(
    pipeline="bikes",
    url="https://archive.ics.uci.edu/static/public/275/bike+sharing+dataset.zip",
    sha256="b70182d0d0508e9abbb79306ce5c0cec34869000f8220175ac83d11dbe845401",
    name="Bike-Sharing-Dataset.zip",
    size=279_992,
)
SAMPLE = "hour-SIMULATED.csv"
MEMBER = "hour.csv"  # of a zip with several files
OF_EVERY_HOUR = {"time", "hr", "cnt", "workingday"}  # columns of all that is read
LARGEST_TABLE = 1 << 26  # unpacked bytes that are believed: a century of hours has fewer


class Split(NamedTuple):
    """Rows for training, for choosing settings, and for the final figure; in the order of time."""

    train: pd.DataFrame
    validation: pd.DataFrame
    test: pd.DataFrame


def split(hours: pd.DataFrame, validation_days: int = VALIDATION_DAYS, test_days: int = TEST_DAYS) -> Split:
    """The last `test_days` x 24 rows, the `validation_days` x 24 rows before them, and all rows before those."""
    test, validation = 24 * test_days, 24 * validation_days
    train = len(hours) - validation - test
    if train < 24 * 7:
        raise ProjectError(
            f"{len(hours)} hours are too few: a week of training, {validation_days} days of validation "
            f"and {test_days} days of test take {24 * 7 + validation + test}; lower --validation-days or --test-days"
        )
    return Split(hours.iloc[:train], hours.iloc[train : train + validation], hours.iloc[train + validation :])


class HoursTable(NamedTuple):
    """What a table of hours gave."""

    table: Table
    layout: Layout
    hours: pd.DataFrame  # in which the service was open, in the order of time
    closed: pd.DataFrame  # in which it was not
    remarks: list[str]  # what was done to the table, a line each
    decimal_commas: bool  # whether numbers of the table have them


def read_hours(source: str | Path | pd.DataFrame, **given: Any) -> pd.DataFrame:
    """The hours of a table in which the service was open, checked and in the order of time; see `read_table`.

    Raises TypeError for what is no option of a table.
    """
    unknown = ", ".join(sorted(set(given) - set(TABLE_OPTIONS)))
    if unknown:
        raise TypeError(f"{unknown}: neither a setting nor one of {', '.join(TABLE_OPTIONS)}")
    return read_table(source, given).hours


def read_table(
    source: str | Path | pd.DataFrame, given: Given | None = None, layout: Layout | None = None
) -> HoursTable:
    """The hours of any table with a column of times and one of counts, of a file or a DataFrame; see `find_layout`.

    given: what the options of `bikes train` say of a table, by name (time_column, country, …). layout: where it is
    known, as from a model. Hours that were read before are taken as they are. Raises ProjectError naming the file and
    all that can't be right.
    """
    if isinstance(source, pd.DataFrame) and were_read(source):
        return as_read(source, given)
    if isinstance(source, pd.DataFrame):
        table = table_of_frame(source)
    else:
        table = open_hours(Path(source), layout.encoding if layout else (given or {}).get("encoding"))
    path = table.path
    text, on_commas = with_points(next(read_chunks(table, None)), table.delimiter)
    decimal_commas = any(remark.startswith(DECIMAL) for remark in on_commas)
    on_layout: list[str | None] = []
    if layout is None:
        layout = find_layout(text, str(path), given)
        on_layout.append(count_guessed(layout, given))
        if given and given.get("events") is not None:
            events, found = read_events(given["events"], layout.time_format, table.encoding)
            layout = msgspec.structs.replace(layout, events=tuple(events))
            on_layout.append(found)
    hours, remarks = hours_of(text, layout, str(path), targets=True)
    remarks = [remark for remark in (table.remark(), *on_commas, *on_layout) if remark] + remarks
    closed = closed_by_zeros(hours)
    if layout.open:
        closed |= closed_by_column(text[layout.open]).reindex(hours.index)
    if closed.all():
        raise ProjectError(f"{path} has no hour in which the service was open: look at the column {layout.open}")
    attrs = hours.attrs | {"closed_hours": int(closed.sum())}
    opened, shut = (hours[rows].reset_index(drop=True) for rows in (~closed, closed))
    opened.attrs = shut.attrs = attrs
    return HoursTable(table, layout, opened, shut, remarks, decimal_commas)


def were_read(frame: pd.DataFrame) -> bool:
    """Whether these are hours that `read_hours` gave, or some of them."""
    return isinstance(frame.attrs.get("layout"), Layout) and set(frame) >= OF_EVERY_HOUR


def as_read(hours: pd.DataFrame, given: Given | None) -> HoursTable:
    """Hours that `read_hours` gave. Raises ProjectError where something is to be read otherwise, or is not there."""
    otherwise = ", ".join(name for name, value in (given or {}).items() if value is not None)
    if otherwise:
        raise ProjectError(f"these hours were read already: say {otherwise} to `read_hours`")
    incomplete = ", ".join(hours.columns[hours.isna().any()])
    if incomplete or hours.empty:
        raise ProjectError(f"these hours lack values of {incomplete}" if incomplete else "there are no hours")
    in_order = hours.sort_values("time", kind="stable").reset_index(drop=True)
    in_order.attrs = hours.attrs
    return HoursTable(table_of_frame(hours), hours.attrs["layout"], in_order, in_order.head(0), [], False)


def check_hours(text: pd.DataFrame, name: str, targets: bool) -> pd.DataFrame:
    """The hours of a table, of text or numbers, that is written like the published one, row by row."""
    return hours_of(text.map(as_text), PUBLISHED_LAYOUT, name, targets, in_order=False)[0]


def open_hours(path: Path, encoding: str | None = None) -> Table:
    """The table; of a zip with several files hour.csv. Raises ProjectError where there is none, or nothing in it."""
    if not path.exists():
        raise ProjectError(no_file(path, "give a table of hours with --data, or run `bikes download`"))
    table = open_table(path, encoding, MEMBER, LARGEST_TABLE)
    if not table.columns:
        raise ProjectError(f"{path} is empty: it should have a column of times and one of counts")
    return table


def read_chunks(table: Table, size: int | None) -> Iterator[pd.DataFrame]:
    """The table as text, `size` rows at a time; one empty table where there is only a header.

    The index holds each row's place.
    """
    rows = table.rows()
    chunk = list(islice(rows, size))
    while True:
        yield text_of(chunk, table.columns)
        chunk = list(islice(rows, size))
        if not chunk:
            return
