"""Training: a small Llama-style model, first on plain text where there is some, then on pairs of prompt and line."""

import itertools
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from training.pairs import Pair
from training.vocabulary import BOS, EOS, PAD, UNKNOWN

# Labels that the loss leaves out (the convention of torch's cross entropy).
_IGNORED = -100
Row = tuple[list[int], int]
"""Token ids of prompt and text, and how many of them are the prompt."""


@dataclass(frozen=True)
class Shape:
    """The model's size. The default has 4.9 million parameters, 1.0 of them the (tied) vocabulary."""

    hidden: int = 256
    layers: int = 5
    heads: int = 4
    kv_heads: int = 2
    feed_forward: int = 704
    positions: int = 256


@dataclass(frozen=True)
class Course:
    """How long and how fast. `steps` batches of `batch` rows; the rate rises for `warmup` steps and then falls to
    a tenth along a cosine.
    """

    steps: int = 2400
    batch: int = 64
    rate: float = 2e-3
    warmup: int = 100
    weight_decay: float = 0.05
    clip: float = 1.0


Report = Callable[[str, int, float, float], None]
"""Hears of every 50th step: what is learned, the step's number, mean loss since the last call, seconds so far."""


def new_model(tokenizer: Tokenizer, shape: Shape, seed: int) -> LlamaForCausalLM:
    """A model that knows nothing yet."""
    torch.manual_seed(seed)
    return LlamaForCausalLM(config(tokenizer, shape))


def train(
    model: LlamaForCausalLM,
    rows: Callable[[int], Sequence[Row]],
    *,
    what: str,
    pad: int,
    seed: int,
    course: Course,
    report: Report,
) -> None:
    """Train in place. `rows` gives the rows of an epoch by its number."""
    torch.manual_seed(seed)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=course.rate, betas=(0.9, 0.98), weight_decay=course.weight_decay
    )
    model.train()
    began, losses = time.monotonic(), []
    for step, batch in zip(range(course.steps), _batches(rows, course.batch, seed), strict=False):
        for group in optimizer.param_groups:
            group["lr"] = course.rate * _schedule(step, course)
        ids, mask, labels = collate(batch, pad)
        loss = text_loss(model, ids, mask, labels)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), course.clip)
        optimizer.step()
        losses.append(loss.item())
        if (step + 1) % 50 == 0:
            report(what, step + 1, sum(losses) / len(losses), time.monotonic() - began)
            losses.clear()
    model.eval()


def loss_of(model: LlamaForCausalLM, rows: Sequence[Row], pad: int) -> float:
    """Mean cross entropy per token of rows that nothing was learned from."""
    total, tokens = 0.0, 0
    with torch.no_grad():
        for start in range(0, len(rows), 64):
            ids, mask, labels = collate(rows[start : start + 64], pad)
            count = int((labels[:, 1:] != _IGNORED).sum())
            total += text_loss(model, ids, mask, labels).item() * count
            tokens += count
    return total / max(tokens, 1)


def text_loss(model: LlamaForCausalLM, ids: torch.Tensor, mask: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Mean cross entropy of the text's tokens. The vocabulary is only scored where a text token comes next."""
    hidden = model.model(input_ids=ids, attention_mask=mask).last_hidden_state[:, :-1]
    wanted = labels[:, 1:]
    counted = wanted != _IGNORED
    return torch.nn.functional.cross_entropy(model.lm_head(hidden[counted]), wanted[counted])


def config(tokenizer: Tokenizer, shape: Shape) -> LlamaConfig:
    """The model's configuration; the vocabulary is shared by both of its ends."""
    return LlamaConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=shape.hidden,
        intermediate_size=shape.feed_forward,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        max_position_embeddings=shape.positions,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.token_to_id(BOS),
        eos_token_id=tokenizer.token_to_id(EOS),
        pad_token_id=tokenizer.token_to_id(PAD),
    )


def encode(tokenizer: Tokenizer, pair: Pair) -> Row:
    """A pair as token ids: beginning, prompt, text, end."""
    prompt = [tokenizer.token_to_id(BOS), *(tokenizer.token_to_id(token) for token in pair.prompt)]
    text = tokenizer.encode(pair.text, add_special_tokens=False).ids
    return [*prompt, *text, tokenizer.token_to_id(EOS)], len(prompt)


def collate(rows: Sequence[Row], pad: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Ids, mask and labels of a batch, padded on the right; prompt and padding carry no loss."""
    width = max(len(ids) for ids, _ in rows)
    ids = torch.full((len(rows), width), pad)
    mask = torch.zeros((len(rows), width), dtype=torch.long)
    labels = torch.full((len(rows), width), _IGNORED)
    for place, (row, prompt) in enumerate(rows):
        ids[place, : len(row)] = torch.tensor(row)
        mask[place, : len(row)] = 1
        labels[place, prompt : len(row)] = torch.tensor(row[prompt:])
    return ids, mask, labels


def save(model: LlamaForCausalLM, tokenizer: Tokenizer, folder: Path) -> None:
    """Write a checkpoint that transformers and optimum read."""
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token=BOS, eos_token=EOS, pad_token=PAD, unk_token=UNKNOWN
    )
    model.save_pretrained(folder)
    wrapped.save_pretrained(folder)


def plain_row(tokenizer: Tokenizer, text: str) -> Row:
    """Plain text as token ids: beginning, text, end; all of it is learned."""
    ids = tokenizer.encode(text, add_special_tokens=False).ids
    return [tokenizer.token_to_id(BOS), *ids, tokenizer.token_to_id(EOS)], 1


def _batches(rows: Callable[[int], Sequence[Row]], size: int, seed: int) -> Iterator[list[Row]]:
    """Batches of rows of about equal length (less padding), in a seeded order, epoch after epoch."""
    generator = torch.Generator().manual_seed(seed)
    for epoch in itertools.count():
        held = rows(epoch)
        order = torch.randperm(len(held), generator=generator).tolist()
        # Sorting within a window of 16 batches halves the padding and keeps epochs well mixed.
        window = size * 16
        chunks = []
        for start in range(0, len(order), window):
            near = sorted(order[start : start + window], key=lambda place: len(held[place][0]))
            chunks += [near[at : at + size] for at in range(0, len(near), size)]
        for place in torch.randperm(len(chunks), generator=generator).tolist():
            yield [held[row] for row in chunks[place]]


def _schedule(step: int, course: Course) -> float:
    if step < course.warmup:
        return (step + 1) / course.warmup
    done = (step - course.warmup) / max(1, course.steps - course.warmup)
    return 0.1 + 0.45 * (1 + math.cos(math.pi * done))
