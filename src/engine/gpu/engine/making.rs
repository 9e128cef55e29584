//! How an engine is made: the device's best tier that computes what it should, and how long a frame takes there.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::GpuEngine;
use crate::engine::cpu::{CpuEngine, CpuOptions};
use crate::engine::gpu::context::GpuContext;
use crate::engine::gpu::encoder::HostEncoder;
use crate::engine::gpu::ops::{prev, unmask};
use crate::engine::gpu::pace::Pace;
use crate::engine::gpu::plan::Plan;
use crate::engine::gpu::readback::Readback;
use crate::engine::gpu::resources::{ReadyPlan, Resources, check_buffer};
use crate::engine::gpu::self_test::{Answers, judge};
use crate::engine::gpu::tier::Tier;
use crate::engine::gpu::timing::Timing;
use crate::engine::gpu::tune;
use crate::engine::inputs::play_settings;
use crate::engine::told::{Said, Told};
use crate::engine::{DecodeSettings, Engine, EngineError, EngineInfo, EngineKind};
use crate::pack::manifest::Manifest;
use crate::pack::{Pack, PackError, limits};

/// Frames that are timed at start, at most and at least, of which the quickest counts; and how long that goes on where they are slow.
const PACE_FRAMES: usize = 4;
const LEAST_PACE_FRAMES: usize = 2;
const PACE_LASTS: Duration = Duration::from_millis(100);

/// So many times the processor's frame takes that of a slow device, at least, which leaves dreaming to the processor: less may be chance, and the
/// processor has a window to look after.
const WORTH_LEAVING: u32 = 2;

impl GpuEngine {
    /// Plans, uploads and compiles everything that frames need, in the device's best tier that computes what the CPU engine does.
    ///
    /// # Errors
    /// [`EngineError::Pack`] for a pack that is not whole, [`EngineError::Input`] for one too large for the device,
    /// [`EngineError::Wrong`] where no tier computes what it should, and as [`GpuContext::check`]: where memory is short no other tier is
    /// tried.
    pub fn new(gpu: GpuContext, pack: &Pack) -> Result<Self, EngineError> {
        Self::make(gpu, pack, Plan::new, Duration::MAX)
    }

    /// As [`Self::new`], where the processor would not do much better.
    ///
    /// # Errors
    /// As [`Self::new`], and [`EngineError::Slow`] where a frame takes longer than [`GpuContext::slow`] and much longer than on the processor.
    pub fn unless_slow(gpu: GpuContext, pack: &Pack) -> Result<Self, EngineError> {
        let slow = gpu.slow;
        Self::make(gpu, pack, Plan::new, slow)
    }

    /// As [`Self::new`], with other plans: tests show by it what becomes of a faulty tier.
    ///
    /// # Errors
    /// As [`Self::new`].
    #[doc(hidden)]
    pub fn with_plans(
        gpu: GpuContext,
        pack: &Pack,
        plan: impl Fn(&Pack, Tier, bool) -> Result<Plan, PackError>,
    ) -> Result<Self, EngineError> {
        Self::make(gpu, pack, plan, Duration::MAX)
    }

    /// `slow`: a frame that takes longer is compared with the processor's.
    fn make(
        gpu: GpuContext,
        pack: &Pack,
        plan: impl Fn(&Pack, Tier, bool) -> Result<Plan, PackError>,
        slow: Duration,
    ) -> Result<Self, EngineError> {
        pack.validate()?;
        // What went wrong with the device before is no fault of a tier.
        gpu.forgive();
        gpu.check()?;
        // The processor answers while the best tier is planned, and no longer: tiles are measured afterwards, and its threads would count.
        let (best, processor) = std::thread::scope(|scope| {
            let processor = scope.spawn(|| answering(pack));
            let best = planned(&gpu, pack, &plan);
            (best, processor.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        });
        let (mut best, (mut processor, right)) = (Some(best), processor?);
        let mut faults = Vec::new();
        for tier in gpu.tier.and_below() {
            let gpu = gpu.clone().at_most(tier);
            let planned = best.take().unwrap_or_else(|| planned(&gpu, pack, &plan));
            let tested = planned.and_then(|plan| Self::of_plan(gpu.clone(), pack, plan)).and_then(|mut engine| {
                let mistake = judge(|round| {
                    let right = if round == 0 { right.clone() } else { Answers::of(&mut processor, round)? };
                    Ok([Answers::of(&mut engine, round)?, right])
                })?;
                Ok((engine, mistake))
            });
            let fault = match tested {
                Ok((mut engine, None)) => {
                    if !faults.is_empty() {
                        engine.info.device += &format!(" ({})", faults.join(", "));
                    }
                    if let Some(pipelines) = &gpu.pipelines {
                        pipelines.save();
                    }
                    if let Some(frame) = engine.set_pace()?.filter(|frame| *frame > slow) {
                        let settings = whole_settings(&pack.manifest);
                        let processor = time(&mut processor, &settings)?.min(time(&mut processor, &settings)?);
                        if is_worth_leaving(frame, processor) {
                            return Err(EngineError::Slow { frame, processor });
                        }
                    }
                    return Ok(engine);
                }
                Ok((_, Some(mistake))) => format!("the {} computes wrongly: {}", tier.name(), mistake.what),
                // Another tier would fare no better.
                Err(EngineError::Graphics(_)) if gpu.is_full() => {
                    gpu.forgive();
                    return Err(EngineError::Full);
                }
                // Its driver cannot compile a kernel of this tier, say.
                Err(EngineError::Graphics(fault)) => {
                    gpu.forgive();
                    format!("the {} does not run: {fault}", tier.name())
                }
                Err(other) => return Err(other),
            };
            log::warn!("{}: {fault}", gpu.summary);
            faults.push(fault);
        }
        Err(EngineError::Wrong(faults.join(", ")))
    }

    fn of_plan(gpu: GpuContext, pack: &Pack, mut plan: Plan) -> Result<Self, EngineError> {
        let frame = pack.manifest.frame;
        let mut resources = Resources::new(&gpu, &plan.buffers, [frame.width_px, frame.height_px])?;
        tune::set_tiles(&gpu, &mut resources, &mut plan, &play_settings(&pack.manifest))?;
        if let Some(dynamics) = &plan.dynamics {
            let dispatches = unmask::dispatches(&dynamics.step);
            gpu.queue.write_buffer(resources.buffer(dynamics.dispatches), 0, bytemuck::cast_slice(&dispatches));
        }
        // The device has its copy.
        plan.buffers.iter_mut().for_each(|spec| spec.contents = None);
        let ready = ReadyPlan::new(&gpu, &mut resources, &plan)?;
        let timing = Timing::new(&gpu, plan.dispatches(limits::MAX_STEPS));
        let timestamps = timing.as_ref().map_or(0, |timing| timing.resolved.size() / 8);
        let mut engine = Self {
            info: EngineInfo { kind: EngineKind::Gpu, device: format!("{}, {}", gpu.summary, gpu.tier.name()) },
            timing,
            pace: Pace::whole(),
            readback: Readback::new(&gpu.device, &frame, timestamps),
            branches: None,
            settings: play_settings(&pack.manifest),
            manifest: pack.manifest.clone(),
            encoder: HostEncoder::new(pack),
            plan,
            resources,
            ready,
            gpu,
            prompt_keys: HashMap::new(),
            said: pack.manifest.dynamics.as_ref().map(|d| Said::new(pack, d.channels)).transpose()?,
            half: 0,
            pending: None,
            committed: 0,
            next_frame: 0,
            prompt: Vec::new(),
            told: Told::default(),
            slots: Default::default(),
        };
        engine.empty_slots();
        engine.restore(&[], 0)?;
        engine.gpu.wait()?;
        Ok(engine)
    }

    /// Sees how long a frame takes here, for whoever waits for it, and cuts frames by how long the device is busy with it. `None` where nothing is dreamed.
    fn set_pace(&mut self) -> Result<Option<Duration>, EngineError> {
        if self.plan.dynamics.is_none() {
            return Ok(None);
        }
        let settings = whole_settings(&self.manifest);
        let (mut frame, mut busy) = (Duration::MAX, Duration::MAX);
        let begun = Instant::now();
        for timed in 0..PACE_FRAMES {
            if timed >= LEAST_PACE_FRAMES && begun.elapsed() > PACE_LASTS {
                break;
            }
            let took = time(self, &settings)?;
            frame = frame.min(took);
            busy = busy.min(on_device(&self.stage_times()).unwrap_or(took));
        }
        self.pace = Pace::measured(self.roofline(settings.steps).ops, busy, self.gpu.submission);
        self.restore(&[], 0)?;
        Ok(Some(frame))
    }
}

/// A plan for the tier of this device.
fn planned(gpu: &GpuContext, pack: &Pack, plan: &impl Fn(&Pack, Tier, bool) -> Result<Plan, PackError>) -> Result<Plan, EngineError> {
    if let Some(d) = &pack.manifest.dynamics {
        // Before it is computed: of all that is, it alone can outgrow the pack by far.
        let frame = pack.manifest.frame;
        let bytes = prev::table_bytes(d.actions, frame.code_dims, frame.code_levels, d.channels);
        check_buffer(gpu, prev::TABLE, bytes)?;
    }
    Ok(plan(pack, gpu.tier, gpu.is_wide())?)
}

/// The CPU engine, and what it answers in the first round.
fn answering(pack: &Pack) -> Result<(CpuEngine, Answers), EngineError> {
    let mut engine = CpuEngine::new(pack, CpuOptions::default())?;
    let answers = Answers::of(&mut engine, 0)?;
    Ok((engine, answers))
}

/// As in play, but all steps run, as the operations of a frame are counted.
fn whole_settings(m: &Manifest) -> DecodeSettings {
    DecodeSettings { certain: None, ..play_settings(m) }
}

/// How long somebody waits for a frame.
fn time(engine: &mut dyn Engine, settings: &DecodeSettings) -> Result<Duration, EngineError> {
    let start = Instant::now();
    engine.dream(0, settings)?;
    engine.finish()?;
    Ok(start.elapsed())
}

/// All stages together, where the device can tell of them.
fn on_device(stages: &[(&'static str, f32)]) -> Option<Duration> {
    let ms: f32 = stages.iter().map(|(_, ms)| ms).sum();
    (ms > 0.0).then(|| Duration::from_secs_f32(ms * 1e-3))
}

/// Whether a frame takes so much longer than on the processor that this should dream.
fn is_worth_leaving(frame: Duration, processor: Duration) -> bool {
    frame > processor.saturating_mul(WORTH_LEAVING)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::gpu::context::Fault;
    use crate::pack::random::{random_pack, tiny_manifest};
    use std::cell::Cell;

    fn device() -> GpuContext {
        GpuContext::headless(true).unwrap_or_else(|e| panic!("this test needs a graphics adapter: {e}"))
    }

    #[test]
    fn a_device_is_left_for_the_processor_where_that_is_much_quicker() {
        let of = |frame, processor| is_worth_leaving(Duration::from_millis(frame), Duration::from_millis(processor));
        assert!(of(70, 30) && of(500, 10));
        assert!(!of(70, 35) && !of(70, 40) && !of(70, 500));
    }

    #[test]
    fn stages_are_added_up_where_there_are_any() {
        assert_eq!(on_device(&[("one", 1.5), ("two", 2.5)]), Some(Duration::from_millis(4)));
        assert_eq!([on_device(&[]), on_device(&[("one", 0.0)])], [None, None]);
    }

    #[test]
    fn what_went_wrong_before_is_held_against_no_tier_and_without_memory_no_other_is_tried() {
        let pack = random_pack(tiny_manifest(), 1).unwrap();
        let gpu = device();
        let tiers = gpu.tier.and_below().count();
        gpu.report(Fault::Error("of the window".to_owned()));
        let engine = GpuEngine::new(gpu.clone(), &pack).unwrap();
        assert!(engine.info.device.ends_with(gpu.tier.name()), "{}", engine.info.device);
        let made = |fault: &Fault| {
            let tried = Cell::new(0);
            let outcome = GpuEngine::with_plans(gpu.clone(), &pack, |pack, tier, wide| {
                tried.set(tried.get() + 1);
                gpu.report(fault.clone());
                Plan::new(pack, tier, wide)
            });
            (tried.get(), outcome.err().map(|why| why.to_string()).unwrap_or_default())
        };
        let (tried, why) = made(&Fault::Full);
        assert!(tried == 1 && why.starts_with("the graphics device has no memory left"), "{tried} tiers: {why}");
        assert!(gpu.fault().is_none(), "who falls back to the processor draws with it all the same");
        // The control: any other error is a tier's own.
        let (tried, why) = made(&Fault::Error("as the test has it".to_owned()));
        assert!(tried == tiers && why.contains("as the test has it"), "{tried} of {tiers} tiers: {why}");
    }

    /// Whatever the device takes, it is not compared with the processor unless that is asked for, nor where no frame is slow.
    #[test]
    fn a_device_is_compared_only_where_that_is_asked_for() {
        let pack = random_pack(tiny_manifest(), 1).unwrap();
        let gpu = |slow: Duration| {
            let mut gpu = device();
            gpu.slow = slow;
            gpu
        };
        assert!(GpuEngine::new(gpu(Duration::ZERO), &pack).is_ok());
        assert!(GpuEngine::unless_slow(gpu(Duration::MAX), &pack).is_ok());
        let is_left = || match GpuEngine::unless_slow(gpu(Duration::ZERO), &pack) {
            Ok(_) => false,
            Err(EngineError::Slow { frame, processor }) => frame > 2 * processor,
            Err(why) => panic!("{why}"),
        };
        // Whatever else the machine does may make the processor's frames longer.
        let is_hardware = !gpu(Duration::ZERO).summary.software;
        assert!(is_hardware || (0..5).any(|_| is_left()), "the processor is quicker than its imitation of a device");
    }
}
