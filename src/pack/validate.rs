//! What a manifest and its tensors must satisfy. Everything here runs before an engine sizes a single buffer from a pack.

use super::{
    Pack, PackDtype, PackError, PackTensor, TensorSpec,
    manifest::{DynamicsDims, FORMAT_VERSION, Manifest},
    tensor_specs,
};
use crate::{
    engine::{
        inputs::{misfit, play_settings},
        recall,
    },
    prompt::{self, Fate},
    worlds::scene::Wish,
};
use serde_json::Value;
use std::{collections::HashSet, ops::RangeInclusive};

/// Upper bounds of every size a manifest names. They leave room for models a hundred times the shipped one and keep the product of any
/// few of them far from overflow.
pub mod limits {
    pub const FILE_BYTES: u64 = 1 << 30;
    pub const HEADER_BYTES: u64 = 8 << 20;
    pub const FRAME_PX: usize = 2048;
    pub const TOKENS: usize = 4096;
    pub const VOCABULARY: usize = 1 << 20;
    /// Of the vocabulary's tokens those that lie on the land, where it is known what lies beside what.
    pub const LAND: usize = 1024;
    pub const CODE_DIMS: usize = 64;
    pub const CODE_LEVELS: usize = 64;
    pub const CHANNELS: usize = 4096;
    pub const HIDDEN: usize = 16384;
    pub const BLOCKS: usize = 64;
    pub const WINDOW: usize = 128;
    pub const ACTIONS: usize = 64;
    pub const CONTEXT_LEVELS: usize = 64;
    pub const PROMPT_WORDS: usize = 64;
    pub const HEAD_HIDDEN: usize = 256;
    pub const TEXT_BYTES: usize = 4096;
    pub const PARITY_FRAMES: usize = 1024;
    /// Keys and values that a window needs, as f32.
    pub const RING_BYTES: usize = 1 << 30;
    pub const MAX_STEPS: u32 = 8;
    pub const TEMPERATURE: f32 = 10.0;
    /// How high a patch of what stands may be, in patches, and of how many it may be a part in each direction.
    pub const STANDS_PATCHES: f32 = 8.0;
    pub const PARTS: usize = 16;
}

/// Letters of a text of a file that a message quotes, at most.
const QUOTED_LETTERS: usize = 80;

fn quoted(text: &str) -> String {
    text.chars().take(QUOTED_LETTERS).collect()
}

fn problem(field: &str, problem: impl Into<String>) -> PackError {
    PackError::Manifest { field: field.to_owned(), problem: problem.into() }
}

fn within(field: &str, value: usize, range: RangeInclusive<usize>) -> Result<(), PackError> {
    if range.contains(&value) {
        return Ok(());
    }
    Err(problem(field, format!("is {value}, outside {} to {}", range.start(), range.end())))
}

fn heads_divide(field: &str, channels: usize, heads: usize) -> Result<(), PackError> {
    within(&format!("{field}.channels"), channels, 1..=limits::CHANNELS)?;
    within(&format!("{field}.heads"), heads, 1..=channels)?;
    if !channels.is_multiple_of(heads) {
        return Err(problem(&format!("{field}.heads"), format!("is {heads}, which does not divide {channels} channels")));
    }
    Ok(())
}

fn short_text(field: &str, text: &str) -> Result<(), PackError> {
    if text.len() > limits::TEXT_BYTES {
        return Err(problem(field, format!("is {} bytes long, more than {}", text.len(), limits::TEXT_BYTES)));
    }
    Ok(())
}

fn no_control<'a>(field: &str, texts: impl IntoIterator<Item = &'a String>) -> Result<(), PackError> {
    match texts.into_iter().find(|text| text.contains(char::is_control)) {
        Some(text) => Err(problem(field, format!("has a control character in {:?}", quoted(text)))),
        None => Ok(()),
    }
}

fn share(field: &str, value: f32) -> Result<(), PackError> {
    if (0.0..=1.0).contains(&value) { Ok(()) } else { Err(problem(field, format!("is {value}, outside 0 to 1"))) }
}

/// Checks that every size is in bounds and that sizes agree with each other.
pub(super) fn check_manifest(m: &Manifest) -> Result<(), PackError> {
    if m.format_version != FORMAT_VERSION {
        return Err(PackError::Version { found: m.format_version, reads: FORMAT_VERSION });
    }
    check_texts(m)?;
    short_text("name", &m.name)?;
    short_text("licence", &m.licence)?;
    check_frame(m)?;
    check_tokenizer(m)?;
    if let Some(lam) = m.lam {
        heads_divide("lam", lam.channels, lam.heads)?;
        within("lam.blocks", lam.blocks, 0..=limits::BLOCKS)?;
        within("lam.ffn_hidden", lam.ffn_hidden, 1..=limits::HIDDEN)?;
        within("lam.bits", lam.bits, 1..=6)?;
        within("lam.shrink", lam.shrink, 1..=m.frame.patch_px)?;
        within("lam.reach", lam.reach, 0..=16)?;
        if !m.frame.patch_px.is_multiple_of(lam.shrink) {
            return Err(problem("lam.shrink", format!("is {}, which does not divide patches of {} pixels", lam.shrink, m.frame.patch_px)));
        }
    }
    check_dynamics(m)?;
    check_looks(m)?;
    check_lands(m)?;
    check_relief(m)?;
    check_words(m)?;
    check_play(m)?;
    check_parity(m)
}

/// What is written in a pack stands in the title of a window, in notices and in logs: a zero in a title ends the program, a line break is a line of its own.
fn check_texts(m: &Manifest) -> Result<(), PackError> {
    let p = &m.provenance;
    no_control("name", [&m.name])?;
    no_control("licence", [&m.licence])?;
    no_control("provenance", [&p.data, &p.command, &p.commit, &p.hardware].into_iter().chain(&p.world))?;
    no_control("provenance.looks", p.looks.keys())?;
    no_control("provenance.lands", p.lands.keys())?;
    no_control("actions", m.actions.iter().flat_map(|action| std::iter::once(&action.name).chain(&action.bound_to)))?;
    no_control("word_table", [&m.word_table])?;
    no_control("suggested_prompts", &m.suggested_prompts)?;
    no_control("parity.prompt", m.parity.iter().map(|parity| &parity.prompt))?;
    no_control("relief.standing", m.relief.iter().flat_map(|relief| relief.standing.keys()))?;
    check_evaluation(&m.evaluation)
}

/// Names and texts in what is free-form.
fn check_evaluation(value: &Value) -> Result<(), PackError> {
    match value {
        Value::String(text) => no_control("evaluation", [text]),
        Value::Array(values) => values.iter().try_for_each(check_evaluation),
        Value::Object(values) => no_control("evaluation", values.keys()).and_then(|()| values.values().try_for_each(check_evaluation)),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

fn check_frame(m: &Manifest) -> Result<(), PackError> {
    let f = m.frame;
    within("frame.width_px", f.width_px, 1..=limits::FRAME_PX)?;
    within("frame.height_px", f.height_px, 1..=limits::FRAME_PX)?;
    within("frame.patch_px", f.patch_px, 1..=f.width_px.min(f.height_px))?;
    for (field, side) in [("frame.width_px", f.width_px), ("frame.height_px", f.height_px)] {
        if !side.is_multiple_of(f.patch_px) {
            return Err(problem(field, format!("is {side}, which is no multiple of the patch of {} pixels", f.patch_px)));
        }
    }
    within("number of tokens a frame", f.tokens(), 1..=limits::TOKENS)?;
    within("frame.rate_hz", f.rate_hz as usize, 1..=240)?;
    within("frame.code_dims", f.code_dims, 1..=limits::CODE_DIMS)?;
    within("frame.code_levels", f.code_levels, 2..=limits::CODE_LEVELS)
}

fn check_tokenizer(m: &Manifest) -> Result<(), PackError> {
    let t = m.tokenizer;
    heads_divide("tokenizer", t.channels, t.heads)?;
    within("tokenizer.encoder_blocks", t.encoder_blocks, 0..=limits::BLOCKS)?;
    within("tokenizer.decoder_blocks", t.decoder_blocks, 0..=limits::BLOCKS)?;
    within("tokenizer.patch_in_hidden", t.patch_in_hidden, 1..=limits::HIDDEN)?;
    within("tokenizer.patch_out_hidden", t.patch_out_hidden, 1..=limits::HIDDEN)?;
    within("tokenizer.ffn_hidden", t.ffn_hidden, 1..=limits::HIDDEN)?;
    within("tokenizer.look_hidden", t.look_hidden, usize::from(m.frame.look)..=limits::HIDDEN)
}

fn check_dynamics(m: &Manifest) -> Result<(), PackError> {
    for (i, action) in m.actions.iter().enumerate() {
        let field = format!("actions[{i}]");
        short_text(&field, &action.name)?;
        share(&format!("{field}.share"), action.share)?;
        share(&format!("{field}.purity_moved"), action.purity_moved)?;
        share(&format!("{field}.purity_blocked"), action.purity_blocked)?;
    }
    let Some(d) = &m.dynamics else { return Ok(()) };
    heads_divide("dynamics", d.channels, d.heads)?;
    within("dynamics.ffn_hidden", d.ffn_hidden, 1..=limits::HIDDEN)?;
    within("number of dynamics.blocks", d.blocks.len(), 1..=limits::BLOCKS)?;
    within("dynamics.window", d.window, 1..=limits::WINDOW)?;
    within("dynamics.actions", d.actions, 1..=limits::ACTIONS)?;
    within("dynamics.context_levels", d.context_levels, 1..=limits::CONTEXT_LEVELS)?;
    within("dynamics.prompt_words", d.prompt_words, 0..=limits::PROMPT_WORDS)?;
    within("dynamics.head_hidden", d.head_hidden, 1..=limits::HEAD_HIDDEN)?;
    let temporal = d.blocks.iter().filter(|b| b.temporal).count();
    // Below 2^6 * 2^7 * 2^12 * 2^12 * 2^3: no overflow.
    let ring = temporal as u64 * d.window as u64 * m.frame.tokens() as u64 * d.channels as u64 * 8;
    if ring > limits::RING_BYTES as u64 {
        return Err(problem("dynamics", format!("asks for {ring} bytes of keys and values, more than {}", limits::RING_BYTES)));
    }
    check_recall(m, d)?;
    within("dynamics.vocabulary", d.vocabulary, 0..=limits::VOCABULARY)?;
    let tokens = (m.frame.code_levels as u64).checked_pow(m.frame.code_dims as u32);
    if d.vocabulary > 0 && tokens.is_none_or(|tokens| tokens > 1 << 32) {
        let (levels, dims) = (m.frame.code_levels, m.frame.code_dims);
        return Err(problem(
            "dynamics.vocabulary",
            format!("is given, but a token of {dims} dimensions with {levels} levels has no key of 32 bits"),
        ));
    }
    within("dynamics.land", d.land, 0..=d.vocabulary.min(limits::LAND))?;
    if d.land > 0 && d.recall.is_none() {
        return Err(problem("dynamics.land", "is given, but the view does not scroll over any"));
    }
    if m.actions.len() != d.actions {
        return Err(problem("list of actions", format!("has {} entries where dynamics.actions is {}", m.actions.len(), d.actions)));
    }
    Ok(())
}

fn check_recall(m: &Manifest, d: &DynamicsDims) -> Result<(), PackError> {
    let Some(recall) = &d.recall else { return Ok(()) };
    within("dynamics.recall.step_px", recall.step_px, 1..=m.frame.patch_px)?;
    if !m.frame.patch_px.is_multiple_of(recall.step_px) {
        let patch = m.frame.patch_px;
        return Err(problem("dynamics.recall.step_px", format!("is {}, which does not divide patches of {patch} pixels", recall.step_px)));
    }
    let steps = m.frame.grid_w().max(m.frame.grid_h()) * (m.frame.patch_px / recall.step_px);
    within("frame in steps of dynamics.recall", steps, 1..=recall::SIDE as usize)?;
    if !recall.covered.is_sorted_by(|a, b| a < b) {
        return Err(problem("dynamics.recall.covered", "must list each token once, in ascending order"));
    }
    if recall.covered.len() == m.frame.patches() {
        return Err(problem("dynamics.recall.covered", "leaves no token that scrolls"));
    }
    for token in &recall.covered {
        within("token of dynamics.recall.covered", *token, 0..=m.frame.patches() - 1)?;
    }
    for (i, action) in m.actions.iter().enumerate() {
        let most = recall::SIDE as usize / 2;
        action.motion.iter().try_for_each(|steps| within(&format!("actions[{i}].motion"), steps.unsigned_abs() as usize, 0..=most))?;
    }
    Ok(())
}

fn check_token(m: &Manifest, field: &str, token: &[u8]) -> Result<(), PackError> {
    let (dims, levels) = (m.frame.code_dims, m.frame.code_levels);
    let fits = token.len() == dims && token.iter().all(|&level| usize::from(level) < levels);
    if fits { Ok(()) } else { Err(problem(field, format!("is no token of {dims} dimensions with {levels} levels"))) }
}

fn check_looks(m: &Manifest) -> Result<(), PackError> {
    let looks = &m.provenance.looks;
    within("number of provenance.looks", looks.len(), 0..=limits::VOCABULARY)?;
    for (name, token) in looks {
        let field = format!("provenance.looks.{}", quoted(name));
        short_text(&field, name)?;
        check_token(m, &field, token)?;
    }
    Ok(())
}

fn check_lands(m: &Manifest) -> Result<(), PackError> {
    let lands = &m.provenance.lands;
    within("number of tokens of provenance.lands", lands.values().map(Vec::len).sum(), 0..=limits::VOCABULARY)?;
    for (name, tokens) in lands {
        let field = format!("provenance.lands.{}", quoted(name));
        short_text(&field, name)?;
        if Wish::of_words(name.split(' ')).biome.is_none() {
            return Err(problem(&field, "is no land"));
        }
        tokens.iter().try_for_each(|token| check_token(m, &field, token))?;
    }
    Ok(())
}

fn check_relief(m: &Manifest) -> Result<(), PackError> {
    let Some(relief) = &m.relief else { return Ok(()) };
    let token = |field: &str, token: &[u8]| check_token(m, field, token);
    within("frame.patch_px of a world with relief", m.frame.patch_px, 1..=u32::BITS as usize)?;
    relief.sky.iter().try_for_each(|sky| token("token of relief.sky", sky))?;
    within("number of relief.standing", relief.standing.len(), 0..=limits::VOCABULARY)?;
    for (name, standing) in &relief.standing {
        let field = format!("relief.standing.{}", quoted(name));
        short_text(&field, name)?;
        token(&format!("{field}.token"), &standing.token)?;
        token(&format!("{field}.ground"), &standing.ground)?;
        let cutout = &standing.cutout;
        check_rows(m, &field, &cutout.rows)?;
        if !(cutout.height > 0.0 && cutout.height <= limits::STANDS_PATCHES) {
            return Err(problem(&format!("{field}.height"), format!("is {}, outside 0 to {}", cutout.height, limits::STANDS_PATCHES)));
        }
        for (part, parts) in cutout.part.into_iter().zip(cutout.parts) {
            within(&format!("{field}.parts"), usize::from(parts), 1..=limits::PARTS)?;
            within(&format!("{field}.part"), usize::from(part), 0..=usize::from(parts) - 1)?;
        }
    }
    within("number of relief.water", relief.water.len(), 0..=limits::VOCABULARY)?;
    for (i, water) in relief.water.iter().enumerate() {
        let field = format!("relief.water[{i}]");
        token(&format!("{field}.token"), &water.token)?;
        check_rows(m, &field, &water.rows)?;
    }
    within("number of relief.shining", relief.shining.len(), 0..=limits::VOCABULARY)?;
    within("number of tokens of relief.shining", relief.shining.iter().map(|shining| shining.tokens.len()).sum(), 0..=limits::VOCABULARY)?;
    for (i, shining) in relief.shining.iter().enumerate() {
        let field = format!("relief.shining[{i}]");
        shining.tokens.iter().try_for_each(|shines| token(&format!("{field}.tokens"), shines))?;
        check_rows(m, &field, &shining.rows)?;
    }
    Ok(())
}

/// Pixels of a patch, a number for each of its rows.
fn check_rows(m: &Manifest, field: &str, rows: &[u32]) -> Result<(), PackError> {
    let (rows, patch_px) = (rows.len(), m.frame.patch_px);
    if rows == patch_px { Ok(()) } else { Err(problem(&format!("{field}.rows"), format!("are {rows} in patches of {patch_px} pixels"))) }
}

fn check_words(m: &Manifest) -> Result<(), PackError> {
    if m.dynamics.is_some() && m.word_table != prompt::TABLE_NAME {
        let table = quoted(&m.word_table);
        return Err(problem("word_table", format!("is {table:?}, but this program reads prompts with {:?}", prompt::TABLE_NAME)));
    }
    for (i, prompt) in m.suggested_prompts.iter().enumerate() {
        short_text(&format!("suggested_prompts[{i}]"), prompt)?;
    }
    Ok(())
}

fn check_play(m: &Manifest) -> Result<(), PackError> {
    let p = m.play;
    if let Some((name, expected, got)) = misfit(&play_settings(m)) {
        return Err(problem(&format!("play.{name}"), format!("is {got}, expected {expected}")));
    }
    let Some(d) = &m.dynamics else { return Ok(()) };
    within("play.window", p.window, 1..=d.window)?;
    within("play.context_level", p.context_level, 0..=d.context_levels - 1)
}

fn check_parity(m: &Manifest) -> Result<(), PackError> {
    let Some(p) = &m.parity else { return Ok(()) };
    let Some(d) = &m.dynamics else { return Err(problem("parity", "is given, but there is no dynamics")) };
    within("parity.frames", p.frames, 1..=limits::PARITY_FRAMES)?;
    for (field, tolerance) in [("parity.atol", p.atol), ("parity.rtol", p.rtol)] {
        if !(0.0..=1.0).contains(&tolerance) {
            return Err(problem(field, format!("is {tolerance}, outside 0 to 1")));
        }
    }
    let words = prompt::read(&p.prompt, d.prompt_words);
    for word in words {
        let text = &p.prompt[word.range];
        match word.fate {
            Fate::Unknown => return Err(problem("parity.prompt", format!("holds {:?}, which is not in the word table", quoted(text)))),
            Fate::TooMany => return Err(problem("parity.prompt", format!("holds more than {} words", d.prompt_words))),
            Fate::Known(_) | Fate::Silent => {}
        }
    }
    Ok(())
}

impl Pack {
    /// Holds manifest and tensors to the rules that a reader enforces.
    pub fn validate(&self) -> Result<(), PackError> {
        let specs = tensor_specs(&self.manifest)?;
        for spec in &specs {
            let tensor = self.tensors.get(&spec.name).ok_or_else(|| PackError::Missing(spec.name.clone()))?;
            check_header(spec, tensor.dtype, &tensor.shape, tensor.bytes.len())?;
            check_values(&self.manifest, &spec.name, tensor)?;
        }
        if self.tensors.len() != specs.len() {
            let known: HashSet<&str> = specs.iter().map(|s| s.name.as_str()).collect();
            if let Some(name) = self.tensors.keys().find(|name| !known.contains(name.as_str())) {
                return Err(PackError::Unexpected(name.clone()));
            }
        }
        Ok(())
    }
}

fn check_header(spec: &TensorSpec, dtype: PackDtype, shape: &[usize], bytes: usize) -> Result<(), PackError> {
    let name = || spec.name.clone();
    if dtype != spec.dtype {
        return Err(PackError::Dtype { name: name(), expected: format!("{:?}", spec.dtype), got: format!("{dtype:?}") });
    }
    if shape != spec.shape {
        return Err(PackError::Shape { name: name(), expected: spec.shape.clone(), got: shape.to_vec() });
    }
    if bytes != spec.bytes() {
        return Err(PackError::Length { name: name(), bytes, expected: spec.bytes() });
    }
    Ok(())
}

fn check_values(m: &Manifest, name: &str, tensor: &PackTensor) -> Result<(), PackError> {
    if tensor.dtype == PackDtype::U8 {
        // `parity.codes` hold levels (all given), `parity.actions` actions or "unknown", `parity.moved` truth values; all far below 255.
        let max = match (name, &m.dynamics) {
            ("parity.actions", Some(d)) => d.actions,
            ("parity.moved" | "vocabulary.land", _) => 1,
            ("vocabulary.beside", _) => usize::from(u8::MAX),
            _ => m.frame.code_levels - 1,
        };
        let max = u8::try_from(max).unwrap_or(u8::MAX);
        let sorted = name != "vocabulary.tokens" || tensor.bytes.chunks_exact(m.frame.code_dims).is_sorted_by(|a, b| a < b);
        let lies = || tensor.bytes.iter().filter(|lies| **lies == 1).count();
        let counted = name != "vocabulary.land" || m.dynamics.as_ref().is_some_and(|d| d.land == lies());
        return match tensor.bytes.iter().position(|&value| value > max) {
            Some(index) => Err(PackError::OutOfRange { name: name.to_owned(), index, value: tensor.bytes[index], max }),
            None if !sorted => Err(problem("dynamics.vocabulary", "is not in ascending order, every token once")),
            None if !counted => Err(problem("dynamics.land", "is another number than vocabulary.land has")),
            None => Ok(()),
        };
    }
    let values = tensor.f32s();
    match values.iter().position(|value| !value.is_finite()) {
        Some(index) => Err(PackError::NotFinite { name: name.to_owned(), index, value: values[index] }),
        None => Ok(()),
    }
}
