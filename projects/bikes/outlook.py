"""What comes after the data, hour by hour and day by day, in the weather that is given or in what is usual."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import pandas as pd

from projects.bikes.bands import LEVELS, known_factor
from projects.bikes.data import open_hours, read_chunks
from projects.bikes.decimal_commas import with_points
from projects.bikes.features import AROUND
from projects.bikes.hours import columns_of, hours_of, on_working_days
from projects.bikes.last_four_weeks import last_four_weeks
from projects.bikes.layout import Layout, find_layout, units_assumed
from projects.bikes.model import BikesModel
from projects.bikes.public_holidays import look_up_holidays
from projects.bikes.scenarios import (
    WEATHER,
    bounds,
    put_together,
    typical_weather,
    weather_needed,
    weather_scenarios,
)
from projects.bikes.seasons import guess_line, unseen_months
from projects.bikes.weather import COLDEST, SKIES, WARMEST, WIND, in_unit
from projects.common.errors import ProjectError

HOUR = pd.Timedelta(hours=1)
SWAPPED = " (if that is less than it has, its dates may have day and month the other way round)"


class Outlook(NamedTuple):
    """What is forecast."""

    hours: pd.DataFrame  # time, prediction, bounds, last_four_weeks, occasion, weather taken (see `typical_weather`)
    days: pd.DataFrame  # date, hours, prediction, its bounds, occasion (events, a public holiday), last_four_weeks
    remarks: list[str]
    weather: str  # which was taken, in words
    guess: str | None  # a line where it is of a season that was never seen


def outlook(
    model: BikesModel,
    hours: pd.DataFrame,
    closed: pd.DataFrame,
    days: int,
    weather: Path | None,
    columns: Sequence[str] = (),
) -> Outlook:
    """The forecast from the first hour after the data to the end of the last of so many whole days.

    hours: the data; closed: those in which the service was closed, whose weather counts too. weather: a table of the
    hours to come; columns: what is said of its columns, as in rain=NAME. Raises ProjectError where the data are too
    short to tell what weather is usual.
    """
    past = pd.concat([hours, closed]).sort_values("time")
    needed = weather_needed(model)
    refuse_without_weather(past, needed)
    remarks: list[str] = []
    coming = hours_after(past.time.iloc[-1], days)
    times = pd.DatetimeIndex(coming.time)
    given = pd.DataFrame(index=coming.index)
    if weather:
        given = read_hours_to_come(model, weather, times, needed, remarks, columns)
    add_holidays(model, coming, given, remarks)
    known = given[needed] if weather and needed else None
    scenarios = weather_scenarios(past, times, needed, known)
    before = past.tail(AROUND)
    forecasts = [model.forecast(coming.join(scenario), before) for scenario in scenarios]
    by_hour = put_together(forecasts, times)
    by_hour["last_four_weeks"] = last_four_weeks(hours, coming.assign(workingday=on_working_days(coming)))
    predictions = np.array([forecast.prediction for forecast in forecasts])  # [scenarios, hours]
    by_day = day_sums(model, by_hour, model.city.unfamiliarity(coming), predictions)
    by_day["occasion"] = occasions(model, coming)
    by_hour["occasion"] = by_day.set_index("date").occasion.reindex(by_hour.time.dt.normalize()).to_numpy()
    taken_from = weather_in_words(needed, weather, known)
    guess = guess_line(unseen_months(model.settings, by_hour.time))
    return Outlook(by_hour.join(typical_weather(scenarios)), by_day, remarks, taken_from, guess)


def hours_after(last: pd.Timestamp, days: int) -> pd.DataFrame:
    """The hours after the last one of the data: the rest of its day, and so many whole days."""
    start = last + HOUR
    times = pd.date_range(start, start.ceil("D") + pd.Timedelta(days=days), freq="h", inclusive="left")
    return pd.DataFrame({"time": times, "hr": times.hour})


def weather_in_words(needed: list[str], path: Path | None, known: pd.DataFrame | None) -> str:
    """Which weather a forecast takes; known: that of the table at this path, NaN where it has none [hours, needed]."""
    if not needed:
        return "by date and time alone"
    if path is None or known is None:
        return "in weather that is usual for the season"
    covered = int(known.notna().all(axis=1).sum())
    if covered == len(known):
        return f"in the weather of {path}"
    part = f"{covered:,} of {len(known):,} hours"
    return f"in the weather of {path} for {part}, of the others in weather that is usual for the season"


def day_sums(model: BikesModel, table: pd.DataFrame, special: np.ndarray, predictions: np.ndarray) -> pd.DataFrame:
    """The bikes of each day with their bounds, by the errors of whole days in the validation.

    special: how special the day of each hour is, from 0 to 1 [hours]. predictions: those in each weather
    [scenarios, hours].
    """
    day = table.time.dt.normalize()
    grouped = table.prediction.groupby(day)
    sums = pd.DataFrame({"hours": grouped.size(), "prediction": grouped.sum()})
    sums["last_four_weeks"] = table.last_four_weeks.groupby(day).sum()
    by_scenario = pd.DataFrame(predictions.T).groupby(day.to_numpy()).sum()  # [days, scenarios]
    spread = np.sqrt(by_scenario).std(axis=1, ddof=0).to_numpy()
    special_days = pd.Series(special).groupby(day).max().to_numpy()
    factor = known_factor(special_days, model.days_away(pd.DataFrame({"time": sums.index})))
    widths = {level: model.settings["day_widths"][str(level)] * factor for level in LEVELS}
    sums = sums.assign(**bounds(sums.prediction.to_numpy(), widths, spread))
    unknown = table.low_80.isna().groupby(day).any()
    sums.loc[unknown, [name for name in sums if name.startswith(("low", "high"))]] = np.nan
    return sums.reset_index(names="date")


def occasions(model: BikesModel, coming: pd.DataFrame) -> list[str]:
    """What each day of the hours to come is: "Fallas, public holiday", "" for none."""
    found: list[str] = []
    for day, hours in coming.groupby(coming.time.dt.normalize()):
        named = model.city.events_on(day)
        is_holiday = "holiday" in hours and hours.holiday.any()
        found.append(", ".join([*named, "public holiday"] if is_holiday else named))
    return found


def add_holidays(model: BikesModel, coming: pd.DataFrame, given: pd.DataFrame, remarks: list[str]) -> None:
    """Put `holiday` into the hours to come where the model knows holidays: as given, else by the country's calendar.

    given: what is known of the same hours, `holiday` perhaps, NaN where it is not.
    """
    if "holiday" not in model.settings["groups"]:
        return
    layout = model.layout
    holiday = given.holiday if "holiday" in given else pd.Series(np.nan, coming.index)
    unknown = holiday.isna()
    if layout.country is not None:
        holiday = holiday.fillna(look_up_holidays(coming.time, layout.country, layout.subdivision))
    elif unknown.any():
        of_some = "" if unknown.all() else f" in {int(unknown.sum()):,} of {len(coming):,} hours"
        advice = f"mark them in the column {layout.holiday} of the table of --weather, or train with --country"
        remarks.append(f"holidays to come{of_some} are not known, and none are expected: {advice}")
    coming["holiday"] = holiday.fillna(0).astype("int64")


def refuse_without_weather(past: pd.DataFrame, needed: list[str]) -> None:
    """Raise ProjectError where the hours of the past, given from Python, lack a column of the weather."""
    lacking = [name for name in needed if name not in past]
    if lacking:
        raise ProjectError(f"the model was trained with {', '.join(lacking)}, which these hours lack: add that")


def read_hours_to_come(
    model: BikesModel,
    path: Path,
    times: pd.DatetimeIndex,
    needed: list[str],
    remarks: list[str],
    columns: Sequence[str],
) -> pd.DataFrame:
    """What a table knows of the hours to come: the weather needed and, where it marks holidays as the table trained on
    did, `holiday`; NaN where it has none [hours, columns]. columns: see `outlook`.

    Raises ProjectError where a column of the weather is missing.
    """
    table = open_hours(path)
    knows_holidays = model.layout.holiday is not None and "holiday" in model.settings["groups"]
    if not needed and not knows_holidays:
        remarks.append(f"{path}: not counted, since the data that the model was trained on had no weather")
        return pd.DataFrame(index=range(len(times)))
    text, on_commas = with_points(next(read_chunks(table, None)), table.delimiter)
    layout = layout_to_come(model.layout, text, str(path), columns)
    hours, told = hours_of(text, layout, str(path), targets=False)
    assumed = units_assumed(layout, model.layout, str(path))
    remarks += filter(None, [*on_commas, *told, assumed])
    refuse_missing_weather(model.layout, [name for name in needed if name not in hours], text, path)
    known = [*needed, "holiday"] if knows_holidays and "holiday" in hours else needed
    if not needed:
        counted = f"only {hours.attrs['layout'].holiday} is" if known else "not"
        remarks.append(f"{path}: {counted} counted, since the data that the model was trained on had no weather")
    covered = int(times.isin(hours.time).sum())
    if covered == 0 and known:
        first, last = hours.time.min(), hours.time.max()
        raise ProjectError(
            f"{path} has none of the {len(times):,} hours to come, from {times[0]:%Y-%m-%d %H}:00 to "
            f"{times[-1]:%Y-%m-%d %H}:00, but {first:%Y-%m-%d %H}:00 to {last:%Y-%m-%d %H}:00: give the weather of "
            "those, or leave --weather out"
        )
    if covered < len(times) and needed:
        remarks.append(
            f"{path} has {covered:,} of the {len(times):,} hours to come: usual weather is taken for the others"
            + (SWAPPED if covered < len(times) / 4 else "")
        )
    return hours.set_index("time")[known].reindex(times).reset_index(drop=True)


def layout_to_come(layout: Layout, text: pd.DataFrame, name: str, columns: Sequence[str] = ()) -> Layout:
    """The layout trained on where the table has its columns, perhaps but for the holidays', else one found anew.

    columns: what is said of them, as in rain=NAME.
    """
    weather = set(columns_of(layout, targets=False)) - {layout.holiday}
    if columns or not weather <= set(text):
        found = find_layout(text, name, {"column": tuple(columns)}, with_count=False, likely=layout)
        place = {name: getattr(layout, name) for name in ("country", "subdivision", "place", "events")}
        return msgspec.structs.replace(found, **place)
    return layout if layout.holiday in text else msgspec.structs.replace(layout, holiday=None)


def layout_to_predict(model: BikesModel, text: pd.DataFrame, name: str, columns: Sequence[str] = ()) -> Layout:
    """The layout of a table of hours to answer; that of the training, by whose names it fails, where none is found.

    columns: what is said of them, as in rain=NAME. Raises ProjectError where that does not fit.
    """
    try:
        found = layout_to_come(model.layout, text, name, columns)
    except ProjectError:
        if columns:
            raise
        return model.layout
    has_all = all(any(getattr(found, role) for role in WEATHER[column]) for column in weather_needed(model))
    return found if has_all else model.layout


def refuse_missing_weather(layout: Layout, missing: list[str], text: pd.DataFrame, path: Path) -> None:
    """Raise ProjectError where weather is missing, naming the columns that it was trained on by."""
    if not missing:
        return
    trained_on = [[getattr(layout, role) for role in WEATHER[name]] for name in missing]
    lacking = ", ".join(" or ".join(filter(None, columns)) for columns in trained_on)
    role = next(role for role in WEATHER[missing[0]] if getattr(layout, role))
    raise ProjectError(
        f"{path} has no column for {lacking}, which the model was trained on; it has {', '.join(text)}: "
        f"say which it is by --column '{role}=NAME'"
    )


def for_csv(table: pd.DataFrame, unit: str = "°C") -> pd.DataFrame:
    """The table for people: times and weather in words, two decimals, °C or °F, % and km/h; None: not known."""
    rows = in_units(table, unit)
    for name, form in (("time", "%Y-%m-%d %H:%M"), ("date", "%Y-%m-%d")):
        if name in rows:
            rows[name] = rows[name].dt.strftime(form)
    rows = rows.round(2).astype(object)
    return rows.where(rows.notna(), None)


def in_units(table: pd.DataFrame, unit: str = "°C") -> pd.DataFrame:
    """The table with its weather in words, °C or °F, % and km/h."""
    rows = table.copy()
    units = {
        "temp": ("temperature", WARMEST - COLDEST, COLDEST),
        "hum": ("humidity", 100, 0),
        "windspeed": ("wind", WIND, 0),
    }
    for name, (column, scale, start) in units.items():
        if name in rows:
            rows[column] = rows.pop(name) * scale + start
    if "temperature" in rows:
        rows["temperature"] = in_unit(rows.temperature, unit)
    if "weathersit" in rows:
        rows["weather"] = rows.pop("weathersit").map(dict(enumerate(SKIES, 1)))
    return rows
