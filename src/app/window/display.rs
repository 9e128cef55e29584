//! Which display the window stands on, and fills.

use winit::dpi::{PhysicalPosition, PhysicalSize};
use winit::event_loop::ActiveEventLoop;
use winit::monitor::MonitorHandle;
use winit::window::{Fullscreen, WindowAttributes};

use super::App;

impl App {
    /// Lets the window open on the display that is asked for. Where that is not there, a notice says which are, and the primary one takes its
    /// place, or that which the system chooses.
    pub(super) fn placed(&mut self, attributes: WindowAttributes, event_loop: &ActiveEventLoop) -> WindowAttributes {
        let monitor = self.plan.display.and_then(|at| {
            let monitors: Vec<MonitorHandle> = event_loop.available_monitors().collect();
            if let Some(monitor) = monitors.get(at) {
                return Some(monitor.clone());
            }
            let names: Vec<Option<String>> = monitors.iter().map(MonitorHandle::name).collect();
            let primary = event_loop.primary_monitor();
            self.complain(not_there(at + 1, &names, primary.is_some()));
            primary
        });
        let attributes = match &monitor {
            Some(monitor) => {
                let size = self.plan.size.to_physical(monitor.scale_factor());
                attributes.with_position(in_the_middle(monitor.position(), monitor.size(), size))
            }
            None => attributes,
        };
        attributes.with_fullscreen(self.plan.fullscreen.then_some(Fullscreen::Borderless(monitor)))
    }

    /// Fills the display that is asked for, or else the one that the window stands on; or lets it be a window again.
    pub(super) fn fill_screen(&self, fill: bool) {
        let Some(shell) = &self.shell else { return };
        let asked = || shell.window.available_monitors().nth(self.plan.display?);
        shell.window.set_fullscreen(fill.then(|| Fullscreen::Borderless(asked())));
    }

    /// Fills the display that is asked for once more, where the window stands on another one by now: a projector was off for a while.
    pub(super) fn come_back_to_display(&self) {
        let Some(shell) = self.shell.as_ref().filter(|_| self.plan.fullscreen) else { return };
        let Some(asked) = self.plan.display.and_then(|at| shell.window.available_monitors().nth(at)) else { return };
        if shell.window.current_monitor().is_some_and(|current| current != asked) {
            log::info!("the window comes back to the display that was asked for");
            // It counts as filled still: one that is asked for again is let go of first.
            self.fill_screen(false);
            self.fill_screen(true);
        }
    }

    pub(super) fn is_fullscreen(&self) -> bool {
        self.shell.as_ref().is_some_and(|shell| shell.window.fullscreen().is_some())
    }
}

/// Says that there is no display of this number, counted from 1, and which there are, as far as the system names them; `primary`: the window opens
/// on the primary one instead.
fn not_there(number: usize, names: &[Option<String>], primary: bool) -> String {
    let listed = |(n, name): (usize, &Option<String>)| name.as_ref().map(|name| format!("{n} is {name}"));
    let named: Vec<String> = (1..).zip(names).filter_map(listed).collect();
    let named = if named.is_empty() { String::new() } else { format!(" ({})", named.join(", ")) };
    let count = names.len();
    let displays = if count == 1 { "display" } else { "displays" };
    let instead = if primary { ", and the window opens on the primary one" } else { "" };
    format!("There is no display {number}: the system lists {count} {displays}{named}{instead}.")
}

/// The upper left corner of a window of this size in the middle of a display, or that of the display where there is no room.
fn in_the_middle(corner: PhysicalPosition<i32>, display: PhysicalSize<u32>, window: PhysicalSize<u32>) -> PhysicalPosition<i32> {
    let before = |room: u32, size: u32| i32::try_from(room.saturating_sub(size) / 2).unwrap_or(0);
    PhysicalPosition::new(corner.x + before(display.width, window.width), corner.y + before(display.height, window.height))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_display_that_is_not_there_names_those_that_are() {
        let named = |names: &[&str]| names.iter().map(|name| Some((*name).to_owned())).collect::<Vec<_>>();
        let two = not_there(3, &named(&["eDP-1", "HDMI-1"]), true);
        assert_eq!(
            two,
            "There is no display 3: the system lists 2 displays (1 is eDP-1, 2 is HDMI-1), and the window opens on the primary one."
        );
        let one = not_there(2, &[None], true);
        assert_eq!(one, "There is no display 2: the system lists 1 display, and the window opens on the primary one.");
        // Wayland knows no primary one.
        assert_eq!(not_there(2, &[None], false), "There is no display 2: the system lists 1 display.");
        assert!(not_there(1, &[], false).contains("lists 0 displays."));
        // Of some the system has no name.
        assert!(not_there(9, &[None, Some("DP-2".to_owned())], true).contains("2 displays (2 is DP-2)"));
    }

    #[test]
    fn a_window_stands_in_the_middle_of_its_display() {
        let at = |corner: (i32, i32), window: (u32, u32)| -> (i32, i32) {
            in_the_middle(corner.into(), PhysicalSize::new(1920, 1080), window.into()).into()
        };
        assert_eq!(at((0, 0), (800, 600)), (560, 240));
        assert_eq!(at((-1920, 40), (800, 600)), (-1360, 280), "to the left of the first");
        assert_eq!(at((1920, 0), (4000, 600)), (1920, 240), "wider than it");
    }
}
