"""Snakemake's own linter; ruff, mypy and snakefmt run in `make lint`."""

from running import run


def test_the_workflow_is_in_good_condition(tmp_path):
    assert "in a good condition" in run(tmp_path, "--lint")
