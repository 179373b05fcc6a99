"""The motion of a MuJoCo model under controls, until it ends or becomes unstable."""

import logging
from collections.abc import Iterator

import mujoco
import numpy as np

from pamlflow.domains.base import SimulationError
from pamlflow.types import FloatArray

# By default MuJoCo writes its warnings to MUJOCO_LOG.TXT in the current folder.
mujoco.set_mju_user_warning(logging.getLogger(__name__).warning)

NO_RESET = mujoco.mjtDisableBit.mjDSBL_AUTORESET
"""The flag without which an unstable simulation silently starts again from the initial state of the model."""


def driven(
    model: mujoco.MjModel, data: mujoco.MjData, controls: FloatArray, substeps: int, task: str
) -> Iterator[int]:
    """Hold each of the controls [K, nu] for `substeps` steps of the model, and yield its number after it.

    The model has NO_RESET. Raises SimulationError, naming the `task`, when the simulation is unstable.
    """
    for step, control in enumerate(controls):
        data.ctrl[:] = control
        mujoco.mj_step(model, data, nstep=substeps)
        # MuJoCo looks at a state only when it leaves it, and so never at the last one.
        state = np.concatenate([data.qpos, data.qvel, data.act])
        in_range = bool((np.abs(state) < mujoco.mjMAXVAL).all())
        if data.warning.number.any() or not in_range:
            raise SimulationError(
                f"{task}: the simulation is unstable at control step {step}, state {state}"
                f"{_warned(data)}; take a smaller time_step or more substeps"
            )
        yield step


def _warned(data: mujoco.MjData) -> str:
    """Which warnings MuJoCo gave, by its names of them."""
    numbers = np.flatnonzero(data.warning.number)
    names = ", ".join(mujoco.mjtWarning(int(number)).name for number in numbers)
    return f" (MuJoCo warns of {names})" if names else ""
