//! One row for every figure: the terminal's table and the JSON are made from the same list.

use serde_json::{Value, json};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Percent,
    Db,
    Bits,
    Frames,
    PerSecond,
    /// A number without a unit.
    Plain,
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Self::Percent => "%",
            Self::Db => "dB",
            Self::Bits => "bits",
            Self::Frames => "frames",
            Self::PerSecond => "/s",
            Self::Plain => "",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    High,
    Low,
}

/// A figure over many clips or rollouts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    pub mean: f64,
    /// Mean of the worst tenth of them, of which there is one at least.
    pub worst_decile: Option<f64>,
    /// How many they are; `None` of a figure that is taken over everything at once.
    pub parts: Option<usize>,
    /// Of the mean, where there are two of them at least; it takes them for independent and as if each counted alike.
    pub standard_error: Option<f64>,
}

impl Score {
    pub fn mean_of(values: impl IntoIterator<Item = f64>, better: Better) -> Self {
        let values: Vec<f64> = values.into_iter().collect();
        Self::pooled(mean(values.iter().copied()), &values, better)
    }

    /// Mean of all values of some groups, each of which is one part: what is in a group goes together. `None` where there is no value.
    pub fn grouped(groups: impl IntoIterator<Item = Vec<f64>>, better: Better) -> Option<Self> {
        let groups: Vec<Vec<f64>> = groups.into_iter().filter(|group| !group.is_empty()).collect();
        let parts: Vec<f64> = groups.iter().map(|group| mean(group.iter().copied())).collect();
        (!parts.is_empty()).then(|| Self::pooled(mean(groups.concat()), &parts, better))
    }

    /// `whole` over everything, with the worst decile of `parts`.
    pub fn pooled(whole: f64, parts: &[f64], better: Better) -> Self {
        let mut sorted = parts.to_vec();
        sorted.sort_by(f64::total_cmp);
        if better == Better::Low {
            sorted.reverse();
        }
        sorted.truncate(parts.len().div_ceil(10));
        let worst_decile = (!sorted.is_empty()).then(|| mean(sorted));
        Self { mean: whole, worst_decile, parts: Some(parts.len()), standard_error: standard_error(parts) }
    }
}

impl From<f64> for Score {
    fn from(mean: f64) -> Self {
        Self { mean, worst_decile: None, parts: None, standard_error: None }
    }
}

/// Mean of some values, 0 of none.
pub fn mean(values: impl IntoIterator<Item = f64>) -> f64 {
    let (sum, count) = values.into_iter().fold((0.0, 0usize), |(sum, count), value| (sum + value, count + 1));
    sum / count.max(1) as f64
}

/// Standard error of the mean of some values; `None` of fewer than two.
fn standard_error(values: &[f64]) -> Option<f64> {
    let (centre, count) = (mean(values.iter().copied()), values.len() as f64);
    let squares: f64 = values.iter().map(|value| (value - centre).powi(2)).sum();
    (values.len() > 1).then(|| (squares / (count - 1.0) / count).sqrt())
}

/// How many percent a part is of a whole; `None` where there is no whole.
pub fn percent([part, whole]: [u32; 2]) -> Option<f64> {
    (whole > 0).then(|| 100.0 * f64::from(part) / f64::from(whole))
}

/// How good a figure should be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bar {
    AtLeast(f64),
    AtMost(f64),
    /// At least this many percent of the simulator's own score.
    OfSimulator(f64),
    /// At least this much above the first of the others.
    Above(f64),
}

/// A row of the report.
#[derive(Clone, Debug)]
pub struct Figure {
    family: &'static str,
    name: String,
    unit: Unit,
    better: Better,
    dream: Option<Score>,
    /// The simulator's frames through the tokenizer, judged the same way.
    simulator: Option<Score>,
    /// Baselines and comparisons by name.
    others: Vec<(String, f64)>,
    bar: Option<Bar>,
}

impl Figure {
    pub fn new(family: &'static str, name: impl Into<String>, unit: Unit) -> Self {
        Self { family, name: name.into(), unit, better: Better::High, dream: None, simulator: None, others: Vec::new(), bar: None }
    }

    pub fn low_is_better(self) -> Self {
        Self { better: Better::Low, ..self }
    }

    pub fn dream(self, score: impl Into<Score>) -> Self {
        Self { dream: Some(score.into()), ..self }
    }

    pub fn simulator(self, score: impl Into<Score>) -> Self {
        Self { simulator: Some(score.into()), ..self }
    }

    pub fn other(mut self, name: impl Into<String>, value: f64) -> Self {
        self.others.push((name.into(), value));
        self
    }

    /// The same beside what another makes of it, if that is anything.
    pub fn beside(self, name: &str, score: Option<Score>) -> Self {
        match score {
            Some(score) => self.other(name, score.mean),
            None => self,
        }
    }

    pub fn bar(self, bar: Bar) -> Self {
        Self { bar: Some(bar), ..self }
    }

    /// The dream's score in percent of the simulator's own, where more is better.
    fn of_simulator(&self) -> Option<f64> {
        let (dream, simulator) = (self.dream?, self.simulator?);
        (self.better == Better::High && simulator.mean > 0.0).then(|| 100.0 * dream.mean / simulator.mean)
    }

    fn met(&self) -> Option<bool> {
        let dream = self.dream?.mean;
        Some(match self.bar? {
            Bar::AtLeast(bar) => dream >= bar,
            Bar::AtMost(bar) => dream <= bar,
            Bar::OfSimulator(bar) => self.of_simulator()? >= bar,
            Bar::Above(bar) => dream >= self.others.first()?.1 + bar,
        })
    }

    fn bar_text(&self) -> String {
        let Some(bar) = self.bar else { return String::new() };
        let wanted = match bar {
            Bar::AtLeast(bar) => format!(">= {bar}"),
            Bar::AtMost(bar) => format!("<= {bar}"),
            Bar::OfSimulator(bar) => format!(">= {bar} % of sim."),
            Bar::Above(bar) => format!(">= {} {bar:+}", self.others.first().map_or("", |o| o.0.as_str())),
        };
        match self.met() {
            Some(true) => format!("{wanted}: met"),
            Some(false) => format!("{wanted}: NOT met"),
            None => wanted,
        }
    }

    fn number(&self, value: f64) -> String {
        match self.unit {
            Unit::Percent | Unit::Frames | Unit::PerSecond => format!("{value:.1}"),
            Unit::Db | Unit::Bits | Unit::Plain => format!("{value:.2}"),
        }
    }

    fn columns(&self) -> [String; 6] {
        let score = |score: Option<Score>| {
            let Some(Score { mean, worst_decile, standard_error, .. }) = score else { return String::new() };
            let error = standard_error.map_or(String::new(), |error| format!(" ±{}", self.number(error)));
            let worst = worst_decile.map_or(String::new(), |worst| format!(" ({})", self.number(worst)));
            format!("{}{error}{worst}", self.number(mean))
        };
        let name = if self.unit == Unit::Plain { self.name.clone() } else { format!("{}, {}", self.name, self.unit.name()) };
        let others: Vec<String> = self.others.iter().map(|(name, value)| format!("{name} {}", self.number(*value))).collect();
        let of_simulator = self.of_simulator().map(|share| format!("{share:.1}")).unwrap_or_default();
        [name, score(self.dream), score(self.simulator), of_simulator, others.join(", "), self.bar_text()]
    }

    /// What there is of it, and of every number five digits: a pack has little room for figures.
    pub fn to_json(&self) -> Value {
        let score = |score: Option<Score>| {
            score.map(|Score { mean, worst_decile, parts, standard_error }| {
                let [worst_decile, standard_error] = [worst_decile, standard_error].map(|number| number.map(short));
                present(json!({ "mean": short(mean), "worst_decile": worst_decile, "n": parts, "standard_error": standard_error }))
            })
        };
        let others: serde_json::Map<String, Value> = self.others.iter().map(|(name, value)| (name.clone(), json!(short(*value)))).collect();
        present(json!({
            "family": self.family,
            "name": self.name,
            "unit": self.unit.name(),
            "dream": score(self.dream),
            "simulator": score(self.simulator),
            "of_simulator_percent": self.of_simulator().map(short),
            "others": others,
            "bar": self.bar.map(|_| self.bar_text()),
            "met": self.met(),
        }))
    }
}

/// In five digits.
fn short(number: f64) -> f64 {
    format!("{number:.4e}").parse().unwrap_or(number)
}

/// An object without what it says nothing of.
fn present(mut object: Value) -> Value {
    if let Value::Object(fields) = &mut object {
        fields.retain(|_, value| !value.is_null());
    }
    object
}

/// All rows in the order of the families, and what could not be judged.
#[derive(Default)]
pub struct Report {
    pub figures: Vec<Figure>,
    pub left_out: Vec<String>,
    /// Seconds each family took.
    pub seconds: Vec<(&'static str, f64)>,
    /// Seconds that all of it took, and that it should take at most, if any are asked for.
    pub whole_secs: f64,
    pub at_most_secs: Option<f64>,
}

impl Report {
    pub fn print(&self) {
        let heads = ["", "dream ±error (worst 10 %)", "simulator (worst)", "% of sim.", "others", "bar"];
        let rows: Vec<(&str, [String; 6])> = self.figures.iter().map(|f| (f.family, f.columns())).collect();
        let width = |i: usize| rows.iter().map(|(_, row)| row[i].chars().count()).chain([heads[i].chars().count()]).max().unwrap_or(0);
        let widths: [usize; 6] = std::array::from_fn(width);
        let print = |row: &[String; 6]| {
            let cells = row.iter().zip(widths).enumerate();
            let cells = cells
                .map(|(i, (cell, width))| if i == 1 || i == 2 || i == 3 { format!("{cell:>width$}") } else { format!("{cell:width$}") });
            println!("  {}", cells.collect::<Vec<_>>().join("  ").trim_end());
        };
        print(&heads.map(str::to_owned));
        let mut family = "";
        for (of, row) in &rows {
            if *of != family {
                family = of;
                println!("{family}");
            }
            print(row);
        }
        for line in &self.left_out {
            println!("left out: {line}");
        }
        let seconds: Vec<String> = self.seconds.iter().map(|(name, secs)| format!("{name} {secs:.0}")).collect();
        println!("seconds: {}; {}", seconds.join(", "), self.whole_text());
    }

    /// How long it took, against what was asked.
    fn whole_text(&self) -> String {
        let met = |most: f64| if self.whole_secs <= most { "met" } else { "NOT met" };
        let asked = self.at_most_secs.map_or(String::new(), |most| format!(" (<= {most:.0}: {})", met(most)));
        format!("{:.0} in all{asked}", self.whole_secs)
    }

    pub fn to_json(&self) -> Value {
        let seconds: serde_json::Map<String, Value> = self.seconds.iter().map(|(name, secs)| ((*name).to_owned(), json!(secs))).collect();
        json!({
            "figures": self.figures.iter().map(Figure::to_json).collect::<Vec<_>>(),
            "left_out": self.left_out,
            "seconds": seconds,
            "whole_secs": self.whole_secs,
            "at_most_secs": self.at_most_secs,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_judged_against_what_they_name() {
        let row = |bar| Figure::new("f", "n", Unit::Percent).dream(60.0).simulator(80.0).other("copy", 50.0).bar(bar).met();
        assert_eq!(row(Bar::OfSimulator(75.0)), Some(true));
        assert_eq!(row(Bar::OfSimulator(76.0)), Some(false));
        assert_eq!(row(Bar::Above(10.0)), Some(true));
        assert_eq!(row(Bar::Above(11.0)), Some(false));
        assert_eq!(row(Bar::AtMost(59.0)), Some(false));
        assert_eq!(Figure::new("f", "n", Unit::Db).simulator(3.0).bar(Bar::AtLeast(1.0)).met(), None);
    }

    #[test]
    fn the_worst_decile_lies_at_the_bad_end() {
        let values: Vec<f64> = (1..=20).map(f64::from).collect();
        let high = Score::mean_of(values.clone(), Better::High);
        assert_eq!(high, Score { mean: 10.5, worst_decile: Some(1.5), parts: Some(20), standard_error: Some(1.75f64.sqrt()) });
        assert_eq!(Score::mean_of(values.clone(), Better::Low).worst_decile, Some(19.5));
        // One of ten, two of eleven, and of a single one itself.
        let worst = |count: usize| Score::mean_of(values[..count].iter().copied(), Better::High).worst_decile;
        assert_eq!([worst(10), worst(11), worst(1)], [Some(1.0), Some(1.5), Some(1.0)]);
        let none = Score { mean: 0.0, worst_decile: None, parts: Some(0), standard_error: None };
        assert_eq!(Score::mean_of([], Better::Low), none);
    }

    #[test]
    fn what_goes_together_is_one_part() {
        let grouped = Score::grouped([vec![0.0, 0.0, 0.0], vec![], vec![100.0]], Better::High);
        assert_eq!(grouped, Some(Score { mean: 25.0, worst_decile: Some(0.0), parts: Some(2), standard_error: Some(50.0) }));
        assert_eq!(Score::grouped([vec![]], Better::High), None);
        // Four values by themselves seem to say more.
        assert_eq!(Score::mean_of([0.0, 0.0, 0.0, 100.0], Better::High).standard_error, Some(25.0));
    }

    #[test]
    fn a_score_is_shown_with_its_error_and_its_worst_and_the_time_against_what_was_asked() {
        let shown = |score: Score| Figure::new("f", "n", Unit::Percent).dream(score).columns()[1].clone();
        assert_eq!(shown(Score::mean_of([0.0, 100.0], Better::High)), "50.0 ±50.0 (0.0)");
        assert_eq!(shown(Score::from(50.0)), "50.0");
        let json = Figure::new("f", "n", Unit::Percent).dream(Score::mean_of([0.0, 100.0], Better::High)).simulator(1.0).to_json();
        assert_eq!(json["dream"], json!({ "mean": 50.0, "worst_decile": 0.0, "n": 2, "standard_error": 50.0 }));
        assert_eq!(json["simulator"], json!({ "mean": 1.0 }));
        assert_eq!([100.0 / 3.0, -1234.56, 0.000_123_456_7, 0.0, 100.0].map(short), [33.333, -1234.6, 0.000_123_46, 0.0, 100.0]);
        let took = |whole_secs: f64, at_most_secs: Option<f64>| Report { whole_secs, at_most_secs, ..Report::default() }.whole_text();
        assert_eq!(took(171.0, Some(180.0)), "171 in all (<= 180: met)");
        assert_eq!(took(181.0, Some(180.0)), "181 in all (<= 180: NOT met)");
        assert_eq!(took(181.0, None), "181 in all");
    }
}
