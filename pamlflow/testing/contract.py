"""What the checks share: what a part must leave alone, and how a fault is told."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pamlflow import plugins
from pamlflow.arrays import shown
from pamlflow.settings import Settings
from pamlflow.types import FloatArray

UNKNOWN_KEY = "no_such_setting"


@dataclass(frozen=True)
class Contract:
    """The contract of one part, which messages call `part`."""

    part: str

    def require(self, holds: bool | np.bool_, where: str, expected: str, found: object) -> None:
        """Raise AssertionError unless something holds."""
        if not holds:
            told = found if isinstance(found, str) else shown(found)
            raise AssertionError(f"{self.part}: {where}: expected {expected}, found {told}")

    @contextlib.contextmanager
    def calling(self, where: str, **given: FloatArray | None) -> Iterator[None]:
        """Run the part; AssertionError when it raises, draws global random numbers or changes what is given."""
        arrays = {name: values for name, values in given.items() if values is not None}
        before = {name: values.copy() for name, values in arrays.items()}
        state = _global_random_numbers()
        try:
            yield
        except (Exception, SystemExit) as error:
            expected = "no error"
            if "read-only" in str(error):
                expected = "what it is given to be left as it is (copy it before you write to it)"
            self.require(False, where, expected, plugins.told(error))
        expected = "random numbers from the generator that it is given"
        found = "that it drew from, or seeded, `np.random` or `random`"
        self.require(_global_random_numbers() == state, where, expected, found)
        for name, values in arrays.items():
            same = np.array_equal(values, before[name])
            self.require(same, where, f"`{name}` to be left as it is", "that it was written to")

    def refuses(
        self, where: str, call: Callable[[], object], kind: type[Exception] = ValueError
    ) -> None:
        """Raise AssertionError unless the call raises an error of this kind."""
        try:
            call()
        except kind:
            return
        except Exception as error:
            self.require(False, where, f"a {kind.__name__}", plugins.told(error))
        self.require(False, where, f"a {kind.__name__}", "that it was accepted")

    def same(self, where: str, one: Mapping[str, Any], other: Mapping[str, Any]) -> None:
        """Raise AssertionError unless two runs gave the same arrays, bit by bit."""
        expected = "the same numbers"
        self.require(one.keys() == other.keys(), where, expected, f"{list(one)} and {list(other)}")
        for name, values in one.items():
            same = np.array_equal(np.asarray(values), np.asarray(other[name]))
            self.require(same, where, expected, f"that `{name}` differs")

    def settings(self, name: str, found: object) -> type[Settings]:
        """Return a class of settings that has defaults and refuses unknown keys."""
        text = "a class derived from pamlflow.settings.Settings"
        is_class = isinstance(found, type) and issubclass(found, Settings)
        self.require(is_class, f"`{name}`", text, found)
        assert isinstance(found, type) and issubclass(found, Settings)
        with self.calling(f"`{name}`, made of defaults alone"):
            found.from_config({})
        self.refuses(f"`{name}` with an unknown key", lambda: found.from_config({UNKNOWN_KEY: 1}))
        return found


def frozen(values: npt.ArrayLike) -> FloatArray:
    """Return a copy of an array that cannot be written to."""
    array: FloatArray = np.array(values, dtype=np.float64)
    array.flags.writeable = False
    return array


def _global_random_numbers() -> tuple[Any, ...]:
    """The state of NumPy's and Python's global random numbers."""
    kind, keys, *rest = np.random.get_state(legacy=True)
    return kind, np.asarray(keys).tobytes(), tuple(rest), random.getstate()
