"""The sentiment model without its reading of texts: from the n-grams that a text has to probabilities, as ONNX."""

import numpy as np

from projects.common.onnx_export import Graph, Step
from projects.sentiment.model import SentimentModel
from projects.sentiment.ngrams import LONGEST_ROW, SHORTEST_ROW


def onnx_graph(model: SentimentModel) -> Graph:
    """From 1 for each n-gram of the bag that a text has, and 0 for the others, to probabilities.

    Of two labels that of the second one, of more those of all, in the order of the model.
    """
    vocabulary, network = model.vocabulary, model.network
    n_outputs = len(network.b2)
    base_rates = model.settings["base_rates"][-1:] if n_outputs == 1 else model.settings["base_rates"]
    output = Step("Sigmoid", "z2", "of_known") if n_outputs == 1 else Step("Softmax", "z2", "of_known", {"axis": 1})
    in_row = {"axes": [1], "keepdims": 1}
    steps = [
        Step("Mul", "ngrams ratios", "weighed"),
        Step("ReduceL2", "weighed", "length", in_row),
        Step("Max", "length shortest", "limited"),
        Step("Div", "longest limited", "ratio"),
        Step("Pow", "ratio row_power", "lengthening"),
        Step("Min", "ratio lengthening", "factor"),
        Step("MatMul", "weighed W1", "long"),
        Step("Mul", "long factor", "scaled"),
        Step("Add", "scaled b1", "z"),
        Step("Sigmoid", "z", "hidden"),
        Step("Gemm", "hidden W2 b2", "z2"),
        output,
        Step("ReduceMax", "ngrams", "most", in_row),
        Step("Greater", "most zero", "known"),
        Step("Where", "known of_known base_rates", "probability"),
    ]
    constants = {name: getattr(network, name) for name in ("W1", "b1", "W2", "b2")} | {
        "ratios": vocabulary.column_ratios,
        "longest": np.array(LONGEST_ROW),
        "shortest": np.array(SHORTEST_ROW),
        "row_power": np.array(vocabulary.row_power),
        "zero": np.array(0.0),
        "base_rates": np.array([base_rates]),
    }
    columns = [vocabulary.name(number) for number in vocabulary.in_bag.tolist()]
    return Graph("ngrams", columns, steps, constants, model.label_names)
