//! What one sees in the window who looks from within.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::album::Album;
use super::blit::Fade;
use super::layout::RectPx;
use crate::dream::film::Film;
use crate::dream::first_person::{Camera, FINER, Glance, Sight, Stroll, Surroundings, Turn, Walk};
use crate::dream::{Intent, SourceInfo};

/// How long a quarter turn takes.
const TURN: Duration = Duration::from_millis(240);
/// A picture that a graphics card draws has no more pixels: of a larger window each of them is a block.
const MOST_PX: u64 = 3840 * 2160;
/// One that a processor draws is no wider, in pixels.
const WIDEST_PX: u32 = 480;
/// Steps that are remembered.
const PAST: usize = 400;

/// Where one is and looks, on the way between two steps.
pub struct Eye {
    walk: Walk,
    stepped: Instant,
    /// How long a step takes; no time at all where steps do not glide.
    step: Duration,
    turn: Turn,
    turned: Instant,
    looks: i32,
    /// What is seen looks otherwise than what was drawn before this step, and comes out of that little by little.
    fades: bool,
    /// Nothing of it was drawn yet.
    begins: bool,
    /// Frames there were when the last step came.
    frames: u64,
    /// What was seen after the last steps, the oldest first.
    past: VecDeque<Sight>,
    /// What was looked at last, if it is still there, and how large the picture was.
    drawn: Option<Camera>,
    size: [u32; 2],
}

impl Eye {
    pub fn new(around: Arc<Surroundings>, looks: i32, frames: u64, now: Instant) -> Self {
        let (step, turn) = (Duration::ZERO, Turn::resting(looks));
        let past = VecDeque::from([Sight { around: around.clone(), looks, pushed: Intent::Stay, frames }]);
        let (fades, begins, drawn, size) = (false, false, None, [1, 1]);
        let walk = Walk::standing(around).after(frames);
        Self { walk, stepped: now, step, turn, turned: now, looks, fades, begins, frames, past, drawn, size }
    }

    /// Takes in what lies around after so many `frames`; the way there is gone in the time of a `step`. `pushed`: where one asked to go.
    pub fn see(&mut self, around: &Arc<Surroundings>, frames: u64, pushed: Intent, step: Duration, now: Instant) {
        if Arc::ptr_eq(around, &self.walk.around) {
            return;
        }
        self.drawn = None;
        let otherwise = around.look != self.walk.around.look;
        if frames != self.frames {
            self.begins = (self.begins || otherwise) && !step.is_zero();
            self.fades = self.begins;
            // Where steps do not glide one leans on nothing.
            let pushes = if step.is_zero() { Intent::Stay } else { pushed };
            let came = frames.saturating_sub(self.frames);
            self.walk.step(around.clone(), came, pushes, share(self.stepped, self.step, now));
            if self.past.len() == PAST {
                self.past.pop_front();
            }
            self.past.push_back(Sight { around: around.clone(), looks: self.looks, pushed, frames });
            (self.frames, self.step, self.stepped) = (frames, step, now);
        } else {
            // The same moment, and more of it, or another one in its place: that is there at once.
            self.fades &= !otherwise;
            self.begins &= !otherwise;
            self.walk.see(around.clone());
            if let Some(sight) = self.past.back_mut().filter(|sight| sight.around.at == around.at) {
                sight.around = around.clone();
            }
        }
    }

    /// Looks there from now on; whether that is another way.
    pub fn look(&mut self, looks: i32, glides: bool, now: Instant) -> bool {
        let turns = looks != self.looks;
        if turns {
            self.turn = if glides { self.turn.to(share(self.turned, TURN, now), looks) } else { Turn::resting(looks) };
            (self.looks, self.turned) = (looks, now);
        }
        turns
    }

    /// Where one looks, in quarter turns clockwise from north.
    pub fn looks(&self) -> i32 {
        self.looks
    }

    /// Whether anything moves at the moment.
    pub fn moves(&self, now: Instant) -> bool {
        let comes = self.walk.moves() || self.walk.around.arrives || self.walk.around.falling.is_some() || self.fades;
        (comes && share(self.stepped, self.step, now) < 1.0) || (self.turn.turns() && share(self.turned, TURN, now) < 1.0)
    }

    fn camera(&self, now: Instant) -> Camera {
        self.walk.camera(share(self.stepped, self.step, now), self.turn.at(share(self.turned, TURN, now)))
    }

    /// What is seen at a moment, the width and height of a picture of it that stands in `rect` and is drawn by a graphics card, or in `software`, and how
    /// that fades in; nothing where it is the same as the last time.
    pub fn look_out(&mut self, rect: RectPx, software: bool, now: Instant) -> Option<(Glance, [u32; 2], Fade)> {
        let size = size_in(rect, software)?;
        let camera = self.camera(now);
        let as_before = self.drawn.replace(camera) == Some(camera) && self.size == size;
        self.size = size;
        if as_before {
            return None;
        }
        let left = if self.fades { 1.0 - share(self.stepped, self.step, now) } else { 0.0 };
        Some((self.still(now), size, Fade { begins: std::mem::take(&mut self.begins), left }))
    }

    /// Takes what was drawn last for gone: it is drawn anew.
    pub fn look_anew(&mut self) {
        self.drawn = None;
    }

    /// Width and height of a picture of such a height that shows as much as the window does, of one that is a mere strip its middle.
    pub fn size_of_height(&self, height_px: usize) -> [usize; 2] {
        let [width, height] = self.size.map(|side| side as usize);
        [(height_px * width).div_ceil(height).min(4 * height_px), height_px]
    }

    /// Writes what was seen after at most so many of the last steps as a moving picture of that many pictures a step; `info` is of the world.
    pub fn keep(&self, most: usize, info: &SourceInfo, glide: u32, keeping: Arc<()>, album: &Album) {
        let sights: Vec<Sight> = self.past.iter().skip(self.past.len().saturating_sub(most)).cloned().collect();
        let size_px = [info.width_px, info.height_px].map(|side| side * FINER);
        let shown = SourceInfo { width_px: size_px[0], height_px: size_px[1], ..info.clone() };
        let shoot = move |film: &mut Film| -> Result<usize, String> {
            let _until_then = keeping;
            let (mut stroll, frames) = (None, sights.len());
            sights
                .into_iter()
                .try_for_each(|sight| {
                    let stroll = Stroll::go(&mut stroll, sight);
                    film.push_way(|share| stroll.at(share).picture(size_px))
                })
                .map_err(|why| format!("{why}."))?;
            Ok(frames)
        };
        // A GIF's 256 colours are too few for a sky.
        album.keep(shoot, Arc::new(shown), ([1, glide], "webp"));
    }

    /// What is seen at this moment.
    pub fn still(&self, now: Instant) -> Glance {
        Glance { around: self.walk.around.clone(), camera: self.camera(now) }
    }
}

/// The largest picture that is not too large for what draws it and of which whole blocks fill the window's rectangle.
fn size_in(rect: RectPx, software: bool) -> Option<[u32; 2]> {
    let size = |block: u32| [rect.width, rect.height].map(|side| side / block);
    let fits = |[width, height]: [u32; 2]| if software { width <= WIDEST_PX } else { u64::from(width) * u64::from(height) <= MOST_PX };
    (1..).map(size).find(|size| fits(*size)).filter(|size| size[0] > 0 && size[1] > 0)
}

fn share(since: Instant, lasts: Duration, now: Instant) -> f32 {
    if lasts.is_zero() { 1.0 } else { (now.saturating_duration_since(since).as_secs_f32() / lasts.as_secs_f32()).min(1.0) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worlds::scene::{Light, Wish};

    const RECT: RectPx = RectPx { x: 10, y: 0, width: 144, height: 112 };
    const STEP: Duration = Duration::from_millis(160);

    fn around(at: [i32; 2]) -> Arc<Surroundings> {
        Arc::new(Surroundings::nothing(at))
    }

    #[test]
    fn a_picture_is_drawn_where_another_one_is_seen() {
        let now = Instant::now();
        let at = |ms: u64| now + Duration::from_millis(ms);
        let mut eye = Eye::new(around([0, 0]), 0, 1, now);
        let sees = |eye: &mut Eye, ms: u64| Some(eye.look_out(RECT, true, at(ms))?.1);
        assert_eq!((sees(&mut eye, 0), eye.moves(at(0))), (Some([144, 112]), false));
        assert_eq!(sees(&mut eye, 50), None, "nothing moves");
        assert!(eye.look(1, true, at(60)) && !eye.look(1, true, at(61)) && eye.looks() == 1 && eye.moves(at(100)));
        assert!(sees(&mut eye, 100).is_some() && sees(&mut eye, 120).is_some());
        let turned = at(60) + TURN;
        assert!(!eye.moves(turned) && eye.still(turned).camera.quarters == 1.0);
        assert_eq!(eye.size_of_height(224), [288, 224], "as the window shows it");
        eye.look_anew();
        assert_eq!(eye.size_of_height(224), [288, 224], "before it is drawn anew");
        assert!(sees(&mut eye, 390).is_some());
        // A step is gone in its time; what is seen more of at the same moment ends none.
        eye.see(&around([1, 0]), 2, Intent::East, STEP, at(400));
        eye.see(&around([1, 0]), 2, Intent::East, STEP, at(420));
        assert!(eye.moves(at(500)) && !eye.moves(at(560)));
        assert_eq!(
            eye.past.iter().map(|sight| (sight.around.at[0], sight.looks, sight.pushed)).collect::<Vec<_>>(),
            [(0, 0, Intent::Stay), (1, 1, Intent::East)]
        );
        assert!(eye.look_out(RectPx::default(), true, at(600)).is_none(), "no room");
        // What comes into sight while one stands fades in, and a film shows it in its place.
        let mut more = Surroundings::nothing([1, 0]);
        more.all_new();
        eye.see(&around([1, 0]), 3, Intent::Stay, STEP, at(700));
        assert!(!eye.moves(at(710)));
        eye.see(&Arc::new(more), 3, Intent::Stay, STEP, at(720));
        assert!(eye.moves(at(730)) && !eye.moves(at(870)) && eye.past.len() == 3 && eye.past[2].around.arrives);
        // Rain falls where one stands, as far as it does in a step.
        let mut rain = Surroundings::nothing([1, 0]);
        rain.falling = Some(Arc::default());
        eye.see(&Arc::new(rain), 4, Intent::Stay, STEP, at(1000));
        assert!(eye.moves(at(1010)) && !eye.moves(at(1160)));
        eye.see(&around([1, 0]), 5, Intent::Stay, STEP, at(1200));
        assert!(!eye.moves(at(1210)), "it has stopped");
    }

    #[test]
    fn what_looks_otherwise_fades_in_with_the_step() {
        let now = Instant::now();
        let at = |ms: u64| now + Duration::from_millis(ms);
        let dusk = || {
            let mut around = Surroundings::nothing([0, 0]);
            around.look = Some(Wish { light: Some(Light::Dusk), ..Wish::default() });
            Arc::new(around)
        };
        let day = || around([0, 0]);
        let mut eye = Eye::new(day(), 0, 1, now);
        // Whether it begins, and what is left of it in hundredths.
        let fade = |eye: &mut Eye, ms: u64| {
            let (_, _, fade) = eye.look_out(RECT, true, at(ms)).unwrap();
            (fade.begins, (fade.left * 100.0).round())
        };
        assert_eq!(fade(&mut eye, 0), (false, 0.0));
        eye.see(&dusk(), 2, Intent::Stay, STEP, at(100));
        assert!(eye.moves(at(110)) && !eye.moves(at(260)));
        assert_eq!([140, 180, 260].map(|ms| fade(&mut eye, ms)), [(true, 75.0), (false, 50.0), (false, 0.0)]);
        // The control: what looks alike does not.
        eye.see(&dusk(), 3, Intent::Stay, STEP, at(300));
        assert_eq!((eye.moves(at(310)), fade(&mut eye, 380)), (false, (false, 0.0)));
        // More of the same moment does not end it.
        eye.see(&day(), 4, Intent::Stay, STEP, at(500));
        eye.see(&day(), 4, Intent::Stay, STEP, at(520));
        assert_eq!(fade(&mut eye, 580), (true, 50.0));
        // Another moment in the place of that one is there at once.
        eye.see(&dusk(), 4, Intent::Stay, STEP, at(590));
        assert_eq!(fade(&mut eye, 600), (false, 0.0));
        // What was drawn last is what counts, not the frame before.
        eye.see(&day(), 5, Intent::Stay, STEP, at(700));
        eye.see(&day(), 6, Intent::Stay, STEP, at(800));
        assert_eq!(fade(&mut eye, 880), (true, 50.0));
        // Without gliding it is there at once, too.
        eye.see(&dusk(), 7, Intent::Stay, Duration::ZERO, at(1000));
        assert_eq!((eye.moves(at(1000)), fade(&mut eye, 1000)), (false, (false, 0.0)));
    }

    #[test]
    fn the_eye_does_not_jump_where_a_step_comes_early() {
        let now = Instant::now();
        let at = |ms: u64| now + Duration::from_millis(ms);
        let mut eye = Eye::new(around([0, 0]), 0, 1, now);
        // Where it is on the map.
        let x = |eye: &Eye, ms: u64| eye.walk.around.at[0] as f32 + eye.still(at(ms)).camera.at[0];
        eye.see(&around([1, 0]), 2, Intent::East, STEP, at(0));
        let before = x(&eye, 100);
        eye.see(&around([2, 0]), 3, Intent::East, STEP, at(100));
        assert!((x(&eye, 100) - before).abs() < 1e-5 && (x(&eye, 260) - 2.5).abs() < 1e-5, "{before} {}", x(&eye, 100));
        // The control: without gliding it is there at once.
        eye.see(&around([3, 0]), 4, Intent::East, Duration::ZERO, at(300));
        assert!((x(&eye, 300) - 3.5).abs() < 1e-5);
    }

    #[test]
    fn without_gliding_one_is_there_at_once() {
        let now = Instant::now();
        let mut eye = Eye::new(around([0, 0]), 0, 1, now);
        eye.see(&around([0, -1]), 2, Intent::North, Duration::ZERO, now);
        eye.see(&around([0, -1]), 3, Intent::North, Duration::ZERO, now);
        eye.look(3, false, now);
        assert!(!eye.moves(now));
        // Three of six frames a second.
        let drifted = (0.5_f64 / 150.0) as f32;
        assert_eq!(eye.still(now).camera, Camera { drifted, ..Camera::of([0.5, 0.5], 3.0, 1.0) });
    }

    #[test]
    fn clouds_drift_from_step_to_step_and_rest_with_the_dream() {
        let now = Instant::now();
        let at = |ms: u64| now + Duration::from_millis(ms);
        let mut eye = Eye::new(around([0, 0]), 0, 60, now);
        let drifted = |eye: &Eye, ms: u64| eye.still(at(ms)).camera.drifted;
        let begins = drifted(&eye, 0);
        eye.see(&around([0, 0]), 61, Intent::Stay, STEP, at(0));
        // They go on while the step is on its way, and for them alone nothing is drawn before the next.
        assert_eq!((drifted(&eye, 0), eye.moves(at(10))), (begins, false));
        let (on_the_way, rests) = (drifted(&eye, 80), drifted(&eye, 160));
        assert!(begins < on_the_way && on_the_way < rests, "{begins} {on_the_way} {rests}");
        // A dream that rests does so with all its clouds.
        assert!(eye.look_out(RECT, true, at(160)).is_some() && eye.look_out(RECT, true, at(60_000)).is_none());
        // Another moment in the place of that one has the same sky, and so has whoever looks from within once more.
        eye.see(&around([7, 7]), 61, Intent::Stay, STEP, at(60_100));
        let again = Eye::new(around([7, 7]), 1, 61, at(60_200));
        assert_eq!([drifted(&eye, 60_200), drifted(&again, 60_200)], [rests; 2]);
        // The control: with the next frame they are further on.
        eye.see(&around([7, 7]), 62, Intent::Stay, STEP, at(60_300));
        assert!(drifted(&eye, 60_460) > rests);
    }

    #[test]
    fn blocks_are_whole() {
        let size = |width, height| size_in(RectPx { width, height, ..RECT }, true);
        assert_eq!([size(480, 300), size(481, 300), size(1440, 1120)], [Some([480, 300]), Some([240, 150]), Some([480, 373])]);
        let fine = |width, height| size_in(RectPx { width, height, ..RECT }, false);
        assert_eq!([fine(1440, 1120), fine(3440, 1440), fine(3840, 2160)], [Some([1440, 1120]), Some([3440, 1440]), Some([3840, 2160])]);
        assert_eq!([fine(3840, 2161), fine(5120, 2880)], [Some([1920, 1080]), Some([2560, 1440])]);
        assert_eq!([size(0, 5), fine(0, 5), fine(5, 0)], [None; 3]);
    }
}
