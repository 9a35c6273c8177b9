"""The functions of blocks on the workers of a Dask cluster. Nothing else knows Dask."""

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from itertools import cycle, islice
from typing import Any

from projects.common.errors import ProjectError
from projects.sentiment.engine import AHEAD, FAN_IN, Engine, partition, sum_of_group

try:
    import dask
    from distributed import CancelledError, Client, KilledWorker, LocalCluster, wait
    from distributed.comm.core import CommClosedError
except ImportError as error:
    raise ProjectError("--engine dask needs the extra `dask`: .venv/bin/pip install -e '.[dask]'") from error

HERE = "127.0.0.1"  # where what this program starts can be reached: from this machine alone
GROUPS = 4  # of items for each slot that are added up apart: nobody waits long for the slowest worker
TIMEOUT = 10  # seconds to wait for a scheduler


def same(value: Any) -> Any:
    return value


class DaskEngine(Engine):
    """Runs functions on a client's workers. What a worker that dies was at is given to another one."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.workers = [address for address, threads in client.nthreads().items() for _ in range(threads)]
        self.slots = len(self.workers)

    def hand_out(self, value: Any) -> Any:
        """The value as the result of a task, not scattered: the scheduler can bring it back if its holders die."""
        return self.client.submit(same, value, pure=False)

    def map(self, function: Callable[..., Any], items: Iterable[Any], *shared: Any) -> Iterator[Any]:
        """function(item, *shared) of each item, in order; few results are held at a time."""
        submitted = self.submit(function, items, *shared)
        waiting = deque(islice(submitted, AHEAD * self.slots))
        with dask_errors(function, waiting):
            while waiting:
                yield waiting.popleft().result()
                waiting.extend(islice(submitted, 1))

    def total(
        self,
        function: Callable[..., Any],
        add: Callable[[list[Any]], Any],
        items: Sequence[Any],
        *shared: Any,
    ) -> Any:
        """The sum of function(item, *shared), added up by the workers: one result comes back, however many they are."""
        groups = partition(items, GROUPS * self.slots)
        sums = list(self.submit(sum_of_group, groups, function, add, *shared))
        with dask_errors(function, sums):
            while len(sums) > 1:
                parts = [sums[i : i + FAN_IN] for i in range(0, len(sums), FAN_IN)]
                sums = [self.client.submit(add, part, pure=False) for part in parts]
            return sums[0].result()

    def submit(self, function: Callable[..., Any], items: Iterable[Any], *shared: Any) -> Iterator[Any]:
        """A task for each item. The workers take turns; left alone, the scheduler would give nearly all to the one
        that holds what is shared."""
        for item, worker in zip(items, cycle(self.workers), strict=False):
            yield self.client.submit(function, item, *shared, pure=False, workers=worker, allow_other_workers=True)


@contextmanager
def dask_errors(function: Callable[..., Any], waiting: Iterable[Any]) -> Iterator[None]:
    """Errors of the cluster as ProjectError; after any error, what still runs is waited for: its folder is to go."""
    try:
        yield
    except KilledWorker as error:
        raise ProjectError(f"{function.__name__} ended several workers, perhaps for want of memory") from error
    except (CancelledError, CommClosedError) as error:
        raise ProjectError("the Dask scheduler has gone: start it again, and this command") from error
    finally:
        with suppress(CancelledError, CommClosedError):
            wait(list(waiting))


@contextmanager
def connect(scheduler: str | None = None) -> Iterator[DaskEngine]:
    """An engine on the cluster at this address, or on processes of this machine, one a core."""
    dask.config.set({"distributed.admin.large-graph-warning-threshold": "1GB"})  # a vocabulary is large
    logging.getLogger("distributed").setLevel(logging.ERROR)
    if scheduler and scheduler.startswith("tls://") and not has_tls_settings():
        raise ProjectError(
            f"{scheduler} needs TLS settings: set distributed.comm.tls.ca-file and, under "
            "distributed.comm.tls.client, cert and key in Dask's configuration, or the environment "
            "variables DASK_DISTRIBUTED__COMM__TLS__CA_FILE, …__CLIENT__CERT and …__CLIENT__KEY"
        )
    try:
        client = Client(scheduler, timeout=TIMEOUT) if scheduler else Client(local_cluster())
    except (OSError, RuntimeError, ValueError) as error:
        if scheduler is None:
            raise ProjectError(f"Dask can start no workers here: {error}") from error
        raise ProjectError(f"no Dask scheduler answers at {scheduler}: start one with `dask scheduler`") from error
    with client:
        if not client.nthreads():
            raise ProjectError(f"the Dask scheduler at {scheduler} has no workers: start some with `dask worker`")
        try:
            # a task that a worker can't load would wait forever
            client.run(import_module, "projects.sentiment.training")
        except ImportError as error:
            raise ProjectError(f"a Dask worker lacks this program ({error}): install it there, too") from error
        try:
            yield DaskEngine(client)
        finally:
            if client.cluster is not None:
                client.cluster.close()


def has_tls_settings() -> bool:
    """Whether Dask's configuration says what a connection by TLS needs."""
    needed = "ca-file", "client.cert", "client.key"
    return all(dask.config.get(f"distributed.comm.tls.{name}", None) for name in needed)


def local_cluster(workers: int | None = None) -> LocalCluster:
    """Processes of one thread each."""
    options = {"threads_per_worker": 1, "silence_logs": logging.ERROR}
    here = {"host": HERE, "dashboard_address": f"{HERE}:0", "worker_dashboard_address": f"{HERE}:0"}
    # so set, workers give memory back as soon as it is free: each large array needs new pages, at half NumPy's speed
    dask.config.get("distributed.nanny.pre-spawn-environ").pop("MALLOC_TRIM_THRESHOLD_", None)
    return LocalCluster(n_workers=workers or dask.system.CPU_COUNT, processes=True, **options, **here)
