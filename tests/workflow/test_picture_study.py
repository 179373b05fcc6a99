"""A real run of a tiny study whose tasks are chosen by their pictures."""

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml
from running import run

from pamlflow.cli import main
from pamlflow.configuration.validation import validated
from pamlflow.disagreement import disagreements, needed
from pamlflow.storage import store
from pamlflow.study import Study

PICTURES = Path(__file__).with_name("pictures.yaml")
DATA, RESULTS = "data/pictures", "results/pictures"


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """The folder of a finished run of pictures.yaml."""
    folder = tmp_path_factory.mktemp("pictures")
    run(folder, "--configfile", PICTURES)
    return folder


def read(study, name):
    return store.read(study / name).datasets


def test_every_strategy_is_scored_from_the_picture_alone_and_from_transitions(study):
    with (study / RESULTS / "summary.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    scored = {(row["strategy"], row["round"], row["protocol"]) for row in rows}
    rounds = [("paml", 2), ("oracle", 0)]
    assert scored == {
        (strategy, str(number), protocol)
        for strategy, last in rounds
        for number in range(last + 1)
        for protocol in ("few_shot_0", "few_shot_5")
    }
    assert all(np.isfinite(float(row["value"])) for row in rows)


def test_every_product_is_there_and_every_file_is_valid(study, monkeypatch):
    of_every_experiment = "learning_curves error_maps latent_space choices chosen_values"
    of_pictures = "montage reconstructions traversal rank_correlation"
    for name in f"{of_every_experiment} {of_pictures}".split():
        for suffix in ("svg", "png"):
            assert (study / RESULTS / f"{name}.{suffix}").stat().st_size > 1000
    monkeypatch.chdir(study)
    assert main(["check", "results"]) == 0


def test_every_file_says_what_the_configuration_has_it_made_from(study, monkeypatch):
    monkeypatch.chdir(study)
    wanted = needed(Study(validated(yaml.safe_load(PICTURES.read_text()))))
    assert disagreements(wanted) == []
    assert {path for path in wanted if not Path(path).exists()} == set()


def test_a_chosen_picture_leaves_the_pool_and_brings_its_task(study):
    pool = read(study, f"{DATA}/trial_00/pool.h5")
    assert pool["pool/descriptors"].shape == (5, 16, 16, 1)
    last = read(study, f"{RESULTS}/paml/trial_00/round_02.h5")
    rows = last["pool/rows"]
    assert len(set(rows.tolist())) == 3
    np.testing.assert_array_equal(last["tasks/descriptors"], pool["pool/descriptors"][rows])
    np.testing.assert_array_equal(last["tasks/parameters"], pool["pool/parameters"][rows])
    candidates = [
        len(read(study, f"{RESULTS}/paml/trial_00/round_0{number}.h5")["selection/candidates"])
        for number in (1, 2)
    ]
    assert candidates == [4, 3]


def test_round_00_knows_nothing_but_its_task_and_the_pictures(study):
    first = store.read(study / RESULTS / "initial/trial_00/round_00.h5")
    assert {Path(name).name for name in first.parents} == {"initial_tasks.h5", "pool.h5"}
    oracle = store.read(study / RESULTS / "oracle/trial_00/round_00.h5")
    assert {Path(name).name for name in oracle.parents} == {"test_tasks.h5"}
    assert "pool/rows" not in oracle.datasets


def test_a_larger_budget_only_adds_rounds_while_the_pool_lasts(study, tmp_path):
    more = tmp_path / "more.yaml"
    more.write_text(PICTURES.read_text().replace("added_tasks: 2", "added_tasks: 4"))
    plan = run(study, "--dry-run", "--configfile", more)
    assert plan.count("rule acquire_round:") == 2 and "rule draw_pool:" not in plan
    more.write_text(PICTURES.read_text().replace("added_tasks: 2", "added_tasks: 5"))
    refused = run(study, "--dry-run", "--configfile", more, status=1)
    assert "pool: expected at least 6 for 1 initial_tasks and 5 added_tasks, found 5" in refused


def test_the_same_seed_gives_the_same_numbers(study, tmp_path):
    folder = shutil.copytree(study, tmp_path / "again")
    (folder / RESULTS / "paml/trial_00/round_02.h5").unlink()
    target = f"{RESULTS}/paml/trial_00/round_02.h5"
    run(folder, target, "--configfile", PICTURES)
    assert (folder / target).read_bytes() == (study / target).read_bytes()
