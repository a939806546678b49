-- Which events count: lateness, kinds that matter, bots.
CREATE TABLE judged AS
WITH holding AS (
    SELECT part, off FROM token WHERE place = -1
)
SELECT
    prefix.*, coalesce(named.name, held.name) AS tag,
    CASE
        WHEN time_ms < high - rules.lateness_ms THEN 'late'
        WHEN kind NOT IN ('copy_impression', 'copy_click', 'cart_added', 'order_placed', 'order_refunded')
            OR kind = 'cart_added' AND holding.off IS NULL THEN 'ignored'
        WHEN tag IS NOT NULL THEN 'suppressed'
        ELSE 'counted'
    END AS verdict
FROM prefix
JOIN rules ON true
LEFT JOIN named ON named.rules = prefix.rules AND named.agent = prefix.agent
LEFT JOIN held ON held.part = prefix.part AND held.off = prefix.off
LEFT JOIN holding ON holding.part = prefix.part AND holding.off = prefix.off;

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
