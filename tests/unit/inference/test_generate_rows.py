"""What a text may hold, and where it may end, whatever its model wants."""

import msgspec
from engine_jobs import FOREVER, opened, some_jobs, wanting
from tiny_bundle import MAX_NEW_TOKENS

from inference.generate.render import slots_in
from inference.generate.rows import Job, Rows
from inference.generate.slots import SLOTS


def test_only_facts_that_the_job_has_are_said_and_each_once(tiny):
    engine = opened(tiny)
    # The likeliest is a word, so that no text is stopped for the fact that its model wanted.
    wanted = engine.ids(["{IS}", *(f"{{{slot}}}" for slot in SLOTS)])
    jobs = some_jobs(tiny, 60)
    written = wanting(engine, *wanted).write(jobs, FOREVER)
    assert {slot for each in written for slot in slots_in(each.text)} == {*SLOTS, "IS"}
    for job, each in zip(jobs, written, strict=True):
        assert slots_in(each.text) <= job.slots | {"IS"}
        assert all(each.text.count(f"{{{slot}}}") <= 1 for slot in SLOTS)


def test_without_the_mask_other_facts_would_be_said(tiny, monkeypatch):
    """The test above is one that can fail: the same model, and rows that bar nothing."""
    engine = opened(tiny)
    monkeypatch.setattr(Rows, "admit", _admit_unbarred)
    wanted = engine.ids(["{IS}", *(f"{{{slot}}}" for slot in SLOTS)])
    jobs = some_jobs(tiny, 20)
    written = wanting(engine, *wanted).write(jobs, FOREVER)
    assert any(slots_in(each.text) - job.slots - {"IS"} for job, each in zip(jobs, written, strict=True))


_ADMIT = Rows.admit


def _admit_unbarred(rows, which, job):
    place = _ADMIT(rows, which, job)
    rows.bars[place] = 0
    return place


def test_a_model_that_wants_a_fact_that_is_not_there_is_stopped(tiny):
    engine = opened(tiny)
    (price,) = engine.ids(["{PRICE}"])
    jobs = [msgspec.structs.replace(job, slots=frozenset({"NAME"})) for job in some_jobs(tiny, 10)]
    written = wanting(engine, price).write(jobs, FOREVER)
    assert {each.ending for each in written} == {"astray"}
    assert all("{PRICE}" not in each.text for each in written)


def test_words_that_agree_are_no_facts(tiny):
    engine = opened(tiny)
    wanted = engine.ids(["{IS}", "{IT}"])
    written = wanting(engine, *wanted).write(some_jobs(tiny, 8, slots=frozenset({"NAME"})), FOREVER)
    assert all(slots_in(each.text) <= {"IS", "IT"} for each in written)
    assert all(each.tokens == MAX_NEW_TOKENS and each.ending == "limit" for each in written)


def ending_soon(tiny, **job):
    """Texts of a model that wants nothing but to end, one for each of 20 jobs."""
    engine = opened(tiny)
    return wanting(engine, tiny.generation.eos).write(some_jobs(tiny, 20, **job), FOREVER)


def test_a_text_that_may_end_ends(tiny):
    assert {(each.tokens, each.ending) for each in ending_soon(tiny)} == {(1, "end")}


def test_a_text_holds_what_it_needs_before_it_ends(tiny):
    written = ending_soon(tiny, needed=frozenset({"NAME"}), slots=frozenset({"NAME"}))
    ended = [each for each in written if each.ending == "end"]
    assert ended
    assert all(each.text.endswith("{NAME}") for each in ended)
    assert all("{NAME}" not in each.text.removesuffix("{NAME}") for each in written)


def test_a_fact_that_is_needed_and_not_there_keeps_a_text_from_ending(tiny):
    written = ending_soon(tiny, needed=frozenset({"NAME", "PRICE"}), slots=frozenset({"NAME"}))
    assert {each.ending for each in written} == {"limit"}


def test_a_text_of_sentences_ends_behind_one(tiny):
    written = ending_soon(tiny, stops=True)
    ended = [each for each in written if each.ending == "end"]
    assert ended
    assert all(each.text[-1] in ".!?" for each in ended)


def test_a_text_ends_only_where_it_has_called(tiny):
    written = ending_soon(tiny, called=lambda said: len(said) >= 7)
    assert {(each.tokens, each.ending) for each in written} == {(7, "end")}


def test_a_text_with_a_token_that_the_model_hardly_gave_a_chance_is_given_up(tiny):
    """Behind the opening, that is: what a text is about may be drawn from afar."""
    jobs = some_jobs(tiny, 20)
    strict = msgspec.structs.replace(tiny.generation.sampler, least=0.9)
    endings = {}
    for opening in (0, MAX_NEW_TOKENS):
        sampler = msgspec.structs.replace(strict, opening=opening)
        generation = msgspec.structs.replace(tiny.generation, sampler=sampler)
        bundle = msgspec.structs.replace(tiny, generation=generation)
        endings[opening] = {each.ending for each in opened(bundle).write(jobs, FOREVER)}
    assert "unsure" in endings[0]
    assert "unsure" not in endings[MAX_NEW_TOKENS]


def test_no_text_is_longer_than_it_may_be(tiny):
    engine = opened(tiny)
    chatty = wanting(engine, *engine.ids(["{IS}"]))
    written = chatty.write(some_jobs(tiny, 10), FOREVER)
    assert {(each.tokens, each.ending) for each in written} == {(MAX_NEW_TOKENS, "limit")}
    close = Job(prompt=some_jobs(tiny, 1)[0].prompt[:1] * 60, slots=frozenset(), seed=1, called=lambda said: False)
    (short,) = chatty.write([close], FOREVER)
    assert (short.tokens, short.ending) == (4, "limit")
