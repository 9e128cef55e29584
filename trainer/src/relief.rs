//! What of a world's land stands up, what mirrors it and what lights it, in the tokens of a pack: a player looks at its dreams
//! from within by that.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use somnium::engine::Engine;
use somnium::engine::cpu::{CpuEngine, CpuOptions};
use somnium::engine::vocabulary::{Vocabulary, key};
use somnium::pack::Pack;
use somnium::pack::manifest::{FrameDims, Relief, Shining, Standing, StillWater};
use somnium::worlds::scene::{Biome, Wish};
use somnium::worlds::{self, relief};

/// As the simulator tells that a pack was made from; nothing of a pack of recordings, and of a world that cannot tell.
pub fn of(pack: &Pack) -> Result<Option<Relief>> {
    let Some(mut world) = pack.manifest.provenance.world.as_deref().and_then(worlds::by_name) else { return Ok(None) };
    let Some(relief) = world.relief()? else { return Ok(None) };
    world.reset_under(0, &Wish { biome: Some(Biome::Meadow), ..Wish::default() }.bare());
    let mut rgb = vec![0; pack.manifest.frame.rgb_bytes()];
    world.render(&mut rgb);
    let mut reader = Reader { engine: CpuEngine::new(pack, CpuOptions::default())?, frame: pack.manifest.frame, rgb };
    let [zenith, horizon] = &relief.sky_rgb;
    let sky = [reader.token(zenith)?, reader.token(horizon)?];
    let standing = |upright: relief::Upright| -> Result<(String, Standing)> {
        let (token, ground) = (reader.token(&upright.rgb)?, reader.token(&upright.ground_rgb)?);
        Ok((upright.name, Standing { token, ground, feature: Some(upright.feature), cutout: upright.cutout }))
    };
    let standing = relief.standing.into_iter().map(standing).collect::<Result<_>>()?;
    let mut shapes: BTreeMap<Vec<u8>, Vec<Vec<u32>>> = BTreeMap::new();
    for relief::StillWater { rgb, rows } in relief.water {
        shapes.entry(reader.token(&rgb)?).or_default().push(rows);
    }
    // No dream shows a token that is not in its vocabulary.
    let vocabulary = Vocabulary::of(pack)?;
    let frame = reader.frame;
    let known = |token: &[u8]| vocabulary.as_ref().is_none_or(|known| known.keys().contains(&key(token, &frame)));
    shapes.retain(|token, _| known(token));
    let water = shapes.into_iter().map(|(token, shapes)| StillWater { token, rows: in_half(&shapes) }).collect();
    let mut shining = Vec::new();
    for relief::Shining { rgb, rows } in relief.shining {
        let tokens = rgb.iter().map(|rgb| reader.token(rgb)).collect::<Result<BTreeSet<_>>>()?;
        shining.push(Shining { tokens: tokens.into_iter().filter(|token| known(token)).collect(), rows });
    }
    Ok(Some(Relief { sky, standing, water, shining: each_once(shining) }))
}

/// Each token shines as the first group has it that it is in; groups without any are left out.
fn each_once(mut shining: Vec<Shining>) -> Vec<Shining> {
    let mut taken = BTreeSet::new();
    for Shining { tokens, .. } in &mut shining {
        tokens.retain(|token| taken.insert(token.clone()));
    }
    shining.retain(|shining| !shining.tokens.is_empty());
    shining
}

/// A token may stand for several shapes: what it shows is in half of them at least.
fn in_half(shapes: &[Vec<u32>]) -> Vec<u32> {
    let bit = |row: usize, x: u32| shapes.iter().filter(|shape| shape[row] >> x & 1 == 1).count() * 2 >= shapes.len();
    (0..shapes.first().map_or(0, Vec::len)).map(|row| (0..u32::BITS).map(|x| u32::from(bit(row, x)) << x).sum()).collect()
}

/// Reads patches where they lie in an ordinary frame, since they are read in its light.
struct Reader {
    engine: CpuEngine,
    frame: FrameDims,
    rgb: Vec<u8>,
}

impl Reader {
    fn token(&mut self, patch_rgb: &[u8]) -> Result<Vec<u8>> {
        let row_bytes = self.frame.patch_px * 3;
        for (to, from) in self.rgb.chunks_exact_mut(self.frame.width_px * 3).zip(patch_rgb.chunks_exact(row_bytes)) {
            to[..row_bytes].copy_from_slice(from);
        }
        let codes = self.engine.encode(&self.rgb)?;
        codes.get(..self.frame.code_dims).map(<[u8]>::to_vec).context("a frame without tokens")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_of_several_shapes_is_water_where_half_of_them_are() {
        assert_eq!(in_half(&[vec![0b0111, 0], vec![0b1110, 1], vec![0b0110, 3]]), [0b0110, 1]);
        // One by itself is what it is, two are both. The control: a third is not half.
        assert_eq!(
            (in_half(&[vec![5, 9]]), in_half(&[vec![1], vec![2]]), in_half(&[vec![1], vec![2], vec![4]])),
            (vec![5, 9], vec![3], vec![0])
        );
    }

    #[test]
    fn a_token_shines_in_one_way() {
        let group = |tokens: &[u8], row: u32| Shining { tokens: tokens.iter().map(|token| vec![*token]).collect(), rows: vec![row] };
        let groups = vec![group(&[4, 2], 1), group(&[2], 2), group(&[2, 7], 3)];
        assert_eq!(each_once(groups), [group(&[4, 2], 1), group(&[7], 3)]);
        // The control: what no two groups have stays as it is.
        assert_eq!(each_once(vec![group(&[4], 1), group(&[7], 3)]), [group(&[4], 1), group(&[7], 3)]);
    }
}
