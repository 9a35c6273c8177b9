"""The estimators judged by scikit-learn: its own estimator checks, and its tools at work on ours."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

pytest.importorskip("sklearn", reason="scikit-learn is the judge here")

from sklearn.base import clone, is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_digits, load_iris
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_dataframe_column_names_consistency, parametrize_with_checks

from nn import TwoLayerClassifier, TwoLayerNetwork, TwoLayerRegressor, metrics
from nn.estimators import choose_held_out

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


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_names_of_features_are_remembered_and_held_to(estimator):
    check_dataframe_column_names_consistency(type(estimator).__name__, estimator)


@pytest.mark.parametrize(("load", "least"), [(load_iris, 0.95), (load_digits, 0.96)])
def test_more_than_two_classes(load, least):
    X, y = load(return_X_y=True)
    model = make_pipeline(StandardScaler(), TwoLayerClassifier(random_state=0))
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    assert cross_val_score(model, X, y, cv=folds).mean() >= least


def test_probabilities_of_three_classes_are_those_of_the_network():
    X, y = load_iris(return_X_y=True)
    names = np.array(["setosa", "versicolor", "virginica"])
    model = TwoLayerClassifier(epochs=5, dtype="float64").fit(X, names[y])
    probability = model.predict_proba(X)
    assert probability.shape == (150, 3)
    np.testing.assert_allclose(probability.sum(axis=1), 1)
    np.testing.assert_array_equal(model.predict(X), names[probability.argmax(axis=1)])
    assert (model.network_.output, model.network_.loss) == ("softmax", "cross_entropy")
    one_hot = np.eye(3)[y]
    assert model.network_.mean_loss(X, one_hot) == pytest.approx(metrics.log_loss(y, probability))


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


def test_fault_28_one_class_is_refused_with_the_label_found():
    with pytest.raises(ValueError, match=r"y has one class, \['a'\]: a classifier needs two or more"):
        TwoLayerClassifier().fit(np.eye(3), ["a", "a", "a"])


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
        ({"learning_rate": -1}, "learning_rate must be a number above 0"),
        ({"learning_rate": "0.1"}, "learning_rate must be a number above 0, not '0.1'"),
        ({"learning_rate": True}, "learning_rate must be a number"),
        ({"learning_rate": np.nan}, "learning_rate must be a number"),
        ({"l2": None}, "l2 must be a number from 0, not None"),
        ({"momentum": "x"}, "momentum must be a number from 0 to below 1"),
        ({"clip_norm": "a"}, "clip_norm must be a number above 0, or None"),
        ({"schedule": ["linear"]}, "schedule must be one of"),
        ({"loss": ["log_loss"]}, "loss must be one of"),
        ({"loss": "log_loss"}, "no loss 'log_loss' for a linear output"),
        ({"hidden": "step"}, "hidden must be one of sigmoid, tanh, relu"),
        ({"random_state": "a"}, "random_state must be a whole number from 0, a numpy.random.Generator or None"),
        ({"epochs": True}, "epochs must be a whole number"),
        ({"batch_size": np.True_}, "batch_size must be a whole number"),
        ({"early_stopping": "yes"}, "early_stopping must be True or False"),
        ({"validation_fraction": 0}, "validation_fraction must be a number above 0 to below 1"),
        ({"verbose": "x"}, "verbose must be"),
        ({"epochs": 0}, "epochs must be a whole number from 1"),
        ({"hidden_units": 2.5}, "hidden_units must be a whole number"),
        ({"hidden_units": 4.0}, "hidden_units must be a whole number"),
        ({"dropout": 1.0}, "dropout must be a number from 0 to below 1"),
        ({"dtype": "int8"}, "dtype must be one of float32, float64"),
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
        (np.array([["2020"], ["2021"]], "datetime64[Y]"), [1.0, 2.0], "X must hold numbers, not dates"),
        ([[1.0], [2.0]], np.array(["2020", "2021"], "datetime64[Y]"), "y must hold numbers, not dates"),
        (pd.DataFrame({"day": pd.to_datetime(["2020", "2021"], format="%Y"), "n": [1, 2]}), [1.0, 2.0], "not dates"),
        (pd.DataFrame({"day": pd.to_datetime(["2020", "2021"], format="%Y")}), [1.0, 2.0], "must hold numbers"),
        ([[1.0], [2.0]], np.empty((2, 0)), "y has 0 outputs"),
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
        (np.eye(3), ["a", "a", "a"], None),
        ([[1.0], [np.nan]], ["a", "b"], None),
        ([[1.0], [2.0]], ["a", "b", "a"], None),
        ([[1.0], [2.0]], ["a", "b"], ([[1.0]], ["c"])),
    ):
        with pytest.raises(ValueError, match=r"one class|NaN|shapes|labels"):
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


@pytest.mark.parametrize("integer", [np.int8, np.uint16, np.int64])
def test_fault_46_integers_of_any_width_are_numbers(integer):
    X, y = rows(n=100)
    settings = {"epochs": 2, "batch_size": 64, "hidden_units": 5, "random_state": 3, "patience": 2}
    plain = TwoLayerClassifier(**settings).fit(X, y)
    wide = TwoLayerClassifier(**{name: integer(value) for name, value in settings.items()}).fit(X, y)
    np.testing.assert_array_equal(wide.network_.parameters, plain.network_.parameters)
    TwoLayerClassifier(epochs=2, learning_rate=np.float32(0.1), l2=integer(0)).fit(X, y)


def test_fault_46_settings_are_checked_at_each_partial_fit():
    X, y = rows(classes=False, n=100)
    model = TwoLayerRegressor(epochs=2).partial_fit(X, y)
    before = model.network_.parameters.copy()
    with pytest.raises(ValueError, match="momentum must be a number"):
        model.set_params(momentum="x").partial_fit(X, y)
    np.testing.assert_array_equal(model.network_.parameters, before)
    model.set_params(momentum=0.0, learning_rate=1e30)
    for _ in range(5):
        if not model.training_.diverged:
            with pytest.warns(RuntimeWarning, match="lower learning_rate"):
                model.partial_fit(X, y)
    assert np.isfinite(model.network_.parameters).all()
    model.set_params(momentum=0.9, learning_rate=0.01).partial_fit((X - 10) / 5, y)
    assert not model.training_.diverged
    with pytest.raises(ValueError, match="y has 2 outputs, but the first partial_fit had 1"):
        model.partial_fit(X, np.column_stack([y, y]))
    with pytest.raises(ValueError, match="dtype was float32 in the first fit, and is float64 now"):
        model.set_params(dtype="float64").partial_fit(X, y)


@pytest.mark.parametrize("kind", [TwoLayerRegressor, TwoLayerClassifier])
def test_fault_47_rows_of_weight_0_are_neither_held_out_nor_trained_on(kind):
    X, y = rows(classes=False, n=60)
    X, y = (X - 10) / 5, y if kind is TwoLayerRegressor else (y > 0).astype(int)
    weight = np.ones(60)
    weight[10:] = 0
    settings = {"early_stopping": True, "epochs": 5, "dtype": "float64"}
    weighted = kind(**settings).fit(X, y, sample_weight=weight)
    assert all(np.isfinite([*row.values()]).all() for row in weighted.history_)
    alone = kind(**settings).fit(X[:10], y[:10])
    np.testing.assert_allclose(weighted.network_.parameters, alone.network_.parameters, rtol=1e-9)
    weight[1:] = 0
    with pytest.raises(ValueError, match=r"1 sample.* of weight above 0: early stopping needs at least 2"):
        kind(**settings).fit(X, y, sample_weight=weight)


def test_held_out_rows_are_a_like_share_of_each_class():
    strata = np.repeat([0, 1, 2], [200, 40, 1])
    held_out = choose_held_out(strata, 0.1, np.random.default_rng(0))
    assert np.bincount(strata[held_out], minlength=3).tolist() == [20, 4, 0]
    few = choose_held_out(np.array([0, 0, 1]), 0.1, np.random.default_rng(0))
    assert np.flatnonzero(few).tolist() in ([0], [1])


def test_fault_48_a_csr_matrix_that_points_outside_is_refused():
    X, y = sp.csr_matrix(np.eye(4, dtype=np.float32)), np.arange(4.0)
    model = TwoLayerRegressor(epochs=1).fit(X, y)
    for column in (4, 10**9, -1):
        broken = X.copy()
        broken.indices[2] = column
        for use in (lambda broken=broken: model.predict(broken), lambda broken=broken: model.fit(broken, y)):
            with pytest.raises(ValueError, match="indices"):
                use()


def test_fault_48_columns_in_another_order_are_refused():
    table = pd.DataFrame(np.eye(3), columns=["a", "b", "c"])
    model = TwoLayerRegressor(epochs=1).fit(table, [1, 2, 3])
    assert model.feature_names_in_.tolist() == ["a", "b", "c"]
    with pytest.raises(ValueError, match="same order"):
        model.predict(table[["c", "b", "a"]])
    assert not hasattr(model.fit(np.eye(3), [1, 2, 3]), "feature_names_in_")


def test_fault_45_a_state_that_is_none_is_refused():
    with pytest.raises(ValueError, match="lacks"):
        TwoLayerRegressor(epochs=1).fit(np.eye(3), [1, 2, 3], resume_from={})


def test_a_fit_that_fails_half_way_leaves_the_model_as_it_was():
    X, y = rows(classes=False, n=40)
    model = TwoLayerRegressor(epochs=2).fit(X, y)
    before = dict(vars(model))

    def fail(training):
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        model.fit(X[:, :2], y, on_epoch=fail)
    assert vars(model) == before


def test_squared_error_is_a_loss_of_two_classes_alone():
    X, y = rows()
    X = (X - 10) / 5
    model = TwoLayerClassifier(loss="squared_error").fit(X, y)
    assert model.network_.loss == "squared_error"
    assert model.score(X, y) > 0.9
    with pytest.raises(ValueError, match="no loss 'squared_error' for a softmax output"):
        TwoLayerClassifier(loss="squared_error").fit(X, np.arange(len(X)) % 3)


def test_a_network_can_be_used_without_an_estimator():
    assert TwoLayerNetwork(3, 2, n_outputs=4, output="softmax").predict(np.zeros((5, 3))).shape == (5, 4)


@pytest.mark.parametrize("estimator", [TwoLayerClassifier, TwoLayerRegressor])
def test_a_wrong_keyword_names_the_class_that_was_called(estimator):
    with pytest.raises(TypeError, match=rf"^{estimator.__name__}\b.*'hiden_units'"):
        estimator(hiden_units=3)


def test_warnings_name_the_line_of_the_user():
    """Whichever method was called: the first line outside of `nn`."""
    table = pd.DataFrame({"a": [0.0, 1.0, 2.0, 3.0], "b": [1.0, 2.0, 1.0, 2.0]})
    y = np.array([0, 1, 0, 1])
    classifier = TwoLayerClassifier(epochs=2).fit(table, y)
    regressor = TwoLayerRegressor(epochs=2).fit(table, y)
    X = table.to_numpy()
    calls = [
        lambda: classifier.fit(table, y[:, np.newaxis]),
        lambda: classifier.predict(X),
        lambda: classifier.predict_proba(X),
        lambda: classifier.score(X, y),
        lambda: regressor.predict(X),
        lambda: regressor.score(X, y),
    ]
    for call in calls:
        with pytest.warns(UserWarning, match="column-vector|feature names") as warned:
            call()
        assert [warning.filename for warning in warned] == [__file__]
