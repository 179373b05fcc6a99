"""Training of a latent Gaussian process, with TensorFlow and GPflow."""
