//! What the look of a dream's frame says: its light, weather, season and style, as far as its pack's maker has told.

use std::collections::{BTreeMap, HashMap};
use std::fmt::{self, Debug, Display};
use std::str::FromStr;

use crate::pack::manifest::FrameDims;
use crate::worlds::scene::{Light, Season, Style, Weather, Wish};

/// What tells a look from others. Packs call it so: "Noir Night Fog 0", or "Plain Autumn Dusk Rain 1".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LookName {
    pub style: Style,
    /// Told of plain colours alone: styles have their own.
    pub season: Option<Season>,
    pub light: Light,
    pub weather: Weather,
    /// Rain and snow fall in turns, each another look.
    pub turn: usize,
}

impl LookName {
    fn of_words(words: &[&str]) -> Option<Self> {
        let [style, season @ .., light, weather, turn] = words else { return None };
        let season = match season {
            [] => None,
            [season] => Some(named(Season::ALL, season)?),
            _ => return None,
        };
        let (light, weather) = (named(Light::ALL, light)?, named(Weather::ALL, weather)?);
        Some(Self { style: named(Style::ALL, style)?, season, light, weather, turn: turn.parse().ok()? })
    }

    /// The same in the other of two turns.
    pub fn in_other_turn(self) -> Option<Self> {
        Some(Self { turn: 1_usize.checked_sub(self.turn)?, ..self })
    }

    fn says(self) -> Wish {
        let Self { style, season, light, weather, turn: _ } = self;
        Wish { light: Some(light), weather: Some(weather), season, style: Some(style), ..Wish::default() }
    }
}

impl Display for LookName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { style, season, light, weather, turn } = self;
        let season = season.map_or_else(String::new, |season| format!(" {season:?}"));
        write!(f, "{style:?}{season} {light:?} {weather:?} {turn}")
    }
}

/// A text that is no [`LookName`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not the name of a look")]
pub struct NotALook(String);

impl FromStr for LookName {
    type Err = NotALook;

    fn from_str(name: &str) -> Result<Self, NotALook> {
        Self::of_words(&name.split(' ').collect::<Vec<_>>()).ok_or_else(|| NotALook(name.to_owned()))
    }
}

/// The value that is called so.
fn named<T: Copy + Debug>(all: &[T], name: &str) -> Option<T> {
    all.iter().copied().find(|value| format!("{value:?}") == name)
}

/// What tokens of looks say.
pub struct Looks {
    says: HashMap<Vec<u8>, Wish>,
    /// Levels of a token.
    dims: usize,
}

impl Looks {
    /// Of tokens by their names, as a pack with such frames has them; of one without looks they say nothing.
    pub fn of(looks: &BTreeMap<String, Vec<u8>>, frame: &FrameDims) -> Self {
        let mut says: HashMap<Vec<u8>, Wish> = HashMap::new();
        let names = looks.iter().filter(|_| frame.look);
        for (name, token) in names {
            let Ok(name) = name.parse::<LookName>() else { continue };
            let said = name.says();
            says.entry(token.clone()).and_modify(|known| *known = common(known, &said)).or_insert(said);
        }
        // Both turns of what falls say the same: one may share its token with another look.
        for (name, token) in looks {
            let other = name.parse::<LookName>().ok().and_then(LookName::in_other_turn);
            let Some(other) = other.and_then(|other| looks.get(&other.to_string())) else { continue };
            let (Some(one), Some(two)) = (says.get(token), says.get(other)) else { continue };
            let both = common(one, two);
            says.extend([(token.clone(), both.clone()), (other.clone(), both)]);
        }
        Self { says, dims: frame.code_dims }
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
    use std::path::Path;

    use super::*;
    use crate::pack::Pack;
    use crate::pack::random::look_manifest;

    #[test]
    fn the_shipped_looks_are_called_as_they_are_read() {
        let pack = Pack::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("weights/isles.safetensors")).unwrap();
        let names: Vec<&str> = pack.manifest.provenance.looks.keys().map(String::as_str).collect();
        assert!(names.contains(&"Plain Autumn Dusk Rain 1") && names.contains(&"Noir Night Fog 0"), "{names:?}");
        for name in &names {
            assert_eq!(name.parse::<LookName>().map(|look| look.to_string()), Ok((*name).to_owned()));
        }
        // Rain that falls by turns looks the same all the time.
        let looks = Looks::of(&pack.manifest.provenance.looks, &pack.manifest.frame);
        let said = |name: &str| looks.read(pack.manifest.provenance.looks.get(name)?).cloned();
        let turns = names.iter().filter_map(|name| Some((name, format!("{} 1", name.strip_suffix(" 0")?))));
        let turns: Vec<_> = turns.filter_map(|(name, other)| Some((name, said(name)?, said(&other)?))).collect();
        let otherwise: Vec<_> = turns.iter().filter(|(_, one, two)| one != two).collect();
        assert!(turns.len() > 50 && otherwise.is_empty(), "{} pairs, {otherwise:?}", turns.len());
        for other in ["", "Noir Night Fog", "noir Night Fog 0", "Noir Night Fog one", "Plain Autumn Winter Dusk Rain 1"] {
            assert!(other.parse::<LookName>().is_err(), "{other:?}");
        }
    }

    #[test]
    fn the_last_token_of_a_frame_says_how_it_looks() {
        let mut manifest = look_manifest();
        manifest.frame.code_dims = 2;
        let names = [("Plain Autumn Dusk Rain 1", [1, 2]), ("Noir Night Fog 0", [3, 4]), ("Plain Winter Dusk Rain 0", [1, 2])];
        manifest.provenance.looks = names.map(|(name, token)| (name.to_owned(), token.to_vec())).into();
        let looks = Looks::of(&manifest.provenance.looks, &manifest.frame);
        let dusk = Wish { light: Some(Light::Dusk), weather: Some(Weather::Rain), style: Some(Style::Plain), ..Wish::default() };
        assert_eq!(looks.read(&[0, 0, 1, 2]), Some(&dusk), "of two names what both say");
        assert_eq!(looks.read(&[1, 2, 3, 4]).map(|look| (look.style, look.light)), Some((Some(Style::Noir), Some(Light::Night))));
        assert_eq!((looks.read(&[1, 2, 0, 0]), looks.read(&[1])), (None, None));
        manifest.provenance.looks = [("Plain Autumn Dusk Rain 1".to_owned(), vec![1, 2])].into();
        assert_eq!(Looks::of(&manifest.provenance.looks, &manifest.frame).read(&[1, 2]).and_then(|look| look.season), Some(Season::Autumn));
        manifest.frame.look = false;
        assert_eq!(Looks::of(&manifest.provenance.looks, &manifest.frame).read(&[1, 2]), None, "the last token is of the land");
    }
}
