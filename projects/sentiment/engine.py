"""Where functions of blocks run: here, in the threads of this process; in `dask_engine`, on the workers of a cluster.

An engine never changes what is computed. Results are added at most FAN_IN at a time, first by whoever computed
them and then in a tree, so that what arrives here is one sum, however many blocks and workers there are.
"""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any

FAN_IN = 4  # results that are added at a time: of n-grams, each is large
AHEAD = 2  # items that are given out for each slot


class Engine:
    """Runs functions in threads of this process; NumPy lets go of Python while it computes."""

    def __init__(self, threads: int | None = None) -> None:
        self.slots = threads or len(os.sched_getaffinity(0))

    def hand_out(self, value: Any) -> Any:
        """A handle of the value, to pass to `map` and `total`."""
        return value

    def map(self, function: Callable[..., Any], items: Iterable[Any], *shared: Any) -> Iterator[Any]:
        """function(item, *shared) of each item, in order; few results wait at a time."""
        if self.slots == 1:
            yield from (function(item, *shared) for item in items)
            return
        left = iter(items)
        with ThreadPoolExecutor(self.slots) as pool:
            first = islice(left, AHEAD * self.slots)
            waiting = deque(pool.submit(function, item, *shared) for item in first)
            while waiting:
                yield waiting.popleft().result()
                waiting.extend(pool.submit(function, item, *shared) for item in islice(left, 1))

    def total(
        self,
        function: Callable[..., Any],
        add: Callable[[list[Any]], Any],
        items: Sequence[Any],
        *shared: Any,
    ) -> Any:
        """The sum of function(item, *shared) over the items, of which there is at least one."""
        groups = partition(items, self.slots)  # as few as there are threads: each sum may be large
        sums = list(self.map(sum_of_group, groups, function, add, *shared))
        while len(sums) > 1:
            sums = [add(sums[i : i + FAN_IN]) for i in range(0, len(sums), FAN_IN)]
        return sums[0]


def partition(items: Sequence[Any], n: int) -> list[list[Any]]:
    """The items in n lists, or fewer, of about the same length; none is empty."""
    return [list(items[i::n]) for i in range(min(n, len(items)))]


def sum_of_group(group: list[Any], function: Callable[..., Any], add: Callable[[list[Any]], Any], *shared: Any) -> Any:
    """The sum over one group, of which at most FAN_IN results are in memory."""
    waiting: list[Any] = []
    for item in group:
        waiting.append(function(item, *shared))
        if len(waiting) == FAN_IN:
            waiting = [add(waiting)]
    return add(waiting)
