"""What each setting of training does, and that training can be stopped and continued."""

import copy
import pickle
from functools import partial

import numpy as np
import pytest
import scipy.sparse as sp

from nn import Training, TwoLayerClassifier, TwoLayerNetwork, TwoLayerRegressor
from nn.batches import ArrayBatches, Step, drop
from nn.gradient import Gradient
from nn.optimizer import SGD
from nn.training import SCHEDULES, TrainingSettings


def wave(rows=400, noise=0.1, features=3, seed=0):
    """y = sin(2 x0) + noise; the other features tell nothing."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, features))
    return X, np.sin(2 * X[:, 0]) + noise * rng.normal(size=rows)


def fitted(X=None, y=None, **settings):
    X, y = wave() if X is None else (X, y)
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
    slope = network.backward(X, y[:, np.newaxis], *network.forward(X)).W1 / len(y)
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
    W1, W2 = network.W1.copy(), network.W2.copy()
    SGD(network, l2=0.5).step(network, Gradient(network.shapes, "float64"), 0.1)
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
    kept = make(np.ones((200, 500), np.float32))
    drop(kept.data if sp.issparse(kept) else kept, 0.3, np.random.default_rng(0))
    assert kept.dtype == np.float32
    assert kept.mean() == pytest.approx(1, abs=0.01)
    values = np.unique(np.asarray(kept.todense() if sp.issparse(kept) else kept))
    np.testing.assert_allclose(values, [0, 1 / 0.7], rtol=1e-6)


def test_hidden_dropout_has_the_gradient_of_the_masked_network():
    rng = np.random.default_rng(0)
    X, y, mask = rng.normal(size=(6, 3)), rng.normal(size=(6, 1)), rng.integers(0, 2, (6, 4)) * 2.0
    network = TwoLayerNetwork(3, 4)
    gradient = network.backward(X, y, *network.forward(X, mask), mask=mask).vector()
    for i in range(len(gradient)):
        losses = []
        for step in (1e-6, -2e-6):
            network.parameters[i] += step
            losses.append(0.5 * np.sum((network.forward(X, mask)[1] - y) ** 2))
        network.parameters[i] += 1e-6
        assert gradient[i] == pytest.approx((losses[0] - losses[1]) / 2e-6, abs=1e-7)


def test_clip_norm_bounds_the_step():
    network = TwoLayerNetwork(3, 2)
    for length, expected in ((100.0, 0.5), (0.2, 0.2)):
        before = network.parameters.copy()
        gradient = Gradient.from_vector(network.shapes, np.full(len(before), length / np.sqrt(len(before))))
        SGD(network, clip_norm=0.5).step(network, gradient, 1.0)
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
    relu = TwoLayerNetwork(400, 300, 50, hidden="relu")
    assert relu.W1.std() == pytest.approx((2 / 400) ** 0.5, rel=0.01)
    assert relu.W2.std() == pytest.approx(300**-0.5, rel=0.02)


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
    settings = TrainingSettings(12, early_stopping=True, patience=3)

    def training():
        return Training(TwoLayerNetwork(3, 5, dtype="float32"), settings, random_state=7)

    straight, interrupted, resumed = training(), training(), training()
    validation = X[:50], y[:50]

    def run(one):
        source = ArrayBatches(X, y, dropout=0.2, hidden_dropout=0.2)
        one.run_epoch(source, lambda: one.network.mean_loss(*validation))

    while not straight.finished:
        run(straight)
    for _ in range(5):
        run(interrupted)
    resumed.restore(interrupted.state())
    while not resumed.finished:
        run(resumed)
    assert resumed.history == straight.history
    np.testing.assert_array_equal(resumed.network.parameters, straight.network.parameters)
    np.testing.assert_array_equal(resumed.best_parameters, straight.best_parameters)
    np.testing.assert_array_equal(resumed.optimizer.velocity, straight.optimizer.velocity)


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
    monkeypatch.setattr("nn.optimizer.BLOCK", 5)
    np.testing.assert_array_equal(fitted().network_.parameters, plain)


def test_a_state_can_be_gone_back_to_in_place():
    X, y = wave()
    training, source = Training(TwoLayerNetwork(3, 5), TrainingSettings(10)), ArrayBatches(X, y[:, np.newaxis])
    training.run_epoch(source)
    state = training.state()
    first = training.run_epoch(source)
    training.restore(state)
    assert len(training.history) == 1
    assert training.run_epoch(source) == first


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


class Halves:
    """Another source of steps: each batch of all rows, its gradient the sum of those of two halves."""

    def __init__(self, X, y, n_steps):
        self.X, self.y, self.n_steps = X, y, n_steps

    def steps(self, network, rng):
        middle = len(self.y) // 3
        for _ in range(self.n_steps):
            vector, loss = np.zeros(len(network.parameters)), 0.0
            for half in (slice(0, middle), slice(middle, None)):
                hidden, prediction = network.forward(self.X[half])
                vector += network.backward(self.X[half], self.y[half], hidden, prediction).vector()
                loss += 0.5 * np.sum((prediction - self.y[half]) ** 2)
            yield Step(Gradient.from_vector(network.shapes, vector / len(self.y)), loss, len(self.y))


def test_training_does_not_care_where_its_steps_come_from():
    X, y = wave()
    y = y[:, np.newaxis]
    settings = TrainingSettings(30, learning_rate=0.3, early_stopping=True, patience=5)
    trainings = []
    for source in (ArrayBatches(X, y, batch_size=len(y)), Halves(X, y, 1)):
        training = Training(TwoLayerNetwork(3, 8), settings)
        while not training.finished:
            stuck = len(training.history) > 9
            training.run_epoch(source, partial(training.network.mean_loss, X, y) if not stuck else lambda: 1.0)
        trainings.append(training)
    ours, theirs = trainings
    assert len(ours.history) == len(theirs.history) == ours.best_epoch + 5
    for one, other in zip(ours.history, theirs.history, strict=True):
        assert one == pytest.approx(other, rel=1e-9)
    np.testing.assert_allclose(ours.best_parameters, theirs.best_parameters, rtol=1e-9)


def test_several_steps_an_epoch_are_one_row_of_the_history():
    X, y = wave()
    training = Training(TwoLayerNetwork(3, 8), TrainingSettings(2, schedule="constant"))
    training.run_epoch(Halves(X, y[:, np.newaxis], 3))
    single = Training(TwoLayerNetwork(3, 8), TrainingSettings(10, schedule="constant"))
    losses = [single.run_epoch(Halves(X, y[:, np.newaxis], 1))["training_loss"] for _ in range(3)]
    assert training.history[0]["training_loss"] == pytest.approx(np.mean(losses))
    np.testing.assert_array_equal(training.network.parameters, single.network.parameters)


def test_a_source_without_rows_is_refused():
    X, y = wave()
    training = Training(TwoLayerNetwork(3, 8), TrainingSettings(2))
    with pytest.raises(ValueError, match="nothing to train on"):
        training.run_epoch(Halves(X, y[:, np.newaxis], 0))


def test_a_stopped_training_is_finished_and_has_its_best_parameters():
    X, y = wave()
    training = Training(TwoLayerNetwork(3, 8), TrainingSettings(20, learning_rate=0.3))
    losses = iter([1.0, 0.5, 2.0])
    for _ in range(3):
        training.run_epoch(ArrayBatches(X, y[:, np.newaxis]), lambda: next(losses))
        if training.best_epoch == 2 and len(training.history) == 2:
            best = training.network.parameters.copy()
    assert not training.finished
    training.stop()
    assert training.finished
    np.testing.assert_array_equal(training.network.parameters, best)


@pytest.mark.parametrize("make", [np.asarray, sp.csr_matrix])
def test_dropout_leaves_the_rows_alone(make):
    X, y = wave()
    X = make(X)
    before = X.copy()
    source = ArrayBatches(X, y[:, np.newaxis], batch_size=10**9, dropout=0.5)
    list(source.steps(TwoLayerNetwork(3, 8), np.random.default_rng(0)))
    assert (before != X).sum() == 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda state: state.clear(), "lacks best_epoch, best_loss, best_parameters"),
        (lambda state: state.pop("velocity"), "lacks velocity"),
        (lambda state: state.update(parameters=np.ones(1)), r"parameters .* has shape \(1,\): .* needs \(41,\)"),
        (lambda state: state.update(velocity=np.ones(42)), r"velocity .* has shape \(42,\)"),
    ],
)
def test_a_state_of_another_network_is_refused_and_changes_nothing(change, words):
    X, y = wave()
    training = Training(TwoLayerNetwork(3, 8), TrainingSettings(20))
    training.run_epoch(ArrayBatches(X, y[:, np.newaxis]))
    before, state = training.state(), training.state()
    change(state)
    with pytest.raises(ValueError, match=words):
        training.restore(state)
    assert training.history == before["history"]
    np.testing.assert_array_equal(training.network.parameters, before["parameters"])


@pytest.mark.parametrize("hidden", ["sigmoid", "tanh", "relu"])
def test_each_hidden_function_learns_the_wave(hidden):
    X, y = wave()
    assert fitted(X, y, hidden=hidden, hidden_units=16, epochs=80, learning_rate=0.1).score(X, y) > 0.9


def test_slopes_far_from_0_vanish_for_sigmoid_and_tanh_and_not_for_relu():
    X = np.full((1, 1), 4.0)
    slopes = {}
    for hidden in ("sigmoid", "tanh", "relu"):
        W1, b1, W2 = np.ones((1, 1)), np.zeros(1), np.ones((1, 1))
        network = TwoLayerNetwork.from_arrays(W1, b1, W2, np.zeros(1), hidden=hidden)
        _, prediction = network.forward(X)
        slopes[hidden] = network.backward(X, prediction - 1, *network.forward(X)).b1[0]
    assert slopes["relu"] == 1
    assert slopes["sigmoid"] == pytest.approx(np.exp(-4) / (1 + np.exp(-4)) ** 2)
    assert slopes["tanh"] == pytest.approx(1 / np.cosh(4) ** 2)


def test_validation_is_weighted_as_training_is():
    X, y = wave()
    weight = np.repeat([0.0, 3.0], 200)
    settings = {"hidden_units": 8, "epochs": 3, "batch_size": 400, "dtype": "float64"}
    model = TwoLayerRegressor(**settings).fit(X, y, sample_weight=weight, validation=(X, y, weight))
    half = TwoLayerRegressor(**settings).fit(X, y, sample_weight=weight, validation=(X[200:], y[200:]))
    for row, expected in zip(model.history_, half.history_, strict=True):
        assert row["validation_loss"] == pytest.approx(expected["validation_loss"], rel=1e-12)
    whole = TwoLayerRegressor(**settings).fit(X, y, sample_weight=weight, validation=(X, y))
    assert whole.history_[0]["validation_loss"] != pytest.approx(half.history_[0]["validation_loss"], rel=1e-3)


def test_weights_left_after_holding_out_have_a_mean_of_1():
    X, y = wave()
    weight = np.random.default_rng(0).uniform(0, 5, len(y))
    model = TwoLayerRegressor(early_stopping=True, validation_fraction=0.3)
    model._learn_targets(y)
    rows = model._check_rows(X, y, weight, first=True)
    for _, _, part in model._hold_out(rows, np.random.default_rng(0)):
        assert part.mean() == pytest.approx(1)


def test_verbose_prints_a_line_an_epoch(capsys):
    X, y = wave()
    fitted(X, y, epochs=3)
    assert capsys.readouterr().out == ""
    fitted(X, y, epochs=3, verbose=1, early_stopping=True)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == ["epoch 1 of 3", "epoch 2 of 3", "epoch 3 of 3"]
    assert "validation loss" in lines[0]


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_the_rate_stays_where_it_is_after_the_last_epoch(schedule):
    X, y = wave()
    training = Training(TwoLayerNetwork(3, 8), TrainingSettings(2, schedule=schedule))
    rates = [training.run_epoch(ArrayBatches(X, y[:, np.newaxis]))["learning_rate"] for _ in range(5)]
    assert rates[3:] == rates[2:4]
    assert min(rates) >= 0


def test_the_best_parameters_are_those_that_the_best_loss_is_of():
    """Steps so long that each makes it worse: without validation rows, the first loss is of the first parameters."""
    X, y = wave()
    source = ArrayBatches(X, y[:, np.newaxis], batch_size=len(y))
    training = Training(TwoLayerNetwork(3, 8), TrainingSettings(5, learning_rate=50.0, schedule="constant"))
    for _ in range(3):
        training.run_epoch(source)
    assert training.best_epoch == 1
    training.restore_best()
    assert training.network.mean_loss(X, y[:, np.newaxis]) == pytest.approx(training.best_loss)


def test_a_training_goes_on_after_it_diverged_at_a_lower_rate():
    X, y = wave()
    source = ArrayBatches(X, 1e4 * y[:, np.newaxis])
    training = Training(TwoLayerNetwork(3, 8), TrainingSettings(40, learning_rate=500.0))
    while not training.finished:
        training.run_epoch(source)
    assert training.diverged
    training.restore_best()
    training.use(TrainingSettings(learning_rate=0.01))
    training.run_epoch(ArrayBatches(X, y[:, np.newaxis]))
    assert not training.diverged


def test_restoring_a_state_takes_back_a_stop():
    X, y = wave()
    training = Training(TwoLayerNetwork(3, 8), TrainingSettings(5))
    training.run_epoch(ArrayBatches(X, y[:, np.newaxis]))
    state = training.state()
    training.stop()
    training.restore(state)
    assert not training.finished


def test_without_momentum_no_velocity_is_left_over():
    X, y = wave()
    training = Training(TwoLayerNetwork(3, 8), TrainingSettings(5))
    training.run_epoch(ArrayBatches(X, y[:, np.newaxis]))
    training.use(TrainingSettings(5, momentum=0.0))
    assert not training.optimizer.velocity.any()


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda gradient: pickle.loads(pickle.dumps(gradient))])
@pytest.mark.parametrize("make", [np.asarray, sp.csr_matrix])
def test_a_copied_gradient_makes_the_same_step(copied, make):
    X, y = wave()
    steps = []
    for change in (lambda gradient: gradient, copied):
        network = TwoLayerNetwork(3, 8)
        gradient = network.backward(make(X), y[:, np.newaxis], *network.forward(make(X)))
        SGD(network, l2=0.5, clip_norm=1.0).step(network, change(gradient), 0.1)
        steps.append(network.parameters)
    np.testing.assert_array_equal(*steps)


def test_targets_that_numpy_would_stretch_are_refused():
    X, y = wave()
    with pytest.raises(ValueError, match=r"y must be \[rows, outputs\]"):
        ArrayBatches(X, y)
    with pytest.raises(ValueError, match=r"y must be \[rows, outputs\], here \(400, 1\), not of shape \(400,\)"):
        TwoLayerNetwork(3, 8).mean_loss(X, y)
    with pytest.raises(ValueError, match="do not fit one another"):
        TwoLayerNetwork.from_arrays(np.ones((3, 2)), np.ones(1), np.ones((2, 1)), np.ones(1))
