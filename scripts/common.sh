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
