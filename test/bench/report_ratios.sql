-- One row for each comparison: medians, and ratios to the plain side.
WITH median AS (
	SELECT line, side, percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds)::numeric AS seconds,
		   percentile_cont(0.5) WITHIN GROUP (ORDER BY cpu_seconds)::numeric AS cpu_seconds
	  FROM bench.run GROUP BY line, side
), pair AS (
	SELECT line, min(o.seconds / p.seconds) AS least, max(o.seconds / p.seconds) AS greatest
	  FROM bench.run o JOIN bench.run p USING (line, round)
	 WHERE o.side = 'ours' AND p.side = 'plain' GROUP BY line
), answer AS (
	SELECT line, 1 AS part, letter, what, work_mem,
		   round(o.seconds, 3) || ' s' AS ours, round(p.seconds, 3) || ' s' AS plain,
		   o.seconds / p.seconds AS ratio, least, greatest,
		   CASE WHEN workers IN ('0', 'again', 'best') AND coalesce(plain, '') !~ 'workers' THEN o.cpu_seconds / nullif(p.cpu_seconds, 0) END AS cpu_ratio, aim_time AS aim
	  FROM bench.line
	  JOIN median o USING (line)
	  JOIN median p USING (line)
	  JOIN pair USING (line)
	 WHERE o.side = 'ours' AND p.side = 'plain'
	UNION ALL
	SELECT line, 2, letter, what || ': hash table', work_mem,
		   round(o.kb / 1024.0, 1) || ' MB', round(p.kb / 1024.0, 1) || ' MB', o.kb::numeric / p.kb, NULL, NULL, NULL, aim_memory
	  FROM bench.line
	  JOIN (SELECT line, side, bench.hash_kb(plan) AS kb FROM bench.plan) o USING (line)
	  JOIN (SELECT line, side, bench.hash_kb(plan) AS kb FROM bench.plan) p USING (line)
	 WHERE o.side = 'ours' AND p.side = 'plain' AND query = 'aggregate' AND workers = '0'
	UNION ALL
	SELECT line, 3, letter, what || ': memory', work_mem,
		   round((m.ours - m.tuplestore) / 1024.0, 1) || ' MB', round((m.plain - m.idle) / 1024.0, 1) || ' MB',
		   (m.ours - m.tuplestore)::numeric / nullif(m.plain - m.idle, 0), NULL, NULL, NULL, aim_memory
	  FROM bench.line
	  JOIN (SELECT line, max(anonymous_kb) FILTER (WHERE side = 'ours') AS ours,
				   max(anonymous_kb) FILTER (WHERE side = 'plain') AS plain,
				   max(anonymous_kb) FILTER (WHERE side = 'tuplestore') AS tuplestore,
				   max(anonymous_kb) FILTER (WHERE side = 'idle') AS idle
			  FROM bench.run GROUP BY line) m USING (line)
	 WHERE workers = 'best'
	UNION ALL
	SELECT line, 3, letter, what || ': memory of all processes', work_mem,
		   round(m.ours / 1024.0, 1) || ' MB', round(m.plain / 1024.0, 1) || ' MB', m.ours::numeric / nullif(m.plain, 0),
		   NULL, NULL, NULL, aim_memory
	  FROM bench.line
	  JOIN (SELECT line, max(anonymous_kb) FILTER (WHERE side = 'ours') AS ours,
				   max(anonymous_kb) FILTER (WHERE side = 'plain') AS plain
			  FROM bench.run GROUP BY line) m USING (line)
	 WHERE workers = 'ours'
	UNION ALL
	SELECT l.line, 6, l.letter, 'score_customers: 2 workers / best SQL', l.work_mem,
		   round(o.seconds, 3) || ' s', round(p.seconds, 3) || ' s', o.seconds / p.seconds, NULL, NULL, NULL, 0.1
	  FROM bench.line l
	  JOIN median o USING (line)
	  JOIN bench.line best ON best.query = 'customers' AND best.work_mem = l.work_mem
	  JOIN median p ON p.line = best.line
	 WHERE l.query = 'workers_customers' AND o.side = 'ours' AND p.side = 'plain'
	UNION ALL
	SELECT line, 4, letter, what || ': rows written', work_mem,
		   o.written::text, p.written::text, o.written::numeric / nullif(p.written, 0), NULL, NULL, NULL, NULL
	  FROM bench.line
	  JOIN (SELECT line, side, max(rows_written) AS written FROM bench.run GROUP BY line, side) o USING (line)
	  JOIN (SELECT line, side, max(rows_written) AS written FROM bench.run GROUP BY line, side) p USING (line)
	 WHERE o.side = 'ours' AND p.side = 'plain' AND query = 'refresh'
	UNION ALL
	SELECT line, 5, letter, what || ': WAL', work_mem,
		   round(o.wal / 1048576.0, 1) || ' MB', round(p.wal / 1048576.0, 1) || ' MB', o.wal::numeric / nullif(p.wal, 0), NULL, NULL, NULL, NULL
	  FROM bench.line
	  JOIN (SELECT line, side, max(wal_bytes) AS wal FROM bench.run GROUP BY line, side) o USING (line)
	  JOIN (SELECT line, side, max(wal_bytes) AS wal FROM bench.run GROUP BY line, side) p USING (line)
	 WHERE o.side = 'ours' AND p.side = 'plain' AND query = 'refresh'
	UNION ALL
	SELECT 1000, 1, 'd', 'bytes per order of a stored history', '',
		   round(bytes, 2)::text, '', bytes, NULL, NULL, NULL, 5
	  FROM (SELECT sum(pg_column_size(history)) / sum(frequency(history, 'infinity')) AS bytes FROM bench.histories) s
	 WHERE strpos(:'letters', 'd') > 0
)
SELECT letter AS "line", what, work_mem, ours, plain,
	   CASE WHEN letter = 'd' THEN ''
			ELSE coalesce(round(ratio, 2)::text, '')
				 || coalesce(' (' || round(least, 2) || '-' || round(greatest, 2) || ')', '') END AS ratio,
	   coalesce(round(cpu_ratio, 2)::text, '') AS "processor time",
	   coalesce('<= ' || aim, '') AS aim,
	   CASE WHEN aim IS NULL OR ratio IS NULL THEN '' WHEN ratio <= aim THEN 'met' ELSE 'MISSED' END AS result
  FROM answer
 ORDER BY letter, answer.line, part
