"""Deepfield: deep learning for galaxy surveys."""

__version__ = "0.1.0"
