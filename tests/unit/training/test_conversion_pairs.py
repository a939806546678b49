import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.arms import Arm
from schemas.errors import ConfigError
from training.conversion.pairs import merged, pairs_of, z_of
from training.conversion.split import apart, folds_of, splits


def arm(text="a", clicks=10, *, test="t", group="g", image="i", shown=1000, excluded=False, segment="any"):
    return Arm(
        test=test,
        group=group,
        text=text,
        image=image,
        impressions=shown,
        clicks=clicks,
        excluded=excluded,
        segment=segment,
    )


def test_pairs_are_of_one_test_and_image_with_unequal_rates():
    rows = [
        arm("a", 10),
        arm("b", 20),
        arm("c", 30, image="other"),
        arm("d", 40, test="other"),
        arm("e", 50, excluded=True),
        arm("f", 20, shown=2000),
        arm("g", 60, segment="other"),
        arm("h", 0, shown=0),
    ]
    found = pairs_of(rows)
    assert [(rows[pair.a].text, rows[pair.b].text) for pair in found.pairs] == [("a", "b"), ("b", "f")]
    assert found.equal_rates == 1
    assert [pair.z > 0 for pair in found.pairs] == [False, True]


def test_one_text_twice_is_no_pair_and_its_counts_are_added_for_the_fit():
    rows = [arm("a", 10), arm("a", 20), arm("b", 40)]
    assert pairs_of(rows).same_texts == 1
    assert len(pairs_of(rows).pairs) == 2
    assert [(each.text, each.impressions, each.clicks) for each in merged(rows)] == [("a", 2000, 30), ("b", 1000, 40)]


def test_z_is_that_of_two_proportions():
    # 30 of 1000 against 10 of 1000: 0.02 / sqrt(0.02 * 0.98 * 0.002).
    assert z_of(arm(clicks=30), arm(clicks=10)) == pytest.approx(3.1944, abs=1e-4)
    assert z_of(arm(clicks=10), arm(clicks=30)) == pytest.approx(-3.1944, abs=1e-4)
    assert z_of(arm(clicks=1, shown=3), arm(clicks=3, shown=9)) == 0
    assert z_of(arm(clicks=0), arm(clicks=0)) == 0


GROUPS = st.lists(st.sampled_from("abcdefghijklmnop"), min_size=40, max_size=80)


@given(GROUPS, st.integers(0, 99))
def test_no_group_is_on_both_sides_of_a_split_and_every_row_is_measured_once(groups, seed):
    rows = [arm(f"text {index}", group=group) for index, group in enumerate(groups)]
    if len(set(groups)) < 3:
        return
    measured = []
    for inside, outside in splits(rows, 3, seed):
        assert not {row.group for row in inside} & {row.group for row in outside}
        assert len(inside) + len(outside) == len(rows)
        measured += [row.text for row in outside]
    assert sorted(measured) == sorted(row.text for row in rows)


def test_a_group_s_fold_is_its_own_whatever_stands_beside_it():
    assert folds_of(["a", "b", "c"], 5, 1) == [folds_of([name], 5, 1)[0] for name in "abc"]
    assert len(set(folds_of([f"g{k}" for k in range(100)], 5, 1))) == 5


def test_too_few_groups_are_refused():
    with pytest.raises(ConfigError):
        list(splits([arm()], 2, 1))


def test_groups_of_the_test_are_dropped_from_training_and_counted():
    kept, dropped = apart([arm(group="g"), arm(group="h"), arm(group="h")], [arm(group="h"), arm(group="x")])
    assert [row.group for row in kept] == ["g"]
    assert dropped == 1
