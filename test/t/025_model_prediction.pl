# A model with prediction through its life: dumped and restored, upgraded by
# pg_upgrade, read on a standby, fitted again while others read it, cancelled.
use strict;
use warnings;
use ScoringCluster;
use ModelCluster;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use POSIX ();
use Time::HiRes qw(usleep);
use Test::More;

my $node = new_node('predicted', allows_streaming => 1);
$node->start;
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;

# Customers who come at random, each at his own rate, until he has had enough.
my $shop = q{
	CREATE SCHEMA scoring;
	CREATE EXTENSION customer_scoring SCHEMA scoring;
	CREATE FUNCTION u(c int, k int) RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
	$$SELECT ((hashint8extended(c::bigint * 1000 + k, 42) & 1073741823) + 0.5) / 1073741824.0$$;
	CREATE TABLE visits AS
	SELECT c AS customer_id, date '2024-01-01' + floor(at)::int AS ordered_on, round((base * exp(0.6 * (u(c, 700 + k) + u(c, 800 + k) - 1)))::numeric, 2) AS total
	  FROM (SELECT c, k, base, 300 * u(c, 1) + sum(CASE WHEN k = 0 THEN 0 ELSE -ln(u(c, 100 + k)) / rate END) OVER (PARTITION BY c ORDER BY k) AS at,
	               max(CASE WHEN u(c, 400 + k) < leaves THEN 1 ELSE 0 END) OVER (PARTITION BY c ORDER BY k ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS gone
	          FROM (SELECT c, -ln(u(c, 2) * u(c, 3)) / 100 AS rate, 1 - pow(1 - u(c, 4), 0.5) AS leaves, 20 / (-ln(u(c, 5) * u(c, 6) * u(c, 7))) AS base
	                  FROM generate_series(1, CUSTOMERS) AS c) AS c CROSS JOIN generate_series(0, 20) AS k) AS v
	 WHERE coalesce(gone, 0) = 0 AND at < 760;
	ANALYZE visits;
};
$node->safe_psql('postgres', $shop =~ s/CUSTOMERS/600/r . q{
	SELECT scoring.create_model('m', 'public.visits', as_of => '2025-12-31', customer => 'customer_id', day => 'ordered_on', value => 'total', live => true,
		prediction => 'mbgnbd', segment_map => 'predictive');
	SELECT scoring.check_prediction('m', '2025-07-01');
	SELECT scoring.alter_model('m', margin => 0.4);
	SELECT scoring.calibrate_model('m');
	INSERT INTO visits VALUES (5, '2025-12-30', 100)});
my @offers = grep { !/retention$/ } offers($node, 'postgres', 'm');
my $answers = sub { my ($n, $database) = @_; return digests($n, $database, 'postgres', @offers); };
my $expected = $answers->($node, 'postgres');
like($expected, qr/^m\.$_ [1-9]/m, "$_ has rows") for qw(customer_scores prediction_fits prediction_matrix prediction_calibration prediction_by_segment weights prediction_check prediction_by_frequency prediction_tracking);
is($node->safe_psql('postgres', 'SELECT count(*) = count(clv_score) AND count(DISTINCT segment) > 3 FROM m.customer_scores'), 't', 'everybody is predicted');

$node->wait_for_catchup($standby);
is($answers->($standby, 'postgres'), $expected, 'a standby says the same');
like(($standby->psql('postgres', q{SELECT scoring.check_prediction('m')}))[2], qr/read-only transaction|recovery/, 'and checks nothing');

# to_jsonb(t) of model_status has the time of the reading, which is in the dump, too
my $dump = $node->basedir . '/dump';
$node->command_ok([ 'pg_dump', '-Fc', '-f', $dump, $node->connstr('postgres') ], 'pg_dump');
$node->safe_psql('postgres', 'CREATE DATABASE restored');
$node->command_ok([ 'pg_restore', '--exit-on-error', '-d', $node->connstr('restored'), $dump ], 'pg_restore');
is($answers->($node, 'restored'), $expected, 'a restored model says the same');
is($node->safe_psql('restored', q{SELECT string_agg(item, ' ') FROM scoring.calibrate_model('m') WHERE item LIKE 'prediction%'}), 'prediction of orders prediction of spend', 'and is fitted again, with the order that came since');
is($node->safe_psql('restored', q{SELECT count(*) FROM scoring.check_prediction('m')}), '6', 'and checked');

# Somebody reads while the family changes: before or after, never between.
my $reader = open_session($node, 'restored', 'postgres');
$reader->ask('BEGIN; SELECT count(churn_probability) FROM m.customer_scores;');
my $writer = open_session($node, 'restored', 'postgres');
$writer->send(q{SELECT count(*) FROM scoring.alter_model('m', prediction => 'paretonbd');});
is($reader->ask('SELECT DISTINCT family FROM m.prediction_fits WHERE fit = $$orders$$;'), 'mbgnbd', 'while another family is fitted, the old one answers');
$reader->ask('COMMIT;');
$writer->answer;
is($reader->ask('SELECT DISTINCT family FROM m.prediction_fits WHERE fit = $$orders$$;'), 'paretonbd', 'then the new one');
$_->close for $reader, $writer;

# Cancelled in the middle of the fits: at once, and nothing is left.
$node->safe_psql('postgres', 'CREATE DATABASE large');
$node->safe_psql('large', $shop =~ s/CUSTOMERS/10000/r);
my $create = q{SELECT count(*) FROM scoring.create_model('m', 'public.visits', as_of => '2025-12-31', customer => 'customer_id', day => 'ordered_on', value => 'total', prediction => 'paretonbd');};
# by the processor time of the server process, which no load of the machine changes
sub processor_time
{
	my ($pid) = @_;
	my @stat = split / /, slurp_file("/proc/$pid/stat") =~ s/^.*\) //sr;
	return ($stat[11] + $stat[12]) / POSIX::sysconf(POSIX::_SC_CLK_TCK());
}
my $session = open_session($node, 'large', 'postgres');
# there already: a psql that only starts can come too late on a loaded machine
my $canceller = open_session($node, 'large', 'postgres');
# the first time takes longer, for the caches of the session are empty
$session->ask("BEGIN; $create ROLLBACK;");
my $before = processor_time($session->{pid});
$session->ask("BEGIN; $create ROLLBACK;");
my $whole = processor_time($session->{pid}) - $before;
my $slowest = 0;
my $cancelled = 0;
for my $part (0.3, 0.5, 0.7, 0.9)
{
	my $until = processor_time($session->{pid}) + $part * $whole;
	$session->send($create);
	usleep(10_000) until $session->is_done || processor_time($session->{pid}) >= $until;
	my $asked = processor_time($session->{pid});
	$canceller->ask("SELECT pg_cancel_backend($session->{pid});");
	my ($out, $err) = $session->answer;
	my $took = processor_time($session->{pid}) - $asked;
	if ($err =~ /canceling statement due to user request/)
	{
		$slowest = $took if $took > $slowest;
		$cancelled++;
		is($session->ask(q{SELECT to_regnamespace('m') IS NULL;}), 't', sprintf('cancelled after %d %%: nothing is left', 100 * $part));
	}
	else
	{
		$session->ask(q{SELECT count(*) FROM scoring.drop_model('m');});
	}
}
$_->close for $session, $canceller;
cmp_ok($cancelled, '>=', 2, "$cancelled of 4 were cancelled");
note sprintf('create_model with prediction of 10,000 customers: %.1f s of processor time; from the cancel to the end %.2f s at most', $whole, $slowest);
cmp_ok($slowest, '<', 1.5, 'at once');
$standby->stop;

# pg_upgrade
$node->safe_psql('postgres', "DROP DATABASE $_") for qw(restored large);
$expected = $answers->($node, 'postgres');
$node->stop;
my $new = new_node('new');
upgrade_node($node, $new);
is($answers->($new, 'postgres'), $expected, 'after pg_upgrade the model says the same');
is($new->safe_psql('postgres', q{SELECT count(*) FROM scoring.check_prediction('m')}), '6', 'and is checked');

done_testing();
