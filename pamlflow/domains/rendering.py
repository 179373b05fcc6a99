"""Pictures of MuJoCo models in the upright state, seen along the y axis from so far that rays are parallel.

Only geoms of PICTURE_GROUP are drawn, each in the brightness of its `rgba`, on black. A pixel is the mean
of 4 x 4 samples, so that a link's end shows in the brightness of its pixel.
"""

import functools
from collections.abc import Callable

import mujoco
import numpy as np

from pamlflow import plugins
from pamlflow.types import FloatArray

PICTURE_GROUP = 1
SAMPLES = 4  # of a pixel, along each side
DISTANCE = 1000.0  # of the eye, in m
BELOW = 1 / 12  # share of the field of view below the origin

_IN_PICTURE = np.arange(6) == PICTURE_GROUP


def draw(spec: mujoco.MjSpec, size: int, height: float, renderer: str) -> FloatArray:
    """Return the picture [size, size, 1], in 0..1 and top row first, of a square field of `height` m.

    Raises ValueError when `renderer` is unknown or does not run here.
    """
    samples = plugins.load(renderer, RENDERERS, "renderer")(spec, size * SAMPLES, height)
    picture: FloatArray = samples.reshape(size, SAMPLES, size, SAMPLES).mean(axis=(1, 3))
    return picture[:, :, None]


def cast_rays(spec: mujoco.MjSpec, rays: int, height: float) -> FloatArray:
    """Return the brightness [rays, rays] that rays from one far point meet first; needs MuJoCo alone."""
    model, data = _upright(spec)
    offsets = height * ((np.arange(rays) + 0.5) / rays - 0.5)
    directions = np.empty((rays, rays, 3))
    directions[..., 0] = offsets
    directions[..., 1] = DISTANCE
    directions[..., 2] = -offsets[:, None]
    eye = np.array([0.0, -DISTANCE, _middle(height)])
    geoms, distances = np.empty(rays**2, dtype=np.int32), np.empty(rays**2)
    mujoco.mj_multiRay(
        model,
        data,
        eye,
        directions.ravel(),
        _IN_PICTURE.astype(np.uint8),
        True,
        -1,
        geoms,
        distances,
        None,
        rays**2,
        mujoco.mjMAXVAL,
    )
    brightness = np.append(model.geom_rgba[:, 0], 0.0)  # geom -1 is the background
    seen: FloatArray = brightness[geoms].reshape(rays, rays)
    return seen


def render_gl(spec: mujoco.MjSpec, pixels: int, height: float) -> FloatArray:
    """Return the brightness [pixels, pixels] that OpenGL draws, in steps of 1/255.

    Raises ValueError when there is no OpenGL.
    """
    light = spec.visual.headlight
    light.ambient, light.diffuse, light.specular = [1.0] * 3, [0.0] * 3, [0.0] * 3
    spec.visual.global_.fovy = height  # of an orthographic camera, in m
    spec.stat.extent = DISTANCE  # the depths at which the scene is cut off are relative to it
    model, data = _upright(spec)
    camera, option = mujoco.MjvCamera(), mujoco.MjvOption()
    camera.orthographic = 1
    camera.lookat[:] = 0.0, 0.0, _middle(height)
    camera.distance, camera.azimuth, camera.elevation = DISTANCE, 90.0, 0.0
    option.geomgroup[:] = _IN_PICTURE
    renderer, everything = _gl_renderer(pixels), mujoco.mjtCatBit.mjCAT_ALL
    mujoco.mjv_updateScene(model, data, option, None, camera, everything, renderer.scene)
    seen: FloatArray = renderer.render()[:, :, 0] / 255.0
    return seen


RENDERERS: dict[str, Callable[[mujoco.MjSpec, int, float], FloatArray]] = {
    "rays": cast_rays,
    "gl": render_gl,
}


@functools.cache
def _gl_renderer(pixels: int) -> mujoco.Renderer:
    """One OpenGL context for all models: to make one takes longer than to draw a hundred pictures."""
    spec = mujoco.MjSpec()
    spec.visual.global_.offwidth = spec.visual.global_.offheight = pixels
    spec.visual.quality.offsamples = 0
    try:
        return mujoco.Renderer(spec.compile(), pixels, pixels)
    except (ImportError, AttributeError, RuntimeError, mujoco.FatalError) as error:
        raise ValueError(
            f"renderer 'gl' finds no OpenGL ({error}): install the Python package pyopengl "
            f"(pip install -e '.[gl]') and the system package libegl1 and set MUJOCO_GL=egl, or say "
            f"`renderer: rays`, which needs none"
        ) from error


def _upright(spec: mujoco.MjSpec) -> tuple[mujoco.MjModel, mujoco.MjData]:
    model = spec.compile()
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    return model, data


def _middle(height: float) -> float:
    """The height in m of the middle of the picture."""
    return (0.5 - BELOW) * height
