"""The vocabulary of more reviews than memory holds, from counts that can be added up.

Rare keys are left out of the counts on the way, but never one that would be in the vocabulary, and those that are get
counted exactly in the end: what `count_vocabulary` gives does not depend on files, blocks, their order, or who counted.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from pathlib import Path
from typing import NamedTuple

import numpy as np

from projects.common.files import sha256
from projects.sentiment.data import Names, drawn
from projects.sentiment.shards import Engine, Labelled, Shard, deal, labelled, load, save, words_of
from projects.sentiment.text import Vocabulary, distinct_pairs, log_count_ratios
from projects.sentiment.tokens import CLOSING, NONE, Table, Words, read_words
from projects.sentiment.training import VALIDATION_SHARE

PER_REVIEWS = 25_000  # reviews that --min-count is meant for: of twice as many, an n-gram must be in twice as many
BLOCK = 5_000  # reviews whose words are in memory at a time,
BLOCK_CHARACTERS = 50_000_000  # or fewer, if they are this long together
GROUPS = 4  # of blocks for each slot: added up by the worker, so that the driver gets few counts
HELD_OUT = "-held-out"  # ends the name of a block that is for measuring


class Counts(NamedTuple):
    """In how many texts each key is: in `at_least`, and in no more than `at_least + missed`, since rare keys go.

    Manku and Motwani, "Approximate Frequency Counts over Data Streams", 2002, in the mergeable form of Agarwal et al.,
    "Mergeable Summaries", 2012: a key that is not here is in at most `missed` texts.
    """

    keys: np.ndarray  # distinct and ascending, uint64 or int64 [keys]
    at_least: np.ndarray  # int64 [keys]
    names: np.ndarray  # of words, their spelling [keys]; of n-grams nothing [0]
    missed: int
    texts: int


NOTHING = Counts(np.empty(0, np.uint64), np.empty(0, np.int64), np.empty(0, object), 0, 0)


def distinct(ascending: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The distinct values of an ascending array, and where each is first."""
    first = np.flatnonzero(np.append(True, ascending[1:] != ascending[:-1])[: len(ascending)])
    return ascending[first], first


def count(codes: np.ndarray, texts: np.ndarray, n_texts: int) -> Counts:
    """In how many of the texts each code is, exactly. codes (at least 0, below 2⁶² / n_texts) and texts: in pairs."""
    bits = n_texts.bit_length()
    pairs = codes.astype(np.int64) << bits | texts
    pairs.sort()
    keys, starts = distinct(once := distinct(pairs)[0] >> bits)
    return Counts(keys, np.diff(np.append(starts, len(once))), np.empty(0, object), 0, n_texts)


def count_words(words: Words) -> Counts:
    """In how many of the texts each word is, exactly."""
    from pandas import factorize  # by a hash table; NumPy would sort

    at = np.flatnonzero(words.keys != CLOSING)
    numbers, keys = factorize(words.keys[at])
    somewhere = np.zeros(len(keys), np.int64)
    somewhere[numbers] = at
    order = np.argsort(keys)
    names = np.array([*words.spelled(somewhere[order]), None], object)[:-1]
    counts = count(numbers, words.texts[at], words.n_texts)
    return Counts(keys[order], counts.at_least[order], names, 0, words.n_texts)


def merge(tables: Sequence[Counts], min_count: int) -> Counts:
    """The counts of all the tables' texts, without keys that are in no more than a third of what `threshold` asks."""
    tables = tables or [NOTHING]
    keys, at_least = (np.concatenate([getattr(table, name) for table in tables]) for name in ("keys", "at_least"))
    names = np.concatenate([table.names for table in tables])
    order = np.argsort(keys, kind="stable")
    keys, first = distinct(keys[order])
    at_least = np.add.reduceat(at_least[order], first) if len(first) else at_least
    missed, texts = sum(table.missed for table in tables), sum(table.texts for table in tables)
    limit = texts * min_count // (3 * PER_REVIEWS)  # never less than `missed`: it is a sum of such limits
    kept = at_least + missed > limit
    names = names[order[first[kept]]] if len(names) else names
    return Counts(keys[kept], at_least[kept] + missed - limit, names, limit, texts)


def add_up(tables: Iterable[Counts], min_count: int) -> Counts:
    """The sum of all tables. Merged when those that wait are as large as their sum so far: each key is moved seldom."""
    waiting: list[Counts] = []
    size = 0
    for table in tables:
        waiting.append(table)
        if sum(len(other.keys) for other in waiting) >= 2 * size:
            waiting = [merge(waiting, min_count)]
            size = len(waiting[0].keys)
    return merge(waiting, min_count)


def threshold(texts: int, min_count: int) -> int:
    """Texts that an n-gram must be in: min_count, and min_count of every PER_REVIEWS texts."""
    return max(min_count, -(-texts * min_count // PER_REVIEWS))


def candidates(counts: Counts, least: int) -> np.ndarray:
    """Places of the keys that may be in `least` texts; every key that is, is among them."""
    return np.flatnonzero(counts.at_least + counts.missed >= least)


def read_shard(file: tuple[int, Path], folder: Path, names: Names, seed: int, min_count: int) -> tuple[Shard, Counts]:
    """First pass: a file's texts become words, saved in blocks; and in how many training texts each word is.

    VALIDATION_SHARE of the training texts, drawn with `seed`, are held out. Raises ProjectError.
    """
    number, path = file
    shard = Shard([], [], np.zeros(2, np.int64), {}, False, sha256(path))
    simulated = False

    def close(reviews: list[Labelled], held_out: bool) -> Counts:
        blocks = shard.held_out if held_out else shard.blocks
        block = folder / f"{number:06}-{len(blocks):06}{HELD_OUT if held_out else ''}"
        words = read_words(review.text for review in reviews)
        labels = np.array([review.label for review in reviews], np.int8)
        for name, array in (("keys", words.keys), ("texts", words.texts), ("labels", labels)):
            save(block, name, array)
        blocks.append(block)
        if held_out:
            return NOTHING
        shard.per_label[:] += np.bincount(labels, minlength=2)
        return count_words(words)

    def tables() -> Iterator[Counts]:  # one of them is in memory at a time
        nonlocal simulated
        waiting: tuple[list[Labelled], list[Labelled]] = [], []
        characters = [0, 0]
        for review in labelled(path, "train", names, shard.others):
            simulated |= review.simulated
            held_out = drawn(review.text, f"validation {seed}") < VALIDATION_SHARE
            waiting[held_out].append(review)
            characters[held_out] += len(review.text)
            if len(waiting[held_out]) == BLOCK or characters[held_out] > BLOCK_CHARACTERS:
                yield close(waiting[held_out], held_out)
                waiting[held_out].clear()
                characters[held_out] = 0
        for held_out in (False, True):
            if waiting[held_out]:
                yield close(waiting[held_out], held_out)

    counts = add_up(tables(), min_count)
    return shard._replace(simulated=simulated), counts


class Known(NamedTuple):
    """The candidates of one length. Those of all lengths are numbered one after the other."""

    table: Table  # of the keys of words, or of codes as in `Vocabulary`
    first: int  # number of the first one
    length: int
    n_words: int  # candidates of length 1


def number_ngrams(block: Path, known: Known) -> np.ndarray:
    """The candidate that starts at each word of the block, or NONE; saved, to find longer ones by."""
    if known.length == 1:
        ngrams = known.table.find(np.array(load(block, "keys")))
    else:
        shorter = np.array(load(block, f"{known.length - 1}-grams"))
        at, codes = codes_of_longer(block, shorter, known.length - 1, known.n_words)
        places = known.table.find(codes)
        ngrams = np.full(len(shorter), NONE, np.int32)
        ngrams[at] = np.where(places == NONE, NONE, known.first + places)
    save(block, f"{known.length}-grams", ngrams)
    return ngrams


def codes_of_longer(block: Path, ngrams: np.ndarray, length: int, n_words: int) -> tuple[np.ndarray, np.ndarray]:
    """Where n-grams with a word more than these start, and their codes: wherever both that are in them are known."""
    at = np.flatnonzero((ngrams[:-1] != NONE) & (ngrams[1:] != NONE))
    return at, ngrams[at] * np.int64(n_words) + (ngrams if length == 1 else load(block, "1-grams"))[at + length]


def count_longer(blocks: list[Path], known: Known, min_count: int) -> Counts:
    """In how many texts of these blocks each n-gram is that has a word more than the known ones, by its code."""

    def tables() -> Iterator[Counts]:  # one of them is in memory at a time
        for block in blocks:
            at, codes = codes_of_longer(block, number_ngrams(block, known), known.length, known.n_words)
            yield count(codes, load(block, "texts")[at], len(load(block, "labels")))

    return add_up(tables(), min_count)


def tally(blocks: list[Path], longest: Known, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How many texts, and how many positive ones, each candidate is in [size]; how often each word occurs [words].

    All exactly. Which candidates each text has is saved as the CSR matrix `candidate-indices`, `candidate-indptr`.
    """
    (counts, positive), occurrences = np.zeros((2, size), np.int64), np.zeros(longest.n_words, np.int64)
    for block in blocks:
        labels, texts, pairs = load(block, "labels"), load(block, "texts"), []
        number_ngrams(block, longest)
        for length in range(1, longest.length + 1):
            ngrams = np.array(load(block, f"{length}-grams"))
            at = np.flatnonzero(ngrams != NONE)
            pairs.append((texts[at], ngrams[at]))
            if length == 1:
                occurrences += np.bincount(ngrams[at], minlength=len(occurrences))
        rows, columns = map(np.concatenate, zip(*pairs, strict=True))
        indices, indptr = distinct_pairs(rows, columns, (len(labels), size))
        save(block, "candidate-indices", indices)
        save(block, "candidate-indptr", indptr)
        counts += np.bincount(indices, minlength=size)
        positive += np.bincount(indices[np.repeat(labels == 1, np.diff(indptr))], minlength=size)
    return counts, positive, occurrences


def settle(
    names: np.ndarray, codes_found: np.ndarray, counts: np.ndarray, positive: np.ndarray, occurrences: np.ndarray,
    least: int, polarity_cutoff: float, positive_share: float,
) -> tuple[Vocabulary, np.ndarray]:  # fmt: skip
    """The vocabulary of the candidates that are in `least` texts, numbered as `Vocabulary` says, from exact counts.

    And the column of each candidate, or NONE. names: of the words; codes_found: of the longer candidates.
    """
    often, n = counts >= least, len(names)
    kept = np.lexsort((names, -occurrences))
    kept = kept[often[kept]]
    words, codes, new, number = names[kept].tolist(), [np.empty(0, np.int64)], len(kept), np.full(len(counts), NONE)
    number[kept] = np.arange(new)
    order = [kept]
    prefix, last = np.divmod(codes_found, n)
    start = n
    while start < len(counts):  # n-grams of one length at a time: those whose first words are among the shorter ones
        stop = n + int(np.searchsorted(prefix, start))
        ids = np.arange(start, stop)[often[start:stop]]
        of_length = number[prefix[ids - n]] * np.int64(len(words)) + number[last[ids - n]]  # halves are frequent, too
        ids, of_length = ids[np.argsort(of_length)], np.sort(of_length)
        number[ids] = np.arange(new, new + len(ids))
        order.append(ids)
        codes.append(of_length)
        start, new = stop, new + len(ids)
    kept = np.concatenate(order)
    ratios = log_count_ratios(positive[kept], (counts - positive)[kept], positive_share)
    in_order = counts[kept].astype(np.int32)
    vocabulary = Vocabulary(words, np.concatenate(codes), in_order, ratios, least, polarity_cutoff)
    return vocabulary, np.where(number == NONE, NONE, vocabulary.column[number])


def count_vocabulary(
    shards: list[Shard], counted: Counts, engine: Engine, longest: int, min_count: int, polarity_cutoff: float
) -> tuple[Vocabulary, np.ndarray]:
    """The vocabulary that `learn_vocabulary` would give for all training texts in memory, with `threshold` for a count.

    And the column of each candidate, or NONE. A pass for each length finds candidates, a last one counts these exactly.
    """
    least = threshold(counted.texts, min_count)
    groups = deal([block for shard in shards for block in shard.blocks], GROUPS * engine.slots)
    places = candidates(counted, least)
    names, n, codes = counted.names[places], len(places), np.empty(0, np.int64)
    known = Known(Table(counted.keys[places]), 0, 1, n)
    for length in range(2, longest + 1):
        found = add_up(engine.map(count_longer, groups, engine.share(known), min_count), min_count)
        new = found.keys[candidates(found, least)]
        known = Known(Table(new), n + len(codes), length, n)
        codes = np.append(codes, new)
    totals = engine.map(tally, groups, engine.share(known), n + len(codes))
    counts, positive, occurrences = reduce(lambda sums, more: tuple(map(np.add, sums, more)), totals)
    per_label = np.sum([shard.per_label for shard in shards], axis=0)
    share = float(per_label[1] / per_label.sum())
    return settle(names, codes, counts, positive, occurrences, least, polarity_cutoff, share)


def save_bags(blocks: list[Path], columns: np.ndarray, vocabulary: Vocabulary) -> None:
    """The columns of the bag that each text has, for those whose candidates were found and for those held out."""
    for block in blocks:
        if block.name.endswith(HELD_OUT):
            indices, indptr = vocabulary.columns_in(words_of(block))
        else:
            found, ends = columns[load(block, "candidate-indices")], load(block, "candidate-indptr")
            rows = np.repeat(np.arange(len(ends) - 1), np.diff(ends))[found != NONE]
            indices, indptr = distinct_pairs(rows, found[found != NONE], (len(ends) - 1, len(vocabulary)))
        save(block, "indices", indices)
        save(block, "indptr", indptr)
