"""The prompt in words, for a model that reads text with a tokenizer of its own.

What the words are stands as data in `prompts/`: for each segment, tone, call to action, sentiment and channel, and for
each category what is worth speaking of there.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from inference.generate.grammar import is_plural, with_grammar
from inference.generate.prompt import ANY, category_word
from inference.generate.slots import GRAMMAR, REQUIRED, SLOTS, offered
from schemas.ports import TextRequest

KINDS = ("segments", "tones", "ctas", "sentiments", "lengths", "channels")
"""What the library has words for, beside categories and codes."""

Categories = Mapping[str, tuple[str, ...]]
_NONE: Categories = MappingProxyType({})
_BRACES = re.compile(r"[{}]")


def text_prompt(request: TextRequest, categories: Categories = _NONE) -> str:
    """The prompt of a request, up to where the text begins. The same request gives the same prompt.

    `categories` maps the library's categories to the words by which a shop's own are recognised, as a bundle holds
    them; without it a category is recognised by its own name alone. A word that the library lacks (a segment of the
    shop's own, say) stands as it was given.
    """
    return "\n".join(_lines(request, categories)) + "\n"


def library(kind: str) -> Mapping[str, str]:
    """The words for one of `KINDS`, for `categories`, or for `avoid` (codes)."""
    return _styles()[kind] if kind in KINDS else _table(kind)


def _lines(request: TextRequest, categories: Categories) -> Iterator[str]:
    yield "Write one marketing text for a product. Slots in braces stand for its facts."
    slots = offered(request.facts, request.max_chars)
    yield "Facts:"
    for slot in SLOTS:
        if slot in slots:
            yield f"{{{slot}}} = {_BRACES.sub('', ' '.join(request.facts[slot].split()))}"
    several = is_plural(request.facts.get(REQUIRED, ""))
    forms = with_grammar({})
    words = ", ".join(f"{{{slot}}} = {GRAMMAR[slot][several]}" for slot in forms if GRAMMAR[slot][several])
    yield f"Agreement: {words}"
    yield f"About: {library('categories')[_category(request.category, categories)]}"
    yield f"Reader: {_said('segments', request.segment)}"
    yield f"Tone: {_said('tones', request.tone)}"
    yield f"Call to action: {_said('ctas', request.cta)}"
    yield f"Mood: {_said('sentiments', request.sentiment)}"
    yield (
        f"Channel: {_said('channels', request.channel)}; at most {request.max_chars} characters with its slots filled, "
        f"{_said('lengths', request.length)}"
    )
    yield "Use a fact only through its slot, each slot once. State nothing else about the product, and no numbers."
    if request.avoid:
        yield f"The last try was not good: {'; '.join(map(_fault, request.avoid))}."
    if request.reference is not None:
        yield f"A text for a similar product: {' '.join(request.reference.split())}"
    yield "Text:"


def _category(category: str, categories: Categories) -> str:
    known = {name: (name, *categories.get(name, ())) for name in library("categories") if name != ANY}
    return category_word(category, known)


def _said(kind: str, word: str) -> str:
    folded = "_".join(word.strip().lower().replace("-", " ").split())
    return library(kind).get(folded) or " ".join(_BRACES.sub("", word).replace("_", " ").split())


def _fault(code: str) -> str:
    return library("avoid").get(code) or code.replace("_", " ")


@cache
def _styles() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = tomllib.loads(_read("styles"))
    return found


@cache
def _table(name: str) -> dict[str, str]:
    found: dict[str, str] = tomllib.loads(_read(name))
    return found


def _read(name: str) -> str:
    return files("inference.generate").joinpath("prompts", f"{name}.toml").read_text("utf-8")
