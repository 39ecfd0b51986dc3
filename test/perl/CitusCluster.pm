# What the TAP tests of Citus share: nodes that find it beside this build, as one cluster.
#
# Citus is looked for in the server's own directories, and below CITUS_ROOT, where somebody has
# installed it by make DESTDIR=$CITUS_ROOT install.
package CitusCluster;

use strict;
use warnings;
use Exporter 'import';
use File::Basename qw(basename);
use ScoringCluster;
use PostgreSQL::Test::Utils;

our @EXPORT = qw(citus_nodes add_worker);

# Nodes that have been started, the first of several as the coordinator of the others; none
# where there is no Citus.
sub citus_nodes
{
	my @nodes = map { new_node($_) } @_;
	my $settings = settings_for($nodes[0]) or return;
	for my $node (@nodes)
	{
		$node->append_conf('postgresql.conf', $settings . "citus.local_hostname = '" . $node->host . "'\n");
		$node->start;
		$node->safe_psql('postgres', 'CREATE EXTENSION citus');
	}
	my ($coordinator, @workers) = @nodes;
	$coordinator->safe_psql('postgres', sprintf q{SELECT citus_set_coordinator_host('%s', %d)}, $coordinator->host, $coordinator->port) if @workers;
	add_worker($coordinator, $_) for @workers;
	return @nodes;
}

sub add_worker
{
	my ($coordinator, $worker) = @_;
	$coordinator->safe_psql('postgres', sprintf q{SELECT citus_add_node('%s', %d)}, $worker->host, $worker->port);
	return;
}

# A server looks for extensions in one directory beside its own: links to both.
sub settings_for
{
	my ($node) = @_;
	my ($libraries, $share) = map { $node->config_data($_) } qw(--pkglibdir --sharedir);
	my ($root) = grep { -e "$_$libraries/citus.so" } '', $ENV{CITUS_ROOT} // '';
	return unless defined $root;
	my $settings = "shared_preload_libraries = 'citus'\ncitus.node_conninfo = 'sslmode=disable'\ncitus.shard_count = 4\n"
	  . "citus.enable_statistics_collection = off\ncitus.enable_version_checks = off\nmax_prepared_transactions = 20\nwal_level = logical\n";
	return $settings if $root eq '';
	my $conf = slurp_file($ENV{EXTENSION_CONF});
	my ($ours) = $conf =~ /^extension_destdir = '([^']+)'/m;
	if (!$ours)
	{
		$conf =~ s/^(extension_control_path = ')/$1$root$share:/m;
		$conf =~ s/^(dynamic_library_path = ')/$1$root$libraries:/m;
		return $settings . $conf;
	}
	my $tree = PostgreSQL::Test::Utils::tempdir;
	system_or_bail('mkdir', '-p', "$tree$share/extension", "$tree$libraries");
	for my $from ($ours, $root)
	{
		symlink $_, "$tree$share/extension/" . basename($_) for glob("$from$share/extension/*");
		symlink $_, "$tree$libraries/" . basename($_) for glob("$from$libraries/*");
	}
	return $settings . "extension_destdir = '$tree'\ndynamic_library_path = '$tree$libraries:\$libdir'\n";
}

1;
