//! Reads `art.txt`, the drawings of the isles, into palette indices.

use std::collections::{BTreeMap, HashMap};
use std::iter::Enumerate;
use std::str::Lines;

use crate::worlds::AssetError;

/// Its name in messages.
const FILE: &str = "art.txt";
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
#[derive(Default)]
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
    /// Parses the drawing file.
    ///
    /// # Errors
    /// [`AssetError`], naming the line.
    pub fn parse(text: &str) -> Result<Self, AssetError> {
        let lines = text.lines().enumerate();
        let mut reading = Reading { art: Self::default(), keys: HashMap::new(), drawn: HashMap::new(), line: 0, lines };
        while let Some((before, line)) = reading.lines.next() {
            reading.line = before + 1;
            reading.entry(&line.split_whitespace().collect::<Vec<_>>())?;
        }
        Ok(reading.art)
    }

    pub fn grounds(&self) -> impl Iterator<Item = &Ground> {
        self.grounds.values()
    }

    pub fn ground(&self, name: &str) -> Result<&Ground, AssetError> {
        self.grounds.get(name).ok_or_else(|| AssetError::of(FILE, format!("has no ground {name}")))
    }

    pub fn tile(&self, name: &str) -> Result<&Picture, AssetError> {
        self.tiles.get(name).ok_or_else(|| AssetError::of(FILE, format!("has no tile {name}")))
    }

    pub fn figure(&self, name: &str) -> Result<&Picture, AssetError> {
        self.figures.get(name).ok_or_else(|| AssetError::of(FILE, format!("has no figure {name}")))
    }

    pub fn colour(&self, name: &str) -> Result<u8, AssetError> {
        self.colour_names.get(name).copied().ok_or_else(|| AssetError::of(FILE, format!("has no colour {name}")))
    }
}

/// The file while it is read.
struct Reading<'a> {
    art: Art,
    /// Colours by the keys that pictures have for them.
    keys: HashMap<char, u8>,
    /// Rows of the tiles so far by name, for others that are drawn like them.
    drawn: HashMap<String, Vec<String>>,
    /// Number of the line in which the present entry begins.
    line: usize,
    /// Those that are not read yet, counted from 0.
    lines: Enumerate<Lines<'a>>,
}

impl Reading<'_> {
    /// What is wrong with the present entry.
    fn wrong(&self, what: impl Into<String>) -> AssetError {
        AssetError::at(FILE, self.line, what)
    }

    /// Takes in the entry that begins with these words of a line.
    fn entry(&mut self, words: &[&str]) -> Result<(), AssetError> {
        match words {
            [] => {}
            [first, ..] if first.starts_with('#') => {}
            ["color", key, name, hex, rest @ ..] => self.colour(key, name, hex, rest)?,
            ["ground", name, base, shade, light] => {
                let colour = |name: &str| self.colour_called(name);
                let ground = Ground { base: colour(base)?, shade: colour(shade)?, light: colour(light)?, covers: HashMap::new() };
                self.art.grounds.insert((*name).to_owned(), ground);
            }
            ["cover", ground, from, to] => {
                let (from, to) = (self.colour_called(from)?, self.colour_called(to)?);
                let Some(ground) = self.art.grounds.get_mut(*ground) else { return Err(self.wrong("unknown ground")) };
                ground.covers.insert(from, to);
            }
            [kind @ ("tile" | "sheet"), name, rest @ ..]
                if rest.ends_with(&["on", "each"]) || kind == &"tile" && rest.starts_with(&["on", "each", "like"]) =>
            {
                self.tiles_on_each(name, rest)?;
            }
            ["tile", name, "on", ground, rest @ ..] => self.tile(name, ground, rest)?,
            ["figure", name] => {
                let rows = self.rows(1, 1)?;
                let picture = self.picture(&rows, None)?;
                self.art.figures.insert((*name).to_owned(), picture);
            }
            _ => return Err(self.wrong("neither a comment nor color, ground, cover, tile, sheet or figure")),
        }
        Ok(())
    }

    fn colour(&mut self, key: &str, name: &str, hex: &str, rest: &[&str]) -> Result<(), AssetError> {
        let index = u8::try_from(self.art.palette.len()).map_err(|_| self.wrong("more than 256 colours"))?;
        let key = key.chars().next().ok_or_else(|| self.wrong("no key"))?;
        if self.keys.insert(key, index).is_some() || self.art.colour_names.insert(name.to_owned(), index).is_some() {
            return Err(self.wrong("this key or name is taken"));
        }
        let rgb = |hex: &str| hex_colour(hex).ok_or_else(|| self.wrong("not a #rrggbb colour"));
        let lit = if let ["lit", hex] = rest { Some(rgb(hex)?) } else { None };
        let colour = Colour { rgb: rgb(hex)?, glow: rest == ["glow"], lit };
        self.art.palette.push(colour);
        Ok(())
    }

    fn tile(&mut self, name: &str, ground: &str, rest: &[&str]) -> Result<(), AssetError> {
        let rows = match rest {
            ["like", other] => self.rows_of(other)?,
            _ => self.rows(1, 1)?,
        };
        let ground = self.art.grounds.get(ground).ok_or_else(|| self.wrong("unknown ground"))?;
        let picture = self.picture(&rows, Some(ground))?;
        self.art.tiles.insert(name.to_owned(), picture);
        self.drawn.insert(name.to_owned(), rows);
        Ok(())
    }

    /// A tile or a sheet of them, drawn on the ground of every land so far.
    fn tiles_on_each(&mut self, name: &str, rest: &[&str]) -> Result<(), AssetError> {
        let (columns, lines_of_tiles) = match rest {
            ["on", ..] => (1, 1),
            [columns, rows, ..] => {
                let number = |text: &str, what: &str| text.parse().map_err(|_| self.wrong(what));
                (number(columns, "columns are a number")?, number(rows, "rows are a number")?)
            }
            _ => return Err(self.wrong("a sheet has columns and rows")),
        };
        let rows = match rest {
            ["on", "each", "like", other] => self.rows_of(other)?,
            _ => self.rows(columns, lines_of_tiles)?,
        };
        let parts = parts(&rows, columns);
        for (land, ground) in &self.art.grounds {
            for (number, rows) in parts.iter().enumerate() {
                let name = if parts.len() == 1 { format!("{land}_{name}") } else { format!("{land}_{name}_{number}") };
                let picture = self.picture(rows, Some(ground))?;
                let covered = picture.map(|pixel| pixel.map(|colour| ground.covers.get(&colour).copied().unwrap_or(colour)));
                // A land keeps the one it has of its own.
                self.art.tiles.entry(name).or_insert(covered);
            }
        }
        Ok(())
    }

    /// Reads the rows of a picture `columns` tiles wide and `tiles` tiles high.
    fn rows(&mut self, columns: usize, tiles: usize) -> Result<Vec<String>, AssetError> {
        let (width, height) = (columns * TILE_PX, tiles * TILE_PX);
        let mut rows = Vec::with_capacity(height);
        for (before, row) in self.lines.by_ref().take(height) {
            if row.chars().count() != width {
                return Err(AssetError::at(FILE, before + 1, format!("a row has {width} keys")));
            }
            rows.push(row.to_owned());
        }
        if rows.len() == height { Ok(rows) } else { Err(AssetError::of(FILE, "ends inside a picture")) }
    }

    /// The rows of a tile that was drawn before.
    fn rows_of(&self, tile: &str) -> Result<Vec<String>, AssetError> {
        self.drawn.get(tile).cloned().ok_or_else(|| self.wrong("unknown tile"))
    }

    fn colour_called(&self, name: &str) -> Result<u8, AssetError> {
        self.art.colour_names.get(name).copied().ok_or_else(|| self.wrong(format!("unknown colour {name}")))
    }

    /// The picture of these rows, on a ground where it has one.
    fn picture(&self, rows: &[String], ground: Option<&Ground>) -> Result<Picture, AssetError> {
        let mut picture = [None; TILE_PX * TILE_PX];
        for (pixel, key) in picture.iter_mut().zip(rows.iter().flat_map(|row| row.chars())) {
            *pixel = match (key, ground) {
                ('.', None) => None,
                ('.', Some(ground)) => Some(ground.base),
                ('d' | '_', Some(ground)) => Some(ground.shade),
                ('l', Some(ground)) => Some(ground.light),
                _ => Some(*self.keys.get(&key).ok_or_else(|| self.wrong(format!("unknown colour key {key:?}")))?),
            };
        }
        Ok(picture)
    }
}

pub fn hex_colour(text: &str) -> Option<[u8; 3]> {
    let digits = text.strip_prefix('#').filter(|d| d.len() == 6)?;
    let value = u32::from_str_radix(digits, 16).ok()?;
    Some([(value >> 16) as u8, (value >> 8) as u8, value as u8])
}

/// The tiles of a picture, row by row.
fn parts(rows: &[String], columns: usize) -> Vec<Vec<String>> {
    let cut = |rows: &[String], column: usize| rows.iter().map(|row| row.chars().skip(column * TILE_PX).take(TILE_PX).collect()).collect();
    rows.chunks(TILE_PX).flat_map(|rows| (0..columns).map(move |column| cut(rows, column))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawings_parse_and_bad_ones_are_named() {
        let art = include_str!("art.txt");
        assert!(Art::parse(art).is_ok());
        let broken = art.replacen("tile meadow_a on meadow\n.", "tile meadow_a on meadow\n", 1);
        assert!(Art::parse(&broken).is_err_and(|e| e.to_string().contains("a row has 16 keys")));
        let broken = art.replacen("tile meadow_a on meadow\n.", "tile meadow_a on meadow\n?", 1);
        assert!(Art::parse(&broken).is_err_and(|e| e.to_string().contains("unknown colour key '?'")));
        let line = |art: &str| Art::parse(art).err().map(|why| why.to_string());
        assert_eq!(line("\nground lawn x y z").as_deref(), Some("art.txt line 2: unknown colour x"));
    }
}
