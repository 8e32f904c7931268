"""Two projects beside each other: canvases that move together, and the list of what differs."""
