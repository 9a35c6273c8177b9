"""What each setting of training does, and that training can be stopped and continued."""

import numpy as np
import pytest
import scipy.sparse as sp

from nn import Training, TwoLayerClassifier, TwoLayerNetwork, TwoLayerRegressor
from nn.training import SCHEDULES, TrainingSettings, drop


def wave(rows=400, noise=0.1, features=3, seed=0):
    """y = sin(2 x0) + noise; the other features tell nothing."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, features))
    return X, np.sin(2 * X[:, 0]) + noise * rng.normal(size=rows)


def fitted(X=None, y=None, **settings):
    X, y = (wave() if X is None else (X, y))
    settings = {"hidden_units": 8, "epochs": 40, "learning_rate": 0.3, "batch_size": 20, "dtype": "float64"} | settings
    return TwoLayerRegressor(**settings).fit(X, y)


def final_loss(**settings):
    return fitted(**settings).history_[-1]["training_loss"]


def test_training_lowers_the_loss_and_tells_each_epoch():
    model = fitted()
    losses = [row["training_loss"] for row in model.history_]
    assert losses[-1] < 0.1 * losses[0]
    assert [row["epoch"] for row in model.history_] == list(range(1, 41))


def test_momentum_gets_further_in_the_same_epochs():
    assert final_loss(momentum=0.9, learning_rate=0.05) < 0.5 * final_loss(momentum=0.0, learning_rate=0.05)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_schedule_sets_the_rate_of_each_epoch(schedule):
    rates = [row["learning_rate"] for row in fitted(epochs=4, learning_rate=0.4, schedule=schedule).history_]
    expected = {
        "constant": [0.4, 0.4, 0.4, 0.4],
        "linear": [0.4, 0.3, 0.2, 0.1],
        "cosine": [0.4, 0.2 * (1 + 0.5**0.5), 0.2, 0.2 * (1 - 0.5**0.5)],
    }
    np.testing.assert_allclose(rates, expected[schedule])


def test_a_falling_rate_ends_lower_than_a_constant_one_on_noisy_rows():
    X, y = wave(noise=0.5)
    unseen = wave(2000, noise=0.0, seed=1)
    errors = {
        schedule: np.mean((fitted(X, y, schedule=schedule, learning_rate=0.3).predict(unseen[0]) - unseen[1]) ** 2)
        for schedule in ("constant", "linear")
    }
    assert errors["linear"] < errors["constant"]


def test_l1_sets_weights_of_useless_features_to_exactly_0():
    W1 = fitted(l1=0.01).network_.W1
    assert (W1[1:] == 0).mean() > 0.9
    assert (W1[0] != 0).any()
    assert (fitted(l1=0.0).network_.W1 != 0).all()


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_l1_ends_where_its_penalty_and_the_loss_balance(momentum):
    X, y = wave()
    settings = {"l1": 0.002, "momentum": momentum, "learning_rate": 1 - momentum, "batch_size": 400}
    network = fitted(X, y, epochs=10_000, schedule="constant", **settings).network_
    network.backward(X, y[:, np.newaxis], *network.forward(X))
    slope = network.dW1 / len(y)
    zero = network.W1 == 0
    assert zero.any()
    assert not zero.all()
    np.testing.assert_allclose(slope[~zero], -0.002 * np.sign(network.W1[~zero]), atol=1e-4)
    assert (np.abs(slope[zero]) <= 0.002 + 1e-9).all()


def test_l2_shrinks_the_weights():
    lengths = [np.linalg.norm(fitted(l2=l2).network_.W1) for l2 in (0, 0.001, 0.01)]
    assert lengths[0] > lengths[1] > lengths[2]


def test_l2_step_is_the_gradient_of_its_penalty():
    network = TwoLayerNetwork(2, 2)
    network.b1[:] = 1
    training = Training(network, TrainingSettings(1, momentum=0.0, l2=0.5))
    W1, W2 = network.W1.copy(), network.W2.copy()
    network.dW1[:] = network.gradient_after_W1[:] = 0
    training.update(0.1)
    np.testing.assert_allclose(network.W1, W1 * (1 - 0.1 * 0.5))
    np.testing.assert_allclose(network.W2, W2 * (1 - 0.1 * 0.5))
    np.testing.assert_array_equal(network.b1, 1)


@pytest.mark.parametrize("setting", ["dropout", "hidden_dropout"])
def test_dropout_keeps_a_network_from_learning_the_noise(setting):
    X, y = wave(rows=40, noise=0.8, features=10)
    unseen, wanted = wave(rows=2000, noise=0.0, features=10, seed=1)
    settings = {"hidden_units": 40, "epochs": 400, "learning_rate": 0.1}
    gaps = {}
    for rate in (0.0, 0.3):
        model = fitted(X, y, **settings | {setting: rate})
        gaps[rate] = np.mean((model.predict(unseen) - wanted) ** 2) - np.mean((model.predict(X) - y) ** 2)
    assert gaps[0.3] < 0.8 * gaps[0.0]


@pytest.mark.parametrize("make", [np.copy, sp.csr_matrix])
def test_drop_keeps_the_expectation(make):
    kept = drop(make(np.ones((200, 500), np.float32)), 0.3, np.random.default_rng(0))
    assert kept.dtype == np.float32
    assert kept.mean() == pytest.approx(1, abs=0.01)
    values = np.unique(np.asarray(kept.todense() if sp.issparse(kept) else kept))
    np.testing.assert_allclose(values, [0, 1 / 0.7], rtol=1e-6)


def test_hidden_dropout_has_the_gradient_of_the_masked_network():
    rng = np.random.default_rng(0)
    X, y, mask = rng.normal(size=(6, 3)), rng.normal(size=(6, 1)), rng.integers(0, 2, (6, 4)) * 2.0
    network = TwoLayerNetwork(3, 4)
    network.backward(X, y, *network.forward(X, mask), mask)
    gradient = network.gradient.copy()
    for i in range(len(gradient)):
        losses = []
        for step in (1e-6, -2e-6):
            network.parameters[i] += step
            losses.append(0.5 * np.sum((network.forward(X, mask)[1] - y) ** 2))
        network.parameters[i] += 1e-6
        assert gradient[i] == pytest.approx((losses[0] - losses[1]) / 2e-6, abs=1e-7)


def test_clip_norm_bounds_the_step():
    network = TwoLayerNetwork(3, 2)
    training = Training(network, TrainingSettings(1, momentum=0.0, clip_norm=0.5))
    for length, expected in ((100.0, 0.5), (0.2, 0.2)):
        before = network.parameters.copy()
        network.dW1[:] = network.gradient_after_W1[:] = length / np.sqrt(len(before))
        training.update(1.0)
        assert np.linalg.norm(network.parameters - before) == pytest.approx(expected)


def test_clip_norm_survives_an_outlier_that_otherwise_ruins_training():
    X, y = wave()
    y[7] = 1e6
    clean = np.arange(len(y)) != 7
    errors = {
        clip_norm: np.mean((fitted(X, y, clip_norm=clip_norm).predict(X) - y)[clean] ** 2) for clip_norm in (None, 1.0)
    }
    assert errors[None] > 1e6
    assert errors[1.0] < 1.0


def test_zero_weights_keep_the_hidden_units_alike_and_large_ones_saturate_them():
    right, zero, large = (fitted(weight_scale=scale) for scale in (1.0, 0.0, 300.0))
    assert np.ptp(zero.network_.W1, axis=1).max() == 0  # every hidden unit is a copy of the first
    for failed in (zero, large):
        assert right.history_[-1]["training_loss"] < 0.5 * failed.history_[-1]["training_loss"]


def test_weights_start_with_a_variance_of_1_over_fan_in():
    network = TwoLayerNetwork(400, 300, 50)
    assert network.W1.std() == pytest.approx(400**-0.5, rel=0.01)
    assert network.W2.std() == pytest.approx(300**-0.5, rel=0.02)
    assert not network.b1.any()


def test_small_batches_learn_more_in_an_epoch_than_the_full_batch():
    losses = {size: final_loss(batch_size=size, learning_rate=0.05, momentum=0.0) for size in (1, 20, 10_000)}
    assert losses[1] < losses[20] < losses[10_000]


def test_a_batch_larger_than_the_data_is_one_full_batch():
    np.testing.assert_array_equal(
        fitted(batch_size=400).network_.parameters, fitted(batch_size=10**9).network_.parameters
    )


def test_early_stopping_goes_back_to_the_best_epoch():
    X, y = wave(rows=40, noise=1.0)
    unseen = wave(rows=300, noise=1.0, seed=1)
    model = TwoLayerRegressor(
        hidden_units=60, epochs=2000, learning_rate=0.1, batch_size=8, early_stopping=True, patience=20, dtype="float64"
    ).fit(X, y, validation=unseen)
    losses = [row["validation_loss"] for row in model.history_]
    best = int(np.argmin(losses))
    assert len(losses) == best + 1 + 20
    assert model.network_.mean_loss(unseen[0], unseen[1][:, np.newaxis]) == min(losses)


def test_early_stopping_holds_rows_out_where_none_are_given():
    model = fitted(early_stopping=True, epochs=5)
    assert all("validation_loss" in row for row in model.history_)


def test_divergence_is_told_and_the_best_weights_are_kept():
    X, y = wave()
    with pytest.warns(RuntimeWarning, match="lower learning_rate"):
        model = fitted(X, 1e4 * y, learning_rate=500.0)
    assert np.isfinite(model.network_.parameters).all()
    assert len(model.history_) < 40


@pytest.mark.parametrize("make", [np.asarray, sp.csr_matrix])
def test_restored_state_continues_bit_for_bit(make):
    X, y = wave()
    X, y = make(np.float32(X)), np.float32(y)[:, np.newaxis]
    settings = TrainingSettings(12, dropout=0.2, hidden_dropout=0.2, early_stopping=True, patience=3)

    def training():
        return Training(TwoLayerNetwork(3, 5, dtype="float32"), settings, random_state=7)

    straight, interrupted, resumed = training(), training(), training()
    validation = X[:50], y[:50]
    while not straight.finished:
        straight.run_epoch(X, y, validation=validation)
    for _ in range(5):
        interrupted.run_epoch(X, y, validation=validation)
    resumed.restore(interrupted.state())
    while not resumed.finished:
        resumed.run_epoch(X, y, validation=validation)
    assert resumed.history == straight.history
    np.testing.assert_array_equal(resumed.network.parameters, straight.network.parameters)
    np.testing.assert_array_equal(resumed.best_parameters, straight.best_parameters)
    np.testing.assert_array_equal(resumed.velocity, straight.velocity)


def test_fit_resumes_from_the_state_of_an_earlier_epoch():
    states = []

    def again():
        return TwoLayerRegressor(hidden_units=8, epochs=8, dropout=0.1)

    model = again().fit(*wave(), on_epoch=lambda training: states.append(training.state()))
    resumed = again().fit(*wave(), resume_from=states[2])
    np.testing.assert_array_equal(resumed.network_.parameters, model.network_.parameters)
    assert resumed.history_ == model.history_


def test_the_same_seed_gives_the_same_network_and_another_seed_another():
    first, again, other = (fitted(random_state=seed).network_.parameters for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_blocks_do_not_change_the_update(monkeypatch):
    plain = fitted().network_.parameters
    monkeypatch.setattr("nn.training.BLOCK", 5)
    np.testing.assert_array_equal(fitted().network_.parameters, plain)


def test_a_state_can_be_gone_back_to_in_place():
    X, y = wave()
    training = Training(TwoLayerNetwork(3, 5), TrainingSettings(10))
    training.run_epoch(X, y[:, np.newaxis])
    state = training.state()
    first = training.run_epoch(X, y[:, np.newaxis])
    training.restore(state)
    assert len(training.history) == 1
    assert training.run_epoch(X, y[:, np.newaxis]) == first


def test_partial_fit_after_fit_learns_at_the_full_rate():
    X, y = wave()
    model = fitted(X, y, epochs=5)
    for rate in (0.3, 0.1):
        model.set_params(learning_rate=rate).partial_fit(X, y)
        assert model.history_[-1]["learning_rate"] == rate


def test_rows_of_weight_0_do_not_count_in_early_stopping():
    X, y = wave()
    y[:200] = 1e3
    weight = np.repeat([0.0, 1.0], 200)
    model = TwoLayerRegressor(hidden_units=8, epochs=20, early_stopping=True).fit(X, y, sample_weight=weight)
    assert model.history_[-1]["validation_loss"] < 1


def test_a_column_of_targets_is_scored_like_a_row():
    X, y = wave()
    model = fitted(X, y)
    assert model.score(X, y[:, np.newaxis]) == model.score(X, y)
    classifier = TwoLayerClassifier(epochs=2).fit(X, y > 0)
    assert classifier.score(X, (y > 0)[:, np.newaxis]) == classifier.score(X, y > 0)
