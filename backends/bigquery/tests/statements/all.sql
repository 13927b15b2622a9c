SELECT `s`.`driver_id` AS `o0`, `s`.`trips` AS `o1`, `s`.`ts` AS `o2`, `s`.`created` AS `o3`
FROM `lake`.`driver stats` AS `s`
WHERE `s`.`ts` IS NOT NULL
