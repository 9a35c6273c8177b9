"""The judge of all counting: n-grams, ratios and bags from plain loops and Counter, slow and easy to check."""

import html
import math
from collections import Counter, defaultdict


def words_of(text):
    """The words of a text: lower case, no apostrophes, the marks .,!? as words of their own."""
    text = html.unescape(text).replace("<br />", " ").lower()
    text = text.replace("'", "").replace("’", "")
    spaced = (c if c.isalnum() else f" {c} " if c in ".,!?" else " " for c in text)
    return "".join(spaced).split()


def ngrams_of(text, longest):
    """The distinct n-grams of 1 to `longest` words that are in a text."""
    words = words_of(text)
    lengths = range(1, longest + 1)
    return {" ".join(words[i : i + n]) for n in lengths for i in range(len(words) - n + 1)}


def count_texts(texts, labels, longest, min_count):
    """N-gram -> Counter of the labels of the texts that have it, for n-grams in `min_count` texts."""
    counts = defaultdict(Counter)
    for text, label in zip(texts, labels, strict=True):
        for ngram in ngrams_of(text, longest):
            counts[ngram][label] += 1
    return {ngram: count for ngram, count in counts.items() if count.total() >= min_count}


def log_count_ratios(counts, label, imagined, imagined_others):
    """N-gram -> log((p / Σp) / (q / Σq)) of the texts with this label (p) against all others (q)."""
    p = {ngram: count[label] + imagined for ngram, count in counts.items()}
    q = {ngram: count.total() - count[label] + imagined_others for ngram, count in counts.items()}
    p_sum, q_sum = sum(p.values()), sum(q.values())
    return {ngram: math.log(p[ngram] / p_sum) - math.log(q[ngram] / q_sum) for ngram in counts}


def bag_of(text, values, longest, longest_row):
    """N-gram -> its value, for those of a text that have one; a row longer than `longest_row` is shortened to it."""
    row = {ngram: values[ngram] for ngram in ngrams_of(text, longest) if ngram in values}
    length = math.sqrt(sum(value**2 for value in row.values()))
    return {ngram: value * min(1, longest_row / length) if length else value for ngram, value in row.items()}
