//! What differs from one desktop to another.

use std::fmt::Display;
use std::time::Instant;

use winit::event_loop::ActiveEventLoop;
use winit::window::{Icon, WindowAttributes};

/// When to look for events that wake nobody, where there are such: under X11 a driver that presents, or asks the display something,
/// reads the same connection from a thread of its own and leaves in memory what came for the window, while the loop sleeps on a socket
/// that is empty by then (winit's issue 1985).
#[cfg(target_os = "linux")]
pub(super) fn look_again(event_loop: &ActiveEventLoop, now: Instant) -> Option<Instant> {
    use winit::platform::x11::ActiveEventLoopExtX11 as _;
    const EVERY: std::time::Duration = std::time::Duration::from_millis(50);
    event_loop.is_x11().then_some(now + EVERY)
}

#[cfg(not(target_os = "linux"))]
pub(super) fn look_again(_: &ActiveEventLoop, _: Instant) -> Option<Instant> {
    None
}

/// Whether files can be dropped on a window: under Wayland winit does not hear of them.
#[cfg(target_os = "linux")]
pub(super) fn takes_files(event_loop: &ActiveEventLoop) -> bool {
    use winit::platform::wayland::ActiveEventLoopExtWayland as _;
    !event_loop.is_wayland()
}

#[cfg(not(target_os = "linux"))]
pub(super) fn takes_files(_: &ActiveEventLoop) -> bool {
    true
}

/// Names the program, under X11 as well: by that a desktop knows whose window it is, and finds its icon.
#[cfg(target_os = "linux")]
pub(super) fn with_name(attributes: WindowAttributes) -> WindowAttributes {
    use winit::platform::wayland::WindowAttributesExtWayland;
    WindowAttributesExtWayland::with_name(attributes, "somnium", "somnium")
}

#[cfg(not(target_os = "linux"))]
pub(super) fn with_name(attributes: WindowAttributes) -> WindowAttributes {
    attributes
}

/// What winit says of a failure, without the place in its own sources that it says first.
pub(super) fn in_words(why: &impl Display) -> String {
    let why = why.to_string();
    let behind_place =
        |why: &str| Some(why.strip_prefix("os error at ")?.split_once(".rs:")?.1.split_once(": ")?.1.trim_end_matches('.').to_owned());
    behind_place(&why).unwrap_or(why)
}

/// The picture that a desktop shows for the window.
pub(super) fn icon() -> Option<Icon> {
    let image = image::load_from_memory(include_bytes!("../../../assets/icon.png")).ok()?.into_rgba8();
    let (width, height) = image.dimensions();
    Icon::from_rgba(image.into_raw(), width, height).ok()
}

#[cfg(test)]
mod tests {
    use super::in_words;

    #[test]
    fn what_the_system_says_comes_without_where_winit_says_it() {
        let long = "os error at /home/me/.cargo/registry/src/winit-0.30.13/src/platform_impl/linux/mod.rs:765: neither DISPLAY nor WAYLAND_DISPLAY is set.";
        assert_eq!(in_words(&long), "neither DISPLAY nor WAYLAND_DISPLAY is set");
        for short in ["os error at the door", "The requested operation is not supported by Winit."] {
            assert_eq!(in_words(&short), short);
        }
    }
}
