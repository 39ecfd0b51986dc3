# What an application, or a new owner, can do to the source of a live model:
# nothing stops the model, breaks a view, or is lost without being told.
use strict;
use warnings;
use ScoringCluster;
use ModelCluster;
use Test::More;

my $node = new_node('live_awkward');
$node->start;
make_roles($node, 'app', 'mallory');
$node->safe_psql('postgres', q{
	CREATE SCHEMA scoring; CREATE EXTENSION customer_scoring SCHEMA scoring; GRANT USAGE ON SCHEMA scoring TO shopowner;
	GRANT CREATE ON DATABASE postgres TO shopowner;
	CREATE SCHEMA crm AUTHORIZATION shopowner; GRANT USAGE, CREATE ON SCHEMA crm TO mallory; GRANT USAGE ON SCHEMA crm TO app;
	SET ROLE shopowner;
	ALTER DEFAULT PRIVILEGES IN SCHEMA crm GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON TABLES TO app;
	CREATE TYPE crm.status AS ENUM ('paid', 'canceled');
});
sub owner { return scalar run_as($node, 'postgres', 'shopowner', 'SET search_path = scoring, public;' . join ';', @_); }
sub app { return (run_as($node, 'postgres', 'app', @_))[1]; }
sub says { return owner(q{SELECT status || '|' || coalesce(needs, '') FROM m.model_status}); }
sub clean { my ($what) = @_; is(owner(q{SELECT * FROM check_model('m')}), '', "$what: check_model finds nothing"); return; }
sub every_view
{
	my ($what) = @_;
	my ($out, $err) = run_as($node, 'postgres', 'shopowner', q{SET search_path = scoring, public; SET plpgsql.extra_errors = 'all'; SET plpgsql.extra_warnings = 'all';} . join ';', map { "SELECT count(v::text) FROM $_ AS v" } views($node, 'postgres', 'm'));
	# views that reach into the past may say what the model doesn't know of it
	unlike($err, qr/ERROR|WARNING|FATAL/, "$what: every view answers") or diag $err;
	($out, $err) = run_as($node, 'postgres', 'shopowner', 'SET search_path = scoring, public; SET client_min_messages = warning;' . join ';', (map { "SELECT count(f::text) FROM $_ AS f" }
		q{m.customer_scores_at('2025-06-30')}, q{m.segment_transitions('2025-01-31', '2025-12-31')}, q{m.segment_history('2025-01-31', '2025-12-31')}, q{m.cohort_retention()},
		q{m.customer_scores_at('4714-12-01 BC')}, q{m.customer_scores_at('294276-12-31')}), q{SELECT count(*) FROM record_changes('m')}, q{SELECT count(*) FROM check_quality('m')},
		q{SELECT count(*) FROM retention_due('m')});
	is($err, '', "$what: so does every function");
	return;
}

# Customers too long for an index, days at the end of the calendar, in one row
# and among others, with and without tenants, as the source and as people.
my %bad = (
	'a long customer' => q{repeat('x', 1001), '2025-03-01', 5},
	'a very long customer' => q{(SELECT string_agg(md5(i::text), '') FROM generate_series(1, 300) AS i), '2025-03-01', 5},
	'a day after all timestamps' => q{'far', '294277-01-01', 5},
	'the last day' => q{'far', '5874897-12-31', 5},
	'the first day' => q{'old', '4714-11-24 BC', 5},
	'the day before the first whole month' => q{'old', '4714-11-30 BC', 5});
my %good = ('the longest customer' => q{repeat('y', 1000), '2025-03-01', 5}, 'the last day of timestamps' => q{'far', '294276-12-31', 5}, 'the first of the first whole month' => q{'old', '4714-12-01 BC', 5});
for my $tenant ('', q{, tenant => 'tenant'})
{
	my $room = $tenant ? 'a:' : '';
	owner(q{DROP TABLE IF EXISTS crm.orders, crm.people}, q{CREATE TABLE crm.orders (customer text, day date, total numeric, tenant text DEFAULT 'a')},
		q{CREATE TABLE crm.people (customer text, tenant text DEFAULT 'a', city text)}, q{INSERT INTO crm.orders SELECT 'K' || i % 9, date '2025-01-01' + i, i FROM generate_series(1, 300) AS i},
		q{INSERT INTO crm.people SELECT 'K' || i FROM generate_series(1, 12) AS i; INSERT INTO crm.people SELECT string_agg(md5(i::text), '') FROM generate_series(1, 300) AS i},
		"SELECT create_model('m', 'crm.orders', customer => 'customer', day => 'day', value => 'total', as_of => '2025-12-31', customers => 'crm.people', customers_key => 'customer',
		 attributes => '{city}', live => true, retention_days => 3650, prediction => 'mbgnbd'$tenant)");
	my $n = 0;
	for my $what (sort keys %bad)
	{
		is(app("INSERT INTO crm.orders (customer, day, total) VALUES ($bad{$what})"), '', "$what is no error");
		is(app("INSERT INTO crm.orders (customer, day, total) VALUES ('K1', '2025-12-01', 1), ($bad{$what}), ('K2', '2025-12-01', 1)"), '', "nor among others");
		$n += 2;
		is(says(), "ok|nothing; rows left out that can't be scored: $n, see data_quality", 'model_status counts it');
	}
	for my $what (sort keys %good)
	{
		my $row = $good{$what};
		$row =~ s/1000/998/ if $tenant;
		is(app("INSERT INTO crm.orders (customer, day, total) VALUES ($row)"), '', "$what goes in");
	}
	clean('awkward rows' . $tenant);
	every_view('awkward rows' . $tenant);
	is(owner(q{SELECT status FROM apply_changes('m'); SELECT status, rows_unconvertible FROM refresh_model('m'); SELECT count(*) FROM m.customer_scores WHERE octet_length(customer_key) > 1000}), "applied\nrefreshed|$n\n0", 'and can be folded in and read again');
	is(owner(q{SELECT affected FROM m.data_quality WHERE reason = 'unconvertible'}), $n, 'data_quality counts them');
	clean('awkward rows after a refresh');
	every_view('awkward rows after a refresh');
	my @export = run_as($node, 'postgres', 'shopowner', qq{SELECT jsonb_typeof(to_jsonb(e)) FROM scoring.export_customer('m', '${room}far') AS e; SELECT count(*) > 0 FROM scoring.explain_score('m', '${room}K1')});
	is($export[1], '', 'export and explanation of customers of far days');
	is(app(q{UPDATE crm.orders SET customer = 'K3', day = '2025-12-02' WHERE octet_length(customer) > 900 OR day > '294276-12-31' OR day < '4714-12-01 BC'}), '', 'all of them are mended');
	is(says(), 'ok|', 'and not counted any more');
	clean('mended');
	owner(q{SELECT drop_model('m')});
}
# numbers of thousands of digits as customers
owner(q{CREATE TABLE crm.numbers (customer numeric, day date, total numeric)}, q{SELECT create_model('m', 'crm.numbers', customer => 'customer', day => 'day', value => 'total', as_of => '2025-12-31', live => true, monetary_thresholds => '{1,2,3,4}')});
is(app(q{INSERT INTO crm.numbers VALUES (1e5000, '2025-01-01', 5); INSERT INTO crm.numbers VALUES (1e5000, '2025-01-01', 5), (1e-5000, '2025-01-01', 5), (1.50, '2025-01-01', 5), (1e999, '2025-01-01', 5)}), '', 'long numbers are no error');
is(says(), q{ok|nothing; rows left out that can't be scored: 3, see data_quality}, 'but no customers');
clean('long numbers');
is(owner(q{SELECT rows_unconvertible, customers FROM refresh_model('m')}), '3|2', 'nor for refresh_model');
owner(q{SELECT drop_model('m')});

# An application's settings of plpgsql are its own business
for my $mode ('reject', 'raise')
{
	owner(qq{CREATE TABLE crm.plain (customer text, day date, total numeric, status crm.status)}, qq{SELECT create_model('m', 'crm.plain', customer => 'customer', day => 'day', value => 'total', counts => \$\$status IN ('paid')\$\$, as_of => '2025-12-31', live => true, on_error => '$mode')});
	for my $setting ('plpgsql.extra_errors', 'plpgsql.extra_warnings')
	{
		is(app(qq{SET $setting = 'all'; INSERT INTO crm.plain VALUES ('A', '2025-01-01', 1), ('B', '2025-01-01', 2); UPDATE crm.plain SET total = total + 1; DELETE FROM crm.plain WHERE customer = 'B'; TABLE crm.plain}), '', "$setting = all with on_error $mode");
		clean("$setting = all with on_error $mode");
	}
	owner(q{SELECT drop_model('m')}, 'DROP TABLE crm.plain');
}

# Whoever is given the source gets nothing of what is stored
owner(q{CREATE TABLE crm.given (customer text, day date, total numeric)}, q{INSERT INTO crm.given SELECT 'K' || i, '2025-01-01', i FROM generate_series(1, 9) AS i},
	q{SELECT create_model('m', 'crm.given', customer => 'customer', day => 'day', value => 'total', as_of => '2025-12-31', live => true)});
$node->safe_psql('postgres', 'ALTER TABLE crm.given OWNER TO mallory');
is((run_as($node, 'postgres', 'mallory', 'TRUNCATE crm.given'))[1], '', 'its new owner empties the source');
is(owner(q{SELECT count(*) FROM m.customer_scores}), '9', 'and not the model');
like(says(), qr/^rebuild needed\|the source belongs to another role/, 'whose status says so');
owner(q{SELECT drop_model('m')});
$node->safe_psql('postgres', 'DROP TABLE crm.given');

# An enum: another label is told of, another owner takes no part
owner(q{CREATE TABLE crm.plain (customer text, day date, total numeric, status crm.status)}, q{SELECT create_model('m', 'crm.plain', customer => 'customer', day => 'day', value => 'total', counts => $$status IN ('paid')$$, as_of => '2025-12-31', live => true)});
app(q{INSERT INTO crm.plain VALUES ('A', '2025-01-01', 1, 'paid'), ('A', '2025-01-02', 1, 'canceled')});
clean('an enum');
is(owner(q{SELECT frequency FROM m.customer_scores}), '1', 'an enum counts');
owner(q{ALTER TYPE crm.status RENAME VALUE 'paid' TO 'settled'});
is(app(q{INSERT INTO crm.plain VALUES ('A', '2025-01-03', 1, 'settled')}), '', 'a renamed label is no error for the application');
like(says(), qr/^rebuild needed\|error 22P02/, 'and told of');
owner(q{SELECT alter_model('m', counts => $$status = 'settled'$$)});
is(owner(q{SELECT frequency FROM m.customer_scores}) . says(), '2ok|', 'alter_model mends it');
$node->safe_psql('postgres', 'ALTER TYPE crm.status OWNER TO mallory');
like(says(), qr/^rebuild needed\|enum crm\.status belongs to another role/, 'an enum given away');
app(q{INSERT INTO crm.plain VALUES ('A', '2025-01-04', 1, 'settled')});
is(owner(q{SELECT reason FROM m.rejects}), 'an enum of the source belongs to another role', 'and nothing is taken over from then on');
owner(q{SELECT drop_model('m')}, 'DROP TABLE crm.plain');

# Partitions: rows that vanish on their way, partitions that come and go
owner(q{CREATE TABLE crm.po (id int, customer text, day date, total numeric) PARTITION BY LIST (id)}, q{CREATE TABLE crm.po1 PARTITION OF crm.po FOR VALUES IN (1)}, q{CREATE TABLE crm.po2 PARTITION OF crm.po FOR VALUES IN (2, 3)},
	q{CREATE FUNCTION crm.no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.id = 2 THEN RETURN NULL; END IF; RETURN NEW; END $$}, q{CREATE TRIGGER t BEFORE INSERT ON crm.po2 FOR EACH ROW EXECUTE FUNCTION crm.no()},
	q{INSERT INTO crm.po VALUES (1, 'A', '2025-01-01', 10), (1, 'A', '2025-01-02', 11), (1, 'B', '2025-01-03', 12), (1, 'C', '2025-01-03', 12), (1, 'C', '2025-01-03', 12)},
	q{SELECT create_model('m', 'crm.po', customer => 'customer', day => 'day', value => 'total', as_of => '2025-12-31', live => true)});
for my $sql (q{UPDATE crm.po SET id = 2 WHERE customer = 'B'}, q{UPDATE crm.po SET id = CASE WHEN day = '2025-01-02' THEN 2 ELSE 1 END WHERE customer = 'A'}, q{UPDATE crm.po SET id = 3 WHERE customer = 'A'}, q{UPDATE crm.po SET id = 2 WHERE customer = 'C'}, q{UPDATE crm.po SET id = 2 WHERE customer = 'nobody'})
{
	is(app($sql), '', $sql);
	clean($sql);
	is(says(), 'ok|', 'status ok');
}
owner(q{CREATE TABLE crm.po9 (LIKE crm.po)}, q{ALTER TABLE crm.po ATTACH PARTITION crm.po9 FOR VALUES IN (9)});
app(q{INSERT INTO crm.po VALUES (9, 'D', '2025-05-05', 1)});
owner(q{ALTER TABLE crm.po DETACH PARTITION crm.po9});
like(says(), qr/^rebuild needed\|a partition was attached/, 'a partition that came, was written and went is told of');
owner(q{SELECT refresh_model('m')});
is(says(), 'ok|', 'until the next refresh');
clean('a partition that came and went');
owner(q{ALTER TABLE crm.po ATTACH PARTITION crm.po9 FOR VALUES IN (9)}, q{ALTER TABLE crm.po DETACH PARTITION crm.po9});
is(says(), 'ok|', 'one that came and went without a statement took along what it brought');
clean('a partition that only came and went');
owner(q{ALTER TABLE crm.po ATTACH PARTITION crm.po9 FOR VALUES IN (9)}, q{SELECT refresh_model('m')});
app(q{INSERT INTO crm.po VALUES (9, 'D', '2025-05-06', 1); INSERT INTO crm.po9 VALUES (9, 'E', '2025-05-06', 1)});
is(says(), 'ok|', 'with triggers it is one like the others');
clean('a partition that stays');
owner(q{SELECT drop_model('m')}, 'DROP TABLE crm.po CASCADE');

# What create_model refuses may come later
for my $case (
	[ q{CREATE TABLE crm.child () INHERITS (crm.plain); GRANT ALL ON crm.child TO app; INSERT INTO crm.child VALUES ('Z', '2025-05-05', 1)}, qr/^rebuild needed\|table crm\.child inherits from crm\.plain/, qr/live: other tables inherit/, 'DROP TABLE crm.child' ],
	[ q{CREATE TABLE crm.everything (LIKE crm.plain) PARTITION BY LIST (customer); ALTER TABLE crm.everything ATTACH PARTITION crm.plain DEFAULT; INSERT INTO crm.everything VALUES ('Z', '2025-05-05', 1)}, qr/^rebuild needed\|table crm\.plain is a part of crm\.everything/, qr/live: crm\.plain is a part of another table/, 'ALTER TABLE crm.everything DETACH PARTITION crm.plain; DROP TABLE crm.everything' ],
	[ q{ALTER TABLE crm.plain ENABLE ROW LEVEL SECURITY; ALTER TABLE crm.plain FORCE ROW LEVEL SECURITY; CREATE POLICY half ON crm.plain USING (total > 20)}, qr/^rebuild needed\|row-level security hides rows of crm\.plain from its owner/, qr/live: row-level security hides rows/, 'ALTER TABLE crm.plain NO FORCE ROW LEVEL SECURITY; ALTER TABLE crm.plain DISABLE ROW LEVEL SECURITY' ])
{
	my ($change, $status, $refused, $back) = @$case;
	owner(q{CREATE TABLE crm.plain (customer text, day date, total numeric)}, q{INSERT INTO crm.plain SELECT 'K' || i % 20, '2025-01-01', i FROM generate_series(1, 40) AS i},
		q{SELECT create_model('m', 'crm.plain', customer => 'customer', day => 'day', value => 'total', as_of => '2025-12-31', live => true)});
	owner($change);
	like(says(), $status, "told of: $change");
	like((run_as($node, 'postgres', 'shopowner', q{SELECT scoring.refresh_model('m')}))[1], $refused, 'refresh_model does not read half of it');
	is(owner(q{SELECT count(*) FROM m.customer_scores WHERE customer_key LIKE 'K%'}), '20', 'and nobody is lost');
	owner($back);
	is(owner(q{SELECT status FROM refresh_model('m')}), 'refreshed', 'until it is taken back');
	clean($change);
	owner(q{SELECT drop_model('m')}, 'DROP TABLE crm.plain');
}

# A table that inherited from a source for a while: what of its rows was seen and what not is not known
owner(q{CREATE TABLE crm.plain (customer text, day date, total numeric)}, q{INSERT INTO crm.plain SELECT 'K' || i % 20, '2025-01-01', i FROM generate_series(1, 40) AS i},
	q{CREATE TABLE crm.visit (customer text, day date)}, q{INSERT INTO crm.visit SELECT 'K' || i % 20, '2025-01-01' FROM generate_series(1, 40) AS i},
	q{SELECT create_model('m', 'crm.plain', customer => 'customer', day => 'day', value => 'total', as_of => '2025-12-31', live => true)},
	q{SELECT add_stream('m', 'visits', 'crm.visit', customer => 'customer', day => 'day', live => true)},
	map { ("CREATE TABLE crm.child_of_$_ () INHERITS (crm.$_)", "INSERT INTO crm.child_of_$_ SELECT * FROM crm.$_") } qw(plain visit));
is(app('UPDATE crm.plain SET total = total + 1000; UPDATE crm.visit SET day = day + 1'), '', 'through the parent');
owner('DROP TABLE crm.child_of_plain');
like(says(), qr/^rebuild needed\|stream visits: table crm\.child_of_visit inherits from crm\.visit/, 'a table that inherits from the source of a stream');
owner('DROP TABLE crm.child_of_visit');
like(says(), qr/^rebuild needed\|.*a table inherited from the source/, 'tables that came, were written and went are told of');
owner(q{SELECT refresh_model('m')});
is(says(), 'ok|', 'until the next refresh');
clean('tables that came and went');
# so does create_hypertable of TimescaleDB: rows are moved to tables that inherit, and the emptied one is truncated alone
owner(map { ("CREATE TABLE crm.child_of_$_ () INHERITS (crm.$_)", "INSERT INTO crm.child_of_$_ SELECT * FROM ONLY crm.$_", "TRUNCATE ONLY crm.$_") } qw(plain visit));
is(owner(q{SELECT (SELECT count(*) FROM m.customer_scores), (SELECT count(*) FROM m.customer_streams)}), '20|20', 'TRUNCATE ONLY loses nobody');
like(owner(q{SELECT item, detail FROM alter_model('m', live => false)}), qr/^live\|/m, 'a model that is not live any more');
owner(q{SELECT alter_stream('m', 'visits', live => false)});
is(owner(q{SELECT DISTINCT status FROM refresh_model('m')}), 'refreshed', 'reads them');
is(says(), 'ok|', 'and is well');
clean('tables that stay');
owner(q{SELECT drop_model('m')}, 'DROP TABLE crm.plain, crm.visit CASCADE');

# A definition that another major prints in other words is the same definition
owner(q{CREATE TABLE crm.plain (customer text, day date, total numeric)}, q{INSERT INTO crm.plain SELECT 'K' || i % 20, '2025-01-01', i FROM generate_series(1, 40) AS i},
	q{SELECT create_model('m', 'crm.plain', customer => 'customer', day => 'day', value => 'total', as_of => '2025-12-31', live => true)},
	q{UPDATE m.configuration SET source_query = replace(source_query, 'source.', '')}, q{INSERT INTO crm.plain SELECT 'N' || i, '2025-01-01', 1000 * i FROM generate_series(1, 40) AS i});
is(owner(q{SELECT item FROM alter_model('m', value => 'total') WHERE item = 'thresholds'}), '', 'and no reason to calibrate');
clean('a definition in other words');
app(q{INSERT INTO crm.plain VALUES ('N1', '2025-02-02', 3); INSERT INTO crm.plain VALUES ('N1', '2025-02-02', 3), ('N2', '2025-02-02', 3)});
clean('a definition in other words and its triggers');
is(says(), 'ok|', 'and well');

SKIP:
{
	my $control = $node->config_data('--sharedir') . '/extension/timescaledb.control';
	skip "TimescaleDB is not installed for this server: $control is not there", 1 unless -e $control;

	owner(q{SELECT drop_model('m')}, 'DROP TABLE crm.plain');
	$node->append_conf('postgresql.conf', "shared_preload_libraries = 'timescaledb'\ntimescaledb.telemetry_level = off\n");
	$node->restart;
	$node->safe_psql('postgres', 'CREATE EXTENSION timescaledb');
	owner(q{CREATE TABLE crm.plain (customer text, day date NOT NULL, total numeric)}, q{INSERT INTO crm.plain SELECT 'K' || i % 20, date '2025-01-01' + i, i FROM generate_series(1, 40) AS i},
		q{SELECT create_model('m', 'crm.plain', customer => 'customer', day => 'day', value => 'total', as_of => '2025-12-31', live => true)},
		q{SELECT create_hypertable('crm.plain', 'day', migrate_data => true)});
	is(owner(q{SELECT count(*) FROM m.customer_scores}), '20', 'a table that becomes a hypertable: nobody is lost');
	like(says(), qr/^rebuild needed\|table _timescaledb_internal\.\S+ inherits from crm\.plain/, 'and the status tells of it');
	like((run_as($node, 'postgres', 'shopowner', q{SELECT scoring.refresh_model('m')}))[1], qr/live: crm\.plain is a hypertable of TimescaleDB/, 'refresh_model refuses');
	app(q{INSERT INTO crm.plain VALUES ('Z', '2025-06-06', 1)});
	owner(q{SELECT alter_model('m', live => false)}, q{SELECT refresh_model('m')});
	is(says() . owner(q{SELECT count(*) FROM m.customer_scores}), 'ok|21', 'a model that is refreshed reads a hypertable');
	clean('a hypertable');
	owner(q{CREATE TABLE crm.empty_ht (LIKE crm.plain)}, q{SELECT create_hypertable('crm.empty_ht', 'day')});
	like((run_as($node, 'postgres', 'shopowner', q{SELECT scoring.create_model('e', 'crm.empty_ht', customer => 'customer', day => 'day', value => 'total', live => true)}))[1],
		qr/live: crm\.empty_ht is a hypertable of TimescaleDB/, 'one without chunks is refused too');
}

done_testing();
