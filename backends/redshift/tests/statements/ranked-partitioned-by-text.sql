view stats_by_driver_id: Ranked, as configured

WITH "__hybrid_features0" AS (
  SELECT "s"."driver_id" AS "k0", ("s"."ts" AT TIME ZONE 'UTC') AS "ts", ("s"."created" AT TIME ZONE 'UTC') AS "created", "s"."trips" AS "c0", "s"."it's ""rated""" AS "c1"
  FROM "lake"."driver stats" AS "s"
  WHERE "s"."ts" >= '2024-04-30 00:00:00.000000'::timestamptz
    AND "s"."ts" <= '2024-05-02 00:00:00.000000'::timestamptz
    AND "s"."day text" >= '2024-04-30' AND "s"."day text" <= '2024-05-02'
    AND "s"."driver_id" IS NOT NULL
),
"__hybrid_winners0" AS (
  SELECT "r"."__hybrid_row", "r"."c0", "r"."c1"
  FROM (
    SELECT "e"."__hybrid_row", "f"."c0", "f"."c1", ROW_NUMBER() OVER (PARTITION BY "e"."__hybrid_row" ORDER BY "f"."ts" DESC, "f"."created" DESC NULLS LAST, "f"."c0" DESC NULLS LAST, "f"."c1" DESC NULLS LAST) AS "rank"
    FROM "__hybrid_features0" AS "f" JOIN entity_rows AS "e" ON "f"."k0" = "e"."my_driver_id" AND "f"."ts" <= "e"."__hybrid_time" AND ("f"."ts" >= ("e"."__hybrid_time" - INTERVAL '1 days'))
  ) AS "r" WHERE "r"."rank" = 1
)
SELECT "e"."__hybrid_row", "v0"."c0" AS "f0", "v0"."c1" AS "f1"
FROM entity_rows AS "e"
LEFT JOIN "__hybrid_winners0" AS "v0" ON "v0"."__hybrid_row" = "e"."__hybrid_row"
