"""The published archive of reviews, read from a stream; whatever it holds, it ends in memory bounds or one line."""

import gzip
import re
import struct
import tarfile
import zlib
from pathlib import Path
from typing import IO, NamedTuple, cast

from projects.common import progress
from projects.common.errors import ProjectError
from projects.sentiment.labels import UNLABELLED

MEMBER = re.compile(r"(?:^|/)(train|test)/(pos|neg|unsup)/(\d{1,18})_\d+\.txt$")
LABELS = {"neg": 0, "pos": 1, "unsup": UNLABELLED}  # of the folders
LONGEST_REVIEW = 10_000_000  # bytes of one member
LARGEST_ARCHIVE = 1 << 30  # bytes when unpacked; the published one has a third of that
CHUNK = 1 << 16  # bytes that are unpacked at a time
TOLD_EVERY = 1 << 16  # bytes
SHARE_OF_UNPACKING = 0.6  # of the time that reading takes; the rest goes into words
LARGEST_HEADER = 1 << 20  # bytes before a member, with its long name and the like


class Member(NamedTuple):
    """A review in the archive."""

    number: int
    label: int  # 0 for negative, 1 for positive, UNLABELLED for neither
    text: str
    place: str  # to be named in an error


def review_members(path: Path, part: str) -> list[Member]:
    """The reviews of one part, "train", "test" or "unlabelled", of the published tar.gz, by number, then label.

    It is read as a stream: nothing is unpacked, links are never followed. Raises ProjectError naming the member.
    """
    found: dict[str, Member] = {}
    member_name = "its first member"
    try:
        with open(path, "rb") as file, gzip.open(file) as packed:
            told = Position(file, path.stat().st_size)
            stream = ForwardStream(cast(IO[bytes], packed))
            with tarfile.open(fileobj=cast(IO[bytes], stream), mode="r:") as archive:
                while (member := archive.next()) is not None:
                    member_name = member.name
                    end = member.offset_data + member.size
                    if end > LARGEST_ARCHIVE:
                        raise ProjectError(
                            f"{path}: with {member_name} it unpacks to more than {LARGEST_ARCHIVE:,} bytes"
                        )
                    stream.allow_up_to(end + LARGEST_HEADER)
                    told.tell()
                    review = review_of(stream, member, path, part)
                    if review is None:
                        continue
                    if member_name in found:
                        raise ProjectError(f"{path}: {member_name} is there twice")
                    found[member_name] = review
            rest = stream.last  # the end mark; or a header that is none, which `tarfile` takes for one
            stream.allow_up_to(LARGEST_ARCHIVE)
            while rest:  # to the end, where gzip keeps its checksum
                if rest.strip(b"\0"):
                    raise tarfile.ReadError("a damaged header")
                rest = stream.read(CHUNK)
    except UnicodeDecodeError as error:
        raise ProjectError(f"{path}: {member_name} is not UTF-8 (byte {error.start})") from error
    except DAMAGED as error:
        again = "fetch it again with `sentiment download --force`"
        if isinstance(error, gzip.BadGzipFile):
            again = "give one, or a table whose name ends in .csv, .tsv or .jsonl"
        raise ProjectError(f"{path} is no whole tar.gz archive, from {member_name} on ({error}): {again}") from error
    return sorted(found.values())  # so that the order of packing does not matter


DAMAGED = (tarfile.TarError, EOFError, zlib.error, OSError, ValueError, IndexError, ArithmeticError, struct.error)


class Position:
    """How far a file of so many bytes is read, told to the progress of the process, whose unit is a file."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self.file, self.size, self.told = file, size, 0

    def tell(self) -> None:
        position = self.file.tell()
        if position - self.told >= TOLD_EVERY:
            progress.advance(SHARE_OF_UNPACKING * (position - self.told) / self.size)
            self.told = position


class ForwardStream:
    """What `tarfile` reads from as from a file in which it only goes forward; bounded in what it may read.

    tarfile's own streams (mode "r|") pass every byte through Python in pieces of 10 kB: of 90,000 members, most of
    them skipped, that took a third of the time. The size that a member declares bounds its content, but not its
    header: a name may be as long as the archive likes, and `tarfile` holds it in memory. So what is read ends with an
    error where it is more than was allowed.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.buffer = b""
        self.start = 0  # of the buffer in the unpacked archive
        self.at = 0  # in the buffer, or beyond it
        self.allowed = LARGEST_HEADER
        self.last = b""  # that was read

    def allow_up_to(self, position: int) -> None:
        """Let as many bytes of the unpacked archive be read, and no more than LARGEST_ARCHIVE."""
        self.allowed = min(position, LARGEST_ARCHIVE)

    def tell(self) -> int:
        return self.start + self.at

    def seek(self, position: int) -> None:
        """Go on from a later position."""
        self.at = position - self.start

    def read(self, size: int) -> bytes:
        """The next bytes, fewer at the end. Raises ReadError where they are more than allowed."""
        while self.at + size > len(self.buffer):
            skipped = min(self.at, len(self.buffer))
            more = self.file.read(CHUNK)
            self.buffer = self.buffer[skipped:] + more
            self.start += skipped
            self.at -= skipped
            if not more:
                break
            self.refuse_more(self.start + len(self.buffer) - CHUNK)
        self.last = self.buffer[self.at : self.at + size]
        self.at += len(self.last)
        self.refuse_more(self.tell())
        return self.last

    def refuse_more(self, position: int) -> None:
        if position > self.allowed:
            what = f"more than {LARGEST_ARCHIVE:,} bytes when unpacked"
            if self.allowed < LARGEST_ARCHIVE:
                what = f"a header of more than {LARGEST_HEADER:,} bytes"
            raise tarfile.ReadError(what)


def review_of(stream: ForwardStream, member: tarfile.TarInfo, path: Path, part: str) -> Member | None:
    """The review that a member is, if it is one of this part, else None."""
    if member.issparse():
        raise ProjectError(f"{path}: {member.name} is sparse, and no review: it would unpack to holes")
    match = MEMBER.search(member.name)
    if not match or not member.isreg():
        return None
    part_of_member = "unlabelled" if match[2] == "unsup" else match[1]
    if part_of_member != part:
        return None
    if member.size > LONGEST_REVIEW:
        raise ProjectError(f"{path}: {member.name} has {member.size:,} bytes, more than a review can have")
    stream.seek(member.offset_data)
    content = stream.read(member.size)
    if len(content) < member.size:
        raise tarfile.ReadError("unexpected end of data")
    text = content.decode("utf-8")
    return Member(int(match[3]), LABELS[match[2]], text, f"{path}, {member.name}")
