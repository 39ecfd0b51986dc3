# connect_shop, and a live model, over the tables that Medusa's own migrations make. What
# test/sql/connect_postgres.sql says of tables written down from them is so in the real ones.
use strict;
use warnings;
use FindBin;
use ScoringCluster;
use NodeClient;
use PostgreSQL::Test::Utils;
use Test::More;

# the packages without the framework that runs their migrations
my $folder = node_folder(20, "$FindBin::Bin/../medusa", '--legacy-peer-deps');
my $tables = run_node($folder, 'migrations.js', '@medusajs/customer', '@medusajs/order');

my $node = new_node('medusa');
$node->start;
$node->safe_psql('postgres', "CREATE SCHEMA medusa; SET search_path = medusa, public; SET client_min_messages = warning;\n$tables");
$node->safe_psql('postgres', q{
	CREATE SCHEMA scoring;
	CREATE EXTENSION customer_scoring SCHEMA scoring;
	-- Medusa keeps each amount twice, as a number and as JSON, which nobody reads here
	DO $$ DECLARE c record; BEGIN
		FOR c IN SELECT attrelid::regclass AS relation, attname FROM pg_attribute JOIN pg_class r ON r.oid = attrelid
		          WHERE relnamespace = 'medusa'::regnamespace AND relkind = 'r' AND attnum > 0 AND NOT attisdropped AND attnotnull AND NOT atthasdef AND atttypid IN ('jsonb'::regtype, 'numeric'::regtype) LOOP
			EXECUTE format('ALTER TABLE %s ALTER %I SET DEFAULT %L', c.relation, c.attname, '0');
		END LOOP;
	END $$;
	SET search_path = medusa;
	SET timezone = 'UTC';
	} . slurp_file("$FindBin::Bin/../medusa/orders.sql") . q{
	CREATE SCHEMA medusa_in;});

sub asked { return $node->safe_psql('postgres', "SET search_path = public, scoring; SET client_min_messages = warning; $_[0]"); }

is(asked(q{SELECT string_agg(status::text, ' ' ORDER BY status::text) FROM unnest(enum_range(NULL::medusa.order_status_enum)) AS status
		WHERE status::text NOT IN ('pending', 'completed', 'archived', 'draft', 'canceled', 'requires_action')}), '', 'Medusa has no status that the template does not know');
is(asked(q{SELECT count(*) > 0 FROM connect_shop('medusa', 'medusa', 'medusa_in', time_zone => 'Europe/Paris', model => 'shop')}), 't', 'connect_shop');
# By hand: EUR: o1 and o3 are orders, o2 came back: 2 orders of 2 customers, 100.10 - 30.05 + 60. USD: 1 of 1, 40.
is(asked('SELECT currency, count(*) FILTER (WHERE counts), count(DISTINCT customer_key), sum(value) FROM medusa_in.orders_in GROUP BY 1 ORDER BY 1'),
	"EUR|2|2|130.05\nUSD|1|1|40", 'orders, customers and net revenue');
is(asked(q{SELECT order_key, category, product, quantity, value FROM medusa_in.lines_in ORDER BY order_key}), "o1|clothes|Shirt|2|100.10\no3|home|Lamp|2|60", 'lines, of the version in force');
is(asked(q{SELECT count(DISTINCT customer_key), min(city), max(company) FROM medusa_in.people_in}), '2|Bonn|Ben GmbH', 'two people');

# What docs/sources.md makes live, moved as Medusa moves it
asked(q{
	CREATE SCHEMA medusa_live;
	CREATE VIEW medusa_live.net_order AS
	SELECT o.id, lower(btrim(o.email)) AS customer, o.created_at, m.paid + m.back AS net, m.paid + m.back > 0 AS counts
	  FROM medusa."order" AS o
	  JOIN (SELECT t.order_id, sum(greatest(t.amount, 0)) AS paid, sum(least(t.amount, 0)) AS back
	          FROM medusa.order_transaction AS t WHERE t.deleted_at IS NULL GROUP BY t.order_id) AS m ON m.order_id = o.id
	 WHERE o.deleted_at IS NULL AND m.paid > 0 AND o.currency_code = 'eur';});
like(asked(q{SELECT string_agg(detail, ' ') FROM create_model('eur', 'medusa_live.net_order', customer => 'customer', day => 'created_at', value => 'net', counts => 'counts',
	time_zone => 'Europe/Paris', as_of => '2025-12-31', event_key => 'id', live_on => '{"medusa.order": "id", "medusa.order_transaction": "order_id"}')}),
	qr/^[^;]*no index of medusa\.order_transaction begins with order_id: [^;]*; CREATE INDEX ON medusa\.order_transaction \(order_id\);/, "live; an index that Medusa lacks is told");
my $scores = 'SELECT customer_key, monetary, frequency FROM eur.customer_scores ORDER BY 1';
is(asked($scores), "ann\@x.org|70.05|1\nben\@x.org|60.00|1", 'the same totals');
asked(q{UPDATE medusa.order_transaction SET deleted_at = NULL WHERE id = 't7';
	UPDATE medusa."order" SET deleted_at = NULL WHERE id = 'o9';
	INSERT INTO medusa.order_transaction (id, order_id, amount, currency_code) VALUES ('t10', 'o5', 12, 'eur'), ('t11', 'o1', -70.05, 'eur');});
is(asked($scores), "ben\@x.org|248.00|3", 'captures, refunds and what was deleted move the scores');
asked(q{DELETE FROM medusa."order" WHERE id = 'o3'; UPDATE medusa."order" SET email = 'eve@x.org' WHERE id = 'o5';});
is(asked("$scores;"), "ben\@x.org|77.00|1\neve\@x.org|12.00|1", 'an order deleted with its transactions by a foreign key, another address');
is(asked(q{SELECT count(*) FROM check_model('eur'); SELECT status FROM apply_changes('eur'); SELECT count(*) FROM check_model('eur')}), "0\napplied\n0", 'as a rebuild says, folded in or not');

done_testing();
