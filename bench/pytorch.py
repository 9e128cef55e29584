#!/usr/bin/env python3
"""Somnium against plain PyTorch: the same frame, the same weights, the same number of threads, in turns; on the GPU where CUDA finds one.

    cargo build --release
    python3 -m venv .venv && .venv/bin/pip install torch==2.9.0 numpy
    .venv/bin/python bench/pytorch.py

computes a whole dreamed frame (docs/MODEL.md) with the weights of a random pack, checks its logits against those that the engine stored
in the pack, and times both. bench/README.md says what each side does within the time.
"""

import functools
import math

import torch
import torch.nn.functional as F

from compare import Dream, compare

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def on_device(array):
    return torch.from_numpy(array).to(DEVICE)


class World(torch.nn.Module):
    """The network with the weights of a pack; one call is a frame."""

    def __init__(self, pack):
        super().__init__()
        self.p = p = pack
        t = p.manifest["tokenizer"]
        self.units, self.t_heads, self.t_blocks = p.manifest["dynamics"]["head_hidden"], t["heads"], t["decoder_blocks"]
        self.w = {name: on_device(p[name]) for name in p.tensors if not name.startswith("parity.")}
        # The last row embeds a frame that is not there.
        self.embed = F.pad(self.w["dyn.embed"], (0, 0, 0, 1))
        self.masked = self.embed[p.dims * p.levels]
        self.base = on_device(p.base())
        self.neighbours = on_device(p.neighbours())
        self.offsets = torch.arange(p.dims, device=DEVICE) * p.levels
        self.modulation = [on_device(p.modulation(i)) for i in range(len(p.blocks))]
        if p.recall:
            self.recall = F.pad(on_device(p.recall_table()), (0, 0, 0, 1))
        prompt = on_device(p.prompt())
        self.prompt = {}
        for i, block in enumerate(p.blocks):
            if block["prompt"]:
                kv = (prompt @ self.w[f"dyn.{i}.text.kv.w"]).chunk(2, -1)
                self.prompt[i] = [self.split(part, p.heads)[None] for part in kv]

    def linear(self, name, x):
        y = x @ self.w[f"{name}.w"]
        bias = self.w.get(f"{name}.b")
        return y if bias is None else y + bias

    def feed_forward(self, name, y):
        return self.linear(f"{name}.down", F.gelu(self.linear(f"{name}.up", y)))

    @staticmethod
    def split(x, heads):
        """(..., rows, channels) to (..., heads, rows, channels of a head)."""
        return x.unflatten(-1, (heads, -1)).transpose(-3, -2)

    def attend(self, q, k, v):
        return F.scaled_dot_product_attention(q, k, v).transpose(-3, -2).flatten(-2)

    def mnorm(self, x, block, j, actions):
        """The modulated norm j of a block, of (groups, n, channels)."""
        gain, shift = self.modulation[block][actions, j].unsqueeze(-2).unbind(1)
        return F.rms_norm(x, x.shape[-1:], eps=1e-5) * gain + shift

    def taps(self, x):
        """The 3x3 neighbourhoods of (n, channels), (n, 9 * channels)."""
        return F.pad(x, (0, 0, 0, 1))[self.neighbours].flatten(1)

    def past(self, feed):
        """Embedding of the frame before, and what the frame sees of it and of the map, each (n, channels)."""
        embedded = self.embed[feed["previous"]].sum(1)
        past = self.linear("dyn.prev", self.taps(embedded) * self.w["dyn.prev.gate"][feed["actions"][0]])
        if self.p.recall:
            past = past + F.embedding_bag(feed["recalled"], self.recall, mode="sum")
        return embedded, past

    def pass_(self, x, feed, ring, commits):
        """All blocks, of (groups, n, channels): the frame being dreamed and, in the first pass, the one being committed, whose keys and values
        enter the ring on the way; it leaves behind its last ones."""
        p, actions = self.p, feed["actions"] if commits else feed["actions"][:1]
        for i, block in enumerate(p.blocks):
            name, norm = f"dyn.{i}", iter(range(4))
            q, k, v = (self.split(part, p.heads) for part in self.linear(f"{name}.space.qkv", self.mnorm(x, i, next(norm), actions)).chunk(3, -1))
            x = x + self.linear(f"{name}.space.out", self.attend(q, k, v))
            if block["temporal"]:
                layer = p.temporal.index(i)
                qkv = self.linear(f"{name}.time.qkv", self.mnorm(x, i, next(norm), actions)).unflatten(-1, (3, p.heads, -1))
                # The last slot is that of the frame being dreamed.
                for kept, part in zip(ring[layer], (qkv[:, :, 1], qkv[:, :, 2])):
                    kept[:, :, -1] = part[0]
                    if len(x) == 2:
                        kept.index_copy_(2, feed["slot"], part[1].unsqueeze(2))
                if len(x) == 2 and layer + 1 == len(p.temporal):
                    x, actions = x[:1], actions[:1]
                bias = torch.where(feed["sees"], self.w[f"{name}.time.bias"][:, feed["ages"]], -math.inf)[:, : len(x)]
                q = qkv[: len(x), :, 0].permute(1, 2, 0, 3)
                seen = F.scaled_dot_product_attention(q, *ring[layer], attn_mask=bias)
                x = x + self.linear(f"{name}.time.out", seen.permute(2, 0, 1, 3).flatten(-2))
            if block["prompt"]:
                q = self.split(self.linear(f"{name}.text.q", self.mnorm(x, i, next(norm), actions)), p.heads)
                x = x + self.linear(f"{name}.text.out", self.attend(q, *(part.expand(len(x), -1, -1, -1) for part in self.prompt[i])))
            x = x + self.feed_forward(name, self.mnorm(x, i, next(norm), actions))
        return x[0]

    def choose(self, x, offers, truth, noise):
        """Levels one dimension after the other, (n, dims), and logits."""
        p, units = self.p, self.units
        y = F.rms_norm(x, x.shape[-1:], eps=1e-5)
        hidden = self.linear("dyn.head.hidden", y)
        gates = self.linear("dyn.head.copy", y)
        codes, all_logits = [], []
        for d in range(p.dims):
            columns, levels = slice(d * units, (d + 1) * units), slice(d * p.levels, (d + 1) * p.levels)
            logits = F.relu(hidden[:, columns]) @ self.w["dyn.head.out.w"][columns] + self.w["dyn.head.out.b"][levels]
            # What no source offers lies beyond the last level.
            logits = F.pad(logits, (0, 1)).scatter_add(1, offers[:, :, d], gates)[:, :-1]
            level = (logits + noise[:, levels]).argmax(-1) if truth is None else truth[:, d]
            hidden = hidden + self.w["dyn.head.codes"][d * p.levels + level]
            gates = gates * (offers[:, :, d] == level[:, None])
            codes.append(level)
            all_logits.append(logits)
        return torch.stack(codes, 1), torch.cat(all_logits, 1)

    def picture(self, codes):
        """(height_px, width_px, 3) bytes."""
        p = self.p
        x = self.linear("tok.dec.code", codes * (2 / (p.levels - 1)) - 1) + self.w["tok.dec.pos"]
        for i in range(self.t_blocks):
            name = f"tok.dec.{i}"
            q, k, v = (self.split(part, self.t_heads) for part in self.linear(f"{name}.qkv", F.rms_norm(x, x.shape[-1:], eps=1e-5)).chunk(3, -1))
            x = x + self.linear(f"{name}.out", self.attend(q[None], k[None], v[None])[0])
            x = x + self.feed_forward(name, F.rms_norm(x, x.shape[-1:], eps=1e-5))
        y = F.gelu(self.linear("tok.dec.out1", F.rms_norm(x, x.shape[-1:], eps=1e-5)))
        y = ((self.linear("tok.dec.out2", y) + 1) * 127.5).clamp(0, 255).round().to(torch.uint8)
        return y.view(p.grid_h, p.grid_w, p.patch, p.patch, 3).transpose(1, 2).reshape(p.grid_h * p.patch, -1, 3)

    def forward(self, feed, ring):
        """Codes, picture and what the frame saw of the past; with the truth, its logits instead of a picture."""
        embedded, past = self.past(feed)
        committed = embedded + feed["past_pending"] + self.base
        x = self.pass_(torch.stack([past + self.masked + self.base, committed]), feed, ring, True)
        if "truth" in feed:
            codes, logits = self.choose(x, feed["offers"], feed["truth"], None)
            return codes, logits, past
        codes, _ = self.choose(x, feed["offers"], None, feed["noise"][0])
        for noise, masked in zip(feed["noise"][1:], feed["masked"][1:]):
            drawn = self.embed[codes + self.offsets].sum(1)
            x = torch.where(masked, self.masked, drawn) + past + self.base
            if self.p.look_beside:
                x = x + self.linear("dyn.beside", self.taps(torch.where(masked, 0.0, drawn)))
            x = self.pass_(x[None], feed, ring, False)
            codes = torch.where(masked, self.choose(x, feed["offers"], None, noise)[0], codes)
        return codes, self.picture(codes), past


class TorchDream(Dream):
    """A dream whose frames a [`World`] computes, or what was compiled of one."""

    def __init__(self, pack, world):
        super().__init__(pack)
        self.world, dh = world, pack.c // pack.heads
        # As many frames as the oldest that a committed one sees, and the one being dreamed.
        ring = lambda: torch.zeros(pack.n, pack.heads, pack.window + 1, dh, device=DEVICE)
        self.ring = [(ring(), ring()) for _ in pack.temporal]
        self.past = torch.zeros(pack.n, pack.c, device=DEVICE)

    def feed(self, action):
        p, feed = self.p, super().feed(action)
        # Keys: slots of the ring once the frame before is there, and the frame being dreamed itself, which the committed one does not see.
        committed = self.committed + (self.codes is not None)
        behind = (committed - 1 - torch.arange(p.window)) % p.window + 1
        exists = behind <= committed
        sees = torch.stack([F.pad(exists & (behind < p.window), (0, 1), value=True), F.pad(exists, (0, 1), value=False)])
        # A committed frame that is not there must see something: itself.
        sees[1, self.committed % p.window] = True
        ages = torch.stack([F.pad(behind, (0, 1)), F.pad(behind - 1, (0, 1))])
        return feed | {"sees": sees.numpy(), "ages": torch.where(sees, ages, 0).numpy(), "slot": torch.tensor([self.committed % p.window]).numpy()}

    def run(self, feed):
        with torch.inference_mode():
            codes, out, self.past = self.world({name: on_device(x) for name, x in feed.items()} | {"past_pending": self.past}, self.ring)
            # The host has the tokens and the picture's device is done: what a player waits for.
            return {"codes": codes.cpu().numpy(), "logits": out.cpu().numpy()}


def open_checked(pack, threads):
    if threads:
        torch.set_num_threads(threads)
    return TorchDream(pack, World(pack))


def open_timed(pack, _):
    return [functools.partial(TorchDream, pack, World(pack))]


if __name__ == "__main__":
    compare(__doc__, "pytorch", torch.__version__, open_checked, open_timed, "gpu" if DEVICE.type == "cuda" else "cpu")
