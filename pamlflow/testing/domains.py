"""Check a domain: all that the workflow asks of it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from pamlflow.diagnosis.effects import effects, without_effect
from pamlflow.domains import has_records, own_options
from pamlflow.domains.base import (
    Excitation,
    PicturedDomain,
    RecordedDomain,
    SimulationError,
    TaskDomain,
    Transitions,
)
from pamlflow.domains.checks import require_domain, require_pictures, require_records
from pamlflow.settings import Settings
from pamlflow.spaces import Box
from pamlflow.tasks import with_units
from pamlflow.testing.contract import UNKNOWN_KEY, Contract, frozen
from pamlflow.types import FloatArray

SIMULATION = {"steps": 12, "time_step": 0.05, "substeps": 2, "initial_noise": 0.05}
"""What a domain is made with, as from the section `simulation`."""

TASKS = 4  # that are run, all over the space
PIXELS = 16

logger = logging.getLogger(__name__)


def check_domain(
    domain: Callable[..., TaskDomain | RecordedDomain],
    space: Mapping[str, Sequence[float]],
    *,
    options: Mapping[str, Any] | None = None,
    fails: Mapping[str, float] | None = None,
    picture_height: float = 4.0,
) -> tuple[str, ...]:
    """Check that a domain does all that pamlflow expects of one.

    It is made as from a configuration, and runs a few tasks.  The same task and excitation must give the
    same transitions, whatever was run before; each run has arrays of its own; what it is given stays as it is.
    If it has pictures, these are checked in the same way.  A domain of recorded tasks is made with its options
    alone; its tasks must be the same each time, differ in what is known of them, and lie in the space.

    Args:
        domain: the class, or what the configuration calls to make the domain.
        space: lowest and highest value of each parameter, as a configuration has them.
        options: settings as `experiments.<name>.options` has them; the defaults, if there are none.
        fails: the parameters of a task that cannot be run, for which it must raise SimulationError.
        picture_height: height in m of the field of view of a picture, if there are any.

    Returns:
        The parameters that have no effect on the transitions.  They may be meant to have none.

    Raises:
        AssertionError: the domain breaks the contract; the message says where and how.
    """
    contract = Contract(f"domain '{getattr(domain, '__name__', type(domain).__name__)}'")
    _check_options(contract, domain, options or {})
    if has_records(domain):
        _check_records(contract, domain, options or {}, space)
        return ()
    checker = _Checker(contract, domain, options or {}, space)
    checker.check_excitations()
    checker.check_runs()
    if fails is not None:
        checker.check_failure(fails)
    if hasattr(checker.domain, "picture"):
        checker.check_pictures(picture_height)
    return checker.without_effect()


def _check_options(
    contract: Contract, make: Callable[..., Any], options: Mapping[str, Any]
) -> None:
    """An option that a domain does not know is refused, and a class of options is one of settings."""
    defaults = getattr(make, "options", None)
    if defaults is not None:
        is_one = isinstance(defaults, Settings)
        contract.require(is_one, "`options`", "pamlflow.settings.Settings", defaults)
        contract.settings("options", type(defaults))
    unknown = {**options, UNKNOWN_KEY: 1}
    where = "an option that it does not know"
    contract.refuses(where, lambda: own_options(contract.part, make, unknown))


def _check_records(
    contract: Contract,
    make: Callable[..., Any],
    options: Mapping[str, Any],
    space: Mapping[str, Sequence[float]],
) -> None:
    """Recorded tasks are the same each time, can be told apart, and lie in the space."""
    found = []
    for _ in range(2):
        with contract.calling(f"`tasks` with options {dict(options)}"):
            made = make(**own_options(contract.part, make, options))
            found.append(require_records("it", made))
    contract.same("`tasks`, asked for twice", *(it.tasks.to_datasets() for it in found))
    with contract.calling("`space`"):
        found[0].require_within(Box.from_config(space, found[0].parameter_variables))


class _Checker:
    """Makes domains and looks at what they do."""

    def __init__(
        self,
        contract: Contract,
        make: Callable[..., Any],
        options: Mapping[str, Any],
        space: Mapping[str, Sequence[float]],
    ) -> None:
        self.contract, self.make, self.options = contract, make, options
        self.domain = self.made()
        with contract.calling("`space`"):
            self.box = Box.from_config(space, self.domain.parameter_variables)
        points = self.box.sobol(TASKS, np.random.default_rng(0))
        self.tasks = [frozen(point) for point in points]
        self.excitation = self.drawn(0)

    def made(self) -> TaskDomain:
        """Make a domain, as from a configuration."""
        where = f"made with {', '.join(SIMULATION)} and options {dict(self.options)}"
        with self.contract.calling(where):
            own = own_options(self.contract.part, self.make, self.options)
            domain = require_domain("it", self.make(**SIMULATION, **own))
        return domain

    def drawn(self, seed: int) -> Excitation:
        """Draw an excitation."""
        where = "`draw_excitation`"
        with self.contract.calling(where):
            drawn = self.domain.draw_excitation(np.random.default_rng(seed))
        is_one = isinstance(drawn, Excitation)
        self.contract.require(is_one, where, "a pamlflow.domains.base.Excitation", drawn)
        return drawn

    def run(
        self, domain: TaskDomain, parameters: FloatArray, excitation: Excitation
    ) -> dict[str, FloatArray]:
        """Run a task; its inputs and outputs are the domain's own arrays."""
        where = f"`run` of {with_units(domain.parameter_variables, parameters)}"
        require, steps = self.contract.require, len(excitation.controls)
        with self.contract.calling(where, parameters=parameters, **vars(excitation)):
            found = domain.run(parameters, excitation)
        is_pair = isinstance(found, tuple) and len(found) == 2
        require(is_pair, where, "pamlflow.domains.base.Transitions", found)
        arrays = {"inputs": found[0], "outputs": found[1]}
        counts = len(domain.input_variables), len(domain.output_variables)
        for (name, values), count in zip(arrays.items(), counts, strict=True):
            at, shape = f"{where}, {name}", (steps, count)
            text = f"shape {shape}, a row for each control and a column for each variable"
            require(np.shape(values) == shape, at, text, f"{np.shape(values)}")
            require(bool(np.isfinite(values).all()), at, "finite numbers", values)
        return arrays

    def check_excitations(self) -> None:
        """The same generator gives the same excitation, and another one another."""
        where = "`draw_excitation`, twice with the same generator"
        self.contract.same(where, vars(self.drawn(0)), vars(self.drawn(0)))
        other = vars(self.drawn(1))
        differs = any(
            not np.array_equal(values, other[name]) for name, values in vars(self.drawn(0)).items()
        )
        text = "other controls or another initial state"
        self.contract.require(differs, "`draw_excitation` with another seed", text, "the same")

    def check_runs(self) -> None:
        """Tasks give the same transitions at any time, in arrays of their own, and differ."""
        first = self.run(self.domain, self.tasks[0], self.excitation)
        kept = {name: np.array(values) for name, values in first.items()}
        for task in self.tasks[1:]:
            self.run(self.domain, task, self.drawn(1))
        where, text = "`run` of another task", "arrays of its own"
        for name, values in first.items():
            same = np.array_equal(values, kept[name])
            self.contract.require(same, where, text, f"that the `{name}` of the first changed")
        for where, domain in (
            ("`run` of the same task after others", self.domain),
            ("`run` of the same task by another object", self.made()),
        ):
            self.contract.same(where, kept, self.run(domain, self.tasks[0], self.excitation))

    def without_effect(self) -> tuple[str, ...]:
        """The parameters that change nothing, in the middle of the space; not all of them may."""

        def run(parameters: FloatArray) -> Transitions:
            return Transitions(**self.run(self.domain, parameters, self.excitation))

        names = without_effect(self.domain.parameter_variables, effects(run, self.box))
        some = len(names) < len(self.domain.parameter_variables)
        text = "different tasks to have different transitions"
        self.contract.require(some, "`run`", text, f"that {', '.join(names)} change nothing")
        for name in names:
            logger.warning("%s: parameter '%s' has no effect", self.contract.part, name)
        return names

    def check_failure(self, fails: Mapping[str, float]) -> None:
        """A task that cannot be run is a SimulationError, and the domain goes on after it."""
        names = [variable.name for variable in self.domain.parameter_variables]
        text = f"a value for each of {names}"
        self.contract.require(set(fails) == set(names), "`fails`", text, f"{dict(fails)}")
        wrong = frozen([fails[name] for name in names])
        where = (
            f"`run` of {with_units(self.domain.parameter_variables, wrong)}, which cannot be run"
        )
        before = self.run(self.domain, self.tasks[0], self.excitation)
        kept = {name: np.array(values) for name, values in before.items()}
        self.contract.refuses(
            where, lambda: self.domain.run(wrong, self.excitation), SimulationError
        )
        after = self.run(self.domain, self.tasks[0], self.excitation)
        self.contract.same("`run` after a task that cannot be run", kept, after)

    def check_pictures(self, height: float) -> None:
        """Pictures are of one size, in 0..1, the same at any time, and in arrays of their own."""
        require = self.contract.require
        with self.contract.calling("`picture`"):
            pictured = require_pictures("it", self.domain)
        first = self.picture(pictured, self.tasks[0], height)
        kept = first.copy()
        for task in self.tasks[1:]:
            self.picture(pictured, task, height)
        where = "`picture` of another task"
        found = "that that of the first changed"
        require(np.array_equal(first, kept), where, "an array of its own", found)
        again = self.picture(pictured, self.tasks[0], height)
        self.contract.same("`picture`, drawn twice", {"picture": kept}, {"picture": again})

    def picture(self, domain: PicturedDomain, parameters: FloatArray, height: float) -> FloatArray:
        """Draw a picture of a task."""
        where = f"`picture` of {with_units(domain.parameter_variables, parameters)}"
        require, shape = self.contract.require, (PIXELS, PIXELS, 1)
        with self.contract.calling(where, parameters=parameters):
            picture = domain.picture(parameters, PIXELS, height, "rays")
        require(np.shape(picture) == shape, where, f"shape {shape}", f"{np.shape(picture)}")
        inside = bool(np.all((picture >= 0.0) & (picture <= 1.0)))
        require(inside, where, "numbers from 0 to 1", picture)
        return picture
