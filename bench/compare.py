"""What the comparisons in this folder share: files of tensors, the pack, what a dream keeps outside the network, and turns of either side."""

import argparse
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent
# Where cargo puts what it builds: a relative folder is one of the folder cargo was called in, which is taken to be this project's.
TARGET = ROOT / (os.environ.get("CARGO_TARGET_DIR") or "target")
SHAPE = "d=256,layers=4,tokens=64,context=16,steps=2"
SIDE, AGES, OLDEST = 256, 6, (2, 8, 32, 128)


def read_tensors(path):
    """Metadata and tensors by name of a .safetensors file."""
    data = pathlib.Path(path).read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    about, types, tensors = header.pop("__metadata__"), {"F16": np.float16, "F32": np.float32, "U8": np.uint8}, {}
    for name, t in header.items():
        begin, end = (8 + length + at for at in t["data_offsets"])
        tensors[name] = np.frombuffer(data[begin:end], types[t["dtype"]]).reshape(t["shape"])
    return about, tensors


class Pack:
    """A world pack: manifest, and tensors as f32 by name."""

    def __init__(self, path):
        about, self.tensors = read_tensors(path)
        self.manifest = json.loads(about["somnium"])
        frame, dynamics = self.manifest["frame"], self.manifest["dynamics"]
        if frame.get("look"):
            sys.exit(f"{path}: frames have a token of their look, which these comparisons do not know; pass another --shape")
        self.patch = frame["patch_px"]
        self.grid_w, self.grid_h = frame["width_px"] // self.patch, frame["height_px"] // self.patch
        self.n = self.grid_w * self.grid_h
        self.dims, self.levels = frame["code_dims"], frame["code_levels"]
        self.c, self.heads, self.window = dynamics["channels"], dynamics["heads"], dynamics["window"]
        self.blocks, self.recall = dynamics["blocks"], dynamics["recall"]
        self.look_beside = dynamics.get("look_beside", False)
        self.sources = 2 if self.recall else 1
        self.temporal = [i for i, block in enumerate(self.blocks) if block["temporal"]]
        self.steps = self.manifest["play"]["steps"]
        # Rows of a token on the map: its levels, unknown, ages.
        self.map_rows = self.dims * self.levels + 1 + AGES

    def __getitem__(self, name):
        return self.tensors[name].astype(np.float32)

    def words(self):
        """Vectors of the words of the clip's prompt, (words, 64)."""
        words = (ROOT / "assets/words/words.txt").read_text().splitlines()
        table = np.fromfile(ROOT / "assets/words/words.i8", np.int8).reshape(len(words), -1).astype(np.float32)
        rows = table[[words.index(word) for word in self.manifest["parity"]["prompt"].split()]]
        return rows * (np.sqrt(table.shape[1]) / np.linalg.norm(rows, axis=1, keepdims=True))

    def prompt(self):
        """The clip's prompt as blocks attend to it, (words + 1, channels)."""
        w = self["text.in.w"]
        return np.concatenate([w[-1:], self.words() @ w[:-1]]).astype(np.float32)

    def base(self):
        """What every token of a frame begins with, (n, channels): the prompt has been the same for long."""
        heard = np.maximum(self.words() @ self["dyn.said.word.w"] + self["dyn.said.word.b"], 0).sum(0)
        about = self["dyn.level"][self.manifest["play"]["context_level"]] + self["dyn.told"][-1] + heard @ self["dyn.said.all.w"]
        return (self["dyn.pos"] + about).astype(np.float32)

    def modulation(self, block):
        """Gain and shift of a block's norms under every action, (actions + 1, norms, 2, channels)."""
        x = self["dyn.action"] @ self["dyn.cond.w"] + self["dyn.cond.b"]
        m = (x / (1 + np.exp(-x))) @ self[f"dyn.{block}.mod.w"] + self[f"dyn.{block}.mod.b"]
        m = m.reshape(len(m), -1, 2, self.c)
        m[:, :, 0] += 1
        return m

    def neighbours(self):
        """Tokens of the 3x3 neighbourhoods, (n, 9); n beyond the border."""
        at = np.full((self.n, 9), self.n)
        for n in range(self.n):
            for tap in range(9):
                x, y = n % self.grid_w + tap % 3 - 1, n // self.grid_w + tap // 3 - 1
                if 0 <= x < self.grid_w and 0 <= y < self.grid_h:
                    at[n, tap] = y * self.grid_w + x
        return at

    def recall_table(self):
        """As the engine: embeddings and ages times the tap's part of the matrix are a table, (9 * map_rows, channels)."""
        tokens = np.concatenate([np.delete(self["dyn.embed"], self.dims * self.levels, 0), self["dyn.recall.age"]])
        return np.concatenate([tokens @ part for part in self["dyn.recall.w"].reshape(9, self.c, self.c)])

    def motion(self, action):
        actions = self.manifest["actions"]
        return np.array(actions[action]["motion"] if action < len(actions) else (0, 0))


class Map:
    """The tokens last seen at every place, and the frame before last."""

    def __init__(self, pack):
        self.p, self.places, self.view, self.frames = pack, {}, np.zeros(2, int), 0
        self.latest, self.before_last = None, None
        steps = pack.patch // pack.recall["step_px"]
        self.tokens = np.stack([np.arange(pack.n) % pack.grid_w, np.arange(pack.n) // pack.grid_w], 1) * steps

    def recall(self, n, tap, motion):
        """The token last seen at a place and the frame that showed it."""
        at = self.view + motion + self.tokens[n] + (tap % 3 - 1, tap // 3 - 1)
        place = self.places.get(tuple(at % SIDE))
        return place[1:] if place and (place[0] == at).all() else None

    def offer(self, n, motion):
        """What a token may copy: the token at its place, or of one that never scrolls its own of two frames before."""
        if n in self.p.recall["covered"]:
            return None if self.before_last is None else self.before_last[n]
        found = self.recall(n, 4, motion)
        return found[0] if found else None

    def remember(self, codes, motion, moved):
        self.latest, self.before_last = codes, self.latest
        self.view = self.view + motion * moved
        self.frames += 1
        for n, token in enumerate(self.tokens):
            if n not in self.p.recall["covered"]:
                at = self.view + token
                self.places[tuple(at % SIDE)] = (at, codes[n], self.frames)

    def recalled(self, motion):
        """Rows of the table of recall that every token sees, (n, 9 * (dims + 1)); its length where a token has fewer."""
        p = self.p
        rows = np.full((p.n, 9, p.dims + 1), 9 * p.map_rows)
        for n in range(p.n):
            for tap in range(9):
                found, begin = self.recall(n, tap, motion), tap * p.map_rows
                if found:
                    age = self.frames + 1 - found[1]
                    rows[n, tap, :-1] = begin + np.arange(p.dims) * p.levels + found[0]
                    rows[n, tap, -1] = begin + p.dims * p.levels + 2 + sum(age > oldest for oldest in OLDEST)
                else:
                    rows[n, tap, :2] = begin + p.dims * p.levels + np.arange(2)
        return rows.reshape(p.n, -1)


class Dream:
    """What the host keeps between frames: the frame before and the map. A library's own keeps the ring too, and has `run(feed)`, which gives
    `codes` of a frame, or its `logits` where the feed has the `truth`."""

    def __init__(self, pack):
        self.p = pack
        self.map = Map(pack) if pack.recall else None
        self.codes, self.action, self.committed = None, 0, 0

    def feed(self, action):
        """Inputs of the frame that `action` leads into."""
        p = self.p
        previous = np.full((p.n, p.dims), p.dims * p.levels + 2)
        previous[:, 0] = p.dims * p.levels + 1
        offers = np.full((p.n, p.sources, p.dims), p.levels)
        if self.codes is not None:
            previous = self.codes + np.arange(p.dims) * p.levels
            offers[:, 0] = self.codes
        feed = {"actions": np.array([action, self.action]), "previous": previous, "offers": offers}
        if self.map:
            motion = p.motion(action)
            for n in range(p.n):
                offer = self.map.offer(n, motion)
                if offer is not None:
                    offers[n, 1] = offer
            feed["recalled"] = self.map.recalled(motion)
        return feed

    def settle(self, codes, action, moved):
        """Takes in the frame that came out."""
        self.committed += self.codes is not None
        if self.map:
            self.map.remember(codes, self.p.motion(action), moved)
        self.codes, self.action = codes, action


def check(dream):
    """Plays the pack's clip, which is longer than two windows, and gives the largest difference of a logit, and the largest logit."""
    pack, worst, largest = dream.p, 0, 0
    for t, logits in enumerate(pack["parity.logits"]):
        codes, action = pack.tensors["parity.codes"][t].astype(np.int64), int(pack.tensors["parity.actions"][t])
        out = dream.run(dream.feed(action) | {"truth": codes})
        worst, largest = max(worst, np.abs(out["logits"] - logits).max()), max(largest, np.abs(logits).max())
        dream.settle(codes, action, pack.tensors["parity.moved"][t])
    return worst, largest


def time_frames(dream, frames):
    """Milliseconds of the median of so many dreamed frames. What is fed in and settled is outside the measured time."""
    pack, rng, times = dream.p, np.random.default_rng(1), []
    n, order = pack.n, np.arange(pack.n)
    masked = np.zeros((pack.steps, n, 1), bool)
    for frame in range(frames + pack.window + 4):
        action = frame // 16 % len(pack.manifest["actions"])
        feed = dream.feed(action)
        rng.shuffle(order)
        for step in range(pack.steps):
            masked[step] = False
            masked[step, order[: int(n * np.cos(np.pi * step / (2 * pack.steps)))]] = True
        uniform = rng.random((pack.steps, n, pack.dims * pack.levels)) * (1 - 2e-7) + 1e-7
        feed |= {"noise": -np.log(-np.log(uniform)).astype(np.float32), "masked": masked}
        begin = time.perf_counter()
        out = dream.run(feed)
        times.append((time.perf_counter() - begin) * 1e3)
        dream.settle(out["codes"], action, False)
    return statistics.median(times[pack.window + 4 :])


def time_engine(somnium, engine, path, pack, frames):
    """`somnium`: the command that measures. Milliseconds of the engine's median frame, and its threads (0 on a graphics device)."""
    prompt = pack.manifest["parity"]["prompt"]
    command = [*somnium, path, "--engine", engine, "--frames", str(frames), "--prompt", prompt]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    threads = re.search(r"(\d+) threads", said)
    return float(re.search(r"median ([\d.]+) ms", said)[1]), int(threads[1]) if threads else 0


def spread(times):
    return f"{statistics.median(times):.2f} ms (from {min(times):.2f} to {max(times):.2f})"


def take_turns(rounds, sides):
    """Milliseconds by side, measured in turns; `sides`: by name what measures one."""
    times = {name: [] for name in sides}
    for _ in range(rounds):
        for name, measure in sides.items():
            times[name].append(measure())
        print("turn         " + ", ".join(f"{name} {of[-1]:.2f} ms" for name, of in times.items()), flush=True)
    return times


def ratio(above, below):
    ratios = sorted(a / b for a, b in zip(above, below))
    return f"{statistics.median(ratios):.2f} (median of turns, from {ratios[0]:.2f} to {ratios[-1]:.2f})"


def compare(about, library, version, open_checked, open_timed, engine="cpu"):
    """Compares the engine with a library. `open_checked(pack, threads)` gives the dream whose logits are checked, `open_timed(pack, threads)`
    functions that each give a dream to be timed: the quickest counts."""
    args = argparse.ArgumentParser(description=about.splitlines()[0])
    args.add_argument("--somnium", default=TARGET / "release/somnium", help="the program; where not given, what cargo built (CARGO_TARGET_DIR)")
    args.add_argument("--shape", default=SHAPE)
    args.add_argument("--rounds", type=int, default=11, help="turns of either side")
    args.add_argument("--frames", type=int, default=60, help="frames a turn")
    args.add_argument("--threads", help="of either side, as many as the CPU engine takes where not given")
    args = args.parse_args()
    bench = [args.somnium, "bench"]
    of_threads = ["--threads", args.threads] if args.threads else []
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/shape.safetensors"
        subprocess.run([*bench, "--shape", args.shape, "--write-pack", path], check=True)
        pack = Pack(path)
        _, threads = time_engine(bench + of_threads, engine, path, pack, 10)
        worst, largest = check(open_checked(pack, threads))
        print(f"shape        {args.shape}, {f'threads {threads}' if threads else 'gpu'}, {library} {version}")
        print(f"logits       largest difference {worst:.1e} of logits up to {largest:.1f}, over {len(pack.tensors['parity.codes'])} frames")
        if worst > pack.manifest["parity"]["atol"]:
            sys.exit(f"{library} computes something else than the engine")
        dreams = open_timed(pack, threads)
        times = take_turns(
            args.rounds,
            {
                "engine": lambda: time_engine(bench + of_threads, engine, path, pack, args.frames)[0],
                library: lambda: min(time_frames(dream(), args.frames) for dream in dreams),
            },
        )
        print("median frame " + ", ".join(f"{name} {spread(of)}" for name, of in times.items()))
        print(f"ratio        {ratio(times[library], times['engine'])}")
