"""How names are compared that people write in their own way."""

import unicodedata


def without_accents(name: str) -> str:
    """ "Prestamos" for "Préstamos"."""
    decomposed = unicodedata.normalize("NFD", name)
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def folded(name: str) -> str:
    """A name without case, accents and spaces around it: "etoiles" for "Étoiles "."""
    return without_accents(name.strip().casefold())
