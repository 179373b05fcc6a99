"""Names that a configuration may use, or may not, and that files and figures bear."""

ORACLE = "oracle"  # trained on the test tasks; it chooses none
INITIAL = "initial"  # the folder of round 00, where it is the same for every strategy
RESERVED = (INITIAL, ORACLE)  # no strategy may have such a name
# Columns of tables that have one for each variable too.
RESERVED_COLUMNS = ("strategy", "trial", "round", "nll", "squared_error")
