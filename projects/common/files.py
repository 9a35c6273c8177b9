"""Reading and writing whole files so that a failure never leaves half of one."""

import hashlib
import os
from pathlib import Path

from projects.common.errors import ProjectError


def write_atomically(path: Path, content: bytes) -> None:
    """Write `content` to a temporary file beside `path`, flush it to disk, and rename it into place.

    Whatever happens, `path` holds either all of the old content or all of the new. Raises ProjectError.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with open(temporary, "xb") as file:  # "x": never through somebody else's link
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise cannot_write(path, error) from error


def cannot_write(path: Path, error: OSError) -> ProjectError:
    """The error that names the folder and the options that change it."""
    reason = error.strerror or error
    return ProjectError(f"cannot write {path}: {reason}; choose another folder with --run or --data-dir")


def sha256(path: Path) -> str:
    """The file's SHA-256 in hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
