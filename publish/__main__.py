"""Copy what is small of a finished experiment into docs/study: `python -m publish [EXPERIMENT...]`.

Tables and figures of results/{experiment}, and run.md: the configuration, versions, time and memory of
the run. The overviews, figures and docs/study/README.md, are made anew of all that is published, also
without an EXPERIMENT.
"""

import argparse
import datetime
import importlib.metadata
import platform
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import yaml

from pamlflow import plotting
from pamlflow.configuration.validation import validated
from pamlflow.jobs.usage import machine, usage
from pamlflow.storage import store
from pamlflow.versions import __version__
from publish import verdicts

STUDY = Path(__file__).parents[1] / "docs" / "study"
KINDS = (".csv", ".svg", ".png")
LIBRARIES = ("snakemake", "tensorflow", "gpflow", "numpy", "mujoco-core")


def publish_experiment(
    experiment: str, folder: Path, config: dict[str, object], target: Path
) -> None:
    """Copy the products of `experiment` from the working folder of a run, and describe the run."""
    target.mkdir(parents=True, exist_ok=True)
    for path in sorted((folder / "results" / experiment).iterdir()):
        if path.suffix in KINDS:
            shutil.copyfile(path, target / path.name)
    (target / "run.md").write_text(description(experiment, folder, config))


def description(experiment: str, folder: Path, config: dict[str, object]) -> str:
    """The page run.md."""
    summary = store.read(folder / "results" / experiment / "summary.h5", "summary")
    trials, strategies = summary.config["trials"], summary.config["strategies"]
    ran = {"experiments": [experiment], "strategies": strategies, "trials": len(trials)}
    done = usage(folder / "logs", experiment)
    hours = sum(job.processor for found in done.values() for job in found) / 3600
    memory = max(job.memory for found in done.values() for job in found)
    versions = {name: importlib.metadata.version(name) for name in LIBRARIES}
    software = ", ".join(f"{name} {version}" for name, version in versions.items())
    rows = [
        f"| {rule} | {len(found)} | {sum(job.seconds for job in found) / len(found):.1f} "
        f"| {sum(job.processor for job in found) / 3600:.2f} "
        f"| {max(job.memory for job in found):.0f} |"
        for rule, found in done.items()
    ]
    return "\n".join(
        [
            f"# The run of {experiment}",
            "",
            f"{len(trials)} trials of {', '.join(strategies)}; "
            f"{hours:.1f} hours of processor, at most {memory:.0f} MiB a job.",
            "",
            f"{datetime.date.today().isoformat()}; {machine()}; Python {platform.python_version()}, "
            f"pamlflow {__version__} ({commit(folder)}), {software}.",
            "",
            "| rule | jobs | mean s | hours of processor | peak MiB |",
            "|---|---|---|---|---|",
            *rows,
            "",
            "To repeat it at that commit, save this as `run.yaml`: "
            "`snakemake --cores all --configfile run.yaml`",
            "",
            "```yaml",
            yaml.safe_dump({"run": ran} | config, sort_keys=False, default_flow_style=None).strip(),
            "```",
            "",
        ]
    )


def draw_overviews(experiments: Sequence[str], protocols: Sequence[str]) -> None:
    """Draw the learning curves of those of the `experiments` that are published, in this order."""
    tables = [STUDY / experiment / "summary.csv" for experiment in experiments]
    table = pd.concat([pd.read_csv(path) for path in tables if path.exists()])
    for protocol in protocols:
        plotting.save(plotting.overview(table, protocol), STUDY / f"overview_{protocol}.svg")


def commit(folder: Path) -> str:
    """The commit of the clone that `folder` is, and whether it was changed."""
    command = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--exclude=*"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def main() -> None:
    """Publish the experiments named on the command line, and draw the overviews."""
    parser = argparse.ArgumentParser(prog="python -m publish", description=__doc__)
    parser.add_argument("experiments", nargs="*", metavar="EXPERIMENT")
    parser.add_argument("--directory", type=Path, default=Path())
    parser.add_argument("--configfile", type=Path, default=Path("config/config.yaml"))
    arguments = parser.parse_args()
    config = validated(yaml.safe_load(arguments.configfile.read_text(encoding="utf-8")))
    for experiment in arguments.experiments:
        kept = {
            key: config[key] for key in ("seed", "strategies", "model", "training", "inference")
        }
        kept["experiments"] = {experiment: config["experiments"][experiment]}
        publish_experiment(experiment, arguments.directory, kept, STUDY / experiment)
    draw_overviews(list(config["experiments"]), config["inference"]["protocols"])
    page = verdicts.page(STUDY, list(config["experiments"]))
    (STUDY / "README.md").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
