//! The way of the eye from step to step.

use std::sync::Arc;

use super::camera::Camera;
use super::scene::Glance;
use super::surroundings::Surroundings;
use crate::dream::drive::Intent;

/// How far one leans against something that is in the way, in patches.
const BUMP: f32 = 0.1;

/// Where the eye comes from and where it goes.
#[derive(Clone, Debug)]
pub struct Walk {
    pub around: Arc<Surroundings>,
    from: [i32; 2],
    /// Where one pushed against something.
    bumps: Intent,
}

impl Walk {
    /// One who stands there.
    pub fn standing(around: Arc<Surroundings>) -> Self {
        Self { from: around.at, around, bumps: Intent::Stay }
    }

    /// The next step leads into `around`; `pushed`: where one asked to go.
    pub fn step(&mut self, around: Arc<Surroundings>, pushed: Intent) {
        let before = self.around.at;
        // Further away is elsewhere: another world, or another moment.
        let near = (0..2).map(|i| (around.at[i] - before[i]).abs()).sum::<i32>() <= 1;
        self.from = if near { before } else { around.at };
        self.bumps = if around.at == before { pushed } else { Intent::Stay };
        self.around = around;
    }

    /// More is seen of the same moment, or another moment takes its place.
    pub fn see(&mut self, around: Arc<Surroundings>) {
        if around.at != self.around.at {
            *self = Self::standing(around);
        } else {
            self.around = around;
        }
    }

    /// Whether anything moves on the way.
    pub fn moves(&self) -> bool {
        self.bumps != Intent::Stay || self.from != self.around.at
    }

    /// The eye once a share of the step is gone; it looks so many quarter turns clockwise from north.
    pub fn camera(&self, share: f32, quarters: f32) -> Camera {
        let lean = BUMP * (share * std::f32::consts::PI).sin();
        let way = |i: usize| (self.from[i] - self.around.at[i]) as f32 * (1.0 - share) + self.bumps.way()[i] as f32 * lean;
        Camera::of([0, 1].map(|i| 0.5 + way(i)), quarters, share)
    }
}

/// A turn from one way of looking to another, in quarter turns, by the shorter way.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Turn {
    from: f32,
    way: f32,
}

impl Turn {
    /// Looks there and does not turn.
    pub fn resting(quarters: i32) -> Self {
        Self { from: quarters as f32, way: 0.0 }
    }

    /// The turn to there from where this one is once a share of it is gone.
    #[must_use]
    pub fn to(self, share: f32, quarters: i32) -> Self {
        let from = self.at(share);
        Self { from, way: (quarters as f32 - from + 2.0).rem_euclid(4.0) - 2.0 }
    }

    /// Whether it leads anywhere.
    pub fn turns(self) -> bool {
        self.way != 0.0
    }

    /// Where one looks once a share of it is gone.
    pub fn at(self, share: f32) -> f32 {
        let share = share.clamp(0.0, 1.0);
        self.from + self.way * share * share * (3.0 - 2.0 * share)
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
}

/// A walk from sight to sight, for recordings: one turns while one goes.
pub struct Stroll {
    walk: Walk,
    turn: Turn,
    pub looks: i32,
}

impl Stroll {
    pub fn begin(sight: Sight) -> Self {
        Self { walk: Walk::standing(sight.around), turn: Turn::resting(sight.looks), looks: sight.looks }
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
    pub fn step(&mut self, sight: Sight) {
        self.walk.step(sight.around, sight.pushed);
        self.turn = self.turn.to(1.0, sight.looks);
        self.looks = sight.looks;
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
    }

    #[test]
    fn who_strolls_turns_while_going_and_stands_where_nothing_leads_on() {
        let sight = |at, looks, pushed| Sight { around: Arc::new(Surroundings::nothing(at)), looks, pushed };
        let mut stroll = Stroll::begin(sight([0, 0], 0, Intent::Stay));
        stroll.step(sight([1, 0], 1, Intent::East));
        assert_eq!(stroll.at(0.0).camera, Camera::of([-0.5, 0.5], 0.0, 0.0));
        assert_eq!(stroll.at(1.0).camera, Camera::of([0.5, 0.5], 1.0, 1.0));
        stroll.step(sight([1, 0], 1, Intent::Stay));
        assert_eq!([0.0, 0.7].map(|share| stroll.at(share).camera.at), [stroll.at(1.0).camera.at; 2]);
    }

    #[test]
    fn a_step_leads_on_and_a_jump_does_not_and_what_is_in_the_way_is_bumped_into() {
        let around = |at| Arc::new(Surroundings::nothing(at));
        let mut walk = Walk::standing(around([4, 4]));
        let x = |walk: &Walk, share| walk.camera(share, 0.0).at[0];
        walk.step(around([5, 4]), Intent::East);
        assert_eq!([0.0, 0.5, 1.0].map(|share| x(&walk, share)), [-0.5, 0.0, 0.5]);
        walk.step(around([5, 4]), Intent::East);
        // One leans where one pushed, wherever one looks.
        assert!(
            walk.moves() && [0.0, 1.0, 2.0].iter().all(|quarters| walk.camera(0.5, *quarters).at[0] > walk.camera(0.0, *quarters).at[0])
        );
        walk.step(around([5, 4]), Intent::Stay);
        assert!(!walk.moves());
        walk.step(around([90, 4]), Intent::East);
        assert_eq!([x(&walk, 0.0), x(&walk, 1.0)], [0.5; 2]);
    }
}
