"""Output functions and losses: exact in the tails, and each derivative that of the function above it."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nn.functions import LOSSES, OUTPUTS, output_delta, sigmoid

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


@pytest.mark.parametrize("output", OUTPUTS)
def test_derivative_of_output(output):
    function, derivative = OUTPUTS[output]
    np.testing.assert_allclose(derivative(function(POINTS)), central_difference(function, POINTS), rtol=1e-8)


@pytest.mark.parametrize("loss", LOSSES)
def test_derivative_of_loss(loss):
    function, derivative = LOSSES[loss]
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
        numeric = central_difference(lambda at, goal=goal: LOSSES[loss][0](OUTPUTS[output][0](at), goal), at)
        delta = output_delta(OUTPUTS[output][0](at), goal, output, loss)
        assert delta[0] == pytest.approx(numeric, rel=1e-7)


def test_log_loss_stays_finite_where_a_probability_was_rounded_to_0_or_1():
    surely_wrong = LOSSES["log_loss"][0](np.array([0.0, 1.0]), np.array([1.0, 0.0]))
    assert np.isfinite(surely_wrong)
    assert surely_wrong > 70


def test_losses_by_hand():
    prediction, target = np.array([[0.5], [0.25]]), np.array([[1.0], [0.0]])
    assert LOSSES["squared_error"][0](prediction, target) == pytest.approx((0.25 + 0.0625) / 2)
    assert LOSSES["log_loss"][0](prediction, target) == pytest.approx(-np.log(0.5) - np.log(0.75))
    twice_the_first = np.array([[2.0], [1.0]])
    assert LOSSES["squared_error"][0](prediction, target, twice_the_first) == pytest.approx((0.5 + 0.0625) / 2)
