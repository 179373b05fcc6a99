"""What to do about a file that is missing or faulty, with commands to paste where Snakemake runs."""

import re
import shlex
from pathlib import Path

LEARNER = "learner.json"
"""The file that makes a folder one of a `pamlflow.Learner`, of which Snakemake knows nothing."""

_CONFIG = "(add your --configfile, if any)"


def make(path: Path) -> str:
    """How to make a file that no other depends on yet."""
    return f"make it with `snakemake --cores all {_target(path)}` {_CONFIG}"


def rebuild(*targets: Path | str, what: str = "it") -> str:
    """How to make files, or the outputs of rules, and all that follows from them anew.

    Deleting them would not do: Snakemake takes a missing file for finished when its successors
    exist.
    """
    names = " ".join(_target(target) for target in targets)
    if all(isinstance(target, Path) and is_learners_round(target) for target in targets):
        return f"remove {what} with `rm {names}`, and the learner of the folder makes {what} again"
    return f"rebuild {what} with `snakemake --cores all --forcerun {names}` {_CONFIG}"


def is_learners_round(path: Path) -> bool:
    """Whether `path` is a round of a learner, which makes it again from its recordings if need be."""
    named = re.fullmatch(r"round_\d+\.h5", path.name)
    return named is not None and is_learners(path.parent)


def is_learners(folder: Path) -> bool:
    """Whether `folder` is one of a learner."""
    return (folder / LEARNER).is_file()


def restore(recording: Path) -> str:
    """What to do about a recording of a robot, which cannot be made again."""
    name = _target(recording)
    return f"restore {name} from a copy, or move it away and number those after it without a gap"


def recover(folder: Path) -> str:
    """What to do about a hidden file in which the recording of a robot may be whole."""
    text = "open the folder with its Learner, which recovers a recording that is whole"
    return f"{text}; keep the file until {_target(folder)} has it"


def look_at(path: Path) -> str:
    """How to find out why a file cannot be opened."""
    return f"look at it with `ls -ld {_target(path)}`"


def free(folder: Path) -> str:
    """How to find out why nothing can be written to a folder."""
    name = _target(folder)
    return f"see to the folder (`df -h {name}`, `ls -ld {name}`) and start the same command again"


def remove(path: Path) -> str:
    """How to be rid of a file."""
    return f"remove it with `rm {_target(path)}`"


def _target(target: Path | str) -> str:
    """A rule, or a path as one would type it in the folder snakemake runs in."""
    if isinstance(target, Path):
        here, absolute = Path.cwd(), target.absolute()
        target = absolute.relative_to(here) if here in absolute.parents else target
    return shlex.quote(str(target))
