-- The ways to write score_customers in plain SQL, one run of each.
SELECT what, work_mem, way,
	   round(max(seconds) FILTER (WHERE trial.workers = 0), 3) AS "serial, s",
	   round(max(seconds) FILTER (WHERE trial.workers = 2), 3) AS "2 workers, s"
  FROM bench.trial
  JOIN bench.line USING (line)
 GROUP BY line, what, work_mem, way
 ORDER BY line, min(seconds)
