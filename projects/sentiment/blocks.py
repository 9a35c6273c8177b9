"""Blocks: all texts whose hashes are in a range, put together from all runs; those held out come last."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from projects.common.files import fingerprint
from projects.sentiment.engine import Engine
from projects.sentiment.hashes import HASHES, mix, places_between
from projects.sentiment.labels import UNLABELLED
from projects.sentiment.runs import Run, characters_between, run_between
from projects.sentiment.store import Store, slices

BLOCK = 5_000  # texts of a block, about
PARTS = 9  # folds of the texts, for `tune`
VALIDATION_SHARE = 0.1  # of the training texts


class Split(NamedTuple):
    """How runs become blocks."""

    runs: list[Run]
    numbers: dict[str, int]  # of each label as it is written
    seed: int
    threshold: int  # a text is held out if its hash, mixed with the seed, is lower
    n_labels: int
    characters: bool  # whether blocks have them
    labelled_runs: Sequence[Run] = ()  # whose texts are left out,
    test_hashes: np.ndarray | None = None  # and those with these hashes, ascending


class Block(NamedTuple):
    """What is to be known of a block beside its arrays."""

    name: str
    n_texts: int
    training: np.ndarray  # texts of each label that are not held out, int64 [labels]
    held_out: np.ndarray
    digest: bytes  # of hashes and labels


def threshold(lowest: int) -> int:
    """The limit for a share of VALIDATION_SHARE, or a little higher, so that one text is below it."""
    return max(lowest + 1, int(VALIDATION_SHARE * HASHES))


def build_blocks(kind: str, n_texts: int, split: Split, store: Store, engine: Engine) -> list[Block]:
    """Blocks of about BLOCK texts."""
    n_blocks = -(-n_texts // BLOCK)
    numbered = [(f"{kind}-{number:06}", number, n_blocks) for number in range(n_blocks)]
    return list(engine.map(build_block, numbered, store, engine.hand_out(split)))


def build_block(numbered: tuple[str, int, int], store: Store, split: Split) -> Block:
    """Put together the block with this name and number, of so many, from its share of each run."""
    name, number, n_blocks = numbered
    low = HASHES * number // n_blocks
    high = HASHES * (number + 1) // n_blocks
    from_runs = (run_between(run, low, high, store, split.numbers) for run in split.runs)
    all_hashes, all_labels, lengths, keys = map(np.concatenate, zip(*from_runs, strict=True))
    is_held_out = mix(all_hashes, split.seed) < np.uint64(split.threshold)
    order = np.lexsort((all_labels, all_hashes, is_held_out))  # by the last one first: those held out are a slice
    if split.test_hashes is not None:
        order = order[are_new(all_hashes[order], low, high, store, split)]
    starts = np.cumsum(lengths) - lengths  # of each text, in `keys`
    hashes = all_hashes[order]
    labels = all_labels[order]
    held_out = is_held_out[order]
    store.save(name, "keys", keys[slices(starts[order], lengths[order])])
    store.save(name, "labels", labels)
    store.save(name, "held_out", held_out)
    store.save(name, "parts", parts_of(hashes, split.seed))
    if split.characters:
        store.save(name, "characters", characters_between(split.runs, low, high, store, order))
    labelled = labels != UNLABELLED
    return Block(
        name=name,
        n_texts=len(labels),
        training=np.bincount(labels[labelled & ~held_out], minlength=split.n_labels),
        held_out=np.bincount(labels[labelled & held_out], minlength=split.n_labels),
        digest=digest_of(hashes, labels),
    )


def are_new(ascending: np.ndarray, low: int, high: int, store: Store, split: Split) -> np.ndarray:
    """Which texts with these hashes, from low to below high, are there for the first time, bool [texts].

    Those are left out that have a label somewhere, or are for testing.
    """
    assert split.test_hashes is not None
    labelled = [store.load(run.name, "texts")["hash"] for run in split.labelled_runs]
    known = [hashes[places_between(hashes, low, high)] for hashes in (*labelled, split.test_hashes)]
    is_first = np.append(True, ascending[1:] != ascending[:-1])[: len(ascending)]
    is_new: np.ndarray = is_first & ~np.isin(ascending, np.concatenate(known))
    return is_new


def parts_of(hashes: np.ndarray, seed: int) -> np.ndarray:
    """In which of PARTS, of about the same size, each text is, uint8 [texts]; those held out are in the first one."""
    per_part = np.uint64(-(-HASHES // PARTS))
    return (mix(hashes, seed) // per_part).astype(np.uint8)


def digest_of(hashes: np.ndarray, labels: np.ndarray) -> bytes:
    """A digest of the texts and labels of a block, in the order of the hashes: whatever is held out."""
    order = np.lexsort((labels, hashes))
    return fingerprint([hashes[order].tobytes(), labels[order].tobytes()]).encode()
