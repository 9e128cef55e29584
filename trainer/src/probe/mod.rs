//! The probe: a small frozen network that reads a frame as the simulator would describe it. It judges dreams, so it is trained on the
//! simulator alone, once, and kept as a file of its own.

pub mod model;
pub mod samples;
pub mod spoil;
mod stage;
pub mod view;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::{Context, Result, ensure};
use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData, activation};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};
use somnium::pack::PackTensor;

use crate::backend::Backend;
use crate::params;
use crate::patches::push_patches;
use crate::source::HELD_OUT;
use crate::training::{self, Budget, Settings};
use model::{Outputs, ProbeNet};
use samples::KINDS;
use stage::ProbeStage;
use view::View;

/// Key of the metadata that holds [`ProbeInfo`].
const METADATA: &str = "somnium-probe";
/// Frames read at once.
const BATCH: usize = 32;
/// Held-out frames that the floor of confidence is taken from, and the share of them that lies below it.
const FLOOR_FRAMES: usize = 500;
const FLOOR_SHARE: f64 = 0.01;

/// Everything about a probe that is not a weight.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ProbeInfo {
    pub world: String,
    pub view: View,
    /// Words for land, light, weather and style.
    pub words: [Vec<String>; KINDS],
    /// Of the simulator's own frames one in a hundred is read with less confidence.
    pub confidence_floor: f64,
    pub steps: u64,
    pub seed: u64,
    /// On held-out frames.
    pub figures: BTreeMap<String, f64>,
}

/// What the probe reads in one frame; probabilities.
#[derive(Clone, Debug)]
pub struct Reading {
    /// Of each word for land, light, weather and style.
    pub words: [Vec<f32>; KINDS],
    /// That the figure on the centre patch looks north, south, west, east.
    pub facing: [f32; 4],
    /// That there is no figure, one, or more.
    pub figures: [f32; 3],
    /// That a figure stands on the centre patch.
    pub centred: f32,
    /// That something solid lies ahead, by action; nothing does for "stay".
    pub solid_ahead: [f32; 5],
    pub features: Vec<f32>,
}

impl Reading {
    /// Mean over land, light, weather, style and facing of the probability of what seems most likely.
    pub fn confidence(&self) -> f64 {
        let most = |p: &[f32]| f64::from(p[most_likely(p)]);
        (self.words.iter().map(|p| most(p)).sum::<f64>() + most(&self.facing)) / (KINDS + 1) as f64
    }

    /// 0, 1, or 2 for more.
    pub fn figures(&self) -> usize {
        most_likely(&self.figures)
    }

    /// The action whose way the figure looks.
    pub fn faces(&self) -> usize {
        most_likely(&self.facing) + 1
    }

    /// A frame of the world, with its one figure where it belongs.
    pub fn sees_the_world(&self, info: &ProbeInfo) -> bool {
        self.confidence() >= info.confidence_floor && self.figures() == 1 && self.centred > 0.5
    }
}

/// Index of the largest; the first of equals.
pub fn most_likely(p: &[f32]) -> usize {
    (1..p.len()).fold(0, |best, i| if p[i] > p[best] { i } else { best })
}

/// A trained probe.
#[derive(Clone)]
pub struct Probe {
    pub info: ProbeInfo,
    net: ProbeNet,
    device: Device,
}

impl Probe {
    /// Reads RGB frames of the probe's size.
    pub fn read<'a>(&self, frames: impl Iterator<Item = &'a [u8]>) -> Result<Vec<Reading>> {
        read(&self.net, &self.info.view, &groups(&self.info.words), frames, &self.device)
    }

    pub fn save(&self, path: &Path) -> Result<()> {
        let tensors: BTreeMap<String, PackTensor> = params::collect("probe", &self.net)?
            .into_iter()
            .map(|(name, (shape, values))| (name, PackTensor::from_f32s_as_f16(&shape, &values)))
            .collect();
        let views: Vec<(&String, TensorView)> = tensors
            .iter()
            .map(|(name, tensor)| Ok((name, TensorView::new(Dtype::F16, tensor.shape.clone(), &tensor.bytes)?)))
            .collect::<Result<_>>()?;
        let metadata = [(METADATA.to_owned(), serde_json::to_string(&self.info)?)].into();
        safetensors::serialize_to_file(views, Some(metadata), path).with_context(|| format!("cannot write {}", path.display()))
    }

    pub fn load(path: &Path, device: &Device) -> Result<Self> {
        let wrong = || format!("cannot use the probe {}", path.display());
        let bytes = std::fs::read(path).with_context(wrong)?;
        let (_, metadata) = SafeTensors::read_metadata(&bytes).with_context(wrong)?;
        let text = metadata.metadata().as_ref().and_then(|m| m.get(METADATA)).context("it has no description").with_context(wrong)?;
        let info: ProbeInfo = serde_json::from_str(text).with_context(wrong)?;
        let file = SafeTensors::deserialize(&bytes).with_context(wrong)?;
        let mut tensors = BTreeMap::new();
        for (name, tensor) in file.tensors() {
            ensure!(tensor.dtype() == Dtype::F16, "{}: tensor {name} is not f16", path.display());
            let halves = tensor.data().chunks_exact(2).map(|pair| half::f16::from_le_bytes([pair[0], pair[1]]).to_f32());
            tensors.insert(name, (tensor.shape().to_vec(), halves.collect()));
        }
        let net = ProbeNet::new(&info.view, info.words.iter().map(Vec::len).sum(), device);
        let net = params::replace("probe", net, &tensors, device).with_context(wrong)?;
        Ok(Self { info, net, device: device.clone() })
    }
}

/// Where the probe of a world is kept.
pub fn default_path(world: &str) -> PathBuf {
    PathBuf::from(format!("trainer/probes/{world}.safetensors"))
}

/// What to train a probe with.
pub struct Training {
    pub world: String,
    /// Folder of checkpoints and log.
    pub run: PathBuf,
    pub seed: u64,
    pub steps: u64,
    pub backend: Backend,
}

/// Trains a probe, finds its floor of confidence and writes it to `out`.
pub fn train(training: Training, stop: Arc<AtomicBool>, out: &Path) -> Result<()> {
    let Training { world, run, seed, steps, backend } = training;
    let stage = Arc::new(ProbeStage::new(&world, seed)?);
    let device = backend.device()?;
    let budget = Budget::Steps(steps);
    let settings = Settings { run, seed, device: device.clone(), budget, session_steps: None, rate: None, stop };
    let (net, progress) = training::train(stage.clone(), &settings, None)?;
    if !progress.finished {
        println!("{} is as it was; the same command goes on from there", out.display());
        return Ok(());
    }
    let words = samples::scene_words().map(|group| group.into_iter().map(str::to_owned).collect());
    let figures = progress.figures.into_iter().collect();
    let info = ProbeInfo { world, view: stage.view, words, confidence_floor: 0.0, steps: progress.step, seed, figures };
    let mut probe = Probe { info, net: net.valid(), device };
    let frames = stage.samples(HELD_OUT + 2, FLOOR_FRAMES, false)?;
    let mut confidence: Vec<f64> = probe.read(frames.iter().map(|s| s.rgb.as_slice()))?.iter().map(Reading::confidence).collect();
    confidence.sort_by(f64::total_cmp);
    probe.info.confidence_floor = confidence[(FLOOR_SHARE * FLOOR_FRAMES as f64) as usize];
    probe.save(out)?;
    let kb = std::fs::metadata(out)?.len() as f64 / 1e3;
    println!("{}: {kb:.0} kB, reads held-out frames with a confidence of {:.2} or more", out.display(), probe.info.confidence_floor);
    Ok(())
}

/// Where each group of words starts in a row of logits, and how many it has.
fn groups<W>(words: &[Vec<W>; KINDS]) -> [(usize, usize); KINDS] {
    let mut start = 0;
    words.each_ref().map(|words| {
        start += words.len();
        (start - words.len(), words.len())
    })
}

fn read<'a>(
    net: &ProbeNet,
    view: &View,
    groups: &[(usize, usize); KINDS],
    frames: impl Iterator<Item = &'a [u8]>,
    device: &Device,
) -> Result<Vec<Reading>> {
    let frames: Vec<&[u8]> = frames.collect();
    let mut readings = Vec::with_capacity(frames.len());
    let (columns, rows) = view.figure();
    let centre: Vec<usize> = rows.flat_map(|row| columns.clone().map(move |column| row * view.columns() + column)).collect();
    for batch in frames.chunks(BATCH) {
        let mut cells = Vec::new();
        batch.iter().for_each(|rgb| push_patches(rgb, &view.dims(), 1, &mut cells));
        let width = view.dims().patch_values();
        let cells = Tensor::from_data(TensorData::new(cells, [batch.len() * view.cells(), width]), device);
        let Outputs { words, facing, figures, solid, figure, features } = net.forward(cells, view);
        let softmax = |logits: Tensor<2>| activation::softmax(logits, 1);
        let mut all: Vec<Tensor<2>> = groups.iter().map(|&(start, len)| softmax(words.clone().narrow(1, start, len))).collect();
        all.extend([softmax(facing), softmax(figures), activation::sigmoid(solid), activation::sigmoid(figure), features]);
        let widths: Vec<usize> = all.iter().map(|t| t.dims()[1]).collect();
        let values = Tensor::cat(all, 1).try_into_vec_as::<f32>()?;
        for row in values.chunks_exact(widths.iter().sum()) {
            let mut rest = row;
            let mut parts = widths.iter().map(|width| {
                let (part, tail) = rest.split_at(*width);
                rest = tail;
                part
            });
            let mut next = || parts.next().unwrap_or_default();
            let words = std::array::from_fn(|_| next().to_vec());
            let (facing, figures, solid, figure) = (next(), next(), next(), next());
            let most = |cells: Vec<usize>| cells.into_iter().map(|cell| solid[cell]).fold(0.0, f32::max);
            readings.push(Reading {
                words,
                facing: std::array::from_fn(|i| facing[i]),
                figures: std::array::from_fn(|i| figures[i]),
                centred: centre.iter().map(|cell| figure[*cell]).sum::<f32>() / centre.len() as f32,
                solid_ahead: std::array::from_fn(|action| if action == 0 { 0.0 } else { most(view.ahead(action)) }),
                features: next().to_vec(),
            });
        }
    }
    Ok(readings)
}
