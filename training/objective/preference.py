"""Pairs of a better and a worse text for a prompt, of which a model learns what is preferred."""

from collections.abc import Iterable
from pathlib import Path

import msgspec
from msgspec import Struct

from training.objective.reward import pair
from training.objective.sampling import Said
from training.objective.scored import Scored


class Preferred(Struct, frozen=True, kw_only=True):
    """One pair as token ids and as text. `rejected_codes` are why the worse was not admitted, if it was not."""

    prompt: list[int]
    chosen: list[int]
    rejected: list[int]
    product_id: str
    chosen_text: str
    rejected_text: str
    chosen_reward: float
    rejected_reward: float | None
    rejected_codes: tuple[str, ...]


def preferred(found: Iterable[Scored], eos: int, least_gap: float) -> list[Preferred]:
    """One pair for each prompt that has one."""
    pairs = []
    for each in found:
        chosen = pair([said.text for said in each.said], each.rewards, least_gap)
        if chosen is None:
            continue
        better, worse = chosen
        most = each.rewards[better]
        assert most is not None
        pairs.append(
            Preferred(
                prompt=each.prompt,
                chosen=_ended(each.said[better], eos),
                rejected=_ended(each.said[worse], eos),
                product_id=each.row.product.product_id,
                chosen_text=each.said[better].text,
                rejected_text=each.said[worse].text,
                chosen_reward=most,
                rejected_reward=each.rewards[worse],
                rejected_codes=each.codes[worse],
            )
        )
    return pairs


def write_pairs(path: Path, pairs: Iterable[Preferred]) -> None:
    """JSON lines; the file is there as a whole or not at all."""
    part = path.with_suffix(".part")
    part.write_bytes(b"".join(msgspec.json.encode(each) + b"\n" for each in pairs))
    part.replace(path)


def read_pairs(path: Path) -> list[Preferred]:
    """What `write_pairs` wrote."""
    return [msgspec.json.decode(line, type=Preferred) for line in path.read_bytes().splitlines()]


def _ended(said: Said, eos: int) -> list[int]:
    return [*said.tokens, *([eos] if said.finished else [])]
