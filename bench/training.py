#!/usr/bin/env python3
"""Somnium's trainer against plain PyTorch: the same step of the dynamics, the same weights and batch, the same number of threads, in turns.

    python3 -m venv .venv && .venv/bin/pip install torch==2.9.0 numpy
    export PATH=$PWD/.venv/bin:$PATH LIBTORCH_USE_PYTORCH=1
    export LD_LIBRARY_PATH=$(python3 -c 'import os, torch; print(os.path.join(os.path.dirname(torch.__file__), "lib"))')
    cargo build --release -p somnium-train --features tch
    bench/training.py

has the trainer write a step (weights, batch, losses before and after), checks that the model here has the same losses, and times steps of
both. bench/README.md says what each side does within the time.
"""

import argparse
import functools
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time

import torch
import torch.nn.functional as F

from compare import TARGET, ratio, read_tensors, spread, take_turns

TAPS = 9
LINEAR = re.compile(r"(?!dyn\.head\.out\.).*\.w")
# What Muon takes; the rest is AdamW's. As in `optimizer` of trainer/src/training.rs.
MATRICES = re.compile(r"dyn\.(\d+\..*|prev|recall|beside|head\.hidden)\.w")
WARM_UP_STEPS = 2
# Largest difference of the losses before the step, and of how much it mends them: the sums of many products differ in their order.
LOSS_TOLERANCE, MENDED_TOLERANCE = 1e-4, 1e-2


def levels_of(one_hot, dims):
    """(rows, dims * levels) to (rows, dims)."""
    return one_hot.unflatten(1, (dims, -1)).argmax(-1)


class Step:
    """What the trainer wrote, with the batch as indices where the trainer has it one-hot: as a data loader gives it."""

    def __init__(self, path):
        about, tensors = read_tensors(path)
        about = json.loads(about["somnium-train step"])
        self.rate, self.loss, self.loss_after = about["rate"], about["loss"], about["loss_after"]
        self.clips, self.frames = about["clips"], about["frames"]
        frame, dynamics = about["frame"], about["dynamics"]
        self.grid_w, self.grid_h = frame["width_px"] // frame["patch_px"], frame["height_px"] // frame["patch_px"]
        self.n = self.grid_w * self.grid_h
        self.covered = torch.tensor([n in (dynamics["recall"] or {}).get("covered", []) for n in range(self.n)])
        self.dims, self.levels = frame["code_dims"], frame["code_levels"]
        self.c, self.heads, self.blocks, self.units = dynamics["channels"], dynamics["heads"], dynamics["blocks"], dynamics["head_hidden"]
        tensors = {name: torch.from_numpy(array.copy()) for name, array in tensors.items()}
        self.weights = {name: tensor for name, tensor in tensors.items() if not name.startswith("input.")}
        given = {name.removeprefix("input."): tensor for name, tensor in tensors.items() if name.startswith("input.")}
        self.input = {name: given[name] for name in ("past", "words", "clean_words_mask", "masked_words_mask", "weights")}
        self.input |= {name: given[name].argmax(-1) for name in ("action", "level", "ages", "clean_told", "masked_told")}
        self.input |= {name: self.rows_of_embedding(given[name]) for name in ("clean", "masked")}
        self.input["truth"] = levels_of(given["truth"], self.dims)
        if "recall" in given:
            self.input["recall"] = self.rows_of_embedding(given["recall"])

    def rows_of_embedding(self, one_hot):
        """Rows of the table whose sum a token is, (rows, most); the table's length, where a token has fewer."""
        rows, columns = one_hot.nonzero(as_tuple=True)
        counts = torch.bincount(rows, minlength=len(one_hot))
        starts = counts.cumsum(0) - counts
        found = torch.full((len(one_hot), int(counts.max())), one_hot.shape[1])
        found[rows, torch.arange(len(rows)) - starts[rows]] = columns
        return found


class Dynamics:
    """The network of docs/MODEL.md as it is trained: a clean and a masked stream of (frames of all clips, tokens, channels)."""

    def __init__(self, step):
        self.s = step
        # Matrices as `torch.nn.Linear` keeps them, (out, in).
        self.w = {name: (w.T if LINEAR.fullmatch(name) else w).clone(memory_format=torch.contiguous_format).requires_grad_() for name, w in step.weights.items()}
        self.earlier = torch.ones(step.dims, step.dims).triu(1).repeat_interleave(step.levels, 0).repeat_interleave(step.units, 1)

    def linear(self, name, x):
        return F.linear(x, self.w[f"{name}.w"], self.w.get(f"{name}.b"))

    def embed(self, tokens, table):
        """Sums of rows of a table: (rows, most), the table's length where a token has fewer, to (rows, channels)."""
        return F.embedding_bag(tokens, F.pad(table, (0, 0, 0, 1)), mode="sum", padding_idx=len(table))

    def split(self, x, parts):
        """(..., rows, parts * channels) to parts of (..., heads, rows, channels of a head)."""
        return [part.transpose(-3, -2) for part in x.unflatten(-1, (parts, self.s.heads, -1)).unbind(-3)]

    def norm(self, x, modulation):
        gamma, beta = next(modulation)
        return F.rms_norm(x, x.shape[-1:], eps=1e-5) * (1 + gamma) + beta

    def taps(self, x):
        """The 3x3 neighbourhoods of (rows, channels), (frames, tokens, 9 * channels)."""
        s = self.s
        x = F.pad(x.unflatten(0, (-1, s.grid_h, s.grid_w)), (0, 0, 1, 1, 1, 1))
        return torch.cat([x[:, dy : dy + s.grid_h, dx : dx + s.grid_w] for dy in range(3) for dx in range(3)], -1).flatten(1, 2)

    def past(self, given):
        """What every token sees of the frame before and of the map, (frames, tokens, channels), and the tokens that both offer, one-hot."""
        s = self.s
        clean = given["clean"].unflatten(0, (s.clips, s.frames, s.n))
        unknown = torch.full_like(clean[:, :2], s.dims * s.levels + 2)
        unknown[..., 0] = s.dims * s.levels + 1
        before_last, before = (torch.cat([unknown[:, :late], clean[:, :-late]], 1).flatten(0, 2) for late in (2, 1))
        near = self.taps(self.embed(before, self.w["dyn.embed"]))
        past = self.linear("dyn.prev", near * self.w["dyn.prev.gate"][given["action"]].unsqueeze(1))
        offers = [before]
        if "recall" in given:
            seen = self.embed(given["recall"], torch.cat([self.w["dyn.embed"], self.w["dyn.recall.age"]]))
            past = past + self.linear("dyn.recall", seen.view(-1, s.n, TAPS * s.c))
            on_map = given["recall"].view(-1, TAPS, given["recall"].shape[-1])[:, TAPS // 2, : s.dims]
            offers.append(torch.where(s.covered.repeat(s.clips * s.frames)[:, None], before_last[:, : s.dims], on_map))
        # A token that is not there offers what no token is.
        return past, [torch.where(offer[:, -1:] < s.dims * s.levels, offer, -1) for offer in offers]

    def space(self, name, x, modulation):
        q, k, v = self.split(self.linear(f"{name}.space.qkv", self.norm(x, modulation)), 3)
        return x + self.linear(f"{name}.space.out", F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))

    def time(self, name, masked, clean, modulations, given, last):
        """Both streams see clean frames of the past and themselves. The last time the clean one ends."""
        s = self.s
        # (clips, tokens, heads, frames, channels of a head)
        parts = lambda x: self.split(x.unflatten(0, (s.clips, s.frames)).transpose(1, 2), 3)
        (q, own_k, own_v), (clean_q, k, v) = (parts(self.linear(f"{name}.time.qkv", self.norm(x, m))) for x, m in zip((masked, clean), modulations))
        by_age = self.w[f"{name}.time.bias"][:, given["ages"]].unflatten(1, (s.frames, s.frames))
        past, diagonal = given["past"].unsqueeze(1), torch.eye(s.frames)
        mask = torch.cat([by_age + past, by_age + (1 - diagonal) * -1e9 + 0 * past], -1).unsqueeze(1)
        merge = lambda y: self.linear(f"{name}.time.out", y.permute(0, 3, 1, 2, 4).flatten(3).flatten(0, 1))
        masked = masked + merge(F.scaled_dot_product_attention(q, torch.cat([k, own_k], -2), torch.cat([v, own_v], -2), mask))
        if last:
            return masked, None
        mask = (by_age + past * (1 - diagonal)).unsqueeze(1)
        return masked, clean + merge(F.scaled_dot_product_attention(clean_q, k, v, mask))

    def text(self, name, x, modulation, words, mask):
        (q,) = self.split(self.linear(f"{name}.text.q", self.norm(x, modulation)), 1)
        k, v = self.split(self.linear(f"{name}.text.kv", words), 2)
        y = F.scaled_dot_product_attention(q, k, v, mask[:, None, None])
        return x + self.linear(f"{name}.text.out", y.transpose(1, 2).flatten(2))

    def feed_forward(self, name, x, modulation):
        return x + self.linear(f"{name}.down", F.gelu(self.linear(f"{name}.up", self.norm(x, modulation))))

    def logits(self, x, offers, truth):
        """(rows, dims, levels); each dimension sees the true levels of those before it."""
        s = self.s
        x = F.rms_norm(x, x.shape[-1:], eps=1e-5).flatten(0, 1)
        rows = truth + torch.arange(s.dims) * s.levels
        hidden = F.relu(self.linear("dyn.head.hidden", x) + self.embed(rows, self.w["dyn.head.codes"] * self.earlier))
        out = self.w["dyn.head.out.w"].view(s.dims, s.units, s.levels)
        logits = torch.einsum("rdg,dgl->rdl", hidden.unflatten(1, (s.dims, -1)), out) + self.w["dyn.head.out.b"].view(s.dims, s.levels)
        for offer, gate in zip(offers, self.linear("dyn.head.copy", x).unbind(-1)):
            agrees = F.pad((offer == rows)[:, :-1], (1, 0), value=True).cumprod(1)
            offered = F.one_hot((offer - torch.arange(s.dims) * s.levels).clamp(min=0), s.levels) * (offer >= 0)[..., None]
            logits = logits + offered * (agrees * gate[:, None])[..., None]
        return logits

    def told(self, heard, given, stream):
        """What a stream's frames are told, (frames, channels): their words taken together, and how long ago these changed."""
        read = given[f"{stream}_words_mask"][:, 1:].exp().unsqueeze(-1)
        return self.linear("dyn.said.all", (heard * read).sum(1)) + self.w["dyn.told"][given[f"{stream}_told"]]

    def loss(self, given):
        s = self.s
        past, offers = self.past(given)
        shared = past + self.w["dyn.pos"] + self.w["dyn.level"][given["level"]].unsqueeze(1)
        cond = F.silu(self.linear("dyn.cond", self.w["dyn.action"][given["action"]]))
        words = self.linear("text.in", given["words"]).unflatten(0, (s.clips * s.frames, -1))
        # "Nothing said" comes first and is no word.
        heard = F.relu(self.linear("dyn.said.word", given["words"][:, :-1])).unflatten(0, (s.clips * s.frames, -1))[:, 1:]
        clean, masked = (
            self.embed(given[stream], self.w["dyn.embed"]).view_as(shared) + shared + self.told(heard, given, stream).unsqueeze(1)
            for stream in ("clean", "masked")
        )
        if "dyn.beside.w" in self.w:
            # Neither what is masked nor what is unknown is settled: rows behind the levels' own.
            width = s.dims * s.levels
            settled = torch.where(given["masked"] < width, given["masked"], width)
            masked = masked + self.linear("dyn.beside", self.taps(self.embed(settled, self.w["dyn.embed"][:width])))
        last = max(i for i, block in enumerate(s.blocks) if block["temporal"])
        for i, block in enumerate(s.blocks):
            name = f"dyn.{i}"
            rows = self.linear(f"{name}.mod", cond).unflatten(-1, (-1, 2, 1, s.c)).unbind(1)
            m, c = (iter([row.unbind(1) for row in rows]) for _ in range(2))
            masked = self.space(name, masked, m)
            if clean is not None:
                clean = self.space(name, clean, c)
            if block["temporal"]:
                masked, clean = self.time(name, masked, clean, (m, c), given, i == last)
            if block["prompt"]:
                masked = self.text(name, masked, m, words, given["masked_words_mask"])
                if clean is not None:
                    clean = self.text(name, clean, c, words, given["clean_words_mask"])
            masked = self.feed_forward(name, masked, m)
            if clean is not None:
                clean = self.feed_forward(name, clean, c)
        logits = self.logits(masked, offers, given["truth"])
        entropy = F.cross_entropy(logits.flatten(0, 1), given["truth"].flatten(), reduction="none").view(-1, s.dims)
        return (entropy.mean(1) * given["weights"]).sum() / given["weights"].sum()


class Muon:
    """`torch.optim.Muon` in f32. That one multiplies in bf16, which a processor without instructions for it does many times slower."""

    def __init__(self, matrices, lr, weight_decay, adjust_lr_fn):
        assert adjust_lr_fn == "match_rms_adamw"
        self.matrices, self.rate, self.weight_decay = matrices, lr, weight_decay
        self.velocities = [torch.zeros_like(w) for w in matrices]

    @torch.no_grad()
    def step(self):
        for w, velocity in zip(self.matrices, self.velocities):
            velocity.lerp_(w.grad, 0.05)
            x = w.grad.lerp(velocity, 0.95)
            tall = x.shape[0] > x.shape[1]
            x = x.T if tall else x
            x = x / x.norm().clamp(min=1e-7)
            for _ in range(5):
                gram = x @ x.T
                x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=-4.775, alpha=2.0315), x, beta=3.4445)
            w.mul_(1 - self.rate * self.weight_decay)
            w.add_(x.T if tall else x, alpha=-0.2 * self.rate * max(w.shape) ** 0.5)

    def zero_grad(self):
        for w in self.matrices:
            w.grad = None


class Training:
    """A model and what trains it."""

    def __init__(self, step, muon):
        self.given, self.model = step.input, Dynamics(step)
        of_muon = {name: MATRICES.fullmatch(name) is not None for name in self.model.w}
        matrices, others = ([w for name, w in self.model.w.items() if of_muon[name] == wanted] for wanted in (True, False))
        self.optimizers = [
            muon(matrices, lr=step.rate, weight_decay=0.01, adjust_lr_fn="match_rms_adamw"),
            torch.optim.AdamW(others, lr=step.rate, betas=(0.9, 0.97), weight_decay=0.01),
        ]

    def step(self):
        """The loss before the step."""
        loss = self.model.loss(self.given)
        value = loss.item()
        for optimizer in self.optimizers:
            optimizer.zero_grad()
        loss.backward()
        for optimizer in self.optimizers:
            optimizer.step()
        return value


def time_steps(step, muon, steps):
    """Milliseconds of the median of so many steps."""
    training, times = Training(step, muon), []
    for _ in range(WARM_UP_STEPS + steps):
        begin = time.perf_counter()
        training.step()
        times.append((time.perf_counter() - begin) * 1e3)
    return statistics.median(times[WARM_UP_STEPS:])


def check(step, muon):
    """Compares losses before and after a step with the trainer's; and a model with one weight changed must have another."""
    training = Training(step, muon)
    loss, missing = training.step(), [name for name, w in training.model.w.items() if w.grad is None]
    with torch.no_grad():
        after = training.model.loss(step.input).item()
        changed = Dynamics(step)
        changed.w["dyn.head.copy.b"] += 0.1
        other = changed.loss(step.input).item()
    print(f"loss         {loss:.6f} here, {step.loss:.6f} in the trainer; after a step {after:.6f} and {step.loss_after:.6f}; with a weight changed {other:.6f}")
    if missing:
        sys.exit(f"nothing trains {', '.join(missing)}")
    if abs(loss - step.loss) > LOSS_TOLERANCE * step.loss:
        sys.exit("the model here computes something else than the trainer's")
    if abs(after - step.loss_after) > MENDED_TOLERANCE * abs(step.loss - step.loss_after):
        sys.exit("the optimizers here do something else than the trainer's")
    if abs(other - step.loss) <= LOSS_TOLERANCE * step.loss:
        sys.exit("the loss says nothing: another model has the same")


def trainer(args, backend, *options):
    """Milliseconds of the trainer's median step."""
    command = [args.trainer, "bench", "--preset", args.preset, "--backend", backend, *map(str, options)]
    threads = {name: str(args.threads) for name in ("OMP_NUM_THREADS", "RAYON_NUM_THREADS")}
    try:
        said = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=os.environ | threads)
    except OSError as error:
        sys.exit(f"{args.trainer} cannot be started ({error.strerror}): build it as bench/training.py says at its top")
    if said.returncode:
        sys.exit(f"{' '.join(map(str, command))} failed")
    return float(re.search(r"median ([\d.]+) ms", said.stdout)[1])


def main():
    args = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    args.add_argument("--trainer", default=TARGET / "release/somnium-train", help="the program; where not given, what cargo built (CARGO_TARGET_DIR)")
    args.add_argument("--preset", default="pocket")
    args.add_argument("--flex", action="store_true", help="time the trainer's own backend besides libtorch")
    args.add_argument("--rounds", type=int, default=7, help="turns of either side")
    args.add_argument("--steps", type=int, default=5, help="steps a turn")
    args.add_argument("--threads", type=int, default=os.cpu_count(), help="of either side")
    args = args.parse_args()
    torch.set_num_threads(args.threads)
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/step.safetensors"
        trainer(args, "tch", "--steps", 1, "--write", path)
        step = Step(path)
    print(f"model        preset {args.preset}, {step.clips} clips of {step.frames} frames, {args.threads} threads, pytorch {torch.__version__}")
    muons = {"f32": Muon, "bf16 (torch.optim)": torch.optim.Muon}
    by_muon = {name: time_steps(step, muon, 1) for name, muon in muons.items()}
    quickest = min(by_muon, key=by_muon.get)
    print("muon         " + ", ".join(f"a step with {name} {ms:.0f} ms" for name, ms in by_muon.items()) + f": {quickest} counts")
    muon = muons[quickest]
    check(step, muon)
    sides = {backend: functools.partial(trainer, args, backend, "--steps", args.steps) for backend in ("tch", "flex")[: 1 + args.flex]}
    times = take_turns(args.rounds, sides | {"pytorch": lambda: time_steps(step, muon, args.steps)})
    print("median step  " + ", ".join(f"{name} {spread(of)}" for name, of in times.items()))
    for backend in sides:
        print(f"ratio        {backend} {ratio(times[backend], times['pytorch'])}")


if __name__ == "__main__":
    main()
