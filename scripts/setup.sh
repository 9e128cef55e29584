#!/usr/bin/env bash
# What a machine needs before Somnium can be built, played and checked.
#
# Sourced by ./play and ./check, which call `somnium_setup play` or `somnium_setup check`; run by itself it does the same and nothing else.
# On Debian and Ubuntu it installs what is missing, and where there is no graphics card a newer Mesa, from backports if need be; elsewhere it names what is missing and stops.
# Where all is there it costs a few milliseconds. Works in the bash 3.2 of macOS.

# One row a need: purpose, Debian package, Fedora package, Arch package, how to tell whether it is there.
# Purposes: `play` is wanted by both commands, `check` by ./check alone. The probe is cmd:PROGRAM, pc:PKG-CONFIG-MODULE, file:PATH or
# lib:SONAME; Debian is asked for the package instead, which also finds headers.
SOMNIUM_NEEDS='
play  gcc                  gcc                    gcc                cmd:cc
play  libc6-dev            glibc-devel            glibc              file:/usr/include/stdio.h
play  pkg-config           pkgconf-pkg-config     pkgconf            cmd:pkg-config
play  libudev-dev          systemd-devel          systemd-libs       pc:libudev
play  libasound2-dev        alsa-lib-devel         alsa-lib           pc:alsa
play  libvulkan1           vulkan-loader          vulkan-icd-loader  lib:libvulkan.so.1
play  mesa-vulkan-drivers  mesa-vulkan-drivers    vulkan-swrast      icd
play  libx11-6             libX11                 libx11             lib:libX11.so.6
play  libx11-xcb1          libX11-xcb             libx11             lib:libX11-xcb.so.1
play  libxcursor1          libXcursor             libxcursor         lib:libXcursor.so.1
play  libxi6               libXi                  libxi              lib:libXi.so.6
play  libxrandr2           libXrandr              libxrandr          lib:libXrandr.so.2
play  libxkbcommon0        libxkbcommon           libxkbcommon       lib:libxkbcommon.so.0
play  libxkbcommon-x11-0   libxkbcommon-x11       libxkbcommon-x11   lib:libxkbcommon-x11.so.0
play  libwayland-client0   libwayland-client      wayland            lib:libwayland-client.so.0
check xvfb                 xorg-x11-server-Xvfb   xorg-server-xvfb   cmd:Xvfb
check xdotool              xdotool                xdotool            cmd:xdotool
check imagemagick          ImageMagick            imagemagick        cmd:convert
'

# The first Mesa whose software driver presents a window fast enough to play in. Mesa 22 shows a 1200x720 window at 8 frames/s, Mesa 25 at 45.
SOMNIUM_MESA_WANTED=25

somnium_say() { printf '%s\n' "$*" >&2; }

somnium_stop() {
    somnium_say "somnium: $*"
    exit 1
}

# Runs a command as root; the caller has made sure that one of the two ways is open.
somnium_as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        env DEBIAN_FRONTEND=noninteractive "$@"
    else
        sudo env DEBIAN_FRONTEND=noninteractive "$@"
    fi
}

# Whether this user can become root here: root itself, or sudo that needs no password or has someone to ask for it.
somnium_root_possible() {
    [ "$(id -u)" -eq 0 ] && return 0
    command -v sudo >/dev/null || return 1
    [ -t 0 ] || sudo -n true 2>/dev/null
}

# Whether any of these paths exists (unmatched patterns stay as they are and do not).
somnium_any_exists() {
    local path
    for path in "$@"; do
        [ ! -e "$path" ] || return 0
    done
    return 1
}

# Whether one row's probe finds what it looks for (systems without dpkg).
somnium_probe() {
    case $1 in
        cmd:*) command -v "${1#cmd:}" >/dev/null ;;
        pc:*) pkg-config --exists "${1#pc:}" 2>/dev/null ;;
        file:*) [ -e "${1#file:}" ] ;;
        lib:*)
            case $(PATH=$PATH:/sbin:/usr/sbin ldconfig -p 2>/dev/null) in
                *"${1#lib:} "*) ;;
                *) somnium_any_exists /lib*/"${1#lib:}" /usr/lib*/"${1#lib:}" ;;
            esac ;;
        icd) somnium_any_exists /usr/share/vulkan/icd.d/*.json /etc/vulkan/icd.d/*.json ;;
    esac
}

# apt-get install without questions: it waits for another apt to finish and leaves configuration files as they are.
somnium_apt_get_install() {
    somnium_as_root apt-get -qq -y --no-install-recommends -o DPkg::Lock::Timeout=300 \
        -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold install "$@" </dev/null
}

# Installs Debian packages, refreshing the package lists first. Other repositories of this machine that fail to answer are not our business.
somnium_apt_install() {
    local log
    if ! somnium_root_possible; then
        somnium_stop "missing packages, and this user cannot install them. Run as root: apt-get install --no-install-recommends $*"
    fi
    somnium_say "somnium: installing $*"
    log=$(mktemp)
    somnium_as_root apt-get -qq update >"$log" 2>&1 || true
    if ! somnium_apt_get_install "$@" >>"$log" 2>&1; then
        cat "$log" >&2
        rm -f "$log"
        somnium_stop "apt-get could not install: $*"
    fi
    rm -f "$log"
}

# Whether a graphics card with a Vulkan driver of its own is at hand, so that the software driver's speed does not matter.
somnium_has_gpu() {
    local node driver
    if [ -e /dev/nvidiactl ] && somnium_any_exists /usr/share/vulkan/icd.d/nvidia* /etc/vulkan/icd.d/nvidia*; then
        return 0
    fi
    for node in /sys/class/drm/renderD*; do
        [ -e "$node/device/driver" ] || continue
        driver=$(basename "$(readlink -f "$node/device/driver")")
        case $driver in
            nvidia* | virtio* | vmwgfx | vgem | vkms | bochs* | qxl | hyperv* | cirrus* | simple*) ;;
            *) return 0 ;;
        esac
    done
    return 1
}

# Whether the package lists offer Mesa's Vulkan driver from suite $1.
somnium_suite_has_mesa() {
    case $(apt-cache madison mesa-vulkan-drivers 2>/dev/null) in
        *" $1/"*) return 0 ;;
    esac
    return 1
}

somnium_mesa_major() { dpkg-query -W -f '${Version}' mesa-vulkan-drivers 2>/dev/null | sed 's/^[0-9]*://; s/\..*//'; }

# Prints deb822 stanzas for suite $1-backports, made from the stanzas and lines by which this machine already gets suite $1, whatever
# mirror that is. Prints nothing where there is none.
somnium_backports_source() {
    local suite=$1 dir=${2:-/etc/apt} file
    {
        for file in "$dir"/sources.list.d/*.sources; do
            [ -f "$file" ] || continue
            # A stanza ends at an empty line; inside, comment lines do not count, and a line that begins with a blank goes on the one before.
            awk -v suite="$suite" '
                function flush(  name, n, i, words, main) {
                    n = split(field["suites"], words, /[ \t\n]+/)
                    for (i = 1; i <= n; i++) if (words[i] == suite) name = suite "-backports"
                    main = (" " field["components"] " ") ~ /[ \t\n]main[ \t\n]/
                    if (name && main && (" " field["types"] " ") ~ /[ \t\n]deb[ \t\n]/ && tolower(field["enabled"]) !~ /no|false/) {
                        print "Types: deb\nURIs: " field["uris"] "\nSuites: " name "\nComponents: main"
                        if (field["signed-by"]) print "Signed-By: " field["signed-by"]
                        if (field["trusted"]) print "Trusted: " field["trusted"]
                        print ""
                    }
                    split("", field)
                }
                /^#/ { next }
                /^[ \t]*$/ { flush(); key = ""; next }
                /^[ \t]/ { if (key) field[key] = field[key] "\n" $0; next }
                {
                    key = tolower($0); sub(/:.*/, "", key)
                    value = $0; sub(/^[^:]*:[ \t]*/, "", value)
                    field[key] = value
                }
                END { flush() }' "$file"
        done
        for file in "$dir"/sources.list "$dir"/sources.list.d/*.list; do
            [ -f "$file" ] || continue
            # deb [option=value ...] uri suite component ...
            awk -v suite="$suite" '
                $1 == "deb" {
                    line = $0; sub(/^[ \t]*deb[ \t]+/, "", line)
                    options = ""
                    if (match(line, /^\[[^]]*\][ \t]*/)) {
                        options = substr(line, 1, RLENGTH); line = substr(line, RLENGTH + 1)
                        gsub(/^\[|\][ \t]*$/, "", options)
                    }
                    sub(/#.*/, "", line)
                    n = split(line, words, /[ \t]+/)
                    if (words[2] != suite) next
                    main = 0
                    for (i = 3; i <= n; i++) if (words[i] == "main") main = 1
                    if (!main) next
                    print "Types: deb\nURIs: " words[1] "\nSuites: " suite "-backports\nComponents: main"
                    n = split(options, words, /[ \t]+/)
                    for (i = 1; i <= n; i++) {
                        if (words[i] ~ /^signed-by=/) { sub(/^signed-by=/, "", words[i]); gsub(/,/, " ", words[i]); print "Signed-By: " words[i] }
                        if (words[i] ~ /^trusted=/) { sub(/^trusted=/, "", words[i]); print "Trusted: " words[i] }
                    }
                    print ""
                }' "$file"
        done
    }
}

# Without a GPU the window is drawn by Mesa's software driver, and an old one is too slow to play in. It is upgraded to what the machine's
# own suites offer, and where that is too old still, to what the distribution's -backports suite offers: Mesa's drivers and what they cannot
# do without; that suite never upgrades anything by itself. Failing both the game still runs, slower: said once a week, not an error.
somnium_newer_mesa() {
    local major codename source log note
    major=$(somnium_mesa_major)
    [ "${major:-0}" -lt "$SOMNIUM_MESA_WANTED" ] || return 0
    ! somnium_has_gpu || return 0
    note=${XDG_CACHE_HOME:-$HOME/.cache}/somnium/mesa-upgrade-tried
    [ -z "$(find "$note" -mtime -7 2>/dev/null)" ] || return 0
    mkdir -p "$(dirname "$note")"
    if ! somnium_root_possible; then
        somnium_say "somnium: Mesa $major may draw the window slowly; mesa-vulkan-drivers $SOMNIUM_MESA_WANTED or newer is several times faster."
        touch "$note"
        return 0
    fi
    # In a subshell: an upgrade that fails says so and does not keep anyone from playing.
    (somnium_apt_install mesa-vulkan-drivers) || true
    # shellcheck source=/dev/null
    codename=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")
    source=/etc/apt/sources.list.d/somnium-backports.sources
    log=$(mktemp)
    if [ "$(somnium_mesa_major)" -lt "$SOMNIUM_MESA_WANTED" ] && ! somnium_suite_has_mesa "$codename-backports"; then
        somnium_backports_source "$codename" >"$log"
        if [ -s "$log" ]; then
            somnium_as_root install -m 644 "$log" "$source"
            somnium_as_root apt-get -qq update -o Dir::Etc::sourcelist="$source" -o Dir::Etc::sourceparts=- -o APT::Get::List-Cleanup=0 \
                >"$log" 2>&1 || true
        fi
    fi
    if [ "$(somnium_mesa_major)" -lt "$SOMNIUM_MESA_WANTED" ] && somnium_suite_has_mesa "$codename-backports"; then
        somnium_say "somnium: installing mesa-vulkan-drivers from $codename-backports"
        somnium_apt_get_install -t "$codename-backports" mesa-vulkan-drivers >"$log" 2>&1 || cat "$log" >&2
    elif [ -e "$source" ] && ! somnium_suite_has_mesa "$codename-backports"; then
        # A suite that offers nothing, or does not exist, would only make later updates complain.
        somnium_as_root rm -f "$source"
    fi
    rm -f "$log"
    major=$(somnium_mesa_major)
    if [ "$major" -lt "$SOMNIUM_MESA_WANTED" ]; then
        somnium_say "somnium: no newer software Vulkan driver than Mesa $major is to be had here: the window may be slow."
        touch "$note"
    fi
}

# System packages for $1, `play` or `check`.
somnium_packages() {
    local want=$1 purpose debian fedora arch probe missing_debian='' missing_fedora='' missing_arch='' installed
    if [ "$(uname -s)" = Darwin ]; then
        command -v cc >/dev/null || somnium_stop 'no C compiler: run xcode-select --install, then try again.'
        [ "$want" = play ] || command -v Xvfb >/dev/null || somnium_stop 'the checks open a window under Xvfb, which is not here: run them on Linux.'
        return 0
    fi
    [ "$(uname -s)" = Linux ] || return 0
    if command -v dpkg-query >/dev/null && command -v apt-get >/dev/null; then
        installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' 2>/dev/null | sed -n 's/^installed //p')
        while read -r purpose debian fedora arch probe; do
            [ "$purpose" = play ] || [ "$purpose" = "$want" ] || continue
            case "
$installed
" in
                *"
$debian
"*) ;;
                *) missing_debian="$missing_debian $debian" ;;
            esac
        done <<<"$SOMNIUM_NEEDS"
        # shellcheck disable=SC2086 # a list of names
        [ -z "$missing_debian" ] || somnium_apt_install $missing_debian
        somnium_newer_mesa
        return 0
    fi
    while read -r purpose debian fedora arch probe; do
        [ "$purpose" = play ] || [ "$purpose" = "$want" ] || continue
        somnium_probe "$probe" && continue
        missing_debian="$missing_debian $debian"
        missing_fedora="$missing_fedora $fedora"
        missing_arch="$missing_arch $arch"
    done <<<"$SOMNIUM_NEEDS"
    [ -n "$missing_debian" ] || return 0
    if command -v dnf >/dev/null; then
        somnium_stop "missing packages. Install them and try again: dnf install$missing_fedora"
    elif command -v pacman >/dev/null; then
        somnium_stop "missing packages. Install them and try again: pacman -S$missing_arch"
    fi
    somnium_stop "missing packages. Install what your system calls these (Debian's names) and try again:$missing_debian"
}

# A Rust new enough for this workspace, and for `check` its formatter and linter.
somnium_rust() {
    local root=$1 want=$2 needed have tool
    needed=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$root/Cargo.toml")
    command -v cargo >/dev/null || PATH=${CARGO_HOME:-$HOME/.cargo}/bin:$PATH
    if ! command -v cargo >/dev/null; then
        somnium_stop "no Rust here. Get it from https://rustup.rs (version $needed or newer), then try again."
    fi
    have=$(cargo --version | sed 's/^cargo \([0-9]*\.[0-9]*\).*/\1/')
    if [ "${have%%.*}" -lt "${needed%%.*}" ] || { [ "${have%%.*}" -eq "${needed%%.*}" ] && [ "${have#*.}" -lt "${needed#*.}" ]; }; then
        somnium_stop "Rust $have is too old, $needed or newer is needed: run rustup update stable (from https://rustup.rs), then try again."
    fi
    [ "$want" = check ] || return 0
    for tool in fmt clippy; do
        cargo "$tool" --version >/dev/null 2>&1 && continue
        if command -v rustup >/dev/null && [ "$tool" = fmt ]; then
            rustup component add rustfmt >&2 && continue
        elif command -v rustup >/dev/null; then
            rustup component add clippy >&2 && continue
        fi
        somnium_stop "cargo $tool is missing: install it (rustup component add rustfmt clippy), then try again."
    done
}

# Everything for $1, `play` or `check`. Exports CARGO_TARGET_DIR: builds go outside the checkout, so that several checkouts share them.
somnium_setup() {
    local root
    root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
    case ${1:-play} in
        play | check) ;;
        *) somnium_stop "setup.sh knows 'play' and 'check', not '$1'." ;;
    esac
    if [ -z "${HOME:-}" ]; then
        HOME=$(getent passwd "$(id -u)" | cut -d: -f6)
        export HOME
    fi
    somnium_packages "${1:-play}"
    somnium_rust "$root" "${1:-play}"
    CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-${SOMNIUM_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/somnium/target}}
    export CARGO_TARGET_DIR PATH
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
    set -euo pipefail
    somnium_setup "${1:-play}"
fi
