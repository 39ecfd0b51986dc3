# score_customers and histories past memory: files, limits, cancel, memory held.
use strict;
use warnings;
use ScoringCluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $node = new_node('bulk');
$node->append_conf('postgresql.conf', "shared_buffers = 16MB\nautovacuum = off\n");
$node->start;
$node->safe_psql('postgres', q{
	CREATE SCHEMA scoring; CREATE EXTENSION customer_scoring SCHEMA scoring;
	CREATE TABLE orders AS
	SELECT ((i * 7919::bigint) % 300000)::int AS customer_id, date '2023-01-01' + (i * 31 % 1000)::int AS ordered_on,
	       (i % 9973)::numeric / 100 AS total
	FROM generate_series(1, 600000) i;
	-- a fifth of the customers, where answers are compared: more than any work_mem below
	CREATE TABLE fewer AS SELECT * FROM orders WHERE customer_id < 60000;
	CREATE TABLE calendar AS SELECT date '2023-01-01' + i AS d FROM generate_series(1, 400) i});

my $score = q{scoring.score_customers('orders', NULL::int, '2025-12-31')};
my $histories = q{scoring.histories('orders', NULL::int)};
my @calls = ($score, $histories, q{scoring.score_customers('orders', NULL::int, '2025-12-31', frequency => 'active_days')});
my $temporary = q{SELECT count(*) FROM pg_ls_tmpdir()};

# The same answer, whatever memory there is.
for my $call (@calls)
{
	my $digest = rows_digest($call =~ s/'orders'/'fewer'/r);
	my $large = $node->safe_psql('postgres', "SET work_mem = '256MB'; $digest");
	is($node->safe_psql('postgres', "SET work_mem = '$_'; $digest"), $large, "the same with work_mem = $_: $call") for '64kB', '256kB', '1MB';
	is($node->safe_psql('postgres', q{SET work_mem = '64kB'; SET hash_mem_multiplier = 1;} . $digest), $large, "and with as little as can be set: $call");
}
is($node->safe_psql('postgres', $temporary), '0', 'no temporary file is left');

# Text keys, long ones, and one customer with everything.
for my $key (q{''customer '' || customer_id}, q{repeat(md5(customer_id::text), 20)}, q{1})
{
	my $digest = rows_digest("scoring.score_customers('SELECT $key, ordered_on, total FROM fewer', '2025-12-31')");
	my $large = $node->safe_psql('postgres', "SET work_mem = '256MB'; $digest");
	is($node->safe_psql('postgres', "SET work_mem = '256kB'; $digest"), $large, "the same past memory, customers are $key");
}

# What the process holds for 300,000 customers beyond what it holds for ten: the
# 2 MB of work_mem * hash_mem_multiplier, and buffers. In memory it would be 20 MB
# and more.
sub peak
{
	my ($query) = @_;
	my ($in, $out, $err) = ('', '', '');
	my $session = IPC::Run::start([ 'psql', '-X', '-At', '-d', $node->connstr('postgres') ], '<', \$in, '>', \$out, '2>', \$err, IPC::Run::timeout(180));
	$in .= "SELECT pg_backend_pid();\n";
	$session->pump until $out =~ /(\d+)\n/;
	my $pid = $1;
	$in .= "SET jit = off; SET work_mem = '1MB'; SELECT count(*) FROM orders; $query;\n\\echo done\n";
	$session->pump until $out =~ /done\n/;
	my ($peak) = slurp_file("/proc/$pid/status") =~ /VmHWM:\s+(\d+) kB/;
	$in .= "\\q\n";
	$session->finish;
	return $peak;
}
for my $call (@calls)
{
	my $few = $call =~ s/'orders'/'SELECT customer_id % 10, ordered_on, total FROM orders'/r;
	my $more = peak("SELECT count(*) FROM $call t") - peak("SELECT count(*) FROM $few t");
	cmp_ok($more, '<', 8 * 1024, "$call: $more kB more for 300,000 customers than for 10 at work_mem = 1MB");
}

# Histories that grow when all customers are known, and keys of more than a line.
for my $case ([ 'histories that grow', "scoring.histories('SELECT c, d, 9.5 FROM calendar, generate_series(1, 10000) c ORDER BY 2', NULL::int)" ],
	[ 'long keys', "scoring.score_customers('SELECT repeat(''x'', 200) || customer_id % 10, ordered_on, total / 7::float8 FROM orders', '2025-12-31')" ])
{
	my ($name, $call) = @$case;
	my $more = peak("SELECT count(*) FROM $call t") - peak("SELECT count(*) FROM scoring.histories('SELECT customer_id % 10, ordered_on, total FROM orders', NULL::int) t");
	cmp_ok($more, '<', 8 * 1024, "$name: $more kB more at work_mem = 1MB");
}

# A limit on temporary files is an ordinary error that leaves nothing behind.
for my $call (@calls)
{
	my ($rc, $out, $err) = $node->psql('postgres', "SET work_mem = '64kB'; SET temp_file_limit = '1MB'; SELECT count(*) FROM $call t");
	like($err, qr/temporary file size exceeds "?temp_file_limit"?/, "temp_file_limit: $call");
}
is($node->safe_psql('postgres', $temporary), '0', 'no temporary file is left by them');

# Cancelled at any moment, by a sweep of time-outs, with files or without.
for my $work_mem ('64kB', '256MB')
{
	my $slowest = 0;
	my $cancelled = 0;
	for my $ms (map { 15 * $_ } 1 .. 12)
	{
		for my $call (@calls)
		{
			my $start = time;
			my ($rc, $out, $err) = $node->psql('postgres', "SET work_mem = '$work_mem'; SET statement_timeout = $ms; SELECT count(*) FROM $call t");
			my $took = time - $start - $ms / 1000;
			next unless $err =~ /canceling statement/;
			$cancelled++;
			$slowest = $took if $took > $slowest;
		}
	}
	cmp_ok($cancelled, '>', 10, "work_mem = $work_mem: $cancelled calls cancelled in the middle");
	cmp_ok($slowest, '<', 5, sprintf('each at once (slowest %.2f s, connecting included)', $slowest));
}
is($node->safe_psql('postgres', $temporary), '0', 'no temporary file is left by any');
is($node->safe_psql('postgres', "SELECT count(*) FROM $score t"), '300000', 'and the next call is complete');

done_testing();
