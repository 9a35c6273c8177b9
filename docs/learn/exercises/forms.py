"""Eleven functions to fill in, in the order of the chapters.

Replace each `raise NotImplementedError` by your lines, then type `make exercises`: it says which
functions are right, and for the others what was expected, what came, and a hint. Arguments are NumPy
arrays unless it says otherwise; what is between brackets is a shape: z [classes] is one number for
each class, x [rows, features] a table with a row for each example.
"""

import numpy as np  # noqa: F401 - for your lines


def sigmoid(z):
    """Chapter 1. 1 / (1 + e⁻ᶻ) for each number of the array z; NumPy's e to the power is np.exp."""
    raise NotImplementedError


def nand_gate():
    """Chapter 2. Weights and bias of a neuron that is NOT AND: a list [w1, w2, bias].

    w1 · x1 + w2 · x2 + bias must be above 0 for the inputs (0, 0), (0, 1) and (1, 0), and below 0
    for (1, 1). Many numbers will do.
    """
    raise NotImplementedError


def perceptron_step(w, b, x, y, rate):
    """Chapter 3. The new weights w [features] and the new bias b, as a pair (w, b), after one point.

    x [features] is the point, y its class, 0 or 1. The answer is 1 where w · x + b > 0, else 0.
    b grows by rate · (y - answer), w by rate · (y - answer) · x.
    """
    raise NotImplementedError


def sigmoid_derivative(a):
    """Chapter 4. The slope of the sigmoid where its value σ(z) is a, for each number of the array a."""
    raise NotImplementedError


def softmax(z):
    """Chapter 5. e to each number of z [classes], divided by the sum of them all.

    It should work for z = 1000, too, where np.exp gives infinity: take the largest z from all of them first, which
    changes numerator and denominator alike.
    """
    raise NotImplementedError


def forward(x, W1, b1, W2, b2):
    """Chapter 6. The hidden layer [rows, hidden] and the prediction [rows, outputs], as a pair.

    x [rows, features], W1 [features, hidden], b1 [hidden], W2 [hidden, outputs], b2 [outputs]. The
    hidden layer is a sigmoid, the output is the sum itself. Your `sigmoid` from above is at hand.
    """
    raise NotImplementedError


def output_delta(prediction, target):
    """Chapter 6. The slope of half the squared error, (prediction - target)² / 2, by the prediction."""
    raise NotImplementedError


def backward(x, y, W2, hidden, prediction):
    """Chapter 6. The slopes of the loss by W1, b1, W2 and b2, as four arrays shaped like those.

    x [rows, features], y [rows, outputs]; hidden and prediction are what `forward` gave, so the
    output is linear: delta2 is prediction - y. Each slope is a sum over the rows.
    """
    raise NotImplementedError


def sgd_step(parameter, velocity, gradient, rate, momentum):
    """Chapter 7. The new parameter and the new velocity, as a pair (parameter, velocity).

    parameter, velocity and gradient are arrays [parameters]; rate and momentum are numbers. The
    velocity changes first, and the parameter moves by the new one.
    """
    raise NotImplementedError


def confusion_matrix(target, prediction, n_classes):
    """Chapter 8. How many rows of each class (row) are taken for each class (column) [classes, classes].

    target and prediction [rows] are whole numbers from 0 to n_classes - 1.
    """
    raise NotImplementedError


def log_count_ratio(positive, negative):
    """Chapter 8. How much each word speaks for a positive review [words].

    positive and negative [words]: how many reviews of each label have the word. Add 1 to every
    count, divide each label's counts by their sum, and take the logarithm (np.log) of positive share
    over negative share.
    """
    raise NotImplementedError
