"""q(h*) of unseen tasks from transitions, descriptors, both or nothing."""

import numpy as np
import pytest
import reference
from scipy.special import softmax

from pamlflow.models.interface import LatentPosterior, TaskArrays
from pamlflow.models.latent_gp.use.batched_bfgs import minimise_batch
from pamlflow.models.latent_gp.use.evidence import Gradients
from pamlflow.models.latent_gp.use.inference import infer_latents, latent_starts
from pamlflow.models.latent_gp.use.sparse_evidence import PredictiveEvidence

STARTS = latent_starts(np.zeros((1, 2)))


def gaussian_evidence(centre, precision):
    """A likelihood N(centre; h, 1 / precision), averaged over q(h): its posterior is known."""

    def evidence(mean, variance, tasks):
        offset = mean - centre[tasks]
        value = -0.5 * np.sum(precision * (offset**2 + variance), axis=1)
        return Gradients(value, -precision * offset, np.full_like(variance, -0.5 * precision))

    return evidence


def test_a_task_wider_than_the_prior_is_searched_for_from_the_next_best_starts():
    """A start that looks best may lie in the basin of a mode that knows nothing."""
    modes = np.array(
        [[0.9, 0.4], [-1.6, -1.4], [1.5, 0.6]]
    )  # that of the second task is beside the decoy
    decoy = np.array([-1.5, -1.5])

    def evidence(mean, variance, tasks):
        offset = mean - modes[tasks]
        peak = 40.0 * np.exp(-0.5 * np.sum(offset**2, axis=1) / 0.25)
        decoyed = (tasks != 1).astype(float)
        lure = decoyed * np.exp(-0.5 * np.sum((mean - decoy) ** 2, axis=1) / 0.25)
        gain = 35.0 - 10.0 * np.sum(np.exp(-variance), axis=1)  # and the wider the better
        slope = -(peak[:, None] * offset + (lure * gain)[:, None] * (mean - decoy)) / 0.25
        return Gradients(peak + lure * gain, slope, 10.0 * lure[:, None] * np.exp(-variance))

    def ranking(mean, variance, tasks):
        return Gradients(-np.sum((mean - decoy) ** 2, axis=1), 0.0 * mean, 0.0 * variance)

    starts = np.array([decoy, [1.2, 0.5], [-0.3, 0.2]])  # from the last one nothing better is found
    latent = infer_latents([evidence], starts, 3, ranking=[ranking])
    np.testing.assert_allclose(latent.mean, modes, atol=0.1)


def test_a_search_ends_with_the_more_exact_evidence():
    """In a few evaluations, because it goes on with the curvature that the search has found."""
    centre = np.array([[0.5, -0.8], [1.1, 0.3], [-0.4, 0.9]])
    rough = gaussian_evidence(centre, 24.0)
    exact, calls = gaussian_evidence(centre + 0.05, 30.0), []

    def counted(mean, variance, tasks):
        calls.append(len(tasks))
        return exact(mean, variance, tasks)

    latent = infer_latents([rough], STARTS, 3, finish=[counted])
    np.testing.assert_allclose(latent.mean, (centre + 0.05) * 30.0 / 31.0, atol=2e-3)
    np.testing.assert_allclose(latent.variance, 1.0 / 31.0, rtol=0.05)
    assert sum(calls) <= 3 * 6


def test_without_a_finite_value_the_prior_stays_and_the_log_says_so(caplog):
    """Of the second task alone."""
    known = gaussian_evidence(np.full((3, 2), 0.5), 24.0)

    def evidence(mean, variance, tasks):
        found = known(mean, variance, tasks)
        return found._replace(value=np.where(tasks == 1, np.nan, found.value))

    latent = infer_latents([evidence], STARTS, 3)
    np.testing.assert_array_equal(latent.mean[1], np.zeros(2))
    np.testing.assert_array_equal(latent.variance[1], np.ones(2))
    assert latent.mean[[0, 2]].min() > 0.4
    assert caplog.messages == [
        "what is known of tasks [1] has no finite density at any h: the prior"
    ]


def test_conjugate_evidence_gives_the_exact_posterior():
    centre = np.array([[2.0, -1.0], [0.0, 0.0], [-0.5, 3.0]])
    latent = infer_latents([gaussian_evidence(centre, 24.0)], STARTS, 3)
    np.testing.assert_allclose(latent.mean, centre * 24.0 / 25.0, atol=0.02)
    np.testing.assert_allclose(latent.variance, np.full((3, 2), 1.0 / 25.0), rtol=0.1)


def test_pieces_of_evidence_add_up():
    one, other = np.array([[1.0, 1.0]]), np.array([[-1.0, 2.0]])
    latent = infer_latents([gaussian_evidence(one, 3.0), gaussian_evidence(other, 6.0)], STARTS, 1)
    np.testing.assert_allclose(latent.mean, [[-0.3, 1.5]], atol=0.02)
    np.testing.assert_allclose(latent.variance, [[0.1, 0.1]], rtol=0.1)


def test_the_better_of_two_modes_is_found():
    """A grid of starts meets a mode that a search from the origin would miss."""

    def evidence(mean, variance, tasks):
        near = 1.0 * np.exp(-0.5 * np.sum((mean - 0.3) ** 2, axis=1) / 0.1)
        far = 9.0 * np.exp(-0.5 * np.sum((mean - [1.4, -1.4]) ** 2, axis=1) / 0.1)
        slope = -(near[:, None] * (mean - 0.3) + far[:, None] * (mean - [1.4, -1.4])) / 0.1
        return Gradients(near + far, slope, np.zeros_like(mean))

    latent = infer_latents([evidence], STARTS, 1)
    np.testing.assert_allclose(latent.mean, [[1.4, -1.4]], atol=0.1)


def test_a_mode_narrower_than_the_grid_is_found_from_a_training_task():
    narrow = np.array([0.02, 0.97])

    def evidence(mean, variance, tasks):
        wide = 5.0 * np.exp(-0.5 * np.sum((mean + 0.5) ** 2, axis=1))
        peak = 20.0 * np.exp(-0.5 * np.sum((mean - narrow) ** 2, axis=1) / 0.005)
        slope = -wide[:, None] * (mean + 0.5) - peak[:, None] * (mean - narrow) / 0.005
        return Gradients(wide + peak, slope, np.zeros_like(mean))

    from_grid = infer_latents([evidence], STARTS, 1)
    assert np.linalg.norm(from_grid.mean - narrow) > 1.0
    latent = infer_latents([evidence], latent_starts(narrow[None] + 0.03), 1)
    np.testing.assert_allclose(latent.mean, narrow[None], atol=0.02)


def test_undefined_evidence_of_a_task_leaves_the_others_alone():
    centre = np.array([[1.0, 0.5], [1.0, 0.5]])
    sound = gaussian_evidence(centre, 9.0)

    def evidence(mean, variance, tasks):
        return Gradients(*(np.where(
            (tasks == 0).reshape(-1, *[1] * (part.ndim - 1)), np.nan, part
        ) for part in sound(mean, variance, tasks)))  # fmt: skip

    with np.errstate(all="ignore"):
        latent = infer_latents([evidence], STARTS, 2)
    np.testing.assert_array_equal(latent.mean[0], [0.0, 0.0])
    np.testing.assert_array_equal(latent.variance[0], [1.0, 1.0])
    np.testing.assert_allclose(latent.mean[1], 0.9 * centre[1], atol=0.02)


def test_starts_cover_the_training_tasks_and_the_prior():
    means = np.array([[3.0, 0.0], [-0.2, 0.1]])
    starts = latent_starts(means, points=5)
    assert starts.shape == (28, 2)
    np.testing.assert_array_equal(starts[0], [0.0, 0.0])
    np.testing.assert_array_equal(starts[-2:], means)
    assert np.all(starts.min(axis=0) <= [-1.0, -1.0]) and np.all(starts.max(axis=0) >= [3.0, 1.0])


@pytest.fixture(scope="module")
def unseen(make_tasks):
    """Twelve tasks of the same family, 30 transitions each."""
    return make_tasks([30] * 12, seed=11)


def errors_of_first_output(trained, unseen, **known):
    """Mean squared errors with what is known of the tasks, and with nothing."""
    inputs, outputs, _ = unseen.padded()
    latents = (trained.infer(**known), trained.prior(12))
    means = [trained.predict(inputs, latent)[0] for latent in latents]
    return [np.mean((mean - outputs)[..., 0] ** 2) for mean in means]


def test_transitions_tell_tasks_from_each_other(trained, unseen):
    informed, ignorant = errors_of_first_output(
        trained, unseen, data=TaskArrays(*unseen.padded()), objective="predictive"
    )
    assert informed < 0.3 * ignorant


def test_transitions_help_the_elbo_too(trained, unseen):
    informed, ignorant = errors_of_first_output(
        trained, unseen, data=TaskArrays(*unseen.padded()), objective="elbo"
    )
    assert informed < ignorant


def test_descriptors_tell_tasks_from_each_other(trained, unseen):
    informed, ignorant = errors_of_first_output(trained, unseen, descriptors=unseen.descriptors)
    assert informed < 0.5 * ignorant


def test_search_ends_at_an_optimum(trained, unseen):
    """Searching on, far more patiently, gains nothing worth having."""
    inputs, outputs, mask = unseen.padded()
    scaled = TaskArrays(trained.scaler.inputs(inputs), trained.scaler.outputs(outputs), mask)
    evidence = PredictiveEvidence(trained.dynamics.sharp, scaled)

    def loss(position, tasks):
        mean, log_variance = np.split(position, 2, axis=1)
        variance = np.exp(log_variance)
        known = evidence(mean, variance, tasks)
        value = 0.5 * np.sum(mean**2 + variance - 1.0 - log_variance, axis=1) - known.value
        slope = np.hstack([mean - known.mean, (0.5 - known.variance) * variance - 0.5])
        return value, slope

    latent = trained.infer(data=TaskArrays(inputs, outputs, mask))
    found = np.hstack([latent.mean, np.log(latent.variance)])
    patient, _ = minimise_batch(loss, found, iterations=500, tolerance=1e-9)
    everyone = np.arange(12)
    assert np.all(loss(found, everyone)[0] - loss(patient, everyone)[0] < 0.5)


def test_transitions_of_a_training_task_bring_back_its_latent(trained, ragged_tasks):
    data = TaskArrays(*ragged_tasks.padded())
    latent = trained.infer(data=data, objective="elbo", descriptors=ragged_tasks.descriptors)
    long = ragged_tasks.lengths >= 7
    deviation = np.abs(latent.mean - trained.latent.mean)[long]
    assert np.median(deviation) < 0.3 * trained.latent.mean.std()


def test_more_transitions_make_h_more_certain(trained, unseen):
    inputs, outputs, mask = unseen.padded()
    few, many = (
        trained.infer(data=TaskArrays(inputs[:, :n], outputs[:, :n], mask[:, :n])) for n in (2, 30)
    )
    assert np.exp(np.mean(np.log(many.variance / few.variance))) < 0.5


def exact_posterior(posterior, descriptors):
    """Mean and variance of h under p(h | psi), proportional to p(psi | h) p(h), on a fine grid."""
    axis = np.linspace(-7.0, 7.0, 281)
    h = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    mean, variance = reference.descriptors_at(posterior, h)
    log_prior = -0.5 * np.sum(h**2, axis=1)
    moments = []
    for psi in descriptors:
        weights = softmax(reference.log_normal(psi, mean, variance).sum(axis=1) + log_prior)
        moments.append((weights @ h, weights @ h**2 - (weights @ h) ** 2))
    return LatentPosterior(*(np.array(part) for part in zip(*moments, strict=True)))


def test_descriptor_alone_gives_the_posterior_of_h(trained, unseen):
    latent = trained.infer(descriptors=unseen.descriptors)
    exact = exact_posterior(trained.descriptor, trained.scaler.descriptors(unseen.descriptors))
    assert np.sqrt(np.mean((latent.mean - exact.mean) ** 2 / exact.variance)) < 0.5
    assert np.abs(np.mean(np.log(latent.variance / exact.variance))) < np.log(1.5)


def test_descriptor_of_a_training_task_brings_back_its_latent(trained, ragged_tasks):
    latent = trained.infer(descriptors=ragged_tasks.descriptors)
    error = np.sqrt(np.mean((latent.mean - trained.latent.mean) ** 2))
    assert error < 0.25 * trained.latent.mean.std()


def test_descriptor_and_transitions_together_beat_few_transitions(trained, unseen):
    inputs, outputs, mask = unseen.padded()
    data = TaskArrays(inputs[:, :1], outputs[:, :1], mask[:, :1])
    errors = []
    for descriptors in (None, unseen.descriptors):
        mean, _ = trained.predict(inputs, trained.infer(descriptors=descriptors, data=data))
        errors.append(np.mean((mean - outputs)[..., 0] ** 2))
    assert errors[1] < errors[0]


def test_padding_and_the_company_of_other_tasks_change_nothing(trained, unseen):
    inputs, outputs, mask = unseen.padded()
    mask[3, 8:] = 0.0
    together = trained.infer(data=TaskArrays(inputs, outputs, mask))
    alone = trained.infer(data=TaskArrays(inputs[[3], :8], outputs[[3], :8], mask[[3], :8]))
    assert isinstance(alone, LatentPosterior)
    np.testing.assert_allclose(together.mean[3], alone.mean[0], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(together.variance[3], alone.variance[0], rtol=1e-4)


def test_prior_of_h(trained):
    latent = trained.prior(2)
    np.testing.assert_array_equal(latent.mean, np.zeros((2, 2)))
    np.testing.assert_array_equal(latent.variance, np.ones((2, 2)))


@pytest.mark.parametrize(
    ("dimensions", "number"), [(1, 5), (2, 17), (3, 65), (4, 257), (5, 244), (6, 65), (8, 257)]
)
def test_starts_stay_few_in_many_dimensions(dimensions, number):
    assert latent_starts(np.zeros((3, dimensions))).shape == (number + 3, dimensions)
