"""Counting, ratios and bags against `reference`: in memory and in blocks of files."""

import json
import random

import numpy as np
import pytest
import reference
from hypothesis import given
from hypothesis import strategies as st

from projects.sentiment import data
from projects.sentiment.counting import add_up, count_vocabulary, read_shard
from projects.sentiment.data import USUAL_NAMES, drawn
from projects.sentiment.sample import simulate_reviews
from projects.sentiment.shards import Engine
from projects.sentiment.text import LONGEST_ROW, SMOOTHING, count_ngrams, learn_vocabulary
from projects.sentiment.training import VALIDATION_SHARE

CUTOFF = 0.05
some_texts = st.lists(
    st.lists(st.sampled_from(["a", "b", "c", "!", "naïve", "don't", "很好", "👍🏽", ":)", "हिन्दी"]), max_size=12).map(
        " ".join
    ),
    min_size=2,
    max_size=8,
)


def check(vocabulary, texts, labels, longest, min_count):
    """Hold what was counted, the ratios and the bags of these texts to the reference."""
    counts = reference.count_texts(texts, labels, longest, min_count)
    names = [vocabulary.name(number) for number in range(len(vocabulary.ratios))]
    assert dict(zip(names, vocabulary.counts.tolist(), strict=True)) == {
        ngram: count.total() for ngram, count in counts.items()
    }
    share = sum(labels) / len(labels)
    ratios = reference.log_count_ratios(counts, 1, SMOOTHING * share, SMOOTHING * (1 - share))
    np.testing.assert_allclose(vocabulary.ratios, [ratios[name] for name in names], rtol=1e-5, atol=1e-6)
    values = {ngram: ratio for ngram, ratio in ratios.items() if abs(ratio) >= CUTOFF}
    assert [names[number] for number in vocabulary.kept] == [name for name in names if name in values]
    X = vocabulary.bag(*vocabulary.columns_of([*texts, ""]))  # several texts, so that it is sparse
    for i, text in enumerate(texts):
        row = {names[vocabulary.kept[column]]: X[i, column] for column in X[i].indices}
        assert row == pytest.approx(reference.bag_of(text, values, longest, LONGEST_ROW), rel=1e-4, abs=1e-6)


def check_in_memory(texts, labels, longest, min_count):
    counted = count_ngrams(texts, min_count, longest)
    check(learn_vocabulary(*counted, np.array(labels), min_count, CUTOFF), texts, labels, longest, min_count)


@given(some_texts, st.integers(1, 4), st.integers(1, 3))
def test_random_texts(texts, longest, min_count):
    check_in_memory(texts, [i % 2 for i in range(len(texts))], longest, min_count)


def test_simulated_texts_in_files(tmp_path):
    rows = [row for row in simulate_reviews() if row["split"] == "train"][:1500]
    for number in range(3):
        lines = [json.dumps(row) + "\n" for row in rows[number::3]]
        (tmp_path / f"{number}.jsonl").write_text("".join(lines))
    shards, tables = zip(*(
        read_shard((number, tmp_path / f"{number}.jsonl"), tmp_path, USUAL_NAMES, 0, 3) for number in range(3)
    ), strict=True)  # fmt: skip
    vocabulary, _ = count_vocabulary(list(shards), add_up(tables, 3), Engine(), 3, 3, CUTOFF)
    trained_on = [row for row in rows if drawn(str(row["text"]), "validation 0") >= VALIDATION_SHARE]
    texts = [row["text"] for row in trained_on]
    check(vocabulary, texts, [int(row["label"] == "positive") for row in trained_on], 3, 3)


def test_real_texts(reviews_archive):
    reviews = data.read_reviews(reviews_archive, "train")
    chosen = random.Random(0).sample(range(len(reviews.texts)), 300)
    texts = [reviews.texts[i] for i in chosen]
    check_in_memory(texts, [reviews.labels[i] for i in chosen], 3, 2)
