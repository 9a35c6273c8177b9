"""From the text of a table to hours: numbers, times and whether the day is a working day."""

from collections.abc import Iterable
from typing import Any, Literal

import pandas as pd

from projects.bikes.clock_changes import is_gone_through_twice, zones_of
from projects.bikes.layout import Layout
from projects.bikes.public_holidays import look_up_holidays
from projects.bikes.times import YEARS, example, parse_as_most_are
from projects.bikes.weather import (
    AMOUNT,
    HUMIDITY,
    MIST,
    TEMPERATURE,
    WIND_SPEED,
    Unit,
    sky_from_amounts,
    sky_from_wmo,
    sky_from_words,
)
from projects.common.errors import ProjectError
from projects.common.words import NO, are, counted

MOST_BIKES = 1_000_000  # in an hour
SHOWN = 5  # problems that are told at once
FALSE = (*NO, "no holiday", "")
WITHOUT_GAPS = ("temp", "hum", "windspeed")  # whose empty cells are filled from the hours around


def text_of(rows: Iterable[tuple[str, dict[str, Any]]], columns: tuple[str, ...]) -> pd.DataFrame:
    """Rows with their places as a table of text; what a row lacks is "" [rows, columns]."""
    rows = list(rows)
    places = [place for place, _ in rows]
    values = {column: [as_text(row.get(column)) for _, row in rows] for column in columns}
    return pd.DataFrame(values, index=pd.Index(places, dtype=object), columns=list(columns), dtype=object)


def as_text(value: Any) -> str:
    """A cell as CSV would have it; times as 2024-12-31 17:00:00."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


class Problems:
    """What is wrong with a table: the first row of each kind, and how many more there are."""

    def __init__(self, text: pd.DataFrame, name: str) -> None:
        self.text, self.name = text, name
        self.noted: list[str] = []

    def note(self, wrong: pd.Series, column: str, expected: str) -> None:
        """Note the rows of this column that are not what was expected."""
        if not wrong.any():
            return
        row = int(wrong.to_numpy().argmax())
        place, value = self.text.index[row], self.text[column].iloc[row]
        place = place if isinstance(place, str) else f"line {place}"
        more = int(wrong.sum()) - 1
        others = f" (and {counted(more, 'more row')})" if more else ""
        self.noted.append(f"{place}, column {column}: {value!r} is not {expected}{others}")

    def refuse(self) -> None:
        """Raise ProjectError with all that was noted, if anything was."""
        if self.noted:
            shown = "; ".join(self.noted[:SHOWN])
            raise ProjectError(f"{self.name}, {shown}")


def hours_of(
    text: pd.DataFrame, layout: Layout, name: str, targets: bool, in_order: bool = True
) -> tuple[pd.DataFrame, list[str]]:
    """The hours of a table of text, and remarks on what was done to them. Raises ProjectError saying all that is wrong.

    The columns are time, hr, workingday and, as far as the table has them, holiday, weathersit, temp, hum, windspeed;
    with `targets` cnt, and casual and registered too. text: its index holds the place of each row.
    in_order: put the hours in the order of time, add up the rows of one hour, and leave out rows without a count.
    """
    wanted = [column for column in columns_of(layout, targets) if column not in text]
    if wanted:
        it_has = ", ".join(map(str, text.columns))
        raise ProjectError(f"{name} lacks the column {', '.join(wanted)}; it has {it_has}")
    if text.empty:
        raise ProjectError(f"{name} has a header, but no rows")
    remarks: list[str] = []
    if targets and in_order:
        text = with_count(text, layout, remarks)
    problems = Problems(text, name)
    time = read_time(text, layout, problems, remarks)
    hours = pd.DataFrame({"hr": time.dt.hour.fillna(0).astype("int64")}, index=text.index)
    if layout.holiday:
        hours["holiday"] = read_holiday(text, layout.holiday, problems)
    read_weather(text, layout, hours, problems, remarks)
    if targets:
        read_counts(text, layout, hours, problems)
    problems.refuse()
    hours["time"] = time.dt.floor("h")
    if not layout.holiday and layout.country:
        hours["holiday"] = look_up_holidays(hours.time, layout.country, layout.subdivision)
    hours["workingday"] = on_working_days(hours)
    if in_order:
        hours = one_row_an_hour(hours, time, layout, name, remarks)
    hours.attrs = {"simulated": "simulated" in text, "layout": layout}
    return hours, remarks


def on_working_days(hours: pd.DataFrame) -> pd.Series:
    """Whether each of the hours is from Monday to Friday and, where that is known, on no holiday [rows]."""
    weekday: pd.Series = hours.time.dt.day_of_week < 5
    return weekday & (hours.holiday == 0) if "holiday" in hours else weekday


def columns_of(layout: Layout, targets: bool) -> list[str]:
    """The columns that a table of this layout must have; the counts only with `targets`."""
    inputs = [layout.time, layout.hour, layout.temperature, layout.humidity, layout.wind, layout.weather]
    inputs += [layout.rain, layout.snow, layout.holiday]
    counts = [layout.count, layout.casual, layout.registered, layout.open] if targets else []
    return [column for column in (*inputs, *counts) if column is not None]


def with_count(text: pd.DataFrame, layout: Layout, remarks: list[str]) -> pd.DataFrame:
    """The rows that have a count."""
    column = layout.count or layout.registered
    empty = text[column].str.strip() == ""
    if empty.any() and not empty.all():
        rows = int(empty.sum())
        left_out = f"{counted(rows, 'row')} without a count {are(rows)} left out"
        remarks.append(f"{left_out}, the first at {text.index[empty][0]}")
        return text[~empty]
    return text


def read_time(text: pd.DataFrame, layout: Layout, problems: Problems, remarks: list[str]) -> pd.Series:
    """The time of each row, minutes and all; NaT where there is none [rows]."""
    time, time_format = parse_as_most_are(text[layout.time], layout.time_format, with_clock=layout.hour is None)
    if time_format != layout.time_format and not time_format.startswith("%Y"):
        remarks.append(f"column {layout.time}: dates are read like {example(time_format)}")
    expected = f"a date like {example(layout.time_format)}, from {YEARS[0]} to {YEARS[1]}"
    problems.note(time.isna(), layout.time, expected)
    if layout.hour is None:
        return time
    written = text[layout.hour].str.strip().str.replace(r":00(:00)?$", "", regex=True)
    hour = pd.to_numeric(written, errors="coerce")
    wrong = ~hour.between(0, 23) | (hour % 1 != 0)
    problems.note(wrong, layout.hour, "a whole number from 0 to 23")
    return time.dt.normalize() + pd.to_timedelta(hour.where(~wrong), unit="h")


def read_weather(
    text: pd.DataFrame, layout: Layout, hours: pd.DataFrame, problems: Problems, remarks: list[str]
) -> None:
    """Put weathersit, temp, hum and windspeed into the hours, as far as the layout has them."""
    sky = read_sky(text, layout, problems, remarks)
    if sky is not None:
        hours["weathersit"] = sky
    numbers = {
        "temp": (layout.temperature, TEMPERATURE[layout.temperature_unit]),
        "hum": (layout.humidity, HUMIDITY[layout.humidity_unit]),
        "windspeed": (layout.wind, WIND_SPEED[layout.wind_unit]),
    }
    for name, (column, unit) in numbers.items():
        if column is not None:
            hours[name] = read_numbers(text, column, unit, problems, remarks)


def read_numbers(text: pd.DataFrame, column: str, unit: Unit, problems: Problems, remarks: list[str]) -> pd.Series:
    """The numbers of a column as the features have them; a few empty cells are filled from the rows around [rows]."""
    empty = text[column].str.strip() == ""
    numbers = pd.to_numeric(text[column], errors="coerce")
    wrong = ~numbers.between(unit.lowest, unit.highest) & ~empty
    problems.note(wrong, column, f"a number from {unit.lowest:g} to {unit.highest:g}")
    if empty.all():
        problems.note(empty, column, "a number, and no row has one")
    elif empty.any():
        first = text.index[empty][0]
        cells = int(empty.sum())
        filled = f"{counted(cells, 'empty cell')} {are(cells)} filled from the rows around"
        remarks.append(f"column {column}: {filled} ({first})")
        numbers = numbers.interpolate(limit_direction="both")
    return unit.convert(numbers)


def read_sky(text: pd.DataFrame, layout: Layout, problems: Problems, remarks: list[str]) -> pd.Series | None:
    """The kind of sky of each row, the wetter of what words or codes and what amounts say; None without either."""
    skies = []
    if layout.weather:
        skies.append(read_sky_column(text, layout.weather, layout.weather_code, problems, remarks))
    amounts = {}
    for name, column, unit in (("rain", layout.rain, layout.rain_unit), ("snow", layout.snow, layout.snow_unit)):
        if column is not None:
            filled = text.assign(**{column: text[column].where(text[column].str.strip() != "", "0")})
            amounts[name] = read_numbers(filled, column, AMOUNT[unit], problems, remarks)
    if "snow" in amounts and layout.snow_lies:
        amounts["snow"] = amounts["snow"].diff().clip(lower=0).fillna(0)
    if amounts:
        skies.append(sky_from_amounts(amounts.get("rain"), amounts.get("snow")))
    if not skies:
        return None
    return skies[0] if len(skies) == 1 else pd.concat(skies, axis=1).max(axis=1)


def read_sky_column(text: pd.DataFrame, column: str, code: str, problems: Problems, remarks: list[str]) -> pd.Series:
    """The kind of sky that the words or codes of a column mean [rows]."""
    if code == "words":
        sky = sky_from_words(text[column])
        unknown = sorted(set(text[column][sky.isna()]))
        if unknown:
            words = ", ".join(map(repr, unknown[:SHOWN]))
            remarks.append(f"column {column}: {words} {'are' if len(unknown) > 1 else 'is'} taken for a cloudy sky")
        return sky.fillna(MIST).astype("int64")
    numbers = pd.to_numeric(text[column], errors="coerce")
    low, high = (1, 4) if code == "1-4" else (0, 99)
    problems.note(~numbers.between(low, high) | (numbers % 1 != 0), column, f"a whole number from {low} to {high}")
    return numbers if code == "1-4" else sky_from_wmo(numbers)


def read_holiday(text: pd.DataFrame, column: str, problems: Problems) -> pd.Series:
    """1 for hours on a holiday, else 0; a name other than "No Holiday" is one's [rows]."""
    written = text[column].str.strip().str.lower()
    number = pd.to_numeric(written, errors="coerce")
    problems.note(number.notna() & ~number.isin([0, 1]) | (written == "nan"), column, "a whole number from 0 to 1")
    return (~written.isin(FALSE)).where(number.isna(), number == 1).astype("int64")


def read_counts(text: pd.DataFrame, layout: Layout, hours: pd.DataFrame, problems: Problems) -> None:
    """Put cnt into the hours, and casual and registered where the layout has them."""
    for name, column in (("casual", layout.casual), ("registered", layout.registered), ("cnt", layout.count)):
        if column is not None:
            hours[name] = pd.to_numeric(text[column], errors="coerce")
            wrong = ~hours[name].between(0, MOST_BIKES) | (hours[name] % 1 != 0)
            problems.note(wrong, column, f"a whole number from 0 to {MOST_BIKES}")
    if layout.casual and layout.count:
        wrong = hours.cnt != hours.casual + hours.registered
        both_are_right = ~hours[["cnt", "casual", "registered"]].isna().any(axis=1)
        problems.note(wrong & both_are_right, layout.count, f"{layout.casual} + {layout.registered}")
    elif layout.casual:
        hours["cnt"] = hours.casual + hours.registered


def one_row_an_hour(
    hours: pd.DataFrame, time: pd.Series, layout: Layout, name: str, remarks: list[str]
) -> pd.DataFrame:
    """The hours in the order of time; several rows of an hour, at different minutes, are added up.

    time: of each row, minutes and all. Raises ProjectError where a time is there twice, but for the hour that clocks
    go through twice in autumn, and where the rows are days.
    """
    hours, time = without_doubled_times(hours, time, layout, name, remarks)
    if len(time) > 1 and time.sort_values().diff().median() >= pd.Timedelta(hours=20):
        raise ProjectError(f"{name} has a row a day: bikes by the hour are needed")
    if hours.time.duplicated().any():
        remarks.append(f"{len(hours):,} rows are added up to {hours.time.nunique():,} hours")
        hours = joined(hours, hours.time, counts="sum")
    return hours.sort_values("time", kind="stable")


def without_doubled_times(
    hours: pd.DataFrame, time: pd.Series, layout: Layout, name: str, remarks: list[str]
) -> tuple[pd.DataFrame, pd.Series]:
    """The hours and their times, each there once: of an hour that the clocks went through twice the mean is kept.

    A forecast is for sixty minutes, and so is the mean; the sum would be of twice as many. Raises ProjectError where
    another time is there twice.
    """
    doubled = time[time.duplicated(keep=False)]
    if doubled.empty:
        return hours, time
    twice_by_clock = is_gone_through_twice(doubled, zones_of(layout.place, layout.country))
    wrong = doubled[~twice_by_clock]
    if len(wrong):
        again = wrong[wrong.duplicated()]
        place = again.index[0] if isinstance(again.index[0], str) else f"line {again.index[0]}"
        zone = layout.place.time_zone if layout.place else None
        perhaps = f"; or are --latitude and --longitude right? Clocks of {zone} do not go back then" if zone else ""
        raise ProjectError(
            f"{name}, {place}: {again.iloc[0]} is there twice: a table needs one row for each time, of the whole city; "
            "add up the rows of stations, and count those of trips, by the hour first (pandas: "
            f"table.groupby(time).sum() or .size()){perhaps}"
        )
    moments = doubled.dt.floor("h").drop_duplicates()
    named = ", ".join(f"{moment:%Y-%m-%d %H}:00" for moment in moments[:SHOWN])
    more = f" and {len(moments) - SHOWN} more" if len(moments) > SHOWN else ""
    remarks.append(f"{named}{more} is there twice, since the clocks went back: the mean of the two is kept as one hour")
    return joined(hours, time, counts="mean"), time[~time.duplicated()]


def joined(hours: pd.DataFrame, by: pd.Series, counts: Literal["sum", "mean"]) -> pd.DataFrame:
    """A row for each value of `by` [rows], at the place of its first: counts summed or averaged, weather averaged."""
    of_counts = {column: counts for column in ("casual", "registered", "cnt") if column in hours}
    means = {column: "mean" for column in WITHOUT_GAPS if column in hours}
    others = {column: "max" for column in hours if column not in of_counts | means}
    rows = hours.groupby(by.to_numpy(), sort=False).agg(of_counts | means | others)[list(hours)]
    rows.index = hours.index[~by.duplicated().to_numpy()]
    return rows
