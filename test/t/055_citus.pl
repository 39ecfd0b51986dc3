# Models on Citus: a coordinator and two workers. A model over distributed orders, and over
# histories that the workers have made, equals that over the same orders in one server, row
# for row. No call warns of what stays on the coordinator, and none leaves the setting that does
# it behind. What can't work is refused, by what its hint leads to. First the SQL of
# docs/scaling.md, as it stands there.
#
# Citus is looked for in the server's own directories, and below CITUS_ROOT, where somebody has
# installed it by make DESTDIR=$CITUS_ROOT install.
use strict;
use warnings;
use File::Basename qw(basename dirname);
use ScoringCluster;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my @nodes = map { new_node($_) } qw(coordinator north south);
my ($coordinator, @workers) = @nodes;
my ($libraries, $share) = map { $coordinator->config_data($_) } qw(--pkglibdir --sharedir);
my $root = $ENV{CITUS_ROOT} // '';
($root) = grep { -e "$_$libraries/citus.so" } '', $root;
plan skip_all => 'no Citus here (citus.so, of the server or below CITUS_ROOT)' unless defined $root;

# A server looks for extensions in one directory beside its own: links to both.
my $settings = "shared_preload_libraries = 'citus'\ncitus.node_conninfo = 'sslmode=disable'\ncitus.shard_count = 4\n"
  . "citus.enable_statistics_collection = off\ncitus.enable_version_checks = off\nmax_prepared_transactions = 20\nwal_level = logical\n";
my ($ours) = slurp_file($ENV{EXTENSION_CONF}) =~ /^extension_destdir = '([^']+)'/m;
if ($root ne '' && $ours)
{
	my $tree = PostgreSQL::Test::Utils::tempdir;
	system_or_bail('mkdir', '-p', "$tree$share/extension", "$tree$libraries");
	for my $from ($ours, $root)
	{
		symlink $_, "$tree$share/extension/" . basename($_) for glob("$from$share/extension/*");
		symlink $_, "$tree$libraries/" . basename($_) for glob("$from$libraries/*");
	}
	$settings .= "extension_destdir = '$tree'\ndynamic_library_path = '$tree$libraries:\$libdir'\n";
}
elsif ($root ne '')
{
	my $paths = slurp_file($ENV{EXTENSION_CONF});
	$paths =~ s/^(extension_control_path = ')/$1$root$share:/m;
	$paths =~ s/^(dynamic_library_path = ')/$1$root$libraries:/m;
	$settings .= $paths;
}
for my $node (@nodes)
{
	$node->append_conf('postgresql.conf', $settings);
	$node->start;
	$node->safe_psql('postgres', 'CREATE EXTENSION citus');
}
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

citus(sprintf q{SELECT citus_set_coordinator_host('%s', %d)}, $coordinator->host, $coordinator->port);
citus(sprintf q{SELECT citus_add_node('%s', %d)}, $_->host, $_->port) for @workers;
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

done_testing();
