// The model that `bikes predict --when` uses, and the same steps: features, scaling, network, power, smearing, band.
const element = id => document.getElementById(id);
const about = JSON.parse(element("about").textContent);
const weights = new Float32Array(
  Uint8Array.from(atob(element("weights").textContent), character => character.charCodeAt(0)).buffer);
const inputs = element("inputs").elements;
const DAY = 24 * 60 * 60 * 1000; // milliseconds
const WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const NAMES = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

// The features by name, as projects/bikes/features.py builds them where the weather before is not known.
function features(now) {
  const time = Date.parse(now.date) + now.hour * DAY / 24, date = new Date(time);
  const weekday = (date.getUTCDay() + 6) % 7, month = date.getUTCMonth() + 1, dayOfMonth = date.getUTCDate();
  const day = 100 * month + dayOfMonth, november = month === 11;
  const years = (time - Date.UTC(2011, 0, 1)) / (365.25 * DAY);
  const friday = november && weekday === 4 && dayOfMonth >= 23 && dayOfMonth <= 29;
  const working = weekday < 5 && !now.holiday && day !== 1224 && !friday;
  const found = {
    holiday: now.holiday,
    christmas: day >= 1224 || day <= 101,
    thanksgiving: november && weekday === 3 && dayOfMonth >= 22 && dayOfMonth <= 28,
    thanksgiving_friday: friday,
    temp: (now.temperature - about.coldest) / (about.warmest - about.coldest),
    hum: now.humidity / 100,
    windspeed: now.wind / about.wind,
    trend: years,
    previous_weather: now.weather,
    recent_weather: now.weather,
    warming: 0,
  };
  for (let hour = 0; hour < 24; hour++) {
    const is = hour === now.hour, name = `${String(hour).padStart(2, "0")}h`;
    found[`working_${name}`] = is && working;
    found[`free_${name}`] = is && !working;
    found[`friday_${name}`] = is && working && weekday === 4;
    found[`sunday_${name}`] = is && weekday === 6;
  }
  WEEKDAYS.forEach((name, number) => found[name] = weekday === number);
  for (let number = 1; number <= 4; number++) found[`weather_${number}`] = now.weather === number;
  for (const harmonic of [1, 2]) {
    found[`year_sin_${harmonic}`] = Math.sin(2 * Math.PI * harmonic * years);
    found[`year_cos_${harmonic}`] = Math.cos(2 * Math.PI * harmonic * years);
  }
  return about.features.map(name => {
    if (!(name in found)) throw new Error(`this page cannot work out the feature ${name}`);
    return Number(found[name]);
  });
}

// Bikes, and the bounds of the 80 % band. W1 [features, hidden], b1 [hidden], W2 [hidden, 2], b2 [2], one after another.
function forecast(now) {
  const x = features(now).map((value, i) => (value - about.mean[i]) / about.scale[i]);
  const n = x.length, hidden = (weights.length - 2) / (n + 3), b1 = n * hidden, W2 = b1 + hidden, b2 = W2 + 2 * hidden;
  const output = [weights[b2], weights[b2 + 1]];
  for (let unit = 0; unit < hidden; unit++) {
    let z = weights[b1 + unit];
    for (let i = 0; i < n; i++) z += x[i] * weights[i * hidden + unit];
    const a = 1 / (1 + Math.exp(-z));
    output[0] += a * weights[W2 + 2 * unit];
    output[1] += a * weights[W2 + 2 * unit + 1];
  }
  const bikes = output.reduce((total, value, i) => total + about.smearing[i] *
    Math.max(value * about.targetScale[i] + about.targetMean[i], 0) ** (1 / about.power), 0);
  const root = bikes ** about.power;
  const [low, high] = [-about.width, about.width].map(width => Math.max(root + width, 0) ** (1 / about.power));
  return { bikes, low, high };
}

const LEFT = 44, RIGHT = 512, TOP = 12, BOTTOM = 232;
const across = hour => LEFT + 8 + hour * (RIGHT - LEFT - 16) / 23;

function draw(day, chosen) {
  const step = [10, 25, 50, 100, 250, 500, 1000].find(s => Math.max(...day.map(f => f.high)) <= 4 * s) ?? 5000;
  const up = bikes => BOTTOM - (BOTTOM - TOP) * bikes / (4 * step);
  const shapes = [];
  const add = (name, attributes, text) => {
    const shape = document.createElementNS(element("day").namespaceURI, name);
    for (const [key, value] of Object.entries(attributes)) shape.setAttribute(key, value);
    if (text !== undefined) shape.textContent = text;
    shapes.push(shape);
  };
  for (let i = 0; i <= 4; i++) {
    const y = up(i * step);
    add("line", { class: "grid", x1: LEFT, x2: RIGHT, y1: y, y2: y });
    add("text", { x: LEFT - 6, y: y + 4, "text-anchor": "end" }, i * step);
  }
  for (let hour = 0; hour < 24; hour += 3) {
    add("text", { x: across(hour), y: BOTTOM + 20, "text-anchor": "middle" }, `${hour}:00`);
  }
  const path = key => day.map((f, hour) => `${across(hour).toFixed(1)},${up(f[key]).toFixed(1)}`);
  add("polygon", { class: "band", points: [...path("high"), ...path("low").reverse()].join(" ") });
  add("polyline", { class: "line", points: path("bikes").join(" ") });
  add("line", { class: "now", x1: across(chosen), x2: across(chosen), y1: TOP, y2: BOTTOM });
  add("circle", { cx: across(chosen), cy: up(day[chosen].bikes), r: 6 });
  element("day").replaceChildren(...shapes);
}

function show() {
  if (!inputs.date.value) return; // while a date is typed
  const now = {
    date: inputs.date.value, hour: Number(inputs.hour.value), holiday: inputs.holiday.checked,
    weather: inputs.weather.selectedIndex + 1, temperature: Number(inputs.temperature.value),
    humidity: Number(inputs.humidity.value), wind: Number(inputs.wind.value),
  };
  const units = { hour: ":00", temperature: " °C", humidity: " %", wind: " km/h" };
  for (const [name, unit] of Object.entries(units)) {
    inputs[name].parentNode.querySelector("output").textContent = now[name] + unit;
  }
  const day = Array.from({ length: 24 }, (_, hour) => forecast({ ...now, hour }));
  for (const [name, value] of Object.entries(day[now.hour])) {
    element(name).value = value;
    element(name).textContent = value.toFixed(0);
  }
  const weekday = NAMES[new Date(Date.parse(now.date)).getUTCDay()];
  element("moment").textContent = `on ${weekday} ${now.date} from ${now.hour}:00`;
  const time = Date.parse(now.date) + now.hour * DAY / 24;
  const after = Math.floor((time - Date.parse(about.lastHour)) / DAY);
  const before = Math.floor((Date.parse(about.firstHour) - time) / DAY);
  element("far").textContent = Math.max(after, before) <= about.far ? "" :
    `${Math.max(after, before)} days ${after > before ? "after the last" : "before the first"} hour trained on: ` +
    "the trend is carried that far.";
  draw(day, now.hour);
}

for (const name of about.weather) inputs.weather.add(new Option(name));
inputs.temperature.min = about.coldest;
inputs.temperature.max = about.warmest;
inputs.temperature.value = 15;
inputs.wind.max = about.wind;
inputs.date.value = new Date(Date.parse(about.lastHour) + DAY).toISOString().slice(0, 10);
element("inputs").addEventListener("input", show);
element("inputs").addEventListener("submit", event => event.preventDefault());
element("day").addEventListener("click", event => {
  const box = element("day").getBoundingClientRect();
  const hour = (520 * (event.clientX - box.left) / box.width - LEFT - 8) * 23 / (RIGHT - LEFT - 16);
  inputs.hour.value = Math.min(23, Math.max(0, Math.round(hour)));
  show();
});
show();
element("live").hidden = false;
