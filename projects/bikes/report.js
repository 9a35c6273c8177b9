// The model that `bikes predict --when` uses, and the same steps: features, scaling, network, power, smearing, band.
const element = id => document.getElementById(id);
const about = JSON.parse(element("about").textContent);
const weights = new Float32Array(
  Uint8Array.from(atob(element("weights").textContent), character => character.charCodeAt(0)).buffer);
const inputs = element("inputs").elements;
const DAY = 24 * 60 * 60 * 1000; // milliseconds
const YEAR = 365.25; // days
const WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const NAMES = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

// The kind of a day, as projects/bikes/calendar.py names it.
function kindOfDay(weekday, date, holiday) {
  if (weekday >= 5) return "weekend";
  return holiday ? "holiday" : date >= 1226 ? "year end" : date === about.calendar.christmasEve ? "christmas eve" :
    about.city.country === about.calendar.thanksgiving && weekday === 4 && date >= 1123 && date <= 1129 ?
      "thanksgiving friday" : "working";
}

const isChristmasSeason = date => date >= about.calendar.christmasEve || date <= about.calendar.newYear;

// The names of the city's own events on the day of a time.
function eventsOf(time) {
  const day = new Date(time).toISOString().slice(0, 10);
  return about.city.events.filter(([date]) => date === day).map(([, name]) => name);
}

// Whether weekday and season tell little of a day, as in projects/bikes/calendar.py.
function isSpecial(time, weekday, date, kind) {
  const { usual, holidaysBegin, holidaysEnd, thanksgiving } = about.calendar;
  if (kind in usual || date >= holidaysBegin || date <= holidaysEnd) return true;
  const thursday = new Date(time - (weekday - 3) * DAY), there = 100 * (thursday.getUTCMonth() + 1) + thursday.getUTCDate();
  return about.city.country === thanksgiving && weekday >= 2 && there >= 1122 && there <= 1128;
}

// How little is known of a day, from 0 to 1, as in projects/bikes/features.py, City.unfamiliarity.
function unfamiliarity(time, weekday, date, kind) {
  const { events, first_hour: first, last_hour: last } = about.city;
  const learnedDays = name => events.filter(([day, other]) =>
    other === name && day >= first.slice(0, 10) && day <= last.slice(0, 10)).length;
  const ofEvents = eventsOf(time).map(name => 1 / Math.sqrt(1 + learnedDays(name)));
  return Math.max(isSpecial(time, weekday, date, kind) ? 1 : 0, ...ofEvents);
}

// How much of a working day it is, as projects/bikes/calendar.py works it out.
function workingShare(time, kind) {
  if (kind === "weekend") return 0;
  if (kind === "working") return 1;
  const { usual, shrinkage, moves } = about.calendar, midnight = time - time % DAY;
  const alike = about.city.special_days.filter(([learned, itsKind]) => {
    const apart = Math.abs(midnight - Date.parse(learned)) / DAY % 365.25;
    return itsKind === kind && (kind !== "holiday" || Math.min(apart, 365.25 - apart) < moves + 1);
  }).map(([, , share]) => share);
  const total = alike.reduce((sum, share) => sum + share, 0);
  return (total + shrinkage * usual[kind]) / (alike.length + shrinkage);
}

// Milliseconds by which the clocks of a place are ahead of UTC at a moment.
function clockOffset(moment, timeZone) {
  const format = new Intl.DateTimeFormat("en-US", { timeZone, hourCycle: "h23", year: "numeric", month: "numeric",
    day: "numeric", hour: "numeric", minute: "numeric", second: "numeric" });
  const part = Object.fromEntries(format.formatToParts(moment).map(({ type, value }) => [type, Number(value)]));
  return Date.UTC(part.year, part.month - 1, part.day, part.hour, part.minute, part.second) - moment;
}

// Degrees of the sun above the horizon in the middle of an hour of local time, as in projects/bikes/sun.py.
function sunElevation(time, [latitude, longitude, timeZone]) {
  const local = time + DAY / 48, guess = local - clockOffset(local, timeZone);
  const days = (local - clockOffset(guess, timeZone) - Date.UTC(2000, 0, 1, 12)) / DAY;
  const radians = degrees => degrees * Math.PI / 180, { sin, cos } = Math;
  const anomaly = radians(357.528 + 0.9856003 * days), meanLongitude = 280.460 + 0.9856474 * days;
  const sun = radians(meanLongitude + 1.915 * sin(anomaly) + 0.020 * sin(2 * anomaly));
  const tilt = radians(23.439 - 0.0000004 * days);
  const rightAscension = Math.atan2(cos(tilt) * sin(sun), cos(sun));
  const declination = Math.asin(sin(tilt) * sin(sun));
  const siderealTime = radians(15 * (18.697374558 + 24.06570982441908 * days) + longitude);
  const sine = sin(radians(latitude)) * sin(declination) +
    cos(radians(latitude)) * cos(declination) * cos(siderealTime - rightAscension);
  return Math.asin(sine) * 180 / Math.PI;
}

// From when to when the model was trained, and so many days to each side.
const span = days => [Date.parse(about.firstHour) - days * DAY, Date.parse(about.lastHour) + days * DAY];
const grows = span(about.city.held_after_days), known = span(about.knownFor);

// The features by name, as projects/bikes/features.py builds them where the weather around is not known.
function features(now) {
  const time = timeOf(now), date = new Date(time);
  const weekday = (date.getUTCDay() + 6) % 7, dayOfYear = 100 * (date.getUTCMonth() + 1) + date.getUTCDate();
  const years = moment => (moment - Date.UTC(2011, 0, 1)) / (365.25 * DAY);
  const kind = kindOfDay(weekday, dayOfYear, now.holiday);
  const working = workingShare(time, kind), wet = now.weather >= about.wet;
  const temp = (now.temperature - about.coldest) / (about.warmest - about.coldest);
  const found = {
    holiday: now.holiday,
    christmas: isChristmasSeason(dayOfYear),
    thanksgiving: weekday === 3 && dayOfYear >= 1122 && dayOfYear <= 1128,
    thanksgiving_friday: weekday === 4 && dayOfYear >= 1123 && dayOfYear <= 1129,
    temp,
    temp_squared: (temp - about.mild) ** 2,
    hum: now.humidity / 100,
    windspeed: now.wind / about.wind,
    trend: years(Math.min(Math.max(time, grows[0]), grows[1])),
    previous_weather: now.weather,
    recent_weather: now.weather,
    warming: 0,
    recent_rain: wet,
    rain_over_the_day: wet,
    next_rain: wet,
  };
  if (about.city.place) {
    const elevation = sunElevation(time, about.city.place);
    found.sun_elevation = elevation / 90;
    found.daylight = 1 / (1 + Math.exp(-(elevation + about.twilight) / about.twilight));
  }
  for (let hour = 0; hour < 24; hour++) {
    const is = hour === now.hour, name = `${String(hour).padStart(2, "0")}h`;
    found[`working_${name}`] = is && working;
    found[`free_${name}`] = is && 1 - working;
    found[`friday_${name}`] = is && weekday === 4 && working;
    found[`sunday_${name}`] = is && weekday === 6;
  }
  WEEKDAYS.forEach((name, number) => found[name] = weekday === number);
  for (let number = 1; number <= 4; number++) found[`weather_${number}`] = now.weather === number;
  for (const waves of [1, 2]) {
    found[`year_sin_${waves}`] = Math.sin(2 * Math.PI * waves * years(time));
    found[`year_cos_${waves}`] = Math.cos(2 * Math.PI * waves * years(time));
  }
  const events = eventsOf(time);
  for (const name of about.city.learned_events) found[`event_${name}`] = events.includes(name);
  found.working = working; // no features of their own: the band needs these two
  found.unfamiliar = unfamiliarity(time, weekday, dayOfYear, kind);
  return found;
}

const timeOf = now => Date.parse(now.date) + now.hour * DAY / 24;

// Whether a time is of a season that the model has not seen, as in projects/bikes/seasons.py.
function isUnseen(time) {
  if (about.seasonsNear === null) return false;
  const first = Date.parse(about.firstHour), trained = (Date.parse(about.lastHour) - first) / DAY;
  const fromFirst = ((time - first) / DAY % YEAR + YEAR) % YEAR;
  return Math.min(fromFirst - trained, YEAR - fromFirst) > about.seasonsNear;
}

// The bounds of the 80 % band, as in projects/bikes/bands.py; none beyond what is known.
function band(now, bikes, { working, unfamiliar }) {
  const time = timeOf(now), { starts, growth, scales, widths, wet_factor: wetFactor } = about.bands;
  if (time < known[0] || time > known[1] || isUnseen(time)) return {};
  const away = Math.max(time - Date.parse(about.lastHour), Date.parse(about.firstHour) - time) / DAY;
  const part = starts.filter(start => start <= now.hour).length - 1 + (working < 0.5 ? starts.length : 0);
  const width = widths["80"] * scales[part] * (about.inputs.includes("weather") && now.weather >= about.wet ? wetFactor : 1) *
    (1 + (about.bands.special - 1) * unfamiliar) * (1 + growth * Math.max(away - about.bands.growsAfter, 0) / 365);
  const root = Math.sqrt(bikes);
  return { low: Math.max(root - width, 0) ** 2, high: (root + width) ** 2 };
}

// From the scale that the networks learned to riders, as in projects/bikes/target.py.
const toCounts = target => about.logCounts ? Math.expm1(target) : target ** (1 / about.power);

// The features in the model's order.
function inOrder(found) {
  return about.features.map(name => {
    if (!(name in found)) throw new Error(`this page cannot work out the feature ${name}`);
    return Number(found[name]);
  });
}

// Bikes, and the bounds of the 80 % band if it has one.
// The weights: W1 [features, hidden], b1 [hidden], W2 [hidden, targets], b2 [targets], one after another.
function forecast(now) {
  const found = features(now), x = inOrder(found).map((value, i) => (value - about.mean[i]) / about.scale[i]);
  const n = x.length, targets = about.targetMean.length, hidden = (weights.length - targets) / (n + 1 + targets);
  const b1 = n * hidden, W2 = b1 + hidden, b2 = W2 + targets * hidden;
  const output = Array.from(weights.subarray(b2, b2 + targets));
  for (let unit = 0; unit < hidden; unit++) {
    let z = weights[b1 + unit];
    for (let i = 0; i < n; i++) z += x[i] * weights[i * hidden + unit];
    const a = 1 / (1 + Math.exp(-z));
    for (let target = 0; target < targets; target++) output[target] += a * weights[W2 + targets * unit + target];
  }
  const riders = output.map((value, i) => toCounts(Math.max(value * about.targetScale[i] + about.targetMean[i], 0)));
  const bikes = riders.reduce((total, some, i) => total + about.smearing[i] * some, 0);
  return { bikes, ...band(now, bikes, found) };
}

const LEFT = 44, RIGHT = 512, TOP = 12, BOTTOM = 232;
const across = hour => LEFT + 8 + hour * (RIGHT - LEFT - 16) / 23;

function draw(day, chosen) {
  const highest = Math.max(...day.map(f => f.high ?? f.bikes));
  const step = [1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000].find(s => highest <= 4 * s) ?? 5000;
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
  if (day.every(f => "low" in f)) {
    add("polygon", { class: "band", points: [...path("high"), ...path("low").reverse()].join(" ") });
  }
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
  const fahrenheit = about.temperatureUnit === "°F";
  const shown = {
    hour: `${now.hour}:00`,
    temperature: fahrenheit ? `${(1.8 * now.temperature + 32).toFixed(0)} °F` : `${now.temperature} °C`,
    humidity: `${now.humidity} %`,
    wind: `${now.wind} km/h`,
  };
  for (const [name, text] of Object.entries(shown)) inputs[name].parentNode.querySelector("output").textContent = text;
  const day = Array.from({ length: 24 }, (_, hour) => forecast({ ...now, hour }));
  for (const name of ["bikes", "low", "high"]) {
    const value = day[now.hour][name];
    element(name).value = value ?? "";
    element(name).textContent = value?.toFixed(0) ?? "";
  }
  element("sure").hidden = !("low" in day[now.hour]);
  const weekday = NAMES[new Date(Date.parse(now.date)).getUTCDay()];
  const time = timeOf(now), events = eventsOf(time), named = events.length ? ` (${events.join(", ")})` : "";
  element("moment").textContent = `on ${weekday} ${now.date}${named} from ${now.hour}:00`;
  const after = Math.floor((time - Date.parse(about.lastHour)) / DAY);
  const before = Math.floor((Date.parse(about.firstHour) - time) / DAY);
  const side = after > before ? "after the last" : "before the first";
  const distance = `${Math.max(after, before)} days ${side} hour trained on: `;
  const month = new Date(time).toLocaleString("en-US", { month: "long", timeZone: "UTC" });
  element("far").textContent = isUnseen(time) ? `No data of ${month}: a guess, and there is no band.` :
    !("low" in day[now.hour]) ?
    `${distance}beyond what is known, and there is no band.` :
    Math.max(after, before) > about.far ? `${distance}the trend is held.` : "";
  draw(day, now.hour);
}

// Public holidays of the date, as `bikes predict --when` looks them up; a tick of one's own can be added.
function tickHoliday() {
  if (about.holidays.length) inputs.holiday.checked = about.holidays.includes(inputs.date.value);
}

for (const name of about.weather) inputs.weather.add(new Option(name));
for (const name of ["holiday", "weather", "temperature", "humidity", "wind"]) { // what the model does not know
  inputs[name].parentNode.hidden = !about.inputs.includes(name);
}
const knowsWeather = about.inputs.some(name => name !== "holiday");
for (const words of document.querySelectorAll(".of-weather")) words.hidden = !knowsWeather;
inputs.temperature.min = about.temperatures[0];
inputs.temperature.max = about.temperatures[1];
inputs.temperature.value = 15;
inputs.wind.max = about.strongestWind;
inputs.date.value = new Date(Date.parse(about.lastHour) + DAY).toISOString().slice(0, 10);
tickHoliday();
element("inputs").addEventListener("input", event => {
  if (event.target === inputs.date) tickHoliday();
  show();
});
element("inputs").addEventListener("submit", event => event.preventDefault());
element("day").addEventListener("click", event => {
  const box = element("day").getBoundingClientRect();
  const hour = (520 * (event.clientX - box.left) / box.width - LEFT - 8) * 23 / (RIGHT - LEFT - 16);
  inputs.hour.value = Math.min(23, Math.max(0, Math.round(hour)));
  show();
});
show();
element("live").hidden = false;
