"""Counting, ratios and bags against `reference`: in memory, in blocks, in a folder, in threads."""

import random

import numpy as np
import pytest
import reference
from hypothesis import given, settings
from hypothesis import strategies as st

from projects.sentiment import blocks, counts, data, runs
from projects.sentiment import settings as sentiment_settings
from projects.sentiment.bags import Bags
from projects.sentiment.corpus import read_corpus
from projects.sentiment.counting import build_vocabulary, choose_vocabulary, count_candidates
from projects.sentiment.data import Reviews
from projects.sentiment.engine import Engine
from projects.sentiment.hashes import mix, text_hash
from projects.sentiment.ratios import SMOOTHING
from projects.sentiment.sample import simulate_reviews
from projects.sentiment.settings import Settings, least_count
from projects.sentiment.store import Store

CUTOFF = 0.05
SOME_WORDS = ["a", "b", "c", "!", "not", "never", "naïve", "don't", "很好", "👍🏽", ":)", "हिन्दी"]
some_texts = st.lists(
    st.lists(
        st.sampled_from(SOME_WORDS),
        max_size=12,
    ).map(" ".join),
    min_size=2,
    max_size=8,
)


def check(vocabulary, texts, labels, longest, min_count):
    """Hold what was counted, the ratios and the bags of these texts to the reference."""
    counted = reference.count_texts(texts, labels, longest, min_count)
    names = [vocabulary.name(number) for number in range(len(vocabulary.ratios))]
    assert dict(zip(names, vocabulary.counts.tolist(), strict=True)) == {
        ngram: count.total() for ngram, count in counted.items()
    }
    share = sum(labels) / len(labels)
    ratios = reference.log_count_ratios(counted, 1, SMOOTHING * share, SMOOTHING * (1 - share))
    np.testing.assert_allclose(vocabulary.ratios, [ratios[name] for name in names], rtol=1e-5, atol=1e-6)
    values = reference.values_in_bag(counted, ratios, CUTOFF, len(texts))
    assert [names[number] for number in vocabulary.in_bag] == [name for name in names if name in values]
    X = vocabulary.bag(*vocabulary.columns_of([*texts, ""]))  # several texts, so that it is sparse
    for i, text in enumerate(texts):
        row = {names[vocabulary.in_bag[column]]: X[i, column] for column in X[i].indices}
        assert row == pytest.approx(reference.bag_of(text, values, longest, vocabulary.row_power), rel=1e-4, abs=1e-6)


def check_in_memory(texts, labels, longest, min_count):
    chosen = Settings(ngrams=longest, min_count=min_count, polarity_cutoff=CUTOFF)
    vocabulary = build_vocabulary(Reviews(texts, labels), chosen)
    check(vocabulary, texts, labels, longest, min_count)


@given(some_texts, st.integers(1, 4), st.integers(1, 3))
def test_random_texts(texts, longest, min_count):
    check_in_memory(texts, [i % 2 for i in range(len(texts))], longest, min_count)


def test_real_texts(reviews_archive):
    reviews = data.read_reviews(reviews_archive, "train")
    chosen = random.Random(0).sample(range(len(reviews.texts)), 300)
    texts = [reviews.texts[i] for i in chosen]
    check_in_memory(texts, [reviews.labels[i] for i in chosen], 3, 2)


@pytest.fixture(scope="module")
def simulated():
    rows = [row for row in simulate_reviews() if row["split"] == "train"][:1500]
    return Reviews([str(row["text"]) for row in rows], [int(row["label"] == "positive") for row in rows])


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("in_memory", [0, 200_000, 1 << 30])  # bytes: nothing, some of it, all
@pytest.mark.parametrize("per_texts", [25_000, 400, 90])  # of fewer, keys are left out on the way
def test_blocks_give_what_all_texts_do(simulated, tmp_path, monkeypatch, threads, in_memory, per_texts):
    monkeypatch.setattr(blocks, "BLOCK", 200)
    monkeypatch.setattr(runs, "RUN", 170)
    for module in (counts, sentiment_settings):
        monkeypatch.setattr(module, "PER_TEXTS", per_texts)
    chosen = Settings(ngrams=3, min_count=3, polarity_cutoff=CUTOFF, excerpts=0)
    engine, store = Engine(threads), Store(tmp_path, in_memory)
    sources = [simulated.take(np.arange(start, 1500, 3)) for start in range(3)]
    found = read_corpus(sources, store, chosen, engine)
    assert len(found.blocks) == 8
    assert (found.words.missed > 0) == (per_texts < 1000)
    assert bool(list(tmp_path.iterdir())) == (in_memory < 1 << 30)
    candidates = count_candidates(found, chosen, engine)
    fits = {
        "measured": (candidates.training, found.texts_of_label),
        "final": (candidates.training + candidates.held_out, found.texts_of_label + found.held_out_of_label),
    }
    held_out = set(texts_held_out(simulated, chosen.seed))
    for fit, (in_texts, texts_of_label) in fits.items():
        vocabulary, columns = choose_vocabulary(candidates, in_texts, texts_of_label, chosen)
        rows = [i for i in range(1500) if fit == "final" or i not in held_out]
        texts, labels = [simulated.texts[i] for i in rows], [simulated.labels[i] for i in rows]
        check(vocabulary, texts, labels, 3, least_count(chosen, len(rows)))
        bags = Bags(fit, store, vocabulary)
        for block in found.blocks:
            bags.save(block, columns)
        check_bags(bags, found, vocabulary, simulated, None if fit == "final" else False, rows)


def texts_held_out(reviews, seed):
    """The numbers of the texts that are held out, from their hashes alone."""
    hashes = np.array([text_hash(text) for text in reviews.texts], np.uint64)
    return np.flatnonzero(mix(hashes, seed) < np.uint64(blocks.VALIDATION_SHARE * 2**64))


def check_bags(bags, found, vocabulary, reviews, held_out, rows):
    """The bags of these rows of the corpus are those of the texts, in the order of their hashes."""
    chosen = [bags.rows(block, held_out) for block in found.blocks]
    X, labels, weights, _ = bags.read(found.blocks, chosen)
    assert set(weights.tolist()) == {1}
    n_blocks = len(found.blocks)
    last = set(texts_held_out(reviews, 0))  # in each block

    def place(i):
        of_text = text_hash(reviews.texts[i])
        return of_text * n_blocks >> 64, i in last, of_text

    in_order = sorted(rows, key=place)
    assert labels.tolist() == [reviews.labels[i] for i in in_order]
    expected = vocabulary.bag(*vocabulary.columns_of([reviews.texts[i] for i in in_order]))
    assert (expected != X).nnz == 0


texts_of_codes = st.lists(st.sets(st.integers(0, 12)), min_size=1, max_size=6)


@settings(max_examples=50)
@given(st.lists(texts_of_codes, min_size=1, max_size=8), st.integers(1, 4))
def test_counts_are_off_by_no_more_than_they_say_and_lose_nothing_frequent(tables, min_count):
    def counted(texts):
        pairs = [(code, number) for number, codes in enumerate(texts) for code in codes]
        codes, numbers = np.array(pairs, np.int64).reshape(-1, 2).T
        return counts.count_codes(codes, numbers, len(texts))

    n_texts = sum(map(len, tables))
    per_texts, counts.PER_TEXTS = counts.PER_TEXTS, 10
    try:
        total = counts.NOTHING
        for table in tables:
            total = counts.add_counts([total, counted(table)], min_count)
    finally:
        counts.PER_TEXTS = per_texts
    least = max(min_count, -(-n_texts * min_count // 10))
    true = [sum(code in codes for texts in tables for codes in texts) for code in range(13)]
    found = dict(zip(total.keys.tolist(), total.at_least.tolist(), strict=True))
    assert total.n_texts == n_texts
    for code, n in enumerate(true):
        low, high = (found[code], found[code] + total.missed) if code in found else (0, total.missed)
        assert low <= n <= high
    frequent = {code for code, n in enumerate(true) if n >= least}
    assert frequent <= set(total.keys[counts.possible_keys(total, least)].tolist())


def test_mixed_hashes_by_hand():
    # splitmix64 from state 0 gives this first number (Vigna, "splitmix64.c", 2015, public domain)
    assert mix(np.array([0], np.uint64), 0).tolist() == [0xE220A8397B1DCDAF]
