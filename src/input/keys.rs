//! Names of physical keys, as they stand in the bindings file: those of the W3C `KeyboardEvent.code` values.

use winit::keyboard::KeyCode;

/// Every key that can be bound.
const BINDABLE: &[KeyCode] = {
    use KeyCode::*;
    &[
        KeyA,
        KeyB,
        KeyC,
        KeyD,
        KeyE,
        KeyF,
        KeyG,
        KeyH,
        KeyI,
        KeyJ,
        KeyK,
        KeyL,
        KeyM,
        KeyN,
        KeyO,
        KeyP,
        KeyQ,
        KeyR,
        KeyS,
        KeyT,
        KeyU,
        KeyV,
        KeyW,
        KeyX,
        KeyY,
        KeyZ,
        Digit0,
        Digit1,
        Digit2,
        Digit3,
        Digit4,
        Digit5,
        Digit6,
        Digit7,
        Digit8,
        Digit9,
        ArrowUp,
        ArrowDown,
        ArrowLeft,
        ArrowRight,
        Space,
        Enter,
        Tab,
        Escape,
        Backspace,
        Delete,
        Insert,
        Home,
        End,
        PageUp,
        PageDown,
        Backquote,
        Minus,
        Equal,
        BracketLeft,
        BracketRight,
        Backslash,
        Semicolon,
        Quote,
        Comma,
        Period,
        Slash,
        ShiftLeft,
        ShiftRight,
        ControlLeft,
        ControlRight,
        AltLeft,
        AltRight,
        CapsLock,
        PrintScreen,
        Pause,
        F1,
        F2,
        F3,
        F4,
        F5,
        F6,
        F7,
        F8,
        F9,
        F10,
        F11,
        F12,
        Numpad0,
        Numpad1,
        Numpad2,
        Numpad3,
        Numpad4,
        Numpad5,
        Numpad6,
        Numpad7,
        Numpad8,
        Numpad9,
        NumpadAdd,
        NumpadSubtract,
        NumpadMultiply,
        NumpadDivide,
        NumpadEnter,
        NumpadDecimal,
    ]
};

/// The key of that name.
pub fn from_name(name: &str) -> Option<KeyCode> {
    BINDABLE.iter().copied().find(|&key| self::name(key) == name)
}

/// "KeyW", "ArrowUp", "Digit1"...
pub fn name(key: KeyCode) -> String {
    format!("{key:?}")
}

/// What stands on it: "W", "1", "Up", ".".
pub fn label(key: KeyCode) -> String {
    let sign = match key {
        KeyCode::Backquote => "`",
        KeyCode::Minus => "-",
        KeyCode::Equal => "=",
        KeyCode::BracketLeft => "[",
        KeyCode::BracketRight => "]",
        KeyCode::Backslash => "\\",
        KeyCode::Semicolon => ";",
        KeyCode::Quote => "'",
        KeyCode::Comma => ",",
        KeyCode::Period => ".",
        KeyCode::Slash => "/",
        KeyCode::Escape => "Esc",
        _ => "",
    };
    let name = name(key);
    let short = ["Key", "Digit", "Arrow"].iter().find_map(|kind| name.strip_prefix(kind)).unwrap_or(&name);
    if sign.is_empty() { short } else { sign }.to_owned()
}

pub fn is_letter(key: KeyCode) -> bool {
    name(key).strip_prefix("Key").is_some()
}

/// Whether a key means nothing to a field that one types in.
pub fn writes_nothing(key: KeyCode) -> bool {
    key == KeyCode::Tab || name(key).strip_prefix('F').is_some_and(|number| number.parse::<u8>().is_ok())
}

/// The key that writes this letter, or the full stop, on a US keyboard.
pub fn of_letter(letter: char) -> Option<KeyCode> {
    if letter == '.' {
        return Some(KeyCode::Period);
    }
    from_name(&format!("Key{}", letter.to_ascii_uppercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_has_no_use_for_some_keys() {
        assert!([KeyCode::Tab, KeyCode::F1, KeyCode::F10, KeyCode::F12].into_iter().all(writes_nothing));
        assert!(![KeyCode::KeyF, KeyCode::Space, KeyCode::ArrowUp, KeyCode::Backspace].into_iter().any(writes_nothing));
    }

    #[test]
    fn names_are_those_of_the_standard() {
        assert_eq!(from_name("KeyW"), Some(KeyCode::KeyW));
        assert_eq!(from_name("ArrowLeft"), Some(KeyCode::ArrowLeft));
        assert_eq!(from_name("w"), None);
        assert_eq!([KeyCode::KeyW, KeyCode::ArrowUp, KeyCode::Digit1, KeyCode::Slash].map(label), ["W", "Up", "1", "/"]);
        for &key in BINDABLE {
            assert_eq!(from_name(&name(key)), Some(key));
        }
    }
}
