# An erased customer can't be found: not in any file of a table, not in a dump;
# and a source that still has his rows does not bring him back.
use strict;
use warnings;
use File::Find;
use ScoringCluster;
use ModelCluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $marker = 'Zq-marker-4711-xW';
my $node = new_node('erasure');
# autovacuum would clean up what this test is to find first
$node->append_conf('postgresql.conf', "autovacuum = off\n");
$node->start;
make_roles($node, 'reader');
make_database($node, 'shop');

sub owner { return scalar run_as($node, 'shop', 'shopowner', @_); }

# How many files below base, and lines of a dump, have a text in them?
sub in_files
{
	my ($text) = @_;
	my $found = 0;
	$node->safe_psql('shop', 'CHECKPOINT');
	find({ no_chdir => 1, wanted => sub {
		return unless -f $_;
		my $content = eval { slurp_file($_) };
		return unless defined $content && index($content, $text) >= 0;
		$found++;
	} }, $node->data_dir . '/base');
	return $found;
}

sub in_dump
{
	my ($text) = @_;
	my ($out, $err) = run_command([ 'pg_dump', '-d', $node->connstr('shop') ]);
	die $err unless $out =~ /customer_histories/;
	return scalar grep { index($_, $text) >= 0 } split /\n/, $out;
}

# Whatever a model has: histories, differences, changes, a correction by a
# person, merges both ways, a table of the owner's own, and copies.
owner(qq{
	CREATE TABLE crm.sales (sale_id int GENERATED ALWAYS AS IDENTITY, customer text NOT NULL, sold_on date NOT NULL, total numeric NOT NULL);
	INSERT INTO crm.sales (customer, sold_on, total) SELECT 'C' || i % 300, date '2025-01-01' + i % 330, i % 97 FROM generate_series(1, 2000) i;
	INSERT INTO crm.sales (customer, sold_on, total) SELECT '$marker', date '2025-01-01' + i * 20, 5 FROM generate_series(1, 15) i;
	CREATE TABLE crm.people AS SELECT DISTINCT customer, 'Lyon'::text AS city, true AS agreed FROM crm.sales;
	SELECT scoring.create_model('refreshed', 'crm.sales', customer => 'customer', day => 'sold_on', value => 'total', as_of => '2025-12-31', customers => 'crm.people', attributes => '{city}', consent => 'agreed');
	SELECT scoring.create_model('live', 'crm.sales', customer => 'customer', day => 'sold_on', value => 'total', as_of => '2025-12-31', live => true);
	SELECT scoring.create_model('second', 'crm.sales', customer => 'customer', day => 'sold_on', value => 'total', as_of => '2025-12-31');
	SELECT scoring.record_changes(m) FROM unnest('{refreshed,live,second}'::text[]) m;
	INSERT INTO crm.sales (customer, sold_on, total) VALUES ('$marker', '2025-12-30', 70000);
	SELECT scoring.refresh_model(m) FROM unnest('{refreshed,second}'::text[]) m;
	SELECT scoring.record_changes(m) FROM unnest('{refreshed,live,second}'::text[]) m;
	SELECT scoring.override_segment(m, '$marker', 'vip', 'a friend') FROM unnest('{refreshed,live}'::text[]) m;
	CREATE SCHEMA dash;
	CREATE MATERIALIZED VIEW dash.scores AS SELECT * FROM refreshed.customer_scores;
	CREATE MATERIALIZED VIEW dash.past AS SELECT customer_key AS who, segment FROM live.customer_scores_at('2025-06-30');
	SELECT scoring.merge_customers('refreshed', 'C8', '$marker');
	SELECT scoring.merge_customers('live', '$marker', 'C9');
	CREATE TABLE refreshed.calls (called_on date, customer_key text, said text);
	INSERT INTO refreshed.calls VALUES ('2025-12-01', '$marker', 'hello');
	SELECT scoring.grant_reader('refreshed', 'reader');
});
$node->safe_psql('shop', 'ANALYZE');
is(owner("SELECT count(*) FROM live.pending WHERE customer_key = '$marker'"), '1', 'a difference is pending');
cmp_ok(in_files($marker), '>=', 8, 'the files have him, before');
cmp_ok(in_dump($marker), '>=', 10, 'so has a dump');

# A rule says which columns name a customer; of the other texts it is known here
# what they hold. A new table is erased from, or has to be looked at.
is(join("\n", ModelCluster::rows($node, 'shop', q{
	SELECT DISTINCT format('%s.%s', c.relname, a.attname)
	  FROM pg_class c JOIN pg_attribute a ON attrelid = c.oid AND attnum > 0 AND NOT attisdropped
	 WHERE relnamespace = 'refreshed'::regnamespace AND relkind IN ('r', 'p') AND relname NOT IN ('configuration', 'segment_map', 'segment_rule', 'segment_label', 'calls')
	   AND (SELECT typcategory FROM pg_type t WHERE t.oid = atttypid) NOT IN ('N', 'D', 'B', 'T')
	   AND NOT EXISTS (SELECT FROM scoring._model_person_tables('refreshed') p WHERE p.relation = c.oid AND attname = ANY (p.keys || p.ids)) ORDER BY 1})),
	join("\n", sort grep { /\S/ } split /\n/, q{
calibration.appetence_thresholds
calibration.category_keys
calibration.category_names
calibration.category_numbers
calibration.category_shares
calibration.category_weights
calibration.cluster_fit
started_campaigns.campaign
started_campaigns.salt
started_campaigns.segments
started_campaigns.shares
started_campaigns.started_by
campaign_groups.campaign
campaign_groups.segment
campaign_groups.tenant
set_goals.action
set_goals.change
set_goals.kpi
set_goals.owner
set_goals.segment
set_goals.set_by
set_goals.tenant
calibration.basket_thresholds
calibration.btyd_fit
calibration.clv_thresholds
calibration.frequency_thresholds
calibration.monetary_thresholds
calibration.propensity_fit
calibration.prospect_fit
calibration.recency_thresholds
calibration.spend_fit
calibration.tenant
calibration.weights_fit
calibration_groups.btyd_fit
calibration_groups.group_value
calibration_groups.grouped_by
calibration_groups.spend_fit
calibration_groups.tenant
customer_histories.history
customer_histories.tenant
merged_customers.into_id
merged_customers.merged_by
merged_customers.root_id
merged_customers.tenant
overridden_segments.made_by
overridden_segments.reason
overridden_segments.segment
overridden_segments.tenant
pending.difference
pending.tenant
quality.detail
quality.reason
quality.tenant
reader.role
reader.tenant
recorded_changes.previous_segment
recorded_changes.segment
recorded_changes.tenant
recorded_segments.previous_segment
recorded_segments.segment
recorded_segments.tenant
rejects.operation
rejects.reason
suppressed.key_id
suppressed.reason
suppressed.token
suppression_key.key}), 'all other columns of texts are known to name no customer, or only beside a column that does');
is(owner(q{SELECT string_agg(format('%s.%s', p.name, a.attname), ' ') FROM scoring._model_person_tables('second') p JOIN pg_attribute a ON attrelid = p.relation AND attname = ANY (p.keys || p.ids)
	WHERE a.attstattarget IS DISTINCT FROM 0}), '', 'columns that name a customer have no statistics');

# The person goes: from the source, from two models, and stays in the third.
owner("DELETE FROM crm.sales WHERE customer = '$marker'; DELETE FROM crm.people WHERE customer = '$marker'");
is(owner("SELECT count(*) FROM live.pending WHERE customer_key = '$marker'"), '2', 'what goes from the source is pending too');
my $before = digests($node, 'shop', 'shopowner', grep { !/_seq$/ } tables($node, 'shop', 'second'));
is(owner("SELECT string_agg(object || ' ' || erased, ', ' ORDER BY object) FROM scoring.forget_customer('refreshed', '$marker') WHERE erased > 0"),
	'refreshed.calls 1, refreshed.customer_histories 1, refreshed.merged_customers 1, refreshed.overridden_segments 1, refreshed.recorded_changes 1, refreshed.recorded_segments 2', 'erased, counted');
like(owner("SELECT string_agg(object || ' ' || erased, ', ' ORDER BY object) FROM scoring.forget_customer('live', '$marker') WHERE erased > 0"),
	qr/^live.customer_histories 1, live.merged_customers 1, live.overridden_segments 1, live.pending 2, live.recorded_changes \d, live.recorded_segments \d$/, 'from a live model, pending differences too');
is(digests($node, 'shop', 'shopowner', grep { !/_seq$/ } tables($node, 'shop', 'second')), $before, 'another model is untouched');
is(owner("SELECT string_agg(object, ' ' ORDER BY object) FROM scoring.forget_customer('refreshed', '$marker') WHERE object ~ '^dash'"), 'dash.scores', 'materialized views over a view are named');
is(owner("SELECT string_agg(object, ' ' ORDER BY object) FROM scoring.forget_customer('live', '$marker') WHERE object ~ '^dash'"), 'dash.past', 'and over a dated function');
is(owner("SELECT coalesce(sum(erased), 0) FROM scoring.forget_customer('refreshed', '$marker')"), '0', 'a second time there is nothing to erase');
is(owner("SELECT string_agg(object, ' ' ORDER BY object) FROM scoring.erasure_report('$marker') WHERE found > 0 AND object ~ '^second' AND kind = 'table'"),
	'second.customer_histories second.recorded_changes second.recorded_segments', 'the report finds him where he still is');
owner("SELECT * FROM scoring.forget_customer('$marker')");
is(owner("SELECT string_agg(object, ' ' ORDER BY object) FROM scoring.erasure_report('$marker') WHERE found > 0 AND kind <> 'statistics'"),
	'dash.past dash.scores live.suppressed refreshed.suppressed second.suppressed', 'forgotten by all models: what is left is copies and tokens');
owner('REFRESH MATERIALIZED VIEW dash.scores; REFRESH MATERIALIZED VIEW dash.past');
cmp_ok(in_files($marker), '>', 0, 'the files still have him: deleted rows, statistics of copies');
# pg_statistic last: what ANALYZE replaces there is a deleted row too
$node->safe_psql('shop', $_) for 'ANALYZE', 'VACUUM FULL';
is(in_files($marker), 0, 'no file of a table has him after VACUUM FULL');
is(in_dump($marker), 0, 'nor has a dump');
is(owner("SELECT string_agg(object, ' ' ORDER BY object) FROM scoring.erasure_report('$marker') WHERE found > 0"), 'live.suppressed refreshed.suppressed second.suppressed', 'the report says so');
is(owner("SELECT count(*), count(DISTINCT token) FROM (SELECT token FROM refreshed.suppressed UNION ALL SELECT token FROM live.suppressed UNION ALL SELECT token FROM second.suppressed) s"),
	'5|5', 'tokens are there, others in every model');

# A source that has him again.
my $nowhere = sub { owner("SELECT count(*) FROM scoring.erasure_report('$marker') WHERE found > 0 AND kind NOT IN ('token', 'statistics') AND object <> 'live.pending'") };
owner(qq{INSERT INTO crm.people VALUES ('$marker', 'Lyon', true)});
is(owner("SELECT count(*) FROM refreshed.customer_scores WHERE customer_key = '$marker'"), '0', 'in the table of people: no prospect');
owner(qq{INSERT INTO crm.sales (customer, sold_on, total) SELECT '$marker', date '2025-01-01' + i * 20, 5 FROM generate_series(1, 15) i});
owner(qq{INSERT INTO crm.sales (customer, sold_on, total) VALUES ('$marker', '2025-12-30', 70000)});
owner(qq{UPDATE crm.sales SET total = total + 1 WHERE customer = '$marker'; DELETE FROM crm.sales WHERE customer = '$marker' AND sold_on = '2025-12-30'});
is($nowhere->(), '0', 'orders in a live source: in no view');
is(owner("SELECT count(*) FROM live.customer_scores_at('2025-12-31') WHERE customer_key = '$marker'"), '0', 'nor in a dated function');
cmp_ok(owner("SELECT count(*) FROM live.pending WHERE customer_key = '$marker'"), '>', 0, 'but pending');
is(owner("SELECT count(*) FROM scoring.check_model('live')"), '0', 'nobody is missing to check_model');
owner("SELECT scoring.apply_changes('live')");
is(owner("SELECT count(*) FROM live.pending WHERE customer_key = '$marker'"), '0', 'until apply_changes');
for my $what (q{scoring.refresh_model(m)}, q{scoring.calibrate_model(m)}, q{scoring.alter_model(m, source => 'crm.sales', value => 'total')}, q{scoring.record_changes(m)}, q{scoring.reapply_suppression(m)})
{
	owner("SELECT * FROM unnest('{refreshed,live,second}'::text[]) m, $what");
	is($nowhere->(), '0', "$what brings nobody back");
	is(owner("SELECT count(*) FROM unnest('{refreshed,live,second}'::text[]) m, scoring.check_model(m)"), '0', 'and nobody is missing');
}
owner("SELECT scoring.alter_model('refreshed', live => true); SELECT scoring.alter_model('refreshed', live => false)");
is($nowhere->(), '0', 'nor does another way of reading');

# Somebody writes his order while he is erased: it is committed later.
my $session = open_session($node, 'shop', 'shopowner');
$session->ask("BEGIN; INSERT INTO crm.sales (customer, sold_on, total) VALUES ('C77', '2025-12-30', 1);");
is(owner("SELECT count(*) > 0 FROM scoring.forget_customer('live', 'C77')"), 't', 'an order that is being written does not block an erasure');
$session->ask('COMMIT;');
$session->close;
is(owner("SELECT count(*) FROM live.customer_scores WHERE customer_key = 'C77'"), '0', 'and does not outlive it');
owner("SELECT scoring.apply_changes('live')");
is(owner("SELECT sum(found) FROM scoring.erasure_report('live', 'C77') WHERE kind IN ('table', 'view')"), '0', 'not in any table either');

# ... and back, because he wants to.
owner("SELECT scoring.allow_customer('live', '$marker')");
is(owner('SELECT status FROM live.model_status'), 'rebuild needed', 'who is allowed again is missed until the source is read');
owner("SELECT scoring.refresh_model('live')");
is(owner("SELECT frequency FROM live.customer_scores WHERE customer_key = '$marker'"), '15', 'and then there with all that the source has');
is(owner("SELECT count(*) FROM second.customer_scores WHERE customer_key = '$marker'"), '0', 'in that model alone');

# Others may do none of it, and learn nothing.
for my $call ('forget_customer(\'refreshed\', \'C1\')', 'allow_customer(\'refreshed\', \'C1\')', 'export_customer(\'refreshed\', \'C1\')', 'erasure_report(\'refreshed\', \'C1\')',
	'retention_due(\'refreshed\')', 'purge_model(\'refreshed\')', 'reapply_suppression(\'refreshed\')')
{
	my ($answer) = attempt($node, 'shop', 'reader', "SELECT * FROM scoring.$call");
	like($answer, qr/^42501 model "refreshed" belongs to role shopowner/, "a reader: $call");
	unlike($answer, qr/C1\b/, 'without the customer');
}
is(scalar run_as($node, 'shop', 'reader', q{SELECT count(*) FROM scoring.erasure_report('C1')}), '0', 'of models of others nothing is reported');
is(scalar run_as($node, 'shop', 'reader', q{SELECT count(*) FROM scoring.forget_customer('C1')}), '0', 'nor erased');
like((attempt($node, 'shop', 'reader', "SELECT * FROM refreshed.$_"))[0], qr/^42501/, "a reader has no rights on $_") for qw(suppressed suppression_key);

# A dump keeps the list and its key: whoever was erased stays so where it is restored.
$node->safe_psql('postgres', 'CREATE DATABASE restored');
my $dump = $node->basedir . '/shop.dump';
run_command([ 'pg_dump', '-Fc', '-f', $dump, '-d', $node->connstr('shop') ]);
run_command([ 'pg_restore', '-d', $node->connstr('restored'), $dump ]);
is(scalar run_as($node, 'restored', 'shopowner', q{SELECT * FROM scoring.refresh_model('second')}) =~ /^refreshed/ ? 1 : 0, 1, 'a restored model is refreshed');
is(scalar run_as($node, 'restored', 'shopowner', "SELECT count(*) FROM second.customer_scores WHERE customer_key = '$marker'"), '0', 'and knows whom it must not store');

# A table of another role in the schema has triggers of that role.
$node->safe_psql('shop', qq{
	CREATE TABLE second.notes (customer_key text); INSERT INTO second.notes VALUES ('C5');
	CREATE FUNCTION public.trap() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN RAISE 'the trap of % runs as %', TG_TABLE_NAME, current_user; END \$\$;
	CREATE TRIGGER trap BEFORE DELETE ON second.notes FOR EACH ROW EXECUTE FUNCTION public.trap()});
like(owner("SELECT note FROM scoring.forget_customer('second', 'C5') WHERE object = 'second.notes'"), qr/^belongs to another role/, 'is named, and not touched');
is(owner("SELECT kind FROM scoring.erasure_report('second', 'C5') WHERE object = 'second.notes'"), 'table, not readable', 'nor read');

$node->stop;
done_testing();
