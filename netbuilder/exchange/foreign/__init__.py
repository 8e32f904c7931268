"""Weights that others saved find their places in a network."""
