# A backend killed in the middle of an aggregate takes nothing with it, nor does a whole server
# that is killed while it writes a model.
use strict;
use warnings;
use ScoringCluster;
use ModelCluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time usleep);

my $node = new_node('crash');
$node->append_conf('postgresql.conf', "restart_after_crash = on\nfsync = on\n");
$node->start;
$node->safe_psql('postgres', 'CREATE SCHEMA scoring; CREATE EXTENSION customer_scoring SCHEMA scoring;' . shop(4000) =~ s/\@ext\@/scoring/gr);
my $before = $node->safe_psql('postgres', 'SELECT md5(string_agg(h::text, chr(10) ORDER BY customer_id)) FROM shop_history h');

for my $round (1 .. 3)
{
	# the statements are arguments: nothing is written to a client that is about to lose its server
	my ($out, $err) = ('', '');
	my $session = IPC::Run::start([ 'psql', '-X', '-At', '-d', $node->connstr('postgres') . " application_name=victim",
			'-c', "BEGIN; UPDATE shop_history SET orders = '{}';"
			  . " CREATE TABLE gone AS SELECT i % 1000 AS k, scoring.history_agg(date '2000-01-01' + (i % 3000)::int, i / 100.0) AS h"
			  . " FROM generate_series(1, 50000000) i GROUP BY 1" ], '<', \undef, '>', \$out, '2>', \$err, IPC::Run::timeout(600));
	$node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_stat_activity WHERE application_name = 'victim' AND state = 'active'")
	  or die 'the victim did not begin';
	my $pid = $node->safe_psql('postgres', "SELECT pid FROM pg_stat_activity WHERE application_name = 'victim'");
	usleep(100_000 * $round);
	is(kill_backend($node, $pid, sub { $session->finish }), 1, "round $round: backend killed in the middle of history_agg");
	like($err, qr/server closed the connection|terminated/, 'its session is lost');
	is($node->safe_psql('postgres', 'SELECT md5(string_agg(h::text, chr(10) ORDER BY customer_id)) FROM shop_history h'),
		$before, 'after the restart the histories are as committed');
	is($node->safe_psql('postgres', "SELECT to_regclass('gone') IS NULL"), 't', 'and the unfinished table is not there');
}

# Cancel and terminate act also within a long run of C code: each of these would
# last for minutes on an idle machine.
for my $sql (
	q{SELECT scoring.history_agg(date '2000-01-01' + (i % 3000)::int, i) FROM generate_series(1, 1000000000::bigint) i},
	q{SELECT count(s) FROM (SELECT scoring.quantile_score(i::float8, 5) OVER () AS s FROM generate_series(1, 100000000::bigint) i) t},
	q{SELECT count(d) FROM generate_series(1, 1000000), scoring.days((SELECT scoring.history_agg(date '2000-01-01' + i, 1) FROM generate_series(1, 10000) i)) d})
{
	my ($rc, $out, $err) = $node->psql('postgres', "SET statement_timeout = 300; $sql");
	like($err, qr/canceling statement due to statement timeout/, 'cancelled: ' . substr($sql, 0, 60));
}

# --- all processes of the server are killed ---------------------------------------------

# The machine stays up, so nothing has to be on disk, and recovery need not bring it there.
$node->append_conf('postgresql.conf', "fsync = off\n");
$node->restart;
$node->safe_psql('postgres', q{
	SELECT scoring.create_model('shop', 'orders', as_of => '2025-06-30');
	SELECT scoring.create_model('live_shop', 'orders', as_of => '2025-06-30', customer => 'customer_id', day => 'ordered_on', value => 'total', live => true,
	  prediction => 'bgnbd', clusters => 3);
	SELECT scoring.record_changes(m) FROM unnest('{shop,live_shop}'::text[]) m;
	INSERT INTO orders SELECT customer_id, '2025-06-29', 500 FROM generate_series(1, 400, 3) customer_id});

# What the tables of a model hold, and two views say, but for points in time, numbers
# of rows and of objects, and the key that is drawn for each model
sub said
{
	my ($model) = @_;
	return qq{SELECT format('SELECT %L, count(*), md5(string_agg(j, chr(10) ORDER BY j COLLATE "C")) FROM (SELECT (to_jsonb(t) - %L::text[])::text AS j FROM %s t OFFSET 0) AS r',
			c.oid::regclass, coalesce(array_agg(attname) FILTER (WHERE atttypid = 'timestamptz'::regtype OR attidentity <> '' OR attname ~ '^suppression|^parts\$'), '{}'), c.oid::regclass)
		  FROM pg_class c JOIN pg_attribute a ON attrelid = c.oid AND attnum > 0
		 WHERE relnamespace = to_regnamespace('$model') AND (relkind = 'r' AND relname <> 'suppression_key' OR relname IN ('customer_scores', 'segment_summary')) GROUP BY c.oid ORDER BY 1 \\gexec\n};
}

# Kill after so many seconds of a call, or when it has answered, and start again.
sub kill_in
{
	my ($sql, $seconds) = @_;
	my $victim = open_session($node, 'postgres', 'postgres');
	$victim->send($sql);
	defined $seconds ? usleep(1_000_000 * $seconds) : $victim->answer;
	kill_server($node);
	$victim->close;
	$node->start;
	return;
}

my %killed = map { ($_ => 0) } 'before', 'after';
srand(20261130);
for my $call ([ 'shop', q{scoring.refresh_model('shop')} ], [ 'live_shop', q{scoring.apply_changes('live_shop')} ], [ 'live_shop', q{scoring.calibrate_model('live_shop')} ],
	[ 'live_shop', q{scoring.alter_model('live_shop', weights => '{1,2,3}', segment_map => 'standard', clusters => 4)} ],
	[ 'another', q{scoring.create_model('another', 'orders', as_of => '2025-06-30', live => true, customer => 'customer_id', day => 'ordered_on', value => 'total')} ])
{
	my ($model, $verb) = @$call;
	my $sql = "SELECT count(*) FROM $verb;";
	my $before = $node->safe_psql('postgres', said($model));
	my $start = time;
	my $after = $node->safe_psql('postgres', "BEGIN; SELECT count(*) FROM $verb \\gset\n" . said($model) . ' ROLLBACK;');
	my $lasts = time - $start;
	isnt($after, $before, "$verb changes the model");
	kill_in("BEGIN; $sql", undef);
	is($node->safe_psql('postgres', said($model)), $before, 'all are killed before it commits: it is as before');
	my $now = $before;
	for my $share (0.15 + rand(0.3), 0.45 + rand(0.3))
	{
		kill_in($sql, $share * $lasts);
		$now = $node->safe_psql('postgres', said($model));
		ok($now eq $before || $now eq $after, 'at any moment: it is as before or as after') or diag $now;
		$killed{ $now eq $before ? 'before' : 'after' }++;
		last if $now eq $after;
	}
	kill_in($sql, undef) if $now ne $after;
	is($node->safe_psql('postgres', said($model)), $after, 'when it has committed: as after');
}
diag "killed in the middle: $killed{before} as before, $killed{after} as after";

# Orders are written one by one, and folded in, when everything ends: the model has those that the source has.
for my $seconds (map { 0.3 + rand(0.7) } 1 .. 2)
{
	my $writer = open_session($node, 'postgres', 'postgres');
	$writer->send(join ' ', map { "INSERT INTO orders VALUES ($_, '2025-06-28', 7);" } 1 .. 3000);
	kill_in(q{SELECT count(*) FROM scoring.apply_changes('live_shop');} x 20, $seconds);
	$writer->close;
	is($node->safe_psql('postgres', q{SELECT * FROM scoring.check_model('live_shop')}), '', 'killed while orders come in: the model has all that were committed');
}
cmp_ok($node->safe_psql('postgres', q{SELECT count(*) FROM orders WHERE ordered_on = '2025-06-28' AND total = 7}), '>', 10, 'which were some');
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_ls_tmpdir()}), '0', 'no temporary file is left');
is($node->safe_psql('postgres', qq{SELECT status FROM scoring.refresh_model('$_'); SELECT * FROM scoring.check_model('$_')}), 'refreshed', "$_ goes on, and is right")
  for 'shop', 'live_shop', 'another';
done_testing();
