"""Sums are a function of the newest partials, whatever came twice, late or in between; beliefs follow the counts."""

from hypothesis import given
from hypothesis import strategies as st

from inference.decide.fit import Tally, fit
from inference.decide.intervals import wilson
from schemas.partials import Partial
from streams.learn.cells import Value, apply, revision, summed

ARMS = ("template", "bold", "plain")
PREFIXES = st.lists(st.integers(0, 5), min_size=1, max_size=12)


def partial(source: str, counted: list[int], through: int) -> Partial:
    """What a source says after a prefix of its log: a function of the prefix alone, whoever says it."""
    counters = {"impressions": through + 1, "clicks": sum(counted[: through + 1])}
    return Partial(source=source, cell="c", through=through, counters=counters)


@given(st.dictionaries(st.sampled_from(["a:0", "a:1", "b:0"]), PREFIXES, min_size=1), st.data())
def test_any_order_any_repetition_and_any_gap_lead_to_the_same_sum(
    logs: dict[str, list[int]], data: st.DataObject
) -> None:
    records = [partial(source, log, through) for source, log in logs.items() for through in range(len(log))]
    shuffled = data.draw(st.permutations(records)) + data.draw(st.lists(st.sampled_from(records), max_size=10))
    value: Value = {}
    before = 0
    for record in shuffled:
        changed = apply(value, record)
        if changed is not None:
            value = changed
            assert revision(value) > before
            before = revision(value)
    assert {source: through for source, (through, _) in value.items()} == {
        source: len(log) - 1 for source, log in logs.items()
    }
    told = summed(value)
    assert told["impressions"] == sum(map(len, logs.values()))
    assert told.get("clicks", 0) == sum(map(sum, logs.values()))


TALLIES = st.dictionaries(
    st.tuples(st.sampled_from(["bags", "shoes"]), st.sampled_from(["new", "old"]), st.sampled_from(ARMS)),
    st.integers(0, 10_000).flatmap(lambda trials: st.builds(Tally, st.integers(0, trials), st.just(trials))),
)
WEIGHTS = st.one_of(st.just(0.0), st.floats(0.5, 500))


@given(TALLIES, WEIGHTS)
def test_beliefs_are_finite_and_positive(tallies: dict[tuple[str, str, str], Tally], weight: float) -> None:
    found = fit(tallies, ARMS, weight)
    for beliefs in (found.prior, *(cell.arms for cell in found.cells)):
        assert set(beliefs) == set(ARMS)
        for belief in beliefs.values():
            assert 0 < belief.alpha < float("inf")
            assert 0 < belief.beta < float("inf")


@given(TALLIES, WEIGHTS, st.data())
def test_more_clicks_never_lower_an_arms_mean(
    tallies: dict[tuple[str, str, str], Tally], weight: float, data: st.DataObject
) -> None:
    open_ = sorted(place for place, tally in tallies.items() if tally.successes < tally.trials)
    if not open_:
        return
    place = data.draw(st.sampled_from(open_))
    more = dict(tallies)
    more[place] = Tally(more[place].successes + 1, more[place].trials)
    before, after = fit(tallies, ARMS, weight), fit(more, ARMS, weight)
    for old, new in zip(
        (before.prior, *(c.arms for c in before.cells)), (after.prior, *(c.arms for c in after.cells)), strict=True
    ):
        was, is_ = old[place[2]], new[place[2]]
        # Beliefs are rounded to four decimals: a mean may seem to fall by what that takes away.
        assert is_.alpha / (is_.alpha + is_.beta) >= was.alpha / (was.alpha + was.beta) - 1e-4


@given(st.integers(1, 100_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_an_interval_holds_its_rate(counts: tuple[int, int]) -> None:
    low, high = wilson(*counts)
    assert 0 <= low <= counts[0] / counts[1] <= high <= 1
    assert low < high
