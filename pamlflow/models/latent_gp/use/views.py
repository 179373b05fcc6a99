"""What a trained model knows of its two views, and which class of each a round file holds.

A view of another kind is one file and a line here: the registries are asked which of them `is_in` a file, and
their rows are those of the schema.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, Self, TypeVar

from pamlflow.models.interface import LatentPosterior, Objective, TaskArrays
from pamlflow.models.latent_gp.use.data_posterior import DataPosterior
from pamlflow.models.latent_gp.use.descriptor_posterior import DescriptorPosterior
from pamlflow.models.latent_gp.use.evidence import Evidence
from pamlflow.models.latent_gp.use.picture_posterior import PicturePosterior
from pamlflow.models.latent_gp.use.sparse_posterior import SparsePosterior
from pamlflow.rows import Row
from pamlflow.types import FloatArray


class View(Protocol):
    """A posterior with datasets in a round file."""

    def to_datasets(self) -> dict[str, Any]:
        """HDF5 datasets of a round file."""

    @classmethod
    def from_datasets(cls, datasets: Mapping[str, Any]) -> Self:
        """The inverse of `to_datasets`."""

    @staticmethod
    def is_in(datasets: Mapping[str, Any]) -> bool:
        """Whether a round file holds a view of this class."""

    @staticmethod
    def rows() -> tuple[Row, ...]:
        """The rows of its datasets."""


class DynamicsView(View, Protocol):
    """q(f) of the P outputs: standardised inputs and h to outputs in units of their signals."""

    @property
    def points(self) -> tuple[FloatArray, FloatArray]:
        """The inputs [K, Dx] and latent points [K, Q] that predictions are made from.

        Time and memory grow with K, and a next round may start from these points.
        """

    @property
    def lengthscales_h(self) -> FloatArray:
        """Length-scales [Q] of f in h."""

    def moments(
        self, inputs: FloatArray, latent: LatentPosterior, objective: Objective = "predictive"
    ) -> tuple[FloatArray, FloatArray]:
        """Mean and variance [N, T, P] of f at inputs [N, T, Dx] under q(h) of the N tasks, without noise.

        For what `elbo` has inferred, or a descriptor says, a view may have a posterior that is less sharp.
        """

    def covariance(self, inputs: FloatArray, latent: LatentPosterior) -> FloatArray:
        """Covariance [P, N, T, N, T] of f between all inputs of all tasks, without noise."""

    def noise_at(self, latent: LatentPosterior, objective: Objective) -> FloatArray:
        """Noise variance [N, P] of tasks by the posterior of `moments`; for `elbo` that of the bound."""

    def evidence(self, data: TaskArrays, objective: Objective) -> Evidence:
        """What transitions of N tasks say of h*, by the `objective` of the inference."""

    def ranking(self, data: TaskArrays, objective: Objective) -> Evidence:
        """The same, cheaper and less exact: it only compares the starts of a search."""

    def finish(self, data: TaskArrays, objective: Objective) -> Evidence | None:
        """The same, dearer and more exact, for the end of a search; None if there is none."""


class DescriptorView(View, Protocol):
    """How h and standardised descriptors [n, ...] foretell each other."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one descriptor: [R], or [H, W, R] of a picture."""

    def infer(self, descriptors: FloatArray, starts: FloatArray) -> LatentPosterior:
        """q(h* | psi*), from `starts` [S, Q] where it has to be searched for."""

    def evidence(self, descriptors: FloatArray) -> Evidence:
        """What descriptors say of h*, to be weighed against transitions."""

    def decode(self, latents: FloatArray) -> FloatArray:
        """E[psi | h] of latent points [n, Q]."""


DYNAMICS_VIEWS: tuple[type[DynamicsView], ...] = (DataPosterior, SparsePosterior)
DESCRIPTOR_VIEWS: tuple[type[DescriptorView], ...] = (DescriptorPosterior, PicturePosterior)

AnyView = TypeVar("AnyView", bound=View)


def view_in(datasets: Mapping[str, Any], views: Sequence[type[AnyView]]) -> AnyView:
    """Return the view in the datasets of a round file; ValueError when it holds none of `views`."""
    for view in views:
        if view.is_in(datasets):
            return view.from_datasets(datasets)
    names = " or ".join(view.__name__ for view in views)
    raise ValueError(f"expected the datasets of {names}, found none of them")
