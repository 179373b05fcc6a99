"""Benchmarks of pamlflow, on one thread as a job of the workflow; NumPy reads this when it is loaded."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
