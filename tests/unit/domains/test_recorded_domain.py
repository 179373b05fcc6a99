"""Tasks in the logs of a user, by configuration."""

import logging
import shutil

import h5py
import numpy as np
import pandas as pd
import pytest
import recordings
from recordings import LOADS, OPTIONS

from pamlflow.domains import make_domain
from pamlflow.domains.content import ChangedError, changed_file, digests
from pamlflow.domains.recorded import Recorded
from pamlflow.settings import SettingError
from pamlflow.testing import check_domain
from pamlflow.world import World


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder of recordings of a study, which is the working folder."""
    monkeypatch.chdir(tmp_path)
    return recordings.write(tmp_path)


def records(**changes):
    given = {key: value for key, value in (OPTIONS | changes).items() if value is not None}
    return make_domain("recorded", given)


def table(folder):
    return pd.read_csv(folder / "runs.csv")


def test_each_row_of_the_table_is_a_task(folder):
    tasks = records().tasks
    assert tasks.num_tasks == len(LOADS) and set(tasks.lengths) == {30}
    np.testing.assert_array_equal(tasks.descriptors[:, 0], LOADS)
    assert [(it.name, it.unit) for it in tasks.descriptor_variables] == [("load", "kg")]
    for number, load in enumerate(LOADS):
        task = tasks.subset([number])
        pushed = task.inputs[:, 2] / (1.0 + load) * recordings.STEP
        np.testing.assert_allclose(task.outputs[:, 1], pushed, atol=1e-12)
        np.testing.assert_allclose(
            task.inputs[:, 1] * recordings.STEP, task.outputs[:, 0], atol=1e-12
        )


def test_the_domain_keeps_the_contract(folder):
    check_domain(Recorded, {"load": [0.0, 5.0]}, options=OPTIONS)


def test_runs_of_one_task_are_put_together(folder):
    runs = table(folder)
    runs.loc[[1, 5], "load"] = 9.0
    runs.to_csv(folder / "runs.csv", index=False)
    tasks = records().tasks
    assert tasks.num_tasks == 7 and tasks.lengths.tolist() == [30, 60, 30, 30, 30, 30, 30]
    assert tasks.descriptors[1] == 9.0
    first, second = (recordings.run(LOADS[row], row) for row in (1, 5))
    forces = np.concatenate([first["force"][:-1], second["force"][:-1]])
    np.testing.assert_allclose(tasks.subset([1]).inputs[:, 2], forces)


def test_a_descriptor_may_be_in_a_column_of_another_name(folder):
    runs = table(folder).rename(columns={"load": "Load [g]", "file": "log"})
    runs.to_csv(folder / "runs.csv", index=False)
    own = {"load": {"column": "Load [g]", "unit": "g"}}
    assert records(descriptors=own, file="log").tasks.descriptor_variables[0].unit == "g"
    with pytest.raises(SettingError, match=r"descriptors\.load: .*is in g according to the log"):
        records(descriptors={"load": {"column": "Load [g]", "unit": "kg"}}, file="log")


def frames():
    return [recordings.run(load, number) for number, load in enumerate(LOADS)]


def in_one_npz(folder):
    together = pd.concat([it.assign(episode=number) for number, it in enumerate(frames())])
    np.savez(folder / "all.npz", **{name: together[name].to_numpy() for name in together})
    pd.DataFrame({"file": "all.npz", "episode": range(8), "load": LOADS}).to_csv(
        folder / "runs.csv", index=False
    )
    return {"episode": "episode"}


def in_groups(folder):
    with h5py.File(folder / "all.h5", "w") as file:
        for number, frame in enumerate(frames()):
            group = file.create_group(f"runs/{number}")
            group["state"] = frame[["position", "speed"]].to_numpy()
            group["state"].attrs["units"] = "1"
            for name in ("t", "force"):
                group[name] = frame[[name]].to_numpy()
    names = [f"runs/{number}" for number in range(8)]
    pd.DataFrame({"file": "all.h5", "where": names, "load": LOADS}).to_csv(
        folder / "runs.csv", index=False
    )
    own = {"position": {"column": "state[0]"}, "speed": {"column": "state[1]"}}
    return {
        "group": "where",
        "states": own,
    }


@pytest.mark.parametrize("write", [in_one_npz, in_groups])
def test_many_runs_may_be_in_one_file(folder, write):
    expected = records().tasks
    found = records(**write(folder)).tasks
    np.testing.assert_array_equal(found.descriptors, expected.descriptors)
    np.testing.assert_array_equal(found.inputs, expected.inputs)
    np.testing.assert_array_equal(found.outputs, expected.outputs)


def test_a_file_without_a_row_for_each_episode_is_one_run_of_several_pieces(folder):
    in_one_npz(folder)
    pd.DataFrame({"file": ["all.npz", "cart_00.csv"], "load": [1.0, 2.0]}).to_csv(
        folder / "runs.csv", index=False
    )
    frames()[0].assign(episode=0).to_csv(folder / "cart_00.csv", index=False)
    assert records(episode="episode").tasks.lengths.tolist() == [8 * 30, 30]


def spoilt(folder, name="cart_02.csv", **columns):
    pd.read_csv(folder / name).assign(**columns).to_csv(folder / name, index=False)


def no_table(folder):
    (folder / "runs.csv").rename(folder / "run.csv")


def no_folder(folder):
    shutil.move(folder, folder.parent / "elsewhere")


def empty_table(folder):
    table(folder).iloc[:0].to_csv(folder / "runs.csv", index=False)


def no_column(folder):
    table(folder).rename(columns={"load": "loads"}).to_csv(folder / "runs.csv", index=False)


def no_file_column(folder):
    table(folder).rename(columns={"file": "files"}).to_csv(folder / "runs.csv", index=False)


def no_load(folder):
    table(folder).assign(load=[1.0, 2.0, None, 3, 4, 5, 6, 7]).to_csv(
        folder / "runs.csv", index=False
    )


def load_in_words(folder):
    table(folder).assign(load=[*"1234567", "heavy"]).to_csv(folder / "runs.csv", index=False)


def one_load(folder):
    table(folder).assign(load=2.0).to_csv(folder / "runs.csv", index=False)


def no_name(folder):
    table(folder).assign(file=["cart_00.csv", None, *"abcdef"]).to_csv(
        folder / "runs.csv", index=False
    )


def twice(folder):
    runs = table(folder)
    pd.concat([runs, runs.iloc[[3]].assign(load=8.0)]).to_csv(folder / "runs.csv", index=False)


def copied(folder):
    shutil.copy(folder / "cart_01.csv", folder / "cart_06.csv")


def missing_files(folder):
    (folder / "cart_03.csv").rename(folder / "cart_3.csv")
    (folder / "cart_04.csv").unlink()


def empty_file(folder):
    (folder / "cart_02.csv").write_text("")


def headless(folder):
    frames()[2].to_csv(folder / "cart_02.csv", index=False, header=False)


def damaged(folder):
    (folder / "cart_02.npz").write_bytes(b"PK\x03\x04 and no more")
    table(folder).replace("cart_02.csv", "cart_02.npz").to_csv(folder / "runs.csv", index=False)


def of_another_kind(folder):
    (folder / "cart_02.xlsx").write_bytes(b"PK")
    table(folder).replace("cart_02.csv", "cart_02.xlsx").to_csv(folder / "runs.csv", index=False)


def no_group(folder):
    in_groups(folder)
    runs = table(folder).replace("runs/3", "run/3").rename(columns={"where": "group"})
    runs.to_csv(folder / "runs.csv", index=False)
    return {"group": "group", "states": {"speed": {"column": "state[1]"}}}


def unequal_arrays(folder):
    np.savez(folder / "cart_02.npz", t=[0, 1, 2], position=[0, 1, 2], speed=[0.0], force=[1, 2])
    table(folder).replace("cart_02.csv", "cart_02.npz").to_csv(folder / "runs.csv", index=False)


def no_episode(folder):
    own = in_one_npz(folder)
    table(folder).assign(episode=[*range(7), 11]).to_csv(folder / "runs.csv", index=False)
    return own


def columns_missing(folder):
    for number in range(8):
        path = folder / f"cart_{number:02d}.csv"
        pd.read_csv(path).rename(columns={"speed": "Speed"}).to_csv(path, index=False)


def hung(folder):
    for number in range(8):
        spoilt(folder, f"cart_{number:02d}.csv", position=0.25)


def no_state(folder):
    for number in range(8):
        spoilt(folder, f"cart_{number:02d}.csv", position=0.1 * number)


def other_rates(folder):
    path = folder / "cart_05.csv"
    pd.read_csv(path).iloc[::2].to_csv(path, index=False)


def several(folder):
    spoilt(folder, position=["x"] * 31)
    spoilt(folder, "cart_03.csv", t=1.0)


def in_logs(folder):
    folder.rename(folder.parent / "logs")
    return {"runs": "logs/runs.csv"}


BAD = [
    (no_table, r"runs: recordings/runs\.csv: there is no such file; did you mean 'run\.csv'\?"),
    (no_folder, r"runs: recordings/runs\.csv: there is no folder recordings, seen from /"),
    (empty_table, r"runs: recordings/runs\.csv: expected a row for each run, found an empty table"),
    (no_column, r"descriptors\.load: recordings/runs\.csv: no column 'load'; did you mean 'loads'"),
    (no_file_column, r"file: recordings/runs\.csv: no column 'file'; did you mean 'files'\?"),
    (
        no_load,
        r"descriptors\.load: .*runs\.csv: row 2 of the table has no value of 'load'; fill it",
    ),
    (load_in_words, r"descriptors\.load: .* row 7: expected a number, found the text 'heavy'"),
    (
        one_load,
        r"descriptors\.load: .* is 2 in all rows of the table, and tells no two tasks apart",
    ),
    (no_name, r"file: .*row 1 of the table has nothing in 'file'; fill it"),
    (twice, r"runs: .*rows \[3, 8\] are the same run, recordings/cart_03\.csv; keep one"),
    (copied, r"runs: recordings/cart_06\.csv is a copy of recordings/cart_01\.csv, byte by byte"),
    (
        missing_files,
        r"(?s)file: 2 of 8 runs cannot be used\n +recordings/cart_03\.csv: there is no such file; "
        r"did you mean 'cart_3\.csv'\?\n +recordings/cart_04\.csv: there is no such file",
    ),
    (
        empty_file,
        r"file: 1 of 8 .*\n.*cart_02\.csv: cannot be read: expected columns with a header",
    ),
    (headless, r"cart_02\.csv: cannot be read: expected the names of columns in the first line"),
    (damaged, r"cart_02\.npz: cannot be read: "),
    (of_another_kind, r"cart_02\.xlsx: expected a file of csv, .* found '\.xlsx'"),
    (no_group, r"file: .*\n.*all\.h5: cannot be read: no group 'run/3'; did you mean 'runs/3'\?"),
    (unequal_arrays, r"cart_02\.npz: cannot be read: expected arrays of one length, found .*'spe"),
    (
        no_episode,
        r"episode: .*\n.*all\.npz, episode 11: no row whose 'episode' is 11 \(there are: 0, 1",
    ),
    (
        columns_missing,
        r"(?s)states\.speed: 8 of 8 runs .*cart_00\.csv: no column 'speed'; did you mean 'Speed'"
        r".*cart_04\.csv.*\n +and 3 more$",
    ),
    (
        hung,
        r"states\.position: is 0\.25 in all rows of all logs: a sensor that hangs, .* leave it out",
    ),
    (
        no_state,
        r"states\.position: differs from log to log, but never changes within one: it is no st",
    ),
    (
        other_rates,
        r"time_step: rows are 0\.05 s apart in recordings/cart_00\.csv and 0\.1 s in .*cart_05\.csv",
    ),
    (
        several,
        r"(?s)^2 of 8 runs .*cart_02\.csv: states\.position: .*cart_03\.csv: time: time stands still",
    ),
    (
        in_logs,
        r"runs: logs/runs\.csv: the folder `logs` belongs to the study, and `make clean` empt",
    ),
]


@pytest.mark.parametrize(("spoil", "message"), BAD, ids=lambda it: getattr(it, "__name__", ""))
def test_what_is_wrong_with_recordings_is_told(folder, spoil, message):
    changes = spoil(folder) or {}
    files = {path: path.read_bytes() for path in folder.parent.rglob("*.*") if path.is_file()}
    with pytest.raises(SettingError, match=message):
        records(**changes)
    assert all(path.read_bytes() == content for path, content in files.items())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"runs": None}, r"runs: missing, expected a table with a row for each run, such as"),
        ({"descriptors": None}, r"descriptors: missing, expected columns of the table and their"),
        ({"states": None}, r"states: missing, expected columns and their units"),
        ({"time": None}, r"time: missing, expected the column of time"),
        ({"descriptors": {"load": 3}}, r"descriptors\.load: expected a unit"),
        ({"file": ""}, r"file: expected a name, found the text ''"),
        ({"run": "x.csv"}, r"run: unknown key; did you mean 'runs'\?"),
    ],
)
def test_what_is_wrong_with_options_is_told(folder, changes, message):
    with pytest.raises(SettingError, match=message):
        records(**changes)


def test_rates_may_differ_if_a_step_is_given_that_suits_all(folder):
    other_rates(folder)
    lengths = records(time_step=0.1).tasks.lengths
    assert lengths.tolist() == [15] * 8


def test_a_control_may_be_held_throughout_a_run(folder, caplog):
    for number in range(8):
        spoilt(folder, f"cart_{number:02d}.csv", force=0.1 * number)
    assert records().tasks.subset([3]).inputs[:, 2].tolist() == [pytest.approx(0.3)] * 30
    assert not caplog.records


def test_a_channel_of_another_scale_or_that_hangs_is_warned_of(folder, caplog):
    spoilt(folder, position=1000.0 * recordings.run(1.5, 2)["position"])
    spoilt(folder, "cart_03.csv", speed=0.5)
    with caplog.at_level(logging.WARNING):
        records()
    assert "cart_02.csv: 'position' spreads 2.98e+03 times as much as in most logs" in caplog.text
    assert "cart_03.csv: 'speed' never changes: a sensor that hangs?" in caplog.text
    assert len(caplog.records) == 2


def test_the_content_of_each_file_is_known(folder):
    planned = digests("recorded", OPTIONS)
    assert next(iter(planned)) == "recordings/runs.csv" and len(planned) == 9
    spoilt(folder, speed=[*recordings.run(1.5, 2)["speed"][:-1], 7.0])
    (folder / "cart_05.csv").unlink()
    now = digests("recorded", OPTIONS)
    assert now["recordings/cart_05.csv"] == "missing"
    assert changed_file(now, planned) == "recordings/cart_02.csv has changed"
    assert digests("recorded", OPTIONS | {"runs": "none.csv"}) == {}
    assert digests("cart_pole", {}) == {} == digests("no.such:Domain", {})


def test_files_that_changed_since_the_study_was_planned_are_not_used(folder):
    settings = {"domain": "recorded", "options": OPTIONS, "space": {"load": [0.0, 5.0]}}
    settings["files"] = digests("recorded", OPTIONS)
    World.from_config(settings)
    spoilt(folder, speed=[*recordings.run(1.5, 2)["speed"][:-1], 7.0])
    with pytest.raises(
        ChangedError, match=r"recordings/cart_02\.csv has changed since this run was planned"
    ):
        World.from_config(settings)
