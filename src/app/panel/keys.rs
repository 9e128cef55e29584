//! The panel as keys go through it, or a pad in their place.

use egui::{Id, Key, Memory, Response, Stroke, StrokeKind, Ui};

use crate::app::theme;

/// Whether keys go through the panel, and where in it they are.
#[derive(Debug, Default)]
pub struct PanelKeys {
    /// They do.
    pub on: bool,
    /// Because a pad led there.
    pub led_by_pad: bool,
    /// They are to begin, where they were the last time or at its first button.
    pub(super) begins: bool,
    /// Where they were the last time.
    at: Option<Id>,
}

impl PanelKeys {
    /// Leads them in.
    pub fn lead_in(&mut self) {
        (self.on, self.begins) = (true, true);
    }

    /// A pad leads them: in, or on from where they are.
    pub fn lead_by_pad(&mut self, inwards: bool) {
        (self.on, self.led_by_pad) = (true, true);
        self.begins |= inwards;
    }

    /// Keys are the game's again. Where they were in the panel is remembered.
    pub fn let_go(&mut self) {
        (self.on, self.led_by_pad, self.begins) = (false, false, false);
    }

    /// Gives the focus to what they begin at.
    pub(super) fn begin(&self, ui: &Ui, first: Option<Response>) {
        let there = self.at.and_then(|id| ui.ctx().read_response(id)).filter(Response::enabled);
        there.or(first).inspect(Response::request_focus);
    }

    /// What they have come to in the panel is brought into sight, with a line around it.
    pub(super) fn follow(&mut self, ui: &Ui) {
        let at = ui.memory(Memory::focused).filter(|_| self.on).and_then(|id| ui.ctx().read_response(id));
        let Some(at) = at else { return };
        // Menus lie over the panel.
        let in_panel = at.layer_id == ui.layer_id();
        let painter = if in_panel { ui.painter().clone() } else { ui.ctx().layer_painter(at.layer_id) };
        painter.rect_stroke(at.rect, 6, Stroke::new(1.5, theme::ACCENT), StrokeKind::Outside);
        if in_panel {
            self.at = Some(at.id);
            if at.gained_focus() {
                ui.scroll_to_rect(at.rect, None);
            }
        }
    }

    /// The panel was drawn, if it is `open`: they leave it where nothing in it has the focus any more.
    pub(super) fn leave(&mut self, ui: &Ui, open: bool, has_controls: bool) {
        let were_in = self.on && open;
        // On from the last control it takes a pass to come to the first.
        self.on = were_in && (ui.memory(Memory::focused).is_some() || ui.input(|i| i.key_pressed(Key::Tab)));
        // What a pad has pressed may be gone with that: there is no pointer to go on by.
        if were_in && !self.on && self.led_by_pad && has_controls {
            self.lead_in();
            ui.ctx().request_repaint();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_lets_go_of_the_panel_is_led_in_again_by_a_pad_or_without_one() {
        let mut keys = PanelKeys { at: Some(Id::unique("there")), ..PanelKeys::default() };
        keys.lead_by_pad(false);
        assert!(keys.on && keys.led_by_pad && !keys.begins, "on from where they are");
        keys.lead_by_pad(true);
        keys.lead_by_pad(false);
        assert!(keys.begins, "no panel was drawn between them");
        keys.let_go();
        assert!(!keys.on && !keys.led_by_pad && !keys.begins && keys.at.is_some());
        keys.lead_in();
        assert!(keys.on && keys.begins && !keys.led_by_pad);
    }
}
