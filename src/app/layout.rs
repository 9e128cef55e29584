//! Where the picture stands in the window.

/// A rectangle of whole window pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RectPx {
    pub x: u32,
    pub y: u32,
    pub width: u32,
    pub height: u32,
}

impl RectPx {
    pub fn is_empty(self) -> bool {
        self.width == 0 || self.height == 0
    }
}

/// `area`, in points, in pixels of which there are `scale` a point; nothing where it is empty.
pub fn to_px(area: egui::Rect, scale: f32) -> RectPx {
    if !area.is_finite() || area.width() <= 0.0 || area.height() <= 0.0 {
        return RectPx::default();
    }
    let px = |points: f32| (points * scale).round().max(0.0) as u32;
    let (x, y) = (px(area.left()), px(area.top()));
    RectPx { x, y, width: px(area.right()).saturating_sub(x), height: px(area.bottom()).saturating_sub(y) }
}

/// The way back.
pub fn to_points(rect: RectPx, scale: f32) -> egui::Rect {
    let points = |px: u32| px as f32 / scale;
    let corner = egui::pos2(points(rect.x), points(rect.y));
    egui::Rect::from_min_size(corner, egui::vec2(points(rect.width), points(rect.height)))
}

/// The largest whole-number enlargement of a `frame_px` picture (width, height) in the middle of `area`; where not even the picture
/// itself fits, it is made smaller with its proportions kept.
pub fn picture_rect(area: RectPx, frame_px: (u32, u32)) -> RectPx {
    let (w, h) = frame_px;
    if area.is_empty() || w == 0 || h == 0 {
        return RectPx::default();
    }
    let scale = (area.width / w).min(area.height / h);
    let (width, height) = if scale >= 1 {
        (w * scale, h * scale)
    } else if u64::from(area.width) * u64::from(h) <= u64::from(area.height) * u64::from(w) {
        (area.width, (u64::from(area.width) * u64::from(h) / u64::from(w)).max(1) as u32)
    } else {
        ((u64::from(area.height) * u64::from(w) / u64::from(h)).max(1) as u32, area.height)
    };
    RectPx { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn area(width: u32, height: u32) -> RectPx {
        RectPx { x: 10, y: 20, width, height }
    }

    #[test]
    fn enlargements_are_whole_and_in_the_middle() {
        assert_eq!(picture_rect(area(800, 600), (160, 96)), RectPx { x: 10, y: 20 + 60, width: 800, height: 480 });
        assert_eq!(picture_rect(area(800, 600), (128, 128)), RectPx { x: 10 + 144, y: 20 + 44, width: 512, height: 512 });
    }

    #[test]
    fn a_small_window_shrinks_the_picture_and_an_empty_one_shows_none() {
        let small = picture_rect(area(80, 600), (160, 96));
        assert_eq!((small.width, small.height), (80, 48));
        let flat = picture_rect(area(600, 48), (160, 96));
        assert_eq!((flat.width, flat.height), (80, 48));
        assert!(picture_rect(area(0, 600), (160, 96)).is_empty());
        assert!(picture_rect(area(1, 1), (8192, 8)).height == 1);
    }
}
