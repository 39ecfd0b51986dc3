--
-- Layer 4: scorecards in models. A model copies a card when it is named, as it
-- copies a segment map: what its author changes later is another version of the
-- model. The copy is compiled for the streams of the model into a program, which C
-- evaluates; it is compiled again when there are new streams or kinds.
--
-- configuration.cards has for each card of a version, by name, the name of the copy,
-- whether all of its rules are about who somebody is, and the program.
--

-- What a card is called in columns: the last part of its name.
CREATE FUNCTION @extschema@._card_name(card text)
	RETURNS text
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	parts	text[];
BEGIN
	IF octet_length(card) > 300 THEN
		RETURN card;		-- no name of anything, as will be said
	END IF;
	parts := parse_ident(card);
	RETURN parts[cardinality(parts)];
END
$$;
COMMENT ON FUNCTION @extschema@._card_name(text) IS 'internal: the name of a scorecard without its schema';

-- The cards of a model, in their order, with all copies that versions have of them.
CREATE FUNCTION @extschema@._cards(settings jsonb)
	RETURNS TABLE (card text, is_fit boolean, copies text[], n bigint)
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	-- while a model is made, the card is not copied yet
	SELECT k.card, COALESCE((settings OPERATOR(pg_catalog.#>>) ARRAY['cards', k.card, 'is_fit'])::boolean, false),
		   ARRAY(SELECT pg_catalog.jsonb_array_elements_text(
				COALESCE(settings OPERATOR(pg_catalog.#>) ARRAY['card_copies', k.card], '[]'))), k.n
	  FROM (SELECT @extschema@._card_name(u.card) AS card, u.n
			  FROM pg_catalog.unnest(@extschema@._model_names(settings, 'scorecards'))
				   WITH ORDINALITY AS u (card, n)) AS k;
END;
COMMENT ON FUNCTION @extschema@._cards(jsonb) IS 'internal: the scorecards of a model';

-- Which conditions of a card hold for a customer, as an array; they differ by copy.
CREATE FUNCTION @extschema@._card_fits(settings jsonb, card text, copies text[], "row" text DEFAULT 'h')
	RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	columns	text[] := ARRAY(SELECT format('%I.%I', "row", a)
		FROM unnest(@extschema@._model_attributes(settings)) WITH ORDINALITY AS u (a, n) ORDER BY n);
	cases	text;
BEGIN
	SELECT string_agg(format(' WHEN %L THEN ARRAY[%s]::boolean[]', u.copy, array_to_string(f.fits, ', ')), ''
			ORDER BY u.copy)
	  INTO cases
	  FROM unnest(copies) AS u (copy)
	 CROSS JOIN LATERAL @extschema@.scorecard_fits(format('%I.%I', settings ->> 'home', u.copy), columns) AS f (fits)
	 WHERE cardinality(f.fits) > 0;
	RETURN CASE WHEN cases IS NULL THEN 'NULL' ELSE format('CASE q.%I ->> ''card''%s END', 'card_' || card, cases) END;
END
$$;
COMMENT ON FUNCTION @extschema@._card_fits(jsonb, text, text[], text) IS
	'internal: an expression for which conditions of a scorecard hold for a customer';

-- The columns that each card adds to customer_scores.
CREATE FUNCTION @extschema@._card_columns(settings jsonb)
	RETURNS TABLE (name text, type text, condition text, expression text, meaning text)
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	arguments	text;
	bands		text[] := '{}';		-- of the card of each sort: engagement, fit
	card		record;
BEGIN
	FOR card IN SELECT * FROM @extschema@._cards(settings) AS c ORDER BY c.n LOOP
		arguments := @extschema@._fill('(q.{program}, h.history, {streams}, {fits}, q.as_of)',
			'program', quote_ident('card_' || card.card),
			'streams', CASE WHEN @extschema@._has_streams(settings) THEN 'h.streams' ELSE 'NULL' END,
			'fits', @extschema@._card_fits(settings, card.card, card.copies));
		bands[1 + card.is_fit::int] := '@extschema@._card_band' || arguments;
		RETURN QUERY VALUES
			(card.card || '_score', 'float8', 'number', '@extschema@._card_score' || arguments,
				format('score by scorecard %s, 0 to 100; NULL: see %1$s_reason', card.card)),
			(card.card || '_band', 'text', 'string', '@extschema@._card_band' || arguments,
				format('band of the score by scorecard %s', card.card)),
			(card.card || '_reason', 'text', NULL, @extschema@._fill(
				'CASE WHEN @extschema@._card_score{arguments} IS NULL'
				' THEN CASE WHEN q.{program} IS NULL THEN ''not_in_version'''
				' ELSE COALESCE(q.{program} ->> ''lost'', ''no_event'') END END',
				'arguments', arguments, 'program', quote_ident('card_' || card.card)),
				format('why there is no score by scorecard %s: no_event (nothing that it reads is'
					' known of the customer), no_stream (the model has none of what it reads),'
					' stream_dropped, not_in_version (the version that is asked has no such card)', card.card));
	END LOOP;
	-- two axes, where there is one card of each sort
	IF (SELECT count(*) FILTER (WHERE c.is_fit) = 1 AND count(*) FILTER (WHERE NOT c.is_fit) = 1
		  FROM @extschema@._cards(settings) AS c) THEN
		RETURN QUERY SELECT 'fit_engagement', 'text', 'string',
			format('%s || @extschema@._band_rank(q.%I, %s)', bands[2], 'card_' || c.card, bands[1]),
			'band of the card about who somebody is, and the place of the band of the other one,'
			' 1 is the highest: A1 to C3'
			FROM @extschema@._cards(settings) AS c WHERE NOT c.is_fit;
	END IF;
END
$$;
COMMENT ON FUNCTION @extschema@._card_columns(jsonb) IS
	'internal: the columns of customer_scores that come from scorecards, in the order of the view';

-- The place of a band of a program, the highest is 1.
CREATE FUNCTION @extschema@._band_rank(program jsonb, band text)
	RETURNS bigint
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
	SELECT b.rank
	  FROM pg_catalog.jsonb_to_recordset(program OPERATOR(pg_catalog.->) 'bands') AS b (band text, rank bigint)
	 WHERE b.band OPERATOR(pg_catalog.=) _band_rank.band LIMIT 1;
END;
COMMENT ON FUNCTION @extschema@._band_rank(jsonb, text) IS 'internal: the place of a band among those of its scorecard';

-- What a card is compiled for: the streams of a model and their kinds.
CREATE FUNCTION @extschema@._card_keys(model name)
	RETURNS jsonb
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	keys	jsonb;
BEGIN
	IF to_regclass(format('%I.stream', model)) IS NULL THEN
		RETURN '{"streams": {}, "kinds": []}';
	END IF;
	EXECUTE @extschema@._fill($q$
		SELECT jsonb_build_object(
			'streams', (SELECT coalesce(jsonb_object_agg(t.stream, t.stream_no), '{}') FROM {model}.stream AS t),
			'kinds', (SELECT coalesce(jsonb_agg(jsonb_build_object('stream', t.stream, 'kind', k.kind, 'role', k.role,
			                   'key', k.stream_no * 1024 + k.kind_no) ORDER BY k.stream_no, k.kind_no), '[]')
			            FROM {model}.stream_kind AS k JOIN {model}.stream AS t ON t.stream_no = k.stream_no))$q$,
		'model', quote_ident(model)) INTO keys;
	RETURN keys;
END
$$;
COMMENT ON FUNCTION @extschema@._card_keys(name) IS
	'internal: the streams and kinds of a model, as scorecards are compiled for them';

-- A copy compiled. "lost" says why it can give nobody points: the model never had a
-- stream with such kinds, or has dropped it.
CREATE FUNCTION @extschema@._card_program(model name, copy text)
	RETURNS jsonb
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	keys	jsonb := @extschema@._card_keys(model);
	program	jsonb := @extschema@._scorecard_program(format('%I.%I', model, copy), keys);
	dropped	boolean;
BEGIN
	IF jsonb_path_exists(program, 'strict $.rules[*]'
		' ? (@.mode == "fit" || @.all == true || @.keys[*] >= 0 || @.streams[*] >= 0)') THEN
		RETURN program;
	END IF;
	EXECUTE format('SELECT coalesce(bool_or(NOT $2 -> ''streams'' ? r.stream), false)'
		' FROM %I.scorecard_rule AS r WHERE r.card = $1', model) INTO dropped USING copy, keys;
	dropped := dropped OR to_regclass(format('%I.stream', model)) IS NOT NULL AND keys -> 'streams' = '{}';
	RETURN program || jsonb_build_object('lost', CASE WHEN dropped THEN 'stream_dropped' ELSE 'no_stream' END);
END
$$;
COMMENT ON FUNCTION @extschema@._card_program(name, text) IS 'internal: the program of a model''s copy of a scorecard';

-- The cards that the next version of a model names, copied.
CREATE FUNCTION @extschema@._copy_cards(model name, settings jsonb)
	RETURNS jsonb
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	copied	jsonb := '{}';
	given	text;
	name	text;
	copy	text;
	version	int;
	program	jsonb;
BEGIN
	EXECUTE format('SELECT coalesce(max(c.version), 0) + 1 FROM %I.configuration AS c', model) INTO version;
	FOREACH given IN ARRAY @extschema@._model_names(settings, 'scorecards') LOOP
		IF given IS NULL THEN
			RAISE null_value_not_allowed USING MESSAGE = 'scorecards must not hold null';
		END IF;
		name := @extschema@._card_name(given);
		IF name !~ '^[a-z][a-z0-9_]{0,30}$' THEN
			RAISE invalid_name USING
				MESSAGE = format('scorecards: "%s" is no name for columns', left(name, 100)),
				DETAIL = 'Columns of customer_scores begin with it, like engagement_score.',
				HINT = 'Give the card a name of at most 31 lower-case letters, digits and _, a letter first.';
		ELSIF copied ? name THEN
			RAISE duplicate_object USING
				MESSAGE = format('scorecards: "%s" is named twice', name);
		END IF;
		copy := format('%s_v%s', name, version);
		PERFORM @extschema@.create_scorecard(format('%I.%I', model, copy), copy_of => given);
		program := @extschema@._card_program(model, copy);
		copied := copied || jsonb_build_object(name, jsonb_build_object('given', given, 'copy', copy,
			'program', program, 'is_fit', NOT jsonb_path_exists(program, 'strict $.rules[*] ? (@.mode <> "fit")')));
	END LOOP;
	RETURN copied;
END
$$;
COMMENT ON FUNCTION @extschema@._copy_cards(name, jsonb) IS
	'internal: copy the scorecards of a model into it';

-- The cards of all versions compiled again: there are other streams or kinds now.
CREATE FUNCTION @extschema@._compile_cards(model name)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	EXECUTE @extschema@._fill($q$
		UPDATE {model}.configuration AS c SET cards = n.cards
		  FROM (SELECT c.version, jsonb_object_agg(e.key, e.value
		                   || jsonb_build_object('program',
		                          @extschema@._card_program({name}, e.value ->> 'copy'))) AS cards
		          FROM {model}.configuration AS c CROSS JOIN LATERAL jsonb_each(c.cards) AS e
		         GROUP BY c.version) AS n
		 WHERE n.version = c.version AND n.cards <> c.cards$q$,
		'model', quote_ident(model), 'name', quote_literal(model));
END
$$;
COMMENT ON FUNCTION @extschema@._compile_cards(name) IS
	'internal: compile the scorecards of a model for the streams and kinds that it has now';

-- All columns of customer_scores that come from what customers do: those of
-- streams, then what they say together, then those of scorecards. They are computed at the level of facts.
-- The parts of a model ask for them dozens of times: settings with "behaviour_columns"
-- (_with_behaviour) have the answer.
CREATE FUNCTION @extschema@._behaviour_columns(settings jsonb)
	RETURNS TABLE (name text, type text, condition text, expression text, meaning text, n bigint)
	LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 20
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF settings ? 'behaviour_columns' THEN
		RETURN QUERY SELECT c.* FROM jsonb_to_recordset(settings -> 'behaviour_columns')
			AS c (name text, type text, condition text, expression text, meaning text, n bigint);
		RETURN;
	-- as most models are
	ELSIF NOT @extschema@._has_streams(settings) AND @extschema@._model_names(settings, 'scorecards') = '{}' THEN
		RETURN;
	END IF;
	RETURN QUERY
	SELECT c.name, c.type, c.condition, c.expression, c.meaning, c.n
	  FROM @extschema@._stream_columns(settings) WITH ORDINALITY AS c (name, type, condition, expression, meaning, n)
	UNION ALL
	SELECT c.name, c.type, c.condition, c.expression, c.meaning, 10000
	  FROM @extschema@._view_columns(settings) AS c
	UNION ALL
	SELECT c.name, c.type, c.condition, c.expression, c.meaning, c.n + 10000
	  FROM @extschema@._response_columns(settings) AS c
	UNION ALL
	SELECT c.name, c.type, c.condition, c.expression, c.meaning, c.n + 11000
	  FROM @extschema@._satisfaction_columns(settings)
		   WITH ORDINALITY AS c (name, type, condition, expression, meaning, n)
	UNION ALL
	SELECT c.name, c.type, c.condition, c.expression, c.meaning, c.n + 12000
	  FROM @extschema@._category_columns(settings) WITH ORDINALITY AS c (name, type, condition, expression, meaning, n)
	UNION ALL
	SELECT c.name, c.type, c.condition, c.expression, c.meaning, c.n + 20000
	  FROM @extschema@._card_columns(settings) WITH ORDINALITY AS c (name, type, condition, expression, meaning, n)
	 ORDER BY 6;
END
$$;
COMMENT ON FUNCTION @extschema@._behaviour_columns(jsonb) IS
	'internal: the columns of customer_scores that come from streams and scorecards, in the order of the view';

CREATE FUNCTION @extschema@._with_behaviour(settings jsonb)
	RETURNS jsonb
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT settings OPERATOR(pg_catalog.||) pg_catalog.jsonb_build_object('behaviour_columns',
		COALESCE(pg_catalog.jsonb_agg(c ORDER BY c.n), '[]'))
	  FROM @extschema@._behaviour_columns(settings OPERATOR(pg_catalog.-) 'behaviour_columns') AS c;
END;
COMMENT ON FUNCTION @extschema@._with_behaviour(jsonb) IS
	'internal: settings of a model with the columns that come from streams and scorecards';

-- A piece of SQL for each of these columns; in "pattern" %I is its name.
CREATE FUNCTION @extschema@._behaviour_list(settings jsonb, pattern text)
	RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	RETURN (SELECT coalesce(string_agg(format(pattern, c.name), '' ORDER BY c.n), '')
			  FROM @extschema@._behaviour_columns(settings) AS c);
END
$$;
COMMENT ON FUNCTION @extschema@._behaviour_list(jsonb, text) IS
	'internal: SQL text for each column that comes from streams and scorecards';

-- What account_scores says of the scores of contacts by each card. Sums of doubles are
-- exact, or the plan would show.
CREATE FUNCTION @extschema@._account_card_columns(settings jsonb)
	RETURNS TABLE (name text, aggregates text, expression text, meaning text)
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT c.card OPERATOR(pg_catalog.||) v.suffix,
		   pg_catalog.replace(v.aggregates, '{card}', c.card), pg_catalog.replace(v.expression, '{card}', c.card),
		   pg_catalog.format(v.meaning, c.card)
	  FROM @extschema@._cards(settings) AS c
	 CROSS JOIN (VALUES
		(1, '_score_sum', '@extschema@.exact_sum(s.{card}_score) AS {card}_sum', 'a.{card}_sum',
			'sum of the scores of the contacts by scorecard %s; NULL: none has one'),
		(2, '_score_max', 'max(s.{card}_score) AS {card}_max', 'a.{card}_max',
			'highest score of a contact by scorecard %s'),
		(3, '_score_mean', 'count(s.{card}_score) AS {card}_n', 'a.{card}_sum / NULLIF(a.{card}_n, 0)',
			'mean of the scores of the contacts by scorecard %s, of those who have one'),
		(4, '_band', 'array_agg(DISTINCT s.{card}_band) AS {card}_bands',
			'(SELECT b.band FROM jsonb_to_recordset(q.card_{card} -> ''bands'') AS b (band text, rank bigint)'
			' WHERE b.band = ANY (a.{card}_bands) ORDER BY b.rank LIMIT 1)',
			'best band of a contact by scorecard %s'))
		AS v (n, suffix, aggregates, expression, meaning)
	 ORDER BY c.n, v.n;
END;
COMMENT ON FUNCTION @extschema@._account_card_columns(jsonb) IS
	'internal: the columns of account_scores that come from scorecards, in the order of the view';

-- What the level of facts says of what customers do: their histories, and these columns.
CREATE FUNCTION @extschema@._behaviour_facts(settings jsonb)
	RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	RETURN (SELECT concat(CASE WHEN @extschema@._has_streams(settings) THEN ', h.streams' END,
				   string_agg(format(E',\n       %s AS %I', c.expression, c.name), '' ORDER BY c.n))
			  FROM @extschema@._behaviour_columns(settings) AS c);
END
$$;
COMMENT ON FUNCTION @extschema@._behaviour_facts(jsonb) IS
	'internal: what the level of facts says of streams and scorecards, as items of SELECT';

-- The programs of the cards of a configuration c, as columns of the question. A
-- configuration from before a card was named has none: where "may_fill", an expression,
-- is true, the card of now takes its place.
CREATE FUNCTION @extschema@._card_programs(settings jsonb, may_fill text DEFAULT NULL)
	RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	RETURN (SELECT coalesce(string_agg(format(CASE WHEN may_fill IS NULL THEN ', c.cards #> %1$L AS %2$I'
				ELSE ', COALESCE(c.cards #> %1$L, (SELECT n.cards #> %1$L FROM %3$I.configuration AS n'
					' WHERE n.valid_until IS NULL AND (%4$s))) AS %2$I' END,
				ARRAY[c.card, 'program'], 'card_' || c.card, settings ->> 'home', may_fill), '' ORDER BY c.n), '')
			  FROM @extschema@._cards(settings) AS c);
END
$$;
COMMENT ON FUNCTION @extschema@._card_programs(jsonb, text) IS
	'internal: the programs of a model''s scorecards as items of SELECT';

-- Why a customer s has the scores that they have by each card of a question q, and
-- what would reach the next band, as one document; in "language", an expression.
CREATE FUNCTION @extschema@._card_explanations(settings jsonb, language text)
	RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT pg_catalog.format('jsonb_build_array(%s)', pg_catalog.string_agg(@extschema@._fill($q$
	jsonb_build_object('card', {name}, 'score', @extschema@._card_score{arguments},
	    'reason', q.{program} -> 'lost',
	    'band', @extschema@._card_band{arguments},
	    'labels', (SELECT jsonb_object_agg(b.band, b.label
	                      ORDER BY b.language = {language}, b.language = 'en', b.language)
	                 FROM {home}.scorecard_band AS b WHERE b.card = q.{program} ->> 'card'),
	    'points', (SELECT jsonb_agg(to_jsonb(p)) FROM @extschema@._card_points({given}, {language}) AS p),
	    'next', (SELECT jsonb_agg(to_jsonb(p)) FROM @extschema@._card_next_band({given}, {language}) AS p))$q$,
			'name', pg_catalog.quote_literal(c.card),
			'program', pg_catalog.quote_ident('card_' OPERATOR(pg_catalog.||) c.card),
			'arguments', pg_catalog.format('(%s)', a.given), 'given', a.given, 'language', language,
			'home', pg_catalog.quote_ident(settings OPERATOR(pg_catalog.->>) 'home')),
			',' ORDER BY c.n))
	  FROM @extschema@._cards(settings) AS c
	 CROSS JOIN LATERAL (SELECT pg_catalog.format('q.%I, s.history, %s, %s, q.as_of',
			'card_' OPERATOR(pg_catalog.||) c.card,
			CASE WHEN @extschema@._has_streams(settings) THEN 's.streams' ELSE 'NULL' END,
			@extschema@._card_fits(settings, c.card, c.copies, 's')) AS given) AS a;
END;
COMMENT ON FUNCTION @extschema@._card_explanations(jsonb, text) IS
	'internal: an expression for why a customer has their scores by scorecards';

-- The parts of composite_score: each column of the setting composite, brought to the
-- scale from 0 to 100, with its weight. A column of another name is an error where it is
-- checked; else satisfaction_score of a stream that has been dropped is NULL.
CREATE FUNCTION @extschema@._composite_parts(settings jsonb, checked boolean DEFAULT true)
	RETURNS TABLE (name text, expression text, weight float8)
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	part	record;
	known	jsonb;
BEGIN
	IF settings -> 'composite' IS NULL OR settings -> 'composite' = 'null' THEN
		RETURN;
	END IF;
	known := jsonb_build_object('rfm_score',
			format('(c.rfm_score - 1) / %s * 100', greatest((settings ->> 'bins')::int - 1, 1)))
		|| (SELECT coalesce(jsonb_object_agg(c.card || '_score', format('s.%I', c.card || '_score')), '{}')
		FROM @extschema@._cards(settings) AS c);
	IF settings ->> 'prediction' IS NOT NULL THEN
		known := known || '{"propensity_90d": "s.propensity_90d * 100",'
			' "active_90d_probability": "s.active_90d_probability * 100",'
			' "churn_probability": "s.churn_probability * 100"}';
	END IF;
	IF 'satisfaction_score' = ANY (@extschema@._model_attributes(settings)
		|| ARRAY(SELECT s.name FROM @extschema@._satisfaction_columns(settings) AS s)) THEN
		known := known || '{"satisfaction_score": "s.satisfaction_score * 10"}';
	ELSIF NOT checked THEN
		known := known || '{"satisfaction_score": "NULL::float8"}';
	END IF;
	IF jsonb_typeof(settings -> 'composite') <> 'object' OR settings -> 'composite' = '{}' THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('composite "%s" is no object of columns and their weights',
				left(settings ->> 'composite', 100)),
			HINT = 'composite => ''{"rfm_score": 5, "engagement_score": 3}''';
	END IF;
	FOR part IN SELECT * FROM jsonb_each(settings -> 'composite') AS p (name, weight) ORDER BY p.name LOOP
		IF NOT known ? part.name THEN
			RAISE undefined_column USING
				MESSAGE = format('composite: "%s" is no score of the model', left(part.name, 100)),
				HINT = format('Its scores are %s.',
					(SELECT string_agg(k, ', ' ORDER BY k) FROM jsonb_object_keys(known) AS k));
		END IF;
		IF jsonb_typeof(part.weight) <> 'number'
			OR (part.weight #>> '{}')::numeric NOT BETWEEN 0.000001 AND 1000000 THEN
			RAISE invalid_parameter_value USING
				MESSAGE = format('composite: weight %s of %s is not between 0.000001 and 1000000',
					left(part.weight::text, 100), part.name);
		END IF;
		name := part.name;
		expression := known ->> part.name;
		weight := part.weight;
		RETURN NEXT;
	END LOOP;
END
$$;
COMMENT ON FUNCTION @extschema@._composite_parts(jsonb, boolean) IS
	'internal: the scores that composite_score is made from, on one scale, and their weights';

-- The composite score of a customer s, with scores c, as items of SELECT.
CREATE FUNCTION @extschema@._composite(settings jsonb)
	RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	RETURN (SELECT CASE WHEN count(*) > 0 THEN
				   format(E',\n       @extschema@.weighted_score(ARRAY[%s]::float8[], %L) AS composite_score,'
					' NULLIF(concat_ws('', '', %s), '''') AS composite_missing',
					string_agg(p.expression, ', ' ORDER BY p.name),
					array_agg(p.weight ORDER BY p.name),
					string_agg(format('CASE WHEN %s IS NULL THEN %L END', p.expression, p.name), ', ' ORDER BY p.name))
				   ELSE '' END
			  FROM @extschema@._composite_parts(settings, checked => false) AS p);
END
$$;
COMMENT ON FUNCTION @extschema@._composite(jsonb) IS
	'internal: composite_score and what it lacks, as items of SELECT';

-- What is worth knowing about the cards of a model: rules that read what no stream
-- has, and what check_scorecard finds.
CREATE FUNCTION @extschema@._card_notes(model name, settings jsonb)
	RETURNS SETOF text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	keys	jsonb := @extschema@._card_keys(model);
	card	record;
BEGIN
	FOR card IN SELECT c.card, settings #> ARRAY['cards', c.card] AS held
				  FROM @extschema@._cards(settings) AS c ORDER BY c.n LOOP
		RETURN QUERY SELECT concat('scorecard ', card.card,
				CASE WHEN p."position" IS NOT NULL THEN ', rule ' END, p."position",
				CASE WHEN p.band IS NOT NULL THEN ', band ' END, p.band, ': ', p.problem)
			FROM @extschema@._check_scorecard(format('%I.%I', model, card.held ->> 'copy'), keys) AS p;
		RETURN QUERY SELECT format('scorecard %s: the model has no stream of what it reads; add_stream adds one',
				card.card)
			WHERE card.held #>> '{program,lost}' IS NOT NULL;
		RETURN QUERY SELECT format(
				'scorecard %s: no stream has a kind for %s; roles say what kinds mean, see streams()', card.card,
				string_agg(coalesce(r.rule #>> '{labels,en}', r.rule ->> 'position'), ', ' ORDER BY r.n))
			FROM jsonb_array_elements(card.held #> '{program,rules}') WITH ORDINALITY AS r (rule, n)
			WHERE card.held #>> '{program,lost}' IS NULL
			  AND r.rule ->> 'mode' <> 'fit' AND coalesce(r.rule -> 'keys', '[]') = '[]'
			  AND NOT r.rule ?| '{all,streams}'
			HAVING count(*) > 0;
	END LOOP;
END
$$;
COMMENT ON FUNCTION @extschema@._card_notes(name, jsonb) IS
	'internal: what is worth knowing about the scorecards of a model, in sentences';
