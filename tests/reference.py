"""Slow, obvious NumPy twins of the closed forms, written from their definitions.

Expectations over h ~ N(mean, diag(variance)) are Gauss-Hermite sums, transitions are looped over one by one,
and bounds are written with dense matrices, one noise variance per transition.
"""

import itertools

import numpy as np


def kernel(a, b, lengthscales, variance=1.0):
    """Squared-exponential kernel between the rows of a and b."""
    differences = (a[:, None, :] - b[None, :, :]) / lengthscales
    return variance * np.exp(-0.5 * np.sum(differences**2, axis=-1))


def nodes(mean, variance, order=24):
    """Points [K, Q] and weights [K] whose weighted sum is the mean under N(mean, diag(variance))."""
    points, weights = np.polynomial.hermite_e.hermegauss(order)
    weights = weights / weights.sum()
    axes = [
        [m + np.sqrt(v) * point for point in points] for m, v in zip(mean, variance, strict=True)
    ]
    grid = np.array(list(itertools.product(*axes)))
    return grid, np.array([np.prod(w) for w in itertools.product(weights, repeat=len(mean))])


def expectation(function, mean, variance, order=24):
    """E[function(h)] of a function of points [K, Q] that returns an array [K, ...]."""
    points, weights = nodes(mean, variance, order)
    return np.tensordot(weights, function(points), axes=1)


def log_normal(y, mean, variance):
    """Log density of independent Gaussians, elementwise."""
    return -0.5 * (np.log(2.0 * np.pi * variance) + (y - mean) ** 2 / variance)


def log_multivariate_normal(y, covariance):
    """Log density of a zero-mean Gaussian."""
    _, log_det = np.linalg.slogdet(2.0 * np.pi * covariance)
    return -0.5 * (log_det + y @ np.linalg.solve(covariance, y))


def psi_statistics(inputs, task_of, mean, variance, Z_x, Z_h, l_x, l_h, s2):
    """Psi1 [n, M] and Psi2 [n, M, M] of each transition: E[k(z, x)] and E[k(z, x) k(x, z')]."""
    Psi1, Psi2 = [], []
    for x, i in zip(inputs, task_of, strict=True):
        k_x = kernel(x[None], Z_x, l_x, s2)[0]

        def k(h, k_x=k_x):
            return k_x * kernel(h, Z_h, l_h)

        Psi1.append(expectation(k, mean[i], variance[i]))
        Psi2.append(
            expectation(lambda h, k=k: k(h)[:, :, None] * k(h)[:, None, :], mean[i], variance[i])
        )
    return np.array(Psi1), np.array(Psi2)


def collapsed_bound(y, noise, Psi1, Psi2, psi0, Kuu):
    """Collapsed bound of one output y [n] with noise variances [n] (Titsias & Lawrence 2010)."""
    weighted = np.sum(Psi2 / noise[:, None, None], axis=0)
    b = Psi1.T @ (y / noise)
    inner = Kuu + weighted
    data = -0.5 * np.sum(np.log(2.0 * np.pi * noise) + (y**2 + psi0) / noise)
    determinants = 0.5 * (np.linalg.slogdet(Kuu)[1] - np.linalg.slogdet(inner)[1])
    trace = 0.5 * np.trace(np.linalg.solve(Kuu, weighted))
    return data + determinants + trace + 0.5 * b @ np.linalg.solve(inner, b)


def optimal_inducing(y, noise, Psi1, Psi2, Kuu):
    """Mean and covariance of the optimal q(u) of one output."""
    inner = Kuu + np.sum(Psi2 / noise[:, None, None], axis=0)
    mean = Kuu @ np.linalg.solve(inner, Psi1.T @ (y / noise))
    return mean, Kuu @ np.linalg.solve(inner, Kuu)


def uncollapsed_bound(y, noise, Psi1, Psi2, psi0, Kuu, mean, covariance):
    """E_q(u) q(H) [log p(y | f)] - KL(q(u) || p(u)), transition by transition."""
    inverse = np.linalg.inv(Kuu)
    second = inverse @ (covariance + np.outer(mean, mean)) @ inverse
    value = 0.0
    for j in range(len(y)):
        f = Psi1[j] @ inverse @ mean
        f_squared = psi0 - np.trace(inverse @ Psi2[j]) + np.trace(second @ Psi2[j])
        square = y[j] ** 2 - 2.0 * y[j] * f + f_squared
        value -= 0.5 * (np.log(2.0 * np.pi * noise[j]) + square / noise[j])
    log_dets = np.linalg.slogdet(Kuu)[1] - np.linalg.slogdet(covariance)[1]
    trace = np.trace(inverse @ (covariance + np.outer(mean, mean)))
    return value - 0.5 * (trace - len(mean) + log_dets)


def dynamics_at(posterior, x, h):
    """Mean and variance [P] of f at one input x and one latent point h, from the posterior's definition."""
    parts = type(posterior)(*(np.asarray(part) for part in posterior))
    k = (
        parts.variance
        * np.array(
            kernel(x[None], parts.inducing_inputs, parts.lengthscales_x)
            * kernel(h[None], parts.inducing_latents, parts.lengthscales_h)
        )[0]
    )
    mean, variance = [], []
    for p in range(parts.weights.shape[1]):
        basis = parts.basis[0 if len(parts.basis) == 1 else p]
        mean.append(k @ parts.weights[:, p])
        variance.append(parts.variance - np.sum(parts.reduction[p] * (k @ basis) ** 2))
    return np.array(mean), np.array(variance)


def descriptor_at(posterior, h):
    """Mean and variance [R] of psi at one latent point h, noise included, from the definition."""
    mean, variance = descriptors_at(posterior, h[None])
    return mean[0], variance[0]


def descriptors_at(posterior, points):
    """The same [N, R] at latent points [N, Q]."""
    parts = type(posterior)(*(np.asarray(part) for part in posterior))
    mean, variance = [], []
    for r in range(len(parts.variance)):
        k = kernel(points, parts.inducing, parts.lengthscales[r], parts.variance[r])
        mean.append(parts.intercept[r] + points @ parts.slope[:, r] + k @ parts.weights[r])
        reduced = np.sum(k @ parts.reduction[r] * k, axis=1)
        variance.append(parts.variance[r] - reduced + parts.noise[r])
    return np.stack(mean, axis=1), np.stack(variance, axis=1)


def moments(function, mean, variance, order=24):
    """Mean and variance of a Gaussian whose own mean and variance are ``function(h)``, h uncertain."""
    points, weights = nodes(mean, variance, order)
    at = [function(h) for h in points]
    means, variances = (np.array(part) for part in zip(*at, strict=True))
    total = np.tensordot(weights, means, axes=1)
    spread = np.tensordot(weights, variances + (means - total) ** 2, axes=1)
    return total, spread


def greedy_conditional_variance(points, lengthscales, count):
    """Add, one by one, the point of largest variance given those chosen, by solving from scratch."""
    K = kernel(points, points, lengthscales)
    chosen = []
    for _ in range(min(count, len(points))):
        left = [i for i in range(len(points)) if i not in chosen]
        gain = []
        for i in left:
            k = K[i, chosen]
            gain.append(1.0 - k @ np.linalg.pinv(K[np.ix_(chosen, chosen)]) @ k if chosen else 1.0)
        chosen.append(left[int(np.argmax(gain))])
    return chosen


def wide_cholesky(K):
    """The lower factor of K in the precision of its numbers: NumPy's own knows no more than double."""
    L = np.zeros_like(K)
    for j in range(len(K)):
        L[j:, j] = K[j:, j] - L[j:, :j] @ L[j, :j]
        L[j:, j] /= np.sqrt(L[j, j])
    return L


def wide_solve(L, B):
    """L^-1 B, likewise."""
    X = B.copy()
    for j in range(len(L)):
        X[j] = (X[j] - L[j, :j] @ X[:j]) / L[j, j]
    return X
