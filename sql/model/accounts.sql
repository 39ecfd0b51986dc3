--
-- Layer 4: accounts. Where customers are contacts of companies, households or clubs,
-- the setting account says which. An account has ordered what its contacts have
-- ordered, so its history is the sum of theirs, scored by the thresholds of the model.
--

-- The query of account_scores: "scores" and "question" are items of FROM.
CREATE FUNCTION @extschema@._account_scores(settings jsonb, scores text, question text)
	RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	aggregates	text;
	cards		text;
BEGIN
	SELECT coalesce(string_agg(E',\n               ' || c.aggregates, '' ORDER BY c.n), ''),
		   coalesce(string_agg(format(E',\n       %s AS %I', c.expression, c.name), '' ORDER BY c.n), '')
	  INTO aggregates, cards
	  FROM @extschema@._account_card_columns(settings)
		WITH ORDINALITY AS c (name, aggregates, expression, meaning, n);
	RETURN @extschema@._fill($q$
SELECT a.account, q.as_of, a.contacts, a.active_contacts_90d,
       f.last_order_on, f.recency_days, f.frequency,
       f.monetary::{money} AS monetary, f.mean_value::{money} AS mean_value,
       r.r_score, r.f_score, r.m_score, @extschema@.rfm_code(r.r_score, r.f_score, r.m_score) AS rfm_code,
       @extschema@._rfm_score(r.r_score, r.f_score, r.m_score, q.weights) AS rfm_score,
       CASE WHEN a.history IS NULL THEN 'too_large'
            WHEN f.recency_days IS NULL THEN @extschema@.no_order_reason(a.history, q.as_of)
            WHEN r.r_score IS NULL OR r.f_score IS NULL OR r.m_score IS NULL THEN 'too_few_customers'
            WHEN f.frequency = 0 THEN 'no_order_in_window' END AS score_reason{cards},
       {tenant} AS tenant
  FROM (SELECT s.tenant, s.of_account AS account, count(*) AS contacts,
               count(*) FILTER (WHERE LEAST({recencies}) < 90) AS active_contacts_90d,
               @extschema@.try_sum(s.history) AS history{aggregates}
          FROM {scores} AS s WHERE s.of_account IS NOT NULL
         GROUP BY s.tenant, s.of_account) AS a
  JOIN {question} AS q ON q.tenant = a.tenant
 CROSS JOIN LATERAL @extschema@.rfm_facts(a.history, q.as_of, q.window_days, q.use_active_days, q.use_mean) AS f
 CROSS JOIN LATERAL @extschema@.rfm_scores(f.recency_days, f.frequency, f.scored_value,
       q.recency_thresholds, q.frequency_thresholds, q.monetary_thresholds) AS r$q$,
		'scores', scores, 'question', question, 'money', @extschema@._model_money(settings),
		'aggregates', aggregates, 'cards', cards,
		'tenant', @extschema@._model_tenant(settings, 'a'),
		'recencies', concat_ws(', ', 's.recency_days',
			(SELECT string_agg(format('s.%I', s.stream || '_recency_days'), ', ' ORDER BY s.stream_no)
			   FROM @extschema@._streams(settings) AS s)));
END
$$;
COMMENT ON FUNCTION @extschema@._account_scores(jsonb, text, text) IS
	'internal: the query for facts and scores of each account';

-- A model that has once had accounts keeps the view; without the setting it is empty.
CREATE FUNCTION @extschema@._account_views(model name, settings jsonb)
	RETURNS SETOF @extschema@._part
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	home	text := quote_ident(model);
BEGIN
	IF settings ->> 'account' IS NULL AND to_regclass(home || '.account_scores') IS NULL THEN
		RETURN;
	END IF;
	RETURN NEXT @extschema@._model_view('account_scores',
		@extschema@._account_scores(settings, home || '._scores', home || '._question'),
		'one row per account: what its contacts have ordered together, scored as a customer is, and their scores by '
		'scorecards');
	RETURN NEXT @extschema@._model_function('account_scores_at', '{as_of date,version int DEFAULT NULL}',
		format('SETOF %s.account_scores', home),
		@extschema@._tell_unknown(model, settings, @extschema@._account_scores(settings,
			format('(SELECT s.* FROM %s._scores_at($1, $2, false, $3) AS s WHERE $1 IS NOT NULL)', home),
			home || '._question_at($1, $2, false, 0, $3)'), '$1'),
		'account_scores as of any day, by the thresholds in force that day, or those of the version that you name',
		'account_scores');
END
$$;
COMMENT ON FUNCTION @extschema@._account_views(name, jsonb) IS
	'internal: the view and the function of a model about accounts';

-- How many accounts there are, in a line.
CREATE FUNCTION @extschema@._account_lines(model name, settings jsonb)
	RETURNS TABLE (item text, detail text)
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	n	record;
BEGIN
	IF settings ->> 'account' IS NULL THEN
		RETURN;
	END IF;
	EXECUTE format('SELECT count(DISTINCT (s.tenant, s.of_account)) FILTER (WHERE s.of_account IS NOT NULL)'
		' AS accounts, count(s.of_account) AS contacts, count(*) - count(s.of_account) AS others'
		' FROM %I._scores AS s', model)
		INTO n;
	item := 'accounts';
	detail := format('%s of %s contacts', n.accounts, n.contacts)
		|| CASE WHEN n.others > 0 THEN format('; %s of none', n.others) ELSE '' END;
	RETURN NEXT;
END
$$;
COMMENT ON FUNCTION @extschema@._account_lines(name, jsonb) IS 'internal: how many accounts a model has, in words';
