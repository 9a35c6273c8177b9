"""Fetching published data: verified, retried, and never half there."""

import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from projects.common.errors import FailingServerError, NoConnectionError, ProjectError
from projects.common.files import cannot_write, sha256, write_atomically
from projects.common.terminal import tell

PAUSES = (0.5, 1.0)  # seconds before each retry
TIMEOUT = (3.0, 4.0)  # seconds to connect, and to wait for any byte of the answer
WINDOW = 5.0  # seconds in which at least one piece must come, from the first request on
PIECE = 1 << 12  # bytes: with WINDOW, a rate that any telephone line has
PATIENCE = 6.0  # seconds after which nothing is tried again
MOST_REDIRECTS = 5
ABANDONED = 600.0  # seconds without a new byte, after which what a killed download left is removed
ASIDE = ".download-"  # what the folder of an unfinished download is called


@dataclass(frozen=True)
class Published:
    """A published file: its address, SHA-256, name and size in bytes."""

    pipeline: str
    url: str
    sha256: str
    name: str
    size: int


def fetch(published: Published, folder: Path, url: str | None = None, force: bool = False) -> Path:
    """The published file in `folder`, downloaded from its address or from `url` (a mirror) unless it is there.

    Raises NoConnectionError where the address can't be reached, FailingServerError where a server answers badly, and
    ProjectError for every other failure.
    """
    path = folder / published.name
    if path.exists() and not force:
        if sha256(path) in (published.sha256, recorded_hash(path)):
            tell(f"{path} is there and whole; nothing to download")
            return path
        tell(f"{path} is not the file that was downloaded: fetching it again")
    url = url or published.url
    if sys.stderr.isatty():
        tell(f"downloading {without_password(url)}")
    started = time.monotonic()
    for pause in (*PAUSES, None):
        try:
            return retrieve(published, url, folder)
        except (NoConnectionError, FailingServerError):
            if pause is None or time.monotonic() - started > PATIENCE:
                raise
            time.sleep(pause)
    raise AssertionError("unreachable")


def retrieve(published: Published, url: str, folder: Path) -> Path:
    """One attempt: the file, verified, under its final name."""
    path = folder / published.name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        remove_abandoned(folder)
        with tempfile.TemporaryDirectory(prefix=ASIDE, dir=folder, ignore_cleanup_errors=True) as aside:
            fresh = Path(aside) / published.name
            transfer(published, url, fresh)
            digest = sha256(fresh)
            if digest != published.sha256:
                raise ProjectError(
                    f"{without_password(url)} did not give the published file: its SHA-256 is "
                    f"{digest}, not {published.sha256}; {ways_by_hand(published)}"
                )
            os.replace(fresh, path)
        recorded_hash_file(path).unlink(missing_ok=True)
    except OSError as error:
        raise cannot_write(path, error) from error
    return path


def ways_by_hand(published: Published) -> str:
    """What else can be done, for the end of a message."""
    return f"fetch it by hand and pass it with `{published.pipeline} download --from FILE`"


def transfer(published: Published, url: str, target: Path) -> None:
    """Copy what the address answers into `target`, and give up where it comes too slowly.

    A server may send a byte of its headers now and then, for ever, and each read would succeed: so
    the copying is done in a thread, and this one looks at what has come.
    """
    copying = Copying(url, target, published.size)
    copying.start()
    received = 0
    while copying.is_alive():
        copying.join(WINDOW)
        if copying.is_alive() and copying.received < received + PIECE:
            copying.cancelled = True
            raise FailingServerError(
                f"{without_password(url)} sends less than {PIECE:,} bytes in {WINDOW:g} s: "
                f"try again, or {ways_by_hand(published)}"
            )
        received = copying.received
    if copying.error is not None:
        raise explained(copying.error, published, url)


class Copying(threading.Thread):
    """The transfer itself. received: bytes so far; error: what ended it, None if it is complete."""

    def __init__(self, url: str, target: Path, size: int) -> None:
        super().__init__(daemon=True)  # one that is given up does not keep the program from ending
        self.url, self.target, self.size = url, target, size
        self.received = 0
        self.cancelled = False
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            self.copy()
        except Exception as error:  # to be raised in the thread that waits
            self.error = error

    def copy(self) -> None:
        """As it was sent: an answer that says it is compressed is not unpacked, so it can't swell."""
        import requests
        from tqdm import tqdm

        with requests.Session() as session, open(self.target, "wb", buffering=0) as file:
            session.max_redirects = MOST_REDIRECTS
            session.headers["Accept-Encoding"] = "identity"
            answer = session.get(self.url, stream=True, timeout=TIMEOUT)
            answer.raise_for_status()
            quiet = not sys.stderr.isatty()
            with tqdm(total=self.size, unit="B", unit_scale=True, disable=quiet) as bar:
                for piece in answer.raw.stream(PIECE, decode_content=False):
                    self.received += len(piece)
                    if self.cancelled:
                        return
                    if self.received > self.size:
                        raise TooLargeError
                    file.write(piece)
                    bar.update(len(piece))
            os.fsync(file.fileno())


class TooLargeError(Exception):
    """More bytes came than the published file has."""


def explained(error: Exception, published: Published, url: str) -> Exception:
    """The error as a ProjectError that says what the server did; an OSError of the disk as it is.

    Only an address that can't be connected to is a NoConnectionError: a server that answers
    nonsense proves that there is a connection.
    """
    import requests
    from urllib3.exceptions import HTTPError

    address = without_password(url)
    by_hand = ways_by_hand(published)
    if isinstance(error, TooLargeError):
        size = f"the {published.size:,} bytes of the published file"
        return ProjectError(f"{address} sends more than {size}: {by_hand}")
    if isinstance(error, requests.HTTPError):
        status = error.response.status_code if error.response is not None else 0
        kind = FailingServerError if status >= 500 else ProjectError
        return kind(f"{address} answered with status {status}: {by_hand}")
    if isinstance(error, requests.TooManyRedirects):
        return ProjectError(f"{address} redirects more than {MOST_REDIRECTS} times: {by_hand}")
    if isinstance(error, requests.exceptions.InvalidSchema):
        return ProjectError(f"{address} is, or redirects to, no http address: {by_hand}")
    if isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.MissingSchema):
        return ProjectError(f"{address} is, or redirects to, no address: {by_hand}")
    if isinstance(error, requests.ReadTimeout):
        return FailingServerError(f"{address} does not answer in time: try again, or {by_hand}")
    if isinstance(error, requests.RequestException) and never_connected(error):
        simulated = f"or make simulated data with `{published.pipeline} download --sample`"
        return NoConnectionError(f"cannot reach {address}: {by_hand}, {simulated}")
    if isinstance(error, requests.RequestException | HTTPError | ValueError):
        return FailingServerError(f"{address} broke off, or what it sends is no HTTP: try again, or {by_hand}")
    return error


def never_connected(error: Exception) -> bool:
    """Whether no connection was made: no name, refused, unreachable, timed out, or no proxy."""
    import requests
    from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NewConnectionError

    if isinstance(error, requests.ConnectTimeout | requests.exceptions.ProxyError):
        return True
    cause = error.args[0] if error.args else None
    reason = cause.reason if isinstance(cause, MaxRetryError) else cause
    return isinstance(reason, NewConnectionError | ConnectTimeoutError)


def without_password(url: str) -> str:
    """The address as it may be shown: without the user name and password it may hold."""
    scheme, separator, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    return scheme + separator + authority.rpartition("@")[2] + slash + path


def local_path(source: str) -> Path | None:
    """The path that --from names, as it is or as file:///…; None for another address."""
    if source.lower().startswith("file:"):
        from urllib.request import url2pathname  # a tenth of the start of every command

        return Path(url2pathname(urlsplit(source).path))
    return None if "://" in source else Path(source)


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
        tell(f"{file} can be read, but is not byte for byte the published file (SHA-256 {digest})")
    return path


def recorded_hash_file(path: Path) -> Path:
    return path.with_name(path.name + ".sha256")


def recorded_hash(path: Path) -> str | None:
    """The SHA-256 noted when a file other than the published one was adopted."""
    file = recorded_hash_file(path)
    return file.read_text(errors="replace")[:64] if file.is_file() else None
