# SPDX-License-Identifier: GPL-2.0-or-later
#
# The guest: kernels from the mirror or from local packages, programs for the
# initramfs, the images. Nothing is installed. Sourced after packages.sh and
# initramfs.sh.

default_kernel=6.12

# Packages of suite trixie whose programs go into the images; what they depend
# on is fetched with them, so the guest is the same on every host.
base_programs='usr/sbin/mke2fs usr/sbin/e2fsck usr/sbin/blkid usr/sbin/kexec usr/bin/lsblk'
base_packages='busybox-static e2fsprogs kexec-tools util-linux'
tools_programs='usr/bin/fio usr/bin/strace usr/bin/sg_inq usr/bin/sg_luns usr/bin/sg_raw
usr/bin/sg_requests usr/bin/sg_reset usr/bin/sg_unmap usr/bin/sg_vpd usr/bin/sg_persist'
tools_packages='fio strace sg3-utils iperf3 tcpdump ethtool iproute2 ipxe'
net_programs='usr/bin/iperf3 usr/bin/tcpdump usr/sbin/ethtool usr/bin/ip
usr/lib/x86_64-linux-gnu/libgcc_s.so.1'
daemons_programs='usr/sbin/hv_kvp_daemon usr/sbin/hv_vss_daemon usr/sbin/hv_fcopy_daemon'
daemons_packages='hyperv-daemons'

# fetch_programs NAME PACKAGE...: packages with all they depend on, unpacked to
# build_dir/guest/NAME
fetch_programs()
{
    local root=$build_dir/guest/$1 deb list
    shift
    private_apt qemu
    update_index qemu
    echo "progress: fetching $*"
    local get=(apt-get "${apt_options[@]}" -y --download-only install)
    "${get[@]}" "$@" || {
        update_index qemu force
        "${get[@]}" "$@"
    }
    rm -rf "$root.tmp"
    mkdir -p "$root.tmp"
    list=$(apt-get "${apt_options[@]}" -y -s install "$@" |
           awk '$1 == "Inst" { v = $3; sub("^[(]", "", v); print $2 " " v }')
    echo "progress: unpacking $(echo "$list" | wc -l) packages"
    local name version
    while read -r name version; do
        deb=$(ls "$cache_dir/apt/archives/${name}_${version//:/%3a}"_*.deb)
        dpkg-deb --fsys-tarfile "$deb" |
            tar -C "$root.tmp" -xf - --keep-directory-symlink --exclude='./usr/share/*'
    done <<<"$list"
    rm -rf "$root"
    mv "$root.tmp" "$root"
}

make_base_image()
{
    local root=$build_dir/guest/base-root sysroot=$build_dir/guest/base-programs file
    busybox=$sysroot/usr/bin/busybox
    rm -rf "$root"
    mkdir -p "$root"/{bin,sbin,qpv,usr/bin,usr/sbin}
    cp "$busybox" "$root/bin/busybox"
    ln -s busybox "$root/bin/sh"
    install -m 755 "$top/scripts/guest/init" "$root/init"
    install -m 755 "$top/scripts/guest/agent" "$top/scripts/guest/demo" "$root/qpv/"
    for file in $base_programs; do
        add_elf "$sysroot" "$file" "$root"
    done
    ln -s mke2fs "$root/usr/sbin/mkfs.ext4"
    cpio_dir "$root" "$build_dir/guest/base.img"
    rm -rf "$root"
}

# make_image NAME FROM FILE...: build_dir/guest/NAME.img with the programs FILE of
# build_dir/guest/FROM-programs
make_image()
{
    local name=$1 sysroot=$build_dir/guest/$2-programs file
    local root=$build_dir/guest/$name-root
    shift 2
    busybox=$build_dir/guest/base-programs/usr/bin/busybox
    rm -rf "$root"
    for file; do
        add_elf "$sysroot" "$file" "$root"
    done
    [ "$name" != net ] || install -D -m 755 "$build_dir/guest/netload" "$root/usr/bin/netload"
    cpio_dir "$root" "$build_dir/guest/$name.img"
    rm -rf "$root"
}

# Two images, so that a network test does not unpack fio. netload also runs here.
make_tools_images()
{
    make_image tools tools $tools_programs
    gcc -O2 -Wall -Werror -static -o "$build_dir/guest/netload" "$top/scripts/guest/netload.c"
    make_image net tools $net_programs
}

# The daemons of the integration services. Those of 6.12 serve older kernels too,
# but for the copying of files: that one was dropped with its driver.
fetch_daemons()
{
    local dir=$build_dir/guest/daemons.debs
    fetch_programs daemons-programs $daemons_packages
    private_apt kernels
    update_index kernels
    rm -rf "$dir"
    fetch_packages kernels "$dir" 'hyperv-daemons=6.1.*'
    dpkg-deb --fsys-tarfile "$dir"/*.deb |
        tar -C "$build_dir/guest/daemons-programs" -xf - --keep-directory-symlink \
            ./usr/sbin/hv_fcopy_daemon
    rm -rf "$dir"
}

make_daemons_image() { make_image daemons daemons $daemons_programs; }

# find_kernel VERSION: print the newest matching image package of the scope
# that private_apt was called for. VERSION is 6.12, 6.12.107, or a full release.
find_kernel()
{
    apt-cache "${apt_options[@]}" search --names-only '^linux-image-[0-9].*-amd64$' |
        awk -v want="$1" '{
            release = $1; sub("^linux-image-", "", release)
            if (release ~ /-rt-amd64$/) next
            cloud = release ~ /-cloud-amd64$/
            if (release == want) { print 2, release; next }
            if (!cloud || index(release, want) != 1) next
            if (substr(release, length(want) + 1, 1) ~ /[.+-]/) print 1, release
        }' | sort -k1,1n -k2,2V | tail -n 1 | cut -d' ' -f2 | sed 's/^/linux-image-/'
}

# kernel_parts PACKAGE: it and the linux-* packages of the same release that it
# depends on (newer kernels are split in four)
kernel_parts()
{
    local release=${1#linux-image-}
    echo "$1"
    apt-cache "${apt_options[@]}" depends --no-recommends --no-suggests --important "$1" |
        awk -v r="$release" '$1 == "Depends:" && $2 ~ "^linux-(binary|modules|base)-" &&
            index($2, r) { print $2 }'
}

fetch_kernel()
{
    local version=$1 dir=$build_dir/kernels/$1.debs scope
    rm -rf "$dir"
    # An old index names no such kernel, or one that the mirror has no more.
    fetch_kernel_debs "$version" "$dir" || {
        for scope in qemu kernels; do
            private_apt "$scope"
            update_index "$scope" force
        done
        fetch_kernel_debs "$version" "$dir"
    }
    unpack_kernel "$version" "$dir"/*.deb
    rm -rf "$dir"
}

# fetch_kernel_debs VERSION DIR: the newest such kernel of the first scope that has one
fetch_kernel_debs()
{
    local scope package=
    for scope in qemu kernels; do
        private_apt "$scope"
        update_index "$scope" || return 1
        package=$(find_kernel "$1")
        [ -z "$package" ] || break
    done
    if [ -z "$package" ]; then
        echo "The mirror has no cloud kernel $1. It has:"
        apt-cache "${apt_options[@]}" search --names-only '^linux-image-[0-9].*-cloud-amd64$' |
            awk '{ sub("linux-image-", ""); print "    " $1 }' | sort -V
        return 1
    fi
    mkdir -p "$2"
    # shellcheck disable=SC2046
    (cd "$2" && echo "progress: fetching $package" &&
        apt-get "${apt_options[@]}" download $(kernel_parts "$package"))
}

# check_kernel_deb DEB: a package of this architecture
check_kernel_deb()
{
    local arch
    arch=$(dpkg-deb --field "$1" Architecture 2>/dev/null) ||
        { echo "$1 is no Debian package, or its download was cut short"; return 1; }
    case $arch in
    amd64|all) ;;
    *) echo "$1 is for $arch; the guest is amd64"; return 1 ;;
    esac
}

# unpack_kernel NAME DEB...: build_dir/kernels/NAME/{vmlinuz,modules.img,release}
unpack_kernel()
{
    local out=$build_dir/kernels/$1 work=$build_dir/kernels/$1.tmp deb image modules
    shift
    busybox=$build_dir/guest/base-programs/usr/bin/busybox
    rm -rf "$work"
    mkdir -p "$work/root" "$work/modules"
    echo "progress: unpacking the kernel"
    for deb; do
        check_kernel_deb "$deb"
        dpkg-deb --fsys-tarfile "$deb" | tar -C "$work/root" -xf - --keep-directory-symlink
    done
    image=$(find "$work/root" -name 'vmlinuz*' -type f | head -n 1)
    modules=$(find "$work/root" -path '*/lib/modules/*/kernel' -type d | head -n 1)
    [ -n "$image" ] || { echo "These packages hold no vmlinuz; a split kernel needs linux-binary-*"; return 1; }
    [ -n "$modules" ] || { echo "These packages hold no modules; a split kernel needs linux-modules-*"; return 1; }
    modules=${modules%/kernel}
    grep -qs 'hv_vmbus' "$modules/modules.builtin" ||
        find "$modules" -name 'hv_vmbus.ko*' | grep -q . ||
        { echo "This kernel has no Hyper-V drivers: no hv_vmbus among its modules"; return 1; }
    cp "$image" "$work/vmlinuz"
    basename "$modules" >"$work/release"
    add_modules "$modules" "$work/modules"
    cpio_dir "$work/modules" "$work/modules.img"
    rm -rf "$work/root" "$work/modules" "$out"
    mv "$work" "$out"
}

# ensure_guest KERNEL [DEB...]: kernel and base image; sets kernel_dir
ensure_guest()
{
    local version=$1 key deb
    shift
    local net="see that this machine reaches its Debian mirror"
    step guest-programs "$(echo "$base_packages" | digest)" \
        "fetch the guest's programs from the Debian mirror" "$net" \
        fetch_programs base-programs $base_packages
    key=$(files_digest "$top"/scripts/guest/* "$top/scripts/lib/initramfs.sh" "$top/scripts/lib/guest.sh")
    step guest-base "$key" "make the guest's initramfs" "read the log" make_base_image
    key=$(files_digest "$top/scripts/lib/initramfs.sh")
    if [ $# -gt 0 ]; then
        for deb; do [ -r "$deb" ] || die "cannot read kernel package $deb"; done
        key=$({ echo "$key"; files_digest "$@"; } | digest)
        version=local
        step "kernel-$version" "$key" "unpack the kernel packages" \
            "give all packages of one kernel: linux-image, and linux-binary and linux-modules where it is split" \
            unpack_kernel "$version" "$@"
    else
        case $version in
        *[!0-9A-Za-z.+~-]*|'') die "bad kernel version: '$version'" "Examples: 6.1, 6.12, 6.12.107, 7.3" ;;
        esac
        step "kernel-$version" "$key" "fetch Debian kernel $version" \
            "the log lists the kernels that the mirror has; local packages work with --kernel-deb" \
            fetch_kernel "$version"
    fi
    kernel_dir=$build_dir/kernels/$version
}

ensure_tools()
{
    local net="see that this machine reaches its Debian mirror"
    step tools-programs "$(echo "$tools_packages" | digest)" \
        "fetch fio and other test programs from the Debian mirror (about 60 MB)" "$net" \
        fetch_programs tools-programs $tools_packages
    step guest-tools "$(files_digest "$top/scripts/guest/netload.c" "$top/scripts/lib/initramfs.sh" \
        "$top/scripts/lib/guest.sh")" "make the tools images" "read the log" make_tools_images
}

ensure_daemons()
{
    local net="see that this machine reaches its Debian mirror"
    step daemons-programs "$(echo "$daemons_packages" | digest)" \
        "fetch the daemons of the integration services" "$net" fetch_daemons
    step guest-daemons "$(files_digest "$top/scripts/lib/initramfs.sh" "$top/scripts/lib/guest.sh")" \
        "make the daemons image" "read the log" make_daemons_image
}
