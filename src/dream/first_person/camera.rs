//! Where the eye is and which way it looks.

/// Height of the eye, in patches, and how far behind the middle of the patch it is: what one stands before is seen whole.
const HEIGHT: f32 = 0.62;
const BEHIND: f32 = 0.6;

/// An eye over the land; x goes east, y south, in patches.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Camera {
    /// From the corner of the place that one stands in, [`Surroundings::at`](super::surroundings::Surroundings::at): exact however far the walk has led.
    pub at: [f32; 2],
    /// Clockwise from north, in quarter turns.
    pub quarters: f32,
    /// Above the ground.
    pub height: f32,
    /// How much is seen of what came into sight with the last step, 0 to 1.
    pub new: f32,
    /// How much of its way in this step what falls has behind it, up to 1; less than nothing where the step came early.
    pub fell: f32,
    /// How far clouds have drifted, clockwise, in quarter turns.
    pub drifted: f32,
}

impl Camera {
    /// Of one who stands there, `[0.5; 2]` in the middle of the place, and looks so, with this much of the step gone, before clouds have drifted.
    pub fn of(place: [f32; 2], quarters: f32, gone: f32) -> Self {
        let camera = Self { at: place, quarters, height: HEIGHT, new: gone, fell: gone, drifted: 0.0 };
        let [fx, fy] = camera.ahead();
        Self { at: [place[0] - fx * BEHIND, place[1] - fy * BEHIND], ..camera }
    }

    /// One patch ahead.
    pub fn ahead(&self) -> [f32; 2] {
        let (sin, cos) = (self.quarters * std::f32::consts::FRAC_PI_2).sin_cos();
        [sin, -cos]
    }

    /// One patch to the right.
    pub fn right(&self) -> [f32; 2] {
        let [x, y] = self.ahead();
        [-y, x]
    }

    /// How far ahead and to the right of the eye a point lies, seen from that corner as well.
    pub fn off(&self, point: [f32; 2]) -> [f32; 2] {
        let (dx, dy) = (point[0] - self.at[0], point[1] - self.at[1]);
        let ([ax, ay], [rx, ry]) = (self.ahead(), self.right());
        [dx * ax + dy * ay, dx * rx + dy * ry]
    }
}
