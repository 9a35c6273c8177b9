"""A neural network in NumPy: one hidden layer under a linear, sigmoid or softmax output."""

from nn.estimators import TwoLayerClassifier, TwoLayerRegressor
from nn.network import TwoLayerNetwork
from nn.training import Training

__all__ = ["Training", "TwoLayerClassifier", "TwoLayerNetwork", "TwoLayerRegressor"]
