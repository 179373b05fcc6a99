"""What Snakemake's command line gives a configuration."""

from types import SimpleNamespace

import pytest

from pamlflow.configuration.command_line import DEFAULT, bomb, explanation, read_sources
from pamlflow.configuration.validation import ConfigurationError, validated

STOPPED = "in load_configfile ... in parse_config"
STUDY_FILE = DEFAULT.read_text(encoding="utf-8")


def workflow(*files, config=(), main=True, replace=False):
    """What is asked of Snakemake's workflow."""
    settings = SimpleNamespace(
        configfiles=list(files), config_args=list(config), replace_workflow_config=replace
    )
    return SimpleNamespace(
        is_main_process=main, config_settings=settings, configfiles=[*files, DEFAULT]
    )


def test_the_study_itself_has_no_problem_and_places():
    written_at, problems = read_sources(workflow(), [])
    assert problems == []
    line = 1 + STUDY_FILE[: STUDY_FILE.index("  trials:")].count("\n")
    assert written_at["run", "trials"].endswith(f"config.yaml, line {line}")


def test_problems_are_told_with_those_of_the_values_and_their_places(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    mine = tmp_path / "mine.yaml"
    mine.write_text("run:\n  trials: 1\n  trials: 2\nmodel:\n  noise_floor: 2\n")
    written_at, found = read_sources(workflow(mine, config=["seed=-1"], replace=True), [])
    config = {"run": {"trials": 2}, "model": {"noise_floor": 2}, "seed": -1, "experiments": 1}
    with pytest.raises(ConfigurationError) as raised:
        validated(config, written_at, found)
    lines = [line.strip() for line in str(raised.value).splitlines()[1:]]
    assert "run.trials: given twice, in lines 2 and 3; keep one (mine.yaml)" in lines
    floor = next(line for line in lines if line.startswith("model.noise_floor"))
    assert floor.endswith("mostly noise (mine.yaml, line 5)")
    missing = next(line for line in lines if line.startswith("run.experiments"))
    assert missing.endswith("(mine.yaml, line 1)")
    assert next(line for line in lines if line.startswith("seed")).endswith("(--config seed)")


def test_nothing_is_read_again_in_a_job(tmp_path):
    assert read_sources(workflow(tmp_path / "gone.yaml", main=False), ["--config"]) == ({}, [])


def test_what_is_nested_after_config_is_said_to_be_text():
    written_at, problems = read_sources(
        workflow(config=["run={trials: 2, strategies: [paml]}"]), []
    )
    assert problems == []
    for key in (("run", "trials"), ("run", "strategies", 0)):
        assert "what is nested is text: write it into a file, for --configfile" in written_at[key]


@pytest.mark.parametrize(
    ("arguments", "entries", "expected"),
    [
        (["--config", "seed=1", "seed=2"], ["seed=1", "seed=2"], "--config seed: given 2 times"),
        (["--config", "seed=1", "-C", "seed=2"], ["seed=2"], "--config: given twice"),
        (["--config=seed=1", "--config", "seed=2"], ["seed=2"], "--config: given twice"),
        (["--configfile", "a", "--configfiles", "b"], [], "--configfile: given twice"),
    ],
)
def test_an_option_counts_once(arguments, entries, expected):
    _, (problem,) = read_sources(workflow(config=entries), arguments)
    assert expected in str(ConfigurationError([problem]))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--config", "run.trials=2"], "--config run.trials: only keys of the top level can be"),
        (["--config", "trials"], "--config trials: expected key=value, such as seed=1"),
        (["--config", "seed=1", "--config", "x"], "--config: given twice"),
        (["--configfile", "gone.yaml"], "gone.yaml: there is no such file"),
        (
            ["--configfile", "mine.yaml", "results/x.h5"],
            "results/x.h5: there is no such file; --configfile takes all that follows it for files: "
            "name a target before it, or after --",
        ),
        (["--configfile", "made.h5"], "0x89 in line 1; save it as UTF-8; --configfile takes all"),
        (["--configfile", "empty.yaml", "--cores", "1"], "empty.yaml: expected keys such as"),
    ],
)
def test_what_snakemake_stops_at_is_explained(tmp_path, monkeypatch, arguments, expected):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text("seed: 1")
    (tmp_path / "empty.yaml").write_text("")
    (tmp_path / "made.h5").write_bytes(b"\x89HDF")
    assert expected in explanation(STOPPED, arguments)


@pytest.mark.parametrize(
    ("message", "arguments"),
    [
        ("MissingRuleException", ["--configfile", "gone.yaml"]),
        (STOPPED, ["--cores", "2", "all"]),
        (STOPPED, ["results/x.h5", "--config", "seed=1", "--", "all"]),
    ],
)
def test_other_messages_stay_as_they_are(message, arguments):
    assert explanation(message, arguments) is None


def test_a_bomb_is_found_before_snakemake_reads_it(tmp_path):
    file = tmp_path / "bomb.yaml"
    lines = [f"x{n}: &x{n} {{a: *x{n - 1}, b: *x{n - 1}}}" for n in range(1, 60)]
    file.write_text("\n".join(["x0: &x0 {a: 1}", *lines]))
    assert f"{file}: expected at most 20000 values" in bomb(["--configfile", str(file)])
    file.write_text("seed: 1\nseed: 2\n")
    assert bomb(["--configfile", str(file), str(tmp_path / "gone")]) is None
