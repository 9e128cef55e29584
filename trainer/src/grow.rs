//! Growing a world: tokens get more code dimensions, and what was learned of the first ones stays as it is; or a network gets a part that
//! does nothing yet, or more blocks; or frames get a look.
//!
//! The new dimensions come after the old ones. Whatever reads a token reads nothing in them to begin with, so that pictures and choices
//! are those of the narrower weights; whatever writes them begins as in fresh weights. (Growing a network without changing what it
//! computes: Net2Net, Chen et al. 2016.)

use std::collections::BTreeMap;

use crate::params::Values;

/// Tensors that read tokens: a new dimension says nothing there yet.
const READERS: [&str; 2] = ["tok.dec.code.w", "dyn.embed"];
/// The table whose last rows are no code's: the masked and the unknown token.
const TABLE: &str = "dyn.embed";
const SPECIAL_ROWS: usize = 2;

/// What a block adds to its input comes out of these.
const BLOCK_OUTPUTS: [&str; 3] = [".out.w", ".down.w", ".down.b"];

/// `values` with the tensors besides that only `fresh` has and that do nothing yet: zeros, and blocks whose outputs are cleared.
pub fn parts(mut values: BTreeMap<String, Values>, fresh: &BTreeMap<String, Values>) -> BTreeMap<String, Values> {
    let known: Vec<String> = values.keys().filter_map(|name| block_of(name)).map(str::to_owned).collect();
    for (name, new) in fresh {
        if block_of(name).is_some_and(|block| !known.iter().any(|known| known == block)) {
            let mut new = new.clone();
            if BLOCK_OUTPUTS.iter().any(|output| name.ends_with(output)) {
                new.1.fill(0.0);
            }
            values.insert(name.clone(), new);
        } else if new.1.iter().all(|x| *x == 0.0) {
            values.entry(name.clone()).or_insert_with(|| new.clone());
        }
    }
    values
}

/// Tensors with a row for every token of a frame, the look's last.
const POSITIONS: [&str; 2] = ["tok.dec.pos", "dyn.pos"];
const LOOK: [&str; 2] = ["tok.enc.look.", "tok.dec.look."];

/// `values` with what `fresh` has for a look and they have not: the tokenizer's parts for it, and its position.
pub fn look(mut values: BTreeMap<String, Values>, fresh: &BTreeMap<String, Values>) -> BTreeMap<String, Values> {
    for (name, new) in fresh.iter().filter(|(name, _)| LOOK.iter().any(|look| name.starts_with(look))) {
        values.entry(name.clone()).or_insert_with(|| new.clone());
    }
    for name in POSITIONS {
        if let (Some((shape, old)), Some((wanted, new))) = (values.get_mut(name), fresh.get(name))
            && shape[0] + 1 == wanted[0]
            && shape[1] == wanted[1]
        {
            old.extend_from_slice(&new[old.len()..]);
            shape.clone_from(wanted);
        }
    }
    values
}

/// The block that a tensor is of: the name as far as the block's number.
fn block_of(name: &str) -> Option<&str> {
    let family = ["dyn.", "tok.enc.", "tok.dec."].into_iter().find(|family| name.starts_with(family))?;
    let digits = name[family.len()..].split('.').next()?;
    digits.parse::<usize>().is_ok().then(|| &name[..family.len() + digits.len()])
}

/// `narrow` with every tensor as large as in `fresh`, which has the same tensors of a model of more code dimensions.
pub fn code_dims(narrow: &BTreeMap<String, Values>, fresh: &BTreeMap<String, Values>) -> BTreeMap<String, Values> {
    let grown = |(name, old): (&String, &Values)| {
        let values = match fresh.get(name) {
            Some(wide) if wide.0 != old.0 => widened(name, old, wide),
            _ => old.clone(),
        };
        (name.clone(), values)
    };
    narrow.iter().map(grown).collect()
}

/// `wide`, a matrix or a row, with `old` in its first rows and columns.
fn widened(name: &str, old: &Values, wide: &Values) -> Values {
    let (shape, mut values) = wide.clone();
    if READERS.contains(&name) {
        values.fill(0.0);
    }
    let columns = |shape: &[usize]| *shape.last().unwrap_or(&1);
    let (from, to) = (columns(&old.0), columns(&shape));
    let (old_rows, rows) = (old.1.len() / from, values.len() / to);
    for (row, old) in old.1.chunks_exact(from).enumerate() {
        let special = name == TABLE && row + SPECIAL_ROWS >= old_rows;
        let row = if special { row + rows - old_rows } else { row };
        values[row * to..][..from].copy_from_slice(old);
    }
    (shape, values)
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Distribution, Tensor};
    use somnium::pack::manifest::FrameDims;

    use super::*;
    use crate::model::tokenizer::{Tokenizer, fsq_values};
    use crate::params;
    use crate::preset;

    const FRAME: FrameDims =
        FrameDims { width_px: 48, height_px: 32, patch_px: 16, rate_hz: 10, code_dims: 4, code_levels: 5, look: false };

    #[test]
    fn a_grown_tokenizer_draws_what_the_narrow_one_drew_whatever_the_new_codes_say() {
        let (device, dims) = (Device::flex(), preset::by_name("tiny").unwrap().tokenizer);
        let wide_frame = FrameDims { code_dims: 6, ..FRAME };
        let (narrow, fresh) = (Tokenizer::new(&FRAME, &dims, &device), Tokenizer::new(&wide_frame, &dims, &device));
        let values = code_dims(&params::collect("tok", &narrow).unwrap(), &params::collect("tok", &fresh).unwrap());
        let wide = params::replace("tok", fresh, &values, &device).unwrap();

        let patches = Tensor::<2>::random([FRAME.tokens(), FRAME.patch_values()], Distribution::Uniform(-1.0, 1.0), &device);
        let (z, wide_z) = (narrow.encode(patches.clone(), &FRAME), wide.encode(patches, &wide_frame));
        let draw = |model: &Tokenizer, z: Tensor<2>| model.decode(fsq_values(z, 5), &FRAME, dims.heads).try_into_vec_as::<f32>().unwrap();
        assert_eq!(wide_z.clone().narrow(1, 0, 4).try_into_vec_as::<f32>().unwrap(), z.clone().try_into_vec_as::<f32>().unwrap());
        let drawn = draw(&wide, wide_z.clone());
        assert_eq!(drawn, draw(&narrow, z));
        // The control: an old code that is another one does change the picture.
        assert_ne!(drawn, draw(&wide, wide_z.clone().neg()));
        // And the new codes are no constants.
        let fresh_codes = wide_z.narrow(1, 4, 2).try_into_vec_as::<f32>().unwrap();
        assert!(fresh_codes.iter().any(|z| z.abs() > 0.2), "{fresh_codes:?}");
    }

    #[test]
    fn a_part_that_does_nothing_yet_is_taken_over_and_no_other() {
        let values = |names: &[(&str, f32)]| -> BTreeMap<String, Values> {
            names.iter().map(|(name, x)| ((*name).to_owned(), (vec![2], vec![*x, 0.0]))).collect()
        };
        let fresh = values(&[("dyn.old.w", 5.0), ("dyn.idle.w", 0.0), ("dyn.busy.w", 0.1)]);
        assert_eq!(parts(values(&[("dyn.old.w", 7.0)]), &fresh), values(&[("dyn.old.w", 7.0), ("dyn.idle.w", 0.0)]));
    }

    #[test]
    fn a_new_block_is_taken_over_with_its_outputs_cleared() {
        let values = |names: &[(&str, f32)]| -> BTreeMap<String, Values> {
            names.iter().map(|(name, x)| ((*name).to_owned(), (vec![1], vec![*x]))).collect()
        };
        let fresh =
            values(&[("dyn.0.up.w", 1.0), ("dyn.0.down.w", 2.0), ("dyn.1.up.w", 3.0), ("dyn.1.down.w", 4.0), ("dyn.1.space.out.w", 5.0)]);
        let old = values(&[("dyn.0.up.w", 8.0), ("dyn.0.down.w", 9.0)]);
        let grown = [("dyn.0.up.w", 8.0), ("dyn.0.down.w", 9.0), ("dyn.1.up.w", 3.0), ("dyn.1.down.w", 0.0), ("dyn.1.space.out.w", 0.0)];
        assert_eq!(parts(old, &fresh), values(&grown));
    }

    #[test]
    fn a_look_is_taken_over_with_a_position_behind_all_others() {
        let values = |tensors: &[(&str, &[f32])]| -> BTreeMap<String, Values> {
            tensors.iter().map(|(name, row)| ((*name).to_owned(), (vec![row.len(), 1], row.to_vec()))).collect()
        };
        let old = values(&[("tok.dec.pos", &[1.0, 2.0]), ("dyn.pos", &[3.0, 4.0]), ("dyn.level", &[5.0])]);
        let fresh = values(&[
            ("tok.dec.pos", &[6.0, 7.0, 8.0]),
            ("tok.enc.look.up.w", &[9.0]),
            ("dyn.pos", &[0.0, 0.0]),
            ("dyn.level", &[0.0, 0.0]),
        ]);
        let grown =
            values(&[("tok.dec.pos", &[1.0, 2.0, 8.0]), ("tok.enc.look.up.w", &[9.0]), ("dyn.pos", &[3.0, 4.0]), ("dyn.level", &[5.0])]);
        assert_eq!(look(old, &fresh), grown);
    }

    #[test]
    fn special_tokens_keep_their_rows_at_the_end_of_the_table() {
        let narrow = BTreeMap::from([("dyn.embed".to_owned(), (vec![4, 1], vec![1.0, 2.0, 8.0, 9.0]))]);
        let fresh = BTreeMap::from([("dyn.embed".to_owned(), (vec![6, 1], vec![0.5; 6]))]);
        assert_eq!(code_dims(&narrow, &fresh)["dyn.embed"], (vec![6, 1], vec![1.0, 2.0, 0.0, 0.0, 8.0, 9.0]));
    }

    #[test]
    fn what_writes_new_dimensions_begins_as_in_fresh_weights() {
        let narrow = BTreeMap::from([
            ("dyn.head.hidden.w".to_owned(), (vec![2, 1], vec![1.0, 2.0])),
            ("dyn.pos".to_owned(), (vec![1, 1], vec![7.0])),
        ]);
        let fresh = BTreeMap::from([
            ("dyn.head.hidden.w".to_owned(), (vec![2, 2], vec![3.0, 4.0, 5.0, 6.0])),
            ("dyn.pos".to_owned(), (vec![1, 1], vec![0.0])),
        ]);
        let grown = code_dims(&narrow, &fresh);
        assert_eq!(grown["dyn.head.hidden.w"], (vec![2, 2], vec![1.0, 4.0, 2.0, 6.0]));
        assert_eq!(grown["dyn.pos"].1, [7.0]);
    }
}
