"""Good or bad film reviews (Large Movie Review Dataset, Maas et al. 2011): a bag of words with noise reduction."""
