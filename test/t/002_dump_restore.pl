# Dump and restore, plain and custom: histories, a user's segment map, views and
# materialized views over the functions, and a live model come back the same.
use strict;
use warnings;
use ScoringCluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('dump');
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE original');

my $sql = q{
	CREATE SCHEMA scoring;
	CREATE EXTENSION customer_scoring SCHEMA scoring;
	SET search_path = public;
} . shop(4000) . q{
	ALTER TABLE shop_history ADD PRIMARY KEY (customer_id);
	CREATE INDEX ON shop_history (orders);
	CREATE INDEX ON shop_history USING hash (orders);
	CREATE SCHEMA crm;
	SELECT scoring.create_segment_map('crm.winter', copy_of => 'essential');
	UPDATE crm.segment_label SET label = 'Winter VIP' WHERE map = 'winter' AND segment = 'vip' AND language = 'en';
	CREATE VIEW customer_score AS } . scores_of('crm.winter') . q{;
	CREATE MATERIALIZED VIEW score_now AS SELECT * FROM customer_score;
	CREATE UNIQUE INDEX ON score_now (customer_id);
	CREATE MATERIALIZED VIEW history_now AS SELECT customer_id, scoring.sum(orders) AS orders FROM shop_history GROUP BY customer_id;
	CREATE TABLE customers AS SELECT customer_id, 'c' || customer_id % 3 AS channel FROM generate_series(1, 500) customer_id;
	SELECT scoring.create_model('model', 'orders', customer => 'customer_id', day => 'ordered_on', value => 'total', as_of => '2025-06-30',
		segment_map => 'crm.winter', customers => 'customers', attributes => '{channel}', live => true);
	SELECT scoring.record_changes('model');
	INSERT INTO orders VALUES (450, '2025-06-29', 100);
	SELECT scoring.record_changes('model');
	SELECT scoring.alter_model('model', weights => '{2,1,1}');
	CREATE MATERIALIZED VIEW model_now AS SELECT * FROM model.customer_scores;
	CREATE UNIQUE INDEX ON model_now (customer_key);
	CREATE MATERIALIZED VIEW moves_now AS SELECT * FROM model.segment_transitions('2024-06-30', '2025-06-30');
};
$sql =~ s/\@ext\@/scoring/g;
$node->safe_psql('original', $sql);

# Everything a user would see, as one checksum for each relation.
my @relations = qw(orders shop_history customer_score score_now history_now
  model.customer_scores model.customer_segments model.segment_changes model.segment_summary model.thresholds
  model.configuration model.customer_histories model.pending model_now moves_now
  crm.segment_map crm.segment_rule crm.segment_label scoring.segment_map scoring.segment_rule scoring.segment_label);
sub checksums
{
	my ($database) = @_;
	return join "\n", map { "$_ " . $node->safe_psql($database, "SELECT count(*), md5(string_agg(t::text, E'\\n' ORDER BY t::text)) FROM $_ t") } @relations;
}
my $original = checksums('original');
unlike($original, qr/ 0\|/, 'every relation has rows');

my $dir = PostgreSQL::Test::Utils::tempdir;
for my $format ('plain', 'custom', 'directory')
{
	my $target = "restored_$format";
	my $file = "$dir/$format";
	$node->command_ok([ 'pg_dump', '-d', $node->connstr('original'), "--format=$format", '-f', $file ], "pg_dump, $format");
	$node->safe_psql('postgres', "CREATE DATABASE $target");
	if ($format eq 'plain')
	{
		$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr($target), '-f', $file ], 'restore by psql');
	}
	else
	{
		$node->command_ok([ 'pg_restore', '--exit-on-error', ($format eq 'directory' ? '-j2' : ()), '-d', $node->connstr($target), $file ], "pg_restore, $format");
	}
	is(checksums($target), $original, "$format: restored = original");

	# What was restored still works, under the bare path of maintenance commands.
	$node->safe_psql($target, 'REFRESH MATERIALIZED VIEW CONCURRENTLY score_now; REFRESH MATERIALIZED VIEW history_now;
		REFRESH MATERIALIZED VIEW CONCURRENTLY model_now; REFRESH MATERIALIZED VIEW moves_now;');
	is(checksums($target), $original, "$format: refreshed = original");
	is($node->safe_psql($target, q{SET enable_seqscan = off; SELECT count(*) FROM shop_history a JOIN shop_history b ON a.orders OPERATOR(scoring.=) b.orders}),
		$node->safe_psql('original', q{SELECT count(*) FROM shop_history a JOIN shop_history b ON a.orders OPERATOR(scoring.=) b.orders}), "$format: indexes on histories agree");
	is($node->safe_psql($target, q{SELECT count(*) FROM scoring.check_segment_map('crm.winter')}),
		$node->safe_psql('original', q{SELECT count(*) FROM scoring.check_segment_map('crm.winter')}), "$format: the user's map checks the same");
	$node->safe_psql($target, q{INSERT INTO orders VALUES (2, '2025-06-29', 100); DELETE FROM orders WHERE customer_id = 3});
	is($node->safe_psql($target, q{SELECT status, pending_changes > 2, (SELECT count(*) FROM scoring.check_model('model')) FROM model.model_status}),
		'ok|t|0', "$format: the live model lives on");
	is($node->safe_psql($target, q{SELECT differences > 2 FROM scoring.apply_changes('model'); SELECT count(*) FROM scoring.check_model('model')}), "t\n0", "$format: and folds");
}

# Data changed under a materialized view of histories: a concurrent refresh
# compares old and new rows by =.
$node->safe_psql('original', q{
	CREATE UNIQUE INDEX ON history_now (customer_id);
	UPDATE shop_history SET orders = orders OPERATOR(scoring.+) '{2025-06-29:1:1000.00}' WHERE customer_id = 1;
	REFRESH MATERIALIZED VIEW CONCURRENTLY history_now;
});
is($node->safe_psql('original', 'SELECT count(*) FROM history_now n JOIN shop_history h USING (customer_id) WHERE n.orders OPERATOR(scoring.=) h.orders'),
	$node->safe_psql('original', 'SELECT count(*) FROM shop_history'), 'concurrent refresh of histories');

# pg_dump must not carry what belongs to the extension, but must carry what does not.
my $dump = slurp_file("$dir/plain");
unlike($dump, qr/CREATE FUNCTION scoring\./, 'no function of the extension in the dump');
like($dump, qr/Winter VIP/, "the user's labels are in the dump");

done_testing();
