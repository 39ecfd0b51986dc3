#!/usr/bin/perl
#
# Plain modern English: names the lines with a word that has a plainer one, or
# that calls a customer "he". Called by test/stages/lint.sh with the files, or with
# text on standard input; fails when it finds any.
#
#   perl test/words.pl FILE...
#
use strict;
use warnings;

# word => what to write; longest first
my @words = (
	[ 'he|him|his|himself|she|hers?|herself' => 'they: customers and readers have no gender here' ],
	[ 'whoever|whomever|whom|whosoever'      => 'who, that, or another sentence' ],
	[ 'lest'                                 => 'so that ... not' ],
	[ 'thereof|thereby|therein|whereof|whereby|wherein|thence|whence|hence' => 'of it, by it, in it, so' ],
	[ 'hitherto|heretofore|henceforth|forthwith' => 'until now, from now on, at once' ],
	[ 'shall'                                => 'will, must' ],
	[ 'anew'                                 => 'again' ],
	[ 'of a sudden'                          => 'suddenly' ],
	[ 'nought|naught|aught'                  => 'nothing, 0' ],
	[ 'ere|whilst|amongst|unto|betwixt|albeit' => 'before, while, among, to, although' ],
	[ 'for want of'                          => 'without, because there is no' ],
	[ '(?:is|are|was|were) (?:not )?to be had' => 'there is no, can\'t be used' ],
	[ 'bar'                                  => 'except' ],
	[ 'cut ?points?'                         => 'thresholds' ],
	[ 'verbs?'                               => 'functions, calls' ]);

# Where such a word is meant: files, lines.
my @meant = (
	[ qr{demo/}, qr/\bdemo\.bar\(|^-- A bar of at most/ ],    # a bar of a chart
	[ qr{test/words\.pl}, qr/./ ]);

# Compiled once: most lines have none of them.
sub pattern { my ($word) = @_; return qr/(?<![\w'\/.-])($word)(?![\w\/-])/i; }
my $any = pattern(join '|', map { $_->[0] } @words);
$_->[0] = pattern($_->[0]) for @words;

my $bad = 0;
@ARGV = ('-') unless @ARGV;
for my $file (@ARGV)
{
	open(my $in, $file eq '-' ? '<&STDIN' : "<$file") or die "$file: $!\n";
	while (my $line = <$in>)
	{
		next unless $line =~ $any;
		next if grep { $file =~ $_->[0] && $line =~ $_->[1] } @meant;
		for (@words)
		{
			my ($pattern, $instead) = @$_;
			next unless $line =~ $pattern;
			print "$file:$.: \"$1\": write $instead\n";
			$bad++;
		}
	}
	close $in;
}
exit($bad ? 1 : 0);
