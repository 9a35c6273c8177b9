"""Hours in which the service was closed: they say nothing about how people ride, and are left out of training."""

import pandas as pd

RUNS = ((24, 50), (6, 500))  # so many hours in a row without a bike, and the bikes that are usual in them: was closed
CLOSED = ("no", "n", "false", "0", "closed", "nein", "geschlossen", "non", "fermé", "cerrado")


def closed_by_column(column: pd.Series) -> pd.Series:
    """Whether the column that tells if the service is open says that it is not [rows]."""
    return column.str.strip().str.lower().isin(CLOSED)


def closed_by_zeros(hours: pd.DataFrame) -> pd.Series:
    """Whether each hour is in a long run of hours without a bike in which many are usual [rows].

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
