# Do the tables of the docs say what the extension does?
#
#   perl test/check_docs.pl            from the top of the tree; says what differs, and fails
#
# docs/models.md has a row for each setting (sql/model/settings.sql) and for each column
# of customer_scores (sql/model/columns.sql), docs/segments.md lists the columns that
# conditions may read.
use strict;
use warnings;
use lib 'sql';
use Rows;

my @problems;

sub page
{
	my ($name) = @_;
	open my $in, '<', $name or die "$name: $!\n";
	local $/;
	return <$in>;
}

# The rows of the table with this head, as lists of cells.
sub table
{
	my ($page, $text, $head) = @_;
	my ($rows) = $text =~ /^\Q$head\E\n\|[-|]+\|\n((?:\|.*\n)+)/m or die "$page: no table $head\n";
	return map { [ map { s/^ +| +$//gr } split /(?<!\\)\|/, substr($_, 1) ] } split /\n/, $rows;
}

# Markdown as plain text; a link in parentheses is for readers of the page alone.
sub plain { return $_[0] =~ s/ \(\[[^\]]*\]\([^)]*\)\)//gr =~ s/\[([^\]]*)\]\([^)]*\)/$1/gr =~ s/`//gr; }

my $page = 'docs/models.md';
my $models = page($page);

my %said = map { (plain($_->[0]) => $_) } table($page, $models, '| argument | default | |');
my %known = (name => 1, dry_run => 1);
for my $setting (Rows::of('_setting', 'sql/model/settings.sql'))
{
	my $name = $setting->{name};
	$known{$name} = 1;
	my $row = $said{$name} or push(@problems, "$page: no row for setting $name"), next;
	my $default = $setting->{default_value} // ($setting->{argument} == 1 ? '' : 'NULL');
	my $said = plain($row->[1]) =~ s/^'(.*)'$/$1/r;
	push @problems, "$page: default of $name is \"$said\", not \"$default\"" if $said ne $default;
	$said = plain($row->[2]);
	push @problems, "$page: setting $name is said to be\n\t$said\nand not\n\t$setting->{meaning}" if $said ne $setting->{meaning};
}
push @problems, map { "$page: $_ is no setting" } grep { !$known{$_} } sort keys %said;

my %type;
for my $row (table($page, $models, '| column | type | unit | NULL |'))
{
	my @names = split /, */, plain($row->[0]);
	my @types = split /, */, $row->[1];
	$type{ $names[$_] } = $types[ @types == 1 ? 0 : $_ ] for 0 .. $#names;
}
my %predicted = map { ($_ => 1) } map { split /, */, plain($_->[0]) }
  table('docs/prediction.md', page('docs/prediction.md'), '| column | what it is |');
my %condition;
for my $column (Rows::of('_score_column', 'sql/model/columns.sql'))
{
	my ($name, $part) = @$column{qw(name part)};
	$condition{$name} = $column->{condition} eq 'string' ? 'string' : 'number' if defined $column->{condition};
	if ($part eq 'prediction')
	{
		push @problems, "docs/prediction.md: no row for column $name" unless $predicted{$name};
	}
	elsif ($part eq 'all' || $part eq 'tenants' || $part eq 'lists')
	{
		push @problems, "$page: column $name is of type " . ($type{$name} // 'nothing') . ", not $column->{type}"
		  unless ($type{$name} // '') eq $column->{type};
	}
}

my ($numbers, $strings) = page('docs/segments.md') =~ /^Known columns: (.*?)\(numbers\);(.*?)\n?\(strings/ms
  or die "docs/segments.md: no known columns\n";
my %listed = ((map { ($_ => 'number') } $numbers =~ /`(\w+)`/g), map { ($_ => 'string') } $strings =~ /`(\w+)`/g);
push @problems, map { "docs/segments.md: known column $_ is a " . ($listed{$_} // 'nothing') . ', not a ' . ($condition{$_} // 'nothing') }
  grep { ($listed{$_} // '') ne ($condition{$_} // '') } sort keys %{ { %listed, %condition } };

die map { "$_\n" } @problems if @problems;
