"""Whether the corpus's lines may be learned from: form, slots, agreement, length, claims, clichés, likeness.

`python -m training.lint [FILE ...]` prints what is wrong as `file:line: what`, and exits 1 where anything is.
"""

import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import chain
from pathlib import Path

from inference.generate.channels import HEADLINES, LIMITS, NAMED_ELSEWHERE
from inference.generate.checks import claims, has_cta, own_words, phrases_of, repeats
from inference.generate.dedupe import LIKENESS, trigrams
from inference.generate.slots import GRAMMAR, REQUIRED, SLOT, SLOTS
from training.lines import CTAS, FOLDER, SEGMENTS, TONES, Line, read_lines

# As wide as facts usually are; a slot that is wider where a text is shown is a matter for the room it is given then.
WIDTHS = {
    "NAME": 24,
    "BRAND": 9,
    "PRICE": 7,
    "OFF": 3,
    "CATEGORY": 12,
    "COLOR": 8,
    "MATERIAL": 10,
    "SIZE": 5,
    "FEATURE": 22,
    "FEATURE2": 22,
    "RATING": 3,
}
# Of a file's lines: how many may begin with the same three words, or end with the same sentence.
SAME_START, SAME_END = 0.02, 0.04
_LEAST = 5
_LEAST_CHARS = {"description": 110, "sms": 60, "push": 35}
_DEAL = re.compile(
    r"\b(deals?|discount(s|ed)?|sale|savings?|saves?|reduced|marked down|markdown|bargains?|steal|mark-?down)\b", re.I
)
_ABOUT_IT = re.compile(r"\b(it|its|it's|itself|they|they're|they'll|this one|these ones|the pair|a pair)\b", re.I)
_VERB = re.compile(r"\{NAME\} (is|are|was|were|has|have|does|do|isn't|aren't|\w+[^su'’]s)\b(?!['’])")
_NO_VERB = frozenset({"as", "this", "always", "perhaps", "besides", "across", "afterwards", "sometimes", "yes", "was"})
_ARTICLE = re.compile(r"\b(a|an|the|this|these|that|those|your|our|my|another|each|every) \{NAME\}", re.I)
_ALONE = re.compile(r"(?:^|[.:;,!?–—(]\s|\s(?:and|plus)\s)\{FEATURE2?\}")
_FEATURE = re.compile(r"\{FEATURE2?\}")
_FORM = re.compile(r" {2}| [.,:;!?]|[.,:;!?][A-Za-z{]|[“”]|\.\.|!.*!|…")
_SPELLED = frozenset({"TV", "DIY", "DJ", "BBQ", "OK", "PC", "PE"})
_SHOUT = re.compile(r"\b[A-Z]{2,}\b")


def problems(line: Line) -> Iterator[str]:
    """What is wrong with one line by itself."""
    for value, known, what in (
        (line.segment, SEGMENTS, "segment"),
        (line.tone, TONES, "tone"),
        (line.cta, CTAS, "cta"),
        (line.channel, LIMITS, "channel"),
    ):
        if value not in known:
            yield f"no such {what}: {value}"
            return
    slots = SLOT.findall(line.text)
    unknown = sorted(set(slots) - {*SLOTS, *GRAMMAR} | ({"CATEGORY"} & set(slots)))
    if unknown or re.search(r"[{}]", SLOT.sub("", line.text)):
        yield f"no such slot: {', '.join(unknown) or 'a brace'}"
        return
    if REQUIRED not in slots and line.channel not in NAMED_ELSEWHERE:
        yield "{NAME} is missing"
    if "FEATURE2" in slots and "FEATURE" not in slots:
        yield "{FEATURE2} without {FEATURE}"
    plain = own_words(line.text)
    yield from _length(line)
    yield from _agreement(line.text)
    for found in claims(line.text):
        yield f"only a record may say: {found}"
    for match in _cliches().finditer(plain):
        yield f"cliché: {match.group()}"
    if repeats(line.text):
        yield "a slot, word or sentence twice"
    yield from _call(line, plain, slots)
    yield from _form(line)


def _length(line: Line) -> Iterator[str]:
    bare = SLOT.sub("", line.text)
    width = len(bare) + sum(WIDTHS.get(slot, len(GRAMMAR.get(slot, ("",))[0])) for slot in SLOT.findall(line.text))
    if width > LIMITS[line.channel]:
        yield f"about {width} characters, {line.channel} holds {LIMITS[line.channel]}"
    if width < _LEAST_CHARS.get(line.channel, 0):
        yield f"about {width} characters are little for {line.channel}"


def _agreement(text: str) -> Iterator[str]:
    verb = _VERB.search(text)
    if verb and verb.group(1) not in _NO_VERB:
        yield f"{{NAME}} {verb.group(1)}: the verb has to agree, use {{IS}} {{HAS}} {{DOES}} {{S}}"
    if match := _ABOUT_IT.search(SLOT.sub("\x00", text)):
        yield f"{match.group()}: use {{IT}} {{THEM}} {{ITS}} {{THIS}}, or say it otherwise"
    if match := _ARTICLE.search(text):
        yield f"{match.group()}: no article before a name"
    if len(_FEATURE.findall(text)) != len(_ALONE.findall(text)):
        yield "{FEATURE} stands as a sentence or label of its own"


def _call(line: Line, plain: str, slots: Sequence[str]) -> Iterator[str]:
    if line.cta != "none" and not has_cta(line.text, line.cta):
        yield f"no phrase of the call to action {line.cta}"
    if line.cta == "none" and has_cta(line.text, "shop"):
        yield "calls to shop, but is marked none"
    if line.cta == "save" and not {"OFF", "PRICE"} & set(slots):
        yield "save needs {OFF} or {PRICE}"
    if (match := _DEAL.search(plain)) and "OFF" not in slots:
        yield f"{match.group()} needs {{OFF}}"


def _form(line: Line) -> Iterator[str]:
    if match := _FORM.search(SLOT.sub("X", line.text)):
        yield f"form: {match.group()!r}"
    if (match := _SHOUT.search(SLOT.sub("", line.text))) and match.group() not in _SPELLED:
        yield f"form: {match.group()!r}"
    if not (line.text[0].isupper() or line.text[0] == "{"):
        yield "begins without a capital"
    ended = line.text.endswith((".", "!", "?"))
    if line.channel in HEADLINES and line.text.endswith(".") and line.channel != "banner":
        yield "a headline has no full stop"
    if line.channel not in HEADLINES and not ended:
        yield "no full stop at the end"


def likeness(lines: Sequence[Line]) -> Iterator[tuple[Line, str]]:
    """Lines that are too much like an earlier one: Jaccard of word trigrams, slots being words."""
    by_gram: dict[tuple[str, ...], list[int]] = defaultdict(list)
    grams = [trigrams(line.text) for line in lines]
    for index, (line, own) in enumerate(zip(lines, grams, strict=True)):
        shared = Counter(chain.from_iterable(by_gram[gram] for gram in own))
        for other, count in shared.items():
            if count / len(own | grams[other]) > LIKENESS:
                yield line, f"too much like {lines[other].place}: {lines[other].text}"
                break
        for gram in own:
            by_gram[gram].append(index)


def monotony(lines: Sequence[Line]) -> Iterator[tuple[Line, str]]:
    """Openings and closing sentences that a file leans on."""
    for share, what, of in ((SAME_START, "begin", _start), (SAME_END, "end", _end)):
        most = max(_LEAST, int(share * len(lines)))
        counts: Counter[str] = Counter()
        for line in lines:
            key = of(line.text)
            counts[key] += 1
            if key and counts[key] == most + 1:
                yield line, f"more than {most} lines {what} so: {key}"


def _start(text: str) -> str:
    return " ".join(text.lower().split()[:3])


def _end(text: str) -> str:
    sentences = re.findall(r"[^.!?]+[.!?]?$", text.strip())
    return sentences[-1].strip().lower() if sentences and len(re.split(r"[.!?]\s", text)) > 1 else ""


@cache
def _cliches() -> re.Pattern[str]:
    return phrases_of((FOLDER / "cliches.txt").read_text("utf-8"))


def lint(files: Sequence[Path]) -> list[str]:
    """Everything that is wrong with these files, as `file:line: what`."""
    found: list[str] = []
    every: list[Line] = []
    for path in files:
        lines, malformed = read_lines(path)
        found += malformed
        for line in lines:
            found += [f"{line.place}: {what}: {line.text}" for what in problems(line)]
        found += [f"{line.place}: {what}" for line, what in monotony(lines)]
        every += lines
    return found + [f"{line.place}: {what}" for line, what in likeness(every)]


def main() -> None:
    """Lint the files of the command line, or all of them."""
    files = [Path(name) for name in sys.argv[1:]] or sorted((FOLDER / "lines").glob("*.txt"))
    found = lint(files)
    print("\n".join(found))
    counted = sum(len(read_lines(path)[0]) for path in files)
    print(f"{counted} lines, {len(found)} problems", file=sys.stderr)
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
