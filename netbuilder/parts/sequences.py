"""Sequences of ids: what comes next, and how a network writes on."""

from __future__ import annotations

import torch
from torch import nn


class NextToken(nn.Module):
    """Parts ids N×T into what a network sees and what stands `shift` further."""

    def __init__(self, shift: int = 1) -> None:
        super().__init__()
        self.shift = shift

    def forward(self, input: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return input[:, : -self.shift], input[:, self.shift :]


class MaskTokens(nn.Module):
    """Hides some ids from a network that is to tell them (Devlin 2019).

    Ids below first_id are never chosen. Of the chosen ones 80 % become mask_id, 10 % an
    id by chance. The target is -100 where nothing was chosen.
    """

    def __init__(
        self, num_ids: int, mask_id: int, first_id: int = 0, probability: float = 0.15
    ) -> None:
        super().__init__()
        self.num_ids = num_ids
        self.mask_id = mask_id
        self.first_id = first_id
        self.probability = probability

    def forward(self, input: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        chance = torch.rand(input.shape, device=input.device)
        chosen = (chance < self.probability) & (input >= self.first_id)
        way = torch.rand(input.shape, device=input.device)
        others = torch.randint_like(input, self.first_id, self.num_ids)
        masked = torch.where(chosen & (way < 0.9), others, input)
        masked = masked.masked_fill(chosen & (way < 0.8), self.mask_id)
        return masked, input.masked_fill(~chosen, -100)


def sample_text(
    network: nn.Module,
    prompt: torch.Tensor,
    count: int = 4,
    length: int = 100,
    temperature: float = 1.0,
    top_k: int = 0,
    context: int = 64,
) -> torch.Tensor:
    """The first prompts with `length` ids more, drawn from a network's scores.

    One by one: the network makes N×T×ids of the last `context` ids. Scores are divided
    by the temperature, 0 takes the largest; `top_k` draws from so many of the largest
    alone, 0 from all (Fan and others 2018).
    """
    training = network.training
    network.eval()
    text = prompt[:count]
    with torch.no_grad():
        for _ in range(length):
            scores = network(text[:, -context:])[:, -1]
            if top_k:
                kept = scores.topk(min(top_k, scores.shape[-1])).values[:, -1:]
                scores = scores.masked_fill(scores < kept, -torch.inf)
            if temperature:
                odds = torch.softmax(scores / temperature, -1)
                chosen = torch.multinomial(odds, 1)
            else:
                chosen = scores.argmax(-1, keepdim=True)
            text = torch.cat((text, chosen), 1)
    network.train(training)
    return text
