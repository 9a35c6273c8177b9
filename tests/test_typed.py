"""What people type: negation, short texts, and excerpts that are trained on for their sake."""

from collections import Counter, defaultdict

import numpy as np
import pytest
import reference
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from projects.common.checkpoint import Checkpoint
from projects.common.errors import ProjectError
from projects.sentiment import blocks, excerpts, negation, pieces, runs
from projects.sentiment.bags import Bags
from projects.sentiment.cli import main
from projects.sentiment.corpus import read_corpus
from projects.sentiment.counting import (
    build_vocabulary,
    choose_vocabulary,
    count_candidates,
    count_piece_candidates,
)
from projects.sentiment.data import Reviews, labelled_texts
from projects.sentiment.engine import Engine
from projects.sentiment.fits import MEASURED
from projects.sentiment.hashes import text_hash
from projects.sentiment.model import SecondView, SentimentModel
from projects.sentiment.ngrams import length_factors
from projects.sentiment.outputs import PIECES_SHARE
from projects.sentiment.pieces import Pieces
from projects.sentiment.report import page
from projects.sentiment.sample import simulate_reviews
from projects.sentiment.settings import Settings
from projects.sentiment.store import Store
from projects.sentiment.tokens import CLOSING, NONE, read_words
from projects.sentiment.tokens import tokens as plain_tokens
from projects.sentiment.training import Watcher, train

BY_HAND = {
    "It's not a bad film at all, but a long one": "its not ¬a ¬bad ¬film ¬at ¬all , but a long one",
    "DON'T! watch it": "dont ! watch it",
    "no one can not like it": "no ¬one ¬can not ¬like ¬it",
    "not one two three four five six": "not ¬one ¬two ¬three ¬four ¬five six",
    "not": "not",
    "a knot is nothing? never": "a knot is nothing ? never",
    "not 好看": "not ¬好 ¬看",
}


@pytest.mark.parametrize(("text", "names"), BY_HAND.items())
def test_negated_words_by_hand(text, names):
    assert negation.tokens(text, True) == names.split()
    assert negation.tokens(text, False) == plain_tokens(text)
    assert reference.names_of(text) == names.split()


some_words = st.lists(st.sampled_from(["a", "bad", "not", "never", "dont", ".", ",", "!", "?", "…", "café", "好"]))


@given(st.lists(some_words.map(" ".join), max_size=4))
def test_negated_words_are_those_of_plain_loops(texts):
    words = negation.read(texts, True)
    found = words.spelled(np.arange(len(words.keys)))
    assert found == [name for text in texts for name in [*reference.names_of(text), "\n"]]
    assert negation.name_keys([name for name in found if name != "\n"]).tolist() == [
        key for key in words.keys.tolist() if key != CLOSING
    ]


def test_a_negated_word_has_a_key_of_its_own_and_a_name_that_no_text_has():
    words = [letter * n for letter in "abé9" for n in range(1, 30)] + ["123456789", "x", "no"]
    keys = negation.name_keys(words + ["¬" + word for word in words])
    assert len(set(keys.tolist())) == 2 * len(words)
    assert read_words(["¬a"]).keys.tolist() == read_words(["a"]).keys.tolist()


def test_people_are_shown_negation_as_they_would_say_it():
    said = {
        "bad": "bad", "not": "not", "¬bad": "not … bad", "not ¬bad": "not bad", "¬bad ¬at ¬all": "not … bad at all",
        "dont ¬like ¬it": "dont like it", "is not ¬bad": "is not bad", "¬film . it": "not … film . it",
    }  # fmt: skip
    assert {name: negation.in_words(name) for name in said} == said


def test_ngrams_are_found_as_they_are_shown():
    vocabulary = build_vocabulary(
        Reviews(["not bad at all", "not bad at all", "a bad film"], [1, 1, 0]), Settings(min_count=1, polarity_cutoff=0)
    )
    numbers = vocabulary.in_bag.tolist()
    assert [vocabulary.in_bag[vocabulary.find(vocabulary.said(number))] for number in numbers] == numbers
    assert vocabulary.find("not ... bad") == vocabulary.find("Not … BAD") != vocabulary.find("bad")
    assert [vocabulary.find(text) for text in ("not … good", "not … ", "not … bad film", "…")] == [NONE] * 4


def test_rows_are_lengthened_by_a_power():
    lengths = np.array([10.0, 5.0, 0.5, 0.1, 0.0])
    np.testing.assert_allclose(length_factors(lengths, 0.0), [0.5, 1, 1, 1, 1])
    np.testing.assert_allclose(length_factors(lengths, 0.5), [0.5, 1, *[10**0.5] * 3])
    np.testing.assert_allclose(length_factors(lengths, 1.0), [0.5, 1, 10, 10, 10])


# ---- Excerpts


@pytest.fixture(scope="module")
def simulated():
    rows = [row for row in simulate_reviews() if row["split"] == "train"]
    return Reviews([str(row["text"]) for row in rows], [int(row["label"] == "positive") for row in rows])


def test_windows_lie_in_their_texts(simulated):
    words = read_words(["", "one", *simulated.texts[:400], " ".join(simulated.texts)])
    held_out = np.arange(words.n_texts) >= 300
    windows = excerpts.draw_windows("block", words.keys, held_out, excerpts.Drawing(1, 3))
    ends = np.flatnonzero(words.keys == CLOSING)
    starts = np.append(0, ends[:-1] + 1)
    assert (windows.starts >= starts[windows.texts]).all()
    assert (windows.starts + windows.lengths <= ends[windows.texts]).all()
    assert np.bincount(windows.texts).tolist() == [4] * words.n_texts
    assert sorted(windows.texts[:1200]) == [number for number in range(300) for _ in range(4)]
    whole = windows.of_texts
    assert windows.texts[whole].tolist() == list(range(words.n_texts))
    assert windows.lengths[whole].tolist() == (ends - starts).tolist()
    is_excerpt = np.ones(len(windows.texts), bool)
    is_excerpt[whole] = False
    lengths = np.minimum(windows.lengths, excerpts.FEWEST_WORDS)[is_excerpt]
    assert lengths.tolist() == np.minimum((ends - starts)[windows.texts[is_excerpt]], excerpts.FEWEST_WORDS).tolist()
    assert windows.lengths[is_excerpt].max() <= excerpts.MOST_WORDS
    assert windows.weights.mean() == pytest.approx(1)
    weight = windows.weights[is_excerpt][0] / windows.weights[whole][0]
    assert 3 * weight == pytest.approx(excerpts.WEIGHT)
    again = excerpts.draw_windows("block", words.keys, held_out, excerpts.Drawing(1, 3))
    other = excerpts.draw_windows("block", words.keys, held_out, excerpts.Drawing(2, 3))
    assert (windows.starts == again.starts).all()
    assert (windows.starts != other.starts).any()


def test_excerpts_have_the_ngrams_of_their_words(simulated, tmp_path):
    """Each row of an excerpt is that of some range of words of a text with its label."""
    options = Settings(excerpts=1, ngrams=2)
    simulated = simulated.take(np.arange(400))
    store = Store(tmp_path)
    found = read_corpus([simulated], store, options, Engine(1))
    candidates = count_candidates(found, options, Engine(1))
    texts = found.texts_of_label + found.held_out_of_label
    vocabulary, columns = choose_vocabulary(candidates, candidates.training + candidates.held_out, texts, options)
    bags = Bags("final", store, vocabulary)
    [block] = found.blocks
    bags.save(block, columns)
    n_training = int(found.texts_of_label.sum())
    assert bags.rows(block, False) == slice(0, 2 * n_training)
    assert bags.rows(block, True) == slice(2 * n_training, n_training + 400)
    assert bags.rows(block, None) == slice(0, 800)
    bag = bags.read([block], [slice(0, 2 * n_training)])
    columns_of = {vocabulary.name(number): column for column, number in enumerate(vocabulary.in_bag.tolist())}
    possible = set()
    for text, label in zip(simulated.texts, simulated.labels, strict=True):
        names = reference.names_of(text)
        for start in range(len(names)):
            for stop in range(start, len(names) + 1):
                ngrams = {" ".join(names[i : i + n]) for n in (1, 2) for i in range(start, stop - n + 1)}
                in_bag = {columns_of[ngram] for ngram in ngrams if columns_of.get(ngram, NONE) != NONE}
                possible.add((label, *sorted(in_bag)))
    lengths = []
    for i in range(n_training, 2 * n_training):
        row = bag.X[i]
        assert (bag.labels[i], *sorted(row.indices.tolist())) in possible
        lengths.append(row.nnz)
    assert len(set(lengths)) > 10
    values = vocabulary.row_values(bag.X.indices, bag.X.indptr)
    np.testing.assert_allclose(bag.X.data, values, rtol=1e-6)


# ---- Models


@pytest.fixture(scope="module")
def model(simulated):
    return train([simulated], Settings(epochs=10))


def test_a_negated_word_speaks_for_the_other_side(model):
    dull, not_dull = model.probabilities(["The plot is dull.", "The plot isn't dull at all."])[:, 1]
    assert dull < 0.4 < 0.5 < not_dull
    explained = dict(model.explain("I would not call the plot dull", 1)["words"])
    assert explained["not … dull"] > 0
    assert "dull" not in explained


def test_texts_without_english_negations_give_the_same_model_with_and_without():
    texts = ["ein guter film", "guter film", "ein schlechter film", "schlechter film wirklich"] * 20
    reviews = labelled_texts(texts, [1, 1, 0, 0] * 20)
    with_negation, without = (train([reviews], Settings(negation=on, epochs=2)) for on in (True, False))
    np.testing.assert_array_equal(with_negation.network.parameters, without.network.parameters)
    assert with_negation.vocabulary.words == without.vocabulary.words


# ---- The second view


@given(st.lists(st.text(alphabet="ab c!é好", max_size=20), max_size=4))
def test_pieces_are_all_seven_bytes_in_a_row_of_each_text(texts):
    contents = [pieces.spaced(text) for text in texts]
    keys, numbers = pieces.read_pieces(b"".join(contents))
    expected = []
    for number, text in enumerate(texts):
        spelled = f" {' '.join(reference.words_of(text))} ".encode()
        expected += [(spelled[i : i + 7], number) for i in range(len(spelled) - 6)]
    found = [int(key).to_bytes(8, "little") for key in keys]
    assert [(key[:7], number) for key, number in zip(found, numbers.tolist(), strict=True)] == expected
    assert all(key[7] == 0 for key in found)


def test_pieces_are_counted_and_weighed_as_by_plain_loops(simulated, tmp_path, monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK", 90)
    monkeypatch.setattr(runs, "RUN", 70)
    some = simulated.take(np.arange(300))
    options = Settings(characters=True, polarity_cutoff=0.3, excerpts=0)
    store = Store(tmp_path, 0)
    found = read_corpus([some], store, options, Engine(2))
    candidates = count_piece_candidates(found, options, Engine(2))
    texts = found.texts_of_label + found.held_out_of_label
    chosen, columns = pieces.choose_pieces(candidates, candidates.training + candidates.held_out, texts, options)
    counts = defaultdict(Counter)
    for text, label in zip(some.texts, some.labels, strict=True):
        spelled = f" {' '.join(reference.words_of(text))} "
        for piece in {spelled[i : i + 7] for i in range(len(spelled) - 6)}:
            counts[piece][label] += 1
    counts = {piece: count for piece, count in counts.items() if count.total() >= 3}
    share = sum(some.labels) / 300
    ratios = reference.log_count_ratios(counts, 1, 4 * share, 4 * (1 - share))
    expected = {piece: ratio for piece, ratio in ratios.items() if abs(ratio) >= 0.3}
    names = [int(key).to_bytes(8, "little")[:7].decode() for key in chosen.keys]
    assert dict(zip(names, chosen.ratios.tolist(), strict=True)) == pytest.approx(expected, rel=1e-4, abs=1e-5)
    bags = Bags("final", store, chosen, pieces.VIEW)
    for block in found.blocks:
        bags.save(block, columns)
    bag = bags.read(found.blocks, [bags.rows(block, None) for block in found.blocks])
    by_hash = sorted(zip(map(text_hash, some.texts), some.texts, strict=True))
    rows = chosen.bag([text for _, text in by_hash])
    assert sorted(map(tuple, bag.X.toarray().tolist())) == sorted(map(tuple, rows.toarray().tolist()))


@given(st.lists(st.text(alphabet="ab c!é好", max_size=20), min_size=1, max_size=4), st.integers(0, 9))
def test_pieces_of_excerpts_are_those_of_their_words(texts, seed):
    content = b"".join(pieces.spaced(text) for text in texts)
    words = [reference.words_of(text) for text in texts]
    ends = pieces.word_ends(content)
    assert (ends == CLOSING).nonzero()[0].tolist() == [sum(map(len, words[: i + 1])) + i for i in range(len(words))]
    windows = excerpts.draw_windows("b", ends, np.zeros(len(texts), bool), excerpts.Drawing(seed, 2))
    keys, rows = pieces.pieces_in(windows, content)
    all_words = [word for of_text in words for word in [*of_text, "\n"]]
    for row, (start, length) in enumerate(zip(windows.starts, windows.lengths, strict=True)):
        spelled = "".join(f" {word}" for word in all_words[start : start + length]).encode() + b" "
        expected = [spelled[i : i + 7] for i in range(len(spelled) - 6)]
        assert [int(key).to_bytes(8, "little")[:7] for key in keys[rows == row]] == expected


@pytest.fixture(scope="module")
def two_views(simulated):
    return train([simulated], Settings(characters=True))


def test_two_views_are_put_together_by_their_log_odds(two_views, simulated):
    texts = [*simulated.texts[:20], "tediousness", "a"]
    words = SentimentModel(two_views.network, two_views.vocabulary, two_views.settings)
    network, view = two_views.second
    log_odds = lambda p: np.log(p / (1 - p))  # noqa: E731
    first = log_odds(words.probabilities(texts)[:, 1])
    second = log_odds(network.predict(view.bag(texts))[:, 0].astype(float))
    share = PIECES_SHARE
    together = log_odds(two_views.probabilities(texts)[:, 1])
    np.testing.assert_allclose(together[:-1], ((1 - share) * first + share * second)[:-1], rtol=1e-4, atol=1e-5)
    assert together[-1] == first[-1]  # no piece is known
    assert two_views.probabilities(["xyzzy"])[0].tolist() == two_views.settings["base_rates"]


def test_a_word_never_seen_is_read_by_its_pieces(two_views):
    assert two_views.vocabulary.find("tediousness") == NONE
    assert two_views.predict("tediousness").label == "negative"
    assert two_views.predict("superbly").label == "positive"


def test_two_views_come_back_from_their_file_the_same(two_views, simulated, tmp_path):
    path = tmp_path / "m.safetensors"
    two_views.save(path)
    texts = simulated.texts[:50]
    np.testing.assert_array_equal(SentimentModel.load(path).probabilities(texts), two_views.probabilities(texts))
    content = path.read_bytes()
    train([simulated], Settings(characters=True), engine=Engine(1), run=tmp_path, in_memory=0).save(path)
    assert path.read_bytes() == content


def test_explanations_leave_the_pieces_as_they_are(two_views):
    text = "What a wonderful script. The acting is dull."
    effects = dict(two_views.explain(text, 1)["words"])
    assert effects["wonderful"] > 0 > effects["dull"]
    alone = SentimentModel(two_views.network, two_views.vocabulary, two_views.settings).explain(text, 1)["words"]
    # a third of the log-odds is the pieces'
    assert effects == pytest.approx({word: effect * 2 / 3 for word, effect in alone}, abs=1e-4)


def test_a_file_whose_pieces_are_out_of_order_is_refused(two_views, tmp_path):
    view = two_views.second
    turned = Pieces(view.pieces.keys[::-1].copy(), view.pieces.ratios, view.pieces.row_power)
    path = tmp_path / "m.safetensors"
    model = SentimentModel(
        two_views.network, two_views.vocabulary, two_views.settings, SecondView(view.network, turned)
    )
    model.save(path)
    with pytest.raises(ProjectError, match="pieces are not in order: train a new model"):
        SentimentModel.load(path)


def test_what_two_views_can_not_do_is_said(two_views, tmp_path):
    two_views.save(tmp_path / "model.safetensors")
    result = CliRunner().invoke(main, ["export", "--run", str(tmp_path), "--onnx", str(tmp_path / "m.onnx")])
    assert isinstance(result.exception, SystemExit | ProjectError)
    assert "without" in result.stderr + str(result.exception)
    html, can_type = page(two_views, tmp_path / "model.safetensors", None)
    assert not can_type
    assert "Train one without <code>--characters</code>" in html


def test_a_training_with_two_views_goes_on_where_it_was_stopped(simulated, tmp_path):
    options = Settings(characters=True, epochs=3)
    expected = train([simulated], options)
    for n_epochs in (2, 4, 5):  # of the measured fit, whose second view begins with the fourth
        folder = tmp_path / str(n_epochs)
        folder.mkdir()
        checkpoint = Checkpoint(folder, "sentiment")
        after_epoch = checkpoint.after_epoch

        def stopping(name, report, n_epochs=n_epochs, checkpoint=checkpoint, after_epoch=after_epoch):
            on_epoch = after_epoch(name, report)
            first = 3 if name.endswith("pieces") else 0

            def then(training):
                on_epoch(training)
                if name.startswith(MEASURED) and first + len(training.history) == n_epochs:
                    checkpoint.stopped = True

            return then

        checkpoint.after_epoch = stopping
        train([simulated], options, watcher=Watcher(checkpoint=checkpoint))
        checkpoint.write()
        resumed = Checkpoint(folder, "sentiment", resume=True)
        again = train([simulated], options, watcher=Watcher(checkpoint=resumed))
        np.testing.assert_array_equal(again.network.parameters, expected.network.parameters)
        np.testing.assert_array_equal(again.second.network.parameters, expected.second.network.parameters)
