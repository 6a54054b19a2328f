# SPDX-License-Identifier: GPL-2.0-or-later
#
# What scripts/run, scripts/test and the others share: where things are, how
# progress is told, and steps that are done once. Sourced with bash.

set -u
umask 022
unset CDPATH GREP_OPTIONS
export LC_ALL=C.UTF-8

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)

# say: to the terminal, never to stdout, which may belong to a guest
say() { printf '%s\n' "$*" >&2; }

die()
{
    say "error: $1"
    shift
    local line
    for line; do say "       $line"; done
    exit 1
}

# choose_dirs: sets build_dir (this checkout's results) and cache_dir (downloads
# and compiler cache, shared by a user's checkouts), and creates them
choose_dirs()
{
    local home=${HOME:-}
    [ -n "$home" ] || home=$(getent passwd "$(id -u)" | cut -d: -f6)
    if [ -z "${QPV_CACHE:-}" ]; then
        QPV_CACHE=${XDG_CACHE_HOME:-${home:-/var/tmp}/.cache}/qemu-paravisor
        mkdir -p "$QPV_CACHE" 2>/dev/null && [ -w "$QPV_CACHE" ] ||
            QPV_CACHE=/var/tmp/qemu-paravisor-$(id -u)
    fi
    cache_dir=$QPV_CACHE
    build_dir=${build_dir:-${QPV_BUILD:-$top/build}}
    case $build_dir in /*) ;; *) build_dir=$PWD/$build_dir ;; esac
    case $build_dir in
    *[[:space:]:]*)
        # QEMU's configure takes neither spaces nor colons in a path.
        build_dir=$cache_dir/build-$(printf %s "$build_dir" | cksum | cut -d' ' -f1)
        say "note: QEMU cannot be built in a path with spaces or colons; building in $build_dir"
        ;;
    esac
    case $build_dir$cache_dir in
    *[[:space:]:]*) die "the cache folder's path has spaces or colons: $cache_dir" \
        "Set QPV_CACHE to a folder without them." ;;
    esac
    mkdir -p "$build_dir" 2>/dev/null && [ -w "$build_dir" ] ||
        die "cannot write to $build_dir" \
            "Name another folder: --build-dir DIR, or QPV_BUILD=DIR in the environment."
    mkdir -p "$cache_dir" 2>/dev/null && [ -w "$cache_dir" ] ||
        die "cannot write to $cache_dir" "Name another folder: QPV_CACHE=DIR in the environment."
    logs=$build_dir/logs
    stamps=$build_dir/stamps
    check_space
    mkdir -p "$logs" "$stamps" || die "cannot make folders in $build_dir"
    export QPV_BUILD=$build_dir QPV_CACHE
}

# take_lock FILE WHAT: wait until nobody else works there; held until
# drop_lock or the end. The holder's process id stands in the file.
take_lock()
{
    exec 9>>"$1" || die "cannot open $1"
    if ! flock -n 9; then
        say "another call (process $(cat "$1" 2>/dev/null)) works in $2: waiting for it. Ctrl-C gives up."
        flock 9
    fi
    echo $$ >"$1"
}

drop_lock() { exec 9>&-; }

# digest: one hash of stdin
digest() { sha256sum | cut -c1-24; }

# files_digest FILE...: one hash of contents and names, not of paths
files_digest()
{
    local file
    for file; do
        printf '%s ' "${file##*/}"
        sha256sum <"$file"
    done | digest
}

# is_done NAME KEY / mark_done NAME KEY: a step counts as done while its
# stamp holds the key made of all its inputs
is_done() { [ "$(cat "$stamps/$1" 2>/dev/null)" = "$2" ]; }

mark_done()
{
    printf '%s\n' "$2" >"$stamps/$1.tmp" && mv "$stamps/$1.tmp" "$stamps/$1"
}

full_mib=16
step_number=0
quiet_when_done=${quiet_when_done:-}

# step NAME KEY TITLE FIX COMMAND...: run COMMAND once per KEY, output to a log.
# The command runs in a subshell with `set -e` and without the lock.
step()
{
    local name=$1 key=$2 title=$3 fix=$4 log start status
    shift 4
    step_number=$((step_number + 1))
    log=$logs/$name.log
    if is_done "$name" "$key"; then
        [ -n "$quiet_when_done" ] || say "[$step_number] $title: already done"
        return 0
    fi
    say "[$step_number] $title"
    rm -f "$stamps/$name"
    start=$SECONDS
    # A process group of its own, so that Ctrl-C can end all of it.
    set -m
    (trap - INT TERM; set -e; exec 9>&-; "$@") >"$log" 2>&1 </dev/null &
    step_pid=$!
    set +m
    show_progress "$log" "$step_pid"
    wait "$step_pid" 2>/dev/null
    status=$?
    step_pid=
    if [ $status -ne 0 ]; then
        say "    failed (exit status $status):"
        show_failure "$log"
        check_space
        die "$title failed" "Log: $log" "What to do: $fix" "Then call again: finished steps are kept."
    fi
    mark_done "$name" "$key" || { check_space; die "cannot write to $stamps"; }
    say "    done in $((SECONDS - start)) s"
}

# check_space: ends the call if a disk that we write to is full
check_space()
{
    local dir free
    for dir in "$build_dir" "$cache_dir" "${TMPDIR:-/tmp}"; do
        free=$(df -Pk "$dir" 2>/dev/null | awk 'NR == 2 { print int($4 / 1024) }')
        [ "${free:-$full_mib}" -ge "$full_mib" ] ||
            die "the disk with $dir is full: $free MiB free" \
                "A build takes about 3 GiB, the downloads 1 GiB. Make room, or name other folders:" \
                "--build-dir DIR, QPV_CACHE=DIR and TMPDIR=DIR in the environment." \
                "Then call again: finished steps are kept."
    done
}

# show_failure LOG: the first compiler error, else the end
show_failure()
{
    local text
    text=$(grep -avE '^\[[0-9]+/[0-9]+\]' "$1")
    if printf '%s\n' "$text" | grep -qiE 'error: '; then
        printf '%s\n' "$text" | grep -aiE -m 1 -A 12 'error: '
    else
        printf '%s\n' "$text" | tail -n 15
    fi | cut -c1-240 | sed 's/^/    | /' >&2
}

# show_progress LOG PID: until PID ends, tell how far ninja or a download is:
# on a terminal in place, else a line for each tenth
show_progress()
{
    local last='' now percent tenth=-1
    while kill -0 "$2" 2>/dev/null; do
        sleep 0.3
        now=$(tail -c 4000 "$1" 2>/dev/null | tr '\r' '\n' |
              grep -aoE '^\[[0-9]+/[0-9]+\]|^progress: .*' | tail -n 1)
        [ "$now" != "$last" ] || continue
        last=$now
        if [ -t 2 ]; then
            printf '\r\033[K    %s' "$now" >&2
            continue
        fi
        case $now in
        \[*)
            percent=$(echo "$now" | awk -F'[][/]' '$3 > 0 { print int($2 * 10 / $3) }')
            if [ "$percent" != "$tenth" ]; then
                tenth=$percent
                say "    $now"
            fi ;;
        progress:*) say "    ${now#progress: }" ;;
        esac
    done
    [ ! -t 2 ] || printf '\r\033[K' >&2
}

# Ctrl-C: end the running step's whole group, keep what is finished
on_interrupt()
{
    trap - INT TERM
    if [ -n "${step_pid:-}" ]; then
        kill -TERM -- "-$step_pid" 2>/dev/null
        wait "$step_pid" 2>/dev/null
    fi
    say ""
    say "interrupted; finished steps are kept, the next call goes on from here"
    exit 130
}
trap on_interrupt INT TERM
