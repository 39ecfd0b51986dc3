# What the TAP tests share: a node that finds the extension of this build, a
# small shop, and the scores of its customers by every layer.
package ScoringCluster;

use strict;
use warnings;
use Exporter 'import';
use File::Basename qw(basename dirname);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Time::HiRes qw(usleep);

# Nodes are stopped at exit: let signals lead there.
$SIG{TERM} = $SIG{INT} = sub { exit 1 };

our @EXPORT = qw(new_node kill_backend kill_server upgrade_node rows_digest shop scores_of);

# A node that is not started yet; init's parameters may follow the name, and "data",
# a directory that test/bin/initdb copies, or "install_path" of another major and "conf", the
# settings that find the extension there. The views of models would be compiled
# longer than they run: JIT is for test/sql and docs.
sub new_node
{
	my ($name, %params) = @_;
	my $path = delete $params{install_path};
	my $node = PostgreSQL::Test::Cluster->new($name, $path ? (install_path => $path) : ());
	local $ENV{DATA_TEMPLATE} = delete $params{data} // '';
	my $conf = delete $params{conf} // $ENV{EXTENSION_CONF};
	$node->init(%params);
	$node->append_conf('postgresql.conf', slurp_file($conf));
	$node->append_conf('postgresql.conf', "fsync = off\njit = off\n");
	return $node;
}

# Kill a server process, which restarts the server; $close is called in between, for what
# the client has to do. A connection that is made before the server has noticed would
# succeed, and the next one meet the recovery: only the log says when it is over.
sub kill_backend
{
	my ($node, $pid, $close) = @_;
	my $offset = -s $node->logfile;
	my $killed = kill('KILL', $pid);
	$close->();
	for (1 .. 1800)
	{
		return $killed if slurp_file($node->logfile, $offset) =~ /database system is ready to accept connections/;
		usleep(100_000);
	}
	die 'no restart';
}

# Kill all processes of a server at once; it is to be started again.
sub kill_server
{
	my ($node) = @_;
	my ($postmaster) = slurp_file($node->data_dir . '/postmaster.pid') =~ /^(\d+)/ or die 'no postmaster';
	my @children = map { split ' ', slurp_file($_) } glob "/proc/$postmaster/task/*/children";
	$node->kill9;
	kill 'KILL', @children;
	# one that is still there, and no zombie, holds the memory that they share
	for my $pid ($postmaster, @children)
	{
		usleep(10_000) while -e "/proc/$pid/stat" && eval { slurp_file("/proc/$pid/stat") =~ /\) [^ZX]/ };
	}
	# until somebody collects it, the dead postmaster seems to be alive
	unlink $node->data_dir . '/postmaster.pid', $node->host . '/.s.PGSQL.' . $node->port . '.lock';
	return;
}

# pg_upgrade of a node that is stopped, whose programs may be those of another major, to one that has not
# been started. It asks the new server for
# $libdir/customer_scoring, and extension_control_path of 18 helps to find no library that is named
# so: there the programs are copies, which look for libraries beside themselves.
sub upgrade_node
{
	my ($old, $new, $old_bindir) = @_;
	my $bindir = $ENV{PGBIN};
	my $copies = $new->pg_version < 18 ? $bindir : server_with_library($bindir);
	chdir $PostgreSQL::Test::Utils::tmp_check or die;
	command_ok([ "$bindir/pg_upgrade", '--no-sync', '-d', $old->data_dir, '-D', $new->data_dir, '-b', $old_bindir // $bindir, '-B', $copies,
		'-s', $new->host, '-p', $old->port, '-P', $new->port, '--link' ], 'pg_upgrade');
	$new->start;
	return;
}

# Programs of a server in a directory of their own, with the library of this build; the rest are links.
sub server_with_library
{
	my ($bindir) = @_;
	my ($ours) = slurp_file($ENV{EXTENSION_CONF}) =~ /^dynamic_library_path = '([^:']+)/m or die 'no dynamic_library_path';
	my $tree = PostgreSQL::Test::Utils::tempdir;
	my ($libraries, $share) = map { chomp(my $path = `$bindir/pg_config --$_`); $path } qw(pkglibdir sharedir);
	system_or_bail('mkdir', '-p', $tree . dirname($bindir), $tree . $libraries, $tree . dirname($share));
	system_or_bail('cp', '-r', $bindir, $tree . $bindir);
	symlink $_, "$tree$libraries/" . basename($_) or die "$_: $!" for glob("$libraries/*"), "$ours/customer_scoring.so";
	symlink $share, "$tree$share" or die "$share: $!";
	return $tree . $bindir;
}

# The query of what tells whether two sets of rows are equal, in any order; sorting long keys
# by a locale would take longer than scoring
sub rows_digest
{
	my ($rows) = @_;
	return "SELECT count(*), sum(hashtextextended(t::text, 1)), sum(hashtextextended(t::text, 2)) FROM $rows t";
}

# SQL that makes a shop with orders in the search_path's first schema: refunds,
# several orders on one day, and customers who bought once.
sub shop
{
	my ($orders) = @_;
	return qq{
		CREATE TABLE orders AS
		SELECT i * 7919 % 400 / (1 + i % 3) AS customer_id, date '2023-01-01' + (i * 104729 % 900) AS ordered_on,
		       (((i * 15485863::bigint) % 20000 - 500) / 100.0)::numeric(10, 2) AS total
		  FROM generate_series(1, $orders) i;
		CREATE TABLE shop_history AS
		SELECT customer_id, \@ext\@.history_agg(ordered_on, total) AS orders FROM orders GROUP BY customer_id;
	};
}

# A query over shop_history that goes through all layers; \@ext\@ is the schema.
sub scores_of
{
	my ($map) = @_;
	return qq{
		SELECT s.*, \@ext\@.rfm_code(r, f, m) AS code, \@ext\@.segment(r, f, m, '$map', jsonb_build_object('tenure_days', tenure)) AS segment
		  FROM (SELECT customer_id, last_day, tenure, revenue,
		               \@ext\@.score(recency, '{30,90,180,365}', false) AS r,
		               \@ext\@.score(frequency, '{1,2,4,9}') AS f,
		               \@ext\@.quantile_score(revenue::float8, 5) OVER () AS m
		          FROM (SELECT customer_id, \@ext\@.last_day(orders, '2025-06-30') AS last_day,
		                       \@ext\@.tenure(orders, '2025-06-30') AS tenure,
		                       \@ext\@.recency(orders, '2025-06-30') AS recency,
		                       \@ext\@.frequency(orders, '2025-06-30') AS frequency,
		                       \@ext\@.monetary(orders, '2025-06-30') AS revenue
		                  FROM shop_history) h) s
	};
}

1;
