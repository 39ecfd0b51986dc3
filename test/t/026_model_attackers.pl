# Roles that have put code where the extension looks for data: casts, policies,
# views, triggers, indexes, functions with the names of a model's. It must never
# run with the rights of whoever proves an erasure, explains a customer of another
# role's model, or looks at another role's segment map.
use strict;
use warnings;
use ScoringCluster;
use ModelCluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('attackers');
$node->start;
make_roles($node, qw(mallory lyon));
make_attempt($node, 'postgres');
$node->safe_psql('postgres', q{
	CREATE SCHEMA scoring;
	CREATE EXTENSION customer_scoring SCHEMA scoring;
	GRANT USAGE ON SCHEMA scoring TO PUBLIC;
	GRANT CREATE ON DATABASE postgres TO shopowner, mallory, lyon;
	-- what attackers catch: who ran it, outside of the transaction that ran it
	CREATE SEQUENCE public.sprung;
	GRANT ALL ON SEQUENCE public.sprung TO PUBLIC;
	CREATE FUNCTION public.catch(what text) RETURNS text LANGUAGE plpgsql SET search_path = pg_catalog AS $$
	BEGIN
	  IF current_user NOT IN ('mallory', 'lyon') THEN
	    PERFORM nextval('public.sprung'); RAISE WARNING 'caught % by %', current_user, what;
	  END IF;
	  RETURN what;
	END $$;
	CREATE FUNCTION public.catch_immutable(what text) RETURNS text LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog AS $$ BEGIN RETURN public.catch(what); END $$;
	CREATE FUNCTION public.catch_trigger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM public.catch('trigger ' || tg_name); RETURN NEW; END $$;
	SET ROLE shopowner;
	CREATE SCHEMA crm;
	CREATE TABLE crm.orders AS SELECT CASE WHEN i % 3 = 0 THEN 'lyon' ELSE 'paris' END AS shop, 'C' || i % 30 AS customer, date '2025-01-01' + i AS day, i::numeric AS value FROM generate_series(1, 300) i;
	CREATE TABLE crm.people AS SELECT DISTINCT shop, customer, 'town ' || length(customer) AS town FROM crm.orders;
	SELECT scoring.create_model('chain', 'crm.orders', customer => 'customer', day => 'day', value => 'value', tenant => 'shop', customers => 'crm.people', attributes => '{town}', as_of => '2025-12-31');
	SELECT scoring.grant_reader('chain', 'lyon', 'lyon')});
sub as { my ($role, $sql) = @_; return scalar run_as($node, 'postgres', $role, $sql); }
sub caught { return $node->safe_psql('postgres', 'SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM public.sprung') }

# --- what a reader keeps of a model --------------------------------------------
as('lyon', q{
	CREATE SCHEMA ly; GRANT USAGE ON SCHEMA ly TO PUBLIC;
	CREATE TYPE ly.boxed AS (x text);
	CREATE FUNCTION ly.unbox(b ly.boxed) RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM public.catch('a cast'); RETURN b.x; END $$;
	CREATE CAST (ly.boxed AS text) WITH FUNCTION ly.unbox(ly.boxed);
	CREATE TYPE ly.letter AS ENUM ('a');
	CREATE FUNCTION ly.spell(b ly.letter) RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM public.catch('a cast of an enum'); RETURN 'a'; END $$;
	CREATE CAST (ly.letter AS text) WITH FUNCTION ly.spell(ly.letter);
	CREATE DOMAIN ly.checked AS text CHECK (public.catch_immutable(VALUE) IS NOT NULL);
	CREATE MATERIALIZED VIEW ly.boxed_keys AS SELECT ROW(customer_key)::ly.boxed AS some_key, 1 AS n FROM chain.customer_scores;
	CREATE MATERIALIZED VIEW ly.domains AS SELECT customer_key::ly.checked AS x, 'a'::ly.letter AS other_key, ARRAY[customer_key] AS list, to_jsonb(customer_key) AS j FROM chain.customer_scores;
	CREATE MATERIALIZED VIEW ly.plain AS SELECT customer_key AS who, recency_days, rfm_score, as_of FROM chain.customer_scores;
	CREATE MATERIALIZED VIEW ly.indexed AS SELECT customer_key, 1 AS n FROM chain.customer_scores;
	CREATE INDEX ON ly.indexed ((public.catch_immutable('an index on a constant') || n::text));
	CREATE MATERIALIZED VIEW ly.partly AS SELECT customer_key, 1 AS n FROM chain.customer_scores;
	CREATE INDEX ON ly.partly (n) WHERE public.catch_immutable('a condition of an index') > n::text;
	CREATE MATERIALIZED VIEW ly.counted AS SELECT customer_key, 1 AS n FROM chain.customer_scores;
	CREATE STATISTICS ly.s ON (public.catch_immutable('statistics on a constant') || n::text), n FROM ly.counted;
	ANALYZE ly.boxed_keys, ly.domains, ly.plain, ly.indexed, ly.partly, ly.counted;
	GRANT SELECT ON ALL TABLES IN SCHEMA ly TO PUBLIC;});
my $report = q{SELECT object || '|' || kind || '|' || coalesce(found::text, '-') FROM scoring.erasure_report('chain', 'lyon:C3') WHERE object ~ '^ly' ORDER BY 1};
is(as('shopowner', $report), join("\n",
	'ly.boxed_keys|materialized view, column some_key not searched|-',
	'ly.boxed_keys|statistics|0',
	'ly.counted|materialized view, not searched: it has statistics on an expression|-',
	'ly.counted|statistics|1',
	'ly.domains|materialized view, column j not searched|-',
	'ly.domains|materialized view, column list not searched|-',
	'ly.domains|materialized view, column other_key not searched|-',
	'ly.domains|materialized view, column x not searched|-',
	'ly.indexed|materialized view, not searched: it has an index with an expression or a condition|-',
	'ly.indexed|statistics|1',
	'ly.partly|materialized view, not searched: it has an index with an expression or a condition|-',
	'ly.partly|statistics|1',
	'ly.plain|materialized view|1',
	'ly.plain|statistics|1'), 'erasure_report searches what is data and says what it did not search');
is(caught(), '0', 'and runs nothing of the reader');
as('shopowner', q{SELECT scoring.forget_customer('chain', 'lyon:C3'); SELECT scoring.export_customer('chain', 'lyon:C6')});
is(caught(), '0', 'nor do forget_customer and export_customer');

# --- the language of trigger functions -------------------------------------------
# It is trusted: whatever its functions say, they have the rights of their owner or
# caller, and are an error where they aren't what a live model makes.
as('shopowner', q{CREATE TABLE crm.sales AS SELECT customer, day, value FROM crm.orders; GRANT SELECT, INSERT, UPDATE, TRIGGER ON crm.sales TO mallory;
	SELECT scoring.create_model('sold', 'crm.sales', customer => 'customer', day => 'day', value => 'value', live => true, as_of => '2025-12-31')});
my $good = q{{"model": "mine", "query": "SELECT c COLLATE \"C\", d, v FROM changed_rows", "time_zone": null, "on_error": "reject", "tenants": false, "enums": null}};
my $with = sub { my ($name, $value, $body) = (@_, $good); $body =~ s/"$name": ("(\\.|[^"\\])*"|\w+)/"$name": $value/ or die $name; return $body; };
my $make = sub { return "CREATE OR REPLACE FUNCTION mine.record() RETURNS trigger LANGUAGE customer_scoring_live AS \$body\$$_[0]\$body\$"; };
as('mallory', q{CREATE SCHEMA mine; CREATE TABLE mine.sales (c text, d date, v numeric); CREATE TABLE mine.bad (c text, d date, v numeric);
	CREATE TABLE mine.pending (customer_key text, tenant text, difference scoring.history); CREATE TABLE mine.rejects (operation text, reason text, affected bigint, needs_rebuild boolean);
	GRANT ALL ON SCHEMA mine TO PUBLIC; GRANT ALL ON mine.sales TO PUBLIC;} . $make->($good) . q{;
	CREATE TRIGGER t AFTER INSERT ON mine.sales REFERENCING NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION mine.record()});
my $insert = q{INSERT INTO mine.sales VALUES ('K1', '2025-01-01', 5)};
my $mine = sub { my $got = as('mallory', q{SELECT string_agg(customer_key || difference::text, ' ') FROM mine.pending; SELECT string_agg(reason, ' ') FROM mine.rejects; TRUNCATE mine.pending, mine.rejects});
	return join '|', split /\n/, $got, -1; };
is(join(' ', attempt($node, 'postgres', 'mallory', $insert)), 'ok', 'anybody may write a function in it');
is($mine->(), 'K1{2025-01-01:1:5}|', 'which writes to a table of their own');
is(as('shopowner', "$insert RETURNING c"), 'K1', 'another role writes to the table');
is($mine->(), '|', 'whose rights do not reach it');
my $sold = q{SELECT (SELECT count(*) FROM sold.pending), (SELECT count(*) FROM sold.rejects)};
as('mallory', $make->($with->('model', '"sold"')));
is(join(' ', attempt($node, 'postgres', 'mallory', $insert), as('shopowner', $sold)), 'ok 0|0', 'the model of another role is not written to');
like((attempt($node, 'postgres', 'mallory', q{CREATE TRIGGER t AFTER INSERT ON mine.sales REFERENCING NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION sold.record_differences()}))[0], qr/^42501/, 'nor by its own function');
like((attempt($node, 'postgres', 'mallory', q{CREATE TRIGGER t AFTER INSERT ON crm.sales REFERENCING NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION sold.record_differences()}))[0], qr/^42501/, 'on its own source');
as('mallory', $make->($with->('query', q{"SELECT c COLLATE \"C\", d, v FROM changed_rows, crm.people"})));
is(join(' ', attempt($node, 'postgres', 'mallory', $insert), $mine->()), 'ok |error 42501', 'what its owner may not read is not read');
as('mallory', $make->($with->('query', q{"SELECT c COLLATE \"C\", d, v FROM changed_rows"})));
# queries that are none of a model's
my %wrong = ('more customers than rows' => [ q{"SELECT (c || i) COLLATE \"C\", d, v FROM changed_rows, generate_series(1, 100) AS i"}, '42P13' ], 'a key that is no text' => [ '"SELECT 1, d, v FROM changed_rows"', '42804' ],
	'two columns' => [ '"SELECT c, d FROM changed_rows"', '42804' ], 'two queries' => [ '"SELECT c, d, v FROM changed_rows; SELECT 1"', '42601' ],
	'a query that writes' => [ '"DELETE FROM mine.sales RETURNING c, d, v"', '42601' ], 'a writing WITH' => [ '"WITH x AS (DELETE FROM mine.sales RETURNING *) SELECT c, d, v FROM x"', '0A000' ]);
for my $what (sort keys %wrong)
{
	as('mallory', $make->($with->('query', $wrong{$what}[0])));
	is(join(' ', attempt($node, 'postgres', 'mallory', $insert), $mine->()), "ok |error $wrong{$what}[1]", "$what is an error");
	as('mallory', $make->($with->('on_error', '"raise"', $with->('query', $wrong{$what}[0]))));
	like((attempt($node, 'postgres', 'mallory', $insert))[0], qr/^$wrong{$what}[1] /, 'or raises one');
}
# bodies that say nothing
for my $body ('', 'no', '[]', '{}', '1', $with->('model', 'null'), $with->('model', '1'), $with->('query', '{}'), $with->('tenants', '"yes"'), $with->('enums', '7'), $with->('enums', '[7]'), $with->('enums', '[["a"]]'), $with->('enums', '[[1, 2]]'),
	map { '{"stream": ' . $_ . ', ' . substr($good, 1) } '"1"', '0', '-1', '[1]')
{
	like((attempt($node, 'postgres', 'mallory', $make->($body)))[0], qr/^(42P13 this is no trigger function of a live model|22P02 )/, "no body: $body");
	as('mallory', 'SET check_function_bodies = off; ' . $make->($body));
	like((attempt($node, 'postgres', 'mallory', $insert))[0], qr/^(42P13|22P02) /, 'nor where nobody looked at it first');
}
like((attempt($node, 'postgres', 'mallory', 'CREATE FUNCTION mine.other() RETURNS int LANGUAGE customer_scoring_live AS $$' . $good . '$$'))[0], qr/^42P13 /, 'a function of it is a trigger');
# of a stream: into a table of their own alone, and with a kind
as('mallory', $make->('{"stream": 3, ' . substr($good, 1)));
is(join(' ', attempt($node, 'postgres', 'mallory', $insert), $mine->()), 'ok |', 'a stream without a table for it is none');
as('mallory', 'CREATE TABLE mine.pending_events (customer_key text, tenant text, stream_no int, kind text, difference scoring.history)');
like((attempt($node, 'postgres', 'mallory', $insert))[0], qr/^42P13 /, 'nor is a key without a kind one of a stream');
as('mallory', $make->($with->('query', q{"SELECT ('2:ab' || c) COLLATE \"C\", d, v FROM changed_rows"}, '{"stream": 3, ' . substr($good, 1))));
is(join(' ', attempt($node, 'postgres', 'mallory', $insert), as('mallory', q{SELECT stream_no, kind, customer_key, difference FROM mine.pending_events})), 'ok 3|ab|K1|{2025-01-01:1:5}', 'with one it is written there');
as('mallory', $make->($with->('query', q{"SELECT ('99:ab' || c) COLLATE \"C\", d, v FROM changed_rows"}, '{"stream": 3, ' . substr($good, 1))));
like((attempt($node, 'postgres', 'mallory', $insert))[0], qr/^42P13 /, 'a kind that is longer than the key is an error');
as('mallory', 'DROP TABLE mine.pending_events');
# of a ledger: keys of one column, into a table of their own alone
my $keys = sub { return '{"keys": ' . $_[0] . ', ' . substr($with->('query', 'null'), 1) };
as('mallory', $make->($keys->('[["mine", "sales", "c"]]')));
is(join(' ', attempt($node, 'postgres', 'mallory', $insert), $mine->()), 'ok |', 'a ledger without its table is none');
as('mallory', 'CREATE TABLE mine.touched (event text)');
is(join(' ', attempt($node, 'postgres', 'mallory', $insert), as('mallory', 'SELECT * FROM mine.touched'), $mine->()), 'ok K1 |', 'with it the key is written there');
for my $other ('[["mine", "sales", "d"]]', '[["mine", "sales", "none"]]', '[["mine", "bad", "c"]]', '[["crm", "sales", "customer"]]', '[]')
{
	as('mallory', $make->($keys->($other)));
	is(join(' ', attempt($node, 'postgres', 'mallory', $insert), $mine->()), 'ok |the column of event keys is gone', "other keys: $other");
}
for my $body ('1', '{}', '[1]', '[["a", "b"]]', '[["a", "b", 1]]')
{
	like((attempt($node, 'postgres', 'mallory', $make->($keys->($body))))[0], qr/^42P13 /, "no keys: $body");
}
as('mallory', $make->($with->('on_error', '"raise"', '{"keys": [["mine", "sales", "c"]], ' . substr($with->('query', '"SELECT FROM crm.people WHERE $1 IS NOT NULL"'), 1))));
like((attempt($node, 'postgres', 'mallory', $insert))[0], qr/^42501 /, 'the query of a ledger may read what its owner may');
as('mallory', $make->($with->('on_error', '"raise"', '{"keys": [["mine", "sales", "c"]], ' . substr($with->('query', '"DELETE FROM mine.sales WHERE c = ANY ($1)"'), 1))));
like((attempt($node, 'postgres', 'mallory', $insert))[0], qr/^42P13 /, 'and is a SELECT');
as('mallory', $make->($keys->('[["mine", "sales", "c"]]')));
as('mallory', 'ALTER TABLE mine.touched ALTER event TYPE int USING 1');
like((attempt($node, 'postgres', 'mallory', $insert))[0], qr/^55000 table touched of model "mine" is missing, or not what the extension has made/, 'touched with another type');
as('mallory', 'DROP TABLE mine.touched');
# tables that the extension has not made, and other triggers
as('mallory', $make->($good));
for my $column ('difference TYPE text', 'difference TYPE bytea USING NULL', 'tenant TYPE int USING 1', 'customer_key TYPE "char"')
{
	as('mallory', "BEGIN; ALTER TABLE mine.pending ALTER $column; COMMIT");
	like((attempt($node, 'postgres', 'mallory', $insert))[0], qr/^55000 table pending of model "mine" is missing, or not what the extension has made/, "pending with $column");
	as('mallory', 'DROP TABLE mine.pending; CREATE TABLE mine.pending (customer_key text, tenant text, difference scoring.history)');
}
as('mallory', 'ALTER TABLE mine.pending DROP tenant, ADD other int, ADD tenant text, ADD CHECK (length(customer_key) < 10)');
is(join(' ', attempt($node, 'postgres', 'mallory', $insert), $mine->()), 'ok K1{2025-01-01:1:5}|', 'columns are found by name');
like((attempt($node, 'postgres', 'mallory', q{INSERT INTO mine.sales VALUES ('a long name of a customer', '2025-01-01', 5)}))[0], qr/^23514 /, 'and constraints hold');
for my $trigger ('AFTER INSERT ON mine.bad FOR EACH STATEMENT', 'AFTER INSERT ON mine.bad FOR EACH ROW', 'BEFORE INSERT ON mine.bad FOR EACH STATEMENT', 'BEFORE INSERT ON mine.bad FOR EACH ROW')
{
	as('mallory', "CREATE OR REPLACE TRIGGER t $trigger EXECUTE FUNCTION mine.record()");
	like((attempt($node, 'postgres', 'mallory', q{INSERT INTO mine.bad VALUES ('K1', '2025-01-01', 5)}))[0], qr/^39P01 /, "a trigger $trigger");
	as('mallory', 'DROP TRIGGER t ON mine.bad');
}
like((attempt($node, 'postgres', 'mallory', 'SELECT mine.record()'))[0], qr/^0A000 |^39P01 /, 'a call of it');
# one that replaces itself while it is called
as('mallory', q{CREATE FUNCTION mine.again() RETURNS text LANGUAGE plpgsql AS $x$ BEGIN IF pg_trigger_depth() < 3 THEN EXECUTE replace(pg_get_functiondef('mine.record()'::regprocedure), ', v', ', v + 0');
	INSERT INTO mine.sales VALUES ('K2', '2025-01-01', 5); END IF; RETURN 'K3'; END $x$;} . $make->($with->('query', q{"SELECT mine.again() COLLATE \"C\", d, v FROM changed_rows"})));
is(join(' ', attempt($node, 'postgres', 'mallory', $insert)), 'ok', 'a function that replaces itself');
like($mine->(), qr/^(K3\{2025-01-01:1:5\} ?)+\|$/, 'goes on as it began');
is(as('shopowner', $sold), '0|0', 'the model of the other role is untouched');
is(caught(), '0', 'and nothing ran with the rights of another role');
as('mallory', 'DROP SCHEMA mine CASCADE');

# --- what is live over several tables ---------------------------------------------
# Views of the model ask the owner's query: what it reads can't be given away.
as('shopowner', q{CREATE TABLE crm.web (id int, c text, d date) PARTITION BY LIST (c); CREATE TABLE crm.web_all PARTITION OF crm.web DEFAULT; CREATE TABLE crm.pay (o int, v numeric); GRANT SELECT ON crm.pay TO mallory; GRANT ALL ON SCHEMA crm TO mallory;
	CREATE VIEW crm.paid AS SELECT o, sum(v) AS v FROM crm.pay GROUP BY o;
	CREATE FUNCTION crm.plain(v numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS 'SELECT v'; CREATE FUNCTION crm.plus(a numeric, b numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS 'SELECT a + b';
	CREATE OPERATOR crm.## (LEFTARG = numeric, RIGHTARG = numeric, FUNCTION = crm.plus); CREATE DOMAIN crm.amount AS numeric;
	CREATE VIEW crm.net AS SELECT w.id, w.c, w.d, (crm.plain(p.v) OPERATOR(crm.##) 0::crm.amount)::numeric AS v FROM crm.web AS w JOIN crm.paid AS p ON p.o = w.id;
	INSERT INTO crm.web VALUES (1, 'K1', '2025-01-01'), (2, 'K2', '2025-01-01'); INSERT INTO crm.pay VALUES (1, 5), (2, 5);
	SELECT scoring.create_model('net', 'crm.net', customer => 'c', day => 'd', value => 'v', as_of => '2025-12-31', event_key => 'id', live_on => '{"crm.web": "id", "crm.pay": "o"}');
	SELECT scoring.grant_reader('net', 'lyon'); INSERT INTO crm.pay VALUES (1, 3)});
my $of_net = q{SELECT string_agg(customer_key || ' ' || monetary, ', ' ORDER BY customer_key) FROM net.customer_scores};
is(as('lyon', $of_net), 'K1 8.00, K2 5.00', 'a reader, who has no right on the tables, sees what was touched');
is(as('lyon', 'CREATE VIEW ly.mine AS SELECT * FROM net.customer_scores; GRANT SELECT ON ly.mine TO mallory; SELECT 1'), '1', 'and makes a view');
is(as('mallory', q{SELECT sum(monetary) FROM ly.mine}), '13.00', 'which others read');
for my $secret ('NULL', q{'\x00'}, 'decode(repeat(\'00\', 32), \'hex\')', '(SELECT secret FROM net.ledger_secret)', '(SELECT key FROM net.suppression_key)')
{
	like((attempt($node, 'postgres', 'lyon', "SELECT * FROM net._touched_rows($secret)"))[0], qr/^42501 /, "no reader calls _touched_rows($secret)");
}
like((attempt($node, 'postgres', 'lyon', 'SELECT * FROM net.ledger'))[0], qr/^42501 /, 'nor reads the ledger');
# Plans that a session has shown to it hold arguments, as bytes; lines break anywhere.
my ($bytes, $plans) = ($node->safe_psql('postgres', q{SELECT string_agg(((get_byte(secret, i) + 128) % 256 - 128)::text, '' ORDER BY i) FROM net.ledger_secret, generate_series(0, 31) AS i}), '');
$node->psql('postgres', "SET SESSION AUTHORIZATION lyon; SET client_min_messages = log; SET debug_print_plan = on; SET debug_print_rewritten = on; SET debug_print_parse = on; $of_net", stderr => \$plans);
$plans =~ s/\s+//g;
like($plans, qr/LOG:plan:/, 'a reader has plans shown to them');
unlike($plans, qr/\Q$bytes\E/, 'without the secret');
unlike($plans, qr/:consttype1007[^}]*\[112000100000002300010001000\d+000\]/, 'and the keys of orders');
for ([ 'FUNCTION crm.plain', q{CREATE OR REPLACE FUNCTION crm.plain(v numeric) RETURNS numeric LANGUAGE plpgsql AS $$ BEGIN PERFORM public.catch('a function'); RETURN v; END $$} ],
	[ 'FUNCTION crm.plus', q{CREATE OR REPLACE FUNCTION crm.plus(a numeric, b numeric) RETURNS numeric LANGUAGE plpgsql AS $$ BEGIN PERFORM public.catch('an operator'); RETURN a + b; END $$} ],
	[ 'DOMAIN crm.amount', q{ALTER DOMAIN crm.amount ADD CONSTRAINT c CHECK (public.catch('a domain') <> '')} ],
	[ 'TABLE crm.web_all', q{ALTER TABLE crm.web_all ADD CONSTRAINT c CHECK (public.catch_immutable('a partition') <> '')} ])
{
	my ($what, $trap) = @$_;
	$node->safe_psql('postgres', "ALTER $what OWNER TO mallory");
	as('mallory', $trap);
	is(as('lyon', $of_net) . ' ' . caught(), 'K1 5.00, K2 5.00 0', "what was touched is left alone once mallory has $what");
	like(as('shopowner', q{SELECT differences FROM scoring.apply_changes('net'); SELECT needs FROM net.model_status}) . caught(), qr/^0\nthe source can't be read for some events: error 42501: .*0$/, 'by the owner of the model too, and the status tells');
	$node->safe_psql('postgres', "ALTER $what OWNER TO shopowner" . ($what =~ /DOMAIN|TABLE/ ? "; ALTER $what DROP CONSTRAINT c" : ''));
	as('shopowner', 'CREATE OR REPLACE FUNCTION crm.plain(v numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS $$SELECT v$$; CREATE OR REPLACE FUNCTION crm.plus(a numeric, b numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS $$SELECT a + b$$');
	is(as('lyon', $of_net), 'K1 8.00, K2 5.00', 'given back, all is as before');
}
$node->safe_psql('postgres', 'ALTER VIEW crm.paid OWNER TO mallory; GRANT SELECT ON crm.paid TO shopowner');
as('mallory', q{CREATE OR REPLACE VIEW crm.paid AS SELECT o, sum(v) + length(public.catch('a view that was given away')) AS v FROM crm.pay GROUP BY o});
is(as('lyon', $of_net), 'K1 5.00, K2 5.00', 'after a view of the source was given away, orders count for what they were');
is(as('shopowner', q{SELECT differences FROM scoring.apply_changes('net'); SELECT needs FROM net.model_status}), "0\nthe source can't be read for some events: error 42501: mend it by alter_model or refresh_model", 'which the status tells');
like((attempt($node, 'postgres', 'shopowner', q{SELECT scoring.create_model('net2', 'crm.net', customer => 'c', day => 'd', value => 'v', event_key => 'id', live_on => '{"crm.web": "id", "crm.pay": "o"}')}))[0],
	qr/^42501 live_on: the source depends on view crm.paid of role mallory/, 'and no model is made over it');
is(caught(), '0', 'nothing of its new owner has run with the rights of the owner of the model');
$node->safe_psql('postgres', 'ALTER VIEW crm.paid OWNER TO shopowner');
as('shopowner', q{CREATE OR REPLACE VIEW crm.paid AS SELECT o, sum(v) AS v FROM crm.pay GROUP BY o});
is(as('lyon', $of_net), 'K1 8.00, K2 5.00', 'given back, all is as before');
as('shopowner', 'ALTER SCHEMA net RENAME TO moved');
as('mallory', q{CREATE SCHEMA net; GRANT USAGE ON SCHEMA net TO PUBLIC; CREATE VIEW net.touched AS SELECT public.catch('a namesake') AS event; CREATE VIEW net.ledger_secret AS SELECT public.catch('a namesake')::bytea AS secret;
	GRANT SELECT ON net.touched, net.ledger_secret TO PUBLIC});
is(as('lyon', $of_net =~ s/net\./moved./r), 'K1 5.00, K2 5.00', 'where the schema was renamed, its views answer from what they have');
as('mallory', 'DROP SCHEMA net CASCADE');
as('shopowner', 'ALTER SCHEMA moved RENAME TO net');
is(as('lyon', $of_net), 'K1 8.00, K2 5.00', 'with its name again, all is as before');
$node->safe_psql('postgres', 'ALTER TABLE crm.pay OWNER TO mallory; GRANT ALL ON crm.pay TO shopowner');
as('mallory', q{CREATE INDEX ON crm.pay ((public.catch_immutable('an index on a constant') || v::text)); INSERT INTO crm.pay VALUES (2, 4)});
is(as('lyon', $of_net), 'K1 5.00, K2 5.00', 'the same with a table');
like(as('shopowner', q{SELECT needs FROM net.model_status}), qr/^table crm.pay belongs to another role/, 'which the status tells');
is(caught(), '0', 'whose indexes are not planned with');
$node->safe_psql('postgres', 'SET client_min_messages = error; ALTER TABLE crm.pay OWNER TO shopowner; DROP SCHEMA net CASCADE; DROP TABLE crm.web, crm.pay CASCADE');

# --- a model that is a trap -----------------------------------------------------
as('mallory', q{
	CREATE SCHEMA mal; GRANT USAGE ON SCHEMA mal TO PUBLIC;
	CREATE TABLE mal.people AS SELECT 'K1' AS c, 'x' AS town;
	SELECT scoring.create_model('trap', $$SELECT 'K1' AS c, date '2025-01-01' AS d, 5 AS v$$, customer => 'c', day => 'd', value => 'v', customers => 'mal.people', customers_key => 'c', attributes => '{town}', as_of => '2025-06-30');
	CREATE TYPE mal.spelt AS (x text);
	CREATE FUNCTION mal.spelt(text) RETURNS mal.spelt LANGUAGE plpgsql AS $$ BEGIN PERFORM public.catch('an implicit cast'); RETURN ROW($1)::mal.spelt; END $$;
	CREATE CAST (text AS mal.spelt) WITH FUNCTION mal.spelt(text) AS IMPLICIT;
	CREATE FUNCTION mal.loaded() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN public.catch('a default'); END $$;
	CREATE TABLE mal.t (i int);
	CREATE CONSTRAINT TRIGGER deferred AFTER INSERT ON mal.t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.catch_trigger();
	CREATE FUNCTION mal.leave() RETURNS text LANGUAGE plpgsql AS $$ BEGIN INSERT INTO mal.t VALUES (1); RETURN ''; END $$;
	CREATE FUNCTION mal.temp() RETURNS text LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'CREATE TEMP VIEW orders AS SELECT public.catch(''a view in pg_temp'')'; RETURN ''; END $$;
	CREATE FUNCTION mal.set() RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM set_config('search_path', 'mal', false), set_config('statement_timeout', '1', false); RETURN ''; END $$;
	GRANT USAGE ON SCHEMA trap TO PUBLIC; GRANT SELECT ON ALL TABLES IN SCHEMA trap TO PUBLIC; GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA trap TO PUBLIC;
	CREATE TABLE mal.made AS SELECT oid AS number, proname, pg_get_functiondef(oid) AS definition FROM pg_proc WHERE pronamespace = 'trap'::regnamespace AND starts_with(proname, '_');});
my @asks = (q{SELECT * FROM scoring.explain_score('trap', 'K1')}, q{SELECT * FROM scoring.explain_score('trap', 'K1', audience => 'customer')},
	q{SELECT * FROM scoring.near_misses('trap', 'vip')}, q{SELECT * FROM scoring.score_parity('trap', 'town')},
	# what these are made of, too
	q{SELECT * FROM scoring._score_explanation('trap', 'K1', NULL, NULL)}, q{SELECT * FROM scoring._scores_with_orders('trap', 'K1', NULL, '{0}', '{1}', '{1}')},
	q{SELECT * FROM scoring._near_misses('trap', 'vip', NULL, NULL, NULL)}, q{SELECT * FROM scoring._attribute_segments('trap', 'town')}, q{SELECT * FROM scoring._calibration_moves('trap')});
is(join(' ', grep { !/^ok/ } attempt($node, 'postgres', 'postgres', @asks)), '', 'before, all of them answer a superuser');
is(as('postgres', q{SELECT count(*) FROM scoring.explain_score('trap', 'K1')}) > 4, 1, 'with rows');
my $prepare = q{
	CREATE FUNCTION mal.restore() RETURNS void LANGUAGE plpgsql AS $$
	DECLARE r record; BEGIN
	  FOR r IN SELECT oid AS f FROM pg_proc WHERE pronamespace = 'trap'::regnamespace AND starts_with(proname, '_') LOOP
	    -- some are gone with those that they are made of
	    IF EXISTS (SELECT FROM pg_proc WHERE oid = r.f) THEN EXECUTE format('DROP FUNCTION %s CASCADE', r.f::regprocedure); END IF;
	  END LOOP;
	  FOR r IN SELECT definition FROM mal.made ORDER BY number LOOP EXECUTE r.definition; END LOOP;
	  EXECUTE 'GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA trap TO PUBLIC';
	END $$};
as('mallory', $prepare);
my $result = { _score_explanation => 'SETOF jsonb', _scores_with_orders => 'TABLE (step int, as_of date, rfm_code text, rfm_score float8, segment text, segment_order int)',
	_near_misses => 'TABLE (customer_key text, as_of date, segment text, segment_label text, rfm_code text, rfm_score float8, last_order_on date, recency_days int, frequency bigint, monetary numeric, step_amount numeric, rfm_code_then text, tenant text)',
	_attribute_segments => 'TABLE (tenant text, attribute_value text, segment text, segment_label text, segment_order int, customers bigint, minimum_group_size int)' };
my $arguments = { _score_explanation => 'customer text, as_of date, language text', _scores_with_orders => 'customer text, as_of date, after_days int[], orders int[], value numeric[]',
	_near_misses => 'segment text, amount numeric, as_of date, language text', _attribute_segments => 'attribute text' };
my $row = { _score_explanation => q{'{}'::jsonb}, _scores_with_orders => q{1, NULL::date, ''::text, 1::float8, ''::text, 1}, _near_misses => q{''::text, NULL::date, ''::text, ''::text, ''::text, 1::float8, NULL::date, 1, 1::bigint, 1::numeric, 1::numeric, ''::text, ''::text},
	_attribute_segments => q{''::text, ''::text, ''::text, ''::text, 1, 1::bigint, 1} };
my $head = 'LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off';
for my $name (sort keys %$result)
{
	my ($args, $out) = ($arguments->{$name}, $result->{$name});
	my $rows = "SELECT $row->{$name}";
	my $drop = "DROP FUNCTION trap.$name CASCADE;";
	my %way = (
		'runs as its caller' => "ALTER FUNCTION trap.$name SECURITY INVOKER; CREATE OR REPLACE FUNCTION trap.$name($args, caller scoring.caller) RETURNS $out LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET jit = off BEGIN ATOMIC $rows FROM (SELECT public.catch('$name as invoker') AS x) AS s WHERE x <> ''; END",
		'is plpgsql' => "$drop CREATE FUNCTION trap.$name(" . ($args =~ s/(\w+) (\w)/p_$1 $2/gr) . ", caller scoring.caller) RETURNS $out LANGUAGE plpgsql AS \$\$ BEGIN PERFORM public.catch('$name'); RETURN QUERY $rows; END \$\$",
		'has one more parameter with a default' => "$drop CREATE FUNCTION trap.$name($args, caller scoring.caller, more text DEFAULT mal.loaded()) RETURNS $out $head BEGIN ATOMIC $rows; END",
		'has a default for the caller' => "$drop CREATE FUNCTION trap.$name(" . join(', ', map { "$_ DEFAULT NULL" } split / *, */, $args) . ", caller scoring.caller DEFAULT scoring._caller_for('trap')) RETURNS $out $head BEGIN ATOMIC $rows; END",
		'takes a type with an implicit cast' => "$drop CREATE FUNCTION trap.$name(" . ($args =~ s/text/mal.spelt/r) . ", caller scoring.caller) RETURNS $out $head BEGIN ATOMIC $rows; END",
		'has a text for a body' => "$drop CREATE FUNCTION trap.$name($args, caller scoring.caller) RETURNS $out $head AS \$\$ $rows \$\$",
		'is one of two' => "CREATE FUNCTION trap.$name($args, caller scoring.caller, more text DEFAULT mal.loaded()) RETURNS $out $head BEGIN ATOMIC $rows; END",
		'has other columns' => $name eq '_score_explanation' ? "$drop CREATE FUNCTION trap.$name($args, caller scoring.caller) RETURNS SETOF json $head BEGIN ATOMIC SELECT '{}'::json; END"
			: "$drop CREATE FUNCTION trap.$name($args, caller scoring.caller) RETURNS " . ($out =~ s/int\)/text)/r =~ s/tenant text\)/tenant mal.spelt)/r) . " $head AS 'SELECT NULL' ",
		'belongs to another role' => "GRANT CREATE ON SCHEMA trap TO lyon; ALTER FUNCTION trap.$name OWNER TO lyon",
		'lets the row be of its making' => "CREATE OR REPLACE FUNCTION trap.$name($args, caller scoring.caller) RETURNS $out $head BEGIN ATOMIC $rows FROM (SELECT mal.leave() AS x) AS s WHERE x = ''; END",
		'makes a temporary view' => "CREATE OR REPLACE FUNCTION trap.$name($args, caller scoring.caller) RETURNS $out $head BEGIN ATOMIC $rows FROM (SELECT mal.temp() AS x) AS s WHERE x = ''; END");
	as('postgres', 'GRANT lyon TO mallory');
	for my $way (sort keys %way)
	{
		as('mallory', 'SELECT mal.restore()');
		my (undef, $err) = run_as($node, 'postgres', 'mallory', $way{$way});
		next if $err =~ /ERROR/ && $way eq 'has other columns';		# this one can't be made
		unlike($err, qr/ERROR/, "$name that $way is made") or diag $err;
		my @got = attempt($node, 'postgres', 'postgres', @asks);
		like("@got", qr/55000 function $name of model "trap" is missing, or not what the extension has made|42501|security-restricted/, "$name that $way: refused") unless $way eq 'is one of two';
	}
}
is(caught(), '0', 'none of it ran with the rights of a superuser');
as('mallory', 'SELECT mal.restore()');
as('mallory', "CREATE OR REPLACE FUNCTION trap._attribute_segments($arguments->{_attribute_segments}, caller scoring.caller) RETURNS $result->{_attribute_segments} $head BEGIN ATOMIC SELECT $row->{_attribute_segments} FROM (SELECT mal.set() AS x) AS s WHERE x = ''; END");
is(as('postgres', q{SET search_path = public; SELECT count(*) FROM scoring._attribute_segments('trap', 'town'); SHOW search_path; SHOW statement_timeout}), "1\npublic\n0", 'what such a function sets is undone');

# Who is asked can't ask another model in the name of the caller: mallory reads one
# tenant of chain, shopowner all of them.
as('shopowner', q{SELECT scoring.grant_reader('chain', 'mallory', 'lyon')});
as('mallory', "CREATE OR REPLACE FUNCTION trap._attribute_segments($arguments->{_attribute_segments}, caller scoring.caller) RETURNS $result->{_attribute_segments} $head BEGIN ATOMIC
	SELECT s.tenant, s.tenant, ''::text, ''::text, 1, count(*), 1 FROM chain._customer_scores_at('2025-06-30', NULL, \$2) AS s GROUP BY s.tenant; END");
for my $role ('shopowner', 'postgres')
{
	my ($got) = attempt($node, 'postgres', $role, q{SELECT * FROM scoring.score_parity('trap', 'town')});
	like($got, qr/^22023 the value of type caller was made for a model of another role/, "nor read chain as $role, who asks trap");
}
is(as('mallory', q{SELECT string_agg(DISTINCT tenant, ' ') FROM chain.customer_scores_at('2025-06-30')}), 'lyon', 'in their own name they may');
as('mallory', 'SELECT mal.restore()');

# --- another role's segment map -------------------------------------------------
as('mallory', q{SELECT scoring.create_segment_map('mal.winter', copy_of => 'essential'); GRANT SELECT ON ALL TABLES IN SCHEMA mal TO PUBLIC});
my @looks = (q{SELECT * FROM scoring.check_segment_map('mal.winter')}, q{SELECT scoring.segment(1, 1, 1, 'mal.winter')}, q{SELECT scoring.segment_case('mal.winter', '{r,f,m,tenure_days}')},
	q{SELECT * FROM scoring.alter_model('chain', segment_map => 'mal.winter', dry_run => true)}, q{SELECT scoring.create_segment_map('crm.mine', copy_of => 'mal.winter')},
	q{SELECT * FROM scoring.score_customers('SELECT customer, day, value FROM crm.orders', '2025-12-31', segment_map => 'mal.winter')});
is(join(' ', grep { !/^ok/ } attempt($node, 'postgres', 'shopowner', @looks[0 .. 2])), '', 'a map of another role that is data is read');
my %map_trap = (
	'a policy' => [ q{CREATE POLICY p ON mal.segment_rule USING (public.catch('a policy') IS NOT NULL); ALTER TABLE mal.segment_rule ENABLE ROW LEVEL SECURITY}, q{ALTER TABLE mal.segment_rule DISABLE ROW LEVEL SECURITY}, 'it has row-level security' ],
	'a view' => [ q{ALTER TABLE mal.segment_label RENAME TO l; CREATE VIEW mal.segment_label AS SELECT map, segment, language, role, public.catch(label) AS label, description, action, display_order, color FROM mal.l; GRANT SELECT ON mal.segment_label TO PUBLIC},
		q{DROP VIEW mal.segment_label; ALTER TABLE mal.l RENAME TO segment_label}, 'it is no ordinary table' ],
	'an index' => [ q{CREATE INDEX i ON mal.segment_rule ((public.catch_immutable('an index') || segment))}, q{DROP INDEX mal.i}, 'an index with an expression' ],
	'statistics' => [ q{CREATE STATISTICS mal.s ON (public.catch_immutable('statistics') || label), role FROM mal.segment_label; ANALYZE mal.segment_label}, q{DROP STATISTICS mal.s}, 'statistics on an expression' ],
	'a child' => [ q{CREATE VIEW mal.evil AS SELECT 1; CREATE TABLE mal.child () INHERITS (mal.segment_map); CREATE INDEX ON mal.child ((public.catch_immutable('a child') || map))}, q{DROP TABLE mal.child}, 'other tables inherit from it' ],
	'a generated column' => [ q{ALTER TABLE mal.segment_map ADD more text GENERATED ALWAYS AS (public.catch_immutable(map)) STORED}, q{ALTER TABLE mal.segment_map DROP more}, 'generated columns' ],
	'another type' => [ q{ALTER TABLE mal.segment_label ALTER action TYPE mal.spelt USING ROW(action)::mal.spelt}, q{ALTER TABLE mal.segment_label ALTER action TYPE text USING (action).x}, 'its column action is of type mal.spelt' ]);
for my $kind (sort keys %map_trap)
{
	as('mallory', $map_trap{$kind}[0]);
	my @got = attempt($node, 'postgres', 'shopowner', @looks);
	is(scalar(grep { /^42809 segment_map mal\.winter: table mal\.segment_\w+ can't hold segment maps Make a map in a schema of yours/ } @got), scalar @looks, "a map with $kind is refused everywhere") or diag explain \@got;
	my (undef, $err) = run_as($node, 'postgres', 'shopowner', $looks[0]);
	like($err, qr/DETAIL:  A segment map is data, and this table is more: .*$map_trap{$kind}[2]/, 'and it is said why');
	as('mallory', $map_trap{$kind}[1]);
}
# constants in a CHECK constraint, which the planner folds when it may exclude by them
as('mallory', q{ALTER TABLE mal.segment_rule ADD CONSTRAINT c CHECK (public.catch_immutable('a check') <> segment)});
is(join(' ', grep { !/^ok/ } attempt($node, 'postgres', 'shopowner', 'SET LOCAL constraint_exclusion = on; ' . $looks[0])), '', 'a CHECK constraint is no reason');
is(caught(), '0', 'nothing ran with the rights of the reader of a map');
as('mallory', q{CREATE SCHEMA shared; CREATE TABLE shared.segment_map (LIKE mal.segment_map INCLUDING ALL);
	CREATE TRIGGER on_insert BEFORE INSERT ON shared.segment_map FOR EACH ROW EXECUTE FUNCTION public.catch_trigger(); GRANT ALL ON SCHEMA shared TO PUBLIC; GRANT ALL ON ALL TABLES IN SCHEMA shared TO PUBLIC});
my @makes = attempt($node, 'postgres', 'shopowner', q{SELECT scoring.create_segment_map('shared.winter', copy_of => 'essential')});
push @makes, attempt($node, 'postgres', 'postgres', q{SELECT scoring.create_segment_map('shared.winter')});
like($_, qr/^42501 name "shared\.winter": shared\.segment_map is not a table of role \w+ Use a schema of yours/, 'no map is made in tables of another role') or diag $_ for @makes;
is(caught(), '0', 'whose triggers would run');
is(as('postgres', q{SELECT count(*) > 0 FROM pg_proc WHERE proname = 'catch'; SELECT public.catch('the trap itself works')}), "t\nthe trap itself works", 'they would have been noticed');
is(caught(), '1', 'by this sequence');
# and these are traps: a plain query of a superuser runs them
my $before = 1;
for my $table (qw(ly.indexed ly.partly ly.counted))
{
	as('postgres', "SELECT count(*) FROM $table AS t WHERE t.n::text = 'x'");
	cmp_ok(caught(), '>', $before, "reading $table runs what its owner put there");
	$before = caught();
}
done_testing();
