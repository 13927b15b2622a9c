SELECT ROW_NUMBER() OVER () - 1 AS "__hybrid_row", "q".* FROM (SELECT * FROM rides -- all of them
) AS "q"

SELECT "s"."__hybrid_row", ("s"."ts" AT TIME ZONE 'UTC') AS "__hybrid_time", "s"."driver_id" AS "driver_id", "s"."region" AS "region" FROM staged_1 AS "s"

SELECT "s"."driver_id" AS "driver_id", "s"."region" AS "region", "s"."ts" AS "ts", "s"."created" AS "created", "s"."day" AS "day", "s"."day text" AS "day text", "s"."trips" AS "trips", "s"."it's ""rated""" AS "it's ""rated""" FROM staged_1 AS "s" ORDER BY "s"."__hybrid_row"
