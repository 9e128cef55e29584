//! What of a world's land stands up, and what mirrors it, in the tokens of a pack: a player looks at its dreams from within by that.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use somnium::engine::Engine;
use somnium::engine::cpu::{CpuEngine, CpuOptions};
use somnium::engine::vocabulary::{Vocabulary, key};
use somnium::pack::Pack;
use somnium::pack::manifest::{FrameDims, Relief, Standing, StillWater};
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
    shapes.retain(|token, _| vocabulary.as_ref().is_none_or(|known| known.keys().contains(&key(token, &reader.frame))));
    let water = shapes.into_iter().map(|(token, shapes)| StillWater { token, rows: in_half(&shapes) }).collect();
    Ok(Some(Relief { sky, standing, water }))
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
}
