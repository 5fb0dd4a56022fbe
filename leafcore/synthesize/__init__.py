"""Synthesis: sources in, synthetic pictures with their provenance out, and the ZIP that carries both away."""
