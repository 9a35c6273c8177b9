"""Forecasts from moments in the past, beside what then happened.

An origin is a moment that is forecast from, by a model that knows only what came before it.
"""

from collections.abc import Callable
from datetime import datetime

import numpy as np
import pandas as pd

from nn import metrics
from projects.bikes.bands import LEVELS
from projects.bikes.data import Split
from projects.bikes.features import AROUND
from projects.bikes.last_four_weeks import last_four_weeks
from projects.bikes.model import BikesModel, train
from projects.bikes.scenarios import put_together, usual_weather, weather_needed
from projects.bikes.settings import VALIDATION_DAYS, Settings
from projects.bikes.words import bikes, off_by
from projects.common.errors import ProjectError
from projects.common.words import counted

USUAL = "usual_weather_"  # begins the names of what a forecast gives that knows no weather to come


def origins(
    hours: pd.DataFrame, count: int, months: int, days: int, first: datetime | None = None
) -> list[pd.Timestamp]:
    """`count` origins, `months` apart; the last is the latest first of a month with `days` of data after it.

    Where no first of a month has enough data before it, it is the latest day; origins with too few are left out.
    first: another first one, and none is left out. Raises ProjectError where the data are too short for an origin.
    """
    earliest = hours.time.iloc[0] + pd.Timedelta(days=VALIDATION_DAYS + 7)
    latest = hours.time.iloc[-1] + pd.Timedelta(hours=1) - pd.Timedelta(days=days)
    if latest.floor("D") < earliest:
        raise ProjectError(too_short(hours, days))
    last = latest.to_period("M").start_time
    if last < earliest:
        last = latest.floor("D")
    try:
        start = pd.Timestamp(first) if first else last - pd.DateOffset(months=months * (count - 1))
        found = [start + pd.DateOffset(months=months * i) for i in range(count)]
    except (OverflowError, ValueError) as error:
        raise ProjectError("the origins leave the calendar: lower --origins or --step, or change --first") from error
    if first is None:
        return [origin for origin in found if origin >= earliest]
    for origin in found:
        if not earliest <= origin <= latest:
            raise ProjectError(
                f"no {days} days can be forecast from {origin:%Y-%m-%d}: with these data an origin must lie "
                f"between {earliest:%Y-%m-%d} and {latest:%Y-%m-%d}"
            )
    return found


def too_short(hours: pd.DataFrame, days: int) -> str:
    """What is wrong with data in which no origin has enough before and after it, and what to do."""
    there = (hours.time.iloc[-1] - hours.time.iloc[0]).days + 1
    before = VALIDATION_DAYS + 7
    earliest = (hours.time.iloc[0] + pd.Timedelta(days=before)).ceil("D")
    fitting = (hours.time.iloc[-1] + pd.Timedelta(hours=1) - earliest).days
    advice = f"lower --days to {fitting}" if fitting >= 1 else "wait for more data"
    return f"{there} days are too few: an origin needs {before} days before it and --days {days} after it; {advice}"


def backtest(
    hours: pd.DataFrame,
    moments: list[pd.Timestamp],
    days: int,
    seed: int = 0,
    on_origin: Callable[[pd.Timestamp], None] | None = None,
) -> pd.DataFrame:
    """Every forecast hour [rows]: origin, time, cnt, prediction, its bands, and the baseline.

    The weather of the forecast days is taken as known, as recorded. With columns that begin with USUAL is a second
    forecast, which knows no weather to come; there are none where weather plays no part. Raises ProjectError where
    hours are missing.
    """
    parts = []
    for origin in moments:
        past = hours[hours.time < origin]
        now = hours[(hours.time >= origin) & (hours.time < origin + pd.Timedelta(days=days))]
        bands_from = int((past.time < origin - pd.Timedelta(days=VALIDATION_DAYS)).sum())
        if bands_from == len(past) or now.empty:
            raise ProjectError(
                f"there are no hours in the {VALIDATION_DAYS} days before {origin:%Y-%m-%d}, or in the "
                f"{days} days from it: choose another --first or --step"
            )
        model = train(Split(past.iloc[:bands_from], past.iloc[bands_from:], now), Settings(seed=seed))
        forecast = model.forecast(now, past.tail(AROUND))
        baseline = {"origin": origin, "last_four_weeks": last_four_weeks(past, now)}
        in_usual = in_usual_weather(model, past, now).add_prefix(USUAL)
        parts.append(now[["time", "cnt"]].assign(**baseline).join(forecast).join(in_usual))
        if on_origin is not None:
            on_origin(origin)
    return pd.concat(parts, ignore_index=True)


def in_usual_weather(model: BikesModel, past: pd.DataFrame, now: pd.DataFrame) -> pd.DataFrame:
    """The forecast of these hours in weather usual for the season, as `bikes forecast` makes it: prediction and bands.

    No column where weather plays no part, or where the past is shorter than what is forecast.
    """
    needed = weather_needed(model)
    times = pd.date_range(now.time.iloc[0], now.time.iloc[-1], freq="h")
    is_too_short = past.time.iloc[-1] - past.time.iloc[0] < times[-1] - times[0] + pd.Timedelta(days=1)
    if not needed or is_too_short:
        return pd.DataFrame(index=now.index)
    place = times.get_indexer(now.time)  # of each hour in a scenario, which has no gap
    before = past.tail(AROUND)
    forecasts = []
    for scenario in usual_weather(past, times, needed):
        hours = now.assign(**scenario.iloc[place].set_axis(now.index))
        forecasts.append(model.forecast(hours, before))
    return put_together(forecasts, now.time).drop(columns="time").set_axis(now.index)


def in_a_sentence(forecasts: pd.DataFrame, days: int) -> str:
    """How far off the forecasts were over all their hours, beside the baseline and as many hours as the bands held."""
    actual = forecasts.cnt.to_numpy(float)
    network, weeks = (
        float(np.mean(np.abs(forecasts[column] - actual))) for column in ("prediction", "last_four_weeks")
    )
    held, by_origin = held_by_bands(forecasts)
    spread = f" ({100 * min(by_origin):.0f} to {100 * max(by_origin):.0f} by origin)" if len(by_origin) > 1 else ""
    off = off_by(network, actual.mean(), weeks, held)
    return f"forecasts of {counted(days, 'day')} are {off}{spread}{without_weather(forecasts)}"


def without_weather(forecasts: pd.DataFrame) -> str:
    """Goes on with the sentence where there is a forecast that knew no weather to come."""
    if f"{USUAL}prediction" not in forecasts:
        return ""
    known = forecasts[forecasts[f"{USUAL}prediction"].notna()]
    error = float(np.mean(np.abs(known[f"{USUAL}prediction"] - known.cnt)))
    held, _ = held_by_bands(known, USUAL)
    band = "" if held is None else f", and the band holds {100 * held:.0f}"
    return f". That is with the weather as it was; in usual weather, as `bikes forecast` takes it, {bikes(error)}{band}"


def held_by_bands(forecasts: pd.DataFrame, prefix: str = "") -> tuple[float | None, list[float]]:
    """The share of the hours that the 80 % band held, None if no hour has a band; and of each origin that has any."""
    low, high = forecasts[f"{prefix}low_80"], forecasts[f"{prefix}high_80"]
    is_held = forecasts.cnt.between(low, high)[low.notna()]
    held = float(is_held.mean()) if len(is_held) else None
    return held, is_held.groupby(forecasts.origin).mean().tolist()


def summary(forecasts: pd.DataFrame) -> pd.DataFrame:
    """A row for each origin: errors of the network and of the baseline, and the coverage of the bands.

    Columns that begin with USUAL are of the forecast that knew no weather to come, where there is one.
    """
    rows = []
    for origin, part in forecasts.groupby("origin"):
        actual = part.cnt.to_numpy(float)
        row: dict[str, object] = {"origin": f"{origin:%Y-%m-%d}", "hours": len(part)}
        has_usual = f"{USUAL}prediction" in part and part[f"{USUAL}prediction"].notna().all()
        kinds = ("", USUAL) if has_usual else ("",)
        columns = {prefix: f"{prefix}prediction" for prefix in kinds} | {"last_four_weeks_": "last_four_weeks"}
        for prefix, column in columns.items():
            found = metrics.regression_scores(actual, part[column].to_numpy())
            row |= {f"{prefix}{score}": found[score] for score in ("rmse", "mae", "rmsle")}
        for prefix in kinds:
            for level in LEVELS:
                inside = part.cnt.between(part[f"{prefix}low_{level}"], part[f"{prefix}high_{level}"])
                row[f"{prefix}coverage_{level}"] = float(np.mean(inside))
        rows.append(row)
    return pd.DataFrame(rows)
