import pytest

from pamlflow.storage.places import Place, plain, study_of

STUDY = "results/cart_pole"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("path", "schema", "names"),
    [
        ("data/cart_pole/test_tasks.h5", "test_tasks", ("", "", "")),
        ("data/cart_pole/trial_03/initial_tasks.h5", "initial_tasks", ("", "03", "")),
        ("data/cart_pole/trial_03/design.h5", "design", ("", "03", "")),
        ("data/cart_pole/trial_03/pool.h5", "pool", ("", "03", "")),
        (f"{STUDY}/paml/trial_03/round_14.h5", "round", ("paml", "03", "14")),
        (f"{STUDY}/paml/trial_03/metrics.h5", "metrics", ("paml", "03", "")),
        (f"{STUDY}/summary.h5", "summary", ("", "", "")),
    ],
)
def test_a_path_says_where_a_file_belongs_and_back(folder, path, schema, names):
    place = Place.of(plain(folder / path))
    assert place == Place(str(folder), schema, "cart_pole", *names)
    assert str(place.path) == path


@pytest.mark.parametrize(
    "path",
    [
        f"{STUDY}/paml/trial_03/round_3.h5",
        f"{STUDY}/paml/trial_03/round_03_old.h5",
        f"{STUDY}/round_03.h5",
        f"{STUDY}/paml/trial_03/copy/round_03.h5",
        "data/cart_pole/summary.h5",
        f"{STUDY}/paml/trial_03/round_\u0661\u0662.h5",
    ],
)
def test_other_names_are_no_places(folder, path):
    assert Place.of(folder / path) is None


@pytest.mark.parametrize(
    ("path", "before"),
    [
        (f"{STUDY}/paml/trial_03/round_02.h5", f"{STUDY}/paml/trial_03/round_01.h5"),
        (f"{STUDY}/paml/trial_03/round_01.h5", f"{STUDY}/initial/trial_03/round_00.h5"),
        (f"{STUDY}/initial/trial_03/round_00.h5", "data/cart_pole/trial_03/initial_tasks.h5"),
        (f"{STUDY}/oracle/trial_03/round_00.h5", "data/cart_pole/test_tasks.h5"),
    ],
)
def test_a_round_knows_what_it_goes_on_from(folder, path, before):
    assert str(Place.of(folder / path).before().path) == before


def test_a_file_is_written_in_one_way_wherever_one_comes_from(folder):
    assert plain(folder / "results" / ".." / "data") == plain(folder / "data")
    assert str(plain(folder.parent / "other")) == "../other"


@pytest.mark.parametrize("name", [f"{STUDY}/summary.csv", "data/cart_pole/trial_03/pool.h5"])
def test_a_file_belongs_to_a_study_whatever_its_folder_is_called(folder, name):
    study = folder / "two\nlines"
    assert study_of(study / name) == study
    assert study_of(study / "notes.txt") is None
