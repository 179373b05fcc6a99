"""Files that say what they were made from, and a configuration that asks for something else."""

import copy
import json
import os
import shutil
import time
from pathlib import Path

import h5py
import pytest
import yaml

from pamlflow import disagreement, origins
from pamlflow.configuration.validation import validated
from pamlflow.storage import files, notes
from pamlflow.storage.schemas import SCHEMAS
from pamlflow.study import Study

ROOT = Path(__file__).parents[2]
CONFIG = yaml.safe_load((ROOT / "tests" / "workflow" / "smoke.yaml").read_text())
CONFIG["run"] |= {"strategies": ["paml", "uniform", "oracle"], "trials": 2}
PIXELS = yaml.safe_load((ROOT / "tests" / "workflow" / "pictures.yaml").read_text())
CONFIG["run"]["experiments"].append("pictures")
CONFIG["experiments"] |= PIXELS["experiments"]

RESULTS = "results/smoke"
ROUND = f"{RESULTS}/paml/trial_00/round_01.h5"
SUMMARY = f"{RESULTS}/summary.h5"


def study(**changes):
    """The study of the configuration after changes of it: `run__trials=3`."""
    config = copy.deepcopy(CONFIG)
    for path, value in changes.items():
        *sections, key = path.split("__")
        section = config
        for name in sections:
            section = section.setdefault(name, {})
        section[key] = value
    return Study(validated(config))


def write(path, origin, content=b"", **attributes):
    """A file that says that it was made as `origin` has it, with `attributes` besides."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    if origin.schema is None:
        Path(path).write_bytes(path.encode() + content)
        notes.note([path], {**origin.config, "seed": origin.seed}, origin.parents)
        return
    folder = Path(path).parent
    made_from = {
        os.path.relpath(parent, folder): files.sha256(Path(parent).read_bytes())
        for parent in origin.parents
    }
    with h5py.File(path, "w", userblock_size=files.SEAL_BYTES) as file:
        file.attrs.update(
            {
                "schema": origin.schema,
                "schema_version": SCHEMAS[origin.schema].version,
                "seed": origin.seed,
                "config": json.dumps(origin.config),
                "parents": json.dumps(made_from),
                "content": content,
            }
            | attributes
        )
    Path(path).write_bytes(files.seal(Path(path).read_bytes()))


def write_all(wanted):
    """Every file, after those that it is made from."""
    written = set()

    def make(path):
        if path not in written:
            written.add(path)
            for parent in wanted[path].parents:
                make(parent)
            write(path, wanted[path])

    for path in wanted:
        make(path)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder of a study in which every file says what the configuration has it made from."""
    folder = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        write_all(disagreement.needed(study()))
    return folder


@pytest.fixture(autouse=True)
def _there(finished, monkeypatch):
    monkeypatch.chdir(finished)


@pytest.fixture
def _copy(finished, tmp_path, monkeypatch):
    """A copy of the study, to be changed, as the working folder."""
    monkeypatch.chdir(shutil.copytree(finished, tmp_path / "study"))


def found(made=None, targets=("all",)):
    """Why each file is outdated."""
    files_ = disagreement.needed(made or study(), targets)
    return {it.path: it.reason for it in disagreement.disagreements(files_)}


def rules(made):
    """The rules of what is outdated."""
    return {it.rule for it in disagreement.disagreements(disagreement.needed(made))}


def test_a_study_is_looked_at_whole():
    made = study()
    wanted = set(disagreement.needed(made))
    assert wanted == {str(path) for path in Path().rglob("*.*") if path.suffix != ".json"}
    assert {path for name in made.experiments for path in made.products(name)} < wanted
    assert len(wanted) == 80


def test_what_agrees_is_not_outdated():
    assert found() == {}


SIMULATE = {"simulate_test_tasks", "simulate_initial_tasks", "draw_design", "draw_pool"}
TRAIN = {"train_initial_round", "train_oracle", "acquire_round"}
LAST_ROUNDS = {"plot_choices", "plot_chosen_values", "plot_error_maps"}
LAST_ROUND = {"plot_latent_space", "plot_reconstructions", "plot_traversal"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"seed": 1}, SIMULATE | TRAIN | {"evaluate_trial", "compare_strategies"}),
        ({"training__next_iterations": 6}, {"acquire_round"}),
        ({"training__starts": 2}, TRAIN),
        ({"training__bound": "stochastic"}, TRAIN),
        ({"training__stochastic": {"steps": 7}}, set()),
        ({"model__noise_floor": 1e-5}, TRAIN),
        ({"inference__objective": "elbo"}, {"evaluate_trial"}),
        ({"experiments__smoke__test_grid": [3, 4]}, {"simulate_test_tasks"}),
        ({"experiments__smoke__initial_tasks": 3}, {"simulate_initial_tasks"}),
        ({"experiments__smoke__failed_tasks": "replace"}, set()),
        (
            {"experiments__smoke__simulation__steps": 21},
            SIMULATE - {"draw_pool"} | {"acquire_round"},
        ),
        ({"experiments__pictures__pool": 6}, {"draw_pool"}),
        ({"run__trials": 3}, {"aggregate_metrics", "rank_candidates"} | LAST_ROUNDS),
        (
            {"run__strategies": ["paml", "oracle"]},
            {"aggregate_metrics", "plot_choices", "plot_chosen_values", "plot_error_maps"},
        ),
        (
            {"experiments__smoke__added_tasks": 3},
            {"evaluate_trial", "plot_latent_space"} | LAST_ROUNDS,
        ),
        (
            {"experiments__pictures__added_tasks": 1},
            {"evaluate_trial", "rank_candidates"} | LAST_ROUNDS | LAST_ROUND,
        ),
    ],
    ids=lambda it: str(sorted(it) if isinstance(it, set) else it),
)
def test_a_change_is_met_where_it_is_read(changes, expected):
    assert rules(study(**changes)) == expected


def test_a_change_of_one_experiment_or_strategy_leaves_the_others_alone():
    section = {"paml": {"options": {"num_candidates": 60}}}
    paths = set(found(study(strategies=section)))
    assert paths == {  # the pictures are chosen by paml, too
        f"results/{experiment}/paml/trial_{t}/round_{r}.h5"
        for experiment in ("smoke", "pictures")
        for t in ("00", "01")
        for r in ("01", "02")
    }
    assert all("/smoke/" in path for path in found(study(experiments__smoke__simulation__steps=21)))


def test_no_options_are_as_good_as_none():
    assert found(study(experiments__smoke__options={})) == {}


@pytest.mark.parametrize(
    ("changes", "path", "reason"),
    [
        ({"training__next_iterations": 6}, ROUND, "training.next_iterations: expected 6, found 5"),
        (
            {"experiments__smoke__test_grid": [3, 4]},
            "data/smoke/test_tasks.h5",
            "test_grid: expected [3, 4], found [3, 3]",
        ),
        (
            {"experiments__smoke__options": {"control_limit": 12.0}},
            "data/smoke/test_tasks.h5",
            'options: expected {"control_limit": 12.0}, found nothing',
        ),
        ({"run__trials": 3}, SUMMARY, "trials: expected [0, 1, 2], found [0, 1]"),
        (
            {"experiments__smoke__added_tasks": 3},
            f"{RESULTS}/paml/trial_00/metrics.h5",
            f"was not made from {RESULTS}/paml/trial_00/round_03.h5",
        ),
        (
            {"experiments__smoke__added_tasks": 1},
            f"{RESULTS}/paml/trial_00/metrics.h5",
            f"was made from {RESULTS}/paml/trial_00/round_02.h5",
        ),
    ],
)
def test_the_reason_names_what_differs(changes, path, reason):
    assert found(study(**changes))[path] == reason


def test_the_reason_names_the_seed():
    other = study(seed=1)
    expected, held = (made.seed("simulate_test_tasks", "smoke") for made in (other, study()))
    reason = found(other)["data/smoke/test_tasks.h5"]
    assert reason == f"seed: expected {expected}, found {held}"


@pytest.mark.parametrize(
    ("name", "expected"),
    [("TRAINING_VERSION", TRAIN), ("EVALUATION_VERSION", {"evaluate_trial"})],
)
def test_another_version_of_training_or_evaluation_is_met(monkeypatch, name, expected):
    monkeypatch.setattr(origins, name, 1000)
    assert rules(study()) == expected


@pytest.mark.parametrize("newer", [0, 1])
@pytest.mark.usefixtures("_copy")
def test_a_file_that_says_no_version_is_of_the_last_that_was_not_said(monkeypatch, newer):
    monkeypatch.setattr(origins, "TRAINING_VERSION", disagreement.UNSAID_VERSIONS["round"] + newer)
    origin = disagreement.needed(study())[ROUND]
    config = {key: value for key, value in origin.config.items() if key != "version"}
    write(ROUND, origin._replace(config=config))
    assert (ROUND in found()) == bool(newer)


@pytest.mark.usefixtures("_copy")
def test_what_follows_from_a_replaced_file_is_outdated():
    write(ROUND, disagreement.needed(study())[ROUND], content=b"other numbers")
    reason = f"was made from another {ROUND}"
    following = (f"{RESULTS}/paml/trial_00/round_02.h5", f"{RESULTS}/paml/trial_00/metrics.h5")
    assert found() == dict.fromkeys(following, reason)


@pytest.mark.usefixtures("_copy")
def test_figures_follow_from_tables_and_tables_from_files():
    wanted = disagreement.needed(study())
    write(SUMMARY, wanted[SUMMARY], content=b"other numbers")
    curves = [f"{RESULTS}/learning_curves.{suffix}" for suffix in ("svg", "png")]
    following = {*curves, *study().overviews(), f"{RESULTS}/comparison.csv"}
    assert set(found()) == following
    for path in following:
        write(path, wanted[path], content=b"redone")
    redrawn = [f"{RESULTS}/comparison.{suffix}" for suffix in ("svg", "png")]
    assert set(found()) == set(redrawn)


@pytest.mark.usefixtures("_copy")
def test_a_file_of_another_study_is_met():
    """Another experiment's, trial's or strategy's in its place: all seeds differ."""
    for source in ("paml/trial_01", "uniform/trial_00"):
        shutil.copy(f"{RESULTS}/{source}/round_01.h5", ROUND)
        assert found()[ROUND]


@pytest.mark.usefixtures("_copy")
def test_a_file_of_another_schema_version_is_met():
    write(ROUND, disagreement.needed(study())[ROUND], schema_version=99)
    version = SCHEMAS["round"].version
    assert found()[ROUND] == f"schema_version: expected {version}, found 99"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda content: b"",
        lambda content: b"no HDF5",
        lambda content: content[:-9],
        lambda content: content[:900] + bytes([content[900] ^ 1]) + content[901:],
        lambda content: files.seal(content[:1500]),
    ],
    ids=["empty", "text", "cut", "flipped", "sealed by another"],
)
@pytest.mark.usefixtures("_copy")
def test_a_damaged_file_is_named_and_left_and_what_follows_from_it_too(spoil):
    Path(ROUND).write_bytes(spoil(Path(ROUND).read_bytes()))
    verdict = disagreement.judge(disagreement.needed(study()))
    assert verdict.again == []
    head, line = verdict.warnings[0].splitlines()
    assert head == "damaged files; `pamlflow check results` says what to do: 1"
    assert line.startswith(f"    {ROUND}: ")


@pytest.mark.parametrize(
    "attributes",
    [
        {"config": "no JSON"},
        {"config": "[1]"},
        {"config": "null"},
        {"config": 3},
        {"parents": "[]"},
        {"parents": '{"x": 1, "y": null}'},
        {"seed": "many"},
        {"seed": [1, 2]},
        {"schema": "metrics"},
        {"schema": 7},
        {"schema_version": "new"},
        {"schema_version": [1, 2]},
    ],
    ids=lambda it: str(sorted(it) if isinstance(it, set) else it),
)
@pytest.mark.usefixtures("_copy")
def test_attributes_that_mean_nothing_are_met(attributes):
    write(ROUND, disagreement.needed(study())[ROUND], **attributes)
    assert ROUND in found()


def note(product):
    return Path(product).parent / notes.NOTES / f"{Path(product).name}.json"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: note(path).unlink(),
        lambda path: note(path).write_text("{"),
        lambda path: note(path).write_text("[]"),
        lambda path: note(path).write_text("[" * 100_000),
        lambda path: note(path).write_text("{}"),
        lambda path: Path(path).write_bytes(b"drawn by hand"),
        lambda path: shutil.copy(note(f"{RESULTS}/error_maps.svg"), note(path)),
    ],
    ids=[
        "no note",
        "half a note",
        "a list",
        "a deep list",
        "an empty note",
        "another figure",
        "another's note",
    ],
)
@pytest.mark.usefixtures("_copy")
def test_a_figure_without_a_note_of_its_own_is_outdated(spoil):
    spoil(path := f"{RESULTS}/choices.svg")
    assert set(found()) == {path}


@pytest.mark.usefixtures("_copy")
def test_what_is_not_there_does_not_disagree():
    for path in (ROUND, f"{RESULTS}/summary.csv", "data/smoke/test_tasks.h5"):
        Path(path).unlink()
    assert found() == {}
    assert "data/smoke/test_tasks.h5" not in found(study(seed=1))


def test_only_what_the_targets_come_from_is_looked_at():
    made = study(seed=1)
    target = "data/smoke/trial_00/design.h5"
    for name in (target, f"./{target}", Path(target).absolute(), f"data/../{target}"):
        assert set(found(made, [str(name)])) == {target}
    first = f"{RESULTS}/initial/trial_00/round_00.h5"
    assert set(found(made, [first])) == {first, "data/smoke/trial_00/initial_tasks.h5"}


@pytest.mark.parametrize(
    "target",
    [
        "acquire_round",
        "README.md",
        "results/gone/summary.h5",
        "results/gone/learning_curves.svg",
        f"{RESULTS}/paml/trial_00/round_00.h5",
        f"{RESULTS}/nothing.svg",
        "results/nothing_paper.svg",
    ],
)
def test_targets_that_the_study_does_not_know_are_for_snakemake_to_refuse(target):
    assert found(study(seed=1), [target]) == {}


@pytest.mark.usefixtures("_copy")
def test_files_beyond_the_strategies_and_trials_of_the_study_are_known_too():
    target = f"{RESULTS}/latin_hypercube/trial_07/round_01.h5"
    origin = disagreement.needed(study(), [target])[target]
    write(target, origin._replace(parents=[]))
    assert f"{RESULTS}/initial/trial_07/round_00.h5" in origin.parents
    assert found(targets=[target])[target].startswith("was not made from ")


def test_a_warning_counts_the_files_and_names_the_first():
    verdict = disagreement.judge(disagreement.needed(study(seed=1)))
    assert sorted(verdict.again) == sorted(found(study(seed=1)))
    head, *lines = verdict.warnings[0].splitlines()
    assert head.startswith("files that do not agree with the configuration, to be made again")
    assert head.endswith(f": {len(verdict.again)}")
    assert lines[0].startswith(f"    {verdict.again[0]}: seed: expected ")
    assert lines[-1] == f"    ... and {len(verdict.again) - disagreement.NAMED} more"


def test_rules_that_are_not_allowed_keep_their_files():
    verdict = disagreement.judge(disagreement.needed(study(seed=1)), {"simulate_test_tasks"})
    assert verdict.again == ["data/pictures/test_tasks.h5", "data/smoke/test_tasks.h5"]
    assert "kept since --allowed-rules leaves them out" in verdict.warnings[1]


@pytest.mark.usefixtures("_copy")
def test_files_dated_ahead_of_the_clock_are_named():
    files_ = disagreement.needed(study())
    assert disagreement.dated_ahead([*files_, "gone.h5"]) is None
    ahead = time.time() + 3600
    os.utime(ROUND, (ahead, ahead))
    (text,) = disagreement.judge(files_).warnings
    assert text.startswith("files dated ahead of this machine's clock")
    assert text.endswith(f": 1\n    {ROUND}")
