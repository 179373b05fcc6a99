"""What the jobs of the workflow do: files and plain values in, one file out."""
