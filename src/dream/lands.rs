//! What land a dream's frame shows, as far as its pack's maker has told of which land its tokens are.

use std::collections::{BTreeMap, HashMap};

use crate::pack::manifest::FrameDims;
use crate::worlds::scene::{Biome, Feature, Wish};

/// At least this part of a frame is of known lands, or it is not said.
const LEAST_KNOWN: f32 = 1.0 / 3.0;
/// What is asked for is taken to fill so much of the view, and the sea where there is one.
const ASKED: f32 = 0.2;
const SEA: f32 = 0.4;

/// How much of what is seen is of each land, all of them together 1 where any is known, and how much shows each thing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LandShares {
    /// How much of it is of any known land.
    known: f32,
    lands: [f32; Biome::ALL.len()],
    features: [f32; Feature::ALL.len()],
    /// How much is open water, and where that lies on the mean, right and down of the middle: 1 at the edge of the view.
    pub water: f32,
    pub water_at: [f32; 2],
    /// The land that one walks on, as far as that is known.
    pub under: Option<Biome>,
}

impl LandShares {
    /// Of such a frame; `patch` is what shows in each of its patches, where that is known. Whoever walks stands in the middle.
    pub fn of(frame: &FrameDims, patch: impl Fn(usize) -> Option<(Biome, Option<Feature>)>) -> Self {
        let (mut shares, mut known, mut water_at) = (Self::default(), 0.0_f32, [0.0; 2]);
        for n in 0..frame.patches() {
            let Some((land, feature)) = patch(n) else { continue };
            known += 1.0;
            shares.lands[land as usize] += 1.0;
            if let Some(feature) = feature {
                shares.features[feature as usize] += 1.0;
            }
            if land == Biome::Water {
                for (sum, (at, count)) in water_at.iter_mut().zip(frame.cell(n).into_iter().zip([frame.grid_w(), frame.grid_h()])) {
                    *sum += (2 * at + 1) as f32 / count as f32 - 1.0;
                }
            }
        }
        shares.water_at = water_at.map(|sum| sum / shares.land(Biome::Water).max(1.0));
        shares.lands.iter_mut().chain(&mut shares.features).for_each(|share| *share /= known.max(1.0));
        shares.water = shares.land(Biome::Water);
        shares.known = known / frame.patches() as f32;
        let middle = frame.grid_h() / 2 * frame.grid_w() + frame.grid_w() / 2;
        shares.under = shares.most_of(frame.beside(middle).map(|n| Some(patch(n?)?.0)));
        shares
    }

    /// Nobody walks on water: most beside the figure that is land, or else most of all.
    fn most_of(&self, beside: [Option<Biome>; 4]) -> Option<Biome> {
        let count = |of: Biome| beside.iter().filter(|land| **land == Some(of)).count();
        let dry = || Biome::ALL.iter().copied().filter(|land| *land != Biome::Water);
        let near = dry().max_by_key(|land| count(*land)).filter(|land| count(*land) > 0);
        near.or_else(|| dry().filter(|land| self.land(*land) > 0.0).max_by(|a, b| self.land(*a).total_cmp(&self.land(*b))))
    }

    /// Of a place that is as it was asked for, where nobody can tell what is there.
    pub fn asked(wish: &Wish) -> Self {
        let mut shares = Self { under: wish.biome, ..Self::default() };
        if let Some(land) = wish.biome {
            (shares.known, shares.lands[land as usize]) = (1.0, 1.0);
        }
        for feature in &wish.features {
            shares.features[*feature as usize] = ASKED;
        }
        let (sea, lake) = (matches!(wish.biome, Some(Biome::Water | Biome::Beach)), wish.features.contains(&Feature::Lake));
        shares.water = match () {
            () if sea || wish.features.contains(&Feature::Shore) => SEA,
            () if lake => ASKED,
            () => 0.0,
        };
        shares
    }

    pub fn land(&self, land: Biome) -> f32 {
        self.lands[land as usize]
    }

    pub fn feature(&self, feature: Feature) -> f32 {
        self.features[feature as usize]
    }

    /// No land is known.
    pub fn is_unknown(&self) -> bool {
        self.known == 0.0
    }
}

/// Of which lands tokens are.
pub struct Lands {
    of: HashMap<Vec<u8>, (Biome, Option<Feature>)>,
    frame: FrameDims,
}

impl Lands {
    /// Of tokens by the plain words of what they show, as a pack has them.
    pub fn of(lands: &BTreeMap<String, Vec<Vec<u8>>>, frame: &FrameDims) -> Self {
        let shown = |words: &str| {
            let wish = Wish::of_words(words.split(' '));
            Some((wish.biome?, wish.features.first().copied()))
        };
        let named = lands.iter().filter_map(|(words, tokens)| Some((shown(words)?, tokens)));
        let of = named.flat_map(|(shown, tokens)| tokens.iter().map(move |token| (token.clone(), shown))).collect();
        Self { of, frame: *frame }
    }

    /// What a frame of these codes, `(tokens, code_dims)`, shows; nothing where too little of it is known.
    pub fn read(&self, codes: &[u8]) -> Option<LandShares> {
        let token = |n: usize| codes.get(n * self.frame.code_dims..(n + 1) * self.frame.code_dims);
        let shares = LandShares::of(&self.frame, |n| self.of.get(token(n)?).copied());
        (shares.known >= LEAST_KNOWN).then_some(shares)
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A frame of so many patches.
    pub fn frame(width_px: usize, height_px: usize) -> FrameDims {
        FrameDims { width_px, height_px, patch_px: 1, rate_hz: 6, code_dims: 2, code_levels: 9, look: true }
    }

    #[test]
    fn a_frame_shows_the_lands_of_its_tokens() {
        let frame = frame(6, 1);
        let [grass, flowers, sea] = [vec![1, 1], vec![1, 2], vec![2, 0]];
        let lands = BTreeMap::from([
            ("meadow".to_owned(), vec![grass]),
            ("meadow flowers".to_owned(), vec![flowers]),
            ("water lake".to_owned(), vec![sea]),
            ("nowhere".to_owned(), vec![vec![8, 8]]),
        ]);
        let lands = Lands::of(&lands, &frame);
        let shares = lands.read(&[[1, 1], [1, 2], [1, 1], [2, 0], [8, 8], [7, 7], [2, 0]].concat()).unwrap();
        assert_eq!((shares.land(Biome::Meadow), shares.water, shares.land(Biome::Beach)), (0.75, 0.25, 0.0), "the look is no land");
        assert_eq!((shares.feature(Feature::Flowers), shares.feature(Feature::Lake), shares.is_unknown()), (0.25, 0.25, false));
        // The control: of one token nobody knows the land.
        assert_eq!(lands.read(&[[1, 1], [8, 8], [8, 8], [8, 8], [8, 8], [8, 8], [2, 0]].concat()), None);
        assert_eq!(Lands::of(&BTreeMap::new(), &frame).read(&[1; 14]), None);
    }

    #[test]
    fn one_walks_on_land_and_water_lies_somewhere() {
        let (snow, sea, grass) = ((Biome::Snow, None), (Biome::Water, Some(Feature::Lake)), (Biome::Meadow, None));
        // The sea in the east, and snow beside the figure.
        let coast = [snow, sea, sea, grass, snow, sea, grass, snow, sea, grass, snow, sea];
        let shares = LandShares::of(&frame(3, 4), |n| Some(coast[n]));
        assert_eq!((shares.under, shares.water), (Some(Biome::Snow), 5.0 / 12.0));
        assert!(shares.water_at[0] > 0.4 && shares.water_at[1] < 0.0, "{:?}", shares.water_at);
        let [[right, _], [left, _]] = [false, true].map(|turned| {
            let at = |n: usize| if turned { n / 3 * 3 + 2 - n % 3 } else { n };
            LandShares::of(&frame(3, 4), |n| Some(coast[at(n)])).water_at
        });
        assert!((right + left).abs() < 1e-6);
        // On an island as small as the figure it is what there is of land, and where nothing is known nothing.
        let island = LandShares::of(&frame(3, 3), |n| Some(if n == 0 { grass } else { sea }));
        assert_eq!((island.under, LandShares::of(&frame(3, 3), |_| None).under), (Some(Biome::Meadow), None));
    }

    #[test]
    fn what_is_asked_for_stands_for_what_nobody_can_tell() {
        let asked = |words: &[&'static str]| LandShares::asked(&Wish::of_words(words.iter().copied()));
        assert_eq!((asked(&["forest"]).under, asked(&["forest"]).water), (Some(Biome::Forest), 0.0));
        assert!(asked(&["beach"]).water > asked(&["meadow", "lake"]).water && asked(&["meadow", "lake"]).water > 0.0);
        assert_eq!(asked(&["night"]), LandShares::default());
    }
}
