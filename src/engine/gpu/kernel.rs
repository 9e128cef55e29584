//! Compute kernels as data: assembled WGSL and what it binds, without a device, so that they can be validated offline.

use super::tier::Tier;
use std::fmt::Write;

/// What a kernel wants at a binding. Bindings 0 (frame, uniform, dynamic offset) and 1 (shape, uniform) are the same for all and left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bind {
    Read,
    ReadWrite,
    /// The frame's texture, rgba8unorm, write only.
    Picture,
}

/// A specialised kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kernel {
    pub stem: &'static str,
    /// Stem of its `.wgsl` and constants: `matmul NORM GELU`. Equal labels mean equal sources.
    pub label: String,
    pub source: String,
    /// From binding 2 on.
    pub binds: &'static [Bind],
    /// What the variables of a workgroup take.
    pub workgroup_bytes: usize,
}

/// A constant put ahead of a kernel's text.
#[derive(Clone, Copy, Debug)]
pub enum Constant {
    Flag(&'static str, bool),
    Size(&'static str, usize),
}

const FRAME: &str = include_str!("../../../shaders/common/frame.wgsl");
pub(super) const ADJACENCY: &str = include_str!("../../../shaders/common/adjacency.wgsl");
pub(super) const MATH: &str = include_str!("../../../shaders/common/math.wgsl");
pub(super) const RANDOM: &str = include_str!("../../../shaders/common/random.wgsl");
pub(super) const ATTEND: &str = include_str!("../../../shaders/common/attend.wgsl");
pub(super) const GRID: &str = include_str!("../../../shaders/common/grid.wgsl");
pub(super) const MAP: &str = include_str!("../../../shaders/common/map.wgsl");

/// How this tier reads f16 weights.
pub(super) fn halves(tier: Tier) -> &'static str {
    match tier {
        Tier::Bare => include_str!("../../../shaders/common/halves_bare.wgsl"),
        Tier::Base => include_str!("../../../shaders/common/halves_base.wgsl"),
        Tier::F16 => include_str!("../../../shaders/common/halves_f16.wgsl"),
    }
}

impl Kernel {
    /// Puts constants, the frame block, `common` and the kernel's own text together, for a kernel without workgroup memory.
    pub(super) fn assemble(stem: &'static str, constants: &[Constant], common: &[&str], text: &str, binds: &'static [Bind]) -> Self {
        let mut label = stem.to_owned();
        let mut source = String::new();
        for constant in constants {
            // Writing to a string cannot fail.
            let _ = match constant {
                Constant::Flag(name, value) => {
                    if *value {
                        let _ = write!(label, " {name}");
                    }
                    writeln!(source, "const {name}: bool = {value};")
                }
                Constant::Size(name, value) => {
                    let _ = write!(label, " {name} {value}");
                    writeln!(source, "const {name}: u32 = {value}u;")
                }
            };
        }
        for part in std::iter::once(&FRAME).chain(common).chain(std::iter::once(&text)) {
            source.push_str(part);
            source.push('\n');
        }
        if source.contains("f16>") {
            source.insert_str(0, "enable f16;\n");
        }
        Self { stem, label, source, binds, workgroup_bytes: 0 }
    }
}
