"""Beliefs from counts, by hand; and the interval of a rate."""

import pytest

from inference.decide.fit import Tally, fit
from inference.decide.intervals import wilson
from schemas.policies import Beta

ARMS = ("template", "bold")


def mean(belief: Beta) -> float:
    return belief.alpha / (belief.alpha + belief.beta)


def test_without_data_every_arm_is_believed_the_same() -> None:
    found = fit({}, ARMS, 20.0)
    assert found.prior == {"template": Beta(10.0, 10.0), "bold": Beta(10.0, 10.0)}
    assert (found.cells, found.trials) == ([], 0)


def test_the_formula_by_hand() -> None:
    tallies = {
        ("bags", "new", "bold"): Tally(8, 10),
        ("bags", "regular", "bold"): Tally(2, 10),
        ("shoes", "new", "template"): Tally(0, 20),
    }
    found = fit(tallies, ARMS, 10.0)
    middle = 11 / 42
    bold = (10 + 10 * middle) / 30
    bags_bold = (10 + 10 * bold) / 30
    first = found.cells[0]
    assert (first.category, first.segment, found.trials) == ("bags", "new", 40)
    assert first.arms["bold"].alpha == pytest.approx(8 + 10 * bags_bold, abs=1e-4)
    assert first.arms["bold"].beta == pytest.approx(2 + 10 * (1 - bags_bold), abs=1e-4)
    assert mean(found.prior["bold"]) == pytest.approx(bold, abs=1e-4)
    # The template was never shown there: its belief is the category's, which is its global one.
    assert mean(first.arms["template"]) == pytest.approx((10 * middle) / 30, abs=1e-4)


def test_without_shrinkage_a_cell_stands_alone() -> None:
    found = fit({("bags", "new", "bold"): Tally(8, 10), ("bags", "regular", "bold"): Tally(0, 90)}, ARMS, 0.0)
    assert found.cells[0].arms == {"bold": Beta(9.0, 3.0), "template": Beta(1.0, 1.0)}
    assert found.prior["template"] == Beta(1.0, 1.0)


def test_what_is_no_arm_any_more_is_left_out() -> None:
    found = fit({("bags", "new", "gone"): Tally(8, 10)}, ARMS, 20.0)
    assert (found.cells, set(found.prior), found.trials) == ([], set(ARMS), 0)


def test_the_smallest_cells_are_left_to_the_prior() -> None:
    tallies = {(f"c{number}", "new", "bold"): Tally(0, number + 1) for number in range(5)}
    assert [cell.category for cell in fit(tallies, ARMS, 20.0, most=2).cells] == ["c3", "c4"]
    assert fit(tallies, ARMS, 20.0, most=2).prior == fit(tallies, ARMS, 20.0).prior


def test_wilson_by_published_figures() -> None:
    # Newcombe 1998, table I, method 3 (doi 10.1002/(SICI)1097-0258(19980430)17:8<857::AID-SIM777>3.0.CO;2-E).
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(15, 148) == pytest.approx((0.0624, 0.1605), abs=5e-5)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)
    assert wilson(1, 29) == pytest.approx((0.0061, 0.1718), abs=5e-5)
    assert wilson(20, 20)[1] == 1.0


@pytest.mark.parametrize(("successes", "trials"), [(0, 0), (2, 1), (-1, 1)])
def test_what_is_no_rate_has_no_interval(successes: int, trials: int) -> None:
    with pytest.raises(ValueError, match="no rate"):
        wilson(successes, trials)
