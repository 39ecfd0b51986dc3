# Who may do what with a model, with real roles: owner, readers, strangers.
use strict;
use warnings;
use ScoringCluster;
use ModelCluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = model_node('roles');
$node->start;
make_roles($node, 'reader', '"Reader of %s ""shop"""', 'stranger', 'in_schema', 'member', 'superowner SUPERUSER');

sub in_shop { return scalar run_as($node, 'shop', @_); }
sub tries { return attempt($node, 'shop', @_); }

my @models = qw(shop live_shop);
my @views = map { views($node, 'shop', $_) } @models;
my @calls = map { dated_calls($node, 'shop', $_) } @models;
my @offers = (@views, @calls);
my @tables = map { tables($node, 'shop', $_) } @models;
my @verbs = map { verbs($node, 'shop', $_) } @models;
cmp_ok(scalar @views, '>=', 28, "views: @views");
cmp_ok(scalar @calls, '>=', 8, "dated functions: @calls");
cmp_ok(scalar @tables, '>=', 20, "tables: @tables");
cmp_ok(scalar @verbs, '>=', 16, "verbs: @verbs");
is(in_shop('postgres', q{SELECT rolsuper, pg_get_userbyid(nspowner) FROM pg_namespace n JOIN pg_roles r ON r.oid = nspowner WHERE nspname = 'shop'}),
	'f|shopowner', 'the owner of the model is no superuser');
is( in_shop('postgres', q{SELECT DISTINCT pg_get_userbyid(relowner) FROM pg_class WHERE relnamespace = 'shop'::regnamespace
		UNION SELECT DISTINCT pg_get_userbyid(proowner) FROM pg_proc WHERE pronamespace = 'shop'::regnamespace}),
	'shopowner', 'and owns all of it');
is( in_shop('postgres', q{SELECT proname FROM pg_proc WHERE pronamespace IN ('shop'::regnamespace, 'live_shop'::regnamespace)
		AND (has_function_privilege('stranger', oid, 'EXECUTE') OR CASE WHEN prosecdef AND (proname = 'record_differences' OR starts_with(proname, '_'))
			THEN NOT 'search_path=pg_catalog, pg_temp' = ANY (coalesce(proconfig, '{}'))
			-- the queries that those are made of, for the owner alone
			WHEN proname IN ('_question_at', '_scores_at', '_shown_at') THEN prosecdef OR prosqlbody IS NULL OR cardinality(proacl) > 1
			ELSE prosecdef OR prosqlbody IS NULL OR 'scoring.caller'::regtype = ANY (proargtypes::oid[]) END)}),
	'', 'functions of a model are closed to PUBLIC; what runs as the owner pins its search_path and has a name of its own');

# The same for the owner, for readers by login, by SET ROLE, by membership.
# (The record of processing names the readers.)
in_shop('shopowner', qq{SELECT scoring.grant_reader('$_', 'reader'); SELECT scoring.grant_reader('$_', 'Reader of %s "shop"')}) for @models;
my $all = digests($node, 'shop', 'shopowner', @offers);
unlike($all, qr/ 0 /, 'every view and dated function has rows');
is(digests($node, 'shop', 'reader', @offers), $all, 'a reader who logs in reads all views and dated functions');
is(digests($node, 'shop', 'Reader of %s "shop"', @offers), $all, 'whatever the name of the role');
is(in_shop('postgres', 'SET ROLE reader; ' . join ' ', map { "SELECT count(*) > 0 FROM $_;" } @offers), join("\n", ('t') x @offers), 'and so by SET ROLE');
in_shop('postgres', 'GRANT reader TO member');
is(digests($node, 'shop', 'member', @offers), $all, 'and so by membership');

# Nothing but that.
for my $role ('reader', 'member', 'stranger', 'in_schema')
{
	in_shop('shopowner', 'GRANT USAGE ON SCHEMA shop, live_shop TO in_schema') if $role eq 'in_schema';
	for my $verb ('SELECT * FROM %s', 'DELETE FROM %s', 'TRUNCATE %s')
	{
		my @statements = map { sprintf $verb, $_ } grep { $verb =~ /SELECT/ || !/_seq$/ } @tables;
		my @got = tries($role, @statements);
		is_deeply([ grep { $got[$_] !~ /^42501 / } 0 .. $#statements ], [], "$role: 42501 for $verb of every table") or diag explain \@got;
	}
	my @got = tries($role, map { "SELECT * FROM $_" } @verbs);
	is_deeply([ grep { !/^42501 model "(live_)?shop" belongs to role shopowner SET ROLE shopowner;$/ } @got ], [], "$role: 42501 with the hint for every verb") or diag explain \@got;
	is(scalar @got, scalar @verbs, 'all of them');
	@got = tries($role, map { "DELETE FROM $_" } @views);
	is_deeply([ grep { /^ok/ } @got ], [], "$role: no view can be written");
	# the trigger function writes with the rights of the owner of the model
	@got = tries($role, 'CREATE TEMP TABLE t (customer_id int, tenant text, ordered_on date, total numeric);'
		. ' CREATE TRIGGER t AFTER INSERT ON t REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION live_shop.record_differences()');
	like($got[0], qr/^42501 permission denied for (function|schema)/, "$role: no trigger of one's own with the function of a live model") or diag $got[0];
}
for my $role ('stranger', 'in_schema')
{
	my @got = tries($role, map { "SELECT * FROM $_" } @offers);
	is_deeply([ grep { !/^42501 / } @got ], [], "$role: no view and no dated function") or diag explain \@got;
}

# What verbs are made of runs with the caller's rights.
my @parts = split /\n/, in_shop('postgres', q{
	CREATE VIEW public.settings AS SELECT to_jsonb(c) AS settings FROM live_shop.configuration c WHERE valid_until IS NULL;
	GRANT SELECT ON public.settings TO PUBLIC;
	SELECT format('scoring.%I(%s)', proname, (SELECT string_agg(CASE WHEN proargnames[i] = 'model' THEN '''live_shop''' WHEN proargnames[i] = 'caller_path' THEN ''''''
	                    WHEN t = 'jsonb'::regtype THEN '(SELECT settings FROM public.settings)' ELSE format('NULL::%s', format_type(t, NULL)) END, ', ' ORDER BY i)
	         FROM unnest(proargtypes) WITH ORDINALITY u(t, i)))
	  FROM pg_proc WHERE pronamespace = 'scoring'::regnamespace AND proname LIKE '\_model\_%' AND provolatile = 'v'
	   AND proname NOT IN ('_model_uses_index', '_model_drop_key_index', '_model_reprinted',
	     '_model_attribute_values', '_model_privacy_views', '_model_make_predictions', '_model_identify_rows', '_model_distribute') ORDER BY proname});	# nothing to do with these arguments
my @got = tries('reader', map { "SELECT * FROM $_" } @parts);
cmp_ok(scalar @parts, '>', 10, scalar(@parts) . ' internal functions that write');
is(join(' ', map { $parts[$_] } grep { $got[$_] =~ /^ok/ } 0 .. $#parts), '', 'a reader gets an error from every one');
is(digests($node, 'shop', 'shopowner', @offers), $all, 'nothing of all that changed anything');

# A model of somebody else's, for those who could do anything with it.
in_shop('postgres', 'GRANT shopowner TO member');
for my $role ('member', 'superowner')
{
	is_deeply([ tries($role, map { "SELECT * FROM scoring.$_('shop')" } qw(refresh_model check_model)) ],
		[ ('42501 model "shop" belongs to role shopowner SET ROLE shopowner;') x 2 ], "$role: refused with the hint");
	is(in_shop($role, q{SET ROLE shopowner; SELECT status FROM scoring.refresh_model('shop'); SELECT count(*) FROM scoring.check_model('shop');}),
		"refreshed\n0", 'after SET ROLE it works');
}
is(digests($node, 'shop', 'superowner', @offers), digests($node, 'shop', 'shopowner', @offers), 'a superuser reads everything as he is');
in_shop('postgres', 'REVOKE shopowner FROM member');

# A new owner of the schema has the verbs; the old one no longer has.
in_shop('postgres', 'ALTER SCHEMA shop OWNER TO stranger');
like((tries('shopowner', q{SELECT * FROM scoring.refresh_model('shop')}))[0], qr/^42501 model "shop" belongs to role stranger SET ROLE stranger;/, 'the schema says whose the model is');
in_shop('postgres', 'ALTER SCHEMA shop OWNER TO shopowner');

# Grants survive changes of the model; a new column is readable at once.
in_shop('shopowner', q{
	SELECT scoring.alter_model('shop', window_days => 400, attributes => '{country,joined_on,agreed}');
	SELECT scoring.calibrate_model('shop');
	SELECT scoring.alter_model('shop', version => 1);
	SELECT scoring.refresh_model('shop')});
is(in_shop('reader', q{SELECT count(*) > 0, count(agreed) FROM shop.customer_scores}), 't|0', 'after alter_model, calibrate_model and back: still granted, an attribute that is gone is NULL');
is(digests($node, 'shop', 'reader', @offers), digests($node, 'shop', 'shopowner', @offers), 'all of it');

# Views that come later: whoever reads the model reads them, and nobody else.
in_shop('shopowner', q{SELECT scoring.alter_model('shop', prediction => 'mbgnbd'); SELECT scoring.check_prediction('shop', '2025-03-31')});
my @predicted = grep { my $v = $_; !grep { $v eq $_ } @views } views($node, 'shop', 'shop');
is(join(' ', @predicted), 'shop.prediction_by_frequency shop.prediction_by_segment shop.prediction_calibration shop.prediction_check shop.prediction_check_by_segment shop.prediction_fits shop.prediction_matrix shop.prediction_tracking shop.weights', 'prediction brings views');
push @offers, @predicted;
@tables = map { tables($node, 'shop', $_) } @models;
is(digests($node, 'shop', 'reader', @offers), digests($node, 'shop', 'shopowner', @offers), 'a reader reads them as the owner does');
is(digests($node, 'shop', 'Reader of %s "shop"', @predicted), digests($node, 'shop', 'reader', @predicted), 'and so does another one');
unlike(digests($node, 'shop', 'reader', @predicted), qr/ 0 /, 'and there is something to read');
@got = tries('stranger', map { "SELECT * FROM $_" } @predicted);
is_deeply([ grep { !/^42501 / } @got ], [], 'a stranger none of them') or diag explain \@got;
@got = tries('reader', q{SELECT * FROM scoring.check_prediction('shop')}, map { "SELECT * FROM $_" } grep { /check/ } @tables);
is_deeply([ grep { !/^42501 / } @got ], [], 'no reader checks a prediction, or reads what checks have written') or diag explain \@got;
cmp_ok(scalar @got, '>=', 4, 'three tables of each model');
in_shop('postgres', q{CREATE ROLE leaver; });
in_shop('shopowner', q{SELECT scoring.create_model('late', 'SELECT * FROM crm.orders WHERE tenant = ''a''', as_of => '2025-06-30', customer => 'customer_id', day => 'ordered_on', value => 'total');
	SELECT scoring.grant_reader('late', 'leaver')});
in_shop('postgres', q{REVOKE ALL ON ALL TABLES IN SCHEMA late FROM leaver; REVOKE ALL ON ALL FUNCTIONS IN SCHEMA late FROM leaver; REVOKE ALL ON SCHEMA late FROM leaver; DROP ROLE leaver; CREATE ROLE leaver LOGIN});
in_shop('shopowner', q{SELECT scoring.alter_model('late', prediction => 'mbgnbd')});
is(in_shop('postgres', q{SELECT count(*) FROM pg_class WHERE relnamespace = 'late'::regnamespace AND relacl::text ~ 'leaver'}), '0', 'a new role with the name of one that was dropped is given nothing');
in_shop('shopowner', q{SELECT scoring.drop_model('late')});

# revoke_reader leaves nothing behind.
in_shop('shopowner', qq{SELECT scoring.revoke_reader('$_', 'reader'); SELECT scoring.revoke_reader('$_', 'Reader of %s "shop"')}) for @models;
@got = tries('reader', map { "SELECT * FROM $_" } @offers, @tables);
is_deeply([ grep { !/^42501 / } @got ], [], 'after revoke_reader: 42501 everywhere');
is( in_shop('postgres', q{
		SELECT relname FROM pg_class WHERE relnamespace = 'shop'::regnamespace AND relacl::text ~* 'reader'
		UNION SELECT proname FROM pg_proc WHERE pronamespace = 'shop'::regnamespace AND proacl::text ~* 'reader'
		UNION SELECT nspname FROM pg_namespace WHERE nspname = 'shop' AND nspacl::text ~* 'reader'
		UNION SELECT role FROM shop.reader WHERE role::text ~* 'reader'}),
	'', 'no grant and no row is left');
$node->safe_psql('shop', 'DROP ROLE reader');

# Mistakes.
@got = tries('shopowner', q{SELECT scoring.grant_reader('shop', NULL)}, q{SELECT scoring.grant_reader('shop', 'no_such_role')},
	q{SELECT scoring.grant_reader('shop', 'stranger', 'a')}, q{SELECT scoring.grant_reader('nothing', 'stranger')}, q{SELECT scoring.revoke_reader('shop', 'no_such_role')},
	q{SELECT scoring.revoke_reader('shop', 'shopowner')});
like($got[0], qr/^22004 /, 'no role') or diag $got[0];
like($got[1], qr/^42704 role "no_such_role" does not exist/, 'a role that is not there');
like($got[2], qr/^22023 model "shop" has no tenants/, 'a tenant where there are none');
like($got[3], qr/^42704 model "nothing" does not exist/, 'a model that is not there');
like($got[4], qr/^42704 role "no_such_role" does not exist/, 'revoke_reader of a role that is not there');
like($got[5], qr/^22023 role shopowner owns model "shop"/, 'revoke_reader of the owner');
is(in_shop('postgres', q{SELECT count(*) FROM shop.reader WHERE role <> 'shopowner'}), '0', 'and no row is left by any');

# Row-level security of the source: the model has what its owner sees.
in_shop('postgres', q{
	CREATE SCHEMA guarded;
	CREATE TABLE guarded.orders AS SELECT * FROM crm.orders WHERE customer_id IS NOT NULL AND ordered_on IS NOT NULL;
	CREATE TABLE guarded.customers AS SELECT * FROM crm.customers;
	GRANT USAGE ON SCHEMA guarded TO shopowner;
	GRANT SELECT ON ALL TABLES IN SCHEMA guarded TO shopowner;
	ALTER TABLE guarded.orders ENABLE ROW LEVEL SECURITY;
	ALTER TABLE guarded.customers ENABLE ROW LEVEL SECURITY;
	CREATE POLICY p ON guarded.orders TO shopowner USING (tenant = 'b');
	CREATE POLICY p ON guarded.customers TO shopowner USING (tenant = 'b' AND customer_id % 2 = 0);
});
like((tries('shopowner', q{SELECT scoring.create_model('guarded_shop', 'guarded.orders', as_of => '2025-06-30', customer => 'customer_id', day => 'ordered_on',
	value => 'total', customers => 'guarded.customers', customers_key => 'customer_id', attributes => '{tenant_name}')}))[0], qr/^42703 attributes: customers has no column "tenant_name"/, 'an attribute that is not there');
is(in_shop('postgres', q{SELECT to_regnamespace('guarded_shop') IS NULL}), 't', 'nothing is made');
in_shop('shopowner', q{
	SELECT scoring.create_model('guarded_shop', 'guarded.orders', as_of => '2025-06-30', customer => 'customer_id', day => 'ordered_on',
	  value => 'total', customers => 'guarded.customers', customers_key => 'customer_id', attributes => '{country}');
	SELECT scoring.grant_reader('guarded_shop', 'stranger')});
is(in_shop('postgres', q{SELECT count(*), sum(events) FROM guarded_shop.customer_histories, scoring.days(history)}),
	in_shop('postgres', q{SELECT count(DISTINCT (customer_id, ordered_on)), count(*) FILTER (WHERE total >= 0) FROM guarded.orders WHERE tenant = 'b'}), 'histories: the rows that the owner sees');
for my $role ('shopowner', 'stranger', 'postgres')
{
	for my $from (q{guarded_shop.customer_scores}, q{guarded_shop.customer_scores_at('2025-06-30')})
	{
		is(in_shop($role, "SELECT count(*) FILTER (WHERE customer_id::int % 5 NOT IN (2, 3)), count(country), count(*) FILTER (WHERE customer_id::int % 2 = 1 AND country IS NOT NULL) FROM $from"),
			'0|130|0', "$from, $role: customers as the owner sees them");
	}
}
is(in_shop('shopowner', q{SELECT status FROM scoring.refresh_model('guarded_shop'); SELECT count(*) FROM scoring.check_model('guarded_shop')}), "refreshed\n0", 'refresh_model and check_model see the same');

# A source that the owner may no longer read.
in_shop('postgres', 'REVOKE SELECT ON guarded.orders FROM shopowner');
like((tries('shopowner', q{SELECT * FROM scoring.refresh_model('guarded_shop')}))[0], qr/^42501 permission denied for table orders/, 'rights on the source taken away: refresh_model says so');
is(in_shop('stranger', 'SELECT count(country) FROM guarded_shop.customer_scores'), '130', 'and the views still answer');
like((tries('stranger', q{SELECT * FROM scoring.create_model('mine', 'crm.orders', customer => 'customer_id', day => 'ordered_on', value => 'total')}))[0], qr/^42501 permission denied for (database|schema)/, 'whoever may not create a schema makes no model');
in_shop('postgres', 'GRANT CREATE ON DATABASE shop TO stranger; GRANT USAGE ON SCHEMA crm TO stranger');
like((tries('stranger', q{SELECT * FROM scoring.create_model('mine', 'crm.orders', customer => 'customer_id', day => 'ordered_on', value => 'total')}))[0], qr/^42501 permission denied for table orders/, 'nor whoever may not read the source');
is(in_shop('postgres', q{SELECT to_regnamespace('mine') IS NULL}), 't', 'and nothing is left of it');

done_testing();
