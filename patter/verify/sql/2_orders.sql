-- Orders and their lines. An order is known until its first event lies more than 30 days before high; what comes under
-- its id after that is another order.
CREATE TABLE order_event AS
SELECT part, off, order_no, ours, time_ms, high, shopper, session
FROM judged
WHERE verdict = 'counted' AND kind = 'order_placed';

CREATE TABLE known_order AS
WITH RECURSIVE first_life AS (
    SELECT part, order_no, min(off) AS since, arg_min(time_ms, off) AS placed_ms
    FROM order_event ANTI JOIN carried_order USING (part, order_no)
    GROUP BY part, order_no
    UNION ALL
    SELECT part, order_no, since, placed_ms FROM carried_order
), life AS (
    SELECT * FROM first_life
    UNION ALL
    SELECT later.part, later.order_no, min(later.off), arg_min(later.time_ms, later.off)
    FROM life JOIN order_event AS later
        ON later.part = life.part AND later.order_no = life.order_no
        AND later.off > life.since AND life.placed_ms < later.high - days(30)
    GROUP BY later.part, later.order_no
)
SELECT * FROM life;

CREATE TABLE new_line AS
WITH first_line AS (
    SELECT
        line.*, order_event.order_no, since, ours, order_event.time_ms, high, shopper, session
    FROM line
    JOIN order_event ON line.part = order_event.part AND line.off = order_event.off
    ASOF JOIN known_order
        ON order_event.part = known_order.part AND order_event.order_no = known_order.order_no
        AND order_event.off >= known_order.since
    QUALIFY row_number() OVER (
        PARTITION BY line.part, order_event.order_no, since, line_no ORDER BY line.off, line.place
    ) = 1
)
FROM first_line ANTI JOIN carried_credit USING (part, order_no, since, line_no);
