"""The folder of a run: its events, its lock, what is told to whom follows it."""
