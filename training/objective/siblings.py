"""Tokens that would complete what a sibling says: texts for the same product and segment, by other words.

The diversity term's candidates (Welleck et al. 2020, arXiv 1908.04319, sequence-level unlikelihood, with the n-grams of
siblings in the place of the text's own repeats).
"""

from collections import defaultdict
from collections.abc import Hashable, Sequence

Tokens = Sequence[int]
Completion = tuple[int, int]
"""A place in a text, and a token that stands there in a sibling behind the same n - 1 tokens."""


def siblings(keys: Sequence[Hashable], texts: Sequence[Tokens]) -> list[list[Tokens]]:
    """For each text the others of its key. What is said in the very same words is the same copy, not a sibling."""
    held: dict[Hashable, list[Tokens]] = defaultdict(list)
    for key, text in zip(keys, texts, strict=True):
        held[key].append(text)
    return [[other for other in held[key] if list(other) != list(text)] for key, text in zip(keys, texts, strict=True)]


def completions(text: Tokens, others: Sequence[Tokens], n: int) -> tuple[Completion, ...]:
    """Every (place, token) such that the `n` - 1 tokens of `text` before the place, and the token, are an n-gram of one
    of `others`. Ascending; the token may be the text's own, where the n-gram is shared.

    What only the text itself says again is none of them. Neither is the end: a text that may not end is no other text.
    """
    followers: dict[tuple[int, ...], set[int]] = defaultdict(set)
    for other in others:
        for end in range(n - 1, len(other)):
            followers[tuple(other[end - n + 1 : end])].add(other[end])
    return tuple(
        (place, token)
        for place in range(n - 1, len(text))
        for token in sorted(followers.get(tuple(text[place - n + 1 : place]), ()))
    )
