"""A model moves under controls, and what MuJoCo would hide is told."""

import mujoco
import numpy as np
import pytest

from pamlflow.domains.base import SimulationError
from pamlflow.domains.stepping import NO_RESET, driven

BLOCK = """
<mujoco><option timestep="0.01" gravity="0 0 0"/><worldbody><body>
  <joint name="rail" type="slide" axis="1 0 0"/><geom size="0.1" mass="2"/>
</body></worldbody><actuator><motor joint="rail"/></actuator></mujoco>
"""


@pytest.fixture
def block():
    """A block of 2 kg on a rail without friction, its model and its state."""
    model = mujoco.MjModel.from_xml_string(BLOCK)
    model.opt.disableflags |= int(NO_RESET)
    return model, mujoco.MjData(model)


def test_each_control_is_held_for_all_of_its_steps(block):
    controls = np.array([[4.0], [0.0], [-2.0]])
    velocities = [block[1].qvel[0] for _ in driven(*block, controls, 5, "it")]
    np.testing.assert_allclose(velocities, np.cumsum([4.0, 0.0, -2.0]) * 0.05 / 2.0, atol=1e-12)
    assert block[1].time == pytest.approx(0.15)


def test_a_warning_of_mujoco_ends_the_motion_and_is_named(block):
    model, data = block
    steps = driven(model, data, np.zeros((5, 1)), 1, "the block")
    assert next(steps) == 0
    data.qvel[0] = np.nan
    with pytest.raises(SimulationError, match=r"the block: .* at control step 1.*mjWARN_BADQVEL"):
        next(steps)


def test_a_huge_state_that_mujoco_has_not_looked_at_is_found(block):
    model, data = block
    data.qpos[0], data.qvel[0] = 9.95e9, 9e9  # MuJoCo's largest number is 1e10
    with pytest.raises(SimulationError, match="unstable at control step 0, state") as raised:
        list(driven(model, data, np.zeros((1, 1)), 1, "the block"))
    assert "mjWARN" not in str(raised.value)
