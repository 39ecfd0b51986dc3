# Tenants of a model, with real roles: through every view and dated function,
# in every way of becoming somebody, each reader sees exactly his tenants.
use strict;
use warnings;
use ScoringCluster;
use ModelCluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = model_node('tenants');
$node->start;
make_roles($node, qw(reader_a reader_b reader_ab reader_all team_a team_b in_team_b anna outsider no_tenant), '"in team b by SET ROLE" NOINHERIT');

sub in_chain { return scalar run_as($node, 'chain', @_); }

my @views = views($node, 'chain', 'chain');
my @calls = dated_calls($node, 'chain', 'chain');
my @offers = (@views, @calls);
cmp_ok(scalar @views, '>=', 14, scalar(@views) . ' views');
cmp_ok(scalar @calls, '>=', 4, scalar(@calls) . ' dated functions');

in_chain('shopowner', q{
	SELECT scoring.grant_reader('chain', 'reader_a', 'a');
	SELECT scoring.grant_reader('chain', 'reader_b', 'b');
	SELECT scoring.grant_reader('chain', t[1], t[2]) FROM (VALUES ('{reader_ab,a}'::text[]), ('{reader_ab,b}')) v (t);
	SELECT scoring.grant_reader('chain', 'reader_all');
	SELECT scoring.grant_reader('chain', 'team_b', 'b');
	SELECT scoring.grant_reader('chain', 'no_tenant', 'c')});
in_chain('postgres', q{GRANT team_b TO in_team_b, "in team b by SET ROLE";
	GRANT USAGE ON SCHEMA chain TO outsider;
	DO $$ DECLARE v regclass; f regprocedure; BEGIN
	  FOR v IN SELECT oid FROM pg_class WHERE relnamespace = 'chain'::regnamespace AND relkind = 'v' AND relname !~ '^_' LOOP
	  EXECUTE format('GRANT SELECT ON %s TO outsider', v); END LOOP;
	  FOR f IN SELECT oid FROM pg_proc WHERE pronamespace = 'chain'::regnamespace LOOP
	  EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO outsider', f); END LOOP; END $$;});

# What there is to see of a tenant: the rows that name it. Views that name none
# are known here by name; another one must be looked at before it joins them.
my %tenanted = map { $_ => 1 } split /\n/, in_chain('postgres', q{SELECT attrelid::regclass FROM pg_attribute WHERE attname = 'tenant' AND attrelid IN
	(SELECT oid FROM pg_class WHERE relnamespace = 'chain'::regnamespace)});
is(join(' ', grep { !$tenanted{$_} } @views), 'chain.model_status chain.processing_record chain.segments', 'all other views name the tenant in each row');
is(in_chain('postgres', q{SELECT count(*) FROM pg_proc p WHERE pronamespace = 'chain'::regnamespace AND 'date'::regtype = ALL (proargtypes[0:pronargs - pronargdefaults - 1])
	AND NOT 'tenant' = ANY (coalesce(proargnames, '{}')) AND NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = (SELECT typrelid FROM pg_type WHERE oid = prorettype) AND attname = 'tenant')}),
	'0', 'all dated functions too');
my @named = ((grep { $tenanted{$_} } @views), @calls);

# Rows of tenants as somebody who sees all of them sees those rows.
sub expected
{
	my ($condition) = @_;
	return digests($node, 'chain', 'shopowner', map { "(SELECT * FROM $_ WHERE $condition)" } @named) =~ s/^\(SELECT \* FROM (.*) WHERE .*?\) (?=\d+ \S+$)/$1 /mgr;
}
my %see = (a => expected("tenant = 'a'"), b => expected("tenant = 'b'"), ab => expected("tenant IN ('a', 'b')"), all => expected('true'), none => expected("tenant = 'c'"));
unlike($see{$_}, qr/ 0 /, "there is something to see everywhere: $_") for qw(a b ab all);
is(scalar(() = $see{none} =~ / 0 -$/mg), scalar @named, 'and nothing of a tenant that is not there');
isnt($see{a}, $see{b}, 'tenants differ');

my %readers = (reader_a => 'a', reader_b => 'b', reader_ab => 'ab', reader_all => 'all', in_team_b => 'b', no_tenant => 'none', outsider => 'none', postgres => 'all');
for my $role (sort keys %readers)
{
	is(digests($node, 'chain', $role, @named), $see{ $readers{$role} }, "$role sees what is of: $readers{$role}");
}

# The same by another road: a model of tenant a alone has the same rows, shares
# and thresholds, without the tenant.
# (Groups of campaigns come from the keys, which have the tenant in them.)
my @alike = grep { !/campaign/ } @named;
my $rows = sub {
	my ($from) = @_;
	$from .= " WHERE reason IN ('future_day', 'no_order', 'no_consent')" if $from =~ /data_quality/;		# rows are counted for all tenants together
	return "SELECT count(*), md5(string_agg(j, chr(10) ORDER BY j COLLATE \"C\")) FROM (SELECT (to_jsonb(t) - '{customer_key,tenant,change_id,recorded_at,checked_at,set_at}'::text[])::text AS j FROM $from OFFSET 0) AS r;";
};
my @of_a = split /\n/, in_chain('reader_a', join ' ', map { $rows->("$_ t") } @alike);
my @alone = split /\n/, in_chain('shopowner', join ' ', map { $rows->(s/^chain/only_a/r . ' t') } @alike);
is($of_a[$_], $alone[$_], "$alike[$_] of tenant a is that of a model of a alone") for 0 .. $#alike;
is(in_chain('reader_a', 'SELECT customers, tenants, model FROM chain.model_status'), in_chain('shopowner', q{SELECT customers, 1, 'chain' FROM only_a.model_status}), 'model_status counts what its reader sees');
is(in_chain('outsider', 'SELECT customers, tenants FROM chain.model_status'), '0|0', 'and for whoever has no tenant nothing');
is(in_chain('reader_a', q{SELECT count(*) FROM chain.data_quality WHERE unit = 'rows'}), '0', 'rows that were left out are not known by tenant');
is(in_chain('reader_all', q{SELECT string_agg(reason, ' ' ORDER BY reason) FROM chain.data_quality WHERE unit = 'rows' AND affected = 1}), 'no_customer no_day', 'and shown to readers of all');


# The planner knows nothing of a model that is new, and expects a customer or two: what
# scores everybody twice for model_status must not do so for each of them.
is(in_chain('postgres', q{SET track_functions = 'all'; BEGIN; SELECT advice IS NULL FROM chain.model_status; SELECT max(calls) < 20 * (SELECT count(*) FROM chain.customer_histories)
	FROM pg_stat_xact_user_functions WHERE schemaname = 'scoring'; COMMIT}), "t\nt", 'the advice of model_status scores everybody a few times');

# Who else reads the model, and which tenants there are, only readers of all learn.
my $readers = q{SELECT string_agg(detail, ', ' ORDER BY detail COLLATE "C") FROM chain.processing_record WHERE item = 'reader'};
is(in_chain($_, $readers), '', "the record of processing names no reader to $_") for qw(reader_a reader_b reader_ab outsider);
is(in_chain($_, $readers), 'no_tenant: c, outsider, reader_a: a, reader_ab: a, b, reader_all: all tenants, reader_b: b, team_b: b', "but all to $_") for qw(reader_all shopowner);
is(in_chain($_, q{SELECT count(*) FROM chain.processing_record WHERE detail ~ '\mreader_|team_b'}), '0', "nor anywhere else in it to $_") for qw(reader_a outsider);

# Ways of becoming somebody. A membership without INHERIT has to be taken up.
like((attempt($node, 'chain', 'in team b by SET ROLE', 'SELECT * FROM chain.customer_scores'))[0], qr/^42501/, 'NOINHERIT: nothing before SET ROLE');
for my $way ([ 'in team b by SET ROLE', 'SET ROLE team_b', 'b' ], [ 'postgres', 'SET ROLE reader_a', 'a' ], [ 'postgres', 'SET SESSION AUTHORIZATION reader_b', 'b' ],
	[ 'postgres', 'SET SESSION AUTHORIZATION reader_b; RESET SESSION AUTHORIZATION; SET ROLE reader_a', 'a' ],
	[ 'postgres', 'SET ROLE reader_b; BEGIN; SET LOCAL ROLE reader_a', 'a' ], [ 'postgres', 'SET ROLE reader_a; RESET ROLE', 'all' ])
{
	my ($role, $become, $who) = @$way;
	my @lines = split /\n/, in_chain($role, "$become; " . join ' ', map { "SELECT count(*) FROM $_;" } @named);
	is(join("\n", @lines), join("\n", $see{$who} =~ / (\d+) \S+$/mg), "$role, $become");
}

# One role's SQL in another's session: it shows what its own role sees, and the
# other gains nothing by lending his session.
in_chain('postgres', 'CREATE SCHEMA of_a AUTHORIZATION reader_a; GRANT USAGE ON SCHEMA of_a TO PUBLIC;');
my @counts = $see{a} =~ / (\d+) \S+$/mg;
in_chain('reader_a', join '', map {
	my ($i, $from) = ($_, $named[$_]);
	qq{
		CREATE FUNCTION of_a.f$i() RETURNS SETOF jsonb LANGUAGE sql SECURITY DEFINER AS \$\$ SELECT to_jsonb(t) FROM $from t \$\$;
		CREATE FUNCTION of_a.p$i() RETURNS SETOF jsonb LANGUAGE plpgsql SECURITY DEFINER AS \$\$ BEGIN RETURN QUERY EXECUTE 'SELECT to_jsonb(t) FROM ' || quote_ident('of_a') || '.f$i() t'; END \$\$;
		CREATE VIEW of_a.v$i AS SELECT * FROM $from;
		GRANT SELECT ON of_a.v$i TO PUBLIC;
		CREATE MATERIALIZED VIEW of_a.m$i AS SELECT * FROM $from WITH NO DATA;
		CREATE TABLE of_a.t$i (i int);
		CREATE TABLE of_a.loot$i (row jsonb);
		CREATE FUNCTION of_a.take$i() RETURNS int LANGUAGE plpgsql VOLATILE AS \$\$ BEGIN INSERT INTO of_a.loot$i SELECT to_jsonb(t) FROM $from t; RETURN 1; END \$\$;
		CREATE FUNCTION of_a.index$i(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS \$\$ BEGIN RETURN of_a.take$i(); END \$\$;
		CREATE INDEX ON of_a.t$i (of_a.index$i(i));
		INSERT INTO of_a.t$i VALUES (1);
		TRUNCATE of_a.loot$i;
	} } 0 .. $#named);
my $same = sub {
	my ($what, $role, $sql) = @_;
	is(in_chain($role, join ' ', map { my $s = $sql; $s =~ s/#/$_/g; "$s;" } 0 .. $#named), join("\n", @counts), $what);
};
# each function is called by one of them, and the one around it by another
my @others = qw(reader_b reader_all postgres);
for my $i (0 .. $#others)
{
	my ($first, $second) = map { my $turn = $_; [ grep { $_ % @others == $turn } 0 .. $#named ] } $i, ($i + 1) % @others;
	is(in_chain($others[$i], join ' ', map { "SELECT count(*) FROM of_a.f$_();" } @$first), join("\n", @counts[@$first]), "$others[$i] in a SECURITY DEFINER function of reader_a");
	is(in_chain($others[$i], join ' ', map { "SELECT count(*) FROM of_a.p$_();" } @$second), join("\n", @counts[@$second]), "$others[$i] in two of them");
}
in_chain('postgres', join ' ', map { "REFRESH MATERIALIZED VIEW of_a.m$_; ANALYZE of_a.t$_; REINDEX TABLE of_a.t$_;" } 0 .. $#named);
$same->('a materialized view of reader_a that a superuser refreshes', 'postgres', 'SELECT count(*) FROM of_a.m#');
is(in_chain('postgres', join ' ', map { "SELECT count(*) > 0 AND count(*) FILTER (WHERE row ->> 'tenant' <> 'a') = 0 FROM of_a.loot$_;" } 0 .. $#named),
	join("\n", ('t') x @named), 'ANALYZE and REINDEX by a superuser: what an index of reader_a runs sees tenant a');
is(in_chain('reader_b', join ' ', map { "SELECT count(*) FILTER (WHERE tenant <> 'b') FROM of_a.v$_;" } 0 .. $#named), join("\n", (0) x @named), 'a view of reader_a shows reader_b his own');

# The caller can't be made up, nor kept.
my @forged = attempt($node, 'chain', 'reader_a', map { "SELECT * FROM chain._customer_scores_at('2025-06-30', NULL, $_)" } q{'reader_b'}, q{'reader_b'::text::scoring.caller},
	q{(jsonb_populate_record(NULL::of_a.kept, '{"who": "reader_b"}')).who});
like($forged[0], qr/^0A000 a value of type caller can't be written down/, 'a literal') or diag $forged[0];
like($forged[1], qr/^(0A000|42846) /, 'a cast') or diag $forged[1];
is(in_chain('reader_a', q{SELECT count(*) FROM chain._customer_scores_at('2025-06-30', NULL, NULL)}), '0', 'nobody sees nothing');
in_chain('reader_a', 'CREATE TABLE of_a.kept (who scoring.caller); GRANT INSERT ON of_a.kept TO PUBLIC');
in_chain('reader_all', q{INSERT INTO of_a.kept VALUES (scoring._caller_for('chain'))});
is(in_chain('reader_a', 'SELECT who FROM of_a.kept'), 'reader_all', 'a caller that was stored');
@forged = attempt($node, 'chain', 'reader_a', q{SELECT * FROM of_a.kept, chain._customer_scores_at('2025-06-30', NULL, who)}, q{SELECT (jsonb_populate_record(NULL::of_a.kept, '{"who": "reader_b"}')).who});
like($forged[0], qr/^22023 the value of type caller is of another transaction/, 'is good for nothing') or diag $forged[0];
like($forged[1], qr/^0A000 /, 'nor does jsonb make one') or diag $forged[1];
# One session that may be both: what one role kept, the other can't use, whether
# between statements or within one.
in_chain('postgres', 'CREATE ROLE either LOGIN; GRANT reader_a, reader_b TO either');
my (undef, $refusal) = run_as($node, 'chain', 'either', q{BEGIN; SET LOCAL ROLE reader_b; CREATE TEMP TABLE kept AS SELECT scoring._caller_for('chain') AS who; GRANT SELECT ON kept TO PUBLIC;
	SET LOCAL ROLE reader_a; SELECT count(*) FROM kept, chain._customer_scores_at('2025-06-30', NULL, who)});
like($refusal, qr/the value of type caller was made under another role/, 'a caller that was kept before SET ROLE');
(undef, $refusal) = run_as($node, 'chain', 'either', q{DO $$ DECLARE kept scoring.caller; n int; BEGIN PERFORM set_config('role', 'reader_b', true); kept := scoring._caller_for('chain');
	PERFORM set_config('role', 'reader_a', true); SELECT count(*) INTO n FROM chain._customer_scores_at('2025-06-30', NULL, kept); RAISE NOTICE 'got %', n; END $$});
like($refusal, qr/the value of type caller was made under another role/, 'within one statement too');
is((run_as($node, 'chain', 'reader_a', q{COPY of_a.kept TO STDOUT (FORMAT binary)}))[1] =~ /no binary output function/ ? 1 : 0, 1, 'nor does COPY carry it');
is(in_chain('reader_a', q{SET max_parallel_workers_per_gather = 2; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
	SELECT count(*) FILTER (WHERE tenant <> 'a'), count(*) > 0 FROM chain.customer_scores_at('2025-06-30')}), '0|t', 'parallel workers know the caller');

# Who leaves leaves nothing to a namesake. The table of readers knows names, and a
# group can give the new role everything but the tenant of the old one.
in_chain('shopowner', q{SELECT scoring.grant_reader('chain', 'team_a', 'a'); SELECT scoring.grant_reader('chain', 'anna', 'b')});
my @tenants_of_anna = ("SELECT string_agg(DISTINCT tenant, ',') FROM chain.customer_scores", "SELECT string_agg(DISTINCT tenant, ',') FROM chain.customer_scores_at('2025-06-30')");
is(in_chain('anna', join '; ', @tenants_of_anna), "b\nb", 'anna reads tenant b');
in_chain('postgres', 'DROP OWNED BY anna; DROP ROLE anna; CREATE ROLE anna LOGIN IN ROLE team_a');
is(in_chain('anna', join '; ', @tenants_of_anna), "a\na", 'another anna reads what her team reads, and nothing else');
in_chain('shopowner', q{SELECT scoring.grant_reader('chain', 'anna', 'a:b')});
is(in_chain('anna', $tenants_of_anna[0]), 'a,a:b', 'and what she is given');
in_chain('postgres', 'ALTER ROLE anna RENAME TO old_anna; CREATE ROLE anna LOGIN IN ROLE team_a');
is(in_chain('anna', $tenants_of_anna[0]), 'a', 'nor to a namesake of one who was renamed');
is(in_chain('old_anna', $tenants_of_anna[0]), 'a', 'who has to be granted again');
in_chain('postgres', 'DROP ROLE anna');
in_chain('shopowner', q{SELECT scoring.revoke_reader('chain', 'anna')});
is(in_chain('shopowner', q{SELECT count(*) FROM chain.reader WHERE role = 'anna'}), '0', 'revoke_reader takes away what a dropped role left');

# Conditions that tell what they see, cheap enough to be tried first.
in_chain('reader_a', q{
	CREATE FUNCTION of_a.tell(text) RETURNS bool LANGUAGE plpgsql COST 0.0000001 AS $$ BEGIN RAISE NOTICE 'told %', $1; RETURN true; END $$;
	CREATE FUNCTION of_a.tell(text, text) RETURNS bool LANGUAGE plpgsql COST 0.0000001 AS $$ BEGIN RAISE NOTICE 'told % %', $1, $2; RETURN true; END $$;
	CREATE OPERATOR of_a.=== (leftarg = text, rightarg = text, function = of_a.tell, restrict = eqsel, join = eqjoinsel, merges, hashes)});
my $told = 0;
my @columns_of = split /\n/, in_chain('postgres', join ' ', map { "CREATE VIEW of_a.probe AS SELECT * FROM $_; SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'of_a.probe'::regclass AND attnum > 0; DROP VIEW of_a.probe;" } @named);
for my $from (@named)
{
	my @columns = split / /, shift @columns_of;
	my $sql = "SET client_min_messages = notice; SELECT count(*) FROM $from t WHERE of_a.tell(t::text);"
	  . "SELECT count(*) FROM $from t WHERE " . join(' AND ', map { "of_a.tell(t.\"$_\"::text) AND (t.\"$_\" IS NULL OR t.\"$_\"::text OPERATOR(of_a.===) 'x')" } @columns) . ';'
	  . join('', map { "SELECT count(*) FROM $from t WHERE t.\"$_\"::text OPERATOR(of_a.===) 'x';" } grep { /tenant|customer/ } @columns)
	  . "SELECT count(*) FROM $from t JOIN $from u ON of_a.tell(t.tenant, u.tenant) AND t.tenant = 'b';"
	  . "SELECT count(*) FROM $from t WHERE CASE WHEN tenant = 'a' THEN 1 ELSE 1 / (length(tenant) - length(tenant)) END = 1;"
	  . "SELECT count(*) FROM $from t WHERE tenant <> 'a';";
	my ($out, $err) = run_as($node, 'chain', 'reader_a', $sql);
	my @told = $err =~ /told (.*)/g;
	$told += @told;
	unlike($err, qr/told b[:\s]|[(,"]b[:,]|a\\*:b|ERROR/, "$from: a leaky condition is told of tenant a alone");
	like($out, qr/\n0$/, 'and finds nobody else');
}
cmp_ok($told, '>', 1000, "$told rows were told");

# Errors and plans.
my %keyed = map { $_ => 1 } split /\n/, in_chain('postgres', q{SELECT attrelid::regclass FROM pg_attribute WHERE attname = 'customer_key'});
for my $from (grep { $keyed{$_} } @views)
{
	my @conditions = ('customer_key::int > 0', q{('x' || customer_key)::date IS NULL}, 'customer_key::uuid IS NULL', '1 / (length(customer_key) - length(customer_key)) = 1');
	my ($rc, $out, $err) = $node->psql('chain', join('', map { "\\warn ===\nSELECT * FROM $from WHERE $_;\n" } @conditions), extra_params => [ '-U', 'reader_a' ], on_error_stop => 0);
	my (undef, @errors) = split /^===\n/m, "$err\n", -1;
	is(scalar @errors, scalar @conditions, "$from: conditions that fail");
	for my $i (0 .. $#conditions)
	{
		like($errors[$i], qr/"x?a:\d+"|division by zero/, "$from, $conditions[$i]: the error shows a customer of a") unless $errors[$i] !~ /ERROR/;
		unlike($errors[$i], qr/b:/, "$from, $conditions[$i]: and none of b");
	}
	($out, $err) = run_as($node, 'chain', 'reader_a', "EXPLAIN (ANALYZE, VERBOSE, BUFFERS) SELECT * FROM $from WHERE customer_key >= 'b:' AND length(customer_key) > 1");
	unlike($out . $err, qr/b:\d|'b'::/, "$from: no key and no tenant of others in EXPLAIN");
	like($out, qr/Execution Time/, 'which works');
}
is(in_chain('reader_a', join ' ', map { "SELECT count(*) FROM $_ WHERE customer_key LIKE 'b:%' OR customer_key IN (SELECT 'b:' || i FROM generate_series(0, 700) i);" } 'chain.customer_scores', q{chain.customer_scores_at('2025-06-30')}), "0\n0", 'keys of others find nobody');

# Statistics.
in_chain('postgres', 'ANALYZE');
is(in_chain('postgres', q{SELECT a.attrelid::regclass || '.' || attname FROM pg_statistic JOIN pg_attribute a ON attrelid = starelid AND attnum = staattnum
	WHERE (starelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'chain'::regnamespace)
	       OR starelid IN (SELECT indexrelid FROM pg_index JOIN pg_class c ON c.oid = indrelid WHERE relnamespace = 'chain'::regnamespace)) AND attname IN ('customer_key', 'customer_id', 'history')}),
	'', 'no statistics of keys and histories');
is(in_chain('postgres', q{SELECT count(*) FROM pg_stats WHERE schemaname = 'chain' AND concat(most_common_vals, histogram_bounds) ~ '[ab]:\d'}), '0', 'no key in any');
is(in_chain($_, q{SELECT count(*) FROM pg_stats WHERE schemaname IN ('chain', 'crm')}), '0', "$_ sees no statistics") for qw(reader_a reader_all outsider);

like((attempt($node, 'chain', 'shopowner', q{SELECT scoring.revoke_reader('chain', 'reader_all', 'a')}))[0], qr/^22023 role reader_all reads all tenants of model "chain"/, 'one tenant of all is not taken away silently in vain');

# A tenant taken away, a customer that changes his tenant, a new tenant.
in_chain('shopowner', q{SELECT scoring.revoke_reader('chain', 'reader_ab', 'a')});
is(digests($node, 'chain', 'reader_ab', @named), $see{b}, 'revoke_reader of one tenant leaves the other');
in_chain('shopowner', q{SELECT scoring.revoke_reader('chain', 'reader_ab', 'b')});
like((attempt($node, 'chain', 'reader_ab', 'SELECT * FROM chain.segments'))[0], qr/^42501/, 'of the last one everything');
in_chain('shopowner', q{
	UPDATE crm.orders SET tenant = 'b' WHERE customer_id = 100;
	UPDATE crm.customers SET tenant = 'b' WHERE customer_id = 100;
	INSERT INTO crm.orders VALUES (9000, 'c', '2025-06-01', 10), (9001, 'c', '2025-06-01', 20);
	INSERT INTO crm.customers VALUES (9000, 'c', 'FR', true, '2025-01-01'), (9001, 'c', 'FR', true, '2025-01-01');
	SELECT scoring.refresh_model('chain')});
my $whose = q{SELECT count(*), count(r_score) FROM chain.customer_scores WHERE customer_id IN ('100', '9000')};
is(in_chain('reader_a', $whose), '0|0', 'a customer who went to another tenant is gone from his old one');
is(in_chain('reader_b', $whose), '1|1', 'and is in the new one');
is(in_chain('no_tenant', 'SELECT count(*), count(r_score), count(m_score), min(score_reason) FROM chain.customer_scores'), '2|2|0|too_few_customers', 'a new tenant is seen by its reader; scores by quantiles wait');
is(in_chain('no_tenant', 'SELECT status, needs, tenants FROM chain.model_status'), 'thresholds missing|once there are customers: calibrate_model|1', 'and model_status says for what');
is(in_chain('reader_a', 'SELECT status, tenants FROM chain.model_status'), 'ok|1', 'to nobody else');
in_chain('shopowner', q{SELECT scoring.calibrate_model('chain')});
is(in_chain('no_tenant', 'SELECT count(*), count(m_score) FROM chain.customer_scores'), '2|2', 'calibrate_model');

# Erased people of one tenant: nobody learns of it, and the other has his own of
# that number. What readers may not call names nobody.
my $who = in_chain('shopowner', q{SELECT min(customer_id) FROM chain.customer_scores WHERE tenant = 'a' AND customer_id IN (SELECT customer_id::text FROM crm.customers)});
in_chain('shopowner', "INSERT INTO crm.orders VALUES ($who, 'b', '2025-06-01', 10); INSERT INTO crm.customers VALUES ($who, 'b', 'FR', true, '2025-01-01'); SELECT scoring.refresh_model('chain')");
my $other = in_chain('reader_b', 'SELECT count(*), sum(monetary) FROM chain.customer_scores');
is(in_chain('shopowner', "SELECT sum(erased) > 0 FROM scoring.forget_customer('chain', 'a:$who')"), 't', 'a customer of tenant a is erased');
in_chain('shopowner', q{SELECT scoring.refresh_model('chain')});
is(in_chain('reader_a', "SELECT count(*) FROM chain.customer_scores WHERE customer_id = '$who'"), '0', 'and stays so');
is(in_chain('reader_b', "SELECT count(*) FROM chain.customer_scores WHERE customer_id = '$who'"), '1', 'his namesake of tenant b is there');
is(in_chain('reader_b', 'SELECT count(*), sum(monetary) FROM chain.customer_scores'), $other, 'with everybody else');
is(in_chain('shopowner', "SELECT scoring.export_customer('chain', 'b:$who') -> 'orders' -> 0 ->> 'total', jsonb_array_length(scoring.export_customer('chain', 'a:$who') -> 'orders')"), '10|0', 'an export is of the one that was named');
for my $call (map { ("$_('chain', 'a:$who')", "$_('chain', 'b:$who')") } qw(forget_customer erasure_report export_customer allow_customer))
{
	my ($answer) = attempt($node, 'chain', 'reader_a', "SELECT * FROM scoring.$call");
	like($answer, qr/^42501 model "chain" belongs to role shopowner/, "reader_a: $call");
	unlike($answer, qr/[ab]:$who/, 'names nobody');
}
my ($answer) = attempt($node, 'chain', 'shopowner', "SELECT * FROM scoring.forget_customer('chain', '$who')");
like($answer, qr/^22023 customer is no customer_key of model "chain"/, 'without the tenant nobody is named');
unlike($answer, qr/$who/, 'nor in the error');
is(in_chain($_, "SELECT count(*) FROM scoring.erasure_report('a:$who')"), '0', "$_ has no model to report of") for qw(reader_a reader_all outsider);
like((attempt($node, 'chain', $_, 'SELECT * FROM chain.suppressed'))[0], qr/^42501/, "$_ does not see the suppression list") for qw(reader_a reader_all outsider);

# Small groups are hidden tenant by tenant: what a reader sees of one doesn't
# depend on who else is there.
in_chain('shopowner', q{SELECT scoring.alter_model(m, minimum_group_size => 15) FROM unnest('{chain,only_a}'::text[]) m;
	DELETE FROM crm.orders WHERE tenant = 'c'; SELECT scoring.refresh_model(m) FROM unnest('{chain,only_a}'::text[]) m});
in_chain('shopowner', "SELECT scoring.forget_customer('only_a', '$who')");
in_chain('shopowner', q{SELECT scoring.calibrate_model(m) FROM unnest('{chain,only_a}'::text[]) m});
my @summaries = grep { /summary|grid|distribution|transitions|history|retention\(|\.clusters|cluster_inputs/ && !/kpi/ } @named;
my $shown = sub { "SELECT count(*) FILTER (WHERE suppressed), count(*), md5(string_agg(j, chr(10) ORDER BY j COLLATE \"C\")) FROM (SELECT suppressed, (to_jsonb(t) - 'tenant')::text AS j FROM $_[0] t OFFSET 0) AS r;" };
@of_a = split /\n/, in_chain('reader_a', join ' ', map { $shown->($_) } @summaries);
@alone = split /\n/, in_chain('shopowner', join ' ', map { $shown->(s/^chain/only_a/r) } @summaries);
my @small = split /\n/, in_chain('reader_a', join ' ', map { "SELECT count(*) FROM $_ t WHERE customers BETWEEN 1 AND 14;" } @summaries);
for my $i (0 .. $#summaries)
{
	is($of_a[$i], $alone[$i], "$summaries[$i] hides the same as in a model of a alone");
	is($small[$i], '0', 'no small group is shown');
}

# A role that is dropped and made again has what it is given then.
in_chain('postgres', 'DROP OWNED BY reader_ab; DROP ROLE reader_ab; CREATE ROLE reader_ab LOGIN');
in_chain('shopowner', q{SELECT scoring.grant_reader('chain', 'reader_ab', 'a')});
in_chain('postgres', 'DROP OWNED BY reader_ab; DROP ROLE reader_ab; CREATE ROLE reader_ab LOGIN');
in_chain('shopowner', q{SELECT scoring.grant_reader('chain', 'reader_ab', 'b')});
is(in_chain('reader_ab', q{SELECT string_agg(DISTINCT tenant, ' ') FROM chain.customer_scores}), 'b', 'a role made again has not what one of its name had');

done_testing();
