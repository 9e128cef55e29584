//! What is judged, behind one interface: the dream and the simulator, the baselines, and dreams broken on purpose.

use anyhow::{Context, Result};
use somnium::dream::beginning::out_of_words;
use somnium::engine::cpu::CpuEngine;
use somnium::engine::inputs::{check_settings, play_settings};
use somnium::engine::told::Told;
use somnium::engine::{DecodeSettings, Engine, PromptWord, TokenFrame};
use somnium::pack::Pack;
use somnium::pack::manifest::{DynamicsDims, Manifest};
use somnium::worlds::policy::{self, Policy};
use somnium::worlds::{self, StepOutcome, World};

use crate::motion::MovementReader;
use crate::probe::spoil::{Breakage, Moment, Spoil};
use crate::probe::view::View;
use crate::source::{Dice, mix};
use crate::stages::dynamics::bindings;

/// Frames of true history a player starts from.
pub const HISTORY: usize = 16;

/// The pack and its world, as every family of figures needs them.
pub struct Judge {
    pub manifest: Manifest,
    pub settings: DecodeSettings,
    pub world: String,
    /// Latent code of each recorded action.
    pub bindings: Vec<u8>,
    pub movements: MovementReader,
    /// Pixels the view moves by in a step.
    pub step_px: usize,
    pub view: View,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Dream,
    /// In this many decoding steps instead of the pack's, all of which run: no token is settled for being certain.
    DreamIn(u32),
    /// The simulator's frames through the tokenizer: the best a dream can do.
    Simulator,
    /// Those, but what was not in view at the start goes on as the frame ends: nobody who only saw the past can know it.
    Known,
    /// The last frame again.
    Copy,
    /// The last frame shifted the way that was asked for.
    Shift,
    /// The simulator's frames as they are.
    Raw,
    /// Those, spoilt as the probe has seen it.
    Spoilt(Spoil),
    /// Those, broken as it has not.
    Broken(Breakage),
    /// The last of those for ever.
    Frozen,
}

/// A picture, RGB, and its tokens (none where the tokenizer has no part in it).
#[derive(Clone, Default)]
pub struct Shown {
    pub rgb: Vec<u8>,
    pub codes: Vec<u8>,
}

/// The simulator of that name, which a pack names.
pub fn simulator(world: &str) -> Result<Box<dyn World>> {
    worlds::by_name(world).with_context(|| format!("the pack's simulator {world:?} is not in this build"))
}

/// A simulator that a policy walks.
pub struct Walk {
    pub world: Box<dyn World>,
    pub policy: Box<dyn Policy>,
    pub last: StepOutcome,
}

impl Walk {
    pub fn new(world: &str, policy: &str, seed: u64, hold_ambience: bool) -> Result<Self> {
        let mut world = simulator(world)?;
        world.hold_ambience(hold_ambience);
        world.reset(mix(seed, 0));
        let policy = policy::by_name(policy, seed).with_context(|| format!("no policy {policy:?}"))?;
        Ok(Self { world, policy, last: StepOutcome::default() })
    }

    /// The next action, taken.
    pub fn step(&mut self) -> usize {
        let action = self.policy.next(self.last);
        self.last = self.world.step(action);
        action
    }
}

/// Where players begin: the simulator after some steps, and what led there.
pub struct Start {
    pub walk: Walk,
    pub history: Vec<TokenFrame>,
    pub seed: u64,
    /// The last frame as the simulator has it, and through the tokenizer.
    pub raw: Vec<u8>,
    pub shown: Shown,
}

impl Judge {
    /// Fails where the pack names no simulator of this build or has no dynamics.
    pub fn new(pack: &Pack, guidance: f32) -> Result<Self> {
        let manifest = pack.manifest.clone();
        let world = manifest.provenance.world.clone().context("the pack names no simulator")?;
        let simulator = simulator(&world)?;
        let info = simulator.info();
        let actions: Vec<String> = info.actions.iter().map(|name| (*name).to_owned()).collect();
        let bindings = bindings(&manifest.actions, &actions, |_| true)?;
        let movements = MovementReader::new(manifest.frame, info.step_px);
        let settings = DecodeSettings { guidance, ..play_settings(&manifest) };
        check_settings(&manifest, &settings)?;
        Ok(Self { settings, bindings, movements, step_px: info.step_px, view: View::of(info), world, manifest })
    }

    /// Latent action that stands for "not known".
    fn unknown(&self) -> u8 {
        self.manifest.dynamics.as_ref().map_or(0, DynamicsDims::unknown_action)
    }

    /// Lets `walk` take `steps` steps, of which the last [`HISTORY`] frames are what players know.
    pub fn start(&self, engine: &mut CpuEngine, mut walk: Walk, steps: usize, seed: u64) -> Result<Start> {
        let mut raw = vec![0; self.manifest.frame.rgb_bytes()];
        let mut history = Vec::with_capacity(HISTORY);
        for t in 0..=steps {
            let action = if t == 0 { self.unknown() } else { self.bindings[walk.step()] };
            if t + HISTORY > steps {
                walk.world.render(&mut raw);
                history.push(TokenFrame { codes: engine.encode(&raw)?, action, moved: walk.last.moved, prompt: Vec::new() });
            }
        }
        let codes = history.last().map(|frame| frame.codes.clone()).unwrap_or_default();
        let shown = view(engine, codes)?;
        Ok(Start { walk, history, seed, raw, shown })
    }

    pub fn player<'a>(&'a self, kind: Kind, engine: &'a mut CpuEngine, start: &Start) -> Result<Box<dyn Player + 'a>> {
        let world = start.walk.world.boxed_clone();
        let raw = Shown { rgb: start.raw.clone(), codes: Vec::new() };
        Ok(match kind {
            Kind::Dream => Box::new(Dream::begin(self, engine, start)?),
            Kind::DreamIn(steps) => {
                let mut dream = Dream::begin(self, engine, start)?;
                (dream.settings.steps, dream.settings.certain) = (steps, None);
                Box::new(dream)
            }
            Kind::Simulator => Box::new(Simulated { world, engine, shown: start.shown.clone() }),
            Kind::Known => {
                let (from, size) = (world.position_px(), [self.manifest.frame.width_px, self.manifest.frame.height_px]);
                let simulated = Simulated { world, engine, shown: start.shown.clone() };
                Box::new(Known { shown: simulated.shown.clone(), simulated, from, size })
            }
            Kind::Copy => Box::new(Copied { shown: start.shown.clone() }),
            Kind::Shift => Box::new(Shifted { movements: &self.movements, engine, shown: start.shown.clone() }),
            Kind::Raw => Box::new(Raw { world, shown: raw, spoil: None, view: self.view, dice: Dice::new(start.seed, 0) }),
            Kind::Spoilt(spoil) => Box::new(Raw { world, shown: raw, spoil: Some(spoil), view: self.view, dice: Dice::new(start.seed, 0) }),
            Kind::Broken(breakage) => {
                let other = Walk::new(&self.world, "explorer", mix(start.seed, 1), false)?.world;
                let dice = Dice::new(start.seed, 0);
                Box::new(Broken { world, other, breakage, shown: raw, frames: 0, view: self.view, dice })
            }
            Kind::Frozen => Box::new(Copied { shown: raw }),
        })
    }
}

/// The picture of some codes.
pub fn view(engine: &mut CpuEngine, codes: Vec<u8>) -> Result<Shown> {
    Ok(Shown { rgb: rgb(&engine.draw(&codes)?), codes })
}

/// A picture through the tokenizer.
pub fn through_tokenizer(engine: &mut CpuEngine, raw: &[u8]) -> Result<Shown> {
    let codes = engine.encode(raw)?;
    view(engine, codes)
}

/// The picture that a session makes of one it was shown when it dreams those of its tokens again that are not `given`, as
/// `DreamSession::repaint` has it: under words as where a world begins, without any as if one had stood there for a while. Nobody goes on
/// from there, so the past is not made again.
pub fn repainted(engine: &mut CpuEngine, stay: u8, given: &[u8], words: &[PromptWord], settings: &DecodeSettings) -> Result<Vec<u8>> {
    let (window, unknown) = engine.manifest().dynamics.as_ref().map_or((1, 0), |d| (d.window, d.unknown_action()));
    let frame = |action| TokenFrame { codes: given.to_vec(), action, moved: false, prompt: Vec::new() };
    let mut past = vec![frame(unknown)];
    if words.is_empty() {
        past.resize(window, frame(stay));
    }
    let action = past.pop().map_or(unknown, |last| last.action);
    engine.set_prompt(words)?;
    // The number before 0, which what follows the picture would have.
    engine.restore(&past, u32::MAX)?;
    engine.dream_around(given, action, &settings.fresh())?;
    engine.set_prompt(&[])?;
    Ok(rgb(&engine.read_picture()?))
}

/// RGB of RGBA.
pub fn rgb(rgba: &[u8]) -> Vec<u8> {
    rgba.chunks_exact(4).flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect()
}

pub trait Player {
    /// What it shows now.
    fn shown(&self) -> &Shown;
    /// Takes a recorded action and shows what follows.
    fn press(&mut self, action: usize) -> Result<&Shown>;
}

/// A frame of a dream, to come back to.
pub struct Glimpse {
    shown: Shown,
    /// What was seen until then, itself included, oldest first.
    past: Vec<TokenFrame>,
    /// Frames dreamed until then.
    frames: u32,
}

pub struct Dream<'a> {
    engine: &'a mut CpuEngine,
    bindings: &'a [u8],
    settings: DecodeSettings,
    words: Vec<PromptWord>,
    told: Told,
    /// What it saw, oldest first.
    past: Vec<TokenFrame>,
    /// Before every step it forgets all but so many frames of that; nothing where it is `None`.
    knows: Option<usize>,
    frames: u32,
    shown: Shown,
}

impl<'a> Dream<'a> {
    pub fn begin(judge: &'a Judge, engine: &'a mut CpuEngine, start: &Start) -> Result<Self> {
        engine.restore(&start.history, 0)?;
        let settings = DecodeSettings { seed: start.seed as u32, ..judge.settings };
        let (told, past) = (Told::after(&start.history), start.history.clone());
        let shown = start.shown.clone();
        Ok(Self { engine, bindings: &judge.bindings, settings, words: Vec::new(), told, past, knows: None, frames: 0, shown })
    }

    /// Likewise, where `prompt` is said from the next frame on.
    pub fn begin_under(judge: &'a Judge, engine: &'a mut CpuEngine, start: &Start, prompt: &[PromptWord]) -> Result<Self> {
        engine.set_prompt(prompt)?;
        Ok(Self { words: prompt.to_vec(), ..Self::begin(judge, engine, start)? })
    }

    /// A dream out of nothing but a prompt.
    pub fn out_of_nothing(judge: &'a Judge, engine: &'a mut CpuEngine, prompt: &[PromptWord], seed: u32) -> Result<Self> {
        engine.set_prompt(prompt)?;
        let settings = DecodeSettings { seed, ..judge.settings };
        let codes = out_of_words(engine, prompt, &settings)?.codes;
        let past = vec![TokenFrame { codes: codes.clone(), action: judge.unknown(), moved: false, prompt: prompt.to_vec() }];
        engine.restore(&past, 1)?;
        let shown = Shown { codes, rgb: rgb(&engine.read_picture()?) };
        let (words, told) = (prompt.to_vec(), Told::after(&past));
        Ok(Self { engine, bindings: &judge.bindings, settings, words, told, past, knows: None, frames: 1, shown })
    }

    /// Says something else from the next frame on.
    pub fn say(&mut self, prompt: &[PromptWord]) -> Result<()> {
        self.words = prompt.to_vec();
        Ok(self.engine.set_prompt(prompt)?)
    }

    /// Takes a latent action, by the settings that a session would take.
    pub fn take(&mut self, code: u8) -> Result<&Shown> {
        if let Some(known) = self.knows {
            self.forget_all_but(known)?;
        }
        let settings = self.settings.told(self.told.class_of_next(&self.words));
        self.told.follow(&self.words);
        self.engine.dream(code, &settings)?;
        self.shown.codes.resize(self.engine.manifest().frame.code_bytes(), 0);
        let moved = self.engine.take_codes(&mut self.shown.codes).is_some_and(|arrival| arrival.moved);
        self.shown.rgb = rgb(&self.engine.read_picture()?);
        let (codes, prompt) = (self.shown.codes.clone(), self.words.clone());
        self.past.push(TokenFrame { codes, action: code, moved, prompt });
        self.frames += 1;
        Ok(&self.shown)
    }

    /// Whether the view moved in the last step.
    pub fn moved(&self) -> bool {
        self.past.last().is_some_and(|frame| frame.moved)
    }

    /// What it shows now.
    pub fn glimpse(&self) -> Glimpse {
        Glimpse { shown: self.shown.clone(), past: self.past.clone(), frames: self.frames }
    }

    /// Goes back to a frame and leaves it nothing to go by but the last `known` frames up to there.
    pub fn know_only(&mut self, glimpse: &Glimpse, known: usize) -> Result<()> {
        self.shown.clone_from(&glimpse.shown);
        self.past.clone_from(&glimpse.past);
        self.frames = glimpse.frames;
        self.forget_all_but(known)
    }

    /// From now on it forgets before every step all but the last `known` frames: no map keeps what is older.
    pub fn know_at_most(&mut self, known: usize) {
        self.knows = Some(known);
    }

    fn forget_all_but(&mut self, known: usize) -> Result<()> {
        self.past.drain(..self.past.len().saturating_sub(known));
        self.told = Told::after(&self.past);
        Ok(self.engine.restore(&self.past, self.frames)?)
    }
}

impl Player for Dream<'_> {
    fn shown(&self) -> &Shown {
        &self.shown
    }

    fn press(&mut self, action: usize) -> Result<&Shown> {
        self.take(self.bindings[action])
    }
}

struct Simulated<'a> {
    world: Box<dyn World>,
    engine: &'a mut CpuEngine,
    shown: Shown,
}

impl Player for Simulated<'_> {
    fn shown(&self) -> &Shown {
        &self.shown
    }

    fn press(&mut self, action: usize) -> Result<&Shown> {
        self.world.step(action);
        let mut raw = std::mem::take(&mut self.shown.rgb);
        self.world.render(&mut raw);
        self.shown = through_tokenizer(self.engine, &raw)?;
        Ok(&self.shown)
    }
}

struct Known<'a> {
    simulated: Simulated<'a>,
    /// Where the view was at the start, in pixels.
    from: (i64, i64),
    /// Of the frame, in pixels.
    size: [usize; 2],
    shown: Shown,
}

impl Player for Known<'_> {
    fn shown(&self) -> &Shown {
        &self.shown
    }

    fn press(&mut self, action: usize) -> Result<&Shown> {
        self.shown.clone_from(self.simulated.press(action)?);
        let (to, [w, h]) = (self.simulated.world.position_px(), self.size);
        // The nearest place that was in view at the start.
        let known = |at: usize, moved: i64, size: usize| {
            (at as i64).clamp((-moved).max(0), (size as i64 - 1 - moved).min(size as i64 - 1)) as usize
        };
        let truth = &self.simulated.shown.rgb;
        for (i, pixel) in self.shown.rgb.chunks_exact_mut(3).enumerate() {
            let (x, y) = (known(i % w, to.0 - self.from.0, w), known(i / w, to.1 - self.from.1, h));
            pixel.copy_from_slice(&truth[3 * (y * w + x)..][..3]);
        }
        Ok(&self.shown)
    }
}

struct Copied {
    shown: Shown,
}

impl Player for Copied {
    fn shown(&self) -> &Shown {
        &self.shown
    }

    fn press(&mut self, _action: usize) -> Result<&Shown> {
        Ok(&self.shown)
    }
}

struct Shifted<'a> {
    movements: &'a MovementReader,
    engine: &'a mut CpuEngine,
    shown: Shown,
}

impl Player for Shifted<'_> {
    fn shown(&self) -> &Shown {
        &self.shown
    }

    fn press(&mut self, action: usize) -> Result<&Shown> {
        let rgb = self.movements.shifted(&self.shown.rgb, action);
        self.shown = Shown { codes: self.engine.encode(&rgb)?, rgb };
        Ok(&self.shown)
    }
}

struct Raw {
    world: Box<dyn World>,
    shown: Shown,
    spoil: Option<Spoil>,
    view: View,
    dice: Dice,
}

impl Player for Raw {
    fn shown(&self) -> &Shown {
        &self.shown
    }

    fn press(&mut self, action: usize) -> Result<&Shown> {
        self.world.step(action);
        self.world.render(&mut self.shown.rgb);
        if let Some(spoil) = self.spoil {
            self.shown.rgb = spoil.apply(&self.shown.rgb, &self.view, &mut self.dice);
        }
        Ok(&self.shown)
    }
}

/// The simulator, broken, beside another land of it that is walked in the same way.
struct Broken {
    world: Box<dyn World>,
    other: Box<dyn World>,
    breakage: Breakage,
    shown: Shown,
    frames: usize,
    view: View,
    dice: Dice,
}

impl Player for Broken {
    fn shown(&self) -> &Shown {
        &self.shown
    }

    fn press(&mut self, action: usize) -> Result<&Shown> {
        let bytes = self.shown.rgb.len();
        let [rgb, other] = [&mut self.world, &mut self.other].map(|world| {
            world.step(action);
            let mut rgb = vec![0; bytes];
            world.render(&mut rgb);
            rgb
        });
        self.frames += 1;
        let moment = Moment { rgb: &rgb, other: &other, last: &self.shown.rgb, frames: self.frames };
        self.shown.rgb = self.breakage.apply(&moment, &self.view, &mut self.dice);
        Ok(&self.shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use somnium::dream::Source;
    use somnium::dream::session::DreamSession;
    use somnium::dream::still::Still;
    use somnium::engine::UNKNOWN;
    use somnium::engine::cpu::CpuOptions;
    use somnium::pack::random::{look_manifest, plain_manifest, random_pack};
    use somnium::prompt;

    #[test]
    fn a_dream_that_knows_its_whole_past_again_is_the_same_and_one_that_knows_little_of_it_is_another() {
        let mut manifest = plain_manifest();
        manifest.provenance.world = Some("isles".to_owned());
        for (action, name) in manifest.actions.iter_mut().zip(["stay", "north", "south", "west", "east"]) {
            action.bound_to = vec![name.to_owned()];
        }
        let pack = random_pack(manifest, 5).unwrap();
        let judge = Judge::new(&pack, 1.0).unwrap();
        let mut engine = CpuEngine::new(&pack, CpuOptions { threads: Some(1), ..CpuOptions::default() }).unwrap();
        let start = judge.start(&mut engine, Walk::new("isles", "hold", 1, true).unwrap(), HISTORY - 1, 1).unwrap();
        let mut dreamed = |known: Option<usize>| -> Vec<Vec<u8>> {
            let mut dream = Dream::begin(&judge, &mut engine, &start).unwrap();
            if let Some(known) = known {
                dream.know_at_most(known);
            }
            let mut dreamed: Vec<Vec<u8>> = (0..4).map(|_| dream.press(1).unwrap().codes.clone()).collect();
            let (far, moved) = (dream.glimpse(), dream.moved());
            dreamed.push(dream.press(2).unwrap().codes.clone());
            // Who goes back and knows the same dreams the same again.
            dream.know_only(&far, known.unwrap_or(usize::MAX)).unwrap();
            assert_eq!(dream.moved(), moved);
            assert_eq!(dream.press(2).unwrap().codes, dreamed[4]);
            dreamed
        };
        let whole = dreamed(None);
        assert_eq!(dreamed(Some(usize::MAX)), whole);
        assert_ne!(dreamed(Some(2)), whole);
    }

    #[test]
    fn a_picture_is_painted_over_as_a_session_does_it() {
        let stay = 1;
        let mut manifest = look_manifest();
        manifest.actions[usize::from(stay)].bound_to = vec!["stay".to_owned()];
        let pack = random_pack(manifest, 5).unwrap();
        let engine = || CpuEngine::new(&pack, CpuOptions { threads: Some(1), ..CpuOptions::default() }).unwrap();
        let raw: Vec<u8> = (0..pack.manifest.frame.rgb_bytes()).map(|i| (i * 7) as u8).collect();
        let mut session = DreamSession::new(Box::new(engine())).unwrap();
        session.start_from(&[Still { rgb: raw.clone() }]).unwrap();
        let mut engine = engine();
        let around: Vec<bool> = (0..pack.manifest.frame.patches()).map(|n| n % 3 != 1).collect();
        let mut given = engine.encode(&raw).unwrap();
        let tokens = given.chunks_exact_mut(pack.manifest.frame.code_dims).zip(&around);
        tokens.filter(|(_, around)| **around).for_each(|(token, _)| token.fill(UNKNOWN));
        let settings = DecodeSettings { temperature: 1.0, ..play_settings(&pack.manifest) };
        let mut seen = Vec::new();
        // A session takes other dice each time.
        for (seed, words) in (0..).zip([&[][..], &[1], &[1], &[2], &[]]) {
            session.repaint(&around, words, &settings).unwrap();
            seen.push(rgb(&session.read_picture().unwrap()));
            session.undo().unwrap();
            let painted = repainted(&mut engine, stay, &given, &prompt::told(words), &DecodeSettings { seed, ..settings }).unwrap();
            assert_eq!(painted, seen[seed as usize], "{words:?}, painting {seed}");
        }
        // Other dice and other words paint other pictures.
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 5);
    }
}
