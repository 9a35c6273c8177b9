"""How names are compared that people write in their own way."""

import unicodedata
from difflib import SequenceMatcher

ALIKE = 0.85  # ratio of `difflib` from which one name may be another, misspelled


def without_accents(name: str) -> str:
    """ "Prestamos" for "Préstamos"."""
    decomposed = unicodedata.normalize("NFD", name)
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def folded(name: str) -> str:
    """A name without case, accents and spaces around it: "etoiles" for "Étoiles "."""
    return without_accents(name.strip().casefold())


def is_misspelled(plain: str, other: str, alike: float = ALIKE) -> bool:
    """Whether these two may be one word, by the ratio of `difflib`; numbers never are."""
    has_digit = any(character.isdigit() for character in plain + other)
    return not has_digit and SequenceMatcher(None, plain, other).ratio() >= alike
