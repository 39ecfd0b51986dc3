#!/usr/bin/perl
#
# Build-time check of the texts of explanations: every use has a text, every text a
# use, and a text has as many places in French as in English. Called by the
# Makefile; says what is wrong and fails.
#
#   perl sql/check_texts.pl sql/model/words.sql FILE...   FILE: what may use texts, SQL and C
#
# A key that is put together must begin as some key does, and go on as it does. Keys
# that come from data (operators of conditions, reasons) count as used where they
# stand as a literal.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Rows;

my ($words, @files) = @ARGV;
my (%text, %used, @problems);
for my $row (Rows::of('_text', $words))
{
	push @problems, "text \"$row->{key}\" twice" if $text{ $row->{key} };
	$text{ $row->{key} } = $row;
	my @places = map { scalar(() = $row->{$_} =~ /%(?:[0-9]\$)?s/g) } 'en', 'fr';
	push @problems, "text \"$row->{key}\" has $places[0] places in English and $places[1] in French" if $places[0] != $places[1];
}

my $literals = '';
for my $file (@files)
{
	open my $in, '<', $file or die "$file: $!\n";
	my $code = do { local $/; <$in> };
	$code =~ s/^\s*--.*$//mg;
	$code =~ s/INSERT INTO \@extschema\@\._text\b.*?;$//ms;
	$literals .= $code;
	while ($code =~ /_explain_text(?=(\((?:[^()']|'[^']*'|(?1))*\)))/g)
	{
		my ($key) = $1 =~ /^\(((?:[^(),']|'[^']*'|(\((?:[^()']|'[^']*'|(?2))*\)))+)/;
		my $together = $key =~ /\|\||\bconcat\(/;
		# what a key is compared with, or looked up by, is no part of one
		$key =~ s/(?:,|->>?|#>>?|=|\bWHEN)\s*'[^']*'|ARRAY\[[^\]]*\]//g;
		my @pieces = grep { $_ ne '' && $_ ne '{}' } $key =~ /'([^']*)'/g;
		if (!$together)
		{
			push @problems, map { "$file uses text \"$_\", which $words does not have" } grep { !$text{$_} } @pieces;
			@used{@pieces} = ();
			next;
		}
		for my $piece (@pieces)
		{
			my @keys = grep { $piece =~ /^ / ? /\Q$piece\E/ : /^\Q$piece\E/ } keys %text;
			push @problems, "$file uses texts with \"$piece\", which $words does not have" unless @keys;
			@used{ grep { $piece !~ /^ / } @keys } = ();
		}
	}
}
for my $key (sort keys %text)
{
	push @problems, "nobody uses text \"$key\"" unless exists $used{$key} || $literals =~ /(['"])\Q$key\E\1/;
}
die map { "$_\n" } @problems if @problems;
