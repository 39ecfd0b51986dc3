#!/usr/bin/perl
#
# Build-time check of the shipped segment maps: every segment of every map has
# a role, label, description, action, display order and color in English and
# in French. Called by the Makefile; says what is missing and fails.
#
#   perl sql/check_segment_maps.pl sql/segment_maps.sql
#
use strict;
use warnings;

my @languages = ('en', 'fr');
my %roles = map { $_ => 1 } qw(vip upsell new regular at_risk lapsed prospect other);
my ($file) = @ARGV;
my @problems;
my (%map, %segments, %label);

open(my $in, '<', $file) or die "$file: $!\n";
my $sql = do { local $/; <$in> };
close $in;
$sql =~ s/^--.*$//mg;

# INSERT INTO @extschema@.TABLE (COLUMNS) VALUES (ROW), (ROW);
while ($sql =~ /\G\s*(.*?);(?=\s*(?:INSERT|ALTER|UPDATE|\z))/gs)
{
	my $statement = $1;
	next if $statement =~ /^(ALTER TABLE|UPDATE)/ || $statement eq '';
	$statement =~ /^INSERT INTO \@extschema\@\.(\w+)\s+\(([^)]*)\) VALUES\s*/gc
	  or die "$file: not an INSERT: " . substr($statement, 0, 60) . "\n";
	my ($table, @columns) = ($1, map { s/"//gr } split /,\s*/, $2);

	do
	{
		$statement =~ /\G\s*\(/gc or die "$file: expected a row in an INSERT of $table\n";
		my @values;
		do
		{
			push @values,
			  # a string goes on after a newline
			  $statement =~ /\G\s*'((?:[^']|''|'[ \t]*\n\s*')*)'\s*/gc ? $1 =~ s/'[ \t]*\n\s*'//gr =~ s/''/'/gr
			  : $statement =~ /\G\s*NULL\s*/gc ? undef
			  : $statement =~ /\G\s*(-?[0-9]+)\s*/gc ? $1
			  : die "$file: expected a string, NULL or a whole number in an INSERT of $table\n";
		} while ($statement =~ /\G,/gc);
		$statement =~ /\G\)\s*/gc or die "$file: expected the end of a row in an INSERT of $table\n";
		@values == @columns or die "$file: a row of $table has " . @values . " values for " . @columns . " columns\n";
		my %row;
		@row{@columns} = @values;
		take($table, \%row);
	} while ($statement =~ /\G,/gc);
	$statement =~ /\G\s*\z/gc or die "$file: trailing text in an INSERT of $table\n";
}

sub take
{
	my ($table, $row) = @_;
	my $name = $row->{map};

	if ($table eq 'segment_map')
	{
		push @problems, "map $name twice" if $map{$name};
		push @problems, "map $name: no description" unless length($row->{description} // '');
		$map{$name} = $row;
		return;
	}
	die "$file: unknown table $table\n" unless $table eq 'segment_rule' || $table eq 'segment_label';
	push @problems, "map $name has no row in segment_map" unless $map{$name};
	$segments{$name}{ $row->{segment} } = 1;
	return if $table eq 'segment_rule';

	my ($segment, $language) = @$row{qw(segment language)};
	my $where = "map $name, segment $segment, language $language";
	push @problems, "$where: twice" if $label{$name}{$segment}{$language};
	$label{$name}{$segment}{$language} = $row;
	for my $column (qw(role label description action display_order color))
	{
		push @problems, "$where: no $column" unless length($row->{$column} // '');
	}
	push @problems, "$where: unknown role $row->{role}" if defined $row->{role} && !$roles{ $row->{role} };
	push @problems, "$where: color $row->{color}" if defined $row->{color} && $row->{color} !~ /^#[0-9A-F]{6}$/;
}

for my $name (sort keys %map)
{
	my %order;
	push @problems, "map $name has no rules" unless $segments{$name};
	for my $segment (sort keys %{ $segments{$name} })
	{
		my @rows = map { $label{$name}{$segment}{$_} } @languages;
		for my $i (0 .. $#languages)
		{
			push @problems, "map $name, segment $segment: no labels in language $languages[$i]" unless $rows[$i];
		}
		next if grep { !$_ } @rows;
		for my $column (qw(role display_order color))
		{
			push @problems, "map $name, segment $segment: $column differs between languages"
			  if ($rows[0]{$column} // '') ne ($rows[1]{$column} // '');
		}
		my $order = $rows[0]{display_order} // next;
		push @problems, "map $name: segments $order{$order} and $segment have the same display_order" if $order{$order};
		$order{$order} = $segment;
	}
	push @problems, "map $name has no segment of role prospect"
	  unless grep { ($_->{en}{role} // '') eq 'prospect' } values %{ $label{$name} };
}
push @problems, 'no maps found' unless %map;

if (@problems)
{
	print STDERR "$file: $_\n" for @problems;
	exit 1;
}
