"""A text that has worn off in a segment: it leaves the pool there, another is asked for, and it does not come back."""

from collections.abc import Callable

import msgspec
from generate_rig import BRIGHT, BUNDLE, DULL, NOW_MS, THIRD, Numbered, Rig, codes_in, entry_in, filled, rule, states_of

from inference.decide.assign import Recipe
from inference.generate.copyset import copy_id
from schemas.copy import CopyRequest
from schemas.retirements import Retirement
from streams.kafka.records import Out, Record

RECIPES = {"warm": Recipe("warm", "warm", "shop", "short")}


def retire(made: Rig, slot_text: str, segment: str = "new") -> dict[str, list[Out]]:
    made.states.curation.retired.take(
        Retirement(
            copy_id=copy_id("another bundle", slot_text),
            segment=segment,
            slot_text=slot_text,
            reason="decline",
            figures={"p": 0.001},
            entries=1,
            time_ms=NOW_MS,
            by="learn",
            why="its click rate has declined",
        )
    )
    made.worker.idle()
    return made.run() if made.worker.wants() else {}


def requests(outs: dict[str, list[Out]]) -> list[CopyRequest]:
    return [msgspec.json.decode(out.value or b"", type=CopyRequest) for out in outs.get("requests", [])]


def arrived(made: Rig, out: Out) -> Record:
    made.offset += 1
    return Record("requests", 0, made.offset, NOW_MS, out.key, out.value)


def test_a_retired_text_leaves_what_stands_by_is_shown_and_another_is_written(rig: Callable[..., Rig]) -> None:
    made = rig(Numbered(DULL, BRIGHT), candidates=2, creativity=0.0, recipes=RECIPES)
    assert states_of(filled(made, made.ask())) == {DULL: "active", BRIGHT: "standby"}
    outs = retire(made, DULL)
    assert states_of(entry_in(outs)) == {BRIGHT: "active"}
    (request,) = requests(outs)
    assert request.key() == entry_in(outs).key()
    assert (request.tone, request.cta, request.length, request.decision_id) == ("warm", "shop", "short", "")
    # The model writes what is retired, in another dress, before it writes something else.
    made.writer.texts = ["{NAME}, for {PRICE}, DULL!", THIRD]
    answered = made.run(arrived(made, outs["requests"][0]))
    assert "copy" not in answered
    assert made.outcomes()["renewed"] == made.outcomes()["answered"] == 1
    assert codes_in(made.run()) == [["copy_retired"]]
    assert set(states_of(entry_in(made.run()))) == {BRIGHT, THIRD}
    assert not made.worker.wants()


def test_where_nothing_is_left_the_request_is_written_for_at_once(rig: Callable[..., Rig]) -> None:
    made = rig(Numbered(DULL), recipes=RECIPES)
    filled(made, made.ask())
    outs = retire(made, DULL)
    assert entry_in(outs).candidates == []
    seed = made.writer.asked[-1].seed
    made.writer.texts = [DULL, BRIGHT]
    outs = made.run(arrived(made, outs["requests"][0]))
    assert codes_in(outs) == [["copy_retired"]]
    assert states_of(entry_in(outs)) == {BRIGHT: "active"}
    first, second = made.writer.asked[-2:]
    assert first.seed != seed
    assert second.avoid == ("copy_retired",)


def test_another_segment_keeps_the_text(rig: Callable[..., Rig]) -> None:
    made = rig(Numbered(DULL), recipes=RECIPES)
    filled(made, made.ask())
    assert retire(made, DULL, segment="loyal") == {}
    assert states_of(filled(made)) == {DULL: "active"}


def test_what_was_retired_while_nobody_looked_is_taken_out_by_who_comes_next(rig: Callable[..., Rig]) -> None:
    made = rig(Numbered(DULL), recipes=RECIPES)
    filled(made, made.ask())
    retire(made, DULL, segment="loyal")
    made.worker.revoked([0])
    made.worker.assigned({0: 0})
    retired = made.states.curation.retired
    retired.take(
        Retirement(
            copy_id="c", segment="new", slot_text=DULL, reason="familiar", figures={}, entries=1, time_ms=1, by="learn",
            why="",
        )
    )  # fmt: skip
    retired.take_changed()
    made.worker.idle()
    outs = made.run()
    assert entry_in(outs).candidates == []
    assert len(requests(outs)) == 1


def test_a_batch_that_is_rolled_back_asks_again(rig: Callable[..., Rig]) -> None:
    made = rig(Numbered(DULL), recipes=RECIPES)
    filled(made, made.ask())
    made.states.curation.retired.take(
        Retirement(
            copy_id="c", segment="new", slot_text=DULL, reason="familiar", figures={}, entries=1, time_ms=1, by="learn",
            why="",
        )
    )  # fmt: skip
    made.worker.idle()
    assert [out.topic for out in made.worker.step([]).outs] == ["copy", "requests"]
    made.worker.aborted()
    assert made.worker.wants()
    assert len(requests(made.run())) == 1
    assert not made.worker.wants()


def test_a_variant_that_is_no_arm_any_more_asks_for_nothing(rig: Callable[..., Rig]) -> None:
    made = rig(Numbered(DULL), recipes={})
    filled(made, made.ask())
    outs = retire(made, DULL)
    assert entry_in(outs).candidates == []
    assert requests(outs) == []


def test_a_persons_approval_does_not_bring_a_retired_text_back(rig: Callable[..., Rig]) -> None:
    made = rig(Numbered(DULL), recipes=RECIPES)
    first = filled(made, made.ask())
    assert first.candidates[0].copy_id == copy_id(BUNDLE, DULL)
    retire(made, DULL)
    assert rule(made, first, DULL, "approved") == {}
    assert not made.worker.wants()
