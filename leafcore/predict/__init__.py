"""Prediction: a trained classifier names the pictures of a folder, of a split, or a single one."""
