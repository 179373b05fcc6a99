"""A learner of a robot: what it asks for, what it keeps, and how it goes on."""

import errno
import shutil

import numpy as np
import pytest
from spring_robot import BOX, INPUTS, STATE, files_of, run

from pamlflow import Learner, RecordingError
from pamlflow.acquisition import Selection
from pamlflow.acquisition.interface import fixed_choice
from pamlflow.cli import main
from pamlflow.metrics import score
from pamlflow.models.interface import TaskArrays
from pamlflow.models.latent_gp.fit.with_gpflow.stochastic_training import StochasticTrainer
from pamlflow.models.latent_gp.settings import ModelSettings, StochasticSettings, TrainingSettings
from pamlflow.models.latent_gp.use.trained import TrainedModel
from pamlflow.robot import rounds
from pamlflow.robot.recorded import TaskFormat
from pamlflow.seeding import generator, job_seed
from pamlflow.spaces import Box
from pamlflow.storage import files, store
from pamlflow.tasks import Variable

SETTINGS = {
    "initial_tasks": 2,
    "model": ModelSettings(inducing_points=20),
    "training": TrainingSettings(first_iterations=20, next_iterations=10, starts=1),
}


def open_learner(folder, **changed):
    return Learner(folder, BOX, INPUTS, STATE, **SETTINGS | changed)


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    """A folder with two initial tasks, two that were chosen, and the models of all but the last."""
    folder = tmp_path_factory.mktemp("learned")
    learner = open_learner(folder)
    for _ in range(4):
        descriptor = learner.ask()
        learner.tell(descriptor, *run(descriptor))
    return folder


def test_a_user_s_kind_of_model_is_trained_and_read_again(tmp_path):
    own = {"initial_tasks": 2, "kind": "ridge_model:RIDGE", "strategy": "uniform"}
    for _ in range(3):
        learner = Learner(tmp_path, BOX, INPUTS, STATE, **own)
        descriptor = learner.ask()
        learner.tell(descriptor, *run(descriptor))
    learner.model()
    files = files_of(tmp_path)
    assert "ridge/weights" in store.read(tmp_path / "round_01.h5", "round").datasets
    Learner(tmp_path, BOX, INPUTS, STATE, **own).model()
    assert files_of(tmp_path) == files


def test_a_strategy_that_needs_a_latent_variable_is_refused_where_there_is_none(tmp_path):
    with pytest.raises(ValueError, match=r"paml needs a latent variable.* has none"):
        Learner(tmp_path, BOX, INPUTS, STATE, kind="ridge_model:RIDGE")


@pytest.fixture
def folder(learned, tmp_path):
    return shutil.copytree(learned, tmp_path / "robot")


def test_the_folder_holds_recordings_and_models(learned):
    names = {"task_00.npz", "task_01.npz", "task_02.npz", "task_03.npz"}
    assert set(files_of(learned)) == names | {"learner.json", "round_00.h5", "round_01.h5"}
    tasks = open_learner(learned).tasks
    assert tasks.num_tasks == 4 and BOX.contains(tasks.descriptors).all()
    inputs, outputs = run(tasks.descriptors[2])
    np.testing.assert_array_equal(tasks.subset([2]).inputs, inputs)
    np.testing.assert_array_equal(tasks.subset([2]).outputs, outputs)


def test_a_recording_can_be_shown(learned, capsys):
    path = learned / "task_00.npz"
    assert main(["show", str(path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    with np.load(path) as arrays:
        mass, velocity = arrays["descriptor"][0], arrays["outputs"][:, 1]
    assert lines[:2] == [str(path), "30 transitions"]
    assert lines[5].split() == ["mass", "[kg]", f"{mass:.3f}"]
    expected = [velocity.min(), velocity.mean(), velocity.max()]
    name, unit, *found = lines[-1].split()
    assert (name, unit) == ("velocity", "[m/s]")
    np.testing.assert_allclose(np.array(found, dtype=float), expected, atol=1e-3)


def test_a_recording_that_is_none_is_said_to_be(folder, capsys):
    path = folder / "task_00.npz"
    path.write_bytes(b"")
    assert main(["show", str(path)]) == 1
    assert f"{path}: not a recording, or damaged" in capsys.readouterr().err
    for wrong in (np.zeros((30, 2)), np.zeros((0, 3)), np.zeros((1, 2, 3))):
        np.savez(path, descriptor=[1.0, 4.0], inputs=wrong, outputs=np.zeros((30, 2)))
        assert main(["show", str(path)]) == 1
        said = capsys.readouterr().err
        assert f"{path}: inputs: expected 3 columns, found shape {list(wrong.shape)}" in said


def test_the_initial_tasks_are_a_latin_hypercube(learned):
    unit = (open_learner(learned).tasks.descriptors[:2] - BOX.low) / (BOX.high - BOX.low)
    np.testing.assert_array_equal(np.sort(np.floor(2 * unit), axis=0), [[0, 0], [1, 1]])


def test_a_round_file_says_how_its_newest_task_was_chosen(learned):
    datasets = store.read(learned / "round_01.h5", "round").datasets
    assert datasets["round"] == 1 and len(datasets["tasks/lengths"]) == 3
    chosen = datasets["selection/candidates"][datasets["selection/chosen"]]
    np.testing.assert_array_equal(chosen, datasets["tasks/descriptors"][-1])
    assert datasets["selection/utilities"].argmax() == datasets["selection/chosen"]
    assert "selection/chosen" not in store.read(learned / "round_00.h5").datasets


def test_a_learner_goes_on_where_the_last_one_ended(folder, monkeypatch):
    first = open_learner(folder)
    asked = first.ask()
    np.testing.assert_array_equal(first.ask(), asked)
    assert len(store.read(folder / "round_02.h5").datasets["tasks/lengths"]) == 4
    before = files_of(folder)
    monkeypatch.setattr(rounds, "train_round", None)  # nothing is trained again
    np.testing.assert_array_equal(open_learner(folder).ask(), asked)
    assert files_of(folder) == before


def test_models_made_from_the_recordings_alone_are_the_same(folder):
    before = files_of(folder)
    for path in folder.glob("round_*.h5"):
        path.unlink()
    open_learner(folder).model()
    after = files_of(folder)
    assert after.keys() - before.keys() == {"round_02.h5"}
    assert {name: after[name] for name in before} == before


def test_the_model_predicts_a_task_that_was_not_run(folder):
    model = open_learner(folder).model()
    inputs, outputs = run(np.array([1.5, 6.0]))
    known = TaskArrays(inputs[None, :10], outputs[None, :10], np.ones((1, 10)))
    mean, _ = model.predict(inputs[None, 10:], model.infer(data=known))
    error = np.sqrt(np.mean(np.square(mean[0] - outputs[10:]), axis=0))
    assert np.all(error < 0.3 * outputs.std(axis=0))


def test_a_recording_outlives_a_fit_that_fails(folder, monkeypatch):
    def crash(*arguments, **options):
        raise MemoryError

    learner = open_learner(folder)
    with monkeypatch.context() as patch:
        patch.setattr(rounds, "train_round", crash)
        with pytest.raises(MemoryError):
            learner.ask()
        learner.tell(np.array([1.0, 4.0]), *run([1.0, 4.0]))
    again = open_learner(folder)
    assert again.num_tasks == 5 and len(again.model().latent.mean) == 5
    assert len(store.read(folder / "round_02.h5").datasets["tasks/lengths"]) == 4


def test_a_long_fit_goes_on_where_it_was_stopped(folder, monkeypatch):
    schedule = StochasticSettings(steps=250)
    training = TrainingSettings(bound="stochastic", stochastic=schedule)
    for number in (2, 3):
        (folder / f"task_0{number}.npz").unlink()
    whole = shutil.copytree(folder, folder.with_name("whole"))
    expected = open_learner(whole, training=training).model()

    step, taken = StochasticTrainer.step, []

    def interrupted(trainer):
        taken.append(trainer)
        if len(taken) == 150:
            raise KeyboardInterrupt
        return step(trainer)

    monkeypatch.setattr(StochasticTrainer, "step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        open_learner(folder, training=training).model()
    found = open_learner(folder, training=training).model()
    assert len(taken) == 150 + 150  # and not 150 + 250
    np.testing.assert_array_equal(found.latent.mean, expected.latent.mean)
    assert not list(folder.glob(".*"))


def test_another_task_than_the_one_asked_for_is_learned_too(folder, caplog):
    learner = open_learner(folder)
    other = np.array([7.0, 4.0])
    learner.tell(other, *run(other))
    assert caplog.messages == ["task 4: [7. 4.] is outside the box"]
    learner.model()
    datasets = store.read(folder / "round_03.h5", "round").datasets
    np.testing.assert_array_equal(datasets["tasks/descriptors"][-1], other)
    assert "selection/chosen" not in datasets


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda d, x, y: (d, np.where(x == x[3, 1], np.nan, x), y),
            "task 4: step 3: input 'velocity' is nan",
        ),
        (
            lambda d, x, y: (d, x[:-1], y),
            r"task 4: outputs: expected \[29, 2\] .* found \[30, 2\]",
        ),
        (
            lambda d, x, y: (d, x[:, :2], y),
            r"inputs: expected \[T, 3\] \(position, velocity, force\)",
        ),
        (
            lambda d, x, y: (d, x[:0], y[:0]),
            r"inputs: expected .* found \[0, 3\]: at least one step",
        ),
        (lambda d, x, y: (d, x[0, 0], y), r"inputs: expected \[T, 3\] .* found \[\]"),
        (lambda d, x, y: (d[:1], x, y), r"descriptor: expected \[2\] .*, found \[1\]"),
        (lambda d, x, y: (d[None], x, y), r"descriptor: expected \[2\] .*, found \[1, 2\]"),
        (lambda d, x, y: (d, x.T, y), r"expected \[T, 3\] .*, found \[3, 30\]; transpose it"),
        (lambda d, x, y: (d, x, y.T), r"expected \[30, 2\] .*, found \[2, 30\]; transpose it"),
        (lambda d, x, y: ([np.inf, 3.0], x, y), "descriptor 'mass' is inf"),
    ],
)
def test_a_faulty_recording_is_refused_and_kept_aside(folder, change, message):
    learner, before = open_learner(folder), files_of(folder)
    told = change(np.array([1.0, 4.0]), *run([1.0, 4.0]))
    for number in range(2):
        with pytest.raises(RecordingError, match=rf"{message}.* kept in .*refused_0{number}\.npz"):
            learner.tell(*told)
    with np.load(folder / "refused_01.npz") as arrays:
        for name, values in zip(("descriptor", "inputs", "outputs"), told, strict=True):
            np.testing.assert_array_equal(arrays[name], values)
    assert open_learner(folder).num_tasks == learner.num_tasks == 4
    after = files_of(folder)
    assert {name: after[name] for name in before} == before


def test_two_learners_do_not_overwrite_each_other(folder):
    one, other = open_learner(folder), open_learner(folder)
    one.tell(np.array([1.0, 4.0]), *run([1.0, 4.0]))
    before = files_of(folder)
    told = np.array([2.0, 8.0]), *run([2.0, 8.0])
    with pytest.raises(RecordingError, match=r"task_04\.npz: written by .* kept in .*refused_00"):
        other.tell(*told)
    after = files_of(folder)
    assert after.keys() - before.keys() == {"refused_00.npz"}
    assert {name: after[name] for name in before} == before
    with np.load(folder / "refused_00.npz") as arrays:
        open_learner(folder).tell(*(arrays[name] for name in ("descriptor", "inputs", "outputs")))
    np.testing.assert_array_equal(open_learner(folder).tasks.descriptors[5], told[0])


def test_what_is_no_array_of_numbers_is_kept_as_text(folder):
    learner = open_learner(folder)
    with pytest.raises(
        RecordingError, match=r"inputs: expected an array of real numbers.*refused_00"
    ):
        learner.tell([1.0, 4.0], [[0.1, 0.2, 0.3], [0.4, 0.5]], [[0.6, 0.7], [0.8, 0.9]])
    with pytest.raises(
        RecordingError, match=r"outputs: expected an array of real numbers.*refused_01"
    ):
        learner.tell([1.0, 4.0], np.zeros((1, 3)), [[0.6, "lost"]])
    with np.load(folder / "refused_00.npz") as arrays:
        assert set(arrays) == {"descriptor", "inputs", "outputs"}
        assert arrays["inputs"] == "[[0.1, 0.2, 0.3], [0.4, 0.5]]"
        np.testing.assert_array_equal(arrays["outputs"], [[0.6, 0.7], [0.8, 0.9]])
    long = [np.full(3000, 1.0 / 3.0), np.zeros(2)]
    with pytest.raises(RecordingError):
        learner.tell([1.0, 4.0], long, np.zeros((2, 2)))
    with np.load(folder / "refused_02.npz") as arrays:
        assert str(arrays["inputs"]).count("0.3333333333333333") == 3000
    assert learner.num_tasks == 4


def test_of_two_that_tell_at_once_none_is_lost(folder, monkeypatch):
    """The other one writes after the first has looked at what it was told."""
    one, other = open_learner(folder), open_learner(folder)
    check = TaskFormat.task

    def check_and_be_late(form, recording, where, earlier):
        task = check(form, recording, where, earlier)
        if form is one._format:
            other.tell(np.array([2.0, 8.0]), *run([2.0, 8.0]))
        return task

    monkeypatch.setattr(TaskFormat, "task", check_and_be_late)
    with pytest.raises(RecordingError, match=r"task_04\.npz: written by .* kept in .*refused_00"):
        one.tell(np.array([1.0, 4.0]), *run([1.0, 4.0]))
    for name, mass in (("task_04.npz", 2.0), ("refused_00.npz", 1.0)):
        with np.load(folder / name) as arrays:
            assert arrays["descriptor"][0] == mass


class Foreign:
    """An array of another library, which NumPy cannot convert."""

    def __array__(self, *arguments, **options):
        raise RuntimeError("on another device")

    def tolist(self):
        return [0.125, 0.25]


@pytest.mark.parametrize(
    ("values", "kept"),
    [
        (Foreign(), "[0.125, 0.25]"),
        (np.array([[1.0, None]] * 2000, dtype=object), str([[1.0, None]] * 2000)),
        (np.ma.masked_array([1.5, 99.0], mask=[False, True]), "[1.5, None]"),
        (iter([[1.0], [2.0, 3.0]]), "[[1.0], [2.0, 3.0]]"),
        (np.array([1.0 + 2.0j]), np.array([1.0 + 2.0j])),
    ],
)
def test_whatever_was_told_is_refused_and_kept_whole(folder, values, kept):
    learner = open_learner(folder)
    with pytest.raises(RecordingError, match="task 4: inputs: expected"):
        learner.tell([1.0, 4.0], values, np.zeros((2, 2)))
    with np.load(folder / "refused_00.npz") as arrays:
        np.testing.assert_array_equal(arrays["inputs"], kept)
    assert learner.num_tasks == 4


def test_numbers_may_come_one_by_one(folder):
    learner, (inputs, outputs) = open_learner(folder), run([1.0, 4.0])
    learner.tell(iter([1.0, 4.0]), (row for row in inputs), map(list, outputs))
    np.testing.assert_array_equal(open_learner(folder).tasks.subset([4]).inputs, inputs)


def test_what_was_kept_aside_is_never_overwritten(folder):
    learner = open_learner(folder)
    for mass in (1.0, 2.0):
        with pytest.raises(RecordingError):
            learner.tell([mass, np.nan], *run([1.0, 4.0]))
    (folder / "refused_00.npz").unlink()
    kept = (folder / "refused_01.npz").read_bytes()
    for mass in (3.0, 4.0):
        with pytest.raises(RecordingError):
            learner.tell([mass, np.nan], *run([1.0, 4.0]))
    assert (folder / "refused_01.npz").read_bytes() == kept
    for name, mass in (("refused_00.npz", 3.0), ("refused_02.npz", 4.0)):
        with np.load(folder / name) as arrays:
            assert arrays["descriptor"][0] == mass


def test_a_disk_that_takes_nothing_is_named(folder, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    learner = open_learner(folder)
    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(RecordingError, match=r"task_04\.npz: cannot be written \(No space"):
        learner.tell(np.array([1.0, 4.0]), *run([1.0, 4.0]))
    assert learner.num_tasks == 4


def test_a_folder_stays_where_it_was(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    learner = open_learner(folder.name)
    monkeypatch.chdir("/")
    learner.tell(np.array([1.0, 4.0]), *run([1.0, 4.0]))
    assert (folder / "task_04.npz").exists()


def test_other_settings_make_the_models_again_and_leave_the_recordings(folder):
    before = files_of(folder)
    model = open_learner(folder, model=ModelSettings(inducing_points=15)).model()
    assert model.dynamics.points[0].shape == (15, 3)
    after = files_of(folder)
    kept = {name for name in before if after[name] == before[name]}
    assert kept == {name for name in before if not name.startswith("round")}
    for number in range(3):
        record = store.read(folder / f"round_{number:02d}.h5")
        assert record.config["model"]["inducing_points"] == 15
        assert set(record.parents) == {f"task_{it:02d}.npz" for it in range(2 + number)}


def test_another_strategy_leaves_the_models(folder, monkeypatch):
    before = files_of(folder)
    open_learner(folder).model()
    monkeypatch.setattr(rounds, "train_round", None)
    asked = open_learner(folder, strategy="uniform").ask()
    assert BOX.contains(asked[None]).all()
    assert files_of(folder).items() >= before.items()


@pytest.mark.parametrize("fault", ["damaged", "other recording", "other version"])
def test_a_round_file_that_does_not_fit_is_made_again(folder, fault, caplog, monkeypatch):
    (folder / "task_03.npz").unlink()
    path = folder / "round_01.h5"
    if fault == "damaged":
        path.write_bytes(path.read_bytes()[:-1])
    elif fault == "other recording":
        inputs, outputs = run([2.0, 8.0])
        np.savez(folder / "task_02.npz", descriptor=[2.0, 8.0], inputs=inputs, outputs=outputs)
    else:
        monkeypatch.setattr(rounds, "TRAINING_VERSION", 0)
    spoilt = path.read_bytes()
    open_learner(folder).model()
    assert path.read_bytes() != spoilt
    assert [message for message in caplog.messages if "round_01.h5" in message]
    first = [message for message in caplog.messages if "round_00.h5" in message]
    assert bool(first) == (fault == "other version")
    assert store.read(path, "round").datasets["round"] == 1


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("initial_tasks", {"initial_tasks": 3}),
        ("seed", {"seed": 1}),
        ("space", {"space": Box(BOX.variables[::-1], BOX.low[::-1], BOX.high[::-1])}),
        ("space", {"space": Box((Variable("mass", "g"), BOX.variables[1]), BOX.low, BOX.high)}),
        ("inputs", {"input_variables": (*STATE[::-1], INPUTS[2])}),
        ("outputs", {"output_variables": STATE[::-1]}),
    ],
)
def test_a_folder_of_something_else_is_refused(folder, name, change):
    before = files_of(folder)
    same = {"space": BOX, "input_variables": INPUTS, "output_variables": STATE, **SETTINGS}
    with pytest.raises(ValueError, match=rf"learner\.json: `{name}` was .* and is .* now"):
        Learner(folder, **same | change)
    assert files_of(folder) == before


def test_faulty_recordings_are_named(folder):
    path = folder / "task_01.npz"
    content = path.read_bytes()
    flipped = content[:700] + bytes([content[700] ^ 1]) + content[701:]
    directory = content.index(b"PK\x01\x02")  # where versions and encryption are written
    version, encrypted = (
        content[:place] + bytes([content[place] | bit]) + content[place + 1 :]
        for place, bit in ((directory + 6, 0x40), (directory + 8, 1))
    )
    for faulty in (content[:100], flipped, version, encrypted, b""):
        path.write_bytes(faulty)
        with pytest.raises(RecordingError, match=r"task_01\.npz: not a recording, or damaged"):
            open_learner(folder)
    path.unlink()
    with pytest.raises(RecordingError, match=r"task_01\.npz: missing, while there is task_03\.npz"):
        open_learner(folder)
    path.write_bytes(content)
    (folder / "task_003.npz").write_bytes(content)
    with pytest.raises(RecordingError, match=r"task_04\.npz: missing, .* task_003\.npz"):
        open_learner(folder)


def test_a_hundred_tasks_are_in_order(tmp_path):
    learner = open_learner(tmp_path)
    for number in range(102):
        learner.tell([1.0, 4.0 + 0.01 * number], *run([1.0, 4.0 + 0.01 * number]))
    again = open_learner(tmp_path).tasks
    np.testing.assert_array_equal(again.descriptors, learner.tasks.descriptors)


def test_a_model_needs_the_initial_tasks(tmp_path):
    learner = open_learner(tmp_path / "new")
    with pytest.raises(ValueError, match="no task was recorded yet"):
        _ = learner.tasks
    learner.tell(learner.ask(), *run(learner.ask()))
    with pytest.raises(ValueError, match="1 of 2 initial tasks were recorded"):
        learner.model()


def test_a_learner_chooses_among_the_tasks_that_exist(tmp_path):
    pool = BOX.sobol(4, np.random.default_rng(0))
    learner = open_learner(tmp_path, pool=pool)
    asked = [learner.ask().astype(np.float32)]  # a row of the pool, but for rounding
    learner.tell(asked[0], *run(asked[0]))
    by_hand = np.array([1.0, 4.0])  # is not in the pool, and takes nothing out of it
    learner.tell(by_hand, *run(by_hand))
    for _ in range(3):
        asked.append(learner.ask())
        learner.tell(asked[-1], *run(asked[-1]))
    found = np.array(sorted(map(tuple, asked)))
    np.testing.assert_allclose(found, sorted(map(tuple, pool)), rtol=1e-6)
    with pytest.raises(ValueError, match="every candidate of the pool has been chosen; enlarge"):
        learner.ask()
    learner.tell(by_hand, *run([1.1, 4.0]))
    assert len(learner.model().latent.mean) == 6  # learning needs nothing to choose from
    bought = np.array([2.9, 9.5])
    learner = open_learner(tmp_path, pool=np.vstack([pool, bought]))
    np.testing.assert_array_equal(learner.ask(), bought)


def test_only_rows_of_the_pool_are_asked_for(folder, tmp_path):
    def stubborn(situation):
        latent = situation.model.infer(descriptors=[[1.0, 4.0]])
        return Selection(np.array([[1.0, 4.0]]), latent, np.zeros(1), 0)

    pool = BOX.sobol(4, np.random.default_rng(0))
    message = r"task 4 should be \[1\. 4\.\], which is no row that is left of `pool`"
    with pytest.raises(ValueError, match=message):
        open_learner(folder, pool=pool, strategy=stubborn).ask()
    begun_without = tmp_path / "begun_without"
    open_learner(begun_without)
    with pytest.raises(ValueError, match=r"task 0 should be .* or tell another task"):
        open_learner(begun_without, pool=pool).ask()


def test_a_strategy_that_fails_ends_no_fit(folder, caplog):
    """Models depend on recordings alone."""

    def broken(situation):
        raise ZeroDivisionError("of its own")

    for path in folder.glob("round_*.h5"):
        path.unlink()
    model = open_learner(folder, strategy=broken).model()
    assert len(model.latent.mean) == 4
    assert "round 1: not known how its task was chosen (of its own)" in caplog.messages
    assert "selection/chosen" not in store.read(folder / "round_01.h5").datasets


def test_scores_are_those_of_the_round_before(folder, monkeypatch):
    """Here with the model of round 1 and q(h*) from the descriptor, by the definition of the metrics."""
    learner = open_learner(folder)
    learner.model()
    monkeypatch.setattr(rounds, "train_round", None)  # nothing is trained for them
    found = learner.scores(context=0)
    assert found.nll.shape == found.squared_error.shape == (2,)
    assert found.coverage.shape == (3, 2)
    np.testing.assert_array_equal(found.levels, [0.5, 0.9, 0.99])

    tasks = learner.tasks
    model = TrainedModel.from_datasets(store.read(folder / "round_01.h5", "round").datasets)
    task, scale = tasks.subset([3]), tasks.subset([0, 1]).outputs.std(axis=0)
    inputs, outputs, mask = task.padded()
    mean, variance = model.predict(inputs, model.infer(descriptors=task.descriptors))
    each = [
        score(
            outputs[:, [t]] / scale, mean[:, [t]] / scale, variance[:, [t]] / scale**2, mask[:, [t]]
        )
        for t in range(30)
    ]
    nll = np.array([step.nll[0] for step in each])
    # Which half is scored, chance has decided; no other has this mean.
    rng = generator(job_seed(0, "score", round=3))
    held_out = rng.permutation(30)[15:]
    np.testing.assert_allclose(found.nll[1], nll[held_out].mean())
    informed = learner.scores(context=10)
    assert np.all(informed.squared_error < found.squared_error)
    np.testing.assert_array_equal(open_learner(folder).scores(context=0).nll, found.nll)


def test_initial_tasks_have_no_scores(folder):
    for number in (2, 3):
        (folder / f"task_0{number}.npz").unlink()
    with pytest.raises(ValueError, match="2 tasks were recorded, and those after the 2 initial"):
        open_learner(folder).scores()


def test_a_repeat_that_a_strategy_asks_for_is_logged(folder, caplog):
    again = open_learner(folder, strategy=lambda seen: fixed_choice(seen, seen.chosen[1]))
    np.testing.assert_array_equal(again.ask(), again.tasks.descriptors[1])
    assert "which is all but task 1 again" in caplog.text


@pytest.mark.parametrize(("given", "warned"), [({}, 0), ({"latent_dimensions": 1}, 1)])
def test_h_has_as_many_dimensions_as_the_box(tmp_path, caplog, given, warned):
    """A warning comes when the folder is opened, before the robot runs."""
    model = ModelSettings(**given, inducing_points=10)
    learner = open_learner(tmp_path, model=model)
    assert caplog.text.count("latent_dimensions is 1, and 2 parameters vary") == warned
    while learner.num_tasks < 2:
        descriptor = learner.ask()
        learner.tell(descriptor, *run(descriptor))
    dimensions = given.get("latent_dimensions", 2)
    assert learner.model().latent.mean.shape == (2, dimensions)
