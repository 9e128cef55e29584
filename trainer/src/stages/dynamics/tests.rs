//! The dynamics stage against the engine that plays its packs, and what its batches hold.

use std::collections::HashSet;

use super::batch::NO_ROW;
use super::past::{Blip, Places, Stale};
use super::*;
use burn::tensor::Device;
use somnium::engine::cpu::{CpuEngine, CpuOptions};
use somnium::engine::{DecodeSettings, Engine, PromptWord, TokenFrame, inputs::play_settings, recall, told};
use somnium::pack::Pack;
use somnium::pack::random::{look_manifest, odd_manifest, plain_manifest, random_pack};
use somnium::prompt::WordTable;
use somnium::worlds::scene::{Light, Style};
use somnium::worlds::words::wish_of;

use crate::grow;
use crate::model::dynamics::{Design, DynInput};
use crate::params;
use crate::pipeline::pack_values;
use crate::tokens::{NO_WORD, NONE};

/// A stage without clips, and a model with the weights of `pack`.
fn stage_with(pack: &Pack, frames: usize, device: &Device) -> (DynamicsStage, Dynamics) {
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
        seed: 1,
        bindings: Vec::new(),
        rests: None,
        motions: m.actions.iter().map(|action| action.motion).collect(),
        recorded_only: true,
        looks: Looks::default(),
    };
    let model = params::replace("dyn", stage.new_model(device).expect("a model"), &pack_values(pack), device).expect("the weights");
    (stage, model)
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
    for manifest in [plain_manifest(), look_manifest()] {
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

/// A clip in which the view stands and every frame's tokens are told by its number.
fn numbered(frames: usize, code_bytes: usize, levels: usize) -> TokenClips {
    let mut clip = TokenClips::new(frames, code_bytes, 0);
    (clip.clips, clip.views) = (1, vec![0; 2 * frames]);
    clip.codes = (0..frames).flat_map(|frame| vec![(frame % levels) as u8; code_bytes]).collect();
    clip
}

#[test]
fn stale_places_go_on_showing_what_they_showed() {
    let (device, frames) = (Device::flex(), 6);
    let pack = random_pack(odd_manifest(), 6).expect("a pack");
    let (stage, _) = stage_with(&pack, frames, &device);
    let (n, d) = (stage.tokens(), stage.frame_dims().code_dims);
    let covered = stage.shape.dims.recall.clone().expect("it recalls").covered;
    let clip = numbered(frames, n * d, 5);
    let past = |share: f32| {
        let mut batch = stage.empty_batch(1);
        batch.shown = clip.codes.clone();
        // Whoever does not know the action expects the view to stay.
        batch.actions = vec![stage.shape.dims.actions as u8; frames];
        batch.told = vec![told::LONG_AGO as u8; frames];
        let stale = Some(Stale { frames: 3..5, places: Places { share, side: 1, seed: 1 } });
        stage.push_recall(&clip, (0, 0), &mut batch, RecallTerms { stale, ..RecallTerms::WHOLE }, &mut Dice::new(0, 0));
        batch
    };
    let (all, none) = (past(1.0), past(0.0));
    for token in (0..n).filter(|token| !covered.contains(token)) {
        let shown = |batch: &Batch| (0..frames).map(|frame| usize::from(batch.shown[(frame * n + token) * d])).collect::<Vec<_>>();
        assert_eq!((shown(&all), shown(&none)), (vec![0, 1, 2, 2, 2, 0], vec![0, 1, 2, 3, 4, 0]));
        let recalled = |batch: &Batch, frame: usize| batch.recalled[((frame * n + token) * recall::TAPS + recall::TAPS / 2) * d];
        assert_eq!((recalled(&all, 5), recalled(&none, 5)), (2, 4), "what is stale is recalled");
        assert_eq!((recalled(&all, 3), recalled(&none, 3)), (2, 2), "as long as it is");
    }
}

#[test]
fn a_blip_shows_everything_as_it_was_before_the_change() {
    let (device, frames) = (Device::flex(), 8);
    let pack = random_pack(look_manifest(), 6).expect("a pack");
    let (stage, _) = stage_with(&pack, frames, &device);
    let (n, d, look) = (stage.tokens(), stage.frame_dims().code_dims, stage.frame_dims().patches());
    let covered = stage.shape.dims.recall.clone().expect("it recalls").covered;
    let clip = numbered(frames, n * d, 7);
    let past = |frames_of_it: &[usize]| {
        let mut batch = stage.empty_batch(1);
        batch.shown = clip.codes.clone();
        batch.actions = vec![stage.shape.dims.actions as u8; frames];
        batch.told = vec![told::LONG_AGO as u8; frames];
        let blip = Some(Blip { frames: frames_of_it.to_vec(), change: 3 });
        stage.push_recall(&clip, (0, 0), &mut batch, RecallTerms { blip, ..RecallTerms::WHOLE }, &mut Dice::new(0, 0));
        batch
    };
    let (once, twice, never) = (past(&[4]), past(&[4, 6]), past(&[]));
    for token in (0..n).filter(|token| !covered.contains(token)) {
        let shown = |batch: &Batch| (0..frames).map(|frame| batch.shown[(frame * n + token) * d]).collect::<Vec<_>>();
        assert_eq!(shown(&never), [0, 1, 2, 3, 4, 5, 6, 0]);
        assert_eq!(shown(&once), [0, 1, 2, 3, 2, 5, 6, 0]);
        assert_eq!(shown(&twice), [0, 1, 2, 3, 2, 5, 2, 0]);
        if token == look {
            continue;
        }
        let recalled = |batch: &Batch, frame: usize| batch.recalled[((frame * n + token) * recall::TAPS + recall::TAPS / 2) * d];
        assert_eq!([recalled(&never, 5), recalled(&once, 5), recalled(&once, 6)], [4, 2, 5], "until it is over");
    }
    let ages = |token: usize| &twice.recalled_age[(7 * n + token) * recall::TAPS..][..recall::TAPS];
    assert!(ages(look).iter().all(|age| *age == 0) && ages(0).iter().any(|age| *age > 0), "a look has no place to recall");
}

#[test]
fn some_pasts_have_blots_and_the_truth_has_none() {
    let mut stage = stage_of_one_change(20, 6, 12);
    let clip = Arc::get_mut(&mut stage.clips).expect("nobody else has them");
    clip.blotted.iter_mut().for_each(|code| *code = 4 - *code % 2);
    let truth = clip.codes.clone();
    let windows = |spoil: bool| {
        let batch_of = |seed| {
            let mut batch = stage.empty_batch(1);
            stage.push_window(&stage.clips, (0, 3), &mut batch, &mut Dice::new(5, seed), spoil);
            batch
        };
        let batches: Vec<Batch> = (0..100).map(batch_of).collect();
        let start = 3 * stage.frame_dims().code_bytes();
        assert!(batches.iter().all(|batch| batch.truth == truth[start..start + batch.truth.len()]));
        batches.iter().filter(|batch| batch.shown != batch.truth).count()
    };
    assert!((6..26).contains(&windows(true)));
    assert_eq!(windows(false), 0);
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

/// A stage with one clip of `frames` frames, told apart by their levels, whose words change at `change`.
fn stage_of_one_change(frames: usize, window: usize, change: usize) -> DynamicsStage {
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

#[test]
fn windows_are_chosen_for_lands_that_come_into_view() {
    let mut stage = stage_of_one_change(60, 11, 2);
    let shown = |stage: &DynamicsStage| {
        let mut dice = Dice::new(5, 5);
        let starts: Vec<usize> = (0..400).map(|_| stage.choose_window(&mut dice).1).collect();
        starts.iter().filter(|start| (30..=35).contains(*start)).count()
    };
    let by_chance = shown(&stage);
    // Half a view before it fills most of the view, and a whole window at most.
    stage.land_turns = vec![(0, 40)];
    let for_it = shown(&stage);
    assert!(by_chance < 50 && for_it > by_chance + 40, "{by_chance} and {for_it} of 400 windows show how it comes");
}

#[test]
fn a_light_that_is_said_turns_the_look_and_leaves_the_land() {
    let (frames, window, start) = (20, 6, 7);
    let mut stage = stage_of_one_change(frames, window, frames);
    let (d, n, k) = (stage.frame_dims().code_dims, stage.tokens(), stage.shape.dims.prompt_words);
    let looks = [("Noir Day Clear 0", 0), ("Noir Dusk Clear 0", 1), ("Noir Night Clear 0", 2), ("Noir Dawn Clear 0", 3)];
    stage.looks = Looks(looks.map(|(name, level)| (name.to_owned(), vec![level; d])).into());
    let clip = Arc::get_mut(&mut stage.clips).expect("nobody else has them");
    clip.words.fill(WordTable::get().find("noir").expect("a word"));
    clip.codes.chunks_exact_mut(n * d).for_each(|codes| codes[(n - 1) * d..].fill(0));
    clip.blotted.clone_from(&clip.codes);
    let (mut turned, mut as_it_was) = (0, 0);
    for seed in 0..1000 {
        let mut batch = stage.empty_batch(1);
        stage.push_window(&stage.clips, (0, start), &mut batch, &mut Dice::new(6, seed), true);
        let look = |frame: usize| batch.truth[(frame * n + n - 1) * d];
        let Some(at) = (0..window).find(|frame| look(*frame) != 0) else {
            as_it_was += 1;
            continue;
        };
        turned += 1;
        let said = |frame: usize| -> Vec<u16> { batch.words[frame * k..][..k].iter().copied().filter(|word| *word != NO_WORD).collect() };
        let light = [None, Some(Light::Dusk), Some(Light::Night), Some(Light::Dawn)][usize::from(look(at))];
        assert!(at > 0 && (at..window).all(|frame| look(frame) == look(at) && wish_of(&said(frame)).light == light));
        assert!((at..window).all(|frame| wish_of(&said(frame)).style == Some(Style::Noir)));
        assert_eq!((usize::from(batch.told[at]), wish_of(&said(at - 1)).light), (told::NEWS, None));
        for (frame, codes) in batch.truth.chunks_exact(n * d).enumerate() {
            assert_eq!(codes[..(n - 1) * d], stage.clips.frame(0, start + frame)[..(n - 1) * d], "the land is what it was");
        }
        assert_eq!(batch.shown, batch.truth);
    }
    assert!(turned > 60 && as_it_was > 800, "{turned} windows turn, {as_it_was} do not");
}

#[test]
fn what_nobody_can_know_is_not_guessed() {
    let (frames, window) = (20, 6);
    let mut stage = stage_of_one_change(frames, window, frames);
    let clip = Arc::get_mut(&mut stage.clips).expect("nobody else has them");
    clip.views = (0..frames as i16).flat_map(|frame| [frame, 0]).collect();
    stage.motions[0] = [1, 0];
    let (mut guessed, mut new, mut forgotten) = (0, 0, 0);
    for seed in 0..200 {
        let batch = stage.training_batch(&mut Dice::new(9, seed));
        let n = stage.tokens();
        for (row, own) in batch.own.iter().enumerate() {
            let first = (row / n).is_multiple_of(window);
            assert!(!own || !(first || batch.unknowable[row]));
            guessed += usize::from(*own);
            new += usize::from(batch.new_land[row]);
            // What is forgotten cannot be known either, but for what is still in view.
            forgotten += usize::from(!first && batch.unknowable[row] && !batch.new_land[row]);
            assert!(batch.unknowable[row] || !batch.new_land[row]);
        }
    }
    assert!(guessed > 1000 && new > 1000 && forgotten > 100, "{guessed} guessed, {new} new, {forgotten} forgotten");
}

#[test]
fn places_stay_stale_into_windows_that_begin_after_the_change() {
    let (frames, window, change, start) = (20, 6, 4, 9);
    let stage = stage_of_one_change(frames, window, change);
    let d = stage.frame_dims().code_bytes();
    let (mut spoiled, mut faithful) = (0, 0);
    for seed in 0..200 {
        let mut batch = stage.empty_batch(1);
        stage.push_window(&stage.clips, (0, start), &mut batch, &mut Dice::new(5, seed), seed % 2 == 0);
        // Nothing but what was last seen before the change, of a look in either of two frames, ever stands in for a frame.
        let before = [change - 1, change - 2].map(|frame| (frame % 5) as u8);
        let stale = |(row, shown): (usize, &u8)| *shown != batch.truth[row] && before.contains(shown);
        let apart = batch.shown.iter().zip(&batch.truth).filter(|(shown, truth)| shown != truth).count();
        assert_eq!(apart, batch.shown.iter().enumerate().filter(|shown| stale(*shown)).count());
        *if seed % 2 == 0 { &mut spoiled } else { &mut faithful } += usize::from(apart > d);
    }
    assert!(spoiled > 10 && faithful == 0, "{spoiled} of 100 windows hold stale places, {faithful} where nothing is spoiled");
}

#[test]
fn new_land_counts_where_what_was_asked_of_it_is_told() {
    let (frames, window, change) = (20, 6, 8);
    let mut stage = stage_of_one_change(frames, window, change);
    let clip = Arc::get_mut(&mut stage.clips).expect("nobody else has them");
    // One step to the east every frame.
    clip.views = (0..frames as i16).flat_map(|frame| [frame, 0]).collect();
    stage.motions[0] = [1, 0];
    let mut weights = [[false; 2]; 2].map(|told| told.map(|_| HashSet::new()));
    let mut of_looks = [false; 2].map(|_| HashSet::new());
    for seed in 0..300 {
        let batch = stage.training_batch(&mut Dice::new(8, seed));
        for (frame, weights) in batch.weights.chunks_exact(stage.tokens()).enumerate() {
            let alone = batch.nothing[frame / window] || frame.is_multiple_of(window) || batch.told[frame] == 0;
            of_looks[usize::from(alone && stage.hears(&batch, frame))].insert(weights[stage.frame_dims().patches()] as u32);
        }
        for (row, _) in batch.masked.iter().enumerate().filter(|(row, token)| **token == Token::Masked && batch.new_land[*row]) {
            let frame = row / stage.tokens();
            let heard = usize::from(stage.hears(&batch, frame));
            weights[usize::from(batch.wished[frame])][heard].insert(batch.weights[row] as u32);
        }
    }
    let [[silent_before, heard_before], [silent_after, heard_after]] = weights;
    assert_eq!(silent_after, HashSet::from([0]));
    // A look counts as much as many patches, as much as all of them where words alone say what it is, twice as much where they are news.
    assert_eq!(of_looks, [HashSet::from([0, 16]), HashSet::from([0, 64, 128])]);
    // Nothing but in frames that are no example to follow.
    assert!([silent_before, heard_before, heard_after].iter().all(|weights| weights.contains(&3)));
}

#[test]
fn words_that_went_unheard_are_said_earlier() {
    let (frames, window, change, start) = (20, 6, 12, 9);
    let stage = stage_of_one_change(frames, window, change);
    let (n, words) = (stage.tokens(), stage.shape.dims.prompt_words);
    let mut unheard = 0;
    for seed in 0..200 {
        let mut dice = Dice::new(5, seed);
        let mut batch = stage.empty_batch(1);
        stage.push_window(&stage.clips, (0, start), &mut batch, &mut dice, true);
        let said = |frame: usize| batch.words[frame * words];
        assert!(said(3) == 1 || said(3) == NO_WORD);
        assert!(said(0) != 1 || said(1) == 1, "the first frame may be described");
        let early = said(1) == 1;
        assert_eq!(batch.untaught, if early { vec![0, 1, 2] } else { Vec::new() });
        // Words are news where they change; those that went unheard no more.
        let heard_late = said(3) == 1 && !early;
        assert_eq!(batch.told[3] == 0, heard_late, "{:?}", batch.told);
        assert!(!heard_late || batch.told[4..] == [1, 1]);
        unheard += usize::from(early);
    }
    assert!((40..110).contains(&unheard), "{unheard} of 200 windows");
    let batch = (0..).map(|seed| stage.training_batch(&mut Dice::new(6, seed))).find(|batch| !batch.untaught.is_empty()).expect("one");
    let counts = |frame: usize| batch.weights[frame * n..][..n].iter().any(|weight| *weight > 0.0);
    assert!(batch.untaught.iter().all(|frame| !counts(*frame)));
    assert!((0..batch.clips * batch.frames).any(counts), "the others are taught");
}

#[test]
fn villages_are_chosen_more_often_than_they_come() {
    let (frames, window) = (60, 6);
    let mut stage = stage_of_one_change(frames, window, 59);
    stage.changes.clear();
    let shows = |stage: &DynamicsStage| {
        let dice = |seed| Dice::new(5, seed);
        let windows = (0..400).map(|seed| stage.choose_window(&mut dice(seed)).1);
        windows.filter(|start| (*start..start + window).contains(&30)).count()
    };
    let before = shows(&stage);
    stage.villages = vec![(0, 30)];
    assert!(shows(&stage) > before + 60, "{} windows of 400 show the village, {before} by themselves", shows(&stage));
}

#[test]
fn villages_come_out_of_nothing_more_often_than_they_are_there() {
    let (frames, at) = (60, 30);
    let mut stage = stage_of_one_change(frames, 6, 59);
    let (of_a_frame, first) = (stage.frame_dims().code_bytes(), at * stage.frame_dims().code_bytes());
    Arc::get_mut(&mut stage.clips).expect("nobody else has them").codes[first..first + of_a_frame].fill(9);
    let shown = |stage: &DynamicsStage| {
        let (mut villages, mut all) = (0, 0);
        for batch in (0..40).map(|seed| stage.training_batch(&mut Dice::new(7, seed))) {
            let first_levels = batch.truth.chunks_exact(of_a_frame).map(|frame| frame[0]);
            for (_, level) in (0..).zip(first_levels).filter(|(frame, _)| batch.nothing[frame / batch.frames]) {
                villages += u32::from(level == 9);
                all += 1;
            }
        }
        100 * villages / all
    };
    let by_themselves = shown(&stage);
    stage.villages = vec![(0, at)];
    let chosen = shown(&stage);
    assert!(by_themselves < 5 && (10..25).contains(&chosen), "{by_themselves} and {chosen} of 100 frames show it");
}

#[test]
fn a_step_that_something_blocks_shows_no_new_land() {
    let (frames, window) = (20, 6);
    let mut stage = stage_of_one_change(frames, window, frames);
    let step = (stage.frame_dims().patch_px / stage.shape.dims.recall.as_ref().expect("recall").step_px) as i16;
    let east = stage.motions.iter().position(|motion| motion[0] > 0).expect("a way to the right") as u8;
    let (n, w) = (stage.tokens(), stage.frame_dims().grid_w());
    stage.bindings = vec![east];
    let clip = Arc::get_mut(&mut stage.clips).expect("nobody else has them");
    // It goes right by a patch with the third frame alone, and is blocked by something from then on.
    clip.views = (0..frames as i16).flat_map(|frame| [if frame < 2 { 0 } else { step }, 0]).collect();
    let mut batch = stage.empty_batch(1);
    stage.push_window(&stage.clips, (0, 0), &mut batch, &mut Dice::new(6, 1), false);
    let new = |frame: usize| (0..n).filter(|token| batch.new_land[frame * n + token]).collect::<Vec<_>>();
    // The column at the right, and the place that the figure stood on.
    let (shown, figure) = (new(2), stage.shape.dims.recall.as_ref().expect("recall").covered[0]);
    let expected: Vec<usize> = (0..stage.frame_dims().patches()).filter(|token| token % w == w - 1 || *token == figure - 1).collect();
    assert_eq!(shown, expected);
    assert!([1, 3, 4, 5].iter().all(|frame| new(*frame).is_empty()), "blocked");
    assert!((2..window).all(|frame| batch.actions[frame] == east), "though all was asked for");
}

#[test]
fn frames_out_of_nothing_are_described_and_come_in_pairs_from_everywhere() {
    let (frames, window, clips) = (20, 6, 8);
    let mut stage = stage_of_one_change(frames, window, 12);
    let (n, words) = (stage.tokens(), stage.shape.dims.prompt_words);
    let all = Arc::get_mut(&mut stage.clips).expect("nobody else has them");
    all.clips = clips;
    (all.codes, all.blotted, all.views) = (all.codes.repeat(clips), all.blotted.repeat(clips), all.views.repeat(clips));
    (all.recorded, all.inferred, all.untold) = (all.recorded.repeat(clips), all.inferred.repeat(clips), all.untold.repeat(clips));
    (all.words, all.described) = (all.words.repeat(clips), (0..clips as u16).flat_map(|clip| vec![10 + clip; frames * words]).collect());
    let (mut windows, mut sources) = ([0; 2], HashSet::new());
    for seed in 0..60 {
        let batch = stage.training_batch(&mut Dice::new(7, seed));
        for (clip, nothing) in batch.nothing.iter().enumerate() {
            windows[usize::from(*nothing)] += 1;
            if !nothing {
                continue;
            }
            let of = clip * window..(clip + 1) * window;
            let described: Vec<u16> = of.clone().map(|frame| batch.words[frame * words]).collect();
            assert!(described.chunks(2).all(|pair| pair[0] == pair[1] && pair[0] >= 10), "{described:?}");
            sources.insert(described);
            // It has no key, no past, and is no news.
            assert!(batch.actions[of.clone()].iter().all(|action| usize::from(*action) == stage.shape.dims.actions));
            assert!(batch.clean[of.start * n..of.end * n].iter().all(|token| *token == Token::Unknown));
            let recalled = of.start * n * recall::TAPS..of.end * n * recall::TAPS;
            assert!(batch.recalled_age[recalled].iter().all(|age| *age == 0));
            assert!(batch.told[of].iter().all(|class| usize::from(*class) == told::LONG_AGO));
        }
    }
    let share = f64::from(windows[1]) / f64::from(windows[0] + windows[1]);
    assert!((0.2..0.4).contains(&share) && sources.len() > 50, "{share}, {} kinds of windows", sources.len());
}

#[test]
fn an_action_nobody_knows_leads_nowhere() {
    let (frames, window) = (20, 6);
    let mut stage = stage_of_one_change(frames, window, 12);
    let clip = Arc::get_mut(&mut stage.clips).expect("nobody else has them");
    // One step to the east every frame.
    clip.views = (0..frames as i16).flat_map(|frame| [frame, 0]).collect();
    stage.motions[0] = [1, 0];
    let n = stage.tokens();
    let (mut frames, mut with_new_land) = ([0.0; 2], [0.0; 2]);
    for seed in 0..400 {
        let mut batch = stage.empty_batch(1);
        stage.push_window(&stage.clips, (0, 5), &mut batch, &mut Dice::new(9, seed), true);
        for frame in 1..window {
            let unknown = usize::from(batch.actions[frame]) == stage.shape.dims.actions;
            let any_new = batch.new_land[frame * n..][..n].contains(&true);
            frames[usize::from(unknown)] += 1.0;
            with_new_land[usize::from(unknown)] += f64::from(u8::from(any_new));
        }
    }
    // Whoever stays has all in sight already, but for a view that slipped.
    let [known, unknown] = [0, 1].map(|i| with_new_land[i] / frames[i]);
    assert!(frames[1] > 20.0 && known > 0.9 && unknown < 0.2, "{frames:?} frames, new land in {known} and {unknown} of them");
    // What nobody could know is never guessed into the history, whatever else is.
    let mut guessed = [0; 2];
    for batch in (0..60).map(|seed| stage.training_batch(&mut Dice::new(9, seed))) {
        let own = batch.own.iter().zip(&batch.new_land).filter(|(own, _)| **own);
        own.for_each(|(_, new)| guessed[usize::from(*new)] += 1);
    }
    assert!(guessed[0] > 100 && guessed[1] == 0, "{guessed:?}");
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
fn frames_out_of_nothing_are_painted_around_other_frames_and_only_what_is_painted_counts() {
    let stage = stage_of_one_change(20, 6, 12);
    let n = stage.tokens();
    let (mut painted, mut whole, mut with_past) = (0, 0, 0);
    for seed in 0..60 {
        let batch = stage.training_batch(&mut Dice::new(8, seed));
        for frame in 0..batch.clips * batch.frames {
            let rows = frame * n..(frame + 1) * n;
            let foreign: Vec<usize> = rows.clone().filter(|row| matches!(batch.masked[*row], Token::Given(from) if from != *row)).collect();
            assert!(foreign.iter().all(|row| batch.weights[*row] == 0.0));
            // All of another frame, each token in its place.
            let from: HashSet<usize> =
                foreign.iter().map(|row| if let Token::Given(from) = batch.masked[*row] { from / n } else { frame }).collect();
            assert!(from.len() <= 1 && foreign.iter().all(|row| matches!(batch.masked[*row], Token::Given(from) if from % n == row % n)));
            match (foreign.is_empty(), batch.nothing[frame / batch.frames]) {
                (false, true) => painted += 1,
                (true, true) => whole += 1,
                (false, false) => with_past += 1,
                (true, false) => {}
            }
        }
    }
    assert!(painted > 20 && whole > painted && with_past == 0, "{painted} painted, {whole} whole, {with_past} that have a past");
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
