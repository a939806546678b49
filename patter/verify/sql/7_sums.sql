-- Sums over the shoppers of an experiment's arm, of their squares and products: what each event adds to them.
CREATE MACRO ended(amount) AS least(amount, 72057594037927936);
CREATE MACRO rise(now, earlier) AS now - coalesce(earlier, 0);
CREATE MACRO square_rise(now, earlier) AS now * now - coalesce(earlier * earlier, 0);
CREATE MACRO product_rise(now, other, earlier, other_earlier) AS now * other - coalesce(earlier * other_earlier, 0);

CREATE TABLE pair AS
WITH distinct_pair AS (
    SELECT part, experiment, variant, min({'off': off, 'place': place}) AS since
    FROM (
        SELECT part, experiment, variant, off, place FROM summed_gain
        UNION ALL
        SELECT part, experiment, variant, off, place FROM carried_pair
    )
    GROUP BY part, experiment, variant
), ranked AS (
    SELECT *, row_number() OVER (PARTITION BY part ORDER BY since) AS nth FROM distinct_pair
)
SELECT
    part, experiment, variant,
    CASE
        WHEN nth > max_cells THEN 'ffffffff|ffffffff|ffffffff|ffffffff'
        ELSE printf('%08x|00000000|00000000|%08x', experiment, variant)
    END AS pair,
    since
FROM ranked, rules;

CREATE TABLE shopper_event AS
WITH weighted AS (
    SELECT part, off, high, shopper, pair, counter, amount * weight AS amount
    FROM summed_gain JOIN pair USING (part, experiment, variant)
    WHERE weight > 0
)
SELECT
    part, off, shopper, pair, any_value(high) // days(1) AS high_day,
    coalesce(sum(amount) FILTER (counter = 'impressions'), 0) AS impressions,
    coalesce(sum(amount) FILTER (counter = 'clicks'), 0) AS clicks,
    coalesce(sum(amount) FILTER (counter = 'impressed_orders'), 0) AS impressed_orders,
    coalesce(sum(amount) FILTER (counter = 'revenue_minor'), 0) AS revenue_minor,
    coalesce(sum(amount) FILTER (counter = 'clicked_carts'), 0) AS clicked_carts,
    coalesce(sum(amount) FILTER (counter = 'clicked_orders'), 0) AS clicked_orders,
    coalesce(sum(amount) FILTER (counter = 'orders'), 0) AS orders,
    coalesce(sum(amount) FILTER (counter = 'refunds'), 0) AS refunds
FROM weighted
GROUP BY part, off, shopper, pair
HAVING greatest(impressions, clicks, impressed_orders, revenue_minor, clicked_carts, clicked_orders, orders, refunds) > 0
UNION ALL
-- Everybody who orders, by intent to treat: the codes are those of held_out and treated.
SELECT
    judged.part, judged.off, shopper, printf('%08x|00000000|00000000|%s', holdout, CASE WHEN held THEN '9ac8fb77' ELSE '098b3843' END),
    high // days(1), 0, 0, 0, 65536 * coalesce(revenue, 0), 0, 0, 65536 * (since IS NOT NULL)::HUGEINT, 0
FROM judged
LEFT JOIN (SELECT part, since, order_no FROM known_order) AS first_event
    ON first_event.part = judged.part AND first_event.since = judged.off
LEFT JOIN (
    SELECT part, off, sum(revenue)::HUGEINT AS revenue FROM credit WHERE ours GROUP BY part, off
) AS bought ON bought.part = judged.part AND bought.off = judged.off, rules
WHERE holdout IS NOT NULL AND verdict = 'counted' AND kind = 'order_placed'
    AND (since IS NOT NULL OR coalesce(revenue, 0) > 0)
UNION ALL BY NAME
SELECT * EXCLUDE (before_impressions, before_clicks) FROM carried_standing;

-- Who comes back after more than 90 days is a new shopper.
CREATE TABLE shopper_life AS
WITH paused AS (
    SELECT *, coalesce(high_day - lag(high_day) OVER (PARTITION BY part, shopper, pair ORDER BY off) > 90, true) AS fresh
    FROM shopper_event
)
SELECT *, count_if(fresh) OVER (PARTITION BY part, shopper, pair ORDER BY off) AS life FROM paused;

CREATE TABLE shopper_standing AS
WITH standing AS (
    SELECT part, off, shopper, pair, high_day, life, fresh, {
        'impressions': ended(sum(impressions) OVER so_far),
        'clicks': ended(sum(clicks) OVER so_far),
        'impressed_orders': ended(sum(impressed_orders) OVER so_far),
        'revenue_minor': ended(sum(revenue_minor) OVER so_far),
        'clicked_carts': ended(sum(clicked_carts) OVER so_far),
        'clicked_orders': ended(sum(clicked_orders) OVER so_far),
        'orders': ended(sum(orders) OVER so_far),
        'refunds': ended(sum(refunds) OVER so_far)
    } AS now
    FROM shopper_life
    WINDOW so_far AS (PARTITION BY part, shopper, pair, life ORDER BY off)
)
SELECT *, lag(now) OVER (PARTITION BY part, shopper, pair, life ORDER BY off) AS old FROM standing;

-- What was known of a shopper when a pair counted them first: what stood, a moment before, in their pairs of other
-- experiments that were not forgotten. An event that changes impressions or clicks is of one pair.
CREATE TABLE shopper_before AS
WITH told AS (
    SELECT
        part, off, shopper, pair, life, fresh, high_day, now.impressions AS impressions, now.clicks AS clicks,
        left(pair, 8) AS experiment
    FROM shopper_standing
    WHERE pair <> 'ffffffff|ffffffff|ffffffff|ffffffff' AND right(pair, 8) NOT IN ('9ac8fb77', '098b3843')
), meeting AS (
    SELECT first.part, first.shopper, first.pair, first.life, first.off, first.high_day, other.pair AS other
    FROM told AS first JOIN (SELECT DISTINCT part, shopper, pair, experiment FROM told) AS other
        ON other.part = first.part AND other.shopper = first.shopper AND other.experiment <> first.experiment
    WHERE first.fresh
), earlier AS (
    SELECT
        meeting.part, meeting.shopper, meeting.pair, meeting.life,
        ended(sum(told.impressions)) AS before_impressions, ended(sum(told.clicks)) AS before_clicks
    FROM meeting ASOF JOIN told
        ON told.part = meeting.part AND told.shopper = meeting.shopper AND told.pair = meeting.other
        AND meeting.off > told.off
    WHERE meeting.high_day - told.high_day <= 90
    GROUP BY meeting.part, meeting.shopper, meeting.pair, meeting.life
)
-- A pair's first life may be one that a checkpoint knows already; an older one says nothing of what was before.
SELECT
    first.part, first.shopper, first.pair, first.life,
    coalesce(CASE WHEN carried.off IS NULL THEN earlier.before_impressions ELSE carried.before_impressions END, 0) AS before_impressions,
    coalesce(CASE WHEN carried.off IS NULL THEN earlier.before_clicks ELSE carried.before_clicks END, 0) AS before_clicks
FROM (FROM shopper_standing WHERE fresh) AS first
LEFT JOIN earlier USING (part, shopper, pair, life)
LEFT JOIN carried_standing AS carried
    ON carried.part = first.part AND carried.shopper = first.shopper AND carried.pair = first.pair
    AND carried.off = first.off;

CREATE TABLE sum_gain AS
WITH added AS (
    SELECT part, off, pair, unnest([
        {'counter': 'shoppers', 'amount': fresh::HUGEINT},
        {'counter': 'impressions', 'amount': rise(now.impressions, old.impressions)},
        {'counter': 'clicks', 'amount': rise(now.clicks, old.clicks)},
        {'counter': 'impressed_orders', 'amount': rise(now.impressed_orders, old.impressed_orders)},
        {'counter': 'revenue_minor', 'amount': rise(now.revenue_minor, old.revenue_minor)},
        {'counter': 'clicked_carts', 'amount': rise(now.clicked_carts, old.clicked_carts)},
        {'counter': 'clicked_orders', 'amount': rise(now.clicked_orders, old.clicked_orders)},
        {'counter': 'orders', 'amount': rise(now.orders, old.orders)},
        {'counter': 'refunds', 'amount': rise(now.refunds, old.refunds)},
        {'counter': 'impressions_squared', 'amount': square_rise(now.impressions, old.impressions)},
        {'counter': 'clicks_squared', 'amount': square_rise(now.clicks, old.clicks)},
        {'counter': 'impressed_orders_squared', 'amount': square_rise(now.impressed_orders, old.impressed_orders)},
        {'counter': 'revenue_minor_squared', 'amount': square_rise(now.revenue_minor, old.revenue_minor)},
        {'counter': 'clicked_carts_squared', 'amount': square_rise(now.clicked_carts, old.clicked_carts)},
        {'counter': 'clicked_orders_squared', 'amount': square_rise(now.clicked_orders, old.clicked_orders)},
        {'counter': 'orders_squared', 'amount': square_rise(now.orders, old.orders)},
        {'counter': 'refunds_squared', 'amount': square_rise(now.refunds, old.refunds)},
        {'counter': 'clicks_by_impressions',
            'amount': product_rise(now.clicks, now.impressions, old.clicks, old.impressions)},
        {'counter': 'impressed_orders_by_impressions',
            'amount': product_rise(now.impressed_orders, now.impressions, old.impressed_orders, old.impressions)},
        {'counter': 'revenue_minor_by_impressions',
            'amount': product_rise(now.revenue_minor, now.impressions, old.revenue_minor, old.impressions)},
        {'counter': 'clicked_carts_by_clicks',
            'amount': product_rise(now.clicked_carts, now.clicks, old.clicked_carts, old.clicks)},
        {'counter': 'clicked_orders_by_clicks',
            'amount': product_rise(now.clicked_orders, now.clicks, old.clicked_orders, old.clicks)},
        {'counter': 'refunds_by_orders',
            'amount': product_rise(now.refunds, now.orders, old.refunds, old.orders)}
    ]) AS gained
    FROM shopper_standing
), known AS (
    SELECT part, off, pair, unnest([
        {'counter': 'before_impressions', 'amount': fresh::HUGEINT * before_impressions},
        {'counter': 'before_clicks', 'amount': fresh::HUGEINT * before_clicks},
        {'counter': 'before_impressions_squared', 'amount': fresh::HUGEINT * before_impressions * before_impressions},
        {'counter': 'before_clicks_squared', 'amount': fresh::HUGEINT * before_clicks * before_clicks},
        {'counter': 'before_impressions_by_before_clicks',
            'amount': fresh::HUGEINT * before_impressions * before_clicks},
        {'counter': 'impressions_by_before_impressions', 'amount': before_impressions * rise(now.impressions, old.impressions)},
        {'counter': 'clicks_by_before_impressions', 'amount': before_impressions * rise(now.clicks, old.clicks)},
        {'counter': 'impressed_orders_by_before_impressions', 'amount': before_impressions * rise(now.impressed_orders, old.impressed_orders)},
        {'counter': 'revenue_minor_by_before_impressions', 'amount': before_impressions * rise(now.revenue_minor, old.revenue_minor)},
        {'counter': 'clicked_carts_by_before_impressions', 'amount': before_impressions * rise(now.clicked_carts, old.clicked_carts)},
        {'counter': 'clicked_orders_by_before_impressions', 'amount': before_impressions * rise(now.clicked_orders, old.clicked_orders)},
        {'counter': 'orders_by_before_impressions', 'amount': before_impressions * rise(now.orders, old.orders)},
        {'counter': 'refunds_by_before_impressions', 'amount': before_impressions * rise(now.refunds, old.refunds)},
        {'counter': 'impressions_by_before_clicks', 'amount': before_clicks * rise(now.impressions, old.impressions)},
        {'counter': 'clicks_by_before_clicks', 'amount': before_clicks * rise(now.clicks, old.clicks)},
        {'counter': 'impressed_orders_by_before_clicks', 'amount': before_clicks * rise(now.impressed_orders, old.impressed_orders)},
        {'counter': 'revenue_minor_by_before_clicks', 'amount': before_clicks * rise(now.revenue_minor, old.revenue_minor)},
        {'counter': 'clicked_carts_by_before_clicks', 'amount': before_clicks * rise(now.clicked_carts, old.clicked_carts)},
        {'counter': 'clicked_orders_by_before_clicks', 'amount': before_clicks * rise(now.clicked_orders, old.clicked_orders)},
        {'counter': 'orders_by_before_clicks', 'amount': before_clicks * rise(now.orders, old.orders)},
        {'counter': 'refunds_by_before_clicks', 'amount': before_clicks * rise(now.refunds, old.refunds)}
    ]) AS gained
    FROM shopper_standing JOIN shopper_before USING (part, shopper, pair, life)
    WHERE before_impressions > 0 OR before_clicks > 0
)
SELECT part, off, pair, gained.counter AS counter, gained.amount AS amount
FROM (FROM added UNION ALL FROM known)
WHERE gained.amount > 0 AND is_new(part, off);
