# The dashboard, built from models by roles that may do nothing but read them, and seen by
# a real browser: every chart has marks in proportion to the numbers of the views, tables
# and cards show these, in English and French, nothing is asked of another host, and words
# of a model are words.
use strict;
use warnings;
use utf8;
use File::Copy 'copy';
use File::Find 'find';
use FindBin;
use JSON::PP;
use ScoringCluster;
use ModelCluster;
use NodeClient;
use PostgreSQL::Test::Utils;
use Test::More;

my ($chromium) = grep { -x } $ENV{CHROMIUM} // (), qw(/usr/bin/chromium /usr/bin/chromium-browser);
plan skip_all => 'no Chromium here (package chromium)' unless $chromium;
$ENV{CHROMIUM} = $chromium;
my $from = "$FindBin::Bin/../../dashboard";
my $folder = node_folder(20, $from);
find({ no_chdir => 1, wanted => sub { my $to = $folder . substr $_, length $from; -d ? mkdir $to : copy($_, $to) } }, "$from/src");

my $node = new_node('dashboard');
$node->start;
# a name, a label, a category and an action that would be mark-up, and people with words for keys
$node->safe_psql('postgres', q{
	CREATE SCHEMA scoring; CREATE EXTENSION customer_scoring SCHEMA scoring; SET search_path = public, scoring;
	CREATE ROLE board LOGIN; CREATE ROLE branch LOGIN; CREATE ROLE outsider LOGIN;
	-- they buy at rates of their own, and leave after an order with a chance of their own
	CREATE TABLE orders AS SELECT 'secret-' || c.i AS customer_id, c.first + coalesce(o.day, 0)::int AS ordered_on, (20 + c.i % 7 * 5 + coalesce(o.k, 0) % 4 + 0.25)::numeric AS total,
		CASE (c.i * 7 + o.k) % 5 WHEN 0 THEN '<b>Toys</b> & "co"' WHEN 1 THEN 'books' ELSE 'garden' END AS category, CASE c.i % 2 WHEN 0 THEN 'north' ELSE 'south' END AS branch
	  FROM (SELECT i, date '2024-01-01' + floor(600 * d[1])::int AS first, -ln(d[2]) / 40 AS rate, least(40, floor(ln(d[4]) / ln(power(d[3], 0.4))))::int AS stays
	          FROM (SELECT i, ARRAY(SELECT ((hashint8extended(i, n) & 1048575) + 0.5) / 1048576 FROM generate_series(1, 4) AS n) AS d FROM generate_series(1, 800) AS i) AS d) AS c
	 CROSS JOIN LATERAL (SELECT 0 AS k, 0::float8 AS day UNION ALL
	                     SELECT k, ceil(sum(-ln(((hashint8extended(c.i, 100 + k) & 1048575) + 0.5) / 1048576) / c.rate) OVER (ORDER BY k)) FROM generate_series(1, c.stays) AS k) AS o
	 WHERE o.day <= date '2025-12-31' - c.first;
	CREATE TABLE people AS SELECT 'secret-' || c AS customer_id, date '2025-01-01' + c AS known_since FROM generate_series(1, 850) AS c;
	CREATE SCHEMA crm;
	SELECT create_segment_map('crm.mine', copy_of => 'essential');
	UPDATE crm.segment_label SET label = '<i>Best</i> & "dear"' WHERE segment = 'vip';
	SELECT create_model('the "A" <b>shop</b>', 'orders', customer => 'customer_id', day => 'ordered_on', value => 'total', as_of => '2025-12-31', prediction => 'mbgnbd',
		customers => 'people', customers_key => 'customer_id', known_since => 'known_since', segment_map => 'crm.mine');
	SELECT add_stream('the "A" <b>shop</b>', 'lines', 'orders', customer => 'customer_id', day => 'ordered_on', kind => 'category', value => 'total', role => 'line');
	SELECT set_goal('the "A" <b>shop</b>', 'regular', 'conversion_rate', 20, 'by_percent', '2026-06-30', action => '<img src=x onerror=alert(1)>', owner => 'R&D');
	SELECT set_goal('the "A" <b>shop</b>', NULL, 'mean_basket', 70, 'to', '2026-03-31');
	SELECT check_quality('the "A" <b>shop</b>');
	SELECT create_model('plain', 'orders', customer => 'customer_id', day => 'ordered_on', value => 'total', as_of => '2025-12-31', minimum_group_size => 40, language => 'fr');
	SELECT create_model('chain', 'orders', customer => 'customer_id', day => 'ordered_on', value => 'total', as_of => '2025-12-31', tenant => 'branch');
	SELECT grant_reader(m, 'board') FROM unnest('{"the \"A\" <b>shop</b>",plain,chain}'::text[]) AS m;
	SELECT grant_reader('chain', 'branch', 'north');
});
my $model = 'the "A" <b>shop</b>';
my $home = '"the ""A"" <b>shop</b>"';
my $site = "$folder/out";

sub in_node
{
	my ($role, $environment, @arguments) = @_;
	local @ENV{qw(PGHOST PGPORT PGUSER PGDATABASE)} = ($node->host, $node->port, $role, 'postgres');
	local @ENV{ keys %$environment } = values %$environment;
	my ($out, $err) = ('', '');
	my $ok = IPC::Run::run([ 'node', @arguments ], init => sub { chdir $folder or die "$folder: $!\n" }, '<', \undef, '>', \$out, '2>', \$err, IPC::Run::timeout(180));
	return ($ok ? 0 : 1, $out, $err);
}
sub look { my ($status, $out, $err) = in_node('board', {}, 'look.js', $site, @_); die $err if $status; return decode_json($out); }
sub rows_of { my ($sql) = @_; return @{ decode_json($node->safe_psql('postgres', "SELECT coalesce(json_agg(t), '[]') FROM ($sql) AS t", extra_params => [ '-U', 'board' ])) }; }

# --- the whole of it ---------------------------------------------------------------

my ($status, $out, $err) = in_node('board', {}, 'build', $model, '--out', $site);
is($status . $err, '0', 'one command builds it, by a role that may read the model and nothing else');
like($out, qr/^\Q$site\E\n  python3 -m http\.server -d /, '... and says how to look at it');
is(join(' ', glob "$folder/.build-*"), '', '... and leaves nothing behind');
my ($data) = glob "$site/_file/data/model.*.json";
unlike(slurp_file($data), qr/secret-|onerror.*set_by|postgres/, 'no customer, no role and no query is in it');

my $en = look('default');
is_deeply([ @$en{qw(errors elsewhere notFound language title)} ], [ [], [], [], 'en', $model ], 'a page without an error, and without a request to another host');
is(join('|', @{ $en->{headings} }), "$model|Segments|Recency and frequency|Moves in 90 days|Segments over time|Expected value|Goals|Categories|Data quality", 'all sections');
is(join(' ', grep { /^(b|i|img|script)$/ } @{ $en->{elements} }), 'i', 'words of a model are no elements (i: the legend)');
like($en->{text}, qr/<i>Best<\/i> & "dear"/, '... and are shown as they are');
is_deeply($en->{missing}, [], 'nothing is missing');
is($en->{scrolls}, 0, 'no wider than the window');

# numbers on the page are those of the views
sub plain { my ($x) = @_; return !defined $x ? '' : $x =~ /^-?\d+(\.\d+)?(e[-+]?\d+)?$/ ? sprintf '%.9g', $x : $x; }
sub same
{
	my ($seen, $table, $sql, @columns) = @_;
	my $shown = join "\n", map { my $r = $_; join '|', map { plain($r->{$_}{value}) } @columns } @{ $seen->{tables}{$table} };
	my @rows = rows_of($sql);
	cmp_ok(scalar @rows, '>', 0, "$table: there are rows");
	is($shown, join("\n", map { my $r = $_; join '|', map { plain($r->{$_}) } @columns } @rows), "$table: what the view says");
}
same($en, 'segments', "SELECT * FROM $home.segment_summary", qw(segment_label customers customers_share revenue median_recency_days));
same($en, 'grid', "SELECT * FROM $home.rfm_grid", qw(r_range f_range customers revenue));
same($en, 'moves', "SELECT * FROM $home.segment_moves_90d", qw(from_label to_label customers revenue));
same($en, 'history', "SELECT * FROM $home.segment_history_12m", qw(as_of segment_label customers revenue));
same($en, 'expected', "SELECT * FROM $home.prediction_by_segment", qw(segment_label customers clv_12m mean_churn_probability));
same($en, 'goals', "SELECT * FROM $home.goals", qw(segment_label kpi baseline actual target_value status));
same($en, 'categories', "SELECT * FROM $home.category_by_segment WHERE segment_label IS NOT NULL", qw(segment_label category customers share lift));
same($en, 'quality', "SELECT * FROM $home.data_quality WHERE affected > 0", qw(reason affected));
my ($headline) = rows_of("SELECT * FROM $home.headline");
is_deeply({ map { $_ => $en->{cards}{$_}{value} } keys %{ $en->{cards} } },
	{ map { $_ => $headline->{$_} } qw(customers active_customers_12m revenue_12m mean_basket_12m at_risk_customers clv_12m) }, 'the headline');
is($en->{cards}{revenue_12m}{shown}, scalar reverse(join ',', unpack '(A3)*', reverse sprintf '%.0f', $headline->{revenue_12m}), '... as it is written in English');

# charts: as many marks as there is to show, in proportion, in the order and the colors of the segments
my %chart = map { $_->{id} => $_ } @{ $en->{charts} };
is(join(' ', sort keys %chart), 'categories expected-churn expected-value grid history moves progress segments-customers segments-revenue', 'all charts');
is(join(' ', map { $_->{id} } grep { !@{ $_->{rects} } && !@{ $_->{paths} } || $_->{width} < 50 || $_->{height} < 10 } @{ $en->{charts} }), '', 'each has marks');
is(join(' ', map { @{ $_->{outside} } } @{ $en->{charts} }), '', 'and no word of it is cut off');
sub bars_like
{
	my ($seen, $id, $sql, $column) = @_;
	my ($c) = grep { $_->{id} eq $id } @{ $seen->{charts} };
	my @rows = rows_of($sql);
	my ($widest) = sort { $b <=> $a } map { $_->{width} } @{ $c->{rects} };
	my ($most) = sort { $b <=> $a } map { $_->{$column} } @rows;
	is(join(' ', map { sprintf '%.2f %s', $_->{width} / $widest, uc $_->{fill} } @{ $c->{rects} }),
		join(' ', map { sprintf '%.2f %s', $_->{$column} / $most, $_->{segment_color} } @rows), "$id: bars in proportion, order and color");
}
bars_like($en, 'segments-customers', "SELECT * FROM $home.segment_summary WHERE customers > 0 ORDER BY segment_order", 'customers');
bars_like($en, 'segments-revenue', "SELECT * FROM $home.segment_summary WHERE customers > 0 ORDER BY segment_order", 'revenue');
bars_like($en, 'expected-value', "SELECT * FROM $home.prediction_by_segment WHERE clv_12m IS NOT NULL ORDER BY segment_order", 'clv_12m');
is(scalar @{ $chart{grid}{rects} }, scalar rows_of("SELECT 1 FROM $home.rfm_grid"), 'grid: all cells');
is(scalar @{ $chart{history}{paths} }, scalar rows_of("SELECT DISTINCT segment FROM $home.segment_history_12m"), 'history: an area for each segment');
my @flows = rows_of("SELECT from_segment, to_segment, from_color, customers FROM $home.segment_moves_90d WHERE customers > 0");
my %flow = map { (join '>', map { $_ // '' } @$_{qw(from_segment to_segment)}) => $_ } @flows;
my ($thickest) = sort { $b <=> $a } map { $_->{width} } @{ $chart{moves}{paths} };
my ($largest) = sort { $b <=> $a } map { $_->{customers} } @flows;
is(join("\n", sort map { sprintf '%s>%s %s', @$_{qw(from to stroke)} } @{ $chart{moves}{paths} }), join("\n", sort map { sprintf '%s %s', $_, $flow{$_}{from_color} // '#9fb3c8' } keys %flow), 'moves: a flow for each, in the color of where it comes from');
is(join(' ', grep { my $f = $flow{"$_->{from}>$_->{to}"}; $_->{width} > 1 && abs($_->{width} / $thickest - $f->{customers} / $largest) > 0.01 } @{ $chart{moves}{paths} }), '', '... as thick as there are people');

my $fr = look('fr', "$folder/fr.png");
is_deeply([ @$fr{qw(errors elsewhere notFound language)} ], [ [], [], [], 'fr' ], 'in French, too');
is(join('|', @{ $fr->{headings} }[ 1 .. 4 ]), 'Segments|Récence et fréquence|Mouvements sur 90 jours|Les segments dans le temps', '... with its words');
like($fr->{cards}{mean_basket_12m}{shown}, qr/^\d+,\d\d?$/, '... and numbers');
is_deeply({ map { $_ => $fr->{cards}{$_}{value} } keys %{ $fr->{cards} } }, { map { $_ => $en->{cards}{$_}{value} } keys %{ $en->{cards} } }, '... which are the same');
cmp_ok(-s "$folder/fr.png", '>', 50_000, 'a picture of it');

# --- models that have less -----------------------------------------------------------

# The page is the same for all models: what the loader says of another one takes the place of its data.
sub load_data
{
	my ($role, %environment) = @_;
	my ($failed, $json, $said) = in_node($role, \%environment, 'src/data/model.json.js');
	return $said if $failed;
	open my $file, '>', $data or die "$data: $!\n";
	print $file $json;
	close $file;
	return '';
}
is(load_data('board', DASHBOARD_MODEL => 'plain', DASHBOARD_LANGUAGE => 'fr'), '', 'a model that hides small groups');
my $plain = look('default');
is_deeply([ @$plain{qw(errors elsewhere notFound language)} ], [ [], [], [], 'fr' ], '... is shown in the language that the builder asked for');
my @hidden = rows_of('SELECT segment_label FROM plain.segment_summary WHERE suppressed');
cmp_ok(scalar @hidden, '>', 1, 'some segments are hidden');
is(join(' ', sort map { $_->{segment_label}{value} } grep { $_->{customers}{shown} eq 'non montré' } @{ $plain->{tables}{segments} }), join(' ', sort map { $_->{segment_label} } @hidden), '... and the page says so of each');
like($plain->{text}, qr/moins de 40 clients ne sont pas montrés/, '... and why');
same($plain, 'segments', 'SELECT * FROM plain.segment_summary', qw(segment_label customers revenue));
is(join(' ', map { $_->{id} } @{ $plain->{missing} }), 'expected goals categories', 'what a model has not is left out');
for my $section (@{ $plain->{missing} })
{
	my ($sql) = $section->{text} =~ /(SELECT .*;)$/ or do { fail("$section->{id}: how to get it"); next; };
	next if $section->{id} eq 'categories';		# names a table that this shop has not
	# the statement names at_risk, of which a small shop may know nothing yet
	my ($code, undef, $message) = $node->psql('postgres', "SET search_path = public, scoring; $sql");
	like($message, qr/^$|can't be told now/, "$section->{id}: the line that says how to get it can be run");
}
is(load_data('board', DASHBOARD_MODEL => 'plain', DASHBOARD_LANGUAGE => 'en'), '', 'then built anew');
unlike(join(' ', map { $_->{id} } @{ look('en')->{missing} }), qr/expected/, '... it is there');

is(load_data('branch', DASHBOARD_MODEL => 'chain'), '', 'a reader of one tenant builds the page of that one');
my $branch = look('en');
like($branch->{headings}[0], qr/^chain for north$/, '... which says whose it is');
is($branch->{cards}{customers}{value}, (rows_of(q{SELECT customers FROM chain.headline WHERE tenant = 'north'}))[0]{customers}, '... with their numbers alone');

# --- what can go wrong -----------------------------------------------------------

like(load_data('board', DASHBOARD_MODEL => 'chain'), qr/^dashboard\/build: model "chain" has 2 tenants that this role may see\n  Name one: --tenant/, 'several tenants are no page');
is(load_data('board', DASHBOARD_MODEL => 'chain', DASHBOARD_TENANT => 'south'), '', '... until one is named');
like(load_data('board', DASHBOARD_MODEL => 'nowhere'), qr/there is no model "nowhere" in this database/, 'an unknown model');
like(load_data('outsider', DASHBOARD_MODEL => 'plain'), qr/this role may not read plain\.\w+\n  The owner of the model can grant it: SELECT grant_reader\('plain', current_user\);/, 'a role that may not read');
like(load_data('board', DASHBOARD_MODEL => 'plain', PGPORT => 1), qr/can't connect to PostgreSQL: .*\n  The connection is that of psql/, 'no server');
($status, $out, $err) = in_node('outsider', {}, 'build', 'plain', '--out', "$folder/none");
like($err, qr/\Adashboard\/build: this role may not read plain\.\w+\n  The owner[^\n]+\n\z/, 'the command says so, and no more');
is($status . (-e "$folder/none" ? ' made' : ''), '1', '... and makes nothing');
for my $case ([ qr/no model is named/ ], [ qr/one model at a time/, 'a', 'b' ], [ qr/--language en or --language fr, not de/, 'plain', '--language', 'de' ], [ qr/holds something that is no dashboard/, 'plain', '--out', "$folder/src" ], [ qr/Unknown option '--nonsense'/, 'plain', '--nonsense' ])
{
	my ($expected, @arguments) = @$case;
	($status, $out, $err) = in_node('board', {}, 'build', @arguments);
	like("$status $err", qr/^1 dashboard\/build: .*$expected/, "build @arguments");
}
ok(-e "$folder/src/index.md", 'a directory of something else is as it was');

done_testing();
