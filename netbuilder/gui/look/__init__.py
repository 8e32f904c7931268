"""Colours, icons and small widgets that all of the window is made of."""
