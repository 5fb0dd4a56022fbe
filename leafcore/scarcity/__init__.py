"""The scarcity study: thin a dataset, learn from what is left, make pictures, and see whether they help."""
