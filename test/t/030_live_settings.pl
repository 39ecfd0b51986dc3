# No setting of a session changes what a live model reads: the same rows written
# by sessions with all sorts of settings, and the same model made and refreshed
# by such sessions, give the same bytes.
use strict;
use warnings;
use ScoringCluster;
use ModelCluster;
use Test::More;

my $node = new_node('live_settings');
$node->start;
make_roles($node, 'app');
$node->safe_psql('postgres', q{
	CREATE SCHEMA scoring;
	CREATE EXTENSION customer_scoring SCHEMA scoring;
	GRANT USAGE ON SCHEMA scoring TO shopowner;
	GRANT CREATE ON DATABASE postgres TO shopowner;
	CREATE SCHEMA crm AUTHORIZATION shopowner;
	SET ROLE shopowner;
	GRANT USAGE ON SCHEMA crm TO app;
	CREATE TYPE crm.status AS ENUM ('paid', 'sent', 'canceled');
	CREATE TABLE crm.orders (id int, "Customer" text, at timestamptz, amount float8, price real, status crm.status, note text);
	GRANT INSERT, UPDATE, DELETE, SELECT ON crm.orders TO app;
});

my @settings = ('', 'standard_conforming_strings=off', 'bytea_output=escape', 'extra_float_digits=-15', 'extra_float_digits=3', 'quote_all_identifiers=on',
	'plpgsql.extra_errors=all', 'plpgsql.extra_warnings=all', 'DateStyle=SQL,DMY', 'DateStyle=German', 'IntervalStyle=sql_standard', 'TimeZone=Pacific/Kiritimati',
	'xmlbinary=hex', 'xmloption=document', 'array_nulls=off', 'transform_null_equals=on', 'backslash_quote=off', 'escape_string_warning=off',
	'default_transaction_isolation=serializable', 'default_transaction_deferrable=on', 'search_path=crm', 'row_security=off', 'check_function_bodies=off',
	'enable_hashagg=off', 'work_mem=64kB', 'default_text_search_config=pg_catalog.english', 'lc_numeric=C', 'synchronize_seqscans=off', 'from_collapse_limit=1');

# An owner's session has several at a time: none of them sets what another one does.
my %groups;
push @{ $groups{ $_ % 6 } }, (grep { !/serializable/ && $_ ne '' } @settings)[$_] for 0 .. grep({ !/serializable/ && $_ ne '' } @settings) - 1;
my @groups = ([ '' ], map { $groups{$_} } sort keys %groups);

# keys, days, amounts and conditions whose text a setting could change; said in
# words that every setting reads alike
my $columns = q{customer => $$replace(replace("Customer", E'\\\\b', '#b'), '"', '''')$$, day => 'at', time_zone => 'Europe/Paris', value => 'amount * 1.1234567890123456 + price',
	counts => $$status <> 'canceled' AND (note = ANY ('{y,z}'::text[])) IS NOT FALSE AND at >= timestamptz '2025-01-02 03:04:05+00' AND at - timestamptz '2024-12-31 00:00+00' > interval '1 day -02:00:00'$$};

sub with_setting
{
	my ($setting, $sql) = @_;
	return with_setting($setting->[0], @$setting > 1 ? with_setting([ @$setting[ 1 .. $#$setting ] ], $sql) : $sql) if ref $setting;
	my ($name, $value) = $setting =~ /^([^=]*)=(.*)$/;
	my $set = $setting eq '' ? '' : $name eq 'DateStyle' || $name eq 'search_path' ? "SET $name = $value;" : "SET $name = '$value';";
	return "$set $sql";
}

sub digest
{
	my ($model) = @_;
	return $node->safe_psql('postgres', qq{SET search_path = pg_catalog, scoring;
		SELECT md5(string_agg(customer_key || history::text, '/' ORDER BY customer_key)) FROM (SELECT customer_key, sum(history) AS history FROM
		  (SELECT customer_key, history FROM $model.customer_histories UNION ALL SELECT customer_key, difference FROM $model.pending) AS u GROUP BY 1) AS h WHERE history <> '{}'});
}

# One row, many rows, changes and deletions, in every kind of session
my $writes = q{
	INSERT INTO crm.orders SELECT 1, 'dom' || chr(92) || 'b' || chr(39) || '"', '2025-03-01 23:30:00+00', 0.1234567890123456, 1234567, 'paid', NULL;
	INSERT INTO crm.orders SELECT i, 'K' || i % 7 || chr(92) || 'b', '2025-01-02 00:00:00+00'::timestamptz + i * '7 hours'::interval, i / 3.0::float8, i / 7.0::real,
	  (ARRAY['paid', 'sent', 'canceled'])[1 + i % 3]::crm.status, (ARRAY['x', 'y', NULL])[1 + i % 3] FROM generate_series(2, 40) AS i;
	UPDATE crm.orders SET amount = amount * 3, status = 'paid' WHERE id % 4 = 0;
	UPDATE crm.orders SET note = 'z' WHERE id = 1;
	DELETE FROM crm.orders WHERE id % 5 = 0;
	DELETE FROM crm.orders WHERE id = 7;
};
$node->safe_psql('postgres', "SET ROLE shopowner; SELECT scoring.create_model('shop', 'crm.orders', as_of => '2025-12-31', live => true, monetary_thresholds => '{1,2,3,4}', $columns)");
my $wanted;
for my $setting (@settings)
{
	my ($out, $err) = run_as($node, 'postgres', 'app', with_setting($setting, $writes));
	is($err, '', "an application writes with $setting");
	my $got = digest('shop');
	$wanted //= $got;
	is($got, $wanted, "and the model reads the same with $setting");
	is(scalar run_as($node, 'postgres', 'shopowner', q{SELECT status || ' ' || coalesce(needs, '') FROM shop.model_status}), 'ok ', 'and is well');
	run_as($node, 'postgres', 'app', 'DELETE FROM crm.orders');
	is(digest('shop'), '', 'all of it can be taken back by another session');
}
is(scalar run_as($node, 'postgres', 'shopowner', q{SELECT * FROM scoring.check_model('shop')}), '', 'check_model finds nothing');

# The owner: made in every kind of session, then refreshed and altered in another
run_as($node, 'postgres', 'app', $writes);
my $definition;
for my $group (@groups)
{
	my $setting = join ', ', @$group;
	my ($out, $err) = run_as($node, 'postgres', 'shopowner', with_setting($group, "SELECT count(*) FROM scoring.create_model('made', 'crm.orders', as_of => '2025-12-31', live => true,
		monetary_thresholds => '{12.34567890123456,1234567.890123456,1e9,1e10}', weights => '{0.1234567890123456,1,1}', $columns)"));
	is($err, '', "made with $setting");
	is(digest('made'), $wanted, "a model made with $setting has the same histories");
	my $text = $node->safe_psql('postgres', q{SELECT source_query || weights::text || monetary_thresholds::text FROM made.configuration});
	$definition //= $text;
	is($text, $definition, 'and the same definition and thresholds');
	is(scalar run_as($node, 'postgres', 'shopowner', q{SELECT status || ' ' || coalesce(needs, '') FROM made.model_status}), 'ok ', 'every other session finds it well');
	is(scalar run_as($node, 'postgres', 'shopowner', "SELECT scoring.drop_model('made')") =~ /^\(dropped/ ? 1 : 0, 1, 'dropped');
}
# NULL in the text of an array means NULL to whoever writes a row
run_as($node, 'postgres', 'shopowner', q{CREATE TABLE crm.lines (customer text, day date, total int, kind text); GRANT INSERT ON crm.lines TO app;
	SELECT scoring.create_model('nulls', 'crm.lines', customer => 'customer', day => 'day', value => 'total', live => true, as_of => '2025-12-31',
	counts => $$kind = ANY ('{a,NULL}'::text[]) IS NOT FALSE$$)});
run_as($node, 'postgres', 'app', with_setting('array_nulls=off', q{INSERT INTO crm.lines VALUES ('A', '2025-01-01', 5, 'b')}));
run_as($node, 'postgres', 'app', with_setting('array_nulls=off', q{INSERT INTO crm.lines VALUES ('B', '2025-01-01', 5, 'b'), ('C', '2025-01-01', 5, 'a')}));
is(scalar run_as($node, 'postgres', 'shopowner', q{SELECT * FROM scoring.check_model('nulls'); SELECT sum(frequency) FROM nulls.customer_scores}), '3', 'NULL in the text of an array');

run_as($node, 'postgres', 'shopowner', "SELECT scoring.alter_model('shop', monetary_thresholds => '{12.34567890123456,1234567.890123456,1e9,1e10}')");
run_as($node, 'postgres', 'shopowner', q{SELECT scoring.refresh_model('shop')});
my $thresholds = $node->safe_psql('postgres', q{SELECT monetary_thresholds::text FROM shop.configuration WHERE valid_until IS NULL});
like($thresholds, qr/^\{12\.34567890123456,1234567\.890123456,/, 'thresholds as they were given');
for my $group (@groups)
{
	my $setting = join ', ', @$group;
	my ($out, $err) = run_as($node, 'postgres', 'shopowner', with_setting($group, q{SELECT customers_added, customers_changed, customers_removed FROM scoring.refresh_model('shop');
		SELECT * FROM scoring.check_model('shop'); SELECT count(*) > 0 FROM scoring.calibrate_model('shop'); SELECT status, needs FROM shop.model_status}));
	is($err, '', "refreshed with $setting");
	is($out, "0|0|0\nt\nok|", 'nothing differs');
	is(digest('shop'), $wanted, 'the same histories');
	is($node->safe_psql('postgres', q{SELECT monetary_thresholds::text FROM shop.configuration WHERE valid_until IS NULL}), $thresholds, 'the same thresholds');
}

done_testing();
