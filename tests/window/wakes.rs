//! What reaches the window while a driver presents its picture.

use std::time::Duration;

use x11rb::protocol::Event;

use crate::neighbour::Neighbour;
use crate::stage::Stage;

/// A driver's thread reads what comes from the display too, and takes events with it. A loop that waits for the display alone stops for
/// ever within a few hundred of these rounds.
#[test]
fn a_resting_window_answers_whatever_a_driver_reads() {
    let mut stage = Stage::open_logged(&["--engine", "cpu", "--paused", "--no-glide"]);
    let other = Neighbour::on(&stage);
    let target: u32 = stage.window.parse().unwrap();
    // The pointer goes after three seconds; from then on nothing is due.
    std::thread::sleep(Duration::from_secs(4));
    for round in 0..1200u64 {
        std::thread::sleep(Duration::from_micros(round * 7919 % 20_000));
        // Both draw what is dragged, and what is no longer.
        other.drag_over(target);
        other.wait_for("the game to ask for the file", |event| match event {
            Event::SelectionRequest(asked) => {
                other.refuse(&asked);
                Some(())
            }
            _ => None,
        });
        other.tell(target, "XdndLeave", [other.window, 0, 0, 0, 0]);
    }
    stage.xdotool(&["key", "ctrl+q"]);
    assert!(stage.ended().success());
}
