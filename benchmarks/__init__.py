"""Speed measured side by side: `make bench` runs all, `python -m benchmarks.<name>` one."""
