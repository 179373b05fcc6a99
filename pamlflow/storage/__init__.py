"""The files of a study: schemas, reading and writing, seals, paths, and remedies for faults."""
