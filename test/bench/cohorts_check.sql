-- months of cohorts that differ
SELECT (SELECT count(*) FROM (TABLE bench.ours EXCEPT TABLE bench.plain) o)
	   + (SELECT count(*) FROM (TABLE bench.plain EXCEPT TABLE bench.ours) p)
