# Sourced by the other scripts: where the project is, and how they speak.

project=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
dist="$project/dist"

say() { printf '%s\n' "$*"; }

fail() {
    printf '%s: %s\n' "$(basename "$0")" "$1" >&2
    shift
    [ $# -eq 0 ] || printf '    %s\n' "$@" >&2
    exit 1
}

# Sets as_root: what stands before a command that makes network namespaces, so that it is root in a user namespace of its
# own when the caller is not root. What other users left in /run and /dev/shm is none of its.
become_root() {
    local answer
    as_root=()
    [ "$(id -u)" -ne 0 ] || return 0
    as_root=(unshare --user --map-root-user --net --mount
        bash -c 'mount -t tmpfs tmpfs /run && mount -t tmpfs tmpfs /dev/shm && ip link set lo up && exec "$@"' bash)
    answer=$("${as_root[@]}" true 2>&1) || fail "a user namespace cannot be made, which this needs: $answer" \
        "Run it with sudo, or allow it: sudo sysctl -w kernel.unprivileged_userns_clone=1"
}

# How what ships is built. The accesses to classes' properties are not checked for exclusivity at run time, which costs more than the
# access; locks guard what several threads change, and the debug build, which the tests use, checks all the same. These flags
# stand here, because a package with unsafe flags in its manifest could not be depended upon by version.
release=(-c release --static-swift-stdlib -Xswiftc -enforce-exclusivity=unchecked)
