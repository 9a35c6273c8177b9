"""Output functions and losses: exact in the tails, and each derivative that of the function above it."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nn import functions
from nn.functions import ACTIVATIONS, LOSSES, LOSSES_OF, OUTPUTS, output_delta, sigmoid, softmax

POINTS = np.array([[-3.0, -0.5, 0.1, 2.0]])
STEP = 1e-6


def central_difference(function, at):
    return (function(at + STEP) - function(at - STEP)) / (2 * STEP)


def test_one_neuron_of_the_textbook():
    # weights [0, 1], bias 4, input [2, 3]
    assert sigmoid(np.array([0 * 2 + 1 * 3 + 4.0]))[0] == pytest.approx(0.9990889488055994, abs=1e-15)


@given(st.floats(-1e308, 1e308))
def test_sigmoid_is_between_0_and_1_and_symmetric_without_a_warning(z):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        a, b = sigmoid(np.array([z, -z]))
    assert 0 <= a <= 1
    assert a + b == pytest.approx(1, abs=1e-15)


def test_sigmoid_keeps_its_digits_in_the_left_tail():
    assert sigmoid(np.array([-40.0]))[0] == pytest.approx(np.exp(-40.0), rel=1e-14)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sigmoid_keeps_the_type_and_can_work_in_place(dtype):
    z = np.linspace(-5, 5, 7).astype(dtype)
    expected = sigmoid(z)
    assert expected.dtype == dtype
    assert sigmoid(z, out=z) is z
    np.testing.assert_array_equal(z, expected)


def test_sigmoid_of_a_plain_number():
    assert sigmoid(0.0) == 0.5
    assert sigmoid([0, -1000]).tolist() == [0.5, 0.0]


def test_softmax_of_the_textbook():
    np.testing.assert_allclose(softmax([2, 1, 0.1]), [0.659, 0.242, 0.099], atol=5e-4)


@given(st.lists(st.floats(-1e308, 1e308), min_size=1, max_size=5))
def test_softmax_gives_probabilities_without_a_warning(z):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with np.errstate(over="ignore"):  # of the difference of two numbers near the largest there is
            p = softmax(np.array([z, z]))
    np.testing.assert_allclose(p.sum(axis=1), [1, 1])
    assert (p >= 0).all()


def test_softmax_can_work_in_place_and_ignores_what_is_added_to_all():
    z = np.array([[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]])
    expected = softmax(z)
    np.testing.assert_allclose(softmax(z + 1000), expected)
    assert softmax(z, out=z) is z
    np.testing.assert_array_equal(z, expected)


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "relu", "identity"])
def test_derivative_of_activation(name):
    function, derivative = getattr(functions, name), getattr(functions, f"{name}_derivative")
    np.testing.assert_allclose(derivative(function(POINTS)), central_difference(function, POINTS), rtol=1e-8)


@pytest.mark.parametrize("function", [*(kind.function for kind in ACTIVATIONS.values()), *OUTPUTS.values()])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_activation_writes_where_it_is_told_to_and_leaves_its_argument_alone(function, dtype):
    z = POINTS.astype(dtype)
    out = np.empty_like(z)
    expected = function(z.copy())
    assert expected.dtype == dtype
    assert function(z, out=out) is out
    np.testing.assert_array_equal(out, expected)
    np.testing.assert_array_equal(z, POINTS.astype(dtype))
    assert function(z, out=z) is z
    np.testing.assert_array_equal(z, expected)


@pytest.mark.parametrize("loss", LOSSES)
def test_derivative_of_loss(loss):
    function, derivative = getattr(functions, loss), getattr(functions, f"{loss}_derivative")
    prediction, target = np.array([0.2, 0.7, 0.99]), np.array([0.0, 1.0, 0.3])
    for i in range(3):
        one = slice(i, i + 1)
        numeric = central_difference(lambda p, one=one: function(p, target[one]), prediction[one])
        assert derivative(prediction, target)[i] == pytest.approx(numeric, rel=1e-7)


KINDS = [("linear", "squared_error"), ("sigmoid", "log_loss"), ("sigmoid", "squared_error")]


@pytest.mark.parametrize(("output", "loss"), KINDS)
def test_output_delta_is_the_derivative_of_loss_of_output(output, loss):
    for z, target in ((-2.0, 0.0), (0.3, 1.0), (1.5, 0.4)):
        at, goal = np.array([z]), np.array([target])
        numeric = central_difference(lambda at, goal=goal: LOSSES[loss](OUTPUTS[output](at), goal), at)
        delta = output_delta(OUTPUTS[output](at), goal, output, loss)
        assert delta[0] == pytest.approx(numeric, rel=1e-7)


def test_output_delta_of_softmax_is_the_derivative_by_each_sum():
    z, target = np.array([0.2, -1.0, 1.5]), np.array([0.0, 0.7, 0.3])
    delta = output_delta(softmax(z), target, "softmax", "cross_entropy")
    for i, step in enumerate(STEP * np.eye(3)):
        above, below = (functions.cross_entropy(softmax(z + sign * step), target) for sign in (1, -1))
        assert delta[i] == pytest.approx((above - below) / (2 * STEP), rel=1e-7)


def test_every_output_has_a_loss():
    assert LOSSES_OF.keys() == OUTPUTS.keys()
    assert set().union(*LOSSES_OF.values()) == set(LOSSES)


def test_log_loss_stays_finite_where_a_probability_was_rounded_to_0_or_1():
    surely_wrong = LOSSES["log_loss"](np.array([0.0, 1.0]), np.array([1.0, 0.0]))
    assert np.isfinite(surely_wrong)
    assert surely_wrong > 70


def test_cross_entropy_of_the_textbook_tells_two_models_apart():
    """Four points, and the probability that each model gives to what they are."""
    right = np.ones((4, 1))
    worse, better = np.array([[0.6], [0.2], [0.1], [0.7]]), np.array([[0.7], [0.9], [0.8], [0.6]])
    for model, expected in ((worse, 4.78), (better, 1.196)):
        assert functions.log_loss(model, right) == pytest.approx(expected, abs=0.001)
        both = np.hstack([model, 1 - model])
        assert functions.cross_entropy(both, np.array([[1.0, 0.0]])) == pytest.approx(expected, abs=0.001)


def test_losses_by_hand():
    prediction, target = np.array([[0.5], [0.25]]), np.array([[1.0], [0.0]])
    assert LOSSES["squared_error"](prediction, target) == pytest.approx((0.25 + 0.0625) / 2)
    assert LOSSES["log_loss"](prediction, target) == pytest.approx(-np.log(0.5) - np.log(0.75))
    twice_the_first = np.array([[2.0], [1.0]])
    assert LOSSES["squared_error"](prediction, target, twice_the_first) == pytest.approx((0.5 + 0.0625) / 2)
