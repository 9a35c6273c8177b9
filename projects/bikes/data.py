"""Hours of bike rentals: where they come from, what a row must look like, and which rows are for what."""

import csv
import io
import lzma
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import IO, NamedTuple

import pandas as pd

from projects.common.download import Published
from projects.common.errors import ProjectError
from projects.common.files import refuse_pipe

PUBLISHED = Published(
    pipeline="bikes",
    url="https://archive.ics.uci.edu/static/public/275/bike+sharing+dataset.zip",
    sha256="b70182d0d0508e9abbb79306ce5c0cec34869000f8220175ac83d11dbe845401",
    name="Bike-Sharing-Dataset.zip",
    size=279_992,
)
SAMPLE = "hour-SIMULATED.csv"
MEMBER = "hour.csv"
LARGEST_TABLE = 1 << 26  # bytes of hour.csv that are believed, inside a zip: a century has fewer

MOST_COLUMNS = 1_000  # of a table: more are a mistake, and would take minutes to read
DATE = r"\d{4}-\d{1,2}-\d{1,2}"  # pandas alone would also take "now" and "today" for dates
YEARS = 1900, 2199  # of the dates that are believed
RANGES = {  # column: lowest and highest value
    "hr": (0, 23),
    "holiday": (0, 1),
    "weathersit": (1, 4),
    "temp": (0, 1),
    "hum": (0, 1),
    "windspeed": (0, 1),
}
FRACTIONS = ("temp", "hum", "windspeed")  # the other numbers are whole
COUNTS = dict.fromkeys(("casual", "registered", "cnt"), (0, 1_000_000))  # lowest and highest in an hour

# Human units. The data's own Readme says temp is °C / 41; the UCI page says (°C + 8) / 47. Only the second can be
# right: by the first, two winters of Washington would never have frozen (coldest hour +0.8 °C, mean 20.4 °C),
# by the second the coldest hour is -7.1 °C, the hottest 39 °C and the mean 15.4 °C.
COLDEST, WARMEST = -8.0, 39.0
WIND = 67.0  # km/h at windspeed 1


class EmptyTableError(ProjectError):
    """A table without even a header."""


class Split(NamedTuple):
    """Rows for training, for choosing settings, and for the final figure; in the order of time."""

    train: pd.DataFrame
    validation: pd.DataFrame
    test: pd.DataFrame


def split(hours: pd.DataFrame, validation_days: int = 60, test_days: int = 21) -> Split:
    """The last `test_days` x 24 rows, the `validation_days` x 24 rows before them, and all rows before those."""
    test, validation = 24 * test_days, 24 * validation_days
    train = len(hours) - validation - test
    if train < 24 * 7:
        raise ProjectError(
            f"{len(hours)} hours are too few: a week of training, {validation_days} days of validation "
            f"and {test_days} days of test take {24 * 7 + validation + test}"
        )
    return Split(hours.iloc[:train], hours.iloc[train : train + validation], hours.iloc[train + validation :])


def read_hours(path: Path) -> pd.DataFrame:
    """The rows of hour.csv, or of a zip that holds it, checked and in the order of time.

    Adds `time`, the start of the hour. Raises ProjectError naming file, line and column for what can't be right.
    """
    with open_table(path) as file:
        hours = check_hours(parse(file, str(path)), str(path), targets=True)
    twice = hours.time.duplicated()
    if twice.any():
        raise ProjectError(f"{path}, line {hours.index[twice][0]}: {hours.time[twice].iloc[0]} is there twice")
    return hours.sort_values("time", ignore_index=True)


def open_table(path: Path) -> IO[bytes]:
    """The CSV file, or the member hour.csv of a zip, opened for reading."""
    refuse_pipe(path)
    if not path.is_file():
        raise ProjectError(f"no file at {path}: give hour.csv or its zip with --data, or run `bikes download`")
    with open(path, "rb") as file:
        if file.read(2) != b"PK":
            return open(path, "rb")
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.rpartition("/")[2] == MEMBER]
            if len(names) > 1:
                raise ProjectError(f"{path} holds {MEMBER} {len(names)} times: {', '.join(names[:5])}")
            if not names:
                raise ProjectError(f"{path} holds no {MEMBER}, only {', '.join(archive.namelist()[:5]) or 'nothing'}")
            if archive.getinfo(names[0]).file_size > LARGEST_TABLE:
                raise ProjectError(f"{path}: {MEMBER} is larger than {LARGEST_TABLE:,} bytes")
            content = archive.read(names[0])  # at most as many bytes as it says it has
            if len(content) != archive.getinfo(names[0]).file_size:
                raise EOFError(f"{MEMBER} has {len(content):,} bytes, not as many as it says")
            return io.BytesIO(content)
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError, OSError, ValueError) as error:
        raise ProjectError(f"{path} is no whole zip file ({error}): fetch it again with `bikes download`") from error


def parse(file: IO[bytes], name: str) -> pd.DataFrame:
    """The CSV as text columns. Raises ProjectError for what is no CSV."""
    return pd.concat(parse_chunks(file, name, 1 << 20))


def parse_chunks(file: IO[bytes], name: str, rows: int) -> Iterator[pd.DataFrame]:
    """The CSV as text columns, at most `rows` at a time; one empty table where there is only a header.

    The index holds each row's line in the file. A row with other fields than the header's is refused; pandas' own
    reader would fill up a short one, and take the first field of a long one for its name.
    """
    reader = csv.reader(io.TextIOWrapper(file, encoding="utf-8-sig", newline=""), strict=True)
    filled = ((reader.line_num, row) for row in reader if row)
    try:
        _, header = next(filled, (0, []))
        if not header:
            raise EmptyTableError(f"{name} is empty: it should be a table like hour.csv")
        if len(header) > MOST_COLUMNS:
            raise ProjectError(f"{name} has {len(header):,} columns: at most {MOST_COLUMNS:,} are read")
        column, times = Counter(header).most_common(1)[0]
        if times > 1:
            raise ProjectError(f"{name} has the column {column} twice")
        chunk = list(islice(filled, rows))
        while True:
            for line, row in chunk:
                if len(row) != len(header):
                    raise ProjectError(
                        f"{name}, line {line}: {len(row)} fields, but the header has {len(header)}, "
                        f"the last of them {header[-1]}"
                    )
            lines, fields = [line for line, _ in chunk], [row for _, row in chunk]
            yield pd.DataFrame(fields, index=lines, columns=header, dtype=str)
            if not (chunk := list(islice(filled, rows))):
                return
    except (csv.Error, UnicodeDecodeError) as error:
        raise ProjectError(f"{name} is no CSV table: {error} (read as far as line {reader.line_num})") from error


def check_hours(text: pd.DataFrame, name: str, targets: bool) -> pd.DataFrame:
    """The columns that matter as numbers and times. Raises ProjectError naming file, line and column.

    text: its index holds the line of each row. targets: whether casual, registered and cnt must be there too.
    """
    ranges = RANGES | (COUNTS if targets else {})
    missing = [column for column in ("dteday", *ranges) if column not in text]
    if missing:
        raise ProjectError(f"{name} lacks the column {missing[0]}; it has {', '.join(map(str, text.columns))}")
    if text.empty:
        raise ProjectError(f"{name} has a header, but no rows")

    def refuse(wrong: "pd.Series[bool]", column: str, expected: str) -> None:
        if wrong.any():
            row = int(wrong.to_numpy().argmax())
            value = text[column].iloc[row]
            raise ProjectError(f"{name}, line {text.index[row]}, column {column}: {value!r} is not {expected}")

    hours = pd.DataFrame(index=text.index)
    dates = text.dteday.where(text.dteday.str.fullmatch(DATE).fillna(False).astype(bool))
    day = pd.to_datetime(dates, format="%Y-%m-%d", errors="coerce")
    refuse(~day.dt.year.between(*YEARS), "dteday", f"a date like 2012-12-24, from {YEARS[0]} to {YEARS[1]}")
    for column, (low, high) in ranges.items():
        hours[column] = pd.to_numeric(text[column], errors="coerce")
        wrong = ~hours[column].between(low, high)
        if column in FRACTIONS:
            refuse(wrong, column, f"a number from {low} to {high}")
        else:
            refuse(wrong | (hours[column] % 1 != 0), column, f"a whole number from {low} to {high}")
    if targets:
        refuse(hours.cnt != hours.casual + hours.registered, "cnt", "casual + registered")
    hours["time"] = day + pd.to_timedelta(hours.hr, unit="h")
    hours["workingday"] = (day.dt.day_of_week < 5) & (hours.holiday == 0)
    hours.attrs["simulated"] = "simulated" in text
    return hours


def normalised(temperature: float, humidity: float, wind: float) -> dict[str, float]:
    """°C, % and km/h as the data's own numbers between 0 and 1."""
    return {
        "temp": (temperature - COLDEST) / (WARMEST - COLDEST),
        "hum": humidity / 100,
        "windspeed": wind / WIND,
    }
