"""The Python door; see netbuilder.__init__."""
