SELECT "s"."trips" AS "o0", ("s"."ts" AT TIME ZONE 'UTC') AS "o1", ("s"."created" AT TIME ZONE 'UTC') AS "o2"
FROM "lake"."driver stats" AS "s"
WHERE ("s"."ts" AT TIME ZONE 'UTC') >= '2024-04-30 00:00:00.000000'::timestamp
  AND "s"."ts" >= '2024-04-30 00:00:00.000000'::timestamptz
  AND ("s"."ts" AT TIME ZONE 'UTC') <= '2024-05-01 00:00:00.000000'::timestamp
  AND "s"."ts" <= '2024-05-01 00:00:00.000000'::timestamptz
ORDER BY ("s"."ts" AT TIME ZONE 'UTC') DESC, ("s"."created" AT TIME ZONE 'UTC') DESC NULLS LAST, "s"."trips" DESC NULLS LAST LIMIT 1
