"""Every score against scikit-learn's."""

import numpy as np
import pytest

from nn import metrics

theirs = pytest.importorskip("sklearn.metrics", reason="scikit-learn is the judge here")

rng = np.random.default_rng(0)
TARGET, PREDICTION, WEIGHT = rng.uniform(0, 9, 50), rng.uniform(0, 9, 50), rng.uniform(0, 2, 50)
LABELS, PROBABILITY = rng.integers(0, 2, 50), rng.uniform(0, 1, 50)


def test_regression_scores():
    scores = metrics.regression_scores(TARGET, PREDICTION)
    expected = {
        "mse": theirs.mean_squared_error(TARGET, PREDICTION),
        "rmse": theirs.root_mean_squared_error(TARGET, PREDICTION),
        "mae": theirs.mean_absolute_error(TARGET, PREDICTION),
        "rmsle": theirs.root_mean_squared_log_error(TARGET, PREDICTION),
        "r2": theirs.r2_score(TARGET, PREDICTION),
    }
    assert scores == pytest.approx(expected, rel=1e-12)
    assert all(type(score) is float for score in scores.values())


@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_r2_and_accuracy_with_weights(weight):
    both = np.column_stack([TARGET, PREDICTION]), np.column_stack([PREDICTION, TARGET + 1])
    for target, prediction in ((TARGET, PREDICTION), both):
        expected = theirs.r2_score(target, prediction, sample_weight=weight)
        assert metrics.r2_score(target, prediction, weight) == pytest.approx(expected, rel=1e-12)
    expected = theirs.accuracy_score(LABELS, PROBABILITY > 0.5, sample_weight=weight)
    assert metrics.accuracy(LABELS, PROBABILITY > 0.5, weight) == pytest.approx(expected)


def test_r2_of_a_constant_target():
    constant = np.full(3, 2.0)
    assert metrics.r2_score(constant, constant) == theirs.r2_score(constant, constant) == 1
    assert metrics.r2_score(constant, [2, 2, 3]) == theirs.r2_score(constant, [2, 2, 3]) == 0


def test_classification_scores():
    called = PROBABILITY > 0.5
    assert metrics.classification_scores(LABELS, PROBABILITY) == {
        "accuracy": pytest.approx(theirs.accuracy_score(LABELS, called)),
        "precision": pytest.approx(theirs.precision_score(LABELS, called)),
        "recall": pytest.approx(theirs.recall_score(LABELS, called)),
        "f1": pytest.approx(theirs.f1_score(LABELS, called)),
        "log_loss": pytest.approx(theirs.log_loss(LABELS, PROBABILITY)),
        "confusion": theirs.confusion_matrix(LABELS, called).tolist(),
    }


def test_scores_of_nothing_called_positive_are_0():
    scores = metrics.classification_scores(np.array([0, 1, 1]), np.array([0.1, 0.2, 0.3]))
    assert (scores["precision"], scores["recall"], scores["f1"]) == (0, 0, 0)
