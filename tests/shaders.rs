//! Every assembled shader parses and validates offline, without a device; a broken one does not.
#![cfg(feature = "player")]

use std::collections::BTreeMap;

use naga::back::{hlsl, msl};
use naga::valid::{Capabilities, ModuleInfo, ValidationFlags, Validator};
use somnium::engine::gpu::kernel::{Bind, Kernel};
use somnium::engine::gpu::ops::matmul::{self, Tile, Variant};
use somnium::engine::gpu::ops::{
    BufferId, attend::Keys, common_patch, embed, gains, narrow, odometer, picture, prev, recall, remember, sample, unmask,
};
use somnium::engine::gpu::plan::Plan;
use somnium::engine::gpu::tier::Tier;
use somnium::pack::limits;
use somnium::pack::random::{land_manifest, look_manifest, odd_manifest, plain_manifest, random_pack, tiny_manifest};

/// What the tier asks of a device, and nothing else: the base tier unpacks f16 pairs to f32, the f16 tier has the type.
fn validate(kernel: &Kernel, source: &str) -> Result<Shader, String> {
    let capabilities = match kernel.stem {
        "matmul" if kernel.label.contains("F16") => Capabilities::SHADER_FLOAT16,
        "matmul" if !kernel.label.contains("BARE") => Capabilities::SHADER_FLOAT16_IN_FLOAT32,
        _ => Capabilities::empty(),
    };
    checked(&kernel.label, source, capabilities)
}

fn checked(label: &str, source: &str, capabilities: Capabilities) -> Result<Shader, String> {
    let module = naga::front::wgsl::parse_str(source).map_err(|e| e.emit_to_string_with_path(source, label))?;
    let info =
        Validator::new(ValidationFlags::all(), capabilities).validate(&module).map_err(|e| e.emit_to_string_with_path(source, label))?;
    Ok(Shader { module, info })
}

/// A shader that is valid.
struct Shader {
    module: naga::Module,
    info: ModuleInfo,
}

impl Shader {
    /// In HLSL and in the Metal language, as wgpu says it to Windows and macOS: without a countdown in loops and without cleared workgroup memory, which
    /// pipelines are made without.
    fn translates(&self) -> Result<[String; 2], String> {
        // Half floats came with the compiler after the one that every Windows has.
        let halves = self.module.types.iter().any(|(_, t)| t.inner.scalar() == Some(naga::Scalar::F16));
        let shader_model = if halves { hlsl::ShaderModel::V6_2 } else { hlsl::ShaderModel::V5_1 };
        let options =
            hlsl::Options { shader_model, zero_initialize_workgroup_memory: false, force_loop_bounding: false, ..Default::default() };
        let mut windows = String::new();
        let mut writer = hlsl::Writer::new(&mut windows, &options, &hlsl::PipelineOptions { entry_point: None });
        writer.write(&self.module, &self.info, None).map_err(|e| format!("HLSL: {e}"))?;
        let options = msl::Options {
            lang_version: (2, 4),
            zero_initialize_workgroup_memory: false,
            force_loop_bounding: false,
            ..Default::default()
        };
        let mac = msl::write_string(&self.module, &self.info, &options, &msl::PipelineOptions::default());
        Ok([windows, mac.map_err(|e| format!("MSL: {e}"))?.0])
    }
}

/// Shaders that are whole as they lie in the folder: the window's and the one of `somnium bench`.
const WHOLE: [&str; 3] = ["blit", "first_person", "peak"];

/// Every kind of keys; buffers play no part here.
const KEYS: [Keys; 3] = {
    let b = BufferId(0);
    [Keys::Space { qkv: b }, Keys::Ring { qkv: b, ring: b, bias: b, window: 1 }, Keys::Prompt { query: b, words: b, shares: b, room: 1 }]
};

/// Dimensions and levels of a token: those of the packs below, and the most there can be.
const CODES: [(usize, usize); 5] = [(1, 2), (3, 7), (8, 5), (12, 5), (limits::CODE_DIMS, limits::CODE_LEVELS)];

fn all_kernels() -> BTreeMap<String, Kernel> {
    let mut kernels = vec![unmask::kernel(), picture::kernel(), gains::kernel()];
    for (dims, levels) in CODES {
        let embeds = [(false, false), (true, false), (true, true)].map(|(dynamics, beside)| embed::kernel(dims, levels, dynamics, beside));
        kernels.extend(embeds.into_iter().chain([prev::kernel(dims, levels), recall::kernel(dims, levels)]));
    }
    kernels.extend([common_patch::kernel(), odometer::kernel(), remember::kernel()]);
    kernels.extend([(1, 0), (15, 70), (512, 1), (3800, 1024)].map(|(units, land)| sample::kernel(units, land, 63)));
    kernels.push(narrow::kernel());
    for bits in 0..16 {
        for tier in Tier::ALL {
            let (norm, gelu, residual, scatter) = (bits & 1 > 0, bits & 2 > 0, bits & 4 > 0, bits & 8 > 0);
            for (wide, parts) in [(false, 1), (true, 1), (true, 2), (true, 4)] {
                let variant = Variant { norm, gelu, residual, scatter, tier, wide, tile: Tile::default() };
                kernels.push(matmul::kernel(variant, parts));
                // Every other tile in two variants.
                let others = Tile::ALL.into_iter().filter(|_| bits == 3 || bits == 12);
                kernels.extend(others.map(|tile| matmul::kernel(Variant { tile, ..variant }, parts)));
            }
        }
    }
    for head_vec4s in [1, 2, 3, 8, 16, 32] {
        kernels.extend(KEYS.map(|keys| keys.kernel(head_vec4s)));
    }
    kernels.into_iter().map(|k| (k.label.clone(), k)).collect()
}

#[test]
fn every_shader_is_valid() {
    for kernel in all_kernels().values() {
        let shader = validate(kernel, &kernel.source).unwrap_or_else(|e| panic!("{e}"));
        shader.translates().unwrap_or_else(|e| panic!("{}: {e}", kernel.label));
    }
    for stem in WHOLE {
        let path = format!("{}/shaders/{stem}.wgsl", env!("CARGO_MANIFEST_DIR"));
        let source = std::fs::read_to_string(path).unwrap();
        let shader = checked(stem, &source, Capabilities::empty()).unwrap_or_else(|e| panic!("{e}"));
        shader.translates().unwrap_or_else(|e| panic!("{stem}: {e}"));
    }
}

/// The file list is the folder's: a shader that no kernel uses would be validated by nobody.
#[test]
fn every_file_belongs_to_a_kernel() {
    let stems: Vec<String> = all_kernels().keys().filter_map(|label| label.split(' ').next().map(str::to_owned)).collect();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/shaders");
    let files = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).filter(|p| p.extension().is_some_and(|e| e == "wgsl"));
    let mut count = 0;
    for file in files {
        let stem = file.file_stem().unwrap().to_str().unwrap();
        assert!(stems.iter().any(|s| s == stem) || WHOLE.contains(&stem), "no kernel is made from {}", file.display());
        count += 1;
    }
    assert_eq!(count, 15 + WHOLE.len(), "kernels found in {folder}");
}

/// What a shader declares from binding 2 on; `None` is what no plan can bind.
fn declared(module: &naga::Module) -> BTreeMap<u32, Option<Bind>> {
    let kind = |v: &naga::GlobalVariable| match (v.space, &module.types[v.ty].inner) {
        (naga::AddressSpace::Storage { access }, _) if access == naga::StorageAccess::LOAD => Some(Bind::Read),
        (naga::AddressSpace::Storage { access }, _) if access == naga::StorageAccess::LOAD | naga::StorageAccess::STORE => {
            Some(Bind::ReadWrite)
        }
        (
            naga::AddressSpace::Handle,
            naga::TypeInner::Image {
                dim: naga::ImageDimension::D2,
                arrayed: false,
                class: naga::ImageClass::Storage { format: naga::StorageFormat::Rgba8Unorm, access: naga::StorageAccess::STORE },
            },
        ) => Some(Bind::Picture),
        _ => None,
    };
    let bound = module.global_variables.iter().filter_map(|(_, v)| Some((v.binding?.binding, kind(v))));
    bound.filter(|(binding, _)| *binding >= 2).collect()
}

/// What a plan binds is what the shader declares, in number and in kind; so is the memory that a workgroup is said to take.
#[test]
fn bindings_agree_with_the_shader() {
    for kernel in all_kernels().values() {
        let Shader { module, .. } = validate(kernel, &kernel.source).unwrap();
        let bound: BTreeMap<u32, Option<Bind>> = (2..).zip(kernel.binds.iter().copied().map(Some)).collect();
        assert_eq!(declared(&module), bound, "{}", kernel.label);
        // Negative control: what was only read is written too.
        let source = kernel.source.replace("var<storage, read>", "var<storage, read_write>");
        let other = naga::front::wgsl::parse_str(&source).unwrap();
        assert_eq!(declared(&other) != bound, kernel.binds.contains(&Bind::Read), "{}", kernel.label);
        let storage = module.global_variables.iter().filter(|(_, v)| matches!(v.space, naga::AddressSpace::Storage { .. })).count();
        assert!(storage <= 8, "{} binds {storage} storage buffers", kernel.label);
        let of_workgroup = module.global_variables.iter().filter(|(_, v)| v.space == naga::AddressSpace::WorkGroup);
        let bytes: u32 = of_workgroup.map(|(_, v)| module.types[v.ty].inner.size(module.to_ctx())).sum();
        assert_eq!(bytes as usize, kernel.workgroup_bytes, "{}", kernel.label);
    }
}

#[test]
fn plans_use_only_kernels_tested_here_and_equal_labels_mean_equal_sources() {
    let known = all_kernels();
    for (manifest, tier, wide) in [
        (plain_manifest(), Tier::Base, false),
        (plain_manifest(), Tier::Base, true),
        (odd_manifest(), Tier::Bare, false),
        (odd_manifest(), Tier::Bare, true),
        (look_manifest(), Tier::Base, false),
        (land_manifest(), Tier::Base, false),
        (tiny_manifest(), Tier::F16, true),
        (plain_manifest(), Tier::F16, true),
    ] {
        let plan = Plan::new(&random_pack(manifest, 1).unwrap(), tier, wide).unwrap();
        for pass in plan.passes() {
            match known.get(&pass.kernel.label) {
                Some(kernel) => assert_eq!(kernel.source, pass.kernel.source),
                None => assert!(["HEAD4", "UNITS"].iter().any(|size| pass.kernel.label.contains(size)), "{}", pass.kernel.label),
            }
            validate(&pass.kernel, &pass.kernel.source).unwrap_or_else(|e| panic!("{e}"));
        }
    }
}

#[test]
fn a_broken_shader_is_found() {
    let kernel = sample::kernel(15, 0, 63);
    let wrong_type = kernel.source.replace("choice[n * shape.dims + d] = best;", "choice[n * shape.dims + d] = score[0];");
    assert_ne!(wrong_type, kernel.source);
    assert!(validate(&kernel, &wrong_type).is_err());
    let wrong_syntax = kernel.source.replace("var best = 0u;", "var best = ;");
    assert!(validate(&kernel, &wrong_syntax).is_err());
    // Valid, and nothing that the oldest shader model has.
    let eyes = "@fragment fn main(@builtin(view_index) eye: u32) -> @location(0) vec4f { return vec4f(f32(eye)); }";
    let refused = checked("eyes", eyes, Capabilities::MULTIVIEW).unwrap().translates();
    assert!(refused.is_err_and(|why| why.starts_with("HLSL")));
}
