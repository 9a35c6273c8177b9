"""How high the sun stands over a city."""

import re
from importlib import resources
from typing import NamedTuple

import numpy as np
import pandas as pd

from projects.common.errors import ProjectError

EARTH_RADIUS = 6371  # km
FAR = 0.3  # radians, some 1,900 km, from the nearest principal place of a time zone of the country
J2000 = pd.Timestamp("2000-01-01 12:00", tz="UTC")  # what the formulas count days from


class Place(NamedTuple):
    """Where a city lies."""

    latitude: float  # degrees, north of the equator above 0
    longitude: float  # degrees, east of Greenwich above 0
    time_zone: str  # a name of the IANA's, such as America/New_York


WASHINGTON = Place(38.9, -77.04, "America/New_York")


def sun_elevation(time: pd.Series, place: Place) -> np.ndarray:
    """Degrees of the sun above the horizon in the middle of the hours that start at these local times [rows].

    The Astronomical Almanac's low-precision formulas, right to a few hundredths of a degree from 1950 to 2050;
    refraction is left out. An hour that the clocks go through twice is taken for the first of the two.
    """
    local = pd.DatetimeIndex(time + pd.Timedelta(minutes=30)).tz_localize(
        place.time_zone, ambiguous=np.ones(len(time), dtype=bool), nonexistent="shift_forward"
    )
    days = ((local - J2000) / pd.Timedelta(days=1)).to_numpy()
    anomaly = np.radians(357.528 + 0.9856003 * days)
    mean_longitude = 280.460 + 0.9856474 * days
    longitude = np.radians(mean_longitude + 1.915 * np.sin(anomaly) + 0.020 * np.sin(2 * anomaly))
    tilt = np.radians(23.439 - 0.0000004 * days)
    right_ascension = np.arctan2(np.cos(tilt) * np.sin(longitude), np.cos(longitude))
    declination = np.arcsin(np.sin(tilt) * np.sin(longitude))
    sidereal_time = np.radians(15 * (18.697374558 + 24.06570982441908 * days) + place.longitude)
    hour_angle = sidereal_time - right_ascension
    latitude = np.radians(place.latitude)
    sine = np.sin(latitude) * np.sin(declination)
    sine += np.cos(latitude) * np.cos(declination) * np.cos(hour_angle)
    elevation: np.ndarray = np.degrees(np.arcsin(sine))
    return elevation


class TimeZone(NamedTuple):
    """A zone of the IANA's table."""

    countries: list[str]  # codes of two letters
    principal_place: str  # written like +4852+00220
    name: str


def time_zones() -> list[TimeZone]:
    """All zones in which clocks have differed since 1970."""
    rows = resources.files("tzdata").joinpath("zoneinfo", "zone1970.tab").read_text(encoding="utf-8").splitlines()
    fields = [row.split("\t") for row in rows if not row.startswith("#")]
    return [TimeZone(countries.split(","), place, name) for countries, place, name, *_ in fields]


def nearest_time_zone(latitude: float, longitude: float, country: str | None = None) -> str:
    """The name of the time zone whose principal place is nearest: near a border perhaps the neighbour's.

    country: whose zones alone are looked at, where it has any.
    """
    zones = time_zones()
    zones = [zone for zone in zones if country in zone.countries] or zones
    return zones[int(np.argmin(distance(places_of(zones), latitude, longitude)))].name


def refuse_far_away(latitude: float, longitude: float, country: str | None) -> None:
    """Raise ProjectError where a place is far from the country, and near with its numbers swapped or a sign turned."""
    of_country = [zone for zone in time_zones() if country in zone.countries]
    if not of_country:
        return
    places = places_of(of_country)
    as_given = distance(places, latitude, longitude).min()
    others = {"swap the two numbers": (longitude, latitude)} if abs(longitude) <= 90 else {}
    others |= {
        f"did you mean --longitude {-longitude:g}?": (latitude, -longitude),
        f"did you mean --latitude {-latitude:g}?": (-latitude, longitude),
    }
    advice = min(others, key=lambda meant: distance(places, *others[meant]).min())
    if as_given > FAR > distance(places, *others[advice]).min():
        raise ProjectError(
            f"--latitude {latitude:g} --longitude {longitude:g} lies {as_given * EARTH_RADIUS:,.0f} km from where "
            f"{country} is: {advice}"
        )


def places_of(zones: list[TimeZone]) -> np.ndarray:
    """Latitude and longitude of the zones' principal places, in degrees [zones, 2]."""
    return np.array([[degrees(part) for part in re.findall(r"[+-]\d+", zone.principal_place)] for zone in zones])


def degrees(written: str) -> float:
    """Of +4852 or -0740023: degrees of two or three digits, minutes and perhaps seconds (ISO 6709)."""
    sign = -1 if written[0] == "-" else 1
    digits = written[1:]
    width = 2 if len(digits) in (4, 6) else 3
    seconds = int(digits[width + 2 :] or 0)
    return sign * (int(digits[:width]) + int(digits[width : width + 2]) / 60 + seconds / 3600)


def distance(places: np.ndarray, latitude: float, longitude: float) -> np.ndarray:
    """The angle between each of the places [rows, 2] and this one, in radians [rows]."""
    theirs, mine = np.radians(places), np.radians([latitude, longitude])
    cosine = np.sin(theirs[:, 0]) * np.sin(mine[0])
    cosine += np.cos(theirs[:, 0]) * np.cos(mine[0]) * np.cos(theirs[:, 1] - mine[1])
    angle: np.ndarray = np.arccos(np.clip(cosine, -1, 1))
    return angle
