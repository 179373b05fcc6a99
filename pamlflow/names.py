"""Names with a meaning in configurations, files and figures."""

ORACLE = "oracle"  # trained on the test tasks; it chooses no tasks
INITIAL = "initial"  # the folder of round 00, which all strategies share
RESERVED = (INITIAL, ORACLE)  # no strategy may have such a name
# Columns of tables that also have a column for each variable.
COLUMNS = ("strategy", "trial", "round", "nll", "squared_error")
# The built-in domains and their parameters: masses in kg and lengths in m.
DOMAINS = {
    "cart_pole": ("pole_mass", "pole_length"),
    "pendubot": ("inner_length", "outer_length"),
    "cart_double_pole": ("inner_length", "outer_length"),
}
