"""The bike model without its table of features: from their raw numbers to bikes, in one network and as ONNX."""

import numpy as np

from projects.bikes.model import BikesModel


def one_network(model: BikesModel) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """W1 [features, hidden], b1, W2 [hidden, 2], b2 of the one network whose output is the mean of all members'."""
    networks = model.networks
    W1 = np.concatenate([network.W1 for network in networks], axis=1)
    b1 = np.concatenate([network.b1 for network in networks])
    W2 = np.concatenate([network.W2 for network in networks]) / len(networks)
    return W1, b1, W2, np.mean([network.b2 for network in networks], axis=0)
