SELECT "o0", "o1", "o2", "o3", "o4"
FROM (
SELECT "s"."driver_id" AS "o0", CAST("s"."region" AS varchar) AS "o1", "s"."trips" AS "o2", CAST(CAST("s"."ts" AT TIME ZONE 'UTC' AS timestamp(6)) AS timestamp(6)) AS "o3", CAST(CAST("s"."created" AT TIME ZONE 'UTC' AS timestamp(6)) AS timestamp(6)) AS "o4", ROW_NUMBER() OVER (PARTITION BY "s"."driver_id", CAST("s"."region" AS varchar) ORDER BY CAST(CAST("s"."ts" AT TIME ZONE 'UTC' AS timestamp(6)) AS timestamp(6)) DESC, CAST(CAST("s"."created" AT TIME ZONE 'UTC' AS timestamp(6)) AS timestamp(6)) DESC NULLS LAST, "s"."trips" DESC NULLS LAST) AS "rank"
FROM "lake"."driver stats" AS "s"
WHERE CAST(CAST("s"."ts" AT TIME ZONE 'UTC' AS timestamp(6)) AS timestamp(6)) >= TIMESTAMP '2024-04-30 00:00:00.000000'
  AND "s"."ts" >= TIMESTAMP '2024-04-30 00:00:00.000000 UTC'
  AND CAST(CAST("s"."ts" AT TIME ZONE 'UTC' AS timestamp(6)) AS timestamp(6)) <= TIMESTAMP '2024-05-01 00:00:00.000000'
  AND "s"."ts" <= TIMESTAMP '2024-05-01 00:00:00.000000 UTC'
  AND "s"."driver_id" IS NOT NULL
  AND "s"."region" IS NOT NULL
) AS "r"
WHERE "r"."rank" = 1
