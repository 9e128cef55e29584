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
    let of_frame = m.frame.tokens() * row;
    // Where some are missing, the rest proves nothing.
    let counted = |what, expected: usize, got: usize| {
        let refused = || EngineError::Input { what, expected: expected.to_string(), got: got.to_string() };
        if got == expected { Ok(()) } else { Err(refused()) }
    };
    counted("logits of the parity clip", info.frames * of_frame, logits.len())?;
    let mut report =
        ParityReport { frames: info.frames, logits: logits.len(), worst: 0.0, worst_of_tolerance: 0.0, worst_at: [0; 3], agreement: 0.0 };
    let mut agreeing = 0;
    engine.restore(&[], 0)?;
    for (t, trainer) in logits.chunks_exact(of_frame).enumerate() {
        let truth = TokenFrame {
            codes: codes[t * m.frame.code_bytes()..][..m.frame.code_bytes()].to_vec(),
            action: actions[t],
            moved: moved[t] != 0,
            prompt: prompt.clone(),
        };
        let ours = engine.teacher_force(&truth, &settings)?;
        counted("logits of a frame", trainer.len(), ours.len())?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::reference::ReferenceEngine;
    use crate::pack::PackTensor;
    use crate::pack::manifest::ParityInfo;
    use crate::pack::random::{odd_manifest, random_pack};

    #[test]
    fn where_logits_are_missing_nothing_is_proved() {
        let mut pack = random_pack(odd_manifest(), 5).unwrap();
        let mut engine = ReferenceEngine::new(&pack).unwrap();
        let codes = vec![0; pack.manifest.frame.code_bytes()];
        let truth = TokenFrame { codes: codes.clone(), action: 0, moved: false, prompt: Vec::new() };
        let logits = engine.teacher_force(&truth, &play_settings(&pack.manifest)).unwrap();
        pack.manifest.parity = Some(ParityInfo { frames: 1, prompt: String::new(), atol: 1e-6, rtol: 0.0 });
        for (name, bytes) in [("parity.codes", codes), ("parity.actions", vec![0]), ("parity.moved", vec![0])] {
            pack.tensors.insert(name.to_owned(), PackTensor::from_u8s(&[bytes.len()], &bytes));
        }
        let mut checked = |pack: &mut Pack, logits: &[f32]| {
            pack.tensors.insert("parity.logits".to_owned(), PackTensor::from_f32s(&[logits.len()], logits));
            check_parity(&mut engine, pack).map_err(|why| why.to_string())
        };
        assert!(checked(&mut pack, &logits).unwrap().within_tolerance(), "the control");
        let why = checked(&mut pack, &[]).unwrap_err();
        assert!(why.contains("parity clip: expected 315, got 0"), "{why}");
        // An engine of more levels than the pack has.
        pack.manifest.frame.code_levels -= 1;
        let why = checked(&mut pack, &logits[..270]).unwrap_err();
        assert!(why.contains("logits of a frame: expected 270, got 315"), "{why}");
    }
}
