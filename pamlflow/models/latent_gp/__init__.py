"""The latent Gaussian process of the paper: one latent variable for each task."""
