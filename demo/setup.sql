-- What the sections share: the settings of this run, texts, numbers as the
-- reader writes them, bars and aligned rows. All of it lives in the schema
-- "demo" of a throw-away database.

CREATE SCHEMA demo;

CREATE TABLE demo.settings (
	language text NOT NULL,
	glyphs boolean NOT NULL,			-- block characters and narrow spaces
	source text NOT NULL,				-- what was loaded, for the title
	source_rows bigint NOT NULL DEFAULT 0,
	as_of date,
	as_of_given boolean NOT NULL DEFAULT false,
	last_read date,						-- of the file, also where its rows are left out
	earlier date,						-- as_of - 90 days
	time_zone text,						-- whose days the orders have, where that is known
	load_seconds numeric,
	score_seconds numeric,
	customer_column text,				-- names of the columns of the table orders
	day_column text,
	value_column text,
	columns_taken text,					-- the columns, and how to choose others; \x02 stands for the next:
	amount_is text,						-- UnitPrice x Quantity
	net_of_refunds boolean NOT NULL DEFAULT false,	-- by a column of refunds
	amount_decimal text,				-- comma or point
	lines_added bigint NOT NULL DEFAULT 0,	-- rows that were added to other rows
	currency text
);

CREATE TABLE demo.texts (key text PRIMARY KEY, en text NOT NULL, fr text NOT NULL);

-- Remarks on the data, in the order they are printed.
CREATE TABLE demo.remarks (position int GENERATED ALWAYS AS IDENTITY, line text NOT NULL);

-- Rows of the file that are not used: which, and why.
CREATE TABLE demo.left_out (line bigint, reason text NOT NULL, value text);

CREATE FUNCTION demo.t(key text, VARIADIC args text[] DEFAULT '{}') RETURNS text
LANGUAGE plpgsql STABLE AS $$
DECLARE
	found_text text;
BEGIN
	SELECT CASE s.language WHEN 'fr' THEN x.fr ELSE x.en END INTO found_text
	  FROM demo.texts x, demo.settings s WHERE x.key = t.key;
	IF found_text IS NULL THEN
		RAISE EXCEPTION 'no text is called %', key;
	END IF;
	RETURN format(found_text, VARIADIC args);
END $$;

-- The form for one or for several, of a text that holds both: "1 row is|%s rows are".
CREATE FUNCTION demo.t_of(n numeric, key text, VARIADIC args text[] DEFAULT '{}') RETURNS text
LANGUAGE sql STABLE AS $$
	SELECT format(CASE WHEN strpos(forms, '|') = 0 OR n = 1 OR (n = 0 AND language = 'fr') THEN split_part(forms, '|', 1) ELSE split_part(forms, '|', 2) END, VARIADIC args)
	  FROM demo.settings, LATERAL (SELECT CASE language WHEN 'fr' THEN x.fr ELSE x.en END FROM demo.texts x WHERE x.key = t_of.key) t(forms)
$$;

-- A text of the file in quotes.
CREATE FUNCTION demo.quoted(x text) RETURNS text
LANGUAGE sql STABLE AS $$ SELECT CASE language WHEN 'fr' THEN '« ' || x || ' »' ELSE '"' || x || '"' END FROM demo.settings $$;

-- A name as a shell wants it in an option.
CREATE FUNCTION demo.word(x text) RETURNS text
LANGUAGE sql STABLE AS $$ SELECT CASE WHEN x ~ '^[[:alnum:]_.@%+:,/-]+$' THEN x ELSE '''' || replace(x, '''', '''\''''') || '''' END $$;

CREATE FUNCTION demo.semicolon() RETURNS text
LANGUAGE sql STABLE AS $$ SELECT CASE language WHEN 'fr' THEN ' ; ' ELSE '; ' END FROM demo.settings $$;

-- Ends the run with a message.
CREATE FUNCTION demo.stop(message text, hint text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
	IF hint IS NULL THEN
		RAISE EXCEPTION USING MESSAGE = message;
	END IF;
	RAISE EXCEPTION USING MESSAGE = message, HINT = hint;
END $$;

CREATE FUNCTION demo.french() RETURNS boolean
LANGUAGE sql STABLE AS $$ SELECT language = 'fr' FROM demo.settings $$;

CREATE FUNCTION demo.glyphs() RETURNS boolean
LANGUAGE sql STABLE AS $$ SELECT glyphs FROM demo.settings $$;

-- A narrow no-break space where the output can show one.
CREATE FUNCTION demo.narrow_space() RETURNS text
LANGUAGE sql STABLE AS $$ SELECT CASE WHEN demo.glyphs() THEN U&'\202F' ELSE ' ' END $$;

CREATE FUNCTION demo.num(x numeric, decimals int DEFAULT 0) RETURNS text
LANGUAGE plpgsql STABLE AS $$
DECLARE
	result text;
BEGIN
	result := to_char(round(x, decimals), 'FM999,999,999,999,999,999,990'
					  || CASE WHEN decimals > 0 THEN '.' || repeat('0', decimals) ELSE '' END);
	IF demo.french() THEN
		result := replace(translate(result, ',.', '|,'), '|', demo.narrow_space());
	END IF;
	RETURN result;
END $$;

-- part of whole in percent: 9.2%, or 9.2 % in running text and in French.
CREATE FUNCTION demo.pct(part numeric, whole numeric, spaced boolean DEFAULT true, decimals int DEFAULT 1) RETURNS text
LANGUAGE sql STABLE AS $$
	SELECT CASE WHEN whole <> 0 THEN demo.num(100 * part / whole, decimals)
			|| CASE WHEN demo.french() THEN demo.narrow_space() WHEN spaced THEN ' ' ELSE '' END || '%' END
$$;

-- How far off something is: +7.1 %, -3.0 %
CREATE FUNCTION demo.signed_pct(part numeric) RETURNS text
LANGUAGE sql STABLE AS $$ SELECT CASE WHEN part >= 0 THEN '+' ELSE '' END || demo.pct(part, 1) $$;

-- Money: cents for small shops and single orders, none for large sums.
CREATE FUNCTION demo.money(x numeric, typical numeric) RETURNS text
LANGUAGE sql STABLE AS $$ SELECT demo.num(x, CASE WHEN abs(typical) < 10000 THEN 2 ELSE 0 END) $$;

-- 1 order, 2 orders: the key's text holds both forms, "order|orders".
CREATE FUNCTION demo.count_of(n bigint, key text) RETURNS text
LANGUAGE sql STABLE AS $$
	SELECT demo.num(n) || ' ' || split_part(demo.t(key), '|',
		CASE WHEN n = 1 OR (n = 0 AND demo.french()) THEN 1 ELSE 2 END)
$$;

-- A bar of at most "width" characters.
CREATE FUNCTION demo.bar(x numeric, biggest numeric, width int) RETURNS text
LANGUAGE sql STABLE AS $$
	SELECT CASE
		WHEN x IS NULL OR x <= 0 OR biggest <= 0 THEN ''
		WHEN demo.glyphs() THEN
			repeat('█', eighths / 8) || CASE WHEN eighths % 8 > 0 THEN substr('▏▎▍▌▋▊▉', eighths % 8, 1) ELSE '' END
		WHEN round(x / biggest * width) = 0 THEN '.'
		ELSE repeat('#', round(x / biggest * width)::int)
		END
	  FROM (SELECT greatest(1, round(x / biggest * width * 8))::int AS eighths) e
$$;

-- How much of the revenue a cell holds, in five steps.
CREATE FUNCTION demo.shade(share numeric) RETURNS text
LANGUAGE sql STABLE AS $$
	SELECT substr(CASE WHEN demo.glyphs() THEN ' ░▒▓█' ELSE ' .:#@' END,
				  CASE WHEN share >= 0.10 THEN 5 WHEN share >= 0.05 THEN 4 WHEN share >= 0.02 THEN 3
					   WHEN share > 0 THEN 2 ELSE 1 END, 1)
$$;

-- Cells beside each other; a width below zero is a column aligned to the left.
CREATE FUNCTION demo.row(cells text[], widths int[]) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
	SELECT rtrim('  ' || string_agg(CASE WHEN width < 0 THEN coalesce(cell, '') || repeat(' ', -width - length(coalesce(cell, '')))
										 ELSE repeat(' ', width - length(coalesce(cell, ''))) || coalesce(cell, '') END, '' ORDER BY i))
	  FROM unnest(cells, widths) WITH ORDINALITY u(cell, width, i)
$$;

-- The widths of a table with room for every cell: between two that are filled there is a blank.
CREATE FUNCTION demo.fit(widths int[], rows jsonb) RETURNS int[]
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	result int[] := widths;
	needed int;
BEGIN
	FOR i IN 1 .. cardinality(widths) LOOP
		-- what stands left of it ends where its column ends, unless it is aligned to the left
		SELECT max(length(cell) + CASE WHEN i = 1 OR coalesce(before, '') = '' THEN 0
									   WHEN result[i - 1] < 0 THEN CASE WHEN result[i] < 0 THEN 0 ELSE greatest(0, 1 - (-result[i - 1] - length(before))) END
									   WHEN result[i] < 0 THEN 0 ELSE 1 END)
		  INTO needed
		  FROM jsonb_array_elements(rows) r, LATERAL (SELECT r ->> (i - 1) AS cell, CASE WHEN i > 1 THEN r ->> (i - 2) END AS before) c WHERE cell <> '';
		IF needed > abs(result[i]) THEN
			result[i] := sign(result[i]) * needed;
		END IF;
	END LOOP;
	RETURN result;
END $$;

-- Text of the file on one line of the screen: no control characters, not too long.
CREATE FUNCTION demo.shown(x text, width int DEFAULT 40) RETURNS text
LANGUAGE sql STABLE AS $$
	SELECT CASE WHEN length(y) <= width THEN y
				WHEN demo.glyphs() THEN left(y, width - 1) || '…' ELSE left(y, width - 3) || '...' END
	  FROM (SELECT regexp_replace(left(x, 1000), U&'[\0001-\001F\007F-\009F\200B-\200F\2028-\202E\2066-\2069]', '?', 'g')) s(y)
$$;

-- Lines of at most 100 characters out of parts joined by "separator".
CREATE FUNCTION demo.wrap(first_indent text, next_indent text, parts text[], separator text DEFAULT '   ') RETURNS text
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	given text[] := ARRAY(SELECT part FROM unnest(parts) WITH ORDINALITY u(part, i) WHERE part <> '' ORDER BY i);
	lines text := '';
	line text := first_indent || given[1];
BEGIN
	FOR i IN 2 .. cardinality(given) LOOP
		IF length(line || separator || given[i] || CASE WHEN i < cardinality(given) THEN rtrim(separator) ELSE '' END) <= 100 THEN
			line := line || separator || given[i];
		ELSE
			lines := lines || rtrim(line || separator) || E'\n';
			line := next_indent || given[i];
		END IF;
	END LOOP;
	RETURN lines || line;
END $$;

-- A sentence, broken into lines between words, but not within 2 480 or 14 %.
CREATE FUNCTION demo.fill(first_indent text, next_indent text, sentence text) RETURNS text
LANGUAGE sql STABLE AS $$
	SELECT translate(demo.wrap(first_indent, next_indent,
							   string_to_array(regexp_replace(replace(sentence, 'F = ', E'F\x01=\x01'), '([0-9]) (?=%|[0-9]{3})', E'\\1\x01', 'g'), ' '), ' '),
					 E'\x01', ' ')
$$;

-- The widths of a table's columns, which differ by language.
CREATE FUNCTION demo.widths(key text) RETURNS int[]
LANGUAGE sql STABLE AS $$ SELECT string_to_array(demo.t(key), ' ')::int[] $$;
