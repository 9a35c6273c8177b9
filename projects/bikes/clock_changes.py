"""The hours that the clocks of a city go through twice in autumn, and those that they skip in spring."""

from collections.abc import Collection
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd

from projects.bikes.sun import Place, time_zones

USUAL_ZONES = (  # where the place is not known: their clocks change on all the days that are in use
    "Europe/Berlin",
    "America/New_York",
    "America/Santiago",
    "Australia/Sydney",
    "Pacific/Auckland",
)
NEAR = timedelta(hours=2)  # of an hour and a clock change: rows may be named for the ends of their hours


def zones_of(place: Place | None, country: str | None) -> list[str]:
    """The time zones that a city may lie in: that of its place, else those of its country, else usual ones."""
    if place is not None:
        return [place.time_zone]
    of_country = [zone.name for zone in time_zones() if country in zone.countries]
    return of_country or list(USUAL_ZONES)


def clock_shift(hour: datetime, zone: str) -> timedelta:
    """By how much the clocks of this zone are put forward near this hour; less than 0 where they go back."""
    local = ZoneInfo(zone)
    before, after = (moment.replace(tzinfo=local) for moment in (hour - NEAR, hour + NEAR))
    shift: timedelta = after.utcoffset() - before.utcoffset()  # type: ignore[operator]  # a ZoneInfo has one
    return shift


def clocks_go_back(hour: pd.Timestamp, zones: Collection[str]) -> bool:
    """Whether the clocks of one of these zones go back near this hour."""
    return any(clock_shift(hour.to_pydatetime(), zone) < timedelta(0) for zone in zones)


def clocks_go_forward(hour: pd.Timestamp, zones: Collection[str]) -> bool:
    """Whether the clocks of one of these zones go forward near this hour."""
    return any(clock_shift(hour.to_pydatetime(), zone) > timedelta(0) for zone in zones)


def is_gone_through_twice(times: pd.Series, zones: Collection[str]) -> pd.Series:
    """Whether each of these times, which are there several times, is of an hour that the clocks went through twice.

    It is where clocks go back near the hour, the time is there no more than twice, and no other hour of the day is
    there twice [rows].
    """
    hour = times.dt.floor("h")
    hours_of_the_day = hour.groupby(hour.dt.normalize()).transform("nunique")
    copies = times.groupby(times).transform("size")
    back = {moment: clocks_go_back(moment, zones) for moment in hour.unique()}
    return hour.map(back).astype(bool) & (hours_of_the_day == 1) & (copies == 2)
