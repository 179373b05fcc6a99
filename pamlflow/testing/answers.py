"""What a model says when it is asked: what is checked of a latent variable, of predictions, of refusals."""

from __future__ import annotations

import functools
from typing import Any, get_args

import numpy as np

from pamlflow.models.interface import LatentPosterior, Model, Objective, TaskArrays
from pamlflow.tasks import TaskSet
from pamlflow.testing.contract import Contract, frozen
from pamlflow.testing.toys import data_of
from pamlflow.types import FloatArray


def check_latent(
    contract: Contract, where: str, model: Model, tasks: TaskSet, test: TaskSet
) -> None:
    """A latent variable is there in all of a model, or in nothing of it."""
    require, number = contract.require, test.num_tasks
    latent, found = model.latent, model.infer(descriptors=frozen(test.descriptors))
    if latent is None:
        contract.refuses(
            f"{where}, `predict_descriptors` without a latent variable",
            lambda: model.predict_descriptors(np.zeros((2, 1))),
        )
        text = "`infer` of a model whose `latent` is None"
        other = not isinstance(found, LatentPosterior)
        require(other, f"{where}, {text}", "another type than LatentPosterior", found)
        return
    dimensions = latent.mean.shape[-1]
    for text, each, count in (
        ("`latent`", latent, tasks.num_tasks),
        ("`infer`", found, number),
        ("`prior`", model.prior(number), number),
    ):
        at, shape = f"{where}, {text}", (count, dimensions)
        require(isinstance(each, LatentPosterior), at, "a LatentPosterior", each)
        shapes = [each.mean.shape, each.variance.shape]
        require(shapes == [shape, shape], at, f"moments of shape {shape}", f"{shapes}")
        positive = np.isfinite(each.mean).all() and bool(np.all(each.variance > 0.0))
        require(positive, at, "finite means, and variances above zero", each)
    at, points = f"{where}, `predict_descriptors`", frozen(np.zeros((2, dimensions)))
    with contract.calling(at, latents=points):
        seen = model.predict_descriptors(points)
    expected = (2, *tasks.descriptors.shape[1:])
    require(np.shape(seen) == expected, at, f"shape {expected}", f"{np.shape(seen)}")
    require(np.isfinite(seen).all(), at, "finite numbers", seen)


def check_refusals(contract: Contract, where: str, model: Model, test: TaskSet) -> None:
    """What cannot be inferred from is a ValueError."""
    known = np.array(test.descriptors)
    spoilt = known.copy()
    spoilt[0, ..., 0] = np.nan
    for text, wrong in (
        ("neither descriptors nor data", None),
        ("descriptors with a variable too many", np.repeat(known, 2, axis=-1)),
        ("descriptors that are not finite", spoilt),
    ):
        at = f"{where}, `infer` from {text}"
        contract.refuses(at, functools.partial(model.infer, descriptors=wrong))


def predictions(
    contract: Contract, where: str, model: Model, test: TaskSet, extra: int = 0
) -> dict[str, FloatArray]:
    """Means and variances [N, T, P] from all that can be known of tasks, by what they are from.

    Of `extra` steps at the end the mask is zero, and inputs and outputs are nonsense.
    """
    inputs, outputs, mask = data_of(test, extra)
    nonsense = np.where(np.arange(mask.shape[1]) < mask.shape[1] - extra, 0.0, 7.0)[:, None]
    data = TaskArrays(frozen(inputs + nonsense), frozen(outputs + nonsense), frozen(mask))
    known, found = frozen(test.descriptors), {}
    for text, given in {
        "nothing": None,
        "descriptors": {"descriptors": known},
        "data": {"data": data},
        "descriptors and data": {"descriptors": known, "data": data},
    }.items():
        for objective in get_args(Objective):
            at = f"{where}, predictions from {text}, objective '{objective}'"
            with contract.calling(at, descriptors=known, **data._asdict()):
                belief = (
                    model.prior(test.num_tasks)
                    if given is None
                    else model.infer(**given, objective=objective)
                )
                moments = model.predict(data.inputs, belief, objective)
            _check_moments(contract, at, moments, data.outputs.shape)
            found[f"{text}, {objective}, mean"], found[f"{text}, {objective}, variance"] = moments
    return found


def _check_moments(contract: Contract, where: str, moments: Any, shape: tuple[int, ...]) -> None:
    """Mean and variance have the shape of the outputs, and mean something."""
    require = contract.require
    require(isinstance(moments, tuple) and len(moments) == 2, where, "mean, variance", moments)
    for name, values in zip(("mean", "variance"), moments, strict=True):
        require(np.shape(values) == shape, f"{where}, {name}", f"{shape}", f"{np.shape(values)}")
        require(np.isfinite(values).all(), f"{where}, {name}", "finite numbers", values)
    least = np.min(moments[1])
    require(least > 0.0, f"{where}, variance", "numbers above zero, noise included", least)


def alike(
    contract: Contract,
    where: str,
    name: str,
    one: FloatArray,
    other: FloatArray,
    test: TaskSet,
    most: float,
) -> None:
    """Raise AssertionError unless two predictions of the same differ by little."""
    unit = test.outputs.std(axis=0)
    off = float(np.max(np.abs(one - other) / (unit if name.endswith("mean") else unit**2)))
    text = f"the same predictions, to {most:g} of the outputs' standard deviations"
    contract.require(off <= most, f"{where}, {name}", text, f"a difference of {off:.2g}")
