# examples/crm-sync follows a model's feed into a CRM. It is killed where its transaction
# waits for a lock of ours (before it reads the cursor, between rows and cursor, in COMMIT) and
# at random moments, its connections are cut, and no change is lost or doubled.
use strict;
use warnings;
use FindBin;
use ScoringCluster;
use ModelCluster;
use NodeClient;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes 'sleep';

my $example = "$FindBin::Bin/../../examples/crm-sync";
my $folder = node_folder(18, $example);
srand(20251130);

my $node = new_node('crm');
$node->start;
make_roles($node, 'crm_reader', 'crm');
$node->safe_psql('postgres', $_) for 'CREATE DATABASE shop', 'CREATE DATABASE crm OWNER crm';
$node->safe_psql('crm', slurp_file("$example/schema.sql"), extra_params => [ '-U', 'crm' ]);
# Ids beyond the numbers of JavaScript, and one customer who has moved but is not recorded.
$node->safe_psql('shop', q{
	CREATE SCHEMA scoring; CREATE EXTENSION customer_scoring SCHEMA scoring;
	CREATE TABLE orders AS SELECT (i * 7919 % 150) AS customer_id, date '2024-01-01' + (i * 104729 % 700) AS ordered_on, (i % 90)::numeric AS total FROM generate_series(1, 600) i;
	SELECT scoring.create_model('my "shop"', 'orders', as_of => '2025-12-31', live => true);
	SELECT scoring.record_changes('my "shop"');
	SELECT scoring.grant_reader('my "shop"', 'crm_reader');
	ALTER TABLE "my ""shop""".recorded_changes ALTER change_id RESTART WITH 9007199254740993;
	INSERT INTO orders VALUES (1, '2025-12-30', 5000), (1, '2025-12-31', 5000);
});

my %url = map { $_ => sprintf('postgres://%s@/%s?host=%s&port=%s', $_ eq 'shop' ? 'crm_reader' : 'crm', $_, $node->host, $node->port) } qw(shop crm);
my %settings = (MODEL => 'my "shop"', SOURCE_URL => $url{shop}, CRM_URL => $url{crm}, BATCH => 7, RECONCILE_SECONDS => 1000000);

# What goes on by itself ends with this test, also when that is killed.
my @with_us = qw(setpriv --pdeathsig KILL);

# A consumer that goes on until it is killed; or, with ONCE, that has ended.
sub consumer
{
	my (%more) = @_;
	local %ENV = (%ENV, %settings, %more);
	my $self = { err => '' };
	$self->{run} = IPC::Run::start([ @with_us, 'node', "$folder/sync.js" ], '<', \undef, '>', \my $out, '2>', \$self->{err}, IPC::Run::timeout(180));
	return $self;
}

# Without a word: SIGKILL.
sub killed { my ($self) = @_; $self->{run}->signal('KILL'); $self->{run}->finish; }

sub once
{
	my ($what, %more) = @_;
	my $consumer = consumer(ONCE => 1, %more);
	ok($consumer->{run}->finish, $what) or diag $consumer->{err};
	return;
}

# Customers who move to other segments, some out of the source and back; recorded.
sub move
{
	my ($customers) = @_;
	my $sql = '';
	for (1 .. $customers)
	{
		my $customer = int rand 150;
		$sql .= (
			"INSERT INTO orders VALUES ($customer, '2025-12-31', 400), ($customer, '2025-12-30', 400);",
			"DELETE FROM orders WHERE customer_id = $customer AND ordered_on > '2025-06-30';",
			"DELETE FROM orders WHERE customer_id = $customer;",
			"INSERT INTO orders VALUES ($customer, '2025-10-01', 20);")[ int rand 4 ];
	}
	my ($changes) = $node->safe_psql('shop', qq{$sql SELECT changes FROM scoring.record_changes('my "shop"')}) =~ /(\d+)$/;
	return $changes;
}

# The CRM is what the feed says: segments as recorded, each change once, in full, from the first
# load on; of somebody who was gone only what came later.
my $loaded;
sub agrees
{
	my ($what) = @_;
	is($node->safe_psql('crm', 'SELECT customer_key, segment FROM crm_sync.contact ORDER BY 1'),
		$node->safe_psql('shop', q{SELECT customer_key, segment FROM "my ""shop""".recorded_segments WHERE segment IS NOT NULL ORDER BY 1}),
		"$what: segments");
	is($node->safe_psql('crm', 'SELECT change_id, as_of, customer_key, previous_segment, segment FROM crm_sync.move ORDER BY 1'),
		$node->safe_psql('shop', qq{SELECT change_id, as_of, customer_key, previous_segment, segment FROM "my ""shop""".recorded_changes AS c
			WHERE change_id > $loaded AND NOT EXISTS (SELECT FROM "my ""shop""".recorded_changes AS g
			  WHERE g.customer_key = c.customer_key AND g.segment IS NULL AND g.change_id >= c.change_id) ORDER BY 1}),
		"$what: changes");
}

sub waits { $node->poll_query_until('crm', "SELECT count(*) = $_[0] FROM pg_stat_activity WHERE application_name = 'crm-sync' AND datname = 'crm' AND wait_event_type = 'Lock'") or die 'nobody waits'; }

# --- first load --------------------------------------------------------------

once('the first load');
$loaded = $node->safe_psql('crm', 'SELECT last_change_id FROM crm_sync.state');
is($loaded, 0, 'from the beginning of the feed');
agrees('first load');
$node->safe_psql('shop', q{DELETE FROM orders WHERE customer_id = 1 AND total = 5000; SELECT scoring.record_changes('my "shop"')});
once('somebody was in another segment for a moment');
agrees('who was never recorded there');

# --- killed where we choose --------------------------------------------------

$node->safe_psql('crm', q{
	CREATE FUNCTION at_commit() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_advisory_xact_lock_shared(1); RETURN NULL; END';
	CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON crm_sync.move DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION at_commit();});

for my $point ([ 'before it reads the cursor', 'SELECT FROM crm_sync.state FOR UPDATE' ],
	[ 'between rows and cursor', 'LOCK TABLE crm_sync.move IN SHARE MODE' ],
	[ 'in COMMIT', 'SELECT pg_advisory_xact_lock(1)' ])
{
	my ($where, $lock) = @$point;
	cmp_ok(move(12), '>', 7, 'more than a batch of changes');
	my $before = $node->safe_psql('crm', 'SELECT last_change_id FROM crm_sync.state');
	my $holder = open_session($node, 'crm', 'crm');
	$holder->ask("BEGIN; $lock;");
	my $consumer = consumer();
	waits(1);
	killed($consumer);
	my $successor = consumer(ONCE => 1);
	# the server has not noticed yet that nobody is there
	waits(2);
	is($node->safe_psql('crm', 'SELECT last_change_id FROM crm_sync.state'), $before, "killed $where: nothing is written yet");
	$holder->ask('COMMIT;');
	$holder->close;
	ok($successor->{run}->finish, "killed $where: its successor ends") or diag $successor->{err};
	agrees("killed $where");
}

# Two at once: the second waits for the first, and has the rest.
{
	move(12);
	my $holder = open_session($node, 'crm', 'crm');
	$holder->ask('BEGIN; LOCK TABLE crm_sync.move IN SHARE MODE;');
	my @two = map { consumer(ONCE => 1) } 1 .. 2;
	waits(2);
	$holder->ask('COMMIT;');
	$holder->close;
	ok($_->{run}->finish, 'one of two ends') or diag $_->{err} for @two;
	agrees('two at once');
}

# --- killed and cut anywhere -------------------------------------------------

for my $round (1 .. 10)
{
	my $consumer = consumer(POLL_SECONDS => 0.01);
	move(1 + int rand 20) for 1 .. 1 + int rand 2;
	sleep(rand 0.3);
	$node->safe_psql('postgres', sprintf q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'crm-sync' AND datname = '%s'},
		$round == 5 ? 'crm' : 'shop') if $round % 5 == 0;
	killed($consumer);
}
once('what is left');
agrees('killed ten times');

my $listener = consumer(POLL_SECONDS => 600);
$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE application_name = 'crm-sync' AND datname = 'shop' AND query = 'COMMIT' AND state = 'idle'});
move(5);
my $last = q{SELECT max(change_id) FROM "my ""shop""".recorded_changes};
$node->poll_query_until('crm', 'SELECT last_change_id = ' . $node->safe_psql('shop', $last) . ' FROM crm_sync.state');
agrees('woken by a notification');
$node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'crm-sync'});
move(5);
$node->poll_query_until('crm', 'SELECT last_change_id = ' . $node->safe_psql('shop', $last) . ' FROM crm_sync.state');
agrees('connected again');
killed($listener);

# --- a pooler that gives each transaction another connection -------------------

SKIP:
{
	my ($pgbouncer) = grep { -x } '/usr/sbin/pgbouncer', '/usr/bin/pgbouncer';
	skip 'no pgbouncer', 3 unless $pgbouncer;
	my $dir = PostgreSQL::Test::Utils::tempdir_short;
	append_to_file("$dir/ini", join "\n", '[databases]', map({ "$_ = host=" . $node->host . ' port=' . $node->port . " dbname=$_ pool_size=2" } qw(shop crm)),
		'[pgbouncer]', 'listen_addr =', "unix_socket_dir = $dir", 'listen_port = 6432', 'auth_type = trust', "auth_file = $dir/users",
		'pool_mode = transaction', 'ignore_startup_parameters = extra_float_digits', "logfile = $dir/log", '');
	append_to_file("$dir/users", qq{"crm" ""\n"crm_reader" ""\n});
	my $pooler = IPC::Run::start([ @with_us, $pgbouncer, '-q', "$dir/ini" ], '<', \undef, '>', \my $out, '2>', \my $err, IPC::Run::timeout(180));
	for (1 .. 300) { last if -S "$dir/.s.PGSQL.6432"; sleep 0.1; }
	my %pooled = map { $_ => $url{$_} =~ s/host=[^&]*&port=\d+/host=$dir&port=6432/r } keys %url;
	move(20);
	once('through a pooler', SOURCE_URL => $pooled{shop}, CRM_URL => $pooled{crm}, LISTEN => 'no', RECONCILE_SECONDS => 0);
	agrees('through a pooler');
	$pooler->signal('KILL');
	$pooler->finish;
}

# --- people who are erased, and another model of the name ------------------------

my $person = $node->safe_psql('crm', 'SELECT customer_key FROM crm_sync.move ORDER BY change_id DESC LIMIT 1');
$node->safe_psql('shop', qq{SELECT scoring.forget_customer('my "shop"', '$person')});
once('the feed does not tell');
is($node->safe_psql('crm', "SELECT count(*) FROM crm_sync.contact WHERE customer_key = '$person'"), 1, 'somebody is erased, and still here');
once('everybody is compared', RECONCILE_SECONDS => 0);
is($node->safe_psql('crm', "SELECT (SELECT count(*) FROM crm_sync.contact WHERE customer_key = '$person') + (SELECT count(*) FROM crm_sync.move WHERE customer_key = '$person')"),
	0, 'until everybody is compared');
agrees('erased');

$node->safe_psql('shop', q{
	SELECT scoring.drop_model('my "shop"');
	SELECT scoring.create_model('my "shop"', 'orders', as_of => '2025-12-31', live => true);
	SELECT scoring.grant_reader('my "shop"', 'crm_reader');
	SELECT scoring.record_changes('my "shop"');});
move(20);
once('another model of that name');
$loaded = $node->safe_psql('crm', 'SELECT last_change_id FROM crm_sync.state');
agrees('loaded again');
move(20);
once('and its feed');
cmp_ok($node->safe_psql('crm', 'SELECT count(*) FROM crm_sync.move'), '>', 0, 'has changes');
agrees('followed from its beginning');

done_testing();
