"""The sentiment model without its reading of texts: from the n-grams that a text has to the probability, as ONNX."""

import numpy as np

from projects.common.onnx_export import Graph, Step
from projects.sentiment.model import SentimentModel
from projects.sentiment.text import LONGEST_ROW


def onnx_graph(model: SentimentModel) -> Graph:
    """From 1 for each n-gram of the bag that a text has, and 0 for the others, to the probability of positive."""
    vocabulary, network = model.vocabulary, model.network
    in_row = {"axes": [1], "keepdims": 1}
    steps = [
        Step("Mul", "ngrams ratios", "weighed"),
        Step("ReduceL2", "weighed", "length", in_row),
        Step("Max", "length longest", "limited"),
        Step("Div", "longest limited", "shortening"),
        Step("MatMul", "weighed W1", "long"),
        Step("Mul", "long shortening", "short"),
        Step("Add", "short b1", "z"),
        Step("Sigmoid", "z", "hidden"),
        Step("Gemm", "hidden W2 b2", "log_odds"),
        Step("Sigmoid", "log_odds", "of_known"),
        Step("ReduceMax", "ngrams", "most", in_row),
        Step("Greater", "most zero", "known"),
        Step("Where", "known of_known base_rate", "probability"),
    ]
    constants = {name: getattr(network, name) for name in ("W1", "b1", "W2", "b2")} | {
        "ratios": vocabulary.ratios[vocabulary.kept],
        "longest": np.array(LONGEST_ROW),
        "zero": np.array(0.0),
        "base_rate": np.array(model.settings["base_rate"]),
    }
    return Graph("ngrams", [vocabulary.name(number) for number in vocabulary.kept.tolist()], steps, constants)
