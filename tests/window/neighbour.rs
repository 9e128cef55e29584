//! Another program on the game's display, which owns what is dragged or copied.

use std::time::{Duration, Instant};

use x11rb::connection::Connection;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    ClientMessageEvent, ConnectionExt as _, CreateWindowAux, EventMask, PropMode, SELECTION_NOTIFY_EVENT, SelectionNotifyEvent,
    SelectionRequestEvent, WindowClass,
};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;
use x11rb::{COPY_DEPTH_FROM_PARENT, COPY_FROM_PARENT, CURRENT_TIME};

use crate::stage::{PATIENCE, Stage};

/// The program, with a window of its own that nobody sees.
pub struct Neighbour {
    x: RustConnection,
    pub window: u32,
}

impl Neighbour {
    pub fn on(stage: &Stage) -> Self {
        let (x, screen) = x11rb::connect(Some(&stage.display)).unwrap();
        let root = x.setup().roots[screen].root;
        let window = x.generate_id().unwrap();
        let hidden = CreateWindowAux::new();
        x.create_window(COPY_DEPTH_FROM_PARENT, window, root, -9, -9, 1, 1, 0, WindowClass::INPUT_OUTPUT, COPY_FROM_PARENT, &hidden)
            .unwrap();
        Self { x, window }
    }

    pub fn atom(&self, name: &str) -> u32 {
        self.x.intern_atom(false, name.as_bytes()).unwrap().reply().unwrap().atom
    }

    pub fn own(&self, selection: &str) {
        self.x.set_selection_owner(self.window, self.atom(selection), CURRENT_TIME).unwrap();
        self.x.flush().unwrap();
    }

    pub fn owns(&self, selection: &str) -> bool {
        self.x.get_selection_owner(self.atom(selection)).unwrap().reply().unwrap().owner == self.window
    }

    /// Sends a message to another window.
    pub fn tell(&self, target: u32, kind: &str, data: [u32; 5]) {
        let message = ClientMessageEvent::new(32, target, self.atom(kind), data);
        self.x.send_event(false, target, EventMask::NO_EVENT, message).unwrap();
        self.x.flush().unwrap();
    }

    /// Brings a file over another window, as XDND has it; that one asks for its name then.
    pub fn drag_over(&self, target: u32) {
        self.own("XdndSelection");
        self.tell(target, "XdndEnter", [self.window, 5 << 24, self.atom("text/uri-list"), 0, 0]);
        self.tell(target, "XdndPosition", [self.window, 0, 100 << 16 | 100, CURRENT_TIME, self.atom("XdndActionCopy")]);
    }

    /// The next event for which `look` finds something.
    pub fn wait_for<T>(&self, what: &str, mut look: impl FnMut(Event) -> Option<T>) -> T {
        let start = Instant::now();
        loop {
            match self.x.poll_for_event().unwrap() {
                Some(event) => {
                    if let Some(found) = look(event) {
                        return found;
                    }
                }
                None => {
                    assert!(start.elapsed() < PATIENCE, "waited for {what}");
                    std::thread::sleep(Duration::from_millis(5));
                }
            }
        }
    }

    /// Gives what is owned to the program that asks for it.
    pub fn give(&self, asked: &SelectionRequestEvent, what: &[u8]) {
        self.x.change_property8(PropMode::REPLACE, asked.requestor, asked.property, asked.target, what).unwrap();
        self.answer(asked, asked.property);
    }

    /// Has nothing of the kind that is asked for.
    pub fn refuse(&self, asked: &SelectionRequestEvent) {
        self.answer(asked, x11rb::NONE);
    }

    fn answer(&self, asked: &SelectionRequestEvent, property: u32) {
        let answer = SelectionNotifyEvent {
            response_type: SELECTION_NOTIFY_EVENT,
            sequence: 0,
            time: asked.time,
            requestor: asked.requestor,
            selection: asked.selection,
            target: asked.target,
            property,
        };
        self.x.send_event(false, asked.requestor, EventMask::NO_EVENT, answer).unwrap();
        self.x.flush().unwrap();
    }

    /// What the owner of a selection gives of this kind.
    pub fn take(&self, selection: &str, kind: &str) -> Vec<u8> {
        let (kind, here) = (self.atom(kind), self.atom("TAKEN"));
        self.x.convert_selection(self.window, self.atom(selection), kind, here, CURRENT_TIME).unwrap();
        self.x.flush().unwrap();
        self.wait_for("what was copied", |event| matches!(event, Event::SelectionNotify(_)).then_some(()));
        self.x.get_property(true, self.window, here, kind, 0, 1 << 16).unwrap().reply().unwrap().value
    }
}
