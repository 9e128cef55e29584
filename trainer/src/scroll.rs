//! How a world scrolls, read off its clips: where the view goes under each action, in which steps, and which tokens stay behind.

use serde::{Deserialize, Serialize};
use somnium::clips::Clip;
use somnium::pack::manifest::{FrameDims, RecallDims};

use crate::motion::{Picture, best_shift, shift_error, shrunk};

/// Pictures are averaged down by this before a shift is read off them; the furthest shift looked for, in averaged-down pixels.
const SHRINK: usize = 4;
const REACH: i32 = 4;
/// An action moves the view if at least this share of its steps shifts the picture in one way: the others are blocked.
const LEAST_SHARE: f32 = 0.25;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scroll {
    /// Absent where no action moves the view.
    pub recall: Option<RecallDims>,
    /// Where the view goes under each code, in steps.
    pub motions: Vec<[i32; 2]>,
}

/// Reads it off clips with a code for every step; `codes` of them are known.
pub fn measure(clips: &[(Clip, Vec<Option<u8>>)], codes: usize, frame: &FrameDims) -> Scroll {
    let shifts = shifts();
    let mut seen = vec![vec![0u32; shifts.len()]; codes];
    for (clip, steps) in clips {
        for (pair, code) in small_frames(clip, frame).windows(2).zip(steps.iter().skip(1)) {
            if let Some(code) = code {
                seen[usize::from(*code)][best(pair, &shifts, frame)] += 1;
            }
        }
    }
    let motions_px: Vec<[i32; 2]> = seen
        .iter()
        .map(|seen| {
            let all: u32 = seen.iter().sum();
            let best = (1..seen.len()).max_by_key(|i| seen[*i]).unwrap_or(0);
            let enough = seen[best] > 0 && seen[best] as f32 >= LEAST_SHARE * all as f32;
            // Where the picture goes to the left, the view goes to the right.
            if enough { [-shifts[best].0, -shifts[best].1].map(|d| d * SHRINK as i32) } else { [0, 0] }
        })
        .collect();
    let step_px = motions_px.iter().flatten().fold(0, |step, d| gcd(step, d.unsigned_abs() as usize));
    if step_px == 0 {
        return Scroll { recall: None, motions: motions_px };
    }
    let step_px = gcd(step_px, frame.patch_px);
    let covered = stay_behind(clips.iter().map(|(clip, _)| clip), frame);
    let motions = motions_px.iter().map(|motion| motion.map(|d| d / step_px as i32)).collect();
    Scroll { recall: Some(RecallDims { step_px, covered }), motions }
}

/// Tokens that look more like themselves than like what scrolls over them, in most steps that move the view.
pub fn stay_behind<'a>(clips: impl Iterator<Item = &'a Clip>, frame: &FrameDims) -> Vec<usize> {
    let (shifts, patch) = (shifts(), frame.patch_px / SHRINK);
    // Of each token, moved steps in which it fits better where it was; and all moved steps.
    let (mut stayed, mut moved) = (vec![0u32; frame.patches()], 0);
    for clip in clips {
        for pair in small_frames(clip, frame).windows(2) {
            let best = best(pair, &shifts, frame);
            if best == 0 {
                continue;
            }
            moved += 1;
            for (n, stayed) in stayed.iter_mut().enumerate() {
                let inside = |x: usize, y: usize| (x / patch, y / patch) == (n % frame.grid_w(), n / frame.grid_w());
                let error = |shift| shift_error(picture(&pair[0], frame), picture(&pair[1], frame), shift, inside);
                *stayed += u32::from(error((0, 0)) < error(shifts[best]));
            }
        }
    }
    (0..frame.patches()).filter(|n| 2 * stayed[*n] > moved).collect()
}

/// Shifts looked for. Earlier ones win where several fit alike: standing comes first.
fn shifts() -> Vec<(i32, i32)> {
    let side = 2 * REACH + 1;
    let mut shifts: Vec<(i32, i32)> = (0..side * side).map(|i| (i % side - REACH, i / side - REACH)).collect();
    shifts.sort_by_key(|(dx, dy)| dx * dx + dy * dy);
    shifts
}

fn small_frames(clip: &Clip, frame: &FrameDims) -> Vec<Vec<f32>> {
    (0..clip.len()).map(|t| shrunk(clip.frame(t), frame.width_px, frame.height_px, SHRINK)).collect()
}

fn picture<'a>(values: &'a [f32], frame: &FrameDims) -> Picture<'a> {
    Picture { values, w: frame.width_px / SHRINK, h: frame.height_px / SHRINK }
}

fn best(pair: &[Vec<f32>], shifts: &[(i32, i32)], frame: &FrameDims) -> usize {
    best_shift(picture(&pair[0], frame), picture(&pair[1], frame), shifts, |_, _| true).0
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{ClipSource, Mood, WorldSource};

    #[test]
    fn isles_scrolls_in_whole_tiles_under_a_figure() {
        let source = WorldSource::new("isles", 1).expect("the world exists");
        let info = source.info().clone();
        let frame = FrameDims {
            width_px: info.width_px,
            height_px: info.height_px,
            patch_px: 16,
            rate_hz: 10,
            code_dims: 1,
            code_levels: 2,
            look: false,
        };
        let clips = |scramble: bool| -> Vec<(Clip, Vec<Option<u8>>)> {
            let with_codes = |number| {
                let clip = source.clip(number, 48, Mood::Still).expect("a clip");
                let codes = clip.actions.iter().enumerate().map(|(t, a)| if scramble { a.map(|_| (t % 5) as u8) } else { *a }).collect();
                (clip, codes)
            };
            (0..4).map(with_codes).collect()
        };
        let scroll = measure(&clips(false), 5, &frame);
        assert_eq!(scroll.motions, [[0, 0], [0, -1], [0, 1], [-1, 0], [1, 0]]);
        assert_eq!(scroll.recall, Some(RecallDims { step_px: 16, covered: vec![31] }));
        // Negative control: codes that say nothing about the movement have none.
        let scrambled = measure(&clips(true), 5, &frame);
        assert_ne!(scrambled.motions, scroll.motions);
    }
}
