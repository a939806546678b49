"""What a written text must hold to before the pool admits it. Pure: a text and its request in, codes out.

Only slots carry facts, so the literal part may state none: no number, colour or material, no promise that no record
backs. The word lists beside this file are wide on purpose; a text lost to them is written again, a false claim is not
taken back.
"""

import re
import tomllib
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from itertools import pairwise

from inference.generate.channels import HEADLINES, NAMED_ELSEWHERE
from inference.generate.grammar import with_grammar
from inference.generate.lexicon import backed_words, entries
from inference.generate.render import compile_text, render
from inference.generate.slots import GRAMMAR, REQUIRED, SLOT, SLOTS
from schemas.errors import Code
from schemas.ports import TextRequest

_FINISHED = (".", "!", "?")
_SIGNS = re.compile(r"[\d%‰$€£¥₹₩¢#½¼¾⅓⅔]")
_WORD = re.compile(r"[a-z]+(?:['’-][a-z]+)*")
# What is set beside itself is a slip: a text that compares names two things.
_COMPARED = re.compile(r"\b([a-z]{4,}),? (?:then|before) (?:the |a |an |your |our )?\1\b(?! [a-z])")
_BRACE = re.compile(r"[{}<>\[\]|]")
# Stands for a slot where the literal part is read, so that words on its two sides never meet.
_GAP = " \x00 "


def codes(slot_text: str, request: TextRequest, *, finished: bool = True) -> tuple[str, ...]:
    """Why a text is not admitted, in a fixed order; empty means admitted.

    `finished` is False where the writer stopped at its limit of tokens. The text is measured as it would stand now.
    """
    return tuple(code.value for code in _codes(slot_text, request, finished=finished))


def _codes(slot_text: str, request: TextRequest, *, finished: bool) -> Iterable[Code]:
    if not slot_text.strip():
        yield Code.COPY_EMPTY
        return
    slots = SLOT.findall(slot_text)
    known = all(slot in GRAMMAR or (slot in SLOTS and request.facts.get(slot)) for slot in slots)
    shown = render(compile_text(slot_text), with_grammar(request.facts)) if known else None
    if shown is not None and len(shown) > request.max_chars:
        yield Code.COPY_TOO_LONG
    if not finished or (request.channel not in HEADLINES and not slot_text.endswith(_FINISHED)):
        yield Code.COPY_UNFINISHED
    if not known or _BRACE.search(SLOT.sub("", slot_text)):
        yield Code.COPY_SLOT_UNKNOWN
    if REQUIRED not in slots and request.channel not in NAMED_ELSEWHERE:
        yield Code.COPY_NAME_MISSING
    if claims(slot_text):
        yield Code.COPY_CLAIM
    if repeats(slot_text):
        yield Code.COPY_REPEATS
    if not has_cta(slot_text, request.cta):
        yield Code.COPY_CTA_MISSING


def claims(slot_text: str) -> tuple[str, ...]:
    """Every number, colour, material and unbacked promise in the literal part, in order of appearance."""
    literal = own_words(slot_text)
    found = [(match.start(), match.group()) for pattern in (_SIGNS, _lexicon()) for match in pattern.finditer(literal)]
    return tuple(word for _, word in sorted(found))


def repeats(slot_text: str) -> bool:
    """Whether a slot stands twice, a word stands beside itself or across a "then" ("the price, then the price"), or a
    sentence is said again.
    """
    slots = [slot for slot in SLOT.findall(slot_text) if slot not in GRAMMAR]
    if len(slots) != len(set(slots)):
        return True
    for stretch in re.split(r"[.!?\x00]", own_words(slot_text)):
        words = _WORD.findall(stretch)
        if any(a == b for a, b in pairwise(words)) or _COMPARED.search(stretch):
            return True
    sentences = [sentence.strip().lower() for sentence in re.split(r"[.!?]+", slot_text) if sentence.strip()]
    return len(sentences) != len(set(sentences))


def has_cta(slot_text: str, cta: str) -> bool:
    """Whether the text calls to what was asked for. A type that has no phrases, or is not known, asks for nothing."""
    pattern = cta_phrases().get(cta)
    return pattern is None or pattern.search(own_words(slot_text)) is not None


def own_words(slot_text: str) -> str:
    """What a text says by itself, in small letters: words that agree in the singular, facts as gaps."""
    return SLOT.sub(_GAP, in_singular(slot_text)).lower()


def in_singular(slot_text: str) -> str:
    """The text with the words that agree with a product in their singular."""
    return SLOT.sub(lambda slot: GRAMMAR.get(slot.group(1), (slot.group(),))[0], slot_text)


def phrases_of(text: str) -> re.Pattern[str]:
    """What finds the words of a list: entries between commas, lines that begin with # being comments."""
    return _phrases(entries(text))


@cache
def _lexicon() -> re.Pattern[str]:
    return _phrases(backed_words())


@cache
def cta_phrases() -> dict[str, re.Pattern[str]]:
    """Kind of call to action -> what finds its phrases in small letters; kinds without phrases are left out."""
    text = files("inference.generate").joinpath("lexicons", "cta.toml").read_text("utf-8")
    return {kind: _phrases(phrases) for kind, phrases in tomllib.loads(text).items() if phrases}


def _phrases(phrases: Iterable[str]) -> re.Pattern[str]:
    # The longest first, so that the match names the whole phrase; a space matches any run of blanks or a hyphen.
    ordered = sorted(set(phrases), key=lambda phrase: (-len(phrase), phrase))
    by_letter: dict[str, list[str]] = {}
    for phrase in ordered:
        by_letter.setdefault(phrase[0], []).append(re.escape(phrase[1:]).replace(r"\ ", r"[\s-]+"))
    # A letter decides at once that none of a thousand words begins here.
    parts = [f"{re.escape(letter)}(?:{'|'.join(rests)})" for letter, rests in sorted(by_letter.items())]
    return re.compile(rf"(?<![a-z])(?:{'|'.join(parts)})(?![a-z])")
