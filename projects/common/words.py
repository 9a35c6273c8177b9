"""Numbers with what they count, in words; and the words of tables for yes and no, in small letters."""

YES = ("1", "yes", "y", "true", "x", "ja", "oui", "sí", "si", "sì", "sim", "tak", "ano")
NO = ("0", "no", "n", "false", "none", "nein", "non", "não", "nao", "nee", "nej", "nie", "ne", "-")


def counted(number: int, noun: str) -> str:
    """ "1 text", "2,000 texts"."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def percent(share: float, digits: int = 0) -> str:
    """ "92.4 %" for 0.924 with one digit after the point."""
    return f"{100 * share:.{digits}f} %"


def are(number: int) -> str:
    """The verb of so many."""
    return "is" if number == 1 else "are"
