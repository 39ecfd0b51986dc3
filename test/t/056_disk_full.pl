# A disk that is full: that of temporary files, that of the data directory, that of WAL.
#
# The cluster lies on three small disks of memory ($SMALL_DISKS, see test/stages/tap.sh), on
# which a file of ballast leaves as much room as is wanted: none, a little, more, until the
# call goes through. So each call meets the end of the disk at several moments.
use strict;
use warnings;
use ScoringCluster;
use ModelCluster;
use File::Basename qw(basename);
use PostgreSQL::Test::Utils;
use Test::More;

my $disks = $ENV{SMALL_DISKS} or die 'no SMALL_DISKS';

# --- a cluster on small disks ---------------------------------------------------------------

# small segments of WAL, so that it meets the end of its disk at several moments too
my $node = new_node('disks', extra => ['--wal-segsize=1']);
my $data = $node->data_dir;
system_or_bail('mv', $data, "$disks/data/pgdata");
symlink "$disks/data/pgdata", $data or die "$data: $!";
system_or_bail('mv', "$data/pg_wal", "$disks/wal/pg_wal");
symlink "$disks/wal/pg_wal", "$data/pg_wal" or die "pg_wal: $!";
mkdir "$disks/temp/temp" or die "temp: $!";
# no checkpoint comes by itself
$node->append_conf('postgresql.conf', "shared_buffers = 16MB\nautovacuum = off\nwork_mem = 64kB\nhash_mem_multiplier = 1\n"
	. "min_wal_size = 2MB\nmax_wal_size = 1GB\ncheckpoint_timeout = 1h\nwal_level = replica\ntemp_tablespaces = temp\n");
$node->start;
make_roles($node);
$node->safe_psql('postgres', "CREATE TABLESPACE temp LOCATION '$disks/temp/temp'");
$node->safe_psql('postgres', 'GRANT CREATE ON TABLESPACE temp TO PUBLIC');
make_database($node, 'postgres');
run_as($node, 'postgres', 'shopowner', q{
	CREATE TABLE crm.many AS SELECT (i * 7919::bigint % 10000)::int AS customer_id, date '2023-01-01' + i * 31 % 900 AS ordered_on, (i % 9973)::numeric / 100 AS total
	  FROM generate_series(1, 40000) i;
	SELECT scoring.create_model('shop', 'SELECT customer_id, ordered_on, total FROM crm.many WHERE customer_id < 1500', as_of => '2025-06-30');
	CREATE TABLE crm.live_orders AS SELECT customer_id, ordered_on, total FROM crm.many WHERE customer_id < 1500;
	SELECT scoring.create_model('live_shop', 'crm.live_orders', as_of => '2025-06-30', customer => 'customer_id', day => 'ordered_on', value => 'total', live => true,
	  customers => 'crm.customers', customers_key => 'customer_id', attributes => '{country}', prediction => 'bgnbd', clusters => 3);
	SELECT scoring.record_changes(m) FROM unnest('{shop,live_shop}'::text[]) m;
	UPDATE crm.many SET total = total + 1;
	UPDATE crm.live_orders SET total = total + 1});

sub avail { my ($disk) = @_; return (split ' ', `df -k --output=avail $disks/$disk`)[1]; }

# Leave so many kB of a disk: more than before, or fill it first.
sub leave
{
	my ($disk, $room) = @_;
	my $ballast = "$disks/$disk/ballast";
	my $size = int(((-s $ballast // 0) / 1024 + avail($disk) - $room) / 4) * 4096;
	return remove_ballast($disk) if $size <= 0;
	if ($size > (-s $ballast // 0)) { system_or_bail('fallocate', '-l', $size, $ballast); }
	else { truncate $ballast, $size or die "ballast: $!"; }
	return;
}

sub remove_ballast { my ($disk) = @_; unlink "$disks/$disk/ballast"; return; }

# What a statement of the owner's leads to: ok, SQLSTATE and message, or lost.
sub try_it
{
	my ($sql) = @_;
	my ($rc, $out, $err) = $node->psql('postgres', "\\set VERBOSITY verbose\n$sql", extra_params => [ '-U', 'shopowner' ], on_error_die => 0);
	return 'lost' if $err =~ /server closed the connection|PANIC|connection to server .* failed|terminating connection/;
	return $err =~ /^(?:psql:\S+ )?ERROR:  (.*)/m ? $1 : 'ok';
}

# Everything that the models hold, without what is in force of no transaction: sequences.
my @held = map { my $model = $_; grep { !/_seq$/ } tables($node, 'postgres', $model) } 'shop', 'live_shop';
sub state_of_models { return digests($node, 'postgres', 'postgres', @held, 'crm.live_orders'); }

# Or WAL would fill its disk. While there is room: on a full disk a checkpoint ends the server.
sub checkpoint { $node->safe_psql('postgres', 'CHECKPOINT'); return; }

sub temporary_files
{
	return $node->safe_psql('postgres', q{SELECT (SELECT count(*) FROM pg_ls_tmpdir()) + (SELECT count(*) FROM pg_ls_tmpdir((SELECT oid FROM pg_tablespace WHERE spcname = 'temp')))});
}

# A call with more and more room on a disk, until it goes through; what it does is rolled back. Each time
# before, an error of class 53 that changes nothing. Returns how many of them there were.
sub with_more_room
{
	my ($disk, $call, $before) = @_;
	my ($errors, $said, $wrong) = (0, '', '');
	for my $room (0, map { 8 * 5**$_ } 0 .. 5)
	{
		leave($disk, $room);
		$said = try_it("BEGIN; $call ROLLBACK;");
		last if $said eq 'ok';
		$errors++;
		$wrong .= "$room kB: $said\n" unless $said =~ /^53100: /;
		$wrong .= "$room kB: the models have changed\n" if $before && state_of_models() ne $before;
	}
	remove_ballast($disk);
	checkpoint();
	is($wrong, '', "$disk is full, $errors times: " . substr($call, 0, 70));
	is($said, 'ok', 'with room it goes through');
	return $errors;
}

my $orders = q{'SELECT customer_id, ordered_on, total FROM crm.many'};
my $create = qq{SELECT count(*) FROM scoring.create_model('another', $orders, as_of => '2025-06-30');};
my $before = state_of_models();

# --- the disk of temporary files --------------------------------------------------------

my %temp = (
	score_customers => qq{SELECT count(*) FROM scoring.score_customers($orders, NULL::int, '2025-12-31');},
	histories => qq{SELECT count(*) FROM scoring.histories($orders, NULL::int);},
	create_model => $create,
);
for my $name (sort keys %temp)
{
	cmp_ok(with_more_room('temp', $temp{$name}, undef), '>', 1, "$name needs the disk");
	is(temporary_files(), '0', 'no temporary file is left');
}
is(state_of_models(), $before, 'the models are as they were');

# --- the disk of the data directory -------------------------------------------------------

my %data = (
	create_model => $create,
	refresh_model => q{SELECT count(*) FROM scoring.refresh_model('shop');},
	apply_changes => q{SELECT count(*) FROM scoring.apply_changes('live_shop');},
	calibrate_model => q{SELECT count(*) FROM scoring.calibrate_model('live_shop');},
	alter_model => q{SELECT count(*) FROM scoring.alter_model('live_shop', weights => '{1,2,3}', segment_map => 'standard');},
	record_changes => q{SELECT count(*) FROM scoring.record_changes('live_shop');},
	trigger => q{UPDATE crm.live_orders SET total = total + 1 WHERE customer_id < 2000;},
);
for my $name (sort keys %data)
{
	cmp_ok(with_more_room('data', $data{$name}, $before), '>', 0, "$name needs the disk");
}
is(temporary_files(), '0', 'no temporary file is left');
unlike(slurp_file($node->logfile), qr/PANIC|terminated by signal/, 'the server has been up all the time');

# Files that belong to no table, but for those that are gone at the next checkpoint
checkpoint();
my %known = map { ($_ => 1) } split /\n/, $node->safe_psql('postgres', 'SELECT pg_relation_filenode(oid) FROM pg_class WHERE relfilenode <> 0 OR pg_relation_filenode(oid) IS NOT NULL');
my ($oid) = $node->safe_psql('postgres', q{SELECT oid FROM pg_database WHERE datname = 'postgres'});
opendir my $dir, "$data/base/$oid" or die "base: $!";
is(join(' ', grep { /^t?(?:\d+_)?(\d+)/ && !$known{$1} } readdir $dir), '', 'nor a file that belongs to no table');
closedir $dir;

# A trigger that can't read what a statement changed lets it pass, and says that the model has missed it.
my %said;
for my $room (map { 8 * 4**$_ } 1 .. 5)
{
	leave('temp', $room);
	my $said = try_it(q{BEGIN; INSERT INTO crm.live_orders SELECT * FROM crm.many WHERE customer_id > 2000;
		DO $$ BEGIN
			ASSERT NOT EXISTS (SELECT FROM live_shop.rejects) OR (SELECT status FROM live_shop.model_status) = 'rebuild needed', 'untold';
			RAISE '%', coalesce((SELECT string_agg(reason, ' ') FROM live_shop.rejects), 'none missed');
		END $$;});
	$said{ $said =~ /^53100: / ? 'the statement failed' : $said }++;
}
remove_ballast('temp');
$node->safe_psql('postgres', 'VACUUM crm.live_orders, live_shop.pending; CHECKPOINT');
is(join(', ', sort keys %said), 'P0001: error 53100, P0001: none missed, the statement failed', 'a trigger without room for temporary files lets the statement pass, and tells');

# --- the disk of WAL ------------------------------------------------------------------------

# PostgreSQL ends then: what it can't log it must not do. Segments that are there already are
# used up first, but for so many kB.
sub leave_wal
{
	my ($room) = @_;
	my ($current) = $node->safe_psql('postgres', 'SELECT pg_switch_wal(); CHECKPOINT; SELECT pg_walfile_name(pg_current_wal_insert_lsn())') =~ /(\w+)\Z/;
	leave('wal', 0);
	my $segments = grep { /^[0-9A-F]{24}$/ && $_ ge $current } map { basename($_) } glob "$data/pg_wal/*";
	$node->safe_psql('postgres', qq{DO \$\$
		DECLARE spare bigint := $segments * 1048576 - (pg_current_wal_insert_lsn() - '0/0') % 1048576 - $room * 1024; BEGIN
			FOR i IN 1 .. spare / 50000 LOOP PERFORM pg_logical_emit_message(false, 'filler', repeat('x', 49750)); END LOOP;
		END \$\$});
	return;
}

my $room = 20;
for my $name (grep { $_ ne 'record_changes' } sort keys %data)
{
	$before = state_of_models();
	leave_wal($room);
	is(try_it($data{$name}), 'lost', "WAL is full, $name with $room kB: the server ends");
	remove_ballast('wal');
	$node->stop('immediate', fail_ok => 1);
	$node->start;
	is(state_of_models(), $before, 'started again, the models are as they were');
	$room = 120 - $room;
}
is(temporary_files(), '0', 'no temporary file is left');

# --- with room again ------------------------------------------------------------------------

is(try_it($data{$_}), 'ok', "$_ goes on") for grep { $_ ne 'create_model' } sort keys %data;
is(scalar run_as($node, 'postgres', 'shopowner', q{SELECT status FROM scoring.refresh_model('shop'); SELECT * FROM scoring.check_model('shop'); SELECT * FROM scoring.check_model('live_shop')}),
	'refreshed', 'and both models are right');

done_testing();
