//! Tells newcomers who walk of the best things they have not tried yet, one after the other.

use std::time::{Duration, Instant};

use super::App;
use crate::app::view::View;
use crate::input::{Bindings, Command, Hand};

/// From the first press to the first tip, and from that to the next.
const BETWEEN: Duration = Duration::from_secs(14);

const TIP_LASTS: Duration = Duration::from_secs(9);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tip {
    Prompt,
    View,
    Map,
    Surprise,
}

impl Tip {
    /// The best first.
    const ALL: [Self; 4] = [Self::Prompt, Self::View, Self::Map, Self::Surprise];

    /// What stands on the control by which this hand does it, if there is one, and what it does.
    fn text(self, bindings: &Bindings, hand: Hand) -> Option<String> {
        let (command, what) = match (self, hand) {
            // Nobody types on a pad.
            (Self::Prompt, Hand::Pad) => (Command::NextPrompt, "turns the world by other words"),
            (Self::Prompt, _) => (Command::Prompt, "lets you say what the world should be like"),
            (Self::View, _) => (Command::View, "steps into it"),
            (Self::Map, _) => (Command::Map, "unfolds a map of all you have seen"),
            (Self::Surprise, _) => (Command::Surprise, "turns several things at once, as chance has it"),
        };
        Some(format!("{} {what}", bindings.control_of(hand, command)?))
    }
}

#[derive(Debug, Default)]
pub(super) struct Coach {
    /// What was told, or needs no telling.
    told: Vec<Tip>,
    due: Option<Instant>,
}

impl Coach {
    /// Who was told at an earlier start is not told again.
    pub(super) fn of(view: &View) -> Self {
        let told = [(Tip::Map, view.knows_map), (Tip::Surprise, view.knows_surprise)];
        Self { told: told.into_iter().filter_map(|(tip, known)| known.then_some(tip)).collect(), due: None }
    }

    /// Leaves for the next start what was told.
    pub(super) fn leave_in(&self, view: &mut View) {
        view.knows_map |= self.told.contains(&Tip::Map);
        view.knows_surprise |= self.told.contains(&Tip::Surprise);
    }

    /// Somebody does this: there is nothing to tell.
    pub(super) fn used(&mut self, command: Command) {
        let tip = match command {
            Command::Map => Tip::Map,
            Command::Surprise => Tip::Surprise,
            _ => return,
        };
        if !self.told.contains(&tip) {
            self.told.push(tip);
        }
    }

    /// What is to be told now to somebody who has pressed something; `knows`: what need not be.
    fn tip(&mut self, now: Instant, knows: impl Fn(Tip) -> bool) -> Option<Tip> {
        if now < *self.due.get_or_insert(now + BETWEEN) {
            return None;
        }
        let tip = Tip::ALL.into_iter().find(|tip| !self.told.contains(tip) && !knows(*tip))?;
        self.told.push(tip);
        self.due = Some(now + BETWEEN);
        Some(tip)
    }
}

impl App {
    /// At home only: at an event a line stays on the screen, and fingers have buttons.
    pub(super) fn coach(&mut self, now: Instant, presses: u64) {
        let walks_alone = presses > 0 && !self.plan.event && !self.ui.panel && !self.ui.paused && self.ui.hand != Hand::Finger;
        if !walks_alone {
            return;
        }
        let prompts = self.plan.launch.prompt_words() > 0;
        let (prompted, stepped_in) = (self.ui.prompt.is_prompted() || !self.ui.prompt.history.is_empty(), self.stepped_in);
        let can_step_in = self.status.info.as_ref().is_some_and(|info| info.within);
        let manifest = self.plan.launch.dreamer().map(|pack| &pack.manifest);
        let has_map = manifest.is_some_and(|m| m.recall().is_some_and(|recall| recall.step_px == m.frame.patch_px));
        let (bindings, hand) = (self.bindings.clone(), self.ui.hand);
        let knows = |tip: Tip| {
            let in_vain = match tip {
                Tip::Prompt => prompted || !prompts,
                Tip::View => stepped_in || !can_step_in,
                Tip::Map => !has_map,
                Tip::Surprise => !prompts,
            };
            in_vain || tip.text(&bindings, hand).is_none()
        };
        let Some(text) = self.coach.tip(now, knows).and_then(|tip| tip.text(&bindings, hand)) else { return };
        (self.ui.hints.tip, self.ui.hints.until) = (Some(text), Some(now + TIP_LASTS));
        self.redraw();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_thing_is_told_once_and_nothing_that_is_known() {
        let start = Instant::now();
        let at = |secs: u64| start + Duration::from_secs(secs);
        let told_by = |coach: &mut Coach, knows: fn(Tip) -> bool| {
            (0..120).filter_map(|secs| Some((secs, coach.tip(at(secs), knows)?))).collect::<Vec<_>>()
        };
        let told = |knows: fn(Tip) -> bool| told_by(&mut Coach::default(), knows);
        assert_eq!(told(|_| false), [(14, Tip::Prompt), (28, Tip::View), (42, Tip::Map), (56, Tip::Surprise)]);
        assert_eq!(told(|tip| tip == Tip::Prompt), [(14, Tip::View), (28, Tip::Map), (42, Tip::Surprise)]);
        assert_eq!(told(|_| true), []);
        // Who has opened a map, or was told of it at an earlier start, knows of maps.
        let mut coach = Coach::default();
        coach.used(Command::Map);
        coach.used(Command::View);
        assert_eq!(told_by(&mut coach, |_| false), [(14, Tip::Prompt), (28, Tip::View), (42, Tip::Surprise)]);
        let mut view = View::default();
        Coach::default().leave_in(&mut view);
        assert_eq!(view, View::default());
        coach.leave_in(&mut view);
        assert_eq!(told_by(&mut Coach::of(&view), |_| false), [(14, Tip::Prompt), (28, Tip::View)]);
    }

    #[test]
    fn nothing_is_told_of_that_no_control_does() {
        let text = |tip: Tip, bindings: &Bindings, hand| tip.text(bindings, hand).unwrap_or_default();
        let (all, few) = (Bindings::default(), Bindings::parse("[keys]\nKeyQ = \"map\"").expect("a table"));
        assert!(Tip::ALL.iter().all(|tip| [Hand::Keys, Hand::Pad].iter().all(|hand| !text(*tip, &all, *hand).is_empty())));
        assert_eq!(text(Tip::View, &all, Hand::Keys), "V steps into it");
        assert_eq!(Tip::ALL.map(|tip| text(tip, &few, Hand::Keys)), ["", "", "Q unfolds a map of all you have seen", ""]);
        assert_eq!(text(Tip::Map, &few, Hand::Pad), "");
    }
}
