//! The graphics device that engine and window share: adapter choice, limits asked for, and what happens when the device goes away.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::cache::PipelineStore;
use super::tier::Tier;
use crate::engine::EngineError;

/// What to do on a machine where no adapter is found; part of every such message.
pub const ADAPTER_REMEDY: &str =
    "install a Vulkan driver (Debian, Ubuntu: `apt install mesa-vulkan-drivers`, which also brings a software one)";

/// Names the adapter that is tried first.
const ADAPTER_VARIABLE: &str = "WGPU_ADAPTER_NAME";

/// How long a submission may keep the device where nothing is known of the display: half of the time between two pictures of a display, the other half being the window's.
const SUBMISSION: Duration = Duration::from_millis(8);

/// A frame that takes no longer is quick enough, whatever the processor could do.
const SLOW: Duration = Duration::from_millis(60);

/// Kernels write what a workgroup shares before they read it: emptying it first takes time, on some drivers a long one to compile, and on one of them a race.
pub const WRITTEN_BEFORE_READ: wgpu::PipelineCompilationOptions<'static> =
    wgpu::PipelineCompilationOptions { constants: &[], zero_initialize_workgroup_memory: false };

/// Time between two looks at work that is waited for.
const LOOK_AGAIN: Duration = Duration::from_micros(50);
/// For so long one look follows the other, since a quick device is done by then; a software one needs the cores itself.
const LOOK_EAGERLY: Duration = Duration::from_micros(200);

/// One adapter as the player and the log show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdapterSummary {
    /// "llvmpipe (LLVM 15.0.6, 256 bits)"
    pub name: String,
    /// "vulkan", "metal", "dx12"
    pub backend: String,
    /// Computes on the CPU: there the `cpu` engine is twenty times faster and more.
    pub software: bool,
}

impl AdapterSummary {
    fn of(info: &wgpu::AdapterInfo) -> Self {
        Self { name: info.name.clone(), backend: info.backend.to_string(), software: info.device_type == wgpu::DeviceType::Cpu }
    }
}

impl std::fmt::Display for AdapterSummary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, {}{}", self.name, self.backend, if self.software { ", software" } else { "" })
    }
}

/// Instance over the backends this build has, or the one that `WGPU_BACKEND` names, without a window.
pub fn new_instance() -> wgpu::Instance {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle_from_env();
    // That would put a dispatch of its own ahead of each one whose workgroups lie in a buffer; ours are copied from a checked plan.
    descriptor.flags.remove(wgpu::InstanceFlags::VALIDATION_INDIRECT_CALL);
    wgpu::Instance::new(descriptor)
}

/// Every adapter of `instance`, in the order they are tried (best first).
pub fn adapters(instance: &wgpu::Instance) -> Vec<AdapterSummary> {
    ranked_adapters(instance, None, false).iter().map(|a| AdapterSummary::of(&a.get_info())).collect()
}

/// True where there is no adapter but software ones (or none at all): play with the `cpu` engine there.
pub fn only_software(instance: &wgpu::Instance) -> bool {
    adapters(instance).iter().all(|a| a.software)
}

/// Device and queue with what they came from; clones share the same device.
#[derive(Clone, Debug)]
pub struct GpuContext {
    pub instance: wgpu::Instance,
    pub adapter: wgpu::Adapter,
    pub device: wgpu::Device,
    pub queue: wgpu::Queue,
    pub summary: AdapterSummary,
    /// Timestamps can be taken between passes.
    pub timestamps: bool,
    /// And between the dispatches of a pass.
    pub pass_timestamps: bool,
    /// Dispatches can take their workgroups from a buffer.
    pub indirect: bool,
    /// Which kernels run; see [`GpuContext::at_most`].
    pub tier: Tier,
    /// Where starts leave something for the next; see [`GpuContext::with_cache`].
    pub cache_folder: Option<Arc<Path>>,
    /// Tiles are chosen by what is quickest: not on a software adapter, where nobody plays and measuring takes long.
    pub tunes: bool,
    /// Pipelines compiled by this start and earlier ones, where the device can keep them.
    pub pipelines: Option<Arc<PipelineStore>>,
    /// How long a submission may keep the device that a window shares; a frame that takes longer becomes several.
    pub submission: Duration,
    /// Where a frame takes longer than this it is asked whether the processor is quicker; see [`GpuEngine::unless_slow`](super::GpuEngine::unless_slow).
    pub slow: Duration,
    health: Arc<Health>,
    waits: Arc<Waits>,
}

/// Of [`GpuContext::wait`], counted from 1: how many were begun, and the newest whose work is done, with that of all before it.
#[derive(Debug, Default)]
struct Waits {
    begun: AtomicU64,
    done: AtomicU64,
}

/// What went wrong with a device, in its own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is gone.
    Lost(String),
    /// It has no room for what it was to keep.
    Full,
    /// It was asked for what it cannot do.
    Error(String),
}

impl From<wgpu::Error> for Fault {
    fn from(error: wgpu::Error) -> Self {
        match error {
            wgpu::Error::OutOfMemory { .. } => Self::Full,
            other => Self::Error(in_a_line(&other)),
        }
    }
}

impl From<Fault> for EngineError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Lost(why) => Self::DeviceLost(why),
            Fault::Full => Self::Graphics(Self::Full.to_string()),
            Fault::Error(why) => Self::Graphics(why),
        }
    }
}

/// Why an adapter is not taken.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error("it has no compute shaders")]
    NoComputeShaders,
    #[error(transparent)]
    Request(#[from] wgpu::RequestDeviceError),
    #[error("it cannot show on this window")]
    NotOnThisWindow,
    #[error("{}", in_a_line(.0))]
    Work(#[from] wgpu::Error),
    #[error("the device is lost")]
    Lost,
}

/// What a device says of an error and its nearest causes, which it puts on lines of their own.
fn in_a_line(error: &wgpu::Error) -> String {
    const MOST: usize = 4;
    let said = error.to_string();
    let lines = said.lines().map(str::trim).filter(|line| !line.is_empty() && *line != "Caused by:");
    lines.take(MOST).collect::<Vec<_>>().join(": ")
}

/// What went wrong with the device since it was made; written by its callbacks.
#[derive(Debug, Default)]
struct Health(Mutex<Option<Fault>>);

impl Health {
    /// The first error, or the first loss where there was one: what comes later is mostly a consequence.
    fn fault(&self) -> MutexGuard<'_, Option<Fault>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn report(&self, level: log::Level, fault: Fault) {
        let said = EngineError::from(fault.clone());
        let mut known = self.fault();
        let is_news = match &*known {
            None => true,
            Some(Fault::Error(_) | Fault::Full) => matches!(fault, Fault::Lost(_)),
            Some(Fault::Lost(_)) => false,
        };
        if is_news {
            log::log!(level, "{said}");
            *known = Some(fault);
        } else {
            log::debug!("{said}");
        }
    }

    /// What became of a poll. Where the driver says meanwhile that the device is lost, wgpu 30 panics (`PollError` has no word for that): that is reported here
    /// as any other loss.
    fn polled(&self, poll: impl FnOnce() -> Result<wgpu::PollStatus, wgpu::PollError>) -> Result<(), EngineError> {
        match catch_unwind(AssertUnwindSafe(poll)) {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(why)) => Err(EngineError::Graphics(why.to_string())),
            Err(_) => {
                let loss = Fault::Lost("it could not be polled".to_owned());
                self.report(log::Level::Error, loss.clone());
                Err(loss.into())
            }
        }
    }
}

impl GpuContext {
    /// Opens the best adapter that can present to `compatible_surface` (any adapter where there is none), falling back to the next
    /// where one cannot be opened or does not do for `works`, which says why. `prefer_software` puts software adapters first (tests, comparisons).
    ///
    /// # Errors
    /// [`EngineError::NoAdapter`] with the remedy where nothing could be opened.
    pub fn new(
        instance: &wgpu::Instance,
        compatible_surface: Option<&wgpu::Surface<'_>>,
        prefer_software: bool,
        mut works: impl FnMut(&Self) -> Result<(), Refused>,
    ) -> Result<Self, EngineError> {
        let mut refused = Vec::new();
        for adapter in ranked_adapters(instance, compatible_surface, prefer_software) {
            let summary = AdapterSummary::of(&adapter.get_info());
            let opened = open(&adapter).and_then(|(device, queue)| {
                let gpu = Self::watch(instance.clone(), adapter, device, queue, summary.clone());
                works(&gpu).map(|()| gpu)
            });
            match opened {
                Ok(gpu) => return Ok(gpu),
                Err(reason) => {
                    log::warn!("adapter {summary} cannot be used: {reason}");
                    refused.push(format!("{summary}: {reason}"));
                }
            }
        }
        let found = if refused.is_empty() { "none found".to_owned() } else { refused.join("; ") };
        Err(EngineError::NoAdapter(format!("{found}; {ADAPTER_REMEDY}")))
    }

    /// Opens a device without a window.
    ///
    /// # Errors
    /// As [`GpuContext::new`].
    pub fn headless(prefer_software: bool) -> Result<Self, EngineError> {
        Self::new(&new_instance(), None, prefer_software, |_| Ok(()))
    }

    /// Does `work` with the device.
    ///
    /// # Errors
    /// What the device has against it, which says so nowhere else.
    pub fn attempt<T>(&self, work: impl FnOnce() -> T) -> Result<T, Refused> {
        // Drivers that cannot compile a shader have met with a fault of their own.
        let internal = self.device.push_error_scope(wgpu::ErrorFilter::Internal);
        let validation = self.device.push_error_scope(wgpu::ErrorFilter::Validation);
        let done = work();
        let found = [pollster::block_on(validation.pop()), pollster::block_on(internal.pop())];
        match found.into_iter().flatten().next() {
            Some(why) => Err(why.into()),
            // That is neither.
            None if self.is_lost() => Err(Refused::Lost),
            None => Ok(done),
        }
    }

    fn watch(instance: wgpu::Instance, adapter: wgpu::Adapter, device: wgpu::Device, queue: wgpu::Queue, summary: AdapterSummary) -> Self {
        let health = Arc::new(Health::default());
        let seen = health.clone();
        device.set_device_lost_callback(move |reason, message| {
            // Destroyed on purpose, as the program ends or a test asks for: nothing to alarm anyone about.
            let level = if reason == wgpu::DeviceLostReason::Destroyed { log::Level::Debug } else { log::Level::Error };
            seen.report(level, Fault::Lost(message));
        });
        let seen = health.clone();
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| seen.report(log::Level::Error, error.into())));
        let timestamps = device.features().contains(wgpu::Features::TIMESTAMP_QUERY);
        let pass_timestamps = device.features().contains(PASS_TIMESTAMPS);
        let indirect = adapter.get_downlevel_capabilities().flags.contains(wgpu::DownlevelFlags::INDIRECT_EXECUTION);
        let tunes = !summary.software;
        // A software adapter takes longer for the type f16 than for unpacking.
        let tier = Tier::of(&adapter, &device).min(if summary.software { Tier::Base } else { Tier::F16 });
        log::info!("graphics adapter: {summary}, {}", tier.name());
        Self {
            instance,
            adapter,
            device,
            queue,
            summary,
            timestamps,
            pass_timestamps,
            indirect,
            tier,
            cache_folder: None,
            tunes,
            pipelines: None,
            submission: SUBMISSION,
            slow: SLOW,
            health,
            waits: Arc::default(),
        }
    }

    /// Forces a tier, to try its kernels, or the best one the device has below it.
    #[must_use]
    pub fn at_most(mut self, tier: Tier) -> Self {
        self.tier = Tier::of(&self.adapter, &self.device).min(tier);
        self
    }

    /// Whether it does so much at once that threads share out long sums and read ahead, as hardware does. A processor that plays the device is busy anyhow
    /// and has few registers; it has the f16 tier only where that is asked for, and then whole.
    pub fn is_wide(&self) -> bool {
        !self.summary.software || self.tier == Tier::F16
    }

    /// Lets engines on this device take from a folder what an earlier start left there, and leave something themselves.
    #[must_use]
    pub fn with_cache(mut self, folder: Option<PathBuf>) -> Self {
        self.pipelines = folder.as_deref().and_then(|folder| PipelineStore::open(&self.adapter, &self.device, folder)).map(Arc::new);
        self.cache_folder = folder.map(Arc::from);
        self
    }

    /// The device is gone: make a new context and restore the dream from its tokens.
    pub fn is_lost(&self) -> bool {
        matches!(*self.health.fault(), Some(Fault::Lost(_)))
    }

    /// It had no room for what it was to keep.
    pub(super) fn is_full(&self) -> bool {
        matches!(*self.health.fault(), Some(Fault::Full))
    }

    /// Forgets the errors of what is not used any more; a loss stays one.
    pub(super) fn forgive(&self) {
        self.health.fault().take_if(|fault| !matches!(fault, Fault::Lost(_)));
    }

    /// As if the device had said so.
    #[cfg(test)]
    pub(super) fn report(&self, fault: Fault) {
        self.health.report(log::Level::Debug, fault);
    }

    /// Anything that went wrong and that no call reported.
    pub fn fault(&self) -> Option<Fault> {
        self.health.fault().clone()
    }

    /// # Errors
    /// [`EngineError::DeviceLost`] once the device is lost, [`EngineError::Graphics`] once it has reported an error.
    pub fn check(&self) -> Result<(), EngineError> {
        self.fault().map_or(Ok(()), |fault| Err(fault.into()))
    }

    /// Runs the callbacks of finished work; returns at once.
    pub fn poll(&self) {
        if let Err(error) = self.health.polled(|| self.device.poll(wgpu::PollType::Poll)) {
            log::debug!("poll: {error}");
        }
    }

    /// Polls until `is_so` or the device reports a fault. Locks nothing between two looks that another thread may need. (To wait with a
    /// timeout is no way: wgpu-core 30 panics there where another thread's poll finds the work done first.)
    pub(super) fn poll_until(&self, is_so: impl Fn() -> bool) {
        self.poll();
        let start = Instant::now();
        while !is_so() && self.fault().is_none() {
            if !self.summary.software && start.elapsed() < LOOK_EAGERLY {
                std::thread::yield_now();
            } else {
                std::thread::sleep(LOOK_AGAIN);
            }
            self.poll();
        }
    }

    /// How long somebody who submits something just now waits for the device: until all is done that is queued (blocking; to measure).
    pub fn queue_wait(&self) -> Duration {
        let nothing = self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("nothing") });
        let start = Instant::now();
        self.queue.submit([nothing.finish()]);
        if let Err(why) = self.wait() {
            log::debug!("waiting: {why}");
        }
        start.elapsed()
    }

    /// Waits until everything submitted so far is done, and its callbacks have run. A window may show something meanwhile, which it cannot while one waits in the
    /// device: wgpu-core holds a lock then that presenting needs.
    ///
    /// # Errors
    /// As [`Self::check`].
    pub fn wait(&self) -> Result<(), EngineError> {
        // Whoever takes a later number asks after what was submitted before this one, too.
        let number = self.waits.begun.fetch_add(1, Ordering::AcqRel) + 1;
        let waits = self.waits.clone();
        self.queue.on_submitted_work_done(move || {
            waits.done.fetch_max(number, Ordering::Release);
        });
        self.poll_until(|| self.waits.done.load(Ordering::Acquire) >= number);
        self.check()
    }

    /// The same to the moment, for what is measured: nobody else gets at the device meanwhile.
    ///
    /// # Errors
    /// As [`Self::check`], and [`EngineError::Graphics`] where waiting fails.
    pub fn wait_in_device(&self) -> Result<(), EngineError> {
        self.health.polled(|| self.device.poll(wgpu::PollType::wait_indefinitely()))?;
        self.check()
    }
}

/// Limits asked of every device: what downlevel hardware has, but for storage buffers, of which the widest kernel binds eight,
/// and textures, which must be as large as the adapter allows for windows on large displays.
fn limits(adapter: &wgpu::Adapter) -> wgpu::Limits {
    wgpu::Limits { max_storage_buffers_per_shader_stage: 8, ..wgpu::Limits::downlevel_defaults().using_resolution(adapter.limits()) }
}

const PASS_TIMESTAMPS: wgpu::Features = wgpu::Features::TIMESTAMP_QUERY
    .union(wgpu::Features::TIMESTAMP_QUERY_INSIDE_ENCODERS)
    .union(wgpu::Features::TIMESTAMP_QUERY_INSIDE_PASSES);

/// What is asked of a device that has it.
const WELCOME: wgpu::Features = PASS_TIMESTAMPS.union(wgpu::Features::SHADER_F16).union(wgpu::Features::PIPELINE_CACHE);

fn open(adapter: &wgpu::Adapter) -> Result<(wgpu::Device, wgpu::Queue), Refused> {
    let flags = adapter.get_downlevel_capabilities().flags;
    if !flags.contains(wgpu::DownlevelFlags::COMPUTE_SHADERS) {
        return Err(Refused::NoComputeShaders);
    }
    let descriptor = wgpu::DeviceDescriptor {
        label: Some("somnium"),
        required_features: adapter.features() & WELCOME,
        required_limits: limits(adapter),
        ..Default::default()
    };
    Ok(pollster::block_on(adapter.request_device(&descriptor))?)
}

fn ranked_adapters(instance: &wgpu::Instance, surface: Option<&wgpu::Surface<'_>>, prefer_software: bool) -> Vec<wgpu::Adapter> {
    let mut found = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::all()));
    if let Some(surface) = surface {
        found.retain(|a| a.is_surface_supported(surface));
    }
    found.sort_by_key(|a| rank(a.get_info().device_type, prefer_software));
    if let Ok(wanted) = std::env::var(ADAPTER_VARIABLE) {
        // Stable: the others follow as they were.
        found.sort_by_key(|a| !is_named(&a.get_info().name, &wanted));
    }
    found
}

/// Whether an adapter is the one asked for: by a part of its name, in any case.
fn is_named(name: &str, wanted: &str) -> bool {
    name.to_lowercase().contains(&wanted.to_lowercase())
}

/// Lower is tried first.
fn rank(kind: wgpu::DeviceType, prefer_software: bool) -> u32 {
    match kind {
        wgpu::DeviceType::Cpu if prefer_software => 0,
        wgpu::DeviceType::DiscreteGpu => 1,
        wgpu::DeviceType::IntegratedGpu => 2,
        wgpu::DeviceType::VirtualGpu => 3,
        wgpu::DeviceType::Other => 4,
        wgpu::DeviceType::Cpu => 5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn software_comes_last_unless_preferred() {
        assert!(rank(wgpu::DeviceType::Cpu, false) > rank(wgpu::DeviceType::Other, false));
        assert!(rank(wgpu::DeviceType::DiscreteGpu, false) < rank(wgpu::DeviceType::IntegratedGpu, false));
        assert!(rank(wgpu::DeviceType::Cpu, true) < rank(wgpu::DeviceType::DiscreteGpu, true));
    }

    #[test]
    fn an_adapter_is_named_by_a_part_of_its_name() {
        assert!(
            is_named("NVIDIA GeForce RTX 4090", "rtx") && is_named("llvmpipe (LLVM 15)", "llvmpipe") && !is_named("llvmpipe", "Radeon")
        );
    }

    #[test]
    fn what_does_not_do_is_passed_over() {
        let mut tried = 0;
        let why = GpuContext::new(&new_instance(), None, true, |_| {
            tried += 1;
            Err(Refused::NotOnThisWindow)
        });
        assert!(tried > 0 && why.is_err_and(|why| why.to_string().contains("it cannot show on this window")));
    }

    #[test]
    fn what_a_device_has_against_a_pipeline_is_said_to_who_attempts_it() {
        let gpu = GpuContext::headless(true).unwrap_or_else(|e| panic!("this test needs a graphics adapter: {e}"));
        let module = gpu.device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: None,
            source: wgpu::ShaderSource::Wgsl("@compute @workgroup_size(1) fn main() {}".into()),
        });
        let pipeline = |entry_point| {
            let compilation_options = WRITTEN_BEFORE_READ;
            let cache = None;
            gpu.attempt(|| {
                gpu.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                    label: None,
                    layout: None,
                    module: &module,
                    entry_point: Some(entry_point),
                    compilation_options,
                    cache,
                })
            })
        };
        assert!(pipeline("main").is_ok());
        let why = pipeline("nowhere").expect_err("there is no such entry").to_string();
        assert!(why.contains("nowhere") && why.lines().count() == 1, "{why}");
        assert!(gpu.health.fault().is_none(), "it is the attempt's alone");
    }

    #[test]
    fn a_poll_that_panics_is_remembered_as_a_lost_device_and_one_that_takes_too_long_is_not() {
        let health = Health::default();
        let fault = || health.fault().clone();
        assert!(health.polled(|| Ok(wgpu::PollStatus::QueueEmpty)).is_ok() && fault().is_none());
        assert!(matches!(health.polled(|| Err(wgpu::PollError::Timeout)), Err(EngineError::Graphics(_))) && fault().is_none());
        let outcome = health.polled(|| panic!("as the test has it"));
        assert!(matches!(outcome, Err(EngineError::DeviceLost(_))), "{outcome:?}");
        assert!(matches!(fault(), Some(Fault::Lost(_))), "{:?}", fault());
    }

    #[test]
    fn the_first_fault_is_said_and_a_loss_rather_than_an_error() {
        let health = Health::default();
        let said = |fault: Fault| {
            health.report(log::Level::Debug, fault);
            health.fault().clone().map(|known| EngineError::from(known).to_string())
        };
        let [error, loss] = [Fault::Error as fn(String) -> Fault, Fault::Lost];
        for (of, why, expected) in [
            (error, "one", "graphics error: one"),
            (error, "two", "graphics error: one"),
            (loss, "three", "the graphics device was lost: three"),
            (loss, "four", "the graphics device was lost: three"),
            (error, "five", "the graphics device was lost: three"),
        ] {
            assert_eq!(said(of(why.to_owned())).as_deref(), Some(expected), "after {why}");
        }
    }

    #[test]
    fn what_has_no_room_is_told_from_what_is_wrong() {
        let fault = Fault::from(wgpu::Error::OutOfMemory { source: "as the test has it".into() });
        assert_eq!(fault, Fault::Full);
        assert!(EngineError::from(fault).to_string().starts_with("graphics error: the graphics device has no memory left; "));
        // The control: another error says itself what is wrong.
        let (source, description) = ("as the test has it".into(), "wrong".to_owned());
        assert_eq!(Fault::from(wgpu::Error::Validation { source, description }), Fault::Error("wrong".to_owned()));
        // What comes after it is mostly a consequence.
        let health = Health::default();
        for fault in [Fault::Full, Fault::Error("invalid".to_owned())] {
            health.report(log::Level::Debug, fault);
        }
        assert_eq!(*health.fault(), Some(Fault::Full));
    }

    #[test]
    fn an_invalid_call_sets_the_fault_and_does_not_panic() {
        let gpu = GpuContext::headless(true).unwrap_or_else(|e| panic!("{e}"));
        assert!(gpu.check().is_ok());
        let _ = gpu.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("too_large"),
            size: u64::MAX / 2,
            usage: wgpu::BufferUsages::STORAGE,
            mapped_at_creation: false,
        });
        assert!(matches!(gpu.fault(), Some(Fault::Error(why)) if why.contains("too_large")), "{:?}", gpu.fault());
        assert!(matches!(gpu.check(), Err(EngineError::Graphics(_))) && !gpu.is_lost());
        gpu.forgive();
        assert!(gpu.check().is_ok());
    }
}
