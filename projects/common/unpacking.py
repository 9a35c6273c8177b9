"""The bytes of a file, whether they lie there as they are, gzipped, or in a zip; never more than are allowed."""

import gzip
import io
import lzma
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from projects.common.errors import ProjectError
from projects.common.files import no_file, refuse_pipe

GZIP, ZIP = b"\x1f\x8b", b"PK"
OTHER_KINDS = {b"\x89PNG": "a picture", b"\xff\xd8\xff": "a picture", b"GIF8": "a picture", b"%PDF": "a PDF document"}
OFFICE = {"word/": "a Word document", "ppt/": "a presentation", "META-INF/": "a document"}  # folders in their zips
WORKBOOK = "xl/workbook.xml"  # a zip that has it is an Excel file
LARGEST_IN_ONE_PIECE = 1 << 30  # bytes of a packed file that can't be read as a stream
BESIDES = ("__MACOSX/", ".DS_Store")  # what packers add to a zip
DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    RuntimeError,
    ValueError,
    NotImplementedError,
)


@dataclass(frozen=True)
class Source:
    """Where the bytes of a table come from."""

    path: Path
    packing: str = ""  # "", "gzip" or "zip"
    member: str = ""  # of a zip
    largest: int | None = None  # unpacked bytes that are believed; None: as many as there are
    declared: int | None = None  # the size that a zip says it has

    @property
    def ending(self) -> str:
        """The ending of the table's own name, in small letters: .csv for reviews.CSV.gz."""
        name = self.member or self.path.name
        if self.packing == "gzip":
            name = name.lower().removesuffix(".gz")
        return Path(name).suffix.lower()

    def open(self) -> IO[bytes]:
        """The unpacked bytes, to be read as a stream. Raises ProjectError, and so does reading too many."""
        try:
            if self.packing == "gzip":
                return self.bounded(cast(IO[bytes], gzip.open(self.path)))
            if self.packing == "zip":
                return self.bounded(zipfile.ZipFile(self.path).open(self.member))
            return open(self.path, "rb")
        except DAMAGED as error:
            raise damaged(self.path, error) from error

    def bounded(self, file: IO[bytes]) -> IO[bytes]:
        return cast(IO[bytes], io.BufferedReader(BoundedReader(file, self), 1 << 16))

    @contextmanager
    def open_seekable(self) -> Iterator[IO[bytes]]:
        """The unpacked bytes, in which one can go back: a packed file is first unpacked to a temporary one."""
        with self.open() as file:
            if not self.packing:
                yield file
                return
            with tempfile.TemporaryFile() as unpacked:
                size = 0
                while piece := file.read(1 << 20):
                    size += len(piece)
                    if size > LARGEST_IN_ONE_PIECE:
                        raise ProjectError(f"{self.path} unpacks to more than {LARGEST_IN_ONE_PIECE:,} bytes")
                    unpacked.write(piece)
                unpacked.seek(0)
                yield unpacked


class BoundedReader(io.RawIOBase):
    """A stream that refuses to give more bytes than its source is allowed."""

    def __init__(self, file: IO[bytes], source: Source) -> None:
        self.file = file
        self.source = source
        self.read_so_far = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        try:
            content = self.file.read(len(buffer))
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:
            if self.source.packing == "zip":
                raise damaged(self.source.path, error) from error
            raise  # of gzip, which has no list of sizes, how far it was read says more
        self.read_so_far += len(content)
        refuse_larger(self.source.path, self.read_so_far, self.source.largest)
        if not content and self.source.declared not in (None, self.read_so_far):
            short = EOFError(f"{self.read_so_far:,} bytes, not as many as it says")
            raise damaged(self.source.path, short)
        buffer[: len(content)] = content
        return len(content)

    def close(self) -> None:
        self.file.close()
        super().close()


def refuse_larger(path: Path, size: int, largest: int | None) -> None:
    """Raise ProjectError for more unpacked bytes than are believed."""
    if largest is not None and size > largest:
        raise ProjectError(f"{path}: the table in it is larger than {largest:,} bytes")


def find_source(path: Path, member: str | None = None, largest: int | None = None) -> Source:
    """How the file is packed, as its first bytes say. Raises ProjectError where there is no one file in it.

    member: the name of the file to take from a zip that holds several.
    """
    refuse_pipe(path)
    try:
        with open(path, "rb") as file:
            start = file.read(4)
        other = next((kind for mark, kind in OTHER_KINDS.items() if start.startswith(mark)), None)
        if other:
            raise ProjectError(f"{path} is {other}, no table: save what is in it as CSV or Excel")
        if start.startswith(GZIP):
            return Source(path, "gzip", largest=largest)
        if start.startswith(ZIP):
            return Source(path) if is_workbook(path) else find_zip_source(path, member, largest)
    except FileNotFoundError as error:
        raise ProjectError(no_file(path, "name a table that is there")) from error
    except IsADirectoryError as error:
        raise ProjectError(f"{path} is a folder: name a table in it") from error
    except DAMAGED as error:
        if isinstance(error, OSError) and error.strerror:
            raise ProjectError(f"cannot read {path}: {error.strerror}") from error
        raise damaged(path, error) from error
    return Source(path)


def find_zip_source(path: Path, wanted: str | None, largest: int | None) -> Source:
    """The one file in a zip; refused where it says itself that it is too large."""
    member = find_member(path, wanted)
    with zipfile.ZipFile(path) as archive:
        size = archive.getinfo(member).file_size
    refuse_larger(path, size, largest)
    return Source(path, "zip", member, largest, size)


def is_workbook(path: Path) -> bool:
    with zipfile.ZipFile(path) as archive:
        return WORKBOOK in archive.namelist()


def find_member(path: Path, wanted: str | None) -> str:
    """The one file in a zip, or the one with the name that is wanted."""
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/")]
    names = [name for name in names if not any(part in name for part in BESIDES)]
    named = [name for name in names if name.rpartition("/")[2] == wanted]
    if len(named) > 1:
        raise ProjectError(f"{path} holds {wanted} {len(named)} times: {', '.join(named[:5])}")
    if named:
        return named[0]
    for folder, kind in OFFICE.items():
        if any(name.startswith(folder) for name in names):
            raise ProjectError(f"{path} is {kind}, no table: save the table in it as CSV or Excel")
    if len(names) == 1:
        return names[0]
    inside = ", ".join(names[:5]) or "nothing"
    if wanted:
        raise ProjectError(f"{path} holds no {wanted}, only {inside}: pack one table alone")
    raise ProjectError(f"{path} holds {len(names)} files ({inside}): pack one table alone")


def damaged(path: Path, error: BaseException) -> ProjectError:
    """The error that says of which kind the file should be."""
    with open(path, "rb") as file:
        kind = "zip" if file.read(2) == ZIP else "gzip"
    return ProjectError(f"{path} is no whole {kind} file ({error}): fetch or pack it again")
