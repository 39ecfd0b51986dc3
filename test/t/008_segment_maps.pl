# What a transaction sees of a map that others change.
use strict;
use warnings;
use ScoringCluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('maps');
$node->start;
$node->safe_psql('postgres', q{
	CREATE SCHEMA scoring; CREATE EXTENSION customer_scoring SCHEMA scoring;
	CREATE SCHEMA crm; SELECT scoring.create_segment_map('crm.winter', copy_of => 'essential');
	CREATE FUNCTION segment_now() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN scoring.segment(5, 5, 5, 'crm.winter'); END $$});

my ($in, $out, $err) = ('', '', '');
my $session = IPC::Run::start([ 'psql', '-X', '-At', '-d', $node->connstr('postgres') ], '<', \$in, '>', \$out, '2>', \$err, IPC::Run::timeout(180));

sub segment_now
{
	$out = '';
	$in .= "SELECT segment_now();\n\\echo done\n";
	$session->pump until $out =~ /done\n/;
	return (split /\n/, $out)[-2];
}

# The call site lives as long as the transaction.
for my $level ('READ COMMITTED', 'REPEATABLE READ')
{
	$node->safe_psql('postgres', q{UPDATE crm.segment_rule SET segment = 'before'});
	$in .= "BEGIN ISOLATION LEVEL $level;\n";
	is(segment_now(), 'before', "$level: the map as it is");
	$node->safe_psql('postgres', q{UPDATE crm.segment_rule SET segment = 'after'});
	is(segment_now(), $level eq 'READ COMMITTED' ? 'after' : 'before', "$level: another session has changed it");
	$in .= "COMMIT;\n";
	is(segment_now(), 'after', "$level: in the next transaction");
}
$in .= "\\q\n";
$session->finish;

done_testing();
