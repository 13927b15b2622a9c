SELECT "s"."driver_id" AS "o0", "s"."trips" AS "o1", CAST(CAST("s"."ts" AT TIME ZONE 'UTC' AS timestamp(6)) AS timestamp(6)) AS "o2", CAST(CAST("s"."created" AT TIME ZONE 'UTC' AS timestamp(6)) AS timestamp(6)) AS "o3"
FROM "lake"."driver stats" AS "s"
WHERE CAST(CAST("s"."ts" AT TIME ZONE 'UTC' AS timestamp(6)) AS timestamp(6)) >= TIMESTAMP '2024-04-30 00:00:00.000000'
  AND "s"."ts" >= TIMESTAMP '2024-04-30 00:00:00.000000 UTC'
  AND CAST(CAST("s"."ts" AT TIME ZONE 'UTC' AS timestamp(6)) AS timestamp(6)) <= TIMESTAMP '2024-05-01 00:00:00.000000'
  AND "s"."ts" <= TIMESTAMP '2024-05-01 00:00:00.000000 UTC'
  AND "s"."day" >= DATE '2024-04-30'
  AND "s"."day" <= DATE '2024-05-01'
