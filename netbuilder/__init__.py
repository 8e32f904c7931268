"""netbuilder: draw, train and ship neural networks."""
