"""What files say that they were made from."""

import json
from pathlib import Path

import pytest

from pamlflow.stages.simulate import draw_design
from pamlflow.storage import files, notes, store

WORLD = {"domain": "cart_pole", "space": {"pole_mass": [0.5, 5.0]}, "fixed": {"pole_length": 1.0}}
NOTE = "results/provenance/figure.svg.json"


@pytest.fixture(autouse=True)
def _there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("results").mkdir()
    Path("results/figure.svg").write_text("<svg/>")
    Path("data").mkdir()
    Path("data/table.csv").write_text("a,b\n")


def test_an_hdf5_file_says_what_store_wrote():
    path = Path("data/design.h5")
    draw_design(experiment=WORLD, block=3, seed=7, output=path)
    says, record = notes.read(path, "design"), store.read(path)
    assert says == (7, WORLD | {"block": 3}, {}, record.sha256)


def test_parents_are_named_from_the_working_folder():
    draw_design(experiment=WORLD, block=3, seed=7, output=Path("data/design.h5"))
    record = store.read("data/design.h5")
    path = Path("results/smoke/design.h5")
    parents = ["data/table.csv", "results/figure.svg"]
    store.write(path, "design", record.datasets, seed=7, config={}, parents=parents)
    digests = {name: files.sha256(Path(name).read_bytes()) for name in parents}
    assert notes.read(path, "design").parents == digests


def test_a_figure_says_what_was_noted_of_it():
    params = {"strategies": ["paml"], "trials": [0], "seed": 3}
    notes.note(["results/figure.svg"], params, ["data/table.csv"])
    says = notes.read(Path("results/figure.svg"))
    assert says.seed == 3 and says.config == {"strategies": ["paml"], "trials": [0]}
    assert says.parents == {"data/table.csv": files.sha256(b"a,b\n")}
    assert says.sha256 == files.sha256(b"<svg/>")
    before = Path(NOTE).read_bytes()
    notes.note(["results/figure.svg"], params, ["data/table.csv"])
    assert Path(NOTE).read_bytes() == before


def test_a_note_speaks_of_no_other_figure_of_that_name():
    notes.note(["results/figure.svg"], {}, [])
    Path("results/figure.svg").write_text("<svg></svg>")
    with pytest.raises(ValueError, match="changed since it was made"):
        notes.read(Path("results/figure.svg"))


@pytest.mark.parametrize(
    "change",
    [
        {"seed": None},
        {"seed": "many"},
        {"config": [1]},
        {"config": None},
        {"parents": []},
        {"parents": None},
        {"sha256": 3},
    ],
    ids=str,
)
def test_a_note_that_means_nothing_is_refused(change):
    notes.note(["results/figure.svg"], {}, [])
    Path(NOTE).write_text(json.dumps(json.loads(Path(NOTE).read_text()) | change))
    with pytest.raises(ValueError, match=r"expected a seed|changed since"):
        notes.read(Path("results/figure.svg"))


def test_a_file_that_is_not_there_is_not_a_file_that_says_nothing():
    with pytest.raises(FileNotFoundError):
        notes.read(Path("data/design.h5"), "design")
    with pytest.raises(ValueError, match=f"no note of what it was made from in {NOTE}"):
        notes.read(Path("results/figure.svg"))


@pytest.mark.parametrize(
    ("found", "expected", "said"),
    [
        ({"a": {"b": 1}}, {"a": {"b": 1.0}}, None),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, None),
        ({"a": {"b": 1}}, {"a": {"b": 2}}, "a.b: expected 2, found 1"),
        ({"a": {"b": 1}}, {"a": {}}, "a.b: expected nothing, found 1"),
        ({"a": {}}, {"a": {"b": [1, 2]}}, "a.b: expected [1, 2], found nothing"),
        ({"a": {"b": 1}}, {"a": "text"}, 'a: expected "text", found {"b": 1}'),
        ({"a": [1, 2]}, {"a": [2, 1]}, "a: expected [2, 1], found [1, 2]"),
    ],
)
def test_a_difference_names_the_setting(found, expected, said):
    assert notes.difference(found, expected) == said


def test_long_values_are_cut():
    said = notes.difference({"a": "x" * 500}, {"a": 1})
    assert said is not None and said.endswith("...") and len(said) < 100
