"""The estimators judged by scikit-learn: its own estimator checks, and its tools at work on ours."""

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is the judge here")

from sklearn.base import clone, is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from nn import TwoLayerClassifier, TwoLayerRegressor

# Sums taken in another order differ by more than the 1e-7 that the first two allow, and the third asks for float64
# predictions: float32 cannot, by its nature. In float64, where nothing is expected to fail, all three pass.
FLOAT32 = {
    "check_sample_weight_equivalence_on_dense_data": "wants equality to 1e-7",
    "check_sample_weight_equivalence_on_sparse_data": "wants equality to 1e-7",
    "check_regressor_multioutput": "wants float64 predictions",
}


ESTIMATORS = [kind(dtype=dtype) for kind in (TwoLayerRegressor, TwoLayerClassifier) for dtype in ("float32", "float64")]


@parametrize_with_checks(
    ESTIMATORS,
    expected_failed_checks=lambda estimator: FLOAT32 if estimator.dtype == "float32" else {},
)
def test_estimator_checks(estimator, check):
    check(estimator)


def rows(classes=True, n=300):
    rng = np.random.default_rng(0)
    X = rng.normal(10, 5, (n, 4))
    score = (X[:, 0] - X[:, 1]) / 5
    return X, (np.where(score > 0, "good", "bad") if classes else score)


def test_pipeline_scales_before_it_trains():
    X, y = rows()
    assert make_pipeline(StandardScaler(), TwoLayerClassifier()).fit(X[:200], y[:200]).score(X[200:], y[200:]) > 0.9


def test_grid_search_finds_that_a_network_must_learn():
    X, y = rows(classes=False)
    model = make_pipeline(StandardScaler(), TwoLayerRegressor(epochs=20))
    search = GridSearchCV(model, {"twolayerregressor__learning_rate": [1e-6, 0.1]}, cv=3).fit(X, y)
    assert search.best_params_ == {"twolayerregressor__learning_rate": 0.1}
    assert search.best_score_ > 0.9


def test_cross_val_score_uses_stratified_folds_for_a_classifier():
    X, y = rows()
    assert is_classifier(TwoLayerClassifier())
    scores = cross_val_score(make_pipeline(StandardScaler(), TwoLayerClassifier(epochs=20)), X, y, cv=4)
    assert scores.min() > 0.85


def test_clone_copies_settings_and_forgets_what_was_learned():
    X, y = rows()
    fitted = TwoLayerClassifier(hidden_units=3, l2=0.5, epochs=2).fit(X, y)
    copied = clone(fitted)
    assert copied.get_params() == fitted.get_params()
    assert not hasattr(copied, "network_")


def test_calibration_takes_our_probabilities():
    X, y = rows()
    model = CalibratedClassifierCV(make_pipeline(StandardScaler(), TwoLayerClassifier(epochs=20)), cv=3).fit(X, y)
    assert model.score(X, y) > 0.9


def test_three_classes_are_refused_in_words():
    with pytest.raises(ValueError, match="Only binary classification is supported"):
        TwoLayerClassifier().fit(np.eye(3), ["a", "b", "c"])


def test_labels_come_back_as_they_were_given():
    X, y = rows()
    model = TwoLayerClassifier().fit((X - 10) / 5, y)
    assert model.classes_.tolist() == ["bad", "good"]
    assert set(model.predict((X - 10) / 5)) == {"bad", "good"}
    np.testing.assert_allclose(model.predict_proba((X - 10) / 5).sum(axis=1), 1, rtol=1e-6)


def test_two_outputs_at_once():
    X, y = rows(classes=False)
    X, both = (X - 10) / 5, np.column_stack([y, -y])
    model = TwoLayerRegressor().fit(X, both)
    assert model.predict(X).shape == (300, 2)
    assert model.score(X, both) > 0.95


def test_weight_0_is_as_good_as_not_there():
    X, y = rows(classes=False, n=50)
    X = (X - 10) / 5
    weight = np.ones(60)
    weight[50:] = 0
    spoiled, nonsense = np.vstack([X, X[:10]]), np.concatenate([y, np.full(10, 1e3)])
    settings = {"epochs": 30, "batch_size": 100, "dtype": "float64"}
    weighted = TwoLayerRegressor(**settings).fit(spoiled, nonsense, sample_weight=weight)
    np.testing.assert_allclose(weighted.predict(X), TwoLayerRegressor(**settings).fit(X, y).predict(X), rtol=1e-9)
    assert weighted.score(spoiled, nonsense, sample_weight=weight) == pytest.approx(weighted.score(X, y))


def test_partial_fit_learns_from_a_stream_of_batches():
    X, y = rows()
    X, stream = (X - 10) / 5, TwoLayerClassifier(batch_size=10)
    for _ in range(10):
        for start in range(0, 200, 50):
            part = slice(start, start + 50)
            stream.partial_fit(X[part], y[part], classes=["bad", "good"])
    assert stream.score(X[200:], y[200:]) > 0.9
    assert {row["learning_rate"] for row in stream.history_} == {0.1}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"learning_rate": -1}, "learning_rate must be above 0"),
        ({"epochs": 0}, "epochs must be a whole number from 1"),
        ({"hidden_units": 2.5}, "hidden_units must be a whole number"),
        ({"dropout": 1.0}, "dropout must be from 0 to below 1"),
        ({"dtype": "int8"}, "dtype must be 'float32' or 'float64'"),
        ({"schedule": "random"}, "schedule must be one of constant, linear, cosine"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings, words):
    with pytest.raises(ValueError, match=words):
        TwoLayerRegressor(**settings).fit(np.eye(3), [1, 2, 3])


@pytest.mark.parametrize(
    ("X", "y", "words"),
    [
        ([[1.0], [2.0]], [1.0], r"shapes \(2, 1\) and \(1, 1\)"),
        ([1.0, 2.0], [1.0, 2.0], r"not of shape \(2,\)"),
        ([[1.0], [np.nan]], [1.0, 2.0], r"X is masked, NaN.* at \[1, 0\]"),
        ([[1e308], [2.0]], [1.0, 2.0], r"too large for float32 at \[0, 0\]"),
        (np.ma.array([[1.0], [2.0]], mask=[[0], [1]]), [1.0, 2.0], r"masked.* at \[1, 0\]"),
        ([["a"], ["b"]], [1.0, 2.0], "could not convert string to float"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_input_that_makes_no_sense_is_refused(X, y, words):
    with pytest.raises(ValueError, match=words):
        TwoLayerRegressor().fit(X, y)


@pytest.mark.parametrize(
    "change", [np.asfortranarray, lambda X: X[::-1][::-1], np.float16, lambda X: X.astype(object), lambda X: X.tolist()]
)
def test_unusual_arrays_give_the_same_network(change):
    X = np.round(rows(n=40)[0])
    y = X[:, 0] / 10
    expected = TwoLayerRegressor(epochs=3).fit(X, y).predict(X)
    np.testing.assert_array_equal(TwoLayerRegressor(epochs=3).fit(change(X), y).predict(change(X)), expected)
