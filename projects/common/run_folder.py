"""What lies in a run folder, and who may write it: one training at a time."""

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from projects.common.errors import ProjectError
from projects.common.files import cannot_write, fingerprint, is_alive, remove_leftovers, sha256

MODEL = "model.safetensors"
METRICS = "metrics.json"
REPORT = "report.html"
LOCK = ".lock"
WORKING = ".working-"  # with the number of a process: the folder of what it needs no longer when it ends
UNFINISHED = "unfinished"  # folder, in that of the run, for the model of an interrupted training


def tidy(run: Path) -> None:
    """Remove what killed commands left in the folder of a run."""
    for folder in (run, run / UNFINISHED):
        if folder.is_dir():
            remove_leftovers(folder)
    for folder in run.glob(f"{WORKING}*"):
        process = folder.name.removeprefix(WORKING).partition("-")[0]
        if process.isdigit() and not is_alive(int(process)):
            shutil.rmtree(folder, ignore_errors=True)


def fingerprint_of(run: Path, names: Iterable[str]) -> str:
    """A fingerprint of the files of these names in the folder of a run, by which it is seen that one has changed."""
    paths = [run / name for name in names]
    return fingerprint(sha256(path).encode() if path.exists() else b"" for path in paths)


@contextmanager
def working_folder(run: Path | None) -> Iterator[Path]:
    """A folder within `run` (None: where the system has such) that is gone afterwards.

    What a process that is killed leaves there goes with the next command, see `tidy`. Raises ProjectError.
    """
    try:
        if run is not None:
            run.mkdir(parents=True, exist_ok=True)
            tidy(run)
            run = run.resolve()
        folder = tempfile.TemporaryDirectory(prefix=f"{WORKING}{os.getpid()}-", dir=run, ignore_cleanup_errors=True)
    except OSError as error:
        raise cannot_write(run or Path(tempfile.gettempdir()), error) from error
    with folder as path:
        yield Path(path)


@contextmanager
def lock(run: Path) -> Iterator[None]:
    """Hold the run folder: another training there is refused, until this one ends or its process dies.

    The kernel forgets the lock with the process, whatever ends it. Raises ProjectError naming the
    process that holds it.
    """

    missing = [folder for folder in (run, *run.parents) if not folder.exists()]
    try:
        run.mkdir(parents=True, exist_ok=True)
        file = locked_file(run / LOCK)
    except OSError as error:
        raise cannot_write(run, error) from error
    with file:
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        try:
            yield
        finally:
            (run / LOCK).unlink(missing_ok=True)
            with suppress(OSError):  # raised where there is something in it, as there should be
                for folder in missing:
                    folder.rmdir()


def locked_file(path: Path) -> IO[str]:
    """The lock file at this path, made if need be, once it is ours. Raises ProjectError if it is not."""
    import fcntl  # of Unix alone, as are the commands

    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
        file = os.fdopen(descriptor, "r+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = file.read().strip() or "of unknown number"
            file.close()
            raise ProjectError(
                f"process {holder} is training in {path.parent}: wait for it, or name another folder with --run"
            ) from error
        if is_still_there(path, descriptor):
            return file
        file.close()  # it was removed by the process that had it, after it was opened here


def is_still_there(path: Path, descriptor: int) -> bool:
    """Whether the path still names the file that was opened."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
