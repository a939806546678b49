-- Orders by intent to treat in experiments that hold shoppers out themselves; the codes are those of held_out and treated.
CREATE TABLE group_gain AS
WITH first_event AS (
    SELECT part, since AS off, true AS is_first FROM known_order
), bought AS (
    SELECT part, off, sum(revenue)::HUGEINT AS revenue FROM credit WHERE ours GROUP BY part, off
), gained AS (
    SELECT
        part, off, high, shopper, tried.experiment,
        CASE WHEN tried.held THEN 2596862839 ELSE 160118851 END AS variant,
        unnest([
            {'counter': 'orders', 'amount': coalesce(is_first, false)::HUGEINT},
            {'counter': 'revenue_minor', 'amount': coalesce(revenue, 0)}
        ]) AS gained
    FROM judged JOIN tried USING (part, off) LEFT JOIN first_event USING (part, off) LEFT JOIN bought USING (part, off)
    WHERE verdict = 'counted' AND kind = 'order_placed'
)
-- After the order's own lines.
SELECT * EXCLUDE (gained), 2147483647 AS place, 65536 AS weight, gained.counter AS counter, gained.amount AS amount
FROM gained
WHERE gained.amount > 0;

-- What the sums over shoppers are made of.
CREATE VIEW summed_gain AS
SELECT part, off, place, high, shopper, experiment, variant, weight, counter, amount FROM gain
UNION ALL
SELECT part, off, place, high, shopper, experiment, variant, weight, counter, amount FROM group_gain;
