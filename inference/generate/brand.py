"""A brand's own rules for its copy, as data: what is banned, what has to be said, how it is punctuated.

Every tenant has a file of its own. `inference.generate.brand_file` reads it.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from msgspec import Meta, Struct

from inference.generate.checks import claims
from inference.generate.findings import Finding
from inference.generate.phrases import phrases, words
from inference.generate.record import Record
from inference.generate.slots import SLOT
from schemas.errors import Code

Phrase = Annotated[str, Meta(min_length=1, max_length=200)]
Marks = Annotated[int, Meta(ge=0)]
Case = Literal["any", "sentence", "title", "lower"]

_SENTENCE = re.compile(r"(?:^|[.!?]\s+)['\"(]*([^\W\d_])")
_SHOUT = re.compile(r"\b[A-Z]{2,}\b")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
# "and", "for", "with" stay small in a title.
_TITLE_CHARS = 5


class BrandRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The rules of one brand; as they come, none.

    `banned` words and phrases stand nowhere in a text, facts included; a text with one that is `sensitive` waits for a
    person where review is on. `required` has for a channel what every text in
    it says; what is missing is put at its end. Punctuation and case are those of the text's own words: a product is
    called what it is called. The cases lower and title are put on a text, sentence is checked. `claims_allowed` are
    claim words that a text may say by itself where the product's record has them. `capitals` are words that may be
    written in capitals throughout.
    """

    banned: tuple[Phrase, ...] = ()
    sensitive: tuple[Phrase, ...] = ()
    required: Mapping[str, tuple[Phrase, ...]] = {}
    forbidden_punctuation: tuple[Phrase, ...] = ()
    max_exclamation_marks: Marks | None = None
    max_question_marks: Marks | None = None
    claims_allowed: tuple[Phrase, ...] = ()
    case: Case = "any"
    capitals: tuple[Phrase, ...] = ("DIY", "OK", "PC", "TV")


def breaches(slot_text: str, shown: str, channel: str, rules: BrandRules) -> tuple[Finding, ...]:
    """What in a text breaks the rules. `shown` is the text with its slots filled."""
    return tuple(Finding(Code.COPY_BRAND, what) for what in _breaches(slot_text, shown, channel, rules))


def sensitive(shown: str, rules: BrandRules) -> tuple[Finding, ...]:
    """The words in a text that a person has to look at; nothing is wrong with them as such."""
    return tuple(
        Finding(Code.COPY_SENSITIVE, f"{phrase!r} is sensitive")
        for phrase in phrases(rules.sensitive).found(words(shown))
    )


def house_style(slot_text: str, channel: str, rules: BrandRules) -> str:
    """The text in the brand's case, and at its end what its channel has to say and it does not."""
    parts = re.split(rf"({SLOT.pattern.replace('(', '(?:')})", slot_text)
    own = "".join(part if place % 2 else _cased(part, rules.case) for place, part in enumerate(parts))
    missing = [phrase for phrase in rules.required.get(channel, ()) if phrase.casefold() not in own.casefold()]
    return " ".join((own, *missing))


def reserved(channel: str, rules: BrandRules) -> int:
    """How many characters `house_style` may add."""
    return sum(1 + len(phrase) for phrase in rules.required.get(channel, ()))


def forgiven(slot_text: str, rules: BrandRules, record: Record) -> bool:
    """Whether every claim of a text's own words is one that the brand allows and the record backs."""
    allowed = {words(phrase) for phrase in rules.claims_allowed}
    found = [words(claim) for claim in claims(slot_text)]
    return bool(found) and all(claim in allowed and record.says(claim) for claim in found)


def _breaches(slot_text: str, shown: str, channel: str, rules: BrandRules) -> Iterator[str]:
    own = SLOT.sub("\x00", slot_text)
    for phrase in phrases(rules.banned).found(words(shown)):
        yield f"{phrase!r} is banned"
    for phrase in rules.required.get(channel, ()):
        if phrase.casefold() not in shown.casefold():
            yield f"{phrase!r} is missing"
    for sign in rules.forbidden_punctuation:
        if sign in own:
            yield f"{sign!r} is forbidden"
    for sign, most in (("!", rules.max_exclamation_marks), ("?", rules.max_question_marks)):
        if most is not None and own.count(sign) > most:
            yield f"{own.count(sign)} of {sign!r} where {most} may stand"
    for phrase in rules.required.get(channel, ()):
        # The brand's own sentence is written as the brand writes it.
        own = own.replace(phrase, "")
    yield from _wrong_case(own, rules)


def _cased(own: str, case: Case) -> str:
    if case == "lower":
        return own.lower()
    return _WORD.sub(lambda word: _titled(word.group()), own) if case == "title" else own


def _titled(word: str) -> str:
    return word[0].upper() + word[1:] if len(word) >= _TITLE_CHARS else word


def _wrong_case(own: str, rules: BrandRules) -> Iterator[str]:
    if rules.case == "lower":
        yield from (f"{word!r} has a capital" for word in _WORD.findall(own) if word != word.lower())
    elif rules.case != "any":
        yield from (f"{word!r} is in capitals" for word in _SHOUT.findall(own) if word not in rules.capitals)
        if any(first.islower() for first in _SENTENCE.findall(own)):
            yield "a sentence begins without a capital"
    if rules.case == "title":
        for word in _WORD.findall(own):
            if len(word) >= _TITLE_CHARS and word[0].islower():
                yield f"{word!r} has no capital"
