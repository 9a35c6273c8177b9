// Random numbers that start from a seed, and the five sets of rows.

const ROWS = 200; // half to train on, half to measure on

/** A function that gives numbers in 0…1, the same ones for the same seed (xorshift: Marsaglia, 2003). */
function randomFrom(seed) {
  let state = (seed + 1) * 0x9e3779b1 | 1;
  const next = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
  for (let i = 0; i < 20; i++) next(); // seeds that differ by little give numbers that differ
  return next;
}

/** A number from the normal distribution (Box and Muller, 1958). */
function normal(random) {
  const radius = Math.sqrt(-2 * Math.log(1 - random()));
  return radius * Math.cos(2 * Math.PI * random());
}

// Each set: the row number gives a class in turn; the answer is [x1, x2, target].
const SETS = {
  xor(row, random) {
    const right = row % 2 === 0 ? 1 : -1;
    const up = row % 4 < 2 ? 1 : -1;
    const target = right === up ? 0 : 1;
    return [right * 1.1 + 0.3 * normal(random), up * 1.1 + 0.3 * normal(random), target];
  },
  circles(row, random) {
    const target = row % 2;
    const radius = (target ? 0.5 : 1.6) + 0.17 * normal(random);
    const angle = 2 * Math.PI * random();
    return [radius * Math.cos(angle), radius * Math.sin(angle), target];
  },
  moons(row, random) {
    const target = row % 2;
    const angle = Math.PI * random();
    const x = target ? 0.5 - Math.cos(angle) : Math.cos(angle) - 0.5;
    const y = target ? 0.25 - Math.sin(angle) : Math.sin(angle) - 0.25;
    return [1.1 * x + 0.12 * normal(random), 1.1 * y + 0.12 * normal(random), target];
  },
  spiral(row, random) {
    const target = row % 2;
    const share = Math.sqrt(random());
    const angle = 2.25 * Math.PI * share + (target ? Math.PI : 0);
    const radius = 0.15 + 1.65 * share;
    const x1 = radius * Math.cos(angle) + 0.05 * normal(random);
    const x2 = radius * Math.sin(angle) + 0.05 * normal(random);
    return [x1, x2, target];
  },
  line(row, random) {
    const x = -1.8 + 3.6 * random();
    return [x, -1.8 + 3.6 * random(), 0.7 * x + 0.35 * normal(random)];
  },
};

/** The rows of a set in two halves: {training: {X, y}, unseen: {X, y}}. */
function makeRows(name, seed) {
  const random = randomFrom(seed);
  const halves = { training: { X: [], y: [] }, unseen: { X: [], y: [] } };
  for (let row = 0; row < ROWS; row++) {
    const [x1, x2, target] = SETS[name](row, random);
    const half = row < ROWS / 2 ? halves.training : halves.unseen;
    half.X.push([x1, x2]);
    half.y.push(target);
  }
  return halves;
}

/** The numbers from 0 to n - 1 in random order (Fisher and Yates). */
function shuffled(n, random) {
  const order = Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}
