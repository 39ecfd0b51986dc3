# pg_upgrade: tables, views and indexes of histories move to a new cluster.
use strict;
use warnings;
use ScoringCluster;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $old = new_node('old');
$old->start;
my $sql = 'CREATE SCHEMA scoring; CREATE EXTENSION customer_scoring SCHEMA scoring; CREATE SCHEMA crm;'
  . q{SELECT scoring.create_segment_map('crm.winter', copy_of => 'essential');} . shop(4000)
  . 'CREATE VIEW customer_score AS ' . scores_of('crm.winter') . '; CREATE INDEX ON shop_history (orders);';
$old->safe_psql('postgres', $sql =~ s/\@ext\@/scoring/gr);
my $query = 'SELECT md5(string_agg(t::text, chr(10) ORDER BY t.customer_id)), count(*) FROM customer_score t';
my $before = $old->safe_psql('postgres', $query);
$old->stop;

my $new = new_node('new');
upgrade_node($old, $new);
is($new->safe_psql('postgres', $query), $before, 'the scores are the same');
is($new->safe_psql('postgres', q{SET enable_seqscan = off; SELECT count(*) FROM shop_history WHERE orders OPERATOR(scoring.>=) '{}'}),
	$new->safe_psql('postgres', q{SET enable_indexscan = off; SET enable_bitmapscan = off; SELECT count(*) FROM shop_history WHERE orders OPERATOR(scoring.>=) '{}'}),
	'the index too');

done_testing();
