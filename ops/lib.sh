# Shared by the scripts in ops/: where things are, and what must be installed. Sourced, never run.

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
binaries=$repository/.build/release

# Debian 12 packages: what Sterna links, and what its tests drive it with.
packages=(librocksdb-dev libuv1-dev libisal-dev libfuse3-dev fuse3 libssl-dev libxxhash-dev pkg-config)
test_packages=(
    rsync git tar coreutils diffutils patch python3 python3-numpy python3-h5py python3-venv zip p7zip-full squashfs-tools
    libtiff-tools acl attr sqlite3 e2fsprogs mount util-linux procps iproute2 libcap2-bin wget aria2 gcc libc6-dev binutils make
    gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good
)

say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

# install_packages NAME...: installs what is missing; needs root (or sudo) only when something is missing.
install_packages() {
    local missing=() name
    for name in "$@"; do
        dpkg-query -W -f='${Status}' "$name" 2>/dev/null | grep -q 'install ok installed' || missing+=("$name")
    done
    [ ${#missing[@]} -eq 0 ] && return 0
    local root=()
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || die "these packages are missing and need root to install: ${missing[*]}"
        root=(sudo)
    fi
    say "Installing ${missing[*]}"
    "${root[@]}" apt-get update -q >/dev/null || die "apt-get update failed"
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}" \
        >/dev/null || die "apt-get could not install: ${missing[*]}"
}

# build [ARGS...]: the release build that every script shares, so that nothing is compiled twice.
build() {
    command -v swift >/dev/null || die "Swift 6.3 is needed (https://www.swift.org/install/linux/debian/12)"
    say "Building (release)"
    (cd "$repository" && swift build -c release "$@") >&2 || die "the build failed"
}
