"""The baseline that every forecast is shown beside."""

import numpy as np
import pandas as pd


def last_four_weeks(past: pd.DataFrame, now: pd.DataFrame) -> np.ndarray:
    """The baseline: the mean of the same hour on the same kind of day over the 28 days before `now`."""
    recent = past[past.time >= now.time.min() - pd.Timedelta(days=28)]
    means = recent.groupby(["hr", "workingday"]).cnt.mean()
    keys = pd.MultiIndex.from_arrays([now.hr, now.workingday])
    forecast: np.ndarray = means.reindex(keys).fillna(past.cnt.mean()).to_numpy(float)
    return forecast
