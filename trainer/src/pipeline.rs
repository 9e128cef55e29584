//! A run: the folder where one world is trained, stage by stage, and the way from its checkpoints to a pack.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result, bail, ensure};
use burn::module::Module;
use burn::tensor::Device;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use somnium::clips::Clip;
use somnium::pack::Pack;
use somnium::pack::manifest::{DynamicsDims, FrameDims, LatentAction};
use somnium::whole_file;
use somnium::worlds::scene::Feature;

use crate::backend::Backend;
use crate::encoding::Shelf;
use crate::grow;
use crate::looks::Looks;
use crate::model::dynamics::DynShape;
use crate::model::lam::Lam;
use crate::model::tokenizer::Tokenizer;
use crate::params::{self, Values};
use crate::patches::DistinctPatches;
use crate::preset::{self, Preset};
use crate::recordings::{FolderSource, RECORDING_RATE_HZ};
use crate::scroll::{self, Scroll};
use crate::source::{ClipSource, Mood, WorldSource};
use crate::stages::dynamics::{DynamicsStage, bindings};
use crate::stages::lam::{LamStage, UNASKED_PRICE};
use crate::stages::naming;
use crate::stages::tokenizer::TokenizerStage;
use crate::tokens::TokenClips;
use crate::training::{self, Budget, Settings, Stage};

/// File of a run's looks.
pub const LOOKS: &str = "looks.json";
/// File of what a run was started with.
const INFO: &str = "run.json";
/// Clips that the dynamics is trained on where nobody says how many.
const TOKEN_CLIPS: usize = 1500;
const HELD_OUT_CLIPS: usize = 24;
/// Clips and frames of each that the way a world scrolls is read off.
const SCROLL_CLIPS: u64 = 16;
const SCROLL_FRAMES: usize = 48;

/// What a run was started with. Kept in its folder, so that later stages and resumed ones agree.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunInfo {
    pub preset: String,
    /// Simulator the clips come from, unless recordings do.
    pub world: String,
    /// Folder of recordings, of a new run as [`canonical`] has it, and their frames a second.
    pub clips: Option<PathBuf>,
    pub clips_hz: u32,
    pub seed: u64,
    /// Pack that a run of recordings began from where it has a look, or another such pack that was named later, as [`canonical`] has it:
    /// without it their frames have none.
    #[serde(default)]
    pub from: Option<PathBuf>,
    /// Clips to train the dynamics on, at least, where it was said how many.
    #[serde(default)]
    pub token_clips: Option<usize>,
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
    /// Held while something is trained here.
    lock: Option<File>,
}

impl Default for RunInfo {
    fn default() -> Self {
        Self {
            preset: "pocket".to_owned(),
            world: "isles".to_owned(),
            clips: None,
            clips_hz: RECORDING_RATE_HZ,
            seed: 1,
            from: None,
            token_clips: None,
        }
    }
}

impl RunInfo {
    /// What the run of a folder was started with; `None` where there is no run yet.
    pub fn of(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join(INFO);
        if !path.exists() {
            return Ok(None);
        }
        read_json(&path).map(Some)
    }

    /// Whether both say the same; a folder may be written in several ways. Another pack may be named, and another number of clips.
    fn agrees(&self, other: &Self) -> bool {
        let plain = |info: &Self| Self { clips: info.clips.as_deref().map(canonical), from: None, token_clips: None, ..info.clone() };
        plain(self) == plain(other)
    }

    /// The options that say so, each with its value.
    pub fn options(&self) -> Vec<[String; 2]> {
        let option = |name: &str, value: String| [name.to_owned(), value];
        let source = match &self.clips {
            Some(clips) => vec![option("--clips", clips.display().to_string()), option("--hz", self.clips_hz.to_string())],
            None => vec![option("--world", self.world.clone())],
        };
        let from: Vec<[String; 2]> = self.from.iter().map(|from| option("--from", from.display().to_string())).collect();
        [vec![option("--preset", self.preset.clone())], source, vec![option("--seed", self.seed.to_string())], from].concat()
    }
}

impl Run {
    /// Opens a run folder, or starts one.
    pub fn open(folder: &Path, info: RunInfo, backend: Backend, from: Option<Pack>, stop: Arc<AtomicBool>) -> Result<Self> {
        let known = RunInfo::of(folder)?;
        if let Some(known) = &known {
            ensure!(
                known.agrees(&info),
                "{} was started with {}; leave that out, pass the same, or name another --run",
                folder.display(),
                known.options().as_flattened().join(" ")
            );
        }
        let mut preset = preset::by_name(&info.preset)?;
        // Nothing teaches what a look is where no simulator shows the same land under another one: a token of it would only unsettle all others.
        preset.look &= info.clips.is_none() || from.as_ref().is_some_and(|pack| pack.manifest.frame.look);
        let source: Arc<dyn ClipSource> = match &info.clips {
            Some(clips) => Arc::new(FolderSource::open(clips, info.clips_hz)?),
            None => Arc::new(WorldSource::new(&info.world, info.seed)?),
        };
        let (folder, device) = (folder.to_owned(), backend.device()?);
        // Whatever was wrong with the command is not kept.
        let with_a_look = info.from.clone().filter(|_| info.clips.is_some() && preset.look);
        let info = match &known {
            Some(known) => {
                let named = with_a_look.filter(|_| known.from.is_some());
                RunInfo { from: named.or_else(|| known.from.clone()), ..known.clone() }
            }
            None => {
                fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
                RunInfo { from: with_a_look, ..info }
            }
        };
        if known.as_ref() != Some(&info) {
            write_json(&folder.join(INFO), &info)?;
        }
        Ok(Self { folder, preset, source, backend, device, stop, from, session_steps: None, rate: None, lock: None, info })
    }

    /// Keeps the run's folder to this process until the run is dropped.
    ///
    /// # Errors
    /// Where another one trains there.
    pub fn lock(&mut self) -> Result<()> {
        let file = File::create(self.folder.join("lock")).with_context(|| format!("cannot write to {}", self.folder.display()))?;
        match file.try_lock() {
            Ok(()) => self.lock = Some(file),
            Err(TryLockError::WouldBlock) => bail!("another training is under way in {}", self.folder.display()),
            // A file system that knows no locks.
            Err(TryLockError::Error(e)) => log::warn!("{} cannot be kept from other trainings: {e}", self.folder.display()),
        }
        Ok(())
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

    /// Trains the tokenizer. Gives whether its budget is used up.
    pub fn train_tokenizer(&self, budget: Budget, codes_stay: bool) -> Result<bool> {
        let mut stage = TokenizerStage { codes_stay, ..TokenizerStage::new(self.source.clone(), self.preset.clone()) };
        stage.covered = self.covered(&stage.frame)?;
        if let Some(pack) = self.narrower() {
            let narrow = Tokenizer::new(&pack.manifest.frame, &self.preset.tokenizer, &self.device);
            stage.held = Some(params::replace("tok", narrow, &pack_values(pack), &self.device)?);
        }
        let encoder = || self.tokenizer().and_then(|(tokenizer, _)| params::collect("tok", &tokenizer));
        let before = encoder().ok();
        if codes_stay {
            stage.looks = self.looks(&encoder()?)?;
            stage.weigh_by_rarity()?;
            println!("{} looks are drawn from their tokens", stage.looks.len());
        }
        let stage = Arc::new(stage);
        let start = self.start(stage.as_ref(), "tok")?;
        let (_, progress) = training::train(stage, &self.settings(budget), start)?;
        if !codes_stay && before != encoder().ok() {
            // Read by another encoder.
            remove(&self.folder.join(LOOKS))?;
        }
        Ok(progress.finished)
    }

    /// Trains the latent action model and names its codes in `lam/actions.json`; names that they got after the same step stay. Gives
    /// whether its budget is used up.
    pub fn train_lam(&self, budget: Budget) -> Result<bool> {
        let stage = Arc::new(self.lam_stage()?);
        let start = self.start(stage.as_ref(), "lam")?;
        let (model, progress) = training::train(stage.clone(), &self.settings(budget), start)?;
        let folder = self.folder.join(LamStage::NAME);
        let (path, named_at) = (folder.join("actions.json"), folder.join("named_at.json"));
        let stay = path.exists() && named_at.exists() && read_json::<u64>(&named_at)? == progress.step;
        let actions = if stay {
            self.actions(false)?
        } else {
            // Codes may mean something else now.
            remove(&self.scroll_path(false))?;
            stage.label(&model, &self.device)?
        };
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
        if !stay {
            write_json(&path, &actions)?;
            write_json(&named_at, &progress.step)?;
        }
        Ok(progress.finished)
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
        let standing_price = if self.source.records_any() { 0.0 } else { UNASKED_PRICE };
        Ok(LamStage { standing_price, source, preset, frame, covered, shares: Mutex::new(shares), seed: self.info.seed })
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
            ensure!(
                self.source.records_any(),
                "no clip records an action: train the latent action model instead of passing --recorded-actions"
            );
            return Ok(self.recorded_actions());
        }
        let path = self.folder.join("lam").join("actions.json");
        match (&self.from, path.exists()) {
            (_, true) => read_json(&path),
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
            dims: DynamicsDims { recall: scroll.recall.clone().filter(|_| self.preset.recall), ..self.preset.dynamics.clone() },
            design: self.preset.design,
        }
    }

    fn scroll_path(&self, recorded_only: bool) -> PathBuf {
        self.folder.join(if recorded_only { "scroll_recorded.json" } else { "scroll.json" })
    }

    /// How the world scrolls under each latent code, or under each recorded action where those stand in for them: as the pack of `--from` says, or read off
    /// clips once and kept.
    pub fn scroll(&self, recorded_only: bool) -> Result<Scroll> {
        let path = self.scroll_path(recorded_only);
        if path.exists() {
            return read_json(&path);
        }
        let known = self.from.as_ref().map(|pack| &pack.manifest).filter(|m| m.lam.is_none() == recorded_only);
        let known = known.filter(|_| recorded_only || !self.folder.join("lam").join("actions.json").exists());
        // A pack that was made to recall nothing does not say how its world scrolls.
        let says = |d: &DynamicsDims| d.recall.is_some() || self.preset.recall;
        let scroll = match known.and_then(|m| m.dynamics.as_ref().filter(|d| says(d)).map(|d| (m, d))) {
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
                let scroll = scroll::measure(&clips, self.preset.dynamics.actions, &self.preset.frame(self.source.info()));
                match &scroll.recall {
                    Some(recall) => println!("the view goes in steps of {} pixels", recall.step_px),
                    None => println!("no action moves the view as far as can be told: dreams will not know again what they left behind"),
                }
                scroll
            }
        };
        write_json(&path, &scroll)?;
        Ok(scroll)
    }

    /// The dynamics stage over this run's tokens. Those of so many clips are made if there are too few; without a number nothing is made to train on.
    pub fn dynamics_stage(&self, clips: Option<usize>, recorded_only: bool) -> Result<DynamicsStage> {
        let bound = bindings(&self.actions(recorded_only)?, &self.source.info().actions, |action| self.source.records(action))?;
        let scroll = self.scroll(recorded_only)?;
        let (shape, [rows, columns]) = (self.dynamics_shape(&scroll), self.preset.design.window);
        let (grid_w, grid_h) = (shape.frame.grid_w(), shape.frame.grid_h());
        ensure!(
            grid_h.is_multiple_of(rows) && grid_w.is_multiple_of(columns),
            "windows of {columns}x{rows} tokens do not divide a frame of {grid_w}x{grid_h}"
        );
        ensure!(!shape.frame.look || [rows, columns] == [1, 1], "windows of {columns}x{rows} tokens have no place for the token of a look");
        let lam = if recorded_only { None } else { Some(self.lam()?) };
        let lam = lam.map(|(stage, model, _)| (stage, model));
        let clips_of = |shelf, count| self.token_clips(shelf, count, lam.as_ref(), &bound, &scroll);
        let clips = match clips {
            Some(count) => clips_of(Shelf::Training, count)?,
            None => self.kept_token_clips(lam.as_ref(), &bound, &scroll)?,
        };
        let land_turns = clips.land_turns(self.preset.dynamics_frames);
        println!("{} steps into another land by themselves", land_turns.len());
        let held_out = clips_of(Shelf::HeldOut, HELD_OUT_CLIPS)?;
        Ok(DynamicsStage {
            meaning: Some(self.meaning_of_tokens(&bound, &scroll)?),
            changes: clips.word_changes(),
            land_turns,
            villages: clips.frames_with(Feature::Village),
            clips: Arc::new(clips),
            held_out: Arc::new(held_out),
            looks: Looks::read(&self.folder.join(LOOKS))?.filter(|_| shape.frame.look).unwrap_or_default(),
            preset: self.preset.clone(),
            shape,
            scrolls: scroll.recall,
            seed: self.info.seed,
            rests: naming::never_seen_rest(&self.actions(recorded_only)?),
            bindings: bound,
            motions: scroll.motions,
            recorded_only,
            captions_are_wishes: self.source.captions_are_wishes(),
        })
    }

    /// Trains the dynamics on so many clips at least, or on as many as before. Gives whether its budget is used up.
    pub fn train_dynamics(&self, budget: Budget, clips: Option<usize>, recorded_only: bool) -> Result<bool> {
        let stage = Arc::new(self.dynamics_stage(Some(self.clips_to_train_on(clips)?), recorded_only)?);
        let start = self.start(stage.as_ref(), "dyn")?;
        training::train(stage, &self.settings(budget), start).map(|(_, progress)| progress.finished)
    }

    /// How many clips to train the dynamics on, at least: as many as are asked for, which is remembered, or as before, or the usual number.
    /// Runs of before remember nothing, but their tokens are there.
    fn clips_to_train_on(&self, asked: Option<usize>) -> Result<usize> {
        if asked.is_some() && asked != self.info.token_clips {
            write_json(&self.folder.join(INFO), &RunInfo { token_clips: asked, ..self.info.clone() })?;
        }
        if let Some(known) = asked.or(self.info.token_clips) {
            return Ok(known);
        }
        let kept = self.shelf_path(Shelf::Training);
        if kept.exists() { Ok(TokenClips::read(&kept)?.clips) } else { Ok(TOKEN_CLIPS) }
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

/// Removes a file that may be there.
pub fn remove(path: &Path) -> Result<()> {
    if !path.exists() {
        return Ok(());
    }
    fs::remove_file(path).with_context(|| format!("cannot remove {}", path.display()))
}

/// Reads a value that [`write_json`] wrote.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let wrong = || format!("{} cannot be read", path.display());
    serde_json::from_slice(&fs::read(path).with_context(wrong)?).with_context(wrong)
}

/// Writes a value as JSON: all of it, or what was there before stays.
pub fn write_json(path: &Path, value: &impl Serialize) -> Result<()> {
    whole_file::write(path, &serde_json::to_vec_pretty(value)?).with_context(|| format!("cannot write {}", path.display()))
}

/// The one way to write the path of a folder; as it is given where that is not there.
pub fn canonical(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// Every float tensor of a pack by name.
pub fn pack_values(pack: &Pack) -> BTreeMap<String, Values> {
    pack.tensors.iter().map(|(name, tensor)| (name.clone(), (tensor.shape.clone(), tensor.f32s()))).collect()
}

/// Whether the pack's tokens are those of this tokenizer: its encoder is the same.
pub fn has_encoder(pack: &Pack, tokenizer: &BTreeMap<String, Values>) -> bool {
    let mut encoder = tokenizer.iter().filter(|(name, _)| name.starts_with("tok.enc."));
    encoder.all(|(name, (_, ours))| pack.tensors.get(name).is_some_and(|theirs| theirs.f32s() == params::rounded(ours)))
}

#[cfg(test)]
mod tests {
    use somnium::pack::random::{look_manifest, odd_manifest, random_pack};

    use super::*;

    fn open(folder: &Path, info: RunInfo, from: Option<Pack>) -> Run {
        let info = RunInfo { preset: "tiny".to_owned(), ..info };
        Run::open(folder, info, Backend::Flex, from, Arc::new(AtomicBool::new(false))).expect("a run")
    }

    #[test]
    fn a_run_remembers_how_many_clips_it_is_trained_on() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let clips = |asked: Option<usize>| {
            let known = RunInfo::of(folder.path()).expect("readable").unwrap_or_default();
            open(folder.path(), known, None).clips_to_train_on(asked).expect("a number")
        };
        assert_eq!([None, Some(2), None, Some(3), None].map(clips), [TOKEN_CLIPS, 2, 2, 3, 3]);
        // Whoever says nothing of it agrees all the same.
        let known = RunInfo::of(folder.path()).expect("readable").expect("a run");
        assert!(known.agrees(&RunInfo { token_clips: None, ..known.clone() }) && !known.agrees(&RunInfo { seed: 2, ..known.clone() }));
        // A run of an older version says nothing of it either.
        let older = r#"{"preset": "tiny", "world": "isles", "clips": null, "clips_hz": 10, "seed": 1}"#;
        fs::write(folder.path().join(INFO), older).expect("written");
        assert_eq!(clips(None), TOKEN_CLIPS);
        // But its tokens are those of so many.
        let mut kept = TokenClips::new(1, 1, 1);
        (kept.clips, kept.codes, kept.blotted, kept.recorded) = (4, vec![0; 4], vec![0; 4], vec![0; 4]);
        (kept.inferred, kept.untold, kept.views) = (vec![0; 4], vec![0; 4], vec![0; 8]);
        (kept.words, kept.described) = (vec![0; 4], vec![0; 4]);
        let path = open(folder.path(), RunInfo::default(), None).shelf_path(Shelf::Training);
        kept.write(&path).expect("written");
        assert_eq!([None, Some(5), None].map(clips), [4, 5, 5]);
    }

    #[test]
    fn recordings_remember_the_pack_whose_look_they_have() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let recordings = folder.path().join("clips");
        fs::create_dir(&recordings).expect("a folder");
        let walk = WorldSource::new("isles", 1).expect("the world exists").clip(1, 96, Mood::Still).expect("a clip");
        walk.save(&recordings.join("walk.clip")).expect("a saved clip");
        let info = RunInfo { clips: Some(recordings), from: Some("a.safetensors".into()), ..RunInfo::default() };
        // What is remembered, and whether frames have a look: in the first session and in the next.
        let sessions = |name: &str, info: &RunInfo, look: bool| {
            let manifest = if look { look_manifest() } else { odd_manifest() };
            let pack = || random_pack(manifest.clone(), 1).expect("a pack");
            let path = folder.path().join(name);
            let first = open(&path, info.clone(), Some(pack())).preset.look;
            let known = RunInfo::of(&path).expect("readable").expect("a run");
            let next = open(&path, RunInfo { from: None, ..info.clone() }, known.from.as_ref().map(|_| pack()));
            assert_eq!(next.info, known);
            (known.from, [first, next.preset.look])
        };
        assert_eq!(sessions("look", &info, true), (info.from.clone(), [true, true]));
        assert_eq!(sessions("plain", &info, false), (None, [false, false]));
        // Frames of a simulator have one by themselves.
        assert_eq!(sessions("isles", &RunInfo { clips: None, ..info.clone() }, true), (None, [true, true]));
        assert!(info.options().contains(&["--from".to_owned(), "a.safetensors".to_owned()]));
        // Another one that is named later is meant from then on, if it has a look and the run began with one.
        let named_later = |name: &str, look: bool| {
            let manifest = if look { look_manifest() } else { odd_manifest() };
            let (path, pack) = (folder.path().join(name), random_pack(manifest, 1).expect("a pack"));
            let other = RunInfo { from: Some("b.safetensors".into()), ..info.clone() };
            let opened = open(&path, other, Some(pack)).info;
            assert_eq!(RunInfo::of(&path).expect("readable"), Some(opened.clone()));
            opened.from
        };
        assert_eq!(named_later("look", false), info.from);
        assert_eq!(named_later("look", true), Some(PathBuf::from("b.safetensors")));
        assert_eq!(named_later("plain", true), None);
    }

    #[test]
    fn codes_keep_their_names_where_no_step_is_taken() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let run = open(folder.path(), RunInfo::default(), None);
        let trained = |steps: u64| run.train_lam(Budget::Steps(steps)).expect("a latent action model");
        trained(1);
        let (names, scroll) = (run.folder.join("lam").join("actions.json"), run.scroll_path(false));
        for path in [&names, &scroll] {
            fs::write(path, "[]").expect("written");
        }
        let names_stay = || fs::read_to_string(&names).expect("names") == "[]";
        trained(1);
        assert!(names_stay() && scroll.exists());
        trained(2);
        assert!(!names_stay() && !scroll.exists());
    }
}
