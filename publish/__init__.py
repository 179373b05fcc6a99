"""Writes docs/study from finished runs: tables, figures, a page for each run and one for all."""
