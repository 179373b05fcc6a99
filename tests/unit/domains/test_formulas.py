"""Formulas of a configuration are read, evaluated in attributes, and set where they are paths."""

from types import SimpleNamespace

import mujoco
import numpy as np
import pytest

from pamlflow.domains.gymnasium.formulas import FUNCTIONS, Formula, FormulaError


@pytest.fixture
def root():
    return SimpleNamespace(
        mass=2.0, state=(1.0, -3.0), table={"x": [4.0, 5.0]}, row=np.array([1, 2]), none=None
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("mass", 2.0),
        ("state[-1]", -3.0),
        ("table['x'][1]", 5.0),
        ("-mass ** 2 / 8 + 1.5e0", 1.0),
        ("+(mass - state[0]) * 3", 3.0),
        ("atan2(state[0], -1)", 0.75 * np.pi),
        ("sqrt(exp(log(mass))) * abs(state[1]) * cos(0) + sin(0) - tan(0)", 3.0 * np.sqrt(2.0)),
    ],
)
def test_a_formula_has_the_value_of_its_attributes(root, text, value):
    assert Formula(text).value(root) == pytest.approx(value)


def test_a_formula_of_arrays_is_one():
    root = SimpleNamespace(masses=np.array([1.0, 2.0]), scale=3.0)
    np.testing.assert_array_equal(Formula("scale * masses").value(root), [3.0, 6.0])


def test_a_name_is_that_of_the_first_scope_that_has_it(root):
    own = SimpleNamespace(mass=7.0)
    assert Formula("mass + state[0]").value(own, root) == 8.0
    assert Formula("mass * state[0]").names == {"mass", "state"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("state[", "expected an attribute such as"),
        ("", "expected an attribute such as"),
        ("a = 1", "expected an attribute such as"),
        ("a if b else c", "unexpected `a if b else c`"),
        ("a[0:2]", "a whole number or a text in an index"),
        ("a[b]", "a whole number or a text in an index"),
        ("a[True]", "a whole number or a text in an index"),
        ("a @ b", "known operators are"),
        ("not a", "known operators are"),
        ("__import__('os')", "known functions are abs"),
        ("a.b(1)", "known functions are abs"),
        ("sin(x=1)", "known functions are abs"),
        ("'text'", "expected a number, found 'text'"),
        ("a + True", "expected a number, found True"),
        ("(lambda: 1)()", "known functions are abs"),
        ("[a, b]", r"unexpected `\[a, b\]`"),
    ],
)
def test_other_python_is_refused(text, said):
    with pytest.raises(FormulaError, match=said):
        Formula(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mas", "SimpleNamespace has no attribute 'mas'; did you mean 'mass'? (its numbers: mass)"),
        ("state.first", "tuple has no attribute 'first'"),
        ("state[2]", "`state` has no entry 2: it has 2"),
        ("table['y']", "`table` has no entry 'y': it has 1"),
        ("mass[0]", "`mass` has no entry 0: it is 2.0"),
    ],
)
def test_what_is_not_there_is_named(root, text, said):
    for call in (lambda: Formula(text).value(root), lambda: Formula(text).assign(root, 1.0)):
        with pytest.raises(FormulaError) as raised:
            call()
        assert said in str(raised.value)


def test_a_path_is_set_in_a_copy_of_what_holds_it(root):
    shared, row = root.table, root.row
    for path, value in (("mass", 3.0), ("state[1]", 4.0), ("table['x'][0]", 6.0), ("row[0]", 9)):
        assert Formula(path).is_path
        Formula(path).assign(root, value)
        assert Formula(path).value(root) == value
    assert root.state == (1.0, 4.0) and root.table == {"x": [6.0, 5.0]}
    assert shared == {"x": [4.0, 5.0]} and row.tolist() == [1, 2]
    assert not Formula("-mass").is_path
    with pytest.raises(FormulaError, match="'-mass': expected one attribute"):
        Formula("-mass").assign(root, 1.0)


def test_a_class_keeps_what_is_set_in_its_object():
    class Machine:
        gains = [1.0, 2.0]  # noqa: RUF012

    machine = Machine()
    Formula("gains[0]").assign(machine, 5.0)
    assert machine.gains == [5.0, 2.0] and Machine.gains == [1.0, 2.0]


def test_models_of_mujoco_can_be_set():
    spec = mujoco.MjSpec()
    body = spec.worldbody.add_body()
    body.add_joint(type=mujoco.mjtJoint.mjJNT_HINGE)
    body.add_geom(size=[0.1, 0, 0])
    model = spec.compile()
    root = SimpleNamespace(model=model, data=mujoco.MjData(model))
    paths = {"model.opt.gravity[2]": -3.0, "model.body_mass[1]": 2.0, "data.qpos[0]": 0.5}
    for path, value in paths.items():
        Formula(path).assign(root, value)
        assert Formula(path).value(root) == value
    assert model.opt.gravity[2] == -3.0 and model.body_mass[1] == 2.0 and root.data.qpos[0] == 0.5
    Formula("model.body_mass").assign(root, Formula("3 * model.body_mass").value(root))
    assert model.body_mass.tolist() == [0.0, 6.0]


def test_all_functions_are_of_numpy():
    assert all(isinstance(each, np.ufunc) for each in FUNCTIONS.values())
