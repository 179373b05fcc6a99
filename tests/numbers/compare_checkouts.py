"""Whether two checkouts compute the same numbers: `python tests/numbers/compare_checkouts.py OLD NEW`.

Each runs the same small study (study.yaml, and stochastic.yaml laid over it) and the docs' example of a
robot's learner, with its own code and in a folder of its own. Every dataset that both have must be the same
to the last bit. Use it before and after a change that is to change no number; it takes a few minutes.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np

HERE = Path(__file__).parent
RUNS = {"collapsed": ["study.yaml"], "stochastic": ["study.yaml", "stochastic.yaml"]}
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")


def run(checkout: Path, folder: Path) -> None:
    """Run the studies and the robot with the code of `checkout` in `folder`."""
    examples = checkout / "docs" / "examples"
    environment = {**os.environ, **dict.fromkeys((*THREADS, "TF_NUM_INTEROP_THREADS"), "1")}
    environment |= {"PYTHONPATH": os.pathsep.join([str(checkout), str(examples)])}
    for name, overlays in RUNS.items():
        snakefile = checkout / "workflow" / "Snakefile"
        (folder / name).mkdir(parents=True)
        command = [sys.executable, "-m", "snakemake", "--cores", "2", "--snakefile", snakefile]
        configs = [HERE / overlay for overlay in overlays]
        command += ["--directory", folder / name, "--configfile", *configs]
        subprocess.run(command, check=True, env=environment, cwd=folder / name)
    command = [sys.executable, examples / "robot.py", folder / "robot"]
    subprocess.run(command, check=True, env=environment, cwd=folder)


def differences(old: Path, new: Path) -> Iterator[str]:
    """Name every file that one folder lacks, and every dataset of both that is not the same."""
    files = [{path.relative_to(root) for path in root.rglob("*.h5")} for root in (old, new)]
    yield from (f"{path}: in one folder only" for path in sorted(files[0] ^ files[1]))
    for path in sorted(files[0] & files[1]):
        ours, theirs = _datasets(old / path), _datasets(new / path)
        for name in sorted(ours.keys() & theirs.keys()):
            if not np.array_equal(ours[name], theirs[name]):
                yield f"{path}: {name}: {_distance(ours[name], theirs[name])}"
        for name in sorted(ours.keys() ^ theirs.keys()):
            print(f"note: {path}: {name} is in one of them only")


def _datasets(path: Path) -> dict[str, np.ndarray]:
    datasets: dict[str, np.ndarray] = {}
    with h5py.File(path) as file:
        file.visititems(
            lambda name, item: (
                datasets.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None
            )
        )
    return datasets


def _distance(ours: np.ndarray, theirs: np.ndarray) -> str:
    if np.shape(ours) != np.shape(theirs):
        return f"shapes {np.shape(ours)} and {np.shape(theirs)}"
    if np.asarray(ours).dtype.kind != "f":
        return "different"
    return f"largest difference {np.max(np.abs(ours - theirs)):.3g}"


def main() -> None:
    """Run both checkouts, or look at two folders that such runs have left, and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("old", type=Path, help="a checkout, or a folder that --keep has filled")
    parser.add_argument("new", type=Path)
    parser.add_argument(
        "--keep", type=Path, help="where the files go; a temporary folder if not given"
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folders = []
        for side, checkout in (("old", arguments.old), ("new", arguments.new)):
            folder = (arguments.keep or Path(temporary)).absolute() / side
            if (checkout / "workflow").is_dir():
                run(checkout.absolute(), folder)
            else:
                folder = checkout
            folders.append(folder)
        found = list(differences(*folders))
    print("\n".join(found) or "all datasets are the same")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
