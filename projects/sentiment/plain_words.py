"""The scores of a model in a few sentences, for somebody who knows none of their names."""

from typing import Any

from projects.common.errors import printable
from projects.common.words import counted
from projects.sentiment.confidence import FEWEST_SURE, GOOD

MANY = 2_000  # scored texts from which a share is said of 1,000 texts, not of 100


def in_sentences(scores: dict[str, Any]) -> list[str]:
    """How many texts are right, the range that chance leaves, and the baseline; then, for two labels, the confusions.

    For more labels that are numbers, how many are right or one step off.
    """
    n = scores["test"]["texts"]
    out_of = 1_000 if n >= MANY else 100
    right = of_so_many(scores["test"]["accuracy"], out_of)
    low, high = (round(out_of * share) for share in scores["accuracy_range"])
    majority = scores["baselines"]["majority"]
    always = f"always answering {printable(majority['label'])}: {of_so_many(majority['accuracy'], out_of)}"
    are_scored = "was" if n == 1 else "were"
    first = f"Of {out_of:,} texts {right} are right ({low} to {high}, as {n:,} {are_scored} scored); {always}."
    if scores["within_one_step"] is not None:
        return [first, f"{of_so_many(scores['within_one_step'], out_of)} are right or one step off."]
    if len(scores["labels"]) != 2:
        return [first]
    (_, first_for_second), (second_for_first, _) = scores["test"]["confusion"]
    names = [printable(scored["label"]) for scored in scores["labels"]]
    sizes = [scored["texts"] for scored in scores["labels"]]
    takes_second = f"takes {names[1]} for {names[0]} {counted(second_for_first, 'time')} in {sizes[1]:,}"
    takes_first = f"{names[0]} for {names[1]} {counted(first_for_second, 'time')} in {sizes[0]:,}"
    return [first, f"It {takes_second}, and {takes_first}."]


def of_so_many(share: float, out_of: int) -> int:
    """The share as a whole number; all and none are said only where they are true."""
    if share in (0.0, 1.0):
        return round(out_of * share)
    return min(max(round(out_of * share), 1), out_of - 1)


def recommendation(scores: dict[str, Any]) -> str | None:
    """What the limit for --unsure that training chose does to these answers; None where all are good without it, where
    training found none, or where it leaves few answers.
    """
    found = scores["sure"]
    if found is None or scores["test"]["accuracy"] >= GOOD:
        return None
    n_sure = round(scores["test"]["texts"] * (1 - found["unsure"]))
    if n_sure < FEWEST_SURE:
        return None
    unsure = of_so_many(found["unsure"], 100)
    right = of_so_many(found["accuracy"], 100)
    return (
        f"with --unsure {found['limit']:g}, as training chose it: {unsure} of 100 unsure, {right} % of the others right"
    )
