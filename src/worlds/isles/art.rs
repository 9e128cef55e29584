//! Reads `art.txt`, the drawings of the isles, into palette indices.

use std::collections::{BTreeMap, HashMap};

/// Side of a tile and of the figure, in pixels.
pub const TILE_PX: usize = 16;

/// A palette entry.
#[derive(Clone, Copy, Debug)]
pub struct Colour {
    pub rgb: [u8; 3],
    /// Keeps its light at night.
    pub glow: bool,
    /// What it is at dusk and at night, for lamps.
    pub lit: Option<[u8; 3]>,
}

/// Palette indices of a 16x16 picture, row by row; `None` lets the land show through.
pub type Picture = [Option<u8>; TILE_PX * TILE_PX];

/// All drawings by name.
pub struct Art {
    pub palette: Vec<Colour>,
    colour_names: HashMap<String, u8>,
    grounds: BTreeMap<String, Ground>,
    tiles: HashMap<String, Picture>,
    figures: HashMap<String, Picture>,
}

/// The three colours of a land.
#[derive(Clone)]
pub struct Ground {
    pub base: u8,
    pub shade: u8,
    pub light: u8,
    /// Colours that others become in pictures drawn on each land.
    covers: HashMap<u8, u8>,
}

impl Art {
    /// Parses the drawing file. The error names the line and what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut art = Art {
            palette: Vec::new(),
            colour_names: HashMap::new(),
            grounds: BTreeMap::new(),
            tiles: HashMap::new(),
            figures: HashMap::new(),
        };
        let mut keys = HashMap::new();
        let mut drawn: HashMap<String, Vec<String>> = HashMap::new();
        let mut lines = text.lines().enumerate().map(|(i, line)| (i + 1, line));
        while let Some((number, line)) = lines.next() {
            let words: Vec<&str> = line.split_whitespace().collect();
            let at = |what: &str| format!("art.txt line {number}: {what}");
            match words.as_slice() {
                [] => {}
                [first, ..] if first.starts_with('#') => {}
                ["color", key, name, hex, rest @ ..] => {
                    let index = u8::try_from(art.palette.len()).map_err(|_| at("more than 256 colours"))?;
                    let key = key.chars().next().ok_or_else(|| at("no key"))?;
                    if keys.insert(key, index).is_some() || art.colour_names.insert((*name).to_owned(), index).is_some() {
                        return Err(at("this key or name is taken"));
                    }
                    let rgb = |hex: &str| hex_colour(hex).ok_or_else(|| at("not a #rrggbb colour"));
                    let lit = if let ["lit", hex] = rest { Some(rgb(hex)?) } else { None };
                    art.palette.push(Colour { rgb: rgb(hex)?, glow: rest == ["glow"], lit });
                }
                ["ground", name, base, shade, light] => {
                    let colour = |n: &str| art.colour(n).map_err(|e| at(&e));
                    let ground = Ground { base: colour(base)?, shade: colour(shade)?, light: colour(light)?, covers: HashMap::new() };
                    art.grounds.insert((*name).to_owned(), ground);
                }
                ["cover", ground, from, to] => {
                    let (from, to) = (art.colour(from).map_err(|e| at(&e))?, art.colour(to).map_err(|e| at(&e))?);
                    art.grounds.get_mut(*ground).ok_or_else(|| at("unknown ground"))?.covers.insert(from, to);
                }
                [kind @ ("tile" | "sheet"), name, rest @ ..]
                    if rest.ends_with(&["on", "each"]) || kind == &"tile" && rest.starts_with(&["on", "each", "like"]) =>
                {
                    let (columns, lines_of_tiles) = match rest {
                        ["on", ..] => (1, 1),
                        [columns, rows, ..] => {
                            (columns.parse().map_err(|_| at("columns are a number"))?, rows.parse().map_err(|_| at("rows are a number"))?)
                        }
                        _ => return Err(at("a sheet has columns and rows")),
                    };
                    let rows = match rest {
                        ["on", "each", "like", other] => drawn.get(*other).cloned().ok_or_else(|| at("unknown tile"))?,
                        _ => rows(&mut lines, columns, lines_of_tiles)?,
                    };
                    let parts: Vec<Vec<String>> = parts(&rows, columns);
                    for (land, ground) in &art.grounds {
                        for (number, rows) in parts.iter().enumerate() {
                            let name = if parts.len() == 1 { format!("{land}_{name}") } else { format!("{land}_{name}_{number}") };
                            let picture = picture(rows, &keys, Some(ground)).map_err(|e| at(&e))?;
                            let covered = picture.map(|pixel| pixel.map(|colour| ground.covers.get(&colour).copied().unwrap_or(colour)));
                            // A land keeps the one it has of its own.
                            art.tiles.entry(name).or_insert(covered);
                        }
                    }
                }
                ["tile", name, "on", ground, rest @ ..] => {
                    let ground = art.grounds.get(*ground).ok_or_else(|| at("unknown ground"))?;
                    let rows = match rest {
                        ["like", other] => drawn.get(*other).cloned().ok_or_else(|| at("unknown tile"))?,
                        _ => rows(&mut lines, 1, 1)?,
                    };
                    let picture = picture(&rows, &keys, Some(ground)).map_err(|e| at(&e))?;
                    art.tiles.insert((*name).to_owned(), picture);
                    drawn.insert((*name).to_owned(), rows);
                }
                ["figure", name] => {
                    let picture = picture(&rows(&mut lines, 1, 1)?, &keys, None).map_err(|e| at(&e))?;
                    art.figures.insert((*name).to_owned(), picture);
                }
                _ => return Err(at("neither a comment nor color, ground, cover, tile, sheet or figure")),
            }
        }
        Ok(art)
    }

    pub fn grounds(&self) -> impl Iterator<Item = &Ground> {
        self.grounds.values()
    }

    pub fn ground(&self, name: &str) -> Result<&Ground, String> {
        self.grounds.get(name).ok_or_else(|| format!("art.txt has no ground {name}"))
    }

    pub fn tile(&self, name: &str) -> Result<&Picture, String> {
        self.tiles.get(name).ok_or_else(|| format!("art.txt has no tile {name}"))
    }

    pub fn figure(&self, name: &str) -> Result<&Picture, String> {
        self.figures.get(name).ok_or_else(|| format!("art.txt has no figure {name}"))
    }

    pub fn colour(&self, name: &str) -> Result<u8, String> {
        self.colour_names.get(name).copied().ok_or_else(|| format!("art.txt has no colour {name}"))
    }
}

pub fn hex_colour(text: &str) -> Option<[u8; 3]> {
    let digits = text.strip_prefix('#').filter(|d| d.len() == 6)?;
    let value = u32::from_str_radix(digits, 16).ok()?;
    Some([(value >> 16) as u8, (value >> 8) as u8, value as u8])
}

/// The rows of a picture `columns` tiles wide and `tiles` tiles high.
fn rows<'a>(lines: &mut impl Iterator<Item = (usize, &'a str)>, columns: usize, tiles: usize) -> Result<Vec<String>, String> {
    let (width, height) = (columns * TILE_PX, tiles * TILE_PX);
    let mut rows = Vec::with_capacity(height);
    for (number, line) in lines.take(height) {
        if line.chars().count() != width {
            return Err(format!("art.txt line {number}: a row has {width} keys"));
        }
        rows.push(line.to_owned());
    }
    if rows.len() == height { Ok(rows) } else { Err("art.txt ends inside a picture".to_owned()) }
}

/// The tiles of a picture, row by row.
fn parts(rows: &[String], columns: usize) -> Vec<Vec<String>> {
    let cut = |rows: &[String], column: usize| rows.iter().map(|row| row.chars().skip(column * TILE_PX).take(TILE_PX).collect()).collect();
    rows.chunks(TILE_PX).flat_map(|rows| (0..columns).map(move |column| cut(rows, column))).collect()
}

fn picture(rows: &[String], keys: &HashMap<char, u8>, ground: Option<&Ground>) -> Result<Picture, String> {
    let mut picture = [None; TILE_PX * TILE_PX];
    for (pixel, key) in picture.iter_mut().zip(rows.iter().flat_map(|row| row.chars())) {
        *pixel = match (key, ground) {
            ('.', None) => None,
            ('.', Some(ground)) => Some(ground.base),
            ('d' | '_', Some(ground)) => Some(ground.shade),
            ('l', Some(ground)) => Some(ground.light),
            _ => Some(*keys.get(&key).ok_or_else(|| format!("unknown colour key {key:?}"))?),
        };
    }
    Ok(picture)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawings_parse_and_bad_ones_are_named() {
        let art = include_str!("art.txt");
        assert!(Art::parse(art).is_ok());
        let broken = art.replacen("tile meadow_a on meadow\n.", "tile meadow_a on meadow\n", 1);
        assert!(Art::parse(&broken).is_err_and(|e| e.contains("a row has 16 keys")));
        let broken = art.replacen("tile meadow_a on meadow\n.", "tile meadow_a on meadow\n?", 1);
        assert!(Art::parse(&broken).is_err_and(|e| e.contains("unknown colour key '?'")));
    }
}
