"""Every optimizer of torch.optim: its parameters, and what is made of its settings."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from netbuilder.errors import NetbuilderError, ProblemsError
from netbuilder.training.optimisation import optimizers
from netbuilder.training.optimisation.optimizer_settings import LEFT_OUT, OptimizerSettings, kinds
from netbuilder.training.settings import read_step
from tests.training.standins import plan, run
from tests.training.test_resume_settings import words

OURS = kinds(OptimizerSettings)
THEIRS = {
    name: kind
    for name, kind in vars(torch.optim).items()
    if isinstance(kind, type) and issubclass(kind, torch.optim.Optimizer)
    if kind is not torch.optim.Optimizer
}


def settings_of(kind: str, **settings: Any) -> OptimizerSettings:
    return read_step({"optimizer": {"kind": kind, **settings}}).optimizer


def test_there_is_every_optimizer_of_torch() -> None:
    assert set(OURS) == set(THEIRS)


@pytest.mark.parametrize("kind", THEIRS)
def test_parameters_and_defaults_are_those_of_torch(kind: str) -> None:
    theirs = inspect.signature(THEIRS[kind]).parameters
    wanted = {
        name: parameter.default
        for name, parameter in theirs.items()
        if name not in ("params", *LEFT_OUT)
    }
    ours = settings_of(kind).model_dump(exclude={"kind"})
    assert ours == wanted


@pytest.mark.parametrize("kind", OURS)
def test_every_setting_is_explained(kind: str) -> None:
    for name, field in OURS[kind].model_fields.items():
        assert name == "kind" or field.description


def matrices() -> list[nn.Parameter]:
    generator = torch.Generator().manual_seed(3)
    return [nn.Parameter(torch.randn(6, 4, generator=generator)) for _ in range(2)]


def loss_of(weights: list[nn.Parameter]) -> torch.Tensor:
    return sum(((weight - 0.5) ** 2).sum() for weight in weights)  # type: ignore[return-value]


@pytest.mark.parametrize("kind", [kind for kind in OURS if kind != "SparseAdam"])
def test_it_trains_as_torch_does(kind: str) -> None:
    def run(weights: list[nn.Parameter], optimizer: torch.optim.Optimizer) -> None:
        def closure() -> torch.Tensor:
            optimizer.zero_grad()
            loss = loss_of(weights)
            loss.backward()  # type: ignore[no-untyped-call]
            return loss

        for _ in range(5):
            optimizer.step(closure)  # type: ignore[arg-type]

    ours, theirs = matrices(), matrices()
    (optimizer,) = optimizers.make(settings_of(kind), [{"params": ours}])
    run(ours, optimizer)
    run(theirs, THEIRS[kind](theirs))  # type: ignore[call-arg]
    for our, their in zip(ours, theirs, strict=True):
        torch.testing.assert_close(our, their, rtol=1e-5, atol=1e-6)
        assert not torch.equal(our, matrices()[0])


@pytest.mark.parametrize("kind", ["SGD", "Adam", "AdamW", "Adagrad"])
def test_it_is_fused_where_torch_can(kind: str) -> None:
    (optimizer,) = optimizers.make(settings_of(kind), [{"params": matrices()}])
    assert optimizer.param_groups[0]["fused"] is True


def test_groups_have_their_own_rate_and_decay() -> None:
    first, second = matrices()
    own = {"params": [second], "factor": 0.1, "weight_decay": 0.5}
    groups: list[dict[str, Any]] = [{"params": [first]}, own]
    (optimizer,) = optimizers.make(settings_of("AdamW", lr=0.2), groups)
    assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([0.2, 0.02])
    assert [group["weight_decay"] for group in optimizer.param_groups] == [0.01, 0.5]
    assert [group["factor"] for group in optimizer.param_groups] == [1.0, 0.1]


@pytest.mark.parametrize("kind", ["Rprop", "LBFGS", "SparseAdam"])
def test_a_decay_that_an_optimizer_does_not_know_does_no_harm(kind: str) -> None:
    groups = [{"params": matrices(), "weight_decay": 0.5}]
    if kind == "LBFGS":
        with pytest.raises(NetbuilderError, match="alike"):
            optimizers.make(settings_of(kind), groups)
    else:
        optimizers.make(settings_of(kind), groups)


class Words(nn.Module):
    """An embedding, sparse or not, and a head."""

    def __init__(self, sparse: bool) -> None:
        super().__init__()
        self.table = nn.Embedding(7, 4, sparse=sparse)
        self.head = nn.Linear(4, 3)
        self.kernel = nn.Parameter(torch.zeros(2, 2, 2))


def names_in(module: nn.Module, optimizer: torch.optim.Optimizer) -> set[str]:
    inside = {id(p) for group in optimizer.param_groups for p in group["params"]}
    return {name for name, p in module.named_parameters() if id(p) in inside}


def test_muon_takes_the_matrices_that_are_no_embeddings() -> None:
    module = Words(sparse=False)
    muon, adamw = optimizers.make(
        settings_of("Muon", lr=0.02, weight_decay=0.3),
        [{"params": list(module.parameters()), "factor": 0.5}],
        [module],
    )
    assert isinstance(muon, torch.optim.Muon)
    assert isinstance(adamw, torch.optim.AdamW)
    assert names_in(module, muon) == {"head.weight"}
    assert names_in(module, adamw) == {"table.weight", "head.bias", "kernel"}
    for optimizer in (muon, adamw):
        assert optimizer.param_groups[0]["lr"] == pytest.approx(0.01)
        assert optimizer.param_groups[0]["weight_decay"] == 0.3


def test_muon_without_a_matrix_is_adamw() -> None:
    (optimizer,) = optimizers.make(settings_of("Muon"), [{"params": [nn.Parameter(torch.ones(3))]}])
    assert isinstance(optimizer, torch.optim.AdamW)


def test_sparse_adam_takes_the_sparse_weights() -> None:
    module = Words(sparse=True)
    groups = [{"params": list(module.parameters()), "weight_decay": 0.5}]
    sparse, adamw = optimizers.make(settings_of("SparseAdam"), groups, [module])
    assert isinstance(sparse, torch.optim.SparseAdam)
    assert names_in(module, sparse) == {"table.weight"}
    assert names_in(module, adamw) == {"head.weight", "head.bias", "kernel"}
    before = module.table.weight.detach().clone()
    module.head(module.table(torch.tensor([2]))).sum().backward()
    for optimizer in (sparse, adamw):
        optimizer.step()
    changed = (module.table.weight != before).any(dim=1)
    assert changed.tolist() == [False, False, True, False, False, False, False]


@pytest.mark.filterwarnings("ignore:Sparse invariant checks")
@pytest.mark.parametrize("kind", sorted(OURS))
def test_sparse_gradients_are_refused_by_those_that_cannot_take_them(kind: str) -> None:
    module = Words(sparse=True)
    groups = [{"params": list(module.parameters())}]
    if kind not in ("SGD", "Adagrad", "SparseAdam"):
        with pytest.raises(NetbuilderError, match="sparse"):
            optimizers.make(settings_of(kind), groups, [module])
        return
    made = optimizers.make(settings_of(kind), groups, [module])
    module.head(module.table(torch.tensor([2]))).sum().backward()
    for optimizer in made:
        optimizer.step()


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"kind": "SGD", "nesterov": True}, "nesterov needs a momentum"),
        ({"kind": "SGD", "nesterov": True, "momentum": 0.9, "dampening": 0.1}, "dampening"),
        ({"kind": "Rprop", "etas": [1.5, 2.0]}, "etas"),
        ({"kind": "Adafactor", "d": 0.5}, "Adafactor.d"),
        ({"kind": "LBFGS", "line_search_fn": "wolfe"}, "line_search_fn"),
        ({"kind": "SGD", "fused": True}, "fused"),
    ],
)
def test_what_torch_would_refuse_is_refused_at_once(settings: dict[str, Any], text: str) -> None:
    with pytest.raises(NetbuilderError, match=text):
        read_step({"optimizer": settings})


@pytest.mark.parametrize(
    "step",
    [
        {"optimizer": {"kind": "SGD"}, "clip_norm": 1.0},
        {"optimizer": {"kind": "SparseAdam"}, "clip_value": 1.0},
    ],
)
def test_sparse_gradients_are_not_clipped(tmp_path: Path, step: dict[str, Any]) -> None:
    with pytest.raises(ProblemsError, match="can't clip the sparse"):
        run(plan(make=words, step=step), tmp_path / "r")


@pytest.mark.parametrize(
    ("training", "text"), [({"accumulate": 2}, "accumulated"), ({"precision": "fp16"}, "fp16")]
)
def test_lbfgs_looks_at_whole_batches(tmp_path: Path, training: dict[str, Any], text: str) -> None:
    with pytest.raises(ProblemsError, match=text):
        run(plan(optimizer={"kind": "LBFGS"}, **training), tmp_path / "r")


@pytest.mark.parametrize(
    ("step", "text"),
    [
        ({"optimizer": {"kind": "Adam"}}, "Step 'train': Adam can't train an embedding"),
        (
            {
                "optimizer": {"kind": "LBFGS"},
                "parts": [{"part": "main.2", "lr": 0.1}],
            },
            "Step 'train': LBFGS",
        ),
    ],
)
def test_an_optimizer_that_does_not_suit_is_told_before_the_start(
    tmp_path: Path, step: dict[str, Any], text: str
) -> None:
    with pytest.raises(ProblemsError, match=text):
        run(plan(make=words, step=step), tmp_path / "r")
