# Traps: objects of an attacker's that are named like what models call, found
# first by the search_path of the victim, or made in pg_temp by whoever calls a
# function that runs with the owner's rights. None of it is ever run.
use strict;
use warnings;
use ScoringCluster;
use ModelCluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = model_node('traps');
$node->start;
make_roles($node, qw(mallory reader));

sub in_shop { return scalar run_as($node, 'shop', @_); }

# A copy of every function and operator that could be meant, a domain for every
# type, a table for every relation; each says so when it is used, and counts in
# a sequence, which no rollback takes back.
in_shop('postgres', 'CREATE SCHEMA trap AUTHORIZATION mallory; GRANT ALL ON SCHEMA trap TO PUBLIC; GRANT CREATE ON SCHEMA public TO mallory, reader');
my $traps = q{
	CREATE TABLE %1$s.made (what text);
	CREATE SEQUENCE %1$s.sprung;
	GRANT ALL ON SEQUENCE %1$s.sprung TO PUBLIC;
	CREATE FUNCTION %1$s.spring(what text) RETURNS boolean LANGUAGE plpgsql SET search_path = pg_catalog AS $$
	BEGIN PERFORM nextval('%1$s.sprung'); RAISE WARNING 'sprung: %%', what; RETURN true; END $$;
	DO $do$
	DECLARE p record; n int := 0;
	BEGIN
	  PERFORM set_config('search_path', 'pg_catalog', true);
	  FOR p IN SELECT DISTINCT ON (proname, proargtypes) f.*, format_type(prorettype, NULL) AS result,
	                  (SELECT coalesce(string_agg(format_type(t, NULL), ', ' ORDER BY i), '') FROM unnest(proargtypes) WITH ORDINALITY u(t, i)) AS arguments
	             FROM pg_proc f
	            WHERE (pronamespace = 'pg_catalog'::regnamespace OR pronamespace = 'scoring'::regnamespace)
	              AND prokind IN ('f', 'a') AND provariadic = 0 AND prorettype <> 'trigger'::regtype
	              AND NOT EXISTS (SELECT FROM pg_type t WHERE t.oid = ANY (proargtypes::oid[] || prorettype)
	                               AND (typname IN ('internal', 'cstring') OR typtype = 'p' AND typname NOT IN ('anyelement', 'anyarray', 'any', 'record', 'void', 'anycompatible', 'anycompatiblearray')))
	              AND proname NOT LIKE 'binary\_upgrade%%' AND proname NOT LIKE 'void\_%%' LOOP
	    BEGIN
	      EXECUTE format('CREATE FUNCTION %1$s.%%I(%%s) RETURNS %%s %%s LANGUAGE plpgsql AS $f$ BEGIN PERFORM %1$s.spring(%%L); RETURN%%s; END $f$',
	                     p.proname, replace(p.arguments, '"any"', 'anyelement'), CASE WHEN p.proretset THEN 'SETOF' ELSE '' END, p.result, p.proname,
	                     CASE WHEN p.proretset OR p.prorettype = 'void'::regtype THEN '' ELSE ' NULL' END);
	      n := n + 1;
	    EXCEPTION WHEN duplicate_function OR invalid_function_definition OR undefined_object THEN NULL;
	    END;
	  END LOOP;
	  EXECUTE format('INSERT INTO %1$s.made SELECT ''function'' FROM pg_catalog.generate_series(1, %%s)', n);
	  n := 0;
	  FOR p IN SELECT oprname, format_type(oprleft, NULL) AS l, format_type(oprright, NULL) AS r, format_type(oprresult, NULL) AS result FROM pg_operator
	            WHERE oprkind = 'b' AND oprnamespace IN ('pg_catalog'::regnamespace, 'scoring'::regnamespace) LOOP
	    BEGIN
	      EXECUTE format('CREATE FUNCTION %1$s.operator_%%s(%%s, %%s) RETURNS %%s LANGUAGE plpgsql AS $f$ BEGIN PERFORM %1$s.spring(%%L); RETURN NULL; END $f$',
	                     n, p.l, p.r, p.result, format('%%s %%s %%s', p.l, p.oprname, p.r));
	      EXECUTE format('CREATE OPERATOR %1$s.%%s (leftarg = %%s, rightarg = %%s, function = %1$s.operator_%%s)', p.oprname, p.l, p.r, n);
	      n := n + 1;
	    EXCEPTION WHEN OTHERS THEN NULL;
	    END;
	  END LOOP;
	  EXECUTE format('INSERT INTO %1$s.made SELECT ''operator'' FROM pg_catalog.generate_series(1, %%s)', n);
	  FOR p IN SELECT typname, format_type(oid, NULL) AS base FROM pg_type WHERE typnamespace IN ('pg_catalog'::regnamespace, 'scoring'::regnamespace)
	              AND typtype IN ('b', 'e') AND typcategory <> 'A' AND typname NOT LIKE E'\\\\_%%' LOOP
	    EXECUTE format('CREATE DOMAIN %1$s.%%I AS %%s CHECK (%1$s.spring(%%L))', p.typname, p.base, 'type ' || p.typname);
	    EXECUTE 'INSERT INTO %1$s.made VALUES (''domain'')';
	  END LOOP;
	  FOR p IN SELECT DISTINCT relname FROM pg_class
	            WHERE relkind IN ('r', 'v', 'S') AND (relnamespace IN ('pg_catalog'::regnamespace, 'scoring'::regnamespace, 'crm'::regnamespace)
	                  OR EXISTS (SELECT FROM pg_namespace n WHERE n.oid = relnamespace AND nspname LIKE '%%shop'))
	              AND relname NOT IN ('made', 'sprung') AND NOT EXISTS (SELECT FROM pg_type WHERE typnamespace = 'trap'::regnamespace AND typname = relname) LOOP
	    EXECUTE format('CREATE VIEW %1$s.%%I AS SELECT %1$s.spring(%%L) AS customer_id, pg_catalog.current_date AS ordered_on, 1 AS total', p.relname, 'relation ' || p.relname);
	    EXECUTE 'INSERT INTO %1$s.made VALUES (''relation'')';
	  END LOOP;
	END $do$;
	GRANT SELECT ON ALL TABLES IN SCHEMA %1$s TO PUBLIC;
};
my ($out, $err) = run_as($node, 'shop', 'mallory', sprintf($traps =~ s/pg_catalog.current_date/pg_catalog.now()/r, 'trap'));
unlike($err, qr/ERROR/, 'the traps are laid') or diag $err;
my %made = map { split /\|/ } split /\n/, in_shop('postgres', 'SELECT what, count(*) FROM trap.made GROUP BY 1');
cmp_ok($made{$_}, '>', { function => 1500, operator => 500, domain => 60, relation => 100 }->{$_}, "$made{$_} of kind $_") for qw(function operator domain relation);

# They do spring.
($out, $err) = run_as($node, 'shop', 'shopowner', q{SET search_path = trap, pg_catalog; SELECT length('a'::pg_catalog.text), 1 OPERATOR(pg_catalog.+) 1; SELECT 1 = 1; SELECT 'x'::text; SELECT * FROM orders;});
is(join(' ', sort $err =~ /sprung: ([a-z]+)/g), 'integer length relation type', 'a function, an operator, a type and a view of the attacker are found first');
in_shop('postgres', q{ALTER SEQUENCE trap.sprung RESTART});

my $before = join "\n", map { in_shop('shopowner', "SELECT count(*), md5(string_agg(to_jsonb(t)::text, '' ORDER BY to_jsonb(t)::text)) FROM $_ t") } grep { !/status|quality|processing_record/ } offers($node, 'shop', 'shop');
in_shop('shopowner', qq{SELECT scoring.grant_reader('$_', 'reader')}) for qw(shop live_shop);
my $untouched = sub {
	my ($what, $messages) = @_;
	is(in_shop('postgres', 'SELECT last_value, is_called FROM trap.sprung'), '1|f', "$what: no trap has sprung");
	unlike($messages, qr/sprung|ERROR/, 'nor said so');
};

# Verbs, for an owner whose search_path has the traps before everything else.
# What is said with them is in words that mean the same in any schema.
for my $path ('trap, pg_catalog, public', 'trap, public, scoring, pg_catalog, pg_temp')
{
	my @verbs = (
		q{create_model('second', 'crm.orders', as_of => '2025-06-30', customer => 'customer_id', day => 'ordered_on', value => 'total', tenant => 'tenant',
		    customers => 'crm.customers', attributes => '{country,joined_on}', consent => 'agreed')},
		q{create_model('third', 'SELECT customer_id, ordered_on, total FROM crm.orders', as_of => '2025-06-30', segment_map => 'standard', bins => 5, customers => 'SELECT customer_id, country FROM crm.customers', attributes => '{country}')},
		q{create_model('fourth', 'crm.orders', customer => 'customer_id', day => 'ordered_on', value => 'total', live => true, dry_run => true)},
		q{create_model('fifth', 'crm.orders', customer => 'customer_id', day => 'ordered_on', value => 'total', live => true, tenant => 'tenant')},
		(map { s/\@/'second'/r } q{refresh_model(@)}, q{record_changes(@)}, q{check_model(@)}, q{calibrate_model(@)},
		    q{alter_model(@, weights => '{3,1,1}', change_days => 30)}, q{alter_model(@, segment_map => 'standard', language => 'fr')}, q{alter_model(@, version => 1)},
		    q{alter_model(@, dry_run => true, window_days => 100)}, q{refresh_model(@, wait => false)}, q{apply_changes(@)}, q{grant_reader(@, 'mallory')}, q{revoke_reader(@, 'mallory')}),
		(map { s/\@/'fifth'/r } q{refresh_model(@)}, q{alter_model(@, weights => '{3,1,1}')}, q{record_changes(@)}));
	my ($out, $err) = run_as($node, 'shop', 'shopowner', "SET search_path = $path; " . join "\n", map { "SELECT pg_catalog.count(*) FROM scoring.$_;" } @verbs);
	$untouched->("$path: " . scalar(@verbs) . ' calls of verbs', $err);
	is(scalar(() = $out =~ /^\d+$/mg), scalar @verbs, 'which all answer');
	($out, $err) = run_as($node, 'shop', 'shopowner', "SET search_path = $path; " . join ' ', map { "TABLE $_;" } map { views($node, 'shop', $_) } qw(second third fifth));
	$untouched->("$path: all views", $err);
	like($out, qr/^a:\d+/m, 'which have rows');
	($out, $err) = run_as($node, 'shop', 'shopowner', "SET search_path = $path; " . join ' ', map { "SELECT * FROM $_;" } map { dated_calls($node, 'shop', $_) } qw(second third fifth));
	$untouched->("$path: all dated functions", $err);
	# writing into the source of a live model, by its owner and by an application
	in_shop('shopowner', 'GRANT USAGE ON SCHEMA crm TO reader; GRANT SELECT, INSERT, UPDATE, DELETE ON crm.orders TO reader');
	for my $role (qw(shopowner reader))
	{
		($out, $err) = run_as($node, 'shop', $role, "SET search_path = $path; INSERT INTO crm.orders VALUES (1, 'a', '2025-06-01', 10); UPDATE crm.orders SET total = 11; DELETE FROM crm.orders WHERE total IS NULL;");
		$untouched->("$path: writing orders as $role", $err);
	}
	in_shop('shopowner', "TRUNCATE fifth.rejects");
	for my $verb (map { "apply_changes('$_')" } qw(fifth live_shop))
	{
		($out, $err) = run_as($node, 'shop', 'shopowner', "SET search_path = $path; SELECT pg_catalog.count(*) FROM scoring.$verb; SELECT pg_catalog.count(*) FROM scoring.check_model('fifth')");
		$untouched->("$path: $verb", $err);
		is($out, "1\n0", 'and its work is done');
	}
	($out, $err) = run_as($node, 'shop', 'shopowner', "SET search_path = $path; SELECT pg_catalog.count(*) FROM scoring.models(); " . join ' ', map { "SELECT pg_catalog.count(*) FROM scoring.drop_model('$_');" } qw(second third fifth));
	$untouched->("$path: models and drop_model", $err);
	is(in_shop('postgres', q{SELECT string_agg(model, ' ') FROM scoring.models()}), 'live_shop shop', 'models are dropped');
}

# An attribute whose text is what orders the rows of customers that are twice
# there: the cast is the server's.
in_shop('shopowner', 'CREATE TABLE crm.twice AS SELECT * FROM crm.customers UNION ALL SELECT * FROM crm.customers; GRANT SELECT ON crm.twice TO PUBLIC');
($out, $err) = run_as($node, 'shop', 'shopowner', q{SET search_path = trap, pg_catalog; SELECT pg_catalog.count(*) FROM scoring.create_model('twice', 'crm.orders', customer => 'customer_id', day => 'ordered_on', value => 'total',
	customers => 'crm.twice', customers_key => 'customer_id', attributes => '{country,joined_on,agreed}'); TABLE twice.customer_scores;});
$untouched->('customers that are there twice', $err);

# pg_temp of whoever reads: views and dated functions mean what they meant. The
# session's own search_path ends in it at best.
my $temporary = q{
	CREATE TEMP TABLE configuration (version int, valid_until date); CREATE TEMP TABLE calibration (); CREATE TEMP TABLE customer_histories (); CREATE TEMP TABLE reader (role name, tenant text);
	CREATE TEMP TABLE segment_label (); CREATE TEMP TABLE pending (); CREATE TEMP TABLE pg_roles (rolname name, oid oid); CREATE TEMP TABLE orders (customer_id int); CREATE TEMP TABLE new_rows (customer_id int, tenant text, ordered_on date, total numeric);
	CREATE TEMP TABLE old_rows (LIKE new_rows); INSERT INTO new_rows VALUES (77777, 'a', '2025-06-01', 1);
	CREATE FUNCTION pg_temp.recency(scoring.history, date) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'sprung: recency'; RETURN 1; END $$;
	CREATE FUNCTION pg_temp.pg_has_role(name, oid, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'sprung: pg_has_role'; RETURN true; END $$;
	CREATE DOMAIN pg_temp.text AS pg_catalog.text CHECK (trap.spring('text')); CREATE DOMAIN pg_temp.date AS pg_catalog.date CHECK (trap.spring('date')); CREATE DOMAIN pg_temp.history AS scoring.history CHECK (trap.spring('history'));
};
for my $path ('pg_temp, pg_catalog', 'pg_temp, trap, pg_catalog', '')
{
	my @items = grep { !/status|quality|processing_record/ } offers($node, 'shop', 'shop');
	my ($out, $err) = run_as($node, 'shop', 'reader', qq{$temporary SELECT pg_catalog.set_config('search_path', '$path', false); }
		. join ' ', map { qq{SELECT pg_catalog.count(*), pg_catalog.md5(pg_catalog.string_agg(pg_catalog.to_jsonb(t)::pg_catalog.text, '' ORDER BY pg_catalog.to_jsonb(t)::pg_catalog.text)) FROM $_ t;} } @items);
	$untouched->("a reader with things in pg_temp, search_path '$path'", $err);
	is($out =~ s/^.*\n//r, $before, 'the answers are the same');
	($out, $err) = run_as($node, 'shop', 'reader', qq{$temporary SELECT pg_catalog.set_config('search_path', '$path', false); INSERT INTO crm.orders VALUES (2, 'a', '2025-06-01', 10); DELETE FROM crm.orders WHERE customer_id OPERATOR(pg_catalog.=) 2 AND total OPERATOR(pg_catalog.=) 10;});
	$untouched->('and writes orders', $err);
	is(in_shop('postgres', q{SELECT count(*) FILTER (WHERE customer_key = '77777') FROM live_shop.pending}), '0', 'what is pending came from the transition tables');
}
is(in_shop('shopowner', q{SELECT count(*) FROM scoring.check_model('live_shop')}), '0', 'and the live model is right');

done_testing();
