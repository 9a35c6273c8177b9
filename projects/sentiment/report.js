// The model that `sentiment predict` uses, and the same steps: words, n-grams, row, hidden layer, probability.
const element = id => document.getElementById(id);
const about = JSON.parse(element("about").textContent);
const FAINT = 0.02, DEEP = 1.2; // log-odds from which a word has a colour, and from which its colour is deepest
const SHOWN = 12; // n-grams whose effects are listed
const OTHERS = 5; // labels whose probabilities are listed beside the answer's
const REFERENCE = /&(?:#[0-9]+;?|#[xX][0-9a-fA-F]+;?|[^\t\n\f <&#;]{1,32};?)/gu;
const EXAMPLES = {
  "praise": "An unpretentious, moving film. I didn't expect much & was wrong: the cast is wonderful. 9/10",
  "scorn": "A dull, lifeless film! What a waste of a good cast, avoid.",
  "mixed": "A slow start and a thin plot, but what a wonderful cast! The ending is a bit of a letdown; still worth seeing.",
};
let model;

// What & followed by a name or number stands for, as HTML has it; the browser knows the names.
function unescape(text) {
  const parser = document.createElement("textarea");
  return text.replace(REFERENCE, found => {
    const number = found[1] === "#" ? parseInt(/^x/i.test(found[2]) ? "0" + found.slice(2) : found.slice(2)) : 32;
    const control = number > 0 && number < 32 && ![9, 10, 12, 13].includes(number) || number === 127;
    const noncharacter = number >= 0xFDD0 && number <= 0xFDEF || (number & 0xFFFE) === 0xFFFE && number <= 0x10FFFF;
    if (control || noncharacter) return "";
    parser.innerHTML = found;
    return parser.value;
  });
}

// Regular expressions for what each character is, from the ranges and tables of characters.py.
const { spaceless, emoji, flagLetters, variants, beside, faces, standsFor, lineBreak, elision } = about.characters;
const expression = (source, flags = "gu") => new RegExp(source, flags);
const LINE_BREAK = expression(lineBreak), ELISION = expression(elision);
const MOUTH = "[()（）DdPp]", END = `(?![${beside}])`;
const EMOTICON = expression(`(?<![${beside}])(?:([:;：；])['’]*[-－]?(${MOUTH})\\2*${END}|<3${END}(?![.,][0-9]))`);
const WIDE_OR_NARROW = /[\uff01-\uffdc]+/gu;
const VANISHING = expression(`['’${variants}]`);
const ALONE = expression(`[${flagLetters}]{1,2}|[${spaceless}]+`);
const SPACELESS_LETTER = expression(`(?=[\\p{L}\\p{N}])[${spaceless}]`);
const EMOJI = expression(`(?![\\p{L}\\p{N}\\p{M}${flagLetters}])[${emoji}]`);
const PART = `\\p{L}\\p{N}\\p{M}`; // of a word
const NO_WORD = expression(`[^${PART}${emoji}.,!?]`);
const PIECES = [ // of a typed text, each with a colour of its own
  lineBreak,
  "&#?\\w+;",
  `(?<![${beside}])(?:[:;：；]['’]*[-－]?${MOUTH}+|<3)${END}`,
  `[${flagLetters}]{2}`,
  `[${emoji}][${variants}${emoji}]*`, // with all that is joined to it, or it would look different
  `[${spaceless}]\\p{M}*`,
  `(?:(?![${spaceless}])(?!${elision})[${PART}'’\\u200c\\u200d])+`,
  `[.,!?${Object.keys(standsFor).join("")}]`,
];
const PIECE = expression(`(${PIECES.join("|")})`, "u"); // in parentheses: `split` keeps it

// The text of usual width, without what makes variants of emoji and letters, composed.
function foldVariants(text) {
  const usual = text.replace(WIDE_OR_NARROW, run => run.normalize("NFKC"));
  return usual.replace(VANISHING, "").normalize("NFC").replace(/i\u0307+/gu, "i").normalize("NFC");
}

function emoticonsAsEmoji(text) {
  return text.replace(EMOTICON, (found, eyes, mouth) => {
    const face = eyes ? (eyes + mouth).normalize("NFKC").toUpperCase() : found;
    return faces[face];
  });
}

// The words of a text: lower case, emoji, punctuation marks, single characters of scripts without spaces.
function tokens(text) {
  const lower = emoticonsAsEmoji(unescape(text).replace(LINE_BREAK, " ")).replace(ELISION, " ").toLowerCase();
  return foldVariants(lower).replace(ALONE, " $& ").replace(SPACELESS_LETTER, " $&").replace(EMOJI, " $& ")
    .replace(/./gsu, character => standsFor[character] ?? character).replace(/[.,!?]/g, " $& ")
    .replace(NO_WORD, " ").split(" ").filter(Boolean);
}

// The names of words, as negation.py has them: those after a negation word, up to a mark, are negated.
const negations = new Set(about.negations);
function names(words) {
  let reach = 0; // words that the last negation still reaches
  return words.map(word => {
    const negates = negations.has(word);
    if (negates) reach = about.negationScope;
    else if (".,!?".includes(word)) reach = 0;
    return !negates && reach-- > 0 ? about.negated + word : word;
  });
}

// An n-gram as people would say it: a negation is put before it where its words are negated by one that is not in it.
function inWords(ngram) {
  const first = ngram.findIndex(name => name.startsWith(about.negated));
  const said = first < 0 || ngram.slice(0, first).some(name => negations.has(name));
  return (said ? "" : about.saidBeforeNegated) + ngram.join(" ").replaceAll(about.negated, "");
}

async function unpack() {
  const packed = Uint8Array.from(atob(element("weights").textContent), character => character.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  const words = new TextDecoder().decode(bytes.subarray(0, about.wordBytes)).split("\n");
  let at = about.wordBytes + 4 * about.ratios;
  const table = new Float32Array(bytes.slice(about.wordBytes, at).buffer);
  const next = () => { // digits in base 128, the lowest first; a digit with 128 added is not the last
    let number = 0, weight = 1, byte;
    do {
      byte = bytes[at++];
      number += (byte & 127) * weight;
      weight *= 128;
    } while (byte > 127);
    return number;
  };
  let code = 0;
  const codes = Float64Array.from({ length: about.longer }, () => code += next());
  const ratios = Float64Array.from({ length: words.length + about.longer }, () => {
    const number = next();
    return number ? table[number - 1] : NaN; // NaN: not in the bag
  });
  const W1 = about.units.map(unit => ratios.map(ratio => {
    if (Number.isNaN(ratio)) return NaN;
    const number = next();
    return unit * (number % 2 ? -(number + 1) / 2 : number / 2);
  }));
  return { index: new Map(words.map((word, number) => [word, number])), size: words.length, codes, ratios, W1 };
}

// The number of the n-gram with one more word, undefined if there is none: a binary search among the codes.
function longer(ngram, word) {
  if (word === undefined) return undefined;
  const code = ngram * model.size + word;
  let low = 0, high = model.codes.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (model.codes[middle] < code) low = middle + 1; else high = middle;
  }
  return model.codes[low] === code ? model.size + low : undefined;
}

// Each n-gram of the bag that is in the text: its words, and its share of the row's length and of the hidden layer.
function ngramsOf(text) {
  const read = names(tokens(text)), numbers = read.map(word => model.index.get(word)), found = new Map();
  for (let start = 0; start < read.length; start++) {
    let ngram = numbers[start];
    for (let end = start + 1; ngram !== undefined; ngram = longer(ngram, numbers[end++])) {
      const ratio = model.ratios[ngram];
      if (!Number.isNaN(ratio) && !found.has(ngram)) {
        const share = { count: 1, square: ratio * ratio, z: model.W1.map(W => ratio * W[ngram]) };
        found.set(ngram, { words: read.slice(start, end), share });
      }
    }
  }
  return [...found.values()];
}

const nothing = () => ({ count: 0, square: 0, z: about.units.map(() => 0) });
const sum = (a, b, sign) => ({
  count: a.count + sign * b.count, square: a.square + sign * b.square, z: a.z.map((value, h) => value + sign * b.z[h]),
});
const sigmoid = z => 1 / (1 + Math.exp(-z));

// The probability of each label for a row: of two labels the network has one output, the second label's.
function probabilities(row) {
  if (!row.count) return about.baseRates;
  const ratio = about.longestRow / Math.max(Math.sqrt(Math.max(row.square, 0)), about.shortestRow);
  const scale = Math.min(ratio, ratio ** about.rowPower);
  const hidden = row.z.map((z, h) => sigmoid(z * scale + about.b1[h]));
  const output = about.b2.map((b, k) => hidden.reduce((total, a, h) => total + about.W2[h][k] * a, b));
  if (output.length === 1) return [1 - sigmoid(output[0]), sigmoid(output[0])];
  const largest = Math.max(...output), powers = output.map(z => Math.exp(z - largest));
  const total = powers.reduce((a, b) => a + b);
  return powers.map(power => power / total);
}

// log(p / (1 - p)), finite where rounding has made p 0 or 1
const logOdds = p => Math.log(Math.max(p, 1e-16) / Math.max(1 - p, 1e-16));

// The label of a text, and what each word, and each n-gram, does to its log-odds: with it, less without it.
function score(text) {
  const found = ngramsOf(text), words = new Map();
  const whole = found.reduce((row, ngram) => sum(row, ngram.share, 1), nothing());
  for (const ngram of found) {
    for (const word of new Set(ngram.words)) words.set(word, sum(words.get(word) ?? nothing(), ngram.share, 1));
  }
  const all = probabilities(whole), label = all.indexOf(Math.max(...all)), probability = all[label];
  const effect = (name, share) => {
    const without = probabilities(sum(whole, share, -1))[label];
    return { name: inWords(name), odds: logOdds(probability) - logOdds(without) };
  };
  return {
    all, label, probability, known: whole.count > 0,
    words: new Map([...words].map(([word, share]) => [word, effect([word], share)])),
    ngrams: found.map(ngram => effect(ngram.words, ngram.share))
      .sort((a, b) => Math.abs(b.odds) - Math.abs(a.odds)),
  };
}

// The colour of what moves the log-odds of a label: of two labels, each has its own; of more, for and against.
const ofTwo = about.labels.length === 2;
const side = (odds, label) => (odds > 0) !== (ofTwo && label === 0) ? "for" : "against";

// How many of the words that were read, marks aside, have an effect.
function knownWords(read, said) {
  const words = read.filter(name => !".,!?".includes(name));
  return `${words.filter(name => said.words.has(name)).length} of ${words.length} words known`;
}

// What is said above the words: the answer; without a known word that, and the base rates; of no text neither.
function showAnswer(text, said) {
  const isEmpty = !text.trim();
  const unknown = "no known word: this is the base rate of the training texts";
  element("label").textContent = isEmpty ? "type a text" : said.known ? about.labels[said.label] : "no known word";
  element("sureness").hidden = !said.known;
  element("probability").value = isEmpty ? "" : said.probability;
  element("probability").textContent = isEmpty ? "" : said.probability.toFixed(3);
  element("bar").className = side(1, said.label);
  element("bar").style.left = "0";
  element("bar").style.width = said.known ? `${100 * said.probability}%` : "0";
  element("others").textContent = isEmpty ? "" : about.labels.map((name, k) => [name, said.all[k]])
    .filter((_, k) => k !== said.label || !said.known).sort((a, b) => b[1] - a[1]).slice(0, OTHERS)
    .map(([name, p]) => `${name} ${p.toFixed(3)}`).join(", ");
  element("note").textContent = isEmpty ? "" : said.known ? knownWords(names(tokens(text)), said) : unknown;
}

function show() {
  const text = element("text").value, said = score(text);
  showAnswer(text, said);
  const parts = text.split(PIECE), read = parts.map(tokens), named = names(read.flat());
  let at = 0;
  element("mirror").replaceChildren(...parts.map((part, i) => {
    const effect = said.words.get(read[i].length ? named[at] : undefined);
    at += read[i].length;
    const strength = effect ? Math.abs(effect.odds) : 0;
    const span = document.createElement("span");
    span.textContent = part;
    if (strength >= FAINT) {
      span.className = side(effect.odds, said.label);
      span.style.background = `rgba(var(--${span.className}), ${0.1 + 0.5 * Math.min(strength / DEEP, 1)})`;
    }
    return span;
  }), "\n");
  const strongest = said.ngrams.length ? Math.abs(said.ngrams[0].odds) : 1;
  element("ngrams").replaceChildren(...said.ngrams.slice(0, SHOWN).map(effect => {
    const row = document.createElement("div"), bar = document.createElement("i"), name = document.createElement("b");
    bar.className = side(effect.odds, said.label);
    bar.style.width = `${100 * Math.abs(effect.odds) / (strongest || 1)}%`;
    name.textContent = effect.name;
    row.append((effect.odds < 0 ? "−" : "+") + Math.abs(effect.odds).toFixed(2), name, bar);
    return row;
  }));
}

function enter(text) {
  element("text").value = text;
  show();
}

unpack().then(unpacked => {
  model = unpacked;
  for (const [name, text] of Object.entries(about.film_reviews ? EXAMPLES : {})) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = name;
    button.addEventListener("click", () => enter(text));
    element("examples").append(button, " ");
  }
  for (const button of document.querySelectorAll(".try")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      enter(button.closest("li").querySelector("blockquote").textContent);
      element("live").scrollIntoView({ behavior: "smooth" });
    });
  }
  element("text").addEventListener("input", show);
  if (ofTwo) {
    element("key-for").textContent = `speaks for ${about.labels[1]}`;
    element("key-against").textContent = `speaks for ${about.labels[0]}`;
  }
  element("wait").hidden = true;
  element("live").hidden = false;
  element("offer").hidden = !about.film_reviews;
  enter(about.film_reviews ? EXAMPLES.mixed : "");
}).catch(error => {
  element("wait").textContent = `This browser cannot unpack the model (${error.message}): a newer one can.`;
});
