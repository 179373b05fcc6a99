"""The reference of the configuration: `python -m pamlflow.configuration.readme` prints config/README.md."""

import json
from collections.abc import Iterator

from pamlflow.acquisition import STRATEGIES
from pamlflow.configuration.validation import entries, expected, schema
from pamlflow.domains import DOMAINS, domain_class
from pamlflow.settings import Settings
from pamlflow.wording import Node, dotted


def markdown() -> str:
    """Return config/README.md: every key with the values it takes, default, unit and meaning."""
    rows = []
    for key, node in entries(schema()):
        default = node.get("default", {})
        cells = (
            f"`{dotted(key)}`",
            expected(node),
            "" if default == {} else f"`{json.dumps(default)}`",
            node.get("x-unit", ""),
            " ".join(filter(None, (node.get("description"), _reason(node)))),
        )
        rows.append(f"| {' | '.join(cells)} |")
    parts = [_STRATEGIES, *_strategy_rows(), _DOMAINS, *_domain_rows()]
    return _README + "\n".join([*rows, *parts]) + "\n"


def _reason(node: Node) -> str:
    """Say as a sentence why `node` has an upper bound."""
    reason = str(node.get("x-limit", ""))
    return f"{reason[:1].upper()}{reason[1:]}." if reason else ""


def _strategy_rows() -> Iterator[str]:
    """A line for each setting of each strategy, and one for a strategy that has none."""
    for name, strategy in STRATEGIES.items():
        needs = ", ".join(f"a {need}" for need in sorted(strategy.needs)) or "nothing"
        yield from _option_rows(name, needs, strategy.settings())


def _domain_rows() -> Iterator[str]:
    """A line for each option of each domain."""
    for name in DOMAINS:
        made = domain_class(name)
        variables = getattr(made, "parameter_variables", ())
        if isinstance(variables, property):  # only an object knows, made with options
            named = "those of its options"
        else:
            named = (
                ", ".join(f"`{it.name}` ({it.unit})" for it in variables) or "those of its tasks"
            )
        yield from _option_rows(name, named, getattr(made, "options", None))


def _option_rows(name: str, fact: str, settings: Settings | None) -> Iterator[str]:
    described = settings.described() if settings else []
    for number, cells in enumerate(described or [("none", "", "")]):
        head = (f"`{name}`", fact) if number == 0 else ("", "")
        yield f"| {' | '.join((*head, *cells))} |"


_README = """\
<!-- Written by `make docs` from pamlflow/configuration/config.schema.yaml. -->
# Configuration

`config.yaml` is the study. A file given with `--configfile`, like `quickstart.yaml`, is laid over
it: mappings are merged, lists and single values replaced. All but what a simulation has to tell is
checked before any job starts, and a key that is misspelt, missing or given twice is named, with its
file and line. Keys with a default may be left out.

- `--configfile` takes all that follows it for files. Name a target before it, or after `--`:
  `snakemake results/cart_pole/summary.csv --configfile mine.yaml`. "No such file or directory" with
  the name of a target, or an error of decoding, says that the target was read as a configuration.
- `--config seed=1` sets a key of the top level. What is nested becomes text there, so
  `--config run.trials=2` and `--config 'run={trials: 2}'` are refused: write `run:` and, below it,
  `trials: 2` into a file for `--configfile`.
- Give either option once, with all of its values: Snakemake reads the last one alone.
- A file is YAML or JSON in UTF-8, one document with keys, indented by spaces. Write 1e-6 as 1.0e-6.

| key | value | default | unit | meaning |
|---|---|---|---|---|
"""

_STRATEGIES = """
## Strategies

`strategies.<name>.options` has these settings:

| strategy | needs | setting | value | default |
|---|---|---|---|---|"""

_DOMAINS = """
## Domains

`space`, `fixed` and `test_grid` name and order these parameters; `options` has these settings. Links and poles
have a mass of 1 kg where it is no parameter. Those of `mjcf`, `recorded` and `gymnasium` are explained in
[From an MJCF file to learning curves](../docs/own_mjcf.md),
[From a folder of CSV files to learning curves](../docs/own_logs.md) and
[From a gymnasium environment to learning curves](../docs/own_environment.md).

| domain | parameters | option | value | default |
|---|---|---|---|---|"""

if __name__ == "__main__":
    print(markdown(), end="")
