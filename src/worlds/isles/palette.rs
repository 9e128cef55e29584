//! What a season, a style, a light and a weather make of the colours of the drawings.

use std::collections::HashMap;

use super::art::{Art, Colour, hex_colour};
use super::sky::LightLook;
use crate::worlds::AssetError;
use crate::worlds::scene::{Attribute, Light, Season, Style, Weather};

/// Name of the file of palettes in messages.
const FILE: &str = "palettes.txt";

pub type Rgb = [u8; 3];

/// What decides all colours of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    pub light: LightLook,
    pub weather: Weather,
    pub season: Season,
    pub style: Style,
}

/// The colours of a frame, each by the index of the drawings.
#[derive(Clone, Debug, Default)]
pub struct Palette {
    pub land: Vec<Rgb>,
    pub figure: Vec<Rgb>,
    /// Falling rain or snow, body and rim.
    pub falling: [Rgb; 2],
}

/// How much of its own light a glowing colour, the figure and falling rain or snow keep in the dark and in the mist.
const GLOW: f32 = 0.85;
const FIGURE_GLOW: f32 = 0.65;
const FALLING_GLOW: f32 = 0.55;

/// How much of the air's colour is seen in rain, snowfall and fog.
const RAIN: f32 = 0.26;
const SNOWFALL: f32 = 0.28;
const FOG: f32 = 0.42;

/// What a style makes of a colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dye {
    /// One of the style's tones, 0 the darkest.
    Tone(usize),
    Paint(Rgb),
}

/// A palette of the whole picture other than the plain one.
#[derive(Clone, Debug)]
struct Dyes {
    /// The tones under each light, darkest first.
    ramps: [Vec<Rgb>; 4],
    /// By the index of the drawings.
    dyes: Vec<Dye>,
    /// What paint turns toward under each light, and how far.
    tints: [(Rgb, f32); 4],
}

/// The colours of the drawings in every season and style.
pub struct Colours {
    /// `[season][colour]`
    seasons: [Vec<Colour>; 4],
    /// In the order of [`Style::ALL`], without the plain one.
    styles: Vec<Dyes>,
}

impl Colours {
    /// Parses `palettes.txt` for the drawings.
    ///
    /// # Errors
    /// [`AssetError`], naming the line or the style.
    pub fn parse(text: &str, art: &Art) -> Result<Self, AssetError> {
        let mut seasons: [Vec<Colour>; 4] = std::array::from_fn(|_| art.palette.clone());
        let mut ramps: HashMap<(Style, Light), Vec<Rgb>> = HashMap::new();
        let mut tints: HashMap<(Style, Light), (Rgb, f32)> = HashMap::new();
        let mut dyes: HashMap<(Style, u8), Dye> = HashMap::new();
        for (number, line) in text.lines().enumerate().map(|(i, line)| (i + 1, line)) {
            let words: Vec<&str> = line.split_whitespace().collect();
            let at = |what: String| AssetError::at(FILE, number, what);
            let hex = |hex: &str| hex_colour(hex).ok_or_else(|| at(format!("{hex} is not a #rrggbb colour")));
            let style = |name: &str| named(Style::ALL, Style::word, name).ok_or_else(|| at(format!("no style {name}")));
            let light = |name: &str| named(Light::ALL, Light::word, name).ok_or_else(|| at(format!("no light {name}")));
            let colour = |name: &str| art.colour(name).map_err(|error| at(error.to_string()));
            match words.as_slice() {
                [] => {}
                ["#", ..] => {}
                ["season", season, name, rgb] => {
                    let season = named(Season::ALL, Season::word, season).ok_or_else(|| at(format!("no season {season}")))?;
                    seasons[season as usize][usize::from(colour(name)?)].rgb = hex(rgb)?;
                }
                ["ramp", of, under, tones @ ..] if tones.len() >= 2 => {
                    ramps.insert((style(of)?, light(under)?), tones.iter().map(|tone| hex(tone)).collect::<Result<_, _>>()?);
                }
                ["tint", of, under, toward, percent] => {
                    let share: f32 = percent.parse().map_err(|_| at(format!("{percent} is not a number")))?;
                    tints.insert((style(of)?, light(under)?), (hex(toward)?, share / 100.0));
                }
                ["tone", of, tone, names @ ..] => {
                    let tone = tone.parse().map_err(|_| at(format!("{tone} is not a number")))?;
                    for name in names {
                        dyes.insert((style(of)?, colour(name)?), Dye::Tone(tone));
                    }
                }
                ["paint", of, names @ .., rgb] => {
                    for name in names {
                        dyes.insert((style(of)?, colour(name)?), Dye::Paint(hex(rgb)?));
                    }
                }
                _ => return Err(at("neither a comment nor season, ramp, tone, paint or tint".to_owned())),
            }
        }
        let dyed = |&style: &Style| {
            let ramp = |light: &Light| ramps.remove(&(style, *light));
            let ramps = Light::ALL.iter().map(ramp).collect::<Option<Vec<_>>>().and_then(|ramps| <[Vec<Rgb>; 4]>::try_from(ramps).ok());
            let ramps = ramps.filter(|ramps| ramps.iter().all(|ramp| ramp.len() == ramps[0].len()));
            let missing = || AssetError::of(FILE, format!("gives {} no ramps of one length for four lights", style.word()));
            let ramps = ramps.ok_or_else(missing)?;
            let tones = ramps[0].len();
            let mut all = by_brightness(art, tones, |index| dyes.contains_key(&(style, index)));
            for (&(_, index), &dye) in dyes.iter().filter(|((of, _), _)| *of == style) {
                if matches!(dye, Dye::Tone(tone) if tone >= tones) {
                    return Err(AssetError::of(FILE, format!("names a tone of {} that is not among its {tones}", style.word())));
                }
                all[usize::from(index)] = dye;
            }
            let tints = std::array::from_fn(|i| tints.get(&(style, Light::ALL[i])).copied().unwrap_or(([0; 3], 0.0)));
            Ok(Dyes { ramps, dyes: all, tints })
        };
        let styles = Style::ALL.iter().filter(|&&style| style != Style::Plain).map(dyed).collect::<Result<_, AssetError>>()?;
        Ok(Self { seasons, styles })
    }

    pub fn palette(&self, look: Look) -> Palette {
        let colours = &self.seasons[look.season as usize];
        let Some(dyes) = (look.style as usize).checked_sub(1).map(|i| &self.styles[i]) else {
            let falling = match look.weather {
                Weather::Snowfall => [[255, 255, 255], [150, 172, 222]],
                _ => [[196, 224, 255], [120, 168, 232]],
            };
            let graded = |colour: &Colour, glow: f32| grade(*colour, glow, look.light, look.weather);
            return Palette {
                land: colours.iter().map(|c| graded(c, if c.glow { GLOW } else { 0.0 })).collect(),
                // The figure keeps some of its own light: it must be seen in every night.
                figure: colours.iter().map(|c| graded(c, FIGURE_GLOW)).collect(),
                falling: falling.map(|rgb| grade(Colour { rgb, glow: false, lit: None }, FALLING_GLOW, look.light, Weather::Clear)),
            };
        };
        let dye = |(index, colour): (usize, &Colour), keep: f32| dyes.colour(index, *colour, look, keep);
        let last = dyes.ramps[0].len() - 1;
        Palette {
            land: colours.iter().enumerate().map(|c| dye(c, 0.0)).collect(),
            figure: colours.iter().enumerate().map(|c| dye(c, FIGURE_GLOW)).collect(),
            falling: [last, last - 1].map(|tone| whole(under_both(look.light, |light| dyes.tone(tone, light)))),
        }
    }
}

/// The tone of every colour by its brightness. A ground's shade and light are the tones beside that of its base, so that its texture is
/// seen in the fewest tones; grounds `given` a dye are left out.
fn by_brightness(art: &Art, tones: usize, given: impl Fn(u8) -> bool) -> Vec<Dye> {
    let mut all: Vec<usize> = art.palette.iter().map(|c| (luma(c.rgb.map(f32::from)) / 256.0 * tones as f32) as usize).collect();
    for ground in art.grounds() {
        let [base, shade, light] = [ground.base, ground.shade, ground.light];
        if ![base, shade, light].into_iter().any(&given) {
            let tone = all[usize::from(base)].max(1);
            all[usize::from(base)] = tone;
            all[usize::from(shade)] = tone - 1;
            all[usize::from(light)] = (tone + 1).min(tones - 1);
        }
    }
    all.into_iter().map(Dye::Tone).collect()
}

impl Dyes {
    fn tone(&self, tone: usize, light: Light) -> [f32; 3] {
        self.ramps[light as usize][tone].map(f32::from)
    }

    /// A colour of the drawings in this style. `keep` is how much of itself it keeps in the dark and in the mist.
    fn colour(&self, index: usize, colour: Colour, look: Look, keep: f32) -> Rgb {
        let tones = self.ramps[0].len();
        let glows = colour.glow || colour.lit.is_some() && look.light.dark();
        let lit = |light: Light| match self.dyes[index] {
            // What glows has the brightness of day; a lamp that is lit is the brightest there is.
            _ if colour.lit.is_some() && light.dark() => self.tone(tones - 1, Light::Day),
            Dye::Tone(tone) if colour.glow => self.tone(tone, Light::Day),
            // The figure is a tone brighter at night, but for its outline.
            Dye::Tone(tone) if light == Light::Night && keep > 0.0 && tone > 0 => self.tone((tone + 1).min(tones - 1), light),
            Dye::Tone(tone) => self.tone(tone, light),
            Dye::Paint(rgb) => {
                let (toward, share) = self.tints[light as usize];
                mix(rgb.map(f32::from), toward.map(f32::from), if colour.glow { 0.0 } else { share * (1.0 - keep) })
            }
        };
        let (tone, share) = match look.weather {
            Weather::Clear => (0, 0.0),
            Weather::Rain => (1, RAIN),
            Weather::Snowfall => (tones / 2, SNOWFALL),
            Weather::Fog => (tones - 2, FOG),
        };
        let air = under_both(look.light, |light| self.tone(tone, light));
        let keep = if glows { GLOW } else { keep };
        whole(mix(under_both(look.light, lit), air, share * (1.0 - 0.5 * keep)))
    }
}

/// A colour under the present light, or half way between two.
fn under_both(look: LightLook, lit: impl Fn(Light) -> [f32; 3]) -> [f32; 3] {
    match look {
        LightLook::Settled(light) => lit(light),
        LightLook::Turning(from, to) => mix(lit(from), lit(to), 0.5),
    }
}

/// An sRGB colour in the plain style. `glow` is how much of its own light it keeps in the dark, 0 to 1.
fn grade(colour: Colour, glow: f32, look: LightLook, weather: Weather) -> Rgb {
    let glow = if colour.lit.is_some() && look.dark() { GLOW } else { glow };
    let lit = |light: Light| {
        let rgb = colour.lit.filter(|_| light.dark()).unwrap_or(colour.rgb).map(f32::from);
        mix(under(rgb, light), rgb, if light == Light::Day { 0.0 } else { glow })
    };
    let lit = under_both(look, lit);
    let dark = match look {
        LightLook::Settled(Light::Night) => 0.5,
        LightLook::Turning(Light::Night, _) | LightLook::Turning(_, Light::Night) => 0.7,
        _ => 1.0,
    };
    let air = |toward: [f32; 3], share: f32| mix(lit, toward.map(|v| v * dark), share * (1.0 - 0.5 * glow));
    whole(match weather {
        Weather::Clear => lit,
        Weather::Rain => air([74.0, 96.0, 138.0], RAIN),
        Weather::Snowfall => air([126.0, 146.0, 190.0], SNOWFALL),
        Weather::Fog => air([186.0, 196.0, 216.0], FOG),
    })
}

fn under(c: [f32; 3], light: Light) -> [f32; 3] {
    let luma = luma(c);
    let tone =
        |saturation: f32, gain: [f32; 3], lift: [f32; 3]| std::array::from_fn(|i| (luma + (c[i] - luma) * saturation) * gain[i] + lift[i]);
    match light {
        Light::Day => c,
        Light::Dawn => tone(0.85, [0.96, 0.80, 0.78], [26.0, 10.0, 24.0]),
        Light::Dusk => tone(0.95, [0.90, 0.72, 0.82], [20.0, 0.0, 14.0]),
        Light::Night => tone(0.72, [0.57, 0.71, 0.91], [-20.0, -14.0, 6.0]),
    }
}

fn luma(c: [f32; 3]) -> f32 {
    0.3 * c[0] + 0.59 * c[1] + 0.11 * c[2]
}

fn mix(a: [f32; 3], b: [f32; 3], share: f32) -> [f32; 3] {
    std::array::from_fn(|i| a[i] + (b[i] - a[i]) * share)
}

fn whole(c: [f32; 3]) -> Rgb {
    c.map(|v| v.round().clamp(0.0, 255.0) as u8)
}

/// The value of that word, if there is one.
fn named<T: Copy>(all: &[T], word: impl Fn(T) -> &'static str, name: &str) -> Option<T> {
    all.iter().copied().find(|&value| word(value) == name)
}
