"""Whether a user's domain has all that it needs, and which of its tasks failed."""

import inspect
from collections.abc import Mapping, Sequence

from pamlflow.arrays import shown
from pamlflow.domains.base import Domain, PicturedDomain, SimulationError, TaskDomain
from pamlflow.domains.records import Records
from pamlflow.plugins import PartError, told
from pamlflow.settings import SettingError
from pamlflow.tasks import TaskSet, Variable, with_units
from pamlflow.types import FloatArray

VARIABLES = ("parameter_variables", "input_variables", "output_variables")
METHODS = {
    "draw_excitation": ("rng",),
    "run": ("parameters", "excitation"),
}
PICTURE = {"picture": ("parameters", "size", "height", "renderer")}

OLD_METHODS = ("simulate", "transitions")
RUN = (
    "def run(self, parameters, excitation): states = self.simulate(parameters, excitation); "
    "return self.transitions(states, excitation.controls)"
)
"""The method that a domain of version 0.1 lacks, which had OLD_METHODS."""


def require_domain(what: str, found: object) -> TaskDomain:
    """Return `found` as a domain, or raise PartError that says of `what` it lacks."""
    problems = [*_method_problems(found, METHODS), *_variable_problems(found)]
    if not hasattr(found, "run") and all(hasattr(found, name) for name in OLD_METHODS):
        problems.append(f"it has `simulate` and `transitions`, so this method will do: `{RUN}`")
    if problems:
        text = "; ".join(problems)
        raise PartError(f"{what}: {text}; see pamlflow.domains.base.TaskDomain")
    assert isinstance(found, TaskDomain)
    return found


def require_records(what: str, found: object) -> Records:
    """Return the tasks of a recorded domain, or raise PartError that says of `what` is wrong with them.

    A SettingError says which of its options is.
    """
    try:
        tasks = getattr(found, "tasks")  # noqa: B009  # that it is there is what is checked
    except SettingError:
        raise
    except Exception as error:
        raise PartError(f"{what}: `tasks`: {told(error)}") from error
    if not isinstance(tasks, TaskSet):
        raise PartError(f"{what}: `tasks`: expected a pamlflow.tasks.TaskSet, found {shown(tasks)}")
    try:
        return Records(tasks)
    except ValueError as error:
        raise PartError(f"{what}: {error}") from error


def require_pictures(what: str, found: Domain) -> PicturedDomain:
    """Return `found` as a domain with pictures, or raise ValueError that says of `what` it lacks."""
    if problems := _method_problems(found, PICTURE):
        text = f"cannot show its tasks: {'; '.join(problems)}"
        raise ValueError(f"{what} {text}; see pamlflow.domains.base.PicturedDomain")
    assert isinstance(found, PicturedDomain)
    return found


def task_failed(variables: Sequence[Variable], parameters: FloatArray, error: Exception) -> str:
    """Return why a domain could not run or draw the task with `parameters` [D], and where."""
    task = with_units(variables, parameters)
    is_said = isinstance(error, SimulationError)
    text = " ".join(str(error).split()) if is_said else told(error)
    return text if task in text else f"the task with {task}: {text}"


def _method_problems(found: object, methods: Mapping[str, Sequence[str]]) -> list[str]:
    problems = []
    for name, arguments in methods.items():
        method, call = getattr(found, name, None), f"`{name}({', '.join(arguments)})`"
        if not callable(method):
            problems.append(f"{type(found).__name__} lacks the method {call}")
            continue
        try:
            inspect.signature(method).bind(*arguments)
        except TypeError as error:
            code = getattr(getattr(method, "__func__", method), "__code__", None)
            place = f" ({code.co_filename}, line {code.co_firstlineno})" if code else ""
            problems.append(f"expected a method {call}, found one that differs: {error}{place}")
        except ValueError:  # compiled code tells no signature
            continue
    return problems


def _variable_problems(found: object) -> list[str]:
    problems = []
    for name in VARIABLES:
        try:
            variables = getattr(found, name)
        except AttributeError:
            problems.append(f"{type(found).__name__} lacks the attribute `{name}`")
            continue
        except Exception as error:
            problems.append(f"`{name}`: {told(error)}")
            continue
        is_sequence = isinstance(variables, Sequence) and not isinstance(variables, str)
        if not is_sequence or not all(isinstance(each, Variable) for each in variables):
            text = 'a tuple of pamlflow.tasks.Variable("mass", "kg") and the like'
            problems.append(f"`{name}`: expected {text}, found {shown(variables)}")
        elif len({each.name for each in variables}) != max(len(variables), 1):
            text = "at least one variable, and different names"
            problems.append(f"`{name}`: expected {text}, found {list(variables)}")
    return problems
