# Models on Citus: a coordinator and two workers. A model over distributed orders, and over
# histories that the workers have made, equals that over the same orders in one server, row
# for row. No call warns of what stays on the coordinator, and none leaves the setting that does
# it behind. What can't work is refused, by what its hint leads to. First the SQL of
# docs/scaling.md, as it stands there; last models whose histories are on the workers
# (distribute), beside a twin that has all of its rows here: what the two say is compared, by
# every view, function and call, because what Citus can't plan is not always an error: some
# queries come back empty.
use strict;
use warnings;
use File::Basename qw(dirname);
use ScoringCluster;
use CitusCluster;
use PostgreSQL::Test::Utils;
use Test::More;

my @nodes = citus_nodes(qw(coordinator north south));
plan skip_all => 'no Citus here (citus.so, of the server or below CITUS_ROOT)' unless @nodes;
my ($coordinator, @workers) = @nodes;
sub citus { return $coordinator->safe_psql('postgres', $_[0]); }
# what psql says beside the result: warnings, and errors with their hint
sub told
{
	my ($sql) = @_;
	$coordinator->psql('postgres', $sql, stderr => \my $stderr, on_error_stop => 0);
	return join "\n", grep { !/^(?:CONTEXT|LINE|PL\/pgSQL|SQL )/ } map { s/^psql:<stdin>:\d+: //r } split /\n/, $stderr;
}
# how many rows of a view differ between two models
sub differing
{
	my ($one, $other, $view) = @_;
	return citus("SELECT count(*) FROM ((TABLE $one.$view EXCEPT TABLE $other.$view) UNION ALL (TABLE $other.$view EXCEPT TABLE $one.$view)) AS d");
}

citus(q{
	CREATE SCHEMA scoring; CREATE EXTENSION customer_scoring SCHEMA scoring;
	ALTER DATABASE postgres SET search_path = public, scoring;
	SET search_path = public, scoring;
	CREATE TABLE local_orders AS
	SELECT i AS order_id, (i * 7919::bigint % 1009 * (i % 7 + 1) % 1000)::bigint AS customer_id, date '2022-01-01' + (i * 104729::bigint % 1460)::int AS order_date,
	       ((((i * 15485863::bigint) % 20000) - 500) / 100.0)::numeric(10, 2) AS amount
	  FROM generate_series(1, 10000) AS i;
	CREATE TABLE orders (order_id int, customer_id bigint, order_date date, amount numeric);
	SELECT create_distributed_table('orders', 'customer_id');
	INSERT INTO orders SELECT * FROM local_orders;
	CREATE TABLE local_people AS SELECT c::bigint AS customer_id, (ARRAY['FR', 'DE', 'IT'])[1 + c % 3] AS country, c % 11 <> 0 AS agreed FROM generate_series(0, 1020) AS c;
	CREATE TABLE people (LIKE local_people, PRIMARY KEY (customer_id));
	SELECT create_distributed_table('people', 'customer_id');
	INSERT INTO people SELECT * FROM local_people;
	ANALYZE});
is($_->safe_psql('postgres', q{SELECT extversion FROM pg_extension WHERE extname = 'customer_scoring'}), citus(q{SELECT extversion FROM pg_extension WHERE extname = 'customer_scoring'}),
	'a worker has the extension') for @workers;

my $over = q{customer => 'customer_id', day => 'order_date', value => 'amount', as_of => '2025-12-31'};
my @views = qw(customer_scores customer_segments segment_summary rfm_grid score_distribution thresholds at_risk_customers vip_customers);

# --- scores without a model: the page's own SQL, and what it says of it
my ($steps) = slurp_file(dirname(__FILE__) . '/../../docs/scaling.md') =~ /^## Citus\n.*?^```sql\n(-- 1\. histories.*?)^```$/ms;
ok($steps, 'docs/scaling.md has its steps');
my $path = 'SET search_path = page, public, scoring;';
citus(qq{
	CREATE SCHEMA page; $path
	CREATE TABLE page.orders (LIKE local_orders); SELECT create_distributed_table('page.orders', 'customer_id');
	INSERT INTO page.orders SELECT * FROM local_orders;
	CREATE TABLE page.customers (customer_id bigint, country text); SELECT create_distributed_table('page.customers', 'customer_id', colocate_with => 'page.orders');
	INSERT INTO page.customers SELECT customer_id, country FROM local_people});
is(told("$path $steps"), '', 'the steps of docs/scaling.md');
my $columns = 'as_of, recency_days, frequency, monetary, mean_value, tenure_days, r_score, f_score, m_score, rfm_code, rfm_score, segment';
is(citus(qq{$path
	CREATE TEMP TABLE here AS SELECT customer_id, '2025-12-31'::date AS as_of, @{[ $columns =~ s/^as_of, //r ]} FROM score_customers('SELECT customer_id, order_date, amount FROM local_orders', '2025-12-31');
	CREATE TEMP TABLE there AS SELECT customer_id::text, $columns FROM customer_scores;
	SELECT count(*) FROM ((TABLE here EXCEPT TABLE there) UNION ALL (TABLE there EXCEPT TABLE here)) AS d; SELECT count(*) > 900 FROM here}), "0\nt", 'say what score_customers says');
# the proof that nothing is pulled: it would be an error
my $pushed = "$path SET citus.coordinator_aggregation_strategy = 'disabled';";
is(citus("$pushed SELECT sum(n) FROM ($_) AS c (n)"), citus($path . 'SELECT count(*) FROM customer_scores'), "is added up on the workers: $_")
  for 'SELECT count(*) FROM customer_scores GROUP BY segment',
  'SELECT count(*) FROM customer_scores JOIN customers USING (customer_id) GROUP BY segment, country',
  'SELECT count(*) FROM scored GROUP BY segment';
like(told("$pushed SELECT history_agg(order_date, amount) FROM page.orders"), qr/^ERROR:  unsupported aggregate function history_agg/, 'what is pulled is an error then');
citus('SET client_min_messages = warning; DROP SCHEMA page CASCADE');

# --- a model over distributed orders, and one over histories that workers have made
citus("SELECT create_model('one', 'local_orders', $over)");
is(told("SELECT create_model('shop', 'orders', $over)"), '', 'create_model over a distributed table tells nothing');
is(differing('one', 'shop', $_), 0, "orders on workers: $_") for @views;
citus(q{
	CREATE TABLE customer_histories (customer_id bigint PRIMARY KEY, history scoring.history NOT NULL);
	SELECT create_distributed_table('customer_histories', 'customer_id', colocate_with => 'orders');
	SET citus.coordinator_aggregation_strategy = 'disabled';
	INSERT INTO customer_histories SELECT customer_id, history_agg(order_date, amount) FROM orders GROUP BY customer_id});
is(told(q{SELECT create_model('kept', 'SELECT customer_id, history FROM customer_histories', as_of => '2025-12-31');
	SELECT create_model('grouped', 'SELECT customer_id, history_agg(order_date, amount) AS history FROM orders GROUP BY customer_id', as_of => '2025-12-31')}), '',
	'create_model over histories tells nothing');
for my $view (@views) { is(differing('one', $_, $view), 0, "histories of workers, $_: $view") for qw(kept grouped); }
citus(q{
	INSERT INTO orders VALUES (20001, 17, '2025-12-30', 12.5), (20002, 5000, '2025-12-30', 30);
	INSERT INTO local_orders VALUES (20001, 17, '2025-12-30', 12.5), (20002, 5000, '2025-12-30', 30);
	INSERT INTO customer_histories AS c SELECT customer_id, history_agg(order_date, amount) FROM orders WHERE order_id > 20000 GROUP BY customer_id
	ON CONFLICT (customer_id) DO UPDATE SET history = c.history + EXCLUDED.history});
is(citus("SELECT customers_added, customers_changed FROM refresh_model('$_')"), '1|1', "refresh_model of $_ writes the two who differ") for qw(one shop kept grouped);
is(differing('one', $_, 'customer_scores'), 0, "$_ after new orders") for qw(shop kept grouped);
is(citus("SELECT count(*) FROM check_model('$_')"), 0, "check_model of $_") for qw(shop kept grouped);

# --- every verb that makes objects is silent, and the setting is as it was
is(told(q{
	SELECT alter_model('shop', weights => '{2,1,1}', minimum_group_size => 5);
	SELECT alter_model('shop', prediction => 'mbgnbd');
	SELECT add_stream('shop', 'visits', 'orders', customer => 'customer_id', day => 'order_date');
	SELECT alter_stream('shop', 'visits', kinds => 10);
	SELECT refresh_model('shop'); SELECT calibrate_model('shop'); SELECT record_changes('shop'); SELECT upgrade_model('shop');
	SELECT drop_stream('shop', 'visits');
	CREATE ROLE reader LOGIN;
	SELECT grant_reader('shop', 'reader'); SELECT revoke_reader('shop', 'reader'); SELECT drop_model('shop')}), '', 'verbs tell nothing');
is(citus(q{
	BEGIN;
	SELECT count(*) > 0 FROM create_model('shop', 'orders', } . $over . q{, dry_run => true);
	SELECT current_setting('citus.enable_ddl_propagation');
	CREATE TABLE made_after (a int PRIMARY KEY);
	SELECT create_reference_table('made_after') IS NULL;
	COMMIT}), "t\non\nf", 'statements after a verb go to the workers, in the same transaction');
is($_->safe_psql('postgres', q{SELECT count(*) FROM pg_class WHERE relname = 'made_after'}), 1, 'and have arrived') for @workers;
is($_->safe_psql('postgres', q{SELECT count(*) FROM pg_namespace WHERE nspname IN ('shop', 'kept', 'grouped', 'one')}), 0, 'no worker knows of a model') for @workers;

# --- people who are distributed, and the hint
my $refused = "ERROR:  customers: public.people is a distributed table of Citus\nDETAIL:  Its rows can't be joined with the histories of a model.\n"
  . "HINT:  A reference table can: SELECT undistribute_table('public.people'); SELECT create_reference_table('public.people'); or give a materialized view of it.";
citus('CREATE VIEW people_seen AS SELECT * FROM people');
# orders that can't be read: a refusal that came later would be another
citus(q{CREATE VIEW unread AS SELECT customer_id, order_date, amount / (order_id - order_id) AS amount FROM orders});
is(told("SELECT create_model('with_people', 'unread', $over, customers => '$_', customers_key => 'customer_id')"), $refused, "customers: $_")
  for 'people', 'people_seen', 'SELECT * FROM people WHERE agreed';
is(told(q{SELECT alter_model('kept', customers => 'people')}), $refused, 'alter_model refuses them, too');
citus(q{DROP VIEW people_seen; SELECT undistribute_table('public.people'); SELECT create_reference_table('public.people')});
my $people = q{attributes => '{country}', consent => 'agreed'};
citus("SELECT create_model('one_people', 'local_orders', $over, customers => 'local_people', $people)");
is(told("SELECT create_model('with_people', 'orders', $over, customers => 'people', $people)"), '', 'a reference table of customers tells nothing');
is(differing('one_people', 'with_people', $_), 0, "customers as a reference table: $_") for @views;
citus(q{SELECT drop_model(m) FROM unnest('{with_people,one_people}'::text[]) AS m});

# --- live
is(told("SELECT create_model('live', 'orders', $over, live => true)"), "ERROR:  live: public.orders is a distributed table of Citus\n"
	  . "DETAIL:  Its rows are written on other servers, where these triggers don't fire.\nHINT:  Leave live out and schedule refresh_model.", 'live over a distributed table');
citus(q{
	CREATE TABLE everywhere (LIKE local_orders); SELECT create_reference_table('everywhere');
	CREATE TABLE cut (LIKE local_orders) PARTITION BY RANGE (order_date); CREATE TABLE cut_1 PARTITION OF cut DEFAULT; SELECT citus_add_local_table_to_metadata('cut')});
like(told("SELECT create_model('live', 'everywhere', $over, live => true)"), qr/^ERROR:  live: public.everywhere is a reference table of Citus\nDETAIL:  Every server has a copy of it/, 'live over a reference table');
like(told("SELECT create_model('live', 'cut', $over, live => true)"), qr/^ERROR:  live: public.cut is a partitioned table of Citus\n/, 'live over a partitioned table that Citus manages');
# A foreign key to a reference table makes Citus manage a table, unasked: before the model is made, and after.
citus(q{CREATE TABLE country (code text PRIMARY KEY); SELECT create_reference_table('country'); INSERT INTO country VALUES ('FR'), ('DE')});
for my $first ('the key', 'the model')
{
	citus(q{CREATE TABLE own_orders AS SELECT o.*, 'FR'::text AS country FROM local_orders AS o WHERE o.order_id <= 1000});
	my @steps = ("SELECT create_model('live', 'own_orders', $over, live => true)", q{SET client_min_messages = warning; ALTER TABLE own_orders ADD FOREIGN KEY (country) REFERENCES country});
	@steps = reverse @steps if $first eq 'the key';
	is(told($_), '', "live, $first first: told nothing") for @steps;
	is(citus(q{SELECT partmethod, repmodel, colocationid FROM pg_dist_partition WHERE logicalrelid = 'own_orders'::regclass}), 'n|s|0', 'a local table that Citus manages');
	citus(q{
		INSERT INTO own_orders SELECT o.*, 'DE' FROM local_orders AS o WHERE o.order_id BETWEEN 1001 AND 1200;
		UPDATE own_orders SET amount = amount + 1 WHERE order_id < 50;
		DELETE FROM own_orders WHERE order_id BETWEEN 60 AND 90;
		WITH gone AS (DELETE FROM own_orders WHERE order_id = 100 RETURNING *) INSERT INTO own_orders SELECT order_id + 30000, customer_id, order_date, amount, country FROM gone});
	is(citus(q{COPY own_orders FROM PROGRAM 'echo 30002,17,2025-12-30,9,DE' (FORMAT csv); SELECT count(*) > 200 FROM live.pending}), 't', 'statements are pending');
	is(citus(q{SELECT count(*) FROM check_model('live')}), 0, 'and exact');
	is(told(q{SELECT apply_changes('live'); ALTER TABLE own_orders DISABLE TRIGGER ALL; INSERT INTO own_orders VALUES (30003, 17, '2025-12-30', 5, 'FR')}), '', 'triggers are disabled');
	is(citus(q{SELECT status FROM live.model_status}), 'rebuild needed', 'model_status says so');
	is(told(q{SELECT refresh_model('live')}), '', 'refresh_model makes them again');
	is(citus(q{INSERT INTO own_orders VALUES (30004, 17, '2025-12-30', 5, 'FR'); SELECT count(*) FROM live.pending}), 1, 'they fire');
	is(told(q{SELECT alter_model('live', live => false); SELECT alter_model('live', live => true)}), '', 'alter_model makes them, too');
	is(citus(q{INSERT INTO own_orders VALUES (30005, 17, '2025-12-30', 5, 'FR'); SELECT status FROM live.model_status}), 'ok', 'and all is well');
	is(citus(q{SELECT count(*) FROM check_model('live')}), 0, 'exact to the end');
	is(citus(q{TRUNCATE own_orders; SELECT count(*) FROM live.customer_scores}), 0, 'TRUNCATE');
	citus(q{SELECT drop_model('live'); DROP TABLE own_orders});
	is($_->safe_psql('postgres', q{SELECT count(*) FROM pg_namespace WHERE nspname = 'live'}), 0, 'nothing is left on a worker') for @workers;
}

# --- distribute: histories on the workers. "mono" has all of its rows here, "dist" not.
like(told("SELECT create_model('shard', 'orders', $over, distribute => true, $_->[0])"), $_->[1], "distribute and $_->[0] are refused")
  for [ q{tenant => 'order_id % 2'}, qr/^ERROR:  distribute: a model with tenants can't be distributed\n/ ],
  [ 'live => true', qr/^ERROR:  distribute: a live model can't be distributed\n/ ],
  [ q{customers => 'SELECT * FROM people WHERE agreed'}, qr/^ERROR:  customers: a query over (?:public\.)?people, which Citus manages\n/ ];
is(citus(q{SELECT count(*) FROM pg_dist_partition WHERE logicalrelid::text ~ '^shard'}), 0, 'and nothing is left of them');
citus(q{INSERT INTO orders VALUES (20003, 17, NULL, 3), (20004, 18, '2025-01-01', NULL), (20005, 19, '2025-01-01', 'NaN'), (20006, 20, '2025-01-02', 1.0000000001);
	TRUNCATE local_orders; ALTER TABLE local_orders ALTER amount TYPE numeric; INSERT INTO local_orders SELECT * FROM orders});
my $with = q{prediction => 'mbgnbd', clusters => 3, minimum_group_size => 3};
citus("SELECT create_model('mono', 'local_orders', $over, $with)");
is(told("SELECT create_model('dist', 'orders', $over, $with, distribute => true)"), '', 'create_model with distribute tells nothing');
is(citus(q{SELECT string_agg(format('%s %s', logicalrelid, partmethod), ', ' ORDER BY logicalrelid::text) FROM pg_dist_partition WHERE logicalrelid::text ~ '^dist[.]'}),
	'dist.customer_histories h, dist.source_histories h', 'its histories are distributed, nothing else is');
citus(q{CREATE TABLE local_visits AS
	SELECT (i * 31 % 1100)::bigint AS customer_id, date '2024-01-01' + i * 17 % 730 AS day, (ARRAY['page_view', 'basket', 'click', 'product_view'])[1 + i % 4] AS kind, i % 6 AS stars,
	       (ARRAY['shoes', 'hats', 'socks'])[1 + i % 3] AS category FROM generate_series(1, 3000) AS i;
	CREATE TABLE visits (LIKE local_visits); SELECT create_distributed_table('visits', 'customer_id'); INSERT INTO visits SELECT * FROM local_visits});
is(citus(q{SELECT pg_relation_size('dist.customer_histories'), (SELECT count(*) FROM dist.source_histories)}), '0|0', 'no row stays here');

# What a model says to questions that name it @, and what errors there were: names, times and
# what only one of two can have are taken out.
sub answers
{
	my ($role, $model, $source, @questions) = @_;
	my $events = $source =~ s/orders/visits/r;
	my $sql = "SET client_min_messages = warning;\n" . join '', map { "\\echo >> $_\n" . s/\@/$model/gr =~ s/ORDERS/$source/gr =~ s/VISITS/$events/gr . ";\n" } @questions;
	$coordinator->psql('postgres', $sql, stdout => \my $out, stderr => \my $err, on_error_stop => 0, extra_params => [ '-U', $role ]);
	my %said;
	my $question = '';
	for (split /\n/, $out)
	{
		if (/^>> (.*)/) { $question = $1; $said{$question} //= ''; next }
		next if /^(?:[^|]*\.)?(?:source_(?:rows|histories)|stream_changes)\||dead rows|^(?:index|note\|one customer is found)/;
		s/\b$model\b/M/g;
		s/\b(?:local_)?(orders|people|visits)\b/$1/g;
		s/20\d\d-\d\d-\d\d[ T][\d:.]+(?:\+00(?::00)?| UTC)/TIME/g;
		s/\|[\d.e-]+\|(orders|visits|stars|lines)$/|SECONDS|$1/;
		$said{$question} .= "$_\n";
	}
	$err =~ s/\b$model\b/M/g;
	return (\%said, join "\n", grep { /ERROR|FATAL/ } split /\n/, $err);
}
sub twins
{
	my ($role, $what, @questions) = @_;
	my ($mono, $mono_errors) = answers($role, 'mono', 'local_orders', @questions);
	my ($dist, $dist_errors) = answers($role, 'dist', 'orders', @questions);
	is($mono_errors, '', "$what: no error here");
	is($dist_errors, '', "$what: no error there");
	my @differ = grep { $mono->{$_} ne ($dist->{$_} // '') } sort keys %$mono;
	is("@differ", '', "$what: the same");
	diag("$_\n-- here\n" . substr($mono->{$_}, 0, 500) . "-- there\n" . substr($dist->{$_} // '', 0, 500)) for @differ[0 .. ($#differ > 2 ? 2 : $#differ)];
	return $mono;
}
sub views_of { return map { "SELECT * FROM \@.$_ AS r ORDER BY r::text COLLATE \"C\"" } split /\n/, citus("SELECT relname FROM pg_class WHERE relnamespace = 'mono'::regnamespace AND relkind = 'v' AND relname !~ '^_' ORDER BY 1"); }
# every function that readers have, with arguments; a new one has to be written here
my %called = (
	customer => q{'17'}, customer_scores_at => q{'2024-06-30'}, cohort_retention => '', weekly_cohort_retention => '', cohort_value => '',
	conversion_by_segment => q{'2025-03-01'}, conversion_change => q{'2024-03-01', '2025-03-01'}, drift => q{'2024-12-31', '2025-12-31'},
	lifecycle => q{'2024-12-31', '2025-12-31'}, propensity_details => q{'17'}, repeat_purchase => '', repeat_purchase_by_cohort => '', repeat_purchase_curve => '',
	segment_history => q{'2025-01-31', '2025-12-31'}, segment_kpi_history => q{'2025-01-31', '2025-12-31'}, segment_transitions => q{'2024-12-31', '2025-12-31'},
	customer_events => q{'17'}, abandoned_baskets => '', customer_categories_at => q{'2025-06-30'}, next_category => q{'17'},
	stickiness => '', score_explanation => q{'17', '2024-05-05', 'fr'}, scores_with_orders => q{'17', NULL, '{1,2}', '{1,1}', '{10,20}'}, campaign_result => q{'spring'});
sub calls_of
{
	my @functions = split /\n/, citus(q{SELECT DISTINCT proname FROM pg_proc WHERE pronamespace = 'mono'::regnamespace AND proname !~ '^_' ORDER BY 1});
	is(join(' ', grep { !exists $called{$_} } @functions), '', 'every function has arguments here');
	return map { "SELECT * FROM \@.$_($called{$_}) AS r ORDER BY r::text COLLATE \"C\"" } grep { exists $called{$_} && $_ ne 'campaign_result' } @functions;
}
my @calls = (calls_of(),
	q{SELECT * FROM @.customer('nobody')}, q{SELECT * FROM @.customer_scores_at('2025-12-31', 1) AS r ORDER BY r::text COLLATE "C"},
	q{SELECT * FROM explain_score('@', '17')}, q{SELECT * FROM explain_score('@', '17', '2024-06-30', language => 'fr')}, q{SELECT * FROM explain_score('@', '23', audience => 'customer')},
	q{SELECT * FROM near_misses('@', 'vip') AS r ORDER BY r::text COLLATE "C"}, q{SELECT * FROM near_misses('@', 'upsell_potential', as_of => '2025-01-01') AS r ORDER BY r::text COLLATE "C"});
citus(q{SELECT grant_reader('mono', 'reader'), grant_reader('dist', 'reader'); GRANT USAGE ON SCHEMA scoring TO reader});
my $said = twins('reader', 'a reader', views_of(), @calls);
is(join(' ', grep { $said->{$_} eq '' } grep { /customer_scores\b|segment_summary|_history|transitions|cohort|explain|near_misses|lifecycle|drift/ } sort keys %$said), '', 'and nothing is empty');

# the proof that the owner's views are worked out where the histories are: it would be an error
$pushed = q{SET citus.coordinator_aggregation_strategy = 'disabled';};
for my $question (
	'SELECT segment, count(*), sum(monetary), min(r_score) FROM dist.%scustomer_scores GROUP BY segment ORDER BY 1',
	'SELECT r_score, f_score, max(active_90d_probability) FROM dist.%scustomer_scores GROUP BY 1, 2 ORDER BY 1, 2',
	(map { "SELECT count(*) FROM dist.%s$_" } qw(customer_segments at_risk_customers vip_customers upsell_customers retention campaign_members)),
	'SELECT r_score, f_score, customers, revenue FROM dist.%srfm_grid ORDER BY 1, 2', 'SELECT dimension, score, customers, revenue FROM dist.%sscore_distribution ORDER BY 1, 2',
	'SELECT top_share, customers, revenue, gini FROM dist.%srevenue_concentration ORDER BY 1')
{
	my ($all, $asked) = map { citus($_) } sprintf($question, ''), $pushed . sprintf($question, '_');
	is($asked, $all, "is worked out by the workers: $question");
}
like(told("$pushed SELECT * FROM dist._segment_summary"), qr/^ERROR:  unsupported aggregate function/, 'where a row for each customer must come, it is an error then');
like(citus(q{EXPLAIN (COSTS OFF) SELECT count(*) FROM dist._customer_scores WHERE customer_key = '17'}), qr/Task Count: 1\n/, 'one customer is on one shard');

# --- readers: with their own rights they reach nothing on the workers
for (q{SELECT count(*) FROM dist.customer_histories}, q{SELECT count(*) FROM dist.source_histories}, q{SELECT count(*) FROM dist._customer_scores}, q{SELECT count(*) FROM dist._histories},
	q{SELECT count(*) FROM scoring._rows_here(NULL::dist.customer_histories)}, q{SELECT count(*) FROM scoring._rows_here(NULL::dist._customer_scores)})
{
	$coordinator->psql('postgres', $_, stderr => \my $stderr, extra_params => [ '-U', 'reader' ]);
	like($stderr, qr/ERROR:  permission denied for (?:table|view) /, "a reader may not: $_");
}
is($_->safe_psql('postgres', q{SELECT count(*) FROM pg_namespace AS n, aclexplode(n.nspacl) AS a WHERE n.nspname = 'dist' AND a.grantee <> n.nspowner}), 0, 'they are given nothing on a worker') for @workers;
citus(q{SELECT revoke_reader('mono', 'reader'), revoke_reader('dist', 'reader')});
$coordinator->psql('postgres', 'SELECT count(*) FROM dist.customer_scores', stderr => \my $denied, extra_params => [ '-U', 'reader' ]);
like($denied, qr/ERROR:  permission denied for schema dist/, 'nor anything once revoked');
is($_->safe_psql('postgres', q{SELECT count(*) FROM (SELECT c.relowner, c.relacl FROM pg_class AS c WHERE c.relnamespace = 'dist'::regnamespace UNION ALL SELECT nspowner, nspacl FROM pg_namespace WHERE nspname = 'dist') AS o (owner, acl),
	aclexplode(o.acl) AS a WHERE a.grantee <> o.owner}), 0, 'no right was given on a worker') for @workers;

# --- the source changes, and every verb
# where the source is read here, this table is filled, and then truncated
my $read_here = q{SELECT pg_relation_filenode('dist.source_rows')};
my $never = citus($read_here);
sub both_orders { my ($sql) = @_; citus($sql =~ s/ORDERS/$_/gr) for qw(local_orders orders); return; }
both_orders(q{INSERT INTO ORDERS VALUES (30001, 17, '2025-12-29', 12.5), (30002, 7000, '2025-12-30', 30)});
both_orders(q{DELETE FROM ORDERS WHERE customer_id IN (40, 600)});
both_orders(q{UPDATE ORDERS SET amount = amount + 1 WHERE customer_id = 220});
my $refreshes = 'SELECT customers, customers_added, customers_changed, customers_removed, rows_read, rows_without_day, rows_without_value, rows_unconvertible, customers_too_large FROM @.refreshes ORDER BY refresh_id';
# each in a call of its own, for answers are known by their question
twins('postgres', 'changes', @$_)
  for [ q{SELECT * FROM check_model('@')}, q{SELECT * FROM refresh_model('@')}, $refreshes ], [ q{SELECT * FROM check_model('@')}, q{SELECT * FROM record_changes('@')}, q{SELECT * FROM override_segment('@', '17', 'vip', 'because')} ],
  [ q{SELECT * FROM record_changes('@')}, q{SELECT * FROM merge_customers('@', '18', '19')}, q{SELECT * FROM merge_customers('@', '28', '29')}, q{SELECT * FROM refresh_model('@')}, q{SELECT * FROM check_model('@')}, q{SELECT * FROM @.customer('19')} ],
  [ q{SELECT * FROM forget_customer('@', '19')}, q{SELECT * FROM forget_customer('@', '21')}, q{SELECT * FROM refresh_model('@')}, q{SELECT count(*) FROM @.customer('21')}, q{SELECT * FROM check_model('@')} ],
  [ q{SELECT * FROM allow_customer('@', '21')}, q{SELECT * FROM refresh_model('@')}, q{SELECT count(*) FROM @.customer('21')} ], [ q{SELECT * FROM unmerge_customers('@', '28')}, q{SELECT * FROM refresh_model('@')} ],
  [ q{SELECT * FROM check_quality('@')}, q{SELECT * FROM calibrate_model('@')}, q{SELECT * FROM calibrate_model('@', true)}, q{SELECT * FROM check_prediction('@')},
	q{SELECT * FROM start_campaign('@', 'spring', ARRAY['vip', 'at_risk'])}, q{SELECT * FROM set_goal('@', 'vip', 'revenue', 10, change => 'by_percent', due_on => '2026-06-30')},
	q{SELECT * FROM erasure_report('@', '17')}, q{SELECT * FROM retention_due('@')}, q{SELECT * FROM alter_model('@', weights => '{2,1,1}', monetary => 'mean')}, $refreshes ];
is(citus($read_here), $never, 'the workers have read the source by themselves');
twins('postgres', 'then', views_of(), @calls, q{SELECT * FROM @.campaign_result('spring')});
is(citus(q{SELECT (d.e - '{held,processing,record,processing_record,model}'::text[]) = (m.e - '{held,processing,record,processing_record,model}'::text[])
	FROM (SELECT export_customer('dist', '17')::jsonb AS e) AS d, (SELECT export_customer('mono', '17')::jsonb AS e) AS m}), 't', 'export_customer');
twins('postgres', 'customers', q{SELECT * FROM alter_model('@', version => 1)}, q{SELECT * FROM alter_model('@', customers => 'local_people', attributes => '{country}', consent => 'agreed')},
	q{SELECT * FROM refresh_model('@')}, q{SELECT * FROM calibrate_model('@')}, q{SELECT * FROM @.customer('1015')}, q{SELECT * FROM score_parity('@', 'country')}, views_of(), @calls);
# people who are a reference table, too: the same as a table of here
citus(q{SELECT alter_model('dist', customers => 'people'), alter_model('mono', customers => 'local_people', weights => '{1,1,1}')});
twins('postgres', 'customers as a reference table', q{SELECT * FROM calibrate_model('@')}, q{SELECT * FROM @.customer('1015')}, q{SELECT * FROM score_parity('@', 'country')},
	(grep { /customer|summary|profile|quality|status/ } views_of()), grep { /transitions|explain|near_misses|customer/ } @calls);
twins('postgres', 'retention', q{SELECT * FROM alter_model('@', reset => '{customers,attributes,consent}')}, q{SELECT * FROM alter_model('@', retention_days => 700)}, q{SELECT * FROM retention_due('@')},
	q{SELECT * FROM refresh_model('@')}, q{SELECT * FROM purge_model('@')}, q{SELECT * FROM check_model('@')}, $refreshes, q{SELECT * FROM upgrade_model('@')}, q{SELECT * FROM reapply_suppression('@')}, views_of());
twins('postgres', 'another source', q{SELECT * FROM alter_model('@', source => 'SELECT customer_id, order_date, amount FROM ORDERS WHERE order_id < 9000')}, q{SELECT * FROM check_model('@')}, views_of());
# of more customers than a fit holds, the same are drawn
citus(q{CREATE OR REPLACE FUNCTION scoring._clustered_customers() RETURNS int LANGUAGE sql IMMUTABLE PARALLEL SAFE AS 'SELECT 500'});
twins('postgres', 'clusters of some customers', q{SELECT * FROM calibrate_model('@')}, q{SELECT md5(cluster_fit::text) FROM @.calibration ORDER BY version});
# a total that no history can hold leaves its customer out, also where the workers read
both_orders(q{INSERT INTO ORDERS SELECT 40000 + i, 5, '2025-12-01', 900000000000.000001 FROM generate_series(1, 20) AS i});
twins('postgres', 'a total too large', q{SELECT * FROM alter_model('@', source => 'SELECT customer_id, order_date, amount FROM ORDERS')}, $refreshes, q{SELECT count(*) FROM @.customer('5')}, q{SELECT * FROM check_model('@')}, 'SELECT max(customers_too_large) FROM @.refreshes');
is(citus('SELECT max(customers_too_large) FROM dist.refreshes'), 1, 'there is one');
both_orders(q{DELETE FROM ORDERS WHERE order_id > 40000});
isnt(citus($read_here), $never, 'then it was read here');
for my $style ('SQL, DMY', 'German')
{
	citus(qq{ALTER DATABASE postgres SET datestyle = '$style'});
	twins('postgres', "DateStyle $style", q{SELECT customers, customers_added, customers_changed FROM refresh_model('@')}, q{SELECT count(*), sum(recency_days) FROM @.customer_scores_at(date '2025-02-03')}, q{SELECT sum(recency_days), exact_sum(rfm_score) FROM @.customer_scores});
}
citus('ALTER DATABASE postgres RESET datestyle');

# --- streams: their histories are on the workers, too
is(told(q{SELECT add_stream('dist', 'visits', 'visits', customer => 'customer_id', day => 'day', kind => 'kind', live => true)}),
	"ERROR:  model \"dist\" is distributed, and can't have live streams\nDETAIL:  Every statement on the source would wait for the workers.\nHINT:  Leave live out and schedule refresh_model.", 'a live stream is refused');
twins('postgres', 'streams', q{SELECT * FROM alter_model('@', reset => '{retention_days}')}, q{SELECT * FROM add_stream('@', 'visits', 'VISITS', customer => 'customer_id', day => 'day', kind => 'kind')}, q{SELECT * FROM add_stream('@', 'stars', 'VISITS', customer => 'customer_id', day => 'day', value => 'stars', scale => 'stars')},
	q{SELECT * FROM add_stream('@', 'lines', 'VISITS', customer => 'customer_id', day => 'day', kind => 'category', value => 'stars', role => 'line')}, q{SELECT * FROM streams('@')}, q{SELECT * FROM alter_model('@', scorecards => '{engagement}')},
	q{SELECT * FROM calibrate_model('@')}, q{SELECT * FROM check_model('@')});
is(citus(q{SELECT string_agg(logicalrelid::text, ', ' ORDER BY logicalrelid::text) FROM pg_dist_partition WHERE logicalrelid::text ~ '^dist[.]'}),
	'dist.customer_histories, dist.source_histories, dist.stream_histories', 'their table is distributed');
citus(q{SELECT grant_reader('mono', 'reader'), grant_reader('dist', 'reader')});
$said = twins('reader', 'a reader of streams', views_of(), calls_of());
is(join(' ', grep { $said->{$_} eq '' } grep { /customer_(?:events|categories|streams)|abandoned|satisfaction|next_category/ } sort keys %$said), '', 'of which none is empty');
for my $table (qw(local_visits visits)) { citus("INSERT INTO $table VALUES (17, '2025-12-30', 'page_view', 5, 'hats'), (1099, '2025-12-30', 'new_kind', 1, 'hats'), (9999, '2025-12-30', 'click', 1, 'hats'); DELETE FROM $table WHERE customer_id = 33"); }
my $readings = 'SELECT stream_no, customers, customers_added, customers_changed, customers_removed, rows_read FROM @.refreshes ORDER BY refresh_id';
twins('postgres', 'streams that change', @$_)
  for [ q{SELECT * FROM check_model('@')}, q{SELECT * FROM refresh_model('@')}, $readings, q{SELECT * FROM @.customer_events('9999')} ],
  [ q{SELECT * FROM check_model('@')}, q{SELECT * FROM merge_customers('@', '44', '45')}, q{SELECT * FROM forget_customer('@', '46')}, q{SELECT * FROM refresh_model('@')}, q{SELECT * FROM @.customer_events('45')}, q{SELECT count(*) FROM @.customer_events('46')},
	q{SELECT status, differences, customers FROM apply_changes('@')}, q{SELECT * FROM alter_stream('@', 'visits', kinds => 2)}, q{SELECT * FROM alter_model('@', retention_days => 400)}, q{SELECT * FROM check_quality('@')} ],
  [ q{SELECT * FROM refresh_model('@')}, q{SELECT * FROM check_model('@')}, $readings, q{SELECT * FROM purge_model('@')}, q{SELECT * FROM drop_stream('@', 'lines')}, (grep { /customer_scores|quality|streams|status|summary/ } views_of()) ];

like(told(q{SELECT alter_model('dist', live => true)}), qr/^ERROR:  distribute: a live model can't be distributed\n/, 'so is live, later');

# --- a worker that comes later; an owner who is nobody special
my ($new) = citus_nodes('east');
add_worker($coordinator, $new);
citus(q{SET client_min_messages = warning; SELECT rebalance_table_shards('dist.customer_histories', shard_transfer_mode => 'block_writes', rebalance_strategy => 'by_shard_count')});
# Citus hides shards
my $shards = q{SET citus.show_shards_for_app_name_prefixes = '*'; SELECT count(*) FROM pg_class WHERE relnamespace IN (SELECT oid FROM pg_namespace WHERE nspname IN ('dist', 'brief', 'shard', 'kept_there')) AND relname ~ '^(customer|source)_histories_\d+$'};
cmp_ok($new->safe_psql('postgres', $shards), '>', 0, 'a new worker takes shards');
twins('postgres', 'with one worker more', q{SELECT * FROM refresh_model('@')}, q{SELECT segment, count(*) FROM @.customer_scores GROUP BY 1 ORDER BY 1});
citus(q{CREATE ROLE keeper LOGIN; GRANT CREATE ON DATABASE postgres TO keeper; GRANT USAGE ON SCHEMA scoring TO keeper; GRANT SELECT ON orders TO keeper});
my $kept = $coordinator->safe_psql('postgres', qq{SELECT count(*) > 0 FROM create_model('kept_there', 'orders', $over, distribute => true); SELECT grant_reader('kept_there', 'reader');
	SELECT status FROM refresh_model('kept_there')}, extra_params => [ '-U', 'keeper' ]);
is($kept, "t\n\nrefreshed", 'a role without special rights owns a distributed model');
is($coordinator->safe_psql('postgres', q{SELECT count(*) > 900 FROM kept_there.customer_scores; SELECT count(*) > 0 FROM kept_there.segment_transitions('2024-12-31', '2025-12-31')}, extra_params => [ '-U', 'reader' ]),
	"t\nt", 'and others read it');

# --- people in a reference table, of a model that is all here: Citus plans what reads them
citus(q{SELECT drop_model('dist'), drop_model('mono')});
citus("SELECT create_model('mono', 'local_orders', $over, $with, customers => 'local_people', $people)");
is(told("SELECT create_model('dist', 'local_orders', $over, $with, customers => 'people', $people)"), '', 'customers as a reference table, with predictions and clusters');
citus(q{SELECT grant_reader('mono', 'reader'), grant_reader('dist', 'reader')});
twins('reader', 'a reader, customers as a reference table', (grep { !/processing_record/ } views_of()), @calls);
twins('postgres', 'the owner, customers as a reference table', q{SELECT * FROM calibrate_model('@')}, q{SELECT * FROM refresh_model('@')}, q{SELECT * FROM check_model('@')}, q{SELECT * FROM score_parity('@', 'country')},
	q{SELECT * FROM alter_model('@', live => true)}, q{SELECT segment, count(*) FROM @.customer_scores GROUP BY 1 ORDER BY 1});
citus(q{CREATE VIEW of_tenants AS SELECT *, customer_id % 2 AS shop FROM people});
is(told(q{SELECT create_model('shard', 'SELECT *, customer_id % 2 AS shop FROM local_orders', customer => 'customer_id', day => 'order_date', value => 'amount', tenant => 'shop', customers => 'of_tenants', customers_key => 'customer_id')}),
	"ERROR:  customers: public.people is managed by Citus, and the model has tenants\nDETAIL:  Who may see which tenant is known where a query is asked, and Citus asks as the owner alone.\n"
	  . 'HINT:  Give a materialized view of it.', 'not with tenants');

# --- in one transaction that is taken back, and dropped
is(citus(qq{BEGIN; SELECT count(*) > 0 FROM create_model('brief', 'orders', $over, distribute => true); SELECT count(*) > 900 FROM brief.customer_scores;
	SELECT customers > 900 FROM refresh_model('brief'); ROLLBACK;
	SELECT item FROM create_model('brief', 'orders', $over, distribute => true, dry_run => true) LIMIT 1}), "t\nt\nt\ndry run", 'made and refreshed in one transaction; a dry run');
citus(q{SET ROLE keeper; SELECT drop_model('kept_there'); RESET ROLE; SELECT drop_model('dist'); SELECT drop_model('mono')});
is($_->safe_psql('postgres', $shards), 0, 'no shard is left') for @workers, $new;
# but for the one of what was taken back: Citus makes schemas on workers in transactions of their own
is($_->safe_psql('postgres', q{SELECT count(*) FROM pg_namespace WHERE nspname IN ('dist', 'shard', 'kept_there')}), 0, 'nor a schema') for @workers, $new;

done_testing();
