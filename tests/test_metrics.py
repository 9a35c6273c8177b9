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


CLASSES = np.random.default_rng(1).integers(0, 5, 200)
PROBABILITIES = np.random.default_rng(2).dirichlet(np.ones(5), 200)
PREDICTED = PROBABILITIES.argmax(axis=1)


def test_confusion_and_scores_of_five_classes():
    confusion = metrics.confusion_matrix(CLASSES, PREDICTED, 5)
    np.testing.assert_array_equal(confusion, theirs.confusion_matrix(CLASSES, PREDICTED))
    names = "precision", "recall", "f1", "support"
    expected = theirs.precision_recall_fscore_support(CLASSES, PREDICTED)
    for name, values in zip(names, expected, strict=True):
        np.testing.assert_allclose(metrics.class_scores(confusion)[name], values)
    for average, scores in metrics.mean_class_scores(confusion).items():
        expected = theirs.precision_recall_fscore_support(CLASSES, PREDICTED, average=average)
        assert list(scores.values()) == pytest.approx(expected[:3])


def test_a_class_that_neither_occurs_nor_is_predicted_does_not_count():
    target, prediction = np.array([0, 0, 2, 2]), np.array([0, 2, 2, 2])
    means = metrics.mean_class_scores(metrics.confusion_matrix(target, prediction, 4))
    assert means["macro"]["f1"] == pytest.approx(theirs.f1_score(target, prediction, average="macro"))


def test_scores_of_five_classes():
    scores = metrics.classification_scores(CLASSES, PROBABILITIES)
    assert scores["accuracy"] == pytest.approx(theirs.accuracy_score(CLASSES, PREDICTED))
    assert scores["f1"] == pytest.approx(theirs.f1_score(CLASSES, PREDICTED, average="macro"))
    assert scores["log_loss"] == pytest.approx(theirs.log_loss(CLASSES, PROBABILITIES))
    assert metrics.log_loss(LABELS, PROBABILITY) == pytest.approx(theirs.log_loss(LABELS, PROBABILITY))


@pytest.mark.parametrize("k", [1, 2, 5])
def test_top_k_accuracy(k):
    expected = theirs.top_k_accuracy_score(CLASSES, PROBABILITIES, k=k)
    assert metrics.top_k_accuracy(CLASSES, PROBABILITIES, k) == pytest.approx(expected)


@pytest.mark.parametrize(
    "score",
    [
        lambda: metrics.r2_score([1.0, 2.0], [1.0]),
        lambda: metrics.r2_score([], []),
        lambda: metrics.regression_scores([1.0, 2.0], [[1.0], [2.0]]),
        lambda: metrics.accuracy([1, 2], [1, 2, 3]),
        lambda: metrics.confusion_matrix([0, 1], [0], 2),
        lambda: metrics.confusion_matrix([0, 2], [0, 1], 2),
        lambda: metrics.confusion_matrix([0.5, 1.0], [0, 1], 2),
        lambda: metrics.log_loss([0, 1, 1], [0.5, 0.5]),
        lambda: metrics.log_loss([0, 3], [[0.5, 0.5], [0.5, 0.5]]),
        lambda: metrics.top_k_accuracy([0, 1], [[0.5, 0.5], [0.5, 0.5]], 3),
        lambda: metrics.classification_scores([[0], [1]], [0.5, 0.5]),
    ],
)
def test_fault_29_arguments_that_do_not_fit_are_refused(score):
    with pytest.raises(ValueError, match=r"must be|must have"):
        score()


def test_scores_of_nothing_called_positive_are_0():
    scores = metrics.classification_scores(np.array([0, 1, 1]), np.array([0.1, 0.2, 0.3]))
    assert (scores["precision"], scores["recall"], scores["f1"]) == (0, 0, 0)
