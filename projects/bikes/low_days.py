"""Days with far fewer bikes than is usual for their weekday around them, as on a strike: for people to look at."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from projects.bikes.bands import is_wet
from projects.bikes.calendar import WHOLE_DAY
from projects.bikes.features import City

WEEKS = (-4, -3, -2, -1, 1, 2, 3, 4)  # from a day to those it is compared with, of which
FEWEST = 4  # must be there
LOW = 0.3  # share of what is usual, below which a day is low
MANY = 50  # bikes that must be usual, so that chance alone makes no day low
RAINY = 6  # wet hours of a day, which explain that it is low


class LowDay(NamedTuple):
    """A day, its bikes, and those that are usual."""

    day: pd.Timestamp
    bikes: int
    usual: int


def low_days(hours: pd.DataFrame) -> list[LowDay]:
    """The days below LOW of the median of the same weekday over the weeks around them, in order.

    Holidays, the days around Christmas, the city's events and rainy days are left out: they are known to be low.
    """
    day = hours.time.dt.normalize().to_numpy()
    explained = pd.DataFrame({"special": City.learned_from(hours).is_special(hours), "wet": is_wet(hours)}, hours.index)
    by_day = explained.assign(bikes=hours.cnt, hours=1).groupby(day)
    days = by_day.agg({"special": "max", "wet": "sum", "bikes": "sum", "hours": "sum"})
    days = days[days.hours >= WHOLE_DAY]
    usual = np.nan_to_num(median_of_weeks_around(days.bikes))
    low = (days.bikes < LOW * usual) & (usual >= MANY) & ~days.special & (days.wet < RAINY)
    return [LowDay(day, int(days.bikes[day]), round(usual[place])) for place, day in enumerate(days.index) if low[day]]


def median_of_weeks_around(bikes: pd.Series) -> np.ndarray:
    """For each time of the index the median of the same time in the weeks around; NaN where too few are there [times].

    bikes: by their times, each once.
    """
    around = np.stack([bikes.reindex(bikes.index + pd.Timedelta(weeks=weeks)) for weeks in WEEKS])  # [WEEKS, times]
    known = (~np.isnan(around)).sum(axis=0) >= FEWEST
    usual = np.full(len(bikes), np.nan)
    usual[known] = np.nanmedian(around[:, known], axis=0)
    return usual
