"""Evaluation: does adding synthetic pictures help a classifier? With intervals, and withheld when something leaked."""
