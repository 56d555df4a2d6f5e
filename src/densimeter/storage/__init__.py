"""A fitted model in one file, and back, without running anything that the file says."""
