WITH "__hybrid_entities" AS (
  SELECT * FROM (SELECT CAST(0 AS NUMBER(38,0)) AS "__hybrid_row", '2024-05-01 00:00:00.000000'::TIMESTAMP_NTZ(6) AS "__hybrid_time", CAST(7 AS NUMBER(38,0)) AS "my_driver_id", CAST('it''s' AS VARCHAR) AS "my_region"
  UNION ALL SELECT CAST(1 AS NUMBER(38,0)) AS "__hybrid_row", '2024-05-02 00:00:00.000000'::TIMESTAMP_NTZ(6) AS "__hybrid_time", CAST(NULL AS NUMBER(38,0)) AS "my_driver_id", CAST('b' AS VARCHAR) AS "my_region") AS "e"
),
"__hybrid_features0" AS (
  SELECT "s"."driver_id" AS "k0", "s"."ts" AS "ts", "s"."created" AS "created", "s"."trips" AS "c0", "s"."it's ""rated""" AS "c1"
  FROM "lake"."driver stats" AS "s"
  WHERE "s"."ts" >= '2024-04-01 00:00:00.000000'::TIMESTAMP_NTZ(6)
    AND "s"."ts" <= '2024-05-02 00:00:00.000000'::TIMESTAMP_NTZ(6)
    AND "s"."driver_id" IS NOT NULL
),
"__hybrid_single0" AS (
  SELECT "f"."k0", "f"."ts", "f"."c0", "f"."c1"
  FROM "__hybrid_features0" AS "f" WHERE TRUE
  QUALIFY ROW_NUMBER() OVER (PARTITION BY "f"."k0", "f"."ts" ORDER BY "f"."ts" DESC, "f"."created" DESC NULLS LAST, "f"."c0" DESC NULLS LAST, "f"."c1" DESC NULLS LAST) = 1
),
"__hybrid_winners0" AS (
  SELECT "e"."__hybrid_row", "f"."c0", "f"."c1"
  FROM "__hybrid_entities" AS "e" ASOF JOIN "__hybrid_single0" AS "f" MATCH_CONDITION ("e"."__hybrid_time" >= "f"."ts") ON "e"."my_driver_id" = "f"."k0"
  WHERE "f"."ts" IS NOT NULL AND ("f"."ts" >= DATEADD('MICROSECOND', -2592000000000, "e"."__hybrid_time"))
)
SELECT "e"."__hybrid_row", "v0"."c0" AS "f0", "v0"."c1" AS "f1"
FROM "__hybrid_entities" AS "e"
LEFT JOIN "__hybrid_winners0" AS "v0" ON "v0"."__hybrid_row" = "e"."__hybrid_row"
