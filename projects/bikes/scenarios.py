"""Weathers that hours to come may have, as it was in the same season, and the forecasts in them put together."""

import numpy as np
import pandas as pd

from projects.bikes.bands import LEVELS, Z
from projects.bikes.model import BikesModel
from projects.common.errors import ProjectError

SCENARIOS = 28  # stretches of past weather, from the days of the year nearest to the first one: two weeks around it
YEAR = 365.25  # days
WEATHER = {  # the columns of the weather, and what a table has them from: one or several of these
    "weathersit": ("weather", "rain", "snow"),
    "temp": ("temperature",),
    "hum": ("humidity",),
    "windspeed": ("wind",),
}


def weather_needed(model: BikesModel) -> list[str]:
    """The columns of the weather that the model's features are made of."""
    return [column for column in WEATHER if column in model.needed_columns]


def weather_scenarios(
    past: pd.DataFrame, times: pd.DatetimeIndex, needed: list[str], known: pd.DataFrame | None
) -> list[pd.DataFrame]:
    """Weathers that the hours to come may have: the known one, filled up from each of the usual ones where it lacks
    some [hours, needed].
    """
    if known is None:
        return usual_weather(past, times, needed)
    if known.notna().all(axis=None):
        return [known]
    return [known.fillna(usual) for usual in usual_weather(past, times, needed)]


def usual_weather(past: pd.DataFrame, times: pd.DatetimeIndex, needed: list[str]) -> list[pd.DataFrame]:
    """Weather as it was in the same season: stretches of the past, each as long as the hours to come [hours, needed].

    The forecast is averaged over them. One in the mean of their weather would be too high: it would never rain.
    """
    if not needed:
        return [pd.DataFrame(index=range(len(times)))]
    every_hour = pd.date_range(past.time.iloc[0], past.time.iloc[-1], freq="h")
    weather = past.drop_duplicates("time").set_index("time")[needed].reindex(every_hour).ffill()
    latest = len(weather) - len(times)
    starts = np.flatnonzero(every_hour.hour == times[0].hour)
    starts = starts[starts <= latest]
    if len(starts) == 0:
        raise ProjectError("the data are shorter than the forecast: lower --days, or give --weather")
    apart = abs(every_hour[starts].day_of_year - times[0].day_of_year).to_numpy()
    apart = np.minimum(apart, YEAR - apart)
    nearest = starts[np.argsort(apart, kind="stable")[:SCENARIOS]]
    return [weather.iloc[start : start + len(times)].reset_index(drop=True) for start in sorted(nearest)]


def put_together(forecasts: list[pd.DataFrame], times: pd.DatetimeIndex) -> pd.DataFrame:
    """The mean of forecasts in several weathers, its bands wider by how far the weathers spread it [hours]."""
    prediction = np.mean([forecast.prediction for forecast in forecasts], axis=0)
    spread = np.sqrt([forecast.prediction for forecast in forecasts]).std(axis=0)
    widths = {level: np.mean([half_width(forecast, level) for forecast in forecasts], axis=0) for level in LEVELS}
    return pd.DataFrame({"time": times, "prediction": prediction} | bounds(prediction, widths, spread))


def half_width(forecast: pd.DataFrame, level: int) -> np.ndarray:
    """How far a band reaches upwards, on the scale of square roots; downwards it may be cut at 0 [hours]."""
    reach: np.ndarray = np.sqrt(forecast[f"high_{level}"].to_numpy()) - np.sqrt(forecast.prediction.to_numpy())
    return reach


def bounds(prediction: np.ndarray, widths: dict[int, np.ndarray], spread: np.ndarray) -> dict[str, np.ndarray]:
    """Low and high of each level, from the model's own errors and from the spread that the weather makes.

    Both are on the scale of square roots and independent of each other: their squares add up.
    """
    limits = {}
    for level in LEVELS:
        width = np.sqrt(widths[level] ** 2 + (Z[level] * spread) ** 2)
        limits[f"low_{level}"] = np.maximum(np.sqrt(prediction) - width, 0) ** 2
        limits[f"high_{level}"] = (np.sqrt(prediction) + width) ** 2
    return limits


def typical_weather(scenarios: list[pd.DataFrame]) -> pd.DataFrame:
    """The mean of each number of the weather over the scenarios, and the kind of sky that most have [hours, needed]."""
    weather = sum(scenarios) / len(scenarios)
    if "weathersit" in weather:
        kinds = pd.concat([scenario.weathersit for scenario in scenarios], axis=1)
        weather["weathersit"] = kinds.mode(axis=1)[0]  # the drier one of two that are as frequent
    return weather
