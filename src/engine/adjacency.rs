//! What was seen to lie beside what. Land is drawn so that every token fits those around it, as far as that can be, so that a house that begins
//! goes on as a house and a shore as a shore: adjacency constraints, as in model synthesis (Merrell 2007).

use std::collections::BTreeSet;

use super::vocabulary::{Prefix, Vocabulary, key};
use crate::pack::manifest::{FrameDims, RecallDims};
use crate::pack::{Pack, PackError, limits};

/// Ways from a token to one beside it: left, right, above, below.
pub const WAYS: usize = 4;
/// How far apart tokens narrow each other down, at most.
pub const SWEEPS: usize = 4;
/// In place of a token beside one: there is none, or it does not lie on the land.
pub const NOWHERE: u32 = u32::MAX;

/// Keys of two tokens of which the second lies to the right of the first, or below it.
pub type Pair = [u32; 2];

/// A row of bits, one for each token of the land.
type Row = [u32; limits::LAND.div_ceil(32)];

/// The tokens of the land, and which of them fit each other.
#[derive(Clone, Debug)]
pub struct Adjacency {
    land: Vocabulary,
    /// `(WAYS, land + 1, words)`, a bit for each token of the land. Row `[way, token]`: the tokens that were seen with `token` beside them on that
    /// side; the last row of a way: those that were seen with any token there.
    fits: Vec<u32>,
    /// A bit for every token of the land.
    all: Vec<u32>,
    /// `(tokens, WAYS)`: which token lies that way, or [`NOWHERE`].
    around: Vec<[u32; WAYS]>,
    /// `(tokens, words)`: what each token may be where nothing is settled.
    open: Vec<u32>,
    frame: FrameDims,
}

/// A frame that is being drawn.
#[derive(Clone, Copy)]
pub struct Drawing<'a> {
    /// `(tokens, code_dims)` levels; of masked tokens they mean nothing.
    pub codes: &'a [u8],
    pub masked: &'a [bool],
    /// Levels of the frame before.
    pub before: Option<&'a [u8]>,
}

fn opposite(way: usize) -> usize {
    way ^ 1
}

impl Adjacency {
    /// Of these pairs, across and down.
    pub fn new(pairs: [&BTreeSet<Pair>; 2], frame: &FrameDims, recall: &RecallDims) -> Self {
        let keys: BTreeSet<u32> = pairs.into_iter().flatten().flatten().copied().collect();
        let land = Vocabulary::new(keys.into_iter().collect(), frame);
        let (rows, words) = (land.keys().len() + 1, land.keys().len().div_ceil(32));
        let mut fits = vec![0; WAYS * rows * words];
        let mut allow = |way: usize, beside: usize, token: usize| {
            for row in [beside, rows - 1] {
                fits[(way * rows + row) * words + token / 32] |= 1 << (token % 32);
            }
        };
        for (axis, pairs) in pairs.into_iter().enumerate() {
            for pair in pairs {
                let [first, second] = pair.map(|key| land.keys().partition_point(|other| *other < key));
                allow(2 * axis, first, second);
                allow(opposite(2 * axis), second, first);
            }
        }
        let around = (0..frame.tokens()).map(|n| around(n, frame, recall)).collect();
        let mut all = vec![0; words];
        (0..land.keys().len()).for_each(|at| all[at / 32] |= 1 << (at % 32));
        let mut adjacency = Self { land, fits, all, around, open: Vec::new(), frame: *frame };
        let mut domains = vec![0; adjacency.domain_words()];
        let (codes, masked) = (vec![0; frame.code_bytes()], vec![true; frame.tokens()]);
        adjacency.narrow(Drawing { codes: &codes, masked: &masked, before: None }, &mut domains);
        domains.truncate(frame.tokens() * words);
        adjacency.open = domains;
        adjacency
    }

    /// The pack's, if it has one that says anything.
    pub fn of(pack: &Pack) -> Result<Option<Self>, PackError> {
        let dynamics = pack.manifest.dynamics.as_ref().filter(|d| d.land > 0);
        let Some(recall) = dynamics.and_then(|d| d.recall.as_ref()) else { return Ok(None) };
        let frame = &pack.manifest.frame;
        let (tokens, lies, bits) = (pack.u8s("vocabulary.tokens")?, pack.u8s("vocabulary.land")?, pack.u8s("vocabulary.beside")?);
        let tokens = tokens.chunks_exact(frame.code_dims).zip(&lies);
        let keys: Vec<u32> = tokens.filter(|(_, lies)| **lies == 1).map(|(token, _)| key(token, frame)).collect();
        let row = keys.len().div_ceil(8);
        let pairs = [0, 1].map(|axis| {
            let seen = |[first, second]: [usize; 2]| bits[(axis * keys.len() + first) * row + second / 8] >> (second % 8) & 1 == 1;
            let all = (0..keys.len()).flat_map(|first| (0..keys.len()).map(move |second| [first, second]));
            all.filter(|pair| seen(*pair)).map(|pair| pair.map(|n| keys[n])).collect()
        });
        let adjacency = Self::new([&pairs[0], &pairs[1]], frame, recall);
        Ok(Some(adjacency).filter(|adjacency| !adjacency.land().is_empty()))
    }

    /// Keys of the tokens of the land, ascending.
    pub fn land(&self) -> &[u32] {
        self.land.keys()
    }

    /// Words of a row of bits.
    pub fn words(&self) -> usize {
        self.land().len().div_ceil(32)
    }

    /// `(WAYS, land + 1, words)`, a bit for each token of the land. Row `[way, token]`: the tokens that may be drawn where `token` lies to the left, to
    /// the right, above or below; the last row of a way: those that may be where any token lies.
    pub fn fits(&self) -> &[u32] {
        &self.fits
    }

    /// `(tokens, WAYS)`: which tokens lie around one, or [`NOWHERE`].
    pub fn around(&self) -> &[[u32; WAYS]] {
        &self.around
    }

    /// `(tokens, words)`: what each token of the land may be where nothing is settled, none for other tokens.
    pub fn open(&self) -> &[u32] {
        &self.open
    }

    /// As [`Adjacency::new`] takes them.
    pub fn pairs(&self) -> [BTreeSet<Pair>; 2] {
        let keys = self.land();
        [0, 1].map(|axis| {
            let seconds = |first: usize| bits(self.row(2 * axis, first)).map(move |second| [keys[first], keys[second]]);
            (0..keys.len()).flat_map(seconds).collect()
        })
    }

    /// `vocabulary.beside` of a pack, `(2, land, bytes of a row of bits)`.
    pub fn bytes(&self) -> Vec<u8> {
        let rows = [0, 2].into_iter().flat_map(|way| (0..self.land().len()).map(move |first| self.row(way, first)));
        rows.flat_map(|row| row.iter().flat_map(|word| word.to_le_bytes()).take(self.land().len().div_ceil(8))).collect()
    }

    /// What may be drawn where token `beside` of the land lies that way from it.
    fn row(&self, way: usize, beside: usize) -> &[u32] {
        &self.fits[(way * (self.land().len() + 1) + beside) * self.words()..][..self.words()]
    }

    /// Which token of the land these levels are.
    fn index(&self, token: &[u8]) -> Option<usize> {
        let given = token.iter().all(|level| usize::from(*level) < self.frame.code_levels);
        given.then(|| self.land().binary_search(&key(token, &self.frame)).ok()).flatten()
    }

    fn token<'a>(&self, codes: &'a [u8], n: usize) -> &'a [u8] {
        &codes[n * self.frame.code_dims..][..self.frame.code_dims]
    }

    /// The tokens around `n` that lie on the land, and which way.
    fn beside(&self, n: usize) -> impl Iterator<Item = (usize, usize)> {
        self.around[n].into_iter().enumerate().filter(|(_, m)| *m != NOWHERE).map(|(way, m)| (way, m as usize))
    }

    fn lies(&self, n: usize) -> bool {
        self.beside(n).next().is_some()
    }

    /// Words that [`Adjacency::narrow`] works on.
    pub fn domain_words(&self) -> usize {
        2 * self.around.len() * self.words()
    }

    /// Finds what each masked token of the land may be: into the first half of `domains`, `(tokens, words)`, a bit for each token of the land, none for
    /// other tokens; the second half is scratch space.
    pub fn narrow(&self, drawing: Drawing, domains: &mut [u32]) {
        let words = self.words();
        let (domains, narrowed) = domains.split_at_mut(self.around.len() * words);
        let masked = || (0..self.around.len()).filter(|n| drawing.masked[*n] && self.lies(*n));
        // The first step of every frame.
        if !self.open.is_empty() && (0..self.around.len()).all(|n| drawing.masked[n] || !self.lies(n)) {
            domains.copy_from_slice(&self.open);
            return;
        }
        domains.fill(0);
        for n in masked() {
            self.start(n, drawing, &mut domains[n * words..][..words]);
        }
        for _ in 0..SWEEPS {
            let mut same = true;
            for n in masked() {
                let next = &mut narrowed[n * words..][..words];
                next.copy_from_slice(&domains[n * words..][..words]);
                for (way, m) in self.beside(n).filter(|(_, m)| drawing.masked[*m]) {
                    self.keep_fitting(way, &domains[m * words..][..words], next);
                }
            }
            for n in masked() {
                let next = &narrowed[n * words..][..words];
                let domain = &mut domains[n * words..][..words];
                if next != domain && next.iter().any(|word| *word != 0) {
                    domain.copy_from_slice(next);
                    same = false;
                }
            }
            if same {
                break;
            }
        }
        for n in masked() {
            if let Some(at) = self.stays(n, drawing) {
                domains[n * words + at / 32] |= 1 << (at % 32);
            }
        }
    }

    /// The tokens that fit the most of what is settled around `n`.
    fn start(&self, n: usize, drawing: Drawing, domain: &mut [u32]) {
        // What fits so many of those around and one more.
        let mut fit = [Row::default(); WAYS];
        let mut around = 0;
        let settled = self.beside(n).filter(|(_, m)| !drawing.masked[*m]);
        for row in settled.filter_map(|(way, m)| Some(self.row(way, self.index(self.token(drawing.codes, m))?))) {
            for more in (0..=around).rev() {
                for (word, fits) in row.iter().enumerate() {
                    fit[more][word] |= fits & if more == 0 { u32::MAX } else { fit[more - 1][word] };
                }
            }
            around += 1;
        }
        match fit[..around].iter().rev().find(|row| row.iter().any(|word| *word != 0)) {
            Some(row) => domain.copy_from_slice(&row[..domain.len()]),
            None => domain.copy_from_slice(&self.all),
        }
    }

    /// Leaves of `row` what fits at least one token of a domain that lies that way from it.
    fn keep_fitting(&self, way: usize, domain: &[u32], row: &mut [u32]) {
        let land = self.land().len();
        let mut fits = Row::default();
        let mut add = |at: usize| fits.iter_mut().zip(self.row(way, at)).for_each(|(fits, row)| *fits |= row);
        if domain == self.all {
            add(land);
        } else {
            bits(domain).for_each(add);
        }
        row.iter_mut().zip(fits).for_each(|(row, fits)| *row &= fits);
    }

    /// What token `n` was in the frame before, where something around it is settled and all of that is as it was: then the view stays.
    fn stays(&self, n: usize, drawing: Drawing) -> Option<usize> {
        let before = drawing.before?;
        let mut settled = self.beside(n).filter(|(_, m)| !drawing.masked[*m]).peekable();
        settled.peek()?;
        let same = settled.all(|(_, m)| self.token(before, m) == self.token(drawing.codes, m));
        same.then(|| self.index(self.token(before, n))).flatten()
    }

    /// Where the choice of token `n` begins, among what it may be by `domains`; `None` where it does not lie on the land.
    pub fn begin<'a>(&'a self, n: usize, domains: &'a [u32]) -> Option<Prefix<'a>> {
        self.lies(n).then(|| self.land.begin().only(&domains[n * self.words()..][..self.words()]))
    }

    /// Whether token `n` of these `(tokens, code_dims)` levels does not fit one of those around it that count.
    pub fn clashes(&self, n: usize, codes: &[u8], counts: impl Fn(usize) -> bool) -> bool {
        let Some(at) = self.index(self.token(codes, n)) else { return false };
        let mut rows =
            self.beside(n).filter(|(_, m)| counts(*m)).filter_map(|(way, m)| Some(self.row(way, self.index(self.token(codes, m))?)));
        rows.any(|row| row[at / 32] >> (at % 32) & 1 == 0)
    }
}

/// Which bits are set.
fn bits(row: &[u32]) -> impl Iterator<Item = usize> {
    let of_word = |(i, &word): (usize, &u32)| {
        let mut left = word;
        std::iter::from_fn(move || {
            let bit = left.trailing_zeros() as usize;
            (left != 0).then(|| {
                left &= left - 1;
                32 * i + bit
            })
        })
    };
    row.iter().enumerate().flat_map(of_word)
}

/// The pairs that lie across and down in a frame of these `(tokens, code_dims)` levels, each with its axis.
pub fn pairs_in<'a>(codes: &'a [u8], frame: &'a FrameDims, recall: &'a RecallDims) -> impl Iterator<Item = (usize, Pair)> + 'a {
    let key_of = |n: usize| key(&codes[n * frame.code_dims..][..frame.code_dims], frame);
    (0..frame.tokens()).flat_map(move |n| {
        let [_, right, _, below] = around(n, frame, recall);
        let pair = move |(axis, m): (usize, u32)| (axis, [key_of(n), key_of(m as usize)]);
        [(0, right), (1, below)].into_iter().filter(|(_, m)| *m != NOWHERE).map(pair)
    })
}

fn around(n: usize, frame: &FrameDims, recall: &RecallDims) -> [u32; WAYS] {
    let lies = |n: &usize| recall.scrolls(*n, frame);
    if !lies(&n) {
        return [NOWHERE; WAYS];
    }
    frame.beside(n).map(|m| m.filter(lies).map_or(NOWHERE, |m| m as u32))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::decode::{self, Drawn};
    use crate::engine::{DecodeSettings, UNKNOWN};
    use crate::pack::random::{land_manifest, random_pack};

    const GRASS: u8 = 0;
    /// Left and right half of a house.
    const LEFT: u8 = 1;
    const RIGHT: u8 = 2;
    /// Lies on nothing that is said here.
    const FIGURE: u8 = 3;
    /// Not drawn yet.
    const OPEN: u8 = 9;

    /// A row of tokens; houses are two wide, one apart at least.
    fn row(width: usize) -> Adjacency {
        let frame = FrameDims { width_px: width, height_px: 1, patch_px: 1, rate_hz: 1, code_dims: 1, code_levels: 4, look: false };
        let pair = |first: u8, second: u8| [u32::from(first), u32::from(second)];
        let across = BTreeSet::from([pair(GRASS, GRASS), pair(GRASS, LEFT), pair(LEFT, RIGHT), pair(RIGHT, GRASS)]);
        Adjacency::new([&across, &BTreeSet::new()], &frame, &RecallDims { step_px: 1, covered: vec![] })
    }

    /// What each token may be, by its domain.
    fn narrowed(drawn: &[u8], before: Option<&[u8]>) -> Vec<Vec<u8>> {
        let adjacency = row(drawn.len());
        let masked: Vec<bool> = drawn.iter().map(|level| *level == OPEN).collect();
        let mut domains = vec![7; adjacency.domain_words()];
        adjacency.narrow(Drawing { codes: drawn, masked: &masked, before }, &mut domains);
        (0..drawn.len()).map(|n| bits(&domains[n..=n]).map(|at| adjacency.land()[at] as u8).collect()).collect()
    }

    #[test]
    fn what_is_drawn_fits_what_is_settled_and_leaves_something_to_what_is_not() {
        assert_eq!(narrowed(&[OPEN, LEFT, OPEN], None), [vec![GRASS], vec![], vec![RIGHT]]);
        // Where the second is the left of a house the third, which is beside a left, would fit nothing.
        assert_eq!(narrowed(&[GRASS, OPEN, OPEN, LEFT], None), [vec![], vec![GRASS], vec![GRASS], vec![]]);
        assert_eq!(narrowed(&[RIGHT, OPEN, OPEN, RIGHT], None)[1..3], [vec![GRASS], vec![LEFT]]);
        let all = vec![GRASS, LEFT, RIGHT];
        assert_eq!(narrowed(&[OPEN, OPEN, OPEN], None), [vec![GRASS, LEFT, RIGHT], all.clone(), all]);
        // Of two that cannot both be fitted one is, and what is no land says nothing.
        assert_eq!(narrowed(&[LEFT, OPEN, LEFT], None)[1], [GRASS, RIGHT]);
        assert_eq!(narrowed(&[LEFT, OPEN, FIGURE], None)[1], [RIGHT]);
    }

    #[test]
    fn what_lay_there_may_lie_there_as_long_as_the_view_stays() {
        let before = [LEFT, LEFT, GRASS];
        assert_eq!(narrowed(&[LEFT, OPEN, GRASS], Some(&before))[1], [LEFT, RIGHT]);
        assert_eq!(narrowed(&[LEFT, OPEN, LEFT], Some(&before))[1], [GRASS, RIGHT], "something is another");
        assert_eq!(narrowed(&[LEFT, OPEN, OPEN], Some(&[LEFT, FIGURE, LEFT]))[1], [RIGHT], "no land lay there");
        assert_eq!(narrowed(&[LEFT, OPEN, OPEN], Some(&[LEFT, UNKNOWN, LEFT]))[1], [RIGHT], "nobody knows what lay there");
    }

    #[test]
    fn of_two_that_clash_the_first_is_settled() {
        let adjacency = row(3);
        let settled = |codes: &[u8], kept: Option<&Adjacency>| {
            let (s, mut masked) = (DecodeSettings::LEAST, [true; 3]);
            let drawn = Drawn { codes, confidence: &[], offered: &[], adjacency: kept };
            decode::settle(&s, 1, drawn, &mut [2, 0, 1], &mut masked);
            masked.map(|masked| !masked)
        };
        assert_eq!(settled(&[LEFT, RIGHT, GRASS], Some(&adjacency)), [true; 3]);
        assert_eq!(settled(&[LEFT, GRASS, GRASS], Some(&adjacency)), [true, false, true]);
        // The one in the middle comes last and fits neither.
        assert_eq!(settled(&[RIGHT, RIGHT, RIGHT], Some(&adjacency)), [true, false, true]);
        assert_eq!(settled(&[LEFT, FIGURE, GRASS], Some(&adjacency)), [true; 3], "what is no land fits");
        assert_eq!(settled(&[LEFT, GRASS, GRASS], None), [true; 3]);
    }

    #[test]
    fn a_pack_holds_what_lies_beside_what() {
        let pack = random_pack(land_manifest(), 3).unwrap();
        let adjacency = Adjacency::of(&pack).unwrap().expect("this pack has one");
        assert_eq!(adjacency.land().len(), pack.manifest.dynamics.as_ref().unwrap().land);
        let [across, down] = adjacency.pairs();
        assert!(across != down && across.len() > 100 && down.len() > 100);
        let (frame, recall) = (&pack.manifest.frame, pack.manifest.dynamics.as_ref().unwrap().recall.as_ref().unwrap());
        assert_eq!(Adjacency::new([&across, &down], frame, recall).bytes(), adjacency.bytes());
        // Bits beyond the last token of the land mean nothing.
        let whole = |bytes: &[u8]| {
            let mut bytes = bytes.to_vec();
            let row = adjacency.land().len().div_ceil(8);
            bytes.chunks_exact_mut(row).for_each(|row| *row.last_mut().unwrap() &= 0xff >> (8 * row.len() - adjacency.land().len()));
            bytes
        };
        assert_eq!(whole(&pack.u8s("vocabulary.beside").unwrap()), adjacency.bytes());
    }

    #[test]
    fn pairs_of_a_frame_are_those_of_its_land() {
        let frame = FrameDims { width_px: 3, height_px: 2, patch_px: 1, rate_hz: 1, code_dims: 1, code_levels: 9, look: true };
        let recall = RecallDims { step_px: 1, covered: vec![4] };
        let pairs: Vec<_> = pairs_in(&[0, 1, 2, 3, 4, 5, 6], &frame, &recall).collect();
        assert_eq!(pairs, [(0, [0, 1]), (1, [0, 3]), (0, [1, 2]), (1, [2, 5])]);
    }
}
