"""The canvas: a view of one graph, and the gestures that edit it."""
