//! The way of the eye from step to step.

use std::f32::consts::PI;
use std::sync::Arc;

use super::camera::Camera;
use super::scene::Glance;
use super::surroundings::Surroundings;
use crate::dream::drive::Intent;

/// How far one goes against something that is in the way, in patches, and how far one leans on it from then on.
const BUMP: f32 = 0.1;
const LEAN: f32 = 0.04;
/// How far the head goes up and to the side half way between two places, in patches: six steps a second are many.
const SWING: f32 = 0.01;

/// A cloud takes so long over a quarter of the sky, in seconds of the dream.
const DRIFT_SECS: f64 = 150.0;

/// As many frames may come between two looks where steps are short, at most.
const MOST_BETWEEN: u64 = 3;

/// Where the eye comes from and where it goes.
#[derive(Clone, Debug)]
pub struct Walk {
    pub around: Arc<Surroundings>,
    /// Where the eye was when the step began, in patches right and down of where that leads.
    from: [f32; 2],
    /// How far down what falls was then, as shares of its way of the step.
    fell: f32,
    /// Frames there had been then, and there have been when it is gone: clouds drift by them.
    clock: [f64; 2],
    /// Where one pushes against something.
    leans: Intent,
    /// One runs into it with this step.
    bumps: bool,
}

impl Walk {
    /// One who stands there.
    pub fn standing(around: Arc<Surroundings>) -> Self {
        Self { around, from: [0.0; 2], fell: 0.0, clock: [0.0; 2], leans: Intent::Stay, bumps: false }
    }

    /// The same after so many frames.
    #[must_use]
    pub fn after(self, frames: u64) -> Self {
        Self { clock: [frames as f64; 2], ..self }
    }

    /// The next step leads into `around`, over so many `frames`, once a share of this one is gone; `pushed`: where one asked to go. The eye, what falls and
    /// clouds go on from where they are: where the step came early, a little faster.
    pub fn step(&mut self, around: Arc<Surroundings>, frames: u64, pushed: Intent, share: f32) {
        let (here, before) = (self.off(share), self.around.at);
        // Two steps are whole patches: where this one looks like the one before, a step between them was not seen.
        let same = self.around.falling.as_ref().zip(around.falling.as_ref()).is_some_and(|(before, now)| Arc::ptr_eq(before, now));
        self.fell = self.fell(share) - if same { 2.0 } else { 1.0 };
        self.clock = [self.now(share), self.clock[1] + frames as f64];
        let way = [0, 1].map(|i| around.at[i] - before[i]);
        // Further away is elsewhere: another world, or another moment.
        let near = way.iter().map(|along| along.unsigned_abs()).sum::<u32>() <= frames.clamp(1, MOST_BETWEEN) as u32;
        self.from = if near { [0, 1].map(|i| here[i] - way[i] as f32) } else { [0.0; 2] };
        let leans = if around.at == before { pushed } else { Intent::Stay };
        // Who goes on pushing leans on it: with every frame a bump would be a shake.
        self.bumps = leans != Intent::Stay && leans != self.leans;
        (self.leans, self.around) = (leans, around);
    }

    /// More is seen of the same moment, or another moment takes its place.
    pub fn see(&mut self, around: Arc<Surroundings>) {
        if around.at != self.around.at {
            *self = Self { clock: self.clock, ..Self::standing(around) };
        } else {
            self.around = around;
        }
    }

    /// Whether anything moves on the way.
    pub fn moves(&self) -> bool {
        self.bumps || self.from != self.rests()
    }

    /// Where the eye is at the end of the step, in patches right and down of the middle of the place.
    fn rests(&self) -> [f32; 2] {
        self.leans.way().map(|along| along as f32 * LEAN)
    }

    /// The same once a share of it is gone.
    fn off(&self, share: f32) -> [f32; 2] {
        let rests = self.rests();
        if share >= 1.0 {
            return rests;
        }
        // Fast into it, and slowly back.
        let bump = if self.bumps { BUMP * (share.sqrt() * PI).sin() } else { 0.0 };
        let way = self.leans.way();
        [0, 1].map(|i| self.from[i] * (1.0 - share) + rests[i] * share + way[i] as f32 * bump)
    }

    /// How far down what falls is by then: at the end of the step all its way.
    fn fell(&self, share: f32) -> f32 {
        self.fell * (1.0 - share) + share
    }

    /// Frames there have been by then.
    fn now(&self, share: f32) -> f64 {
        let ([from, to], share) = (self.clock, f64::from(share));
        from * (1.0 - share) + to * share
    }

    /// How far clouds have drifted by then, in quarter turns, without whole turns.
    fn drifted(&self, share: f32) -> f32 {
        (self.now(share) / f64::from(self.around.rate_hz.max(1)) / DRIFT_SECS).rem_euclid(4.0) as f32
    }

    /// The eye once a share of the step is gone; it looks so many quarter turns clockwise from north.
    pub fn camera(&self, share: f32, quarters: f32) -> Camera {
        let off = self.off(share);
        let camera = Camera::of(off.map(|along| 0.5 + along), quarters, share);
        // The head swings with the way, not with time: it has no part in how evenly steps come. From one foot to the other it is another side.
        let gone = off[0] + off[1];
        let side = if (self.around.at[0] + self.around.at[1] + gone.floor() as i32) & 1 == 0 { 1.0 } else { -1.0 };
        let swing = SWING * ((gone - gone.floor()) * PI).sin();
        let right = camera.right();
        let at = [0, 1].map(|i| camera.at[i] + right[i] * swing * side);
        Camera { at, height: camera.height + swing, fell: self.fell(share), drifted: self.drifted(share), ..camera }
    }
}

/// A turn from one way of looking to another, in quarter turns, by the shorter way.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Turn {
    from: f32,
    way: f32,
    /// How fast one turned already when it began, in quarter turns in the time that it takes.
    speed: f32,
}

impl Turn {
    /// Looks there and does not turn.
    pub fn resting(quarters: i32) -> Self {
        Self { from: quarters as f32, ..Self::default() }
    }

    /// The turn to there from where this one is once a share of it is gone, as fast as that is by then.
    #[must_use]
    pub fn to(self, share: f32, quarters: i32) -> Self {
        let (from, speed) = (self.at(share), self.speed_at(share));
        Self { from, way: (quarters as f32 - from + 2.0).rem_euclid(4.0) - 2.0, speed }
    }

    /// Whether it leads anywhere.
    pub fn turns(self) -> bool {
        self.way != 0.0 || self.speed != 0.0
    }

    /// Where one looks once a share of it is gone.
    pub fn at(self, share: f32) -> f32 {
        let share = share.clamp(0.0, 1.0);
        let left = 1.0 - share;
        self.from + self.way * share * share * (3.0 - 2.0 * share) + self.speed * share * left * left
    }

    /// How fast one turns by then: the slope of [`Self::at`].
    fn speed_at(self, share: f32) -> f32 {
        let share = share.clamp(0.0, 1.0);
        let left = 1.0 - share;
        self.way * 6.0 * share * left + self.speed * left * (1.0 - 3.0 * share)
    }
}

/// What was seen from where one stood after a step.
#[derive(Clone, Debug)]
pub struct Sight {
    pub around: Arc<Surroundings>,
    /// Quarter turns clockwise from north.
    pub looks: i32,
    /// Where one asked to go.
    pub pushed: Intent,
    /// Frames there were by then.
    pub frames: u64,
}

/// A walk from sight to sight, for recordings: one turns while one goes.
pub struct Stroll {
    walk: Walk,
    turn: Turn,
    pub looks: i32,
    frames: u64,
}

impl Stroll {
    pub fn begin(Sight { around, looks, frames, .. }: Sight) -> Self {
        Self { walk: Walk::standing(around).after(frames), turn: Turn::resting(looks), looks, frames }
    }

    /// On to the next sight, or to a first one where nobody strolls yet.
    pub fn go(stroll: &mut Option<Self>, sight: Sight) -> &mut Self {
        match stroll {
            Some(stroll) => {
                stroll.step(sight);
                stroll
            }
            none => none.insert(Self::begin(sight)),
        }
    }

    /// On to the next.
    pub fn step(&mut self, Sight { around, looks, pushed, frames }: Sight) {
        self.walk.step(around, frames.saturating_sub(self.frames), pushed, 1.0);
        self.turn = self.turn.to(1.0, looks);
        (self.looks, self.frames) = (looks, frames);
    }

    /// What is seen once a share of the step is gone.
    pub fn at(&self, share: f32) -> Glance {
        Glance { around: self.walk.around.clone(), camera: self.walk.camera(share, self.turn.at(share)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_turns_by_the_shorter_way() {
        let turn = Turn::resting(0).to(1.0, 3);
        assert_eq!([0.0, 0.5, 1.0].map(|share| turn.at(share)), [0.0, -0.5, -1.0]);
        // Half way around the goal is another one.
        assert_eq!(turn.to(0.5, 1).at(1.0), 1.0);
        assert_eq!(Turn::resting(5).to(1.0, 1).at(1.0), 5.0, "that is there");
        assert!(!Turn::resting(5).to(1.0, 1).turns());
    }

    #[test]
    fn another_turn_goes_on_as_fast_as_the_first_one_was() {
        // By how much one turns from here to a moment later, a share of a turn.
        let speed = |turn: Turn, share: f32| (turn.at(share + 0.01) - turn.at(share)) / 0.01;
        let first = Turn::resting(0).to(1.0, 1);
        for share in [0.2, 0.5, 0.8] {
            let second = first.to(share, 2);
            assert!(second.at(0.0) == first.at(share) && (second.at(1.0) - 2.0).abs() < 1e-6);
            assert!((speed(second, 0.0) - speed(first, share)).abs() < 0.1, "{share}");
            // It comes to rest, and goes no further on the way.
            assert!(speed(second, 0.99).abs() < 0.1 && (0..100).all(|n| speed(second, n as f32 / 100.0) > -1e-3));
            // The control: from rest it would begin slowly.
            let rested = Turn { speed: 0.0, ..second };
            assert!(speed(first, share) - speed(rested, 0.0) > 0.7, "{share}");
        }
        // Back again: what is still on its way out turns round, also right where one began.
        let back = first.to(0.5, 0);
        assert!(speed(back, 0.0) > 1.0 && back.at(1.0) == 0.0 && (0..=100).all(|n| back.at(n as f32 / 100.0) < 1.0));
        assert!(Turn { from: 0.0, way: 0.0, speed: 1.0 }.turns());
    }

    #[test]
    fn who_strolls_turns_while_going_and_stands_where_nothing_leads_on() {
        let sight = |at, looks, pushed, frames| Sight { around: Arc::new(Surroundings::nothing(at)), looks, pushed, frames };
        let mut stroll = Stroll::begin(sight([0, 0], 0, Intent::Stay, 0));
        stroll.step(sight([1, 0], 1, Intent::East, 1));
        assert_eq!(stroll.at(0.0).camera, Camera::of([-0.5, 0.5], 0.0, 0.0));
        let drifted = (1.0 / 6.0 / DRIFT_SECS) as f32;
        assert_eq!(stroll.at(1.0).camera, Camera { drifted, ..Camera::of([0.5, 0.5], 1.0, 1.0) });
        stroll.step(sight([1, 0], 1, Intent::Stay, 2));
        assert_eq!([0.0, 0.7].map(|share| stroll.at(share).camera.at), [stroll.at(1.0).camera.at; 2]);
    }

    #[test]
    fn a_step_leads_on_and_a_jump_does_not_and_what_is_in_the_way_is_bumped_into() {
        let around = |at| Arc::new(Surroundings::nothing(at));
        let mut walk = Walk::standing(around([4, 4]));
        let x = |walk: &Walk, share| 0.5 + walk.off(share)[0];
        walk.step(around([5, 4]), 1, Intent::East, 1.0);
        assert_eq!([0.0, 0.5, 1.0].map(|share| x(&walk, share)), [-0.5, 0.0, 0.5]);
        walk.step(around([5, 4]), 1, Intent::East, 1.0);
        // One leans where one pushed, wherever one looks.
        assert!(
            walk.moves() && [0.0, 1.0, 2.0].iter().all(|quarters| walk.camera(0.5, *quarters).at[0] > walk.camera(0.0, *quarters).at[0])
        );
        // Who goes on pushing there leans on it and does not shake; pushing elsewhere is a bump again.
        assert!(x(&walk, 0.25) > 0.6 && x(&walk, 1.0) == 0.5 + LEAN);
        walk.step(around([5, 4]), 1, Intent::East, 1.0);
        assert!(!walk.moves() && [0.0, 0.3, 1.0].iter().all(|share| (x(&walk, *share) - 0.5 - LEAN).abs() < 1e-6));
        walk.step(around([5, 4]), 1, Intent::North, 1.0);
        assert!(walk.moves() && walk.off(0.25)[1] < -0.1 && walk.off(1.0) == [0.0, -LEAN]);
        // Letting go leads back to the middle, and then nothing moves.
        walk.step(around([5, 4]), 1, Intent::Stay, 1.0);
        assert!(walk.moves() && walk.off(0.0) == [0.0, -LEAN] && walk.off(1.0) == [0.0; 2]);
        walk.step(around([5, 4]), 1, Intent::Stay, 1.0);
        assert!(!walk.moves());
        walk.step(around([90, 4]), 1, Intent::East, 1.0);
        assert_eq!([x(&walk, 0.0), x(&walk, 1.0)], [0.5; 2]);
    }

    #[test]
    fn frames_that_came_between_two_looks_are_gone_as_one_step() {
        let around = |x| Arc::new(Surroundings::nothing([x, 0]));
        // Where the eye is on the map when a step over so many frames begins, which leads from 0 to there.
        let begins = |(frames, to): (u64, i32)| {
            let mut walk = Walk::standing(around(0));
            walk.step(around(to), frames, Intent::East, 1.0);
            walk.around.at[0] as f32 + walk.off(0.0)[0]
        };
        assert_eq!([(1, 1), (2, 1), (2, 2), (3, 3), (0, 1)].map(begins), [0.0; 5]);
        // The control: elsewhere is what lies further away than so many frames lead, and than three in any case.
        assert_eq!([(1, 2), (2, 3), (9, 4), (0, 2)].map(begins), [2.0, 3.0, 4.0, 2.0]);
    }

    #[test]
    fn a_step_that_comes_early_goes_on_from_where_the_eye_is() {
        let around = |x| Arc::new(Surroundings::nothing([x, 0]));
        let mut walk = Walk::standing(around(0));
        walk.step(around(1), 1, Intent::East, 1.0);
        // Where the eye is on the map.
        let x = |walk: &Walk, share| walk.around.at[0] as f32 + walk.off(share)[0];
        let here = x(&walk, 0.7);
        walk.step(around(2), 1, Intent::East, 0.7);
        assert!((x(&walk, 0.0) - here).abs() < 1e-6 && x(&walk, 1.0) == 2.0, "{here} {}", x(&walk, 0.0));
        // What falls as well, and it is down when the step is gone.
        let fell = |walk: &Walk, share| walk.camera(share, 0.0).fell;
        assert!((fell(&walk, 0.0) + 0.3).abs() < 1e-6 && fell(&walk, 1.0) == 1.0, "{}", fell(&walk, 0.0));
        // Against something that is in the way, too.
        walk.step(around(2), 1, Intent::East, 0.9);
        assert!((x(&walk, 0.0) - 1.87).abs() < 1e-6, "{}", x(&walk, 0.0));
        // The control: whoever is said to be there already sets off from there.
        walk.step(around(3), 1, Intent::East, 1.0);
        assert!((x(&walk, 0.0) - 2.0 - LEAN).abs() < 1e-6 && fell(&walk, 0.0) == 0.0);
    }

    #[test]
    fn clouds_drift_with_the_frames_wherever_one_is() {
        let around = |x| Arc::new(Surroundings::nothing([x, 0]));
        let drifted = |walk: &Walk, share| walk.camera(share, 0.0).drifted;
        // By how much of a quarter turn in a frame.
        let frame = 1.0 / (6.0 * DRIFT_SECS as f32);
        let close = |drifted: f32, frames: f32| (drifted / frame - frames).abs() < 1e-2;
        let mut walk = Walk::standing(around(0)).after(300);
        walk.step(around(1), 1, Intent::East, 1.0);
        assert!([0.0, 0.5, 1.0].iter().all(|share| close(drifted(&walk, *share), 300.0 + share)), "{walk:?}");
        // Where the step comes early, and over more than a frame, they go on from where they are, and are not late at its end.
        walk.step(around(1), 2, Intent::Stay, 0.7);
        assert!(close(drifted(&walk, 0.0), 300.7) && close(drifted(&walk, 1.0), 303.0), "{walk:?}");
        // Another moment in the place of this one has the same sky, and so has who looks again.
        walk.see(around(90));
        assert!(close(drifted(&walk, 1.0), 303.0) && drifted(&Walk::standing(around(5)).after(303), 1.0) == drifted(&walk, 1.0));
        // The control: without a frame they stand.
        walk.step(around(90), 0, Intent::Stay, 1.0);
        assert!([0.0, 0.3, 1.0].iter().all(|share| close(drifted(&walk, *share), 303.0)), "{walk:?}");
        // A quarter of the sky takes so many seconds, and once around they are where they were, also after a day.
        let after = |frames: u64| drifted(&Walk::standing(around(0)).after(frames), 1.0);
        let (quarter, day) = (6 * DRIFT_SECS as u64, 6 * 24 * 3600);
        assert_eq!([after(quarter), after(4 * quarter), after(day)], [1.0, 0.0, 0.0]);
        let mut walk = Walk::standing(around(0)).after(day - 1);
        let before = drifted(&walk, 1.0);
        walk.step(around(0), 2, Intent::Stay, 1.0);
        assert!(close(before, 3599.0) && close(drifted(&walk, 0.25), 3599.5) && close(drifted(&walk, 0.75), 0.5), "{walk:?}");
    }

    #[test]
    fn the_head_swings_from_foot_to_foot_and_rests_where_one_stands() {
        let mut walk = Walk::standing(Arc::new(Surroundings::nothing([0, 0])));
        let mut swings = Vec::new();
        for north in 1..=4 {
            walk.step(Arc::new(Surroundings::nothing([0, -north])), 1, Intent::North, 1.0);
            let seen = |share: f32| {
                let (camera, level) = (walk.camera(share, 0.0), Camera::of([0.5, 0.5], 0.0, 1.0));
                [camera.at[0] - level.at[0], camera.height - level.height]
            };
            assert_eq!([seen(0.0), seen(1.0)], [[0.0; 2]; 2]);
            assert!((seen(0.5)[1] - SWING).abs() < 1e-6);
            swings.push(seen(0.5)[0] / SWING);
        }
        let feet: Vec<f32> = swings.iter().map(|swing| swing.round()).collect();
        assert!(feet == [1.0, -1.0, 1.0, -1.0] || feet == [-1.0, 1.0, -1.0, 1.0], "{swings:?}");
    }
}
