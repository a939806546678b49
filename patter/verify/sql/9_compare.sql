-- Every published cell against the recompute up to the offset that it names.
CREATE TABLE bounds AS
WITH any_event AS (
    SELECT part, off, time_ms FROM event
    UNION ALL
    SELECT part, through, high FROM carried_source
), any_record AS (
    SELECT part, off FROM any_event
    UNION ALL
    SELECT part, off FROM rejected
)
SELECT
    source.part, source.through, settled, source.high_ms,
    (SELECT max(time_ms) FROM any_event WHERE any_event.part = source.part AND any_event.off <= source.through)
        AS high_through,
    (SELECT max(time_ms) FROM any_event WHERE any_event.part = source.part AND any_event.off <= settled)
        AS high_settled,
    (SELECT max(time_ms) FROM any_event WHERE any_event.part = source.part AND (NOT exact OR any_event.off <= settled))
        AS high_last,
    (SELECT max(off) FROM any_record WHERE any_record.part = source.part) AS last_off
FROM source;

-- A bucket's name says when it expires, also that of a cell which the recompute does not have.
CREATE TABLE published AS
WITH named AS (
    SELECT *, string_split(cell, '|')[1] AS family, string_split(cell, '|')[2] AS bucket FROM entry
)
SELECT
    named.part, named.cell, named.through, cell.id,
    try_cast(split_part(bucket, ':', 2) AS BIGINT) * 1000 + width_ms + keep_ms <= high_settled AS gone
FROM named
JOIN bounds ON bounds.part = named.part
LEFT JOIN cell ON cell.part = named.part AND cell.cell = named.cell
LEFT JOIN width ON width.family = named.family AND width.name = split_part(bucket, ':', 1);

CREATE TABLE difference AS
WITH batch AS (
    SELECT published.part, published.cell, counter, sum(amount) AS amount
    FROM published JOIN contribution USING (id)
    WHERE off <= through
    GROUP BY published.part, published.cell, counter
), counters AS (
    SELECT part, cell, counter, coalesce(online.amount, 0) AS online, coalesce(batch.amount, 0) AS batch
    FROM online FULL JOIN batch USING (part, cell, counter)
), newest AS (
    SELECT cell.part, cell.cell, id, cell.expires_ms, min(off) AS first_off,
        max(off) FILTER (off <= settled) AS last_off
    FROM contribution JOIN cell USING (id) JOIN bounds ON bounds.part = cell.part
    GROUP BY cell.part, cell.cell, id, cell.expires_ms
)
SELECT part, cell, counter AS field, online, batch
FROM counters SEMI JOIN (SELECT * FROM published WHERE gone IS NOT TRUE) AS kept USING (part, cell)
WHERE online <> batch
UNION ALL
-- It stayed when its bucket was over, or it is of nothing.
SELECT published.part, published.cell, 'through', through, NULL
FROM published LEFT JOIN newest USING (id)
WHERE gone IS TRUE OR coalesce(first_off > through, true)
UNION ALL
-- Something was counted between its `through` and the progress.
SELECT published.part, published.cell, 'through', through, last_off
FROM published JOIN newest USING (id)
WHERE gone IS NOT TRUE AND first_off <= through AND last_off > through
UNION ALL
SELECT newest.part, newest.cell, 'through', NULL, newest.last_off
FROM newest JOIN bounds ON bounds.part = newest.part
ANTI JOIN published ON published.id = newest.id
WHERE newest.last_off IS NOT NULL AND coalesce(newest.expires_ms > high_last, true)
UNION ALL
SELECT part, 'progress', 'high_ms', high_ms, high_through FROM bounds WHERE high_through <> high_ms
UNION ALL
SELECT part, 'progress', 'through', through, coalesce(last_off, -1) FROM bounds WHERE through > coalesce(last_off, -1);
