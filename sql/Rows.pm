# The rows that an installation script writes into a table of the extension:
# those of the one list VALUES after INSERT INTO @extschema@.TABLE, with the names
# that "AS x (...)" gives its columns.
package Rows;
use strict;
use warnings;

# The rows of TABLE in FILE, each a hash.
sub of
{
	my ($table, $file) = @_;
	open my $in, '<', $file or die "$file: $!\n";
	my $sql = do { local $/; <$in> };
	$sql =~ s/^\s*--.*$//mg;
	$sql =~ s/'[ \t]*\n\s*'//g;		# a string goes on in the next line
	$sql =~ /INSERT INTO \@extschema\@\.\Q$table\E\b[^;']*?\bVALUES\s*/g or die "$file: no rows of $table\n";
	my @rows;
	do
	{
		$sql =~ /\G\s*\(/gc or die "$file: expected a row of $table after " . here(\@rows) . "\n";
		my @values;
		do
		{
			push @values,
			  $sql =~ /\G\s*'((?:[^']|'')*)'\s*/gc ? $1 =~ s/''/'/gr
			  : $sql =~ /\G\s*NULL\s*/gc ? undef
			  : $sql =~ /\G\s*(true|false|-?[0-9.]+)\s*/gc ? $1
			  : die "$file: expected a string, a number, a boolean or NULL in a row of $table after " . here(\@rows) . "\n";
		} while ($sql =~ /\G,/gc);
		$sql =~ /\G\)\s*/gc or die "$file: expected the end of a row of $table after " . here(\@rows) . "\n";
		push @rows, \@values;
	} while ($sql =~ /\G,/gc);
	$sql =~ /\G\)\s*AS\s+\w+\s*\(([^)]*)\)/gc or die "$file: expected the names of the columns after the rows of $table\n";
	my @names = map { s/["\s]//gr } split /,/, $1;
	for my $row (@rows)
	{
		@$row == @names or die "$file: a row of $table has " . @$row . ' values for ' . @names . " columns: $row->[0]\n";
		my %row;
		@row{@names} = @$row;
		$row = \%row;
	}
	return @rows;
}

sub here { my ($rows) = @_; return @$rows ? "the one of $rows->[-1][0]" : 'VALUES'; }

1;
