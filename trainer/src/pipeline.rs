//! A run: the folder where one world is trained, stage by stage, and the way from its checkpoints to a pack.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use burn::module::Module;
use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use somnium::checksum;
use somnium::clips::Clip;
use somnium::engine::recall::Odometer;
use somnium::pack::Pack;
use somnium::pack::manifest::{DynamicsDims, FrameDims, LatentAction};
use somnium::worlds::words;

use crate::backend::Backend;
use crate::blots;
use crate::grow;
use crate::looks::{self, Looks};
use crate::model::dynamics::DynShape;
use crate::model::lam::Lam;
use crate::model::tokenizer::Tokenizer;
use crate::params::{self, Values};
use crate::patches::DistinctPatches;
use crate::preset::{self, Preset};
use crate::scroll::{self, Scroll};
use crate::source::{Bare, ClipSource, Dice, FolderSource, HELD_OUT, Mood, WorldSource, mix};
use crate::stages::dynamics::{DynamicsStage, bindings};
use crate::stages::lam::LamStage;
use crate::stages::tokenizer::TokenizerStage;
use crate::tokens::{NONE, TokenClips, look_turns, untold, word_ids};
use crate::training::{self, Budget, Settings, Stage};

/// File of a run's looks.
const LOOKS: &str = "looks.json";
/// Frames of a clip that is kept as tokens; training windows are drawn from inside.
const TOKEN_CLIP_FRAMES: usize = 96;
const HELD_OUT_CLIPS: usize = 24;
/// Of the clips kept as tokens every so many-th is restless: a window of it holds several changes of words.
const RESTLESS_EVERY: u64 = 3;
/// Clips and frames of each that the way a world scrolls is read off.
const SCROLL_CLIPS: u64 = 16;
const SCROLL_FRAMES: usize = 48;

/// What a run was started with. Kept in its folder, so that later stages and resumed ones agree.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunInfo {
    pub preset: String,
    /// Simulator the clips come from, unless recordings do.
    pub world: String,
    /// Folder of recordings.
    pub clips: Option<PathBuf>,
    pub seed: u64,
}

pub struct Run {
    pub folder: PathBuf,
    pub info: RunInfo,
    pub preset: Preset,
    pub source: Arc<dyn ClipSource>,
    pub backend: Backend,
    pub device: Device,
    pub stop: Arc<AtomicBool>,
    /// Pack whose weights a stage starts from when it has no checkpoint.
    pub from: Option<Pack>,
    /// Steps after which a stage stops by itself, its checkpoint written.
    pub session_steps: Option<u64>,
    /// Learning rate at its height, where it is not the stage's own.
    pub rate: Option<f64>,
}

impl Run {
    /// Opens a run folder, or starts one.
    pub fn open(folder: &Path, info: RunInfo, backend: Backend, from: Option<Pack>, stop: Arc<AtomicBool>) -> Result<Self> {
        fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        let path = folder.join("run.json");
        if path.exists() {
            let known: RunInfo = serde_json::from_slice(&fs::read(&path)?).with_context(|| format!("{} cannot be read", path.display()))?;
            ensure!(known == info, "{} was started with {known:?}; pass the same, or another --run", folder.display());
        } else {
            fs::write(&path, serde_json::to_vec_pretty(&info)?)?;
        }
        let preset = preset::by_name(&info.preset)?;
        let source: Arc<dyn ClipSource> = match &info.clips {
            Some(clips) => Arc::new(FolderSource::open(clips)?),
            None => Arc::new(WorldSource::new(&info.world, info.seed)?),
        };
        let (folder, device) = (folder.to_owned(), backend.device()?);
        Ok(Self { folder, preset, source, backend, device, stop, from, session_steps: None, rate: None, info })
    }

    fn settings(&self, budget: Budget) -> Settings {
        Settings {
            run: self.folder.clone(),
            seed: self.info.seed,
            device: self.device.clone(),
            budget,
            session_steps: self.session_steps,
            rate: self.rate,
            stop: self.stop.clone(),
        }
    }

    /// A fresh model of `stage` with the weights of `--from`, if there are any.
    fn start<S: Stage>(&self, stage: &S, prefix: &str) -> Result<Option<S::Model>> {
        let Some(pack) = &self.from else { return Ok(None) };
        if !pack.tensors.keys().any(|name| name.starts_with(&format!("{prefix}."))) {
            return Ok(None);
        }
        let device = self.device.clone().autodiff();
        let fresh = stage.new_model(&device)?;
        let of_fresh = params::collect(prefix, &fresh)?;
        let mut values = grow::look(grow::parts(pack_values(pack), &of_fresh), &of_fresh);
        if self.narrower().is_some() {
            values = grow::code_dims(&values, &of_fresh);
        }
        Ok(Some(params::replace(prefix, fresh, &values, &device)?))
    }

    /// The pack of `--from` where its tokens have fewer code dimensions than this run's.
    fn narrower(&self) -> Option<&Pack> {
        self.from.as_ref().filter(|pack| pack.manifest.frame.code_dims < self.preset.code_dims)
    }

    pub fn train_tokenizer(&self, budget: Budget, codes_stay: bool) -> Result<()> {
        let mut stage = TokenizerStage { codes_stay, ..TokenizerStage::new(self.source.clone(), self.preset.clone()) };
        stage.covered = self.covered(&stage.frame)?;
        if let Some(pack) = self.narrower() {
            let narrow = Tokenizer::new(&pack.manifest.frame, &self.preset.tokenizer, &self.device);
            stage.held = Some(params::replace("tok", narrow, &pack_values(pack), &self.device)?);
        }
        let stage = Arc::new(stage);
        let start = self.start(stage.as_ref(), "tok")?;
        training::train(stage, &self.settings(budget), start).map(|_| ())
    }

    /// Trains the latent action model and names its codes in `lam/actions.json`.
    pub fn train_lam(&self, budget: Budget) -> Result<()> {
        let stage = Arc::new(self.lam_stage()?);
        let start = self.start(stage.as_ref(), "lam")?;
        let (model, _) = training::train(stage.clone(), &self.settings(budget), start)?;
        let actions = stage.label(&model, &self.device)?;
        for (code, action) in actions.iter().enumerate() {
            println!(
                "  code {code}: {:16} share {:5.1} %, purity moved {:5.1} %, blocked {:5.1} %, bound to {:?}",
                action.name,
                action.share * 100.0,
                action.purity_moved * 100.0,
                action.purity_blocked * 100.0,
                action.bound_to
            );
        }
        fs::write(self.folder.join("lam").join("actions.json"), serde_json::to_vec_pretty(&actions)?)?;
        Ok(())
    }

    pub fn tokenizer(&self) -> Result<(Tokenizer, f64)> {
        let stage = TokenizerStage::new(self.source.clone(), self.preset.clone());
        self.trained(&stage, "tok")
    }

    /// The trained latent action model, the stage that infers with it, and the seconds its checkpoint took.
    pub fn lam(&self) -> Result<(LamStage, Lam, f64)> {
        let stage = self.lam_stage()?;
        let (model, secs) = self.trained(&stage, "lam")?;
        Ok((stage, model, secs))
    }

    /// Patches that do not scroll, read off clips.
    fn covered(&self, frame: &FrameDims) -> Result<Vec<usize>> {
        let clips: Vec<Clip> =
            (0..SCROLL_CLIPS).map(|number| self.source.clip(number, SCROLL_FRAMES, Mood::Still)).collect::<Result<_>>()?;
        Ok(scroll::stay_behind(clips.iter(), frame))
    }

    fn lam_stage(&self) -> Result<LamStage> {
        let frame = self.preset.frame(self.source.info());
        let covered = self.covered(&frame)?;
        let codes = 1 << self.preset.lam.bits;
        let named = self.actions(false).unwrap_or_default();
        let shares = (0..codes).map(|code| named.get(code).map_or(1.0 / codes as f32, |action| action.share)).collect();
        let (source, preset) = (self.source.clone(), self.preset.clone());
        Ok(LamStage { source, preset, frame, covered, shares: Mutex::new(shares), seed: self.info.seed })
    }

    /// The trained model of a stage, from its checkpoint or from `--from`, and the seconds its checkpoint took.
    pub fn trained<S: Stage>(&self, stage: &S, prefix: &str) -> Result<(S::Model, f64)> {
        if let Some((model, progress)) = training::load_trained(stage, &self.folder, &self.device)? {
            return Ok((model.valid(), progress.elapsed_secs));
        }
        match self.start(stage, prefix)? {
            Some(model) => Ok((model.valid(), 0.0)),
            None => bail!("{} holds no trained {}: train it first, or name a pack with --from", self.folder.display(), S::NAME),
        }
    }

    /// Names and shares of the latent codes, or of the recorded actions where those stand in for them.
    pub fn actions(&self, recorded_only: bool) -> Result<Vec<LatentAction>> {
        if recorded_only {
            return Ok(self.recorded_actions());
        }
        let path = self.folder.join("lam").join("actions.json");
        match (&self.from, path.exists()) {
            (_, true) => serde_json::from_slice(&fs::read(&path)?).with_context(|| format!("{} cannot be read", path.display())),
            (Some(pack), false) => Ok(pack.manifest.actions.clone()),
            (None, false) => {
                bail!("{} has no named actions: train the latent action model first, or pass --recorded-actions", path.display())
            }
        }
    }

    /// Recorded actions in the place of latent ones: code `i` is action `i`.
    fn recorded_actions(&self) -> Vec<LatentAction> {
        let names = &self.source.info().actions;
        (0..self.preset.dynamics.actions)
            .map(|i| LatentAction {
                name: names.get(i).cloned().unwrap_or_else(|| format!("code {i}")),
                share: if i < names.len() { 1.0 / names.len() as f32 } else { 0.0 },
                purity_moved: if i < names.len() { 1.0 } else { 0.0 },
                purity_blocked: if i < names.len() { 1.0 } else { 0.0 },
                bound_to: names.get(i).cloned().into_iter().collect(),
                motion: [0, 0],
            })
            .collect()
    }

    pub fn dynamics_shape(&self, scroll: &Scroll) -> DynShape {
        DynShape {
            frame: self.preset.frame(self.source.info()),
            dims: DynamicsDims { recall: scroll.recall.clone(), ..self.preset.dynamics.clone() },
            design: self.preset.design,
        }
    }

    /// How the world scrolls under each latent code: as the pack of `--from` says, or read off clips once and kept.
    pub fn scroll(&self, recorded_only: bool) -> Result<Scroll> {
        let path = self.folder.join("scroll.json");
        if path.exists() {
            return serde_json::from_slice(&fs::read(&path)?).with_context(|| format!("{} cannot be read", path.display()));
        }
        let known = self.from.as_ref().map(|pack| &pack.manifest).filter(|_| !self.folder.join("lam").join("actions.json").exists());
        let scroll = match known.and_then(|m| m.dynamics.as_ref().map(|d| (m, d))) {
            Some((m, d)) => Scroll { recall: d.recall.clone(), motions: m.actions.iter().map(|action| action.motion).collect() },
            None => {
                let lam = if recorded_only { None } else { Some(self.lam()?) };
                let with_codes = |number| {
                    let clip = self.source.clip(number, SCROLL_FRAMES, Mood::Still)?;
                    let codes = match &lam {
                        Some((stage, model, _)) => stage.codes(model, &clip, &self.device)?,
                        None => clip.actions.clone(),
                    };
                    Ok((clip, codes))
                };
                let clips: Vec<_> = (0..SCROLL_CLIPS).map(with_codes).collect::<Result<_>>()?;
                scroll::measure(&clips, self.preset.dynamics.actions, &self.preset.frame(self.source.info()))
            }
        };
        fs::write(&path, serde_json::to_vec_pretty(&scroll)?)?;
        Ok(scroll)
    }

    /// The dynamics stage over this run's tokens, which are made if there are too few.
    pub fn dynamics_stage(&self, clips: usize, recorded_only: bool) -> Result<DynamicsStage> {
        let bound = bindings(&self.actions(recorded_only)?, &self.source.info().actions)?;
        let scroll = self.scroll(recorded_only)?;
        let (shape, [rows, columns]) = (self.dynamics_shape(&scroll), self.preset.design.window);
        let (grid_w, grid_h) = (shape.frame.grid_w(), shape.frame.grid_h());
        ensure!(
            grid_h.is_multiple_of(rows) && grid_w.is_multiple_of(columns),
            "windows of {columns}x{rows} tokens do not divide a frame of {grid_w}x{grid_h}"
        );
        ensure!(!shape.frame.look || [rows, columns] == [1, 1], "windows of {columns}x{rows} tokens have no place for the token of a look");
        let clips_of = |name, first, count| self.token_clips(name, first, count, recorded_only, &bound, &scroll).map(Arc::new);
        let clips = clips_of("tokens", 0, clips)?;
        let land_turns = clips.land_turns(self.preset.dynamics_frames);
        println!("{} steps into another land by themselves", land_turns.len());
        let held_out = clips_of("held_out", HELD_OUT + 50_000, HELD_OUT_CLIPS)?;
        Ok(DynamicsStage {
            changes: clips.word_changes(),
            land_turns,
            clips,
            held_out,
            looks: Looks::read(&self.folder.join(LOOKS))?.filter(|_| shape.frame.look).unwrap_or_default(),
            preset: self.preset.clone(),
            shape,
            seed: self.info.seed,
            bindings: bound,
            motions: scroll.motions,
            recorded_only,
        })
    }

    pub fn train_dynamics(&self, budget: Budget, clips: usize, recorded_only: bool) -> Result<()> {
        let stage = Arc::new(self.dynamics_stage(clips, recorded_only)?);
        let start = self.start(stage.as_ref(), "dyn")?;
        training::train(stage, &self.settings(budget), start).map(|_| ())
    }

    /// Clips `first..first + count` as tokens, from their file if it holds them already.
    fn token_clips(
        &self,
        name: &str,
        first: u64,
        count: usize,
        recorded_only: bool,
        bindings: &[u8],
        scroll: &Scroll,
    ) -> Result<TokenClips> {
        let path = self.folder.join(format!("{name}.safetensors"));
        let tokenizer = self.tokenizer()?.0;
        let made_by = token_maker(&params::collect("tok", &tokenizer)?, bindings, scroll)?;
        if path.exists() {
            let kept = TokenClips::read(&path)?;
            ensure!(
                [0, made_by].contains(&kept.made_by),
                "{} holds tokens of another tokenizer or of other latent actions; remove it to have clips encoded again",
                path.display()
            );
            if kept.clips >= count {
                return Ok(kept);
            }
        }
        let lam = if recorded_only { None } else { Some(self.lam()?) };
        let frame = self.preset.frame(self.source.info());
        let mut tokens = TokenClips::new(TOKEN_CLIP_FRAMES, frame.code_bytes(), self.preset.dynamics.prompt_words);
        let started = Instant::now();
        let bar = indicatif::ProgressBar::new(count as u64);
        bar.set_style(indicatif::ProgressStyle::with_template("{prefix:>10} {bar:30} {pos}/{len} clips, {eta} left")?);
        bar.set_prefix(name.to_owned());
        let clip_of = |number: u64| {
            let mood = if number.is_multiple_of(RESTLESS_EVERY) { Mood::Restless } else { Mood::Lively };
            if frame.look {
                return self.source.bared(number, TOKEN_CLIP_FRAMES, mood);
            }
            self.source.clip(number, TOKEN_CLIP_FRAMES, mood).map(|clip| (clip, None))
        };
        let mut scenes = Vec::new();
        let mut elsewhere = land_of(clip_of(first + count as u64)?);
        for number in first..first + count as u64 {
            let (clip, bare) = clip_of(number)?;
            let land = land_of((clip.clone(), bare));
            let looks = self.encode(&tokenizer, &clip.frames)?;
            let under_their_looks = |mut codes: Vec<u8>| {
                let of_land = frame.patches() * frame.code_dims;
                for (codes, look) in codes.chunks_exact_mut(frame.code_bytes()).zip(looks.chunks_exact(frame.code_bytes())) {
                    codes[of_land..].copy_from_slice(&look[of_land..]);
                }
                codes
            };
            tokens.codes.extend(under_their_looks(self.encode(&tokenizer, &land.frames)?));
            tokens.recorded.extend(clip.actions.iter().map(|action| action.unwrap_or(NONE)));
            let inferred = match &lam {
                Some((stage, model, _)) => stage.codes(model, &clip, &self.device)?,
                None => vec![None; clip.len()],
            };
            let bound = |action: Option<u8>| action.map(|action| bindings[usize::from(action)]);
            let codes: Vec<Option<u8>> = clip.actions.iter().zip(&inferred).map(|(action, code)| bound(*action).or(*code)).collect();
            let views = views(&land, &codes, &frame, scroll);
            let mut dice = Dice::new(self.info.seed, mix(number, 1));
            // On bare land a blot stays as it is, whatever light falls on it.
            let turns = |t| !frame.look && look_turns(&clip.scenes, t);
            let blotted = blots::blotted(&land, &elsewhere, &views, turns, &frame, scroll, &mut dice);
            tokens.blotted.extend(under_their_looks(self.encode(&tokenizer, &blotted)?));
            tokens.views.extend(views);
            tokens.inferred.extend(inferred.into_iter().map(|code| code.unwrap_or(NONE)));
            for (prompt, caption) in clip.prompts.iter().zip(&clip.captions) {
                let said = if prompt.is_empty() { &caption.join(" ") } else { prompt };
                tokens.words.extend(word_ids(said, tokens.words_per_frame));
            }
            for (frame, scene) in (0..).zip(&clip.scenes) {
                let seed = mix(number, frame);
                match scene {
                    Some(scene) => tokens.described.extend(word_ids(&words::description(scene, seed), tokens.words_per_frame)),
                    // Nobody knows what a recording shows beyond what is said of it.
                    None => tokens.described.extend_from_slice(&tokens.words[tokens.described.len()..][..tokens.words_per_frame]),
                }
            }
            tokens.clips += 1;
            let number = tokens.clips - 1;
            let turns = untold(&clip.scenes, |frame| tokens.words_change(number, frame));
            tokens.untold.extend(turns);
            scenes.extend(clip.scenes);
            elsewhere = land;
            bar.inc(1);
            if self.stop.load(std::sync::atomic::Ordering::Relaxed) {
                bail!("stopped while encoding clips");
            }
        }
        bar.finish_and_clear();
        if frame.look {
            let known = self.looks(&params::collect("tok", &tokenizer)?)?;
            let looks = looks::settle(&mut tokens, &scenes, frame.code_dims, known);
            looks.write(&self.folder.join(LOOKS))?;
            println!("{name}: {} looks", looks.len());
        }
        println!("{name}: {} clips of {TOKEN_CLIP_FRAMES} frames encoded in {:.0} s", tokens.clips, started.elapsed().as_secs_f64());
        tokens.made_by = made_by;
        tokens.write(&path)?;
        Ok(tokens)
    }

    /// Tokens of looks: those of this run, or of the pack it goes on from where that has the same encoder. A dynamics that goes on need not unlearn them.
    pub fn looks(&self, tokenizer: &BTreeMap<String, Values>) -> Result<Looks> {
        let of_pack = || self.pack_of_same_tokens(tokenizer).map(|pack| Looks(pack.manifest.provenance.looks.clone()));
        Ok(Looks::read(&self.folder.join(LOOKS))?.or_else(of_pack).unwrap_or_default())
    }

    /// The pack of `--from` where its encoder is this one: what its tokens say is known.
    pub fn pack_of_same_tokens(&self, tokenizer: &BTreeMap<String, Values>) -> Option<&Pack> {
        self.from.as_ref().filter(|pack| has_encoder(pack, tokenizer))
    }

    /// Codes of pictures `(T, height_px, width_px, RGB)`: `(T, N, D)`.
    pub fn encode(&self, tokenizer: &Tokenizer, pictures: &[u8]) -> Result<Vec<u8>> {
        let frame = self.preset.frame(self.source.info());
        tokenizer.encode_distinct(DistinctPatches::of(pictures, &frame), &frame, &self.device)
    }
}

/// A clip as its land is drawn bare, or as it is where nobody can draw it so.
fn land_of((clip, bare): (Clip, Option<Bare>)) -> Clip {
    Clip { frames: bare.unwrap_or_else(|| clip.frames.clone()), ..clip }
}

/// Where the view is in every frame of a clip, in steps from the first, `(frames, 2)`; `codes` led into each.
fn views(clip: &Clip, codes: &[Option<u8>], frame: &FrameDims, scroll: &Scroll) -> Vec<i16> {
    let mut view = [0; 2];
    let mut odometer = scroll.recall.as_ref().map(|recall| Odometer::<3>::new(frame, recall));
    let mut views = Vec::with_capacity(2 * clip.len());
    for (t, code) in codes.iter().enumerate() {
        let motion = code.map_or([0, 0], |code| scroll.motions[usize::from(code)]);
        if let Some(odometer) = &mut odometer
            && t > 0
            && odometer.moved(clip.frame(t - 1), clip.frame(t), motion)
        {
            view = [view[0] + motion[0], view[1] + motion[1]];
        }
        views.extend(view.map(|steps| steps as i16));
    }
    views
}

/// Every float tensor of a pack by name.
pub fn pack_values(pack: &Pack) -> BTreeMap<String, Values> {
    pack.tensors.iter().map(|(name, tensor)| (name.clone(), (tensor.shape.clone(), tensor.f32s()))).collect()
}

/// Checksum of what makes tokens of clips: the encoder as a pack has it, the codes that recorded actions are bound to, and how the view goes under each.
fn token_maker(tokenizer: &BTreeMap<String, Values>, bindings: &[u8], scroll: &Scroll) -> Result<u64> {
    let encoder = tokenizer.iter().filter(|(name, _)| name.starts_with("tok.enc."));
    let numbers = encoder.flat_map(|(_, (_, values))| params::rounded(values)).flat_map(f32::to_le_bytes);
    let actions = serde_json::to_vec(&(bindings, scroll))?;
    Ok(numbers.chain(actions).fold(checksum::of(b""), |sum, byte| checksum::go_on(sum, &[byte])))
}

/// Whether the pack's tokens are those of this tokenizer: its encoder is the same.
pub fn has_encoder(pack: &Pack, tokenizer: &BTreeMap<String, Values>) -> bool {
    let mut encoder = tokenizer.iter().filter(|(name, _)| name.starts_with("tok.enc."));
    encoder.all(|(name, (_, ours))| pack.tensors.get(name).is_some_and(|theirs| theirs.f32s() == params::rounded(ours)))
}
