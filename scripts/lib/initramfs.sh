# SPDX-License-Identifier: GPL-2.0-or-later
#
# The guest's initramfs: cpio archives that are simply concatenated, so a base
# image, a tools image and a per-run part are made and kept apart. They are not
# compressed: under TCG unpacking costs more than loading. Sourced by others.

# Modules that the tests or the benches load, by the file's base name.
guest_modules="hv_vmbus hv_storvsc hv_utils hv_balloon hv_netvsc hv_sock
pci-hyperv pci-hyperv-intf hid-hyperv hyperv-keyboard uio_hv_generic
sd_mod sr_mod sg scsi_debug virtio_pci virtio_scsi virtio_blk virtio_net
virtio_console virtio-rng nvme mana e1000e igb qemu_fw_cfg loop brd null_blk
8021q af_packet failover net_failover veth dummy
crc32c-intel crc32c_generic isofs overlay squashfs ntfs3 vfat nls_ascii
nls_cp437"

# cpio_dir DIR OUT: pack DIR, owner root
cpio_dir()
{
    (cd "$1" && find . -print0 | LC_ALL=C sort -z | tr '\0' '\n' |
        "$busybox" cpio -o -H newc -R 0:0 2>/dev/null) > "$2.tmp" &&
        mv "$2.tmp" "$2"
}

# module_closure DEP_FILE NAME...: paths of the modules and what they need
module_closure()
{
    awk -v names="${*:2}" '
        { sub(":", "", $1); path[NR] = $1; line[$1] = $0
          base = $1; sub(".*/", "", base); sub("[.]ko.*", "", base)
          gsub("-", "_", base); by[base] = $1 }
        function want(p,   i, f, n) {
            if (p in seen) return
            seen[p] = 1; print p
            n = split(line[p], f, " ")
            for (i = 2; i <= n; i++) want(f[i])
        }
        END { n = split(names, w, " ")
              for (i = 1; i <= n; i++) {
                  gsub("-", "_", w[i]); if (w[i] in by) want(by[w[i]]) } }
    ' "$1"
}

# add_modules MODULES_DIR ROOT: copy the modules a guest may need into ROOT,
# uncompressed; MODULES_DIR is .../lib/modules/VERSION
add_modules()
{
    local src=$1 root=$2 release work path
    release=$(basename "$src")
    work=$root/lib/modules/$release
    mkdir -p "$work"
    cp "$src"/modules.builtin "$src"/modules.order "$work"/
    [ ! -e "$src/modules.builtin.modinfo" ] || cp "$src"/modules.builtin.modinfo "$work"/
    # depmod needs every module it may depend on, in a scratch tree.
    local all=$root/../all-$release
    rm -rf "$all"
    mkdir -p "$all/lib/modules"
    cp -r "$src" "$all/lib/modules/$release"
    find "$all" -name '*.ko.xz' -print0 | xargs -0 -r -P2 -n 64 xz -d
    find "$all" -name '*.ko.zst' -print0 | xargs -0 -r -P2 -n 64 zstd -q -d --rm
    "$busybox" depmod -b "$all" "$release" 2>/dev/null
    for path in $(module_closure "$all/lib/modules/$release/modules.dep" $guest_modules); do
        mkdir -p "$work/$(dirname "$path")"
        cp "$all/lib/modules/$release/$path" "$work/$path"
    done
    rm -rf "$all"
    "$busybox" depmod -b "$root" "$release"
}

# add_elf SYSROOT FILE ROOT: copy SYSROOT/FILE to ROOT and the shared libraries
# it needs, found in SYSROOT alone
add_elf()
{
    local sysroot=$1 file=$2 root=$3 need lib
    [ ! -e "$root/$file" ] || return 0
    mkdir -p "$root/$(dirname "$file")"
    cp -L "$sysroot/$file" "$root/$file" || return 1
    for need in $(objdump -p "$sysroot/$file" 2>/dev/null |
                  awk '$1 == "NEEDED" { print $2 }'); do
        # Some libraries live one folder down, found by their user's RUNPATH.
        lib=$(cd "$sysroot" &&
              find usr/lib/x86_64-linux-gnu -maxdepth 2 -name "$need" | head -n 1)
        [ -n "$lib" ] || { echo "no library $need for $file" >&2; return 1; }
        add_elf "$sysroot" "$lib" "$root" || return 1
    done
    if [ ! -e "$root/lib64/ld-linux-x86-64.so.2" ]; then
        mkdir -p "$root/lib64"
        cp -L "$sysroot/usr/lib64/ld-linux-x86-64.so.2" "$root/lib64/"
    fi
}
