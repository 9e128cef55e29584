//! Pictures of tokens, one by one, as the tokenizer's decoder draws them in the looks of the last frames.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use super::falling::{Falling, Turn, nearest, turns};
use super::sky::Sky;
use crate::dream::looks::Looks;
use crate::pack::manifest::{self, FrameDims, RecallDims};
use crate::worlds::relief::Cutout;
use crate::worlds::scene::{Light, Wish};

/// Looks whose pictures are kept: a prompt may be taken back.
const LOOKS: usize = 6;

/// The picture of a token.
#[derive(Debug, PartialEq, Eq)]
pub struct Tile {
    side: usize,
    /// RGB and how much of it is still water, `(side, side)` with half the side from one to the next, as long as that is a whole number.
    levels: Vec<Vec<[u8; 4]>>,
    /// Some of it is still water.
    pub has_water: bool,
}

/// The pixels of patch `n` of a frame's picture.
fn patch(rgba: &[u8], frame: &FrameDims, n: usize) -> Vec<[u8; 3]> {
    let (x, y) = (n % frame.grid_w() * frame.patch_px, n / frame.grid_w() * frame.patch_px);
    let pixel = |i: usize| {
        let at = ((y + i / frame.patch_px) * frame.width_px + x + i % frame.patch_px) * 4;
        [rgba[at], rgba[at + 1], rgba[at + 2]]
    };
    (0..frame.patch_px * frame.patch_px).map(pixel).collect()
}

/// A picture of `(side, side)` pixels, and under it each with half the side of the one before, as long as that is a whole number.
pub fn halvings<const CHANNELS: usize>(side: usize, pixels: Vec<[u8; CHANNELS]>) -> Vec<Vec<[u8; CHANNELS]>> {
    let mut levels = vec![pixels];
    for level in 1..levels_of(side) {
        let smaller = halved(side >> (level - 1), &levels[level - 1]);
        levels.push(smaller);
    }
    levels
}

/// A picture of half the height and half of this width: each pixel is the mean of four.
pub fn halved<const CHANNELS: usize>(width: usize, pixels: &[[u8; CHANNELS]]) -> Vec<[u8; CHANNELS]> {
    let half = width / 2;
    let mean = |i: usize| {
        let at = i / half * 2 * width + i % half * 2;
        let four = [at, at + 1, at + width, at + width + 1].map(|i| pixels[i]);
        std::array::from_fn(|c| ((four.iter().map(|pixel| u16::from(pixel[c])).sum::<u16>() + 2) / 4) as u8)
    };
    (0..pixels.len() / 4).map(mean).collect()
}

/// How many of such pictures there are.
pub fn levels_of(side: usize) -> usize {
    side.trailing_zeros() as usize + 1
}

impl Tile {
    /// Of `(side, side)` pixels; those of `water` are still water: bit `x` of row `y`.
    pub fn of(side: usize, pixels: &[[u8; 3]], water: &[u32]) -> Self {
        let is_water = |i: usize| water.get(i / side).is_some_and(|row| row >> (i % side) & 1 == 1);
        let pixels = pixels.iter().enumerate().map(|(i, &[r, g, b])| [r, g, b, u8::from(is_water(i)) * 255]);
        Self { side, levels: halvings(side, pixels.collect()), has_water: water.iter().any(|row| *row != 0) }
    }

    /// Its pixels at half the side, and half of that, and so on.
    pub fn level(&self, level: usize) -> &[[u8; 4]] {
        &self.levels[level]
    }

    /// The colour in such a column and row.
    pub fn pixel(&self, [x, y]: [usize; 2]) -> [u8; 3] {
        let [r, g, b, _] = self.levels[0][y * self.side + x];
        [r, g, b]
    }

    /// What is at a place inside it, 0 to 1 each way, where a pixel covers so many of its pixels: two to the power of `level`.
    pub fn at(&self, inside: [f32; 2], level: usize) -> [u8; 4] {
        let level = level.min(self.levels.len() - 1);
        let side = self.side >> level;
        let [u, v] = inside.map(|along| ((along * side as f32) as usize).min(side - 1));
        self.levels[level][v * side + u]
    }

    /// The colour of all of it.
    pub fn mean(&self) -> [u8; 3] {
        let least = &self.levels[self.levels.len() - 1];
        [0, 1, 2].map(|c| (least.iter().map(|pixel| usize::from(pixel[c])).sum::<usize>() / least.len()) as u8)
    }
}

/// What stands up in a world, where water lies in it and what shines, by its tokens.
pub struct ReliefByToken {
    pub sky: [Vec<u8>; 2],
    pub standing: HashMap<Vec<u8>, Standing>,
    /// Its pixels, row by row.
    water: HashMap<Vec<u8>, Vec<u32>>,
    /// Its pixels that do, as well.
    pub shining: HashMap<Vec<u8>, Vec<u32>>,
}

pub struct Standing {
    /// Token of bare ground there.
    pub ground: Vec<u8>,
    pub cutout: Arc<Cutout>,
}

/// All that is drawn in one look, or in both that something falls in by turns.
#[derive(Default)]
pub struct Page {
    /// The first of the two.
    look: Vec<u8>,
    /// By their tokens, without what falls.
    pub tiles: HashMap<Vec<u8>, Arc<Tile>>,
    /// What falls in the newest frame, and in each of the turns.
    pub falling: Option<Arc<Falling>>,
    turns: Option<[Arc<Falling>; 2]>,
    /// What the look says that the newest frame is drawn in; nothing where that has no name.
    pub says: Option<Wish>,
    /// Of the sky: the light that the last look said which had a name.
    pub light: Option<Light>,
    pub sky: Option<Arc<Sky>>,
}

/// Tokens that are to be seen.
pub struct Wanted<'a> {
    /// As they lie beside each other, in rows of `across`; nothing where none is known. A token does not say all of what it shows: the ground of a path
    /// is that of the land around.
    pub lying: &'a [Option<&'a [u8]>],
    pub across: usize,
    /// Those that lie nowhere.
    pub besides: Vec<&'a [u8]>,
}

impl<'a> Wanted<'a> {
    /// What lies in a frame that shows this place, as far as it is known, and in which of the `free` patches.
    fn around(&self, place: usize, free: &[usize], frame: &FrameDims) -> Vec<(usize, &'a [u8])> {
        // What comes after it in its row, and below, is looked at first then.
        let off = |n: usize| frame.cell(n).into_iter().map(|along| along.abs_diff(1)).sum::<usize>();
        let Some(at) = free.iter().copied().min_by_key(|n| off(*n)).map(|n| frame.cell(n)) else { return Vec::new() };
        let corner = [place % self.across, place / self.across];
        let token = |n: usize| {
            let cell = frame.cell(n);
            let [x, y] = [0, 1].map(|i| (corner[i] + cell[i]).checked_sub(at[i]));
            let x = x.filter(|x| *x < self.across)?;
            *self.lying.get(y? * self.across + x)?
        };
        free.iter().enumerate().filter_map(|(i, &n)| Some((i, token(n)?))).collect()
    }
}

/// Pictures of all tokens that were in sight lately.
pub struct Book {
    frame: FrameDims,
    /// Patches of a frame that a token may be drawn in.
    free: Vec<usize>,
    relief: Arc<ReliefByToken>,
    /// Rain and snow fall in turns, each another look: the one before or after each.
    turns: HashMap<Vec<u8>, Turn>,
    looks: Looks,
    /// What the last look said that had a name.
    seen: Option<Wish>,
    /// The latest last.
    pages: VecDeque<Page>,
}

impl Book {
    /// `looks`: tokens of looks by their names, as a pack has them.
    pub fn new(frame: FrameDims, recall: &RecallDims, relief: &manifest::Relief, looks: &BTreeMap<String, Vec<u8>>) -> Self {
        let standing = relief.standing.values().map(|standing| {
            let stands = Standing { ground: standing.ground.clone(), cutout: Arc::new(standing.cutout.clone()) };
            (standing.token.clone(), stands)
        });
        let water = relief.water.iter().map(|water| (water.token.clone(), water.rows.clone())).collect();
        let shining = |shining: &manifest::Shining| -> Vec<(Vec<u8>, Vec<u32>)> {
            shining.tokens.iter().map(|token| (token.clone(), shining.rows.clone())).collect()
        };
        let shining = relief.shining.iter().flat_map(shining).collect();
        Self {
            frame,
            free: (0..frame.patches()).filter(|&n| recall.scrolls(n, &frame)).collect(),
            relief: Arc::new(ReliefByToken { sky: relief.sky.clone(), standing: standing.collect(), water, shining }),
            turns: turns(looks),
            looks: Looks::of(looks, &frame),
            seen: None,
            pages: VecDeque::new(),
        }
    }

    /// Another world is seen from now on: what has no name looks like nothing that was seen before it.
    pub fn forget(&mut self) {
        self.seen = None;
        self.pages.retain(|page| page.says.is_some());
    }

    pub fn relief(&self) -> Arc<ReliefByToken> {
        self.relief.clone()
    }

    /// The sky, and pictures of the tokens that are wanted, at least, in the look of the frame `newest`, `(tokens, code_dims)`; those that are not known yet
    /// are drawn, as [`Engine::draw`](crate::engine::Engine::draw) does it, many in one frame.
    ///
    /// # Errors
    /// What `draw` says.
    pub fn page<'a, E>(
        &mut self,
        newest: &[u8],
        wanted: &Wanted<'a>,
        mut draw: impl FnMut(&[u8]) -> Result<Vec<u8>, E>,
    ) -> Result<&Page, E> {
        let dims = self.frame.code_dims;
        let own = if self.frame.look { &newest[newest.len() - dims..] } else { &[] };
        // Looks in which the light turns by itself have no names: it goes on raining in the one that is most like them.
        let rains = self.pages.back().is_some_and(|page| page.falling.is_some()) && self.looks.read(newest).is_none();
        let look = nearest(&self.turns, own).filter(|_| rains).unwrap_or(own);
        let turn = self.turns.get(look);
        // The land is the same in both turns: decoded in each, it would flicker from step to step.
        let (first, second) = match turn {
            Some(turn) if turn.second => (turn.other.as_slice(), look),
            Some(turn) => (look, turn.other.as_slice()),
            None => (look, look),
        };
        let page = self.pages.iter().position(|page| page.look == first).and_then(|at| self.pages.remove(at));
        if self.pages.len() == LOOKS {
            self.pages.pop_front();
        }
        self.pages.push_back(page.unwrap_or_else(|| Page { look: first.to_vec(), ..Page::default() }));
        let last = self.pages.len() - 1;
        let page = &mut self.pages[last];
        let mut missing: BTreeSet<&[u8]> = wanted.lying.iter().flatten().chain(&wanted.besides).copied().collect();
        missing.extend(self.relief.sky.iter().map(Vec::as_slice));
        missing.retain(|token| !page.tiles.contains_key(*token));
        let mut places = 0..wanted.lying.len();
        loop {
            let next = places.find(|place| wanted.lying[*place].is_some_and(|token| missing.contains(token)));
            let laid: Vec<(usize, &[u8])> = match next {
                Some(place) => wanted.around(place, &self.free, &self.frame),
                // Between what lies in the newest frame.
                None => (0..self.free.len()).step_by(2).zip(missing.iter().copied()).collect(),
            };
            if laid.is_empty() {
                break;
            }
            let mut codes = newest.to_vec();
            for (i, token) in &laid {
                codes[self.free[*i] * dims..][..dims].copy_from_slice(token);
            }
            let mut pictures_in = |look: &[u8]| -> Result<Vec<Vec<[u8; 3]>>, E> {
                let look_at = codes.len() - look.len();
                codes[look_at..].copy_from_slice(look);
                let rgba = draw(&codes)?;
                Ok(self.free.iter().map(|&n| patch(&rgba, &self.frame, n)).collect())
            };
            let mut pictures = pictures_in(first)?;
            if let Some(turn) = turn {
                let others = pictures_in(second)?;
                let [falling, _] = page.turns.get_or_insert_with(|| {
                    let both = [(&pictures, &others, false), (&others, &pictures, true)];
                    both.map(|(these, others, second)| Arc::new(Falling::of(these, others, &Turn { second, ..turn.clone() })))
                });
                for (i, token) in &laid {
                    falling.clear(&mut pictures[*i], &others[*i], self.relief.standing.get(*token).map(|standing| &*standing.cutout));
                }
            }
            for (i, token) in laid.into_iter().filter(|(_, token)| missing.remove(token)) {
                let water = self.relief.water.get(token).map(Vec::as_slice).unwrap_or_default();
                page.tiles.insert(token.to_vec(), Arc::new(Tile::of(self.frame.patch_px, &pictures[i], water)));
            }
        }
        page.falling = turn.and_then(|turn| Some(page.turns.as_ref()?[usize::from(turn.second)].clone()));
        page.says = self.looks.read(look).cloned();
        if page.says.is_some() {
            self.seen.clone_from(&page.says);
        }
        if page.sky.is_none() {
            page.light = self.seen.as_ref().and_then(|seen| seen.light);
            let colour = |token: &Vec<u8>| page.tiles.get(token).map_or([0; 3], |tile| tile.mean());
            page.sky = Some(Arc::new(Sky::of(self.relief.sky.each_ref().map(colour), self.seen.as_ref())));
        }
        Ok(page)
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;
    use crate::worlds::scene::Weather;

    /// Two patches across and down.
    const FRAME: FrameDims = FrameDims { width_px: 4, height_px: 4, patch_px: 2, rate_hz: 6, code_dims: 2, code_levels: 250, look: true };
    /// Two turns of rain, and a day without.
    const NAMED: [(&str, [u8; 2]); 3] = [("Noir Day Rain 0", [60, 0]), ("Noir Day Rain 1", [61, 0]), ("Noir Day Clear 0", [70, 0])];

    /// Every pixel says what its token is, and what the look; rain is white, on one pixel of every patch, in the other turn on another.
    fn draw(codes: &[u8]) -> Vec<u8> {
        let look = codes[8];
        let pixel = |i: usize| {
            let token = &codes[2 * (i / 4 / 2 * 2 + i % 4 / 2)..];
            let rain = [(60, [0, 0]), (61, [1, 1])].contains(&(look, [i % 2, i / 4 % 2]));
            if rain { [255; 4] } else { [token[0], token[1], look, 255] }
        };
        (0..16).flat_map(pixel).collect()
    }

    fn book() -> Book {
        let names: BTreeMap<String, Vec<u8>> = NAMED.map(|(name, token)| (name.to_owned(), token.to_vec())).into();
        let relief = manifest::Relief { sky: [vec![8, 0], vec![9, 0]], standing: BTreeMap::new(), water: Vec::new(), shining: Vec::new() };
        Book::new(FRAME, &RecallDims { step_px: 2, covered: Vec::new() }, &relief, &names)
    }

    /// A token's picture in a look, what falls, and how many frames were drawn for it.
    fn seen_in(book: &mut Book, token: u8, look: [u8; 2]) -> (Arc<Tile>, Option<Arc<Falling>>, usize) {
        let (mut drawn, token) = (0, [token, 0]);
        let newest = [[7, 7].repeat(4), look.to_vec()].concat();
        let count = |codes: &[u8]| -> Result<Vec<u8>, Infallible> {
            drawn += 1;
            Ok(draw(codes))
        };
        let wanted = Wanted { lying: &[], across: 1, besides: vec![&token] };
        let page = book.page(&newest, &wanted, count).unwrap();
        (page.tiles[token.as_slice()].clone(), page.falling.clone(), drawn)
    }

    #[test]
    fn both_turns_of_rain_fall_on_the_same_land() {
        let seen = |book: &mut Book, [token, look]: [usize; 2]| seen_in(book, token as u8, NAMED[look].1);
        let mut walked = book();
        let (tile, falling, drawn) = seen(&mut walked, [1, 0]);
        assert_eq!((tile.pixel([0, 0]), tile.pixel([1, 1]), drawn), ([1, 0, 61], [1, 0, 60], 4), "dry");
        let (same, other, drawn) = seen(&mut walked, [1, 1]);
        assert!(drawn == 0 && Arc::ptr_eq(&same, &tile), "{drawn}");
        assert_ne!(falling.unwrap().top(0.0), other.unwrap().top(0.0), "what falls goes on");
        // What comes into sight in the second turn is known in the first, and a dream that begins in it looks the same.
        assert_eq!([[2, 1], [2, 0]].map(|at| seen(&mut walked, at).2), [2, 0]);
        assert_eq!(seen(&mut book(), [1, 1]).0, tile);
        // The control: in another look it is drawn anew, and nothing falls.
        let (clear, falling, drawn) = seen(&mut walked, [1, 2]);
        assert!(drawn == 2 && falling.is_none() && clear != tile, "{drawn}");
    }

    #[test]
    fn a_token_is_drawn_beside_what_it_lies_beside() {
        let (path, newest) = ([5, 0], [[7, 7].repeat(4), vec![70, 0]].concat());
        // A path is of the colour of what lies to its left.
        let draw = |codes: &[u8]| -> Result<Vec<u8>, Infallible> {
            let shown = |n: usize| codes[2 * if codes[2 * n] == 5 && n % 2 == 1 { n - 1 } else { n }];
            Ok((0..16).flat_map(|i| [[shown(i / 4 / 2 * 2 + i % 4 / 2); 3].as_slice(), &[255]].concat()).collect())
        };
        let seen = |beside: &[u8]| {
            let lying = [Some(beside), Some(path.as_slice())];
            let mut book = book();
            let page = book.page(&newest, &Wanted { lying: &lying, across: 2, besides: Vec::new() }, draw).unwrap();
            page.tiles[path.as_slice()].mean()[0]
        };
        assert_eq!([seen(&[1, 0]), seen(&[6, 0])], [1, 6]);
    }

    #[test]
    fn it_goes_on_raining_in_a_look_without_a_name() {
        let mut walked = book();
        let (tile, falling, _) = seen_in(&mut walked, 1, [60, 0]);
        // Most like the second turn.
        let (same, other, drawn) = seen_in(&mut walked, 1, [61, 1]);
        assert!(drawn == 0 && Arc::ptr_eq(&same, &tile), "{drawn}");
        assert_ne!(falling.unwrap().top(0.0), other.unwrap().top(0.0), "what falls goes on");
        let page = walked.pages.back().unwrap();
        assert_eq!((page.says.as_ref().and_then(|says| says.weather), page.light), (Some(Weather::Rain), Some(Light::Day)));
        // The control: one that is like none is drawn as it is, and so is that one where nothing fell before.
        for (mut book, look) in [(walked, [61, 4]), (book(), [61, 1])] {
            let (wet, falling, _) = seen_in(&mut book, 1, look);
            assert!(falling.is_none() && wet.pixel([1, 1]) == [255; 3] && wet != tile, "{look:?}");
            assert_eq!(book.pages.back().unwrap().says, None);
        }
    }

    #[test]
    fn what_has_no_name_is_not_seen_in_the_light_of_another_world() {
        let light = |book: &mut Book, look: [u8; 2]| {
            seen_in(book, 1, look);
            book.pages.back().unwrap().light
        };
        let mut walked = book();
        // A look between two that have names goes on as the one before, and is kept so.
        let seen = [[60, 0], [60, 9], [60, 9]].map(|look| light(&mut walked, look));
        assert_eq!(seen, [Some(Light::Day); 3]);
        walked.forget();
        assert_eq!([[60, 9], [60, 0], [60, 8]].map(|look| light(&mut walked, look)), [None, Some(Light::Day), Some(Light::Day)]);
    }
}
