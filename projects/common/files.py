"""Reading and writing whole files so that a failure never leaves half of one."""

import hashlib
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from glob import escape
from pathlib import Path
from typing import IO

from projects.common.errors import ProjectError


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
        try:
            with open(temporary, "xb") as file:  # "x": never through somebody else's link
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise cannot_write(path, error) from error


def leftovers(path: Path) -> list[Path]:
    """What writers of `path` that were killed have left beside it."""
    return list(path.parent.glob(f".{escape(path.name)}.*.tmp"))


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
