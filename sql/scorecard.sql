--
-- Layer 3c: scorecards. A card is data: rules that give points for what a customer
-- does or is, groups of rules with bounds, and bands of the score. Cards of your
-- own live in tables of the same shape in a schema of yours; create_scorecard makes
-- them.
--

CREATE TABLE @extschema@.scorecard (
	card		text COLLATE "C" NOT NULL,
	version		int NOT NULL DEFAULT 1,
	min_points	numeric NOT NULL DEFAULT 0,
	max_points	numeric NOT NULL DEFAULT 100,
	description	text NOT NULL DEFAULT '',
	CONSTRAINT scorecard_pkey PRIMARY KEY (card),
	CONSTRAINT scorecard_card_check CHECK (pg_catalog.octet_length(card) OPERATOR(pg_catalog.>=) 1
		AND pg_catalog.octet_length(card) OPERATOR(pg_catalog.<=) 63),
	CONSTRAINT scorecard_version_check CHECK (version OPERATOR(pg_catalog.>=) 1),
	CONSTRAINT scorecard_points_check CHECK (min_points OPERATOR(pg_catalog.>=) -1000000000
		AND min_points OPERATOR(pg_catalog.<=) 1000000000
		AND max_points OPERATOR(pg_catalog.>=) -1000000000 AND max_points OPERATOR(pg_catalog.<=) 1000000000)
);
COMMENT ON TABLE @extschema@.scorecard IS 'scorecards, one row each';
COMMENT ON COLUMN @extschema@.scorecard.card IS 'name';
COMMENT ON COLUMN @extschema@.scorecard.version IS 'raised by the author of the card whenever its rules change';
COMMENT ON COLUMN @extschema@.scorecard.min_points IS
	'points that are shown as a score of 0; fewer are shown as 0, too';
COMMENT ON COLUMN @extschema@.scorecard.max_points IS
	'points that are shown as a score of 100; more are shown as 100, too';
COMMENT ON COLUMN @extschema@.scorecard.description IS 'what the card is for, where it comes from';

CREATE TABLE @extschema@.scorecard_rule (
	card				text COLLATE "C" NOT NULL,
	"position"			int NOT NULL,
	rule_group			text COLLATE "C",
	stream				text COLLATE "C",
	role				text COLLATE "C",
	kind				text COLLATE "C",
	mode				text COLLATE "C" NOT NULL DEFAULT 'each',
	points				numeric NOT NULL,
	window_days			int,
	expires_after_days	int,
	half_life_days		numeric,
	step_percent		numeric,
	step_days			int,
	rule_min			numeric,
	rule_max			numeric,
	conditions			jsonb,
	label_en			text,
	label_fr			text,
	CONSTRAINT scorecard_rule_pkey PRIMARY KEY (card, "position"),
	CONSTRAINT scorecard_rule_mode_check CHECK (mode OPERATOR(pg_catalog.=)
		ANY (ARRAY['each', 'day', 'value', 'once', 'silence', 'fit']::pg_catalog.text[])),
	CONSTRAINT scorecard_rule_points_check CHECK (points OPERATOR(pg_catalog.>=) -1000000
		AND points OPERATOR(pg_catalog.<=) 1000000
		AND points OPERATOR(pg_catalog.=) pg_catalog.round(points, 6)),
	CONSTRAINT scorecard_rule_window_check CHECK (window_days OPERATOR(pg_catalog.>=) 1),
	CONSTRAINT scorecard_rule_expires_check CHECK (expires_after_days OPERATOR(pg_catalog.>=) 1),
	CONSTRAINT scorecard_rule_half_life_check CHECK (half_life_days OPERATOR(pg_catalog.>) 0
		AND half_life_days OPERATOR(pg_catalog.<=) 1000000),
	CONSTRAINT scorecard_rule_step_check CHECK (step_percent OPERATOR(pg_catalog.>) 0
		AND step_percent OPERATOR(pg_catalog.<=) 100
		AND step_days OPERATOR(pg_catalog.>=) 1),
	CONSTRAINT scorecard_rule_bounds_check CHECK (rule_min OPERATOR(pg_catalog.>=) -1000000000
		AND rule_min OPERATOR(pg_catalog.<=) 1000000000
		AND rule_max OPERATOR(pg_catalog.>=) -1000000000 AND rule_max OPERATOR(pg_catalog.<=) 1000000000)
);
COMMENT ON TABLE @extschema@.scorecard_rule IS
	'rules of scorecards: the points of a rule are the sum over days of points by mode times what age leaves of '
	'them, within rule_min and rule_max';
COMMENT ON COLUMN @extschema@.scorecard_rule.card IS 'the card';
COMMENT ON COLUMN @extschema@.scorecard_rule."position" IS 'order of the rules in explanations';
COMMENT ON COLUMN @extschema@.scorecard_rule.rule_group IS
	'the group whose bounds hold for its rules together; NULL: none';
COMMENT ON COLUMN @extschema@.scorecard_rule.stream IS 'the stream that is read; NULL: any';
COMMENT ON COLUMN @extschema@.scorecard_rule.role IS
	'what the kinds that are read mean, see kind_role(); NULL: anything';
COMMENT ON COLUMN @extschema@.scorecard_rule.kind IS 'the kind that is read, in any letter case; NULL: any';
COMMENT ON COLUMN @extschema@.scorecard_rule.mode IS
	'each event, day with an event, value (the total), once (the latest day with an event), silence (no event for '
	'window_days), or fit (conditions)';
COMMENT ON COLUMN @extschema@.scorecard_rule.points IS
	'for one of these; negative ones are taken away; up to six decimals';
COMMENT ON COLUMN @extschema@.scorecard_rule.window_days IS
	'the last so many days count; NULL: all; of silence: for how many days there has been no event';
COMMENT ON COLUMN @extschema@.scorecard_rule.expires_after_days IS 'an event of this age counts no more';
COMMENT ON COLUMN @extschema@.scorecard_rule.half_life_days IS
	'after so many days the points are worth half, after twice as many a quarter';
COMMENT ON COLUMN @extschema@.scorecard_rule.step_percent IS
	'what the points lose with every step_days, in percent of what they were before';
COMMENT ON COLUMN @extschema@.scorecard_rule.step_days IS 'the length of a step, in days';
COMMENT ON COLUMN @extschema@.scorecard_rule.rule_min IS 'the rule never comes to less; NULL: no bound';
COMMENT ON COLUMN @extschema@.scorecard_rule.rule_max IS 'the rule never comes to more; NULL: no bound';
COMMENT ON COLUMN @extschema@.scorecard_rule.conditions IS
	'of mode fit: what must be true of the customer, as in a segment map';
COMMENT ON COLUMN @extschema@.scorecard_rule.label_en IS 'name to show, in English';
COMMENT ON COLUMN @extschema@.scorecard_rule.label_fr IS 'name to show, in French';

CREATE TABLE @extschema@.scorecard_group (
	card		text COLLATE "C" NOT NULL,
	rule_group	text COLLATE "C" NOT NULL,
	group_min	numeric,
	group_max	numeric,
	CONSTRAINT scorecard_group_pkey PRIMARY KEY (card, rule_group),
	CONSTRAINT scorecard_group_bounds_check CHECK (group_min OPERATOR(pg_catalog.>=) -1000000000
		AND group_min OPERATOR(pg_catalog.<=) 1000000000
		AND group_max OPERATOR(pg_catalog.>=) -1000000000 AND group_max OPERATOR(pg_catalog.<=) 1000000000)
);
COMMENT ON TABLE @extschema@.scorecard_group IS
	'bounds of the rules of a group together; a group without a row has none';
COMMENT ON COLUMN @extschema@.scorecard_group.card IS 'the card';
COMMENT ON COLUMN @extschema@.scorecard_group.rule_group IS 'the group that rules name';
COMMENT ON COLUMN @extschema@.scorecard_group.group_min IS 'the rules together never come to less; NULL: no bound';
COMMENT ON COLUMN @extschema@.scorecard_group.group_max IS 'the rules together never come to more; NULL: no bound';

CREATE TABLE @extschema@.scorecard_band (
	card			text COLLATE "C" NOT NULL,
	band			text COLLATE "C" NOT NULL,
	language		text COLLATE "C" NOT NULL,
	enter			numeric NOT NULL,
	leave			numeric,
	label			text NOT NULL,
	display_order	int,
	color			text COLLATE "C",
	CONSTRAINT scorecard_band_pkey PRIMARY KEY (card, band, language),
	CONSTRAINT scorecard_band_band_check CHECK (band OPERATOR(pg_catalog.<>) ''),
	CONSTRAINT scorecard_band_language_check CHECK (language OPERATOR(pg_catalog.~) '^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$'),
	CONSTRAINT scorecard_band_score_check CHECK (enter OPERATOR(pg_catalog.>=) 0
		AND enter OPERATOR(pg_catalog.<=) 100
		AND leave OPERATOR(pg_catalog.>=) 0 AND leave OPERATOR(pg_catalog.<=) 100),
	CONSTRAINT scorecard_band_label_check CHECK (label OPERATOR(pg_catalog.<>) ''),
	CONSTRAINT scorecard_band_color_check CHECK (color OPERATOR(pg_catalog.~) '^#[0-9A-Fa-f]{6}$')
);
COMMENT ON TABLE @extschema@.scorecard_band IS 'bands of the score, by language; the lowest is entered at 0';
COMMENT ON COLUMN @extschema@.scorecard_band.card IS 'the card';
COMMENT ON COLUMN @extschema@.scorecard_band.band IS 'the band';
COMMENT ON COLUMN @extschema@.scorecard_band.language IS 'language code: en, fr, pt-BR';
COMMENT ON COLUMN @extschema@.scorecard_band.enter IS 'the score from which on one enters the band, 0 to 100';
COMMENT ON COLUMN @extschema@.scorecard_band.leave IS
	'the score below which one leaves it again; NULL: the same as enter';
COMMENT ON COLUMN @extschema@.scorecard_band.label IS 'name to show';
COMMENT ON COLUMN @extschema@.scorecard_band.display_order IS 'order in lists and charts, best first';
COMMENT ON COLUMN @extschema@.scorecard_band.color IS 'color in charts, #RRGGBB';

ALTER TABLE @extschema@.scorecard_rule ADD CONSTRAINT scorecard_rule_card_fkey
	FOREIGN KEY (card) REFERENCES @extschema@.scorecard (card) ON UPDATE CASCADE ON DELETE CASCADE;
ALTER TABLE @extschema@.scorecard_group ADD CONSTRAINT scorecard_group_card_fkey
	FOREIGN KEY (card) REFERENCES @extschema@.scorecard (card) ON UPDATE CASCADE ON DELETE CASCADE;
ALTER TABLE @extschema@.scorecard_band ADD CONSTRAINT scorecard_band_card_fkey
	FOREIGN KEY (card) REFERENCES @extschema@.scorecard (card) ON UPDATE CASCADE ON DELETE CASCADE;

CREATE TABLE @extschema@.stream_role (
	name	text COLLATE "C" NOT NULL,
	role	text COLLATE "C" NOT NULL,
	CONSTRAINT stream_role_pkey PRIMARY KEY (name)
);
COMMENT ON TABLE @extschema@.stream_role IS 'what usual names of kinds of events mean';
COMMENT ON COLUMN @extschema@.stream_role.name IS 'the name, in small letters, with _ for spaces, dots and hyphens';
COMMENT ON COLUMN @extschema@.stream_role.role IS
	'what it means: sent, open, click, visit, view, basket, share, review, download, event, pricing, demo, trial, '
	'unsubscribe, answer or line';

GRANT SELECT ON @extschema@.scorecard, @extschema@.scorecard_rule, @extschema@.scorecard_group,
	@extschema@.scorecard_band, @extschema@.stream_role TO PUBLIC;

CREATE FUNCTION @extschema@._kind_name(kind text)
	RETURNS text
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'scorecard_kind_name';
COMMENT ON FUNCTION @extschema@._kind_name(text) IS
	'internal: a kind as it is compared: A to Z in small letters, _ for spaces, dots and hyphens';

CREATE FUNCTION @extschema@.kind_role(kind text)
	RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
	SELECT r.role FROM @extschema@.stream_role AS r WHERE r.name OPERATOR(pg_catalog.=) @extschema@._kind_name(kind);
END;
COMMENT ON FUNCTION @extschema@.kind_role(text) IS
	'what a kind of event means by its usual name, in any letter case: kind_role(''Opened Email'') is open; NULL for '
	'other names';

-- Not strict: fits may be NULL. STABLE: reads the card.
CREATE FUNCTION @extschema@.scorecard_score(card text, kinds text[], histories @extschema@.history[], as_of date,
		fits bool[] DEFAULT NULL)
	RETURNS float8
	LANGUAGE C STABLE PARALLEL SAFE COST 20
	AS 'MODULE_PATHNAME', 'scorecard_score';
COMMENT ON FUNCTION @extschema@.scorecard_score(text, text[], @extschema@.history[], date, bool[]) IS
	'score of a customer by a scorecard on a day, 0 to 100, from their histories and the kind of each; fits says which '
	'conditions of its rules of mode fit hold, by position (scorecard_fits); NULL without an event by then, or if card '
	'or as_of is NULL; an error for an unknown card';

CREATE FUNCTION @extschema@.scorecard_band(card text, kinds text[], histories @extschema@.history[], as_of date,
		fits bool[] DEFAULT NULL)
	RETURNS text
	LANGUAGE C STABLE PARALLEL SAFE COST 30
	AS 'MODULE_PATHNAME', 'scorecard_band';
COMMENT ON FUNCTION @extschema@.scorecard_band(text, text[], @extschema@.history[], date, bool[]) IS
	'band of a customer by a scorecard on a day, the arguments as for scorecard_score: the highest that they have '
	'entered '
	'by the score of a day with an event and not left since; NULL where the score is NULL, or if no band applies';

CREATE FUNCTION @extschema@.scorecard_points(card text, kinds text[], histories @extschema@.history[], as_of date,
		fits bool[] DEFAULT NULL,
	language text DEFAULT 'en',
	OUT "position" int, OUT rule_group text, OUT label text, OUT mode text, OUT events bigint, OUT last_on date,
	OUT undecayed float8, OUT points float8, OUT capped bool)
	RETURNS SETOF record
	LANGUAGE C STABLE PARALLEL SAFE COST 10000 ROWS 10
	AS 'MODULE_PATHNAME', 'scorecard_points';
COMMENT ON FUNCTION @extschema@.scorecard_points(text, text[], @extschema@.history[], date, bool[], text) IS
	'why a score is what it is: a row for each rule that gave points, with what age has left of them and whether a '
	'bound '
	'of the rule changed them, and a row without position for a group (or the card: rule_group NULL) whose bounds '
	'changed the sum; the points of all '
	'rows are those of the card; labels in English or French';

CREATE FUNCTION @extschema@.scorecard_next_band(card text, kinds text[], histories @extschema@.history[], as_of date,
		fits bool[] DEFAULT NULL,
	language text DEFAULT 'en',
	OUT band text, OUT enter float8, OUT missing float8, OUT "position" int, OUT label text, OUT events bigint,
	OUT together boolean)
	RETURNS SETOF record
	LANGUAGE C STABLE PARALLEL SAFE COST 10000 ROWS 10
	AS 'MODULE_PATHNAME', 'scorecard_next_band';
COMMENT ON FUNCTION @extschema@.scorecard_next_band(text, text[], @extschema@.history[], date, bool[], text) IS
	'what would reach the next band on that day: its score, how much is missing, and for each rule how many events '
	'more of it alone are enough, up to a million; where none is, how many of several rules together, in rows with '
	'together true; one row with position NULL where not even that is; no row in the highest band';

CREATE FUNCTION @extschema@.scorecard_fits(card text, columns text[])
	RETURNS text[]
	LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1000
	AS 'MODULE_PATHNAME', 'scorecard_fits';
COMMENT ON FUNCTION @extschema@.scorecard_fits(text, text[]) IS
	'the conditions of a scorecard''s rules of mode fit, by position, as SQL over these columns; a column that is not '
	'among '
	'them is looked for in attributes, if that is, and is otherwise NULL';

CREATE FUNCTION @extschema@._scorecard_program(card text, keys jsonb)
	RETURNS jsonb
	LANGUAGE C STABLE PARALLEL SAFE COST 10000
	AS 'MODULE_PATHNAME', 'scorecard_program';
COMMENT ON FUNCTION @extschema@._scorecard_program(text, jsonb) IS
	'internal: a scorecard compiled for a model''s streams and kinds, {"streams": {"web": 1}, "kinds": [{"stream": '
	'"web", '
	'"kind": "page_view", "role": "visit", "key": 1025}]}; keys NULL: for histories with names';

-- What models call: the program is parsed once for a call site. Not strict: fits and
-- streams may be NULL.
CREATE FUNCTION @extschema@._card_score(program jsonb, orders @extschema@.history, streams @extschema@.stream_histories,
	fits bool[], as_of date)
	RETURNS float8
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20
	AS 'MODULE_PATHNAME', 'card_score_of_program';
COMMENT ON FUNCTION @extschema@._card_score(jsonb, @extschema@.history, @extschema@.stream_histories, bool[], date) IS
	'internal: scorecard_score of a customer of a model, by a program of _scorecard_program; NULL if program or '
	'as_of is';

CREATE FUNCTION @extschema@._card_band(program jsonb, orders @extschema@.history, streams @extschema@.stream_histories,
	fits bool[], as_of date)
	RETURNS text
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 30
	AS 'MODULE_PATHNAME', 'card_band_of_program';
COMMENT ON FUNCTION @extschema@._card_band(jsonb, @extschema@.history, @extschema@.stream_histories, bool[], date) IS
	'internal: scorecard_band of a customer of a model, by a program of _scorecard_program; NULL if program or as_of '
	'is';

CREATE FUNCTION @extschema@._card_points(program jsonb, orders @extschema@.history,
	streams @extschema@.stream_histories, fits bool[], as_of date, language text DEFAULT 'en',
	OUT "position" int, OUT rule_group text, OUT label text, OUT mode text, OUT events bigint, OUT last_on date,
	OUT undecayed float8, OUT points float8, OUT capped bool)
	RETURNS SETOF record
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000 ROWS 10
	AS 'MODULE_PATHNAME', 'card_points_of_program';
COMMENT ON FUNCTION
	@extschema@._card_points(jsonb, @extschema@.history, @extschema@.stream_histories, bool[], date, text) IS
	'internal: scorecard_points of a customer of a model, by a program of _scorecard_program';

CREATE FUNCTION @extschema@._card_next_band(program jsonb, orders @extschema@.history,
	streams @extschema@.stream_histories, fits bool[], as_of date, language text DEFAULT 'en',
	OUT band text, OUT enter float8, OUT missing float8, OUT "position" int, OUT label text, OUT events bigint,
	OUT together boolean)
	RETURNS SETOF record
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000 ROWS 10
	AS 'MODULE_PATHNAME', 'card_next_band_of_program';
COMMENT ON FUNCTION
	@extschema@._card_next_band(jsonb, @extschema@.history, @extschema@.stream_histories, bool[], date, text) IS
	'internal: scorecard_next_band of a customer of a model, by a program of _scorecard_program';

CREATE FUNCTION @extschema@.create_scorecard(name text, copy_of text DEFAULT NULL)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	SET constraint_exclusion = off		-- constants in CHECK constraints of a table of others' are not folded
	AS $$
DECLARE
	parts			text[] := @extschema@._own_name(name, copy_of, 'scorecard', 'card', 'create_scorecard',
		'engagement');
	source_parts	text[];
	source_schema	text := (pg_catalog.parse_ident('@extschema@'))[1];
	source			record;
BEGIN
	-- The source first: nothing is made when it doesn't exist.
	IF copy_of IS NOT NULL THEN
		source_parts := pg_catalog.parse_ident(copy_of);
		-- It says what is wrong with an unknown name, and lists the known ones.
		PERFORM FROM @extschema@.check_scorecard(copy_of);
		IF pg_catalog.cardinality(source_parts) OPERATOR(pg_catalog.=) 2 THEN
			source_schema := source_parts[1];
		END IF;
		source_parts[1] := source_parts[pg_catalog.cardinality(source_parts)];
		EXECUTE pg_catalog.format('SELECT version, min_points, max_points, description FROM %I.scorecard'
			' WHERE card OPERATOR(pg_catalog.=) $1', source_schema)
			INTO source USING source_parts[1];
	END IF;
	PERFORM @extschema@._own_tables(name, parts, '{scorecard,scorecard_rule,scorecard_group,scorecard_band}',
		'scorecard', 'card');
	IF copy_of IS NULL THEN
		EXECUTE pg_catalog.format('INSERT INTO %I.scorecard (card) VALUES ($1)', parts[1]) USING parts[2];
		RETURN;
	END IF;
	EXECUTE pg_catalog.format('INSERT INTO %I.scorecard (card, min_points, max_points, description)'
		' VALUES ($1, $2, $3, $4)', parts[1])
		USING parts[2], source.min_points, source.max_points,
			pg_catalog.format('Copy of %s, version %s. %s', copy_of, source.version, source.description);
	EXECUTE pg_catalog.format('INSERT INTO %I.scorecard_rule (card, "position", rule_group, stream, role, kind, mode,'
		' points, window_days,'
		' expires_after_days, half_life_days, step_percent, step_days, rule_min, rule_max, conditions,'
		' label_en, label_fr)'
		' SELECT $1, "position", rule_group, stream, role, kind, mode, points, window_days,'
		' expires_after_days, half_life_days, step_percent, step_days, rule_min, rule_max, conditions,'
		' label_en, label_fr'
		' FROM %I.scorecard_rule WHERE card OPERATOR(pg_catalog.=) $2', parts[1], source_schema)
		USING parts[2], source_parts[1];
	EXECUTE pg_catalog.format('INSERT INTO %I.scorecard_group (card, rule_group, group_min, group_max)'
		' SELECT $1, rule_group, group_min, group_max FROM %I.scorecard_group'
		' WHERE card OPERATOR(pg_catalog.=) $2', parts[1], source_schema)
		USING parts[2], source_parts[1];
	EXECUTE pg_catalog.format('INSERT INTO %I.scorecard_band (card, band, language, enter, leave, label, display_order,'
		' color)'
		' SELECT $1, band, language, enter, leave, label, display_order, color'
		' FROM %I.scorecard_band WHERE card OPERATOR(pg_catalog.=) $2', parts[1], source_schema)
		USING parts[2], source_parts[1];
END
$$;
COMMENT ON FUNCTION @extschema@.create_scorecard(text, text) IS
	'make a scorecard of your own, empty or as a copy, in a schema of yours, name being schema.card; makes the four '
	'tables there where they are missing; copy_of NULL: empty; an error if name is NULL or taken';

-- Not strict: no rows for a NULL would say that all is well.
CREATE FUNCTION @extschema@.check_scorecard(name text,
	OUT problem text, OUT "position" int, OUT band text)
	RETURNS SETOF record
	LANGUAGE C STABLE PARALLEL SAFE COST 10000 ROWS 10
	AS 'MODULE_PATHNAME', 'scorecard_check';
COMMENT ON FUNCTION @extschema@.check_scorecard(text) IS
	'what is wrong with a scorecard: unknown roles, rules that never give a point, several decays, bounds and bands '
	'in a '
	'wrong order, missing labels; no row if all is well; an error if name is NULL or unknown';

CREATE FUNCTION @extschema@._check_scorecard(name text, keys jsonb,
	OUT problem text, OUT "position" int, OUT band text)
	RETURNS SETOF record
	LANGUAGE C STABLE PARALLEL SAFE COST 10000 ROWS 10
	AS 'MODULE_PATHNAME', 'scorecard_check';
COMMENT ON FUNCTION @extschema@._check_scorecard(text, jsonb) IS
	'internal: check_scorecard for a model with these streams and kinds, as in _scorecard_program: unknown ones as '
	'well';
