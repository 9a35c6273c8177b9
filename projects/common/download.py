"""Fetching published data: verified, retried, and never half there."""

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from projects.common.errors import NoConnectionError, ProjectError, printable
from projects.common.files import cannot_write, sha256, write_atomically

PAUSES = (0.5, 1.0)  # seconds before each retry
TIMEOUT = (3.0, 4.0)  # seconds to connect, and between two pieces of the answer
PATIENCE = 6.0  # seconds after which nothing is tried again
ABANDONED = 600.0  # seconds without a new byte, after which what a killed download left is removed
ASIDE = ".download-"  # what the folder of an unfinished download is called


@dataclass(frozen=True)
class Published:
    """A published file: its address, SHA-256 and name."""

    pipeline: str
    url: str
    sha256: str
    name: str


def say(message: str) -> None:
    print(printable(message), file=sys.stderr, flush=True)


def fetch(published: Published, folder: Path, url: str | None = None, force: bool = False) -> Path:
    """The published file in `folder`, downloaded from its address or from `url` (a mirror) unless it is there.

    Raises NoConnectionError where the address can't be reached, ProjectError for every other failure.
    """
    path = folder / published.name
    if path.exists() and not force:
        if sha256(path) in (published.sha256, recorded_hash(path)):
            say(f"{path} is there and whole; nothing to download")
            return path
        say(f"{path} is not the file that was downloaded: fetching it again")
    url = url or published.url
    if sys.stderr.isatty():
        say(f"downloading {url}")
    started = time.monotonic()
    for pause in (*PAUSES, None):
        try:
            return retrieve(published, url, folder)
        except NoConnectionError:
            if pause is None or time.monotonic() - started > PATIENCE:
                raise
            time.sleep(pause)
    raise AssertionError("unreachable")


def retrieve(published: Published, url: str, folder: Path) -> Path:
    """One attempt: the file, verified, under its final name."""
    import pooch
    import requests

    by_hand = f"fetch it by hand and pass it with `{published.pipeline} download --from FILE`"
    pooch.get_logger().setLevel("ERROR")
    downloader = pooch.HTTPDownloader(progressbar=sys.stderr.isatty(), timeout=TIMEOUT)
    path = folder / published.name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        remove_abandoned(folder)
        with tempfile.TemporaryDirectory(prefix=ASIDE, dir=folder) as aside:
            fresh = pooch.retrieve(url, f"sha256:{published.sha256}", path.name, aside, downloader=downloader)
            os.replace(fresh, path)
        recorded_hash_file(path).unlink(missing_ok=True)
    except requests.HTTPError as error:
        status = error.response.status_code if error.response is not None else 0
        kind = NoConnectionError if status >= 500 else ProjectError
        raise kind(f"{url} answered with status {status}: {by_hand}") from error
    except requests.exceptions.InvalidURL as error:
        raise ProjectError(f"{url} is no address: {by_hand}") from error
    except requests.exceptions.ChunkedEncodingError as error:
        raise NoConnectionError(f"{url} broke off before its end ({error}): try again, or {by_hand}") from error
    except requests.RequestException as error:
        simulated = f"or make simulated data with `{published.pipeline} download --sample`"
        raise NoConnectionError(f"cannot reach {url}: {by_hand}, {simulated}") from error
    except ValueError as error:  # pooch: the hash differs, or the address makes no sense
        detail = " ".join(str(error).split())
        raise ProjectError(f"{url} did not give the published file: {detail}; {by_hand}") from error
    except OSError as error:
        raise cannot_write(path, error) from error
    return path


def remove_abandoned(folder: Path) -> None:
    """Remove what downloads that were killed left in `folder`; one that is going on writes all the time."""
    for aside in folder.glob(f"{ASIDE}*"):
        with suppress(OSError):
            if time.time() - max(path.stat().st_mtime for path in (aside, *aside.iterdir())) > ABANDONED:
                shutil.rmtree(aside)


def adopt(published: Published, file: Path, folder: Path, check: Callable[[Path], object]) -> Path:
    """Copy a local file into `folder` under the published name, after `check` has read it without an error."""
    if not file.is_file():
        raise ProjectError(f"no file at {file}: give --from the path of {published.name} or an address")
    check(file)
    path = folder / published.name
    write_atomically(path, file.read_bytes())
    digest = sha256(path)
    if digest == published.sha256:
        recorded_hash_file(path).unlink(missing_ok=True)
    else:
        write_atomically(recorded_hash_file(path), f"{digest}  {path.name}\n".encode())
        say(f"{file} can be read, but is not byte for byte the published file (SHA-256 {digest})")
    return path


def recorded_hash_file(path: Path) -> Path:
    return path.with_name(path.name + ".sha256")


def recorded_hash(path: Path) -> str | None:
    """The SHA-256 noted when a file other than the published one was adopted."""
    file = recorded_hash_file(path)
    return file.read_text(errors="replace")[:64] if file.is_file() else None
