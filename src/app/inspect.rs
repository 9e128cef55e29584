//! `somnium inspect`: what is in a pack, and whether the engines here compute what its trainer computed.

use super::open::{EngineChoice, open_engine, read_pack};
use crate::engine::parity::check_parity;
use crate::pack::Pack;

/// Prints a summary, then one line of parity for each engine asked for.
///
/// # Errors
/// One sentence: a pack that cannot be read, or an engine that strays from the trainer's logits.
pub fn run(path: &std::path::Path, choice: EngineChoice) -> Result<(), String> {
    let pack = read_pack(path)?;
    summary(&pack);
    if pack.manifest.parity.is_none() {
        println!("parity     the pack holds no clip to compare with");
        return Ok(());
    }
    let engines: &[EngineChoice] = match choice {
        EngineChoice::Auto => &[EngineChoice::Cpu, EngineChoice::Gpu],
        EngineChoice::Cpu => &[EngineChoice::Cpu],
        EngineChoice::Gpu => &[EngineChoice::Gpu],
    };
    let mut strayed = Vec::new();
    for &choice in engines {
        let mut engine = match open_engine(&pack, choice, None) {
            Ok(engine) => engine,
            // Asked for by name it must be there; else its absence is a fact to print.
            Err(why) if engines.len() > 1 => {
                println!("parity     {choice:?}: {why}");
                continue;
            }
            Err(why) => return Err(why.to_string()),
        };
        let report = check_parity(engine.as_mut(), &pack).map_err(|e| e.to_string())?;
        let [frame, token, logit] = report.worst_at;
        println!(
            "parity     {choice:?} on {}: {} logits of {} frames, worst off by {:.2e} ({:.0} % of tolerance, frame {frame} token {token} \
             logit {logit}), same first choice in {:.2} %",
            engine.info().device,
            report.logits,
            report.frames,
            report.worst,
            report.worst_of_tolerance * 100.0,
            report.agreement * 100.0,
        );
        if !report.within_tolerance() {
            strayed.push(format!("{choice:?}"));
        }
    }
    if strayed.is_empty() {
        Ok(())
    } else {
        Err(format!("{} strays from the logits its trainer stored in {}", strayed.join(" and "), path.display()))
    }
}

fn summary(pack: &Pack) {
    let m = &pack.manifest;
    let bytes: usize = pack.tensors.values().map(|t| t.bytes.len()).sum();
    let frame = m.frame;
    println!("name       {}", m.name);
    println!("licence    {}", m.licence);
    println!("size       {:.1} MB in {} tensors", bytes as f64 / 1e6, pack.tensors.len());
    println!("frame      {}x{} px at {} Hz", frame.width_px, frame.height_px, frame.rate_hz);
    println!(
        "tokens     {}x{} of {} px{}, {} dimensions of {} levels ({:.1} bits a token)",
        frame.grid_w(),
        frame.grid_h(),
        frame.patch_px,
        if frame.look { " and one of the look" } else { "" },
        frame.code_dims,
        frame.code_levels,
        frame.code_dims as f64 * (frame.code_levels as f64).log2(),
    );
    match &m.dynamics {
        None => println!("dynamics   none: a tokenizer only"),
        Some(d) => println!(
            "dynamics   {} blocks of {} channels, {} heads, window {}, {} actions, {} context levels, prompts up to {} words",
            d.blocks.len(),
            d.channels,
            d.heads,
            d.window,
            d.actions,
            d.context_levels,
            d.prompt_words,
        ),
    }
    println!("play       {} steps at temperature {}, window {}", m.play.steps, m.play.temperature, m.play.window);
    for (code, action) in m.actions.iter().enumerate() {
        let bound = if action.bound_to.is_empty() { String::new() } else { format!(", bound to {}", action.bound_to.join(", ")) };
        println!(
            "action {code:<3} {}: {:.1} % of steps, purity {:.0} % moved, {:.0} % blocked{bound}",
            action.name,
            action.share * 100.0,
            action.purity_moved * 100.0,
            action.purity_blocked * 100.0,
        );
    }
    println!("words      {}", m.word_table);
    let p = &m.provenance;
    println!("data       {}", p.data);
    println!("trained    {:.0} s on {} with {:?} at {}", p.trained_secs, p.hardware, p.command, p.commit);
    bars(&m.evaluation).into_iter().for_each(|line| println!("{line}"));
}

/// Of the figures that `somnium-train eval --store` wrote those that a bar is set for, a line each.
fn bars(evaluation: &serde_json::Value) -> Vec<String> {
    let figures = evaluation["figures"].as_array().map_or(&[][..], Vec::as_slice);
    let line = |figure: &serde_json::Value| {
        let (bar, name) = (figure["bar"].as_str()?, figure["name"].as_str()?);
        let (dream, unit) = (figure["dream"]["mean"].as_f64()?, figure["unit"].as_str().unwrap_or(""));
        let of_simulator = figure["of_simulator_percent"].as_f64().map(|percent| format!(", {percent:.1} % of the simulator's"));
        Some(format!("evaluated  {name}: {dream:.1} {unit}{} (asked for {bar})", of_simulator.unwrap_or_default()))
    };
    figures.iter().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::bars;
    use serde_json::json;

    #[test]
    fn figures_with_a_bar_are_told_in_a_line_each() {
        let evaluation = json!({ "figures": [
            { "name": "two figures or none", "bar": "<= 1: met", "unit": "%", "dream": { "mean": 0.04 }, "of_simulator_percent": null },
            { "name": "PSNR", "bar": ">= 30: NOT met", "unit": "dB", "dream": { "mean": 29.0 }, "of_simulator_percent": 90.0 },
            { "name": "entropy", "bar": null, "unit": "bits", "dream": { "mean": 2.2 } },
            { "name": "confidence", "bar": ">= 1: met", "unit": "%", "dream": null },
        ] });
        let told = bars(&evaluation);
        assert_eq!(
            told,
            [
                "evaluated  two figures or none: 0.0 % (asked for <= 1: met)",
                "evaluated  PSNR: 29.0 dB, 90.0 % of the simulator's (asked for >= 30: NOT met)"
            ]
        );
        // A pack that was never judged, or by something else.
        assert!(bars(&json!(null)).is_empty() && bars(&json!({ "figures": 3 })).is_empty());
    }
}
