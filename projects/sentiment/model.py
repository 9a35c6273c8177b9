"""The sentiment model: n-grams in, the probability of each label out."""

import math
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from nn import TwoLayerNetwork
from nn.functions import OUTPUTS, sigmoid
from projects.common.errors import ProjectError
from projects.common.model_file import Arrays, Settings, load_model, refuse_other_activations, save_model
from projects.common.table import is_missing, table_of_frame
from projects.sentiment.characters import MARKS
from projects.sentiment.hashes import is_remembered
from projects.sentiment.layout import ANY_LAYOUT, Layout, filled_in, find_layout, refuse_another_column
from projects.sentiment.negation import in_words
from projects.sentiment.ngrams import Vocabulary, length_factors
from projects.sentiment.outputs import each_label, log_odds, log_odds_of, output_for, put_together
from projects.sentiment.pieces import Pieces
from projects.sentiment.saved import check
from projects.sentiment.tokens import NONE

if TYPE_CHECKING:
    import pandas as pd

CHUNK = 1_000  # texts whose n-grams are in memory at a time while predicting
NAMED_FROM = 50  # an n-gram is named only where so many training texts have it; of fewer than
NAMED_OF_TEXTS = 25_000  # texts, 50 · √(texts / 25,000) are enough,
FEW_NAMED = 120  # and always as few as leave so many n-grams to be named
COLUMNS = 20_000  # n-grams whose effects are computed at a time
UNSURE = "unsure"  # the answer where no label is as probable as was asked for
NO_TEXT = "no text"  # the answer where there is none
Effects = list[tuple[str, float]]


class Answer(NamedTuple):
    """A label and its probability; UNSURE and the probability of the best label, or NO_TEXT and NaN."""

    label: str
    probability: float


class SecondView(NamedTuple):
    """A network that reads texts as pieces of characters, beside the one that reads them as words."""

    network: TwoLayerNetwork
    pieces: Pieces


@dataclass
class SentimentModel:
    """A trained network with its vocabulary, and what it was trained on; with a second one for a second view.

    The labels are numbered 0, 1, … in the order of `label_names`. For two of them the network has one
    output, the probability of label 1; for more, it has one for each.
    """

    network: TwoLayerNetwork
    vocabulary: Vocabulary
    settings: dict[str, Any]
    second: SecondView | None = None
    trained_on: np.ndarray | None = None  # short hashes of the texts, ascending, uint32; None: not known

    def __repr__(self) -> str:
        pieces = "" if self.second is None else f"{len(self.second.pieces):,} pieces, "
        size = f"{len(self.vocabulary):,} n-grams, {pieces}{self.network.W1.shape[1]} hidden units"
        n_labels = len(self.label_names)
        return f"SentimentModel({size})" if n_labels == 2 else f"SentimentModel({size}, {n_labels:,} labels)"

    @property
    def label_names(self) -> list[str]:
        names: list[str] = self.settings["label_names"]
        return names

    @property
    def layout(self) -> Layout:
        """How the table was laid out that the model was trained on."""
        label_map = tuple((written, name) for written, name in self.settings["label_map"])
        return Layout(
            self.settings["text_column"],
            self.settings["label_column"],
            label_map=label_map,
            likely_encoding=self.settings.get("encoding"),
            delimiter=self.settings.get("delimiter"),
        )

    def predict(self, texts: Any, unsure: float = 0.0) -> Any:
        """An `Answer` for a text; a list of them for several texts; of pandas, a DataFrame with the same index.

        texts: of pandas a Series, or a DataFrame, whose column of texts is that of the training or is found. unsure:
        below this probability the answer is UNSURE. Where there is no text it is NO_TEXT; a text of which no word is
        known gets the most frequent label, with a limit UNSURE. Raises ProjectError.
        """
        if isinstance(texts, str):
            return self._answers([texts], unsure)[0]
        if hasattr(texts, "columns"):
            texts = self._texts_of(texts)
        index = getattr(texts, "index", None)
        if index is None or callable(index):  # a list has a method of that name
            return self._answers(list(texts), unsure)
        import pandas as pd

        return pd.DataFrame(self._answers(texts.fillna("").tolist(), unsure), index, list(Answer._fields))

    def _texts_of(self, frame: "pd.DataFrame") -> "pd.Series[Any]":
        """The column of a DataFrame that has the texts. Raises ProjectError."""
        table = table_of_frame(frame)
        layout = find_layout(table, filled_in(ANY_LAYOUT, self.layout, table.columns), labelled=False)
        refuse_another_column(table, layout, ANY_LAYOUT, self.layout)
        return frame.iloc[:, table.columns.index(str(layout.text_column))]

    def _answers(self, texts: list[Any], unsure: float) -> list[Answer]:
        if not 0 <= unsure <= 1:
            raise ProjectError(f"unsure is a probability from 0 to 1, and {unsure!r} is none")
        texts = [text if isinstance(text, str) or not is_missing(text) else "" for text in texts]
        wrong = next((text for text in texts if not isinstance(text, str)), None)
        if wrong is not None:
            raise ProjectError(f"texts are strings, and {wrong!r} is none")
        answers = []
        for text, of_labels in zip(texts, self.probabilities(texts), strict=True):
            answers.append(self.answer_from(text, of_labels, unsure) if text.strip() else Answer(NO_TEXT, math.nan))
        return answers

    def answer_from(self, text: str, probabilities: np.ndarray, unsure: float) -> Answer:
        """The answer for a text whose labels have these probabilities [labels].

        With a limit a text of which no word is known is UNSURE, too, however frequent the most frequent label is.
        """
        label = int(probabilities.argmax())
        confidence = float(probabilities[label])
        is_unsure = confidence < unsure or (unsure > 0 and self.knows_nothing_of(text, probabilities))
        return Answer(UNSURE if is_unsure else self.label_names[label], confidence)

    def probabilities(self, texts: Iterable[str]) -> np.ndarray:
        """The probability of each label for each text [texts, labels].

        A text without a known n-gram gets the base rates: how often each label was trained on.
        """
        texts = list(texts)
        chunks = [texts[i : i + CHUNK] for i in range(0, len(texts), CHUNK)]
        nothing = np.empty((0, len(self.label_names)))
        with ThreadPoolExecutor() as pool:  # one chunk is read while another one is multiplied
            return np.concatenate([nothing, *pool.map(self._predict_chunk, chunks)])

    def knows_nothing_of(self, text: str, probabilities: np.ndarray) -> bool:
        """Whether the text, whose labels have these probabilities [labels], has no n-gram of the bag."""
        are_base_rates: bool = probabilities.tolist() == self.settings["base_rates"]
        return are_base_rates and not len(self.vocabulary.columns_of([text])[0])

    def was_trained_on(self, text: str) -> bool:
        """Whether it was trained on this text, as far as is known."""
        return self.trained_on is not None and is_remembered(text, self.trained_on)

    def _predict_chunk(self, texts: list[str]) -> np.ndarray:
        indices, indptr = self.vocabulary.columns_of(texts)
        prediction = self.network.predict(self.vocabulary.bag(indices, indptr))
        known = np.diff(indptr) > 0
        probability = np.where(known[:, np.newaxis], each_label(prediction.astype(float)), self.settings["base_rates"])
        return self._with_second_view(probability, texts)

    def _with_second_view(self, probability: np.ndarray, texts: list[str]) -> np.ndarray:
        """The probabilities of the labels [texts, labels] that the words give, put together with the second view's.

        texts: one for each row, or one for all of them. Where no piece is known, the words decide alone.
        """
        if self.second is None:
            return probability
        bag = self.second.pieces.bag(texts)
        prediction = each_label(self.second.network.predict(bag).astype(float))
        known = np.diff(bag.indptr) > 0
        return np.where(known[:, np.newaxis], put_together([probability, prediction]), probability)

    def explain(self, text: str, label: int | None = None) -> dict[str, Effects]:
        """The effect of each known word, and of each n-gram of the bag, on the log-odds of a label.

        label: its number; None: the most probable one. The effect is the log-odds, log(p / (1 - p)), with the word or
        n-gram, less those without it: log-odds still move where a probability is next to 0 or 1. A word is left out
        with all n-grams that it is in, an n-gram alone. A second view stays as it is.
        The strongest come first. A negated word counts as another one than the plain word.
        """
        vocabulary = self.vocabulary
        columns, _ = vocabulary.columns_of([text])
        names = [vocabulary.name(number) for number in vocabulary.in_bag[columns].tolist()]
        if not names:
            return {"words": [], "ngrams": []}
        if label is None:
            label = int(np.argmax(self.probabilities([text])[0]))
        words = sorted({word for name in names for word in name.split()})
        number = {word: i for i, word in enumerate(words)}
        pairs = [(number[word], i) for i, name in enumerate(names) for word in set(name.split())]
        word_of, ngram_of = np.array(pairs).T
        alone = np.arange(len(names))
        left_out = {"words": (words, word_of, ngram_of), "ngrams": (names, alone, alone)}
        effects = {}
        for kind, (called, case, ngrams) in left_out.items():
            by_words = self._probability_without(columns, case, ngrams, len(called) + 1)  # the last one lacks nothing
            of_label = log_odds_of(self._with_second_view(by_words, [text])[:, label])
            effect = of_label[-1] - of_label[:-1]
            by_name = zip(map(in_words, called), effect.tolist(), strict=True)
            effects[kind] = sorted(by_name, key=lambda pair: -abs(pair[1]))
        return effects

    def _probability_without(
        self, columns: np.ndarray, case: np.ndarray, left_out: np.ndarray, n_cases: int
    ) -> np.ndarray:
        """The probabilities of the labels [cases, labels] for a row that lacks some of its columns, as float64.

        case and left_out are pairs: in that case the n-gram in that place among the columns is left out.
        """
        network = self.network
        values = self.vocabulary.column_ratios[columns].astype(float)
        parts = values[:, np.newaxis] * network.W1[columns]  # [n-grams, hidden]: to the hidden layer
        square = (values**2).sum() - np.bincount(case, values[left_out] ** 2, minlength=n_cases)
        length = np.sqrt(np.maximum(square, 0))
        lost = [np.bincount(case, part[left_out], minlength=n_cases) for part in parts.T]
        z = parts.sum(axis=0) - np.stack(lost, axis=1)  # [cases, hidden], of rows not shortened yet
        z *= length_factors(length, self.vocabulary.row_power)[:, np.newaxis]
        output = sigmoid(z + network.b1) @ network.W2.astype(float) + network.b2
        probability = each_label(OUTPUTS[network.output](output))
        something_left = np.bincount(case, minlength=n_cases) < len(columns)
        return np.where(something_left[:, np.newaxis], probability, self.settings["base_rates"])

    def effects(self, label: int = 1) -> np.ndarray:
        """By how much each n-gram alone moves the log-odds of a label [columns].

        The start is an empty text, whose row is all 0.
        """
        network = self.network
        ratios = self.vocabulary.column_ratios
        alone = (ratios * length_factors(np.abs(ratios), self.vocabulary.row_power))[:, np.newaxis]
        W2 = network.W2.astype(float)
        empty = log_odds(sigmoid(network.b1)[np.newaxis] @ W2 + network.b2, label)
        effects = np.empty(len(alone))
        for start in range(0, len(alone), COLUMNS):
            some = slice(start, start + COLUMNS)
            hidden = sigmoid(alone[some] * network.W1[some] + network.b1)  # [columns, hidden]
            effects[some] = log_odds(hidden @ W2 + network.b2, label) - empty
        return effects

    @property
    def named_from(self) -> int:
        """Training texts that an n-gram must be in to be named: 50, fewer of few texts or of few n-grams.

        Rarer ones speak for a label by chance: the fewer n-grams there are, the fewer do. Of 1,000 texts 10 are enough,
        and the n-grams in 50 would be the most frequent words alone.
        """
        texts = self.settings["train_texts"] + self.settings.get("unlabelled_texts", 0)
        of_so_many = math.ceil(NAMED_FROM * math.sqrt(min(1.0, texts / NAMED_OF_TEXTS)))
        counts = np.sort(self.vocabulary.counts[self.vocabulary.in_bag])
        return min(of_so_many, int(counts[-min(len(counts), FEW_NAMED)]))

    def ranked(self, label: int, min_count: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        """The columns of the n-grams that speak for a label, the strongest first, and the effects of all [columns].

        min_count: training texts that they must be in; None: `named_from`.
        """
        effects = self.effects(label)
        is_frequent = self.vocabulary.counts[self.vocabulary.in_bag] >= (min_count or self.named_from)
        order = np.argsort(-effects, kind="stable")
        return order[is_frequent[order] & (effects[order] > 0)], effects

    def strongest(self, label: int, n: int, min_count: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        """As `ranked`, but of the columns the first n to show to people: none with a mark, none within another."""
        ranked, effects = self.ranked(label, min_count)
        kept: list[int] = []
        names: list[str] = []
        for column in ranked.tolist():
            name = f" {self.vocabulary.name(self.vocabulary.in_bag[column])} "
            has_mark = any(f" {mark} " in name for mark in MARKS)
            if not has_mark and not any(name in other or other in name for other in names):
                kept.append(column)
                names.append(name)
            if len(kept) == n:
                break
        return np.array(kept, np.intp), effects

    def similar(self, ngram: str, n: int = 10, min_count: int | None = None) -> Effects:
        """The n n-grams nearest to this one in what they add to the hidden layer, with Euclidean distances.

        Only n-grams in at least `min_count` training texts, None: `named_from`: rarer ones are near by chance.
        """
        vocabulary = self.vocabulary
        column = vocabulary.find(ngram)
        if column == NONE:
            raise ProjectError(f"{ngram!r} is not among the {len(vocabulary):,} n-grams of the bag: try another one")
        rows = vocabulary.column_ratios[:, np.newaxis] * self.network.W1  # [columns, hidden]
        distance = np.linalg.norm(rows - rows[column], axis=1)
        frequent = vocabulary.counts[vocabulary.in_bag] >= (min_count or self.named_from)
        order = [i for i in np.argsort(distance, kind="stable") if frequent[i] and i != column][:n]
        return [(vocabulary.said(vocabulary.in_bag[i]), float(distance[i])) for i in order]

    def save(self, path: Path | str) -> None:
        """Write the model to this file, whole or not at all. Raises ProjectError."""
        second = [] if self.second is None else [self.second.network]
        refuse_other_activations(network.hidden for network in (self.network, *second))
        arrays = {name: getattr(self.network, name) for name in ("W1", "b1", "W2", "b2")}
        arrays["words"] = np.frombuffer("\n".join(self.vocabulary.words).encode(), np.uint8)
        arrays |= {name: getattr(self.vocabulary, name) for name in ("codes", "counts", "ratios")}
        if self.second is not None:
            network, pieces = self.second
            arrays |= {f"pieces_{name}": getattr(network, name) for name in ("W1", "b1", "W2", "b2")}
            arrays |= {"pieces": pieces.keys, "pieces_ratios": pieces.ratios}
        if self.trained_on is not None:
            arrays["trained_on"] = self.trained_on
        save_model(Path(path), "sentiment", arrays, self.settings)

    @classmethod
    def load(cls, path: Path | str) -> "SentimentModel":
        """The model in this file. Raises ProjectError."""
        path = Path(path)
        arrays, settings = load_model(path, "sentiment")
        check(path, arrays, settings)
        W1, b1, W2, b2 = (arrays[name] for name in ("W1", "b1", "W2", "b2"))
        network = TwoLayerNetwork.from_arrays(W1, b1, W2, b2, output=output_for(len(settings["label_names"])))
        try:
            words = arrays["words"].tobytes().decode().split("\n")
        except UnicodeDecodeError as error:
            raise ProjectError(f"{path}: words are not UTF-8: train a new model") from error
        vocabulary = vocabulary_of(words, arrays, settings)
        if len(vocabulary) != len(W1):
            raise ProjectError(f"{path}: W1 has {len(W1):,} rows for {len(vocabulary):,} n-grams: train a new model")
        second = second_view(arrays, settings)
        return cls(network, vocabulary, settings, second, arrays.get("trained_on"))


def second_view(arrays: Arrays, settings: Settings) -> SecondView | None:
    """The second view in a model file, if it has one."""
    if not settings["characters"]:
        return None
    parameters = [arrays[f"pieces_{name}"] for name in ("W1", "b1", "W2", "b2")]
    network = TwoLayerNetwork.from_arrays(*parameters, output=output_for(len(settings["label_names"])))
    return SecondView(network, Pieces(arrays["pieces"], arrays["pieces_ratios"], settings["row_power"]))


def vocabulary_of(words: list[str], arrays: Arrays, settings: Settings) -> Vocabulary:
    """The vocabulary in a model file."""
    return Vocabulary(
        words,
        arrays["codes"],
        arrays["counts"],
        arrays["ratios"],
        min_count=settings["least_count"],
        polarity_cutoff=settings["polarity_cutoff"],
        common_from=settings["common_from"],
        negation=settings["negation"],
        row_power=settings["row_power"],
    )
