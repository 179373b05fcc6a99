"""Environments of a user, for the domain of gymnasium: a cooling cup, and others that do what tests ask for."""

import gymnasium
import numpy as np


class Cup(gymnasium.Env):
    """A temperature that decays to `surroundings` at the rate that it is made with; heated by two actions."""

    surroundings = 20.0
    settings = {"heat": [1.0, 2.0]}  # noqa: RUF012  # one of the class, which no task may change

    def __init__(self, rate=0.5, ends_after=10**9, forgets=False):
        self.action_space = gymnasium.spaces.Box(-1.0, 1.0, shape=(2,), dtype=np.float64)
        self.observation_space = gymnasium.spaces.Box(-np.inf, np.inf, shape=(1,))
        self.rate, self.ends_after, self.forgets, self.sensors = rate, ends_after, forgets, 3
        self.doubled = 2.0 * rate
        self.state, self.taken = (0.0,), 0

    @property
    def fixed(self):
        return 1.0

    @fixed.setter
    def fixed(self, value):
        pass

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.state, self.taken = (float(self.np_random.uniform(50.0, 90.0)),), 0
        if self.forgets:
            self.surroundings = 20.0
        return np.array(self.state), {}

    def step(self, action):
        assert self.action_space.contains(action), action
        heat = float(np.dot(self.settings["heat"], action))
        change = 0.1 * (self.rate * (self.surroundings - self.state[0]) + heat)
        self.state, self.taken = (self.state[0] + change,), self.taken + 1
        over = self.taken >= self.ends_after
        return np.array(self.state), 0.0, over and not self.forgets, over, {}


gymnasium.register(id="tests/Cup-v0", entry_point=Cup, max_episode_steps=5)


class Vectors(Cup):
    """Takes actions that no number stands for."""

    def __init__(self):
        super().__init__()
        self.action_space = gymnasium.spaces.MultiBinary(3)


class Unbounded(Cup):
    """Takes actions without bounds."""

    def __init__(self):
        super().__init__()
        self.action_space = gymnasium.spaces.Box(-np.inf, np.inf, shape=(1,))


def not_an_environment():
    """Return what is no environment."""
    return object()


def half(steps, controls, rng):
    """A policy: half of the highest control, and then half of the lowest, with a little chance."""
    signs = np.where(np.arange(steps) < steps / 2, 0.5, -0.5)
    return np.repeat(signs[:, None], controls, axis=1) + 0.01 * rng.uniform(size=(steps, controls))


def too_much(steps, controls, rng):
    """A policy that asks for more than the highest control."""
    return np.full((steps, controls), 2.0)
