"""The passes of `streaming` on the workers of a Dask cluster. Nothing else knows Dask."""

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from itertools import cycle, islice
from typing import Any

from projects.common.errors import ProjectError
from projects.sentiment.shards import Engine

try:
    import dask
    from distributed import CancelledError, Client, KilledWorker, LocalCluster, wait
    from distributed.comm import CommClosedError
except ImportError as error:
    raise ProjectError("--engine dask needs the extra `dask`: pip install 'two-layer[dask]'") from error

HERE = "127.0.0.1"  # where what this program starts can be reached: from this machine alone
TIMEOUT = 10  # seconds to wait for a scheduler
AHEAD = 2  # shards that are given out for each slot: a worker need not wait for the driver


def same(value: Any) -> Any:
    return value


class DaskEngine(Engine):
    """Runs the passes on a client's workers. The shards of a worker that dies are given to another one."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.workers = [address for address, threads in client.nthreads().items() for _ in range(threads)]
        self.slots = len(self.workers)

    def share(self, value: Any) -> Any:
        """The value as the result of a task, not scattered: the scheduler can bring it back if its holders die."""
        return self.client.submit(same, value, pure=False)

    def map(self, function: Callable[..., Any], shards: Iterable[Any], *shared: Any) -> Iterator[Any]:
        """function(shard, *shared) of each shard, in order; few results are held at a time.

        The workers take turns; left alone, the scheduler would give nearly all to the one that holds what is shared.
        """
        submitted = (
            self.client.submit(function, shard, *shared, pure=False, workers=worker, allow_other_workers=True)
            for shard, worker in zip(shards, cycle(self.workers), strict=False)
        )
        waiting = deque(islice(submitted, AHEAD * self.slots))
        try:
            while waiting:
                yield waiting.popleft().result()
                waiting.extend(islice(submitted, 1))
        except KilledWorker as error:
            raise ProjectError(f"{function.__name__} ended several workers, perhaps for want of memory") from error
        except (CancelledError, CommClosedError) as error:
            raise ProjectError("the Dask scheduler has gone: start it again, and this command") from error
        finally:
            with suppress(CancelledError, CommClosedError):
                wait(waiting)  # after an error: what still runs writes into a folder that is about to go


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
            client.run(import_module, "projects.sentiment.streaming")
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
