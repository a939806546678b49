-- Impressions, clicks, carts: once for each shopper and decision, and impressions imputed by clicks.
CREATE TABLE feedback AS
SELECT
    part, off, place, kind, time_ms, high, shopper, session,
    decision, decided_ms, experiment, category, segment, variant, copy, product, weight
FROM claim JOIN judged USING (part, off)
WHERE claim_verdict = 'good' AND place = -1 AND kind IN ('copy_impression', 'copy_click', 'cart_added');

CREATE TABLE answered AS
WITH firsts AS (
    SELECT
        part, shopper, decision,
        min(off) FILTER (kind = 'copy_impression') AS shown,
        min(off) FILTER (kind = 'copy_click') AS clicked,
        min(off) FILTER (kind = 'cart_added') AS carted
    FROM feedback
    GROUP BY part, shopper, decision
)
SELECT
    *,
    clicked IS NOT NULL AND (shown IS NULL OR clicked < shown) AS imputed,
    CASE WHEN imputed THEN clicked ELSE shown END AS seen
FROM firsts;

CREATE TABLE counted AS
SELECT feedback.*, kind = 'copy_click' AND imputed AS imputes, shown, seen, clicked, carted
FROM feedback JOIN answered USING (part, shopper, decision)
WHERE kind = 'copy_impression' AND off = seen
    OR kind = 'copy_click' AND off = clicked
    OR kind = 'cart_added' AND off = carted;

CREATE TABLE touch AS
SELECT part, off, shopper, product, time_ms, session, kind = 'copy_click' AS click
FROM counted
WHERE kind IN ('copy_impression', 'copy_click');
