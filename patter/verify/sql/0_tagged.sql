-- Which events are of bots: by their user agent, or by what their shopper did on the log up to them. docs/agents.md.
CREATE MACRO days(n) AS n::BIGINT * 86400000;

CREATE TABLE prefix AS
SELECT event.*, span.number AS span, span.rules, max(time_ms) OVER (PARTITION BY event.part ORDER BY off) AS high
FROM event ASOF JOIN span ON event.part = span.part AND event.off >= span.since;

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
    SELECT prefix.part, off, time_ms, kind, shopper, span, prefix.rules, text
    FROM prefix JOIN rules ON true
    LEFT JOIN named ON named.rules = prefix.rules AND named.agent = prefix.agent
    LEFT JOIN (SELECT part, off, text FROM token WHERE place = -1) AS own USING (part, off)
    WHERE named.name IS NULL AND time_ms >= high - least(lateness_ms, days(1))
        AND kind IN ('product_viewed', 'list_viewed', 'cart_added', 'copy_click', 'copy_impression')
)
SELECT
    *,
    kind <> 'copy_impression'
        AND time_ms > coalesce(max(time_ms) FILTER (WHERE kind <> 'copy_impression') OVER before, -1) AS fresh,
    last_value(CASE WHEN kind = 'copy_impression' THEN text END IGNORE NULLS) OVER before AS seen,
    last_value(CASE WHEN kind = 'copy_impression' THEN time_ms END IGNORE NULLS) OVER before AS seen_ms
FROM watched
WINDOW before AS (PARTITION BY part, span, shopper ORDER BY off ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING);

-- Only the newest window of a shopper counts; a count that is too high in it trips the rule.
CREATE TABLE trip AS
WITH weighed AS (
    SELECT
        part, off, span, shopper, time_ms, rank, name, most, hold_ms, time_ms // window_ms AS stretch,
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
), newest AS (
    SELECT *, max(stretch) OVER (PARTITION BY part, span, shopper, rank ORDER BY off) AS latest FROM weighed
), summed AS (
    SELECT *, sum(weight) OVER (PARTITION BY part, span, shopper, rank, stretch ORDER BY off) AS number
    FROM newest
    WHERE stretch = latest
)
SELECT part, off, span, shopper, rank, name, hold_ms, time_ms AS trip_ms FROM summed WHERE weight > 0 AND number > most;

CREATE TABLE held AS
WITH tripper AS (
    SELECT DISTINCT part, span, shopper, rank, name, hold_ms FROM trip
), running AS (
    SELECT
        prefix.part, prefix.off, prefix.time_ms, tripper.rank, tripper.name, tripper.hold_ms,
        max(trip_ms) OVER (
            PARTITION BY prefix.part, prefix.span, prefix.shopper, tripper.rank ORDER BY prefix.off
        ) AS tripped_ms
    FROM prefix
    JOIN tripper ON tripper.part = prefix.part AND tripper.span = prefix.span AND tripper.shopper = prefix.shopper
    LEFT JOIN trip ON trip.part = prefix.part AND trip.off = prefix.off AND trip.rank = tripper.rank
)
SELECT part, off, arg_min(name, rank) AS name FROM running WHERE time_ms <= tripped_ms + hold_ms GROUP BY part, off;
