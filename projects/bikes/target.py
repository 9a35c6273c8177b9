"""What the networks learn of an hour, on which scale, and the way back to riders."""

import numpy as np
import pandas as pd

POWER = 0.25  # of the counts: on the scale of their fourth roots busy and quiet hours err alike
KINDS = ["casual", "registered"]  # of riders, with different days: an output for each
TOTAL = ["cnt"]


def targets_of(hours: pd.DataFrame, log_counts: bool = False) -> list[str]:
    """What the networks forecast: each kind of riders where they are known, else all of them together.

    With logarithms both: the logarithm of a sum is not a sum of logarithms, and the forecast is the total's.
    """
    if not set(KINDS) <= set(hours):
        return TOTAL
    return TOTAL + KINDS if log_counts else KINDS


def transform_counts(hours: pd.DataFrame, log_counts: bool = False) -> pd.DataFrame:
    """Fourth roots of the targets, or log(1 + count): 0 for a count of 0, either way [rows, n_targets]."""
    counts = hours[targets_of(hours, log_counts)]
    return np.log1p(counts) if log_counts else counts**POWER


def to_counts(outputs: np.ndarray, log_counts: bool = False) -> np.ndarray:
    """The counts of which these are roots or logarithms [rows, n_targets]."""
    counts: np.ndarray = np.expm1(outputs) if log_counts else outputs ** (1 / POWER)
    return counts


def smearing_of(hours: pd.DataFrame, fitted: np.ndarray, log_counts: bool = False) -> np.ndarray:
    """The factors of the targets, by which their sum, the bikes, is as large over the hours as it was [n_targets].

    fitted: the targets as the networks fit them, in riders [rows, n_targets]. A mean of roots, raised again, is too
    low for the mean of what it is the root of: see Duan, "Smearing Estimate: A Nonparametric Retransformation Method",
    1983. Kinds of riders that are in the total already have the factor 0.
    """
    targets = targets_of(hours, log_counts)
    sums = fitted.sum(axis=0)
    factors: np.ndarray = hours[targets].sum().to_numpy() / np.where(sums > 0, sums, 1.0)
    counted_twice = [name in KINDS and TOTAL[0] in targets for name in targets]
    return np.where(counted_twice, 0.0, factors)
