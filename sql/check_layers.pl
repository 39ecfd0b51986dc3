# Do the files of the installation script use only what stands above them?
#
#   perl sql/check_layers.pl FILE...     in the order of the Makefile
#
# plpgsql resolves names when it runs, so the server would never complain: a file
# that uses a name of a later one is a circle that nobody sees. Names are those
# written @extschema@.name, in code and in the SQL that code prints. Prints the
# number of upward uses, names each, and fails if there is one.
use strict;
use warnings;

my (%first, @uses);			# name => position of the first file that defines it
for my $position (0 .. $#ARGV)
{
	open my $file, '<', $ARGV[$position] or die "$ARGV[$position]: $!\n";
	my $in = '';
	while (my $line = <$file>)
	{
		if ($line =~ /^CREATE (?:FUNCTION|AGGREGATE|TYPE|TABLE|VIEW) \@extschema\@\."?(\w+)"?/)
		{
			$in = $1;
			$first{$1} //= $position;
		}
		next if $line =~ /^\s*--/;
		push @uses, [ $position, $., $in, $1 ] while $line =~ /\@extschema\@\.(\w+)/g;
	}
}
my @upward = grep { my ($position, undef, undef, $name) = @$_; exists $first{$name} && $first{$name} > $position } @uses;
print "$ARGV[$_->[0]]:$_->[1]: $_->[2] uses $_->[3], which $ARGV[$first{$_->[3]}] makes\n" for @upward;
printf "%d files, %d names, %d upward\n", scalar @ARGV, scalar keys %first, scalar @upward;
exit(@upward ? 1 : 0);
