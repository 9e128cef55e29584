//! A simulator played as it is, beside which a dream of it can be judged.

use std::time::Instant;

use super::drive::Intent;
use super::lands::LandShares;
use super::session::DreamSession;
use super::source::{ActionInfo, DreamError, Source, SourceInfo, SourceKind, Strides, Stuck};
use crate::engine::{DecodeSettings, Picture, StageTimes};
use crate::pack::manifest::FrameDims;
use crate::worlds::scene::{Style, Wish};
use crate::worlds::words::wish_of;
use crate::worlds::{World, WorldInfo};

/// Most words of a prompt: more than there are kinds of things to wish for.
pub const PROMPT_WORDS: usize = 16;

/// A [`World`] behind the interface of a dream. Its codes are the world's recorded actions; any beyond the last is taken for the last.
pub struct TruthSession {
    world: Box<dyn World>,
    /// What the prompt wishes for.
    wish: Wish,
    info: SourceInfo,
    /// Newest frame, RGB and RGBA, `width_px * height_px` pixels.
    rgb: Vec<u8>,
    rgba: Vec<u8>,
    stages: StageTimes,
    stuck: Option<Stuck>,
}

impl TruthSession {
    /// Starts `world` at the place `seed` chooses; `hold_ambience` stops daylight and weather.
    pub fn new(mut world: Box<dyn World>, seed: u32, hold_ambience: bool) -> Self {
        world.hold_ambience(hold_ambience);
        world.reset(u64::from(seed));
        let of = world.info();
        let actions = of
            .actions
            .iter()
            .map(|&name| ActionInfo {
                name: name.to_owned(),
                share: None,
                purity: None,
                bound_to: Intent::from_name(name).into_iter().collect(),
            })
            .collect();
        let info = SourceInfo {
            kind: SourceKind::Truth,
            title: of.name.to_owned(),
            engine: "simulator".to_owned(),
            device: "one core".to_owned(),
            width_px: of.width_px,
            height_px: of.height_px,
            rate_hz: of.rate_hz,
            strides: strides(of),
            within: false,
            grid: [0, 0],
            actions,
            prompt_words: PROMPT_WORDS,
            suggested_prompts: of.suggested_prompts.clone(),
            window: 0,
            context_levels: 0,
        };
        let pixels = of.width_px * of.height_px;
        let (rgb, rgba) = (vec![0; pixels * 3], vec![255; pixels * 4]);
        let mut session = Self { world, wish: Wish::default(), info, rgb, rgba, stages: Vec::new(), stuck: None };
        session.draw();
        session
    }

    fn draw(&mut self) {
        self.world.render(&mut self.rgb);
        for (to, from) in self.rgba.chunks_exact_mut(4).zip(self.rgb.chunks_exact(3)) {
            to[..3].copy_from_slice(from);
        }
    }
}

/// What is drawn at once, without tokens.
fn frame_of(world: &WorldInfo) -> FrameDims {
    let WorldInfo { width_px, height_px, patch_px, rate_hz, .. } = *world;
    FrameDims { width_px, height_px, patch_px, rate_hz, code_dims: 0, code_levels: 0, look: false }
}

/// Every action's way as its name says, past a figure on the centre patch.
fn strides(of: &WorldInfo) -> Option<Strides> {
    let frame = frame_of(of);
    let motions = of.actions.iter().map(|name| Intent::from_name(name).map_or([0, 0], Intent::way));
    Strides::new(&frame, of.step_px, motions, &[frame.patches() / 2])
}

impl Source for TruthSession {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn step(&mut self, code: u8, _settings: &DecodeSettings) -> Result<(), DreamError> {
        let start = Instant::now();
        let outcome = self.world.step(usize::from(code).min(self.info.actions.len().saturating_sub(1)));
        let before = self.stuck.filter(|stuck| stuck.code == code).map_or(0, |stuck| stuck.steps);
        self.stuck = outcome.blocked.then_some(Stuck { code, steps: before + 1 });
        let stepped = start.elapsed();
        self.draw();
        self.stages.clear();
        self.stages.push(("step", stepped.as_secs_f32() * 1e3));
        self.stages.push(("draw", (start.elapsed() - stepped).as_secs_f32() * 1e3));
        Ok(())
    }

    fn picture(&self) -> Picture<'_> {
        Picture::Rgba(&self.rgba)
    }

    fn read_picture(&mut self) -> Result<Vec<u8>, DreamError> {
        Ok(self.rgba.clone())
    }

    fn stage_times(&self) -> StageTimes {
        self.stages.clone()
    }

    fn caption(&self) -> Option<String> {
        Some(crate::worlds::words::description(&self.world.scene(), 0))
    }

    fn look(&self) -> Wish {
        let scene = self.world.scene();
        let season = Some(scene.season).filter(|_| scene.style == Style::Plain);
        Wish { light: Some(scene.light), weather: Some(scene.weather), season, style: Some(scene.style), ..Wish::default() }
    }

    fn land(&self) -> Option<LandShares> {
        let patches = self.world.patches()?;
        Some(LandShares::of(&frame_of(self.world.info()), |n| patches.get(n).copied()))
    }

    fn stuck(&self) -> Option<Stuck> {
        self.stuck
    }

    fn reset(&mut self, settings: &DecodeSettings) -> Result<(), DreamError> {
        self.world.reset_under(u64::from(settings.seed), &self.wish);
        self.stuck = None;
        self.draw();
        Ok(())
    }

    fn set_prompt(&mut self, words: &[u16], _blend_frames: u32) -> Result<(), DreamError> {
        self.wish = wish_of(words);
        self.world.wish(&self.wish);
        Ok(())
    }

    fn as_dream(&mut self) -> Option<&mut DreamSession> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dream::drive::Drive;
    use crate::worlds;

    #[test]
    fn a_way_that_leads_nowhere_is_told_until_another_one_is_asked_for() {
        let mut session = TruthSession::new(worlds::by_name("isles").unwrap(), 3, true);
        let [north, south, east] = [Intent::North, Intent::South, Intent::East].map(|way| session.info.code_of(Drive::Intent(way)));
        let told = |session: &mut TruthSession, code: u8| {
            session.step(code, &DecodeSettings::LEAST).unwrap();
            session.stuck()
        };
        let stuck = |code: u8, steps: usize| Some(Stuck { code, steps });
        assert_eq!(session.stuck(), None);
        let first = (0..500).find_map(|_| told(&mut session, north));
        assert_eq!(first, stuck(north, 1), "sooner or later something is in the way");
        assert_eq!([told(&mut session, north), told(&mut session, north)], [stuck(north, 2), stuck(north, 3)]);
        // Where one came from the way leads on, and what comes then is counted anew.
        assert_eq!([told(&mut session, south), told(&mut session, north)], [None, None]);
        assert_eq!(told(&mut session, north), stuck(north, 1));
        // In a corner every way is counted by itself.
        let corner = (0..500).find_map(|_| {
            while told(&mut session, north).is_none() {}
            told(&mut session, east)
        });
        assert_eq!(corner, stuck(east, 1));
        session.reset(&DecodeSettings::LEAST).unwrap();
        assert_eq!(session.stuck(), None);
    }
}
