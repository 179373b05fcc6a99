"""What a few tasks of a configuration show of it, before anything is learned from them."""
