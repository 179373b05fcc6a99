"""What is wrong with the inputs and outputs of runs, by themselves.

The runs are the tasks of a TaskSet, one run each.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from pamlflow import screening
from pamlflow.diagnosis.finding import Finding
from pamlflow.tasks import TaskSet, Variable
from pamlflow.types import BoolArray, FloatArray

TURNS = {"rad": 2.0 * np.pi, "deg": 360.0, "degree": 360.0, "degrees": 360.0, "°": 360.0}
"""A whole turn in the units of angles; in the unit 1 a turn may be either."""
SLOW = 0.25  # of a turn, which most steps stay below where whole turns are jumps and no motion
GROWTH = 1e3  # of the largest output of a run, over that of the median run
SAME = 1e-6  # relative difference of a state and what the outputs before it add up to
FOLLOWS = 0.8  # share of the steps in which a column must follow an output to be its state; episodes may end
LARGE_CHANGE = (
    1.0  # root mean square of the changes over the deviation of the state: six steps in a period
)
LARGE_TURN = np.pi / 2.0  # of one step in twenty: four steps in a turn
ALTERNATES = 0.5  # share of the steps in which a change has another sign than that before it


class State(NamedTuple):
    """The input columns of a state variable: one, or the cosine and the sine of an angle."""

    columns: tuple[int, ...]


def check(runs: TaskSet) -> Iterator[Finding]:
    """Yield what is wrong with each variable of the runs."""
    found = [*_constants(runs), *_growing(runs), *_outliers(runs), *_jumps(runs)]
    named = {finding.subject for finding in found}  # of which sizes and signs say nothing more
    aliased = [each for each in _aliased(runs) if each.subject not in named]
    yield from (*found, *_plain_angles(runs), *aliased)


def _constants(runs: TaskSet) -> Iterator[Finding]:
    for quantity, variable, text in screening.constants(runs):
        remedy = "leave it out, or excite the tasks so that it varies"
        yield Finding("constant", variable.name, f"{quantity} '{variable.name}' {text}", remedy)


def _growing(runs: TaskSet) -> Iterator[Finding]:
    """Outputs of which a run has values a thousand times those of the others."""
    largest = np.array([np.abs(part).max(axis=0) for part in _parts(runs.outputs, runs)])
    usual = np.median(largest, axis=0)
    for number, variable in enumerate(runs.output_variables):
        task = int(np.argmax(largest[:, number]))
        value = largest[task, number]
        if usual[number] > 0.0 and value > GROWTH * usual[number]:
            text = f"output '{variable.name}' reaches {value:.3g} {variable.unit} in {_task(runs, task)}"
            most = f"where most runs stay below {usual[number]:.3g} {variable.unit}"
            remedy = (
                "shorten `simulation.time_step` or `steps`, raise `substeps`, or narrow `space`"
            )
            yield Finding("explodes", variable.name, f"{text}, {most}", remedy)


def _outliers(runs: TaskSet) -> Iterator[Finding]:
    remedy = (
        "a single such value can spoil all predictions: if it is real, such as the stop of a joint, excite the "
        "tasks less or narrow `space`; if it is not, shorten the time step or mend the recording"
    )
    for outlier in screening.find_outliers(runs):
        unit = outlier.variable.unit
        where = f"in step {outlier.step} of {_task(runs, outlier.task)}"
        more = f" and in {outlier.others} more" if outlier.others else ""
        text = (
            f"{outlier.quantity} '{outlier.variable.name}' is {outlier.value:.4g} {unit} {where}{more}, where "
            f"nine tenths of the values lie within {outlier.usual:.2g} {unit} of {outlier.median:.4g}"
        )
        yield Finding("outlier", outlier.variable.name, text, remedy)


def _jumps(runs: TaskSet) -> Iterator[Finding]:
    """Outputs that now and then are a whole turn away from what they are otherwise."""
    for values, variable in zip(runs.outputs.T, runs.output_variables, strict=True):
        for turn in _turns(variable):
            rest = np.abs(values - turn * np.round(values / turn))
            jumps = (np.abs(values) > turn / 2.0) & (rest <= SLOW * turn)
            is_motion = np.abs(values).max() > 1.5 * turn or np.quantile(rest, 0.95) > SLOW * turn
            if is_motion or jumps.all() or not jumps.any():
                continue
            row = int(np.argmax(jumps))
            text = (
                f"output '{variable.name}' jumps by a turn in {jumps.sum()} of {jumps.size} steps, by "
                f"{values[row]:.4g} {variable.unit} in step {_step(runs, row)}"
            )
            remedy = (
                "take the changes of the unwrapped angle (numpy.unwrap), and give the angle as cosine and "
                "sine: `angle: true` of a state variable does both"
            )
            yield Finding("jumps", variable.name, text, remedy)
            break


def _plain_angles(runs: TaskSet) -> Iterator[Finding]:
    """Inputs in the unit of an angle that differ by more than a turn."""
    for values, variable in zip(runs.inputs.T, runs.input_variables, strict=True):
        turn = TURNS.get(variable.unit)
        if turn is not None and np.ptp(values) > turn * (1.0 + SAME):
            text = f"input '{variable.name}' covers {np.ptp(values) / turn:.2g} turns"
            text += ", so that one pose has several values"
            remedy = "give the angle as its cosine and its sine (`angle: true` of a state variable)"
            yield Finding("plain angle", variable.name, text, remedy)


def _aliased(runs: TaskSet) -> Iterator[Finding]:
    """Outputs that are as large as their state, or that change sign in most steps though no control does."""
    states = states_of(runs)
    taken = {column for state in states.values() for column in state.columns}
    controls = [index for index in range(runs.inputs.shape[1]) if index not in taken]
    changing = [_alternation(runs.inputs[:, index], runs) for index in controls]
    for number, variable in enumerate(runs.output_variables):
        values = runs.outputs[:, number]
        if not np.ptp(values):
            continue
        found = _large(runs, values, states.get(number))
        alternation = _alternation(values, runs)
        if (
            not found
            and alternation > ALTERNATES
            and max(changing, default=0.0) < alternation / 2.0
        ):
            found = f"changes sign in {alternation:.0%} of the steps, and no control does"
        if found:
            remedy = (
                "shorten the time step to a tenth of the fastest period (`simulation.time_step`, or the "
                "simulator's own), and raise `simulation.steps` so that a task lasts as long"
            )
            yield Finding("aliases", variable.name, f"output '{variable.name}' {found}", remedy)


def _large(runs: TaskSet, values: FloatArray, state: State | None) -> str:
    """How a change is as large as its state, in words; nothing where it is not."""
    if state is None:
        return ""
    if len(state.columns) == 2:
        often = float(np.quantile(np.abs(values), 0.95))
        text = f"turns by {np.rad2deg(often):.0f} degrees or more in one step of twenty"
        return text if often > LARGE_TURN else ""
    ratio = np.sqrt(np.mean(np.square(values))) / runs.inputs[:, state.columns[0]].std()
    text = f"is as large as '{runs.input_variables[state.columns[0]].name}' itself"
    return f"{text}: {ratio:.2g} of its standard deviation" if ratio > LARGE_CHANGE else ""


def states_of(runs: TaskSet) -> dict[int, State]:
    """Return for the index of an output the columns of its state, where there are any.

    They are those that the output leads from one step to the next, whatever they are called.
    """
    follows = np.ones(len(runs.inputs), dtype=bool)
    follows[np.cumsum(runs.lengths) - 1] = False  # the last step of each run leads nowhere
    rows = np.flatnonzero(follows)
    found: dict[int, State] = {}
    if not rows.size:
        return found
    before, after = runs.inputs[rows], runs.inputs[rows + 1]
    columns = range(runs.inputs.shape[1])
    on_circle = np.square(runs.inputs)
    pairs = [
        (first, second)
        for first in columns
        for second in columns
        if first != second
        and np.allclose(on_circle[:, first] + on_circle[:, second], 1.0, rtol=0.0, atol=1e-5)
    ]
    for number in range(runs.outputs.shape[1]):
        change = runs.outputs[rows, number]
        if not np.any(change):
            continue
        for column in columns:
            scale = np.abs(runs.inputs[:, column]).max()
            if _mostly(np.abs(before[:, column] + change - after[:, column]) <= SAME * scale):
                found[number] = State((column,))
        for pair in pairs:
            one, other = (part[:, pair[0]] + 1j * part[:, pair[1]] for part in (before, after))
            if number not in found and _mostly(np.abs(one * np.exp(1j * change) - other) <= 1e-4):
                found[number] = State(pair)
    return found


def _mostly(holds: BoolArray) -> bool:
    return bool(holds.mean() >= FOLLOWS)


def _alternation(values: FloatArray, runs: TaskSet) -> float:
    """The share of the steps in which values have another sign than in the step before."""
    parts = [np.sign(part[part != 0.0]) for part in _parts(values, runs)]
    changes = np.concatenate([part[1:] != part[:-1] for part in parts])
    return float(changes.mean()) if changes.size else 0.0


def _turns(variable: Variable) -> tuple[float, ...]:
    """What a whole turn may be in the unit of a variable."""
    if variable.unit in TURNS:
        return (TURNS[variable.unit],)
    return (TURNS["rad"], TURNS["deg"]) if variable.unit in ("", "1") else ()


def _parts(values: FloatArray, runs: TaskSet) -> list[FloatArray]:
    return np.split(values, np.cumsum(runs.lengths)[:-1])


def _step(runs: TaskSet, row: int) -> str:
    task = int(np.searchsorted(np.cumsum(runs.lengths), row, side="right"))
    return f"{row - int(runs.lengths[:task].sum())} of {_task(runs, task)}"


def _task(runs: TaskSet, task: int) -> str:
    """The task of a run, by what is known of it."""
    known = zip(runs.descriptor_variables, runs.descriptors[task], strict=True)
    named = ", ".join(
        f"{variable.name} {value:.3g}{'' if variable.unit == '1' else ' ' + variable.unit}"
        for variable, value in known
    )
    return f"the task with {named}"
