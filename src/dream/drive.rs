//! What steers a world: the intent of a player, or a raw latent code.

/// What a player means, whatever key or stick says it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Intent {
    #[default]
    Stay,
    North,
    South,
    West,
    East,
}

impl Intent {
    pub const ALL: [Self; 5] = [Self::Stay, Self::North, Self::South, Self::West, Self::East];

    /// The name used in manifests, bindings and scripts.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stay => "stay",
            Self::North => "north",
            Self::South => "south",
            Self::West => "west",
            Self::East => "east",
        }
    }

    /// Where it leads, in steps to the right and down.
    pub fn way(self) -> [i32; 2] {
        match self {
            Self::Stay => [0, 0],
            Self::North => [0, -1],
            Self::South => [0, 1],
            Self::West => [-1, 0],
            Self::East => [1, 0],
        }
    }

    /// How many quarter turns clockwise from north it leads; nowhere where one stays.
    pub fn quarters(self) -> Option<i32> {
        CLOCKWISE.iter().position(|way| *way == self).map(|quarters| quarters as i32)
    }

    /// The way that lies so many quarter turns clockwise from this one.
    pub fn turned(self, quarters: i32) -> Self {
        self.quarters().map_or(self, |own| CLOCKWISE[(own + quarters).rem_euclid(4) as usize])
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|i| i.name() == name)
    }
}

const CLOCKWISE: [Intent; 4] = [Intent::North, Intent::East, Intent::South, Intent::West];

/// What leads into the next frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drive {
    Intent(Intent),
    /// A latent code (a simulator's recorded action), whatever it is bound to.
    Code(u8),
}

impl From<Intent> for Drive {
    fn from(intent: Intent) -> Self {
        Self::Intent(intent)
    }
}

impl Default for Drive {
    fn default() -> Self {
        Self::Intent(Intent::Stay)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for intent in Intent::ALL {
            assert_eq!(Intent::from_name(intent.name()), Some(intent));
        }
        assert_eq!(Intent::from_name("up"), None);
    }
}
