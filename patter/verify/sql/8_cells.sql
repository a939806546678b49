-- Where it is counted: arm cells and copy cells up to their limits, buckets that are still kept.
CREATE TABLE width (family VARCHAR, name VARCHAR, by_event BOOLEAN, width_ms BIGINT, keep_ms BIGINT);
INSERT INTO width VALUES
    ('flow', '1m', true, 60000, 7200000),
    ('cohort', '5m', false, 300000, 7200000),
    ('cohort', '1d', false, days(1), days(30)),
    ('cohort', 'life', false, NULL, NULL),
    ('copy', '1d', false, days(1), days(14)),
    ('copy', 'life', false, NULL, NULL);

CREATE TABLE arm AS
WITH distinct_arm AS (
    SELECT
        part, experiment, category, segment, variant, min({'off': off, 'place': place}) AS since,
        least(experiment, category, segment, variant) = 4294967295 AS is_other
    FROM (
        SELECT part, experiment, category, segment, variant, off, place FROM gain
        UNION ALL
        SELECT part, experiment, category, segment, variant, off, place FROM carried_arm
    )
    GROUP BY part, experiment, category, segment, variant
), ranked AS (
    SELECT *, row_number() OVER (PARTITION BY part, is_other ORDER BY since) AS nth FROM distinct_arm
)
SELECT
    part, experiment, category, segment, variant,
    CASE
        WHEN nth > max_cells AND NOT is_other THEN 'ffffffff|ffffffff|ffffffff|ffffffff'
        ELSE printf('%08x|%08x|%08x|%08x', experiment, category, segment, variant)
    END AS arm,
    since, is_other
FROM ranked, rules;

-- A text's cell has its code in the variant's place; code 0 is no text.
CREATE TABLE text AS
WITH distinct_text AS (
    SELECT
        part, experiment, category, segment, copy, min({'off': off, 'place': place}) AS since,
        least(experiment, category, segment, copy) = 4294967295 AS is_other
    FROM (
        SELECT part, experiment, category, segment, copy, off, place FROM gain WHERE copy <> 0
        UNION ALL
        SELECT part, experiment, category, segment, copy, off, place FROM carried_text
    )
    GROUP BY part, experiment, category, segment, copy
), ranked AS (
    SELECT *, row_number() OVER (PARTITION BY part, is_other ORDER BY since) AS nth FROM distinct_text
)
SELECT
    part, experiment, category, segment, copy,
    CASE
        WHEN nth > max_copies AND NOT is_other THEN 'ffffffff|ffffffff|ffffffff|ffffffff'
        ELSE printf('%08x|%08x|%08x|%08x', experiment, category, segment, copy)
    END AS arm,
    since, is_other
FROM ranked, rules;

CREATE TABLE placed AS
WITH moment AS (
    SELECT
        gain.part, off, high, arm, counter, amount, family, name, width_ms, keep_ms,
        CASE WHEN by_event THEN time_ms ELSE decided_ms END AS moment_ms
    FROM gain JOIN arm USING (part, experiment, category, segment, variant), width
    WHERE family <> 'copy'
    UNION ALL
    SELECT gain.part, off, high, arm, counter, amount, family, name, width_ms, keep_ms, decided_ms
    FROM gain JOIN text USING (part, experiment, category, segment, copy), width
    WHERE family = 'copy'
), started AS (
    SELECT *, moment_ms - ((moment_ms % width_ms) + width_ms) % width_ms AS start_ms FROM moment
)
SELECT part, off, family, name, start_ms, start_ms + width_ms + keep_ms AS expires_ms, arm, counter, amount
FROM started
WHERE name = 'life' OR start_ms + width_ms + keep_ms > high;

CREATE TABLE cell AS
WITH found AS (
    SELECT part, family, name, start_ms, any_value(expires_ms) AS expires_ms, arm
    FROM placed
    GROUP BY part, family, name, start_ms, arm
    UNION
    SELECT part, family, name, start_ms, expires_ms, arm FROM carried_cell
    UNION
    SELECT DISTINCT part, 'total', 'life', NULL, NULL, '00000000|00000000|00000000|00000000' FROM total_gain
    UNION
    SELECT DISTINCT part, 'shoppers', 'life', NULL, NULL, pair FROM sum_gain
)
SELECT
    *, row_number() OVER () AS id,
    concat(family, '|', name, CASE WHEN start_ms IS NULL THEN '' ELSE concat(':', start_ms // 1000) END, '|', arm) AS cell
FROM found;

CREATE TABLE contribution AS
SELECT id, placed.part, off, counter, amount
FROM placed JOIN cell
    ON placed.part = cell.part AND placed.family = cell.family AND placed.name = cell.name
    AND placed.start_ms IS NOT DISTINCT FROM cell.start_ms AND placed.arm = cell.arm
UNION ALL
SELECT id, total_gain.part, off, counter, amount
FROM total_gain JOIN cell ON total_gain.part = cell.part AND cell.family = 'total'
UNION ALL
SELECT id, sum_gain.part, off, counter, amount
FROM sum_gain JOIN cell ON sum_gain.part = cell.part AND cell.family = 'shoppers' AND cell.arm = sum_gain.pair
UNION ALL
SELECT id, carried_cell.part, off, counter, amount
FROM carried_cell JOIN cell
    ON carried_cell.part = cell.part AND carried_cell.family = cell.family AND carried_cell.name = cell.name
    AND carried_cell.start_ms IS NOT DISTINCT FROM cell.start_ms AND carried_cell.arm = cell.arm;
