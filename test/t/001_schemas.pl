# The extension in a schema with any name, under any search_path, made by a
# superuser and used by a role without rights; and gone without a trace. In a database of any
# encoding.
use strict;
use warnings;
use Encode qw(decode encode);
use ScoringCluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Unicode::Normalize qw(NFKD);

my $node = new_node('schemas');
$node->start;
$node->safe_psql('postgres', 'CREATE ROLE analyst LOGIN');

my $expected;
for my $schema ('scoring', 'My Schema', 'public', 'select', 'a.b, c/d', 'é€ %s {0}')
{
	my $quoted = $node->safe_psql('postgres', "SELECT quote_ident(\$x\$$schema\$x\$)");
	my $database = 'db' . length($schema) . substr($schema, 0, 1) =~ s/\W/x/gr;
	$node->safe_psql('postgres', "CREATE DATABASE \"$database\"");
	my $run = sub {
		my ($sql, @options) = @_;
		$sql =~ s/\@ext\@/$quoted/g;
		return $node->safe_psql($database, $sql, @options);
	};
	$run->('CREATE SCHEMA @ext@') unless $schema eq 'public';
	$run->('CREATE EXTENSION customer_scoring SCHEMA @ext@');
	$run->('GRANT USAGE ON SCHEMA @ext@ TO analyst; CREATE SCHEMA shop AUTHORIZATION analyst;');

	# Whatever can be called by a qualified name must find the rest by itself.
	for my $path ('', 'pg_catalog', 'shop')
	{
		my $sql = "SET SESSION AUTHORIZATION analyst; SET search_path = shop;"
		  . shop(3000)
		  . "SELECT set_config('search_path', '$path', false) \\g /dev/null\n"
		  . 'SELECT md5(string_agg(t::text, E\'\n\' ORDER BY customer_id)), count(*), count(DISTINCT segment) FROM ('
		  . scores_of('essential') =~ s/shop_history/shop.shop_history/r
		  . ') t; SELECT count(*) FROM @ext@.check_segment_map(\'essential\');'
		  . 'DROP TABLE shop.orders, shop.shop_history;';
		my $got = $run->($sql);
		$expected //= $got;
		is($got, $expected, "schema >$schema<, search_path >$path<");
	}

	# What makes SQL has the name of the schema in it. Models are refused where it has signs of templates; what a
	# name with a space in it does to a model shows with the others.
	my $model = "SET search_path = shop;" . shop(300) . q{SELECT count(*) FROM @ext@.create_model('m', 'orders', customer => 'customer_id',
		day => 'ordered_on', value => 'total', as_of => '2025-12-31'); SELECT sum(customers) > 0 FROM m.segment_summary; SELECT count(*) > 0 FROM @ext@.drop_model('m')};
	if ($schema =~ /[%{}]/)
	{
		my ($rc, $out, $err) = $node->psql($database, $model =~ s/\@ext\@/$quoted/gr);
		like($err, qr/^(psql:<stdin>:\d+: )?ERROR:  a model can't be made while the extension is in schema \Q$quoted\E$/m, "schema >$schema<: no models");
		like($err, qr/^HINT:  DROP EXTENSION/m, 'with a hint');
	}
	else { like($run->($model), qr/t\nt$/, "schema >$schema<: a model"); }
	is($run->(q{CREATE SCHEMA own; SELECT @ext@.create_segment_map('own.mine', 'essential') \g /dev/null
SELECT count(*) > 5 FROM own.segment_rule;
		SELECT @ext@.propensity_fit('SELECT i, @ext@.history(date \'2025-01-01\' + i % 300, 1) FROM generate_series(1, 500) AS i', '2025-12-31') IS NOT NULL;
		DROP SCHEMA own, shop CASCADE} =~ s/\\'/''/gr), "t\nt", "schema >$schema<: a map of one's own, a fit of propensities");
	$run->('DROP EXTENSION customer_scoring');
	is( $run->(q{SELECT (SELECT count(*) FROM pg_proc WHERE prosrc ~ 'history' OR probin ~ 'customer_scoring')
	                  + (SELECT count(*) FROM pg_type WHERE typname ~ '^_?history$')
	                  + (SELECT count(*) FROM pg_class c WHERE relname ~ '^segment_' AND relkind = 'r')
	                  + (SELECT count(*) FROM pg_operator o WHERE oid >= 16384)}),
		'0', "schema >$schema<: nothing is left after DROP EXTENSION");
}
like($expected, qr/^[0-9a-f]{32}\|\d\d+\|[4-8]\n/, 'the shop has several segments');

# Every encoding that a server may have. What ours make of a character is compared with
# core's own conversion, and where that has none with Unicode's decomposition. Catalogs are
# ASCII: one database can have one encoding after the other.
my @encodings = split /\n/, $node->safe_psql('postgres', q{
	SELECT pg_encoding_to_char(i) FROM generate_series(0, 60) AS i
	 WHERE pg_encoding_to_char(i) NOT IN ('', 'UTF8', 'SJIS', 'BIG5', 'GBK', 'UHC', 'GB18030', 'JOHAB', 'SHIFT_JIS_2004')});
cmp_ok(scalar @encodings, '>=', 34, 'encodings of servers');
my @characters = (0xa0 .. 0xff, map { ord } split //, "\x{153}\x{2019}\x{20ac}\x{4e00}");
my %nearest = ("\x{ab}" => '"', "\x{bb}" => '"', "\x{c6}" => 'AE', "\x{d7}" => 'x', "\x{d8}" => 'O', "\x{df}" => 'ss', "\x{e6}" => 'ae',
	"\x{f8}" => 'o', "\x{153}" => 'oe', "\x{2019}" => "'", "\x{2044}" => '/', "\x{20ac}" => 'EUR');
$node->safe_psql('postgres', q{
	CREATE FUNCTION core_bytes(c int, encoding name) RETURNS text LANGUAGE plpgsql AS $$
	BEGIN
	  RETURN encode(CASE encoding WHEN 'SQL_ASCII' THEN convert_to(chr(c), 'UTF8') ELSE convert_to(chr(c), encoding) END, 'hex');
	EXCEPTION WHEN untranslatable_character OR undefined_function THEN
	  RETURN '';
	END $$});
my %bytes;			# encoding => character => bytes
for (split /\n/, $node->safe_psql('postgres', "SELECT e, c, core_bytes(c, e) FROM unnest('{" . join(',', @encodings) . "}'::name[]) AS e, unnest('{" . join(',', @characters) . "}'::int[]) AS c"))
{
	my ($encoding, $c, $hex) = split /\|/, $_, -1;
	$bytes{$encoding}{chr $c} = $hex ne '' ? pack('H*', $hex) : (join('', map { $nearest{$_} // (/[\x00-\x7f]/ ? $_ : '') } split //, NFKD(chr $c)) || '?');
}
$bytes{UTF8} = { map { chr $_ => encode('UTF-8', chr $_) } @characters };
# the bytes of a text; what is ASCII stays
sub spelt { my ($text, $encoding) = @_; return $text =~ s/([^\x00-\x7f])/$bytes{$encoding}{$1} \/\/ die sprintf 'U+%04X', ord $1/ger }

$node->safe_psql('postgres', "CREATE DATABASE spelling ENCODING 'UTF8' TEMPLATE template0 LOCALE 'C'");
$node->safe_psql('spelling', q{CREATE FUNCTION spell(text) RETURNS text LANGUAGE C STRICT AS '$libdir/customer_scoring', 'spell'});
my $asked = join ' ', 'a &#; &#65; &#159; &#55296; &#1114112; &#99999999999999999999; &#233', map { "x&#$_;y" } @characters;
my $answer = 'a &#; &#65; &#159; &#55296; &#1114112; &#99999999999999999999; &#233 ' . join ' ', map { 'x' . chr($_) . 'y' } @characters;
is($node->safe_psql('spelling', "SELECT encode(convert_to(spell('$asked'), 'UTF8'), 'hex')"), unpack('H*', encode('UTF-8', $answer)), 'UTF8: every character');
{
	local $ENV{PGCLIENTENCODING} = 'SQL_ASCII';
	my @wrong;
	my $next = sub { "UPDATE pg_database SET encoding = pg_char_to_encoding('$_[0]') WHERE datname = 'spelling';" };
	$node->safe_psql('spelling', $next->($encodings[0]));
	for my $i (0 .. $#encodings)
	{
		my $got = $node->safe_psql('spelling', "SELECT getdatabaseencoding(), encode(textsend(spell('$asked')), 'hex');" . $next->($encodings[$i + 1] // 'UTF8'));
		push @wrong, $encodings[$i] if $got ne "$encodings[$i]|" . unpack('H*', spelt($answer, $encodings[$i]));
	}
	is("@wrong", '', 'every encoding has what core converts a character to, or the nearest of ASCII');
}

# The extension in the telling ones, in all with LONG=1: some letters are lacking, all, none;
# no conversion at all. Texts and the French of a model are those of UTF8, respelt.
my $texts = join '', map { "SELECT t::text FROM scoring.$_ AS t;" } qw(segment_label scorecard_rule scorecard_band _text _cluster_word);
my $model = q{
	SET client_min_messages = warning;
	SET lc_time = 'C';		-- core's to_char converts names of months, which MULE_INTERNAL can't
	CREATE TABLE orders AS SELECT 1 + i * 7919 % 97 * (i % 5) / 2 AS customer, date '2024-01-01' + i * 31 % 700 AS day, 10 + i * 17 % 190 AS value
	  FROM generate_series(1, 600) AS i;
	SELECT count(*) FROM scoring.create_model('m', 'public.orders', customer => 'customer', day => 'day', value => 'value',
	  language => 'fr', clusters => 3, as_of => '2025-12-31');
	SELECT e.* FROM (SELECT customer_key FROM m.customer_scores ORDER BY customer_key LIMIT 3) AS c,
	  unnest('{manager,customer}'::text[]) AS a, scoring.explain_score('m', customer_key, audience => a) AS e;
	SELECT t::text FROM m.segments AS t;
	SELECT t::text FROM m.clusters AS t;
	SELECT scoring.ab_group('key', 'salt', '{0.5,0.5}')};
$bytes{SQL_ASCII}{"\xa0"} = ' ';		# two characters would be no space to any pattern
my (%told, %explained);
for my $encoding ('UTF8', grep { $ENV{LONG} || /^(?:SQL_ASCII|LATIN1|LATIN2|EUC_JP|KOI8R|MULE_INTERNAL)$/ } @encodings)
{
	my $database = lc "db_$encoding";
	local $ENV{PGCLIENTENCODING} = 'SQL_ASCII';
	$node->safe_psql('postgres', "CREATE DATABASE $database ENCODING '$encoding' TEMPLATE template0 LOCALE 'C'");
	my ($rc, $out, $notices) = $node->psql($database, q{
		CREATE SCHEMA scoring;
		SET client_min_messages = warning;
		CREATE EXTENSION customer_scoring SCHEMA scoring;
		SHOW client_min_messages;
		SELECT scoring._explain_number(1234.5, 1, 'fr'), scoring._explain_text('rule', 'fr', 'x', 'y'),
		       scoring._is_placeholder_key(scoring._spell('Invit&#233;'));} . $texts);
	# in no order, as shorter rows may lie elsewhere; records have quotes around spaces
	$told{$encoding} = [ split /\n/, $out =~ s/"//gr ];
	my @lines = map { decode('UTF-8', $_) } @{ $told{UTF8} };
	is_deeply([ $rc, sort @{ $told{$encoding} } ], [ 0, sort map { spelt($_, $encoding) } @lines ], "$encoding: texts are those of UTF8, respelt where need be");
	my $respelt = grep { my $line = $_; grep { $bytes{$encoding}{$_} =~ /^[ -~]+$/ } $line =~ /[^\x00-\x7f\xa0]/g } @lines;
	is($told{$encoding}[0], 'warning', "$encoding: the session's settings stay");
	my ($count) = $notices =~ /^psql:<stdin>:[0-9]+: NOTICE:  encoding "$encoding" lacks characters of texts of customer_scoring; texts respelt: ([0-9]+)\nDETAIL:  [^\n]*$/;
	if ($encoding =~ /^(?:UTF8|SQL_ASCII|LATIN[1359]|WIN125[248]|EUC_JP|EUC_JIS_2004)$/) { is($notices, '', "$encoding: no notice") }
	else { cmp_ok($count // 0, '>=', $respelt || 1, "$encoding: one notice says how many") }

	next unless $ENV{LONG} || $encoding =~ /^(?:UTF8|LATIN2|KOI8R)$/;
	$explained{$encoding} = $node->safe_psql($database, $model);
	is($explained{$encoding}, spelt(decode('UTF-8', $explained{UTF8}), $encoding), "$encoding: so is the French of a model");
}
like($explained{UTF8}, qr/derni\xc3\xa8re commande/, 'which has accents');

# Someone who may create in the schema beforehand gains nothing: operators that
# fit the script's expressions better than core's are never called.
$node->safe_psql('postgres', 'CREATE DATABASE trap');
$node->safe_psql('trap', q{
	CREATE SCHEMA scoring;
	CREATE TABLE scoring.sprung (who text);
	GRANT INSERT ON scoring.sprung TO PUBLIC;
	DO $$
	DECLARE a text; b text; o text; n int := 0; result text;
	BEGIN
	  FOREACH o IN ARRAY '{=,<>,<,<=,>,>=,+,-,*,/,||,->,->>}'::text[] LOOP
	    result := CASE WHEN o ~ '[=<>]' AND o !~ '-' THEN 'boolean' ELSE 'text' END;
	    FOREACH a IN ARRAY '{integer,bigint,smallint,numeric,double precision,real,text,date,jsonb,boolean,name}'::text[] LOOP
	      FOREACH b IN ARRAY '{integer,bigint,smallint,numeric,double precision,real,text,date,jsonb,boolean,name}'::text[] LOOP
	        CONTINUE WHEN EXISTS (SELECT FROM pg_operator WHERE oprname = o AND oprnamespace = 'pg_catalog'::regnamespace
	                                 AND oprleft = a::regtype AND oprright = b::regtype);
	        n := n + 1;
	        EXECUTE format('CREATE FUNCTION scoring.trap_%s(%s, %s) RETURNS %s LANGUAGE plpgsql AS
	          $f$ BEGIN INSERT INTO scoring.sprung VALUES (%L); RETURN NULL; END $f$', n, a, b, result, a || o || b);
	        EXECUTE format('CREATE OPERATOR scoring.%s (leftarg = %s, rightarg = %s, function = scoring.trap_%s)', o, a, b, n);
	      END LOOP;
	    END LOOP;
	  END LOOP;
	END $$;
	CREATE EXTENSION customer_scoring SCHEMA scoring;
});
is( $node->safe_psql('trap', ("SET search_path = pg_catalog; CREATE SCHEMA shop; SET search_path = shop;" . shop(3000)
	. "SELECT md5(string_agg(t::text, E'\\n' ORDER BY customer_id)), count(*), count(DISTINCT segment) FROM (" . scores_of('essential') . ') t;'
	. 'SELECT count(*) FROM @ext@.check_segment_map(\'essential\');') =~ s/\@ext\@/scoring/gr),
	$expected, 'operators planted in the schema change no result');
is($node->safe_psql('trap', 'SELECT DISTINCT who FROM scoring.sprung'), '', 'and are never called');

# A function that is already there stops the installation; nothing takes it over.
$node->safe_psql('postgres', 'CREATE DATABASE taken');
my ($rc, $out, $err) = $node->psql('taken', q{
	CREATE SCHEMA scoring;
	CREATE FUNCTION scoring.score(value float8, thresholds float8[], higher_is_better bool DEFAULT true) RETURNS int LANGUAGE sql AS 'SELECT 1';
	CREATE EXTENSION customer_scoring SCHEMA scoring;
});
like($err, qr/already exists/, 'a function of the same signature is refused');
is($node->safe_psql('taken', "SELECT count(*) FROM pg_extension WHERE extname = 'customer_scoring'"), '0', 'and nothing is installed');

done_testing();
