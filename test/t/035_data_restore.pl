# Data alone, restored into a database that has the model: by the recipes of
# docs/live.md, and without them, when the suppression list comes without its key.
use strict;
use warnings;
use ScoringCluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('data_restore');
$node->start;
my $source = q{
	CREATE SCHEMA scoring;
	CREATE EXTENSION customer_scoring SCHEMA scoring;
	CREATE TABLE orders (c text, d date, v numeric);
	CREATE TABLE people (c text PRIMARY KEY, city text, agreed boolean);
};
my $model = q{SELECT scoring.create_model('m', 'orders', customer => 'c', day => 'd', value => 'v', as_of => '2025-12-31', live => true,
	customers => 'people', attributes => '{city}', consent => 'agreed');};
$node->safe_psql('postgres', 'CREATE DATABASE original');
$node->safe_psql('original', $source . q{
	INSERT INTO people SELECT 'K' || i, 'Lyon', true FROM generate_series(1, 40) AS i;
	INSERT INTO orders SELECT 'K' || i, date '2025-12-31' - i * 3 - 20 * k, 10 + i FROM generate_series(1, 40) AS i, generate_series(0, i % 4) AS k;
} . $model . q{
	SELECT scoring.record_changes('m');
	SELECT scoring.alter_model('m', segment_map => 'essential_hybrid');
	SELECT scoring.forget_customer('m', 'K5');
	SELECT scoring.merge_customers('m', 'K6', 'K7');
	INSERT INTO orders VALUES ('K8', '2025-12-30', 77);
});

# What the model says
my $question = q{SELECT md5(string_agg(s::text, '|' ORDER BY customer_key COLLATE "C")) FROM m.customer_scores AS s};
my $summary = q{SELECT string_agg(segment || customers, ' ' ORDER BY segment) FROM m.segment_summary};
my $erased = q{SELECT count(*) FROM m.customer_scores WHERE customer_key = 'K5'};
my ($scores, $segments) = map { $node->safe_psql('original', $_) } $question, $summary;
is($node->safe_psql('original', $erased), '0', 'somebody has been erased, whom the source still has');

my $dir = PostgreSQL::Test::Utils::tempdir;
sub dump_to
{
	my ($file, @options) = @_;
	$node->command_ok([ 'pg_dump', '-d', $node->connstr('original'), '-f', "$dir/$file", @options ], "pg_dump @options");
}
sub restore
{
	my ($database, $file) = @_;
	my ($out, $err) = run_command([ 'psql', '-X', '-q', '-d', $node->connstr($database), '-f', "$dir/$file" ]);
	return join ' ', map { /ERROR:\s+(.*)/ ? $1 : () } split /\n/, $err;
}
sub is_whole
{
	my ($database, $how) = @_;
	is($node->safe_psql($database, 'SELECT status FROM m.model_status'), 'ok', "$how: the model is ok");
	is($node->safe_psql($database, $question), $scores, "$how: the same scores");
	is($node->safe_psql($database, $summary), $segments, "$how: the same segments");
	is($node->safe_psql($database, q{SELECT customers_added, customers_removed FROM scoring.refresh_model('m')}), '0|0', "$how: a refresh adds nobody");
	is($node->safe_psql($database, $erased), '0', "$how: who was erased stays away");
	is($node->safe_psql($database, q{SELECT count(*) FROM scoring.check_model('m')}), '0', "$how: nothing differs from the source");
	$node->safe_psql($database, q{INSERT INTO orders VALUES ('K9', '2025-12-31', 5), ('K5', '2025-12-31', 5)});
	is($node->safe_psql($database, q{SELECT status FROM scoring.apply_changes('m')}), 'applied', "$how: the triggers are at work");
	is($node->safe_psql($database, q{SELECT count(*) FROM scoring.check_model('m')}), '0', "$how: ... exactly");
	is($node->safe_psql($database, $erased), '0', "$how: ... and know whom not to store");
}

# The definitions first, then the data
dump_to('schema.sql', '--schema-only');
dump_to('data.sql', '--data-only', '--disable-triggers');
$node->safe_psql('postgres', 'CREATE DATABASE defined');
is(restore('defined', 'schema.sql'), '', 'definitions are restored without an error');
is(restore('defined', 'data.sql'), '', 'and data after them');
is_whole('defined', 'definitions, then data');

# A model that was made there: emptied first, its views made again afterwards
$node->safe_psql('postgres', 'CREATE DATABASE made');
$node->safe_psql('made', $source . $model);
$node->safe_psql('made', $node->safe_psql('made', q{SELECT format('TRUNCATE %s', string_agg(format('%I.%I', schemaname, tablename), ', ')) FROM pg_tables WHERE schemaname = 'm'}));
is(restore('made', 'data.sql'), '', 'data into a model that was emptied, without an error');
$node->safe_psql('made', q{SELECT scoring.alter_model('m', purpose => 'restored')});
is_whole('made', 'an emptied model');

# Without either, the tables keep what they have, and the list has no key.
$node->safe_psql('postgres', 'CREATE DATABASE mixed');
$node->safe_psql('mixed', $source . $model);
my @errors = split / (?=duplicate)/, restore('mixed', 'data.sql');
cmp_ok(scalar(grep { /duplicate key/ } @errors), '>=', 5, 'data beside what create_model has written: errors');
is($node->safe_psql('mixed', q{SELECT status, needs FROM m.model_status}),
	'suppression key missing|put the key that the suppression list was made with into suppression_key, then reapply_suppression', 'the model says that its list has no key');
for my $call ("refresh_model('m')", "apply_changes('m')", "reapply_suppression('m')", "allow_customer('m', 'K5')", "alter_model('m', value => 'v * 2')")
{
	my ($status, $out, $err) = $node->psql('mixed', "SELECT * FROM scoring.$call");
	like($err, qr/ERROR:  1 token on the suppression list of model "m" was made with another key/, "$call refuses");
	like($err, qr/HINT:  Put back the key that came with the list/, "... and says what to do") if $call =~ /refresh/;
}
is($node->safe_psql('mixed', q{SELECT count(*) FROM m.customer_histories WHERE customer_key = 'K5'}), '0', 'nobody is back');
my $key = $node->safe_psql('original', q{SELECT key FROM m.suppression_key});
$node->safe_psql('mixed', "UPDATE m.suppression_key SET key = '$key'");
$node->safe_psql('mixed', q{SELECT scoring.reapply_suppression('m')});
is($node->safe_psql('mixed', q{SELECT status FROM m.model_status WHERE status ~ 'suppression'}), '', 'with the key the model is content');
$node->safe_psql('mixed', q{SELECT scoring.refresh_model('m')});
is($node->safe_psql('mixed', $erased), '0', 'and who was erased stays away');

# The key gone altogether is no key either
$node->safe_psql('mixed', q{DELETE FROM m.suppression_key});
is($node->safe_psql('mixed', q{SELECT status FROM m.model_status}), 'suppression key missing', 'without any key the same');
isnt(($node->psql('mixed', q{SELECT scoring.refresh_model('m')}))[0], 0, '... and no refresh');

# A token without a name of its key is taken as one of the key that is there.
$node->safe_psql('original', q{INSERT INTO m.suppressed (token, suppressed_on, reason) SELECT scoring.suppression_token(key, 'K10'), '2025-12-31', 'by hand' FROM m.suppression_key});
is($node->safe_psql('original', q{SELECT status FROM m.model_status}), 'ok', 'a token by hand');
is($node->safe_psql('original', q{SELECT sum(erased) > 0 FROM scoring.reapply_suppression('m')}), 't', '... is applied');

done_testing();
