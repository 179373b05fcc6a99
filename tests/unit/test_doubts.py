"""Which learning curves are doubtful."""

import numpy as np
import pytest

from pamlflow.doubts import curves, ends_worse_than_the_mean, rises, worse_than_the_mean

ROUNDS = 9


def scored(rmse, nll=0.0, spread=0.0):
    """Datasets of the schema `metrics`: eight outputs, sixteen test tasks, one protocol."""
    rng = np.random.default_rng(0)
    noise = spread * rng.standard_normal((ROUNDS, 1, 16))
    levels = np.broadcast_to(np.reshape(rmse, (-1, 1, 1)), noise.shape) + noise
    return {
        "round": np.arange(ROUNDS),
        "protocols": np.array(["few_shot_5"]),
        "squared_error": np.square(levels),
        "nll": np.broadcast_to(np.reshape(nll, (-1, 1, 1)), noise.shape) + 8.0 * noise,
        "trivial/squared_error": np.full((1, 16), 8.0),
        "trivial/nll": np.full((1, 16), 4.0 * (1.0 + np.log(2.0 * np.pi))),
    }


def said(check, *arguments, **options):
    """What a check says of the NLL and of the RMSE."""
    return [check(curve) for curve in curves(scored(*arguments, **options))]


def test_what_is_worse_than_the_mean_is_named_with_its_rounds():
    rmse = np.full(ROUNDS, 2.0)
    rmse[[3, 7]] = 2.9, 3.4
    nll, error = said(worse_than_the_mean, rmse)
    assert nll is None
    assert error == (
        "few_shot_5: RMSE up to 3.4 after round 3, 7, worse than predicting the mean of the test "
        "tasks' outputs (2.828); see docs/rising_curves.md"
    )
    assert said(ends_worse_than_the_mean, rmse) == [None, None]
    assert said(worse_than_the_mean, np.full(ROUNDS, 2.8)) == [None, None]


def test_an_end_that_is_worse_than_the_mean_is_named():
    nll, error = said(ends_worse_than_the_mean, np.linspace(1.0, 3.0, ROUNDS), nll=20.0)
    assert "NLL 20 after round 8, " in nll and "(11.35)" in nll
    assert "RMSE 3 after round 8, " in error


@pytest.mark.parametrize(
    ("last", "spread", "rising"),
    [(1.3, 0.0, True), (1.05, 0.0, False), (0.5, 0.0, False), (1.3, 0.1, True), (1.3, 2.0, False)],
    ids=["risen", "hardly risen", "fallen", "noisy and risen", "lost in noise"],
)
def test_a_rise_is_clear_in_size_and_over_the_tasks(last, spread, rising):
    """The NLL changes by as many nats an output as the RMSE by parts of itself."""
    rmse = np.repeat([1.0, 1.0, last], ROUNDS // 3)
    for metric, text in zip(
        ("NLL", "RMSE"), said(rises, rmse, 8.0 * rmse, spread=spread), strict=True
    ):
        assert (text is not None) == rising
        assert not text or text.startswith(f"few_shot_5: {metric} rises with the tasks, from ")


def test_one_round_does_not_rise():
    datasets = scored(np.ones(ROUNDS))
    alone = {name: datasets[name][:1] for name in ("round", "nll", "squared_error")}
    assert [rises(curve) for curve in curves({**datasets, **alone})] == [None, None]
