//! Colours, type and spacing of the interface: dark and quiet, so that the picture is what one sees.

use egui::{Color32, CornerRadius, FontFamily, FontId, Margin, Stroke, TextStyle, vec2};

pub const PANEL: Color32 = Color32::from_rgb(19, 21, 27);
pub const RAISED: Color32 = Color32::from_rgb(30, 33, 42);
pub const RAISED_MORE: Color32 = Color32::from_rgb(42, 46, 58);
pub const EDGE: Color32 = Color32::from_rgb(40, 44, 55);
pub const TEXT: Color32 = Color32::from_rgb(222, 225, 232);
pub const QUIET: Color32 = Color32::from_rgb(142, 148, 164);
pub const ACCENT: Color32 = Color32::from_rgb(134, 214, 192);
pub const ERROR: Color32 = Color32::from_rgb(240, 128, 118);
/// Behind what is chosen among others.
pub const CHOSEN: Color32 = Color32::from_rgb(40, 84, 76);
pub const WELL: Color32 = Color32::from_rgb(13, 14, 18);
/// Behind text that lies over the picture.
pub const PLATE: Color32 = Color32::from_rgba_premultiplied(17, 19, 24, 240);

/// One colour a code, told apart also by those who see few colours; codes past the end start over.
const CODES: [Color32; 8] = [
    Color32::from_rgb(122, 130, 150),
    Color32::from_rgb(110, 182, 255),
    Color32::from_rgb(255, 196, 102),
    Color32::from_rgb(196, 148, 255),
    Color32::from_rgb(134, 214, 150),
    Color32::from_rgb(255, 138, 128),
    Color32::from_rgb(96, 214, 220),
    Color32::from_rgb(244, 160, 208),
];

pub fn code_color(code: u8) -> Color32 {
    CODES[usize::from(code) % CODES.len()]
}

/// Sets the style of a context once.
pub fn apply(ctx: &egui::Context) {
    ctx.set_theme(egui::Theme::Dark);
    ctx.style_mut_of(egui::Theme::Dark, |style| {
        let font = |size: f32| FontId::new(size, FontFamily::Proportional);
        style.text_styles = [
            (TextStyle::Small, font(11.5)),
            (TextStyle::Body, font(13.5)),
            (TextStyle::Button, font(13.5)),
            (TextStyle::Heading, font(19.0)),
            (TextStyle::Monospace, FontId::new(12.0, FontFamily::Monospace)),
        ]
        .into();
        style.spacing.item_spacing = vec2(6.0, 6.0);
        style.spacing.button_padding = vec2(9.0, 5.0);
        style.spacing.interact_size.y = 26.0;
        style.spacing.slider_width = 106.0;
        style.spacing.scroll = egui::style::ScrollStyle::thin();
        style.interaction.selectable_labels = false;

        let visuals = &mut style.visuals;
        visuals.panel_fill = PANEL;
        visuals.window_fill = PANEL;
        visuals.window_stroke = Stroke::new(1.0, EDGE);
        visuals.extreme_bg_color = WELL;
        visuals.override_text_color = None;
        visuals.selection.bg_fill = CHOSEN;
        visuals.selection.stroke = Stroke::new(1.0, ACCENT);
        visuals.hyperlink_color = ACCENT;
        visuals.error_fg_color = ERROR;
        visuals.slider_trailing_fill = true;
        let radius = CornerRadius::same(6);
        for (widget, fill, text, edge) in [
            (&mut visuals.widgets.noninteractive, PANEL, TEXT, EDGE),
            (&mut visuals.widgets.inactive, RAISED, TEXT, RAISED),
            (&mut visuals.widgets.hovered, RAISED_MORE, Color32::WHITE, RAISED_MORE),
            (&mut visuals.widgets.active, Color32::from_rgb(52, 110, 98), Color32::WHITE, ACCENT),
            (&mut visuals.widgets.open, RAISED_MORE, Color32::WHITE, EDGE),
        ] {
            widget.bg_fill = fill;
            widget.weak_bg_fill = fill;
            widget.bg_stroke = Stroke::new(1.0, edge);
            widget.fg_stroke = Stroke::new(1.0, text);
            widget.corner_radius = radius;
            widget.expansion = 0.0;
        }
    });
}

/// Frame of the side panel.
pub fn panel_frame() -> egui::Frame {
    egui::Frame::new().fill(PANEL).inner_margin(Margin { left: 16, right: 10, top: 14, bottom: 8 })
}

/// Frame of the bar at the bottom.
pub fn bar_frame() -> egui::Frame {
    egui::Frame::new().fill(PANEL).inner_margin(Margin::symmetric(12, 5))
}

/// A button for what few look for.
pub fn quiet_button(text: &str) -> egui::Button<'_> {
    egui::Button::new(egui::RichText::new(text).size(12.0).color(QUIET)).frame(false)
}

/// Small heading over a group.
pub fn heading(ui: &mut egui::Ui, text: &str) {
    ui.add_space(12.0);
    ui.label(egui::RichText::new(text.to_uppercase()).size(10.5).color(QUIET).extra_letter_spacing(1.2));
    ui.add_space(1.0);
}
