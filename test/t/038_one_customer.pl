# customer() of a model: for every reader, every customer and every state of the
# model what customer_scores says, in one session that keeps its plans.
use strict;
use warnings;
use ScoringCluster;
use ModelCluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = model_node('page');
$node->start;
make_roles($node, qw(reader_a reader_b nobody pool));
$node->safe_psql('postgres', 'GRANT reader_a, reader_b, nobody TO pool');
run_as($node, 'chain', 'shopowner', q{SELECT scoring.grant_reader('chain', t[1], t[2]) FROM (VALUES ('{reader_a,a}'::name[]), ('{reader_b,b}'), ('{reader_b,a:b}')) v(t)});
run_as($node, 'shop', 'shopowner', "SELECT scoring.grant_reader('$_', 'reader_a')") for qw(shop live_shop);

# All keys there are, of any tenant, and some that there are not.
for my $of ([ 'chain', 'chain' ], [ 'shop', 'shop' ], [ 'shop', 'live_shop' ])
{
	my ($database, $model) = @$of;
	$node->safe_psql($database, qq{CREATE TABLE public.keys_$model AS
		SELECT customer_key FROM $model._customers UNION SELECT customer_key FROM $model.customer_histories UNION SELECT v FROM unnest('{"",nobody,a:0,"a\\\\:b:1"}'::text[]) v;
		INSERT INTO public.keys_$model VALUES (NULL); GRANT SELECT, INSERT ON public.keys_$model TO PUBLIC});
}

# Rows that differ one way or the other, and how many there are.
sub compared
{
	my ($model, $keys) = @_;
	$keys //= "public.keys_$model";
	return "WITH asked AS MATERIALIZED (SELECT to_jsonb(f) AS j FROM $keys k, $model.customer(k.customer_key) f), shown AS MATERIALIZED (SELECT to_jsonb(s) AS j FROM $model.customer_scores s)"
	  . " SELECT (SELECT count(*) FROM (TABLE asked EXCEPT ALL TABLE shown) d) + (SELECT count(*) FROM (TABLE shown EXCEPT ALL TABLE asked) d), (SELECT count(*) FROM asked);";
}

# A pool of connections takes one role after the other, back and forth.
my $expected = join "\n", map { my $role = $_; '0|' . run_as($node, 'chain', $role, 'SELECT count(*) FROM chain.customer_scores') } qw(reader_a reader_b);
my ($a, $b) = $expected =~ /0\|(\d+)\n0\|(\d+)/;
cmp_ok($a, '>', 20, "reader a sees $a customers");
cmp_ok($b, '>', 20, "reader b sees $b customers");
isnt($a, $b, 'and not as many as the other');
my $turn = 'SET ROLE reader_a; ' . compared('chain') . ' SET ROLE reader_b; ' . compared('chain');
is(run_as($node, 'chain', 'pool', "$turn $turn"), "$expected\n$expected", 'a session that takes roles in turn gives each of them what the view gives');
like(run_as($node, 'chain', 'shopowner', compared('chain')), qr/^0\|(?!0$)\d+$/, 'the owner sees everybody');
is(run_as($node, 'shop', 'reader_a', compared('shop') . compared('live_shop')) =~ s/\|\d+//gr, "0\n0", 'a model without tenants, and a live one with changes that are pending');

# Rights are those on the view, asked for each call.
my $call = q{SELECT count(*) FROM chain.customer('a:1')};
my @denied = attempt($node, 'chain', 'pool', 'SET ROLE reader_a', $call, 'SET ROLE nobody', $call);
is($denied[1], 'ok', 'a reader may call it');
like($denied[3], qr/^42501 /, 'nobody else may, in a session that has a plan');
run_as($node, 'chain', 'shopowner', 'GRANT USAGE ON SCHEMA chain TO nobody; GRANT EXECUTE ON FUNCTION chain.customer(text) TO nobody');
like((attempt($node, 'chain', 'nobody', $call))[0], qr/^42501 permission denied for view customer_scores/, 'EXECUTE alone gives nothing: it asks the view, with the rights of its caller');
like((attempt($node, 'chain', 'pool', "SET ROLE reader_a; $call; SET ROLE nobody; $call"))[0], qr/^42501 permission denied for view/, 'nor does the plan of another role');
# What an open session answers, errors included.
sub said { my ($in, $sql) = @_; return join '', $in->ask("$sql;"); }
my $session = open_session($node, 'chain', 'reader_a');
said($session, $call);
run_as($node, 'chain', 'shopowner', q{SELECT scoring.revoke_reader('chain', 'reader_a', 'a')});
like(said($session, $call), qr/permission denied/, 'what is revoked is over at once');
run_as($node, 'chain', 'shopowner', q{SELECT scoring.grant_reader('chain', 'reader_a', 'a')});
is(said($session, $call), run_as($node, 'chain', 'reader_a', q{SELECT count(*) FROM chain.customer_scores WHERE customer_key = 'a:1'}), 'and what is granted again is back');
$session->close;

# What the owner has put there by that name is not the model's to give.
run_as($node, 'chain', 'shopowner', 'CREATE FUNCTION only_a.customer(int) RETURNS SETOF only_a.customer_scores LANGUAGE sql AS $$SELECT * FROM only_a.customer_scores$$; REVOKE ALL ON FUNCTION only_a.customer(int) FROM PUBLIC');
run_as($node, 'chain', 'shopowner', q{SELECT scoring.grant_reader('only_a', 'reader_b')});
is(run_as($node, 'chain', 'reader_b', q{SELECT has_function_privilege('only_a.customer(text)', 'EXECUTE'), has_function_privilege('only_a.customer(int)', 'EXECUTE')}), 't|f', 'grant_reader gives the one that the model was made with');

# In a session that has its plan: new orders, another map, a further attribute,
# another name of the model, settings of the session.
my $open = open_session($node, 'shop', 'shopowner');
sub same { my ($what, $model) = @_; is(said($open, compared($model // 'live_shop')) =~ s/\|(?!0$)\d+$//r, '0', $what); return; }
same('before');
said($open, 'BEGIN; INSERT INTO crm.orders VALUES (3, \'a\', \'2025-06-30\', 400), (77777, \'a\', \'2025-06-30\', 1); INSERT INTO public.keys_live_shop VALUES (\'77777\');');
same('orders of the transaction itself are seen');
is(said($open, q{SELECT frequency FROM live_shop.customer('77777')}), '1', 'and a customer who is new');
is(said($open, q{DO $$ DECLARE n bigint; BEGIN
	SELECT frequency INTO n FROM live_shop.customer('77777');
	INSERT INTO crm.orders VALUES (77777, 'a', '2025-06-30', 1);
	IF (SELECT frequency FROM live_shop.customer('77777')) <> n + 1 THEN RAISE 'unseen'; END IF; END $$; SELECT 'seen'}), 'seen', 'each statement sees what the one before did');
said($open, 'COMMIT');
same('after the commit');
run_as($node, 'shop', 'shopowner', q{SELECT scoring.apply_changes('live_shop')});
same('after apply_changes of another session');
run_as($node, 'shop', 'shopowner', q{SELECT scoring.alter_model('live_shop', segment_map => 'standard', attributes => '{country,joined_on}')});
same('after alter_model with an attribute more');
like(said($open, q{SELECT joined_on FROM live_shop.customer('3')}), qr/^2024-/, 'which is there');
run_as($node, 'shop', 'shopowner', q{SELECT scoring.alter_model('live_shop', attributes => '{joined_on}')});
same('after alter_model with one less');
run_as($node, 'shop', 'shopowner', q{SELECT scoring.override_segment('live_shop', '3', 'hibernating', 'said so')});
same('after override_segment');
run_as($node, 'shop', 'shopowner', q{SELECT scoring.forget_customer('live_shop', '5')});
same('after forget_customer');
is(said($open, q{SELECT count(*) FROM live_shop.customer('5')}), '0', 'who is in no row');
said($open, "SET search_path = pg_temp; SET plan_cache_mode = force_custom_plan; SET enable_indexscan = off");
same('with settings of the session');
said($open, 'RESET ALL; DISCARD PLANS');
same('after DISCARD');
run_as($node, 'shop', 'postgres', 'ALTER SCHEMA live_shop RENAME TO "Shop ""2"""; ALTER TABLE public.keys_live_shop RENAME TO keys');
my $renamed = '"Shop ""2"""';
is(said($open, compared($renamed, 'public.keys')) =~ s/\|(?!0$)\d+$//r, '0', 'under another name of the model');
run_as($node, 'shop', 'postgres', 'ALTER SCHEMA "Shop ""2""" RENAME TO live_shop; CREATE VIEW public.trap AS SELECT 1; ALTER TABLE public.keys RENAME TO keys_live_shop');
same('and under the old one again');
is(said($open, q{SELECT count(*) FROM (SELECT scoring._one_customer(NULL::shop.customer_scores, k.customer_key) FROM public.keys_shop k) x}),
	run_as($node, 'shop', 'shopowner', 'SELECT count(*) FROM shop.customer_scores'), 'in a list of columns too');
$open->close;

# Arguments that are none.
is((attempt($node, 'shop', 'shopowner', "SELECT * FROM scoring._one_customer(1, 'a')"))[0] =~ s/ _one.*//r, '42804 type integer is not that of the rows of a view', 'a type that is no row');
like((attempt($node, 'shop', 'shopowner', "SELECT * FROM scoring._one_customer(NULL::crm.orders, 'a')"))[0], qr/^42703 /, 'rows of a table without customer_key');

# More roles than plans are kept, with a call inside a call.
$node->safe_psql('shop', q{SELECT count(*) FROM (SELECT set_config('x.x', '', false)) x;
	DO $$ BEGIN FOR i IN 1 .. 80 LOOP EXECUTE format('CREATE ROLE r%s', i); EXECUTE format('GRANT pg_read_all_data TO r%s', i);
	  EXECUTE format('GRANT EXECUTE ON FUNCTION shop.customer(text) TO r%s', i); EXECUTE format('GRANT r%s TO pool', i); END LOOP; END $$});
is(run_as($node, 'shop', 'pool', join(' ', map { "SET ROLE r$_; SELECT count(*) FROM public.keys_shop k, shop.customer(k.customer_key) WHERE k.customer_key = '7';" } 1 .. 80, 1 .. 80)),
	join("\n", ('0') x 160), 'many roles in one session');

done_testing();
