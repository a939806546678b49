-- Refunds: which are new, which lines they mean, and the amounts.
CREATE TABLE refund AS
WITH seen AS (
    SELECT
        judged.part, judged.off, judged.order_no, refund_no, judged.time_ms, high, since,
        since IS NOT NULL AND placed_ms >= high - days(30) AS known
    FROM judged ASOF LEFT JOIN known_order
        ON judged.part = known_order.part AND judged.order_no = known_order.order_no AND judged.off > known_order.since
    WHERE verdict = 'counted' AND kind = 'order_refunded'
    UNION ALL BY NAME
    SELECT part, off, order_no, refund_no, since, true AS known FROM carried_refund
)
SELECT
    *,
    CASE
        WHEN NOT known THEN 'unknown'
        WHEN row_number() OVER (PARTITION BY part, order_no, since, refund_no, known ORDER BY off) > 1 THEN 'duplicate'
        ELSE 'counted'
    END AS refund_verdict
FROM seen;

CREATE TABLE refunded AS
WITH fresh AS (
    SELECT refund.*, refund_line.line_no, refund_line.quantity AS asked_quantity, amount AS asked_amount
    FROM refund LEFT JOIN refund_line ON refund.part = refund_line.part AND refund.off = refund_line.off
    WHERE refund_verdict = 'counted'
)
SELECT
    fresh.part, fresh.off, fresh.time_ms, fresh.high,
    credit.line_no IS NOT NULL AS known_line,
    shopper, decision, decided_ms, experiment, category, segment, variant, copy, weight,
    CASE
        WHEN NOT ours THEN 0
        WHEN asked_amount IS NOT NULL THEN asked_amount
        WHEN asked_quantity IS NOT NULL
            THEN revenue::HUGEINT * least(asked_quantity, quantity) // quantity
        ELSE revenue
    END AS amount
FROM fresh LEFT JOIN credit
    ON credit.part = fresh.part AND credit.order_no = fresh.order_no AND credit.since = fresh.since
    AND credit.off < fresh.off AND credit.line_no = coalesce(fresh.line_no, credit.line_no);
