SELECT "s"."driver_id" AS "o0", "s"."trips" AS "o1", CAST(CAST("s"."ts" AT TIME ZONE 'UTC' AS timestamp(6)) AS timestamp(6)) AS "o2", CAST(CAST("s"."created" AT TIME ZONE 'UTC' AS timestamp(6)) AS timestamp(6)) AS "o3"
FROM "lake"."driver stats" AS "s"
WHERE "s"."ts" IS NOT NULL
