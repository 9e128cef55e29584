//! A running mean of the weights of a model in training (Polyak and Juditsky 1992; Tarvainen and Valpola 2017): what a high learning rate
//! leaves rough evens out in it. It is what is judged and exported; training itself goes on from the weights of the last step.

use std::collections::VecDeque;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::Tensor;

/// Steps that count, about, once there are many; in the beginning a ninth of all.
const HORIZON: f64 = 300.0;

/// `mean` moved towards the weights of step `step`, from 0, as they are after it.
pub fn towards<M: Module>(mean: M, model: &M, step: u64) -> M {
    struct Reader(VecDeque<Tensor<1>>);
    impl ModuleVisitor for Reader {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.0.push_back(param.val().flatten(0, D - 1));
        }
    }
    struct Mover {
        fresh: VecDeque<Tensor<1>>,
        share: f64,
    }
    impl ModuleMapper for Mover {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let Some(fresh) = self.fresh.pop_front() else { return param };
            let share = self.share;
            param.map(|mean| {
                let shape = mean.dims();
                mean.clone() + (fresh.reshape(shape) - mean) * share
            })
        }
    }
    let mut reader = Reader(VecDeque::new());
    model.visit(&mut reader);
    mean.map(&mut Mover { fresh: reader.0, share: (9.0 / (10.0 + step as f64)).max(1.0 / HORIZON) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::layers::Linear;
    use burn::tensor::Device;

    #[test]
    fn the_mean_follows_and_evens_out() {
        let device = Device::flex();
        let values = |model: &Linear| model.w.val().sum().into_scalar::<f32>();
        let of = |value: f32| Linear { w: Param::from_tensor(Tensor::full([2, 2], value, &device)), b: None };
        let mut mean = of(0.0);
        // Of the mean and of the model.
        let mut seen = [Vec::new(), Vec::new()];
        for step in 0..2000 {
            // It swings around one.
            let model = of(if step % 2 == 0 { 0.0 } else { 2.0 });
            mean = towards(mean, &model, step);
            seen.iter_mut().zip([&mean, &model]).for_each(|(seen, weights)| seen.push(values(weights) / 4.0));
        }
        assert!(seen[0][1] > 0.5, "the first steps are followed closely: {}", seen[0][1]);
        assert!((seen[0][1999] - 1.0).abs() < 0.01, "{}", seen[0][1999]);
        // Negative control: the model itself never comes to rest.
        let [rests, swings] = seen.map(|seen| {
            let last = &seen[1900..];
            last.iter().copied().fold(f32::MIN, f32::max) - last.iter().copied().fold(f32::MAX, f32::min)
        });
        assert!(swings > 1.0 && rests < swings / 100.0, "{rests}, {swings}");
    }
}
