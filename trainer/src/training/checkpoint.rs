//! Checkpoints of a stage: the newest and the one before it, so that there is always one that is whole.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use burn::module::Module;
use burn::optim::ModuleOptimizer;

use super::{GENTLER, Progress};
use crate::params;
use crate::pipeline::{read_json, write_json};

/// Folders of a stage: its newest checkpoint, the one before it, and one that could not be read.
const NEWEST: &str = "checkpoint";
const BEFORE: &str = "checkpoint.old";
const UNREADABLE: &str = "checkpoint.broken";
/// File of a checkpoint's progress.
const PROGRESS: &str = "progress.json";

/// A folder with weights, their running mean, optimizer state and progress that belong together.
pub(super) struct Checkpoint {
    folder: PathBuf,
}

/// Whether a run has a checkpoint of this stage.
pub fn is_begun(run: &Path, stage: &str) -> bool {
    [NEWEST, BEFORE].iter().any(|name| run.join(stage).join(name).is_dir())
}

impl Checkpoint {
    /// The newest checkpoint of a stage and what `load` makes of it, or else the one before: where the newest cannot be read, or where a stop
    /// fell between the two renames. `None` where there is none.
    pub(super) fn newest<T>(stage: &Path, load: impl Fn(&Self) -> Result<T>) -> Result<Option<(Self, T)>> {
        let mut kept = [NEWEST, BEFORE].into_iter().map(|name| Self { folder: stage.join(name) }).filter(|kept| kept.folder.is_dir());
        let Some(newest) = kept.next() else { return Ok(None) };
        if newest.folder.ends_with(BEFORE) {
            let (gone, there) = (stage.join(NEWEST), newest.folder.display());
            log::warn!(
                "{} is not there: the checkpoint before it takes its place, {there}; without either the stage begins anew",
                gone.display()
            );
        }
        let why = match load(&newest) {
            Ok(loaded) => return Ok(Some((newest, loaded))),
            Err(why) => why,
        };
        let Some(before) = kept.next() else { return Err(why) };
        let Ok(loaded) = load(&before) else { return Err(why) };
        log::warn!("{why:#}; the checkpoint before it takes its place, {}", before.folder.display());
        Ok(Some((before, loaded)))
    }

    /// Moves a newer checkpoint out of the way, which cannot be read: the next save would keep that one and remove this.
    pub(super) fn set_newer_aside(&self, stage: &Path) -> Result<()> {
        let (newest, aside) = (stage.join(NEWEST), stage.join(UNREADABLE));
        if self.folder == newest || !newest.exists() {
            return Ok(());
        }
        let _ = fs::remove_dir_all(&aside);
        fs::rename(&newest, &aside).with_context(|| format!("cannot move {} aside", newest.display()))
    }

    /// Writes a checkpoint and keeps the one before it. A power cut at any moment leaves one that is whole.
    pub(super) fn save<M: Module>(stage: &Path, model: &M, mean: &M, optimizer: &ModuleOptimizer, progress: &Progress) -> Result<()> {
        let (fresh, current, old) = (stage.join("checkpoint.new"), stage.join(NEWEST), stage.join(BEFORE));
        // A step may spoil them whose loss was still a number.
        for weights in [model, mean] {
            if let Some(name) = not_finite(weights)? {
                let (stage, step) = (stage.display(), progress.step);
                bail!("{stage}: by step {step} a weight of {name} became NaN or infinite; the last checkpoint is kept: {GENTLER}");
            }
        }
        let _ = fs::remove_dir_all(&fresh);
        fs::create_dir_all(&fresh)?;
        for (name, weights) in [("model", model), ("mean", mean)] {
            weights.clone().save_file(fresh.join(name)).map_err(|e| anyhow::anyhow!("cannot write the {name}: {e}"))?;
        }
        optimizer.save(fresh.join("optimizer")).map_err(|e| anyhow::anyhow!("cannot write the optimizer: {e}"))?;
        write_json(&fresh.join(PROGRESS), progress)?;
        // Each file is on the disk when it is written; what they are called has to get there too, before anything takes another's place.
        sync_names(&fresh);
        sync_names(stage);
        if current.exists() {
            let _ = fs::remove_dir_all(&old);
            fs::rename(&current, &old).with_context(|| format!("cannot move {} aside", current.display()))?;
        }
        fs::rename(&fresh, &current).with_context(|| format!("cannot write {}", current.display()))?;
        sync_names(stage);
        Ok(())
    }

    /// Writes the newest checkpoint's progress once more: figures that came after its weights.
    pub(super) fn save_progress(stage: &Path, progress: &Progress) -> Result<()> {
        write_json(&stage.join(NEWEST).join(PROGRESS), progress)
    }

    pub(super) fn progress(&self) -> Result<Progress> {
        read_json(&self.folder.join(PROGRESS))
    }

    pub(super) fn load_mean<M: Module>(&self, model: M) -> Result<M> {
        self.load_weights("mean", model)
    }

    fn load_weights<M: Module>(&self, name: &str, model: M) -> Result<M> {
        model.try_load_file(self.file(name)).map_err(|e| anyhow::anyhow!("{}: {e}", self.folder.display()))
    }

    pub(super) fn load<M: Module>(&self, model: M, optimizer: ModuleOptimizer) -> Result<(M, ModuleOptimizer, Progress)> {
        let model = self.load_weights("model", model)?;
        let optimizer = optimizer.load(self.file("optimizer")).map_err(|e| anyhow::anyhow!("{}: {e}", self.folder.display()))?;
        Ok((model, optimizer, self.progress()?))
    }

    /// The file written under `name`, whatever extension the writer gave it.
    fn file(&self, name: &str) -> PathBuf {
        let with_extension = self.folder.join(name).with_extension("bpk");
        if with_extension.exists() { with_extension } else { self.folder.join(name) }
    }
}

/// The name of a tensor with a weight that is NaN or infinite, if there is one.
fn not_finite<M: Module>(model: &M) -> Result<Option<String>> {
    let bad = |values: &[f32]| values.iter().any(|value| !value.is_finite());
    let found = params::collect("", model)?.into_iter().find(|(_, (_, values))| bad(values));
    Ok(found.map(|(name, _)| name.trim_start_matches('.').to_owned()))
}

/// Puts on the disk what a folder's files are called. A system that has no way to do so is no reason to stop a training.
fn sync_names(folder: &Path) {
    let _ = fs::File::open(folder).and_then(|folder| folder.sync_all());
}

#[cfg(test)]
mod tests {
    use burn::module::Param;
    use burn::tensor::{Device, Tensor};

    use super::*;
    use crate::model::layers::Linear;
    use crate::training::toy::{Toy, train_toy};
    use crate::training::{Stage, load_trained, optimizer};

    #[test]
    fn a_checkpoint_that_cannot_be_read_gives_way_to_the_one_before() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let run = folder.path();
        let trained = || {
            let loaded = load_trained(&Toy::default(), run, &Device::flex()).expect("a checkpoint");
            loaded.map(|(_, progress)| progress.step)
        };
        let cut = |name: &str| {
            let path = Checkpoint { folder: run.join(Toy::NAME).join(name) }.file("mean");
            let whole = fs::read(&path).expect("weights");
            fs::write(&path, &whole[..whole.len() / 2]).expect("half of them");
        };
        assert_eq!(trained(), None);
        assert_eq!(train_toy(run, 3, None).expect("a training"), 3);
        assert_eq!(train_toy(run, 5, None).expect("it goes on"), 5);
        assert_eq!(trained(), Some(5));
        cut(NEWEST);
        assert_eq!(trained(), Some(3));
        assert_eq!(train_toy(run, 9, Some(1)).expect("it goes on from the third step"), 4);
        // What was good is kept, and not what was cut.
        cut(NEWEST);
        assert_eq!(train_toy(run, 9, Some(2)).expect("it goes on from the third step"), 5);
        // The control: nothing is left to go on from.
        [NEWEST, BEFORE].into_iter().for_each(cut);
        let why = train_toy(run, 9, None).expect_err("no checkpoint").to_string();
        assert!(why.contains(NEWEST), "{why}");
        assert!(is_begun(run, Toy::NAME) && !is_begun(run, "nothing"));
    }

    #[test]
    fn weights_that_are_no_numbers_are_not_kept() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let save = |value: f32| -> Result<()> {
            let model = Linear { w: Param::from_tensor(Tensor::full([2, 2], value, &Device::flex())), b: None };
            Checkpoint::save(folder.path(), &model, &model, &optimizer()?, &Progress { step: 7, ..Progress::default() })
        };
        save(1.0).expect("a checkpoint");
        let why = save(f32::NAN).expect_err("no numbers").to_string();
        assert!(why.contains("by step 7 a weight of w became NaN") && why.contains("--rate"), "{why}");
        assert!(is_begun(folder.path(), "."));
    }
}
