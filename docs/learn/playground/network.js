// The arithmetic of nn/ for two inputs and one output: forward, backward, one step.
// W1 [2][hidden], b1 [hidden], W2 [hidden] and b2 (a number) are named as there.

const HIDDEN = {
  sigmoid: { value: (z) => 1 / (1 + Math.exp(-z)), slope: (a) => a * (1 - a) },
  tanh: { value: (z) => Math.tanh(z), slope: (a) => 1 - a * a },
  relu: { value: (z) => Math.max(z, 0), slope: (a) => (a > 0 ? 1 : 0) },
};
const SMALLEST = Number.EPSILON; // probabilities are kept this far from 0 and 1: logarithms stay finite

/** A network whose weights start as in nn: N(0, 1 / fan-in), twice that variance below a relu. */
function newNetwork(units, hidden, output, random) {
  const variance = hidden === "relu" ? 2 : 1;
  const weights = (n, fanIn, factor) =>
    Array.from({ length: n }, () => normal(random) * Math.sqrt(factor / fanIn));
  return {
    hidden,
    output,
    W1: [weights(units, 2, variance), weights(units, 2, variance)],
    b1: new Array(units).fill(0),
    W2: weights(units, units, 1),
    b2: 0,
  };
}

/** All parameters 0: a velocity or a gradient to add to. */
function zerosLike(network) {
  const units = network.b1.length;
  const zeros = () => new Array(units).fill(0);
  return { W1: [zeros(), zeros()], b1: zeros(), W2: zeros(), b2: 0 };
}

/** One row through the network: sums z, hidden, what of it is passed on, the last sum, prediction. */
function forward(network, x, mask) {
  const { W1, b1, W2, b2 } = network;
  const activation = HIDDEN[network.hidden].value;
  const z = b1.map((bias, j) => x[0] * W1[0][j] + x[1] * W1[1][j] + bias);
  const hidden = z.map(activation);
  const passedOn = mask ? hidden.map((h, j) => h * mask[j]) : hidden;
  const sum = passedOn.reduce((total, h, j) => total + h * W2[j], b2);
  const prediction = network.output === "sigmoid" ? HIDDEN.sigmoid.value(sum) : sum;
  return { z, hidden, passedOn, sum, prediction };
}

/** The deltas of one row: derivatives of its loss at the output's sum and at each hidden sum. */
function backward(network, y, pass, mask) {
  const slope = HIDDEN[network.hidden].slope;
  const delta2 = pass.prediction - y;
  const factor = (j) => (mask ? mask[j] : 1);
  const delta1 = network.W2.map((w, j) => delta2 * w * slope(pass.hidden[j]) * factor(j));
  return { delta2, delta1 };
}

/** The gradient of the mean loss over a batch. masks: dropout's factors, a list for each row, or null. */
function gradientOf(network, X, y, masks) {
  const gradient = zerosLike(network);
  X.forEach((x, row) => {
    const mask = masks ? masks[row] : null;
    const pass = forward(network, x, mask);
    const { delta2, delta1 } = backward(network, y[row], pass, mask);
    delta1.forEach((delta, j) => {
      gradient.W1[0][j] += (x[0] * delta) / X.length;
      gradient.W1[1][j] += (x[1] * delta) / X.length;
      gradient.b1[j] += delta / X.length;
      gradient.W2[j] += (pass.passedOn[j] * delta2) / X.length;
    });
    gradient.b2 += delta2 / X.length;
  });
  return gradient;
}

/** velocity = momentum · velocity + gradient (+ l2 · W); parameters = parameters - rate · velocity. */
function takeStep(network, velocity, gradient, { rate, momentum, l2 }) {
  const move = (parameters, speed, slopes, penalty) => {
    parameters.forEach((value, j) => {
      speed[j] = momentum * speed[j] + slopes[j] + penalty * value;
      parameters[j] = value - rate * speed[j];
    });
  };
  move(network.W1[0], velocity.W1[0], gradient.W1[0], l2);
  move(network.W1[1], velocity.W1[1], gradient.W1[1], l2);
  move(network.b1, velocity.b1, gradient.b1, 0);
  move(network.W2, velocity.W2, gradient.W2, l2);
  velocity.b2 = momentum * velocity.b2 + gradient.b2;
  network.b2 -= rate * velocity.b2;
}

/** The mean loss of these rows: log loss for a sigmoid output, half the squared error for a linear one. */
function meanLoss(network, X, y) {
  let total = 0;
  X.forEach((x, row) => {
    const { prediction } = forward(network, x, null);
    if (network.output === "sigmoid") {
      const p = Math.min(Math.max(prediction, SMALLEST), 1 - SMALLEST);
      total -= y[row] * Math.log(p) + (1 - y[row]) * Math.log(1 - p);
    } else {
      total += (prediction - y[row]) ** 2 / 2;
    }
  });
  return total / X.length;
}

/** Dropout's factors for one row: 0 with probability `rate`, else 1 / (1 - rate). */
function dropoutMask(units, rate, random) {
  return Array.from({ length: units }, () => (random() < rate ? 0 : 1 / (1 - rate)));
}
