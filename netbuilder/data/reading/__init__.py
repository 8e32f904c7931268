"""Files of others, read within limits."""
