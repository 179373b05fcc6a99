"""The configuration of a study: reading, checking, defaults, and loading of its parts."""
