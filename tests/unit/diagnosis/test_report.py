"""Each fault of a domain is found, by its name and with its remedy, and nothing else is."""

import re

import numpy as np
import pytest

from pamlflow.configuration.validation import validated
from pamlflow.diagnosis.finding import KINDS
from pamlflow.diagnosis.report import Report, examine, summary
from pamlflow.diagnosis.signals import check
from pamlflow.tasks import TaskSet, Variable

SPACE = {"stiffness": [1.0, 4.0], "gain": [1.0, 2.0]}


def config(domain="Swing", changed=None, **experiment):
    own = {
        "domain": domain
        if ":" in domain or domain == "cart_pole"
        else f"tests.faulty_domains:{domain}",
        "space": SPACE,
        "test_grid": [2] * len(experiment.get("space", SPACE)),
        "simulation": {"excitation": "per_task"},
        **experiment,
    }
    study = {"seed": 3, "run": {"experiments": ["mine"]}, "experiments": {"mine": own}}
    return validated({**study, **(changed or {})})


def found(*arguments, **changes):
    return examine(config(*arguments, **changes), "mine").findings


@pytest.mark.parametrize("name", ["Swing", "Round"])
def test_nothing_is_found_of_what_is_sound(name):
    report = examine(config(name), "mine")
    assert report == Report("mine", 13, 100, ())
    assert list(report.lines()) == ["ok    mine (13 runs of 100 steps)"]
    assert "nothing found" in summary([report]) and "docs/rising_curves.md" in summary([report])


FAULTS = [
    ("IdleGain", "no effect", "gain", "parameter 'gain' changes nothing"),
    ("WeakGain", "no effect", "gain", "changes hardly anything .*: [0-9.e-]+ of the deviation"),
    (
        "Stuck",
        "constant",
        "velocity_change",
        "output 'velocity_change' is 0 m/s in all transitions",
    ),
    (
        "Diverges",
        "explodes",
        "",
        r"of 13 runs: the task with stiffness = 3\.\d+ N/m.* not finite in step",
    ),
    (
        "Grows",
        "explodes",
        "position_change",
        "in the task with stiffness 3.87 N/m, gain 1.46, where",
    ),
    ("GrowsFar", "explodes", "velocity_change", r"reaches \d.*e\+1[89]\d m/s in the task with"),
    ("Wraps", "jumps", "angle_change", r"jumps by a turn in \d+ of 1300 steps, by -?\d"),
    ("WrapsInDegrees", "jumps", "angle_change", r"by -3\d\d.* deg in step \d+ of the task with"),
    ("Winds", "plain angle", "angle", r"covers [2-9](\.\d)? turns"),
    ("Coarse", "aliases", "position_change", "changes sign in [5-9].%|as large as 'position'"),
    ("Coarse", "aliases", "velocity_change", "is as large as 'velocity' itself: 1.[0-9]"),
    ("Spins", "aliases", "angle_change", r"turns by \d+ degrees or more in one step of twenty"),
    ("Euler", "inexact", "position_change", r"with half the time step, .* differs by [1-9]\d%"),
    ("EndsEarly", "ends early", "", "of 13 runs: .* ended after 80 of 100 steps"),
    ("Fails", "fails", "", "of 13 runs: the task with stiffness = .* too stiff"),
    ("AllFail", "fails", "", "13 of 13 runs: .* out of order"),
    ("Remembers", "not repeatable", "", "gives other numbers after another task"),
    (
        "DrawsAtWill",
        "not repeatable",
        "",
        "`draw_excitation` gives other numbers when it is called",
    ),
    ("Chance", "not repeatable", "", "by a domain that is made anew"),
]


@pytest.mark.parametrize(("name", "kind", "subject", "text"), FAULTS)
@pytest.mark.filterwarnings("error")
def test_a_fault_is_found_with_its_remedy(name, kind, subject, text):
    findings = found(name)
    assert {each.kind for each in findings} <= {kind, "outlier"}
    of_kind = [each for each in findings if each.kind == kind and each.subject == subject]
    (finding,) = of_kind
    assert re.search(text, finding.text), finding.text
    assert finding.remedy and str(finding) == f"{finding.text}; {finding.remedy}"


def test_a_value_that_stands_out_is_found():
    tasks = examine_runs(np.where(np.arange(100) == 73, 40.0, np.sin(np.arange(100.0) / 9.0)))
    (finding,) = (each for each in tasks if each.kind == "outlier")
    text = (
        r"output 'speed_change' is 40 m/s in step 23 of the task with mass 2 kg, where nine tenths"
    )
    assert re.match(text, finding.text) and "shorten the time step" in finding.remedy


def test_a_single_value_is_found():
    finding, *others = found("Glitch")
    assert (finding.kind, finding.subject) in (
        ("explodes", "position_change"),
        ("outlier", "position_change"),
    )
    assert {each.kind for each in others} <= {"outlier"}


def test_excitations_that_lead_elsewhere_are_found_if_tasks_share_them():
    shared = found("Apart", simulation={"excitation": "shared"})
    (finding,) = (each for each in shared if each.kind == "not covered")
    assert re.match(
        r"\d+% of the transitions of test tasks are where 8 training runs", finding.text
    )
    assert finding.remedy.startswith("try `simulation.excitation: per_task`")
    assert all(each.kind != "not covered" for each in found("Apart"))


def examine_runs(outputs, control=None, unit="m/s"):
    """What is found of two runs of fifty steps of a speed, whose changes are `outputs`, and of a force."""
    held = np.repeat(np.random.default_rng(0).standard_normal(20), 5)
    tasks = TaskSet(
        inputs=(held if control is None else control)[:, None],
        outputs=outputs[:, None],
        lengths=np.array([50, 50]),
        descriptors=np.array([[1.0], [2.0]]),
        parameters=np.empty((2, 0)),
        input_variables=(Variable("force", "N"),),
        output_variables=(Variable("speed_change", unit),),
        descriptor_variables=(Variable("mass", "kg"),),
        parameter_variables=(),
    )
    return list(check(tasks))


def test_a_large_step_of_a_number_without_unit_is_no_turn():
    steps = np.where(np.arange(100) % 20 == 7, 4.0, np.sin(np.arange(100.0) / 9.0))
    assert not any(each.kind == "jumps" for each in examine_runs(steps, unit="1"))
    turns = np.where(np.arange(100) % 20 == 7, 6.0, np.sin(np.arange(100.0) / 9.0))
    assert any(each.kind == "jumps" for each in examine_runs(turns, unit="1"))
    assert not any(each.kind == "jumps" for each in examine_runs(turns))


def test_the_sign_of_changes_tells_of_aliasing_unless_a_control_explains_it():
    rng = np.random.default_rng(0)
    outputs = np.where(np.arange(100) % 2 == 0, 1.0, -1.0) + 0.1 * rng.standard_normal(100)
    (finding,) = examine_runs(outputs)
    assert finding.kind == "aliases" and "changes sign in 100% of the steps" in finding.text
    assert examine_runs(outputs, control=outputs + 0.1) == []


def test_recorded_tasks_are_looked_at_as_they_are():
    own = {"domain": "tests.own_records:Decays", "space": {"rate": [0.0, 1.0], "gain": [1.0, 2.0]}}
    study = {"run": {"experiments": ["mine"]}, "experiments": {"mine": {**own, "test_tasks": 4}}}
    study["experiments"]["mine"]["strategies"] = ["uniform"]
    report = examine(validated(study), "mine")
    assert (report.runs, report.steps) == (16, 22)
    assert {each.kind for each in report.findings} <= {"aliases"}


def test_fewer_dimensions_than_parameters_are_found():
    (finding,) = found(latent_dimensions=1)
    assert finding.kind == "too few dimensions"
    assert finding.text.startswith("latent_dimensions is 1, and 2 parameters vary")
    assert finding.remedy.startswith("set latent_dimensions to 2")


def test_fixed_hidden_and_pictured_tasks_are_run_as_they_are():
    assert found(fixed={"gain": 1.5}, space={"stiffness": [1.0, 4.0]}) == ()
    assert found(descriptors={"hidden": ["gain"], "superfluous": {"colour": [0, 1]}}) == ()
    space = {"pole_length": [0.5, 2.0]}
    options = {"space": space, "fixed": {"pole_mass": 1.0}, "strategies": ["uniform"]}
    assert found("cart_pole", pool=30, descriptors={"pictures": {}}, **options) == ()


def test_several_runs_of_a_task_are_looked_at_each():
    report = examine(config(simulation={"runs": 2, "excitation": "per_task"}), "mine")
    assert report == Report("mine", 26, 100, ())


def test_a_report_is_written_as_lines_and_as_json():
    report = examine(config("IdleGain"), "mine")
    (line,) = report.lines()
    assert line.startswith("FOUND mine: no effect: parameter 'gain' changes nothing")
    (finding,) = report.to_json()["findings"]
    assert finding.keys() == {"kind", "subject", "text", "remedy"}
    assert summary([report]).startswith("1 finding; docs/rising_curves.md explains")


def test_every_kind_of_finding_is_explained_and_tested():
    tested = {kind for _, kind, _, _ in FAULTS}
    assert tested | {"outlier", "not covered", "too few dimensions"} == set(KINDS)
