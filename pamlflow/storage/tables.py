"""Tables as text (CSV): the same columns give the same bytes."""

import csv
import io
from collections.abc import Mapping

from pamlflow.storage.hdf5 import Array


def content(columns: Mapping[str, Array]) -> bytes:
    """Return columns of equal length as CSV with a header; real numbers keep all digits."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*(column.tolist() for column in columns.values()), strict=True))
    return text.getvalue().encode()
