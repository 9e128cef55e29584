//! The head's choices, and which of them a step settles.

use super::narrow::{land_of, token};
use super::{Bench, Numbers, SIZE, f64s, gpu, groups, off, pad_groups, some_tokens};
use somnium::engine::decode::Drawn;
use somnium::engine::gpu::GpuContext;
use somnium::engine::gpu::frame::{FrameParams, GroupParams, MASKED};
use somnium::engine::gpu::ops::{
    narrow, padded,
    sample::{self, Sample},
    unmask::{self, Unmask},
};
use somnium::engine::reference::head::{add_copies, head_logits};
use somnium::engine::reference::weights::Weights;
use somnium::engine::vocabulary::Vocabulary;
use somnium::engine::{Chance, DecodeSettings, Settled, UNKNOWN, UnmaskOrder, decode};
use somnium::pack::manifest::FrameDims;
use somnium::pack::random::{random_pack, tiny_manifest};
use somnium::pack::{Pack, PackTensor};

/// A head of random weights over `n` tokens. `spread` scales its logits; at 0 they are all equal.
fn head((n, dims, levels, units): (usize, usize, usize, usize), spread: f32) -> Pack {
    let mut manifest = tiny_manifest();
    manifest.frame = FrameDims { width_px: n, code_dims: dims, code_levels: levels, ..manifest.frame };
    manifest.dynamics.as_mut().unwrap().head_hidden = units;
    let mut pack = random_pack(manifest, 5).unwrap();
    for name in ["dyn.head.out.w", "dyn.head.out.b"] {
        change(&mut pack, name, |values| values.iter_mut().for_each(|x| *x *= spread));
    }
    pack
}

fn change(pack: &mut Pack, name: &str, by: impl Fn(&mut [f32])) {
    let tensor = pack.tensors.get_mut(name).unwrap();
    let mut values = tensor.f32s();
    by(&mut values);
    *tensor = PackTensor::from_f32s_as_f16(&tensor.shape.clone(), &values);
}

/// Keys of every so many-th token of all there can be, none where that is 0; `which` of them.
fn keys_of((dims, levels): (usize, usize), every: usize, which: u32) -> Vec<u32> {
    let all = if every == 0 { 0 } else { (levels as u32).pow(dims as u32) };
    (0..all).filter(|key| decode::random(1, 2, 3, *key, 4) % every as u32 == which).collect()
}

/// How a head is asked for levels.
#[derive(Clone, Copy, Debug)]
struct Draw {
    temperature: f32,
    spread: f32,
    seed: u32,
    /// Levels are taken from the tokens, some of which are unknown.
    forced: bool,
    guidance: f32,
    /// What may be copied from.
    sources: usize,
    /// Chance where the map, source 1, offers nothing.
    new_land: Option<Chance>,
    /// Every so many-th token there can be is of the vocabulary; 0: there is none.
    spelt: usize,
    /// The same of those that lie on the land, where it is known what may be drawn there.
    land: usize,
    /// A token of the land may be one of two at most, which lie at the ends of words of bits more often than not.
    few: bool,
    corrupt: Option<Corrupt>,
}

/// What the kernel gets other than its twin.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Corrupt {
    /// A weight between dimensions.
    Codes,
    /// Hidden units without the prompt.
    Unprompted,
    /// Gates of source 1.
    Gate,
    /// Gates without the prompt.
    UnpromptedGate,
    /// What source 0 offers in the last dimension.
    Offer,
    /// The vocabulary.
    Spelling,
    /// What may be drawn of the land.
    Domains,
}

const DRAW: Draw = Draw {
    temperature: 1.0,
    spread: 1.0,
    seed: 3,
    forced: false,
    guidance: 0.0,
    sources: 2,
    new_land: None,
    spelt: 0,
    land: 0,
    few: false,
    corrupt: None,
};

/// What the kernel does otherwise than its twin. The twin takes each dimension's earlier levels from the kernel, so that a near tie in one
/// does not spread to the next.
#[derive(Debug)]
struct Off {
    /// Levels that are not the twin's though the two best are no near tie, or not the forced ones.
    wrong: usize,
    /// Worst confidence, and where levels are forced worst logit, in tolerances.
    worst: f64,
}

fn sample_off(gpu: &GpuContext, shape: (usize, usize, usize, usize), draw: Draw) -> Off {
    let (n, dims, levels, units) = shape;
    let wide = dims * units;
    let mut pack = head(shape, draw.spread);
    let (weights, frame) = (Weights::from_pack(&pack), pack.manifest.frame);
    if draw.corrupt == Some(Corrupt::Codes) {
        // Every level of dimension 0, so that a token cannot miss it.
        change(&mut pack, "dyn.head.codes", |values| values.iter_mut().skip(units).step_by(wide).take(levels).for_each(|x| *x += 4.0));
    }
    let mut r = Numbers((n * 5 + wide + levels) as u32);
    // With the prompt, and without: hidden units of a token and then its gates, wide enough that copies are drawn and are not.
    let row = wide + draw.sources;
    let mut hidden = r.floats(2 * n * row, 1.0);
    hidden.chunks_exact_mut(row).for_each(|row| row[wide..].iter_mut().for_each(|gate| *gate *= 4.0));
    let truth = hidden.clone();
    for (i, token) in hidden.chunks_exact_mut(row).enumerate() {
        match draw.corrupt {
            Some(Corrupt::Unprompted) if i >= n => token[..wide].iter_mut().for_each(|x| *x += 0.5),
            Some(Corrupt::UnpromptedGate) if i >= n => token[wide] += 0.5,
            Some(Corrupt::Gate) => token[wide + 1] += 0.5,
            _ => {}
        }
    }
    // The frame before, the levels that may be forced, and what the map offers. Where it is forced a token is another, or a copy to the end
    // or up to its last dimension.
    let mut given = some_tokens(&mut r, 3 * n, dims, levels, false);
    given.chunks_exact_mut(dims).step_by(4).for_each(|token| token.fill(u32::from(UNKNOWN)));
    for i in (0..n).filter(|i| i % 3 != 2) {
        let copied = if i % 3 == 0 { i } else { 2 * n + i } * dims;
        given.copy_within(copied..copied + dims, (n + i) * dims);
        if i % 2 == 0 && given[copied] != u32::from(UNKNOWN) {
            given[(n + i + 1) * dims - 1] = r.below(levels) as u32;
        }
    }
    let offers: Vec<Vec<u8>> = (0..n)
        .map(|i| [i, 2 * n + i][..draw.sources].iter().flat_map(|at| &given[at * dims..][..dims]).map(|&level| level as u8).collect())
        .collect();
    if draw.corrupt == Some(Corrupt::Offer) {
        for token in given[..n * dims].chunks_exact_mut(dims).filter(|token| token[0] != u32::from(UNKNOWN)) {
            token[dims - 1] = (token[dims - 1] + 1) % levels as u32;
        }
    }
    let keys = keys_of((dims, levels), draw.spelt, 0);
    let vocabulary = (!keys.is_empty()).then(|| Vocabulary::new(keys.clone(), &frame));
    // Two in three tokens lie on the land, and may be a third of what lies there.
    let land = Vocabulary::new(keys_of((dims, levels), draw.land, 0), &frame);
    let words = land.keys().len().div_ceil(32);
    let mut domains: Vec<u32> = (0..n * words).map(|i| if i / words % 3 == 2 { 0 } else { r.bits() & r.bits() }).collect();
    if draw.few {
        for (_, domain) in domains.chunks_exact_mut(words).enumerate().filter(|(i, _)| i % 3 != 2) {
            domain.fill(0);
            for _ in 0..2 {
                domain[r.below(words)] |= 1u32 << [0, 31, r.below(32)][r.below(3)];
            }
        }
    }
    let domain_of = |i: usize, domains: &[u32]| -> Option<Vec<u32>> {
        let mut domain = domains[i * words..][..words].to_vec();
        *domain.last_mut()? &= u32::MAX >> (32 * words - land.keys().len());
        domain.iter().any(|word| *word != 0).then_some(domain)
    };
    let may_be: Vec<Option<Vec<u32>>> = (0..n).map(|i| domain_of(i, &domains)).collect();
    domains = may_be.iter().flat_map(|domain| domain.clone().unwrap_or(vec![0; words])).collect();
    if draw.corrupt == Some(Corrupt::Domains) {
        domains.iter_mut().for_each(|word| *word = word.rotate_left(1));
    }
    let keys = if draw.corrupt == Some(Corrupt::Spelling) { keys_of((dims, levels), draw.spelt, 1) } else { keys };
    let mut b = Bench::default();
    let buffers = sample::Buffers {
        hidden: b.floats(&pad_groups(&hidden, 2, n, row, 1)),
        codes: b.floats(&pack.f32s("dyn.head.codes").unwrap()),
        weights: b.floats(&pack.f32s("dyn.head.out.w").unwrap()),
        bias: b.words(&sample::words(&pack.f32s("dyn.head.out.b").unwrap(), &keys, land.keys())),
        tokens: b.words(&[given.clone(), domains].concat()),
        choice: b.words(&vec![999; n * dims]),
        confidence: b.floats(&vec![9.0; n]),
        logits: b.floats(&vec![9.0; n * dims * levels]),
    };
    let group = GroupParams { half: 1, fresh: 1, ..GroupParams::default() };
    let Draw { temperature, seed, forced, guidance, sources, .. } = draw;
    let settings = DecodeSettings { temperature, new_land: draw.new_land, ..DecodeSettings::LEAST };
    let new_land = settings.chance_of(false);
    let params = FrameParams {
        seed,
        frame: 8,
        step: 2,
        temperature,
        new_temperature: new_land.temperature,
        new_min_p: new_land.min_p,
        forced: u32::from(forced),
        guidance,
        ..groups(group, group)
    };
    let outputs = [buffers.choice, buffers.confidence, buffers.logits];
    let ran = b.run(
        gpu,
        Sample {
            tokens: n,
            patches: n - 1,
            dims,
            levels,
            units,
            rows: padded(n),
            sources,
            vocabulary: keys.len(),
            land: land.keys().len(),
        }
        .pass(buffers),
        1,
        params,
        &outputs,
        SIZE,
    );

    let mut result = Off { wrong: 0, worst: 0.0 };
    let choice: Vec<u8> = ran.outputs[0].iter().map(|&level| level as u8).collect();
    let (prompted, unprompted) = truth.split_at(n * row);
    let (beta, spread) = (f64::from(guidance), f64::from(draw.spread * (1.0 + 2.0 * guidance)));
    for (i, (with, without)) in prompted.chunks_exact(row).zip(unprompted.chunks_exact(row)).enumerate() {
        let token = &choice[i * dims..][..dims];
        // The last is the look.
        let offered = sources < 2 || offers[i][dims] != UNKNOWN || i + 1 == n;
        let Chance { temperature, min_p } = settings.chance_of(offered);
        let beside = may_be[i].as_ref().map(|domain| land.begin().only(domain));
        let copied = offered || beside.is_none();
        let mut confidence = 0.0;
        let mut known = beside.or_else(|| vocabulary.as_ref().map(Vocabulary::begin)).filter(|_| !forced);
        for dim in 0..dims {
            let [c, u] = [with, without].map(|row| {
                let mut logits = head_logits(&weights, &f64s(&row[..wide]), token, dim, &frame);
                add_copies(&mut logits, &offers[i], &f64s(&row[wide..]), token, dim);
                logits
            });
            let mut logits: Vec<f64> = c.iter().zip(&u).map(|(c, u)| (1.0 + beta) * c - beta * u).collect();
            if let Some(known) = &mut known {
                let goes_on = |offer: &&[u8]| copied && offer[0] != UNKNOWN && offer.starts_with(&token[..dim]);
                let copies = offers[i].chunks_exact(dims).filter(goes_on);
                let allowed = copies.fold(known.levels(), |levels, offer| levels | 1 << offer[dim]);
                logits.iter_mut().enumerate().filter(|(l, _)| allowed >> l & 1 == 0).for_each(|(_, logit)| *logit = f64::NEG_INFINITY);
                known.follow(token[dim].min(levels as u8 - 1));
            }
            let chosen = usize::from(token[dim]);
            if forced {
                let ours = &ran.floats(2)[(i * dims + dim) * levels..][..levels];
                result.worst = result.worst.max(off(ours, &logits, 2e-5 * spread, 2e-5));
                result.wrong += usize::from(u32::from(token[dim]) != given[(n + i) * dims + dim]);
            } else {
                let noise = |l: usize| decode::random(DRAW.seed, 8, 2, i as u32, (dim * levels + l) as u32);
                let mut scores = scores(&logits, f64::from(temperature), noise);
                let least = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max) + f64::from(min_p).ln();
                if min_p > 0.0 && logits.iter().any(|x| (x - least).abs() < 1e-4 * spread) {
                    // Whether it may be drawn is a near tie itself.
                    continue;
                }
                scores.iter_mut().zip(&logits).filter(|(_, x)| **x < least).for_each(|(score, _)| *score = f64::NEG_INFINITY);
                let best = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let first = scores.iter().position(|&x| x == best).unwrap();
                let tie = 1e-5 * (1.0 + best.abs() + spread / f64::from(temperature.max(0.1)));
                result.wrong += usize::from(chosen >= levels || scores[chosen] < best - tie || (scores[chosen] == best && chosen != first));
            }
            if let Some(logit) = logits.get(chosen) {
                let top = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                confidence += logit - top - logits.iter().map(|x| (x - top).exp()).sum::<f64>().ln();
            }
        }
        result.worst = result.worst.max(off(&ran.floats(1)[i..=i], &[confidence], 2e-5 * (1.0 + spread), 2e-5));
    }
    if !forced {
        assert!(ran.floats(2)[..n * dims * levels].iter().all(|&x| x == 9.0), "logits are kept where levels are forced, only there");
    }
    result
}

/// Scores of the levels of one code dimension.
fn scores(logits: &[f64], temperature: f64, noise: impl Fn(usize) -> u32) -> Vec<f64> {
    let gumbel = |bits: u32| -(-((f64::from(bits >> 9) + 0.5) / 8_388_608.0).ln()).ln();
    let one = |(l, x): (usize, &f64)| if temperature > 0.0 { x / temperature + gumbel(noise(l)) } else { *x };
    logits.iter().enumerate().map(one).collect()
}

#[test]
fn sample_matches_its_twin() {
    let gpu = gpu();
    for shape in [(1, 1, 2, 1), (15, 3, 7, 5), (63, 8, 5, 64), (9, 2, 64, 33), (5, 11, 33, 256), (300, 2, 3, 1)] {
        for (i, (temperature, spread)) in [(0.0, 1.0), (1.0, 1.0), (0.3, 5.0), (1.0, 0.0), (0.0, 0.0), (8.0, 30.0)].into_iter().enumerate()
        {
            let draw = Draw { temperature, spread, sources: 1 + i % 2, ..DRAW };
            let off = sample_off(&gpu, shape, draw);
            assert!(off.wrong == 0 && off.worst <= 1.0, "{shape:?} {draw:?}: {off:?}");
        }
    }
    let shape = (63, 8, 5, 64);
    for new_land in
        [Chance { temperature: 1.0, min_p: 0.3 }, Chance { temperature: 0.0, min_p: 0.0 }, Chance { temperature: 2.0, min_p: 0.9 }]
    {
        let draw = Draw { new_land: Some(new_land), ..DRAW };
        let off = sample_off(&gpu, shape, draw);
        assert!(off.wrong == 0 && off.worst <= 1.0, "{draw:?}: {off:?}");
    }
    for (shape, spelt) in [((15, 3, 7, 5), 9), (shape, 2), (shape, 5000), ((9, 2, 64, 33), 40), ((300, 2, 3, 1), 4)] {
        for sources in [1, 2] {
            let draw = Draw { spelt, sources, ..DRAW };
            let off = sample_off(&gpu, shape, draw);
            assert!(off.wrong == 0 && off.worst <= 1.0, "{shape:?} {draw:?}: {off:?}");
        }
    }
    for (shape, spelt, land) in [((15, 3, 7, 5), 2, 9), (shape, 3, 2000), ((9, 2, 64, 33), 4, 40), ((300, 2, 3, 1), 1, 2)] {
        for sources in [1, 2] {
            let draw = Draw { spelt, land, sources, ..DRAW };
            let off = sample_off(&gpu, shape, draw);
            assert!(off.wrong == 0 && off.worst <= 1.0, "{shape:?} {draw:?}: {off:?}");
        }
    }
    // Levels whose tokens begin in the middle of a word of bits and go on over several, that fill words, and that share one.
    for (shape, land) in
        [((40, 10, 2, 3), 2), ((40, 8, 2, 3), 1), ((40, 5, 5, 3), 3), ((40, 2, 64, 3), 3), ((40, 3, 3, 5), 1), ((9, 1, 2, 1), 1)]
    {
        for few in [false, true] {
            let draw = Draw { spelt: 1, land, few, ..DRAW };
            let off = sample_off(&gpu, shape, draw);
            assert!(off.wrong == 0 && off.worst <= 1.0, "{shape:?} {draw:?}: {off:?}");
        }
    }
    let elsewhere = Draw { spelt: 1, land: 2, few: true, corrupt: Some(Corrupt::Domains), ..DRAW };
    assert!(sample_off(&gpu, (40, 10, 2, 3), elsewhere).wrong > 5, "tokens of the land that lie beside those are noticed");
    let elsewhere = Draw { spelt: 3, land: 2000, corrupt: Some(Corrupt::Domains), ..DRAW };
    assert!(sample_off(&gpu, shape, elsewhere).wrong > 100, "other tokens of the land are noticed");
    let misspelt = Draw { spelt: 5000, corrupt: Some(Corrupt::Spelling), ..DRAW };
    assert!(sample_off(&gpu, shape, misspelt).wrong > 100, "another vocabulary is noticed");
    assert!(sample_off(&gpu, shape, Draw { seed: 4, ..DRAW }).wrong > 100, "another seed is noticed");
    assert!(
        sample_off(&gpu, shape, Draw { corrupt: Some(Corrupt::Codes), ..DRAW }).worst > 1.0,
        "a wrong weight between dimensions is noticed"
    );
    // Without guidance nobody looks at what there is without the prompt.
    for corrupt in [Corrupt::Unprompted, Corrupt::UnpromptedGate] {
        let off = sample_off(&gpu, shape, Draw { corrupt: Some(corrupt), ..DRAW });
        assert!(off.wrong == 0 && off.worst <= 1.0, "{corrupt:?} {off:?}");
    }
}

#[test]
fn what_is_settled_is_not_drawn_again() {
    let (n, dims, levels, units) = (15, 3, 7, 5);
    let pack = head((n, dims, levels, units), 1.0);
    // Every third token is masked.
    let given: Vec<u32> = (0..3 * n * dims).map(|i| if i / dims % 3 == 0 { MASKED } else { 1 }).collect();
    let drawn = |group: GroupParams| {
        let mut b = Bench::default();
        let buffers = sample::Buffers {
            hidden: b.floats(&pad_groups(&Numbers(5).floats(2 * n * (dims * units + 1), 1.0), 2, n, dims * units + 1, 1)),
            codes: b.floats(&pack.f32s("dyn.head.codes").unwrap()),
            weights: b.floats(&pack.f32s("dyn.head.out.w").unwrap()),
            bias: b.words(&sample::words(&pack.f32s("dyn.head.out.b").unwrap(), &[], &[])),
            tokens: b.words(&given),
            choice: b.words(&vec![999; n * dims]),
            confidence: b.floats(&vec![9.0; n]),
            logits: b.floats(&vec![9.0; n * dims * levels]),
        };
        let outputs = [buffers.choice, buffers.confidence];
        let pass = Sample { tokens: n, patches: n, dims, levels, units, rows: padded(n), sources: 1, vocabulary: 0, land: 0 }.pass(buffers);
        let params = FrameParams { seed: 3, frame: 8, step: 2, temperature: 1.0, ..groups(group, group) };
        let ran = b.run(&gpu(), pass, 1, params, &outputs, SIZE);
        let is_drawn = |i: usize| {
            let (levels, confidence) = (&ran.outputs[0][i * dims..][..dims], ran.floats(1)[i]);
            assert_eq!(levels.contains(&999), confidence == 9.0, "token {i}");
            confidence != 9.0
        };
        (0..n).map(is_drawn).collect::<Vec<_>>()
    };
    let masked: Vec<bool> = (0..n).map(|i| i % 3 == 0).collect();
    assert_eq!(drawn(GroupParams { half: 1, ..GroupParams::default() }), masked);
    assert_eq!(drawn(GroupParams { half: 1, fresh: 1, ..GroupParams::default() }), vec![true; n], "all of a frame that is begun");
}

#[test]
fn guided_logits_are_those_of_the_twin() {
    let gpu = gpu();
    for shape in [(1, 1, 2, 1), (15, 3, 7, 5), (63, 8, 5, 64), (9, 2, 64, 33)] {
        for (temperature, guidance) in [(0.0, 0.5), (1.0, 1.5), (0.7, 4.0)] {
            for forced in [false, true] {
                let draw = Draw { temperature, guidance, forced, ..DRAW };
                let off = sample_off(&gpu, shape, draw);
                assert!(off.wrong == 0 && off.worst <= 1.0, "{shape:?} {draw:?}: {off:?}");
            }
        }
    }
    for corrupt in [Corrupt::Unprompted, Corrupt::UnpromptedGate] {
        let off = sample_off(&gpu, (63, 8, 5, 64), Draw { guidance: 1.5, corrupt: Some(corrupt), ..DRAW });
        assert!(off.worst > 1.0, "what is wrong without the prompt is noticed: {corrupt:?} {off:?}");
    }
}

#[test]
fn forced_levels_give_the_logits_of_the_twin() {
    let gpu = gpu();
    for shape in [(1, 1, 2, 1), (15, 3, 7, 5), (63, 8, 5, 64), (9, 2, 64, 33), (5, 11, 33, 256)] {
        for spread in [1.0, 30.0] {
            let off = sample_off(&gpu, shape, Draw { spread, forced: true, ..DRAW });
            assert!(off.wrong == 0 && off.worst <= 1.0, "{shape:?} spread {spread}: {off:?}");
        }
    }
    for corrupt in [Corrupt::Codes, Corrupt::Gate, Corrupt::Offer] {
        let off = sample_off(&gpu, (15, 3, 7, 5), Draw { forced: true, corrupt: Some(corrupt), ..DRAW });
        assert!(off.wrong == 0 && off.worst > 1.0, "a kernel that gets something else is noticed: {corrupt:?} {off:?}");
    }
}

/// How a step settles tokens.
#[derive(Clone, Copy, Debug)]
struct Settle {
    order: UnmaskOrder,
    fresh: bool,
    step: u32,
    steps: u32,
    seed: u32,
    certain: Option<f32>,
    /// Whether what the map has nothing of is never certain.
    new_uncertain: bool,
    guidance: f32,
    /// What lies beside what is known.
    beside: bool,
    /// Behind the last step.
    mending: bool,
    /// The kernel is told the number of the step after.
    late: bool,
}

/// Levels that differ from the twin's after one step, how tokens were settled, and workgroups of the next step.
fn unmask_off(gpu: &GpuContext, ([width, height], dims): ([usize; 2], usize), how: Settle) -> usize {
    const PASSES: usize = 90;
    /// Of a token that an earlier step settled.
    const EARLIER: u32 = 0x1234;
    let Settle { order, fresh, step, steps, seed, certain, new_uncertain, guidance, beside, mending, late } = how;
    let n = width * height;
    let adjacency = beside.then(|| land_of([width, height], (dims, 5), 5u32.pow(dims as u32).min(40), 2));
    let mut r = Numbers((n * 9 + dims) as u32 + step);
    let mut held = some_tokens(&mut r, 3 * n, dims, 5, false);
    held[2 * n * dims..].chunks_exact_mut(dims).step_by(3).for_each(|token| token.fill(u32::from(UNKNOWN)));
    let mut masked: Vec<bool> = (0..n).map(|i| fresh || i % 3 != 1).collect();
    for (token, _) in held[n * dims..2 * n * dims].chunks_exact_mut(dims).zip(&masked).filter(|(_, m)| **m) {
        token.fill(if fresh { 2 } else { MASKED });
    }
    let mut choice: Vec<u32> = (0..n * dims).map(|_| r.below(5) as u32).collect();
    if let Some(adjacency) = &adjacency {
        // Most tokens are the land's.
        for i in (0..n).filter(|i| i % 7 != 0) {
            let of_land = adjacency.land()[r.below(adjacency.land().len())];
            let into = if masked[i] { &mut choice[i * dims..] } else { &mut held[(n + i) * dims..] };
            into.iter_mut().zip(token(of_land, (dims, 5))).for_each(|(level, of_token)| *level = of_token);
        }
    }
    // Few different values, so that there are ties.
    let confidence: Vec<f32> = (0..n).map(|_| -0.25 * r.below(6) as f32).collect();
    let mut of_masked = confidence.clone();

    let was_masked = masked.clone();
    let mut permutation = vec![0; n];
    decode::random_order(seed, 8, &mut permutation);
    of_masked.iter_mut().zip(&was_masked).for_each(|(c, m)| *c = if *m { *c } else { f32::NEG_INFINITY });
    let new_land = new_uncertain.then_some(Chance { temperature: 0.0, min_p: 0.0 });
    let settings = DecodeSettings { order, steps, certain, new_land, ..DecodeSettings::LEAST };
    // The last is the look, which lies nowhere.
    let of_map = |i: usize| i + 1 == n || held[(2 * n + i) * dims] != u32::from(UNKNOWN);
    let offered: Vec<bool> = (0..n).map(of_map).collect();
    let codes: Vec<u8> =
        (0..n * dims).map(|i| if was_masked[i / dims] { choice[i] } else { held[n * dims + i] }).map(|level| level as u8).collect();
    let drawn = Drawn { codes: &codes, confidence: &of_masked, offered: &offered, adjacency: adjacency.as_ref().filter(|_| !mending) };
    decode::settle(&settings, step, drawn, &mut permutation, &mut masked);
    let mut truth = held.clone();
    for i in 0..n * dims {
        if was_masked[i / dims] {
            truth[n * dims + i] = if masked[i / dims] { MASKED } else { choice[i] };
        }
    }

    let mut workgroups: Vec<u32> = (0..9 * PASSES as u32).map(|i| 7 + i).collect();
    let mut b = Bench::default();
    let buffers = unmask::Buffers {
        choice: b.words(&choice),
        confidence: b.floats(&confidence),
        tokens: b.words(&held),
        keys: b.words(&vec![0; 4 * n]),
        codes: b.words(&vec![EARLIER; unmask::told_at(n * dims) + n]),
        dispatches: b.words(&workgroups),
        adjacency: b.words(&adjacency.as_ref().map_or(vec![0; 4], narrow::table)),
    };
    let group = GroupParams { half: 1, fresh: u32::from(fresh), ..GroupParams::default() };
    let of_groups = if guidance > 0.0 { 3 * PASSES } else { 0 };
    for at in (0..3 * PASSES).filter(|_| certain.is_some()) {
        // The next step, or mending, which are left out where nothing is masked.
        let runs = decode::step_runs(step + 1, &masked);
        workgroups[6 * PASSES + at] = if runs { workgroups[of_groups + at] } else { 0 };
    }
    let order = u32::from(order == UnmaskOrder::Confidence);
    let (kept, certain) = (decode::kept(step, steps), certain.map_or(0.0, f32::ln));
    let params = FrameParams {
        seed: 21,
        frame: 8,
        step: step + u32::from(late),
        order,
        kept,
        certain,
        new_uncertain: u32::from(new_uncertain),
        guidance,
        mending: u32::from(mending),
        ..groups(group, group)
    };
    let outputs = [buffers.tokens, buffers.codes, buffers.dispatches];
    let (land, words) = adjacency.as_ref().map_or((0, 0), |adjacency| (adjacency.land().len(), adjacency.words()));
    let pass = Unmask { tokens: n, patches: n - 1, dims, passes: PASSES, map: true, levels: 5, land, words }.pass(buffers);
    let ran = b.run(gpu, pass, 1, params, &outputs, SIZE);
    let packed: &[u8] = bytemuck::cast_slice(&ran.outputs[1]);
    let bytes: Vec<u32> = packed[..n * dims].iter().map(|&x| u32::from(x)).collect();
    assert_eq!(bytes, ran.outputs[0][n * dims..2 * n * dims], "bytes are the tokens of the half");
    let told = |i: usize| match (was_masked[i], step) {
        (true, _) => Settled::drawn(step, confidence[i]),
        (false, 1) => Settled::GIVEN,
        (false, _) => Settled { step: 0x34, odds: 0x12 },
    };
    let wrongly_told = ran.outputs[1][unmask::told_at(n * dims)..][..n].iter().enumerate().filter(|(i, word)| {
        let [step, odds, ..] = word.to_le_bytes();
        step != told(*i).step || odds.abs_diff(told(*i).odds) > 1 || **word > 0xFFFF
    });
    let differ = |ours: &[u32], truth: &[u32]| ours.iter().zip(truth).filter(|(a, b)| a != b).count();
    differ(&ran.outputs[0], &truth) + wrongly_told.count() + differ(&ran.outputs[2], &workgroups)
}

#[test]
fn unmask_matches_its_twin() {
    let gpu = gpu();
    for (grid, dims) in [([1, 1], 1), ([5, 3], 3), ([9, 7], 8), ([20, 15], 2), ([27, 19], 1)] {
        for order in [UnmaskOrder::Random, UnmaskOrder::Confidence] {
            for (i, (fresh, step, steps)) in
                [(true, 1, 1), (true, 1, 2), (false, 2, 4), (false, 2, 2), (false, 3, 8)].into_iter().enumerate()
            {
                for certain in [None, Some(0.5), Some(0.9), Some(0.3), Some(f32::MIN_POSITIVE)] {
                    for new_uncertain in [false, true] {
                        let (beside, mending) =
                            [(false, false), (true, false), (true, true), (true, false)][(i + usize::from(new_uncertain)) % 4];
                        let guidance = (i % 2) as f32;
                        let late = false;
                        let how = Settle { order, fresh, step, steps, seed: 21, certain, new_uncertain, guidance, beside, mending, late };
                        assert_eq!(unmask_off(&gpu, (grid, dims), how), 0, "{grid:?} {dims} {how:?}");
                    }
                }
            }
        }
    }
    let order = UnmaskOrder::Random;
    let how = Settle {
        order,
        fresh: true,
        step: 1,
        steps: 2,
        seed: 21,
        certain: None,
        new_uncertain: false,
        guidance: 0.0,
        beside: false,
        mending: false,
        late: false,
    };
    assert_eq!(unmask_off(&gpu, ([9, 7], 8), Settle { late: true, ..how }), 63, "another step is noticed of every token");
    assert!(unmask_off(&gpu, ([9, 7], 8), Settle { seed: 22, ..how }) > 0, "another seed is noticed");
}
