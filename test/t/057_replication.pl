# Logical replication: orders that come in by it, and models on a server whose tables go out.
use strict;
use warnings;
use ScoringCluster;
use ModelCluster;
use PostgreSQL::Test::Utils;
use Test::More;

my ($publisher, $subscriber) = map { new_node($_, allows_streaming => 'logical') } 'publisher', 'subscriber';
for my $node ($publisher, $subscriber)
{
	$node->append_conf('postgresql.conf', "autovacuum = off\nmax_logical_replication_workers = 8\nwal_retrieve_retry_interval = 100\n");
	$node->start;
	make_attempt($node, 'postgres');
	$node->safe_psql('postgres', q{
		CREATE SCHEMA scoring; CREATE EXTENSION customer_scoring SCHEMA scoring;
		CREATE TABLE orders (order_id int PRIMARY KEY, customer_id int, ordered_on date, total numeric);
		CREATE TABLE refunds (refund_id int PRIMARY KEY, order_id int, amount numeric);
		CREATE TABLE visits (visit_id int PRIMARY KEY, customer_id int, seen_on date, kind text)});
}
$publisher->safe_psql('postgres', q{
	INSERT INTO orders SELECT i, i * 7919 % 120, date '2024-01-01' + i * 31 % 500, (i % 997)::numeric / 10 FROM generate_series(1, 1200) i;
	INSERT INTO visits SELECT i, i % 120, date '2025-01-01' + i % 150, 'visit' FROM generate_series(1, 600) i});

# The first copy of all tables has come.
sub synchronized
{
	$subscriber->poll_query_until('postgres', q{SELECT count(*) > 0 AND bool_and(srsubstate IN ('r', 's')) FROM pg_subscription_rel}) or die 'no synchronization';
	return;
}

my $live = q{scoring.create_model('%s', 'orders', as_of => '2025-06-30', customer => 'customer_id', day => 'ordered_on', value => 'total', live => true)};
my $ledger = q{scoring.create_model('ledger', 'SELECT o.order_id, o.customer_id, o.ordered_on, o.total - coalesce((SELECT sum(r.amount) FROM refunds r WHERE r.order_id = o.order_id), 0) AS net FROM orders o',
	as_of => '2025-06-30', customer => 'customer_id', day => 'ordered_on', value => 'net', event_key => 'order_id', live_on => '{"orders": "order_id", "refunds": "order_id"}')};
my $stream = q{scoring.add_stream('shop', 'visits', 'visits', customer => 'customer_id', day => 'seen_on', kind => 'kind', role => '{"visit": "visit"}', live => true)};
my $scores = q{SELECT count(*), md5(string_agg(s::text, chr(10) ORDER BY customer_key)) FROM %s.customer_scores s};

# --- out -------------------------------------------------------------------------------

# A publication of all tables lets nobody change rows of a table that have no identity.
$publisher->safe_psql('postgres', "SELECT FROM @{[ sprintf $live, 'shop' ]}; SELECT FROM $ledger; SELECT FROM $stream; SELECT scoring.alter_model('shop', clusters => 3, prediction => 'bgnbd');
	CREATE PUBLICATION everything FOR ALL TABLES");
is($publisher->safe_psql('postgres', q{SELECT string_agg(c.oid::regclass::text, ' ') FROM pg_class c WHERE relnamespace IN ('shop'::regnamespace, 'ledger'::regnamespace) AND relkind = 'r'
	AND relreplident <> 'f' AND NOT EXISTS (SELECT FROM pg_index WHERE indrelid = c.oid AND indisprimary)}), '', 'each table of a model says by what its rows are known');
for my $call (q{INSERT INTO orders VALUES (2000, 3, '2025-06-29', 7), (2001, 4, '2025-06-29', 'NaN')}, 'DELETE FROM orders WHERE order_id = 1', 'UPDATE orders SET total = total + 1 WHERE order_id < 50',
	q{INSERT INTO refunds VALUES (1, 2000, 3)}, q{INSERT INTO visits VALUES (2000, 5, '2025-06-01', 'visit')},
	(map { "SELECT FROM scoring.$_" } (map { ("apply_changes('$_')", "refresh_model('$_')", "alter_model('$_', weights => '{1,2,1}')", "forget_customer('$_', '6')") } 'shop', 'ledger'),
		map { s/\@/'shop'/r } q{record_changes(@)}, q{calibrate_model(@)}, q{check_quality(@)}, q{set_goal(@, NULL, 'customers', 10, 'by', '2026-06-30')}, q{drop_goal(@, NULL, 'customers')},
		q{grant_reader(@, 'pg_monitor')}, q{revoke_reader(@, 'pg_monitor')}, q{start_campaign(@, 'spring', NULL::text, on_day => '2025-03-31')}, q{drop_campaign(@, 'spring')},
		q{merge_customers(@, '4', '5')}, q{unmerge_customers(@, '4')}, q{override_segment(@, '7', 'regular', 'known')}, q{clear_override(@, '7')}),
	q{SELECT FROM scoring.drop_stream('shop', 'visits')}, q{TRUNCATE refunds}, q{SELECT FROM scoring.refresh_model('shop')}, q{SELECT FROM scoring.apply_changes('ledger')})
{
	is($publisher->safe_psql('postgres', "SELECT public.attempt(\$call\$$call\$call\$)"), 'ok', "with a publication of all tables: $call");
}
is($publisher->safe_psql('postgres', q{SELECT * FROM scoring.check_model('shop'); SELECT * FROM scoring.check_model('ledger')}), '', 'and the models are right');
$publisher->safe_psql('postgres', q{DROP PUBLICATION everything; SELECT FROM scoring.drop_model('ledger')});

# Histories go out, and another server scores them.
$publisher->safe_psql('postgres', q{SELECT FROM scoring.refresh_model('shop'); CREATE PUBLICATION histories FOR TABLE shop.customer_histories (customer_key, history)});
$subscriber->safe_psql('postgres', q{CREATE SCHEMA shop; CREATE TABLE shop.customer_histories (customer_key text PRIMARY KEY, history scoring.history)});
my $from = $publisher->connstr('postgres') . ' application_name=histories';
$subscriber->safe_psql('postgres', "CREATE SUBSCRIPTION histories CONNECTION \$c\$$from\$c\$ PUBLICATION histories");
synchronized();
$publisher->safe_psql('postgres', q{INSERT INTO orders VALUES (3000, 3, '2025-06-28', 70); SELECT FROM scoring.apply_changes('shop')});
$publisher->wait_for_catchup('histories');
my $sent = q{SELECT count(*), md5(string_agg(customer_key || ' ' || history::text, chr(10) ORDER BY customer_key COLLATE "C")) FROM shop.customer_histories};
is($subscriber->safe_psql('postgres', $sent), $publisher->safe_psql('postgres', $sent), 'histories that go out are the same there');
is($subscriber->safe_psql('postgres', q{SELECT FROM scoring.create_model('copied', 'SELECT customer_key, history FROM shop.customer_histories', as_of => '2025-06-30');
		SELECT count(*), sum(monetary), sum(frequency) FROM copied.customer_scores}),
	$publisher->safe_psql('postgres', q{SELECT count(*), sum(monetary), sum(frequency) FROM shop.customer_scores}), 'and a model over them says the same');
$subscriber->safe_psql('postgres', q{DROP SUBSCRIPTION histories; SELECT FROM scoring.drop_model('copied'); DROP SCHEMA shop CASCADE});

# --- in ---------------------------------------------------------------------------------

# Models that are live before the subscription begins; one has triggers that fire for replicas too.
$subscriber->safe_psql('postgres', "INSERT INTO orders SELECT -i, 1000 + i, '2025-01-01', i FROM generate_series(1, 20) i;
	SELECT FROM @{[ sprintf $live, 'shop' ]}; SELECT FROM @{[ sprintf $live, 'always' ]}; SELECT FROM $ledger; SELECT FROM $stream;
	SELECT FROM scoring.create_model('read', 'orders', as_of => '2025-06-30', customer => 'customer_id', day => 'ordered_on', value => 'total');
	" . join '', map { "ALTER TABLE orders ENABLE ALWAYS TRIGGER scoring_${_}_always; " } qw(insert update delete truncate));
sub status_of { my ($model) = @_; return $subscriber->safe_psql('postgres', "SELECT status, needs FROM $model.model_status"); }
sub check { my ($model) = @_; return $subscriber->safe_psql('postgres', "SELECT problem, customers, CASE WHEN problem = 'cause' THEN explanation END FROM scoring.check_model('$model')"); }
sub try_it { my ($call) = @_; return $subscriber->safe_psql('postgres', "SELECT public.attempt(\$call\$SELECT FROM scoring.$call\$call\$)"); }
my @live = qw(shop always ledger);
is(status_of($_), 'ok|', "$_ needs nothing") for @live;
$publisher->safe_psql('postgres', 'CREATE PUBLICATION shop FOR TABLE orders, refunds, visits');
$subscriber->safe_psql('postgres', "CREATE SUBSCRIPTION shop CONNECTION \$c\$@{[ $publisher->connstr('postgres') ]} application_name=shop\$c\$ PUBLICATION shop");
synchronized();

like(status_of($_), qr/^rebuild needed\|table public.orders is filled by logical replication/, "$_ says what it does not see") for @live;
my $cause = '(cause\|\|stream visits: table public.visits is filled by logical replication\n)?cause\|\|table public.orders is filled by logical replication\z';
like(check($_), qr/^not in the model\|1\d\d\|\n(events of visits\|120\|\n)?$cause/, "$_ has missed the first copy") for 'shop', 'ledger';
like(check('always'), qr/^$cause/, 'triggers that are ENABLE ALWAYS have seen it');
$publisher->safe_psql('postgres', q{INSERT INTO orders VALUES (4000, 3, '2025-06-29', 7); UPDATE orders SET total = total + 1 WHERE order_id < 90; DELETE FROM orders WHERE order_id = 100; INSERT INTO refunds VALUES (1, 50, 3)});
$publisher->wait_for_catchup('shop');
like(check('always'), qr/^other history\|\d+\|\n$cause/, 'but nothing that came later');

my $refused = qr/^0A000 live: public\.orders is filled by logical replication .*live => false.*refresh_model.*make the model where the rows come from/;
like(try_it($_), $refused, "refused: $_") for sprintf($live, 'more') =~ s/^scoring\.//r, q{alter_model('read', live => true)}, q{refresh_model('shop')}, q{refresh_model('ledger')};
is(try_it(q{apply_changes('always')}), 'ok', 'what was seen is folded in');

# What the hint says helps; and a model that is refreshed has no trouble at all.
is(try_it($_), 'ok', $_) for q{alter_model('always', live => false)}, q{refresh_model('always')}, q{refresh_model('read')};
is(check($_), '', "$_ is right") for 'always', 'read';
$publisher->safe_psql('postgres', q{DELETE FROM orders WHERE order_id > 1000; TRUNCATE refunds});
$publisher->wait_for_catchup('shop');
is(try_it(q{refresh_model('read')}), 'ok', 'refreshed again');
is(check('read'), '', 'it has what came since');

# Without the subscription the catalogs tell nothing any more: check_model does, and refresh_model mends.
$subscriber->safe_psql('postgres', q{DROP SUBSCRIPTION shop});
is(status_of($_), 'ok|', "$_ looks well") for 'shop', 'ledger';
like(check('shop'), qr/^not in the model\|1\d\d\|\nevents of visits\|120\|\z/, 'but check_model tells');
is(try_it("refresh_model('$_')"), 'ok', "$_ is read again") for 'shop', 'ledger';
is(check($_), '', "$_ is right") for 'shop', 'ledger';
$subscriber->safe_psql('postgres', q{INSERT INTO orders VALUES (5000, 3, '2025-06-29', 7); INSERT INTO visits VALUES (5000, 3, '2025-06-29', 'visit')});
is(check($_), '', "$_ is live") for 'shop', 'ledger';

done_testing();
