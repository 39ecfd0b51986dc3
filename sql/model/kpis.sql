--
-- Layer 4: key figures by segment, and goals set for them. Rates of coming back and
-- staying away are of those who were in the segment when the period began: by the
-- segments of its end, nobody at risk would ever have ordered. Amounts are of those who
-- are in it at the end, newcomers among them, so that they add up to what the shop had.
--

CREATE TABLE @extschema@._kpi (
	"position"	bigint PRIMARY KEY,
	kpi			text COLLATE "C" NOT NULL UNIQUE,
	part		text NOT NULL,
	segments	text NOT NULL,
	family		text NOT NULL,
	n			text NOT NULL,
	success		text,
	worst		text,
	value		text,
	meaning		text NOT NULL,
	CONSTRAINT _kpi_segments_check CHECK (segments OPERATOR(pg_catalog.=) ANY ('{first,last}'::pg_catalog.text[]))
);
COMMENT ON TABLE @extschema@._kpi IS 'internal: the key figures that a model tells by segment and period';
COMMENT ON COLUMN @extschema@._kpi."position" IS 'order in which they are shown';
COMMENT ON COLUMN @extschema@._kpi.kpi IS 'name';
COMMENT ON COLUMN @extschema@._kpi.part IS
	'all: every model has it; prediction: models that predict; mails: models with a stream; answers: models with '
	'answers on a scale; nps, csat: on that scale; else the column of customer_scores that a model must have';
COMMENT ON COLUMN @extschema@._kpi.segments IS
	'whose it is: first: of those who were in the segment when the period began; last: of those who are at its end';
COMMENT ON COLUMN @extschema@._kpi.family IS
	'what is hidden together where small groups are: those that tell of the same people, see _kpi_part';
COMMENT ON COLUMN @extschema@._kpi.n IS 'expression over the sums of a segment: of how many it is';
COMMENT ON COLUMN @extschema@._kpi.success IS 'of a rate, which has an interval: how many of n';
COMMENT ON COLUMN @extschema@._kpi.worst IS 'of a net promoter score: how many detractors; success are the promoters';
COMMENT ON COLUMN @extschema@._kpi.value IS 'of a figure: expression over the sums of a segment';
COMMENT ON COLUMN @extschema@._kpi.meaning IS 'what it means, as docs/steering.md says';
INSERT INTO @extschema@._kpi
SELECT pg_catalog.row_number() OVER (), k.* FROM (VALUES
	('conversion_rate', 'all', 'first', 'later', 's.customers', 's.buyers', NULL, NULL,
		'part of the people of the segment who ordered in the period'),
	('repeat_rate', 'all', 'first', 'later', 's.buyers', 's.repeaters', NULL, NULL,
		'part of those who ordered in the period who ordered more than once in it'),
	('retention_rate', 'all', 'first', 'kept', 's.earlier', 's.kept', NULL, NULL,
		'part of those who ordered in a period as long before this one, who ordered in this one too'),
	('churn_rate', 'all', 'first', 'kept', 's.earlier', 's.earlier - s.kept', NULL, NULL,
		'part of those who ordered in a period as long before this one, who did not order in this one'),
	('mean_basket', 'all', 'last', 'ordered', 's.orders', NULL, NULL, 's.value::float8 / NULLIF(s.orders, 0)',
		'value of the period divided by its orders, corrections included'),
	('orders_per_customer', 'all', 'last', 'ordered', 's.customers', NULL, NULL,
		's.orders::float8 / NULLIF(s.customers, 0)', 'orders of the period divided by the people of the segment'),
	('revenue', 'all', 'last', 'ordered', 's.orders', NULL, NULL, 's.value::float8',
		'value of the period, corrections included'),
	('open_rate', 'mails', 'last', 'messages', 's.sent', NULL, NULL, 's.opens::float8 / NULLIF(s.sent, 0)',
		'events of role open in the period divided by those of role sent'),
	('click_rate', 'mails', 'last', 'messages', 's.sent', NULL, NULL, 's.clicks::float8 / NULLIF(s.sent, 0)',
		'events of role click in the period divided by those of role sent'),
	('response_rate', 'answers', 'last', 'messages', 's.asked', NULL, NULL, 's.answers::float8 / NULLIF(s.asked, 0)',
		'answers of the period divided by the messages of role sent that asked for one'),
	('nps', 'nps', 'last', 'messages', 's.nps_answers', 's.promoters', 's.detractors', NULL,
		'net promoter score of the answers of the period, -100 to 100'),
	('csat', 'csat', 'last', 'messages', 's.csat_answers', 's.satisfied_answers', NULL, NULL,
		'part of the answers of the period that are 4 or 5'),
	('customers', 'all', 'last', 'people', 's.customers', NULL, NULL, 's.customers::float8',
		'people of the segment'),
	('customers_share', 'all', 'last', 'people', 's.everybody', 's.customers', NULL, NULL,
		'part of all people who are in the segment'),
	('revenue_share', 'all', 'last', 'people', 's.customers', NULL, NULL,
		'(greatest(s.monetary, 0) / NULLIF(s.all_monetary, 0))::float8',
		'part of the monetary of all that is of the segment'),
	('clv_12m', 'prediction', 'last', 'valued', 's.valued', NULL, NULL, 's.clv_12m::float8 / NULLIF(s.valued, 0)',
		'clv_12m of a customer on average'),
	('engagement', 'engagement_score', 'last', 'engaged', 's.engaged', NULL, NULL,
		's.engagement / NULLIF(s.engaged, 0)', 'engagement_score on average'),
	('satisfaction', 'satisfaction_score', 'last', 'satisfied', 's.satisfied', NULL, NULL,
		's.satisfaction / NULLIF(s.satisfied, 0)', 'satisfaction_score on average')
) AS k (kpi, part, segments, family, n, success, worst, value, meaning);
GRANT SELECT ON @extschema@._kpi TO PUBLIC;

-- Which people key figures tell of, beside those of the segment: of so many "whole", as
-- sums have them, so many "part".
CREATE TABLE @extschema@._kpi_part (
	family	text NOT NULL,
	part	text NOT NULL,
	whole	text NOT NULL,
	PRIMARY KEY (family, part)
);
COMMENT ON TABLE @extschema@._kpi_part IS 'internal: the people that key figures tell of, for what may be shown';
COMMENT ON COLUMN @extschema@._kpi_part.family IS 'of the key figures';
COMMENT ON COLUMN @extschema@._kpi_part.part IS 'the sum that says how many people they are';
COMMENT ON COLUMN @extschema@._kpi_part.whole IS 'and of how many';
INSERT INTO @extschema@._kpi_part VALUES
	('later', 'buyers', 'customers'), ('later', 'repeaters', 'buyers'),
	('kept', 'earlier', 'customers'), ('kept', 'kept', 'earlier'), ('ordered', 'ordered', 'customers'),
	('messages', 'mailed', 'customers'), ('messages', 'people_asked', 'customers'),
	('messages', 'people_answering', 'customers'), ('messages', 'nps_people', 'customers'),
	('messages', 'csat_people', 'customers'), ('valued', 'valued', 'customers'),
	('engaged', 'engaged', 'customers'), ('satisfied', 'satisfied', 'customers');
GRANT SELECT ON @extschema@._kpi_part TO PUBLIC;

-- The key figures that a model has.
CREATE FUNCTION @extschema@._model_kpis(settings jsonb)
	RETURNS SETOF @extschema@._kpi
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT k.* FROM @extschema@._kpi AS k
	 WHERE CASE k.part WHEN 'all' THEN true
		WHEN 'prediction' THEN settings OPERATOR(pg_catalog.->>) 'prediction' IS NOT NULL
		WHEN 'mails' THEN @extschema@._has_streams(settings)
		WHEN 'answers' THEN EXISTS (SELECT 1 FROM @extschema@._scaled_streams(settings))
		WHEN 'nps' THEN EXISTS (SELECT 1 FROM @extschema@._scaled_streams(settings) AS t
								 WHERE t.scale OPERATOR(pg_catalog.=) 'nps')
		WHEN 'csat' THEN EXISTS (SELECT 1 FROM @extschema@._scaled_streams(settings) AS t
								 WHERE t.scale OPERATOR(pg_catalog.=) 'csat')
		ELSE k.part OPERATOR(pg_catalog.=) ANY (@extschema@._model_attributes(settings))
			OR EXISTS (SELECT 1 FROM @extschema@._behaviour_columns(settings) AS c
						WHERE c.name OPERATOR(pg_catalog.=) k.part) END
	 ORDER BY k.position;
END;
COMMENT ON FUNCTION @extschema@._model_kpis(jsonb) IS 'internal: the key figures that a model can tell';

CREATE FUNCTION @extschema@._kpi_activity(history @extschema@.history, previous_day date, day date, next_day date)
	RETURNS int
	AS 'MODULE_PATHNAME', 'history_periods'
	LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._kpi_activity(@extschema@.history, date, date, date) IS
	'internal: what a customer did, added up from 1: something after previous_day and until day, 2: an order then, 4:'
	' one in a period as long as the next that ends on day, 8: an order after day and until next_day, 16: several then';

-- Events of a role in the period until d.day, of all streams, of a customer s.
CREATE FUNCTION @extschema@._kpi_events(model name, settings jsonb, role text)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT COALESCE(pg_catalog.string_agg(@extschema@._fill('CASE WHEN k.{role}_{no} IS NOT NULL'
			' THEN @extschema@.stream_events(s.streams, {no}, d.day, d.day - d.previous_day, k.{role}_{no}) ELSE 0 END',
			'role', role, 'no', s.stream_no::text), ' + ' ORDER BY s.stream_no), '0')
	  FROM @extschema@._streams(settings) AS s;
END;
COMMENT ON FUNCTION @extschema@._kpi_events(name, jsonb, text) IS
	'internal: an expression for the number of events of a role in a period';

-- The sums of the people of a segment that key figures of a model are made of. What is
-- of a segment on a day is an expression over a customer s of the day d, what they did
-- (e.did, bits of _kpi_activity), the messages that they got (m), their answers (a).
CREATE FUNCTION @extschema@._kpi_columns(settings jsonb)
	RETURNS TABLE (name text, expression text, total text)
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT c.name, c.expression,
		   CASE WHEN c.is_exact THEN '@extschema@.exact_sum(s.%I::float8)' ELSE 'sum(s.%I)' END
	  FROM (VALUES
		(1, 'customers', 'all', 'count(*)', false),
		(2, 'monetary', 'all', 'sum(s.monetary)', false),
		(3, 'buyers', 'all', 'count(*) FILTER (WHERE e.did & 8 <> 0)', false),
		(4, 'repeaters', 'all', 'count(*) FILTER (WHERE e.did & 16 <> 0)', false),
		(5, 'earlier', 'all', 'count(*) FILTER (WHERE e.did & 4 <> 0)', false),
		(6, 'kept', 'all', 'count(*) FILTER (WHERE e.did & 12 = 12)', false),
		(7, 'ordered', 'all', 'count(*) FILTER (WHERE e.did & 2 <> 0)', false),
		(8, 'orders', 'all', 'COALESCE(sum(CASE WHEN e.did & 1 <> 0 THEN'
			' @extschema@.frequency(s.history, d.day, d.day - d.previous_day) END), 0)::bigint', false),
		(9, 'value', 'all', 'COALESCE(sum(CASE WHEN e.did & 1 <> 0 THEN'
			' @extschema@.monetary(s.history, d.day, d.day - d.previous_day) END), 0)', false),
		(10, 'sent', 'mails', 'COALESCE(sum(m.sent), 0)::bigint', false),
		(11, 'opens', 'mails', 'COALESCE(sum(m.opens), 0)::bigint', false),
		(12, 'clicks', 'mails', 'COALESCE(sum(m.clicks), 0)::bigint', false),
		(13, 'mailed', 'mails', 'count(*) FILTER (WHERE m.sent > 0)', false),
		(14, 'asked', 'answers', 'COALESCE(sum(a.asked), 0)::bigint', false),
		(15, 'people_asked', 'answers', 'count(*) FILTER (WHERE a.asked > 0)', false),
		(16, 'answers', 'answers', 'COALESCE(sum(a.answers), 0)::bigint', false),
		(17, 'people_answering', 'answers', 'count(*) FILTER (WHERE a.answers > 0)', false),
		(18, 'nps_answers', 'nps', 'COALESCE(sum(a.nps_answers), 0)::bigint', false),
		(19, 'promoters', 'nps', 'COALESCE(sum(a.promoters), 0)::bigint', false),
		(20, 'detractors', 'nps', 'COALESCE(sum(a.detractors), 0)::bigint', false),
		(21, 'nps_people', 'nps', 'count(*) FILTER (WHERE a.nps_answers > 0)', false),
		(22, 'csat_answers', 'csat', 'COALESCE(sum(a.csat_answers), 0)::bigint', false),
		(23, 'satisfied_answers', 'csat', 'COALESCE(sum(a.satisfied_answers), 0)::bigint', false),
		(24, 'csat_people', 'csat', 'count(*) FILTER (WHERE a.csat_answers > 0)', false),
		(25, 'clv_12m', 'prediction', '@extschema@.exact_sum(s.clv_12m::float8)', true),
		(26, 'valued', 'prediction', 'count(s.clv_12m)', false),
		(27, 'engagement', 'engagement_score', '@extschema@.exact_sum(s.engagement_score::float8)', true),
		(28, 'engaged', 'engagement_score', 'count(s.engagement_score)', false),
		(29, 'satisfaction', 'satisfaction_score', '@extschema@.exact_sum(s.satisfaction_score::float8)', true),
		(30, 'satisfied', 'satisfaction_score', 'count(s.satisfaction_score)', false))
		AS c ("position", name, part, expression, is_exact)
	 WHERE c.part IN (SELECT k.part FROM @extschema@._model_kpis(settings) AS k)
	 ORDER BY c.position;
END;
COMMENT ON FUNCTION @extschema@._kpi_columns(jsonb) IS
	'internal: the sums of a segment that the key figures of a model are made of';

-- What the kinds of events of a model count as in surveys: a message asks for answers to
-- so many questions, an answer is one of a scale and of a class. Answers on a scale
-- count for nothing where some of them have lost their class.
CREATE FUNCTION @extschema@._survey_kinds(model name)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT @extschema@._fill($q$
SELECT k.stream_no, k.kind_no, sum(k.asked) AS asked, sum(k.answers) AS answers,
       sum(CASE WHEN k.scale = 'nps' THEN k.whole END) AS nps_answers,
       sum(CASE WHEN k.scale = 'nps' AND k.class = 'best' THEN k.whole END) AS promoters,
       sum(CASE WHEN k.scale = 'nps' AND k.class = 'worst' THEN k.whole END) AS detractors,
       sum(CASE WHEN k.scale = 'csat' THEN k.whole END) AS csat_answers,
       sum(CASE WHEN k.scale = 'csat' AND k.class = 'best' THEN k.whole END) AS satisfied_answers
  FROM (SELECT q.stream_no, q.kind_no, q.scale, q.class, 0 AS asked, 1 AS answers,
               CASE WHEN bool_and(q.is_whole) OVER (PARTITION BY q.scale) THEN 1 END AS whole
          FROM ({questions}) AS q
        UNION ALL
        SELECT k.stream_no, k.kind_no, NULL, NULL, 1, 0, NULL
          FROM (SELECT DISTINCT q.stream, q.question FROM ({questions}) AS q) AS q
          JOIN {model}.stream_kind AS k ON k.role = 'sent'
           AND (k.kind = q.question OR NOT EXISTS (SELECT 1 FROM {model}.stream_kind AS o
                                                    WHERE o.role = 'sent' AND o.kind = q.question))) AS k
 GROUP BY k.stream_no, k.kind_no$q$,
		'model', pg_catalog.quote_ident(model), 'questions', @extschema@._questions(model));
END;
COMMENT ON FUNCTION @extschema@._survey_kinds(name) IS
	'internal: the query for what the kinds of events of a model count as in surveys';

-- The sums of each day and segment from which all key figures come: what the people of
-- the segment did in the period after the day, what in the period until the day, and
-- what they are on the day.
CREATE FUNCTION @extschema@._kpi_sums(model name, settings jsonb)
	RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	kinds		text := '';
	mails		text := '';
	answers		text := '';
	surveys		text := '';
BEGIN
	IF @extschema@._has_streams(settings) THEN
		SELECT ', (SELECT ' || string_agg(format('(SELECT array_agg(v.kind_no ORDER BY v.kind_no)'
				' FROM %I.stream_kind AS v WHERE v.stream_no = %s AND v.role = %L) AS %I',
				model, s.stream_no, r.role, r.role || '_' || s.stream_no), ', ' ORDER BY s.stream_no, r.role)
			|| ') AS k'
		  INTO kinds
		  FROM @extschema@._streams(settings) AS s CROSS JOIN unnest('{sent,open,click}'::text[]) AS r (role);
		kinds := coalesce(kinds, '');
		mails := format(', LATERAL (SELECT CASE WHEN d.previous_day IS NOT NULL THEN %s END AS sent,'
			' CASE WHEN d.previous_day IS NOT NULL THEN %s END AS opens,'
			' CASE WHEN d.previous_day IS NOT NULL THEN %s END AS clicks) AS m',
			@extschema@._kpi_events(model, settings, 'sent'), @extschema@._kpi_events(model, settings, 'open'),
			@extschema@._kpi_events(model, settings, 'click'));
	END IF;
	IF EXISTS (SELECT 1 FROM @extschema@._scaled_streams(settings)) THEN
		surveys := format('WITH surveys AS MATERIALIZED (%s)', @extschema@._survey_kinds(model));
		answers := $q$,
                       LATERAL (SELECT sum(f.n * w.asked) AS asked, sum(f.n * w.answers) AS answers,
                                       sum(f.n * w.nps_answers) AS nps_answers, sum(f.n * w.promoters) AS promoters,
                                       sum(f.n * w.detractors) AS detractors, sum(f.n * w.csat_answers) AS csat_answers,
                                       sum(f.n * w.satisfied_answers) AS satisfied_answers
                                  FROM @extschema@.stream_kinds(s.streams) AS x
                                  JOIN surveys AS w ON w.stream_no = x.stream AND w.kind_no = x.kind,
                                       LATERAL (SELECT @extschema@.frequency(x.history, d.day,
                                           d.day - d.previous_day) AS n) AS f
                                 WHERE d.previous_day IS NOT NULL) AS a$q$;
	END IF;
	RETURN @extschema@._fill($q$
{surveys} SELECT d.day, d.next_day, d.previous_day, s.*
  FROM (SELECT d.day, lead(d.day) OVER (ORDER BY d.day) AS next_day, lag(d.day) OVER (ORDER BY d.day) AS previous_day
          FROM @extschema@._model_days($1, $2, $3) AS d (day) WHERE d.day IS NOT NULL) AS d{kinds},
       LATERAL (SELECT s.tenant, s.version, s.map_copy, s.segment, {columns}
                  FROM {model}._scores_at(d.day, NULL, false, $4) AS s,
                       LATERAL (SELECT @extschema@._kpi_activity(s.history, d.previous_day, d.day, d.next_day) AS did
                                OFFSET 0) AS e{mails}{answers}
                 GROUP BY s.tenant, s.version, s.map_copy, s.segment) AS s$q$,
		'model', quote_ident(model), 'kinds', kinds, 'mails', mails, 'answers', answers, 'surveys', surveys,
		'columns', (SELECT string_agg(format('%s AS %I', c.expression, c.name), E',\n                       ')
			FROM @extschema@._kpi_columns(settings) AS c));
END
$$;
COMMENT ON FUNCTION @extschema@._kpi_sums(name, jsonb) IS
	'internal: the query for the sums of each day and segment from which key figures come';

-- Which key figures of which segments can be shown, and those of everybody (segment NULL,
-- everybody true), as CTEs with "verdict" last. A family is hidden where one of its parts
-- is of few people. What is left of everybody less the segments that are shown must be of
-- more of them: else the smallest segment that can hide them is hidden too; and where
-- there is none, everybody.
CREATE FUNCTION @extschema@._kpi_verdict(settings jsonb)
	RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT @extschema@._fill($q$, parts AS (
	SELECT s.day, s.tenant, s.segment, s.customers, s.total_shown, f.family, f.no, f.part, f.whole,
	       bool_and(s.is_shown AND {shown}) OVER w AS is_shown,
	       bool_and(s.is_shown AND (f.whole = 0 OR f.part BETWEEN {small} AND f.whole - {small})) OVER w AS hides_others
	  FROM shown AS s CROSS JOIN LATERAL (VALUES {parts}) AS f (family, no, part, whole)
	WINDOW w AS (PARTITION BY s.day, s.tenant, s.segment, f.family)
), rests AS (
	SELECT p.*, COALESCE(sum(p.part) FILTER (WHERE NOT p.is_shown) OVER w, 0) AS rest,
	       COALESCE(sum(p.whole) FILTER (WHERE NOT p.is_shown) OVER w, 0) AS rest_whole
	  FROM parts AS p WINDOW w AS (PARTITION BY p.day, p.tenant, p.family, p.no)
), families AS (
	SELECT r.*, row_number() OVER (PARTITION BY r.day, r.tenant, r.family
		ORDER BY r.hides_others DESC, r.customers, r.segment) = 1 AND r.hides_others AS is_next
	  FROM (SELECT r.day, r.tenant, r.segment, r.family, r.customers, r.total_shown, bool_and(r.is_shown) AS is_shown,
	               bool_and(r.hides_others) AS hides_others, bool_and({rest_shown}) AS rest_shown
	          FROM rests AS r GROUP BY r.day, r.tenant, r.segment, r.family, r.customers, r.total_shown) AS r
), verdict AS MATERIALIZED (
	SELECT f.day, f.tenant, f.segment, false AS everybody, f.family,
	       f.is_shown AND (f.rest_shown OR NOT f.is_next) AS is_shown FROM families AS f
	UNION ALL
	SELECT f.day, f.tenant, NULL, true, f.family, bool_and(f.total_shown) AND (bool_and(f.rest_shown)
	       OR bool_or(f.is_next)) FROM families AS f GROUP BY f.day, f.tenant, f.family
)$q$,
		'small', settings OPERATOR(pg_catalog.->>) 'minimum_group_size',
		'shown', @extschema@._part_shown('f.part', 'f.whole',
			(settings OPERATOR(pg_catalog.->>) 'minimum_group_size')::int),
		'rest_shown', @extschema@._part_shown('r.rest', 'r.rest_whole',
			(settings OPERATOR(pg_catalog.->>) 'minimum_group_size')::int),
		'parts', (SELECT pg_catalog.string_agg(pg_catalog.format('(%L, %s, s.%I, s.%I)', p.family, p.no, p.part,
				p.whole), ', ' ORDER BY p.no)
			FROM (SELECT 'people' AS family, 0 AS no, 'customers' AS part, 'customers' AS whole
				  UNION ALL
				  SELECT p.family, pg_catalog.row_number() OVER (ORDER BY p.family, p.part), p.part, p.whole
					FROM @extschema@._kpi_part AS p
				   WHERE p.part IN (SELECT c.name FROM @extschema@._kpi_columns(settings) AS c)) AS p));
END;
COMMENT ON FUNCTION @extschema@._kpi_verdict(jsonb) IS
	'internal: which key figures of a model can be shown, as items of WITH';

CREATE FUNCTION @extschema@._kpi_functions(model name, settings jsonb)
	RETURNS SETOF @extschema@._part
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	home		text := quote_ident(model);
	small		int := settings ->> 'minimum_group_size';
	figures		text;
	columns		text;
	totals		text;
BEGIN
	SELECT string_agg(format('(%s, %L, %L, %s, (%s)::bigint, (%s)::bigint, (%s)::bigint, (%s)::float8)', k.position,
			k.kpi, k.family, (k.segments = 'first')::text, k.n, coalesce(k.success, 'NULL'), coalesce(k.worst, 'NULL'),
			coalesce(k.value, 'NULL')), E',\n\t\t' ORDER BY k.position)
	  INTO figures FROM @extschema@._model_kpis(settings) AS k;
	SELECT string_agg(format('s.%I', c.name), ', '), string_agg(format(c.total, c.name), ', ')
	  INTO columns, totals FROM @extschema@._kpi_columns(settings) AS c;
	RETURN NEXT @extschema@._model_function('segment_kpi_history',
		'{from_day date,to_day date,step interval DEFAULT ''1 month''}',
		'TABLE (from_day date, to_day date, tenant text, segment text, segment_label text, everybody boolean, kpi text,'
		' value float8, low float8, high float8, n bigint, reason text, suppressed boolean, segment_order int,'
		' segment_color text)',
		@extschema@._tell_unknown(model, settings, @extschema@._fill($q$
WITH sums AS MATERIALIZED ({sums}){verdict}, rows AS (
	SELECT s.day, s.next_day, s.previous_day, s.tenant, s.map_copy, s.segment, false AS everybody, {columns}
	  FROM sums AS s
	UNION ALL
	SELECT s.day, s.next_day, s.previous_day, s.tenant, NULL, NULL, true, {totals}
	  FROM sums AS s GROUP BY s.day, s.next_day, s.previous_day, s.tenant
), figures AS (
	SELECT s.tenant, s.map_copy, s.segment, s.everybody, f.position, f.kpi, f.n, f.success, f.worst,
	       CASE WHEN f.of_first THEN s.day ELSE s.previous_day END AS from_day,
	       CASE WHEN f.of_first THEN s.next_day ELSE s.day END AS to_day,
	       {is_shown} AS is_shown,
	       CASE WHEN f.success IS NULL THEN f.value
	            WHEN f.worst IS NULL THEN f.success / NULLIF(f.n, 0)::float8
	            ELSE 100 * (f.success - f.worst) / NULLIF(f.n, 0)::float8 END AS value
	  FROM (SELECT s.*, sum(s.customers) FILTER (WHERE NOT s.everybody) OVER w AS everybody_n,
	               sum(greatest(s.monetary, 0)) FILTER (WHERE NOT s.everybody) OVER w AS all_monetary
	          FROM rows AS s WINDOW w AS (PARTITION BY s.day, s.tenant)) AS s
	 CROSS JOIN LATERAL (VALUES {figures}) AS f (position, kpi, family, of_first, n, success, worst, value){joined}
)
SELECT f.from_day, f.to_day, {tenant} AS tenant, f.segment::text AS segment,
       CASE WHEN f.everybody THEN {all} ELSE l.label END AS segment_label, f.everybody, f.kpi,
       CASE WHEN f.tells THEN f.value END AS value, i.low, i.high, CASE WHEN f.tells THEN f.n END AS n,
       CASE WHEN f.to_day > f.as_of THEN 'period_not_over' WHEN NOT f.is_shown THEN 'suppressed'
            WHEN f.value IS NULL THEN 'no_data' END AS reason,
       NOT f.is_shown AS suppressed, l.display_order AS segment_order, l.color::text AS segment_color
  FROM (SELECT f.*, t.as_of, f.is_shown AND f.to_day <= t.as_of AS tells
          FROM figures AS f,
               (SELECT max(q.as_of) AS as_of FROM {model}._question_at(NULL, NULL, true, 0, $4) AS q) AS t
         WHERE f.from_day IS NOT NULL AND f.to_day IS NOT NULL) AS f
  LEFT JOIN LATERAL (
       SELECT w.low, w.high FROM @extschema@.wilson_interval(CASE WHEN f.tells THEN f.success END, f.n) AS w
        WHERE f.worst IS NULL{nps}) AS i ON true
  LEFT JOIN {model}.segment_label AS l ON l.map = f.map_copy AND l.segment = f.segment AND l.language = {language}
 ORDER BY f.from_day, f.tenant, f.everybody, l.display_order, f.segment, f.position$q$,
			'sums', @extschema@._kpi_sums(model, settings), 'columns', columns, 'totals', totals,
			'verdict', CASE WHEN small = 1 THEN '' ELSE format('%s, shown AS MATERIALIZED (SELECT * FROM %s AS s)%s',
				@extschema@._shown_today(model, settings, '$4', 'd.as_of BETWEEN $1 AND $2'),
				@extschema@._segments_shown(settings, 'sums', 'n.day'), @extschema@._kpi_verdict(settings)) END,
			'is_shown', CASE WHEN small = 1 THEN 'true' ELSE 'v.is_shown' END,
			'joined', CASE WHEN small = 1 THEN '' ELSE $j$
	  JOIN verdict AS v ON v.day = s.day AND v.tenant = s.tenant AND v.segment IS NOT DISTINCT FROM s.segment
	   AND v.everybody = s.everybody AND v.family = f.family$j$ END,
			'nps', CASE WHEN figures LIKE '%''nps''%' THEN $j$
       UNION ALL
       SELECT w.low, w.high FROM @extschema@.nps(f.success, f.n - f.success - f.worst, f.worst) AS w
        WHERE f.worst IS NOT NULL AND f.tells$j$ ELSE '' END,
			'figures', replace(figures, 's.everybody', 's.everybody_n'),
			'all', quote_literal(@extschema@._everybody(settings)), 'model', home,
			'tenant', @extschema@._model_tenant(settings, 'f'),
			-- not for periods until today, which the view asks for
			'language', quote_literal(settings ->> 'language')), '$2'),
		'key figures by segment, period by period from one day to another by steps: conversion, retention, churn,'
		' baskets, value, shares; rates with their 95 % interval by Wilson; everybody: the row of all segments'
		' together');
	RETURN NEXT @extschema@._model_view('segment_kpis', @extschema@._fill($q$
SELECT k.* FROM (SELECT max(q.as_of) AS as_of FROM {model}._question AS q) AS q
 CROSS JOIN LATERAL {model}.segment_kpi_history(q.as_of - 90, q.as_of, '90 days') AS k$q$, 'model', home),
		'key figures by segment, of the 90 days until as_of');
END
$$;
COMMENT ON FUNCTION @extschema@._kpi_functions(name, jsonb) IS
	'internal: the function and the view of a model about key figures';

-- What became of the goals. A goal is measured over the 90 days until today, and once
-- it is due, until that day.
CREATE FUNCTION @extschema@._goal_views(model name, settings jsonb)
	RETURNS SETOF @extschema@._part
	LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
	SELECT * FROM @extschema@._model_view('goals', @extschema@._fill($q$
WITH asked AS MATERIALIZED (
	SELECT g.*, q.as_of, LEAST(q.as_of, g.due_on) AS measured_on
	  FROM {model}._question AS q JOIN {model}.set_goals AS g ON g.tenant = q.tenant
), measured AS MATERIALIZED (
	SELECT k.* FROM (SELECT DISTINCT a.measured_on AS day FROM asked AS a) AS d
	 CROSS JOIN LATERAL {history} AS k
)
SELECT {tenant} AS tenant, g.segment::text AS segment,
       COALESCE(l.label, CASE WHEN g.segment IS NULL THEN {all} END) AS segment_label, g.kpi::text AS kpi,
       g.baseline, g.baseline_on, g.target_value, g.measured_on, k.value AS actual, k.low, k.high, k.n,
       p.progress, p.elapsed,
       CASE WHEN k.value IS NULL THEN 'no_data' WHEN p.progress >= 1 THEN 'reached'
            WHEN g.as_of >= g.due_on THEN 'missed' WHEN p.progress >= p.elapsed THEN 'on_track'
            ELSE 'behind' END AS status,
       g.due_on, g.action, g.owner, g.change, g.target, g.set_by, g.set_at,
       l.display_order AS segment_order, l.color::text AS segment_color
  FROM asked AS g
  LEFT JOIN measured AS k ON k.to_day = g.measured_on AND k.kpi = g.kpi AND COALESCE(k.tenant, '') = g.tenant
   AND k.everybody = (g.segment IS NULL) AND (k.segment = g.segment OR g.segment IS NULL)
 CROSS JOIN LATERAL (SELECT (k.value - g.baseline) / (g.target_value - g.baseline) + 0.0 AS progress,
                            LEAST(1, (g.as_of - g.baseline_on) / (g.due_on - g.baseline_on)::float8) AS elapsed) AS p
  LEFT JOIN {model}.segment_label AS l ON l.map = {map} AND l.segment = g.segment AND l.language = {language}
 ORDER BY g.tenant, g.due_on, l.display_order, g.kpi$q$,
		'model', pg_catalog.quote_ident(model), 'tenant', @extschema@._model_tenant(settings, 'g'),
		'history', @extschema@._with_tenant(settings, pg_catalog.format(
			'%I.segment_kpi_history(d.day - 90, d.day, ''90 days'')', model)),
		'all', pg_catalog.quote_literal(@extschema@._everybody(settings)),
		'map', pg_catalog.quote_literal(settings OPERATOR(pg_catalog.->>) 'map_copy'),
		'language', pg_catalog.quote_literal(settings OPERATOR(pg_catalog.->>) 'language')),
		'the goals that set_goal has set, what they were measured from, where they stand, and whether that is enough');
END;
COMMENT ON FUNCTION @extschema@._goal_views(name, jsonb) IS 'internal: the view of a model about goals';

-- The tenant that a goal is of, as the tables have it.
CREATE FUNCTION @extschema@._goal_tenant(model name, settings jsonb, tenant text)
	RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	known	boolean;
BEGIN
	IF settings ->> 'tenant' IS NULL THEN
		IF tenant IS NOT NULL THEN
			RAISE invalid_parameter_value USING
				MESSAGE = format('model "%s" has no tenants', model),
				HINT = 'Leave tenant out.';
		END IF;
		RETURN '';
	END IF;
	IF tenant IS NULL THEN
		RAISE null_value_not_allowed USING
			MESSAGE = 'tenant must not be null',
			HINT = 'In a model with tenants every goal is of one of them.';
	END IF;
	EXECUTE format('SELECT EXISTS (SELECT 1 FROM %I._question AS q WHERE q.tenant = $1)', model)
		INTO known USING tenant;
	IF NOT known THEN
		RAISE undefined_object USING MESSAGE = format('model "%s" has no tenant "%s"', model, left(tenant, 100));
	END IF;
	RETURN tenant;
END
$$;
COMMENT ON FUNCTION @extschema@._goal_tenant(name, jsonb, text) IS
	'internal: the tenant that a goal is of, or an error';

CREATE FUNCTION @extschema@.set_goal(model text, segment text, kpi text, target float8, change text, due_on date,
	action text DEFAULT NULL, owner text DEFAULT NULL, baseline float8 DEFAULT NULL, tenant text DEFAULT NULL)
	RETURNS TABLE (item text, detail text)
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	SET jit = off
	AS $$
DECLARE
	home		name := @extschema@._model_home(model);
	settings	jsonb;
	kpis		text;
	part		text;
	today		date;
	label		text;
	of_tenant	text;
	measured	record;
	goal_value	float8;
	earlier		record;
BEGIN
	PERFORM @extschema@._model_lock(home);
	settings := @extschema@._model_settings(home);
	SELECT string_agg(k.kpi, ', ' ORDER BY k.position) INTO kpis FROM @extschema@._model_kpis(settings) AS k;
	SELECT k.part INTO part FROM @extschema@._kpi AS k WHERE k.kpi = set_goal.kpi;
	IF kpi IS NULL OR target IS NULL OR change IS NULL OR due_on IS NULL THEN
		RAISE null_value_not_allowed USING MESSAGE = format('%s must not be null',
			CASE WHEN kpi IS NULL THEN 'kpi' WHEN target IS NULL THEN 'target' WHEN change IS NULL THEN 'change'
				ELSE 'due_on' END);
	ELSIF NOT EXISTS (SELECT 1 FROM @extschema@._model_kpis(settings) AS k WHERE k.kpi = set_goal.kpi) THEN
		RAISE undefined_object USING
			MESSAGE = CASE WHEN kpi = 'roi' THEN 'roi is no figure of a segment'
				WHEN part IS NULL THEN format('there is no kpi "%s"', left(kpi, 100))
				ELSE format('model "%s" has no %s', home, kpi) END,
			DETAIL = CASE WHEN kpi = 'roi' THEN 'What a segment brings, it might have brought anyway.'
				WHEN part IS NULL THEN 'Goals are set for the key figures of the view segment_kpis.'
				WHEN part = 'prediction' THEN 'It predicts nothing.' WHEN part = 'mails' THEN 'It has no streams.'
				WHEN part = 'answers' THEN 'It has no stream with a scale.'
				WHEN part IN ('nps', 'csat') THEN format('It has no stream with the scale %s.', part)
				ELSE format('It has no column %s.', part) END,
			HINT = CASE WHEN kpi = 'roi' THEN format('It is told of campaigns, against people who got nothing:'
					' start_campaign(%L, ...); SELECT campaign, roi FROM %I.campaign_results WHERE everybody;',
					model, home)
				ELSE format('Its key figures are %s.', kpis) END;
	ELSIF change NOT IN ('to', 'by', 'by_percent') THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('change is "%s", not to, by or by_percent', left(change, 100)),
			HINT = 'A churn rate of 0.15, by_percent -10, is to become 0.135; by -0.1 would be 0.05.';
	ELSIF target IN ('NaN', 'Infinity', '-Infinity') OR baseline IN ('NaN', 'Infinity', '-Infinity') THEN
		RAISE invalid_parameter_value USING MESSAGE = 'target and baseline must be finite';
	END IF;
	EXECUTE format('SELECT %s FROM %I.configuration AS c WHERE c.valid_until IS NULL', @extschema@._model_as_of(), home)
		INTO today;
	IF NOT isfinite(due_on) OR due_on <= today THEN
		RAISE invalid_parameter_value USING
			MESSAGE = CASE WHEN isfinite(due_on)
				THEN format('due_on %s is not after %s, the day for which the model answers',
					to_char(due_on, 'YYYY-MM-DD'), to_char(today, 'YYYY-MM-DD'))
				ELSE 'due_on must be finite' END;
	END IF;
	EXECUTE format('SELECT min(l.label) FROM %I.segment_label AS l'
		' WHERE l.map = $1 AND l.segment = $2 AND l.language = $3', home)
		INTO label USING settings ->> 'map_copy', segment, settings ->> 'language';
	IF segment IS NOT NULL AND label IS NULL THEN
		RAISE undefined_object USING
			MESSAGE = format('segment "%s" is not in the segment map of model "%s"', left(segment, 100), home),
			HINT = format('Its segments are: %s. NULL is everybody.',
				@extschema@._model_segment_list(home, settings ->> 'map_copy'));
	END IF;
	of_tenant := @extschema@._goal_tenant(home, settings, tenant);
	EXECUTE format('SELECT k.value, k.n, k.reason FROM %s AS k WHERE coalesce(k.tenant, '''') = $1'
		' AND k.kpi = $2 AND k.everybody = ($3 IS NULL) AND (k.segment = $3 OR $3 IS NULL)',
		@extschema@._with_tenant(settings, format('%I.segment_kpis', home)))
		INTO measured USING of_tenant, kpi, segment;
	baseline := coalesce(baseline, measured.value);
	IF baseline IS NULL THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = format('%s of %s can''t be told now: %s', kpi, coalesce(label, 'everybody'),
				coalesce(measured.reason, 'no_data')),
			HINT = 'Say what the goal is measured from: baseline => ...';
	END IF;
	goal_value := CASE change WHEN 'to' THEN target WHEN 'by' THEN baseline + target
		ELSE baseline * (1 + target / 100) END;
	IF goal_value = baseline THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('the goal is %s, what it is measured from', baseline),
			HINT = 'Give a target that differs from it, or another baseline.';
	END IF;
	EXECUTE format('SELECT g.target_value, g.due_on FROM %I.set_goals AS g WHERE g.tenant = $1 AND g.kpi = $2'
		' AND g.segment IS NOT DISTINCT FROM $3', home) INTO earlier USING of_tenant, kpi, segment;
	EXECUTE format($q$
		INSERT INTO %I.set_goals (tenant, segment, kpi, baseline, baseline_on, change, target, target_value, due_on,
			action, owner, set_by)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, session_user)
		ON CONFLICT (tenant, segment, kpi) DO UPDATE SET baseline = EXCLUDED.baseline,
			baseline_on = EXCLUDED.baseline_on, change = EXCLUDED.change, target = EXCLUDED.target,
			target_value = EXCLUDED.target_value, due_on = EXCLUDED.due_on, action = EXCLUDED.action,
			owner = EXCLUDED.owner, set_by = EXCLUDED.set_by, set_at = EXCLUDED.set_at$q$, home)
		USING of_tenant, segment, kpi, baseline, today, change, target, goal_value, due_on, action, owner;
	RETURN QUERY SELECT v.item, v.detail FROM (VALUES
		('goal', format('%s of %s', kpi, coalesce(label, 'everybody'))),
		('from', format('%s on %s', trim_scale(round(baseline::numeric, 4)), to_char(today, 'YYYY-MM-DD'))),
		('to', format('%s by %s', trim_scale(round(goal_value::numeric, 4)), to_char(due_on, 'YYYY-MM-DD'))),
		('instead of', format('%s by %s', trim_scale(round(earlier.target_value::numeric, 4)),
			to_char(earlier.due_on, 'YYYY-MM-DD')))) AS v (item, detail)
	 WHERE v.item <> 'instead of' OR earlier.due_on IS NOT NULL;
END
$$;
COMMENT ON FUNCTION @extschema@.set_goal(text, text, text, float8, text, date, text, text, float8, text) IS
	'set a goal for a key figure of a segment (NULL: everybody): to a value, by a difference or by_percent, until'
	' a day; the baseline is what segment_kpis says now; the view goals says where it stands; a goal for the same'
	' figure and segment is replaced';

CREATE FUNCTION @extschema@.drop_goal(model text, segment text, kpi text, tenant text DEFAULT NULL)
	RETURNS TABLE (item text, detail text)
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	home		name := @extschema@._model_home(model);
	gone		record;
BEGIN
	IF kpi IS NULL THEN
		RAISE null_value_not_allowed USING MESSAGE = 'kpi must not be null';
	END IF;
	PERFORM @extschema@._model_lock(home);
	EXECUTE format('DELETE FROM %I.set_goals AS g WHERE g.kpi = $1 AND g.segment IS NOT DISTINCT FROM $2'
		' AND g.tenant = coalesce($3, '''') RETURNING g.target_value, g.due_on', home)
		INTO gone USING kpi, segment, tenant;
	IF gone.due_on IS NULL THEN
		RETURN QUERY VALUES ('nothing to do', format('no goal for %s of %s', left(kpi, 100),
			coalesce(left(segment, 100), 'everybody')));
	ELSE
		RETURN QUERY VALUES ('dropped', format('%s of %s, %s by %s', kpi, coalesce(segment, 'everybody'),
			trim_scale(round(gone.target_value::numeric, 4)), to_char(gone.due_on, 'YYYY-MM-DD')));
	END IF;
END
$$;
COMMENT ON FUNCTION @extschema@.drop_goal(text, text, text, text) IS 'drop a goal that set_goal has set';
