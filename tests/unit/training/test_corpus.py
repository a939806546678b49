import re
from collections import Counter

import msgspec
import pytest

from inference.generate.channels import LIMITS
from inference.generate.checks import codes
from inference.generate.dedupe import trigrams
from inference.generate.prompt import prompt_tokens
from inference.generate.render import slots_in
from inference.generate.slots import GRAMMAR, offered
from training import lint as lint_module
from training.lines import CTAS, FOLDER, SEGMENTS, TONES, read_lines
from training.lint import lint
from training.pairs import (
    HELD_CATEGORIES,
    HELD_PAIRS,
    fingerprint,
    is_held_out,
    load_controls,
    load_lines,
    pairs,
)
from training.train import encode
from training.vocabulary import EOS, build, silent

LINES, CONTROLS = load_lines(), load_controls()
PAIRS = list(pairs(LINES, CONTROLS, 7))


def linted(tmp_path, *rows):
    path = tmp_path / "kitchen.txt"
    path.write_text("\n".join(rows) + "\n")
    return lint([path])


def test_there_is_a_corpus_worth_learning_from():
    categories = {line.category for line in LINES}
    assert len({line.text for line in LINES}) == len(LINES) >= 6_000
    assert len(categories - {"any"}) >= 16
    assert "any" in categories
    assert {line.segment for line in LINES} == set(SEGMENTS)
    assert {line.tone for line in LINES} == set(TONES)
    assert {line.cta for line in LINES} == set(CTAS)
    assert {line.channel for line in LINES} == set(LIMITS)


def test_the_corpus_keeps_every_rule():
    assert lint(sorted((FOLDER / "lines").glob("*.txt"))) == []


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ("any | plain | none | push | Soup for the whole table tonight, with {NAME} from {BRAND}.", ""),
        ("any | plain | none | push", "not segment"),
        ("all | plain | none | push | Soup for the whole table tonight, with {NAME}.", "no such segment"),
        ("any | plain | none | push | Soup for the whole table tonight, with {NAMES}.", "no such slot"),
        ("any | plain | none | push | Soup for the whole table tonight, by whoever cooks.", "{NAME} is missing"),
        ("any | plain | none | push | {NAME} {IS} {NAME}, and dinner is another matter.", "twice"),
        ("any | plain | none | push | {NAME} stays on the stove while the guests arrive.", "has to agree"),
        ("any | plain | none | push | {NAME} is on the stove while the guests arrive.", "has to agree"),
        ("any | plain | none | push | Put {NAME} on the stove and forget it for the evening.", "use {IT}"),
        ("any | plain | none | push | Put the {NAME} on the stove and see who comes.", "no article"),
        ("any | plain | none | push | Whoever cooks wants {FEATURE}: {NAME} for the stove.", "label of its own"),
        ("any | plain | none | push | The best evening of the week begins with {NAME}.", "only a record may say: best"),
        ("any | plain | none | push | For 4 people and a dog at the table: {NAME}.", "only a record may say: 4"),
        ("any | plain | none | push | A red evening in the kitchen, and {NAME} at hand.", "only a record may say: red"),
        (
            "any | plain | none | push | Lightweight evenings in the kitchen, with {NAME}.",
            "only a record may say: light",
        ),
        ("any | plain | none | push | Elevate the evening in your kitchen with {NAME}.", "cliché: elevate"),
        ("any | plain | shop | push | Soup for the whole table tonight, with {NAME}.", "no phrase of the call"),
        ("any | plain | none | push | Buy before the soup is cold on the table: {NAME}.", "calls to shop"),
        ("any | plain | save | push | A deal for whoever cooks tonight: {NAME}, see the price.", "save needs"),
        ("any | plain | none | push | A deal for whoever cooks tonight: {NAME}, {PRICE}.", "deal needs {OFF}"),
        ("any | plain | none | push | Soup for the whole table tonight, with {NAME}", "no full stop"),
        ("any | plain | none | push | soup for the whole table tonight, with {NAME}.", "capital"),
        ("any | plain | none | push | Soup for the whole table tonight , with {NAME}.", "form"),
        ("any | plain | none | push | SOUP for the whole table tonight, with {NAME}.", "form"),
        ("any | plain | none | email_subject | Soup tonight, {NAME}.", "headline has no full stop"),
        ("any | plain | none | ad_headline | Soup for the whole long table tonight", "ad_headline holds 30"),
        ("any | plain | none | push | Soup: {NAME}.", "little for push"),
    ],
)
def test_the_linter_sees_what_is_wrong_with_a_line(tmp_path, row, what):
    found = linted(tmp_path, row)
    assert any(what in each for each in found) if what else found == []
    assert all(each.startswith("kitchen.txt:1: ") for each in found)


def test_the_linter_sees_likeness_and_monotony(tmp_path):
    row = "any | plain | none | push | The soup is on and the guests are late, as ever: {NAME}, says the cook"
    found = linted(tmp_path, f"{row}, then sits.", f"{row}, then stands.")
    assert any("too much like kitchen.txt:1" in each for each in found)
    many = [
        f"any | plain | none | push | The soup is {word} and nobody minds at all, with {{NAME}} near."
        for word in ("on", "late", "hot", "cold", "thin", "thick")
    ]
    assert any("begin so: the soup is" in each for each in linted(tmp_path, *many))


def test_likeness_is_of_word_trigrams_with_slots_as_words():
    assert trigrams("Soup with {NAME} today.") == {("soup", "with", "{name}"), ("with", "{name}", "today")}
    assert lint_module.LIKENESS == 0.8


def test_nothing_held_out_is_learned():
    trained = {pair.text for pair in PAIRS}
    held = [line for line in LINES if is_held_out(line)]
    assert len(HELD_CATEGORIES) == 2
    assert len(HELD_PAIRS) == 6
    assert {line.category for line in held} >= set(HELD_CATEGORIES)
    assert trained.isdisjoint(line.text for line in held)
    assert not {(pair.request.segment, pair.request.tone) for pair in PAIRS} & HELD_PAIRS
    assert not set(HELD_CATEGORIES) & set(CONTROLS.categories)


def test_a_line_is_learned_only_where_it_keeps_to_the_prompt():
    assert len(PAIRS) >= 0.99 * sum(not is_held_out(line) for line in LINES)
    for pair in PAIRS:
        assert slots_in(pair.text) - set(GRAMMAR) <= offered(pair.request.facts, pair.request.max_chars)
        assert codes(pair.text, pair.request) == (), pair
        assert pair.prompt == prompt_tokens(pair.request, CONTROLS)


def test_a_category_s_line_is_never_learned_as_another_s():
    category = {line.text: line.category for line in LINES}
    for pair in PAIRS:
        word = next(token for token in pair.prompt if token.startswith("<category:"))
        if category[pair.text] != "any":
            assert word == f"<category:{category[pair.text]}>"
    neutral = Counter(
        next(token for token in pair.prompt if token.startswith("<category:"))
        for pair in PAIRS
        if category[pair.text] == "any"
    )
    assert neutral["<category:any>"] > sum(neutral.values()) / 2


def test_pairs_are_the_seed_s():
    assert list(pairs(LINES, CONTROLS, 7)) == PAIRS
    assert list(pairs(LINES, CONTROLS, 8)) != PAIRS


def test_a_corpus_is_known_by_its_fingerprint():
    other = [*LINES[1:], msgspec.structs.replace(LINES[0], tone="plain" if LINES[0].tone != "plain" else "bold")]
    assert fingerprint(LINES) == fingerprint(load_lines()) != fingerprint(other)


@pytest.fixture(scope="module")
def tokenizer():
    return build([line.text for line in LINES if not is_held_out(line)], CONTROLS)


def test_every_trained_text_survives_the_tokenizer(tokenizer):
    for pair in PAIRS[::7]:
        ids = tokenizer.encode(pair.text, add_special_tokens=False).ids
        assert tokenizer.decode(ids, skip_special_tokens=True) == pair.text


def test_a_row_is_prompt_text_end_and_control_words_are_silent(tokenizer):
    ids, prompt = encode(tokenizer, PAIRS[0])
    assert prompt == len(PAIRS[0].prompt) + 1
    assert ids[-1] == tokenizer.token_to_id(EOS)
    assert not set(ids[prompt:-1]) & set(silent(tokenizer, CONTROLS))
    assert set(ids[:prompt]) & set(silent(tokenizer, CONTROLS))


def test_the_model_could_not_write_a_number(tokenizer):
    written = [tokenizer.id_to_token(number) for number in range(tokenizer.get_vocab_size())]
    quiet = set(silent(tokenizer, CONTROLS))
    spoken = [word for number, word in enumerate(written) if number not in quiet and not word.startswith("{")]
    assert not [word for word in spoken if re.search(r"\d", word)]


def test_a_file_s_comments_are_no_lines(tmp_path):
    path = tmp_path / "any.txt"
    path.write_text("# a note\n\nany | plain | none | push | Soup for the whole table, with {NAME}.\n")
    lines, malformed = read_lines(path)
    assert [line.place for line in lines] == ["any.txt:3"]
    assert malformed == []
