-- What each side took: medians of time, the greatest of the rest.
SELECT letter AS "line", what, work_mem, side,
	   round(percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds)::numeric, 3) AS "seconds",
	   coalesce(round(percentile_cont(0.5) WITHIN GROUP (ORDER BY cpu_seconds)::numeric, 3)::text, '') AS "processor, s",
	   round(max(anonymous_kb) / 1024.0, 1) AS "backend peak, MB",
	   coalesce(round(bench.hash_kb(plan) / 1024.0, 1)::text, '') AS "hash table, MB",
	   round(max(temp_bytes) / 1048576.0, 1) AS "temporary files, MB",
	   round(max(result_bytes) / 1048576.0, 1) AS "result, MB",
	   concat_ws(': ', CASE WHEN side = 'plain' THEN plain END, nullif(bench.nodes(plan), '')) AS plan
  FROM bench.run
  JOIN bench.line USING (line)
  LEFT JOIN bench.plan USING (line, side)
 WHERE side IN ('ours', 'plain')
 GROUP BY run.line, letter, what, work_mem, side, plan, plain
 ORDER BY letter, run.line, side
