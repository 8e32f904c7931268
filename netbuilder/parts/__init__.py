"""Modules that PyTorch lacks, as anybody would write them.

A layer whose class variable `part` names one of these classes runs it. The class goes
as it stands into the code of the networks that use it, so it needs nothing but PyTorch
and what stands in its own file, and is formatted for a line of 88 characters.
"""
