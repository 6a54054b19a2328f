# SPDX-License-Identifier: GPL-2.0-or-later
#
# Debian packages: what the host needs installed, and a private apt for what is
# only fetched. Sourced after common.sh.

# One row per need: a test that succeeds when it is met, the package, why.
host_needs()
{
    cat <<'END'
command -v gcc|gcc|compiles QEMU
test -e /usr/include/x86_64-linux-gnu/sys/types.h|libc6-dev|C library headers
command -v make|make|QEMU's configure asks for it
command -v ninja|ninja-build|runs the build
command -v ccache|ccache|makes a second build quick
command -v pkg-config|pkg-config|finds libraries
test -x /usr/bin/python3|python3|QEMU's build system and the test harness
/usr/bin/python3 -c 'import ensurepip, venv'|python3-venv|QEMU's configure makes a virtual environment
/usr/bin/python3 -c 'import setuptools'|python3-setuptools|QEMU's configure installs wheels with it
command -v patch|patch|applies the patch series
command -v perl|perl|QEMU's scripts and checkpatch
command -v dpkg-source|dpkg-dev|unpacks the QEMU source
command -v xz|xz-utils|unpacks sources and kernel modules
command -v zstd|zstd|unpacks kernel modules
command -v objdump|binutils|finds the libraries of guest programs
command -v flock|util-linux|keeps two calls apart
test -e /usr/share/keyrings/debian-archive-keyring.gpg|debian-archive-keyring|checks what is fetched
pkg-config --exists glib-2.0|libglib2.0-dev|library that QEMU needs
pkg-config --exists pixman-1|libpixman-1-dev|library that QEMU needs
pkg-config --exists zlib|zlib1g-dev|library that QEMU needs
test -e /usr/include/libfdt.h|libfdt-dev|library that QEMU needs
pkg-config --exists slirp|libslirp-dev|user mode network
pkg-config --exists libseccomp|libseccomp-dev|-sandbox, which libvirt uses
pkg-config --exists liburing|liburing-dev|io_uring disk back end
test -e /usr/include/libaio.h|libaio-dev|native AIO disk back end
test -e /usr/share/seabios/bios-256k.bin|seabios|firmware of the guest
test -e /usr/share/qemu/linuxboot_dma.bin|qemu-system-data|option ROMs, boots a kernel directly
test -e /usr/share/OVMF/OVMF_CODE_4M.fd|ovmf|UEFI firmware
test -e /usr/lib/ipxe/qemu/efi-virtio.rom -o -e /usr/share/qemu/efi-virtio.rom|ipxe-qemu|network option ROMs
END
}

# Needs of single tests, in the same form
libvirt_needs()
{
    cat <<'END'
test -e /usr/sbin/libvirtd -o -e /usr/sbin/virtqemud|libvirt-daemon|runs domains, for a guest test
test -e /usr/lib/x86_64-linux-gnu/libvirt/connection-driver/libvirt_driver_qemu.so|libvirt-daemon-driver-qemu|its QEMU driver
command -v virsh|libvirt-clients|its commands
command -v xmllint|libxml2-utils|virt-xml-validate
END
}

gdb_needs()
{
    echo 'command -v gdb|gdb|opens dumps and looks into QEMU, for guest tests'
}

docs_needs()
{
    cat <<'END'
/usr/bin/python3 -c 'import sphinx'|python3-sphinx|builds the documentation
command -v dot|graphviz|its diagrams
END
}

# install_host_packages [LIST...]: what LISTs, or host_needs, name and is missing: told
# with the reason, installed with one call of apt-get
install_host_packages()
{
    local check package why missing=() sudo=() list
    local lists=("${@:-host_needs}")
    while IFS='|' read -r check package why; do
        (eval "$check") >/dev/null 2>&1 && continue
        [ ${#missing[@]} -gt 0 ] || say "Packages to install:"
        say "$(printf '    %-24s %s' "$package" "$why")"
        missing+=("$package")
    done < <(for list in "${lists[@]}"; do "$list"; done)
    [ ${#missing[@]} -gt 0 ] || return 0
    command -v apt-get >/dev/null ||
        die "this machine has no apt-get" "Install by other means what the list above names."
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null ||
            die "not root, and there is no sudo" "Run as root, then call again:" \
                "apt-get install --no-install-recommends ${missing[*]}"
        sudo=(sudo)
        [ -t 0 ] && [ -t 2 ] || sudo=(sudo -n)
        "${sudo[@]}" true ||
            die "sudo did not let us in" "Run as root, then call again:" \
                "apt-get install --no-install-recommends ${missing[*]}"
        sudo=(sudo -n)
    fi
    step host-packages "$(date +%s)" "install ${#missing[@]} packages" \
        "see that apt-get update and apt-get install work on this machine" \
        install_packages_now "${missing[@]}"
    while IFS='|' read -r check package why; do
        (eval "$check") >/dev/null 2>&1 ||
            die "$package is installed, yet this fails: $check" "Log: $logs/host-packages.log"
    done < <(for list in "${lists[@]}"; do "$list"; done)
}

install_packages_now()
{
    local env=(env DEBIAN_FRONTEND=noninteractive)
    # An index that is old or empty shows as a failed install.
    "${sudo[@]}" "${env[@]}" apt-get -y -q install --no-install-recommends "$@" || {
        "${sudo[@]}" "${env[@]}" apt-get -q update
        "${sudo[@]}" "${env[@]}" apt-get -y -q install --no-install-recommends "$@"
    }
}

# debian_mirror: print "URI<tab>signed-by<tab>suite<tab>component" of this machine's
# archives, from its one-line and deb822 sources. Instead of a key, "trusted" is what
# the machine says of a mirror without one.
debian_mirror()
{
    local file apt_etc=${QPV_APT_ETC:-/etc/apt}
    for file in "$apt_etc"/sources.list "$apt_etc"/sources.list.d/*.list; do
        [ -r "$file" ] || continue
        awk '$1 == "deb" {
            signed = ""; uri = 2
            if ($2 ~ /^\[/) {
                for (uri = 2; uri <= NF; uri++) {
                    word = $uri; gsub(/[][]/, "", word)
                    if (word ~ /^signed-by=/) signed = substr(word, 11)
                    if (word == "trusted=yes") signed = "trusted"
                    if ($uri ~ /\]$/) break
                }
                uri++
            }
            print $uri "\t" signed "\t" $(uri + 1) "\t" $(uri + 2)
        }' "$file"
    done
    for file in "$apt_etc"/sources.list.d/*.sources; do
        [ -r "$file" ] || continue
        # A key that stands in the file itself is a continuation; its lines
        # are joined by "|" here and taken apart again by write_sources.
        awk '
            function out() {
                if (types ~ /(^| )deb( |$)/ && enabled != "no") {
                    split(uris, u, " "); split(suites, s, " "); split(comps, c, " ")
                    print u[1] "\t" signed "\t" s[1] "\t" c[1]
                }
                types = uris = suites = comps = signed = enabled = key = ""
            }
            /^[ \t]*$/ { out(); next }
            /^#/ { next }
            /^[ \t]/ { if (key == "signed-by") signed = signed "|" $0; next }
            { key = tolower($1); sub(":.*", "", key); value = $0; sub("^[^:]*:[ \t]*", "", value)
              if (key == "types") types = value
              if (key == "uris") uris = value
              if (key == "suites") suites = value
              if (key == "components") comps = value
              if (key == "enabled") enabled = tolower(value)
              if (key == "signed-by") signed = value
              if (key == "trusted" && value == "yes") signed = "trusted" }
            END { out() }' "$file"
    done
}

# main_mirror: the first of these that is the Debian main archive
main_mirror()
{
    local codename
    codename=$(. /etc/os-release; echo "${VERSION_CODENAME:-}")
    debian_mirror | awk -F'\t' -v code="$codename" '
        $1 ~ /^(https?|ftp|mirror|mirror\+[a-z]*|tor\+https?|file|copy):/ && $4 == "main" &&
        ($3 == code || $3 ~ /^(stable|oldstable|testing|unstable|sid|bookworm|trixie|forky)$/) {
            print $1 "\t" $2; exit }'
}

# write_sources SUITES TYPES: a deb822 stanza for our private apt
write_sources()
{
    local uri signed
    IFS=$'\t' read -r uri signed < <(main_mirror)
    if [ -z "${uri:-}" ]; then
        echo "No Debian mirror among this machine's apt sources." >&2
        return 1
    fi
    [ -n "$signed" ] || ! [ -e /usr/share/keyrings/debian-archive-keyring.gpg ] ||
        signed=/usr/share/keyrings/debian-archive-keyring.gpg
    printf 'Types: %s\nURIs: %s\nSuites: %s\nComponents: main\n' "$2" "$uri" "$1"
    case $signed in
    '') ;;
    trusted) echo 'Trusted: yes' ;;
    *) printf 'Signed-By: %s\n' "$signed" | tr '|' '\n' ;;
    esac
}

# private_apt SCOPE: prepare apt-get options in apt_options. Scopes:
#   qemu     trixie, sources and packages, as if nothing were installed
#   kernels  every suite that may hold a kernel
# Nothing of the system's apt is changed; its proxy settings are kept. A user's
# checkouts share this apt: the lock is held to the end of the calling step.
private_apt()
{
    local scope=$1 dir=$cache_dir/apt suites=trixie types="deb deb-src" conf
    [ "$scope" = qemu ] || {
        suites="bookworm bookworm-backports trixie trixie-backports sid"
        types=deb
    }
    mkdir -p "$dir/$scope/lists/partial" "$dir/archives/partial" "$dir/empty"
    exec 8>>"$dir/.lock"
    flock -n 8 || { echo "progress: waiting for another call that fetches"; flock 8; }
    : >"$dir/empty/status"
    write_sources "$suites" "$types" >"$dir/$scope/debian.sources.tmp" || return 1
    mv "$dir/$scope/debian.sources.tmp" "$dir/$scope/debian.sources"
    conf=$dir/$scope/apt.conf
    cat >"$conf" <<END
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Pre-Install-Pkgs;
#clear Acquire::IndexTargets;
Acquire::IndexTargets::deb::Packages { MetaKey "\$(COMPONENT)/binary-\$(ARCHITECTURE)/Packages"; flatMetaKey "Packages"; ShortDescription "Packages"; Description "\$(RELEASE)/\$(COMPONENT) \$(ARCHITECTURE) Packages"; };
Acquire::IndexTargets::deb-src::Sources { MetaKey "\$(COMPONENT)/source/Sources"; flatMetaKey "Sources"; ShortDescription "Sources"; Description "\$(RELEASE)/\$(COMPONENT) Sources"; };
Acquire::Languages "none";
Acquire::Retries "3";
Acquire::http::Timeout "30";
Acquire::https::Timeout "30";
APT::Architecture "amd64";
#clear APT::Architectures;
APT::Install-Recommends "false";
APT::Sandbox::User "$(id -un)";
APT::Get::AllowUnauthenticated "false";
Dir::State "$dir/$scope";
Dir::State::lists "$dir/$scope/lists";
Dir::State::status "$dir/empty/status";
Dir::Cache "$dir/$scope";
Dir::Cache::archives "$dir/archives";
Dir::Etc::sourcelist "$dir/$scope/debian.sources";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
END
    apt_options=(-c "$conf" -q)
}

# update_index SCOPE [force]: fetch the package lists if older than a day
update_index()
{
    local mark=$cache_dir/apt/$1/updated
    if [ "${2:-}" != force ] && [ -e "$mark" ] &&
       [ -n "$(find "$mark" -mtime -1)" ] &&
       cmp -s "$mark.made" "$cache_dir/apt/$1/debian.sources"; then
        return 0
    fi
    echo "progress: fetching package lists"
    # A suite that has gone must not stop the others; no list at all must.
    apt-get "${apt_options[@]}" update || true
    if ! ls "$cache_dir/apt/$1/lists"/*Release >/dev/null 2>&1; then
        echo "No package list could be fetched from the mirror. Is there a network?"
        return 1
    fi
    cp "$cache_dir/apt/$1/debian.sources" "$mark.made"
    touch "$mark"
}

# fetch_packages SCOPE DIR PACKAGE...: download without installing; a 404 means
# the index is old, so renew it once
fetch_packages()
{
    local scope=$1 dir=$2
    shift 2
    mkdir -p "$dir"
    cd "$dir" || return 1
    echo "progress: fetching $*"
    apt-get "${apt_options[@]}" download "$@" || {
        update_index "$scope" force
        apt-get "${apt_options[@]}" download "$@"
    }
}
