//! What a device can do, decided once at start; each tier has kernels of its own where it matters.

/// Device tiers, least first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    /// Compute shaders and nothing more: f16 weights are unpacked with integer arithmetic.
    Bare,
    /// `unpack2x16float`, which all but a few old drivers have.
    #[default]
    Base,
    /// The type f16: weights are read as what they are.
    F16,
}

impl Tier {
    pub const ALL: [Self; 3] = [Self::Bare, Self::Base, Self::F16];

    /// The best one that the device has.
    pub fn of(adapter: &wgpu::Adapter, device: &wgpu::Device) -> Self {
        let flags = adapter.get_downlevel_capabilities().flags;
        if device.features().contains(wgpu::Features::SHADER_F16) {
            Self::F16
        } else if flags.contains(wgpu::DownlevelFlags::SHADER_F16_IN_F32) {
            Self::Base
        } else {
            Self::Bare
        }
    }

    /// This tier and those below it, best first.
    pub fn and_below(self) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().rev().filter(move |tier| *tier <= self)
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare tier",
            Self::Base => "base tier",
            Self::F16 => "f16 tier",
        }
    }
}
