"""What both pipelines need and the network does not. Knows neither of them."""
