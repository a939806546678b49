"""What `patter check` says about settings without starting anything."""

from pathlib import Path

import pytest

from patter.wiring.check import all_problems


def _settings(tmp_path: Path, rules: str | None) -> Path:
    brand, settings = tmp_path / "brand.toml", tmp_path / "patter.toml"
    if rules is not None:
        brand.write_text(rules, encoding="utf-8")
    settings.write_text(f'brand_rules = "{brand}"\n', encoding="utf-8")
    return settings


def test_brand_rules_that_can_be_kept_are_no_problem(tmp_path: Path) -> None:
    assert all_problems(_settings(tmp_path, 'banned = ["cheap"]')) == []


@pytest.mark.parametrize(
    ("rules", "what"),
    [
        (None, "cannot be read"),
        ('bannd = ["cheap"]', "there is no field 'bannd'"),
        ('[required]\npush = ["' + "x" * 100 + '"]', "leaves 19 of the 120 characters"),
    ],
)
def test_brand_rules_that_are_wrong_are_told_by_their_setting(tmp_path: Path, rules: str | None, what: str) -> None:
    (problem,) = all_problems(_settings(tmp_path, rules))
    assert problem.field == "brand_rules"
    assert what in problem.message
    assert "brand.toml" in problem.message
