"""Which prompt a bundle's model is fed, and what of it where there is no room for all."""

import msgspec
import pytest

from inference.bundle import Bundle, Controls, Generation, Graph, Sampler
from inference.generate.prompt import prompt_id
from inference.generate.rows import Written
from inference.generate.text_prompt import text_prompt
from inference.generate.writer import BundleWriter
from schemas.ports import TextRequest

KITCHEN = {"kitchen": ("kettle",)}
REQUEST = TextRequest(
    product_id="p1",
    category="Kettles",
    segment="any",
    variant="v",
    tone="warm",
    cta="none",
    length="short",
    channel="push",
    locale="en",
    facts={"NAME": "Harbor Kettle"},
    seed=1,
    max_chars=120,
)


class Letters:
    """An engine whose tokens are letters, and that keeps what it is asked to write."""

    provider = "cpu"

    def __init__(self):
        self.jobs = []

    def encode(self, text):
        return tuple(map(ord, text))

    def decode(self, tokens):
        return "".join(map(chr, tokens))

    def write(self, jobs, until, clock):
        self.jobs += jobs
        return [Written("Meet {NAME}.", 3, "end", 0.1) for _ in jobs]


def fed(tmp_path, request=REQUEST, *, bos=None, context=5000):
    generation = Generation(
        schema=2,
        name="n",
        version="1",
        quantisation="nb8",
        graph=Graph(kind="plain", opset=18, layers=1, kv_heads=1, head_dim=8, vocabulary=300, context=context),
        sampler=Sampler(temperature=0, top_p=1, top_k=1),
        controls=Controls(
            segments=("any",),
            tones=("warm",),
            ctas=("none",),
            lengths=("short",),
            channels=("push",),
            sentiments=("any",),
            categories=KITCHEN,
            rooms=(),
        ),
        slots=(),
        bos=bos,
        eos=1,
        pad=1,
        silent=(),
        max_new_tokens=40,
        made_with={},
        prompt="text",
    )
    engine = Letters()
    writer = BundleWriter(Bundle(name="n", sha256="0", folder=tmp_path, generation=generation), engine)
    (text,) = writer.write([request], 1.0)
    return engine.jobs[0].prompt, text


def said(prompt):
    return "".join(map(chr, prompt))


@pytest.mark.parametrize("bos", [None, 7])
def test_the_words_of_the_request_behind_the_beginning_where_there_is_one(tmp_path, bos):
    prompt, text = fed(tmp_path, bos=bos)
    wanted = text_prompt(REQUEST, KITCHEN)
    assert prompt == (() if bos is None else (bos,)) + tuple(map(ord, wanted))
    assert text.prompt_id == prompt_id((wanted,))
    assert len(text.prompt_id) == 32


def test_a_prompt_without_room_goes_without_its_reference(tmp_path):
    long = msgspec.structs.replace(REQUEST, reference="Evening tea with {NAME}. " * 20)
    room = len(text_prompt(REQUEST, KITCHEN)) + 100
    prompt, text = fed(tmp_path, long, context=room + 40)
    assert said(prompt) == text_prompt(REQUEST, KITCHEN)
    assert text.prompt_id == prompt_id((text_prompt(REQUEST, KITCHEN),))
    assert said(fed(tmp_path, long, context=room + 1000)[0]) == text_prompt(long, KITCHEN)


def test_a_prompt_that_is_longer_still_keeps_its_end(tmp_path):
    prompt, _ = fed(tmp_path, context=140)
    assert said(prompt) == text_prompt(REQUEST, KITCHEN)[-100:]
