"""Names with a meaning in configurations, files and figures."""

ORACLE = "oracle"  # trained on the test tasks; it chooses no tasks
INITIAL = "initial"  # the folder of round 00, which all strategies share
RESERVED = (INITIAL, ORACLE)  # no strategy may have such a name
# Columns of tables that have one for each variable too.
RESERVED_COLUMNS = ("strategy", "trial", "round", "nll", "squared_error")
