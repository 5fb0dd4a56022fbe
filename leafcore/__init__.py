"""Leaf Workbench: the backend behind its pages, its command line and its REST API."""

__version__ = "0.1.0"
