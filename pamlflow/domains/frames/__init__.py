"""Data frames and files of runs, and the transitions in them."""
