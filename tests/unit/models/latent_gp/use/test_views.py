"""Which views a round file holds, and another posterior of the dynamics in the place of the sparse one."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from pamlflow.models.interface import LatentPosterior, TaskArrays
from pamlflow.models.latent_gp.use import views
from pamlflow.models.latent_gp.use.evidence import Gradients
from pamlflow.models.latent_gp.use.trained import TrainedModel
from pamlflow.rounds import read_round
from pamlflow.rows import rows_of

V1 = Path(__file__).parents[4] / "archive" / "v1"
ALL = (*views.DYNAMICS_VIEWS, *views.DESCRIPTOR_VIEWS)


@pytest.fixture(scope="module")
def datasets():
    files = {name: read_round(V1 / f"round_{name}.h5") for name in ("vectors", "pictures")}
    return {name: file.record.datasets for name, file in files.items()}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("vectors", ["SparsePosterior", "DescriptorPosterior"]),
        ("pictures", ["SparsePosterior", "PicturePosterior"]),
    ],
)
def test_a_file_holds_one_view_of_each_kind(datasets, name, expected):
    assert [view.__name__ for view in ALL if view.is_in(datasets[name])] == expected
    model = TrainedModel.from_datasets(datasets[name])
    assert [type(view).__name__ for view in (model.dynamics, model.descriptor)] == expected


@pytest.mark.parametrize("name", ["vectors", "pictures"])
def test_the_datasets_of_a_view_are_those_of_its_rows(datasets, name):
    for view in (it for it in ALL if it.is_in(datasets[name])):
        found = view.from_datasets(datasets[name]).to_datasets()
        assert all(any(row.covers(path) for row in view.rows()) for path in found)
        for path, value in found.items():
            np.testing.assert_array_equal(value, datasets[name][path])


def test_a_file_without_a_view_says_so(datasets):
    spoilt = {k: v for k, v in datasets["vectors"].items() if "posterior/descriptor" not in k}
    message = "expected the datasets of DescriptorPosterior or PicturePosterior, found none"
    with pytest.raises(ValueError, match=message):
        TrainedModel.from_datasets(spoilt)


@dataclasses.dataclass(frozen=True)
class Constant:
    """A posterior of a user: f is a constant, h says nothing."""

    level: np.ndarray

    points = (np.zeros((1, 3)), np.zeros((1, 2)))
    lengthscales_h = np.ones(2)

    def moments(self, inputs, latent, objective="predictive"):
        return np.broadcast_to(self.level, (*inputs.shape[:2], len(self.level))), np.zeros(
            (*inputs.shape[:2], len(self.level))
        )

    def covariance(self, inputs, latent):
        number, steps = inputs.shape[:2]
        return np.zeros((len(self.level), number, steps, number, steps))

    def noise_at(self, latent, objective):
        return np.ones((len(latent.mean), len(self.level)))

    def evidence(self, data, objective):
        return lambda mean, variance, tasks: Gradients(
            np.zeros(len(mean)), np.zeros_like(mean), np.zeros_like(mean)
        )

    ranking = evidence

    def finish(self, data, objective):
        return None

    def to_datasets(self):
        return {"posterior/constant/level": self.level}

    @classmethod
    def from_datasets(cls, datasets):
        return cls(datasets["posterior/constant/level"])

    @staticmethod
    def is_in(datasets):
        return "posterior/constant/level" in datasets

    @staticmethod
    def rows():
        return rows_of("posterior/constant/level  [P]  float64  1  f everywhere")


def test_another_posterior_is_a_class_and_a_line(datasets, monkeypatch):
    monkeypatch.setattr(
        "pamlflow.models.latent_gp.use.trained.DYNAMICS_VIEWS", (*views.DYNAMICS_VIEWS, Constant)
    )
    sparse = TrainedModel.from_datasets(datasets["vectors"])
    outputs = len(sparse.scaler.output_mean)
    model = dataclasses.replace(sparse, dynamics=Constant(np.full(outputs, 0.5)))
    again = TrainedModel.from_datasets(model.to_datasets())
    assert isinstance(again.dynamics, Constant)
    inputs = np.zeros((2, 3, len(sparse.scaler.input_mean)))
    h = again.infer(data=TaskArrays(inputs, np.zeros((2, 3, outputs)), np.ones((2, 3))))
    assert isinstance(h, LatentPosterior)
    np.testing.assert_allclose(h.mean, 0.0, atol=1e-3)
    mean, variance = again.predict(inputs, h)
    scaler = sparse.scaler
    np.testing.assert_allclose(
        mean, np.broadcast_to(0.5 * scaler.output_scale + scaler.output_mean, mean.shape)
    )
    np.testing.assert_allclose(variance, np.broadcast_to(scaler.output_scale**2, mean.shape))
    assert not again.covariance(inputs, h).any()
