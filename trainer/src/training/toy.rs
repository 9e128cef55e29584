//! A stage for tests, which takes a moment to train.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Result, bail};
use burn::module::Param;
use burn::tensor::{Device, Tensor};

use super::{Budget, Settings, Stage, train};
use crate::model::layers::Linear;

/// Four weights that become smaller.
#[derive(Default)]
pub struct Toy {
    /// Checksum of the tokens that it says to learn from.
    pub tokens: Option<u64>,
    /// Set when it is first judged, so that training stops; and then the next judgement never comes to its end.
    pub ends: Option<Arc<AtomicBool>>,
}

impl Stage for Toy {
    type Model = Linear;
    type Batch = ();

    const NAME: &'static str = "toy";
    const LEARNING_RATE: f64 = 1e-2;

    fn new_model(&self, device: &Device) -> Result<Linear> {
        Ok(Linear { w: Param::from_tensor(Tensor::full([2, 2], 1.0f32, device)), b: None })
    }

    fn batch(&self, _step: u64) -> Result<()> {
        Ok(())
    }

    fn loss(&self, model: &Linear, _batch: (), _device: &Device) -> Result<Tensor<1>> {
        Ok(model.w.val().square().mean())
    }

    fn validate(&self, model: &Linear, _device: &Device) -> Result<Vec<(&'static str, f64)>> {
        if self.ends.as_ref().is_some_and(|stop| stop.swap(true, Ordering::Relaxed)) {
            bail!("ended");
        }
        Ok(vec![("weight", f64::from(model.w.val().mean().into_scalar::<f32>()))])
    }

    fn learns_from(&self) -> Option<u64> {
        self.tokens
    }

    fn samples_per_batch(&self) -> usize {
        1
    }
}

/// What it takes to train in `run` up to step `steps`, but no more than `session_steps`.
pub fn toy_settings(run: &Path, steps: u64, session_steps: Option<u64>) -> Settings {
    Settings {
        run: run.to_owned(),
        seed: 1,
        device: Device::flex(),
        budget: Budget::Steps(steps),
        session_steps,
        rate: None,
        stop: Arc::new(AtomicBool::new(false)),
    }
}

/// Trains in `run` up to step `steps`, but no more than `session_steps`, and gives the step that it came to.
pub fn train_toy(run: &Path, steps: u64, session_steps: Option<u64>) -> Result<u64> {
    train(Arc::new(Toy::default()), &toy_settings(run, steps, session_steps), None).map(|(_, progress)| progress.step)
}
