# k-means on the CDNOW customers of Fader and Hardie, on 1998-06-30: recency, active days and
# what they spent, z-scores of logarithms. The figures are those of scikit-learn 1.2.1, the best
# of 20 starts each. The data are public but not part of this project: the test looks
# for them in the directory $SHARED_DATA.
use strict;
use warnings;
use ScoringCluster;
use Test::More;

my $file = ($ENV{SHARED_DATA} // '.') . '/cdnow_master.csv';
unless (-r $file)
{
	SKIP: { skip 'there is no file cdnow_master.csv in $SHARED_DATA', 1 }
	done_testing();
	exit;
}

my $node = new_node('cdnow');
$node->start;
open my $in, '<', $file or die "$file: $!";
my ($head, @lines) = <$in>;
close $in;
like($head, qr/^customer_id,order_date,units,amount/, 'the file is what it was');
chomp @lines;
s/^(\d+),(\d{4}-\d\d-\d\d),(\d+),([\d.]+)$/($1,'$2',$4)/ or die "$file: not what it was: $_\n" for @lines;
my $rows = join ',', @lines;
$node->safe_psql('postgres', q{
	CREATE SCHEMA scoring; CREATE EXTENSION customer_scoring SCHEMA scoring; ALTER DATABASE postgres SET search_path = scoring, public;
	CREATE TABLE public.orders (customer int, day date, value numeric)});
$node->safe_psql('postgres', "INSERT INTO orders VALUES $rows");
$node->safe_psql('postgres', q{
	CREATE TABLE facts AS SELECT customer, ARRAY[date '1998-06-30' - max(day), count(DISTINCT day), sum(value)]::float8[] AS x FROM orders GROUP BY customer;
	ANALYZE facts});

my %best = (2 => 28844.064309, 3 => 19818.629572, 4 => 15999.565676, 5 => 13264.870163, 6 => 11288.720513, 8 => 8898.863444);
for my $k (sort keys %best)
{
	my $inertia = $node->safe_psql('postgres', "SELECT kmeans_fit(x, $k, 1, '{log1p_zscore}') ->> 'inertia' FROM facts");
	cmp_ok($inertia, '<=', $best{$k} * 1.001, "$k clusters: inertia $inertia, best known $best{$k}");
}
is($node->safe_psql('postgres', q{SELECT f ->> 'n', f -> 'sizes' FROM (SELECT kmeans_fit(x, 5, 1, '{log1p_zscore}') AS f FROM facts) s}),
	'23570|[1615, 1519, 4141, 7385, 8910]', 'sizes');
is($node->safe_psql('postgres', q{SELECT count(DISTINCT f) FROM (
		SELECT kmeans_fit(x, 5, 1, '{log1p_zscore}' ORDER BY customer DESC) AS f FROM facts
		UNION ALL SELECT kmeans_fit(x, 5, 1, '{log1p_zscore}' ORDER BY x) FROM facts) s}), '1', 'the same bits in any order');
# other seeds find nothing much better
is($node->safe_psql('postgres', q{SELECT bool_and(i BETWEEN 13264.86 AND 13264.870163 * 1.001) FROM (
	SELECT (kmeans_fit(x, 5, seed, '{log1p_zscore}') ->> 'inertia')::float8 AS i FROM facts, generate_series(1, 10) AS seed GROUP BY seed) s}), 't', 'ten seeds');
$node->stop;
done_testing();
