# A second client: the JDBC driver, as BI tools use it (test/jdbc/ModelViews.java).
use strict;
use warnings;
use FindBin;
use ScoringCluster;
use ModelCluster;
use PostgreSQL::Test::Utils;
use Test::More;

my ($driver) = grep { -e } map { "/usr/share/java/$_" } 'postgresql.jar', 'postgresql-jdbc4.jar';
# The compiler of the package ecj, which test/run installs, by its class: the
# program ecj of Debian 13 doesn't find it, and what answers to javac may be any.
my ($java) = grep { -x } map { "$_/java" } split /:/, $ENV{PATH};
my $jars = join ':', grep { -e } map { "/usr/share/java/$_.jar" } 'ecj', 'eclipse-jdt-core', 'eclipse-jdt-core-compiler-batch';
my @missing = (($java ? () : 'no java'), ($jars ? () : 'no ecj'), ($driver ? () : 'no PostgreSQL driver in /usr/share/java'));

SKIP:
{
	skip join(', ', @missing), 1 if @missing;

	my $classes = PostgreSQL::Test::Utils::tempdir;
	command_ok([ $java, '-cp', $jars, 'org.eclipse.jdt.internal.compiler.batch.Main', '-11', '-proc:none', '-cp', $driver, '-d', $classes, "$FindBin::Bin/../jdbc/ModelViews.java" ],
		'ecj compiles the client');

	my $node = model_node('jdbc');
	$node->append_conf('postgresql.conf', "listen_addresses = '127.0.0.1'\n");
	$node->append_conf('pg_hba.conf', "host all all 127.0.0.1/32 trust\n");
	$node->start;
	make_roles($node, 'reader', 'reader_a');
	run_as($node, 'shop', 'shopowner', "SELECT scoring.grant_reader('$_', 'reader')") for qw(shop live_shop);
	run_as($node, 'chain', 'shopowner', "SELECT scoring.grant_reader('chain', 'reader_a', 'a')");

	for my $case ([ 'shop', 'reader', qw(shop live_shop) ], [ 'chain', 'reader_a', 'chain' ])
	{
		my ($database, $role, @models) = @$case;
		my ($out, $err) = ('', '');
		my $run = IPC::Run::run([ $java, '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-cp', "$driver:$classes", 'ModelViews', 'jdbc:postgresql://127.0.0.1:' . $node->port . "/$database", $role, @models ],
			'>', \$out, '2>', \$err, IPC::Run::timeout(180));
		my $n = 0;
		for (split /\n/, $out)
		{
			diag $_ if /^#/;
			next unless /^(not )?ok (.*)/;
			ok(!$1, $2);
			$n++;
		}
		ok($run, "$role: the client ends well") or diag $err;
		cmp_ok($n, '>', 80 * @models, "$n tests by the client");
	}
}

done_testing();
