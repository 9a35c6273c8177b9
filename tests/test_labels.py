"""Any number of labels: how they are read and numbered, and what a model of three makes of them."""

import csv
import json
from collections import Counter

import numpy as np
import pytest
import reference
from helpers import inside
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import logit

from projects.common.errors import ProjectError
from projects.sentiment.counting import build_vocabulary
from projects.sentiment.data import File, Reviews, read_reviews
from projects.sentiment.evaluation import Outcomes, evaluate, scores
from projects.sentiment.labels import number_labels, order_labels
from projects.sentiment.layout import LeftOut
from projects.sentiment.model import SentimentModel
from projects.sentiment.outputs import log_odds
from projects.sentiment.ratios import SMOOTHING
from projects.sentiment.settings import Settings
from projects.sentiment.steps import label_weights, targets
from projects.sentiment.training import train

TOPICS = {
    "sport": ["match", "goal", "team", "coach", "league"],
    "money": ["bank", "shares", "profit", "market", "oil"],
    "science": ["space", "cell", "probe", "study", "physics"],
}
FILLER = ["the", "a", "of", "today", "and", "new", "was", "said"]


def simulate_topics(rows, seed=0):
    """SIMULATED texts with one of three labels; every third word speaks for the label, one in ten for another."""
    rng = np.random.default_rng(seed)
    names = list(TOPICS)
    texts, labels = [], []
    for _ in range(rows):
        label = names[rng.choice(3, p=[0.5, 0.3, 0.2])]
        words = []
        for _ in range(12):
            own = label if rng.random() < 0.9 else names[rng.integers(3)]
            pool = TOPICS[own] if rng.random() < 0.3 else FILLER
            words.append(pool[rng.integers(len(pool))])
        texts.append(" ".join(words))
        labels.append(label)
    return texts, labels


def write_table(path, texts, labels):
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        writer.writerows(zip(texts, labels, strict=True))
    return path


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return write_table(tmp_path_factory.mktemp("topics") / "topics.csv", *simulate_topics(1500))


@pytest.fixture(scope="module")
def model(table):
    return train([File(table)])


@pytest.mark.parametrize(
    ("written", "names"),
    [
        (["pos", "neg", "pos"], ("neg", "pos")),
        (["0", "1"], ("0", "1")),
        (["Bad", "good", "pos"], ("negative", "positive")),  # three spellings of two
        (["spam", "ham"], ("ham", "spam")),
        (["10", "9", "-1", "9", "10", "-1"], ("-1", "9", "10")),
        (["b", "a", "10", "9"] * 2, ("9", "10", "a", "b")),
        (["pos", "neg", "neutral"] * 2, ("neg", "neutral", "pos")),
    ],
)
def test_labels_keep_their_spelling_and_have_an_order_of_their_own(written, names):
    for order in (written, written[::-1]):
        assert order_labels(Counter(order), None, "t.csv") == names
    numbers = number_labels(dict.fromkeys(written, "here"), names)
    assert set(numbers.values()) == set(range(len(names)))
    if set(written) == set(names):
        assert all(names[number] == label for label, number in numbers.items())


def test_the_label_called_positive_is_the_second():
    assert order_labels({"spam": 1, "ham": 1}, "ham", "t.csv") == ("spam", "ham")
    with pytest.raises(ProjectError, match=r"has 3 labels \('a', 'b', 'c'\): leave out --positive, it is for two"):
        order_labels({"a": 1, "b": 1, "c": 1}, "a", "t.csv")


def test_a_column_with_a_value_for_nearly_every_row_is_no_column_of_labels():
    with pytest.raises(ProjectError, match=r"has 20 different labels in 22 rows \('0', .*, …\): if this is not the"):
        order_labels({str(i): 2 if i < 2 else 1 for i in range(20)}, None, "t.csv")
    with pytest.raises(ProjectError, match=r"t.csv: 12 texts with labels are too few to train on: some 200 are a st"):
        order_labels({str(i): 2 if i < 2 else 1 for i in range(10)}, None, "t.csv")


def test_other_spellings_of_the_usual_labels_are_those_of_the_model():
    places = dict.fromkeys(["1", "bad", "Positive"], "here")
    assert number_labels(places, ("neg", "pos")) == {"1": 1, "bad": 0, "Positive": 1}
    with pytest.raises(ProjectError, match=r"line 7: 'meh' is none of the model's labels, which are 'neg', 'pos'"):
        number_labels({"meh": "t.csv, line 7"}, ("neg", "pos"))


few_texts = st.lists(st.lists(st.sampled_from("abcd"), max_size=8).map(" ".join), min_size=3, max_size=9)


@given(few_texts, st.integers(2, 5))
def test_the_ratio_of_an_ngram_is_that_of_the_label_it_speaks_for_most(texts, n_labels):
    labels = [i % n_labels for i in range(len(texts))]
    names_of_labels = tuple("abcde"[:n_labels])
    reviews = Reviews(texts, labels, label_names=names_of_labels)
    vocabulary = build_vocabulary(reviews, Settings(min_count=1, ngrams=2, polarity_cutoff=0.0))
    counts = reference.count_texts(texts, labels, 2, 1)
    of_labels = []
    for label in set(labels):
        share = labels.count(label) / len(labels)
        imagined = SMOOTHING * share, SMOOTHING * (1 - share)
        of_labels.append(reference.log_count_ratios(counts, label, *imagined))
    names = [vocabulary.name(number) for number in range(len(vocabulary.ratios))]
    largest = [max(ratios[name] for ratios in of_labels) for name in names]
    assert min(largest, default=0) >= -1e-9
    np.testing.assert_allclose(np.abs(vocabulary.ratios), largest, rtol=1e-5, atol=1e-6)
    values = dict(zip(names, vocabulary.ratios.tolist(), strict=True))
    X = vocabulary.bag(*vocabulary.columns_of([*texts, ""]))
    for i, text in enumerate(texts):
        row = {names[vocabulary.in_bag[column]]: X[i, column] for column in X[i].indices}
        assert row == pytest.approx(reference.bag_of(text, values, 2, vocabulary.row_power), rel=1e-4, abs=1e-6)


def test_a_model_of_three_labels_learns_them(model, table):
    assert model.label_names == ["money", "science", "sport"]
    found = evaluate(model, [File(table)])
    assert found["test"]["accuracy"] > 0.85
    assert found["baselines"]["majority"]["accuracy"] < 0.6
    assert [scored["label"] for scored in found["labels"]] == model.label_names
    assert sum(scored["texts"] for scored in found["labels"]) == found["test"]["texts"]
    wrong = found["test"]["texts"] * (1 - found["test"]["accuracy"])
    assert sum(pair["texts"] for pair in found["confusions"]) == pytest.approx(wrong)
    assert all(mistake["label"] != mistake["answer"] for mistake in found["mistakes"])
    assert set(found["means"]) == {"macro", "weighted"}


def test_probabilities_add_up_and_an_unknown_text_gets_the_shares(model):
    probability = model.probabilities(["goal", "bank shares", "xyzzy"])
    np.testing.assert_allclose(probability.sum(axis=1), 1)
    assert [model.label_names[i] for i in probability[:2].argmax(axis=1)] == ["sport", "money"]
    assert probability[2].tolist() == model.settings["label_shares"] == model.settings["base_rates"]
    assert probability[2] == pytest.approx([0.3, 0.2, 0.5], abs=0.06)


@pytest.mark.parametrize("label", [None, 0, 1, 2])
def test_an_effect_is_what_leaving_out_does_to_the_label(model, label):
    text = "the coach said oil"
    probability = model.probabilities([text])[0]
    number = int(probability.argmax()) if label is None else label
    columns, _ = model.vocabulary.columns_of([text])
    explained = dict(model.explain(text, label)["ngrams"])
    assert len(explained) == len(columns)
    for column in columns:
        others = columns[columns != column]
        row = model.vocabulary.bag(others, np.array([0, len(others)]))
        name = model.vocabulary.name(model.vocabulary.in_bag[column])
        without = model.network.predict(row)[0, number] if len(others) else model.settings["base_rates"][number]
        assert explained[name] == pytest.approx(logit(probability[number]) - logit(without), abs=1e-5)


def test_effects_are_those_of_texts_of_one_word(model):
    for label, name in enumerate(model.label_names):
        effects = model.effects(label)
        empty = model.network.predict(model.vocabulary.bag(*model.vocabulary.columns_of([""])))[0]
        for word in TOPICS[name]:
            p, column = model.probabilities([word])[0, label], model.vocabulary.find(word)
            expected = np.log(p / (1 - p)) - np.log(empty[label] / (1 - empty[label]))
            assert effects[column] == pytest.approx(expected, abs=1e-3)
        assert effects[model.vocabulary.find(TOPICS[name][0])] > 0


def test_log_odds_by_hand():
    z = np.log(np.array([[1.0, 2.0, 5.0]]))
    assert log_odds(z, 2)[0] == pytest.approx(np.log(5 / 3))
    assert log_odds(np.array([[1.5]]), 0)[0] == -1.5
    assert np.isfinite(log_odds(np.array([[0.0, 2000.0, -2000.0]]), 1)).all()


def outcomes(labels, probability):
    """What became of texts with these labels [texts], given these probabilities [texts, labels]."""
    rows = np.arange(len(labels))
    answers = probability.argmax(axis=1)
    return Outcomes(np.array(labels), answers, probability[rows, answers], probability[rows, labels],
                    np.ones(len(rows)), [], {}, LeftOut(), False)  # fmt: skip


def test_scores_by_hand():
    probability = np.array([[0.7, 0.2, 0.1], [0.4, 0.5, 0.1], [0.1, 0.2, 0.7], [0.6, 0.3, 0.1]])
    found = scores(outcomes([0, 0, 2, 1], probability), 3)
    assert found["accuracy"] == 0.5
    assert found["balanced_accuracy"] == pytest.approx((0.5 + 0 + 1) / 3)
    assert found["log_loss"] == pytest.approx(-np.mean(np.log([0.7, 0.4, 0.7, 0.3])))
    assert found["confusion"] == [[1, 1, 0], [1, 0, 0], [0, 0, 1]]
    # the answers' probabilities 0.7 and 0.7 right, 0.5 and 0.6 wrong
    assert found["expected_calibration_error"] == pytest.approx((2 * 0.3 + 0.5 + 0.6) / 4)


def test_targets_and_weights_by_hand():
    assert targets(np.array([2, 0]), 3, "f4").tolist() == [[0, 0, 1], [1, 0, 0]]
    assert targets(np.array([1, 0]), 2, "f4").tolist() == [[1], [0]]
    assert label_weights(np.array([3, 0, 1])).tolist() == [2 / 3, 2, 2]


def test_a_label_that_is_never_trained_on_is_never_the_answer():
    texts, labels = simulate_topics(300)
    names = ("money", "science", "sport", "unheard of")
    numbers = [names.index(label) for label in labels]
    model = train([Reviews([*texts, *["once"] * 2], [*numbers, 3, 3], label_names=names)], Settings(epochs=2))
    assert model.probabilities(texts).shape == (300, 4)
    assert 3 not in model.probabilities(texts).argmax(axis=1)


def test_a_model_of_three_labels_comes_back_from_its_file(model, table, tmp_path):
    model.save(tmp_path / "m.safetensors")
    loaded = SentimentModel.load(tmp_path / "m.safetensors")
    texts = read_reviews(table, "test").texts
    np.testing.assert_array_equal(loaded.probabilities(texts), model.probabilities(texts))
    misfit = "its labels do not fit its 3 outputs: train a new model"
    for wrong, words in (
        ({"label_names": ["a", "b"]}, r"W2 holds float32 of shape \[3, 3\], where float of shape \[3, 1\] is needed"),
        ({"label_names": ["a", "a", "b"]}, misfit),
        ({"label_names": "abc"}, "the setting label_names: Expected `array`, got `str`"),
        ({"base_rates": [1.0]}, "the setting base_rates: Expected `array` of length >= 2"),
        ({"base_rates": [0.5, 0.5]}, misfit),
    ):
        SentimentModel(model.network, model.vocabulary, model.settings | wrong).save(tmp_path / "w.safetensors")
        with pytest.raises(ProjectError, match=words):
            SentimentModel.load(tmp_path / "w.safetensors")


def test_every_command_knows_three_labels(table, tmp_path):
    run = ["--run", str(tmp_path)]
    code, output, errors = inside("sentiment", "train", "--data", table, *run, "-q")
    assert code == 0, errors
    assert "3 labels" in output
    code, output, errors = inside("sentiment", "evaluate", "--data", table, *run)
    assert code == 0, errors
    for words in ("macro mean", "weighted mean", "most frequent mistakes between labels:", " taken for "):
        assert words in output
    code, output, _ = inside("sentiment", "predict", "the coach of the team", "--json", *run)
    answer = json.loads(output)
    assert answer["label"] == "sport"
    assert answer["probabilities"].keys() == set(TOPICS)
    assert answer["probability"] == answer["probabilities"]["sport"] == max(answer["probabilities"].values())
    code, output, _ = inside("sentiment", "words", "-n", 3, "--min-count", 5, *run)
    assert output.split()[:3] == ["sport", "money", "science"]  # the most frequent label first
    assert inside("sentiment", "words", "--label", "money", *run)[1].split()[0] == "money"
    assert "no label 'cash'" in inside("sentiment", "words", "--label", "cash", *run)[2]
    assert "it is for two" in inside("sentiment", "train", "--data", table, *run, "--positive", "sport")[2]
    assert "--positive is for two labels" in inside("sentiment", "evaluate", *run, "--positive", "sport")[2]
    for command in ("plot", "report"):
        code, output, errors = inside("sentiment", command, *run)
        assert code == 0, errors
    page = (tmp_path / "report.html").read_text()
    assert "<title>money, science or sport?" in page
    assert (tmp_path / "confusion.png").stat().st_size > 1000


def test_three_labels_in_onnx(model, table, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime", reason="no onnxruntime: pip install -e '.[onnx]'")
    pytest.importorskip("onnx", reason="no onnx: pip install -e '.[onnx]'")
    model.save(tmp_path / "model.safetensors")
    file = tmp_path / "m.onnx"
    assert inside("sentiment", "export", "--run", tmp_path, "--onnx", file)[0] == 0
    session = onnxruntime.InferenceSession(file)
    assert session.get_modelmeta().custom_metadata_map["labels"].split("\n") == model.label_names
    texts = [*read_reviews(table, "test").texts[:50], "xyzzy"]
    indices, indptr = model.vocabulary.columns_of(texts)
    rows = np.zeros((len(texts), len(model.vocabulary)), np.float32)
    rows[np.repeat(np.arange(len(texts)), np.diff(indptr)), indices] = 1
    found = session.run(["probability"], {"ngrams": rows})[0]
    np.testing.assert_allclose(found, model.probabilities(texts), atol=1e-5)


@pytest.mark.real_data
def test_real_topics_reach_the_stated_accuracy():
    from helpers import real_data

    path = real_data("own/news-4-topics.csv")
    model = train([File(path)])
    assert model.label_names == ["1", "2", "3", "4"]
    found = evaluate(model, [File(path)])
    assert found["test"]["accuracy"] >= 0.88
