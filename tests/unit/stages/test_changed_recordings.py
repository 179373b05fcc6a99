"""Recordings that change while a study runs, and what the next run makes anew."""

import dataclasses
from pathlib import Path

import pandas as pd
import pytest
import recordings
from recordings import OPTIONS

from pamlflow.configuration.preflight import require_parts
from pamlflow.configuration.validation import ConfigurationError, validated
from pamlflow.disagreement import disagreements, needed
from pamlflow.domains.content import ChangedError
from pamlflow.inspection.show import describe
from pamlflow.stages.acquire import acquire_round, train_initial_round
from pamlflow.stages.evaluate import evaluate_trial
from pamlflow.stages.simulate import draw_pool, simulate_initial_tasks, simulate_test_tasks
from pamlflow.storage import store
from pamlflow.study import Study

CARTS = {
    "domain": "recorded",
    "options": OPTIONS,
    "space": {"load": [0.0, 5.0]},
    "test_tasks": 3,
    "initial_tasks": 2,
    "added_tasks": 3,
    "strategies": ["paml", "uniform", "oracle"],
}
TESTS = Path("data/carts/test_tasks.h5")
POOL = Path("data/carts/trial_00/pool.h5")
INITIAL = Path("data/carts/trial_00/initial_tasks.h5")


def configuration(**changes):
    return validated(
        {
            "experiments": {"carts": CARTS | changes},
            "run": {"experiments": ["carts"], "trials": 1},
            "inference": {"protocols": ["few_shot_5"]},
        }
    )


@pytest.fixture
def plan(tmp_path, monkeypatch):
    """A new look at the configuration and the recordings, as each run has."""
    monkeypatch.chdir(tmp_path)
    recordings.write(tmp_path)
    return lambda: Study(configuration())


def draw_tests(study):
    simulate_test_tasks(
        experiment=study.world("carts"),
        test_grid=study.test_grid("carts"),
        seed=study.seed("simulate_test_tasks", "carts"),
        output=TESTS,
    )


def draw_the_pool(study):
    draw_pool(
        experiment=study.world("carts"),
        candidates=study.candidates("carts"),
        seed=study.seed("draw_pool", "carts", "00"),
        output=POOL,
        test_tasks=TESTS,
    )


def draw_initial(study):
    simulate_initial_tasks(
        experiment=study.world("carts"),
        initial_tasks=2,
        seed=study.seed("simulate_initial_tasks", "carts", "00"),
        output=INITIAL,
        pool=POOL,
    )


def change(name="cart_03.csv"):
    path = Path("recordings", name)
    frame = pd.read_csv(path)
    frame.assign(force=frame["force"] + 1e-9).to_csv(path, index=False)


def test_files_agree_with_recordings_until_one_of_these_changes(plan):
    files = needed(plan(), [str(INITIAL)])
    for make in (draw_tests, draw_the_pool, draw_initial):
        make(plan())
    assert set(files) == {str(TESTS), str(POOL), str(INITIAL)} and not disagreements(files)
    change()
    found = disagreements(needed(plan(), [str(INITIAL)]))
    assert {it.path for it in found} == set(files)
    assert all(it.reason.startswith("files.recordings/cart_03.csv: expected") for it in found)
    Path("recordings/cart_03.csv").unlink()
    found = disagreements(needed(plan(), [str(INITIAL)]))
    assert 'expected "missing"' in found[0].reason


def test_the_recordings_that_a_file_was_made_from_are_shown(plan):
    draw_tests(plan())
    record = store.read(TESTS)
    digest = record.config["files"]["recordings/runs.csv"]
    assert f"file      recordings/runs.csv  sha256 {digest}\n" in describe(record)
    many = {f"run_{number:03d}.csv": "0" * 64 for number in range(300)}
    shown = describe(dataclasses.replace(record, config=record.config | {"files": many}))
    assert shown.count("sha256") == 10 and "file      ... and 290 more" in shown


def test_the_content_is_read_once_for_each_study(plan):
    study = plan()
    before = study.world("carts")
    change()
    assert study.world("carts") == before != plan().world("carts")


def test_what_is_made_of_new_recordings_does_not_meet_the_old(plan):
    draw_tests(plan())
    change()
    with pytest.raises(ChangedError, match=r"cart_03\.csv has changed: data/carts/test_tasks\.h5"):
        draw_the_pool(plan())
    assert not POOL.exists()
    draw_tests(plan())
    draw_the_pool(plan())
    change("cart_04.csv")
    with pytest.raises(ChangedError, match=r"cart_04\.csv has changed: .*pool\.h5 was made from"):
        draw_initial(plan())
    assert not INITIAL.exists()


def test_a_round_is_not_trained_on_recordings_of_two_states(plan):
    for make in (draw_tests, draw_the_pool, draw_initial):
        make(plan())
    fit = {
        "model": {"inducing_points": 8},
        "training": {"first_iterations": 4, "next_iterations": 2, "starts": 1},
    }
    first = Path("results/carts/initial/trial_00/round_00.h5")
    train_initial_round(tasks=INITIAL, **fit, seed=1, output=first, pool=POOL)

    def acquire(number, previous):
        output = Path(f"results/carts/uniform/trial_00/round_{number:02d}.h5")
        acquire_round(
            previous=previous,
            initial_tasks=INITIAL,
            strategy="uniform",
            experiment=plan().world("carts"),
            **fit,
            options={},
            seed=number,
            output=output,
            pool=POOL,
        )
        return output

    second = acquire(1, first)
    change()
    with pytest.raises(ChangedError, match=r"cart_03\.csv has changed: .*round_01\.h5 was made"):
        acquire(2, second)
    for make in (draw_tests, draw_the_pool, draw_initial):
        make(plan())
    with pytest.raises(ChangedError, match=r"cart_03\.csv has changed: .*round_01\.h5 was made"):
        acquire(2, second)
    scored = {"rounds": [first, second], "inference": {"protocols": ["prior"]}, "seed": 1}
    metrics = Path("results/carts/uniform/trial_00/metrics.h5")
    with pytest.raises(ChangedError, match=r"cart_03\.csv has changed: .*round_01\.h5 was made"):
        evaluate_trial(**scored, test_tasks=TESTS, output=metrics)
    assert not metrics.exists()


def test_a_study_of_recordings_is_checked_before_any_job(plan):
    require_parts(configuration())
    key = ("experiments", "carts", "options")
    written_at = {key: "mine.yaml, line 3", (*key, "states"): "mine.yaml, line 7"}
    options = OPTIONS | {"states": {"position": "m", "sped": "m/s"}}
    with pytest.raises(ConfigurationError) as raised:
        require_parts(configuration(options=options), written_at)
    text = str(raised.value)
    assert "experiments.carts.options.states.sped: 8 of 8 runs cannot be used" in text
    assert "no column 'sped'; did you mean 'speed'?" in text and "(mine.yaml, line 7)" in text
