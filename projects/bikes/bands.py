"""How far off a forecast may be: bands that should hold 80 and 95 of 100 hours.

A band reaches as far to each side of the forecast, on the scale of square roots of bikes (the networks learn fourth
roots, see `target`), as it must to hold its share of the validation hours, which the networks that forecast them had
not seen: split conformal prediction with a scale for each kind of hour (Lei et al., "Distribution-Free Predictive
Inference for Regression", 2018, sections 2.2 and 5.2).

Hours of a day err alike, so that a validation tells as much as it has days, not hours. Of few days the widths are as
uncertain as Student's quantiles say: with 60 days the 95 % band is 2 % wider for it, with 12 days 11 %.

SPECIAL, SHRINKAGE, the days that are special and that errors grow only after GROWS_AFTER were chosen by the interval
score and the coverage of forecasts from every week of September 2011 to February 2012; what is done with few days by
forecasts from stretches of 60 days of 2011, with and without weather.
"""

import math
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from projects.bikes.features import WET

LEVELS = (80, 95)  # % of the hours that a band is to hold
Z = {80: 1.2816, 95: 1.96}  # standard deviations to each side that hold so many of 100
STARTS = (0, 6, 10, 16, 20)  # first hours of the parts of the day: night, morning, midday, evening, late evening
KINDS = 2 * len(STARTS)  # of hours: each part of a working day and of a free day
SHRINKAGE = 100  # hours that what is known of a kind of hour counts as much as
SPECIAL = 2.0  # by how much errors are larger on special days, of which a validation has too few to tell
GROWS_AFTER = 60  # days ahead: the validation hours are forecast from as far away
FEWEST_BEYOND = 5  # errors that must be larger than a width for it to be known by their rank alone
GROWTH = 2.0  # by how much more of itself a band is wider a year later


class Forecasts(NamedTuple):
    """Forecasts of hours, and what their errors depend on."""

    hours: pd.DataFrame  # with their counts, where they are known
    bikes: np.ndarray  # that are forecast [rows]
    working: pd.Series  # how much of a working day each hour's day is
    special: np.ndarray  # how special the day of each hour is, from 0 to 1: see `City.unfamiliarity` [rows]
    days_away: np.ndarray  # by which each hour lies outside those trained on; below 0 inside [rows]


def root_error(actual: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Distance of the square roots of bikes: quiet and busy hours err by more alike amounts on this scale."""
    distance: np.ndarray = np.abs(np.sqrt(actual) - np.sqrt(predicted))
    return distance


def kind_of_hour(hours: pd.DataFrame, working: pd.Series) -> np.ndarray:
    """The part of the day, on free days counted on from those of working days [rows]."""
    part = np.searchsorted(STARTS, hours.hr, side="right") - 1
    kind: np.ndarray = part + len(STARTS) * (working < 0.5).to_numpy()
    return kind


def is_wet(hours: pd.DataFrame) -> np.ndarray:
    """Whether it rains or snows in each hour; no, where the weather is not known."""
    if "weathersit" not in hours:
        return np.zeros(len(hours), dtype=bool)
    wet: np.ndarray = (hours.weathersit >= WET).to_numpy()
    return wet


def known_factor(special: np.ndarray, days_away: np.ndarray) -> np.ndarray:
    """By how much errors are larger on special days (from 0 to 1) and far from the hours trained on [rows]."""
    growth = 1 + GROWTH * np.maximum(days_away - GROWS_AFTER, 0) / 365
    factor: np.ndarray = (1 + (SPECIAL - 1) * special) * growth
    return factor


def scale_of(bands: dict[str, Any], forecasts: Forecasts) -> np.ndarray:
    """How large the errors of these hours are beside each other [rows]."""
    kind = kind_of_hour(forecasts.hours, forecasts.working)
    wet_factor = np.where(is_wet(forecasts.hours), bands["wet_factor"], 1.0)
    factor = known_factor(forecasts.special, forecasts.days_away)
    scale: np.ndarray = np.take(bands["scales"], kind) * wet_factor * factor
    return scale


def fit_bands(fitted: Forecasts, validation: Forecasts) -> dict[str, Any]:
    """The scale of each kind of hour, the factor of wet hours, and the width of each level in these scales.

    The networks had seen the fitted hours, and not those of the validation. The errors of the fitted ones are too
    small, but tell kinds of hours apart that are rare in the validation.
    """
    bands: dict[str, Any] = {"scales": [1.0] * KINDS, "wet_factor": 1.0}
    for forecasts in (fitted, validation):
        error = root_error(forecasts.hours.cnt.to_numpy(float), forecasts.bikes)
        kind, wet = kind_of_hour(forecasts.hours, forecasts.working), is_wet(forecasts.hours)
        scaled = error / scale_of(bands, forecasts)
        relative = relative_to(scaled, scaled)
        corrections = [shrunk_mean(relative[kind == number]) for number in range(KINDS)]
        bands["scales"] = (np.array(bands["scales"]) * corrections).tolist()
        scaled = error / scale_of(bands, forecasts)
        bands["wet_factor"] *= shrunk_mean(relative_to(scaled[~wet], scaled[wet]))
    scaled = error / scale_of(bands, validation)
    return bands | {"widths": widths_of(scaled, days=len(scaled) / 24)}


def fit_day_widths(validation: Forecasts) -> dict[str, float]:
    """How far the sums of whole days lie from their forecasts, on the scale of square roots, for each level."""
    table = pd.DataFrame(
        {
            "actual": validation.hours.cnt.to_numpy(float),
            "predicted": validation.bikes,
            "special": validation.special,
            "away": validation.days_away,
        }
    )
    days = table.groupby(validation.hours.time.dt.normalize().to_numpy()).agg(
        {"actual": "sum", "predicted": "sum", "special": "max", "away": "min"}
    )
    error = root_error(days.actual.to_numpy(), days.predicted.to_numpy())
    scaled = error / known_factor(days.special.to_numpy(), days.away.to_numpy())
    return widths_of(scaled, days=len(scaled))


def widths_of(errors: np.ndarray, days: float) -> dict[str, float]:
    """For each level the error that so many are not larger than, by the rank of split conformal prediction.

    It is widened as Student's quantile with a degree of freedom for each of these days is beside the normal one. Where
    hardly an error is larger, it is at least that quantile of errors with this root mean square: the largest two of
    twelve errors tell little of how far apart 80 and 95 % are.
    """
    ordered = np.sort(errors)
    root_mean_square = math.sqrt(np.mean(ordered**2))
    widths = {}
    for level in LEVELS:
        student = float(stdtrit(days, 0.5 + level / 200))
        rank = min(math.ceil((len(ordered) + 1) * level / 100), len(ordered))
        width = ordered[rank - 1] * student / Z[level]
        if len(ordered) - rank < FEWEST_BEYOND:
            width = max(width, root_mean_square * student)
        widths[str(level)] = float(width)
    return widths


def relative_to(others: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """The errors, divided by the mean of others; by 1 where it is 0 or there are none [rows]."""
    mean = float(others.mean()) if len(others) else 0.0
    return errors / (mean or 1.0)


def shrunk_mean(relative: np.ndarray) -> float:
    """The mean of the relative errors and of SHRINKAGE more that are 1."""
    return float((relative.sum() + SHRINKAGE) / (len(relative) + SHRINKAGE))


def band_bounds(bands: dict[str, Any], forecasts: Forecasts) -> dict[str, np.ndarray]:
    """Bounds low_80, high_80, low_95 and high_95, in bikes [rows]."""
    scale = scale_of(bands, forecasts)
    root = np.sqrt(forecasts.bikes)
    bounds = {}
    for level in LEVELS:
        width = bands["widths"][str(level)] * scale
        bounds[f"low_{level}"] = np.maximum(root - width, 0) ** 2
        bounds[f"high_{level}"] = (root + width) ** 2
    return bounds
