"""What counting depends on besides the log. docs/feedback.md is the law."""

from collections.abc import Mapping

from msgspec import Struct

from inference.decide.assign import Holdout
from schemas.agents import AgentRules
from schemas.cells import DAY_MS

# A click is an answer to copy for a week, an impression for a day: the windows that shops' ad platforms use by default.
CLICK_MS = 7 * DAY_MS
IMPRESSION_MS = DAY_MS
# Feedback on a decision older than this is none: what would have to be remembered is bounded by it.
TOKEN_MS = 7 * DAY_MS
# Orders are known for refunds this long, as long as decisions can be attributed and returns are usually open.
ORDER_MS = 30 * DAY_MS
TOUCHES = 20


class Rules(Struct, frozen=True, kw_only=True):
    """Token keys by id, the tenant's currency, rules that tell bots, three limits, and who is held out of the settings'
    experiment (None: nobody).
    """

    keys: Mapping[int, bytes]
    currency: str
    agents: AgentRules
    lateness_ms: int
    max_cells: int
    max_copies: int
    holdout: Holdout | None = None
