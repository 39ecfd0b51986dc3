-- From the lines of a CSV file to the table orders. COPY takes the fields
-- apart; what they mean (which column is the customer, comma or point, day or
-- month first) is decided here, over whole columns, and never guessed: where a
-- column allows two readings, the run stops and asks.

CREATE TABLE demo.first_line (line text);
CREATE TABLE demo.file_columns (position int PRIMARY KEY, name text NOT NULL);
CREATE TABLE demo.usual_names (role text NOT NULL, rank int NOT NULL, name text NOT NULL);

INSERT INTO demo.usual_names
SELECT role, rank, name
  FROM (VALUES
	('customer', 'customer_id customerid customer_key customer_number customer_no customer_code customer id_customer
		client_id clientid client_key client_number client_no client id_client code_client numero_client no_client num_client
		user_id userid user member_id member account_id account buyer_id buyer contact_id visitor_id person_id person
		acheteur id_acheteur id_utilisateur utilisateur
		kunden_id kundenid kundennummer kunden_nummer kundennr kunden_nr kunde kundin
		customer_email client_email email_address email e_mail mail adresse_email courriel customer_name client_name
		nom_client kundenname'),
	('day', 'order_date orderdate date_order ordered_at ordered_on order_day order_time ordertime purchase_date purchased_at purchased_on
		date_commande date_de_commande date_de_la_commande date_achat date_d_achat jour_commande commande_le
		invoice_date invoicedate date_facture date_de_facture transaction_date transaction_time transacted_at sale_date date_vente
		bestelldatum bestell_datum auftragsdatum kaufdatum rechnungsdatum
		date_added day jour date datum datetime timestamp created_at created_on created paid_at date_creation date_paiement'),
	('value', 'amount order_amount total_amount order_total total_price total_paid grand_total order_value ordervalue total
		montant montant_total montant_ttc total_ttc montant_commande total_commande ca chiffre_d_affaires chiffre_affaires
		montant_paye montant_regle betrag gesamtbetrag bestellwert rechnungsbetrag umsatz gesamt summe
		revenue turnover sales sale_amount gross_amount net_amount net_sales gross net value valeur paid amount_paid payment_amount spend
		bruttobetrag nettobetrag brutto netto
		subtotal sub_total montant_ht total_ht price unit_price unitprice prix prix_ttc prix_total prix_unitaire preis einzelpreis'),
	('currency', 'currency currency_code order_currency currencycode iso_currency devise code_devise monnaie wahrung waehrung valuta'),
	('quantity', 'quantity qty quantite qte menge anzahl'),
	('order', 'order_id orderid order_number order_no invoice_id invoice_no invoiceno invoice invoice_number
		id_commande numero_commande no_commande commande id_order transaction_id numero_facture no_facture
		bestellnummer bestellnr bestell_id auftragsnummer rechnungsnummer')
  ) v(role, names), regexp_split_to_table(names, '\s+') WITH ORDINALITY n(name, rank);

-- A column's name without case, accents and punctuation.
CREATE FUNCTION demo.plain_name(name text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
	SELECT btrim(regexp_replace(
		translate(lower(regexp_replace(name, '([a-z])([A-Z])', '\1_\2', 'g')), 'àâäáãçéèêëíîïñóôöõúùûüÿ', 'aaaaaceeeeiiinoooouuuuy'),
		'[^a-z0-9]+', '_', 'g'), '_')
$$;

-- How many fields a record has, by COPY's rule: a quote opens or closes, and
-- between quotes a delimiter is text.
CREATE FUNCTION demo.fields(record text, delimiter text) RETURNS int
LANGUAGE sql IMMUTABLE AS $$
	SELECT length(bare) - length(replace(bare, delimiter, '')) + 1
	  FROM (SELECT CASE WHEN strpos(record, '"') = 0 THEN record
						ELSE regexp_replace(record, '"[^"]*("|$)', '', 'g') END) s(bare)
$$;

-- Whether every quoted field is quoted from its beginning to its end.
CREATE FUNCTION demo.well_quoted(record text, delimiter text) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
	SELECT strpos(regexp_replace(record, format('(^|\%1$s)"([^"]|"")*"(?=\%1$s|$)', delimiter), '\1', 'g'), '"') = 0
$$;

-- Finds the delimiter in the first line and makes the tables that COPY fills.
-- Returns the delimiter and the number of columns.
CREATE FUNCTION demo.read_first_line(asked_delimiter text, has_header boolean)
RETURNS TABLE (delimiter text, columns int)
LANGUAGE plpgsql AS $$
DECLARE
	first text := (SELECT string_agg(line, E'\n') FROM demo.first_line);
	best int;
	tied int;
BEGIN
	IF coalesce(btrim(first), '') = '' THEN
		PERFORM demo.stop(demo.t('first line is empty'), demo.t('hint header'));
	END IF;
	delimiter := asked_delimiter;
	IF delimiter IS NULL THEN
		SELECT d, n, count(*) OVER (PARTITION BY n) INTO delimiter, best, tied
		  FROM (SELECT d, demo.fields(first, d) AS n FROM unnest(ARRAY[',', ';', E'\t', '|']) d) s
		 ORDER BY n DESC LIMIT 1;
		IF best = 1 THEN
			PERFORM demo.stop(demo.t('one column only', demo.shown(first, 60)), demo.t('hint delimiter'));
		ELSIF tied > 1 THEN
			PERFORM demo.stop(demo.t('two delimiters', demo.shown(first, 60)), demo.t('hint delimiter'));
		END IF;
	END IF;
	columns := demo.fields(first, delimiter);
	IF columns > 1500 THEN
		PERFORM demo.stop(demo.t('too many columns', columns::text));
	ELSIF columns = 1 THEN
		PERFORM demo.stop(demo.t('one column only', demo.shown(first, 60)), demo.t('hint delimiter'));
	END IF;
	EXECUTE 'CREATE UNLOGGED TABLE demo.header ('
		|| (SELECT string_agg(format('c%s text', i), ', ' ORDER BY i) FROM generate_series(1, columns) i) || ')';
	RETURN NEXT;
END $$;

-- The names of the columns: from the header, made unique.
CREATE FUNCTION demo.name_columns(columns int, has_header boolean) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
	IF NOT has_header THEN
		INSERT INTO demo.file_columns SELECT i, 'column_' || i FROM generate_series(1, columns) i;
		RETURN;
	END IF;
	INSERT INTO demo.file_columns
	WITH trimmed AS (
		SELECT substr(key, 2)::int AS position, btrim(regexp_replace(value, '[[:cntrl:]\s]+', ' ', 'g')) AS name
		  FROM demo.header h, jsonb_each_text(to_jsonb(h))
	), named AS (
		-- short enough for a name with a suffix, and not the name of a system column
		SELECT position, CASE WHEN coalesce(name, '') = '' THEN 'column ' || position
							  WHEN name IN ('ctid', 'xmin', 'xmax', 'cmin', 'cmax', 'tableoid') THEN name || '_'
							  WHEN octet_length(name) > 55 THEN left(name, CASE WHEN octet_length(name) > length(name) THEN 13 ELSE 55 END)
							  ELSE name END AS name
		  FROM trimmed
	), counted AS (
		SELECT *, row_number() OVER (PARTITION BY name ORDER BY position) AS copy FROM named
	)
	SELECT position, name || CASE WHEN copy > 1 THEN ' (' || copy || ')' ELSE '' END FROM counted;
END $$;

CREATE FUNCTION demo.column_list() RETURNS text
LANGUAGE sql STABLE AS $$
	SELECT string_agg(demo.shown(name, 30), ', ' ORDER BY position) || CASE WHEN count(*) < max(total) THEN ', ...' ELSE '' END
	  FROM (SELECT *, count(*) OVER () AS total FROM demo.file_columns ORDER BY position LIMIT 30) c
$$;

-- The position of the column that was asked for by name or position.
CREATE FUNCTION demo.asked_column(asked text, option text) RETURNS int
LANGUAGE plpgsql STABLE AS $$
DECLARE
	result int;
BEGIN
	SELECT position INTO result FROM demo.file_columns
	 WHERE name = btrim(asked) OR lower(name) = lower(btrim(asked))
	 ORDER BY name = btrim(asked) DESC, position LIMIT 1;
	IF result IS NULL AND asked ~ '^[0-9]{1,4}$' THEN
		SELECT position INTO result FROM demo.file_columns WHERE position = asked::int;
	END IF;
	IF result IS NULL THEN
		PERFORM demo.stop(demo.t('no such column', option, demo.shown(asked), demo.column_list()));
	END IF;
	RETURN result;
END $$;

-- The columns with a usual name for a role. "amount (2)" is the second of that name.
CREATE FUNCTION demo.usual_columns(wanted text) RETURNS TABLE ("position" int, name text, bare text, rank int)
LANGUAGE sql STABLE AS $$
	SELECT c.position, c.name, b.bare, min(u.rank)
	  FROM demo.file_columns c CROSS JOIN LATERAL (SELECT demo.plain_name(regexp_replace(c.name, ' \([0-9]+\)$', ''))) b(bare)
	  JOIN demo.usual_names u ON u.name = b.bare OR u.name = lower(c.name)
	 WHERE u.role = wanted GROUP BY 1, 2, 3
$$;

-- The position of the column with the most usual of the usual names.
CREATE FUNCTION demo.usual_column(wanted text) RETURNS int
LANGUAGE sql STABLE AS $$ SELECT position FROM demo.usual_columns(wanted) ORDER BY rank, position LIMIT 1 $$;

-- Which column was taken for a role by its name, and what else it could have been.
CREATE FUNCTION demo.column_taken(role text, taken int, all_taken int[]) RETURNS text
LANGUAGE sql STABLE AS $$
	SELECT demo.t('column taken', demo.t('role ' || role), demo.shown(name, 30))
		|| CASE WHEN others.n > 0 THEN demo.t('column others', CASE WHEN twins.n > 1 THEN demo.t('column twins', twins.n::text) ELSE '' END, names) ELSE '' END
	  FROM demo.file_columns,
		   (SELECT count(*) AS n, string_agg(demo.shown(c.name, 20), ', ' ORDER BY c.rank, c.position) FILTER (WHERE nr <= 3)
				|| CASE WHEN count(*) > 3 THEN ', ...' ELSE '' END AS names
			  FROM (SELECT p.*, row_number() OVER (ORDER BY p.rank, p.position) AS nr FROM demo.usual_columns(role) p
					 WHERE p.position <> ALL (all_taken)) c) others,
		   (SELECT count(*) AS n FROM demo.usual_columns(role) WHERE bare = (SELECT bare FROM demo.usual_columns(role) WHERE position = taken)) twins
	 WHERE position = taken
$$;

CREATE FUNCTION demo.choose_columns(customer text, day text, value text, quantity text)
RETURNS TABLE (customer_position int, day_position int, value_position int, quantity_position int)
LANGUAGE plpgsql AS $$
DECLARE
	missing text[] := '{}';
	first_cells text;
BEGIN
	customer_position := CASE WHEN customer IS NULL THEN demo.usual_column('customer') ELSE demo.asked_column(customer, '--customer') END;
	day_position := CASE WHEN day IS NULL THEN demo.usual_column('day') ELSE demo.asked_column(day, '--day') END;
	value_position := CASE WHEN value IS NULL THEN demo.usual_column('value') ELSE demo.asked_column(value, '--amount') END;
	quantity_position := CASE WHEN quantity IS NOT NULL THEN demo.asked_column(quantity, '--quantity') END;
	IF customer_position IS NULL THEN missing := missing || demo.t('the customer'); END IF;
	IF day_position IS NULL THEN missing := missing || demo.t('the day'); END IF;
	IF value_position IS NULL THEN missing := missing || demo.t('the amount'); END IF;
	IF missing <> '{}' THEN
		SELECT string_agg(name, ' ') INTO first_cells FROM demo.file_columns;
		IF EXISTS (SELECT FROM demo.file_columns
					WHERE name ~ '^[-+]?[0-9]+([.,][0-9]+)?$' OR name ~ '^\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([T ].*)?$') THEN
			PERFORM demo.stop(demo.t('no header', demo.shown(demo.column_list(), 80)), demo.t('hint no header'));
		END IF;
		PERFORM demo.stop(demo.t('columns not found', array_to_string(missing, ', '), demo.column_list()),
						  demo.t('hint columns'));
	END IF;
	IF customer_position IN (day_position, value_position) OR day_position = value_position THEN
		PERFORM demo.stop(demo.t('one column for two roles', demo.column_list()), demo.t('hint columns'));
	END IF;
	-- what was chosen by name, unless there was nothing to choose
	WITH chosen AS (
		SELECT nr, option, demo.column_taken(role, taken, ARRAY[customer_position, day_position, value_position, coalesce(quantity_position, 0)]) AS line,
			   (SELECT bare = standard FROM demo.usual_columns(role) WHERE position = taken) AS is_standard
		  FROM (VALUES (1, 'customer', customer, customer_position, 'customer_id', '--customer'),
					   (2, 'day', day, day_position, 'order_date', '--day'),
					   (3, 'value', value, value_position, 'amount', '--amount')) r(nr, role, asked, taken, standard, option)
		 WHERE asked IS NULL
	)
	UPDATE demo.settings
	   SET columns_taken = (SELECT demo.t('columns taken', string_agg(line, ', ' ORDER BY nr),
										  string_agg(option, ', ' ORDER BY nr))
							  FROM chosen HAVING bool_or(NOT is_standard OR line LIKE '%(%'));
	RETURN NEXT;
END $$;

CREATE FUNCTION demo.make_raw(columns int) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
	DROP TABLE IF EXISTS demo.raw;
	EXECUTE 'CREATE UNLOGGED TABLE demo.raw (line bigint GENERATED BY DEFAULT AS IDENTITY, '
		|| (SELECT string_agg(format('c%s text', i), ', ' ORDER BY i) FROM generate_series(1, columns) i) || ')';
END $$;

-- COPY refuses a file for one bad record, and takes a stray quote for the
-- beginning of a field of many lines. Then the lines are loaded as they are, the
-- records that are no good are set apart and named, and COPY gets the others:
-- see the function records of demo/load.sh.
CREATE UNLOGGED TABLE demo.lines (line bigint GENERATED BY DEFAULT AS IDENTITY, content text);

CREATE FUNCTION demo.set_records_apart(delimiter text, columns int) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
	opening record;
	closing bigint;
	done bigint := 0;
	joined text;
BEGIN
	-- each line began with a colon, so that none could look like COPY's end mark
	CREATE UNLOGGED TABLE demo.records AS
	SELECT line, rtrim(substr(content, 2), E'\r') AS content FROM demo.lines;
	-- a record that goes on over several lines, because a quote is open at the line's end
	CREATE TEMP TABLE odd AS
	SELECT line FROM demo.records WHERE (length(content) - length(replace(content, '"', ''))) % 2 = 1;
	CREATE INDEX ON odd (line);
	CREATE INDEX ON demo.records (line);
	ANALYZE odd;
	ANALYZE demo.records;
	FOR opening IN SELECT line FROM odd ORDER BY line LOOP
		CONTINUE WHEN opening.line <= done;
		SELECT min(line) INTO closing FROM odd WHERE line > opening.line;
		IF closing IS NOT NULL AND closing - opening.line <= 1000 THEN
			SELECT string_agg(content, E'\n' ORDER BY line) INTO joined
			  FROM demo.records WHERE line BETWEEN opening.line AND closing;
			IF demo.fields(joined, delimiter) = columns AND demo.well_quoted(joined, delimiter) THEN
				UPDATE demo.records SET content = joined WHERE line = opening.line;
				DELETE FROM demo.records WHERE line > opening.line AND line <= closing;
				done := closing;
				CONTINUE;
			END IF;
		END IF;
		INSERT INTO demo.left_out
		SELECT line, 'open quote', content FROM demo.records WHERE line = opening.line;
		DELETE FROM demo.records WHERE line = opening.line;
	END LOOP;
	DELETE FROM demo.records WHERE content ~ '^\s*$' AND content !~ E'\t';
	WITH gone AS (
		DELETE FROM demo.records WHERE demo.fields(content, delimiter) <> columns RETURNING line, content
	)
	INSERT INTO demo.left_out SELECT line, 'number of fields', content FROM gone;
	DROP TABLE odd;
END $$;

-- Numbers -------------------------------------------------------------------

CREATE TABLE demo.currencies (code text PRIMARY KEY);
INSERT INTO demo.currencies
SELECT regexp_split_to_table('EUR USD GBP CHF JPY CNY CAD AUD NZD SEK NOK DKK ISK PLN CZK HUF RON BGN TRY RUB UAH ILS AED SAR QAR KWD EGP '
	'MAD TND DZD XOF XAF ZAR NGN KES GHS INR PKR BDT LKR IDR MYR SGD THB VND PHP KRW HKD TWD BRL MXN ARS CLP COP PEN UYU '
	'$ US$ R$ A$ C$ CA$ AU$ NZ$ ¥ ₹ ₽ ₺ ₩ ₪ ₫ ฿ ₴ ₦ KR ZŁ KČ FT FR LEI', ' ');

-- A number's text in parts: sign, digits with their separators, exponent, currency.
CREATE FUNCTION demo.number_parts(x text) RETURNS text[]
LANGUAGE plpgsql STABLE AS $$
DECLARE
	sign text := '';
	before text;
	after text;
	unit text;
	power text := '';
BEGIN
	IF x ~ '^-?[0-9.,]+$' THEN					-- nearly always
		RETURN ARRAY[CASE WHEN left(x, 1) = '-' THEN '-' ELSE '' END, ltrim(x, '-'), '', NULL];
	END IF;
	x := btrim(translate(x, U&'\2212\00A0\202F\2009\2007\2019', '-    '''));
	IF x LIKE '(%)' THEN						-- accountants' minus
		sign := '-';
		x := substr(x, 2, length(x) - 2);
	END IF;
	-- what stands before the first digit and behind the last one
	before := substring(x from '^[^0-9]*');
	x := substr(x, length(before) + 1);
	IF before ~ '(^|[^[:alpha:]])[.,]$' THEN	-- .50
		x := right(before, 1) || x;
		before := left(before, -1);
	END IF;
	after := substring(x from '[^0-9]*$');
	x := left(x, length(x) - length(after));
	IF after ~ '^[.,]' THEN						-- 50.
		x := x || left(after, 1);
		after := substr(after, 2);
	END IF;
	IF before || after ~ '[-+]' THEN
		IF sign <> '' OR before || after ~ '[-+].*[-+]' THEN
			RETURN NULL;
		END IF;
		sign := CASE WHEN before || after ~ '-' THEN '-' ELSE '' END;
	END IF;
	before := upper(rtrim(translate(before, '-+ ', ''), '.'));
	after := upper(rtrim(translate(after, '-+ ', ''), '.'));
	IF before <> '' AND after <> '' THEN
		RETURN NULL;
	END IF;
	unit := nullif(CASE before || after WHEN '€' THEN 'EUR' WHEN '£' THEN 'GBP' ELSE before || after END, '');
	IF unit IS NOT NULL AND NOT EXISTS (SELECT FROM demo.currencies WHERE code = unit) THEN
		RETURN NULL;
	END IF;
	IF x ~ '^[0-9.,]+[eE][-+]?[0-9][0-9]?$' THEN
		power := substring(x from '[eE].*$');
		x := left(x, -length(power));
	END IF;
	IF length(x) > 40 OR x !~ '^[0-9., '']+$' THEN
		RETURN NULL;
	END IF;
	RETURN ARRAY[sign, x, power, unit];
END $$;

-- What a number's digits say about the decimal sign: ',' or '.', '?' where
-- both readings are possible (1,234), NULL where there is nothing to see.
CREATE FUNCTION demo.decimal_evidence(digits text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE
		WHEN digits !~ '[.,]' THEN NULL
		WHEN digits ~ '\..*,' AND digits ~ ',.*\.' THEN NULL
		WHEN digits ~ '\..*,' THEN ','
		WHEN digits ~ ',.*\.' THEN '.'
		WHEN digits ~ ',.*,' THEN '.'
		WHEN digits ~ '\..*\.' THEN ','
		WHEN digits ~ '^[1-9][0-9]{0,2}[.,][0-9]{3}$' THEN '?'
		ELSE CASE WHEN digits ~ ',' THEN ',' ELSE '.' END
		END
$$;

CREATE FUNCTION demo.to_number(parts text[], decimal_sign text) RETURNS numeric
LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE WHEN plain ~ '^([0-9]+|[0-9]{1,3}(t[0-9]{2,3})*t[0-9]{3}|[0-9]{1,3}([ ''][0-9]{3})+)?(d[0-9]*)?$' AND plain ~ '[0-9]'
				THEN (parts[1] || replace(translate(plain, 't ''', ''), 'd', '.') || parts[3])::numeric END
	  FROM (SELECT translate(parts[2], CASE decimal_sign WHEN ',' THEN '.,' ELSE ',.' END, 'td')) s(plain)
$$;

-- All spellings in a column of numbers, with what each means.
CREATE FUNCTION demo.read_numbers(role text, column_position int, asked_decimal text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
	column_name text := demo.shown((SELECT name FROM demo.file_columns WHERE position = column_position));
	decimal_sign text := asked_decimal;
	commas bigint;
	points bigint;
	unclear bigint;
	example text;
	units text;
	n_units int;
	n bigint;
BEGIN
	DROP TABLE IF EXISTS numbers;
	EXECUTE format($q$
		CREATE TEMP TABLE numbers AS
		SELECT raw, n, demo.number_parts(raw) AS parts, NULL::numeric AS value
		  FROM (SELECT c%s AS raw, count(*) AS n FROM demo.raw WHERE c%1$s IS NOT NULL GROUP BY 1) s $q$, column_position);
	SELECT coalesce(sum(x.n) FILTER (WHERE e = ','), 0), coalesce(sum(x.n) FILTER (WHERE e = '.'), 0),
		   coalesce(sum(x.n) FILTER (WHERE e = '?'), 0), min(raw) FILTER (WHERE e = '?')
	  INTO commas, points, unclear, example
	  FROM numbers x, demo.decimal_evidence(parts[2]) e;
	IF decimal_sign IS NULL THEN
		IF commas = 0 AND points = 0 AND unclear > 0 THEN
			PERFORM demo.stop(demo.t('decimal unclear', column_name, demo.shown(example)), demo.t('hint decimal'));
		ELSIF least(commas, points) * 100 > commas + points THEN
			PERFORM demo.stop(demo.t('decimal mixed', column_name, demo.num(commas),
				demo.shown((SELECT min(raw) FROM numbers WHERE demo.decimal_evidence(parts[2]) = ',')), demo.num(points),
				demo.shown((SELECT min(raw) FROM numbers WHERE demo.decimal_evidence(parts[2]) = '.'))), demo.t('hint decimal'));
		END IF;
		decimal_sign := CASE WHEN commas > points THEN ',' ELSE '.' END;
	ELSIF (CASE decimal_sign WHEN ',' THEN points > commas ELSE commas > points END) THEN
		PERFORM demo.stop(demo.t(CASE decimal_sign WHEN ',' THEN 'decimal is point' ELSE 'decimal is comma' END, column_name,
			(SELECT demo.shown(min(raw)) FROM numbers WHERE demo.decimal_evidence(parts[2]) = CASE decimal_sign WHEN ',' THEN '.' ELSE ',' END)),
			demo.t('hint drop decimal'));
	END IF;
	UPDATE numbers SET value = demo.to_number(parts, decimal_sign) WHERE parts IS NOT NULL;
	IF NOT EXISTS (SELECT FROM numbers WHERE value IS NOT NULL) THEN
		PERFORM demo.stop(demo.t('no number', column_name,
			(SELECT string_agg('"' || demo.shown(raw, 20) || '"', ', ') FROM (SELECT raw FROM numbers y ORDER BY y.n DESC, raw LIMIT 3) s)),
			demo.t('hint columns'));
	END IF;

	SELECT count(DISTINCT parts[4]),
		   (SELECT string_agg(format('%s (%s)', unit, demo.num(rows)), ', ')
			  FROM (SELECT parts[4] AS unit, sum(y.n) AS rows FROM numbers y
					 WHERE value IS NOT NULL AND parts[4] IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 6) s)
	  INTO n_units, units FROM numbers WHERE value IS NOT NULL;
	IF n_units > 1 THEN
		PERFORM demo.stop(demo.t('currencies', column_name, units), demo.t('hint currencies'));
	ELSIF n_units = 1 AND role = 'value' THEN
		UPDATE demo.settings SET currency = (SELECT max(parts[4]) FROM numbers WHERE value IS NOT NULL);
		SELECT sum(y.n) INTO n FROM numbers y WHERE value IS NOT NULL AND parts[4] IS NULL AND value <> 0;
		IF n > 0 THEN
			INSERT INTO demo.remarks (line) SELECT demo.t('no currency', demo.num(n), currency) FROM demo.settings;
		END IF;
	END IF;
	IF commas + unclear > 0 THEN
		INSERT INTO demo.remarks (line)
		SELECT demo.t(CASE decimal_sign WHEN ',' THEN 'decimal read' ELSE 'decimal read point' END, column_name,
					  demo.shown(raw), demo.num(value, greatest(2, scale(value))))
		  FROM numbers WHERE value IS NOT NULL AND raw ~ CASE decimal_sign WHEN ',' THEN '[,.]' ELSE ',' END
		 ORDER BY raw ~ ',' DESC, abs(value) DESC, raw LIMIT 1;
	END IF;
	-- more digits than a history holds: the noise of binary fractions
	SELECT sum(y.n) INTO n FROM numbers y WHERE scale(trim_scale(value)) > 9;
	IF n > 0 THEN
		UPDATE numbers SET value = round(value, 6) WHERE scale(trim_scale(value)) > 9;
		INSERT INTO demo.remarks (line) VALUES (demo.t('digits rounded', column_name, demo.num(n)));
	END IF;
	EXECUTE format('CREATE UNLOGGED TABLE demo.%I AS SELECT raw, value FROM numbers WHERE value IS NOT NULL', role || '_texts');
	EXECUTE format('ANALYZE demo.%I', role || '_texts');
	DROP TABLE numbers;
END $$;

-- Days ----------------------------------------------------------------------

CREATE FUNCTION demo.month_number(name text) RETURNS int
LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE
		WHEN n ~ '^jan(v|vier|uary)?$' THEN 1 WHEN n ~ '^fe(v|b|vr|vrier|bruary)$' THEN 2 WHEN n ~ '^mar(s|ch)?$' THEN 3
		WHEN n ~ '^a(pr|vr|pril|vril)$' THEN 4 WHEN n ~ '^ma[iy]$' THEN 5 WHEN n ~ '^ju(n|in|ne)$' THEN 6
		WHEN n ~ '^ju(l|il|ly|illet)$' THEN 7 WHEN n ~ '^a(ug|ou|out|ugust)$' THEN 8 WHEN n ~ '^sept?(ember|embre)?$' THEN 9
		WHEN n ~ '^oct(ober|obre)?$' THEN 10 WHEN n ~ '^nov(ember|embre)?$' THEN 11 WHEN n ~ '^dec(ember|embre)?$' THEN 12 END
	  FROM (SELECT translate(lower(name), 'éèû', 'eeu')) s(n)
$$;

CREATE FUNCTION demo.make_day(y int, m int, d int) RETURNS date
LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE WHEN y BETWEEN 1900 AND 2199 AND m BETWEEN 1 AND 12 AND d BETWEEN 1 AND
		CASE WHEN m IN (4, 6, 9, 11) THEN 30 WHEN m <> 2 THEN 31
			 WHEN y % 4 = 0 AND (y % 100 <> 0 OR y % 400 = 0) THEN 29 ELSE 28 END
		THEN make_date(y, m, d) END
$$;

CREATE FUNCTION demo.full_year(y text) RETURNS int
LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE WHEN length(y) = 2 THEN y::int + CASE WHEN y::int < 70 THEN 2000 ELSE 1900 END ELSE y::int END
$$;

-- A day's text in parts: its three readings, the time of day and the offset.
CREATE FUNCTION demo.day_parts(x text, OUT ymd date, OUT dmy date, OUT mdy date, OUT clock text, OUT zone text)
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	m text[];
	month int;
	rest constant text := '(?:(?:[T ]|,)\s*([0-2]?\d:[0-5]\d(?::[0-5]\d(?:[.,]\d+)?)?(?:\s*[AaPp]\.?[Mm]\.?)?)\s*(Z|UTC|GMT|[-+][01]\d(?::?[0-5]\d)?)?)?$';
BEGIN
	x := btrim(translate(x, U&'\00A0\202F', '  '));
	m := regexp_match(x, '^(\d{4})([-/. ]?)(\d{1,2})\2(\d{1,2})' || rest);
	IF m IS NOT NULL THEN
		IF m[2] <> '' OR length(m[3] || m[4]) = 4 THEN
			ymd := demo.make_day(m[1]::int, m[3]::int, m[4]::int);
			clock := m[5];
			zone := m[6];
		END IF;
		RETURN;
	END IF;
	m := regexp_match(x, '^(\d{1,2})([-/. ])(\d{1,2})\2(\d{4}|\d{2})' || rest);
	IF m IS NOT NULL THEN
		dmy := demo.make_day(demo.full_year(m[4]), m[3]::int, m[1]::int);
		mdy := demo.make_day(demo.full_year(m[4]), m[1]::int, m[3]::int);
		IF length(m[4]) = 2 AND length(m[1]) = 2 THEN
			ymd := demo.make_day(demo.full_year(m[1]), m[3]::int, m[4]::int);
		END IF;
		clock := m[5];
		zone := m[6];
		RETURN;
	END IF;
	-- months in letters leave one reading
	m := regexp_match(x, '^(?:[[:alpha:]]{2,9}[.,]*\s+)?(\d{1,2})(?:st|nd|rd|th|er)?[-/. ]+([[:alpha:]]{3,9})[.,]?[-/. ]+(\d{4}|\d{2})' || rest);
	IF m IS NULL THEN
		m := regexp_match(x, '^(?:[[:alpha:]]{2,9}[.,]*\s+)?([[:alpha:]]{3,9})[.]?[- ]+(\d{1,2})(?:st|nd|rd|th)?,?[- ]+(\d{4})' || rest);
		m := ARRAY[m[2], m[1], m[3], m[4], m[5]];
	END IF;
	month := demo.month_number(m[2]);
	IF month IS NOT NULL THEN
		ymd := demo.make_day(demo.full_year(m[3]), month, m[1]::int);
		clock := m[4];
		zone := m[5];
	END IF;
END $$;

-- The text of a day without a plain time of day behind it: few days have many times.
CREATE FUNCTION demo.day_text(x text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE WHEN x ~ '^[0-9./-]{6,10}[ T][0-2][0-9]:[0-5][0-9](:[0-5][0-9]([.][0-9]+)?)?$'
				THEN split_part(x, CASE WHEN strpos(x, 'T') > 0 THEN 'T' ELSE ' ' END, 1) ELSE x END
$$;

-- A moment written as a number: Excel's days since 1899-12-30, or seconds or
-- milliseconds since 1970.
CREATE FUNCTION demo.counted_moment(x text, way text) RETURNS timestamptz
LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE
		WHEN way = 'excel' AND x ~ '^\s*[1-9][0-9]{3,4}([.,][0-9]{1,12})?\s*$' THEN
			to_timestamp((replace(x, ',', '.')::float8 - 25569) * 86400)
		WHEN way = 'unix' AND x ~ '^\s*[0-9]{9,10}([.,][0-9]{1,9})?\s*$' THEN to_timestamp(replace(x, ',', '.')::float8)
		WHEN way = 'unix' AND x ~ '^\s*[0-9]{12,13}\s*$' THEN to_timestamp(x::float8 / 1000)
		END
$$;

CREATE FUNCTION demo.read_days(column_position int, asked_format text, time_zone text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
	column_name text := demo.shown((SELECT name FROM demo.file_columns WHERE position = column_position));
	chosen text := asked_format;
	fits bigint[];
	alone bigint[];
	examples text[];
	example text;
	way text;
	best bigint;
	n bigint;
BEGIN
	EXECUTE format($q$
		CREATE TEMP TABLE days AS
		SELECT raw, n, p.*, NULL::date AS day
		  FROM (SELECT demo.day_text(c%s) AS raw, count(*) AS n FROM demo.raw WHERE c%1$s IS NOT NULL GROUP BY 1) s,
			   demo.day_parts(raw) p $q$, column_position);
	IF chosen IN ('excel', 'unix') THEN
		UPDATE days SET dmy = NULL, mdy = NULL, ymd = CASE WHEN (moment AT TIME ZONE 'UTC')::date BETWEEN '1900-03-01' AND '2199-12-31' THEN (moment AT TIME ZONE 'UTC')::date END,
			   clock = CASE chosen WHEN 'unix' THEN to_char(moment AT TIME ZONE 'UTC', 'HH24:MI:SS') END, zone = CASE chosen WHEN 'unix' THEN 'UTC' END
		  FROM (SELECT d.raw AS counted, demo.counted_moment(d.raw, chosen) AS moment FROM days d) c
		 WHERE raw = counted AND moment IS NOT NULL;
		chosen := 'ymd';
	END IF;
	IF NOT EXISTS (SELECT FROM days WHERE coalesce(ymd, dmy, mdy) IS NOT NULL) THEN
		FOREACH way IN ARRAY ARRAY['excel', 'unix'] LOOP
			SELECT sum(d.n) FILTER (WHERE demo.counted_moment(raw, way) BETWEEN '1970-01-02 UTC' AND '2100-01-01 UTC'), min(raw)
			  INTO n, example FROM days d WHERE btrim(raw) <> '';
			IF n * 2 > (SELECT sum(d.n) FROM days d WHERE btrim(raw) <> '') THEN
				SELECT min(raw) INTO example FROM days WHERE demo.counted_moment(raw, way) IS NOT NULL;
				PERFORM demo.stop(demo.t('day is ' || way, column_name, demo.shown(example),
					((demo.counted_moment(example, way) AT TIME ZONE 'UTC')::date)::text), demo.t('hint day counted', way));
			END IF;
		END LOOP;
		PERFORM demo.stop(demo.t('no day', column_name,
			(SELECT string_agg('"' || demo.shown(raw, 25) || '"', ', ') FROM (SELECT raw FROM days d ORDER BY d.n DESC, raw LIMIT 3) s)),
			demo.t('hint day'));
	END IF;
	-- only texts like 03/04/2024 can be read in several ways
	IF chosen IS NULL AND EXISTS (SELECT FROM days WHERE coalesce(dmy, mdy) IS NOT NULL) THEN
		SELECT ARRAY[coalesce(sum(d.n) FILTER (WHERE dmy IS NOT NULL), 0), coalesce(sum(d.n) FILTER (WHERE mdy IS NOT NULL), 0),
					 coalesce(sum(d.n) FILTER (WHERE ymd IS NOT NULL), 0)]
		  INTO fits FROM days d WHERE coalesce(dmy, mdy) IS NOT NULL;
		-- texts that only the day first, or only the month first, explains
		SELECT ARRAY[coalesce(sum(d.n) FILTER (WHERE dmy IS NOT NULL AND mdy IS NULL AND ymd IS NULL), 0),
					 coalesce(sum(d.n) FILTER (WHERE mdy IS NOT NULL AND dmy IS NULL AND ymd IS NULL), 0)] INTO alone FROM days d;
		IF least(alone[1], alone[2]) * 100 > alone[1] + alone[2] THEN
			PERFORM demo.stop(demo.t('day mixed', column_name,
				demo.shown((SELECT min(raw) FROM days WHERE dmy IS NOT NULL AND mdy IS NULL)),
				demo.shown((SELECT min(raw) FROM days WHERE mdy IS NOT NULL AND dmy IS NULL))), demo.t('hint day format'));
		END IF;
		best := greatest(fits[1], fits[2], fits[3]);
		chosen := CASE best WHEN fits[1] THEN 'dmy' WHEN fits[2] THEN 'mdy' ELSE 'ymd' END;
		-- readings that fit as well and say something else
		SELECT array_agg(DISTINCT f.format) INTO examples
		  FROM days, LATERAL (VALUES ('dmy', dmy, fits[1]), ('mdy', mdy, fits[2]), ('ymd', ymd, fits[3])) f(format, day, fit)
		 WHERE coalesce(dmy, mdy) IS NOT NULL AND f.fit = best AND f.format <> chosen
		   AND f.day IS DISTINCT FROM CASE chosen WHEN 'dmy' THEN dmy WHEN 'mdy' THEN mdy ELSE ymd END;
		IF examples IS NOT NULL THEN
			PERFORM demo.stop(demo.t('day unclear', column_name, demo.shown((
				SELECT raw FROM days WHERE dmy IS DISTINCT FROM mdy AND coalesce(dmy, mdy) IS NOT NULL ORDER BY days.n DESC, raw LIMIT 1))),
				demo.t('hint day format'));
		END IF;
		INSERT INTO demo.remarks (line)
		SELECT demo.t('day read ' || chosen, column_name, demo.shown(raw))
		  FROM days WHERE coalesce(dmy, mdy) IS NOT NULL
		   AND CASE chosen WHEN 'dmy' THEN dmy IS NOT NULL AND mdy IS NULL
						   WHEN 'mdy' THEN mdy IS NOT NULL AND dmy IS NULL ELSE ymd IS NOT NULL AND dmy IS NULL END
		 ORDER BY raw LIMIT 1;
	END IF;
	UPDATE days SET day = CASE WHEN coalesce(dmy, mdy) IS NULL THEN ymd
							   WHEN chosen = 'dmy' THEN dmy WHEN chosen = 'mdy' THEN mdy ELSE ymd END;
	SELECT sum(d.n) INTO n FROM days d WHERE zone IS NOT NULL AND day IS NOT NULL;
	IF time_zone IS NOT NULL THEN
		UPDATE days SET day = ((to_char(day, 'YYYY-MM-DD ') || replace(clock, ',', '.') || ' ' || zone)::timestamptz AT TIME ZONE time_zone)::date
		 WHERE zone IS NOT NULL AND day IS NOT NULL AND clock !~ '^2[4-9]';
		IF n > 0 THEN
			INSERT INTO demo.remarks (line) VALUES (demo.t('zone read', column_name, time_zone));
		ELSE
			INSERT INTO demo.remarks (line) VALUES (demo.t('zone unused', column_name));
		END IF;
	ELSIF n > 0 AND asked_format IS DISTINCT FROM 'unix' THEN
		INSERT INTO demo.remarks (line) VALUES (demo.t('zone written', column_name,
			(SELECT string_agg(zone, ', ') FROM (SELECT zone FROM days WHERE zone IS NOT NULL GROUP BY 1 ORDER BY 1 LIMIT 3) s)));
	END IF;
	IF asked_format IN ('excel', 'unix') THEN
		INSERT INTO demo.remarks (line)
		SELECT demo.t('day counted' || CASE WHEN asked_format = 'unix' AND time_zone IS NULL THEN ' in UTC' ELSE '' END, column_name, demo.shown(raw), day::text)
		  FROM days WHERE demo.counted_moment(raw, asked_format) IS NOT NULL AND day IS NOT NULL ORDER BY raw LIMIT 1;
	END IF;
	CREATE UNLOGGED TABLE demo.day_texts AS SELECT raw, day FROM days WHERE day IS NOT NULL;
	ANALYZE demo.day_texts;
	DROP TABLE days;
END $$;

-- The orders ----------------------------------------------------------------

CREATE FUNCTION demo.stop_without_rows() RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM demo.left_out) THEN
		PERFORM demo.stop(demo.t('no rows'));
	END IF;
	PERFORM demo.stop(demo.t('no row left', demo.num((SELECT count(*) FROM demo.left_out))),
		(SELECT string_agg(demo.t('bad line', line::text, demo.t('why ' || reason), coalesce(' "' || demo.shown(value, 30) || '"', '')), '; ')
		   FROM (SELECT * FROM demo.left_out ORDER BY line LIMIT 3) s));
END $$;

-- What a history holds with room to spare: 64 bits at the finest scale used.
CREATE FUNCTION demo.fits(x numeric) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$ SELECT abs(x) < CASE WHEN scale(trim_scale(x)) <= 4 THEN 1e12 ELSE 1e8 END $$;

-- The column that says in which currency the amounts are: by its name, or all its texts are codes.
CREATE FUNCTION demo.currency_column(other_than int[]) RETURNS int
LANGUAGE plpgsql AS $$
DECLARE
	result int := (SELECT position FROM demo.usual_columns('currency') WHERE position <> ALL (other_than) ORDER BY rank, position LIMIT 1);
BEGIN
	IF result IS NULL THEN
		SELECT substr(key, 2)::int INTO result
		  FROM (SELECT to_jsonb(r) - 'line' AS fields FROM demo.raw r LIMIT 500) s, jsonb_each_text(fields)
		 WHERE value <> '' AND substr(key, 2)::int <> ALL (other_than)
		 GROUP BY key HAVING bool_and(value ~ '^[A-Z]{3}$' AND value IN (SELECT code FROM demo.currencies))
		 ORDER BY 1 LIMIT 1;
	END IF;
	RETURN result;
END $$;

CREATE FUNCTION demo.currency_code(x text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
	SELECT nullif(CASE code WHEN '€' THEN 'EUR' WHEN '£' THEN 'GBP' ELSE code END, '') FROM upper(btrim(x)) code
$$;

CREATE FUNCTION demo.make_orders(customer_position int, day_position int, value_position int, quantity_position int, order_column text, asked_currency text, lines_before int) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
	customer_name text := (SELECT name FROM demo.file_columns WHERE position = customer_position);
	day_name text := (SELECT name FROM demo.file_columns WHERE position = day_position);
	order_name text := (SELECT name FROM demo.file_columns WHERE order_column IS NOT NULL AND position = demo.asked_column(order_column, '--order'));
	value_expression text := CASE WHEN quantity_position IS NULL THEN 'v.value' ELSE 'v.value * q.value' END;
	value_name text := (SELECT name FROM demo.file_columns WHERE position = value_position);
	currency_position int := demo.currency_column(ARRAY[customer_position, day_position, value_position, coalesce(quantity_position, 0)]);
	currency_name text := (SELECT name FROM demo.file_columns WHERE position = currency_position);
	-- the rows of the currency that was asked for
	in_currency text := CASE WHEN asked_currency IS NULL OR asked_currency = 'ANY' THEN 'true'
							 ELSE format('demo.currency_code(r.c%s) IS NOT DISTINCT FROM %L', currency_position, asked_currency) END;
	source text;
	columns text;
	found_currencies text;
	n_currencies int;
	read bigint;
	kept bigint;
BEGIN
	IF asked_currency IS NOT NULL AND currency_position IS NULL THEN
		PERFORM demo.stop(demo.t('no currency column', demo.column_list()));
	END IF;
	IF quantity_position IS NOT NULL THEN
		value_name := 'amount';
		WHILE EXISTS (SELECT FROM demo.file_columns WHERE name = value_name) LOOP
			value_name := value_name || '_';
		END LOOP;
	END IF;
	-- OFFSET 0: a join would find the text out twice, for its hash and for the comparison
	source := format('(SELECT *, demo.day_text(c%s) AS day_text FROM demo.raw OFFSET 0) r
					  LEFT JOIN demo.day_texts d ON d.raw = r.day_text LEFT JOIN demo.value_texts v ON v.raw = r.c%s',
					 day_position, value_position);
	IF quantity_position IS NOT NULL THEN
		source := source || format(' LEFT JOIN demo.quantity_texts q ON q.raw = r.c%s', quantity_position);
	END IF;
	SELECT string_agg(CASE position
			WHEN customer_position THEN format('btrim(r.c%s) AS %I', position, name)
			WHEN day_position THEN format('d.day AS %I', name)
			WHEN value_position THEN format('%s AS %I', CASE WHEN quantity_position IS NULL THEN value_expression ELSE 'v.value' END, name)
			ELSE format('r.c%s AS %I', position, name) END, ', ' ORDER BY position)
		|| CASE WHEN quantity_position IS NULL THEN '' ELSE format(', round(%s, 9) AS %I', value_expression, value_name) END
	  INTO columns FROM demo.file_columns;
	EXECUTE format('CREATE UNLOGGED TABLE public.orders AS SELECT %s FROM %s WHERE btrim(r.c%s) <> %L AND d.day IS NOT NULL AND demo.fits(%s) AND %s',
				   columns, source, customer_position, '', value_expression, in_currency);
	GET DIAGNOSTICS kept = ROW_COUNT;
	SELECT count(*) INTO read FROM demo.raw;
	IF currency_name IS NOT NULL AND asked_currency IS DISTINCT FROM 'ANY' THEN
		EXECUTE format($q$
			SELECT count(*), string_agg(format('%%s (%%s)', demo.shown(code, 12), demo.num(n)), ', ' ORDER BY n DESC, code) FILTER (WHERE nr <= 6)
			  FROM (SELECT code, sum(n) AS n, row_number() OVER (ORDER BY sum(n) DESC, code) AS nr
					  FROM (SELECT demo.currency_code(text) AS code, n FROM (SELECT %I AS text, count(*) AS n FROM public.orders GROUP BY 1) t) c
					 WHERE code IS NOT NULL GROUP BY 1) s $q$, currency_name)
		  INTO n_currencies, found_currencies;
		IF n_currencies > 1 THEN
			PERFORM demo.stop(demo.t('currencies', demo.shown(currency_name), found_currencies), demo.t('hint currency column', split_part(found_currencies, ' (', 1)));
		ELSIF n_currencies = 1 AND length(split_part(found_currencies, ' (', 1)) <= 4 THEN
			UPDATE demo.settings SET currency = coalesce(currency, split_part(found_currencies, ' (', 1));
		END IF;
	END IF;
	IF kept < read THEN
		EXECUTE format($q$
			INSERT INTO demo.left_out
			SELECT r.line + %8$s, f.reason, f.value
			  FROM %1$s, LATERAL (SELECT
					CASE WHEN coalesce(btrim(r.c%2$s), '') = '' THEN 'no customer' WHEN coalesce(btrim(r.c%3$s), '') = '' THEN 'no day'
						 WHEN d.day IS NULL THEN 'unreadable day' WHEN coalesce(btrim(r.c%4$s), '') = '' THEN 'no amount'
						 WHEN v.value IS NULL THEN 'unreadable amount' WHEN %5$s IS NULL THEN 'unreadable quantity'
						 WHEN NOT demo.fits(%5$s) THEN 'amount too large' WHEN NOT %9$s THEN 'other currency' END,
					CASE WHEN demo.fits(%5$s) AND NOT %9$s THEN r.c%10$s WHEN coalesce(btrim(r.c%2$s), '') = '' THEN NULL
						 WHEN d.day IS NULL THEN r.c%3$s WHEN v.value IS NULL OR %6$s THEN r.c%4$s ELSE r.c%7$s END
				) f(reason, value)
			 WHERE f.reason IS NOT NULL $q$,
			source, customer_position, day_position, value_position, value_expression,
			CASE WHEN quantity_position IS NULL THEN 'true' ELSE 'q.value IS NOT NULL' END, coalesce(quantity_position, value_position), lines_before,
			in_currency, coalesce(currency_position, value_position));
	END IF;
	IF order_name IN (customer_name, day_name, value_name) THEN
		PERFORM demo.stop(demo.t('one column for two roles', demo.column_list()), demo.t('hint columns'));
	ELSIF order_name IS NOT NULL THEN
		ALTER TABLE public.orders RENAME TO order_lines;
		EXECUTE format('CREATE UNLOGGED TABLE public.orders AS SELECT %1$I, %2$I, min(%3$I) AS %3$I, sum(%4$I) AS %4$I
						  FROM public.order_lines GROUP BY 1, 2, CASE WHEN btrim(%1$I) <> %5$L THEN NULL ELSE ctid::text END',
					   order_name, customer_name, day_name, value_name, '');
		read := kept;
		GET DIAGNOSTICS kept = ROW_COUNT;
		INSERT INTO demo.remarks (line) VALUES (demo.t('orders added up', demo.num(read), demo.count_of(kept, 'orders'),
													   demo.shown(customer_name), demo.shown(order_name)));
	END IF;
	UPDATE demo.settings
	   SET source_rows = kept + (SELECT count(*) FROM demo.left_out),
		   customer_column = customer_name, day_column = day_name, value_column = value_name;
	IF kept = 0 THEN
		PERFORM demo.stop_without_rows();
	END IF;
	IF quantity_position IS NULL AND demo.usual_column('quantity') IS NOT NULL
		AND demo.plain_name(value_name) ~ '(price|prix|preis)' AND demo.plain_name(value_name) !~ 'total' THEN
		INSERT INTO demo.remarks (line) VALUES (demo.t('price alone', demo.shown(value_name),
			demo.shown((SELECT name FROM demo.file_columns WHERE position = demo.usual_column('quantity')))));
	END IF;
END $$;

-- Rows that another column calls a refund or cancelled, but whose amount is above zero.
CREATE FUNCTION demo.look_at_kinds() RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
	kind record;
	n bigint;
	texts text;
BEGIN
	FOR kind IN
		SELECT name, value_column FROM demo.file_columns, demo.settings
		 WHERE demo.plain_name(name) ~ '(^|_)(type|status|statut|state|etat|kind|nature|event|evenement|action|art|typ|operation)(_|$)'
		   AND name NOT IN (customer_column, day_column, value_column)
		 ORDER BY position
	LOOP
		EXECUTE format($q$
			SELECT sum(n), string_agg(format('"%%s" (%%s)', demo.shown(text, 20), demo.num(n)), ', ' ORDER BY n DESC, text) FILTER (WHERE nr <= 4)
			  FROM (SELECT %I AS text, count(*) AS n, row_number() OVER (ORDER BY count(*) DESC, %1$I) AS nr
					  FROM %s WHERE %I > 0 GROUP BY 1
					HAVING demo.plain_name(%1$I) ~ '(^|_)(re_?fund(s|ed|ing)?|charge_?back|cancell?(ed|ation)|cancel|void(ed)?|return(s|ed)?|failed|declined|credit_(note|memo)|rembours|annul|avoir|retour|echou|refuse|storn|gutschrift|ruckerstatt|erstattet|retoure)') s $q$,
			kind.name, coalesce(to_regclass('public.order_lines'), 'public.orders'::regclass), kind.value_column)
		  INTO n, texts;
		IF n > 0 THEN
			INSERT INTO demo.remarks (line) VALUES (demo.t('kinds', demo.num(n), demo.shown(kind.name, 30), texts));
		END IF;
	END LOOP;
END $$;

-- Order numbers that come several times: the rows are lines of orders.
CREATE FUNCTION demo.look_at_order_numbers() RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
	order_column text := (SELECT name FROM demo.file_columns WHERE position = demo.usual_column('order'));
	numbers bigint;
	total bigint;
BEGIN
	IF to_regclass('public.order_lines') IS NOT NULL OR order_column IS NULL OR order_column IN (SELECT unnest(ARRAY[customer_column, day_column, value_column]) FROM demo.settings) THEN
		RETURN;
	END IF;
	EXECUTE format('SELECT count(DISTINCT %I), count(%1$I) FROM public.orders', order_column) INTO numbers, total;
	IF numbers * 10 < total * 9 THEN
		INSERT INTO demo.remarks (line) VALUES (demo.t('order lines', demo.shown(order_column), demo.num(numbers), demo.num(total)));
	END IF;
END $$;
