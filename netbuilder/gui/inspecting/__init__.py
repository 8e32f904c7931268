"""What is selected: its parameters, shapes, weights and help."""
