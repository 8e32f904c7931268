"""Networks over several processes: alike everywhere, or in shards (FSDP2, `fully_shard`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from netbuilder.errors import RunError
from netbuilder.training.parallel.distributed import Group

Networks = Mapping[str, nn.Module]


def synchronise(modules: Iterable[nn.Module]) -> None:
    """Give all of these the weights and buffers of the first process."""
    seen: set[int] = set()
    with torch.no_grad():
        for module in modules:
            for tensor in (*module.parameters(), *module.buffers()):
                if id(tensor) not in seen:
                    seen.add(id(tensor))
                    dist.broadcast(tensor.data, src=0)


def batch_norms(networks: Iterable[nn.Module]) -> list[nn.Module]:
    """The layers whose statistics would be those of each process's own share."""
    own = (_BatchNorm,)
    found = (each for network in networks for each in network.modules())
    return [e for e in found if isinstance(e, own) and not isinstance(e, nn.SyncBatchNorm)]


def share_batch_norms(networks: Iterable[nn.Module]) -> None:
    """Let batch normalisation take its statistics over the shares of all processes."""
    for network in networks:
        nn.SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore[no-untyped-call]


def shard(networks: Networks, device: torch.device) -> None:
    """Leave each process a part of every weight; they come together while a network computes.

    `RunError` where networks share weights: each weight can have but one place.
    """
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    owners: dict[int, str] = {}
    for name, network in networks.items():
        for parameter in network.parameters():
            other = owners.setdefault(id(parameter), name)
            if other != name:
                raise RunError(
                    f"'{other}' and '{name}' share weights, which FSDP can't shard.",
                    'Set training.parallel to "ddp".',
                )
    mesh = init_device_mesh(device.type, (dist.get_world_size(),))
    for network in networks.values():
        if any(True for _ in network.parameters()):
            # Always: weights that stayed together after an evaluation would be those of then.
            fully_shard(network, mesh=mesh, reshard_after_forward=True)


def is_sharded(tensors: Iterable[Tensor]) -> bool:
    """Whether any of these is a `DTensor`."""
    # By what it has: importing its class takes longer than most checks of a project.
    return any(hasattr(tensor, "placements") for tensor in tensors)


def whole(value: Any, group: Group) -> Any:
    """The same nested value with the full tensor in place of each shard, on the first process.

    The others take part and get empty tensors: they are not to hold what does not fit.
    """
    match value:
        case Tensor() if is_sharded([value]):
            full = value.full_tensor().detach()  # type: ignore[attr-defined]
            return full.cpu() if group.first else full.new_empty(0)
        case dict():
            return {key: whole(item, group) for key, item in value.items()}
        case list() | tuple():
            return [whole(item, group) for item in value]
    return value


def part_like(target: Tensor, full: Tensor) -> Tensor:
    """A full tensor as `target` is: whole, or this process's shard of it."""
    if not is_sharded([target]):
        return full
    from torch.distributed.tensor import distribute_tensor

    placed: Tensor = distribute_tensor(
        full.to(target.device, target.dtype),
        target.device_mesh,  # type: ignore[attr-defined]
        target.placements,  # type: ignore[attr-defined]
        src_data_rank=None,  # all have read the same
    )
    return placed


def local(tensor: Tensor) -> Tensor:
    """What of a tensor lies in this process; it shares its memory."""
    found: Tensor = tensor.to_local() if is_sharded([tensor]) else tensor  # type: ignore[attr-defined]
    return found


def load(module: nn.Module, saved: Mapping[str, Tensor]) -> None:
    """Put a `state_dict` of whole tensors into a module that may be sharded."""
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            local(tensor).copy_(local(part_like(tensor, saved[name])))


def spread(optimizer: torch.optim.Optimizer) -> None:
    """Bring the states that were loaded whole to the form of their weights."""
    for parameter, state in optimizer.state.items():
        for key, value in state.items():
            fits = isinstance(value, Tensor) and value.shape == parameter.shape
            if fits and is_sharded([parameter]) and not is_sharded([value]):
                state[key] = part_like(parameter, value)
