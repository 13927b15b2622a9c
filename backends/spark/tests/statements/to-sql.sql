WITH `__hybrid_entities` AS (
  SELECT * FROM (SELECT CAST(0 AS BIGINT) AS `__hybrid_row`, TIMESTAMP '2024-05-01 00:00:00.000000Z' AS `__hybrid_time`, CAST(7 AS BIGINT) AS `my_driver_id`, CAST('it\'s' AS STRING) AS `my_region`
  UNION ALL SELECT CAST(1 AS BIGINT) AS `__hybrid_row`, TIMESTAMP '2024-05-02 00:00:00.000000Z' AS `__hybrid_time`, CAST(NULL AS BIGINT) AS `my_driver_id`, CAST('b' AS STRING) AS `my_region`) AS `e`
),
`__hybrid_known0` AS (
  SELECT `s`.`driver_id` AS `k0`, `s`.`ts` AS `ts`, `s`.`created` AS `created`, `s`.`trips` AS `c0`, `s`.`it's "rated"` AS `c1`
  FROM `lake`.`driver stats` AS `s`
  WHERE `s`.`ts` >= TIMESTAMP '2024-04-01 00:00:00.000000Z'
    AND `s`.`ts` <= TIMESTAMP '2024-05-02 00:00:00.000000Z'
    AND `s`.`driver_id` IS NOT NULL
    AND EXISTS (SELECT 1 FROM `__hybrid_entities` AS `e` WHERE `e`.`my_driver_id` = `s`.`driver_id`)
),
`__hybrid_seen0` AS (
  SELECT `u`.`__hybrid_row`, `u`.`k0`, `u`.`t`, MAX(`u`.`carry`) OVER (PARTITION BY `u`.`k0` ORDER BY `u`.`t`) AS `hit`
  FROM (
    SELECT NULL AS `__hybrid_row`, `f`.`k0`, `f`.`ts` AS `t`, NAMED_STRUCT('ts', `f`.`ts`, 'created', `f`.`created`, 'c0', `f`.`c0`, 'c1', `f`.`c1`) AS `carry` FROM `__hybrid_known0` AS `f`
    UNION ALL
    SELECT `e`.`__hybrid_row`, `e`.`my_driver_id` AS `k0`, `e`.`__hybrid_time`, NULL FROM `__hybrid_entities` AS `e` WHERE `e`.`my_driver_id` IS NOT NULL
  ) AS `u`
),
`__hybrid_winners0` AS (
  SELECT `w`.`__hybrid_row`, `w`.`hit`.`c0` AS `c0`, `w`.`hit`.`c1` AS `c1`
  FROM `__hybrid_seen0` AS `w` WHERE `w`.`__hybrid_row` IS NOT NULL AND `w`.`hit` IS NOT NULL AND (`w`.`hit`.`ts` >= `w`.`t` - INTERVAL '2592000.000000' SECOND)
)
SELECT `e`.`__hybrid_row`, `v0`.`c0` AS `f0`, `v0`.`c1` AS `f1`
FROM `__hybrid_entities` AS `e`
LEFT JOIN `__hybrid_winners0` AS `v0` ON `v0`.`__hybrid_row` = `e`.`__hybrid_row`
