# Logistic regression on the CDNOW sample of Fader and Hardie: who buys again
# within 90 days after 1997-09-30. The figures are those of statsmodels 0.13.5
# and scikit-learn 1.2.1. The data are public but not part of this project: the
# test looks for them in the directory $SHARED_DATA.
use strict;
use warnings;
use ScoringCluster;
use Test::More;

my $file = ($ENV{SHARED_DATA} // '.') . '/cdnow_sample_logit.csv';
unless (-r $file)
{
	SKIP: { skip 'there is no file cdnow_sample_logit.csv in $SHARED_DATA', 1 }
	done_testing();
	exit;
}

my $node = new_node('cdnow');
$node->start;
open my $in, '<', $file or die "$file: $!";
my ($head, @lines) = <$in>;
close $in;
like($head, qr/^customer_id,label,recency_days,frequency,monetary,tenure_days,log1p_recency_days,log1p_frequency,log1p_monetary,p_hat/, 'the file is what it was');
chomp @lines;
die "$file: not numbers alone\n" if grep { !/^[-+.,e0-9]+$/ } @lines;
my $rows = join ', ', map { "($_)" } @lines;
$node->safe_psql('postgres', qq{
	CREATE SCHEMA scoring; CREATE EXTENSION customer_scoring SCHEMA scoring; ALTER DATABASE postgres SET search_path = scoring, public;
	SET search_path = scoring, public;
	CREATE TABLE public.sample (customer_id int, label int, recency_days int, frequency int, monetary float8, tenure_days int,
		log_recency float8, log_frequency float8, log_monetary float8, p_hat float8);
	INSERT INTO sample VALUES $rows;
	ANALYZE sample;
	CREATE TABLE public.fit AS SELECT logit_fit(label = 1, ARRAY[log_recency, log_frequency, log_monetary, tenure_days]) AS fit FROM sample});

sub near
{
	my ($what, $query, $wanted, $tolerance) = @_;
	my $got = $node->safe_psql('postgres', "SELECT $query FROM fit");
	cmp_ok(abs($got - $wanted), '<=', $tolerance * abs($wanted), "$what: $got, wanted $wanted");
}

is($node->safe_psql('postgres', q{SELECT concat_ws(' ', fit ->> 'status', fit ->> 'n', fit ->> 'n_positive') FROM fit}), 'converged 2357 398', 'the rows');
my @coefficients = (-0.0639578812244, -0.508445359343, 1.09188412087, 0.258687540203, -0.00593877666117);
my @errors = (0.746866795, 0.070741351, 0.228446863, 0.099303418, 0.002728067);
for my $i (0 .. 4)
{
	near("coefficient $i", "(logit_coefficients(fit))[$i + 1]", $coefficients[$i], 1e-8);
	near("standard error $i", "(SELECT standard_error FROM logit_table(fit) WHERE feature = $i)", $errors[$i], 1e-6);
}
near('log-likelihood', "(fit ->> 'log_likelihood')::float8", -855.008652156, 1e-11);
my $scored = '(SELECT logit_predict(fit, ARRAY[log_recency, log_frequency, log_monetary, tenure_days]) AS p, label = 1 AS label, p_hat FROM sample, fit) s';
near('AUC', "(SELECT auc(p, label) FROM $scored)", 0.793830048661, 1e-11);
near('Brier score', "(SELECT brier_score(p, label) FROM $scored)", 0.109756937418, 1e-10);
near('lift of the top tenth, 236 customers', "(SELECT lift(p, label, 0.1) FROM $scored)", 3.7139, 1e-4 / 3.7139);
is($node->safe_psql('postgres', "SELECT max(abs(p - p_hat)) < 1e-11 FROM $scored"), 't', 'every prediction of statsmodels');
is($node->safe_psql('postgres', "SELECT sum(customers) || ' ' || sum(positive) FROM calibration_table((SELECT calibration_bins(p, label, 10) FROM $scored))"), '2357 398', 'everybody is in one bin');

# The same bits in any order and with any number of workers
is($node->safe_psql('postgres', qq{
	SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = $_;
	SELECT fit = (SELECT logit_fit(label = 1, ARRAY[log_recency, log_frequency, log_monetary, tenure_days]) FROM sample) FROM fit}), 't', "$_ workers") for 0, 1, 2, 4;
is($node->safe_psql('postgres', qq{
	SELECT count(DISTINCT f) FROM (SELECT logit_fit(label = 1, ARRAY[log_recency, log_frequency, log_monetary, tenure_days] ORDER BY hashint8extended(customer_id, n)) AS f
		FROM sample, generate_series(1, 20) n GROUP BY n) s}), '1', 'twenty orders');

done_testing();
