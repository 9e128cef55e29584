#!/usr/bin/env python3
"""Packs what somebody needs who plays without building: the program, the shipped pack, and the licences of all that is in them.

    scripts/package.py                                   somnium-VERSION-HOST.tar.gz in this folder
    scripts/package.py --target x86_64-pc-windows-gnu    a .zip for another system, whose linker is set up (docs/CONTRIBUTING.md)
    scripts/package.py --to FOLDER                       elsewhere

Unpack it on a system as new as this one and start `somnium` in it. Needs Python 3.9 or newer, and builds the program first.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Beside the program as they lie here.
FILES = ["weights/isles.safetensors", "weights/isles.md", "LICENSE-MIT", "LICENSE-APACHE", "docs/PLAYING.md", "assets/icon.png"]
# Of the words that the program holds.
FILES += ["assets/words/README.md", "assets/words/LICENSE-SCOWL", "assets/words/LICENSE-WORDNET"]
# What tells a text of a licence, and what has such a name and is none.
LICENCE_WORDS = ("license", "licence", "copying", "copyright", "notice", "ofl", "ufl")
NO_LICENCE = (".rs", ".toml", ".json", ".py", ".sh", ".html", ".hbs", ".ttf", ".otf", ".png", ".svg", ".a", ".yml")

READ_ME = """Somnium: a world you can walk through that no one drew

Start {program} in this folder: walk with W, A, S, D, press Enter to say what the world should be like, V to see it from within, F1 for
all keys. docs/PLAYING.md has the rest. {program} --help names what the command line can do.
{hint}
It keeps your dreams in your own data folder, its settings in your config folder, and asks nothing of any network.
"""
HINTS = {
    "linux": "It draws through Vulkan and needs a few system libraries: apt install mesa-vulkan-drivers libvulkan1 libudev1 libxcursor1 libxi6 libxrandr2\nlibx11-xcb1 libxkbcommon-x11-0 libwayland-client0 libasound2t64 (libasound2 before Debian 13 and Ubuntu 24.04)\n",
    "windows": "",
    "darwin": "",
}


def cargo(*arguments):
    # Where ./play and ./check build (scripts/setup.sh).
    builds = {"CARGO_TARGET_DIR": str(Path.home() / ".cache/somnium/target"), **os.environ}
    return subprocess.run(["cargo", *arguments], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True, env=builds).stdout


def host():
    lines = subprocess.run(["rustc", "-vV"], check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    return next(line.split(": ")[1] for line in lines if line.startswith("host: "))


def built(target, is_host):
    """The program, built as everybody builds it."""
    arguments = ["build", "--release", "--locked", "--package", "somnium", "--bin", "somnium", "--message-format", "json"]
    messages = cargo(*arguments, *([] if is_host else ["--target", target]))
    artifacts = (json.loads(line) for line in messages.splitlines() if line.startswith("{"))
    return Path(next(a["executable"] for a in artifacts if a.get("executable")))


def crates(target):
    """Every crate that is linked into the program, by name and version, with its folder."""
    metadata = json.loads(cargo("metadata", "--format-version", "1", "--locked", "--filter-platform", target))
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    packages = {package["id"]: package for package in metadata["packages"]}
    wanted = [package["id"] for package in metadata["packages"] if package["name"] == "somnium"]
    seen = set()
    while wanted:
        of = wanted.pop()
        if of not in seen:
            seen.add(of)
            wanted += [d["pkg"] for d in nodes[of]["deps"] if any(kind["kind"] is None for kind in d["dep_kinds"])]
    return sorted((packages[of] for of in seen if packages[of]["source"]), key=lambda package: (package["name"], package["version"]))


def is_licence(path):
    if not path.is_file() or path.suffix.lower() in NO_LICENCE:
        return False
    # Those of fonts lie beside them under their names.
    beside_a_font = path.suffix == ".txt" and any(path.parent.glob("*.ttf"))
    return beside_a_font or any(word in path.name.lower() for word in LICENCE_WORDS)


def licences(target):
    """One text with the licences of all crates; the same text stands once, under all crates that have it."""
    texts, bare = {}, []
    for package in crates(target):
        folder = Path(package["manifest_path"]).parent
        found = sorted(path for path in folder.rglob("*") if is_licence(path))
        name = f"{package['name']} {package['version']} ({package['license'] or 'see below'})"
        if not found:
            bare.append(f"{name}, {package['repository'] or ', '.join(package['authors'])}")
        for path in found:
            texts.setdefault(path.read_text(encoding="utf-8", errors="replace").strip(), []).append(name)
    parts = ["The program is made of these libraries, under these licences, and of Rust's own, under MIT or Apache-2.0 (https://www.rust-lang.org/policies/licenses).\n"]
    if bare:
        parts.append("Without a text of their own, under what they name:\n\n" + "\n".join(bare) + "\n")
    parts += ["\n".join(dict.fromkeys(names)) + "\n\n" + text + "\n" for text, names in texts.items()]
    return ("\n" + "-" * 80 + "\n\n").join(parts)


def main():
    parser = argparse.ArgumentParser(description="Packs the program with its pack and licences, for who plays without building.")
    parser.add_argument("--target", help="the system it is for, as rustc names it; this one where not given")
    parser.add_argument("--to", type=Path, default=Path.cwd(), help="the folder it is written to")
    asked = parser.parse_args()
    target = asked.target or host()
    system = "windows" if "windows" in target else "darwin" if "darwin" in target else "linux"
    program = built(target, target == host())
    version = json.loads(cargo("metadata", "--format-version", "1", "--locked", "--no-deps"))["packages"][0]["version"]
    name = f"somnium-{version}-{target}"
    asked.to.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        inside = Path(folder) / name
        for path in FILES:
            (inside / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / path, inside / path)
        there = inside / program.name
        shutil.copy(program, there)
        if target == host() and shutil.which("strip"):
            subprocess.run(["strip", there], check=True)
        (inside / "READ-ME.txt").write_text(READ_ME.format(program=program.name, hint=HINTS[system]), encoding="utf-8")
        (inside / "LICENSES-OF-LIBRARIES.txt").write_text(licences(target), encoding="utf-8")
        if system == "windows":
            archive = asked.to / f"{name}.zip"
            with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
                for path in sorted(inside.rglob("*")):
                    packed.write(path, path.relative_to(folder))
        else:
            archive = asked.to / f"{name}.tar.gz"
            with tarfile.open(archive, "w:gz") as packed:
                packed.add(inside, name)
    print(f"{archive}: {os.path.getsize(archive) / 1e6:.1f} MB")


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as failed:
        sys.exit(f"{' '.join(map(str, failed.cmd[:2]))} failed")
