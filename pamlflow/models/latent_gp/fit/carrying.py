"""Parameters of the round before, converted to the units of a new standardisation."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from pamlflow.models.latent_gp.fit.priors import ABOVE_FLOOR, DESCRIPTOR_NOISE_FLOOR
from pamlflow.models.latent_gp.use.scaling import Scaler
from pamlflow.models.latent_gp.use.trained import TrainedModel
from pamlflow.types import FloatArray


def below(part: str, parameters: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    """Return the parameters of one part of a model, by their paths in that part."""
    prefix = f".{part}"
    return {
        path.removeprefix(prefix): value
        for path, value in parameters.items()
        if path.startswith(f"{prefix}.")
    }


def points_carried_on(previous: TrainedModel, new: Scaler) -> FloatArray:
    """Return the inducing points [M, Dx + Q] of the round before, with inputs in the units of `new`."""
    inputs, latents = previous.dynamics.points
    old = previous.scaler
    return np.hstack([new.inputs(inputs * old.input_scale + old.input_mean), latents])


def dynamics_carried_on(
    parameters: Mapping[str, FloatArray],
    old: Scaler,
    new: Scaler,
    latents: FloatArray,
    *,
    noise_floor: float,
    shared_signal: bool,
) -> dict[str, FloatArray]:
    """Return the parameters of the dynamics view, without its inducing points.

    Args:
        parameters: those of the round before, by their paths in the view.
        old: the standardisation of the round before.
        new: that of this round.
        latents: the means [N, Q] of q(H) of the round before.
        noise_floor: the smallest noise variance.
        shared_signal: whether all output scales stay 1.
    """
    values = {k: v for k, v in parameters.items() if not k.startswith(".inducing_")}
    unit = old.output_scale / new.output_scale
    outputs = np.square(unit / values[".output_scale"])
    if not shared_signal:
        values[".output_scale"] = unit
    inputs = old.input_scale / new.input_scale
    values[".kernel_x.lengthscales"] = values[".kernel_x.lengthscales"] * inputs
    # All tasks start with the same noise: the search learns last how it varies between them.
    slope = values.pop(".noise_slope")
    noise = values[".noise"] * outputs * np.exp(latents @ slope).mean()
    values[".noise"] = np.maximum(noise, ABOVE_FLOOR * noise_floor)
    return values


def descriptor_carried_on(
    parameters: Mapping[str, FloatArray], old: Scaler, new: Scaler
) -> dict[str, FloatArray]:
    """Return the parameters of the descriptor view, by their paths in the view."""
    values = dict(parameters)
    unit = old.descriptor_scale / new.descriptor_scale
    shift = (old.descriptor_mean - new.descriptor_mean) / new.descriptor_scale
    values[".slope"] = values[".slope"] * unit
    values[".intercept"] = values[".intercept"] * unit + shift
    values[".variance"] = values[".variance"] * np.square(unit)
    noise = values[".noise"] * np.square(unit)
    values[".noise"] = np.maximum(noise, ABOVE_FLOOR * DESCRIPTOR_NOISE_FLOOR)
    return values
