"""In which encoding a text is written: by its mark, by being UTF-8, else by what charset-normalizer finds likely."""

import codecs
import re
from collections.abc import Callable, Iterable
from typing import IO, TYPE_CHECKING, NamedTuple

from projects.common.errors import ProjectError

if TYPE_CHECKING:
    from charset_normalizer import CharsetMatch

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
COMMON = re.compile(r"cp125\d|koi8_\w|utf_\w+")  # encodings of one byte a character that programs of today write
CLOSE = 0.03  # of charset-normalizer's chaos, 0 to 1: as much more a common encoding may have than a rare one
WESTERN_LETTERS = "àáâãäåæçèéêëìíîïñòóôõöøœùúûüýÿßðþÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØŒÙÚÛÜÝÐÞ"
WITHIN_WORDS = "\u00a0\u00ad´’‘–—…·"  # signs that may stand between two letters
FOREIGN = 0.05  # of the characters beyond ASCII: more that are no Western writing, and the text is none


class Encoding(NamedTuple):
    """The name of an encoding, as Python knows it."""

    name: str
    guessed: bool = False  # neither stated, nor marked, nor UTF-8
    marked: bool = False  # the file begins with a byte order mark


def stated(name: str) -> Encoding:
    """The encoding of this name. Raises ProjectError where Python has none."""
    try:
        text = codecs.lookup(name)
        "text".encode(text.name)  # some of Python's codecs are not for text
    except (LookupError, UnicodeError) as error:
        raise ProjectError(f"no encoding is called {name!r}: utf-8, utf-16 and cp1252 are the usual ones") from error
    return Encoding("utf-8-sig" if text.name == "utf-8" else text.name)


def find_encoding(open_file: Callable[[], IO[bytes]], name: str, likely: str | None = None) -> Encoding:
    """The encoding of a file, read as far as its first piece that is not plain ASCII.

    A file that is UTF-8 for the most part is UTF-8: reading it then names the line that is not. likely: the encoding
    of another file of the same kind, taken where this one is no UTF-8 and can be written in it. Raises ProjectError
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
    return encoding_of(piece, name, likely)


def find_mark(start: bytes) -> Encoding | None:
    """The encoding that the first bytes give away: by a mark, or by a zero in every second place."""
    for mark, name in MARKS.items():
        if start.startswith(mark):
            return Encoding(name, marked=True)
    pairs = start[: SAMPLE // 2 * 2]
    zeros_first, zeros_second = pairs[0::2].count(0), pairs[1::2].count(0)
    if len(pairs) >= 4 and max(zeros_first, zeros_second) > len(pairs) / 4 and not min(zeros_first, zeros_second):
        return Encoding("utf-16-be" if zeros_first else "utf-16-le")
    return None


def encoding_of(piece: bytes, name: str, likely: str | None = None) -> Encoding:
    """The encoding of bytes that are not all ASCII."""
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    text = decoder.decode(piece)
    broken = len(re.findall("[\udc80-\udcff]", text))
    right = len(re.findall("[^\x00-\x7f\udc80-\udcff]", text))
    if right > broken or not broken:
        return Encoding("utf-8-sig")
    sample = telling_lines(piece)
    if likely is not None and fits(sample, likely):
        return Encoding(likely, guessed=True)
    return likely_encoding(sample, name)


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
        if as_likely and WESTERN in match.could_be_from_charset and reads_western(sample):
            return Encoding(WESTERN, guessed=True)
    return Encoding(choose_common(matches, best, sample), guessed=True)


def choose_common(matches: Iterable["CharsetMatch"], best: "CharsetMatch", sample: bytes) -> str:
    """In place of an encoding that is rare today, the common one that is about as likely, Western first.

    Of few letters nearly every encoding of one byte a character makes a text that might be one.
    """
    if best.multi_byte_usage > 0 or COMMON.fullmatch(best.encoding):
        return best.encoding
    if reads_western(sample):
        return WESTERN
    common = (m.encoding for m in matches if COMMON.fullmatch(m.encoding) and m.chaos <= best.chaos + CLOSE)
    return next(common, best.encoding)


def fits(sample: bytes, encoding: str) -> bool:
    """Whether bytes can be text in this encoding; cp1252, in which nearly all bytes are characters, must read as such.

    A cut at the end of the sample may go through a character of several bytes.
    """
    if encoding == WESTERN:
        return reads_western(sample)
    try:
        codecs.getincrementaldecoder(encoding)().decode(sample)
    except (UnicodeError, LookupError):  # a model file may name an encoding that this Python lacks
        return False
    return True


def is_western(sample: bytes) -> bool:
    """Whether bytes can be decoded as cp1252."""
    try:
        sample.decode(WESTERN)
    except UnicodeDecodeError:
        return False
    return True


def reads_western(sample: bytes) -> bool:
    """Whether bytes read as cp1252 are written as Western languages are.

    In these a letter beyond ASCII is one of few, stands beside ASCII letters, and is no capital after a small one; a
    sign does not stand within a word.
    """
    if not is_western(sample):
        return False
    text = sample.decode(WESTERN)
    beyond = len(re.findall(r"[^\x00-\x7f]", text))
    foreign = len(re.findall(rf"[^\W\d_{WESTERN_LETTERS}a-zA-Z]", text))
    rows = sum(map(len, re.findall(rf"[{WESTERN_LETTERS}]{{{FEW_IN_A_ROW + 1},}}", text)))
    capitals = len(re.findall(r"(?<=[a-z])[À-ÖØ-ÞŠŒŽŸ](?=[a-z])", text))
    signs = len(re.findall(rf"(?<=[^\W\d_])[^\w\x00-\x7f{WITHIN_WORDS}](?=[^\W\d_])", text))
    return foreign + rows + capitals + signs <= FOREIGN * beyond
