"""A few thousand SIMULATED short reviews, for trying the commands without the real data.

Nobody wrote these: a seeded generator puts polar words, neutral words and negations into fixed patterns.
"""

import numpy as np

GOOD = ("wonderful", "superb", "touching", "brilliant", "gripping", "charming", "delightful", "witty", "beautiful")
BAD = ("dull", "lifeless", "tedious", "awful", "clumsy", "pointless", "predictable", "bland", "annoying", "shallow")
THINGS = ("plot", "acting", "script", "music", "ending", "dialogue", "cast", "direction", "editing", "story")
FILLER = (
    "I saw it on a Sunday evening.",
    "The film is about two hours long.",
    "It was shot in a small town by the sea.",
    "My sister chose it for the weekend.",
    "The main part is played by a newcomer.",
    "There is a long scene on a train.",
    "It is based on a novel.",
    "The cinema was half full.",
)
PATTERNS = ("The {thing} is {word}.", "A {word} {thing}!", "I found the {thing} {word}.", "What a {word} {thing}.")
NEGATED = ("The {thing} is not {word}.", "I would not call the {thing} {word}.", "The {thing} isn't {word} at all.")
REVIEWS = 4_000
NEGATION, DISSENT = 0.15, 0.2  # shares of sentences that negate a word, and that speak against the review's label


def simulate_reviews(seed: int = 0) -> list[dict[str, str | int]]:
    """REVIEWS rows with the columns text, label, split and simulated; every fourth is for testing."""
    rng = np.random.default_rng(seed)

    def pick(options: tuple[str, ...]) -> str:
        return options[rng.integers(len(options))]

    def opinion(positive: bool) -> str:
        positive ^= rng.random() < DISSENT
        negate = rng.random() < NEGATION
        word = pick(GOOD if positive != negate else BAD)
        return pick(NEGATED if negate else PATTERNS).format(thing=pick(THINGS), word=word)

    rows: list[dict[str, str | int]] = []
    for number in range(REVIEWS):
        positive = number % 2 == 0
        sentences = [opinion(positive) for _ in range(rng.integers(2, 6))]
        sentences += [pick(FILLER) for _ in range(rng.integers(1, 4))]
        rows.append(
            {
                "text": " ".join(sentences[i] for i in rng.permutation(len(sentences))),
                "label": "positive" if positive else "negative",
                "split": "test" if number // 2 % 4 == 0 else "train",
                "simulated": 1,
            }
        )
    return rows
