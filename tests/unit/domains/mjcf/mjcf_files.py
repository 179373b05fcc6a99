"""Small MJCF files, and domains made of them."""

from pamlflow.domains import make_domain

CART_POLE = """
<mujoco>
  <option timestep="0.01" integrator="RK4"><flag contact="disable"/></option>
  <worldbody>
    <body name="cart">
      <joint name="rail" type="slide" axis="1 0 0"/>
      <geom type="box" size="0.2 0.15 0.1" mass="1"/>
      <body name="pole">
        <joint name="hinge" axis="0 1 0"/>
        <geom type="capsule" fromto="0 0 0 0 0 1" size="0.045" mass="1"/>
      </body>
    </body>
  </worldbody>
  <actuator><motor joint="rail"/></actuator>
</mujoco>
"""

LINK = """
<mujoco>
  <option timestep="0.002" integrator="RK4"/>
  <worldbody>
    <body name="link">
      <joint name="hinge" axis="0 1 0" damping="0"/>
      <geom name="rod" type="capsule" fromto="0 0 0 0 0 -1" size="0.02" density="1000"/>
    </body>
  </worldbody>
</mujoco>
"""

FLOATING = """
<mujoco>
  <option timestep="0.001" gravity="0 0 0" integrator="RK4"/>
  <worldbody>
    <body name="ball">
      <freejoint name="root"/>
      <geom name="ball" type="sphere" size="0.1" mass="1"/>
      <body name="arm" pos="0.2 0 0">
        <joint name="socket" type="ball" damping="0.1"/>
        <geom name="arm" type="capsule" fromto="0 0 0 0.3 0 0" size="0.02" mass="0.2"/>
      </body>
    </body>
  </worldbody>
</mujoco>
"""

ACTUATED = """
<mujoco>
  <option timestep="0.002"/>
  <worldbody>
    <body name="box">
      <joint name="rail" type="slide" axis="1 0 0" damping="1" range="-5 5"/>
      <joint name="turn" axis="0 0 1" damping="1" armature="0.1"/>
      <geom name="box" type="box" size="0.1 0.1 0.1" mass="2"/>
      <site name="corner" pos="0.1 0.1 0.1"/>
    </body>
  </worldbody>
  <actuator>
    <motor name="push" joint="rail" ctrlrange="-1 3" gear="10"/>
    <general name="slow" joint="turn" ctrlrange="-1 1" dyntype="filter" dynprm="0.2"/>
  </actuator>
  <sensor>
    <jointpos name="where" joint="rail"/>
    <jointpos name="heading" joint="turn"/>
    <jointvel name="turning" joint="turn"/>
    <framelinvel name="pace" objtype="body" objname="box"/>
    <accelerometer name="shock" site="corner"/>
  </sensor>
  <keyframe>
    <key name="away" qpos="1.5 0.5" qvel="0.1 0" act="0.3" ctrl="0 0.3"/>
  </keyframe>
</mujoco>
"""


def domain_of(
    folder, text, parameters, *, time_step=0.02, substeps=20, steps=50, noise=0.0, **more
):
    """The domain of an MJCF file of this text; `more` are its other options."""
    path = folder / "model.xml"
    path.write_text(text, encoding="utf-8")
    options = {"file": str(path), "parameters": parameters, **more}
    simulation = {"steps": steps, "time_step": time_step, "substeps": substeps}
    return make_domain("mjcf", options, initial_noise=noise, **simulation)
