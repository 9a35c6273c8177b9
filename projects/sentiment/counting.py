"""From a corpus to the vocabulary of a fit: n-grams of growing length, their exact numbers of texts, their ratios.

With plain loops this would be, for `ngrams_of(text)`, the set of the n-grams in a text:

    counts = defaultdict(Counter)
    for text, label in zip(texts, labels):
        for ngram in ngrams_of(text):
            counts[ngram][label] += 1
    frequent = {ngram: count for ngram, count in counts.items() if count.total() >= min_count}

`tests/reference.py` has it so, and the tests hold this file to that. Of four texts and n-grams in two of them or more:

>>> from projects.sentiment.data import labelled_texts
>>> texts = ["a good film", "a good book", "a bad film", "a bad book"]
>>> vocabulary = build_vocabulary(labelled_texts(texts, ["good", "good", "bad", "bad"]), Settings(min_count=2))
>>> [(vocabulary.name(n), int(vocabulary.counts[n])) for n in range(len(vocabulary.counts))]
[('a', 4), ('bad', 2), ('book', 2), ('film', 2), ('good', 2), ('a bad', 2), ('a good', 2)]
>>> {vocabulary.name(n): round(float(vocabulary.ratios[n]), 2) for n in vocabulary.in_bag}  # see `ratios`
{'bad': -0.69, 'good': 0.69, 'a bad': -0.69, 'a good': 0.69}

The plain loops have all n-grams in memory at once, and most are in one text only. So an n-gram is counted here only
where both n-grams that it contains, one word shorter, may be frequent: no others can be (Agrawal and Srikant, "Fast
Algorithms for Mining Association Rules", 1994). A pass over the blocks for each length gives candidates, a last one
counts these exactly, by label, for the texts to train on and for those held out.

No n-gram is ever a string. The code of "a good film" is

    number of "a good" · number of single words + number of "film"

where candidates are numbered from 0 on: the single words first, then the pairs, then the triples.
"""

import functools
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from projects.common import progress
from projects.common.run_folder import working_folder
from projects.sentiment.corpus import Corpus, read_corpus
from projects.sentiment.counts import Counts, add_counts, count_codes, possible_keys
from projects.sentiment.data import Reviews
from projects.sentiment.engine import Engine
from projects.sentiment.excerpts import Drawing, Windows, draw_windows
from projects.sentiment.ngrams import Vocabulary, csr_matrix, distinct_pairs
from projects.sentiment.pieces import PieceCandidates, count_pieces, find_pieces
from projects.sentiment.ratios import strongest_ratios
from projects.sentiment.settings import Settings, common_from, least_count
from projects.sentiment.store import Store, slices
from projects.sentiment.tokens import NONE, HashTable, text_numbers

if TYPE_CHECKING:
    import scipy.sparse as sp


FEW_NUMBERS = 4_000_000  # of an array of counts: 16 MB
# which text of a block has which candidates [texts, candidates]: `find_ngrams` or `find_pieces`
Find = Callable[..., "sp.csr_matrix"]


class CandidateTable(NamedTuple):
    """The candidates of one length. Those of all lengths are numbered on, one length after the other."""

    keys: HashTable  # of words, or codes of longer n-grams
    first: int  # number of the first one
    n_words: int  # words in one
    n_single: int  # candidates of one word


@dataclass
class Candidates:
    """The n-grams that may be in the vocabulary, and how many texts of the corpus exactly have them.

    Arrays of a block in the store: `indices` and `indptr`, a CSR matrix of which row has which candidate; `row_labels`,
    `row_weights` and `row_texts`, the number of its text [rows]; `of_texts`, the row that is each text. The rows are
    the texts to train on and their excerpts, then the texts held out and theirs.
    """

    names: np.ndarray  # of the single words, str [single words]
    codes: np.ndarray  # of the longer ones, ascending within a length, as in `Vocabulary`
    training: "sp.csr_matrix"  # texts of each label that have it and are not held out, int64 [labels, candidates]
    held_out: "sp.csr_matrix"

    def __len__(self) -> int:
        return len(self.names) + len(self.codes)


def count_candidates(corpus: Corpus, settings: Settings, engine: Engine) -> Candidates:
    """Every n-gram that is in enough of the texts to train the measured fit on, or of all, and some more."""
    words = corpus.unlabelled.words if corpus.unlabelled else None
    found = may_be_frequent(corpus, corpus.words, words, settings)
    n_single = len(found.keys)
    codes = [np.empty(0, np.int64)]
    table = CandidateTable(HashTable(found.keys), 0, 1, n_single)
    n_candidates = n_single
    for n_words in range(2, settings.ngrams + 1):
        counts = count_all(count_longer, corpus, settings, engine, engine.hand_out(table))
        longer = may_be_frequent(corpus, *counts, settings)
        table = CandidateTable(HashTable(longer.keys), n_candidates, n_words, n_single)
        codes.append(longer.keys)
        n_candidates += len(longer.keys)
    totals = count_exactly(find_ngrams, table, corpus, n_candidates, settings, engine)
    for block in corpus.all_blocks:  # not sooner: what a worker was at when it died is done again
        corpus.store.discard(block, "keys", *(grams(n_words) for n_words in range(1, settings.ngrams + 1)))
    training, held_out = sparse(totals.training), sparse(totals.held_out)
    return Candidates(found.names, np.concatenate(codes), training, held_out)


def count_all(
    count: Callable[..., Counts], corpus: Corpus, settings: Settings, engine: Engine, *shared: Any
) -> tuple[Counts, Counts | None]:
    """The counts over the blocks with labels, and over those without, if there are any."""
    add = functools.partial(add_counts, min_count=settings.min_count)
    labelled: Counts = engine.total(count, add, corpus.blocks, corpus.store, *shared)
    if corpus.unlabelled is None:
        return labelled, None
    return labelled, engine.total(count, add, corpus.unlabelled.blocks, corpus.store, *shared)


class MayBeFrequent(NamedTuple):
    """Keys that may be frequent enough, and of words their spelling."""

    keys: np.ndarray  # ascending
    names: np.ndarray


def may_be_frequent(corpus: Corpus, labelled: Counts, unlabelled: Counts | None, settings: Settings) -> MayBeFrequent:
    """The keys that may be in enough of the measured fit's texts with labels, or of these and all without."""
    n_labelled = int(corpus.texts_of_label.sum())
    places = possible_keys(labelled, least_count(settings, n_labelled))
    keys = labelled.keys[places]
    if unlabelled is None or corpus.unlabelled is None:
        return MayBeFrequent(keys, labelled.names[places] if len(labelled.names) else labelled.names)
    all_counts = add_counts([labelled, unlabelled], 0)
    least = least_count(settings, n_labelled + corpus.unlabelled.n_texts)
    keys = np.union1d(keys, all_counts.keys[possible_keys(all_counts, least)])
    names = all_counts.names
    return MayBeFrequent(keys, names[np.searchsorted(all_counts.keys, keys)] if len(names) else names)


def count_piece_candidates(corpus: Corpus, settings: Settings, engine: Engine) -> PieceCandidates:
    """Every piece that is in enough of the texts, as `count_candidates` has n-grams."""
    keys = may_be_frequent(corpus, *count_all(count_pieces, corpus, settings, engine), settings).keys
    totals = count_exactly(find_pieces, HashTable(keys), corpus, len(keys), settings, engine)
    for block in corpus.all_blocks:
        corpus.store.discard(block, "characters")
    return PieceCandidates(keys, sparse(totals.training), sparse(totals.held_out))


def count_exactly(
    find: Find, table: Any, corpus: Corpus, n_candidates: int, settings: Settings, engine: Engine
) -> "Totals":
    """The totals over the blocks with labels; which text has which candidates is saved of all blocks.

    find: how candidates are found in a block. table: in which table.
    """
    drawing = Drawing(settings.seed, settings.excerpts)
    shared = engine.hand_out(table)
    shape = (len(corpus.label_names), n_candidates)
    totals: Totals = engine.total(count_block, add_totals, corpus.blocks, corpus.store, find, shared, shape, drawing)
    if corpus.unlabelled:
        beside = drawing._replace(is_labelled=False)
        for _ in engine.map(search_block, corpus.unlabelled.blocks, corpus.store, find, shared, n_candidates, beside):
            pass
    return totals


def count_longer(block: str, store: Store, table: CandidateTable) -> Counts:
    """In how many texts of the block each n-gram is that has a word more than the candidates of this length."""
    ngrams = number_ngrams(block, store, table)
    at, codes = codes_of_longer(block, store, ngrams, table.n_words, table.n_single)
    keys = store.load(block, "keys")
    progress.advance()
    return count_codes(codes, text_numbers(keys)[at], len(store.load(block, "labels")))


def number_ngrams(block: str, store: Store, table: CandidateTable) -> np.ndarray:
    """The candidate of this length that starts at each word of the block, or NONE; saved, to find longer ones by."""
    if table.n_words == 1:
        ngrams = table.keys.find(store.load(block, "keys"))
    else:
        shorter = store.load(block, grams(table.n_words - 1))
        at, codes = codes_of_longer(block, store, shorter, table.n_words - 1, table.n_single)
        places = table.keys.find(codes)
        ngrams = np.full(len(shorter), NONE, np.int32)
        ngrams[at] = np.where(places == NONE, NONE, table.first + places)
    store.save(block, grams(table.n_words), ngrams)
    return ngrams


def codes_of_longer(
    block: str, store: Store, ngrams: np.ndarray, n_words: int, n_single: int
) -> tuple[np.ndarray, np.ndarray]:
    """Where n-grams with a word more than these start, and their codes: where both that are in them are candidates."""
    words = ngrams if n_words == 1 else store.load(block, grams(1))
    at = np.flatnonzero((ngrams[:-1] != NONE) & (ngrams[1:] != NONE))
    return at, ngrams[at] * np.int64(n_single) + words[at + n_words]


def grams(n_words: int) -> str:
    """The name of a block's array of n-grams."""
    return f"{n_words}-grams"


class Totals(NamedTuple):
    """Texts of each label that have each candidate [labels, candidates]: those to train on, and those held out.

    Each a CSR matrix or, where they are few numbers, an array, see `texts_with`.
    """

    training: Any
    held_out: Any


def count_block(block: str, store: Store, find: Find, table: Any, shape: tuple[int, int], drawing: Drawing) -> Totals:
    """The totals of one block; which text has which candidates is saved."""
    n_labels, n_candidates = shape
    return totals_of(find(block, store, table, n_candidates, drawing), block, store, n_labels)


def search_block(block: str, store: Store, find: Find, table: Any, n_candidates: int, drawing: Drawing) -> None:
    """Save which text of a block without labels has which candidates."""
    find(block, store, table, n_candidates, drawing)
    progress.advance()


def totals_of(presence: "sp.csr_matrix", block: str, store: Store, n_labels: int) -> Totals:
    """The totals of one block, from which of its texts has which candidates [texts, candidates]."""
    labels = store.load(block, "labels")
    held_out = store.load(block, "held_out")
    progress.advance()
    return Totals(
        training=texts_with(presence, labels, ~held_out, n_labels),
        held_out=texts_with(presence, labels, held_out, n_labels),
    )


def find_ngrams(
    block: str, store: Store, longest: CandidateTable, n_candidates: int, drawing: Drawing
) -> "sp.csr_matrix":
    """Which text of the block has which candidates, with 1 in each place [texts, candidates]; all rows are saved."""
    number_ngrams(block, store, longest)
    labels = store.load(block, "labels")
    windows = draw_windows(block, store.load(block, "keys"), store.load(block, "held_out"), drawing)
    indices, indptr = ngrams_in(windows, block, store, longest.n_words, n_candidates)
    store.save(block, "indices", indices)
    store.save(block, "indptr", indptr)
    store.save(block, "row_labels", labels[windows.texts])
    store.save(block, "row_texts", windows.texts)
    store.save(block, "of_texts", windows.of_texts)
    store.save(block, "row_weights", windows.weights)
    presence = csr_matrix(np.ones(len(indices), np.int32), indices, indptr, n_candidates)
    return presence[windows.of_texts]


def ngrams_in(
    windows: Windows, block: str, store: Store, longest: int, n_candidates: int
) -> tuple[np.ndarray, np.ndarray]:
    """Which window has which candidates: `indices` and `indptr` of a CSR matrix."""
    rows = []
    columns = []
    for n_words in range(1, longest + 1):
        ngrams = store.load(block, grams(n_words))
        n_places = np.maximum(windows.lengths - n_words + 1, 0)
        at = slices(windows.starts, n_places)
        found = ngrams[at]
        is_there = found != NONE
        rows.append(np.repeat(np.arange(len(n_places), dtype=np.int32), n_places)[is_there])
        columns.append(found[is_there])
    return distinct_pairs(np.concatenate(rows), np.concatenate(columns), (len(windows.starts), n_candidates))


def texts_with(presence: "sp.csr_matrix", labels: np.ndarray, chosen: np.ndarray, n_labels: int) -> Any:
    """How many of the chosen texts of each label have each candidate, int32 [labels, candidates].

    An array where it has up to FEW_NUMBERS: it is made, and added to others, in a tenth of the time. Else a CSR
    matrix, as most n-grams have few of many labels.
    """
    if n_labels * presence.shape[1] <= FEW_NUMBERS:
        is_of_label = (labels == np.arange(n_labels)[:, np.newaxis]) & chosen  # [labels, texts]
        return (presence.T @ is_of_label.T.astype(np.int32)).T
    rows = np.flatnonzero(chosen)
    by_label = rows[np.argsort(labels[rows], kind="stable")]
    ends = np.cumsum(np.bincount(labels[rows], minlength=n_labels))
    is_of_label = csr_matrix(np.ones(len(rows), np.int32), by_label, np.append(0, ends), presence.shape[0])
    return is_of_label @ presence  # [labels, texts] @ [texts, candidates]


def sparse(counts: Any) -> "sp.csr_matrix":
    """The counts as a CSR matrix, int64."""
    import scipy.sparse as sp

    return sp.csr_matrix(counts).astype(np.int64)


def add_totals(totals: list[Totals]) -> Totals:
    """The totals of all."""
    training, held_out = zip(*totals, strict=True)
    return Totals(sum_of(training), sum_of(held_out))


def sum_of(matrices: Sequence[Any]) -> Any:
    """The sum of matrices or arrays of one shape."""
    return functools.reduce(operator.add, matrices)


def choose_vocabulary(
    candidates: Candidates, counts: "sp.csr_matrix", texts: np.ndarray, settings: Settings
) -> tuple[Vocabulary, np.ndarray]:
    """The vocabulary of a fit, numbered as `Vocabulary` says; and the column of each candidate, or NONE.

    counts [labels, candidates]: texts of the fit that have a candidate. texts [labels]: all texts of the fit.
    """
    in_texts = np.asarray(counts.sum(axis=0)).ravel()
    least = least_count(settings, int(texts.sum()))
    is_frequent = in_texts >= least
    codes, order = renumber(candidates, in_texts, is_frequent)
    words = candidates.names[order[: len(order) - len(codes)]].tolist()
    ratios = strongest_ratios(counts[:, order], texts)
    vocabulary = Vocabulary(
        words,
        codes,
        in_texts[order].astype(np.int32),
        ratios,
        min_count=least,
        polarity_cutoff=settings.polarity_cutoff,
        common_from=common_from(int(texts.sum())),
        negation=settings.negation,
        row_power=settings.row_power,
    )
    columns = np.full(len(in_texts), NONE, np.int32)
    columns[order] = vocabulary.column
    return vocabulary, columns


def renumber(candidates: Candidates, in_texts: np.ndarray, is_frequent: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Codes of the longer n-grams that are frequent, and the candidate of each number, as in `Vocabulary`.

    The words come first, the most frequent with number 0.
    """
    n_single = len(candidates.names)
    by_frequency = np.lexsort((candidates.names, -in_texts[:n_single]))
    words = by_frequency[is_frequent[by_frequency]]
    numbers = np.full(len(in_texts), NONE)
    numbers[words] = np.arange(len(words))
    order = [words]
    codes = [np.empty(0, np.int64)]
    n_numbered = len(words)
    prefixes, last_words = np.divmod(candidates.codes, max(1, n_single))
    start = n_single
    while start < len(in_texts):  # one length at a time: the n-grams whose prefixes are shorter
        # codes ascend with their prefixes: from here on n-grams begin with one that is not numbered yet, a word longer
        stop = n_single + int(np.searchsorted(prefixes, start))
        some = np.flatnonzero(is_frequent[start:stop]) + start
        # what is in a frequent n-gram is frequent, too, and has a number
        new_codes = numbers[prefixes[some - n_single]] * np.int64(len(words)) + numbers[last_words[some - n_single]]
        by_code = np.argsort(new_codes)
        some = some[by_code]
        numbers[some] = np.arange(n_numbered, n_numbered + len(some))
        order.append(some)
        codes.append(new_codes[by_code])
        n_numbered += len(some)
        start = stop
    return np.concatenate(codes), np.concatenate(order)


def build_vocabulary(reviews: Reviews, settings: Settings = Settings()) -> Vocabulary:  # noqa: B008 - it is frozen
    """The vocabulary of a fit to all these texts. Raises ProjectError."""
    engine = Engine()
    with working_folder(None) as folder:
        corpus = read_corpus([reviews], Store(folder), settings, engine, label_names=reviews.label_names)
        candidates = count_candidates(corpus, settings, engine)
    counts = candidates.training + candidates.held_out
    vocabulary, _ = choose_vocabulary(candidates, counts, corpus.texts_of_label + corpus.held_out_of_label, settings)
    return vocabulary
