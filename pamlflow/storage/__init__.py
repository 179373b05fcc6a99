"""The HDF5 files of a study: their schemas, their seal, where they belong, and what is wrong with them."""
