"""Numbers with what they count, in words."""


def counted(number: int, noun: str) -> str:
    """ "1 text", "2,000 texts"."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def are(number: int) -> str:
    """The verb of so many."""
    return "is" if number == 1 else "are"
