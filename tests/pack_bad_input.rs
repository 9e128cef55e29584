//! No file, however broken, may make the pack reader panic or say less than one clear sentence.

use somnium::engine::Chance;
use somnium::pack::{
    Pack, PackError, PackTensor, limits,
    manifest::{FORMAT_VERSION, Manifest, RecallDims, Relief, Shining, Standing, StillWater},
    random::{land_manifest, look_manifest, odd_manifest, plain_manifest, random_pack, tiny_manifest},
    tensor_specs,
};
use somnium::worlds::relief::Cutout;
use std::{collections::HashMap, path::Path};

fn small_pack() -> Pack {
    random_pack(odd_manifest(), 1).expect("the odd manifest is valid")
}

/// The error of reading `bytes`, which must be one line.
fn error_of(bytes: &[u8]) -> String {
    let text = Pack::from_bytes(bytes).expect_err("a broken pack was accepted").to_string();
    assert!(!text.contains('\n') && !text.is_empty() && text.len() < 600, "{text:?}");
    text
}

/// A file with this manifest text and these tensors, unchecked.
fn file_with(manifest_json: &str, pack: &Pack) -> Vec<u8> {
    use safetensors::{Dtype, tensor::TensorView};
    let views: Vec<_> = pack
        .tensors
        .iter()
        .map(|(name, t)| {
            let dtype = match t.dtype {
                somnium::pack::PackDtype::F16 => Dtype::F16,
                somnium::pack::PackDtype::F32 => Dtype::F32,
                somnium::pack::PackDtype::U8 => Dtype::U8,
            };
            (name, TensorView::new(dtype, t.shape.clone(), &t.bytes).expect("shape and bytes agree"))
        })
        .collect();
    safetensors::serialize(views, Some(HashMap::from([("somnium".to_owned(), manifest_json.to_owned())]))).expect("serialisable")
}

fn recall(m: &mut Manifest) -> &mut RecallDims {
    m.dynamics.as_mut().and_then(|d| d.recall.as_mut()).expect("with recall")
}

fn changed_manifest(change: impl FnOnce(&mut Manifest)) -> Result<(), PackError> {
    let mut m = odd_manifest();
    change(&mut m);
    tensor_specs(&m).map(|_| ())
}

#[test]
fn a_good_pack_survives_the_round_trip() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("world.safetensors");
    for manifest in [odd_manifest(), tiny_manifest(), plain_manifest(), look_manifest(), land_manifest()] {
        let pack = random_pack(manifest, 3).expect("valid");
        pack.write(&path).expect("written");
        assert_eq!(Pack::read(&path).expect("read"), pack);
    }
    assert_eq!(std::fs::read_dir(folder.path()).expect("listed").count(), 1, "a temporary file was left behind");
}

#[test]
fn a_failed_write_keeps_the_old_file() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("world.safetensors");
    let mut pack = small_pack();
    pack.write(&path).expect("written");
    let before = std::fs::read(&path).expect("read");
    pack.tensors.remove("dyn.head.out.b");
    assert!(pack.write(&path).expect_err("an incomplete pack was written").to_string().contains("dyn.head.out.b"));
    assert_eq!(std::fs::read(&path).expect("read"), before);
}

#[test]
fn truncations_and_flipped_bits_are_errors_or_harmless() {
    let bytes = small_pack().to_bytes().expect("valid");
    let header = 8 + u64::from_le_bytes(*bytes.first_chunk().expect("long enough")) as usize;
    let lengths = (0..64).chain((64..bytes.len()).step_by(997)).chain([header - 1, header, header + 1, bytes.len() - 1]);
    for length in lengths {
        error_of(&bytes[..length]);
    }
    let mut longer = bytes.clone();
    longer.push(0);
    error_of(&longer);
    // A flipped bit of a weight may go unnoticed; it must never panic.
    let mut broken = bytes.clone();
    for bit in (0..header * 8).step_by(7).chain((header * 8..bytes.len() * 8).step_by(40_009)) {
        broken[bit / 8] ^= 1 << (bit % 8);
        if let Err(e) = Pack::from_bytes(&broken) {
            assert!(!e.to_string().contains('\n'), "{e}");
        }
        broken[bit / 8] ^= 1 << (bit % 8);
    }
    assert!(Pack::from_bytes(&broken).is_ok(), "the flips were not undone");
}

#[test]
fn files_that_are_no_packs_are_named_as_such() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let read = |path: &Path| Pack::read(path).expect_err("accepted").to_string();
    assert!(read(folder.path()).contains("is not a file"));
    let missing = read(&folder.path().join("missing.safetensors"));
    assert!(missing.contains("missing.safetensors") && missing.contains("cannot be read"), "{missing}");
    let empty = folder.path().join("empty.safetensors");
    std::fs::write(&empty, b"").expect("written");
    let text = read(&empty);
    assert!(text.contains("empty.safetensors") && text.contains("not a world pack"), "{text}");
    assert!(error_of(b"\x89PNG\r\n\x1a\n and so on, quite long").contains("not a world pack"));
    assert!(error_of(&[0xff; 100]).contains("header"));
    let foreign = safetensors::serialize(Vec::<(String, safetensors::tensor::TensorView)>::new(), None).expect("serialisable");
    assert!(error_of(&foreign).contains("without a somnium manifest"));
}

#[test]
fn an_unknown_version_says_which_program_reads_it() {
    let pack = small_pack();
    let text = error_of(&file_with(r#"{"format_version": 9, "whatever": []}"#, &pack));
    assert!(text.contains("version 9") && text.contains("newer somnium"), "{text}");
    let text = error_of(&file_with(r#"{"format_version": 0}"#, &pack));
    assert!(text.contains("version 0") && text.contains(&format!("reads version {FORMAT_VERSION}")), "{text}");
    let nothing_else = format!(r#"{{"format_version": {FORMAT_VERSION}}}"#);
    for json in ["", "{", "[]", "null", "\"x\"", r#"{"format_version": -1}"#, &nothing_else] {
        assert!(error_of(&file_with(json, &pack)).contains("manifest"));
    }
    let deep = format!(r#"{{"format_version": {FORMAT_VERSION}, "evaluation": {}"#, "[".repeat(100_000));
    assert!(error_of(&file_with(&deep, &pack)).contains("manifest"));
}

#[test]
fn wrong_tensors_are_named() {
    let good = small_pack();
    let json = serde_json::to_string(&good.manifest).expect("serialisable");
    let error_after = |change: &dyn Fn(&mut Pack)| {
        let mut pack = good.clone();
        change(&mut pack);
        error_of(&file_with(&json, &pack))
    };
    let text = error_after(&|p| {
        p.tensors.remove("dyn.1.time.bias");
    });
    assert_eq!(text, "tensor dyn.1.time.bias is missing");
    let text = error_after(&|p| {
        p.tensors.insert("dyn.extra".into(), PackTensor::from_f32s(&[1], &[0.0]));
    });
    assert_eq!(text, "tensor dyn.extra does not belong into this pack");
    let text = error_after(&|p| {
        let t = p.tensors.get_mut("tok.enc.in1.w").expect("present");
        t.shape.reverse();
    });
    assert!(text.contains("tok.enc.in1.w") && text.contains("[29, 147]") && text.contains("[147, 29]"), "{text}");
    let text = error_after(&|p| {
        let t = &p.tensors["dyn.pos"];
        let wide = PackTensor::from_f32s(&t.shape, &t.f32s());
        p.tensors.insert("dyn.pos".into(), wide);
    });
    assert!(text.contains("dyn.pos") && text.contains("F32") && text.contains("F16"), "{text}");
    for (value, shown) in [(f32::NAN, "NaN"), (f32::INFINITY, "inf"), (1e9, "inf")] {
        let text = error_after(&|p| {
            let t = p.tensors.get_mut("text.in.w").expect("present");
            let mut values = t.f32s();
            values[17] = value;
            *t = PackTensor::from_f32s_as_f16(&t.shape.clone(), &values);
        });
        assert_eq!(text, format!("tensor text.in.w holds {shown} at index 17"));
    }
}

#[test]
fn contradicting_and_absurd_sizes_are_refused_before_anything_is_allocated() {
    assert!(changed_manifest(|_| {}).is_ok());
    assert!(changed_manifest(|m| m.tokenizer.look_hidden = 0).is_ok(), "there is no look to read");
    type Change = fn(&mut Manifest);
    let changes: &[(&str, Change)] = &[
        ("frame.width_px", |m| m.frame.width_px = usize::MAX),
        ("frame.height_px", |m| m.frame.height_px = 0),
        ("frame.patch_px", |m| m.frame.patch_px = 0),
        ("frame.width_px", |m| m.frame.width_px = 36),
        ("tokens a frame", |m| (m.frame.width_px, m.frame.height_px, m.frame.patch_px) = (2048, 2048, 1)),
        ("frame.rate_hz", |m| m.frame.rate_hz = 0),
        ("frame.code_dims", |m| m.frame.code_dims = usize::MAX),
        ("frame.code_levels", |m| m.frame.code_levels = 1),
        ("tokenizer.heads", |m| m.tokenizer.heads = 2),
        ("tokenizer.heads", |m| m.tokenizer.heads = 0),
        ("tokenizer.channels", |m| m.tokenizer.channels = usize::MAX),
        ("tokenizer.ffn_hidden", |m| m.tokenizer.ffn_hidden = 0),
        ("tokenizer.look_hidden is 0", |m| (m.frame.look, m.tokenizer.look_hidden) = (true, 0)),
        ("tokenizer.look_hidden", |m| m.tokenizer.look_hidden = usize::MAX),
        ("tokenizer.decoder_blocks", |m| m.tokenizer.decoder_blocks = usize::MAX),
        ("sizes", |m| (m.tokenizer.channels, m.tokenizer.heads, m.tokenizer.ffn_hidden, m.tokenizer.encoder_blocks) = (4096, 1, 16384, 64)),
        ("dynamics.window", |m| m.dynamics.as_mut().expect("present").window = 0),
        ("dynamics.window", |m| m.dynamics.as_mut().expect("present").window = 1 << 40),
        ("dynamics.blocks", |m| m.dynamics.as_mut().expect("present").blocks.clear()),
        ("dynamics.heads", |m| m.dynamics.as_mut().expect("present").heads = 4),
        ("dynamics.actions", |m| m.dynamics.as_mut().expect("present").actions = 300),
        ("list of actions", |m| m.actions.truncate(1)),
        ("word_table", |m| m.word_table = "klingon-64".into()),
        ("dynamics.recall.step_px", |m| recall(m).step_px = 0),
        ("dynamics.recall.step_px", |m| recall(m).step_px = 3),
        ("dynamics.recall.step_px", |m| recall(m).step_px = usize::MAX),
        ("frame in steps", |m| (m.frame.width_px, recall(m).step_px) = (7 * 40, 1)),
        ("token of dynamics.recall.covered", |m| recall(m).covered.push(15)),
        ("token of dynamics.recall.covered", |m| (m.frame.look, recall(m).covered) = (true, vec![15])),
        ("dynamics.recall.covered", |m| recall(m).covered = (0..15).collect()),
        ("provenance.looks.dusk 0", |m| drop(m.provenance.looks.insert("dusk 0".to_owned(), vec![0]))),
        ("provenance.looks.dusk 1", |m| {
            let look = vec![255; m.frame.code_dims];
            m.provenance.looks.insert("dusk 1".to_owned(), look);
        }),
        ("provenance.lands.meadow", |m| drop(m.provenance.lands.insert("meadow".to_owned(), vec![vec![0]]))),
        ("provenance.lands.volcano lava", |m| {
            let tokens = [0, 255].map(|level| vec![level; m.frame.code_dims]);
            m.provenance.lands.insert("volcano lava".to_owned(), tokens.into());
        }),
        ("provenance.lands.atlantis is no land", |m| drop(m.provenance.lands.insert("atlantis".to_owned(), Vec::new()))),
        ("provenance.lands.lava is no land", |m| drop(m.provenance.lands.insert("lava".to_owned(), Vec::new()))),
        ("tokens of provenance.lands", |m| {
            let tokens = vec![vec![0; m.frame.code_dims]; limits::VOCABULARY + 1];
            m.provenance.lands.insert("meadow".to_owned(), tokens);
        }),
        ("frame.patch_px", |m| {
            let sky = [(); 2].map(|()| vec![0; m.frame.code_dims]);
            let relief = Relief { sky, standing: Default::default(), water: Vec::new(), shining: Vec::new() };
            (m.frame.patch_px, m.frame.width_px, m.frame.height_px, m.relief) = (64, 320, 192, Some(relief));
            (recall(m).step_px, m.lam) = (64, None);
        }),
        ("actions[2].motion", |m| m.actions[2].motion = [0, i32::MIN]),
        ("actions[0].share", |m| m.actions[0].share = 1.5),
        ("play.steps", |m| m.play.steps = 9),
        ("play.temperature", |m| m.play.temperature = f32::NAN),
        ("play.new_land.min_p", |m| m.play.new_land = Some(Chance { temperature: 1.0, min_p: 1.0 })),
        ("play.window", |m| m.play.window = 6),
        ("play.context_level", |m| m.play.context_level = 3),
        ("lam.shrink", |m| m.lam.as_mut().expect("present").shrink = 2),
        ("lam.bits", |m| m.lam.as_mut().expect("present").bits = 63),
    ];
    for (field, change) in changes {
        let text = changed_manifest(change).expect_err(field).to_string();
        assert!(text.contains(field) && !text.contains('\n'), "{field}: {text}");
    }
    // The same through a file: the header promises what the manifest says, the data is not there.
    let mut m = odd_manifest();
    m.tokenizer.channels = 3 << 60;
    error_of(&file_with(&serde_json::to_string(&m).expect("serialisable"), &small_pack()));
}

#[test]
fn no_text_of_a_manifest_has_control_characters() {
    type Change = fn(&mut Manifest, &str);
    let changes: [(&str, Change); 12] = [
        ("name", |m, text| m.name = text.to_owned()),
        ("licence", |m, text| m.licence = text.to_owned()),
        ("provenance", |m, text| m.provenance.world = Some(text.to_owned())),
        ("provenance", |m, text| m.provenance.command = text.to_owned()),
        ("provenance.looks", |m, text| drop(m.provenance.looks.insert(text.to_owned(), vec![0; m.frame.code_dims]))),
        ("provenance.lands", |m, text| drop(m.provenance.lands.insert(format!("meadow {text}"), Vec::new()))),
        ("actions", |m, text| m.actions[1].name = text.to_owned()),
        ("actions", |m, text| m.actions[1].bound_to.push(text.to_owned())),
        ("suggested_prompts", |m, text| m.suggested_prompts.push(text.to_owned())),
        ("evaluation", |m, text| m.evaluation = serde_json::json!(["done", text])),
        ("evaluation", |m, text| m.evaluation = serde_json::json!({ text: 1 })),
        ("evaluation", |m, text| m.evaluation = serde_json::json!({ "by": [{ text: 1 }] })),
    ];
    for (field, change) in changes {
        let changed = |text: &str| changed_manifest(|m| change(m, text));
        assert!(changed("The d\u{fc}nes: 5 %").is_ok(), "{field}");
        for text in ["a\0b", "two\nlines", "\u{85}"] {
            let why = changed(text).expect_err(field).to_string();
            assert!(why.contains(field) && why.contains("control character") && !why.contains(text), "{field}: {why}");
        }
    }
    // The same through a file: the title of a window would end the program.
    let mut m = odd_manifest();
    m.name = "odd\0world".to_owned();
    let text = error_of(&file_with(&serde_json::to_string(&m).expect("serialisable"), &small_pack()));
    assert!(text.contains("name has a control character"), "{text}");
}

#[test]
fn long_names_are_not_read_out() {
    type Change = fn(&mut Manifest, String);
    let changes: [(&str, Change); 3] = [
        ("provenance.lands.long", |m, name| drop(m.provenance.lands.insert(name, Vec::new()))),
        ("provenance.looks.long", |m, name| drop(m.provenance.looks.insert(name, Vec::new()))),
        ("word_table", |m, name| m.word_table = name),
    ];
    for (field, change) in changes {
        let why = changed_manifest(|m| change(m, "long ".repeat(2000))).expect_err(field).to_string();
        assert!(why.contains(field) && why.len() < 250, "{why}");
    }
}

#[test]
fn of_which_land_tokens_are_comes_back_from_a_file() {
    let without = random_pack(look_manifest(), 3).expect("valid");
    let read = |pack: &Pack| Pack::from_bytes(&pack.to_bytes().expect("valid")).expect("read");
    let mut with = without.clone();
    let token = |level: u8| vec![level; with.manifest.frame.code_dims];
    let lands = [("meadow", vec![token(0), token(6)]), ("volcano lava", vec![token(1)])];
    with.manifest.provenance.lands = lands.map(|(name, tokens)| (name.to_owned(), tokens)).into();
    assert_eq!(read(&with), with);
    // Packs of before say nothing of lands.
    assert!(!serde_json::to_string(&without.manifest).expect("serialisable").contains("lands"));
    assert!(read(&without) == without && without != with);
}

#[test]
fn what_stands_is_checked() {
    let mut pack = random_pack(look_manifest(), 3).expect("valid");
    let (dims, patch_px) = (pack.manifest.frame.code_dims, pack.manifest.frame.patch_px);
    let cutout = Cutout { rows: vec![1; patch_px], height: 1.5, part: [0, 1], parts: [1, 2] };
    let standing = Standing { token: vec![0; dims], ground: vec![1; dims], feature: None, cutout };
    let water = StillWater { token: vec![1; dims], rows: vec![3; patch_px] };
    let shining = Shining { tokens: vec![vec![2; dims], vec![3; dims]], rows: vec![1; patch_px] };
    let sky = [vec![0; dims], vec![1; dims]];
    let good = Relief { sky, standing: [("roof".to_owned(), standing)].into(), water: vec![water], shining: vec![shining] };
    pack.manifest.relief = Some(good.clone());
    assert_eq!(Pack::from_bytes(&pack.to_bytes().expect("valid")).expect("read"), pack);
    // Packs of before say nothing of water and of what shines.
    let mut before = pack.clone();
    before.manifest.relief = Some(Relief { water: Vec::new(), shining: Vec::new(), ..good.clone() });
    let said = serde_json::to_string(&before.manifest).expect("serialisable");
    assert!(!said.contains("\"water\"") && !said.contains("shining"), "{said}");
    assert_eq!(Pack::from_bytes(&before.to_bytes().expect("valid")).expect("read"), before);
    type Change = fn(&mut Relief, &mut Standing);
    let changes: [(Change, &str); 14] = [
        (|relief, _| relief.sky[1].push(0), "relief.sky"),
        (|relief, _| relief.water[0].token[0] = 200, "relief.water[0].token"),
        (|relief, _| relief.water[0].rows.clear(), "relief.water[0].rows"),
        (|relief, _| relief.water = vec![relief.water[0].clone(); limits::VOCABULARY + 1], "relief.water"),
        (|relief, _| relief.shining[0].tokens[1][0] = 200, "relief.shining[0].tokens"),
        (|relief, _| relief.shining[0].rows.clear(), "relief.shining[0].rows"),
        (|relief, _| relief.shining = vec![relief.shining[0].clone(); limits::VOCABULARY + 1], "number of relief.shining"),
        (|relief, _| relief.shining[0].tokens = vec![Vec::new(); limits::VOCABULARY + 1], "number of tokens of relief.shining"),
        (|_, roof| roof.token[0] = 200, "relief.standing.roof.token"),
        (|_, roof| roof.ground.clear(), "relief.standing.roof.ground"),
        (|_, roof| roof.cutout.rows.push(0), "relief.standing.roof.rows"),
        (|_, roof| roof.cutout.height = f32::NAN, "relief.standing.roof.height"),
        (|_, roof| roof.cutout.parts[1] = 0, "relief.standing.roof.parts"),
        (|_, roof| roof.cutout.part[0] = 1, "relief.standing.roof.part"),
    ];
    for (change, field) in changes {
        let mut relief = good.clone();
        let mut roof = relief.standing.remove("roof").expect("present");
        change(&mut relief, &mut roof);
        relief.standing.insert("roof".to_owned(), roof);
        pack.manifest.relief = Some(relief);
        let text = pack.validate().expect_err(field).to_string();
        assert!(text.contains(field), "{text}");
    }
}

#[test]
fn what_lies_beside_what_is_checked() {
    let good = random_pack(land_manifest(), 3).expect("valid");
    assert_eq!(Pack::from_bytes(&good.to_bytes().expect("valid")).expect("read"), good);
    type Change = fn(&mut Pack);
    let changes: [(Change, &str); 4] = [
        (|pack| pack.tensors.get_mut("vocabulary.land").expect("present").bytes[0] = 0, "dynamics.land"),
        (|pack| pack.tensors.get_mut("vocabulary.land").expect("present").bytes[0] = 2, "vocabulary.land"),
        (|pack| pack.manifest.dynamics.as_mut().expect("present").land = 121, "dynamics.land"),
        (|pack| pack.manifest.dynamics.as_mut().expect("present").recall = None, "dynamics.land"),
    ];
    for (change, field) in changes {
        let mut pack = good.clone();
        change(&mut pack);
        let text = pack.validate().expect_err(field).to_string();
        assert!(text.contains(field), "{text}");
    }
}

#[test]
fn parity_clips_are_checked() {
    use somnium::pack::manifest::ParityInfo;
    let good = small_pack();
    let mut m = good.manifest.clone();
    m.parity = Some(ParityInfo { frames: 2, prompt: "snow".into(), atol: 1e-3, rtol: 1e-3 });
    let mut tensors = good.tensors.clone();
    tensors.insert("parity.codes".into(), PackTensor::from_u8s(&[2, 15, 3], &[6; 90]));
    tensors.insert("parity.actions".into(), PackTensor::from_u8s(&[2], &[3, 0]));
    tensors.insert("parity.moved".into(), PackTensor::from_u8s(&[2], &[0, 1]));
    tensors.insert("parity.logits".into(), PackTensor::from_f32s(&[2, 15, 21], &[0.5; 630]));
    assert!(Pack::new(m.clone(), tensors.clone()).is_ok());
    let mut bad = tensors.clone();
    bad.get_mut("parity.codes").expect("present").bytes[5] = 7;
    let text = Pack::new(m.clone(), bad).expect_err("level 7 of 7").to_string();
    assert!(text.contains("parity.codes") && text.contains("index 5"), "{text}");
    let mut bad = tensors.clone();
    bad.get_mut("parity.actions").expect("present").bytes[1] = 4;
    assert!(Pack::new(m.clone(), bad).expect_err("action 4 of 3").to_string().contains("parity.actions"));
    let mut bad = tensors.clone();
    bad.get_mut("parity.moved").expect("present").bytes[1] = 2;
    assert!(Pack::new(m.clone(), bad).expect_err("neither true nor false").to_string().contains("parity.moved"));
    m.parity.as_mut().expect("present").prompt = "snow qwrtzx".into();
    assert!(Pack::new(m.clone(), tensors.clone()).expect_err("unknown word").to_string().contains("qwrtzx"));
    m.parity.as_mut().expect("present").prompt = "snow forest night desert".into();
    assert!(Pack::new(m, tensors).expect_err("more words than the model takes").to_string().contains("parity.prompt"));
}
