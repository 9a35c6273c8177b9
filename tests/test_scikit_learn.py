"""The estimators judged by scikit-learn: its own estimator checks, and its tools at work on ours."""

import pytest

pytest.importorskip("sklearn", reason="scikit-learn is the judge here")

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
