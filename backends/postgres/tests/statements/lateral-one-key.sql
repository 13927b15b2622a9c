view stats_by_driver_id: Lateral, as configured

WITH "__hybrid_winners0" AS (
  SELECT "e"."__hybrid_row", "l"."c0", "l"."c1"
  FROM entity_rows AS "e" CROSS JOIN LATERAL (
    SELECT "s"."trips" AS "c0", "s"."it's ""rated""" AS "c1" FROM "lake"."driver stats" AS "s"
    WHERE "s"."ts" >= '2024-04-01 00:00:00.000000+00'::timestamptz
      AND "s"."ts" <= '2024-05-02 00:00:00.000000+00'::timestamptz
      AND "s"."driver_id" IS NOT NULL
      AND "s"."driver_id" = "e"."my_driver_id"
      AND "s"."ts" <= "e"."__hybrid_time"
      AND ("s"."ts" >= ("e"."__hybrid_time" - INTERVAL '2592000 seconds 0 microseconds'))
    ORDER BY "s"."ts" DESC, "s"."created" DESC NULLS LAST, "s"."trips" DESC NULLS LAST, "s"."it's ""rated""" DESC NULLS LAST LIMIT 1
  ) AS "l"
)
SELECT "e"."__hybrid_row", "v0"."c0" AS "f0", "v0"."c1" AS "f1"
FROM entity_rows AS "e"
LEFT JOIN "__hybrid_winners0" AS "v0" ON "v0"."__hybrid_row" = "e"."__hybrid_row"
