"""Figures of an experiment: scores of its strategies, the tasks they chose, and the models of these tasks."""

from pamlflow.plotting.choices import choices, chosen_values
from pamlflow.plotting.comparison import comparison
from pamlflow.plotting.error_maps import error_maps
from pamlflow.plotting.latent_space import latent_space
from pamlflow.plotting.learning_curves import learning_curves, overview
from pamlflow.plotting.pictures import montage, reconstructions, traversal
from pamlflow.plotting.rank_correlation import rank_correlation
from pamlflow.plotting.style import save

__all__ = [
    "choices",
    "chosen_values",
    "comparison",
    "error_maps",
    "latent_space",
    "learning_curves",
    "montage",
    "overview",
    "rank_correlation",
    "reconstructions",
    "save",
    "traversal",
]
