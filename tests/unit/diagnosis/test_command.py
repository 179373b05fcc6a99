"""`pamlflow check-domain` says what it found, in words and in JSON, and by its exit code."""

import json

import pytest
import yaml

from pamlflow.cli import main


@pytest.fixture
def file(tmp_path):
    """A configuration of experiments with these domains of tests/faulty_domains.py."""

    def written(**domains):
        experiments = {
            name: {
                "domain": f"tests.faulty_domains:{domain}",
                "space": {"stiffness": [1.0, 4.0], "gain": [1.0, 2.0]},
                "test_grid": [2, 2],
                "simulation": {"excitation": "per_task"},
            }
            for name, domain in domains.items()
        }
        path = tmp_path / f"{'_'.join(domains.values())}.yaml"
        path.write_text(
            yaml.safe_dump({"run": {"experiments": [*domains]}, "experiments": experiments})
        )
        return str(path)

    return written


def test_a_sound_domain_is_ok(file, capsys):
    assert main(["check-domain", file(sound="Swing")]) == 0
    assert capsys.readouterr().out == (
        "ok    sound (13 runs of 100 steps)\n"
        "nothing found; if curves rise all the same, see docs/rising_curves.md\n"
    )


def test_findings_are_printed_for_each_experiment(file, capsys):
    path = file(sound="Swing", idle="IdleGain", stuck="Stuck")
    assert main(["check-domain", path]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines[:-1]] == [
        "ok    sound (13 runs of 100 steps)",
        "FOUND idle",
        "FOUND stuck",
    ]
    assert lines[-1].startswith("2 findings; docs/rising_curves.md")
    assert main(["check-domain", path, "--experiment", "sound"]) == 0


def test_findings_are_printed_as_json(file, capsys):
    assert main(["check-domain", "--json", file(sound="Swing", idle="IdleGain")]) == 1
    sound, idle = json.loads(capsys.readouterr().out)
    assert sound == {"experiment": "sound", "runs": 13, "steps": 100, "findings": []}
    assert [each["kind"] for each in idle["findings"]] == ["no effect"]


def test_a_configuration_that_means_nothing_is_another_exit_code(file, capsys, tmp_path):
    for arguments, said in (
        ([file(sound="Swung")], "experiments.sound.domain: cannot load the domain"),
        ([str(tmp_path / "none.yaml")], "none.yaml"),
        ([file(sound="Swing"), "--experiment", "sond"], "unknown experiment 'sond'"),
    ):
        assert main(["check-domain", *arguments]) == 2
        printed = capsys.readouterr()
        assert printed.out == "" and said in printed.err and printed.err.startswith("pamlflow: ")


def test_what_a_domain_prints_is_no_result(file, capsys, monkeypatch):
    from tests import faulty_domains

    run = faulty_domains.Swing.run
    monkeypatch.setattr(faulty_domains.Swing, "run", lambda *it: (print("hello"), run(*it))[1])
    main(["check-domain", "--json", file(sound="Swing")])
    printed = capsys.readouterr()
    assert json.loads(printed.out) and "hello" in printed.err
