"""One gesture, one object, one file."""
