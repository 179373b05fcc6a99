"""What a configuration says of an MJCF file, and the files that it names."""

import dataclasses
import json

import numpy as np
import pytest
from mjcf_files import LINK

from pamlflow.domains.mjcf.options import Control, MjcfOptions, Parameter
from pamlflow.settings import SettingError, Settings


@pytest.mark.parametrize(
    "given", ["body:a.mass", ["body:a.mass"], {"body:a.mass": 1}, ("body:a.mass",)]
)
def test_a_text_a_list_and_a_section_name_targets(given):
    assert Parameter(sets=given).sets == {"body:a.mass": 1.0}
    assert Parameter(scales=given).scales == {"body:a.mass": 1.0}


def test_options_are_those_of_the_section_and_of_nothing_else():
    section = {
        "file": "robot.xml",
        "parameters": {"m": {"unit": "kg", "sets": ["body:a.mass", "body:b.mass"]}},
        "controls": {"left": {"high": 2}},
        "policy": {"hold": 3},
        "observed": ["joint:*"],
    }
    options = MjcfOptions().changed(section)
    assert options.parameters["m"] == Parameter("kg", {"body:a.mass": 1.0, "body:b.mass": 1.0})
    assert (options.policy.hold, options.policy.kind) == (3, "held")
    assert options.controls == {"left": Control(high=2.0)}
    assert options.observed == ("joint:*",) and options.start == MjcfOptions().start
    written = json.loads(json.dumps(options.to_config()))
    assert MjcfOptions.from_config(written) == options
    assert dataclasses.is_dataclass(options) and isinstance(options, Settings)


@pytest.mark.parametrize(
    ("section", "message"),
    [
        (
            {"parameters": {"m": {"set": "x"}}},
            "parameters.m.set: unknown key; did you mean 'sets'?",
        ),
        ({"parameters": {"m": 3}}, "parameters.m: expected a section of keys, found 3"),
        ({"parameters": ["m"]}, "parameters: expected a section of names"),
        (
            {"parameters": {"m": {"sets": 3}}},
            "m.sets: expected targets such as body:arm.mass, or a factor",
        ),
        ({"parameters": {"m": {"sets": [3]}}}, r"m.sets: expected targets such as .* found \[3\]"),
        ({"parameters": {"m": {"sets": {"a": "b"}}}}, "m.sets.a: expected a number, found 'b'"),
        ({"parameters": {"m": {"unit": 3}}}, "parameters.m.unit: expected str, found 3"),
        ({"start": {"positions": {"j": None}}}, "start.positions.j: expected a number, found None"),
        ({"observed": "joint:*"}, "observed: expected a list of names"),
        ({"fil": "x"}, r"fil: unknown key; did you mean 'file'\?"),
    ],
)
def test_what_means_nothing_is_refused_where_it_stands(section, message):
    with pytest.raises(SettingError, match=message):
        MjcfOptions.from_config(section)


def test_a_file_is_found_from_the_working_directory(tmp_path, monkeypatch):
    (tmp_path / "robots").mkdir()
    (tmp_path / "robots" / "arm.xml").write_text(LINK)
    monkeypatch.chdir(tmp_path)
    assert MjcfOptions(file="robots/arm.xml").path == tmp_path / "robots" / "arm.xml"
    assert MjcfOptions(file=str(tmp_path / "robots" / "arm.xml")).path.is_file()
    with pytest.raises(SettingError, match=r"no such file: .*; did you mean 'robots/arm.xml'\?"):
        _ = MjcfOptions(file="robots/arn.xml").path
    with pytest.raises(SettingError, match="file: missing, expected an MJCF file"):
        _ = MjcfOptions().path


def test_a_file_is_found_in_a_package_that_is_not_imported(tmp_path, monkeypatch):
    package = tmp_path / "some_robots"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    (package / "arm.xml").write_text(LINK)
    monkeypatch.syspath_prepend(tmp_path)
    assert MjcfOptions(file="arm.xml", package="some_robots").path == package / "arm.xml"
    for name in ("no_robots", "json.decoder.x", ".", "math"):
        with pytest.raises(SettingError, match=f"package: no package '{name}' is installed here"):
            _ = MjcfOptions(file="arm.xml", package=name).path


MESH = "\n".join(["v 0 0 0", "v 1 0 0", "v 0 1 0", "v 0 0 1", "f 1 3 2", "f 1 2 4"])
MESH += "\nf 1 4 3\nf 2 3 4\n"


@pytest.fixture
def robot(tmp_path):
    """The options of a file with an include and a mesh, and its folder."""
    (tmp_path / "meshes").mkdir()
    (tmp_path / "meshes" / "hull.obj").write_text(MESH)
    (tmp_path / "part.xml").write_text(
        '<mujoco><asset><mesh name="hull" file="hull.obj"/></asset></mujoco>'
    )
    (tmp_path / "robot.xml").write_text(
        '<mujoco><compiler meshdir="meshes"/><include file="part.xml"/><worldbody><body name="hull">'
        '<joint name="j" axis="0 1 0"/><geom type="mesh" mesh="hull"/></body></worldbody></mujoco>'
    )
    section = {"m": {"unit": "kg", "sets": "body:hull.mass"}}
    return {"file": str(tmp_path / "robot.xml"), "parameters": section}, tmp_path


def test_all_files_count_by_their_path_from_the_first(robot):
    options, folder = robot
    files = MjcfOptions.from_config(options).files()
    assert files == {
        "meshes/hull.obj": folder / "meshes" / "hull.obj",
        "part.xml": folder / "part.xml",
        "robot.xml": folder / "robot.xml",
    }


@pytest.mark.parametrize("name", ["part.xml", "meshes/hull.obj"])
def test_a_part_that_is_missing_is_named(robot, name):
    options, folder = robot
    (folder / name).unlink()
    with pytest.raises(SettingError, match=f"file: .*robot.xml: .*{name}"):
        MjcfOptions.from_config(options).files()


def test_a_mesh_can_be_scaled_and_weighed(robot):
    from pamlflow.domains import make_domain

    options, _ = robot
    options["parameters"]["size"] = {"scales": "mesh:hull.scale"}
    domain = make_domain("mjcf", options, steps=20, time_step=0.02)
    excitation = domain.draw_excitation(np.random.default_rng(0))
    # A body that hangs from its corner: the period grows with the root of its size, and not with its mass.
    small, heavy, large = (
        domain.run(np.array(task), excitation).outputs for task in ([1, 1], [2, 1], [1, 2])
    )
    np.testing.assert_allclose(heavy, small, atol=1e-9)
    assert not np.allclose(large, small, atol=1e-4)
