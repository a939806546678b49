"""The feedback rows of the summary say what the result says, and hide no failure."""

from io import StringIO

from rich.console import Console

from patter.demo.view_learned import learned


def told(result: dict[str, object]) -> str:
    console = Console(width=400, record=True, file=StringIO())
    console.print(learned(result))
    return console.export_text()


def test_it_says_what_came_back_and_what_the_policy_did() -> None:
    text = told(
        {
            "feedback": {"impressions": 1200, "imputed": 3, "clicks": 80, "match": {"token": 4, "none": 1}, "late": 2},
            "policy": {"versions": 30, "best_share_first": 0.31, "best_share_last": 0.78, "best_share_last_low": 0.75},
            "verify": {"cells": 900, "sketches": 28, "differing": 0},
            "reach": {"shoppers": {"impressions": 700, "clicks": 60, "orders": 9}, "most_orders": "D0040"},
            "online_equals_batch": True,
        }
    )
    for part in (
        "1,200 impressions (3 imputed)",
        "80 clicks",
        "4 token",
        "1 none",
        "31%",
        "78%",
        "700 shoppers saw copy, 60 clicked, 9 ordered; most orders by product D0040",
        "900 cells and 28 sketches counted again in SQL",
        "online equals batch",
    ):
        assert part in text


def test_a_difference_is_not_hidden_and_what_is_unknown_is_a_dash() -> None:
    text = told({"verify": {"cells": 900, "differing": 2}, "online_equals_batch": False, "policy": {}})
    assert "2 differ: NOT equal" in text
    assert "- versions" in text
