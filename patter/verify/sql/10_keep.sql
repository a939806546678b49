-- What counting on from a barrier needs of all that lies up to it: the cells so far, and what later events may meet.
-- Whatever is left out here cannot meet one any more, however late it comes. Times of events to come lie at or after
-- high less lateness, tokens' at or after high less 7 days; high never falls.
CREATE TABLE kept_source AS
SELECT
    barrier.part, through,
    (SELECT max(time_ms) FROM (
        SELECT part, off, time_ms FROM event UNION ALL SELECT part, through, high FROM carried_source
    ) AS any_event WHERE any_event.part = barrier.part AND off <= through) AS high,
    (SELECT max(life) FROM decision_life) AS life
FROM barrier;

CREATE TABLE horizon AS
SELECT
    part, through, high, coalesce(high, 0) - days(1) AS watch_ms, coalesce(high, 0) - lateness_ms AS late_ms,
    coalesce(high, 0) - days(7) AS token_ms, coalesce(high, 0) - lateness_ms - days(7) AS touch_ms,
    coalesce(high, 0) - days(30) AS order_ms, coalesce(high, 0) // days(1) - 90 AS shopper_day
FROM kept_source, rules;

-- What the rules on bots have seen: the newest act, the last impression, and each rule's newest window.
CREATE TABLE kept_watch AS
WITH watched AS (
    SELECT
        move.part, move.span, move.shopper,
        max(time_ms) FILTER (WHERE kind <> 'copy_impression') AS act_ms,
        arg_max(text, move.off) FILTER (WHERE kind = 'copy_impression') AS seen,
        arg_max(time_ms, move.off) FILTER (WHERE kind = 'copy_impression') AS seen_ms
    FROM move JOIN horizon ON horizon.part = move.part AND move.off <= through
    GROUP BY move.part, move.span, move.shopper
), every_one AS (
    SELECT
        part, span, shopper, greatest(watched.act_ms, carried.act_ms) AS act_ms,
        coalesce(watched.seen, carried.seen) AS seen, coalesce(watched.seen_ms, carried.seen_ms) AS seen_ms
    FROM watched FULL JOIN carried_watch AS carried USING (part, span, shopper)
)
SELECT every_one.* FROM every_one JOIN horizon USING (part)
WHERE act_ms >= watch_ms AND EXISTS (FROM watch_rule)
    OR seen_ms >= watch_ms - (SELECT max(within_ms) FROM watch_rule);

CREATE TABLE kept_wire AS
SELECT wire.part, any_value(through) AS off, span, shopper, rank,
    arg_max(window_ms, wire.off) AS window_ms, arg_max(stretch, wire.off) AS stretch, arg_max(number, wire.off) AS number
FROM wire JOIN horizon ON horizon.part = wire.part AND wire.off <= through
GROUP BY wire.part, span, shopper, rank
HAVING (arg_max(stretch, wire.off) + 1) * arg_max(window_ms, wire.off) > any_value(watch_ms);

CREATE TABLE kept_trip AS
WITH every_one AS (
    SELECT trip.part, span, shopper, rank, name, hold_ms, trip_ms
    FROM trip JOIN horizon ON horizon.part = trip.part AND trip.off <= through
    UNION ALL
    FROM carried_trip
)
SELECT every_one.part, span, shopper, rank, name, hold_ms, max(trip_ms) AS tripped_ms
FROM every_one JOIN horizon ON horizon.part = every_one.part
GROUP BY every_one.part, span, shopper, rank, name, hold_ms
HAVING max(trip_ms) + hold_ms >= any_value(late_ms);

-- Decisions that a token may name still, and those with a touch that an order may be an answer to.
CREATE TABLE kept_life AS
SELECT decision_life.*
FROM decision_life JOIN horizon ON horizon.part = decision_life.part AND decision_life.off <= through
WHERE decided_ms >= token_ms;

CREATE TABLE open_decision AS
SELECT part, shopper, life AS decision FROM kept_life
UNION
SELECT touch.part, shopper, decision
FROM touch JOIN horizon ON horizon.part = touch.part AND touch.off <= through
WHERE time_ms >= touch_ms;

CREATE TABLE kept_feedback AS
SELECT feedback.*
FROM counted JOIN feedback USING (part, off) SEMI JOIN open_decision
    ON open_decision.part = counted.part AND open_decision.shopper = counted.shopper
    AND open_decision.decision = counted.decision
JOIN horizon ON horizon.part = counted.part AND counted.off <= through;

CREATE TABLE kept_first AS
SELECT first_credit.part, first_credit.off, place, first_credit.shopper, first_credit.decision
FROM first_credit SEMI JOIN open_decision USING (part, shopper, decision)
JOIN horizon ON horizon.part = first_credit.part AND first_credit.off <= through;

CREATE TABLE kept_order AS
SELECT known_order.part, order_no, since, placed_ms
FROM known_order JOIN horizon ON horizon.part = known_order.part AND since <= through
WHERE placed_ms >= order_ms;

CREATE TABLE kept_credit AS
SELECT credit.* EXCLUDE (shown_product)
FROM credit SEMI JOIN kept_order USING (part, order_no, since)
JOIN horizon ON horizon.part = credit.part AND credit.off <= through;

CREATE TABLE kept_refund AS
SELECT refund.part, refund.off, order_no, refund_no, since
FROM refund SEMI JOIN kept_order USING (part, order_no, since)
JOIN horizon ON horizon.part = refund.part AND refund.off <= through
WHERE refund_verdict = 'counted';

-- In the order in which they were first counted: past a limit they are `other`.
CREATE TABLE kept_arm AS
SELECT arm.part, experiment, category, segment, variant, since.off AS off, since.place AS place
FROM arm JOIN horizon ON horizon.part = arm.part AND since.off <= through
WHERE arm <> 'ffffffff|ffffffff|ffffffff|ffffffff' OR is_other;

CREATE TABLE kept_text AS
SELECT text.part, experiment, category, segment, copy, since.off AS off, since.place AS place
FROM text JOIN horizon ON horizon.part = text.part AND since.off <= through
WHERE arm <> 'ffffffff|ffffffff|ffffffff|ffffffff' OR is_other;

CREATE TABLE kept_pair AS
SELECT pair.part, experiment, variant, since.off AS off, since.place AS place
FROM pair JOIN horizon ON horizon.part = pair.part AND since.off <= through
WHERE pair <> 'ffffffff|ffffffff|ffffffff|ffffffff';

CREATE TABLE kept_standing AS
SELECT shopper_standing.part, off, shopper, pair, high_day, unnest(now), before_impressions, before_clicks
FROM shopper_standing JOIN shopper_before USING (part, shopper, pair, life)
JOIN horizon ON horizon.part = shopper_standing.part AND off <= through
WHERE high_day >= shopper_day
QUALIFY row_number() OVER (PARTITION BY shopper_standing.part, shopper, pair ORDER BY off DESC) = 1;

CREATE TABLE kept_cell AS
WITH summed AS (
    SELECT id, counter, contribution.part, max(off) AS off, sum(amount)::HUGEINT AS amount
    FROM contribution JOIN horizon ON horizon.part = contribution.part AND off <= through
    GROUP BY id, counter, contribution.part
)
SELECT
    cell.part, family, name, start_ms, expires_ms, arm, max(off) OVER (PARTITION BY id) AS off, counter, amount
FROM summed JOIN cell USING (id) JOIN horizon ON horizon.part = cell.part
WHERE coalesce(expires_ms > high, true);
