-- To which decision an order line is credited: its own token, the order's, a click, an impression, none.
CREATE TABLE recent AS
WITH buying AS (SELECT DISTINCT part, off, shopper, time_ms FROM new_line)
SELECT buying.part, buying.off, touch.off AS touch_off, product, touch.time_ms AS touch_ms, session, click
FROM buying JOIN touch
    ON touch.part = buying.part AND touch.shopper = buying.shopper AND touch.off < buying.off
QUALIFY row_number() OVER (PARTITION BY buying.part, buying.off ORDER BY touch.time_ms DESC, touch.off DESC) <= 20;

CREATE TABLE last_touch AS
SELECT new_line.part, new_line.off, place, touch_off, recent.session
FROM new_line JOIN recent
    ON new_line.part = recent.part AND new_line.off = recent.off AND new_line.product = recent.product
WHERE touch_ms BETWEEN time_ms - CASE WHEN click THEN days(7) ELSE days(1) END AND time_ms
QUALIFY row_number() OVER (
    PARTITION BY new_line.part, new_line.off, place ORDER BY click DESC, touch_ms DESC, touch_off DESC
) = 1;

CREATE TABLE credit AS
SELECT
    new_line.*,
    CASE
        WHEN said.off IS NOT NULL THEN 'match_token'
        WHEN touch_off IS NULL THEN 'match_none'
        WHEN last_touch.session = new_line.session THEN 'match_session'
        ELSE 'match_inferred'
    END AS matched,
    coalesce(said.decision, touch.decision) AS decision,
    coalesce(said.decided_ms, touch.decided_ms) AS decided_ms,
    coalesce(said.experiment, touch.experiment) AS experiment,
    coalesce(said.category, touch.category) AS category,
    coalesce(said.segment, touch.segment) AS segment,
    coalesce(said.variant, touch.variant) AS variant,
    coalesce(said.copy, touch.copy) AS copy,
    coalesce(said.weight, touch.weight) AS weight,
    -- The product that the decision was about, not the one that the line is of.
    coalesce(said.product, touch.product) AS shown_product
FROM new_line
LEFT JOIN said
    ON said.part = new_line.part AND said.off = new_line.off AND said.place = new_line.place
LEFT JOIN last_touch
    ON last_touch.part = new_line.part AND last_touch.off = new_line.off AND last_touch.place = new_line.place
LEFT JOIN touch ON touch.part = new_line.part AND touch.off = touch_off
UNION ALL BY NAME
FROM carried_credit;

CREATE TABLE first_credit AS
WITH credited AS (
    SELECT * FROM credit WHERE decision IS NOT NULL
    UNION ALL BY NAME
    FROM carried_first
)
FROM credited
QUALIFY row_number() OVER (PARTITION BY part, shopper, decision ORDER BY off, place) = 1;
