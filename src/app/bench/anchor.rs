//! `somnium bench --anchor`: shapes as large as programs whose speed others published, and what they published.

use clap::ValueEnum;

/// A program of others to hold the engines against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Anchor {
    /// A model of the class of 1X's GENIE, in PyTorch: 35 M parameters, 256 tokens, 2 steps.
    #[value(name = "genie-1x")]
    Genie1x,
    /// A player with ONNX on WebGPU: 14.2 M parameters, 256 tokens, 4 frames of context, one step, pictures of 64x64 pixels.
    WebPlayer,
}

impl Anchor {
    /// As large a shape.
    pub fn shape(self) -> &'static str {
        match self {
            Self::Genie1x => "params=35M,layers=6,tokens=256,context=16,steps=2",
            Self::WebPlayer => "d=256,ffn=1632,patch=4,layers=6,tokens=256,context=4,steps=1",
        }
    }

    /// The figure to beat, and where it was got.
    pub fn published(self) -> &'static str {
        match self {
            Self::Genie1x => "30 ms a frame on an RTX 4090: a 1X-GENIE-class model in PyTorch, as published; not measured here",
            Self::WebPlayer => {
                "13.9 ms a frame on an M3 Max, 3.5 to 5 ms of every pass lost to dispatches: a player with ONNX on WebGPU, as published; \
                 not measured here"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::shape::Shape;

    #[test]
    fn shapes_are_as_large_as_what_they_stand_for() {
        let sizes = |anchor: Anchor| -> (f64, [usize; 3]) {
            match anchor {
                Anchor::Genie1x => (35e6, [256, 16, 2]),
                Anchor::WebPlayer => (14.2e6, [256, 4, 1]),
            }
        };
        for anchor in Anchor::value_variants() {
            let shape = Shape::read(anchor.shape()).unwrap();
            let off = |of: Anchor| (shape.parameters().unwrap() as f64 / sizes(of).0 - 1.0).abs();
            for other in Anchor::value_variants() {
                assert_eq!(off(*other) < 0.03, anchor == other, "{shape} has {} parameters", shape.parameters().unwrap());
            }
            assert_eq!([shape.tokens, shape.context, shape.steps as usize], sizes(*anchor).1, "{shape}");
            assert!(anchor.published().ends_with("not measured here"));
        }
    }
}
