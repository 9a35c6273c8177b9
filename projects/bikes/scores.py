"""The figures that are reported for a forecast of hours."""

import numpy as np
import pandas as pd

from nn import metrics


def variance_of(hours: pd.DataFrame) -> float:
    """Of the hourly count; 1 for counts that never change."""
    return float(hours.cnt.var()) or 1.0


def score(actual: np.ndarray, predicted: np.ndarray, variance: float) -> dict[str, float]:
    """Every figure that is reported for a period."""
    scores = metrics.regression_scores(actual, predicted)
    return {"rows": len(actual), "scaled_mse": scores.pop("mse") / variance} | scores
