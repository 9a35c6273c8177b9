"""In which encoding a text is written: by its mark, by being UTF-8, else by what charset-normalizer finds likely."""

import codecs
import re
from collections.abc import Callable
from typing import IO, NamedTuple

from projects.common.errors import ProjectError

MARKS = {  # the longer ones first: UTF-32's begins with UTF-16's
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
PIECE = 1 << 20  # bytes that are looked at together
SAMPLE = 1 << 16  # bytes that charset-normalizer is shown
WESTERN = "cp1252"
MARGIN = 0.1  # by which another encoding must read more like a language, of 1, to be taken in its place
FEW_IN_A_ROW = 2  # bytes beyond ASCII: where there are never more, no script of two bytes a character is written


class Encoding(NamedTuple):
    """The name of an encoding, as Python knows it."""

    name: str
    guessed: bool = False  # neither stated, nor marked, nor UTF-8


def stated(name: str) -> Encoding:
    """The encoding of this name. Raises ProjectError where Python has none."""
    try:
        text = codecs.lookup(name)
        "text".encode(text.name)  # some of Python's codecs are not for text
    except (LookupError, UnicodeError) as error:
        raise ProjectError(f"no encoding is called {name!r}: utf-8, utf-16 and cp1252 are the usual ones") from error
    return Encoding("utf-8-sig" if text.name == "utf-8" else text.name)


def find_encoding(open_file: Callable[[], IO[bytes]], name: str) -> Encoding:
    """The encoding of a file, read as far as its first piece that is not plain ASCII.

    A file that is UTF-8 for the most part is UTF-8: reading it then names the line that is not. Raises ProjectError
    where no encoding fits.
    """
    with open_file() as file:
        piece = file.read(PIECE)
        mark = find_mark(piece)
        if mark is not None:
            return mark
        while piece.isascii():
            following = file.read(PIECE)
            if not following:
                return Encoding("utf-8-sig")
            piece = following
        piece += file.readline(PIECE)
    return encoding_of(piece, name)


def find_mark(start: bytes) -> Encoding | None:
    """The encoding that the first bytes give away: by a mark, or by a zero in every second place."""
    for mark, name in MARKS.items():
        if start.startswith(mark):
            return Encoding(name)
    pairs = start[: SAMPLE // 2 * 2]
    zeros_first, zeros_second = pairs[0::2].count(0), pairs[1::2].count(0)
    if len(pairs) >= 4 and max(zeros_first, zeros_second) > len(pairs) / 4 and not min(zeros_first, zeros_second):
        return Encoding("utf-16-be" if zeros_first else "utf-16-le")
    return None


def encoding_of(piece: bytes, name: str) -> Encoding:
    """The encoding of bytes that are not all ASCII."""
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    text = decoder.decode(piece)
    broken = len(re.findall("[\udc80-\udcff]", text))
    right = len(re.findall("[^\x00-\x7f\udc80-\udcff]", text))
    if right > broken or not broken:
        return Encoding("utf-8-sig")
    return likely_encoding(telling_lines(piece), name)


def telling_lines(piece: bytes) -> bytes:
    """The header and the lines that are not plain ASCII, so many that they tell enough."""
    first, *lines = piece.splitlines(keepends=True)
    telling = [first, *(line for line in lines if not line.isascii())]
    return b"".join(telling)[:SAMPLE]


def likely_encoding(sample: bytes, name: str) -> Encoding:
    """What charset-normalizer finds likely; cp1252 where that is about as likely or too little is there to tell."""
    from charset_normalizer import from_bytes

    matches = from_bytes(sample)
    best = matches.best()
    if best is None:
        raise ProjectError(f"{name} is neither UTF-8 nor text in another known encoding: say which with --encoding")
    longest = max(map(len, re.findall(rb"[\x80-\xff]+", sample)))
    if best.multi_byte_usage > 0 and longest <= FEW_IN_A_ROW and is_western(sample):
        return Encoding(WESTERN, guessed=True)
    for match in matches:
        as_likely = match.chaos <= best.chaos and match.coherence >= best.coherence - MARGIN
        if as_likely and WESTERN in match.could_be_from_charset:
            return Encoding(WESTERN, guessed=True)
    return Encoding(best.encoding, guessed=True)


def is_western(sample: bytes) -> bool:
    try:
        sample.decode(WESTERN)
    except UnicodeDecodeError:
        return False
    return True
