"""What a trained model does: it predicts and infers, with NumPy alone."""
