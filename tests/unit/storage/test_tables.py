import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pamlflow.storage import tables

FINITE = st.floats(allow_nan=False, allow_infinity=False)
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=9)


@given(
    values=hnp.arrays(np.float64, 3, elements=FINITE),
    names=st.lists(TEXT, min_size=3, max_size=3),
    numbers=hnp.arrays(np.int64, 3),
)
def test_tables_are_those_that_pandas_writes(values, names, numbers):
    columns = {"strategy": np.array(names, dtype=np.str_), "round": numbers, "value": values}
    expected = pd.DataFrame(columns).to_csv(index=False, lineterminator="\n").encode()
    assert tables.content(columns) == expected


def test_a_table_by_hand():
    columns = {"a": np.array(["x,y", "z"]), "b": np.array([0.1, 1e-05]), "c": np.array([1, 2])}
    assert tables.content(columns) == b'a,b,c\n"x,y",0.1,1\nz,1e-05,2\n'
