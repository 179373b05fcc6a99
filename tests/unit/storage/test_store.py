import fcntl
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest
from examples import edited, example
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import pamlflow
from pamlflow.storage import files, hdf5, store
from pamlflow.storage.schemas import SCHEMAS
from pamlflow.storage.store import StoreError

CONFIG = {"simulation": {"steps": 100, "time_step": 0.05}, "space": [0.5, 5.0]}


@pytest.fixture
def round_file(tmp_path, monkeypatch):
    """A valid round file; its folder is the working folder, as it would be for a user."""
    monkeypatch.chdir(tmp_path)
    path = Path("results/cart_pole/paml/trial_00/round_03.h5")
    store.write(path, "round", example("round"), seed=1, config=CONFIG)
    return path


def expect(path, *fragments, schema=None):
    """`path` is refused, in one line that holds the fragments in this order."""
    with pytest.raises(StoreError) as caught:
        store.read(path, schema)
    message = str(caught.value)
    assert message.startswith(f"{path}: ") and "\n" not in message
    at = 0
    for fragment in fragments:
        assert fragment in message[at:], message
        at = message.index(fragment, at)


REBUILD = (
    "rebuild it with `snakemake --cores all --forcerun results/cart_pole/paml/trial_00/round_03.h5"
)


# Round trips


@pytest.mark.parametrize("schema", SCHEMAS)
def test_what_is_written_is_read(tmp_path, schema):
    datasets = example(schema)
    path = tmp_path / "file.h5"
    store.write(path, schema, datasets, seed=2**62, config=CONFIG)
    record = store.read(path, schema)
    assert record.schema == schema and record.schema_version == SCHEMAS[schema].version
    assert record.seed == 2**62 and record.config == CONFIG and record.parents == {}
    assert record.pamlflow_version == pamlflow.__version__
    assert record.datasets.keys() == datasets.keys()
    for name, value in datasets.items():
        np.testing.assert_array_equal(record.datasets[name], value)
        assert record.datasets[name].dtype.kind == value.dtype.kind


def test_optional_datasets_may_be_left_out(tmp_path):
    store.write(tmp_path / "r.h5", "round", example("round", optional=False), seed=1, config={})
    assert not any("selection" in name for name in store.read(tmp_path / "r.h5").datasets)


FINITE = st.floats(allow_nan=False, allow_infinity=False)
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=9)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    points=hnp.arrays(np.float64, st.tuples(st.integers(0, 4), st.just(2)), elements=FINITE),
    names=st.lists(TEXT, min_size=2, max_size=2),
)
def test_any_numbers_and_names_survive(tmp_path, points, names):
    datasets = {
        "design/latin_hypercube": points,
        "design/descriptor_names": names,
        "design/descriptor_units": ("kg", "m/s²"),
    }
    store.write(tmp_path / "d.h5", "design", datasets, seed=0, config={})
    record = store.read(tmp_path / "d.h5")
    np.testing.assert_array_equal(record.datasets["design/latin_hypercube"], points)
    assert record.datasets["design/descriptor_names"].tolist() == names
    assert record.datasets["design/descriptor_units"].tolist() == ["kg", "m/s²"]


def test_lists_python_numbers_and_empty_lists_are_welcome(tmp_path):
    datasets = example("round") | {
        "round": 3,
        "training/events": [],
        "training/bound": [],
        "tasks/descriptor_names": np.array(["mass", "length"], dtype=object),
    }
    store.write(tmp_path / "r.h5", "round", datasets, seed=1, config={})
    read = store.read(tmp_path / "r.h5").datasets
    assert read["round"] == 3 and read["training/events"].tolist() == []
    assert read["tasks/descriptor_names"].tolist() == ["mass", "length"]


def test_same_content_gives_the_same_bytes(tmp_path):
    datasets = example("round")
    store.write(tmp_path / "a.h5", "round", datasets, seed=1, config={"a": 1, "b": 2})
    time.sleep(1.1)  # HDF5 counts time in seconds
    shuffled = dict(reversed(datasets.items()))
    store.write(tmp_path / "b.h5", "round", shuffled, seed=1, config={"b": 2, "a": 1})
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


def test_pictures_are_small_on_disk_and_the_same_bytes_again(tmp_path):
    """A round of 100 candidates of 64 x 64, mostly background."""
    datasets = example("round", pixels=(64, 64), C=100, N=16, S=64, R=1)
    candidates = np.zeros((100, 64, 64, 1))
    for row, picture in enumerate(candidates):
        picture[60 - row // 2 : 60, 30:34] = [[0.3], [1.0], [1.0], [0.3]]
    datasets |= {"selection/candidates": candidates, "tasks/descriptors": candidates[:16]}
    for name in ("a", "b"):
        store.write(tmp_path / name, "round", datasets, seed=1, config={})
    assert (tmp_path / "a").stat().st_size < 200_000 < candidates.nbytes / 10
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    read = store.read(tmp_path / "a").datasets
    np.testing.assert_array_equal(read["selection/candidates"], candidates)


def test_the_number_of_axes_is_that_of_the_schema_and_letters_are_compared(tmp_path):
    datasets = example("round", pixels=(4, 4))
    for name, shape, expected in (
        ("tasks/descriptors", (3,), r"float64 \[N, ..., R\], found float64 \[3\]"),
        ("tasks/descriptors", (3, 4, 4, 7), r"with R = 2, as in .* found float64 \[3, 4, 4, 7\]"),
        ("latent/mean", (3, 4, 2), r"float64 \[N, Q\], found float64 \[3, 4, 2\]"),
    ):
        with pytest.raises(store.StoreError, match=expected):
            wrong = datasets | {name: np.zeros(shape)}
            store.write(tmp_path / "r.h5", "round", wrong, seed=1, config={})


def test_attributes_explain_the_file_to_other_programs(round_file):
    with h5py.File(round_file) as file:
        assert file.attrs.keys() == {
            "schema",
            "schema_version",
            "pamlflow_version",
            "seed",
            "config",
            "parents",
        }
        mean = file["latent/mean"].attrs
        assert (mean["dims"], mean["units"]) == ("[N, Q]", "1")
        assert file["tasks/descriptors"].attrs["dims"] == "[N, R]"
        assert mean["description"] == "mean of q(h) of each task"
        assert file["tasks/inputs"].attrs["units"] == "tasks/input_units"


def test_parents_are_recorded_by_content(tmp_path):
    parent = tmp_path / "data" / "design.h5"
    parent.parent.mkdir()
    parent.write_bytes(b"abc")
    path = tmp_path / "results" / "round_01.h5"
    store.write(path, "round", example("round"), seed=1, config={}, parents=[parent])
    sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2, "abc"
    assert store.read(path).parents == {"../data/design.h5": sha256}


def test_hundreds_of_parents_fit(tmp_path):
    parents = [tmp_path / f"{'long' * 40}_{i}" for i in range(500)]  # 64 KiB would be too little
    for parent in parents:
        parent.touch()
    store.write(
        tmp_path / "s.h5", "summary", example("summary"), seed=1, config={}, parents=parents
    )
    assert len(store.read(tmp_path / "s.h5").parents) == 500


# What is refused on writing


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_are_never_written(tmp_path, value):
    datasets = example("round")
    datasets["latent/mean"][2, 1] = value
    with pytest.raises(StoreError, match=rf"'latent/mean'.*finite.*{value} at index \[2, 1\]"):
        store.write(tmp_path / "r.h5", "round", datasets, seed=1, config={})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"round": 1.0}, r"'round': expected int64 \[\], found float64 \[\]"),
        ({"round": True}, r"'round': expected int64 \[\], found bool \[\]"),
        (
            {"latent/mean": np.zeros((3, 2), np.float32)},
            r"float64 \[N, Q\], found float32 \[3, 2\]",
        ),
        ({"latent/mean": np.zeros(3)}, r"expected float64 \[N, Q\], found float64 \[3\]"),
        ({"stray": 1.0}, r"'stray': expected no such dataset in a round file, found float64 \[\]"),
        ({"training/events": [1]}, r"'training/events': expected string \[V\], found int64 \[1\]"),
        (
            {"parameters/z": np.zeros(2, int)},
            r"'parameters/z': expected float64 \[...\], found int",
        ),
    ],
)
def test_datasets_that_break_the_schema_are_never_written(tmp_path, changed, message):
    with pytest.raises(StoreError, match=message):
        store.write(tmp_path / "r.h5", "round", example("round") | changed, seed=1, config={})
    assert list(tmp_path.iterdir()) == []


def test_an_incomplete_selection_is_never_written(tmp_path):
    datasets = example("round")
    del datasets["selection/utilities"]
    with pytest.raises(StoreError, match=r"'selection/utilities': .*found nothing"):
        store.write(tmp_path / "r.h5", "round", datasets, seed=1, config={})


# What is refused on reading


def test_a_missing_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = Path("data/cart_pole/trial_00/design.h5")
    expect(path, "no such file", f"make it with `snakemake --cores all {path} ")


def test_a_folder(tmp_path):
    expect(tmp_path, "cannot be opened (expected a file, found a folder)", f"`ls -ld {tmp_path}`")


def test_an_empty_file(round_file):
    round_file.write_bytes(b"")
    expect(round_file, "expected an HDF5 file, found an empty file", REBUILD)


def test_a_file_that_is_not_hdf5(round_file):
    round_file.write_text("strategy,trial\n")
    expect(
        round_file, "expected a sealed HDF5 file, found a file that starts with b'strateg", REBUILD
    )


def test_hdf5_of_another_program(round_file):
    with edited(round_file) as file:
        for name in list(file.attrs):
            del file.attrs[name]
        file.attrs["creator"] = "MATLAB"
    expect(round_file, "root attributes of a pamlflow file, found no attribute 'schema'", REBUILD)


def test_a_file_truncated_anywhere(round_file):
    whole = round_file.read_bytes()
    for size in range(0, len(whole), 997):
        round_file.write_bytes(whole[:size])
        expect(round_file, REBUILD)
    round_file.write_bytes(whole[:-1])
    expect(round_file, f"truncated: expected {len(whole)} bytes, found", REBUILD)


def test_a_flipped_bit_anywhere(round_file):
    whole = bytearray(round_file.read_bytes())
    for place in range(0, len(whole), 997):
        whole[place] ^= 4
        round_file.write_bytes(whole)
        expect(round_file, REBUILD)
        whole[place] ^= 4


def test_a_file_without_its_seal(round_file):
    """What nothing vouches for is no file of pamlflow, however sound it looks."""
    round_file.write_bytes(round_file.read_bytes()[files.SEAL_BYTES :])
    with h5py.File(round_file, "r+") as file:
        file["latent/mean"][0, 0] = -99.0
    expect(round_file, "expected a sealed HDF5 file, found one without a seal", REBUILD)


def test_bits_flipped_below_the_seal_are_refused_or_unseen_but_break_nothing(round_file):
    whole = bytearray(round_file.read_bytes())
    refused = 0
    for place in range(files.SEAL_BYTES, len(whole), 397):
        whole[place] ^= 4
        round_file.write_bytes(files.seal(whole))
        try:
            store.read(round_file)
        except StoreError:
            refused += 1
        whole[place] ^= 4
    assert refused > 0


def test_an_older_version(round_file):
    with edited(round_file) as file:
        file.attrs["schema_version"] = 0
    expect(
        round_file,
        "expected version 1 of schema 'round', found 0",
        "rebuild all such files with `snakemake --cores all --forcerun train_initial_round ",
    )


def test_a_newer_version(round_file):
    with edited(round_file) as file:
        file.attrs.update(schema_version=7, pamlflow_version="9.1.0")
    expect(round_file, "found 7", "read it with the pamlflow that wrote it (9.1.0)", "--forcerun")


def test_another_schema(round_file):
    expect(round_file, "expected schema 'design', found 'round'", REBUILD, schema="design")


def test_an_unknown_schema(round_file):
    with edited(round_file) as file:
        file.attrs["schema"] = "rond"
    expect(round_file, "expected one of the schemas test_tasks, ", "found 'rond'", REBUILD)


@pytest.mark.parametrize("attribute", ["pamlflow_version", "seed", "config", "parents"])
def test_a_lost_attribute(round_file, attribute):
    with edited(round_file) as file:
        del file.attrs[attribute]
    expect(
        round_file,
        f"expected the root attributes of a pamlflow file, found no attribute {attribute!r}",
        REBUILD,
    )


def replace(path, dataset, value):
    with edited(path) as file:
        del file[dataset]
        if value is not None:
            file[dataset] = value


@pytest.mark.parametrize(
    ("dataset", "value", "expected", "found"),
    [
        ("latent/mean", None, "float64 [N, Q]", "nothing"),
        ("selection/chosen", None, "int64 []", "nothing"),
        ("latent/mean", np.zeros((3, 2), "f4"), "float64 [N, Q]", "float32 [3, 2]"),
        ("latent/mean", np.zeros((3, 2), ">f8"), "float64 [N, Q]", ">f8 [3, 2]"),
        ("tasks/lengths", np.zeros(3, "i4"), "int64 [N]", "int32 [3]"),
        ("tasks/input_names", np.zeros(6), "string [Dx]", "float64 [6]"),
        ("latent/mean", np.zeros((3, 2, 1)), "float64 [N, Q]", "float64 [3, 2, 1]"),
        ("latent/mean", h5py.Empty("f8"), "float64 [N, Q]", "nothing, of type []"),
        ("latent/mean", np.full((3, 2), np.nan), "finite numbers", "nan at index [0, 0]"),
        ("latent/variance", np.full((3, 2), -1.0), "numbers at least 0", "-1.0 at index [0, 0]"),
        ("selection/chosen", -1, "numbers at least 0", "-1 at index []"),
    ],
)
def test_a_dataset_that_breaks_the_schema(round_file, dataset, value, expected, found):
    replace(round_file, dataset, value)
    expect(round_file, f"dataset {dataset!r}: expected {expected}, found {found}", REBUILD)


def test_shares_beyond_one(tmp_path):
    metrics = example("metrics")
    metrics["coverage"][0, 1, 0, 2] = 1.5
    with pytest.raises(StoreError, match=r"from 0 to 1, found 1.5 at index \[0, 1, 0, 2\]"):
        store.write(tmp_path / "m.h5", "metrics", metrics, seed=1, config={})


def test_sizes_that_disagree(round_file):
    replace(round_file, "latent/variance", np.ones((4, 2)))
    expect(
        round_file,
        "dataset 'latent/variance': expected [N, Q] with N = 3, as in 'latent/mean', "
        "found float64 [4, 2]",
        REBUILD,
    )


def test_an_unexpected_dataset(round_file):
    with edited(round_file) as file:
        file["latent/extra"] = 1.0
    expect(round_file, "'latent/extra': expected no such dataset in a round file", REBUILD)


def test_commands_can_be_pasted(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = (
        tmp_path / "results/my study/paml/trial_00/round_01.h5"
    )  # absolute, as a library user may have it
    path.parent.mkdir(parents=True)
    path.touch()
    expect(path, "--forcerun 'results/my study/paml/trial_00/round_01.h5'")


# Whole or not at all


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, step):
    path = tmp_path / "d.h5"
    store.write(path, "design", example("design"), seed=1, config={})
    before = path.read_bytes()

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(*((os, "fsync") if step == "fsync" else (Path, "replace")), fail)
    with pytest.raises(StoreError, match=r"d.h5: cannot be written \(No space left.*; see to the"):
        store.write(path, "design", example("design"), seed=2, config={})
    assert [file.name for file in tmp_path.iterdir()] == ["d.h5"]
    assert path.read_bytes() == before


def test_a_file_too_large_for_the_disk_leaves_nothing(tmp_path):
    """The limit of the process stands in for a full disk: the kernel cuts the write short."""
    code = (
        "import resource, sys; from examples import example; from pamlflow.storage import store;"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096));"
        "store.write(sys.argv[1], 'round', example('round'), seed=1, config={})"
    )
    command = [sys.executable, "-c", code, tmp_path / "results" / "round_03.h5"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert "round_03.h5: cannot be written (File too large); see to the folder (" in done.stderr
    assert list((tmp_path / "results").iterdir()) == []


def test_a_job_can_ask_beforehand(tmp_path, monkeypatch):
    folder = tmp_path / "new"
    store.require_writable(folder)
    assert list(folder.iterdir()) == []

    def touch(*_):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "touch", touch)
    message = rf"{folder}: cannot be written \(Read-only file system\); see to the folder \(`df -h"
    with pytest.raises(StoreError, match=message):
        store.require_writable(folder)


def test_files_reach_the_disk_before_they_get_their_name(tmp_path, monkeypatch):
    steps = []
    fsync, rename = os.fsync, Path.replace

    def note_fsync(descriptor):
        steps.append("folder" if Path(f"/proc/self/fd/{descriptor}").is_dir() else "file")
        fsync(descriptor)

    def note_rename(source, target):
        assert source.parent == target.parent and source.name.startswith(".")
        steps.append("rename")
        return rename(source, target)

    monkeypatch.setattr(os, "fsync", note_fsync)
    monkeypatch.setattr(Path, "replace", note_rename)
    store.write(tmp_path / "d.h5", "design", example("design"), seed=1, config={})
    assert steps == ["file", "rename", "folder"]


def test_files_are_as_readable_as_the_umask_says(tmp_path):
    store.write(tmp_path / "d.h5", "design", example("design"), seed=1, config={})
    (tmp_path / "other").touch()
    assert (tmp_path / "d.h5").stat().st_mode == (tmp_path / "other").stat().st_mode


def write_for_ever(path):
    seed = 0
    while True:
        store.write(path, "design", example("design"), seed=seed, config={})
        seed += 1


def test_readers_never_meet_half_a_file(tmp_path):
    path = tmp_path / "d.h5"
    context = multiprocessing.get_context("spawn")
    for _ in range(2):
        writer = context.Process(target=write_for_ever, args=(path,))
        writer.start()
        while not path.exists():
            assert writer.is_alive()
            time.sleep(0.01)
        for _ in range(50):
            store.read(path)  # beside a writer
        os.kill(writer.pid, signal.SIGKILL)
        writer.join()
        store.read(path)


def test_no_lock_is_asked_for(round_file):
    with round_file.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(BlockingIOError):
            h5py.File(round_file, locking="best-effort")
        store.read(round_file)


def test_every_violation_is_found(round_file):
    with h5py.File(round_file) as file:
        forms = {name: hdf5.form(dataset) for name, dataset in hdf5.datasets(file).items()}
    assert list(store.violations(SCHEMAS["round"], forms)) == []
    wrong = {name: form for name, form in forms.items() if name != "round"}
    wrong["stray"] = hdf5.Form("float64", (1,))
    found = [violation.dataset for violation in store.violations(SCHEMAS["round"], wrong)]
    assert found == ["round", "stray"]
