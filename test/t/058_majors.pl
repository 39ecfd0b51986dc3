# From an earlier major of PostgreSQL to this one: dumps, and pg_upgrade. With
# EARLIER_MAJOR, whose programs are in Debian's place for them: test/matrix dumps.
use strict;
use warnings;
use ScoringCluster;
use ModelCluster qw(:DEFAULT make_chain make_shop);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

die 'no EARLIER_MAJOR: see test/matrix dumps' unless $ENV{EARLIER_MAJOR};
my $path = "/usr/lib/postgresql/$ENV{EARLIER_MAJOR}";
# another compiler may add up floating-point numbers otherwise, to the 15th digit
$ENV{PGOPTIONS} = '-c extra_float_digits=-3';

my $old = new_node('old', install_path => $path, conf => "$ENV{TESTDIR}/earlier.conf");
$old->start;
like($old->safe_psql('postgres', 'SHOW server_version'), qr/^$ENV{EARLIER_MAJOR}\./, "the old server is $ENV{EARLIER_MAJOR}");
make_roles($old, 'reader', 'reader_a');
make_chain($old, 'chain');
make_shop($old, 'shop');
run_as($old, 'shop', 'shopowner', "SELECT scoring.grant_reader('$_', 'reader')") for qw(shop live_shop);
run_as($old, 'chain', 'shopowner', q{SELECT scoring.grant_reader('chain', 'reader_a', 'a')});

my %models = (chain => [ 'chain', 'only_a' ], shop => [ 'shop', 'live_shop' ]);
my %readers = (chain => 'reader_a', shop => 'reader');
my %offers = map { my $database = $_; ($_ => [ map { offers($old, $database, $_) } @{ $models{$_} } ]) } keys %models;

# Digests of all views and dated functions, as the owner and as a reader sees them
sub said
{
	my ($node) = @_;
	my %said;
	for my $database (sort keys %models)
	{
		/^(.*) (\d+ \S+)$/ and $said{"owner: $1"} = $2 for split /\n/, digests($node, $database, 'shopowner', @{ $offers{$database} });
		/^(.*) (\d+ \S+)$/ and $said{"reader: $1"} = $2 for split /\n/, digests($node, $database, $readers{$database}, grep { !/^only_a/ } @{ $offers{$database} });
	}
	return \%said;
}

sub others
{
	my ($then, $now) = @_;
	return join "\n", map { "$_: " . ($now->{$_} // 'gone') . ", not $then->{$_}" } grep { $then->{$_} ne ($now->{$_} // '') } sort keys %$then;
}

my $said = said($old);
cmp_ok(scalar(keys %$said), '>', 150, scalar(keys %$said) . ' answers are compared');
is(join(' ', grep { $said->{$_} eq '0 -' && !/pending/ } sort keys %$said), '', 'none is empty');

sub goes_on
{
	my ($node, $what) = @_;
	is(run_as($node, 'shop', 'shopowner', q{
		INSERT INTO crm.orders VALUES (3, 'a', '2025-06-30', 400), (77777, 'a', '2025-06-30', 1);
		SELECT * FROM scoring.check_model('live_shop');
		SELECT status, differences FROM scoring.apply_changes('live_shop');
		SELECT status, customers_added FROM scoring.refresh_model('shop');
		SELECT status FROM scoring.record_changes('shop');
		SELECT count(*) > 0 FROM scoring.calibrate_model('live_shop');
		SELECT count(*) > 0 FROM scoring.alter_model('live_shop', weights => '{1,2,1}');
		SELECT status FROM shop.model_status UNION ALL SELECT status FROM live_shop.model_status;
		SELECT * FROM scoring.check_model('live_shop')}),
		"applied|4\nrefreshed|2\nrecorded\nt\nt\nok\nok", "$what: models go on, the live one is live");
	return;
}

# Dumped by the old programs, and by the new ones, as is recommended
my $dir = PostgreSQL::Test::Utils::tempdir;
for my $case ([ 'dumped by the old programs', "$path/bin" ], [ 'dumped by the new programs', $ENV{PGBIN} ])
{
	my ($what, $bindir) = @$case;
	my $node = new_node($what =~ s/.*the (\w+) .*/by_$1/r);
	$node->start;
	command_ok([ "$bindir/pg_dumpall", '-f', "$dir/dump", '-d', $old->connstr('postgres') ], "pg_dumpall, $what");
	$node->psql('postgres', slurp_file("$dir/dump"), on_error_stop => 0);		# postgres is there already
	is(others($said, said($node)), '', "$what: every view says the same");
	goes_on($node, $what);
	$node->stop;
}

# From 18 on a new cluster has checksums unless told; the old one has none.
$old->stop;
my $new = new_node('new', $ENV{PGBIN} =~ m{/(\d+)/bin} && $1 >= 18 ? (extra => ['--no-data-checksums']) : ());
upgrade_node($old, $new, "$path/bin");
is(others($said, said($new)), '', 'pg_upgrade: every view says the same');
goes_on($new, 'pg_upgrade');

done_testing();
