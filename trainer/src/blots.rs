//! Blots: pieces of elsewhere that lie on the land of a clip as a dream's mistakes do. A dream that once drew half a tree draws it again and
//! again, since that is what it remembers there; a history with blots and a truth without them teach to mend it.

use somnium::clips::Clip;
use somnium::pack::manifest::FrameDims;

use crate::scroll::Scroll;
use crate::source::Dice;

/// Largest share of a clip's places that blots begin at; small ones are as frequent as large ones.
const MOST_BLOTTED: f32 = 0.2;
/// Sides of blots in tokens, across and down, as often as they stand here: one in most cases.
const SIDES: [[i32; 2]; 6] = [[1, 1], [1, 1], [1, 1], [2, 1], [1, 2], [2, 2]];
/// Share of blots that show another part of what is seen; the others show another clip.
const FROM_HERE_SHARE: f32 = 0.5;

/// A piece of picture at one place of the world.
struct Blot {
    /// Left, top, width and height, in steps from the upper left corner of the clip's first view.
    at: [i32; 2],
    sides: [i32; 2],
    /// `(height, width, RGB)`; taken up where it first comes into view, and anew wherever the look of everything turns.
    pixels: Vec<u8>,
}

/// Frames of `clip` with blots, `(T, height_px, width_px, RGB)`. `views`: `(T, 2)` in steps; `elsewhere`: another clip of the same size;
/// `turns`: whether everything looks otherwise from a frame on. Tokens that do not scroll have none.
pub fn blotted(
    clip: &Clip,
    elsewhere: &Clip,
    views: &[i16],
    turns: impl Fn(usize) -> bool,
    frame: &FrameDims,
    scroll: &Scroll,
    dice: &mut Dice,
) -> Vec<u8> {
    let step_px = scroll.recall.as_ref().map_or(frame.patch_px, |recall| recall.step_px) as i32;
    let covered = scroll.recall.as_ref().map(|recall| recall.covered.as_slice()).unwrap_or_default();
    let size = [frame.width_px as i32 / step_px, frame.height_px as i32 / step_px];
    let mut blots = scattered(views, size, frame.patch_px as i32 / step_px, dice);
    let mut frames = clip.frames.clone();
    for (t, (picture, view)) in frames.chunks_exact_mut(clip.frame_bytes()).zip(views.as_chunks::<2>().0).enumerate() {
        for blot in &mut blots {
            // Where its corner lies in the picture, in steps.
            let corner = [0, 1].map(|axis| blot.at[axis] - i32::from(view[axis]));
            if (0..2).any(|axis| corner[axis] <= -blot.sides[axis] || corner[axis] >= size[axis]) {
                continue;
            }
            if blot.pixels.is_empty() || turns(t) {
                let source = if dice.chance(FROM_HERE_SHARE) { clip.frame(t) } else { elsewhere.frame(dice.below(elsewhere.len())) };
                let from = [0, 1].map(|axis| dice.below((size[axis] - blot.sides[axis] + 1) as usize) as i32);
                blot.pixels = cut(source, from, blot.sides, step_px, frame.width_px);
            }
            paste(&blot.pixels, corner, blot.sides, step_px, frame, picture);
        }
        for token in covered {
            let at = frame.cell(*token).map(|at| at * frame.patch_px);
            for y in at[1]..at[1] + frame.patch_px {
                let row = (y * frame.width_px + at[0]) * 3..(y * frame.width_px + at[0] + frame.patch_px) * 3;
                picture[row.clone()].copy_from_slice(&clip.frame(t)[row]);
            }
        }
    }
    frames
}

/// Blots over all that `views` see, none of them taken up yet; `token`: its side in steps.
fn scattered(views: &[i16], size: [i32; 2], token: i32, dice: &mut Dice) -> Vec<Blot> {
    let share = MOST_BLOTTED * dice.unit() * dice.unit();
    let seen = |axis: usize| {
        let along = || views.iter().skip(axis).step_by(2).map(|steps| i32::from(*steps));
        along().min().unwrap_or_default() - 1..along().max().unwrap_or_default() + size[axis]
    };
    let mut blots = Vec::new();
    for y in seen(1).step_by(token as usize) {
        for x in seen(0).step_by(token as usize) {
            if dice.chance(share) {
                let at = [x, y].map(|at| at + dice.below(token as usize) as i32);
                blots.push(Blot { at, sides: SIDES[dice.below(SIDES.len())].map(|side| side * token), pixels: Vec::new() });
            }
        }
    }
    blots
}

/// The piece of `picture` at `from`, in steps.
fn cut(picture: &[u8], from: [i32; 2], sides: [i32; 2], step_px: i32, width_px: usize) -> Vec<u8> {
    let [left, top, wide, high] = [from[0], from[1], sides[0], sides[1]].map(|steps| (steps * step_px) as usize);
    (top..top + high).flat_map(|y| picture[(y * width_px + left) * 3..][..wide * 3].iter().copied()).collect()
}

/// Lays a piece over the part of `picture` that it meets, its corner at `corner`, in steps.
fn paste(pixels: &[u8], corner: [i32; 2], sides: [i32; 2], step_px: i32, frame: &FrameDims, picture: &mut [u8]) {
    let [left, top, wide, high] = [corner[0], corner[1], sides[0], sides[1]].map(|steps| steps * step_px);
    let from = left.max(0);
    let until = (left + wide).min(frame.width_px as i32);
    for (y, row) in (top..top + high).zip(pixels.chunks_exact(3 * wide as usize)) {
        if (0..frame.height_px as i32).contains(&y) {
            let at = (y as usize * frame.width_px + from as usize) * 3;
            let piece = &row[3 * (from - left) as usize..3 * (until - left) as usize];
            picture[at..at + piece.len()].copy_from_slice(piece);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use somnium::pack::manifest::RecallDims;

    const FRAME: FrameDims =
        FrameDims { width_px: 48, height_px: 48, patch_px: 16, rate_hz: 10, code_dims: 2, code_levels: 5, look: false };

    /// A clip that walks one step east a frame over land whose pixels tell their place, and another clip all white.
    fn clips(frames: usize) -> (Clip, Clip, Vec<i16>) {
        let land = |t: usize| {
            let at = move |i: usize| (i % 48 + 8 * t, i / 48);
            (0..48 * 48).flat_map(move |i| [(at(i).0 % 128) as u8, at(i).1 as u8, 7])
        };
        let clip = |pixels: Vec<u8>| Clip { width_px: 48, height_px: 48, frames: pixels, actions: vec![None; frames], ..Clip::default() };
        let views = (0..frames as i16).flat_map(|t| [t, 0]).collect();
        (clip((0..frames).flat_map(land).collect()), clip(vec![255; frames * 48 * 48 * 3]), views)
    }

    fn scroll() -> Scroll {
        Scroll { recall: Some(RecallDims { step_px: 8, covered: vec![4] }), motions: Vec::new() }
    }

    #[test]
    fn a_blot_stays_where_it_lies_and_leaves_the_figure_alone() {
        let (clip, white, views) = clips(9);
        let (mut pairs, mut moved_along, mut changed) = (0, 0, 0);
        for seed in 0..20 {
            let frames = blotted(&clip, &white, &views, |_| false, &FRAME, &scroll(), &mut Dice::new(3, seed));
            let pixel = |t: usize, x: usize, y: usize| &frames[((t * 48 + y) * 48 + x) * 3..][..3];
            let truth = |t: usize, x: usize, y: usize| &clip.frame(t)[(y * 48 + x) * 3..][..3];
            let covered = |x: usize, y: usize| (16..32).contains(&x) && (16..32).contains(&y);
            for (t, x, y) in (0..8).flat_map(|t| (8..48).flat_map(move |x| (0..48).map(move |y| (t, x, y)))) {
                if covered(x, y) {
                    assert_eq!(pixel(t, x, y), truth(t, x, y));
                } else if pixel(t, x, y) != truth(t, x, y) {
                    changed += 1;
                    if !covered(x - 8, y) {
                        pairs += 1;
                        moved_along += usize::from(pixel(t + 1, x - 8, y) == pixel(t, x, y));
                    }
                }
            }
        }
        assert!(changed > 1000 && pairs > 1000, "{changed} pixels of twenty clips are blotted");
        assert_eq!(moved_along, pairs);
    }

    #[test]
    fn where_the_look_turns_blots_turn() {
        let (clip, elsewhere, views) = clips(4);
        let still = vec![0; views.len()];
        let white = |picture: &[u8]| picture.iter().map(|byte| *byte == 255).collect::<Vec<_>>();
        let differing = |turns: bool| {
            let other = |seed: &u64| {
                let frames = blotted(&clip, &elsewhere, &still, |_| turns, &FRAME, &scroll(), &mut Dice::new(3, *seed));
                white(&frames[..clip.frame_bytes()]) != white(&frames[clip.frame_bytes()..2 * clip.frame_bytes()])
            };
            (0..20).filter(other).count()
        };
        assert!(differing(true) > 0);
        assert_eq!(differing(false), 0);
    }
}
