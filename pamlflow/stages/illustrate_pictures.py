"""Figures of pools of pictures, and of the latent spaces of their models."""

from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from pamlflow import plotting
from pamlflow.components import principal_components
from pamlflow.models.interface import Model
from pamlflow.plotting import style
from pamlflow.pool import Pool
from pamlflow.rounds import read_pool, read_round
from pamlflow.storage import files
from pamlflow.tasks import Variable
from pamlflow.types import FloatArray

TRAVERSAL_POINTS = 9  # along each latent dimension
TRAVERSAL_MARGIN = 0.1  # of the range of the candidates, beyond them


def plot_montage(*, pool: Path, experiment: str, svg: Path, png: Path) -> None:
    """Draw pictures of candidates of a pool (the paper's figure 7)."""
    candidates = read_pool(pool)
    title = f"{style.experiment_name(experiment)}: pictures of candidate tasks, trial 00"
    figure = plotting.montage(candidates.descriptors, *_hidden(candidates), title)
    plotting.save(figure, svg, png)


def plot_reconstructions(
    *, last_round: Path, pool: Path, experiment: str, strategy: str, svg: Path, png: Path
) -> None:
    """Draw reconstructions of candidates after the last round of a trial."""
    candidates, model = read_pool(pool), _model(last_round)
    decoded = model.predict_descriptors(_encoded(model, candidates))
    title = f"{_about(experiment, strategy)}: reconstructions after the last round, trial 00"
    figure = plotting.reconstructions(candidates.descriptors, decoded, *_hidden(candidates), title)
    plotting.save(figure, svg, png)


def plot_traversal(
    *, last_round: Path, pool: Path, experiment: str, strategy: str, svg: Path, png: Path
) -> None:
    """Draw the decoded pictures over a grid of the latent space, which must have two dimensions."""
    candidates, model = read_pool(pool), _model(last_round)
    means = _encoded(model, candidates)
    low, high = means.min(axis=0), means.max(axis=0)
    margin = TRAVERSAL_MARGIN * (high - low)
    latents = np.linspace(low - margin, high + margin, TRAVERSAL_POINTS)
    points = np.stack(np.meshgrid(*latents.T, indexing="ij"), axis=-1)
    decoded = model.predict_descriptors(points.reshape(-1, points.shape[-1]))
    pictures = decoded.reshape(*points.shape[:-1], *decoded.shape[1:])
    title = f"{_about(experiment, strategy)}: latent space after the last round, trial 00"
    figure = plotting.traversal(pictures, latents, means, *_hidden(candidates), title)
    plotting.save(figure, svg, png)


def rank_candidates(
    *,
    rounds: Sequence[Path],
    pools: Sequence[Path],
    strategies: Sequence[str],
    trials: Sequence[int],
    numbers: Sequence[int],
    table: Path,
) -> None:
    """Write as CSV how well h orders all candidates by their hidden parameter.

    `rounds` has a file for each strategy, trial and round in `numbers`, rounds of the first trial of the first
    strategy first; `pools` has one for each trial. The correlation is the absolute value of Spearman's, between
    the parameter and the first principal component of the means of q(h | picture).
    """
    candidates = dict(zip(trials, map(read_pool, pools), strict=True))
    rows = [
        (strategy, trial, number, _rank_correlation(_model(path), candidates[trial]))
        for (strategy, trial, number), path in zip(
            product(strategies, trials, numbers), rounds, strict=True
        )
    ]
    tidy = pd.DataFrame(rows, columns=["strategy", "trial", "round", "correlation"])
    files.replace(table, tidy.to_csv(index=False, lineterminator="\n").encode())


def plot_rank_correlation(
    *, table: Path, pool: Path, experiment: str, svg: Path, png: Path
) -> None:
    """Draw the rank correlation of h with the hidden parameter from its table."""
    _, variable = _hidden(read_pool(pool))
    title = f"{style.experiment_name(experiment)}: how h orders the candidates"
    plotting.save(plotting.rank_correlation(pd.read_csv(table), variable, title), svg, png)


def rank_agreement(latents: FloatArray, values: FloatArray) -> float:
    """Return |Spearman's rho| of values [C] and the first principal component of latents [C, Q].

    Returns 0 if all latents are equal.
    """
    components = principal_components(latents)
    if components.shape[1] == 0:
        return 0.0
    return abs(float(spearmanr(components[:, 0], values).statistic))


def _rank_correlation(model: Model, candidates: Pool) -> float:
    values, _ = _hidden(candidates)
    return rank_agreement(_encoded(model, candidates), values)


def _encoded(model: Model, candidates: Pool) -> FloatArray:
    """Return the means of q(h | picture) [C, Q] of all candidates, including chosen ones."""
    means: FloatArray = model.infer(descriptors=candidates.descriptors).mean
    return means


def _model(path: Path) -> Model:
    return read_round(path).model


def _hidden(candidates: Pool) -> tuple[FloatArray, Variable]:
    """Return the first parameter [C] of the candidates, which the models do not see."""
    return candidates.parameters[:, 0], candidates.parameter_variables[0]


def _about(experiment: str, strategy: str) -> str:
    return f"{style.experiment_name(experiment)}, {style.strategy_name(strategy)}"
