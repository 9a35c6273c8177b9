"""The judge of all counting: n-grams, ratios and bags from plain loops and Counter, slow and easy to check."""

import html
import math
import unicodedata
from collections import Counter, defaultdict

SPACELESS_NAMES = (
    "THAI ", "LAO ", "MYANMAR ", "KHMER ", "HIRAGANA ", "HENTAIGANA ", "KATAKANA ",
    "KATAKANA-HIRAGANA PROLONGED ", "COMBINING KATAKANA-HIRAGANA ", "IDEOGRAPHIC ITERATION ",
    "IDEOGRAPHIC CLOSING ", "IDEOGRAPHIC NUMBER ", "CJK UNIFIED IDEOGRAPH-",
    "CJK COMPATIBILITY IDEOGRAPH-",
)  # fmt: skip
VARIANT_NAMES = (
    "ZERO WIDTH JOINER", "ZERO WIDTH NON-JOINER", "VARIATION SELECTOR-", "EMOJI MODIFIER ",
    "EMOJI COMPONENT ", "FEMALE SIGN", "MALE SIGN", "COMBINING ENCLOSING KEYCAP", "TAG ",
    "CANCEL TAG",
)  # fmt: skip
SHORTEST = 0.5
EMOJI_BLOCKS = [(0x2300, 0x23FF), (0x2600, 0x27BF), (0x2B00, 0x2BFF), (0x1F000, 0x1FAFF)]
FACES = {":)": "☺", ":(": "☹", ":d": "😃", ":p": "😛", ";)": "😉", ";(": "☹", ";d": "😉", ";p": "😉"}
USUAL_WIDTH = str.maketrans("：；（）", ":;()")
OTHER_MARKS = {"。": ".", "۔": ".", "।": ".", "॥": ".", "။": ".", "។": ".", "៕": ".", "、": ",", "،": ",", "၊": ",",
               "؟": "?", "‼": "!!", "⁇": "??", "⁈": "?!", "⁉": "!?"}  # fmt: skip

BEFORE_WORDS = ' \t\r\n\u00a0\u202f.,:;!?…"“”„«»([/*–—-'
ELIDED = {
    "l", "d", "j", "n", "s", "c", "m", "t", "qu", "jusqu", "lorsqu", "puisqu", "quoiqu", "un", "dell", "all", "nell",
    "dall", "sull", "coll", "quest", "quell", "anch", "dov", "com", "tutt",
}  # fmt: skip

NEGATIONS = {
    "not", "no", "never", "nothing", "none", "nor", "cannot", "cant", "dont", "doesnt", "didnt", "isnt", "wasnt",
    "arent", "werent", "wont", "wouldnt", "couldnt", "shouldnt", "havent", "hasnt", "hadnt", "aint", "without",
    "hardly", "barely",
}  # fmt: skip


def words_of(text):
    """The words of a text.

    Lower case, composed, no apostrophes, of which those of elisions end a word; the marks .,!? and emoji are words of
    their own. So is, with its combining marks, each character of a script without spaces. An emoticon is read as the
    emoji that it stands for.
    """
    text = elided_apart(without_emoticons(without_line_breaks(html.unescape(text)))).lower()
    text = flags_apart(scripts_apart(one_spelling(text)))
    return "".join(map(spaced, text)).split()


def one_spelling(text):
    """The text of usual width, without apostrophes and what makes variants of emoji and letters, composed."""
    text = "".join(unicodedata.normalize("NFKC", c) if "！" <= c <= "\uffdc" else c for c in text)
    vanishing = ("APOSTROPHE", "RIGHT SINGLE QUOTATION MARK", *VARIANT_NAMES)
    text = "".join(c for c in text if not unicodedata.name(c, "").startswith(vanishing))
    text = unicodedata.normalize("NFC", text)
    while "i\u0307" in text:
        text = unicodedata.normalize("NFC", text.replace("i\u0307", "i"))
    return text


def without_line_breaks(text):
    """The text with a space for each <br>, in any case, with or without a slash at its end."""
    read, i = "", 0
    while i < len(text):
        end = text.find(">", i)
        tag = text[i + 1 : end].lower() if text[i] == "<" and end > 0 else ""
        is_break = tag.removesuffix("/").rstrip(" \t\r\n") == "br"
        read += " " if is_break else text[i]
        i = end + 1 if is_break else i + 1
    return read


def elided_apart(text):
    """The text with a space for the apostrophe of each elision, as in l'eau and qu'il, but not in D'Amato."""
    read = ""
    for i, character in enumerate(text):
        start = i
        while start and text[start - 1] not in BEFORE_WORDS:
            start -= 1
        elides = character in "'’" and text[start:i].lower() in ELIDED and text[start:i].isascii()
        follows = unicodedata.normalize("NFD", text[i + 1 : i + 4])
        elides = elides and follows[:1].lower() in [*"aeiouyhœæ"]
        read += " " if elides and not (text[start:i] == "D" and begins_a_name(follows)) else character
    return read


def begins_a_name(decomposed):
    """Whether a capital and a small letter stand there, whatever their accents."""
    plain = [c for c in decomposed if not 0x300 <= ord(c) <= 0x36F]
    return decomposed[0].isupper() and plain[1:2] != [] and plain[1] in [*"abcdefghijklmnopqrstuvwxyz"]


def is_spaceless(character):
    return unicodedata.name(character, "").startswith(SPACELESS_NAMES)


def is_flag_letter(character):
    return unicodedata.name(character, "").startswith("REGIONAL INDICATOR")


def scripts_apart(text):
    """A space wherever a script without spaces begins or ends."""
    return "".join(
        f" {c}" if is_spaceless(c) != is_spaceless(before) else c for before, c in zip(" " + text, text, strict=False)
    )


def flags_apart(text):
    """A space around each flag, which is two letters, and around a letter left over."""
    read, i = "", 0
    while i < len(text):
        size = 2 if i + 1 < len(text) and is_flag_letter(text[i]) and is_flag_letter(text[i + 1]) else 1
        read += f" {text[i : i + size]} " if is_flag_letter(text[i]) else text[i]
        i += size
    return read


def without_emoticons(text):
    """The text with an emoji for each emoticon."""
    read, i = "", 0
    while i < len(text):
        emoji, size = emoticon_at(text, i)
        read += emoji or text[i]
        i += size
    return read


def emoticon_at(text, start):
    """The emoji for the emoticon that starts here, None if there is none; and its number of characters, or 1."""
    if glued(text[start - 1 : start]):
        return None, 1
    rest = text[start + 1 :]
    if text[start] == "<" and rest.startswith("3"):
        decimal = rest[1:2] in [".", ","] and rest[2:3] in [*"0123456789"]
        return (None, 1) if decimal or glued(rest[1:2]) else ("❤", 2)
    face = rest.lstrip("'’")
    face = face[1:] if face[:1] in ["-", "－"] else face
    eyes = text[start].translate(USUAL_WIDTH)
    emoji = FACES.get(eyes + face[:1].translate(USUAL_WIDTH).lower())
    if emoji is None:
        return None, 1
    mouths = len(face) - len(face.lstrip(face[0]))
    while mouths and glued(face[mouths : mouths + 1]):
        mouths -= 1  # fewer mouths, as long as the next character is no letter
    return (emoji, len(text) - start - len(face) + mouths) if mouths else (None, 1)


def glued(neighbour):
    """Whether what stands beside an emoticon makes it part of something else."""
    return neighbour in [*"_:;：；❤", *FACES.values()] or (neighbour.isascii() and neighbour.isalnum())


def spaced(character):
    """The character with spaces where a word begins or ends; a space for what is no part of a word."""
    if character in "'’":
        return ""
    if character in ".,!?" or character in OTHER_MARKS:
        return "".join(f" {mark} " for mark in OTHER_MARKS.get(character, character))
    if character.isalnum():
        return f" {character}" if is_spaceless(character) else character
    if unicodedata.category(character) in ("Mn", "Mc", "Me") or is_flag_letter(character):
        return character
    is_emoji = any(first <= ord(character) <= last for first, last in EMOJI_BLOCKS)
    return f" {character} " if is_emoji else " "


def names_of(text):
    """The words of a text; of those after a negation, up to a mark or another negation and at most five, ¬word."""
    names, reach = [], 0
    for word in words_of(text):
        if word in NEGATIONS:
            reach = 5
            names.append(word)
        elif word in [*".,!?"] or not reach:
            reach = 0
            names.append(word)
        else:
            reach -= 1
            names.append("¬" + word)
    return names


def ngrams_of(text, longest):
    """The distinct n-grams of 1 to `longest` words that are in a text."""
    words = names_of(text)
    lengths = range(1, longest + 1)
    return {" ".join(words[i : i + n]) for n in lengths for i in range(len(words) - n + 1)}


def count_texts(texts, labels, longest, min_count):
    """N-gram -> Counter of the labels of the texts that have it, for n-grams in `min_count` texts."""
    counts = defaultdict(Counter)
    for text, label in zip(texts, labels, strict=True):
        for ngram in ngrams_of(text, longest):
            counts[ngram][label] += 1
    return {ngram: count for ngram, count in counts.items() if count.total() >= min_count}


def log_count_ratios(counts, label, imagined, imagined_others):
    """N-gram -> log((p / Σp) / (q / Σq)) of the texts with this label (p) against all others (q)."""
    p = {ngram: count[label] + imagined for ngram, count in counts.items()}
    q = {ngram: count.total() - count[label] + imagined_others for ngram, count in counts.items()}
    p_sum, q_sum = sum(p.values()), sum(q.values())
    return {ngram: math.log(p[ngram] / p_sum) - math.log(q[ngram] / q_sum) for ngram in counts}


def values_in_bag(counts, ratios, cutoff, n_texts):
    """N-gram -> its ratio, for those that are in the bag.

    An n-gram of nothing but words that are in 40 of 100 texts needs six times the cutoff for each of them.
    """
    common = {ngram for ngram, count in counts.items() if " " not in ngram and count.total() >= 0.4 * n_texts}

    def least(ngram):
        words = ngram.split()
        return cutoff * 6 * len(words) if common.issuperset(words) else cutoff

    return {ngram: ratio for ngram, ratio in ratios.items() if abs(ratio) >= least(ngram)}


def bag_of(text, values, longest, row_power):
    """N-gram -> its value, for those of a text that have one.

    A row longer than 5 is shortened to that; a shorter one, l long, is multiplied by (5 / l) to the power, as if it
    were never shorter than SHORTEST.
    """
    row = {ngram: values[ngram] for ngram in ngrams_of(text, longest) if ngram in values}
    length = math.sqrt(sum(value**2 for value in row.values()))
    factor = 5 / length if length > 5 else (5 / max(length, SHORTEST)) ** row_power
    return {ngram: value * factor for ngram, value in row.items()}
