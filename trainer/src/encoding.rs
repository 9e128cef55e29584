//! Clips to tokens: what the dynamics trains on is encoded once and kept in the run's folder.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use somnium::checksum;
use somnium::clips::Clip;
use somnium::engine::odometer::Odometer;
use somnium::pack::manifest::FrameDims;
use somnium::worlds::scene::Scene;
use somnium::worlds::words;

use crate::blots;
use crate::looks;
use crate::model::lam::Lam;
use crate::model::tokenizer::Tokenizer;
use crate::params::{self, Values};
use crate::pipeline::{LOOKS, Run, remove};
use crate::scroll::Scroll;
use crate::source::{Bare, Dice, HELD_OUT, Mood, mix};
use crate::stages::lam::LamStage;
use crate::tokens::{NONE, TokenClips, look_turns, untold, word_ids};
use crate::training::Stage as _;

/// Frames of a clip that is kept as tokens; training windows are drawn from inside.
pub const TOKEN_CLIP_FRAMES: usize = 96;
/// Of the clips kept as tokens every so many-th is restless: a window of it holds several changes of words.
const RESTLESS_EVERY: u64 = 3;
/// What is encoded so far is written this often, so that a stop loses little.
const KEEP_EVERY: Duration = Duration::from_secs(120);

/// Clips of a run that are kept as tokens.
#[derive(Clone, Copy)]
pub enum Shelf {
    /// What is trained on.
    Training,
    HeldOut,
}

impl Shelf {
    fn name(self) -> &'static str {
        match self {
            Self::Training => "tokens",
            Self::HeldOut => "held_out",
        }
    }

    /// Number of the first clip.
    fn first(self) -> u64 {
        match self {
            Self::Training => 0,
            Self::HeldOut => HELD_OUT + 50_000,
        }
    }
}

/// What makes tokens of clips.
struct Encoder<'a> {
    run: &'a Run,
    tokenizer: Tokenizer,
    /// Absent where recorded actions are all that counts.
    lam: Option<&'a (LamStage, Lam)>,
    frame: FrameDims,
    bindings: &'a [u8],
    scroll: &'a Scroll,
}

impl Run {
    /// The clips to train on as their file has them as tokens, none where there is no file. `lam`: absent where recorded actions are all
    /// that counts.
    ///
    /// # Errors
    /// Where the tokens mean something else by now.
    pub fn kept_token_clips(&self, lam: Option<&(LamStage, Lam)>, bindings: &[u8], scroll: &Scroll) -> Result<TokenClips> {
        let path = self.shelf_path(Shelf::Training);
        if !path.exists() {
            return Ok(self.no_token_clips());
        }
        let encoder = params::collect("tok", &self.tokenizer()?.0)?;
        let kept = TokenClips::read(&path)?;
        ensure!(
            Maker::of(&encoder, lam, bindings, scroll, &self.source.content())?.made(&kept),
            "{} holds tokens of another tokenizer, of other latent actions or of other clips: run `dynamics` again, which encodes the clips anew",
            path.display()
        );
        Ok(kept)
    }

    /// Checksum of what tokens and codes of actions mean to a dynamics, whatever clips they are of.
    pub fn meaning_of_tokens(&self, bindings: &[u8], scroll: &Scroll) -> Result<u64> {
        let encoder = params::collect("tok", &self.tokenizer()?.0)?;
        token_maker(&encoder, None, bindings, scroll, b"")
    }

    /// The first `count` clips of a shelf as tokens, from its file if that holds them already; tokens in it that mean something else by now are made again. Whoever
    /// is stopped meanwhile goes on there. `lam`: absent where recorded actions are all that counts.
    ///
    /// # Errors
    /// On a stop.
    pub fn token_clips(
        &self,
        shelf: Shelf,
        count: usize,
        lam: Option<&(LamStage, Lam)>,
        bindings: &[u8],
        scroll: &Scroll,
    ) -> Result<TokenClips> {
        let path = self.shelf_path(shelf);
        let tokenizer = self.tokenizer()?.0;
        let encoder = params::collect("tok", &tokenizer)?;
        let maker = Maker::of(&encoder, lam, bindings, scroll, &self.source.content())?;
        if path.exists() {
            let mut kept = TokenClips::read(&path)?;
            let current = maker.made(&kept);
            if current && kept.clips >= count {
                if kept.made_by != maker.now {
                    // From now on the file tells what inferred its codes.
                    kept.made_by = maker.now;
                    kept.write(&path)?;
                }
                return Ok(kept);
            }
            if !current {
                println!("{}: tokenizer, latent actions or clips have changed, clips are encoded again", shelf.name());
                if let Shelf::Training = shelf {
                    // Read off the tokens that were there.
                    remove(&self.folder.join(LOOKS))?;
                }
            }
        }
        let frame = self.preset.frame(self.source.info());
        let by = Encoder { run: self, tokenizer, lam, frame, bindings, scroll };
        let started = Instant::now();
        let (mut tokens, scenes) = by.encode_all(shelf, count, maker.now)?;
        if frame.look {
            let looks = looks::settle(&mut tokens, &scenes, frame.code_dims, self.looks(&encoder)?);
            // What is held out is not trained on.
            if let Shelf::Training = shelf {
                looks.write(&self.folder.join(LOOKS))?;
            }
            println!("{}: {} looks", shelf.name(), looks.len());
        }
        let secs = started.elapsed().as_secs_f64();
        println!("{}: {} clips of {TOKEN_CLIP_FRAMES} frames encoded in {secs:.0} s", shelf.name(), tokens.clips);
        tokens.write(&path)?;
        remove(&self.part_path(shelf))?;
        Ok(tokens)
    }

    fn no_token_clips(&self) -> TokenClips {
        TokenClips::new(TOKEN_CLIP_FRAMES, self.preset.frame(self.source.info()).code_bytes(), self.preset.dynamics.prompt_words)
    }

    pub fn shelf_path(&self, shelf: Shelf) -> PathBuf {
        self.folder.join(shelf.name()).with_extension("safetensors")
    }

    /// Where what is encoded so far is kept.
    fn part_path(&self, shelf: Shelf) -> PathBuf {
        self.folder.join(shelf.name()).with_extension("part")
    }
}

impl Encoder<'_> {
    /// Clips of a shelf as they are read, looks not yet settled, and the scene of every frame. Goes on from what was encoded before a stop.
    fn encode_all(&self, shelf: Shelf, count: usize, made_by: u64) -> Result<(TokenClips, Vec<Option<Scene>>)> {
        let part = self.run.part_path(shelf);
        let fresh = || TokenClips { made_by, ..self.run.no_token_clips() };
        let begun =
            if part.exists() { TokenClips::read(&part).ok().filter(|kept| kept.made_by == made_by && kept.clips <= count) } else { None };
        let mut tokens = begun.unwrap_or_else(fresh);
        let bar = indicatif::ProgressBar::new(count as u64);
        bar.set_style(indicatif::ProgressStyle::with_template("{prefix:>10} {bar:30} {pos}/{len} clips, {eta} left")?);
        bar.set_prefix(shelf.name());
        let first = shelf.first();
        let mut scenes = Vec::new();
        let mut elsewhere = land_of(self.clip(first + count as u64)?);
        // What is seen in clips is not kept with their tokens, and the next one's blots come from the last.
        for number in first..first + tokens.clips as u64 {
            let land = land_of(self.clip(number)?);
            scenes.extend_from_slice(&land.scenes);
            elsewhere = land;
            bar.inc(1);
        }
        bar.reset_eta();
        let mut last_kept = Instant::now();
        for number in first + tokens.clips as u64..first + count as u64 {
            let stopped = self.run.stop.load(Ordering::Relaxed);
            if stopped || last_kept.elapsed() > KEEP_EVERY {
                tokens.write(&part)?;
                last_kept = Instant::now();
            }
            if stopped {
                bail!("stopped after {} of {count} clips; the same command goes on from there", tokens.clips);
            }
            let (clip, bare) = self.clip(number)?;
            let land = land_of((clip.clone(), bare));
            self.encode(&clip, &land, &elsewhere, number, &mut tokens)?;
            scenes.extend(clip.scenes);
            elsewhere = land;
            bar.inc(1);
        }
        bar.finish_and_clear();
        Ok((tokens, scenes))
    }

    fn clip(&self, number: u64) -> Result<(Clip, Option<Bare>)> {
        let mood = if number.is_multiple_of(RESTLESS_EVERY) { Mood::Restless } else { Mood::Lively };
        let source = &self.run.source;
        if self.frame.look {
            source.bared(number, TOKEN_CLIP_FRAMES, mood)
        } else {
            Ok((source.clip(number, TOKEN_CLIP_FRAMES, mood)?, None))
        }
    }

    /// Appends a clip, whose land is drawn bare in `land`; blots of it come from `elsewhere`.
    fn encode(&self, clip: &Clip, land: &Clip, elsewhere: &Clip, number: u64, tokens: &mut TokenClips) -> Result<()> {
        let Self { run, tokenizer, frame, bindings, scroll, .. } = self;
        let looks = run.encode(tokenizer, &clip.frames)?;
        let under_their_looks = |mut codes: Vec<u8>| {
            let of_land = frame.patches() * frame.code_dims;
            for (codes, look) in codes.chunks_exact_mut(frame.code_bytes()).zip(looks.chunks_exact(frame.code_bytes())) {
                codes[of_land..].copy_from_slice(&look[of_land..]);
            }
            codes
        };
        tokens.codes.extend(under_their_looks(run.encode(tokenizer, &land.frames)?));
        tokens.recorded.extend(clip.actions.iter().map(|action| action.unwrap_or(NONE)));
        let inferred = match self.lam {
            Some((stage, model)) => stage.codes(model, clip, &run.device)?,
            None => vec![None; clip.len()],
        };
        let bound = |action: Option<u8>| action.map(|action| bindings[usize::from(action)]);
        let codes: Vec<Option<u8>> = clip.actions.iter().zip(&inferred).map(|(action, code)| bound(*action).or(*code)).collect();
        let views = views(land, &codes, frame, scroll);
        let mut dice = Dice::new(run.info.seed, mix(number, 1));
        // On bare land a blot stays as it is, whatever light falls on it.
        let turns = |t| !frame.look && look_turns(&clip.scenes, t);
        let blotted = blots::blotted(land, elsewhere, &views, turns, frame, scroll, &mut dice);
        tokens.blotted.extend(under_their_looks(run.encode(tokenizer, &blotted)?));
        tokens.views.extend(views);
        tokens.inferred.extend(inferred.into_iter().map(|code| code.unwrap_or(NONE)));
        for prompt in &clip.prompts {
            tokens.words.extend(word_ids(prompt, tokens.words_per_frame));
        }
        for (frame, scene) in (0..).zip(&clip.scenes) {
            match scene {
                Some(scene) => tokens.described.extend(word_ids(&words::description(scene, mix(number, frame)), tokens.words_per_frame)),
                // Nobody knows what a recording shows beyond what is said of it.
                None => tokens.described.extend_from_slice(&tokens.words[tokens.described.len()..][..tokens.words_per_frame]),
            }
        }
        tokens.clips += 1;
        let clip_of_tokens = tokens.clips - 1;
        let turns = untold(&clip.scenes, |frame| tokens.words_change(clip_of_tokens, frame));
        tokens.untold.extend(turns);
        Ok(())
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

/// Checksums of what makes a run's tokens: as files have it, and as those of before have it, which leaves out what infers codes.
struct Maker {
    now: u64,
    before: u64,
}

impl Maker {
    fn of(
        tokenizer: &BTreeMap<String, Values>,
        lam: Option<&(LamStage, Lam)>,
        bindings: &[u8],
        scroll: &Scroll,
        clips: &[u8],
    ) -> Result<Self> {
        let by = |lam| token_maker(tokenizer, lam, bindings, scroll, clips);
        Ok(Self { now: by(lam)?, before: by(None)? })
    }

    /// Whether these tokens are made by it. Files of today have the checksum of before where no codes were inferred, and nowhere else.
    fn made(&self, kept: &TokenClips) -> bool {
        let some_inferred = || kept.inferred.iter().any(|code| *code != NONE);
        kept.made_by == self.now || (kept.made_by == self.before && some_inferred())
    }
}

/// Checksum of what makes tokens of clips: the encoder as a pack has it, the codes that recorded actions are bound to, how the view goes
/// under each, the clips where they are files, and what infers codes where any are inferred.
fn token_maker(
    tokenizer: &BTreeMap<String, Values>,
    lam: Option<&(LamStage, Lam)>,
    bindings: &[u8],
    scroll: &Scroll,
    clips: &[u8],
) -> Result<u64> {
    let encoder = tokenizer.iter().filter(|(name, _)| name.starts_with("tok.enc."));
    let numbers = encoder.flat_map(|(_, (_, values))| params::rounded(values)).flat_map(f32::to_le_bytes);
    let actions = serde_json::to_vec(&(bindings, scroll))?;
    let inferring = lam.map_or(Ok(Vec::new()), |(stage, model)| inference(stage, model))?;
    let bytes = numbers.chain(actions).chain(clips.iter().copied()).chain(inferring);
    Ok(bytes.fold(checksum::of(b""), |sum, byte| checksum::go_on(sum, &[byte])))
}

/// What inferred codes depend on: the latent action model as a pack has it, and the shares that make the prices of codes.
fn inference(stage: &LamStage, model: &Lam) -> Result<Vec<u8>> {
    let weights = params::collect("lam", model)?;
    let numbers = weights.values().flat_map(|(_, values)| params::rounded(values)).chain(stage.state());
    Ok(numbers.flat_map(f32::to_le_bytes).collect())
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::atomic::AtomicBool;
    use std::sync::{Arc, Mutex};

    use burn::tensor::Device;

    use super::*;
    use crate::backend::Backend;
    use crate::pipeline::RunInfo;
    use crate::preset;
    use crate::recordings::FolderSource;
    use crate::source::{ClipSource, SourceInfo, WorldSource};
    use crate::training::Budget;

    /// A simulator during whose clip `at` somebody asks for a stop.
    struct Stopped {
        world: WorldSource,
        at: u64,
        stop: Arc<AtomicBool>,
    }

    impl ClipSource for Stopped {
        fn info(&self) -> &SourceInfo {
            self.world.info()
        }

        fn clip(&self, number: u64, frames: usize, mood: Mood) -> Result<Clip> {
            self.world.clip(number, frames, mood)
        }

        fn under_look(&self, number: u64, frames: usize, look: u64) -> Result<Option<(Clip, Bare)>> {
            self.world.under_look(number, frames, look)
        }

        fn bared(&self, number: u64, frames: usize, mood: Mood) -> Result<(Clip, Option<Bare>)> {
            self.stop.fetch_or(number == self.at, Ordering::Relaxed);
            self.world.bared(number, frames, mood)
        }
    }

    fn begun(folder: &Path, seed: u64) -> Run {
        let info = RunInfo { preset: "tiny".to_owned(), seed, ..RunInfo::default() };
        let run = Run::open(folder, info, Backend::Flex, None, Arc::new(AtomicBool::new(false))).expect("a run");
        run.train_tokenizer(Budget::Steps(1), false).expect("a tokenizer");
        run
    }

    #[test]
    fn whoever_is_stopped_while_encoding_goes_on_there() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (mut run, other) = (begun(&folder.path().join("run"), 1), begun(&folder.path().join("other"), 2));
        let (bindings, scroll) = ([0, 1, 2, 3, 4], Scroll { recall: None, motions: vec![[0, 0]; 8] });
        let encoded = |run: &Run| run.token_clips(Shelf::Training, 3, None, &bindings, &scroll);
        // The same tokenizer twice: chances of the backend are one stream for all tests, so that two trainings differ.
        let whole = encoded(&run).expect("tokens");
        remove(&run.shelf_path(Shelf::Training)).expect("tokens are there");
        remove(&run.folder.join(LOOKS)).expect("looks are there");
        let world = run.source.clone();
        run.source = Arc::new(Stopped { world: WorldSource::new("isles", 1).expect("the world exists"), at: 1, stop: run.stop.clone() });
        let why = encoded(&run).expect_err("a stop").to_string();
        assert!(why.contains("stopped after 2 of 3"), "{why}");
        assert!(run.part_path(Shelf::Training).exists());
        run.source = world;
        run.stop.store(false, Ordering::Relaxed);
        assert!(encoded(&run).expect("tokens") == whole && !run.part_path(Shelf::Training).exists());
        assert!(whole.codes != encoded(&other).expect("tokens").codes, "another seed has others");
    }

    #[test]
    fn one_more_recording_makes_other_clips_whose_tokens_mean_the_same() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut run = begun(&folder.path().join("run"), 1);
        let encoder = params::collect("tok", &run.tokenizer().expect("a tokenizer").0).expect("weights");
        let (bindings, scroll) = ([0, 1, 2, 3, 4], Scroll { recall: None, motions: vec![[0, 0]; 8] });
        let (world, clips) = (WorldSource::new("isles", 1).expect("the world exists"), folder.path().join("clips"));
        std::fs::create_dir(&clips).expect("a folder");
        let [one, two] = [1, 2].map(|number| {
            let clip = world.clip(number, TOKEN_CLIP_FRAMES, Mood::Still).expect("a clip");
            clip.save(&clips.join(format!("{number}.clip"))).expect("a saved clip");
            run.source = Arc::new(FolderSource::open(&clips, 10).expect("a folder of clips"));
            let maker = Maker::of(&encoder, None, &bindings, &scroll, &run.source.content()).expect("checksums");
            (maker.now, run.meaning_of_tokens(&bindings, &scroll).expect("a checksum"))
        });
        assert!(one.0 != two.0 && one.1 == two.1);
        // The control: keys that mean something else.
        assert_ne!(run.meaning_of_tokens(&[1, 0, 2, 3, 4], &scroll).expect("a checksum"), one.1);
    }

    #[test]
    fn tokens_are_made_by_what_infers_actions_where_any_are_inferred() {
        let preset = preset::by_name("tiny").expect("the preset exists");
        let source = Arc::new(WorldSource::new("isles", 1).expect("the world exists"));
        let (frame, dims) = (preset.frame(source.info()), preset.lam);
        let shares = Mutex::new(vec![0.125; 8]);
        let stage = LamStage { source, preset, frame, covered: Vec::new(), shares, standing_price: 0.0, seed: 1 };
        let model = || Lam::new(&frame, &dims, &Device::flex());
        let (scroll, bindings) = (Scroll { recall: None, motions: vec![[0, 0]; 8] }, [0, 1, 2, 3, 4]);
        let tokenizer: BTreeMap<String, Values> =
            [("tok.dec.w", 0.25f32), ("tok.enc.w", 0.5)].map(|(name, value)| (name.to_owned(), (vec![1], vec![value]))).into();
        let made_by = |lam: Option<&(LamStage, Lam)>| token_maker(&tokenizer, lam, &bindings, &scroll, b"clips").expect("a checksum");
        // As it always was where none are: clips are not encoded again.
        let actions = serde_json::to_vec(&(&bindings[..], &scroll)).expect("JSON");
        assert_eq!(made_by(None), checksum::of(&[&0.5f32.to_le_bytes()[..], &actions, b"clips"].concat()));
        let mut lam = (stage, model());
        let first = made_by(Some(&lam));
        assert!(first == made_by(Some(&lam)) && first != made_by(None));
        // A file of before has the checksum without it, and so has one of today whose codes were not inferred.
        let maker = Maker::of(&tokenizer, Some(&lam), &bindings, &scroll, b"clips").expect("checksums");
        let made = |made_by, code| maker.made(&TokenClips { made_by, inferred: vec![NONE, code], ..TokenClips::new(2, 1, 1) });
        assert!(made(first, 3) && made(first, NONE) && made(made_by(None), 3));
        assert!(!made(made_by(None), NONE) && !made(first ^ 1, 3));
        // Another share is another price.
        *lam.0.shares.lock().expect("nobody else") = vec![0.25; 8];
        let dearer = made_by(Some(&lam));
        lam.1 = model();
        assert!(dearer != first && made_by(Some(&lam)) != dearer);
    }
}
