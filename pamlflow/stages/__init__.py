"""The jobs of the workflow: each takes files and plain values, and writes files."""
