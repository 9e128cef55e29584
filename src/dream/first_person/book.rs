//! Pictures of tokens, one by one, as the tokenizer's decoder draws them in the looks of the last frames.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use super::falling::{Falling, Turn, turns};
use super::sky::Sky;
use crate::dream::looks::Looks;
use crate::pack::manifest::{self, FrameDims, RecallDims};
use crate::worlds::relief::Cutout;
use crate::worlds::scene::Wish;

/// Looks whose pictures are kept: rain falls in two, and a prompt may be taken back.
const LOOKS: usize = 6;

/// The picture of a token.
#[derive(Debug, PartialEq, Eq)]
pub struct Tile {
    side: usize,
    /// RGB, `(side, side)` with half the side from one to the next, as long as that is a whole number.
    levels: Vec<Vec<[u8; 3]>>,
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
    /// Of `(side, side)` pixels.
    pub fn of(side: usize, pixels: Vec<[u8; 3]>) -> Self {
        Self { side, levels: halvings(side, pixels) }
    }

    /// Its pixels at half the side, and half of that, and so on.
    pub fn level(&self, level: usize) -> &[[u8; 3]] {
        &self.levels[level]
    }

    /// The pixel in such a column and row.
    pub fn pixel(&self, [x, y]: [usize; 2]) -> [u8; 3] {
        self.levels[0][y * self.side + x]
    }

    /// The colour at a place inside it, 0 to 1 each way, where a pixel covers so many of its pixels: two to the power of `level`.
    pub fn at(&self, inside: [f32; 2], level: usize) -> [u8; 3] {
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

/// What stands up in a world, by its tokens.
pub struct ReliefByToken {
    pub sky: [Vec<u8>; 2],
    pub standing: HashMap<Vec<u8>, Standing>,
}

pub struct Standing {
    /// Token of bare ground there.
    pub ground: Vec<u8>,
    pub cutout: Arc<Cutout>,
}

/// All that is drawn in one look.
#[derive(Default)]
pub struct Page {
    look: Vec<u8>,
    /// By their tokens, without what falls.
    pub tiles: HashMap<Vec<u8>, Arc<Tile>>,
    pub falling: Option<Arc<Falling>>,
    pub sky: Option<Arc<Sky>>,
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
        Self {
            frame,
            free: (0..frame.patches()).filter(|&n| recall.scrolls(n, &frame)).collect(),
            relief: Arc::new(ReliefByToken { sky: relief.sky.clone(), standing: standing.collect() }),
            turns: turns(looks),
            looks: Looks::of(looks, &frame),
            seen: None,
            pages: VecDeque::new(),
        }
    }

    pub fn relief(&self) -> Arc<ReliefByToken> {
        self.relief.clone()
    }

    /// The sky, and pictures of these tokens, at least, in the look of the frame `newest`, `(tokens, code_dims)`; those that are not known yet are drawn, as
    /// [`Engine::draw`](crate::engine::Engine::draw) does it, many in one frame.
    ///
    /// # Errors
    /// What `draw` says.
    pub fn page<'a, E>(
        &mut self,
        newest: &[u8],
        tokens: impl Iterator<Item = &'a [u8]>,
        mut draw: impl FnMut(&[u8]) -> Result<Vec<u8>, E>,
    ) -> Result<&Page, E> {
        let dims = self.frame.code_dims;
        let look = if self.frame.look { &newest[newest.len() - dims..] } else { &[] };
        let page = self.pages.iter().position(|page| page.look == look).and_then(|at| self.pages.remove(at));
        if self.pages.len() == LOOKS {
            self.pages.pop_front();
        }
        self.pages.push_back(page.unwrap_or_else(|| Page { look: look.to_vec(), ..Page::default() }));
        let last = self.pages.len() - 1;
        let page = &mut self.pages[last];
        let mut missing: Vec<&[u8]> = tokens.collect();
        missing.extend(self.relief.sky.iter().map(Vec::as_slice));
        missing.retain(|token| !page.tiles.contains_key(*token));
        missing.sort_unstable();
        missing.dedup();
        for some in missing.chunks(self.free.len().max(1)) {
            let mut codes = newest.to_vec();
            for (&n, token) in self.free.iter().zip(some.iter().cycle()) {
                codes[n * dims..][..dims].copy_from_slice(token);
            }
            let cut = |rgba: &[u8]| -> Vec<Vec<[u8; 3]>> { self.free.iter().map(|&n| patch(rgba, &self.frame, n)).collect() };
            let mut pictures = cut(&draw(&codes)?);
            if let Some(turn) = self.turns.get(look) {
                let look_at = codes.len() - dims;
                codes[look_at..].copy_from_slice(&turn.other);
                let others = cut(&draw(&codes)?);
                let falling = page.falling.get_or_insert_with(|| Arc::new(Falling::of(&pictures, &others, turn)));
                pictures.iter_mut().zip(&others).for_each(|(picture, other)| falling.clear(picture, other));
            }
            for (picture, token) in pictures.into_iter().zip(some) {
                page.tiles.insert(token.to_vec(), Arc::new(Tile::of(self.frame.patch_px, picture)));
            }
        }
        if let Some(seen) = self.looks.read(newest) {
            self.seen = Some(seen.clone());
        }
        if page.sky.is_none() {
            let colour = |token: &Vec<u8>| page.tiles.get(token).map_or([0; 3], |tile| tile.mean());
            page.sky = Some(Arc::new(Sky::of(self.relief.sky.each_ref().map(colour), self.seen.as_ref())));
        }
        Ok(page)
    }
}
