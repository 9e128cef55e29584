//! First frames out of nothing but words: does what was asked for stand there, and nothing that belongs elsewhere? There is no baseline: no
//! frame comes before them that could be copied or shifted.

use std::collections::{HashMap, HashSet};

use anyhow::Result;
use somnium::engine::Engine;
use somnium::pack::manifest::Manifest;
use somnium::prompt::{ids, read, told};
use somnium::worlds::scene::{Attribute, Biome, Feature, Wish};
use somnium::worlds::words::say;

use super::players::{Dream, Judge, Player, simulator};
use super::prompt::most_words;
use super::report::{Better, Figure, Score, Unit, mean, percent};
use super::workers::{Worker, Workers};
use crate::source::mix;

const FAMILY: &str = "first frames";
/// So many patches of a thing are what was asked for, and so many parts of houses a village: as many tiles as the simulator looks for
/// where it begins.
const ENOUGH: u32 = 4;
const A_VILLAGE: u32 = 10;

fn enough(feature: Feature) -> u32 {
    if feature == Feature::Village { A_VILLAGE } else { ENOUGH }
}

/// What the patches of a world's land show, by token.
struct Patches<'a> {
    /// What who asks for it means: of a village houses, which are larger than a patch.
    features: HashMap<&'a [u8], Feature>,
    /// The lands on which they lie.
    lands: HashMap<&'a [u8], HashSet<&'a str>>,
}

impl<'a> Patches<'a> {
    fn of(manifest: &'a Manifest) -> Self {
        let mut patches = Self { features: HashMap::new(), lands: HashMap::new() };
        for (name, standing) in manifest.relief.iter().flat_map(|relief| &relief.standing) {
            let meant = standing.feature.filter(|feature| *feature != Feature::Village || !standing.cutout.is_whole());
            patches.features.extend(meant.map(|feature| (&standing.token[..], feature)));
            let Some((land, _)) = name.split_once('_') else { continue };
            for token in [&standing.token, &standing.ground] {
                patches.lands.entry(&token[..]).or_default().insert(land);
            }
        }
        patches
    }

    /// Whether a frame, `(N, D)` levels, shows enough of a thing, in percent; the share of its patches that lie on other lands than this one
    /// alone, of those whose land is known; and how many these are of all.
    fn read(&self, manifest: &Manifest, codes: &[u8], wish: &Wish) -> [Option<f64>; 3] {
        let tokens = || codes.chunks_exact(manifest.frame.code_dims).take(manifest.frame.patches());
        let shows = |feature: &Feature| tokens().filter(|token| self.features.get(token) == Some(feature)).count() as u32;
        // The dry ground of the sea is its beaches.
        let land = wish.biome.map(|land| if land == Biome::Water { Biome::Beach.word() } else { land.word() });
        let known: Vec<_> = tokens().filter_map(|token| self.lands.get(token)).collect();
        let foreign = known.iter().filter(|lands| land.is_some_and(|land| !lands.contains(land))).count();
        let asked = wish.features.first().map(|feature| 100.0 * f64::from(u8::from(shows(feature) >= enough(*feature))));
        let [foreign, known, all] = [foreign, known.len(), tokens().count()].map(|patches| patches as u32);
        [asked, percent([foreign, known]), percent([known, all])]
    }
}

/// Begins so many worlds for each thing that stands, in a land where it is at home, and as many of a land alone; the simulator does so too.
pub fn figures(judge: &Judge, workers: &mut Workers, seed: u64, worlds: u64) -> Result<Vec<Figure>> {
    let patches = Patches::of(&judge.manifest);
    let stands = |feature: &Feature| patches.features.values().any(|shown| shown == feature);
    let asked: Vec<Option<Feature>> = Feature::ALL.iter().copied().filter(stands).map(Some).chain([None]).collect();
    let mut rows = Vec::new();
    for (number, feature) in (0..).zip(asked) {
        let seeds: Vec<u64> = (0..worlds).map(|world| seed + number * worlds + world).collect();
        let read = workers.map(&seeds, |worker, seed| {
            let wish = wish(*seed, feature);
            let dreamed = patches.read(&judge.manifest, &dreamed(judge, worker, *seed, &wish)?, &wish);
            Ok([dreamed, patches.read(&judge.manifest, &simulated(judge, worker, *seed, &wish)?, &wish)])
        })?;
        let row = |name: String, figure: usize, better: Better| {
            let score = |who: usize| Score::grouped(read.iter().map(|read| Vec::from_iter(read[who][figure])), better);
            let row = Figure::new(FAMILY, name, Unit::Percent).dream(score(0)?).simulator(score(1)?);
            Some(if better == Better::Low { row.low_is_better() } else { row })
        };
        let known = |who: usize| mean(read.iter().filter_map(|read| read[who][2]));
        rows.extend(match feature {
            Some(feature) => {
                let name = format!("{} patches or more of what was asked for: {}", enough(feature), feature.word());
                row(name, 0, Better::High)
            }
            None => row("patches of another land than the one asked for, of those whose land is known".to_owned(), 1, Better::Low)
                .map(|row| row.other("known of the dream's", known(0)).other("known of the simulator's", known(1))),
        });
    }
    Ok(rows)
}

/// A wish for such a thing in a land where it is at home, or for a land alone, by day.
fn wish(seed: u64, feature: Option<Feature>) -> Wish {
    let lands = feature.map_or(Biome::ALL, Feature::lands);
    let biome = lands[(mix(seed, 1) % lands.len() as u64) as usize];
    Wish { biome: Some(biome), features: Vec::from_iter(feature), ..Wish::default() }.bare()
}

fn dreamed(judge: &Judge, worker: &mut Worker, seed: u64, wish: &Wish) -> Result<Vec<u8>> {
    let words = ids(&read(&say(wish, seed, false), most_words(judge)));
    let codes = Dream::out_of_nothing(judge, &mut worker.engine, &told(&words), seed as u32)?.shown().codes.clone();
    worker.engine.set_prompt(&[])?;
    Ok(codes)
}

fn simulated(judge: &Judge, worker: &mut Worker, seed: u64, wish: &Wish) -> Result<Vec<u8>> {
    let mut world = simulator(&judge.world)?;
    world.reset_under(seed, wish);
    let mut raw = vec![0; judge.manifest.frame.rgb_bytes()];
    world.render(&mut raw);
    Ok(worker.engine.encode(&raw)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use somnium::pack::manifest::{FrameDims, Relief, Standing};
    use somnium::pack::random::tiny_manifest;
    use somnium::worlds::relief::Cutout;

    /// A pack of frames of so many patches across and two down, in which these things stand: name, token and ground, what it is, and how
    /// many parts it has across and down.
    fn pack(width_px: usize, standing: &[(&str, [u8; 2], Feature, [u8; 2])]) -> Manifest {
        let frame = FrameDims { width_px, height_px: 2, patch_px: 1, rate_hz: 1, code_dims: 1, code_levels: 9, look: false };
        let stands = |&(name, [token, ground], feature, parts): &(&str, [u8; 2], Feature, [u8; 2])| {
            let cutout = Cutout { rows: vec![1], height: 1.0, part: [0, 0], parts };
            (name.to_owned(), Standing { token: vec![token], ground: vec![ground], feature: Some(feature), cutout })
        };
        let standing = standing.iter().map(stands).collect();
        let relief = Relief { sky: [vec![0], vec![0]], standing, water: Vec::new(), shining: Vec::new() };
        Manifest { frame, relief: Some(relief), ..tiny_manifest() }
    }

    #[test]
    fn a_frame_shows_what_was_asked_for_and_what_lies_elsewhere() {
        let manifest = pack(3, &[("meadow_ruin", [1, 0], Feature::Ruins, [1, 1]), ("beach_palm", [3, 2], Feature::Trees, [1, 1])]);
        let patches = Patches::of(&manifest);
        let wish = |biome, feature| Wish { biome: Some(biome), features: vec![feature], ..Wish::default() };
        // The last patch is of no land that is known.
        let codes = [1, 1, 1, 1, 2, 8];
        let known = Some(500.0 / 6.0);
        assert_eq!(patches.read(&manifest, &codes, &wish(Biome::Meadow, Feature::Ruins)), [Some(100.0), Some(20.0), known]);
        assert_eq!(patches.read(&manifest, &codes, &wish(Biome::Water, Feature::Trees)), [Some(0.0), Some(80.0), known]);
        assert_eq!(patches.read(&manifest, &[1, 1, 1, 0, 0, 0], &wish(Biome::Meadow, Feature::Ruins)), [Some(0.0), Some(0.0), Some(100.0)]);
    }

    #[test]
    fn a_village_is_many_parts_of_houses() {
        let manifest = pack(5, &[("meadow_hut_0", [1, 0], Feature::Village, [2, 2]), ("meadow_lantern", [2, 0], Feature::Village, [1, 1])]);
        let wish = Wish { features: vec![Feature::Village], ..Wish::default() };
        let shows = |codes: [u8; 10]| Patches::of(&manifest).read(&manifest, &codes, &wish)[0];
        assert_eq!(shows([1; 10]), Some(100.0));
        assert_eq!(shows([1, 1, 1, 1, 1, 1, 1, 1, 1, 2]), Some(0.0), "a lantern is no house");
    }
}
