"""Curves, matrices and legends."""
