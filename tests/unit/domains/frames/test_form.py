"""What is said of the columns of a log."""

import pytest

from pamlflow.domains.frames.form import LogFormat
from pamlflow.settings import SettingError

RATE = {"rate": "rad/s"}


def test_what_is_said_of_columns_survives_a_configuration():
    settings = LogFormat(states=RATE, time="t", time_step=1, starts="new", most_transitions=5.0)
    assert settings.starts == ("new",) and settings.time_step == 1.0
    assert LogFormat.from_config(settings.to_config()) == settings
    assert settings.columns == ["rate", "t", "new"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"stats": RATE}, r"stats: unknown key; did you mean 'states'\?"),
        (
            {"states": ["rate"]},
            r"states: expected names of variables with a unit each, such as {rate",
        ),
        (
            {"states": {"rate": 3}},
            r'states\.rate: expected a unit \("1" where there is none\), or a s',
        ),
        ({"states": {3: "m"}}, r"states\.3: expected the name of a variable, found 3"),
        (
            {"states": {"rate": {"units": "m"}}},
            r"states\.rate\.units: unknown key; did you mean 'unit'",
        ),
        (
            {"states": {"x": {"column": 3}}},
            r"states\.x\.column: expected the name of a column, found 3",
        ),
        (
            {"angles": {"angle": "degrees"}},
            r'angles\.angle: expected "rad" or "deg", found \'degrees\'',
        ),
        ({"angles": {"a": {"wraps": 1}}}, r"angles\.a\.wraps: expected bool, found 1"),
        (
            {"states": RATE, "controls": RATE},
            r"controls\.rate: 'rate' is used by states\.rate, too",
        ),
        (
            {"states": RATE, "controls": {"u": {"column": "rate"}}},
            r"controls\.u: 'rate' is used by states\.rate, too; keep one of them",
        ),
        ({"time": 3}, r"time: expected the name of a column, found 3"),
        ({"time_unit": "h"}, r'time_unit: expected "s" or "ms"'),
        ({"time": "t", "record_step": 0.1}, r"record_step: rows are told apart by the column 't'"),
        ({"time_step": 0.0}, r"time_step: expected a number from 1e-09"),
        ({"starts": 5}, r"starts: expected a list of columns, found 5"),
        ({"ends": [None]}, r"ends: expected the name of a column, found"),
        ({"resampling": "spline"}, r'resampling: expected "thin" or "linear", found \'spline\''),
    ],
)
def test_what_means_nothing_is_told(given, message):
    with pytest.raises(SettingError, match=message):
        LogFormat.from_config(given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"time": "t"},
            r"states: missing, expected columns and their units, such as {rate: rad/s}",
        ),
        ({"states": RATE}, r"time: missing, expected the column of time, .* as `record_step`"),
    ],
)
def test_what_is_missing_is_told(given, message):
    with pytest.raises(SettingError, match=message):
        LogFormat(**given).require_complete()
