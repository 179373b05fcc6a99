"""What Snakemake is told before it plans and starts jobs."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from snakemake_interface_common.exceptions import WorkflowError

from pamlflow.disagreement import Verdict
from pamlflow.jobs import planning
from pamlflow.study import Study

FILE = Path(__file__).parents[3] / "config" / "config.yaml"
CONFIG = yaml.safe_load(FILE.read_text(encoding="utf-8"))


def workflow(main=True, **parts):
    """As much of Snakemake's workflow as is looked at."""
    settings = SimpleNamespace(
        configfiles=[], replace_workflow_config=False, config_args=None, **parts
    )
    return SimpleNamespace(
        is_main_process=main, config_settings=settings, configfiles=[FILE], **parts
    )


@pytest.fixture
def logged(monkeypatch):
    texts = []
    monkeypatch.setattr(planning.logger, "warning", texts.append)
    return texts


def test_a_configuration_is_filled_in_and_doubts_are_told_once(logged):
    config = CONFIG | {"model": CONFIG["model"] | {"latent_dimensions": 1}}
    filled = planning.checked_configuration(workflow(), config)
    assert filled["run"]["trials"] == CONFIG["run"]["trials"] and filled["inference"]
    assert any(text.startswith("experiments.cart_pole: ") for text in logged)
    before = list(logged)
    assert planning.checked_configuration(workflow(main=False), config) == filled
    assert logged == before


def test_problems_of_a_configuration_end_the_workflow():
    with pytest.raises(WorkflowError, match=r"seed: .*found -1 .*config\.yaml, line \d+"):
        planning.checked_configuration(workflow(), CONFIG | {"seed": -1})
    domain = CONFIG["experiments"]["cart_pole"] | {"domain": "no_such_module:Name"}
    config = CONFIG | {"experiments": CONFIG["experiments"] | {"cart_pole": domain}}
    with pytest.raises(WorkflowError, match="no_such_module"):
        planning.checked_configuration(workflow(), config)
    planning.checked_configuration(workflow(main=False), config)  # told by the main process


@pytest.mark.parametrize("main", [True, False])
def test_what_is_outdated_is_forced_before_jobs_are_planned(monkeypatch, logged, main):
    done = []

    def judge(files, allowed_rules):
        done.append("judged")
        assert "results/cart_pole/summary.csv" in files and allowed_rules == ["all"]
        return Verdict(["data/a.h5"], ["one differs"])

    monkeypatch.setattr(planning, "judge", judge)
    dag = SimpleNamespace(
        targetrules=[SimpleNamespace(name="all")], targetfiles=[], forcefiles={"unfinished"}
    )
    run = SimpleNamespace(
        is_main_process=main,
        dag=dag,
        dag_settings=SimpleNamespace(allowed_rules=["all"]),
        _build_dag=lambda: done.append("planned"),
    )
    planning.force_outdated_in(run, Study(planning.validated(CONFIG)))
    run._build_dag()
    assert done == ["judged"] * main + ["planned"]
    assert dag.forcefiles == {"unfinished"} | ({"data/a.h5"} if main else set())
    assert logged == ["one differs"] * main


def test_a_run_begins_where_nothing_is_left_and_all_can_be_written(tmp_path, monkeypatch):
    planning.require_readiness(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(planning.WRITTEN)
    (tmp_path / "logs").rmdir()
    (tmp_path / "logs").write_text("a file")
    with pytest.raises(WorkflowError, match="logs"):
        planning.require_readiness(tmp_path)
    monkeypatch.setattr(planning, "orphans", lambda folder: ["process 7", "SLURM job 8"])
    with pytest.raises(WorkflowError, match=r"left process 7, SLURM job 8 here: `make recover`"):
        planning.require_readiness(tmp_path)


@pytest.mark.parametrize(
    ("limit", "kept"), [(None, False), ((100, 1), False), ((100, 60), True), ((50, 1), True)]
)
def test_only_the_limit_that_nobody_asked_for_is_lifted(limit, kept):
    limiter = limit and SimpleNamespace(max_jobs=limit[0], timespan=limit[1])
    run = SimpleNamespace(scheduler=SimpleNamespace(job_rate_limiter=limiter))
    planning.lift_default_limit(run)
    assert (run.scheduler.job_rate_limiter is not None) == kept
