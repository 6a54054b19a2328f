# SPDX-License-Identifier: GPL-2.0-or-later
#
# QEMU: fetch, patch, lay the overlay, configure, build. Sourced after
# common.sh and packages.sh.

qemu_suite_version='10.0.'          # what the series is made for
qemu_src=                           # set by choose_source

# Folder of ours -> place in QEMU's tree
overlay='accel:accel/hyperv vmbus:hw/vmbus hw-paravisor:hw/paravisor
tests-qtest:tests/qtest/paravisor accel/hyperv.json:qapi/hyperv.json
accel/hyperv-object.json:qapi/hyperv-object.json'

# Only what the project uses: TCG and KVM, user mode and vhost network, the
# disk back ends, TPM for guests, seccomp for libvirt, the tools, and the three
# allocator and barrier options that are on in a stock build.
qemu_features=(
    --target-list=x86_64-softmmu --without-default-features
    --enable-tcg --enable-kvm
    --enable-slirp --enable-vhost-net --enable-vhost-kernel
    --enable-linux-aio --enable-linux-io-uring
    --enable-tpm --enable-seccomp --enable-pixman
    --enable-coroutine-pool --enable-malloc-trim --enable-membarrier
    --disable-docs --disable-install-blobs --disable-download
    --with-pkgversion="qemu-paravisor $(sed -n "s/^project('qemu-paravisor', version: '\(.*\)', license.*/\1/p" "$top/meson.build")"
    --firmwarepath=/usr/share/qemu:/usr/share/seabios:/usr/lib/ipxe/qemu
)
# An uninstalled QEMU looks for these folders below its qemu-bundle folder.
firmware_dirs='usr/share/qemu usr/share/seabios usr/lib/ipxe/qemu'

# fetch_qemu_source: newest 10.0.* of suite trixie into the cache; its .dsc is
# noted in build_dir/qemu-source
fetch_qemu_source()
{
    local version dsc dir=$cache_dir/source
    private_apt qemu
    update_index qemu
    mkdir -p "$dir"
    cd "$dir"
    # An old index names no version, or one that the mirror has no more.
    fetch_newest_qemu || { update_index qemu force; fetch_newest_qemu; }
    dsc=$dir/qemu_${version#*:}.dsc
    [ -e "$dsc" ] || { echo "apt-get left no $dsc"; return 1; }
    echo "$dsc" >"$build_dir/qemu-source.tmp"
    mv "$build_dir/qemu-source.tmp" "$build_dir/qemu-source"
}

# fetch_newest_qemu: sets version
fetch_newest_qemu()
{
    version=$(newest_qemu)
    [ -n "$version" ] || { echo "Suite trixie of the mirror has no QEMU $qemu_suite_version*"; return 1; }
    echo "progress: fetching QEMU $version"
    apt-get "${apt_options[@]}" source --download-only "qemu=$version"
}

newest_qemu()
{
    apt-cache "${apt_options[@]}" showsrc --only-source qemu 2>/dev/null |
        awk -v want="$qemu_suite_version" '$1 == "Version:" {
            v = $2; sub("^[0-9]+:", "", v); if (index(v, want) == 1) print $2 }' |
        sort -V | tail -n 1
}

# fetch_meson: Debian 12's meson is too old for QEMU; trixie's runs there too
fetch_meson()
{
    private_apt qemu
    update_index qemu
    rm -rf "$build_dir/meson.tmp" "$build_dir/meson-deb"
    fetch_packages qemu "$build_dir/meson-deb" meson
    dpkg-deb -x "$build_dir"/meson-deb/meson_*.deb "$build_dir/meson.tmp"
    rm -rf "$build_dir/meson" "$build_dir/meson-deb"
    mv "$build_dir/meson.tmp" "$build_dir/meson"
}

use_meson()
{
    meson_path=$build_dir/meson/usr/lib/python3/dist-packages
    meson=(/usr/bin/env "PYTHONPATH=$meson_path" /usr/bin/python3 -m mesonbuild.mesonmain)
}

use_ccache()
{
    export CCACHE_DIR=${CCACHE_DIR:-$cache_dir/ccache} CCACHE_BASEDIR=$build_dir CCACHE_NOHASHDIR=1
    export CCACHE_MAXSIZE=${CCACHE_MAXSIZE:-4G} CCACHE_SLOPPINESS=time_macros
}

# unpack_source FROM TO: a .dsc, a tarball, or a folder
unpack_source()
{
    local from=$1 to=$2
    rm -rf "$to"
    case $from in
    *.dsc)
        dpkg-source --no-check -x "$from" "$to" ;;
    *)
        mkdir -p "$to"
        if [ -d "$from" ]; then
            (cd "$from" && tar -cf - --exclude=./.git --exclude=./build .) | tar -C "$to" -xf -
        else
            tar -C "$to" --strip-components=1 -xf "$from"
        fi ;;
    esac
    [ -e "$to/VERSION" ] && [ -e "$to/configure" ] || { echo "$from is no QEMU source"; return 1; }
}

# apply_series TREE [LAST]: our patches in order, fuzz 0, up to and with LAST
apply_series()
{
    local tree=$1 last=${2:-} patch
    while read -r patch; do
        case $patch in ''|\#*) continue ;; esac
        echo "-- $patch"
        (cd "$tree" && patch -p1 -F0 --no-backup-if-mismatch) <"$top/qemu-patches/$patch" || {
            echo "qemu-patches/$patch does not apply to QEMU $(cat "$tree/VERSION") with fuzz 0"
            return 1
        }
        [ "$patch" != "$last" ] || break
    done <"$top/qemu-patches/series"
}

lay_overlay()
{
    local pair
    for pair in $overlay; do
        ln -sfn "$top/${pair%%:*}" "$1/${pair#*:}"
    done
}

# prepare_source FROM: the patched tree with the overlay at build_dir/qemu
prepare_source()
{
    local new=$build_dir/qemu.new
    unpack_source "$1" "$new"
    apply_series "$new"
    lay_overlay "$new"
    rm -rf "$build_dir/qemu.old"
    [ ! -e "$build_dir/qemu" ] || mv "$build_dir/qemu" "$build_dir/qemu.old"
    mv "$new" "$build_dir/qemu"
    rm -rf "$build_dir/qemu.old"
}

# Variants: obj (the product), san (ASan and UBSan)
variant_args()
{
    case $1 in
    obj) echo "--enable-tools --enable-werror --enable-debug-info" ;;
    san) echo "--enable-tools --enable-werror --enable-asan --enable-ubsan --enable-debug-info -Doptimization=1" ;;
    esac
}

configure_qemu()
{
    local dir=$build_dir/$1 src=$build_dir/qemu
    rm -rf "$dir"
    mkdir -p "$dir"
    cd "$dir"
    use_meson
    use_ccache
    # shellcheck disable=SC2046
    PYTHONPATH=$meson_path "$src/configure" --python=/usr/bin/python3 --cc="ccache gcc" \
        "${qemu_features[@]}" $(variant_args "$1") || {
        cp meson-logs/meson-log.txt "$logs/meson-$1.log" 2>/dev/null
        echo "meson's own log: $logs/meson-$1.log"
        return 1
    }
    local folder
    for folder in $firmware_dirs; do
        mkdir -p "qemu-bundle/${folder%/*}"
        ln -sfn "/$folder" "qemu-bundle/$folder"
    done
    # Later ninja runs call meson again without our PYTHONPATH.
    echo "$meson_path" >"$(echo pyvenv/lib/python3*/site-packages)/private-meson.pth"
}

build_qemu()
{
    local variant=$1
    shift
    use_ccache
    ninja -C "$build_dir/$variant" "$@"
}

# The three stages that scripts call. ensure_source: the patched tree
ensure_source()
{
    local key src_key from net
    net="see that this machine reaches its Debian mirror, or name a source with --qemu-source"
    if [ -n "${qemu_source:-}" ]; then
        from=$qemu_source
        src_key=$(source_digest "$from") || exit 1
    else
        step fetch-qemu "$qemu_suite_version" "fetch the QEMU source from the Debian mirror" \
            "$net" fetch_qemu_source
        from=$(cat "$build_dir/qemu-source")
        src_key=$(basename "$from")
    fi
    step fetch-meson 1 "fetch meson from the Debian mirror" "$net" fetch_meson
    use_meson
    key=$({ echo "$src_key $overlay $top"; cat "$top"/qemu-patches/series
            files_digest "$top"/qemu-patches/*.patch; } | digest)
    step source "$key" "unpack QEMU, apply the patch series, lay the overlay" \
        "the series is made for QEMU 10.0.13 as Debian has it; see qemu-patches/README.rst" \
        prepare_source "$from"
}

# ensure_configured VARIANT
ensure_configured()
{
    local key
    key=$(echo "$build_dir ${qemu_features[*]} $firmware_dirs $(variant_args "$1") $(gcc -dumpfullversion)" | digest)
    step "configure-$1" "$key" "configure QEMU ($1)" \
        "a missing library is named in the log" configure_qemu "$1"
}

# ensure_built VARIANT TARGET...: ninja itself knows what is done
ensure_built()
{
    local variant=$1
    shift
    step "build-$variant" "$(date +%s%N)" "build QEMU ($variant)" \
        "read the first error in the log" build_qemu "$variant" "$@"
}

# setup_suites: the project of the top meson.build, in build_dir/suites
setup_suites()
{
    local options=()
    [ ! -e "$build_dir/suites/meson-private/coredata.dat" ] || options=(--reconfigure)
    "${meson[@]}" setup ${options[@]+"${options[@]}"} "$build_dir/suites" "$top" || {
        rm -rf "$build_dir/suites"
        "${meson[@]}" setup "$build_dir/suites" "$top"
    }
}

source_digest()
{
    if [ -d "$1" ]; then
        [ -e "$1/VERSION" ] || die "$1 is no QEMU source: it has no VERSION file"
        (cd "$1" && find . -path ./.git -prune -o -path ./build -prune -o -type f -printf '%P %s %T@\n' |
            LC_ALL=C sort | digest)
    elif [ -f "$1" ]; then
        sha256sum <"$1" | digest
    else
        die "no such QEMU source: $1"
    fi
}
