# A backend killed in the middle of an aggregate takes nothing with it.
use strict;
use warnings;
use ScoringCluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

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

done_testing();
