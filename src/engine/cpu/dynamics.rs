//! The dynamics on one thread's tokens: what a frame sees of the one before, a pass through all blocks, the choice of levels.

use super::{
    attention::{Attend, AttendTime, PanelDims},
    buffer::{Floats, padded},
    kernels::Kernels,
    lane::{Lane, panel_of, rows, rows_mut},
    matmul::Then,
    weights::{DynamicsBlock, DynamicsWeights, TapTable},
};
use crate::{
    engine::{
        DecodeSettings, PromptWord, Settled, UNKNOWN, decode,
        recall::{Map, OWN, TAPS},
        told::{Said, ids},
        vocabulary::Vocabulary,
    },
    pack::manifest::FrameDims,
    prompt::{self, WordTable},
};

/// What a prompt says taken together, and its keys and values for every block with prompt attention.
pub struct PromptPanels {
    /// `None` until the first prompt is set; capacity for the longest.
    words: Option<Vec<PromptWord>>,
    /// What every token begins with.
    said: Floats,
    dims: PanelDims,
    keys: usize,
    k: Vec<Floats>,
    v: Vec<Floats>,
    /// What attention to it adds to every row where nothing is said, `(padded channels)`: the weight of a single key is one.
    silence: Vec<Floats>,
    /// What scores of each key are raised by.
    bias: Vec<f32>,
    /// Vectors, embeddings, and fused keys and values of the words.
    vectors: Floats,
    embedded: Floats,
    kv: Floats,
}

impl PromptPanels {
    pub fn new(d: &DynamicsWeights) -> Self {
        let room = 2 * d.dims.prompt_words + 1;
        let dims = PanelDims::new(d.dims.heads, d.dims.channels, room);
        let layers = d.blocks.iter().filter(|b| b.text.is_some()).count();
        let zeros = |n: usize| (0..layers).map(|_| Floats::zeros(n)).collect();
        Self {
            words: None,
            said: Floats::zeros(padded(d.dims.channels)),
            dims,
            keys: 0,
            k: zeros(dims.key_floats()),
            v: zeros(dims.value_floats()),
            silence: zeros(padded(d.dims.channels)),
            bias: Vec::with_capacity(room),
            vectors: Floats::zeros(room * padded(prompt::CHANNELS)),
            embedded: Floats::zeros(room * padded(d.dims.channels)),
            kv: Floats::zeros(room * padded(2 * d.dims.channels)),
        }
    }

    /// Makes it that of these words; keys and values stay where only shares are others.
    pub fn set(&mut self, k: Kernels, d: &DynamicsWeights, said: &mut Said, words: &[PromptWord]) {
        if self.words.as_deref() == Some(words) {
            return;
        }
        self.bias.clear();
        self.bias.push(0.0);
        self.bias.extend(words.iter().map(|word| (f32::from(word.share) / 255.0).ln()));
        said.row(words, &mut self.said);
        let same = self.words.as_ref().is_some_and(|held| ids(held).eq(ids(words)));
        let longest = 2 * d.dims.prompt_words;
        let held = self.words.get_or_insert_with(|| Vec::with_capacity(longest));
        held.clear();
        held.extend_from_slice(words);
        if same {
            return;
        }
        self.keys = words.len() + 1;
        let (c, stride, kv_stride) = (d.dims.channels, padded(d.dims.channels), padded(2 * d.dims.channels));
        let vector_stride = padded(prompt::CHANNELS);
        for (word, row) in words.iter().zip(self.vectors.chunks_exact_mut(vector_stride)) {
            row[..prompt::CHANNELS].copy_from_slice(&WordTable::get().vector(word.id));
        }
        let (nothing_said, embedded) = rows_mut(&mut self.embedded, self.keys, stride).split_at_mut(stride);
        nothing_said.copy_from_slice(&d.nothing_said[..stride]);
        k.product(rows(&self.vectors, words.len(), vector_stride), vector_stride, &d.words, embedded, stride, Then::Store);
        let layers = d.blocks.iter().filter_map(|b| b.text.as_ref());
        for (((text, keys), values), silence) in layers.zip(&mut self.k).zip(&mut self.v).zip(&mut self.silence) {
            let out = rows_mut(&mut self.kv, self.keys, kv_stride);
            k.product(rows(&self.embedded, self.keys, stride), stride, &text.kv, out, kv_stride, Then::Store);
            for (n, row) in out.chunks_exact(kv_stride).enumerate() {
                let set_value = |i: usize, part: &[f32]| values[i..i + part.len()].copy_from_slice(part);
                self.dims.place(n, &row[..c], &row[c..2 * c], |i, x| keys[i] = x, set_value);
            }
            if words.is_empty() {
                k.product(&out[c..2 * c], c, &text.out, silence, stride, Then::Store);
            }
        }
    }
}

/// One of the groups of rows that go through a pass together: a frame under a prompt.
#[derive(Clone, Copy)]
pub struct Group<'a> {
    pub action: u8,
    pub prompt: &'a PromptPanels,
    /// Row of `dyn.told`.
    pub told: usize,
    /// Ring slots of the frames it sees, age 1 first.
    pub slots: &'a [usize],
    /// Where its keys and values go, if it is being committed; such a group comes last.
    pub commit_to: Option<usize>,
}

/// What was before a frame, outside the ring.
#[derive(Clone, Copy)]
pub struct Past<'a> {
    /// `(tokens, code_dims)` of the frame before; `None` where there is none.
    pub codes: Option<&'a [u8]>,
    pub map: Option<&'a Map>,
    /// Where the view is expected to go on the map.
    pub motion: [i32; 2],
}

impl<'a> Past<'a> {
    /// The frame before has this of token `n`, levels or that it is unknown.
    fn before(&self, n: usize, code_dims: usize) -> Option<&'a [u8]> {
        self.codes.map(|codes| &codes[n * code_dims..][..code_dims])
    }

    /// Whether token `n` is what a source offers, whatever else may be likely.
    fn holds(&self, n: usize) -> bool {
        self.map.is_some_and(|map| map.holds(n, self.motion))
    }

    /// What each source offers token `n`.
    fn offers(&self, n: usize, code_dims: usize) -> [Option<&'a [u8]>; 2] {
        let before = self.before(n, code_dims).filter(|token| token[0] != UNKNOWN);
        [before, self.map.and_then(|map| map.offer(n, self.motion))]
    }
}

/// Adds to the logits of the dimension after those `drawn` the gates of the offers that begin as the token does.
fn add_copies(logits: &mut [f32], offers: &[Option<&[u8]>], gates: &[f32], drawn: &[u8]) {
    for (offer, gate) in offers.iter().zip(gates) {
        if let Some(offer) = offer.filter(|offer| offer.starts_with(drawn)) {
            logits[usize::from(offer[drawn.len()])] += gate;
        }
    }
}

/// Levels of the next dimension, a bit each, with which the offers that begin as the token does go on.
fn pointed_at(offers: &[Option<&[u8]>], drawn: &[u8]) -> u64 {
    let next = |offer: &&[u8]| offer.starts_with(drawn).then(|| 1 << offer[drawn.len()]);
    offers.iter().flatten().filter_map(next).fold(0, |levels, level: u64| levels | level)
}

/// The tokens around `n` and itself, as (tap, token), but for those outside the grid; of the look itself alone.
fn neighbours(n: usize, f: &FrameDims) -> impl Iterator<Item = (usize, usize)> {
    let (grid_w, grid_h) = (f.grid_w(), f.grid_h());
    let look = n == f.patches();
    (0..TAPS).filter_map(move |tap| {
        if look {
            return (tap == OWN).then_some((tap, n));
        }
        // Coordinates are shifted by one, so that they stay unsigned.
        let (ty, tx) = (n / grid_w + tap / 3, n % grid_w + tap % 3);
        ((1..=grid_h).contains(&ty) && (1..=grid_w).contains(&tx)).then(|| (tap, (ty - 1) * grid_w + tx - 1))
    })
}

/// What attention to the prompt adds to every row, where nothing is said in any group.
fn silence<'a>(layer: usize, groups: &[Group<'a>]) -> Option<&'a [f32]> {
    let first = groups.first()?.prompt;
    groups.iter().all(|group| group.prompt.keys == 1).then(|| &first.silence[layer][..])
}

impl<'a> Lane<'a> {
    /// Embeds the own tokens of the previous frame into `exchange.embedded`.
    pub fn embed_previous(&mut self, d: &DynamicsWeights, past: &Past) {
        let (stride, code_dims) = (padded(d.dims.channels), self.model.frame.code_dims);
        for n in self.w.tokens.clone() {
            // SAFETY: own tokens; the others read them after the next barrier.
            let row = unsafe { self.exchange.embedded.write(n * stride..(n + 1) * stride) };
            row.fill(0.0);
            self.add_embedding(d, past.before(n, code_dims).unwrap_or(&[UNKNOWN]), row);
        }
    }

    fn add_embedding(&self, d: &DynamicsWeights, token: &[u8], row: &mut [f32]) {
        let (stride, f) = (row.len(), &self.model.frame);
        if token[0] == UNKNOWN {
            self.kernels.add(&d.embed[(f.code_dims * f.code_levels + 1) * stride..], row);
            return;
        }
        for (i, &code) in token.iter().enumerate() {
            self.kernels.add(&d.embed[(i * f.code_levels + usize::from(code)) * stride..], row);
        }
    }

    /// `past_now` of own tokens for the frame that `action` leads into, from the neighbourhoods in `exchange.embedded` and from the map.
    /// After a barrier that follows [`Lane::embed_previous`].
    pub fn look_at_past(&mut self, d: &DynamicsWeights, action: u8, past: &Past) {
        let (c, stride, wide) = (d.dims.channels, padded(d.dims.channels), padded(TAPS * d.dims.channels));
        let gate = &d.gate[usize::from(action) * wide..][..wide];
        // SAFETY: written before the barrier, written again after another one.
        let embedded = unsafe { self.exchange.embedded.read(0..self.exchange.embedded.len()) };
        for (row, n) in self.w.wide.chunks_exact_mut(wide).zip(self.w.tokens.clone()) {
            row[..TAPS * c].fill(0.0);
            for (tap, n) in neighbours(n, &self.model.frame) {
                let seen = embedded[n * stride..][..c].iter().zip(&gate[tap * c..][..c]);
                row[tap * c..][..c].iter_mut().zip(seen).for_each(|(out, (x, gate))| *out = x * gate);
            }
        }
        let n = self.own();
        let (from, to) = (rows(&self.w.wide, n, wide), rows_mut(&mut self.w.past_now, n, stride));
        self.kernels.product(from, wide, &d.prev, to, stride, Then::Store);
        if let (Some(table), Some(map)) = (&d.recall, past.map) {
            self.recall(table, map, past.motion);
        }
    }

    /// Adds what own tokens recall to `past_now`.
    fn recall(&mut self, table: &TapTable, map: &Map, motion: [i32; 2]) {
        let (f, k) = (&self.model.frame, self.kernels);
        let stride = self.w.past_now.len() / self.own();
        let tokens = f.code_dims * f.code_levels + 2;
        for (n, row) in self.w.tokens.clone().zip(self.w.past_now.chunks_exact_mut(stride)) {
            for tap in 0..TAPS {
                let age = match map.recall(n, tap, motion) {
                    Some((token, age)) => {
                        for (i, &code) in token.iter().enumerate() {
                            k.add(table.row(tap, i * f.code_levels + usize::from(code), stride), row);
                        }
                        age
                    }
                    None => {
                        k.add(table.row(tap, tokens - 1, stride), row);
                        0
                    }
                };
                k.add(table.row(tap, tokens + age, stride), row);
            }
        }
    }

    /// Fills rows of `x`, group after group: the frame being dreamed has its codes in `exchange.codes` and is masked where
    /// `exchange.masked` says so.
    pub fn fill_rows(&mut self, d: &DynamicsWeights, groups: &[Group], context_level: usize) {
        let (stride, f, k) = (padded(d.dims.channels), &self.model.frame, self.kernels);
        let (first, own) = (self.w.tokens.start, self.own());
        let mask = &d.embed[f.code_dims * f.code_levels * stride..][..stride];
        // SAFETY: written before the last barrier, and again after the next one.
        let (codes, masked, embedded) = unsafe {
            (
                self.exchange.codes.read(0..self.exchange.codes.len()),
                self.exchange.masked.read(0..self.exchange.masked.len()),
                self.exchange.embedded.read(first * stride..(first + own) * stride),
            )
        };
        let token = |n: usize| &codes[n * f.code_dims..][..f.code_dims];
        for (group, rows) in groups.iter().zip(self.w.x.chunks_exact_mut(own * stride)) {
            for (i, row) in rows.chunks_exact_mut(stride).enumerate() {
                row.copy_from_slice(&d.level[context_level * stride..][..stride]);
                k.add(&d.told[group.told * stride..], row);
                k.add(&group.prompt.said, row);
                k.add(&d.pos[(first + i) * stride..], row);
                if group.commit_to.is_some() {
                    k.add(&self.w.past_pending[i * stride..], row);
                    k.add(&embedded[i * stride..], row);
                    continue;
                }
                k.add(&self.w.past_now[i * stride..], row);
                if let Some(table) = &d.beside {
                    for (tap, n) in neighbours(first + i, f).filter(|(_, n)| !masked[*n]) {
                        for (dim, &code) in token(n).iter().enumerate() {
                            k.add(table.row(tap, dim * f.code_levels + usize::from(code), stride), row);
                        }
                    }
                }
                if masked[first + i] {
                    k.add(mask, row);
                    continue;
                }
                for (dim, &code) in token(first + i).iter().enumerate() {
                    k.add(&d.embed[(dim * f.code_levels + usize::from(code)) * stride..], row);
                }
            }
        }
    }

    /// All blocks, for up to [`super::lane::GROUPS`] groups at once. A committed frame leaves after the keys and values of its last temporal
    /// attention; dreamed ones stay in `x`: all their rows in the first step, and later, when settled tokens have been seen by the others, masked ones.
    pub fn pass(&mut self, d: &DynamicsWeights, groups: &[Group], step: u32) {
        let (c, own, k) = (d.dims.channels, self.own(), self.kernels);
        let (stride, fused, panels) = (padded(c), padded(3 * c), self.model.frame_panels);
        let seen = panels.out_columns();
        let mut groups = groups;
        let (mut layer, mut text_layer) = (0, 0);
        self.w.carried.clear();
        self.w.carried.extend(0..own);
        for (i, block) in d.blocks.iter().enumerate() {
            let mut n = groups.len() * own;
            let mut norm = 0;
            self.norm_rows(d, block, groups, &mut norm);
            k.product(rows(&self.w.y, n, stride), stride, &block.qkv, rows_mut(&mut self.w.qkv, n, fused), fused, Then::Store);
            self.attend_inside(panels, groups.len());
            k.product(rows(&self.w.seen, n, seen), seen, &block.out, rows_mut(&mut self.w.x, n, stride), stride, Then::Add);

            if let Some(time) = &block.time {
                self.norm_rows(d, block, groups, &mut norm);
                let last = layer + 1 == d.temporal_layers();
                let staying = if last { groups.iter().filter(|g| g.commit_to.is_none()).count() } else { groups.len() };
                let (n_staying, w) = (staying * own, &mut *self.w);
                let qkv = rows_mut(&mut w.qkv, n_staying, fused);
                k.product(rows(&w.y, n_staying, stride), stride, &time.qkv, qkv, fused, Then::Store);
                let leaving = &mut w.qkv[n_staying * fused..n * fused];
                k.product_from(&w.y[n_staying * stride..n * stride], stride, &time.qkv, panel_of(c), leaving, fused);
                self.enter_ring(d, layer, groups);
                groups = &groups[..staying];
                n = n_staying;
                if n == 0 {
                    return;
                }
                self.look_back(d, layer, &time.bias, groups);
                k.product(rows(&self.w.seen, n, seen), seen, &time.out, rows_mut(&mut self.w.x, n, stride), stride, Then::Add);
                layer += 1;
            }
            if step > 1 && i + 1 == d.blocks.len() {
                self.carry_masked(groups.len(), stride);
                n = groups.len() * self.w.carried.len();
            }
            if let Some(text) = &block.text {
                if let Some(silence) = silence(text_layer, groups) {
                    rows_mut(&mut self.w.x, n, stride).chunks_exact_mut(stride).for_each(|row| k.add(silence, row));
                    norm += 1;
                } else {
                    self.norm_rows(d, block, groups, &mut norm);
                    k.product(rows(&self.w.y, n, stride), stride, &text.q, rows_mut(&mut self.w.qkv, n, stride), stride, Then::Store);
                    self.listen(text_layer, groups, stride);
                    k.product(rows(&self.w.seen, n, seen), seen, &text.out, rows_mut(&mut self.w.x, n, stride), stride, Then::Add);
                }
                text_layer += 1;
            }
            self.norm_rows(d, block, groups, &mut norm);
            self.feed_forward(&block.up, &block.down, n, stride, d.dims.ffn_hidden);
        }
    }

    /// Moves the rows of masked tokens together in `x`, of every group; the others are left behind.
    fn carry_masked(&mut self, groups: usize, stride: usize) {
        let own = self.own();
        // SAFETY: written before the last barrier, and again after the next one.
        let masked = unsafe { self.exchange.masked.read(self.w.tokens.clone()) };
        let (x, carried) = (&mut self.w.x, &mut self.w.carried);
        carried.retain(|row| masked[*row]);
        for group in 0..groups {
            for (to, from) in carried.iter().enumerate() {
                let from = (group * own + from) * stride;
                x.copy_within(from..from + stride, (group * carried.len() + to) * stride);
            }
        }
    }

    /// The block's next modulated norm of every group's rows, `x` to `y`.
    fn norm_rows(&mut self, d: &DynamicsWeights, block: &DynamicsBlock, groups: &[Group], norm: &mut usize) {
        let stride = padded(d.dims.channels);
        let n = self.w.carried.len() * stride;
        for (g, group) in groups.iter().enumerate() {
            let (gain, shift) = block.modulation(group.action, *norm, stride);
            let y = &mut self.w.y[g * n..][..n];
            self.kernels.norm(&self.w.x[g * n..][..n], d.dims.channels, gain, shift, y);
        }
        *norm += 1;
    }

    /// Puts keys and values of the group that is being committed into its ring slot.
    fn enter_ring(&mut self, d: &DynamicsWeights, layer: usize, groups: &[Group]) {
        let (c, own) = (d.dims.channels, self.own());
        let (fused, ring) = (padded(3 * c), padded(2 * c));
        for (g, group) in groups.iter().enumerate() {
            let Some(slot) = group.commit_to else { continue };
            let into = &mut self.w.ring[(layer * d.dims.window + slot) * own * ring..][..own * ring];
            for (out, row) in into.chunks_exact_mut(ring).zip(self.w.qkv[g * own * fused..].chunks_exact(fused)) {
                out[..2 * c].copy_from_slice(&row[c..3 * c]);
            }
        }
    }

    /// Attention over time of every group, `qkv` to `seen`.
    fn look_back(&mut self, d: &DynamicsWeights, layer: usize, bias: &[f32], groups: &[Group]) {
        let (c, own) = (d.dims.channels, self.own());
        let (fused, ring, seen) = (padded(3 * c), padded(2 * c), self.model.frame_panels.out_columns());
        let layer_floats = d.dims.window * own * ring;
        for (g, group) in groups.iter().enumerate() {
            self.kernels.attend_time(AttendTime {
                heads: d.dims.heads,
                dh: c / d.dims.heads,
                qkv: &self.w.qkv[g * own * fused..][..own * fused],
                stride: fused,
                ring: &self.w.ring[layer * layer_floats..][..layer_floats],
                ring_stride: ring,
                slots: group.slots,
                bias,
                window: d.dims.window,
                scores: &mut self.w.scores,
                out: &mut self.w.seen[g * own * seen..][..own * seen],
                out_stride: seen,
            });
        }
    }

    /// Attention of every group to its prompt, `qkv` to `seen`.
    fn listen(&mut self, layer: usize, groups: &[Group], stride: usize) {
        let (own, seen) = (self.w.carried.len(), self.model.frame_panels.out_columns());
        for (g, Group { prompt, .. }) in groups.iter().enumerate() {
            self.kernels.attend(Attend {
                dims: prompt.dims,
                q: &self.w.qkv[g * own * stride..][..own * stride],
                q_stride: stride,
                keys: prompt.keys,
                bias: &prompt.bias,
                k_panels: &prompt.k[layer],
                v_panels: &prompt.v[layer],
                scores: &mut self.w.scores,
                out: &mut self.w.seen[g * own * seen..][..own * seen],
                out_stride: seen,
            });
        }
    }

    /// Hidden units of the head and gates of the tokens that are carried on, of each dreamed group, from the rows that [`Lane::pass`] left in `x`.
    pub fn head(&mut self, d: &DynamicsWeights, dreamed: usize) {
        let (c, n, f) = (d.dims.channels, dreamed * self.w.carried.len(), &self.model.frame);
        let (stride, out) = (padded(c), padded(f.code_dims * d.head.units));
        self.kernels.norm(rows(&self.w.x, n, stride), c, &d.gain, &d.shift, &mut self.w.y);
        self.kernels.product(rows(&self.w.y, n, stride), stride, &d.head.hidden, &mut self.w.head_hidden, out, Then::Store);
        let gates = padded(d.dims.sources());
        self.kernels.product(rows(&self.w.y, n, stride), stride, &d.head.copy, &mut self.w.gates, gates, Then::Store);
    }

    /// Chooses levels of the own tokens that are still masked, one dimension after the other. `dreamed` groups: with the prompt and, under
    /// guidance, without.
    pub fn choose(&mut self, d: &DynamicsWeights, s: &DecodeSettings, past: &Past, dreamed: usize, frame: u32, step: u32) {
        let (f, wide, own) = (&self.model.frame, self.model.frame.code_dims * d.head.units, self.w.carried.len());
        let tokens = self.w.carried.iter().map(|row| self.w.tokens.start + row);
        let gates = self.w.gates.chunks_exact(padded(d.dims.sources()));
        let gates = gates.clone().zip(gates.skip(own));
        let (hidden, without) = self.w.head_hidden.split_at_mut(own * padded(wide));
        let [logits, unprompted] = &mut self.w.logits;
        // SAFETY: written where masks are.
        let domains = unsafe { self.exchange.domains.read(0..self.exchange.domains.len()) };
        let rows = hidden.chunks_exact_mut(padded(wide)).zip(without.chunks_exact_mut(padded(wide)));
        for (((hidden, without), (gates, gates_without)), n) in rows.zip(gates).zip(tokens) {
            // SAFETY: own tokens; masks were written before the last barrier, confidences are read after the next.
            let codes = unsafe {
                if !self.exchange.masked.read(n..n + 1)[0] {
                    continue;
                }
                self.exchange.codes.write(n * f.code_dims..(n + 1) * f.code_dims)
            };
            let name = decode::SampleName { seed: s.seed, frame, step, token: n as u32 };
            let offers = past.offers(n, f.code_dims);
            // The look lies nowhere.
            let offered = offers[1].is_some() || past.map.is_none() || n == f.patches();
            let (chance, mut confidence) = (s.chance_of(offered), 0.0);
            let beside = d.adjacency.as_ref().and_then(|adjacency| adjacency.begin(n, domains));
            // What the frame before has of land that is new is there only if it fits.
            let copies = offered || beside.is_none();
            let (held, mut known) = (past.holds(n), beside.or_else(|| d.vocabulary.as_ref().map(Vocabulary::begin)));
            for dim in 0..f.code_dims {
                d.head.logits(&hidden[..wide], dim, logits);
                add_copies(logits, &offers, gates, &codes[..dim]);
                if dreamed > 1 {
                    d.head.logits(&without[..wide], dim, unprompted);
                    add_copies(unprompted, &offers, gates_without, &codes[..dim]);
                    logits.iter_mut().zip(&*unprompted).for_each(|(c, u)| *c = (1.0 + s.guidance) * *c - s.guidance * u);
                }
                let free = if held { 0 } else { known.map_or(decode::ANY_LEVEL, |known| known.levels()) };
                let allowed = free | if copies { pointed_at(&offers, &codes[..dim]) } else { 0 };
                let (level, log_probability) = decode::sample_level(logits, allowed, dim, chance, name);
                known.iter_mut().for_each(|known| known.follow(level));
                d.head.tell(&mut hidden[..wide], dim, level, f.code_levels);
                if dreamed > 1 {
                    d.head.tell(&mut without[..wide], dim, level, f.code_levels);
                }
                codes[dim] = level;
                confidence += log_probability;
            }
            // SAFETY: as above.
            unsafe {
                self.exchange.confidence.set(n, confidence);
                self.exchange.settled.set(n, Settled::drawn(step, confidence));
                self.exchange.offered.set(n, offered);
            }
        }
    }

    /// Logits of own tokens into `exchange.logits`, every dimension given the levels in `codes` before it.
    pub fn hand_out_logits(&mut self, d: &DynamicsWeights, past: &Past, codes: &[u8]) {
        let (f, wide) = (&self.model.frame, self.model.frame.code_dims * d.head.units);
        let row = f.code_dims * f.code_levels;
        let rows = self.w.head_hidden.chunks_exact_mut(padded(wide)).zip(self.w.gates.chunks_exact(padded(d.dims.sources())));
        for ((hidden, gates), n) in rows.zip(self.w.tokens.clone()) {
            let (offers, token) = (past.offers(n, f.code_dims), &codes[n * f.code_dims..][..f.code_dims]);
            // SAFETY: own tokens, read after the job.
            let logits = unsafe { self.exchange.logits.write(n * row..(n + 1) * row) };
            for (dim, (logits, &level)) in logits.chunks_exact_mut(f.code_levels).zip(token).enumerate() {
                d.head.logits(&hidden[..wide], dim, logits);
                add_copies(logits, &offers, gates, &token[..dim]);
                if level != UNKNOWN {
                    d.head.tell(&mut hidden[..wide], dim, level, f.code_levels);
                }
            }
        }
    }

    /// What the dreamed frame saw of what was before it is what it will see when it is committed.
    pub fn keep_past(&mut self) {
        std::mem::swap(&mut self.w.past_now, &mut self.w.past_pending);
    }
}
