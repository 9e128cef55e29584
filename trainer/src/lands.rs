//! Of which land a pack's tokens are, and what stands out in them: a player makes the sound of a place by that.

use std::collections::BTreeMap;

use anyhow::Result;
use somnium::engine::Engine;
use somnium::engine::cpu::{CpuEngine, CpuOptions};
use somnium::pack::Pack;
use somnium::worlds::policy::{Onward, Policy};
use somnium::worlds::scene::{Attribute, Biome, Feature, Wish};
use somnium::worlds::{self, StepOutcome, World, WorldInfo};

/// Steps of a walk, and after how many the next frame is read: by then most of what is seen is new.
const STEPS: usize = 48;
const STEPS_A_FRAME: usize = 6;
/// Patches that a token is seen on, at least, to say something of it.
const LEAST_SEEN: u32 = 5;

/// Tokens by the plain words of what they show, read off walks through the simulator that a pack was made from. Nothing of a pack of
/// recordings, of a world that cannot tell, and of frames without a look, whose tokens say light and weather, too.
pub fn of(pack: &Pack) -> Result<BTreeMap<String, Vec<Vec<u8>>>> {
    let (m, frame) = (&pack.manifest, pack.manifest.frame);
    let world = m.provenance.world.as_deref().and_then(worlds::by_name).filter(|_| frame.look);
    let fits = |info: &WorldInfo| [info.width_px, info.height_px, info.patch_px] == [frame.width_px, frame.height_px, frame.patch_px];
    let Some(mut world) = world.filter(|world| fits(world.info())) else { return Ok(BTreeMap::new()) };
    let mut engine = CpuEngine::new(pack, CpuOptions::default())?;
    let covered = m.recall().map(|recall| recall.covered.as_slice()).unwrap_or_default();
    Ok(seen_on_walks(world.as_mut(), frame.code_dims, covered, |rgb| Ok(engine.encode(rgb)?))?.most())
}

/// On how many patches each token was seen, by the words of what these are.
#[derive(Default)]
struct Seen(BTreeMap<Vec<u8>, BTreeMap<String, u32>>);

impl Seen {
    fn count(&mut self, token: &[u8], land: Biome, feature: Option<Feature>) {
        let words = feature.map_or_else(|| land.word().to_owned(), |feature| format!("{} {}", land.word(), feature.word()));
        *self.0.entry(token.to_vec()).or_default().entry(words).or_default() += 1;
    }

    /// Each token under what two thirds of its patches or more are.
    fn most(self) -> BTreeMap<String, Vec<Vec<u8>>> {
        let mut lands: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
        for (token, shown) in self.0 {
            let patches: u32 = shown.values().sum();
            if let Some((words, _)) = shown.into_iter().find(|(_, most)| patches >= LEAST_SEEN && 3 * most >= 2 * patches) {
                lands.entry(words).or_default().push(token);
            }
        }
        lands
    }
}

/// Walks through every land and has frames read. `encode` gives their tokens, of `dims` levels; what the figure covers does not count.
fn seen_on_walks(world: &mut dyn World, dims: usize, covered: &[usize], mut encode: impl FnMut(&[u8]) -> Result<Vec<u8>>) -> Result<Seen> {
    let mut seen = Seen::default();
    let mut rgb = vec![0; world.info().width_px * world.info().height_px * 3];
    for (seed, wish) in (0..).zip(wishes()) {
        world.reset_under(seed, &wish);
        let (mut policy, mut last) = (Onward::new(seed), StepOutcome::default());
        for step in 0..STEPS {
            if step.is_multiple_of(STEPS_A_FRAME) {
                let Some(patches) = world.patches() else { return Ok(seen) };
                world.render(&mut rgb);
                let codes = encode(&rgb)?;
                let tokens = codes.chunks_exact(dims).zip(patches).enumerate().filter(|(patch, _)| !covered.contains(patch));
                tokens.for_each(|(_, (token, &(land, feature)))| seen.count(token, land, feature));
            }
            last = world.step(policy.next(last));
        }
    }
    Ok(seen)
}

/// Every land twice as it is by itself and once with each thing that is at home there, in plain colours on a clear day.
fn wishes() -> impl Iterator<Item = Wish> {
    Biome::ALL.iter().flat_map(|&land| {
        let at_home = Feature::ALL.iter().copied().filter(move |feature| feature.lands().contains(&land));
        let wish = move |feature: Option<Feature>| Wish { biome: Some(land), features: Vec::from_iter(feature), ..Wish::default() }.bare();
        [None; 2].into_iter().chain(at_home.map(Some)).map(wish)
    })
}

#[cfg(test)]
mod tests {
    use somnium::checksum;
    use somnium::pack::manifest::Manifest;
    use somnium::pack::random::{plain_manifest, random_pack};

    use super::*;

    #[test]
    fn a_token_is_of_what_most_of_its_patches_are_of() {
        let mut seen = Seen::default();
        let patches = [
            (1, Biome::Meadow, None, 4),
            (1, Biome::Forest, None, 2),
            (2, Biome::Volcano, Some(Feature::Lava), 5),
            // The controls: one that is of two lands about as often, and one that was hardly seen.
            (3, Biome::Meadow, None, 5),
            (3, Biome::Forest, None, 3),
            (4, Biome::Snow, None, 4),
        ];
        for (token, land, feature, patches) in patches {
            (0..patches).for_each(|_| seen.count(&[token], land, feature));
        }
        let told = [("meadow", vec![vec![1]]), ("volcano lava", vec![vec![2]])];
        assert_eq!(seen.most(), BTreeMap::from(told.map(|(words, tokens)| (words.to_owned(), tokens))));
    }

    /// Tokens of 8 bytes, another for every picture of a patch of 16 pixels in a frame of 144 across.
    fn pictures(rgb: &[u8]) -> Vec<u8> {
        let [row, patch_row] = [144 * 3, 16 * 3];
        let picture = |corner: usize| (0..16).fold(0, |sum, y| checksum::go_on(sum, &rgb[corner + y * row..][..patch_row]));
        let corners = (0..rgb.len()).step_by(16 * row).flat_map(|top| (top..top + row).step_by(patch_row));
        corners.flat_map(|corner| picture(corner).to_le_bytes()).collect()
    }

    #[test]
    fn walks_show_every_land_and_what_stands_out_there() {
        let mut world = worlds::by_name("isles").expect("the isles");
        let mut frames = 0;
        let seen = seen_on_walks(world.as_mut(), 8, &[31], |rgb| {
            frames += 1;
            Ok(pictures(rgb))
        });
        let lands = seen.expect("nothing fails").most();
        assert!((300..500).contains(&frames), "{frames} frames");
        let things =
            ["meadow flowers", "meadow village", "forest trees", "desert cactus", "snow rocks", "swamp lake", "volcano lava", "water lake"];
        let by_themselves = Biome::WORDS.iter().copied().filter(|land| *land != Biome::Water.word());
        let missing: Vec<&str> = by_themselves.chain(things).filter(|words| !lands.contains_key(*words)).collect();
        assert!(missing.is_empty(), "{missing:?}");
        for words in lands.keys() {
            let wish = Wish::of_words(words.split(' '));
            assert!(wish.biome.is_some() && wish.len() == words.split(' ').count(), "{words}");
        }
        // The control: of patches that all look alike nobody can tell the land.
        let alike = seen_on_walks(world.as_mut(), 1, &[31], |_| Ok(vec![0; 63])).expect("nothing fails").most();
        assert!(alike.is_empty(), "{alike:?}");
    }

    #[test]
    fn a_pack_is_told_its_lands_where_a_simulator_knows_them_and_tokens_say_no_light() {
        let mut manifest = plain_manifest();
        let tokenizer = &mut manifest.tokenizer;
        (tokenizer.channels, tokenizer.heads, tokenizer.ffn_hidden) = (16, 2, 16);
        (tokenizer.patch_in_hidden, tokenizer.patch_out_hidden) = (16, 16);
        (manifest.frame.look, manifest.provenance.world) = (true, Some("isles".to_owned()));
        let told = |change: fn(&mut Manifest)| {
            let mut changed = manifest.clone();
            change(&mut changed);
            let mut pack = random_pack(changed, 3).expect("a pack");
            pack.manifest.provenance.lands = of(&pack).expect("lands");
            pack.validate().expect("tokens of the pack");
            pack.manifest.provenance.lands
        };
        let lands = told(|_| {});
        assert!(!lands.is_empty() && lands == told(|_| {}));
        let without: [fn(&mut Manifest); 3] = [|m| m.frame.look = false, |m| m.provenance.world = None, |m| m.frame.width_px = 128];
        assert!(without.into_iter().all(|without| told(without).is_empty()));
    }
}
