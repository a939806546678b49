-- Which decision a token names. What its first token on the log said holds for it; it is known until its time lies more
-- than 7 days before high, and what names it after that is another decision.
CREATE TABLE good AS SELECT * FROM claim WHERE claim_verdict = 'good';

-- The token of a new line: its own, or the order's where that is of the line's product.
CREATE TABLE line_token AS
SELECT new_line.part, new_line.off, new_line.place, coalesce(own.place, whole.place) AS claim_place
FROM new_line
LEFT JOIN good AS own
    ON own.part = new_line.part AND own.off = new_line.off AND own.place = new_line.place
LEFT JOIN good AS whole
    ON whole.part = new_line.part AND whole.off = new_line.off AND whole.place = -1 AND whole.product = new_line.product
WHERE own.off IS NOT NULL OR whole.off IS NOT NULL;

CREATE TABLE naming AS
WITH place_of AS (
    SELECT part, off, place, place AS claim_place
    FROM good JOIN judged USING (part, off)
    WHERE place = -1 AND kind IN ('copy_impression', 'copy_click', 'cart_added')
    UNION ALL
    FROM line_token
)
SELECT
    place_of.part, place_of.off, place_of.place, shopper, high,
    decision, decided_ms, experiment, category, segment, variant, copy, product, weight
FROM place_of
JOIN good ON good.part = place_of.part AND good.off = place_of.off AND good.place = claim_place
JOIN judged ON judged.part = place_of.part AND judged.off = place_of.off;

CREATE TABLE decision_life AS
WITH RECURSIVE first_life AS (
    SELECT
        part, shopper, decision, min({'off': off, 'place': place}) AS since,
        arg_min(decided_ms, {'off': off, 'place': place}) AS decided_ms
    FROM naming ANTI JOIN carried_life USING (part, shopper, decision)
    GROUP BY part, shopper, decision
    UNION ALL
    SELECT part, shopper, decision, {'off': off, 'place': -1}, decided_ms FROM carried_life
), life AS (
    SELECT * FROM first_life
    UNION ALL
    SELECT
        later.part, later.shopper, later.decision, min({'off': later.off, 'place': later.place}),
        arg_min(later.decided_ms, {'off': later.off, 'place': later.place})
    FROM life JOIN naming AS later
        ON later.part = life.part AND later.shopper = life.shopper AND later.decision = life.decision
        AND later.off > life.since.off AND life.decided_ms < later.high - days(7)
    GROUP BY later.part, later.shopper, later.decision
)
SELECT
    coalesce((SELECT max(life) FROM carried_source), 0) + row_number() OVER () AS life, part, shopper, decision, since.off AS off, naming.decided_ms,
    experiment, category, segment, variant, copy, product, weight
FROM life JOIN naming USING (part, shopper, decision)
WHERE naming.off = since.off AND naming.place = since.place
UNION ALL BY NAME
FROM carried_life;

CREATE TABLE said AS
SELECT
    naming.part, naming.off, naming.place, life AS decision, life.decided_ms,
    life.experiment, life.category, life.segment, life.variant, life.copy, life.product, life.weight
FROM naming ASOF JOIN decision_life AS life
    ON naming.part = life.part AND naming.shopper = life.shopper AND naming.decision = life.decision
    AND naming.off >= life.off;

-- Impressions, clicks, carts: once for each shopper and decision, and impressions imputed by clicks.
CREATE TABLE feedback AS
SELECT
    part, off, place, kind, time_ms, high, shopper, session,
    decision, decided_ms, experiment, category, segment, variant, copy, product, weight
FROM said JOIN judged USING (part, off)
WHERE place = -1
UNION ALL BY NAME
FROM carried_feedback;

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
SELECT
    part, off, shopper, product, time_ms, session, kind = 'copy_click' AS click,
    decision, decided_ms, experiment, category, segment, variant, copy, weight
FROM counted
WHERE kind IN ('copy_impression', 'copy_click');
