"""Negation: the words after “not”, up to a mark, are others than the same words elsewhere.

“not bad” speaks for a film and “bad” against it. The next SCOPE words after a negation word become negated words, in
the place of the plain ones, so that all that is learned of `bad` is learned apart for `bad` in “not a bad film”.
Das and Chen, "Yahoo! for Amazon", 2001; Pang, Lee and Vaithyanathan, "Thumbs up?", 2002. In texts without one of these
English words nothing changes.

>>> tokens("not a bad film, but bad", negation=True)
['not', '¬a', '¬bad', '¬film', ',', 'but', 'bad']
"""

from collections.abc import Iterable, Sequence

import numpy as np

from projects.sentiment.characters import MARKS
from projects.sentiment.tokens import CLOSING, NEGATED, NONE, HashTable, Words, read_words, word_keys

NEGATIONS = [
    "not",
    "no",
    "never",
    "nothing",
    "none",
    "nor",
    "cannot",
    "cant",
    "dont",
    "doesnt",
    "didnt",
    "isnt",
    "wasnt",
    "arent",
    "werent",
    "wont",
    "wouldnt",
    "couldnt",
    "shouldnt",
    "havent",
    "hasnt",
    "hadnt",
    "aint",
    "without",
    "hardly",
    "barely",
]
SCOPE = 5  # words
MARK = NEGATED.encode()
SAID = ("not … ", "not ... ")  # before a negated word: how people are shown it, and how else they may type it


def read(texts: Iterable[str], negation: bool) -> Words:
    """The words of the texts; with negation, those after a negation word negated."""
    words = read_words(texts)
    if not negation:
        return words
    negated = negated_places(words.keys)
    return words._replace(keys=np.where(negated, ~words.keys, words.keys), negated=negated)


def negated_places(keys: np.ndarray) -> np.ndarray:
    """Which of the words, that have these keys, are negated, bool [words].

    A mark, the end of a text and another negation word end a negation.
    """
    kinds = SIGNS.find(keys)
    is_negation = (kinds >= 0) & (kinds < len(NEGATIONS))
    ends = kinds != NONE
    negated = np.zeros(len(keys), bool)
    at = np.flatnonzero(is_negation)
    for _ in range(SCOPE):
        at = at + 1  # never beyond the last key, which is CLOSING
        at = at[~ends[at]]
        negated[at] = True
    return negated


def name_keys(names: Sequence[str]) -> np.ndarray:
    """The keys of words by their names, of which those of negated words begin with NEGATED, uint64 [names].

    A name is spelled as `tokens.read_words` reads it, so that it needs no reading: a model loads a quarter faster.
    """
    content = "\n".join([*names, ""]).encode() + bytes(len(MARK))
    codes = np.frombuffer(content, np.uint8)
    ends = np.flatnonzero(codes == CLOSING)
    starts = np.append(0, ends + 1)[:-1]
    is_negated = np.logical_and.reduce([codes[starts + place] == code for place, code in enumerate(MARK)])
    keys = word_keys(content, starts + len(MARK) * is_negated, ends)
    return np.where(is_negated, ~keys, keys)


def tokens(text: str, negation: bool) -> list[str]:
    """The names of the words of one text."""
    words = read([text], negation)
    return words.spelled(np.arange(len(words.keys) - 1))


def in_words(ngram: str) -> str:
    """An n-gram as people would say it: “not … bad” for the negated `bad`, “not bad” where `not` is in the n-gram."""
    names = ngram.split(" ")
    first_negated = next((place for place, name in enumerate(names) if name.startswith(NEGATED)), None)
    if first_negated is None:
        return ngram
    is_said = any(name in NEGATIONS for name in names[:first_negated])
    return ("" if is_said else SAID[0]) + " ".join(name.removeprefix(NEGATED) for name in names)


def as_text(said: str) -> tuple[str, int]:
    """A text that begins with an n-gram as people would say it, and how many of its words are not in the n-gram."""
    for before in SAID:
        if said.lower().startswith(before):
            return f"not {said[len(before) :]}", 1
    return said, 0


SIGNS = HashTable(np.append(name_keys([*NEGATIONS, *MARKS]), np.uint64(CLOSING)))  # of where a negation begins or ends
