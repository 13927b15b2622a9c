view stats_by_driver_id: Ranked, as configured

WITH `__hybrid_features0` AS (
  SELECT `s`.`driver_id` AS `k0`, `s`.`ts` AS `ts`, `s`.`created` AS `created`, `s`.`trips` AS `c0`, `s`.`it's "rated"` AS `c1`
  FROM `lake`.`driver stats` AS `s`
  WHERE `s`.`ts` >= TIMESTAMP '2024-04-30 00:00:00.000000+00'
    AND `s`.`ts` <= TIMESTAMP '2024-05-02 00:00:00.000000+00'
    AND `s`.`day text` >= '2024-04-30' AND `s`.`day text` <= '2024-05-02'
    AND `s`.`driver_id` IS NOT NULL
),
`__hybrid_winners0` AS (
  SELECT `e`.`__hybrid_row`, `f`.`c0`, `f`.`c1`
  FROM `__hybrid_features0` AS `f` JOIN entity_rows AS `e` ON `f`.`k0` = `e`.`my_driver_id` AND `f`.`ts` <= `e`.`__hybrid_time` AND (TIMESTAMP_DIFF(`e`.`__hybrid_time`, `f`.`ts`, MICROSECOND) <= 86400000000) WHERE TRUE
  QUALIFY ROW_NUMBER() OVER (PARTITION BY `e`.`__hybrid_row` ORDER BY `f`.`ts` DESC, `f`.`created` DESC NULLS LAST, `f`.`c0` DESC NULLS LAST, `f`.`c1` DESC NULLS LAST) = 1
)
SELECT `e`.`__hybrid_row`, `v0`.`c0` AS `f0`, `v0`.`c1` AS `f1`
FROM entity_rows AS `e`
LEFT JOIN `__hybrid_winners0` AS `v0` ON `v0`.`__hybrid_row` = `e`.`__hybrid_row`
