# logit_fit and the figures of scores: cancelled at any moment, and a crowd of
# groups at once.
use strict;
use warnings;
use ScoringCluster;
use Test::More;
use Time::HiRes qw(time);

my $node = new_node('logit');
$node->append_conf('postgresql.conf', "autovacuum = off\nmax_parallel_workers_per_gather = 0\n");
$node->start;
$node->safe_psql('postgres', q{
	CREATE SCHEMA scoring; CREATE EXTENSION customer_scoring SCHEMA scoring; ALTER DATABASE postgres SET search_path = scoring, public;
	CREATE TABLE public.sample AS
	SELECT i, hashint4(i) & 1023 < 300 + (hashint4(i + 7) & 255) AS label,
	       ARRAY[hashint4(i + 7) & 255, hashint4(i + 11) & 65535, hashint4(i + 13), ln(1 + (hashint4(i + 17) & 127)), i % 5, (hashint4(i + 19) & 15), sqrt(i), hashint4(i + 23) & 1]::float8[] AS x,
	       (hashint4(i + 29) & 65535) / 65536.0::float8 AS p
	  FROM generate_series(1, 200000) i;
	ANALYZE sample});

my @calls = ('logit_fit(label, x)', 'logit_fit(label, x, 1, 1)', 'calibration_bins(p, label, 10)', 'auc(p, label)');
my $full = $node->safe_psql('postgres', 'SELECT logit_fit(label, x) FROM sample');
like($full, qr/"status": "converged"/, 'there is a fit');
my ($cancelled, $slowest) = (0, 0);
for my $ms (map { 12 * $_ } 1 .. 14)
{
	for my $call (@calls)
	{
		my $start = time;
		my ($rc, $out, $err) = $node->psql('postgres', "SET statement_timeout = $ms; SELECT $call FROM sample");
		my $took = time - $start - $ms / 1000;
		next unless $err =~ /canceling statement/;
		$cancelled++;
		$slowest = $took if $took > $slowest;
	}
}
cmp_ok($cancelled, '>', 10, "$cancelled calls cancelled in the middle");
cmp_ok($slowest, '<', 5, sprintf('each at once (slowest %.2f s, connecting included)', $slowest));
is($node->safe_psql('postgres', 'SELECT logit_fit(label, x) FROM sample'), $full, 'and the next call gives the same');

# 20,000 groups at once, in a hash table: each has a fit, or says why not.
is($node->safe_psql('postgres', q{
	SELECT string_agg(status || ' ' || n, ', ' ORDER BY status) FROM (
	  SELECT status, count(*) AS n FROM (SELECT logit_fit(label, x[1:2], 1, 1) ->> 'status' AS status FROM sample GROUP BY i % 20000) f GROUP BY status) s}) =~ /^converged \d+, one_label \d+$/, 1, '20,000 groups');
# One group with nearly everything, and combined with workers
is($node->safe_psql('postgres', qq{
	SET max_parallel_workers_per_gather = 3; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
	SELECT logit_fit(label, x) FROM sample}), $full, 'the same with 3 workers');
# What only the leader can see when it merges
my ($rc, $out, $err) = $node->psql('postgres', q{
	SET max_parallel_workers_per_gather = 3; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
	SELECT logit_fit(label, CASE WHEN i < 200000 THEN x ELSE x[1:3] END) FROM sample});
like($err, qr/features must have the same number of elements in all rows, not 3 and 8/, 'rows of different lengths, in whichever workers');

done_testing();
