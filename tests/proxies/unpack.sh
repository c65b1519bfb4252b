#!/bin/sh
# Unpacks nginx and HAProxy from Debian's packages into a folder, unless the machine has them: ./unpack.sh folder
# Nothing is installed or started; the lists of packages are those of the machine, kept in the folder.
set -eu
PATH=$PATH:/usr/sbin
if command -v nginx > /dev/null && command -v haproxy > /dev/null; then
	exit 0
fi
if ! command -v apt-get > /dev/null; then
	echo "tests/proxies: install nginx and haproxy, or their tests are skipped" >&2
	exit 0
fi
mkdir -p "$1/apt/lists/partial" "$1/apt/archives/partial"
folder=$(cd "$1" && pwd)
fetch() {
	apt-get -qq -o Dir::State::lists="$folder/apt/lists" -o Dir::Cache="$folder/apt" -o Debug::NoLocking=1 \
		-o APT::Sandbox::User="$(id -un)" "$@"
}
fetch update
fetch --yes --download-only --no-install-recommends install nginx haproxy
for package in "$folder"/apt/archives/*.deb; do
	dpkg-deb -x "$package" "$folder"
done
rm -r "$folder/apt"
