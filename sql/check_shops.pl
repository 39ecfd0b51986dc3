#!/usr/bin/perl
#
# Build-time check of the systems that connect_shop knows: every query asks for
# sources that the system has, and for columns that it says it reads of them; no
# source or column is declared and never read; orders have statuses. Called by the
# Makefile; says what is wrong and fails.
#
#   perl sql/check_shops.pl sql/shops.sql [docs/sources.md]
#
use strict;
use warnings;

my ($file, $page) = @ARGV;
my (@problems, %system, %source, %query, %status);
my %columns_of = (
	orders  => [qw(order_key account email ordered_at value status status_group currency company)],
	refunds => [qw(order_key refunded_at amount)],
	lines   => [qw(order_key category product quantity value)],
	events  => [qw(account address occurred_at kind value event_key category)],
	answers => [qw(account address answered_at kind rating scale_max)],
	people  => [qw(account email known_since country city company accepts_mail)]);

sub slurp { my ($name) = @_; open(my $in, '<', $name) or die "$name: $!\n"; local $/; return scalar <$in>; }
my $sql = slurp($file) =~ s/^\s*--.*$//mgr;

# INSERT INTO @extschema@.TABLE (COLUMNS) SELECT 'NEW', ... WHERE system = 'OLD';
my @copies;
my $copy = qr/INSERT INTO \@extschema\@\.(shop_\w+) \(system, ([\w, ]+)\)\s+SELECT '(\w+)', \2 FROM \@extschema\@\.\1\s+/
  . qr/WHERE system OPERATOR\(pg_catalog\.=\) '(\w+)';/;
$copy = qr/$copy/;
while ($sql =~ s/$copy//) { push @copies, [ $1, $3, $4 ]; }

# INSERT INTO @extschema@.TABLE (COLUMNS) VALUES (ROW), (ROW);
while ($sql =~ /\G\s*(?:ALTER TABLE[^;]*;)*\s*INSERT INTO \@extschema\@\.(\w+)\s+\(([^)]*)\) VALUES\s*/gc)
{
	my ($table, @columns) = ($1, split /,\s*/, $2);
	do
	{
		$sql =~ /\G\s*\(/gc or die "$file: expected a row in an INSERT of $table\n";
		my @values;
		do
		{
			push @values,
			  # a string goes on after a newline
			  $sql =~ /\G\s*'((?:[^']|''|'[ \t]*\n\s*')*)'\s*/gc ? $1 =~ s/(?<!')'[ \t]*\n\s*'//gr =~ s/''/'/gr
			  : $sql =~ /\G\s*(true|false)\s*/gc ? $1
			  : die "$file: expected a string or a boolean in an INSERT of $table after " . substr($sql, (pos($sql) // 0) - 60, 60) . "\n";
		} while ($sql =~ /\G,/gc);
		$sql =~ /\G\)\s*/gc or die "$file: expected the end of a row in an INSERT of $table\n";
		@values == @columns or die "$file: a row of $table has " . @values . ' values for ' . @columns . " columns: $values[0]\n";
		my %row;
		@row{@columns} = @values;
		take($table, \%row);
	} while ($sql =~ /\G,/gc);
	$sql =~ /\G\s*;/gc or die "$file: trailing text in an INSERT of $table\n";
}
$sql =~ /\G\s*(?:ALTER TABLE[^;]*;\s*)*\z/gc or die "$file: not an INSERT: " . substr($sql, pos($sql) // 0, 60) . "\n";

sub take
{
	my ($table, $row) = @_;
	my $name = $row->{system};
	if ($table eq 'shop_system')
	{
		push @problems, "$name twice" if $system{$name};
		$system{$name} = $row;
	}
	elsif ($table eq 'shop_source')
	{
		push @problems, "$name: source $row->{source} twice" if $source{$name}{ $row->{source} };
		my %columns;
		for (split /, /, $row->{columns})
		{
			/^(\w+) \w+\??$/ or push @problems, "$name: source $row->{source}: column $_";
			$columns{ $1 // $_ } = 0;
		}
		$source{$name}{ $row->{source} } = { columns => \%columns, used => 0 };
	}
	elsif ($table eq 'shop_query') { $query{$name}{ $row->{relation} } = $row->{query}; }
	elsif ($table eq 'shop_status') { $status{$name}{ $row->{status} } = $row; }
	else { die "$file: unknown table $table\n"; }
	push @problems, "$name has no row in shop_system before $table" unless $system{$name};
}

for (@copies)
{
	my ($table, $new, $old) = @$_;
	push @problems, "$new is a copy of $old, and one of them is unknown" unless $system{$new} && $system{$old};
	$status{$new} = $status{$old} if $table eq 'shop_status';
	$query{$new} = $query{$old} if $table eq 'shop_query';
	$source{$new} = $source{$old} if $table eq 'shop_source';
}
for my $name (sort keys %system)
{
	push @problems, "$name has no queries" unless $query{$name};
	push @problems, "$name: orders have no statuses" if $query{$name}{orders} && !$status{$name};
	push @problems, "$name: refunds of what?" if $query{$name}{refunds} && !$query{$name}{orders};
	for my $relation (sort keys %{ $query{$name} })
	{
		my $text = $query{$name}{$relation};
		my $where = "$name, query $relation";
		my %source_of;
		while ($text =~ /\{(\w+)\} AS (\w+)/g)
		{
			push @problems, "$where: alias $2 stands for two sources" if $source_of{$2} && $source_of{$2} ne $1;
			$source_of{$2} = $1;
		}
		while ($text =~ /\{(\w+)\}(?! AS \w)/g) { push @problems, "$where: source $1 has no alias"; }
		for my $alias (sort keys %source_of)
		{
			my $known = $source{$name}{ $source_of{$alias} };
			push(@problems, "$where: there is no source $source_of{$alias}"), next unless $known;
			$known->{used} = 1;
			while ($text =~ /\b\Q$alias\E\.("?)(\w+)\1/g)
			{
				push @problems, "$where: source $source_of{$alias} has no column $2" unless exists $known->{columns}{$2};
				$known->{columns}{$2} = 1;
			}
		}
		my @wanted = @{ $columns_of{$relation} };
		for my $column (@wanted)
		{
			push @problems, "$where: no column $column" unless $text =~ /\b$column\b/;
		}
	}
	for my $used (sort keys %{ $source{$name} })
	{
		push @problems, "$name: source $used is never read" unless $source{$name}{$used}{used};
		push @problems, map { "$name: column $_ of $used is never read" }
		  grep { !$source{$name}{$used}{columns}{$_} } sort keys %{ $source{$name}{$used}{columns} };
	}
}
push @problems, 'no systems found' unless %system;
my $text = defined $page ? slurp($page) : undef;
push @problems, map { "$page has no row for $_" } grep { defined $text && $text !~ /^\| `\Q$_\E`/m } sort keys %system;

if (@problems)
{
	print STDERR "$file: $_\n" for @problems;
	exit 1;
}
