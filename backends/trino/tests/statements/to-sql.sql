WITH "__hybrid_entities" AS (
  SELECT * FROM (SELECT CAST(0 AS bigint) AS "__hybrid_row", TIMESTAMP '2024-05-01 00:00:00.000000' AS "__hybrid_time", CAST(7 AS bigint) AS "my_driver_id", CAST('it''s' AS varchar) AS "my_region"
  UNION ALL SELECT CAST(1 AS bigint) AS "__hybrid_row", TIMESTAMP '2024-05-02 00:00:00.000000' AS "__hybrid_time", CAST(NULL AS bigint) AS "my_driver_id", CAST('b' AS varchar) AS "my_region") AS "e"
),
"__hybrid_known0" AS (
  SELECT CAST("s"."driver_id" AS bigint) AS "k0", CAST(CAST("s"."ts" AT TIME ZONE 'UTC' AS timestamp(6)) AS timestamp(6)) AS "ts", "s"."created" AS "created"
  FROM "lake"."driver stats" AS "s"
  WHERE "s"."ts" >= TIMESTAMP '2024-04-01 00:00:00.000000 UTC'
    AND "s"."ts" <= TIMESTAMP '2024-05-02 00:00:00.000000 UTC'
    AND "s"."driver_id" IS NOT NULL
    AND EXISTS (SELECT 1 FROM "__hybrid_entities" AS "e" WHERE "e"."my_driver_id" = CAST("s"."driver_id" AS bigint))
),
"__hybrid_features0" AS (
  SELECT CAST("s"."driver_id" AS bigint) AS "k0", CAST(CAST("s"."ts" AT TIME ZONE 'UTC' AS timestamp(6)) AS timestamp(6)) AS "ts", "s"."created" AS "created", "s"."trips" AS "c0", "s"."it's ""rated""" AS "c1"
  FROM "lake"."driver stats" AS "s"
  WHERE "s"."ts" >= TIMESTAMP '2024-04-01 00:00:00.000000 UTC'
    AND "s"."ts" <= TIMESTAMP '2024-05-02 00:00:00.000000 UTC'
    AND "s"."driver_id" IS NOT NULL
),
"__hybrid_seen0" AS (
  SELECT "u"."__hybrid_row", "u"."k0", "u"."t", MAX("u"."carry") OVER (PARTITION BY "u"."k0" ORDER BY "u"."t") AS "hit"
  FROM (
    SELECT NULL AS "__hybrid_row", "f"."k0", "f"."ts" AS "t", "f"."ts" AS "carry" FROM "__hybrid_known0" AS "f"
    UNION ALL
    SELECT "e"."__hybrid_row", "e"."my_driver_id" AS "k0", "e"."__hybrid_time", NULL FROM "__hybrid_entities" AS "e" WHERE "e"."my_driver_id" IS NOT NULL
  ) AS "u"
),
"__hybrid_winners0" AS (
  SELECT "r"."__hybrid_row", "r"."c0", "r"."c1"
  FROM (
    SELECT "w"."__hybrid_row", "f"."c0", "f"."c1", ROW_NUMBER() OVER (PARTITION BY "w"."__hybrid_row" ORDER BY "f"."ts" DESC, "f"."created" DESC NULLS LAST, "f"."c0" DESC NULLS LAST, "f"."c1" DESC NULLS LAST) AS "rank"
    FROM "__hybrid_features0" AS "f" JOIN "__hybrid_seen0" AS "w" ON "f"."k0" = "w"."k0" AND "f"."ts" = "w"."hit"
    WHERE "w"."__hybrid_row" IS NOT NULL AND "w"."hit" IS NOT NULL AND ("w"."hit" >= "w"."t" - INTERVAL '30' DAY - INTERVAL '0.000' SECOND)
  ) AS "r" WHERE "r"."rank" = 1
)
SELECT "e"."__hybrid_row", "v0"."c0" AS "f0", "v0"."c1" AS "f1"
FROM "__hybrid_entities" AS "e"
LEFT JOIN "__hybrid_winners0" AS "v0" ON "v0"."__hybrid_row" = "e"."__hybrid_row"
