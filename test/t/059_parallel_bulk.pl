# score_customers, histories and models by parallel workers: which sources are split, how many
# workers there are, what happens when one is killed, cancelled, out of time or has no memory.
use strict;
use warnings;
use ScoringCluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time usleep);

my $node = new_node('parallel_bulk', allows_streaming => 1);
# every worker that is planned is there, whatever its predecessors still do
$node->append_conf('postgresql.conf', "shared_buffers = 32MB\nautovacuum = off\nmax_worker_processes = 32\nmax_parallel_workers = 32\nrestart_after_crash = on\n");
$node->start;
$node->safe_psql('postgres', q{
	CREATE SCHEMA scoring; CREATE EXTENSION customer_scoring SCHEMA scoring;
	CREATE TABLE orders AS
	SELECT ((i * 7919::bigint) % 100000)::int AS customer_id, date '2023-01-01' + (i * 31 % 1000)::int AS ordered_on,
	       (i % 9973)::numeric / 100 AS total
	FROM generate_series(1, 600000) i;
	CREATE TABLE few AS SELECT * FROM orders LIMIT 1000;
	CREATE FUNCTION unsafe(i int) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN i; END';
	CREATE FUNCTION restricted(i int) RETURNS int LANGUAGE plpgsql STABLE PARALLEL RESTRICTED AS 'BEGIN RETURN i; END';
	CREATE FUNCTION waits(i int) RETURNS int LANGUAGE plpgsql STABLE PARALLEL SAFE AS
	'BEGIN IF i = 77 THEN PERFORM pg_sleep(0.05); END IF; RETURN i; END';
	CREATE FUNCTION tells(i int) RETURNS int LANGUAGE plpgsql STABLE PARALLEL SAFE AS
	$$BEGIN IF i = 77 THEN RAISE NOTICE 'customer seen'; END IF; RETURN i; END$$;
	-- subtransactions are unsafe
	CREATE FUNCTION traps(i int) RETURNS int LANGUAGE plpgsql STABLE AS
	$$BEGIN BEGIN RETURN 1 / (i % 2) + i; EXCEPTION WHEN division_by_zero THEN RETURN i; END; END$$;
	CREATE COLLATION any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
	VACUUM ANALYZE});

my $two = 'SET max_parallel_workers_per_gather = 2; ';
my $alone = 'SET max_parallel_workers_per_gather = 0; ';
my $score = q{scoring.score_customers('orders', NULL::int, '2025-12-31')};
my $histories = q{scoring.histories('orders', NULL::int)};
my $active = q{scoring.score_customers('orders', NULL::int, '2025-12-31', frequency => 'active_days')};

# How many workers a call had, of a source that is counted
sub workers
{
	my ($call, $settings) = @_;
	my ($rc, $out, $err) = $node->psql('postgres', "$two $settings SET client_min_messages = debug1; SELECT count(*) FROM $call t");
	my ($workers) = $err =~ /has read \d+ rows of the source with (\d+) parallel workers?/;
	return $workers // "none, $err";
}
sub workers_of { return workers("scoring.histories('" . ($_[0] =~ s/'/''/gr) . "', NULL::$_[1])", $_[2] // '') }

# ---- who is read by workers ----

is(workers($_, ''), 2, "two workers: $_") for $score, $histories, $active;
is(workers($score, 'SET max_parallel_workers_per_gather = 4; ALTER TABLE orders SET (parallel_workers = 4);'), 4, 'parallel_workers of the table');
is(workers($score, 'ALTER TABLE orders RESET (parallel_workers); SET max_parallel_workers = 1;'), 1, 'max_parallel_workers = 1');
is(workers($score, 'SET max_parallel_workers = 0;'), 0, 'max_parallel_workers = 0');
is(workers($score, 'SET max_parallel_workers_per_gather = 0;'), 0, 'max_parallel_workers_per_gather = 0');
is(workers($score, q{SET min_parallel_table_scan_size = '1GB';}), 0, 'a table below min_parallel_table_scan_size');
is(workers($score, q{SET parallel_leader_participation = off;}), 2, 'without the leader');
is(workers($score, q{BEGIN TRANSACTION READ ONLY;}), 2, 'in a transaction that only reads');
is(workers($score, q{BEGIN ISOLATION LEVEL SERIALIZABLE;}), 2, 'in a serializable one');
is(workers($score, q{BEGIN; INSERT INTO few VALUES (1, '2024-01-01', 1);}), 2, 'after writing');

my $eager = 'SET parallel_setup_cost = 0; SET min_parallel_table_scan_size = 0;';
for my $case (
	[ 2, 'SELECT customer_id, ordered_on, total FROM orders WHERE total > 5', 'int', 'a condition' ],
	[ 2, 'SELECT customer_id, ordered_on, round(total * 1.2, 2) FROM orders', 'int', 'expressions' ],
	[ 2, 'SELECT customer_id, ordered_on, 1 FROM orders', 'int', 'a constant' ],
	[ 2, "SELECT customer_id || 'x', ordered_on, 1 FROM orders", 'text', 'text' ],
	[ 2, 'SELECT md5(customer_id::text)::uuid, ordered_on, 1 FROM orders', 'uuid', 'uuid' ],
	[ 2, 'SELECT customer_id, ordered_on, total FROM few UNION ALL SELECT customer_id, ordered_on, total FROM orders', 'int', 'UNION ALL' ],
	[ 2, 'SELECT f.customer_id, o.ordered_on, o.total FROM few f JOIN orders o USING (customer_id)', 'int', 'a join' ],
	[ 0, 'SELECT unsafe(customer_id), ordered_on, total FROM orders', 'int', 'an unsafe function' ],
	[ 0, 'SELECT restricted(customer_id), ordered_on, total FROM orders', 'int', 'a restricted function' ],
	[ 0, 'SELECT customer_id::numeric, ordered_on, total FROM orders', 'numeric', 'keys that are equal and look different' ],
	[ 0, 'SELECT customer_id::text COLLATE any_case, ordered_on, total FROM orders', 'text', 'keys that are equal by a collation' ],
	[ 0, "SELECT rpad(customer_id::text, 9)::bpchar, ordered_on, total FROM orders", 'bpchar', 'keys with blanks at their end' ],
	[ 0, 'SELECT customer_id, ordered_on, total FROM orders ORDER BY total', 'int', 'ORDER BY' ],
	[ 0, 'SELECT customer_id, ordered_on, total FROM orders LIMIT 1000', 'int', 'LIMIT' ],
	[ 0, 'SELECT customer_id, ordered_on, sum(total) FROM orders GROUP BY 1, 2', 'int', 'GROUP BY' ],
	[ 0, 'SELECT DISTINCT customer_id, ordered_on, total FROM orders', 'int', 'DISTINCT' ],
	[ 0, 'SELECT g, current_date, 1 FROM generate_series(1, 100000) g', 'int', 'a function' ])
{
	my ($expected, $source, $type, $what) = @$case;
	is(workers_of($source, $type, $eager), $expected, "$expected workers: $what");
	my $digest = rows_digest("scoring.histories('" . ($source =~ s/'/''/gr) . "', NULL::$type)");
	next if $what eq 'LIMIT';
	is($node->safe_psql('postgres', "$two $eager $digest"), $node->safe_psql('postgres', "$alone $digest"), "the same rows: $what");
}
is(workers($histories, "CREATE TEMPORARY TABLE orders AS TABLE public.orders; $eager"), 0, 'a temporary table');

# ---- where they are asked ----

my $expected = $node->safe_psql('postgres', $alone . rows_digest($score));
is($node->safe_psql('postgres', $two . rows_digest($score)), $expected, 'the same rows');
is($node->safe_psql('postgres', "$two SELECT count(*) FROM (SELECT * FROM $score LIMIT 3) t"), '3', 'LIMIT on the function');
is($node->safe_psql('postgres', "$two BEGIN; DECLARE c CURSOR FOR SELECT customer_id FROM $score ORDER BY 1; FETCH 2 FROM c; FETCH 1 FROM c; ROLLBACK"),
	"0\n1\n2", 'a cursor');
is($node->safe_psql('postgres', "$two PREPARE p AS SELECT count(*) FROM $score; " . 'EXECUTE p; ' x 7), join("\n", ('100000') x 7), 'a prepared statement');
is($node->safe_psql('postgres', "$two SELECT (SELECT count(*) FROM $score), (SELECT count(*) FROM $histories)"), '100000|100000', 'twice in one statement');
is($node->safe_psql('postgres', q{SET max_parallel_workers_per_gather = 2; SELECT count(*) FROM
	scoring.score_customers('SELECT customer_id, ''2024-01-01''::date, monetary FROM scoring.score_customers(''orders'', NULL::int, ''2025-12-31'')', '2025-12-31')}),
	'100000', 'a source that asks the same');
is($node->safe_psql('postgres', q{SET max_parallel_workers_per_gather = 2; SELECT count(*) FROM generate_series(1, 3) g,
	LATERAL scoring.histories('SELECT customer_id, ordered_on, total FROM orders WHERE customer_id % 3 + 1 = ' || g, NULL::int)}),
	'100000', 'once a row');
# a function that lies about itself: asked by workers, it is asked alone
$node->safe_psql('postgres', q{
	CREATE FUNCTION liar(int) RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE AS
	$$ SELECT count(*) FROM scoring.histories('SELECT customer_id, ordered_on, total FROM orders WHERE customer_id < 10', NULL::int) $$});
is($node->safe_psql('postgres', "$two $eager SELECT count(*), sum(liar(customer_id)) FROM (SELECT customer_id FROM few LIMIT 5) f"), '5|50', 'a liar');
is($node->safe_psql('postgres', "$two $eager SET parallel_leader_participation = off; ALTER TABLE few SET (parallel_workers = 2);"
		. 'SELECT count(*) FROM few WHERE customer_id % 200 = 7 AND liar(customer_id) = 10'), $node->safe_psql('postgres', 'SELECT count(*) FROM few WHERE customer_id % 200 = 7'),
	'a liar in workers');
my $writes = q{CREATE TABLE made AS SELECT * FROM scoring.score_customers('orders', NULL::int, '2025-12-31')};
is($node->safe_psql('postgres', "$two BEGIN; INSERT INTO orders SELECT -1, '2024-01-01', 5; SAVEPOINT s; INSERT INTO orders SELECT -2, '2024-01-01', 5;"
		. " $writes; ROLLBACK TO s; $writes; SELECT count(*) FROM made; ROLLBACK"), '100001', 'rows of the own transaction');
is($node->safe_psql('postgres', "$two $eager " . rows_digest(q{scoring.histories('SELECT traps(customer_id), ordered_on, total FROM orders WHERE customer_id < 5000', NULL::int)})),
	$node->safe_psql('postgres', $alone . rows_digest(q{scoring.histories('SELECT traps(customer_id), ordered_on, total FROM orders WHERE customer_id < 5000', NULL::int)})),
	'subtransactions in the source');
# row-level security and settings are those of the caller
is($node->safe_psql('postgres', q{
	CREATE ROLE reader; GRANT USAGE ON SCHEMA scoring TO reader; GRANT SELECT ON orders TO reader;
	CREATE POLICY own ON orders TO reader USING (customer_id < current_setting('shop.below')::int);
	ALTER TABLE orders ENABLE ROW LEVEL SECURITY;
	SET max_parallel_workers_per_gather = 2; SET ROLE reader; SET shop.below = 100; SELECT count(*) FROM } . $score), '100', 'row-level security');
$node->safe_psql('postgres', 'ALTER TABLE orders DISABLE ROW LEVEL SECURITY');
# notices of workers arrive
my ($rc, $out, $err) = $node->psql('postgres', "$two $eager SELECT count(*) FROM scoring.histories('SELECT tells(customer_id), ordered_on, total FROM orders', NULL::int)");
is(() = $err =~ /customer seen/g, 6, 'notices of the source');

# ---- models ----

my $create = q{SELECT count(*) > 0 FROM scoring.create_model('%s', 'public.orders', customer => 'customer_id', day => 'ordered_on', value => 'total',
	as_of => '2025-12-31');};
my $differing = 'SELECT count(*) FROM ((TABLE by_one.customer_scores EXCEPT TABLE by_two.customer_scores) UNION ALL (TABLE by_two.customer_scores EXCEPT TABLE by_one.customer_scores)) d;';
for my $step ([ 'create_model', $create ], [ 'refresh_model', "UPDATE orders SET total = total + 1 WHERE customer_id % 100 = 7; SELECT count(*) > 0 FROM scoring.refresh_model('%s');" ])
{
	my ($name, $sql) = @$step;
	$node->safe_psql('postgres', $alone . sprintf($sql, 'by_one'));
	(undef, undef, $err) = $node->psql('postgres', "$two SET client_min_messages = debug1; " . sprintf($sql =~ s/UPDATE.*?;//r, 'by_two'));
	like($err, qr/source_histories has read 600000 rows of the source with 2 parallel workers/, "$name has workers");
	is($node->safe_psql('postgres', "SELECT count(*) FROM by_two.customer_scores; $differing"), "100000\n0", "$name: the same model");
}

# ---- what goes wrong ----

# A session that stays; what it says when it ends.
sub session
{
	my %s = (in => '', out => '', err => '');
	$s{run} = IPC::Run::start([ 'psql', '-X', '-At', '-d', $node->connstr('postgres') ], '<', \$s{in}, '>', \$s{out}, '2>', \$s{err}, IPC::Run::timeout(180));
	return \%s;
}
my $slow = q{scoring.score_customers('SELECT waits(customer_id), ordered_on, total FROM orders', NULL::int, '2025-12-31')};
my $alive = q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'parallel worker'};
sub wait_for_workers
{
	my ($count) = @_;
	for (1 .. 600)
	{
		return 1 if $node->safe_psql('postgres', $alive) eq $count;
		usleep(50_000);
	}
	return 0;
}

# cancelled: at once, and the workers with it
my $s = session();
$s->{in} .= "$two $eager SELECT pg_backend_pid();\n";
$s->{run}->pump until $s->{out} =~ /(\d+)\n/;
my $pid = $1;
$s->{in} .= "SELECT count(*) FROM scoring.histories('SELECT waits(77), ordered_on, total FROM orders', NULL::int);\n";
$s->{run}->pump_nb;
ok(wait_for_workers(2), 'two workers are at it');
my $start = time;
$node->safe_psql('postgres', "SELECT pg_cancel_backend($pid)");
$s->{run}->pump until $s->{err} =~ /canceling statement due to user request/;
cmp_ok(time - $start, '<', 10, 'cancelled at once');
ok(wait_for_workers(0), 'and no worker is left');
# a worker is terminated: an error of the statement alone
$s->{err} = '';
$s->{in} .= "SELECT count(*) FROM scoring.histories('SELECT waits(77), ordered_on, total FROM orders', NULL::int);\n";
$s->{run}->pump_nb;
ok(wait_for_workers(2), 'two workers again');
$node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'parallel worker' LIMIT 1});
$s->{run}->pump until $s->{err} =~ /\n/;
like($s->{err}, qr/lost connection to parallel worker|terminating (background|parallel) worker/, 'a worker was terminated');
ok(wait_for_workers(0), 'and no worker is left');
$s->{out} = '';
$s->{in} .= "SELECT count(*) FROM $score;\n\\q\n";
$s->{run}->finish;
like($s->{out}, qr/^100000$/m, 'the session goes on');

# statement_timeout, by a sweep
my ($timed_out, $slowest) = (0, 0);
for my $ms (map { 40 * $_ } 1 .. 6)
{
	for my $call ($score, $histories, $active)
	{
		for my $memory ('64kB', '64MB')
		{
			my $began = time;
			my (undef, undef, $error) = $node->psql('postgres', "$two SET work_mem = '$memory'; SET statement_timeout = $ms; SELECT count(*) FROM $call t");
			my $took = time - $began - $ms / 1000;
			next unless $error =~ /canceling statement due to statement timeout/;
			$timed_out++;
			$slowest = $took if $took > $slowest;
		}
	}
}
cmp_ok($timed_out, '>', 10, "$timed_out calls out of time in the middle");
cmp_ok($slowest, '<', 5, sprintf('each at once (slowest %.2f s, connecting included)', $slowest));
ok(wait_for_workers(0), 'and no worker is left');

# an error in a worker, caught again and again in one transaction: nothing piles up
is($node->safe_psql('postgres', $two . $eager . q{
	DO $$
	DECLARE
		caught int := 0;
		before bigint;
	BEGIN
		FOR i IN 1 .. 30 LOOP
			BEGIN
				PERFORM * FROM scoring.histories('SELECT customer_id, ordered_on, total / (customer_id - 99999) FROM orders', NULL::int);
			EXCEPTION WHEN OTHERS THEN
				caught := caught + 1;
			END;
			IF i = 5 THEN before := (SELECT sum(used_bytes) FROM pg_backend_memory_contexts); END IF;
		END LOOP;
		RAISE NOTICE 'caught %', caught;
		IF (SELECT sum(used_bytes) FROM pg_backend_memory_contexts) > before + 1000000 THEN
			RAISE EXCEPTION 'memory is left';
		END IF;
		IF (SELECT count(*) FROM scoring.score_customers('orders', NULL::int, '2025-12-31')) <> 100000 THEN
			RAISE EXCEPTION 'another answer';
		END IF;
	END $$; SELECT 1}), '1', 'errors that are caught');
is($node->safe_psql('postgres', 'SELECT count(*) FROM pg_ls_tmpdir()'), '0', 'no temporary file is left');

# ---- memory: what a worker has for 100,000 customers is within its budget ----

my $pause = q{SELECT CASE WHEN customer_id = 99999 AND ordered_on > '2025-09-20' THEN waits(77) ELSE customer_id END, ordered_on, total FROM orders};
sub peaks
{
	my ($source, $memory) = @_;
	my $session = session();
	$session->{in} .= "$two SET parallel_leader_participation = off; SET work_mem = '$memory';\n"
	  . "SELECT count(*) FROM scoring.histories('" . ($source =~ s/'/''/gr) . "', NULL::int), pg_sleep(0);\n\\q\n";
	my %peak;
	while ($session->{run}->pumpable)
	{
		$session->{run}->pump_nb;
		for my $worker (split /\n/, `ps -e -o pid=,args= | grep 'parallel worker for PID' | grep -v grep`)
		{
			my ($pid) = $worker =~ /(\d+)/;
			my $status = eval { slurp_file("/proc/$pid/status") } // '';
			my ($anonymous) = $status =~ /RssAnon:\s+(\d+) kB/;
			$peak{$pid} = $anonymous if $anonymous && $anonymous > ($peak{$pid} // 0);
		}
		last if $session->{out} =~ /\n/;
		usleep(3_000);
	}
	$session->{run}->finish;
	return (sort { $b <=> $a } values %peak)[0] // 0;
}
my $few = peaks('SELECT customer_id % 10, ordered_on, total FROM orders', '1MB');
my $many = peaks('SELECT customer_id, ordered_on, total FROM orders', '1MB');
cmp_ok($few, '>', 0, "a worker for ten customers was seen, with $few kB");
cmp_ok($many - $few, '<', 6 * 1024, 'a worker has ' . ($many - $few) . ' kB more for 100,000 customers than for ten, at work_mem = 1MB');

# ---- a worker is killed: the server restarts ----

$s = session();
$s->{in} .= "$two $eager SELECT count(*) FROM scoring.histories('SELECT waits(77), ordered_on, total FROM orders', NULL::int);\n";
$s->{run}->pump_nb;
ok(wait_for_workers(2), 'two workers once more');
my $victim = $node->safe_psql('postgres', q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'parallel worker' LIMIT 1});
kill_backend($node, $victim, sub { $s->{run}->finish });
like($s->{err}, qr/terminating connection because of crash of another server process|server closed the connection/, 'killed: the usual message');
is($node->safe_psql('postgres', $two . rows_digest($score)), $node->safe_psql('postgres', $alone . rows_digest($score)), 'and all is as before');

# ---- a standby ----

$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby);
(undef, $out, $err) = $standby->psql('postgres', "$two SET client_min_messages = debug1; " . rows_digest($score));
like($err, qr/with 2 parallel workers/, 'two workers on a standby');
is($out, $node->safe_psql('postgres', $alone . rows_digest($score)), 'the same rows');

done_testing();
