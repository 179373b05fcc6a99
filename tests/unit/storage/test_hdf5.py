"""Files that are sealed, and yet not what pamlflow writes: each is refused, at once and by name."""

import json
import time
import tracemalloc

import h5py
import numpy as np
import pytest
from examples import edited, example

from pamlflow.storage import provenance, store

MEAN = "latent/mean"  # [3, 2]


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "round_03.h5"
    store.write(path, "round", example("round"), seed=1, config={})
    return path


def refused(path, *fragments):
    """The file is refused by a message with the fragments, in less than a second and 20 MB."""
    start = time.perf_counter()
    tracemalloc.start()
    with pytest.raises(store.StoreError) as caught:
        store.read(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert time.perf_counter() - start < 1 and peak < 20e6
    message = str(caught.value)
    assert len(message) < 1000
    for fragment in fragments:
        assert fragment in message, message


def huge(file):
    file.create_dataset(MEAN, (10**9, 10**6), "f8", chunks=(100, 100))


def never_stored(file):
    file.create_dataset(MEAN, (3, 2), "f8")


def many_unstored_axes(file):
    file.create_dataset("parameters/other", (10**5, 10**5), "f8", chunks=(256, 256))
    file[MEAN] = np.zeros((3, 2))


def with_external_storage(file):
    file.create_dataset(MEAN, (3, 2), "f8", external=[("/dev/zero", 0, 48)])


def virtual_of_itself(file):
    layout = h5py.VirtualLayout((3, 2), "f8")
    layout[:] = h5py.VirtualSource(".", MEAN, (3, 2))
    file.create_virtual_dataset(MEAN, layout)


def compressed_otherwise(file):
    file.create_dataset(MEAN, data=np.zeros((3, 2)), compression="lzf")


def that_can_grow(file):
    file.create_dataset(MEAN, data=np.zeros((3, 2)), maxshape=(None, None), chunks=(1000, 1000))


def with_a_chunk_that_unpacks_to_more(file):
    settings = {"chunks": (3, 2), "compression": "gzip"}
    data = file.create_dataset(MEAN, data=np.zeros((3, 2)), **settings)
    data.id.write_direct_chunk((0, 0), bytes(200))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (huge, "expected [N, Q] with N = 1000000000, as in 'latent/mean'"),
        (never_stored, f"{MEAN!r}: it declares 48 bytes, and stores 0"),
        (many_unstored_axes, "'parameters/other': it declares 152881 chunks, and stores 0"),
        (with_external_storage, f"{MEAN!r}: its data are in other files"),
        (virtual_of_itself, f"{MEAN!r}: its data are in other files"),
        (compressed_otherwise, f"{MEAN!r}: it is stored through filters"),
        (that_can_grow, f"{MEAN!r}: it can grow"),
        (with_a_chunk_that_unpacks_to_more, f"{MEAN!r}: a chunk of 48 bytes takes 200"),
    ],
)
def test_more_is_declared_than_stored(path, change, problem):
    with edited(path) as file:
        del file[MEAN]
        change(file)
    refused(path, problem)


def test_one_text_to_which_all_entries_refer(path):
    """HDF5 would copy it for each: a megabyte becomes a gigabyte."""
    with edited(path) as file:
        del file["training/events"]
        events = file.create_dataset("training/events", data=["x" * 10**6] + 999 * ["y"])
        file.flush()
        start = events.id.get_offset()
    content = bytearray(path.read_bytes())
    reference = content[start : start + 16]
    assert int.from_bytes(reference[:4], "little") == 10**6
    content[start : start + 16_000] = 1000 * reference
    path.write_bytes(store.files.seal(bytes(content)))
    start = time.perf_counter()
    with pytest.raises(
        store.StoreError, match="'/training/events': texts longer than the whole file"
    ):
        store.read(path)
    assert time.perf_counter() - start < 3


def soft_loop(file):
    file["latent/loop"] = h5py.SoftLink("/latent/loop")


def external_link(file):
    file["latent/other"] = h5py.ExternalLink("round_03.h5", "/latent/mean")


def circle_of_groups(file):
    file["latent/back"] = file["/"]


def second_name(file):
    file["parameters/again"] = file[MEAN]


def named_type(file):
    file["latent/type"] = np.dtype("f8")


def deep(file):
    group = file["parameters"]
    for _ in range(300):
        group = group.create_group("g")
    group["x"] = np.zeros(2, "f4")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (soft_loop, "'latent/loop' is a link to elsewhere"),
        (external_link, "'latent/other' is a link to elsewhere"),
        (circle_of_groups, "'latent/back' is another name of something else"),
        (second_name, " is another name of something else"),
        (named_type, "'latent/type' is neither a group nor a dataset"),
        (deep, "g/x': expected float64 [...], found float32 [2]"),
    ],
)
def test_ways_that_lead_astray(path, change, problem):
    with edited(path) as file:
        change(file)
    refused(path, problem)


def test_objects_without_end(path, monkeypatch):
    monkeypatch.setattr(store.hdf5, "OBJECTS", 100)
    with edited(path) as file:
        for number in range(100):
            file.create_group(f"parameters/{number}")
    refused(path, "expected at most 100 groups and datasets, found more")


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (np.zeros((3, 2), [("a", "f8"), ("b", "i4")]), "compounds [3, 2]"),
        (np.zeros((3, 2), h5py.enum_dtype({"A": 1}, "i8")), "an enumeration [3, 2]"),
        (np.full((3, 2), h5py.Reference(), h5py.ref_dtype), "references [3, 2]"),
        (np.zeros((3, 2), "V8"), "opaque bytes [3, 2]"),
        (np.zeros((3, 2), "S8"), "strings of fixed length [3, 2]"),
        (np.zeros((3, 2), "c16"), "compounds [3, 2]"),
        (np.zeros((3, 2), "u8"), "uint64 [3, 2]"),
        (np.zeros((3, 2), "?"), "an enumeration [3, 2]"),
    ],
)
def test_other_types(path, data, found):
    with edited(path) as file:
        del file[MEAN]
        file[MEAN] = data
    refused(path, f"dataset {MEAN!r}: expected float64 [N, Q], found {found}")


@pytest.mark.parametrize("kind", [h5py.h5t.STD_B64LE, h5py.h5t.UNIX_D64LE, h5py.h5t.STD_I64LE])
def test_types_that_only_hdf5_knows(path, kind):
    """A number of 64 bits whose mantissa or exponent is another, too."""
    with edited(path) as file:
        del file[MEAN]
        if kind == h5py.h5t.STD_I64LE:
            kind = h5py.h5t.IEEE_F64LE.copy()
            kind.set_ebias(17)
        space = h5py.h5s.create_simple((3, 2))
        h5py.h5d.create(file.id, MEAN.encode(), kind, space)
    refused(path, f"dataset {MEAN!r}: expected float64 [N, Q], found ")


@pytest.mark.parametrize("name", ["schema", "schema_version", "pamlflow_version", "seed", "config"])
@pytest.mark.parametrize(
    "value", [1.5, [1, 2], ["a", "b"], h5py.Empty("f8"), np.bytes_("bytes"), None]
)
def test_attributes_of_another_kind(path, name, value):
    with edited(path) as file:
        del file.attrs[name]
        if value is not None:
            file.attrs[name] = value
    fault = f"attribute {name!r}" + " that is not one " * (value is not None)
    refused(
        path,
        f"expected the root attributes of a pamlflow file, found {'no ' * (value is None)}{fault}",
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[1, 2]", "attribute 'parents' that is no mapping"),
        ("null", "attribute 'parents' that is no mapping"),
        ('{"a": 1', "attribute 'parents' that is no JSON"),
        ("[" * 10**5, "attribute 'parents' that is no JSON"),
        ('{"a": NaN}', "attribute 'parents' that is no JSON"),
        ('{"a": 1e999}', "attribute 'parents' that is no JSON"),
        ('{"a": "b", "a": "c"}', "attribute 'parents' that is no mapping, or not as"),
        (
            '{"a": 3}',
            "expected relative paths and their SHA-256 in attribute 'parents', found 'a': 3",
        ),
        (json.dumps({"/etc/passwd": "0" * 64}), "expected relative paths and their SHA-256"),
        (json.dumps({"": "0" * 64}), "expected relative paths and their SHA-256"),
        (json.dumps({"a\0": "0" * 64}), "expected relative paths and their SHA-256"),
        (json.dumps({"a": "0" * 10**5}), "found 'a': '0000"),
    ],
)
def test_parents_that_are_none(path, text, problem):
    with edited(path) as file:
        file.attrs["parents"] = text
    refused(path, problem)


def test_parents_without_end(path, monkeypatch):
    monkeypatch.setattr(provenance, "PARENTS", 100)
    with edited(path) as file:
        parents = {f"../{number:04d}.h5": "0" * 64 for number in range(101)}
        file.attrs["parents"] = json.dumps(parents)
    refused(path, "expected at most 100 files in attribute 'parents', found 101")


def test_where_a_file_comes_from_is_read_without_its_data(path):
    with edited(path) as file:
        del file[MEAN]
    found = store.read_provenance(path, "round")
    assert (found.schema, found.seed, found.config, found.parents) == ("round", 1, {}, {})
    assert found.sha256 == store.files.sha256(path.read_bytes())
    with pytest.raises(store.StoreError, match="expected schema 'design', found 'round'"):
        store.read_provenance(path, "design")
