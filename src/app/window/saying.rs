//! What is said to the world: prompts that somebody types or turns, and those that come by themselves.

use std::collections::HashMap;
use std::time::Instant;

use super::App;
use crate::app::prompt_field::PromptState;
use crate::app::prompt_history::one_line;
use crate::app::{prompt_args, prompt_field};
use crate::dream::runner::{Prompt, Request, SaidReach};
use crate::prompt;
use crate::worlds::scene::Wish;
use crate::worlds::words::{Dial, going_on, says_a_part, wish_of};

/// Who says something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// Somebody types it, or chooses it among what was said before: it is remembered, and stands in the field.
    Words,
    /// Somebody turns a part of it, or asks for another prompt.
    Hand,
    /// Nobody: a list, a clock, a beginning.
    Itself,
}

/// What was said by hand: it is said again where the moment of then is returned to.
#[derive(Default)]
pub(super) struct SaidByHand {
    /// Number of what is said now, and the last one that was given.
    now: u32,
    last: u32,
    /// Of what was said else, by its number: what stood in the prompt, and what the world was told besides.
    else_said: HashMap<u32, (String, Vec<u16>)>,
}

impl SaidByHand {
    /// A number for something else.
    pub(super) fn another(&mut self) -> u32 {
        self.last += 1;
        self.last
    }

    /// What was said else is not said again.
    pub(super) fn forget(&mut self) {
        self.else_said.clear();
    }

    /// What is out of reach by now is not said again either.
    pub(super) fn keep_within(&mut self, reach: &SaidReach) {
        self.else_said.retain(|number, _| reach.includes(*number));
    }

    /// Whether what has this number is said now.
    pub(super) fn is(&self, number: u32) -> bool {
        self.now == number
    }

    /// What has that number is said where it is returned to.
    pub(super) fn learn(&mut self, number: u32, text: String) {
        self.else_said.insert(number, (text, Vec::new()));
    }

    /// From now on what has that number is said, in the place of this; gives what that was where it was said before.
    pub(super) fn go_to(&mut self, number: u32, in_place_of: &PromptState) -> Option<(String, Vec<u16>)> {
        if number == self.now {
            return None;
        }
        self.else_said.insert(self.now, (in_place_of.said.clone(), in_place_of.besides.clone()));
        self.now = number;
        self.else_said.remove(&number)
    }
}

/// What of these words is told besides a prompt, which has at most `most` words.
pub(super) fn besides(words: &[u16], prompt: &str, most: usize) -> Vec<u16> {
    let said = prompt::ids(&prompt::read(prompt, most));
    words.iter().copied().filter(|word| !said.contains(word)).collect()
}

impl App {
    /// Puts a prompt in force: the next frame computed has it. One of which nothing counts leaves what is in force, and gets a sentence.
    pub(super) fn say(&mut self, text: &str, by: By) -> bool {
        let words = self.words_of(text);
        let in_part = by == By::Words && says_a_part(&words, &self.told_so_far());
        let besides = if in_part { self.seen_besides(&words) } else { Vec::new() };
        self.say_besides(text, by, besides)
    }

    /// What is seen, and the land that was asked for, as far as `words` say nothing of them; in a simulator all that takes its course.
    fn seen_besides(&self, words: &[u16]) -> Vec<u16> {
        let Wish { light, weather, season, style, .. } = self.status.look;
        self.going_on(words, &Wish { light, weather, season, style, ..self.land_asked() })
    }

    fn going_on(&self, words: &[u16], look: &Wish) -> Vec<u16> {
        let dreamed = self.plan.launch.dreamer().is_some();
        if dreamed { going_on(words, look, self.plan.launch.prompt_words()) } else { Vec::new() }
    }

    /// The land that was asked for, and what was to be on it.
    pub(super) fn land_asked(&self) -> Wish {
        let Wish { biome, features, .. } = wish_of(&self.told_so_far());
        Wish { biome, features, ..Wish::default() }
    }

    /// What is said, and what is told besides.
    fn told_so_far(&self) -> Vec<u16> {
        [self.words_of(&self.ui.prompt.said), self.ui.prompt.besides.clone()].concat()
    }

    /// The same with words that the world is told besides, and nobody sees.
    pub(super) fn say_besides(&mut self, text: &str, by: By, besides: Vec<u16>) -> bool {
        let text = one_line(text);
        let launch = &self.plan.launch;
        // What visitors type is not kept.
        let is_told = !self.plan.event;
        let words = match prompt_args::words(&text, launch.title(), launch.prompt_words()) {
            Ok(words) => words,
            Err(why) => {
                if is_told {
                    log::warn!("the prompt stays as it was: {why}");
                }
                // The panel says so beside the field, and of what nobody typed nobody has to know.
                if !self.ui.panel && by == By::Words {
                    self.ui.toasts.push(format!("The prompt stays as it was: {why}."), true);
                }
                return false;
            }
        };
        if let (true, Some(doubt)) = (is_told, prompt_args::doubt(&text, launch.prompt_words())) {
            log::warn!("{doubt}");
        }
        let typing = self.typing();
        let now = self.ui.clock.now(Instant::now());
        let state = &mut self.ui.prompt;
        let by_hand = by != By::Itself;
        let changed = text != state.said || besides != state.besides;
        if by_hand && changed {
            let number = self.by_hand.another();
            self.by_hand.go_to(number, state);
        }
        if state.queue.running {
            state.queue.wait(now);
            // What a visitor has said is theirs for as long as they are there.
            if by_hand && self.plan.idle.is_some() {
                state.queue.rest();
            }
        }
        state.day.begin_with(&words, now);
        state.in_force(text, by != By::Words, typing);
        state.besides = besides;
        let is_news = by_hand && changed;
        if is_news {
            // On a map nobody would see it.
            self.map_mode(false);
        }
        self.tell(by);
        // In a world that stands still no frame would show it; what was tapped there is no step.
        if is_news && self.stands_still() {
            self.latch().forget_taps();
            self.request(Request::Step);
        }
        true
    }

    /// Whether somebody has stopped the world, and not to paint on it.
    fn stands_still(&self) -> bool {
        self.ui.paused && !self.ui.paint.active
    }

    /// What is told besides a prompt, where the world is told all these words.
    pub(super) fn besides_in(&self, words: &[u16], prompt: &str) -> Vec<u16> {
        besides(words, prompt, self.plan.launch.prompt_words())
    }

    /// The same of what the program starts with: a saved dream may be told more than its prompt says.
    pub(super) fn besides_at_the_start(&self) -> Vec<u16> {
        let goes_on = self.plan.launch.saved().is_some();
        if goes_on { self.besides_in(&self.plan.words, &self.plan.prompt) } else { Vec::new() }
    }

    /// Tells the world the words that are in force, under the light of the hour where a day goes by.
    pub(super) fn tell(&self, by: By) {
        let words = self.ui.prompt.day.words(&self.told_so_far(), self.plan.launch.prompt_words());
        // One frame shows all of it where no other follows.
        let blend_frames = if self.stands_still() { 0 } else { self.ui.prompt.blend_frames };
        let now = self.by_hand.now;
        self.wish(|wish| {
            // The world may be on its way to what is said under another number.
            let said = if by == By::Itself { wish.prompt.said } else { now };
            wish.prompt = Prompt { words: words.into(), blend_frames, said };
        });
    }

    /// Says a prompt that nobody typed, if anything of it counts; without the panel a notice tells it.
    pub(super) fn announce(&mut self, text: &str, by: By) -> bool {
        let said = self.say(text, by);
        if said {
            // Visitors may have changed the list.
            if !self.plan.event {
                log::info!("said: {text}");
            }
            if !self.ui.panel {
                self.ui.toasts.push(format!("\u{201C}{text}\u{201D}"), false);
            }
        }
        said
    }

    /// Says the prompt of the queue that is due, if one is, as its file has them by now.
    pub(super) fn say_what_is_due(&mut self) {
        let now = self.ui.clock.now(Instant::now());
        if !self.ui.prompt.queue.is_due(now) {
            return;
        }
        self.follow_list();
        if !self.say_of_queue(By::Itself, false) {
            self.ui.prompt.queue.wait(now);
        }
    }

    /// Says the next prompt of the queue of which anything counts, or the one before; whether there is one.
    fn say_of_queue(&mut self, by: By, back: bool) -> bool {
        (0..self.ui.prompt.queue.prompts().len()).any(|_| {
            let prompt = self.ui.prompt.queue.turn(back);
            prompt.is_some_and(|prompt| self.announce(&prompt, by))
        })
    }

    /// Says the next prompt of the queue, or the one before; one of the suggestions where it is empty.
    pub(super) fn next_prompt(&mut self, back: bool) {
        if !self.ui.prompt.queue.prompts().is_empty() {
            if !self.say_of_queue(By::Hand, back) {
                self.ui.toasts.push("No prompt in the queue changes anything.".to_owned(), false);
            }
            return;
        }
        let Some(prompt) = self.suggestion(back) else {
            let none = "There is no other prompt: nothing is in the queue, and this pack suggests no other.";
            return self.ui.toasts.push(none.to_owned(), false);
        };
        self.announce(&prompt, By::Hand);
    }

    /// The next suggestion that is not in force already, or the one before. The seed chooses where it begins.
    fn suggestion(&mut self, back: bool) -> Option<String> {
        let suggestions = &self.status.info.as_ref()?.suggested_prompts;
        let (state, first) = (&mut self.ui.prompt, self.ui.settings.seed as usize);
        (0..suggestions.len()).find_map(|_| {
            let prompt = &suggestions[state.suggestion.turn(suggestions.len(), first, back)?];
            (*prompt != state.said).then(|| prompt.clone())
        })
    }

    /// Turns one part of what is said to its next value, or to the one before.
    pub(super) fn turn(&mut self, dial: Dial, back: bool) {
        let most = self.plan.launch.prompt_words();
        if most == 0 {
            return self.ui.toasts.push(prompt_field::NO_WORDS.to_owned(), false);
        }
        let said = self.words_of(&self.ui.prompt.said);
        // The light of the hour counts, where a day goes by.
        let said = if dial == Dial::Light { self.ui.prompt.day.words(&said, most) } else { said };
        let at = dial.at(&said).or_else(|| dial.of(&self.status.look)).or_else(|| dial.of(&self.land_asked()));
        let value = dial.next(at, back);
        self.set_dial(dial, Some(value));
        self.ui.dials.turned(dial, value);
    }

    /// Turns all parts of what is said at once, as chance has it.
    pub(super) fn surprise(&mut self) {
        let most = self.plan.launch.prompt_words();
        if most == 0 {
            return self.ui.toasts.push(prompt_field::NO_WORDS.to_owned(), false);
        }
        let said = self.ui.prompt.day.words(&self.words_of(&self.ui.prompt.said), most);
        // Another one wherever and whenever it is asked for.
        let chance = (u64::from(self.ui.settings.seed) << 32) ^ (self.status.frames + u64::from(self.by_hand.last));
        let words = Dial::surprise(&said, &self.status.look, chance, most);
        let text = prompt::text_of(&words);
        if !self.plan.event {
            log::info!("turned to: {text}");
        }
        let besides = self.seen_besides(&words);
        self.say_besides(&text, By::Hand, besides);
        if !self.ui.panel {
            self.ui.toasts.push(format!("\u{201C}{text}\u{201D}"), false);
        }
    }

    /// Says this value of one part in place of what is said of it, or nothing.
    pub(super) fn set_dial(&mut self, dial: Dial, value: Option<usize>) {
        let said = self.words_of(&self.ui.prompt.said);
        let most = self.plan.launch.prompt_words();
        let words = value.map_or_else(|| dial.unsaid(&said), |value| dial.set(&said, value, most));
        let text = prompt::text_of(&words);
        if !self.plan.event {
            log::info!("turned to: {text}");
        }
        let besides = match (value, dial) {
            (Some(_), _) => self.seen_besides(&words),
            (None, Dial::Land) => Vec::new(),
            (None, _) => self.going_on(&words, &self.land_asked()),
        };
        self.say_besides(&text, By::Hand, besides);
    }

    /// Whether letters are text, also those that come before the field that is to have them is drawn.
    pub(super) fn typing(&self) -> bool {
        let wanted = self.ui.prompt.wants_keys || self.ui.paint.wants_keys;
        wanted || self.shell.as_ref().is_some_and(|shell| shell.egui.egui_ctx().text_edit_focused())
    }

    pub(super) fn words_of(&self, text: &str) -> Vec<u16> {
        prompt::ids(&prompt::read(text, self.plan.launch.prompt_words()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nothing_leads_back_to_is_not_said_again() {
        let (mut by_hand, mut state) = (SaidByHand::default(), PromptState::default());
        for text in ["snow", "rain", "fog"] {
            let number = by_hand.another();
            by_hand.go_to(number, &state);
            state.in_force(text.to_owned(), true, false);
        }
        let known = |by_hand: &SaidByHand| {
            let mut known: Vec<u32> = by_hand.else_said.keys().copied().collect();
            known.sort_unstable();
            known
        };
        // The dream has not come to any of them yet, and then to the second.
        by_hand.keep_within(&SaidReach::default());
        assert_eq!(known(&by_hand), [0, 1, 2]);
        by_hand.keep_within(&SaidReach { now: 2, newest: 2, others: vec![1] });
        assert_eq!(known(&by_hand), [1, 2]);
        by_hand.keep_within(&SaidReach { now: 3, newest: 3, others: vec![1] });
        assert_eq!(known(&by_hand), [1]);
        assert_eq!(by_hand.go_to(1, &state), Some(("snow".to_owned(), Vec::new())));
    }
}
