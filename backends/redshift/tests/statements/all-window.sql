SELECT "s"."driver_id" AS "o0", "s"."trips" AS "o1", ("s"."ts" AT TIME ZONE 'UTC') AS "o2", ("s"."created" AT TIME ZONE 'UTC') AS "o3"
FROM "lake"."driver stats" AS "s"
WHERE ("s"."ts" AT TIME ZONE 'UTC') >= '2024-04-30 00:00:00.000000'::timestamp
  AND "s"."ts" >= '2024-04-30 00:00:00.000000'::timestamptz
  AND ("s"."ts" AT TIME ZONE 'UTC') <= '2024-05-01 00:00:00.000000'::timestamp
  AND "s"."ts" <= '2024-05-01 00:00:00.000000'::timestamptz
  AND "s"."day" >= '2024-04-30'::date
  AND "s"."day" <= '2024-05-01'::date
