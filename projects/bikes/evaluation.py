"""How good a model is, beside simple baselines; and what its forecast follows."""

import math
from collections.abc import Collection
from typing import Any

import numpy as np
import pandas as pd

from projects.bikes.bands import LEVELS
from projects.bikes.calendar import is_holiday
from projects.bikes.data import Split, split
from projects.bikes.features import AROUND, temperature_columns
from projects.bikes.last_four_weeks import last_four_weeks
from projects.bikes.model import BikesModel
from projects.bikes.scenarios import WEATHER
from projects.bikes.scores import score, variance_of
from projects.bikes.weather import celsius, normalised
from projects.bikes.words import off_by
from projects.common.errors import ProjectError

FEWEST_TESTED = 24  # hours after those trained on, of a model that kept none for the test
EFFECT_STEP = 11  # hours from one to the next that effects are worked out for: in time every hour of a week comes up


def split_as_trained(model: BikesModel, hours: pd.DataFrame) -> Split:
    """The hours with those after the last one trained on as the test, and before them the validation of the training.

    Of a model that was interrupted, the same numbers of rows from the end as in its training. Raises ProjectError where
    the hours trained on are not there.
    """
    n_validation, n_test = (model.settings[name] for name in ("validation_rows", "test_rows"))
    if model.settings.get("unfinished"):
        return split(hours, n_validation // 24, n_test // 24)
    known = hours[hours.time <= pd.Timestamp(model.settings["last_hour"])]
    test = hours.iloc[len(known) :]
    if len(known) <= n_validation:
        raise ProjectError(
            f"these {len(hours):,} hours lack those that the model was trained on, up to "
            f"{model.settings['last_hour']}: give a table of both, as the baselines need them, too"
        )
    few = len(test) < FEWEST_TESTED and n_test == 0
    return Split(known.iloc[:-n_validation], known.iloc[-n_validation:], test.iloc[:0] if few else test)


def evaluate(model: BikesModel, hours: Split) -> dict[str, Any]:
    """Scores of the model and its baselines over validation and test; errors in bikes an hour.

    Those of the validation are the ones that training noted, of the networks that had not seen it. Scaled MSE is the
    MSE divided by the variance of cnt over all rows before the test period. Without test hours there is no `test`.
    """
    scores: dict[str, Any] = {
        "simulated": model.settings["simulated"] or bool(hours.train.attrs.get("simulated")),
        "validation": model.settings["validation"],
    }
    if len(hours.test) == 0:
        return scores | {"baselines": baselines(hours, ("validation",))}
    last = model.settings["last_hour"]
    if hours.test.time.iloc[0] <= pd.Timestamp(last):
        raise ProjectError(f"the model was trained on hours up to {last}, later than where the test starts here")
    known, actual = pd.concat([hours.train, hours.validation]), hours.test.cnt.to_numpy(float)
    forecast = model.forecast(hours.test, known.tail(AROUND))
    test = score(actual, forecast.prediction.to_numpy(), variance_of(known))
    for level in LEVELS:
        inside = (forecast[f"low_{level}"] <= actual) & (actual <= forecast[f"high_{level}"])
        test[f"coverage_{level}"] = float(np.mean(inside))
    return scores | {"test": test, "baselines": baselines(hours, ("validation", "test"))}


def effects(model: BikesModel, hours: pd.DataFrame) -> pd.DataFrame:
    """Mean forecast when one input of many hours is changed: columns `input`, `kind` (of day), `value` and `bikes`.

    Partial dependence (Friedman, "Greedy Function Approximation", 2001, section 8.2), over every EFFECT_STEP-th hour.

    - temperature, in °C, from the 1st to the 99th percentile of the hours, where the model knows it. All else stays as
      it was, the hour's difference from the day before too: the whole day is taken to have been colder or warmer.
    - hour of the day, over the days of each kind. The date, the weather now and before, and the temperature stay.
    """
    rows = temperature_effect(model, hours) if "temperature" in model.settings["groups"] else []
    holiday = is_holiday(hours)
    kind = np.where(hours.workingday, "working day", "Sunday or holiday")
    kind[(hours.time.dt.day_of_week == 5) & ~holiday] = "Saturday"
    for hour in range(24):
        bikes = model.bikes(model.features(hours.assign(hr=hour))[::EFFECT_STEP])
        means = pd.Series(bikes).groupby(kind[::EFFECT_STEP]).mean()
        rows += [("hour", name, hour, mean) for name, mean in means.items()]
    return pd.DataFrame(rows, columns=["input", "kind", "value", "bikes"])


def temperature_effect(model: BikesModel, hours: pd.DataFrame) -> list[tuple[str, str, int, float]]:
    """The rows of `effects` for each °C."""
    features = model.features(hours)[::EFFECT_STEP]
    rows = []
    coldest, hottest = celsius(hours.temp.quantile([0.01, 0.99]))
    for degrees in range(math.ceil(coldest), math.floor(hottest) + 1):
        temp = normalised(degrees, 0, 0)["temp"]
        bikes = model.bikes(features.assign(**temperature_columns(temp)))
        rows.append(("temperature", "", degrees, float(bikes.mean())))
    return rows


def baselines(hours: Split, periods: tuple[str, ...]) -> dict[str, Any]:
    """Scores of the mean so far, and of the last four weeks, over the periods."""
    known = pd.concat([hours.train, hours.validation])
    found: dict[str, Any] = {"mean": {}, "last_four_weeks": {}}
    for period in periods:
        past, now = {"validation": (hours.train, hours.validation), "test": (known, hours.test)}[period]
        actual, variance = now.cnt.to_numpy(float), variance_of(known)
        found["mean"][period] = score(actual, np.full(len(now), past.cnt.mean()), variance)
        found["last_four_weeks"][period] = score(actual, last_four_weeks(past, now), variance)
    return found


def in_a_sentence(scores: dict[str, Any], period: str, hours: pd.DataFrame) -> str:
    """How far off the forecast was over the hours of the period, validation or test, for people.

    Only the bands of the test are told of: those of the validation are as wide as that they hold there.
    """
    network, weeks = scores[period], scores["baselines"]["last_four_weeks"][period]
    days = f"the {len(hours) / 24:.0f} {period} days"
    error = off_by(network["mae"], hours.cnt.mean(), weeks["mae"], network.get("coverage_80"))
    return f"over {days} the forecast is {error}"


def given_weather(columns: Collection[str]) -> str:
    """Ends a sentence on errors: what a forecast of past days knew that one of days to come does not.

    columns: of the hours, that it was made from.
    """
    if not WEATHER.keys() & set(columns):
        return ""
    return " (given the weather as it was: with a forecast of the weather, or none, it is further off)"
