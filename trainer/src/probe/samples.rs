//! What the probe learns from: frames of the simulator as they are, worn, with a figure taken away or added, and spoilt beyond use.

use somnium::worlds::policy::{Explorer, Policy};
use somnium::worlds::scene::{Attribute, Biome, Light, Style, Weather, Wish};
use somnium::worlds::{StepOutcome, World};

use super::spoil::{Spoil, copy_block, worn};
use super::view::View;
use crate::source::{Dice, mix};

/// Frames taken from each walk, and the steps between them.
const FRAMES_PER_WALK: usize = 4;
const STRIDE: usize = 5;
/// Share of walks through a world that is wished to be something, and of those in which a style is wished for in any case: lands look their
/// own in each.
const WISHING_SHARE: f32 = 0.8;
const STYLED_SHARE: f32 = 0.5;

/// Kinds of words.
pub const KINDS: usize = 4;
pub const KIND_NAMES: [&str; KINDS] = ["land", "light", "weather", "style"];

/// Words of each kind: one of each describes any frame.
pub fn scene_words() -> [Vec<&'static str>; KINDS] {
    fn of<T: Attribute>(all: &[T]) -> Vec<&'static str> {
        all.iter().map(|value| value.word()).collect()
    }
    [of(Biome::ALL), of(Light::ALL), of(Weather::ALL), of(Style::ALL)]
}

/// The word of each kind that a wish asks for.
pub fn asked_words(wish: &Wish) -> [Option<&'static str>; KINDS] {
    [wish.biome.map(Biome::word), wish.light.map(Light::word), wish.weather.map(Weather::word), wish.style.map(Style::word)]
}

/// A frame and what should be read from it.
#[derive(Clone)]
pub struct Sample {
    pub rgb: Vec<u8>,
    /// Probability of each word of land, then of light, of weather, of style.
    pub words: Vec<f32>,
    /// North, south, west, east.
    pub facing: [f32; 4],
    /// None, one, more; all zero where it is not to be told.
    pub figures: [f32; 3],
    pub cells: Vec<Cell>,
    /// No frame of the world: nothing in it can be trusted.
    pub spoilt: bool,
}

#[derive(Clone, Copy, Default)]
pub struct Cell {
    pub solid: f32,
    pub solid_counts: f32,
    /// Share covered by a figure.
    pub figure: f32,
    pub figure_counts: f32,
}

impl Sample {
    /// The present frame of `world`, drawn as `rgb`.
    fn new(rgb: Vec<u8>, world: &dyn World, view: &View) -> Self {
        let scene = world.scene();
        let land = scene.biomes.first().map_or("", |biome| biome.word());
        let seen = [land, scene.light.word(), scene.weather.word(), scene.style.word()];
        let told = |(all, word): (Vec<&str>, &str)| all.into_iter().map(|w| f32::from(u8::from(w == word))).collect::<Vec<_>>();
        let words = scene_words().into_iter().zip(seen).flat_map(told);
        let mut facing = [0.0; 4];
        facing[world.facing() - 1] = 1.0;
        let mut cells: Vec<Cell> = world
            .solid()
            .iter()
            .map(|solid| Cell { solid: f32::from(u8::from(*solid)), solid_counts: 1.0, figure: 0.0, figure_counts: 1.0 })
            .collect();
        let (columns, rows) = view.figure();
        for row in rows {
            columns.clone().for_each(|column| cells[row * view.columns() + column].figure = 1.0);
        }
        Self { rgb, words: words.collect(), facing, figures: [0.0, 1.0, 0.0], cells, spoilt: false }
    }

    /// Puts another part of the land in the figure's place.
    fn without_figure(&mut self, view: &View, dice: &mut Dice) {
        let (x, y) = elsewhere(view, view.cell_px, dice);
        let source = self.rgb.clone();
        copy_block(&source, (x, y), &mut self.rgb, view.figure_px(), view);
        let (columns, rows) = view.figure();
        for (dy, row) in rows.enumerate() {
            for (dx, column) in columns.clone().enumerate() {
                let from = self.cells[(y / view.cell_px + dy) * view.columns() + x / view.cell_px + dx];
                self.cells[row * view.columns() + column] = Cell { figure: 0.0, ..from };
            }
        }
        self.facing = [0.25; 4];
        self.figures = [1.0, 0.0, 0.0];
    }

    /// Puts the figure of `donor` somewhere off the centre.
    fn with_second_figure(&mut self, donor: &[u8], view: &View, dice: &mut Dice) {
        let (x, y) = elsewhere(view, 1, dice);
        copy_block(donor, view.figure_px(), &mut self.rgb, (x, y), view);
        let overlap = |from: usize, cell: usize| {
            let (start, end) = (cell * view.cell_px, (cell + 1) * view.cell_px);
            end.min(from + view.patch_px).saturating_sub(start.max(from)) as f32 / view.cell_px as f32
        };
        for (i, cell) in self.cells.iter_mut().enumerate() {
            let covered = overlap(x, i % view.columns()) * overlap(y, i / view.columns());
            if covered > 0.0 {
                (cell.figure, cell.solid_counts) = (covered, 0.0);
            }
        }
        self.figures.rotate_right(1);
    }

    /// Makes it no frame of the world: every word and way is as likely as any other.
    fn spoil(&mut self, spoil: Spoil, view: &View, dice: &mut Dice) {
        self.rgb = spoil.apply(&self.rgb, view, dice);
        self.words = scene_words().iter().flat_map(|all| std::iter::repeat_n(1.0 / all.len() as f32, all.len())).collect();
        self.facing = [0.25; 4];
        // A scramble only moves the figure.
        let counts = if spoil == Spoil::Scramble { 0.0 } else { 1.0 };
        self.figures = [counts, 0.0, 0.0];
        self.cells.fill(Cell { figure_counts: counts, ..Cell::default() });
        self.spoilt = true;
    }
}

/// A pixel on a grid of `step` pixels where a patch does not touch the figure's.
fn elsewhere(view: &View, step: usize, dice: &mut Dice) -> (usize, usize) {
    let mut draw = |side: usize| dice.below((side - view.patch_px) / step + 1) * step;
    loop {
        let (x, y) = (draw(view.width_px), draw(view.height_px));
        let (fx, fy) = view.figure_px();
        if x.abs_diff(fx) >= view.patch_px || y.abs_diff(fy) >= view.patch_px {
            return (x, y);
        }
    }
}

/// `count` samples that follow from `seed` alone; half of what is not spoilt is worn. Without `broken`, each shows the world with its figure.
pub fn samples(world: &dyn World, seed: u64, count: usize, broken: bool) -> Vec<Sample> {
    let view = View::of(world.info());
    let mut world = world.boxed_clone();
    let mut samples = Vec::with_capacity(count);
    for walk in 0.. {
        let mut dice = Dice::new(seed, walk);
        let clean = walked(world.as_mut(), mix(seed, walk), &view);
        for i in 0..clean.len() {
            if samples.len() == count {
                return samples;
            }
            let (mut sample, donor) = (clean[i].clone(), &clean[dice.below(clean.len())].rgb);
            match if broken { dice.below(100) } else { 99 } {
                0..9 => sample.without_figure(&view, &mut dice),
                9..18 => sample.with_second_figure(donor, &view, &mut dice),
                18..24 => {
                    sample.without_figure(&view, &mut dice);
                    sample.with_second_figure(donor, &view, &mut dice);
                }
                24..39 => sample.spoil(Spoil::ALL[dice.below(Spoil::ALL.len())], &view, &mut dice),
                _ => {}
            }
            if !sample.spoilt && dice.chance(0.5) {
                sample.rgb = worn(&sample.rgb, &view, &mut dice);
            }
            samples.push(sample);
        }
    }
    samples
}

/// Frames of one walk, as they are.
fn walked(world: &mut dyn World, seed: u64, view: &View) -> Vec<Sample> {
    world.hold_ambience(false);
    let mut dice = Dice::new(seed, 0);
    let mut wish = if dice.chance(WISHING_SHARE) { Wish::drawn(seed) } else { Wish::default() };
    if !wish.is_empty() && wish.style.is_none() && dice.chance(STYLED_SHARE) {
        wish.style = Some(Style::ALL[dice.below(Style::ALL.len())]);
    }
    world.reset_under(seed, &wish);
    let (mut policy, mut last) = (Explorer::new(seed), StepOutcome::default());
    (0..FRAMES_PER_WALK)
        .map(|_| {
            for _ in 0..STRIDE {
                last = world.step(policy.next(last));
            }
            let mut rgb = vec![0; view.width_px * view.height_px * 3];
            world.render(&mut rgb);
            Sample::new(rgb, world, view)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_follow_what_is_done_to_a_frame() {
        let world = somnium::worlds::by_name("isles").unwrap();
        let view = View::of(world.info());
        let all = samples(world.as_ref(), 5, 200, true);
        let of_one = (view.patch_px / view.cell_px).pow(2) as f32;
        let (mut seen, mut covered) = ([0; 3], [0.0; 3]);
        for sample in all.iter().filter(|s| !s.spoilt) {
            let figures = sample.figures.iter().position(|p| *p == 1.0).unwrap();
            seen[figures] += 1;
            covered[figures] += sample.cells.iter().map(|cell| cell.figure).sum::<f32>() / of_one;
        }
        assert!(seen.iter().all(|n| *n >= 8), "{seen:?}");
        for (figures, (seen, covered)) in seen.iter().zip(covered).enumerate() {
            assert!((covered / *seen as f32 - figures as f32).abs() < 0.01, "{figures} figures cover {covered} of {seen}");
        }
        let spoilt = all.iter().filter(|s| s.spoilt).count();
        assert!((10..60).contains(&spoilt) && all.iter().all(|s| s.cells.len() == view.cells()), "{spoilt} spoilt");
        let plain = samples(world.as_ref(), 5, 40, false);
        assert!(plain.iter().all(|s| s.figures == [0.0, 1.0, 0.0] && !s.spoilt && s.words.iter().sum::<f32>() == KINDS as f32));
    }
}
