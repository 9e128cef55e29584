//! Things larger than a patch. Where a part of one comes into view, nothing says that it does but the words, and all that lies beyond goes by it.

use std::collections::HashSet;

use somnium::pack::manifest::{FrameDims, Relief};

/// Tokens that are a part of something larger.
#[derive(Default)]
pub struct Larger(HashSet<Vec<u8>>);

impl Larger {
    pub fn of(relief: Option<&Relief>) -> Self {
        let standing = relief.into_iter().flat_map(|relief| relief.standing.values());
        Self(standing.filter(|standing| !standing.cutout.is_whole()).map(|standing| standing.token.clone()).collect())
    }

    pub fn has_part(&self, token: &[u8]) -> bool {
        self.0.contains(token)
    }

    /// Whether something begins in a frame, `(N, D)` levels, whose view went on by `moved` steps, `steps` a patch: a part of it came into view, and nothing
    /// that lay beside it before is one.
    pub fn begins(&self, dims: &FrameDims, codes: &[u8], moved: [i32; 2], steps: i32) -> bool {
        let (w, h, d) = (dims.grid_w() as i32, dims.grid_h() as i32, dims.code_dims);
        let is_part = |x: i32, y: i32| self.has_part(&codes[(y * w + x) as usize * d..][..d]);
        let lay_there = |x: i32, y: i32| {
            let inside = |at: i32, by: i32, patches: i32| (0..=steps * (patches - 1)).contains(&(steps * at + by));
            inside(x, moved[0], w) && inside(y, moved[1], h)
        };
        let beside = |x: i32, y: i32| {
            let around = [(x - 1, y), (x + 1, y), (x, y - 1), (x, y + 1)].into_iter();
            around.filter(|(x, y)| (0..w).contains(x) && (0..h).contains(y))
        };
        let begins_at = |x: i32, y: i32| !lay_there(x, y) && is_part(x, y) && !beside(x, y).any(|(x, y)| lay_there(x, y) && is_part(x, y));
        (0..h).any(|y| (0..w).any(|x| begins_at(x, y)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use somnium::pack::manifest::Standing;
    use somnium::worlds::relief::Cutout;

    #[test]
    fn a_house_begins_where_none_of_it_was_in_view() {
        let dims = FrameDims { width_px: 3, height_px: 2, patch_px: 1, rate_hz: 1, code_dims: 1, code_levels: 9, look: false };
        let standing = |token: u8, parts: [u8; 2]| {
            let cutout = Cutout { rows: vec![1], height: 1.0, part: [0, 0], parts };
            (format!("meadow_{token}"), Standing { token: vec![token], ground: vec![0], cutout })
        };
        let relief = Relief { sky: [vec![0], vec![0]], standing: [standing(7, [2, 2]), standing(8, [1, 1])].into_iter().collect() };
        let larger = Larger::of(Some(&relief));
        let begins = |codes: [u8; 6], moved: [i32; 2]| larger.begins(&dims, &codes, moved, 2);
        let at_the_right = [0, 0, 7, 0, 0, 0];
        assert!(begins(at_the_right, [2, 0]) && begins(at_the_right, [0, -2]));
        // It was in view, has come nearer by half a patch at the left, or did not move.
        assert!(!begins(at_the_right, [-2, 0]) && !begins(at_the_right, [0, 2]) && !begins(at_the_right, [0, 0]));
        assert!(begins(at_the_right, [1, 0]));
        // The rest of it was.
        assert!(!begins([0, 7, 7, 0, 0, 0], [2, 0]) && begins([0, 7, 0, 0, 0, 7], [2, 0]));
        // A tree is whole.
        assert!(!begins([0, 0, 8, 0, 0, 8], [2, 0]));
        assert!(!Larger::of(None).begins(&dims, &at_the_right, [2, 0], 2));
    }
}
