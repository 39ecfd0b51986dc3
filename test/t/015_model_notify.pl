# record_changes tells whoever listens: one notification for each commit with
# changes, with the ids to read; nothing before the commit, nothing for nothing.
use strict;
use warnings;
use ScoringCluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('notify');
$node->start;
$node->safe_psql('postgres', q{
	CREATE SCHEMA scoring; CREATE EXTENSION customer_scoring SCHEMA scoring;
	CREATE TABLE orders AS SELECT i % 40 AS customer_id, date '2025-01-01' + (i * 37 % 330) AS ordered_on, i AS total FROM generate_series(1, 200) i;
	SELECT scoring.create_model('My "shop"', 'orders', as_of => '2025-11-30');
	SELECT scoring.record_changes('My "shop"');
	CREATE ROLE reader LOGIN; SELECT scoring.grant_reader('My "shop"', 'reader');});

my ($in, $out, $err) = ('', '', '');
my $listener = IPC::Run::start([ 'psql', '-X', '-At', '-d', $node->connstr('postgres') . ' user=reader' ],
	'<', \$in, '>', \$out, '2>', \$err, IPC::Run::timeout(180));

# What the listener has heard since the last time.
sub heard
{
	$out = '';
	$in .= "SELECT 'done';\n";
	$listener->pump until $out =~ /^done$/m;
	# psql may learn of a notification only with the next answer
	$in .= "SELECT 'again';\n";
	$listener->pump until $out =~ /^again$/m;
	return [ $out =~ /^Asynchronous notification "(.*)" with payload "(.*)" received/mg ];
}

$in .= qq{LISTEN "My ""shop""_segment_changes";\n};
is_deeply(heard(), [], 'nothing has happened yet');
$node->safe_psql('postgres', q{SELECT scoring.record_changes('My "shop"')});
is_deeply(heard(), [], 'no notification without a change');

$node->safe_psql('postgres', q{BEGIN; SELECT scoring.alter_model('My "shop"', as_of => '2026-03-31'); SELECT scoring.record_changes('My "shop"'); ROLLBACK});
is_deeply(heard(), [], 'nor for what was taken back');

my ($changes, $first, $last) = split /\|/, $node->safe_psql('postgres',
	q{DO $$ BEGIN PERFORM scoring.alter_model('My "shop"', as_of => '2026-03-31'); END $$;
	  SELECT changes, first_change_id, last_change_id FROM scoring.record_changes('My "shop"')});
cmp_ok($changes, '>', 10, "$changes changes");
my $told = heard();
is(scalar @$told, 2, 'one notification');
is($told->[0], 'My "shop"_segment_changes', 'its channel');
is($told->[1], qq({"model" : "My \\"shop\\"", "changes" : $changes, "first_change_id" : $first, "last_change_id" : $last}), 'its payload');
is($node->safe_psql('postgres', qq{SELECT count(*), min(change_id), max(change_id) FROM "My ""shop""".segment_changes WHERE change_id BETWEEN $first AND $last}, extra_params => [ '-U', 'reader' ]),
	"$changes|$first|$last", 'and the reader finds them in the feed');

# Two writers at once: the second waits, and has nothing left to record.
$node->safe_psql('postgres', q{SELECT scoring.alter_model('My "shop"', as_of => '2026-06-30')});
my ($one_in, $one_out, $one_err) = ('', '', '');
my $one = IPC::Run::start([ 'psql', '-X', '-At', '-d', $node->connstr('postgres') ], '<', \$one_in, '>', \$one_out, '2>', \$one_err, IPC::Run::timeout(180));
$one_in .= qq{BEGIN;\nSELECT 'recorded', changes FROM scoring.record_changes('My "shop"');\n};
$one->pump until $one_out =~ /^recorded\|(\d+)$/m;
my ($recorded) = $one_out =~ /^recorded\|(\d+)$/m;
my ($two_out, $two_err) = ('', '');
my $two = IPC::Run::start([ 'psql', '-X', '-At', '-d', $node->connstr('postgres'), '-c', q{SELECT changes FROM scoring.record_changes('My "shop"')} ],
	'>', \$two_out, '2>', \$two_err, IPC::Run::timeout(180));
$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_locks WHERE relation = '"My ""shop""".refreshes'::regclass AND NOT granted});
is_deeply(heard(), [], 'nothing is told before the commit');
$one_in .= "COMMIT;\n\\q\n";
$one->finish;
$two->finish;
cmp_ok($recorded, '>', 0, "the first has recorded $recorded changes");
is($two_out, "0\n", 'the second none');
like($two_err, qr/NOTICE:  model "My "shop"": somebody else is writing it, waiting/, 'and said that it waited');
is(scalar @{ heard() }, 2, 'one notification');

$in .= "\\q\n";
$listener->finish;
done_testing();
