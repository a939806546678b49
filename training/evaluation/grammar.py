"""Slips of grammar and typesetting that a machine can see in a text as it is shown.

It sees few of all there are, and what it sees is a slip nearly always. Whatever stands so in the product's own record
is the shop's and no slip: "Bora Bora Towel", "e.l.f. Balm".
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

_DOUBLED = re.compile(r"\b([a-z][a-z'’]*) \1\b(?!['’-])", re.I)
# Said twice on purpose, or twice by right: "all that that drawer holds".
_TWICE = frozenset({"that", "had", "bye", "knock", "night", "ha", "no"})
_ARTICLE = re.compile(
    r"(?:(?<=^)|(?<=[.!?] )|(?<=[\"(] ))(An?)\s+([\w$€£][\w'’-]*)|(?<![\w-])(an?)\s+([\w$€£][\w'’-]*)"
)
# Spoken with a consonant though written with a vowel, spoken with a vowel though not, and letters named one by one.
_AS_CONSONANT = re.compile(r"(?:uni(?!n[^it]|m)|us(?:e|u|a)|u[bkrt][aeiou]|eu|ewe|one|once|u-|uv|usb|ouija)", re.I)
_AS_VOWEL = re.compile(r"(?:hour|honest|honou?r|heir|[$€£]?8\d*(?![\d,])|[$€£]?8|[$€£]?1[18](?!\d))", re.I)
_LETTERS = re.compile(r"[AEFHILMNORSX](?:[A-Z0-9]+s?\b|-[A-Za-z])")
# Both are said: "a herb", "an herb".
_EITHER = re.compile(r"(?:herb|historic|hotel|sql|url)", re.I)

_ONE = {"is", "has", "does", "was", "isn't", "hasn't", "doesn't", "wasn't"}
_SEVERAL = {"are", "have", "do", "were", "aren't", "haven't", "don't", "weren't"}
# Before a name these make something else the subject, or the verb that follows bare: "you and NAME are", "let NAME be",
# "does NAME have", "one of NAME is".
_NOT_SUBJECT = frozenset(
    """and or nor with of for to in on from by at beside than like as about near into without under over behind between
    let make makes help helps see watch have hear feel do does did can could will would shall should may might must
    don't doesn't didn't can't won't wouldn't couldn't shouldn't""".split()  # noqa: SIM905 - a list of words, not of code
)
# After a name a word may be a verb or not ("left NAME open"); where the name begins its clause it is one.
_BEGINS_CLAUSE = frozenset(("", "when", "while", "if", "because", "where", "before", "after", "until", "since", "but"))
# Stands for the product's name, so that one pattern does for all of them.
_NAME = "\x01"
_FOLLOWED = re.compile(rf"(?:([\w'’]+)\s+)?{_NAME}\s+([\w'’]+)")
# By whether the name stands for several: the other number's verb before it, and its "this". "That" begins clauses too.
_OPENS = r"(?:^|[.!?:;,–—]\s+|\b(?:here|there|where|why|when|how|so)\s+)"
_TURNED = {
    False: re.compile(rf"{_OPENS}(are|were)\s+{_NAME}(?!\w)", re.I),
    True: re.compile(rf"{_OPENS}(is|was)\s+{_NAME}(?!\w)", re.I),
}
_DETERMINED = {
    False: re.compile(rf"\b(these|those)\s+{_NAME}(?!\w)", re.I),
    True: re.compile(rf"\b(this)\s+{_NAME}(?!\w)", re.I),
}
_RUN_ON = re.compile(r"[a-z]{2}[.!?](?=[A-Za-z])|[a-z],(?=[A-Za-z])")
_NO_CAPITAL = re.compile(r"(?:^|[.!?]\s+)([a-z][\w'’-]*)")
_STOPS = re.compile(r"(?<!\.)\.\.(?!\.)|[.!?][,;:]|[,;:]{2}|[,;:][.!?]|\s[.,;:!?](?=\s|$)|  ")
_BRACE = re.compile(r"[{}]")


class Slip(Struct, frozen=True):
    """One slip: of which kind, and the words around it."""

    kind: str
    at: str


KINDS = ("doubled_word", "article", "agreement", "sentence_start", "punctuation", "brace")


def slips(shown: str, *, name: str, several: bool, record: str, verbs: frozenset[str]) -> tuple[Slip, ...]:
    """Every slip of a text, kind by kind.

    `name` is the product's as it is shown, `several` whether it stands for several things, `record` what
    `training.evaluation.faithfulness.record_text` gives, `verbs` the bare verbs that a name may be the subject of.
    """
    found = [Slip("doubled_word", match) for match in _doubled(shown, name)]
    found += [Slip("article", match) for match in _articles(shown)]
    found += [Slip("agreement", match) for match in _disagreements(shown, name, verbs, several=several)]
    found += [Slip("sentence_start", match) for match in _starts(shown)]
    found += [Slip("punctuation", _around(shown, match)) for match in _STOPS.finditer(shown)]
    found += [Slip("brace", _around(shown, match)) for match in _BRACE.finditer(shown)]
    own = " ".join(record.lower().split())
    return tuple(slip for slip in found if slip.kind == "agreement" or slip.at.lower() not in own)


def verbs_of(texts: Iterable[str]) -> frozenset[str]:
    """The bare verbs that slot texts bend to the product's number: `wait` of "{NAME} wait{S}"."""
    return frozenset(verb.lower() for text in texts for verb in re.findall(r"([A-Za-z]+)\{S\}", text))


def spoken_with_vowel(word: str) -> bool:
    """Whether "an" stands before a word, as it is said: an hour, an LED, an 8-pack, a USB stick, a one-off."""
    if _AS_VOWEL.match(word) or _LETTERS.match(word):
        return True
    return word[:1].lower() in tuple("aeiou") and not _AS_CONSONANT.match(word)


def _doubled(shown: str, name: str) -> Iterator[str]:
    # "Watering Can can" is clumsy, and right.
    allowed = _TWICE | {name.lower().split()[-1]}
    for match in _DOUBLED.finditer(shown):
        if match.group(1).lower() not in allowed:
            yield match.group()


def _articles(shown: str) -> Iterator[str]:
    for match in _ARTICLE.finditer(shown):
        article, word = match.group(1) or match.group(3), match.group(2) or match.group(4)
        if not _EITHER.match(word) and (article.lower() == "an") != spoken_with_vowel(word):
            yield f"{article} {word}"


def _disagreements(shown: str, name: str, verbs: frozenset[str], *, several: bool) -> Iterator[str]:
    bent = {_third(verb) for verb in verbs} if several else verbs
    wrong = _ONE if several else _SEVERAL
    text = re.sub(re.escape(name), _NAME, shown, flags=re.I)
    for match in _FOLLOWED.finditer(text):
        before, after = (match.group(1) or "").lower(), match.group(2).lower().replace("’", "'")
        if (after in wrong and before not in _NOT_SUBJECT) or (after in bent and before in _BEGINS_CLAUSE):
            yield f"{name} {match.group(2)}"
    for pattern in (_TURNED[several], _DETERMINED[several]):
        for match in pattern.finditer(text):
            yield f"{match.group(1)} {name}"


def _starts(shown: str) -> Iterator[str]:
    for match in _RUN_ON.finditer(shown):
        yield _around(shown, match)
    for match in _NO_CAPITAL.finditer(shown):
        word = match.group(1)
        if word.islower():
            yield match.group()


def _third(verb: str) -> str:
    """The form of a verb beside one thing: waits, watches, carries."""
    if verb.endswith("y") and verb[-2:-1] not in "aeiou":
        return f"{verb[:-1]}ies"
    return f"{verb}es" if verb.endswith(("s", "x", "z", "ch", "sh", "o")) else f"{verb}s"


def _around(shown: str, match: re.Match[str]) -> str:
    """The words that a match stands in."""
    start, end = match.span()
    left = shown.rfind(" ", 0, start) + 1
    right = shown.find(" ", end)
    return shown[left : right if right >= 0 else len(shown)]


def examples(found: Sequence[tuple[Slip, ...]], most: int) -> dict[str, list[str]]:
    """The first `most` different slips of each kind that occurs."""
    by_kind: dict[str, list[str]] = {}
    for slip in (slip for own in found for slip in own):
        kept = by_kind.setdefault(slip.kind, [])
        if len(kept) < most and slip.at not in kept:
            kept.append(slip.at)
    return {kind: by_kind[kind] for kind in KINDS if kind in by_kind}
