"""Data that is there without a download: shipped with libraries, or made from a seed."""
