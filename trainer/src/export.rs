//! From a run's checkpoints to a world pack, with the parity clip every engine must reproduce.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use somnium::pack::manifest::{FORMAT_VERSION, LatentAction, Manifest, ParityInfo, Provenance};
use somnium::pack::{Pack, PackTensor};
use somnium::prompt::{self, WordTable};

use crate::grow;
use crate::lands;
use crate::model::dynamics::Design;
use crate::params::{self, Values};
use crate::pipeline::{Run, RunInfo, has_encoder, pack_values};
use crate::relief;
use crate::source::{HELD_OUT, Mood};
use crate::stages::dynamics::DynamicsStage;
use crate::stages::lam::LamStage;
use crate::stages::tokenizer::TokenizerStage;
use crate::tokens::{NO_WORD, NONE, word_ids};
use crate::training::{self, Stage};
use crate::vocabulary;

/// Frames of the parity clip beyond two windows.
const PARITY_EXTRA_FRAMES: usize = 4;
const PARITY_CLIP: u64 = HELD_OUT + 90_000;
/// Licence of what the built-in simulators show, and what stands in its place where nobody knows whose pictures were recorded.
const LICENCE: &str = "MIT OR Apache-2.0";
const NO_LICENCE: &str = "not stated";

/// Weights to take a mean with: what two trainings from the same weights on make of them differs by chance, and their mean by less (model
/// soups, Wortsman et al. 2022).
pub struct Mix {
    pub pack: Pack,
    /// How much of the mean is the pack's, 0 to 1.
    pub share: f32,
}

impl Mix {
    /// `values` of a dynamics, each the mean with the pack's; blocks that it does not have do nothing there.
    fn blend(&self, values: &mut BTreeMap<String, Values>, tokenizer: &BTreeMap<String, Values>) -> Result<()> {
        let theirs = grow::parts(pack_values(&self.pack), values);
        ensure!(has_encoder(&self.pack, tokenizer), "the pack to mix with has another tokenizer: its dynamics speaks of other tokens");
        for (name, (shape, ours)) in values {
            let (_, theirs) = theirs
                .get(name)
                .filter(|theirs| theirs.0 == *shape)
                .with_context(|| format!("the pack to mix with has no {name} of shape {shape:?}"))?;
            ours.iter_mut().zip(theirs).for_each(|(ours, theirs)| *ours += (theirs - *ours) * self.share);
        }
        Ok(())
    }
}

/// Writes the best this run has: the tokenizer, and latent actions and dynamics where they are trained.
pub fn export(run: &Run, name: &str, licence: Option<&str>, recorded_only: bool, mix: Option<&Mix>, path: &Path) -> Result<Pack> {
    let (tokenizer, tokenizer_secs) = run.tokenizer()?;
    let mut trained_secs = tokenizer_secs + run.from.as_ref().map_or(0.0, |pack| pack.manifest.provenance.trained_secs);
    let tokens = params::collect("tok", &tokenizer)?;
    let mut values = tokens.clone();
    let of_pack = |has: fn(&Pack) -> bool| run.from.as_ref().is_some_and(has);
    let has_lam = training::is_begun(&run.folder, LamStage::NAME) || of_pack(|pack| pack.manifest.lam.is_some());
    let lam = has_lam.then(|| run.lam()).transpose()?;
    if let Some((_, lam, secs)) = &lam {
        values.extend(params::collect("lam", lam)?);
        trained_secs += secs;
    }
    // The pack's dynamics knows the pack's tokens alone.
    let of_its_tokens = !training::is_begun(&run.folder, TokenizerStage::NAME) || run.pack_of_same_tokens(&tokens).is_some();
    let has_dynamics =
        training::is_begun(&run.folder, DynamicsStage::NAME) || (of_its_tokens && of_pack(|pack| pack.manifest.dynamics.is_some()));
    if !of_its_tokens && !has_dynamics {
        println!(
            "without a dynamics: the pack's own knows other tokens than this run's tokenizer makes; train `dynamics` for a world that dreams"
        );
    }
    ensure!(mix.is_none() || has_dynamics, "there is no dynamics of this run to mix with another pack's");
    let stage = if has_dynamics { Some(run.dynamics_stage(None, recorded_only)?) } else { None };
    if let Some(stage) = &stage {
        ensure!(
            stage.shape.design == Design::default(),
            "the preset {} is there to be compared while training; no engine plays it",
            run.info.preset
        );
        let (dynamics, secs) = run.trained(stage, "dyn")?;
        let mut weights = params::collect("dyn", &dynamics)?;
        if let Some(mix) = mix {
            mix.blend(&mut weights, &tokens)?;
        }
        values.extend(weights);
        trained_secs += secs;
    }
    let mut tensors: BTreeMap<String, PackTensor> =
        values.iter().map(|(name, (shape, values))| (name.clone(), PackTensor::from_f32s_as_f16(shape, values))).collect();
    let mut dynamics = stage.as_ref().map(|stage| stage.shape.dims.clone());
    if let Some(dims) = &mut dynamics {
        vocabulary::add(run, &tokens, mix.map(|mix| &mix.pack), dims, &mut tensors)?;
    }
    let parity = match &stage {
        Some(stage) => Some(add_parity(run, stage, values, &mut tensors)?),
        None => None,
    };
    let info = run.source.info();
    let manifest = Manifest {
        format_version: FORMAT_VERSION,
        name: name.to_owned(),
        licence: licence.unwrap_or(if run.info.clips.is_some() { NO_LICENCE } else { LICENCE }).to_owned(),
        provenance: Provenance {
            world: run.info.clips.is_none().then(|| info.name.clone()),
            data: match &run.info.clips {
                Some(_) => "recordings".to_owned(),
                None => format!("clips of the simulator {:?}, seed {}, exploring policy", info.name, run.info.seed),
            },
            command: command(std::env::args().skip(1).collect(), &run.info),
            commit: commit(),
            hardware: format!("{}, {}", processor(), run.backend.label()),
            trained_secs,
            looks: run.looks(&tokens)?.0,
            lands: BTreeMap::new(),
        },
        frame: run.preset.frame(info),
        tokenizer: run.preset.tokenizer,
        dynamics,
        lam: lam.as_ref().map(|_| run.preset.lam),
        actions: stage.as_ref().map_or(Ok(Vec::new()), |stage| actions(run, stage, recorded_only))?,
        word_table: prompt::TABLE_NAME.to_owned(),
        suggested_prompts: info.suggested_prompts.clone(),
        play: run.preset.play,
        parity,
        relief: None,
        evaluation: serde_json::Value::Null,
    };
    let mut pack = Pack::new(manifest, tensors)?;
    pack.manifest.relief = relief::of(&pack)?;
    pack.manifest.provenance.lands = lands::of(&pack)?;
    pack.write(path)?;
    println!("{}: {} parameters, {:.1} MB", path.display(), pack.parameters(), std::fs::metadata(path)?.len() as f64 / 1e6);
    Ok(pack)
}

/// The command line, with what the run knew of it; of whole paths the last part: a pack says nothing of the folders it was made in.
fn command(mut words: Vec<String>, known: &RunInfo) -> String {
    for [name, value] in known.options() {
        if !words.iter().any(|word| word.split('=').next() == Some(name.as_str())) {
            words.extend([name, value]);
        }
    }
    let plain = |word: &str| match Path::new(word).file_name() {
        Some(name) if Path::new(word).is_absolute() => name.to_string_lossy().into_owned(),
        _ => word.to_owned(),
    };
    let of_option = |word: String| match word.split_once('=') {
        Some((option, value)) => format!("{option}={}", plain(value)),
        None => plain(&word),
    };
    words.into_iter().map(of_option).fold("somnium-train".to_owned(), |line, word| line + " " + &word)
}

/// Names and shares of the latent codes, and where the view goes under each.
fn actions(run: &Run, stage: &DynamicsStage, recorded_only: bool) -> Result<Vec<LatentAction>> {
    let mut actions = run.actions(recorded_only)?;
    actions.iter_mut().zip(&stage.motions).for_each(|(action, motion)| action.motion = *motion);
    Ok(actions)
}

/// Adds codes, actions and logits of a held-out clip, computed from the weights as f16 has them.
fn add_parity(
    run: &Run,
    stage: &DynamicsStage,
    values: BTreeMap<String, Values>,
    tensors: &mut BTreeMap<String, PackTensor>,
) -> Result<ParityInfo> {
    let shipped = values.into_iter().map(|(name, (shape, values))| (name, (shape, params::rounded(&values)))).collect();
    let model = params::replace("dyn", stage.new_model(&run.device)?, &shipped, &run.device)?;
    let tokenizer = run.tokenizer()?.0;
    let (frame, dims) = (stage.shape.frame, &stage.shape.dims);
    let frames = 2 * dims.window + PARITY_EXTRA_FRAMES;
    let clip = run.source.clip(PARITY_CLIP, frames, Mood::Lively)?;
    let codes = run.encode(&tokenizer, &clip.frames)?;
    let bound = |action: &Option<u8>| action.map_or(dims.unknown_action(), |a| stage.bindings[usize::from(a)]);
    let mut actions: Vec<u8> = clip.actions.iter().map(bound).collect();
    actions[0] = dims.unknown_action();
    debug_assert!(actions.iter().all(|action| *action != NONE));
    let words = word_ids(&clip.prompts[0], dims.prompt_words);
    let moved: Vec<bool> = clip.outcomes.iter().map(|outcome| outcome.moved).collect();
    let logits = stage.teacher_forced(&model, &codes, &actions, &moved, &words.repeat(frames), &run.device)?;
    let n = frame.tokens();
    tensors.insert("parity.codes".into(), PackTensor::from_u8s(&[frames, n, frame.code_dims], &codes));
    tensors.insert("parity.actions".into(), PackTensor::from_u8s(&[frames], &actions));
    let moved: Vec<u8> = moved.into_iter().map(u8::from).collect();
    tensors.insert("parity.moved".into(), PackTensor::from_u8s(&[frames], &moved));
    tensors.insert("parity.logits".into(), PackTensor::from_f32s(&[frames, n, frame.code_dims * frame.code_levels], &logits));
    // As many words as the model takes.
    let prompt: Vec<&str> = words.iter().filter(|id| **id != NO_WORD).map(|id| WordTable::get().word(*id)).collect();
    Ok(ParityInfo { frames, prompt: prompt.join(" "), atol: 2e-3, rtol: 1e-3 })
}

/// The repository's commit, with a mark where the tree differs from it.
fn commit() -> String {
    let git = |args: &[&str]| Command::new("git").args(args).output().ok().filter(|out| out.status.success());
    let Some(head) = git(&["rev-parse", "--short", "HEAD"]) else { return "unknown".to_owned() };
    let dirty = git(&["status", "--porcelain", "--untracked-files=no"]).is_some_and(|out| !out.stdout.is_empty());
    format!("{}{}", String::from_utf8_lossy(&head.stdout).trim(), if dirty { "+" } else { "" })
}

fn processor() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model =
        info.lines().find_map(|line| line.strip_prefix("model name")).and_then(|rest| rest.split_once(':')).map(|(_, name)| name.trim());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{}, {cores} cores", model.unwrap_or(std::env::consts::ARCH))
}

/// Reads a pack, naming it in every error.
pub fn read_pack(path: &Path) -> Result<Pack> {
    Pack::read(path).with_context(|| format!("cannot use the pack {}", path.display()))
}

#[cfg(test)]
mod tests {
    use somnium::pack::random::{odd_manifest, random_pack};

    use super::*;

    #[test]
    fn weights_are_mixed_with_those_of_a_pack_of_the_same_tokens() {
        let of = |prefix: &str, pack: &Pack| -> BTreeMap<String, Values> {
            pack_values(pack).into_iter().filter(|(name, _)| name.starts_with(prefix)).collect()
        };
        let (ours, theirs) = (random_pack(odd_manifest(), 5).unwrap(), random_pack(odd_manifest(), 6).unwrap());
        let (mix, mut mixed) = (Mix { pack: theirs, share: 0.25 }, of("dyn.", &ours));
        mix.blend(&mut mixed, &of("tok.", &mix.pack)).unwrap();
        let (a, b) = (of("dyn.", &ours), of("dyn.", &mix.pack));
        for (name, (_, values)) in &mixed {
            let means = a[name].1.iter().zip(&b[name].1).map(|(a, b)| 0.75 * a + 0.25 * b);
            assert!(values.iter().zip(means).all(|(mixed, mean)| (mixed - mean).abs() < 1e-6), "{name}");
        }
        assert_ne!(mixed, a);
        // A pack of fewer blocks: what the last one adds becomes less, and how it comes to it stays.
        let mut fewer = odd_manifest();
        fewer.dynamics.as_mut().unwrap().blocks.pop();
        let (mix, mut mixed) = (Mix { pack: random_pack(fewer, 6).unwrap(), share: 0.25 }, a.clone());
        mix.blend(&mut mixed, &of("tok.", &mix.pack)).unwrap();
        let scaled = |name: &str, by: f32| mixed[name].1.iter().zip(&a[name].1).all(|(mixed, a)| (mixed - by * a).abs() < 1e-6);
        assert!(scaled("dyn.3.down.w", 0.75) && scaled("dyn.3.up.w", 1.0));
        // The control: tokens that mean something else.
        let why = mix.blend(&mut mixed, &of("tok.", &ours)).unwrap_err().to_string();
        assert!(why.contains("another tokenizer"), "{why}");
    }

    #[test]
    fn a_pack_says_what_it_was_made_with_and_names_no_folder_of_the_machine() {
        let told = |line: &str, known: &RunInfo| command(line.split(' ').map(str::to_owned).collect(), known);
        let known = RunInfo { seed: 7, ..RunInfo::default() };
        assert_eq!(
            told("export --run runs/isles --seed=7 --from /home/anna/packs/a.safetensors", &known),
            "somnium-train export --run runs/isles --seed=7 --from a.safetensors --preset pocket --world isles"
        );
        let recorded = RunInfo { clips: Some("/home/anna/walks".into()), clips_hz: 15, ..known };
        assert_eq!(
            told("export --mix=/home/anna/b.safetensors", &recorded),
            "somnium-train export --mix=b.safetensors --preset pocket --clips walks --hz 15 --seed 7"
        );
    }
}
