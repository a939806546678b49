"""The evaluation finds nothing in what people wrote: what it finds in a model's texts is the model's."""

from inference.decide.facts import slot_values
from inference.generate.render import compile_text, render, slots_in
from inference.generate.slots import GRAMMAR
from training.evaluation.faithfulness import record_text, unbacked
from training.evaluation.grammar import slips, verbs_of
from training.evaluation.products import invent, known_categories
from training.pairs import load_lines

LINES = load_lines()


def shown():
    """Each line as it is shown for some product that has its facts, and that product."""
    products = invent(known_categories(), 84, 3)
    values = [
        {**{slot: forms[one.several] for slot, forms in GRAMMAR.items()}, **slot_values(one.product)}
        for one in products
    ]
    for number, line in enumerate(LINES):
        needed = slots_in(line.text)
        for turn in range(len(products)):
            place = (number + turn) % len(products)
            if needed <= set(values[place]):
                yield line, products[place], render(compile_text(line.text), values[place])
                break


def test_no_line_of_the_corpus_has_a_slip_or_says_more_than_the_record():
    verbs = verbs_of(line.text for line in LINES)
    found, read = [], 0
    for line, one, text in shown():
        record, name = record_text(one.product), one.product.name
        own = slips(text, name=name, several=one.several, record=record, verbs=verbs)
        read += 1
        if own or unbacked(text, record):
            found.append((line.place, text, own, unbacked(text, record)))
    assert found == []
    assert read == len(LINES) > 6_000
