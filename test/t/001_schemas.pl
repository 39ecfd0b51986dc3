# The extension in a schema with any name, under any search_path, made by a
# superuser and used by a role without rights; and gone without a trace.
use strict;
use warnings;
use ScoringCluster;
use PostgreSQL::Test::Utils;
use Test::More;

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

	$run->('DROP EXTENSION customer_scoring');
	is( $run->(q{SELECT (SELECT count(*) FROM pg_proc WHERE prosrc ~ 'history' OR probin ~ 'customer_scoring')
	                  + (SELECT count(*) FROM pg_type WHERE typname ~ '^_?history$')
	                  + (SELECT count(*) FROM pg_class c WHERE relname ~ '^segment_' AND relkind = 'r')
	                  + (SELECT count(*) FROM pg_operator o WHERE oid >= 16384)}),
		'0', "schema >$schema<: nothing is left after DROP EXTENSION");
}
like($expected, qr/^[0-9a-f]{32}\|\d\d+\|[4-8]\n/, 'the shop has several segments');

# Encodings that have the letters of French: with a no-break space where there is one.
for my $encoding ('UTF8', 'SQL_ASCII', 'LATIN1', 'LATIN9', 'WIN1252', 'EUC_JP')
{
	my $database = lc "db_$encoding";
	$node->safe_psql('postgres', "CREATE DATABASE $database ENCODING '$encoding' TEMPLATE template0 LOCALE 'C'");
	$node->safe_psql($database, 'CREATE EXTENSION customer_scoring');
	my $space = $encoding =~ /SQL_ASCII|EUC_JP/ ? '20' : $encoding eq 'UTF8' ? 'c2a0' : 'a0';
	is($node->safe_psql($database, q{
			SELECT encode(convert_to(_explain_number(1234.5, 1, 'fr'), getdatabaseencoding()), 'hex');
			SELECT encode(convert_to(substring(_explain_text('rule', 'fr', 'x', 'y') FROM '(.):'), getdatabaseencoding()), 'hex');
			SELECT count(*) FROM segment_label WHERE language = 'fr'}) =~ s/\n\d+$//r,
		"31${space}3233342c35\n$space", "$encoding: the extension is made, French numbers and sentences have their spaces");
}

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
