--
-- Layer 4: scales of answers. A stream with a scale is a survey: its kind is the
-- question, its value the rating.
--
-- Which answers are promoters no sum of ratings tells. So the kind that is stored is
-- the question with the class of the rating: nps:promoter, nps:passive, nps:detractor.
-- It is made here once, of the expressions of the stream, before its source is
-- understood; whatever reads, checks or follows a source knows nothing of scales.
-- Ratings that are not on the scale become NaN, which no history holds: they are
-- left out and counted as such.
--

-- The scales that have a name.
CREATE FUNCTION @extschema@._scales()
	RETURNS text[]
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT '{nps,csat,ces,stars}'::text[];
END;
COMMENT ON FUNCTION @extschema@._scales() IS 'internal: the scales of answers that have a name';

-- The least and the greatest rating of a scale: that of a name, or {"min": 0, "max": 100}.
CREATE FUNCTION @extschema@._scale_bounds(scale text, OUT low numeric, OUT high numeric)
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN scale OPERATOR(pg_catalog.=) 'nps' THEN 0
				WHEN scale OPERATOR(pg_catalog.=) ANY (@extschema@._scales()) THEN 1
				ELSE (scale::jsonb OPERATOR(pg_catalog.->>) 'min')::numeric END,
		   CASE scale WHEN 'nps' THEN 10 WHEN 'csat' THEN 5 WHEN 'ces' THEN 7 WHEN 'stars' THEN 5
				ELSE (scale::jsonb OPERATOR(pg_catalog.->>) 'max')::numeric END;
END;
COMMENT ON FUNCTION @extschema@._scale_bounds(text) IS 'internal: the least and the greatest rating of a scale';

-- The classes of a scale, best first, and from which rating on an answer is in the
-- first two. None, where a scale is only a range.
CREATE FUNCTION @extschema@._scale_classes(scale text)
	RETURNS text[]
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE scale WHEN 'nps' THEN '{promoter,passive,detractor}'::text[]
				WHEN 'ces' THEN '{easy,neutral,difficult}'::text[]
				WHEN 'csat' THEN '{satisfied,neutral,dissatisfied}'::text[]
				WHEN 'stars' THEN '{satisfied,neutral,dissatisfied}'::text[] ELSE '{}'::text[] END;
END;
COMMENT ON FUNCTION @extschema@._scale_classes(text) IS 'internal: the classes of answers on a scale, best first';

-- The streams of a model that have a scale.
CREATE FUNCTION @extschema@._scaled_streams(settings jsonb)
	RETURNS TABLE (stream_no int, stream text, scale text, low numeric, high numeric)
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT s.stream_no, s.stream, s.row_settings OPERATOR(pg_catalog.->>) 'scale', b.low, b.high
	  FROM @extschema@._streams(settings) AS s
	 CROSS JOIN LATERAL @extschema@._scale_bounds(s.row_settings OPERATOR(pg_catalog.->>) 'scale') AS b
	 WHERE s.row_settings OPERATOR(pg_catalog.->>) 'scale' IS NOT NULL
	 ORDER BY 1;
END;
COMMENT ON FUNCTION @extschema@._scaled_streams(jsonb) IS
	'internal: the streams of a model that are answers on a scale';

-- The settings of a stream that has a scale make sense, or an error.
CREATE FUNCTION @extschema@._check_scale(stream jsonb)
	RETURNS void
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	scale	text := stream ->> 'scale';
	bounds	jsonb;
BEGIN
	IF scale IS NULL THEN
		RETURN;
	END IF;
	IF scale <> ALL (@extschema@._scales()) THEN
		BEGIN
			IF octet_length(scale) <= 1000 THEN
				bounds := scale::jsonb;
			END IF;
		EXCEPTION WHEN data_exception THEN
			NULL;
		END;
		IF (jsonb_typeof(bounds) = 'object' AND bounds - 'min' - 'max' = '{}'
			AND jsonb_typeof(bounds -> 'min') = 'number' AND jsonb_typeof(bounds -> 'max') = 'number') IS NOT TRUE THEN
			RAISE invalid_parameter_value USING
				MESSAGE = format('scale "%s" is unknown', left(scale, 100)),
				HINT = 'The scales are nps, csat, ces, stars, and a range like {"min": 0, "max": 100}.';
		END IF;
		IF (bounds ->> 'min')::numeric < -1000 OR (bounds ->> 'max')::numeric > 1000
			OR (bounds ->> 'min')::numeric >= (bounds ->> 'max')::numeric
			OR scale((bounds ->> 'min')::numeric) > 9 OR scale((bounds ->> 'max')::numeric) > 9 THEN
			RAISE invalid_parameter_value USING
				MESSAGE = format('scale "%s" has no range', left(scale, 100)),
				HINT = 'min is below max, both lie between -1000 and 1000 and have at most 9 decimals.';
		END IF;
	END IF;
	IF stream ->> 'role' <> 'answer' THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('scale is given with role "%s"', left(stream ->> 'role', 100)),
			DETAIL = 'All events of a stream with a scale are answers.',
			HINT = 'Leave role out, or give answer; other events are another stream.';
	END IF;
	IF stream ->> 'value' IS NULL THEN
		RAISE null_value_not_allowed USING
			MESSAGE = 'value must not be null where a scale is given',
			HINT = 'value is the rating: a column or expression.';
	END IF;
	IF stream ->> 'counts' IS NOT NULL THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'counts is given with a scale',
			DETAIL = 'A row that does not count would change the sum of the ratings and not their number.',
			HINT = 'Leave rows that are no answers out of the source, or let value be NULL for them.';
	END IF;
END
$$;
COMMENT ON FUNCTION @extschema@._check_scale(jsonb) IS
	'internal: refuse settings of a stream that make no sense with its scale';

-- The value of a stream, of the expression for the rating: NaN where that is not on
-- the scale. Named scales have whole numbers.
CREATE FUNCTION @extschema@._scale_value(scale text, rating text)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT @extschema@._fill(E'CASE WHEN ({rating}\n) OPERATOR(pg_catalog.>=) ({low})'
			' AND ({rating}\n) OPERATOR(pg_catalog.<=) ({high}){whole} THEN ({rating}\n)::pg_catalog.numeric'
			' WHEN ({rating}\n) IS NOT NULL THEN ''NaN''::pg_catalog.numeric END',
			'rating', rating, 'low', b.low::text, 'high', b.high::text,
			'whole', CASE WHEN scale OPERATOR(pg_catalog.=) ANY (@extschema@._scales())
				THEN pg_catalog.format(E' AND (%1$s\n) OPERATOR(pg_catalog.=) pg_catalog.floor((%1$s\n))', rating)
				ELSE '' END)
	  FROM @extschema@._scale_bounds(scale) AS b;
END;
COMMENT ON FUNCTION @extschema@._scale_value(text, text) IS
	'internal: an expression for the value of a row of a stream with a scale';

-- The kind of a stream, of the expressions for the question (NULL or empty: called as
-- the stream) and the rating. A question that is too long for one of its classes is
-- too long for all of them, or their shares would be wrong.
CREATE FUNCTION @extschema@._scale_kind(scale text, stream text, question text, rating text)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT @extschema@._fill(E'CASE WHEN pg_catalog.octet_length({question}) OPERATOR(pg_catalog.<=) {bytes}'
			' THEN {question}{class} ELSE '''' END',
			'question', CASE WHEN question IS NULL THEN pg_catalog.format('%L::pg_catalog.text', stream)
				ELSE pg_catalog.format('CASE WHEN pg_catalog.octet_length(%1$s) OPERATOR(pg_catalog.>) 0 THEN %1$s'
					' ELSE %2$L::pg_catalog.text END', question, stream) END,
			'bytes', CASE WHEN c.classes OPERATOR(pg_catalog.=) '{}' THEN '63' ELSE '50' END,
			'class', CASE WHEN c.classes OPERATOR(pg_catalog.=) '{}' THEN '' ELSE
				pg_catalog.format(E' OPERATOR(pg_catalog.||) CASE WHEN (%1$s\n) OPERATOR(pg_catalog.>=) %2$s THEN %4$L'
					' WHEN (%1$s\n) OPERATOR(pg_catalog.>=) %3$s THEN %5$L ELSE %6$L END', rating,
					CASE scale WHEN 'nps' THEN 9 WHEN 'ces' THEN 5 ELSE 4 END,
					CASE scale WHEN 'nps' THEN 7 WHEN 'ces' THEN 4 ELSE 3 END,
					':' OPERATOR(pg_catalog.||) c.classes[1], ':' OPERATOR(pg_catalog.||) c.classes[2],
					':' OPERATOR(pg_catalog.||) c.classes[3]) END)
	  FROM (SELECT @extschema@._scale_classes(scale) AS classes) AS c;
END;
COMMENT ON FUNCTION @extschema@._scale_kind(text, text, text, text) IS
	'internal: an expression for the kind of a row of a stream with a scale';

-- The question of a kind as it is stored; NULL: other, which may be any question.
CREATE FUNCTION @extschema@._answer_question(scale text, kind text)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN @extschema@._scale_classes(scale) OPERATOR(pg_catalog.=) '{}' THEN kind
		ELSE pg_catalog."substring"(kind, '^(.*):[a-z]+$') END;
END;
COMMENT ON FUNCTION @extschema@._answer_question(text, text) IS 'internal: the question of a kind of answers';

-- What the answers to a question say, of their number, of those in the best and in the
-- worst class, of their mean and variance.
CREATE FUNCTION @extschema@._satisfaction(scale text, answers bigint, best bigint, worst bigint, mean float8,
	variance float8)
	RETURNS @extschema@.satisfaction
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE scale
		WHEN 'nps' THEN @extschema@.nps(best, answers OPERATOR(pg_catalog.-) best OPERATOR(pg_catalog.-) worst, worst)
		WHEN 'csat' THEN @extschema@.csat(best, answers)
		ELSE @extschema@._mean_of_ratings(answers, mean, variance, b.low::float8, b.high::float8) END
	  FROM @extschema@._scale_bounds(scale) AS b;
END;
COMMENT ON FUNCTION @extschema@._satisfaction(text, bigint, bigint, bigint, float8, float8) IS
	'internal: what the answers to a question say';

-- The columns of customer_scores about answers on a scale, of all streams: ratings are
-- brought to 0 to 10, and their mean is drawn towards that of all customers. An
-- attribute of such a name takes its place, and so does a column of a stream.
CREATE FUNCTION @extschema@._satisfaction_columns(settings jsonb)
	RETURNS TABLE (name text, type text, condition text, expression text, meaning text)
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT c.name, c.type, c.condition, c.expression, c.meaning
	  FROM (SELECT pg_catalog.string_agg(pg_catalog.format(
						'@extschema@.stream_events(h.streams, %s, q.as_of, q.window_days)', s.stream_no), ' + '
						ORDER BY s.stream_no) AS answers,
				   pg_catalog.string_agg(@extschema@._fill(
						'10 * (@extschema@._monetary_float8(@extschema@.stream_history(h.streams, {no}), q.as_of,'
						' q.window_days) - ({low})::float8 * @extschema@.stream_events(h.streams, {no}, q.as_of,'
						' q.window_days)) / ({range})::float8',
						'no', s.stream_no::text, 'low', s.low::text,
						'range', (s.high OPERATOR(pg_catalog.-) s.low)::text), ' + ' ORDER BY s.stream_no) AS ratings,
				   pg_catalog.string_agg(pg_catalog.format('@extschema@.stream_last_day(h.streams, %s, q.as_of)',
						s.stream_no), ', ' ORDER BY s.stream_no) AS last_days
			  FROM @extschema@._scaled_streams(settings) AS s HAVING pg_catalog.count(*) OPERATOR(pg_catalog.>) 0) AS a
	 CROSS JOIN LATERAL (VALUES
		(1, 'satisfaction_score', 'float8', 'number',
			pg_catalog.format('CASE WHEN %1$s > 0 THEN (q.satisfaction_weight * q.satisfaction_mean + %2$s)'
				' / (q.satisfaction_weight + %1$s) END', a.answers, a.ratings),
			'mean of the ratings in the window of the model, 0 to 10, drawn towards that of all customers as far as'
			' they are few; NULL without an answer; see satisfaction_answers'),
		(2, 'satisfaction_answers', 'bigint', 'number', a.answers,
			'how many answers satisfaction_score is from: those in the window of the model'),
		(3, 'satisfaction_last_on', 'date', 'string', pg_catalog.format('GREATEST(%s)', a.last_days),
			'day of the last answer on or before as_of'))
		AS c ("position", name, type, condition, expression, meaning)
	 WHERE c.name OPERATOR(pg_catalog.<>) ALL (@extschema@._model_attributes(settings))
	   AND c.name NOT IN (SELECT o.name FROM @extschema@._stream_columns(settings) AS o)
	 ORDER BY c.position;
END;
COMMENT ON FUNCTION @extschema@._satisfaction_columns(jsonb) IS
	'internal: the columns of customer_scores about answers on a scale';

-- How much the mean of all counts in the mean of one, as columns of the question.
CREATE FUNCTION @extschema@._satisfaction_prior(settings jsonb)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN EXISTS (SELECT 1 FROM @extschema@._scaled_streams(settings))
		THEN ', k.satisfaction_mean, k.satisfaction_weight' ELSE '' END;
END;
COMMENT ON FUNCTION @extschema@._satisfaction_prior(jsonb) IS
	'internal: what a version knows of all answers, as items of SELECT';

-- The kinds of answers of a model by question; class: best, worst, other. is_whole: all
-- of its answers are known by class. place: the question among those of its stream.
CREATE FUNCTION @extschema@._questions(model name)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT @extschema@._fill($q$
SELECT w.stream_no, w.kind_no, w.stream, w.scale, w.question, w.class, w.is_whole,
       dense_rank() OVER (PARTITION BY w.stream_no ORDER BY w.first_no, w.question) AS place
  FROM (SELECT k.stream_no, k.kind_no, t.stream, t.scale, a.question,
               CASE substring(k.kind, ':([a-z]+)$') WHEN c.classes[1] THEN 'best' WHEN c.classes[3] THEN 'worst'
                    ELSE 'other' END AS class,
               min(k.kind_no) OVER (PARTITION BY k.stream_no, a.question) AS first_no,
               t.kinds_beyond IS NULL
               OR count(*) OVER (PARTITION BY k.stream_no, a.question) >= cardinality(c.classes) AS is_whole
          FROM {model}.stream AS t JOIN {model}.stream_kind AS k ON k.stream_no = t.stream_no,
               LATERAL (SELECT @extschema@._answer_question(t.scale, k.kind) AS question) AS a,
               LATERAL (SELECT @extschema@._scale_classes(t.scale) AS classes) AS c
         WHERE t.scale IS NOT NULL AND a.question IS NOT NULL) AS w$q$, 'model', pg_catalog.quote_ident(model));
END;
COMMENT ON FUNCTION @extschema@._questions(name) IS 'internal: the query for the questions of a model and their kinds';

-- What the answers c to a question a say, as an item of FROM.
CREATE FUNCTION @extschema@._answers_value()
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT $q$LATERAL @extschema@._satisfaction(a.scale, CASE WHEN c.is_whole THEN c.answers END, c.best, c.worst,
       (c.total / NULLIF(c.answers, 0))::float8,
       COALESCE((c.squares - c.total * c.total / NULLIF(c.answers, 0)) / NULLIF(c.answers - 1, 0), 0)::float8)$q$::text;
END;
COMMENT ON FUNCTION @extschema@._answers_value() IS 'internal: what the answers to a question say, as an item of FROM';

-- Which questions of a stream a customer s has answered in the window of the model, as
-- an array by the place of the question, for what summaries may show of them. There
-- are places for so many questions of a stream; of the others nothing is shown.
CREATE FUNCTION @extschema@._answered_places()
	RETURNS int
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN 12;
COMMENT ON FUNCTION @extschema@._answered_places() IS
	'internal: of how many questions of a stream summaries may show something, where small groups are hidden';

CREATE FUNCTION @extschema@._answered(settings jsonb, stream_no int)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT @extschema@._fill($q$CASE WHEN @extschema@.stream_events(s.streams, {no}, s.as_of, {days}) > 0 THEN
	       ARRAY(SELECT max(CASE WHEN @extschema@.frequency(x.history, s.as_of, {days}) > 0 THEN k.question END)
	          FROM ({questions}) AS k
	          LEFT JOIN @extschema@.stream_kinds(s.streams) AS x ON x.stream = k.stream_no AND x.kind = k.kind_no
	         WHERE k.stream_no = {no} AND k.place <= {places} GROUP BY k.place ORDER BY k.place) END$q$,
		'no', stream_no::text, 'days', COALESCE(settings OPERATOR(pg_catalog.->>) 'window_days', 'NULL'),
		'questions', @extschema@._questions(settings OPERATOR(pg_catalog.->>) 'home'),
		'places', @extschema@._answered_places()::text);
END;
COMMENT ON FUNCTION @extschema@._answered(jsonb, int) IS
	'internal: an expression for the questions that a customer has answered';
