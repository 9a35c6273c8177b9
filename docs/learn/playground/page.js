// The page: reads the controls, trains, and draws what the network is like now.

const REACH = 2.1; // the pictures show the plane from -REACH to REACH
const COLOURS = { blue: [0, 114, 178], orange: [213, 94, 0] };
const LIMITS = {
  units: [1, 8],
  rate: [0.001, 10],
  momentum: [0, 0.99],
  batch: [1, 100],
  l2: [0, 1],
  dropout: [0, 0.9],
  seed: [0, 9999],
};
const WHOLE = ["units", "batch", "seed"];
const EPOCHS_A_FRAME = 3;
const LONGEST_HISTORY = 400; // points; then every second one is dropped
const state = {};

const element = (id) => document.getElementById(id);
const isDark = matchMedia("(prefers-color-scheme: dark)");

// Settings

/** The settings on the page, or a sentence that says all that is wrong. */
function readSettings() {
  const settings = { set: element("set").value, hidden: element("hidden").value };
  const complaints = [];
  for (const [name, [least, most]] of Object.entries(LIMITS)) {
    const value = element(name).valueAsNumber;
    const mustBeWhole = WHOLE.includes(name);
    const inRange = value >= least && value <= most;
    const fits = inRange && (!mustBeWhole || Number.isInteger(value));
    const label = element(name).parentElement.firstChild.textContent.trim();
    const kind = mustBeWhole ? "a whole number" : "a number";
    if (!fits) complaints.push(`${label} must be ${kind} from ${least} to ${most}`);
    settings[name] = value;
  }
  return { settings, complaint: complaints.join("; ") };
}

/** Take over the settings; a change of rows, units, function or seed starts anew. */
function applySettings() {
  const { settings, complaint } = readSettings();
  element("complaint").hidden = !complaint;
  element("complaint").textContent = complaint;
  if (complaint) {
    pause();
    return;
  }
  const before = state.settings;
  state.settings = settings;
  const changed = (name) => !before || before[name] !== settings[name];
  if (["set", "hidden", "units", "seed"].some(changed)) reset();
}

// Training

function reset() {
  pause();
  const { set, units, hidden, seed } = state.settings;
  const output = set === "line" ? "linear" : "sigmoid";
  state.rows = makeRows(set, seed);
  state.random = randomFrom(seed + 10000);
  state.network = newNetwork(units, hidden, output, state.random);
  state.velocity = zerosLike(state.network);
  state.epoch = 0;
  state.steps = 0;
  state.queue = []; // batches of this epoch that are still to come
  state.history = [];
  state.every = 1; // epochs from one point of the history to the next
  buildNetworkPicture();
  measure();
  draw();
}

/** One step: the gradient of one batch, and the parameters moved against it. */
function oneStep() {
  const { training } = state.rows;
  const { batch, dropout, units } = state.settings;
  if (!state.queue.length) {
    const order = shuffled(training.X.length, state.random);
    for (let start = 0; start < order.length; start += batch) {
      state.queue.push(order.slice(start, start + batch));
    }
  }
  const chosen = state.queue.shift();
  const masks = dropout ? chosen.map(() => dropoutMask(units, dropout, state.random)) : null;
  const X = chosen.map((row) => training.X[row]);
  const y = chosen.map((row) => training.y[row]);
  takeStep(state.network, state.velocity, gradientOf(state.network, X, y, masks), state.settings);
  state.steps += 1;
  if (!state.queue.length) {
    state.epoch += 1;
    measure();
  }
}

/** Add both losses to the history. */
function measure() {
  const { training, unseen } = state.rows;
  state.losses = {
    epoch: state.epoch,
    training: meanLoss(state.network, training.X, training.y),
    unseen: meanLoss(state.network, unseen.X, unseen.y),
  };
  if (state.epoch % state.every === 0) state.history.push(state.losses);
  if (state.history.length > LONGEST_HISTORY) {
    state.every *= 2;
    state.history = state.history.filter((point) => point.epoch % state.every === 0);
  }
}

function frame() {
  if (!state.running) return;
  for (let i = 0; i < EPOCHS_A_FRAME; i++) {
    do oneStep(); while (state.queue.length);
  }
  if (!Number.isFinite(state.losses.training)) {
    pause();
    element("complaint").hidden = false;
    element("complaint").textContent =
      "The loss is no longer a number: lower the learning rate, then reset";
  }
  draw();
  requestAnimationFrame(frame);
}

function run() {
  state.running = true;
  element("run").textContent = "pause";
  requestAnimationFrame(frame);
}

function pause() {
  state.running = false;
  element("run").textContent = "run";
}

// Pictures

/** A colour from orange (-1) over the paper (0) to blue (1), as [r, g, b]; strength: 1 for the full one. */
function colourOf(value, strength) {
  const paper = isDark.matches ? [30, 33, 38] : [255, 255, 255];
  const end = value > 0 ? COLOURS.blue : COLOURS.orange;
  const share = strength * Math.min(Math.abs(value), 1);
  return paper.map((p, i) => p + share * (end[i] - p));
}

/** Paint a square canvas with valueAt(x1, x2), from -1 to 1, in `cells` by `cells` squares. */
function paint(canvas, cells, valueAt, strength = 0.9) {
  const small = new OffscreenCanvas(cells, cells);
  const context = small.getContext("2d");
  const image = context.createImageData(cells, cells);
  for (let i = 0; i < cells * cells; i++) {
    const x1 = (((i % cells) + 0.5) / cells * 2 - 1) * REACH;
    const x2 = (1 - (Math.floor(i / cells) + 0.5) / cells * 2) * REACH;
    image.data.set([...colourOf(valueAt(x1, x2), strength), 255], 4 * i);
  }
  context.putImageData(image, 0, 0);
  canvas.getContext("2d").drawImage(small, 0, 0, canvas.width, canvas.height);
}

/** What a unit's picture shows, from -1 to 1: a sigmoid's 0…1 is stretched, a relu's is cut at 1. */
const shown = {
  sigmoid: (h) => 2 * h - 1,
  tanh: (h) => h,
  relu: (h) => h / 2,
  linear: (p) => p,
};

/** How far down the nodes are, in per cent of the picture. */
function places(units) {
  const spread = (n) => Array.from({ length: n }, (_, i) => ((i + 0.5) / n) * 100);
  return { inputs: [30, 70], hidden: spread(units), output: 50 };
}

/** Make the nodes anew: two circles, a canvas for each hidden unit, one for the output. */
function buildNetworkPicture() {
  const box = element("network");
  box.querySelectorAll("canvas, span").forEach((old) => old.remove());
  const at = places(state.settings.units);
  const put = (node, left, top) => {
    node.style.left = `${left}%`;
    node.style.top = `${top}%`;
    box.append(node);
    return node;
  };
  at.inputs.forEach((top, i) => {
    put(document.createElement("span"), 8, top).textContent = `x${i + 1}`;
  });
  const canvas = (size) => {
    return Object.assign(document.createElement("canvas"), { width: size, height: size });
  };
  state.unitCanvases = at.hidden.map((top, j) => put(canvas(40), 50, top));
  state.unitCanvases.forEach((unit, j) => {
    unit.setAttribute("role", "img");
    unit.setAttribute("aria-label", `hidden unit ${j + 1}`);
  });
  state.outputCanvas = put(canvas(56), 90, at.output);
}

function svg(name, attributes, text) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text !== undefined) node.textContent = text;
  return node;
}

/** A weight as a line: its width grows with its size, its colour is its sign. */
function wire(x1, y1, x2, y2, weight, name) {
  const width = Math.min(0.5 + 1.6 * Math.abs(weight), 10);
  const line = svg("line", {
    x1: `${x1}%`, y1: `${y1}%`, x2: `${x2}%`, y2: `${y2}%`, "stroke-width": width.toFixed(2),
    class: weight > 0 ? "above" : "below",
  });
  line.append(svg("title", {}, `${name} = ${number(weight)}`));
  return line;
}

function drawNetwork() {
  const { network } = state;
  const at = places(network.b1.length);
  const lines = [];
  at.hidden.forEach((top, j) => {
    at.inputs.forEach((from, i) => {
      lines.push(wire(8, from, 50, top, network.W1[i][j], `W1[${i}, ${j}]`));
    });
    lines.push(wire(50, top, 90, at.output, network.W2[j], `W2[${j}, 0]`));
  });
  element("wires").replaceChildren(...lines);
  const { value } = HIDDEN[network.hidden];
  state.unitCanvases.forEach((canvas, j) => {
    const [w1, w2, bias] = [network.W1[0][j], network.W1[1][j], network.b1[j]];
    paint(canvas, 20, (x1, x2) => shown[network.hidden](value(x1 * w1 + x2 * w2 + bias)));
  });
  paint(state.outputCanvas, 24, (x1, x2) => {
    return shown[network.output](forward(network, [x1, x2], null).prediction);
  });
}

const toPixel = (value, size) => ((value / REACH + 1) / 2) * size;

/** Where a row is in the large picture: x2, or the target of a quantity, points up. */
function placeOf(x, y, size) {
  const up = state.network.output === "linear" ? y : x[1];
  return [toPixel(x[0], size), size - toPixel(up, size)];
}

function dot(context, [left, top], radius, fill, stroke) {
  context.beginPath();
  context.arc(left, top, radius, 0, 2 * Math.PI);
  context.fillStyle = fill;
  context.strokeStyle = stroke;
  context.lineWidth = 1.5;
  context.fill();
  context.stroke();
}

function drawAnswer() {
  const canvas = element("answer");
  const context = canvas.getContext("2d");
  const size = canvas.width;
  const { network, rows } = state;
  const ink = isDark.matches ? "#e8e8e8" : "#1c1c1c";
  const paper = isDark.matches ? "#16181c" : "#ffffff";
  if (network.output === "sigmoid") {
    const ground = (x1, x2) => 2 * forward(network, [x1, x2], null).prediction - 1;
    paint(canvas, 60, ground, 0.4); // pale, so that dots stand out
  } else {
    drawCurve(context, size, paper, ink);
  }
  const [blue, orange] = isDark.matches ? ["#2f9bdc", "#f07a1a"] : ["#0072b2", "#d55e00"];
  const fillOf = (y) => (network.output === "linear" || y ? blue : orange);
  rows.unseen.X.forEach((x, i) => {
    const y = rows.unseen.y[i];
    dot(context, placeOf(x, y, size), 3, paper, fillOf(y));
  });
  rows.training.X.forEach((x, i) => {
    const y = rows.training.y[i];
    dot(context, placeOf(x, y, size), 4.5, fillOf(y), paper);
  });
  const chosen = chosenRow();
  context.beginPath();
  const [left, top] = placeOf(rows.training.X[chosen], rows.training.y[chosen], size);
  context.arc(left, top, 9, 0, 2 * Math.PI);
  context.strokeStyle = ink;
  context.lineWidth = 2.5;
  context.stroke();
}

/** The prediction over x1, at x2 = 0. */
function drawCurve(context, size, paper, ink) {
  context.fillStyle = paper;
  context.fillRect(0, 0, size, size);
  context.beginPath();
  for (let left = 0; left <= size; left += 4) {
    const x1 = ((left / size) * 2 - 1) * REACH;
    context.lineTo(left, size - toPixel(forward(state.network, [x1, 0], null).prediction, size));
  }
  context.strokeStyle = ink;
  context.lineWidth = 3;
  context.stroke();
}

function drawLosses() {
  const { history, losses } = state;
  const points = history.at(-1) === losses ? history : [...history, losses];
  const last = Math.max(losses.epoch, 1);
  const values = points.flatMap((point) => [point.training, point.unseen]);
  const top = Math.max(...values.filter(Number.isFinite), 1e-9);
  const x = (epoch) => 44 + (epoch / last) * 306;
  const y = (loss) => 172 - (loss / top) * 156;
  const lineOf = (name) => {
    const finite = points.filter((point) => Number.isFinite(point[name]));
    const corners = finite.map((point) => `${x(point.epoch).toFixed(1)},${y(point[name]).toFixed(1)}`);
    return svg("polyline", { class: name, points: corners.join(" ") });
  };
  element("losses").replaceChildren(
    svg("line", { x1: 44, y1: 172, x2: 350, y2: 172 }),
    svg("line", { x1: 44, y1: 16, x2: 44, y2: 172 }),
    svg("text", { x: 38, y: 20, "text-anchor": "end" }, top.toPrecision(2)),
    svg("text", { x: 38, y: 176, "text-anchor": "end" }, "0"),
    svg("text", { x: 350, y: 190, "text-anchor": "end" }, `epoch ${losses.epoch}`),
    lineOf("unseen"),
    lineOf("training"),
  );
  element("training-loss").textContent = losses.training.toFixed(3);
  element("unseen-loss").textContent = losses.unseen.toFixed(3);
  element("loss-note").textContent = state.network.output === "sigmoid"
    ? "Up: the mean log loss. To the right: epochs."
    : "Up: the mean of half the squared error. To the right: epochs.";
  const { training, unseen } = state.rows;
  element("right").textContent = state.network.output === "sigmoid"
    ? `Right: ${percentRight(training)} % of the training rows, ${percentRight(unseen)} % of the unseen ones`
    : "";
}

/** Per cent of the rows that are on the right side of 0.5. */
function percentRight({ X, y }) {
  const right = X.filter((x, row) => {
    const saysOne = forward(state.network, x, null).prediction > 0.5;
    return saysOne === (y[row] === 1);
  });
  return Math.round((100 * right.length) / X.length);
}

// One row through the four lines

const vector = (values) => `[${values.map(number).join(", ")}]`;

/** Three digits after the point, six for small numbers, 1.2e-9 for tiny ones; with the minus sign of print. */
function number(value) {
  const size = Math.abs(value);
  let digits = size.toFixed(3);
  if (size > 0 && size < 0.0005) digits = size.toFixed(6);
  if (size > 0 && size < 0.000005) digits = size.toExponential(1);
  return value < 0 && Number(digits) > 0 ? `−${digits}` : digits;
}

/** A number in a calculation: in brackets where it starts with a minus. */
const inBrackets = (value) => (number(value).startsWith("−") ? `(${number(value)})` : number(value));

function chosenRow() {
  const value = element("row").valueAsNumber;
  return Number.isInteger(value) && value >= 1 && value <= ROWS / 2 ? value - 1 : 0;
}

function drawLines() {
  const { network, rows } = state;
  const row = chosenRow();
  const [x, y] = [rows.training.X[row], rows.training.y[row]];
  const pass = forward(network, x, null);
  const { delta2, delta1 } = backward(network, y, pass, null);
  const slopes = pass.hidden.map(HIDDEN[network.hidden].slope);
  const isSigmoid = network.output === "sigmoid";
  const output = isSigmoid ? `; sigmoid of that: ${number(pass.prediction)}` : "";
  element("numbers-hidden").textContent =
    `X = ${vector(x)}; W1 = [${network.W1.map(vector).join(", ")}]; b1 = ${vector(network.b1)}; ` +
    `X times W1, plus b1: ${vector(pass.z)}; ${network.hidden} of that: hidden = ${vector(pass.hidden)}`;
  element("numbers-prediction").textContent =
    `W2 = ${vector(network.W2)}; b2 = ${number(network.b2)}; ` +
    `hidden times W2, plus b2: ${number(pass.sum)}${output}`;
  element("numbers-delta2").textContent =
    `prediction minus y: ${number(pass.prediction)} − ${inBrackets(y)} = ${number(delta2)}`;
  element("numbers-delta1").textContent =
    `slope of ${network.hidden} at each unit: ${vector(slopes)}; ` +
    `delta2 times W2, times this slope: ${vector(delta1)}`;
  element("numbers-step").textContent =
    "The slope of this row's loss by the first weight, W1[0, 0], is x1 times the first delta1: " +
    `${number(x[0])} · ${inBrackets(delta1[0])} = ${number(x[0] * delta1[0])}. ` +
    "A step takes the mean of this over a batch, and goes the other way.";
}

function draw() {
  drawNetwork();
  drawAnswer();
  drawLosses();
  drawLines();
  element("progress").textContent = `epoch ${state.epoch}, step ${state.steps}`;
  element("answer-note").textContent = state.network.output === "sigmoid"
    ? "Left to right x1, upwards x2; blue is class 1, orange class 0. Filled dots are trained on, " +
      "hollow ones only measured on. The colour behind is the network's probability."
    : "Left to right x1, upwards the target. Filled dots are trained on, hollow ones only " +
      "measured on. The line is the prediction where x2 is 0.";
}

/** Choose the training row whose dot is nearest to a click. */
function chooseNearest(event) {
  const canvas = element("answer");
  const scale = canvas.width / canvas.clientWidth;
  const { X, y } = state.rows.training;
  const distances = X.map((x, row) => {
    const [left, top] = placeOf(x, y[row], canvas.width);
    return Math.hypot(left - event.offsetX * scale, top - event.offsetY * scale);
  });
  element("row").value = distances.indexOf(Math.min(...distances)) + 1;
  draw();
}

element("run").addEventListener("click", () => (state.running ? pause() : run()));
element("step").addEventListener("click", () => { pause(); oneStep(); draw(); });
element("reset").addEventListener("click", reset);
element("controls").addEventListener("input", applySettings);
element("controls").addEventListener("submit", (event) => event.preventDefault());
element("row").addEventListener("input", draw);
element("answer").addEventListener("click", chooseNearest);
isDark.addEventListener("change", draw);
applySettings();
