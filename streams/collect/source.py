"""One source: everything that is known of one partition of the input log, event by event. No clock, no I/O.

Its counters are a function of the log up to `through`; see docs/feedback.md.
"""

from collections.abc import Callable, Mapping

from inference.decide.assign import held_out
from inference.experiment.trial_groups import TrialGroups
from schemas.agents import WATCHED_MS, RulesSpan, suppressed_by
from schemas.cells import ArmCell
from schemas.decode import Rejection, time_ms
from schemas.events import (
    CartAdded,
    CopyClick,
    CopyImpression,
    Event,
    ListViewed,
    OrderPlaced,
    OrderRefunded,
    ProductViewed,
)
from schemas.shopper_sums import HELD_OUT, TREATED, UNIT, counted_weight, pair_cell
from schemas.token import NO_CODE, Claims, code_of, verify
from schemas.trial_groups import TrialsSpan, Tried
from streams.agents.names import AgentNames
from streams.collect import activity, ledger, numbered, shopper, watch
from streams.collect.counts import Counts
from streams.collect.ledger import Line
from streams.collect.orders import Buyer, place, refund
from streams.collect.reached import Reached
from streams.collect.rules import TOKEN_MS, Rules
from streams.collect.shopper import CARTED, CLICKED, ORDERED, SEEN, Decision, Shopper
from streams.collect.sums import GROUPS
from streams.collect.watch import Watch

NOWHERE = -1
CategoryOf = Callable[[str], str | None]


class Source:
    """State and counters of one partition. `touched` and `ordered` are what changed since the last `settle`.

    `spans` are the rules on bots under which it has counted, `trials` the experiments by which, the newest last.
    `begin` has to be called before `take`.
    """

    def __init__(self, name: str, rules: Rules, category_of: CategoryOf = lambda _product: None) -> None:
        self.name, self._rules, self._category_of = name, rules, category_of
        self._agents = AgentNames(rules.agents)
        self.spans: list[RulesSpan] = []
        self.fresh_spans = 0
        self.trials: list[TrialsSpan] = []
        self.fresh_trials = 0
        self._tried = TrialGroups(rules.holdout, ())
        self.through = NOWHERE
        self.counts = Counts(rules.max_cells, rules.max_copies, _groups(rules))
        self.shoppers: dict[str, bytes] = {}
        self.orders: dict[str, bytes] = {}
        self.touched: set[str] = set()
        self.ordered: set[str] = set()
        self.reached = Reached(name)
        self._acting = ""

    def settle(self) -> None:
        """What changed is written down."""
        self.touched, self.ordered = set(), set()
        self.fresh_spans = self.fresh_trials = 0
        self.counts.settle()
        self.reached.settle()

    def begin(self) -> None:
        """Count by the rules of now from here on. What was counted by others stays, and they are remembered with it."""
        rules = self._rules.agents
        if not self.spans or self.spans[-1].rules != rules:
            self.spans.append(RulesSpan(since=self.through + 1, rules=rules))
            self.fresh_spans += 1

    def try_out(self, trials: tuple[Tried, ...]) -> None:
        """Count orders by intent to treat in these experiments, too, from here on."""
        if trials != (self.trials[-1].trials if self.trials else ()):
            self.trials.append(TrialsSpan(since=self.through + 1, trials=trials))
            self.fresh_trials += 1
        elif bool(trials) == bool(self._tried):
            return
        self._tried = TrialGroups(self._rules.holdout, trials)

    def take(self, offset: int, event: Event | Rejection) -> None:
        """Count a record. One that was counted already is passed over: its state was written before its offset."""
        if offset <= self.through:
            return
        self.through = offset
        total, counts = self.counts.total, self.counts
        if isinstance(event, Rejection):
            total["rejected"] += 1
            return
        total["events"] += 1
        moment_ms = time_ms(event.time)
        counts.high_ms = max(counts.high_ms, moment_ms)
        if moment_ms < counts.high_ms - self._rules.lateness_ms:
            total["late"] += 1
            return
        answers = isinstance(event, CopyImpression | CopyClick | OrderPlaced | OrderRefunded) or (
            isinstance(event, CartAdded) and event.token is not None
        )
        tagged = self._agents[event.user_agent]
        if tagged is None and (answers or isinstance(event, ProductViewed | ListViewed | CartAdded)):
            known = shopper.opened(self.shoppers.get(event.user_id))
            tagged = self._watched(event, known, moment_ms)
            self._acting = event.user_id
            if tagged is None:
                self._answer(event, known, moment_ms, offset)
            if tagged is None or watch.watched(event):
                self._close(event.user_id, known)
        if tagged is not None and answers:
            total["suppressed"] += 1
            by_rule = suppressed_by(tagged)
            total[by_rule] = total.get(by_rule, 0) + 1

    def _watched(self, event: Event, known: Shopper, moment_ms: int) -> str | None:
        """The rule that tags this event for what its shopper did lately, if one does."""
        rules, span = self._rules.agents.watch, len(self.spans) - 1
        seen = known.watch
        if seen is not None and seen.span != span:
            # Other rules count from their first event on: what was watched for the old ones says nothing to them.
            seen = known.watch = None
        if watch.watched(event) and moment_ms >= self.counts.high_ms - WATCHED_MS and rules:
            seen = known.watch = seen or Watch(span)
            watch.note(seen, event, moment_ms, rules)
        return None if seen is None else watch.tag(seen, moment_ms, rules)

    def _answer(self, event: Event, known: Shopper, moment_ms: int, offset: int) -> None:
        session = code_of(event.session_id) if event.session_id else NO_CODE
        if isinstance(event, OrderRefunded):
            self._refund(event, known, moment_ms)
        elif isinstance(event, OrderPlaced):
            activity.note_order(known, moment_ms)
            self._order(event, known, moment_ms, session)
        elif isinstance(event, CopyImpression | CopyClick):
            claims = self._claims(event.token)
            if claims is None:
                return
            decision = self._decision(known, claims)
            if isinstance(event, CopyClick):
                activity.note(known, "clicks", moment_ms)
                if self._mark(known, decision, CLICKED, moment_ms):
                    decision.click(moment_ms, offset, session)
            else:
                activity.note(known, "impressions", moment_ms)
                if self._mark(known, decision, SEEN, moment_ms):
                    decision.see(moment_ms, offset, session)
        elif isinstance(event, ProductViewed | ListViewed | CartAdded):
            self._looked(event, known, moment_ms)

    def _looked(self, event: ProductViewed | ListViewed | CartAdded, known: Shopper, moment_ms: int) -> None:
        activity.note(known, "carts" if isinstance(event, CartAdded) else "views", moment_ms)
        if event.product_id is not None:
            known.category = self._category_of(event.product_id) or known.category
        if isinstance(event, CartAdded) and event.token is not None:
            claims = self._claims(event.token)
            if claims is not None:
                self._mark(known, self._decision(known, claims), CARTED, moment_ms)

    def _claims(self, token: str) -> Claims | None:
        """What a token says that counts."""
        total, claims = self.counts.total, verify(token, self._rules.keys)
        if claims is None:
            total["token_invalid"] += 1
        elif claims.time_ms < self.counts.high_ms - TOKEN_MS:
            total["token_expired"] += 1
        elif claims.holdout or claims.excluded or claims.arm == NO_CODE:
            total["excluded"] += 1
        else:
            return claims
        return None

    def _decision(self, known: Shopper, claims: Claims) -> Decision:
        """What the first token of a decision said holds for it, whatever another one of it says."""
        counts, number = self.counts, int.from_bytes(claims.decision_id[:8], "big")
        decision = known.known(number, counts.high_ms)
        if decision is None:
            where = claims.experiment, claims.category, claims.segment
            named = claims.copy != NO_CODE
            decision = Decision(
                number,
                claims.time_ms,
                counts.arms.number_of(ArmCell(*where, claims.arm)),
                claims.product,
                copy=counts.copies.number_of(ArmCell(*where, claims.copy)) if named else numbered.NOWHERE,
                pair=counts.sums.pairs.number_of(pair_cell(claims.experiment, claims.arm)),
                weight=counted_weight(claims.propensity),
            )
            known.held.append(decision)
        return decision

    def _count(self, known: Shopper, of: Decision | Line, moment_ms: int, amounts: dict[str, int]) -> None:
        """Count what an event does to one decision of a shopper."""
        self.counts.add(of.arm, of.copy, moment_ms, of.decided_ms, amounts)
        self.counts.sums.grow(known.brought, of.pair, of.weight, amounts, self.counts.high_ms)
        if isinstance(of, Decision):
            # Else it is a refund, which lowers nothing. A decision is answered by its own shopper alone.
            self.reached.note(self._acting, of.product, moment_ms, self.counts.high_ms, self.through, amounts)

    def _mark(self, known: Shopper, decision: Decision, bit: int, moment_ms: int) -> bool:
        """Set one of a decision's bits and count what follows from it; whether it was not set before."""
        total = self.counts.total
        if decision.bits & bit:
            total["duplicates"] += bit != ORDERED
            return False
        amounts: dict[str, int] = {}
        before = decision.bits
        decision.bits |= bit
        if bit == CLICKED and not before & SEEN:
            decision.bits |= SEEN
            amounts["imputed"] = 1
        if decision.bits & SEEN and not before & SEEN:
            amounts["impressions"] = 1
        if bit == CLICKED:
            amounts["clicks"] = 1
        if bit == CARTED:
            amounts["carts"] = 1
        for name in amounts:
            total[name] += 1
        if bit == ORDERED:
            amounts["orders"] = 1
        for name, both in (
            ("clicked_carts", CLICKED | CARTED),
            ("clicked_orders", CLICKED | ORDERED),
            ("impressed_orders", SEEN | ORDERED),
        ):
            if decision.bits & both == both and before & both != both:
                amounts[name] = 1
        self._count(known, decision, moment_ms, amounts)
        return True

    def _order(self, event: OrderPlaced, known: Shopper, moment_ms: int, session: int) -> None:
        own = self._claims(event.token) if event.token is not None else None
        lines = [self._claims(line.token) if line.token is not None else None for line in event.lines]
        order = ledger.opened(self.orders.get(event.order_id), self.counts.high_ms)
        buyer = Buyer(event.user_id, known, self._decision, self._mark, self._count, moment_ms, session)
        total = self.counts.total
        before = {name: total[name] for name in ("orders", "revenue_minor")}
        placed = place(self.counts, order, event, own, lines, buyer, self._rules.currency)
        gained = {name: total[name] - count for name, count in before.items() if total[name] > count}
        if gained:
            self._bought(event.user_id, known, moment_ms, gained)
        if placed is not None:
            self.orders[event.order_id] = ledger.closed(placed)
            self.ordered.add(event.order_id)

    def _bought(self, user_id: str, known: Shopper, moment_ms: int, gained: Mapping[str, int]) -> None:
        """Count what an order brings by intent to treat: whatever was shown to the shopper."""
        sums, high_ms = self.counts.sums, self.counts.high_ms
        if self._rules.holdout is not None:
            group = GROUPS - (not held_out(self._rules.holdout, user_id))
            sums.grow(known.brought, group, UNIT, gained, high_ms)
        found = self._tried.of(user_id, moment_ms) if self._tried else None
        if found is not None:
            experiment, out = found
            pair = sums.pairs.number_of(pair_cell(code_of(experiment), code_of(HELD_OUT if out else TREATED)))
            sums.grow(known.brought, pair, UNIT, gained, high_ms)

    def _refund(self, event: OrderRefunded, known: Shopper, moment_ms: int) -> None:
        order = ledger.opened(self.orders.get(event.order_id), self.counts.high_ms)

        def count(line: Line, amounts: dict[str, int]) -> None:
            # Whose decision it was, whoever sends the refund.
            if line.buyer == event.user_id:
                self._count(known, line, moment_ms, amounts)
                return
            buyer = shopper.opened(self.shoppers.get(line.buyer))
            self._count(buyer, line, moment_ms, amounts)
            self._close(line.buyer, buyer)

        if refund(self.counts, order, event, count) and order is not None:
            self.orders[event.order_id] = ledger.closed(order)
            self.ordered.add(event.order_id)

    def tidy(self, known: Shopper) -> None:
        """Forget of a shopper what cannot matter any more."""
        high_ms, lateness_ms = self.counts.high_ms, self._rules.lateness_ms
        known.close(high_ms, lateness_ms)
        activity.forget(known, high_ms)
        if known.watch is not None and self._is_over(known.watch, high_ms, lateness_ms):
            known.watch = None

    def _is_over(self, seen: Watch, high_ms: int, lateness_ms: int) -> bool:
        rules = self._rules.agents.watch
        return seen.span != len(self.spans) - 1 or watch.is_idle(seen, high_ms, lateness_ms, rules)

    def _close(self, user_id: str, known: Shopper) -> None:
        self.tidy(known)
        if not known.is_empty():
            self.shoppers[user_id] = shopper.closed(known)
        elif self.shoppers.pop(user_id, None) is None:
            return
        self.touched.add(user_id)


def _groups(rules: Rules) -> tuple[ArmCell, ...]:
    if rules.holdout is None:
        return ()
    experiment = code_of(rules.holdout.name)
    return pair_cell(experiment, code_of(HELD_OUT)), pair_cell(experiment, code_of(TREATED))
