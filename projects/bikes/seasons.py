"""Seasons that a model has never seen, where it was trained on less than a year: a forecast of them is a guess."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

YEAR = 365.25  # days
NEAR = 45  # days of the year around those trained on, that are like them


def is_unseen(settings: Mapping[str, Any], time: pd.Series) -> np.ndarray:
    """Whether each time is farther than NEAR days of the year from all that this model was trained on [rows].

    Never, where it was trained on a year or more.
    """
    if not settings.get("less_than_a_year"):
        return np.zeros(len(time), dtype=bool)
    first, last = (pd.Timestamp(settings[name]) for name in ("first_hour", "last_hour"))
    trained = (last - first) / pd.Timedelta(days=1)
    from_first = ((time - first) / pd.Timedelta(days=1)).to_numpy() % YEAR  # days to the same season, later on
    apart = np.minimum(from_first - trained, YEAR - from_first)
    unseen: np.ndarray = apart > NEAR
    return unseen


def unseen_months(settings: Mapping[str, Any], time: pd.Series) -> list[str]:
    """The months of the times whose season the model has not seen, in the order of time."""
    months = time[is_unseen(settings, time)].sort_values().dt.month_name()
    return list(months.unique())


def guess_line(months: Iterable[str]) -> str | None:
    """A line where there are such months."""
    named = ", ".join(dict.fromkeys(months))
    return f"no data of {named}: a guess, without bands" if named else None
