-- What each record adds to the total of its source.
CREATE TABLE total_gain AS
WITH every_gain AS (
    SELECT part, off, 'rejected' AS counter, 1::HUGEINT AS amount FROM rejected
    UNION ALL
    SELECT part, off, unnest(CASE verdict WHEN 'late' THEN ['events', 'late']
                                          WHEN 'suppressed' THEN ['events', 'suppressed', concat('suppressed:', tag)]
                                          ELSE ['events'] END), 1
    FROM judged
    UNION ALL
    SELECT part, off, unnest(CASE WHEN imputes THEN ['clicks', 'impressions', 'imputed']
                                  WHEN kind = 'copy_click' THEN ['clicks']
                                  WHEN kind = 'copy_impression' THEN ['impressions']
                                  ELSE ['carts'] END), 1
    FROM counted
    UNION ALL
    SELECT part, off, 'duplicates', 1 FROM feedback ANTI JOIN counted USING (part, off)
    UNION ALL
    SELECT part, off, 'duplicates', 1 FROM order_event ANTI JOIN new_line USING (part, off)
    UNION ALL
    SELECT part, off, CASE claim_verdict WHEN 'invalid' THEN 'token_invalid'
                                         WHEN 'expired' THEN 'token_expired'
                                         ELSE 'excluded' END, 1
    FROM claim
    WHERE claim_verdict <> 'good'
    UNION ALL
    SELECT part, since, 'orders', 1 FROM known_order
    UNION ALL
    SELECT part, off, unnest(['order_lines', matched]), 1 FROM credit
    UNION ALL
    SELECT part, off, 'revenue_minor', revenue FROM credit WHERE ours AND revenue > 0
    UNION ALL
    SELECT DISTINCT part, off, 'currency_mismatch', 1 FROM credit WHERE NOT ours
    UNION ALL
    SELECT part, off, CASE refund_verdict WHEN 'unknown' THEN 'refund_unknown'
                                          WHEN 'duplicate' THEN 'duplicates'
                                          ELSE 'refunds' END, 1
    FROM refund
    UNION ALL
    SELECT part, off, 'refund_unknown', 1 FROM refunded WHERE NOT known_line
    UNION ALL
    SELECT part, off, 'refunded_minor', amount FROM refunded WHERE known_line AND amount > 0
)
FROM every_gain WHERE is_new(part, off);
