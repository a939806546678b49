"""Several texts a key: which is shown, what lambda and people's rulings do to it, and when more are written."""

from collections.abc import Callable

import msgspec
from generate_rig import (
    BRIGHT,
    DULL,
    NOW_MS,
    THIRD,
    Numbered,
    Rig,
    Stubborn,
    codes_in,
    entry_in,
    filled,
    rule,
    states_of,
    weigh,
)

from inference.decide.facts import facts_of
from inference.generate.brand import BrandRules
from inference.generate.judge import Standards
from schemas.copy import CopyVerdict
from schemas.curation import Creativity


def test_of_several_texts_the_best_is_shown_and_the_others_stand_by(rig: Callable[..., Rig]) -> None:
    made = rig(Numbered(DULL, BRIGHT), candidates=2, creativity=0.0)
    entry = filled(made, made.ask())
    assert states_of(entry) == {DULL: "active", BRIGHT: "standby"}
    assert entry.candidates[0].scores["reward"] == 0.7
    assert entry.candidates[0].scores["diversity"] == entry.candidates[1].scores["diversity"] > 0


def test_a_change_of_lambda_ranks_anew_without_a_word_written(rig: Callable[..., Rig]) -> None:
    made = rig(Numbered(DULL, BRIGHT, THIRD), candidates=3, creativity=0.0)
    before = filled(made, made.ask())
    assert states_of(before)[DULL] == "active"
    asked = len(made.writer.asked)
    after = entry_in(weigh(made, 0.9))
    assert len(made.writer.asked) == asked
    assert states_of(after)[DULL] == "standby"
    assert {each.copy_id for each in after.candidates} == {each.copy_id for each in before.candidates}
    assert made.outcomes()["revised"] == 1


def test_what_a_change_leaves_as_it_is_is_not_published(rig: Callable[..., Rig]) -> None:
    made = rig(Numbered(DULL, BRIGHT), candidates=2, creativity=0.0)
    filled(made, made.ask())
    assert "copy" not in weigh(made, 0.0)
    assert not made.worker.wants()


def test_a_category_of_its_own_is_weighed_by_its_own_lambda(rig: Callable[..., Rig]) -> None:
    made = rig(Numbered(DULL, BRIGHT), candidates=2, creativity=0.0)
    filled(made, made.ask())
    assert weigh(made, 0.5, category="shoes") == {}
    assert "copy" in weigh(made, 0.5, category="kitchen")
    assert "copy" not in weigh(made, 0.1)


def test_a_rejected_text_leaves_the_pool_and_never_returns(rig: Callable[..., Rig]) -> None:
    made = rig(Numbered(DULL, BRIGHT), candidates=2)
    first = filled(made, made.ask())
    after = entry_in(rule(made, first, DULL, "rejected"))
    assert states_of(after) == {BRIGHT: "active"}
    made.writer.texts = [DULL, "{NAME}! For {PRICE}, DULL!", THIRD]
    again = made.run(made.ask(variant="bold"))
    assert codes_in(again) == [["copy_rejected"]] * 2
    assert states_of(entry_in(again)) == {THIRD: "active"}


def test_a_rejection_changes_the_seeds_of_its_key(rig: Callable[..., Rig]) -> None:
    made = rig(Numbered(DULL))
    first = entry_in(made.run(made.ask()))
    assert entry_in(rule(made, first, DULL, "rejected")).candidates == []
    made.writer.texts = [THIRD]
    made.run(made.ask())
    assert made.writer.asked[0].seed != made.writer.asked[1].seed


def test_where_review_is_on_a_text_waits_until_a_person_lets_it_in(rig: Callable[..., Rig]) -> None:
    made = rig(Numbered(DULL), review="all")
    outs = made.run(made.ask())
    entry = entry_in(outs)
    assert states_of(entry) == {DULL: "review"}
    assert made.pool.texts == {}
    (verdict,) = [msgspec.json.decode(out.value or b"", type=CopyVerdict) for out in outs["review"]]
    assert (verdict.verdict, verdict.codes, verdict.slot_text) == ("review", [], DULL)
    made.run(made.ask())
    assert made.outcomes()["in_review"] == 1
    assert states_of(entry_in(rule(made, entry, DULL, "approved"))) == {DULL: "active"}
    assert [text.slot_text for text in made.pool.texts["p1", "new", "warm"]] == [DULL]


def test_only_a_sensitive_text_waits_where_only_these_are_reviewed(rig: Callable[..., Rig]) -> None:
    standards = Standards(rules=BrandRules(sensitive=("early",)))
    made = rig(Numbered(BRIGHT, DULL), standards, review="sensitive")
    outs = made.run(made.ask())
    assert states_of(entry_in(outs)) == {BRIGHT: "review"}
    assert codes_in(outs) == [["copy_sensitive"]]
    assert states_of(entry_in(made.run(made.ask(variant="bold")))) == {DULL: "active"}


def test_what_was_approved_once_waits_no_more_for_another_product(rig: Callable[..., Rig]) -> None:
    made = rig(Numbered(DULL, DULL), review="all")
    entry = entry_in(made.run(made.ask()))
    rule(made, entry, DULL, "approved")
    made.states.catalogue["p2"] = facts_of(
        msgspec.structs.replace(made.states.catalogue["p1"].product, product_id="p2", name="Other Cup")
    )
    assert states_of(entry_in(made.run(made.ask("p2")))) == {DULL: "active"}


def test_an_approved_text_that_the_pool_has_lost_joins_it_again(rig: Callable[..., Rig]) -> None:
    made = rig(Numbered(DULL), review="all")
    entry = entry_in(made.run(made.ask()))
    made.pool.forget_own()
    made.pool.apply(entry.key(), None)
    assert states_of(entry_in(rule(made, entry, DULL, "approved"))) == {DULL: "active"}


def test_a_roll_back_leaves_the_revision_to_be_made(rig: Callable[..., Rig]) -> None:
    made = rig(Numbered(DULL, BRIGHT, THIRD), candidates=3, creativity=0.0)
    filled(made, made.ask())
    made.states.curation.weigh(Creativity(category="*", creativity=0.9, time_ms=NOW_MS, by="ann", why=""))
    made.worker.idle()
    first = made.worker.step([]).outs
    made.worker.aborted()
    assert made.worker.wants()
    assert made.worker.step([]).outs == first
    made.worker.committed([])
    assert not made.worker.wants()


def test_a_worker_revises_only_the_keys_whose_requests_it_reads(rig: Callable[..., Rig]) -> None:
    made = rig(Numbered(DULL, BRIGHT, THIRD), candidates=3, creativity=0.0)
    filled(made, made.ask())
    made.worker.revoked([0])
    assert weigh(made, 0.9) == {}
    made.worker.assigned({0: 0})
    made.worker.idle()
    assert made.worker.wants()
    assert "copy" in made.run()


def test_the_pool_of_a_moment_ago_does_not_undo_what_was_just_written(rig: Callable[..., Rig]) -> None:
    made = rig(Numbered(DULL, BRIGHT), candidates=2, creativity=0.0)
    old = filled(made, made.ask())
    new = entry_in(weigh(made, 0.3))
    made.pool.apply(old.key(), old)
    assert made.pool.entry(old.key()) == new
    made.pool.apply(new.key(), new)
    made.pool.apply(new.key(), None)
    assert made.pool.entry(new.key()) is None


def test_the_first_text_goes_out_before_more_are_written(rig: Callable[..., Rig]) -> None:
    made = rig(Numbered(DULL, BRIGHT), candidates=2)
    assert states_of(entry_in(made.run(made.ask()))) == {DULL: "active"}
    assert len(made.writer.asked) == 1
    assert made.worker.wants()
    both = entry_in(made.run())
    assert set(states_of(both)) == {DULL, BRIGHT}
    assert not made.worker.wants()


def test_a_request_is_answered_before_more_is_written_for_others(rig: Callable[..., Rig]) -> None:
    made = rig(Numbered(DULL, BRIGHT, THIRD), candidates=2)
    made.run(made.ask())
    outs = made.run(made.ask(variant="bold"))
    assert [out.key for out in outs["copy"]] == [b"p1|new|bold|push|en"]


def test_a_key_that_stays_short_is_tried_a_few_times_and_left(rig: Callable[..., Rig]) -> None:
    made = rig(Numbered(DULL, *[DULL] * 9), candidates=2, tries=3)
    made.run(made.ask())
    rounds = 0
    while made.worker.wants():
        made.run()
        rounds += 1
    assert rounds == 3
    assert len({request.seed for request in made.writer.asked}) == 4


def test_a_rejected_text_does_not_return_in_ten_thousand_generations(rig: Callable[..., Rig]) -> None:
    made = rig(Numbered(DULL), tries=1)
    rule(made, entry_in(made.run(made.ask())), DULL, "rejected")
    made.worker._writer = writer = Stubborn()
    for round_ in range(100):
        made.run(*[made.ask(variant=f"v{round_}-{n}") for n in range(100)])
    assert len(writer.asked) == 10_000
    shown = {text.slot_text for texts in made.pool.texts.values() for text in texts}
    assert shown == {BRIGHT}
