"""Each recipe of docs/log_layouts.md reads a small file in the layout of its tool."""

import json
import re
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import yaml

from pamlflow.domains import make_domain

PAGE = (Path(__file__).parents[2] / "docs" / "log_layouts.md").read_text(encoding="utf-8")
EXTRA = "needs pip install -e '.[logs]'"
ROWS = 40


def recipe(title):
    """The Python and the options below a heading."""
    (section,) = re.findall(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S)
    (code,) = re.findall(r"^```python\n(.*?)^```", section, re.M | re.S)
    (options,) = re.findall(r"^```yaml\n(.*?)^```", section, re.M | re.S)
    return code, yaml.safe_load(options)["options"]


def tasks_of(title):
    """The tasks of a recipe, after its Python was run in the working folder."""
    code, options = recipe(title)
    exec(compile(code, title, "exec"), {})
    return make_domain("recorded", options).tasks


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def motion(seed):
    """Numbers [T, 2] that move."""
    return np.cumsum(np.random.default_rng(seed).normal(0.0, 0.3, (ROWS, 2)), axis=0)


def test_each_recipe_is_tested():
    titles = re.findall(r"^## (.*)", PAGE, re.M)
    source = Path(__file__).read_text(encoding="utf-8")
    assert [title for title in titles if f'tasks_of("{title}")' not in source] == []


def test_one_table():
    Path("recordings").mkdir()
    parts = []
    for run, load in (("a", 0.5), ("b", 1.0), ("c", 1.5)):
        position, speed = motion(len(parts)).T
        columns = {"time": 0.1 * np.arange(ROWS), "position": position, "speed": speed}
        parts.append(pd.DataFrame(columns).assign(run=run, load=load, force=speed))
    pd.concat(parts).to_csv("recordings/all.csv", index=False)
    tasks = tasks_of("One table with all runs")
    assert tasks.descriptors[:, 0].tolist() == [0.5, 1.0, 1.5]
    assert tasks.lengths.tolist() == [ROWS - 1] * 3
    np.testing.assert_allclose(tasks.subset([1]).outputs, np.diff(motion(1), axis=0))


@pytest.mark.parametrize("version", ["v2.1", "v3.0"])
def test_lerobot(version):
    pytest.importorskip("pyarrow", reason=EXTRA)
    folder = Path("lerobot/data/chunk-000")
    folder.mkdir(parents=True)
    (Path("lerobot") / "meta").mkdir()
    info = {"codebase_version": version, "fps": 30, "total_episodes": 3}
    Path("lerobot/meta/info.json").write_text(json.dumps(info))
    episodes = []
    for episode in range(3):
        state = (10.0 * motion(episode)).astype(np.float32)
        columns = {
            "action": list(state + 1.0),
            "observation.state": list(state),
            "timestamp": (np.arange(ROWS) / 30.0).astype(np.float32),
            "frame_index": np.arange(ROWS),
            "episode_index": episode,
            "index": episode * ROWS + np.arange(ROWS),
            "task_index": 0,
        }
        episodes.append(pd.DataFrame(columns))
    if version == "v2.1":
        for number, episode in enumerate(episodes):
            episode.to_parquet(folder / f"episode_{number:06d}.parquet")
    else:
        pd.concat(episodes[:2]).to_parquet(folder / "file-000.parquet")
        episodes[2].to_parquet(folder / "file-001.parquet")
    tasks = tasks_of("LeRobot")
    assert tasks.descriptors[:, 0].tolist() == [0.5, 1.0, 1.5] and set(tasks.lengths) == {13}
    every_third = np.deg2rad(10.0 * motion(2)[::3])
    np.testing.assert_allclose(tasks.subset([2]).outputs, np.diff(every_third, axis=0), atol=1e-5)


def test_robomimic():
    Path("robomimic").mkdir()
    with h5py.File("robomimic/demo.hdf5", "w") as file:
        data = file.create_group("data")
        data.attrs["total"] = 3 * ROWS
        data.attrs["env_args"] = json.dumps(
            {"env_name": "Lift", "env_kwargs": {"control_freq": 20}}
        )
        for number in range(3):
            demo = data.create_group(f"demo_{number}")
            demo.attrs["num_samples"] = ROWS
            demo["actions"] = np.hstack([motion(9), np.zeros((ROWS, 5))])
            demo["states"] = np.zeros((ROWS, 32))
            demo["rewards"], demo["dones"] = np.zeros(ROWS), np.zeros(ROWS, dtype=int)
            for name in ("obs", "next_obs"):
                demo[f"{name}/robot0_eef_pos"] = np.hstack([motion(number), np.zeros((ROWS, 1))])
                demo[f"{name}/robot0_joint_pos"] = np.tile(motion(number + 5), (1, 4))[:, :7]
                demo[f"{name}/agentview_image"] = np.zeros((ROWS, 4, 4, 3), dtype=np.uint8)
    tasks = tasks_of("robomimic")
    assert tasks.num_tasks == 3 and tasks.lengths.tolist() == [ROWS - 1] * 3
    np.testing.assert_allclose(tasks.subset([1]).outputs[:, :2], np.diff(motion(1), axis=0))
    np.testing.assert_allclose(tasks.subset([0]).inputs[:, -2:], motion(9)[:-1])


def test_d4rl():
    Path("d4rl").mkdir()
    last = np.arange(200) % ROWS == ROWS - 1
    for number, name in enumerate(("light", "heavy")):
        rows = np.vstack([motion(5 * number + episode) for episode in range(5)])
        with h5py.File(f"d4rl/{name}.hdf5", "w") as file:
            file["observations"] = np.hstack([rows, rows, np.zeros((200, 7))]).astype(np.float32)
            file["actions"] = rows[:, :1].astype(np.float32)
            file["rewards"] = np.zeros(200, dtype=np.float32)
            file["terminals"] = last & (np.arange(200) < 100)
            file["timeouts"] = last & (np.arange(200) >= 100)
            file["infos/qpos"], file["infos/qvel"] = np.zeros((200, 6)), np.zeros((200, 6))
            file["metadata/algorithm"] = "SAC"
    tasks = tasks_of("D4RL")
    assert tasks.lengths.tolist() == [5 * (ROWS - 1)] * 2
    steps = np.vstack([np.diff(motion(5 + episode), axis=0) for episode in range(5)])
    np.testing.assert_allclose(tasks.subset([1]).outputs[:, [0, 2]], steps, atol=1e-5)


def test_bags():
    pytest.importorskip("rosbags", reason=EXTRA)
    from rosbags.rosbag2 import StoragePlugin, Writer
    from rosbags.typesys import Stores, get_typestore

    types = get_typestore(Stores.ROS2_HUMBLE)
    joint, effort = "sensor_msgs/msg/JointState", "std_msgs/msg/Float64"
    stamp = types.types["builtin_interfaces/msg/Time"](sec=0, nanosec=0)
    header = types.types["std_msgs/msg/Header"](stamp=stamp, frame_id="")
    Path("bags").mkdir()
    for number, name in enumerate(("first", "second", "third")):
        kind = StoragePlugin.MCAP if number else StoragePlugin.SQLITE3
        with Writer(Path("bags", name), version=9, storage_plugin=kind) as bag:
            topics = [
                (bag.add_connection(topic, kind, typestore=types), kind)
                for topic, kind in (("/joint_states", joint), ("/command/effort", effort))
            ]
            for row in range(ROWS):
                values = [np.array([0.1 * row]), np.array([1.0 + row]), np.zeros(1)]
                when = 1_700_000_000_000_000_000 + 20_000_000 * row
                messages = (
                    types.types[joint](header, ["a"], *values),
                    types.types[effort](float(row)),
                )
                for (connection, kind), message in zip(topics, messages, strict=True):
                    bag.write(connection, when, types.serialize_cdr(message, kind))
    tasks = tasks_of("Bags of ROS 1 and ROS 2, MCAP")
    assert tasks.num_tasks == 3 and set(tasks.lengths) == {7}
    np.testing.assert_allclose(tasks.outputs, np.tile([5.0, 0.5], (21, 1)), atol=1e-9)
    np.testing.assert_allclose(tasks.inputs[:7, -1], 2.0 + 5.0 * np.arange(7), atol=1e-9)
