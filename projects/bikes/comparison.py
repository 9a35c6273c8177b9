"""A forecast that `bikes forecast` wrote, beside the bikes that then came."""

from pathlib import Path
from typing import Any

import pandas as pd

from projects.bikes.bands import LEVELS
from projects.bikes.data import open_hours, read_chunks
from projects.bikes.decimal_commas import with_points
from projects.bikes.scores import score, variance_of
from projects.bikes.words import off_by
from projects.common.errors import ProjectError
from projects.common.words import are, counted

NUMBERS = ["prediction", "low_80", "high_80", "low_95", "high_95", "last_four_weeks"]  # columns of bikes


def read_forecast(path: Path) -> pd.DataFrame:
    """`time` and NUMBERS of the hours in a file of `bikes forecast`; bounds are NaN where there is no band.

    Raises ProjectError for any other file.
    """
    table = open_hours(path)
    text, _ = with_points(next(read_chunks(table, None)), table.delimiter)
    lacking = [column for column in ["time", *NUMBERS] if column not in text]
    if lacking:
        raise ProjectError(f"{path} is no file of `bikes forecast`: it lacks the column {', '.join(lacking)}")
    hours = text[NUMBERS].apply(pd.to_numeric, errors="coerce")
    hours.insert(0, "time", pd.to_datetime(text.time, format="ISO8601", errors="coerce"))
    unreadable = hours[["time", "prediction", "last_four_weeks"]].isna().any(axis=1)
    if unreadable.any():
        place = hours.index[unreadable][0]
        raise ProjectError(f"{path}, {place}: an hour needs a time like 2024-12-31 17:00 and numbers of bikes")
    return hours.reset_index(drop=True)


def beside_truth(forecast: pd.DataFrame, hours: pd.DataFrame) -> pd.DataFrame:
    """The hours of the forecast for which `cnt` is known, with it. Raises ProjectError where there is none."""
    both = forecast.merge(hours[["time", "cnt"]], on="time")
    if both.empty:
        both = forecast.merge(with_day_and_month_swapped(hours[["time", "cnt"]]), on="time")
    if both.empty:
        spans = [
            f"{times.min():%Y-%m-%d %H}:00 to {times.max():%Y-%m-%d %H}:00" for times in (forecast.time, hours.time)
        ]
        raise ProjectError(f"the forecast is of {spans[0]}, and the bikes are of {spans[1]}: no hour is in both")
    return both


def with_day_and_month_swapped(hours: pd.DataFrame) -> pd.DataFrame:
    """The hours of days that can be read the other way round, read so: of a single day nothing else tells the order."""
    time = hours.time[hours.time.dt.day <= 12]
    parts = {"year": time.dt.year, "month": time.dt.day, "day": time.dt.month, "hour": time.dt.hour}
    return hours.loc[time.index].assign(time=pd.to_datetime(pd.DataFrame(parts)))


def compare(both: pd.DataFrame) -> dict[str, Any]:
    """The errors of the forecast and of the mean of the last four weeks before it, and what the bands held."""
    variance = variance_of(both)
    actual = both.cnt.to_numpy(float)
    scores: dict[str, Any] = {
        "forecast": score(actual, both.prediction.to_numpy(), variance),
        "last_four_weeks": score(actual, both.last_four_weeks.to_numpy(), variance),
    }
    with_band = both.dropna()
    for level in LEVELS:
        inside = with_band.cnt.between(with_band[f"low_{level}"], with_band[f"high_{level}"])
        scores[f"coverage_{level}"] = float(inside.mean()) if len(with_band) else None
    return scores


def in_a_sentence(both: pd.DataFrame, scores: dict[str, Any], n_forecast: int) -> str:
    """How far off the forecast was, for people. n_forecast: its hours, known or not."""
    error, weeks_error = scores["forecast"]["mae"], scores["last_four_weeks"]["mae"]
    unknown = n_forecast - len(both)
    of_others = f" ({counted(unknown, 'more hour')} of the forecast {are(unknown)} not known yet)" if unknown else ""
    off = off_by(error, float(both.cnt.mean()), weeks_error, scores["coverage_80"])
    wide = "" if scores["coverage_95"] is None else f", the 95 % band {100 * scores['coverage_95']:.0f}"
    better = "" if error <= weeks_error else "; here that mean was the better forecast"
    return f"over {counted(len(both), 'hour')} the forecast was {off}{wide}{better}{of_others}"


def by_day(both: pd.DataFrame) -> pd.DataFrame:
    """Sums of each day: date, hours, cnt, prediction and last_four_weeks; how many hours have a band and are in it."""
    day = both.time.dt.normalize()
    days = both.groupby(day)[["cnt", "prediction", "last_four_weeks"]].sum()
    days.insert(0, "hours", both.groupby(day).size())
    days["with_band"] = both.low_80.notna().groupby(day).sum()
    days["in_band"] = both.cnt.between(both.low_80, both.high_80).groupby(day).sum()
    return days.reset_index(names="date")


def comparison_table(days: pd.DataFrame) -> str:
    """A line for each day and their sum: bikes that came and were forecast, hours in the 80 % band, the baseline."""
    names = (
        f"{'day':16}{'hours':>6}{'bikes':>10}{'forecast':>10}{'off by':>9}{'in the band':>14}{'last four weeks':>17}"
    )
    lines = [names]
    total = days.drop(columns="date").sum().to_dict()
    for name, row in [*((f"{day['date']:%a %Y-%m-%d}", day) for day in days.to_dict("records")), ("together", total)]:
        share = f"{100 * (row['prediction'] / row['cnt'] - 1):+.0f} %" if row["cnt"] else ""
        band = f"{row['in_band']:.0f} of {row['with_band']:.0f}" if row["with_band"] else "not known"
        sums = f"{row['cnt']:10,.0f}{row['prediction']:10,.0f}{share:>9}{band:>14}{row['last_four_weeks']:17,.0f}"
        lines.append(f"{name:16}{row['hours']:6.0f}{sums}")
    return "\n".join(lines)
