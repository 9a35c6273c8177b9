"""Reading and writing whole files so that a failure never leaves half of one."""

import hashlib
import os
import stat
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path
from typing import IO

from projects.common.errors import ProjectError


def no_file(path: Path, advice: str) -> str:
    """What is said of a file that is not there: the name in its folder that is most like it, else the advice."""
    import difflib  # for an error alone: no command loads it to begin with

    try:
        names = [other.name for other in path.parent.iterdir() if other.is_file()]
    except OSError:
        names = []
    same_stem = [name for name in names if Path(name).stem == path.stem]
    nearest = same_stem or difflib.get_close_matches(path.name, names, 1)
    return f"no file at {path}: {f'did you mean {path.parent / nearest[0]}?' if nearest else advice}"


def write_atomically(path: Path, content: bytes) -> None:
    """Put `content` into the file at `path`, as `atomic_file` does."""
    with atomic_file(path) as file:
        file.write(content)


@contextmanager
def atomic_file(path: Path) -> Iterator[IO[bytes]]:
    """A temporary file beside `path` to write to, in the end flushed to disk and renamed into place.

    Whatever happens, `path` holds either all of the old content or all of the new. Raises ProjectError.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.unlink(missing_ok=True)  # of a process that was killed and had the same number
        remove_leftovers(path.parent, path.name)
        try:
            with open(temporary, "xb") as file:  # "x": never through somebody else's link
                if path.exists():
                    os.fchmod(file.fileno(), stat.S_IMODE(path.stat().st_mode))
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
            fsync_folder(path.parent)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise cannot_write(path, error) from error


def leftovers(path: Path) -> list[Path]:
    """What writers of `path` that were killed have left beside it."""
    return list(path.parent.glob(f".{escape(path.name)}.*.tmp"))


def remove_leftovers(folder: Path, name: str | None = None) -> None:
    """Remove what writers in this folder (of the file `name`, or of any) left when they were killed.

    What a process that is still alive is writing stays.
    """
    pattern = f".{escape(name)}.*.tmp" if name else ".*.tmp"
    for left in folder.glob(pattern):
        process = left.name.split(".")[-2]
        if process.isdigit() and not is_alive(int(process)):
            with suppress(OSError):
                left.unlink()


def is_alive(process: int) -> bool:
    """Whether there is a process of this number; signal 0 asks and does nothing."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def fsync_folder(folder: Path) -> None:
    """Put the names in a folder on the disk: without it a rename may be lost with the power."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def refuse_pipe(path: Path) -> None:
    """Raise ProjectError for a named pipe: to open it would wait for a writer, perhaps for ever.

    What a shell opens under /dev/fd has one.
    """
    with suppress(OSError):
        if stat.S_ISFIFO(path.stat().st_mode) and path.parts[:2] != ("/", "dev"):
            raise ProjectError(f"{path} is a pipe: write its content to a file, and name that")


def check_writable(folder: Path) -> None:
    """Raise ProjectError now, and not after minutes of work, where no file can be made in `folder` or to make it."""
    try:
        nearest = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
        with tempfile.TemporaryFile(dir=nearest) as file:
            file.write(bytes(4096))
            file.flush()
    except OSError as error:
        raise cannot_write(folder, error) from error


def cannot_write(path: Path, error: OSError) -> ProjectError:
    """The error that names the file or folder."""
    reason = error.strerror or error
    advice = "choose another folder with --run or --data-dir, of answers with --out"
    return ProjectError(f"cannot write {path}: {reason}; {advice}")


def fingerprint(parts: Iterable[bytes]) -> str:
    """SHA-256 over each part and its length, in hexadecimal digits."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(b"%d " % len(part))
        digest.update(part)
    return digest.hexdigest()


def sha256(path: Path) -> str:
    """The file's SHA-256 in hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
