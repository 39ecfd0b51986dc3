# docs/security.md names every function and view that could run somebody's code
# with somebody else's rights. What the catalogs have is compared with the page,
# of the extension and of models with everything switched on.
use strict;
use warnings;
use ScoringCluster;
use ModelCluster;
use PostgreSQL::Test::Utils;
use File::Basename;
use Test::More;

my $page = slurp_file(dirname(__FILE__) . '/../../docs/security.md');

# The names in the first column of the tables under a heading.
sub named
{
	my ($heading) = @_;
	my ($part) = $page =~ /^### \Q$heading\E\n(.*?)(?=^#|\z)/ms or die "no heading $heading";
	my %names;
	for my $line (split /\n/, $part)
	{
		my ($first) = $line =~ /^\| (`.*?`) \|/ or next;
		$names{$_} = $line for $first =~ /`(\w+)`/g;
	}
	return \%names;
}
my ($of_model, $views, $of_extension) = map { named($_) } 'Functions of a model', 'Views of a model', 'Functions of the extension';

my $node = new_node('page');
$node->start;
make_roles($node, 'reader');
make_database($node, 'shop');
sub in_shop { return scalar run_as($node, 'shop', @_); }
in_shop('shopowner', q{
	SELECT scoring.create_model('tenants', 'crm.orders', as_of => '2025-06-30', customer => 'customer_id', day => 'ordered_on', value => 'total', tenant => 'tenant',
	  customers => 'crm.customers', attributes => '{country,joined_on}', consent => 'agreed', objection => 'joined_on < ''1900-01-01''', contact => '{agreed}',
	  retention_days => 320, minimum_group_size => 5, prediction => 'mbgnbd', account => 'country', live => true, clusters => 3);
	CREATE TABLE crm.visits AS SELECT customer_id, tenant, ordered_on AS visited_on, 'page_view' AS what FROM crm.orders;
	SELECT scoring.add_stream('tenants', 'visits', 'crm.visits', customer => 'customer_id', day => 'visited_on', kind => 'what', live => true);
	SELECT scoring.add_stream('tenants', 'seen', 'crm.visits', customer => 'customer_id', day => 'visited_on', kind => 'what', role => 'view');
	CREATE TABLE crm.answers AS SELECT customer_id, tenant, ordered_on AS answered_on, 9 AS rating FROM crm.orders;
	SELECT scoring.add_stream('tenants', 'survey', 'crm.answers', customer => 'customer_id', day => 'answered_on', value => 'rating', scale => 'nps');
	SELECT scoring.create_model('plain', 'SELECT customer_id, ordered_on, total FROM crm.orders WHERE tenant = ''secret''', as_of => '2025-06-30', event_key => 'customer_id',
	  live_on => '{"crm.orders": "customer_id"}');
	SELECT scoring.create_segment_map('crm.winter', copy_of => 'essential_hybrid');
	SELECT scoring.grant_reader('tenants', 'reader', 'a'); SELECT scoring.grant_reader('plain', 'reader');});
my @models = ('tenants', 'plain');
my $schemas = q{('tenants', 'plain')};
sub catalog { return { map { my ($name, @rest) = split /\|/, $_, -1; ($name, \@rest) } split /\n/, in_shop('postgres', $_[0]) } }

# --- a model ---------------------------------------------------------------------
my $functions = catalog(qq{SELECT DISTINCT proname, bool_and(prosecdef), bool_and(pg_get_userbyid(proowner) = 'shopowner'), bool_or(has_function_privilege('public', oid, 'EXECUTE')),
	bool_and(prosqlbody IS NOT NULL), bool_and('search_path=pg_catalog, pg_temp' = ANY (coalesce(proconfig, '{}')))
	FROM pg_proc WHERE pronamespace IN (SELECT oid FROM pg_namespace WHERE nspname IN $schemas) GROUP BY proname});
is(join(' ', grep { !$of_model->{$_} } sort keys %$functions), '', 'every function of a model is on the page');
is(join(' ', grep { !$functions->{$_} } sort keys %$of_model), '', 'and those on the page are there');
for my $name (sort keys %$functions)
{
	my ($definer, $owned, $public, $parsed, $pinned) = @{ $functions->{$name} };
	my $as_owner = $of_model->{$name} =~ /^\| [^|]+ \| the owner's/ ? 't' : 'f';
	is($definer, $as_owner, "$name runs with the rights that the page says");
	is("$owned$public", $name eq '_touched_rows' ? 'tt' : 'tf', "$name belongs to the owner and is not for PUBLIC, but where the page says so");
	is($parsed . ($definer eq 't' ? $pinned : 't'), $name =~ /^record_|^_touched_rows$/ ? 'ft' : 'tt', "$name was resolved when it was made, or pins its path");
}
my $relations = catalog(qq{SELECT DISTINCT relname, 'security_barrier=true' = ANY (coalesce(reloptions, '{}')) OR relname ~ '^_' AND relacl IS NULL, pg_get_userbyid(relowner) FROM pg_class
	WHERE relkind IN ('v', 'm') AND relnamespace IN (SELECT oid FROM pg_namespace WHERE nspname IN $schemas)});
is(join(' ', grep { !$views->{$_} } sort keys %$relations), '', 'every view of a model is on the page');
is(join(' ', grep { !$relations->{$_} } sort keys %$views), '', 'and those on the page are there');
is(join(' ', grep { "@{ $relations->{$_} }" ne 't shopowner' } sort keys %$relations), '', 'all belong to the owner, and are barriers or granted to nobody');
is(in_shop('postgres', qq{SELECT string_agg(DISTINCT c.relname || ' ' || p.proname, ', ') FROM pg_class AS c JOIN pg_rewrite AS w ON w.ev_class = c.oid
	JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid AND d.refclassid = 'pg_proc'::regclass JOIN pg_proc AS p ON p.oid = d.refobjid
	WHERE c.relnamespace IN (SELECT oid FROM pg_namespace WHERE nspname IN $schemas) AND p.pronamespace NOT IN ('pg_catalog'::regnamespace, 'scoring'::regnamespace)}),
	'_everyone _touched_rows, _pending_keys _touched_rows, _pending_rows _touched_rows, campaign_results campaign_result, drift_since_calibration drift, goals segment_kpi_history, headline lifecycle, headline segment_kpi_history,'
	. ' segment_history_12m segment_history, segment_kpis segment_kpi_history, segment_moves_90d segment_transitions',
	'they call functions of PostgreSQL and of the extension, and those of the model that the page names');
# A query over the views below tells which read the table of people, in words that the page says.
my %reads_people = map { $_ => 1 } split /\n/, in_shop('postgres', q{
	WITH RECURSIVE reached (objid) AS (SELECT 'crm.customers'::regclass::oid UNION SELECT w.ev_class FROM reached AS r
		JOIN pg_depend AS d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = r.objid AND d.classid = 'pg_rewrite'::regclass JOIN pg_rewrite AS w ON w.oid = d.objid)
	SELECT c.relname FROM reached JOIN pg_class AS c ON c.oid = objid WHERE c.relnamespace = 'tenants'::regnamespace});
is(join(' ', grep { !$reads_people{$_} != !!($views->{$_} =~ /\| nothing \|$/) } sort keys %$views), '', 'those that read the table of people are those of which the page says so');

# --- what else could run ---------------------------------------------------------
is(in_shop('postgres', qq{SELECT string_agg(c.relname || ' ' || what, ', ') FROM pg_class AS c, LATERAL (
		SELECT 'trigger ' || tgname FROM pg_trigger WHERE tgrelid = c.oid AND NOT tgisinternal
		UNION ALL SELECT 'rule ' || rulename FROM pg_rewrite WHERE ev_class = c.oid AND c.relkind <> 'v'
		UNION ALL SELECT 'policy ' || polname FROM pg_policy WHERE polrelid = c.oid
		UNION ALL SELECT 'generated ' || attname FROM pg_attribute WHERE attrelid = c.oid AND attgenerated <> ''
		UNION ALL SELECT 'index ' || indexrelid::regclass FROM pg_index WHERE indrelid = c.oid AND EXISTS (SELECT FROM pg_depend AS d JOIN pg_proc AS p ON p.oid = d.refobjid
			WHERE d.classid = 'pg_class'::regclass AND d.objid = indexrelid AND d.refclassid = 'pg_proc'::regclass AND p.pronamespace <> 'pg_catalog'::regnamespace)
		UNION ALL SELECT 'type of ' || attname FROM pg_attribute JOIN pg_type AS t ON t.oid = atttypid WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND c.relkind = 'r'
			AND t.typnamespace <> 'pg_catalog'::regnamespace AND t.typname NOT IN ('history', '_history', 'stream_histories')) AS w (what)
	WHERE relnamespace IN (SELECT oid FROM pg_namespace WHERE nspname IN $schemas)}), '', 'tables of a model have no triggers, rules, policies, expressions, types of others');
is(in_shop('postgres', qq{SELECT string_agg(DISTINCT c.relname || ' ' || p.proname, ', ') FROM pg_class AS c
	JOIN (SELECT 'pg_attrdef'::regclass AS classid, oid AS objid, adrelid AS relid FROM pg_attrdef UNION ALL SELECT 'pg_constraint'::regclass, oid, conrelid FROM pg_constraint) AS o ON o.relid = c.oid
	JOIN pg_depend AS d ON d.classid = o.classid AND d.objid = o.objid AND d.refclassid = 'pg_proc'::regclass JOIN pg_proc AS p ON p.oid = d.refobjid
	WHERE c.relnamespace IN (SELECT oid FROM pg_namespace WHERE nspname IN $schemas) AND p.pronamespace <> 'pg_catalog'::regnamespace}), '', 'their defaults and checks call functions of PostgreSQL alone');
is(in_shop('postgres', q{SELECT string_agg(DISTINCT p.proname || ' on ' || tgrelid::regclass, ', ' ORDER BY p.proname || ' on ' || tgrelid::regclass) FROM pg_trigger JOIN pg_proc AS p ON p.oid = tgfoid WHERE NOT tgisinternal}),
	'record_differences on crm.orders, record_events_1 on crm.visits, record_keys on crm.orders', 'the only triggers are those of live models and streams, on their sources');
is(in_shop('postgres', q{SELECT (SELECT count(*) FROM pg_event_trigger) + (SELECT count(*) FROM pg_policy) + (SELECT count(*) FROM pg_rules WHERE schemaname IN ('scoring', 'crm'))}), '0', 'no event triggers, policies or rules');

# --- the extension ---------------------------------------------------------------
my $lookups = catalog(q{SELECT DISTINCT proname FROM pg_proc AS p JOIN pg_depend AS d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
	JOIN pg_extension AS e ON e.oid = d.refobjid AND e.extname = 'customer_scoring' WHERE provolatile <> 'i' AND prokind = 'f'});
my $all = catalog(q{SELECT DISTINCT proname FROM pg_proc WHERE pronamespace = 'scoring'::regnamespace});
is(join(' ', grep { !$of_extension->{$_} } sort keys %$lookups), '', 'every function of the extension that is not IMMUTABLE is on the page: add it, and say what it runs');
is(join(' ', grep { !$all->{$_} } sort keys %$of_extension), '', 'and those on the page are there');
is(in_shop('postgres', q{SELECT string_agg(p.oid::regprocedure::text, ', ') FROM pg_proc AS p WHERE pronamespace = 'scoring'::regnamespace AND provolatile = 'i' AND prokind = 'f' AND prolang <> 13
	AND (prosrc ~* '\mEXECUTE\M' OR EXISTS (SELECT FROM pg_depend AS d JOIN pg_class AS c ON c.oid = d.refobjid AND d.refclassid = 'pg_class'::regclass
			WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND c.relkind IN ('r', 'v'))
		OR EXISTS (SELECT FROM pg_depend AS d JOIN pg_proc AS f ON f.oid = d.refobjid AND d.refclassid = 'pg_proc'::regclass
			WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND f.pronamespace = 'scoring'::regnamespace AND f.provolatile <> 'i'))}), '', 'those that are IMMUTABLE run no query');
is(in_shop('postgres', q{SELECT (SELECT count(*) FROM pg_proc WHERE pronamespace = 'scoring'::regnamespace AND (prosecdef OR proleakproof)) + (SELECT count(*) FROM pg_class WHERE relnamespace = 'scoring'::regnamespace AND relkind IN ('v', 'm'))}),
	'0', 'nothing in the extension is SECURITY DEFINER, LEAKPROOF or a view');
# Each verb asks who owns the model first.
my ($verbs) = grep { /`refresh_model`/ } split /\n/, $page;
my @verbs = $verbs =~ /^\| (.*?) \|/ ? $1 =~ /`(\w+)`/g : ();
cmp_ok(scalar @verbs, '>', 20, scalar(@verbs) . ' verbs');
is(in_shop('postgres', q{SELECT string_agg(DISTINCT proname, ' ') FROM pg_proc WHERE pronamespace = 'scoring'::regnamespace AND proname IN ('} . join("', '", @verbs) . q{')
	AND prosqlbody IS NULL AND prosrc !~ '(_model_home|_model_homes)\('}), '', 'all of which insist on the owner');

# --- what everybody can read -----------------------------------------------------
is(in_shop('reader', qq{SELECT nspname || ': ' || obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname IN $schemas ORDER BY 1}),
	"plain: customer_scoring model over a query\ntenants: customer_scoring model over crm.orders", 'the comment on the schema of a model tells no SQL');
is(in_shop('reader', 'SELECT model, source FROM scoring.models()'), "plain|a query\ntenants|crm.orders", 'nor does models()');
is(in_shop('postgres', q{SELECT count(*) FROM pg_description WHERE description LIKE '%secret%'}), '0', 'nor does any comment');
done_testing();
