-- What events brought to which product, and whom: of each decision what it adds to its cells. docs/feedback.md, "Reach".
CREATE TABLE reached AS
WITH dated AS (
    SELECT
        part, off, place, time_ms, high, product, shopper, counter, least(amount, 1099511627776)::BIGINT AS amount,
        (time_ms - ((time_ms % days(1)) + days(1)) % days(1)) // days(1) AS day
    FROM gain
    WHERE counter IN ('impressions', 'clicks', 'orders', 'revenue_minor')
)
-- Of a day that is over it counts for all time alone.
SELECT * REPLACE (CASE WHEN days(1) * (day + 1) + days(30) > high THEN day ELSE -1 END AS day) FROM dated;
