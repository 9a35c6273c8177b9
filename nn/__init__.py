"""A two-layer neural network in NumPy: sigmoid hidden layer, linear or sigmoid output."""

from nn.estimators import TwoLayerClassifier, TwoLayerRegressor
from nn.network import TwoLayerNetwork
from nn.training import Training

__all__ = ["Training", "TwoLayerClassifier", "TwoLayerNetwork", "TwoLayerRegressor"]
