# Two live models over one source, and TRUNCATE beside readers: who waits for
# whom, and that nobody deadlocks.
use strict;
use warnings;
use ScoringCluster;
use ModelCluster;
use Test::More;

my $node = new_node('live_locks');
$node->append_conf('postgresql.conf', "deadlock_timeout = '200ms'");
$node->start;
make_roles($node, 'app');
$node->safe_psql('postgres', q{
	CREATE SCHEMA scoring; CREATE EXTENSION customer_scoring SCHEMA scoring; GRANT USAGE ON SCHEMA scoring TO shopowner;
	GRANT CREATE ON DATABASE postgres TO shopowner;
	CREATE SCHEMA crm AUTHORIZATION shopowner; GRANT USAGE ON SCHEMA crm TO app;
	SET ROLE shopowner;
	CREATE TABLE crm.orders (customer text, day date, total numeric);
	GRANT ALL ON crm.orders TO app;
	INSERT INTO crm.orders SELECT 'K' || i % 20, '2025-01-01', i FROM generate_series(1, 100) AS i;
	SELECT scoring.create_model(m, 'crm.orders', customer => 'customer', day => 'day', value => 'total', as_of => '2025-12-31', live => true) FROM unnest('{a,b}'::text[]) AS m;
	SELECT scoring.grant_reader('a', 'app');
	CREATE VIEW crm.waits AS SELECT count(*) AS n FROM pg_locks WHERE NOT granted;
	GRANT SELECT ON crm.waits TO app;
});

# Both calls at once: somebody holds the source until both wait for it.
sub both
{
	my ($what, @calls) = @_;
	my @sessions = map { open_session($node, 'postgres', 'shopowner') } 0 .. @calls;
	my $holder = pop @sessions;
	$holder->ask('BEGIN; LOCK TABLE crm.orders IN ACCESS EXCLUSIVE MODE;');
	$sessions[$_]->send("SELECT count(*) >= 0 FROM scoring.$calls[$_];") for 0 .. $#calls;
	ok($node->poll_query_until('postgres', 'SELECT n = ' . @calls . ' FROM crm.waits'), "$what: all wait for the source");
	$holder->ask('COMMIT;');
	for my $i (0 .. $#calls)
	{
		my ($out, $err) = $sessions[$i]->answer;
		is("$out$err", 't', "$what: $calls[$i]");
	}
	return;
}
both('altered', map { "alter_model('$_', on_error => 'raise')" } 'a', 'b');
both('altered back', map { "alter_model('$_', on_error => 'reject')" } 'a', 'b');
both('one altered, one refreshed', q{alter_model('a', value => 'total')}, q{refresh_model('b')});
$node->safe_psql('postgres', 'ALTER TABLE crm.orders DISABLE TRIGGER USER');
both('refreshed while triggers are off', map { "refresh_model('$_')" } 'a', 'b');
both('no longer live, and again', q{alter_model('a', live => false)}, q{alter_model('b', on_error => 'raise')});
both('live again', q{alter_model('a', live => true)}, q{alter_model('b', on_error => 'reject')});
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_trigger WHERE tgrelid = 'crm.orders'::regclass AND tgenabled = 'O' AND NOT tgisinternal}), '8', 'all triggers are there');
is(scalar run_as($node, 'postgres', 'shopowner', q{SELECT status FROM a.model_status UNION ALL SELECT status FROM b.model_status}), "ok\nok", 'and both models are well');

# Readers of the source are not kept away while triggers are made
my ($reader, $worker, $writer) = map { open_session($node, 'postgres', $_) } 'app', 'shopowner', 'app';
$reader->ask('BEGIN; SELECT count(*) FROM crm.orders;');
is(scalar $worker->ask(q{SELECT count(*) > 0 FROM scoring.alter_model('a', on_error => 'raise');}), 't', 'alter_model waits for no reader of the source');
$reader->ask('COMMIT;');

# TRUNCATE, and somebody who reads a model and then writes the source
$reader->ask('BEGIN; SELECT count(*) FROM a.customer_scores;');
is(scalar $writer->ask('BEGIN; TRUNCATE crm.orders; SELECT 1;'), '1', 'TRUNCATE waits for no reader of a model');
$reader->send(q{INSERT INTO crm.orders VALUES ('new', '2025-05-05', 5); COMMIT; SELECT 2;});
ok($node->poll_query_until('postgres', 'SELECT n = 1 FROM crm.waits'), 'who writes waits for it');
$writer->ask('COMMIT;');
is(join('', $reader->answer), '2', 'and is no victim of a deadlock');
for my $model ('a', 'b')
{
	is(scalar run_as($node, 'postgres', 'shopowner', "SELECT string_agg(customer_key, ',') FROM $model.customer_scores"), 'new', "model $model was emptied before");
	is(scalar run_as($node, 'postgres', 'shopowner', "SELECT * FROM scoring.check_model('$model')"), '', 'and holds what the source has');
}
# also while somebody folds, and at REPEATABLE READ, where it is done at once
$worker->ask(q{BEGIN; SELECT status FROM scoring.apply_changes('a');});
$writer->send('TRUNCATE crm.orders; SELECT 3;');
ok($node->poll_query_until('postgres', 'SELECT n > 0 FROM crm.waits'), 'TRUNCATE waits for who folds');
$worker->ask('COMMIT;');
is(join('', $writer->answer), '3', 'and is done then');
is(scalar run_as($node, 'postgres', 'shopowner', q{SELECT * FROM scoring.check_model('a'); SELECT count(*) FROM a.customer_histories}), '0', 'nothing of what was folded is left');
run_as($node, 'postgres', 'app', q{INSERT INTO crm.orders VALUES ('x', '2025-05-05', 5)});
$writer->ask('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1;');
run_as($node, 'postgres', 'app', q{INSERT INTO crm.orders VALUES ('y', '2025-05-05', 5)});
$writer->ask('TRUNCATE crm.orders; COMMIT;');
is(scalar run_as($node, 'postgres', 'shopowner', q{SELECT * FROM scoring.check_model('a'); SELECT (SELECT count(*) FROM a.customer_scores)}), '0', 'TRUNCATE at REPEATABLE READ empties all of it');

# TRUNCATE takes a partitioned source before its partitions. Whoever had a partition
# and then wanted the source would deadlock with it.
$node->safe_psql('postgres', q{
	SET ROLE shopowner;
	CREATE TABLE crm.parted (customer text, day date, total numeric) PARTITION BY RANGE (day);
	CREATE TABLE crm.parted_25 PARTITION OF crm.parted FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
	INSERT INTO crm.parted SELECT 'K' || i % 20, '2025-01-01', i FROM generate_series(1, 100) AS i;
	SELECT scoring.create_model('parted', 'crm.parted', customer => 'customer', day => 'day', value => 'total', as_of => '2025-12-31', live => true);
	SELECT scoring.grant_reader('parted', 'app');
});
my $partition_locks = q{SELECT count(*) FROM pg_locks WHERE relation = 'crm.parted_25'::regclass};
$reader->ask('BEGIN; SELECT status FROM parted.model_status;');
is($node->safe_psql('postgres', $partition_locks), '0', 'who reads model_status holds no partition');
$reader->ask('COMMIT;');
for my $call (q{check_model('parted')}, q{refresh_model('parted')}, q{alter_model('parted', on_error => 'raise')})
{
	my $holder = open_session($node, 'postgres', 'shopowner');
	$holder->ask('BEGIN; LOCK TABLE ONLY crm.parted IN ACCESS EXCLUSIVE MODE;');
	$worker->send("SELECT count(*) >= 0 FROM scoring.$call;");
	ok($node->poll_query_until('postgres', 'SELECT n = 1 FROM crm.waits'), "$call waits for the source");
	is($node->safe_psql('postgres', $partition_locks), '0', 'and holds no partition');
	$holder->ask('COMMIT;');
	is(join('', $worker->answer), 't', 'and is done then');
}

done_testing();
