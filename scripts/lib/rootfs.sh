# SPDX-License-Identifier: GPL-2.0-or-later
#
# scripts/run --rootfs: a Debian with systemd on a disk image, reached by ssh.
# Nothing of this needs root: mke2fs makes the file system from the tar file, the
# initramfs adds what differs from call to call. Sourced after guest.sh.

rootfs_include=systemd-sysv,udev,kmod,hyperv-daemons,openssh-server,iproute2,iputils-ping,less
rootfs_disk_packages='e2fsprogs libarchive13t64'
rootfs_disk_size=4G
rootfs_ready_seconds=600

rootfs_needs()
{
    cat <<'END'
command -v mmdebstrap|mmdebstrap|makes the root file system of the guest
command -v ssh-keygen|openssh-client|reaches the guest
test $(id -u) = 0 || command -v newuidmap|uidmap|lets mmdebstrap work without root
END
}

# A Debian with systemd as a tar file
make_rootfs()
{
    local out=$build_dir/guest/rootfs.tar
    private_apt qemu
    rm -f "$out.tmp.tar"
    echo "progress: mmdebstrap"
    mmdebstrap --variant=minbase --include="$rootfs_include" \
        --dpkgopt=force-unsafe-io --dpkgopt='path-exclude=/usr/share/doc/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' \
        --dpkgopt='path-exclude=/usr/share/man/*' \
        trixie "$out.tmp.tar" - <"$cache_dir/apt/qemu/debian.sources"
    mv "$out.tmp.tar" "$out"
}

ensure_rootfs()
{
    step rootfs "$(echo "$rootfs_include" | digest)" "make a Debian root file system (mmdebstrap)" \
        "see that this machine reaches its Debian mirror; without root, mmdebstrap needs user namespaces and a range of ids in /etc/subuid" \
        make_rootfs
}

# The image of the tar file. The host's mke2fs may be too old to read one.
make_rootfs_disk()
{
    local sysroot=$build_dir/guest/rootfs-programs image=$build_dir/guest/rootfs.img
    fetch_programs rootfs-programs $rootfs_disk_packages
    rm -f "$image.tmp"
    truncate -s "$rootfs_disk_size" "$image.tmp"
    echo "progress: mke2fs"
    "$sysroot/usr/lib64/ld-linux-x86-64.so.2" --library-path "$sysroot/usr/lib/x86_64-linux-gnu" \
        "$sysroot/usr/sbin/mke2fs" -q -F -t ext4 -L paravisor -d "$build_dir/guest/rootfs.tar" \
        "$image.tmp"
    mv "$image.tmp" "$image"
}

ssh_dir=
# A key of this build folder's own, and the ssh options that go with it: the port
# is another guest's the next time, so the host key says nothing.
make_ssh_key()
{
    rm -rf "$ssh_dir"
    mkdir -m 700 "$ssh_dir"
    ssh-keygen -q -t ed25519 -N '' -C qemu-paravisor -f "$ssh_dir/key"
    cat >"$ssh_dir/config" <<END
Host guest
    HostName 127.0.0.1
    User root
    IdentityFile $ssh_dir/key
    IdentitiesOnly yes
    BatchMode yes
    StrictHostKeyChecking no
    UserKnownHostsFile /dev/null
    LogLevel ERROR
END
}

ensure_rootfs_disk()
{
    local tar=$build_dir/guest/rootfs.tar
    ensure_rootfs
    step rootfs-disk "$(echo "$rootfs_disk_packages $rootfs_disk_size $(stat -c '%s %Y' "$tar")" | digest)" \
        "make a disk image of it" "see that this machine reaches its Debian mirror" make_rootfs_disk
    ssh_dir=$build_dir/guest/ssh
    step rootfs-key 1 "make an ssh key for it" "read the log" make_ssh_key
}

# free_port: a TCP port of the loopback that nobody listens on
free_port()
{
    python3 -c 'import socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])'
}

port_is_free()
{
    python3 -c 'import socket, sys
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("127.0.0.1", int(sys.argv[1])))' "$1" 2>/dev/null
}

# rootfs_files DIR CONFIG DISK: what the initramfs puts over the root file system: at
# its first boot, and at each
rootfs_files()
{
    local once=$1/qpv/rootfs-once each=$1/qpv/rootfs driver=hv_netvsc unit
    [ "$2" != direct ] || driver=mana
    mkdir -p "$once"/etc/systemd/system/{multi-user,sockets}.target.wants \
        "$once/etc/systemd/system/serial-getty@ttyS0.service.d" \
        "$each/etc/systemd/network" "$each/root/.ssh" || return 1
    : >"$once/etc/qpv-rootfs"
    echo paravisor >"$once/etc/hostname"
    printf '127.0.0.1 localhost paravisor\n::1 localhost\n' >"$once/etc/hosts"
    echo 'LABEL=paravisor / ext4 defaults 0 1' >"$once/etc/fstab"
    echo 'nameserver 10.0.2.3' >"$once/etc/resolv.conf"
    echo "$3" | md5sum | cut -c1-32 >"$once/etc/machine-id"
    printf '[Service]\nExecStart=\nExecStart=-/sbin/agetty --autologin root --keep-baud 115200 - $TERM\n' \
        >"$once/etc/systemd/system/serial-getty@ttyS0.service.d/autologin.conf"
    unit=/usr/lib/systemd/system/systemd-networkd
    ln -s $unit.service "$once/etc/systemd/system/multi-user.target.wants/"
    ln -s $unit.socket "$once/etc/systemd/system/sockets.target.wants/"
    printf '[Match]\nDriver=%s\n[Network]\nDHCP=ipv4\n[DHCPv4]\nUseDNS=no\n' "$driver" \
        >"$each/etc/systemd/network/10-qpv.network"
    cp "$ssh_dir/key.pub" "$each/root/.ssh/authorized_keys"
    chmod 700 "$each/root" "$each/root/.ssh"
    chmod 600 "$each/root/.ssh/authorized_keys"
}

# rootfs_disk_for FILE: a disk of the user's own is made once and kept; without
# one, what a call writes goes with it. Sets disk.
rootfs_disk_for()
{
    local base=$build_dir/guest/rootfs.img
    if [ -n "$1" ]; then
        rootfs_is_kept=1
        [ -e "$1" ] || {
            say "make $1"
            "$build_dir/obj/qemu-img" convert -f raw -O qcow2 "$base" "$1.tmp" && mv "$1.tmp" "$1" ||
                die "cannot make $1"
        }
        disk=$1
    else
        disk=$work/disk.qcow2
        "$build_dir/obj/qemu-img" create -q -f qcow2 -b "$base" -F raw "$disk" >/dev/null ||
            die "cannot write $disk"
    fi
}

guest_ssh() { ssh -F "$ssh_dir/config" -p "$ssh_port" guest "$@"; }

qemu_lives() { kill -0 "$qemu_pid" 2>/dev/null; }

# rootfs_wait_ready: until sshd lets us in; 1 if QEMU ends or it takes too long
rootfs_wait_ready()
{
    local end=$((SECONDS + rootfs_ready_seconds))
    while ! guest_ssh -o ConnectTimeout=5 true </dev/null >/dev/null 2>"$work/ssh.log"; do
        qemu_lives && [ $SECONDS -lt $end ] || return 1
        sleep 0.5
    done
}

# rootfs_stop: the system of a disk that is kept is shut down, then QEMU ends
rootfs_stop()
{
    local end=$((SECONDS + 60))
    trap 'kill -KILL -- "-$qemu_pid" 2>/dev/null' INT TERM
    if [ -n "$rootfs_is_kept" ] && qemu_lives; then
        say "shutting the guest down; Ctrl-C ends it at once"
        guest_ssh -o ConnectTimeout=5 systemctl poweroff </dev/null >/dev/null 2>&1
        while qemu_lives && [ $SECONDS -lt $end ]; do sleep 0.2; done
    fi
    kill -- "-$qemu_pid" 2>/dev/null
    wait "$qemu_pid" 2>/dev/null
}

# rootfs_failed WHAT STATUS
rootfs_failed()
{
    rootfs_is_kept=
    cp "$work/console.log" "$logs/console.log" 2>/dev/null
    say "error: $1"
    sed 's/^/       /' "$work/qemu.log" >&2
    say "       The end of the console, $logs/console.log:"
    tail -n 20 "$logs/console.log" 2>/dev/null | cut -c1-200 | sed 's/^/    | /' >&2
    exit "$2"
}

# run_rootfs QEMU-COMMAND...: boot, tell when ssh works, stay until the guest is off
# or Ctrl-C; with --exec, until the command has ended
run_rootfs()
{
    local start=$SECONDS status login="ssh -F $ssh_dir/config -p $ssh_port guest"
    if [ $mode = shell ]; then
        say "when the guest is up: $login"
        timeout --foreground "${timeout:-0}" "$@" -serial mon:stdio
        return
    fi
    say "boot Debian with Linux $(cat "$kernel_dir/release"), $smp CPUs, $config"
    # a group of its own, so that Ctrl-C is ours to handle
    set -m
    timeout "${timeout:-0}" "$@" -serial "file:$work/console.log" \
        </dev/null >"$work/qemu.log" 2>&1 &
    qemu_pid=$!
    set +m
    trap 'rootfs_stop; rm -rf "$work"' EXIT
    trap 'exit 130' INT TERM
    if ! rootfs_wait_ready; then
        qemu_lives && rootfs_failed "the guest's sshd did not answer in $rootfs_ready_seconds s" 125
        wait "$qemu_pid"
        [ $? -ne 124 ] || rootfs_failed "the time limit of $timeout s is over" 124
        rootfs_failed "QEMU ended before the guest was up" 125
    fi
    say "up after $((SECONDS - start)) s"
    if [ $mode = exec ]; then
        guest_ssh "$command" </dev/null
        status=$?
        # 255 is ssh's own
        [ $status -ne 255 ] || qemu_lives || rootfs_failed "the guest ended before its command did" 125
        return $status
    fi
    say "a shell in it:   $login"
    say "its console:     $work/console.log"
    say "Ctrl-C ends it."
    wait "$qemu_pid"
}
