"""The collapsed bound of tasks described by vectors, with its gradient in closed form: NumPy and BLAS alone."""
