#!/bin/sh
# install.sh PACKAGE... installs the Debian packages that are missing, and says
# nothing when none is. Servers among them are neither started now nor at the
# next boot: tests start their own.
set -eu

command -v dpkg-query >/dev/null || {
	echo "install.sh: this is not Debian; install by hand: $*" >&2
	exit 1
}

missing=
for package; do
	status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) || status=
	[ "$status" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
	command -v sudo >/dev/null || {
		echo "install.sh: only root can install$missing" >&2
		exit 1
	}
	exec sudo -- "$0" "$@"
fi

# invoke-rc.d(8): 101 forbids the action.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
	trap 'rm -f "$policy"' EXIT
	trap 'exit 1' HUP INT TERM
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod 755 "$policy"
fi

# What brings a service enables it. Only those that are new here are disabled
# again; erlang-base brings epmd.
services=
for service in $missing epmd; do
	[ -e "/lib/systemd/system/$service.service" ] || services="$services $service"
done

echo "Installing$missing"
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update
# shellcheck disable=SC2086 # a list of words
apt-get -qq -y -o Dpkg::Use-Pty=0 install --no-install-recommends $missing

for service in $services; do
	if [ -e "/lib/systemd/system/$service.service" ] && command -v systemctl >/dev/null; then
		systemctl --quiet disable "$service.service"
	fi
done
