//! Which tensors a manifest asks for: names, shapes and types exactly as `docs/MODEL.md` uses them. Reader, trainer and engines all go by
//! this list.

use super::{
    PackDtype, PackError,
    manifest::{DynamicsDims, LamDims, Manifest, TokenizerDims},
    validate::{check_manifest, limits},
};
use crate::{
    engine::{recall, told},
    prompt,
};

/// One expected tensor, row-major; matrices are `(in, out)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorSpec {
    pub name: String,
    pub shape: Vec<usize>,
    pub dtype: PackDtype,
}

impl TensorSpec {
    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }

    pub fn bytes(&self) -> usize {
        self.elements() * self.dtype.bytes()
    }
}

/// Every tensor that a pack with this manifest holds, each exactly once.
///
/// Fails where a size is out of bounds, where sizes contradict each other, and where all tensors together would not fit into a file of
/// [`limits::FILE_BYTES`]; so shapes and sizes of what it returns can be multiplied without overflow.
pub fn tensor_specs(manifest: &Manifest) -> Result<Vec<TensorSpec>, PackError> {
    check_manifest(manifest)?;
    let mut list = List(Vec::new());
    list.tokenizer(manifest, &manifest.tokenizer);
    if let Some(dynamics) = &manifest.dynamics {
        list.dynamics(manifest, dynamics);
    }
    if let Some(lam) = &manifest.lam {
        list.lam(manifest, lam);
    }
    let bytes: u64 = list.0.iter().map(|s| s.shape.iter().map(|&n| n as u64).product::<u64>() * s.dtype.bytes() as u64).sum();
    if bytes > limits::FILE_BYTES {
        let problem = format!("ask for {bytes} bytes of tensors, more than {}", limits::FILE_BYTES);
        return Err(PackError::Manifest { field: "sizes".into(), problem });
    }
    Ok(list.0)
}

struct List(Vec<TensorSpec>);

impl List {
    fn f16(&mut self, name: impl Into<String>, shape: &[usize]) {
        self.0.push(TensorSpec { name: name.into(), shape: shape.to_vec(), dtype: PackDtype::F16 });
    }

    /// A matrix `NAME.w` of `(rows, columns)` with its bias `NAME.b`.
    fn linear(&mut self, name: &str, rows: usize, columns: usize) {
        self.f16(format!("{name}.w"), &[rows, columns]);
        self.f16(format!("{name}.b"), &[columns]);
    }

    /// A block of tokenizer or LAM.
    fn block(&mut self, name: &str, channels: usize, hidden: usize) {
        self.f16(format!("{name}.qkv.w"), &[channels, 3 * channels]);
        self.f16(format!("{name}.out.w"), &[channels, channels]);
        self.feed_forward(name, channels, hidden);
    }

    fn feed_forward(&mut self, name: &str, channels: usize, hidden: usize) {
        self.linear(&format!("{name}.up"), channels, hidden);
        self.linear(&format!("{name}.down"), hidden, channels);
    }

    fn tokenizer(&mut self, m: &Manifest, t: &TokenizerDims) {
        let (n, d, patch, c) = (m.frame.tokens(), m.frame.code_dims, m.frame.patch_values(), t.channels);
        self.linear("tok.enc.in1", patch, t.patch_in_hidden);
        self.linear("tok.enc.in2", t.patch_in_hidden, c);
        for i in 0..t.encoder_blocks {
            self.feed_forward(&format!("tok.enc.{i}"), c, t.ffn_hidden);
        }
        self.linear("tok.enc.code", c, d);
        if m.frame.look {
            self.linear("tok.enc.look.up", c, t.ffn_hidden);
            self.linear("tok.enc.look.down", t.ffn_hidden, d);
            self.f16("tok.enc.look.lit.w", &[d, c]);
        }
        self.linear("tok.dec.code", d, c);
        self.f16("tok.dec.pos", &[n, c]);
        for i in 0..t.decoder_blocks {
            self.block(&format!("tok.dec.{i}"), c, t.ffn_hidden);
        }
        self.linear("tok.dec.out1", c, t.patch_out_hidden);
        self.linear("tok.dec.out2", t.patch_out_hidden, patch);
        if m.frame.look {
            self.linear("tok.dec.look.hidden", d, t.look_hidden);
            self.f16("tok.dec.look.gain.w", &[t.look_hidden, t.decoder_gains()]);
        }
    }

    fn dynamics(&mut self, m: &Manifest, dims: &DynamicsDims) {
        let (n, c, logits) = (m.frame.tokens(), dims.channels, m.frame.code_dims * m.frame.code_levels);
        self.f16("dyn.embed", &[logits + 2, c]);
        self.f16("dyn.pos", &[n, c]);
        self.f16("dyn.level", &[dims.context_levels, c]);
        self.f16("dyn.told", &[told::CLASSES, c]);
        self.linear("dyn.said.word", prompt::CHANNELS, c);
        self.f16("dyn.said.all.w", &[c, c]);
        self.linear("dyn.prev", 9 * c, c);
        self.f16("dyn.prev.gate", &[dims.actions + 1, 9 * c]);
        self.f16("dyn.action", &[dims.actions + 1, c]);
        self.linear("dyn.cond", c, c);
        for (i, block) in dims.blocks.iter().enumerate() {
            let p = format!("dyn.{i}");
            self.linear(&format!("{p}.mod"), c, block.norms() * 2 * c);
            self.f16(format!("{p}.space.qkv.w"), &[c, 3 * c]);
            self.f16(format!("{p}.space.out.w"), &[c, c]);
            if block.temporal {
                self.f16(format!("{p}.time.qkv.w"), &[c, 3 * c]);
                self.f16(format!("{p}.time.out.w"), &[c, c]);
                self.f16(format!("{p}.time.bias"), &[dims.heads, dims.window]);
            }
            if block.prompt {
                self.f16(format!("{p}.text.q.w"), &[c, c]);
                self.f16(format!("{p}.text.kv.w"), &[c, 2 * c]);
                self.f16(format!("{p}.text.out.w"), &[c, c]);
            }
            self.linear(&format!("{p}.up"), c, dims.ffn_hidden);
            self.linear(&format!("{p}.down"), dims.ffn_hidden, c);
        }
        let hidden = m.frame.code_dims * dims.head_hidden;
        self.linear("dyn.head.hidden", c, hidden);
        self.f16("dyn.head.codes", &[logits, hidden]);
        self.f16("dyn.head.out.w", &[hidden, m.frame.code_levels]);
        self.f16("dyn.head.out.b", &[logits]);
        self.linear("dyn.head.copy", c, dims.sources());
        if dims.recall.is_some() {
            self.f16("dyn.recall.w", &[recall::TAPS * c, c]);
            self.f16("dyn.recall.age", &[recall::AGES, c]);
        }
        self.f16("text.in.w", &[prompt::CHANNELS + 1, c]);
        if dims.look_beside {
            self.f16("dyn.beside.w", &[recall::TAPS * c, c]);
        }
        if dims.vocabulary > 0 {
            let shape = vec![dims.vocabulary, m.frame.code_dims];
            self.0.push(TensorSpec { name: "vocabulary.tokens".into(), shape, dtype: PackDtype::U8 });
        }
        if dims.land > 0 {
            let beside = vec![2, dims.land, dims.land.div_ceil(8)];
            self.0.push(TensorSpec { name: "vocabulary.land".into(), shape: vec![dims.vocabulary], dtype: PackDtype::U8 });
            self.0.push(TensorSpec { name: "vocabulary.beside".into(), shape: beside, dtype: PackDtype::U8 });
        }
        if let Some(parity) = &m.parity {
            let t = parity.frames;
            self.0.push(TensorSpec { name: "parity.codes".into(), shape: vec![t, n, m.frame.code_dims], dtype: PackDtype::U8 });
            self.0.push(TensorSpec { name: "parity.actions".into(), shape: vec![t], dtype: PackDtype::U8 });
            self.0.push(TensorSpec { name: "parity.moved".into(), shape: vec![t], dtype: PackDtype::U8 });
            self.0.push(TensorSpec { name: "parity.logits".into(), shape: vec![t, n, logits], dtype: PackDtype::F32 });
        }
    }

    fn lam(&mut self, m: &Manifest, lam: &LamDims) {
        let (n, c) = (m.frame.patches(), lam.channels);
        let patch = (m.frame.patch_px / lam.shrink).pow(2) * 3;
        self.f16("lam.dec.kernel", &[1 << lam.bits, (2 * lam.reach + 1).pow(2)]);
        self.linear("lam.dec.in", patch, c);
        self.f16("lam.dec.pos", &[n, c]);
        self.f16("lam.dec.code", &[1 << lam.bits, c]);
        self.f16("lam.dec.blocked", &[1, c]);
        for i in 0..lam.blocks {
            self.block(&format!("lam.dec.{i}"), c, lam.ffn_hidden);
        }
        self.linear("lam.dec.out", c, patch);
    }
}
