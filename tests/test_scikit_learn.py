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


def test_fault_28_three_classes_are_refused_with_the_labels_found():
    with pytest.raises(ValueError, match=r"Only binary classification is supported.*\['a' 'b' 'c'\]"):
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
        ({"hidden_units": 4.0}, "hidden_units must be a whole number"),
        ({"dropout": 1.0}, "dropout must be from 0 to below 1"),
        ({"dtype": "int8"}, "dtype must be 'float32' or 'float64'"),
        ({"schedule": "random"}, "schedule must be one of constant, linear, cosine"),
    ],
)
def test_fault_31_settings_that_make_no_sense_are_refused(settings, words):
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
def test_fault_29_input_that_makes_no_sense_is_refused(X, y, words):
    with pytest.raises(ValueError, match=words):
        TwoLayerRegressor().fit(X, y)


def test_fault_29_rows_unlike_those_of_the_fit_are_refused():
    model = TwoLayerRegressor(epochs=1).fit(np.eye(3), [1, 2, 3])
    for X, words in ((np.eye(2), "2 features, but .* expecting 3"), (np.ones(3), r"not of shape \(3,\)")):
        with pytest.raises(ValueError, match=words):
            model.predict(X)


def test_fault_29_a_fit_that_is_refused_leaves_the_model_as_it_was():
    X, y = rows()
    model = TwoLayerClassifier(epochs=2).fit(X, y)
    before = model.predict(X)
    for bad_X, bad_y, validation in (
        (np.eye(3), ["a", "b", "c"], None),
        ([[1.0], [np.nan]], ["a", "b"], None),
        ([[1.0], [2.0]], ["a", "b", "a"], None),
        ([[1.0], [2.0]], ["a", "b"], ([[1.0]], ["c"])),
    ):
        with pytest.raises(ValueError, match=r"binary|NaN|shapes|labels"):
            model.fit(bad_X, bad_y, validation=validation)
        assert (model.n_features_in_, model.classes_.tolist()) == (4, ["bad", "good"])
        assert (model.predict(X) == before).all()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_fault_32_extreme_numbers_are_right_or_refused_without_a_warning(dtype):
    X, y = rows(n=40)[0] / 10, np.arange(40) / 40
    for factor in (5e-324, 1e-310, 1e-45, 1e-30):
        model = TwoLayerRegressor(epochs=2, dtype=dtype).fit(X * factor, y)
        assert np.isfinite(model.predict(X * factor)).all()
    for extreme in (1e308, -1e308):
        changed = np.where(X[3, 1] == X, extreme, X)
        if dtype == "float32":
            with pytest.raises(ValueError, match=r"too large for float32 at \[3, 1\]"):
                TwoLayerRegressor(epochs=2).fit(changed, y)
        else:
            assert np.isfinite(TwoLayerRegressor(epochs=2, dtype=dtype).fit(changed, y).predict(X)).all()


def test_fault_32_arrays_that_must_not_be_written_are_not():
    X, y = rows(classes=False, n=40)
    for array in (X, y):
        array.flags.writeable = False
    before = X.copy()
    for settings in ({}, {"dropout": 0.3}, {"dtype": "float64", "dropout": 0.3}):
        TwoLayerRegressor(epochs=2, **settings).fit(X, y).predict(X)
    np.testing.assert_array_equal(X, before)


@pytest.mark.parametrize(
    "change", [np.asfortranarray, lambda X: X[::-1][::-1], np.float16, lambda X: X.astype(object), lambda X: X.tolist()]
)
def test_fault_32_unusual_arrays_give_the_same_network(change):
    X = np.round(rows(n=40)[0])
    y = X[:, 0] / 10
    expected = TwoLayerRegressor(epochs=3).fit(X, y).predict(X)
    np.testing.assert_array_equal(TwoLayerRegressor(epochs=3).fit(change(X), y).predict(change(X)), expected)
