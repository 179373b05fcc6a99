"""Use a model in a process of its own, to see what it loads."""

from __future__ import annotations

import importlib
import pickle
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from pamlflow.models.interface import ModelKind, TaskArrays
from pamlflow.types import FloatArray

HEAVY = ("tensorflow", "gpflow")

_START = (
    "import pickle, sys; sys.path[:] = pickle.load(sys.stdin.buffer); "
    "from pamlflow.testing import apart; apart.main()"
)


def place_of(kind: ModelKind) -> str | None:
    """Return where a job finds a kind, as `package.module:Name`; None where no module has it."""
    first = getattr(kind.fit, "__module__", "")
    for module in sorted(sys.modules, key=lambda name: name != first):
        for name, value in list(vars(sys.modules[module]).items()):
            if value is kind and module != "__main__":
                return f"{module}:{name}"
    return None


def heavy_modules(
    place: str, datasets: Mapping[str, Any], descriptors: FloatArray, data: TaskArrays
) -> list[str]:
    """Return which of HEAVY a fresh process has loaded that loads a model, infers and predicts.

    Raises RuntimeError with the last line of its errors where it fails.
    """
    given = pickle.dumps(sys.path) + pickle.dumps((place, dict(datasets), descriptors, data))
    command = [sys.executable, "-c", _START]
    run = subprocess.run(command, input=given, capture_output=True, check=False)
    if run.returncode != 0:
        raise RuntimeError(run.stderr.decode().strip().rpartition("\n")[2])
    return run.stdout.decode().split()


def main() -> None:
    """Do what `heavy_modules` says, in the process of its own."""
    place, datasets, descriptors, data = pickle.load(sys.stdin.buffer)
    module, _, name = place.partition(":")
    model = getattr(importlib.import_module(module), name).load(datasets)
    for known in ({"descriptors": descriptors}, {"data": data}):
        model.predict(data.inputs, model.infer(**known))
    print(*(name for name in HEAVY if name in sys.modules))
