-- From the lines of a CSV file to the table orders. COPY takes the fields
-- apart; what they mean (which column is the customer, comma or point, day or
-- month first) is decided here, over whole columns, and never guessed: where a
-- column allows two readings, the run stops and asks.

CREATE TABLE demo.first_lines (line int GENERATED ALWAYS AS IDENTITY, content text);
CREATE TABLE demo.header (position int PRIMARY KEY, name text);
CREATE TABLE demo.file_columns (position int PRIMARY KEY, name text NOT NULL);
CREATE TABLE demo.usual_names (role text NOT NULL, rank int NOT NULL, name text NOT NULL);

-- Letters without their accents.
CREATE FUNCTION demo.unaccented(x text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE WHEN octet_length(x) = length(x) THEN x ELSE regexp_replace(normalize(x, NFKD), U&'[\0300-\036F]', '', 'g') END
$$;

-- A column's name without case, accents and punctuation.
CREATE FUNCTION demo.plain_name(name text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
	SELECT btrim(regexp_replace(
		translate(lower(regexp_replace(demo.unaccented(name), '([a-z])([A-Z])', '\1_\2', 'g')), 'ßøłđ', 'sold'),
		'[^a-z0-9]+', '_', 'g'), '_')
$$;

-- And without what separates its words: ORDERNUMBER, Order Number and order.number are one name.
CREATE FUNCTION demo.squeezed(name text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$ SELECT replace(demo.plain_name(name), '_', '') $$;

-- English, French, German, Spanish, Italian, Portuguese, Dutch; the most usual first.
INSERT INTO demo.usual_names
SELECT role, min(rank), demo.squeezed(name)
  FROM (VALUES
	('customer', 'customer_unique_id customer_id customer_key customer_number customer_no customer_nr customer_code customer cust_id cust_no cust id_customer
		client_id client_key client_number client_no client_code client id_client code_client numero_client no_client num_client n_client ref_client id_du_client code_du_client numero_de_client identifiant_client reference_client
		user_id user member_id member account_id account_number account buyer_id buyer_user_id buyer shopper_id contact_id visitor_id person_id person
		sold_to_party sold_to acheteur id_acheteur id_utilisateur utilisateur adherent
		kunden_id kundennummer kunden_nr kunden_no kunde kundin debitor debitorennummer auftraggeber
		id_cliente cliente_id codigo_cliente cod_cliente numero_cliente cliente codice_cliente id_do_cliente id_del_cliente codigo_do_cliente codigo_de_cliente codigo_del_cliente numero_de_cliente
		codice_del_cliente numero_do_cliente comprador acquirente
		klant_id klantnummer klant_nr klantcode klant klantnr koper
		customer_email client_email billing_email buyer_email payer_email user_email from_email_address email_address email e_mail mail
		adresse_email adresse_e_mail email_client e_mail_client courriel correo correo_electronico
		customer_name client_name buyer_name nom_client nom_du_client kundenname nombre_cliente nome_cliente klantnaam nombre_del_cliente nombre_de_cliente nome_do_cliente nome_del_cliente naam_klant'),
	('day', 'order_date date_order date_of_order ordered_at ordered_on order_day order_time order_datetime order_timestamp order_created_at order_purchase_timestamp
		purchase_date purchased_at purchased_on purchase_timestamp date_of_purchase
		date_commande date_de_commande date_de_la_commande date_achat date_d_achat jour_commande commande_le
		invoice_date date_facture date_de_facture date_de_la_facture date_facturation date_de_facturation transaction_date transaction_time transacted_at sale_date sales_date date_of_sale date_vente date_de_vente date_de_la_vente billing_date
		bestelldatum bestell_datum auftragsdatum kaufdatum rechnungsdatum belegdatum buchungsdatum bestellt_am gekauft_am datum_der_bestellung verkaufsdatum
		fecha_pedido fecha_de_pedido fecha_compra fecha_factura fecha_venta fecha_del_pedido fecha_de_compra fecha_de_la_compra fecha_de_factura fecha_de_venta fecha_de_la_venta fecha_orden fecha_de_la_orden
		data_dell_ordine data_d_ordine data_di_acquisto data_dell_acquisto data_vendita data_di_vendita data_della_vendita data_ordine data_acquisto data_fattura data_pedido data_do_pedido data_compra data_da_compra data_venda data_de_compra data_da_venda data_de_venda data_da_fatura
		orderdatum factuurdatum aankoopdatum besteldatum datum_bestelling besteld_op aankoop_datum verkoopdatum
		date_added day jour date datum fecha datetime timestamp created_at created_on created created_utc created_date_utc created_date date_created
		date_creation creation_date erstellt_am paid_at date_paid paid_on date_paiement payment_date data'),
	('value', 'amount order_amount total_amount order_total order_total_amount total_price total_paid grand_total order_value total_value total
		montant montant_total montant_ttc total_ttc montant_commande total_commande montant_de_la_commande total_de_la_commande montant_total_ttc ca chiffre_d_affaires chiffre_affaires
		montant_paye montant_regle betrag gesamtbetrag bestellwert auftragswert rechnungsbetrag umsatz gesamt gesamtpreis summe gesamtsumme bestellsumme bestellbetrag auftragssumme endbetrag rechnungssumme
		importe importe_total monto monto_total importo importo_totale totale valor valor_total importe_pedido importe_del_pedido total_pedido total_del_pedido total_de_la_orden total_compra total_factura
		totale_ordine totale_dell_ordine importo_ordine importo_dell_ordine totale_fattura valore_ordine
		valor_pedido valor_do_pedido total_do_pedido valor_compra valor_da_compra valor_pago bedrag totaalbedrag totaal omzet orderbedrag bestelbedrag ordertotaal totaal_bestelling totaalprijs orderwaarde factuurbedrag
		invoice_total invoice_amount invoice_value bill_amount bill_total sale_total sale_value revenue turnover sales sale_amount sales_amount gross_amount net_amount net_total total_net gross_total total_gross montant_net net_sales gross_sales total_sales gross net value valeur paid amount_paid payment_amount payment_value
		spend spent bruttobetrag nettobetrag brutto netto
		subtotal montant_ht total_ht price item_price unit_price price_each prix prix_ttc prix_total prix_unitaire preis einzelpreis
		precio precio_unitario prezzo prezzo_unitario preco preco_unitario prijs stukprijs'),
	('currency', 'currency currency_code order_currency iso_currency devise code_devise monnaie wahrung waehrung valuta moneda moeda'),
	('quantity', 'quantity quantity_ordered order_quantity qty qty_ordered quantite qte quantite_commandee menge anzahl stuckzahl stueckzahl
		cantidad quantita quantidade qtd aantal units units_sold'),
	('order', 'order_id order_number order_no order_nr order_num order_ref order_reference order_code order amazon_order_id sales_order increment_id
		invoice_id invoice_no invoice invoice_number invoice_nr id_commande numero_commande numero_de_commande no_commande n_commande num_commande
		ref_commande reference_commande commande id_order transaction_id sale_id basket_id receipt receipt_no receipt_number receipt_id ticket ticket_no ticket_id bill_no bill_number
		numero_facture no_facture n_facture facture bestellnummer bestellnr bestell_id auftragsnummer auftragsnr auftrag bestellung rechnungsnummer rechnungsnr belegnummer belegnr
		numero_pedido numero_de_pedido no_pedido id_pedido pedido numero_factura factura numero_ordine id_ordine ordine numero_fattura ordernummer bestel_nummer factuurnummer document_no document_number'),
	-- what was paid back of the amount
	('refunded', 'refunded_amount amount_refunded total_refunded order_refund_amount refund_amount amount_refund refund_total total_refund total_refunds order_refund order_refunds
		refunded refunds refund refund_value refunded_value returned_amount amount_returned return_amount credited_amount chargeback_amount converted_amount_refunded
		montant_rembourse montant_remboursement total_rembourse rembourse remboursement remboursements montant_avoir avoir
		erstattungsbetrag erstatteter_betrag erstattet erstattung ruckerstattung rueckerstattung rueckerstattungsbetrag ruckerstattungsbetrag gutschrift gutschriftsbetrag
		importe_reembolsado monto_reembolsado importe_reembolso reembolsado reembolso valor_reembolsado importo_rimborsato importo_rimborso rimborsato rimborso returns terugbetaald terugbetaald_bedrag terugbetaling')
  ) v(role, names), regexp_split_to_table(names, '\s+') WITH ORDINALITY n(name, rank)
 GROUP BY 1, 3;

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

-- The fields of a record, by the same rule.
CREATE FUNCTION demo.split(record text, delimiter text) RETURNS text[]
LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE WHEN record = '' THEN '{""}' WHEN strpos(record, '"') = 0 THEN string_to_array(record, delimiter)
				ELSE (SELECT array_agg(coalesce(replace(m[1], '""', '"'), m[2]) ORDER BY i)
						FROM regexp_matches(delimiter || record, format('\%1$s(?:[^"\%1$s]*"((?:[^"]|"")*)(?:"[^\%1$s]*|$)|([^\%1$s]*))', delimiter), 'g') WITH ORDINALITY r(m, i)) END
$$;

-- Whether a line only draws a rule: -----, |---+---|, =====
CREATE FUNCTION demo.is_rule(record text) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$ SELECT record ~ '^[-=_+|*\s]*$' AND record ~ '[-=_*]{3}' $$;

-- The names of a column that could be usual: "amount (2)" is the second amount, "Total (EUR)" a total,
-- "Bedrag incl. btw" an amount. ("Total tax" is no total.)
CREATE FUNCTION demo.name_variants(name text) RETURNS TABLE (bare text)
LANGUAGE sql IMMUTABLE AS $$
	SELECT demo.squeezed(v) FROM (VALUES (name), (regexp_replace(name, '\s*[(\[][^])]*[)\]]\s*$', '')), (regexp_replace(name, '\s+in\s+\S{1,4}$', '')),
		(regexp_replace(name, '([\s_,/-]+(in|eur|euros?|usd|gbp|chf|netto|brutto|net|gross|ttc|ht|((iva|taxes)[\s_]+)?(incl|inkl|excl|exkl)\w*(\.?[\s_]*(btw|mwst|ust|vat|tax|taxes|iva))?|(zzgl|with|without|com|con|avec)\.?[\s_]+(btw|mwst|ust|vat|tax|taxes|iva)))+\.?\s*$', '', 'i'))) s(v)
	 WHERE demo.squeezed(v) <> ''
	UNION
	SELECT lower(btrim(name))
$$;

-- Finds the delimiter and the header in the first lines of the file: the first
-- record with usual names, or with the names that were asked for; else the first
-- that has three fields. Titles above it are skipped.
CREATE FUNCTION demo.read_first_lines(asked_delimiter text, has_header boolean, asked_names text[])
RETURNS TABLE (delimiter text, columns int, lines_above int)
LANGUAGE plpgsql AS $$
DECLARE
	piece record;
	best record;
	joined text;
	opened int;
	first text;
	tied int;
	title text;
	n int;
	cells text[];
	shifted boolean := false;
	day_position int;
BEGIN
	-- records: a quote that is open at the end of a line goes on
	CREATE TEMP TABLE first_records (line int, record text);
	FOR piece IN SELECT line, rtrim(substr(content, 2), E'\r') AS content FROM demo.first_lines ORDER BY line LOOP
		CONTINUE WHEN piece.line <= opened;
		joined := piece.content;
		IF (length(joined) - length(replace(joined, '"', ''))) % 2 = 1 THEN
			SELECT min(line) INTO opened FROM demo.first_lines
			 WHERE line > piece.line AND line <= piece.line + 20 AND (length(content) - length(replace(content, '"', ''))) % 2 = 1;
			IF opened IS NOT NULL THEN
				SELECT string_agg(substr(content, 2), E'\n' ORDER BY line) INTO joined FROM demo.first_lines WHERE line BETWEEN piece.line AND opened;
			END IF;
		END IF;
		INSERT INTO first_records VALUES (piece.line, joined);
	END LOOP;
	DELETE FROM first_records WHERE record ~ '^\s*$' AND (record !~ E'\t' OR has_header) OR demo.is_rule(record);
	SELECT record INTO first FROM first_records ORDER BY line LIMIT 1;
	IF first IS NULL THEN
		PERFORM demo.stop(demo.t('first line is empty'), demo.t('hint header'));
	END IF;

	CREATE TEMP TABLE splits AS
	SELECT line, d, demo.split(record, d) AS cells, 0 AS filled, 0 AS roles
	  FROM first_records, unnest(CASE WHEN asked_delimiter IS NULL THEN ARRAY[',', ';', E'\t', '|', ' '] ELSE ARRAY[asked_delimiter] END) d;
	UPDATE splits SET filled = (SELECT count(*) FROM unnest(splits.cells) c WHERE btrim(c) <> '');
	IF has_header THEN
		FOR piece IN SELECT line FROM first_records ORDER BY line LOOP
			UPDATE splits
			   SET roles = (SELECT count(DISTINCT u.role) FROM unnest(splits.cells) c, demo.name_variants(c) v
							  JOIN (SELECT role, name FROM demo.usual_names WHERE role IN ('customer', 'day', 'value')
									UNION ALL SELECT 'asked ' || i, lower(btrim(a)) FROM unnest(asked_names) WITH ORDINALITY x(a, i) WHERE a ~ '[^0-9]') u ON u.name = v.bare)
			 WHERE filled >= 3 AND line = piece.line;
			EXIT WHEN EXISTS (SELECT FROM splits WHERE roles >= 2 AND d <> ' ' OR roles >= 2 AND asked_delimiter = ' ');
		END LOOP;
	END IF;
	-- spaces separate fields only where the names say so, and every record has as many
	DELETE FROM splits WHERE d = ' ' AND asked_delimiter IS NULL
	   AND ((SELECT max(roles) FROM splits s WHERE s.d = ' ') < 2 OR EXISTS (SELECT FROM splits s WHERE s.d <> ' ' AND s.filled >= 3)
			OR (SELECT max(cardinality(s.cells)) - min(cardinality(s.cells)) FROM splits s WHERE s.d = ' ') > 1);
	SELECT s.line, s.d, s.cells INTO best FROM splits s WHERE s.roles >= 2 ORDER BY s.line, s.roles DESC, cardinality(s.cells) DESC LIMIT 1;
	IF NOT FOUND AND has_header AND (SELECT max(s.filled) FROM splits s JOIN (SELECT min(line) AS line FROM splits) f USING (line)) < 3 THEN
		SELECT s.line, s.d, s.cells INTO best FROM splits s WHERE s.filled >= 3 ORDER BY s.line, cardinality(s.cells) DESC LIMIT 1;
	END IF;
	IF best.line IS NULL THEN
		SELECT s.line, s.d, s.cells, cardinality(s.cells) AS n, count(*) OVER (PARTITION BY cardinality(s.cells)) AS tied INTO best
		  FROM splits s WHERE s.line = (SELECT min(line) FROM splits) ORDER BY cardinality(s.cells) DESC LIMIT 1;
		IF best.n = 1 THEN
			PERFORM demo.stop(demo.t('one column only', demo.shown(first, 60)), demo.t('hint delimiter'));
		ELSIF best.tied > 1 THEN
			PERFORM demo.stop(demo.t('two delimiters', demo.shown(first, 60)), demo.t('hint delimiter'));
		END IF;
	END IF;
	delimiter := best.d;
	cells := best.cells;
	lines_above := best.line - 1;
	SELECT count(*), (array_agg(record ORDER BY line))[1] INTO n, title FROM first_records WHERE line < best.line;
	IF n > 0 THEN
		INSERT INTO demo.remarks (line) VALUES (demo.t('lines above', demo.count_of(n, 'lines'),
			demo.shown(btrim(regexp_replace(translate(title, best.d || '"', '  '), '\s+', ' ', 'g')), 40)));
	END IF;

	-- rows may have more fields than the header: a delimiter at the end of each
	-- line, or names of rows in front that the header leaves out
	columns := cardinality(cells);
	SELECT mode() WITHIN GROUP (ORDER BY cardinality(s.cells)) INTO n FROM splits s
	 WHERE s.d = best.d AND s.line > CASE WHEN has_header THEN best.line ELSE 0 END;
	IF NOT has_header THEN
		columns := coalesce(n, columns);
	ELSIF n > columns AND NOT EXISTS (SELECT FROM splits s WHERE s.d = best.d AND s.line > best.line AND cardinality(s.cells) = n
			AND array_to_string(s.cells[columns + 1:], '') <> '') THEN
		columns := n;
	ELSIF n < columns AND array_to_string(cells[n + 1:], '') = '' THEN
		columns := n;
	ELSIF n = columns + 1 THEN
		-- the column of days tells whether the names belong one field further
		SELECT i INTO day_position
		  FROM unnest(cells) WITH ORDINALITY c(cell, i) CROSS JOIN LATERAL (
				SELECT min(u.rank) AS rank FROM demo.name_variants(cell) v JOIN demo.usual_names u ON u.name = v.bare WHERE u.role = 'day') u
		 WHERE CASE WHEN asked_names[2] <> '' THEN lower(btrim(cell)) = lower(btrim(asked_names[2])) ELSE rank IS NOT NULL END
		 ORDER BY rank, i LIMIT 1;
		SELECT count(*) FILTER (WHERE demo.is_day(s.cells[day_position + 1])) > 2 * count(*) FILTER (WHERE demo.is_day(s.cells[day_position])) INTO shifted
		  FROM splits s WHERE s.d = best.d AND s.line > best.line AND cardinality(s.cells) = n;
		IF shifted THEN
			columns := n;
			cells := ARRAY['row'] || cells;
			INSERT INTO demo.remarks (line) VALUES (demo.t('row names', demo.shown(cells[2])));
		END IF;
	END IF;
	IF columns > 1500 THEN
		PERFORM demo.stop(demo.t('too many columns', columns::text));
	ELSIF columns = 1 THEN
		PERFORM demo.stop(demo.t('one column only', demo.shown(first, 60)), demo.t('hint delimiter'));
	END IF;
	IF has_header THEN
		INSERT INTO demo.header SELECT i, coalesce(cells[i], '') FROM generate_series(1, columns) i;
	END IF;
	DROP TABLE first_records, splits;
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
		SELECT position, btrim(regexp_replace(name, U&'[[:cntrl:]\\s\00A0\200B\202F\FEFF]+', ' ', 'g')) AS name FROM demo.header
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
	 WHERE name = btrim(asked) OR lower(name) = lower(btrim(asked)) OR demo.squeezed(name) = demo.squeezed(asked) AND asked ~ '[[:alpha:]]'
	 ORDER BY name = btrim(asked) DESC, lower(name) = lower(btrim(asked)) DESC, position LIMIT 1;
	IF result IS NULL AND asked ~ '^[0-9]{1,4}$' THEN
		SELECT position INTO result FROM demo.file_columns WHERE position = asked::int;
	END IF;
	IF result IS NULL THEN
		PERFORM demo.stop(demo.t('no such column', option, demo.shown(asked), demo.column_list()));
	END IF;
	RETURN result;
END $$;

-- The columns with a usual name for a role. What a name is as it stands comes before
-- what it is without its end: "Montant HT" is that, and not a "Montant".
CREATE FUNCTION demo.usual_columns(wanted text) RETURNS TABLE ("position" int, name text, bare text, rank int)
LANGUAGE sql STABLE AS $$
	SELECT c.position, c.name, (array_agg(u.name ORDER BY u.name <> demo.squeezed(c.name), u.rank))[1], (array_agg(u.rank ORDER BY u.name <> demo.squeezed(c.name), u.rank))[1]
	  FROM demo.file_columns c CROSS JOIN LATERAL demo.name_variants(c.name) v
	  JOIN demo.usual_names u ON u.name = v.bare
	 WHERE u.role = wanted GROUP BY 1, 2
$$;

-- The position of the column with the most usual of the usual names.
CREATE FUNCTION demo.usual_column(wanted text, other_than int[] DEFAULT '{}') RETURNS int
LANGUAGE sql STABLE AS $$
	SELECT position FROM demo.usual_columns(wanted) WHERE position <> ALL (array_remove(other_than, NULL))
	 ORDER BY rank, demo.squeezed(name) <> bare, name ~* '(excl|exkl|zzgl|without|netto|\mnet\M|\mht\M)', position LIMIT 1
$$;

CREATE FUNCTION demo.column_name("position" int) RETURNS text
LANGUAGE sql STABLE AS $$ SELECT name FROM demo.file_columns c WHERE c.position = column_name.position $$;

-- What else could have been a role's column, for one that was taken by its name.
CREATE FUNCTION demo.column_others(role text, taken int, all_taken int[]) RETURNS text
LANGUAGE sql STABLE AS $$
	SELECT demo.t('column others', CASE WHEN twins.n > 1 THEN demo.t('column twins', twins.n::text) ELSE '' END, names)
	  FROM (SELECT count(*) AS n, string_agg(demo.shown(c.name, 32), ', ' ORDER BY c.rank, c.position) FILTER (WHERE nr <= 3)
				|| CASE WHEN count(*) > 3 THEN ', ...' ELSE '' END AS names
			  FROM (SELECT p.*, row_number() OVER (ORDER BY p.rank, p.position) AS nr FROM demo.usual_columns(role) p
					 WHERE p.position <> ALL (array_remove(all_taken, NULL))) c) others,
		   (SELECT count(*) AS n FROM demo.usual_columns(role) WHERE bare = (SELECT bare FROM demo.usual_columns(role) WHERE position = taken)) twins
	 WHERE others.n > 0
$$;

CREATE FUNCTION demo.choose_columns(customer text, day text, value text, quantity text, refunded text)
RETURNS TABLE (customer_position int, day_position int, value_position int, quantity_position int, refunded_position int)
LANGUAGE plpgsql AS $$
DECLARE
	missing text[] := '{}';
	all_taken int[];
	amount text;
BEGIN
	customer_position := CASE WHEN customer IS NULL THEN demo.usual_column('customer') ELSE demo.asked_column(customer, '--customer') END;
	day_position := CASE WHEN day IS NULL THEN demo.usual_column('day') ELSE demo.asked_column(day, '--day') END;
	value_position := CASE WHEN value IS NULL THEN demo.usual_column('value') ELSE demo.asked_column(value, '--amount') END;
	quantity_position := CASE WHEN quantity IS NOT NULL THEN demo.asked_column(quantity, '--quantity') END;
	IF customer_position IS NULL THEN missing := missing || demo.t('the customer'); END IF;
	IF day_position IS NULL THEN missing := missing || demo.t('the day'); END IF;
	IF value_position IS NULL THEN missing := missing || demo.t('the amount'); END IF;
	IF missing <> '{}' THEN
		IF EXISTS (SELECT FROM demo.file_columns
					WHERE name ~ '^[-+]?[0-9]+([.,][0-9]+)?$' OR name ~ '^\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([T ].*)?$') THEN
			PERFORM demo.stop(demo.t('no header', demo.shown(demo.column_list(), 80)), demo.t('hint no header'));
		END IF;
		PERFORM demo.stop(demo.t('columns not found', array_to_string(missing, ', '), demo.column_list()),
						  demo.t('hint columns'));
	END IF;
	all_taken := ARRAY[customer_position, day_position, value_position, quantity_position];
	-- what was paid back is taken off, unless the amounts are net already or somebody says no
	refunded_position := CASE WHEN lower(refunded) IN ('none', 'no', 'aucun', 'non') AND demo.usual_column('refunded', all_taken) IS NOT NULL THEN NULL
							  WHEN refunded IS NOT NULL THEN demo.asked_column(refunded, '--refunded')
							  WHEN quantity IS NULL THEN coalesce(demo.usual_column('refunded', all_taken), (
								SELECT c.position FROM demo.file_columns c, demo.squeezed(c.name) squeezed
								 WHERE squeezed ~ '(refund|rembours|erstatt|reembols|rimbors|terugbetaal)' AND c.position <> ALL (array_remove(all_taken, NULL))
								   AND squeezed !~ '(at|date|on|by|reason|status|statut|type|id|count|qty|quantity|number|no|flag|method|policy|datum|fecha|motif|grund|le|am|utc|currency|devise)$'
								   AND squeezed !~ '^(is|has|was|date|datum|fecha|motif|reason|currency|number|count)' AND squeezed !~ '(net|after|minus|less|excl|without|apres|hors|ohne|nach)'
								   AND (squeezed !~ 'total' OR squeezed ~ '^(order)?total(order)?(refund|rembours|erstatt|reembols|rimbors)')
								 ORDER BY c.position LIMIT 1)) END;
	IF customer_position IN (day_position, value_position, refunded_position) OR day_position = value_position
		OR refunded_position IN (day_position, value_position, quantity_position) THEN
		PERFORM demo.stop(demo.t('one column for two roles', demo.column_list()), demo.t('hint columns'));
	END IF;
	-- what was chosen, and which option would have chosen otherwise; \x02 stands for what the amount is
	amount := demo.shown(demo.column_name(value_position), 30) || coalesce(' x ' || demo.shown(demo.column_name(quantity_position), 30), '');
	UPDATE demo.settings
	   SET amount_is = amount, columns_taken = (
		SELECT demo.t('columns taken', string_agg(format('%s = %s', demo.t('role ' || role),
										CASE WHEN role = 'value' THEN E'\x02' ELSE demo.shown(demo.column_name(r.taken), 30) END
										|| CASE WHEN asked IS NULL THEN coalesce(demo.column_others(role, r.taken, all_taken), '') ELSE '' END), ', ' ORDER BY nr))
			|| CASE WHEN bool_and(asked IS NOT NULL) THEN '' ELSE ' ' || demo.t('columns change', string_agg(option, ', ' ORDER BY nr) FILTER (WHERE asked IS NULL)) END
		  FROM (VALUES (1, 'customer', customer, customer_position, '--customer'), (2, 'day', day, day_position, '--day'),
					   (3, 'value', value, value_position, '--amount')) r(nr, role, asked, taken, option));
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
	DELETE FROM demo.records WHERE content ~ '^\s*$' AND content !~ E'\t' OR demo.is_rule(content) AND demo.fields(content, delimiter) <> columns;
	-- delimiters at the end, too many or too few, are no fields
	UPDATE demo.records SET content = left(content, columns - n)
	  FROM (SELECT line, demo.fields(content, delimiter) AS n FROM demo.records WHERE right(content, 1) = delimiter) f
	 WHERE f.line = records.line AND n > columns AND right(content, n - columns) = repeat(delimiter, n - columns);
	UPDATE demo.records SET content = content || repeat(delimiter, columns - n)
	  FROM (SELECT line, demo.fields(content, delimiter) AS n FROM demo.records) f
	 WHERE f.line = records.line AND n < columns AND n >= (SELECT max(position) FROM demo.header WHERE btrim(name) <> '');
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
	'EURO EUROS RS RM DH DA F '
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
	x := btrim(translate(x, U&'\2212\2013\2014\00A0\202F\2009\2007\2019', '---    '''));
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
		after := regexp_replace(substr(after, 2), '^ ?--?', '');	-- 50,- and 50.-- are prices without cents, not below zero
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

CREATE FUNCTION demo.to_number(parts text[], decimal_sign text) RETURNS numeric
LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE WHEN plain ~ '^([0-9]+|[0-9]{1,3}(t[0-9]{2,3})*t[0-9]{3}|[0-9]{1,3}([ ''][0-9]{3})+)?(d[0-9]*)?$' AND plain ~ '[0-9]'
				THEN (parts[1] || replace(translate(plain, 't ''', ''), 'd', '.') || parts[3])::numeric END
	  FROM (SELECT translate(parts[2], CASE decimal_sign WHEN ',' THEN '.,' ELSE ',.' END, 'td')) s(plain)
$$;

-- What a number says about the decimal sign: ',' or '.', '?' where both
-- readings are possible (1,234), NULL where there is nothing to see, and for
-- texts that are no number whichever the sign is.
CREATE FUNCTION demo.decimal_evidence(parts text[]) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE WHEN evidence = '?' OR demo.to_number(parts, evidence) IS NOT NULL THEN evidence END
	  FROM (SELECT parts[2]) s(digits), LATERAL (SELECT CASE
		WHEN digits IS NULL OR digits !~ '[.,]' THEN NULL
		WHEN digits ~ '\..*,' AND digits ~ ',.*\.' THEN NULL
		WHEN digits ~ '\..*,' THEN ','
		WHEN digits ~ ',.*\.' THEN '.'
		WHEN digits ~ ',.*,' THEN '.'
		WHEN digits ~ '\..*\.' THEN ','
		WHEN digits ~ '^[1-9][0-9]{0,2}[.,][0-9]{3}$' THEN '?'
		WHEN digits ~ ',' THEN ',' ELSE '.' END) e(evidence)
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
		SELECT raw, n, parts, CASE WHEN raw ~ '^[0-9]+([.][0-9][0-9]?)?$' THEN raw::numeric END AS value,
			   -- nearly always
			   CASE WHEN raw ~ '^[0-9]+$' THEN NULL WHEN raw ~ '^[0-9]+[.][0-9][0-9]?$' THEN '.' WHEN raw ~ '^[0-9]+,[0-9][0-9]?$' THEN ','
					ELSE demo.decimal_evidence(parts) END AS evidence
		  FROM (SELECT raw, n, CASE WHEN raw ~ '^[0-9]+([.,][0-9]+)?$' THEN ARRAY['', raw, '', NULL] ELSE demo.number_parts(raw) END AS parts
				  FROM (SELECT c%s AS raw, count(*) AS n FROM demo.raw WHERE c%1$s IS NOT NULL GROUP BY 1) s OFFSET 0) s $q$, column_position);
	SELECT coalesce(sum(x.n) FILTER (WHERE evidence = ','), 0), coalesce(sum(x.n) FILTER (WHERE evidence = '.'), 0),
		   coalesce(sum(x.n) FILTER (WHERE evidence = '?'), 0), min(raw) FILTER (WHERE evidence = '?')
	  INTO commas, points, unclear, example
	  FROM numbers x;
	IF decimal_sign IS NULL THEN
		IF commas = 0 AND points = 0 AND unclear > 0 THEN
			PERFORM demo.stop(demo.t('decimal unclear', column_name, demo.shown(example)), demo.t('hint decimal'));
		ELSIF least(commas, points) * 100 > commas + points THEN
			PERFORM demo.stop(demo.t('decimal mixed', column_name, demo.num(commas),
				demo.shown((SELECT min(raw) FROM numbers WHERE evidence = ',')), demo.num(points),
				demo.shown((SELECT min(raw) FROM numbers WHERE evidence = '.'))), demo.t('hint decimal'));
		END IF;
		decimal_sign := CASE WHEN commas > points THEN ',' ELSE '.' END;
	ELSIF (CASE decimal_sign WHEN ',' THEN points > 0 AND commas = 0 ELSE commas > 0 AND points = 0 END) THEN
		PERFORM demo.stop(demo.t(CASE decimal_sign WHEN ',' THEN 'decimal is point' ELSE 'decimal is comma' END, column_name,
			(SELECT demo.shown(min(raw)) FROM numbers WHERE evidence = CASE decimal_sign WHEN ',' THEN '.' ELSE ',' END)),
			demo.t('hint drop decimal'));
	END IF;
	UPDATE numbers SET value = CASE WHEN raw ~ '^[0-9]+,[0-9][0-9]?$' AND decimal_sign = ',' THEN replace(raw, ',', '.')::numeric ELSE demo.to_number(parts, decimal_sign) END
	 WHERE parts IS NOT NULL AND (value IS NULL OR decimal_sign = ',' AND strpos(raw, '.') > 0);
	IF role = 'value' THEN
		UPDATE demo.settings SET amount_decimal = decimal_sign;
	END IF;
	IF NOT EXISTS (SELECT FROM numbers WHERE value IS NOT NULL) THEN
		PERFORM demo.stop(demo.t('no number', column_name,
			(SELECT string_agg(demo.quoted(demo.shown(raw, 20)), ', ') FROM (SELECT raw FROM numbers y ORDER BY y.n DESC, raw LIMIT 3) s)),
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
			INSERT INTO demo.remarks (line) SELECT demo.t_of(n, 'no currency', demo.num(n), currency) FROM demo.settings;
		END IF;
	END IF;
	IF commas + unclear > 0 THEN
		INSERT INTO demo.remarks (line)
		SELECT demo.t(CASE decimal_sign WHEN ',' THEN 'decimal read' ELSE 'decimal read point' END, column_name,
					  demo.shown(btrim(raw)), demo.num(value, greatest(2, scale(value))))
		  FROM numbers WHERE value IS NOT NULL AND raw ~ CASE decimal_sign WHEN ',' THEN '[,.]' ELSE ',' END
		 ORDER BY raw ~ ',' DESC, abs(value) DESC, raw LIMIT 1;
	END IF;
	-- more digits than a history holds: the noise of binary fractions
	SELECT sum(y.n) INTO n FROM numbers y WHERE scale(trim_scale(value)) > 9;
	IF n > 0 THEN
		UPDATE numbers SET value = round(value, 6) WHERE scale(trim_scale(value)) > 9;
		INSERT INTO demo.remarks (line) VALUES (demo.t_of(n, 'digits rounded', column_name, demo.num(n)));
	END IF;
	EXECUTE format('CREATE UNLOGGED TABLE demo.%I AS SELECT raw, value FROM numbers WHERE value IS NOT NULL', role || '_texts');
	EXECUTE format('ANALYZE demo.%I', role || '_texts');
	DROP TABLE numbers;
END $$;

-- Days ----------------------------------------------------------------------

-- English, French, German, Spanish, Italian, Portuguese, Dutch, and the Scandinavian ones; without accents.
CREATE FUNCTION demo.month_number(name text) RETURNS int
LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE
		WHEN n ~ '^(jan|jann|janv|january|janvier|januar|janner|jaenner|januari|janeiro|ene|enero|gen|genn|gennaio)$' THEN 1
		WHEN n ~ '^(feb|febr|fev|fevr|february|fevrier|februar|feber|februari|febrero|febbraio|febb|fevereiro)$' THEN 2
		WHEN n ~ '^(mar|mars|march|marz|maerz|mrz|marzo|marco|mrt|maart|marts)$' THEN 3
		WHEN n ~ '^(apr|avr|april|avril|abr|abril|aprile)$' THEN 4
		WHEN n ~ '^(may|mai|mayo|mag|magg|maggio|maio|mei|maj)$' THEN 5
		WHEN n ~ '^(jun|june|juin|juni|junio|giu|giugno|junho)$' THEN 6
		WHEN n ~ '^(jul|july|juil|juill|juillet|juli|julio|lug|lugl|luglio|julho)$' THEN 7
		WHEN n ~ '^(aug|august|aou|aout|ago|agosto|augustus|augusti)$' THEN 8
		WHEN n ~ '^(sep|sept|september|septembre|septiembre|setiembre|set|sett|settembre|setembro)$' THEN 9
		WHEN n ~ '^(oct|octobre|october|okt|oktober|octubre|ott|ottobre|out|outubro)$' THEN 10
		WHEN n ~ '^(nov|november|novembre|noviembre|novembro)$' THEN 11
		WHEN n ~ '^(dec|december|decembre|dez|dezember|dic|diciembre|dicembre|dezembro|des|desember)$' THEN 12 END
	  FROM (SELECT lower(name)) s(n)
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
	rest constant text := '(?:(?:[T ]|,)\s*(?:(?:a|at|um|om|as|alle|alle ore|ore|a las|kl|kl\.)\s+)?([0-2]?\d[:h][0-5]\d(?::[0-5]\d(?:[.,]\d+)?)?(?:\s*[AaPp]\.?[Mm]\.?)?)(?:\s*(?:h|uhr|Uhr))?\s*(Z|UTC|GMT|[-+][01]\d(?::?[0-5]\d)?)?)?$';
BEGIN
	x := btrim(translate(x, U&'\00A0\202F\2009\0009', '    '));
	m := regexp_match(x, '^(\d{4})([-/. ]?)(\d{1,2})\2(\d{1,2})' || rest);
	IF m IS NOT NULL THEN
		IF m[2] <> '' OR length(m[3] || m[4]) = 4 THEN
			ymd := demo.make_day(m[1]::int, m[3]::int, m[4]::int);
			clock := replace(m[5], 'h', ':');
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
		clock := replace(m[5], 'h', ':');
		zone := m[6];
		RETURN;
	END IF;
	-- months in letters leave one reading
	x := demo.unaccented(x);
	m := regexp_match(x, '^(?:[[:alpha:]]+(?:-[[:alpha:]]+)?[.,]*\s+)?(?:el |den |le )?(\d{1,2})(?:st|nd|rd|th|er|ero|eme|e|o|a)?[-/., ]+(?:de |d'')?([[:alpha:]]{3,10})[.,]?[-/. ,]+(?:de |del )?(\d{4}|\d{2})' || rest);
	IF m IS NULL THEN
		m := regexp_match(x, '^(?:[[:alpha:]]+[.,]*\s+)?([[:alpha:]]{3,10})[.]?[-/ ]+(\d{1,2})(?:st|nd|rd|th)?,?[-/ ]+(\d{4})' || rest);
		m := ARRAY[m[2], m[1], m[3], m[4], m[5]];
	END IF;
	IF m[1] IS NULL THEN
		m := regexp_match(x, '^(\d{4})[-/. ]+([[:alpha:]]{3,10})[.]?[-/. ]+(\d{1,2})' || rest);
		m := ARRAY[m[3], m[2], m[1], m[4], m[5]];
	END IF;
	month := demo.month_number(m[2]);
	IF month IS NOT NULL THEN
		ymd := demo.make_day(demo.full_year(m[3]), month, m[1]::int);
		clock := replace(m[4], 'h', ':');
		zone := m[5];
	END IF;
END $$;

CREATE FUNCTION demo.is_day(x text) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$ SELECT coalesce(ymd, dmy, mdy) IS NOT NULL FROM demo.day_parts(x) $$;

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
			(SELECT string_agg(demo.quoted(demo.shown(raw, 25)), ', ') FROM (SELECT raw FROM days d ORDER BY d.n DESC, raw LIMIT 3) s)),
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
		SELECT demo.t('day read ' || chosen, column_name, demo.shown(btrim(raw)))
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

CREATE FUNCTION demo.first_left_out(n int) RETURNS text
LANGUAGE sql STABLE AS $$
	SELECT string_agg(demo.t('bad line', line::text, demo.t('why ' || reason), coalesce(' ' || demo.quoted(demo.shown(nullif(btrim(value), ''), 30)), '')), demo.semicolon() ORDER BY line)
	  FROM (SELECT * FROM demo.left_out ORDER BY line LIMIT n) s
$$;

CREATE FUNCTION demo.stop_without_rows() RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
	n bigint := (SELECT count(*) FROM demo.left_out);
BEGIN
	IF n = 0 THEN
		PERFORM demo.stop(demo.t('no rows'));
	END IF;
	PERFORM demo.stop(demo.t_of(n, 'no row left', demo.num(n)), demo.first_left_out(3)
		|| CASE WHEN EXISTS (SELECT FROM demo.left_out WHERE reason = 'guest') THEN demo.semicolon() || demo.t('hint guests') ELSE '' END);
END $$;

-- Scores of what happens to be readable mislead. Empty fields and words are no
-- sign of it: what counts is what can't be read although there is something.
CREATE FUNCTION demo.stop_if_most_is_unreadable(rows bigint) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
	n bigint;
	reasons text;
BEGIN
	SELECT sum(u.n), string_agg(demo.num(u.n) || ' ' || demo.t('why ' || reason), ', ' ORDER BY u.n DESC, reason) INTO n, reasons
	  FROM (SELECT reason, count(*) AS n FROM demo.left_out
			 WHERE reason IN ('open quote', 'number of fields') OR reason LIKE 'unreadable %' AND demo.is_spoilt(value) GROUP BY 1) u;
	IF n * 2 > rows THEN
		PERFORM demo.stop(demo.t('most unreadable', demo.num(n), demo.num(rows), reasons), demo.first_left_out(3) || demo.semicolon() || demo.t('hint anyway'));
	END IF;
END $$;

-- What a history holds with room to spare: 64 bits at the finest scale used.
CREATE FUNCTION demo.fits(x numeric) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$ SELECT abs(x) < CASE WHEN scale(trim_scale(x)) <= 4 THEN 1e12 ELSE 1e8 END $$;

-- The column that says in which currency the amounts are: by its name, or all its texts are codes.
CREATE FUNCTION demo.currency_column(other_than int[]) RETURNS int
LANGUAGE plpgsql AS $$
DECLARE
	result int := demo.usual_column('currency', other_than);
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

-- A column of what was paid back of each amount. Returns its position where it is
-- to be taken off: it holds numbers, above zero somewhere, and not above the
-- amounts, which aren't net already.
CREATE FUNCTION demo.read_refunded(column_position int, value_position int, asked boolean) RETURNS int
LANGUAGE plpgsql AS $$
DECLARE
	column_name text := demo.shown(demo.column_name(column_position));
	texts bigint;
	numbers bigint;
	refunds bigint;
	too_large bigint;
BEGIN
	EXECUTE format($q$
		CREATE UNLOGGED TABLE demo.refunded_texts AS
		SELECT raw, n, abs(demo.to_number(demo.number_parts(raw), amount_decimal)) AS value
		  FROM demo.settings, (SELECT c%s AS raw, count(*) AS n FROM demo.raw WHERE btrim(c%1$s) <> '' GROUP BY 1) s $q$, column_position);
	ANALYZE demo.refunded_texts;
	SELECT coalesce(sum(n), 0), coalesce(sum(n) FILTER (WHERE value IS NOT NULL), 0) INTO texts, numbers FROM demo.refunded_texts;
	IF asked AND numbers = 0 THEN
		PERFORM demo.stop(demo.t('no number', column_name,
			coalesce((SELECT string_agg(demo.quoted(demo.shown(raw, 20)), ', ') FROM (SELECT raw FROM demo.refunded_texts ORDER BY n DESC, raw LIMIT 3) s), demo.quoted(''))),
			demo.t('hint refunded'));
	END IF;
	DELETE FROM demo.refunded_texts WHERE value IS NULL OR value = 0;
	EXECUTE format($q$
		SELECT count(*), count(*) FILTER (WHERE f.value > v.value * 1.001)
		  FROM demo.raw r JOIN demo.value_texts v ON v.raw = r.c%s JOIN demo.refunded_texts f ON f.raw = r.c%s WHERE v.value > 0 $q$, value_position, column_position)
	  INTO refunds, too_large;
	IF asked THEN
		RETURN column_position;
	ELSIF refunds = 0 OR numbers * 10 < texts * 9 THEN
		RETURN NULL;
	ELSIF too_large * 20 > refunds OR demo.plain_name(demo.column_name(value_position)) ~ '(^|_)(net|netto|neto|refunds?|refunded)(_|$)' THEN
		INSERT INTO demo.remarks (line) VALUES (demo.t_of(refunds, 'refunded unused', column_name, demo.num(refunds), demo.word(demo.column_name(column_position))));
		RETURN NULL;
	END IF;
	RETURN column_position;
END $$;

-- Names that no header has: the line of the file, and what was paid back.
CREATE FUNCTION demo.line_column() RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT E'\x01' $$;
CREATE FUNCTION demo.refund_column() RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT E'\x02' $$;

-- At most 9 decimals, which is what a history holds.
CREATE FUNCTION demo.rounded(x numeric) RETURNS numeric
LANGUAGE sql IMMUTABLE AS $$ SELECT CASE WHEN scale(x) > 9 THEN round(x, 9) ELSE x END $$;

CREATE FUNCTION demo.make_orders(customer_position int, day_position int, value_position int, quantity_position int, refunded_position int, asked_currency text,
	anyway boolean, lines_before int) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
	customer_name text := demo.column_name(customer_position);
	day_name text := demo.column_name(day_position);
	value_name text := demo.column_name(value_position);
	value_expression text := CASE WHEN quantity_position IS NULL THEN 'v.value' ELSE 'v.value * q.value' END;
	refund_expression text := CASE WHEN refunded_position IS NULL THEN '0' ELSE 'CASE WHEN v.value > 0 THEN coalesce(f.value, 0) ELSE 0 END' END;
	currency_position int := demo.currency_column(array_remove(ARRAY[customer_position, day_position, value_position, quantity_position, refunded_position], NULL));
	currency_name text := demo.column_name(currency_position);
	-- the rows of the currency that was asked for
	in_currency text := CASE WHEN asked_currency IS NULL OR asked_currency = 'ANY' THEN 'true'
							 ELSE format('demo.currency_code(r.c%s) IS NOT DISTINCT FROM %L', currency_position, asked_currency) END;
	source text;
	columns text;
	found_currencies text;
	n_currencies int;
	read bigint;
	kept bigint;
	n bigint;
	refunded numeric;
BEGIN
	IF asked_currency IS NOT NULL AND currency_position IS NULL THEN
		PERFORM demo.stop(demo.t('no currency column', demo.column_list()));
	END IF;
	IF coalesce(quantity_position, refunded_position) IS NOT NULL THEN
		value_name := CASE WHEN refunded_position IS NULL THEN 'amount' ELSE 'net_amount' END;
		WHILE EXISTS (SELECT FROM demo.file_columns WHERE lower(name) = value_name) LOOP
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
	IF refunded_position IS NOT NULL THEN
		source := source || format(' LEFT JOIN demo.refunded_texts f ON f.raw = r.c%s', refunded_position);
	END IF;
	SELECT string_agg(CASE position
			WHEN customer_position THEN format('btrim(r.c%s) AS %I', position, name)
			WHEN day_position THEN format('d.day AS %I', name)
			WHEN value_position THEN format('v.value AS %I', name)
			ELSE format('r.c%s AS %I', position, name) END, ', ' ORDER BY position)
		|| CASE WHEN coalesce(quantity_position, refunded_position) IS NULL THEN ''
				ELSE format(', demo.rounded(%s - %s) AS %I', value_expression, refund_expression, value_name) END
		|| format(', r.line + %s AS %I, %s AS %I', lines_before, demo.line_column(), refund_expression, demo.refund_column())
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
			replace(source, 'refunded_texts f ON f.', 'refunded_texts x ON x.'), customer_position, day_position, value_position, value_expression,
			CASE WHEN quantity_position IS NULL THEN 'true' ELSE 'q.value IS NOT NULL' END, coalesce(quantity_position, value_position), lines_before,
			in_currency, coalesce(currency_position, value_position));
	END IF;
	IF kept > 0 AND NOT anyway THEN
		PERFORM demo.stop_if_most_is_unreadable(kept + (SELECT count(*) FROM demo.left_out));
	END IF;
	UPDATE demo.settings SET customer_column = customer_name, day_column = day_name, value_column = value_name;
	IF kept = 0 THEN
		PERFORM demo.stop_without_rows();
	END IF;
	IF refunded_position IS NOT NULL THEN
		EXECUTE format('SELECT count(*), sum(%1$I) FROM public.orders WHERE %1$I <> 0', demo.refund_column()) INTO n, refunded;
		UPDATE demo.settings SET net_of_refunds = true, amount_is = amount_is || ' - ' || demo.shown(demo.column_name(refunded_position), 30);
		IF n > 0 THEN
			INSERT INTO demo.remarks (line) SELECT demo.t_of(n, 'refunded used', demo.shown(demo.column_name(refunded_position)), demo.num(n), demo.money(refunded, refunded));
		END IF;
	END IF;
END $$;

-- Rows that are no orders, left out with their reason. "condition" is of columns of the table orders.
CREATE FUNCTION demo.leave_out(condition text, reason text, shown_column text) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
	n bigint;
BEGIN
	EXECUTE format('WITH gone AS (DELETE FROM public.orders WHERE %s RETURNING %I AS line, %I::text AS value)
					INSERT INTO demo.left_out SELECT line, %L, value FROM gone', condition, demo.line_column(), shown_column, reason);
	GET DIAGNOSTICS n = ROW_COUNT;
	RETURN n;
END $$;

-- The last lines of a report may be sums: a customer Total, at the end and nowhere else.
CREATE FUNCTION demo.look_at_totals() RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
	s demo.settings := (SELECT x FROM demo.settings x);
	last record;
	total_lines bigint[] := '{}';
	total_keys text[] := '{}';
	found_elsewhere boolean;
BEGIN
	FOR last IN EXECUTE format('SELECT %I AS line, %I AS key FROM public.orders ORDER BY 1 DESC LIMIT 20', demo.line_column(), s.customer_column) LOOP
		EXIT WHEN regexp_replace(demo.plain_name(last.key), '_*[0-9]*$', '')
			!~ ('^((grand|sub|sous|report)_?)?(total|totals|totaux|totale|totali|totales|totaal|gesamt|gesamtsumme|gesamtergebnis|summe|endsumme|zwischensumme|ergebnis|somme|suma|soma|sum|'
				'eindtotaal|subtotaal|average|moyenne|durchschnitt)(_(general|generale|geral|amount|sales|revenue|orders|eur|usd|gbp|all|ttc|ht))?$');
		total_lines := total_lines || last.line;
		total_keys := total_keys || last.key;
	END LOOP;
	IF total_lines <> '{}' THEN
		EXECUTE format('SELECT EXISTS (SELECT FROM public.orders WHERE %I = ANY ($1) AND %I <> ALL ($2))', s.customer_column, demo.line_column())
		   INTO found_elsewhere USING total_keys, total_lines;
		IF NOT found_elsewhere THEN
			PERFORM demo.leave_out(format('%I = ANY (%L)', demo.line_column(), total_lines), 'total', s.customer_column);
		END IF;
	END IF;
END $$;

-- Guests ----------------------------------------------------------------------

-- Words that stand for "no customer": of shops, of SQL clients, of data frames.
CREATE FUNCTION demo.is_guest_word(x text) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
	SELECT (x !~ '[2-9]' OR x LIKE '%@%') AND word ~ ('^(\(?null\)?|<null>|\\n|nan|nat|none|nil|n[/.]?a\.?|#n/?a|<na>|undefined|unknown|anonymous|anon|guests?|inconnue?|anonyme|invitee?s?|aucune?|sans client|comptoir|gast|gaste|unbekannt|'
		'anonym|kein|keine|keiner|laufkunde|laufkundschaft|invitado|desconocido|desconhecido|anonimo|ospite|sconosciuto|nessuno|onbekend|anoniem|geen|convidado|'
		'(guest|anonymous|unknown|cash|walk-?in|no|default)[ _-](customer|user|client|checkout|order|buyer|account|sale|shopper)|walk-?in|client[ _-](inconnu|anonyme|de passage|comptoir|divers|invite)|clients[ _-]divers|'
		'\(?not (set|available|applicable|known|registered|logged in|provided)\)?|not_set|missing|[-._?]+|-1([.,]0+)?|(guest|anonymous|unknown|none|null|no-?e?mail|no-?reply|invite)@.*)$')
	  FROM lower(demo.unaccented(btrim(translate(x, U&'\00A0\0009', '  ')))) word
$$;

-- Whether a text that can't be read says something: not a dash, a zero, a currency
-- alone, or a word for nothing.
CREATE FUNCTION demo.is_spoilt(x text) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
	SELECT x ~ '[1-9]' OR word ~ '[[:alpha:]]' AND NOT demo.is_guest_word(word) AND word <> ALL ('{eur,usd,gbp,chf,pending,free,offert,gratuit,gratis,kostenlos,frei,omaggio,cadeau,tbd,tba}')
	  FROM lower(btrim(x, ' -.,')) word
$$;

-- How many rows each text in the column of customers has.
CREATE FUNCTION demo.make_keys() RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
	DROP TABLE IF EXISTS demo.keys;
	EXECUTE (SELECT format('CREATE UNLOGGED TABLE demo.keys AS SELECT %I AS key, count(*) AS n, sum(%I) AS revenue FROM public.orders GROUP BY 1', customer_column, value_column)
			   FROM demo.settings);
	ANALYZE demo.keys;
END $$;

-- One word for all guests would be the best customer. "asked" is keep, out, or a
-- column that tells the guests apart.
CREATE FUNCTION demo.look_at_guests(asked text, value_position int) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
	s demo.settings := (SELECT x FROM demo.settings x);
	told_by text := CASE WHEN lower(asked) NOT IN ('keep', 'out') THEN demo.column_name(demo.asked_column(asked, '--guests')) END;
	words text[];
	zeros text[];
	is_dense boolean;
	most bigint;
	other record;
	n_apart bigint;
	n bigint;
	revenue numeric;
	shown text;
	guests text[];
BEGIN
	IF told_by IN (s.customer_column, s.day_column, s.value_column) THEN
		PERFORM demo.stop(demo.t('one column for two roles', demo.column_list()), demo.t('hint guests'));
	END IF;
	EXECUTE format('UPDATE demo.settings SET last_read = (SELECT max(%I) FROM public.orders WHERE %1$I <= current_date + 1)', s.day_column);
	PERFORM demo.make_keys();
	words := ARRAY(SELECT key FROM demo.keys WHERE demo.is_guest_word(key));
	zeros := ARRAY(SELECT key FROM demo.keys WHERE key ~ '^0+([.,]0+)?$');
	guests := words || zeros;
	-- the column that tells them apart: an address, a name, a telephone
	FOR other IN
		SELECT c.name FROM demo.file_columns c LEFT JOIN demo.usual_columns('customer') u USING (position)
		 WHERE guests <> '{}' AND c.name NOT IN (s.customer_column, s.day_column, s.value_column) AND c.position <> value_position
		   AND (u.position IS NOT NULL OR demo.squeezed(c.name) ~ '(mail|courriel|correo|phone|telefon|telephone|mobile|name$|^nom|nachname|apellido|cognome|cookie|device|visitor)'
				AND demo.squeezed(c.name) !~ '(product|produ|item|artikel|article|country|pays|campaign|category|file|sku|event|company|store|shop)')
		 ORDER BY demo.squeezed(c.name) ~ '(mail|courriel|correo)' DESC, u.rank, c.position LIMIT 6
	LOOP
		EXIT WHEN told_by IS NOT NULL;
		EXECUTE format($q$SELECT count(DISTINCT lower(%1$I)) FROM public.orders WHERE %2$I = ANY ($1) AND btrim(%1$I) <> '' AND NOT demo.is_guest_word(%1$I)$q$, other.name, s.customer_column)
		  INTO n_apart USING guests;
		IF n_apart >= 2 OR n_apart = 1 AND (SELECT sum(k.n) FROM demo.keys k WHERE k.key = ANY (guests)) = 1 THEN
			told_by := other.name;
		END IF;
	END LOOP;
	-- 0 may be a person: the first of 0, 1, 2, ...
	IF zeros <> '{}' AND asked IS DISTINCT FROM 'out' THEN
		n_apart := 0;
		IF told_by IS NOT NULL THEN
			EXECUTE format($q$SELECT count(DISTINCT lower(%1$I)) FROM public.orders WHERE %2$I = ANY ($1) AND btrim(%1$I) <> ''$q$, told_by, s.customer_column) INTO n_apart USING zeros;
		END IF;
		SELECT count(*) FILTER (WHERE key ~ '^[0-9]{1,9}([.,]0)?$') * 10 >= 8 * coalesce(max(replace(key, ',', '.')::numeric) FILTER (WHERE key ~ '^[0-9]{1,9}([.,]0)?$'), 1e9)
			   AND count(*) FILTER (WHERE key !~ '^[0-9]{1,9}([.,]0)?$') * 10 < count(*), count(*), coalesce(max(k.n), 0)
		  INTO is_dense, n, most FROM demo.keys k WHERE key <> ALL (guests);
		IF n_apart < 2 AND is_dense AND (SELECT sum(k.n) FROM demo.keys k WHERE key = ANY (zeros)) <= most * (CASE WHEN n >= 20 THEN 1 ELSE 2 END) THEN
			guests := words;
		END IF;
	END IF;
	IF guests <> '{}' THEN
		SELECT sum(k.n), sum(k.revenue), string_agg(demo.quoted(demo.shown(key, 20)), ', ' ORDER BY k.n DESC, key) FILTER (WHERE nr <= 4) || CASE WHEN count(*) > 4 THEN ', ...' ELSE '' END
		  INTO n, revenue, shown
		  FROM (SELECT *, row_number() OVER (ORDER BY x.n DESC, key) AS nr FROM demo.keys x WHERE key = ANY (guests)) k;
		IF lower(asked) = 'keep' THEN
			INSERT INTO demo.remarks (line) VALUES (demo.t('guests kept', demo.count_of(n, 'rows'), demo.money(revenue, revenue), shown));
		ELSE
			IF asked IS NOT NULL AND lower(asked) <> 'out' THEN
				EXECUTE format($q$UPDATE public.orders SET %1$I = btrim(%2$I) WHERE %1$I = ANY ($1) AND btrim(%2$I) <> '' AND NOT demo.is_guest_word(%2$I)$q$, s.customer_column, told_by)
				  USING guests;
				GET DIAGNOSTICS n_apart = ROW_COUNT;
				INSERT INTO demo.remarks (line) VALUES (demo.t('guests told apart', demo.count_of(n_apart, 'rows'), shown, demo.shown(told_by)));
				n := n - n_apart;
			END IF;
			IF n > 0 THEN
				PERFORM demo.leave_out(format('%I = ANY (%L)', s.customer_column, guests), 'guest', s.customer_column);
				IF asked IS NULL THEN
					INSERT INTO demo.remarks (line) VALUES (demo.t_of(n, CASE WHEN told_by IS NULL THEN 'guests out' ELSE 'guests out told' END,
						demo.count_of(n, 'rows'), demo.money(revenue, revenue), shown, demo.word(told_by)));
				END IF;
			END IF;
			PERFORM demo.make_keys();
		END IF;
	ELSIF asked IS NOT NULL THEN
		INSERT INTO demo.remarks (line) VALUES (demo.t('guests none'));
	END IF;
	IF NOT EXISTS (SELECT FROM public.orders) THEN
		PERFORM demo.stop_without_rows();
	END IF;
	IF zeros <> '{}' AND guests = words AND lower(asked) IS DISTINCT FROM 'keep' THEN
		INSERT INTO demo.remarks (line)
		SELECT demo.t('zero customer', demo.quoted(key), demo.count_of(k.n, 'rows')) FROM demo.keys k
		 WHERE key = ANY (zeros) AND k.n > 1.5 * (SELECT avg(x.n) FROM demo.keys x WHERE key <> ALL (zeros)) ORDER BY k.n DESC LIMIT 1;
	END IF;
	-- an account that all guests share may have any name
	INSERT INTO demo.remarks (line)
	SELECT demo.t('one has most', demo.quoted(demo.shown(key, 30)), demo.num(k.n), demo.num(total))
	  FROM (SELECT key, x.n, lead(x.n) OVER w AS second, sum(x.n) OVER () AS total, count(*) OVER () AS customers, row_number() OVER w AS nr
			  FROM demo.keys x WINDOW w AS (ORDER BY x.n DESC, key)) k
	 WHERE nr = 1 AND customers >= 10 AND k.n >= 20 AND k.n >= 5 * second AND k.n * 10 >= total AND NOT (lower(asked) = 'keep' AND key = ANY (guests));
END $$;

-- Cancelled, failed, paid back ------------------------------------------------

CREATE FUNCTION demo.is_partial(word text) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
	SELECT plain ~ '(^|_)(partial|partially|partiel|partielle|partiellement|teilweise|teil|parcial|parcialmente|parziale|parzialmente|gedeeltelijk)(_|$|refund|erstatt)'
	  FROM demo.plain_name(word) plain
$$;

-- Whether a state or a type says that there is no sale, or none any more.
CREATE FUNCTION demo.is_cancelled_word(word text) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
	SELECT plain ~ ('(^|_)(re_?fund(s|ed|ing)?|charge_?backs?|cancell?(ed|ation|ations)|cancel|void(ed)?|return(s|ed)?|failed|failure|declined|denied|rejected|reversed|reversal|expired|abandoned|trash(ed)?|'
					'draft|deleted|unpaid|credit_(note|memo)s?|reso|resi)(_|$)'
					'|(^|_)(rembours|annul|avoir|retour|echou|echec|refus|storn|gutschrift|ruckerstatt|rueckerstatt|erstattet|fehlgeschlagen|abgelehnt|cancelad|anulad|reembols|devuelt|devolu|devolvid|'
					'rimbors|fallid|rechazad|recusad|rifiutat|geannuleerd|terugbetaal|geretourneerd|mislukt|afgewezen)')
		   AND plain !~ '(^|_)(not|non|no|never|nie|nicht|nunca|sans|without)(_|$)' AND NOT demo.is_partial(word)
	  FROM demo.plain_name(word) plain
$$;

-- Whether it says that money went back, rather than that none came.
CREATE FUNCTION demo.is_refund_word(word text) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
	SELECT demo.plain_name(word) ~ '(refund|charge_?back|return|credit_?(note|memo)|rembours|avoir|retour|gutschrift|erstatt|retoure|reembols|devuelt|devol|rimbors|(^|_)res[oi](_|$)|terugbetaal)'
$$;

-- Rows whose amount is above zero although another column says that they were
-- cancelled, failed or paid back: a state or type, a moment, or a yes. They count,
-- unless they are to be left out; a row whose type is a refund is then taken off.
-- What a column of refunds has taken off is settled.
CREATE FUNCTION demo.look_at_cancelled(left_out boolean) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
	s demo.settings := (SELECT x FROM demo.settings x);
	kind record;
	condition text;
	open_amount text := format('%I > 0 AND %I = 0', s.value_column, demo.refund_column());
	n bigint;
	amount numeric;
	texts text;
BEGIN
	FOR kind IN
		SELECT name, unnest(CASE
			WHEN squeezed ~ '^(order|is)?(cancell?ed|voided|refunded|failed|declined|returned|chargedback|deleted)(at|on|date|time|datetime|timestamp|dateutc|atutc|utc)+$'
				OR squeezed ~ '^(order)?(cancell?ation|cancel|refund|void|return|chargeback)(at|on|date|time|datetime|timestamp|dateutc|atutc)+$'
				OR squeezed ~ '^date(time)?(of)?(cancel|void|refund|return)'
				OR squeezed ~ '^(annulee?le|rembourseele|rembourseelle|rembourse(le)?date|dated?(e|l)?(annulation|remboursement|retour)|date(annulation|remboursement|retour)|storniertam|stornodatum|stornierungsdatum|erstattetam|erstattungsdatum|retourdatum|fecha(de)?(cancelacion|anulacion|reembolso|devolucion)|data(di)?(annullamento|rimborso)|data(do)?(cancelamento|reembolso)|canceladoem|annuleringsdatum|geannuleerdop)$'
				OR squeezed ~ '^(order)?(cancel|cancell?ation|failure|void|refund|storno|stornierungs)(reason|code|message|grund)$' OR squeezed ~ '^(motif|raison)(de|d|del)?(l)?(annulation|remboursement)$'
				THEN ARRAY['moment']
			WHEN squeezed ~ '^(is|was|order|est)?(cancell?ed|refunded|voided|failed|returned|chargedback|storniert|erstattet|annulee?|remboursee?|retournee?|cancelad[oa]|anulad[oa]|reembolsad[oa]|annullat[oa]|rimborsat[oa]|geannuleerd)$'
				OR squeezed ~ '^(is|was|est)(an?)?(cancel|cancell?ation|void|annulation)$|^(ist)?(storno|stornierung)$|^annulation$'
				THEN ARRAY['yes']
			WHEN squeezed ~ '^(is|est)(an?)?(refund|return|creditnote|creditmemo|remboursement|avoir|retour)$' THEN ARRAY['yes, a refund']
			WHEN plain ~ '(^|_)(status|statut|state|etat|zustand|stato|estado|situacao)(_|$)' OR squeezed ~ '(status|statut|zustand|state)$' THEN ARRAY['word']
			WHEN plain ~ '(^|_)(type|kind|nature|event|evenement|action|art|typ|tipo|operation|vorgang)(_|$)' OR squeezed ~ '(type|typ|art)$' AND squeezed !~ 'part$' THEN ARRAY['word of a type', 'refund'] END) AS says
		  FROM demo.file_columns, demo.plain_name(name) plain, demo.squeezed(name) squeezed
		 WHERE name NOT IN (s.customer_column, s.day_column, s.value_column)
		 ORDER BY position
	LOOP
		condition := format(CASE kind.says
				WHEN 'moment' THEN $q$lower(btrim(%1$I)) NOT IN ('', 'null', 'nan', 'nat', 'none', 'n/a', 'false', 'no', 'non', 'nein', '\n') AND %1$I !~ '^[-0 :/.TZ]*$'$q$
				WHEN 'yes' THEN $q$lower(btrim(%1$I)) IN ('true', 't', 'yes', 'y', '1', 'oui', 'o', 'vrai', 'ja', 'j', 'wahr', 'x', 'si', 'sim', 'waar', 'vero')$q$
				WHEN 'yes, a refund' THEN $q$lower(btrim(%1$I)) IN ('true', 't', 'yes', 'y', '1', 'oui', 'o', 'vrai', 'ja', 'j', 'wahr', 'x', 'si', 'sim', 'waar', 'vero')$q$
				-- each text once
				ELSE $q$%1$I = ANY ((SELECT array_agg(text) FROM (SELECT DISTINCT %1$I AS text FROM public.orders OFFSET 0) t WHERE demo.is_cancelled_word(text) AND demo.is_refund_word(text) IN (%2$s))::text[])$q$ END,
			kind.name, CASE kind.says WHEN 'refund' THEN 'true' WHEN 'word of a type' THEN 'false' ELSE 'true, false' END);
		EXECUTE format($q$
			SELECT sum(n), sum(amount), string_agg(format('%%s (%%s)', CASE WHEN %5$L THEN demo.t('filled in') ELSE demo.quoted(demo.shown(text, 20)) END, demo.num(n)), ', ' ORDER BY n DESC, text) FILTER (WHERE nr <= 4) || CASE WHEN count(*) > 4 THEN ', ...' ELSE '' END
			  FROM (SELECT %1$s AS text, count(*) AS n, sum(%2$I) AS amount, row_number() OVER (ORDER BY count(*) DESC, %1$s) AS nr
					  FROM public.orders WHERE %3$s AND %4$s GROUP BY 1) s $q$,
			CASE kind.says WHEN 'moment' THEN 'NULL::text' ELSE quote_ident(kind.name) END, s.value_column, open_amount, condition, kind.says = 'moment')
		  INTO n, amount, texts;
		IF n > 0 THEN
			IF kind.says IN ('refund', 'yes, a refund') THEN
				IF left_out THEN
					EXECUTE format('UPDATE public.orders SET %1$I = -%1$I WHERE %2$s AND %3$s', s.value_column, open_amount, condition);
				END IF;
				INSERT INTO demo.remarks (line) VALUES (demo.t(CASE WHEN left_out THEN 'refunds made' ELSE 'refunds above zero' END,
					demo.num(n), demo.shown(kind.name, 30), texts, demo.money(amount, amount)));
			ELSIF left_out THEN
				PERFORM demo.leave_out(format('%s AND %s', open_amount, condition), 'cancelled', kind.name);
				INSERT INTO demo.remarks (line) VALUES (demo.t('cancelled out', demo.num(n), demo.shown(kind.name, 30), texts, demo.money(amount, amount)));
			ELSE
				INSERT INTO demo.remarks (line) VALUES (demo.t('cancelled', demo.num(n), demo.shown(kind.name, 30), texts, demo.money(amount, amount)));
			END IF;
		END IF;
		IF kind.says LIKE 'word%' THEN
			EXECUTE format($q$
				SELECT sum(n), string_agg(format('%%s (%%s)', demo.quoted(demo.shown(text, 20)), demo.num(n)), ', ' ORDER BY n DESC, text)
				  FROM (SELECT %I AS text, count(*) AS n FROM public.orders WHERE %s GROUP BY 1 OFFSET 0) s WHERE demo.is_partial(text) $q$, kind.name, open_amount)
			  INTO n, texts;
			IF n > 0 THEN
				INSERT INTO demo.remarks (line) VALUES (demo.t('partly paid back', demo.shown(kind.name, 30), texts));
			END IF;
		END IF;
	END LOOP;
	IF NOT EXISTS (SELECT FROM public.orders) THEN
		PERFORM demo.stop_without_rows();
	END IF;
END $$;

-- Lines of orders ---------------------------------------------------------------

-- A unit price beside a quantity, and quantities below zero whose amounts aren't.
CREATE FUNCTION demo.look_at_quantities(value_position int) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
	s demo.settings := (SELECT x FROM demo.settings x);
	quantity text := demo.column_name(demo.usual_column('quantity'));
	is_price boolean := demo.plain_name(demo.column_name(value_position)) ~ '(price|prix|preis|precio|prezzo|preco|prijs)' AND demo.plain_name(demo.column_name(value_position)) !~ 'total|gesamt';
	n bigint;
BEGIN
	IF quantity IS NULL OR quantity IN (s.customer_column, s.day_column, s.value_column) THEN
		RETURN;
	END IF;
	EXECUTE format($q$SELECT count(*) FROM public.orders WHERE %I > 0 AND %I ~ '^\s*([-(]|\u2212)\s*[0-9.,]*[1-9]|[1-9][0-9.,]*-\s*$'$q$, s.value_column, quantity) INTO n;
	IF is_price THEN
		INSERT INTO demo.remarks (line) VALUES (demo.t('price alone', demo.shown(demo.column_name(value_position)), demo.shown(quantity), demo.word(quantity)));
	END IF;
	IF n > 0 THEN
		INSERT INTO demo.remarks (line) VALUES (demo.t_of(n, CASE WHEN is_price THEN 'below zero price' ELSE 'below zero' END, demo.count_of(n, 'rows'), demo.shown(quantity), demo.word(quantity)));
	END IF;
END $$;

-- Lines of orders added up, where that was asked.
CREATE FUNCTION demo.add_up_orders(order_column text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
	s demo.settings := (SELECT x FROM demo.settings x);
	order_name text := demo.column_name(demo.asked_column(order_column, '--order'));
	read bigint := (SELECT count(*) FROM public.orders);
	kept bigint;
BEGIN
	IF order_name IN (s.customer_column, s.day_column, s.value_column) THEN
		PERFORM demo.stop(demo.t('one column for two roles', demo.column_list()), demo.t('hint columns'));
	END IF;
	ALTER TABLE public.orders RENAME TO order_lines;
	EXECUTE format('CREATE UNLOGGED TABLE public.orders AS SELECT %1$I, %2$I, min(%3$I) AS %3$I, sum(%4$I) AS %4$I
					  FROM public.order_lines GROUP BY 1, 2, CASE WHEN btrim(%1$I) <> %5$L THEN NULL ELSE ctid::text END',
				   order_name, s.customer_column, s.day_column, s.value_column, '');
	GET DIAGNOSTICS kept = ROW_COUNT;
	UPDATE demo.settings SET lines_added = read - kept;
	INSERT INTO demo.remarks (line) VALUES (demo.t_of(read, 'orders added up', demo.num(read), demo.count_of(kept, 'orders'), demo.shown(order_name)));
END $$;

-- Order numbers that come several times: the rows are lines of orders.
CREATE FUNCTION demo.look_at_order_numbers() RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
	order_column text := demo.column_name(demo.usual_column('order'));
	numbers bigint;
	total bigint;
BEGIN
	IF order_column IS NULL OR order_column IN (SELECT unnest(ARRAY[customer_column, day_column, value_column]) FROM demo.settings) THEN
		RETURN;
	END IF;
	EXECUTE format('SELECT count(DISTINCT %1$I), count(%1$I) FROM public.orders WHERE btrim(%1$I) <> %2$L', order_column, '') INTO numbers, total;
	IF numbers * 10 < total * 9 THEN
		INSERT INTO demo.remarks (line) VALUES (demo.t('order lines', demo.shown(order_column), demo.num(numbers), demo.num(total), demo.word(order_column)));
	END IF;
END $$;

-- Customers -----------------------------------------------------------------------

-- Keys that a spreadsheet or a data frame may have spoilt, in one line; and
-- customers with one order each, whose key may be the order's.
CREATE FUNCTION demo.look_at_keys() RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
	s demo.settings := (SELECT x FROM demo.settings x);
	parts text[];
	best text;
	other record;
	n bigint;
	most bigint;
	people bigint;
	rows_from regclass := coalesce(to_regclass('public.order_lines'), 'public.orders'::regclass);
BEGIN
	WITH marked AS (
		SELECT key, CASE WHEN key ~ '^[-+]?[0-9]([.,][0-9]+)?[eE][+]?[0-9]{1,3}$' THEN 'exponents' WHEN key ~ '^[0-9]+[.,]0+$' THEN 'point zero'
						 WHEN key ~ U&'[\0009\000A\000D\00A0\00AD\2007\200B-\200D\202F\2060\FEFF]' THEN 'blanks' WHEN key ~ '^0[0-9]+$' THEN 'zeros' END AS mark
		  FROM demo.keys WHERE key ~ U&'^[-+0-9]|[\0009\000A\000D\00A0\00AD\2007\200B-\200D\202F\2060\FEFF]'
	), cleaned AS (
		SELECT key, mark, CASE mark WHEN 'point zero' THEN regexp_replace(key, '[.,]0+$', '') WHEN 'zeros' THEN ltrim(key, '0')
			WHEN 'blanks' THEN btrim(regexp_replace(key, U&'[\0009\000A\000D\0020\00A0\00AD\2007\200B-\200D\202F\2060\FEFF]+', CASE WHEN key ~ U&'[\00AD\200B-\200D\2060\FEFF]' THEN '' ELSE ' ' END, 'g')) END AS clean
		  FROM marked WHERE mark IS NOT NULL
	), counted AS (
		SELECT mark, count(*) AS n, min(c.key) AS example, count(k.key) AS twins FROM cleaned c LEFT JOIN demo.keys k ON k.key = c.clean GROUP BY 1
	)
	SELECT array_agg(demo.t_of(c.n, 'key ' || mark, demo.num(c.n), demo.quoted(demo.shown(example, 24)))
					 || CASE WHEN twins > 0 THEN demo.t('key twins', demo.num(twins)) ELSE '' END ORDER BY c.n DESC, mark) INTO parts
	  FROM counted c WHERE mark <> 'zeros' OR twins > 0;
	IF parts IS NOT NULL THEN
		INSERT INTO demo.remarks (line) VALUES (demo.t('keys spoilt', array_to_string(parts, demo.semicolon())));
	END IF;
	-- everybody has bought once: is there a column of people?
	EXECUTE format('SELECT count(*) FILTER (WHERE orders > 0), coalesce(max(orders), 0) FROM (SELECT count(*) FILTER (WHERE %I >= 0) AS orders FROM public.orders GROUP BY %I) k', s.value_column, s.customer_column) INTO n, most;
	IF n >= 3 AND most = 1 THEN
		FOR other IN
			SELECT c.name FROM demo.file_columns c LEFT JOIN demo.usual_columns('customer') u USING (position)
			 WHERE c.name NOT IN (s.customer_column, s.day_column, s.value_column)
			   AND (u.position IS NOT NULL OR demo.squeezed(c.name) ~ '(customer|client|kunde|cliente|klant|mail|courriel|buyer|acheteur|user|person)'
					AND demo.squeezed(c.name) !~ '(state|city|ville|zip|postal|postcode|country|pays|type|segment|gender|age$|group|since|agent)')
			 ORDER BY u.rank NULLS LAST, c.position LIMIT 8
		LOOP
			EXECUTE format($q$SELECT count(DISTINCT %1$I), count(*) FROM %2$s WHERE btrim(%1$I) <> '' AND NOT demo.is_guest_word(%1$I)$q$, other.name, rows_from) INTO people, n;
			IF people > 1 AND people < n AND people * 20 > n THEN
				best := demo.t('one order each, person', demo.word(other.name), demo.num(people), demo.num(n));
				EXIT;
			END IF;
		END LOOP;
		INSERT INTO demo.remarks (line) VALUES (demo.t('one order each', demo.quoted(demo.shown(s.customer_column))) || coalesce(' ' || best, ''));
	END IF;
END $$;

-- The table as it is left for --psql and the model.
CREATE FUNCTION demo.finish_orders() RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
	s demo.settings := (SELECT x FROM demo.settings x);
	blank record;
	filled boolean;
	rows_from regclass := coalesce(to_regclass('public.order_lines'), 'public.orders'::regclass);
BEGIN
	EXECUTE format('ALTER TABLE %s DROP COLUMN %I, DROP COLUMN %I', rows_from, demo.line_column(), demo.refund_column());
	-- columns without a name and without a text, as spreadsheets leave them
	FOR blank IN SELECT file_columns.name FROM demo.file_columns JOIN demo.header h USING (position)
				  WHERE btrim(h.name) = '' AND file_columns.name NOT IN (s.customer_column, s.day_column, s.value_column) LOOP
		EXECUTE format('SELECT EXISTS (SELECT FROM %s WHERE btrim(%I) <> %L)', rows_from, blank.name, '') INTO filled;
		IF NOT filled THEN
			EXECUTE format('ALTER TABLE %s DROP COLUMN %I', rows_from, blank.name);
		END IF;
	END LOOP;
	UPDATE demo.settings SET source_rows = (SELECT count(*) FROM public.orders) + (SELECT count(*) FROM demo.left_out);
END $$;
