"""The two-view latent-variable Gaussian process of PAML: bounds, posterior, training, inference."""
