--
-- Layer 4: numbers, days, rules and thresholds in words, English and French.
--

-- With how many decimals an amount and the thresholds beside it are on the sides
-- of one another that they really are on: a mean of 20.0033 is more than 20.00,
-- as 20.003 is more than 20.000. At least as many as the model has.
CREATE FUNCTION @extschema@._explain_decimals(value numeric, thresholds float8[], decimals int)
	RETURNS int
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	SET extra_float_digits = 1		-- thresholds with all their digits: the cast to numeric takes 15
	AS $$
DECLARE
	x		float8 := value;
	beaten	numeric;
	next	numeric;
BEGIN
	SELECT (max(t) FILTER (WHERE t < x))::text, (min(t) FILTER (WHERE t >= x))::text INTO beaten, next
		FROM unnest(thresholds) AS t;
	FOR d IN decimals .. decimals + 400 LOOP
		IF (beaten IS NULL OR round(value, d) > @extschema@._explain_floor(beaten, d))
			AND (next IS NULL OR round(value, d) <= @extschema@._explain_floor(next, d)) THEN
			RETURN d;
		END IF;
		-- no double has more digits
		EXIT WHEN d >= decimals + 17 AND abs(x) >= 1;
	END LOOP;
	RETURN decimals;
END
$$;
COMMENT ON FUNCTION @extschema@._explain_decimals(numeric, float8[], int) IS
	'internal: with how many decimals a value stands to its thresholds as it really does';

-- Explanations are written in English or French: fr for fr-CA, else English.
CREATE FUNCTION @extschema@._explain_language(language text)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN pg_catalog.lower(pg_catalog."left"(language, 3)) OPERATOR(pg_catalog.~) '^fr([^a-z]|$)'
		THEN 'fr' ELSE 'en' END;
END;
COMMENT ON FUNCTION @extschema@._explain_language(text) IS 'internal: the language in which explanations are written';

CREATE TABLE @extschema@._text (
	key			text COLLATE "C",
	language	text COLLATE "C",
	text		text NOT NULL,
	PRIMARY KEY (key, language)
);
COMMENT ON TABLE @extschema@._text IS 'internal: what explanations are made of';
COMMENT ON COLUMN @extschema@._text.key IS 'what is said';
COMMENT ON COLUMN @extschema@._text.language IS 'en or fr';
COMMENT ON COLUMN @extschema@._text.text IS 'how it is said: a pattern of format()';
GRANT SELECT ON @extschema@._text TO PUBLIC;

-- Each text in both languages. sql/check_texts.pl finds those that nobody uses, and
-- uses of those that are not here.
INSERT INTO @extschema@._text
SELECT t.key, l.language, l.text FROM (VALUES
	('R', 'R %s of %s', 'R %s sur %s'),
	('F', 'F %s of %s', 'F %s sur %s'),
	('M', 'M %s of %s', 'M %s sur %s'),
	('basket', 'basket %s of %s', 'panier %s sur %s'),
	('RFM', 'RFM %s', 'RFM %s'),
	('unknown', 'no score', 'pas de score'),
	('no_order', 'no order yet: without one there are no scores', 'pas encore de commande, donc pas de score'),
	('all_refunded', 'no order is left: what was paid has been refunded',
		'plus aucune commande : ce qui avait été payé a été remboursé'),
	('no_order_in_window', 'no order in the last %s days: F and M are lowest',
		'aucune commande ces %s derniers jours : F et M au plus bas'),
	('too_few_customers', 'thresholds are missing: there were too few customers to take them from',
		'les seuils manquent : trop peu de clients pour les établir'),
	('recency 1', 'last order %s day ago', 'dernière commande il y a %s jour'),
	('recency', 'last order %s days ago', 'dernière commande il y a %s jours'),
	('recency beats', ' (R %s: fewer than %s)', ' (R %s : moins de %s)'),
	('recency next', '; R %s needs fewer than %s', ' ; R %s demande moins de %s'),
	('recency top', '; the highest step is below %s', ' ; le dernier palier est sous %s'),
	('propensity', 'an order within 90 days: %s', 'une commande sous 90 jours : %s'),
	('propensity for', '%s: speaks for an order; on average %s', '%s : parle pour une commande ; en moyenne %s'),
	('propensity against', '%s: speaks against an order; on average %s',
		'%s : parle contre une commande ; en moyenne %s'),
	('propensity nothing', '%s: says nothing; on average %s', '%s : ne dit rien ; en moyenne %s'),
	('propensity base', 'somebody who is average in everything: %s', 'quelqu''un de moyen en tout : %s'),
	('propensity total', '%s in all', '%s en tout'),
	('propensity tenure', 'days since the first order: %s', 'jours depuis la première commande : %s'),
	('propensity silence', 'silence, in usual gaps: %s', 'silence, en intervalles habituels : %s'),
	('propensity orders', 'orders in the last %2$s days: %1$s', 'commandes des %2$s derniers jours : %1$s'),
	('propensity days', 'days with orders: %s', 'jours avec commande : %s'),
	('propensity last', 'days since the last order: %s', 'jours depuis la dernière commande : %s'),
	('propensity seen', '%s: days since the last event: %s', '%s : jours depuis le dernier événement : %s'),
	('propensity never', '%s: no event in two years', '%s : aucun événement depuis deux ans'),
	('propensity events', '%1$s: events in the last %3$s days: %2$s',
		'%1$s : événements des %3$s derniers jours : %2$s'),
	('propensity points', '%s: events that halve in 30 days: %s',
		'%s : événements qui comptent moitié au bout de 30 jours : %s'),
	('orders 1', '%s order', '%s commande'),
	('orders', '%s orders', '%s commandes'),
	('active_days 1', '%s day with orders', '%s jour avec commande'),
	('active_days', '%s days with orders', '%s jours avec commande'),
	('in window', ' in the last %s days', ' ces %s derniers jours'),
	('frequency beats', ' (F %s begins at %s)', ' (F %s commence à %s)'),
	('frequency next', '; F %s needs %s', ' ; F %s en demande %s'),
	('frequency top', '; the highest step begins at %s', ' ; le dernier palier commence à %s'),
	('mean', '%s an order', '%s par commande'),
	('money beats', ' (%s %s: more than %s)', ' (%s %s : plus de %s)'),
	('money next', '; %s %s needs more than %s', ' ; %s %s demande plus de %s'),
	('money top', '; the highest step begins above %s', ' ; le dernier palier commence au-dessus de %s'),
	('the basket', 'basket', 'panier'),
	('rule', 'rule: %s -> %s', 'règle : %s -> %s'),
	('rule without order', 'no order; rule: %s -> %s', 'pas de commande ; règle : %s -> %s'),
	('overridden', 'set by %s: %s', 'décidé par %s : %s'),
	('overridden until', 'set by %1$s until %3$s: %2$s', 'décidé par %1$s jusqu''au %3$s : %2$s'),
	('by the rules', 'by the rules alone: %s', 'selon les seules règles : %s'),
	('no rule', 'no rule of the map applies', 'aucune règle ne s''applique'),
	('no order', 'no order', 'pas de commande'),
	('anything', 'in any case', 'dans tous les cas'),
	('and', ' and ', ' et '),
	('or', ' or ', ' ou '),
	('not', 'not (%s)', 'pas (%s)'),
	('=', '%s is %s', '%s vaut %s'),
	('<>', '%s is not %s', '%s ne vaut pas %s'),
	('<', '%s is less than %s', '%s est en dessous de %s'),
	('<=', '%s is at most %s', '%s vaut au plus %s'),
	('>', '%s is more than %s', '%s dépasse %s'),
	('>=', '%s is at least %s', '%s vaut au moins %s'),
	('between', '%s is between %s and %s', '%s se situe entre %s et %s'),
	('in', '%s is one of %s', '%s est parmi %s'),
	('here', ' (here %s)', ' (ici %s)'),
	('true', 'true', 'vrai'),
	('false', 'false', 'faux'),
	('column tenure_days', 'days since the first order', 'jours depuis la première commande'),
	('column recency_days', 'days since the last order', 'jours depuis la dernière commande'),
	('column last_order_on', 'day of the last order', 'jour de la dernière commande'),
	('column frequency', 'number of orders', 'nombre de commandes'),
	('column monetary', 'total of the orders', 'total des commandes'),
	('column mean_value', 'value of an order', 'valeur d''une commande'),
	('column score_reason', 'reason', 'motif'),
	('column silence_ratio', 'silence, in usual gaps between orders,',
		'silence, en intervalles habituels entre commandes,'),
	('column r_score', 'R', 'R'),
	('column f_score', 'F', 'F'),
	('column m_score', 'M', 'M'),
	('column fm_score', '(F + M) / 2', '(F + M) / 2'),
	('column basket_score', 'basket score', 'score du panier'),
	('column rfm_code', 'RFM code', 'code RFM'),
	('column rfm_score', 'RFM score', 'score RFM'),
	('column rfm_score_change', 'change of the RFM score', 'évolution du score RFM'),
	('column engagement_score', 'engagement score', 'score d''engagement'),
	('column satisfaction_score', 'satisfaction score', 'score de satisfaction'),
	('column cluster', 'number of the cluster', 'numéro du groupe'),
	('column preferred_category', 'preferred category', 'catégorie préférée'),
	('column product_views_30d', 'product pages seen in 30 days', 'pages produit vues en 30 jours'),
	('column churn_probability', 'probability of having left', 'probabilité d''être parti'),
	('column propensity_90d', 'probability of an order within 90 days', 'probabilité d''une commande sous 90 jours'),
	('column expected_orders_90d', 'orders expected within 90 days', 'commandes attendues sous 90 jours'),
	('column active_90d_probability', 'probability of an order within 90 days, by the orders so far',
		'probabilité d''une commande sous 90 jours, d''après les commandes passées'),
	('column clv_score', 'score of the value expected within 12 months', 'score de la valeur attendue sous 12 mois'),
	('column next_order_expected_on', 'day of the next order to expect', 'jour attendu de la prochaine commande'),
	('column clv_12m', 'value expected within 12 months', 'valeur attendue sous 12 mois'),
	('percent', '%s %%', '%s %%'),
	('card score', '%s of 100', '%s sur 100'),
	('card score band', '%s of 100: %s', '%s sur 100 : %s'),
	('card no_event', 'no score: nothing that the scorecard reads is known of the customer',
		'pas de score : rien de ce que lit la grille n''est connu du client'),
	('card no_stream', 'no score: the model has no stream of what the scorecard reads',
		'pas de score : le modèle n''a aucun flux de ce que lit la grille'),
	('card stream_dropped', 'no score: the stream that the scorecard reads has been dropped',
		'pas de score : le flux que lit la grille a été supprimé'),
	('card event', ', %s time, on %s', ', %s fois, le %s'),
	('card events', ', %s times, last on %s', ', %s fois, la dernière le %s'),
	('card decayed', '; %s points before age took its part', ' ; %s points avant l''effet de l''âge'),
	('card capped', '; held by the bound of the rule', ' ; limité par la borne de la règle'),
	('card group bound', 'bound of the group %s', 'borne du groupe %s'),
	('card bound', 'bound of the scorecard', 'borne de la grille'),
	('card next', '%s with %s event more: %s', '%s avec %s événement de plus : %s'),
	('card next several', '%s with %s events more: %s', '%s avec %s événements de plus : %s'),
	('card next together', '%s with all of this together: %s', '%s avec tout cela ensemble : %s'),
	('card next none', '%s needs %s points more; no events of one day reach that',
		'%s demande %s points de plus ; aucun événement d''un jour n''y mène'),
	('satisfaction', '%s of 10', '%s sur 10'),
	('satisfaction answer', '%s answer: %s of 10, on %s; drawn towards the mean of all, %s',
		'%s réponse : %s sur 10, le %s ; rapproché de la moyenne de tous, %s'),
	('satisfaction answers',
		'%s answers: %s of 10 on average, the last on %s; drawn towards the mean of all, %s',
		'%s réponses : %s sur 10 en moyenne, la dernière le %s ; rapproché de la moyenne de tous, %s'),
	('cluster', 'cluster %s: %s', 'groupe %s : %s'),
	('cluster distance', '%s from its center, in standard deviations; the next is cluster %s (%s), %s away',
		'à %s de son centre, en écarts types ; le suivant est le groupe %s (%s), à %s'),
	('left', 'has left with a probability of %s', 'parti avec une probabilité de %s'),
	('left bought once', ': bought on one day only', ' : n''a acheté qu''un seul jour'),
	('left silent', ': silent %s times longer than usual', ' : silencieux %s fois plus longtemps que d''habitude'),
	('left usual', ': within the usual rhythm', ' : dans son rythme habituel'),
	('expected orders 1', 'expected: %s days with orders within 90 days',
		'attendu : %s jour de commande sous 90 jours'),
	('expected orders', 'expected: %s days with orders within 90 days',
		'attendus : %s jours de commande sous 90 jours'),
	('expected active', ' (an order at all: %s)', ' (une commande au moins : %s)'),
	('expected value', ', a value of %s within 12 months', ', une valeur de %s sous 12 mois'),
	('expected next', '; the next order by %s', ' ; la prochaine commande d''ici au %s'),
	('not expected', 'nothing is predicted: %s', 'aucune prédiction : %s'),
	('orders 1 any', 'one order of any amount', 'une commande de n''importe quel montant'),
	('orders 2 any', 'two orders of any amount', 'deux commandes de n''importe quel montant'),
	('orders 3 any', 'three orders of any amount', 'trois commandes de n''importe quel montant'),
	('orders 1 least', 'one order of at least %s', 'une commande d''au moins %s'),
	('orders 2 least', 'two orders of at least %s each', 'deux commandes d''au moins %s chacune'),
	('orders 3 least', 'three orders of at least %s each', 'trois commandes d''au moins %s chacune'),
	('orders 1 most', 'one order of at most %s', 'une commande de %s au plus'),
	('orders 2 most', 'two orders of at most %s each', 'deux commandes de %s au plus chacune'),
	('orders 3 most', 'three orders of at most %s each', 'trois commandes de %s au plus chacune'),
	('orders 1 range', 'one order of %s to %s', 'une commande de %s à %s'),
	('orders 2 range', 'two orders of %s to %s each', 'deux commandes de %s à %s chacune'),
	('orders 3 range', 'three orders of %s to %s each', 'trois commandes de %s à %s chacune'),
	('orders 1 exact', 'one order of %s', 'une commande de %s'),
	('orders 2 exact', 'two orders of %s each', 'deux commandes de %s chacune'),
	('orders 3 exact', 'three orders of %s each', 'trois commandes de %s chacune'),
	('today', 'today', 'aujourd''hui'),
	('on', 'on %s', 'le %s'),
	('step', '%s %s -> %s', '%s %s -> %s'),
	('step or later', '%s %s or later -> %s', '%s %s ou plus tard -> %s'),
	('step only', '%s %s, not later -> %s', '%s %s, pas plus tard -> %s'),
	('step by', '%s by %s -> %s', '%s jusqu''au %s -> %s'),
	('no step', 'no small step leads to a better segment: up to three orders on one day were tried',
		'aucun petit pas ne mène à un meilleur segment : jusqu''à trois commandes le même jour ont été essayées'),
	('best', 'no segment is better', 'aucun segment n''est meilleur'),
	('you ordered 1', 'You ordered once%s.', 'Vous avez commandé une fois%s.'),
	('you ordered', 'You ordered %s times%s.', 'Vous avez commandé %s fois%s.'),
	('you ordered days 1', 'You ordered on one day%s.', 'Vous avez commandé un seul jour%s.'),
	('you ordered days', 'You ordered on %s days%s.', 'Vous avez commandé %s jours différents%s.'),
	('you ordered 0', 'You did not order%s.', 'Vous n''avez rien commandé%s.'),
	('you were refunded', 'We hold no order of yours: what you paid has been refunded.',
		'Nous n''avons plus aucune commande de votre part : ce que vous aviez payé a été remboursé.'),
	('you never ordered', 'You have not ordered from us yet.', 'Vous n''avez pas encore commandé chez nous.'),
	('in the last months', ' in the last %s months', ' au cours des %s derniers mois'),
	('in the last days', ' in the last %s days', ' au cours des %s derniers jours'),
	('until', ' until %s', ' jusqu''au %s'),
	('your first order', 'Your first order was on %s.', 'Votre première commande date du %s.'),
	('your last order', 'Your last order was on %s.', 'Votre dernière commande date du %s.'),
	('your total', 'Your orders%s add up to %s, refunds taken off.',
		'Vos commandes%s totalisent %s, remboursements déduits.'),
	('your mean', 'An order of yours%s has a value of %s on average.',
		'La valeur moyenne de vos commandes%s est de %s.'),
	('we use', 'To choose what we offer you we use the days and the amounts of your orders%s, as known on %s.',
		'Pour choisir ce que nous vous proposons, nous utilisons les dates et les montants de vos commandes%s,'
		' tels que connus le %s.'),
	('we use record', ' and, from your customer record: %s', ' et, dans votre fiche client : %s'),
	('we predict', 'From the same data we estimate whether you will order again.',
		'À partir des mêmes données, nous estimons si vous commanderez de nouveau.'),
	('we group', 'From the same data we put customers who are alike into groups.',
		'À partir des mêmes données, nous regroupons les clients qui se ressemblent.'),
	('by hand', 'One of our staff has looked at this and decided by hand.',
		'Un membre de notre équipe a examiné la situation et décidé lui-même.'),
	('months', 'January,February,March,April,May,June,July,August,September,October,November,December',
		'janvier,février,mars,avril,mai,juin,juillet,août,septembre,octobre,novembre,décembre'),
	('purpose', 'What for: %s.', 'Finalité : %s.'),
	('legal basis', 'Legal basis: %s.', 'Base légale : %s.'),
	('may object',
		'You may object to this use of your data at any time, have mistakes corrected,'
		' and ask for a person to look at it.',
		'Vous pouvez à tout moment vous opposer à cette utilisation de vos données,'
		' faire corriger des erreurs et demander qu''une personne examine la situation.')
) AS t (key, en, fr)
 CROSS JOIN LATERAL (VALUES ('en', t.en), ('fr', @extschema@._french_spaces(t.fr))) AS l (language, text);

-- In plpgsql, which keeps the plan: an explanation asks for dozens of texts.
CREATE FUNCTION @extschema@._explain_text(key text, language text, VARIADIC arguments text[] DEFAULT '{}')
	RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	words	text;
BEGIN
	SELECT t.text INTO words FROM @extschema@._text AS t
	 WHERE t.key = _explain_text.key AND t.language = _explain_text.language;
	RETURN format(words, VARIADIC arguments);
END
$$;
COMMENT ON FUNCTION @extschema@._explain_text(text, text, text[]) IS
	'internal: a text in a language, with what stands in it';

-- 2,849.64 or, with a no-break space, 2 849,64
CREATE FUNCTION @extschema@._explain_number(x numeric, decimals int, language text)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE language
			WHEN 'fr' THEN pg_catalog.replace(pg_catalog.replace(t.t, ',', @extschema@._no_break_space()), '.', ',')
			ELSE t.t END
	  FROM (SELECT pg_catalog.to_char(x, 'FM999,999,999,999,999,999,999,999,990' OPERATOR(pg_catalog.||)
				CASE WHEN decimals OPERATOR(pg_catalog.>) 0
					THEN '.' OPERATOR(pg_catalog.||) pg_catalog.repeat('0', decimals) ELSE '' END)) AS t (t);
END;
COMMENT ON FUNCTION @extschema@._explain_number(numeric, int, text) IS
	'internal: a number as it is written in a language';

-- 2025-12-31 under any DateStyle, for any day
CREATE FUNCTION @extschema@._explain_iso(day date)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT pg_catalog.to_jsonb(day) OPERATOR(pg_catalog.#>>) '{}';
END;
COMMENT ON FUNCTION @extschema@._explain_iso(date) IS 'internal: a day as ISO text';

-- 18 November 1997 or 18 novembre 1997
CREATE FUNCTION @extschema@._explain_day(day date, language text)
	RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT pg_catalog.concat(d.d,
		CASE WHEN language OPERATOR(pg_catalog.=) 'fr' AND d.d OPERATOR(pg_catalog.=) 1 THEN 'er' END, ' ',
		pg_catalog.split_part(@extschema@._explain_text('months', language), ',', d.m), ' ', d.y)
	  FROM (SELECT EXTRACT(day FROM day)::pg_catalog.int4, EXTRACT(month FROM day)::pg_catalog.int4,
				EXTRACT(year FROM day)::pg_catalog.int4) AS d (d, m, y);
END;
COMMENT ON FUNCTION @extschema@._explain_day(date, text) IS 'internal: a day as it is written in a language';

-- A number cut after so many decimals, downwards.
CREATE FUNCTION @extschema@._explain_floor(x numeric, decimals int)
	RETURNS numeric
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT pg_catalog.round(pg_catalog.trunc(x, decimals) OPERATOR(pg_catalog.-)
		CASE WHEN x OPERATOR(pg_catalog.<) pg_catalog.trunc(x, decimals)
		THEN pg_catalog.power(10::pg_catalog."numeric", (- decimals)::pg_catalog."numeric") ELSE 0 END, decimals);
END;
COMMENT ON FUNCTION @extschema@._explain_floor(numeric, int) IS
	'internal: a number cut after so many decimals, downwards';

-- A condition of a rule in words, with the customer's own values.
CREATE FUNCTION @extschema@._explain_condition(condition jsonb, customer jsonb, language text)
	RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	word	text;
	name	text;
	op		text := coalesce(condition ->> 'op', '=');
	given	text[];
	here	text;
BEGIN
	FOREACH word IN ARRAY '{and,or}'::text[] LOOP
		IF condition ? word THEN
			RETURN (SELECT string_agg(CASE WHEN c ?| '{and,or}' THEN '(' || p || ')' ELSE p END,
				@extschema@._explain_text(word, language) ORDER BY n)
				FROM jsonb_array_elements(condition -> word) WITH ORDINALITY AS u (c, n),
					 @extschema@._explain_condition(c, customer, language) AS p);
		END IF;
	END LOOP;
	IF condition ? 'not' THEN
		RETURN @extschema@._explain_text('not', language,
			@extschema@._explain_condition(condition -> 'not', customer, language));
	END IF;
	name := regexp_replace(condition ->> 'column', '^attributes\.', '');
	SELECT array_agg(CASE jsonb_typeof(v) WHEN 'boolean' THEN @extschema@._explain_text(v #>> '{}', language)
			WHEN 'number' THEN CASE language WHEN 'fr' THEN replace(v #>> '{}', '.', ',') ELSE v #>> '{}' END
			ELSE v #>> '{}' END ORDER BY n) INTO given
	  FROM jsonb_array_elements(CASE jsonb_typeof(condition -> 'value') WHEN 'array' THEN condition -> 'value'
			ELSE jsonb_build_array(condition -> 'value') END) WITH ORDINALITY AS u (v, n);
	here := customer ->> name;
	IF name = 'fm_score' THEN
		here := (((customer ->> 'f_score')::int + (customer ->> 'm_score')::int) / 2.0)::text;
	END IF;
	IF jsonb_typeof(customer -> name) = 'number' OR name = 'fm_score' THEN
		-- with as many decimals as it takes to be on its side of every number given
		SELECT trim_scale(round(here::numeric, d))::text INTO here
		  FROM generate_series(2, greatest(2, scale(here::numeric))) AS d
		 WHERE NOT EXISTS (SELECT 1
							 FROM jsonb_path_query(condition -> 'value', 'lax $[*] ? (@.type() == "number")') AS v
							WHERE sign(round(here::numeric, d) - (v #>> '{}')::numeric)
									  <> sign(here::numeric - (v #>> '{}')::numeric))
		 ORDER BY d LIMIT 1;
		here := CASE language WHEN 'fr' THEN replace(here, '.', ',') ELSE here END;
	ELSIF jsonb_typeof(customer -> name) = 'boolean' THEN
		here := @extschema@._explain_text(here, language);
	END IF;
	RETURN CASE WHEN op = 'in'
			THEN @extschema@._explain_text(op, language,
				coalesce(@extschema@._explain_text('column ' || name, language), name), array_to_string(given, ', '))
			ELSE @extschema@._explain_text(op, language,
				VARIADIC coalesce(@extschema@._explain_text('column ' || name, language), name) || given) END
		|| CASE WHEN here IS NULL OR cardinality(given) = 1 AND here = given[1] THEN ''
			ELSE @extschema@._explain_text('here', language, here) END;
END
$$;
COMMENT ON FUNCTION @extschema@._explain_condition(jsonb, jsonb, text) IS
	'internal: a condition of a segment map in words';

-- What a rule asks for: R 1-2 and F 4-5.
CREATE FUNCTION @extschema@._explain_rule(rule jsonb, customer jsonb, language text)
	RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT COALESCE(pg_catalog.string_agg(p.part, @extschema@._explain_text('and', language) ORDER BY p.n),
		@extschema@._explain_text('anything', language))
	  FROM (SELECT d.n, pg_catalog.concat(pg_catalog.upper(d.d), ' ',
				CASE WHEN d.low IS NULL THEN '<= ' OPERATOR(pg_catalog.||) d.high
					WHEN d.high IS NULL THEN '>= ' OPERATOR(pg_catalog.||) d.low
					WHEN d.low OPERATOR(pg_catalog.=) d.high THEN d.low
					ELSE d.low OPERATOR(pg_catalog.||) '-' OPERATOR(pg_catalog.||) d.high END) AS part
			  FROM (SELECT u.n, u.d, rule OPERATOR(pg_catalog.->>) (u.d OPERATOR(pg_catalog.||) '_min') AS low,
						   rule OPERATOR(pg_catalog.->>) (u.d OPERATOR(pg_catalog.||) '_max') AS high
					  FROM pg_catalog.unnest('{r,f,m}'::pg_catalog.text[]) WITH ORDINALITY AS u (d, n)) AS d
			 WHERE d.low IS NOT NULL OR d.high IS NOT NULL
			UNION ALL
			SELECT 4, CASE WHEN rule OPERATOR(pg_catalog.->) 'conditions' OPERATOR(pg_catalog.?) 'or'
				THEN '(' OPERATOR(pg_catalog.||) c.c OPERATOR(pg_catalog.||) ')' ELSE c.c END
			  FROM @extschema@._explain_condition(
					   rule OPERATOR(pg_catalog.->) 'conditions', customer, language) AS c (c)
			 WHERE pg_catalog.jsonb_typeof(rule OPERATOR(pg_catalog.->) 'conditions')
					   OPERATOR(pg_catalog.=) 'object') AS p;
END;
COMMENT ON FUNCTION @extschema@._explain_rule(jsonb, jsonb, text) IS
	'internal: what a rule of a segment map asks for, in words';

-- How a value stands to the thresholds: which it beat, and the next one.
CREATE FUNCTION @extschema@._explain_threshold(dimension text, value numeric, thresholds float8[],
	decimals int, language text)
	RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	SET extra_float_digits = 1
	AS $$
DECLARE
	x		float8 := value;
	beaten	float8;
	next	float8;
	low		int;			-- score from the beaten threshold on ...
	high	int;			-- ... and from the next one
	passed	text;
	needed	text;
	places	int;
	mark	text := CASE dimension WHEN 'basket' THEN @extschema@._explain_text('the basket', language) ELSE 'M' END;
BEGIN
	IF x IS NULL OR coalesce(cardinality(thresholds), 0) = 0 THEN
		RETURN '';
	END IF;
	IF dimension = 'recency' THEN
		SELECT min(t) FILTER (WHERE t > x), max(t) FILTER (WHERE t <= x AND t > 0) INTO beaten, next
			FROM unnest(thresholds) AS t;
		-- days are whole: fewer than 141.6 is fewer than 142
		SELECT 1 + count(*) FILTER (WHERE t > x), 1 + count(*) FILTER (WHERE t >= next),
			   @extschema@._explain_number(ceil(beaten)::numeric, 0, language),
			   @extschema@._explain_number(ceil(next)::numeric, 0, language)
		  INTO low, high, passed, needed FROM unnest(thresholds) AS t;
		RETURN CASE WHEN next IS NULL THEN @extschema@._explain_text('recency top', language, passed)
			ELSE CASE WHEN beaten IS NULL THEN ''
				ELSE @extschema@._explain_text('recency beats', language, low::text, passed) END
				|| @extschema@._explain_text('recency next', language, high::text, needed) END;
	END IF;
	SELECT max(t) FILTER (WHERE t < x), min(t) FILTER (WHERE t >= x) INTO beaten, next FROM unnest(thresholds) AS t;
	IF dimension = 'frequency' THEN
		beaten := floor(beaten) + 1;
		next := floor(next) + 1;
		SELECT 1 + count(*) FILTER (WHERE t < x), 1 + count(*) FILTER (WHERE t < next),
			   @extschema@._explain_number(beaten::numeric, 0, language),
			   @extschema@._explain_number(next::numeric, 0, language)
		  INTO low, high, passed, needed FROM unnest(thresholds) AS t;
		RETURN CASE WHEN next IS NULL THEN @extschema@._explain_text('frequency top', language, passed)
			ELSE CASE WHEN beaten IS NULL THEN ''
				ELSE @extschema@._explain_text('frequency beats', language, low::text, passed) END
				|| @extschema@._explain_text('frequency next', language, high::text, needed) END;
	END IF;
	-- amounts have so many decimals: more than 10.004 is more than 10.00
	places := @extschema@._explain_decimals(value, thresholds, decimals);
	SELECT 1 + count(*) FILTER (WHERE t < x), 1 + count(*) FILTER (WHERE t <= next),
		   @extschema@._explain_number(@extschema@._explain_floor(beaten::text::numeric, places), places, language),
		   @extschema@._explain_number(@extschema@._explain_floor(next::text::numeric, places), places, language)
	  INTO low, high, passed, needed FROM unnest(thresholds) AS t;
	RETURN CASE WHEN next IS NULL THEN @extschema@._explain_text('money top', language, passed)
		ELSE CASE WHEN beaten IS NULL THEN ''
			ELSE @extschema@._explain_text('money beats', language, mark, low::text, passed) END
			|| @extschema@._explain_text('money next', language, mark, high::text, needed) END;
END
$$;
COMMENT ON FUNCTION @extschema@._explain_threshold(text, numeric, float8[], int, text) IS
	'internal: how a value stands to the thresholds of its score, in words';

-- A probability as it is told: nobody is sure to come, or to stay away.
CREATE FUNCTION @extschema@._percent_words(p float8, language text)
	RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT @extschema@._explain_text('percent', language,
		CASE WHEN p OPERATOR(pg_catalog.<) 0.005::pg_catalog.float8 THEN '< 1'
			WHEN p OPERATOR(pg_catalog.>) 0.995::pg_catalog.float8 THEN '> 99'
			ELSE pg_catalog.round((100::pg_catalog.float8
				OPERATOR(pg_catalog.*) p)::pg_catalog."numeric")::pg_catalog.text END);
END;
COMMENT ON FUNCTION @extschema@._percent_words(float8, text) IS 'internal: a probability in words';

-- One feature of a propensity, value and mean as the fit has them, and what it adds to
-- the log-odds, in words. Features are logarithms of 1 + what is meant.
CREATE FUNCTION @extschema@._propensity_words(feature text, value float8, mean float8, contribution float8,
	decimals int, language text)
	RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	stream	text := CASE WHEN feature LIKE '%.%' THEN split_part(feature, '.', 1) END;
	name	text := CASE WHEN feature LIKE '%.%' THEN split_part(feature, '.', 2) ELSE feature END;
	days	text := substring(name FROM '_(\d+)d$');
	places	int := CASE WHEN name = 'log1p_total' THEN decimals WHEN name IN ('log1p_silence', 'log1p_points') THEN 1
		ELSE 0 END;
	said	text;
	usual	text;
	words	text;
BEGIN
	IF feature = 'base' THEN
		RETURN @extschema@._explain_text('propensity base', language,
			@extschema@._percent_words(1 / (1 + exp(- greatest(least(contribution, 700), -700))), language));
	END IF;
	-- back from logarithms; what no numeric holds is not said
	said := @extschema@._explain_number(CASE WHEN abs(value) < 700
		THEN (sign(value) * (exp(abs(value)) - 1))::numeric END, places, language);
	usual := @extschema@._explain_number(CASE WHEN abs(mean) < 700
		THEN (sign(mean) * (exp(abs(mean)) - 1))::numeric END, greatest(places, 1), language);
	words := CASE
		WHEN stream IS NULL THEN CASE name
			WHEN 'log1p_recency_days' THEN @extschema@._explain_text('propensity last', language, said)
			WHEN 'log1p_active_days' THEN @extschema@._explain_text('propensity days', language, said)
			WHEN 'log1p_total' THEN @extschema@._explain_text('propensity total', language, said)
			WHEN 'log1p_tenure_days' THEN @extschema@._explain_text('propensity tenure', language, said)
			WHEN 'log1p_silence' THEN @extschema@._explain_text('propensity silence', language, said)
			ELSE @extschema@._explain_text('propensity orders', language, said, days) END
		-- who has none counts as somebody of two years ago
		WHEN name = 'log1p_recency_days' AND value >= ln(731::float8) - 1e-9
			THEN @extschema@._explain_text('propensity never', language, stream)
		WHEN name = 'log1p_recency_days' THEN @extschema@._explain_text('propensity seen', language, stream, said)
		WHEN name = 'log1p_points' THEN @extschema@._explain_text('propensity points', language, stream, said)
		ELSE @extschema@._explain_text('propensity events', language, stream, said, days) END;
	RETURN @extschema@._explain_text(CASE WHEN contribution > 0 THEN 'propensity for'
		WHEN contribution < 0 THEN 'propensity against' ELSE 'propensity nothing' END, language, words, usual);
END
$$;
COMMENT ON FUNCTION @extschema@._propensity_words(text, float8, float8, float8, int, text) IS
	'internal: a feature of a propensity and what it adds, in words';
