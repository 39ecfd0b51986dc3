# What EXPLAIN tells a reader of one tenant about the customers of another, as
# docs/privacy.md says, and what it doesn't.
use strict;
use warnings;
use JSON::PP;
use ScoringCluster;
use Test::More;

my $node = new_node('explain');
$node->start;
$node->safe_psql('postgres', q{
	CREATE SCHEMA scoring;
	CREATE EXTENSION customer_scoring SCHEMA scoring;
	CREATE ROLE lyon LOGIN;
	CREATE TABLE orders (shop text, customer text, day date, value numeric);
	INSERT INTO orders SELECT shop, 'C' || i, date '2025-12-31' - i, 10 + i FROM unnest('{lyon,paris}'::text[]) AS shop, generate_series(1, 300) AS i WHERE shop = 'paris' OR i <= 100;
	CREATE TABLE people AS SELECT DISTINCT shop, customer, CASE WHEN customer = 'C3' THEN 'Brest' ELSE 'Nantes' END AS city FROM orders;
	ALTER TABLE people ADD PRIMARY KEY (shop, customer);
	SELECT scoring.create_model('chain', 'orders', customer => 'customer', day => 'day', value => 'value', tenant => 'shop', customers => 'people', attributes => '{city}', as_of => '2025-12-31');
	SELECT scoring.grant_reader('chain', 'lyon', 'lyon');
	ANALYZE;
});

# The rows that the nodes over stored tables have had in the plan of a query
sub seen
{
	my ($query) = @_;
	my ($status, $out, $err) = $node->psql('postgres', "SET ROLE lyon;\nEXPLAIN (ANALYZE, TIMING OFF, SUMMARY OFF, COSTS OFF, FORMAT JSON) $query", extra_params => ['-qAt'], on_error_die => 1);
	my $rows = 0;
	my @nodes = map { $_->{Plan} } @{ decode_json($out) };
	while (my $n = shift @nodes)
	{
		push @nodes, @{ $n->{Plans} // [] };
		$rows += $n->{'Actual Rows'} * $n->{'Actual Loops'} if ($n->{'Relation Name'} // '') =~ /^(customer_histories|people)$/;
	}
	return $rows;
}
sub answer { my ($query) = @_; return $node->safe_psql('postgres', "SET ROLE lyon;\n$query") }

# There is no row of another tenant in any answer.
is(answer(q{SELECT count(*) FROM chain.customer_scores WHERE customer_key = 'lyon:C3'}), '1', 'a customer of their own');
is(answer(q{SELECT count(*) FROM chain.customer_scores WHERE customer_key = 'paris:C3'}), '0', 'none of another tenant');

# But the plan says what was looked for and found on the way.
cmp_ok(seen(q{SELECT * FROM chain.customer_scores WHERE customer_key = 'paris:C3'}), '>', 0, 'EXPLAIN ANALYZE tells that another tenant has a customer');
is(seen(q{SELECT * FROM chain.customer_scores WHERE customer_key = 'paris:C999'}), 0, '... or not');
my ($brest, $nantes) = map { seen("SELECT customer_key, city FROM chain.customer_scores WHERE customer_key = 'paris:C3' AND city = '$_'") } 'Brest', 'Nantes';
cmp_ok($brest, '!=', $nantes, '... and what the table of people says of them');

# Facts, scores and segments are computed of those alone who may be seen.
for my $condition ('frequency = %s', 'recency_days = %s', 'monetary = %s', 'r_score = %s')
{
	my ($column) = split / /, $condition;
	my $value = $node->safe_psql('postgres', "SELECT $column FROM chain.customer_scores WHERE customer_key = 'paris:C3'");
	my ($right, $wrong) = map { seen("SELECT customer_key FROM chain.customer_scores WHERE customer_key = 'paris:C3' AND " . sprintf($condition, $_)) } $value, $value + 1;
	is($right, $wrong, "nothing of $column");
}
my $segment = $node->safe_psql('postgres', q{SELECT segment FROM chain.customer_scores WHERE customer_key = 'paris:C3'});
is(seen("SELECT customer_key FROM chain.customer_scores WHERE customer_key = 'paris:C3' AND segment = '$segment'"),
	seen(q{SELECT customer_key FROM chain.customer_scores WHERE customer_key = 'paris:C3' AND segment = 'none'}), 'nothing of the segment');

# Dated functions are a closed box.
$node->safe_psql('postgres', q{REVOKE SELECT ON ALL TABLES IN SCHEMA chain FROM lyon});
is(answer(q{SELECT count(*) FROM chain.customer_scores_at('2025-12-31')}), '100', 'functions go on where the views are taken away');
is(seen(q{SELECT * FROM chain.customer_scores_at('2025-12-31') WHERE customer_key = 'paris:C3'}), 0, 'EXPLAIN of a dated function tells nothing');
my @plans = map { answer("EXPLAIN (ANALYZE, TIMING OFF, SUMMARY OFF) SELECT * FROM chain.customer_scores_at('2025-12-31') WHERE customer_key = '$_'") } 'paris:C3', 'paris:C9';
is($plans[0] =~ s/C3/C9/gr, $plans[1], '... whoever is asked for');

done_testing();
