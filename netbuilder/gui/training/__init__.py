"""The panel of a training: its settings, how it goes, what it shows."""
