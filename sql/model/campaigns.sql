--
-- Layer 4: campaigns with control groups. Who is in which group is decided by a
-- digest of the customer's key, written down once, and compared later by the histories:
-- what people bought before is there already, and takes the noise out (CUPED).
--

CREATE FUNCTION @extschema@._campaign_named(is_known boolean, campaign text)
	RETURNS boolean
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF campaign IS NULL THEN
		RAISE null_value_not_allowed USING MESSAGE = 'campaign must not be null';
	ELSIF NOT is_known THEN
		RAISE undefined_object USING
			MESSAGE = format('there is no campaign "%s"', left(campaign, 100)),
			HINT = 'The view campaigns of the model lists those there are.';
	END IF;
	RETURN true;
END
$$;
COMMENT ON FUNCTION @extschema@._campaign_named(boolean, text) IS 'internal: true, or an error for an unknown campaign';

CREATE FUNCTION @extschema@._campaign_parts(model name, settings jsonb)
	RETURNS SETOF @extschema@._part
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	home	text := quote_ident(model);
	small	int := settings ->> 'minimum_group_size';
	money	text := @extschema@._model_money(settings);
	hidden	text := 'false';
	part	text := 'false';
	rest	text := '';
BEGIN
	RETURN NEXT @extschema@._model_view('campaign_members', @extschema@._fill($q$
SELECT m.campaign::text AS campaign, s.customer_key, m.group_no, m.group_no = 1 AS is_control,
       m.segment::text AS segment, {tenant} AS tenant, s.customer_id
  FROM {model}._scores AS s JOIN {model}.campaign_groups AS m ON m.customer_key = s.customer_key$q$,
			'model', home, 'tenant', @extschema@._model_tenant(settings, 's')),
		'who is in which group of which campaign, for the tool that sends it: group 1 is the control, and gets'
		' nothing');
	RETURN NEXT @extschema@._model_view('campaigns', @extschema@._fill($q$
SELECT c.campaign::text AS campaign, {tenant} AS tenant, array_to_string(c.segments, ', ') AS segments,
       c.started_on, c.cost::{money} AS cost,
       g.group_no, g.group_no = 1 AS is_control, c.shares[g.group_no] AS share,
       CASE WHEN g.is_shown THEN g.customers END AS customers, r.p AS ratio_p,
       CASE WHEN r.flagged THEN 'the groups are not of the sizes asked for: don''t trust the result' END AS note,
       NOT g.is_shown AS suppressed, c.started_by
  FROM {model}._question AS q, {model}.started_campaigns AS c,
       LATERAL (SELECT g.group_no, n.customers, {shown} AS is_shown, array_agg(n.customers) OVER w AS sizes
                  FROM generate_subscripts(c.shares, 1) AS g (group_no),
                       LATERAL (SELECT count(*) AS customers FROM {model}.campaign_groups AS m
                                 WHERE m.campaign = c.campaign AND m.tenant = q.tenant AND m.group_no = g.group_no) AS n
                WINDOW w AS (ORDER BY g.group_no ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)) AS g,
       LATERAL @extschema@.sample_ratio(CASE WHEN g.is_shown THEN g.sizes END, c.shares) AS r
 WHERE 0 < ANY (g.sizes)
 ORDER BY c.started_on, c.campaign, q.tenant, g.group_no$q$,
			'model', home, 'tenant', @extschema@._model_tenant(settings, 'q'), 'money', money,
			'shown', CASE WHEN small = 1 THEN 'true'
				ELSE format('bool_and(n.customers NOT BETWEEN 1 AND %s - 1) OVER w', small) END),
		'the campaigns that start_campaign has started: their groups, and whether these have the sizes asked for');
	IF small > 1 THEN
		-- A segment is hidden where a group, or those of it who ordered, are few; and
		-- everybody where that is so of them, or of what is left less the segments shown.
		hidden := @extschema@._fill('NOT ({part} AND {customers} NOT BETWEEN 1 AND {small} - 1)',
			'part', @extschema@._part_shown('{converted}', '{customers}', small), 'small', small::text,
			'customers', '{customers}');
		part := format('bool_or(%s) OVER (PARTITION BY b.tenant, b.segment, b.everybody)',
			replace(replace(hidden, '{converted}', 'b.converted'), '{customers}', 'b.customers'));
		rest := 'sum(b.customers) FILTER (WHERE b.part_hidden AND NOT b.everybody) OVER g AS rest,'
			' sum(b.converted) FILTER (WHERE b.part_hidden AND NOT b.everybody) OVER g AS rest_converted,'
			' bool_and(b.part_hidden) FILTER (WHERE NOT b.everybody) OVER (PARTITION BY b.tenant) AS all_hidden,';
		hidden := format('b.part_hidden OR b.everybody AND NOT b.all_hidden AND COALESCE(bool_or(%s)'
			' OVER (PARTITION BY b.tenant, b.everybody), false)',
			replace(replace(hidden, '{converted}', 'b.rest_converted'), '{customers}', 'b.rest'));
	END IF;
	RETURN NEXT @extschema@._model_function('campaign_result', '{campaign text,days int DEFAULT 90}',
		'TABLE (tenant text, segment text, segment_label text, everybody boolean, group_no int, is_control boolean,'
		' customers bigint, converted bigint, rate float8, difference float8, low float8, high float8, p float8,'
		' p_holm float8, value_per_customer numeric, value_difference numeric, value_low numeric, value_high numeric,'
		' value_p float8, incremental_value numeric, roi float8, days_watched int, note text, reason text,'
		' suppressed boolean, segment_order int, segment_color text)',
		@extschema@._fill($q$
WITH asked AS MATERIALIZED (
	SELECT c.*, LEAST(t.as_of, c.started_on + d.days) AS until_day, t.as_of >= c.started_on + d.days AS is_over,
	       LEAST(t.as_of, c.started_on + d.days) - c.started_on AS watched, t.margin, t.map_copy
	  FROM @extschema@._period_length('days', $2, 36500) AS d (days),
	       (SELECT max(q.as_of) AS as_of, max(f.margin) AS margin, max(f.map_copy) AS map_copy
	          FROM {model}._question_at(NULL, NULL, true, 0, $3) AS q
	          JOIN {model}.configuration AS f ON f.version = q.version) AS t
	  LEFT JOIN {model}.started_campaigns AS c ON c.campaign = $1
	 WHERE @extschema@._campaign_named(c.campaign IS NOT NULL, $1)
), members AS (
	-- two customers who are one person now, in two groups, were in neither; said so that the
	-- planner expects nearly all of them: with = it expects one in 200, and reads everybody for each
	SELECT COALESCE(r.root_key, m.customer_key) AS customer_key, min(m.segment) AS segment, min(m.group_no) AS group_no
	  FROM {model}.campaign_groups AS m
	  LEFT JOIN {model}.merged_customers AS r ON r.customer_key = m.customer_key
	 WHERE m.campaign = $1
	 GROUP BY 1 HAVING NULLIF(min(m.group_no) = max(m.group_no), false) IS NOT NULL
), people AS MATERIALIZED (
	SELECT h.tenant, m.segment, m.group_no, @extschema@.frequency(h.history, a.until_day, a.watched) > 0 AS converted,
	       @extschema@._monetary_float8(h.history, a.until_day, a.watched) AS value,
	       @extschema@._monetary_float8(h.history, a.started_on, a.watched) AS before
	  FROM asked AS a, members AS m
	  JOIN {customers} AS h ON h.customer_key = m.customer_key,
	       {model}._question_at(NULL, NULL, true, 0, $3) AS q
	 WHERE q.tenant = h.tenant AND a.watched > 0
), compared AS (
	SELECT p.tenant, p.segment, grouping(p.segment) = 1 AS everybody,
	       bool_or(p.group_no = 1) AS has_control, @extschema@.compare_rates(p.group_no, p.converted) AS rates,
	       @extschema@.compare_means(p.group_no, p.value, p.before) AS means
	  FROM people AS p GROUP BY GROUPING SETS ((p.tenant, p.segment), (p.tenant))
), both_sides AS (
	SELECT c.tenant, c.segment, c.everybody, c.has_control, r.group_no, r.n AS customers,
	       round(r.value * r.n)::bigint AS converted,
	       r.value AS rate, v.value AS mean, x.difference, x.low, x.high, x.p,
	       x.mean_difference, x.mean_low, x.mean_high, x.mean_p, COALESCE(x.note, 'no control') AS note,
	       count(*) OVER (PARTITION BY c.tenant, c.segment, c.everybody) AS groups
	  FROM compared AS c CROSS JOIN asked AS a
	 CROSS JOIN LATERAL (SELECT CASE WHEN c.has_control THEN 1 END AS control) AS k
	 CROSS JOIN LATERAL @extschema@.comparison_table(c.rates, NOT a.is_over, control => k.control) AS r
	 CROSS JOIN LATERAL @extschema@.comparison_table(c.means, NOT a.is_over, control => k.control) AS v
	  -- chance may leave a small segment without a control
	  LEFT JOIN LATERAL (SELECT r.difference, r.low, r.high, r.p, v.difference AS mean_difference, v.low AS mean_low,
	                            v.high AS mean_high, v.p AS mean_p, r.note WHERE c.has_control) AS x ON true
	 WHERE v.group_no = r.group_no
), shown AS (
	SELECT b.*, {hidden} AS hidden
	  FROM (SELECT b.*, {rest}
	               -- segments read side by side
	               row_number() OVER s AS place,
	               @extschema@.holm_adjust(array_agg(b.p) OVER (PARTITION BY b.tenant, b.everybody, b.group_no = 1
	                   ORDER BY b.segment, b.group_no ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)) AS holm
	          FROM (SELECT b.*, {part} AS part_hidden FROM both_sides AS b) AS b
	        WINDOW s AS (PARTITION BY b.tenant, b.everybody, b.group_no = 1 ORDER BY b.segment, b.group_no),
	               g AS (PARTITION BY b.tenant, b.group_no)) AS b
)
SELECT {tenant} AS tenant, b.segment::text AS segment, CASE WHEN b.everybody THEN {all} ELSE l.label END, b.everybody,
       b.group_no, b.group_no = 1, CASE WHEN NOT b.hidden THEN b.customers END,
       CASE WHEN NOT b.hidden THEN b.converted END, CASE WHEN NOT b.hidden THEN b.rate END,
       CASE WHEN NOT b.hidden THEN b.difference END, CASE WHEN NOT b.hidden THEN b.low END,
       CASE WHEN NOT b.hidden THEN b.high END, CASE WHEN NOT b.hidden THEN b.p END,
       CASE WHEN NOT b.hidden AND b.group_no <> 1 THEN b.holm[b.place] END,
       CASE WHEN NOT b.hidden THEN b.mean::{money} END, CASE WHEN NOT b.hidden THEN b.mean_difference::{money} END,
       CASE WHEN NOT b.hidden THEN b.mean_low::{money} END, CASE WHEN NOT b.hidden THEN b.mean_high::{money} END,
       CASE WHEN NOT b.hidden THEN b.mean_p END,
       CASE WHEN NOT b.hidden THEN (b.mean_difference * b.customers)::{money} END,
       CASE WHEN NOT b.hidden AND b.everybody AND b.groups = 2
            THEN (a.margin * b.mean_difference * b.customers - a.cost) / NULLIF(a.cost, 0)::float8 END,
       a.watched, CASE WHEN NOT b.hidden THEN b.note END,
       CASE WHEN b.hidden THEN 'suppressed' WHEN NOT b.has_control THEN 'not_incremental'
            WHEN NOT a.is_over THEN 'window_not_over' END, b.hidden,
       l.display_order, l.color::text
  FROM shown AS b CROSS JOIN asked AS a
  LEFT JOIN {model}.segment_label AS l ON l.map = a.map_copy AND l.segment = b.segment AND l.language = {language}
 -- asked for an unknown campaign even where it has nobody
 WHERE (SELECT count(*) FROM asked) = 1
 ORDER BY b.tenant, b.everybody, l.display_order, b.segment, b.group_no$q$,
			'model', home, 'customers', @extschema@._here(model, settings, '_customers'),
			'hidden', hidden, 'part', part, 'rest', rest, 'money', money,
			'tenant', @extschema@._model_tenant(settings, 'b'),
			'all', quote_literal(@extschema@._everybody(settings)), 'language', quote_literal(settings ->> 'language')),
		'what came of a campaign: for each segment it was started for, and for everybody, the groups beside the control'
		' (group 1): rate and value of the days after its start, differences with 95 % intervals and p; values are'
		' compared after what people bought before (CUPED)');
	RETURN NEXT @extschema@._model_view('campaign_results', @extschema@._fill($q$
SELECT c.campaign::text AS campaign, c.started_on, r.tenant, r.segment, r.segment_label, r.everybody, r.group_no,
       r.is_control, r.customers, r.converted, r.rate, r.difference, r.low, r.high, r.p, r.p_holm,
       r.value_per_customer::{money} AS value_per_customer, r.value_difference::{money} AS value_difference,
       r.value_low::{money} AS value_low, r.value_high::{money} AS value_high, r.value_p,
       r.incremental_value::{money} AS incremental_value, r.roi, r.days_watched, r.note, r.reason, r.suppressed,
       r.segment_order, r.segment_color
  FROM {model}.started_campaigns AS c CROSS JOIN LATERAL {result} AS r
 ORDER BY c.started_on, c.campaign$q$, 'model', home, 'money', money,
			'result', @extschema@._with_tenant(settings, home || '.campaign_result(c.campaign, 90)')),
		'campaign_result of all campaigns, after 90 days');
END
$$;
COMMENT ON FUNCTION @extschema@._campaign_parts(name, jsonb) IS
	'internal: the views and the function of a model about campaigns';

CREATE FUNCTION @extschema@._campaign_result(model name, campaign text, days int)
	RETURNS TABLE (tenant text, segment text, segment_label text, everybody boolean, group_no int, is_control boolean,
		customers bigint, converted bigint, rate float8, difference float8, low float8, high float8, p float8,
		p_holm float8, value_per_customer numeric, value_difference numeric, value_low numeric, value_high numeric,
		value_p float8, incremental_value numeric, roi float8, days_watched int, note text, reason text,
		suppressed boolean, segment_order int, segment_color text)
	LANGUAGE C STABLE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'call_model_function';
COMMENT ON FUNCTION @extschema@._campaign_result(name, text, int) IS 'internal: call this function of a model';

CREATE FUNCTION @extschema@.campaign_result(model text, campaign text, days int DEFAULT 90)
	RETURNS TABLE (tenant text, segment text, segment_label text, everybody boolean, group_no int, is_control boolean,
		customers bigint, converted bigint, rate float8, difference float8, low float8, high float8, p float8,
		p_holm float8, value_per_customer numeric, value_difference numeric, value_low numeric, value_high numeric,
		value_p float8, incremental_value numeric, roi float8, days_watched int, note text, reason text,
		suppressed boolean, segment_order int, segment_color text)
	LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
	SELECT * FROM @extschema@._campaign_result(@extschema@._model_named(campaign_result.model),
		campaign_result.campaign, campaign_result.days);
END;
COMMENT ON FUNCTION @extschema@.campaign_result(text, text, int) IS
	'what came of a campaign of a model, by segment and group: rates and values of the days after its start beside'
	' those'
	' of the control, with 95 % intervals and p; the function of the same name in the schema of the model';

CREATE FUNCTION @extschema@.start_campaign(model text, campaign text, segments text[], salt text DEFAULT NULL,
	shares float8[] DEFAULT '{0.5,0.5}', on_day date DEFAULT NULL, cost numeric DEFAULT NULL)
	RETURNS TABLE (item text, detail text)
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	SET jit = off
	AS $$
DECLARE
	home		name := @extschema@._model_home(model);
	settings	jsonb;
	today		date;
	unknown		text;
	contact		text;
	n			bigint;
BEGIN
	IF campaign IS NULL OR campaign !~ '\S' THEN
		RAISE null_value_not_allowed USING
			MESSAGE = format('campaign must not be %s', CASE WHEN campaign IS NULL THEN 'null' ELSE 'empty' END);
	ELSIF octet_length(campaign) > 200 THEN
		RAISE program_limit_exceeded USING
			MESSAGE = format('the name of a campaign has %s bytes, more than 200', octet_length(campaign));
	ELSIF shares IS NULL OR array_ndims(shares) <> 1 OR cardinality(shares) < 2 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'shares must be two numbers at least',
			HINT = 'The first is the part of the control group, which gets nothing: ''{0.1,0.9}''.';
	ELSIF cost IN ('NaN', 'Infinity', '-Infinity') OR cost < 0 THEN
		RAISE invalid_parameter_value USING MESSAGE = 'cost must be a number, 0 or more';
	END IF;
	salt := coalesce(salt, campaign);
	PERFORM @extschema@.ab_group('', salt, shares);
	PERFORM @extschema@._model_lock(home);
	settings := @extschema@._model_settings(home);
	EXECUTE format('SELECT %s FROM %I.configuration AS c WHERE c.valid_until IS NULL', @extschema@._model_as_of(), home)
		INTO today;
	on_day := coalesce(on_day, today);
	IF NOT isfinite(on_day) OR on_day > today THEN
		RAISE invalid_parameter_value USING
			MESSAGE = CASE WHEN isfinite(on_day)
				THEN format('on_day %s is after %s, the day for which the model answers',
					to_char(on_day, 'YYYY-MM-DD'), to_char(today, 'YYYY-MM-DD'))
				ELSE 'on_day must be finite' END;
	END IF;
	EXECUTE format('SELECT string_agg(CASE WHEN u.segment IS NULL THEN ''NULL'''
		' ELSE format(''"%%s"'', left(u.segment, 100)) END, '', '')'
		' FROM unnest($1) AS u (segment)'
		' WHERE u.segment IS NULL OR NOT EXISTS (SELECT 1 FROM %I.segment_label AS l'
		' WHERE l.map = $2 AND l.segment = u.segment)', home) INTO unknown USING segments, settings ->> 'map_copy';
	IF unknown IS NOT NULL OR cardinality(segments) = 0 THEN
		RAISE undefined_object USING
			MESSAGE = CASE WHEN unknown IS NULL THEN 'segments must not be empty'
				ELSE format('%s is no segment of the segment map of model "%s"', unknown, home) END,
			HINT = format('Its segments are: %s. NULL is everybody.',
				@extschema@._model_segment_list(home, settings ->> 'map_copy'));
	END IF;
	EXECUTE format('SELECT count(*) FROM %I.started_campaigns AS c WHERE c.campaign = $1', home) INTO n USING campaign;
	IF n > 0 THEN
		RAISE duplicate_object USING
			MESSAGE = format('model "%s" has a campaign "%s" already', home, campaign),
			HINT = format('Take another name, or drop it: SELECT drop_campaign(%L, %L);', home, campaign);
	END IF;
	contact := coalesce((SELECT ' AND (' || string_agg(format('s.%I', c), ' OR ' ORDER BY x) || ')'
		FROM unnest(@extschema@._model_names(settings, 'contact')) WITH ORDINALITY AS u (c, x)), '');
	EXECUTE format('INSERT INTO %I.started_campaigns (campaign, segments, salt, shares, started_on, cost, started_by)'
		' VALUES ($1, $2, $3, $4, $5, $6, session_user)', home) USING campaign, segments, salt, shares, on_day, cost;
	EXECUTE format($q$
		INSERT INTO %1$I.campaign_groups (campaign, tenant, customer_key, segment, group_no)
		SELECT $1, coalesce(s.tenant, ''), s.customer_key, s.segment, @extschema@.ab_group(s.customer_key, $3, $4)
		  FROM %3$s AS s
		 WHERE s.segment IS NOT NULL AND (s.segment = ANY ($2) OR $2 IS NULL)%2$s$q$, home, contact,
			@extschema@._with_tenant(settings, format('%I.customer_scores_at($5)', home)))
		USING campaign, segments, salt, shares, on_day;
	GET DIAGNOSTICS n = ROW_COUNT;
	IF n = 0 THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = format('nobody is in these segments on %s', to_char(on_day, 'YYYY-MM-DD')),
			DETAIL = 'People with a segment count, and where the model says who may be contacted, those alone.';
	END IF;
	RETURN QUERY VALUES ('campaign', campaign), ('people', format('%s on %s', n, to_char(on_day, 'YYYY-MM-DD')));
	RETURN QUERY EXECUTE format($q$
		SELECT CASE s.n WHEN 1 THEN 'group 1, control' ELSE format('group %%s', s.n) END,
			   format('%%s, %%s %%%% where %%s %%%% were asked for', m.customers, round(100.0 * m.customers / $3, 1),
				round((100 * s.share)::numeric, 1))
		  FROM unnest($2) WITH ORDINALITY AS s (share, n)
		 CROSS JOIN LATERAL (SELECT count(*) AS customers FROM %1$I.campaign_groups AS m
			WHERE m.campaign = $1 AND m.group_no = s.n) AS m ORDER BY s.n$q$, home) USING campaign, shares, n;
	EXECUTE format('SELECT count(DISTINCT m.customer_key) FROM %1$I.campaign_groups AS m'
		' JOIN %1$I.campaign_groups AS o ON o.customer_key = m.customer_key AND o.campaign <> m.campaign'
		' JOIN %1$I.started_campaigns AS c ON c.campaign = o.campaign AND c.started_on BETWEEN $2 - 90 AND $2 + 90'
		' WHERE m.campaign = $1', home) INTO n USING campaign, on_day;
	IF n > 0 THEN
		RETURN QUERY VALUES ('note', format('%s of them are in another campaign of the 90 days around', n));
	END IF;
	RETURN QUERY VALUES
		('send it to', format('SELECT customer_key, group_no FROM %I.campaign_members WHERE campaign = %L'
			' AND NOT is_control;', home, campaign)),
		('look at', format('SELECT * FROM %I.campaign_result(%L, 90);', home, campaign));
END
$$;
COMMENT ON FUNCTION @extschema@.start_campaign(text, text, text[], text, float8[], date, numeric) IS
	'divide the people of some segments (NULL: all) on a day into groups, the first of which is the control, by a'
	' digest of'
	' their keys and the salt (NULL: the name), and write it down; campaign_result compares them later; only those who'
	' may be contacted';

CREATE FUNCTION @extschema@.start_campaign(model text, campaign text, segment text, salt text DEFAULT NULL,
	shares float8[] DEFAULT '{0.5,0.5}', on_day date DEFAULT NULL, cost numeric DEFAULT NULL)
	RETURNS TABLE (item text, detail text)
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	SELECT s.item, s.detail FROM @extschema@.start_campaign(start_campaign.model, start_campaign.campaign,
		CASE WHEN segment IS NOT NULL THEN ARRAY[segment] END, start_campaign.salt, start_campaign.shares,
		start_campaign.on_day, start_campaign.cost) AS s;
END;
COMMENT ON FUNCTION @extschema@.start_campaign(text, text, text, text, float8[], date, numeric) IS
	'the same for one segment';

CREATE FUNCTION @extschema@.drop_campaign(model text, campaign text)
	RETURNS TABLE (item text, detail text)
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	home	name := @extschema@._model_home(model);
	n		bigint;
BEGIN
	IF campaign IS NULL THEN
		RAISE null_value_not_allowed USING MESSAGE = 'campaign must not be null';
	END IF;
	PERFORM @extschema@._model_lock(home);
	EXECUTE format('DELETE FROM %I.campaign_groups AS m WHERE m.campaign = $1', home) USING campaign;
	GET DIAGNOSTICS n = ROW_COUNT;
	EXECUTE format('DELETE FROM %I.started_campaigns AS c WHERE c.campaign = $1', home) USING campaign;
	IF n = 0 THEN
		RETURN QUERY VALUES ('nothing to do', format('no campaign "%s"', left(campaign, 100)));
	ELSE
		RETURN QUERY VALUES ('dropped', format('campaign "%s" and its groups: %s people', campaign, n));
	END IF;
END
$$;
COMMENT ON FUNCTION @extschema@.drop_campaign(text, text) IS
	'drop a campaign that start_campaign has started, and forget who was in which group';
