-- The orders that were read, and the day of the question.

-- The orders under names of ours, for what a model doesn't keep: single rows.
DO $$
DECLARE
	s record;
	today date;
	first_day date;
	last_day date;
BEGIN
	EXECUTE (SELECT format('CREATE VIEW demo.events AS SELECT %I AS customer_id, %I AS day, %I AS value FROM public.orders',
						   customer_column, day_column, value_column) FROM demo.settings);
	SELECT * INTO s FROM demo.settings;
	SELECT min(day), max(day) INTO first_day, last_day FROM demo.events;
	today := (now() AT TIME ZONE coalesce(s.time_zone, 'UTC'))::date;
	-- East of Greenwich the orders of this morning may be of tomorrow in UTC.
	IF s.time_zone IS NULL AND greatest(last_day, s.as_of) > today AND now()::timestamp::date > today THEN
		today := now()::timestamp::date;
		s.time_zone := current_setting('TimeZone');
	END IF;
	IF s.as_of > today THEN
		PERFORM demo.stop(demo.t('as of to come', s.as_of::text, today::text));
	END IF;
	s.as_of := coalesce(s.as_of, (SELECT greatest(max(day), CASE WHEN s.last_read <= today THEN s.last_read END) FROM demo.events WHERE day <= today), today);
	IF first_day > s.as_of THEN
		PERFORM demo.stop(demo.t('nothing by as of', s.as_of::text, first_day::text));
	END IF;
	UPDATE demo.settings SET as_of = s.as_of, earlier = s.as_of - 90, time_zone = s.time_zone;
END $$;

-- What customers did by that day, and who is known without an order.
DO $$
BEGIN
	EXECUTE 'CREATE VIEW demo.customers AS
		SELECT customer_id::text AS customer_key, count(*) FILTER (WHERE value >= 0) AS orders, sum(value) AS revenue
		  FROM demo.events, demo.settings WHERE day <= as_of GROUP BY customer_id'
		|| CASE WHEN to_regclass('public.customers') IS NULL THEN '' ELSE '
		 UNION ALL
		SELECT customer_id::text, 0, 0 FROM public.customers AS c, demo.settings
		 WHERE known_since <= as_of AND NOT EXISTS (SELECT FROM demo.events AS e WHERE e.customer_id = c.customer_id AND day <= as_of)' END;
END $$;
