view stats_by_: RunningTime, as configured

WITH "__hybrid_known0" AS (
  SELECT ("s"."ts" AT TIME ZONE 'UTC') AS "ts", ("s"."created" AT TIME ZONE 'UTC') AS "created"
  FROM "lake"."driver stats" AS "s"
  WHERE "s"."ts" <= '2024-05-02 00:00:00.000000'::timestamptz
),
"__hybrid_features0" AS (
  SELECT ("s"."ts" AT TIME ZONE 'UTC') AS "ts", ("s"."created" AT TIME ZONE 'UTC') AS "created", "s"."trips" AS "c0", "s"."it's ""rated""" AS "c1"
  FROM "lake"."driver stats" AS "s"
  WHERE "s"."ts" <= '2024-05-02 00:00:00.000000'::timestamptz
),
"__hybrid_seen0" AS (
  SELECT "u"."__hybrid_row", "u"."t", MAX("u"."carry") OVER (ORDER BY "u"."t", "u"."__hybrid_row" NULLS FIRST ROWS UNBOUNDED PRECEDING) AS "hit"
  FROM (
    SELECT NULL AS "__hybrid_row", "f"."ts" AS "t", "f"."ts" AS "carry" FROM "__hybrid_known0" AS "f"
    UNION ALL
    SELECT "e"."__hybrid_row", "e"."__hybrid_time", NULL FROM entity_rows AS "e"
  ) AS "u"
),
"__hybrid_winners0" AS (
  SELECT "r"."__hybrid_row", "r"."c0", "r"."c1"
  FROM (
    SELECT "w"."__hybrid_row", "f"."c0", "f"."c1", ROW_NUMBER() OVER (PARTITION BY "w"."__hybrid_row" ORDER BY "f"."ts" DESC, "f"."created" DESC NULLS LAST, "f"."c0" DESC NULLS LAST, "f"."c1" DESC NULLS LAST) AS "rank"
    FROM "__hybrid_features0" AS "f" JOIN "__hybrid_seen0" AS "w" ON "f"."ts" = "w"."hit"
    WHERE "w"."__hybrid_row" IS NOT NULL AND "w"."hit" IS NOT NULL
  ) AS "r" WHERE "r"."rank" = 1
)
SELECT "e"."__hybrid_row", "v0"."c0" AS "f0", "v0"."c1" AS "f1"
FROM entity_rows AS "e"
LEFT JOIN "__hybrid_winners0" AS "v0" ON "v0"."__hybrid_row" = "e"."__hybrid_row"
