"""The configuration of a study: what it may say, what is wrong with it, and whether its parts can be loaded."""
