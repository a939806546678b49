"""The loss of several aims: cross-entropy with weighed tokens, unlikelihood, weighed examples.

For an example of weight e, with text tokens x_t and the completions C_t of siblings' n-grams at t:

    e * (sum_t (1 + beta [x_t calls to action]) * -log p(x_t)  +  alpha * sum_t sum_{c in C_t} -log(1 - p(c)))

summed over the batch, by the number of its text tokens. With alpha = beta = 0 and e = 1 it is plain cross-entropy. The
second sum is Welleck et al. 2020 (arXiv 1908.04319, eq. 2); a token that is both said and shared settles where
p = 1 / (1 + alpha).
"""

from collections.abc import Sequence
from typing import Any

import torch

from training.objective.config import Loss
from training.objective.marked import Marked
from training.train import collate
from training.tune.course import StepLoss, bent, plain_of

_IGNORED = -100


def loss_for(weights: Loss) -> StepLoss[Marked]:
    """The loss of a batch of marked rows under these weights."""

    def loss(model: Any, batch: Sequence[Marked], pad: int) -> torch.Tensor:
        return marked_loss(model, batch, pad, weights)

    return loss


def marked_loss(model: Any, batch: Sequence[Marked], pad: int, weights: Loss) -> torch.Tensor:
    """The module's formula for one batch, a scalar. Prompts and padding carry none of it."""
    plain = plain_of(model)
    ids, mask, labels = (part.to(plain.device) for part in collate([row.ids for row in batch], pad))
    wanted = labels[:, 1:]
    counted = wanted != _IGNORED
    with torch.autocast(plain.device.type, torch.bfloat16, enabled=plain.device.type == "cuda"):
        logits = _logits(plain, ids, mask, counted).float()
    entropy = torch.nn.functional.cross_entropy(logits, wanted[counted], reduction="none")
    # Text tokens stand one row behind the other, so a place is its row's start and its own number.
    said = counted.sum(dim=1)
    starts = (said.cumsum(dim=0) - said).tolist()
    examples = torch.tensor([row.weight for row in batch], device=plain.device)
    tokens = torch.ones_like(entropy)
    calls = [start + place for start, row in zip(starts, batch, strict=True) for place in row.calls]
    tokens[calls] += weights.cta
    total = (examples.repeat_interleave(said) * tokens * entropy).sum()
    if weights.unlikelihood:
        total = total + weights.unlikelihood * _unlikelihood(logits, batch, starts, examples)
    loss: torch.Tensor = total / counted.sum()
    return loss


def _unlikelihood(
    logits: torch.Tensor, batch: Sequence[Marked], starts: Sequence[int], examples: torch.Tensor
) -> torch.Tensor:
    """The sum of -log(1 - p) over all completions, each weighed as its example is."""
    found = [
        (number, start + place, token)
        for number, (start, row) in enumerate(zip(starts, batch, strict=True))
        for place, token in row.unlikely
    ]
    if not found:
        return logits.sum() * 0
    numbers, places, candidates = (torch.tensor(part, device=logits.device) for part in zip(*found, strict=True))
    scores = logits[places]
    # log(1 - p) as what the other tokens have of the whole: exact, and with a gradient, where p is all but 1.
    others = scores.scatter(1, candidates[:, None], -torch.inf).logsumexp(dim=1)
    return (examples[numbers] * (scores.logsumexp(dim=1) - others)).sum()


def _logits(plain: Any, ids: torch.Tensor, mask: torch.Tensor, counted: torch.Tensor) -> torch.Tensor:
    """Scores of the vocabulary where a text token comes next, [tokens, vocabulary]."""
    if bent(plain):
        whole: torch.Tensor = plain(input_ids=ids, attention_mask=mask).logits
        return whole[:, :-1][counted]
    hidden = plain.model(input_ids=ids, attention_mask=mask).last_hidden_state[:, :-1]
    scores: torch.Tensor = plain.lm_head(hidden[counted])
    return scores
