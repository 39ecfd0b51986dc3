# dashboard/report.sql: a model as one HTML file, by a role that may only read it. It is
# well-formed for libxml's parser, its numbers are those of the views, words of a model are
# words, and there is neither a script nor the name of a customer in it.
use strict;
use warnings;
use FindBin;
use ScoringCluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('report');
$node->start;
$node->safe_psql('postgres', q{
	CREATE SCHEMA scoring; CREATE EXTENSION customer_scoring SCHEMA scoring; SET search_path = public, scoring;
	CREATE ROLE board LOGIN; CREATE ROLE outsider LOGIN;
	CREATE TABLE orders AS SELECT 'secret-' || i * 7919 % 400 / (1 + i % 3) AS customer_id, date '2024-01-01' + i * 104729 % 730 AS ordered_on, (i * 7907 % 9000 / 100.0 + 1)::numeric AS total,
		CASE i % 3 WHEN 0 THEN '<b>Toys</b> & "co"' WHEN 1 THEN 'books' ELSE 'garden''s' END AS category, CASE WHEN i * 7919 % 400 / (1 + i % 3) % 2 = 0 THEN 'north' ELSE 'south' END AS branch
	  FROM generate_series(1, 2500) AS i;
	CREATE SCHEMA crm;
	SELECT create_segment_map('crm.mine', copy_of => 'essential');
	UPDATE crm.segment_label SET label = '<i>Best</i> & "dear''s"' WHERE segment = 'vip';
	SELECT create_model('a "<b>"&', 'orders', customer => 'customer_id', day => 'ordered_on', value => 'total', as_of => '2025-12-31', prediction => 'mbgnbd', segment_map => 'crm.mine');
	SELECT add_stream('a "<b>"&', 'lines', 'orders', customer => 'customer_id', day => 'ordered_on', kind => 'category', value => 'total', role => 'line');
	SELECT set_goal('a "<b>"&', NULL, 'mean_basket', 70, 'to', '2026-03-31');
	SELECT check_quality('a "<b>"&');
	SELECT create_model('plain', 'orders', customer => 'customer_id', day => 'ordered_on', value => 'total', as_of => '2025-12-31', tenant => 'branch', minimum_group_size => 30);
	SELECT grant_reader(m, 'board') FROM unnest('{"a \"<b>\"&",plain}'::text[]) AS m;
});
my $home = '"a ""<b>""&"';
my $file = PostgreSQL::Test::Utils::tempdir . '/report.html';

my $database = 'postgres';

# The report as a file, which the server can read; standard error.
sub report
{
	my ($role, @variables) = @_;
	my $err = '';
	open my $out, '>', $file or die "$file: $!\n";
	IPC::Run::run([ 'psql', '-X', '-d', $node->connstr($database), '-U', $role, (map { ('-v', $_) } @variables), '-f', "$FindBin::Bin/../../dashboard/report.sql" ], '<', \undef, '>', $out, '2>', \$err);
	close $out;
	return $err;
}

# What a path leads to in it, as the parser reads it, a line each
sub found
{
	my ($path) = @_;
	return $node->safe_psql('postgres', "SELECT string_agg(x::text, chr(10)) FROM unnest(xpath(\$x\$$path\$x\$, xmlparse(document pg_read_file('$file')), '{{h,http://www.w3.org/1999/xhtml}}')) AS x");
}
sub values_of
{
	my ($section, $key) = @_;
	return found("//h:section[\@id='$section']//*[\@data-key='$key']/\@data-value");
}
sub same
{
	my ($section, $key, $sql) = @_;
	my $expected = $node->safe_psql('postgres', $sql, extra_params => [ '-U', 'board' ]);
	isnt($expected, '', "$section, $key: there are some");
	is(values_of($section, $key), $expected, "$section, $key: what the view says");
}

is(report('board', 'model=a "<b>"&'), '', 'a role that may read the model, and nothing else, makes it');
my $html = slurp_file($file);
unlike($html, qr/secret-|<script|https?:\/\/(?!www\.w3\.org\/)/, 'no customer, no script and no other host is in it');
is(found('/h:html/h:head/h:title/text()'), 'Customers of a "&lt;b&gt;"&amp;', 'it is well-formed, and words of a model are words');
is(found('count(//h:b|//h:i|//h:script|//h:img)'), '0', '... and no elements');
is(found('//h:section/@id'), join("\n", qw(headline segments grid moves history expected goals categories quality)), 'all sections');
same('segments', 'customers', "SELECT customers FROM $home.segment_summary ORDER BY segment_order");
same('segments', 'revenue', "SELECT revenue FROM $home.segment_summary ORDER BY segment_order");
is(found(q{//h:section[@id='segments']//h:tr[1]/h:td[1]/text()}), '&lt;i&gt;Best&lt;/i&gt; &amp; "dear\'s"', 'a label is shown as it is');
same('grid', 'customers', "SELECT customers FROM $home.rfm_grid ORDER BY r_score DESC, f_score");
same('moves', 'customers', "SELECT customers FROM $home.segment_moves_90d WHERE from_segment IS DISTINCT FROM to_segment ORDER BY from_order, to_order");
same('history', 'customers', "SELECT customers FROM $home.segment_history_12m ORDER BY as_of, segment_order");
same('goals', 'actual', "SELECT actual FROM $home.goals");
same('categories', 'share', "SELECT share FROM $home.category_by_segment ORDER BY segment_order, share DESC, category");
same('expected', 'segment_label', "SELECT replace(replace(replace(segment_label, '&', '&amp;'), '<', '&lt;'), '>', '&gt;') FROM $home.prediction_by_segment ORDER BY segment_order");
same('quality', 'affected', "SELECT affected FROM $home.data_quality WHERE affected > 0 ORDER BY reason");
same('headline', $_, "SELECT $_ FROM $home.headline") for qw(customers orders_12m revenue_12m mean_basket_12m at_risk_customers);
is(join(' ', map { sprintf '%.1f', $_ } split /\n/, found(q{//h:section[@id='segments']//h:td[3]/h:svg/h:rect/@width})),
	$node->safe_psql('postgres', "SELECT string_agg(s.width, ' ') FROM (SELECT round(160.0 * customers / max(customers) OVER (), 1)::text AS width FROM $home.segment_summary ORDER BY segment_order) AS s"),
	'bars are in proportion');

is(report('board', 'model=plain', 'language=fr', 'tenant=north'), '', 'in French, of one tenant of a model that hides small groups');
is(found('/h:html/@lang'), 'fr', '... which says so');
like(found(q{//h:section[@id='segments']//h:td[@data-key='revenue' and @data-value]/text()}), qr/^\d{1,3}(\xe2\x80\xaf\d{3})*,\d\d$/m, '... with its numbers');
same('segments', 'customers', "SELECT customers FROM plain.segment_summary WHERE tenant = 'north' AND customers IS NOT NULL ORDER BY segment_order");
is(found(q{count(//h:section[@id='segments']//h:td[text()='non montré' and position() = 2])}), $node->safe_psql('postgres', q{SELECT count(*) FROM plain.segment_summary WHERE tenant = 'north' AND suppressed}), '... and what is hidden is said to be');
like(found(q{//h:section[@id='expected']/h:p/text()}), qr/alter_model/, 'what a model has not, is left out with how to get it');

like(report('board', 'model=plain'), qr/ERROR:  model "plain" has tenants: name one, -v tenant=NAME/, 'all tenants together are no report');
like(report('board', 'model=plain', 'tenant=west'), qr/ERROR:  model "plain" has no tenant "west" that this role may see/, 'an unknown tenant');
like(report('board', 'model=none'), qr/ERROR:  there is no model "none" in this database/, 'an unknown model');
like(report('board', 'language=fr'), qr/ERROR:  name the model: -v model=NAME/, 'no model');
like(report('board', 'model=plain', 'language=de'), qr/ERROR:  language is de, not en or fr/, 'an unknown language');
like(report('outsider', 'model=plain'), qr/ERROR:  permission denied for schema plain/, 'who may not read, makes none');
$node->safe_psql('postgres', q{CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'});
$database = 'latin';
like(report('board', 'model=plain'), qr/ERROR:  the report has signs that encoding LATIN1 may lack/, 'another encoding than UTF8');

done_testing();
