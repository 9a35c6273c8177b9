"""How sure answers should be, and what is sure of a share that was counted."""

import math

NORMAL_95 = 1.959964  # standard deviations around the mean of a normal distribution that hold 95 % of it
GOOD = 0.95  # share of the answers that should be right, or of those that are not called unsure
FEWEST_SURE = 20  # answers that must be left when the others are called unsure


def wilson_interval(n_right: int, n: int) -> tuple[float, float]:
    """The shares between which the true one lies in 95 of 100 samples, where n_right of n were right.

    The bounds are the shares from which this sample is NORMAL_95 standard deviations away: Wilson, “Probable
    Inference, the Law of Succession, and Statistical Inference”, 1927.
    """
    share = n_right / n
    z2 = NORMAL_95**2
    centre = share + z2 / (2 * n)
    reach = NORMAL_95 * math.sqrt(share * (1 - share) / n + z2 / (4 * n**2))
    scale = 1 + z2 / n
    return max(0.0, (centre - reach) / scale), min(1.0, (centre + reach) / scale)
