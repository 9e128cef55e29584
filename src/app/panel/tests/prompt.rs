//! What stands in the prompt's part of the panel, and what is asked for there.

use super::*;

#[test]
fn typing_alone_says_nothing_and_enter_does() {
    let mut bench = Bench::new(8);
    bench.draw(Vec::new());
    bench.give_keys_to_the_field();
    bench.draw(Vec::new());
    let (text, events) = bench.draw(vec![Event::Text("snow qwrtzx ".to_owned())]);
    assert_eq!(events, [], "{text}");
    let (text, events) = bench.draw(Vec::new());
    assert!(text.contains("qwrtzx: not known") && events.is_empty(), "{text}");
    let (_, events) = bench.draw(vec![key(Key::Enter)]);
    assert_eq!(events, [UiEvent::Prompt("snow qwrtzx ".to_owned())]);
    // What was said before comes back by going up, and is not said by that.
    bench.state.prompt.history.said("candy");
    bench.give_keys_to_the_field();
    bench.draw(Vec::new());
    assert_eq!(bench.draw(vec![key(Key::ArrowUp)]).1, []);
    assert_eq!(bench.state.prompt.text, "candy");
    bench.draw(vec![key(Key::ArrowDown)]);
    assert_eq!(bench.state.prompt.text, "snow qwrtzx ");
}

#[test]
fn a_prompt_of_which_nothing_counts_says_so_and_offers_what_would() {
    let mut bench = Bench::new(8);
    bench.state.prompt.said = "snow".to_owned();
    bench.state.prompt.text = "forrest".to_owned();
    let (text, _) = bench.draw(Vec::new());
    assert!(text.contains("forrest: not known") && text.contains("No word of it counts") && text.contains("In force: snow"), "{text}");
    assert_eq!(bench.click_on("forest"), []);
    assert_eq!(bench.state.prompt.text, "forest");
    bench.draw(Vec::new());
    let (text, events) = bench.draw(vec![key(Key::Enter)]);
    assert_eq!(events, [UiEvent::Prompt("forest".to_owned())], "{text}");
    // The control: where something counts, nothing of that is said.
    bench.state.prompt.text = "forest".to_owned();
    let (text, _) = bench.draw(Vec::new());
    assert!(!text.contains("No word of it counts") && text.contains("Enter to say it"), "{text}");
}

#[test]
fn the_keys_go_to_the_field_when_asked_and_earlier_prompts_are_hinted_at() {
    let mut bench = Bench::new(8);
    let (text, _) = bench.draw(Vec::new());
    assert!(!text.contains("earlier"), "{text}");
    bench.state.prompt.history.said("fog");
    bench.state.prompt.history.said("candy");
    let (text, _) = bench.draw(Vec::new());
    assert!(text.contains("Up brings back earlier prompts") && text.contains("earlier\n"), "{text}");
    bench.state.prompt.text = "noir".to_owned();
    bench.state.prompt.wants_keys = true;
    bench.draw(Vec::new());
    bench.draw(vec![Event::Text("neon".to_owned())]);
    assert_eq!(bench.state.prompt.text, "neon", "what stood there is written over");
    bench.draw(vec![key(Key::ArrowUp)]);
    assert_eq!(bench.state.prompt.text, "candy");
    // The same with the pointer.
    bench.click_on("earlier");
    assert_eq!(bench.click_on("fog"), [UiEvent::Prompt("fog".to_owned())]);
}

#[test]
fn a_refused_prompt_keeps_the_keys_to_be_put_right_or_written_over() {
    let mut bench = Bench::new(8);
    bench.draw(Vec::new());
    bench.give_keys_to_the_field();
    bench.draw(Vec::new());
    let types = |bench: &mut Bench, letters: &str| {
        bench.draw(Vec::new());
        bench.draw(vec![Event::Text(letters.to_owned())]);
        bench.state.prompt.text.clone()
    };
    let enter = |bench: &mut Bench| bench.draw(vec![key(Key::Enter)]).1;
    assert_eq!(types(&mut bench, "qwrtzx"), "qwrtzx");
    assert_eq!(enter(&mut bench), [UiEvent::Prompt("qwrtzx".to_owned())]);
    // The control: what is not refused gives the keys back.
    assert_eq!(types(&mut bench, "n"), "qwrtzx");
    bench.state.prompt.refuse("qwrtzx");
    assert_eq!(types(&mut bench, " blorgh"), "qwrtzx blorgh");
    for _ in 0..2 {
        assert_eq!(enter(&mut bench), [UiEvent::Prompt("qwrtzx blorgh".to_owned())]);
        bench.state.prompt.refuse("qwrtzx blorgh");
        bench.draw(Vec::new());
    }
    assert_eq!(types(&mut bench, "candy"), "candy", "refused again, it is written over");
}

#[test]
fn what_is_in_force_says_what_it_is_heard_as_and_what_is_kept_from_before() {
    let mut bench = Bench::new(8);
    bench.state.prompt.in_force("snow".to_owned(), false, false);
    assert!(bench.draw(Vec::new()).0.contains("\nIn force\n"));
    bench.state.prompt.in_force("a castle in snow".to_owned(), false, false);
    assert!(bench.draw(Vec::new()).0.contains("\nIn force, heard as: ruins snow\n"));
    bench.state.prompt.besides = crate::prompt::ids(&crate::prompt::read("night", 8));
    assert!(bench.draw(Vec::new()).0.contains("\nIn force, heard as: ruins snow; kept from before: night\n"));
}

#[test]
fn a_list_takes_what_is_in_force_and_tells_what_of_it_changes_nothing() {
    let mut bench = Bench::new(8);
    bench.state.prompt.queue.running = true;
    bench.state.prompt.queue.lines = "snow\nqwrtzx".to_owned();
    bench.state.prompt.in_force("snow".to_owned(), true, false);
    let (text, _) = bench.draw(Vec::new());
    assert!(text.contains("1 line changes nothing: \u{201C}qwrtzx\u{201D}") && !text.contains("\nAdd\n"), "{text}");
    bench.state.prompt.in_force("fog night".to_owned(), true, false);
    assert_eq!(bench.click_on("Add"), []);
    assert_eq!(bench.state.prompt.queue.lines, "snow\nqwrtzx\nfog night");
    assert!(!bench.draw(Vec::new()).0.contains("\nAdd\n"), "it is there");
    bench.state.prompt.queue.lines = "snow".to_owned();
    assert!(!bench.draw(Vec::new()).0.contains("nothing:"));
    // Somebody is there who has said something else.
    assert!(!bench.draw(Vec::new()).0.contains("waits until nobody is there"));
    bench.state.prompt.queue.rest();
    assert!(bench.draw(Vec::new()).0.contains("waits until nobody is there"));
}

#[test]
fn what_comes_by_itself_is_not_remembered_and_leaves_half_typed_words() {
    let mut bench = Bench::new(8);
    let prompt = &mut bench.state.prompt;
    prompt.in_force("snow".to_owned(), false, false);
    assert_eq!((prompt.text.as_str(), prompt.history.earlier_than("", 9)), ("snow", vec!["snow"]));
    prompt.in_force("night".to_owned(), true, false);
    assert_eq!((prompt.text.as_str(), prompt.history.earlier_than("", 9)), ("night", vec!["snow"]));
    // Somebody is about to type over what stands there.
    prompt.in_force("fog".to_owned(), true, true);
    assert_eq!((prompt.text.as_str(), prompt.said.as_str()), ("night", "fog"));
    prompt.in_force("rain".to_owned(), true, false);
    assert_eq!(prompt.text, "rain", "nothing was typed");
    // Half typed and left for a moment.
    prompt.text = "a neon ci".to_owned();
    prompt.in_force("desert".to_owned(), true, false);
    assert_eq!((prompt.text.as_str(), prompt.said.as_str()), ("a neon ci", "desert"));
    prompt.drop_draft();
    assert_eq!(prompt.text, "rain");
    prompt.text = "a neon ci".to_owned();
    // What is chosen meanwhile does take its place.
    prompt.in_force("candy".to_owned(), false, false);
    assert_eq!((prompt.text.as_str(), prompt.history.earlier_than("", 9)), ("candy", vec!["candy", "snow"]));
}

#[test]
fn a_paused_queue_says_that_it_waits() {
    let mut bench = Bench::new(8);
    bench.state.prompt.queue.lines = "snow\nneon".to_owned();
    bench.state.prompt.queue.running = true;
    bench.state.prompt.queue.due(Duration::ZERO);
    assert!(bench.draw(Vec::new()).0.contains("\nin 30 s: neon"));
    bench.state.paused = true;
    assert!(bench.draw(Vec::new()).0.contains("\npaused, then in 30 s: neon"));
    assert_eq!(bench.click_on("Next"), [UiEvent::Command(Command::NextPrompt)]);
}

#[test]
fn a_day_goes_by_where_it_is_asked_for() {
    let mut bench = Bench::new(8);
    assert!(!bench.draw(Vec::new()).0.contains("A day goes by in"), "folded away");
    assert_eq!(bench.click_on("By the clock: a day, prompts"), []);
    assert!(bench.draw(Vec::new()).0.contains("A day goes by in") && !bench.draw(Vec::new()).0.contains("dusk in"));
    assert_eq!(bench.click_on("A day goes by in"), []);
    assert!(bench.state.prompt.day.running && bench.state.prompt.day.turned(Duration::ZERO));
    assert!(bench.draw(Vec::new()).0.contains("\ndusk in 180 s"));
    bench.state.paused = true;
    assert!(bench.draw(Vec::new()).0.contains("\npaused") && !bench.draw(Vec::new()).0.contains("dusk in"));
}

#[test]
fn a_menu_says_one_part_of_the_prompt() {
    let mut bench = Bench::new(8);
    bench.state.prompt.said = "a forest at night".to_owned();
    let (text, _) = bench.draw(Vec::new());
    for name in ["forest", "night", "weather", "season", "style"] {
        assert!(text.lines().any(|line| line == name), "{name} in {text}");
    }
    assert_eq!(bench.click_on("night"), [], "the menu opens");
    assert_eq!(bench.click_on("dawn"), [UiEvent::Dial(Dial::Light, Some(3))]);
    bench.click_on("night");
    assert_eq!(bench.click_on("leave it open"), [UiEvent::Dial(Dial::Light, None)]);
}

#[test]
fn no_text_upsets_the_field() {
    let mut bench = Bench::new(8);
    for text in
        [String::new(), "snow ".repeat(2000), "\u{1F332}\u{200D}\u{7}\u{202E}".to_owned(), "\u{96EA}\u{306E}\u{68EE} лес".to_owned()]
    {
        bench.state.prompt.text.clone_from(&text);
        bench.draw(Vec::new());
        bench.give_keys_to_the_field();
        bench.draw(vec![Event::Paste(text)]);
        assert!(!bench.state.prompt.text.contains(char::is_control));
        bench.draw(vec![key(Key::Enter)]);
    }
}
