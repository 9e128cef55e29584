//! How a frame was dreamed, token by token, for those who look inside.

use crate::engine::Settled;

/// What a frame consists of, and how it came to that.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// `(tokens, code_dims)` levels, the patches row by row and behind them the look, where there is one.
    pub codes: Vec<u8>,
    /// `(tokens)`.
    pub settled: Vec<Settled>,
    /// Levels of a dimension.
    pub code_levels: usize,
}

impl Account {
    /// Levels of a token, `(code_dims)`.
    pub fn levels(&self, n: usize) -> &[u8] {
        let code_dims = self.codes.len() / self.settled.len().max(1);
        &self.codes[n * code_dims..][..code_dims]
    }

    /// The number of a token: its levels as digits, the first the most significant; none where it would be too long.
    pub fn number(&self, n: usize) -> Option<u64> {
        let next = |number: u64, level: &u8| number.checked_mul(self.code_levels as u64)?.checked_add(u64::from(*level));
        self.levels(n).iter().try_fold(0, next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_its_levels_and_a_number_if_that_is_not_too_long() {
        let account = Account { codes: vec![0, 0, 1, 2, 0, 3], settled: vec![Settled::GIVEN; 2], code_levels: 5 };
        assert_eq!((account.levels(1), account.number(1)), (&[2, 0, 3][..], Some(2 * 25 + 3)));
        assert_eq!(account.number(0), Some(1));
        let long = |dims: usize| Account { codes: vec![63; dims], settled: vec![Settled::GIVEN], code_levels: 64 }.number(0);
        assert_eq!((long(10), long(11)), (Some((1 << 60) - 1), None));
    }
}
