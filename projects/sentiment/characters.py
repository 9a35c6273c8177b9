"""What each character of a text is: part of a word, a word of its own, a punctuation mark, or none of these.

The page reads texts in the same way (`report.js`), and so does the judge of the tests, character by character
(`tests/reference.py`).
"""

import html
import re
import unicodedata
from string import ascii_lowercase

MARKS = ".,!?"  # punctuation that counts as words of its own: “bad!”, “good, but”
STANDS_FOR = {  # a line for each kind of script, which the formatter would pull apart
    "。": ".", "、": ",", "‼": "!!", "⁇": "??", "⁈": "?!", "⁉": "!?",
    "،": ",", "؟": "?", "۔": ".",  # Arabic, Urdu
    "।": ".", "॥": ".",  # Hindi and its neighbours
    "၊": ",", "။": ".", "។": ".", "៕": ".",  # Burmese, Khmer
}  # fmt: skip
APOSTROPHES = "'’"  # they vanish, but for those of elisions: don't and dont are the same

# Ranges of characters, as a regular expression has them between [ and ].
SPACELESS = (  # scripts without spaces between words: each letter or digit begins a word
    "\u0e00-\u0eff"  # Thai, Lao
    "\u1000-\u109f\ua9e0-\ua9ff\uaa60-\uaa7f\U000116d0-\U000116ff"  # Burmese
    "\u1780-\u17ff"  # Khmer
    "\u3040-\u30ff\u31f0-\u31ff\U0001aff0-\U0001b16f"  # kana
    "\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # ideographs
)
EMOJI = "\u2300-\u23ff\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff"  # but for letters and digits among them
FLAG_LETTERS = "\U0001f1e6-\U0001f1ff"  # two of them are a flag
VARIANTS = (  # what makes a variant of the character before it, and vanishes
    "\u200c\u200d"  # joiners: within words of Hindi or Persian, and between the members of a family
    "\ufe00-\ufe0f\U000e0100-\U000e01ef"  # variation selectors
    "\U0001f3fb-\U0001f3ff\U0001f9b0-\U0001f9b3♀♂"  # colours of skin and hair, women and men
    "\u20e3\U000e0020-\U000e007f"  # keycaps, and the flags of regions
)

BEYOND_LATIN = re.compile("[^\x00-\u02ff\u2010-\u203b]")  # neither Latin with its accents nor a dash or quote
NOT_ASCII = re.compile(r"[^\x00-\x7f]+")
VANISHING = re.compile(f"[{APOSTROPHES}{VARIANTS}]+")
WIDE_OR_NARROW = re.compile("[\uff01-\uffdc]+")  # full-width letters and punctuation, half-width kana and Hangul
DOTTED_I = re.compile("i\u0307+")  # what İ is in lower case
ALONE = re.compile(f"[{FLAG_LETTERS}]{{1,2}}|[{SPACELESS}]+")  # whatever stands beside it, without a space

LINE_BREAK = re.compile(r"<[bB][rR][ \t\r\n]*/?>")  # this and ELISIONS read the same in JavaScript
BEFORE_WORDS = ' \t\r\n\u00a0\u202f.,:;!?…"“”„«»(\\[/*–—-'  # an elided word follows one of these, or nothing
ELIDED = (  # two lines, which the formatter would pull apart
    *"ldjnscmt", "qu", "jusqu", "lorsqu", "puisqu", "quoiqu",  # French; some are Italian and Catalan, too
    "un", "dell", "all", "nell", "dall", "sull", "coll", "quest", "quell", "anch", "dov", "com", "tutt",  # Italian
)  # fmt: skip


def latin(letters: str) -> str:
    """These letters with all accents."""
    blocks = map(chr, [*range(0x250), *range(0x1E00, 0x1F00)])
    return "".join(c for c in blocks if unicodedata.normalize("NFD", c)[0] in letters)


def elision(apostrophe: str) -> str:
    """A regular expression for the apostrophe in l'expert, qu'il and dell'arte, but not in don't, o'clock and D'Amato.

    It begins with the apostrophe and looks back from there, which is much faster than to look for words.
    """
    by_length: dict[int, list[str]] = {}  # as each (?<=…) looks back for one length only
    for elided in ELIDED:
        either_case = "".join(f"[{letter}{letter.upper()}]" for letter in elided)
        by_length.setdefault(len(elided), []).append(either_case)
    starts_word = f"(?<![^{BEFORE_WORDS}])"
    before = "|".join(f"(?<={starts_word}(?:{'|'.join(words)}){apostrophe})" for words in by_length.values())
    small, capital = "aeiouyhœæ", "AEIOUYHŒÆ"
    is_name = f"(?<=D{apostrophe})[{latin(capital)}][\u0300-\u036f]*[{latin(ascii_lowercase)}]"
    return f"{apostrophe}(?=[{latin(small + capital)}])(?!{is_name})(?:{before})"


ELISIONS = {apostrophe: re.compile(elision(apostrophe)) for apostrophe in APOSTROPHES}  # one by one: see EMOTICONS

FACES = {  # two lines, which the formatter would pull apart
    ":)": "☺", ":(": "☹", ":D": "😃", ":P": "😛", ";)": "😉", ";(": "☹", ";D": "😉", ";P": "😉", "<3": "❤",
}  # fmt: skip
BESIDE = "A-Za-z0-9_:;：；" + "".join(FACES.values())  # of a link, a time, code or another emoticon
EMOTICONS = {  # by the first character: to look for one is twenty times as fast as for two, in `re` as well
    eyes: re.compile(rf"({eyes})(?<![{BESIDE}].)['’]*[-－]?([()（）DdPp])\2*(?![{BESIDE}])") for eyes in ":;：；"
} | {"<": re.compile(rf"(<)(?<![{BESIDE}].)(3)(?![{BESIDE}]|[.,][0-9])")}


def clean(text: str) -> bytes:
    """The text in UTF-8 and lower case: only words and marks are left, with spaces where words would touch.

    An emoji is one word in all its variants; an emoticon is the emoji that it stands for. Of an emoji that joins
    several, each is a word: there are endless such sequences, most of them rare, and their members say the same.
    """
    if "&" in text:
        text = html.unescape(text)
    if "<" in text:
        text = LINE_BREAK.sub(" ", text)
    text = emoticons_as_emoji(text)
    text = elided_apart(text)
    if not text.isascii():
        text = text.lower()
        if not is_latin(text):
            text = fold_variants(text)
            text = ALONE.sub(r" \g<0> ", text)
        text = NOT_ASCII.sub(lambda run: run[0].translate(CHARACTERS), text)
    return text.encode().translate(BYTES, b"'")


def is_latin(text: str) -> bool:
    """Whether the text has only Latin letters with their accents, quotes and dashes, which need no folding."""
    try:
        text.encode("latin-1")  # forty times as fast as the search, and enough for most texts
    except UnicodeEncodeError:
        return not BEYOND_LATIN.search(text)
    return True


def fold_variants(text: str) -> str:
    """The text, in lower case already, in one spelling of several: of usual width, without variants, composed."""
    text = WIDE_OR_NARROW.sub(lambda run: unicodedata.normalize("NFKC", run[0]), text)
    text = VANISHING.sub("", text)
    text = unicodedata.normalize("NFC", text)
    if "i\u0307" in text:
        text = unicodedata.normalize("NFC", DOTTED_I.sub("i", text))
    return text


def emoticons_as_emoji(text: str) -> str:
    """The text with the emoji that each emoticon stands for, :-)) as :) does."""
    for first, pattern in EMOTICONS.items():
        if first in text:
            text = pattern.sub(lambda found: face(found[1] + found[2]), text)
    return text


def elided_apart(text: str) -> str:
    """The text with a space after each elided word: l expert."""
    for apostrophe, pattern in ELISIONS.items():
        if apostrophe in text:
            text = pattern.sub(" ", text)
    return text


def face(emoticon: str) -> str:
    """The emoji for eyes and mouth, of any width and case."""
    return FACES[unicodedata.normalize("NFKC", emoticon).upper()]


class Characters(dict[int, str | None]):
    """What `str.translate` makes of each character, worked out when it is first met."""

    def __missing__(self, code: int) -> str | None:
        self[code] = read_character(chr(code))
        return self[code]


def read_character(character: str) -> str | None:
    """The character, with a space where a word begins or ends; a mark; a space; None where it vanishes."""
    if character in APOSTROPHES:
        return None
    if character in MARKS:
        return character
    if character in STANDS_FOR:
        return STANDS_FOR[character]
    if character.isalnum():
        return f" {character}" if re.match(f"[{SPACELESS}]", character) else character
    if unicodedata.category(character).startswith("M") or re.match(f"[{FLAG_LETTERS}]", character):
        return character  # a combining mark belongs to its word
    if re.match(f"[{EMOJI}]", character):
        return f" {character} "
    return " "


CHARACTERS = Characters()
BYTES = bytes(ord(CHARACTERS[b] or " ") for b in range(128)).lower() + bytes(range(128, 256))  # the same for ASCII
