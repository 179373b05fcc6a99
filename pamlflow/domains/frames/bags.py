"""Read bags of ROS 1 and ROS 2, MCAP files among them, with rosbags-dataframe.

A column is a topic and a field of its messages: `/joint_states.position[0]`, `/imu.angular_velocity.x`.
Messages of different topics come at different times: the rows are those of the topic of the first column, with
the latest message of each other topic at that time, from when there is one. The column `time` is that of the
rows in s.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pamlflow.plugins import needs
from pamlflow.wording import nearest

TIME = "time"
"""The column of the time of the messages, in s since the first row."""

_SUFFIXES = (".bag", ".mcap", ".db3")
_ELEMENT = re.compile(r"(.+)\[(\d+)\]")


def is_bag(path: Path) -> bool:
    """Return whether a path is that of a bag: a file of one, or the folder of one of ROS 2."""
    return path.suffix.lower() in _SUFFIXES or (path / "metadata.yaml").is_file()


def read(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """Return these columns of a bag, and `time`.

    Raises ValueError when there is no such topic or field, or the packages that read bags are missing.
    """
    with needs("a bag", "logs"):
        from rosbags.highlevel import AnyReader
    wanted = [name for name in columns if name != TIME]
    if not wanted:
        raise ValueError("expected columns such as /joint_states.position[0], found none")
    with AnyReader([path]) as reader:
        fields = [(name, *_topic_and_field(reader, name)) for name in wanted]
        topics = list(dict.fromkeys(topic for _, topic, _ in fields))
        frames = []
        for topic in topics:
            own = {name: field for name, where, field in fields if where == topic}
            frames.append(_of_topic(reader, topic, own))
    first, *others = frames
    for other in others:
        first = pd.merge_asof(first, other, on=TIME)
    # The first rows may come before any message of another topic.
    complete = first.loc[first.notna().all(axis=1).cummax()]
    stamps = complete[TIME]
    seconds = (stamps - stamps.iloc[0]).dt.total_seconds() if len(stamps) else stamps
    return complete.assign(**{TIME: seconds})


def _of_topic(reader: Any, topic: str, fields: dict[str, str]) -> pd.DataFrame:
    """The columns of one topic by time; `fields` maps their names to fields."""
    from rosbags.dataframe import DataframeError, get_dataframe

    elements = {name: _ELEMENT.fullmatch(field) for name, field in fields.items()}
    bases = {name: it[1] if (it := elements[name]) else field for name, field in fields.items()}
    keys = list(dict.fromkeys(bases.values()))
    try:
        frame = get_dataframe(reader, topic, keys)
    except DataframeError as error:
        raise ValueError(f"{topic}: {error}") from error
    found: dict[str, Any] = {TIME: frame.index.to_numpy()}
    for name, element in elements.items():
        values = frame[bases[name]]
        found[name] = _each(name, values, int(element[2])) if element else values.to_numpy()
    return pd.DataFrame(found).sort_values(TIME, kind="stable").reset_index(drop=True)


def _each(name: str, values: Any, index: int) -> Any:
    """An element of each array."""
    shortest = min((np.size(each) for each in values), default=0)
    if index >= shortest:
        text = f"{name}: arrays of {shortest} elements, counted from 0"
        raise ValueError(text if shortest else f"{name}: some messages are empty")
    return np.array([each[index] for each in values])


def _topic_and_field(reader: Any, name: str) -> tuple[str, str]:
    """The topic and the field that a column names: the longest topic that it begins with."""
    topics = [topic for topic in reader.topics if name.startswith(f"{topic}.")]
    if not topics:
        said = name.partition(".")[0]
        known = ", ".join(sorted(reader.topics)) or "none"
        text = (
            f"no topic for the column '{name}'{nearest(said, reader.topics)} (there are: {known})"
        )
        raise ValueError(f"{text}; a column is `{TIME}`, or a topic and a field")
    topic = max(topics, key=len)
    return topic, name.removeprefix(f"{topic}.")
