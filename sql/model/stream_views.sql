--
-- Layer 4: what readers see of streams, beside their columns of customer_scores.
--

-- Reasons of data_quality: a row each, all streams in it, and which in words.
CREATE FUNCTION @extschema@._stream_quality(model name, settings jsonb, tenant text, everything text)
	RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF NOT @extschema@._has_streams(settings) THEN
		RETURN '';
	END IF;
	RETURN @extschema@._fill($q$SELECT NULL, d.reason, COALESCE(sum(d.affected), 0)::bigint, NULL,
					string_agg(format('%s of stream %s', d.affected, t.stream)
						|| CASE WHEN d.reason = 'stream_other_kinds'
						THEN format(' (%s)', array_to_string(t.kinds_beyond[1:5], ', ')) ELSE '' END,
						', ' ORDER BY t.stream_no) FILTER (WHERE d.affected > 0), min(r.finished_at)
				FROM {model}.stream AS t,
				LATERAL (SELECT f.rows_without_customer, f.rows_without_day, f.rows_without_value, f.rows_unconvertible,
							f.customers_too_large, f.finished_at
						FROM {model}.refreshes AS f WHERE f.stream_no = t.stream_no AND {everything}
						ORDER BY f.refresh_id DESC LIMIT 1) AS r,
				LATERAL (VALUES
					('stream_no_customer', r.rows_without_customer), ('stream_no_day', r.rows_without_day),
					('stream_no_value', r.rows_without_value),
					(CASE WHEN t.scale IS NULL THEN 'stream_unconvertible' ELSE 'stream_off_scale' END,
						r.rows_unconvertible + (SELECT COALESCE(sum(x.affected), 0)::bigint FROM {model}.rejects AS x
							WHERE x.reason = format('stream %s: unconvertible', t.stream_no))),
					('stream_too_large', r.customers_too_large
						+ (SELECT COALESCE(sum(x.affected), 0)::bigint FROM {model}.rejects AS x
							WHERE x.reason = format('stream %s: total too large', t.stream_no))),
					('stream_other_kinds', COALESCE(cardinality(t.kinds_beyond), 0)::bigint)) AS d (reason, affected)
				GROUP BY d.reason
				UNION ALL
				SELECT {tenant}, 'stream_future_day', e.n, e.n, NULL, now()
				FROM {model}._question AS q,
				LATERAL (SELECT count(*) AS n FROM {events} AS e
					WHERE e.tenant = q.tenant AND @extschema@.last_activity(e.streams) > q.as_of) AS e
				UNION ALL
				$q$, 'model', quote_ident(model), 'events', @extschema@._here(model, settings, '_events'),
		'everything', everything, 'tenant', tenant);
END
$$;
COMMENT ON FUNCTION @extschema@._stream_quality(name, jsonb, text, text) IS
	'internal: the branch of data_quality about streams';

CREATE FUNCTION @extschema@._stream_views(model name, settings jsonb)
	RETURNS SETOF @extschema@._part
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	money	text := @extschema@._model_money(settings);
BEGIN
	IF NOT @extschema@._has_streams(settings) THEN
		RETURN;
	END IF;
	RETURN NEXT @extschema@._model_view('customer_streams', @extschema@._fill($q$
SELECT s.customer_key, t.stream::text AS stream, k.kind::text AS kind, k.role,
       @extschema@.frequency(x.history, s.as_of) AS events, @extschema@.monetary(x.history, s.as_of) AS total,
       @extschema@.first_day(x.history, s.as_of) AS first_on, @extschema@.last_day(x.history, s.as_of) AS last_on,
       {tenant} AS tenant, s.customer_id
  FROM {model}._scored AS s, LATERAL @extschema@.stream_kinds(s.streams) AS x,
       {model}.stream AS t, {model}.stream_kind AS k
 WHERE t.stream_no = x.stream AND k.stream_no = x.stream AND k.kind_no = x.kind
   AND @extschema@.first_day(x.history, s.as_of) IS NOT NULL$q$,
			'model', quote_ident(model), 'tenant', @extschema@._model_tenant(settings, 's')),
		'what each customer did beside ordering: a row for each stream and kind with an event on or before as_of');
	RETURN NEXT @extschema@._model_function('customer_events', '{customer text}',
		'TABLE (day date, stream text, kind text, role text, events bigint, total numeric)', @extschema@._fill($q$
SELECT d.day, e.stream, e.kind, e.role, d.events, d.total
  FROM {model}._scores_at(NULL, NULL, false, $2) AS s
 CROSS JOIN LATERAL (
       SELECT 0 AS stream_no, 'orders' AS stream, NULL::text AS kind, NULL::text AS role, s.history
       UNION ALL
       SELECT x.stream, t.stream, k.kind, k.role, x.history
         FROM @extschema@.stream_kinds(s.streams) AS x
         JOIN {model}.stream AS t ON t.stream_no = x.stream
         JOIN {model}.stream_kind AS k ON k.stream_no = x.stream AND k.kind_no = x.kind) AS e
 CROSS JOIN LATERAL @extschema@.days(e.history) AS d
 WHERE s.customer_key = $1 AND d.day <= s.as_of
 ORDER BY d.day, e.stream_no, e.kind$q$, 'model', quote_ident(model)),
		'all that a customer did until as_of, day by day: orders, and events by stream and kind');
	RETURN NEXT @extschema@._model_function('abandoned_baskets',
		'{within_days int DEFAULT 7,as_of date DEFAULT NULL}',
		'TABLE (customer_key text, basket_on date, events bigint, total numeric, ordered_on date, is_open boolean,'
		' segment text, tenant text)', @extschema@._tell_unknown(model, settings, @extschema@._fill($q$
SELECT s.customer_key, b.basket_on, b.events, b.total, o.ordered_on, s.as_of < b.basket_on + $1 AS is_open,
       s.segment::text AS segment, {tenant} AS tenant
  FROM {model}._scores_at($2, NULL, false, $3) AS s
 -- Not grouped by history: pg_upgrade makes the functions of models before the
 -- operator class of a type of the extension.
 CROSS JOIN LATERAL (
       SELECT d.day AS basket_on, sum(d.events)::bigint AS events, sum(d.total) AS total
         FROM @extschema@.stream_kinds(s.streams) AS x
         JOIN {model}.stream_kind AS k ON k.stream_no = x.stream AND k.kind_no = x.kind AND k.role = 'basket'
        CROSS JOIN LATERAL @extschema@.days(x.history) AS d
        WHERE d.events > 0 AND d.day <= s.as_of
        GROUP BY d.day) AS b
 CROSS JOIN LATERAL (SELECT min(o.day) AS ordered_on FROM @extschema@.days(s.history) AS o
                      WHERE o.events > 0 AND o.day >= b.basket_on AND o.day <= s.as_of) AS o
 WHERE $1 >= 0 AND (o.ordered_on IS NULL OR o.ordered_on > b.basket_on + $1)
 ORDER BY b.basket_on DESC, s.customer_key$q$,
			'model', quote_ident(model), 'tenant', @extschema@._model_tenant(settings, 's')), '$2'),
		'days on which customers filled a basket (kinds of role basket) until as_of without an order within'
		' so many days; ordered_on: the first order later than that; is_open: the days are not over yet');
END
$$;
COMMENT ON FUNCTION @extschema@._stream_views(name, jsonb) IS
	'internal: the view and the functions of a model about streams';
