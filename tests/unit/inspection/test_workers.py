import os
import signal
from pathlib import Path

import pytest

from pamlflow.inspection import workers

PATHS = [Path(f"{number}.h5") for number in range(8)]


def misbehave(path):
    """What a file may do to its reader: by its number."""
    match path.stem:
        case "1":
            os.kill(os.getpid(), signal.SIGKILL)
        case "2":
            while True:
                pass
        case "3":
            return len(bytearray(2**40))
        case "4":
            raise KeyError("no such thing")
        case "5":
            os._exit(7)
    return path.name


def test_what_one_file_does_to_its_reader_hides_no_other(monkeypatch):
    monkeypatch.setattr(workers, "SECONDS", 1)
    found = dict(workers.each(misbehave, PATHS))
    assert found == {
        PATHS[0]: "0.h5",
        PATHS[1]: workers.Crash("reading it ends the process that reads it (SIGKILL)"),
        PATHS[2]: workers.Crash("reading it takes longer than 1 s"),
        PATHS[3]: workers.Crash("reading it takes more than 8589934592 bytes of memory"),
        PATHS[4]: workers.Crash("cannot be read (KeyError: 'no such thing')"),
        PATHS[5]: workers.Crash("reading it ends the process that reads it (exit 7)"),
        PATHS[6]: "6.h5",
        PATHS[7]: "7.h5",
    }


@pytest.mark.parametrize("count", [0, 1, 50])
def test_each_path_is_read_once(monkeypatch, count):
    monkeypatch.setattr(workers, "WORKERS", 3)
    paths = [Path(str(number)) for number in range(100, 100 + count)]
    found = list(workers.each(misbehave, paths))
    assert sorted(found) == [(path, path.name) for path in paths]
