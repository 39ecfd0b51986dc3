# The list of columns that conditions of segment maps may read, for C.
#
#   perl sql/known_columns.pl sql/model/columns.sql > src/segment/known_columns.h
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Rows;

my %kind = (number => 'SEGMENT_NUMERIC', string => 'SEGMENT_STRING');
print "/* Made by sql/known_columns.pl of the rows of $ARGV[0] */\n";
for my $row (sort { $a->{name} cmp $b->{name} } Rows::of('_score_column', $ARGV[0]))
{
	my $kind = $kind{ $row->{condition} // '' } or next;
	print "\t{\"$row->{name}\", $kind, $row->{needs_order}},\n";
}
