SELECT ROW_NUMBER() OVER (ORDER BY `q`.`ts` DESC, `q`.`driver_id`) - 1 AS `__hybrid_row`, `q`.* FROM (SELECT * FROM rides ORDER BY ts DESC, driver_id
) AS `q`

SELECT `s`.`__hybrid_row`, `s`.`ts` AS `__hybrid_time`, `s`.`driver_id` AS `driver_id`, `s`.`region` AS `region` FROM staged_1 AS `s`

SELECT `s`.`driver_id` AS `driver_id`, `s`.`region` AS `region`, `s`.`ts` AS `ts`, `s`.`created` AS `created`, `s`.`day` AS `day`, `s`.`day text` AS `day text`, `s`.`trips` AS `trips`, `s`.`it's "rated"` AS `it's "rated"` FROM staged_1 AS `s` ORDER BY `s`.`__hybrid_row`
