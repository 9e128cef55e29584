//! What latent codes mean to a player: the recorded actions they go with, or where nobody recorded any, what the picture does under them.

use somnium::clips::Clip;
use somnium::dream::Intent;
use somnium::pack::manifest::LatentAction;

/// How often each code went with each recorded action, moved (or standing, for "stay") and blocked steps apart.
pub struct Counts<'a> {
    /// `[code][action]`
    moved: Vec<Vec<u32>>,
    blocked: Vec<Vec<u32>>,
    /// How often each code explained a step, whatever was recorded.
    used: Vec<u32>,
    actions: &'a [String],
}

impl<'a> Counts<'a> {
    pub fn new(codes: usize, actions: &'a [String]) -> Self {
        let none = vec![vec![0; actions.len()]; codes];
        Self { moved: none.clone(), blocked: none, used: vec![0; codes], actions }
    }

    /// Counts the steps of a clip, one code each; nothing is known of the one before its first frame.
    pub fn count(&mut self, clip: &Clip, codes: &[Option<u8>]) {
        for ((code, action), outcome) in codes.iter().zip(&clip.actions).zip(&clip.outcomes) {
            match (code, action) {
                (Some(code), Some(action)) => self.add(usize::from(*code), usize::from(*action), outcome.blocked),
                (Some(code), None) => self.used[usize::from(*code)] += 1,
                (None, _) => {}
            }
        }
    }

    /// Counts a step of a code that went with an action.
    pub fn add(&mut self, code: usize, action: usize, blocked: bool) {
        let table = if blocked { &mut self.blocked } else { &mut self.moved };
        table[code][action] += 1;
        self.used[code] += 1;
    }

    /// Share of steps whose code's most frequent action is theirs, over moved and over blocked steps. Each code has one meaning: that of
    /// its most frequent action over all steps.
    pub fn purity(&self) -> Option<(f64, f64)> {
        let meanings: Vec<usize> = (0..self.moved.len()).map(|code| self.meaning(code)).collect();
        let share = |table: &[Vec<u32>]| {
            let hits: u32 = table.iter().zip(&meanings).map(|(row, meaning)| row[*meaning]).sum();
            let all: u32 = table.iter().flatten().sum();
            f64::from(hits) / f64::from(all.max(1))
        };
        let any = self.moved.iter().chain(&self.blocked).flatten().any(|count| *count > 0);
        any.then(|| (share(&self.moved), share(&self.blocked)))
    }

    /// Most frequent action of a code.
    pub fn meaning(&self, code: usize) -> usize {
        let total = |action: &usize| self.moved[code][*action] + self.blocked[code][*action];
        (0..self.actions.len()).max_by_key(total).unwrap_or(0)
    }

    pub fn name_codes(&self) -> Vec<LatentAction> {
        let all: u32 = self.used.iter().sum();
        let share = |hit: u32, of: u32| if of == 0 { 0.0 } else { hit as f32 / of as f32 };
        let mut named: Vec<LatentAction> = (0..self.moved.len())
            .map(|code| {
                let action = self.meaning(code);
                let (moved_sum, blocked_sum): (u32, u32) = (self.moved[code].iter().sum(), self.blocked[code].iter().sum());
                let of_blocked = share(self.blocked[code][action], blocked_sum);
                let name = match (moved_sum + blocked_sum, blocked_sum > moved_sum) {
                    (0, _) => format!("code {code}"),
                    (_, true) if of_blocked < 0.5 => "blocked".to_owned(),
                    (_, true) => format!("{} (blocked)", self.actions[action]),
                    (_, false) => self.actions[action].clone(),
                };
                LatentAction {
                    name,
                    share: share(self.used[code], all),
                    purity_moved: share(self.moved[code][action], moved_sum),
                    purity_blocked: share(self.blocked[code][action], blocked_sum),
                    bound_to: Vec::new(),
                    motion: [0, 0],
                }
            })
            .collect();
        // Every input plays the code its own steps carry most often.
        for (action, name) in self.actions.iter().enumerate() {
            if let Some(code) = (0..named.len()).max_by_key(|code| self.moved[*code][action]).filter(|code| self.moved[*code][action] > 0) {
                named[code].bound_to.push(name.clone());
            }
        }
        named
    }
}

/// Names codes that nobody recorded an action for by where the view goes under each, `motions` in steps, and gives every key one. What the
/// keys of a world mean that does not scroll is for its players to find out: its codes take the keys that are left, the most frequent first.
pub fn by_motion(named: &mut [LatentAction], motions: &[[i32; 2]]) {
    let mut codes: Vec<usize> = (0..named.len()).filter(|code| named[*code].share > 0.0).collect();
    codes.sort_by(|a, b| named[*b].share.total_cmp(&named[*a].share));
    let mut free = Intent::ALL.to_vec();
    for code in &codes {
        let intent = Intent::ALL.into_iter().find(|intent| intent.way() == way(motions[*code])).unwrap_or_default();
        if let Some(at) = free.iter().position(|other| *other == intent) {
            named[*code].name = intent.name().to_owned();
            named[*code].bound_to.push(free.remove(at).name().to_owned());
        }
    }
    for code in codes {
        if named[code].bound_to.is_empty() && motions[code] == [0, 0] && !free.is_empty() {
            named[code].bound_to.push(free.remove(0).name().to_owned());
        }
    }
}

/// Binds standing still to a code that explains no step, if none is bound to it: where a recording never rests, players do.
pub fn rest(named: &mut [LatentAction]) {
    let stay = Intent::Stay.name();
    if named.iter().any(|action| action.bound_to.iter().any(|bound| bound == stay)) {
        return;
    }
    if let Some(unused) = named.iter_mut().find(|action| action.share == 0.0) {
        unused.name = stay.to_owned();
        unused.bound_to.push(stay.to_owned());
    }
}

/// The code that means standing still though no step of the clips shows it.
pub fn never_seen_rest(named: &[LatentAction]) -> Option<u8> {
    (0..)
        .zip(named)
        .find(|(_, action)| action.share == 0.0 && action.bound_to.iter().any(|bound| bound == Intent::Stay.name()))
        .map(|(code, _)| code)
}

/// The main direction of a motion, one step long.
fn way([x, y]: [i32; 2]) -> [i32; 2] {
    if x.abs() >= y.abs() { [x.signum(), 0] } else { [0, y.signum()] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_named_by_what_they_went_with() {
        let actions = ["stay", "north", "south"].map(str::to_owned);
        let mut counts = Counts::new(4, &actions);
        (0..90).for_each(|_| counts.add(2, 1, false));
        (0..10).for_each(|_| counts.add(2, 2, false));
        (0..50).for_each(|_| counts.add(0, 2, false));
        (0..30).for_each(|_| counts.add(1, 0, false));
        (0..20).for_each(|_| counts.add(3, 1, true));
        let named = counts.name_codes();
        assert_eq!(named[2].name, "north");
        assert_eq!(named[2].bound_to, ["north"]);
        assert_eq!(named[0].bound_to, ["south"]);
        assert_eq!(named[3].name, "north (blocked)");
        assert!(named[3].bound_to.is_empty());
        assert!((named[2].purity_moved - 0.9).abs() < 1e-6);
        let (moved, blocked) = counts.purity().unwrap();
        assert!((moved - 170.0 / 180.0).abs() < 1e-9 && blocked == 1.0);
        // Negative control: codes that mean nothing are not pure.
        let mut random = Counts::new(2, &actions[..2]);
        (0..100).for_each(|i| random.add(i % 2, (i / 2) % 2, false));
        assert!(random.purity().unwrap().0 < 0.6);
        assert_eq!(Counts::new(2, &actions).purity(), None);
    }

    #[test]
    fn codes_without_recorded_actions_take_the_keys_of_where_they_lead() {
        let named = |shares: &[f32], motions: &[[i32; 2]]| {
            let names = Intent::ALL.map(|intent| intent.name().to_owned());
            let mut counts = Counts::new(shares.len(), &names).name_codes();
            counts.iter_mut().zip(shares).for_each(|(action, share)| action.share = *share);
            by_motion(&mut counts, motions);
            counts.into_iter().map(|action| (action.name, action.bound_to)).collect::<Vec<_>>()
        };
        let is = |(name, bound): &(String, Vec<String>)| (name.clone(), bound.join(" "));
        let text = |name: &str, bound: &str| (name.to_owned(), bound.to_owned());
        // A world seen from the side: left, right, a jump, and a second code that leads left.
        let side = named(&[0.3, 0.2, 0.3, 0.1, 0.1, 0.0], &[[0, 0], [2, 0], [-2, 0], [0, 0], [-1, 0], [0, -1]]);
        let expected = [
            text("stay", "stay"),
            text("east", "east"),
            text("west", "west"),
            text("code 3", "north"),
            text("code 4", ""),
            text("code 5", ""),
        ];
        assert_eq!(side.iter().map(is).collect::<Vec<_>>(), expected);
        // One that does not scroll: the most frequent code is standing still.
        let still = named(&[0.2, 0.5, 0.3], &[[0, 0]; 3]);
        assert_eq!(still.iter().map(is).collect::<Vec<_>>(), [text("code 0", "south"), text("stay", "stay"), text("code 2", "north")]);
    }

    #[test]
    fn where_nothing_ever_rests_an_unused_code_does() {
        let names = Intent::ALL.map(|intent| intent.name().to_owned());
        let mut restless = Counts::new(3, &names);
        (0..4).for_each(|_| restless.add(0, 1, false));
        let mut named = restless.name_codes();
        assert_eq!(never_seen_rest(&named), None);
        rest(&mut named);
        assert_eq!((named[1].name.as_str(), never_seen_rest(&named)), ("stay", Some(1)));
        // The control: a code that does is left as it is.
        restless.add(2, 0, false);
        let (mut named, before) = (restless.name_codes(), restless.name_codes());
        rest(&mut named);
        assert!(named == before && never_seen_rest(&named).is_none());
    }

    #[test]
    fn steps_without_a_recorded_action_count_as_use() {
        let actions = ["stay", "north"].map(str::to_owned);
        let clip = Clip { actions: vec![None, Some(1), None, None], outcomes: vec![Default::default(); 4], ..Clip::default() };
        let mut counts = Counts::new(2, &actions);
        counts.count(&clip, &[None, Some(0), Some(1), Some(1)]);
        let named = counts.name_codes();
        assert!((named[1].share - 2.0 / 3.0).abs() < 1e-6 && named[1].name == "code 1" && named[1].bound_to.is_empty());
        assert_eq!((named[0].name.as_str(), named[0].purity_moved), ("north", 1.0));
    }
}
