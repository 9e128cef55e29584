#!/usr/bin/env python3
"""The CPU engine against onnxruntime: the same frame, the same weights, the same number of threads, in turns.

    cargo build --release
    python3 -m venv .venv && .venv/bin/pip install onnxruntime==1.31.1 onnx==1.23.2 numpy
    .venv/bin/python bench/onnxruntime.py

builds an ONNX graph of a whole dreamed frame (docs/MODEL.md) from the weights of a random pack, checks its logits against those that
the engine stored in the pack, and times both. bench/README.md says what each side does within the time.
"""

import sys

# This file has the name of the library: its folder is searched last.
sys.path.append(sys.path.pop(0))
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from compare import Dream, compare

HIDDEN_SCORE = np.float32(-1e30)
FLOAT, INT, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL


class Graph:
    """An ONNX graph under construction; every method adds a node and gives the name of what comes out."""

    def __init__(self):
        self.nodes, self.constants, self.inputs, self.outputs = [], [], [], []
        self.known = {}

    def input(self, name, kind, shape):
        self.inputs.append(helper.make_tensor_value_info(name, kind, shape))
        return name

    def output(self, name, value, kind, shape):
        self.nodes.append(helper.make_node("Identity", [value], [name]))
        self.outputs.append(helper.make_tensor_value_info(name, kind, shape))

    def constant(self, array):
        array = array.astype(np.float32) if array.dtype == np.float64 else array
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self.known:
            self.known[key] = f"c{len(self.constants)}"
            self.constants.append(numpy_helper.from_array(np.asarray(array, order="C"), self.known[key]))
        return self.known[key]

    def add(self, op, *inputs, outputs=1, domain="", **attributes):
        names = [x if isinstance(x, str) else self.constant(x) for x in inputs]
        out = [f"v{len(self.nodes)}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(op, names, out, domain=domain, **attributes))
        return out[0] if outputs == 1 else out

    def reshape(self, x, *shape):
        return self.add("Reshape", x, np.array(shape, np.int64))

    def columns(self, x, widths):
        return self.add("Split", x, np.array(widths, np.int64), outputs=len(widths), axis=-1)

    def rms(self, x, gain):
        return self.add("SimplifiedLayerNormalization", x, gain, epsilon=1e-5, axis=-1)

    def linear(self, x, w, b=None, plus=None):
        """x w + b, or x w + plus."""
        if b is None and plus is None:
            return self.add("MatMul", x, w)
        return self.add("Gemm", x, w, plus if b is None else b)

    def feed_forward(self, x, y, up, up_b, down, down_b):
        hidden = self.add("BiasGelu", self.linear(y, up), up_b, domain="com.microsoft")
        return self.add("Add", x, self.linear(hidden, down, down_b))

    def attend(self, q, k, v, heads):
        """Of (batch, rows, channels) each."""
        return self.add("MultiHeadAttention", q, k, v, domain="com.microsoft", num_heads=heads)

    def session(self, threads, spinning=True):
        graph = helper.make_graph(self.nodes, "frame", self.inputs, self.outputs, self.constants)
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.add_session_config_entry("session.intra_op.allow_spinning", str(int(spinning)))
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


class Frame(Graph):
    """A whole frame as the engine computes it: the first pass also commits the frame before. Where levels are `forced` it ends with the
    logits of the first pass."""

    def __init__(self, pack, forced):
        super().__init__()
        self.p = p = pack
        n, c, dims = p.n, p.c, p.dims
        self.actions = self.input("actions", INT, [2])
        self.now = self.add("Squeeze", self.add("Slice", self.actions, np.array([0]), np.array([1])), np.array([0]))
        previous = self.input("previous", INT, [n, dims])
        past_pending = self.input("past_pending", FLOAT, [n, c])
        self.bias = self.input("bias", FLOAT, [p.heads, 2, p.window + 1])
        self.rings = [
            (self.input(f"k{i}", FLOAT, [n, p.heads, c // p.heads, p.window - 1]), self.input(f"v{i}", FLOAT, [n, p.heads, p.window - 1, c // p.heads]))
            for i in p.temporal
        ]
        offers = self.input("offers", INT, [n, p.sources, dims])
        # Levels that no source offers lie beyond the last one.
        hot = self.add("OneHot", offers, np.array(p.levels), np.array([0, 1], np.float32), axis=-1)
        self.offered = [
            (self.add("Gather", offers, np.array(d), axis=2), self.add("Gather", hot, np.array(d), axis=2)) for d in range(dims)
        ]
        self.offsets = np.arange(dims, dtype=np.int64) * p.levels
        self.table = np.concatenate([p["dyn.embed"], np.zeros((1, c), np.float32)])
        self.prompt = p.prompt()

        embedded = self.add("ReduceSum", self.add("Gather", self.table, previous), np.array([1]), keepdims=0)
        past = self.past(embedded)
        base = p.base()
        masked = base + p["dyn.embed"][dims * p.levels]
        dreamed = self.add("Add", past, masked)
        committed = self.add("Add", self.add("Add", embedded, past_pending), base)
        x, self.entered = self.pass_(self.add("Concat", dreamed, committed, axis=0), None)
        if forced:
            truth = self.input("truth", INT, [n, dims])
            _, logits = self.choose(x, truth, None)
            self.output("logits", logits, FLOAT, [n, dims * p.levels])
        else:
            noise = self.input("noise", FLOAT, [p.steps, n, dims * p.levels])
            masks = self.input("masked", BOOL, [p.steps, n, 1])
            codes = None
            for step in range(p.steps):
                if step:
                    stays = self.add("Gather", masks, np.array(step))
                    rows = self.add("Add", codes, self.offsets)
                    tokens = self.add("ReduceSum", self.add("Gather", self.table, rows), np.array([1]), keepdims=0)
                    around = self.beside(tokens, stays, past)
                    tokens = self.add("Where", stays, p["dyn.embed"][dims * p.levels], tokens)
                    x, _ = self.pass_(self.add("Add", self.add("Add", tokens, around), base), self.entered)
                levels, _ = self.choose(x, None, self.add("Gather", noise, np.array(step)))
                codes = self.add("Where", stays, levels, codes) if step else levels
            self.output("codes", codes, INT, [n, dims])
            self.output("rgb", self.picture(codes), TensorProto.UINT8, [p.grid_h * p.patch, p.grid_w * p.patch, 3])
        self.output("past", past, FLOAT, [n, c])
        for i, (k, v) in zip(p.temporal, self.entered):
            self.output(f"entered_k{i}", k, FLOAT, [n, p.heads, c // p.heads, 1])
            self.output(f"entered_v{i}", v, FLOAT, [n, p.heads, 1, c // p.heads])

    def past(self, embedded):
        """What the frame sees of the one before and of the map."""
        p = self.p
        gate = self.add("Gather", p["dyn.prev.gate"], self.now)
        past = self.linear(self.add("Mul", self.taps(embedded), gate), p["dyn.prev.w"], p["dyn.prev.b"])
        if p.recall:
            past = self.linear(self.input("recalled", FLOAT, [p.n, 9 * p.map_rows]), p.recall_table(), plus=past)
        return past

    def taps(self, x):
        """The 3x3 neighbourhoods of (n, channels), (n, 9 * channels)."""
        p, c = self.p, self.p.c
        with_border = self.add("Concat", x, np.zeros((1, c), np.float32), axis=0)
        return self.reshape(self.add("Gather", with_border, p.neighbours()), p.n, 9 * c)

    def beside(self, tokens, stays, past):
        """`past`, and what the frame sees of those of its tokens that are settled."""
        if not self.p.look_beside:
            return past
        settled = self.add("Where", stays, np.float32(0), tokens)
        return self.linear(self.taps(settled), self.p["dyn.beside.w"], plus=past)

    def mnorm(self, x, block, j, groups):
        """The modulated norm j of a block, of (groups * n, channels)."""
        table, c = self.p.modulation(block)[:, j], self.p.c
        if groups == 1:
            gain, shift = (self.add("Gather", table[:, part], self.now) for part in (0, 1))
            return self.add("Add", self.rms(x, gain), shift)
        gain, shift = (self.add("Gather", table[:, part].reshape(-1, 1, c), self.actions) for part in (0, 1))
        y = self.reshape(self.rms(x, np.ones(c, np.float32)), groups, -1, c)
        return self.reshape(self.add("Add", self.add("Mul", y, gain), shift), -1, c)

    def pass_(self, x, entered):
        """All blocks. With `entered`, the keys and values committed by the first pass, x is the dreamed frame alone; without, the frame
        being committed is below it and leaves after its last keys."""
        p, c, groups = self.p, self.p.c, 1 if entered else 2
        entering = []
        for i, block in enumerate(p.blocks):
            name, norm = f"dyn.{i}", iter(range(4))
            qkv = self.columns(self.linear(self.mnorm(x, i, next(norm), groups), p[f"{name}.space.qkv.w"]), [c] * 3)
            seen = self.attend(*(self.reshape(part, groups, -1, c) for part in qkv), p.heads)
            x = self.linear(self.reshape(seen, -1, c), p[f"{name}.space.out.w"], plus=x)
            if block["temporal"]:
                layer = p.temporal.index(i)
                last = layer + 1 == len(p.temporal)
                y = self.mnorm(x, i, next(norm), groups)
                seen, kv = self.look_back(y, name, layer, groups, last, entered and entered[layer])
                entering.append(kv)
                if groups == 2 and last:
                    x, groups = self.add("Slice", x, np.array([0]), np.array([p.n]), np.array([0])), 1
                x = self.linear(seen, p[f"{name}.time.out.w"], plus=x)
            if block["prompt"]:
                q = self.linear(self.mnorm(x, i, next(norm), groups), p[f"{name}.text.q.w"])
                k, v = np.split(self.prompt @ p[f"{name}.text.kv.w"], 2, axis=1)
                seen = self.attend(self.reshape(q, 1, -1, c), k[None], v[None], p.heads)
                x = self.linear(self.reshape(seen, -1, c), p[f"{name}.text.out.w"], plus=x)
            y = self.mnorm(x, i, next(norm), groups)
            x = self.feed_forward(x, y, *(p[f"{name}.{part}"] for part in ("up.w", "up.b", "down.w", "down.b")))
        return x, entering

    def look_back(self, y, name, layer, groups, last, entered):
        """Attention over time: what the rows of y see, and keys and values of the frame that is being committed."""
        p, c, h = self.p, self.p.c, self.p.heads
        w, dh = p[f"{name}.time.qkv.w"].copy(), self.p.c // self.p.heads
        w[:, :c] /= np.sqrt(dh)
        heads = lambda x, many: self.add("Transpose", self.reshape(x, many, p.n, h, dh), perm=[1, 2, 0, 3])
        asking = groups
        if groups == 2 and last:
            # Of the committed frame only keys and values are wanted.
            above, below = self.add("Split", y, np.array([p.n, p.n]), outputs=2, axis=0)
            q, k, v = self.columns(self.linear(above, w), [c] * 3)
            more = self.columns(self.linear(below, w[:, c:]), [c] * 2)
            k, v = (self.add("Concat", a, b, axis=0) for a, b in zip((k, v), more))
            asking = 1
        else:
            q, k, v = self.columns(self.linear(y, w), [c] * 3)
        q, k, v = heads(q, asking), heads(k, groups), heads(v, groups)
        k = self.add("Transpose", k, perm=[0, 1, 3, 2])
        if entered:
            k, v = self.add("Concat", k, entered[0], axis=3), self.add("Concat", v, entered[1], axis=2)
            kv = entered
        else:
            kv = self.add("Slice", k, np.array([1]), np.array([2]), np.array([3])), self.add("Slice", v, np.array([1]), np.array([2]), np.array([2]))
        k_ring, v_ring = self.rings[layer]
        scores = self.add("Concat", self.add("MatMul", q, k), self.add("MatMul", q, k_ring), axis=3)
        bias = self.bias if asking == 2 else self.add("Slice", self.bias, np.array([0]), np.array([1]), np.array([1]))
        own = self.add("Add", bias, self.by_age(name, asking))
        weights = self.add("Softmax", self.add("Add", scores, own), axis=-1)
        near, far = self.columns(weights, [2, p.window - 1])
        seen = self.add("Add", self.add("MatMul", near, v), self.add("MatMul", far, v_ring))
        return self.reshape(self.add("Transpose", seen, perm=[2, 0, 1, 3]), -1, c), kv

    def by_age(self, name, asking):
        """Bias of each key by its age, (heads, asking, window + 1), from the input `ages`."""
        if not hasattr(self, "ages"):
            self.ages = self.input("ages", INT, [2, self.p.window + 1])
        ages = self.ages if asking == 2 else self.add("Slice", self.ages, np.array([0]), np.array([1]), np.array([0]))
        return self.add("Gather", self.p[f"{name}.time.bias"], ages, axis=1)

    def choose(self, x, truth, noise):
        """Levels one dimension after the other: (n, dims) chosen, and logits."""
        p, units = self.p, self.p.manifest["dynamics"]["head_hidden"]
        y = self.rms(x, np.ones(p.c, np.float32))
        rest = self.linear(y, p["dyn.head.hidden.w"], p["dyn.head.hidden.b"])
        gates = self.linear(y, p["dyn.head.copy.w"], p["dyn.head.copy.b"])
        all_logits, chosen, agreeing = [], [], gates
        for d in range(p.dims):
            last = d + 1 == p.dims
            own, rest = (rest, None) if last else self.columns(rest, [units, (p.dims - d - 1) * units])
            out = p["dyn.head.out.w"][d * units : (d + 1) * units], p["dyn.head.out.b"][d * p.levels : (d + 1) * p.levels]
            logits = self.linear(self.add("Relu", own), *out)
            offer, hot = self.offered[d]
            weighed = self.add("Mul", self.add("Unsqueeze", agreeing, np.array([2])), hot)
            logits = self.add("Add", logits, self.add("ReduceSum", weighed, np.array([1]), keepdims=0))
            all_logits.append(logits)
            if truth:
                level = self.add("Gather", truth, np.array([d]), axis=1)
            else:
                own_noise = self.add("Slice", noise, np.array([d * p.levels]), np.array([(d + 1) * p.levels]), np.array([1]))
                level = self.add("ArgMax", self.add("Add", logits, own_noise), axis=1, keepdims=1)
            chosen.append(level)
            if not last:
                codes = p["dyn.head.codes"][d * p.levels : (d + 1) * p.levels, (d + 1) * units :]
                rest = self.add("Add", rest, self.add("Gather", codes, self.add("Squeeze", level, np.array([1]))))
                same = self.add("Cast", self.add("Equal", offer, level), to=FLOAT)
                agreeing = self.add("Mul", agreeing, same)
        return self.add("Concat", *chosen, axis=1), self.add("Concat", *all_logits, axis=1) if truth else None

    def picture(self, codes):
        p, t = self.p, self.p.manifest["tokenizer"]
        c, ones = t["channels"], np.ones(t["channels"], np.float32)
        values = self.add("Mul", self.add("Cast", codes, to=FLOAT), np.float32(2 / (p.levels - 1)))
        # The values' shift by one is part of what is added to them.
        x = self.linear(values, p["tok.dec.code.w"], plus=p["tok.dec.code.b"] + p["tok.dec.pos"] - p["tok.dec.code.w"].sum(0))
        for i in range(t["decoder_blocks"]):
            name = f"tok.dec.{i}"
            qkv = self.columns(self.linear(self.rms(x, ones), p[f"{name}.qkv.w"]), [c] * 3)
            seen = self.attend(*(self.reshape(part, 1, -1, c) for part in qkv), t["heads"])
            x = self.linear(self.reshape(seen, -1, c), p[f"{name}.out.w"], plus=x)
            x = self.feed_forward(x, self.rms(x, ones), *(p[f"{name}.{part}"] for part in ("up.w", "up.b", "down.w", "down.b")))
        hidden = self.add("BiasGelu", self.linear(self.rms(x, ones), p["tok.dec.out1.w"]), p["tok.dec.out1.b"], domain="com.microsoft")
        # (y + 1) * 127.5 is part of the matrix.
        scale = np.float32(127.5)
        y = self.linear(hidden, p["tok.dec.out2.w"] * scale, p["tok.dec.out2.b"] * scale + scale)
        y = self.add("Cast", self.add("Round", self.add("Clip", y, np.float32(0), np.float32(255))), to=TensorProto.UINT8)
        y = self.reshape(y, p.grid_h, p.grid_w, p.patch, p.patch, 3)
        return self.reshape(self.add("Transpose", y, perm=[0, 2, 1, 3, 4]), p.grid_h * p.patch, p.grid_w * p.patch, 3)


class OrtDream(Dream):
    """A dream whose frames a session of [`Frame`] computes."""

    def __init__(self, pack, session):
        super().__init__(pack)
        self.session, dh = session, pack.c // pack.heads
        self.ring = {f"k{i}": np.zeros((pack.n, pack.heads, dh, pack.window - 1), np.float32) for i in pack.temporal}
        self.ring |= {f"v{i}": np.zeros((pack.n, pack.heads, pack.window - 1, dh), np.float32) for i in pack.temporal}
        self.past = np.zeros((pack.n, pack.c), np.float32)
        self.entered = None

    def feed(self, action):
        p, feed = self.p, super().feed(action) | {"past_pending": self.past} | self.ring
        if self.map:
            # How often each row of the table of recall counts.
            hot = np.zeros((p.n, 9 * p.map_rows + 1), np.float32)
            np.put_along_axis(hot, feed["recalled"], 1, axis=1)
            feed["recalled"] = np.ascontiguousarray(hot[:, :-1])
        # Keys: dreamed frame, committed frame, slots of the ring. Ages beyond the window are out of sight.
        slots = np.arange(p.window - 1)
        behind = (self.committed - 1 - slots) % (p.window - 1) + 1
        exists = behind <= self.committed
        ages = np.stack([np.concatenate([[0, 1], behind + 1]), np.concatenate([[0, 0], behind])])
        sees = np.stack([np.concatenate([[True, self.codes is not None], exists]), np.concatenate([[False, True], exists])])
        sees &= ages < p.window
        feed["ages"] = np.where(sees, ages, 0)
        feed["bias"] = np.where(sees, np.float32(0), HIDDEN_SCORE)[None].repeat(p.heads, 0)
        return feed

    def run(self, feed):
        out = dict(zip((output.name for output in self.session.get_outputs()), self.session.run(None, feed)))
        self.entered, self.past = out, out["past"]
        return out

    def settle(self, codes, action, moved):
        if self.codes is not None:
            slot = self.committed % (self.p.window - 1)
            for i in self.p.temporal:
                self.ring[f"k{i}"][..., slot] = self.entered[f"entered_k{i}"][..., 0]
                self.ring[f"v{i}"][:, :, slot] = self.entered[f"entered_v{i}"][:, :, 0]
        super().settle(codes, action, moved)


def open_checked(pack, threads):
    return OrtDream(pack, Frame(pack, True).session(threads))


def open_timed(pack, threads):
    # Threads that wait spinning are quicker on an idle machine, those that sleep on a busy one.
    sessions = [Frame(pack, False).session(threads, spinning) for spinning in (True, False)]
    return [lambda session=session: OrtDream(pack, session) for session in sessions]


if __name__ == "__main__":
    compare(__doc__, "onnxruntime", onnxruntime.__version__, open_checked, open_timed)
