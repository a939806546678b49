-- Which events are of bots: by their user agent, or by what their shopper did on the log up to them. docs/agents.md.
-- What a checkpoint carried over is in the tables `carried_...`, all of it of offsets up to carried_source.through.
CREATE MACRO days(n) AS n::BIGINT * 86400000;
-- The columns have names of their own, for `part` of the query around would mean theirs.
CREATE VIEW carried_through AS SELECT part AS carried_part, through AS carried_off FROM carried_source;
CREATE MACRO is_new(p, o) AS o > coalesce((SELECT carried_off FROM carried_through WHERE carried_part = p), -1);

CREATE TABLE prefix AS
WITH ruled AS (
    SELECT event.*, span.number AS span, span.rules
    FROM event ASOF JOIN span ON event.part = span.part AND event.off >= span.since
)
SELECT ruled.*, greatest(max(time_ms) OVER (PARTITION BY ruled.part ORDER BY off), carried_source.high) AS high
FROM ruled LEFT JOIN carried_source ON carried_source.part = ruled.part;

CREATE TABLE named AS
WITH matching AS (
    SELECT
        agent_part.rules, agent_text.no AS agent, rank, any_value(name) AS name,
        bool_or(NOT but) AS holds, bool_or(but) AS spared
    FROM agent_text JOIN agent_part ON contains(text, part)
    GROUP BY agent_part.rules, agent_text.no, rank
)
SELECT rules, agent, arg_min(name, rank) AS name FROM matching WHERE holds AND NOT spared GROUP BY rules, agent;

CREATE TABLE move AS
WITH watched AS (
    SELECT prefix.part, prefix.off, time_ms, kind, prefix.shopper, prefix.span, prefix.rules, text,
        carried.act_ms AS act_before_ms, carried.seen AS seen_before, carried.seen_ms AS seen_before_ms
    FROM prefix JOIN rules ON true
    LEFT JOIN carried_watch AS carried
        ON carried.part = prefix.part AND carried.span = prefix.span AND carried.shopper = prefix.shopper
    LEFT JOIN named ON named.rules = prefix.rules AND named.agent = prefix.agent
    LEFT JOIN (SELECT part, off, text FROM token WHERE place = -1) AS own
        ON own.part = prefix.part AND own.off = prefix.off
    WHERE named.name IS NULL AND time_ms >= high - least(lateness_ms, days(1))
        AND kind IN ('product_viewed', 'list_viewed', 'cart_added', 'copy_click', 'copy_impression')
)
SELECT
    *,
    kind <> 'copy_impression'
        AND time_ms > coalesce(greatest(max(time_ms) FILTER (WHERE kind <> 'copy_impression') OVER before, act_before_ms), -1)
        AS fresh,
    coalesce(last_value(CASE WHEN kind = 'copy_impression' THEN text END IGNORE NULLS) OVER before, seen_before) AS seen,
    coalesce(last_value(CASE WHEN kind = 'copy_impression' THEN time_ms END IGNORE NULLS) OVER before, seen_before_ms)
        AS seen_ms
FROM watched
WINDOW before AS (PARTITION BY part, span, shopper ORDER BY off ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING);

-- Only the newest window of a shopper counts; a count that is too high in it trips the rule.
CREATE TABLE wire AS
WITH weighed AS (
    SELECT
        part, off, span, shopper, time_ms, rank, name, most, hold_ms, window_ms, time_ms // window_ms AS stretch,
        CASE
            WHEN kind = 'copy_impression' THEN CASE counts WHEN 'clicks_unseen' THEN -1 ELSE 0 END
            WHEN NOT fresh THEN 0
            WHEN counts = 'acts' THEN 1
            WHEN kind <> 'copy_click' THEN 0
            WHEN counts = 'clicks_unseen' THEN 1
            WHEN text = seen AND time_ms >= seen_ms AND time_ms < seen_ms + within_ms AND time_ms % 1000 <> 0 THEN 1
            ELSE 0
        END AS weight
    FROM move JOIN watch_rule USING (rules)
    WHERE weight <> 0
    UNION ALL BY NAME
    SELECT part, off, span, shopper, rank, window_ms, stretch, number AS weight FROM carried_wire
), newest AS (
    SELECT *, max(stretch) OVER (PARTITION BY part, span, shopper, rank ORDER BY off) AS latest FROM weighed
)
SELECT *, sum(weight) OVER (PARTITION BY part, span, shopper, rank, stretch ORDER BY off) AS number
FROM newest
WHERE stretch = latest;

CREATE TABLE trip AS
SELECT part, off, span, shopper, rank, name, hold_ms, time_ms AS trip_ms
FROM wire
WHERE weight > 0 AND number > most;

CREATE TABLE held AS
WITH tripper AS (
    SELECT part, span, shopper, rank, name, hold_ms, max(carried_ms) AS carried_ms
    FROM (
        SELECT part, span, shopper, rank, name, hold_ms, NULL::BIGINT AS carried_ms FROM trip
        UNION ALL
        SELECT part, span, shopper, rank, name, hold_ms, tripped_ms FROM carried_trip
    )
    GROUP BY part, span, shopper, rank, name, hold_ms
), running AS (
    SELECT
        prefix.part, prefix.off, prefix.time_ms, tripper.rank, tripper.name, tripper.hold_ms,
        greatest(carried_ms, max(trip_ms) OVER (
            PARTITION BY prefix.part, prefix.span, prefix.shopper, tripper.rank ORDER BY prefix.off
        )) AS tripped_ms
    FROM prefix
    JOIN tripper ON tripper.part = prefix.part AND tripper.span = prefix.span AND tripper.shopper = prefix.shopper
    LEFT JOIN trip ON trip.part = prefix.part AND trip.off = prefix.off AND trip.rank = tripper.rank
)
SELECT part, off, arg_min(name, rank) AS name FROM running WHERE time_ms <= tripped_ms + hold_ms GROUP BY part, off;
