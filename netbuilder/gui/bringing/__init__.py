"""Data: what is there, what a person brings, what it looks like."""
