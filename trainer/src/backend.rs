//! Which device trains. Backends are cargo features; `flex` is the one that needs nothing else.

use anyhow::{Result, bail};
use burn::tensor::Device;
use clap::ValueEnum;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Backend {
    /// Portable CPU backend, always there.
    Flex,
    /// libtorch on the CPU (feature `tch`).
    Tch,
    /// libtorch on a CUDA device (feature `tch`).
    TchCuda,
    /// Any GPU through wgpu (feature `wgpu`).
    Wgpu,
    /// Any GPU through Vulkan (feature `vulkan`).
    Vulkan,
}

impl Backend {
    #[allow(deprecated, reason = "burn deprecates its libtorch backend, which is still the fastest on a CPU by far")]
    pub fn device(self) -> Result<Device> {
        let (device, feature): (Option<Device>, &str) = match self {
            #[cfg(feature = "flex")]
            Backend::Flex => (Some(Device::flex()), "flex"),
            #[cfg(not(feature = "flex"))]
            Backend::Flex => (None, "flex"),
            #[cfg(feature = "tch")]
            Backend::Tch => (Some(Device::libtorch()), "tch"),
            #[cfg(feature = "tch")]
            Backend::TchCuda => (Some(Device::libtorch_cuda(0usize)), "tch"),
            #[cfg(not(feature = "tch"))]
            Backend::Tch | Backend::TchCuda => (None, "tch"),
            #[cfg(feature = "wgpu")]
            Backend::Wgpu => (Some(Device::wgpu(burn::tensor::DeviceKind::DefaultDevice)), "wgpu"),
            #[cfg(not(feature = "wgpu"))]
            Backend::Wgpu => (None, "wgpu"),
            #[cfg(feature = "vulkan")]
            Backend::Vulkan => (Some(Device::vulkan(burn::tensor::DeviceKind::DefaultDevice)), "vulkan"),
            #[cfg(not(feature = "vulkan"))]
            Backend::Vulkan => (None, "vulkan"),
        };
        match device {
            Some(device) => Ok(device),
            None => bail!("this build has no {feature} backend: build it with `--features {feature}`"),
        }
    }

    pub fn label(self) -> &'static str {
        match self {
            Backend::Flex => "burn flex (CPU)",
            Backend::Tch => "burn tch (libtorch, CPU)",
            Backend::TchCuda => "burn tch (libtorch, CUDA)",
            Backend::Wgpu => "burn wgpu",
            Backend::Vulkan => "burn wgpu (Vulkan)",
        }
    }
}
