//! What of a world's land stands up, in the tokens of a pack: a player looks at its dreams from within by that.

use anyhow::{Context, Result};
use somnium::engine::Engine;
use somnium::engine::cpu::{CpuEngine, CpuOptions};
use somnium::pack::Pack;
use somnium::pack::manifest::{FrameDims, Relief, Standing};
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
    Ok(Some(Relief { sky, standing: relief.standing.into_iter().map(standing).collect::<Result<_>>()? }))
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
