"""What the recompute is given besides the log, and what it answers."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from features.aggregates.records import Written
from inference.decide.assign import Holdout
from schemas.agents import AgentRules, RulesSpan
from schemas.trial_groups import TrialsSpan


class Rules(Struct, frozen=True, kw_only=True):
    """Token keys by id, rules that tell bots, the tenant's currency, three limits, and who is held out of the settings'
    experiment (None: nobody).

    `spans` are the rules that collect counted under, from which offset on, by partition; where they are not known
    `agents` hold from the beginning. `trials` are likewise the experiments by which it counted orders.
    """

    keys: Mapping[int, bytes]
    lateness_ms: int
    agents: AgentRules
    currency: str
    max_cells: int
    max_copies: int
    spans: Mapping[int, Sequence[RulesSpan]] = {}
    trials: Mapping[int, Sequence[TrialsSpan]] = {}
    holdout: Holdout | None = None


class OnlineSource(Struct, frozen=True, kw_only=True):
    """What one source has published: cell -> (through, counters), and its progress.

    Up to `settled` all of it must have arrived; None stands for `through`. It is lower where batches were under way
    while the cells were read, and a cell that expires in one of them may then be there or not. `reach` are its
    sketches, None where they are not to be compared.
    """

    cells: Mapping[str, tuple[int, Mapping[str, int]]]
    through: int
    high_ms: int
    settled: int | None = None
    reach: Written | None = None


class Difference(Struct, frozen=True, kw_only=True):
    """Where online and batch disagree in one field of one cell of one partition.

    `field` is a counter, or `through`: there `online` is how far the entry goes (None: there is no entry) and `batch`
    the newest offset that belongs in it (None: there must be no entry). The cell `progress` has the fields `through`
    and `high_ms`.

    A cell `sketch|...` is a sketch. Its fields are `records` (whether it is there), `shoppers` (estimates: two sketches
    of other shoppers may estimate alike), `total`, `slack` and the codes of products. Where a field begins with
    `exact`, the batch's own sketch (`online`) does not hold what is true (`batch`).
    """

    partition: int
    cell: str
    field: str
    online: int | None
    batch: int | None
