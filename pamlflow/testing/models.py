"""Check a kind of model: all that rounds, strategies and scoring ask of it."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pamlflow.models.interface import (
    Model,
    ModelKind,
    Trainer,
    TrainingRecord,
)
from pamlflow.rows import Row
from pamlflow.tasks import TaskSet
from pamlflow.testing import answers, apart
from pamlflow.testing.contract import Contract, frozen
from pamlflow.testing.round_file import stored
from pamlflow.testing.toys import data_of, rescaled, toy_box, toy_tasks
from pamlflow.types import FloatArray

UNITS = {"inputs": 4.0, "outputs": 0.125, "descriptors": 32.0}
"""What each quantity is multiplied by in other units: powers of two, with which no digit is lost."""

TOLERANCE = 1e-6
"""By how much predictions may differ that mean the same, in standard deviations of the outputs."""

LITTLE = 1e-2
"""The same where steps that do not count are padded, which a search for h may see in its last digits."""

TESTED = 3  # tasks that a model is asked about
ARRAYS = ("inputs", "outputs", "descriptors", "lengths", "parameters")


def check_model(
    kind: ModelKind,
    *,
    settings: Mapping[str, Any] | None = None,
    training: Mapping[str, Any] | None = None,
) -> None:
    """Check that a kind of model does all that pamlflow expects of one.

    It is fitted to a few small tasks of unequal length, from scratch and from the round before, with one to
    three descriptor variables and one to five tasks; it infers, predicts, and goes through a round file.
    The same generator must give the same model; other units the same predictions; and what is loaded must
    predict without TensorFlow.  There are nine fits: give settings that make them short.

    Args:
        kind: the kind of model, an attribute of a module as the configuration names it.
        settings: keys of the section `model` that are not to be the defaults.
        training: keys of the section `training`.

    Raises:
        AssertionError: the kind breaks the contract; the message says where and how.
    """
    contract = Contract(f"model '{getattr(kind, 'name', kind)}'")
    contract.require(isinstance(kind, ModelKind), "kind", "a pamlflow.models.ModelKind", kind)
    contract.settings("settings", kind.settings)
    contract.settings("training", kind.training)
    rows = bool(kind.rows) and all(isinstance(row, Row) for row in kind.rows)
    contract.require(rows, "`rows`", "at least one pamlflow.rows.Row", kind.rows)
    with contract.calling(f"settings {settings}, training {training}"):
        own = kind.settings.from_config(settings or {})
        of_training = kind.training.from_config(training or {})
    checker = _Checker(contract, Trainer(kind, own, of_training))
    first, following, datasets = checker.check_rounds()
    checker.check_sizes()
    checker.check_units(first, following)
    checker.check_pictures()
    checker.check_process(datasets)


@dataclass(frozen=True)
class _Checker:
    """Fits models of one kind, and looks at them."""

    contract: Contract
    trainer: Trainer

    def fit(
        self,
        where: str,
        tasks: TaskSet,
        previous: Model | None = None,
        unchosen: FloatArray | None = None,
        checkpoints: Path | None = None,
    ) -> tuple[Model, TrainingRecord]:
        """Fit to tasks, which must stay as they are."""
        given = {f"tasks.{name}": getattr(tasks, name) for name in ARRAYS}
        with self.contract.calling(where, **given, unchosen=unchosen):
            rng = np.random.default_rng(0)
            model, record = self.trainer.fit(
                tasks, rng, previous=previous, unchosen=unchosen, checkpoints=checkpoints
            )
        is_record = isinstance(record, TrainingRecord)
        self.contract.require(is_record, where, "a TrainingRecord beside the model", record)
        with self.contract.calling(where):
            is_model = isinstance(model, Model)
        missing = [name for name in _METHODS if not hasattr(model, name)]
        found = f"{type(model).__name__} without {', '.join(missing)}"
        self.contract.require(is_model, where, "a pamlflow.models.interface.Model", found)
        says = self.trainer.kind.latent
        text = f"`latent` of the model to be there, or None, as the kind says: latent={says}"
        self.contract.require((model.latent is not None) == says, where, text, model.latent)
        return model, record

    def through_file(
        self, where: str, tasks: TaskSet, model: Model, record: TrainingRecord
    ) -> tuple[Model, dict[str, Any]]:
        """Return what a round file holds and the model in it, once it does as the one that was written."""
        datasets = stored(self.contract, where, self.trainer.kind, tasks, model, record)
        with self.contract.calling(f"{where}, `load` from the datasets that its rows declare"):
            loaded: Model = self.trainer.kind.load(datasets)
            again = loaded.to_datasets()
        self.contract.same(f"{where}, datasets after `load`", model.to_datasets(), again)
        ours, theirs = (
            answers.predictions(self.contract, where, one, tasks) for one in (model, loaded)
        )
        self.contract.same(f"{where}, predictions after `load`", ours, theirs)
        return loaded, datasets

    def check_rounds(self) -> tuple[Model, Model, dict[str, Any]]:
        """Fit from scratch, and from the round before as the workflow does: from what its file holds.

        Returns both models, and what the file of the first holds.
        """
        box = toy_box(2)
        tasks, more = toy_tasks(box, 4), toy_tasks(box, 5)
        first, record = self.fit("fit from scratch", tasks)
        self.check_use("fit from scratch", first, tasks)
        again, _ = self.fit("fit from scratch", tasks)
        where = "fit twice with the same generator"
        self.contract.same(where, first.to_datasets(), again.to_datasets())
        loaded, datasets = self.through_file("fit from scratch", tasks, first, record)
        where = "fit from the model of the round before"
        following, record = self.fit(where, more, loaded)
        self.check_use(where, following, more)
        self.through_file(where, more, following, record)
        unloaded, _ = self.fit(where, more, first)
        where = f"{where}, as it was trained and as it was loaded"
        self.contract.same(where, unloaded.to_datasets(), following.to_datasets())
        return first, following, datasets

    def check_sizes(self) -> None:
        """Fit to one task with one descriptor variable, and to tasks of a pool with three."""
        where = "fit to 1 task with 1 descriptor variable"
        one = toy_tasks(toy_box(1), 1)
        self.check_use(where, self.fit(where, one)[0], one)
        where = "fit to tasks of a pool with 3 descriptor variables"
        box = toy_box(3)
        three, left = toy_tasks(box, 4), frozen(box.sample(5, np.random.default_rng(0)))
        with tempfile.TemporaryDirectory() as folder:
            model, _ = self.fit(where, three, unchosen=left, checkpoints=Path(folder) / "state")
        self.check_use(where, model, three)

    def check_units(self, *models: Model) -> None:
        """Other units of inputs, outputs and descriptors mean the same, in a round after the first too."""
        box, where, previous = toy_box(2), "fit in other units", None
        test = toy_tasks(box, TESTED, seed=1)
        for model, number in zip(models, (4, 5), strict=True):
            previous, _ = self.fit(where, rescaled(toy_tasks(box, number), **UNITS), previous)
            ours = answers.predictions(self.contract, where, model, test)
            theirs = answers.predictions(self.contract, where, previous, rescaled(test, **UNITS))
            for name, values in ours.items():
                unit = UNITS["outputs"] ** (1 if name.endswith("mean") else 2)
                answers.alike(
                    self.contract, where, name, values, theirs[name] / unit, test, TOLERANCE
                )

    def check_pictures(self) -> None:
        """Tasks with pictures are fitted, or refused by a kind that takes none."""
        tasks = toy_tasks(toy_box(2), 4, pictures=True)
        where = "fit to tasks with pictures"
        if self.trainer.kind.pictures:
            model, record = self.fit(where, tasks)
            self.check_use(where, model, tasks)
            self.through_file(where, tasks, model, record)
            return
        rng = np.random.default_rng(0)
        where = f"{where}, which the kind does not take"
        self.contract.refuses(where, lambda: self.trainer.fit(tasks, rng))

    def check_process(self, datasets: Mapping[str, Any]) -> None:
        """A job that does not train finds the kind by its name, and loads no TensorFlow."""
        place = apart.place_of(self.trainer.kind)
        text = "an attribute of a module, which jobs can import"
        self.contract.require(place is not None, "kind", text, "no module that has it")
        assert place is not None
        test = toy_tasks(toy_box(2), TESTED, seed=1)
        where = f"`load`, `infer` and `predict` of {place} in another process"
        with self.contract.calling(where):
            heavy = apart.heavy_modules(place, datasets, test.descriptors, data_of(test))
        self.contract.require(not heavy, where, "no TensorFlow", ", ".join(heavy))

    def check_use(self, where: str, model: Model, tasks: TaskSet) -> None:
        """Look at what a model says of its training tasks and of other tasks."""
        test = _others(tasks)
        answers.check_latent(self.contract, where, model, tasks, test)
        once, twice = (answers.predictions(self.contract, where, model, test) for _ in range(2))
        self.contract.same(f"{where}, the same question asked twice", once, twice)
        padded = answers.predictions(self.contract, where, model, test, extra=4)
        for name, values in once.items():
            text = f"{where}, data with 4 steps more that its mask leaves out"
            answers.alike(
                self.contract, text, name, values, padded[name][:, : values.shape[1]], test, LITTLE
            )
        answers.check_refusals(self.contract, where, model, test)


_METHODS = ("latent", "prior", "infer", "predict", "predict_descriptors", "to_datasets")


def _others(tasks: TaskSet) -> TaskSet:
    """Tasks like those given, which a model of these does not know."""
    dimensions = len(tasks.parameter_variables)
    return toy_tasks(toy_box(dimensions), TESTED, seed=1, pictures=tasks.has_pictures)
