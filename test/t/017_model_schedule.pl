# Materialized views over the views of a model, and everything on a schedule:
# by the real pg_cron, as jobs of roles that are no superusers.
use strict;
use warnings;
use ScoringCluster;
use ModelCluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $node = model_node('schedule');
my $control = $node->config_data('--sharedir') . '/extension/pg_cron.control';
my $has_cron = -e $control;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_cron'\ncron.database_name = 'chain'\ncron.use_background_workers = on\nmax_worker_processes = 20\n") if $has_cron;
$node->start;
make_roles($node, 'reader_a', 'outsider');

sub in_db { return scalar run_as($node, 'chain', @_); }

in_db('postgres', q{
	CREATE SCHEMA bi AUTHORIZATION shopowner;
	CREATE SCHEMA "of A" AUTHORIZATION reader_a;
	GRANT USAGE ON SCHEMA bi, "of A" TO PUBLIC;
});
in_db('shopowner', q{SELECT scoring.grant_reader('chain', 'reader_a', 'a')});

# A materialized view of each view, in a schema of the owner's and of a reader's;
# where there is a customer_key, it is a key.
my @views = map { s/^chain\.//r } views($node, 'chain', 'chain');
my %keyed = map { $_ => 1 } split /\n/, in_db('postgres', q{SELECT relname FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
	WHERE relnamespace = 'chain'::regnamespace AND attname = 'customer_key' AND relkind = 'v' AND relname !~ '^_' AND relname NOT IN ('segment_changes', 'customer_streams', 'campaign_members')});
my %keys = (segment_changes => 'change_id', customer_streams => 'customer_key, stream, kind', campaign_members => 'campaign, customer_key', campaigns => 'tenant, campaign, group_no',
	campaign_results => 'tenant, campaign, segment, everybody, group_no', segment_kpis => 'tenant, segment, everybody, kpi', headline => 'tenant', segment_moves_90d => 'tenant, from_segment, to_segment', segment_history_12m => 'tenant, as_of, segment', goals => 'tenant, segment, kpi',
	drift_since_calibration => 'tenant, dimension', revenue_concentration => 'tenant, top_share', clusters => 'tenant, cluster', cluster_inputs => 'tenant, cluster, input', cluster_profile => 'tenant, cluster, attribute, position', account_scores => 'tenant, account', segments => 'segment', segment_summary => 'tenant, segment', rfm_grid => 'tenant, r_score, f_score',
	score_distribution => 'tenant, dimension, score', thresholds => 'tenant, dimension, score', model_status => 'model', data_quality => 'tenant, reason',
	attribute_summary => 'tenant, attribute, attribute_value, segment', segment_profile => 'tenant, segment, attribute, position', processing_record => 'item, detail',
	prediction_fits => 'tenant, fit, parameter', prediction_matrix => 'tenant, repeat_orders, silence_days', prediction_calibration => 'tenant, repeat_orders', prediction_by_segment => 'tenant, segment', weights => 'tenant, dimension', prediction_check => 'tenant',
	prediction_by_frequency => 'tenant, repeat_orders', prediction_check_by_segment => 'tenant, segment', prediction_tracking => 'tenant, week_end');
my %schemas = (shopowner => 'bi', reader_a => '"of A"');
for my $role (sort keys %schemas)
{
	my $schema = $schemas{$role};
	my ($rc, $out, $err) = $node->psql('chain', join('', map {
		my $view = $_;
		my $key = $keyed{$view} ? 'customer_key' : $keys{$view} // die "which is the key of $view?";
		"\\warn $view by $key:\nCREATE MATERIALIZED VIEW $schema.$view AS SELECT * FROM chain.$view; CREATE UNIQUE INDEX ON $schema.$view ($key); REFRESH MATERIALIZED VIEW CONCURRENTLY $schema.$view;\n" } @views),
		extra_params => [ '-U', $role ], on_error_stop => 0);
	my %errors = $err =~ /^(\S+) by [^\n]*:\n?((?:(?!\S+ by [^\n]*:$).*\n?)*)/mg;
	# a notice is none
	unlike($errors{$_} // 'ERROR: not asked for', qr/ERROR|FATAL/, "$role: $_, unique, refreshed concurrently") for @views;
}
cmp_ok(scalar keys %keyed, '>=', 6, join(' ', sort keys %keyed) . ' have customer_key');

# What a materialized view of each role has is what the role sees, whoever refreshes it.
my $digest = sub {
	my ($role, $prefix) = @_;
	return digests($node, 'chain', $role, map { "$prefix.$_" } grep { $_ ne 'model_status' } @views) =~ s/^\Q$prefix\E\.//mgr;
};
my $same = sub {
	my ($what) = @_;
	is($digest->($_, $schemas{$_}), $digest->($_, 'chain'), "$what: materialized = view for $_") for sort keys %schemas;
};
$same->('as made');
my $early = $digest->('shopowner', 'bi');
in_db('shopowner', q{
	INSERT INTO crm.orders SELECT customer_id, tenant, '2025-06-28', 2000 FROM crm.customers WHERE customer_id % 5 = 0;
	DELETE FROM crm.orders WHERE customer_id % 13 = 0;
	SELECT scoring.refresh_model('chain');
	SELECT scoring.record_changes('chain');
});
is($digest->('shopowner', 'bi'), $early, 'a refreshed model: nothing changes in what is materialized');
in_db('postgres', join ' ', map { my $s = $schemas{$_}; map { "REFRESH MATERIALIZED VIEW CONCURRENTLY $s.$_;" } @views } sort keys %schemas);
isnt($digest->('shopowner', 'bi'), $early, 'until that is refreshed');
$same->('refreshed by a superuser');
is(in_db('postgres', q{SELECT count(DISTINCT tenant), min(tenant) FROM "of A".customer_scores}), '1|a', 'a reader of one tenant has one tenant in it');
in_db('shopowner', 'REFRESH MATERIALIZED VIEW bi.customer_scores');
is(in_db('shopowner', q{SELECT count(*) FROM bi.customer_scores EXCEPT SELECT count(*) FROM chain.customer_scores}), '', 'a plain REFRESH too');

# Tools find them.
is(in_db('shopowner', q{SELECT count(*) FROM pg_matviews WHERE schemaname = 'bi' AND ispopulated}), scalar @views, 'pg_matviews lists them');
is(in_db('shopowner', q{SELECT count(*) FROM pg_attribute WHERE attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'bi'::regnamespace AND relkind = 'm') AND attnum > 0
	AND (atttypid IN ('json'::regtype, 'jsonb'::regtype, 'interval'::regtype, 'bytea'::regtype) OR (SELECT typcategory IN ('A', 'C', 'U') FROM pg_type t WHERE t.oid = atttypid))}), '0', 'their columns are plain');

# Changes of the model go on beneath them.
in_db('shopowner', q{SELECT scoring.alter_model('chain', weights => '{2,1,1}', attributes => '{country,joined_on,agreed}'); SELECT scoring.calibrate_model('chain');});
in_db('shopowner', join ' ', map { "REFRESH MATERIALIZED VIEW CONCURRENTLY bi.$_;" } @views);
is(in_db('shopowner', 'SELECT sum(rfm_score) FROM bi.customer_segments JOIN bi.customer_scores USING (customer_key)'), in_db('shopowner', 'SELECT sum(rfm_score) FROM chain.customer_segments JOIN chain.customer_scores USING (customer_key)'), 'after alter_model and calibrate_model they are refreshed as before');

# Over dated functions too.
in_db('reader_a', q{CREATE MATERIALIZED VIEW "of A".months AS SELECT * FROM chain.segment_history('2024-12-31', '2025-06-30'); CREATE UNIQUE INDEX ON "of A".months (as_of, segment); REFRESH MATERIALIZED VIEW CONCURRENTLY "of A".months});
in_db('postgres', 'REFRESH MATERIALIZED VIEW "of A".months');
is(in_db('postgres', q{SELECT count(DISTINCT as_of), string_agg(DISTINCT tenant, ' ') FROM "of A".months}), '7|a', 'a materialized view over a dated function');
like((attempt($node, 'chain', 'shopowner', q{SELECT * FROM scoring.drop_model('chain')}))[0], qr/^2BP01 .*drop_model\('chain', cascade => true\)/, 'drop_model is refused while they are there');

SKIP:
{
	skip "pg_cron is not installed for this server: $control is not there", 1 unless $has_cron;

	in_db('postgres', q{
		CREATE EXTENSION pg_cron;
		GRANT USAGE ON SCHEMA cron TO shopowner, reader_a;
	});
	# Every minute, and once when the server starts.
	in_db('shopowner', q{
		SELECT cron.schedule('everything', '* * * * *', $$SELECT scoring.refresh_model('chain'); SELECT scoring.record_changes('chain'); REFRESH MATERIALIZED VIEW CONCURRENTLY bi.customer_segments$$);
		SELECT cron.schedule('refresh', '@reboot', $$SELECT * FROM scoring.refresh_model('chain')$$);
		SELECT cron.schedule('record', '@reboot', $$SELECT * FROM scoring.record_changes('chain')$$);
		SELECT cron.schedule('calibrate', '@reboot', $$SELECT * FROM scoring.calibrate_model('chain')$$);
		SELECT cron.schedule('apply', '@reboot', $$SELECT * FROM scoring.apply_changes('chain')$$);
		SELECT cron.schedule('materialize', '@reboot', 'REFRESH MATERIALIZED VIEW CONCURRENTLY bi.customer_scores');
		INSERT INTO crm.orders SELECT customer_id, tenant, '2025-06-30', 3000 FROM crm.customers WHERE customer_id % 3 = 0});
	in_db('reader_a', q{
		SELECT cron.schedule('materialize', '@reboot', 'REFRESH MATERIALIZED VIEW CONCURRENTLY "of A".customer_segments');
		SELECT cron.schedule('not mine', '@reboot', $$SELECT scoring.refresh_model('chain')$$)});
	my $refreshes = in_db('shopowner', 'SELECT max(refresh_id) FROM chain.refreshes');
	my $changes = in_db('shopowner', 'SELECT count(*) FROM chain.segment_changes');
	$node->restart;
	my $runs = q{FROM cron.job_run_details d JOIN cron.job j USING (jobid)};
	$node->poll_query_until('chain', "SELECT count(*) = 7 $runs WHERE schedule = '\@reboot' AND status IN ('succeeded', 'failed')") or diag in_db('postgres', "SELECT jobname, status, return_message $runs");
	is(in_db('postgres', "SELECT jobname, j.username, status $runs WHERE schedule = '\@reboot' ORDER BY 1, 2"),
		"apply|shopowner|succeeded\ncalibrate|shopowner|succeeded\nmaterialize|reader_a|succeeded\nmaterialize|shopowner|succeeded\nnot mine|reader_a|failed\nrecord|shopowner|succeeded\nrefresh|shopowner|succeeded",
		'jobs of an owner and of a reader run when the server starts') or diag in_db('postgres', "SELECT jobname, status, return_message $runs");
	like(in_db('postgres', "SELECT return_message $runs WHERE jobname = 'not mine'"), qr/model "chain" belongs to role shopowner/, 'a job that may not says why');
	cmp_ok(in_db('shopowner', 'SELECT max(refresh_id) FROM chain.refreshes'), '>', $refreshes, 'the model has been refreshed');

	# The minute's job finds what came since.
	$node->poll_query_until('chain', "SELECT count(*) > 0 $runs WHERE jobname = 'everything' AND status IN ('succeeded', 'failed')");
	is(in_db('postgres', "SELECT DISTINCT status $runs WHERE jobname = 'everything'"), 'succeeded', 'the job of every minute') or diag in_db('postgres', "SELECT jobname, status, return_message $runs");
	in_db('shopowner', q{SELECT cron.unschedule('everything')});
	cmp_ok(in_db('shopowner', 'SELECT count(*) FROM chain.segment_changes'), '>', $changes, 'has recorded changes');
	is(digests($node, 'chain', 'shopowner', 'bi.customer_segments') =~ s/.*? //r, digests($node, 'chain', 'shopowner', 'chain.customer_segments') =~ s/.*? //r, 'and what is materialized is what the view says');
	is(in_db('shopowner', q{SELECT count(*) FROM scoring.check_model('chain')}), '0', 'the model has all orders');
}

done_testing();
