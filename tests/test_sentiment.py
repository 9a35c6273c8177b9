"""Reading reviews, their words, and the sentiment model."""

import copy
import gzip
import io
import json
import tarfile
from functools import partial
from itertools import chain

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import logit
from sklearn.feature_extraction.text import CountVectorizer
from test_labels import outcomes

from projects.common.errors import ProjectError
from projects.sentiment import archive as archive_module
from projects.sentiment import data
from projects.sentiment.counting import build_vocabulary
from projects.sentiment.evaluation import evaluate, scores
from projects.sentiment.layout import Layout
from projects.sentiment.model import SentimentModel
from projects.sentiment.negation import tokens as names_of_words
from projects.sentiment.ngrams import LONGEST_ROW, Vocabulary, csr_matrix
from projects.sentiment.ratios import log_count_ratios
from projects.sentiment.sample import REVIEWS, simulate_reviews
from projects.sentiment.settings import Settings
from projects.sentiment.tokens import NONE, HashTable, read_words, tokens
from projects.sentiment.training import Watcher, train


def archive(path, members):
    """A tar.gz with these members: name to bytes, or to a ready TarInfo."""
    with tarfile.open(path, "w:gz") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            if isinstance(content, bytes):
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
            else:
                content.name = name
                tar.addfile(content)
    return path


def link(kind, target="/etc/passwd"):
    info = tarfile.TarInfo()
    info.type, info.linkname = kind, target
    return info


GOOD, BAD = "aclImdb/train/pos/{}_9.txt", "aclImdb/train/neg/{}_2.txt"


def test_archive_is_read_by_part_in_the_order_of_numbers(tmp_path):
    members = {
        "aclImdb/README": b"skip me",
        GOOD.format(10): b"ten",
        BAD.format(2): "zwei é".encode(),
        GOOD.format(2): b"two",
        "aclImdb/train/unsup/1_0.txt": b"skip me",
        "aclImdb/test/pos/0_7.txt": b"unseen good",
        "aclImdb/test/neg/0_4.txt": b"unseen bad",
    }
    path = archive(tmp_path / "reviews.tar.gz", members)
    reviews = data.read_reviews(path, "train")
    assert (reviews.texts, reviews.labels) == (["zwei é", "two", "ten"], [0, 1, 1])
    assert data.read_reviews(path, "test").texts == ["unseen bad", "unseen good"]


def test_fault_09_links_devices_and_paths_that_lead_out_are_never_followed(tmp_path):
    members = {
        GOOD.format(1): link(tarfile.SYMTYPE),
        GOOD.format(2): link(tarfile.LNKTYPE, "aclImdb/README"),
        GOOD.format(3): link(tarfile.CHRTYPE),
        GOOD.format(4): link(tarfile.FIFOTYPE),
        "../../outside/train/pos/7_8.txt": b"read as a stream, written nowhere",
        BAD.format(1): b"bad",
    }
    before = sorted(tmp_path.parent.rglob("*"))
    path = archive(tmp_path / "hostile.tar.gz", members)
    reviews = data.read_reviews(path, "train")
    assert reviews.texts == ["bad", "read as a stream, written nowhere"]
    assert sorted(tmp_path.parent.rglob("*")) == sorted([*before, path])


def test_fault_11_archives_that_will_not_do_are_refused_naming_the_member(tmp_path):
    whole = archive(tmp_path / "whole.tar.gz", {GOOD.format(1): b"good " * 5000, BAD.format(1): b"bad"}).read_bytes()
    (tmp_path / "cut.tar.gz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.tar.gz").write_text("not an archive")
    cases = {
        archive(tmp_path / "none.tar.gz", {"aclImdb/README": b"hi"}): "has no texts to train on",
        archive(tmp_path / "one.tar.gz", {GOOD.format(1): b"good"}): "has only positive texts",
        archive(tmp_path / "latin.tar.gz", {BAD.format(1): b"x", GOOD.format(7): b"\xe9"}): r"pos/7_9.txt is not UTF-8",
        tmp_path / "cut.tar.gz": "is no whole tar.gz archive",
        tmp_path / "text.tar.gz": "is no whole tar.gz archive",
        tmp_path / "nowhere.tar.gz": "no file at",
    }
    for path, words in cases.items():
        with pytest.raises(ProjectError, match=words):
            data.read_reviews(path, "train")


def test_fault_11_damage_in_the_middle_of_an_archive_loses_no_review_silently(tmp_path):
    members = {kind.format(i): b"text " * 200 for i in range(20) for kind in (GOOD, BAD)}
    tar = bytearray(gzip.decompress(archive(tmp_path / "whole.tar.gz", members).read_bytes()))
    tar[10 * 1536 : 10 * 1536 + 4] = b"\xff\xff\xff\xff"  # in the eleventh member's header
    (tmp_path / "header.tar.gz").write_bytes(gzip.compress(bytes(tar)))
    checksum = bytearray((tmp_path / "whole.tar.gz").read_bytes())
    checksum[-8] ^= 1
    (tmp_path / "checksum.tar.gz").write_bytes(bytes(checksum))
    assert len(data.read_reviews(tmp_path / "whole.tar.gz", "train").texts) == 40
    for name in ("header", "checksum"):
        with pytest.raises(ProjectError, match=r"no whole tar\.gz archive"):
            data.read_reviews(tmp_path / f"{name}.tar.gz", "train")


def test_only_a_line_feed_ends_a_review(tmp_path):
    (tmp_path / "reviews.txt").write_text("a\x85b\nc\u2028d\ne\x0cf\ng\nh\n", encoding="utf-8")
    (tmp_path / "labels.txt").write_text("positive\nnegative\npositive\nnegative\npositive\n")
    assert data.read_reviews(tmp_path, "train").texts == ["a\x85b", "c\u2028d", "e\x0cf", "g"]


def test_fault_10_a_member_larger_than_a_review_can_be_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archive_module, "LONGEST_REVIEW", 10)
    path = archive(tmp_path / "bomb.tar.gz", {GOOD.format(1): b"0" * 11})
    with pytest.raises(ProjectError, match="has 11 bytes, more than a review can have"):
        data.read_reviews(path, "train")


def test_folder_keeps_its_last_reviews_for_the_test(tmp_path):
    (tmp_path / "reviews.txt").write_text("\n".join(f"review {i}" for i in range(10)) + "\n")
    (tmp_path / "labels.txt").write_text("positive\nnegative\n" * 5)
    assert data.read_reviews(tmp_path, "train").texts == [f"review {i}" for i in range(8)]
    assert data.read_reviews(tmp_path, "test").labels == [1, 0]
    (tmp_path / "labels.txt").write_text("positive\n \n" * 5)
    with pytest.raises(ProjectError, match=r"labels.txt, line 2: no label"):
        data.read_reviews(tmp_path, "train")
    (tmp_path / "labels.txt").write_text("positive\n")
    with pytest.raises(ProjectError, match=r"reviews.txt has 10 lines, labels.txt 1"):
        data.read_reviews(tmp_path, "train")


ROWS = [{"text": 'a "fine"\nfilm, truly', "label": "pos"}, {"text": "bad", "label": "neg"}] * 10


def test_fault_37_tables_of_every_format_say_the_same(tmp_path):
    quoted = '"a ""fine""\nfilm, truly"'
    (tmp_path / "t.csv").write_bytes(("\ufeff" + "text,label\r\n" + f"{quoted},pos\r\nbad,neg\r\n" * 10).encode())
    (tmp_path / "t.tsv").write_text("text\tlabel\n" + f"{quoted}\tpos\nbad\tneg\n" * 10)
    (tmp_path / "t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    read = [data.read_reviews(tmp_path / name, "train") for name in ("t.csv", "t.tsv", "t.jsonl")]
    assert read[0] == read[1] == read[2]
    assert set(read[0].texts) == {ROWS[0]["text"], "bad"}
    assert len(read[0].texts) == 20  # equal texts are drawn for the same part, these two for training


def test_a_split_column_decides(tmp_path):
    (tmp_path / "t.csv").write_text("text,label,split\na,1,train\nb,0,train\nc,1,test\nd,0,test\n")
    assert data.read_reviews(tmp_path / "t.csv", "test").texts == ["c", "d"]


@pytest.mark.parametrize(("first", "second"), [("", ', "split": "test"'), (', "split": "test"', "")])
def test_all_rows_have_a_split_or_none_has(tmp_path, first, second):
    rows = [f'{{"text": "{text}", "label": "1"{said}}}\n' for text, said in (("a", first), ("b", second))]
    (tmp_path / "t.jsonl").write_text("".join(rows))
    with pytest.raises(ProjectError, match=r"t.jsonl, line 2, column split: \S+ is neither train nor test"):
        data.read_reviews(tmp_path / "t.jsonl", "train")
    with pytest.raises(ProjectError, match=r"t.jsonl, line 2, column split: \S+ is neither train nor test"):
        list(data.File(tmp_path / "t.jsonl").examples("train"))


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("t.csv", "words,label\na,1\n", r"t.csv: which column holds the texts \(--text-column\)\? It has words, label"),
        ("t.csv", "text,label\na,1\nb\n", r"line 3: 1 fields, but the header has 2"),
        ("t.csv", "text,label\na,maybe\n", r"has only maybe texts to train on, and two labels are needed"),
        ("t.csv", "text,label\na,good\nb, \n", r"has only good texts to train on"),
        ("t.jsonl", '{"text": "a", "label": "1"}\n[1]\n', r"line 2: not a JSON object"),
        ("t.jsonl", '{"text": "a"\n', r"after line 1"),
        ("t.jsonl", '{"text": null, "label": 1}\n', "has no texts to train on"),
        ("t.csv", "text,label,split\na,1,train\nb,0,dev\n", r"line 3, column split: 'dev' is neither train nor test"),
        ("t.csv", "", "t.csv is empty: it has no header"),
        ("t.csv", "text,label\n", "has no texts to train on"),
    ],
)
def test_fault_28_tables_that_will_not_do_are_refused_with_the_line(tmp_path, name, content, words):
    (tmp_path / name).write_text(content)
    with pytest.raises(ProjectError, match=words):
        data.read_reviews(tmp_path / name, "train")


def test_fault_37_a_field_longer_than_csv_would_like(tmp_path):
    (tmp_path / "t.csv").write_text("text,label,split\n" + "long " * 100_000 + ",1,train\nshort,0,train\n")
    assert len(data.read_reviews(tmp_path / "t.csv", "train").texts[0]) == 500_000


def test_simulated_reviews_are_marked_balanced_and_negate():
    rows = simulate_reviews()
    assert len(rows) == REVIEWS
    assert {row["simulated"] for row in rows} == {1}
    assert sum(row["label"] == "positive" for row in rows) == REVIEWS / 2
    assert any("is not wonderful" in row["text"] for row in rows)
    assert rows == simulate_reviews()


@given(st.lists(st.text(max_size=30), max_size=5))
def test_texts_together_have_the_words_that_each_has_alone(texts):
    together = read_words(texts)
    alone = [[*tokens(text), "\n"] for text in texts]
    assert together.spelled(np.arange(len(together.keys))) == list(chain(*alone))
    assert together.texts.tolist() == [number for number, words in enumerate(alone) for _ in words]
    named = dict(zip(together.keys.tolist(), chain(*alone), strict=False))
    assert [named[key] for key in together.keys.tolist()] == list(chain(*alone))


def test_words_of_any_length_have_keys_of_their_own():
    words = [letter * n for letter in "abé" for n in range(1, 40)] + ["a" * 20 + letter + "a" * 20 for letter in "bc"]
    assert len(set(read_words([" ".join(words)]).keys.tolist())) == len(words) + 1
    assert read_words(["a " + word for word in words]).keys[1::3].tolist() == [
        read_words([word]).keys[0] for word in words
    ]


@given(st.sets(st.integers(0, 2**64 - 1) | st.integers(0, 50), max_size=50), st.lists(st.integers(0, 60)))
def test_table_finds_what_a_dict_finds(keys, others):
    table = HashTable(np.array(sorted(keys), np.uint64))
    expected = {key: number for number, key in enumerate(sorted(keys))}
    asked = [*keys, *others]
    assert table.find(np.array(asked, np.uint64)).tolist() == [expected.get(key, NONE) for key in asked]


def test_a_full_row_of_places_is_searched_to_its_end(monkeypatch):
    monkeypatch.setattr(HashTable, "slots", lambda self, keys: np.full(len(keys), len(self.numbers) - 2))
    table = HashTable(np.arange(5, 10))  # all want the last place but one, and go on at the first
    assert table.find(np.arange(12)).tolist() == [NONE] * 5 + [0, 1, 2, 3, 4] + [NONE] * 2


def test_log_count_ratio_by_hand():
    ratios = log_count_ratios(np.array([3.0, 0.0]), np.array([1.0, 2.0]), 0.5)
    np.testing.assert_allclose(ratios, [np.log((5 / 7) / (3 / 7)), np.log((2 / 7) / (4 / 7))], rtol=1e-6)


TEXTS = ["good good film", "good plot", "good !", "bad film", "bad bad plot", "bad once"]
LABELS = np.array([1, 1, 1, 0, 0, 0])


def names(vocabulary):
    """The n-gram of each column."""
    return [vocabulary.name(number) for number in vocabulary.in_bag.tolist()]


def presence_of(vocabulary, texts):
    indices, indptr = vocabulary.columns_of(texts)
    return csr_matrix(np.ones(len(indices), np.float32), indices, indptr, len(vocabulary))


def learn(texts, labels, min_count=1, polarity_cutoff=0.0, longest=1):
    settings = Settings(min_count=min_count, polarity_cutoff=polarity_cutoff, ngrams=longest)
    return build_vocabulary(data.Reviews(texts, list(labels)), settings)


def test_both_noise_reductions():
    everything, frequent = learn(TEXTS, LABELS), learn(TEXTS, LABELS, min_count=2)
    assert set(names(everything)) == {"good", "film", "plot", "!", "bad", "once"}
    assert names(frequent) == ["bad", "good", "film", "plot"]  # by number of texts, then name
    assert frequent.counts.tolist() == [3, 3, 2, 2]
    assert names(learn(TEXTS, LABELS, min_count=2, polarity_cutoff=0.1)) == ["bad", "good"]


def counted_by_scikit_learn(texts, min_count, longest):
    """N-gram -> the texts that have it."""
    vectorizer = CountVectorizer(
        tokenizer=partial(names_of_words, negation=True),
        token_pattern=None,
        lowercase=False,
        ngram_range=(1, longest),
        binary=True,
        min_df=min_count,
    )
    presence = vectorizer.fit_transform(texts).T.tocsr()
    return {name: set(presence[column].indices) for name, column in vectorizer.vocabulary_.items()}


words_of_three = st.lists(st.sampled_from(["a", "b", "c", "!"]), max_size=12).map(" ".join)


@given(st.lists(words_of_three, min_size=2, max_size=8), st.integers(1, 3), st.integers(1, 4))
def test_ngrams_are_those_that_scikit_learn_counts(texts, min_count, longest):
    vocabulary = learn(texts, np.arange(len(texts)) % 2, min_count, longest=longest)
    presence = presence_of(vocabulary, texts).T.tocsr()
    found = {name: set(presence[column].indices) for column, name in enumerate(names(vocabulary))}
    try:
        assert found == counted_by_scikit_learn(texts, min_count, longest)
    except ValueError:  # which it raises where nothing is frequent enough
        assert not found


def test_ngrams_of_the_simulated_reviews_are_those_that_scikit_learn_counts(reviews):
    texts = reviews["train"].texts
    vocabulary = learn(texts, reviews["train"].labels, 3, longest=3)
    expected = {name: len(rows) for name, rows in counted_by_scikit_learn(texts, 3, 3).items()}
    assert dict(zip(names(vocabulary), vocabulary.counts.tolist(), strict=True)) == expected
    assert len(expected) > 1000
    assert (np.diff(vocabulary.codes) > 0).all()


def test_bag_of_words_is_presence_times_ratio_with_long_rows_shortened(reviews):
    texts = [*reviews["train"].texts[:20], " ".join(reviews["train"].texts), "wonderful"]
    vocabulary = learn(texts, np.arange(22) % 2, min_count=1, longest=2)
    X = vocabulary.bag(*vocabulary.columns_of(texts))
    assert X.dtype == np.float32
    lengths = []
    for row, presence in zip(X.toarray(), presence_of(vocabulary, texts).toarray(), strict=True):
        ratios = presence * vocabulary.ratios[vocabulary.in_bag]
        lengths.append(np.linalg.norm(ratios))
        factor = 5 / max(lengths[-1], 0.5)
        np.testing.assert_allclose(row, ratios * min(factor, factor**vocabulary.row_power), rtol=1e-5)
    assert min(lengths) < LONGEST_ROW < max(lengths)


def test_rows_without_a_known_word_are_empty():
    nothing, counts, ratios = np.empty(0, np.int64), np.array([3], np.int32), np.array([1.5], np.float32)
    rules = {"min_count": 1, "polarity_cutoff": 0, "common_from": 4, "negation": False, "row_power": 0.0}
    vocabulary = Vocabulary(["good"], nothing, counts, ratios, **rules)
    X = vocabulary.bag(*vocabulary.columns_of(["", "good", "what", ""]))
    assert X.shape == (4, 1)
    assert X.toarray()[:, 0].tolist() == [0, 1.5, 0, 0]
    assert [vocabulary.bag(*vocabulary.columns_of([text])).tolist() for text in ("", "good")] == [[[0]], [[1.5]]]


def test_an_ngram_is_found_by_its_words():
    vocabulary = learn(["not bad at all", "not bad at all"], np.array([0, 1]), longest=3)
    assert names(vocabulary)[vocabulary.find("Not bad AT")] == "not ¬bad ¬at"
    assert [vocabulary.find(text) for text in ("not bad at all", "bad not", "worse", "")] == [NONE] * 4


@pytest.fixture(scope="module")
def reviews(tmp_path_factory):
    from projects.sentiment.cli import sample_csv

    path = tmp_path_factory.mktemp("reviews") / data.SAMPLE
    path.write_text(sample_csv())
    return {part: data.read_reviews(path, part) for part in ("train", "test")}


@pytest.fixture(scope="module")
def model(reviews):
    return train([reviews["train"]])


def test_model_learns_and_is_scored_beside_the_majority(model, reviews):
    found = evaluate(model, [reviews["test"]])
    assert found["simulated"] is True
    assert found["test"]["texts"] == 1000
    assert found["test"]["accuracy"] > 0.75 > found["baselines"]["majority"]["accuracy"] + 0.2
    assert sum(map(sum, found["test"]["confusion"])) == 1000


def test_explanation_is_what_leaving_out_does(model):
    text = "What a wonderful script. The acting is dull."
    odds, vocabulary = logit(model.probabilities([text])[0, 1]), model.vocabulary
    explained = {kind: dict(pairs) for kind, pairs in model.explain(text, 1).items()}
    columns, _ = vocabulary.columns_of([text])
    names = [vocabulary.name(number) for number in vocabulary.in_bag[columns]]

    def without(left_out):
        kept = [column for column, name in zip(columns, names, strict=True) if not left_out(name)]
        return logit(model.network.predict(vocabulary.bag(np.array(kept), np.array([0, len(kept)])))[0, 0])

    assert explained["words"]["wonderful"] > 0 > explained["words"]["dull"]
    assert explained["ngrams"].keys() == set(names)
    for name, effect in explained["ngrams"].items():
        assert effect == pytest.approx(odds - without(lambda other, name=name: other == name), abs=1e-5)
    for word, effect in explained["words"].items():
        expected = odds - without(lambda other, word=word: word in other.split())
        assert effect == pytest.approx(expected, abs=1e-5)


def test_what_is_left_out_of_a_text_that_is_beyond_doubt_still_has_an_effect(model):
    sure = copy.deepcopy(model)
    sure.network.W2 *= 8
    text = "What a wonderful, superb, charming film."
    assert sure.probabilities([text])[0, 1] > 0.999
    assert dict(sure.explain(text, 1)["words"])["wonderful"] > 1


def test_fault_33_a_text_without_a_known_word_gets_the_base_rate(model):
    np.testing.assert_array_equal(model.probabilities(["", "xyzzy plugh"]), [model.settings["base_rates"]] * 2)
    assert model.explain("") == {"words": [], "ngrams": []}


def test_predictions_do_not_depend_on_what_is_predicted_beside(model, reviews):
    texts = reviews["test"].texts[:50]
    alone = [model.probabilities([text])[0] for text in texts]
    np.testing.assert_allclose(model.probabilities(texts), alone, rtol=1e-5)


def test_effects_are_those_of_texts_of_one_word(model):
    effects = model.effects()
    log_odds = lambda p: np.log(p / (1 - p))  # noqa: E731
    empty = log_odds(model.network.predict(model.vocabulary.bag(*model.vocabulary.columns_of([""])))[0, 0])
    for word in ("wonderful", "dull"):
        expected = log_odds(model.probabilities([word])[0, 1]) - empty
        assert effects[model.vocabulary.find(word)] == pytest.approx(expected, abs=1e-4)


def test_objects_introduce_themselves_in_a_line(model, reviews):
    assert repr(reviews["test"]) == "Reviews(1,000, of which 500 are positive)"
    n, known = f"{len(model.vocabulary):,}", f"{len(model.vocabulary.counts):,}"
    assert repr(model.vocabulary) == f"Vocabulary({n} n-grams in the bag, of {known})"
    assert repr(model) == f"SentimentModel({n} n-grams, 2 hidden units)"


def test_similar_words_pull_the_same_way(model):
    near = [name for name, _ in model.similar("wonderful", 5, min_count=1)]
    effects = model.effects()
    assert len(near) == 5
    assert all(effects[model.vocabulary.find(name)] > 0 for name in near)
    with pytest.raises(ProjectError, match="'xyzzy' is not among the"):
        model.similar("xyzzy", 5, min_count=1)


def test_model_is_fitted_to_all_reviews_after_one_was_measured(reviews):
    epochs = []
    watcher = Watcher(on_epoch=lambda training: epochs.append(training.history[-1]))
    model = train([reviews["train"]], Settings(epochs=2), watcher=watcher)
    assert len(epochs) == 2
    assert all("validation_loss" in epoch for epoch in epochs)
    n = len(reviews["train"].texts)
    assert model.settings["train_texts"] == n
    assert 0.08 * n < model.settings["validation_texts"] < 0.12 * n
    expected = learn(reviews["train"].texts, reviews["train"].labels, 3, 0.05, longest=3)
    np.testing.assert_array_equal(model.vocabulary.ratios, expected.ratios)


def test_balanced_training_finds_more_of_a_rare_label(reviews):
    labels = np.array(reviews["train"].labels)
    rare = reviews["train"].take(np.concatenate([np.flatnonzero(labels == 0), np.flatnonzero(labels == 1)[:150]]))
    scores = [evaluate(train([rare], Settings(balanced=b)), [reviews["test"]]) for b in (False, True)]
    plain, balanced = (found["test"] for found in scores)
    assert scores[0]["baselines"] == scores[1]["baselines"]
    assert balanced["recall"] > plain["recall"]
    assert balanced["balanced_accuracy"] > plain["balanced_accuracy"]


def test_scores_by_hand():
    positive = np.array([0.95, 0.91, 0.25, 0.05])
    found = scores(outcomes([1, 1, 1, 0], np.column_stack([1 - positive, positive])), 2)
    assert found["accuracy"] == 0.75
    assert found["balanced_accuracy"] == pytest.approx((2 / 3 + 1) / 2)
    assert found["expected_calibration_error"] == pytest.approx((2 * abs(0.93 - 1) + abs(0.25 - 1) + 0.05) / 4)


def test_a_label_that_was_never_trained_on_counts_as_wrong(model, tmp_path):
    rows = "text,label,split\na,pos,train\na wonderful film,pos,test\ndull,neg,test\na,neutral,test\nb,mixed,test\n"
    (tmp_path / "t.csv").write_text(rows)
    found = evaluate(model, [data.File(tmp_path / "t.csv")])
    assert found["test"]["accuracy"] == 0.5
    assert found["unknown"] == {"labels": ["neutral", "mixed"], "texts": 2}
    assert [scored["label"] for scored in found["labels"]] == ["negative", "positive", "(never trained on)"]
    assert {mistake["label"] for mistake in found["mistakes"]} == {"neutral", "mixed"}
    (tmp_path / "t.csv").write_text("text,label,split\na,x,train\na,neutral,test\na,mixed,test\n")
    with pytest.raises(ProjectError, match=r"t.csv, line 3: 'neutral' is none of the model's labels"):
        evaluate(model, [data.File(tmp_path / "t.csv")])


def test_mistakes_and_lengths_are_those_of_the_answers(model):
    texts = ["dull " * 150, "a wonderful film", "a wonderful film ! " * 40]
    found = evaluate(model, [data.Reviews(texts, [0, 0, 1])])
    assert [(kind["from_words"], kind["texts"], kind["accuracy"]) for kind in found["by_length"]] == [
        (0, 1, 0.0), (100, 2, 1.0),
    ]  # fmt: skip
    assert [(mistake["label"], mistake["text"]) for mistake in found["mistakes"]] == [("negative", "a wonderful film")]


def test_a_table_may_call_its_columns_and_labels_anything(tmp_path):
    path = tmp_path / "mails.csv"
    path.write_text("body,kind\n" + "buy now,spam\nsee you,ham\n" * 10)
    found = data.read_reviews(path, "train", Layout("body", "kind"), "spam")
    assert found.label_names == ("ham", "spam")
    assert set(zip(found.texts, found.labels, strict=True)) == {("buy now", 1), ("see you", 0)}
    with pytest.raises(ProjectError, match=r"has no label 'eggs'; it has 'ham', 'spam'"):
        data.read_reviews(path, "train", Layout("body", "kind"), "eggs")
    with pytest.raises(ProjectError, match=r"mails.csv has no column text; it has body, kind"):
        data.read_reviews(path, "train", Layout("text", "kind"))


def test_model_comes_back_from_its_file_the_same(model, reviews, tmp_path):
    model.save(tmp_path / "m.safetensors")
    loaded = SentimentModel.load(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(
        loaded.probabilities(reviews["test"].texts), model.probabilities(reviews["test"].texts)
    )


def test_the_same_seed_gives_the_same_file_and_another_seed_another(reviews, tmp_path):
    contents = []
    for seed in (3, 3, 4):
        path = tmp_path / "m.safetensors"
        train([reviews["train"]], Settings(seed=seed, epochs=1)).save(path)
        contents.append(path.read_bytes())
    assert contents[0] == contents[1] != contents[2]


def test_too_few_reviews_are_refused():
    with pytest.raises(ProjectError, match="too few"):
        train([data.Reviews(["good", "bad"], [1, 0])])


def test_noise_reduction_that_leaves_no_word_says_what_to_lower(reviews):
    with pytest.raises(ProjectError, match="lower --min-count or --polarity-cutoff"):
        train([reviews["train"]], Settings(polarity_cutoff=50.0))


def test_real_reviews_reach_the_stated_accuracy(reviews_archive):
    model = train([data.File(reviews_archive)], Settings(ngrams=2, epochs=6))  # less than the default, for speed
    found = evaluate(model, [data.File(reviews_archive)])
    assert found["test"]["accuracy"] >= 0.91
    assert found["test"]["expected_calibration_error"] < 0.05
    assert model.explain("a dull, lifeless film", 1)["ngrams"][0][1] < 0
