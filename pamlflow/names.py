"""Names that a configuration may use, or may not, and that files and figures bear."""

ORACLE = "oracle"  # trained on the test tasks; it chooses none
INITIAL = "initial"  # the folder of round 00, where it is the same for every strategy
RESERVED = (INITIAL, ORACLE)  # no strategy may have such a name
# Columns of tables that have one for each variable too.
RESERVED_COLUMNS = ("strategy", "trial", "round", "nll", "squared_error")
# The library's own domains, and their parameters: masses in kg and lengths in m.
DOMAIN_PARAMETERS = {
    "cart_pole": ("pole_mass", "pole_length"),
    "pendubot": ("inner_length", "outer_length"),
    "cart_double_pole": ("inner_length", "outer_length"),
}
