//! Figures that lie in a pack: those of several runs beside each other.

use serde_json::{Map, Value};

/// Under which name figures lie in a pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Section {
    /// Of everything, few rollouts.
    Quick,
    /// Many long rollouts, or what else is judged in full.
    Long,
    /// On the seeds that are held back.
    Final,
}

impl Section {
    fn name(self) -> &'static str {
        match self {
            Self::Quick => "quick",
            Self::Long => "long",
            Self::Final => "final",
        }
    }
}

/// Puts figures into what a pack's manifest has, in place of those of that name. Packs from before there were names hold quick ones.
pub fn store(evaluation: &mut Value, section: Section, figures: Value) {
    let mut stored = match evaluation.take() {
        Value::Object(nameless) if nameless.contains_key("figures") => {
            Map::from_iter([(Section::Quick.name().to_owned(), Value::Object(nameless))])
        }
        Value::Object(named) => named,
        _ => Map::new(),
    };
    stored.insert(section.name().to_owned(), figures);
    *evaluation = Value::Object(stored);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn figures_lie_beside_those_of_other_names() {
        let stored = |before: Value, section: Section| {
            let mut evaluation = before;
            store(&mut evaluation, section, json!({ "figures": [2] }));
            evaluation
        };
        let alone = stored(Value::Null, Section::Quick);
        assert_eq!(alone, json!({ "quick": { "figures": [2] } }));
        assert_eq!(stored(alone, Section::Final), json!({ "quick": { "figures": [2] }, "final": { "figures": [2] } }));
        let nameless = json!({ "figures": [1] });
        assert_eq!(stored(nameless.clone(), Section::Long), json!({ "quick": { "figures": [1] }, "long": { "figures": [2] } }));
        // Those of the same name are gone, and so is what is no figures.
        assert_eq!(stored(nameless, Section::Quick), json!({ "quick": { "figures": [2] } }));
        assert_eq!(stored(json!(["done"]), Section::Long), json!({ "long": { "figures": [2] } }));
    }
}
