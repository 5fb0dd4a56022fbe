"""Training: one loop, and one file per recipe."""
