SELECT `s`.`driver_id` AS `o0`, `s`.`trips` AS `o1`, `s`.`ts` AS `o2`, `s`.`created` AS `o3`
FROM `lake`.`driver stats` AS `s`
WHERE `s`.`ts` >= TIMESTAMP '2024-04-30 00:00:00.000000+00'
  AND `s`.`ts` <= TIMESTAMP '2024-05-01 00:00:00.000000+00'
  AND `s`.`day` >= DATE '2024-04-30'
  AND `s`.`day` <= DATE '2024-05-01'
