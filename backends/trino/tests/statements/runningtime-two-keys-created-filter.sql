view stats_by_driver_id_region: RunningTime, as configured

WITH "__hybrid_known0" AS (
  SELECT CAST("s"."driver_id" AS bigint) AS "k0", CAST("s"."region" AS varchar) AS "k1", CAST(CAST("s"."ts" AT TIME ZONE 'UTC' AS timestamp(6)) AS timestamp(6)) AS "ts", CAST(CAST("s"."created" AT TIME ZONE 'UTC' AS timestamp(6)) AS timestamp(6)) AS "created"
  FROM "lake"."driver stats" AS "s"
  WHERE "s"."ts" >= TIMESTAMP '2024-04-30 23:59:58.499999 UTC'
    AND "s"."ts" <= TIMESTAMP '2024-05-02 00:00:00.000000 UTC'
    AND "s"."driver_id" IS NOT NULL
    AND "s"."region" IS NOT NULL
    AND CAST(CAST("s"."created" AT TIME ZONE 'UTC' AS timestamp(6)) AS timestamp(6)) <= TIMESTAMP '2024-05-02 00:00:00.000000'
    AND EXISTS (SELECT 1 FROM entity_rows AS "e" WHERE "e"."my_driver_id" = CAST("s"."driver_id" AS bigint) AND "e"."my_region" = CAST("s"."region" AS varchar))
),
"__hybrid_features0" AS (
  SELECT CAST("s"."driver_id" AS bigint) AS "k0", CAST("s"."region" AS varchar) AS "k1", CAST(CAST("s"."ts" AT TIME ZONE 'UTC' AS timestamp(6)) AS timestamp(6)) AS "ts", CAST(CAST("s"."created" AT TIME ZONE 'UTC' AS timestamp(6)) AS timestamp(6)) AS "created", "s"."trips" AS "c0", "s"."it's ""rated""" AS "c1"
  FROM "lake"."driver stats" AS "s"
  WHERE "s"."ts" >= TIMESTAMP '2024-04-30 23:59:58.499999 UTC'
    AND "s"."ts" <= TIMESTAMP '2024-05-02 00:00:00.000000 UTC'
    AND "s"."driver_id" IS NOT NULL
    AND "s"."region" IS NOT NULL
    AND CAST(CAST("s"."created" AT TIME ZONE 'UTC' AS timestamp(6)) AS timestamp(6)) <= TIMESTAMP '2024-05-02 00:00:00.000000'
),
"__hybrid_seen0" AS (
  SELECT "u"."__hybrid_row", "u"."k0", "u"."k1", "u"."t", MAX("u"."carry") OVER (PARTITION BY "u"."k0", "u"."k1" ORDER BY "u"."t") AS "hit"
  FROM (
    SELECT NULL AS "__hybrid_row", "f"."k0", "f"."k1", GREATEST("f"."ts", "f"."created") AS "t", "f"."ts" AS "carry" FROM "__hybrid_known0" AS "f"
    UNION ALL
    SELECT "e"."__hybrid_row", "e"."my_driver_id" AS "k0", "e"."my_region" AS "k1", "e"."__hybrid_time", NULL FROM entity_rows AS "e" WHERE "e"."my_driver_id" IS NOT NULL AND "e"."my_region" IS NOT NULL
  ) AS "u"
),
"__hybrid_winners0" AS (
  SELECT "r"."__hybrid_row", "r"."c0", "r"."c1"
  FROM (
    SELECT "w"."__hybrid_row", "f"."c0", "f"."c1", ROW_NUMBER() OVER (PARTITION BY "w"."__hybrid_row" ORDER BY "f"."ts" DESC, "f"."created" DESC NULLS LAST, "f"."c0" DESC NULLS LAST, "f"."c1" DESC NULLS LAST) AS "rank"
    FROM "__hybrid_features0" AS "f" JOIN "__hybrid_seen0" AS "w" ON "f"."k0" = "w"."k0" AND "f"."k1" = "w"."k1" AND "f"."ts" = "w"."hit" AND "f"."created" <= "w"."t"
    WHERE "w"."__hybrid_row" IS NOT NULL AND "w"."hit" IS NOT NULL AND (date_trunc('millisecond', "w"."t" - INTERVAL '1.500' SECOND) < date_trunc('millisecond', "w"."hit") OR date_trunc('millisecond', "w"."t" - INTERVAL '1.500' SECOND) = date_trunc('millisecond', "w"."hit") AND CAST(substr(CAST("w"."t" - INTERVAL '1.500' SECOND AS varchar), -3) AS integer) - CAST(substr(CAST("w"."hit" AS varchar), -3) AS integer) <= 1 OR date_trunc('millisecond', "w"."t" - INTERVAL '1.500' SECOND) = date_trunc('millisecond', "w"."hit") + INTERVAL '0.001' SECOND AND CAST(substr(CAST("w"."t" - INTERVAL '1.500' SECOND AS varchar), -3) AS integer) - CAST(substr(CAST("w"."hit" AS varchar), -3) AS integer) <= -999)
  ) AS "r" WHERE "r"."rank" = 1
)
SELECT "e"."__hybrid_row", "v0"."c0" AS "f0", "v0"."c1" AS "f1"
FROM entity_rows AS "e"
LEFT JOIN "__hybrid_winners0" AS "v0" ON "v0"."__hybrid_row" = "e"."__hybrid_row"
