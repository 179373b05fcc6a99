"""What was found of the tasks of each experiment, as text and as data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pamlflow.configuration.dimensions import latent_dimensions
from pamlflow.diagnosis import signals
from pamlflow.diagnosis.finding import Finding
from pamlflow.diagnosis.probes import Probe, not_covered
from pamlflow.domains.records import Records
from pamlflow.doubts import GUIDE
from pamlflow.models.latent_gp.settings import too_few
from pamlflow.seeding import job_seed
from pamlflow.settings import is_recorded, world_settings
from pamlflow.tasks import TaskSet
from pamlflow.world import domain_of


@dataclass(frozen=True)
class Report:
    """The findings of an experiment, and how many runs of how many steps they are from."""

    experiment: str
    runs: int
    steps: int
    findings: tuple[Finding, ...]

    def lines(self) -> Iterator[str]:
        """Yield a line for each finding, or one that says that there is none."""
        for finding in self.findings:
            yield f"FOUND {self.experiment}: {finding.kind}: {finding}"
        if not self.findings:
            yield f"ok    {self.experiment} ({self.runs} runs of {self.steps} steps)"

    def to_json(self) -> dict[str, Any]:
        """Return what can be written as JSON."""
        return {
            "experiment": self.experiment,
            "runs": self.runs,
            "steps": self.steps,
            "findings": [finding._asdict() for finding in self.findings],
        }


def summary(reports: list[Report]) -> str:
    """Return how much was found in all, and where the causes are explained."""
    number = sum(len(report.findings) for report in reports)
    if not number:
        return f"nothing found; if curves rise all the same, see {GUIDE}"
    return f"{number} finding{'s' * (number > 1)}; {GUIDE} explains what they do to learning curves"


def examine(config: Mapping[str, Any], experiment: str) -> Report:
    """Run a few tasks of an experiment of a checked configuration, and return what was found.

    Raises ValueError when the domain returns what are no transitions.
    """
    with np.errstate(over="ignore", invalid="ignore"):  # values without bounds are a finding
        return _examined(config, experiment)


def _examined(config: Mapping[str, Any], experiment: str) -> Report:
    section = config["experiments"][experiment]
    if is_recorded(section):
        records = domain_of(world_settings(section))
        assert isinstance(records, Records)
        runs: list[TaskSet] = [records.tasks]
        findings = list(signals.check(records.tasks))
    else:
        seed = job_seed(config["seed"], "check_domain", experiment)
        runs, findings = _simulated(Probe(world_settings(section), seed))
    dimensions = latent_dimensions(config, experiment)
    if dimensions is not None and dimensions < len(section["space"]):
        text, _, remedy = too_few(dimensions, len(section["space"])).rpartition(": ")
        findings.append(Finding("too few dimensions", "", text, remedy))
    lengths = [int(length) for part in runs for length in part.lengths]
    return Report(experiment, len(lengths), max(lengths, default=0), tuple(findings))


def _simulated(probe: Probe) -> tuple[list[TaskSet], list[Finding]]:
    """The runs of a simulator, and the findings, the gravest first."""
    training, test = probe.training_runs(), probe.test_runs()
    runs = [part for part in (training, test) if part is not None]
    findings = [*probe.failed(), *probe.not_repeatable(), *probe.ineffective()]
    if runs:
        findings += signals.check(TaskSet.joined(runs))
    findings += probe.inexact()
    if training is not None and test is not None:
        findings += not_covered(training, test, probe.world.excitation == "per_task")
    return runs, findings
