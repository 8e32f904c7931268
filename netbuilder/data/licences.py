"""Under which terms the data of built-in sources may be used, where that is stated."""

from __future__ import annotations

from collections.abc import Mapping

_UCI = "CC BY 4.0 (UCI Machine Learning Repository)"
_PYTHON = "PSF License Version 2 (Python's standard library)"
LICENCES: Mapping[str, str] = {
    "netbuilder.BreastCancer": _UCI,
    "netbuilder.CaptionedDigits": _UCI,
    "netbuilder.CodeModules": _PYTHON,
    "netbuilder.CodePairs": _PYTHON,
    "netbuilder.DigitPairs": _UCI,
    "netbuilder.Digits": _UCI,
    "netbuilder.Iris": _UCI,
    "netbuilder.Photographs": "CC BY 2.0 (scikit-learn's sample images)",
    "netbuilder.PythonCode": _PYTHON,
    "netbuilder.TwoPhotographs": "CC BY 2.0 (scikit-learn's sample images)",
    "netbuilder.Wine": _UCI,
}
"""By the id of the source. Data that is made here has none, and of a person's own nothing is known.

UCI states it on the page of each data set, scikit-learn in the folder of its images, Python in
its LICENSE."""
