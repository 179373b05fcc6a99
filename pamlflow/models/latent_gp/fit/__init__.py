"""What trains a model, with TensorFlow and GPflow."""
