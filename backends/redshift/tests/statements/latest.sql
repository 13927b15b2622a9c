SELECT "o0", "o1", "o2", "o3", "o4"
FROM (
SELECT "s"."driver_id" AS "o0", "s"."region" AS "o1", "s"."trips" AS "o2", ("s"."ts" AT TIME ZONE 'UTC') AS "o3", ("s"."created" AT TIME ZONE 'UTC') AS "o4", ROW_NUMBER() OVER (PARTITION BY "s"."driver_id", "s"."region" ORDER BY ("s"."ts" AT TIME ZONE 'UTC') DESC, ("s"."created" AT TIME ZONE 'UTC') DESC NULLS LAST, "s"."trips" DESC NULLS LAST) AS "rank"
FROM "lake"."driver stats" AS "s"
WHERE ("s"."ts" AT TIME ZONE 'UTC') >= '2024-04-30 00:00:00.000000'::timestamp
  AND "s"."ts" >= '2024-04-30 00:00:00.000000'::timestamptz
  AND ("s"."ts" AT TIME ZONE 'UTC') <= '2024-05-01 00:00:00.000000'::timestamp
  AND "s"."ts" <= '2024-05-01 00:00:00.000000'::timestamptz
  AND "s"."driver_id" IS NOT NULL
  AND "s"."region" IS NOT NULL
) AS "r"
WHERE "r"."rank" = 1
