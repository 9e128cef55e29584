//! `somnium-train eval` from end to end: what it says of a broken dream, of packs it cannot judge in full, and to bad input.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use somnium::pack::Pack;
use somnium::pack::manifest::{BlockKind, LamDims, Manifest};
use somnium::pack::random::{plain_manifest, random_pack};

const PROBE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/probes/isles.safetensors");

/// The frame of `isles` and everything else as small as it may be; each action has a code of its own.
fn manifest() -> Manifest {
    let mut m = plain_manifest();
    let tokenizer = &mut m.tokenizer;
    (tokenizer.channels, tokenizer.heads, tokenizer.encoder_blocks, tokenizer.decoder_blocks) = (16, 2, 0, 0);
    (tokenizer.patch_in_hidden, tokenizer.patch_out_hidden, tokenizer.ffn_hidden) = (16, 16, 16);
    let dynamics = m.dynamics.as_mut().expect("a dynamics");
    (dynamics.channels, dynamics.heads, dynamics.ffn_hidden, dynamics.head_hidden) = (16, 2, 16, 8);
    dynamics.blocks = vec![BlockKind { temporal: true, prompt: true }];
    (dynamics.window, m.play.window) = (4, 4);
    m.lam = Some(LamDims { channels: 16, heads: 2, blocks: 0, ffn_hidden: 16, shrink: 4, reach: 2, bits: 3 });
    for (action, name) in m.actions.iter_mut().zip(["stay", "north", "south", "west", "east"]) {
        action.bound_to = vec![name.to_owned()];
    }
    m.provenance.world = Some("isles".to_owned());
    m
}

fn write(pack: &Pack, folder: &Path) -> String {
    let path = folder.join("pack.safetensors");
    pack.write(&path).expect("the pack can be written");
    path.to_str().expect("a plain path").to_owned()
}

/// Runs in `folder`, where no probe lies.
fn train(folder: &Path, words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_somnium-train")).current_dir(folder).args(words).output().expect("somnium-train runs")
}

fn succeed(folder: &Path, words: &[&str]) -> String {
    let output = train(folder, words);
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn figures(folder: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(folder.join("out/figures.json")).expect("figures are written")).expect("they are JSON")
}

/// The row whose family and name begin so.
fn row<'a>(figures: &'a Value, family: &str, name: &str) -> &'a Value {
    let begins = |row: &&Value, key: &str, with: &str| row[key].as_str().is_some_and(|text| text.starts_with(with));
    let rows = figures["figures"].as_array().expect("a list of figures");
    rows.iter().find(|row| begins(row, "family", family) && begins(row, "name", name)).unwrap_or_else(|| panic!("no row {family}: {name}"))
}

#[test]
fn the_probe_notices_broken_dreams_and_sees_the_simulator() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let pack = write(&random_pack(manifest(), 1).expect("a pack"), folder.path());
    let said = succeed(folder.path(), &["eval", &pack, "--tiny", "--probe", PROBE, "--out", "out", "--store"]);
    let figures = figures(folder.path());
    let probe = "the probe on broken dreams";
    let number = |row: &Value, key: &str| row["others"][key].as_f64().unwrap_or_else(|| panic!("{row}"));
    let simulator = |row: &Value| row["simulator"]["mean"].as_f64().unwrap_or_else(|| panic!("{row}"));

    let seen = row(&figures, probe, "seen as the world");
    assert!(simulator(seen) > 95.0, "{seen}");
    for kind in ["noise", "blurred", "scrambled"] {
        assert!(number(seen, kind) < 10.0, "{kind}: {seen}");
    }
    // A frozen frame is one of the world, but no key changes anything in it.
    let facing = row(&figures, probe, "the figure looks the asked way");
    assert!(simulator(facing) > 95.0 && number(facing, "frozen") < 60.0, "{facing}");
    let survive = row(&figures, probe, "rollouts that survive");
    assert_eq!(simulator(survive), 100.0, "{survive}");
    for kind in ["noise", "blurred", "scrambled", "frozen"] {
        assert_eq!(number(survive, kind), 0.0, "{kind}: {survive}");
    }
    // Random weights dream no world.
    assert_eq!(row(&figures, "stability", "seen as the world")["dream"]["mean"].as_f64(), Some(0.0));

    for family in ["tokenizer", "latent actions", "control", "moving share", "stability", "memory", "prompt"] {
        assert!(said.contains(family) && figures["figures"].as_array().is_some_and(|rows| !rows.is_empty()), "no {family} in {said}");
        row(&figures, family, "");
    }
    for picture in ["sheet.png", "hold.gif", "explorer.gif", "random.gif", "there-and-back.gif"] {
        assert!(folder.path().join("out").join(picture).exists(), "{picture} is missing");
    }
    let stored = Pack::read(Path::new(&pack)).expect("the pack is still valid").manifest.evaluation;
    assert_eq!(stored["settings"]["window"].as_u64(), Some(4), "the figures are stored in the pack");
}

#[test]
fn what_cannot_be_judged_is_left_out_and_said() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let said_of = |change: fn(&mut Manifest)| {
        let mut manifest = manifest();
        change(&mut manifest);
        let pack = write(&random_pack(manifest, 1).expect("a pack"), folder.path());
        succeed(folder.path(), &["eval", &pack, "--tiny", "--out", "out"])
    };
    let recordings = said_of(|m| m.provenance.world = None);
    assert!(recordings.contains("frames dreamed") && recordings.contains("left out: everything that is held against a simulator"));
    assert!(!recordings.contains("PSNR"), "{recordings}");
    assert!(said_of(|m| m.provenance.world = Some("atlantis".to_owned())).contains("\"atlantis\": it is not in this build"));
    let tokenizer = said_of(|m| (m.dynamics, m.lam, m.actions) = (None, None, Vec::new()));
    assert!(tokenizer.contains("PSNR of held-out frames") && tokenizer.contains("left out: everything that is dreamed"), "{tokenizer}");
    assert!(tokenizer.contains("train it with `somnium-train probe --world isles`"), "{tokenizer}");
}

#[test]
fn what_alone_is_asked_for_is_judged_alone() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let pack = write(&random_pack(manifest(), 2).expect("a pack"), folder.path());
    let families = |only: &[&str]| {
        succeed(folder.path(), &[&["eval", &pack, "--tiny", "--probe", PROBE, "--out", "out"], only].concat());
        let figures = figures(folder.path());
        let rows = figures["figures"].as_array().expect("a list of figures");
        let mut names: Vec<String> = rows.iter().map(|row| row["family"].as_str().expect("a name").to_owned()).collect();
        names.dedup();
        names
    };
    assert_eq!(families(&["--only", "speed,tokenizer"]), ["speed", "tokenizer"]);
    assert!(families(&[]).len() > 5);
    // Half a judgement is not a pack's.
    let refused = train(folder.path(), &["eval", &pack, "--only", "speed", "--store"]);
    assert!(!refused.status.success());
}

#[test]
fn a_probe_is_trained_from_its_seed_and_a_bad_one_is_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let train_probe = |name: &str, seed: &str| {
        succeed(folder.path(), &["probe", "--steps", "2", "--run", &format!("run-{name}"), "--out", name, "--seed", seed]);
        std::fs::read(folder.path().join(name)).expect("the probe is written")
    };
    let probe = train_probe("a", "1");
    assert!(probe == train_probe("b", "1"), "the same seed gives the same probe");
    // Not the head of the file, which names the seed.
    let weights = |probe: &[u8]| {
        let (length, rest) = probe.split_first_chunk().expect("a length");
        rest[u64::from_le_bytes(*length) as usize..].to_vec()
    };
    assert!(weights(&probe) != weights(&train_probe("c", "2")));

    let pack = write(&random_pack(manifest(), 1).expect("a pack"), folder.path());
    let refused = |probe: &[u8]| {
        std::fs::write(folder.path().join("bad"), probe).expect("a file");
        let output = train(folder.path(), &["eval", &pack, "--tiny", "--probe", "bad", "--out", "out"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains("cannot use the probe bad") && !said.contains("panicked"), "{said}");
    };
    refused(&probe[..probe.len() / 2]);
    refused(b"no probe");
    let at = probe.windows(13).position(|bytes| bytes == b"somnium-probe").expect("a description");
    let mut renamed = probe.clone();
    renamed[at] = b'x';
    refused(&renamed);
    let said = train(folder.path(), &["probe", "--world", "atlantis", "--steps", "1", "--out", "d"]);
    assert!(String::from_utf8_lossy(&said.stderr).contains("unknown world \"atlantis\""));
}
