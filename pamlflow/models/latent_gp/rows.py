"""Rows of the datasets in a round file that hold a latent Gaussian process."""

from pamlflow.rows import rows_of

_MODEL = rows_of("""
latent/mean              [N, Q]  float64  1                       mean of q(h) of each task
latent/variance          [N, Q]  float64  1                       variance of q(h) of each task
parameters/*             [...]   float64  1                       model parameters, by their path
scaler/input_mean        [Dx]    float64  tasks/input_units       mean subtracted from inputs
scaler/input_scale       [Dx]    float64  tasks/input_units       divisor of inputs
scaler/output_mean       [P]     float64  tasks/output_units      mean subtracted from outputs
scaler/output_scale      [P]     float64  tasks/output_units      divisor of outputs: their signals
scaler/descriptor_mean   [R]     float64  tasks/descriptor_units  mean subtracted from descriptors
scaler/descriptor_scale  [R]     float64  tasks/descriptor_units  divisor of descriptors
""")

_DYNAMICS = rows_of("""
posterior/dynamics/inducing_inputs   [M, Dx]    float64  1  inducing points: scaled inputs
posterior/dynamics/inducing_latents  [M, Q]     float64  1  inducing points: latent variables
posterior/dynamics/lengthscales_x    [Dx]       float64  1  kernel length-scales of the inputs
posterior/dynamics/lengthscales_h    [Q]        float64  1  kernel length-scales of h
posterior/dynamics/variance          []         float64  1  kernel variance, in units of the signals
posterior/dynamics/weights           [M, P]     float64  1  mean of f is k' weights
posterior/dynamics/basis             [H, M, M]  float64  1  directions onto which k is projected
posterior/dynamics/reduction         [P, M]     float64  1  reduction of the variance along each direction
posterior/dynamics/noise             [P]        float64  1  noise variance of a task with h = 0 in the bound
posterior/dynamics/noise_slope       [Q]        float64  1  slope of the log noise variance in h
posterior/dynamics/predictive_noise  [P]        float64  1  noise variance of a task with h = 0 in predictions
""")

_DESCRIPTOR = rows_of(
    """
posterior/descriptor/inducing        [G, Q]     float64  1  inducing points: latent variables
posterior/descriptor/lengthscales    [R, Q]     float64  1  kernel length-scales of h
posterior/descriptor/variance        [R]        float64  1  kernel variances
posterior/descriptor/noise           [R]        float64  1  noise variances
posterior/descriptor/slope           [Q, R]     float64  1  slope W of the linear mean of psi
posterior/descriptor/intercept       [R]        float64  1  intercept b of the linear mean of psi
posterior/descriptor/weights         [R, G]     float64  1  mean of psi is b + W'h + variance k' weights
posterior/descriptor/reduction       [R, G, G]  float64  1  reduces Var(g) by variance^2 k' reduction k
posterior/pictures/*                 [...]      float64  1  encoder and decoder of pictures
""",
    optional=True,
)

ROWS = _MODEL + _DYNAMICS + _DESCRIPTOR
