"""Configuration files, read by the letter."""

import json

import pytest

from pamlflow.configuration.sources import read_files
from pamlflow.configuration.validation import ConfigurationError


@pytest.fixture
def read(tmp_path, monkeypatch):
    """Write a file and return where its keys are and the lines of a message about its problems."""
    monkeypatch.chdir(tmp_path)

    def write_and_read(content, name="mine.yaml"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        written_at, problems = read_files([path])
        return written_at, str(ConfigurationError(problems)).splitlines()[1:]

    return write_and_read


TWICE = "run.trials: given twice, in lines {} and {}; keep one (mine.yaml)"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("run:\n  trials: 1\n  trials: 2\n", TWICE.format(2, 3)),
        ("run:\n  trials: 1\n  'trials': 2\n", TWICE.format(2, 3)),
        ("run: {trials: 1,\n trials: 2}", TWICE.format(1, 2)),
        ('{"run": {"trials": 1,\n\t"trials": 2}}', TWICE.format(1, 2)),
        ("run: {}\nseed: 1\nrun: {}\n", "run: given twice, in lines 1 and 3"),
        ("a: [{b: 1, b: 2}]", "a[0].b: given twice, in line 1; keep one"),
        ("space:\n  1: 2\n  1.0: 3\n", "space.1.0: given twice, in lines 2 and 3"),
        ("a: &a {b: 1}\nc:\n  <<: *a\n  <<: *a\n", "c.<<: given twice, in lines 3 and 4"),
        ("a: &a {b: 1, b: 2}\nc:\n  <<: *a\n", "a.b: given twice, in line 1"),
        ("a:\n  <<: 3\n", "a.<<: expected keys to merge (mine.yaml, line 2)"),
        ("a:\n  <<: [{}, 3]\n", "a.<<: expected keys to merge (mine.yaml, line 2)"),
        ("? [a]\n: b\n", "the configuration: expected a name as key, found a list or keys"),
        ("run:\n  trials: 010\n", "run.trials: YAML reads 010 as 8, in base 8 or 60; write"),
        ("a: 1:30", "a: YAML reads 1:30 as 90"),
        ("a: 2020-13-45", "a: the text '2020-13-45' cannot be read as timestamp"),
        (f"a: {'9' * 5000}", "a: the text '9999"),
        ("a: !!python/name:os.system", "a: expected a value without a tag, found !!python/name:os"),
        ("!mine a: 1", "a: expected a value without a tag, found !mine (mine.yaml, line 1)"),
        ("", "mine.yaml: expected keys such as `run:`, found nothing"),
        ("# a comment", "mine.yaml: expected keys such as `run:`, found nothing"),
        ("- a", "mine.yaml: expected keys such as `run:`, found a list"),
        ("[1]", "mine.yaml: expected keys such as `run:`, found a list"),
        ("seed", "mine.yaml: expected keys such as `run:`, found a single value"),
        ("a: 1\n---\nb: 2\n", "mine.yaml: line 2: expected one document, found another one"),
        ("a:\n\tb: 1\n", "mine.yaml: line 2: expected spaces to indent with, found a tab"),
        ("a: 1\nb: *c\n", "mine.yaml: line 2: this is no YAML: found undefined alias 'c'"),
        (b"a: 1\nb: \xe9\n", "expected text in UTF-8, found the byte 0xe9 in line 2"),
        (b"\x89HDF\r\n", "expected text in UTF-8, found the byte 0x89 in line 1"),
        ("a: \x00", "mine.yaml: expected text, found the character U+0000"),
        ("a: &a {b: *a}", "a.b: an alias (*) stands within what it refers to"),
        ("a: &a [*a]", "a[0]: an alias (*) stands within what it refers to"),
        ("a: " + "[" * 3000 + "]" * 3000, "mine.yaml: expected a few levels of keys and lists"),
        ("a: " + "[" * 30 + "]" * 30, "expected a few levels of keys and lists, found more than"),
        ("a: " + "b" * 1_000_001, "mine.yaml: expected a configuration, at most 1 MB, found"),
    ],
)
def test_what_is_wrong_with_a_file_is_told_once(read, content, expected):
    (line,) = read(content)[1]
    assert expected in line


@pytest.mark.parametrize(
    "content",
    [
        "a: &a {b: 1}\nc: {<<: *a, b: 2}\nd: *a\n",
        "a: &a {b: 1}\nc: &c {b: 2}\nd: {<<: [*a, *c]}\n",
        "a: {b: 1}\nc: {b: 1}\n",
        "a: 0\nb: 1_000\nc: 0x10\nd: '010'\ne: 1.5e+3\nf: 2020-01-01\n",
        "\ufeffseed: 1\n",
        "1: a\n'1': b\n",
        json.dumps({"a": {"b": [1, {"c": "\u00e9/\\"}]}}, indent="\t"),
    ],
)
def test_what_is_no_mistake_passes(read, content):
    assert read(content)[1] == []


def test_a_bomb_of_aliases_is_refused_before_it_is_written_out(read):
    lists = ["x0: &x0 [1, 2]", *(f"x{n}: &x{n} [*x{n - 1}, *x{n - 1}]" for n in range(1, 40))]
    merges = ["x0: &x0 {a: 1}"]
    merges += [f"x{n}: &x{n} {{<<: [*x{n - 1}, *x{n - 1}]}}" for n in range(1, 40)]
    for bomb in (lists, merges):
        (line,) = read("\n".join(bomb))[1]
        assert "expected at most 20000 values, each alias (*) written out" in line


def test_the_place_of_a_key_is_its_line_in_the_last_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "one.yaml").write_text("run:\n  trials: 1\n  strategies: [paml,\n    oracle]\n")
    (tmp_path / "two.yaml").write_text("# two\nx: &x {trials: 2}\nrun:\n  <<: *x\n")
    written_at, problems = read_files([tmp_path / "one.yaml", tmp_path / "two.yaml"])
    assert problems == []
    assert written_at["run", "trials"] == "two.yaml, line 2"
    assert written_at["run",] == "two.yaml, line 3"
    assert written_at["run", "strategies", 1] == "one.yaml, line 4"


def test_a_folder_is_no_file_and_a_pipe_is_not_read_twice(tmp_path):
    import os

    os.mkfifo(tmp_path / "pipe")
    assert read_files([tmp_path / "pipe"]) == ({}, [])
    _, (problem,) = read_files([tmp_path])
    assert problem == ((str(tmp_path),), "cannot be read: Is a directory")
    _, (problem,) = read_files([tmp_path / "missing"])
    assert problem[1] == "cannot be read: No such file or directory"
