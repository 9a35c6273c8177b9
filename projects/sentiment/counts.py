"""In how many texts each word or n-gram is: counts that can be added up, whoever counted.

Rare keys are left out on the way, but never one that would be in the vocabulary.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from projects.sentiment.settings import PER_TEXTS
from projects.sentiment.tokens import CLOSING, Words


class Counts(NamedTuple):
    """In how many texts each key is: in `at_least`, and in no more than `at_least + missed`, since rare keys go.

    Manku and Motwani, "Approximate Frequency Counts over Data Streams", 2002, in the mergeable form of Agarwal et
    al., "Mergeable Summaries", 2012: a key that is not here is in at most `missed` texts.
    """

    keys: np.ndarray  # distinct and ascending, uint64 or int64 [keys]
    at_least: np.ndarray  # int64 [keys]
    names: np.ndarray  # of words, their spelling [keys]; of n-grams nothing [0]
    missed: int
    n_texts: int


NOTHING = Counts(np.empty(0, np.uint64), np.empty(0, np.int64), np.empty(0, object), 0, 0)


def count_codes(codes: np.ndarray, texts: np.ndarray, n_texts: int) -> Counts:
    """In how many of the texts each code is, exactly. codes (from 0 to below 2⁶² / n_texts) and texts: in pairs."""
    bits = n_texts.bit_length()
    pairs = codes.astype(np.int64) << bits | texts
    pairs.sort()
    distinct_pairs, _ = distinct(pairs)
    code_of_pair = distinct_pairs >> bits
    keys, starts = distinct(code_of_pair)
    in_texts = np.diff(np.append(starts, len(code_of_pair)))
    return Counts(keys, in_texts, np.empty(0, object), 0, n_texts)


def count_words(words: Words) -> Counts:
    """In how many of the texts each word is, exactly."""
    from pandas import factorize  # by a hash table; NumPy would sort

    at = np.flatnonzero(words.keys != CLOSING)
    numbers, keys = factorize(words.keys[at])
    somewhere = np.zeros(len(keys), np.int64)
    somewhere[numbers] = at
    order = np.argsort(keys)
    names = np.empty(len(keys), object)
    names[:] = words.spelled(somewhere[order])
    counts = count_codes(numbers, words.texts[at], words.n_texts)
    return Counts(keys[order], counts.at_least[order], names, 0, words.n_texts)


def add_counts(tables: Sequence[Counts], min_count: int) -> Counts:
    """The counts of all the tables' texts, without keys in no more than a third of the texts that are asked for.

    min_count: of every PER_TEXTS texts.
    """
    tables = tables or [NOTHING]
    all_keys = np.concatenate([table.keys for table in tables])
    all_counts = np.concatenate([table.at_least for table in tables])
    all_names = np.concatenate([table.names for table in tables])
    order = np.argsort(all_keys, kind="stable")
    keys, first = distinct(all_keys[order])
    at_least = np.add.reduceat(all_counts[order], first) if len(first) else all_counts
    missed = sum(table.missed for table in tables)
    n_texts = sum(table.n_texts for table in tables)
    limit = n_texts * min_count // (3 * PER_TEXTS)  # never less than `missed`: it is a sum of such limits
    stays = at_least + missed > limit
    names = all_names[order[first[stays]]] if len(all_names) else all_names
    return Counts(keys[stays], at_least[stays] + missed - limit, names, limit, n_texts)


def possible_keys(counts: Counts, least: int) -> np.ndarray:
    """Places of the keys that may be in `least` texts; every key that is, is among them."""
    return np.flatnonzero(counts.at_least + counts.missed >= least)


def distinct(ascending: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The distinct values of an ascending array, and where each is first."""
    is_first = np.append(True, ascending[1:] != ascending[:-1])[: len(ascending)]
    first = np.flatnonzero(is_first)
    return ascending[first], first
