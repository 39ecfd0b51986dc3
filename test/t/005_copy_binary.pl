# COPY in binary: a round trip with NULLs, then every byte of a value spoilt in
# the file. Either the value is accepted and sent again as it came, or the
# message names the type; core's own message is allowed only where the length of
# the field itself is wrong.
use strict;
use warnings;
use ScoringCluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('copy');
$node->start;
my $dir = PostgreSQL::Test::Utils::tempdir;
$node->safe_psql('postgres', 'CREATE SCHEMA scoring; CREATE EXTENSION customer_scoring SCHEMA scoring; CREATE TABLE t (h scoring.history);');

$node->safe_psql('postgres', qq{
	SET search_path = scoring, public;
	CREATE TABLE original AS SELECT i, CASE WHEN i % 3 > 0 THEN history_agg(date '2024-12-31' + j * i, (j - i) / 8.0) END AS h
	  FROM generate_series(1, 30) i, generate_series(1, i) j GROUP BY i;
	INSERT INTO original VALUES (0, '{}'), (-1, NULL);
	COPY original TO '$dir/original' (FORMAT binary);
	CREATE TABLE copied (LIKE original);
	COPY copied FROM '$dir/original' (FORMAT binary);
});
is($node->safe_psql('postgres', q{SET search_path = scoring, public;
	SELECT count(*), count(h) FROM (SELECT * FROM original INTERSECT SELECT * FROM copied) t}), '32|21', 'round trip with NULLs');

# One file for each spoilt form of one value.
my $hex = $node->safe_psql('postgres',
	q{SELECT encode(scoring.history_send('{2024-12-31:1:19.90,2025-01-03:-2:0.01,2025-02-11:300:45.00}'), 'hex')});
my $good = pack 'H*', $hex;
my @bad;
for my $at (0 .. length($good) - 1)
{
	push @bad, substr($good, 0, $at);
	push @bad, substr($good, 0, $at) . chr($_ ^ ord substr($good, $at, 1)) . substr($good, $at + 1) for (1, 128, 255);
}
push @bad, $good . "\0", $good . $good, '', "\0" x 40, "\xff" x 40;
my $n = 0;
for my $value (@bad)
{
	open my $out, '>:raw', "$dir/bad$n" or die;
	print $out "PGCOPY\n\377\r\n\0", pack('NN', 0, 0), pack('n', 1), pack('N', length $value), $value, pack('n', 65535);
	close $out;
	$n++;
}
chmod 0755, $dir;
is($node->safe_psql('postgres', qq{
	CREATE TABLE outcome (i int, ok bool, detail text);
	DO \$\$ DECLARE sent bytea; file bytea; BEGIN
	  FOR i IN 0 .. @{[ $n - 1 ]} LOOP
	    BEGIN
	      TRUNCATE t;
	      EXECUTE format('COPY t FROM %L (FORMAT binary)', '$dir/bad' || i);
	      SELECT scoring.history_send(h) INTO sent FROM t;
	      file := pg_read_binary_file('$dir/bad' || i);
	      INSERT INTO outcome VALUES (i, sent = substr(file, 26, length(file) - 27), 'accepted');
	    EXCEPTION WHEN OTHERS THEN
	      INSERT INTO outcome VALUES (i, sqlstate LIKE '22%' AND sqlerrm LIKE '%history%', sqlstate || ' ' || sqlerrm);
	    END;
	  END LOOP;
	END \$\$;
	SELECT i, detail FROM outcome WHERE NOT ok;
}), '', "$n spoilt values: accepted as they are, or refused by name");
cmp_ok($node->safe_psql('postgres', q{SELECT count(*) FROM outcome WHERE detail <> 'accepted'}), '>', 30, 'many are refused');

done_testing();
