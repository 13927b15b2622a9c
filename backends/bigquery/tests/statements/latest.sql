SELECT `s`.`driver_id` AS `o0`, `s`.`region` AS `o1`, `s`.`trips` AS `o2`, `s`.`ts` AS `o3`, `s`.`created` AS `o4`
FROM `lake`.`driver stats` AS `s`
WHERE `s`.`ts` >= TIMESTAMP '2024-04-30 00:00:00.000000+00'
  AND `s`.`ts` <= TIMESTAMP '2024-05-01 00:00:00.000000+00'
  AND `s`.`driver_id` IS NOT NULL
  AND `s`.`region` IS NOT NULL
QUALIFY ROW_NUMBER() OVER (PARTITION BY `s`.`driver_id`, `s`.`region` ORDER BY `s`.`ts` DESC, `s`.`created` DESC NULLS LAST, `s`.`trips` DESC NULLS LAST) = 1
