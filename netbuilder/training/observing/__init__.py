"""What is told of a training while it goes: metrics, previews, figures of nodes."""
