SELECT `s`.`trips` AS `o0`, `s`.`ts` AS `o1`, `s`.`created` AS `o2`
FROM `lake`.`driver stats` AS `s`
WHERE `s`.`ts` >= TIMESTAMP '2024-04-30 00:00:00.000000+00'
  AND `s`.`ts` <= TIMESTAMP '2024-05-01 00:00:00.000000+00'
ORDER BY `s`.`ts` DESC, `s`.`created` DESC NULLS LAST, `s`.`trips` DESC NULLS LAST LIMIT 1
