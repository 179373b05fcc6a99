"""The stages that draw what the latent space makes of pictures."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from bars import bars

from pamlflow import plotting
from pamlflow.models.latent_gp.fit.training import train
from pamlflow.models.latent_gp.settings import ModelSettings, PictureSettings, TrainingSettings
from pamlflow.models.latent_gp.use.trained import TrainedModel
from pamlflow.pool import Pool
from pamlflow.rounds import read_pool
from pamlflow.stages.illustrate_pictures import (
    plot_montage,
    plot_rank_correlation,
    plot_reconstructions,
    plot_traversal,
    rank_agreement,
    rank_candidates,
)
from pamlflow.storage import store
from pamlflow.tasks import Variable

HEIGHT, BRIGHTNESS = Variable("height", "m"), Variable("brightness", "1")


@pytest.fixture(scope="module")
def trial(make_tasks, tmp_path_factory):
    """A pool of ten bars, and the round of a model that knows the dynamics of two of them."""
    folder = tmp_path_factory.mktemp("trial")
    heights = np.linspace(1.0, 7.0, 10)[:, None]
    pool = Pool(bars(heights[:, 0]), heights, (BRIGHTNESS,), (HEIGHT,))
    rows = np.array([2, 7])
    known = dataclasses.replace(
        make_tasks([12, 9]),
        descriptors=pool.descriptors[rows],
        parameters=heights[rows],
        descriptor_variables=(BRIGHTNESS,),
        parameter_variables=(HEIGHT,),
    )
    model, record = train(
        known,
        ModelSettings(2, inducing_points=10, pictures=PictureSettings(pretraining_steps=60)),
        TrainingSettings(first_iterations=5),
        np.random.default_rng(0),
        unchosen=pool.unchosen(rows),
    )
    datasets = {
        "round": np.int64(1),
        "pool/rows": rows,
        "training/bound": np.array(record.bound),
        "training/events": record.events,
        **known.to_datasets(),
        **model.to_datasets(),
    }
    store.write(folder / "round_01.h5", "round", datasets, seed=0, config={})
    renderer = {"pool/renderer": "rays"}
    store.write(folder / "pool.h5", "pool", pool.to_datasets() | renderer, seed=0, config={})
    return folder


@pytest.fixture
def drawn(monkeypatch):
    """The arguments of each figure that a stage draws."""
    calls = {}
    for name in ("montage", "reconstructions", "traversal", "rank_correlation"):
        draw = getattr(plotting, name)

        def keep(*args, draw=draw, name=name):
            calls[name] = args
            return draw(*args)

        monkeypatch.setattr(plotting, name, keep)
    return calls


def paths(folder, name):
    return {kind: folder / f"{name}.{kind}" for kind in ("svg", "png")}


def test_montage_shows_the_candidates_with_their_hidden_parameter(trial, drawn, tmp_path):
    files = paths(tmp_path, "montage")
    plot_montage(pool=trial / "pool.h5", experiment="bar_pixels", **files)
    pictures, values, variable, title = drawn["montage"]
    assert pictures.shape == (10, 8, 8, 1)
    np.testing.assert_allclose(values, np.linspace(1.0, 7.0, 10))
    assert variable == HEIGHT
    assert title.startswith("bar pixels")
    assert all(path.stat().st_size > 1000 for path in files.values())


def test_reconstructions_are_the_decoder_at_what_the_encoder_says(trial, drawn, tmp_path):
    arguments = {"last_round": trial / "round_01.h5", "pool": trial / "pool.h5"}
    names = {"experiment": "bar_pixels", "strategy": "paml"}
    plot_reconstructions(**arguments, **names, **paths(tmp_path, "reconstructions"))
    pictures, decoded, *_, title = drawn["reconstructions"]
    model = TrainedModel.from_datasets(store.read(trial / "round_01.h5").datasets)
    latent = model.infer(descriptors=pictures)
    np.testing.assert_allclose(decoded, model.predict_descriptors(latent.mean))
    assert "PAML" in title


def test_traversal_covers_the_candidates_and_decodes_each_point(trial, drawn, tmp_path):
    arguments = {"last_round": trial / "round_01.h5", "pool": trial / "pool.h5"}
    names = {"experiment": "bar_pixels", "strategy": "paml"}
    plot_traversal(**arguments, **names, **paths(tmp_path, "traversal"))
    pictures, latents, means, *_ = drawn["traversal"]
    assert pictures.shape == (len(latents), len(latents), 8, 8, 1)
    assert np.all(latents[0] < means.min(axis=0)) and np.all(latents[-1] > means.max(axis=0))
    model = TrainedModel.from_datasets(store.read(trial / "round_01.h5").datasets)
    point = np.array([[latents[2, 0], latents[5, 1]]])
    np.testing.assert_allclose(
        pictures[2, 5], model.predict_descriptors(point)[0], rtol=1e-4, atol=1e-6
    )


def test_table_has_a_row_for_each_strategy_trial_and_round(trial, drawn, tmp_path):
    table = tmp_path / "rank_correlation.csv"
    rank_candidates(
        rounds=[trial / "round_01.h5"] * 4,
        pools=[trial / "pool.h5"],
        strategies=["paml", "uniform"],
        trials=[3],
        numbers=[0, 1],
        table=table,
    )
    tidy = pd.read_csv(table)
    assert tidy["strategy"].tolist() == ["paml", "paml", "uniform", "uniform"]
    assert tidy["trial"].tolist() == [3] * 4
    assert tidy["round"].tolist() == [0, 1, 0, 1]
    pool = read_pool(trial / "pool.h5")
    model = TrainedModel.from_datasets(store.read(trial / "round_01.h5").datasets)
    latent = model.infer(descriptors=pool.descriptors)
    expected = rank_agreement(latent.mean, pool.parameters[:, 0])
    np.testing.assert_allclose(tidy["correlation"], expected)
    files = paths(tmp_path, "rank_correlation")
    plot_rank_correlation(table=table, pool=trial / "pool.h5", experiment="bar_pixels", **files)
    assert drawn["rank_correlation"][1] == HEIGHT
    assert all(path.stat().st_size > 1000 for path in files.values())


def test_rank_correlation_is_one_along_any_line_and_blind_to_its_direction():
    values = np.random.default_rng(0).uniform(size=20)
    line = values[:, None] * [0.3, -2.0] + [1.0, 5.0]
    assert rank_agreement(line, values) == pytest.approx(1.0)
    assert rank_agreement(np.exp(-line[:, :1]), values) == pytest.approx(1.0)
    assert rank_agreement(np.random.default_rng(1).normal(size=(20, 2)), values) < 0.6


def test_latents_that_are_all_the_same_order_nothing():
    assert rank_agreement(np.ones((5, 2)), np.arange(5.0)) == 0.0
