# Servers of a Citus cluster that are killed while a distributed model is made, refreshed, altered
# and dropped: the coordinator, or either worker, at any moment. Whatever was said before, the
# model is then as it was or as it would be, its orders are those of the source, and the same
# call works. A twin in one place says what is right.
use strict;
use warnings;
use ScoringCluster;
use ModelCluster;
use CitusCluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time usleep);

my @nodes = citus_nodes(qw(coordinator north south));
plan skip_all => 'no Citus here (citus.so, of the server or below CITUS_ROOT)' unless @nodes;
my ($coordinator, @workers) = @nodes;
sub citus { return $coordinator->safe_psql('postgres', "SET client_min_messages = warning; $_[0]"); }

citus(q{
	CREATE SCHEMA scoring; CREATE EXTENSION customer_scoring SCHEMA scoring;
	ALTER DATABASE postgres SET search_path = public, scoring;
	SET search_path = public, scoring;
	CREATE TABLE orders (order_id int, customer_id bigint, order_date date, amount numeric);
	SELECT create_distributed_table('orders', 'customer_id');
	INSERT INTO orders SELECT i, i * 7919::bigint % 3001, date '2022-01-01' + (i * 104729::bigint % 1460)::int, i % 200 FROM generate_series(1, 20000) AS i});
my $over = q{customer => 'customer_id', day => 'order_date', value => 'amount', as_of => '2025-12-31'};
my $twin = "SELECT create_model('twin', 'SELECT * FROM orders', $over)";
citus($twin);

# Kill one of the servers so many seconds after a call began, and start it again. Was the call
# answered without an error?
sub kill_in
{
	my ($victim, $sql, $seconds) = @_;
	my $session = open_session($coordinator, 'postgres', 'postgres');
	$session->send("SET client_min_messages = warning; $sql \\echo answered\n");
	usleep(1_000_000 * $seconds);
	kill_server($victim);
	my ($said, $error) = $victim == $coordinator ? ('', '') : eval { $session->answer };
	$session->close;
	$victim->start;
	# connections that Citus keeps are found dead once; transactions that were prepared end here
	for (1 .. 50)
	{
		last if eval { citus('SELECT count(*) FROM orders'); 1 };
		usleep(200_000);
	}
	citus('SELECT recover_prepared_transactions()');
	return $said =~ /answered/ && $error !~ /ERROR|FATAL|lost/;
}
sub is_whole
{
	my ($what) = @_;
	my ($one, $other) = map { "SELECT to_jsonb(s) - 'version' FROM $_.customer_scores AS s" } qw(twin dist);
	is(citus(qq{SELECT count(*) FROM (($one EXCEPT $other) UNION ALL ($other EXCEPT $one)) AS d;
		SELECT count(*) FROM check_model('dist'); SELECT count(*) FROM dist.source_histories}), "0\n0\n0", "$what: the rows are those of its twin");
	return;
}
sub has_model { return citus(q{SELECT count(*) FROM models() WHERE model = 'dist'}); }

# How long it takes, which is where it is to be killed
sub seconds_of
{
	my ($sql) = @_;
	my $start = time;
	citus($sql);
	return time - $start;
}

srand($ENV{KILL_SEED} // 20261201);
my $rounds = $ENV{KILLS} // 2;
my %count;
my $create = "SELECT count(*) FROM create_model('dist', 'orders', $over, distribute => true);";
my $drop = q{SELECT drop_model('dist');};
my $lasts = seconds_of($create);
is_whole('made');
my $drop_lasts = seconds_of($drop);

for my $victim (map { ($_) x $rounds } @nodes)
{
	my $name = $victim->name;
	citus("SELECT drop_model('twin'); $twin");
	my $answered = kill_in($victim, $create, $lasts * rand(1.1));
	my $made = has_model();
	$count{create}{ $made ? 'after' : 'before' }++;
	cmp_ok($made, '>=', $answered ? 1 : 0, "create_model, $name killed: what was answered is there");
	is(citus(q{SELECT count(*) FROM pg_dist_partition WHERE logicalrelid::text ~ '^dist[.]'}), $made ? 2 : 0, 'with its tables, or without any');
	citus($create) unless $made;
	is_whole("create_model, $name killed");

	# the twin follows after what was killed
	citus(sprintf q{INSERT INTO orders SELECT 30000 + i, i * 13 %% 3100, '2025-12-20', i FROM generate_series(1, 500) AS i; DELETE FROM orders WHERE customer_id %% 97 = %d}, int(rand(97)));
	$answered = kill_in($victim, q{SELECT count(*) FROM refresh_model('dist');}, rand(0.3));
	my $differ = citus(q{SELECT count(*) FROM check_model('dist')});
	$count{refresh}{ $differ ? 'before' : 'after' }++;
	is($differ, 0, "refresh_model, $name killed: what was answered is done") if $answered;
	is(citus(q{SELECT count(*) FROM dist.source_histories}), 0, 'what was read for it is gone');
	is(citus(q{SELECT status FROM refresh_model('dist'); SELECT count(*) > 0 FROM refresh_model('twin')}), "refreshed\nt", 'it is refreshed again');
	is_whole("refresh_model, $name killed");

	kill_in($victim, q{SELECT count(*) FROM alter_model('dist', weights => '{3,2,1}');}, rand(0.2));
	my $version = citus(q{SELECT max(version) FROM dist.configuration});
	$count{alter}{ $version > 1 ? 'after' : 'before' }++;
	citus(q{SELECT alter_model('dist', weights => '{1,1,1}')}) if $version > 1;
	is_whole("alter_model, $name killed");

	$answered = kill_in($victim, $drop, $drop_lasts * rand(1.1));
	my $dropped = !has_model();
	$count{drop}{ $dropped ? 'after' : 'before' }++;
	ok($dropped, "drop_model, $name killed: what was answered is done") if $answered;
	is_whole("drop_model, $name killed") unless $dropped;
	citus($drop) unless $dropped;
	is($_->safe_psql('postgres', q{SET citus.show_shards_for_app_name_prefixes = '*'; SELECT count(*) FROM pg_class WHERE relname ~ '^(customer|source)_histories_\d+$' AND relnamespace = to_regnamespace('dist')}), 0, 'no shard is left on ' . $_->name) for @workers;
}
for my $verb (sort keys %count) { diag sprintf "%s_model killed: %d times as before, %d as after", $verb, map { $count{$verb}{$_} // 0 } qw(before after); }
done_testing();
