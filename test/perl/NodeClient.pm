# What the tests with clients in JavaScript share: node and npm, or the reason why not,
# and the packages of a lock file.
package NodeClient;

use strict;
use warnings;
use Exporter 'import';
use File::Copy 'copy';
use IPC::Run ();
use PostgreSQL::Test::Utils ();
use Test::More;

our @EXPORT = qw(node_folder run_node);

# Why node of at least this major can't be used; undef if it can.
sub no_node
{
	my ($major) = @_;
	for my $program (qw(node npm))
	{
		return "no $program" unless grep { -x "$_/$program" } split /:/, $ENV{PATH};
	}
	my ($has) = `node --version` =~ /^v(\d+)/ or return 'node tells no version';
	return $has < $major ? "node $has is older than $major" : undef;
}

# A folder with a copy of another one's files, and the packages of its package-lock.json, for
# node of at least this major. Ends the test, skipped with the reason, where they can't be had.
# Further arguments are npm's.
sub node_folder
{
	my ($major, $from, @options) = @_;
	my $folder = PostgreSQL::Test::Utils::tempdir;
	my $reason = no_node($major) // install_packages_of($from, $folder, @options);
	return $folder unless defined $reason;
	SKIP: { skip $reason, 1; }
	done_testing();
	exit 0;
}

# Copies a folder's files to another folder, and installs there what its package-lock.json
# says, to the byte. Returns why not, if the registry can't be reached; other errors are
# errors. No package runs a script.
sub install_packages_of
{
	my ($from, $to, @options) = @_;
	for my $file (glob "$from/*")
	{
		copy($file, $to) or die "$file: $!\n" if -f $file;
	}
	my $output = '';
	return undef if IPC::Run::run([ qw(npm ci --no-audit --no-fund --prefer-offline --ignore-scripts), @options ],
		init => sub { chdir $to or die "$to: $!\n" }, '<', \undef, '>&', \$output, IPC::Run::timeout(300));
	return 'npm can\'t reach a registry' if $output =~ /ENOTFOUND|EAI_AGAIN|ECONN|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET|ENOTCACHED|code E(?:40[13]|5\d\d)/;
	die "npm ci in $from:\n$output";
}

# Standard output of node in a folder; dies with its messages if it fails.
sub run_node
{
	my ($folder, @arguments) = @_;
	my ($out, $err) = ('', '');
	IPC::Run::run([ 'node', @arguments ], init => sub { chdir $folder or die "$folder: $!\n" },
		'<', \undef, '>', \$out, '2>', \$err, IPC::Run::timeout(180))
		or die "node @arguments: $err";
	return $out;
}

1;
