//! Tells newcomers who walk of the two best things they have not tried yet, one after the other.

use std::time::{Duration, Instant};

use super::App;
use crate::input::{Command, Hand};

/// From the first press to the first tip, and from that to the next.
const BETWEEN: Duration = Duration::from_secs(14);

const TIP_LASTS: Duration = Duration::from_secs(9);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tip {
    Prompt,
    View,
}

impl Tip {
    const ALL: [Self; 2] = [Self::Prompt, Self::View];
}

#[derive(Debug, Default)]
pub(super) struct Coach {
    told: Vec<Tip>,
    due: Option<Instant>,
}

impl Coach {
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
        let knows = |tip| match tip {
            Tip::Prompt => prompted || !prompts,
            Tip::View => stepped_in || !can_step_in,
        };
        let Some(tip) = self.coach.tip(now, knows) else { return };
        let (command, what) = match (tip, self.ui.hand) {
            // Nobody types on a pad.
            (Tip::Prompt, Hand::Pad) => (Command::NextPrompt, "turns the world by other words"),
            (Tip::Prompt, _) => (Command::Prompt, "lets you say what the world should be like"),
            (Tip::View, _) => (Command::View, "steps into it"),
        };
        if let Some(control) = self.control_of(command) {
            self.ui.tip = Some(format!("{control} {what}"));
            self.ui.hint_until = Some(now + TIP_LASTS);
            self.redraw();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_thing_is_told_once_and_nothing_that_is_known() {
        let start = Instant::now();
        let at = |secs: u64| start + Duration::from_secs(secs);
        let told = |knows: fn(Tip) -> bool| {
            let mut coach = Coach::default();
            (0..120).filter_map(|secs| Some((secs, coach.tip(at(secs), knows)?))).collect::<Vec<_>>()
        };
        assert_eq!(told(|_| false), [(14, Tip::Prompt), (28, Tip::View)]);
        assert_eq!(told(|tip| tip == Tip::Prompt), [(14, Tip::View)]);
        assert_eq!(told(|_| true), []);
    }
}
