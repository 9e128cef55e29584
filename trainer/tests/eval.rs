//! `somnium-train eval` from end to end: what it says of a broken dream, of packs it cannot judge in full, and to bad input.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use somnium::clips::record_clip;
use somnium::pack::Pack;
use somnium::pack::manifest::{BlockKind, LamDims, Manifest, Relief, Standing};
use somnium::pack::random::{plain_manifest, random_pack};
use somnium::worlds::isles::Isles;
use somnium::worlds::policy::Explorer;
use somnium::worlds::relief::Cutout;
use somnium::worlds::scene::Feature;

const PROBE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/probes/isles.safetensors");

/// The frame of `isles` and everything else as small as it may be; each action has a code of its own, and a ruin and a hut stand upright.
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
    let token = |level: u8| vec![level; m.frame.code_dims];
    let stands = |level: u8, feature: Feature, parts: [u8; 2]| {
        let cutout = Cutout { rows: vec![1; m.frame.patch_px], height: 1.0, part: [0, 0], parts };
        Standing { token: token(level), ground: token(0), feature: Some(feature), cutout }
    };
    let (ruin, hut) = (stands(1, Feature::Ruins, [1, 1]), stands(2, Feature::Village, [2, 2]));
    let standing = [("meadow_ruin", ruin), ("meadow_hut_0", hut)].map(|(name, standing)| (name.to_owned(), standing)).into();
    m.relief = Some(Relief { sky: [token(0), token(0)], standing, water: Vec::new(), shining: Vec::new() });
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
    // What it was not trained on is shown by strength, whatever it makes of it.
    let unlearned = "breakages the probe was not trained on";
    for (name, strengths) in [
        ("patches of another land", &["5 %", "20 %", "40 %"][..]),
        ("another land in every other patch", &["half of its colours", "all"][..]),
        ("red up and blue down", &["25 %", "50 %", "100 %"][..]),
        ("pictures that stay", &["every 2nd", "3 of 4"][..]),
    ] {
        for what in ["seen as the world", "rollouts that survive"] {
            let row = row(&figures, unlearned, &format!("{name}: {what}"));
            assert!(simulator(row) > 95.0 && row["bar"].is_null(), "{row}");
            assert!(strengths.iter().all(|strength| (0.0..=100.0).contains(&number(row, strength))), "{row}");
        }
    }
    let patches = row(&figures, unlearned, "patches of another land: seen");
    assert!(number(patches, "40 %") < number(patches, "5 %"), "{patches}");
    // Random weights dream no world.
    assert_eq!(row(&figures, "stability", "seen as the world")["dream"]["mean"].as_f64(), Some(0.0));

    for family in ["tokenizer", "latent actions", "control", "moving share", "stability", "memory", "first frames", "houses", "prompt"] {
        assert!(said.contains(family) && figures["figures"].as_array().is_some_and(|rows| !rows.is_empty()), "no {family} in {said}");
        row(&figures, family, "");
    }
    // Whoever asks for a ruin or for a village asks the simulator too.
    let rows = figures["figures"].as_array().expect("a list of figures");
    let of_first = |row: &&Value| row["family"].as_str().is_some_and(|family| family.starts_with("first frames"));
    let first: Vec<&Value> = rows.iter().filter(of_first).collect();
    assert!(first.len() >= 2 && first.iter().all(|row| row["simulator"]["mean"].is_number()), "{first:?}");
    // What a figure is held against plays beside it.
    let beside = |family: &str, name: &str, others: &[&str]| {
        let row = row(&figures, family, name);
        others.iter().for_each(|other| _ = number(row, other));
    };
    beside("moving share", "around frame 50", &["copy", "shift", "simulator as drawn"]);
    // Who has no free way there has no share of it.
    beside("moving share", "free steps that move, around frame 50", &["free of the dream's", "free of the simulator's"]);
    beside("memory", "token agreement", &["no memory", "last frames alone", "copy", "shift"]);
    // Through a tokenizer that learned nothing no way is seen to be free, the simulator's neither.
    assert_eq!(simulator(row(&figures, "stability", "  stretches judged")), 0.0);
    // A frame that stays has no movement, whatever is asked.
    assert_eq!(number(row(&figures, "stability", "  survive if all asked movement counts"), "copy"), 0.0);
    for picture in ["sheet.png", "hold.gif", "explorer.gif", "random.gif", "there-and-back.gif"] {
        assert!(folder.path().join("out").join(picture).exists(), "{picture} is missing");
    }
    let stored = Pack::read(Path::new(&pack)).expect("the pack is still valid").manifest.evaluation;
    assert_eq!(stored["quick"]["settings"]["window"].as_u64(), Some(4), "the figures are stored in the pack");
    // How sure they are goes with them.
    assert!(row(&stored["quick"], "tokenizer", "PSNR")["dream"]["standard_error"].as_f64().is_some_and(|error| error > 0.0), "{stored}");
    assert_eq!(row(&stored["quick"], "tokenizer", "PSNR")["dream"]["n"].as_u64(), Some(4));
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
    assert!(!recordings.contains("PSNR") && recordings.contains("with `--clips FOLDER` more is judged"), "{recordings}");
    assert!(said_of(|m| m.provenance.world = Some("atlantis".to_owned())).contains("\"atlantis\": it is not in this build"));
    let tokenizer = said_of(|m| (m.dynamics, m.lam, m.actions) = (None, None, Vec::new()));
    assert!(tokenizer.contains("PSNR of held-out frames") && tokenizer.contains("left out: everything that is dreamed"), "{tokenizer}");
    assert!(tokenizer.contains("train it with `somnium-train probe --world isles`"), "{tokenizer}");
}

#[test]
fn a_pack_that_recalls_nothing_is_judged_too() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut manifest = manifest();
    manifest.dynamics.as_mut().expect("a dynamics").recall = None;
    let pack = write(&random_pack(manifest.clone(), 1).expect("a pack"), folder.path());
    let said = succeed(folder.path(), &["eval", &pack, "--tiny", "--only", "rollouts,memory,ahead", "--out", "out"]);
    let figures = figures(folder.path());
    assert!(row(&figures, "memory", "token agreement")["others"]["last frames alone"].is_number());
    // Without a probe nobody says which way is free.
    let rows = figures["figures"].as_array().expect("a list of figures");
    assert!(rows.iter().all(|row| row["name"].as_str().is_some_and(|name| !name.starts_with("free steps that move"))));
    // Nor does anybody see land ahead without a map, or know what stands where the pack does not say it.
    assert!(rows.iter().all(|row| row["family"] != "ahead") && said.contains("left out: ahead: the view"), "{said}");
    manifest.relief = None;
    let pack = write(&random_pack(manifest, 1).expect("a pack"), folder.path());
    let flat = succeed(folder.path(), &["eval", &pack, "--tiny", "--only", "ahead,first,houses", "--out", "out"]);
    let why = "left out: ahead, first frames, houses: the pack does not say what stands upright";
    assert!(flat.contains(why) && !said.contains(why), "{flat}");
}

/// Walks through the built-in land as recordings in the folder `clips`, which say which keys were held or do not.
fn record(folder: &Path, keys: bool) {
    let clips = folder.join("clips");
    std::fs::create_dir_all(&clips).expect("a folder");
    for seed in 1..3 {
        let mut clip = record_clip(&mut Isles::new(), &mut Explorer::new(seed), seed, 96, true);
        if !keys {
            clip.actions.fill(None);
        }
        clip.save(&clips.join(format!("walk-{seed}.clip"))).expect("a saved clip");
    }
}

#[test]
fn a_pack_made_from_recordings_is_judged_on_recordings() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let pack_of = |change: fn(&mut Manifest)| {
        let mut manifest = manifest();
        change(&mut manifest);
        write(&random_pack(manifest, 1).expect("a pack"), folder.path())
    };
    let judge = |pack: &str, more: &[&str]| {
        let said = succeed(folder.path(), &[&["eval", pack, "--tiny", "--clips", "clips", "--out", "out"], more].concat());
        (said, figures(folder.path()))
    };
    let pack = pack_of(|m| m.provenance.world = None);
    record(folder.path(), false);
    let (said, rows) = judge(&pack, &[]);
    let control = "control, from true history of recordings";
    for (family, name, beside) in [
        ("tokenizer", "PSNR of recorded frames", None),
        ("tokenizer", "SSIM of recorded frames", None),
        ("tokenizer", "flicker", Some("of all patches stay")),
        (control, "delta-PSNR at t = 4, inferred against random actions", Some("copy")),
        (control, "exact tokens of the next frame", Some("copy")),
        (control, "  of those that change", Some("copy")),
        ("moving share under held keys, by the dream's own odometer", "around frame 50", Some("recording")),
    ] {
        let row = row(&rows, family, name);
        assert!(row["dream"]["mean"].is_number() && beside.is_none_or(|other| row["others"][other].is_number()), "{row}");
    }
    // Ground is much the same everywhere: what is copied is not all wrong.
    assert!(row(&rows, control, "exact tokens")["others"]["copy"].as_f64().is_some_and(|copy| copy > 0.0 && copy <= 100.0));
    assert!(folder.path().join("out/sheet.png").exists());
    let unread = ["stability", "memory", "ahead", "first frames", "houses", "prompt", "dials", "the probe"];
    let why = [&["latent actions: no recording says"][..], &unread].concat();
    why.iter().for_each(|family| assert!(said.contains(&format!("left out: {family}")), "{family}: {said}"));
    let (said, _) = judge(&pack, &["--only", "tokenizer"]);
    assert!(said.contains("PSNR of recorded frames") && !said.contains("exact tokens") && !said.contains("left out: memory"), "{said}");
    // Where no key does anything, the rest is judged all the same.
    let keyless = pack_of(|m| {
        m.provenance.world = None;
        m.actions.iter_mut().for_each(|action| action.bound_to.clear());
    });
    let (said, rows) = judge(&keyless, &[]);
    assert!(said.contains("left out: control: no latent code is bound to a key") && !said.contains("exact tokens"), "{said}");
    row(&rows, "tokenizer", "PSNR of recorded frames");
    // Without a latent action model nobody knows what was done, unless the recordings say it.
    let untold = pack_of(|m| (m.provenance.world, m.lam) = (None, None));
    let (said, _) = judge(&untold, &[]);
    assert!(said.contains("nor a recording says what was done in it") && !said.contains("exact tokens"), "{said}");
    record(folder.path(), true);
    let (_, rows) = judge(&untold, &[]);
    row(&rows, control, "delta-PSNR at t = 4, recorded against random actions");
    let (said, rows) = judge(&pack_of(|m| m.provenance.world = None), &[]);
    row(&rows, "latent actions", "purity, moved steps");
    assert!(!said.contains("left out: latent actions"), "{said}");

    let refused = |pack: &str, clips: &str, seeds: &str, why: &str| {
        let output = train(folder.path(), &["eval", pack, "--tiny", "--clips", clips, "--seeds", seeds, "--out", "out"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(why) && !said.contains("panicked"), "{said}");
    };
    refused(&pack, "nowhere", "usual", "cannot read the folder nowhere");
    refused(&pack, "clips", "final", "recordings have no seeds that are held back");
    refused(&pack_of(|_| ()), "clips", "usual", "--clips is for packs made from recordings");
    let narrow = pack_of(|m| (m.provenance.world, m.frame.width_px) = (None, 128));
    refused(&narrow, "clips", "usual", "frames of 144x112 pixels, the pack has 128x112");
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
fn figures_of_several_runs_lie_beside_each_other_in_a_pack_and_those_held_back_by_themselves() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let pack = write(&random_pack(manifest(), 2).expect("a pack"), folder.path());
    let of = |words: &[&'static str]| [&["eval", &pack, "--tiny", "--only", "tokenizer", "--out", "out"], words].concat();
    let psnr = |said: &str, seeds: &str| {
        assert!(said.contains(seeds), "{said}");
        row(&figures(folder.path()), "tokenizer", "PSNR")["dream"]["mean"].as_f64().expect("a number")
    };
    let as_chosen = succeed(folder.path(), &of(&["--temperature", "0.5", "--store=long"]));
    let usual = psnr(&as_chosen, "seeds usual: settings, mixes and packs are chosen");
    let held_back = psnr(&succeed(folder.path(), &of(&["--seeds", "final", "--store=final"])), "seeds final: held back");
    assert_ne!(usual, held_back, "other seeds have other frames");
    let Manifest { evaluation: stored, play, .. } = Pack::read(Path::new(&pack)).expect("the pack is still valid").manifest;
    assert_eq!(play, manifest().play, "it was judged otherwise, and plays as before");
    let temperature = |name: &str| stored[name]["settings"]["temperature"].as_f64();
    assert_eq!([temperature("long"), temperature("final")], [Some(0.5), Some(f64::from(play.temperature))]);
    let mut seeds: Vec<_> = stored.as_object().expect("names").iter().map(|(name, run)| (name.as_str(), run["seeds"].as_str())).collect();
    seeds.sort_unstable();
    assert_eq!(seeds, [("final", Some("final")), ("long", Some("usual"))]);
    for words in [&["--store"][..], &["--store=quick"], &["--store=final"], &["--seeds", "final", "--store=long"]] {
        let refused = train(folder.path(), &of(words));
        assert!(!refused.status.success() && String::from_utf8_lossy(&refused.stderr).contains("stored"), "{words:?}");
    }
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
