import subprocess
import sys
from pathlib import Path

import pytest
from examples import SIZES

from pamlflow.rows import SYMBOLS, Row
from pamlflow.storage.schemas import SCHEMAS, readme, schema_of

ROOT = Path(__file__).parents[3]
ROWS = [(schema.name, row) for schema in SCHEMAS.values() for row in schema.rows]


@pytest.mark.parametrize(("schema", "row"), ROWS, ids=[f"{name}:{row.path}" for name, row in ROWS])
def test_rows_are_complete(schema, row):
    assert row.dtype in {"float64", "int64", "string"}
    assert row.meaning
    assert (row.units == "-") == (row.dtype == "string")
    assert set(row.shape) - {"..."} <= SYMBOLS.keys()
    if "/" in row.units:
        units = SCHEMAS[schema].row(row.units)
        assert units is not None and units.shape == row.shape[-1:]


def test_every_symbol_is_used():
    assert SYMBOLS.keys() == {letter for _, row in ROWS for letter in row.shape} - {"..."}
    assert SYMBOLS.keys() == SIZES.keys()


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
def test_a_dataset_is_declared_once(schema):
    for row in schema.rows:
        path = row.path.replace("*", "any/name")
        assert [other for other in schema.rows if other.covers(path)] == [row]
        assert schema.row(path) is row
    assert schema.row("stray") is None


def test_open_rows_cover_only_what_is_below_them():
    row = Row("parameters/*", ("...",), "float64", "1", "parameters")
    assert row.covers("parameters/kernel.variance") and row.covers("parameters/a/b")
    assert not row.covers("parameters") and not row.covers("parameters_old/a")


def test_optional_rows_come_together_or_not_at_all():
    schema = SCHEMAS["round"]
    required = {row.path for row in schema.rows if not row.optional}
    assert list(schema.missing(required)) == []
    lacking = {row.path for row in schema.missing({*required, "selection/chosen"})}
    assert lacking == {
        "selection/candidates",
        "selection/utilities",
        "selection/latent_mean",
        "selection/latent_variance",
    }


def test_the_rows_of_a_round_are_those_of_its_kind_of_model():
    for config in ({}, {"model": {"inducing_points": 9}}, {"model": {"kind": "latent_gp"}}):
        assert schema_of("round", config) == SCHEMAS["round"]
    config = {"model": {"kind": "ridge_model:RIDGE"}}
    assert schema_of("metrics", config) == SCHEMAS["metrics"]
    paths = {row.path for row in schema_of("round", config).rows}
    ours = {row.path for row in SCHEMAS["round"].rows}
    assert paths - ours == {"ridge/weights", "ridge/noise", "ridge/descriptor"}
    gone = {path.split("/")[0] for path in ours - paths}
    assert gone == {"latent", "parameters", "scaler", "posterior", "selection"}
    with pytest.raises(ValueError, match="kind of model 'no_such:KIND'"):
        schema_of("round", {"model": {"kind": "no_such:KIND"}})


def test_alternatives_of_a_group_are_each_complete():
    schema = SCHEMAS["round"]
    required = {row.path for row in schema.rows if not row.optional}
    pictures = {*required, "posterior/pictures/encoder.weights"}
    assert list(schema.missing(pictures)) == []
    lacking = {row.path for row in schema.missing({*required, "posterior/descriptor/slope"})}
    assert len(lacking) == 7 and all(path.startswith("posterior/descriptor/") for path in lacking)


@pytest.mark.parametrize(
    ("number", "letters"),
    [(1, None), (2, ("N", "R")), (3, ("N", "", "R")), (4, ("N", "", "", "R"))],
)
def test_an_ellipsis_stands_for_any_number_of_axes(number, letters):
    assert Row("a", ("N", "...", "R"), "float64", "1", "a").axes(number) == letters


@pytest.mark.parametrize(("number", "letters"), [(1, None), (2, ("N", "R")), (3, None)])
def test_without_an_ellipsis_the_number_of_axes_is_that_of_the_letters(number, letters):
    assert Row("a", ("N", "R"), "float64", "1", "a").axes(number) == letters


def test_open_rows_may_be_empty():
    schema = SCHEMAS["round"]
    assert "parameters/*" not in {row.path for row in schema.missing(())}


def test_readme_is_up_to_date():
    assert (ROOT / "data/README.md").read_text() == readme(), (
        "run `python -m pamlflow.storage.schemas > data/README.md`"
    )


def test_module_prints_the_readme():
    command = [sys.executable, "-m", "pamlflow.storage.schemas"]
    printed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert printed == readme()


def test_readme_names_every_dataset_and_symbol():
    lines = readme().splitlines()
    for schema in SCHEMAS.values():
        assert f"## {schema.name}, version {schema.version}" in lines
    for _, row in ROWS:
        assert any(line.startswith(f"| `{row.path}`") and row.dims in line for line in lines)
    for letter, meaning in SYMBOLS.items():
        assert f"| {letter} | {meaning} |" in lines
