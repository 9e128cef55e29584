//! How prompts are told: shares of words, and guidance.

use super::*;

fn id(word: &str) -> u16 {
    WordTable::get().find(word).unwrap_or_else(|| panic!("{word} is in the table"))
}

/// Logits of one frame after three others, under a prompt.
fn logits_under(engine: &mut dyn Engine, prompt: &[PromptWord]) -> Vec<f32> {
    let frames = random_frames(engine.manifest(), 4);
    engine.restore(&frames[..3], 0).expect("restored");
    let s = settings(engine.manifest());
    engine.teacher_force(&TokenFrame { prompt: prompt.to_vec(), ..frames[3].clone() }, &s).expect("logits")
}

#[test]
fn shares_weigh_words_against_each_other() {
    let word = |word: &str, share| PromptWord { id: id(word), share };
    for (name, build) in ENGINES {
        let pack = pack_of(odd_manifest(), 30);
        let mut engine = build(&pack);
        let mut under = |prompt: &[PromptWord]| logits_under(&mut *engine, prompt);
        let snow = under(&[word("snow", 255)]);
        // A word told twice counts as the sum of its shares.
        let twice = under(&[word("snow", 100), word("snow", 155)]);
        assert!(largest_difference(&snow, &twice) < TOLERANCE, "{name}");
        let less = under(&[word("snow", 100), word("snow", 100)]);
        assert!(largest_difference(&snow, &less) > 10.0 * TOLERANCE, "{name}: shares do not matter");
        // The least share all but silences a word.
        let whisper = largest_difference(&snow, &under(&[word("snow", 255), word("desert", 1)]));
        let aloud = largest_difference(&snow, &under(&[word("snow", 255), word("desert", 255)]));
        assert!(whisper > 0.0 && whisper < aloud / 20.0, "{name}: {whisper} against {aloud}");
    }
}

#[test]
fn a_prompt_fades_by_its_shares_alone() {
    // The keys that an engine keeps from the frame before must not hide that shares changed.
    for (name, build) in ENGINES {
        let pack = pack_of(odd_manifest(), 31);
        let s = settings(&pack.manifest);
        let fading = |share: u8| vec![PromptWord { id: id("snow"), share }, PromptWord { id: id("desert"), share: 255 - share }];
        let script: Vec<_> = [254, 200, 150, 100, 50, 1].into_iter().map(|share| (0, Some(fading(share)))).collect();
        let played = play(&mut *build(&pack), &script, &s, &mut Vec::new());
        for t in 1..script.len() {
            let mut fresh = build(&pack);
            fresh.dream(0, &s).expect("dreamed");
            fresh.restore(&played[..t], t as u32).expect("restored");
            assert_eq!(play(&mut *fresh, &script[t..=t], &s, &mut Vec::new()), played[t..=t], "{name}, frame {t}");
        }
        let still: Vec<_> = (0..6).map(|t| (0, (t == 0).then(|| fading(254)))).collect();
        assert_ne!(play(&mut *build(&pack), &still, &s, &mut Vec::new()), played, "{name}: the shares do not matter");
    }
}

#[test]
fn guidance_leans_on_the_prompt_and_on_nothing_else() {
    for (name, build) in ENGINES {
        let pack = pack_of(odd_manifest(), 32);
        let dream = |prompt: &[&str], guidance, seed| {
            let prompt = prompt.iter().map(|word| PromptWord::whole(id(word))).collect();
            let s = DecodeSettings { guidance, seed, ..settings(&pack.manifest) };
            play(&mut *build(&pack), &[(0, Some(prompt)), (1, None), (2, None), (0, None)], &s, &mut Vec::new())
        };
        let plain = dream(&["snow", "night"], 0.0, 1);
        assert_ne!(plain, dream(&["snow", "night"], 2.0, 1), "{name}");
        // So little of it changes no token, and without words there is nothing to lean on.
        assert_eq!(plain, dream(&["snow", "night"], 1e-6, 1), "{name}");
        assert_eq!(dream(&[], 0.0, 1), dream(&[], 2.0, 1), "{name}");
    }
}

#[test]
fn a_frame_knows_how_long_ago_its_words_changed() {
    let words = |word: &str| vec![PromptWord::whole(id(word))];
    for (name, build) in ENGINES {
        let pack = pack_of(odd_manifest(), 33);
        let (mut engine, mut oracle) = (build(&pack), reference(&pack));
        let s = DecodeSettings { window: 1, ..settings(&pack.manifest) };
        let frame = &random_frames(&pack.manifest, 1)[0];
        // Of the last of `same` frames under one word after one under another, or under the same.
        let mut logits_after = |first: &str, same: usize| {
            let before = TokenFrame { prompt: words(first), ..frame.clone() };
            let after = TokenFrame { prompt: words("snow"), ..frame.clone() };
            let history: Vec<_> = std::iter::once(before).chain(vec![after.clone(); same - 1]).collect();
            let of = |engine: &mut dyn Engine| {
                engine.restore(&history, 0).expect("restored");
                engine.teacher_force(&after, &s).expect("logits")
            };
            let (got, expected) = (of(&mut *engine), of(&mut *oracle));
            assert!(largest_difference(&got, &expected) < TOLERANCE, "{name}: {same} frames after {first}");
            got
        };
        let long_ago = logits_after("snow", 70);
        let mut apart = |first: &str, same: usize| largest_difference(&logits_after(first, same), &long_ago);
        assert!(apart("desert", 1) > 10.0 * TOLERANCE, "{name}: that words are new goes unnoticed");
        assert!(apart("desert", 18) > 10.0 * TOLERANCE, "{name}: that words are young goes unnoticed");
        // The control: by then it is as if nothing had ever been different, but for what is older than the window.
        assert!(apart("desert", 70) < TOLERANCE, "{name}");
    }
}
