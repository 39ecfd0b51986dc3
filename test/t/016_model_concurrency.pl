# A model among several sessions: verbs one after the other, readers beside them,
# a backend killed or cancelled in the middle.
use strict;
use warnings;
use ScoringCluster;
use ModelCluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time usleep);

my $node = model_node('concurrency');
$node->append_conf('postgresql.conf', "restart_after_crash = on\nfsync = on\ndeadlock_timeout = 100ms\n");
$node->start;
make_roles($node, 'reader', 'other');
my @models = qw(shop live_shop);
my %offers = map { ($_ => [ offers($node, 'shop', $_) ]) } @models;
my @offers = map { @{ $offers{$_} } } @models;
run_as($node, 'shop', 'shopowner', "SELECT scoring.grant_reader('$_', 'reader')") for @models;
my $state = sub { return digests($node, 'shop', 'reader', @offers); };

my ($a, $b) = map { open_session($node, 'shop', 'shopowner') } 1 .. 2;
my $reader = open_session($node, 'shop', 'reader');

sub waits
{
	my ($session) = @_;
	return $node->poll_query_until('shop', "SELECT count(*) = 1 FROM pg_stat_activity WHERE pid = $session->{pid} AND wait_event_type = 'Lock'");
}

# Two at once: the second waits and says so, then works on what the first has
# left and on what was committed meanwhile; or it skips and says so.
for my $verb ('refresh_model', 'apply_changes')
{
	my $model = $verb eq 'refresh_model' ? 'shop' : 'live_shop';
	$a->ask("BEGIN; INSERT INTO crm.orders VALUES (1, 'a', '2025-06-28', 77); SELECT count(*) FROM scoring.$verb('$model');");
	my ($out, $err) = $b->ask("SELECT status FROM scoring.$verb('$model', wait => false);");
	is($out, 'skipped', "$verb, wait => false: skipped");
	like($err, qr/NOTICE:  model "$model": somebody else is writing it, skipped/, 'and says so');
	$b->send("SELECT status, @{[ $verb eq 'refresh_model' ? 'customers_changed' : 'differences' ]} FROM scoring.$verb('$model');");
	ok(waits($b), "$verb: the second waits");
	like($b->messages, qr/NOTICE:  model "$model": somebody else is writing it, waiting/, 'and says so at once');
	$node->safe_psql('shop', q{INSERT INTO crm.orders VALUES (5, 'a', '2025-06-28', 78)});
	$a->ask('COMMIT;');
	($out, $err) = $b->answer;
	is($out, $verb eq 'refresh_model' ? 'refreshed|1' : 'applied|1', 'until the first has committed, and has what was committed while it waited');
	unlike($err, qr/ERROR/, 'without an error');
	is($b->ask("SELECT count(*) FROM scoring.check_model('$model');"), '0', "check_model: $model is right");
	$a->ask("BEGIN; SELECT count(*) FROM scoring.$verb('$model');");
	$b->send("SELECT status FROM scoring.$verb('$model');");
	ok(waits($b), 'waiting once more');
	$a->ask('ROLLBACK;');
	like($b->answer, qr/^(refreshed|applied)$/, 'the second goes on after a rollback too');
}

# Every other verb waits for the first in the same way.
$a->ask(q{BEGIN; SELECT count(*) FROM scoring.refresh_model('shop'); SELECT count(*) FROM scoring.refresh_model('live_shop');});
for my $verb (q{record_changes('shop')}, q{calibrate_model('shop')}, q{alter_model('shop', change_days => 91)}, q{apply_changes('live_shop')}, q{record_changes('live_shop')})
{
	my ($out, $err) = $b->ask("SET lock_timeout = 200; SELECT count(*) FROM scoring.$verb; RESET lock_timeout;");
	like($err, qr/somebody else is writing it, waiting.*canceling statement due to lock timeout/s, "$verb waits while another refreshes");
}
$a->ask('ROLLBACK;');

# Readers: what others are writing neither stops them nor shows.
my $read = join ' ', map { "SELECT count(*) FROM $_;" } @offers;
my $before = $state->();
$node->safe_psql('shop', q{INSERT INTO crm.orders SELECT customer_id, tenant, '2025-06-27', 1000 FROM crm.customers WHERE customer_id % 3 = 0});
isnt($state->(), $before, 'an order shows at once in a live model');
my %live = map { ($_ => digests($node, 'shop', 'reader', @{ $offers{$_} })) } @models;
my %other = (shop => 'live_shop', live_shop => 'shop');
for my $verb (q{refresh_model('shop')}, q{record_changes('shop')}, q{calibrate_model('shop')}, q{refresh_model('live_shop')}, q{apply_changes('live_shop')}, q{record_changes('live_shop')},
	q{calibrate_model('live_shop')}, q{grant_reader('shop', 'other')}, q{check_model('shop')}, q{alter_model('shop', weights => '{1,2,1}', dry_run => true)})
{
	my ($model) = $verb =~ /'(.*?)'/;
	$a->ask("BEGIN; SELECT count(*) FROM scoring.$verb;");
	my ($out, $err) = $reader->ask("SET lock_timeout = '1ms'; BEGIN; " . digest_sql(@{ $offers{$model} }) . ' COMMIT;');
	unlike($err, qr/ERROR/, "$verb: readers don't wait") or diag $err;
	is($out, $live{$model}, 'and see nothing of it');
	($out, $err) = $reader->ask("BEGIN; " . digest_sql("$other{$model}.customer_scores") . ' COMMIT;');
	unlike($err, qr/ERROR/, 'nor do readers of another model wait') or diag $err;
	ok(index($live{ $other{$model} }, $out) >= 0, 'who see what they saw') or diag $out;
	$a->ask('ROLLBACK;');
}
$reader->ask(qq{SET lock_timeout = 0; BEGIN ISOLATION LEVEL REPEATABLE READ; $read});
for my $verb (q{refresh_model('shop')}, q{record_changes('shop')}, q{calibrate_model('shop')}, q{refresh_model('live_shop')}, q{apply_changes('live_shop')}, q{record_changes('live_shop')}, q{calibrate_model('live_shop')},
	q{grant_reader('shop', 'other')}, q{revoke_reader('shop', 'other')})
{
	my ($out, $err) = $a->ask("SET lock_timeout = '500ms'; SELECT count(*) FROM scoring.$verb;");
	unlike($err, qr/ERROR/, "$verb: doesn't wait for readers") or diag $err;
}
is($reader->ask(q{SELECT version FROM shop.model_status;}), '2', 'a reader in REPEATABLE READ stays with what was');
$reader->ask('COMMIT;');
is($reader->ask(q{SELECT version FROM shop.model_status;}), '3', 'until he ends');

# alter_model replaces the views that another map changes: it waits for readers, and they for it. How long is
# told; the work is done when it begins to lock.
$reader->ask("BEGIN; $read");
my ($out, $err) = $a->ask(q{SELECT count(*) FROM scoring.alter_model('shop', segment_map => 'essential'); RESET lock_timeout;});
like($err, qr/canceling statement due to lock timeout/, 'alter_model waits for readers');
is($reader->ask(q{SELECT version FROM shop.model_status;}), '3', 'and has changed nothing when it may not wait longer');
$reader->ask('COMMIT;');
my $beside = digest_sql(views($node, 'shop', 'live_shop'));
my $seen = $reader->ask($beside);
my $start = time;
$a->ask(q{BEGIN; SELECT count(*) FROM scoring.alter_model('shop', segment_map => 'essential');});
diag sprintf 'alter_model took %.2f s', time - $start;
($out, $err) = $reader->ask("SET lock_timeout = '200ms'; SELECT count(*) FROM shop.customer_scores; RESET lock_timeout;");
like($err, qr/canceling statement due to lock timeout/, 'readers wait for alter_model');
($out, $err) = $reader->ask("SET lock_timeout = '1ms'; $beside RESET lock_timeout;");
unlike($err, qr/ERROR/, 'readers of another model do not') or diag $err;
is($out, $seen, 'and see all that they saw');
$reader->send('SELECT count(*) > 0 FROM shop.customer_scores; SELECT version FROM shop.model_status;');
$a->ask('COMMIT;');
is($reader->answer, "t\n4", 'and then have the new version');

# Readers take a view before those below it: alter_model must not deadlock with
# them, however often. PREPARE locks what the statement would, but for what functions read.
my @readers = map { open_session($node, 'shop', 'reader') } 1 .. 2;
$_->send(join ' ', map { my ($begin, $end) = @$_; map { "$begin SELECT count(*) FROM $_; $end" } sort { rand() <=> 0.5 } grep { /^live/ } @offers } [ '', '' ], ([ 'PREPARE p AS', 'DEALLOCATE p;' ]) x 10) for @readers;
my $altered = 0;
until (!grep { !$_->is_done } @readers)
{
	($out, $err) = $a->ask(q{SELECT count(*) FROM scoring.alter_model('live_shop', change_days => 30 + (random() * 50)::int, weights => ARRAY[1, 1, random()], segment_map => (ARRAY['essential', 'standard'])[1 + floor(random() * 2)::int]);});
	unlike($err, qr/ERROR/, 'alter_model beside readers') or diag $err;
	$altered++;
}
unlike(join('', map { ($_->answer)[1] } @readers), qr/ERROR/, "readers beside $altered alter_model");
($out, $err) = $a->ask(q{SET lock_timeout = '100ms'; BEGIN; SELECT count(*) FROM scoring.alter_model('live_shop', change_days => 99); SHOW lock_timeout; COMMIT; SHOW lock_timeout; RESET lock_timeout;});
like($out, qr/\n100ms\n100ms$/, 'alter_model leaves lock_timeout alone');

# Several at it with everything, an application writing orders beside them: no
# deadlock, no error, and the models are right in the end.
my @verbs = map { my $m = $_; map { s/\@/'$m'/r } q{refresh_model(@)}, q{refresh_model(@, wait => false)}, q{record_changes(@)}, q{calibrate_model(@)}, q{apply_changes(@)}, q{check_model(@)},
	q{alter_model(@, change_days => 80 + (random() * 10)::int, weights => ARRAY[1, 1, 1 + random()], segment_map => (ARRAY['essential', 'standard'])[1 + floor(random() * 2)::int])} } @models;
my @sessions = map { open_session($node, 'shop', 'shopowner') } 1 .. 3;
srand(20261122);
for my $i (0 .. 2)
{
	$sessions[$i]->send(join ' ', map { ("SELECT count(*) FROM scoring.$verbs[rand @verbs];",
		"INSERT INTO crm.orders SELECT customer_id, tenant, date '2025-06-01' + (random() * 29)::int, random() * 100 FROM crm.customers ORDER BY random() LIMIT 5;",
		"DELETE FROM crm.orders WHERE ordered_on = '2025-06-01' AND random() < 0.1;") } 1 .. 9);
}
$reader->send(join ' ', ($read) x 2);
my $messages = join "\n", map { my ($out, $err) = $_->answer; $err } @sessions, $reader;
unlike($messages, qr/ERROR|FATAL/, 'three sessions with random verbs, one that reads') or diag $messages;
$_->close for @sessions;
is($a->ask(q{SELECT (SELECT count(*) FROM scoring.check_model('live_shop')), (SELECT status FROM scoring.refresh_model('shop')), (SELECT count(*) FROM scoring.check_model('shop'));}), '0|refreshed|0', 'both models are right');
is($a->ask(q{SELECT count(*) - count(DISTINCT version), count(*) FILTER (WHERE valid_until IS NULL) FROM shop.configuration;}), '0|1', 'one version is in force');

# Cancelled in the middle, wherever that is: nothing has changed, nothing is held.
$node->safe_psql('shop', q{
	SET ROLE shopowner;
	CREATE FUNCTION crm.slowly(numeric) RETURNS numeric LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.0002); RETURN $1; END $$;
	CREATE VIEW crm.slow_orders AS SELECT customer_id, ordered_on, crm.slowly(total) AS total FROM crm.orders LIMIT 3000;
	SELECT scoring.create_model('slow_shop', 'crm.slow_orders', as_of => '2025-06-30');
	SELECT scoring.record_changes('slow_shop');
	SELECT scoring.grant_reader('slow_shop', 'reader');
	INSERT INTO crm.orders SELECT customer_id, tenant, '2025-06-27', 10000 FROM crm.customers WHERE customer_id % 4 = 0;
	DELETE FROM crm.orders WHERE customer_id % 7 = 0;
});
# all that it holds, and what a reader makes of it
my @held = grep { !/_seq$/ } tables($node, 'shop', 'slow_shop');
my $slow_state = sub { return digests($node, 'shop', 'postgres', @held) . digests($node, 'shop', 'reader', map { "slow_shop.$_" } qw(customer_scores segment_summary segment_changes model_status)); };
my $slow = $slow_state->();
my ($cancelled, $done) = (0, 0);
for my $ms (30, 200, 500, 700)
{
	for my $verb (q{refresh_model('slow_shop')}, q{alter_model('slow_shop', source => 'crm.slow_orders', weights => '{1,2,3}')}, q{create_model('slower', 'crm.slow_orders')})
	{
		my ($out, $err) = $a->ask("SET statement_timeout = $ms; BEGIN; SELECT count(*) FROM scoring.$verb; ROLLBACK; RESET statement_timeout;");
		$err =~ /canceling statement due to statement timeout/ ? $cancelled++ : $done++;
		unlike($err, qr/ERROR(?!:  canceling statement)/, "$verb cancelled after $ms ms: no other error");
	}
}
cmp_ok($cancelled, '>', 4, "$cancelled calls cancelled, $done were faster and rolled back");
is($slow_state->(), $slow, 'the model is as it was');
is($a->ask(q{SELECT to_regnamespace('slower') IS NULL;}), 't', 'and the one that was not finished is not there');
is($node->safe_psql('shop', qq{SELECT count(*) FROM pg_locks l JOIN pg_class c ON c.oid = relation WHERE c.relnamespace IN (SELECT oid FROM pg_namespace WHERE nspname LIKE '%shop') AND l.pid <> pg_backend_pid()}), '0', 'no lock is left');

# Killed in the middle: before, while and after the rows are written.
for my $kill ([ 'while the source is read', q{SELECT count(*) FROM scoring.refresh_model('slow_shop');}, 300_000 ],
	[ 'before the commit', q{BEGIN; SELECT count(*) FROM scoring.refresh_model('slow_shop'); SELECT count(*) FROM scoring.calibrate_model('slow_shop'); SELECT count(*) FROM scoring.record_changes('slow_shop');}, 0 ],
	[ 'in alter_model', q{BEGIN; SELECT count(*) FROM scoring.alter_model('slow_shop', window_days => 100, segment_map => 'standard');}, 0 ])
{
	my ($when, $sql, $wait) = @$kill;
	my $victim = open_session($node, 'shop', 'shopowner');
	$victim->send($sql);
	$wait ? usleep($wait) : $victim->answer;
	ok(!$victim->is_done, 'still at it') if $wait;
	is(kill_backend($node, $victim->{pid}, sub { $victim->close }), 1, "a backend is killed $when");
	is($slow_state->(), $slow, 'after the restart the model is as it was');
}
is($node->safe_psql('shop', q{SET ROLE shopowner; SELECT status, customers_changed > 0 FROM scoring.refresh_model('slow_shop'); SELECT count(*) FROM scoring.check_model('slow_shop')}), "refreshed|t\n0", 'and can be refreshed');
isnt($slow_state->(), $slow, 'which changes it');

# Isolation levels at which a verb would go by an old snapshot are refused.
for my $level ('REPEATABLE READ', 'SERIALIZABLE')
{
	for my $verb (q{refresh_model('shop')}, q{apply_changes('live_shop')}, q{record_changes('shop')}, q{calibrate_model('shop')}, q{alter_model('shop', change_days => 7)}, q{create_model('another', 'crm.orders', customer => 'customer_id', day => 'ordered_on', value => 'total')})
	{
		my ($out, $err) = run_as($node, 'shop', 'shopowner', "BEGIN ISOLATION LEVEL $level; SELECT count(*) FROM scoring.$verb;");
		like($err, qr/ERROR:  (a|the) ?.*model.* can't be (written|made) at isolation level|ERROR:  model .* can't be written at isolation level/, "$verb: refused at $level");
	}
}

done_testing();
