-- Lines n to r: medians, and ratios to the plain side. Of throughput more is better.
WITH median AS (
	SELECT line, side, percentile_cont(0.5) WITHIN GROUP (ORDER BY value)::numeric AS value,
		   percentile_cont(0.5) WITHIN GROUP (ORDER BY cpu_seconds)::numeric AS cpu_seconds
	  FROM bench.live_run GROUP BY line, side
), pair AS (
	SELECT line, min(o.value / p.value) AS least, max(o.value / p.value) AS greatest
	  FROM bench.live_run o JOIN bench.live_run p USING (line, round)
	 WHERE o.side = 'ours' AND p.side = 'plain' GROUP BY line
), answer AS (
	SELECT l.*, o.value AS ours, p.value AS plain, o.value / p.value AS ratio, least, greatest,
		   o.cpu_seconds / nullif(p.cpu_seconds, 0) AS cpu_ratio,
		   CASE unit WHEN 'ms' THEN 1000 ELSE 1 END AS factor, CASE unit WHEN '/s' THEN 0 WHEN 'ms' THEN 2 ELSE 3 END AS decimals,
		   EXISTS (SELECT FROM bench.live_failure f WHERE f.line = l.line) AS failed
	  FROM bench.live_line l
	  JOIN median o ON o.line = l.line AND o.side = 'ours'
	  JOIN median p ON p.line = l.line AND p.side = 'plain'
	  JOIN pair ON pair.line = l.line
)
SELECT letter AS "line", what, round(ours * factor, decimals) || ' ' || unit AS ours, round(plain * factor, decimals) || ' ' || unit AS plain,
	   round(ratio, d) || ' (' || round(least, d) || '-' || round(greatest, d) || ')' AS ratio,
	   coalesce(round(cpu_ratio, d)::text, '') AS "processor time",
	   coalesce(aim, '') AS aim,
	   CASE WHEN failed THEN 'FAILED' WHEN aim IS NULL THEN ''
			WHEN CASE WHEN aim LIKE '>=%' THEN ratio >= limit_of_ratio
					  WHEN aim LIKE 'ours <=%' THEN ours * factor <= limit_of_ratio
					  WHEN aim LIKE 'more <=%' THEN (ours - plain) * factor <= limit_of_ratio
					  ELSE ratio <= limit_of_ratio END
				 AND (limit_of_processor IS NULL OR cpu_ratio <= limit_of_processor) THEN 'met'
			ELSE 'MISSED' END AS result
  FROM answer, LATERAL (SELECT CASE WHEN ratio < 0.1 THEN 4 ELSE 2 END,
								substring(aim FROM '= ([0-9.]+)')::numeric,
								substring(aim FROM 'processor <= ([0-9.]+)')::numeric) s (d, limit_of_ratio, limit_of_processor)
 ORDER BY answer.line
