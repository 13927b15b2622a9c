SELECT "s"."driver_id" AS "o0", "s"."trips" AS "o1", "s"."ts" AS "o2", "s"."created" AS "o3"
FROM "lake"."driver stats" AS "s"
WHERE "s"."ts" >= '2024-04-30 00:00:00.000000'::TIMESTAMP_NTZ(6)
  AND "s"."ts" <= '2024-05-01 00:00:00.000000'::TIMESTAMP_NTZ(6)
  AND "s"."day" >= '2024-04-30'::DATE
  AND "s"."day" <= '2024-05-01'::DATE
