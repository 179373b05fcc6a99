"""Runs that are told as data frames and as files."""

import numpy as np
import pandas as pd
import pytest
import recordings

from pamlflow import Box, Learner, LogFormat, RecordingError, Variable, frame_transitions
from pamlflow.storage import recordings as stored

BOX = Box((Variable("load", "kg"),), [0.0], [5.0])
COLUMNS = {key: recordings.OPTIONS[key] for key in ("time", "states", "controls")}
FORM = LogFormat(**COLUMNS, time_step=0.05)


@pytest.fixture
def learner(tmp_path):
    return Learner(tmp_path / "robot", BOX, log=FORM)


def saved(learner, number):
    return stored.read(learner._folder / f"task_{number:02d}.npz")


def test_a_log_may_be_told_in_any_form(learner, tmp_path):
    runs = [recordings.run(1.0, seed) for seed in range(4)]
    path = tmp_path / "log.csv"
    runs[2].to_csv(path, index=False)
    told = [
        runs[0],
        {name: list(runs[1][name]) for name in runs[1]},
        str(path),
        [runs[3], path],
    ]
    for number, each in enumerate(told):
        learner.tell({"load": 1.0 + number}, each)
    assert learner.num_tasks == 4
    for number in range(3):
        inputs, outputs = frame_transitions(runs[number], FORM)
        np.testing.assert_array_equal(saved(learner, number).inputs, inputs)
        np.testing.assert_array_equal(saved(learner, number).outputs, outputs)
    both = [frame_transitions(runs[number], FORM).outputs for number in (3, 2)]
    np.testing.assert_array_equal(saved(learner, 3).outputs, np.concatenate(both))


def test_arrays_may_be_told_as_before(learner):
    inputs, outputs = frame_transitions(recordings.run(1.0, 0), FORM)
    learner.tell([1.0], inputs, outputs)
    learner.tell([2.0], recordings.run(1.0, 1))
    names = [it.name for it in learner.tasks.input_variables]
    assert names == ["position", "speed", "force"] and learner.num_tasks == 2


def test_a_data_frame_that_is_refused_is_kept(learner, tmp_path):
    frame = recordings.run(1.0, 0).rename(columns={"speed": "Speed"})
    match = r"task 0: states\.speed: no column 'speed'; did you mean 'Speed'.* kept in .*refused_00"
    with pytest.raises(RecordingError, match=match):
        learner.tell([1.0], frame)
    with np.load(tmp_path / "robot" / "refused_00.npz") as kept:
        np.testing.assert_array_equal(kept["run_0"]["Speed"], frame["Speed"])
        assert kept["descriptor"] == [1.0]
    assert learner.num_tasks == 0
    words = recordings.run(1.0, 0).assign(force="x")
    with pytest.raises(RecordingError, match=r"task 0, run 1: controls\.force: .* row 0: expected"):
        learner.tell([1.0], [recordings.run(1.0, 0), words])
    with np.load(tmp_path / "robot" / "refused_01.npz") as kept:
        assert {"run_0", "run_1", "descriptor"} == set(kept.files) and "x" in str(kept["run_1"])


def test_a_file_that_is_refused_stays_where_it_is(learner, tmp_path):
    with pytest.raises(RecordingError, match=r"task 0 \(.*none\.csv\): .* there is no such file"):
        learner.tell([1.0], tmp_path / "none.csv")
    path = tmp_path / "log.csv"
    recordings.run(1.0, 0).iloc[::3].to_csv(path, index=False)
    with pytest.raises(RecordingError, match=r"time_step: rows are 0\.15 s apart, which is longer"):
        learner.tell([1.0], path)
    assert path.exists() and not list((tmp_path / "robot").glob("refused*"))


@pytest.mark.parametrize(
    ("told", "message"),
    [
        (np.zeros((5, 3)), r"task 0: expected a data frame, .* found ndarray"),
        ([], r"task 0: expected at least one run, found none"),
    ],
)
def test_what_is_no_log_is_kept(learner, told, message):
    with pytest.raises(RecordingError, match=message):
        learner.tell([1.0], told)


def test_a_run_that_was_told_is_not_told_again(learner):
    learner.tell([1.0], recordings.run(1.0, 0))
    with pytest.raises(RecordingError, match="the same inputs and outputs as task 0"):
        learner.tell([2.0], recordings.run(1.0, 0))


def test_without_its_columns_a_log_is_refused_and_kept(tmp_path):
    variables = FORM.input_variables, FORM.output_variables
    learner = Learner(tmp_path, BOX, *variables)
    with pytest.raises(
        RecordingError, match=r"no outputs, and .* log=pamlflow\.LogFormat.*kept in"
    ):
        learner.tell([1.0], recordings.run(1.0, 0))
    assert (tmp_path / "refused_00.npz").exists()


def test_all_tasks_of_a_folder_have_one_time_step(tmp_path):
    Learner(tmp_path, BOX, log=FORM).tell([1.0], recordings.run(1.0, 0))
    with pytest.raises(
        ValueError, match=r"`time_step` was 0\.05 when the folder was begun, and is 0\.1"
    ):
        Learner(tmp_path, BOX, log=LogFormat(**COLUMNS, time_step=0.1))
    again = Learner(tmp_path, BOX, log=FORM)
    assert again.num_tasks == 1
    by_variables = Learner(tmp_path, BOX, FORM.input_variables, FORM.output_variables)
    assert by_variables.num_tasks == 1


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({}, TypeError, r"expected `input_variables` and `output_variables`, or `log`, found none"),
        (
            {"input_variables": FORM.input_variables},
            TypeError,
            r"or `log`, found `input_variables`",
        ),
        (
            {"log": FORM, "output_variables": FORM.output_variables},
            TypeError,
            r"log: variables are those of its columns; leave out `output_variables`",
        ),
        ({"log": {"time": "t"}}, TypeError, r"log: expected a pamlflow\.LogFormat, found {'time'"),
        ({"log": LogFormat(time="t")}, ValueError, r"log\.states: missing, expected columns"),
        (
            {"log": LogFormat(**COLUMNS)},
            ValueError,
            r"log\.time_step: missing, expected the length",
        ),
    ],
)
def test_the_columns_are_checked_before_the_robot_runs(tmp_path, arguments, error, message):
    with pytest.raises(error, match=message):
        Learner(tmp_path / "robot", BOX, **arguments)
    assert not (tmp_path / "robot").exists()


def test_a_table_of_another_library_is_taken(learner):
    class Table:
        def to_pandas(self):
            return pd.DataFrame(recordings.run(1.0, 5))

    learner.tell([1.0], Table())
    assert learner.num_tasks == 1
