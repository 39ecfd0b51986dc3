# Buy-till-you-die models on the CDNOW sample of Fader and Hardie, where the files
# are there: fits, standard errors and every prediction against other
# implementations' numbers and 50-digit arithmetic.
use strict;
use warnings;
use ScoringCluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $data = $ENV{SHARED_DATA} // '';
my @files = map { "$data/cdnow_sample_$_.csv" } qw(btyd oracle mpmath50);
push @files, "$data/cdnow_sample.csv";
my ($missing) = grep { !-r $_ } @files;
if (defined $missing)
{
	SKIP: { skip "the CDNOW data set is not here: there is no file $missing", 1 }
	done_testing();
	exit;
}

my $node = new_node('cdnow');
$node->append_conf('postgresql.conf', "jit = off\n");
$node->start;

# A table with the columns that the file's first line names.
sub load
{
	my ($table, $file) = @_;
	open my $in, '<', $file or die "$file: $!";
	my $header = <$in>;
	close $in;
	$header =~ s/\s+$//;
	my $columns = join ', ', map { "\"\L$_\E\" " . (/date/ ? 'date' : /_id$/ ? 'int' : 'float8') } split /,/, $header;
	$node->safe_psql('postgres', "CREATE TABLE $table ($columns)");
	$node->safe_psql('postgres', "\\copy $table FROM '$file' CSV HEADER");
}
$node->safe_psql('postgres', 'CREATE SCHEMA scoring; CREATE EXTENSION customer_scoring SCHEMA scoring; ALTER DATABASE postgres SET search_path = public, scoring');
load('customer', $files[0]);
load('oracle', $files[1]);
load('exact', $files[2]);
load('orders', $files[3]);
$node->safe_psql('postgres', q{
	CREATE TABLE shop AS SELECT customer_id, history_agg(order_date, amount) AS history FROM orders GROUP BY customer_id;
	CREATE TABLE summary AS SELECT customer_id, b.* FROM shop, btyd(history, '1997-09-30') AS b});

is($node->safe_psql('postgres', q{
	SELECT count(*), count(*) FILTER (WHERE s.x <> c.x OR round(s.t_x * 7) <> c.t_x_days OR round(s.t * 7) <> c.t_days),
	       count(*) FILTER (WHERE abs(coalesce(s.m, 0) - c.zbar) > 1e-9)
	  FROM summary s JOIN customer c USING (customer_id)}), '2357|0|0', 'btyd: the summaries of all customers');

# Maximum likelihood: 40-digit Newton steps
my %maximum = (
	bgnbd => [ -9582.42920667393, [ 'r', 0.242594522430157, 0.0125573 ], [ 'alpha', 4.413602019013503, 0.3782240 ], [ 'a', 0.792922017225597, 0.1857338 ], [ 'b', 2.425906776826332, 0.7054142 ] ],
	mbgnbd => [ -9582.13571555374, [ 'r', 0.524843159106297, 0.0832682 ], [ 'alpha', 6.183085279576004, 0.6956206 ], [ 'a', 0.891359390732215, 0.1547899 ], [ 'b', 1.614002240170343, 0.5374947 ] ],
	paretonbd => [ -9594.97617893954, [ 'r', 0.553277046853179, 0.0476279 ], [ 'alpha', 10.57768346330231, 0.8427225 ], [ 's', 0.606239989127826, 0.1872813 ], [ 'beta', 11.66873528885501, 6.2111135 ] ],
	gammagamma => [ -4055.91769480187, [ 'p', 6.249572271323756, 1.1900553 ], [ 'q', 3.744224667132024, 0.2901330 ], [ 'gamma', 15.44352096258923, 4.1594227 ] ]);
for my $family (sort keys %maximum)
{
	my $call = $family eq 'gammagamma' ? 'spend_fit(x, m)' : "btyd_fit('$family', x, t_x, t)";
	my ($log_likelihood, @parameters) = @{ $maximum{$family} };
	$node->safe_psql('postgres', "CREATE TABLE $family AS SELECT $call AS fit FROM summary");
	is($node->safe_psql('postgres', "SELECT fit ->> 'status', fit ->> 'n' FROM $family"), $family eq 'gammagamma' ? 'converged|946' : 'converged|2357', "$family: a fit");
	my $off = $node->safe_psql('postgres', "SELECT abs((fit ->> 'log_likelihood')::float8 / $log_likelihood - 1) FROM $family");
	cmp_ok($off, '<', 1e-13, "$family: log-likelihood");
	for my $parameter (@parameters)
	{
		my ($name, $value, $error) = @$parameter;
		my ($value_off, $error_off) = split /\|/, $node->safe_psql('postgres', qq{
			SELECT abs((fit #>> '{parameters,$name}')::float8 / $value - 1), abs((fit #>> '{standard_errors,$name}')::float8 / $error - 1) FROM $family});
		cmp_ok($value_off, '<', 1e-9, "$family: $name");
		cmp_ok($error_off, '<', 1e-5, "$family: standard error of $name");
	}
}

# The same bits whatever the order and the plan
my $all = q{SELECT btyd_fit('mbgnbd', x, t_x, t), btyd_fit('paretonbd', x, t_x, t), spend_fit(x, m) FROM };
my $serial = $node->safe_psql('postgres', "$all summary");
is($node->safe_psql('postgres', "SELECT setseed(0.1); CREATE TABLE shuffled$_ AS SELECT * FROM summary ORDER BY random(); $all shuffled$_") =~ s/^\s+//r, $serial, "the same bits, shuffled $_") for 1 .. 3;
for my $workers (1, 2, 4)
{
	is($node->safe_psql('postgres', "ALTER TABLE summary SET (parallel_workers = $workers); SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = $workers; $all summary"),
		$serial, "the same bits with $workers workers");
}

# Predictions at those parameters
my $fits = join ', ', map { "(SELECT jsonb_build_object('family', '$_', 'unit_days', 7, 'parameters', jsonb_build_object("
	  . join(', ', map { "'$_->[0]', $_->[1]" } @{ $maximum{$_} }[ 1 .. $#{ $maximum{$_} } ]) . ")) AS fit) $_" } sort keys %maximum;
my %prediction = (
	map({ my $p = $_ eq 'paretonbd' ? 'pnbd' : $_;
		("${p}_palive" => "btyd_alive($_.fit, c.x, c.t_x_days / 7, c.t_days / 7)",
			"${p}_e39" => "btyd_expected($_.fit, c.x, c.t_x_days / 7, c.t_days / 7, 39)",
			"clv12_$p" => "clv($_.fit, gammagamma.fit, c.x, c.t_x_days / 7, c.t_days / 7, c.mean, 12, 4.345, 0.01)") } qw(bgnbd mbgnbd paretonbd)),
	gg_eavg => 'spend_expected(gammagamma.fit, c.x, c.mean)');
my %source = (oracle => [ 1e-10, 2357, 'oracle JOIN (SELECT customer_id, x, t_x_days, t_days, repeat_amount / nullif(x, 0) AS mean FROM customer) c USING (customer_id)' ],
	exact => [ 1e-11, 50, '(SELECT *, repeat_amount / nullif(x, 0) AS mean FROM exact) c' ]);
for my $table (sort keys %source)
{
	my ($tolerance, $customers, $from) = @{ $source{$table} };
	for my $column (sort keys %prediction)
	{
		my ($n, $off) = split /\|/, $node->safe_psql('postgres', "SELECT count($prediction{$column}), max(abs($prediction{$column} / $column - 1)) FROM $from, $fits");
		is($n, $customers, "$table: $column of all");
		cmp_ok($off, '<', $tolerance, "$table: $column");
	}
}

# The log-likelihood of each customer is that of the whole
is($node->safe_psql('postgres', "SELECT abs(sum(${\($_ eq 'paretonbd' ? 'pnbd' : $_)}_ll) / (SELECT (fit ->> 'log_likelihood')::float8 FROM $_) - 1) < 1e-11 FROM oracle"), 't', "$_: likelihoods add up")
  for qw(bgnbd mbgnbd paretonbd);

# ... as it is here, customer by customer
for my $family (qw(bgnbd mbgnbd paretonbd))
{
	my $column = ($family eq 'paretonbd' ? 'pnbd' : $family) . '_ll';
	my $off = $node->safe_psql('postgres', "SELECT max(abs(btyd_log_likelihood($family.fit, c.x, c.t_x_days / 7, c.t_days / 7) - $column) / (1 + abs($column))) FROM $source{oracle}[2], $fits");
	cmp_ok($off, '<', 1e-10, "$family: the likelihood of each customer");
}

# Which family to take, by the criteria: four parameters each, so that the likelihood decides
is($node->safe_psql('postgres', q{SELECT string_agg(family, ' ' ORDER BY (fit ->> 'aic')::float8), max(abs((fit ->> 'aic')::float8 - (fit ->> 'bic')::float8 - (8 - 4 * ln(2357)))) < 1e-6
	  FROM (SELECT 'bgnbd' AS family, fit FROM bgnbd UNION ALL SELECT 'mbgnbd', fit FROM mbgnbd UNION ALL SELECT 'paretonbd', fit FROM paretonbd) f}), 'mbgnbd bgnbd paretonbd|t', 'aic and bic');

# No order in a horizon, and none in the next, is none in both
for my $family (qw(bgnbd mbgnbd paretonbd))
{
	my $off = $node->safe_psql('postgres', qq{
		SELECT max(abs(btyd_probability($family.fit, 0, x, t_x, t, 10) * btyd_probability($family.fit, 0, x, t_x, t + 10, 29) / btyd_probability($family.fit, 0, x, t_x, t, 39) - 1))
		  FROM summary, $fits});
	cmp_ok($off, '<', 1e-12, "$family: silence goes on");
}

# Who orders at all within the 39 weeks after: the probability of that answers, the probability of being a
# customer doesn't. 71.0 % had no order.
is($node->safe_psql('postgres', q{
	SELECT round(avg((x_holdout = 0)::int), 3), round(avg(btyd_probability(fit, 0, x, t_x, t, 39))::numeric, 3),
	       round(brier_score(btyd_probability(fit, 0, x, t_x, t, 39), x_holdout = 0)::numeric, 3),
	       round(avg(1 - btyd_alive(fit, x, t_x, t))::numeric, 3), round(brier_score(1 - btyd_alive(fit, x, t_x, t), x_holdout = 0)::numeric, 3)
	  FROM summary JOIN (SELECT customer_id, x_holdout FROM customer) c USING (customer_id), paretonbd}), '0.710|0.778|0.162|0.554|0.194',
	'paretonbd: who has no order in 39 weeks, by the probability of none and of having left');

# What was expected of the next 39 weeks, and what came
my ($bias) = $node->safe_psql('postgres', q{SELECT sum(btyd_expected(fit, x, t_x, t, 39)) / (SELECT sum(x_holdout) FROM customer) FROM summary, bgnbd});
cmp_ok(abs($bias - 1), '<', 0.15, 'bgnbd: orders expected in 39 weeks are near those that came');

done_testing();
