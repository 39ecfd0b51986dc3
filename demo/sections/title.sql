-- One line: versions, what was scored, how long it took.
SELECT l || repeat(' ', greatest(3, 100 - length(l) - length(r))) || r
  FROM demo.settings,
	   demo.t('title left', (SELECT extversion FROM pg_extension WHERE extname = 'customer_scoring'),
			  (current_setting('server_version_num')::int / 10000)::text) l,
	   demo.t('title right', demo.shown(source, 28), demo.num(score_seconds, 2), demo.num(load_seconds, CASE WHEN load_seconds < 10 THEN 1 ELSE 0 END)) r;
