--
-- Layer 3: segments. A segment map is data: rules from scores (and further
-- facts) to segments, with labels. Maps of your own live in tables of the same
-- shape in a schema of yours; create_segment_map makes them.
--

CREATE TABLE @extschema@.segment_map (
	map			text COLLATE "C" NOT NULL,
	version		int NOT NULL DEFAULT 1,
	bins		int NOT NULL DEFAULT 5,
	description	text NOT NULL DEFAULT '',
	CONSTRAINT segment_map_pkey PRIMARY KEY (map),
	CONSTRAINT segment_map_map_check CHECK (pg_catalog.octet_length(map) OPERATOR(pg_catalog.>=) 1
		AND pg_catalog.octet_length(map) OPERATOR(pg_catalog.<=) 63),
	CONSTRAINT segment_map_version_check CHECK (version OPERATOR(pg_catalog.>=) 1),
	CONSTRAINT segment_map_bins_check CHECK (bins OPERATOR(pg_catalog.>=) 2 AND bins OPERATOR(pg_catalog.<=) 20)
);
COMMENT ON TABLE @extschema@.segment_map IS 'segment maps, one row each';
COMMENT ON COLUMN @extschema@.segment_map.map IS 'name';
COMMENT ON COLUMN @extschema@.segment_map.version IS 'raised by the author of the map whenever its rules change';
COMMENT ON COLUMN @extschema@.segment_map.bins IS 'scores run from 1 to bins';
COMMENT ON COLUMN @extschema@.segment_map.description IS 'what the map is for, where it comes from';

CREATE TABLE @extschema@.segment_rule (
	map			text COLLATE "C" NOT NULL,
	"position"	int NOT NULL,
	segment		text COLLATE "C" NOT NULL,
	r_min		int,
	r_max		int,
	f_min		int,
	f_max		int,
	m_min		int,
	m_max		int,
	conditions	jsonb,
	CONSTRAINT segment_rule_pkey PRIMARY KEY (map, "position"),
	CONSTRAINT segment_rule_segment_check CHECK (segment OPERATOR(pg_catalog.<>) ''),
	CONSTRAINT segment_rule_r_check CHECK (r_min OPERATOR(pg_catalog.>=) 1 AND r_max OPERATOR(pg_catalog.<=) 20
		AND r_min OPERATOR(pg_catalog.<=) 20 AND r_max OPERATOR(pg_catalog.>=) 1
		AND r_min OPERATOR(pg_catalog.<=) r_max),
	CONSTRAINT segment_rule_f_check CHECK (f_min OPERATOR(pg_catalog.>=) 1 AND f_max OPERATOR(pg_catalog.<=) 20
		AND f_min OPERATOR(pg_catalog.<=) 20 AND f_max OPERATOR(pg_catalog.>=) 1
		AND f_min OPERATOR(pg_catalog.<=) f_max),
	CONSTRAINT segment_rule_m_check CHECK (m_min OPERATOR(pg_catalog.>=) 1 AND m_max OPERATOR(pg_catalog.<=) 20
		AND m_min OPERATOR(pg_catalog.<=) 20 AND m_max OPERATOR(pg_catalog.>=) 1
		AND m_min OPERATOR(pg_catalog.<=) m_max)
);
COMMENT ON TABLE @extschema@.segment_rule IS
	'rules of segment maps; the first by position that applies wins;'
	' for people without an order those of role prospect and those that read score_reason';
COMMENT ON COLUMN @extschema@.segment_rule.map IS 'the map';
COMMENT ON COLUMN @extschema@.segment_rule."position" IS 'order of the rules; refinements usually have 1 to 9';
COMMENT ON COLUMN @extschema@.segment_rule.segment IS 'the segment of a customer that the rule applies to';
COMMENT ON COLUMN @extschema@.segment_rule.r_min IS 'lowest recency score; NULL: any';
COMMENT ON COLUMN @extschema@.segment_rule.r_max IS 'highest recency score; NULL: any';
COMMENT ON COLUMN @extschema@.segment_rule.f_min IS 'lowest frequency score; NULL: any, unknown included';
COMMENT ON COLUMN @extschema@.segment_rule.f_max IS 'highest frequency score; NULL: any, unknown included';
COMMENT ON COLUMN @extschema@.segment_rule.m_min IS 'lowest monetary score; NULL: any, unknown included';
COMMENT ON COLUMN @extschema@.segment_rule.m_max IS 'highest monetary score; NULL: any, unknown included';
COMMENT ON COLUMN @extschema@.segment_rule.conditions IS
	'further condition: {"column", "op", "value"}, {"and": [...]}, {"or": [...]} or {"not": ...};'
	' the rule applies only when it is true';

CREATE TABLE @extschema@.segment_label (
	map				text COLLATE "C" NOT NULL,
	segment			text COLLATE "C" NOT NULL,
	language		text COLLATE "C" NOT NULL,
	role			text COLLATE "C" NOT NULL,
	label			text NOT NULL,
	description		text,
	action			text,
	display_order	int,
	color			text COLLATE "C",
	CONSTRAINT segment_label_pkey PRIMARY KEY (map, segment, language),
	CONSTRAINT segment_label_segment_check CHECK (segment OPERATOR(pg_catalog.<>) ''),
	CONSTRAINT segment_label_language_check CHECK (language OPERATOR(pg_catalog.~) '^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$'),
	CONSTRAINT segment_label_role_check CHECK (role OPERATOR(pg_catalog.=) ANY (
		ARRAY['vip', 'upsell', 'new', 'regular', 'at_risk', 'lapsed', 'prospect', 'other']::pg_catalog.text[])),
	CONSTRAINT segment_label_label_check CHECK (label OPERATOR(pg_catalog.<>) ''),
	CONSTRAINT segment_label_color_check CHECK (color OPERATOR(pg_catalog.~) '^#[0-9A-Fa-f]{6}$')
);
COMMENT ON TABLE @extschema@.segment_label IS 'what segments are called, what they mean and what to do, by language';
COMMENT ON COLUMN @extschema@.segment_label.map IS 'the map';
COMMENT ON COLUMN @extschema@.segment_label.segment IS
	'the segment; one of role prospect is given to customers without an order:'
	' by a rule with a condition, or, if it has no rule, where none applies';
COMMENT ON COLUMN @extschema@.segment_label.language IS 'language code: en, fr, pt-BR';
COMMENT ON COLUMN @extschema@.segment_label.role IS
	'what the segment is in any map: vip, upsell, new, regular, at_risk, lapsed, prospect or other';
COMMENT ON COLUMN @extschema@.segment_label.label IS 'name to show';
COMMENT ON COLUMN @extschema@.segment_label.description IS 'who is in it';
COMMENT ON COLUMN @extschema@.segment_label.action IS 'what to do with them';
COMMENT ON COLUMN @extschema@.segment_label.display_order IS 'order in lists and charts, best first';
COMMENT ON COLUMN @extschema@.segment_label.color IS 'color in charts, #RRGGBB';

ALTER TABLE @extschema@.segment_rule ADD CONSTRAINT segment_rule_map_fkey
	FOREIGN KEY (map) REFERENCES @extschema@.segment_map (map) ON UPDATE CASCADE ON DELETE CASCADE;
ALTER TABLE @extschema@.segment_label ADD CONSTRAINT segment_label_map_fkey
	FOREIGN KEY (map) REFERENCES @extschema@.segment_map (map) ON UPDATE CASCADE ON DELETE CASCADE;

GRANT SELECT ON @extschema@.segment_map, @extschema@.segment_rule, @extschema@.segment_label TO PUBLIC;

-- Literals of our sources with characters beyond ASCII become calls of this (sql/spell.pl).
CREATE FUNCTION @extschema@._spell(words text)
	RETURNS text
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'spell';
COMMENT ON FUNCTION @extschema@._spell(text) IS
	'internal: a text with the characters that its references stand for: &#nnn; in decimal, from 160 on;'
	' what the encoding of the database lacks becomes the nearest of ASCII';

-- French has a no-break space before ; : ! ? and %, and in numbers. Not every
-- encoding of a database has that character: some get a plain space. In SQL_ASCII
-- it would be two characters.
CREATE FUNCTION @extschema@._no_break_space()
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN pg_catalog.getdatabaseencoding() OPERATOR(pg_catalog.=) 'SQL_ASCII' THEN ' '
		ELSE @extschema@._spell('&#160;') END;
END;
COMMENT ON FUNCTION @extschema@._no_break_space() IS
	'internal: a no-break space, or a space where the encoding of the database has none';

CREATE FUNCTION @extschema@._french_spaces(words text)
	RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
	SELECT pg_catalog.regexp_replace(words, ' ([;:!?%](\s|$|%))',
		@extschema@._no_break_space() OPERATOR(pg_catalog.||) '\1', 'g');
END;
COMMENT ON FUNCTION @extschema@._french_spaces(text) IS
	'internal: a French text with no-break spaces before ; : ! ? and %';

CREATE FUNCTION @extschema@._relation_trap(relation oid)
	RETURNS text
	LANGUAGE C STABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'relation_trap_of';
COMMENT ON FUNCTION @extschema@._relation_trap(oid) IS
	'internal: what of its owner''s would run when a table is read, in words; NULL if it is data alone';

-- Not strict: an unknown score is a case of its own. STABLE: reads the map.
CREATE FUNCTION @extschema@.segment(r int, f int, m int, segment_map text DEFAULT 'essential', facts jsonb DEFAULT NULL)
	RETURNS text
	LANGUAGE C STABLE PARALLEL SAFE COST 10
	AS 'MODULE_PATHNAME', 'segment_of_scores';
COMMENT ON FUNCTION @extschema@.segment(int, int, int, text, jsonb) IS
	'segment of a customer with these scores by a segment map; facts are further columns that its conditions read; r '
	'NULL: a customer without an order; f or m NULL: only rules without a bound on it apply; NULL if no rule applies '
	'or segment_map is NULL; an error for an unknown map';

CREATE FUNCTION @extschema@.segment_case(segment_map text, columns text[])
	RETURNS text
	LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1000
	AS 'MODULE_PATHNAME', 'segment_map_case';
COMMENT ON FUNCTION @extschema@.segment_case(text, text[]) IS
	'a segment map as one SQL CASE expression over these columns: r, f and m score first, then those that conditions '
	'may read';

CREATE FUNCTION @extschema@._segment_case(segment_map text, columns text[], positions boolean)
	RETURNS text
	LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1000
	AS 'MODULE_PATHNAME', 'segment_map_scale_case';
COMMENT ON FUNCTION @extschema@._segment_case(text, text[], boolean) IS
	'internal: like segment_case, for scores from 1 to the number of bins of the map; with positions for the position'
	' of the rule that decides, as text; NULL if none does';

-- Not strict: no rows for a NULL would say that all is well.
CREATE FUNCTION @extschema@.check_segment_map(segment_map text,
	OUT problem text, OUT r int, OUT f int, OUT m int, OUT segments text[])
	RETURNS SETOF record
	LANGUAGE C STABLE PARALLEL SAFE COST 10000 ROWS 10
	AS 'MODULE_PATHNAME', 'segment_map_check';
COMMENT ON FUNCTION @extschema@.check_segment_map(text) IS
	'what is wrong with a segment map: holes, overlaps, unreachable rules, unknown columns, missing labels; its '
	'refinements are listed as such; no row if all is well; an error if segment_map is NULL or unknown';

-- What create_segment_map and create_scorecard share: the name, and the tables.
CREATE FUNCTION @extschema@._own_name(name text, copy_of text, title text, noun text, creator text, example text)
	RETURNS text[]
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	parts	text[];
	home	text := (pg_catalog.parse_ident('@extschema@'))[1];
BEGIN
	IF name IS NULL THEN
		RAISE null_value_not_allowed USING MESSAGE = 'name must not be null';
	END IF;
	IF pg_catalog.octet_length(name) OPERATOR(pg_catalog.>) 260
		OR pg_catalog.octet_length(copy_of) OPERATOR(pg_catalog.>) 260 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = pg_catalog.format('%L is too long for the name of a %s', pg_catalog.left(
				CASE WHEN pg_catalog.octet_length(name) OPERATOR(pg_catalog.>) 260 THEN name ELSE copy_of END, 100),
				title);
	END IF;
	parts := pg_catalog.parse_ident(name);
	IF pg_catalog.cardinality(parts) OPERATOR(pg_catalog.<>) 2 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = pg_catalog.format('name "%s" does not say in which schema to make the %s',
				pg_catalog.left(name, 100), title),
			HINT = pg_catalog.format('Write schema.%s, with a schema of yours: %s(''crm.winter'', copy_of => %L).',
				noun, creator, example);
	END IF;
	IF pg_catalog.octet_length(parts[2]) OPERATOR(pg_catalog.>) 63 OR parts[2] OPERATOR(pg_catalog.=) '' THEN
		RAISE invalid_parameter_value USING
			MESSAGE = pg_catalog.format('name "%s": the name of a %s has between 1 and 63 bytes',
				pg_catalog.left(name, 100), title);
	END IF;
	IF parts[1] OPERATOR(pg_catalog.=) home OR pg_catalog.starts_with(parts[1], 'pg_')
		OR parts[1] OPERATOR(pg_catalog.=) 'information_schema' THEN
		RAISE invalid_parameter_value USING
			MESSAGE = pg_catalog.format('name "%s": schema %I can''t hold %ss of your own', name, parts[1], noun),
			HINT = 'Use a schema of yours.';
	END IF;
	IF NOT EXISTS (SELECT 1 FROM pg_catalog.pg_namespace AS s WHERE s.nspname OPERATOR(pg_catalog.=) parts[1]) THEN
		RAISE undefined_object USING
			MESSAGE = pg_catalog.format('name "%s": schema %I does not exist', name, parts[1]),
			HINT = pg_catalog.format('CREATE SCHEMA %I;', parts[1]);
	END IF;
	IF pg_catalog.cardinality(pg_catalog.parse_ident(copy_of)) OPERATOR(pg_catalog.>) 2 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = pg_catalog.format('copy_of "%s" is not the name of a %s',
				pg_catalog.left(copy_of, 100), title);
	END IF;
	RETURN parts;
END
$$;
COMMENT ON FUNCTION @extschema@._own_name(text, text, text, text, text, text) IS
	'internal: schema and name of a segment map or scorecard that is to be made; an error for a name that can''t be';

CREATE FUNCTION @extschema@._own_tables(name text, parts text[], tables text[], title text, noun text)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	SET constraint_exclusion = off		-- constants in CHECK constraints of a table of others' are not folded
	AS $$
DECLARE
	relation	text;
	found_rows	boolean;
BEGIN
	-- Same columns, checks, keys and comments as the shipped tables.
	FOREACH relation IN ARRAY tables LOOP
		CONTINUE WHEN pg_catalog.to_regclass(pg_catalog.format('%I.%I', parts[1], relation)) IS NOT NULL;
		EXECUTE pg_catalog.format(CASE WHEN relation OPERATOR(pg_catalog.=) tables[1]
				THEN 'CREATE TABLE %1$I.%2$I (LIKE %5$s.%2$I INCLUDING ALL)'
				ELSE 'CREATE TABLE %1$I.%2$I (LIKE %5$s.%2$I INCLUDING ALL,'
					' CONSTRAINT %2$s_%3$s_fkey FOREIGN KEY (%3$I) REFERENCES %1$I.%4$I (%3$I)'
					' ON UPDATE CASCADE ON DELETE CASCADE)' END, parts[1], relation, noun, tables[1], '@extschema@');
		EXECUTE pg_catalog.format('ALTER TABLE %I.%I DROP CONSTRAINT shipped_%ss_are_read_only',
			parts[1], relation, noun);
		EXECUTE pg_catalog.format('COMMENT ON TABLE %I.%I IS %L', parts[1], relation,
			pg_catalog.obj_description(pg_catalog.to_regclass(pg_catalog.concat('@extschema@.', relation)),
				'pg_class'));
	END LOOP;

	-- Triggers, rules and defaults of a table run with the rights of the role that inserts.
	FOREACH relation IN ARRAY tables LOOP
		EXECUTE pg_catalog.format('LOCK TABLE ONLY %I.%I IN ROW EXCLUSIVE MODE', parts[1], relation);
		IF EXISTS (SELECT 1 FROM pg_catalog.pg_class AS c
					WHERE c.oid
						OPERATOR(pg_catalog.=) pg_catalog.to_regclass(pg_catalog.format('%I.%I', parts[1], relation))
					AND (pg_catalog.pg_get_userbyid(c.relowner) OPERATOR(pg_catalog.<>) current_user
						OR c.relkind OPERATOR(pg_catalog.<>) 'r')) THEN
			RAISE insufficient_privilege USING
				MESSAGE = pg_catalog.format('name "%s": %I.%I is not a table of role %I',
					name, parts[1], relation, current_user),
				DETAIL = 'What its owner has put there would run with your rights.',
				HINT = 'Use a schema of yours, or SET ROLE to the owner of the table.';
		END IF;
	END LOOP;
	EXECUTE pg_catalog.format('SELECT EXISTS (SELECT 1 FROM %I.%I WHERE %I OPERATOR(pg_catalog.=) $1)',
		parts[1], tables[1], noun)
		INTO found_rows USING parts[2];
	IF found_rows THEN
		RAISE duplicate_object USING
			MESSAGE = pg_catalog.format('%s %s already exists', title, name),
			HINT = pg_catalog.format('Take another name, or delete its row from %s first: %s go with it.', tables[1],
				CASE noun WHEN 'map' THEN 'its rules and labels' ELSE 'its rules, groups and bands' END);
	END IF;
END
$$;
COMMENT ON FUNCTION @extschema@._own_tables(text, text[], text[], text, text) IS
	'internal: make the tables of segment maps or scorecards in a schema where they are missing; an error if they are '
	'another role''s or hold that name';

CREATE FUNCTION @extschema@.create_segment_map(name text, copy_of text DEFAULT NULL)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	SET constraint_exclusion = off		-- constants in CHECK constraints of a table of others' are not folded
	AS $$
DECLARE
	parts			text[] := @extschema@._own_name(name, copy_of, 'segment map', 'map', 'create_segment_map',
		'essential');
	source_parts	text[];
	source_schema	text := (pg_catalog.parse_ident('@extschema@'))[1];
	source			record;
BEGIN
	-- The source first: nothing is made when it doesn't exist.
	IF copy_of IS NOT NULL THEN
		source_parts := pg_catalog.parse_ident(copy_of);
		-- It says what is wrong with an unknown name, and lists the known ones.
		PERFORM FROM @extschema@.check_segment_map(copy_of);
		IF pg_catalog.cardinality(source_parts) OPERATOR(pg_catalog.=) 2 THEN
			source_schema := source_parts[1];
		END IF;
		source_parts[1] := source_parts[pg_catalog.cardinality(source_parts)];
		EXECUTE pg_catalog.format('SELECT version, bins, description FROM %I.segment_map'
			' WHERE map OPERATOR(pg_catalog.=) $1', source_schema)
			INTO source USING source_parts[1];
	END IF;
	PERFORM @extschema@._own_tables(name, parts, '{segment_map,segment_rule,segment_label}', 'segment map', 'map');
	IF copy_of IS NULL THEN
		EXECUTE pg_catalog.format('INSERT INTO %I.segment_map (map) VALUES ($1)', parts[1]) USING parts[2];
		RETURN;
	END IF;
	EXECUTE pg_catalog.format('INSERT INTO %I.segment_map (map, bins, description) VALUES ($1, $2, $3)', parts[1])
		USING parts[2], source.bins,
			pg_catalog.format('Copy of %s, version %s. %s', copy_of, source.version, source.description);
	EXECUTE pg_catalog.format('INSERT INTO %I.segment_rule'
		' (map, "position", segment, r_min, r_max, f_min, f_max, m_min, m_max, conditions)'
		' SELECT $1, "position", segment, r_min, r_max, f_min, f_max, m_min, m_max, conditions'
		' FROM %I.segment_rule WHERE map OPERATOR(pg_catalog.=) $2', parts[1], source_schema)
		USING parts[2], source_parts[1];
	EXECUTE pg_catalog.format('INSERT INTO %I.segment_label'
		' (map, segment, language, role, label, description, action, display_order, color)'
		' SELECT $1, segment, language, role, label, description, action, display_order, color'
		' FROM %I.segment_label WHERE map OPERATOR(pg_catalog.=) $2', parts[1], source_schema)
		USING parts[2], source_parts[1];
END
$$;
COMMENT ON FUNCTION @extschema@.create_segment_map(text, text) IS
	'make a segment map of your own, empty or as a copy, in a schema of yours, name being schema.map; makes the '
	'three tables there where they are missing; copy_of NULL: empty; an error if name is NULL or taken';
