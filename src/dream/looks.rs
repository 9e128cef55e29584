//! What the look of a dream's frame says: its light, weather, season and style, as far as its pack's maker has told.

use std::collections::HashMap;

use crate::pack::manifest::Manifest;
use crate::worlds::scene::Wish;

/// What tokens of looks say.
pub struct Looks {
    says: HashMap<Vec<u8>, Wish>,
    /// Levels of a token.
    dims: usize,
}

impl Looks {
    /// Of a pack; of one without looks they say nothing.
    pub fn of(manifest: &Manifest) -> Self {
        let mut says: HashMap<Vec<u8>, Wish> = HashMap::new();
        let names = manifest.provenance.looks.iter().filter(|_| manifest.frame.look);
        for (name, token) in names {
            let name = name.to_lowercase();
            let said = Wish::of_words(name.split(' '));
            says.entry(token.clone()).and_modify(|known| *known = common(known, &said)).or_insert(said);
        }
        Self { says, dims: manifest.frame.code_dims }
    }

    /// What the look of a frame of these codes, `(tokens, code_dims)`, says; nothing of land, and nothing where the look is one of its own.
    pub fn read(&self, codes: &[u8]) -> Option<&Wish> {
        self.says.get(codes.get(codes.len().checked_sub(self.dims)?..)?)
    }
}

/// What both of two names of a token say.
fn common(one: &Wish, other: &Wish) -> Wish {
    Wish {
        light: one.light.filter(|_| one.light == other.light),
        weather: one.weather.filter(|_| one.weather == other.weather),
        season: one.season.filter(|_| one.season == other.season),
        style: one.style.filter(|_| one.style == other.style),
        ..Wish::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pack::random::look_manifest;
    use crate::worlds::scene::{Light, Season, Style, Weather};

    #[test]
    fn the_last_token_of_a_frame_says_how_it_looks() {
        let mut manifest = look_manifest();
        manifest.frame.code_dims = 2;
        let names = [("Plain Autumn Dusk Rain 1", [1, 2]), ("Noir Night Fog 0", [3, 4]), ("Plain Winter Dusk Rain 0", [1, 2])];
        manifest.provenance.looks = names.map(|(name, token)| (name.to_owned(), token.to_vec())).into();
        let looks = Looks::of(&manifest);
        let dusk = Wish { light: Some(Light::Dusk), weather: Some(Weather::Rain), style: Some(Style::Plain), ..Wish::default() };
        assert_eq!(looks.read(&[0, 0, 1, 2]), Some(&dusk), "of two names what both say");
        assert_eq!(looks.read(&[1, 2, 3, 4]).map(|look| (look.style, look.light)), Some((Some(Style::Noir), Some(Light::Night))));
        assert_eq!((looks.read(&[1, 2, 0, 0]), looks.read(&[1])), (None, None));
        manifest.provenance.looks = [("Plain Autumn Dusk Rain 1".to_owned(), vec![1, 2])].into();
        assert_eq!(Looks::of(&manifest).read(&[1, 2]).and_then(|look| look.season), Some(Season::Autumn));
        manifest.frame.look = false;
        assert_eq!(Looks::of(&manifest).read(&[1, 2]), None, "the last token is of the land");
    }
}
