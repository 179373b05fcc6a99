"""Something about the tasks of an experiment that spoils what is learned from them, and its remedy."""

from typing import NamedTuple


class Finding(NamedTuple):
    """A finding of one of KINDS, about a parameter, a variable or nothing in particular."""

    kind: str
    subject: str
    text: str
    remedy: str

    def __str__(self) -> str:
        """Return what was found, and what to do."""
        return f"{self.text}; {self.remedy}"


KINDS = {
    "fails": "a task cannot be run",
    "ends early": "a run ends before its last step",
    "explodes": "values grow out of all bounds",
    "not repeatable": "the same run gives other numbers",
    "no effect": "a parameter changes nothing, or hardly anything",
    "constant": "an input or an output never varies",
    "outlier": "a single value is far from all others",
    "jumps": "an angle jumps by a whole turn",
    "plain angle": "an angle that turns over is no cosine and sine",
    "aliases": "the time step is too long for the motion",
    "inexact": "half the time step gives another motion",
    "not covered": "other excitations lead to where no training task goes",
    "too few dimensions": "more parameters vary than h has dimensions",
}
"""What each kind of finding is."""
