"""What a person's word, fatigue, or another P_conv makes of an entry: rejected and retired texts leave it, approved
ones join it, and the rest is ranked anew.

Nothing is written by the model here. Pure.
"""

import msgspec

from inference.decide.facts import Facts
from schemas.copy import Candidate, CopyKey, PoolEntry
from schemas.curation import CopyRuling
from streams.broadcast.curation import Curation
from streams.generate.measure import Measure
from streams.generate.rank import HELD, ranked


def revised(
    key: CopyKey, entry: PoolEntry | None, facts: Facts, curation: Curation, measure: Measure
) -> PoolEntry | None:
    """The entry as it should stand now; None where there is nothing to say about the key."""
    before = entry.candidates if entry else []
    kept = [_freed(each, curation) for each in before if not curation.bars(each.slot_text, key.segment)]
    known = {each.copy_id for each in kept}
    joining = [
        _candidate(ruling)
        for ruling in curation.approved(key)
        if ruling.copy_id not in known
        and ruling.bundle_sha256 == measure.bundle_sha256
        and not curation.bars(ruling.slot_text, key.segment)
    ]
    if entry is None and not joining:
        return None
    candidates = [*kept, *joining]
    if len(candidates) != len(before) or joining:
        candidates = measure.diversified(candidates, key.segment, facts)
    else:
        candidates = measure.predicted(candidates, key.segment)
    whole = PoolEntry(
        product_id=key.product_id,
        segment=key.segment,
        variant=key.variant,
        channel=key.channel,
        locale=key.locale,
        candidates=candidates,
    )
    return ranked(whole, measure.creativity(facts, curation), measure.worth(facts), measure.active)


def _freed(candidate: Candidate, curation: Curation) -> Candidate:
    """A text that waited and is approved now waits no more."""
    if candidate.state == HELD and curation.approves(candidate.copy_id):
        return msgspec.structs.replace(candidate, state="standby")
    return candidate


def _candidate(ruling: CopyRuling) -> Candidate:
    return Candidate(
        copy_id=ruling.copy_id,
        slot_text=ruling.slot_text,
        state="standby",
        bundle_sha256=ruling.bundle_sha256,
        prompt_id=ruling.prompt_id,
    )
