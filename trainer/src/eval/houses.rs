//! Things larger than a patch: where a part of one comes into a dream, does what belongs beside it? The baselines have the dream's first
//! frame, as it is or shifted step by step.

use std::collections::{HashMap, HashSet};

use anyhow::Result;
use somnium::engine::Engine;
use somnium::pack::manifest::{FrameDims, Manifest};
use somnium::prompt::{ids, read, told};
use somnium::worlds::World;
use somnium::worlds::scene::{Biome, Feature, Wish};
use somnium::worlds::words::say;

use super::players::{Dream, Judge, Player, simulator};
use super::prompt::most_words;
use super::report::{Better, Figure, Score, Unit, percent};
use super::workers::{Worker, Workers};
use crate::source::mix;

const FAMILY: &str = "houses";
/// Steps of a walk, and how many go one way.
const STEPS: u64 = 48;
const LEG: u64 = 8;

/// A patch of something larger.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Part<'a> {
    /// Of what: a name without the land's and the part's number, since a house may stand on two lands.
    thing: &'a str,
    /// Which part of how many, across and down.
    at: [u8; 2],
    of: [u8; 2],
}

impl Part<'_> {
    /// The part that lies so many patches to the right and down from this one, if there is one.
    fn beside(self, way: [i8; 2]) -> Option<Self> {
        let at = |i: usize| self.at[i].checked_add_signed(way[i]).filter(|at| *at < self.of[i]);
        Some(Self { at: [at(0)?, at(1)?], ..self })
    }
}

/// What a token may be part of.
struct Parts<'a>(HashMap<&'a [u8], HashSet<Part<'a>>>);

impl<'a> Parts<'a> {
    fn of(manifest: &'a Manifest) -> Self {
        let mut parts: HashMap<_, HashSet<_>> = HashMap::new();
        for (name, standing) in manifest.relief.iter().flat_map(|relief| &relief.standing) {
            let thing = name.split_once('_').and_then(|(_, thing)| thing.rsplit_once('_'));
            if let Some((thing, _)) = thing.filter(|_| !standing.cutout.is_whole()) {
                let part = Part { thing, at: standing.cutout.part, of: standing.cutout.parts };
                parts.entry(&standing.token[..]).or_default().insert(part);
            }
        }
        Self(parts)
    }

    /// Whether something begins in a frame, `(N, D)` levels, whose view went on by `moved` steps, `steps` a patch: a part of it came into view, and nothing
    /// that lay beside it before is one.
    fn begins(&self, dims: &FrameDims, codes: &[u8], moved: [i32; 2], steps: i32) -> bool {
        let is_part = |n: usize| self.0.contains_key(&codes[n * dims.code_dims..][..dims.code_dims]);
        let lay_there = |n: usize| {
            let inside = |at: usize, by: i32, patches: usize| (0..=steps * (patches as i32 - 1)).contains(&(steps * at as i32 + by));
            let [x, y] = dims.cell(n);
            inside(x, moved[0], dims.grid_w()) && inside(y, moved[1], dims.grid_h())
        };
        let goes_on = |n: usize| dims.beside(n).into_iter().flatten().any(|other| lay_there(other) && is_part(other));
        (0..dims.patches()).any(|n| !lay_there(n) && is_part(n) && !goes_on(n))
    }

    /// Counts the sides at which parts of a frame should meet another one, and those at which they do.
    fn count(&self, manifest: &Manifest, codes: &[u8], seen: &mut Seen) {
        let (frame, recall) = (&manifest.frame, manifest.recall());
        let d = frame.code_dims;
        let of = |n: usize| self.0.get(&codes[n * d..][..d]);
        let is_land = |n: usize| n < frame.patches() && recall.is_none_or(|recall| recall.scrolls(n, frame));
        let has = |n: usize, part: Part<'a>| is_land(n) && of(n).is_some_and(|parts| parts.contains(&part));
        let (mut any, mut whole) = (false, false);
        for (n, parts) in (0..frame.patches()).filter(|n| is_land(*n)).filter_map(|n| Some((n, of(n)?))) {
            any = true;
            whole |= parts.iter().any(|part| is_whole(*part, n, frame, has));
            let around = frame.beside(n).into_iter().zip([[-1, 0], [1, 0], [0, -1], [0, 1]]);
            for (other, way) in around.filter_map(|(other, way)| Some((other.filter(|other| is_land(*other))?, way))) {
                let wanted: Vec<Part> = parts.iter().filter_map(|part| part.beside(way)).collect();
                // What may be another thing's outer side is none that should meet anything.
                if wanted.len() == parts.len() {
                    seen.sides += 1;
                    seen.meet += u32::from(of(other).is_some_and(|others| wanted.iter().any(|part| others.contains(part))));
                }
            }
        }
        seen.frames += 1;
        seen.with_a_house += u32::from(any);
        seen.with_a_whole_one += u32::from(whole);
    }
}

/// Whether all parts of a thing are there whose first, at `n`, this is.
fn is_whole<'a>(part: Part<'a>, n: usize, frame: &FrameDims, has: impl Fn(usize, Part<'a>) -> bool) -> bool {
    let (w, h, [x, y]) = (frame.grid_w(), frame.grid_h(), frame.cell(n));
    let [across, down] = part.of.map(usize::from);
    let fits = part.at == [0, 0] && x + across <= w && y + down <= h;
    let mut all = (0..part.of[1]).flat_map(|y| (0..part.of[0]).map(move |x| [x, y]));
    fits && all.all(|at| has(n + usize::from(at[1]) * w + usize::from(at[0]), Part { at, ..part }))
}

/// Who walks the same way through a village.
struct Walks {
    dream: Seen,
    simulator: Seen,
    copy: Seen,
    shift: Seen,
}

/// What a walk came by.
#[derive(Default)]
struct Seen {
    /// Steps that moved the view, and those on which a house began.
    steps: u32,
    begun: u32,
    sides: u32,
    meet: u32,
    frames: u32,
    with_a_house: u32,
    with_a_whole_one: u32,
}

/// Walks through so many villages, dreamed out of nothing but words, and through those of the simulator.
pub fn figures(judge: &Judge, workers: &mut Workers, seed: u64, worlds: u64) -> Result<Vec<Figure>> {
    let things = Things { judge, parts: Parts::of(&judge.manifest) };
    let seeds: Vec<u64> = (seed..seed + worlds).collect();
    let walks = workers.map(&seeds, |worker, seed| {
        let [dream, copy, shift] = things.dreamed(worker, *seed)?;
        Ok(Walks { dream, simulator: things.simulated(worker, *seed)?, copy, shift })
    })?;
    Ok(rows(&walks))
}

fn rows(walks: &[Walks]) -> Vec<Figure> {
    let row = |name: &str, share: &dyn Fn(&Seen) -> Option<f64>| {
        let score = |seen: fn(&Walks) -> &Seen| Score::grouped(walks.iter().map(|walk| Vec::from_iter(share(seen(walk)))), Better::High);
        let figure = Figure::new(FAMILY, name, Unit::Percent).dream(score(|walk| &walk.dream)?).simulator(score(|walk| &walk.simulator)?);
        Some(figure.beside("copy", score(|walk| &walk.copy)).beside("shift", score(|walk| &walk.shift)))
    };
    let rows = [
        row("sides of parts that meet what belongs there", &|seen| percent([seen.meet, seen.sides])),
        row("frames with a part of a house", &|seen| percent([seen.with_a_house, seen.frames])),
        row("frames with a whole house", &|seen| percent([seen.with_a_whole_one, seen.frames])),
        row("steps on which a house comes into view", &|seen| percent([seen.begun, seen.steps])),
    ];
    // Who met no house has no sides to be judged, and a copy takes no steps.
    rows.into_iter().flatten().collect()
}

/// A wish for a village by day, in whatever land.
pub fn village(seed: u64) -> Wish {
    let biome = Biome::ALL[(mix(seed, 1) % Biome::ALL.len() as u64) as usize];
    Wish { biome: Some(biome), features: vec![Feature::Village], ..Wish::default() }.bare()
}

/// Which way a walk goes at a step, of the world's actions that move.
fn way(world: &dyn World, seed: u64, step: u64) -> usize {
    let ways: Vec<usize> = (0..world.info().actions.len()).filter(|action| world.info().actions[*action] != "stay").collect();
    ways[(mix(seed, 2 + step / LEG) % ways.len() as u64) as usize]
}

/// What is looked for on a walk.
struct Things<'a> {
    judge: &'a Judge,
    parts: Parts<'a>,
}

impl Things<'_> {
    /// Counts what a step under an action shows.
    fn count(&self, codes: &[u8], action: usize, moved: bool, seen: &mut Seen) {
        let (manifest, code) = (&self.judge.manifest, self.judge.bindings[action]);
        self.parts.count(manifest, codes, seen);
        if moved {
            let motion = manifest.actions[usize::from(code)].motion;
            let steps = (manifest.frame.patch_px / self.judge.step_px) as i32;
            seen.steps += 1;
            seen.begun += u32::from(self.parts.begins(&manifest.frame, codes, motion, steps));
        }
    }

    /// What the dream comes by, and a copy of its first frame and what that is shifted to under the same keys.
    fn dreamed(&self, worker: &mut Worker, seed: u64) -> Result<[Seen; 3]> {
        let world = simulator(&self.judge.world)?;
        let words = ids(&read(&say(&village(seed), seed, false), most_words(self.judge)));
        let mut dream = Dream::out_of_nothing(self.judge, &mut worker.engine, &told(&words), seed as u32)?;
        let first = dream.shown().clone();
        let [mut seen, mut copy, mut shift] = <[Seen; 3]>::default();
        for step in 0..STEPS {
            let action = way(world.as_ref(), seed, step);
            dream.press(action)?;
            self.count(&dream.shown().codes, action, dream.moved(), &mut seen);
            self.count(&first.codes, action, false, &mut copy);
        }
        worker.engine.set_prompt(&[])?;
        let mut rgb = first.rgb;
        for step in 0..STEPS {
            let action = way(world.as_ref(), seed, step);
            rgb = self.judge.movements.shifted(&rgb, action);
            self.count(&worker.engine.encode(&rgb)?, action, true, &mut shift);
        }
        Ok([seen, copy, shift])
    }

    fn simulated(&self, worker: &mut Worker, seed: u64) -> Result<Seen> {
        let (mut world, mut seen) = (simulator(&self.judge.world)?, Seen::default());
        let mut raw = vec![0; self.judge.manifest.frame.rgb_bytes()];
        world.reset_under(seed, &village(seed));
        for step in 0..STEPS {
            let action = way(world.as_ref(), seed, step);
            let moved = world.step(action).moved;
            world.render(&mut raw);
            self.count(&worker.engine.encode(&raw)?, action, moved, &mut seen);
        }
        Ok(seen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use somnium::pack::manifest::{Relief, Standing};
    use somnium::pack::random::tiny_manifest;
    use somnium::worlds::relief::Cutout;

    #[test]
    fn a_house_is_whole_where_its_parts_lie_side_by_side() {
        // Three patches across and two down, a token a number; a hut of two by two, and a cottage.
        let frame = FrameDims { width_px: 3, height_px: 2, patch_px: 1, rate_hz: 1, code_dims: 1, code_levels: 200, look: false };
        let part = |first: u8, number: u8| {
            let cutout = Cutout { rows: vec![1], height: 1.0, part: [number % 2, number / 2], parts: [2, 2] };
            Standing { token: vec![first + number], ground: vec![0], feature: None, cutout }
        };
        let named = |thing: &str, first: u8| -> Vec<(String, Standing)> {
            (0..4).map(|number| (format!("meadow_{thing}_{number}"), part(first, number))).collect()
        };
        let tree = Standing { cutout: Cutout { parts: [1, 1], ..part(90, 0).cutout }, ..part(90, 0) };
        let standing = [named("hut", 10), named("cottage", 20), vec![("meadow_tree".to_owned(), tree)]].concat();
        let relief = Relief { sky: [vec![0], vec![0]], standing: standing.into_iter().collect(), water: Vec::new(), shining: Vec::new() };
        let manifest = Manifest { frame, relief: Some(relief), ..tiny_manifest() };
        let parts = Parts::of(&manifest);
        let count = |codes: [u8; 6]| {
            let mut seen = Seen::default();
            parts.count(&manifest, &codes, &mut seen);
            [seen.meet, seen.sides, seen.with_a_house, seen.with_a_whole_one]
        };
        assert_eq!(count([10, 11, 0, 12, 13, 90]), [8, 8, 1, 1], "a hut");
        // What lies out of view belongs to no side.
        assert_eq!(count([0, 0, 10, 0, 0, 12]), [2, 2, 1, 0]);
        assert_eq!(count([10, 11, 0, 12, 23, 0]), [4, 8, 1, 0], "a corner of a cottage");
        assert_eq!(count([11, 10, 0, 13, 12, 0]), [4, 6, 1, 0], "the halves exchanged: only what is above and below belongs");
        assert_eq!(count([0, 10, 11, 0, 12, 13]), [8, 8, 1, 1], "as far to the right as it can be");
        assert_eq!(count([0, 90, 0, 0, 0, 0]), [0, 0, 0, 0], "a tree is whole");
    }

    #[test]
    fn each_row_has_its_baselines_but_for_who_takes_no_step() {
        let seen = |meet: u32, steps: u32| Seen { sides: 10, meet, frames: 4, steps, begun: steps / 2, ..Seen::default() };
        let read = |walks: &[Walks]| -> Vec<[Option<f64>; 4]> {
            let of = |figure: &Figure| {
                let row = figure.to_json();
                [&row["dream"]["mean"], &row["simulator"]["mean"], &row["others"]["copy"], &row["others"]["shift"]].map(|n| n.as_f64())
            };
            rows(walks).iter().map(of).collect()
        };
        let walks = [9, 7].map(|meet| Walks { dream: seen(meet, 4), simulator: seen(10, 4), copy: seen(8, 0), shift: seen(10 - meet, 4) });
        let rows = read(&walks);
        assert_eq!(rows[0], [80.0, 100.0, 80.0, 20.0].map(Some));
        assert_eq!(rows[3], [Some(50.0), Some(50.0), None, Some(50.0)]);
        // Who met no house has no row.
        let none = || Seen { frames: 4, steps: 4, ..Seen::default() };
        assert_eq!(read(&[Walks { dream: none(), simulator: none(), copy: none(), shift: none() }]).len(), 3);
    }

    #[test]
    fn a_house_begins_where_none_of_it_was_in_view() {
        let dims = FrameDims { width_px: 3, height_px: 2, patch_px: 1, rate_hz: 1, code_dims: 1, code_levels: 9, look: false };
        let standing = |token: u8, parts: [u8; 2]| {
            let cutout = Cutout { rows: vec![1], height: 1.0, part: [0, 0], parts };
            (format!("meadow_thing_{token}"), Standing { token: vec![token], ground: vec![0], feature: None, cutout })
        };
        let relief = Relief {
            sky: [vec![0], vec![0]],
            standing: [standing(7, [2, 2]), standing(8, [1, 1])].into_iter().collect(),
            water: Vec::new(),
            shining: Vec::new(),
        };
        let manifest = Manifest { relief: Some(relief), ..tiny_manifest() };
        let parts = Parts::of(&manifest);
        let begins = |codes: [u8; 6], moved: [i32; 2]| parts.begins(&dims, &codes, moved, 2);
        let at_the_right = [0, 0, 7, 0, 0, 0];
        assert!(begins(at_the_right, [2, 0]) && begins(at_the_right, [0, -2]));
        // It was in view, has come nearer by half a patch at the left, or did not move.
        assert!(!begins(at_the_right, [-2, 0]) && !begins(at_the_right, [0, 2]) && !begins(at_the_right, [0, 0]));
        assert!(begins(at_the_right, [1, 0]));
        // The rest of it was.
        assert!(!begins([0, 7, 7, 0, 0, 0], [2, 0]) && begins([0, 7, 0, 0, 0, 7], [2, 0]));
        // A tree is whole.
        assert!(!begins([0, 0, 8, 0, 0, 8], [2, 0]));
        let nothing = tiny_manifest();
        assert!(!Parts::of(&nothing).begins(&dims, &at_the_right, [2, 0], 2));
    }
}
