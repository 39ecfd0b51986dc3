#!/usr/bin/perl
#
# Build-time check of the shipped segment maps: every segment of every map has
# a role, label, description, action, display order and color in English and
# in French, and colors of one map can be told apart, and from white. Called by
# the Makefile; says what is missing and fails.
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

# What the eye sees of a color: CIE L*a*b* of an sRGB color, in daylight (D65).
sub lab
{
	my @rgb = map { my $c = hex($_) / 255; $c <= 0.04045 ? $c / 12.92 : (($c + 0.055) / 1.055)**2.4 } $_[0] =~ /([0-9A-F]{2})/g;
	my @xyz = map { my $row = $_; $row->[0] * $rgb[0] + $row->[1] * $rgb[1] + $row->[2] * $rgb[2] }
	  [ 0.4338915, 0.3762348, 0.1899060 ], [ 0.2126729, 0.7151522, 0.0721750 ], [ 0.0177254, 0.1094753, 0.8729554 ];
	my ($x, $y, $z) = map { $_ > 216 / 24389 ? $_**(1 / 3) : (24389 / 27 * $_ + 16) / 116 } @xyz;
	return (116 * $y - 16, 500 * ($x - $y), 200 * ($y - $z));
}

# How different they look: CIEDE2000 (ISO/CIE 11664-6). 1 can just be seen side by side.
sub difference
{
	my ($l1, $a1, $b1, $l2, $a2, $b2) = @_;
	my $rad = atan2(1, 1) / 45;
	my $mean = (sqrt($a1**2 + $b1**2) + sqrt($a2**2 + $b2**2)) / 2;
	my $g = 1.5 - 0.5 * sqrt($mean**7 / ($mean**7 + 25**7));
	my ($c1, $c2) = (sqrt(($g * $a1)**2 + $b1**2), sqrt(($g * $a2)**2 + $b2**2));
	my ($h1, $h2) = map { $_ < 0 ? $_ + 360 : $_ } atan2($b1, $g * $a1) / $rad, atan2($b2, $g * $a2) / $rad;
	my $turn = $c1 * $c2 == 0 ? 0 : $h2 - $h1;
	$turn += $turn > 180 ? -360 : $turn < -180 ? 360 : 0;
	my $h = $c1 * $c2 == 0 ? $h1 + $h2 : $h1 + $turn / 2;
	my ($l, $c) = (($l1 + $l2) / 2, ($c1 + $c2) / 2);
	my $t = 1 - 0.17 * cos(($h - 30) * $rad) + 0.24 * cos(2 * $h * $rad) + 0.32 * cos((3 * $h + 6) * $rad)
	  - 0.20 * cos((4 * $h - 63) * $rad);
	my $dl = ($l2 - $l1) / (1 + 0.015 * ($l - 50)**2 / sqrt(20 + ($l - 50)**2));
	my $dc = ($c2 - $c1) / (1 + 0.045 * $c);
	my $dh = 2 * sqrt($c1 * $c2) * sin($turn / 2 * $rad) / (1 + 0.015 * $c * $t);
	$h += 360 if $h < 0;
	my $rotation = -2 * sqrt($c**7 / ($c**7 + 25**7)) * sin(60 * $rad * exp(-(($h - 275) / 25)**2));
	return sqrt($dl**2 + $dc**2 + $dh**2 + $rotation * $dc * $dh);
}

# Pairs of Sharma, Wu and Dalal (2005), whose differences are published to four places
for my $pair ([ 2.0425, 50, 2.6772, -79.7751, 50, 0, -82.7485 ], [ 2.3669, 50, 0, 0, 50, -1, 2 ], [ 22.8977, 50, 2.5, 0, 61, -5, 29 ],
	[ 1.2644, 60.2574, -34.0099, 36.2677, 60.4626, -34.1751, 39.4387 ], [ 2.0373, 22.7233, 20.0904, -46.6940, 23.0331, 14.9730, -42.5619 ])
{
	my ($published, @two) = @$pair;
	push @problems, "a color difference of $published comes out as " . difference(@two) if abs(difference(@two) - $published) > 5.1e-5;
}

my $least = 12;
for my $name (sort keys %label)
{
	my %color = (white => '#FFFFFF', map { $_ => $label{$name}{$_}{en}{color} } keys %{ $label{$name} });
	my @segments = grep { ($color{$_} // '') =~ /^#[0-9A-F]{6}$/ } sort keys %color;
	for my $i (0 .. $#segments)
	{
		for my $other (@segments[ $i + 1 .. $#segments ])
		{
			my $seen = difference(lab($color{ $segments[$i] }), lab($color{$other}));
			push @problems, sprintf('map %s: colors of %s and %s look alike: difference %.1f, not %d or more', $name, $segments[$i], $other, $seen, $least)
			  if $seen < $least;
		}
	}
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
