SELECT `o0`, `o1`, `o2`, `o3`, `o4`
FROM (
SELECT `s`.`driver_id` AS `o0`, `s`.`region` AS `o1`, `s`.`trips` AS `o2`, `s`.`ts` AS `o3`, `s`.`created` AS `o4`, ROW_NUMBER() OVER (PARTITION BY `s`.`driver_id`, `s`.`region` ORDER BY `s`.`ts` DESC, `s`.`created` DESC NULLS LAST, `s`.`trips` DESC NULLS LAST) AS `rank`
FROM `lake`.`driver stats` AS `s`
WHERE `s`.`ts` >= TIMESTAMP '2024-04-30 00:00:00.000000Z'
  AND `s`.`ts` <= TIMESTAMP '2024-05-01 00:00:00.000000Z'
  AND `s`.`driver_id` IS NOT NULL
  AND `s`.`region` IS NOT NULL
) AS `r`
WHERE `r`.`rank` = 1
