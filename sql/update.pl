#!/usr/bin/perl
#
# Makes an update script: the objects of an earlier version become those of this one.
# Called by the Makefile.
#
#   perl sql/update.pl 0.1.0 customer_scoring--0.2.0.sql sql/updates/from_*.sql
#
# For each version that was released there is a file, from_VERSION.sql, with what is written by
# hand for the step to the next version: what has to be done before, a line "-- @install@", what
# has to be done after. An update goes through the steps of its own version and of all later
# ones, with one installation between them: that of this version, made such that it runs over
# what is there:
#
#   functions, aggregates, languages   are replaced, so that grants and what depends on them stay
#   types, domains, operators, operator classes, tables
#                                      are made where they are missing
#   rows of our own tables             are deleted and inserted again, as users have none there
#   constraints that are added         are dropped before
#
# What the replacement can't do (another result, other columns, names that are gone) is the
# first file's. test/t/006_upgrade.pl compares the catalogs with those of a new installation.
# A line "-- @include NAME@" of the first file stands for a file beside it.
use strict;
use warnings;
use File::Basename;

die "usage: update.pl VERSION INSTALLATION STEP...\n" unless @ARGV > 2;

sub slurp
{
	my ($file) = @_;
	open my $in, '<', $file or die "$file: $!\n";
	local $/;
	return <$in>;
}

my ($from, $installation, @steps) = @ARGV;
my $script = slurp($installation);

# --- statements ------------------------------------------------------------------

my (@statements, $statement);
my $atomic = 0;
$script =~ s/\A\\echo [^\n]*\n//;
while ($script =~ m{\G(?: (?<blank> \s+ | --[^\n]* | /\*.*?\*/ ) | (?<text> '(?:[^']|'')*' | "[^"]*" | (\$\w*\$).*?\g{-1} ) | (?<end> ; )
	| (?<word> \w+ ) | (?<other> . ) )}gcsx)
{
	my $part = $&;
	if (defined $+{blank})
	{
		$statement .= $part if defined $statement;
		next;
	}
	my $is_end = defined $+{end};
	$statement .= $part;
	$atomic = 1 if $statement =~ /\bBEGIN\s+ATOMIC\z/;
	next unless $is_end && (!$atomic || $statement =~ /\nEND;\z/);
	push @statements, $statement;
	($statement, $atomic) = (undef, 0);
}
die "$installation: a statement without an end: " . substr($statement, 0, 100) . "\n" if defined $statement;

# --- each of them, over what is there ----------------------------------------------

my $name = qr/\@extschema\@\.(?:\w+|"[^"]+")/;

# A statement that runs where a condition holds. The names of the conditions are
# literals: @extschema@ stands for a name as SQL has it.
sub where
{
	my ($condition, $statement) = @_;
	$statement =~ s/;\z//;
	return "DO \$update\$\nBEGIN\n\tIF $condition THEN\n$statement;\n\tEND IF;\nEND\n\$update\$;";
}

my (@constraints, @tables, @out);
for (@statements)
{
	if (/\ACREATE (?:FUNCTION|AGGREGATE|TRUSTED LANGUAGE)\b/)
	{
		push @out, s/\ACREATE /CREATE OR REPLACE /r;
	}
	elsif (/\ACREATE TYPE \@extschema\@\.(\w+)(;\z| \()/)
	{
		# first the name alone, a shell; then the type
		push @out, where("NOT EXISTS (SELECT 1 FROM pg_catalog.pg_type AS t WHERE t.typname OPERATOR(pg_catalog.=) '$1'"
			. " AND t.typnamespace OPERATOR(pg_catalog.=) '\@extschema\@'::pg_catalog.regnamespace"
			. ($2 eq ';' ? '' : ' AND t.typisdefined') . ')', $_);
	}
	elsif (/\ACREATE (?:TYPE|DOMAIN) ($name) AS\b/)
	{
		push @out, where("pg_catalog.to_regtype('$1') IS NULL", $_);
	}
	elsif (/\ACREATE OPERATOR (\@extschema\@\.\S+) \(/)
	{
		my ($operator, $left, $right) = ("$1", /\bLEFTARG = ([^,\s]+)/ ? "$1" : 'NONE', /\bRIGHTARG = ([^,\s]+)/);
		# one without a function is the shell that the commutator of another has left
		push @out, where("NOT EXISTS (SELECT 1 FROM pg_catalog.pg_operator AS o WHERE o.oid OPERATOR(pg_catalog.=)"
			. " pg_catalog.to_regoperator('$operator($left,$right)') AND o.oprcode OPERATOR(pg_catalog.<>) 0)", $_);
	}
	elsif (/\ACREATE OPERATOR CLASS \@extschema\@\.(\w+) .*?\bUSING (\w+)/s)
	{
		push @out, where("NOT EXISTS (SELECT 1 FROM pg_catalog.pg_opclass AS c JOIN pg_catalog.pg_am AS a"
			. " ON a.oid OPERATOR(pg_catalog.=) c.opcmethod WHERE c.opcname OPERATOR(pg_catalog.=) '$1' AND a.amname"
			. " OPERATOR(pg_catalog.=) '$2' AND c.opcnamespace OPERATOR(pg_catalog.=)"
			. " '\@extschema\@'::pg_catalog.regnamespace)", $_);
	}
	elsif (/\ACREATE TABLE ($name)/)
	{
		push @tables, $1;
		push @out, where("pg_catalog.to_regclass('$1') IS NULL", $_);
	}
	elsif (/\AALTER TABLE ($name) ADD CONSTRAINT (\w+)/)
	{
		push @constraints, "ALTER TABLE IF EXISTS $1 DROP CONSTRAINT IF EXISTS $2;";
		push @out, $_;
	}
	elsif (/\ADO\b/)
	{
		push @out, s/\bCREATE FUNCTION \@extschema\@/CREATE OR REPLACE FUNCTION \@extschema\@/gr;
	}
	elsif (/\A(?:COMMENT ON|GRANT|REVOKE|INSERT INTO $name|UPDATE $name)\b/)
	{
		push @out, $_;
	}
	else
	{
		die "$installation: update.pl doesn't know how this runs over what is there: " . substr($_, 0, 100) . "\n";
	}
}
my $empty = join "\n", @constraints, map { where("pg_catalog.to_regclass('$_') IS NOT NULL", "DELETE FROM $_;") } @tables;

# --- the steps around them -----------------------------------------------------------

sub order { return join '', map { sprintf '%06d', $_ } split /\./, $_[0] }

my ($before, $after) = ('', '');
my %steps = map { /\bfrom_([0-9.]+)\.sql\z/ ? ($1 => $_) : die "$_ is not called from_VERSION.sql\n" } @steps;
die "there is no step from $from\n" unless $steps{$from};
for my $version (sort { order($a) cmp order($b) } grep { order($_) ge order($from) } keys %steps)
{
	my $step = $steps{$version};
	my $all = slurp($step) =~ s{^-- \@include (\S+)\@\n}{slurp(dirname($step) . "/$1")}gemr;
	die "$step: a character beyond ASCII\n" if $all =~ /[^\x00-\x7f]/;
	my @parts = split /^-- \@install\@\n/m, $all, -1;
	die "$step: there must be one line -- \@install\@\n" if @parts != 2;
	$before .= $parts[0];
	$after .= $parts[1];
}
print "\\echo Use \"ALTER EXTENSION customer_scoring UPDATE\" to load this file. \\quit\n$before\n$empty\n",
	(map { "$_\n" } @out), $after;
