"""The parameters of a model of tasks described by vectors: their paths, priors and first values."""

from __future__ import annotations

import numpy as np

from pamlflow.models.latent_gp.fit import priors
from pamlflow.models.latent_gp.fit.closed_form.descriptor_bound import DescriptorValues
from pamlflow.models.latent_gp.fit.closed_form.parameters import (
    Parameter,
    Parameters,
    scale,
    weight,
)
from pamlflow.models.latent_gp.fit.layout import INITIAL_LATENT_VARIANCE
from pamlflow.models.latent_gp.settings import ModelSettings

DYNAMICS = {
    "variance": ".dynamics.kernel_x.variance",
    "lengthscales_x": ".dynamics.kernel_x.lengthscales",
    "lengthscales_h": ".dynamics.kernel_h.lengthscales",
    "inducing_inputs": ".dynamics.inducing_inputs",
    "inducing_latents": ".dynamics.inducing_latents",
    "output_scale": ".dynamics.output_scale",
    "noise": ".dynamics.noise",
    "noise_slope": ".dynamics.noise_slope",
}
DESCRIPTOR = {name: f".descriptor.{name}" for name in DescriptorValues._fields}
MEAN, VARIANCE = ".latent.mean", ".latent.variance"


def untrained(
    settings: ModelSettings,
    tasks: int,
    inputs: int,
    outputs: int,
    descriptors: int,
    dimensions: int,
    size: int,
) -> Parameters:
    """The scales of standardised data; q(H) and the inducing points are still to be placed."""
    shared = settings.signal == "shared"
    variance = scale(1.0, priors.VARIANCE)
    variance.trainable = shared
    output_scale = scale(np.ones(outputs), priors.OUTPUT_SCALE)
    output_scale.trainable = not shared
    slope = weight(np.zeros(dimensions), priors.NOISE_SLOPE)
    slope.trainable = settings.noise == "task_scaled"
    start = np.full(outputs, priors.first_noise(settings.noise_floor))
    first = priors.FIRST_LENGTHSCALE
    return Parameters(
        {
            DYNAMICS["variance"]: variance,
            DYNAMICS["lengthscales_x"]: scale(np.full(inputs, first), priors.LENGTHSCALES_X),
            ".dynamics.kernel_h.variance": Parameter(np.array(1.0), trainable=False),
            DYNAMICS["lengthscales_h"]: scale(np.full(dimensions, first), priors.LENGTHSCALES_H),
            DYNAMICS["output_scale"]: output_scale,
            DYNAMICS["noise"]: scale(start, priors.NOISE, settings.noise_floor),
            DYNAMICS["noise_slope"]: slope,
            DYNAMICS["inducing_inputs"]: Parameter(np.zeros((size, inputs))),
            DYNAMICS["inducing_latents"]: Parameter(np.zeros((size, dimensions))),
            DESCRIPTOR["lengthscales"]: scale(
                np.full((descriptors, dimensions), 1.5), priors.DESCRIPTOR_LENGTHSCALES
            ),
            DESCRIPTOR["variance"]: scale(np.full(descriptors, 0.2), priors.DESCRIPTOR_VARIANCE),
            DESCRIPTOR["noise"]: scale(
                np.full(descriptors, 0.01), priors.DESCRIPTOR_NOISE, priors.DESCRIPTOR_NOISE_FLOOR
            ),
            DESCRIPTOR["slope"]: weight(
                np.zeros((dimensions, descriptors)), priors.DESCRIPTOR_SLOPE
            ),
            DESCRIPTOR["intercept"]: weight(np.zeros(descriptors), priors.DESCRIPTOR_INTERCEPT),
            MEAN: Parameter(np.zeros((tasks, dimensions))),
            VARIANCE: Parameter(np.full((tasks, dimensions), INITIAL_LATENT_VARIANCE), 0.0),
        }
    )
