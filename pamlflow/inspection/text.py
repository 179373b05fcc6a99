"""Text for a terminal: aligned tables of printable characters."""

import math
from collections.abc import Sequence

HEAD = 10
"""Number of rows of a long table that are printed."""

Cell = str | int | float


def printable(text: str) -> str:
    """Return `text` with unprintable characters, such as ends of lines, escaped."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


def table(names: Sequence[str], rows: Sequence[Sequence[Cell]], title: str = "") -> str:
    """Return aligned columns below an optional title: text left-aligned, numbers right-aligned."""
    cells = zip(*rows, strict=True) if rows else [()] * len(names)
    columns = [_column(*column) for column in zip(names, cells, strict=True)]
    lines = ["  " + "  ".join(line).rstrip() for line in zip(*columns, strict=True)]
    return "\n".join([title, *lines] if title else lines)


def top(title: str, names: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    """Return a table of the first HEAD rows."""
    rest = f"\n  ... and {len(rows) - HEAD} more" if len(rows) > HEAD else ""
    return table(names, rows[:HEAD], title) + rest


def _column(title: str, cells: Sequence[Cell]) -> list[str]:
    """Return the title and the cells of a column at equal width; real numbers have four digits."""
    if any(isinstance(cell, float) for cell in cells):
        finite = [abs(float(cell)) for cell in cells if math.isfinite(float(cell))]
        largest = max(finite, default=0)
        exponent = math.floor(math.log10(largest)) if largest else 0
        form = f".{max(0, 3 - exponent)}f" if -4 < exponent < 7 else ".3e"
        texts = [format(cell, form) for cell in cells]
    else:
        texts = [printable(str(cell)) for cell in cells]
    texts = [printable(title), *texts]
    width = max(map(len, texts))
    is_text = all(isinstance(cell, str) for cell in cells)
    return [text.ljust(width) if is_text else text.rjust(width) for text in texts]
