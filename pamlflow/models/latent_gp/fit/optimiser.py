"""L-BFGS on the parameters of a model: jitter is raised if needed, and the best state restored."""

from __future__ import annotations

import logging
from typing import Protocol

import numpy as np
import scipy.optimize

from pamlflow.models.interface import TrainingRecord
from pamlflow.types import BoolArray, FloatArray

LARGEST_JITTER = 1e-4
FAILED_LOSS = 1e12
LOG_EVERY = 25
MEMORY = 30
RELATIVE_TOLERANCE = 1e-9

logger = logging.getLogger(__name__)


class Searchable(Protocol):
    """A model as a search sees it: a vector of unconstrained parameters, and a loss to minimise."""

    jitter: float
    """What is added to the diagonals of covariances, relative to their kernel variance."""

    def state(self) -> FloatArray:
        """Return all that a search may move, unconstrained, in one vector."""

    def restore(self, state: FloatArray) -> None:
        """Set the parameters to a vector that `state` returned."""

    def entries(self, *paths: str) -> BoolArray:
        """Return which entries of the state belong to the parameters at `paths`."""

    def loss(self, free: BoolArray) -> tuple[float, FloatArray]:
        """Return loss and gradient at the present parameters; not finite where a factorisation fails.

        The gradient is right in its entries `free`, which alone have moved since the last call with the same.
        """


class Optimiser:
    """Minimises the loss of a model with SciPy's L-BFGS-B."""

    def __init__(self, model: Searchable, record: TrainingRecord) -> None:
        """Searches go to `record`."""
        self._model = model
        self._record = record

    def evaluate(self, state: FloatArray, free: BoolArray) -> tuple[float, FloatArray]:
        """Return loss and gradient at `state`, or (FAILED_LOSS, 0) if they are not finite."""
        # What overflows is not finite, and dealt with here: nobody needs a warning.
        with np.errstate(all="ignore"):
            self._model.restore(state)
            value, gradient = self._model.loss(free)
        if not (np.isfinite(value) and np.all(np.isfinite(gradient[free]))):
            return FAILED_LOSS, np.zeros_like(state)
        return float(value), gradient

    def minimise(self, iterations: int, label: str, free: BoolArray | None = None) -> float:
        """Run up to `iterations` of L-BFGS from the present state, and return the final loss.

        The model ends at the best state. The loss is infinite if no state had a finite one.

        If a step leads to a loss that is not finite, or no step along the search direction lowers the loss, the
        search restarts from the best state without its memory, for the iterations that are left. If that state
        has no finite loss either, the jitter is raised tenfold.

        Args:
            iterations: the largest number of iterations.
            label: the name of the search in the log and in the record.
            free: which entries of the state to optimise; by default all.
        """
        model = self._model
        free = np.ones(model.state().shape, dtype=bool) if free is None else free
        done = 0
        while done < iterations:
            loss, _ = self.evaluate(model.state(), free)
            if loss >= FAILED_LOSS:
                jitter = 10.0 * model.jitter
                if jitter > LARGEST_JITTER:
                    self._record.event(f"{label}: no finite bound with the largest jitter")
                    return float("inf")
                model.jitter = jitter
                self._record.event(f"{label}: jitter raised to {jitter:.0e}")
                continue
            count, broke_down = self._search(iterations, done, label, free)
            done += count
            if not broke_down or done >= iterations:
                break
            if count == 0:
                self._record.event(f"{label}: no step from here lowers the loss")
                break
            self._record.event(
                f"{label}: search broke down after {done} iterations, starting again"
            )
        loss, _ = self.evaluate(model.state(), free)
        self._record.event(f"{label}: {done} iterations, bound {-loss:.2f}")
        return loss

    def _search(self, iterations: int, done: int, label: str, free: BoolArray) -> tuple[int, bool]:
        """Run L-BFGS once on the `free` entries; return its number of iterations, and whether it broke down."""
        best_loss, best_state = np.inf, self._model.state()
        state = best_state.copy()
        count, failed = 0, False

        def fun(moved: FloatArray) -> tuple[float, FloatArray]:
            nonlocal best_loss, best_state, failed
            state[free] = moved
            loss, gradient = self.evaluate(state, free)
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
        self._model.restore(best_state)
        return count, failed or found["task"].startswith("ABNORMAL")
