//! Does an engine compute what the trainer computed? Every pack carries a short clip with the trainer's logits.

use super::{DecodeSettings, Engine, EngineError, TokenFrame, inputs::play_settings};
use crate::{pack::Pack, prompt::words_of};

/// How far an engine strays from the logits stored in a pack.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ParityReport {
    pub frames: usize,
    pub logits: usize,
    /// Largest |engine - trainer|.
    pub worst: f32,
    /// Largest |engine - trainer| / (atol + rtol |trainer|): up to 1 is within tolerance. A logit that is no number counts as infinite.
    pub worst_of_tolerance: f32,
    /// Frame, token and logit index where that was.
    pub worst_at: [usize; 3],
    /// Share of code dimensions where engine and trainer rank the same level highest.
    pub agreement: f32,
}

impl ParityReport {
    pub fn within_tolerance(&self) -> bool {
        self.worst_of_tolerance <= 1.0
    }
}

/// Plays the pack's parity clip through the engine by teacher forcing: from nothing, every frame with all tokens masked, over the whole
/// window, at the play default of the context level, under the clip's prompt. Leaves the engine without history.
pub fn check_parity(engine: &mut dyn Engine, pack: &Pack) -> Result<ParityReport, EngineError> {
    let none = || EngineError::Input { what: "pack", expected: "a parity clip".into(), got: "none".into() };
    let m = &pack.manifest;
    let info = m.parity.as_ref().ok_or_else(none)?;
    let d = m.dynamics.as_ref().ok_or(EngineError::NoDynamics)?;
    let settings = DecodeSettings { window: d.window, ..play_settings(m) };
    let (codes, actions, moved) = (pack.u8s("parity.codes")?, pack.u8s("parity.actions")?, pack.u8s("parity.moved")?);
    let (logits, prompt) = (pack.f32s("parity.logits")?, words_of(&info.prompt, d.prompt_words));

    let row = m.frame.code_dims * m.frame.code_levels;
    let mut report =
        ParityReport { frames: info.frames, logits: logits.len(), worst: 0.0, worst_of_tolerance: 0.0, worst_at: [0; 3], agreement: 0.0 };
    let mut agreeing = 0;
    engine.restore(&[], 0)?;
    for (t, trainer) in logits.chunks_exact(m.frame.tokens() * row).enumerate() {
        let truth = TokenFrame {
            codes: codes[t * m.frame.code_bytes()..][..m.frame.code_bytes()].to_vec(),
            action: actions[t],
            moved: moved[t] != 0,
            prompt: prompt.clone(),
        };
        let ours = engine.teacher_force(&truth, &settings)?;
        for (i, (a, b)) in ours.iter().zip(trainer).enumerate() {
            let off = if a.is_finite() { (a - b).abs() } else { f32::INFINITY };
            let of_tolerance = off / (info.atol + info.rtol * b.abs()).max(f32::MIN_POSITIVE);
            report.worst = report.worst.max(off);
            if of_tolerance > report.worst_of_tolerance {
                (report.worst_of_tolerance, report.worst_at) = (of_tolerance, [t, i / row, i % row]);
            }
        }
        let levels = m.frame.code_levels;
        agreeing += ours.chunks_exact(levels).zip(trainer.chunks_exact(levels)).filter(|(a, b)| argmax(a) == argmax(b)).count();
    }
    report.agreement = agreeing as f32 / (logits.len() / m.frame.code_levels).max(1) as f32;
    engine.restore(&[], 0)?;
    Ok(report)
}

fn argmax(row: &[f32]) -> usize {
    let mut best = 0;
    for (l, x) in row.iter().enumerate() {
        if *x > row[best] {
            best = l;
        }
    }
    best
}
