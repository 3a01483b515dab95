#!/bin/sh
# Install what pip cannot: Qt's system libraries (demo) and what the tests talk to (test).
# As root on Debian/Ubuntu it installs what is missing; elsewhere it prints the exact line to run and goes on.
set -eu

purpose=${1:-demo}
qt="libegl1 libgl1 libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1"
qt="$qt libxcb-image0 libxcb-render-util0 libxcb-shape0 libdbus-1-3 libfontconfig1 fonts-dejavu-core"
case "$purpose" in
    demo) wanted="$qt" ;;
    test)
        wanted="$qt xvfb xauth gcc libc6-dev pkg-config libmodbus-dev mbpoll"
        command -v npm >/dev/null 2>&1 || wanted="$wanted nodejs npm"   # the second foreign Modbus device
        ;;
    *) echo "usage: $0 demo|test" >&2; exit 2 ;;
esac

command -v dpkg-query >/dev/null 2>&1 || exit 0   # not Debian: PySide6's wheel brings Qt, the desktop brings the rest
missing=""
for package in $wanted; do
    state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$state" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then
    echo "Installing system packages:$missing"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
else
    echo "Some system packages are missing. Run this once, then again what you just ran:"
    echo "  sudo apt-get install -y --no-install-recommends$missing"
fi
