//! Recorded clips: frames with the actions that led into them, what those did, what is seen and what is said.

mod file;
mod import;

use std::path::{Path, PathBuf};

use crate::worlds::policy::Policy;
use crate::worlds::random::Rng;
use crate::worlds::scene::{Biome, Feature, Scene, Style, Wish};
use crate::worlds::{StepOutcome, World, words};

/// What is wrong with which clip.
#[derive(Debug, thiserror::Error)]
#[error("the clip {path}: {what}", path = path.display())]
pub struct ClipError {
    pub path: PathBuf,
    pub what: String,
}

impl ClipError {
    fn new(path: &Path, what: impl Into<String>) -> Self {
        Self { path: path.to_owned(), what: what.into() }
    }
}

/// A recording, `T` frames long.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Clip {
    pub width_px: usize,
    pub height_px: usize,
    /// `(T, height_px, width_px, RGB)`, 8-bit sRGB.
    pub frames: Vec<u8>,
    /// Recorded action that led into each frame; `None` where unknown, as for the first.
    pub actions: Vec<Option<u8>>,
    /// What that action did; nothing for the first frame.
    pub outcomes: Vec<StepOutcome>,
    /// What is seen in each frame, where that is known.
    pub scenes: Vec<Option<Scene>>,
    /// What is asked for or described while each frame is made, in free words; empty where nothing is said.
    pub prompts: Vec<String>,
}

impl Clip {
    /// Number of frames `T`.
    pub fn len(&self) -> usize {
        self.actions.len()
    }

    pub fn is_empty(&self) -> bool {
        self.actions.is_empty()
    }

    /// Bytes of one frame.
    pub fn frame_bytes(&self) -> usize {
        self.width_px * self.height_px * 3
    }

    /// Frame `t`: `(height_px, width_px, RGB)`.
    ///
    /// # Panics
    /// Where the clip has no frame `t`.
    pub fn frame(&self, t: usize) -> &[u8] {
        &self.frames[t * self.frame_bytes()..][..self.frame_bytes()]
    }

    /// Frames `start..start + frames` as a clip of their own; nothing led into its first frame.
    ///
    /// # Panics
    /// Where the clip does not have all of them.
    pub fn part(&self, start: usize, frames: usize) -> Self {
        let range = start..start + frames;
        let mut part = Self {
            width_px: self.width_px,
            height_px: self.height_px,
            frames: self.frames[start * self.frame_bytes()..][..frames * self.frame_bytes()].to_vec(),
            actions: self.actions[range.clone()].to_vec(),
            outcomes: self.outcomes[range.clone()].to_vec(),
            scenes: self.scenes[range.clone()].to_vec(),
            prompts: self.prompts[range].to_vec(),
        };
        if let (Some(action), Some(outcome)) = (part.actions.first_mut(), part.outcomes.first_mut()) {
            (*action, *outcome) = (None, StepOutcome::default());
        }
        part
    }
}

/// How a clip is recorded.
#[derive(Clone, Copy, Debug, Default)]
pub struct ClipPlan {
    pub seed: u64,
    pub frames: usize,
    /// Light, weather, season and style hold still.
    pub hold_ambience: bool,
    /// From the start light, weather, season and style are those that [`Wish::under_look`] draws by this seed, whatever else is wished.
    pub look: Option<u64>,
    /// Something is wished for at the start and something else again and again, and the world follows: least and most frames between two
    /// wishes. `None`: nothing is wished.
    pub wishes: Option<(usize, usize)>,
}

/// Frames between two wordings where nothing is wished.
const WORDING_FRAMES: (usize, usize) = (20, 60);
/// Percent of wishes that are none at all, and percent of later ones that are sure to ask for a land: turning into another land is the most there is to learn.
const NO_WISH: usize = 20;
const ANOTHER_LAND: usize = 40;
/// Percent of wishes that ask for a village whatever else they ask for: a house is the largest thing there is, and who saw few makes up bad ones.
const A_VILLAGE: usize = 30;
/// Percent of later wishes that differ from the one before in one thing only, everything else being said in the same words: in how the world looks,
/// and in its land. A network that is told of dusk has to leave the land as it is, and one that is told of a desert has to leave the light.
const LOOK_ALONE: usize = 30;
const LAND_ALONE: usize = 20;

/// Resets `world` to `seed` and records `frames` frames of what `policy` does in it; with `hold_ambience`, under one light and weather.
pub fn record_clip(world: &mut dyn World, policy: &mut dyn Policy, seed: u64, frames: usize, hold_ambience: bool) -> Clip {
    record(world, policy, ClipPlan { seed, frames, hold_ambience, ..ClipPlan::default() })
}

/// Records a clip of what `policy` does in `world`; a function of the plan and the policy's state.
pub fn record(world: &mut dyn World, policy: &mut dyn Policy, plan: ClipPlan) -> Clip {
    let mut rng = Rng::for_purpose(plan.seed, 5);
    let mut wish = if plan.wishes.is_some() { first_wish(&mut rng) } else { Wish::default() };
    // What is wished of the land must not depend on the look.
    let under_look = |wish: &Wish| plan.look.map_or_else(|| wish.clone(), |look| wish.under_look(look));
    let hold_ambience = plan.hold_ambience || plan.look.is_some();
    world.hold_ambience(hold_ambience);
    world.reset_under(plan.seed, &under_look(&wish));
    let (width_px, height_px) = (world.info().width_px, world.info().height_px);
    let frame_bytes = width_px * height_px * 3;
    let mut clip = Clip { width_px, height_px, frames: vec![0; plan.frames * frame_bytes], ..Clip::default() };
    let mut last = StepOutcome::default();
    let mut wording = rng.next();
    let (soonest, latest) = plan.wishes.unwrap_or(WORDING_FRAMES);
    let mut next_change = rng.range(soonest, latest);
    for (t, frame) in clip.frames.chunks_exact_mut(frame_bytes).enumerate() {
        if t == next_change {
            next_change += rng.range(soonest, latest);
            let alone = if plan.wishes.is_some() && !hold_ambience { one_thing_else(&wish, &mut rng) } else { None };
            // Words of which one is exchanged are the same for the rest.
            if alone.is_none() {
                wording = rng.next();
            }
            if plan.wishes.is_some() {
                wish = alone.unwrap_or_else(|| next_wish(&wish, &world.scene(), hold_ambience, &mut rng));
                world.wish(&under_look(&wish));
            }
        }
        let action = (t > 0).then(|| policy.next(last));
        last = action.map_or_else(StepOutcome::default, |action| world.step(action));
        world.render(frame);
        clip.actions.push(action.map(|a| a as u8));
        clip.outcomes.push(last);
        let scene = world.scene();
        clip.prompts.push(words::caption(&scene, &under_look(&wish), wording));
        clip.scenes.push(Some(scene));
    }
    clip
}

fn first_wish(rng: &mut Rng) -> Wish {
    let wish = if rng.percent(NO_WISH) { Wish::default() } else { Wish::drawn(rng.next()) };
    if rng.percent(A_VILLAGE) { Wish { features: vec![Feature::Village], ..wish } } else { wish }
}

/// A wish that differs from `wish` in one thing, if that is what comes next.
fn one_thing_else(wish: &Wish, rng: &mut Rng) -> Option<Wish> {
    let chance = rng.below(100);
    match chance {
        _ if wish.is_empty() => None,
        _ if chance < LOOK_ALONE => Some(wish.retouched(rng.next())),
        _ if chance < LOOK_ALONE + LAND_ALONE => Some(wish.elsewhere(rng.next())),
        _ => None,
    }
}

/// The wish after `wish`, while `scene` is seen: as often an edit of it as another. Under a sky that holds, only the land may change.
fn next_wish(wish: &Wish, scene: &Scene, hold_ambience: bool, rng: &mut Rng) -> Wish {
    let mut next = if !wish.is_empty() && rng.percent(50) { wish.edited(rng.next()) } else { first_wish(rng) };
    if rng.percent(ANOTHER_LAND) {
        next.biome = Some(rng.pick(Biome::ALL));
    }
    // A season would stay hidden under a style.
    if next.season.is_some() && next.style.is_none() && scene.style != Style::Plain {
        next.style = Some(Style::Plain);
    }
    if hold_ambience {
        next = Wish { biome: next.biome, features: next.features, ..wish.clone() };
    }
    next
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worlds::isles::Isles;
    use crate::worlds::policy::Explorer;

    #[test]
    fn often_one_thing_alone_is_wished_to_be_otherwise() {
        let (mut rng, wish) = (Rng::new(1), Wish::drawn(4));
        let next: Vec<Wish> = (0..2000).filter_map(|_| one_thing_else(&wish, &mut rng)).collect();
        let (lands, looks): (Vec<_>, Vec<_>) = next.iter().partition(|next| next.biome != wish.biome);
        assert!((350..450).contains(&lands.len()) && (520..680).contains(&looks.len()), "{} and {}", lands.len(), looks.len());
        assert!(looks.iter().all(|look| look.features == wish.features));
        assert!((0..100).all(|_| one_thing_else(&Wish::default(), &mut rng).is_none()), "of nothing said nothing stays");
    }

    #[test]
    fn words_of_which_one_is_exchanged_are_the_same_for_the_rest() {
        let plan = |hold_ambience| ClipPlan { seed: 3, frames: 400, hold_ambience, wishes: Some((3, 8)), ..ClipPlan::default() };
        // Percent of the changes after which most words are those before.
        let kept = |hold_ambience| {
            let clip = record(&mut Isles::new(), &mut Explorer::new(3), plan(hold_ambience));
            let changes: Vec<[&String; 2]> = clip.prompts.windows(2).filter(|p| p[0] != p[1]).map(|p| [&p[0], &p[1]]).collect();
            let most = |[a, b]: &&[&String; 2]| {
                let same = b.split([' ', ',']).filter(|word| a.split([' ', ',']).any(|other| other == *word)).count();
                2 * same > b.split([' ', ',']).count()
            };
            changes.iter().filter(most).count() * 100 / changes.len()
        };
        let (one_thing, another) = (kept(false), kept(true));
        assert!(one_thing > 25 && another < 15, "{one_thing} % where one thing may change alone, {another} % where all is said anew");
    }
}
