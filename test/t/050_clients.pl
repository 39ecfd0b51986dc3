# Generators of interfaces over a model, as a reader: PostGraphile answers questions by
# GraphQL as SQL does, and shows all that a reader may ask and nothing else; kysely-codegen
# writes the types of all views, which tsc checks and rows keep.
use strict;
use warnings;
use FindBin;
use JSON::PP;
use ScoringCluster;
use ModelCluster;
use NodeClient;
use PostgreSQL::Test::Utils;
use Test::More;

my $folder = node_folder(20, "$FindBin::Bin/../clients");

my $node = new_node('clients');
$node->start;
make_roles($node, 'api');
# the ids of changes are beyond the numbers of JavaScript
$node->safe_psql('postgres', q{
	CREATE SCHEMA scoring; CREATE EXTENSION customer_scoring SCHEMA scoring;
	CREATE TABLE orders AS SELECT i * 7919 % 200 AS customer_id, date '2024-01-01' + (i * 104729 % 700) AS ordered_on, (i % 90 + 0.25)::numeric AS total FROM generate_series(1, 900) i;
	SELECT scoring.create_model('shop', 'orders', as_of => '2025-12-31');
	SELECT scoring.record_changes('shop');
	ALTER TABLE shop.recorded_changes ALTER change_id RESTART WITH 9007199254740993;
	INSERT INTO orders SELECT i, '2025-12-31', 300 FROM generate_series(50, 90) i;
	SELECT scoring.refresh_model('shop');
	SELECT scoring.record_changes('shop');
	SELECT scoring.grant_reader('shop', 'api');});
my $url = sprintf 'postgres://api@/postgres?host=%s&port=%s', $node->host, $node->port;

sub answer { return $node->safe_psql('postgres', $_[0], extra_params => [ '-U', 'api' ]); }

# --- PostGraphile --------------------------------------------------------------

# question => the same in SQL, as JSON
my @questions = (
	[ 'how large are the segments', '{ a: allSegmentSummaries { nodes { segment customers revenue } } }',
		q{SELECT json_agg(json_build_object('segment', segment, 'customers', customers::text, 'revenue', revenue::text) ORDER BY segment_order) FROM shop.segment_summary} ],
	[ 'the best customers', '{ a: allCustomerScores(orderBy: [MONETARY_DESC, CUSTOMER_KEY_ASC], condition: { segment: "vip" }, first: 3) { nodes { customerKey asOf recencyDays frequency monetary silenceRatio } } }',
		q{SELECT json_agg(j) FROM (SELECT json_build_object('customerKey', customer_key, 'asOf', as_of, 'recencyDays', recency_days, 'frequency', frequency::text,
		    'monetary', monetary::text, 'silenceRatio', silence_ratio) AS j FROM shop.customer_scores WHERE segment = 'vip' ORDER BY monetary DESC, customer_key LIMIT 3) AS t} ],
	[ 'one customer', '{ a: customer(customerKey: "7") { nodes { segment rfmCode monetary } } }',
		q{SELECT json_agg(json_build_object('segment', segment, 'rfmCode', rfm_code, 'monetary', monetary::text)) FROM shop.customer_scores WHERE customer_key = '7'} ],
	[ 'who moved between two days', '{ a: segmentTransitions(fromDay: "2025-06-30", toDay: "2025-12-31") { nodes { fromSegment toSegment customers } } }',
		q{SELECT json_agg(json_build_object('fromSegment', from_segment, 'toSegment', to_segment, 'customers', customers::text)) FROM shop.segment_transitions('2025-06-30', '2025-12-31')} ],
	[ 'what changed', '{ a: allSegmentChanges(first: 4) { nodes { changeId customerKey previousSegment segment } pageInfo { endCursor } } }',
		q{SELECT json_agg(j) FROM (SELECT json_build_object('changeId', change_id::text, 'customerKey', customer_key, 'previousSegment', previous_segment, 'segment', segment) AS j
		    FROM shop.segment_changes ORDER BY change_id LIMIT 4) AS t} ]);

my $shown = q({ __schema { queryType { fields { name } } mutationType { fields { name } } } });
my $fields = q({ __type(name: "CustomerScore") { fields { name description } } });
my $answers = decode_json(run_node($folder, 'graphql.js', $url, 'shop', map({ $_->[1] } @questions), $shown, $fields));
my $cursor;
for (@questions)
{
	my ($what, undef, $sql) = @$_;
	my $got = shift @$answers;
	is_deeply($got->{errors}, undef, "$what: no error");
	my $expected = decode_json(answer($sql));
	cmp_ok(@$expected, '>', 0, "$what: rows");
	is_deeply($got->{data}{a}{nodes}, $expected, $what);
	$cursor = $got->{data}{a}{pageInfo}{endCursor};
}

my ($schema, $type) = map { $_->{data} } @$answers;
is_deeply($schema->{__schema}{mutationType}, undef, 'a reader can change nothing');
my %field = map { $_->{name} => 1 } @{ $schema->{__schema}{queryType}{fields} };
my $camel = q{(SELECT string_agg(CASE WHEN n = 1 THEN w ELSE initcap(w) END, '' ORDER BY n) FROM regexp_split_to_table(%s, '_') WITH ORDINALITY AS u (w, n))};
my @functions = split /\n/, answer(sprintf "SELECT $camel FROM pg_proc AS p WHERE pronamespace = 'shop'::regnamespace AND has_function_privilege(oid, 'EXECUTE')
	AND proname !~ '^_' AND prorettype <> 'trigger'::regtype", 'proname');
cmp_ok(@functions, '>', 10, scalar @functions . ' functions for a reader');
is_deeply([ grep { !$field{$_} } @functions ], [], 'all of them are in the interface');
my $views = answer(q{SELECT count(*) FROM pg_class WHERE relnamespace = 'shop'::regnamespace AND relkind IN ('v', 'r') AND has_table_privilege(oid, 'SELECT')});
is(scalar(grep { /^all[A-Z]/ } keys %field), $views, "and all $views views, and no table that they can't read");
is_deeply([ grep { /^_|^(caller|allOrders|allCustomerHistories)$/ } keys %field ], [], 'nothing internal');
is_deeply([ map { $_->{name} } grep { !$_->{description} } @{ $type->{__type}{fields} } ], [], 'each column is described');

my $rest = decode_json(run_node($folder, 'graphql.js', $url, 'shop', qq({ a: allSegmentChanges(after: "$cursor") { nodes { changeId } } })));
is_deeply([ map { $_->{changeId} } @{ $rest->[0]{data}{a}{nodes} } ], [ split /\n/, answer('SELECT change_id FROM shop.segment_changes ORDER BY change_id OFFSET 4') ],
	'the feed goes on after a cursor');

# --- kysely-codegen ------------------------------------------------------------

run_node($folder, 'node_modules/.bin/kysely-codegen', '--dialect', 'postgres', '--url', $url, '--include-pattern', 'shop.*', '--exclude-pattern', 'shop._*',
	'--date-parser', 'string', '--out-file', 'model.d.ts');
my $types = slurp_file("$folder/model.d.ts");
my %interface;
while ($types =~ /^export interface (\w+) \{\n(.*?)^\}/msg)
{
	my ($name, $columns) = ($1, $2);
	$columns =~ s{/\*\*.*?\*/}{}sg;
	$interface{$name} = { $columns =~ /^\s*"?(\w+(?:\.\w+)?)"?: (.*);$/mg };
}
my %typed = (bigint => 'Int8', numeric => 'Numeric', integer => 'number', smallint => 'number', 'double precision' => 'number', real => 'number', text => 'string',
	date => 'string', boolean => 'boolean', 'timestamp with time zone' => 'Timestamp', jsonb => 'Json');
my (@wrong, $columns);
for (split /\n/, answer(q{SELECT relname, attname, regexp_replace(format_type(atttypid, NULL), '\[\]$', ''), atttypid <> ALL (SELECT typarray FROM pg_type)
	FROM pg_class AS c JOIN pg_attribute AS a ON attrelid = c.oid WHERE relnamespace = 'shop'::regnamespace AND relkind = 'v' AND relname !~ '^_' AND attnum > 0 AND NOT attisdropped}))
{
	my ($view, $column, $type, $scalar) = split /\|/;
	my $wanted = ($typed{$type} // 'string') . ($scalar eq 't' ? '' : '[]') . ' | null';
	$wanted =~ s/^(Int8|Numeric|Timestamp)\[\]/ArrayType<$1>/;
	my $got = $interface{ $interface{DB}{"shop.$view"} // '' }{$column} // 'nothing';
	push @wrong, "$view.$column: $type is $got, not $wanted" if $got ne $wanted;
	$columns++;
}
is_deeply(\@wrong, [], "$columns columns have the types of the server");
cmp_ok($columns, '>', 300, 'of all views');

run_node($folder, 'node_modules/.bin/tsc', qw(--strict --skipLibCheck --types node --module commonjs --moduleResolution node10 --target es2022 use.ts));
is_deeply(decode_json(run_node($folder, 'use.js', $url)), decode_json(answer(
	q{SELECT json_agg(j) FROM (SELECT json_build_object('customer_key', customer_key, 'as_of', as_of, 'recency_days', recency_days, 'frequency', frequency::text,
	    'monetary', monetary::text, 'silence_ratio', silence_ratio, 'segment_overridden', segment_overridden) AS j
	    FROM shop.customer_scores WHERE segment = 'vip' ORDER BY monetary DESC, customer_key LIMIT 3) AS t})), 'rows have the types that tsc was told');

done_testing();
