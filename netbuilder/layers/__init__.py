"""The catalogue: a file a family, a class a layer. Torch only inside strings."""
