#!/usr/bin/perl
#
# Makes the installation script plain ASCII, which the server reads in every
# encoding of a database. Called by the Makefile.
#
#   cat sql/*.sql | perl sql/spell.pl
#
# The sources have French as it is written, in UTF-8. Here a literal 'é' becomes
# @extschema@._spell('&#233;'), a call that gives what the encoding has: é or e. So a
# literal with such a character must stand where an expression may; and not in the body of
# a plpgsql function that views of models call, since their readers need no right on the
# schema of the extension, by which the body would name _spell. At its end the
# script says how many texts were respelt.
use strict;
use warnings;
use utf8;

binmode STDIN, ':encoding(UTF-8)';
binmode STDOUT, ':encoding(ascii)';
my $script = do { local $/; <STDIN> };
my ($out, %texts) = ('');

sub references { return $_[0] =~ s/([^\x00-\x7f])/'&#' . ord($1) . ';'/ger }

sub refuse
{
	my ($message, $text) = @_;
	binmode STDERR, ':encoding(UTF-8)';
	print STDERR "$message: $text\n";
	exit 1;
}

# Bodies in dollar quotes are SQL or plpgsql too: their literals are literals.
my $literal = qr/'(?:[^']|'')*'/;
while ($script =~ m{\G(?: (?<comment> --[^\n]* | /\*.*?\*/) | (?<text> $literal (?:\s*\n\s*$literal)*) | (?<code> [^'/-]+ | [/-] ) )}gcsx)
{
	my ($part, $is_comment, $is_text) = ($&, defined $+{comment}, defined $+{text});
	if ($part !~ /[^\x00-\x7f]/)
	{
		$out .= $part;
	}
	elsif ($is_comment)
	{
		$out .= references($part);
	}
	elsif ($is_text)
	{
		# what stands before it; to look through all of $out each time takes longer than compiling the C
		refuse('a literal that can\'t be an expression has a character beyond ASCII', $part)
			if substr($out, -100) =~ /(?:\b[EBXN]|&|\bIS\s*|\bAS\s*)\z/i;
		refuse('a literal has references of its own', $part) if $part =~ /&#[0-9]+;/;
		my %characters = map { $_ => 1 } $part =~ /[^\x00-\x7f]/g;
		$texts{ join '', sort keys %characters }++;
		$out .= '@extschema@._spell(' . references($part) . ')';
	}
	else
	{
		refuse('a character beyond ASCII outside of a literal', $part =~ s/.*?([^\n]*[^\x00-\x7f][^\n]*).*/$1/sr);
	}
}
refuse('a quote without an end', substr($script, pos($script) // 0, 100)) if (pos($script) // 0) < length $script;
print $out;

# The server keeps notices of scripts to itself, as most of them help nobody. All
# that _spell has for what an encoding lacks is ASCII.
my $texts = join ",\n\t\t", map { sprintf "('%s', %d)", references($_), $texts{$_} } sort keys %texts;
print <<"SCRIPT" if $texts;

DO \$\$
DECLARE
	respelt	bigint;
BEGIN
	SELECT pg_catalog.sum(t.texts) INTO respelt FROM (VALUES
		$texts
	) AS t (characters, texts)
	 WHERE EXISTS (SELECT 1 FROM pg_catalog.regexp_matches(t.characters, '&#[0-9]+;', 'g') AS c (reference)
		WHERE \@extschema\@._spell(c.reference[1]) OPERATOR(pg_catalog.~) '^[ -~]*\$');
	IF respelt OPERATOR(pg_catalog.>) 0 THEN
		IF pg_catalog.current_setting('client_min_messages') OPERATOR(pg_catalog.=) 'warning' THEN
			PERFORM pg_catalog.set_config('client_min_messages', 'notice', true);
		END IF;
		RAISE NOTICE 'encoding "%" lacks characters of texts of customer_scoring; texts respelt: %',
			pg_catalog.getdatabaseencoding(), respelt
			USING DETAIL = 'Letters are written without accents that it lacks; other characters as the nearest of ASCII.';
	END IF;
END
\$\$;
SCRIPT
