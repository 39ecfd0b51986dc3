# Build-time check of what else is said of the columns of customer_scores: the facts
# that score_customers gives to a segment map, and the words for a column.
#
#   perl sql/check_columns.pl sql/model/columns.sql sql/model/words.sql src/bulk/score_customers.c
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Rows;

my ($columns, $words, $bulk) = @ARGV;
my %column = map { ($_->{name} => $_) } Rows::of('_score_column', $columns);
open my $in, '<', $bulk or die "$bulk: $!\n";
my $code = do { local $/; <$in> };
my ($list) = $code =~ /\bfacts\[\] =\s*\{(.*?)\n\};/s or die "$bulk: no list of facts\n";
my %fact = map { ($_ => 1) } $list =~ /\{"(\w+)",/g;

my @problems;
push @problems, map { "$bulk has fact \"$_\", which is no column with in_bulk of $columns" }
  grep { !$column{$_} || $column{$_}{in_bulk} ne 'true' } sort keys %fact;
push @problems, map { "$bulk lacks fact \"$_\" of $columns" } grep { $column{$_}{in_bulk} eq 'true' && !$fact{$_} } sort keys %column;
push @problems, map { "$words has words for \"$_\", which no condition may read by $columns" }
  grep { !$column{$_} || !defined $column{$_}{condition} } map { $_->{key} =~ /^column (\w+)$/ ? $1 : () } Rows::of('_text', $words);
push @problems, map { "$columns: \"$_\" of every model has no meaning" }
  grep { $column{$_}{part} =~ /^(all|prediction|tenants|lists)$/ && !($column{$_}{meaning} && $column{$_}{type}) } sort keys %column;
die map { "$_\n" } @problems if @problems;
