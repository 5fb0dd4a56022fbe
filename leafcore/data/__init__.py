"""Datasets: where the pictures are, what they show, who belongs together, and which split they are in."""
