"""The world of an experiment, in which tasks are asked for by descriptor and run."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self, TypeAlias

import numpy as np

from pamlflow.arrays import shown
from pamlflow.descriptors import NO_BOX, Descriptors, make_descriptors
from pamlflow.domains import make_domain
from pamlflow.domains.base import (
    EndedEarly,
    Excitation,
    NotFinite,
    SimulationError,
    TaskDomain,
    Transitions,
)
from pamlflow.domains.checks import task_failed
from pamlflow.domains.content import require_unchanged
from pamlflow.domains.fixed import fix_parameters
from pamlflow.domains.records import Records
from pamlflow.plugins import told
from pamlflow.settings import RUN_DEFAULTS
from pamlflow.spaces import Box
from pamlflow.tasks import TaskSet, columns_of, with_units
from pamlflow.types import FloatArray

MAX_REPLACEMENTS = 10

Runs: TypeAlias = Sequence[Excitation]
"""What is done in the runs of one task, one after another."""

logger = logging.getLogger(__name__)


def domain_of(settings: Mapping[str, Any]) -> TaskDomain | Records:
    """Return the domain of `settings.world_settings` of an experiment, with all of its parameters.

    Raises PartError and SettingError as `make_domain` does, both of them ValueErrors.
    """
    simulation = settings.get("simulation", {})
    own = {key: value for key, value in simulation.items() if key not in RUN_DEFAULTS}
    return make_domain(settings["domain"], settings.get("options"), **own)


@dataclass(frozen=True)
class World:
    """A domain, what is seen of its parameters, how tasks are run, and what becomes of one that fails.

    `failed_tasks` is "stop" (raise SimulationError) or "replace" (by a task drawn uniformly).
    `excitation` is "shared" by all tasks of a trial or drawn "per_task", each of which has so many `runs`.
    """

    domain: TaskDomain | Records
    descriptors: Descriptors
    failed_tasks: Literal["stop", "replace"] = "stop"
    excitation: Literal["shared", "per_task"] = "shared"
    runs: int = 1

    def __post_init__(self) -> None:
        """Refuse what means nothing."""
        if self.excitation not in ("shared", "per_task"):
            raise ValueError(
                f'excitation: expected "shared" or "per_task", found {self.excitation!r}'
            )
        if self.runs < 1:
            raise ValueError(f"runs: expected at least 1, found {self.runs}")

    @classmethod
    def from_config(cls, settings: Mapping[str, Any]) -> Self:
        """Return the world of `settings.world_settings` of an experiment.

        Raises ValueError when a name is unknown or a value is out of range.
        """
        return cls.of(domain_of(settings), settings)

    @classmethod
    def of(cls, whole: TaskDomain | Records, settings: Mapping[str, Any]) -> Self:
        """Return the world of the domain that `domain_of` made of these settings; raises as `from_config`.

        Where the settings say which `files` the domain was planned with, by their SHA-256, ChangedError is
        raised unless it was made from these.
        """
        if "files" in settings:
            require_unchanged(settings["domain"], settings.get("options", {}), settings["files"])
        simulation = settings.get("simulation", {})
        runs = {key: simulation.get(key, default) for key, default in RUN_DEFAULTS.items()}
        domain = whole
        if isinstance(whole, Records):
            if settings.get("fixed"):
                raise ValueError("fixed: recorded tasks are as they are; leave it out")
        else:
            domain = fix_parameters(whole, settings.get("fixed", {}))
        space = Box.from_config(settings["space"], domain.parameter_variables)
        if isinstance(domain, Records):
            domain.require_within(space)
        descriptors = make_descriptors(settings.get("descriptors", {}), space, domain)
        return cls(domain, descriptors, settings.get("failed_tasks", "stop"), **runs)

    @property
    def space(self) -> Box:
        """The box of descriptors that a task may be asked for; ValueError where there is none."""
        if self.descriptors.space is None:
            raise ValueError(NO_BOX)
        return self.descriptors.space

    def draw_excitations(self, tasks: int, rng: np.random.Generator) -> list[Runs]:
        """Draw what is done in the runs of so many tasks: alike in all of them, or in each its own.

        With recorded tasks it is nothing.
        """
        if self.excitation == "shared":
            return [self._draw_runs(rng)] * tasks
        return [self._draw_runs(rng) for _ in range(tasks)]

    def run(
        self,
        parameters: FloatArray,
        descriptors: FloatArray,
        excitations: Excitation | Sequence[Runs],
    ) -> TaskSet:
        """Run the tasks of parameters [N, D], seen as descriptors [N, ..., R], or look up what was recorded.

        `excitations` are the runs of each task, or the one excitation of all. What the runs of a task
        observe is put together, run after run. Raises SimulationError, naming the parameters, when a task
        cannot be run, and ValueError when the domain returns what are no transitions.
        """
        variables = self.domain.parameter_variables
        parameters = columns_of("parameters", parameters, variables)
        parameters.flags.writeable = False  # they are the truth, whatever a domain does
        if isinstance(excitations, Excitation):
            excitations = [[excitations]] * len(parameters)
        transitions = [
            self._runs(task, runs) for task, runs in zip(parameters, excitations, strict=True)
        ]
        every_run = [run for runs in transitions for run in runs]
        return TaskSet(
            inputs=np.concatenate([inputs for inputs, _ in every_run]),
            outputs=np.concatenate([outputs for _, outputs in every_run]),
            lengths=np.array([sum(len(inputs) for inputs, _ in runs) for runs in transitions]),
            descriptors=descriptors,
            parameters=parameters,
            input_variables=self.domain.input_variables,
            output_variables=self.domain.output_variables,
            descriptor_variables=self.descriptors.variables,
            parameter_variables=variables,
        )

    def _draw_runs(self, rng: np.random.Generator) -> Runs:
        if isinstance(self.domain, Records):
            return []
        return [self._draw_excitation(self.domain, rng) for _ in range(self.runs)]

    def _draw_excitation(self, domain: TaskDomain, rng: np.random.Generator) -> Excitation:
        try:
            drawn = domain.draw_excitation(rng)
        except Exception as error:
            raise ValueError(f"the domain's `draw_excitation`: {told(error)}") from error
        if not isinstance(drawn, Excitation):
            text = "expected a pamlflow.domains.base.Excitation"
            raise ValueError(f"the domain's `draw_excitation`: {text}, found {shown(drawn)}")
        return drawn

    def _runs(self, parameters: FloatArray, runs: Runs) -> list[Transitions]:
        domain = self.domain
        if isinstance(domain, Records):
            return [domain.record(parameters)]
        return [self._transitions(domain, parameters, excitation) for excitation in runs]

    def _transitions(
        self, domain: TaskDomain, parameters: FloatArray, excitation: Excitation
    ) -> Transitions:
        """Copies of the transitions of one run of a task.

        The domain may use the arrays that it returns again. Raises SimulationError where it fails, stops
        early, or returns numbers that are not finite.
        """
        steps = len(excitation.controls)
        task = with_units(domain.parameter_variables, parameters)
        try:
            found = domain.run(parameters, excitation)
            if not isinstance(found, tuple) or len(found) != 2:
                text = "expected pamlflow.domains.base.Transitions, inputs and outputs"
                raise ValueError(f"the domain's `run`: {text}, found {shown(found)}")
            inputs = columns_of("inputs", found[0], domain.input_variables)
            outputs = columns_of("outputs", found[1], domain.output_variables)
        except Exception as error:
            text = task_failed(domain.parameter_variables, parameters, error)
            if isinstance(error, SimulationError):
                # A class of the user's own may take other arguments.
                kinds = (EndedEarly, NotFinite, SimulationError)
                raise next(kind for kind in kinds if isinstance(error, kind))(text) from None
            raise SimulationError(text) from error
        columns = len(domain.input_variables), len(domain.output_variables)
        rows = len(inputs) if inputs.ndim else 0
        if (
            inputs.shape != (rows, columns[0])
            or outputs.shape != (rows, columns[1])
            or rows > steps
        ):
            raise ValueError(
                f"the domain's `run`: expected inputs [K, {columns[0]}] and outputs [K, "
                f"{columns[1]}], a row for each of {steps} steps and a column for each of its "
                f"variables, found shapes {inputs.shape} and {outputs.shape}"
            )
        spoilt = ~(np.isfinite(inputs).all(axis=1) & np.isfinite(outputs).all(axis=1))
        if spoilt.any():
            raise _unusable(NotFinite, task, f"is not finite in step {int(np.argmax(spoilt))}")
        if rows < steps:
            raise _unusable(EndedEarly, task, f"ended after {rows} of {steps} steps")
        return Transitions(inputs, outputs)

    def observe(
        self,
        descriptors: FloatArray,
        excitations: Excitation | Sequence[Runs],
        rng: np.random.Generator,
    ) -> TaskSet:
        """Run the tasks that descriptors [N, R] ask for; the world draws what they leave open.

        `excitations` are those of `run`; a task that takes the place of a failed one has its runs, and its
        descriptors in the result differ from those given. Raises SimulationError when a failed task is not
        to be replaced, or when those that took its place, up to 10, failed too.
        """
        if isinstance(excitations, Excitation):
            excitations = [[excitations]] * len(descriptors)
        parameters = self.descriptors.parameters(descriptors, rng)
        tasks = [
            self._run_or_replace(*task, rng)
            for task in zip(parameters, descriptors, excitations, strict=True)
        ]
        return TaskSet.joined(tasks)

    def _run_or_replace(
        self,
        parameters: FloatArray,
        descriptor: FloatArray,
        runs: Runs,
        rng: np.random.Generator,
    ) -> TaskSet:
        """Run one task of parameters [D], or one that takes its place."""
        replacements = MAX_REPLACEMENTS if self.failed_tasks == "replace" else 0
        while True:
            try:
                return self.run(parameters[None], descriptor[None], [runs])
            except SimulationError as error:
                if not replacements:
                    raise
                logger.warning("%s; a task drawn uniformly takes its place", error)
            replacements -= 1
            descriptor = self.space.sample(1, rng)[0]
            parameters = self.descriptors.parameters(descriptor[None], rng)[0]


def _unusable(kind: type[SimulationError], task: str, problem: str) -> SimulationError:
    text = "change `space` or `simulation` of the experiment"
    return kind(f"the task with {task} {problem}; {text}")
