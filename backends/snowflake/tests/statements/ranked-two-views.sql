view stats_by_driver_id: Ranked, as configured
view stats_by_region: Ranked, as configured

WITH "__hybrid_features0" AS (
  SELECT "s"."driver_id" AS "k0", "s"."ts" AS "ts", "s"."created" AS "created", "s"."trips" AS "c0", "s"."it's ""rated""" AS "c1"
  FROM "lake"."driver stats" AS "s"
  WHERE "s"."ts" <= '2024-05-02 00:00:00.000000'::TIMESTAMP_NTZ(6)
    AND "s"."driver_id" IS NOT NULL
),
"__hybrid_winners0" AS (
  SELECT "e"."__hybrid_row", "f"."c0", "f"."c1"
  FROM "__hybrid_features0" AS "f" JOIN entity_rows AS "e" ON "f"."k0" = "e"."my_driver_id" AND "f"."ts" <= "e"."__hybrid_time" WHERE TRUE
  QUALIFY ROW_NUMBER() OVER (PARTITION BY "e"."__hybrid_row" ORDER BY "f"."ts" DESC, "f"."created" DESC NULLS LAST, "f"."c0" DESC NULLS LAST, "f"."c1" DESC NULLS LAST) = 1
),
"__hybrid_features1" AS (
  SELECT "s"."region" AS "k0", "s"."ts" AS "ts", "s"."created" AS "created", "s"."trips" AS "c0", "s"."it's ""rated""" AS "c1"
  FROM "lake"."driver stats" AS "s"
  WHERE "s"."ts" >= '2024-04-30 00:00:00.000000'::TIMESTAMP_NTZ(6)
    AND "s"."ts" <= '2024-05-02 00:00:00.000000'::TIMESTAMP_NTZ(6)
    AND "s"."region" IS NOT NULL
),
"__hybrid_winners1" AS (
  SELECT "e"."__hybrid_row", "f"."c0", "f"."c1"
  FROM "__hybrid_features1" AS "f" JOIN entity_rows AS "e" ON "f"."k0" = "e"."my_region" AND "f"."ts" <= "e"."__hybrid_time" AND ("f"."ts" >= DATEADD('MICROSECOND', -86400000000, "e"."__hybrid_time")) WHERE TRUE
  QUALIFY ROW_NUMBER() OVER (PARTITION BY "e"."__hybrid_row" ORDER BY "f"."ts" DESC, "f"."created" DESC NULLS LAST, "f"."c0" DESC NULLS LAST, "f"."c1" DESC NULLS LAST) = 1
)
SELECT "e"."__hybrid_row", "v0"."c0" AS "f0", "v0"."c1" AS "f1", "v1"."c0" AS "f2", "v1"."c1" AS "f3"
FROM entity_rows AS "e"
LEFT JOIN "__hybrid_winners0" AS "v0" ON "v0"."__hybrid_row" = "e"."__hybrid_row"
LEFT JOIN "__hybrid_winners1" AS "v1" ON "v1"."__hybrid_row" = "e"."__hybrid_row"
