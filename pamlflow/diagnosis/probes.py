"""Runs of tasks of an experiment, and what is wrong with running them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pamlflow.diagnosis.effects import effects, without_effect
from pamlflow.diagnosis.finding import Finding
from pamlflow.domains.base import (
    EndedEarly,
    Excitation,
    NotFinite,
    SimulationError,
    TaskDomain,
    Transitions,
)
from pamlflow.seeding import generator
from pamlflow.spaces import Box
from pamlflow.tasks import TaskSet
from pamlflow.types import FloatArray
from pamlflow.world import Runs, World, domain_of

TRAINING, TEST = 8, 8  # tasks within the space, and at its corners
WEAK = 0.01  # effect of a parameter, relative to the deviation of a column
HALVED_STEPS = 20  # of a run, before chaos tells steps apart
INEXACT = (
    0.25  # change of the motion with half the step; of Euler steps of a pendulum, a tenth is usual
)
MARGIN = 0.1  # of the range of an input, beyond which it is not covered
NOT_COVERED = 0.3  # share of the transitions


@dataclass
class Probe:
    """Runs tasks of the world that the settings of an experiment make, and remembers which failed."""

    settings: Mapping[str, Any]
    seed: int
    failures: list[SimulationError] = field(default_factory=list)
    attempted: int = 0

    def __post_init__(self) -> None:
        """Make the world, in which all parameters are seen and no task takes the place of another."""
        self.world = _world(self.settings)
        assert isinstance(self.world.domain, TaskDomain)
        self.domain: TaskDomain = self.world.domain
        self.box = self.world.descriptors.parameter_space

    def run(self, parameters: FloatArray, excitation: Excitation) -> TaskSet:
        """Return one run of a task."""
        return self.world.run(parameters[None], parameters[None], [[excitation]])

    def runs(self, tasks: FloatArray, excitations: Sequence[Runs]) -> TaskSet | None:
        """Return all runs of tasks [N, D] that do not fail, each a task; None if all of them fail."""
        found = []
        for parameters, runs in zip(tasks, excitations, strict=True):
            for excitation in runs:
                self.attempted += 1
                try:
                    found.append(self.run(parameters, excitation))
                except SimulationError as error:
                    self.failures.append(error)
        return TaskSet.joined(found) if found else None

    def training_runs(self) -> TaskSet | None:
        """Return runs of tasks within the space, excited as those of a trial."""
        rng = generator(self.seed)
        tasks = self.box.sobol(TRAINING, rng)
        return self.runs(tasks, self.world.draw_excitations(len(tasks), rng))

    def test_runs(self) -> TaskSet | None:
        """Return runs of tasks at the corners of the space, excited as the test tasks are."""
        rng = generator(self.seed + 1)
        tasks = corners(self.box, TEST, rng)
        return self.runs(tasks, self.world.draw_excitations(len(tasks), rng))

    def failed(self) -> Iterator[Finding]:
        """Yield a finding for each kind of failure of the runs so far."""
        remedies = {
            EndedEarly: "lower `simulation.steps`, or choose excitations and a `space` that do not end runs",
            NotFinite: "shorten `simulation.time_step`, raise `substeps`, or narrow `space`",
            SimulationError: "narrow `space`, or say `failed_tasks: replace`; a test task must not fail",
        }
        names = {EndedEarly: "ends early", NotFinite: "explodes", SimulationError: "fails"}
        for kind, remedy in remedies.items():
            failures = [error for error in self.failures if type(error) is kind]
            if failures:
                text = f"{len(failures)} of {self.attempted} runs: {failures[0]}"
                yield Finding(names[kind], "", text, remedy)

    def not_repeatable(self) -> Iterator[Finding]:
        """Yield a finding if one run of a task gives different numbers when it is run again."""
        task, excitation = self._example()
        first = self._tried(task, excitation)
        if first is None:
            return
        self._tried(self.box.low, excitation)
        remedy = "draw chance from the generator of `draw_excitation` alone, and keep nothing between runs"
        again = self._example()[1]
        if not all(
            np.array_equal(vars(excitation)[name], each) for name, each in vars(again).items()
        ):
            text = "`draw_excitation` gives other numbers when it is called with the same generator"
            yield Finding("not repeatable", "", text, remedy)
        for probe, when in (
            (self, "after another task"),
            (Probe(self.settings, self.seed), "by a domain that is made anew"),
        ):
            if not _same(first, probe._tried(task, excitation)):
                text = f"the same run gives other numbers {when}"
                yield Finding("not repeatable", "", text, remedy)
                return

    def ineffective(self) -> Iterator[Finding]:
        """Yield a finding for each parameter that changes nothing, or hardly anything."""
        excitation = self._example()[1]
        more = self.box.sobol(2, generator(self.seed))
        bases = np.concatenate([(self.box.low + self.box.high)[None] / 2.0, more])

        def run(parameters: FloatArray) -> Transitions:
            tasks = self.run(parameters, excitation)
            return Transitions(tasks.inputs, tasks.outputs)

        sizes = effects(run, self.box, bases)
        remedy = "leave it out of `space` (`fixed` gives it a value), or find out what does change the motion"
        names = without_effect(self.box.variables, sizes)
        for variable, size in zip(self.box.variables, sizes, strict=True):
            ends = "from one end of its range to the other"
            if variable.name in names:
                text = f"parameter '{variable.name}' changes nothing {ends}"
                yield Finding("no effect", variable.name, text, remedy)
            elif size < WEAK:
                text = f"parameter '{variable.name}' changes hardly anything {ends}"
                text += f": {size:.1g} of the deviation of what it changes most"
                yield Finding("no effect", variable.name, text, f"widen its range, or {remedy}")

    def inexact(self) -> Iterator[Finding]:
        """Yield a finding if the motion differs with half the time step, where that changes anything."""
        task, excitation = self._example()
        halved = {**self.settings.get("simulation", {})}
        if "time_step" not in halved:
            return
        halved["time_step"] /= 2.0
        try:
            fine = Probe({**self.settings, "simulation": halved}, self.seed)
        except ValueError:
            return
        whole, ignoring = self._tried(task, excitation), fine._tried(task, excitation)
        if whole is None or ignoring is None or _same(whole, ignoring):
            return  # the simulator has a step of its own
        twice = np.repeat(excitation.controls, 2, axis=0)
        halves = fine._tried(task, Excitation(twice, excitation.initial_state))
        if halves is None:
            return
        steps = min(HALVED_STEPS, len(whole.outputs))
        expected = halves.outputs[: 2 * steps].reshape(steps, 2, -1).sum(axis=1)
        offsets = np.sqrt(np.mean(np.square(whole.outputs[:steps] - expected), axis=0))
        sizes = np.sqrt(np.mean(np.square(expected), axis=0))
        relative = offsets / np.where(sizes > 0.0, sizes, 1.0)
        worst = int(np.argmax(relative))
        if relative[worst] > INEXACT:
            name = whole.output_variables[worst].name
            text = f"with half the time step, output '{name}' differs by {relative[worst]:.0%} of its size"
            remedy = (
                "shorten `simulation.time_step`, or raise `substeps` where the simulator has them"
            )
            yield Finding("inexact", name, text, remedy)

    def _example(self) -> tuple[FloatArray, Excitation]:
        """A task in the middle of the space, and an excitation."""
        excitation = self.world.draw_excitations(1, generator(self.seed))[0][0]
        return (self.box.low + self.box.high) / 2.0, excitation

    def _tried(self, parameters: FloatArray, excitation: Excitation) -> TaskSet | None:
        try:
            return self.run(parameters, excitation)
        except (SimulationError, ValueError):
            return None


def not_covered(training: TaskSet, test: TaskSet, per_task: bool) -> Iterator[Finding]:
    """Yield a finding if many transitions of test runs are at inputs that no training run comes near."""
    low, high = training.inputs.min(axis=0), training.inputs.max(axis=0)
    margin = MARGIN * (high - low)
    outside = (test.inputs < low - margin) | (test.inputs > high + margin)
    share = outside.any(axis=1).mean()
    if share <= NOT_COVERED:
        return
    worst = int(np.argmax(outside.mean(axis=0)))
    name = test.input_variables[worst].name
    text = (
        f"{share:.0%} of the transitions of test tasks are where {len(training.lengths)} training runs do not "
        f"go, most often in input '{name}'"
    )
    remedy = "excite tasks longer or in more `simulation.runs`, and begin with more `initial_tasks`"
    if not per_task:
        alike = "docs/add_a_domain.md says when tasks should not share an excitation"
        remedy = f"try `simulation.excitation: per_task` ({alike}), or {remedy}"
    yield Finding("not covered", name, text, remedy)


def corners(box: Box, most: int, rng: np.random.Generator) -> FloatArray:
    """Return corners of a box [N, D], all of them or `most` that are drawn, and its middle."""
    every = box.grid([2] * len(box.variables)) if len(box.variables) <= 10 else None
    if every is None:
        ends = rng.integers(2, size=(most, len(box.variables))).astype(bool)
        chosen = np.where(ends, box.high, box.low)
    else:
        chosen = every[np.sort(rng.permutation(len(every))[:most])]
    return np.concatenate([chosen, (box.low + box.high)[None] / 2.0])


def _world(settings: Mapping[str, Any]) -> World:
    seen = {
        key: value for key, value in settings.items() if key not in ("descriptors", "failed_tasks")
    }
    return World.of(domain_of(seen), seen)


def _same(one: TaskSet, other: TaskSet | None) -> bool:
    return other is not None and all(
        np.array_equal(getattr(one, name), getattr(other, name)) for name in ("inputs", "outputs")
    )
