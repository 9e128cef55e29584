//! `somnium inspect`: what is in a pack, and whether the engines here compute what its trainer computed; or what dream is in a picture.

use std::path::Path;

use serde_json::{Map, Value};

use super::open::{EngineChoice, open_engine, read_pack};
use super::prompt_history::one_line;
use crate::dream::Intent;
use crate::dream::saved::{About, SavedDream};
use crate::dream::still;
use crate::engine::parity::check_parity;
use crate::pack::Pack;
use crate::pack::manifest::{LatentAction, Manifest};
use crate::prompt;

/// Endings of the names of pictures.
const PICTURES: [&str; 5] = ["png", "jpg", "jpeg", "webp", "gif"];

/// Prints a summary, then one line of parity for each engine asked for.
///
/// # Errors
/// One sentence: a pack that cannot be read, or an engine that strays from the trainer's logits.
pub fn run(path: &Path, choice: EngineChoice) -> Result<(), String> {
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

/// Whether a file is a picture, by its name.
pub fn is_picture(path: &Path) -> bool {
    path.extension().is_some_and(|ending| PICTURES.iter().any(|picture| ending.eq_ignore_ascii_case(picture)))
}

/// Prints what dream of this pack is in a picture.
///
/// # Errors
/// One sentence: a file that cannot be read, or one without such a dream.
pub fn run_picture(path: &Path, pack: &Pack) -> Result<(), String> {
    let picture = still::read(path).map_err(|e| e.to_string())?;
    let saved = SavedDream::in_picture(&picture, pack).map_err(|why| format!("{}: {why}", path.display()))?;
    let none = || format!("there is no dream in {}: pictures saved here carry one, and most programs lose it", path.display());
    told(&saved.ok_or_else(none)?, &pack.manifest).into_iter().for_each(|line| println!("{line}"));
    Ok(())
}

/// What a dream is, a line each.
fn told(saved: &SavedDream, manifest: &Manifest) -> Vec<String> {
    let SavedDream { about, moment } = saved;
    let (before, history) = (moment.before.as_ref().map_or(0, |map| map.frames()), moment.history.len());
    let set = set_otherwise(about, manifest);
    vec![
        format!("dream of   {}", one_line(&about.title)),
        format!("prompt     {}", one_line(&about.prompt)),
        format!("heard      {}", prompt::text_of(&prompt::heard(&about.words))),
        format!("seed       {}", about.seed),
        format!("settings   {}", if set.is_empty() { "as the pack has them".to_owned() } else { set.join(", ") }),
        format!("frames     {}, the last {history} one by one", u64::from(before) + history as u64),
    ]
}

/// What was set otherwise than the pack has it, by name and value.
fn set_otherwise(about: &About, manifest: &Manifest) -> Vec<String> {
    // By way of a text, in which numbers are as short as they were given.
    let settings = serde_json::to_string(&about.settings(manifest)).and_then(|text| serde_json::from_str::<Map<String, Value>>(&text));
    let settings = settings.unwrap_or_default();
    let value = |name: &str| match settings.get(&name.replace(' ', "_")) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => "none".to_owned(),
        Some(value) => value.to_string(),
    };
    about.set_otherwise().into_iter().map(|name| format!("{name} {}", value(&name))).collect()
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
    m.actions.iter().enumerate().for_each(|(code, action)| println!("action {code:<3} {}", meaning(action)));
    println!("words      {}", m.word_table);
    let p = &m.provenance;
    println!("data       {}", p.data);
    println!("trained    {:.0} s on {} with {:?} at {}", p.trained_secs, p.hardware, p.command, p.commit);
    bars(&m.evaluation).into_iter().for_each(|line| println!("{line}"));
}

/// What a latent action means, and how surely: nothing is said of a code that no step carried, nor of blocked steps under one that stands still, since
/// who stands is never blocked.
fn meaning(action: &LatentAction) -> String {
    let bound = if action.bound_to.is_empty() { String::new() } else { format!(", bound to {}", action.bound_to.join(", ")) };
    let stands = action.bound_to.iter().any(|name| name == Intent::Stay.name());
    let percent = |share: f32| format!("{:.0} %", share * 100.0);
    let pure = match (action.share > 0.0, stands && action.purity_blocked == 0.0) {
        (false, _) => String::new(),
        (true, true) => format!(", purity {} moved, - blocked", percent(action.purity_moved)),
        (true, false) => format!(", purity {} moved, {} blocked", percent(action.purity_moved), percent(action.purity_blocked)),
    };
    format!("{}: {:.1} % of steps{pure}{bound}", action.name, action.share * 100.0)
}

/// Of the figures that `somnium-train eval --store` wrote those that a bar is set for, a line each, after the name they were stored by. Older packs have
/// those of one run, without a name.
fn bars(evaluation: &Value) -> Vec<String> {
    match evaluation.as_object() {
        Some(runs) if !runs.contains_key("figures") => runs.iter().flat_map(|(name, run)| bars_of(&format!("{name}, "), run)).collect(),
        _ => bars_of("", evaluation),
    }
}

fn bars_of(run: &str, evaluation: &Value) -> Vec<String> {
    let figures = evaluation["figures"].as_array().map_or(&[][..], Vec::as_slice);
    let line = |figure: &Value| {
        let (bar, name) = (figure["bar"].as_str()?, figure["name"].as_str()?);
        let (dream, unit) = (figure["dream"]["mean"].as_f64()?, figure["unit"].as_str().unwrap_or(""));
        let of_simulator = figure["of_simulator_percent"].as_f64().map(|percent| format!(", {percent:.1} % of the simulator's"));
        Some(format!("evaluated  {run}{name}: {dream:.1} {unit}{} (asked for {bar})", of_simulator.unwrap_or_default()))
    };
    figures.iter().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::dream::Source;
    use crate::dream::record::write_picture;
    use crate::dream::session::DreamSession;
    use crate::engine::DecodeSettings;
    use crate::engine::cpu::{CpuEngine, CpuOptions};
    use crate::engine::inputs::play_settings;
    use crate::pack::random::{look_manifest, random_pack};

    #[test]
    fn a_dream_in_a_picture_is_told_and_a_picture_without_one_gets_a_sentence() {
        let pack = random_pack(look_manifest(), 5).unwrap();
        let settings = DecodeSettings { seed: 7, temperature: 0.4, ..play_settings(&pack.manifest) };
        let mut dream = DreamSession::new(Box::new(CpuEngine::new(&pack, CpuOptions::default()).unwrap())).unwrap();
        dream.start_from_prompt(&settings).unwrap();
        (0..3).for_each(|_| dream.step(0, &settings).unwrap());
        let rows = prompt::ids(&prompt::read("a snowy forest", 3));
        let saved = SavedDream::new(&pack, dream.moment().unwrap(), &settings, ("a snowy forest".to_owned(), rows));
        let lines = told(&saved, &pack.manifest);
        assert_eq!(lines[..3], ["dream of   random look", "prompt     a snowy forest", "heard      winter forest"]);
        assert_eq!(lines[3..5], ["seed       7", "settings   temperature 0.4"]);
        assert!(lines[5].starts_with("frames     ") && lines[5].ends_with("one by one"), "{lines:?}");

        let folder = tempfile::tempdir().unwrap();
        let [with, without] = ["with.png", "without.PNG"].map(|name| folder.path().join(name));
        let bytes = saved.to_bytes().unwrap();
        for (path, chunk) in [(&with, Some(bytes.as_slice())), (&without, None)] {
            write_picture(path, &dream.read_picture().unwrap(), [35, 21], 1, chunk).unwrap();
            assert!(is_picture(path));
        }
        assert_eq!(run_picture(&with, &pack), Ok(()));
        assert!(run_picture(&without, &pack).is_err_and(|why| why.contains("there is no dream in") && why.contains("without.PNG")));
        let other = random_pack(look_manifest(), 6).unwrap();
        assert!(run_picture(&with, &other).is_err_and(|why| why.contains("of another world")));
        assert!(!is_picture(Path::new("isles.safetensors")) && !is_picture(Path::new("png")));
    }

    #[test]
    fn what_no_step_shows_is_not_said_to_be_impure() {
        let action = |name: &str, [share, purity_moved, purity_blocked]: [f32; 3], bound_to: &[&str]| {
            let bound_to = bound_to.iter().map(|name| (*name).to_owned()).collect();
            LatentAction { name: name.to_owned(), share, purity_moved, purity_blocked, bound_to, motion: [0, 0] }
        };
        let east = action("east", [0.235, 0.988, 1.0], &["east"]);
        assert_eq!(meaning(&east), "east: 23.5 % of steps, purity 99 % moved, 100 % blocked, bound to east");
        // One that takes no blocked step for its own is a fault, and told.
        let west = action("west", [0.2, 1.0, 0.0], &["west"]);
        assert_eq!(meaning(&west), "west: 20.0 % of steps, purity 100 % moved, 0 % blocked, bound to west");
        let stay = action("stay", [0.06, 0.99, 0.0], &["stay"]);
        assert_eq!(meaning(&stay), "stay: 6.0 % of steps, purity 99 % moved, - blocked, bound to stay");
        assert_eq!(meaning(&action("code 0", [0.0; 3], &[])), "code 0: 0.0 % of steps");
    }

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
        let runs = json!({ "quick": evaluation, "long": { "figures": [
            { "name": "PSNR", "bar": ">= 30: met", "unit": "dB", "dream": { "mean": 31.0, "n": 300 } },
        ] } });
        let told = bars(&runs);
        assert_eq!(told.len(), 3);
        assert!(told.contains(&"evaluated  long, PSNR: 31.0 dB (asked for >= 30: met)".to_owned()), "{told:?}");
        assert!(told.contains(&"evaluated  quick, two figures or none: 0.0 % (asked for <= 1: met)".to_owned()), "{told:?}");
        // A pack that was never judged, or by something else.
        assert!(bars(&json!(null)).is_empty() && bars(&json!({ "figures": 3 })).is_empty());
        assert!(bars(&json!(["done"])).is_empty() && bars(&json!({ "by": "hand" })).is_empty());
    }
}
