//! Between a module's parameters and the tensors of a pack: one name for each, that of `docs/MODEL.md`.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Device, Tensor, TensorData};
use half::f16;

/// Shape and values of one parameter.
pub type Values = (Vec<usize>, Vec<f32>);

/// Values as a pack holds them.
pub fn rounded(values: &[f32]) -> Vec<f32> {
    values.iter().map(|v| f16::from_f32(*v).to_f32()).collect()
}

/// The pack's name of a parameter: module path under the stage's prefix, without the list's own name.
fn tensor_name(prefix: &str, path: &[String]) -> String {
    let parts: Vec<&str> = path.iter().map(|part| part.trim_start_matches("r#")).filter(|part| *part != "blocks").collect();
    match parts.as_slice() {
        ["text_in"] => "text.in.w".to_owned(),
        parts => format!("{prefix}.{}", parts.join(".")),
    }
}

/// Every parameter of `module` by its name in a pack.
pub fn collect<M: Module>(prefix: &str, module: &M) -> Result<BTreeMap<String, Values>> {
    struct Collector<'a> {
        prefix: &'a str,
        path: Vec<String>,
        found: BTreeMap<String, Result<Values>>,
    }
    impl ModuleVisitor for Collector<'_> {
        fn enter_module(&mut self, name: &str, _: &str) {
            self.path.push(name.to_owned());
        }
        fn exit_module(&mut self, _: &str, _: &str) {
            self.path.pop();
        }
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let value = param.val();
            let shape = value.dims().to_vec();
            let values = value.try_into_vec_as::<f32>().map(|values| (shape, values)).map_err(anyhow::Error::from);
            self.found.insert(tensor_name(self.prefix, &self.path), values);
        }
    }
    let mut collector = Collector { prefix, path: Vec::new(), found: BTreeMap::new() };
    module.visit(&mut collector);
    collector.found.into_iter().map(|(name, v)| Ok((name.clone(), v.with_context(|| name)?))).collect()
}

/// `module` with every parameter replaced by the tensor of its name.
pub fn replace<M: Module>(prefix: &str, module: M, tensors: &BTreeMap<String, Values>, device: &Device) -> Result<M> {
    struct Replacer<'a> {
        prefix: &'a str,
        path: Vec<String>,
        tensors: &'a BTreeMap<String, Values>,
        device: &'a Device,
        problems: Vec<String>,
    }
    impl ModuleMapper for Replacer<'_> {
        fn enter_module(&mut self, name: &str, _: &str) {
            self.path.push(name.to_owned());
        }
        fn exit_module(&mut self, _: &str, _: &str) {
            self.path.pop();
        }
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let name = tensor_name(self.prefix, &self.path);
            let wanted = param.val().dims().to_vec();
            match self.tensors.get(&name) {
                Some((shape, values)) if *shape == wanted => {
                    let data = TensorData::new(values.clone(), wanted);
                    param.map(|old| {
                        let fresh = Tensor::from_data(data, self.device);
                        fresh.set_require_grad(old.is_require_grad())
                    })
                }
                Some((shape, _)) => {
                    self.problems.push(format!("tensor {name} has shape {shape:?}, this model needs {wanted:?}"));
                    param
                }
                None => {
                    self.problems.push(format!("tensor {name} is missing"));
                    param
                }
            }
        }
    }
    let mut replacer = Replacer { prefix, path: Vec::new(), tensors, device, problems: Vec::new() };
    let module = module.map(&mut replacer);
    match replacer.problems.as_slice() {
        [] => Ok(module),
        [only] => bail!("{only}"),
        [first, others @ ..] => bail!("{first}, and {} more do not fit: these weights are of another preset", others.len()),
    }
}
