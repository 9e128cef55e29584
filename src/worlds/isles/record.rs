//! Which wish each tile came into being under: what makes a walk back show what was seen, whatever was wished since.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use super::land::CHUNK;

/// The number of a wish, in the order they came.
pub type WishId = u16;
const UNSEEN: WishId = WishId::MAX;

/// Tiles that have been in view with their wishes. Chunks are shared between clones until one writes.
#[derive(Clone, Default)]
pub struct Record(HashMap<(i64, i64), Arc<[WishId; (CHUNK * CHUNK) as usize]>>);

impl Record {
    pub fn get(&self, x: i64, y: i64) -> Option<WishId> {
        let chunk = self.0.get(&(x.div_euclid(CHUNK), y.div_euclid(CHUNK)))?;
        Some(chunk[index(x, y)]).filter(|&wish| wish != UNSEEN)
    }

    /// Notes `wish` for a tile unless it has one.
    pub fn note(&mut self, x: i64, y: i64, wish: WishId) {
        self.note_all(x..=x, y..=y, wish);
    }

    /// Notes `wish` for all tiles of a rectangle that have none.
    pub fn note_all(&mut self, xs: RangeInclusive<i64>, ys: RangeInclusive<i64>, wish: WishId) {
        let chunks = |range: &RangeInclusive<i64>| range.start().div_euclid(CHUNK)..=range.end().div_euclid(CHUNK);
        for cy in chunks(&ys) {
            for cx in chunks(&xs) {
                let chunk = self.0.entry((cx, cy)).or_insert_with(|| Arc::new([UNSEEN; (CHUNK * CHUNK) as usize]));
                let inside =
                    |range: &RangeInclusive<i64>, c: i64| (*range.start()).max(c * CHUNK)..=(*range.end()).min(c * CHUNK + CHUNK - 1);
                let unseen = |(x, y): &(i64, i64)| chunk[index(*x, *y)] == UNSEEN;
                let fresh: Vec<(i64, i64)> = inside(&ys, cy).flat_map(|y| inside(&xs, cx).map(move |x| (x, y))).filter(unseen).collect();
                if !fresh.is_empty() {
                    let chunk = Arc::make_mut(chunk);
                    fresh.into_iter().for_each(|(x, y)| chunk[index(x, y)] = wish);
                }
            }
        }
    }
}

fn index(x: i64, y: i64) -> usize {
    (y.rem_euclid(CHUNK) * CHUNK + x.rem_euclid(CHUNK)) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_wish_stays() {
        let mut record = Record::default();
        record.note_all(-40..=5, 30..=34, 3);
        let twin = record.clone();
        record.note_all(-50..=40, 30..=70, 4);
        assert_eq!([record.get(-40, 30), record.get(5, 34), record.get(6, 34), record.get(0, 70)], [Some(3), Some(3), Some(4), Some(4)]);
        assert_eq!([record.get(-51, 30), record.get(0, 29)], [None, None]);
        // A clone knows nothing of what came later.
        assert_eq!([twin.get(5, 34), twin.get(6, 34)], [Some(3), None]);
    }
}
