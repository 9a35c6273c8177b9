"""The best settings that a limited time finds: random search with successive halving, judged part by part.

A trial of some settings on one part of the data gives a loss. Settings are drawn ROUND at a time and tried on one
part; the best third goes on to three times as many, until one is left that was tried on all PARTS (Jamieson and
Talwalkar, "Non-stochastic Best Arm Identification and Hyperparameter Optimization", 2016). The default settings are
tried on all parts before anything else. Only a difference larger than its noise counts against them, see `choose`.
"""

import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from statistics import fmean, median, stdev
from typing import Any

Values = dict[str, Any]  # settings by name
PARTS = 9  # of the data that settings are tried on
FEWER = 3  # of so many settings one goes on, to so many times the parts
ROUND = 9  # settings that are drawn at a time
MOST_ROUNDS = 100  # more would find what is best by chance


class OutOfTime(Exception):  # noqa: N818 - it is no error
    """Raised within a trial whose result nobody waits for."""


class Clock:
    """How long a search may take. Its trials call `check` now and then."""

    def __init__(self, seconds: float, now: Callable[[], float] = time.monotonic) -> None:
        self.now = now
        self.seconds = seconds
        self.started = now()
        self.stopped = threading.Event()

    @property
    def elapsed(self) -> float:
        return self.now() - self.started

    def stop(self) -> None:
        """Let the time be over at once."""
        self.stopped.set()

    def check(self) -> None:
        """Raise OutOfTime once the time is over."""
        if self.stopped.is_set() or self.elapsed >= self.seconds:
            raise OutOfTime


@dataclass
class Trial:
    """Settings and their loss on each part that they were tried on, in the order of the parts."""

    number: int  # 0 for the default, then as they were drawn
    values: Values
    losses: list[float] = field(default_factory=list)

    @property
    def loss(self) -> float:
        """The mean over parts."""
        return fmean(self.losses)


class Search:
    """A search that goes on while it is iterated over, and gives each trial that was made on all parts.

    try_on(values, part): the loss on a part, 0 to PARTS - 1; it is called in several threads, and may raise OutOfTime.
    draw(): other values, whenever it is called. usual: the default settings; `default` is their trial, None where they
    are not allowed. on_try: is called after each part that was tried.
    """

    def __init__(
        self,
        try_on: Callable[[Values, int], float],
        draw: Callable[[], Values],
        usual: Values,
        clock: Clock,
        threads: int = 1,
        usual_is_allowed: bool = True,
        on_try: Callable[[], None] = lambda: None,
    ) -> None:
        self.on_try = on_try
        self.try_on = try_on
        self.draw = draw
        self.clock = clock
        self.threads = threads
        self.usual = usual
        self.default = Trial(0, usual) if usual_is_allowed else None
        self.finished: list[Trial] = []  # but for the default
        self.n_drawn = 0
        self.n_tries = 0  # of settings on a part

    def __iter__(self) -> Iterator[Trial]:
        """The default, and the best of each round, until the time is over. After Ctrl-C nothing more is tried."""
        try:
            with ThreadPoolExecutor(self.threads) as pool:
                if self.default is not None and self._extend(pool, [self.default], PARTS):
                    yield self.default
                for _ in range(MOST_ROUNDS):
                    best = self._round(pool)
                    if best is None:
                        return
                    self.finished.append(best)
                    yield best
        finally:
            self.clock.stop()

    def _round(self, pool: ThreadPoolExecutor) -> Trial | None:
        """The best of newly drawn settings; None once the time is over."""
        trials = []
        for _ in range(ROUND):
            self.n_drawn += 1
            trials.append(Trial(self.n_drawn, self.draw()))
        n_parts = 1
        while self._extend(pool, trials, n_parts):
            trials = sorted(trials, key=lambda trial: trial.loss)[: max(1, len(trials) // FEWER)]
            if n_parts == PARTS:
                return trials[0]
            n_parts = min(PARTS, n_parts * FEWER)
        return None

    def _extend(self, pool: ThreadPoolExecutor, trials: list[Trial], n_parts: int) -> bool:
        """Try each on the first parts, as many as are still missing; whether there was time for all of it."""
        missing = [(trial, part) for trial in trials for part in range(len(trial.losses), n_parts)]
        waiting = [pool.submit(self.try_on, trial.values, part) for trial, part in missing]
        try:
            for (trial, _), result in zip(missing, waiting, strict=True):
                trial.losses.append(result.result())
                self.n_tries += 1
                self.on_try()
        except BaseException as error:
            self.clock.stop()  # or what runs, and what waits, would be waited for
            for result in waiting:
                result.cancel()
            if isinstance(error, OutOfTime):
                return False
            raise
        return True

    def best(self) -> Trial | None:
        """The best settings so far; None where nothing was tried on a part."""
        return choose(self.default, self.finished, self.n_drawn)


def choose(default: Trial | None, others: Sequence[Trial], n_drawn: int) -> Trial | None:
    """Of others that are better than the default by more than noise, the one with the lowest loss; else the default.

    The noise of a difference is its standard error over the parts, here the median of all: one alone, of a few parts,
    may be small by chance. Of n differences that are noise alone, the largest is likely to be √(2 ln n) times as large
    as that; n is `n_drawn`, as others were drawn to find these. default: None where there is nothing to keep.
    """
    if default is None or not default.losses:
        return min(others, key=lambda trial: trial.loss, default=None)
    if not others:
        return default
    gains, noises = zip(*(gain_over(default, trial) for trial in others), strict=True)
    limit = max(1.0, math.sqrt(2 * math.log(n_drawn))) * median(noises)
    better = [trial for trial, gain in zip(others, gains, strict=True) if gain > limit]
    return min(better, key=lambda trial: trial.loss, default=default)


def gain_over(default: Trial, other: Trial) -> tuple[float, float]:
    """By how much the loss of the other one is lower on the parts that both have, and the standard error of that."""
    differences = [ours - theirs for ours, theirs in zip(default.losses, other.losses, strict=False)]
    if len(differences) < 2:
        return 0.0, math.inf
    return fmean(differences), stdev(differences) / math.sqrt(len(differences))
