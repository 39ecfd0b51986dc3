# Chroots of other releases of Debian, made with what apt of this machine knows.
#
# Sourced by test/packages, test/matrix and test/foreign (bash), after test/cluster.sh. What runs in a
# chroot has mounts, processes and shared memory of its own, which end with the program
# that started it: kill -9 of the script leaves files, no more.
#
#   no_chroots [PACKAGE...]      why there can't be any, in words; nothing if there can: the packages are installed
#   make_chroot DIR              the release SUITE, with nothing installed
#   settle_chroot DIR            up to date again, whatever was killed in it
#   in_chroot DIR COMMAND...     run COMMAND there, as root
#
# Chroots that are kept for the next time, in CACHE: MATRIX_CACHE, or a directory of this user's.
#
#   hold_chroot NAME             set CHROOT; until its end this script alone has it
#   renew_chroot                 settle it, if it is there
#   complete_chroot [COMMAND...] make it, with what COMMAND does to $CHROOT.new; only then it has its name

no_chroots() {
	local package
	[ "$(id -u)" = 0 ] || { echo 'chroots need root'; return; }
	[ -e /etc/debian_version ] || { echo 'no Debian'; return; }
	isolated true 2>/dev/null || { echo 'no mounts of its own for a program here'; return; }
	try_packages debootstrap "$@"
	for package in debootstrap "$@"; do
		have_package "$package" || { echo "$package could not be installed"; return; }
	done
	[ -n "$(sources)" ] || apt-get update -q >/dev/null 2>&1
	[ -n "$(sources)" ] || echo 'apt knows no mirror of Debian here'
}

# Lines "deb URI SUITE COMPONENT" for a release, where apt of this machine finds its own.
# sid has no updates beside it.
sources() {
	local here; here=$(. /etc/os-release && echo "$VERSION_CODENAME")
	apt-get indextargets --format '$(ORIGIN) $(REPO_URI) $(CODENAME) $(COMPONENT)' 'Created-By: Packages' |
		awk -v here="$here" -v suite="$SUITE" '$1 == "Debian" && index($3, here) == 1 && (suite != "sid" || $3 == here) {
			print "deb", $2, suite substr($3, length(here) + 1), $4 }'
}

# A shell stays the first process there, which takes all others along when it dies: what changes
# its user, as apt-get does at times, would no longer be told that its parent has died.
isolated() {
	setpriv --pdeathsig KILL unshare --mount --pid --ipc --fork --kill-child=KILL sh -c '"$@"; exit $?' sh "$@"
}

# in_chroot DIR COMMAND...: with /proc, /dev/shm and a clean environment. Its root is a mount of its own, without
# which nothing in there could have mounts of its own again.
in_chroot() {
	local dir=$1; shift
	isolated sh -ec 'mount --bind "$0" "$0"; mount -t proc proc "$0/proc"; mount -t tmpfs tmpfs "$0/dev/shm"
		exec chroot "$0" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 HOME=/root DEBIAN_FRONTEND=noninteractive \
			${http_proxy:+"http_proxy=$http_proxy"} ${https_proxy:+"https_proxy=$https_proxy"} "$@"' "$dir" "$@" </dev/null
}

make_chroot() {
	local dir=$1
	mkdir "$dir" &&
		isolated debootstrap --variant=minbase --include=ca-certificates "$SUITE" "$dir" "$(sources | awk '{ print $2; exit }')" &&
		settle_chroot "$dir"
}

# It asks the mirrors that apt of this machine asks now, which may be others than when it was made, and
# trusts whom this machine trusts. A mirror that lags has lists of sid that are no longer valid after a week.
settle_chroot() {
	local dir=$1
	sources >"$dir/etc/apt/sources.list" &&
		apt-config dump Acquire::http::Proxy >"$dir/etc/apt/apt.conf.d/proxy" &&
		{ [ "$SUITE" != sid ] || echo 'Acquire::Check-Valid-Until "false";' >"$dir/etc/apt/apt.conf.d/valid"; } &&
		echo force-unsafe-io >"$dir/etc/dpkg/dpkg.cfg.d/unsafe-io" &&
		cp /etc/hosts /etc/resolv.conf "$dir/etc/" &&
		{ [ ! -d /usr/local/share/ca-certificates ] || cp -r /usr/local/share/ca-certificates "$dir/usr/local/share/"; } &&
		printf '#!/bin/sh\nexit 101\n' >"$dir/usr/sbin/policy-rc.d" && chmod 755 "$dir/usr/sbin/policy-rc.d" &&
		in_chroot "$dir" sh -ec 'dpkg --configure -a; apt-get update -q
			apt-get install -y -q --fix-broken; apt-get dist-upgrade -y -q; apt-get clean; update-ca-certificates'
}

CACHE=${MATRIX_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/customer_scoring}

hold_chroot() {
	mkdir -p "$CACHE" || exit 1
	CHROOT=$CACHE/$1
	exec 8>"$CHROOT.lock"
	flock -n 8 || die "another run has the chroot $1"
}

renew_chroot() {
	settle_chroot "$CHROOT" >"$CHROOT.log" 2>&1 8>&- || { tail -n 20 "$CHROOT.log" >&2; return 1; }
}

complete_chroot() {
	echo "making a chroot of $SUITE in $CHROOT" >&2
	rm -rf "$CHROOT.new"
	{ make_chroot "$CHROOT.new" && "${@:-true}" && mv "$CHROOT.new" "$CHROOT"; } >"$CHROOT.log" 2>&1 8>&- ||
		{ tail -n 20 "$CHROOT.log" >&2; die "no chroot of $SUITE"; }
}
