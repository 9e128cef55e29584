//! *Where you were*: dreams that were left, when each was kept last, and a way to forget one.

use std::time::SystemTime;

use egui::RichText;
use jiff::Timestamp;

use super::panel::{Thumbnail, UiEvent};
use super::{pictures, theme};

/// Dreams shown until more are asked for.
const FEW: usize = 6;

/// What that part of the panel remembers.
#[derive(Default)]
pub struct EarlierState {
    /// The dreams, the latest first.
    pub dreams: Vec<Thumbnail>,
    /// The one forgotten last can be brought back.
    pub forgotten: bool,
    /// All are shown.
    all: bool,
    /// The next one that is chosen is forgotten.
    forgets: bool,
}

/// Shows the dreams, if there are any.
pub fn show(ui: &mut egui::Ui, state: &mut EarlierState, events: &mut Vec<UiEvent>) {
    if state.dreams.is_empty() && !state.forgotten {
        state.forgets = false;
        return;
    }
    theme::heading(ui, "Where you were");
    let shown = if state.all { state.dreams.len() } else { state.dreams.len().min(FEW) };
    let chosen: fn(usize) -> UiEvent = if state.forgets { UiEvent::ForgetEarlier } else { UiEvent::Earlier };
    let before = events.len();
    let below = |left: &Thumbnail| left.kept_at.map(|then| ago(then, SystemTime::now()));
    pictures::thumbnails(ui, &state.dreams[..shown], below, chosen, events);
    state.forgets &= events.len() == before && !state.dreams.is_empty();
    if state.forgets {
        ui.label(RichText::new("Choose the one to forget").size(12.0).color(theme::ACCENT));
    }
    ui.horizontal(|ui| {
        if state.dreams.len() > FEW && ui.add(theme::quiet_button(if state.all { "fewer" } else { "more" })).clicked() {
            state.all = !state.all;
        }
        let forget = if state.forgets { "forget none" } else { "forget one ..." };
        if !state.dreams.is_empty() && ui.add(theme::quiet_button(forget)).on_hover_text("Its file is removed").clicked() {
            state.forgets = !state.forgets;
        }
        let back = theme::quiet_button("bring it back");
        if state.forgotten && ui.add(back).on_hover_text("The one forgotten last, until the program ends").clicked() {
            events.push(UiEvent::BringBack);
        }
    });
}

/// How long ago that was, and of what is a week ago the day (UTC).
fn ago(then: SystemTime, now: SystemTime) -> String {
    const MINUTE: u64 = 60;
    const HOUR: u64 = 60 * MINUTE;
    const DAY: u64 = 24 * HOUR;
    let secs = now.duration_since(then).map_or(0, |gone| gone.as_secs());
    let counted = |one: &str, count: u64, many: &str| if count == 1 { format!("{one} ago") } else { format!("{count} {many} ago") };
    if secs < MINUTE {
        "just now".to_owned()
    } else if secs < HOUR {
        counted("a minute", secs / MINUTE, "min")
    } else if secs < DAY {
        counted("an hour", secs / HOUR, "hours")
    } else if secs < 7 * DAY {
        counted("a day", secs / DAY, "days")
    } else {
        let (Ok(then), Ok(now)) = (Timestamp::try_from(then), Timestamp::try_from(now)) else { return "long ago".to_owned() };
        let year = |at: Timestamp| at.strftime("%Y").to_string();
        let of_this_year = year(then) == year(now);
        then.strftime(if of_this_year { "%-d %b" } else { "%-d %b %Y" }).to_string()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// 20 November 2026, 12:00 UTC.
    const NOON: u64 = 20_777 * 86_400 + 43_200;

    fn told(secs_ago: u64) -> String {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(NOON);
        ago(now - Duration::from_secs(secs_ago), now)
    }

    #[test]
    fn times_are_told_as_people_tell_them() {
        let cases = [
            (0, "just now"),
            (59, "just now"),
            (60, "a minute ago"),
            (7199, "an hour ago"),
            (7200, "2 hours ago"),
            (3599, "59 min ago"),
            (86_400, "a day ago"),
            (6 * 86_400, "6 days ago"),
            (8 * 86_400, "12 Nov"),
            (324 * 86_400, "31 Dec 2025"),
        ];
        for (secs, expected) in cases {
            assert_eq!(told(secs), expected, "{secs}");
        }
        // Written by a clock that goes ahead.
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(NOON);
        assert_eq!(ago(now + Duration::from_secs(9000), now), "just now");
    }
}
