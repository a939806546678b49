-- Which events count: high, lateness, kinds that matter, bots.
CREATE MACRO days(n) AS n::BIGINT * 86400000;

CREATE TABLE judged AS
WITH prefix AS (
    SELECT *, max(time_ms) OVER (PARTITION BY part ORDER BY off) AS high FROM event
), holding AS (
    SELECT part, off FROM token WHERE place = -1
)
SELECT
    prefix.*,
    CASE
        WHEN time_ms < high - rules.lateness_ms THEN 'late'
        WHEN kind NOT IN ('copy_impression', 'copy_click', 'cart_added', 'order_placed', 'order_refunded')
            OR kind = 'cart_added' AND holding.off IS NULL THEN 'ignored'
        WHEN bot THEN 'suppressed'
        ELSE 'counted'
    END AS verdict
FROM prefix LEFT JOIN holding USING (part, off), rules;

-- Tokens of events that count, wherever they stand: one row a place.
CREATE TABLE claim AS
SELECT
    token.*,
    CASE
        WHEN NOT valid THEN 'invalid'
        WHEN decided_ms < high - days(7) THEN 'expired'
        WHEN barred THEN 'excluded'
        ELSE 'good'
    END AS claim_verdict
FROM token JOIN judged USING (part, off)
WHERE verdict = 'counted';
