"""Bags of ROS 1 and ROS 2, written here and read."""

import numpy as np
import pytest

from pamlflow.domains.content import digest
from pamlflow.domains.frames.files import LogError, LogFile
from pamlflow.domains.frames.form import LogFormat
from pamlflow.domains.frames.transitions import frame_transitions

pytest.importorskip("rosbags", reason="needs pip install -e '.[logs]'")

JOINTS, EFFORT, IMU = "/joint_states", "/command/effort", "/imu"
COLUMNS = {
    "angles": {"angle": {"column": f"{JOINTS}.position[0]"}},
    "states": {"rate": {"column": f"{JOINTS}.velocity[1]", "unit": "rad/s"}},
    "controls": {"effort": {"column": f"{EFFORT}.data", "unit": "N m"}},
    "time": "time",
}
BEGIN = 1_700_000_000_000_000_000  # ns
ROWS, STEP = 40, 20_000_000  # ns


def store():
    from rosbags.typesys import Stores, get_typestore

    return get_typestore(Stores.ROS2_HUMBLE)


def messages(types):
    """Topic, type, time in ns and message: joints at 50 Hz, efforts at 25 Hz that begin a row later."""
    joint, effort, imu = (
        types.types[name]
        for name in ("sensor_msgs/msg/JointState", "std_msgs/msg/Float64", "sensor_msgs/msg/Imu")
    )
    stamp = types.types["builtin_interfaces/msg/Time"](sec=1, nanosec=0)
    header = types.types["std_msgs/msg/Header"](stamp=stamp, frame_id="")
    vector = types.types["geometry_msgs/msg/Vector3"]
    turn = types.types["geometry_msgs/msg/Quaternion"](x=0.0, y=0.0, z=0.0, w=1.0)
    for row in range(ROWS):
        angle = (0.2 * row + np.pi) % (2 * np.pi) - np.pi
        arrays = np.array([angle, 0.0]), np.array([0.0, 10.0 + row]), np.zeros(2)
        yield JOINTS, joint, BEGIN + row * STEP, joint(header, ["a", "b"], *arrays)
        if row % 2:
            yield EFFORT, effort, BEGIN + row * STEP - STEP // 4, effort(float(row))
        spin = imu(
            header, turn, np.zeros(9), vector(1.0, 2.0, float(row)), np.zeros(9), vector(0.0, 0.0, 0.0),
            np.zeros(9),
        )  # fmt: skip
        yield IMU, imu, BEGIN + row * STEP, spin


def write_2(path, plugin):
    from rosbags.rosbag2 import StoragePlugin, Writer

    types = store()
    with Writer(path, version=9, storage_plugin=StoragePlugin[plugin]) as writer:
        connections = {}
        for topic, kind, when, message in messages(types):
            if topic not in connections:
                connections[topic] = writer.add_connection(topic, kind.__msgtype__, typestore=types)
            content = types.serialize_cdr(message, kind.__msgtype__)
            writer.write(connections[topic], when, content)


def write_1(path):
    from rosbags.rosbag1 import Writer
    from rosbags.typesys import Stores, get_typestore

    old = get_typestore(Stores.ROS1_NOETIC)
    with Writer(path) as writer:
        connections = {}
        for topic, kind, when, message in messages(store()):
            if topic == IMU:
                continue
            name = kind.__msgtype__
            if topic == JOINTS:  # a header of ROS 1 has a number, too
                header = old.types["std_msgs/msg/Header"](
                    seq=0, stamp=message.header.stamp, frame_id=""
                )
                message = old.types[name](
                    header, message.name, message.position, message.velocity, message.effort
                )
            if topic not in connections:
                connections[topic] = writer.add_connection(topic, name, typestore=old)
            writer.write(connections[topic], when, old.serialize_ros1(message, name))


@pytest.fixture(scope="module", params=["bag 1", "sqlite", "mcap", "one mcap file"])
def bag(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bags")
    if request.param == "bag 1":
        write_1(folder / "run.bag")
        return folder / "run.bag"
    write_2(folder / "run", "SQLITE3" if request.param == "sqlite" else "MCAP")
    return folder / "run" / "run.mcap" if request.param == "one mcap file" else folder / "run"


def test_topics_are_put_together_by_time(bag):
    form = LogFormat(**COLUMNS)
    frame = LogFile(bag).frame(form.columns)
    np.testing.assert_allclose(frame["time"], 0.02 * np.arange(ROWS - 1), atol=1e-9)
    assert frame[f"{EFFORT}.data"].tolist() == [row - 1 + row % 2 for row in range(1, ROWS)]
    inputs, outputs = frame_transitions(frame, form)
    np.testing.assert_allclose(outputs[:, 1], 0.2, atol=1e-12)
    np.testing.assert_allclose(inputs[:, 0], 10.0 + np.arange(1, ROWS - 1))


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            ["/joint_state.position[0]"],
            r"no topic for .*; did you mean '/joint_states'\? \(there are",
        ),
        ([f"{JOINTS}.positions[0]"], r"/joint_states: Field 'positions' does not exist"),
        ([f"{JOINTS}.position[2]"], r"position\[2\]: arrays of 2 elements, counted from 0"),
        (["time"], r"expected columns such as /joint_states\.position\[0\], found none"),
    ],
)
def test_what_a_bag_has_not_is_told(bag, columns, message):
    with pytest.raises(LogError, match=rf"run.*: cannot be read: .*{message}"):
        LogFile(bag).frame(columns)


def test_fields_may_be_nested_and_a_change_is_seen(tmp_path):
    write_2(tmp_path / "run", "SQLITE3")
    frame = LogFile(tmp_path / "run").frame([f"{IMU}.angular_velocity.z"])
    assert frame[f"{IMU}.angular_velocity.z"].tolist() == list(range(ROWS))
    before = digest(tmp_path / "run")
    file = next((tmp_path / "run").glob("*.db3"))
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    assert digest(tmp_path / "run") != before


def test_a_damaged_bag_is_told(tmp_path):
    (tmp_path / "run.bag").write_bytes(b"#ROSBAG V2.0\nno more")
    with pytest.raises(LogError, match=r"run\.bag: cannot be read: "):
        LogFile(tmp_path / "run.bag").frame(["/a.b"])
