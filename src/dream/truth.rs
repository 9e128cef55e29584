//! A simulator played as it is, beside which a dream of it can be judged.

use std::time::Instant;

use super::drive::Intent;
use super::source::{ActionInfo, DreamError, Source, SourceInfo, SourceKind};
use super::still::Still;
use crate::engine::{DecodeSettings, Engine, Picture, StageTimes};
use crate::worlds::World;
use crate::worlds::scene::Wish;

/// Most words of a prompt: more than there are kinds of things to wish for.
pub const PROMPT_WORDS: usize = 16;
const SUGGESTED_PROMPTS: [&str; 8] = [
    "meadow spring flowers village",
    "forest autumn rain trees",
    "snow night snowfall village",
    "desert dusk ruins poster",
    "swamp fog handheld",
    "volcano night lava neon",
    "beach candy lake",
    "noir night rain ruins",
];

/// A [`World`] behind the interface of a dream. Its codes are the world's recorded actions.
pub struct TruthSession {
    world: Box<dyn World>,
    /// What the prompt wishes for.
    wish: Wish,
    info: SourceInfo,
    /// Newest frame, RGB and RGBA, `width_px * height_px` pixels.
    rgb: Vec<u8>,
    rgba: Vec<u8>,
    stages: StageTimes,
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
            actions,
            vocabulary: vocabulary(),
            prompt_words: PROMPT_WORDS,
            suggested_prompts: SUGGESTED_PROMPTS.map(str::to_owned).to_vec(),
            window: 0,
            context_levels: 0,
        };
        let pixels = of.width_px * of.height_px;
        let mut session =
            Self { world, wish: Wish::default(), info, rgb: vec![0; pixels * 3], rgba: vec![255; pixels * 4], stages: Vec::new() };
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

/// The words a simulator's prompt may hold.
pub fn vocabulary() -> Vec<String> {
    Wish::words().into_iter().map(str::to_owned).collect()
}

impl Source for TruthSession {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn step(&mut self, code: u8, _settings: &DecodeSettings) -> Result<(), DreamError> {
        let start = Instant::now();
        self.world.step(usize::from(code).min(self.info.actions.len().saturating_sub(1)));
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
        Some(self.world.caption().join(" "))
    }

    fn reset(&mut self, seed: u32) -> Result<(), DreamError> {
        self.world.reset_under(u64::from(seed), &self.wish);
        self.draw();
        Ok(())
    }

    fn start_from(&mut self, _frames: &[Still]) -> Result<(), DreamError> {
        Err(DreamError::NoPicture(self.info.title.clone()))
    }

    fn set_prompt(&mut self, words: &[u16]) -> Result<(), DreamError> {
        let known = words.iter().filter_map(|&id| self.info.vocabulary.get(usize::from(id).checked_sub(1)?));
        self.wish = Wish::of_words(known.map(String::as_str));
        self.world.wish(&self.wish);
        Ok(())
    }

    fn replace_engine(&mut self, _engine: Box<dyn Engine>) -> Result<(), DreamError> {
        Ok(())
    }
}
