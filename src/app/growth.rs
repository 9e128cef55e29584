//! `somnium bench --growth`: how the time of a frame grows with tokens, context, steps and parameters, one at a time.

use super::bench::{BenchPlan, device, measure};
use super::shape::Shape;
use crate::engine::cpu::CpuEngine;
use crate::engine::gpu::context::GpuContext;
use crate::engine::gpu::plan::Plan;
use crate::engine::gpu::tier::Tier;
use crate::engine::gpu::{GpuEngine, Roofline};
use crate::engine::inputs::play_settings;
use crate::engine::{Engine, EngineError};
use crate::pack::Pack;

/// Where growth is measured from, if no other shape is given.
pub const BASE: &str = "d=256,layers=4,tokens=64,context=16,steps=2";

const TOKENS: [usize; 5] = [16, 32, 64, 128, 256];
const CONTEXT: [usize; 6] = [2, 4, 8, 16, 32, 64];
const STEPS: [u32; 4] = [1, 2, 4, 8];
const CHANNELS: [usize; 6] = [96, 128, 192, 256, 384, 512];

/// One shape, measured.
struct Point {
    /// What was varied.
    x: f64,
    median_ms: f64,
    mul_adds: f64,
}

/// What grows: its name, the shapes, and how much of it a shape has.
type Axis = (&'static str, Vec<Shape>, fn(&Shape) -> Result<f64, String>);

/// Measures every point and prints a table with fitted exponents.
///
/// # Errors
/// One sentence.
pub fn run(base: &Shape, plan: &BenchPlan) -> Result<(), String> {
    let gpu = device(plan.engine).map_err(|e| e.to_string())?;
    println!("growth       of the median of {} frames from {base}, one thing at a time", plan.frames);
    println!("{:<12} {:>9} {:>10} {:>16}", "", "", "median ms", "M multiply-adds");
    let axes: [Axis; 4] = [
        ("tokens", TOKENS.map(|tokens| Shape { tokens, ..*base }).into(), |shape| Ok(shape.tokens as f64)),
        ("context", CONTEXT.map(|context| Shape { context, ..*base }).into(), |shape| Ok(shape.context as f64)),
        ("steps", STEPS.map(|steps| Shape { steps, ..*base }).into(), |shape| Ok(f64::from(shape.steps))),
        ("parameters", CHANNELS.map(|channels| Shape { channels, heads: None, ffn: None, ..*base }).into(), |shape| {
            shape.parameters().map(|n| n as f64)
        }),
    ];
    for (name, shapes, of) in axes {
        let mut points = Vec::with_capacity(shapes.len());
        for shape in shapes {
            let (median_ms, mul_adds) = point(&shape.pack()?, gpu.as_ref(), plan).map_err(|e| e.to_string())?;
            let point = Point { x: of(&shape)?, median_ms, mul_adds };
            println!("{name:<12} {:>9} {median_ms:>10.2} {:>16.1}", point.x, mul_adds / 1e6);
            points.push(point);
        }
        let exponent = |y: fn(&Point) -> f64| slope(points.iter().map(|point| (point.x.ln(), y(point).ln())));
        println!("{name:<12} time ~ {name}^{:.2}, multiply-adds ~ {name}^{:.2}", exponent(|p| p.median_ms), exponent(|p| p.mul_adds));
    }
    Ok(())
}

/// Milliseconds and multiply-adds of a frame.
fn point(pack: &Pack, gpu: Option<&GpuContext>, plan: &BenchPlan) -> Result<(f64, f64), EngineError> {
    let settings = play_settings(&pack.manifest);
    let needs = Roofline::of(&Plan::new(pack, Tier::default(), false)?, settings.steps);
    let mut engine: Box<dyn Engine> = match gpu {
        Some(gpu) => Box::new(GpuEngine::new(gpu.clone(), pack)?),
        None => Box::new(CpuEngine::new(pack, plan.cpu_options())?),
    };
    Ok((measure(engine.as_mut(), &settings, plan.frames)?.at(0.5), needs.ops as f64 / 2.0))
}

/// Slope of the line that fits best (least squares).
fn slope(points: impl Iterator<Item = (f64, f64)> + Clone) -> f64 {
    let n = points.clone().count() as f64;
    let (x_mean, y_mean) = (points.clone().map(|p| p.0).sum::<f64>() / n, points.clone().map(|p| p.1).sum::<f64>() / n);
    let covariance: f64 = points.clone().map(|(x, y)| (x - x_mean) * (y - y_mean)).sum();
    covariance / points.map(|(x, _)| (x - x_mean).powi(2)).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exponent_of_a_power_is_found() {
        let points = [1.0f64, 2.0, 4.0, 9.0].map(|x| (x.ln(), (3.0 * x.powf(1.5)).ln()));
        assert!((slope(points.into_iter()) - 1.5).abs() < 1e-12);
    }

    #[test]
    fn growth_begins_at_a_shape_that_there_is() {
        Shape::read(BASE).unwrap();
    }
}
