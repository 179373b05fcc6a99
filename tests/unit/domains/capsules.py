"""Equations of motion of carts and links, written down independently of MuJoCo.

Angles are zero upright, links are capsules, and each hinge's angle is relative to the link before it.
"""

import numpy as np

RADIUS, GRAVITY = 0.045, 9.81


def inertia(mass, length):
    """Moment of inertia of a capsule about its centre: a cylinder and two half spheres."""
    cylinder, spheres = np.pi * RADIUS**2 * length, 4 / 3 * np.pi * RADIUS**3
    of_cylinder = mass * cylinder / (cylinder + spheres)
    of_spheres = mass - of_cylinder
    return of_cylinder * (3 * RADIUS**2 + length**2) / 12 + of_spheres * (
        2 * RADIUS**2 / 5 + length**2 / 4 + 3 * length * RADIUS / 8
    )


class DoublePendulum:
    """Two links of a mass each on a cart that moves freely, or is held (`cart` is None).

    With absolute angles a = t1 and b = t1 + t2, the centres of mass are at (x + l1 sin a, l1 cos a) and
    (x + L1 sin a + l2 sin b, L1 cos a + l2 cos b), l half of a length L; Lagrange's equations follow.
    """

    def __init__(self, cart, mass, inner, outer):
        self.cart, self.mass, self.inner, self.outer = cart, mass, inner, outer
        self.held = cart is None

    def _matrix(self, a, b):
        """Mass matrix of (x, a, b)."""
        m, first, second = self.mass, self.inner / 2, self.outer / 2
        shoulder = m * first + m * self.inner
        coupling = m * self.inner * second * np.cos(a - b)
        return np.array(
            [
                [(self.cart or 0.0) + 2 * m, shoulder * np.cos(a), m * second * np.cos(b)],
                [
                    shoulder * np.cos(a),
                    inertia(m, self.inner) + m * first**2 + m * self.inner**2,
                    coupling,
                ],
                [m * second * np.cos(b), coupling, inertia(m, self.outer) + m * second**2],
            ]
        )

    def derivative(self, state, control):
        """Time derivative of [x, x', t1, t1', t2, t2'], or without the cart of [t1, t1', t2, t2'].

        The control is a force on the cart, or a torque on the inner hinge.
        """
        x = [0.0, 0.0] if self.held else state[:2]
        t1, w1, t2, w2 = state[-4:]
        a, b, p, q = t1, t1 + t2, w1, w1 + w2
        m, first, second = self.mass, self.inner / 2, self.outer / 2
        shoulder = m * first + m * self.inner
        swing = m * self.inner * second * np.sin(a - b)
        forces = np.array(
            [
                shoulder * np.sin(a) * p**2 + m * second * np.sin(b) * q**2,
                -swing * q**2 + shoulder * GRAVITY * np.sin(a),
                swing * p**2 + m * second * GRAVITY * np.sin(b),
            ]
        )
        if self.held:
            forces[1] += control  # acts on the absolute inner angle alone
            free = slice(1, None)
        else:
            forces[0] += control
            free = slice(None)
        acceleration = np.linalg.solve(self._matrix(a, b)[free, free], forces[free])
        of_t1, of_b = acceleration[-2:]
        angles = [w1, of_t1, w2, of_b - of_t1]
        return angles if self.held else [x[1], acceleration[0], *angles]

    def energy(self, states):
        """Kinetic and potential energy of states [K, E]."""
        energies = []
        for state in states:
            velocity = 0.0 if self.held else state[1]
            t1, w1, t2, w2 = state[-4:]
            a, b = t1, t1 + t2
            rates = np.array([velocity, w1, w1 + w2])
            height = self.inner / 2 * np.cos(a) + self.inner * np.cos(a)
            height += self.outer / 2 * np.cos(b)
            kinetic = rates @ self._matrix(a, b) @ rates / 2
            energies.append(kinetic + self.mass * GRAVITY * height)
        return np.array(energies)
