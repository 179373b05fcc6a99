"""Remedies for missing or faulty files, with commands to paste into a shell."""

import os
import re
import shlex
from collections.abc import Sequence
from pathlib import Path

from pamlflow.storage.places import study_of

LEARNER = "learner.json"
"""The file that marks the folder of a `pamlflow.Learner`."""

SNAKEFILE = Path(__file__).parents[2] / "workflow" / "Snakefile"
"""The workflow, if pamlflow was installed from a copy of its repository."""

_CONFIG = "(add your --configfile, if any)"
_NO_STAGE = "no stage of a study writes a file of this name"


def make(path: Path) -> str:
    """Return how to make a file that does not exist yet."""
    study = study_of(path)
    if study is None:
        return f"{_NO_STAGE}; see `ls {_target(path.parent)}`"
    return f"make it with `{_snakemake(study, _target(path, study))}` {_CONFIG}"


def rebuild(*paths: Path, what: str = "it") -> str:
    """Return how to make files again, with all files made from them.

    Deleting them is not enough: Snakemake does not remake a missing file while files made from it exist.
    """
    if all(map(is_learners_round, paths)):
        names = " ".join(map(_target, paths))
        return f"remove {what} with `rm {names}`, and the learner of the folder makes {what} again"
    studies: dict[Path, list[str]] = {}
    for path in paths:
        if (study := study_of(path)) is not None:
            studies.setdefault(study, []).append(_target(path, study))
    if not studies:
        return f"{_NO_STAGE}: restore {what} from a copy, or move {what} elsewhere"
    commands = [f"`{_snakemake(study, '--forcerun', *names)}`" for study, names in studies.items()]
    return f"rebuild {what} with {' and '.join(commands)} {_CONFIG}"


def rebuild_all(path: Path, rules: Sequence[str]) -> str:
    """Return how to make the outputs of rules again, in the study of `path`."""
    command = _snakemake(study_of(path) or Path.cwd(), "--forcerun", *rules)
    return f"rebuild all such files with `{command}` {_CONFIG}"


def is_learners_round(path: Path) -> bool:
    """Return whether `path` is a round of a learner, which can make it again from its recordings."""
    named = re.fullmatch(r"round_\d+\.h5", path.name)
    return named is not None and is_learners(path.parent)


def is_learners(folder: Path) -> bool:
    """Return whether `folder` belongs to a learner."""
    return os.path.isfile(folder / LEARNER)


def restore(recording: Path) -> str:
    """Return what to do about a recording of a robot, which cannot be made again."""
    name = _target(recording)
    return f"restore {name} from a copy, or move it away and number those after it without a gap"


def recover(temporary: Path) -> str:
    """Return what to do about a hidden file that may hold a whole recording of a robot."""
    text = "open the folder with its Learner, which recovers a recording that is whole"
    return f"{text}; keep the file until {_target(temporary.parent)} has it"


def look_at(path: Path) -> str:
    """Return how to find out why a file cannot be opened."""
    return f"look at it with `ls -ld {_target(path)}`"


def free(folder: Path) -> str:
    """Return how to find out why a folder cannot be written."""
    name = _target(folder)
    return f"see to the folder (`df -h {name}`, `ls -ld {name}`) and start the same command again"


def remove(path: Path) -> str:
    """Return how to remove a file."""
    return f"remove it with `rm {_target(path)}`"


def touch(path: Path) -> str:
    """Return how to give a file the present date; Snakemake then remakes the files made from it."""
    return f"if the clock is right, `touch {_target(path)}` and start the study again"


def for_shell(text: str) -> str:
    """Return `text` as one word for bash, in characters that any terminal shows."""
    if text.isprintable():
        return shlex.quote(text)
    plain = (
        chr(byte) if 32 <= byte < 127 and byte not in b"'\\" else f"\\x{byte:02x}"
        for byte in os.fsencode(text)
    )
    return f"$'{''.join(plain)}'"


def _snakemake(study: Path, *arguments: str) -> str:
    """Return the command that runs the workflow in the folder of a study, from the working folder."""
    words = ["snakemake", "--cores", "all", *arguments]
    has_own = any(map(os.path.isfile, ("Snakefile", "workflow/Snakefile")))
    if os.path.isfile(SNAKEFILE) and not has_own:
        words += ["--snakefile", _target(SNAKEFILE)]
    if study != Path.cwd():
        words += ["--directory", _target(study)]
    return " ".join(words)


def _target(path: Path, folder: Path | None = None) -> str:
    """Return a path relative to a folder, by default the working folder, for_shell for bash."""
    here, absolute = folder or Path.cwd(), Path(os.path.abspath(path))
    name = absolute.relative_to(here) if here in absolute.parents else path
    return for_shell(str(name))
