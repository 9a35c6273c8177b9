"""The scale on which the networks learn the riders of an hour, and the way back to riders."""

import numpy as np

POWER = 0.25  # of the counts: on the scale of their fourth roots busy and quiet hours err alike


def to_target(counts: np.ndarray, log_counts: bool) -> np.ndarray:
    """Fourth roots of the counts, or log(1 + count): 0 for none, either way."""
    target: np.ndarray = np.log1p(counts) if log_counts else counts**POWER
    return target


def to_counts(target: np.ndarray, log_counts: bool) -> np.ndarray:
    """The counts of which this is the target."""
    counts: np.ndarray = np.expm1(target) if log_counts else target ** (1 / POWER)
    return counts
