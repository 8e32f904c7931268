"""The graph in words, for the keyboard and for readers of screens."""
