"""Transitions from a data frame, against a system whose motion is known."""

import logging

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pamlflow.domains.frames.form import LogFormat
from pamlflow.domains.frames.transitions import frame_transitions
from pamlflow.settings import SettingError

STEP = 0.01
COLUMNS = {"angles": {"angle": "rad"}, "states": {"rate": "rad/s"}, "controls": {"torque": "N m"}}


def form(**changes):
    return LogFormat(**{"time": "time", **COLUMNS, **changes})


def wrapped(angle, turn=2.0 * np.pi):
    """From minus half a turn to half a turn."""
    return (angle + turn / 2) % turn - turn / 2


def turning(rows=60, step=STEP, seed=0):
    """A log of a wheel that turns several times, driven by a torque, and its angle as it is."""
    rng = np.random.default_rng(seed)
    seconds = 12.5 + step * np.arange(rows)
    torque = rng.standard_normal(rows)
    rate = 9.0 + np.concatenate([[0.0], np.cumsum(torque[:-1] * step)])
    angle = 1.0 + np.concatenate([[0.0], np.cumsum(rate[:-1] * step)])
    log = {"time": seconds, "angle": wrapped(angle), "rate": rate, "torque": torque}
    return pd.DataFrame(log), angle


def without_rows(frame, *rows):
    return frame.drop(index=list(rows)).reset_index(drop=True)


def test_each_row_but_the_last_is_a_transition():
    frame, angle = turning()
    inputs, outputs = frame_transitions(frame, form())
    assert [it.name for it in form().input_variables] == [
        "rate",
        "cos_angle",
        "sin_angle",
        "torque",
    ]
    expected = np.stack([frame["rate"], np.cos(angle), np.sin(angle), frame["torque"]], axis=1)
    np.testing.assert_allclose(inputs, expected[:-1], atol=1e-12)
    assert [(it.name, it.unit) for it in form().output_variables] == [
        ("rate_change", "rad/s"),
        ("angle_change", "rad"),
    ]
    np.testing.assert_allclose(outputs[:, 0], np.diff(frame["rate"]), atol=1e-12)
    np.testing.assert_allclose(outputs[:, 1], np.diff(angle), atol=1e-12)


@given(st.integers(1, 9), st.floats(-3.0, 3.0), st.sampled_from(["rad", "deg", "0..360"]))
def test_thinning_unwraps_at_the_rate_of_the_record(every, start, unit):
    """With nine rows a step the wheel turns by nearly half a turn, and by more at the end."""
    frame, angle = turning()
    angle = angle + start
    if unit == "rad":
        frame["angle"] = wrapped(angle)
    else:
        degrees = np.rad2deg(angle)
        frame["angle"] = degrees % 360.0 if unit == "0..360" else wrapped(degrees, 360.0)
    angles = {"angle": "rad" if unit == "rad" else "deg"}
    inputs, outputs = frame_transitions(frame, form(angles=angles, time_step=every * STEP))
    steps = (len(frame) - 1) // every
    assert inputs.shape == (steps, 4)
    np.testing.assert_allclose(outputs[:, 1], np.diff(angle[::every])[:steps], atol=1e-9)
    torque = frame["torque"].to_numpy()
    for step in range(steps):
        assert inputs[step, 3] == pytest.approx(torque[step * every : (step + 1) * every].mean())


def test_a_control_that_is_averaged_explains_the_change_of_the_rate():
    frame, _ = turning()
    inputs, outputs = frame_transitions(frame, form(time_step=0.05))
    np.testing.assert_allclose(outputs[:, 0], inputs[:, 3] * 0.05, atol=1e-12)
    inputs, outputs = frame_transitions(frame, form(time_step=0.034, resampling="linear"))
    np.testing.assert_allclose(outputs[:, 0], inputs[:, 3] * 0.034, atol=1e-12)


def test_resampling_on_lines_gives_the_states_of_a_line():
    seconds = np.sort(np.random.default_rng(1).uniform(0.0, 2.0, 150))
    seconds = np.concatenate([[0.0], seconds, [2.0]])
    frame = pd.DataFrame(
        {"time": seconds, "angle": wrapped(7.0 * seconds), "rate": 7.0, "torque": 0.5}
    )
    lines = form(time_step=0.125, resampling="linear", longest_gap=0.2)
    inputs, outputs = frame_transitions(frame, lines)
    assert len(inputs) == 16
    np.testing.assert_allclose(outputs, np.tile([0.0, 0.875], (16, 1)), atol=1e-9)
    np.testing.assert_allclose(inputs[:, 1], np.cos(0.875 * np.arange(16)), atol=1e-9)
    np.testing.assert_allclose(inputs[:, 3], 0.5)


def test_no_transition_leads_across_a_gap():
    frame, angle = turning()
    cut = without_rows(frame, 20, 21, 40)
    _, outputs = frame_transitions(cut, form())
    left = np.delete(np.diff(angle), [19, 20, 21, 39, 40])
    np.testing.assert_allclose(outputs[:, 1], left, atol=1e-12)
    _, outputs = frame_transitions(cut, form(time_step=0.05))
    assert len(outputs) == 3 + 3 + 3  # of 20, 18 and 19 rows
    with pytest.raises(SettingError, match=r"longest_gap: all rows are more than 0\.005 s apart"):
        frame_transitions(cut, form(longest_gap=0.005))


@pytest.mark.parametrize(
    "changes", [{"episode": "episode"}, {"starts": ["starts"]}, {"ends": "ends"}]
)
def test_no_transition_leads_from_one_episode_to_the_next(changes):
    frame, angle = turning()
    rows = np.arange(len(frame))
    frame = frame.assign(
        episode=np.where(rows < 25, "first", "second"), starts=rows == 25, ends=rows == 24
    )
    frame["time"] = np.where(rows < 25, rows, rows - 25) * STEP  # begins anew
    _, outputs = frame_transitions(frame, form(**changes))
    np.testing.assert_allclose(outputs[:, 1], np.delete(np.diff(angle), 24), atol=1e-12)


def test_an_angle_is_not_unwrapped_across_a_reset():
    seconds = STEP * np.arange(4)
    angle = [0.1, 0.2, 3.0, 3.1]  # a jump that is no turn
    frame = pd.DataFrame({"time": seconds, "angle": angle, "rate": 1.0, "torque": 0.0})
    _, outputs = frame_transitions(frame.assign(ends=[0, 1, 0, 0]), form(ends=["ends"]))
    np.testing.assert_allclose(outputs[:, 1], [0.1, 0.1], atol=1e-12)


def test_rows_without_a_value_split_a_run_if_they_are_to():
    frame, angle = turning()
    frame.loc[[10, 30], "rate"] = np.nan
    with pytest.raises(
        SettingError, match=r"states\.rate: row 10 has no value \(empty or NaN\), and 1 more"
    ):
        frame_transitions(frame, form())
    _, outputs = frame_transitions(frame, form(missing="split"))
    np.testing.assert_allclose(
        outputs[:, 1], np.delete(np.diff(angle), [9, 10, 29, 30]), atol=1e-12
    )
    frame["rate"] = np.nan
    with pytest.raises(SettingError, match=r"states\.rate: no row has a value \(all are"):
        frame_transitions(frame, form(missing="split"))


@pytest.mark.parametrize(
    "changes", [{}, {"time_step": 0.03}, {"time_step": 0.034, "resampling": "linear"}]
)
def test_the_last_control_has_no_effect_and_need_not_be_there(changes):
    frame, _ = turning()
    expected = frame_transitions(frame, form(**changes))
    frame.loc[len(frame) - 1, "torque"] = np.nan
    for found, own in zip(frame_transitions(frame, form(**changes)), expected, strict=True):
        np.testing.assert_array_equal(found, own)
    assert np.isnan(frame["torque"].iloc[-1])
    frame.loc[len(frame) - 2, "torque"] = np.nan
    with pytest.raises(SettingError, match=r"controls\.torque: row 58 has no value"):
        frame_transitions(frame, form(**changes))


def test_a_log_without_time_has_a_step_of_its_own():
    frame, angle = turning()
    own = form(time=None, record_step=0.02, time_step=0.04)
    _, outputs = frame_transitions(frame.drop(columns="time"), own)
    np.testing.assert_allclose(outputs[:, 1], np.diff(angle[::2]), atol=1e-12)


@pytest.mark.parametrize(
    ("time", "unit"),
    [
        (lambda seconds: 1e3 * seconds, "ms"),
        (
            lambda seconds: 1_700_000_000_000_000_000 + np.round(1e9 * seconds).astype(np.int64),
            "ns",
        ),
        (lambda seconds: pd.to_datetime(1.7e9 + seconds, unit="s"), "s"),
        (lambda seconds: pd.to_datetime(1.7e9 + seconds, unit="s", utc=True), "s"),
        (lambda seconds: pd.to_datetime(1.7e9 + seconds, unit="s").strftime("%FT%T.%f"), "s"),
        (lambda seconds: pd.to_timedelta(seconds, unit="s"), "s"),
    ],
)
def test_time_is_read_in_any_form(time, unit):
    frame, angle = turning()
    frame["time"] = time(STEP * np.arange(len(frame)))
    _, outputs = frame_transitions(frame, form(time_unit=unit, time_step=0.05))
    np.testing.assert_allclose(outputs[:, 1], np.diff(angle[::5])[:11], atol=1e-12)


def test_at_most_so_many_transitions_are_kept_evenly_spread():
    frame, _ = turning(rows=101)
    every, few = (frame_transitions(frame, form(most_transitions=most)) for most in (None, 12))
    assert len(few.inputs) == len(few.outputs) == 12
    rows = [np.flatnonzero((every.inputs == row).all(axis=1))[0] for row in few.inputs]
    assert (rows[0], rows[-1]) == (0, 99) and set(np.diff(rows)) == {9}
    np.testing.assert_array_equal(every.outputs[rows], few.outputs)


def test_columns_are_found_by_their_unit_or_as_elements_of_lists():
    frame, _ = turning()
    expected = frame_transitions(frame, form())
    lists = frame[["time", "torque"]].assign(state=frame[["angle", "rate"]].to_numpy().tolist())
    lists = lists.rename(columns={"torque": "torque [N*m]", "time": "time (s)"})
    columns = {
        "angles": {"angle": {"unit": "rad", "column": "state[0]"}},
        "states": {"rate": {"unit": "rad/s", "column": "state[1]"}},
    }
    for found, own in zip(frame_transitions(lists, form(**columns)), expected, strict=True):
        np.testing.assert_array_equal(found, own)


def test_of_columns_of_one_name_that_of_the_unit_is_taken():
    frame, _ = turning()
    expected = frame_transitions(frame, form())
    both = frame.assign(
        **{"angle [deg]": np.rad2deg(frame["angle"]), "angle [rad]": frame["angle"]}
    )
    both = both.drop(columns="angle")
    for unit in ("rad", "deg"):
        found = frame_transitions(both, form(angles={"angle": unit}))
        np.testing.assert_allclose(found.outputs, expected.outputs, atol=1e-12)
    with pytest.raises(SettingError, match=r"no column 'angle'; did you mean 'angle \["):
        frame_transitions(both, form(angles={}, states={"angle": "turns", "rate": "rad/s"}))


def test_counted_turns_are_taken_as_they_are():
    frame, angle = turning()
    frame["angle"] = 40.0 * angle
    with pytest.raises(SettingError, match=r"values reach 252.* looks like degrees"):
        frame_transitions(frame, form())
    counts = {"angle": {"unit": "rad", "wraps": False}}
    _, outputs = frame_transitions(frame, form(angles=counts))
    np.testing.assert_allclose(outputs[:, 1], 40.0 * np.diff(angle), atol=1e-9)


def changed(**columns):
    frame, _ = turning()
    return frame.assign(**columns)


def with_cell(column, row, value):
    frame, _ = turning()
    if isinstance(value, str):
        frame[column] = frame[column].astype(object)
    frame.loc[row, column] = value
    return frame


def with_units(**units):
    """As a file with units is read."""
    frame, _ = turning()
    frame.attrs["units"] = units
    return frame


SECONDS = STEP * np.arange(60)
BAD = {
    "no column": (
        turning()[0].rename(columns={"rate": "rates"}),
        {},
        r"states\.rate: no column 'rate'; did you mean 'rates'\? \(there are: time, angle, rates, tor",
    ),
    "no time": (turning()[0].drop(columns="time"), {}, r"time: no column 'time' \(there are"),
    "no element": (
        changed(rate=[[1.0]] * 60),
        {"states": {"rate": {"column": "rate[1]"}}},
        r"states\.rate: column 'rate' has no element \[1\] in each row: rows of \[1\] elements",
    ),
    "two columns": (
        pd.concat([turning()[0], turning()[0]["rate"]], axis=1),
        {},
        r"states\.rate: 2 columns are called 'rate'; rename them",
    ),
    "text": (
        with_cell("rate", 7, "off"),
        {},
        r"states\.rate: column 'rate', row 7: expected a number, found the text 'off'$",
    ),
    "comma": (with_cell("torque", 3, "1,5"), {}, r"row 3: .* '1,5'; write decimals with a point"),
    "infinite": (with_cell("torque", 9, np.inf), {}, r"controls\.torque: .* row 9 is inf; cut"),
    "nothing": (
        with_cell("time", 59, np.nan),
        {},
        r"time: row 59 has no value \(.*`missing: spl",
    ),
    "empty": (turning()[0].iloc[:0], {}, "expected rows, found an empty table"),
    "unit in label": (
        turning()[0].rename(columns={"angle": "angle [deg]"}),
        {},
        r"angles\.angle: column 'angle' is in deg according to the log, and in rad according to",
    ),
    "unit in label and setting": (
        turning()[0].rename(columns={"rate": "rate [deg/s]"}),
        {"states": {"rate": {"unit": "rad/s", "column": "rate [deg/s]"}}},
        r"states\.rate: column 'rate \[deg/s\]' is in deg/s according to the log",
    ),
    "unit of time": (
        turning()[0].rename(columns={"time": "time [ms]"}),
        {},
        r"time: column 'time' is in ms according to the log, and in s according to this setting",
    ),
    "unit in file": (
        with_units(rate="deg/s", time="s"),
        {},
        r"states\.rate: column 'rate' is in deg/s according to the log, and in rad/s according to",
    ),
    "backwards": (
        changed(time=np.where(SECONDS < 0.3, SECONDS, SECONDS - 0.3)),
        {},
        r"time: time goes back by 0\.29 s from row 29 to row 30; if an episode begins there",
    ),
    "stands": (
        with_cell("time", 31, 12.5 + 30 * STEP),
        {},
        r"time: time stands still from row 30 to",
    ),
    "degrees": (
        changed(angle=wrapped(np.linspace(0.0, 900.0, 60), 360.0)),
        {},
        r"angles\.angle: values reach 180.* looks like degrees: give the unit `deg`",
    ),
    "radians": (
        turning()[0],
        {"angles": {"angle": "deg"}},
        r"angles\.angle: jumps by 6\.\d+ from row \d+ .* looks like radians: give the unit `rad`",
    ),
    "wraps after all": (
        turning()[0],
        {"angles": {"angle": {"unit": "rad", "wraps": False}}},
        r"angles\.angle: jumps by a turn from row \d+ to row \d+, although it is said not to wrap",
    ),
    "an angle among states": (
        turning()[0],
        {"angles": {}, "states": {"angle": "rad", "rate": "rad/s"}},
        r"states\.angle: jumps by a turn of 6\.283 rad .* move it to `angles`",
    ),
    "mixed rates": (
        changed(time=np.concatenate([SECONDS[:40], 0.4 + 0.03 * np.arange(20)])),
        {},
        r"time: rows are from 0\.01 to 0\.03 s apart, and 32% of the intervals are over 0\.015 s",
    ),
    "uneven": (
        changed(time=SECONDS + 0.003 * (np.arange(60) % 7 == 3)),
        {},
        r"time: from row 2 to row 3 it takes 0\.013 s, and not 0\.01.* s: .* `resampling: linear`",
    ),
    "no multiple": (
        turning()[0],
        {"time_step": 0.025},
        r"time_step: 0\.025 s is no multiple of the 0\.01 s .* give 0\.02 or 0\.03, or `resampling",
    ),
    "too coarse": (
        turning()[0],
        {"time_step": 0.001},
        r"time_step: rows are 0\.01 s apart, .* at least",
    ),
    "milliseconds": (
        changed(time=1000.0 * SECONDS),
        {"time_step": 0.01},
        r"rows are 10 s apart, .* another `time_unit` if 'time' is not in s",
    ),
    "too short": (
        turning(rows=4)[0],
        {"time_step": 0.05},
        r"too short: 4 rows, of which at most 0\.03 s follow each other, shorter than a step of 0\.05",
    ),
    "one row": (turning(rows=1)[0], {}, r"too short: no two rows follow each other in one piece"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_used_is_told(name):
    frame, changes, message = BAD[name]
    with pytest.raises(SettingError, match=message):
        frame_transitions(frame, form(**changes))


def test_a_wheel_that_turns_too_fast_to_tell_is_warned_of(caplog):
    frame, _ = turning(step=0.3)
    with caplog.at_level(logging.WARNING):
        frame_transitions(frame, form())
    assert "angle 'angle' turns by up to" in caplog.text


def test_the_frame_is_left_as_it_is():
    frame, _ = turning()
    before = frame.copy()
    frame_transitions(frame, form(time_step=0.02))
    pd.testing.assert_frame_equal(frame, before)
