"""Domains of a swinging mass, each with one fault that `pamlflow check-domain` is to find."""

import numpy as np

from pamlflow.domains.base import Excitation, SimulationError, Transitions, state_transitions
from pamlflow.tasks import Variable


class Swing:
    """A mass on a spring, exact within each step, pushed by a force that is held; nothing is wrong with it."""

    parameter_variables = (Variable("stiffness", "N/m"), Variable("gain", "1"))
    input_variables = (
        Variable("position", "m"),
        Variable("velocity", "m/s"),
        Variable("force", "N"),
    )
    output_variables = (Variable("position_change", "m"), Variable("velocity_change", "m/s"))
    angles = ()
    hold = 10

    def __init__(self, steps=100, time_step=0.05, substeps=1, initial_noise=0.05):
        self.steps, self.time_step = steps, time_step

    def draw_excitation(self, rng):
        forces = rng.uniform(-1.0, 1.0, size=(self.steps // self.hold + 1, 1))
        controls = np.repeat(forces, self.hold, axis=0)[: self.steps]
        return Excitation(controls, rng.uniform(-1.0, 1.0, size=2))

    def states(self, parameters, excitation):
        stiffness, gain = parameters
        frequency = np.sqrt(stiffness)
        turn = np.exp(-1j * frequency * self.time_step)
        states = [excitation.initial_state]
        for (force,) in excitation.controls:
            rest = gain * force / stiffness
            position, velocity = states[-1]
            moved = (
                turn * (position - rest + 1j * velocity / frequency) * np.exp(-0.1 * self.time_step)
            )
            states.append(np.array([rest + moved.real, frequency * moved.imag]))
        return np.array(states)

    def run(self, parameters, excitation):
        states = self.states(parameters, excitation)
        return state_transitions(states, excitation.controls, self.angles)


class IdleGain(Swing):
    """The second parameter changes nothing."""

    def states(self, parameters, excitation):
        return super().states(np.array([parameters[0], 1.0]), excitation)


class WeakGain(Swing):
    """The second parameter changes next to nothing."""

    def states(self, parameters, excitation):
        return super().states(np.array([parameters[0], 1.0 + 1e-4 * parameters[1]]), excitation)


class Stuck(Swing):
    """The second output never varies."""

    def run(self, parameters, excitation):
        inputs, outputs = super().run(parameters, excitation)
        return Transitions(inputs, outputs * [1.0, 0.0])


class Diverges(Swing):
    """Stiff tasks grow until no number is finite."""

    def states(self, parameters, excitation):
        states = super().states(parameters, excitation)
        growth = 1e5 if parameters[0] > 3.5 else 1.0
        with np.errstate(over="ignore"):
            return states * growth ** np.arange(len(states))[:, None]


class Grows(Diverges):
    """Stiff tasks grow a thousandfold, and stay finite."""

    def states(self, parameters, excitation):
        states = Swing.states(self, parameters, excitation)
        return states * (1.2 if parameters[0] > 3.5 else 1.0) ** np.arange(len(states))[:, None]


class GrowsFar(Grows):
    """Stiff tasks grow until the square of a number is not finite."""

    def states(self, parameters, excitation):
        states = Swing.states(self, parameters, excitation)
        return states * (80.0 if parameters[0] > 3.5 else 1.0) ** np.arange(len(states))[:, None]


class Glitch(Swing):
    """A single value is a hundred times too large."""

    def run(self, parameters, excitation):
        inputs, outputs = super().run(parameters, excitation)
        outputs[30, 0] += 1e3 if parameters[0] > 3.5 and parameters[1] > 1.5 else 0.0
        return Transitions(inputs, outputs)


class Wraps(Swing):
    """An angle that is driven round and round, wrapped to half a turn, in `unit`."""

    turn, unit = 2.0 * np.pi, "rad"
    input_variables = (Variable("angle", "rad"), Variable("force", "N"))
    output_variables = (Variable("angle_change", "rad"),)

    def draw_excitation(self, rng):
        excitation = super().draw_excitation(rng)
        return Excitation(excitation.controls, excitation.initial_state[:1])

    def wound(self, parameters, excitation):
        rates = parameters[0] + parameters[1] * excitation.controls[:, 0]
        change = self.turn / 6.0 * self.time_step * rates
        return np.concatenate([excitation.initial_state, change]).cumsum()[:, None]

    def states(self, parameters, excitation):
        wound = self.wound(parameters, excitation)
        return (wound + self.turn / 2.0) % self.turn - self.turn / 2.0


class WrapsInDegrees(Wraps):
    """The same in degrees."""

    turn = 360.0
    input_variables = (Variable("angle", "deg"), Variable("force", "N"))
    output_variables = (Variable("angle_change", "deg"),)


class Winds(Wraps):
    """The angle goes on beyond a turn, as a plain number."""

    def states(self, parameters, excitation):
        return self.wound(parameters, excitation)


class Round(Winds):
    """The angle is given as cosine and sine: nothing is wrong with it."""

    input_variables = (
        Variable("cos_angle", "1"),
        Variable("sin_angle", "1"),
        Variable("force", "N"),
    )
    angles = (0,)


class Coarse(Swing):
    """The step is a third of a period."""

    def __init__(self, steps=100, time_step=0.05, substeps=1, initial_noise=0.05):
        super().__init__(steps, time_step * 26.0)


class Spins(Round):
    """The angle turns by more than a right angle in a step."""

    def wound(self, parameters, excitation):
        return 40.0 * super().wound(parameters, excitation)


class Euler(Swing):
    """Integrated by Euler steps that are far too long."""

    def states(self, parameters, excitation):
        step, (stiffness, gain) = self.time_step * 8.0, parameters
        states = [excitation.initial_state]
        for (force,) in excitation.controls:
            position, velocity = states[-1]
            change = np.array([velocity, gain * force - stiffness * position - 2.0 * velocity])
            states.append(states[-1] + step * change)
        return np.array(states)


class EndsEarly(Swing):
    """Stiff tasks end before their last step."""

    def run(self, parameters, excitation):
        rows = -20 if parameters[0] > 3.5 else None
        return Transitions(*(values[:rows] for values in super().run(parameters, excitation)))


class Fails(Swing):
    """Stiff tasks cannot be run."""

    def run(self, parameters, excitation):
        if parameters[0] > 3.5:
            raise SimulationError("too stiff")
        return super().run(parameters, excitation)


class AllFail(Swing):
    """No task can be run."""

    def run(self, parameters, excitation):
        raise SimulationError("out of order")


class Remembers(Swing):
    """Each run changes those after it."""

    runs = 0

    def run(self, parameters, excitation):
        self.runs += 1
        inputs, outputs = super().run(parameters, excitation)
        return Transitions(inputs, outputs + 1e-9 * self.runs)


class Chance(Swing):
    """Each object has noise of its own."""

    def __init__(self, **simulation):
        super().__init__(**simulation)
        self.offset = 1e-6 * np.random.default_rng().standard_normal()

    def run(self, parameters, excitation):
        inputs, outputs = super().run(parameters, excitation)
        return Transitions(inputs, outputs + self.offset)


class DrawsAtWill(Swing):
    """Excitations come from a generator of its own."""

    def draw_excitation(self, rng):
        return super().draw_excitation(np.random.default_rng())


class Apart(Swing):
    """Each excitation leads somewhere else."""

    hold = 100

    def draw_excitation(self, rng):
        excitation = super().draw_excitation(rng)
        return Excitation(10.0 * excitation.controls, 0.1 * excitation.initial_state)
