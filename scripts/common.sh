# For the shell scripts beside it: they start in the project's folder and stop at an error.
# shellcheck shell=bash
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# Where JUnit reports go.
export results=build/results

# The interpreters of environments, made or brought up to date.
environment() {
    "${PYTHON:-python3}" scripts/environments.py "$@"
}

# Configure the build folder $1 with the options that follow, unless it is, and build it. (`set -e`
# is off in a function whose result is asked for, so each step says what happens when it fails.)
meson_build() {
    local folder=$1 python
    shift
    python=$(environment build) || return
    PATH=$(dirname "$python"):$PATH
    # Meson cannot reconfigure after every change.
    if ! [ -f "$folder/build.ninja" ] || ! meson setup --reconfigure "$folder" "$@" >/dev/null 2>&1; then
        rm -rf "$folder"
        meson setup "$folder" "$@" >/dev/null || { tail -n 40 "$folder/meson-logs/meson-log.txt"; return 1; }
    fi
    # -k0: show every error at once.
    meson compile -C "$folder" --ninja-args=--quiet,-k0 | sed -e '/^INFO: /d' -e '/^ninja: /d'
}
