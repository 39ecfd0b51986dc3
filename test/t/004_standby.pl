# A streaming standby answers like its primary; writing fails cleanly there.
use strict;
use warnings;
use ScoringCluster;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = new_node('primary', allows_streaming => 1);
$primary->start;
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;

my $sql = 'CREATE SCHEMA scoring; CREATE EXTENSION customer_scoring SCHEMA scoring; CREATE SCHEMA crm;' . shop(4000)
  . 'CREATE VIEW customer_score AS ' . scores_of('essential');
$primary->safe_psql('postgres', $sql =~ s/\@ext\@/scoring/gr);
$primary->safe_psql('postgres', q{SELECT * FROM scoring.create_model('model', 'public.orders', customer => 'customer_id', day => 'ordered_on',
	value => 'total', as_of => '2025-06-30', live => true);
	INSERT INTO orders VALUES (1, '2025-06-29', 100)});
$primary->wait_for_catchup($standby);

for my $query (
	q{SELECT md5(string_agg(t::text, chr(10) ORDER BY t.customer_id)) FROM customer_score t},
	q{SELECT md5(scoring.history_agg(ordered_on, total)::text) FROM orders},
	q{SELECT md5(scoring.sum(orders)::text) FROM shop_history},
	q{SELECT scoring.quantile_thresholds(total::float8, 5) FROM orders},
	q{SELECT count(*) FROM scoring.check_segment_map('essential')},
	q{SELECT md5(string_agg(t::text, chr(10) ORDER BY t.customer_id)) FROM scoring.score_customers('SELECT customer_id, ordered_on, total FROM orders', '2026-01-01') t},
	q{SELECT md5(string_agg(t::text, chr(10) ORDER BY t.customer_key)) FROM model.customer_scores t},
	q{SELECT md5(string_agg(t::text, chr(10))) FROM model.segment_transitions('2024-06-30', '2025-06-30') t},
	q{SELECT status, pending_changes FROM model.model_status},
	q{SET max_parallel_workers_per_gather = 2; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
	  SELECT md5(string_agg(h::text, chr(10) ORDER BY customer_id)) FROM (SELECT customer_id, scoring.history_agg(ordered_on, total) AS h FROM orders GROUP BY 1) t})
{
	is($standby->safe_psql('postgres', $query), $primary->safe_psql('postgres', $query), substr($query, 0, 70));
}

my ($rc, $out, $err) = $standby->psql('postgres', q{\set VERBOSITY verbose
	SELECT scoring.create_segment_map('crm.winter', copy_of => 'essential')});
like($err, qr/25006/, 'making a map is refused on a standby as any write');

($rc, $out, $err) = $standby->psql('postgres', q{\set VERBOSITY verbose
	SELECT scoring.refresh_model('model')});
like($err, qr/25006/, 'so is refreshing a model');

$standby->promote;
is($standby->safe_psql('postgres', q{CREATE TABLE t AS SELECT scoring.history_agg(ordered_on, total) AS h FROM orders; SELECT count(*) FROM t}),
	'1', 'a promoted standby goes on');
is($standby->safe_psql('postgres', q{SELECT status FROM scoring.refresh_model('model')}), 'refreshed', 'its models too');

done_testing();
