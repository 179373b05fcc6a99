"""The HDF5 schemas, declared once: the same rows drive write, check, show and data/README.md.

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
tasks/parameters        [N, D]       float64  tasks/parameter_units   the truth; models never see it
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
context/order  [S]  int64  1  for each task its own steps, shuffled: contexts are heads of this
""")

_POOL = rows_of("""
pool/descriptors       [C, ..., R]  float64  pool/descriptor_units  what a trial sees of the candidates
pool/parameters        [C, D]       float64  pool/parameter_units   the truth; models never see it
pool/renderer          []           string   -                      what drew the pictures, or none
pool/descriptor_names  [R]          string   -                      descriptor variables
pool/descriptor_units  [R]          string   -                      their units
pool/parameter_names   [D]          string   -                      simulator parameters
pool/parameter_units   [D]          string   -                      their units
""")

_POOL_ROWS = rows_of(
    """
pool/rows  [N]  int64  1  row of the pool that each task is
""",
    optional=True,
)

_DESIGN = rows_of("""
design/latin_hypercube   [B, R]  float64  design/descriptor_units  descriptors in order of use
design/descriptor_names  [R]     string   -                        descriptor variables
design/descriptor_units  [R]     string   -                        their units
""")

_ROUND = rows_of("""
round                    []      int64    1                       tasks chosen; they come last
training/bound           [I]     float64  nat                     objective at each iteration, of all searches
training/events          [V]     string   -                       starts, jitter, what was restored
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
protocols              [L]           string   -    how much of a test task the model saw
coverage_levels        [J]           float64  1    nominal coverage of the central intervals
nll                    [A, L, N]     float64  nat  mean of -log p(y) of a transition, all outputs
squared_error          [A, L, N]     float64  1    mean of the squared error, summed over outputs
coverage               [A, L, J, N]  float64  1    share of the outputs inside the interval
trivial/nll            [L, N]        float64  nat  the nll of the mean and variance of all outputs
trivial/squared_error  [L, N]        float64  1    the squared_error of the mean of all outputs
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
            meaning="the tasks a trial starts from, whatever the strategy",
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
            meaning="the tasks that a trial can choose from, all of them seen from the start",
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

Generated by `python -m pamlflow.storage.schemas > data/README.md`. Look into a file with `pamlflow show
FILE`, check files with `pamlflow check FILE...`; a file that departs from its schema is refused.

Every file has the root attributes `schema`, `schema_version`, `pamlflow_version`, `seed`, `config`
(JSON, the parameters used, and of a round or scores the version of training or evaluation) and
`parents` (JSON, the SHA-256 of each file it was made from, named relative to its own folder), and
every dataset the attributes `dims`, `units` and `description`.
Floats are finite and of 64 bits. `*` stands for any names, `...` for any number of axes and `[]` for a
scalar; units `1` are pure numbers, `-` is text, and a path names the dataset with the units of the
last axis. Descriptors are numbers `[N, R]` or pictures `[N, H, W, R]` of values from 0 to 1, which are
compressed. Datasets of one group that are marked *optional* come together or not at all. A round has
the rows of the kind of model that its `config` names; those below are of `latent_gp`.

The first 512 bytes, which HDF5 leaves to the user, are the seal: a line of text with the SHA-256 and
the size of all that follows. A file that was cut or changed, or lost its seal, is refused before HDF5
reads it. Of what it declares no more is read than it stores, and 2 GiB at most: links, other names of
the same object, and data in other files are refused.

## Checking a study

`pamlflow check results`, in any folder, walks a whole study and all files it was made from: it compares
each file with its schema, its seal and its name, its parents with the SHA-256 recorded of them, the
tasks of a round with those of the round before, the trials of an experiment with each other, and each
table with the summary that holds the same rows. What is missing, damaged, inconsistent or dated ahead
of the clock is a line with the command that rebuilds it, the last line sums up, and the exit status is
1 if there is anything. A file that none of its successors was made from is rebuilt itself, so that what
it says does not spread to them. What a Snakemake that is still running is to make is no fault. The check
does not know the configuration: what was never begun, or not since the configuration changed,
`snakemake --dry-run` tells.
"""


def readme() -> str:
    """Data/README.md: every schema as a table, and the symbols."""
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
