//! Who presses the keys when nobody plays: policies that walk a world for training data and for evaluation.
//!
//! A policy speaks in recorded actions as `isles` orders them: 0 stays, 1 to 4 go north, south, west, east.

use super::StepOutcome;
use super::random::Rng;

const STAY: usize = 0;
const DIRECTIONS: usize = 4;

/// Names [`by_name`] knows.
pub const NAMES: &[&str] = &["explorer", "hold", "onward", "random", "there-and-back"];

/// Chooses the next action from what the last one did. A clone goes on exactly as the original would.
pub trait Policy: Send {
    fn next(&mut self, last: StepOutcome) -> usize;
    fn boxed_clone(&self) -> Box<dyn Policy>;
}

/// The policy of that name, if there is one.
pub fn by_name(name: &str, seed: u64) -> Option<Box<dyn Policy>> {
    Some(match name {
        "explorer" => Box::new(Explorer::new(seed)),
        "hold" => Box::new(Hold::new(seed)),
        "onward" => Box::new(Onward::new(seed)),
        "random" => Box::new(Random::new(seed)),
        "there-and-back" => Box::new(ThereAndBack::new(seed)),
        _ => return None,
    })
}

/// What policies draw of their generator.
impl Rng {
    fn direction(&mut self) -> usize {
        1 + self.below(DIRECTIONS)
    }

    fn sideways(&mut self, from: usize) -> usize {
        if from <= 2 { self.range(3, 4) } else { self.range(1, 2) }
    }
}

/// What the explorer is about.
#[derive(Clone, Debug)]
enum Plan {
    Walk { direction: usize },
    ZigZag { first: usize, second: usize, leg: usize },
    Stand,
    Mash,
}

/// Walks far, turns, zig-zags, bumps, stands and now and then mashes the keys.
#[derive(Clone, Debug)]
pub struct Explorer {
    rng: Rng,
    plan: Plan,
    /// Steps left of the plan.
    left: usize,
    heading: usize,
    /// How often to push on against what is in the way, once something is.
    patience: usize,
    blocked_for: usize,
    moved_since_turn: usize,
}

impl Explorer {
    pub fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let heading = rng.direction();
        Self { rng, plan: Plan::Stand, left: 0, heading, patience: 2, blocked_for: 0, moved_since_turn: 0 }
    }

    fn choose(&mut self) {
        let rng = &mut self.rng;
        (self.plan, self.left) = match rng.below(100) {
            0..50 => {
                let direction = if rng.percent(70) { rng.sideways(self.heading) } else { rng.direction() };
                (Plan::Walk { direction }, rng.range(6, 40))
            }
            50..60 => {
                let first = rng.direction();
                (Plan::ZigZag { first, second: rng.sideways(first), leg: rng.range(1, 4) }, rng.range(8, 30))
            }
            60..92 => (Plan::Stand, rng.range(1, 8)),
            _ => (Plan::Mash, rng.range(3, 10)),
        };
        self.draw_patience();
    }

    fn draw_patience(&mut self) {
        self.blocked_for = 0;
        self.patience = match self.rng.below(100) {
            0..76 => 1,
            76..93 => self.rng.range(2, 3),
            _ => self.rng.range(4, 8),
        };
    }

    /// Turns aside from what is in the way, or back where it is a corner.
    fn turn(&mut self) {
        let cornered = self.moved_since_turn < 3;
        self.moved_since_turn = 0;
        self.draw_patience();
        let back = self.rng.percent(if cornered { 85 } else { 45 });
        let direction = if back { opposite(self.heading) } else { self.rng.sideways(self.heading) };
        self.plan = Plan::Walk { direction };
        self.left = self.rng.range(4, 24);
        if self.rng.percent(4) {
            (self.plan, self.left) = (Plan::Stand, self.rng.range(2, 8));
        }
    }
}

fn opposite(direction: usize) -> usize {
    [STAY, 2, 1, 4, 3][direction]
}

impl Policy for Explorer {
    fn next(&mut self, last: StepOutcome) -> usize {
        self.moved_since_turn += usize::from(last.moved);
        if last.blocked {
            self.blocked_for += 1;
            if self.blocked_for >= self.patience && !matches!(self.plan, Plan::Stand | Plan::Mash) {
                self.turn();
            }
        }
        if self.left == 0 {
            self.choose();
        }
        self.left -= 1;
        let action = match self.plan {
            Plan::Walk { direction } => direction,
            Plan::ZigZag { first, second, leg } => {
                if (self.left / leg).is_multiple_of(2) {
                    first
                } else {
                    second
                }
            }
            Plan::Stand => STAY,
            Plan::Mash => self.rng.below(DIRECTIONS + 1),
        };
        if action != STAY {
            self.heading = action;
        }
        action
    }

    fn boxed_clone(&self) -> Box<dyn Policy> {
        Box::new(self.clone())
    }
}

/// Holds one direction, and takes another only when blocked for three frames.
#[derive(Clone, Debug)]
pub struct Hold {
    rng: Rng,
    direction: usize,
    blocked_for: usize,
}

impl Hold {
    const PATIENCE: usize = 3;

    pub fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let direction = rng.direction();
        Self { rng, direction, blocked_for: 0 }
    }
}

impl Policy for Hold {
    fn next(&mut self, last: StepOutcome) -> usize {
        self.blocked_for = if last.blocked { self.blocked_for + 1 } else { 0 };
        if self.blocked_for >= Self::PATIENCE {
            self.blocked_for = 0;
            self.direction = self.rng.sideways(self.direction);
        }
        self.direction
    }

    fn boxed_clone(&self) -> Box<dyn Policy> {
        Box::new(self.clone())
    }
}

/// Goes one way as long as it leads on. It steps aside from what is in the way, each time in a row a step further, and to the other side
/// where one side is closed.
#[derive(Clone, Debug)]
pub struct Onward {
    way: usize,
    aside: usize,
    pressed: usize,
    /// Steps aside that are left.
    left: usize,
    /// How often in a row something was in the way.
    blocked: usize,
}

impl Onward {
    pub fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let way = rng.direction();
        Self { way, aside: rng.sideways(way), pressed: way, left: 0, blocked: 0 }
    }
}

impl Policy for Onward {
    fn next(&mut self, last: StepOutcome) -> usize {
        if last.blocked {
            if self.pressed == self.aside {
                self.aside = opposite(self.aside);
            }
            self.blocked += 1;
            self.left = self.blocked;
        } else if self.pressed == self.way {
            self.blocked = 0;
        } else {
            self.left -= 1;
        }
        self.pressed = if self.left > 0 { self.aside } else { self.way };
        self.pressed
    }

    fn boxed_clone(&self) -> Box<dyn Policy> {
        Box::new(self.clone())
    }
}

/// A new key each frame.
#[derive(Clone, Debug)]
pub struct Random(Rng);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(Rng::new(seed))
    }
}

impl Policy for Random {
    fn next(&mut self, _last: StepOutcome) -> usize {
        self.0.below(DIRECTIONS + 1)
    }

    fn boxed_clone(&self) -> Box<dyn Policy> {
        Box::new(self.clone())
    }
}

/// Walks out for a while and the same number of steps back: shows what is remembered.
#[derive(Clone, Debug)]
pub struct ThereAndBack {
    rng: Rng,
    direction: usize,
    steps: usize,
    /// Frames since the journey began.
    frame: usize,
    /// Steps that really moved on the way out.
    went: usize,
}

impl ThereAndBack {
    const PAUSE: usize = 2;

    pub fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let (direction, steps) = (rng.direction(), rng.range(8, 16));
        Self { rng, direction, steps, frame: 0, went: 0 }
    }
}

impl Policy for ThereAndBack {
    fn next(&mut self, last: StepOutcome) -> usize {
        if (1..=self.steps).contains(&self.frame) && last.moved {
            self.went += 1;
        }
        if self.frame >= self.steps + Self::PAUSE + self.went {
            (self.direction, self.steps, self.frame, self.went) = (self.rng.direction(), self.rng.range(8, 16), 0, 0);
        }
        self.frame += 1;
        match self.frame {
            f if f <= self.steps => self.direction,
            f if f <= self.steps + Self::PAUSE => STAY,
            _ => opposite(self.direction),
        }
    }

    fn boxed_clone(&self) -> Box<dyn Policy> {
        Box::new(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worlds::World;
    use crate::worlds::isles::Isles;

    /// Shares of moved, blocked and standing steps, of each direction among the keys, and the mean distance walked from the start in pixels.
    fn walked(name: &str) -> ([f64; 3], [f64; 4], f64) {
        const SEEDS: u64 = 40;
        const STEPS: u32 = 500;
        let share = 1.0 / (SEEDS as f64 * f64::from(STEPS));
        let mut world = Isles::new();
        let (mut outcomes, mut directions, mut distance) = ([0.0; 3], [0.0; 4], 0.0);
        for seed in 0..SEEDS {
            world.reset(seed);
            let home = world.position_px();
            let mut policy = by_name(name, seed).unwrap();
            let mut last = StepOutcome::default();
            for _ in 0..STEPS {
                let action = policy.next(last);
                last = world.step(action);
                outcomes[if last.moved { 0 } else { 2 - usize::from(last.blocked) }] += share;
                if action != STAY {
                    directions[action - 1] += share;
                }
            }
            let (x, y) = world.position_px();
            distance += ((x - home.0) as f64).hypot((y - home.1) as f64) / SEEDS as f64;
        }
        (outcomes, directions, distance)
    }

    #[test]
    fn the_explorer_mostly_walks_goes_far_and_has_no_favourite_direction() {
        let ([moved, blocked, stood], directions, distance) = walked("explorer");
        assert!((0.60..0.70).contains(&moved), "moved {moved:.3}");
        assert!((0.20..0.30).contains(&blocked), "blocked {blocked:.3}");
        assert!((0.07..0.14).contains(&stood), "stood {stood:.3}");
        assert!(directions.iter().all(|d| (0.17..0.27).contains(d)), "{directions:?}");
        // What random keys do is something else.
        let ([.., stood], _, near) = walked("random");
        assert!(stood > 0.17, "random keys stood {stood:.3}");
        assert!(distance > 1.5 * near, "the explorer came {distance:.0} px far, random keys {near:.0} px");
    }

    #[test]
    fn onward_leaves_what_it_began_in_sooner_than_any_other() {
        /// Mean distance from the start after so few steps that a wall is not walked around by luck, in pixels.
        fn distance(name: &str) -> f64 {
            const SEEDS: u64 = 200;
            let mut world = Isles::new();
            let mut sum = 0.0;
            for seed in 0..SEEDS {
                world.reset(seed);
                let home = world.position_px();
                let (mut policy, mut last) = (by_name(name, seed).unwrap(), StepOutcome::default());
                (0..60).for_each(|_| last = world.step(policy.next(last)));
                let (x, y) = world.position_px();
                sum += ((x - home.0) as f64).hypot((y - home.1) as f64);
            }
            sum / SEEDS as f64
        }
        let onward = distance("onward");
        for name in NAMES.iter().filter(|name| **name != "onward") {
            let other = distance(name);
            assert!(onward > 1.2 * other, "onward came {onward:.0} px far in 60 steps, {name} {other:.0} px");
        }
    }

    #[test]
    fn there_and_back_comes_back() {
        // On open ground every step moves: out and back cancel at the end of each journey.
        let mut policy = ThereAndBack::new(4);
        let (mut place, mut homecomings, mut farthest) = ([0i32; 2], 0, 0);
        let mut last = StepOutcome::default();
        for _ in 0..400 {
            let action = policy.next(last);
            last = StepOutcome { moved: action != STAY, blocked: false };
            let step = [(0, 0), (0, -1), (0, 1), (-1, 0), (1, 0)][action];
            place = [place[0] + step.0, place[1] + step.1];
            homecomings += i32::from(place == [0, 0] && action != STAY);
            farthest = farthest.max(place[0].abs() + place[1].abs());
        }
        assert!(homecomings >= 8 && (8..=16).contains(&farthest), "{homecomings} homecomings, {farthest} steps away at most");
    }
}
