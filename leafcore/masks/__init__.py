"""Masks: where LFLSeg looks when it says "a whole leaf"."""
