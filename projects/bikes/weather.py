"""Weather in people's units and words, as the numbers that the features are made of.

Temperature, humidity and wind are kept on the scales of the published data: 0 to 1 from -8 to 39 °C, from 0 to 100 %
and from 0 to 67 km/h; what is colder, hotter or windier lies outside. The sky has four kinds: clear, mist, light rain,
heavy rain.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

# The published data's own Readme says temp is °C / 41; the UCI page says (°C + 8) / 47. Only the second can be
# right: by the first, two winters of Washington would never have frozen (coldest hour +0.8 °C, mean 20.4 °C),
# by the second the coldest hour is -7.1 °C, the hottest 39 °C and the mean 15.4 °C.
COLDEST, WARMEST = -8.0, 39.0
WIND = 67.0  # km/h at windspeed 1
CLEAR, MIST, LIGHT_RAIN, HEAVY_RAIN = 1, 2, 3, 4
SKIES = ("clear", "mist", "light rain", "heavy rain")  # their names
HEAVY = 4.0  # mm an hour from which rain is heavy
MM_PER_INCH = 25.4


class Unit(NamedTuple):
    """The values that are believed in a unit, and how they become the features' numbers."""

    lowest: float
    highest: float
    convert: Callable[[pd.Series], pd.Series]


TEMPERATURE = {
    "fraction": Unit(0, 1, lambda value: value),
    "°C": Unit(-60, 60, lambda value: (value - COLDEST) / (WARMEST - COLDEST)),
    "°F": Unit(-76, 140, lambda value: ((value - 32) / 1.8 - COLDEST) / (WARMEST - COLDEST)),
}
HUMIDITY = {
    "share": Unit(0, 1, lambda value: value),
    "%": Unit(0, 100, lambda value: value / 100),
}
WIND_SPEED = {
    "fraction": Unit(0, 1, lambda value: value),
    "km/h": Unit(0, 400, lambda value: value / WIND),
    "m/s": Unit(0, 110, lambda value: value * 3.6 / WIND),
    "mph": Unit(0, 250, lambda value: value * 1.609344 / WIND),
    "knots": Unit(0, 220, lambda value: value * 1.852 / WIND),
}
AMOUNT = {
    "mm": Unit(0, 500, lambda value: value),
    "cm": Unit(0, 1000, lambda value: value * 10),
    "inches": Unit(0, 40, lambda value: value * MM_PER_INCH),
}
WORDS = {  # the first that is part of a word or phrase says its kind
    HEAVY_RAIN: r"thunder|storm|heavy|hail|blizzard|torrential|gewitter|starkregen|hagel|orage|tormenta",
    LIGHT_RAIN: r"rain|drizzle|shower|snow|sleet|wet|precip|regen|schauer|schnee|niesel|lluvia|nieve|pluie|neige",
    CLEAR: r"clear|sunny|fair|few clouds|mostly sunny|klar|sonnig|heiter|despejado|soleado|dégagé|ensoleillé",
    MIST: r"mist|fog|haze|smoke|cloud|overcast|dull|nebel|wolk|bedeckt|nub|niebla|nuage|brume|couvert",
}
WMO_HEAVY = (65, 67, 75, 82, 86, 95, 96, 97, 98, 99)  # codes of the World Meteorological Organization, table 4677
WMO_WET_FROM = 50
WMO_CLEAR = (0, 1)


def normalised(temperature: float, humidity: float, wind: float) -> dict[str, float]:
    """°C, % and km/h as the features' numbers."""
    return {
        "temp": (temperature - COLDEST) / (WARMEST - COLDEST),
        "hum": humidity / 100,
        "windspeed": wind / WIND,
    }


def celsius(temp: Any) -> Any:
    """Degrees Celsius of the features' number `temp`; the inverse of `normalised`."""
    return COLDEST + temp * (WARMEST - COLDEST)


def in_unit(celsius: Any, unit: str) -> Any:
    """Degrees Celsius as a city counts them: in °F where its table does, else as they are."""
    return 1.8 * celsius + 32 if unit == "°F" else celsius


def sky_from_words(words: pd.Series) -> pd.Series:
    """The kind of sky that each of these words means; NaN for words that are not known [rows]."""
    lower = words.str.lower()
    sky = pd.Series(np.nan, words.index)
    for kind, pattern in WORDS.items():
        sky[sky.isna() & lower.str.contains(pattern)] = kind
    return sky


def sky_from_wmo(codes: pd.Series) -> pd.Series:
    """The kind of sky of codes from 0 to 99 [rows]."""
    sky = pd.Series(MIST, codes.index)
    sky[codes.isin(WMO_CLEAR)] = CLEAR
    sky[codes >= WMO_WET_FROM] = LIGHT_RAIN
    sky[codes.isin(WMO_HEAVY)] = HEAVY_RAIN
    return sky


def sky_from_amounts(rain: pd.Series | None, snow: pd.Series | None) -> pd.Series:
    """Wet where rain or snow fell, heavy where much rain did, else clear; amounts in mm [rows]."""
    amounts = [amount for amount in (rain, snow) if amount is not None]
    wet = pd.concat([amount > 0 for amount in amounts], axis=1).any(axis=1)
    sky = pd.Series(np.where(wet, LIGHT_RAIN, CLEAR), wet.index)
    if rain is not None:
        sky[rain > HEAVY] = HEAVY_RAIN
    return sky
