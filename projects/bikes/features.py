"""From an hour to the numbers that the network sees: groups of features, each with what it needs to be known."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from projects.bikes.calendar import (
    DAY,
    THANKSGIVING,
    SpecialDay,
    is_christmas_season,
    is_special,
    is_thanksgiving,
    learn_special_days,
    working_share,
)
from projects.bikes.layout import PUBLISHED_LAYOUT, Event, Layout
from projects.bikes.sun import Place, sun_elevation

TREND_START = pd.Timestamp("2011-01-01")
YEAR = pd.Timedelta(days=365.25)
TREND_HELD_AFTER = pd.Timedelta(days=30)  # from a year or more of hours: what comes later grows no more
KNOWN_FOR = pd.Timedelta(days=365)  # from the hours trained on: how a city rides later is not known
MILD = 0.5  # temp, from whose square the network sees that it can be too cold and too hot
AROUND = 24  # hours before a forecast, of which the weather is looked up
AIR = ("hum", "windspeed")  # features as they are in the hours: a city may know only one of the two
WET = 3  # weathersit from which it rains or snows
TWILIGHT = 3.0  # degrees that the sun stands below the horizon when it is half light, and that this takes

Columns = dict[str, pd.Series]


@dataclass
class City:
    """What the features need to know beyond the hours' own columns: the place, and what training learned."""

    first_hour: str
    last_hour: str
    special_days: list[SpecialDay] = field(default_factory=list)
    place: Place | None = None
    country: str | None = None  # a code of two letters
    held_after_days: int = TREND_HELD_AFTER.days  # from the last hour, and as many before the first
    events: list[Event] = field(default_factory=list)  # past and to come
    learned_events: list[str] = field(default_factory=list)  # their names that hours trained on are of

    @classmethod
    def learned_from(cls, hours: pd.DataFrame, held_after_days: int = TREND_HELD_AFTER.days) -> "City":
        """The city as these hours, in the order of time, show it."""
        layout = layout_of(hours)
        first_hour, last_hour = str(hours.time.iloc[0]), str(hours.time.iloc[-1])
        special_days = learn_special_days(hours, layout.country)
        events = list(layout.events)
        learned = seen_events(hours, events)
        return cls(first_hour, last_hour, special_days, layout.place, layout.country, held_after_days, events, learned)

    def to_json(self) -> dict[str, Any]:
        place = list(self.place) if self.place else None
        special_days = [list(day) for day in self.special_days]
        events = [[event.day.isoformat(), event.name] for event in self.events]
        return asdict(self) | {"special_days": special_days, "place": place, "events": events}

    @classmethod
    def from_json(cls, city: dict[str, Any]) -> "City":
        """The city that `to_json` gave."""
        special_days = [SpecialDay(*day) for day in city["special_days"]]
        place = Place(*city["place"]) if city["place"] else None
        events = [Event(date.fromisoformat(day), name) for day, name in city.get("events", [])]
        return cls(**(city | {"special_days": special_days, "place": place, "events": events}))

    def working_share(self, hours: pd.DataFrame) -> pd.Series:
        """How much of a working day the day of each of the hours is [rows]."""
        return working_share(hours, self.special_days, self.country)

    def is_special(self, hours: pd.DataFrame) -> np.ndarray:
        """Whether each of the hours is on a day that weekday and season tell little of [rows]."""
        special: np.ndarray = self.unfamiliarity(hours) > 0
        return special

    def unfamiliarity(self, hours: pd.DataFrame) -> np.ndarray:
        """How little is known of the day of each of the hours: 0 of usual days, 1 of special ones [rows].

        Of an event that n days trained on are of, 1 / √(1 + n): what is learned from n days errs so much less.
        """
        unfamiliar = is_special(hours, self.country).astype(float)
        for name in {event.name for event in self.events}:
            days = days_of(self.events, name)
            n_learned = sum(self.first_hour[:10] <= day.isoformat() <= self.last_hour[:10] for day in days)
            of_event = is_on(hours, days) / np.sqrt(1 + n_learned)
            unfamiliar = np.maximum(unfamiliar, of_event)
        return unfamiliar

    def events_on(self, moment: datetime) -> list[str]:
        """The names of the city's own events on the day of a moment."""
        return [event.name for event in self.events if event.day == moment.date()]

    def span(self, margin: pd.Timedelta) -> tuple[pd.Timestamp, pd.Timestamp]:
        """From when to when the city was learned from, and so much to each side."""
        return pd.Timestamp(self.first_hour) - margin, pd.Timestamp(self.last_hour) + margin


def days_of(events: Iterable[Event], name: str | None = None) -> list[date]:
    """The days of the events, or of those with this name."""
    return [event.day for event in events if name in (None, event.name)]


def seen_events(hours: pd.DataFrame, events: list[Event]) -> list[str]:
    """The names of the events that any of the hours is on, sorted."""
    return sorted({name for _, name in events if is_on(hours, days_of(events, name)).any()})


def is_on(hours: pd.DataFrame, days: Collection[date]) -> np.ndarray:
    """Whether each of the hours is on one of these days [rows]."""
    found: np.ndarray = hours.time.dt.normalize().isin(pd.to_datetime(list(days))).to_numpy()
    return found


def layout_of(hours: pd.DataFrame) -> Layout:
    """The layout of the table that the hours were read from; the published one's if they were not."""
    layout: Layout = hours.attrs.get("layout", PUBLISHED_LAYOUT)
    return layout


class Rows(NamedTuple):
    """The hours that features are made of."""

    hours: pd.DataFrame
    weather: pd.DataFrame  # of these hours and of what is known around them; by time, in its order
    working: pd.Series  # how much of a working day each hour's day is
    city: City

    def look_up(self, series: pd.Series, hours_later: int, unknown: pd.Series) -> pd.Series:
        """The series, which has `weather`'s times, so many hours after each hour; `unknown` where it has none."""
        times = self.hours.time + pd.Timedelta(hours=hours_later)
        return pd.Series(series.reindex(times).to_numpy(), self.hours.index).fillna(unknown)


class Group(NamedTuple):
    """Features that come and go together."""

    build: Callable[[Rows], Columns]
    needs: tuple[str, ...] = ()  # columns of the hours, besides their time
    takes: tuple[str, ...] = ()  # columns that are features as they are, those of them that there are: at least one
    scaled: bool = False  # standardised before the network sees them
    needs_place: bool = False
    needs_events: bool = False


def hour_of_day(rows: Rows) -> Columns:
    """A profile of the working day and one of the free day; each counts by the day's working share."""
    at_hour = hour_indicators(rows)
    columns = {f"working_{name}": here * rows.working for name, here in at_hour.items()}
    return columns | {f"free_{name}": here * (1 - rows.working) for name, here in at_hour.items()}


def fridays_and_sundays(rows: Rows) -> Columns:
    """What their hours have of their own."""
    at_hour, weekday = hour_indicators(rows), rows.hours.time.dt.day_of_week
    friday = rows.working * (weekday == 4)
    columns = {f"friday_{name}": here * friday for name, here in at_hour.items()}
    return columns | {f"sunday_{name}": here * (weekday == 6) for name, here in at_hour.items()}


def hour_indicators(rows: Rows) -> Columns:
    return {f"{hour:02}h": rows.hours.hr == hour for hour in range(24)}


def weekday(rows: Rows) -> Columns:
    number = rows.hours.time.dt.day_of_week
    return {name: number == i for i, name in enumerate(("mon", "tue", "wed", "thu", "fri", "sat", "sun"))}


def holiday(rows: Rows) -> Columns:
    return {"holiday": rows.hours.holiday == 1}


def christmas_and_thanksgiving(rows: Rows) -> Columns:
    """The days on which a city stays at home: from Christmas Eve to New Year; Thanksgiving and the day after."""
    christmas = {"christmas": is_christmas_season(rows.hours.time)}
    if rows.city.country != THANKSGIVING:
        return christmas
    return christmas | {
        "thanksgiving": is_thanksgiving(rows.hours.time),
        "thanksgiving_friday": is_thanksgiving(rows.hours.time - DAY),
    }


def events_of_the_city(rows: Rows) -> Columns:
    """The days of each kind of event that the training has seen."""
    city = rows.city
    return {
        f"event_{name}": pd.Series(is_on(rows.hours, days_of(city.events, name)), rows.hours.index)
        for name in city.learned_events
    }


def yearly_wave(rows: Rows, waves: int = 1) -> Columns:
    """Sine and cosine that go round so many times a year."""
    angle = 2 * np.pi * waves * (rows.hours.time - TREND_START) / YEAR
    return {f"year_sin_{waves}": np.sin(angle), f"year_cos_{waves}": np.cos(angle)}


def second_yearly_wave(rows: Rows) -> Columns:
    return yearly_wave(rows, 2)


def trend(rows: Rows) -> Columns:
    """Years, which stand still some days after the hours trained on: growth is no law."""
    time = rows.hours.time.clip(*rows.city.span(pd.Timedelta(days=rows.city.held_after_days)))
    return {"trend": (time - TREND_START) / YEAR}


def sky(rows: Rows) -> Columns:
    return {f"weather_{kind}": rows.hours.weathersit == kind for kind in range(1, 5)}


def temperature(rows: Rows) -> Columns:
    return temperature_columns(rows.hours.temp)


def temperature_columns(temp: Any) -> dict[str, Any]:
    return {"temp": temp, "temp_squared": (temp - MILD) ** 2}


def air(rows: Rows) -> Columns:
    return {name: rows.hours[name] for name in AIR if name in rows.hours}


def weather_before(rows: Rows) -> Columns:
    """`weathersit` of the hour before, and its mean over the last six hours; the hour's own where it is unknown."""
    kind = rows.weather.weathersit
    own = rows.hours.weathersit
    return {
        "previous_weather": rows.look_up(kind, -1, own),
        "recent_weather": rows.look_up(kind.rolling("6h").mean(), 0, own),
    }


def warming(rows: Rows) -> Columns:
    """`temp` less its mean over the last day."""
    own = rows.hours.temp
    return {"warming": own - rows.look_up(rows.weather.temp.rolling("24h").mean(), 0, own)}


def rain(rows: Rows) -> Columns:
    """Shares of wet hours among the last three and over the day; whether the next hour is wet.

    What is not known is as in the hour itself.
    """
    wet = (rows.weather.weathersit >= WET).astype(float)
    own = (rows.hours.weathersit >= WET).astype(float)
    over_the_day = wet.groupby(wet.index.normalize()).transform("mean")
    return {
        "recent_rain": rows.look_up(wet.rolling("3h").mean(), 0, own),
        "rain_over_the_day": rows.look_up(over_the_day, 0, own),
        "next_rain": rows.look_up(wet, 1, own),
    }


def sun(rows: Rows) -> Columns:
    """How high the sun stands, and how light it is: dark, dawn or day."""
    assert rows.city.place is not None
    start = rows.hours.time.dt.normalize() + pd.to_timedelta(rows.hours.hr, unit="h")
    elevation = pd.Series(sun_elevation(start, rows.city.place), rows.hours.index)
    return {
        "sun_elevation": elevation / 90,
        "daylight": 1 / (1 + np.exp(-(elevation + TWILIGHT) / TWILIGHT)),
    }


GROUPS = {
    "hour of the day": Group(hour_of_day),
    "hours of Fridays and Sundays": Group(fridays_and_sundays),
    "weekday": Group(weekday),
    "holiday": Group(holiday, needs=("holiday",)),
    "christmas and thanksgiving": Group(christmas_and_thanksgiving),
    "yearly wave": Group(yearly_wave),
    "second yearly wave": Group(second_yearly_wave),
    "trend": Group(trend, scaled=True),
    "sky": Group(sky, needs=("weathersit",)),
    "temperature": Group(temperature, needs=("temp",), scaled=True),
    "humidity and wind": Group(air, takes=AIR, scaled=True),
    "weather before": Group(weather_before, needs=("weathersit",), scaled=True),
    "warming": Group(warming, needs=("temp",), scaled=True),
    "rain": Group(rain, needs=("weathersit",), scaled=True),
    "sun": Group(sun, scaled=True, needs_place=True),
    "events of the city": Group(events_of_the_city, needs_events=True),
}
WEATHER_COLUMNS = ("weathersit", "temp")  # that are looked up in the hours around


def available_groups(columns: Collection[str], city: City) -> list[str]:
    """The groups of features that can be built from these columns of the hours."""
    return [
        name
        for name, group in GROUPS.items()
        if set(group.needs) <= set(columns)
        and (not group.takes or set(group.takes) & set(columns))
        and (city.place is not None or not group.needs_place)
        and (city.learned_events or not group.needs_events)
    ]


def needed_columns(names: Iterable[str], features: Collection[str]) -> set[str]:
    """The columns of the hours that these features of these groups are made of, besides their time."""
    groups = [GROUPS[name] for name in names]
    needed = {column for group in groups for column in group.needs}
    taken = {column for group in groups for column in group.takes if column in features}
    return needed | taken


def build_groups(
    hours: pd.DataFrame,
    city: City,
    names: Collection[str] = tuple(GROUPS),
    before: pd.DataFrame | None = None,
    after: pd.DataFrame | None = None,
) -> dict[str, pd.DataFrame]:
    """The float features of each group [rows, its columns], a row for each hour, in the same order.

    before, after: hours around, only to look up the weather they had: at least the day before the first of `hours`
    and the rest of the last one's day. Of an hour that is there twice, the later row is looked up.
    """
    columns = [name for name in WEATHER_COLUMNS if name in hours]  # perhaps none
    around = [part[["time", *columns]] for part in (before, hours, after) if part is not None]
    weather = pd.concat(around).drop_duplicates("time", keep="last").set_index("time").sort_index()
    rows = Rows(hours, weather, city.working_share(hours), city)
    return {name: pd.DataFrame(GROUPS[name].build(rows), index=hours.index).astype(float) for name in names}


def build_features(
    hours: pd.DataFrame,
    city: City,
    names: Collection[str] = tuple(GROUPS),
    before: pd.DataFrame | None = None,
    after: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """The features of all these groups side by side [rows, features]; see `build_groups`."""
    return pd.concat(build_groups(hours, city, names, before, after).values(), axis=1)
