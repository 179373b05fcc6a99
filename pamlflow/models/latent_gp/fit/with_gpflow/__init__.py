"""The model as GPflow modules: pictures, and the paper's stochastic bound, whose gradients TensorFlow finds."""
