"""The run of docs/own_environment.md, with a model as small as can be."""

import csv

import pytest
from running import ROOT, overlay, run

pytest.importorskip("gymnasium")

RESULTS = "results/pendulum"


def test_the_configuration_of_the_page_leads_to_learning_curves(tmp_path):
    small = overlay(
        tmp_path,
        run={"trials": 1, "strategies": ["uniform", "oracle"]},
        experiments={
            "pendulum": {
                "test_grid": [2, 2],
                "initial_tasks": 2,
                "added_tasks": 1,
                "simulation": {"steps": 20},
            }
        },
        model={"inducing_points": 12},
        training={"first_iterations": 4, "next_iterations": 4, "starts": 1},
        inference={"protocols": ["few_shot_0"]},
    )
    example = ROOT / "docs" / "examples" / "pendulum.yaml"
    products = [f"{RESULTS}/learning_curves.png", f"{RESULTS}/summary.csv"]
    run(tmp_path, *products, "--configfile", example, small)
    assert (tmp_path / products[0]).stat().st_size > 1000
    with (tmp_path / products[1]).open(newline="") as file:
        rounds = {(row["strategy"], row["round"]) for row in csv.DictReader(file)}
    assert rounds == {("uniform", "0"), ("uniform", "1"), ("oracle", "0")}
