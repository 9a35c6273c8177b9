"""The bike model without its table of features: from their raw numbers to bikes, in one network and as ONNX."""

import numpy as np

from projects.bikes.model import BikesModel
from projects.bikes.target import POWER
from projects.common.onnx_export import Graph, Step


def one_network(model: BikesModel) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """W1 [features, hidden], b1, W2 [hidden, 2], b2 of the one network whose output is the mean of all members'."""
    networks = model.networks
    W1 = np.concatenate([network.W1 for network in networks], axis=1)
    b1 = np.concatenate([network.b1 for network in networks])
    W2 = np.concatenate([network.W2 for network in networks]) / len(networks)
    return W1, b1, W2, np.mean([network.b2 for network in networks], axis=0)


def onnx_graph(model: BikesModel) -> Graph:
    """From the features as `build_features` gives them, unscaled, to bikes."""
    W1, b1, W2, b2 = one_network(model)
    scaling = model.scaling | {"smearing": model.scaling["smearing"][:, np.newaxis]}
    steps = [
        Step("Sub", "features feature_mean", "centred"),
        Step("Div", "centred feature_scale", "scaled"),
        Step("Gemm", "scaled W1 b1", "z"),
        Step("Sigmoid", "z", "hidden"),
        Step("Gemm", "hidden W2 b2", "output"),
        Step("Mul", "output target_scale", "spread"),
        Step("Add", "spread target_mean", "shifted"),
        Step("Relu", "shifted", "target"),
    ]
    if model.log_counts:
        steps += [Step("Exp", "target", "riders_and_one"), Step("Sub", "riders_and_one one", "riders")]
        to_counts = {"one": np.array(1.0)}
    else:
        steps.append(Step("Pow", "target exponent", "riders"))
        to_counts = {"exponent": np.array(1 / POWER)}
    steps.append(Step("MatMul", "riders smearing", "bikes"))
    constants = {"W1": W1, "b1": b1, "W2": W2, "b2": b2} | to_counts | scaling
    return Graph("features", model.settings["features"], steps, constants)
