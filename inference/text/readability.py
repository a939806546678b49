"""How easily a text reads, by the lengths of its words and sentences. It says nothing of sense or truth."""

import re

_WORD = re.compile(r"[^\W_]+(?:['’\-.,][^\W_]+)*")
# Flesch's rule: what ends with one of these and could stand alone is a sentence, a label before its colon too.
_END = re.compile(r"[.!?:;]+[\"'”’)]*(?=\s|$)")
_VOWELS = re.compile(r"[aeiouy]+")
_LETTERS = re.compile(r"[a-z]+")
# Two vowels in a row that are spoken apart: fuel, lion, serious, piano, create, video, being, diet, poem, idea.
_APART = re.compile(
    r"[^aeiouqg]u[aeo](?=[lnt])|(?<![ctgsx])io|(?<=r)ial|ia(?!l|n$|g)|ea(?=t[eio])|eo(?!u|p)|yi|ei(?=ng)"
    r"|(?<![ct])ie(?=t|nc|nt)|oe(?=[mt])|(?<=[aeiou][a-z])ea$"
)
# An e that ends a word is silent, save after a consonant and l ("little"); so are most "-es" and "-ed".
_SILENT = re.compile(r"(?:[^aeiouyl]e|[aeiouy]les?|[^aeiouylcgsxzh]es|thes|[^aeioutdl]ed|[aeiouyl]led)$")


def flesch(text: str) -> float | None:
    """Reading ease: 206.835 - 1.015 * words / sentences - 84.6 * syllables / words (Flesch 1948, doi 10.1037/h0057532).

    60..70 is plain English, higher is easier; short simple texts pass 100, and nothing clips the figure. None for a
    text without words. A single headline is too short for the figure to mean much; a mean over many texts does.
    """
    found = _WORD.findall(text)
    if not found:
        return None
    sentences = sum(1 for part in _END.split(text) if _WORD.search(part))
    spoken = sum(syllables(word) for word in found)
    return 206.835 - 1.015 * len(found) / sentences - 84.6 * spoken / len(found)


def syllables(word: str) -> int:
    """The syllables of an English word, counted by its spelling; at least 1.

    One for each run of vowels, y being one; one less for a silent e at the end and in most "-es" and "-ed"; one more
    where two vowels are spoken apart. Parts beside a hyphen, an apostrophe or a digit count by themselves; digits count
    as one. Right for about nine words in ten of everyday English; errors go both ways.
    """
    parts = _LETTERS.findall(re.sub(r"['’](?:s|t|re|ve|ll|d|m)\b", "", word.lower()))
    spoken = sum(_syllables(part) for part in parts)
    return max(1, spoken + bool(re.search(r"\d", word)))


def _syllables(part: str) -> int:
    count = len(_VOWELS.findall(part)) + len(_APART.findall(part))
    return max(1, count - bool(_SILENT.search(part)))
