//! The whole model: the dynamics stage against the engine that plays its packs, and what one weight or token does to all others. And the
//! stages that the tests of its parts begin with.

use super::batch::NO_ROW;
use super::*;
use burn::tensor::Device;
use somnium::engine::cpu::{CpuEngine, CpuOptions};
use somnium::engine::{DecodeSettings, Engine, PromptWord, TokenFrame, inputs::play_settings};
use somnium::pack::Pack;
use somnium::pack::random::{look_manifest, odd_manifest, plain_manifest, random_pack};

use crate::grow;
use crate::model::dynamics::{Design, DynInput};
use crate::params;
use crate::pipeline::pack_values;
use crate::tokens::{NO_WORD, NONE};

/// A stage without clips, and a model with the weights of `pack`.
pub(super) fn stage_with(pack: &Pack, frames: usize, device: &Device) -> (DynamicsStage, Dynamics) {
    let m = &pack.manifest;
    let dims = m.dynamics.clone().expect("the pack has dynamics");
    let mut preset = crate::preset::by_name("pocket").expect("the preset exists");
    (preset.dynamics, preset.play) = (dims.clone(), m.play);
    preset.dynamics_frames = frames;
    let clips = || Arc::new(TokenClips::new(frames, m.frame.code_bytes(), dims.prompt_words));
    let stage = DynamicsStage {
        clips: clips(),
        held_out: clips(),
        changes: Vec::new(),
        land_turns: Vec::new(),
        villages: Vec::new(),
        preset,
        shape: DynShape { frame: m.frame, dims: dims.clone(), design: Design::default() },
        scrolls: dims.recall.clone(),
        seed: 1,
        bindings: Vec::new(),
        rests: None,
        motions: m.actions.iter().map(|action| action.motion).collect(),
        recorded_only: true,
        captions_are_wishes: true,
        looks: Looks::default(),
        meaning: None,
    };
    let model = params::replace("dyn", stage.new_model(device).expect("a model"), &pack_values(pack), device).expect("the weights");
    (stage, model)
}

/// A stage with one clip of `frames` frames, told apart by their levels, whose words change at `change`.
pub(super) fn stage_of_one_change(frames: usize, window: usize, change: usize) -> DynamicsStage {
    let pack = random_pack(look_manifest(), 6).expect("a pack");
    let (mut stage, _) = stage_with(&pack, window, &Device::flex());
    let (bytes, words) = (stage.frame_dims().code_bytes(), stage.shape.dims.prompt_words);
    let mut clip = TokenClips::new(frames, bytes, words);
    (clip.clips, clip.views, clip.recorded, clip.inferred) = (1, vec![0; 2 * frames], vec![0; frames], vec![NONE; frames]);
    clip.codes = (0..frames).flat_map(|frame| vec![(frame % 5) as u8; bytes]).collect();
    clip.blotted.clone_from(&clip.codes);
    clip.words = (0..frames).flat_map(|frame| vec![u16::from(frame >= change); words]).collect();
    clip.described = vec![2; frames * words];
    clip.untold = vec![0; frames];
    (stage.clips, stage.changes, stage.bindings) = (Arc::new(clip), vec![(0, change)], vec![0]);
    stage
}

/// A clip in which the view stands and every frame's tokens are told by its number.
pub(super) fn numbered(frames: usize, code_bytes: usize, levels: usize) -> TokenClips {
    let mut clip = TokenClips::new(frames, code_bytes, 0);
    (clip.clips, clip.views) = (1, vec![0; 2 * frames]);
    clip.codes = (0..frames).flat_map(|frame| vec![(frame % levels) as u8; code_bytes]).collect();
    clip
}

#[test]
fn weights_of_another_preset_are_refused_in_one_sentence() {
    let device = Device::flex();
    let pack = random_pack(odd_manifest(), 5).expect("a pack");
    let (stage, model) = stage_with(&random_pack(plain_manifest(), 5).expect("a pack"), 3, &device);
    let why = params::replace("dyn", model, &pack_values(&pack), &device).expect_err("they do not fit").to_string();
    assert!(why.contains("of another preset") && why.len() < 200, "{why}");
    // The control: its own fit.
    let own = random_pack(plain_manifest(), 6).expect("a pack");
    assert!(params::replace("dyn", stage.new_model(&device).expect("a model"), &pack_values(&own), &device).is_ok());
}

/// A batch of one clip of random codes, everything masked.
fn random_batch(stage: &DynamicsStage, frames: usize) -> Batch {
    let FrameDims { code_dims, code_levels, .. } = *stage.frame_dims();
    let (mut dice, rows) = (Dice::new(3, 4), frames * stage.tokens());
    let truth: Vec<u8> = (0..rows * code_dims).map(|_| dice.below(code_levels) as u8).collect();
    Batch {
        clips: 1,
        shown: truth.clone(),
        truth,
        clean: (0..rows).map(Token::Given).collect(),
        masked: vec![Token::Masked; rows],
        weights: vec![1.0; rows],
        actions: vec![1; frames],
        levels: vec![0; frames],
        spans: vec![stage.shape.dims.window - 1],
        words: vec![NO_WORD; frames * stage.shape.dims.prompt_words],
        told: vec![0; frames],
        ..stage.empty_batch(1)
    }
}

/// Worst difference of trainer and CPU engine over a clip longer than two windows, both with the weights of `pack`.
fn worst_difference(pack: &Pack, change: impl Fn(&mut Vec<u8>)) -> f32 {
    let m = &pack.manifest;
    let dims = m.dynamics.clone().expect("the pack has dynamics");
    let frames = 2 * dims.window + 2;
    let device = Device::flex();
    let (stage, model) = stage_with(pack, frames, &device);
    let mut dice = Dice::new(3, 3);
    let codes: Vec<u8> = (0..frames * m.frame.code_bytes()).map(|_| dice.below(m.frame.code_levels) as u8).collect();
    let mut actions: Vec<u8> = (0..frames).map(|_| dice.below(dims.actions) as u8).collect();
    actions[0] = dims.actions as u8;
    // Other words from the fifth frame on.
    let word = |frame: usize| 1 + u16::from(frame >= 4);
    let words: Vec<u16> = (0..frames).flat_map(|t| (0..dims.prompt_words).map(move |k| if k == 0 { word(t) } else { NO_WORD })).collect();
    // Some steps are blocked; the first frame cannot have moved.
    let moved: Vec<bool> = (0..frames).map(|t| t > 0 && dice.chance(0.7)).collect();
    let mut logits = stage.teacher_forced(&model, &codes, &actions, &moved, &words, &device).expect("logits").into_iter();
    let mut engine = CpuEngine::new(pack, CpuOptions::default()).expect("the engine takes the pack");
    engine.restore(&[], 0).expect("a fresh start");
    let settings = DecodeSettings { window: dims.window, ..play_settings(m) };
    let mut played = codes;
    change(&mut played);
    let mut worst = 0.0f32;
    for (t, action) in actions.iter().enumerate() {
        let codes = played[t * m.frame.code_bytes()..][..m.frame.code_bytes()].to_vec();
        let truth = TokenFrame { codes, action: *action, moved: moved[t], prompt: vec![PromptWord::whole(word(t))] };
        let ours = engine.teacher_force(&truth, &settings).expect("logits");
        worst = ours.into_iter().zip(logits.by_ref()).map(|(a, b)| (a - b).abs()).fold(worst, f32::max);
    }
    worst
}

#[test]
fn trainer_and_engine_agree_on_any_weights() {
    let mut forgetful = plain_manifest();
    forgetful.dynamics.as_mut().expect("with dynamics").recall = None;
    for manifest in [plain_manifest(), look_manifest(), forgetful] {
        let pack = random_pack(manifest, 5).expect("a pack");
        let worst = worst_difference(&pack, |_| ());
        assert!(worst < 1e-3, "off by {worst}");
        // Negative control: another history is another prediction; also another look is.
        let (levels, last) = (pack.manifest.frame.code_levels as u8, pack.manifest.frame.code_bytes() - 1);
        for at in [0, last] {
            assert!(worst_difference(&pack, |codes| codes[at] = (codes[at] + 1) % levels) > 1e-2);
        }
    }
}

#[test]
fn what_is_drawn_without_noise_is_the_likeliest_level_after_level() {
    let (device, frames) = (Device::flex(), 3);
    let pack = random_pack(odd_manifest(), 6).expect("a pack");
    let (stage, model) = stage_with(&pack, frames, &device);
    let FrameDims { code_dims: d, code_levels: l, .. } = pack.manifest.frame;
    let batch = random_batch(&stage, frames);
    let rows = frames * stage.tokens();
    let drawn = model.sample(&stage.shape, stage.input(&batch, &device), Tensor::zeros([rows, d * l], &device)).narrow(1, 0, d * l);
    // Given these very levels, each is the first choice; given others, not all are.
    let first_choices = |levels: Tensor<2>| -> f32 {
        let input = DynInput { truth: levels, ..stage.input(&batch, &device) };
        let logits = model.forward(&stage.shape, input).reshape([rows * d, l]);
        let best = logits.clone().greater_equal(logits.max_dim(1)).float();
        (best * drawn.clone().reshape([rows * d, l])).sum().into_scalar::<f32>()
    };
    assert_eq!(first_choices(drawn.clone()), (rows * d) as f32);
    assert!(first_choices(stage.true_levels(&batch, &device)) < (rows * d) as f32);
}

#[test]
fn a_grown_dynamics_makes_of_the_old_dimensions_what_the_narrow_one_made_of_them() {
    let (device, frames) = (Device::flex(), 4);
    let narrow_pack = random_pack(odd_manifest(), 6).expect("a pack");
    let (narrow, narrow_model) = stage_with(&narrow_pack, frames, &device);
    let mut manifest = odd_manifest();
    manifest.frame.code_dims += 2;
    let (wide, fresh) = stage_with(&random_pack(manifest, 7).expect("a pack"), frames, &device);
    let values = grow::code_dims(&pack_values(&narrow_pack), &params::collect("dyn", &fresh).expect("values"));
    let wide_model = params::replace("dyn", fresh, &values, &device).expect("they fit");

    let ([few, many], l) = ([&narrow, &wide].map(|stage| stage.frame_dims().code_dims), narrow.frame_dims().code_levels);
    let logits = |stage: &DynamicsStage, model: &Dynamics, batch: &Batch| -> Vec<f32> {
        let logits = model.forward(&stage.shape, stage.input(batch, &device)).try_into_vec_as::<f32>().expect("values");
        logits.chunks_exact(stage.frame_dims().code_dims * l).flat_map(|row| row[..few * l].to_vec()).collect()
    };
    let wide_batch = |change: &dyn Fn(&mut [u8])| {
        let mut batch = random_batch(&wide, frames);
        batch.truth.chunks_exact_mut(many).for_each(change);
        batch.shown.clone_from(&batch.truth);
        batch
    };
    let worst = |batch: &Batch| {
        let first = |codes: &[u8]| codes.chunks_exact(many).flat_map(|token| token[..few].to_vec()).collect::<Vec<u8>>();
        let short = Batch { truth: first(&batch.truth), shown: first(&batch.shown), ..random_batch(&narrow, frames) };
        let pairs = logits(&wide, &wide_model, batch).into_iter().zip(logits(&narrow, &narrow_model, &short));
        pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
    };
    assert!(worst(&wide_batch(&|_| ())) < 1e-4);
    assert!(worst(&wide_batch(&|token| token[few..].fill(1))) < 1e-4, "whatever the new ones say");
    // The control: what the narrow one reads does matter.
    let [as_is, other] =
        [logits(&wide, &wide_model, &wide_batch(&|_| ())), logits(&wide, &wide_model, &wide_batch(&|token| token[0] ^= 1))];
    assert_ne!(as_is, other);
}

#[test]
fn what_comes_out_of_nothing_has_no_history_and_what_nobody_sees_is_left_out() {
    let (device, window) = (Device::flex(), 6);
    let stage = stage_of_one_change(20, window, 12);
    let n = stage.tokens();
    let mixed = |batch: &Batch| batch.nothing.contains(&true) && batch.spans[0] > 0;
    let batch = (0..).map(|seed| stage.training_batch(&mut Dice::new(7, seed))).find(mixed).expect("one");
    let any_known = |clip: usize| batch.clean[clip * window * n..][..window * n].iter().any(|token| *token != Token::Unknown);
    assert!((0..batch.clips).all(|clip| any_known(clip) != batch.nothing[clip]));
    assert!(batch.nothing.is_sorted(), "it comes last");

    let pack = random_pack(look_manifest(), 8).expect("a pack");
    let (_, model) = stage_with(&pack, window, &device);
    let logits = |seeing: usize| -> Vec<f32> {
        let input = DynInput { seeing, ..stage.input(&batch, &device) };
        model.forward(&stage.shape, input).try_into_vec_as::<f32>().expect("values")
    };
    let (all, seeing) = (logits(batch.clips), stage.input(&batch, &device).seeing);
    let far = |other: Vec<f32>| all.iter().zip(other).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(seeing < batch.clips && far(logits(seeing)) < 1e-4, "{seeing} of {}: {} off", batch.clips, far(logits(seeing)));
    // The control: a clip whose past is seen is left out.
    assert!(far(logits(0)) > 1e-3);
}

#[test]
fn settled_tokens_are_seen_beside_and_masked_ones_are_not() {
    let (device, frames) = (Device::flex(), 3);
    let mut blind = odd_manifest();
    blind.dynamics.as_mut().expect("with dynamics").look_beside = false;
    let pack = random_pack(blind, 6).expect("a pack");
    let (mut stage, without) = stage_with(&pack, frames, &device);
    stage.shape.dims.look_beside = true;
    let with = |weight: f32| {
        let fresh = stage.new_model(&device).expect("a model");
        let mut values = grow::parts(pack_values(&pack), &params::collect("dyn", &fresh).expect("its values"));
        values.get_mut("dyn.beside.w").expect("a new part").1.fill(weight);
        params::replace("dyn", fresh, &values, &device).expect("the weights")
    };
    let logits = |model: &Dynamics, settled: Option<usize>| {
        let mut batch = random_batch(&stage, frames);
        settled.into_iter().for_each(|row| batch.masked[row] = Token::Given(row));
        model.forward(&stage.shape, stage.input(&batch, &device)).try_into_vec_as::<f32>().expect("values")
    };
    let settled = Some(stage.tokens() + 1);
    assert_eq!(logits(&with(0.0), settled), logits(&without, settled), "it does nothing yet");
    assert_eq!(logits(&with(0.3), None), logits(&without, None), "nothing is settled");
    assert_ne!(logits(&with(0.3), settled), logits(&without, settled));
}

#[test]
fn a_dynamics_without_recall_learns_by_the_same_batches_and_is_told_nothing_of_the_map() {
    let stage = || stage_of_one_change(20, 6, 12);
    let (with, mut without, mut standing) = (stage(), stage(), stage());
    without.shape.dims.recall = None;
    (standing.shape.dims.recall, standing.scrolls) = (None, None);
    let batch = |stage: &DynamicsStage| stage.training_batch(&mut Dice::new(7, 3));
    let (ours, theirs) = (batch(&with), batch(&without));
    assert!(ours.weights == theirs.weights && ours.shown == theirs.shown && ours.truth == theirs.truth);
    // The figure counts more; the control: where nothing is known to scroll, it is a token like all others.
    assert!(theirs.weights.contains(&4.0) && !batch(&standing).weights.contains(&4.0));
    let device = Device::flex();
    let [told, untold] = [(&with, &ours), (&without, &theirs)].map(|(stage, batch)| stage.input(batch, &device).recall.is_some());
    assert!(told && !untold);
    let model = without.new_model(&device).expect("a model");
    assert!(params::collect("dyn", &model).expect("values").keys().all(|name| !name.starts_with("dyn.recall")));
    let logits = model.forward(&without.shape, without.input(&theirs, &device)).try_into_vec_as::<f32>().expect("values");
    assert!(logits.iter().all(|logit| logit.is_finite()));
}

#[test]
fn windows_of_space_and_time_see_no_later_frame() {
    let (device, frames) = (Device::flex(), 4);
    let pack = random_pack(odd_manifest(), 6).expect("a pack");
    let (mut stage, model) = stage_with(&pack, frames, &device);
    let batch = random_batch(&stage, frames);
    let logits = |stage: &DynamicsStage, changed: Option<usize>| {
        let mut batch = random_batch(stage, frames);
        if let Some(frame) = changed {
            // Frames are random: another's tokens in its history.
            let n = stage.tokens();
            (frame * n..(frame + 1) * n).for_each(|row| batch.clean[row] = Token::Given((row + n) % (frames * n)));
        }
        model.forward(&stage.shape, stage.input(&batch, &device)).try_into_vec_as::<f32>().expect("values")
    };
    let of_frame = batch.truth.len() / frames * stage.frame_dims().code_levels;
    let alone = logits(&stage, None);
    stage.shape.design.window = [stage.frame_dims().grid_h(), stage.frame_dims().grid_w()];
    let (whole, changed) = (logits(&stage, None), logits(&stage, Some(2)));
    assert_ne!(alone, whole, "what others saw is seen");
    assert_eq!(whole[..3 * of_frame], changed[..3 * of_frame]);
    assert_ne!(whole[3 * of_frame..], changed[3 * of_frame..], "the frame after sees the change");
}

#[test]
fn own_tokens_enter_history_and_map_where_they_are_asked_for() {
    let (device, frames) = (Device::flex().autodiff(), 4);
    let pack = random_pack(odd_manifest(), 6).expect("a pack");
    let (stage, model) = stage_with(&pack, frames, &device);
    let FrameDims { code_dims: d, code_levels: l, .. } = pack.manifest.frame;
    let rows = frames * stage.tokens();
    // The first frame lies before the window.
    let clip = numbered(frames + 1, stage.tokens() * d, l);
    let drawn = |own_drawn: u32| {
        let mut batch = random_batch(&stage, frames);
        batch.shown = clip.codes[stage.tokens() * d..].to_vec();
        batch.own = (0..rows).map(|row| row % 3 == 0).collect();
        (batch.noise, batch.own_drawn) = (vec![0.0; rows * d * l], own_drawn);
        stage.push_recall(&clip, (0, 1), &mut batch, RecallTerms::WHOLE, &mut Dice::new(0, 0));
        stage.draw_own_history(&model, &mut batch, &device).expect("guesses");
        batch
    };
    let [before, once, twice] = [0, 1, 2].map(drawn);
    let differ = |a: &Batch, b: &Batch| (0..rows).filter(|row| a.shown[row * d..][..d] != b.shown[row * d..][..d]).collect::<Vec<_>>();
    let changed = differ(&before, &once);
    assert!(!changed.is_empty() && changed.iter().all(|row| row % 3 == 0), "{changed:?}");
    // What is drawn again sees what was drawn: nothing of it lies before the first frame.
    let again = differ(&once, &twice);
    assert!(!again.is_empty() && again.iter().all(|row| row % 3 == 0 && *row >= stage.tokens()), "{again:?}");
    // What is recalled of a frame is what that frame shows now.
    let off = |recalled: &Batch, shown: &Batch| {
        let of_window = recalled.recalled.chunks_exact(d).zip(&recalled.recalled_row).filter(|(_, row)| **row != NO_ROW);
        of_window.filter(|(levels, row)| **levels != shown.shown[**row as usize * d..][..d]).count()
    };
    assert_eq!([&before, &once, &twice].map(|batch| off(batch, batch)), [0; 3]);
    assert!(off(&before, &once) > 0 && off(&once, &twice) > 0, "the control: what was guessed is recalled");
}
