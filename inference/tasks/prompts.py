"""A record in words, up to where the answer begins: the instruction, then what seller, shopper and platform say.

All three stand in every prompt (LLaMA-E, arXiv 2308.04913). Facts stand beside their slots, so that an answer can hold
them as slots.
"""

import re
from collections.abc import Iterator, Mapping

from inference.decide.facts import slot_values
from inference.generate.channels import LIMITS
from inference.generate.slots import SLOTS
from inference.generate.text_prompt import Categories, text_prompt
from inference.tasks.records import (
    CALL_CHANNEL,
    NOT_STATED,
    TITLE_CHANNEL,
    Ad,
    Classify,
    Cta,
    Intent,
    Qa,
    Record,
    TitleRewrite,
    stated,
)

LONGEST = 64
"""Words of a description or of a shopper's text that a prompt holds at most; what a product is stands in the first."""

LISTED = 12
"""So many options stand in a prompt. A longer list would fill it, and the answer is chosen among all of them anyway."""

_BRACES = re.compile(r"[{}]")


def prompt_of(record: Record, wording: str, categories: Categories, *, words: int = LONGEST) -> str:
    """The prompt of a record under an instruction. The same arguments give the same prompt.

    `categories` is what `inference.generate.text_prompt.text_prompt` takes; `words` bounds free text.
    """
    if isinstance(record, Ad):
        first, rest = text_prompt(record.request, categories).split("\n", 1)
        return f"{wording or first}\n{rest}"
    return "\n".join([wording, *_lines(record, words), "Answer:"]) + "\n"


def _lines(record: TitleRewrite | Cta | Classify | Intent | Qa, words: int) -> Iterator[str]:
    match record:
        case TitleRewrite():
            yield f"Seller: {_facts(slot_values(record.product))}"
            yield f"Description: {_clip(record.product.description or 'none', words)}"
            yield f"Shopper: searched for: {_clip(record.query, words)}"
            yield f"Platform: a title of at most {LIMITS[TITLE_CHANNEL]} characters with {{NAME}} in it"
        case Cta():
            yield f"Seller: {_facts(slot_values(record.product))}"
            yield "Shopper: any"
            yield f"Platform: a call of the type {record.call}, at most {LIMITS[CALL_CHANNEL]} characters"
        case Classify():
            yield f"Seller: {_clip(record.name, words)}"
            yield f"Description: {_clip(record.description or 'none', words)}"
            yield "Shopper: any"
            yield f"Platform: {_options('categories', record.options)}"
        case Intent():
            yield "Seller: the shop"
            yield f"Shopper: {_clip(record.text, words)}"
            yield f"Platform: {_options('intents', record.options)}"
        case Qa():
            yield f"Seller: {_facts(stated(record.product))}"
            yield f"Shopper: asks: {_clip(record.question, words)}"
            yield f"Platform: a slot of the record, or: {NOT_STATED}"


def _facts(facts: Mapping[str, str]) -> str:
    return "; ".join(f"{{{slot}}} = {_clip(facts[slot], LONGEST)}" for slot in SLOTS if slot in facts)


def _options(kind: str, options: tuple[str, ...]) -> str:
    if len(options) > LISTED:
        return f"the shop's {kind}"
    return f"{kind}: {'; '.join(_clip(option, LONGEST) for option in options)}"


def _clip(text: str, words: int) -> str:
    return _BRACES.sub("", " ".join(text.split()[:words]))
