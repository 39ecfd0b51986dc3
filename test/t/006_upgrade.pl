# ALTER EXTENSION UPDATE from every released version, and pg_upgrade of what came of it.
#
# The earlier version is built from the history of this repository (test/upgrade/versions),
# and makes models with everything that it knew. Then the library is this version's and the
# extension not yet: what a shop does must go on. Then the extension is updated, and its
# objects must be those of a new installation, of which all other tests are. Then the models
# are upgraded: their tables are to be like those of new models, and their views to say what
# they said.
use strict;
use warnings;
use ScoringCluster;
use ModelCluster;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my ($earlier) = map { /\/([0-9.]+)\.conf\z/ } glob "$ENV{TESTDIR}/*.*.*.conf";
my $members = slurp_file("$ENV{TESTDIR}/normal/test/upgrade/members.sql");
my $old = new_node('old');
$old->append_conf('postgresql.conf', slurp_file("$ENV{TESTDIR}/$earlier.conf")) if $earlier;
$old->start;
make_roles($old, qw(reader analyst));
make_attempt($old, 'postgres');

# A digest of each column of views, of each customer where a view is about customers, in
# the form VIEW.COLUMN DIGEST; of a view that has no answer, the error. Not what says when
# something was done or in which version. Columns that came later can be left out.
sub says
{
	my ($role, $views, %known) = @_;
	my $out = run_as($old, 'postgres', $role, "SET client_min_messages = warning; SELECT public.says('$views')");
	return { map { /^(\S+) (.*)$/ && (!%known || exists $known{$1}) ? ($1 => $2) : () } split /\n/, $out };
}
my $all_views = '.';
my $few_views = '[.](customer_scores|customer_segments|segment_summary|segment_changes|mine)$';

# Columns that say something else now.
sub different
{
	my ($then, $now) = @_;
	return join "\n", map { "$_ " . ($now->{$_} // 'gone') } grep { $then->{$_} ne ($now->{$_} // '') } sort keys %$then;
}

# What this version says otherwise, or no longer: other words, values of attributes grouped,
# sums to the last digit, no tenants where there are none.
my %otherwise = (
	'0.1.0' => qr{ attribute_summary | data_quality | prediction_fits\.parameter | processing_record\.detail | \.score_range
		| prediction_by_segment\.expected_orders_90d | live_shop\.\w+\.tenant }x,
);

sub tables_of
{
	my ($model) = @_;
	return $old->safe_psql('postgres', qq{
		WITH r AS (SELECT * FROM pg_class WHERE relnamespace = '$model'::regnamespace AND relkind = 'r')
		SELECT regexp_replace(line, '\\m$model\\.', 'M.', 'g') FROM (
		SELECT format('%s %s', r.relname, concat_ws(' ', a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attcollation::regcollation,
		              a.attidentity, a.attstattarget, pg_get_expr(d.adbin, d.adrelid), col_description(r.oid, a.attnum))) AS line
		  FROM r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
		  LEFT JOIN pg_attrdef d ON d.adrelid = r.oid AND d.adnum = a.attnum
		UNION ALL SELECT format('%s %s: %s', r.relname, r.relreplident, obj_description(r.oid)) FROM r
		UNION ALL SELECT format('%s %s %s', r.relname, k.conname, pg_get_constraintdef(k.oid)) FROM r JOIN pg_constraint k ON k.conrelid = r.oid
		UNION ALL SELECT pg_get_indexdef(i.indexrelid) FROM r JOIN pg_index i ON i.indrelid = r.oid
		UNION ALL SELECT format('%s %s %s', c.relkind, c.relname, c.relacl) FROM pg_class c WHERE c.relnamespace = '$model'::regnamespace AND c.relkind = 'v'
		UNION ALL SELECT format('%s %s', p.oid::regprocedure, p.proacl) FROM pg_proc p WHERE p.pronamespace = '$model'::regnamespace
		) AS l ORDER BY 1});
}

# --- objects of layers 1 to 3, of a user ---------------------------------------------

my $sql = 'CREATE SCHEMA scoring; CREATE EXTENSION customer_scoring SCHEMA scoring; GRANT USAGE ON SCHEMA scoring TO PUBLIC;'
  . 'CREATE SCHEMA crm AUTHORIZATION shopowner;'
  . 'CREATE SCHEMA maps;' . q{SELECT scoring.create_segment_map('maps.winter', copy_of => 'essential');} . shop(4000)
  . 'CREATE VIEW customer_score AS ' . scores_of('maps.winter') . '; CREATE INDEX ON shop_history (orders);';
$old->safe_psql('postgres', $sql =~ s/\@ext\@/scoring/gr);
my $scores = 'SELECT md5(string_agg(t::text, chr(10) ORDER BY t.customer_id)), count(*) FROM customer_score t';
my $before = $old->safe_psql('postgres', $scores);

# --- models ------------------------------------------------------------------------------

$old->safe_psql('postgres', q{
	GRANT CREATE ON DATABASE postgres TO shopowner;
	CREATE FUNCTION public.h(text) RETURNS float8 IMMUTABLE LANGUAGE sql AS $$SELECT (('x' || left(md5($1), 7))::bit(28)::int + 0.5) / 268435456.0$$;
	CREATE FUNCTION public.says(views text) RETURNS SETOF text LANGUAGE plpgsql AS $$
	DECLARE view record; BEGIN
		FOR view IN SELECT c.oid::regclass AS name, string_agg(format('(%L, t.%I::text)', a.attname, a.attname), ', ' ORDER BY a.attnum) AS columns,
						   CASE WHEN bool_or(a.attname = 'customer_key') THEN 't.customer_key' ELSE quote_literal(0) END AS key
					  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
					 WHERE c.relnamespace::regnamespace::text IN ('chain', 'live_shop', 'crm') AND c.relkind = 'v' AND c.relname !~ '^_'
					   AND a.attname NOT IN ('version', 'checked_at', 'refreshed_at', 'pending_changes', 'advice')
					 GROUP BY c.oid HAVING c.oid::regclass::text ~ views ORDER BY 1 LOOP
			BEGIN
				RETURN QUERY EXECUTE format('SELECT concat(%L, ''.'', v.name, '' '', md5(string_agg(concat(%s, '' '', v.value), chr(10) ORDER BY concat(%s, '' '', v.value) COLLATE "C")))'
					' FROM (SELECT * FROM %s OFFSET 0) t CROSS JOIN LATERAL (VALUES %s) AS v (name, value) GROUP BY v.name', view.name, view.key, view.key, view.name, view.columns);
			EXCEPTION WHEN OTHERS THEN
				RETURN NEXT format('%s %s %s', view.name, sqlstate, sqlerrm);
			END;
		END LOOP;
	END $$;
	SET ROLE shopowner;
	CREATE TABLE crm.orders (customer_id int, tenant text, ordered_on date, total numeric(10, 2)) PARTITION BY RANGE (ordered_on);
	CREATE TABLE crm.orders_2023 PARTITION OF crm.orders FOR VALUES FROM (MINVALUE) TO ('2024-01-01');
	CREATE TABLE crm.orders_later PARTITION OF crm.orders FOR VALUES FROM ('2024-01-01') TO (MAXVALUE);
	-- people who come back at random, and stay away at random, so that there is something to fit
	INSERT INTO crm.orders
	SELECT c, (ARRAY['a', 'b', 'a:b'])[1 + c % 3], date '2023-01-01' + at::int, round((5 + 90 * h(concat('v', c)) * (0.5 + h(concat('w', c, '-', n))))::numeric, 2)
	  FROM (SELECT c, n, 700 * h(concat('f', c)) - sum(CASE WHEN n > 0 THEN (30 - 90 * ln(h(concat('g', c)))) * ln(h(concat('t', c, '-', n))) ELSE 0 END)
	               OVER (PARTITION BY c ORDER BY n) AS at
	          FROM generate_series(1, 400) c, generate_series(0, 30) n WHERE n <= -ln(h(concat('l', c))) / (0.02 + 0.3 * h(concat('m', c)))) o
	 WHERE at < 910;
	CREATE TABLE crm.customers AS
	SELECT c AS customer_id, (ARRAY['a', 'b', 'a:b'])[1 + c % 3] AS tenant, (ARRAY['FR', 'DE', 'IT'])[1 + c % 3] AS country, c % 7 > 0 AS agreed,
	       c % 11 = 3 AS objects, c % 2 = 0 AS by_mail
	  FROM generate_series(0, 450) c;
	ALTER TABLE crm.customers ADD PRIMARY KEY (customer_id, tenant);
	SET search_path = crm, public;
	SELECT scoring.create_model('chain', 'orders', as_of => '2025-06-30', customer => 'customer_id', day => 'ordered_on',
	  value => 'total', tenant => 'tenant', customers => 'customers', attributes => '{country}', consent => 'agreed', retention_days => 700,
	  prediction => 'mbgnbd', purpose => 'letters', legal_basis => 'consent');
	SELECT scoring.create_model('live_shop', 'orders', as_of => '2025-06-30', customer => 'customer_id', day => 'ordered_on', value => 'total', live => true,
	  customers => 'customers', customers_key => 'customer_id', attributes => '{country}', objection => 'objects', contact => '{by_mail}', prediction => 'mbgnbd');
	SELECT scoring.create_model('unwanted', 'SELECT customer_id, ordered_on, total FROM crm.orders WHERE customer_id < 9');
	SELECT scoring.record_changes(m) FROM unnest('{chain,live_shop}'::text[]) m;
	INSERT INTO crm.orders SELECT customer_id, tenant, '2025-06-29', 500 FROM crm.customers WHERE customer_id % 11 = 0;
	SELECT scoring.refresh_model('chain');
	SELECT scoring.record_changes(m) FROM unnest('{chain,live_shop}'::text[]) m;
	SELECT scoring.calibrate_model(m) FROM unnest('{chain,live_shop}'::text[]) m;
	SELECT scoring.alter_model('chain', weights => '{2,1,1}', segment_map => 'maps.winter');
	SELECT scoring.check_prediction(m, '2025-03-31') FROM unnest('{chain,live_shop}'::text[]) m;
	SELECT scoring.override_segment('live_shop', '7', 'regular', 'known to the shop');
	SELECT scoring.merge_customers('live_shop', '8', '9');
	SELECT scoring.forget_customer('live_shop', '10');
	SELECT scoring.check_quality(m) FROM unnest('{chain,live_shop}'::text[]) m;
	SELECT scoring.grant_reader('chain', 'reader', 'a');
	SELECT scoring.grant_reader('live_shop', 'reader');
	-- what only the owner knows of, and readers by hand
	GRANT USAGE ON SCHEMA live_shop TO analyst;
	GRANT SELECT ON live_shop.segment_summary TO analyst;
	CREATE VIEW crm.mine AS SELECT customer_key, segment, rfm_score, churn_probability, clv_12m FROM live_shop.customer_scores;
	CREATE FUNCTION crm.best() RETURNS SETOF text LANGUAGE sql STABLE BEGIN ATOMIC SELECT customer_key FROM live_shop.vip_customers; END;
	INSERT INTO crm.orders VALUES (1, 'a', '2025-06-30', 5000), (100000, 'a', '2025-06-30', 1);
} =~ s/GRANT CREATE/GRANT USAGE ON SCHEMA maps TO PUBLIC; GRANT SELECT ON ALL TABLES IN SCHEMA maps TO PUBLIC; GRANT CREATE/r);
my $said = says('shopowner', $all_views);
my $few = says('shopowner', $few_views);
my $reader_said = says('reader', $few_views);
is($old->safe_psql('postgres', q{SELECT count(*) FROM live_shop.customer_scores WHERE churn_probability IS NOT NULL AND clv_12m IS NOT NULL AND propensity_90d IS NOT NULL}) > 300, 1,
	'the models predict');
is($old->safe_psql('postgres', 'SELECT count(*) > 0 FROM live_shop.pending'), 't', 'and orders are pending');

SKIP:
{
	skip 'an earlier version', 1 unless $earlier;
	is($old->safe_psql('postgres', q{SELECT extversion FROM pg_extension WHERE extname = 'customer_scoring'}), $earlier, "version $earlier");

	# --- the library of this version, the extension still of the other -------------------

	$old->append_conf('postgresql.conf', slurp_file($ENV{EXTENSION_CONF}));
	$old->restart;
	is($old->safe_psql('postgres', q{
		SELECT string_agg(a, chr(10))
		  FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
		  JOIN pg_language l ON l.oid = p.prolang AND l.lanname = 'c'
		 CROSS JOIN LATERAL public.attempt(format('SELECT fmgr_c_validator(%s)', p.oid)) AS a WHERE a <> 'ok'}), '',
		'the library has all that functions of the earlier version call');
	is(different($few, says('shopowner', $few_views)), '', 'its views say the same');
	run_as($old, 'postgres', 'shopowner', q{
		INSERT INTO crm.orders VALUES (2, 'a', '2025-06-30', 3), (3, 'a', '2025-06-29', 4);
		INSERT INTO crm.orders_later VALUES (2, 'a', '2025-06-28', 7);
		UPDATE crm.orders SET total = total + 1 WHERE customer_id = 2 AND ordered_on = '2025-06-30';
		DELETE FROM crm.orders WHERE customer_id = 3 AND ordered_on = '2025-06-29'});
	is(scalar run_as($old, 'postgres', 'shopowner', q{SELECT * FROM scoring.check_model('live_shop'); SELECT * FROM live_shop.rejects}), '',
		'its triggers see every order');
	like((attempt($old, 'postgres', 'shopowner', q{SELECT * FROM live_shop.customer_scores_at('2025-01-01')}))[0], qr/ALTER EXTENSION customer_scoring UPDATE/,
		'what has changed says what to do');

	# --- the extension -----------------------------------------------------------------------

	run_as($old, 'postgres', 'shopowner', q{CREATE VIEW crm.dated AS SELECT customer_key FROM live_shop.customer_scores_at('2025-01-01')});
	my ($rc, $out, $err) = $old->psql('postgres', 'ALTER EXTENSION customer_scoring UPDATE');
	like($err, qr/DETAIL:  view crm.dated depends on function live_shop.customer_scores_at/, 'what depends on functions of a model is named');
	is($old->safe_psql('postgres', q{DROP VIEW crm.dated; SELECT extversion FROM pg_extension WHERE extname = 'customer_scoring'}), $earlier, 'and nothing changed');
	$old->safe_psql('postgres', q{DELETE FROM crm.orders_later WHERE customer_id = 2 AND ordered_on > '2025-06-27'; ALTER EXTENSION customer_scoring UPDATE});
	$old->safe_psql('postgres', 'CREATE DATABASE fresh');
	$old->safe_psql('fresh', 'CREATE SCHEMA scoring; CREATE EXTENSION customer_scoring SCHEMA scoring');
	my @updated = split /\n/, $old->safe_psql('postgres', $members);
	my @fresh = split /\n/, $old->safe_psql('fresh', $members);
	my (%updated, %fresh);
	@updated{@updated} = @fresh{@fresh} = ();
	is(join("\n", (map { "+ $_" } grep { !exists $fresh{$_} } @updated), map { "- $_" } grep { !exists $updated{$_} } @fresh), '',
		'the objects are those of a new installation: see sql/update.pl');
	is($old->safe_psql('postgres', $scores), $before, 'queries of users say the same');
	is($old->safe_psql('postgres', 'SELECT count(*) FROM pg_depend WHERE deptype = \'e\' AND objid IN (SELECT oid FROM pg_class WHERE relnamespace = \'live_shop\'::regnamespace)'),
		'0', 'nothing of a model has become part of the extension');

	# --- models until they are upgraded ----------------------------------------------------

	is(scalar run_as($old, 'postgres', 'reader', 'SELECT model, status, needs FROM live_shop.model_status'),
		"live_shop|upgrade needed|SELECT upgrade_model('live_shop');", 'model_status says what a model needs');
	my $outdated = qr/^55000 model "live_shop" was made by an earlier version of customer_scoring The owner of the model upgrades it: SELECT upgrade_model\('live_shop'\);$/;
	like($_, $outdated, 'and its views and verbs') for attempt($old, 'postgres', 'shopowner', 'SELECT * FROM live_shop.customer_scores', 'SELECT * FROM crm.mine',
		q{SELECT scoring.refresh_model('live_shop')}, q{SELECT scoring.apply_changes('live_shop')},
		q{SELECT scoring.forget_customer('live_shop', '5')}, q{SELECT scoring.grant_reader('live_shop', 'analyst')});
	like((attempt($old, 'postgres', 'reader', q{SELECT scoring.explain_score('live_shop', '5')}))[0], qr/upgrade_model\('live_shop'\)/, 'and what readers ask');
	run_as($old, 'postgres', 'shopowner', q{INSERT INTO crm.orders VALUES (2, 'a', '2025-06-30', 3); DELETE FROM crm.orders WHERE customer_id = 2 AND ordered_on = '2025-06-30' AND total = 3});
	is(scalar run_as($old, 'postgres', 'shopowner', q{SELECT detail FROM scoring.drop_model('unwanted')}), 'model unwanted with 8 customers', 'one can be dropped');
	like((attempt($old, 'postgres', 'analyst', q{SELECT scoring.upgrade_model('live_shop')}))[0], qr/^42501 model "live_shop" belongs to role shopowner/, 'others do not upgrade it');
	like((attempt($old, 'postgres', 'shopowner', q{SELECT scoring.upgrade_model('live_shop')}))[0], qr/"customers" does not exist SET search_path/,
		'names mean what they mean to the caller');

	# --- models upgraded -------------------------------------------------------------------

	my %report = map { /^([^|]*)\|(.*)$/ } split /\n/, scalar run_as($old, 'postgres', 'shopowner', q{SET search_path = crm; SELECT * FROM scoring.upgrade_model('live_shop')});
	is($report{version}, '2 -> 3', 'upgrade_model writes a version');
	is($report{'replaced in place'}, 'customer_scores, segment_summary, vip_customers', 'views that others have to do with are replaced');
	run_as($old, 'postgres', 'shopowner', q{SET search_path = crm; SELECT * FROM scoring.upgrade_model('chain')});
	is(join("\n", grep { !/$otherwise{$earlier}/ } split /\n/, different($said, says('shopowner', $all_views))), '', 'the views of models say the same');
	is(join("\n", grep { !/$otherwise{$earlier}/ } split /\n/, different($reader_said, says('reader', $few_views))), '', 'to readers too');
	is(scalar run_as($old, 'postgres', 'shopowner', q{SELECT status, needs FROM live_shop.model_status; SELECT status FROM chain.model_status;
		SELECT * FROM scoring.check_model('live_shop')}), "ok|\nok", 'and need nothing');
	is(scalar run_as($old, 'postgres', 'analyst', 'SELECT count(*) > 3 FROM live_shop.segment_summary'), 't', 'who was granted a view by hand reads it');
	is($old->safe_psql('postgres', q{SELECT count(*) = (SELECT count(*) FROM live_shop.vip_customers) FROM crm.best()}), 't', 'functions over views go on');
	is($old->safe_psql('postgres', q{SELECT reason, layout = scoring._model_layout() FROM live_shop.configuration WHERE valid_until IS NULL}), 'upgraded|t',
		'the layout is recorded');

	run_as($old, 'postgres', 'shopowner', q{INSERT INTO crm.orders VALUES (4, 'a', '2025-06-30', 3); INSERT INTO crm.orders_later VALUES (10, 'a', '2025-06-30', 3)});
	is(scalar run_as($old, 'postgres', 'shopowner', q{SELECT * FROM scoring.check_model('live_shop'); SELECT count(*) FROM live_shop.pending;
		SELECT count(*) FROM live_shop.customer_scores WHERE customer_key = '10'}), "2\n0", 'triggers see orders, but who was erased stays away');
	run_as($old, 'postgres', 'shopowner', q{SET search_path = crm; SELECT scoring.apply_changes('live_shop'); SELECT scoring.alter_model('live_shop', version => 1);
		SELECT scoring.refresh_model('chain'); SELECT scoring.record_changes('chain')});
	is(scalar run_as($old, 'postgres', 'shopowner', q{SELECT detail FROM scoring.upgrade_model('chain')}), 'views and functions', 'once more makes views again');

	run_as($old, 'postgres', 'shopowner', q{SET search_path = crm;
		SELECT scoring.create_model('new_chain', 'orders', as_of => '2025-06-30', customer => 'customer_id', day => 'ordered_on',
		  value => 'total', tenant => 'tenant', customers => 'customers', attributes => '{country}', consent => 'agreed', retention_days => 700, prediction => 'mbgnbd');
		SELECT scoring.grant_reader('new_chain', 'reader', 'a')});
	is(tables_of('chain'), tables_of('new_chain'), 'tables, views, functions and rights are those of a new model');
}

# --- models with all that this version has -----------------------------------------------

run_as($old, 'postgres', 'shopowner', q{
	SET search_path = crm, public;
	CREATE TABLE crm.sales (order_id int, customer_id int, ordered_on date, amount numeric);
	CREATE TABLE crm.refunds (order_id int, amount numeric);
	INSERT INTO crm.sales SELECT row_number() OVER (), customer_id, ordered_on, total FROM crm.orders;
	SELECT scoring.create_model('ledger', 'SELECT s.order_id, s.customer_id, s.ordered_on, s.amount - coalesce((SELECT sum(r.amount) FROM crm.refunds r WHERE r.order_id = s.order_id), 0) AS net FROM crm.sales s',
	  as_of => '2025-06-30', customer => 'customer_id', day => 'ordered_on', value => 'net', event_key => 'order_id', live_on => '{"crm.sales": "order_id", "crm.refunds": "order_id"}');
	SELECT scoring.add_stream('live_shop', 'visits', 'orders', customer => 'customer_id', day => 'ordered_on', kind => $$CASE WHEN total > 50 THEN 'basket' ELSE 'click' END$$,
	  role => '{"basket": "basket", "click": "click"}', live => true);
	SELECT scoring.add_stream('live_shop', 'answers', 'orders', customer => 'customer_id', day => 'ordered_on', value => '1 + abs(total::int) % 5', scale => 'stars', live => true);
	SELECT scoring.alter_model('live_shop', clusters => 3, scorecards => '{engagement}', account => 'country', composite => '{"rfm_score": 5, "engagement_score": 3}');
	SELECT scoring.calibrate_model('live_shop');
	INSERT INTO crm.orders VALUES (5, 'a', '2025-06-30', 3);
	INSERT INTO crm.refunds VALUES (5, 1)});
is(scalar run_as($old, 'postgres', 'shopowner', q{SELECT count(DISTINCT cluster), count(engagement_score) > 0 FROM live_shop.customer_scores;
	SELECT * FROM scoring.check_model('live_shop'); SELECT * FROM scoring.check_model('ledger')}), '3|t', 'models can all that models can');

# --- pg_upgrade -------------------------------------------------------------------------

my $stays = says('shopowner', $few_views);
$old->stop;
my $new = new_node('new');
upgrade_node($old, $new);
is($new->safe_psql('postgres', $scores), $before, 'the scores are the same');
is($new->safe_psql('postgres', q{SET enable_seqscan = off; SELECT count(*) FROM shop_history WHERE orders OPERATOR(scoring.>=) '{}'}),
	$new->safe_psql('postgres', q{SET enable_indexscan = off; SET enable_bitmapscan = off; SELECT count(*) FROM shop_history WHERE orders OPERATOR(scoring.>=) '{}'}),
	'the index too');
$old = $new;
is(different($stays, says('shopowner', $few_views)), '', 'models say the same');
run_as($new, 'postgres', 'shopowner', q{INSERT INTO crm.orders VALUES (6, 'a', '2025-06-30', 3)});
is(scalar run_as($new, 'postgres', 'shopowner', q{SELECT * FROM scoring.check_model('live_shop'); SELECT count(*) FROM live_shop.pending;
	SELECT * FROM scoring.check_model('ledger')}), '2', 'live ones are live');

done_testing();
