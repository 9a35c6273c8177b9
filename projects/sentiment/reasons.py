"""Why an answer is as it is, in a few words for a cell of a table."""

from collections.abc import Iterable

from projects.sentiment.characters import MARKS

MOST_FOR, MOST_AGAINST = 3, 2  # n-grams that are named
FAINT = 0.1  # effect on the log-odds below which an n-gram is not named


def in_short(effects: Iterable[tuple[str, float]]) -> str:
    """What speaks for the answer, and what against it. effects: of its n-grams on its log-odds, the strongest first.

    >>> in_short([("worth seeing .", 1.1), ("seeing .", 0.4), ("thin plot", -0.3), ("a", 0.01)])
    'for: worth seeing; against: thin plot'
    """
    strong = [(without_marks(ngram), effect) for ngram, effect in effects if abs(effect) >= FAINT]
    sides = {
        "for": apart((name for name, effect in strong if effect > 0), MOST_FOR),
        "against": apart((name for name, effect in strong if effect < 0), MOST_AGAINST),
    }
    return "; ".join(f"{side}: {', '.join(names)}" for side, names in sides.items() if names)


def without_marks(ngram: str) -> str:
    """The words of an n-gram."""
    return " ".join(word for word in ngram.split() if word not in MARKS)


def apart(names: Iterable[str], most: int) -> list[str]:
    """The first of these names, `most` at most; none is empty or has a part of another one."""
    kept: list[str] = []
    for name in names:
        is_new = not any(f" {name} " in f" {other} " or f" {other} " in f" {name} " for other in kept)
        if name and is_new and len(kept) < most:
            kept.append(name)
    return kept
