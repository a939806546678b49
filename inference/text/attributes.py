"""What a copy text is like, as numbers: the attributes of equation 2, measured without a model.

They are what is commonly measured on headlines and marketing copy: length, calls to action, tone, address, questions,
quotations, numbers, prices and discounts. Nothing here says whether more of one is better; a fitted model does
(`inference.text.conversion`).
"""

import re
from functools import lru_cache

from msgspec import Struct

from inference.generate.checks import cta_phrases, in_singular
from inference.generate.slots import SLOT
from inference.text.ngrams import words
from inference.text.readability import syllables
from inference.text.sentences import sentences
from inference.text.sentiment import polarity

_DISCOUNT = re.compile(r"\{OFF\}|\d\s?(?:%|percent\b)\s?(?:off|less|discount)\b", re.IGNORECASE)
_PRICE = re.compile(r"\{PRICE\}|[$€£¥₹₩]\s?\d|\d\s?(?:[€£¥₹₩]|(?:USD|EUR|GBP|JPY)\b)")
_QUOTED = re.compile(r"[\"“”„«»]|(?<!\w)['‘][^'’]+['’](?!\w)")
_STRESSED = re.compile(r"(?<!\w)[*_]\w|\b[A-Z]{3,}\b")
_DIGIT = re.compile(r"\d")
_NAME = re.compile(r"[\w'’-]+")

# The words of each kind; a text holds the kind where it holds one of them. Closed classes of English, listed whole.
_YOU = frozenset(("you", "your", "yours", "yourself", "yourselves", "you're", "you'll", "you've", "you'd"))
_SPEAKER = frozenset(
    ("i", "me", "my", "mine", "myself", "i'm", "i've", "i'd", "i'll")
    + ("we", "us", "our", "ours", "ourselves", "we're", "we've", "we'd", "we'll")
)
_PERSON = frozenset(
    ("he", "him", "his", "himself", "he's", "he'd", "he'll")
    + ("she", "her", "hers", "herself", "she's", "she'd", "she'll")
)
_POINTS = frozenset(("this", "these", "here", "here's", "that's"))
_ASKS = frozenset(("why", "how", "what", "who", "when", "where", "which"))

# A syllable count takes some 3 us a word, and copy uses the same few thousand words over and over.
_spoken = lru_cache(maxsize=1 << 14)(syllables)


class Attributes(Struct, frozen=True, kw_only=True):
    """The attributes of one text. Shares and switches are 0..1; a switch is 0 or 1.

    `characters` and `words` count a slot as it is written, and as one word. `cta_density` is phrases that call to
    action per word, `cta` the kind that has most of them (a key of lexicons/cta.toml), None where there is none.
    `sentiment` is VADER's compound, -1..1, `sentiment_strength` its size, 0..1. `syllables` are per word and
    `sentence_words` words per sentence: the two parts of Flesch's reading ease, which is linear in them. `word_letters`
    are characters per word. `capitals` is the share of words behind the first that begin with a capital.
    `segment` is for whom the text was written.
    """

    characters: float
    words: float
    word_letters: float
    sentences: float
    sentence_words: float
    syllables: float
    cta_density: float
    sentiment: float
    sentiment_strength: float
    discount: float
    price: float
    digits: float
    digit_first: float
    question: float
    exclamation: float
    quotation: float
    stress: float
    ellipsis: float
    colon: float
    commas: float
    capitals: float
    you: float
    speaker: float
    person: float
    points: float
    asks_first: float
    facts: float
    cta: str | None
    segment: str


NUMBERS = tuple(name for name in Attributes.__struct_fields__ if name not in ("cta", "segment"))
"""The attributes that are numbers, in their order."""


def attributes(text: str, segment: str = "any") -> Attributes:
    """Measure a text, finished or with slots open (`{PRICE}`). A text without words has zeros."""
    shown = in_singular(text)
    literal = SLOT.sub(" ", shown)
    tokens = words(shown)
    # A slot is no word of the writer's, so syllables and calls are those of the rest.
    own = [token for token in tokens if not token.startswith("{")]
    count, spans = max(1, len(tokens)), max(1, len(sentences(shown)))
    held, tone = set(own), polarity(shown)
    small = literal.lower()
    calls = {kind: len(pattern.findall(small)) for kind, pattern in cta_phrases().items()}
    most = max(calls, key=lambda kind: calls[kind])
    names = _NAME.findall(literal)
    return Attributes(
        characters=float(len(shown)),
        words=float(len(tokens)),
        word_letters=sum(map(len, tokens)) / count,
        sentences=float(spans),
        sentence_words=len(tokens) / spans,
        syllables=sum(map(_spoken, own)) / max(1, len(own)),
        cta_density=sum(calls.values()) / count,
        sentiment=tone,
        sentiment_strength=abs(tone),
        discount=float(_DISCOUNT.search(text) is not None),
        price=float(_PRICE.search(text) is not None),
        digits=float(_DIGIT.search(literal) is not None),
        digit_first=float(literal.lstrip()[:1].isdigit()),
        question=float("?" in text),
        exclamation=float("!" in text),
        quotation=float(_QUOTED.search(literal) is not None),
        stress=float(_STRESSED.search(literal) is not None),
        ellipsis=float("..." in text or "…" in text),
        colon=float(":" in text),
        commas=float(text.count(",")),
        capitals=sum([name[0].isupper() for name in names[1:]]) / max(1, len(names) - 1),
        you=float(not held.isdisjoint(_YOU)),
        speaker=float(not held.isdisjoint(_SPEAKER)),
        person=float(not held.isdisjoint(_PERSON)),
        points=float(not held.isdisjoint(_POINTS)),
        asks_first=float(bool(own) and own[0] in _ASKS),
        facts=float(len(SLOT.findall(shown))),
        cta=most if calls[most] else None,
        segment=segment,
    )


def numbers(found: Attributes) -> dict[str, float]:
    """The attributes that are numbers, by name."""
    return {name: getattr(found, name) for name in NUMBERS}
