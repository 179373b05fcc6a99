import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from examples import example

import pamlflow
from pamlflow.cli import main
from pamlflow.inspection.text import table
from pamlflow.storage import store
from pamlflow.storage.schemas import SCHEMAS

NAMES = {
    "tasks/descriptor_names": ["pole_mass", "pole_length"],
    "tasks/descriptor_units": ["kg", "m"],
}


@pytest.fixture
def show(tmp_path, monkeypatch, capsys):
    """Write datasets, and what `pamlflow show` prints about them."""
    monkeypatch.chdir(tmp_path)

    def shown(schema, datasets, **provenance):
        store.write("file.h5", schema, datasets, **{"seed": 11, "config": {}} | provenance)
        assert main(["show", "file.h5"]) == 0
        printed = capsys.readouterr().out
        assert printed.startswith(f"file.h5\n{schema}, version {SCHEMAS[schema].version}: ")
        return printed

    return shown


def lines(printed):
    """The lines with every run of spaces as one."""
    return [" ".join(line.split()) for line in printed.splitlines()]


@pytest.mark.parametrize("schema", SCHEMAS)
def test_show_names_every_dataset_and_the_provenance(show, schema, tmp_path):
    parent = tmp_path / "parent.h5"
    parent.write_bytes(b"abc")
    config = {"domain": "cart_pole", "simulation": {"steps": 100, "limits": [-1.5, 1.5]}}
    printed = lines(show(schema, example(schema), config=config, parents=[parent]))
    for name in example(schema):
        assert any(line.startswith(f"{name} [") for line in printed)
    at = printed.index(f"pamlflow {pamlflow.__version__}")
    assert printed[at + 1 :] == [
        "seed 11",
        'config domain = "cart_pole"',
        "config simulation.limits = [-1.5, 1.5]",
        "config simulation.steps = 100",
        "parent parent.h5 sha256 ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    ]


def test_show_round_tells_how_its_tasks_were_chosen(show):
    datasets = example("round") | NAMES
    datasets |= {
        "round": 2,
        "tasks/descriptors": np.array([[0.5, 1.25], [4.0, 2.0], [1.125, 0.75]]),
        "latent/mean": np.array([[0.1, -1.5], [0.25, 0.5], [12.0, 0.0]]),
        "selection/utilities": np.array([0.5, 3.0, -1.0, 2.5, 2.75]),
        "selection/chosen": 3,
        "training/bound": np.array([-10.0, 100.0, 123.456]),
        "training/events": ["start 1 of 4", "jitter 1e-6"],
    }
    printed = show("round", datasets)
    assert (
        "tasks after 2 acquisitions\n"
        "  task  chosen   pole_mass [kg]  pole_length [m]  latent mean 1  latent mean 2\n"
        "     0  initial           0.500            1.250           0.10         -1.500\n"
        "     1  round 1           4.000            2.000           0.25          0.500\n"
        "     2  round 2           1.125            0.750          12.00          0.000\n"
    ) in printed
    assert "newest task: utility 2.5, rank 3 of 5 candidates (best 3, median 2.5)" in printed
    assert "final bound: 123.456 nat after 3 iterations" in printed
    assert "training\n  start 1 of 4\n  jitter 1e-6\n" in printed
    assert re.search(r"tasks/descriptors +\[N = 3, R = 2\] +kg, m +task descriptors", printed)


def test_show_round_00_has_no_newest_task(show):
    datasets = example("round", optional=False) | {"round": 0, "training/events": []}
    printed = show("round", datasets | {"training/bound": []})
    assert printed.count("initial  ") == 3
    assert not any(word in printed for word in ("newest", "final bound", "training\n"))


def test_show_test_tasks_gives_the_grid(show):
    grid = np.stack(np.meshgrid([0.5, 2.0, 5.0], [0.5, 1.0, 1.5, 2.0]), axis=-1).reshape(-1, 2)
    names = {name.replace("descriptor", "parameter"): value for name, value in NAMES.items()}
    tasks = {"tasks/lengths": np.ones(12, int), "tasks/parameters": grid}
    noisy = np.hstack([grid, np.random.default_rng(0).random((12, 1))])
    seen = {
        "tasks/descriptors": noisy,
        "tasks/descriptor_names": ["pole_mass", "pole_length", "epsilon"],
        "tasks/descriptor_units": ["kg", "m", "1"],
    }
    printed = show("test_tasks", example("test_tasks") | names | tasks | seen)
    assert (
        "grid of 3 x 4 parameters, 12 tasks\n"
        "  parameter        values  lowest  highest\n"
        "  pole_mass [kg]        3  0.5000    5.000\n"
        "  pole_length [m]       4  0.5000    2.000\n"
    ) in printed


def test_show_initial_tasks_lists_them(show):
    printed = show("initial_tasks", example("initial_tasks") | NAMES)
    assert "task transitions pole_mass [kg] pole_length [m]" in lines(printed)
    assert "2 2 4.000 5.000" in lines(printed)


def test_show_pool_and_tasks_that_are_pictures_by_what_is_behind_them(show):
    pool = example("pool", pixels=(8, 8)) | {"pool/renderer": "rays"}
    pool["pool/parameter_names"] = ["pole_mass", "pole_length"]
    printed = lines(show("pool", pool))
    assert "candidates, pictures of 8 x 8 pixels by renderer rays" in printed
    assert "row pole_mass [0], hidden pole_length [1], hidden" in printed
    assert "4 8.000 9.000" in printed
    tasks = example("initial_tasks", pixels=(8, 8))
    tasks["tasks/parameter_names"] = ["pole_mass", "pole_length"]
    printed = lines(show("initial_tasks", tasks))
    assert "task transitions pole_mass [0], hidden pole_length [1], hidden" in printed
    assert "2 2 4.000 5.000" in printed
    assert any(line.startswith("tasks/descriptors [N = 3, 8, 8, R = 2] ") for line in printed)


def test_show_pool_of_vectors_lists_them(show):
    printed = lines(show("pool", example("pool")))
    assert "candidates" in printed and "row 0 [0] 1 [1]" in printed


def test_show_design_and_summary_print_their_heads(show):
    printed = lines(show("design", example("design")))
    assert "9 18.00 19.00" in printed and "10 20.00 21.00" not in printed
    assert "... and 2 more" in printed
    printed = lines(show("summary", example("summary")))
    assert "experiment strategy trial round protocol metric value" in printed
    assert "3 3 3 3 3 3 3.000" in printed and "4 rows" in printed


def test_show_metrics_averages_over_the_test_tasks(show):
    datasets = example("metrics") | {"protocols": ["paper", "few_shot_20"], "round": [0, 1]}
    datasets |= {"num_tasks": [4, 5], "nll": np.full((2, 2, 3), -6.5)}
    datasets["squared_error"] = np.full((2, 2, 3), 0.25)
    printed = lines(show("metrics", datasets))
    assert "mean over 3 test tasks" in printed
    assert "round tasks NLL paper RMSE paper NLL few_shot_20 RMSE few_shot_20" in printed
    assert "1 5 -6.500 0.5000 -6.500 0.5000" in printed


def test_tables_align_whatever_they_hold():
    rows = [("a", 1, 1e-9, 0.0), ("long", 20, -2e-9, 0.0)]
    assert table(("x", "n", "tiny", "zero"), rows, "title") == (
        "title\n"
        "  x      n        tiny   zero\n"
        "  a      1   1.000e-09  0.000\n"
        "  long  20  -2.000e-09  0.000"
    )
    assert table(("x", "y"), []) == "  x  y"


def test_check_prints_one_line_per_file(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for schema in ("design", "round"):
        datasets = example(schema)
        if schema == "round":
            datasets["tasks/lengths"] = np.full(3, 4)
        store.write(f"{schema}.h5", schema, datasets, seed=1, config={})
    assert main(["check", "design.h5", "round.h5"]) == 0
    ok = "ok   design.h5 (design v1)\nok   round.h5 (round v1)\n"
    assert capsys.readouterr().out == ok
    Path("broken.h5").touch()
    assert main(["check", "broken.h5", "design.h5", "gone.h5", "round.h5"]) == 1
    printed = capsys.readouterr().out.splitlines()
    assert [line[:4] for line in printed] == ["FAIL", "ok  ", "FAIL", "ok  "]
    assert printed[0].startswith("FAIL broken.h5: expected an HDF5 file, found an empty file; ")
    assert printed[2].startswith("FAIL gone.h5: no such file; no stage of a study writes ")


def test_show_refuses_with_the_reason(tmp_path, capsys):
    path = tmp_path / "gone.h5"
    assert main(["show", str(path)]) == 1
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err.startswith(f"pamlflow: {path}: no such file; ")
    assert len(printed.err.splitlines()) == 1


ABOUT = {
    "initial_tasks": 1,
    "design": [[1.0]],
    "space": {"mass": [0.0, 2.0, "kg"]},
    "inputs": [["angle", "rad"], ["rate", "rad/s"]],
    "outputs": [["angle", "rad"]],
}


@pytest.fixture
def robot(tmp_path, monkeypatch):
    """The folder of a learner, as the working folder."""
    monkeypatch.chdir(tmp_path)
    Path("learner.json").write_text(json.dumps(ABOUT))
    return tmp_path


def shown(path, capsys, code=0):
    assert main(["show", str(path)]) == code
    return lines(capsys.readouterr().out)


def test_show_recording_gives_the_range_of_each_variable(robot, capsys):
    arrays = {"descriptor": [1.5], "inputs": [[0.0, 1.0], [2.0, 4.0]], "outputs": [[1.0], [2.0]]}
    np.savez("task_00.npz", **arrays)
    assert shown("task_00.npz", capsys) == [
        "task_00.npz",
        "2 transitions",
        "",
        "descriptor: float64 [1]",
        "value",
        "mass [kg] 1.500",
        "",
        "inputs: float64 [2, 2]",
        "lowest mean highest",
        "angle [rad] 0.000 1.000 2.000",
        "rate [rad/s] 1.000 2.500 4.000",
        "",
        "outputs: float64 [2, 1]",
        "lowest mean highest",
        "angle [rad] 1.000 1.500 2.000",
    ]


@pytest.mark.parametrize("name", ["task_00.npz", "refused_00.npz", "of_a_stranger.npz"])
@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([[np.nan, 1.0], [2.0, np.inf]], "angle [rad] 2.000 2.000 2.000 1"),
        ([[np.nan, np.nan]] * 2, "rate [rad/s] nan nan nan 2"),
        (["2026-01-31", "2026-02-01"], "inputs: <U10 [2]"),
        ("a sensor\nthat hangs", "a sensor\\nthat hangs"),
        (np.array([["2026-01-31", "2026-02-01"]], "M8[D]"), "angle [rad] 2026-01-31 2026-01-31"),
        (np.ones((2, 2), complex), "inputs: complex128 [2, 2]"),
        (np.zeros((0, 2)), "inputs: float64 [0, 2]"),
        (np.ones((2, 3, 4)), "inputs: float64 [2, 3, 4]"),
        (np.full((2, 2), 1e308), "angle [rad] 1.000e+308 inf 1.000e+308"),
        (np.zeros(2, [("a\n", "f8")]), "inputs: [('a\\n', '<f8')] [2]"),
        (np.ones((2, 200)), "... and 100 more"),
        (7, "0 7.000"),
    ],
)
def test_show_arrays_whatever_they_hold(robot, capsys, name, values, expected):
    """Of a recording that is none it is said what is wrong, too."""
    np.savez(name, inputs=values)
    assert expected in shown(name, capsys, code=int(name == "task_00.npz"))


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"inputs": np.ones((2, 3))}, "inputs: expected 2 columns, found shape [2, 3]"),
        ({"outputs": [[np.nan]]}, "outputs: expected finite numbers, found others"),
        ({"descriptor": ["a"]}, "descriptor: expected an array of real numbers, found <U1"),
    ],
)
def test_show_says_what_is_wrong_with_a_recording(robot, capsys, changed, problem):
    arrays = {"descriptor": [1.5], "inputs": [[0.0, 1.0]], "outputs": [[1.0]]}
    np.savez("task_00.npz", **arrays | changed)
    assert main(["show", "task_00.npz"]) == 1
    printed = capsys.readouterr()
    assert printed.err.startswith("pamlflow: task_00.npz: ") and problem in printed.err
    assert printed.out.startswith("task_00.npz\n") and "descriptor: " in printed.out


def test_show_arrays_of_a_folder_whose_learner_is_none(robot, capsys):
    Path("learner.json").write_text("[" * 10**5)
    np.savez("task_00.npz", inputs=np.ones((2, 2)))
    assert "0 1.000 1.000 1.000" in shown("task_00.npz", capsys, code=1)


def test_show_folder_says_what_is_in_it_and_what_to_do(robot, capsys):
    path = Path("results/my study/paml/trial_00/round_01.h5")
    store.write(path, "round", example("round"), seed=1, config={})
    assert shown("results", capsys) == [
        "results",
        "results",
        "files the last one",
        "round 1 pamlflow show 'results/my study/paml/trial_00/round_01.h5'",
        "all of them: pamlflow check results",
    ]
    for name in ("task_00.npz", "task_01.npz", "refused_00.npz", "round_00.h5", "notes.txt"):
        Path(name).touch()
    printed = shown(".", capsys)
    assert "recording 2 pamlflow show task_01.npz" in printed
    assert "model of a learner 1 pamlflow show round_00.h5" in printed
    assert "told and refused 1 pamlflow show refused_00.npz" in printed


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda path: path.mkdir(), "a folder with no file of pamlflow in it; name a file"),
        (lambda path: os.mkfifo(path), "cannot be opened (expected a file, found a named pipe)"),
        (lambda path: path.write_bytes(b"PK"), "no archive of NumPy's arrays, or damaged (File"),
        (lambda path: None, "cannot be opened (No such file or directory)"),
    ],
)
def test_show_refuses_what_is_no_archive(tmp_path, capsys, make, problem):
    path = tmp_path / "a\nb\udcff.npz"
    make(path)
    assert main(["show", str(path)]) == 1
    printed = capsys.readouterr()
    assert printed.out == "" and len(printed.err.splitlines()) == 1
    assert printed.err.startswith(f"pamlflow: {tmp_path}/a\\nb\\udcff.npz: {problem}")


def test_check_of_arrays_that_are_no_recording(robot, capsys):
    np.savez("refused_00.npz", inputs=[1.0])
    assert main(["check", "refused_00.npz"]) == 1
    printed = capsys.readouterr().out
    assert printed.startswith("FAIL refused_00.npz: no recording, which is a task_00.npz, ")
    assert printed.endswith("; look at it with `pamlflow show refused_00.npz`\n")


@pytest.mark.parametrize("name", ["round_00.h5", "task_00.npz", "x.h5"])
def test_names_that_no_disk_takes(name, capsys):
    for command in ("show", "check"):
        assert main([command, f"{'a' * 300}/{name}"]) == 1
        printed = capsys.readouterr()
        assert "cannot be opened (File name too long)" in printed.out + printed.err


@pytest.mark.parametrize("name", ["figure.png", "summary.csv"])
def test_show_refuses_what_other_programs_open(tmp_path, capsys, name):
    (tmp_path / name).write_bytes(b"a,b\n")
    assert main(["show", str(tmp_path / name)]) == 1
    assert "no file of pamlflow, whose names end in .h5 or .npz; " in capsys.readouterr().err


def test_a_file_that_ends_the_process_that_reads_it(tmp_path, monkeypatch, capsys):
    def crash(*_):
        os.kill(os.getpid(), signal.SIGSEGV)

    monkeypatch.setattr(store, "read", crash)
    path = tmp_path / "round_00.h5"
    path.touch()
    for command in ("show", "check"):
        assert main([command, str(path)]) == 1
        printed = capsys.readouterr()
        assert "reading it ends the process that reads it (SIGSEGV)" in printed.out + printed.err


@pytest.mark.parametrize("arguments", [[], ["show"], ["check"], ["mend", "file.h5"]])
def test_misuse_is_explained(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2 and "usage: pamlflow" in capsys.readouterr().err


def test_version(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"pamlflow {pamlflow.__version__}\n"


def test_show_needs_no_tensorflow_and_no_mujoco(tmp_path):
    store.write(tmp_path / "r.h5", "round", example("round"), seed=1, config={})
    code = (
        "import sys; from pamlflow.cli import main; code = main(sys.argv[1:]);"
        "assert not {'tensorflow', 'gpflow', 'mujoco', 'scipy', 'pandas'} & sys.modules.keys();"
        "sys.exit(code)"
    )
    command = [sys.executable, "-c", code, "show", str(tmp_path / "r.h5")]
    assert subprocess.run(command, stdout=subprocess.DEVNULL).returncode == 0


def test_a_reader_that_stops_early_is_no_error(tmp_path):
    store.write(tmp_path / "r.h5", "round", example("round"), seed=1, config={})
    code = "import sys; from pamlflow.cli import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", code, "show", str(tmp_path / "r.h5")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read() == b"" and process.wait() == 0
