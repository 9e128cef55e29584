//! What a device can do, decided once at start; each tier has kernels of its own where it matters.

/// Device tiers, least first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tier {
    /// Compute shaders and nothing more: f16 weights are unpacked with integer arithmetic.
    Bare,
    /// `unpack2x16float`, which all but a few old drivers have. Tiles of 4 by 4 in registers, f32 throughout.
    #[default]
    Base,
}

impl Tier {
    pub fn of(adapter: &wgpu::Adapter) -> Self {
        let flags = adapter.get_downlevel_capabilities().flags;
        if flags.contains(wgpu::DownlevelFlags::SHADER_F16_IN_F32) { Self::Base } else { Self::Bare }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare tier",
            Self::Base => "base tier",
        }
    }
}
