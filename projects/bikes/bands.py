"""How far off a forecast may be: bands that should hold 80 and 95 of 100 hours.

A band reaches as far to each side of the forecast, on the scale of square roots, as it must to hold its share of the
validation hours, which the networks that forecast them had not seen: split conformal prediction with a scale for each
kind of hour (Lei et al., "Distribution-Free Predictive Inference for Regression", 2018, sections 2.2 and 5.2).

SPECIAL, GROWTH and both shrinkages were chosen by the interval score and the coverage of forecasts from every week
of September 2011 to February 2012.
"""

import math
from typing import Any

import numpy as np
import pandas as pd

from projects.bikes.features import WET

LEVELS = (80, 95)  # % of the hours that a band is to hold
STARTS = (0, 6, 10, 16, 20)  # first hours of the parts of the day: night, morning, midday, evening, late evening
KINDS = 2 * len(STARTS)  # of hours: each part of a working day and of a free day
SHRINKAGE = 100  # hours that the mean scale counts as much as, for a kind of hour of which few were seen
WET_SHRINKAGE = 10  # wet hours that a factor of 1 counts as much as
SPECIAL = 2.0  # by how much errors are larger on holidays and around them; a validation has too few to tell
GROWTH = 0.5  # by how much more of itself a band is wider a year after the hours trained on


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


def known_factor(special: np.ndarray, days_ahead: np.ndarray) -> np.ndarray:
    """The factor by which errors are larger on special days and so many days from the last hour trained on [rows]."""
    factor: np.ndarray = np.where(special, SPECIAL, 1.0) * growth(days_ahead)
    return factor


def growth(days_ahead: np.ndarray) -> np.ndarray:
    """The factor by which errors are larger so many days from the last hour trained on [rows]; 1 within them."""
    factor: np.ndarray = 1 + GROWTH * np.maximum(days_ahead, 0) / 365
    return factor


def fit_bands(
    hours: pd.DataFrame,
    working: pd.Series,
    special: np.ndarray,
    predicted: np.ndarray,
    days_ahead: np.ndarray,
) -> dict[str, Any]:
    """The scale of each kind of hour, the factor of wet hours, and the width of each level in these scales.

    hours: those of the validation, with their counts; special: whether each is on a special day; predicted: their
    forecasts, so many days ahead; each [rows].
    """
    error = root_error(hours.cnt.to_numpy(float), predicted) / known_factor(special, days_ahead)
    kind, wet = kind_of_hour(hours, working), is_wet(hours)
    mean = max(float(error.mean()), 1e-9)
    scales = [shrunk_mean(error[kind == number], mean, SHRINKAGE) for number in range(KINDS)]
    relative = error / np.take(scales, kind)
    wet_factor = shrunk_mean(relative[wet], 1.0, WET_SHRINKAGE)
    widths = widths_of(relative / np.where(wet, wet_factor, 1.0))
    return {"scales": scales, "wet_factor": wet_factor, "widths": widths}


def fit_day_widths(
    hours: pd.DataFrame, special: np.ndarray, predicted: np.ndarray, days_ahead: np.ndarray
) -> dict[str, float]:
    """How far the sums of whole days lie from their forecasts, on the scale of square roots, for each level.

    The arguments are those of `fit_bands`.
    """
    table = pd.DataFrame(
        {
            "actual": hours.cnt.to_numpy(float),
            "predicted": predicted,
            "special": special,
            "ahead": days_ahead,
        }
    )
    days = table.groupby(hours.time.dt.normalize().to_numpy()).agg(
        {"actual": "sum", "predicted": "sum", "special": "max", "ahead": "min"}
    )
    error = root_error(days.actual.to_numpy(), days.predicted.to_numpy())
    return widths_of(error / known_factor(days.special.to_numpy(), days.ahead.to_numpy()))


def widths_of(errors: np.ndarray) -> dict[str, float]:
    """For each level the error that so many are not larger than, by the rank of split conformal prediction."""
    ordered = np.sort(errors)
    ranks = {level: math.ceil((len(ordered) + 1) * level / 100) for level in LEVELS}
    return {str(level): float(ordered[min(rank, len(ordered)) - 1]) for level, rank in ranks.items()}


def shrunk_mean(values: np.ndarray, towards: float, rows: int) -> float:
    """The mean of the values and of so many more that are `towards`."""
    return float((values.sum() + rows * towards) / (len(values) + rows))


def band_bounds(
    bands: dict[str, Any],
    hours: pd.DataFrame,
    working: pd.Series,
    special: np.ndarray,
    predicted: np.ndarray,
    days_ahead: np.ndarray,
) -> dict[str, np.ndarray]:
    """Bounds low_80, high_80, low_95 and high_95, in bikes; the arguments are those of `fit_bands` [rows]."""
    wet_factor = np.where(is_wet(hours), bands["wet_factor"], 1.0)
    scale = np.take(bands["scales"], kind_of_hour(hours, working)) * wet_factor * known_factor(special, days_ahead)
    root = np.sqrt(predicted)
    bounds = {}
    for level in LEVELS:
        width = bands["widths"][str(level)] * scale
        bounds[f"low_{level}"] = np.maximum(root - width, 0) ** 2
        bounds[f"high_{level}"] = (root + width) ** 2
    return bounds
