#!/bin/sh
# Installs the system packages that the tests need where it may; otherwise names them in one line.
set -eu
lacking=""
[ -x /usr/sbin/mosquitto ] || command -v mosquitto >/dev/null || lacking="$lacking mosquitto"
ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || command -v postgres >/dev/null || lacking="$lacking postgresql"
command -v chromium >/dev/null || lacking="$lacking chromium"
fc-list 2>/dev/null | grep -qi "cjk" || lacking="$lacking fonts-noto-cjk"
[ -z "$lacking" ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    # shellcheck disable=SC2086
    apt-get install -y -qq --no-install-recommends $lacking >/dev/null
else
    echo "the tests need these system packages:$lacking" >&2
    exit 1
fi
