//! The graphics device that engine and window share: adapter choice, limits asked for, and what happens when the device goes away.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
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
    health: Arc<Health>,
    waits: Arc<Waits>,
}

/// Of [`GpuContext::wait`], counted from 1: how many were begun, and the newest whose work is done, with that of all before it.
#[derive(Debug, Default)]
struct Waits {
    begun: AtomicU64,
    done: AtomicU64,
}

/// What went wrong with the device since it was made; written by its callbacks.
#[derive(Debug, Default)]
struct Health {
    lost: AtomicBool,
    errors: AtomicBool,
    /// First message only: later ones are mostly its consequences.
    message: Mutex<Option<String>>,
}

impl Health {
    fn report(&self, flag: &AtomicBool, level: log::Level, message: String) {
        flag.store(true, Ordering::Release);
        let mut first = self.message.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if first.is_none() {
            log::log!(level, "{message}");
            *first = Some(message);
        } else {
            log::debug!("{message}");
        }
    }

    /// What became of a poll. Where the driver says meanwhile that the device is lost, wgpu 30 panics (`PollError` has no word for that): that is reported here
    /// as any other loss.
    fn polled(&self, poll: impl FnOnce() -> Result<wgpu::PollStatus, wgpu::PollError>) -> Result<(), EngineError> {
        match catch_unwind(AssertUnwindSafe(poll)) {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(why)) => Err(EngineError::DeviceLost(why.to_string())),
            Err(_) => {
                let why = "it could not be polled".to_owned();
                self.report(&self.lost, log::Level::Error, format!("the graphics device was lost: {why}"));
                Err(EngineError::DeviceLost(why))
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
        mut works: impl FnMut(&Self) -> Result<(), String>,
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

    fn watch(instance: wgpu::Instance, adapter: wgpu::Adapter, device: wgpu::Device, queue: wgpu::Queue, summary: AdapterSummary) -> Self {
        let health = Arc::new(Health::default());
        let seen = health.clone();
        device.set_device_lost_callback(move |reason, message| {
            // Destroyed on purpose, as the program ends or a test asks for: nothing to alarm anyone about.
            let level = if reason == wgpu::DeviceLostReason::Destroyed { log::Level::Debug } else { log::Level::Error };
            seen.report(&seen.lost, level, format!("the graphics device was lost: {message}"));
        });
        let seen = health.clone();
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
            seen.report(&seen.errors, log::Level::Error, format!("graphics error: {error}"))
        }));
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

    /// Lets engines on this device take from a folder what an earlier start left there, and leave something themselves.
    #[must_use]
    pub fn with_cache(mut self, folder: Option<PathBuf>) -> Self {
        self.pipelines = folder.as_deref().and_then(|folder| PipelineStore::open(&self.adapter, &self.device, folder)).map(Arc::new);
        self.cache_folder = folder.map(Arc::from);
        self
    }

    /// The device is gone: make a new context and restore the dream from its tokens.
    pub fn is_lost(&self) -> bool {
        self.health.lost.load(Ordering::Acquire)
    }

    /// Forgets the faults of a tier that is not used any more.
    pub(super) fn forgive(&self) {
        self.health.errors.store(false, Ordering::Release);
        *self.health.message.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = None;
    }

    /// Anything went wrong that no call reported; the first message says what.
    pub fn fault(&self) -> Option<String> {
        if !self.is_lost() && !self.health.errors.load(Ordering::Acquire) {
            return None;
        }
        self.health.message.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// # Errors
    /// [`EngineError::DeviceLost`] once the device is lost or has reported an error.
    pub fn check(&self) -> Result<(), EngineError> {
        self.fault().map_or(Ok(()), |message| Err(EngineError::DeviceLost(message)))
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
    /// [`EngineError::DeviceLost`] where the device reports a fault.
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
    /// [`EngineError::DeviceLost`] where waiting fails.
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

fn open(adapter: &wgpu::Adapter) -> Result<(wgpu::Device, wgpu::Queue), String> {
    let flags = adapter.get_downlevel_capabilities().flags;
    if !flags.contains(wgpu::DownlevelFlags::COMPUTE_SHADERS) {
        return Err("it has no compute shaders".to_owned());
    }
    let descriptor = wgpu::DeviceDescriptor {
        label: Some("somnium"),
        required_features: adapter.features() & WELCOME,
        required_limits: limits(adapter),
        ..Default::default()
    };
    pollster::block_on(adapter.request_device(&descriptor)).map_err(|e| e.to_string())
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
            Err("it shows nothing".to_owned())
        });
        assert!(tried > 0 && why.is_err_and(|why| why.to_string().contains("it shows nothing")));
    }

    #[test]
    fn a_poll_that_panics_is_remembered_as_a_lost_device_and_one_that_takes_too_long_is_not() {
        let health = Health::default();
        let is_lost = || health.lost.load(Ordering::Acquire);
        assert!(health.polled(|| Ok(wgpu::PollStatus::QueueEmpty)).is_ok() && !is_lost());
        assert!(health.polled(|| Err(wgpu::PollError::Timeout)).is_err() && !is_lost());
        let outcome = health.polled(|| panic!("as the test has it"));
        assert!(matches!(outcome, Err(EngineError::DeviceLost(_))) && is_lost(), "{outcome:?}");
        let message = health.message.lock().unwrap();
        assert!(message.as_ref().is_some_and(|why| why.contains("lost")), "{message:?}");
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
        assert!(gpu.fault().is_some_and(|m| m.contains("too_large")), "{:?}", gpu.fault());
        assert!(!gpu.is_lost());
    }
}
