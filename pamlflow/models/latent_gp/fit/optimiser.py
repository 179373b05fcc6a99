"""L-BFGS on the variables of a model: traced once, with jitter raised if needed and the best state restored."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import numpy as np
import scipy.optimize
import tensorflow as tf

from pamlflow.models.interface import TrainingRecord
from pamlflow.types import BoolArray, FloatArray

LARGEST_JITTER = 1e-4
FAILED_LOSS = 1e12
LOG_EVERY = 25
MEMORY = 30
RELATIVE_TOLERANCE = 1e-9

logger = logging.getLogger(__name__)


class Optimiser:
    """Minimises a scalar TensorFlow closure with SciPy's L-BFGS-B.

    GPflow's wrapper traces the loss again in every call. Training restarts several times, so this class traces
    it once.
    """

    def __init__(
        self,
        loss: Callable[[], tf.Tensor],
        variables: Sequence[tf.Variable],
        jitter: tf.Variable,
        record: TrainingRecord,
    ) -> None:
        """`loss` must depend on all `variables`; `jitter` is the variable that it adds to diagonals."""
        self._variables = tuple(variables)
        self._jitter = jitter
        self._record = record
        shapes = [tuple(variable.shape) for variable in self._variables]
        self._shapes = shapes
        self._splits = np.cumsum([int(np.prod(shape)) for shape in shapes])[:-1]

        @tf.function(autograph=False)  # type: ignore[untyped-decorator]
        def loss_and_gradient() -> tuple[tf.Tensor, tf.Tensor]:
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(self._variables)
                value = loss()
            gradients = tape.gradient(value, self._variables)
            flat = [tf.cast(tf.reshape(gradient, [-1]), tf.float64) for gradient in gradients]
            return value, tf.concat(flat, 0)

        self._loss_and_gradient = loss_and_gradient

    def state(self) -> FloatArray:
        """Return all trainable variables, unconstrained, in one vector."""
        flat = [variable.numpy().ravel() for variable in self._variables]
        return np.concatenate(flat, dtype=np.float64)

    def restore(self, state: FloatArray) -> None:
        """Set the variables to a vector that `state` returned."""
        parts = np.split(state, self._splits)
        for variable, part, shape in zip(self._variables, parts, self._shapes, strict=True):
            variable.assign(part.reshape(shape).astype(variable.dtype.as_numpy_dtype))

    def evaluate(self, state: FloatArray) -> tuple[float, FloatArray]:
        """Return loss and gradient at `state`, or (FAILED_LOSS, 0) if they are not finite."""
        self.restore(state)
        try:
            value, gradient = (part.numpy() for part in self._loss_and_gradient())
        except tf.errors.InvalidArgumentError:  # a Cholesky factorisation failed
            return FAILED_LOSS, np.zeros_like(state)
        if not (np.isfinite(value) and np.all(np.isfinite(gradient))):
            return FAILED_LOSS, np.zeros_like(state)
        return float(value), gradient

    def minimise(
        self, iterations: int, label: str, only: Sequence[tf.Variable] | None = None
    ) -> float:
        """Run up to `iterations` of L-BFGS from the present variables, and return the final loss.

        The variables end at the best state. The loss is infinite if no state had a finite one.

        If a step leads to a loss that is not finite, or no step along the search direction lowers the loss, the
        search restarts from the best state without its memory, for the iterations that are left. If that state
        has no finite loss either, the jitter is raised tenfold.

        Args:
            iterations: the largest number of iterations.
            label: the name of the search in the log and in the record.
            only: the variables to optimise; by default all.
        """
        done = 0
        while done < iterations:
            loss, _ = self.evaluate(self.state())
            if loss >= FAILED_LOSS:
                jitter = 10.0 * float(self._jitter.numpy())
                if jitter > LARGEST_JITTER:
                    self._record.event(f"{label}: no finite bound with the largest jitter")
                    return float("inf")
                self._jitter.assign(jitter)
                self._record.event(f"{label}: jitter raised to {jitter:.0e}")
                continue
            count, broke_down = self._search(iterations, done, label, self._mask(only))
            done += count
            if not broke_down or done >= iterations:
                break
            if count == 0:
                self._record.event(f"{label}: no step from here lowers the loss")
                break
            self._record.event(
                f"{label}: search broke down after {done} iterations, starting again"
            )
        loss, _ = self.evaluate(self.state())
        self._record.event(f"{label}: {done} iterations, bound {-loss:.2f}")
        return loss

    def _mask(self, only: Sequence[tf.Variable] | None) -> BoolArray:
        """Return which entries of the state belong to the variables `only`, or to any."""
        moving = {variable.ref() for variable in (self._variables if only is None else only)}
        parts = [
            np.full(int(np.prod(shape)), variable.ref() in moving)
            for variable, shape in zip(self._variables, self._shapes, strict=True)
        ]
        return np.concatenate(parts)

    def _search(self, iterations: int, done: int, label: str, free: BoolArray) -> tuple[int, bool]:
        """Run L-BFGS once on the `free` entries; return its number of iterations, and whether it broke down."""
        best_loss, best_state = np.inf, self.state()
        state = best_state.copy()
        count, failed = 0, False

        def fun(moved: FloatArray) -> tuple[float, FloatArray]:
            nonlocal best_loss, best_state, failed
            state[free] = moved
            loss, gradient = self.evaluate(state)
            failed = failed or loss >= FAILED_LOSS
            if loss < best_loss:
                best_loss, best_state = loss, state.copy()
            return loss, gradient[free]

        def callback(_: FloatArray) -> None:
            nonlocal count
            count += 1
            self._record.iteration(-best_loss)
            if (done + count) % LOG_EVERY == 0:
                text = "%s, iteration %d of %d, bound %.2f"
                logger.info(text, label, done + count, iterations, -best_loss)

        _, _, found = scipy.optimize.fmin_l_bfgs_b(
            fun,
            state[free],
            m=MEMORY,
            factr=RELATIVE_TOLERANCE / np.finfo(np.float64).eps,
            maxiter=iterations - done,
            maxfun=2 * iterations,
            callback=callback,
        )
        self.restore(best_state)
        return count, failed or found["task"].startswith("ABNORMAL")
