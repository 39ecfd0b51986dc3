# Nobody can compute a number of fewer people than the minimum group size from
# all that the summaries of a model show a reader: a solver of the linear
# equations of all of them, over random shops.
use strict;
use warnings;
use ScoringCluster;
use Test::More;

my $node = new_node('cells');
$node->start;
$node->safe_psql('postgres', q{
	CREATE SCHEMA scoring;
	CREATE EXTENSION customer_scoring SCHEMA scoring;
	CREATE ROLE board LOGIN;
	-- the same numbers on every major version
	CREATE FUNCTION public.draw(seed int, i int, what text) RETURNS float8 LANGUAGE sql IMMUTABLE AS
		$$SELECT ('x' || left(md5(format('%s %s %s', seed, i, what)), 7))::bit(28)::int / 268435456.0$$;
});

# A shop of n customers: most buy once, some often; a city has half of them, one
# value is unique, the smallest city lies alone in its region.
sub make_shop
{
	my ($seed, $n, $minimum, $more) = @_;
	$node->safe_psql('postgres', qq{
		SET search_path = public, scoring;
		SELECT drop_model(m) FROM unnest('{shop,whole}'::text[]) AS m WHERE to_regnamespace(m) IS NOT NULL;
		DROP TABLE IF EXISTS people, orders;
		CREATE TABLE people AS
		SELECT 'C' || i AS customer, (ARRAY['Paris', 'Paris', 'Paris', 'Lyon', 'Lyon', 'Brest', 'Lille'])[1 + (draw($seed, i, 'city') ^ 1.3 * 7)::int % 7] AS city,
		       NULL::text AS region, CASE WHEN i = 7 THEN 'mayor' WHEN draw($seed, i, 'job') < 0.3 THEN 'nurse' ELSE 'other' END AS job, draw($seed, i, 'known') AS known, (draw($seed, i, 'age') ^ 2 * 12)::int AS age
		  FROM generate_series(1, $n) AS i;
		UPDATE people SET region = CASE city WHEN 'Brest' THEN 'west' WHEN 'Lille' THEN 'north' WHEN 'Lyon' THEN 'south' ELSE 'centre' END;
		CREATE TABLE orders AS
		SELECT p.customer, date '2025-12-31' - (draw($seed, i, 'last') ^ 2 * 700)::int - (k * (5 + 60 * draw($seed, i, 'gap')))::int AS day,
		       round((5 + 90 * draw($seed, i, 'basket') ^ 3 + 10 * draw($seed, i * 100 + k, 'value'))::numeric, 2) AS value
		  FROM people AS p CROSS JOIN LATERAL (SELECT substr(p.customer, 2)::int AS i) AS c
		 CROSS JOIN LATERAL generate_series(0, (draw($seed, i, 'orders') ^ 4 * 14)::int) AS k
		 WHERE p.known < 0.97;
		SELECT create_model(m, 'orders', customer => 'customer', day => 'day', value => 'value', as_of => '2025-12-31', customers => 'people', customers_key => 'customer',
		  attributes => '{city,region,job,age}', minimum_group_size => CASE m WHEN 'shop' THEN $minimum ELSE 1 END$more) FROM unnest('{shop,whole}'::text[]) AS m;
		SELECT override_segment(m, 'C' || i, 'vip', 'known') FROM unnest('{shop,whole}'::text[]) AS m, generate_series(1, $n, $n / 4) AS i
		 WHERE EXISTS (SELECT FROM orders WHERE customer = 'C' || i);
		SELECT grant_reader('shop', 'board');
	});
}

# What is shown of one day: table, the cell as conditions on a customer, its
# customers or nothing, and the conditions of the total of which it shows a share.
my $everything = q{
	SELECT 'summary', 'segment=' || segment, customers, CASE WHEN customers_share IS NOT NULL THEN 'everybody' END FROM MODEL.segment_summary
	UNION ALL SELECT 'summary', 'segment=' || segment || ';overridden=t', customers_overridden, NULL FROM MODEL.segment_summary
	UNION ALL SELECT dimension, dimension || '=' || score, customers, CASE WHEN customers_share IS NOT NULL THEN dimension || '=*' END FROM MODEL.score_distribution
	UNION ALL SELECT 'grid', 'recency=' || r_score || ';frequency=' || f_score, customers, CASE WHEN customers_share IS NOT NULL THEN 'frequency=*' END FROM MODEL.rfm_grid
	UNION ALL SELECT 'attribute ' || attribute, attribute || '=' || attribute_value || ';segment=' || segment, customers,
		CASE WHEN customers_share IS NOT NULL THEN attribute || '=' || attribute_value END FROM MODEL.attribute_summary
	UNION ALL SELECT concat_ws(' ', 'profile', p.attribute, w.what), p.cell || ';segment=' || p.segment, p.customers, w.total
		FROM (SELECT p.*, CASE attribute WHEN 'age' THEN 'fifth' ELSE attribute END || '=' || coalesce(value, '') AS cell FROM MODEL.segment_profile AS p) AS p,
		     LATERAL (VALUES ('all', 'everybody'), ('segments', 'segment=' || p.segment), ('values', p.cell)) AS w (what, total)
	UNION ALL SELECT 'cohorts', 'cohort=' || to_char(cohort_month, 'YYYY-MM'), customers, NULL FROM MODEL.cohort_retention() WHERE months_since = 0
	UNION ALL SELECT 'weeks', 'week=' || to_char(cohort_week, 'IYYY-IW'), customers, NULL FROM MODEL.weekly_cohort_retention() WHERE weeks_since = 0
	UNION ALL SELECT 'history', 'segment=' || segment, customers, CASE WHEN customers_share IS NOT NULL THEN 'everybody' END FROM MODEL.segment_history('2025-12-31', '2025-12-31')
	UNION ALL SELECT 'transitions', 'segment=' || to_segment, customers, NULL FROM MODEL.segment_transitions('2025-12-31', '2025-12-31')
	UNION ALL SELECT 'thresholds', 'ordered=t', max(calibrated_customers), NULL FROM MODEL.thresholds
	UNION ALL SELECT 'kpi ' || kpi, CASE WHEN everybody THEN 'everybody' ELSE 'segment=' || segment END, value::bigint, NULL FROM MODEL.segment_kpis WHERE kpi = 'customers'
	UNION ALL SELECT 'months', 'segment=' || segment, customers, CASE WHEN customers_share IS NOT NULL THEN 'everybody' END FROM MODEL.segment_history_12m WHERE as_of = '2025-12-31'
	UNION ALL SELECT 'headline ' || w.what, w.what, w.customers, NULL FROM MODEL.headline AS h,
		LATERAL (VALUES ('everybody', h.customers), ('segment=prospects', h.prospects), ('segment=at_risk', h.at_risk_customers)) AS w (what, customers)};
# Who was where when the 90 days began, and is where now. Beside all of now; what the summaries of the first day
# add is told by two days that are asked for one after the other.
my $moves = q{
	SELECT 'moves', 'then=' || from_segment || ';segment=' || to_segment, customers, NULL FROM MODEL.segment_moves_90d
	UNION ALL SELECT 'now', 'segment=' || segment, customers, CASE WHEN customers_share IS NOT NULL THEN 'everybody' END FROM MODEL.segment_summary};
# Who ordered in the year, and in the one before: people, and what they brought.
my $year = q{
	SELECT 'active', 'year=t', active_customers_12m, NULL FROM MODEL.headline
	UNION ALL SELECT 'active before', 'before=t', active_customers_12m_before, NULL FROM MODEL.headline
	UNION ALL SELECT 'everybody', 'everybody', customers, NULL FROM MODEL.headline
	UNION ALL SELECT 'brought', 'year=t', CASE WHEN coalesce(revenue_12m, orders_12m, mean_basket_12m) IS NOT NULL THEN -1 END, NULL FROM MODEL.headline
	UNION ALL SELECT 'brought before', 'before=t', CASE WHEN coalesce(revenue_12m_before, orders_12m_before, mean_basket_12m_before, revenue_12m_change::numeric) IS NOT NULL THEN -1 END, NULL FROM MODEL.headline
	UNION ALL SELECT 'brought', CASE WHEN NOT everybody THEN 'segment=' || segment || ';' ELSE '' END || 'year=t', CASE WHEN NOT suppressed THEN -1 END, NULL
	  FROM MODEL.segment_kpi_history('2024-12-31', '2025-12-31', '365 days') WHERE kpi = 'revenue'};
# What people brought in the 90 days: sums over those who ordered, which no other table tells.
my $sales = q{
	SELECT 'kpi ' || kpi, CASE WHEN NOT everybody THEN 'segment=' || segment || ';' ELSE '' END || 'bought=*', CASE WHEN NOT suppressed THEN -1 END, NULL
	  FROM MODEL.segment_kpis WHERE kpi IN ('revenue', 'mean_basket', 'orders_per_customer')};
# Rates of the 90 days are of those who were in a segment when they began.
my $rates = q{
	SELECT 'kpi ' || k.kpi || ' ' || p.no, CASE WHEN k.everybody THEN 'then=*' ELSE 'then=' || k.segment END || p.part, CASE WHEN NOT k.suppressed THEN p.customers::bigint END, NULL
	  FROM MODEL.segment_kpis AS k CROSS JOIN LATERAL (VALUES ('conversion_rate', 1, '', k.n), ('conversion_rate', 2, ';bought=*', coalesce(k.value * k.n, 0)), ('repeat_rate', 1, ';bought=*', k.n), ('repeat_rate', 2, ';bought=2', coalesce(k.value * k.n, 0)),
	       ('retention_rate', 1, ';earlier=t', k.n), ('retention_rate', 2, ';earlier=t;bought=*', coalesce(k.value * k.n, 0)), ('churn_rate', 1, ';earlier=t', k.n)) AS p (kpi, no, part, customers) WHERE p.kpi = k.kpi};
my $predicted = q{
	UNION ALL SELECT 'prediction', 'segment=' || segment, customers, NULL FROM MODEL.prediction_by_segment
	UNION ALL SELECT 'predicted', 'segment=' || segment || ';valued=t', predicted_customers, CASE WHEN clv_12m_share IS NOT NULL THEN 'valued=t' END FROM MODEL.prediction_by_segment
	UNION ALL SELECT 'headline', 'valued=t', CASE WHEN clv_12m IS NOT NULL THEN -1 END, NULL FROM MODEL.headline};
my $clustered = q{
	UNION ALL SELECT 'clusters', 'cluster=' || cluster, customers, CASE WHEN customers_share IS NOT NULL THEN 'cluster=*' END FROM MODEL.clusters
	UNION ALL SELECT 'means', 'cluster=' || cluster, customers, CASE WHEN mean_of_all IS NOT NULL THEN 'cluster=*' END FROM MODEL.cluster_inputs WHERE input_order = 1
	UNION ALL SELECT 'nearest', 'cluster=' || cluster || ';segment=' || nearest_segment, round((nearest_segment_share * customers)::numeric), NULL FROM MODEL.clusters WHERE nearest_segment IS NOT NULL
	UNION ALL SELECT concat_ws(' ', 'cluster profile', p.attribute, w.what), p.cell || ';cluster=' || p.cluster, p.customers, w.total
		FROM (SELECT p.*, CASE attribute WHEN 'age' THEN 'fifth' ELSE attribute END || '=' || coalesce(value, '') AS cell FROM MODEL.cluster_profile AS p) AS p,
		     LATERAL (VALUES ('all', 'cluster=*'), ('clusters', 'cluster=' || p.cluster), ('values', p.cell || ';cluster=*')) AS w (what, total)};

sub rows
{
	my ($sql, $role) = @_;
	# each view that is asked for is read once
	my %views = map { $_ => 1 } $sql =~ /\b(?:shop|whole)\.\w+\b(?!\()/g;
	$sql = 'WITH ' . join(', ', map { my $name = s/\./_/r; $sql =~ s/\Q$_\E\b(?!\()/$name/g; "$name AS MATERIALIZED (SELECT * FROM $_)" } sort keys %views) . "\n$sql" if %views;
	my ($status, $out, $err) = $node->psql('postgres', "SET ROLE $role;\n$sql", extra_params => ['-qAt', '-F', "\t"], on_error_die => 1);
	return map { [ split /\t/, $_, -1 ] } grep { $_ ne '' } split /\n/, $out;
}

# Everybody, by all that any of these tables tells apart.
sub classes
{
	my ($valued, $cluster) = @_;
	my @names = ('segment', 'overridden', 'recency', 'frequency', 'monetary', 'basket', 'cohort', 'week', 'ordered', 'city', 'region', 'job', 'age', 'fifth', 'valued', 'then', 'bought', 'earlier', 'year', 'before', 'cluster');
	return map { my @v = @$_; my $n = pop @v; { n => $n, map { $names[$_] => $v[$_] } 0 .. $#names } } rows(qq{
		SELECT segment, segment_overridden, r_score, f_score, m_score, basket_score, to_char(as_of - tenure_days, 'YYYY-MM'), to_char(as_of - tenure_days, 'IYYY-IW'), CASE WHEN recency_days IS NOT NULL THEN 't' END,
		       city, region, job, age, scoring._fifth_range('whole', k.cuts, scoring.score(age, k.cuts), 'en'), CASE WHEN $valued THEN 't' END, t.segment_then, nullif(least(coalesce(o.bought, 0), 2), 0), CASE WHEN o.earlier > 0 THEN 't' END, CASE WHEN o.year > 0 THEN 't' END, CASE WHEN o.before > 0 THEN 't' END, $cluster, count(*) FROM whole.customer_scores AS c
		  LEFT JOIN (SELECT customer_key, segment AS segment_then FROM whole.customer_scores_at('2025-10-02')) AS t USING (customer_key)
		  LEFT JOIN (SELECT customer AS customer_key, count(*) FILTER (WHERE day > '2025-10-02' AND day <= '2025-12-31') AS bought,
			count(*) FILTER (WHERE day > date '2025-10-02' - 90 AND day <= '2025-10-02') AS earlier, count(*) FILTER (WHERE day > '2024-12-31' AND day <= '2025-12-31') AS year,
			count(*) FILTER (WHERE day > date '2024-12-31' - 365 AND day <= '2024-12-31') AS before FROM orders GROUP BY 1) AS o USING (customer_key),
		       (SELECT scoring.quantile_thresholds(age, 5) AS cuts FROM whole.customer_scores) AS k GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21}, 'postgres');
}

sub members
{
	my ($conditions, $classes) = @_;
	my @conditions = $conditions eq 'everybody' ? () : map { [ split /=/, $_, 2 ] } split /;/, $conditions;
	return [ grep { my $c = $classes->[$_]; !grep { $_->[1] eq '*' ? $c->{ $_->[0] } eq '' : $c->{ $_->[0] } ne $_->[1] } @conditions } 0 .. $#$classes ];
}

# A basis of what is known in reduced row echelon form. Modulo a prime, which is
# exact where it says that something doesn't follow: what follows over the
# rational numbers follows modulo every prime that divides no denominator.
my $prime = 2147483647;

sub inverse
{
	my ($a) = @_;
	my ($result, $exponent) = (1, $prime - 2);
	while ($exponent)
	{
		$result = $result * $a % $prime if $exponent & 1;
		$a = $a * $a % $prime;
		$exponent >>= 1;
	}
	return $result;
}

# The sum over some classes, less what the rows say of it: no row has the pivot of another.
sub reduced
{
	my ($rows, $classes, $n) = @_;
	use integer;
	my @vector = (0) x $n;
	$vector[$_] = 1 for @$classes;
	for my $row (map { $rows->{$_} // () } @$classes)
	{
		$vector[$_] -= $row->[$_] for 0 .. $n - 1;
	}
	$_ %= $prime, $_ += $_ < 0 ? $prime : 0 for @vector;
	return \@vector;
}

sub add
{
	my ($rows, $classes, $n) = @_;
	use integer;
	my $vector = reduced($rows, $classes, $n);
	my @columns = grep { $vector->[$_] } 0 .. $n - 1;
	return unless @columns;
	my $pivot = $columns[0];
	my $factor = inverse($vector->[$pivot]);
	$_ = $_ * $factor % $prime for @$vector;
	for my $row (values %$rows)
	{
		my $value = $prime - ($row->[$pivot] || next);
		$row->[$_] = ($row->[$_] + $value * $vector->[$_]) % $prime for @columns;
	}
	$rows->{$pivot} = $vector;
}

# Does the sum over some classes follow? Then the rows with pivots among them add up to it.
# Of nearly all sets the first class that is looked at says no.
sub follows
{
	my ($rows, $classes, $n) = @_;
	use integer;
	my @rows = map { $rows->{$_} // () } @$classes;
	my %is_in = map { $_ => 1 } @$classes;
	for my $c (@$classes, 0 .. $n - 1)
	{
		my $sum = 0;
		$sum += $_->[$c] for @rows;
		return 0 if $sum % $prime != ($is_in{$c} // 0);
	}
	return 1;
}

my ($all_cells, $all_hidden, $all_small, $everybodys) = (0, 0, 0, 0);

sub check_shop
{
	my ($name, $minimum, $summaries, @classes) = @_;
	my $people = sub { my $n = 0; $n += $classes[$_]{n} for @{ $_[0] }; $n };
	my %rows;
	my (%shown, %targets, %cells);
	my $problems = '';
	my ($cells, $hidden) = (0, 0);
	for my $row (rows($summaries =~ s/MODEL/shop/gr, 'board'))
	{
		my ($table, $conditions, $customers, $total) = @$row;
		my $members = members($conditions, \@classes);
		my $n = $people->($members);
		$cells{$conditions} = $members;
		# a cell of nobody is no news
		$cells++ if $n > 0;
		if ($customers eq '')
		{
			$hidden++ if $n > 0;
			$targets{$conditions} = $members if $n > 0 && $n < $minimum;
		}
		else
		{
			$problems .= "$table: $conditions has $n, and shows $customers\n" if $customers >= 0 && $customers != $n || $n > 0 && $n < $minimum;
			$shown{"$table|$conditions"} = $members if $n > 0;
		}
		$shown{"total|$total"} = members($total, \@classes) if $total ne '';
	}
	add(\%rows, $shown{$_}, scalar @classes) for sort keys %shown;

	# what isn't shown at all counts too: the cells of the whole tables
	for my $row (rows($summaries =~ s/MODEL/whole/gr, 'postgres'))
	{
		my $members = members($row->[1], \@classes);
		my $n = $people->($members);
		$cells{ $row->[1] } = $members;
		$targets{ $row->[1] } = $members if $n > 0 && $n < $minimum;
	}
	# and what is of two cells, or of one and not of the other; a class is one person at least
	my @cells = map { my $bits = ''; vec($bits, $_, 1) = 1 for $#classes, @{ $cells{$_} }; vec($bits, $#classes, 1) = 0 unless grep { $_ == $#classes } @{ $cells{$_} };
		[ $_, $bits, $cells{$_} ] } sort grep { @{ $cells{$_} } } keys %cells;
	for my $i (0 .. $#cells)
	{
		for my $j ($i + 1 .. $#cells)
		{
			my $both = unpack('%32b*', $cells[$i][1] & $cells[$j][1]) or next;
			for my $pair ([ @cells[ $i, $j ] ], [ @cells[ $j, $i ] ])
			{
				my ($x, $y) = @$pair;
				my $less = @{ $x->[2] } - $both or next;
				for my $part ($both < $minimum ? [ 'and', 1 ] : (), $less < $minimum ? [ 'and not', 0 ] : ())
				{
					my @part = grep { vec($y->[1], $_, 1) == $part->[1] } @{ $x->[2] };
					$targets{"$x->[0] $part->[0] $y->[0]"} = \@part if $people->(\@part) < $minimum;
				}
			}
		}
	}
	my %seen;
	for my $target (sort keys %targets)
	{
		next if $seen{"@{$targets{$target}}"}++;
		$problems .= sprintf("%s: %d can be computed\n", $target, $people->($targets{$target})) if follows(\%rows, $targets{$target}, scalar @classes);
	}
	# a difference of sums: what a cell has beyond the shown cells of a table
	my %tables;
	push @{ $tables{ (split /\|/, $_)[0] } }, $_ for keys %shown;
	for my $whole (sort keys %shown)
	{
		my %in = map { $_ => 1 } @{ $shown{$whole} };
		for my $table (sort keys %tables)
		{
			my %rest = %in;
			for my $cell (@{ $tables{$table} })
			{
				next if grep { !$in{$_} } @{ $shown{$cell} };
				delete $rest{$_} for @{ $shown{$cell} };
			}
			my $n = $people->([ keys %rest ]);
			$problems .= "$whole without the cells of $table: $n\n" if $n > 0 && $n < $minimum;
		}
	}
	$all_cells += $cells;
	$all_hidden += $hidden;
	$all_small += scalar keys %targets;
	is($problems, '', "$name: nothing of fewer than $minimum can be computed");
	note(sprintf('%s: %d classes, %d cells of somebody, %d hidden, %d small sets looked for', $name, scalar @classes, $cells, $hidden, scalar keys %seen));
}

# [seed, customers, minimum, further settings]
my @shops = ([ 1, 80, 5, '' ], [ 3, 240, 10, '' ], [ 4, 400, 5, q{, prediction => 'mbgnbd', clusters => 7} ], [ 5, 600, 10, q{, clusters => 12} ]);
@shops = map { [ split(/,/, $_, 3), '' ] } split / /, $ENV{SMALL_CELL_SHOPS} if $ENV{SMALL_CELL_SHOPS};
for my $shop (@shops)
{
	my ($seed, $n, $minimum, $more) = @$shop;
	make_shop($seed, $n, $minimum, $more);
	my ($predicts, $clusters) = (scalar($more =~ /prediction/), scalar($more =~ /clusters/));
	my @classes = classes($predicts ? 'clv_12m IS NOT NULL' : 'false', $clusters ? 'cluster' : 'NULL::int');
	check_shop("shop $seed of $n", $minimum, $everything . ($predicts ? $predicted : '') . ($clusters ? $clustered : ''), @classes);
	check_shop("sales of shop $seed of $n", $minimum, $sales, @classes);
	check_shop("rates of shop $seed of $n", $minimum, $rates, @classes);
	if ($n < 500)
	{
		check_shop("moves of shop $seed of $n", $minimum, $moves, @classes);
		check_shop("year of shop $seed of $n", $minimum, $year, @classes);
	}
	$everybodys += rows(q{SELECT 1 FROM shop.segment_kpis WHERE everybody AND NOT suppressed}, 'board');
}
cmp_ok($everybodys, '>=', 8 * @shops, 'key figures of everybody are shown though some of segments are not');
cmp_ok($all_hidden, '<', 0.6 * $all_cells, 'most of what there is to show is shown');

# A value of an attribute that one person has: nothing says in which segment.
is(join('|', map { @$_ } rows(q{SELECT count(*) FILTER (WHERE attribute_value = 'mayor'), count(*) FILTER (WHERE attribute_value = 'other' AND segment = 'vip') FROM shop.attribute_summary}, 'board')),
	'0|1', 'a value that few people have has no rows, the others a row for every segment');

# One customer whose total is known to the cent from what is beside them.
$node->safe_psql('postgres', q{
	SET search_path = public, scoring;
	CREATE TABLE b2b (c text, d date, v numeric);
	INSERT INTO b2b SELECT 'K' || i, date '2025-12-31' - i % 25, 20 + i FROM generate_series(1, 60) AS i;
	INSERT INTO b2b SELECT 'L' || i, date '2025-12-31' - i % 25 - k * 3, 20 + i FROM generate_series(1, 45) AS i, generate_series(0, 2) AS k;
	INSERT INTO b2b SELECT 'famous', date '2024-01-01' + k, 4811.30 FROM generate_series(1, 12) AS k;
	SELECT create_model('b2b', 'b2b', customer => 'c', day => 'd', value => 'v', as_of => '2025-12-31', minimum_group_size => 40);
	SELECT alter_model('b2b', monetary_thresholds => '{1,2,3,100000}');
	SELECT grant_reader('b2b', 'board');
});
sub shown { return join(' ', map { join(':', @$_) } rows($_[0], 'board')) }
is(shown('SELECT r_score, f_score, customers, revenue FROM b2b.rfm_grid WHERE suppressed OR customers > 0 ORDER BY 1 DESC, 2'), '5:1:60:3030.00 5:3:: 1:5::',
	'a small cell that is alone in its row and its column is not the only one that is hidden');
is(shown('SELECT segment, customers, revenue FROM b2b.segment_summary WHERE suppressed OR customers > 0'), 'new_customers:60:3030.00 regular:: at_risk::', 'two segments are hidden');
is(shown(q{SELECT from_segment, to_segment, customers, revenue, customers_by_thresholds FROM b2b.segment_transitions('2025-12-31', '2025-12-31')}),
	'new_customers:new_customers:60:3030.00:0 regular:regular::: at_risk:at_risk:::', '... in the moves of the day as well');
is(shown(q{SELECT segment, customers, revenue FROM b2b.segment_history('2025-12-31', '2025-12-31')}), 'new_customers:60:3030.00 regular:: at_risk::', '... and in the history');
is(shown(q{SELECT count(*), count(*) FILTER (WHERE suppressed) FROM b2b.segment_transitions('2025-11-30', '2025-12-31') WHERE to_segment IN ('regular', 'at_risk')}), '2:2',
	'... and in the moves from any other day');

# What days tell that are asked for one after the other is not hidden, as docs/privacy.md says.
is(shown(q{SELECT b.customers - a.customers FROM b2b.segment_history('2025-12-30', '2025-12-30') AS a JOIN b2b.segment_history('2025-12-31', '2025-12-31') AS b USING (segment) WHERE segment = 'new_customers'}),
	'1', 'two days together tell of who came between them');

# Prospects that are too few are not the rest of everybody.
$node->safe_psql('postgres', q{
	SET search_path = public, scoring;
	CREATE TABLE clients AS SELECT DISTINCT c FROM b2b UNION ALL VALUES ('new 1'), ('new 2');
	SELECT create_model('b2c', 'b2b', customer => 'c', day => 'd', value => 'v', as_of => '2025-12-31', customers => 'clients', customers_key => 'c', minimum_group_size => 5);
	SELECT grant_reader('b2c', 'board');
});
is(shown(q{SELECT count(*) FILTER (WHERE NOT suppressed AND customers > 0) > 0, count(customers_share), bool_and(suppressed) FILTER (WHERE segment = 'prospects') FROM b2c.segment_summary}), 't:0:t',
	'where prospects are too few, everybody is not told: no shares');

# With more than 5,000 classes kinds are looked at one by one, each beside the one before.
is($node->safe_psql('postgres', q{
	SELECT string_agg(g, ' ' ORDER BY g COLLATE "C") FROM (
		SELECT scoring.shown_groups(1, ARRAY['o', 't', 's' || s, 'v' || v, 'w' || s || v, 'z' || i], 5, 3, 0) AS shown
		  FROM (SELECT i, CASE WHEN i <= 3 OR i > 3000 THEN 2 ELSE 1 END AS s, CASE WHEN i <= 100 THEN 'A' ELSE 'B' END AS v FROM generate_series(1, 6000) AS i) AS x) AS x,
		unnest(shown) AS g}), 'o s1 s2 t vA vB', 'cells of a value beside its total: of 97 and 3 none is shown, nor their rests');

# In a large table no line has one hidden cell, or hidden cells of too few people.
is($node->safe_psql('postgres', q{
	SELECT count(*) > 100, count(*) FILTER (WHERE hidden = 1 OR people < 10) FROM (
		SELECT line, count(*) FILTER (WHERE is_hidden) AS hidden, sum(customers) FILTER (WHERE is_hidden) AS people
		  FROM (SELECT i, customers, row_of, column_of, scoring.is_small_cell(customers, 10, row_of, column_of) OVER (ORDER BY i RANGE BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS is_hidden
			  FROM (SELECT i, (i * 37 % 101)::bigint AS customers, i / 8 AS row_of, i % 8 AS column_of FROM generate_series(0, 3999) AS i) AS c) AS c
		 CROSS JOIN LATERAL (VALUES ('row ' || row_of), ('column ' || column_of)) AS l (line)
		 WHERE customers > 0 GROUP BY line) AS l WHERE hidden > 0}), 't|0', 'a table of 4,000 cells, line by line');

# Nothing of it where nothing is to be hidden
unlike($node->safe_psql('postgres', q{SELECT string_agg(pg_get_viewdef(c.oid), '') FROM pg_class AS c WHERE c.relnamespace = 'whole'::regnamespace AND c.relkind = 'v'}), qr/shown_groups/,
	'a minimum of one costs nothing');

done_testing();
