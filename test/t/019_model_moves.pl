# Models on the move, with their roles: a standby, a dump restored in another
# cluster, pg_upgrade. Readers see the same as before, and the owner goes on.
use strict;
use warnings;
use ScoringCluster;
use ModelCluster;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = model_node('primary', allows_streaming => 1);
$primary->start;
make_roles($primary, qw(reader_a reader_b reader team), '"in team"');
$primary->safe_psql('postgres', 'GRANT team TO "in team"');
my %models = (chain => [ 'chain', 'only_a' ], shop => [ 'shop', 'live_shop' ]);
run_as($primary, 'shop', 'shopowner', "SELECT scoring.grant_reader('$_', 'reader')") for qw(shop live_shop);
run_as($primary, 'chain', 'shopowner', q{SELECT scoring.grant_reader('chain', t[1], t[2]) FROM (VALUES ('{reader_a,a}'::name[]), ('{reader_b,b}'), ('{team,a:b}'), ('{reader,NULL}')) v(t)});
$primary->safe_psql('chain', 'CREATE SCHEMA of_a AUTHORIZATION reader_a');
run_as($primary, 'chain', 'reader_a', q{
	CREATE MATERIALIZED VIEW of_a.scores AS SELECT * FROM chain.customer_scores;
	CREATE UNIQUE INDEX ON of_a.scores (customer_key);
	CREATE MATERIALIZED VIEW of_a.scores_then AS SELECT * FROM chain.customer_scores_at('2024-12-31');
	CREATE VIEW of_a.vip AS SELECT * FROM chain.vip_customers});

# What each role sees of each model, and how the models are built.
my %offers = map { my $database = $_; ($_ => [ map { offers($primary, $database, $_) } @{ $models{$_} } ]) } keys %models;
my %readers = (shop => [ 'shopowner', 'reader' ], chain => [ 'shopowner', 'reader_a', 'reader_b', 'in team', 'reader' ]);
# All that is offered to all of them; or, in turn, each view and function to one of
# them, and to another one in the next turn.
sub seen
{
	my ($node, $turn) = @_;
	my %seen;
	for my $database (sort keys %readers)
	{
		my @roles = @{ $readers{$database} };
		for my $i (0 .. $#roles)
		{
			my $number = $turn // 0;
			my @items = grep { defined $turn && /^(?!only_a)/ ? $number++ % @roles == $i : $i == 0 || /^(?!only_a)/ } @{ $offers{$database} };
			/^(.*) (\d+ \S+)$/ and $seen{"$roles[$i]: $1"} = $2 for split /\n/, digests($node, $database, $roles[$i], @items);
		}
	}
	/^(.*) (\d+ \S+)$/ and $seen{"reader_a: $1"} = $2 for split /\n/, digests($node, 'chain', 'reader_a', map { "of_a.$_" } qw(scores scores_then vip));
	return %seen;
}
sub built
{
	my ($node) = @_;
	my $mine = q{IN (SELECT oid FROM pg_namespace WHERE nspname IN ('chain', 'only_a', 'shop', 'live_shop'))};
	return join "\n", map { $node->safe_psql($_, qq{
		SELECT concat_ws(' ', 'schema', nspname, nspowner::regrole, nspacl, obj_description(oid)) FROM pg_namespace WHERE oid $mine ORDER BY 1;
		SELECT concat_ws(' ', relkind, oid::regclass, relowner::regrole, (SELECT string_agg(a::text, ',' ORDER BY a::text) FROM unnest(relacl) a), reloptions, obj_description(oid, 'pg_class'))
		  FROM pg_class WHERE relnamespace $mine AND relkind <> 'i' ORDER BY 1;
		SELECT concat_ws(' ', attrelid::regclass, attname, format_type(atttypid, atttypmod), attcollation::regcollation, attnotnull, attidentity, CASE WHEN relkind = 'r' THEN attstattarget END, col_description(attrelid, attnum))
		  FROM pg_attribute JOIN pg_class c ON c.oid = attrelid WHERE relnamespace $mine AND relkind <> 'i' AND attnum > 0 AND NOT attisdropped ORDER BY 1;
		SELECT concat_ws(' ', indrelid::regclass, pg_get_indexdef(indexrelid)) FROM pg_index JOIN pg_class c ON c.oid = indrelid WHERE relnamespace $mine ORDER BY 1;
		SELECT concat_ws(' ', conrelid::regclass, conname, pg_get_constraintdef(oid)) FROM pg_constraint WHERE connamespace $mine ORDER BY 1;
		SELECT concat_ws(' ', oid::regprocedure, proowner::regrole, (SELECT string_agg(a::text, ',' ORDER BY a::text) FROM unnest(proacl) a), prosecdef, provolatile, proparallel, proconfig, procost, prorows, pg_get_function_arguments(oid), pg_get_function_result(oid), obj_description(oid, 'pg_proc')) FROM pg_proc WHERE pronamespace $mine ORDER BY 1;
		SELECT concat_ws(' ', tgrelid::regclass, pg_get_triggerdef(oid)) FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1}) } sort keys %models;
}
# Lines that are in one and not in the other.
sub difference
{
	my %is_in;
	$is_in{$_} .= '<' for split /\n/, $_[0];
	$is_in{$_} .= '>' for split /\n/, $_[1];
	return join "\n", map { "$is_in{$_} $_" } sort grep { $is_in{$_} !~ /^<+>+$/ } keys %is_in;
}
my %seen = seen($primary);
my $built = built($primary);
is(join("\n", grep { $seen{$_} eq '0 -' && !/live_shop.pending/ } sort keys %seen), '', 'there is something to see everywhere');
is(scalar keys %seen, 3 + 2 * @{ $offers{shop} } + 4 * grep({ /^chain/ } @{ $offers{chain} }) + @{ $offers{chain} }, 'for everybody');
like($built, qr/^v chain\.customer_scores shopowner .*reader_a=r.*security_barrier/m, 'and it is listed how the models are built');
like($built, qr/^crm\.orders CREATE TRIGGER/m, 'triggers among it');

# What is seen on another cluster, and not what was seen before.
sub changes
{
	my %now = seen(@_);
	my $least = 3 + map { @$_ } values %offers;
	return join "\n", (map { "$_: $now{$_}, not " . ($seen{$_} // 'there') } grep { $now{$_} ne ($seen{$_} // '') } sort keys %now), keys %now >= $least ? () : 'not all is there';
}

# The work of an owner, on a cluster that can be written.
sub goes_on
{
	my ($node, $what) = @_;
	is(run_as($node, 'shop', 'shopowner', q{
		SELECT count(*) FROM scoring.check_model('live_shop');
		INSERT INTO crm.orders VALUES (3, 'a', '2025-06-30', 400), (77777, 'a', '2025-06-30', 1);
		SELECT count(*) FROM scoring.check_model('live_shop');
		SELECT status, differences FROM scoring.apply_changes('live_shop');
		SELECT status, customers_added FROM scoring.refresh_model('shop');
		SELECT status, changes > 0 FROM scoring.record_changes('shop');
		SELECT count(*) - count(DISTINCT change_id) FROM shop.segment_changes;
		SELECT detail FROM scoring.alter_model('shop', weights => '{1,1,5}') WHERE item = 'version';
		SELECT count(*) FROM scoring.calibrate_model('live_shop') WHERE item = 'version';
		SELECT scoring.grant_reader('live_shop', 'reader_a');
		SELECT scoring.revoke_reader('shop', 'reader');
		SELECT string_agg(status, ' ') FROM (SELECT status FROM shop.model_status UNION ALL SELECT status FROM live_shop.model_status) s;
		SELECT item FROM scoring.drop_model('shop')}),
		"0\n0\napplied|4\nrefreshed|2\nrecorded|t\n0\n2 -> 3\n1\n\n\nok ok\ndropped", "$what: the verbs go on");
	is(digests($node, 'shop', 'reader_a', 'live_shop.customer_scores'), digests($node, 'shop', 'shopowner', 'live_shop.customer_scores'), "$what: a new reader reads");
	like((attempt($node, 'shop', 'reader_b', 'SELECT * FROM live_shop.customer_scores'))[0], qr/^42501/, "$what: and nobody else");
	$node->safe_psql('chain', 'REFRESH MATERIALIZED VIEW CONCURRENTLY of_a.scores; REFRESH MATERIALIZED VIEW of_a.scores_then');
	is($node->safe_psql('chain', q{SELECT string_agg(DISTINCT tenant, ' ') FROM (SELECT tenant FROM of_a.scores UNION ALL SELECT tenant FROM of_a.scores_then) s}), 'a', "$what: a reader's materialized views are refreshed with what is his");
}

# A standby answers everything, and refuses to write.
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;
$primary->wait_for_catchup($standby);
is(changes($standby, 0), '', 'standby: all views and dated functions, for the roles in turn');
my @verbs = map { verbs($primary, 'shop', $_) } 'shop', 'live_shop';
my @got = attempt($standby, 'shop', 'shopowner', map { "SELECT * FROM $_" } @verbs);
for my $i (0 .. $#verbs)
{
	like($got[$i], $verbs[$i] =~ /check_model/ ? qr/^ok|^25006/ : qr/^25006 cannot execute .* (in a read-only transaction|during recovery)|^(22004|22023|42704|42883) /, "standby: $verbs[$i]");
}
$standby->promote;
is(changes($standby, 1), '', 'promoted: the same, for another role each');
goes_on($standby, 'promoted');
$standby->stop;

# A dump of roles and databases, restored elsewhere.
my $dir = PostgreSQL::Test::Utils::tempdir;
my $new = new_node('new');
$new->start;
$primary->command_ok([ 'pg_dumpall', '--roles-only', '-f', "$dir/roles", '-d', $primary->connstr('postgres') ], 'pg_dumpall --roles-only');
$new->psql('postgres', slurp_file("$dir/roles"), on_error_stop => 0);		# postgres is there already
for my $database (sort keys %models)
{
	$primary->command_ok([ 'pg_dump', '-Fc', '--create', '-f', "$dir/$database", '-d', $primary->connstr($database) ], "pg_dump $database");
	$new->command_ok([ 'pg_restore', '--exit-on-error', '--create', '-d', $new->connstr('postgres'), "$dir/$database" ], "pg_restore $database");
}
is(changes($new), '', 'restored: all views and dated functions, for every role');
is(difference(built($new), $built), '', 'restored: built as before, grants and comments too');
goes_on($new, 'restored');
$new->stop;

# pg_upgrade.
$primary->stop;
my $upgraded = new_node('upgraded');
upgrade_node($primary, $upgraded);
is(changes($upgraded, 2), '', 'upgraded: all views and dated functions, for the roles in turn');
is(difference(built($upgraded), $built), '', 'upgraded: built as before, grants and comments too');
goes_on($upgraded, 'upgraded');

done_testing();
