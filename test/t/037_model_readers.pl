# A reader of models: a role with nothing but grant_reader, who has no rights on
# the schema of the extension, on the source, or on the people. And what readers
# and their tools find in the catalogs: names and comments.
use strict;
use warnings;
use ScoringCluster;
use ModelCluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('readers');
$node->start;
make_roles($node, 'bi', 'branch');
$node->safe_psql('postgres', q{
	CREATE SCHEMA scoring;
	CREATE EXTENSION customer_scoring SCHEMA scoring;
	GRANT USAGE ON SCHEMA scoring TO shopowner;
	GRANT CREATE ON DATABASE postgres TO shopowner;
	CREATE SCHEMA crm AUTHORIZATION shopowner;
	SET ROLE shopowner;
	CREATE TABLE crm.orders (id serial, shop text, customer int, bought_at timestamptz, total numeric, currency text) PARTITION BY LIST (shop);
	CREATE TABLE crm.orders_a PARTITION OF crm.orders FOR VALUES IN ('a');
	CREATE TABLE crm.orders_b PARTITION OF crm.orders FOR VALUES IN ('b');
	INSERT INTO crm.orders (shop, customer, bought_at, total, currency) SELECT chr(97 + i % 2), i * 7 % 150, timestamptz '2025-12-30 12:00+00' - (i * 31 % 900) * interval '1 day', 5 + i % 60, 'EUR'
	  FROM generate_series(1, 900) i;
	CREATE TABLE crm.people (shop text, customer int, town text, status text, agreed boolean, objects boolean, mail boolean, joined date, PRIMARY KEY (shop, customer));
	INSERT INTO crm.people SELECT chr(97 + i % 2), i / 2, 'town ' || i % 4, 'status ' || i % 3, i % 9 <> 0, i % 50 = 7, i % 3 > 0, '2025-01-01' FROM generate_series(0, 399) i;
	-- everything that a model can have, live and not, with tenants and without
	SELECT count(*) FROM scoring.create_model('everything', 'crm.orders', customer => 'customer', day => 'bought_at', value => 'total', time_zone => 'UTC', as_of => '2025-12-31',
		tenant => 'shop', live => true, customers => 'crm.people', attributes => '{town,status}', contact => '{mail}', consent => 'agreed', objection => 'objects',
		retention_days => 2000, minimum_group_size => 3, prediction => 'mbgnbd', currency => 'currency', purpose => 'p', legal_basis => 'l', segment_map => 'standard', account => 'town', scorecards => '{engagement}', clusters => 3);
	SELECT count(*) FROM scoring.create_model('open', 'crm.orders', customer => $$shop || customer::text$$, day => 'bought_at', value => 'total', time_zone => 'UTC', as_of => '2025-12-31',
		live => true, prediction => 'mbgnbd', customers => 'SELECT shop || customer::text AS id, town FROM crm.people', attributes => '{town}', monetary => 'mean', language => 'fr',
		clusters => 2, cluster_inputs => '{rfm_score,mean_value}');
	SELECT count(*) FROM scoring.create_model('stored', 'SELECT * FROM crm.orders', customer => 'customer', day => 'bought_at', value => 'total', time_zone => 'UTC', as_of => '2025-12-31',
		tenant => 'shop', event_key => 'id', prediction => 'bgnbd', customers => 'crm.people', objection => 'objects');
	SELECT count(*) FROM scoring.create_model('plain', 'SELECT customer, bought_at::date, total FROM crm.orders');
	SELECT count(*) FROM scoring.alter_model('plain', attributes => '{town}', customers => 'SELECT customer, min(town) AS town FROM crm.people GROUP BY customer');
	SELECT count(*) FROM scoring.alter_model('plain', reset => '{attributes,customers}');
	SELECT count(*) FROM scoring.alter_model('plain', clusters => 2);
	SELECT count(*) FROM scoring.alter_model('plain', clusters => 0);
	SELECT count(*) FROM unnest('{everything,open,stored}'::text[]) m, scoring.check_prediction(m);
	SELECT count(*) FROM unnest('{everything,open,stored,plain}'::text[]) m, scoring.record_changes(m);
	SELECT count(*) FROM unnest('{everything,open,stored,plain}'::text[]) m, scoring.check_quality(m);
	INSERT INTO crm.orders (shop, customer, bought_at, total, currency) VALUES ('a', 1, '2025-12-30 12:00+00', 400, 'EUR'), ('b', 190, '2025-12-30 12:00+00', 1, 'EUR');
	SELECT count(*) FROM unnest('{everything,open,stored,plain}'::text[]) m, scoring.record_changes(m);
	SELECT scoring.grant_reader(m, 'bi') FROM unnest('{everything,open,stored,plain}'::text[]) m;
	SELECT scoring.grant_reader(m, 'branch', 'a') FROM unnest('{everything,stored}'::text[]) m;
});
my @models = qw(everything open stored plain);
sub ask { return scalar run_as($node, 'postgres', @_); }

is(ask('bi', q{SELECT has_schema_privilege('scoring', 'USAGE') OR has_schema_privilege('crm', 'USAGE')}), 'f', 'the reader has no right on the extension');

# Every column of every view, and every function with the arguments that it must have.
my @calls = ModelCluster::rows($node, 'postgres', qq{
	SELECT format('%s(%s)', p.oid::regproc, (SELECT string_agg(CASE t WHEN 'date'::regtype THEN '''2025-11-30''' WHEN 'text'::regtype THEN '''1'''
	         WHEN 'int[]'::regtype THEN '''{1}''' WHEN 'numeric[]'::regtype THEN '''{10}''' ELSE 'NULL' END, ', ' ORDER BY o)
	         FROM unnest(proargtypes[0:pronargs - pronargdefaults - 1]) WITH ORDINALITY AS u (t, o)))
	  FROM pg_proc p WHERE pronamespace::regnamespace::text IN ('everything', 'open', 'stored', 'plain') AND prorettype <> 'trigger'::regtype
	   AND (prosecdef OR proname !~ '^_') ORDER BY 1});
my @views = map { views($node, 'postgres', $_) } @models;
cmp_ok(scalar @views, '>=', 80, scalar(@views) . ' views');
cmp_ok(scalar @calls, '>=', 24, scalar(@calls) . ' functions');
for my $role ('bi', 'branch')
{
	my @failed;
	my @items = grep { $role eq 'bi' || !/^(open|plain)\./ } @views, @calls;
	my ($rc, $out, $err) = $node->psql('postgres', join('', map { "\\echo ===\n\\warn ===\nSELECT count(t::text) FROM (SELECT * FROM $_ OFFSET 0) AS t;\n" } @items),
		extra_params => [ '-U', $role ], on_error_stop => 0);
	my (undef, @out) = split /^===\n/m, "$out\n", -1;
	my (undef, @err) = split /^===\n/m, "$err\n", -1;
	is(@out . ' ' . @err, @items . ' ' . @items, "$role asks for all of them");
	for my $item (@items)
	{
		my ($rows, $error) = (shift @out, shift @err);
		push @failed, "$item: $error" if $error =~ /ERROR/ && $error !~ /must not be null|there is no campaign/;
		push @failed, "$item: no rows" if $role eq 'bi' && $rows !~ /^[1-9]/ && $item =~ /status|weights|fits|thresholds|scores|segments|summary|prediction|distribution|grid|clusters|cluster_inputs/ && $item !~ /^(plain|stored)\.attribute|^plain\.cluster|^everything\.prediction_(?:check_by_segment|calibration)|_with_orders|\._/;
	}
	is(join('', @failed), '', "$role reads every column of all views, and the result of all functions");
}

# Accounts are of a tenant, and their contacts are those whom the reader sees.
for my $from ('account_scores', q{account_scores_at('2025-12-31')})
{
	for my $role ('bi', 'branch')
	{
		is(ask($role, qq{SELECT tenant, count(*), sum(contacts), sum(frequency) FROM everything.$from GROUP BY tenant ORDER BY tenant}),
			ask($role, q{SELECT tenant, count(DISTINCT town), count(town), sum(frequency) FROM everything.customer_scores WHERE town IS NOT NULL GROUP BY tenant ORDER BY tenant}), "$from adds up for $role");
	}
	is(ask('branch', "SELECT string_agg(DISTINCT tenant, ' ') FROM everything.$from"), 'a', "$from shows branch its tenant alone");
}

# What the views are made of is nobody's but the owner's: the private views and
# functions can't be read or called, and no tool lists them for a reader.
my @private = ModelCluster::rows($node, 'postgres', q{
	SELECT c.oid::regclass FROM pg_class c WHERE relnamespace::regnamespace::text IN ('everything', 'open', 'stored', 'plain') AND relkind = 'v' AND relname ~ '^_' ORDER BY c.oid::regclass::text COLLATE "C"});
is(join(' ', grep { /^everything/ } @private), 'everything._customers everything._everyone everything._facts everything._histories everything._latest_check everything._pending_keys everything._pending_rows everything._question everything._scored everything._scores everything._shown',
	'the private views');
for my $role ('bi', 'branch')
{
	my @read = grep { (run_as($node, 'postgres', $role, "SELECT * FROM $_ LIMIT 1"))[1] !~ /ERROR:  permission denied for (view _|schema )/ } @private;
	is(join(' ', @read), '', "$role reads none of them");
	is(ask($role, q{SELECT string_agg(format('%s.%s', table_schema, table_name), ' ') FROM (SELECT table_schema, table_name FROM information_schema.tables UNION ALL
		SELECT table_schema, table_name FROM information_schema.views UNION ALL SELECT table_schema, table_name FROM information_schema.columns UNION ALL
		SELECT table_schema, table_name FROM information_schema.table_privileges WHERE grantee IN ('bi', 'branch')) AS t
		WHERE table_schema IN ('everything', 'open', 'stored', 'plain') AND table_name ~ '^_'}), '', "nor are they listed for $role");
	is(ask($role, q{SELECT count(DISTINCT table_name) FROM information_schema.views WHERE table_schema = 'everything'}),
		ask('postgres', q{SELECT count(*) FROM pg_class WHERE relnamespace = 'everything'::regnamespace AND relkind = 'v' AND relname !~ '^_'}), "but all others are for $role");
	for my $call ('_question_at(NULL, NULL, true, 0, NULL)', '_scores_at(NULL, NULL, true, NULL)', '_shown_at(NULL)')
	{
		like((run_as($node, 'postgres', $role, "SELECT * FROM everything.$call"))[1], qr/permission denied for function _/, "$role can't call $call");
	}
}
# ... by default privileges of the owner either
$node->safe_psql('postgres', q{
	SET ROLE shopowner;
	ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO bi;
	ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO bi;
	SELECT count(*) FROM scoring.create_model('given', 'SELECT customer, bought_at::date, total FROM crm.orders', as_of => '2025-12-31');
	ALTER DEFAULT PRIVILEGES REVOKE SELECT ON TABLES FROM bi;
	ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM bi;
});
is($node->safe_psql('postgres', q{SELECT string_agg(relname, ' ') FROM pg_class WHERE relnamespace = 'given'::regnamespace AND relkind = 'v' AND relname ~ '^_' AND has_table_privilege('bi', oid, 'SELECT')}),
	'', 'default privileges give nobody a private view');
is($node->safe_psql('postgres', q{SELECT string_agg(proname, ' ') FROM pg_proc WHERE pronamespace = 'given'::regnamespace AND proname IN ('_question_at', '_scores_at') AND has_function_privilege('bi', oid, 'EXECUTE')}),
	'', 'nor a private function');

# Bodies in text form look names up when they run, with the rights of the reader.
is(join("\n", ModelCluster::rows($node, 'postgres', q{
	WITH RECURSIVE called AS (
		SELECT d.refobjid AS oid FROM pg_rewrite w JOIN pg_class c ON c.oid = w.ev_class
		  JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid AND d.refclassid = 'pg_proc'::regclass
		 WHERE c.relnamespace::regnamespace::text IN ('everything', 'open', 'stored', 'plain')
		UNION
		SELECT d.refobjid FROM called JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = called.oid AND d.refclassid = 'pg_proc'::regclass)
	SELECT p.oid::regprocedure FROM called JOIN pg_proc p USING (oid) JOIN pg_language l ON l.oid = p.prolang
	 WHERE p.pronamespace = 'scoring'::regnamespace AND l.lanname IN ('sql', 'plpgsql') AND p.prosqlbody IS NULL AND p.prosrc ~ '\mscoring\.'
	   -- which _campaign_result and _lifecycle ask with the rights of the owner
	   AND p.proname NOT IN ('comparison_table', '_conversion_window')
	 ORDER BY 1})),
	'', 'no function that a view calls looks for one of ours by its name');

# Tools make names of types from those of relations: one customer, many customers.
is(join("\n", ModelCluster::rows($node, 'postgres', q{
	SELECT n.nspname, string_agg(c.relname, ' ' ORDER BY c.relname)
	  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
	 WHERE n.nspname IN ('everything', 'open', 'stored', 'plain') AND c.relkind IN ('r', 'p', 'v', 'm')
	 GROUP BY n.nspname, replace(regexp_replace(regexp_replace(regexp_replace(c.relname, 'ies$', 'y'), '(s|x|z|ch|sh)es$', '\1'), '([^s])s$', '\1'), '_', '') HAVING count(*) > 1})),
	'', 'no two relations of a model differ by a plural alone');

# Every column says what it is, each its own words.
is(join("\n", ModelCluster::rows($node, 'postgres', q{
	SELECT format('%s.%I: %s', c.oid::regclass, a.attname, coalesce(d.description, 'no comment'))
	  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
	  LEFT JOIN pg_description d ON d.objoid = c.oid AND d.classoid = 'pg_class'::regclass AND d.objsubid = a.attnum
	 WHERE c.relnamespace::regnamespace::text IN ('everything', 'open', 'stored', 'plain') AND c.relkind IN ('r', 'v')
	   AND (d.description IS NULL OR (d.description ~ 'attribute of the customer') <> (c.relkind = 'v' AND a.attname IN ('town', 'status', 'mail') AND c.relname ~ '^customer_scores$|_customers$|^_')) ORDER BY 1})),
	'', 'every column of a model has a comment, and attributes alone are attributes');
is(join("\n", ModelCluster::rows($node, 'postgres', q{
	SELECT c.oid::regclass::text FROM pg_class c LEFT JOIN pg_description d ON d.objoid = c.oid AND d.classoid = 'pg_class'::regclass AND d.objsubid = 0
	 WHERE c.relnamespace::regnamespace::text IN ('everything', 'open', 'stored', 'plain') AND c.relkind IN ('r', 'v') AND d.description IS NULL
	UNION ALL
	SELECT p.oid::regprocedure::text FROM pg_proc p LEFT JOIN pg_description d ON d.objoid = p.oid AND d.classoid = 'pg_proc'::regclass
	 WHERE p.pronamespace::regnamespace::text IN ('everything', 'open', 'stored', 'plain') AND d.description IS NULL})),
	'', 'and so has every relation and function');
is(join("\n", ModelCluster::rows($node, 'postgres', q{
	SELECT string_agg(DISTINCT c.relname || '.' || a.attname, ' ')
	  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 JOIN pg_description d ON d.objoid = c.oid AND d.classoid = 'pg_class'::regclass AND d.objsubid = a.attnum
	 WHERE c.relnamespace = 'everything'::regnamespace AND c.relkind = 'v' AND d.description !~ 'attribute of the customer' GROUP BY c.oid, d.description HAVING count(*) > 1})),
	'', 'no two columns of a view have the same words');
# A column that is added without words is an error where it is added.
my ($out, $err) = run_as($node, 'postgres', 'shopowner', q{SELECT scoring._model_put_view('plain', 'extra', 'SELECT 1 AS customers, 2 AS unheard_of', false);
	SELECT scoring._model_comment_views('plain', scoring._model_settings('plain'), '{extra}', '{comment}', '{}')});
like($err, qr/column unheard_of of view extra has no comment/, 'a column without words is refused');

done_testing();
