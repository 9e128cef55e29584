//! From what the command line names to something that plays.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::gallery::{self, GalleryItem};
use super::start::{DEFAULT_SEED, Start};
use crate::dream::runner::{PlayerWish, Request};
use crate::dream::saved::SavedDream;
use crate::dream::session::{DreamSession, Maker};
use crate::dream::still::Still;
use crate::dream::truth::{self, TruthSession};
use crate::dream::{DreamError, Source};
use crate::engine::cpu::{CpuEngine, CpuOptions, CpuWeights};
use crate::engine::gpu::GpuEngine;
use crate::engine::gpu::context::{GpuContext, new_instance, only_software};
use crate::engine::{DecodeSettings, Engine, EngineError};
use crate::pack::Pack;
use crate::worlds;

/// Where the shipped pack lies, from the folder of the program, of the call, and of the sources.
const SHIPPED_PACK: &str = "weights/isles.safetensors";

/// Which engine to dream with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum EngineChoice {
    /// The GPU, or the CPU where every adapter is a software one, or the device cannot play the pack or is much slower at it.
    #[default]
    Auto,
    Gpu,
    Cpu,
}

impl EngineChoice {
    /// Whether to use the GPU, given what `gpu` runs on.
    fn wants_gpu(self, gpu: Option<&GpuContext>) -> bool {
        match (self, gpu) {
            (Self::Gpu, _) => true,
            (Self::Cpu, _) => false,
            (Self::Auto, Some(gpu)) => !gpu.summary.software,
            (Self::Auto, None) => !only_software(&new_instance()),
        }
    }
}

/// What to play; cheap to clone, and can be opened again after a lost device.
#[derive(Clone)]
pub enum Launch {
    World {
        name: String,
        seed: u32,
        hold_ambience: bool,
        frame_px: (usize, usize),
    },
    /// `path`: where the pack lies, unless it is the shipped one.
    Pack {
        pack: Arc<Pack>,
        path: Option<PathBuf>,
        engine: EngineChoice,
        start: Start,
        gallery: Arc<[GalleryItem]>,
    },
}

impl Launch {
    /// # Errors
    /// A sentence with the names there are.
    pub fn world(name: &str, seed: u32, hold_ambience: bool) -> Result<Self, String> {
        let world = find_world(name).map_err(|e| e.to_string())?;
        let frame_px = (world.info().width_px, world.info().height_px);
        Ok(Self::World { name: name.to_owned(), seed, hold_ambience, frame_px })
    }

    /// A pack read and checked, to be started from `image`, or the dream in it, or from the first picture of the gallery.
    ///
    /// # Errors
    /// One sentence naming the pack or the picture.
    pub fn pack(path: &Path, engine: EngineChoice, image: Option<&PathBuf>) -> Result<Self, String> {
        let pack = read_pack(path)?;
        if pack.manifest.dynamics.is_none() {
            return Err(format!("{} holds a tokenizer only: it cannot be played before its dynamics are trained", path.display()));
        }
        let gallery = gallery::of(&pack);
        let start = match image {
            Some(image) => read_start(image, &pack)?,
            None => first_of(&gallery),
        };
        Ok(Self::Pack { pack: Arc::new(pack), path: to_be_named(path), engine, start, gallery })
    }

    pub fn title(&self) -> &str {
        match self {
            Self::World { name, .. } => name,
            Self::Pack { pack, .. } => &pack.manifest.name,
        }
    }

    /// Where the pack lies, unless it is the shipped one.
    pub fn path(&self) -> Option<&PathBuf> {
        match self {
            Self::World { .. } => None,
            Self::Pack { path, .. } => path.as_ref(),
        }
    }

    /// Which engine to dream with.
    pub fn engine(&self) -> EngineChoice {
        match self {
            Self::World { .. } => EngineChoice::default(),
            Self::Pack { engine, .. } => *engine,
        }
    }

    /// Width and height of a frame.
    pub fn frame_px(&self) -> (usize, usize) {
        match self {
            Self::World { frame_px, .. } => *frame_px,
            Self::Pack { pack, .. } => (pack.manifest.frame.width_px, pack.manifest.frame.height_px),
        }
    }

    /// Lets a dream begin elsewhere.
    #[must_use]
    pub fn starting(mut self, elsewhere: Start) -> Self {
        if let Self::Pack { start, .. } = &mut self {
            *start = elsewhere;
        }
        self
    }

    /// The same from the first picture of the gallery.
    #[must_use]
    pub fn anew(self) -> Self {
        let first = first_of(&self.gallery());
        self.starting(first)
    }

    /// The dream that it goes on with, if it does.
    pub fn saved(&self) -> Option<&Arc<SavedDream>> {
        match self {
            Self::Pack { start, .. } => start.saved(),
            Self::World { .. } => None,
        }
    }

    /// The pack that dreams it.
    pub fn dreamer(&self) -> Option<&Arc<Pack>> {
        match self {
            Self::Pack { pack, .. } => Some(pack),
            Self::World { .. } => None,
        }
    }

    /// What leads back to where it began, whatever was shown to it since.
    pub fn beginning(&self, wish: &PlayerWish) -> Request {
        match self {
            Self::Pack { start, .. } => start.request(&wish.prompt, wish.settings.seed),
            Self::World { .. } => Request::Reset,
        }
    }

    /// What leads into another world, by the seed that is wished for: one of the prompt where there is one, else the gallery's next. Whoever brought a
    /// picture stays with it.
    pub fn another(&self, wish: &PlayerWish) -> Request {
        let Self::Pack { start, gallery, .. } = self else { return Request::Reset };
        if !wish.prompt.words.is_empty() {
            return Request::StartFromPrompt;
        }
        let is_ours = |stills: &[Still]| gallery.iter().any(|(_, still, _)| stills == std::slice::from_ref(still));
        let number = wish.settings.seed.wrapping_sub(DEFAULT_SEED) as usize % gallery.len().max(1);
        match (start, gallery.get(number)) {
            (Start::Pictures(stills), _) if !is_ours(stills) => Request::Reset,
            (_, Some((_, still, _))) => Request::StartFrom(vec![still.clone()]),
            (_, None) => Request::Reset,
        }
    }

    /// How many words a prompt may have.
    pub fn prompt_words(&self) -> usize {
        match self {
            Self::World { .. } => truth::PROMPT_WORDS,
            Self::Pack { pack, .. } => pack.manifest.dynamics.as_ref().map_or(0, |d| d.prompt_words),
        }
    }

    pub fn gallery(&self) -> Arc<[GalleryItem]> {
        match self {
            Self::World { .. } => Arc::new([]),
            Self::Pack { gallery, .. } => gallery.clone(),
        }
    }

    /// Opens it on the present thread, with `words` (rows of the word table) in force; the window's device is `gpu`. The first frame is
    /// made with `settings` where it is dreamed.
    ///
    /// # Errors
    /// [`DreamError::NoWorld`], and what the engine says.
    pub fn open_source(&self, gpu: Option<&GpuContext>, words: &[u16], settings: &DecodeSettings) -> Result<Box<dyn Source>, DreamError> {
        match self {
            Self::World { name, seed, hold_ambience, .. } => {
                let mut session = TruthSession::new(find_world(name)?, *seed, *hold_ambience);
                if !words.is_empty() {
                    let start = DecodeSettings { seed: *seed, ..*settings };
                    session.set_prompt(words, 0).and_then(|()| session.reset(&start))?;
                }
                Ok(Box::new(session))
            }
            Self::Pack { pack, engine, start, .. } => {
                let engine = open_engine(pack, *engine, gpu)?;
                let mut session = DreamSession::new(engine)?;
                session.dream_ahead_by(maker(pack.clone()));
                start.begin(&mut session, words, settings)?;
                Ok(Box::new(session))
            }
        }
    }

    /// A fresh engine on another device.
    ///
    /// # Errors
    /// What the engine says.
    pub fn open_engine(&self, gpu: &GpuContext) -> Result<Box<dyn Engine>, EngineError> {
        match self {
            Self::World { .. } => Err(EngineError::NoDynamics),
            Self::Pack { pack, engine, .. } => open_engine(pack, *engine, Some(gpu)),
        }
    }

    /// From now on the processor dreams, where a choice was left; whether that is news.
    pub fn fall_back(&mut self) -> bool {
        match self {
            Self::Pack { engine: engine @ EngineChoice::Auto, .. } => {
                *engine = EngineChoice::Cpu;
                true
            }
            _ => false,
        }
    }
}

fn first_of(gallery: &[GalleryItem]) -> Start {
    gallery.first().map_or(Start::Words, |(_, still, _)| Start::Pictures([still.clone()].into()))
}

/// How a pack is named from any folder; not at all where it is the one that is played without a name.
fn to_be_named(pack: &Path) -> Option<PathBuf> {
    let from_anywhere = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let is_shipped = shipped_pack().is_ok_and(|shipped| from_anywhere(&shipped) == from_anywhere(pack));
    (!is_shipped).then(|| from_anywhere(pack))
}

fn find_world(name: &str) -> Result<Box<dyn worlds::World>, DreamError> {
    worlds::by_name(name).ok_or_else(|| DreamError::NoWorld { name: name.to_owned() })
}

/// # Errors
/// One sentence naming the file and what is wrong with it.
pub fn read_pack(path: &Path) -> Result<Pack, String> {
    Pack::read(path).map_err(|e| e.to_string())
}

/// Where a picture leads, or the dream in it.
///
/// # Errors
/// One sentence naming the picture.
pub fn read_start(picture: &PathBuf, pack: &Pack) -> Result<Start, String> {
    let (start, notice) = Start::read(std::slice::from_ref(picture), pack)?;
    notice.iter().for_each(|notice| log::warn!("{notice}"));
    Ok(start)
}

/// A device without a window.
///
/// # Errors
/// As [`GpuContext::headless`].
pub fn headless_gpu() -> Result<GpuContext, EngineError> {
    Ok(GpuContext::headless(false)?.with_cache(cache_folder()))
}

/// Where starts leave something for the next: `SOMNIUM_CACHE` where that is set, else the system's folder for caches.
pub fn cache_folder() -> Option<PathBuf> {
    let folder = || Some(directories::ProjectDirs::from("", "", "somnium")?.cache_dir().to_owned());
    std::env::var_os("SOMNIUM_CACHE").map(PathBuf::from).or_else(folder)
}

/// The engine for a pack; a window lends its device.
///
/// # Errors
/// As the engine's.
pub fn open_engine(pack: &Pack, choice: EngineChoice, gpu: Option<&GpuContext>) -> Result<Box<dyn Engine>, EngineError> {
    let engine: Box<dyn Engine> = if choice.wants_gpu(gpu) {
        let gpu = match gpu {
            Some(gpu) => gpu.clone(),
            None => headless_gpu()?,
        };
        let made = if choice == EngineChoice::Auto { GpuEngine::unless_slow(gpu, pack) } else { GpuEngine::new(gpu, pack) };
        match made {
            Err(why) if choice == EngineChoice::Auto && is_of_device(&why) => {
                log::warn!("{why}; the CPU engine takes over");
                Box::new(CpuEngine::new(pack, CpuOptions::default())?)
            }
            engine => Box::new(engine?),
        }
    } else {
        Box::new(CpuEngine::new(pack, CpuOptions::default())?)
    };
    let info = engine.info();
    log::info!("dreaming with the {:?} engine on {}", info.kind, info.device);
    Ok(engine)
}

/// The device's fault and not the pack's: too small, wrong, slow or gone.
fn is_of_device(why: &EngineError) -> bool {
    use EngineError::{DeviceLost, Full, Graphics, Input, Slow, Wrong};
    matches!(why, Wrong(_) | Input { .. } | Slow { .. } | Full | DeviceLost(_) | Graphics(_))
}

/// What dreams ahead of who sees from within; all share their weights.
pub fn maker(pack: Arc<Pack>) -> Maker {
    let mut known: Option<CpuWeights> = None;
    Box::new(move || {
        let weights = match &known {
            Some(weights) => weights.clone(),
            None => known.insert(CpuWeights::load(&pack)?).clone(),
        };
        Ok(Box::new(CpuEngine::with_weights(&pack, weights, CpuOptions::default())?))
    })
}

/// The pack that is shipped with the program.
///
/// # Errors
/// A sentence that says where it was looked for and what to do instead.
pub fn shipped_pack() -> Result<PathBuf, String> {
    let beside_program = std::env::current_exe().ok().and_then(|exe| exe.parent().map(Path::to_owned));
    let folders = [beside_program, Some(PathBuf::from(".")), Some(PathBuf::from(env!("CARGO_MANIFEST_DIR")))];
    let found = folders.into_iter().flatten().map(|folder| folder.join(SHIPPED_PACK)).find(|path| path.is_file());
    found.ok_or_else(|| {
        format!(
            "there is no {SHIPPED_PACK} beside the program or in this folder; name a pack (somnium FILE.safetensors), or play the \
             simulator with: somnium world isles"
        )
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::dream::runner::Prompt;
    use crate::engine::EngineKind;
    use crate::pack::random::{look_manifest, odd_manifest, random_pack, tiny_manifest};

    /// A device that passes for one of hardware, and is quick enough whatever it takes.
    fn gpu() -> GpuContext {
        let mut gpu = GpuContext::headless(false).unwrap_or_else(|e| panic!("this test needs a graphics adapter: {e}"));
        gpu.summary.software = false;
        gpu.slow = Duration::MAX;
        gpu
    }

    #[test]
    fn another_world_is_of_the_prompt_or_the_next_picture_and_never_in_place_of_ones_own() {
        let mut manifest = look_manifest();
        (manifest.frame.width_px, manifest.frame.height_px) = (12 * manifest.frame.patch_px, 9 * manifest.frame.patch_px);
        let frame = manifest.frame;
        let pack = Arc::new(random_pack(manifest, 1).unwrap());
        let gallery = gallery::fitted(frame.width_px, frame.height_px);
        let begun = |start: Start, seed: u32, words: &[u16]| {
            let launch = Launch::Pack { pack: pack.clone(), path: None, engine: EngineChoice::Cpu, start, gallery: gallery.clone() };
            let (settings, prompt) =
                (DecodeSettings { seed, ..DecodeSettings::LEAST }, Prompt { words: words.into(), ..Prompt::default() });
            launch.another(&PlayerWish { prompt, ..PlayerWish::standing(settings) })
        };
        let first = || Start::Pictures([gallery[0].1.clone()].into());
        let shows =
            |request: &Request, number: usize| matches!(request, Request::StartFrom(stills) if stills[..] == [gallery[number].1.clone()]);
        assert!(shows(&begun(first(), DEFAULT_SEED + 1, &[]), 1) && shows(&begun(first(), DEFAULT_SEED + 6, &[]), 0));
        assert!(shows(&begun(Start::Words, DEFAULT_SEED + 2, &[]), 2), "nothing is said any more");
        assert!(matches!(begun(first(), 5, &[3]), Request::StartFromPrompt));
        let own = Still { rgb: vec![7; frame.rgb_bytes()] };
        assert!(matches!(begun(Start::Pictures([own].into()), 5, &[]), Request::Reset));
    }

    #[test]
    fn a_pack_is_named_from_any_folder_unless_it_is_the_shipped_one() {
        let named = to_be_named(Path::new("another.safetensors")).expect("another one has a name");
        assert!(named.is_absolute() && named.ends_with("another.safetensors"), "{}", named.display());
        assert_eq!(to_be_named(&shipped_pack().expect("a pack is shipped")), None);
    }

    #[test]
    fn where_the_device_cannot_play_the_cpu_engine_does_unless_the_gpu_is_asked_for() {
        let small = random_pack(tiny_manifest(), 1).unwrap();
        // More memory in a workgroup than any device need have.
        let mut manifest = odd_manifest();
        manifest.frame.code_dims = 16;
        let d = manifest.dynamics.as_mut().unwrap();
        (d.head_hidden, d.vocabulary) = (255, 0);
        let large = random_pack(manifest, 1).unwrap();
        let lost = gpu();
        lost.device.destroy();
        for (pack, gpu, plays_there) in [(&small, gpu(), true), (&large, gpu(), false), (&small, lost, false)] {
            let auto = open_engine(pack, EngineChoice::Auto, Some(&gpu)).unwrap_or_else(|e| panic!("{e}"));
            assert_eq!(auto.info().kind == EngineKind::Gpu, plays_there, "{}", auto.info().device);
            assert_eq!(open_engine(pack, EngineChoice::Gpu, Some(&gpu)).is_ok(), plays_there);
        }
        // Who asks for the GPU gets it, however slow it is.
        let mut slow = gpu();
        slow.slow = Duration::ZERO;
        let by_hand = open_engine(&small, EngineChoice::Gpu, Some(&slow)).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(by_hand.info().kind, EngineKind::Gpu);
        // The others are asked whether the processor is quicker, which it is wherever it plays the device.
        let is_processor = slow.adapter.get_info().device_type == wgpu::DeviceType::Cpu;
        let auto = || open_engine(&small, EngineChoice::Auto, Some(&slow)).unwrap_or_else(|e| panic!("{e}")).info().kind;
        assert!(!is_processor || (0..5).any(|_| auto() == EngineKind::Cpu), "the slow device dreams");
        // What is wrong with a pack is said, and no other engine tried.
        let mut broken = small;
        broken.tensors.clear();
        let why = open_engine(&broken, EngineChoice::Auto, Some(&gpu())).err();
        assert!(matches!(why, Some(EngineError::Pack(_))), "{why:?}");
    }
}
