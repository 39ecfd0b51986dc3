# A throw-away PostgreSQL cluster with this extension built into it.
#
# Sourced by demo/run, test/run and test/bench/run (bash). Everything lives in
# one temporary directory, belongs to an unprivileged user and listens on a
# unix socket there; an existing cluster is never touched, and nothing is left
# running, not even after kill -9 of the script.
#
#   need_postgres [PACKAGE...]     install what is missing, set PG_CONFIG, PGBIN, PGMAJOR; PG_CONFIG may name
#                                  Debian's of another major: /usr/lib/postgresql/16/bin/pg_config
#   try_packages PACKAGE...        install what is missing, if it can be had
#   make_workspace                 set WORK, the temporary directory; removed at exit
#   build_extension NAME [ARG...]  copy the source to $WORK/NAME, make it there, install it below $WORK/NAME.root
#   start_cluster NAME [SETTING...] initdb $WORK/data and start it with the extension of that build;
#                                  SERVER_SETTINGS and SERVER_ENV, arrays, may hold more for all clusters
#   stop_cluster
#   as_user COMMAND...             run COMMAND as the unprivileged user
#
# After start_cluster, psql and friends reach the cluster by PGHOST, PGPORT and
# PGUSER, as whoever runs the script.

SOURCE_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
POSTMASTER=

die() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 1; }

as_root() {
	if [ "$(id -u)" = 0 ]; then "$@"
	elif command -v sudo >/dev/null; then sudo "$@"
	else die "needs root or sudo to install Debian packages: $*"
	fi
}

have_package() { dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q 'ok installed'; }

update_lists() {
	[ -n "${LISTS_UPDATED:-}" ] || as_root apt-get update -q || return 1
	LISTS_UPDATED=1
}

# Installing PostgreSQL would start a cluster on port 5432: say no to that,
# and take the word back afterwards.
install_packages() {
	local conf=/etc/postgresql-common/createcluster.conf policy=/usr/sbin/policy-rc.d made_conf='' made_policy='' rc=0
	echo "installing Debian packages: $*" >&2
	if [ ! -e $conf ] && ! have_package postgresql-common; then
		as_root mkdir -p /etc/postgresql-common
		echo 'create_main_cluster = false' | as_root tee $conf >/dev/null
		made_conf=1
	fi
	if [ ! -e $policy ]; then
		printf '#!/bin/sh\nexit 101\n' | as_root tee $policy >/dev/null
		as_root chmod 755 $policy
		made_policy=1
	fi
	local log; log=$(mktemp)
	{
		update_lists &&
		as_root env DEBIAN_FRONTEND=noninteractive UCF_FORCE_CONFFOLD=1 \
			apt-get install -y -q --no-install-recommends "$@"
	} >"$log" 2>&1 </dev/null || rc=$?
	if [ -n "$made_conf" ]; then
		as_root rm -f $conf
		# the package's own file, which waits beside ours
		[ ! -e $conf.ucf-dist ] || as_root mv $conf.ucf-dist $conf
	fi
	[ -z "$made_policy" ] || as_root rm -f $policy
	[ $rc = 0 ] || { tail -n 20 "$log" >&2; rm -f "$log"; die "could not install: $*"; }
	rm -f "$log"
}

# The newest major that has both a server and its headers here; else the
# distribution's own.
find_postgres() {
	local dir
	PGBIN=
	for dir in $(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -t/ -k5,5nr); do
		[ -x "$dir/postgres" ] && [ -x "$dir/initdb" ] && [ -x "$dir/psql" ] && [ -x "$dir/pg_config" ] &&
			[ -f "$("$dir/pg_config" --pgxs)" ] && [ -f "$("$dir/pg_config" --includedir-server)/postgres.h" ] || continue
		[ "${PG_CONFIG:-$dir/pg_config}" = "$dir/pg_config" ] || continue
		PGMAJOR=$(basename "$(dirname "$dir")")
		[ "$PGMAJOR" -ge 15 ] || continue
		PGBIN=$dir
		PG_CONFIG=$dir/pg_config
		return 0
	done
	return 1
}

# The major of the distribution, as far as apt's lists tell.
candidate_major() { apt-cache policy postgresql 2>/dev/null | sed -n 's/^ *Candidate: *\([0-9]*\).*/\1/p'; }

need_postgres() {
	local missing=() package major
	for package in make gcc libc6-dev liblbfgs-dev liblapack-dev "$@"; do
		have_package "$package" || missing+=("$package")
	done
	if ! find_postgres; then
		[ -e /etc/debian_version ] || die "no PostgreSQL 15 or later with its server headers found"
		major=$(sed -nE 's#^/usr/lib/postgresql/([0-9]+)/bin/pg_config$#\1#p' <<<"${PG_CONFIG:-}")
		[ -n "$major" ] || [ -n "$(candidate_major)" ] || as_root apt-get update -q >/dev/null 2>&1
		[ -n "$major" ] || major=$(candidate_major)
		[ -n "$major" ] || die "this machine's package sources have no package 'postgresql'"
		# a server that is there stays as it is: it may be somebody's
		[ -x "/usr/lib/postgresql/$major/bin/postgres" ] || missing+=("postgresql-$major")
		missing+=("postgresql-server-dev-$major")
	fi
	[ ${#missing[@]} = 0 ] || install_packages "${missing[@]}"
	find_postgres || die "no usable PostgreSQL found after installing it"
	export PG_CONFIG
}

# Packages without which a few tests are skipped: installed if they can be had.
try_packages() {
	local missing=() package
	for package in "$@"; do
		have_package "$package" || missing+=("$package")
	done
	[ ${#missing[@]} != 0 ] || return 0
	update_lists >/dev/null 2>&1
	(install_packages "${missing[@]}") || true
}

make_workspace() {
	WORK=$(mktemp -d "${TMPDIR:-/tmp}/customer_scoring.XXXXXX")
	RUN_USER=$(id -un)
	if [ "$(id -u)" = 0 ]; then
		RUN_USER=postgres
		id postgres >/dev/null 2>&1 || RUN_USER=nobody
		# root's TMPDIR may be closed to everyone else
		if ! setpriv --reuid="$RUN_USER" --clear-groups test -x "$(dirname "$WORK")"; then
			rmdir "$WORK"
			WORK=$(mktemp -d /tmp/customer_scoring.XXXXXX)
		fi
		chown "$RUN_USER" "$WORK"
	fi
	chmod 755 "$WORK"
	trap 'cleanup_workspace' EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
}

cleanup_workspace() {
	local rc=$?
	trap - EXIT
	stop_cluster
	[ -n "${KEEP_WORKSPACE:-}" ] && echo "kept: $WORK" >&2 || rm -rf "$WORK"
	exit $rc
}

# PostgreSQL's modules for tests in Perl take LC_ALL away; without LANG their databases would be SQL_ASCII.
as_user() {
	if [ "$(id -u)" = 0 ]; then
		setpriv --reuid="$RUN_USER" --regid="$(id -gn "$RUN_USER")" --init-groups \
			env HOME="$WORK" TMPDIR="$WORK" LANG=C.UTF-8 LC_ALL=C.UTF-8 PATH="$PGBIN:/usr/bin:/bin" "$@"
	else
		env LANG=C.UTF-8 LC_ALL=C.UTF-8 PATH="$PGBIN:$PATH" "$@"
	fi
}

# copy_source NAME: the source, in $WORK/NAME
copy_source() {
	local name=$1
	mkdir "$WORK/$name"
	tar -C "$SOURCE_DIR" --exclude=./.git --exclude='*.o' --exclude='*.bc' --exclude='*.so' \
		--exclude='./customer_scoring--*.sql' --exclude=./tmp_check --exclude=node_modules -cf - . |
		tar -C "$WORK/$name" --no-same-owner -xf -
	[ "$(id -u)" != 0 ] || chown -R "$RUN_USER:" "$WORK/$name"
	chmod -R u+rwX,go+rX "$WORK/$name"
}

# make_extension NAME [ARG...]: make what is in $WORK/NAME, install it below $WORK/NAME.root
make_extension() {
	local name=$1; shift
	as_user make -s -j2 -C "$WORK/$name" PG_CONFIG="$PG_CONFIG" "$@" >"$WORK/$name.log" 2>&1 &&
		as_user make -s -C "$WORK/$name" PG_CONFIG="$PG_CONFIG" "$@" DESTDIR="$WORK/$name.root" install >>"$WORK/$name.log" 2>&1
}

build_extension() {
	copy_source "$1"
	make_extension "$@" || { tail -n 40 "$WORK/$1.log" >&2; die "the build failed"; }
}

# Debian's servers find an extension below a prefix by extension_destdir; from
# 18 on every server has extension_control_path.
extension_settings() {
	local root=$1 known
	# to its end: a server that is cut short by grep -q fails
	known=$("$PGBIN/postgres" --describe-config | cut -f1)
	if grep -qx extension_control_path <<<"$known"; then
		printf '%s\n' "extension_control_path = '$root$("$PG_CONFIG" --sharedir):\$system'" \
			"dynamic_library_path = '$root$("$PG_CONFIG" --pkglibdir):\$libdir'"
	elif grep -qa extension_destdir "$PGBIN/postgres"; then
		echo "extension_destdir = '$root'"
	else
		die "this server can't load an extension from a build directory"
	fi
}

start_cluster() {
	local name=$1 setting extension; shift
	extension=$(extension_settings "$WORK/$name.root") || exit 1
	mkdir -p "$WORK/socket"
	[ "$(id -u)" != 0 ] || chown "$RUN_USER" "$WORK/socket"
	if [ ! -d "$WORK/data" ]; then
		as_user "${INITDB:-$PGBIN/initdb}" -D "$WORK/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 -N >"$WORK/initdb.log" 2>&1 ||
			{ cat "$WORK/initdb.log" >&2; die "initdb failed"; }
	fi
	{
		echo "listen_addresses = ''"
		echo "unix_socket_directories = '$WORK/socket'"
		echo "fsync = off"
		echo "max_wal_size = '4GB'"
		echo "logging_collector = off"
		echo "$extension"
		for setting in "${SERVER_SETTINGS[@]}" "$@"; do echo "$setting"; done
	} | as_user tee "$WORK/data/postgresql.auto.conf" >/dev/null
	export PGHOST=$WORK/socket PGPORT=5432 PGUSER=postgres PGDATABASE=postgres
	unset PGSERVICE PGPASSWORD PGOPTIONS PGDATESTYLE PGTZ PGCLIENTENCODING
	PATH=$PGBIN:$PATH
	# A child of this shell that dies with it, not a daemon; in a process group of
	# its own, so that Ctrl-C in a psql on the same terminal doesn't stop it.
	local options=$-
	set -m
	( cd "$WORK" || exit 1
	  if [ "$(id -u)" = 0 ]; then
		exec setpriv --reuid="$RUN_USER" --regid="$(id -gn "$RUN_USER")" --init-groups --pdeathsig INT \
			env -u LC_ALL HOME="$WORK" "${SERVER_ENV[@]}" "$PGBIN/postgres" -D "$WORK/data" </dev/null >>"$WORK/server.log" 2>&1
	  else
		exec setpriv --pdeathsig INT env "${SERVER_ENV[@]}" "$PGBIN/postgres" -D "$WORK/data" </dev/null >>"$WORK/server.log" 2>&1
	  fi ) &
	POSTMASTER=$!
	case $options in *m*) ;; *) set +m ;; esac
	local i
	for i in $(seq 600); do
		"$PGBIN/pg_isready" -q && return 0
		kill -0 $POSTMASTER 2>/dev/null || break
		sleep 0.1
	done
	tail -n 20 "$WORK/server.log" >&2
	die "the server did not start"
}

stop_cluster() {
	[ -n "$POSTMASTER" ] || return 0
	kill -INT "$POSTMASTER" 2>/dev/null
	wait "$POSTMASTER" 2>/dev/null
	POSTMASTER=
}
