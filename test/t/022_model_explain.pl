# Explanations: who may have whose, and whether the steps that they promise are
# true, for customers, settings and amounts drawn at random.
use strict;
use warnings;
use ScoringCluster;
use ModelCluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = model_node('explain');
$node->start;
make_roles($node, qw(reader_a reader_all outsider stranger attacker));
my $seed = $ENV{EXPLAIN_SEED} // 251231;
note "EXPLAIN_SEED=$seed";

sub in_chain { return scalar run_as($node, 'chain', @_); }
sub tries { return attempt($node, 'chain', @_); }

# --- who may have whose ---------------------------------------------------------
in_chain('shopowner', q{
	SELECT scoring.grant_reader('chain', 'reader_a', 'a');
	SELECT scoring.grant_reader('chain', 'reader_all')});
in_chain('postgres', q{GRANT USAGE ON SCHEMA chain TO outsider;
	DO $$ DECLARE f regprocedure; BEGIN
	  FOR f IN SELECT oid FROM pg_proc WHERE pronamespace = 'chain'::regnamespace LOOP
	  EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO outsider', f); END LOOP; END $$;});
my %keys = map { my $t = $_; $t => [ split /\n/, in_chain('postgres', "SELECT customer_key FROM chain.customer_scores WHERE tenant = '$t' ORDER BY md5(customer_key) LIMIT 8") ] } 'a', 'b', 'a:b';
is(scalar(map { @$_ } values %keys), 24, 'customers of three tenants');

my $told = sub { my ($role, @k) = @_; return in_chain($role, join ' ', map { "SELECT md5(string_agg(e::text, chr(10))) FROM scoring.explain_score('chain', '$_') e;" } @k) };
is($told->('reader_a', @{ $keys{a} }), $told->('shopowner', @{ $keys{a} }), 'a reader is told of his customers what the owner is told');
is($told->('reader_all', map { @{ $keys{$_} } } sort keys %keys), $told->('shopowner', map { @{ $keys{$_} } } sort keys %keys), 'a reader of all of all');
is(in_chain('postgres', "SET ROLE reader_a; SELECT count(*) > 0 FROM scoring.explain_score('chain', '$keys{a}[0]', audience => 'customer')"), 't', 'by SET ROLE too');
my $no_such = '42704 model "chain" shows you no such customer customer is the customer_key of the view customer_scores.';
for my $case ([ 'reader_a', @{ $keys{b} }, @{ $keys{'a:b'} }, 'b:nobody', 'a:nobody', 'nobody', '' ], [ 'outsider', map { @$_ } values %keys ])
{
	my ($role, @k) = @$case;
	my @got = tries($role, map { ("SELECT * FROM scoring.explain_score('chain', '$_')", "SELECT * FROM scoring.explain_score('chain', '$_', audience => 'customer')") } @k);
	is(join("\n", grep { $_ ne $no_such } @got), '', "$role: one error for those who are not his and for those who don't exist");
	is(scalar @got, 2 * @k, 'all of them');
	is(in_chain($role, join ' ', map { "SELECT count(i -> 'customer' -> 'customer_key') FROM chain.score_explanation('$_', NULL, NULL) i; SELECT count(*) FROM chain.scores_with_orders('$_', NULL, '{0}', '{1}', '{1}');" } @k),
		join("\n", (0) x (2 * @k)), 'and nothing from the functions below');
}
my $misses = sub { my ($role, $where) = @_; return in_chain($role, "SELECT count(*) || ' ' || coalesce(md5(string_agg(m::text, chr(10) ORDER BY m::text)), '') FROM unnest('{vip,regular,occasional}'::text[]) s, scoring.near_misses('chain', s, 40) m WHERE $where") };
like($misses->('shopowner', 'true'), qr/^[1-9]/, 'there are near misses');
isnt($misses->('shopowner', "tenant = 'a'"), $misses->('shopowner', 'true'), 'of several tenants');
is($misses->('reader_a', 'true'), $misses->('shopowner', "tenant = 'a'"), 'a reader has those of his tenant');
is($misses->('reader_all', 'true'), $misses->('shopowner', 'true'), 'a reader of all has all');
is($misses->('outsider', 'true'), '0 ', 'whoever has no tenant has none');
like($_, qr/^42501 permission denied for schema chain/, 'a stranger gets nothing') for tries('stranger', "SELECT * FROM scoring.explain_score('chain', '$keys{a}[0]')", "SELECT * FROM scoring.explain_score('chain', 'nobody')", q{SELECT * FROM scoring.near_misses('chain', 'vip')});
# consent that is withdrawn acts at the next statement
in_chain('shopowner', "UPDATE crm.customers SET agreed = false WHERE tenant = 'a' AND customer_id = split_part('$keys{a}[1]', ':', 2)::int");
is((tries('reader_a', "SELECT * FROM scoring.explain_score('chain', '$keys{a}[1]')"))[0], $no_such, 'without consent he is nobody');

# --- a model that is a trap -----------------------------------------------------
in_chain('postgres', 'GRANT CREATE ON DATABASE chain TO attacker');
in_chain('postgres', 'GRANT CREATE ON SCHEMA public TO attacker');
in_chain('attacker', q{
	SELECT scoring.create_model('trap', $$SELECT 1 AS c, date '2025-01-01' AS d, 5 AS v$$, as_of => '2025-06-30');
	CREATE FUNCTION trap.mine() RETURNS text LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'ALTER ROLE attacker SUPERUSER'; RETURN 'x'; END $$;
	CREATE FUNCTION trap.whose() RETURNS scoring.caller LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'ALTER ROLE attacker SUPERUSER'; RETURN NULL; END $$;
	CREATE FUNCTION public.format(text, name) RETURNS text LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'ALTER ROLE attacker SUPERUSER'; RETURN 'SELECT 1'; END $$;
	CREATE FUNCTION public.isfinite(date) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'ALTER ROLE attacker SUPERUSER'; RETURN true; END $$;
	CREATE OR REPLACE FUNCTION trap._score_explanation(customer text, as_of date, language text, caller scoring.caller DEFAULT trap.whose()) RETURNS SETOF jsonb LANGUAGE plpgsql SECURITY DEFINER
	  AS $$ BEGIN PERFORM trap.mine(); RETURN QUERY SELECT '{}'::jsonb; END $$;});
for my $way ('by a function that runs as its owner', 'by one that runs as its caller', 'by another of the same name', 'by the kind of its result')
{
	my ($got) = tries('postgres', q{SET search_path = public, pg_catalog; SELECT * FROM scoring.explain_score('trap', '1')});
	isnt($got, 'ok', "a trap for a superuser, $way: no answer");
	($got) = tries('postgres', q{SET search_path = public, pg_catalog; SELECT * FROM scoring.near_misses('trap', 'vip')});
	isnt($got, 'ok', 'neither for near_misses');
	is(in_chain('postgres', q{SELECT rolsuper FROM pg_roles WHERE rolname = 'attacker'}), 'f', 'and nothing gained');
	in_chain('attacker', $way =~ /as its owner/ ? 'ALTER FUNCTION trap._score_explanation(text, date, text, scoring.caller) SECURITY INVOKER'
		: $way =~ /as its caller/ ? q{ALTER FUNCTION trap._score_explanation(text, date, text, scoring.caller) SECURITY DEFINER;
			CREATE FUNCTION trap._score_explanation(text, text, text, scoring.caller) RETURNS SETOF jsonb LANGUAGE sql AS $$ SELECT to_jsonb(trap.mine()) $$}
		: q{DROP FUNCTION trap._score_explanation(text, text, text, scoring.caller); DROP FUNCTION trap._score_explanation(text, date, text, scoring.caller) CASCADE;
			CREATE DOMAIN trap.kind AS jsonb CHECK (trap.mine() IS NOT NULL);
			CREATE FUNCTION trap._score_explanation(customer text, as_of date, language text, caller scoring.caller) RETURNS SETOF trap.kind LANGUAGE sql SECURITY DEFINER AS $$ SELECT NULL::trap.kind $$}) unless $way =~ /kind/;
}

# --- whether the steps are true -------------------------------------------------
$node->safe_psql('chain', qq{
	CREATE SCHEMA w;
	SET search_path = w, scoring, public;
	SELECT setseed($seed / 1000000.0);
	CREATE TABLE w.orders AS SELECT c AS customer, date '2025-12-31' - (power(random(), 2) * 800 * random_c)::int AS day, round((exp(random() * 5) * least(c % 7 + 1, 4))::numeric, 2) AS value, false AS extra
	  FROM (SELECT c, random() AS random_c, 1 + (power(random(), 3) * 11)::int AS n FROM generate_series(1, 250) c) s, generate_series(1, n);
	INSERT INTO w.orders SELECT customer, day, -value / 3, false FROM w.orders WHERE customer % 9 = 0;
	INSERT INTO w.orders SELECT customer, day + 400, value, false FROM w.orders WHERE customer % 10 = 0 AND day > '2025-01-01';		-- still to come
	CREATE TABLE w.people AS SELECT c AS customer FROM generate_series(1, 260) c;
	ALTER TABLE w.people ADD PRIMARY KEY (customer);
}) ;
$node->safe_psql('chain', q{
	SELECT scoring.create_segment_map('w.rough', copy_of => 'essential');
	INSERT INTO w.segment_rule (map, position, segment, r_min, conditions) VALUES ('rough', 2, 'vip', 4, '{"and": [{"column": "monetary", "op": ">", "value": 333.33}, {"column": "mean_value", "op": "<", "value": 77.7}]}');
	-- The segment and its place with so many orders more, in a live model: what it is
	-- on that day, as of everything else that is known by the day of the question.
	CREATE FUNCTION w.with_orders(key int, day date, n int, amount numeric, OUT segment text, OUT place int) LANGUAGE plpgsql AS $$
	BEGIN
	  INSERT INTO w.orders SELECT key, day, amount, true FROM generate_series(1, n);
	  EXECUTE 'SELECT s.segment, s.segment_order FROM t.customer_scores_at($1) s WHERE s.customer_key = $2' INTO segment, place USING day, key::text;
	  DELETE FROM w.orders WHERE extra;
	END $$;
	CREATE FUNCTION w.check(settings text, people int) RETURNS TABLE (what text, n bigint, wrong text) LANGUAGE plpgsql AS $$
	#variable_conflict use_variable
	DECLARE
	  today constant date := '2025-12-31';
	  claim record; then_ record; now_ int; key int; median numeric; is_first boolean; trial numeric;
	BEGIN
	  EXECUTE 'SELECT count(*) FROM scoring.create_model(''t'', ''w.orders'', customer => ''customer'', day => ''day'', value => ''value'', customers => ''w.people'', as_of => ''2025-12-31'', live => true' || settings || ')';
	  CREATE TEMP TABLE results (what text, wrong text);
	  EXECUTE 'SELECT median_value FROM t.calibration' INTO median;
	  FOR key, now_ IN EXECUTE 'SELECT customer_id::int, segment_order FROM (SELECT *, row_number() OVER (PARTITION BY segment ORDER BY random()) AS r FROM t.customer_scores) s WHERE r <= $1 ORDER BY 1' USING people LOOP
	    -- what is still to come is not known on the day of the question
	    INSERT INTO w.later SELECT * FROM w.orders WHERE customer = key AND day > today;
	    DELETE FROM w.orders WHERE customer = key AND day > today;
	    is_first := true;
	    FOR claim IN EXECUTE 'SELECT e.*, (SELECT g.segment_order FROM t.segments g WHERE g.segment = e.segment) AS place FROM scoring._explain_steps(''t'', $1, NULL, (SELECT i FROM t.score_explanation($1, NULL, NULL) i)) e' USING key::text LOOP
	      INSERT INTO results VALUES ('steps', CASE WHEN claim.place < now_ THEN NULL ELSE 'not better' END);
	      then_ := w.with_orders(key, today, claim.orders, claim.amount);
	      INSERT INTO results VALUES ('today', CASE WHEN then_.segment IS DISTINCT FROM claim.segment THEN format('%s: %s, not %s', key, then_.segment, claim) END);
	      IF claim.amount > 0.01 THEN
	        then_ := w.with_orders(key, today, claim.orders, claim.amount - 0.01);
	        -- what less would do, but more would not, is said of the first step only
	        INSERT INTO results VALUES ('a cent less', CASE WHEN then_.segment = claim.segment OR is_first AND then_.place <= claim.place THEN format('%s: %s as well as %s', key, then_.segment, claim) END);
	      END IF;
	      IF claim.up_to IS NULL THEN
	        trial := round((claim.amount * (1 + 50 * random()))::numeric, 2);
	        then_ := w.with_orders(key, today, claim.orders, trial);
	        INSERT INTO results VALUES ('more', CASE WHEN then_.place > claim.place THEN format('%s: %s by %s, for %s', key, then_.segment, trial, claim) END);
	      ELSE
	        then_ := w.with_orders(key, today, claim.orders, claim.up_to);
	        INSERT INTO results VALUES ('up to', CASE WHEN then_.place > claim.place THEN format('%s: %s, for %s', key, then_.segment, claim) END);
	        then_ := w.with_orders(key, today, claim.orders, claim.up_to + 0.01);
	        INSERT INTO results VALUES ('a cent more', CASE WHEN then_.place <= claim.place THEN format('%s: %s, for %s', key, then_.segment, claim) END);
	      END IF;
	      IF is_first AND claim.orders > 1 THEN
	        trial := round((median * 10 * random())::numeric, 2);
	        then_ := w.with_orders(key, today, claim.orders - 1, trial);
	        INSERT INTO results VALUES ('fewer orders', CASE WHEN then_.place < now_ THEN format('%s: %s by %s, for %s', key, then_.segment, trial, claim) END);
	      END IF;
	      IF claim.last_day IS NULL THEN
	        then_ := w.with_orders(key, today + (random() * 400)::int, claim.orders, claim.amount);
	        INSERT INTO results VALUES ('any day', CASE WHEN then_.segment IS DISTINCT FROM claim.segment THEN format('%s: %s, not %s', key, then_.segment, claim) END);
	      ELSE
	        then_ := w.with_orders(key, claim.last_day, claim.orders, claim.amount);
	        INSERT INTO results VALUES ('last day', CASE WHEN then_.segment IS DISTINCT FROM claim.segment THEN format('%s: %s, not %s', key, then_.segment, claim) END);
	        then_ := w.with_orders(key, claim.last_day + 1, claim.orders, claim.amount);
	        INSERT INTO results VALUES ('the day after', CASE WHEN then_.segment = claim.segment THEN format('%s: %s still, for %s', key, then_.segment, claim) END);
	      END IF;
	      is_first := false;
	    END LOOP;
	    INSERT INTO w.orders SELECT * FROM w.later;
	    DELETE FROM w.later;
	  END LOOP;
	  RETURN QUERY SELECT r.what, count(*), min(r.wrong) FROM results r GROUP BY 1 ORDER BY 1;
	  DROP TABLE results;
	  PERFORM scoring.drop_model('t');
	END $$;
	CREATE TABLE w.later AS SELECT * FROM w.orders WHERE false;});
my %seen;
for my $settings ('', q{, segment_map => 'standard', window_days => 365}, q{, monetary => 'mean', window_days => 200}, q{, frequency => 'active_days', weights => '{3,1,1}'},
	q{, segment_map => 'essential_hybrid'}, q{, segment_map => 'shopify_names', recency_thresholds => '{}', frequency_thresholds => '{}'},
	q{, segment_map => 'w.rough'},
	q{, segment_map => 'klaviyo', bins => 3, window_days => 90}, q{, segment_map => 'rfm_r', monetary => 'mean'}, q{, segment_map => 'pymc_quartile', bins => 4})
{
	my @lines = split /\n/, $node->safe_psql('chain', qq{SET client_min_messages = warning; SET jit = off; SELECT setseed($seed / 1000000.0); SELECT * FROM w.check(\$\$$settings\$\$, 2)});
	shift @lines;
	my @wrong = grep { !/\|\d+\|$/ } @lines;
	is_deeply(\@wrong, [], "steps are true: $settings") or diag "seed $seed";
	/^(.*)\|(\d+)\|/ and $seen{$1} += $2 for @lines;
}
note join ', ', map { "$_ $seen{$_}" } sort keys %seen;
cmp_ok($seen{$_} // 0, '>', 0, "tried: $_") for 'steps', 'today', 'a cent less', 'more', 'up to', 'a cent more', 'fewer orders', 'any day', 'last day', 'the day after';

$node->stop;
done_testing();
