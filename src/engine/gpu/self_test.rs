//! Does a tier compute on this device what it should? Asked once at start, of the very engine that is about to play.

use crate::engine::inputs::play_settings;
use crate::engine::{Chance, DecodeSettings, Engine, EngineError, PromptWord, TokenFrame, decode::random};
use crate::pack::{limits, manifest::Manifest};

/// How far a logit may be off, of the largest one: far more than f32 sums in another order are, far less than a wrong kernel.
const MOST_OFF: f32 = 0.01;

/// How far a pixel may be off, of 255.
const MOST_OFF_PIXEL: u8 = 3;

/// Share of a dreamed frame's levels, at least, that are the CPU engine's. Of two that are as likely as each other either may be chosen, and
/// what is chosen after it goes by it; a kernel that plays wrongly leaves fewer alike.
const LEAST_ALIKE: f32 = 0.9;

/// What is wrong with answers.
#[derive(Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Half a sentence.
    pub what: String,
    /// All is right but levels, and those may hang on two that were as likely as each other.
    may_be_chance: bool,
}

impl Mistake {
    fn certain(what: String) -> Self {
        Self { what, may_be_chance: false }
    }
}

/// What is wrong with an engine, by what it answers in a round of questions and what is right. Where that may be chance it is asked another round, which
/// decides.
///
/// # Errors
/// As `ask`'s.
pub fn judge(mut ask: impl FnMut(u32) -> Result<[Answers; 2], EngineError>) -> Result<Option<Mistake>, EngineError> {
    let mut mistake = |round| ask(round).map(|[given, right]| given.mistake(&right));
    match mistake(0)? {
        Some(first) if first.may_be_chance => mistake(1),
        first => Ok(first),
    }
}

/// What an engine answers in a round; equal packs, equal questions.
#[derive(Clone)]
pub struct Answers {
    /// The picture of a frame of random tokens.
    rgba: Vec<u8>,
    /// Logits of another one that follows it; none without a dynamics.
    logits: Vec<f32>,
    /// Codes of the frames that it then dreams, and whether the view moved; none without a dynamics.
    dreamed: Vec<(Vec<u8>, bool)>,
    /// Codes of a frame that is drawn by chance; none without a dynamics.
    drawn: Vec<u8>,
    code_levels: usize,
}

impl Answers {
    /// Plays two frames that are given, others in each round, and three that are dreamed, of which two ask the view to move; then the given
    /// ones again and one that is drawn by chance. Leaves the engine without history and prompt.
    ///
    /// # Errors
    /// As the engine's.
    pub fn of(engine: &mut dyn Engine, round: u32) -> Result<Self, EngineError> {
        let m = engine.manifest().clone();
        engine.restore(&[frame(&m, round, 0)], 0)?;
        let rgba = engine.read_picture()?;
        let (mut logits, mut dreamed, mut drawn) = (Vec::new(), Vec::new(), Vec::new());
        if let Some(d) = &m.dynamics {
            let given = frame(&m, round, 1);
            logits = engine.teacher_force(&given, &play_settings(&m))?;
            engine.set_prompt(&given.prompt)?;
            let moves = m.actions.iter().take(d.actions).position(|action| action.motion != [0, 0]).unwrap_or(1 % d.actions);
            // First one in which the next step runs, since no token is that certain, then two in which all are and it does not.
            for (action, certain) in [(moves, 1.0 - f32::EPSILON), (moves, f32::MIN_POSITIVE), (0, f32::MIN_POSITIVE)] {
                dreamed.push(dream(engine, action, &DecodeSettings { certain: Some(certain), ..dream_settings(&m) })?);
            }
            engine.restore(&[frame(&m, round, 0), given], 1)?;
            (drawn, _) = dream(engine, moves, &chance_settings(&m))?;
            engine.set_prompt(&[])?;
        }
        engine.restore(&[], 0)?;
        Ok(Self { rgba, logits, dreamed, drawn, code_levels: m.frame.code_levels })
    }

    /// What is wrong with these answers, if `truth` is right.
    fn mistake(&self, truth: &Self) -> Option<Mistake> {
        let certain = |what: String| Some(Mistake::certain(what));
        let counts = |of: &Self| [of.logits.len(), of.rgba.len(), of.dreamed.len()];
        if counts(self) != counts(truth) {
            return certain(format!("logits, bytes of a picture and frames are {:?}, where {:?} belong", counts(self), counts(truth)));
        }
        let largest = truth.logits.iter().fold(1.0f32, |most, x| most.max(x.abs()));
        let off = |(a, b): (&f32, &f32)| if a.is_finite() { (a - b).abs() } else { f32::INFINITY };
        let worst = self.logits.iter().zip(&truth.logits).map(off).fold(0.0, f32::max);
        if worst > MOST_OFF * largest {
            return certain(format!("a logit is {worst} off, of {largest}"));
        }
        let worst = self.rgba.iter().zip(&truth.rgba).map(|(a, b)| a.abs_diff(*b)).max().unwrap_or(0);
        if worst > MOST_OFF_PIXEL {
            return certain(format!("a pixel is {worst} off, of 255"));
        }
        for ((codes, moved), (truth, truly)) in self.dreamed.iter().zip(&truth.dreamed) {
            let mistake = self.mistake_in("a dream", codes, truth);
            if mistake.is_some() {
                return mistake;
            }
            // What follows a frame that is another may be another.
            if codes != truth {
                break;
            }
            if moved != truly {
                return certain(format!("a dream is said to have {}", if *moved { "moved" } else { "stayed" }));
            }
        }
        self.mistake_in("a dream by chance", &self.drawn, &truth.drawn)
    }

    /// What is wrong with the codes of a frame, if these are right.
    fn mistake_in(&self, of: &str, codes: &[u8], truth: &[u8]) -> Option<Mistake> {
        if let Some(level) = codes.iter().find(|level| usize::from(**level) >= self.code_levels) {
            return Some(Mistake::certain(format!("a level is dreamed to be {level}, of {}", self.code_levels)));
        }
        let alike = codes.iter().zip(truth).filter(|(a, b)| a == b).count();
        let is_short = codes.len() != truth.len();
        (is_short || (alike as f32) < LEAST_ALIKE * truth.len() as f32)
            .then(|| Mistake { what: format!("{of} has {alike} levels right, of {}", truth.len()), may_be_chance: !is_short })
    }
}

/// Codes of the frame that an action leads into, and whether the view moved.
fn dream(engine: &mut dyn Engine, action: usize, settings: &DecodeSettings) -> Result<(Vec<u8>, bool), EngineError> {
    engine.dream(action as u8, settings)?;
    engine.finish()?;
    let mut codes = vec![0; engine.manifest().frame.code_bytes()];
    let moved = engine.take_codes(&mut codes).is_some_and(|arrival| arrival.moved);
    Ok((codes, moved))
}

/// Two steps, and nothing left to chance.
fn dream_settings(m: &Manifest) -> DecodeSettings {
    DecodeSettings { steps: 2, temperature: 0.0, guidance: 1.0, new_land: None, ..play_settings(m) }
}

/// One step, in which chance decides, and in land that is new not quite as much. The higher the temperature the less a draw hangs on how
/// sums were rounded, and the more on the noise; the tail is not cut, or nothing would be left to draw where one level is by far the
/// likeliest.
fn chance_settings(m: &Manifest) -> DecodeSettings {
    let new_land = Some(Chance { temperature: 0.7, min_p: 0.02 });
    DecodeSettings { steps: 1, temperature: limits::TEMPERATURE, certain: None, min_p: 0.0, new_land, ..play_settings(m) }
}

/// A frame of a round, of random tokens under the first action and, where there are prompts, a word.
fn frame(m: &Manifest, round: u32, t: u32) -> TokenFrame {
    let level = |i: u32| (random(1 + round, t, 0, i, 0) % m.frame.code_levels as u32) as u8;
    let prompted = m.dynamics.as_ref().is_some_and(|d| d.prompt_words > 0);
    TokenFrame {
        codes: (0..m.frame.code_bytes() as u32).map(level).collect(),
        action: 0,
        moved: t > 0,
        prompt: prompted.then(|| PromptWord::whole(0)).into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers() -> Answers {
        Answers { rgba: vec![9; 8], logits: vec![0.5; 6], dreamed: vec![(vec![1; 20], true); 2], drawn: vec![1; 20], code_levels: 3 }
    }

    fn spoilt(spoil: &dyn Fn(&mut Answers)) -> Answers {
        let mut spoilt = answers();
        spoil(&mut spoilt);
        spoilt
    }

    #[test]
    fn who_answers_less_than_was_asked_is_at_fault() {
        let mistake = |spoil: &dyn Fn(&mut Answers)| spoilt(spoil).mistake(&answers());
        assert_eq!(mistake(&|_| {}), None);
        let faults: [&dyn Fn(&mut Answers); 12] = [
            &|a| a.logits.clear(),
            &|a| a.rgba.truncate(4),
            &|a| a.dreamed.truncate(1),
            &|a| a.dreamed[1].0.truncate(19),
            &|a| a.logits[5] = f32::NAN,
            &|a| a.rgba[7] = 19,
            &|a| a.dreamed[0].0[0] = 3,
            &|a| a.dreamed[0].0.fill(2),
            &|a| a.dreamed[1].1 = false,
            &|a| a.drawn.clear(),
            &|a| a.drawn[0] = 3,
            &|a| a.drawn.fill(2),
        ];
        for (n, spoil) in faults.into_iter().enumerate() {
            let mistake = mistake(spoil);
            // Only the eighth and the last leave all as it should be but levels.
            assert_eq!(mistake.as_ref().map(|mistake| mistake.may_be_chance), Some([7, 11].contains(&n)), "fault {n}: {mistake:?}");
        }
    }

    #[test]
    fn whose_levels_alone_are_others_is_asked_once_more() {
        let [right, levels, logit]: [&dyn Fn(&mut Answers); 3] = [&|_| {}, &|a| a.dreamed[0].0.fill(2), &|a| a.logits[5] = 1.0];
        for (first, second, rounds, is_at_fault) in [
            (right, levels, 1, false),
            (levels, right, 2, false),
            (levels, levels, 2, true),
            (levels, logit, 2, true),
            (logit, right, 1, true),
        ] {
            let mut asked = 0;
            let mistake = judge(|round| {
                assert_eq!(round, asked);
                asked += 1;
                Ok([spoilt(if round == 0 { first } else { second }), answers()])
            });
            assert_eq!((asked, mistake.unwrap().is_some()), (rounds, is_at_fault));
        }
    }
}
