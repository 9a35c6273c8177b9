"""What settings must be: a clear ValueError for the first that is not.

Settings are checked by type first, then by range. A `Constraint` is what a setting must be, in
words, and a function that tells whether a value is that.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

import numpy as np


class Constraint(NamedTuple):
    """What a setting must be."""

    words: str  # completes “… must be”
    holds: Callable[[Any], bool]


def is_number(value: Any) -> bool:
    """Whether this is a real number of Python or NumPy; True and False are none."""
    is_truth = isinstance(value, bool | np.bool_)
    return isinstance(value, int | float | np.integer | np.floating) and not is_truth


def is_whole_number(value: Any) -> bool:
    """Whether this is an integer of Python or NumPy, of any width."""
    return is_number(value) and isinstance(value, int | np.integer)


def whole_number(least: int) -> Constraint:
    """An integer from `least` on."""
    return Constraint(
        f"a whole number from {least}",
        lambda value: is_whole_number(value) and value >= least,
    )


def real_number(
    least: float = -np.inf, *, above: float | None = None, below: float = np.inf
) -> Constraint:
    """A finite number from `least` or, where that is given, above `above`, to below `below`."""
    limits = [] if above is None else [f"above {above}"]
    if least > -np.inf:
        limits.append(f"from {least}")
    if below < np.inf:
        limits.append(f"to below {below}")

    def holds(value: Any) -> bool:
        if not is_number(value):
            return False
        high_enough = value >= least if above is None else value > above
        return bool(high_enough and value < below and np.isfinite(value))

    return Constraint(" ".join(["a number", *limits]), holds)


def one_of(names: Collection[str]) -> Constraint:
    """One of these strings, also of those that are there later."""
    words = f"one of {', '.join(names)}"
    return Constraint(words, lambda value: isinstance(value, str) and value in names)


def optional(constraint: Constraint) -> Constraint:
    """None, or what the constraint asks for."""
    return Constraint(
        f"{constraint.words}, or None",
        lambda value: value is None or constraint.holds(value),
    )


true_or_false = Constraint("True or False", lambda value: isinstance(value, bool | np.bool_))
seed = Constraint(
    "a whole number from 0, a numpy.random.Generator or None",
    lambda value: (
        value is None
        or isinstance(value, np.random.Generator)
        or (is_whole_number(value) and value >= 0)
    ),
)


def check_settings(settings: Mapping[str, Any], constraints: Mapping[str, Constraint]) -> None:
    """Raise ValueError for the first setting that breaks its constraint."""
    for name, (words, holds) in constraints.items():
        require(holds(settings[name]), f"{name} must be {words}, not {settings[name]!r}")


def require(holds: Any, message: str) -> None:
    """Raise ValueError(message) unless it holds."""
    if not holds:
        raise ValueError(message)
