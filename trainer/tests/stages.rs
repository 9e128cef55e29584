//! The trainer's program from end to end, at toy size: every stage, resume, export, parity, and what it says to bad input.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::process::{Command, Output};

use somnium::clips::record_clip;
use somnium::dream::Intent;
use somnium::engine::cpu::{CpuEngine, CpuOptions};
use somnium::engine::parity::check_parity;
use somnium::pack::Pack;
use somnium::pack::manifest::Manifest;
use somnium::worlds::isles::Isles;
use somnium::worlds::policy::Explorer;

fn train(run: &Path, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_somnium-train"));
    command.args(&words[..1]).arg("--run").arg(run).args(["--preset", "tiny", "--backend", "flex"]).args(&words[1..]);
    command.output().expect("somnium-train runs")
}

fn succeed(run: &Path, words: &[&str]) -> String {
    let output = train(run, words);
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn export(run: &Path, more: &[&str]) -> Pack {
    let path = run.join("pack.safetensors");
    let out = path.to_str().expect("a plain path");
    succeed(run, &[&["export", "--out", out], more].concat());
    Pack::read(&path).expect("the exported pack is valid")
}

#[test]
fn every_stage_leads_to_a_pack_that_the_player_reproduces() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let run = folder.path();
    succeed(run, &["tokenizer", "--steps", "6"]);
    let named = succeed(run, &["lam", "--steps", "3"]);
    assert!(named.contains("north"), "{named}");
    succeed(run, &["dynamics", "--steps", "3", "--token-clips", "2"]);
    let mut pack = export(run, &[]);

    let parity = |pack: &Pack| {
        let mut engine = CpuEngine::new(pack, CpuOptions::default()).expect("the engine takes the pack");
        check_parity(&mut engine, pack).expect("the parity clip plays")
    };
    let report = parity(&pack);
    assert!(report.within_tolerance(), "{report:?}");
    assert_eq!(pack.manifest.name, "Isles");
    // Negative control: a parity clip with one logit changed is not reproduced.
    let logits = pack.tensors.get_mut("parity.logits").expect("a parity clip");
    let changed = f32::from_le_bytes([logits.bytes[0], logits.bytes[1], logits.bytes[2], logits.bytes[3]]) + 0.1;
    logits.bytes[..4].copy_from_slice(&changed.to_le_bytes());
    assert!(!parity(&pack).within_tolerance());

    // What stands and of which land tokens are is read off a pack as it was when it was made.
    let path = run.join("pack.safetensors");
    let whole = Pack::read(&path).expect("the pack is valid");
    assert!(whole.manifest.relief.is_some());
    let mut without = whole.clone();
    (without.manifest.relief, without.manifest.provenance.lands) = (None, BTreeMap::new());
    without.write(&path).expect("the pack can be written");
    let output = Command::new(env!("CARGO_BIN_EXE_somnium-train")).arg("relief").arg(&path).output().expect("somnium-train runs");
    let said = String::from_utf8_lossy(&output.stdout);
    let of_a_land: usize = whole.manifest.provenance.lands.values().map(Vec::len).sum();
    assert!(output.status.success() && said.contains(&format!(" are water, {of_a_land} have a land")), "{said}");
    let again = Pack::read(&path).expect("the pack is valid");
    assert!(again == whole && again != without);

    // A pack alone is enough to go on from.
    let again = folder.path().join("again");
    let from = run.join("pack.safetensors");
    let from = from.to_str().expect("a plain path");
    succeed(&again, &["lam", "--steps", "1", "--from", from]);

    // Whoever goes on with other clips and the same encoder forgets no token, and learns new ones.
    let on = folder.path().join("on");
    let with = ["--seed", "9", "--from", from];
    succeed(&on, &[&["dynamics", "--steps", "1", "--token-clips", "2"], &with[..]].concat());
    let dims = pack.manifest.frame.code_dims;
    let tokens = |pack: &Pack| -> HashSet<Vec<u8>> {
        let bytes = pack.u8s("vocabulary.tokens").expect("a vocabulary");
        bytes.chunks_exact(dims).map(<[u8]>::to_vec).collect()
    };
    let later = export(&on, &with);
    let looks = &pack.manifest.provenance.looks;
    assert!(!looks.is_empty() && looks.iter().all(|(name, token)| later.manifest.provenance.looks.get(name) == Some(token)));
    let (known, all) = (tokens(&pack), tokens(&later));
    assert!(known.is_subset(&all) && known.len() < all.len(), "{} tokens, then {}", known.len(), all.len());

    // The dynamics of a pack goes with a better decoder, and not with tokens that are others by now.
    let goes_with = |name: &str, more: &[&str]| {
        let run = folder.path().join(name);
        succeed(&run, &[&["tokenizer", "--steps", "6", "--from", from], more].concat());
        let later = export(&run, &["--from", from]);
        assert!(later.tensors.get("tok.dec.out2.w") != pack.tensors.get("tok.dec.out2.w"), "{name} learns");
        later.manifest.dynamics.is_some()
    };
    assert!(goes_with("stay", &["--codes-stay"]));
    assert!(!goes_with("moved", &[]));

    // Tokens that a tokenizer wrote which has learned on since mean nothing any more: no pack is made of them, and training encodes clips again.
    succeed(run, &["tokenizer", "--steps", "9"]);
    let refused = train(run, &["export"]);
    let why = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && why.contains("tokens of another tokenizer"), "{why}");
    let again = succeed(run, &["dynamics", "--steps", "4", "--token-clips", "2"]);
    assert!(again.contains("encoded again") && again.contains("tokens: 2 clips"), "{again}");
    let same = succeed(run, &["dynamics", "--steps", "5", "--token-clips", "2"]);
    assert!(!same.contains("encoded"), "nothing has changed: {same}");

    // Nor does a dynamics whose steps are used up become a pack of tokens that it never saw.
    succeed(run, &["tokenizer", "--steps", "12"]);
    for words in [&["dynamics", "--steps", "5"][..], &["export"]] {
        let refused = train(run, words);
        let why = String::from_utf8_lossy(&refused.stderr);
        assert!(!refused.status.success() && why.contains("learned other tokens"), "{words:?}: {why}");
    }
    // As many clips as before.
    let learned = succeed(run, &["dynamics", "--steps", "6"]);
    assert!(learned.contains("step 6") && !learned.contains("encoded"), "{learned}");
    assert!(parity(&export(run, &[])).within_tolerance());
}

#[test]
fn a_stopped_run_goes_on_exactly_where_it_was() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let weights = |name: &str, seed: &str, sessions: &[&str]| {
        let run = folder.path().join(name);
        for stage in ["tokenizer", "lam"] {
            for session in sessions {
                succeed(&run, &[stage, "--steps", "6", "--session-steps", session, "--seed", seed]);
            }
        }
        export(&run, &["--seed", seed]).tensors
    };
    let whole = weights("whole", "1", &["6"]);
    assert!(whole == weights("resumed", "1", &["2", "4"]), "two sessions and one give the same weights");
    assert!(whole != weights("other", "2", &["6"]), "another seed gives others");
    // All stages in turn end with the first that is not finished.
    let run = folder.path().join("all");
    let said = succeed(&run, &["all", "--steps", "10", "--session-steps", "1", "--token-clips", "2"]);
    assert!(said.contains("stopped") && run.join("tokenizer").is_dir() && !run.join("lam").exists(), "{said}");
}

#[test]
fn bad_input_is_one_sentence() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let empty = folder.path().join("empty");
    std::fs::create_dir(&empty).expect("a folder");
    let empty = empty.to_str().expect("a plain path").to_owned();
    let cases: [(&[&str], &str); 9] = [
        (&["tokenizer", "--minutes", "-3"], "a finite number above 0"),
        (&["tokenizer", "--minutes", "0"], "a finite number above 0"),
        (&["tokenizer", "--rate", "NaN"], "a finite number above 0"),
        (&["tokenizer", "--hz", "12"], "name their folder with --clips"),
        (&["tokenizer", "--world", "atlantis"], "unknown world \"atlantis\""),
        (&["tokenizer", "--clips", &empty], "holds no .clip files"),
        (&["tokenizer", "--from", &empty], "cannot use the pack"),
        (&["dynamics", "--steps", "1"], "train the latent action model first"),
        (&["export", "--recorded-actions"], "holds no trained tokenizer"),
    ];
    for (i, (words, expected)) in cases.iter().enumerate() {
        let output = train(&folder.path().join(format!("run{i}")), words);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains(expected) && !said.contains("panicked"), "{words:?}: {said}");
    }
}

/// A walk through the built-in land as a GIF, where nobody says which keys were held.
fn walk(path: &Path, seed: u64, frames: usize) {
    let mut world = Isles::new();
    let clip = record_clip(&mut world, &mut Explorer::new(seed), seed, frames, true);
    clip.export_gif(path, 10, 1).expect("a GIF");
}

#[test]
fn recordings_train_a_world_of_their_own() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("a plain path").to_owned();
    let (long, short, clips) = (path("long.gif"), path("short.gif"), path("clips"));
    walk(Path::new(&long), 1, 110);
    walk(Path::new(&short), 2, 30);
    let import = |words: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_somnium-train")).arg("import").args(words).output().expect("somnium-train runs");
        (output.status.success(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
    };
    let (made, said) = import(&[&long, &short, "--caption", "a forest", "--out", &clips]);
    assert!(made && said.contains("long.clip: 110 frames") && said.contains("short.clip: 30 frames, fewer than the 96"), "{said}");
    let (made, said) = import(&["nowhere.gif", "--out", &clips]);
    assert!(!made && said.contains("nowhere.gif") && !said.contains("panicked"), "{said}");

    // From pictures to a pack whose keys do something, though no action was recorded.
    let run = folder.path().join("run");
    let of = ["--clips", &clips, "--hz", "12"];
    succeed(&run, &[&["all", "--steps", "10", "--token-clips", "2"], &of[..]].concat());
    let pack = Pack::read(&run.join("world.safetensors")).expect("the pack is beside its run");
    let Manifest { provenance, actions, frame, suggested_prompts, .. } = &pack.manifest;
    assert_eq!((provenance.world.as_ref(), frame.rate_hz, pack.manifest.licence.as_str()), (None, 12, "not stated"));
    assert_eq!(suggested_prompts, &["a forest"]);
    assert_eq!(pack.manifest.name, "Run");
    for intent in Intent::ALL {
        let bound = actions.iter().filter(|action| action.bound_to.iter().any(|name| name == intent.name())).count();
        assert!(bound == 1, "{} keys for {}: {actions:?}", bound, intent.name());
    }
    let refused = train(&run, &[&["dynamics", "--recorded-actions"], &of[..]].concat());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("no clip records an action"));

    // A run knows what it was started with. Who says something else is told so.
    let again = path("again.safetensors");
    let exported = |words: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_somnium-train"));
        let output = command.args(["export", "--out", &again, "--run"]).arg(&run).args(words).output().expect("somnium-train runs");
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (made, why) = exported(&["--licence", "CC BY 4.0"]);
    assert!(made, "{why}");
    let manifest = Pack::read(Path::new(&again)).expect("the pack is valid").manifest;
    assert_eq!((manifest.frame, manifest.licence.as_str()), (pack.manifest.frame, "CC BY 4.0"));
    let (made, why) = exported(&["--clips", &path("run/../clips")]);
    assert!(made, "the same folder, written in another way: {why}");
    for other in [["--hz", "10"], ["--world", "isles"], ["--seed", "2"], ["--preset", "pocket"], ["--clips", &path("run")]] {
        let (made, why) = exported(&other);
        assert!(!made && why.contains("--hz 12"), "it says how the run was started: {why}");
    }
}

#[test]
fn what_was_wrong_with_a_command_is_not_kept() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let run = folder.path().join("run");
    assert!(!train(&run, &["tokenizer", "--world", "atlantis"]).status.success());
    succeed(&run, &["tokenizer", "--steps", "1"]);
    // One training at a time.
    let lock = std::fs::File::open(run.join("lock")).expect("a run has one");
    lock.lock().expect("nobody else trains here");
    let refused = train(&run, &["tokenizer", "--steps", "2"]);
    let why = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && why.contains("another training is under way"), "{why}");
    drop(lock);
    succeed(&run, &["tokenizer", "--steps", "2"]);
}
