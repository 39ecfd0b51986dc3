#!/usr/bin/perl
# Is META.json what PGXN wants (its Meta Spec 1.0.0), and true of the tree?
#
#   perl test/meta.pl FOLDER      says what is wrong, and fails
use strict;
use warnings;
use JSON::PP;

my ($folder) = @ARGV;
my @problems;

sub slurp
{
	my ($name) = @_;
	open my $in, '<', "$folder/$name" or die "$folder/$name: $!\n";
	local $/;
	return <$in>;
}

# a condition, in scalar context, and what is wrong without it
sub want($$)
{
	my ($true, $problem) = @_;
	push @problems, $problem unless $true;
}

my $meta = decode_json(slurp('META.json'));
my ($version) = slurp('customer_scoring.control') =~ /^default_version = '(.*)'$/m;
my ($oldest) = slurp('debian/pgversions') =~ /^(\d+)\+$/m;

for my $key (qw(name version abstract maintainer license provides meta-spec))
{
	want(defined $meta->{$key}, "no $key");
}
my @keys = qw(name version abstract maintainer license provides meta-spec description generated_by no_index prereqs release_status resources tags);
for my $key (keys %$meta)
{
	want((grep { $_ eq $key } @keys), "PGXN knows no $key");
}
want(($meta->{'meta-spec'}{version} // '') eq '1.0.0', 'meta-spec is not 1.0.0');
want(($meta->{version} // '') eq $version, "version is not $version, of the control file");
want($version =~ /^(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}(-[0-9A-Za-z.-]+)?$/, "version $version is not semantic");
want(($meta->{license} // '') eq 'postgresql' && slurp('LICENSE') =~ /^PostgreSQL License/, 'license is not that of LICENSE');
want(($meta->{release_status} // '') =~ /^(stable|testing|unstable)$/, 'release_status is unknown');
want(!(grep { length > 255 || m{[/\\]} } @{ $meta->{tags} }), 'a tag that PGXN refuses');

my $provides = $meta->{provides} // {};
want(join(' ', keys %$provides) eq 'customer_scoring', 'provides is not the one extension');
for my $extension (values %$provides)
{
	want(($extension->{version} // '') eq $version, "what it provides is not version $version");
	for my $key (qw(file docfile))
	{
		want(defined $extension->{$key} && -f "$folder/$extension->{$key}", "$key is not there");
	}
}

for my $phase (keys %{ $meta->{prereqs} })
{
	want($phase =~ /^(configure|build|test|runtime|develop)$/, "prereqs has the phase $phase");
	want($_ =~ /^(requires|recommends|suggests|conflicts)$/, "prereqs has $_") for keys %{ $meta->{prereqs}{$phase} };
}
my $postgres = $meta->{prereqs}{runtime}{requires}{PostgreSQL} // 'none';
want($postgres eq "$oldest.0.0", "PostgreSQL $postgres is asked for, the Debian package is for $oldest");
want(slurp('README.md') =~ /PostgreSQL $oldest or later/, "README.md asks for another PostgreSQL than $oldest");

print "$_\n" for @problems;
exit(@problems ? 1 : 0);
