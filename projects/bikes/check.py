"""What a table of hours holds, in words, before anything is trained."""

import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from projects.bikes.clock_changes import clocks_go_forward, zones_of
from projects.bikes.closed import closed_spans, describe_span
from projects.bikes.data import HoursTable
from projects.bikes.events import new_kinds
from projects.bikes.features import layout_of, seen_events
from projects.bikes.high_hours import high_hours
from projects.bikes.hours import columns_of
from projects.bikes.layout import PUBLISHED_COLUMNS, Layout
from projects.bikes.low_days import low_days
from projects.bikes.model import is_less_than_a_year
from projects.bikes.public_holidays import public_holidays
from projects.bikes.settings import TEST_DAYS, VALIDATION_DAYS
from projects.bikes.times import example
from projects.bikes.weather import COLDEST, SKIES, WARMEST, WIND, in_unit
from projects.common.words import counted, percent

WIDTH = 13  # characters of the names in front
MOST_SPANS = 20  # of closed hours, that are named
MOST_GAPS = 5  # runs of missing hours, that are named
MOST_LOW_DAYS = 5  # that are named, the lowest ones
MOST_HIGH_HOURS = 5  # that are named, the highest ones
HIGH = 0.999  # share of the hours that stay below what is high,
UNLIKELY = 3  # and how many times as high a count is to be checked
LEAST_TRAINING = 7  # days
LEAST_HELD, MOST_HELD = 0.65, 0.92  # shares of the hours in a band of 80 % that are near enough
CLEARLY = 0.99  # of the network's error, below which a baseline's is smaller by more than its last digit
INSTEAD = "take that, the column last_four_weeks of `bikes forecast`, instead"


def describe_table(city: HoursTable) -> list[str]:
    """What the table is, which of its columns are used, and what would be left out: a line each."""
    lines = [f"{city.table.path}: {city.table.description()}; {len(city.hours) + len(city.closed):,} hours"]
    for name, told in [*used_columns(city), *spans(city), *far_above(city.hours), *far_below(city.hours)]:
        lines.append(f"{name:{WIDTH}}{told}")
    return lines


def used_columns(city: HoursTable) -> Iterator[tuple[str, str]]:
    """Name and description of what is known of each hour."""
    layout, hours = city.layout, city.hours
    date = f"{layout.time} (written like {example(layout.time_format)})"
    yield "time", f"{date} and {layout.hour}" if layout.hour else date
    count = layout.count or f"{layout.casual} + {layout.registered}"
    riders = f", of two kinds: {layout.casual} and {layout.registered}" if layout.casual else ""
    yield "count", f"{count}: {hours.cnt.sum():,.0f} bikes, {hours.cnt.mean():,.0f} in a mean hour{riders}"
    yield "highest", highest_count(hours)
    yield from weather_columns(layout, hours)
    yield "holidays", holidays(layout, hours)
    no_place = "not known: give --latitude and --longitude"
    place = layout.place
    yield "sun", f"at {place.latitude:g}, {place.longitude:g} ({place.time_zone})" if place else no_place
    unused = unused_columns(city)
    if unused:
        yield "not used", f"{', '.join(unused)} (--column says what one is)"


def highest_count(hours: pd.DataFrame) -> str:
    """The highest count and its hour, and whether it is so high that it may be a slip."""
    highest = hours.loc[hours.cnt.idxmax()]
    told = f"{counted(int(highest.cnt), 'bike')}, on {highest.time:%Y-%m-%d} from {highest.time:%H}:00"
    usual = hours.cnt.quantile(HIGH, interpolation="lower")
    if highest.cnt <= UNLIKELY * usual:
        return told
    return f"{told}: {highest.cnt / usual:.0f} times what 999 of 1,000 hours stay below: check it" if usual else told


def unused_columns(city: HoursTable) -> list[str]:
    """The columns of the table that nothing is learned from."""
    used = {*columns_of(city.layout, targets=True), "simulated"}
    return [column for column in city.table.columns if column not in used]


def not_used_line(city: HoursTable) -> str | None:
    """A line that names the columns of a city's own table that nothing is learned from, if there are any."""
    unused = unused_columns(city)
    if not unused or {city.layout.time, city.layout.hour} == PUBLISHED_COLUMNS:
        return None
    return f"not used: {', '.join(unused)} (--column says what one is: `bikes check`)"


def weather_columns(layout: Layout, hours: pd.DataFrame) -> Iterator[tuple[str, str]]:
    """What is known of the weather, in people's units."""
    numbers = {
        "temperature": (layout.temperature, "temp", WARMEST - COLDEST, COLDEST, "°C"),
        "humidity": (layout.humidity, "hum", 100, 0, "%"),
        "wind": (layout.wind, "windspeed", WIND, 0, "km/h"),
    }
    for name, (column, key, scale, start, unit) in numbers.items():
        if column is None:
            yield name, "no column"
            continue
        written = getattr(layout, f"{name}_unit")
        values = hours[key] * scale + start
        if written == "°F":
            values, unit = in_unit(values, written), written
        yield name, f"{column}, read as {written}: {values.min():.1f} to {values.max():.1f} {unit}"
    sky = [column for column in (layout.weather, layout.rain, layout.snow) if column]
    if not sky:
        yield "weather", "no column"
        return
    shares = hours.weathersit.value_counts(normalize=True)
    kinds = [f"{percent(shares.get(kind, 0))} {name}" for kind, name in enumerate(SKIES, 1) if shares.get(kind, 0)]
    depth = f" ({layout.snow} is how deep it lies: it snows where that grows)" if layout.snow_lies else ""
    yield "weather", f"{', '.join(sky)}: {', '.join(kinds)}{depth}"


def holidays(layout: Layout, hours: pd.DataFrame) -> str:
    """Where the holidays come from, and how many there are."""
    if "holiday" not in hours:
        return "not known: give --country"
    days = hours.time[hours.holiday == 1].dt.normalize().nunique()
    source = layout.holiday or f"of {layout.country}{', ' + layout.subdivision if layout.subdivision else ''}"
    return f"{source}: {days} days{own_holidays(layout, hours)}"


def own_holidays(layout: Layout, hours: pd.DataFrame) -> str:
    """Which of the holidays the whole country does not have, in words."""
    if layout.holiday or not (layout.country and layout.subdivision):
        return ""
    years = range(hours.time.iloc[0].year, hours.time.iloc[-1].year + 1)
    of_country = public_holidays(years, layout.country, None)
    own = public_holidays(years, layout.country, layout.subdivision).difference(of_country)
    within = own[(own >= hours.time.iloc[0].normalize()) & (own <= hours.time.iloc[-1])]
    return f", of {layout.subdivision} alone {', '.join(f'{day:%Y-%m-%d}' for day in within)}" if len(within) else ""


def spans(city: HoursTable) -> Iterator[tuple[str, str]]:
    """From when to when the hours are, which are missing, and which are closed."""
    everything = pd.concat([city.hours.time, city.closed.time]).sort_values()
    first, last = everything.iloc[0], everything.iloc[-1]
    yield "from", f"{first:%Y-%m-%d %H}:00 to {last:%Y-%m-%d %H}:59"
    missing = pd.date_range(first, last, freq="h").difference(everything)
    yield "missing", missing_hours(missing, zones_of(city.layout.place, city.layout.country))
    closed = [describe_span(*span) for span in closed_spans(city.closed)]
    if not closed:
        yield "closed", "never, as far as can be seen"
        return
    more = f" and {len(closed) - MOST_SPANS} more times" if len(closed) > MOST_SPANS else ""
    yield "closed", f"{len(city.closed):,} hours, left out of training: {', '.join(closed[:MOST_SPANS])}{more}"


def far_above(hours: pd.DataFrame) -> Iterator[tuple[str, str]]:
    """Hours far above what is usual for them, if there are any."""
    found = high_hours(hours)
    if not found:
        return
    highest = sorted(sorted(found, key=lambda high: high.usual - high.bikes)[:MOST_HIGH_HOURS])
    named = ", ".join(
        f"{high.time:%Y-%m-%d %H}:00 ({counted(high.bikes, 'bike')} for {high.usual:,})" for high in highest
    )
    more = f" and {counted(len(found) - MOST_HIGH_HOURS, 'more hour')}" if len(found) > MOST_HIGH_HOURS else ""
    yield "far above", f"what is usual for the hour: {named}{more}: a slip of the keyboard, or an event?"


def far_below(hours: pd.DataFrame) -> Iterator[tuple[str, str]]:
    """Days far below what is usual for their weekday, if there are any."""
    days = low_days(hours)
    if not days:
        return
    lowest = sorted(sorted(days, key=lambda low: low.bikes / low.usual)[:MOST_LOW_DAYS])
    named = ", ".join(f"{low.day:%Y-%m-%d} ({counted(low.bikes, 'bike')} for {low.usual:,})" for low in lowest)
    more = f" and {counted(len(days) - MOST_LOW_DAYS, 'more day')}" if len(days) > MOST_LOW_DAYS else ""
    yield (
        "far below",
        f"what is usual for the weekday: {named}{more}: a strike, or a fault? --events tells such days apart",
    )


def missing_hours(missing: pd.DatetimeIndex, zones: Collection[str]) -> str:
    """How many hours are missing, the longest spans of them, and which ones the clocks of these time zones skip."""
    if missing.empty:
        return "no hour"
    named = []
    runs = closed_spans(pd.DataFrame({"time": missing}))
    longest = sorted(runs, key=lambda run: -run[2])  # as long ones in the order of time
    for first, last, hours in longest[:MOST_GAPS]:
        skipped = hours == 1 and clocks_go_forward(first, zones)
        named.append(describe_span(first, last, hours) + (" (the clocks go forward)" if skipped else ""))
    more = f" and {counted(len(runs) - MOST_GAPS, 'more time')}" if len(runs) > MOST_GAPS else ""
    return f"{counted(len(missing), 'hour')}, simply left out: {', '.join(named)}{more}"


def warn_of_short_data(hours: pd.DataFrame) -> str | None:
    """A line where there is less than a year."""
    if not is_less_than_a_year(hours):
        return None
    days = (hours.time.iloc[-1] - hours.time.iloc[0]).days + 1
    return (
        f"{days} days are less than a year: growth and seasons can't be told apart, so the trend is held, "
        "and a forecast of another season is a guess"
    )


def warn_of_new_events(hours: pd.DataFrame) -> str | None:
    """A line where the city has events of a kind that none of these hours, which are trained on, is of."""
    events = list(layout_of(hours).events)
    seen = seen_events(hours, events)
    return new_kinds((event.name for event in events), seen)


def training_command(city: HoursTable, given: Mapping[str, Any]) -> str:
    """The command to train with, with the options that were given and periods that fit."""
    options = [str(city.table.path)]
    for name, value in given.items():
        option = f"--{name.replace('_', '-')}"
        for one in value if isinstance(value, tuple) else (value,):
            options += [option] if one is True else [option, str(one)]
    options += fitting_periods(len(city.hours) // 24)
    return shlex.join(["bikes", "train", *options])


def fitting_periods(days: int) -> Sequence[str]:
    """Options where the data are too short for the usual periods of validation and test.

    A third is held out: the final fit knows these days too, and bands of more days are surer.
    """
    if days >= LEAST_TRAINING + VALIDATION_DAYS + TEST_DAYS:
        return []
    validation = max(7, days // 3)
    return [
        "--validation-days",
        str(validation),
        "--test-days",
        str(max(0, min(7, days - validation - LEAST_TRAINING))),
    ]


def warn_of_baseline(scores: Mapping[str, Any], period: str) -> str | None:
    """A line where the mean of the last four weeks, or of all hours, forecasts a period better than the network."""
    network = scores[period]["rmse"]
    names = {"last_four_weeks": "the mean of the last four weeks", "mean": "the mean of all hours"}
    advice = {"last_four_weeks": INSTEAD, "mean": "do not use the network"}
    for baseline, name in names.items():
        rmse = scores["baselines"][baseline][period]["rmse"]
        if rmse < CLEARLY * network:
            return (
                f"{name} forecasts the {period} better than the network (RMSE {rmse:.1f} against {network:.1f}): "
                f"{advice[baseline]}, or look with `bikes check` whether the table is what it should be"
            )
    return None


def warn_of_measured_baseline(settings: Mapping[str, Any]) -> str | None:
    """A line where, as training measured, the mean of the last four weeks forecast the validation better."""
    network, weeks = settings["validation"]["rmse"], settings.get("last_four_weeks_rmse")
    if weeks is None or weeks >= CLEARLY * network:
        return None
    return (
        f"in the validation the mean of the last four weeks was nearer to what happened (RMSE {weeks:.1f} against "
        f"{network:.1f}): take the column last_four_weeks"
    )


def warn_of_bands(test: Mapping[str, float]) -> str | None:
    """A line where the 80 % band of a test held far more or fewer hours than it should."""
    held = test.get("coverage_80", 0.8)
    if LEAST_HELD <= held <= MOST_HELD:
        return None
    if held > MOST_HELD:
        return (
            f"the bands are wider than they need be ({percent(held)} of the hours in the 80 % band): they are as wide "
            "as forecasts of the validation days needed; with fewer --validation-days they are often narrower"
        )
    return (
        f"the bands are too narrow for these days ({percent(held)} of the hours in the 80 % band): they are as wide as "
        "forecasts of the validation days needed, and these days went otherwise"
    )


def warn_of_better_weeks(scores: pd.DataFrame) -> str | None:
    """A line where the mean of the last four weeks forecasts better than the network over the origins of a backtest.

    scores: what `summary` of the backtest gives.
    """
    network, weeks = scores.rmse.mean(), scores.last_four_weeks_rmse.mean()
    if network <= weeks:
        return None
    better = int((scores.last_four_weeks_rmse < scores.rmse).sum())
    origins = counted(len(scores), "origin")
    return (
        f"the mean of the last four weeks forecasts better than the network (mean RMSE {weeks:.1f} against "
        f"{network:.1f}, better from {better} of {origins}): {INSTEAD}, until there is a year of data, or "
        "weather, --country or --latitude and --longitude make the network better"
    )
