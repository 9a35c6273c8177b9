"""Days that are not what their weekday tells: how much of a working day each is, learned from its morning.

Columbus Day is half a working day, Emancipation Day a whole one, and the Friday after Thanksgiving none. A day's
working share is 1 where its riders crowd the morning as on the working days around it, 0 where they do as on weekends.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

DAY = pd.Timedelta(days=1)
MORNING = 7, 9  # first and last of the hours in which people ride to work
NEIGHBOURS = 28  # days to each side that a day's morning is compared with
WHOLE_DAY = 20  # hours that a day must have to be learned from
MOVES = 6  # days by which a holiday may be away from where it was in another year
SHRINKAGE = 0.5  # learned days that the usual share counts as much as
THANKSGIVING = "US"  # the country in which it is on the fourth Thursday of November
CHRISTMAS_EVE, NEW_YEAR = 1224, 101  # month and day
HOLIDAYS_BEGIN, HOLIDAYS_END = 1222, 102  # first and last day on which many are away around them
USUAL_SHARES = {"holiday": 0.0, "thanksgiving friday": 0.0, "christmas eve": 0.5, "year end": 0.5}


class SpecialDay(NamedTuple):
    """A day of the training hours that is neither an ordinary working day nor a weekend."""

    date: str
    kind: str  # a key of USUAL_SHARES
    share: float


def kinds_of_day(day: pd.Series, holiday: pd.Series, country: str | None) -> pd.Series:
    """For each of these dates: working, weekend or a key of USUAL_SHARES [rows]."""
    date = day.dt.month * 100 + day.dt.day
    kind = pd.Series("working", day.index, dtype=object)
    if country == THANKSGIVING:
        kind[is_thanksgiving(day - DAY)] = "thanksgiving friday"
    kind[date == CHRISTMAS_EVE] = "christmas eve"
    kind[date >= 1226] = "year end"
    kind[holiday] = "holiday"
    kind[day.dt.day_of_week >= 5] = "weekend"
    return kind


def is_holiday(hours: pd.DataFrame) -> pd.Series:
    """Whether each of the hours is on a holiday; no, where holidays are not known [rows]."""
    if "holiday" not in hours:
        return pd.Series(False, hours.index)
    return hours.holiday == 1


def is_christmas_season(day: pd.Series) -> pd.Series:
    """Whether each of these dates lies from Christmas Eve to New Year [rows]."""
    date = day.dt.month * 100 + day.dt.day
    return (date >= CHRISTMAS_EVE) | (date <= NEW_YEAR)


def is_thanksgiving(day: pd.Series) -> pd.Series:
    """Whether each of these dates is the fourth Thursday of November [rows]."""
    return (day.dt.month == 11) & (day.dt.day_of_week == 3) & day.dt.day.between(22, 28)


def is_special(hours: pd.DataFrame, country: str | None) -> np.ndarray:
    """Whether each of the hours is on a day that weekday and season tell little of [rows].

    These are holidays, the days around Christmas and, from Wednesday to Sunday, those around Thanksgiving.
    """
    day = hours.time.dt.normalize()
    date = day.dt.month * 100 + day.dt.day
    special = kinds_of_day(day, is_holiday(hours), country).isin(list(USUAL_SHARES))
    special |= (date >= HOLIDAYS_BEGIN) | (date <= HOLIDAYS_END)
    if country == THANKSGIVING:
        weekday = day.dt.day_of_week
        thursday = day - pd.to_timedelta(weekday - 3, unit="D")
        special |= is_thanksgiving(thursday) & (weekday >= 2)
    found: np.ndarray = special.to_numpy()
    return found


def learn_special_days(hours: pd.DataFrame, country: str | None) -> list[SpecialDay]:
    """The special days of the hours, each with the working share that its morning shows."""
    days = mornings(hours, country)
    special = []
    for date, day in days[days.kind.isin(list(USUAL_SHARES))].iterrows():
        near = days[abs(days.index - date) <= pd.Timedelta(days=NEIGHBOURS)]
        working = near.morning[near.kind == "working"].median()
        free = near.morning[near.kind == "weekend"].median()
        if working > free:  # neither is unknown, and people do ride to work
            share = np.clip((day.morning - free) / (working - free), 0, 1)
            special.append(SpecialDay(f"{date:%Y-%m-%d}", day.kind, round(float(share), 3)))
    return special


def mornings(hours: pd.DataFrame, country: str | None) -> pd.DataFrame:
    """For each whole day: the share of its riders who rode in the MORNING, and its kind."""
    day = hours.time.dt.normalize()
    riders_in_the_morning = hours.cnt.where(hours.time.dt.hour.between(*MORNING), 0)
    days = pd.DataFrame(
        {
            "hours": hours.groupby(day).size(),
            "riders": hours.cnt.groupby(day).sum(),
            "morning": riders_in_the_morning.groupby(day).sum(),
            "holiday": is_holiday(hours).groupby(day).max(),
        }
    )
    days = days[(days.hours >= WHOLE_DAY) & (days.riders > 0)]
    days["kind"] = kinds_of_day(days.index.to_series(), days.holiday, country)
    return days.assign(morning=days.morning / days.riders)


def working_share(hours: pd.DataFrame, special_days: list[SpecialDay], country: str | None) -> pd.Series:
    """How much of a working day the day of each of the hours is, from 0 to 1 [rows]."""
    day = hours.time.dt.normalize()
    kind = kinds_of_day(day, is_holiday(hours), country)
    share = (kind == "working").astype(float)
    special = kind.isin(list(USUAL_SHARES))
    for date, name in set(zip(day[special], kind[special], strict=True)):
        share[(day == date) & (kind == name)] = expected_share(date, name, special_days)
    return share


def expected_share(date: pd.Timestamp, kind: str, special_days: list[SpecialDay]) -> float:
    """The mean share of the learned days that this one is like, drawn towards the usual share of its kind."""
    alike = [day.share for day in special_days if day.kind == kind and is_anniversary(date, day)]
    return (sum(alike) + SHRINKAGE * USUAL_SHARES[kind]) / (len(alike) + SHRINKAGE)


def is_anniversary(date: pd.Timestamp, learned: SpecialDay) -> bool:
    """Whether the learned day may be the same holiday, in this or another year; days with names of their own are."""
    if learned.kind != "holiday":
        return True
    apart: float = abs((date - pd.Timestamp(learned.date)).days) % 365.25
    return min(apart, 365.25 - apart) < MOVES + 1
