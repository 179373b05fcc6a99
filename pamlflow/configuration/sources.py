"""Strict reading of configuration files: keys must be unique, and their lines are recorded.

Snakemake reads the same files before the workflow. It keeps the last of two equal keys, reads 010 as 8, and
does not report lines.
"""

import json
import os
import re
from collections.abc import Hashable, Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

from pamlflow.configuration.shape import ENDLESS, MAX_DEPTH, MAX_VALUES, TOO_DEEP, TOO_MANY
from pamlflow.wording import Key, Problem, shown

MAX_BYTES = 1_000_000

_TAG = "tag:yaml.org,2002:"
_MERGE = f"{_TAG}merge"
_SCALARS = {_TAG + kind for kind in ("str", "int", "float", "bool", "null", "timestamp")}
_OTHER_BASE = re.compile(r"[-+]?(0[0-7_]+|[0-9][0-9_]*(:[0-9_.]+)+)")  # 010 is 8, 1:30 is 90


def read_files(files: Iterable[Path]) -> tuple[dict[Key, str], list[Problem]]:
    """Return where each key is written, in the last of the `files` that has it, and all problems.

    Problems are duplicate keys, and files that are not text, not YAML or JSON, have no keys, or have several
    documents. Pipes and other irregular files are skipped, since they cannot be read twice.
    """
    written_at: dict[Key, str] = {}
    problems: list[Problem] = []
    for file in files:
        if file.exists() and not file.is_file() and not file.is_dir():
            continue
        reading = _Reading(file)
        problems += reading.problems()
        written_at |= reading.written_at
    return written_at, problems


def values(file: Path) -> Any:
    """Return what a file holds in which `read_files` found no problem."""
    return yaml.safe_load(_text(file))


class _FileError(ValueError):
    """A file, or the value of a `key` in it, cannot be read."""

    def __init__(self, text: str, key: Key = ()) -> None:
        super().__init__(text)
        self.key = key


class _Reading:
    """One file: `written_at` has the line of each key once `problems` has been called."""

    def __init__(self, file: Path) -> None:
        self.written_at: dict[Key, str] = {}
        self._file = file
        absolute = Path(os.path.abspath(file))
        inside = absolute.is_relative_to(Path.cwd())
        self._name = str(absolute.relative_to(Path.cwd()) if inside else absolute)
        self._loader = yaml.SafeLoader("")  # for single values
        self._seen: set[yaml.Node] = set()
        self._visits = 0

    def problems(self) -> list[Problem]:
        """Return all problems of the file."""
        key: Key = ()
        try:
            root = yaml.compose(_text(self._file), yaml.SafeLoader)
            if not isinstance(root, yaml.MappingNode):
                found = {yaml.SequenceNode: "a list", yaml.ScalarNode: "a single value"}
                text = f"expected keys such as `run:`, found {found.get(type(root), 'nothing')}"
                raise _FileError(text)
            return list(self._walk(root, (), ()))
        except _FileError as error:
            text, key = str(error), error.key
        except yaml.MarkedYAMLError as error:
            text = _in_words(error)
        except yaml.reader.ReaderError as error:
            text = f"expected text, found the character U+{error.character:04X}"
        except RecursionError:
            text = TOO_DEEP
        return [(key, f"{text} ({self._name})") if key else ((self._name,), text)]

    def _walk(self, node: yaml.Node, key: Key, above: tuple[yaml.Node, ...]) -> Iterator[Problem]:
        """Record the written_at of the keys below `key`, whose value is `node`, and find problems.

        A node is visited for each of its aliases, since each is another key; its problems are reported once.
        """
        if any(node is other for other in above):
            raise _FileError(ENDLESS, key)
        if len(above) > MAX_DEPTH:
            raise _FileError(TOO_DEEP, key[:MAX_DEPTH])
        self._visits += 1
        if self._visits > MAX_VALUES:
            raise _FileError(TOO_MANY)
        if node not in self._seen:
            self._seen.add(node)
            yield from self._own_problems(node, key)
        if isinstance(node, yaml.SequenceNode):
            for index, child in enumerate(node.value):
                self.written_at[*key, index] = self._place(child)
                yield from self._walk(child, (*key, index), (*above, node))
        elif isinstance(node, yaml.MappingNode):
            for name, child in node.value:
                if name.tag == _MERGE:  # before the others, which take precedence over it
                    for mapping in reversed(_merged(child)):
                        yield from self._walk(mapping, key, (*above, node))
            for name, child in node.value:
                if name.tag != _MERGE:
                    part = name.value if isinstance(name, yaml.ScalarNode) else "?"
                    self.written_at[*key, part] = self._place(name)
                    yield from self._walk(child, (*key, part), (*above, node))

    def _own_problems(self, node: yaml.Node, key: Key) -> Iterator[Problem]:
        """Find problems of `node` itself."""
        if node.tag not in {*_SCALARS, _TAG + "seq", _TAG + "map"}:
            tag = node.tag.replace(_TAG, "!!")
            yield key, f"expected a value without a tag, found {tag} ({self._place(node)})"
        elif isinstance(node, yaml.ScalarNode):
            yield from self._scalar_problems(node, key)
        elif isinstance(node, yaml.MappingNode):
            yield from self._key_problems(node, key)

    def _key_problems(self, node: yaml.MappingNode, key: Key) -> Iterator[Problem]:
        """Find keys of `node` with equal values, such as "a" and a, or 1 and 1.0."""
        lines: dict[Hashable, int] = {}
        for name, child in node.value:
            if not isinstance(name, yaml.ScalarNode):
                yield key, f"expected a name as key, found a list or keys ({self._place(name)})"
                continue
            merges = name.tag == _MERGE
            if merges and not all(isinstance(it, yaml.MappingNode) for it in _merged(child)):
                yield (*key, "<<"), f"expected keys to merge ({self._place(child)})"
            elif not merges:
                yield from self._own_problems(name, (*key, name.value))
            value = merges, None if merges else self._value(name)
            line = name.start_mark.line + 1
            if value in lines:
                first = lines[value]
                where = f"line {line}" if first == line else f"lines {first} and {line}"
                text = f"given twice, in {where}; keep one"
                yield (*key, name.value), f"{text} ({self._name})"
            lines[value] = line

    def _scalar_problems(self, node: yaml.ScalarNode, key: Key) -> Iterator[Problem]:
        """Find single values that YAML cannot read, or reads differently from a person."""
        value = self._value(node)
        plain = node.style is None and isinstance(value, int | float)
        if value is node:
            kind = node.tag.removeprefix(_TAG)
            yield key, f"{shown(node.value)} cannot be read as {kind} ({self._place(node)})"
        elif plain and _OTHER_BASE.fullmatch(node.value):
            text = f"YAML reads {node.value} as {value}, in base 8 or 60; write what is meant"
            yield key, f"{text} ({self._place(node)})"

    def _value(self, node: yaml.ScalarNode) -> Hashable:
        """Return the value of a node; the node itself if it has none, such as the 45th of May."""
        if node.tag not in _SCALARS:
            return node
        try:
            value: Hashable = self._loader.construct_object(node)
        except (ValueError, yaml.YAMLError):
            return node
        return value

    def _place(self, node: yaml.Node) -> str:
        return f"{self._name}, line {node.start_mark.line + 1}"


def _merged(node: yaml.Node) -> list[yaml.Node]:
    """Return the mappings after `<<:`; the first one takes precedence."""
    return node.value if isinstance(node, yaml.SequenceNode) else [node]


def _text(file: Path) -> str:
    """Return the text of a file as Snakemake reads it. Raises _FileError if it cannot be read."""
    try:
        size = file.stat().st_size
        if size > MAX_BYTES:
            raise _FileError(f"expected a configuration, at most 1 MB, found {size / 1e6:.0f} MB")
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        byte = error.object[error.start]
        found = f"the byte 0x{byte:02x} in line {line}"
        raise _FileError(f"expected text in UTF-8, found {found}; save it as UTF-8") from None
    except OSError as error:
        raise _FileError(f"cannot be read: {error.strerror}") from None
    try:
        json.loads(text)
    except ValueError:
        return text
    return text.replace("\t", " ")  # JSON allows tabs, YAML does not


def _in_words(error: yaml.MarkedYAMLError) -> str:
    """Return in words where and why a file is not YAML."""
    mark = error.problem_mark or error.context_mark
    line = f"line {mark.line + 1}: " if mark else ""
    if "single document" in (error.context or ""):
        return f"{line}expected one document, found another one, which begins with ---"
    if "'\\t'" in (error.problem or ""):
        return f"{line}expected spaces to indent with, found a tab"
    context = f" {error.context}" if error.context else ""
    return f"{line}this is no YAML: {error.problem}{context}"
