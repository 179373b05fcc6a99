"""Names that a configuration may use, or may not, and that files and figures bear."""

DESIGNED = "latin_hypercube"  # the strategy that asks for points of a box
ORACLE = "oracle"
STRATEGIES = ("paml", "uniform", DESIGNED, ORACLE)
SPREADS_NOTHING = ("uniform", DESIGNED)  # those that read no section `acquisition`
INITIAL = "initial"  # the folder of round 00, where it is the same for every strategy
RESERVED = (INITIAL, *STRATEGIES)
# Columns of tables that have one for each variable too.
COLUMNS = ("strategy", "trial", "round", "nll", "squared_error")
# The library's own domains, and their parameters: masses in kg and lengths in m.
DOMAINS = {
    "cart_pole": ("pole_mass", "pole_length"),
    "pendubot": ("inner_length", "outer_length"),
    "cart_double_pole": ("inner_length", "outer_length"),
}
