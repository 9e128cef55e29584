//! One token for one look. What the encoder reads off frames of the same light and palette differs by a level now and then, and land that knows no
//! seasons does not show them: a dream taught by such clips would waver. So in clips whose looks a simulator tells, all frames under one look
//! have the token that most of them were read as.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use serde::{Deserialize, Serialize};
use somnium::dream::looks::LookName;
use somnium::worlds::scene::{Light, Scene, Style, Weather};

use crate::pipeline::{read_json, write_json};
use crate::tokens::TokenClips;

/// How much more a frame counts that shows its season than one that does not.
const SHOWN: u32 = 100;

/// Rain and snow fall in so many turns, each another look.
pub const TURNS: usize = 2;

/// Tokens of looks by their names.
#[derive(Default, Serialize, Deserialize)]
pub struct Looks(pub BTreeMap<String, Vec<u8>>);

/// One part of a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Light(Light),
    Weather(Weather),
    Style(Style),
}

/// How often frames under every look were read as which token.
#[derive(Default)]
struct Readings(BTreeMap<String, BTreeMap<Vec<u8>, u32>>);

/// What the look of a frame is called. `frame`: its number in the clip.
fn name(scene: &Scene, frame: usize) -> String {
    let &Scene { style, season, light, weather, .. } = scene;
    let season = (style == Style::Plain).then_some(season);
    LookName { style, season, light, weather, turn: turn(weather, frame) }.to_string()
}

/// In which of its turns a weather falls.
fn turn(weather: Weather, frame: usize) -> usize {
    if matches!(weather, Weather::Rain | Weather::Snowfall) { frame % TURNS } else { 0 }
}

/// A look with another part; `None` where it has that already, or where nobody knows what season would show.
fn with_part(look: LookName, part: Part, frame: usize) -> Option<LookName> {
    let other = match part {
        Part::Light(light) => LookName { light, ..look },
        Part::Weather(weather) if weather == look.weather => return None,
        Part::Weather(weather) => LookName { weather, turn: turn(weather, frame), ..look },
        Part::Style(Style::Plain) => return None,
        Part::Style(style) => LookName { style, season: None, ..look },
    };
    (other != look).then_some(other)
}

/// Gives every frame of clips the token of its look, as the known ones say or else as most of its kind in these clips were read; gives all looks.
/// `scenes`: `(clips, frames)`; `dims`: levels of a token. Where a light turns by itself, a frame's look is neither that before nor that after, and
/// stays what it was read as.
pub fn settle(clips: &mut TokenClips, scenes: &[Option<Scene>], dims: usize, known: Looks) -> Looks {
    let (frames, code_bytes) = (clips.frames, clips.code_bytes);
    let of_look = |number: usize| (number + 1) * code_bytes - dims..(number + 1) * code_bytes;
    let told: Vec<(usize, &Scene)> = (0..)
        .zip(scenes)
        .filter(|(number, _)| clips.untold[*number] == 0)
        .filter_map(|(number, scene)| Some((number, scene.as_ref()?)))
        .collect();
    let mut readings = Readings::default();
    told.iter().for_each(|(number, scene)| readings.count(scene, number % frames, &clips.codes[of_look(*number)]));
    let mut looks = readings.most();
    looks.0.extend(known.0);
    for (number, scene) in told {
        if let Some(token) = looks.of(scene, number % frames) {
            clips.codes[of_look(number)].copy_from_slice(token);
            clips.blotted[of_look(number)].copy_from_slice(token);
        }
    }
    looks
}

impl Readings {
    /// Counts a frame whose look was read as this token.
    fn count(&mut self, scene: &Scene, frame: usize, token: &[u8]) {
        let weight = if scene.style != Style::Plain || scene.shows_season() { SHOWN } else { 1 };
        *self.0.entry(name(scene, frame)).or_default().entry(token.to_vec()).or_default() += weight;
    }

    fn most(self) -> Looks {
        let most = |tokens: BTreeMap<Vec<u8>, u32>| tokens.into_iter().max_by_key(|(_, count)| *count).map(|(token, _)| token);
        Looks(self.0.into_iter().filter_map(|(name, tokens)| Some((name, most(tokens)?))).collect())
    }
}

impl Looks {
    /// Reads what [`Self::write`] wrote; `None` where there is no such file.
    pub fn read(path: &Path) -> Result<Option<Self>> {
        if !path.exists() {
            return Ok(None);
        }
        read_json(path).map(Some)
    }

    pub fn write(&self, path: &Path) -> Result<()> {
        write_json(path, self)
    }

    /// The token of a frame's look, if any frame under it was ever read.
    pub fn of(&self, scene: &Scene, frame: usize) -> Option<&[u8]> {
        self.0.get(&name(scene, frame)).map(Vec::as_slice)
    }

    /// The token of frame `frame` of a clip, whose look has the token `token`, under a look that is another in one part. `None` where it is that already or was never
    /// read, and where a token stands for several looks.
    pub fn turned(&self, token: &[u8], part: Part, frame: usize) -> Option<&[u8]> {
        let mut named = self.0.iter().filter(|(_, of)| of.as_slice() == token).map(|(name, _)| name);
        let (name, None) = (named.next()?, named.next()) else { return None };
        self.0.get(&with_part(name.parse().ok()?, part, frame)?.to_string()).map(Vec::as_slice)
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use somnium::worlds::scene::{Biome, Light, Season};

    use super::*;

    fn scene(biome: Biome, weather: Weather, style: Style) -> Scene {
        Scene { biomes: vec![biome], light: Light::Day, weather, season: Season::Autumn, style, features: Vec::new() }
    }

    #[test]
    fn a_look_is_what_most_frames_under_it_were_read_as_and_seasons_are_read_where_they_show() {
        let mut readings = Readings::default();
        let (meadow, desert) = (scene(Biome::Meadow, Weather::Clear, Style::Plain), scene(Biome::Desert, Weather::Clear, Style::Plain));
        // Autumn is not seen in the desert, however long one walks there.
        (0..50).for_each(|frame| readings.count(&desert, frame, &[1, 1]));
        [[2, 2], [2, 3], [2, 2]].iter().enumerate().for_each(|(frame, token)| readings.count(&meadow, frame, token));
        let noir = scene(Biome::Desert, Weather::Clear, Style::Noir);
        readings.count(&noir, 0, &[4, 4]);
        // Rain falls in two turns, and fog does not.
        let rain = scene(Biome::Meadow, Weather::Rain, Style::Plain);
        [[0, 0], [0, 1], [0, 0]].iter().enumerate().for_each(|(frame, token)| readings.count(&rain, frame, token));
        let looks = readings.most();
        for frame in 0..2 {
            assert_eq!(looks.of(&desert, frame), Some([2, 2].as_slice()));
            assert_eq!(looks.of(&noir, frame), Some([4, 4].as_slice()));
            assert_eq!(looks.of(&rain, frame), Some([0, frame as u8].as_slice()));
        }
        assert_eq!(looks.of(&scene(Biome::Meadow, Weather::Fog, Style::Plain), 0), None, "nobody saw it");
        assert_eq!(looks.len(), 4);
    }

    #[test]
    fn looks_come_back_from_a_file_and_one_that_is_broken_is_named() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("looks.json");
        assert!(Looks::read(&path).expect("nothing").is_none());
        let looks = Looks([("Noir Day Clear 0".to_owned(), vec![7])].into());
        looks.write(&path).expect("written");
        assert_eq!(Looks::read(&path).expect("read").map(|read| read.0), Some(looks.0));
        std::fs::write(&path, "{").expect("a part of it");
        let missing = folder.path().join("none.json");
        for (why, name) in [(Looks::read(&path).err(), "looks.json"), (read_json::<Looks>(&missing).err(), "none.json")] {
            let why = why.expect("no looks").to_string();
            assert!(why.contains(&format!("{name} cannot be read")), "{why}");
        }
    }

    #[test]
    fn one_part_of_a_look_turns() {
        let names = [
            "Plain Autumn Day Clear 0",
            "Plain Autumn Dusk Clear 0",
            "Plain Autumn Day Rain 0",
            "Plain Autumn Day Rain 1",
            "Noir Day Clear 0",
        ];
        let looks = Looks(names.iter().zip(0..).map(|(name, token)| ((*name).to_owned(), vec![token])).collect());
        let turned = |token: u8, part, frame| looks.turned(&[token], part, frame).map(|token| token[0]);
        assert_eq!(turned(0, Part::Light(Light::Dusk), 5), Some(1));
        assert_eq!([4, 5].map(|frame| turned(0, Part::Weather(Weather::Rain), frame)), [Some(2), Some(3)], "rain falls in turns");
        assert_eq!(turned(3, Part::Weather(Weather::Clear), 5), Some(0));
        assert_eq!(turned(0, Part::Style(Style::Noir), 5), Some(4));
        assert_eq!((turned(4, Part::Style(Style::Plain), 5), turned(0, Part::Light(Light::Day), 5)), (None, None), "no season, no change");
        assert_eq!((turned(4, Part::Light(Light::Dusk), 5), turned(9, Part::Light(Light::Dusk), 5)), (None, None), "never read");
        // Where autumn is not seen a token stands for two looks.
        let mut two = Looks(looks.0.clone());
        two.0.insert("Plain Summer Day Clear 0".to_owned(), vec![0]);
        assert_eq!(two.turned(&[0], Part::Light(Light::Dusk), 5), None);
    }

    #[test]
    fn frames_under_one_look_get_one_token_and_their_land_stays() {
        let mut clips = TokenClips::new(4, 4, 0);
        (clips.clips, clips.untold) = (1, vec![0, 0, 0, 1]);
        // Two patches and the look, of a level each but for the look's two.
        clips.codes = vec![0, 1, 3, 3, 2, 3, 3, 4, 1, 0, 3, 3, 0, 0, 2, 2];
        clips.blotted = vec![4; 16];
        let scenes = vec![Some(scene(Biome::Meadow, Weather::Clear, Style::Plain)); 4];
        let looks = settle(&mut clips, &scenes, 2, Looks::default());
        assert_eq!(clips.codes, [0, 1, 3, 3, 2, 3, 3, 3, 1, 0, 3, 3, 0, 0, 2, 2], "what turns by itself stays");
        assert_eq!(clips.blotted, [4, 4, 3, 3, 4, 4, 3, 3, 4, 4, 3, 3, 4, 4, 4, 4]);
        // What is known goes before what is read.
        clips.codes.fill(1);
        let fog = vec![Some(scene(Biome::Meadow, Weather::Fog, Style::Plain)); 4];
        let all = settle(&mut clips, &fog, 2, looks);
        assert_eq!((all.len(), &clips.codes[..4]), (2, [1; 4].as_slice()), "what is not known is read");
        settle(&mut clips, &scenes, 2, all);
        assert_eq!(clips.codes[..4], [1, 1, 3, 3]);
    }
}
