"""Pictures by ray casting against geometry, and against OpenGL where there is one."""

import os
import subprocess
import sys
import time

import mujoco
import numpy as np
import pytest

from pamlflow.domains import MECHANISMS, make_domain, mechanics, rendering

HEIGHT = 6.0


def picture_of(*parameters, domain="cart_pole", size=64, height=HEIGHT, renderer="rays"):
    return make_domain(domain).picture(np.array(parameters), size, height, renderer)


def area(picture, brightness, height=HEIGHT):
    """The area in m^2 of what is drawn in one brightness alone."""
    return np.isclose(picture, brightness).mean() * height**2


@pytest.mark.parametrize("length", [0.5, 2.0, 4.5])
def test_a_pole_has_its_length_and_width_and_stands_on_the_cart(length):
    picture = picture_of(1.0, length)
    assert picture.shape == (64, 64, 1)
    np.testing.assert_array_equal(picture, picture[:, ::-1])
    column = picture[:, 32, 0]  # its middle is less than half a pole's width from the pole's axis
    drawn = HEIGHT / 64 * column.sum()
    above_cart = length + mechanics.DRAWN_RADIUS - 0.1
    assert drawn == pytest.approx(above_cart + 0.2 * mechanics.CART_BRIGHTNESS, abs=0.03)
    total = HEIGHT**2 * picture_of(1.0, length, size=256).mean()
    pole = 2 * mechanics.DRAWN_RADIUS * (length - 0.1) + np.pi * mechanics.DRAWN_RADIUS**2 / 2
    cart = 0.4 * 0.2 * mechanics.CART_BRIGHTNESS
    assert total == pytest.approx(pole + cart, rel=0.03)


def test_the_cart_is_in_the_lower_part_and_the_longest_pole_fits():
    rows = np.flatnonzero(picture_of(1.0, 4.5).any(axis=(1, 2)))
    assert 5 < rows[0] < 12 and 58 < rows[-1] < 63


def test_poles_that_differ_by_a_fraction_of_a_pixel_look_different():
    pictures = [picture_of(1.0, length) for length in (2.0, 2.02, 2.04)]
    brightness = [picture.sum() for picture in pictures]
    assert brightness == sorted(set(brightness))


def test_the_mass_does_not_show():
    np.testing.assert_array_equal(picture_of(1.0, 2.0), picture_of(4.0, 2.0))


def test_links_on_each_other_are_told_apart():
    picture = picture_of(2.0, 1.0, domain="pendubot")
    assert area(picture, 1.0) == pytest.approx(
        2 * area(picture, mechanics.OUTER_BRIGHTNESS), rel=0.1
    )
    swapped = picture_of(1.0, 2.0, domain="pendubot")
    assert not np.allclose(picture, swapped)


def test_a_picture_is_the_mean_of_samples_within_each_pixel():
    spec = mechanics.empty_model(0.01)
    make_domain("cart_pole").build(spec, 1.0, 2.0)
    samples = rendering.cast_rays(spec, 64, HEIGHT)
    picture = rendering.draw(spec, 16, HEIGHT, "rays")
    assert picture[7, 8, 0] == samples[28:32, 32:36].mean()
    assert set(np.unique(samples)) == {0.0, mechanics.CART_BRIGHTNESS, 1.0}


def test_rays_are_parallel_up_to_a_fraction_of_a_sample():
    """A plate at the depth of the cart's face is as wide as one in the plane of the origin."""
    widths = []
    for depth in (0.0, -0.15):
        spec = mujoco.MjSpec()
        plate = {
            "type": mujoco.mjtGeom.mjGEOM_BOX,
            "size": [2.5, 1e-3, 0.5],
            "pos": [0, depth, 2.5],
        }
        spec.worldbody.add_geom(**plate, group=rendering.PICTURE_GROUP, rgba=[1, 1, 1, 1])
        widths.append(rendering.cast_rays(spec, 2000, HEIGHT)[1000].sum() * HEIGHT / 2000)
    assert widths == pytest.approx([5.0, 5.0], abs=HEIGHT / 64 / rendering.SAMPLES / 4)


def test_geoms_that_are_not_for_pictures_are_not_seen():
    spec = mujoco.MjSpec()
    spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_SPHERE, size=[1, 0, 0])
    assert not rendering.draw(spec, 8, HEIGHT, "rays").any()


@pytest.mark.parametrize("name", MECHANISMS)
def test_what_is_drawn_leaves_the_physics_as_it_is(name, monkeypatch):
    """The same trajectories to the last bit without the geoms that are only drawn."""
    domain, rng = make_domain(name, steps=40), np.random.default_rng(0)
    excitation, task = domain.draw_excitation(rng), rng.uniform(0.5, 4.0, size=2)
    drawn = domain.simulate(task, excitation)
    integrate = mechanics.integrate
    deleted = []

    def plain(spec, *arguments):
        for geom in spec.geoms:
            if geom.type == mujoco.mjtGeom.mjGEOM_CAPSULE and geom.group == rendering.PICTURE_GROUP:
                deleted.append(geom.mass)
                spec.delete(geom)
        return integrate(spec, *arguments)

    monkeypatch.setattr(mechanics, "integrate", plain)
    np.testing.assert_array_equal(domain.simulate(task, excitation), drawn)
    assert deleted == [0.0] * (1 if name == "cart_pole" else 2)


def test_pictures_are_the_same_bits_in_another_process():
    code = (
        "import numpy, sys; from pamlflow.domains import make_domain;"
        "picture = make_domain('cart_pole').picture(numpy.array([1.0, 1.3]), 32, 6.0, 'rays');"
        "sys.stdout.buffer.write(picture.tobytes())"
    )
    other = subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.PIPE).stdout
    assert other == picture_of(1.0, 1.3, size=32).tobytes()


def test_hundred_pictures_take_about_a_second():
    start = time.process_time()
    for length in np.linspace(0.5, 4.5, 100):
        picture_of(1.0, length)
    assert time.process_time() - start < 5.0


def test_unknown_renderer_is_answered_with_the_nearest():
    with pytest.raises(ValueError, match="unknown renderer 'ray': did you mean 'rays'"):
        picture_of(1.0, 1.0, renderer="ray")


def test_a_picture_that_cuts_a_link_off_is_refused():
    with pytest.raises(ValueError, match=r"pole_length = 4\.0 m: its picture is cut off .* 4\.0 m"):
        picture_of(1.0, 4.0, height=4.0)


def test_parameters_must_be_positive():
    with pytest.raises(ValueError, match=r"pole_length = -1\.0 m: parameters must be positive"):
        picture_of(1.0, -1.0)


def test_without_opengl_there_is_a_way_out():
    code = (
        "import numpy; from pamlflow.domains import make_domain;"
        "make_domain('cart_pole').picture(numpy.ones(2), 8, 6.0, 'gl')"
    )
    environment = {**os.environ, "MUJOCO_GL": "disable"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    message = done.stderr.splitlines()[-1]
    assert message.startswith("ValueError: renderer 'gl' finds no OpenGL")
    assert "pyopengl" in message and "libegl1" in message and "`renderer: rays`" in message


def test_opengl_draws_the_same_pictures(tmp_path):
    """MuJoCo is told to use EGL before it is loaded; capsules are polygons there, and brightness has 8 bits."""
    drawn = tmp_path / "drawn.npy"
    tasks = [("cart_pole", (1.0, 0.5)), ("cart_pole", (1.0, 4.5)), ("pendubot", (2.0, 1.0))]
    code = (
        "import numpy; from pamlflow.domains import make_domain;"
        "numpy.save({!r}, [make_domain(domain).picture(numpy.array(task), 64, 6.0, 'gl')"
        " for domain, task in {!r}])"
    )
    environment = {**os.environ, "MUJOCO_GL": "egl"}
    command = [sys.executable, "-c", code.format(str(drawn), tasks)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if "finds no OpenGL" in done.stderr:
        pytest.skip(done.stderr.splitlines()[-1])
    cast = [picture_of(*task, domain=domain) for domain, task in tasks]
    error = np.abs(np.load(drawn) - cast)
    assert error.max() < 0.15 and error.mean(axis=(1, 2, 3)).max() < 1e-3
