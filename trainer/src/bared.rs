//! A simulator beside whose every frame the same land is drawn bare: in plain colours, by day, under a clear sky. What the tokens of the land are
//! is learned and read off there, whatever the frame itself looks like: in two tones grass and snow may be the same.

use std::sync::{Arc, Mutex, PoisonError};

use somnium::worlds::scene::{Scene, Wish};
use somnium::worlds::{StepOutcome, World, WorldInfo};

/// Plays a world and, out of sight, its twin that does the same under the bare look.
pub struct Bared {
    world: Box<dyn World>,
    twin: Box<dyn World>,
    /// What the twin looked like whenever the world was drawn.
    drawn: Arc<Mutex<Vec<u8>>>,
}

impl Bared {
    pub fn new(world: Box<dyn World>) -> Self {
        Self { twin: world.boxed_clone(), world, drawn: Arc::default() }
    }

    /// Takes the frames drawn so far, `(T, height_px, width_px, RGB)`.
    pub fn take_drawn(&self) -> Vec<u8> {
        std::mem::take(&mut self.drawn.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl World for Bared {
    fn info(&self) -> &WorldInfo {
        self.world.info()
    }

    fn reset_under(&mut self, seed: u64, wish: &Wish) {
        self.world.reset_under(seed, wish);
        self.twin.reset_under(seed, &wish.bare());
    }

    fn wish(&mut self, wish: &Wish) {
        self.world.wish(wish);
        self.twin.wish(&wish.bare());
    }

    fn step(&mut self, action: usize) -> StepOutcome {
        self.twin.step(action);
        self.world.step(action)
    }

    fn render(&self, rgb: &mut [u8]) {
        self.world.render(rgb);
        let mut drawn = self.drawn.lock().unwrap_or_else(PoisonError::into_inner);
        let start = drawn.len();
        drawn.resize(start + rgb.len(), 0);
        self.twin.render(&mut drawn[start..]);
    }

    fn scene(&self) -> Scene {
        self.world.scene()
    }

    fn facing(&self) -> usize {
        self.world.facing()
    }

    fn solid(&self) -> &[bool] {
        self.world.solid()
    }

    fn hold_ambience(&mut self, hold: bool) {
        self.world.hold_ambience(hold);
    }

    fn position_px(&self) -> (i64, i64) {
        self.world.position_px()
    }

    fn boxed_clone(&self) -> Box<dyn World> {
        let drawn = Arc::new(Mutex::new(self.drawn.lock().unwrap_or_else(PoisonError::into_inner).clone()));
        Box::new(Self { world: self.world.boxed_clone(), twin: self.twin.boxed_clone(), drawn })
    }
}

#[cfg(test)]
mod tests {
    use somnium::clips::{ClipPlan, record};
    use somnium::worlds::policy::Explorer;
    use somnium::worlds::scene::Style;
    use somnium::worlds::{by_name, scene::Light};

    use super::*;

    #[test]
    fn the_land_is_drawn_bare_and_all_else_is_as_without_it() {
        let (mut apart, mut alike) = (0, 0);
        for seed in 0..8 {
            let plan = ClipPlan { seed, frames: 40, wishes: Some((3, 8)), ..ClipPlan::default() };
            let mut bared = Bared::new(by_name("isles").unwrap());
            let clip = record(&mut bared, &mut Explorer::new(seed), plan);
            assert_eq!(clip, record(by_name("isles").unwrap().as_mut(), &mut Explorer::new(seed), plan));
            let drawn = bared.take_drawn();
            assert_eq!(drawn.len(), clip.frames.len());
            for (t, scene) in clip.scenes.iter().flatten().enumerate() {
                let same = clip.frame(t) == &drawn[t * clip.frame_bytes()..][..clip.frame_bytes()];
                let plain = scene.style == Style::Plain && scene.light == Light::Day;
                if same {
                    assert!(plain, "{scene:?} is no bare look");
                }
                *if same { &mut alike } else { &mut apart } += 1;
            }
        }
        assert!(apart > 100 && alike > 0, "{apart} frames look otherwise, {alike} are bare themselves");
    }
}
