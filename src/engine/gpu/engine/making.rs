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
use crate::engine::gpu::self_test::Answers;
use crate::engine::gpu::tier::Tier;
use crate::engine::gpu::timing::Timing;
use crate::engine::gpu::tune;
use crate::engine::inputs::play_settings;
use crate::engine::told::{Said, Told};
use crate::engine::{DecodeSettings, Engine, EngineError, EngineInfo, EngineKind};
use crate::pack::{Pack, PackError, limits};

/// Frames that are timed at start; the quicker counts.
const PACE_FRAMES: usize = 2;

impl GpuEngine {
    /// Plans, uploads and compiles everything that frames need, in the device's best tier that computes what the CPU engine does.
    ///
    /// # Errors
    /// [`EngineError::Pack`] for a pack that is not whole, [`EngineError::Input`] for one too large for the device,
    /// [`EngineError::Wrong`] where no tier computes what it should, and [`EngineError::DeviceLost`] where the device reports a fault.
    pub fn new(gpu: GpuContext, pack: &Pack) -> Result<Self, EngineError> {
        Self::with_plans(gpu, pack, Plan::new)
    }

    /// As [`Self::new`], with other plans: tests show by it what becomes of a faulty tier.
    ///
    /// # Errors
    /// As [`Self::new`].
    #[doc(hidden)]
    pub fn with_plans(gpu: GpuContext, pack: &Pack, plan: impl Fn(&Pack, Tier) -> Result<Plan, PackError>) -> Result<Self, EngineError> {
        pack.validate()?;
        let mut truth = None;
        let mut faults = Vec::new();
        for tier in gpu.tier.and_below() {
            let answered = Self::of_plan(gpu.clone().at_most(tier), pack, |pack| plan(pack, tier))
                .and_then(|mut engine| Ok((Answers::of(&mut engine)?, engine)));
            let fault = match answered {
                Ok((answers, mut engine)) => {
                    let truth = match &mut truth {
                        Some(known) => known,
                        none => none.insert(Answers::of(&mut CpuEngine::new(pack, CpuOptions::default())?)?),
                    };
                    let Some(fault) = answers.fault(truth) else {
                        if !faults.is_empty() {
                            engine.info.device += &format!(" ({})", faults.join(", "));
                        }
                        if let Some(pipelines) = &gpu.pipelines {
                            pipelines.save();
                        }
                        engine.set_pace()?;
                        return Ok(engine);
                    };
                    format!("the {} computes wrongly: {fault}", tier.name())
                }
                // Its driver cannot compile a kernel of this tier, say.
                Err(EngineError::DeviceLost(fault)) if !gpu.is_lost() => {
                    gpu.forgive();
                    format!("the {} does not run: {}", tier.name(), fault.lines().next().unwrap_or_default())
                }
                Err(other) => return Err(other),
            };
            log::warn!("{}: {fault}", gpu.summary);
            faults.push(fault);
        }
        Err(EngineError::Wrong(faults.join(", ")))
    }

    fn of_plan(gpu: GpuContext, pack: &Pack, plan: impl Fn(&Pack) -> Result<Plan, PackError>) -> Result<Self, EngineError> {
        let frame = pack.manifest.frame;
        if let Some(d) = &pack.manifest.dynamics {
            // Before it is computed: of all that is, it alone can outgrow the pack by far.
            let bytes = prev::table_bytes(d.actions, frame.code_dims, frame.code_levels, d.channels);
            check_buffer(&gpu, prev::TABLE, bytes)?;
        }
        let mut plan = plan(pack)?;
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

    /// Sees how long a frame takes here, and cuts frames accordingly.
    fn set_pace(&mut self) -> Result<(), EngineError> {
        if self.plan.dynamics.is_none() {
            return Ok(());
        }
        // All steps run, as the operations are counted.
        let settings = DecodeSettings { certain: None, ..play_settings(&self.manifest) };
        let mut quickest = Duration::MAX;
        for _ in 0..PACE_FRAMES {
            let start = Instant::now();
            self.dream(0, &settings)?;
            self.finish()?;
            quickest = quickest.min(start.elapsed());
        }
        self.pace = Pace::measured(self.roofline(settings.steps).ops, quickest, self.gpu.submission);
        self.restore(&[], 0)
    }
}
