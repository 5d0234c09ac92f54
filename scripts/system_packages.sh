#!/bin/sh
# Sees to it that the system programs which the tests' real parts need are there: an X server without a screen, a
# tool that moves its pointer and keys, strace, containers, and an OCI registry. Only Debian and its relatives are
# served.
#
# It installs packages only as root, or where sudo asks no password. docker-registry is unpacked into .rig/registry
# instead of being installed, because Debian's package would start a service. Where something can't be had, it says
# what the tests will skip, and exits with 0.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)

has() { command -v "$1" >/dev/null 2>&1; }

say() { echo "system packages: $*"; }

missing=""
need() { # need PROGRAM PACKAGE
    has "$1" || missing="$missing $2"
}
need Xvfb xvfb
need xdotool xdotool
need xauth xauth
need xprop x11-utils

tracing=""
has strace || tracing="strace"

containers=""
for program in podman runc slirp4netns; do # Debian's other runtime, crun 1.8, fails where cgroups are mixed
    has "$program" || containers="podman runc slirp4netns"
done

registry=$root/.rig/registry
no_registry() { ! has docker-registry && [ ! -x "$registry/usr/bin/docker-registry" ]; }

if [ -z "$missing$tracing$containers" ] && ! no_registry; then
    exit 0
fi

as_root=""
if [ "$(id -u)" -ne 0 ]; then
    if has sudo && sudo -n true 2>/dev/null; then as_root="sudo -n"; else as_root="no"; fi
fi

if ! has apt-get; then
    say "this system has no apt-get, so nothing is installed."
    [ -z "$missing" ] || say "the tests that need these programs are skipped until you install them:$missing"
    [ -z "$tracing" ] || say "the tests that cut the power are skipped until strace is on PATH"
    [ -z "$containers" ] || say "the tests that look into containers are skipped until podman is on PATH"
    no_registry && say "the tests that pull models are skipped until docker-registry 2.8 is on PATH"
    exit 0
fi

log=$(mktemp)
scratch=$(mktemp -d)
trap 'rm -rf "$log" "$scratch"' EXIT

quietly() { # runs a command and shows what it wrote only when it failed
    if ! "$@" </dev/null >"$log" 2>&1; then
        tail -n 15 "$log" >&2
        return 1
    fi
}

if [ "$as_root" != "no" ]; then
    quietly $as_root apt-get -o DPkg::Lock::Timeout=120 update || say "apt-get update failed; trying with the old lists"
fi

install() { # install "PACKAGE..." WHICH-TESTS
    if [ "$as_root" = "no" ]; then
        say "may not install $1 (not root, and sudo wants a password); the tests that $2 are skipped."
        say "to run them: sudo apt-get install $1"
    else
        say "installing $1"
        # shellcheck disable=SC2086  # the packages are separate words on purpose
        quietly $as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 \
            install -y --no-install-recommends $1 ||
            say "apt-get could not install $1; the tests that $2 are skipped"
    fi
}

[ -z "$missing" ] || install "${missing# }" "open a window"
[ -z "$tracing" ] || install "$tracing" "cut the power"
[ -z "$containers" ] || install "$containers" "look into containers"

if no_registry; then
    say "unpacking docker-registry into .rig/registry"
    rm -rf "$registry" "$registry.part"
    mkdir -p "$registry.part"
    # apt downloads as its own user, so the folder must be writable by everybody.
    chmod 777 "$scratch"
    if (cd "$scratch" && quietly apt-get download docker-registry) &&
        quietly dpkg-deb -x "$scratch"/docker-registry_*.deb "$registry.part"; then
        mv "$registry.part" "$registry"
    else
        rm -rf "$registry.part"
        say "docker-registry could not be fetched; the tests that pull models are skipped"
    fi
fi
exit 0
