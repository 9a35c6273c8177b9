"""Hours with far more bikes than is usual for them, as a slip of the keyboard makes them: for people to look at."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from projects.bikes.features import City
from projects.bikes.low_days import median_of_weeks_around

HIGH = 5  # times what is usual, and as many bikes more as a mean hour has: chance alone makes no hour as high


class HighHour(NamedTuple):
    """An hour, its bikes, and those that are usual."""

    time: pd.Timestamp
    bikes: int
    usual: int


def high_hours(hours: pd.DataFrame) -> list[HighHour]:
    """The hours far above the median of the same hour of the week over the weeks around them, in order.

    Holidays, the days around Christmas and the city's events are left out: they are known to be special.
    """
    hours = hours.drop_duplicates("time")
    bikes = pd.Series(hours.cnt.to_numpy(float), pd.DatetimeIndex(hours.time))
    usual = median_of_weeks_around(bikes)
    is_special = City.learned_from(hours).is_special(hours)
    high = (bikes.to_numpy() > HIGH * usual + bikes.mean()) & ~is_special  # never where nothing usual is known
    places = np.flatnonzero(high).tolist()
    return [HighHour(bikes.index[place], int(bikes.iloc[place]), round(usual[place])) for place in places]
