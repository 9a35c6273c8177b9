"""Hours in which the service was closed: they say nothing about how people ride, and are left out of training."""

import numpy as np
import pandas as pd

from projects.common.words import NO

RUNS = ((24, 50), (6, 500))  # so many hours in a row without a bike, and the bikes that are usual in them: was closed
DAYS = 7  # in a row without a bike in the same hour of the day, so that a weekend is among them,
AROUND = 28  # days before and after them, of which
FEW, MANY = 2, 20  # more than a few bikes are usual in this hour, and many in all of these days: was closed
CLOSED = (*NO, "closed", "geschlossen", "fermé", "cerrado", "chiuso", "fechado", "gesloten", "zamknięte", "stängt")


def closed_by_column(column: pd.Series) -> pd.Series:
    """Whether the column that tells if the service is open says that it is not [rows]."""
    return column.str.strip().str.lower().isin(CLOSED)


def closed_by_zeros(hours: pd.DataFrame) -> pd.Series:
    """Whether each hour is in a run of hours, or of days at its hour of the day, without a bike where many are usual.

    hours: in the order of time. An hour that is missing ends no run.
    """
    empty = hours.cnt == 0
    usual = hours.cnt[~empty].groupby(hours.time.dt.hour).mean()
    run = (empty != empty.shift()).cumsum()
    length = empty.groupby(run).transform("size")
    expected = hours.time.dt.hour.map(usual).fillna(0).groupby(run).transform("sum")
    closed = pd.Series(False, hours.index)
    for hours_in_a_row, bikes in RUNS:
        closed |= empty & (length >= hours_in_a_row) & (expected >= bikes)
    for _, at_hour in hours.cnt.groupby(hours.time.dt.hour):
        closed[at_hour.index] |= closed_day_by_day(at_hour.to_numpy())
    return closed.groupby(run).transform("any")  # of a closed night its quietest hours, too


def closed_day_by_day(bikes: np.ndarray) -> np.ndarray:
    """Which of these days are in a long run of days without a bike; bikes: in one hour of each day [days].

    What is usual is the median before the run or after it, whichever is smaller, as nights get quiet in autumn.
    """
    closed = np.zeros(len(bikes), dtype=bool)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], bikes == 0, [0]])))  # starts and ends of runs in turn
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        around = bikes[max(start - AROUND, 0) : start], bikes[end : end + AROUND]
        usual = min((np.median(days) for days in around if len(days)), default=0.0)
        closed[start:end] = end - start >= DAYS and usual >= FEW and usual * (end - start) >= MANY
    return closed


def closed_spans(hours: pd.DataFrame) -> list[tuple[pd.Timestamp, pd.Timestamp, int]]:
    """First and last hour and number of the closed hours of each run of them; `hours`: the closed ones, in order."""
    if hours.empty:
        return []
    run = (hours.time.diff() != pd.Timedelta(hours=1)).cumsum()
    spans = hours.time.groupby(run).agg(["min", "max", "size"])
    return [(row["min"], row["max"], int(row["size"])) for _, row in spans.iterrows()]


def describe_span(first: pd.Timestamp, last: pd.Timestamp, hours: int) -> str:
    """ "2018-04-11" for a whole day, else from when to when."""
    whole_days = first.hour == 0 and last.hour == 23
    if whole_days and hours == 24:
        return f"{first:%Y-%m-%d}"
    if whole_days:
        return f"{first:%Y-%m-%d} to {last:%Y-%m-%d}"
    end = f"{last:%H}:59" if first.date() == last.date() else f"{last:%Y-%m-%d %H}:59"
    return f"{first:%Y-%m-%d %H}:00 to {end}"
