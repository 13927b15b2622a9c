view stats_by_driver_id_region: RunningTime, as the configured `last_value` cannot join it

WITH `__hybrid_known0` AS (
  SELECT `s`.`driver_id` AS `k0`, `s`.`region` AS `k1`, `s`.`ts` AS `ts`, `s`.`created` AS `created`
  FROM `lake`.`driver stats` AS `s`
  WHERE `s`.`ts` >= TIMESTAMP '2024-04-30 23:59:58.499999+00'
    AND `s`.`ts` <= TIMESTAMP '2024-05-02 00:00:00.000000+00'
    AND `s`.`driver_id` IS NOT NULL
    AND `s`.`region` IS NOT NULL
    AND `s`.`created` <= TIMESTAMP '2024-05-02 00:00:00.000000+00'
    AND EXISTS (SELECT 1 FROM entity_rows AS `e` WHERE `e`.`my_driver_id` = `s`.`driver_id` AND `e`.`my_region` = `s`.`region`)
),
`__hybrid_features0` AS (
  SELECT `s`.`driver_id` AS `k0`, `s`.`region` AS `k1`, `s`.`ts` AS `ts`, `s`.`created` AS `created`, `s`.`trips` AS `c0`, `s`.`it's "rated"` AS `c1`
  FROM `lake`.`driver stats` AS `s`
  WHERE `s`.`ts` >= TIMESTAMP '2024-04-30 23:59:58.499999+00'
    AND `s`.`ts` <= TIMESTAMP '2024-05-02 00:00:00.000000+00'
    AND `s`.`driver_id` IS NOT NULL
    AND `s`.`region` IS NOT NULL
    AND `s`.`created` <= TIMESTAMP '2024-05-02 00:00:00.000000+00'
),
`__hybrid_seen0` AS (
  SELECT `u`.`__hybrid_row`, `u`.`k0`, `u`.`k1`, `u`.`t`, MAX(`u`.`carry`) OVER (PARTITION BY `u`.`k0`, `u`.`k1` ORDER BY `u`.`t`) AS `hit`
  FROM (
    SELECT NULL AS `__hybrid_row`, `f`.`k0`, `f`.`k1`, GREATEST(`f`.`ts`, `f`.`created`) AS `t`, `f`.`ts` AS `carry` FROM `__hybrid_known0` AS `f`
    UNION ALL
    SELECT `e`.`__hybrid_row`, `e`.`my_driver_id` AS `k0`, `e`.`my_region` AS `k1`, `e`.`__hybrid_time`, NULL FROM entity_rows AS `e` WHERE `e`.`my_driver_id` IS NOT NULL AND `e`.`my_region` IS NOT NULL
  ) AS `u`
),
`__hybrid_winners0` AS (
  SELECT `w`.`__hybrid_row`, `f`.`c0`, `f`.`c1`
  FROM `__hybrid_features0` AS `f` JOIN `__hybrid_seen0` AS `w` ON `f`.`k0` = `w`.`k0` AND `f`.`k1` = `w`.`k1` AND `f`.`ts` = `w`.`hit` AND `f`.`created` <= `w`.`t`
    WHERE `w`.`__hybrid_row` IS NOT NULL AND `w`.`hit` IS NOT NULL AND (TIMESTAMP_DIFF(`w`.`t`, `w`.`hit`, MICROSECOND) <= 1500001)
  QUALIFY ROW_NUMBER() OVER (PARTITION BY `w`.`__hybrid_row` ORDER BY `f`.`ts` DESC, `f`.`created` DESC NULLS LAST, `f`.`c0` DESC NULLS LAST, `f`.`c1` DESC NULLS LAST) = 1
)
SELECT `e`.`__hybrid_row`, `v0`.`c0` AS `f0`, `v0`.`c1` AS `f1`
FROM entity_rows AS `e`
LEFT JOIN `__hybrid_winners0` AS `v0` ON `v0`.`__hybrid_row` = `e`.`__hybrid_row`
