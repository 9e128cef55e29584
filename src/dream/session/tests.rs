//! A session on the reference engine.

use super::*;
use crate::dream::beginning::{TRIES, seed_of};
use crate::engine::cpu::{CpuEngine, CpuOptions};
use crate::engine::inputs::play_settings;
use crate::engine::reference::ReferenceEngine;
use crate::engine::{Chance, PromptWord, told};
use crate::pack::Pack;
use crate::pack::manifest::{FrameDims, Relief, Standing};
use crate::pack::random::{odd_manifest, random_pack};
use crate::prompt::WordTable;
use crate::worlds::random::Rng;
use crate::worlds::relief::Cutout;
use crate::worlds::scene::{Biome, Feature};
use crate::worlds::words::saying;

const WALK: [u8; 9] = [0, 1, 2, 2, 1, 0, 0, 1, 2];

fn pack() -> Pack {
    random_pack(odd_manifest(), 5).unwrap()
}

fn session(pack: &Pack) -> DreamSession {
    shown(pack, 2)
}

/// A dream that was shown so many pictures.
pub(super) fn shown(pack: &Pack, pictures: usize) -> DreamSession {
    let mut session = DreamSession::new(Box::new(ReferenceEngine::new(pack).unwrap())).unwrap();
    let frame = pack.manifest.frame;
    let still = |shade: usize| Still { rgb: (0..frame.rgb_bytes()).map(|i| (i * 7 + shade * 31) as u8).collect() };
    session.start_from(&(0..pictures).map(still).collect::<Vec<_>>()).unwrap();
    session
}

fn walk(session: &mut DreamSession, settings: &DecodeSettings, codes: &[u8]) -> Vec<Vec<u8>> {
    let mut pictures = Vec::new();
    for &code in codes {
        session.step(code, settings).unwrap();
        pictures.push(session.read_picture().unwrap());
    }
    pictures
}

#[test]
fn reset_returns_to_the_start_and_the_same_walk_looks_the_same() {
    let pack = pack();
    let settings = play_settings(&pack.manifest);
    let mut session = session(&pack);
    let first = walk(&mut session, &settings, &WALK);
    session.reset(&settings).unwrap();
    assert_eq!(session.history().len(), 5, "the start frames fill the window");
    assert_eq!(walk(&mut session, &settings, &WALK), first);
    session.reset(&settings).unwrap();
    let other = DecodeSettings { seed: settings.seed + 1, ..settings };
    assert_ne!(walk(&mut session, &other, &WALK), first, "another seed dreams otherwise");
}

#[test]
fn the_last_frames_are_drawn_again_as_they_were_shown_and_the_dream_goes_on() {
    let pack = pack();
    let settings = play_settings(&pack.manifest);
    let undisturbed = walk(&mut session(&pack), &settings, &WALK);
    let mut session = session(&pack);
    let shown = walk(&mut session, &settings, &WALK[..6]);
    let replayed = session.replay(4).unwrap();
    let expected: Vec<(Vec<u8>, u8)> = shown[2..].iter().cloned().zip(WALK[2..6].iter().copied()).collect();
    assert_eq!(replayed, expected);
    assert_ne!(replayed[2].0, replayed[3].0, "they are told apart");
    assert_eq!(session.replay(1000).unwrap().len(), 5 + 6, "and no more than there are");
    assert_eq!(walk(&mut session, &settings, &WALK[6..]), undisturbed[6..]);
}

#[test]
fn the_newest_frame_tells_how_it_was_dreamed_if_it_was() {
    let pack = pack();
    let settings = DecodeSettings { steps: 3, certain: None, ..play_settings(&pack.manifest) };
    let mut session = session(&pack);
    assert_eq!(session.account().unwrap(), None, "it was shown");
    walk(&mut session, &settings, &WALK[..3]);
    let walked = session.account().unwrap().cloned().unwrap();
    assert_eq!(walked.codes, session.history().back().unwrap().codes);
    let count = |account: &Account, step: u8| account.settled.iter().filter(|token| token.step == step).count();
    assert_eq!([0, 1, 2, 3].map(|step| count(&walked, step)), [0, 3, 6, 6], "as the cosine has it");
    // Another engine knows of the same frame what was known before.
    session.replace_engine(Box::new(ReferenceEngine::new(&pack).unwrap())).unwrap();
    assert_eq!(session.account().unwrap(), Some(&walked));
    let painted: Vec<bool> = (0..15).map(|n| n % 4 == 0).collect();
    session.repaint(&painted, &[], &settings).unwrap();
    let repainted = session.account().unwrap().unwrap();
    assert!(repainted.settled.iter().zip(&painted).all(|(token, painted)| (token.step == 0) != *painted), "{repainted:?}");
    assert_ne!(repainted.codes, walked.codes);
    session.undo().unwrap();
    assert_eq!(session.account().unwrap(), None, "it is remembered");
    session.start_from_prompt(&settings).unwrap();
    assert!(session.account().unwrap().is_some_and(|account| count(account, 1) > 0 && count(account, 8) > 0));
}

#[test]
fn a_picture_becomes_the_whole_window_and_is_shown_as_the_dream_sees_it() {
    let pack = pack();
    let mut session = DreamSession::new(Box::new(ReferenceEngine::new(&pack).unwrap())).unwrap();
    let rgb: Vec<u8> = (0..pack.manifest.frame.rgb_bytes()).map(|i| (i * 7) as u8).collect();
    session.start_from(&[Still { rgb: rgb.clone() }]).unwrap();
    let history: Vec<TokenFrame> = session.history().iter().cloned().collect();
    assert!(history.len() == 5 && history.iter().all(|frame| frame.codes == history[0].codes));
    let seen = session.seen().unwrap().clone();
    assert_eq!(seen.original_rgb, rgb);
    assert_eq!(seen.decoded_rgba, session.read_picture().unwrap());
}

#[test]
fn without_a_picture_the_first_frame_comes_from_the_prompt_in_more_steps() {
    let pack = pack();
    let settings = DecodeSettings { temperature: 0.0, ..play_settings(&pack.manifest) };
    let first = |words: &[u16], settings: &DecodeSettings| {
        let mut session = DreamSession::new(Box::new(ReferenceEngine::new(&pack).unwrap())).unwrap();
        session.set_prompt(words, 0).unwrap();
        session.start_from_prompt(settings).unwrap();
        assert_eq!(session.history().len(), 1);
        let first = session.read_picture().unwrap();
        walk(&mut session, settings, &WALK);
        session.reset(settings).unwrap();
        assert_eq!(session.read_picture().unwrap(), first, "reset dreams the same beginning");
        first
    };
    let snow = first(&[1], &settings);
    assert_eq!(first(&[1], &DecodeSettings { steps: 8, ..settings }), snow, "the steps of later frames do not matter");
    assert_ne!(first(&[700], &settings), snow);
}

#[test]
fn a_first_frame_of_no_land_is_told_one_and_the_next_is_not() {
    let mut pack = pack();
    pack.manifest.provenance.world = Some("isles".to_owned());
    let settings = DecodeSettings { temperature: 0.0, ..play_settings(&pack.manifest) };
    let night = WordTable::get().find("night").unwrap();
    let begun = |pack: &Pack, words: &[u16], seed: u32| {
        let mut session = DreamSession::new(Box::new(ReferenceEngine::new(pack).unwrap())).unwrap();
        session.set_prompt(words, 0).unwrap();
        session.start_from_prompt(&DecodeSettings { seed, ..settings }).unwrap();
        session
    };
    let land =
        (0..60).map(|seed| (seed, saying(&[night], Biome::Desert, u64::from(seed), pack.manifest.dynamics.as_ref().unwrap().prompt_words)));
    let (seed, in_a_desert) =
        land.into_iter().find(|(seed, _)| Rng::for_purpose(u64::from(*seed), 9).pick(Biome::ALL) == Biome::Desert).unwrap();
    let (mut untold, mut told) = (begun(&pack, &[night], seed), begun(&pack, &in_a_desert, seed));
    assert_eq!(untold.read_picture().unwrap(), told.read_picture().unwrap());
    // What is remembered of it is what was said, so that nothing is news to the frame after it: it is the one of a dream that always had these words.
    assert!(untold.history()[0].prompt.iter().map(|word| word.id).eq([night]));
    let mut known = DreamSession::new(Box::new(ReferenceEngine::new(&pack).unwrap())).unwrap();
    known.resume(untold.moment().unwrap(), &[night], &settings).unwrap();
    let next = walk(&mut untold, &settings, &WALK[..2]);
    assert_eq!(next, walk(&mut known, &settings, &WALK[..2]));
    assert_ne!(next, walk(&mut told, &settings, &WALK[..2]), "the control: words of a land go on to be told");
    // Of a world that is not the built-in one nobody knows the lands.
    pack.manifest.provenance.world = None;
    assert_ne!(begun(&pack, &[night], seed).read_picture().unwrap(), begun(&pack, &in_a_desert, seed).read_picture().unwrap());
}

#[test]
fn what_is_previewed_under_new_words_is_what_is_dreamed() {
    let pack = pack();
    let settings = DecodeSettings { steps: 1, temperature: 1.0, ..play_settings(&pack.manifest) };
    let mut session = session(&pack);
    walk(&mut session, &settings, &WALK);
    let preview = |session: &mut DreamSession| {
        let mut branches = Branches::default();
        session.preview(&[1], &settings, &mut branches).unwrap();
        branches.rgba
    };
    let silent = preview(&mut session);
    session.set_prompt(&[1], 0).unwrap();
    let told = preview(&mut session);
    session.step(1, &settings).unwrap();
    assert!(session.read_picture().unwrap() == told && told != silent);
    // The control: only the first frame under other words is drawn in more steps.
    let next = preview(&mut session);
    session.step(1, &settings.fresh()).unwrap();
    assert!(session.read_picture().unwrap() != next);
}

#[test]
fn words_that_are_news_are_leaned_on() {
    let pack = pack();
    let settings = DecodeSettings { steps: 1, ..play_settings(&pack.manifest) };
    let mut session = session(&pack);
    let guided = |session: &mut DreamSession, frames: usize| {
        (0..frames).filter(|_| session.step(1, &settings).map(|()| session.guided()).unwrap()).count()
    };
    assert_eq!(guided(&mut session, 3), 0, "nothing is said");
    session.set_prompt(&[1], 0).unwrap();
    assert_eq!(guided(&mut session, 70), 1, "the first frame");
    session.set_prompt(&[], 0).unwrap();
    assert_eq!(guided(&mut session, 3), 0, "there is nothing to lean on");
    // Nothing unlikely is cut off in it, nothing is certain, and little is left to chance.
    let new_land = Some(Chance { temperature: 1.0, min_p: 0.1 });
    let settings = DecodeSettings { min_p: 0.1, certain: Some(0.5), temperature: 1.0, new_land, ..settings };
    let told = [told::NEWS, told::NEWS + 1].map(|class| settings.told(class));
    assert_eq!(told.map(|s| s.min_p), [0.0, 0.1]);
    assert_eq!(told.map(|s| s.certain), [None, Some(0.5)]);
    assert_eq!(told.map(|s| s.new_land), [None, new_land]);
    assert_eq!(told.map(|s| s.temperature), [0.65, 1.0]);
    // A first frame has nothing but its words to go by, and land is nearly as likely as it is.
    let first = settings.out_of_nothing();
    assert_eq!([told[0], told[1], first].map(|s| s.guidance), [0.5, 0.0, 0.5]);
    assert_eq!([first.chance_of(true).temperature, first.chance_of(false).temperature], [0.65, 0.9]);
}

#[test]
fn words_in_force_are_news_to_a_picture() {
    let pack = pack();
    let settings = play_settings(&pack.manifest);
    let still = Still { rgb: (0..pack.manifest.frame.rgb_bytes()).map(|i| (i * 7) as u8).collect() };
    let first_frames = |said_before: bool, words: &[u16]| {
        let mut session = session(&pack);
        if said_before {
            session.set_prompt(words, 0).unwrap();
            walk(&mut session, &settings, &WALK);
        }
        session.start_from(std::slice::from_ref(&still)).unwrap();
        session.set_prompt(words, 0).unwrap();
        walk(&mut session, &settings, &WALK[..3])
    };
    assert_eq!(first_frames(true, &[1]), first_frames(false, &[1]));
    assert_ne!(first_frames(true, &[1]), first_frames(true, &[]));
}

#[test]
fn the_memory_holds_every_frame_with_its_action_and_prompt() {
    let pack = pack();
    let mut session = session(&pack);
    session.set_prompt(&[1], 0).unwrap();
    walk(&mut session, &play_settings(&pack.manifest), &WALK);
    let history = session.history();
    let actions: Vec<u8> = history.iter().map(|f| f.action).collect();
    let unknown = pack.manifest.dynamics.as_ref().unwrap().actions as u8;
    assert_eq!(actions[..5], [unknown; 5]);
    assert_eq!(actions[5..], WALK);
    let told = [PromptWord::whole(1)];
    assert!(history.iter().skip(5).all(|f| f.prompt == told && f.codes.len() == pack.manifest.frame.code_bytes()));
}

#[test]
fn a_way_that_leads_nowhere_is_told_where_anybody_looks_whether_the_view_moved() {
    let mut pack = pack();
    pack.manifest.actions[0].motion = [0, 0];
    let stuck_after = |pack: &Pack, past: &[(u8, bool)]| {
        let frame = |(action, moved)| TokenFrame { codes: vec![1; 45], action, moved, prompt: Vec::new() };
        let history = past.iter().copied().map(frame).collect();
        let mut session = session(pack);
        let moment = Moment { before: None, history, next_frame: 9, start: Vec::new() };
        session.resume(moment, &[], &play_settings(&pack.manifest)).unwrap();
        session.stuck().map(|stuck| (stuck.code, stuck.steps))
    };
    assert_eq!(stuck_after(&pack, &[(1, true), (2, false), (1, false), (1, false)]), Some((1, 2)));
    assert_eq!(stuck_after(&pack, &[(1, true), (1, false)]), Some((1, 1)));
    // The controls: it led on, or nothing was asked for.
    assert_eq!(stuck_after(&pack, &[(1, false), (1, false), (1, true)]), None);
    assert_eq!(stuck_after(&pack, &[(0, false), (0, false)]), None);
    pack.manifest.dynamics.as_mut().unwrap().recall = None;
    let pack = random_pack(pack.manifest, 5).unwrap();
    assert_eq!(stuck_after(&pack, &[(1, false), (1, false)]), None, "nobody looks");
}

#[test]
fn a_prompt_fades_into_another_frame_by_frame() {
    let pack = pack();
    let mut session = session(&pack);
    session.set_prompt(&[1], 0).unwrap();
    session.set_prompt(&[2], 3).unwrap();
    walk(&mut session, &play_settings(&pack.manifest), &WALK[..5]);
    let shares: Vec<Vec<(u16, u8)>> =
        session.history().iter().skip(5).map(|f| f.prompt.iter().map(|word| (word.id, word.share)).collect()).collect();
    let whole = vec![(2, 255)];
    assert_eq!(shares, [vec![(1, 191), (2, 64)], vec![(1, 128), (2, 128)], vec![(1, 64), (2, 191)], whole.clone(), whole]);
}

#[test]
fn who_begins_anew_while_a_prompt_fades_begins_under_the_new_one_alone() {
    let pack = pack();
    let settings = play_settings(&pack.manifest);
    let shares = |anew: fn(&mut DreamSession, &DecodeSettings) -> Result<(), DreamError>| {
        let mut session = session(&pack);
        session.set_prompt(&[1], 0).unwrap();
        walk(&mut session, &settings, &WALK);
        session.set_prompt(&[2], 20).unwrap();
        walk(&mut session, &settings, &WALK[..2]);
        anew(&mut session, &settings).unwrap();
        walk(&mut session, &settings, &WALK[..1]);
        let last = session.history().back().unwrap().prompt.clone();
        (last, session.read_picture().unwrap())
    };
    let straight = |anew: fn(&mut DreamSession, &DecodeSettings) -> Result<(), DreamError>| {
        let mut session = session(&pack);
        session.set_prompt(&[2], 0).unwrap();
        anew(&mut session, &settings).unwrap();
        walk(&mut session, &settings, &WALK[..1]).remove(0)
    };
    for anew in [DreamSession::reset, DreamSession::start_from_prompt] {
        let (last, picture) = shares(anew);
        assert_eq!(last, [PromptWord::whole(2)]);
        assert_eq!(picture, straight(anew), "the engine was told otherwise");
    }
    // The control: where nobody begins anew, the words before are heard on.
    assert!(shares(|_, _| Ok(())).0.contains(&PromptWord { id: 1, share: 219 }), "{:?}", shares(|_, _| Ok(())).0);
}

#[test]
fn after_a_lost_device_the_dream_goes_on_where_it_was() {
    let pack = pack();
    let settings = play_settings(&pack.manifest);
    let mut whole = session(&pack);
    let undisturbed = walk(&mut whole, &settings, &WALK);
    let mut broken = session(&pack);
    walk(&mut broken, &settings, &WALK[..5]);
    broken.replace_engine(Box::new(ReferenceEngine::new(&pack).unwrap())).unwrap();
    assert_eq!(walk(&mut broken, &settings, &WALK[5..]), undisturbed[5..]);
}

#[test]
fn a_fresh_engine_sees_the_past_by_the_settings_it_was_seen_by() {
    let pack = pack();
    let settings = DecodeSettings { window: 3, context_level: 2, temperature: 2.0, ..play_settings(&pack.manifest) };
    let engine = || Box::new(CpuEngine::new(&pack, CpuOptions::default()).unwrap());
    let begun = || {
        let mut dream = DreamSession::new(engine()).unwrap();
        dream.start_from_prompt(&settings).unwrap();
        walk(&mut dream, &settings, &WALK);
        dream
    };
    let undisturbed = walk(&mut begun(), &settings, &WALK);
    let mut broken = begun();
    let moment = broken.moment().unwrap();
    broken.replace_engine(engine()).unwrap();
    assert!(walk(&mut broken, &settings, &WALK) == undisturbed);
    // So it does where some of it was dreamed again by other settings, and that is taken back.
    let mut painted = begun();
    let some = painted.some_patches(0.5, 1);
    painted.repaint(&some, &[], &play_settings(&pack.manifest)).unwrap();
    painted.undo().unwrap();
    assert!(walk(&mut painted, &settings, &WALK) == undisturbed);
    // So it does where another dream that was gone on with, which saw its past otherwise, is left again.
    let mut left = begun();
    left.resume(moment.clone(), &[], &play_settings(&pack.manifest)).unwrap();
    left.undo().unwrap();
    assert!(walk(&mut left, &settings, &WALK) == undisturbed);
    // The control: one that is told otherwise sees it otherwise.
    let mut untold = DreamSession::new(engine()).unwrap();
    untold.resume(moment, &[], &play_settings(&pack.manifest)).unwrap();
    assert!(walk(&mut untold, &settings, &WALK) != undisturbed);
}

#[test]
fn a_prompt_changes_the_dream() {
    let pack = pack();
    let settings = play_settings(&pack.manifest);
    let silent = walk(&mut session(&pack), &settings, &WALK);
    let mut told = session(&pack);
    told.set_prompt(&[1], 0).unwrap();
    assert_ne!(walk(&mut told, &settings, &WALK), silent);
    assert!(told.set_prompt(&[60_000], 0).is_err(), "a word that is not in the table is refused");
}

#[test]
fn a_start_of_nothing_is_refused() {
    assert!(matches!(session(&pack()).start_from(&[]), Err(DreamError::NoFrames)));
}

#[test]
fn a_world_out_of_words_begins_where_the_figure_can_walk() {
    let first = |pack: &Pack, seed: u32| {
        let settings = DecodeSettings { seed, temperature: 2.0, ..play_settings(&pack.manifest) };
        let mut dream = session(pack);
        dream.start_from_prompt(&settings).unwrap();
        dream.history.back().unwrap().codes.clone()
    };
    let mut pack = pack();
    let (as_it_comes, next) = (first(&pack, 3), first(&pack, seed_of(3, 1)));
    assert_ne!(as_it_comes, next);
    let FrameDims { code_dims, patch_px, .. } = pack.manifest.frame;
    let (w, h) = (pack.manifest.frame.grid_w(), pack.manifest.frame.grid_h());
    let around = [(w / 2 - 1, h / 2), (w / 2 + 1, h / 2), (w / 2, h / 2 - 1)];
    let standing = |(x, y): (usize, usize)| {
        let cutout = Cutout { rows: vec![1; patch_px], height: 1.0, part: [0, 0], parts: [1, 1] };
        (
            format!("{x} {y}"),
            Standing {
                token: as_it_comes[(y * w + x) * code_dims..][..code_dims].to_vec(),
                ground: vec![0; code_dims],
                feature: None,
                cutout,
            },
        )
    };
    let mut walled_in = |sides: &[(usize, usize)]| {
        pack.manifest.relief = Some(Relief {
            sky: [vec![0; code_dims], vec![0; code_dims]],
            standing: sides.iter().copied().map(standing).collect(),
            water: Vec::new(),
            shining: Vec::new(),
        });
        first(&pack, 3)
    };
    assert_eq!(walled_in(&around), next, "three sides are taken");
    assert_eq!(walled_in(&around[..2]), as_it_comes, "there is a way");
}

#[test]
fn a_world_begins_where_most_of_what_was_asked_for_is_to_be_seen() {
    let mut pack = pack();
    pack.manifest.provenance.world = Some("isles".to_owned());
    let first = |pack: &Pack, said: &str, seed: u32| {
        let settings = DecodeSettings { seed, temperature: 2.0, ..play_settings(&pack.manifest) };
        let mut dream = session(pack);
        dream.set_prompt(&prompt::ids(&prompt::read(said, 12)), 0).unwrap();
        dream.start_from_prompt(&settings).unwrap();
        dream.history.back().unwrap().codes.clone()
    };
    let FrameDims { code_dims, patch_px, .. } = pack.manifest.frame;
    let patches = pack.manifest.frame.patches();
    // A part of a house, whatever it is called, and a whole thing that says that it is a ruin.
    for (said, feature, parts) in [("meadow village", None, [2, 1]), ("meadow ruins", Some(Feature::Ruins), [1, 1])] {
        pack.manifest.relief = None;
        let drawn: Vec<Vec<u8>> = (0..TRIES).map(|n| first(&pack, said, seed_of(3, n))).collect();
        let as_it_comes = first(&pack, "meadow", 3);
        let tokens = |n: usize| drawn[n].chunks_exact(code_dims).take(patches);
        // What a later drawing has more of than any other is what was asked for.
        let count = |n: usize, token: &[u8]| tokens(n).filter(|other| *other == token).count();
        let most = |n: usize, token: &&[u8]| (0..TRIES as usize).all(|other| other == n || count(other, token) < count(n, token));
        let (n, token) = (1..TRIES as usize).find_map(|n| Some((n, tokens(n).find(|token| most(n, token))?.to_vec()))).unwrap();
        let cutout = Cutout { rows: vec![1; patch_px], height: 1.0, part: [0, 0], parts };
        let mut stands = |feature: Option<Feature>| {
            let standing = Standing { token: token.clone(), ground: vec![0; code_dims], feature, cutout: cutout.clone() };
            let sky = [vec![0; code_dims], vec![0; code_dims]];
            let standing = [("thing".to_owned(), standing)].into();
            pack.manifest.relief = Some(Relief { sky, standing, water: Vec::new(), shining: Vec::new() });
            [said, "meadow"].map(|said| first(&pack, said, 3))
        };
        // The control: who does not ask for it gets what comes.
        assert_eq!(stands(feature), [drawn[n].clone(), as_it_comes.clone()]);
        let another = feature.map(|_| Feature::Rocks);
        assert_eq!(stands(another)[0] == drawn[n], another.is_none(), "of a house it is enough that it is larger than a patch");
    }
}

#[test]
fn a_first_frame_comes_to_rest_before_it_is_shown() {
    let drawing = pack();
    let mut resting = drawing.clone();
    resting.manifest.actions[2].bound_to = vec!["stay".to_owned()];
    let account = |dream: &mut DreamSession| dream.account().unwrap().expect("it was dreamed").clone();
    let begun = |pack: &Pack, settings: &DecodeSettings| {
        let mut dream = session(pack);
        dream.start_from_prompt(settings).unwrap();
        dream
    };
    // Tokens that stay as they were drawn, and others, over some seeds: a network that learned nothing seldom draws the same twice.
    let (mut as_drawn, mut as_stayed) = (0, 0);
    for seed in 0..30 {
        let settings = DecodeSettings { seed, temperature: 0.3, ..play_settings(&drawing.manifest) };
        let mut by_hand = begun(&drawing, &settings);
        let drawn = account(&mut by_hand);
        by_hand.step(2, &settings).unwrap();
        let stayed = account(&mut by_hand);
        let mut dream = begun(&resting, &settings);
        let rested = account(&mut dream);
        assert_eq!((dream.history.len(), &rested.codes), (1, &stayed.codes));
        assert_ne!(rested.codes, drawn.codes);
        for n in 0..rested.settled.len() {
            let stays = drawn.levels(n) == stayed.levels(n);
            // What stays tells how it was drawn.
            assert_eq!(rested.settled[n], if stays { drawn.settled[n] } else { stayed.settled[n] });
            let told_apart = u32::from(drawn.settled[n] != stayed.settled[n]);
            *if stays { &mut as_drawn } else { &mut as_stayed } += told_apart;
        }
    }
    assert!(as_drawn > 0 && as_stayed > 0, "{as_drawn} and {as_stayed}");
}
