//! Where somebody plays, and what that place allows.

use crate::input::CONTROL;

/// What the place allows where somebody plays.
#[derive(Clone, Copy, Debug)]
pub struct Venue {
    /// Visitors neither open files nor leave the full screen.
    pub kiosk: bool,
    /// Strangers play, one after another.
    pub event: bool,
    /// Pictures that are saved are kept.
    pub keeps_pictures: bool,
    /// Files can be dropped on the window.
    pub takes_files: bool,
}

impl Default for Venue {
    /// At home, with no folder for pictures yet.
    fn default() -> Self {
        Self { kiosk: false, event: false, keeps_pictures: false, takes_files: true }
    }
}

impl Venue {
    /// How a picture gets in of which there is no button.
    pub(super) fn ways_in(self) -> String {
        // Nobody pastes at an event.
        match (self.takes_files, self.event) {
            (true, false) => format!("Or drop a PNG, JPEG, WebP or GIF on the window, or copy one and press {CONTROL}+V"),
            (true, true) => "Or drop a PNG, JPEG, WebP or GIF on the window".to_owned(),
            (false, false) => format!("Or copy a picture and press {CONTROL}+V"),
            (false, true) => "A PNG, JPEG, WebP or GIF".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_come_in_as_the_place_allows() {
        for (takes_files, event) in [(true, false), (true, true), (false, false), (false, true)] {
            let told = Venue { takes_files, event, ..Venue::default() }.ways_in();
            assert_eq!((told.contains("drop"), told.contains(CONTROL)), (takes_files, !event), "{told}");
        }
    }
}
