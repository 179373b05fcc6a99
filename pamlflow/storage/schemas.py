"""The HDF5 schemas, declared once: the same rows drive write, check, show and data/README.md.

`python -m pamlflow.storage.schemas` prints data/README.md.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, get_args

Dtype = Literal["float64", "int64", "string"]

SYMBOLS = {
    "A": "rounds that were scored",
    "B": "points of the design",
    "C": "candidate tasks: of the pool, or of the newest acquisition",
    "D": "simulator parameters that vary from task to task",
    "Dx": "dynamics inputs: angles as cosine and sine, other state variables, controls",
    "E": "numbers that fix the initial state",
    "I": "iterations of the optimiser",
    "G": "inducing points of the descriptor view",
    "H": "bases of the dynamics posterior: one shared by the outputs, or one each",
    "J": "levels of the central intervals whose coverage is counted",
    "K": "control steps of a task",
    "L": "test protocols",
    "M": "inducing points of the dynamics view",
    "N": "tasks in this file",
    "P": "dynamics outputs: state differences",
    "Q": "latent dimensions",
    "R": "descriptor variables; of pictures, colour channels",
    "S": "transitions of all tasks together, task after task",
    "U": "controls",
    "V": "events of the training",
    "W": "rows of the tidy table",
}
"""What the size letters mean. One letter is one size in the whole file."""


@dataclass(frozen=True)
class Row:
    """One dataset of a schema, or with a path that ends in `/*` any datasets below that group.

    `...` in the shape stands for any number of axes. `units` is `1` for pure numbers, `-` for
    strings, or the path of the dataset that holds the units of the last axis. Optional rows of one
    group come together or not at all.
    """

    path: str
    shape: tuple[str, ...]
    dtype: Dtype
    units: str
    meaning: str
    optional: bool = False

    @property
    def group(self) -> str:
        """The path without its last component."""
        return _group(self.path)

    @property
    def is_open(self) -> bool:
        """Whether the row stands for any datasets, of any shape, below its group."""
        return self.path.endswith("/*")

    @property
    def dims(self) -> str:
        """The shape as it is printed: `[N, Q]`."""
        return f"[{', '.join(self.shape)}]"

    def axes(self, number: int) -> tuple[str, ...] | None:
        """The letter of each of `number` axes, empty where `...` stands; None if they do not fit."""
        if "..." not in self.shape:
            return self.shape if number == len(self.shape) else None
        at, others = self.shape.index("..."), len(self.shape) - 1
        free = ("",) * (number - others)
        return self.shape[:at] + free + self.shape[at + 1 :] if number >= others else None

    def covers(self, path: str) -> bool:
        """Whether the row declares the dataset `path`."""
        return path.startswith(self.path[:-1]) if self.is_open else path == self.path


@dataclass(frozen=True)
class Schema:
    """What a kind of file contains, the Snakemake rules that write it, and where."""

    name: str
    version: int
    rows: tuple[Row, ...]
    meaning: str
    rules: tuple[str, ...]
    location: str

    def row(self, path: str) -> Row | None:
        """The row that declares the dataset `path`, if any."""
        return next((row for row in self.rows if row.covers(path)), None)

    def missing(self, paths: Iterable[str]) -> Iterator[Row]:
        """Rows that must be, but are not, among the datasets `paths`; an open row may be empty."""
        found = set(paths)
        groups = {_group(path) for path in found}
        for row in self.rows:
            required = not row.optional or row.group in groups
            if required and not row.is_open and row.path not in found:
                yield row


def _group(path: str) -> str:
    return path.rpartition("/")[0]


def _rows(table: str, *, optional: bool = False) -> tuple[Row, ...]:
    """The rows of a table with the columns path, shape, dtype, units, meaning."""
    rows = []
    for line in table.strip().splitlines():
        path, dims, dtype, units, meaning = re.split(r" {2,}", line, maxsplit=4)
        shape = tuple(dims.strip("[]").split(", ")) if dims != "[]" else ()
        kind = next(name for name in get_args(Dtype) if name == dtype)
        rows.append(Row(path, shape, kind, units, meaning, optional))
    return tuple(rows)


_TASKS = _rows("""
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

_EXCITATION = _rows("""
excitation/controls       [K, U]  float64  domain  controls, the same for every task of the trial
excitation/initial_state  [E]     float64  domain  initial state, the same for every task
""")

_CONTEXT = _rows("""
context/order  [S]  int64  1  for each task its own steps, shuffled: contexts are heads of this
""")

_POOL = _rows("""
pool/descriptors       [C, ..., R]  float64  pool/descriptor_units  what a trial sees of the candidates
pool/parameters        [C, D]       float64  pool/parameter_units   the truth; models never see it
pool/renderer          []           string   -                      what drew the pictures, or none
pool/descriptor_names  [R]          string   -                      descriptor variables
pool/descriptor_units  [R]          string   -                      their units
pool/parameter_names   [D]          string   -                      simulator parameters
pool/parameter_units   [D]          string   -                      their units
""")

_POOL_ROWS = _rows(
    """
pool/rows  [N]  int64  1  row of the pool that each task is
""",
    optional=True,
)

_DESIGN = _rows("""
design/latin_hypercube   [B, R]  float64  design/descriptor_units  descriptors in order of use
design/descriptor_names  [R]     string   -                        descriptor variables
design/descriptor_units  [R]     string   -                        their units
""")

_ROUND = _rows("""
round                    []      int64    1                       tasks chosen; they come last
latent/mean              [N, Q]  float64  1                       mean of q(h) of each task
latent/variance          [N, Q]  float64  1                       variance of q(h) of each task
parameters/*             [...]   float64  1                       model parameters, by their path
scaler/input_mean        [Dx]    float64  tasks/input_units       zero of the scaled inputs
scaler/input_scale       [Dx]    float64  tasks/input_units       unit of the scaled inputs
scaler/output_mean       [P]     float64  tasks/output_units      zero of the scaled outputs
scaler/output_scale      [P]     float64  tasks/output_units      unit of the scaled outputs: their signals
scaler/descriptor_mean   [R]     float64  tasks/descriptor_units  zero of the scaled descriptors
scaler/descriptor_scale  [R]     float64  tasks/descriptor_units  unit of the scaled descriptors
training/bound           [I]     float64  nat                     objective at each iteration, of all searches
training/events          [V]     string   -                       starts, jitter, what was restored
""")

_DYNAMICS = _rows("""
posterior/dynamics/inducing_inputs   [M, Dx]    float64  1  inducing points: scaled inputs
posterior/dynamics/inducing_latents  [M, Q]     float64  1  inducing points: latent variables
posterior/dynamics/lengthscales_x    [Dx]       float64  1  kernel length-scales of the inputs
posterior/dynamics/lengthscales_h    [Q]        float64  1  kernel length-scales of h
posterior/dynamics/variance          []         float64  1  kernel variance, in units of the signals
posterior/dynamics/weights           [M, P]     float64  1  mean of f is k' weights
posterior/dynamics/basis             [H, M, M]  float64  1  columns onto which k is projected
posterior/dynamics/reduction         [P, M]     float64  1  variance lost along each column
posterior/dynamics/noise             [P]        float64  1  noise variance of a task with h = 0 in the bound
posterior/dynamics/noise_slope       [Q]        float64  1  growth of the log noise variance with h
posterior/dynamics/predictive_noise  [P]        float64  1  noise variance of a task with h = 0 in predictions
""")

_DESCRIPTOR = _rows(
    """
posterior/descriptor/inducing        [G, Q]     float64  1  inducing points: latent variables
posterior/descriptor/lengthscales    [R, Q]     float64  1  kernel length-scales of h
posterior/descriptor/variance        [R]        float64  1  kernel variances
posterior/descriptor/noise           [R]        float64  1  noise variances
posterior/descriptor/slope           [Q, R]     float64  1  linear mean of psi
posterior/descriptor/intercept       [R]        float64  1  constant mean of psi
posterior/descriptor/weights         [R, G]     float64  1  mean of psi is linear + variance k' weights
posterior/descriptor/reduction       [R, G, G]  float64  1  variance lost: variance^2 k' reduction k
posterior/pictures/*                 [...]      float64  1  encoder and decoder of pictures
""",
    optional=True,
)

_SELECTION = _rows(
    """
selection/candidates       [C, ..., R]  float64  tasks/descriptor_units  descriptors of the candidates
selection/utilities        [C]          float64  strategy                utility of each candidate
selection/latent_mean      [C, Q]       float64  1                       mean of q(h), by the round before
selection/latent_variance  [C, Q]       float64  1                       variance of q(h) in each dimension
selection/chosen           []           int64    1                       row of the chosen candidate
""",
    optional=True,
)

_METRICS = _rows("""
round            [A]           int64    1    rounds, in order
num_tasks        [A]           int64    1    training tasks of each round
protocols        [L]           string   -    how much of a test task the model saw
coverage_levels  [J]           float64  1    nominal coverage of the central intervals
nll              [A, L, N]     float64  nat  mean of -log p(y) of a transition, all outputs
squared_error    [A, L, N]     float64  1    mean of the squared error, summed over outputs
coverage         [A, L, J, N]  float64  1    share of the outputs inside the interval
""")

_SUMMARY = _rows("""
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
            meaning="the grid of tasks on which every strategy of an experiment is scored",
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
            rows=_TASKS + _POOL_ROWS + _ROUND + _DYNAMICS + _DESCRIPTOR + _SELECTION,
            meaning="the state of a trial after `round` acquisitions: tasks, model, selection",
            rules=("train_initial_round", "train_oracle", "acquire_round"),
            location="results/{experiment}/{strategy}/trial_{trial}/round_{round}.h5",
        ),
        Schema(
            name="metrics",
            version=1,
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

_README = """\
# Files of data/ and results/

Generated by `python -m pamlflow.storage.schemas > data/README.md`. Look into a file with `pamlflow show
FILE`, check files with `pamlflow check FILE...`; a file that departs from its schema is refused.

Every file has the root attributes `schema`, `schema_version`, `pamlflow_version`, `seed`, `config`
(JSON, the parameters used) and `parents` (JSON, the SHA-256 of each file it was made from, named
relative to its own folder), and every dataset the attributes `dims`, `units` and `description`.
Floats are finite and of 64 bits. `*` stands for any names, `...` for any number of axes and `[]` for a
scalar; units `1` are pure numbers, `-` is text, and a path names the dataset with the units of the
last axis. Descriptors are numbers `[N, R]` or pictures `[N, H, W, R]` of values from 0 to 1, which are
compressed. Datasets of one group that are marked *optional* come together or not at all.

The first 512 bytes, which HDF5 leaves to the user, are the seal: a line of text with the SHA-256 and
the size of all that follows. A file that was cut or changed is refused before HDF5 reads it.

## Checking a study

`pamlflow check results`, in the folder where Snakemake runs, walks a whole study and all files it was
made from: it compares each file with its schema, its seal and its name, its parents with the SHA-256
recorded of them, the tasks of a round with those of the round before, and the trials of an experiment
with each other. What is missing, damaged or inconsistent is a line with the command that rebuilds it,
the last line sums up, and the exit status is 1 if there is anything. It does not know the
configuration: what was never begun, or not since the configuration changed, `snakemake --dry-run` tells.
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
                        row.meaning,
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
