"""Hashes of texts: they decide where a text goes, and tell whether a model was trained on it."""

import hashlib

import numpy as np

HASHES = 1 << 64
GOLDEN = 0x9E3779B97F4A7C15  # 2⁶⁴ / golden ratio, odd
MOST_REMEMBERED = 1_000_000  # texts whose hashes a model keeps, four bytes each


def text_hash(text: str) -> int:
    """64 bits that the text alone decides."""
    digest = hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little")


def mix(hashes: np.ndarray, seed: int) -> np.ndarray:
    """For each hash a number that hash and seed decide, as good as random, uint64.

    Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", 2014, the generator of figure 17.
    """
    z = hashes + np.uint64((seed + 1) * GOLDEN % HASHES)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def places_between(ascending: np.ndarray, low: int, high: int) -> slice:
    """Where, among ascending hashes, those from low to below high are."""
    first = int(np.searchsorted(ascending, np.uint64(low)))
    last = len(ascending) if high == HASHES else int(np.searchsorted(ascending, np.uint64(high)))
    return slice(first, last)


# What a model remembers of its texts


def short_hashes(hashes: np.ndarray) -> np.ndarray:
    """The upper half of each hash, uint32: of a million texts, one in 4,000 others has that of one of them."""
    return (hashes >> np.uint64(32)).astype(np.uint32)


def remember(parts: list[np.ndarray | None]) -> np.ndarray | None:
    """The hashes of all parts, ascending, each once; None where they are too many or some were."""
    hashes = np.empty(0, np.uint32)
    for part in parts:
        if part is None:
            return None
        hashes = np.union1d(hashes, part)
        if len(hashes) > MOST_REMEMBERED:
            return None
    return hashes


def is_remembered(text: str, remembered: np.ndarray) -> bool:
    """Whether the short hash of the text is among these, which are ascending."""
    short = np.uint32(text_hash(text) >> 32)
    place = int(np.searchsorted(remembered, short))
    return place < len(remembered) and bool(remembered[place] == short)
