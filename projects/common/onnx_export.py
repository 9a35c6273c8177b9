"""Writing the numeric core of a model as ONNX, so that other programs can run it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from projects.common.errors import ProjectError
from projects.common.files import write_atomically

OPSET, IR_VERSION = 17, 8  # of 2022: old enough for every runtime in use


class Step(NamedTuple):
    """One operation of the graph. inputs: names, separated by spaces."""

    operator: str
    inputs: str
    output: str
    attributes: Mapping[str, Any] = {}


class Graph(NamedTuple):
    """From `input` [rows, columns] through the steps to the last one's output [rows, outputs], both float32."""

    input: str
    columns: Sequence[str]  # what each column of the input is
    steps: Sequence[Step]
    constants: Mapping[str, np.ndarray]
    labels: Sequence[str] = ()  # of more than two, each has an output; of two or none there is one output


def save_onnx(path: Path, graph: Graph) -> None:
    """Write the graph, checked, with the names of the columns in its metadata, a line each."""
    try:
        from onnx import TensorProto, checker, helper, numpy_helper
    except ImportError as error:
        raise ProjectError("export needs the package onnx: .venv/bin/pip install -e '.[onnx]'") from error
    nodes = [helper.make_node(s.operator, s.inputs.split(), [s.output], **s.attributes) for s in graph.steps]
    constants = [numpy_helper.from_array(array.astype(np.float32), name) for name, array in graph.constants.items()]
    given = helper.make_tensor_value_info(graph.input, TensorProto.FLOAT, ["rows", len(graph.columns)])
    n_outputs = len(graph.labels) if len(graph.labels) > 2 else 1
    found = helper.make_tensor_value_info(graph.steps[-1].output, TensorProto.FLOAT, ["rows", n_outputs])
    whole = helper.make_model(
        helper.make_graph(nodes, "two-layer", [given], [found], constants),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="two-layer",
    )
    about = {graph.input: "\n".join(graph.columns)}
    if graph.labels:
        about["labels"] = "\n".join(graph.labels)
    helper.set_model_props(whole, about)
    checker.check_model(whole)
    write_atomically(path, whole.SerializeToString())
