-- What each event adds to which counter of an arm cell.
CREATE TABLE gain AS
WITH refunded_decision AS (
    SELECT
        part, off, time_ms, high, shopper, decision, any_value(decided_ms) AS decided_ms,
        any_value(experiment) AS experiment, any_value(category) AS category,
        any_value(segment) AS segment, any_value(variant) AS variant,
        any_value(copy) AS copy, any_value(weight) AS weight, sum(amount) AS amount
    FROM refunded
    WHERE decision IS NOT NULL
    GROUP BY part, off, time_ms, high, shopper, decision
), cause AS (
    SELECT
        counted.part, counted.off, counted.place, counted.time_ms, counted.high, counted.decided_ms,
        counted.experiment, counted.category, counted.segment, counted.variant, counted.copy, shopper, counted.weight,
        counted.product,
        unnest([
            {'counter': 'impressions', 'amount': (kind = 'copy_impression' OR imputes)::HUGEINT},
            {'counter': 'imputed', 'amount': imputes::HUGEINT},
            {'counter': 'clicks', 'amount': (kind = 'copy_click')::HUGEINT},
            {'counter': 'carts', 'amount': (kind = 'cart_added')::HUGEINT},
            {'counter': 'clicked_carts', 'amount': (kind <> 'copy_impression'
                AND counted.off = greatest(clicked, carted) AND clicked IS NOT NULL AND carted IS NOT NULL)::HUGEINT},
            {'counter': 'clicked_orders', 'amount': (kind = 'copy_click' AND first_credit.off < counted.off)::HUGEINT},
            {'counter': 'impressed_orders', 'amount': (counted.off = seen AND first_credit.off < seen)::HUGEINT}
        ]) AS gained
    FROM counted LEFT JOIN first_credit USING (part, shopper, decision)
    UNION ALL
    SELECT
        part, off, place, time_ms, high, decided_ms, experiment, category, segment, variant, copy, shopper, weight,
        shown_product,
        unnest([
            {'counter': 'order_lines', 'amount': 1::HUGEINT},
            {'counter': 'revenue_minor', 'amount': (CASE WHEN ours THEN revenue ELSE 0 END)::HUGEINT}
        ])
    FROM credit
    WHERE decision IS NOT NULL
    UNION ALL
    SELECT
        part, off, place, time_ms, high, decided_ms, experiment, category, segment, variant, copy, shopper, weight,
        shown_product,
        unnest([
            {'counter': 'orders', 'amount': 1::HUGEINT},
            {'counter': 'clicked_orders', 'amount': (clicked < off)::HUGEINT},
            {'counter': 'impressed_orders', 'amount': (seen < off)::HUGEINT}
        ])
    FROM first_credit LEFT JOIN answered USING (part, shopper, decision)
    UNION ALL
    SELECT
        part, off, -1, time_ms, high, decided_ms, experiment, category, segment, variant, copy, shopper, weight, NULL,
        unnest([
            {'counter': 'refunds', 'amount': 1::HUGEINT},
            {'counter': 'refunded_minor', 'amount': amount::HUGEINT}
        ])
    FROM refunded_decision
)
SELECT * EXCLUDE (gained), gained.counter AS counter, gained.amount AS amount
FROM cause
WHERE gained.amount > 0 AND is_new(part, off);
