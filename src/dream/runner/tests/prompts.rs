//! What is said: from which frame on it counts, and the way back to what was said before.

use super::*;
use crate::engine::PromptWord;

#[test]
fn the_first_frame_after_enter_has_the_new_prompt_and_none_is_put_off() {
    let counter = Counter::new(50);
    let begun = counter.begun.clone();
    let (runner, _drive) = start(counter, wish(Rate::Own, false));
    let enter = |word: u16| runner.wish(|wish| wish.prompt = Prompt { words: Arc::new([word]), ..Prompt::default() });
    let mut at_once = 0;
    for word in 1..=5 {
        enter(word);
        let first = lock(&begun).len();
        wait_until("two frames", || lock(&begun).len() >= first + 2);
        let begun = lock(&begun);
        assert_eq!(begun[first + 1].1, [word]);
        at_once += u32::from(begun[first].1 == [word]);
    }
    // A frame that begins in the very moment of Enter may have taken the prompt just before; not every time.
    assert!(at_once > 0, "each prompt comes a frame late");
    // Whoever enters one after another waits for frames no longer than others.
    let (mut word, due) = (5, lock(&begun).len() + 10);
    wait_until("ten frames", || {
        word += 1;
        enter(word);
        lock(&begun).len() >= due
    });
}

#[test]
fn a_prompt_entered_while_paused_is_in_the_next_step_and_not_before() {
    let counter = Counter::new(1000);
    let begun = counter.begun.clone();
    let (runner, _drive) = start(counter, wish(Rate::Own, true));
    runner.wish(|wish| wish.prompt = Prompt { words: Arc::new([7]), blend_frames: 3, said: 0 });
    runner.request(Request::Step);
    wait_for(&runner, "one step", |status, _, _| status.frames == 1);
    assert_eq!(lock(&begun).iter().map(|(_, words)| words.clone()).collect::<Vec<_>>(), [[7]]);
}

#[test]
fn wishes_while_it_opens_leave_room_for_requests_and_the_last_one_counts() {
    let counter = Counter::new(1000);
    let begun = counter.begun.clone();
    let (open, opened) = sync_channel::<()>(0);
    let wiring = Wiring { drive: Box::new(Drive::default), wake: Box::new(|| {}), gate: Arc::default() };
    let source = move || {
        opened.recv().ok();
        Ok(Box::new(counter) as Box<dyn Source>)
    };
    let runner = Runner::spawn(source, wish(Rate::Own, true), wiring).unwrap();
    for word in 0..1000 {
        runner.wish(|wish| wish.prompt.words = Arc::new([word]));
    }
    runner.request(Request::Step);
    open.send(()).unwrap();
    wait_for(&runner, "the step", |status, _, notices| {
        assert_eq!(notices, [], "the request was dropped");
        status.frames == 1
    });
    assert_eq!(lock(&begun)[0].1, [999]);
}

#[test]
fn what_is_kept_is_the_newest_picture_and_the_moment_of_a_dream() {
    let (runner, _drive) = start(Counter::new(1000), wish(Rate::Own, true));
    assert!(kept(&runner).dream.is_none(), "a simulator has none");

    let (mut dream, settings) = dream();
    let before = dream.read_picture().unwrap();
    let (runner, _drive) = start(dream, PlayerWish { settings, ..wish(Rate::Own, true) });
    let first = kept(&runner);
    assert_eq!((first.rgba, first.size_px), (before.clone(), [35, 21]));
    let KeptDream { number, moment, .. } = first.dream.unwrap();
    assert_eq!((number, moment.history.len()), (1, 1));
    // Some steps on, it goes back there, under the words of then, which are wished for from now on.
    (0..3).for_each(|_| runner.request(Request::Step));
    wait_for(&runner, "three steps", |status, _, _| status.frames == 3);
    assert_ne!(kept(&runner).rgba, before);
    let saved = SavedDream::new(
        &random_pack(odd_manifest(), 5).unwrap(),
        moment,
        &DecodeSettings { seed: 7, ..settings },
        ("snow".to_owned(), vec![1]),
    );
    let resume = |saved: SavedDream, words: Vec<u16>, said: u32| {
        asked(&runner, |done| Request::Resume(Arc::new(saved), Prompt { words: words.into(), blend_frames: 0, said }, 7, done))
    };
    let went = |dream: u32, said: [u32; 2]| Ok(Went { dream, said });
    assert_eq!(resume(saved.clone(), vec![1], 1), went(2, [0, 1]));
    let back = kept(&runner);
    assert_eq!((&back.rgba, back.dream.unwrap().moment.history.len()), (&before, 1));
    let wish = runner.current_wish();
    assert_eq!((&*wish.prompt.words, wish.settings.seed), (&[1][..], 7));
    let prompt_of_frame = |number: u64| {
        runner.request(Request::Step);
        wait_for(&runner, "a step", |status, _, _| status.frames == number);
        kept(&runner).dream.unwrap().moment.history.pop().unwrap().prompt
    };
    assert_eq!(prompt_of_frame(4), [PromptWord::whole(1)]);
    // What is taken back is the dream before, under the words and the seed of then.
    let along = |request: fn(HandOver<Went>) -> Request| asked(&runner, request);
    let there = |words: &[u16], seed: u32| {
        let wish = runner.current_wish();
        assert_eq!((&*wish.prompt.words, wish.settings.seed), (words, seed));
    };
    assert_eq!(along(Request::Undo), went(1, [1, 0]));
    there(&[], settings.seed);
    assert_eq!(prompt_of_frame(5), []);
    // Done again, it is the other one once more, under its own.
    assert_eq!(along(Request::Redo), went(2, [0, 1]));
    there(&[1], 7);
    assert_eq!(along(Request::Undo), went(1, [1, 0]));
    there(&[], settings.seed);
    // The same after a new seed, which words outlast.
    runner.wish(|wish| (wish.settings.seed, wish.prompt.words) = (settings.seed + 9, vec![2].into()));
    runner.request(Request::Reset);
    assert_eq!(kept(&runner).dream.unwrap().number, 3);
    assert_eq!(along(Request::Undo), went(1, [0, 0]));
    there(&[2], settings.seed);
    // One that cannot be gone on with leaves everything as it is.
    let broken = SavedDream { moment: Moment { history: Vec::new(), ..saved.moment.clone() }, ..saved };
    assert!(resume(broken, vec![2], 2).is_err());
    assert_eq!((kept(&runner).dream.unwrap().number, &*runner.current_wish().prompt.words), (1, &[2][..]));
}

#[test]
fn words_that_were_said_by_hand_are_taken_back_with_all_they_did() {
    let (dream, settings) = dream();
    let (runner, _drive) = start(dream, PlayerWish { settings, ..wish(Rate::Own, true) });
    let step = |frames: u64| {
        runner.request(Request::Step);
        wait_for(&runner, "a step", |status, _, _| status.frames == frames);
        kept(&runner)
    };
    let say = |word: u16, said: u32| runner.wish(|wish| wish.prompt = Prompt { words: Arc::new([word]), said, ..Prompt::default() });
    let along = |request: fn(HandOver<Went>) -> Request| {
        let said = asked(&runner, request).map(|went| went.said);
        (said, kept(&runner).rgba, runner.current_wish().prompt.words.to_vec())
    };
    let silent = step(1).rgba;
    say(1, 1);
    let first = step(2).rgba;
    // What comes by itself is nothing to take back.
    say(2, 1);
    step(3);
    say(3, 2);
    let second = step(4).rgba;
    let (said, picture, words) = along(Request::Undo);
    assert_eq!((said, words), (Ok([2, 1]), vec![2]));
    assert!(picture != first && picture != second, "where the second was said");
    assert_eq!(along(Request::Undo), (Ok([1, 0]), silent.clone(), vec![]));
    assert_eq!(step(5).dream.unwrap().moment.history.pop().unwrap().prompt, [], "nothing is said there");
    assert!(along(Request::Undo).0.is_err());
    assert_eq!(along(Request::Redo).0, Ok([0, 1]));
    assert_eq!(along(Request::Redo), (Ok([1, 2]), second, vec![3]));
    // Another beginning is another thing to take back: what is said goes on to be said.
    runner.request(Request::Reset);
    kept(&runner);
    let (said, _, words) = along(Request::Undo);
    assert_eq!((said, words), (Ok([2, 2]), vec![3]));
    // A seed that is wished for is of what comes next, not of the dream in which words are taken back.
    runner.wish(|wish| wish.settings.seed = settings.seed + 9);
    assert_eq!(along(Request::Undo).0, Ok([2, 1]));
    assert_eq!(runner.current_wish().settings.seed, settings.seed + 9);
    runner.request(Request::Reset);
    assert_eq!(along(Request::Undo).0, Ok([1, 1]));
    assert_eq!(runner.current_wish().settings.seed, settings.seed);
}

#[test]
fn what_was_said_from_the_start_on_is_said_again() {
    let (mut dream, settings) = dream();
    dream.set_prompt(&[3], 0).unwrap();
    let told = Prompt { words: Arc::new([3]), ..Prompt::default() };
    let (runner, _drive) = start(dream, PlayerWish { settings, prompt: told, ..wish(Rate::Own, true) });
    // Before the first frame.
    runner.wish(|wish| wish.prompt = Prompt { words: Arc::new([1]), said: 1, ..Prompt::default() });
    runner.request(Request::Step);
    wait_for(&runner, "a step", |status, _, _| status.frames == 1);
    assert_eq!(asked(&runner, Request::Undo).unwrap().said, [1, 0]);
    assert_eq!(&*runner.current_wish().prompt.words, [3]);
    // Whoever comes next finds nothing to take back, or to do again.
    runner.request(Request::Forget);
    assert!(asked(&runner, Request::Redo).is_err() && asked(&runner, Request::Undo).is_err());
}
