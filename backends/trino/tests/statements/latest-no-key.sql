SELECT "s"."trips" AS "o0", CAST(CAST("s"."ts" AT TIME ZONE 'UTC' AS timestamp(6)) AS timestamp(6)) AS "o1", CAST(CAST("s"."created" AT TIME ZONE 'UTC' AS timestamp(6)) AS timestamp(6)) AS "o2"
FROM "lake"."driver stats" AS "s"
WHERE CAST(CAST("s"."ts" AT TIME ZONE 'UTC' AS timestamp(6)) AS timestamp(6)) >= TIMESTAMP '2024-04-30 00:00:00.000000'
  AND "s"."ts" >= TIMESTAMP '2024-04-30 00:00:00.000000 UTC'
  AND CAST(CAST("s"."ts" AT TIME ZONE 'UTC' AS timestamp(6)) AS timestamp(6)) <= TIMESTAMP '2024-05-01 00:00:00.000000'
  AND "s"."ts" <= TIMESTAMP '2024-05-01 00:00:00.000000 UTC'
ORDER BY CAST(CAST("s"."ts" AT TIME ZONE 'UTC' AS timestamp(6)) AS timestamp(6)) DESC, CAST(CAST("s"."created" AT TIME ZONE 'UTC' AS timestamp(6)) AS timestamp(6)) DESC NULLS LAST, "s"."trips" DESC NULLS LAST LIMIT 1
