"""The HDF5 schemas: writing, checking, showing and data/README.md all use these rows.

`python -m pamlflow.storage.schemas` prints data/README.md.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from pamlflow.models import DEFAULT_KIND, KINDS, ModelKind, is_default, kind_of
from pamlflow.rows import SYMBOLS, Row, Schema, rows_of

_TASKS = rows_of("""
tasks/inputs            [S, Dx]      float64  tasks/input_units       dynamics inputs
tasks/outputs           [S, P]       float64  tasks/output_units      state differences
tasks/lengths           [N]          int64    1                       transitions; they sum to S
tasks/descriptors       [N, ..., R]  float64  tasks/descriptor_units  task descriptors
tasks/parameters        [N, D]       float64  tasks/parameter_units   true parameters; models never see them
tasks/input_names       [Dx]         string   -                       input variables
tasks/input_units       [Dx]         string   -                       their units
tasks/output_names      [P]          string   -                       output variables
tasks/output_units      [P]          string   -                       their units
tasks/descriptor_names  [R]          string   -                       descriptor variables
tasks/descriptor_units  [R]          string   -                       their units
tasks/parameter_names   [D]          string   -                       simulator parameters
tasks/parameter_units   [D]          string   -                       their units
""")

_EXCITATION = rows_of(
    """
excitation/controls         [K, U]  float64  domain  controls, the same for every task of the trial
excitation/initial_state    [E]     float64  domain  initial state, the same for every task
excitations/controls        [Y, U]  float64  domain  controls of all excitations, one after another
excitations/steps           [X]     int64    1       control steps of each; they sum to Y
excitations/initial_states  [X, E]  float64  domain  initial state of each
""",
    optional=True,
)

_CONTEXT = rows_of("""
context/order  [S]  int64  1  steps of each task, shuffled; a context is the first k
""")

_POOL = rows_of("""
pool/descriptors       [C, ..., R]  float64  pool/descriptor_units  descriptors of all tasks of the pool
pool/parameters        [C, D]       float64  pool/parameter_units   true parameters; models never see them
pool/renderer          []           string   -                      renderer of the pictures, or none
pool/descriptor_names  [R]          string   -                      descriptor variables
pool/descriptor_units  [R]          string   -                      their units
pool/parameter_names   [D]          string   -                      simulator parameters
pool/parameter_units   [D]          string   -                      their units
""")

_POOL_ROWS = rows_of(
    """
pool/rows  [N]  int64  1  row of each task in the pool
""",
    optional=True,
)

_DESIGN = rows_of("""
design/latin_hypercube   [B, R]  float64  design/descriptor_units  descriptors in order of use
design/descriptor_names  [R]     string   -                        descriptor variables
design/descriptor_units  [R]     string   -                        their units
""")

_ROUND = rows_of("""
round                    []      int64    1                       number of chosen tasks; they come last
training/bound           [I]     float64  nat                     objective after each iteration of all searches
training/events          [V]     string   -                       starts, jitter, searches that broke down
""")

_SELECTION = rows_of(
    """
selection/candidates  [C, ..., R]  float64  tasks/descriptor_units  descriptors of the candidates
selection/utilities   [C]          float64  strategy                utility of each candidate
selection/chosen      []           int64    1                       row of the chosen candidate
""",
    optional=True,
)

_LATENT_SELECTION = rows_of(
    """
selection/latent_mean      [C, Q]  float64  1  mean of q(h), by the round before
selection/latent_variance  [C, Q]  float64  1  variance of q(h) in each dimension
""",
    optional=True,
)


def _round_rows(kind: ModelKind) -> tuple[Row, ...]:
    """The rows of a round whose model is of this kind: candidates have a q(h) where there is an h."""
    selection = _SELECTION + _LATENT_SELECTION * kind.latent
    return _TASKS + _POOL_ROWS + _ROUND + kind.rows + selection


_METRICS = rows_of("""
round                  [A]           int64    1    rounds, in order
num_tasks              [A]           int64    1    training tasks of each round
protocols              [L]           string   -    test protocols
coverage_levels        [J]           float64  1    nominal coverage of the central intervals
nll                    [A, L, N]     float64  nat  mean of -log p(y) per transition, all outputs
squared_error          [A, L, N]     float64  1    mean of the squared error, summed over outputs
coverage               [A, L, J, N]  float64  1    share of the outputs inside the interval
trivial/nll            [L, N]        float64  nat  nll of predicting the mean of the outputs
trivial/squared_error  [L, N]        float64  1    squared error of predicting the mean of the outputs
""")

_SUMMARY = rows_of("""
experiment  [W]  string   -       experiment
strategy    [W]  string   -       strategy
trial       [W]  int64    1       trial
round       [W]  int64    1       round
protocol    [W]  string   -       test protocol
metric      [W]  string   -       metric
value       [W]  float64  metric  its value
""")

SCHEMAS = {
    schema.name: schema
    for schema in (
        Schema(
            name="test_tasks",
            version=1,
            rows=_TASKS + _EXCITATION + _CONTEXT,
            meaning="the tasks on which every strategy of an experiment is scored",
            rules=("simulate_test_tasks",),
            location="data/{experiment}/test_tasks.h5",
        ),
        Schema(
            name="initial_tasks",
            version=1,
            rows=_TASKS + _EXCITATION + _POOL_ROWS,
            meaning="the tasks with which a trial starts, for every strategy",
            rules=("simulate_initial_tasks",),
            location="data/{experiment}/trial_{trial}/initial_tasks.h5",
        ),
        Schema(
            name="design",
            version=1,
            rows=_DESIGN,
            meaning="space-filling descriptors of a trial: Latin hypercubes, one after another",
            rules=("draw_design",),
            location="data/{experiment}/trial_{trial}/design.h5",
        ),
        Schema(
            name="pool",
            version=1,
            rows=_POOL,
            meaning="the tasks that a trial can choose from; it knows all descriptors from the start",
            rules=("draw_pool",),
            location="data/{experiment}/trial_{trial}/pool.h5",
        ),
        Schema(
            name="round",
            version=1,
            rows=_round_rows(KINDS[DEFAULT_KIND]),
            meaning="the state of a trial after `round` acquisitions: tasks, model, selection",
            rules=("train_initial_round", "train_oracle", "acquire_round"),
            location="results/{experiment}/{strategy}/trial_{trial}/round_{round}.h5",
        ),
        Schema(
            name="metrics",
            version=2,
            rows=_METRICS,
            meaning="the scores of every round of a trial, in standard deviations of the test grid",
            rules=("evaluate_trial",),
            location="results/{experiment}/{strategy}/trial_{trial}/metrics.h5",
        ),
        Schema(
            name="summary",
            version=1,
            rows=_SUMMARY,
            meaning="the tidy table of an experiment, column by column",
            rules=("aggregate_metrics",),
            location="results/{experiment}/summary.h5",
        ),
    )
}


def schema_of(name: str, config: Mapping[str, Any]) -> Schema:
    """Return the schema of a file with this `config`: that of a round has the rows of its kind of model.

    Raises ValueError when the kind cannot be loaded.
    """
    schema, model = SCHEMAS[name], config.get("model", {})
    if name != "round" or is_default(model):
        return schema
    return replace(schema, rows=_round_rows(kind_of(model)))


_README = """\
# Files of data/ and results/

Generated by `python -m pamlflow.storage.schemas > data/README.md`. `pamlflow show FILE` prints a file,
and `pamlflow check FILE...` checks files; a file that departs from its schema is refused.

Every file has the root attributes `schema`, `schema_version`, `pamlflow_version`, `seed`, `config`
(JSON: the settings used, and in a round or scores the version of training or evaluation) and `parents`
(JSON: the SHA-256 of each file it was made from, with paths relative to its own folder). Every dataset
has the attributes `dims`, `units` and `description`.
Floats are finite and have 64 bits. `*` stands for any names, `...` for any number of axes and `[]` for a
scalar. The unit `1` marks pure numbers and `-` marks text; a path names the dataset that holds the units
of the last axis. Descriptors are numbers `[N, R]`, or pictures `[N, H, W, R]` with values from 0 to 1,
which are compressed. Datasets of one group that are marked *optional* are all present or all absent. A round
has the rows of the kind of model that its `config` names; those below are of `latent_gp`.

The first 512 bytes, which HDF5 leaves to the user, are the seal: a line of text with the SHA-256 and
the size of all bytes after it. A file that was cut or changed, or has no seal, is refused before HDF5
reads it. A file that declares more data than it stores, or more than 2 GiB, is refused too, and so
are links, further names of the same object, and data in other files.

## Checking a study

`pamlflow check results` works in any folder and checks a whole study with all files that it was made
from. It compares

- each file with its schema, its seal and its name,
- the parents of a file with the SHA-256 recorded for them,
- the tasks of a round with those of the round before,
- the trials of an experiment with each other,
- each table with the summary that holds the same rows.

For each file that is missing, damaged, inconsistent or dated ahead of the clock, it prints a line with
the command that rebuilds the file. The last line sums up, and the exit status is 1 if there is any such
file. If all files made from a file recorded another SHA-256 of it, the file itself is rebuilt, so that
its changed content does not spread. Files that a running Snakemake is still to make are not reported.
The check does not know the configuration: `snakemake --dry-run` lists what was never begun, or not
since the configuration changed.
"""


def readme() -> str:
    """Return the text of `data/README.md`: every schema as a table, and the symbols."""
    parts = [_README]
    for schema in SCHEMAS.values():
        rules = " or ".join(f"`{rule}`" for rule in schema.rules)
        parts.append(
            f"## {schema.name}, version {schema.version}\n\n"
            f"`{schema.location}`, written by {rules}: {schema.meaning}.\n"
            "It MUST contain:\n\n"
            + _markdown(
                ("dataset", "shape", "dtype", "units", "meaning"),
                (
                    (
                        f"`{row.path}`" + " *optional*" * row.optional,
                        row.dims,
                        row.dtype,
                        row.units,
                        row.meaning + f" ({row.values})" * bool(row.values),
                    )
                    for row in schema.rows
                ),
            )
        )
    symbols = _markdown(("letter", "size"), SYMBOLS.items())
    parts.append(f"## Symbols\n\nOne letter is one size in the whole file.\n\n{symbols}")
    return "\n".join(parts)


def _markdown(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    rule = ("---",) * len(head)
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (head, rule, *rows))


if __name__ == "__main__":
    print(readme(), end="")
