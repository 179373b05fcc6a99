"""The imports of the library are those that docs/structure.md draws, and no module outgrows its room."""

import ast
import re
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "structure.md").read_text(encoding="utf-8")
LONGEST_MODULE, LONGEST_COMMON = 300, 120

Graph = dict[str, set[str]]
"""For each module the modules that it imports, the library's and others."""


def drawn(page: str) -> list[list[str]]:
    """The rooms of each floor of the drawing, the lowest floor first."""
    drawing = re.search(r"^```\n(.*?)^```", page, re.MULTILINE | re.DOTALL)[1]
    floors = re.split(r"^─.*\n", drawing, flags=re.MULTILINE)
    return [re.findall(r"[\w.]+", re.sub(r"^.*│", "", floor, flags=re.M)) for floor in floors][::-1]


def imports(root: Path, *packages: str) -> Graph:
    """Who imports whom below `root`: at the top of a module, in a function, or for a type checker alone."""
    files = {_name(path.relative_to(root)): path for it in packages for path in _files(root / it)}
    return {name: set(_imported(name, path, files)) - {name} for name, path in files.items()}


def _files(package: Path) -> Iterator[Path]:
    yield from sorted(package.rglob("*.py"))


def _name(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def _imported(name: str, path: Path, files: Mapping[str, Path]) -> Iterator[str]:
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) + 1 - node.level]
            parts = [*(above if node.level else []), *([node.module] if node.module else [])]
            base = ".".join(parts)
            for alias in node.names:
                whole = f"{base}.{alias.name}"
                yield whole if whole in files else base


def room_of(module: str, rooms: set[str]) -> str | None:
    """The room that a module of the library is in: the longest name that it begins with."""
    name = module.removeprefix("pamlflow.")
    parts = name.split(".")
    names = (".".join(parts[:n]) for n in range(len(parts), 0, -1))
    return next((name for name in names if name in rooms), None)


def faults(graph: Graph, floors: list[list[str]]) -> list[str]:
    """What the imports and the drawing disagree in."""
    height = {room: number for number, floor in enumerate(floors) for room in floor}
    found = []
    room = {module: room_of(module, height.keys()) for module in graph}
    found += [f"{module} is in no room" for module, its in room.items() if its is None]
    found += [f"{name} is empty" for name in height if name not in room.values()]
    for module, imported in graph.items():
        for other in sorted(imported & graph.keys()):
            here, there = room[module], room[other]
            if None in (here, there) or here == there:
                continue
            if height[there] >= height[here]:
                where = "above" if height[there] > height[here] else "beside"
                found.append(f"{module} imports {other} {where} it")
    return found


def cycle(graph: Graph) -> list[str]:
    """The modules of a circle of imports; none where there is no circle."""
    try:
        TopologicalSorter({name: its & graph.keys() for name, its in graph.items()}).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


@pytest.fixture(scope="module")
def library() -> Graph:
    return imports(ROOT, "pamlflow")


def importers(graph: Graph, package: str) -> set[str]:
    """The modules that import something of `package`."""
    return {
        module
        for module, imported in graph.items()
        if any(f"{name}.".startswith(f"{package}.") for name in imported)
    }


def within(modules: set[str], package: str) -> set[str]:
    return {module for module in modules if f"{module}.".startswith(f"pamlflow.{package}.")}


def test_imports_go_down(library):
    assert faults(library, drawn(PAGE)) == []


def test_imports_do_not_go_round(library):
    assert cycle(library) == []


def test_each_room_is_explained_once():
    rooms = [room for floor in reversed(drawn(PAGE)) for room in floor]
    section = PAGE.split("## Rooms")[1].split("\n## ")[0]
    assert re.findall(r"^\| `([\w.]+)` \|", section, re.MULTILINE) == rooms


def test_what_uses_a_model_does_not_know_what_trains_it(library):
    fitting = "pamlflow.models.latent_gp.fit"
    assert within(importers(library, fitting), "models.latent_gp.use") == set()
    assert within(importers(library, fitting), "models.latent_gp.fit")  # the graph sees these


def test_only_jobs_know_snakemake(library):
    graph = library | imports(ROOT, "benchmarks", "publish")
    known = {name for its in graph.values() for name in its if name.startswith("snakemake")}
    for name in {name.partition(".")[0] for name in known}:
        assert importers(graph, name) == within(importers(graph, name), "jobs")
    assert known


@pytest.mark.parametrize("room", ["storage", "plotting"])
def test_files_and_figures_do_not_know_the_configuration(library, room):
    knowing = importers(library, "pamlflow.configuration")
    assert knowing and within(knowing, room) == set()


@pytest.mark.parametrize("other", ["benchmarks", "publish", "tests"])
def test_the_library_stands_alone(library, other):
    assert importers(library, other) == set()


@pytest.mark.parametrize("package", ["pamlflow", "publish"])
def test_no_module_is_too_long(package):
    lines = {path: path.read_text(encoding="utf-8").count("\n") for path in _files(ROOT / package)}
    assert lines and {path for path, count in lines.items() if count > LONGEST_MODULE} == set()


def test_the_lookups_of_the_rules_stay_short():
    common = (ROOT / "workflow" / "rules" / "common.smk").read_text(encoding="utf-8")
    assert common.count("\n") < LONGEST_COMMON


DRAWING = "```\n top │ cli\n──┼──\n middle │ a  a.low\n──┼──\n bottom │ b\n        │ c\n```\n"


@pytest.fixture
def house(tmp_path):
    """A small library of given modules, and what is wrong with it."""

    def build(**modules):
        package = tmp_path / "pamlflow"
        (package / "a").mkdir(parents=True)
        texts = {"cli": "", "a/__init__": "", "a/low": "", "b": "", "c": ""} | modules
        for name, text in texts.items():
            (package / f"{name}.py").write_text(text)
        return imports(tmp_path, "pamlflow")

    return build


def test_a_house_that_is_as_it_is_drawn_has_no_fault(house):
    graph = house(cli="from pamlflow import a\nimport pamlflow.b", **{"a/low": "from .. import c"})
    floors = [["b", "c"], ["a", "a.low"], ["cli"]]
    assert drawn(DRAWING) == floors
    assert (faults(graph, floors), cycle(graph)) == ([], [])
    assert graph["pamlflow.cli"] == {"pamlflow.a", "pamlflow.b"}
    assert graph["pamlflow.a.low"] == {"pamlflow.c"}


@pytest.mark.parametrize(
    "text",
    [
        "from pamlflow.a import thing",
        "def late():\n    import pamlflow.a",
        "if TYPE_CHECKING:\n    from pamlflow import a",
    ],
)
def test_a_climb_is_found(house, text):
    found = faults(house(b=text), drawn(DRAWING))
    assert found == ["pamlflow.b imports pamlflow.a above it"]


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        ("b", "import pamlflow.c", "pamlflow.b imports pamlflow.c beside it"),
        ("a/__init__", "from . import low", "pamlflow.a imports pamlflow.a.low beside it"),
        ("d", "", "pamlflow.d is in no room"),
    ],
)
def test_what_is_not_as_it_is_drawn_is_found(house, name, text, fault):
    assert faults(house(**{name: text}), drawn(DRAWING)) == [fault]


def test_a_room_with_nothing_in_it_is_found(house):
    assert faults(house(), [*drawn(DRAWING), ["attic"]]) == ["attic is empty"]


def test_a_circle_is_found(house):
    graph = house(b="import pamlflow.c", c="def late():\n    from pamlflow import b")
    assert {"pamlflow.b", "pamlflow.c"} == set(cycle(graph))
