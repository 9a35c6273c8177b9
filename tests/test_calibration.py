"""The temperature of a model's output: by hand, by SciPy, and on texts that neither fit has seen."""

import copy

import numpy as np
import pytest

from nn import TwoLayerNetwork
from nn.functions import sigmoid
from projects.sentiment.calibration import (
    SPREAD,
    TEMPERATURES,
    at_temperature,
    best_temperature,
    losses_at_temperatures,
)
from projects.sentiment.data import labelled_texts
from projects.sentiment.sample import simulate_reviews
from projects.sentiment.settings import Settings
from projects.sentiment.training import train


def of_two(probability_of_1):
    return np.column_stack([1 - probability_of_1, probability_of_1])


def test_nine_tenths_sure_and_three_quarters_right_is_twice_too_sure():
    probability = of_two(np.full(4_000, 0.9))
    labels = np.arange(4_000) % 4 > 0  # three of four are label 1
    losses = losses_at_temperatures(probability, labels.astype(int), None)
    assert best_temperature(losses) == pytest.approx(2)  # log(0.9 / 0.1) / 2 = log(0.75 / 0.25)
    as_given = np.flatnonzero(TEMPERATURES == 1)
    assert losses[as_given] == pytest.approx(-3_000 * np.log(0.9) - 1_000 * np.log(0.1))


def test_few_texts_move_it_less_than_many():
    probability = of_two(np.full(4_000, 0.9))
    labels = (np.arange(4_000) % 4 > 0).astype(int)
    found = [best_temperature(losses_at_temperatures(probability[:n], labels[:n], None)) for n in (4, 40, 4_000)]
    assert 1 < found[0] < found[1] < found[2] * 1.01
    all_right = losses_at_temperatures(probability[:3], np.ones(3, int), None)
    assert 0.6 < best_temperature(all_right) < 1  # without what is known of other tables it would be 1/4


def test_it_is_where_scipy_finds_the_least_sum():
    optimize = pytest.importorskip("scipy.optimize")
    special = pytest.importorskip("scipy.special")
    rng = np.random.default_rng(3)
    logits = rng.normal(size=(300, 4)) * 3
    labels = np.array([rng.choice(4, p=special.softmax(row / 1.7)) for row in logits])
    weights = np.array([0.5, 1, 2, 4.0])

    def summed(log_temperature):
        log_p = special.log_softmax(logits / np.exp(log_temperature), axis=1)
        return -(weights[labels] * log_p[np.arange(300), labels]).sum() + (log_temperature / SPREAD) ** 2 / 2

    exact = np.exp(optimize.minimize_scalar(summed, bounds=(-1.4, 1.4), method="bounded").x)
    found = best_temperature(losses_at_temperatures(special.softmax(logits, axis=1), labels, weights))
    assert found == pytest.approx(exact, rel=0.03)  # half a step of TEMPERATURES is 2.2 %


def test_log_odds_are_divided_and_the_network_stays():
    network = TwoLayerNetwork(5, 3, output="sigmoid")
    network.b2 = 0.3
    before = network.parameters.copy()
    X = np.random.default_rng(0).normal(size=(7, 5))
    log_odds = np.log(network.predict(X) / (1 - network.predict(X)))
    np.testing.assert_allclose(at_temperature(network, 2.5).predict(X), sigmoid(log_odds / 2.5))
    np.testing.assert_array_equal(network.parameters, before)


@pytest.mark.parametrize("balanced", [False, True])
def test_a_small_table_is_not_made_too_sure(balanced):
    """The same model with the temperature undone gives the same answers, with a higher loss on texts new to it."""
    reviews = simulate_reviews()
    texts = [str(review["text"]) for review in reviews]
    rng = np.random.default_rng(1)
    is_slip = rng.random(len(reviews)) < 0.25  # a quarter of the labels can't be learned
    other = {"positive": "negative", "negative": "positive"}
    written = [str(review["label"]) for review in reviews]
    labels = [other[label] if slip else label for label, slip in zip(written, is_slip, strict=True)]
    model = train([labelled_texts(texts[:800], labels[:800])], Settings(balanced=balanced))
    assert model.settings["temperature"] > 1.2
    as_fitted = copy.deepcopy(model)
    as_fitted.network = at_temperature(model.network, 1 / model.settings["temperature"])
    p, p_fitted = model.probabilities(texts[800:]), as_fitted.probabilities(texts[800:])
    np.testing.assert_array_equal(p.argmax(axis=1), p_fitted.argmax(axis=1))
    right = np.array([model.label_names.index(label) for label in labels[800:]])
    rows = np.arange(len(right))
    assert -np.log(p[rows, right]).mean() < -np.log(p_fitted[rows, right]).mean() - 0.02
