-- What made all this, ready to be copied.
WITH lines (position, line) AS (VALUES
	(0, demo.t('sql') || '  ' || demo.t('sql how')),
	(1, '  CREATE VIEW scored AS' || E'\n  ' || replace(demo.statement(), E'\n', E'\n  ') || ';'),
	(2, '  SELECT segment, count(*), sum(monetary) FROM scored GROUP BY 1;'),
	(3, '  SELECT * FROM scored WHERE segment = ''at_risk'' AND recency_days <= 365 ORDER BY monetary DESC;'),
	(4, demo.fill('  ', '  ', demo.t('next')))
)
SELECT line FROM lines ORDER BY position;
