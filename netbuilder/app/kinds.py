"""The usual kinds of training as projects to begin with: graphs that one then changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from netbuilder.errors import DocumentError

if TYPE_CHECKING:
    from netbuilder.graph.document import Document


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind: what its steps do, in a line, and the template that it begins as."""

    id: str
    title: str
    help: str
    template: str


KINDS = (
    Kind("classification", "Classification", "Tell classes: cross-entropy.", "digits_mlp"),
    Kind("regression", "Regression", "Tell numbers: mean squared error.", "mlp_regression"),
    Kind(
        "reconstruction",
        "Reconstruction",
        "Copy what comes in through a few numbers.",
        "autoencoder",
    ),
    Kind("variational", "Variational", "Encode to clouds, decode samples of them.", "vae"),
    Kind(
        "adversarial", "Adversarial", "A generator against a discriminator: two steps.", "gan_mlp"
    ),
    Kind("denoising", "Denoising", "Diffusion: tell the noise, paint from noise.", "ddpm"),
    Kind("language-model", "Language model", "Foretell the next letter.", "gpt_small"),
    Kind("contrastive", "Contrastive", "Bring pairs together, others apart.", "two_tower"),
    Kind("distillation", "Distillation", "A student learns from a teacher.", "distillation"),
)
"""In the order in which to offer them."""


def begin(id: str) -> Document:
    """A new untitled project of a kind; `DocumentError` if there is none with this id."""
    kind = next((kind for kind in KINDS if kind.id == id), None)
    if kind is None:
        known = ", ".join(kind.id for kind in KINDS)
        raise DocumentError(f"There is no kind of project '{id}'.", f"There are: {known}.")
    # Who only lists the kinds does without the catalogue.
    from netbuilder.app import templates
    from netbuilder.graph import edits
    from netbuilder.graph.history import History

    document = templates.open_template(kind.template)
    edits.set_project(History(document), title="Untitled", description="", about={})
    return document
